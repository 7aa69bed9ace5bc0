//! The open project with what is quickly looked up in it.

use std::collections::HashMap;
use std::path::PathBuf;

use fixedbitset::FixedBitSet;

use crate::engine::{ProjectChange, Snapshot};
use crate::features::FeatureSource;
use crate::ids::{ImageId, LabelId};
use crate::project::{AnnotationEdit, ImageRecord};
use crate::wording::number;

/// The open project with what is quickly looked up in it.
#[derive(Debug)]
pub struct ProjectState {
    /// As last loaded, with annotations kept up to date.
    pub snapshot: Snapshot,
    /// Position of each image in `snapshot.images`.
    pub position: HashMap<ImageId, usize>,
    /// The path of each image in small letters, aligned with `snapshot.images`: what is searched, at every keystroke.
    pub(super) searched: Vec<String>,
    /// Places in `snapshot.images` of those with a yes, by label: what is filtered, at every keystroke.
    with_label: HashMap<LabelId, FixedBitSet>,
    /// Places of those with any answer.
    answered: FixedBitSet,
    /// Places of those that were set aside.
    set_aside: FixedBitSet,
    roots: HashMap<i64, PathBuf>,
    /// Images with a yes, by label.
    pub label_counts: HashMap<LabelId, usize>,
    /// Images with any answer.
    pub answered_images: usize,
    /// Images with an answer by anybody, also by those whose answers are not on show.
    pub answered_by_anybody: usize,
    /// Changes whenever anything above does.
    pub revision: u64,
}

impl ProjectState {
    /// Features in a few words.
    pub fn features_name(&self, source: FeatureSource) -> String {
        match source {
            FeatureSource::Run(run) => format!("Run {}", run.0),
            FeatureSource::Set(set) => {
                let known = self.snapshot.feature_sets.iter().find(|known| known.id == set);
                known.map_or_else(|| source.to_string(), |known| known.name.clone())
            }
        }
    }

    /// True when the columns of the features are labels, from 0 to 1 as they hold.
    pub fn has_label_columns(&self, source: FeatureSource) -> bool {
        match source {
            FeatureSource::Run(_) => true,
            FeatureSource::Set(set) => {
                let known = self.snapshot.feature_sets.iter().find(|known| known.id == set);
                known.is_some_and(|known| known.recipe.has_label_columns())
            }
        }
    }

    /// Takes a freshly loaded project.
    pub fn new(snapshot: Snapshot, revision: u64) -> Self {
        let position = snapshot.images.iter().enumerate().map(|(at, image)| (image.id, at)).collect();
        let roots = snapshot.roots.iter().map(|root| (root.id, root.path.clone())).collect();
        let searched = snapshot.images.iter().map(|image| image.relative_path.to_lowercase()).collect();
        let mut state = Self {
            snapshot,
            position,
            searched,
            with_label: HashMap::new(),
            answered: FixedBitSet::new(),
            set_aside: FixedBitSet::new(),
            roots,
            label_counts: HashMap::new(),
            answered_images: 0,
            answered_by_anybody: 0,
            revision,
        };
        state.index();
        state.count_labels();
        state
    }

    fn count_labels(&mut self) {
        self.label_counts = self.with_label.iter().map(|(label, with)| (*label, with.count_ones(..))).collect();
        self.count_answered();
    }

    /// Notes which images have which answers, for the filter of the Library.
    fn index(&mut self) {
        let images = self.snapshot.images.len();
        let none = || FixedBitSet::with_capacity(images);
        (self.answered, self.set_aside) = (none(), none());
        self.with_label = self.snapshot.labels.iter().map(|label| (label.id, none())).collect();
        for (at, image) in self.snapshot.images.iter().enumerate() {
            self.set_aside.set(at, image.set_aside.is_some());
        }
        for (image, answers) in &self.snapshot.answers {
            let Some(at) = self.position.get(image) else { continue };
            self.answered.insert(*at);
            for (label, _) in answers.iter().filter(|(_, yes)| **yes) {
                self.with_label.entry(*label).or_insert_with(none).insert(*at);
            }
        }
    }

