//! Train: settings at the left; curves, log and earlier runs at the right.

use egui::{Color32, RichText, Ui, vec2};
use egui_plot::{Corner, Legend, Line, PlotPoints, VLine};

use crate::app::commands::UiCommand;
use crate::app::state::ProjectState;
use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::app::{ViewContext, icons};
use crate::dataset::Part;
use crate::engine::Command;
use crate::ids::RunId;
use crate::nn::DeviceChoice;
use crate::project::{RunRecord, RunStatus};
use crate::training::{EpochRecord, TrainingConfiguration, setting};

/// Draws the view.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let Some(project) = view.state.project.clone() else { return };
    egui::Panel::left("train settings").resizable(false).exact_size(330.0).show(ui, |ui| {
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| settings_ui(ui, view, &project));
    });
    egui::CentralPanel::default().show(ui, |ui| {
        let shown = view.state.train.shown.or_else(|| project.snapshot.runs.first().map(|run| run.id));
        let Some(shown) = shown else {
            small::empty_ui(
                ui,
                icons::TRAIN,
                "No runs yet",
                "Training teaches a small network on top of VGG16 to predict your labels. What it predicts for each \
                 picture, the label intensities, is what pictures are grouped by.",
                |ui| {
                    small::primary_button_ui(ui, view.state, view.actions, UiCommand::StartTraining);
                },
            );
            return;
        };
        let record = project.snapshot.runs.iter().find(|run| run.id == shown);
        if let std::collections::hash_map::Entry::Vacant(unknown) = view.state.train.epochs.entry(shown) {
            unknown.insert(Vec::new());
            view.send(Command::LoadRun(shown));
        }
        run_title_ui(ui, view, &project, shown, record);
        let epochs = view.state.train.epochs.get(&shown).cloned().unwrap_or_default();
        let height = ((ui.available_height() - 260.0) / 2.0).clamp(130.0, 420.0);
        curves_ui(ui, &epochs, height, record);
        ui.add_space(STEP);
        ui.columns(2, |columns| {
            label_table_ui(&mut columns[0], &epochs, record);
            log_ui(&mut columns[1], view, record);
        });
    });
}

/// A setting's name with its explanation, then the widget.
fn row_ui(ui: &mut Ui, name: &str, widget: impl FnOnce(&mut Ui) -> egui::Response) {
    let Some(info) = setting(name) else { return };
    let paper = info.paper_value.map_or_else(String::new, |value| format!("\n\nThe paper: {value}"));
    let help = format!("{}{paper}", info.help);
    ui.horizontal(|ui| {
        ui.allocate_ui_with_layout(vec2(140.0, 28.0), egui::Layout::left_to_right(egui::Align::Center), |ui| {
            ui.set_min_width(140.0);
            ui.label(info.label).on_hover_text(&help);
        });
        let response = widget(ui);
        let label = info.label;
        let role = if name == "positive_weights" {
            egui::accesskit::Role::CheckBox
        } else {
            egui::accesskit::Role::SpinButton
        };
        if name != "device" {
            response.widget_info(|| egui::WidgetInfo::labeled(role, true, label));
        }
        response.on_hover_text(help);
        if let Some(value) = info.paper_value {
            small::weak(ui, format!("paper {value}"));
        }
    });
}

