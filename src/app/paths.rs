//! What paths are asked for: one row each, with what the system's dialog and the pane for typing show, what is expected of
//! the path, and the command that is made of it.

use std::path::{Path, PathBuf};

use super::App;
use super::state::{AppState, PathQuestion, TestPart};
use crate::engine::Command;
use crate::engine::command::{ExportCommand, JobCommand, ProjectCommand};
use crate::engine::jobs::export_labels::LabelExport;
use crate::engine::jobs::import::ImportRequest;
use crate::interchange::label_forms::LabelForm;

/// How a path is chosen in the system's dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// A folder.
    Folder,
    /// A file to read: what such files are called, and how their names end.
    File(&'static str, &'static [&'static str]),
    /// A file to write.
    Save {
        /// What such files are called.
        kind: &'static str,
        /// How their names end.
        ending: &'static str,
        /// The name that is offered.
        name: &'static str,
    },
}

/// What a path is asked for.
#[derive(Debug)]
pub struct PathPurpose {
    /// What the dialog says.
    pub title: &'static str,
    /// What is done with the path.
    pub verb: &'static str,
    /// What is expected, for those who have not done it before.
    pub help: &'static str,
    /// How it is chosen.
    pub pick: Pick,
    /// The sound part of a file with problems can be taken.
    pub offers_sound_part: bool,
    /// Why a path cannot be used, as far as a look at it tells.
    refuse: fn(&Path) -> Option<String>,
    /// What the path is for; nothing when what it was about is gone.
    command: fn(&mut AppState, Given) -> Option<Command>,
}

/// A path that was given.
#[derive(Debug)]
pub struct Given {
    path: PathBuf,
    accept_problems: bool,
}

impl Given {
    /// An import that is about nothing yet.
    fn import(&self) -> ImportRequest {
        ImportRequest { accept_problems: self.accept_problems, ..ImportRequest::default() }
    }
}

impl PartialEq for PathPurpose {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl PathPurpose {
    /// True where a file is written, which may be there already.
    pub fn writes_a_file(&self) -> bool {
        matches!(self.pick, Pick::Save { .. })
    }

    /// Why a path cannot be used, as far as a look at it tells.
    pub fn complaint(&self, path: &Path) -> Option<String> {
        if self.writes_a_file() {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                return Some(format!("There is no folder {}.", folder.display()));
            }
            if path.is_dir() {
                return Some(format!("{} is a folder; give the name of a file in it.", path.display()));
            }
        }
        (self.refuse)(path)
    }
}

fn unless_folder(path: &Path) -> Option<String> {
    (!path.is_dir()).then(|| format!("{} is not a folder.", path.display()))
}

fn unless_file(path: &Path) -> Option<String> {
    (!path.is_file()).then(|| format!("{} is not a file.", path.display()))
}

fn unless_ending(path: &Path, wanted: &str) -> Option<String> {
    let fits = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(wanted));
    (!fits).then(|| format!("The file's name must end in .{wanted}."))
}

fn unless_csv(path: &Path) -> Option<String> {
    unless_ending(path, "csv")
}

/// What a row has unless it says otherwise: any path will do.
const ROW: PathPurpose = PathPurpose {
    title: "",
    verb: "",
    help: "",
    pick: Pick::Folder,
    offers_sound_part: false,
    refuse: |_| None,
    command: |_, _| None,
};

/// The folder of a new project.
pub static NEW_PROJECT: PathPurpose = PathPurpose {
    title: "Folder for the new project",
    verb: "Create",
    help: "An empty folder, or one that does not exist yet. Your pictures stay where they are.",
    pick: Pick::Folder,
    command: |_, given| Some(ProjectCommand::Create(given.path).into()),
    ..ROW
};

