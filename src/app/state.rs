//! What the window knows: the project as last loaded, the job under way, and what each view is set to.
//!
//! Views read it and change only their own part; everything about the project changes through the engine's events
//! in `logic`.

mod asking;
mod group;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::keys::GridStep;
use super::session::SessionState;
use crate::clustering::{Elbow, Method};
use crate::dataset::Part;
use crate::engine::analysis::{Exploration, ExplorationScores, ExploreRequest};
use crate::engine::jobs::check_files::FileCheck;
use crate::engine::jobs::cluster::ClusteredPart;
use crate::engine::jobs::plan::TrainingPlan;
use crate::engine::jobs::predictions::RunPredictions;
use crate::engine::{JobEnd, Notice, ProjectChange, Snapshot};
use crate::evaluation::score::Score;
use crate::features::FeatureSource;
use crate::ids::{ImageId, LabelId, RunId};
use crate::progress::Progress;
use crate::project::{AnnotationEdit, ImageRecord};
use crate::training::{BatchLoss, EpochRecord, TrainingConfiguration};
use crate::wording::{counted, number};

pub use asking::{SplitDialog, TestPart, WhoQuestion};
pub use group::{AgreementPage, AgreementState, GroupPage, GroupState, NewStudyForm, PicturesChoice, RetestChoice};

/// The six views.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum View {
    #[default]
    Library,
    Label,
    Group,
    Train,
    Explore,
    Report,
}

impl View {
    /// In the order of the rail.
    pub const ALL: [Self; 6] = [Self::Library, Self::Label, Self::Group, Self::Train, Self::Explore, Self::Report];
}

