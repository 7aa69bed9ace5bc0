//! What happens between frames: events of the engine go into the state, commands of the person go to the engine.

use std::collections::HashSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::commands::UiCommand;
use super::keys::{self, GridStep, Listening, Pressed};
use super::preferences::{ProjectMemory, ThemeChoice};
use super::session::{self, SessionState};
use super::state::{
    AppState, ExploreState, JobState, PathPurpose, PathQuestion, ProjectState, SplitDialog, TestPart, TrainPage, View,
    WhoQuestion,
};
use super::{Action, App};
use crate::engine::analysis::ExploreRequest;
use crate::engine::jobs::cluster::ClusteredPart;
use crate::engine::jobs::export_labels::LabelExport;
use crate::engine::jobs::import::ImportRequest;
use crate::engine::thumbnails::PicturePool;
use crate::engine::{Command, Engine, Event, Notice, ProjectChange};
use crate::features::FeatureSource;
use crate::ids::{ImageId, RunId};
use crate::interchange::label_forms::LabelForm;
use crate::project::{RunRecord, RunStatus};
use crate::training::TrainingConfiguration;

/// Time for events in one frame.
const EVENT_BUDGET: Duration = Duration::from_millis(10);

/// The open project, to take over a change. Where somebody holds on to it as it was, it is loaded anew rather than shown
/// wrong.
fn to_change<'a>(project: &'a mut Option<Rc<ProjectState>>, engine: &Engine) -> Option<&'a mut ProjectState> {
    let changed = Rc::get_mut(project.as_mut()?);
    if changed.is_none() {
        engine.send(Command::Reload);
    }
    changed
}

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
            // The system's dialog has asked already whether a file may be replaced.
            self.path_chosen(PathQuestion { text: path.display().to_string(), ..PathQuestion::new(purpose) }, path);
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
                state.who_was_chosen = false;
                if same {
                    self.textures.retry_broken();
                } else {
                    self.preferences.remember_state(state);
                    state.forget_project();
                    match self.preferences.memory_of(&folder) {
                        Some(memory) => state.recall(memory),
                        None => state.view = View::Library,
                    }
                    if let Some(view) = self.start_view.take() {
                        state.view = view;
                    }
                    match PicturePool::start(crate::project::thumbnails_folder(&folder), self.wake.clone()) {
                        Ok(pool) => self.textures = super::textures::Textures::new(Some(pool)),
                        Err(error) => state.problem(Notice::from(&error)),
                    }
                    self.preferences.opened(&folder);
                }
                state.busy = None;
                state.library.refresh(&project);
                state.project = Some(Rc::new(project));
            }
            Event::Changed { change, undo, redo } => {
                let Some(project) = to_change(&mut state.project, &self.engine) else { return };
                // Other pictures take part: clusters, plans and agreement are asked for again, as after loading.
                let revision = if matches!(change, ProjectChange::SetAside { .. }) {
                    state.loads += 1;
                    state.loads << 32
                } else {
                    project.revision + 1
                };
                project.changed(change, revision);
                project.snapshot.undo = undo;
                project.snapshot.redo = redo;
                state.library.refresh(project);
            }
            Event::Closed => {
                self.preferences.remember_state(state);
                state.project = None;
                state.forget_project();
                self.textures = super::textures::Textures::new(None);
            }
            Event::Busy { folder, notice } => {
                state.path_given = None;
                state.busy = Some((folder, notice));
            }
            Event::Annotated { edits, undo, redo } => {
                if let Some(project) = to_change(&mut state.project, &self.engine) {
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
                        state.library.bring(edit.image, project);
                    }
                }
            }
            Event::EditFailed(images, notice) => {
                // Whoever went on meanwhile is brought back to what is not stored.
                if state.view == View::Label
                    && let (Some(image), Some(project)) = (images.first(), state.project.clone())
                {
                    state.library.bring(*image, &project);
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
                state.split_dialog = None;
                state.job =
                    Some(JobState { title, progress: None, started: Instant::now(), stopping: false, paused: false });
            }
            Event::JobProgress(progress) => {
                state.path_given = None;
                if let Some(job) = &mut state.job {
                    job.progress = Some(progress);
                }
            }
            Event::JobNote(line) => state.train.log.push(line),
            Event::RunStarted(run) => {
                state.train.live = Some(run);
                state.train.show_run(run);
                state.train.page = TrainPage::Curves;
                // What a run that goes on had done is on the disk. The demo's project is opened when the demo is done.
                if state.project.is_some() {
                    self.engine.send(Command::LoadRun(run));
                }
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
                state.path_given = None;
                state.job = None;
                state.train.live = None;
                state.train.log.push(end.summary.clone());
                if end.run.is_some() {
                    state.explore = ExploreState {
                        features: end.run.map(FeatureSource::Run),
                        ..std::mem::take(&mut state.explore)
                    };
                    state.explore.requested = None;
                }
                if let Some(clusters) = end.show_clusters {
                    state.view = View::Explore;
                    state.explore.clusters = clusters;
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
                state.problem_with_path(notice);
            }
            Event::PredictionsLoaded(predictions) => state.train.predictions = Some(Rc::new(*predictions)),
            Event::AgreementFound(request, report) => {
                let agreement = &mut state.group.agreement;
                if agreement.asked.as_ref().is_some_and(|(asked, _)| *asked == request) {
                    agreement.found = Some(Ok(report));
                    agreement.linkage = None;
                    agreement.answers += 1;
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
                    (state.explore.failed, state.explore.lacks_intensities) = (Some(notice), false);
                }
            }
            Event::NoIntensities(request, notice) => {
                if state.explore.requested.is_some_and(|(asked, _)| asked == request) {
                    (state.explore.failed, state.explore.lacks_intensities) = (Some(notice), true);
                }
            }
            Event::Scored(scores) => {
                if state.explore.requested.is_some_and(|(request, _)| request == scores.request) {
                    state.explore.scores = Some(*scores);
                }
            }
            Event::ElbowFound(of, elbow) => {
                let of_these = |asked: ExploreRequest| asked.has_same_curve(&of);
                if state.explore.requested.is_some_and(|(asked, _)| of_these(asked)) {
                    state.explore.elbow = Some(elbow);
                }
            }
            Event::SplitPreviewed(request, preview) => {
                if let Some(dialog) = &mut state.split_dialog {
                    dialog.preview = Some((request, preview));
                }
            }
            Event::FilesChecked(check) => state.file_check = check,
            Event::HistoryStep { forward, what } => state.tell_step(what, forward),
            Event::Done(text) => {
                state.path_given = None;
                state.toast(text);
            }
            Event::Problem(notice) => state.problem_with_path(notice),
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
        if keys::belong_to_a_popup(context) {
            return;
        }
        if let Some(who) = &mut self.state.who {
            who.just_asked = false;
        }
        let events = context.input_mut(|input| std::mem::take(&mut input.events));
        let mut for_what_is_drawn = Vec::with_capacity(events.len());
        let mut pasted = false;
        for event in events {
            let listening = self.listening(context);
            match keys::meaning(&event, listening) {
                // Pasting may arrive as an event and as a key.
                Some(Pressed::Command(UiCommand::PasteLabels)) if std::mem::replace(&mut pasted, true) => {}
                Some(pressed) => self.do_pressed(context, pressed),
                // Letters of keys that nobody types into must not reach a field that is opened after them.
                None if matches!(event, egui::Event::Text(_)) && !listening.typing && !listening.dialog => {}
                None => for_what_is_drawn.push(event),
            }
        }
        context.input_mut(|input| input.events = for_what_is_drawn);
    }

    /// What keys mean just now.
    fn listening(&self, context: &egui::Context) -> Listening {
        let state = &self.state;
        let focused_cluster = state.view == View::Explore && state.explore.focused_cluster.is_some();
        let covered = state.palette.is_some() || state.cheat_sheet;
        let typing = context.text_edit_focused() || state.field_awaits_keyboard();
        Listening {
            labels: matches!(state.view, View::Library | View::Label) && !covered,
            grid: (state.view == View::Library || focused_cluster) && !covered,
            grid_sideways: focused_cluster,
            typing,
            focused: !typing && context.memory(|memory| memory.focused().is_some()),
            dialog: state.dialog_is_open(),
        }
    }

    fn do_pressed(&mut self, context: &egui::Context, pressed: Pressed) {
        match pressed {
            Pressed::Command(command) => self.run_command(context, command),
            Pressed::Move(step, extend) => self.state.go(step, extend),
            Pressed::Label(at, yes) => {
                let project = self.state.project.as_ref().filter(|project| !project.snapshot.read_only);
                let Some(label) = project.and_then(|project| project.snapshot.labels.get(at)).map(|label| label.id)
                else {
                    return;
                };
                let images = self.state.target_images();
                if !images.is_empty() {
                    self.send(if yes {
                        Command::ToggleLabel { images, label }
                    } else {
                        Command::ToggleNo { images, label }
                    });
                }
            }
        }
    }

    /// Hands a command to the engine. An answer waits, and with it all after it, until it is known whose it is.
    pub(super) fn send(&mut self, command: Command) {
        let state = &mut self.state;
        if command.gives_answers() {
            if state.view == View::Label && !matches!(command, Command::Confirm(_)) {
                state.label.touched = state.library.selection.cursor;
            }
            let nobody = state.project.as_ref().is_some_and(|project| project.snapshot.annotator.is_none());
            if nobody && !state.who_was_chosen {
                let who = state.who.get_or_insert_with(|| WhoQuestion {
                    focus: true,
                    just_asked: true,
                    ..WhoQuestion::default()
                });
                who.answers.push(command);
                return;
            }
        }
        match &command {
            // Choosing somebody answers the question, wherever it is done.
            Command::ChooseAnnotator(_) => {
                let waiting = state.who.take().map_or_else(Vec::new, |who| who.answers);
                state.who_was_chosen = true;
                self.engine.send(command);
                waiting.into_iter().for_each(|answer| self.engine.send(answer));
                return;
            }
            Command::ShowEverybody => state.who_was_chosen = false,
            _ => {}
        }
        self.engine.send(command);
    }

    /// Does what was asked for in a frame.
    pub(super) fn act(&mut self, context: &egui::Context, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Engine(command) => self.send(command),
                Action::Ui(command) => self.run_command(context, command),
                Action::Path(question, path) => self.path_chosen(question, path),
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
            C::ImportPictures | C::ImportLabels | C::ImportGroupings => writable && idle,
            C::SplitPictures => writable && idle && state.why_not_split().is_none(),
            C::StartTraining => writable && idle && state.why_not_train().is_none(),
            C::FindPictures => {
                writable && idle && state.project.as_ref().is_some_and(|project| !project.snapshot.images.is_empty())
            }
            C::ExportClusters => explored,
            C::ExportLabels => state.project.as_ref().is_some_and(|project| !project.snapshot.labels.is_empty()),
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
            C::CopyLabels | C::PreviousPicture | C::NextPicture | C::OpenPicture => {
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
            C::OpenDemo => match crate::demo::default_folder() {
                Ok(folder) => self.engine.send(Command::RunDemo(folder)),
                Err(error) => state.problem(Notice::from(&error)),
            },
            C::CloseProject => self.engine.send(Command::CloseProject),
            C::ImportPictures => self.ask_path(PathPurpose::ImportPictures),
            C::ImportLabels => self.ask_path(PathPurpose::ImportLabels),
            C::ImportGroupings => self.ask_path(PathPurpose::ImportGroupings),
            C::FindPictures => self.ask_path(PathPurpose::FindPictures),
            C::ExportClusters => self.ask_path(PathPurpose::ExportClusters),
            C::ExportLabels => self.ask_path(PathPurpose::ExportLabels),
            C::ExportGroupings => self.ask_path(PathPurpose::ExportGroupings),
            C::ExportAgreement => self.ask_path(PathPurpose::ExportAgreement),
            C::ExportModel => self.ask_path(PathPurpose::ExportModel),
            C::Quit => {
                if state.job.is_some() {
                    state.ask_before_quitting = true;
                } else {
                    context.send_viewport_cmd(egui::ViewportCommand::Close);
                }
            }
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
            C::RestoreSelection => state.library.restore_selection(),
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
                    self.send(Command::CopyLabels { from, to });
                }
            }
            C::SetAside => {
                let images = state.target_images();
                if let Some(project) = &state.project {
                    let all_aside =
                        images.iter().all(|id| project.image(*id).is_some_and(|image| image.set_aside.is_some()));
                    let reason = (!all_aside).then(|| "set aside by hand".to_owned());
                    if reason.is_some() && !state.library.show_set_aside {
                        state.library.move_on_from(&images);
                    }
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
                    if let Some(image) = state.library.selection.cursor {
                        self.send(Command::Confirm(vec![image]));
                        self.state.step(1);
                    }
                } else if state.view == View::Library {
                    state.show(View::Label);
                }
            }
            C::OpenPicture => {
                if state.view == View::Library {
                    state.show(View::Label);
                } else if state.label.touched.is_some() && state.label.touched == state.library.selection.cursor {
                    self.run_command(context, C::ConfirmAndNext);
                } else {
                    // Who opened the picture with Enter and presses it again has not said "no" to every label.
                    state.toast("Space answers no to every label left open, and goes on");
                }
            }
            C::CopyFromPrevious => {
                if let (Some(from), Some(to)) = (state.neighbour(-1), state.library.selection.cursor) {
                    self.send(Command::CopyLabels { from, to: vec![to] });
                }
            }
            C::SplitPictures => {
                if let Some(project) = &state.project {
                    state.split_dialog = Some(SplitDialog::new(project, state.train.configuration.seed));
                }
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
                state.explore.features = state.shown_run().map(FeatureSource::Run);
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

    /// Does what a path was asked for. The question is kept until it is known whether the path could be used: if not,
    /// it is asked again with what was typed and the reason.
    fn path_chosen(&mut self, question: PathQuestion, path: PathBuf) {
        let purpose = question.purpose;
        let import = ImportRequest { accept_problems: question.accept_problems, ..ImportRequest::default() };
        self.state.path_question = None;
        self.state.path_given = Some(question);
        let command = match purpose {
            PathPurpose::NewProject => Command::CreateProject(path),
            PathPurpose::OpenProject => Command::OpenProject { folder: path, read_only: false },
            PathPurpose::ImportPictures => Command::Import(ImportRequest { images: Some(path), ..import }),
            PathPurpose::ImportLabels => Command::Import(ImportRequest { labels: Some(path), ..import }),
            PathPurpose::ImportGroupings => Command::Import(ImportRequest { groupings: Some(path), ..import }),
            PathPurpose::TestPictures => {
                self.state.path_given = None;
                if let Some(dialog) = &mut self.state.split_dialog {
                    (dialog.test_part, dialog.list) = (TestPart::Listed, path.display().to_string());
                }
                return;
            }
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
            PathPurpose::ExportLabels => {
                let person = self.state.project.as_ref().and_then(|project| project.snapshot.annotator.as_ref());
                let annotator = person.map(|person| person.name.clone());
                let form = LabelForm::of_path(&path);
                Command::ExportLabels { export: LabelExport { form, annotator }, path }
            }
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

    /// Goes on where the project was left.
    fn recall(&mut self, memory: &ProjectMemory) {
        self.view = memory.view;
        self.library.selection.cursor = memory.picture;
        self.library.scroll_to_cursor = true;
        self.explore.method = memory.method.parse().unwrap_or_default();
        self.explore.clusters = memory.clusters.max(1);
        self.explore.seed = memory.seed;
        self.explore.part = if memory.all_pictures { ClusteredPart::All } else { ClusteredPart::Test };
        // Settings of another version are not taken over.
        if let Ok(configuration) = TrainingConfiguration::of_run(&memory.training) {
            self.train.configuration = configuration;
        }
    }

    /// How the project is left.
    pub(super) fn memory(&self) -> Option<ProjectMemory> {
        Some(ProjectMemory {
            folder: self.project.as_ref()?.snapshot.folder.clone(),
            view: self.view,
            picture: self.library.selection.cursor,
            method: self.explore.method.to_string(),
            clusters: self.explore.clusters,
            seed: self.explore.seed,
            all_pictures: self.explore.part == ClusteredPart::All,
            training: self.train.configuration.to_toml().unwrap_or_default(),
        })
    }

    /// Why the pictures cannot be split, if so.
    pub fn why_not_split(&self) -> Option<String> {
        let project = self.project.as_ref()?;
        if project.snapshot.images.is_empty() {
            return Some("There are no pictures yet: import some first.".to_owned());
        }
        if project.snapshot.labels.is_empty() {
            return Some("There are no labels yet: add some in the Label view, or import them.".to_owned());
        }
        (project.answered_by_anybody == 0)
            .then(|| "No picture has a label yet: label some, or import labels.".to_owned())
    }

    /// Why no training can be started, if so.
    pub fn why_not_train(&self) -> Option<String> {
        self.why_not_split().or_else(|| match &self.train.plan {
            Some((of, Err(notice))) if **of == self.train.configuration => {
                Some(crate::wording::sentence(&notice.message))
            }
            _ => None,
        })
    }

    /// Why a command cannot be used now, where that needs saying.
    pub fn why_not(&self, command: UiCommand) -> Option<String> {
        match command {
            _ if self.project.is_none() => None,
            UiCommand::StartTraining | UiCommand::SplitPictures if self.job.is_some() => {
                Some("Something is at work already; see the status line below.".to_owned())
            }
            UiCommand::StartTraining => self.why_not_train(),
            UiCommand::SplitPictures => self.why_not_split(),
            _ => None,
        }
    }

    /// Tells bad news: beside the field, if it is about the path given there last.
    fn problem_with_path(&mut self, notice: Notice) {
        match self.path_given.take() {
            Some(question) if self.path_question.is_none() => {
                let hint =
                    notice.hint.map_or_else(String::new, |hint| format!(" {}.", crate::wording::sentence(&hint)));
                let complaint = format!("{}.{hint}", crate::wording::sentence(&notice.message));
                self.path_question =
                    Some(PathQuestion { complaint: Some(complaint), focus: true, replacing: None, ..question });
            }
            _ => self.problem(notice),
        }
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
        self.file_check = Default::default();
        self.session = None;
        self.group = Default::default();
        // What was said is about the project that is left.
        self.problems.clear();
        self.show_problems = false;
        self.job_end = None;
        self.toast = None;
        self.path_given = None;
        self.who = None;
        self.split_dialog = None;
    }

    /// Closes what lies on top, else clears the selection.
    fn escape(&mut self) {
        if std::mem::take(&mut self.ask_before_quitting) || self.split_dialog.take().is_some() {
            return;
        }
        if let Some(who) = self.who.take() {
            let dropped = crate::wording::counted(who.answers.len(), "answer");
            self.toast(format!("Nobody was chosen: {dropped} not stored"));
            return;
        }
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

    /// The features to explore when none were chosen: the label intensities of the newest run with a trained network, or
    /// else the newest feature set.
    pub fn default_features(&self) -> Option<FeatureSource> {
        let newest_set = || self.project.as_ref()?.snapshot.feature_sets.last().map(|set| FeatureSource::Set(set.id));
        self.default_run().map(FeatureSource::Run).or_else(newest_set)
    }

    /// The newest run with a trained network.
    pub fn default_run(&self) -> Option<RunId> {
        let usable = |status: RunStatus| !matches!(status, RunStatus::Running | RunStatus::Failed);
        let runs = &self.project.as_ref()?.snapshot.runs;
        runs.iter().find(|run| usable(run.status) && run.best_epoch.is_some()).map(|run| run.id)
    }
}
