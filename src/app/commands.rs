//! Everything a person can tell the window to do: the one list behind menus, shortcuts, the command palette and the
//! cheat sheet.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{icons, keys};

/// A command of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum UiCommand {
    NewProject,
    OpenProject,
    OpenDemo,
    CloseProject,
    ImportPictures,
    ImportLabels,
    ImportGroupings,
    FindPictures,
    ExportClusters,
    ExportLabels,
    ExportGroupings,
    ExportAgreement,
    Quit,

    Undo,
    Redo,
    SelectAll,
    SelectNone,
    InvertSelection,
    RestoreSelection,
    CopyLabels,
    PasteLabels,
    SetAside,
    Search,

    ShowLibrary,
    ShowLabel,
    ShowGroup,
    ShowTrain,
    ShowExplore,
    ShowReport,
    LargerThumbnails,
    SmallerThumbnails,
    ResetThumbnails,
    ThemeLight,
    ThemeDark,
    ThemeSystem,
    FullScreen,

    PreviousPicture,
    NextPicture,
    NextUnlabelled,
    ConfirmAndNext,
    OpenPicture,
    CopyFromPrevious,

    SplitPictures,
    StartTraining,
    PauseJob,
    ContinueJob,
    StopJob,
    ResumeRun,
    TrainAgain,
    ExploreRun,
    ExportModel,

    CommandPalette,
    CheatSheet,
}

/// Where commands stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Section {
    File,
    Edit,
    View,
    Label,
    Train,
    Help,
}

impl Section {
    /// All sections in the order of the menus.
    pub const ALL: [Self; 6] = [Self::File, Self::Edit, Self::View, Self::Label, Self::Train, Self::Help];

    /// The menu's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::View => "View",
            Self::Label => "Label",
            Self::Train => "Train",
            Self::Help => "Help",
        }
    }
}

/// What is shown of a command.
#[derive(Clone, Debug)]
pub struct CommandInfo {
    /// As in menus.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub tooltip: &'static str,
    /// A character of the icon font, or nothing.
    pub icon: &'static str,
    /// Keys, the first one shown.
    pub shortcuts: Vec<KeyboardShortcut>,
    /// Its menu.
    pub section: Section,
}

const CTRL_SHIFT: Modifiers = Modifiers { shift: true, ..Modifiers::COMMAND };

fn key(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(CTRL_SHIFT, key)
}

impl UiCommand {
    /// Every command in the order of the menus.
    pub const ALL: [Self; 53] = [
        Self::NewProject,
        Self::OpenProject,
        Self::OpenDemo,
        Self::CloseProject,
        Self::ImportPictures,
        Self::ImportLabels,
        Self::ImportGroupings,
        Self::FindPictures,
        Self::ExportClusters,
        Self::ExportLabels,
        Self::ExportGroupings,
        Self::ExportAgreement,
        Self::Quit,
        Self::Undo,
        Self::Redo,
        Self::SelectAll,
        Self::SelectNone,
        Self::InvertSelection,
        Self::RestoreSelection,
        Self::CopyLabels,
        Self::PasteLabels,
        Self::SetAside,
        Self::Search,
        Self::ShowLibrary,
        Self::ShowLabel,
        Self::ShowGroup,
        Self::ShowTrain,
        Self::ShowExplore,
        Self::ShowReport,
        Self::LargerThumbnails,
        Self::SmallerThumbnails,
        Self::ResetThumbnails,
        Self::ThemeLight,
        Self::ThemeDark,
        Self::ThemeSystem,
        Self::FullScreen,
        Self::PreviousPicture,
        Self::NextPicture,
        Self::NextUnlabelled,
        Self::ConfirmAndNext,
        Self::OpenPicture,
        Self::CopyFromPrevious,
        Self::SplitPictures,
        Self::StartTraining,
        Self::PauseJob,
        Self::ContinueJob,
        Self::StopJob,
        Self::ResumeRun,
        Self::TrainAgain,
        Self::ExploreRun,
        Self::ExportModel,
        Self::CommandPalette,
        Self::CheatSheet,
    ];