/// The open project with what is quickly looked up in it.
#[derive(Debug)]
pub struct ProjectState {
    /// As last loaded, with annotations kept up to date.
    pub snapshot: Snapshot,
    /// Position of each image in `snapshot.images`.
    pub position: HashMap<ImageId, usize>,
    /// The path of each image in small letters, aligned with `snapshot.images`: what is searched, at every keystroke.
    searched: Vec<String>,
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
            roots,
            label_counts: HashMap::new(),
            answered_images: 0,
            answered_by_anybody: 0,
            revision,
        };
        state.count_labels();
        state
    }

    fn count_labels(&mut self) {
        self.label_counts.clear();
        for answers in self.snapshot.answers.values() {
            for (label, _) in answers.iter().filter(|(_, yes)| **yes) {
                *self.label_counts.entry(*label).or_default() += 1;
            }
        }
        self.count_answered();
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
            ProjectChange::SetAside { images, reason } => {
                for image in images {
                    if let Some(at) = self.position.get(&image) {
                        self.snapshot.images[*at].set_aside.clone_from(&reason);
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
            let count = self.label_counts.entry(edit.label).or_default();
            *count =
                (*count + usize::from(edit.after == Some(true))).saturating_sub(usize::from(edit.before == Some(true)));
        }
        self.count_answered();
        self.revision += 1;
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

/// The job under way.
#[derive(Debug)]
pub struct JobState {
    /// "Import", "Training" …
    pub title: String,
    /// How far it is.
    pub progress: Option<Progress>,
    /// When it began.
    pub started: Instant,
    /// True once somebody pressed stop.
    pub stopping: bool,
    /// True while it waits on request.
    pub paused: bool,
}

/// How a grid is laid out, as last drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridShape {
    /// Pictures in a row.
    pub columns: usize,
    /// Rows that are seen at once.
    pub page_rows: usize,
}

impl Default for GridShape {
    fn default() -> Self {
        Self { columns: 1, page_rows: 1 }
    }
}

/// Which pictures are selected, with a way back.
#[derive(Debug, Default)]
pub struct Selection {
    /// The grid it is in.
    pub shape: GridShape,
    /// The selected images.
    pub images: HashSet<ImageId>,
    /// Where a range begins.
    pub anchor: Option<ImageId>,
    /// The image the keyboard is at.
    pub cursor: Option<ImageId>,
    before: Vec<HashSet<ImageId>>,
}

impl Selection {
    /// How many earlier selections are remembered.
    const REMEMBERED: usize = 100;

    /// Selects these images.
    pub fn set(&mut self, images: HashSet<ImageId>) {
        if images != self.images {
            self.before.push(std::mem::replace(&mut self.images, images));
            if self.before.len() > Self::REMEMBERED {
                self.before.remove(0);
            }
        }
    }

    /// Selects one image alone and puts the cursor there.
    pub fn only(&mut self, image: ImageId) {
        self.set(HashSet::from([image]));
        self.anchor = Some(image);
        self.cursor = Some(image);
    }

    /// Adds an image, or takes it out.
    pub fn toggle(&mut self, image: ImageId) {
        let mut images = self.images.clone();
        if !images.remove(&image) {
            images.insert(image);
        }
        self.set(images);
        self.anchor = Some(image);
        self.cursor = Some(image);
    }

    /// Selects from the anchor to `image` in the given order.
    pub fn extend(&mut self, image: ImageId, order: &[ImageId]) {
        let at = |wanted: ImageId| order.iter().position(|id| *id == wanted);
        let (Some(from), Some(to)) = (self.anchor.and_then(at), at(image)) else {
            self.only(image);
            return;
        };
        self.set(order[from.min(to)..=from.max(to)].iter().copied().collect());
        self.cursor = Some(image);
    }

    /// Moves the cursor in the grid that shows `order`; extends the selection from the anchor if asked to.
    pub fn go(&mut self, step: GridStep, extend: bool, order: &[ImageId]) {
        let Some(last) = order.len().checked_sub(1) else { return };
        let here = self.cursor.and_then(|cursor| order.iter().position(|image| *image == cursor)).unwrap_or(0);
        let GridShape { columns, page_rows } = self.shape;
        let page = columns * page_rows;
        let target = match step {
            GridStep::Left => here.saturating_sub(1),
            GridStep::Right => here + 1,
            GridStep::Up if here < columns => here,
            GridStep::Up => here - columns,
            GridStep::Down => here + columns,
            GridStep::PageUp => here.saturating_sub(page),
            GridStep::PageDown => here + page,
            GridStep::Home => 0,
            GridStep::End => last,
        };
        let target = order[target.min(last)];
        if extend {
            self.anchor = self.anchor.or(self.cursor);
            self.extend(target, order);
        } else {
            self.only(target);
        }
    }

    /// Brings the selection before the last change back.
    pub fn restore(&mut self) {
        if let Some(images) = self.before.pop() {
            self.images = images;
        }
    }
}

/// Settings of the Library view, and the list it shows, which the Label view goes through too.
#[derive(Debug, Default)]
pub struct LibraryState {
    /// Part of a name.
    pub search: String,
    /// Only pictures with this label.
    pub label: Option<LabelId>,
    /// Only pictures without an answer.
    pub unlabelled_only: bool,
    /// Also those that were set aside.
    pub show_set_aside: bool,
    /// What is selected.
    pub selection: Selection,
    /// Give the search field the keyboard in the next frame.
    pub focus_search: bool,
    /// Bring the cursor into view in the next frame.
    pub scroll_to_cursor: bool,
    shown: Vec<ImageId>,
    shown_for: Option<ShownFor>,
    /// Pictures that are in the list only because they are being labelled.
    held: Vec<ImageId>,
}

/// What a list of pictures was made for: a revision of the project, and the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ShownFor {
    revision: u64,
    search: String,
    label: Option<LabelId>,
    unlabelled_only: bool,
    show_set_aside: bool,
}

impl LibraryState {
    /// The pictures that pass the filter, in the order of their paths.
    pub fn shown(&self) -> &[ImageId] {
        &self.shown
    }

    fn is_current(&self, image: ImageId) -> bool {
        self.selection.cursor == Some(image) || self.selection.images.contains(&image)
    }

    /// Makes the list of [`Self::shown`] anew if the filter or the project changed, and sees to it that the current
    /// picture and the selected ones are in it: no key is ever about a picture that is not on show. Pictures that an
    /// answer would take out of the list while they are being labelled stay until they are left.
    pub fn refresh(&mut self, project: &ProjectState) {
        let wanted = ShownFor {
            revision: project.revision,
            search: self.search.clone(),
            label: self.label,
            unlabelled_only: self.unlabelled_only,
            show_set_aside: self.show_set_aside,
        };
        let left = self.held.iter().any(|image| !self.is_current(*image));
        if !left && self.shown_for.as_ref() == Some(&wanted) {
            return;
        }
        let same_filter = self
            .shown_for
            .as_ref()
            .is_some_and(|before| ShownFor { revision: wanted.revision, ..before.clone() } == wanted);
        let before = std::mem::take(&mut self.shown);
        let text = self.search.trim().to_lowercase();
        let mut marks = vec![false; project.snapshot.images.len()];
        let mut held = Vec::new();
        for ((image, path), mark) in project.snapshot.images.iter().zip(&project.searched).zip(&mut marks) {
            if !self.show_set_aside && image.set_aside.is_some() || !text.is_empty() && !path.contains(&text) {
                continue;
            }
            let answers_fit = self.label.is_none_or(|label| project.answer(image.id, label) == Some(true))
                && (!self.unlabelled_only || !project.snapshot.answers.contains_key(&image.id));
            if answers_fit || same_filter && self.is_current(image.id) {
                *mark = true;
                self.shown.push(image.id);
                if !answers_fit {
                    held.push(image.id);
                }
            }
        }
        self.held = held;
        self.shown_for = Some(wanted);
        let on_show = |image: &ImageId| project.position.get(image).is_some_and(|at| marks[*at]);
        self.keep_to(on_show, if same_filter { &before } else { &[] });
    }

    /// Takes what is not on show out of the selection, and moves the cursor on if it is not: to what follows it in the
    /// list `before`, or to the first picture.
    fn keep_to(&mut self, on_show: impl Fn(&ImageId) -> bool, before: &[ImageId]) {
        let selection = &mut self.selection;
        let had_some = !selection.images.is_empty();
        if !selection.images.iter().all(&on_show) {
            selection.set(selection.images.iter().copied().filter(&on_show).collect());
        }
        if selection.anchor.is_some_and(|anchor| !on_show(&anchor)) {
            selection.anchor = None;
        }
        if selection.cursor.is_some_and(|cursor| on_show(&cursor)) {
            return;
        }
        let at = before.iter().position(|image| Some(*image) == selection.cursor);
        let near = at.and_then(|at| {
            let after = before[at..].iter().find(|image| on_show(image));
            after.or_else(|| before[..at].iter().rev().find(|image| on_show(image)))
        });
        let selected = || self.shown.iter().find(|image| selection.images.contains(image));
        let next = selected().or(near).or(self.shown.first()).copied();
        selection.cursor = next;
        selection.anchor = selection.anchor.or(next);
        if had_some && selection.images.is_empty() {
            selection.set(next.into_iter().collect());
        }
        self.scroll_to_cursor = true;
    }

    /// Goes on from pictures that are about to leave the list: to the one after them, else to the one before.
    pub fn move_on_from(&mut self, leaving: &[ImageId]) {
        let leaving: HashSet<ImageId> = leaving.iter().copied().collect();
        let last = self.shown.iter().rposition(|image| leaving.contains(image));
        let Some(last) = last else { return };
        let stays = |image: &&ImageId| !leaving.contains(image);
        let next = self.shown[last..].iter().find(stays).or_else(|| self.shown[..last].iter().rev().find(stays));
        if let Some(next) = next.copied() {
            self.selection.only(next);
            self.scroll_to_cursor = true;
        }
    }

    /// Brings the selection before the last change back, as far as it is on show.
    pub fn restore_selection(&mut self) {
        self.selection.restore();
        let shown: HashSet<ImageId> = self.shown.iter().copied().collect();
        self.selection.images.retain(|image| shown.contains(image));
    }

    /// Selects a picture whose answers just changed and brings it into view. A filter by answers holds it; others that
    /// hide it are taken away.
    pub fn bring(&mut self, image: ImageId, project: &ProjectState) {
        let hidden = project.image(image).is_some_and(|record| {
            !self.show_set_aside && record.set_aside.is_some()
                || !record.relative_path.to_lowercase().contains(&self.search.trim().to_lowercase())
        });
        if hidden {
            self.show_alone(image, project);
        } else {
            self.selection.only(image);
            self.scroll_to_cursor = true;
        }
    }

    /// Selects one picture and brings it into view; filters that hide it are taken away.
    pub fn show_alone(&mut self, image: ImageId, project: &ProjectState) {
        if !self.shown.contains(&image) {
            self.search.clear();
            self.label = None;
            self.unlabelled_only = false;
            self.show_set_aside |= project.image(image).is_some_and(|image| image.set_aside.is_some());
            self.invalidate();
        }
        self.selection.only(image);
        self.scroll_to_cursor = true;
    }

    /// Makes the list anew in the next frame.
    pub fn invalidate(&mut self) {
        self.shown_for = None;
    }
}

/// Settings of the Label view.
#[derive(Debug, Default)]
pub struct LabelState {
    /// Text in the field for a new label.
    pub new_label: String,
    /// Why the label, or the new name of a label, cannot be taken.
    pub complaint: Option<String>,
    /// The picture on show, once an answer about it was given in the Label view.
    pub touched: Option<ImageId>,
    /// The label being renamed and its new name so far.
    pub renaming: Option<(LabelId, String)>,
    /// Text in the field for a new annotator.
    pub new_annotator: String,
    /// Labels to paste.
    pub copied_from: Option<ImageId>,
}

/// What the Train view shows of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TrainPage {
    #[default]
    Curves,
    Labels,
    Compare,
    Log,
    Plan,
}

