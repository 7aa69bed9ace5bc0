//! What happens between frames: events of the engine go into the state, commands of the person go to the engine.

use std::collections::HashSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::commands::UiCommand;
use super::keys::{self, GridStep, Listening, Pressed};
use super::preferences::ThemeChoice;
use super::session::{self, SessionState};
use super::state::{AppState, ExploreState, JobState, PathPurpose, PathQuestion, ProjectState, TrainPage, View};
use super::{Action, App};
use crate::engine::jobs::import::ImportRequest;
use crate::engine::jobs::split::SplitRequest;
use crate::engine::thumbnails::PicturePool;
use crate::engine::{Command, Event, Notice};
use crate::ids::{ImageId, RunId};
use crate::project::{RunRecord, RunStatus};

/// Time for events in one frame.
const EVENT_BUDGET: Duration = Duration::from_millis(10);

impl App {
    /// Takes events until there are none or the frame's time for them is over.
    pub(super) fn take_events(&mut self, context: &egui::Context) {
        let started = Instant::now();
        while let Some(event) = self.engine.next_event() {
            self.take_event(event);
            if started.elapsed() > EVENT_BUDGET {
                context.request_repaint();
                break;
            }
        }
        while let Ok((purpose, path)) = self.dialogs.answers.try_recv() {
            self.path_chosen(purpose, path, false);
        }
    }

