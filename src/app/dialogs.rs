//! The system's file dialogs. They are opened on the main thread, as systems demand, and waited for on another, so
//! that the window goes on drawing.

use std::marker::PhantomData;
use std::path::PathBuf;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::state::PathPurpose;
use crate::engine::Wake;

/// Proof of being on the main thread: it cannot be sent to another.
#[derive(Debug)]
pub struct MainThread(PhantomData<*const ()>);

impl MainThread {
    /// To be called where the window is made, which is the main thread.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// The dialogs and their answers.
#[derive(Debug)]
pub struct Dialogs {
    sender: Sender<(PathPurpose, PathBuf)>,
    /// Paths that were chosen.
    pub answers: Receiver<(PathPurpose, PathBuf)>,
}

impl Default for Dialogs {
    fn default() -> Self {
        let (sender, answers) = unbounded();
        Self { sender, answers }
    }
}

impl Dialogs {
    /// Opens the dialog that fits the purpose. A dialog that was closed without a choice gives no answer.
    pub fn ask(&self, purpose: PathPurpose, _proof: &MainThread, wake: &Wake) {
        let dialog = rfd::AsyncFileDialog::new().set_title(purpose.title());
        let future: std::pin::Pin<Box<dyn Future<Output = Option<rfd::FileHandle>> + Send>> = match purpose {
            PathPurpose::NewProject
            | PathPurpose::OpenProject
            | PathPurpose::ImportPictures
            | PathPurpose::ExportAgreement
            | PathPurpose::FindPictures => Box::pin(dialog.pick_folder()),
            PathPurpose::TestPictures => Box::pin(dialog.add_filter("Text", &["txt", "csv"]).pick_file()),
            PathPurpose::ImportLabels => Box::pin(dialog.add_filter("CSV", &["csv"]).pick_file()),
            PathPurpose::ImportGroupings => Box::pin(dialog.add_filter("CSV, JSON", &["csv", "json"]).pick_file()),
            PathPurpose::ExportMoveLog => {
                Box::pin(dialog.add_filter("JSON lines", &["jsonl"]).set_file_name("moves.jsonl").save_file())
            }
            PathPurpose::ExportLabels => {
                Box::pin(dialog.add_filter("CSV", &["csv"]).set_file_name("labels.csv").save_file())
            }
            PathPurpose::ExportGroupings => {
                Box::pin(dialog.add_filter("CSV", &["csv"]).set_file_name("groupings.csv").save_file())
            }
            PathPurpose::ExportModel => Box::pin(
                dialog.add_filter("safetensors", &["safetensors"]).set_file_name("model.safetensors").save_file(),
            ),
            PathPurpose::ExportClusters => {
                Box::pin(dialog.add_filter("CSV", &["csv"]).set_file_name("clusters.csv").save_file())
            }
        };
        let (sender, wake) = (self.sender.clone(), wake.clone());
        // Without a thread there is no dialog; the field for typing the path stays.
        let _ = std::thread::Builder::new().name("file dialog".to_owned()).spawn(move || {
            if let Some(file) = pollster::block_on(future) {
                let _ = sender.send((purpose, file.path().to_path_buf()));
                wake();
            }
        });
    }
}

impl PathPurpose {
    /// What the dialog says.
    pub fn title(self) -> &'static str {
        match self {
            Self::NewProject => "Folder for the new project",
            Self::OpenProject => "Folder of the project",
            Self::ImportPictures => "Folder of the pictures",
            Self::ImportLabels => "Labels (CSV)",
            Self::TestPictures => "List of test pictures",
            Self::ImportGroupings => "Groupings",
            Self::ExportGroupings => "Write groupings to (CSV)",
            Self::ExportAgreement => "Write tables and figures into",
            Self::ExportMoveLog => "Write the log of moves to (JSONL)",
            Self::FindPictures => "Where the pictures are now",
            Self::ExportLabels => "Write labels to",
            Self::ExportClusters => "Write clusters to (CSV)",
            Self::ExportModel => "Write the network to (safetensors)",
        }
    }

    /// True where a file is written, which may be there already.
    pub fn writes_a_file(self) -> bool {
        matches!(
            self,
            Self::ExportClusters | Self::ExportModel | Self::ExportLabels | Self::ExportGroupings | Self::ExportMoveLog
        )
    }

    /// What it does with the path.
    pub fn verb(self) -> &'static str {
        match self {
            Self::NewProject => "Create",
            Self::OpenProject => "Open",
            Self::ImportPictures | Self::ImportLabels | Self::ImportGroupings => "Import",
            Self::FindPictures => "Use this folder",
            Self::TestPictures => "Use this list",
            Self::ExportClusters
            | Self::ExportModel
            | Self::ExportLabels
            | Self::ExportGroupings
            | Self::ExportMoveLog
            | Self::ExportAgreement => "Write",
        }
    }

    /// What is expected, for those who have not done it before.
    pub fn help(self) -> &'static str {
        match self {
            Self::NewProject => "An empty folder, or one that does not exist yet. Your pictures stay where they are.",
            Self::OpenProject => "The folder that holds project.db.",
            Self::ImportPictures => {
                "Taken with all its subfolders. PNG, JPEG, WebP, GIF, BMP and TIFF are read; files are never changed."
            }
            Self::ImportLabels => {
                "A table with a column “image”, then one 0/1 column for each label; or image, label, answer, annotator; or a \
                 folder of text files named as the pictures."
            }
            Self::TestPictures => "One picture's name on each line.",
            Self::ImportGroupings => {
                "A table with the columns rater, condition, image and group; FreeSortR's table; jsPsych free-sort data."
            }
            Self::ExportMoveLog => "One line for each move and each visit of every rater, with its time.",
            Self::ExportLabels => {
                "labels.csv: a column of 0 and 1 for each label. labels-long.csv: every answer with its annotator and time. \
                 metadata.csv: for Hugging Face's ImageFolder. A folder: a text file for each picture."
            }
            Self::ExportGroupings => "A table: rater, condition, image, group, started, ended, order, occasion, study.",
            Self::ExportAgreement => "A folder; tables as CSV, figures as SVG and PNG, named after the condition.",
            Self::FindPictures => "The folder that takes the place of the one imported from.",
            Self::ExportModel => {
                "VGG16 and the head that was trained, with torchvision's names; its metadata say the rest."
            }
            Self::ExportClusters => {
                "A table with the columns image, cluster (from 1) and distance; beside it a file that says what it is."
            }
        }
    }
}