impl TrainPage {
    /// Each with its name and what it is for.
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Curves, "Curves", "How well the network fits, epoch by epoch"),
        (Self::Labels, "Labels", "How well each label is predicted, and the pictures it got most wrong"),
        (Self::Compare, "Compare", "Several runs over each other, and what differed in their settings"),
        (Self::Log, "Log", "What the run said while it was at work"),
        (Self::Plan, "Next run", "What the next run would work on, and how long it would take"),
    ];
}

/// A column of the table of labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LabelColumn {
    Name,
    TrainPositives,
    ValidationPositives,
    Train,
    #[default]
    Validation,
    Gained,
    Threshold,
}

impl LabelColumn {
    /// Each with its heading and its explanation.
    pub const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Name, "Label", "The labels of the run"),
        (Self::TrainPositives, "In train", "Training pictures that have the label, without copies"),
        (Self::ValidationPositives, "In valid.", "Validation pictures that have the label"),
        (Self::Train, "AP, train", "Average precision in the training part at the best epoch"),
        (
            Self::Validation,
            "AP, validation",
            "Average precision in the validation part at the best epoch: 1 when every picture with the label stands \
             before every one without when they are sorted by its intensity; a dash where no picture has it",
        ),
        (Self::Gained, "Gained", "What the validation part's average precision gained since the first epoch"),
        (
            Self::Threshold,
            "Threshold",
            "The threshold: from this intensity on the label counts as given; chosen on the validation part for the \
             highest F1",
        ),
    ];
}