    fn take_event(&mut self, event: Event) {
        let state = &mut self.state;
        match event {
            Event::Loaded(snapshot) => {
                state.loads += 1;
                let folder = snapshot.folder.clone();
                let same = state.project.as_ref().is_some_and(|project| project.snapshot.folder == folder);
                let project = ProjectState::new(*snapshot, state.loads << 32);
                if same {
                    self.textures.retry_broken();
                } else {
                    state.forget_project();
                    match PicturePool::start(crate::project::thumbnails_folder(&folder), self.wake.clone()) {
                        Ok(pool) => self.textures = super::textures::Textures::new(Some(pool)),
                        Err(error) => state.problem(Notice::from(&error)),
                    }
                    self.preferences.opened(&folder);
                }
                state.busy = None;
                state.library.refresh(&project);
                if state.library.selection.cursor.is_none_or(|cursor| !project.position.contains_key(&cursor)) {
                    state.library.selection.cursor = state.library.shown().first().copied();
                }
                state.project = Some(Rc::new(project));
            }
            Event::Closed => {
                state.project = None;
                state.forget_project();
                self.textures = super::textures::Textures::new(None);
            }
            Event::Busy { folder, notice } => state.busy = Some((folder, notice)),
            Event::Annotated { edits, undo, redo } => {
                if let Some(project) = state.project.as_mut().and_then(Rc::get_mut) {
                    project.annotated(&edits);
                    // What undo, redo or an edit changed is brought into view.
                    let shown = state.library.selection.cursor;
                    let undone = project.snapshot.undo != undo && project.snapshot.redo != redo && redo.is_some();
                    project.snapshot.undo = undo;
                    project.snapshot.redo = redo;
                    if undone
                        && state.view == View::Label
                        && let Some(edit) = edits.first()
                        && !edits.iter().any(|edit| Some(edit.image) == shown)
                    {
                        state.library.selection.only(edit.image);
                        state.library.scroll_to_cursor = true;
                    }
                }
            }
            Event::EditFailed(images, notice) => {
                // Whoever went on meanwhile is brought back to what is not stored.
                if state.view == View::Label
                    && let Some(image) = images.first()
                {
                    state.library.selection.only(*image);
                }
                state.problem(notice);
            }
            Event::SessionOpened(session) => match &mut state.session {
                Some(open) if open.session.rater == session.rater => open.reopened(*session),
                _ => {
                    let mut opened = SessionState::new(*session, state.rater_alone, self.preferences.board_zoom);
                    opened.scroll_to_cursor = true;
                    state.session = Some(opened);
                }
            },
            Event::MoveStored(sort, number) => {
                if let Some(session) = state.session.as_mut().filter(|session| session.sort_id() == Some(sort)) {
                    session.stored_moves = session.stored_moves.max(number);
                }
            }
            Event::MoveFailed(sort, notice) => {
                if let Some(session) = state.session.as_mut().filter(|session| session.sort_id() == Some(sort))
                    && !std::mem::replace(&mut session.reopening, true)
                {
                    let hint = notice.hint.as_deref().map_or_else(String::new, |hint| format!(" ({hint})"));
                    session.say(format!("Not saved: {}{hint}", notice.message));
                    self.engine.send(Command::OpenSession(session.session.study, session.session.rater.id));
                    state.problem(notice);
                }
            }
            Event::JobStarted(title) => {
                state.train.log.clear();
                state.job_end = None;
                state.job =
                    Some(JobState { title, progress: None, started: Instant::now(), stopping: false, paused: false });
            }
            Event::JobProgress(progress) => {
                if let Some(job) = &mut state.job {
                    job.progress = Some(progress);
                }
            }
            Event::JobNote(line) => state.train.log.push(line),
            Event::RunStarted(run) => {
                state.train.live = Some(run);
                state.train.show_run(run);
                state.train.page = TrainPage::Curves;
                // What a run that goes on had done is on the disk.
                self.engine.send(Command::LoadRun(run));
            }
            Event::Epoch(run, record) => {
                let seconds = record.duration_ms as f64 / 1000.0;
                let best = if record.best { ", best so far" } else { "" };
                state.train.log.push(format!("Epoch {} in {seconds:.1} s{best}", record.epoch));
                state.train.add_epoch(run, *record);
            }
            Event::Batches(run, batches) => state.train.add_batches(run, batches),
            Event::Planned(configuration, plan) => state.train.plan = Some((configuration, plan)),
            Event::JobPaused(paused) => {
                if let Some(job) = &mut state.job {
                    job.paused = paused;
                }
            }
            Event::RunLoaded(run, records, batches) => {
                state.train.loaded(run, records, batches);
            }
            Event::JobEnded(end) => {
                let demo_ended = state.job.take().is_some_and(|job| job.title == "Demo");
                state.train.live = None;
                state.train.log.push(end.summary.clone());
                if end.run.is_some() {
                    state.explore = ExploreState { run: end.run, ..std::mem::take(&mut state.explore) };
                    state.explore.requested = None;
                }
                if demo_ended && end.run.is_some() {
                    state.view = View::Explore;
                    state.explore.clusters = crate::engine::jobs::demo::CLUSTERS;
                }
                if end.details.is_empty() {
                    state.toast(end.summary);
                } else {
                    state.job_end = Some(end);
                }
            }
            Event::JobFailed(notice) => {
                state.job = None;
                state.train.live = None;
                state.train.log.push(notice.message.clone());
                state.problem(notice);
            }
            Event::PredictionsLoaded(predictions) => state.train.predictions = Some(Rc::new(*predictions)),
            Event::AgreementFound(request, report) => {
                let agreement = &mut state.group.agreement;
                if agreement.asked.as_ref().is_some_and(|(asked, _)| *asked == request) {
                    agreement.found = Some(Ok(report));
                    agreement.linkage = None;
                }
            }
            Event::AgreementFailed(request, notice) => {
                let agreement = &mut state.group.agreement;
                if agreement.asked.as_ref().is_some_and(|(asked, _)| *asked == request) {
                    agreement.found = Some(Err(notice));
                }
            }
            Event::Explored(exploration) => {
                let explore = &mut state.explore;
                if explore.requested.is_some_and(|(request, _)| request == exploration.request) {
                    let clusters = exploration.members.len();
                    explore.focused_cluster = explore.focused_cluster.filter(|focused| *focused < clusters);
                    explore.exploration = Some(*exploration);
                }
            }
            Event::ExploreFailed(request, notice) => {
                if state.explore.requested.is_some_and(|(asked, _)| asked == request) {
                    state.explore.failed = Some(notice);
                }
            }
            Event::Scored(scores) => {
                if state.explore.requested.is_some_and(|(request, _)| request == scores.request) {
                    state.explore.scores = Some(*scores);
                }
            }
            Event::ElbowFound(elbow) => state.explore.elbow = Some(elbow),
            Event::Done(text) => state.toast(text),
            Event::Problem(notice) => state.problem(notice),
        }
    }

