//! Train: the settings of the next run at the left; at the right a run's curves, labels and log, its comparison with
//! others, and what the next run would work on.

mod compare;
mod curves;
mod labels;
mod mistakes;
mod plan;
mod settings;
pub mod split;

use std::rc::Rc;

use egui::{Align, Layout, RichText, ScrollArea, Ui, vec2};

use crate::app::ViewContext;
use crate::app::state::{AppState, ProjectState, TrainPage};
use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::engine::command::Lookup;
use crate::ids::RunId;
use crate::project::{RunRecord, RunStatus};
use crate::training::TrainingConfiguration;
use crate::wording::number;

const SETTINGS_POINTS: f32 = 400.0;
/// Below this width a run's buttons shrink to their icons, and what belongs to a page moves below the tabs.
const NARROW_POINTS: f32 = 640.0;

/// The plan of the next run; of runs on show what they recorded; for the page of labels what the run predicts.
pub fn wants(state: &mut AppState, project: &ProjectState) -> Vec<Lookup> {
    let shown = state.shown_run();
    let train = &mut state.train;
    let plan = train.next.next_request(project.revision).map(|configuration| Lookup::Plan(Box::new(configuration)));
    let compared = compare::listed(project).map(|run| run.id).filter(|_| train.page == TrainPage::Compare);
    let records = train.records.next_requests(shown.into_iter().chain(compared)).into_iter().map(Lookup::Run);
    let predictions = shown.filter(|run| {
        let recorded = project.snapshot.runs.iter().any(|record| record.id == *run);
        let on_show = train.page == TrainPage::Labels && recorded && train.live != Some(*run);
        on_show && train.mistakes.needs(*run, project.load())
    });
    plan.into_iter().chain(records).chain(predictions.map(Lookup::Predictions)).collect()
}

/// Draws the view.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let Some(project) = view.state.project.clone() else { return };
    egui::Panel::left("train settings").resizable(false).exact_size(SETTINGS_POINTS).show(ui, |ui| {
        let frame = egui::Frame::new().inner_margin(egui::Margin::symmetric(0, 8));
        egui::Panel::bottom("train start").resizable(false).frame(frame).show(ui, |ui| plan::start_ui(ui, view));
        settings_ui(ui, view);
    });
    egui::CentralPanel::default().show(ui, |ui| match view.state.shown_run() {
        None => plan::before_the_first_run_ui(ui, view),
        Some(run) => run_ui(ui, view, &project, run),
    });
}

fn settings_ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let configuration = &mut view.state.train.next.configuration;
    ui.add_space(STEP);
    ui.horizontal(|ui| {
        ui.heading("Next run");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for (name, wanted, help) in [
                ("Paper", settings::of_the_paper(), "Set everything as in the paper: the whole network is trained"),
                ("Defaults", TrainingConfiguration::default(), "Set everything back; a head alone is trained"),
            ] {
                let button = egui::Button::new(RichText::new(name).small());
                let response = ui.add_enabled(*configuration != wanted, button);
                let response = response.on_hover_text(help).on_disabled_hover_text("These are the settings now");
                if response.clicked() {
                    *configuration = wanted;
                }
            }
        });
    });
    ScrollArea::vertical().id_salt("settings").auto_shrink(false).show(ui, |ui| settings::ui(ui, configuration));
}

fn run_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &Rc<ProjectState>, run: RunId) {
    let record = project.snapshot.runs.iter().find(|record| record.id == run);
    title_ui(ui, view, project, run, record);
    standing_ui(ui, view, run, record);
    pages_ui(ui, view, run);
    ui.add_space(STEP);
    match (view.state.train.page, record) {
        (TrainPage::Curves, _) | (TrainPage::Labels, None) => {
            let empty = match record.map(|run| run.status) {
                Some(RunStatus::Failed | RunStatus::Interrupted | RunStatus::Stopped) => "No epoch was finished.",
                _ => "Begins with the first epoch.",
            };
            let records = &view.state.train.records;
            let (epochs, batches) = (records.epochs(run), records.batches(run));
            curves::ui(ui, view, &epochs, &batches, empty);
        }
        (TrainPage::Labels, Some(record)) => {
            let epochs = view.state.train.records.epochs(run);
            labels::ui(ui, view, project, record, &epochs);
        }
        (TrainPage::Compare, _) => compare::ui(ui, view, project, run),
        (TrainPage::Log, _) => log_ui(ui, view, record),
        (TrainPage::Plan, _) => plan::ui(ui, view),
    }
}