/// Settings, with what a run of them would be or why there cannot be one.
pub type Planned = (Box<TrainingConfiguration>, Result<Box<TrainingPlan>, Notice>);

/// The Train view.
#[derive(Debug)]
pub struct TrainState {
    /// Settings of the next run.
    pub configuration: TrainingConfiguration,
    /// The settings that were planned last, with what a run of them would be or why there cannot be one.
    pub plan: Option<Planned>,
    /// The settings whose plan was asked for last, and for which revision of the project.
    pub plan_asked: Option<(TrainingConfiguration, u64)>,
    /// Epochs of runs, as far as loaded.
    pub epochs: HashMap<RunId, Vec<EpochRecord>>,
    /// Steps of runs, as far as loaded.
    pub batches: HashMap<RunId, Vec<BatchLoss>>,
    /// Lines of the job under way or the last one.
    pub log: Vec<String>,
    /// The run at work.
    pub live: Option<RunId>,
    /// The run whose curves are shown.
    pub shown: Option<RunId>,
    /// What is shown of it.
    pub page: TrainPage,
    /// Weight of what came before in smoothed curves, 0 (none) to below 1.
    pub smoothing: f64,
    /// Losses on a logarithmic scale.
    pub logarithmic: bool,
    /// The training loss by step rather than by epoch.
    pub by_batch: bool,
    /// The grouping that entropy is shown against; the mean over all of them when not chosen.
    pub grouping: Option<String>,
    /// The runs compared, in the order of their colours.
    pub compared: Vec<RunId>,
    /// The column that the table of labels is sorted by.
    pub label_column: LabelColumn,
    /// From the largest to the smallest.
    pub label_descending: bool,
    /// The label whose mistakes are shown, by its place in the run's order.
    pub label: Option<usize>,
    /// The part whose mistakes are shown.
    pub mistakes_part: Part,
    /// The mistake looked at alone.
    pub picked: Option<ImageId>,
    /// What a run predicts for each picture.
    pub predictions: Option<Rc<RunPredictions>>,
    /// The run whose predictions were asked for last, and for which load of the project.
    pub predictions_asked: Option<(RunId, u64)>,
}

