//! What the window knows: the project as last loaded, the job under way, and what each view is set to.
//!
//! Views read it and change only their own part; everything about the project changes through the engine's events
//! in `events`.

mod asking;
mod explore;
mod group;
mod label;
mod library;
mod memory;
mod moving;
mod project;
mod runs;
mod selection;
mod toast;
mod train;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::session::SessionState;
use crate::engine::jobs::check_files::FileCheck;
use crate::engine::{JobEnd, Notice};
use crate::evaluation::score::Score;
use crate::progress::Progress;

pub use asking::{NewName, PathQuestion, SplitDialog, TestPart, WhoQuestion};
pub use explore::ExploreState;
pub use group::{AgreementPage, AgreementState, GroupPage, GroupState, NewStudyForm, PicturesChoice, RetestChoice};
pub use label::LabelState;
pub use library::LibraryState;
pub use project::ProjectState;
pub use selection::{GridShape, Selection};
pub use toast::Toast;
pub use train::{CurveSettings, LabelColumn, MistakesState, NextRun, RunRecords, TrainPage, TrainState};

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

    /// As the command line knows it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Label => "label",
            Self::Group => "group",
            Self::Train => "train",
            Self::Explore => "explore",
            Self::Report => "report",
        }
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

/// The list of all commands, while it is open.
#[derive(Debug, Default)]
pub struct PaletteState {
    /// What was typed.
    pub text: String,
    /// Which of the matches is chosen.
    pub chosen: usize,
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
        self.who.as_ref().is_some_and(|who| !who.just_asked)
            || self.split_dialog.is_some()
            || self.ask_before_quitting
            || self.explore.keeping.is_some()
    }

    /// True while a field that was asked for in this frame is about to get the keyboard: what is typed is its already.
    pub fn field_awaits_keyboard(&self) -> bool {
        self.palette.is_some()
            || self.library.focus_search
            || self.path_question.as_ref().is_some_and(|question| question.focus)
            || self.who.as_ref().is_some_and(|who| who.focus && !who.just_asked)
            || self.explore.keeping.as_ref().is_some_and(|name| name.focus)
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