fn settings_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    ui.add_space(STEP);
    ui.heading("Next run");
    let configuration = &mut view.state.train.configuration;
    row_ui(ui, "epochs", |ui| ui.add(egui::DragValue::new(&mut configuration.epochs).range(1..=10_000)));
    row_ui(ui, "learning_rate", |ui| {
        let mut learning_rate = configuration.learning_rate();
        let response = ui.add(
            egui::DragValue::new(&mut learning_rate)
                .range(1e-6..=1.0)
                .speed(1e-4)
                .custom_formatter(|value, _| format!("{value}")),
        );
        if response.changed() {
            configuration.learning_rate = Some(learning_rate);
        }
        response
    });
    row_ui(ui, "batch_size", |ui| ui.add(egui::DragValue::new(&mut configuration.batch_size).range(1..=4096)));
    row_ui(ui, "image_size_px", |ui| {
        ui.add(egui::DragValue::new(&mut configuration.image_size_px).range(32..=2048).suffix(" px"))
    });
    row_ui(ui, "hidden", |ui| ui.add(egui::DragValue::new(&mut configuration.hidden).range(1..=16_384)));
    row_ui(ui, "dropout", |ui| ui.add(egui::DragValue::new(&mut configuration.dropout).range(0.0..=0.95).speed(0.01)));
    row_ui(ui, "positive_weights", |ui| ui.checkbox(&mut configuration.positive_weights, ""));
    row_ui(ui, "seed", |ui| ui.add(egui::DragValue::new(&mut configuration.seed).range(0..=i64::MAX as u64)));
    row_ui(ui, "device", |ui| {
        let chosen = configuration.device.to_string();
        small::choice_ui(ui, "Device", &chosen, 90.0, |ui| {
            for choice in DeviceChoice::ALL {
                ui.selectable_value(&mut configuration.device, choice, choice.to_string());
            }
        })
    });
    let (name, note) = device_text(configuration.device);
    small::weak(ui, format!("Will run on: {name}"));
    if let Some(note) = note {
        small::weak(ui, note);
    }
    let changed = *configuration != TrainingConfiguration::default();
    if ui.add_enabled(changed, egui::Button::new("Back to defaults")).clicked() {
        *configuration = TrainingConfiguration::default();
    }
    ui.separator();
    parts_ui(ui, view, project);
    ui.add_space(STEP);
    if view.state.job.as_ref().is_some_and(|job| job.title == "Training") {
        small::primary_button_ui(ui, view.state, view.actions, UiCommand::StopJob);
    } else {
        small::primary_button_ui(ui, view.state, view.actions, UiCommand::StartTraining);
    }
    ui.add_space(2.0 * STEP);
    runs_ui(ui, view, project);
}

/// The device a choice leads to, asked once for each choice, because asking may wake a driver.
fn device_text(choice: DeviceChoice) -> (String, Option<String>) {
    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex};
    type DeviceText = (String, Option<String>);
    static KNOWN: LazyLock<Mutex<HashMap<&'static str, DeviceText>>> = LazyLock::new(Mutex::default);
    let ask = || match crate::nn::select(choice) {
        Ok(device) => (device.name.clone(), device.note.clone()),
        Err(error) => ("nothing".to_owned(), Some(error.message)),
    };
    match KNOWN.lock() {
        Ok(mut known) => known.entry(choice.as_str()).or_insert_with(ask).clone(),
        Err(_) => ask(),
    }
}

fn parts_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    small::title(ui, "Pictures");
    match &project.snapshot.split {
        None => {
            small::weak(ui, "Not split yet: training divides the labelled pictures 5:3:2 by itself.");
        }
        Some(split) => {
            let text: Vec<String> =
                Part::ALL.into_iter().map(|part| format!("{} {}", part.name(), split.images_of(part).len())).collect();
            ui.label(text.join("  ·  "));
            small::weak(ui, format!("{}, seed {}", split.method, split.seed));
        }
    }
    small::command_button_ui(ui, view.state, view.actions, UiCommand::SplitPictures);
}

fn runs_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    if project.snapshot.runs.is_empty() {
        return;
    }
    small::title(ui, "Runs");
    let shown = view.state.train.shown.or_else(|| project.snapshot.runs.first().map(|run| run.id));
    for run in &project.snapshot.runs {
        let when = run.created_at.get(..16).unwrap_or_default().replace('T', " ");
        let text = format!("Run {}  ·  {}  ·  {when}", run.id.0, run.status);
        let response = ui.selectable_label(shown == Some(run.id), text);
        let response = match &run.message {
            Some(message) => response.on_hover_text(message),
            None => response,
        };
        if response.clicked() {
            view.state.train.shown = Some(run.id);
        }
    }
}

fn run_title_ui(
    ui: &mut Ui,
    view: &mut ViewContext<'_>,
    project: &ProjectState,
    run: RunId,
    record: Option<&RunRecord>,
) {
    ui.horizontal(|ui| {
        ui.heading(format!("Run {}", run.0));
        let live = view.state.train.live == Some(run);
        let status =
            if live { "at work".to_owned() } else { record.map_or(String::new(), |run| run.status.to_string()) };
        let best =
            record.and_then(|run| run.best_epoch).map_or(String::new(), |epoch| format!("  ·  best epoch {epoch}"));
        let device = record.map_or(String::new(), |run| format!("  ·  seed {}  ·  {}", run.seed, run.device));
        small::weak(ui, format!("{status}{best}{device}"));
        let usable = record.is_some_and(|run| run.best_epoch.is_some() && run.status != RunStatus::Running);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let button = egui::Button::new(format!("{}  Explore its clusters", icons::EXPLORE));
            if ui.add_enabled(usable, button).clicked() {
                view.state.explore.run = Some(run);
                view.actions.push(crate::app::Action::Ui(UiCommand::ShowExplore));
            }
        });
    });
    if project.snapshot.data_remark.is_some() {
        small::weak(ui, "Synthetic pictures and labels.");
    }
}

