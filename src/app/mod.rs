//! The window.
//!
//! Data goes one way: `logic` takes the engine's events into [`state`] and turns the person's commands into the
//! engine's; the `views` read the state and draw, and hand back [`Action`]s.

pub mod commands;
mod dialogs;
mod events;
mod frame_times;
mod icons;
mod key_queue;
pub mod keys;
mod logic;
pub mod paths;
pub mod preferences;
pub mod session;
pub mod state;
mod textures;
mod theme;
mod views;
mod widgets;

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::command::{JobCommand, ProjectCommand, SessionCommand};
use crate::engine::{Command, Engine, Wake};
use crate::error::{Error, Result};

use commands::UiCommand;
use dialogs::{Dialogs, MainThread};
pub use frame_times::FrameTimes;
use paths::PathPurpose;
use preferences::{Preferences, ThemeChoice, WindowPlace};
use state::{AppState, PathQuestion, View};
use textures::Textures;

/// What the window is opened with.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// A project to open at once.
    pub project: Option<PathBuf>,
    /// Make or open the demo in this folder at once.
    pub demo: Option<PathBuf>,
    /// Show this view at first.
    pub view: View,
    /// Open this rater's session at once, and nothing else: the rater's name, and the study's unless it is the only one.
    pub rater: Option<(String, Option<String>)>,
    /// Write our own time of each frame to this CSV file at the end.
    pub frame_log: Option<PathBuf>,
}

/// Something a view asks for.
#[derive(Clone, Debug)]
pub enum Action {
    /// A command to the engine.
    Engine(Command),
    /// A command of the window.
    Ui(UiCommand),
    /// A path was given as the answer to a question.
    Path(PathQuestion, PathBuf),
    /// A path should be chosen in the system's dialog.
    Browse(&'static PathPurpose),
}

/// What a view draws with.
pub(crate) struct ViewContext<'a> {
    pub state: &'a mut AppState,
    pub textures: &'a mut Textures,
    pub preferences: &'a mut Preferences,
    pub actions: &'a mut Vec<Action>,
}

impl ViewContext<'_> {
    /// Asks the engine for something.
    pub fn send(&mut self, command: impl Into<Command>) {
        self.actions.push(Action::Engine(command.into()));
    }
}

/// The window's content.
pub struct App {
    engine: Engine,
    wake: Wake,
    state: AppState,
    textures: Textures,
    preferences: Preferences,
    dialogs: Dialogs,
    main_thread: MainThread,
    frame_times: FrameTimes,
    title: String,
    /// The view that was asked for when the program was started, until a project is open.
    start_view: Option<View>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Opens the window and stays until it is closed.
///
/// # Errors
/// `Device` when no window can be opened.
pub fn run(start: Start) -> Result<()> {
    let icon = image::load_from_memory(include_bytes!("../../assets/icons/atmoscope.png"))
        .map(|image| image.into_rgba8())
        .map(|image| egui::IconData { width: image.width(), height: image.height(), rgba: image.into_raw() })
        .unwrap_or_default();
    let preferences = Preferences::load();
    let mut viewport = egui::ViewportBuilder::default()
        .with_title("Atmoscope")
        .with_app_id("atmoscope")
        .with_icon(icon)
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([960.0, 600.0])
        .with_drag_and_drop(true);
    if let Some(WindowPlace { position, size, maximized }) = preferences.window {
        viewport = viewport.with_inner_size(size).with_maximized(maximized);
        if let Some(position) = position {
            viewport = viewport.with_position(position);
        }
    }
    // Kept to the screen, in case the one it was on is gone.
    viewport = viewport.with_clamp_size_to_monitor_size(true);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    eframe::run_native(
        "Atmoscope",
        options,
        Box::new(move |creation| Ok(Box::new(App::new(&creation.egui_ctx, start, preferences)?))),
    )
    .map_err(|error| {
        Error::device(format!("no window can be opened: {error}"))
            .hint("without a screen, use the subcommands: `atmoscope --help`; `atmoscope doctor` shows what is there")
    })
}

impl App {
    /// The window's content for tests: without preferences of this computer.
    pub fn for_test(context: &egui::Context, start: Start) -> Result<Self> {
        Self::new(context, start, Preferences::default())
    }

