//! Everything the window shows of a project, loaded at once.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::jobs::demo::DATA_REMARK;
use crate::dataset::Answers;
use crate::error::{Error, Result};
use crate::ids::{ImageId, PersonId};
use crate::project::{
    AnswerCount, ClusteringRecord, FeatureSetRecord, GroupingRecord, ImageRecord, ImageRoot, Label, Person, Project,
    RejectedFile, RunRecord, SplitRecord, SplitSummary, StudyRecord,
};

/// A project as it was when it was loaded.
#[derive(Debug)]
pub struct Snapshot {
    /// Its folder.
    pub folder: PathBuf,
    /// Its name.
    pub name: String,
    /// True when nothing can be changed.
    pub read_only: bool,
    /// Where its data come from, when that needs saying on every screen.
    pub data_remark: Option<String>,
    /// Its images by path.
    pub images: Vec<ImageRecord>,
    /// Where the images' files are.
    pub roots: Vec<ImageRoot>,
    /// Files that did not become images.
    pub rejected_files: Vec<RejectedFile>,
    /// The vocabulary.
    pub labels: Vec<Label>,
    /// The annotators.
    pub annotators: Vec<Person>,
    /// Who is annotating.
    pub annotator: Option<Person>,
    /// That annotator's answers; as long as nobody annotates, what all annotators together say.
    pub answers: Answers,
    /// How much each annotator has answered.
    pub answer_counts: HashMap<PersonId, AnswerCount>,
    /// Images that others than that annotator have answered about.
    pub answered_by_others: HashSet<ImageId>,
    /// Groups made by people.
    pub groupings: Vec<GroupingRecord>,
    /// Studies in which raters sort pictures, with their progress.
    pub studies: Vec<StudyRecord>,
    /// The split in use.
    pub split: Option<SplitRecord>,
    /// All splits, the newest first.
    pub splits: Vec<SplitSummary>,
    /// Runs, newest first.
    pub runs: Vec<RunRecord>,
    /// Feature sets that are kept.
    pub feature_sets: Vec<FeatureSetRecord>,
    /// Clusterings that are kept.
    pub clusterings: Vec<ClusteringRecord>,
    /// What undo would take back.
    pub undo: Option<String>,
    /// What redo would do again.
    pub redo: Option<String>,
}

impl Snapshot {
    /// Loads everything, with the answers of `annotator`.
    pub fn load(project: &Project, annotator: Option<&Person>) -> Result<Self> {
        // Most of the time goes into the answers, so they are read beside the rest.
        let reader = project.share_for_reading()?;
        std::thread::scope(|scope| {
            let answered = scope.spawn(move || Answered::load(&reader, annotator));
            let rest = Self::without_answers(project, annotator)?;
            let answered = answered.join().map_err(|_| Error::internal("the answers could not be read"))??;
            Ok(Self {
                answers: answered.answers,
                answer_counts: answered.counts,
                answered_by_others: answered.by_others,
                ..rest
            })
        })
    }

    fn without_answers(project: &Project, annotator: Option<&Person>) -> Result<Self> {
        let (undo, redo) = project.history_outlook()?;
        Ok(Self {
            folder: project.folder().to_path_buf(),
            name: project.name(),
            read_only: project.is_read_only(),
            data_remark: project.remark(DATA_REMARK)?,
            images: project.images()?,
            roots: project.image_roots()?,
            rejected_files: project.rejected_files()?,
            labels: project.labels()?,
            annotators: project.people(crate::project::Role::Annotator)?,
            annotator: annotator.cloned(),
            answers: Answers::new(),
            answer_counts: HashMap::new(),
            answered_by_others: HashSet::new(),
            groupings: project.groupings()?,
            studies: project.studies()?,
            split: project.current_split()?,
            splits: project.splits()?,
            runs: project.runs()?,
            feature_sets: project.feature_sets()?,
            clusterings: project.clusterings()?,
            undo,
            redo,
        })
    }
}

/// The answers that are on show, and how many there are by whom.
struct Answered {
    answers: Answers,
    counts: HashMap<PersonId, AnswerCount>,
    by_others: HashSet<ImageId>,
}

impl Answered {
    fn load(project: &Project, annotator: Option<&Person>) -> Result<Self> {
        Ok(Self {
            answers: match annotator {
                Some(person) => project.answers_of(person.id)?,
                None => project.consensus()?,
            },
            counts: project.answer_counts()?,
            by_others: match annotator {
                Some(person) => project.images_answered_by_others(person.id)?,
                None => HashSet::new(),
            },
        })
    }
}