/// The folder of a project.
pub static OPEN_PROJECT: PathPurpose = PathPurpose {
    title: "Folder of the project",
    verb: "Open",
    help: "The folder that holds project.db.",
    pick: Pick::Folder,
    refuse: |path| {
        (!crate::project::Project::exists(path)).then(|| format!("{} holds no Atmoscope project.", path.display()))
    },
    command: |_, given| Some(ProjectCommand::Open { folder: given.path, read_only: false }.into()),
    ..ROW
};

/// A folder of pictures.
pub static IMPORT_PICTURES: PathPurpose = PathPurpose {
    title: "Folder of the pictures",
    verb: "Import",
    help: "Taken with all its subfolders. PNG, JPEG, WebP, GIF, BMP and TIFF are read; files are never changed.",
    pick: Pick::Folder,
    refuse: unless_folder,
    command: |_, given| {
        Some(JobCommand::Import(ImportRequest { images: Some(given.path), ..Default::default() }).into())
    },
    ..ROW
};

/// A file of labels, or a folder of text files.
pub static IMPORT_LABELS: PathPurpose = PathPurpose {
    title: "Labels (CSV)",
    verb: "Import",
    help: "A table with a column “image”, then one 0/1 column for each label; or image, label, answer, annotator; or a \
           folder of text files named as the pictures.",
    pick: Pick::File("CSV", &["csv"]),
    offers_sound_part: true,
    refuse: |path| (!path.exists()).then(|| format!("{} is not there.", path.display())),
    command: |_, given| {
        let import = given.import();
        Some(JobCommand::Import(ImportRequest { labels: Some(given.path), ..import }).into())
    },
};

/// A file of groupings.
pub static IMPORT_GROUPINGS: PathPurpose = PathPurpose {
    title: "Groupings",
    verb: "Import",
    help: "A table with the columns rater, condition, image and group; FreeSortR's table; jsPsych free-sort data.",
    pick: Pick::File("CSV, JSON", &["csv", "json"]),
    offers_sound_part: true,
    refuse: unless_file,
    command: |_, given| {
        let import = given.import();
        Some(JobCommand::Import(ImportRequest { groupings: Some(given.path), ..import }).into())
    },
};

/// The list of pictures for the test part of a split.
pub static TEST_PICTURES: PathPurpose = PathPurpose {
    title: "List of test pictures",
    verb: "Use this list",
    help: "One picture's name on each line.",
    pick: Pick::File("Text", &["txt", "csv"]),
    command: |state, given| {
        if let Some(dialog) = &mut state.split_dialog {
            (dialog.test_part, dialog.list) = (TestPart::Listed, given.path.display().to_string());
        }
        None
    },
    ..ROW
};

/// Where pictures were moved to.
pub static FIND_PICTURES: PathPurpose = PathPurpose {
    title: "Where the pictures are now",
    verb: "Use this folder",
    help: "The folder that takes the place of the one imported from.",
    pick: Pick::Folder,
    refuse: unless_folder,
    command: |state, given| {
        // The folder that is not where it was is the one that moved.
        let roots = state.project.as_ref().map_or(&[][..], |project| &project.snapshot.roots);
        let lost: Vec<i64> = roots.iter().filter(|root| !root.path.is_dir()).map(|root| root.id).collect();
        let root_id = if lost.len() == 1 { Some(lost[0]) } else { None };
        Some(JobCommand::Relink { root_id, folder: given.path }.into())
    },
    ..ROW
};

/// The file for the clusters on show.
pub static EXPORT_CLUSTERS: PathPurpose = PathPurpose {
    title: "Write clusters to (CSV)",
    verb: "Write",
    help: "A table with the columns image, cluster (from 1) and distance; beside it a file that says what it is.",
    pick: Pick::Save { kind: "CSV", ending: "csv", name: "clusters.csv" },
    refuse: unless_csv,
    command: |state, given| {
        let request = state.explore.exploration.as_ref()?.request;
        Some(ExportCommand::Assignments { request, file: given.path }.into())
    },
    ..ROW
};

