//! What the engine tells the window, and the box the events wait in.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::Wake;
use super::analysis::{Exploration, ExplorationScores, ExploreRequest};
use super::jobs::check_files::FileCheck;
use super::jobs::import::ImportRequest;
use super::jobs::plan::TrainingPlan;
use super::jobs::predictions::RunPredictions;
use super::jobs::split::SplitRequest;
use super::jobs::split_preview::SplitPreview;
use super::session::RaterSession;
use super::snapshot::Snapshot;
use crate::clustering::Elbow;
use crate::error::Error;
use crate::evaluation::agreement_report::{AgreementReport, AgreementRequest};
use crate::ids::{ImageId, RunId, SortId};
use crate::progress::Progress;
use crate::project::{AnnotationEdit, Label, StudyRecord};
use crate::training::{BatchLoss, EpochRecord, TrainingConfiguration};

/// A message for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl From<&Error> for Notice {
    fn from(error: &Error) -> Self {
        Self { message: error.message.clone(), hint: error.hint.clone() }
    }
}

/// How a job ended.
#[derive(Clone, Debug)]
pub struct JobEnd {
    /// What came of it, in one sentence.
    pub summary: String,
    /// What the person should look at: files left out, lines with problems.
    pub details: Vec<String>,
    /// The run it made, if any.
    pub run: Option<RunId>,
    /// Its clusters are to be shown, so many of them.
    pub show_clusters: Option<usize>,
    /// Other ways to import what was refused.
    pub offers: Vec<ImportOffer>,
}

impl JobEnd {
    /// An end of which there is no more to say.
    pub fn said(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), details: Vec::new(), run: None, show_clusters: None, offers: Vec::new() }
    }
}

/// Another way to import what was refused.
#[derive(Clone, Debug)]
pub struct ImportOffer {
    /// What the button says.
    pub name: String,
    /// The import.
    pub request: ImportRequest,
}

/// A part of a project that changed, as it is now.
#[derive(Debug)]
pub enum ProjectChange {
    /// All labels.
    Labels(Vec<Label>),
    /// All studies.
    Studies(Vec<StudyRecord>),
    /// Pictures that take no part any more, or take part again.
    SetAside {
        /// Which.
        images: Vec<ImageId>,
        /// Why; none for those that take part again.
        reason: Option<String>,
    },
}

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A project was opened, or much changed in it.
    Loaded(Box<Snapshot>),
    /// A part of the project changed and is on disk; all else is as it was.
    Changed {
        /// What, as it is now.
        change: ProjectChange,
        /// What undo would take back.
        undo: Option<String>,
        /// What redo would do again.
        redo: Option<String>,
    },
    /// The project was closed.
    Closed,
    /// The folder is in use by another process; it can be opened for reading only.
    Busy {
        /// The project's folder.
        folder: PathBuf,
        /// Who holds it.
        notice: Notice,
    },
    /// Answers changed and are on disk.
    Annotated {
        /// Each answer as it is now (`after`).
        edits: Vec<AnnotationEdit>,
        /// What undo would take back.
        undo: Option<String>,
        /// What redo would do again.
        redo: Option<String>,
    },
    /// An edit of these images' answers could not be stored.
    EditFailed(Vec<ImageId>, Notice),
    /// A rater's session was opened, or went on to another sort.
    SessionOpened(Box<RaterSession>),
    /// A move of a sort is on disk, and with it all before it.
    MoveStored(SortId, usize),
    /// A move could not be stored; the sort is as it was before, and is opened again.
    MoveFailed(SortId, Notice),
    /// A job began.
    JobStarted(String),
    /// The job moved on.
    JobProgress(Progress),
    /// A line for the job's log.
    JobNote(String),
    /// What a run of these settings would be, or why there cannot be one.
    Planned(Box<TrainingConfiguration>, Result<Box<TrainingPlan>, Notice>),
    /// What a split would change, or why it cannot be made.
    SplitPreviewed(SplitRequest, Result<SplitPreview, Notice>),
    /// A training run has its number.
    RunStarted(RunId),
    /// An epoch ended.
    Epoch(RunId, Box<EpochRecord>),
    /// Steps of training were made.
    Batches(RunId, Vec<BatchLoss>),
    /// The job waits (true) or goes on (false).
    JobPaused(bool),
    /// The job ended well, or was stopped.
    JobEnded(JobEnd),
    /// Whether the pictures' files are still what was imported.
    FilesChecked(FileCheck),
    /// The job ended with an error.
    JobFailed(Notice),
    /// The epochs and steps of a run that was asked for.
    RunLoaded(RunId, Vec<EpochRecord>, Vec<BatchLoss>),
    /// What a run predicts for each picture.
    PredictionsLoaded(Box<RunPredictions>),
    /// Clusters that were asked for.
    Explored(Box<Exploration>),
    /// Clusters that were asked for cannot be made.
    ExploreFailed(ExploreRequest, Notice),
    /// Clusters that were asked for need label intensities that the run has not made.
    NoIntensities(ExploreRequest, Notice),
    /// How far the raters of a condition agree.
    AgreementFound(AgreementRequest, Arc<AgreementReport<ImageId>>),
    /// It cannot be said how far, and why.
    AgreementFailed(AgreementRequest, Notice),
    /// Their scores.
    Scored(Box<ExplorationScores>),
    /// The within-cluster sums of squares for a range of K, of the features that were asked for.
    ElbowFound(ExploreRequest, Elbow),
    /// An edit was undone, or done again.
    HistoryStep {
        /// Done again.
        forward: bool,
        /// The edit in words.
        what: String,
    },
    /// Good news.
    Done(String),
    /// Bad news.
    Problem(Notice),
}

/// Events that wait for the window. Progress reports that wait are replaced by newer ones, so that the box stays
/// small however slowly it is emptied.
pub struct Outbox {
    events: Mutex<VecDeque<Event>>,
    wake: Wake,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}

impl Outbox {
    /// An empty box.
    pub fn new(wake: Wake) -> Self {
        Self { events: Mutex::default(), wake }
    }

    /// Adds an event and wakes the window.
    pub fn push(&self, event: Event) {
        if let Ok(mut events) = self.events.lock() {
            if let (Some(Event::Batches(run, waiting)), Event::Batches(of_run, new)) = (events.back_mut(), &event)
                && run == of_run
            {
                waiting.extend_from_slice(new);
                return;
            }
            let replaces = matches!(
                (events.back(), &event),
                (Some(Event::JobProgress(_)), Event::JobProgress(_)) | (Some(Event::Loaded(_)), Event::Loaded(_))
            );
            if replaces {
                events.pop_back();
            }
            events.push_back(event);
        }
        (self.wake)();
    }

    /// Takes the oldest event.
    pub fn pop(&self) -> Option<Event> {
        self.events.lock().ok()?.pop_front()
    }
}