impl Default for TrainState {
    fn default() -> Self {
        Self {
            configuration: TrainingConfiguration::default(),
            plan: None,
            plan_asked: None,
            epochs: HashMap::new(),
            log: Vec::new(),
            live: None,
            shown: None,
            page: TrainPage::default(),
            batches: HashMap::new(),
            smoothing: 0.0,
            logarithmic: false,
            by_batch: false,
            grouping: None,
            compared: Vec::new(),
            label_column: LabelColumn::default(),
            label_descending: true,
            label: None,
            mistakes_part: Part::Validation,
            picked: None,
            predictions: None,
            predictions_asked: None,
        }
    }
}

impl TrainState {
    /// Takes an epoch of a run at work. One that is known already is done anew, after a resume, and so are all after it.
    pub fn add_epoch(&mut self, run: RunId, record: EpochRecord) {
        let epochs = self.epochs.entry(run).or_default();
        epochs.retain(|known| known.epoch < record.epoch);
        epochs.push(record);
    }

    /// Takes steps of a run at work; those known already are done anew, and so are all after them.
    pub fn add_batches(&mut self, run: RunId, batches: Vec<BatchLoss>) {
        let Some(first) = batches.first().map(|batch| (batch.epoch, batch.step)) else { return };
        let known = self.batches.entry(run).or_default();
        while known.last().is_some_and(|batch| (batch.epoch, batch.step) >= first) {
            known.pop();
        }
        known.extend(batches);
    }

    /// Takes what is on the disk of a run, to which a run at work may have added meanwhile.
    pub fn loaded(&mut self, run: RunId, epochs: Vec<EpochRecord>, batches: Vec<BatchLoss>) {
        let at_work = self.live == Some(run);
        let newer_epochs = self.epochs.insert(run, epochs).filter(|_| at_work).unwrap_or_default();
        let newer_batches = self.batches.insert(run, batches).filter(|_| at_work).unwrap_or_default();
        let last_epoch = self.epochs.get(&run).and_then(|known| known.last()).map(|known| known.epoch);
        for record in newer_epochs.into_iter().filter(|record| Some(record.epoch) > last_epoch) {
            self.add_epoch(run, record);
        }
        let last_batch = self.batches.get(&run).and_then(|known| known.last()).map(|known| (known.epoch, known.step));
        let newer = newer_batches.into_iter().filter(|batch| Some((batch.epoch, batch.step)) > last_batch).collect();
        self.add_batches(run, newer);
    }

    /// Shows another run; a label is chosen by its place, which means something else there.
    pub fn show_run(&mut self, run: RunId) {
        if self.shown != Some(run) {
            self.label = None;
            self.picked = None;
        }
        self.shown = Some(run);
        if !matches!(self.page, TrainPage::Curves | TrainPage::Labels) {
            self.page = TrainPage::Curves;
        }
    }
}