/// The file or folder for labels.
pub static EXPORT_LABELS: PathPurpose = PathPurpose {
    title: "Write labels to",
    verb: "Write",
    help: "labels.csv: a column of 0 and 1 for each label. labels-long.csv: every answer with its annotator and time. \
           metadata.csv: for Hugging Face's ImageFolder. A folder: a text file for each picture.",
    pick: Pick::Save { kind: "CSV", ending: "csv", name: "labels.csv" },
    command: |state, given| {
        let person = state.project.as_ref().and_then(|project| project.snapshot.annotator.as_ref());
        let annotator = person.map(|person| person.name.clone());
        let export = LabelExport { form: LabelForm::of_path(&given.path), annotator };
        Some(JobCommand::ExportLabels { export, path: given.path }.into())
    },
    ..ROW
};

/// The file for groupings.
pub static EXPORT_GROUPINGS: PathPurpose = PathPurpose {
    title: "Write groupings to (CSV)",
    verb: "Write",
    help: "A table: rater, condition, image, group, started, ended, order, occasion, study.",
    pick: Pick::Save { kind: "CSV", ending: "csv", name: "groupings.csv" },
    refuse: unless_csv,
    command: |_, given| Some(ExportCommand::Groupings(given.path).into()),
    ..ROW
};

/// The file for a study's log of moves.
pub static EXPORT_MOVE_LOG: PathPurpose = PathPurpose {
    title: "Write the log of moves to (JSONL)",
    verb: "Write",
    help: "One line for each move and each visit of every rater, with its time.",
    pick: Pick::Save { kind: "JSON lines", ending: "jsonl", name: "moves.jsonl" },
    refuse: |path| unless_ending(path, "jsonl"),
    command: |state, given| Some(ExportCommand::MoveLog(state.group.log_of?, given.path).into()),
    ..ROW
};

/// The folder for tables and figures of agreement.
pub static EXPORT_AGREEMENT: PathPurpose = PathPurpose {
    title: "Write tables and figures into",
    verb: "Write",
    help: "A folder; tables as CSV, figures as SVG and PNG, named after the condition.",
    pick: Pick::Folder,
    command: |state, given| {
        let agreement = &state.group.agreement;
        let request = agreement.request()?.clone();
        Some(ExportCommand::Agreement { request, level: agreement.level, folder: given.path }.into())
    },
    ..ROW
};

/// The file for a network.
pub static EXPORT_MODEL: PathPurpose = PathPurpose {
    title: "Write the network to (safetensors)",
    verb: "Write",
    help: "VGG16 and the head that was trained, with torchvision's names; its metadata say the rest.",
    pick: Pick::Save { kind: "safetensors", ending: "safetensors", name: "model.safetensors" },
    refuse: |path| unless_ending(path, "safetensors"),
    command: |state, given| Some(JobCommand::ExportModel { run: state.shown_run()?, file: given.path }.into()),
    ..ROW
};

/// What a file or folder dropped onto the window is for.
pub fn purpose_of_dropped(state: &AppState, path: &Path) -> &'static PathPurpose {
    use super::state::View;
    let is_table = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if crate::project::Project::exists(path) {
        &OPEN_PROJECT
    } else if state.project.is_none() {
        &NEW_PROJECT
    } else if is_table && matches!(state.view, View::Group | View::Report) {
        &IMPORT_GROUPINGS
    } else if is_table {
        &IMPORT_LABELS
    } else {
        &IMPORT_PICTURES
    }
}

impl App {
    pub(super) fn ask_path(&mut self, purpose: &'static PathPurpose) {
        self.state.path_question = Some(PathQuestion::new(purpose));
    }

    /// Does what a path was asked for. The question is kept until it is known whether the path could be used: if not,
    /// it is asked again with what was typed and the reason.
    pub(super) fn path_chosen(&mut self, question: PathQuestion, path: PathBuf) {
        let given = Given { path, accept_problems: question.accept_problems };
        self.state.path_question = None;
        if let Some(command) = (question.purpose.command)(&mut self.state, given) {
            self.state.path_given = Some(question);
            self.send(command);
        }
    }
}