    fn new(context: &egui::Context, start: Start, preferences: Preferences) -> Result<Self> {
        theme::install(context);
        context.add_plugin(key_queue::KeyQueue::default());
        apply_theme(context, preferences.theme);
        let wake: Wake = {
            let context = context.clone();
            Arc::new(move || context.request_repaint())
        };
        let engine = Engine::start(wake.clone())?;
        let state = AppState { view: start.view, rater_alone: start.rater.is_some(), ..AppState::default() };
        if let Some(folder) = start.project {
            engine.send(ProjectCommand::Open { folder, read_only: false });
        }
        if let Some((rater, study)) = start.rater {
            engine.send(SessionCommand::OpenOf { study, rater });
        }
        if let Some(folder) = start.demo {
            engine.send(JobCommand::RunDemo(folder));
        }
        Ok(Self {
            engine,
            wake,
            state,
            textures: Textures::new(None),
            preferences,
            dialogs: Dialogs::default(),
            main_thread: MainThread::new(),
            frame_times: FrameTimes::new(start.frame_log),
            title: String::new(),
            start_view: (start.view != View::default()).then_some(start.view),
        })
    }

    /// The state, for tests.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// The state to change, for tests.
    pub fn state_mut(&mut self) -> &mut AppState {
        &mut self.state
    }

    /// What is remembered for the next session, for tests.
    pub fn preferences(&self) -> &Preferences {
        &self.preferences
    }

    /// True while pictures, clusters or a job are on their way, for tests.
    pub fn is_busy(&self) -> bool {
        self.textures.is_waiting() || self.state.job.is_some()
    }

    /// A job is not stopped without a word: whoever closes the window is asked first.
    fn ask_before_closing(&mut self, context: &egui::Context) {
        let at_work = self.state.job.is_some();
        if self.state.quitting {
            if !at_work {
                self.state.quitting = false;
                context.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        } else if at_work && context.input(|input| input.viewport().close_requested()) {
            context.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.state.ask_before_quitting = true;
        } else if !at_work {
            self.state.ask_before_quitting = false;
        }
    }

    /// Remembers where the window is, while it is one.
    fn note_place(&mut self, context: &egui::Context) {
        let place = context.input(|input| {
            let viewport = input.viewport();
            let special = viewport.fullscreen == Some(true) || viewport.minimized == Some(true);
            let inner = viewport.inner_rect.filter(|_| !special)?;
            let maximized = viewport.maximized == Some(true);
            Some((
                viewport.outer_rect.map(|outer| [outer.min.x, outer.min.y]),
                [inner.width(), inner.height()],
                maximized,
            ))
        });
        if let Some((position, size, maximized)) = place {
            // A window that fills the screen keeps the place it goes back to.
            let kept = self.preferences.window.filter(|_| maximized);
            self.preferences.window = Some(match kept {
                Some(place) => WindowPlace { maximized, ..place },
                None => WindowPlace { position, size, maximized },
            });
        }
    }

    fn update_title(&mut self, context: &egui::Context) {
        let title = match &self.state.project {
            Some(project) => format!("{} – Atmoscope", project.snapshot.name),
            None => "Atmoscope".to_owned(),
        };
        if title != self.title {
            context.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, context: &egui::Context, _frame: &mut eframe::Frame) {
        self.frame_times.begin();
        self.take_events(context);
        self.textures.update(context);
        self.update_title(context);
        self.ask_before_closing(context);
        self.note_place(context);
        if self.state.view != View::Label {
            self.state.label.touched = None;
        }
        if let Some(project) = &self.state.project {
            self.state.library.refresh(project);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let context = ui.ctx().clone();
        self.press(&context);
        let mut actions: Vec<Action> = Vec::new();
        for file in context.input(|input| input.raw.dropped_files.clone()) {
            let path = file.path().to_path_buf();
            let question = PathQuestion::new(paths::purpose_of_dropped(&self.state, &path));
            actions.push(Action::Path(PathQuestion { text: path.display().to_string(), ..question }, path));
        }
        let mut view = ViewContext {
            state: &mut self.state,
            textures: &mut self.textures,
            preferences: &mut self.preferences,
            actions: &mut actions,
        };
        views::window_ui(ui, &mut view);
        self.act(&context, actions);
        self.look_up();
        self.frame_times.end();
    }

    fn on_exit(&mut self) {
        self.preferences.remember_state(&self.state);
        self.preferences.save();
        self.frame_times.write();
    }
}

/// The graphics adapters the window could draw with, one line each.
pub fn graphics() -> Vec<String> {
    use eframe::wgpu;
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let mut adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    if adapters.is_empty() {
        adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::GL));
    }
    if adapters.is_empty() {
        return vec!["none found: the window cannot open; on Linux install a Vulkan driver (Mesa)".to_owned()];
    }
    adapters
        .iter()
        .map(|adapter| {
            let info = adapter.get_info();
            format!("{} ({:?}, {:?}) {}", info.name, info.backend, info.device_type, info.driver_info)
        })
        .collect()
}

fn apply_theme(context: &egui::Context, theme: ThemeChoice) {
    context.set_theme(match theme {
        ThemeChoice::Light => egui::ThemePreference::Light,
        ThemeChoice::Dark => egui::ThemePreference::Dark,
        ThemeChoice::System => egui::ThemePreference::System,
    });
}