/// The Explore view.
#[derive(Debug)]
pub struct ExploreState {
    /// The features; the label intensities of the newest usable run, or else the newest set, when not chosen.
    pub features: Option<FeatureSource>,
    /// Which pictures.
    pub part: ClusteredPart,
    /// How they are clustered.
    pub method: Method,
    /// K.
    pub clusters: usize,
    /// Seed of whatever is drawn.
    pub seed: u64,
    /// What was asked last.
    pub requested: Option<(ExploreRequest, u64)>,
    /// Why the clusters asked for last cannot be shown, if so.
    pub failed: Option<Notice>,
    /// That is because the run made no label intensities.
    pub lacks_intensities: bool,
    /// The clusters on show.
    pub exploration: Option<Exploration>,
    /// Their scores.
    pub scores: Option<ExplorationScores>,
    /// The elbow curve.
    pub elbow: Option<Elbow>,
    /// The cluster looked at alone.
    pub focused_cluster: Option<usize>,
    /// The picture looked at.
    pub picked: Option<ImageId>,
    /// What is selected in the focused cluster.
    pub selection: Selection,
    /// Bring the cursor into view in the next frame.
    pub scroll_to_cursor: bool,
}

impl Default for ExploreState {
    fn default() -> Self {
        Self {
            features: None,
            part: ClusteredPart::default(),
            method: Method::default(),
            clusters: 5,
            seed: 1,
            requested: None,
            failed: None,
            lacks_intensities: false,
            exploration: None,
            scores: None,
            elbow: None,
            focused_cluster: None,
            picked: None,
            selection: Selection::default(),
            scroll_to_cursor: false,
        }
    }
}

/// Good news that goes away by itself. There is one at a time: the same again, and edits undone one after another, are
/// counted.
#[derive(Debug)]
pub struct Toast {
    /// The news.
    pub text: String,
    /// Which way in the history it was a step, if it was one.
    step_forward: Option<bool>,
    /// How often in a row.
    count: usize,
    /// Since when it is shown.
    pub since: Instant,
}

impl Toast {
    /// How long it is shown.
    pub const SHOWN: Duration = Duration::from_secs(5);

    /// The news as it is said.
    pub fn said(&self) -> String {
        match (self.step_forward, self.count) {
            (Some(forward), count) => {
                let (one, many) = if forward { ("Done again", "done again") } else { ("Undone", "undone") };
                match count {
                    1 => format!("{one}: {}", self.text),
                    count => format!("{} {many}, the last: {}", counted(count, "edit"), self.text),
                }
            }
            (None, 1) => self.text.clone(),
            (None, count) => format!("{}  ({} times)", self.text, number(count)),
        }
    }
}

/// The list of all commands, while it is open.
#[derive(Debug, Default)]
pub struct PaletteState {
    /// What was typed.
    pub text: String,
    /// Which of the matches is chosen.
    pub chosen: usize,
}

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PathPurpose {
    NewProject,
    OpenProject,
    ImportPictures,
    ImportLabels,
    ImportGroupings,
    FindPictures,
    ExportClusters,
    ExportModel,
    ExportLabels,
    ExportGroupings,
    ExportMoveLog,
    ExportAgreement,
    TestPictures,
}

/// The pane that asks for a path, for those who type it or have no file dialog.
#[derive(Clone, Debug)]
pub struct PathQuestion {
    /// What for.
    pub purpose: PathPurpose,
    /// The path so far.
    pub text: String,
    /// Why the path given last cannot be used.
    pub complaint: Option<String>,
    /// The file that is there already and would be replaced, once that was asked about.
    pub replacing: Option<PathBuf>,
    /// Take the sound part of a CSV with problems.
    pub accept_problems: bool,
    /// Give the field the keyboard in the next frame.
    pub focus: bool,
}

impl PathQuestion {
    /// The pane as it opens.
    pub fn new(purpose: PathPurpose) -> Self {
        Self { purpose, text: String::new(), complaint: None, replacing: None, accept_problems: false, focus: true }
    }
}