fn curves_ui(ui: &mut Ui, epochs: &[EpochRecord], height: f32, record: Option<&RunRecord>) {
    if epochs.is_empty() {
        let text = match record.map(|run| run.status) {
            Some(RunStatus::Failed | RunStatus::Interrupted | RunStatus::Stopped) => "No epoch was finished.",
            _ => "Curves begin with the first epoch.",
        };
        ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
            ui.set_min_size(vec2(ui.available_width(), height + 28.0));
            small::weak(ui, text);
        });
        return;
    }
    let (train, validation) = (theme::cluster_colour(0), theme::cluster_colour(5));
    let best = epochs.iter().rev().find(|epoch| epoch.best).map(|epoch| epoch.epoch);
    ui.columns(2, |columns| {
        let loss = |part: fn(&EpochRecord) -> f64| -> Vec<[f64; 2]> {
            epochs.iter().map(|epoch| [epoch.epoch as f64, part(epoch)]).collect()
        };
        let precision = |part: fn(&EpochRecord) -> Option<f64>| -> Vec<[f64; 2]> {
            epochs.iter().filter_map(|epoch| Some([epoch.epoch as f64, part(epoch)?])).collect()
        };
        plot_ui(
            &mut columns[0],
            "Loss",
            "Binary cross-entropy, mean over pictures and labels, by epoch; lower is better",
            height,
            best,
            &[
                ("train", train, loss(|epoch| epoch.train.loss)),
                ("validation", validation, loss(|epoch| epoch.validation.loss)),
            ],
        );
        plot_ui(
            &mut columns[1],
            "Mean average precision",
            "Average precision, mean over labels that have a positive, by epoch; higher is better",
            height,
            best,
            &[
                ("train", train, precision(|epoch| epoch.train.mean_average_precision)),
                ("validation", validation, precision(|epoch| epoch.validation.mean_average_precision)),
            ],
        );
    });
}

fn plot_ui(
    ui: &mut Ui,
    name: &str,
    explanation: &str,
    height: f32,
    best: Option<usize>,
    curves: &[(&str, Color32, Vec<[f64; 2]>)],
) {
    small::title(ui, name).on_hover_text(explanation);
    let weak = ui.visuals().weak_text_color();
    let corner = if name == "Loss" { Corner::RightTop } else { Corner::RightBottom };
    small::still_plot(ui, name, height)
        .include_x(1.0)
        .x_axis_label("epoch")
        .legend(Legend::default().position(corner).background_alpha(0.8))
        .show(ui, |plot| {
            for (curve, colour, points) in curves {
                plot.line(Line::new(*curve, PlotPoints::from(points.clone())).color(*colour).width(2.0));
            }
            if let Some(best) = best {
                plot.vline(VLine::new("best epoch", best as f64).color(weak).width(1.0));
            }
        });
}

fn label_table_ui(ui: &mut Ui, epochs: &[EpochRecord], record: Option<&RunRecord>) {
    small::title(ui, "Average precision by label").on_hover_text(
        "Validation part, at the best epoch: 1 when every picture with the label is ranked before every one without",
    );
    let (Some(record), Some(best)) = (record, epochs.iter().rev().find(|epoch| epoch.best)) else { return };
    let mut rows: Vec<(&str, Option<f64>)> = record
        .labels
        .iter()
        .map(|(_, name)| name.as_str())
        .zip(best.validation.average_precision.iter().copied())
        .collect();
    rows.sort_by(|a, b| b.1.unwrap_or(-1.0).total_cmp(&a.1.unwrap_or(-1.0)));
    egui::ScrollArea::vertical().id_salt("label precision").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for (name, precision) in rows {
            match precision {
                Some(precision) => {
                    small::bar_ui(ui, name, precision as f32, theme::accent(ui.visuals().dark_mode), 130.0);
                }
                None => {
                    small::weak(ui, format!("{name}: no validation picture has it"));
                }
            }
        }
    });
}

fn log_ui(ui: &mut Ui, view: &ViewContext<'_>, record: Option<&RunRecord>) {
    small::title(ui, "Log");
    egui::ScrollArea::vertical().id_salt("log").auto_shrink(false).stick_to_bottom(true).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
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
