//! What the window can ask of the engine, by subject. Each subject has a file of its own below the desk, which does it.

use std::path::PathBuf;
use std::sync::Arc;

use super::analysis::{Exploration, ExploreRequest};
use super::jobs::cluster::ClusteredPart;
use super::jobs::export_labels::LabelExport;
use super::jobs::import::ImportRequest;
use super::jobs::split::SplitRequest;
use super::sorts::MoveRequest;
use crate::evaluation::agreement_report::AgreementRequest;
use crate::ids::{ImageId, LabelId, PersonId, RunId, SortId, SplitId, StudyId};
use crate::project::NewStudy;
use crate::training::TrainingConfiguration;

/// Makes the type of all commands from the subjects, so that each can be handed over as it is.
macro_rules! commands {
    ($($(#[$doc:meta])* $subject:ident($commands:ident),)*) => {
        /// A request to the engine.
        #[derive(Clone, Debug)]
        pub enum Command {
            $($(#[$doc])* $subject($commands),)*
        }

        $(impl From<$commands> for Command {
            fn from(command: $commands) -> Self {
                Self::$subject(command)
            }
        })*
    };
}

commands! {
    /// Projects are opened and closed.
    Project(ProjectCommand),
    /// Answers, and who gives them.
    Annotation(AnnotationCommand),
    /// All else that can be undone.
    Edit(EditCommand),
    /// Studies and who takes part in them.
    Study(StudyCommand),
    /// A rater's session.
    Session(SessionCommand),
    /// Long work, one at a time.
    Job(JobCommand),
    /// The job under way.
    Control(JobControl),
    /// What is to be known.
    Lookup(Lookup),
    /// What is written at once.
    Export(ExportCommand),
}

/// Projects are opened and closed.
#[derive(Clone, Debug)]
pub enum ProjectCommand {
    /// Make a project and open it.
    Create(PathBuf),
    /// Open a project.
    Open {
        /// Its folder.
        folder: PathBuf,
        /// Leave it unchanged; another process may be writing to it.
        read_only: bool,
    },
    /// Close the project.
    Close,
    /// Load the project that is open again.
    Reload,
}

/// Answers, and who gives them.
#[derive(Clone, Debug)]
pub enum AnnotationCommand {
    /// Annotate as this person from now on; the name joins the project if new.
    ChooseAnnotator(String),
    /// Nobody annotates from now on: answers on show are what all annotators together say.
    ShowEverybody,
    /// Give the label to all of the images, or take it back when all of them have it.
    ToggleLabel {
        /// The images.
        images: Vec<ImageId>,
        /// The label.
        label: LabelId,
    },
    /// Answer "no" for a label, or take that answer back when all of them have it.
    ToggleNo {
        /// The images.
        images: Vec<ImageId>,
        /// The label.
        label: LabelId,
    },
    /// Answer "no" for every label that has no answer yet: the image is done.
    Confirm(Vec<ImageId>),
    /// Give images the answers of another.
    CopyLabels {
        /// The image to copy from.
        from: ImageId,
        /// The images to copy to.
        to: Vec<ImageId>,
    },
}

impl AnnotationCommand {
    /// True for edits of answers, which are somebody's.
    pub fn gives_answers(&self) -> bool {
        !matches!(self, Self::ChooseAnnotator(_) | Self::ShowEverybody)
    }
}

/// All else that can be undone.
#[derive(Clone, Debug)]
pub enum EditCommand {
    /// Add a label to the schema.
    AddLabel(String),
    /// Give a label another name.
    RenameLabel(LabelId, String),
    /// Take a label out of the schema.
    RemoveLabel(LabelId),
    /// Set images aside for a reason, or take them back without one.
    SetAside(Vec<ImageId>, Option<String>),
    /// Go back to a split made earlier.
    UseSplit(SplitId),
    /// Keep the clusters on show under a name.
    KeepClustering(String, Arc<Exploration>),
    /// Take the newest edit back.
    Undo,
    /// Do the edit undone last again.
    Redo,
}

/// Studies and who takes part in them.
#[derive(Clone, Debug)]
pub enum StudyCommand {
    /// Make a study.
    Create(Box<NewStudy>),
    /// Let somebody take part in a study.
    AddRater(StudyId, String),
    /// Take a rater out of a study; what was done is kept.
    RemoveRater(StudyId, PersonId),
    /// Give a rater a new secret link.
    RenewLink(StudyId, PersonId),
    /// Close a study, or open it again.
    SetClosed(StudyId, bool),
}

/// A rater's session.
#[derive(Clone, Debug)]
pub enum SessionCommand {
    /// Open a rater's session; also after a failed move, to see what is stored.
    Open(StudyId, PersonId),
    /// Open the session of the rater of that name, in the study of that name or the only one.
    OpenOf {
        /// The study's name.
        study: Option<String>,
        /// The rater's name.
        rater: String,
    },
    /// Make a move of a sort that is open.
    Move(MoveRequest),
    /// The rater pauses.
    Pause(SortId),
    /// Submit a sort as a grouping, and go on to the next.
    Submit(SortId),
    /// Begin a new version of a submitted sort.
    NewVersion(SortId),
}

/// Long work, one at a time.
#[derive(Clone, Debug)]
pub enum JobCommand {
    /// Import pictures, labels or groupings.
    Import(ImportRequest),
    /// Say where the pictures are now.
    Relink {
        /// Which of the imported folders moved; the only one when `None`.
        root_id: Option<i64>,
        /// Where it is now.
        folder: PathBuf,
    },
    /// Divide the pictures into parts.
    Split(SplitRequest),
    /// Train a run.
    Train(Box<TrainingConfiguration>),
    /// Go on with a run that was stopped, interrupted or failed, from its last checkpoint.
    Resume(RunId),
    /// Train again as a run was recorded.
    TrainAgain(RunId),
    /// Make the label intensities of pictures that joined after a run.
    ComputeIntensities(RunId, ClusteredPart),
    /// Make the demo project in a folder and open it.
    RunDemo(PathBuf),
    /// Write labels to a file, or text files below a folder; files of the same kind are replaced.
    ExportLabels {
        /// Whose labels, in which form.
        export: LabelExport,
        /// The file or folder.
        path: PathBuf,
    },
    /// Write the network of a run.
    ExportModel {
        /// The run.
        run: RunId,
        /// The safetensors file to write.
        file: PathBuf,
    },
}

/// What can be done with the job under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobControl {
    /// Stop it.
    Cancel,
    /// Let it wait.
    Pause,
    /// Let it go on.
    Continue,
}

/// What is to be known: the answer comes as an event with its request.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// The epochs and steps of a run.
    Run(RunId),
    /// What a run predicts for each picture.
    Predictions(RunId),
    /// What a run of these settings would be.
    Plan(Box<TrainingConfiguration>),
    /// What a split would change.
    Split(SplitRequest),
    /// Clusters, their scores and the elbow curve.
    Explore(ExploreRequest),
    /// How far the raters of a condition agree.
    Agreement(AgreementRequest),
}

/// What is written to files at once.
#[derive(Clone, Debug)]
pub enum ExportCommand {
    /// Tables and figures of the agreement under a condition, into a folder.
    Agreement {
        /// What is compared.
        request: AgreementRequest,
        /// Level of the consensus by average linkage.
        level: f64,
        /// The folder.
        folder: PathBuf,
    },
    /// The log of moves of a study as JSON lines.
    MoveLog(StudyId, PathBuf),
    /// The newest groupings as a long CSV.
    Groupings(PathBuf),
    /// The clusters of a request as CSV.
    Assignments {
        /// The clustering.
        request: ExploreRequest,
        /// The file to write.
        file: PathBuf,
    },
}