    /// Does what the keys pressed since the last frame mean, one after another.
    pub(super) fn press(&mut self, context: &egui::Context) {
        if let Some(session) = &mut self.state.session {
            let pressed = session::keys::press(context, session);
            pressed.commands.into_iter().for_each(|command| self.engine.send(command));
            for command in pressed.ui {
                self.run_command(context, command);
            }
            return;
        }
        let state = &self.state;
        let focused_cluster = state.view == View::Explore && state.explore.focused_cluster.is_some();
        let covered = state.palette.is_some() || state.cheat_sheet;
        let listening = Listening {
            labels: matches!(state.view, View::Library | View::Label) && !covered,
            grid: (state.view == View::Library || focused_cluster) && !covered,
            grid_sideways: focused_cluster,
        };
        for pressed in keys::pressed(context, listening) {
            match pressed {
                Pressed::Command(command) => self.run_command(context, command),
                Pressed::Move(step, extend) => self.state.go(step, extend),
                Pressed::Label(at, yes) => {
                    let Some(project) = self.state.project.as_ref().filter(|project| !project.snapshot.read_only)
                    else {
                        continue;
                    };
                    let Some(label) = project.snapshot.labels.get(at).map(|label| label.id) else { continue };
                    let images = self.state.target_images();
                    self.engine.send(if yes {
                        Command::ToggleLabel { images, label }
                    } else {
                        Command::ToggleNo { images, label }
                    });
                }
            }
        }
    }