    /// Notes the answers of one image anew.
    fn index_answer(&mut self, edit: &AnnotationEdit) {
        let Some(at) = self.position.get(&edit.image).copied() else { return };
        let images = self.snapshot.images.len();
        let with_label = self.with_label.entry(edit.label).or_insert_with(|| FixedBitSet::with_capacity(images));
        with_label.set(at, edit.after == Some(true));
        self.answered.set(at, self.snapshot.answers.contains_key(&edit.image));
    }

    /// Places in `snapshot.images` of those whose answers pass a filter: with a yes for the label, without any answer.
    pub(super) fn with_answers(&self, label: Option<LabelId>, unlabelled_only: bool) -> FixedBitSet {
        let mut fit = match label {
            Some(label) => self.with_label.get(&label).cloned().unwrap_or_default(),
            None => self.all_places(),
        };
        if unlabelled_only {
            fit.difference_with(&self.answered);
        }
        fit
    }

    /// Places of all images, or of those that take part.
    pub(super) fn places(&self, also_set_aside: bool) -> FixedBitSet {
        let mut places = self.all_places();
        if !also_set_aside {
            places.difference_with(&self.set_aside);
        }
        places
    }

    fn all_places(&self) -> FixedBitSet {
        let mut all = FixedBitSet::with_capacity(self.snapshot.images.len());
        all.insert_range(..);
        all
    }

    fn count_answered(&mut self) {
        let (mine, others) = (&self.snapshot.answers, &self.snapshot.answered_by_others);
        self.answered_images = mine.len();
        self.answered_by_anybody = mine.len() + others.iter().filter(|image| !mine.contains_key(image)).count();
    }

    /// How many pictures have an answer, and whose; never a number that seems to have lost what others did.
    pub fn answered_text(&self) -> String {
        let mine = number(self.answered_images);
        match &self.snapshot.annotator {
            Some(_) if self.answered_by_anybody != self.answered_images => {
                format!("{mine} with an answer of yours, {} by everybody", number(self.answered_by_anybody))
            }
            _ => format!("{mine} with an answer"),
        }
    }

    /// Takes over a part of the project that changed. `revision` is that of the change.
    pub fn changed(&mut self, change: ProjectChange, revision: u64) {
        match change {
            ProjectChange::Labels(labels) => self.snapshot.labels = labels,
            ProjectChange::Studies(studies) => self.snapshot.studies = studies,
            ProjectChange::Clusterings(clusterings) => self.snapshot.clusterings = clusterings,
            ProjectChange::SetAside { images, reason } => {
                for image in images {
                    if let Some(at) = self.position.get(&image) {
                        self.snapshot.images[*at].set_aside.clone_from(&reason);
                        self.set_aside.set(*at, reason.is_some());
                    }
                }
            }
        }
        self.revision = revision;
    }

    /// Takes over answers that are on disk now.
    pub fn annotated(&mut self, edits: &[AnnotationEdit]) {
        for edit in edits {
            let answers = self.snapshot.answers.entry(edit.image).or_default();
            match edit.after {
                Some(value) => answers.insert(edit.label, value),
                None => answers.remove(&edit.label),
            };
            if answers.is_empty() {
                self.snapshot.answers.remove(&edit.image);
            }
            self.index_answer(edit);
            let count = self.label_counts.entry(edit.label).or_default();
            *count =
                (*count + usize::from(edit.after == Some(true))).saturating_sub(usize::from(edit.before == Some(true)));
        }
        self.count_answered();
        self.revision += 1;
    }

    /// Counts loads: what does not change with annotations changes with it at most.
    pub fn load(&self) -> u64 {
        self.revision >> 32
    }

    /// An image.
    pub fn image(&self, id: ImageId) -> Option<&ImageRecord> {
        self.position.get(&id).map(|at| &self.snapshot.images[*at])
    }

    /// Where an image's file is.
    pub fn path(&self, image: &ImageRecord) -> PathBuf {
        self.roots.get(&image.root_id).map_or_else(PathBuf::new, |root| root.join(&image.relative_path))
    }

    /// The present annotator's answer.
    pub fn answer(&self, image: ImageId, label: LabelId) -> Option<bool> {
        self.snapshot.answers.get(&image)?.get(&label).copied()
    }
}
