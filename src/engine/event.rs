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
use crate::project::{AnnotationEdit, ClusteringRecord, Label, StudyRecord};
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
    /// All clusterings that are kept.
    Clusterings(Vec<ClusteringRecord>),
    /// Pictures that take no part any more, or take part again.
    SetAside {
        /// Which.
        images: Vec<ImageId>,
        /// Why; none for those that take part again.
        reason: Option<String>,
    },
}

/// Makes the type of all events from the subjects, so that each can be handed over as it is.
macro_rules! events {
    ($($(#[$doc:meta])* $subject:ident($events:ident),)*) => {
        /// Something that happened.
        #[derive(Debug)]
        pub enum Event {
            $($(#[$doc])* $subject($events),)*
            /// Good news.
            Done(String),
            /// Bad news.
            Problem(Notice),
        }

        $(impl From<$events> for Event {
            fn from(event: $events) -> Self {
                Self::$subject(event)
            }
        })*
    };
}

events! {
    /// The project that is open.
    Project(ProjectEvent),
    /// Answers and the history of edits.
    Edit(EditEvent),
    /// A rater's session.
    Session(SessionEvent),
    /// The job under way.
    Job(JobEvent),
    /// Runs, and what leads to them.
    Training(TrainingEvent),
    /// Clusters that were asked for.
    Explore(ExploreEvent),
    /// Agreement that was asked for.
    Agreement(AgreementEvent),
}

/// The project that is open.
#[derive(Debug)]
pub enum ProjectEvent {
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
    /// Whether the pictures' files are still what was imported.
    FilesChecked(FileCheck),
}

/// Answers and the history of edits.
#[derive(Debug)]
pub enum EditEvent {
    /// Answers changed and are on disk.
    Annotated {
        /// Each answer as it is now (`after`).
        edits: Vec<AnnotationEdit>,
        /// What undo would take back.
        undo: Option<String>,
        /// What redo would do again.
        redo: Option<String>,
    },
    /// An edit of these images could not be stored.
    Failed(Vec<ImageId>, Notice),
    /// An edit was undone, or done again.
    HistoryStep {
        /// Done again.
        forward: bool,
        /// The edit in words.
        what: String,
    },
}

/// A rater's session.
#[derive(Debug)]
pub enum SessionEvent {
    /// It was opened, or went on to another sort.
    Opened(Box<RaterSession>),
    /// A move of a sort is on disk, and with it all before it.
    MoveStored(SortId, usize),
    /// A move could not be stored; the sort is as it was before, and is opened again.
    MoveFailed(SortId, Notice),
}

/// The job under way.
#[derive(Debug)]
pub enum JobEvent {
    /// It began.
    Started(String),
    /// It moved on.
    Progress(Progress),
    /// A line for its log.
    Note(String),
    /// It waits (true) or goes on (false).
    Paused(bool),
    /// It ended well, or was stopped.
    Ended(JobEnd),
    /// It ended with an error.
    Failed(Notice),
}

/// Runs, and what leads to them.
#[derive(Debug)]
pub enum TrainingEvent {
    /// What a run of these settings would be, or why there cannot be one.
    Planned(Box<TrainingConfiguration>, Result<Box<TrainingPlan>, Notice>),
    /// What a split would change, or why it cannot be made.
    SplitPreviewed(SplitRequest, Result<SplitPreview, Notice>),
    /// A run has its number.
    RunStarted(RunId),
    /// An epoch ended.
    Epoch(RunId, Box<EpochRecord>),
    /// Steps were made.
    Batches(RunId, Vec<BatchLoss>),
    /// The epochs and steps of a run that was asked for.
    RunLoaded(RunId, Vec<EpochRecord>, Vec<BatchLoss>),
    /// What a run predicts for each picture.
    PredictionsLoaded(Arc<RunPredictions>),
}

/// Clusters that were asked for.
#[derive(Debug)]
pub enum ExploreEvent {
    /// The clusters.
    Explored(Arc<Exploration>),
    /// They cannot be made.
    Failed(ExploreRequest, Notice),
    /// They need label intensities that the run has not made.
    NoIntensities(ExploreRequest, Notice),
    /// Their scores.
    Scored(Arc<ExplorationScores>),
    /// The within-cluster sums of squares for a range of K, of the features that were asked for.
    ElbowFound(ExploreRequest, Elbow),
}

/// Agreement that was asked for.
#[derive(Debug)]
pub enum AgreementEvent {
    /// How far the raters of a condition agree.
    Found(AgreementRequest, Arc<AgreementReport<ImageId>>),
    /// It cannot be said how far, and why.
    Failed(AgreementRequest, Notice),
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
    pub fn push(&self, event: impl Into<Event>) {
        let event = event.into();
        if let Ok(mut events) = self.events.lock() {
            if let (
                Some(Event::Training(TrainingEvent::Batches(run, waiting))),
                Event::Training(TrainingEvent::Batches(of_run, new)),
            ) = (events.back_mut(), &event)
                && run == of_run
            {
                waiting.extend_from_slice(new);
                return;
            }
            let replaces = matches!(
                (events.back(), &event),
                (Some(Event::Job(JobEvent::Progress(_))), Event::Job(JobEvent::Progress(_)))
                    | (Some(Event::Project(ProjectEvent::Loaded(_))), Event::Project(ProjectEvent::Loaded(_)))
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