    /// Does what was asked for in a frame.
    pub(super) fn act(&mut self, context: &egui::Context, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Engine(command) => self.engine.send(command),
                Action::Ui(command) => self.run_command(context, command),
                Action::Path(purpose, path, accept_problems) => self.path_chosen(purpose, path, accept_problems),
                Action::Browse(purpose) => self.dialogs.ask(purpose, &self.main_thread, &self.wake),
            }
        }
    }

    /// Whether a command makes sense now.
    pub fn is_enabled(state: &AppState, command: UiCommand) -> bool {
        use UiCommand as C;
        let open = state.project.is_some();
        let idle = state.job.is_none();
        let writable = state.project.as_ref().is_some_and(|project| !project.snapshot.read_only);
        let explored = state.explore.exploration.is_some();
        match command {
            C::NewProject | C::OpenProject | C::OpenDemo => idle,
            C::CloseProject => open && idle,
            C::ImportPictures | C::ImportLabels | C::ImportGroupings | C::SplitPictures | C::StartTraining => {
                writable && idle
            }
            C::FindPictures => {
                writable && idle && state.project.as_ref().is_some_and(|project| !project.snapshot.images.is_empty())
            }
            C::ExportClusters => explored,
            C::ExportGroupings => state.project.as_ref().is_some_and(|project| !project.snapshot.groupings.is_empty()),
            C::ExportAgreement => matches!(state.group.agreement.found, Some(Ok(_))),
            C::ExploreRun => state.usable_run().is_some(),
            C::TrainAgain => writable && idle && state.shown_run().is_some_and(|run| state.train.live != Some(run)),
            C::ResumeRun => writable && idle && state.shown_run().is_some_and(|run| state.resumable(run)),
            C::PauseJob => state.job.as_ref().is_some_and(|job| !job.paused && !job.stopping),
            C::ContinueJob => state.job.as_ref().is_some_and(|job| job.paused && !job.stopping),
            C::ExportModel => idle && state.usable_run().is_some(),
            C::Undo => writable && state.project.as_ref().is_some_and(|project| project.snapshot.undo.is_some()),
            C::Redo => writable && state.project.as_ref().is_some_and(|project| project.snapshot.redo.is_some()),
            // These are about pictures that only two views show as selected.
            C::PasteLabels | C::SetAside | C::ConfirmAndNext | C::CopyFromPrevious => {
                writable && matches!(state.view, View::Library | View::Label)
            }
            C::CopyLabels | C::PreviousPicture | C::NextPicture => {
                open && matches!(state.view, View::Library | View::Label)
            }
            C::StopJob => state.job.is_some(),
            C::Quit
            | C::ThemeLight
            | C::ThemeDark
            | C::ThemeSystem
            | C::FullScreen
            | C::CommandPalette
            | C::CheatSheet
            | C::LargerThumbnails
            | C::SmallerThumbnails
            | C::ResetThumbnails => true,
            _ => open,
        }
    }

    fn run_command(&mut self, context: &egui::Context, command: UiCommand) {
        use UiCommand as C;
        if !Self::is_enabled(&self.state, command) {
            return;
        }
        let state = &mut self.state;
        match command {
            C::NewProject => self.ask_path(PathPurpose::NewProject),
            C::OpenProject => self.ask_path(PathPurpose::OpenProject),
            C::OpenDemo => match super::demo_folder() {
                Ok(folder) => self.engine.send(Command::RunDemo(folder)),
                Err(error) => state.problem(Notice::from(&error)),
            },
            C::CloseProject => self.engine.send(Command::CloseProject),
            C::ImportPictures => self.ask_path(PathPurpose::ImportPictures),
            C::ImportLabels => self.ask_path(PathPurpose::ImportLabels),
            C::ImportGroupings => self.ask_path(PathPurpose::ImportGroupings),
            C::FindPictures => self.ask_path(PathPurpose::FindPictures),
            C::ExportClusters => self.ask_path(PathPurpose::ExportClusters),
            C::ExportGroupings => self.ask_path(PathPurpose::ExportGroupings),
            C::ExportAgreement => self.ask_path(PathPurpose::ExportAgreement),
            C::ExportModel => self.ask_path(PathPurpose::ExportModel),
            C::Quit => context.send_viewport_cmd(egui::ViewportCommand::Close),
            C::Undo => self.engine.send(Command::Undo),
            C::Redo => self.engine.send(Command::Redo),
            C::SelectAll => {
                let all = state.library.shown().iter().copied().collect();
                state.library.selection.set(all);
            }
            C::SelectNone => state.escape(),
            C::InvertSelection => {
                let selected = &state.library.selection.images;
                let inverse = state.library.shown().iter().copied().filter(|image| !selected.contains(image)).collect();
                state.library.selection.set(inverse);
            }
            C::RestoreSelection => state.library.selection.restore(),
            C::CopyLabels => {
                if let Some(image) = state.library.selection.cursor {
                    state.label.copied_from = Some(image);
                    if let Some(project) = state.project.clone() {
                        let labels = project.snapshot.labels.iter();
                        let given: Vec<&str> = labels
                            .filter(|label| project.answer(image, label.id) == Some(true))
                            .map(|label| label.name.as_str())
                            .collect();
                        // Also as text: without any in the clipboard, systems swallow the key that pastes.
                        context.copy_text(if given.is_empty() { "no labels".to_owned() } else { given.join(", ") });
                        if let Some(image) = project.image(image) {
                            state.toast(format!("Labels of {} copied", image.file_name()));
                        }
                    }
                }
            }
            C::PasteLabels => {
                if let Some(from) = state.label.copied_from {
                    let to = state.target_images();
                    self.engine.send(Command::CopyLabels { from, to });
                }
            }
            C::SetAside => {
                let images = state.target_images();
                if let Some(project) = &state.project {
                    let all_aside =
                        images.iter().all(|id| project.image(*id).is_some_and(|image| image.set_aside.is_some()));
                    let reason = (!all_aside).then(|| "set aside by hand".to_owned());
                    self.engine.send(Command::SetAside(images, reason));
                }
            }
            C::Search => {
                state.view = View::Library;
                state.library.focus_search = true;
            }
            C::ShowLibrary => state.show(View::Library),
            C::ShowLabel => state.show(View::Label),
            C::ShowGroup => state.show(View::Group),
            C::ShowTrain => state.show(View::Train),
            C::ShowExplore => state.show(View::Explore),
            C::ShowReport => state.show(View::Report),
            C::LargerThumbnails => self.preferences.scale_thumbnails(1.2),
            C::SmallerThumbnails => self.preferences.scale_thumbnails(1.0 / 1.2),
            C::ResetThumbnails => {
                self.preferences.thumbnail_points = super::preferences::Preferences::default().thumbnail_points;
            }
            C::ThemeLight => self.choose_theme(context, ThemeChoice::Light),
            C::ThemeDark => self.choose_theme(context, ThemeChoice::Dark),
            C::ThemeSystem => self.choose_theme(context, ThemeChoice::System),
            C::FullScreen => {
                let full = context.input(|input| input.viewport().fullscreen.unwrap_or(false));
                context.send_viewport_cmd(egui::ViewportCommand::Fullscreen(!full));
            }
            C::PreviousPicture => state.step(-1),
            C::NextPicture => state.step(1),
            C::NextUnlabelled => state.next_unlabelled(),
            C::ConfirmAndNext => {
                if state.view == View::Label {
                    let images = state.library.selection.cursor.into_iter().collect();
                    self.engine.send(Command::Confirm(images));
                    state.step(1);
                } else if state.view == View::Library {
                    state.show(View::Label);
                }
            }
            C::CopyFromPrevious => {
                if let (Some(from), Some(to)) = (state.neighbour(-1), state.library.selection.cursor) {
                    self.engine.send(Command::CopyLabels { from, to: vec![to] });
                }
            }
            C::SplitPictures => {
                let request = SplitRequest { seed: state.train.configuration.seed, ..SplitRequest::default() };
                self.engine.send(Command::Split(request));
            }
            C::StartTraining => {
                state.view = View::Train;
                self.engine.send(Command::Train(Box::new(state.train.configuration.clone())));
            }
            C::TrainAgain => {
                if let Some(run) = state.shown_run() {
                    state.view = View::Train;
                    self.engine.send(Command::TrainAgain(run));
                }
            }
            C::ResumeRun => {
                if let Some(run) = state.shown_run() {
                    state.view = View::Train;
                    self.engine.send(Command::ResumeRun(run));
                }
            }
            C::PauseJob => self.engine.send(Command::PauseJob),
            C::ContinueJob => self.engine.send(Command::ContinueJob),
            C::ExploreRun => {
                state.explore.run = state.shown_run();
                state.show(View::Explore);
            }
            C::StopJob => {
                if let Some(job) = &mut state.job {
                    job.stopping = true;
                }
                self.engine.send(Command::CancelJob);
            }
            C::CommandPalette => {
                state.palette = if state.palette.is_some() { None } else { Some(Default::default()) };
            }
            C::CheatSheet => state.cheat_sheet = !state.cheat_sheet,
        }
    }

    fn choose_theme(&mut self, context: &egui::Context, theme: ThemeChoice) {
        self.preferences.theme = theme;
        self.preferences.save();
        super::apply_theme(context, theme);
    }

    fn ask_path(&mut self, purpose: PathPurpose) {
        self.state.path_question = Some(PathQuestion::new(purpose));
    }

    fn path_chosen(&mut self, purpose: PathPurpose, path: PathBuf, accept_problems: bool) {
        self.state.path_question = None;
        let import = ImportRequest { accept_problems, ..ImportRequest::default() };
        let command = match purpose {
            PathPurpose::NewProject => Command::CreateProject(path),
            PathPurpose::OpenProject => Command::OpenProject { folder: path, read_only: false },
            PathPurpose::ImportPictures => Command::Import(ImportRequest { images: Some(path), ..import }),
            PathPurpose::ImportLabels => Command::Import(ImportRequest { labels: Some(path), ..import }),
            PathPurpose::ImportGroupings => Command::Import(ImportRequest { groupings: Some(path), ..import }),
            PathPurpose::FindPictures => {
                // The folder that is not where it was is the one that moved.
                let roots = self.state.project.as_ref().map_or(&[][..], |project| &project.snapshot.roots);
                let lost: Vec<i64> = roots.iter().filter(|root| !root.path.is_dir()).map(|root| root.id).collect();
                let root_id = if lost.len() == 1 { Some(lost[0]) } else { None };
                Command::Relink { root_id, folder: path }
            }
            PathPurpose::ExportClusters => match self.state.explore.exploration.as_ref() {
                Some(exploration) => Command::ExportAssignments { request: exploration.request, file: path },
                None => return,
            },
            PathPurpose::ExportGroupings => Command::ExportGroupings(path),
            PathPurpose::ExportMoveLog => match self.state.group.log_of {
                Some(study) => Command::ExportMoveLog(study, path),
                None => return,
            },
            PathPurpose::ExportAgreement => match self.state.group.agreement.asked.clone() {
                Some((request, _)) => {
                    Command::ExportAgreement { request, level: self.state.group.agreement.level, folder: path }
                }
                None => return,
            },
            PathPurpose::ExportModel => match self.state.shown_run() {
                Some(run) => Command::ExportModel { run, file: path },
                None => return,
            },
        };
        self.engine.send(command);
    }
}