/// Everything.
#[derive(Debug, Default)]
pub struct AppState {
    /// The view on show.
    pub view: View,
    /// The open project. Views hold on to it while they draw; it changes only between frames.
    pub project: Option<Rc<ProjectState>>,
    /// Pictures whose files are not what was imported, as last looked at.
    pub file_check: FileCheck,
    /// The folder that is in use by another process.
    pub busy: Option<(PathBuf, Notice)>,
    /// The job under way.
    pub job: Option<JobState>,
    /// How the last job ended, as long as nobody closed it.
    pub job_end: Option<JobEnd>,
    /// Bad news, until somebody closes it.
    pub problems: Vec<Notice>,
    /// True while the list of problems is open.
    pub show_problems: bool,
    /// Good news.
    pub toast: Option<Toast>,
    /// Library view.
    pub library: LibraryState,
    /// Label view.
    pub label: LabelState,
    /// Train view.
    pub train: TrainState,
    /// Group view.
    pub group: GroupState,
    /// Explore view.
    pub explore: ExploreState,
    /// The score that Report shows; entropy until another was chosen.
    pub report_score: Option<&'static Score>,
    /// The rater's session that fills the window.
    pub session: Option<SessionState>,
    /// True once somebody asked to leave it.
    pub leave_session: bool,
    /// True when the window was opened for one rater alone.
    pub rater_alone: bool,
    /// The list of all commands.
    pub palette: Option<PaletteState>,
    /// True while the cheat sheet is open.
    pub cheat_sheet: bool,
    /// The pane that asks for a path.
    pub path_question: Option<PathQuestion>,
    /// The path given last, until it is known whether it could be used.
    pub path_given: Option<PathQuestion>,
    /// Who labels is being asked.
    pub who: Option<WhoQuestion>,
    /// Somebody was chosen to label, and the project is not loaded anew yet.
    pub who_was_chosen: bool,
    /// A new split is being described.
    pub split_dialog: Option<SplitDialog>,
    /// Asking whether to stop the job under way and close the window.
    pub ask_before_quitting: bool,
    /// The window closes as soon as the job under way has stopped.
    pub quitting: bool,
    /// Counts loads of projects.
    pub loads: u64,
}

impl AppState {
    /// Tells good news.
    pub fn toast(&mut self, text: impl Into<String>) {
        self.tell(text.into(), None);
    }

    /// Tells what was undone or done again.
    pub fn tell_step(&mut self, what: String, forward: bool) {
        self.tell(what, Some(forward));
    }

    fn tell(&mut self, text: String, step_forward: Option<bool>) {
        let before = self.toast.take().filter(|toast| toast.since.elapsed() < Toast::SHOWN);
        let again =
            before.filter(|toast| toast.step_forward == step_forward && (step_forward.is_some() || toast.text == text));
        let count = again.map_or(1, |toast| toast.count + 1);
        self.toast = Some(Toast { text, step_forward, count, since: Instant::now() });
    }

    /// True while something lies over the views that wants an answer first.
    pub fn dialog_is_open(&self) -> bool {
        self.who.as_ref().is_some_and(|who| !who.just_asked) || self.split_dialog.is_some() || self.ask_before_quitting
    }

    /// True while a field that was asked for in this frame is about to get the keyboard: what is typed is its already.
    pub fn field_awaits_keyboard(&self) -> bool {
        self.palette.is_some()
            || self.library.focus_search
            || self.path_question.as_ref().is_some_and(|question| question.focus)
            || self.who.as_ref().is_some_and(|who| who.focus && !who.just_asked)
            || self.group.form.as_ref().is_some_and(|form| form.focus)
            || self.view == View::Label && self.label.renaming.as_ref().is_some_and(|(_, name)| name.is_empty())
    }

    /// Adds bad news.
    pub fn problem(&mut self, notice: Notice) {
        if self.problems.last() != Some(&notice) {
            self.problems.push(notice);
        }
        self.show_problems = true;
    }
}
