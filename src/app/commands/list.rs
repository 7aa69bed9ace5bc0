//! The list of the window's commands, in the order of the menus: one row each.
//!
//! `name: icon, name in menus, tooltip, [keys, the first one shown], when it can be used => what it does;`. Blocks are set
//! apart in menus.

use egui::Key;

use super::enabled::*;
use super::{Block, CommandRow, Section, ctrl, ctrl_shift, key, run};
use crate::app::preferences::ThemeChoice;
use crate::app::state::{NewName, View};
use crate::app::{App, icons, paths};
use crate::engine::command::{EditCommand, JobControl, ProjectCommand};

ui_commands! {
    File {
        NewProject: icons::FOLDER_PLUS, "New project…", "Make an empty project in a folder of your choice", [ctrl(Key::N)],
            idle => |app, _| app.ask_path(&paths::NEW_PROJECT);
        OpenProject: icons::FOLDER_OPEN, "Open project…", "Open the folder of a project", [ctrl(Key::O)],
            idle => |app, _| app.ask_path(&paths::OPEN_PROJECT);
        OpenDemo: icons::DEMO, "Demo", "Try everything on 240 drawn illustrations; takes minutes", [],
            idle => |app, _| app.open_demo();
        CloseProject: icons::CLOSE, "Close project", "Close the project; everything is stored already", [ctrl(Key::W)],
            open_and_idle => |app, _| app.send(ProjectCommand::Close);
    }
    File {
        ImportPictures: icons::IMPORT, "Import pictures…", "Add a folder of pictures with all its subfolders; files are read, never changed", [ctrl(Key::I)],
            writable_and_idle => |app, _| app.ask_path(&paths::IMPORT_PICTURES);
        ImportLabels: icons::LABEL, "Import labels…", "Read labels from a CSV: image, then one 0/1 column for each label", [],
            writable_and_idle => |app, _| app.ask_path(&paths::IMPORT_LABELS);
        ImportGroupings: icons::GROUP, "Import groupings…", "Read groups made by people from a CSV: rater, condition, image, group", [],
            writable_and_idle => |app, _| app.ask_path(&paths::IMPORT_GROUPINGS);
        FindPictures: icons::LINK, "Find moved pictures…", "Say where the folder of the pictures is now", [],
            find_pictures => |app, _| app.ask_path(&paths::FIND_PICTURES);
    }
    File {
        KeepClusters: icons::KEEP, "Keep clusters…", "Keep the clusters on show in the project under a name, to be opened again as they are", [ctrl(Key::S)],
            keep_clusters => |app, _| app.state.explore.keeping = Some(NewName::default());
        ExportClusters: icons::EXPORT, "Export clusters…", "Write the clusters on show as CSV: image, cluster, distance", [ctrl(Key::E)],
            explored => |app, _| app.ask_path(&paths::EXPORT_CLUSTERS);
        ExportLabels: icons::EXPORT, "Export labels…", "Write the labels of whoever annotates now, or of everybody, as CSV, text files or for Hugging Face", [],
            with_labels => |app, _| app.ask_path(&paths::EXPORT_LABELS);
        ExportGroupings: icons::EXPORT, "Export groupings…", "Write the newest groups of all raters as CSV: rater, condition, image, group, with times and order", [],
            with_groupings => |app, _| app.ask_path(&paths::EXPORT_GROUPINGS);
        ExportAgreement: icons::EXPORT, "Export agreement…", "Write tables (CSV) and figures (SVG, PNG) of the raters' agreement on show into a folder", [],
            with_agreement => |app, _| app.ask_path(&paths::EXPORT_AGREEMENT);
    }
    File {
        Quit: "", "Quit", "Close the window; everything is stored already", [ctrl(Key::Q)],
            always => App::quit;
    }
    Edit {
        Undo: icons::UNDO, "Undo", "Take the newest edit back", [ctrl(Key::Z)],
            can_undo => |app, _| app.send(EditCommand::Undo);
        Redo: icons::REDO, "Redo", "Do the edit undone last again", [ctrl_shift(Key::Z), ctrl(Key::Y)],
            can_redo => |app, _| app.send(EditCommand::Redo);
    }
    Edit {
        SelectAll: icons::SELECTION, "Select all", "Select every picture the filter shows", [ctrl(Key::A)],
            open => |app, _| app.state.library.select_all();
        SelectNone: "", "Select none", "Clear the selection", [key(Key::Escape)],
            open => |app, _| app.state.escape();
        InvertSelection: "", "Invert selection", "Select the pictures on show that are not selected", [ctrl_shift(Key::I)],
            open => |app, _| app.state.library.invert_selection();
        RestoreSelection: "", "Restore selection", "Bring the selection before the last change back", [ctrl_shift(Key::A)],
            open => |app, _| app.state.library.restore_selection();
    }
    Edit {
        CopyLabels: icons::COPY, "Copy labels", "Remember the labels of the picture", [ctrl(Key::C)],
            picture_on_show => App::copy_labels;
        PasteLabels: "", "Paste labels", "Give the remembered labels to the selected pictures", [ctrl(Key::V)],
            picture_to_change => |app, _| app.paste_labels();
        SetAside: icons::SET_ASIDE, "Set aside", "Leave the selected pictures out of training and clusters and go on, or take them back", [key(Key::Delete)],
            picture_to_change => |app, _| app.set_aside();
        Search: icons::SEARCH, "Search", "Find pictures by name", [ctrl(Key::F)],
            open => |app, _| app.state.search();
    }
    View {
        ShowLibrary: icons::LIBRARY, "Library", "All pictures of the project", [ctrl(Key::Num1)],
            open => |app, _| app.state.show(View::Library);
        ShowLabel: icons::LABEL, "Label", "Give labels to one picture after another", [ctrl(Key::Num2)],
            open => |app, _| app.state.show(View::Label);
        ShowGroup: icons::GROUP, "Group", "Groups made by people", [ctrl(Key::Num3)],
            open => |app, _| app.state.show(View::Group);
        ShowTrain: icons::TRAIN, "Train", "Train the network on your labels", [ctrl(Key::Num4)],
            open => |app, _| app.state.show(View::Train);
        ShowExplore: icons::EXPLORE, "Explore", "Look at the clusters and their scores", [ctrl(Key::Num5)],
            open => |app, _| app.state.show(View::Explore);
        ShowReport: icons::REPORT, "Report", "Tables and figures to publish", [ctrl(Key::Num6)],
            open => |app, _| app.state.show(View::Report);
    }
    View {
        LargerThumbnails: icons::PLUS, "Larger thumbnails", "Make the pictures in grids larger (also Ctrl and mouse wheel)", [ctrl(Key::Plus), ctrl(Key::Equals)],
            always => |app, _| app.preferences.scale_thumbnails(1.2);
        SmallerThumbnails: icons::MINUS, "Smaller thumbnails", "Make the pictures in grids smaller (also Ctrl and mouse wheel)", [ctrl(Key::Minus)],
            always => |app, _| app.preferences.scale_thumbnails(1.0 / 1.2);
        ResetThumbnails: "", "Standard thumbnails", "Bring the pictures in grids back to their standard size", [ctrl(Key::Num0)],
            always => |app, _| app.preferences.reset_thumbnails();
    }
    View {
        ThemeLight: icons::SUN, "Light", "Dark text on light ground", [],
            always => |app, context| app.choose_theme(context, ThemeChoice::Light);
        ThemeDark: icons::MOON, "Dark", "Light text on dark ground", [],
            always => |app, context| app.choose_theme(context, ThemeChoice::Dark);
        ThemeSystem: icons::DESKTOP, "As the system", "Light or dark as the computer is set", [],
            always => |app, context| app.choose_theme(context, ThemeChoice::System);
    }
    View {
        FullScreen: icons::FULL_SCREEN, "Full screen", "Fill the screen, or leave it", [key(Key::F11)],
            always => |_, context| run::toggle_full_screen(context);
    }
    Label {
        PreviousPicture: icons::PREVIOUS, "Previous picture", "Go to the picture before", [key(Key::ArrowLeft), key(Key::A)],
            picture_on_show => |app, _| app.state.step(-1);
        NextPicture: icons::NEXT, "Next picture", "Go to the picture after", [key(Key::ArrowRight), key(Key::D)],
            picture_on_show => |app, _| app.state.step(1);
        NextUnlabelled: icons::NEXT_UNLABELLED, "Next unlabelled", "Go to the next picture without any answer", [ctrl(Key::J)],
            open => |app, _| app.state.next_unlabelled();
        ConfirmAndNext: icons::CHECK, "Confirm and go on", "Answer no for every label left open, and go to the next picture", [key(Key::Space)],
            picture_to_change => |app, _| app.confirm_and_next();
        OpenPicture: "", "Look at it large", "From the Library, show the picture large to label it; in Label, once a label was given, confirm and go on", [key(Key::Enter)],
            picture_on_show => |app, _| app.open_picture();
        CopyFromPrevious: icons::COPY, "Copy from previous", "Give this picture the labels of the one before", [ctrl(Key::D)],
            picture_to_change => |app, _| app.copy_from_previous();
    }
    Train {
        SplitPictures: icons::SHUFFLE, "Split pictures…", "Divide the labelled pictures into train, validation and test parts; says first what would change", [],
            split_pictures => |app, _| app.state.describe_split();
        StartTraining: icons::PLAY, "Start training", "Train a run with the settings of the Train view", [ctrl(Key::Enter)],
            start_training => |app, _| app.start_training();
        PauseJob: icons::PAUSE, "Pause", "Let the job under way wait; it goes on where it is", [ctrl_shift(Key::Period)],
            pause_job => |app, _| app.send(JobControl::Pause);
        ContinueJob: icons::PLAY, "Continue", "Let the job that waits go on", [ctrl_shift(Key::Enter)],
            continue_job => |app, _| app.send(JobControl::Continue);
        StopJob: icons::STOP, "Stop and keep", "Stop the job under way; what is done is kept", [ctrl(Key::Period)],
            stop_job => |app, _| app.stop_job();
        ResumeRun: icons::PLAY, "Resume", "Go on with the run on show from its last checkpoint, as if it had not been stopped", [],
            resume_run => |app, _| app.resume_run();
        TrainAgain: icons::AGAIN, "Again", "Train anew with the settings, the parts and the labels of the run on show", [],
            train_again => |app, _| app.train_again();
        ExploreRun: icons::EXPLORE, "Its clusters", "Group pictures by what the run on show predicts", [],
            with_network => |app, _| app.state.explore_run();
        ExportModel: icons::EXPORT, "Export model…", "Write the network of the run on show as safetensors, with torchvision's names, for other programs", [ctrl_shift(Key::E)],
            export_model => |app, _| app.ask_path(&paths::EXPORT_MODEL);
    }
    Help {
        CommandPalette: icons::COMMAND, "All commands…", "Find a command by typing a part of its name", [ctrl_shift(Key::P)],
            always => |app, _| app.state.toggle_palette();
        CheatSheet: icons::HELP, "Keys", "Every key in one picture", [key(Key::Questionmark), key(Key::F1)],
            always => |app, _| app.state.toggle_cheat_sheet();
    }
}