impl AppState {
    fn show(&mut self, view: View) {
        self.view = view;
        self.library.scroll_to_cursor = true;
    }

    /// Forgets what belonged to the project that was open.
    fn forget_project(&mut self) {
        self.library = Default::default();
        self.label = Default::default();
        self.train = super::state::TrainState {
            log: std::mem::take(&mut self.train.log),
            live: self.train.live,
            shown: self.train.shown,
            epochs: std::mem::take(&mut self.train.epochs),
            batches: std::mem::take(&mut self.train.batches),
            smoothing: self.train.smoothing,
            logarithmic: self.train.logarithmic,
            by_batch: self.train.by_batch,
            grouping: self.train.grouping.clone(),
            ..Default::default()
        };
        self.explore = Default::default();
        self.session = None;
        self.group = Default::default();
    }

    /// Closes what lies on top, else clears the selection.
    fn escape(&mut self) {
        if self.palette.take().is_some() || self.path_question.take().is_some() {
            return;
        }
        if std::mem::take(&mut self.cheat_sheet) {
            return;
        }
        if self.label.renaming.take().is_some() {
            return;
        }
        if self.view == View::Train && self.train.picked.take().is_some() {
            return;
        }
        if self.view == View::Group && self.group.form.take().is_some() {
            return;
        }
        if self.view == View::Group
            && (self.group.agreement.pair.take().is_some() || self.group.agreement.picked.take().is_some())
        {
            return;
        }
        if self.view == View::Explore && self.explore.focused_cluster.take().is_some() {
            return;
        }
        if self.view == View::Explore && self.explore.picked.take().is_some() {
            return;
        }
        self.library.selection.set(HashSet::new());
    }