/// Which run, how it stands, and what can be done with it.
fn title_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, run: RunId, record: Option<&RunRecord>) {
    ui.horizontal(|ui| {
        ui.set_min_height(34.0);
        let narrow = ui.available_width() < NARROW_POINTS;
        let mut shown = run;
        let name = RichText::new(format!("Run {}", run.0)).font(theme::strong_text());
        let response = egui::ComboBox::from_id_salt("run").width(96.0).selected_text(name).show_ui(ui, |ui| {
            for other in &project.snapshot.runs {
                let when = other.created_at.get(..16).unwrap_or_default().replace('T', " ");
                let text = format!("Run {}  ·  {}  ·  {when}", other.id.0, other.status);
                ui.selectable_value(&mut shown, other.id, text);
            }
        });
        response.response.widget_info(|| {
            let mut info = egui::WidgetInfo::labeled(egui::accesskit::Role::ComboBox, true, "Run on show");
            info.current_text_value = Some(format!("Run {}", run.0));
            info
        });
        if shown != run {
            view.state.train.show_run(shown);
        }
        let live = view.state.train.live == Some(run);
        let job = view.state.job.as_ref();
        let status = match record {
            _ if live && job.is_some_and(|job| job.stopping) => "stopping…".to_owned(),
            _ if live && job.is_some_and(|job| job.paused) => "paused".to_owned(),
            _ if live => "at work".to_owned(),
            Some(run) => run.status.to_string(),
            None => String::new(),
        };
        let text = RichText::new(status).color(ui.visuals().weak_text_color());
        let response = ui.label(text);
        if let Some(message) = record.and_then(|run| run.message.as_ref()) {
            response.on_hover_text(message);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for command in view.state.run_commands(run) {
                if narrow {
                    small::icon_button_ui(ui, view.state, view.actions, command);
                } else {
                    small::command_button_ui(ui, view.state, view.actions, command);
                }
            }
        });
    });
}

/// One line at a fixed height: progress while it is at work, then what it came to.
fn standing_ui(ui: &mut Ui, view: &ViewContext<'_>, run: RunId, record: Option<&RunRecord>) {
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        let progress = view.state.job.as_ref().and_then(|job| job.progress.as_ref());
        if let (Some(progress), true) = (progress, view.state.train.live == Some(run)) {
            progress_ui(ui, progress, view.state.job.as_ref().is_some_and(|job| job.paused));
            return;
        }
        let epochs = view.state.train.records.epochs(run);
        let Some(record) = record else { return };
        let summary = compare::summary(record, &epochs);
        ui.add(egui::Label::new(&summary).truncate()).on_hover_text(&summary);
        let seconds = epochs.iter().map(|epoch| epoch.duration_ms).sum::<u64>() / 1000;
        let time = small::duration_text(std::time::Duration::from_secs(seconds));
        let text = format!("{time}  ·  seed {}  ·  {}", record.seed, record.device);
        let text = RichText::new(text).color(ui.visuals().weak_text_color());
        ui.add(egui::Label::new(text).truncate()).on_hover_text("Time of all its epochs, seed, and where it ran");
    });
}

fn progress_ui(ui: &mut Ui, progress: &crate::progress::Progress, paused: bool) {
    ui.label(&progress.stage);
    if let Some(total) = progress.total.filter(|total| *total > 0) {
        let share = progress.done as f32 / total as f32;
        ui.add(egui::ProgressBar::new(share).desired_width(200.0).desired_height(8.0).animate(false));
        ui.label(format!("{} of {}", number(progress.done), number(total)))
            .on_hover_text("Pictures gone through: those learnt from and those judged, over all epochs");
    }
    if let Some(remaining) = progress.remaining.filter(|_| !paused) {
        small::weak(ui, format!("{} left", small::duration_text(remaining)))
            .on_hover_text("If the rest goes as fast as the part that is done");
    }
}

fn pages_ui(ui: &mut Ui, view: &mut ViewContext<'_>, run: RunId) {
    let narrow = ui.available_width() < NARROW_POINTS;
    ui.horizontal(|ui| {
        for (page, name, help) in TrainPage::ALL {
            let response = ui.selectable_value(&mut view.state.train.page, page, name);
            response.on_hover_text(help);
        }
        if !narrow {
            page_controls_ui(ui, view, run);
        }
    });
    if narrow {
        ui.horizontal(|ui| page_controls_ui(ui, view, run));
    }
}

/// What a page of curves is set to, at the right.
fn page_controls_ui(ui: &mut Ui, view: &mut ViewContext<'_>, run: RunId) {
    let with_batches = !view.state.train.records.batches(run).is_empty();
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| match view.state.train.page {
        TrainPage::Curves => curves::controls_ui(ui, &mut view.state.train.curves, with_batches),
        TrainPage::Compare => curves::controls_ui(ui, &mut view.state.train.curves, false),
        _ => {}
    });
}

fn log_ui(ui: &mut Ui, view: &ViewContext<'_>, record: Option<&RunRecord>) {
    ScrollArea::vertical().id_salt("log").auto_shrink(false).stick_to_bottom(true).show(ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(STEP, 2.0);
        if let Some(message) = record.and_then(|run| run.message.as_ref()) {
            ui.label(RichText::new(message).color(ui.visuals().warn_fg_color));
        }
        if view.state.train.log.is_empty() {
            small::weak(ui, "What a run says while it is at work stands here.");
        }
        for line in &view.state.train.log {
            small::weak(ui, line);
        }
    });
}
