//! What the window can ask of the engine.

use std::path::PathBuf;

use super::analysis::ExploreRequest;
use super::jobs::cluster::ClusteredPart;
use super::jobs::export_labels::LabelExport;
use super::jobs::import::ImportRequest;
use super::jobs::split::SplitRequest;
use super::sorts::MoveRequest;
use crate::evaluation::agreement_report::AgreementRequest;
use crate::ids::{ImageId, LabelId, PersonId, RunId, SortId, SplitId, StudyId};
use crate::project::NewStudy;
use crate::training::TrainingConfiguration;

impl Command {
    /// True for edits of answers, which are somebody's.
    pub fn gives_answers(&self) -> bool {
        matches!(self, Self::ToggleLabel { .. } | Self::ToggleNo { .. } | Self::Confirm(_) | Self::CopyLabels { .. })
    }
}

/// A request to the engine.
#[derive(Clone, Debug)]
pub enum Command {
    /// Make a project and open it.
    CreateProject(PathBuf),
    /// Open a project.
    OpenProject {
        /// Its folder.
        folder: PathBuf,
        /// Leave it unchanged; another process may be writing to it.
        read_only: bool,
    },
    /// Close the project.
    CloseProject,
    /// Load the project that is open anew.
    Reload,

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
    /// Add a label to the vocabulary.
    AddLabel(String),
    /// Give a label another name.
    RenameLabel(LabelId, String),
    /// Take a label out of the vocabulary.
    RemoveLabel(LabelId),
    /// Set images aside, or take them back.
    SetAside(Vec<ImageId>, Option<String>),
    /// Take the newest edit back.
    Undo,
    /// Do the edit undone last again.
    Redo,

    /// Make a study.
    CreateStudy(Box<NewStudy>),
    /// Let somebody take part in a study.
    AddRater(StudyId, String),
    /// Take a rater out of a study; what was done is kept.
    RemoveRater(StudyId, PersonId),
    /// Give a rater a new secret link.
    RenewLink(StudyId, PersonId),
    /// Close a study, or open it again.
    CloseStudy(StudyId, bool),
    /// Open a rater's session; also after a failed move, to see what is stored.
    OpenSession(StudyId, PersonId),
    /// Open the session of the rater of that name, in the study of that name or the only one.
    OpenSessionOf {
        /// The study's name.
        study: Option<String>,
        /// The rater's name.
        rater: String,
    },
    /// Make a move of a sort that is open.
    MakeMove(MoveRequest),
    /// The rater pauses.
    PauseSort(SortId),
    /// Submit a sort as a grouping, and go on to the next.
    SubmitSort(SortId),
    /// Begin a new version of a submitted sort.
    NewVersion(SortId),

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
    /// Say what a split would change.
    PreviewSplit(SplitRequest),
    /// Go back to a split made earlier.
    UseSplit(SplitId),
    /// Say what a run of these settings would be.
    PlanTraining(Box<TrainingConfiguration>),
    /// Train a run.
    Train(Box<TrainingConfiguration>),
    /// Go on with a run that was stopped, interrupted or failed, from its last checkpoint.
    ResumeRun(RunId),
    /// Train anew as a run was recorded.
    TrainAgain(RunId),
    /// Make the label intensities of pictures that joined after a run.
    ComputeIntensities(RunId, ClusteredPart),
    /// Make the demo project in a folder and open it.
    RunDemo(PathBuf),
    /// Stop the job under way.
    CancelJob,
    /// Let the job under way wait.
    PauseJob,
    /// Let it go on.
    ContinueJob,

    /// Load the epochs of a run.
    LoadRun(RunId),
    /// Load what a run predicts for each picture.
    LoadPredictions(RunId),
    /// Cluster and score.
    Explore(ExploreRequest),
    /// Compare the raters of a condition.
    Agreement(AgreementRequest),
    /// Write tables and figures of the agreement under a condition into a folder.
    ExportAgreement {
        /// What is compared.
        request: AgreementRequest,
        /// Level of the consensus by average linkage.
        level: f64,
        /// The folder.
        folder: PathBuf,
    },
    /// Write the log of moves of a study as JSON lines.
    ExportMoveLog(StudyId, PathBuf),
    /// Write the newest groupings as a long CSV.
    ExportGroupings(PathBuf),
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
    /// Write the clusters of a request as CSV.
    ExportAssignments {
        /// The clustering.
        request: ExploreRequest,
        /// The file to write.
        file: PathBuf,
    },
}