    /// The images an edit is about: the selection, or the one at the cursor in the Label view.
    pub fn target_images(&self) -> Vec<ImageId> {
        let selection = &self.library.selection;
        if self.view == View::Label || selection.images.is_empty() {
            return selection.cursor.into_iter().collect();
        }
        let mut images: Vec<ImageId> = selection.images.iter().copied().collect();
        images.sort_unstable();
        images
    }

    /// Moves in the grid on show.
    fn go(&mut self, step: GridStep, extend: bool) {
        if self.view == View::Library {
            let shown = self.library.shown().to_vec();
            self.library.selection.go(step, extend, &shown);
            self.library.scroll_to_cursor = true;
        } else if let (Some(exploration), Some(cluster)) = (&self.explore.exploration, self.explore.focused_cluster) {
            let images = super::views::explore::images_of(exploration, cluster);
            self.explore.selection.go(step, extend, &images);
            self.explore.scroll_to_cursor = true;
        }
    }

    fn neighbour(&self, by: isize) -> Option<ImageId> {
        let shown = self.library.shown();
        let at = shown.iter().position(|id| Some(*id) == self.library.selection.cursor)?;
        shown.get(at.checked_add_signed(by)?).copied()
    }

    /// Moves the cursor along the list on show.
    pub fn step(&mut self, by: isize) {
        let next = match self.library.selection.cursor {
            Some(cursor) if self.library.shown().contains(&cursor) => self.neighbour(by),
            _ => self.library.shown().first().copied(),
        };
        if let Some(next) = next {
            self.move_to(next);
        }
    }