    /// Name, tooltip, icon, keys and menu.
    #[rustfmt::skip]
    pub fn info(self) -> CommandInfo {
        use Section::{Edit, File, Help, Label, Train, View};
        let (section, icon, name, tooltip, shortcuts) = match self {
            Self::NewProject => (File, icons::FOLDER_PLUS, "New project…", "Make an empty project in a folder of your choice", vec![ctrl(Key::N)]),
            Self::OpenProject => (File, icons::FOLDER_OPEN, "Open project…", "Open the folder of a project", vec![ctrl(Key::O)]),
            Self::OpenDemo => (File, icons::DEMO, "Demo", "Try everything on 240 drawn illustrations; takes minutes", vec![]),
            Self::CloseProject => (File, icons::CLOSE, "Close project", "Close the project; everything is stored already", vec![ctrl(Key::W)]),
            Self::ImportPictures => (File, icons::IMPORT, "Import pictures…", "Add a folder of pictures with all its subfolders; files are read, never changed", vec![ctrl(Key::I)]),
            Self::ImportLabels => (File, icons::LABEL, "Import labels…", "Read labels from a CSV: image, then one 0/1 column for each label", vec![]),
            Self::ImportGroupings => (File, icons::GROUP, "Import groupings…", "Read groups made by people from a CSV: rater, condition, image, group", vec![]),
            Self::FindPictures => (File, icons::LINK, "Find moved pictures…", "Say where the folder of the pictures is now", vec![]),
            Self::ExportClusters => (File, icons::EXPORT, "Export clusters…", "Write the clusters on show as CSV: image, cluster, distance", vec![ctrl(Key::E)]),
            Self::ExportLabels => (File, icons::EXPORT, "Export labels…", "Write the labels of whoever annotates now, or of everybody, as CSV, text files or for Hugging Face", vec![]),
            Self::ExportGroupings => (File, icons::EXPORT, "Export groupings…", "Write the newest groups of all raters as CSV: rater, condition, image, group, with times and order", vec![]),
            Self::ExportAgreement => (File, icons::EXPORT, "Export agreement…", "Write tables (CSV) and figures (SVG, PNG) of the raters' agreement on show into a folder", vec![]),
            Self::Quit => (File, "", "Quit", "Close the window; everything is stored already", vec![ctrl(Key::Q)]),

            Self::Undo => (Edit, icons::UNDO, "Undo", "Take the newest edit back", vec![ctrl(Key::Z)]),
            Self::Redo => (Edit, icons::REDO, "Redo", "Do the edit undone last again", vec![ctrl_shift(Key::Z), ctrl(Key::Y)]),
            Self::SelectAll => (Edit, icons::SELECTION, "Select all", "Select every picture the filter shows", vec![ctrl(Key::A)]),
            Self::SelectNone => (Edit, "", "Select none", "Clear the selection", vec![key(Key::Escape)]),
            Self::InvertSelection => (Edit, "", "Invert selection", "Select the pictures on show that are not selected", vec![ctrl_shift(Key::I)]),
            Self::RestoreSelection => (Edit, "", "Restore selection", "Bring the selection before the last change back", vec![ctrl_shift(Key::A)]),
            Self::CopyLabels => (Edit, icons::COPY, "Copy labels", "Remember the labels of the picture", vec![ctrl(Key::C)]),
            Self::PasteLabels => (Edit, "", "Paste labels", "Give the remembered labels to the selected pictures", vec![ctrl(Key::V)]),
            Self::SetAside => (Edit, icons::SET_ASIDE, "Set aside", "Leave the selected pictures out of training and clusters and go on, or take them back", vec![key(Key::Delete)]),
            Self::Search => (Edit, icons::SEARCH, "Search", "Find pictures by name", vec![ctrl(Key::F)]),

            Self::ShowLibrary => (View, icons::LIBRARY, "Library", "All pictures of the project", vec![ctrl(Key::Num1)]),
            Self::ShowLabel => (View, icons::LABEL, "Label", "Give labels to one picture after another", vec![ctrl(Key::Num2)]),
            Self::ShowGroup => (View, icons::GROUP, "Group", "Groups made by people", vec![ctrl(Key::Num3)]),
            Self::ShowTrain => (View, icons::TRAIN, "Train", "Train the network on your labels", vec![ctrl(Key::Num4)]),
            Self::ShowExplore => (View, icons::EXPLORE, "Explore", "Look at the clusters and their scores", vec![ctrl(Key::Num5)]),
            Self::ShowReport => (View, icons::REPORT, "Report", "Tables and figures to publish", vec![ctrl(Key::Num6)]),
            Self::LargerThumbnails => (View, icons::PLUS, "Larger thumbnails", "Make the pictures in grids larger (also Ctrl and mouse wheel)", vec![ctrl(Key::Plus), ctrl(Key::Equals)]),
            Self::SmallerThumbnails => (View, icons::MINUS, "Smaller thumbnails", "Make the pictures in grids smaller (also Ctrl and mouse wheel)", vec![ctrl(Key::Minus)]),
            Self::ResetThumbnails => (View, "", "Standard thumbnails", "Bring the pictures in grids back to their standard size", vec![ctrl(Key::Num0)]),
            Self::ThemeLight => (View, icons::SUN, "Light", "Dark text on light ground", vec![]),
            Self::ThemeDark => (View, icons::MOON, "Dark", "Light text on dark ground", vec![]),
            Self::ThemeSystem => (View, icons::DESKTOP, "As the system", "Light or dark as the computer is set", vec![]),
            Self::FullScreen => (View, icons::FULL_SCREEN, "Full screen", "Fill the screen, or leave it", vec![key(Key::F11)]),

            Self::PreviousPicture => (Label, icons::PREVIOUS, "Previous picture", "Go to the picture before", vec![key(Key::ArrowLeft), key(Key::A)]),
            Self::NextPicture => (Label, icons::NEXT, "Next picture", "Go to the picture after", vec![key(Key::ArrowRight), key(Key::D)]),
            Self::NextUnlabelled => (Label, icons::NEXT_UNLABELLED, "Next unlabelled", "Go to the next picture without any answer", vec![ctrl(Key::J)]),
            Self::ConfirmAndNext => (Label, icons::CHECK, "Confirm and go on", "Answer no for every label left open, and go to the next picture", vec![key(Key::Space)]),
            Self::OpenPicture => (Label, "", "Look at it large", "From the Library, show the picture large to label it; in Label, once a label was given, confirm and go on", vec![key(Key::Enter)]),
            Self::CopyFromPrevious => (Label, icons::COPY, "Copy from previous", "Give this picture the labels of the one before", vec![ctrl(Key::D)]),

            Self::SplitPictures => (Train, icons::SHUFFLE, "Split pictures…", "Divide the labelled pictures into train, validation and test parts; says first what would change", vec![]),
            Self::StartTraining => (Train, icons::PLAY, "Start training", "Train a run with the settings of the Train view", vec![ctrl(Key::Enter)]),
            Self::PauseJob => (Train, icons::PAUSE, "Pause", "Let the job under way wait; it goes on where it is", vec![ctrl_shift(Key::Period)]),
            Self::ContinueJob => (Train, icons::PLAY, "Continue", "Let the job that waits go on", vec![ctrl_shift(Key::Enter)]),
            Self::StopJob => (Train, icons::STOP, "Stop and keep", "Stop the job under way; what is done is kept", vec![ctrl(Key::Period)]),
            Self::ResumeRun => (Train, icons::PLAY, "Resume", "Go on with the run on show from its last checkpoint, as if it had not been stopped", vec![]),
            Self::TrainAgain => (Train, icons::AGAIN, "Again", "Train anew with the settings, the parts and the labels of the run on show", vec![]),
            Self::ExploreRun => (Train, icons::EXPLORE, "Its clusters", "Group pictures by what the run on show predicts", vec![]),
            Self::ExportModel => (Train, icons::EXPORT, "Export model…", "Write the network of the run on show as safetensors, with torchvision's names, for other programs", vec![ctrl_shift(Key::E)]),

            Self::CommandPalette => (Help, icons::COMMAND, "All commands…", "Find a command by typing a part of its name", vec![ctrl_shift(Key::P)]),
            Self::CheatSheet => (Help, icons::HELP, "Keys", "Every key in one picture", vec![key(Key::Questionmark), key(Key::F1)]),
        };
        CommandInfo { name, tooltip, icon, shortcuts, section }
    }

    /// The first of its keys, as people read it.
    pub fn shortcut_text(self) -> Option<String> {
        self.info().shortcuts.first().map(keys::shortcut_text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_command_is_listed_once_and_no_key_is_used_twice() {
        let commands: HashSet<_> = UiCommand::ALL.into_iter().collect();
        assert_eq!(commands.len(), UiCommand::ALL.len());
        let mut keys = HashSet::new();
        let mut names = HashSet::new();
        for command in UiCommand::ALL {
            let info = command.info();
            assert!(names.insert(info.name), "{} is the name of two commands", info.name);
            for shortcut in info.shortcuts {
                assert!(keys.insert(shortcut), "{shortcut:?} belongs to two commands, one is {}", info.name);
            }
        }
    }
}