    fn next_unlabelled(&mut self) {
        let Some(project) = &self.project else { return };
        let shown = self.library.shown();
        let at = shown.iter().position(|id| Some(*id) == self.library.selection.cursor).map_or(0, |at| at + 1);
        let next = shown[at.min(shown.len())..]
            .iter()
            .chain(&shown[..at.min(shown.len())])
            .find(|id| !project.snapshot.answers.contains_key(id))
            .copied();
        match next {
            Some(next) => self.move_to(next),
            None => self.toast("Every picture on show has an answer"),
        }
    }

    fn move_to(&mut self, image: ImageId) {
        self.library.selection.only(image);
        self.library.scroll_to_cursor = true;
        if self.library.unlabelled_only {
            // The picture just left may now drop out of the list.
            self.library.invalidate();
        }
    }

    /// The run on show in the Train view: the one chosen, else the newest.
    pub fn shown_run(&self) -> Option<RunId> {
        let runs = &self.project.as_ref()?.snapshot.runs;
        let chosen = self.train.shown.filter(|run| self.train.live == Some(*run) || runs.iter().any(|r| r.id == *run));
        chosen.or_else(|| runs.first().map(|run| run.id))
    }

    /// What can be done with a run, the first at the right.
    pub fn run_commands(&self, run: RunId) -> Vec<UiCommand> {
        use UiCommand as C;
        if self.train.live == Some(run) {
            let paused = self.job.as_ref().is_some_and(|job| job.paused);
            return vec![C::StopJob, if paused { C::ContinueJob } else { C::PauseJob }];
        }
        let mut commands = vec![C::ExportModel, C::TrainAgain, C::ExploreRun];
        if self.resumable(run) {
            commands.push(C::ResumeRun);
        }
        commands
    }

    /// Whether a run did not come to its end.
    fn resumable(&self, run: RunId) -> bool {
        let runs = self.project.as_ref().map_or(&[][..], |project| &project.snapshot.runs);
        let unfinished = |status| matches!(status, RunStatus::Stopped | RunStatus::Interrupted | RunStatus::Failed);
        self.train.live != Some(run) && runs.iter().any(|record| record.id == run && unfinished(record.status))
    }

    /// The record of the run on show, when its network can be used.
    fn usable_run(&self) -> Option<&RunRecord> {
        let run = self.shown_run()?;
        let record = self.project.as_ref()?.snapshot.runs.iter().find(|record| record.id == run)?;
        (record.best_epoch.is_some() && self.train.live != Some(run)).then_some(record)
    }

    /// The run to explore when none was chosen: the newest with a trained network.
    pub fn default_run(&self) -> Option<RunId> {
        let usable = |status: RunStatus| !matches!(status, RunStatus::Running | RunStatus::Failed);
        let runs = &self.project.as_ref()?.snapshot.runs;
        runs.iter().find(|run| usable(run.status) && run.best_epoch.is_some()).map(|run| run.id)
    }
}
