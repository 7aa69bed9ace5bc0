//! Runs side by side: their curves over each other, and what differed in their settings.

use egui::{RichText, ScrollArea, Ui, vec2};

use super::curves::{self, Metric};
use crate::app::ViewContext;
use crate::app::state::ProjectState;
use crate::app::theme::{self, STEP};
use crate::app::widgets::curves::{Curve, number_text};
use crate::app::widgets::small;
use crate::ids::RunId;
use crate::project::{RunRecord, RunStatus};
use crate::training::{EpochRecord, SETTINGS, TrainingConfiguration};

/// Most runs that can be told apart by colour.
const MOST: usize = 8;
/// Most runs listed.
const LISTED: usize = 40;

/// A setting or circumstance in which runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub name: String,
    /// What it means.
    pub help: String,
    /// Each run's value, in the order of the runs.
    pub values: Vec<String>,
}

/// What differs between runs: settings in their order, then what they were trained on and with. What is the same in
/// all of them is left out.
pub fn differences(runs: &[&RunRecord]) -> Vec<Difference> {
    let tables: Vec<toml::Table> = runs
        .iter()
        .map(|run| {
            // Settings that came after a run have the value it ran with; a record that cannot be read is shown as it is.
            TrainingConfiguration::of_run(&run.configuration)
                .and_then(|configuration| configuration.to_toml())
                .unwrap_or_else(|_| run.configuration.clone())
                .parse()
                .unwrap_or_default()
        })
        .collect();
    let settings = SETTINGS.iter().map(|setting| Difference {
        name: setting.label.to_owned(),
        help: setting.help.to_owned(),
        values: tables.iter().map(|table| table.get(setting.name).map_or_else(|| "–".to_owned(), value_text)).collect(),
    });
    let circumstance = |name: &str, help: &str, value: fn(&RunRecord) -> String| Difference {
        name: name.to_owned(),
        help: help.to_owned(),
        values: runs.iter().map(|run| value(run)).collect(),
    };
    let circumstances = [
        circumstance("Labels", "How many labels the run learnt", |run| run.labels.len().to_string()),
        circumstance("Split", "Which division into parts the run used", |run| run.split.0.to_string()),
        circumstance(
            "Data",
            "Stands for the pictures, their parts and their labels; another value means that one of them changed",
            |run| run.data_hash.chars().take(8).collect(),
        ),
        circumstance("Weights began as", "Stands for the file of the starting weights", |run| {
            run.weights_hash.chars().take(8).collect()
        }),
        circumstance("Ran on", "The processor or GPU", |run| run.device.clone()),
        circumstance("Atmoscope", "Version of the program", |run| run.app_version.clone()),
    ];
    settings.chain(circumstances).filter(|row| row.values.iter().any(|value| *value != row.values[0])).collect()
}

fn value_text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) if text.is_empty() => "built-in".to_owned(),
        toml::Value::String(text) => text.clone(),
        toml::Value::Boolean(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        toml::Value::Float(number) => format!("{number}"),
        other => other.to_string(),
    }
}

/// Puts a run among those compared, or takes it out.
pub fn toggle(compared: &mut Vec<RunId>, run: RunId) {
    match compared.iter().position(|known| *known == run) {
        Some(at) => drop(compared.remove(at)),
        None if compared.len() < MOST => compared.push(run),
        None => {}
    }
}

/// The runs that can be compared.
pub fn listed(project: &ProjectState) -> impl Iterator<Item = &RunRecord> {
    project.snapshot.runs.iter().take(LISTED)
}

/// The page.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, shown: RunId) {
    if view.state.train.compared.is_empty() {
        // Something to begin with: the run on show and the newest other one that got anywhere.
        view.state.train.compared.push(shown);
        let other = project.snapshot.runs.iter().find(|run| run.id != shown && run.best_epoch.is_some());
        view.state.train.compared.extend(other.map(|run| run.id));
    }
    view.state.train.compared.retain(|id| project.snapshot.runs.iter().any(|run| run.id == *id));
    ScrollArea::vertical().id_salt("compare").auto_shrink(false).show(ui, |ui| {
        runs_ui(ui, view, project);
        ui.add_space(STEP);
        curves_ui(ui, view);
        ui.add_space(STEP);
        let compared: Vec<&RunRecord> = view
            .state
            .train
            .compared
            .iter()
            .filter_map(|id| project.snapshot.runs.iter().find(|run| run.id == *id))
            .collect();
        differences_ui(ui, &compared);
    });
}

fn runs_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    let headings = [
        ("", "Compared, and in which colour"),
        ("Run", "Its number"),
        ("State", "How the run stands or ended"),
        ("Epochs", "How many were done"),
        ("Best", "The epoch whose network is used"),
        ("Loss", "Binary cross-entropy of the validation part at the best epoch; lower is better"),
        ("Precision", "Mean average precision of the validation part at the best epoch; higher is better"),
        ("Time", "Of all its epochs together"),
        ("Started", "In coordinated universal time"),
    ];
    egui::Grid::new("runs compared").num_columns(headings.len()).spacing(vec2(2.0 * STEP, 2.0)).show(ui, |ui| {
        for (name, help) in headings {
            small::weak(ui, name).on_hover_text(help);
        }
        ui.end_row();
        for run in listed(project) {
            let at = view.state.train.compared.iter().position(|id| *id == run.id);
            let mut compared = at.is_some();
            ui.horizontal(|ui| {
                let full = view.state.train.compared.len() >= MOST && !compared;
                let response = ui.add_enabled(!full, egui::Checkbox::without_text(&mut compared));
                let name = format!("Compare run {}", run.id.0);
                response.widget_info(|| {
                    egui::WidgetInfo::selected(egui::accesskit::Role::CheckBox, !full, at.is_some(), &name)
                });
                if response.on_disabled_hover_text("Eight runs are as many as can be told apart").changed() {
                    toggle(&mut view.state.train.compared, run.id);
                }
                let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), egui::Sense::hover());
                if let Some(at) = at {
                    ui.painter().rect_filled(rect, 3.0, theme::cluster_colour(at));
                }
            });
            let name = ui.add(egui::Button::new(format!("Run {}", run.id.0)).frame(false));
            if name.on_hover_text("Show its curves and labels").clicked() {
                view.state.train.show_run(run.id);
            }
            let status = ui.label(run.status.to_string());
            if let Some(message) = &run.message {
                status.on_hover_text(message);
            }
            let epochs = view.state.train.records.epochs(run.id);
            let best = epochs.iter().rev().find(|epoch| epoch.best);
            let seconds = epochs.iter().map(|epoch| epoch.duration_ms).sum::<u64>() / 1000;
            let cells = [
                Some(epochs.len().to_string()).filter(|_| !epochs.is_empty()),
                best.map(|best| best.epoch.to_string()),
                best.map(|best| format!("{:.4}", best.validation.loss)),
                best.and_then(|best| best.validation.mean_average_precision).map(|value| format!("{value:.3}")),
                Some(small::duration_text(std::time::Duration::from_secs(seconds))).filter(|_| !epochs.is_empty()),
                Some(run.created_at.get(..16).unwrap_or_default().replace('T', " ")),
            ];
            for cell in cells {
                ui.label(cell.unwrap_or_else(|| "–".to_owned()));
            }
            ui.end_row();
        }
    });
    if project.snapshot.runs.len() > LISTED {
        small::weak(ui, format!("The {LISTED} newest runs are listed; `atmoscope runs` lists all."));
    }
}

fn curves_ui(ui: &mut Ui, view: &ViewContext<'_>) {
    let train = &view.state.train;
    let runs: Vec<_> = train.compared.iter().map(|run| (*run, train.records.epochs(*run))).collect();
    let height = (ui.clip_rect().height() * 0.32).clamp(160.0, 420.0);
    ui.columns(2, |columns| {
        for (ui, metric) in columns.iter_mut().zip([Metric::Loss, Metric::Precision]) {
            let curves: Vec<Curve> = runs
                .iter()
                .enumerate()
                .map(|(at, (run, epochs))| Curve {
                    name: format!("Run {}", run.0),
                    colour: theme::cluster_colour(at),
                    points: metric.points(epochs, false, None),
                    broken: false,
                })
                .collect();
            let name = format!("{}, validation", metric.name());
            let look = curves::look_of(&train.curves, metric);
            crate::app::widgets::curves::ui(ui, &name, metric.help(), height, &curves, &[], look);
        }
    });
}

fn differences_ui(ui: &mut Ui, runs: &[&RunRecord]) {
    small::title(ui, "What differed").on_hover_text("Only what is not the same in all runs compared");
    if runs.len() < 2 {
        small::weak(ui, "Tick two runs or more above to see in which settings they differ.");
        return;
    }
    let rows = differences(runs);
    if rows.is_empty() {
        small::weak(ui, "Nothing: the same settings, pictures, labels, weights and device.");
        return;
    }
    ScrollArea::horizontal().id_salt("differences").show(ui, |ui| {
        egui::Grid::new("differences").striped(true).spacing(vec2(3.0 * STEP, STEP)).show(ui, |ui| {
            small::weak(ui, "");
            for (at, run) in runs.iter().enumerate() {
                ui.horizontal(|ui| {
                    let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), egui::Sense::hover());
                    ui.painter().rect_filled(rect, 3.0, theme::cluster_colour(at));
                    ui.label(RichText::new(format!("Run {}", run.id.0)).font(theme::strong_text()));
                });
            }
            ui.end_row();
            for row in &rows {
                small::weak(ui, &row.name).on_hover_text(&row.help);
                for value in &row.values {
                    ui.label(value);
                }
                ui.end_row();
            }
        });
    });
}

/// A run's standing in a few words.
pub fn summary(run: &RunRecord, epochs: &[EpochRecord]) -> String {
    let Some(best) = epochs.iter().rev().find(|epoch| epoch.best) else {
        return match run.status {
            RunStatus::Failed | RunStatus::Interrupted | RunStatus::Stopped => "No epoch was finished".to_owned(),
            _ => "Before the first epoch".to_owned(),
        };
    };
    let precision = best
        .validation
        .mean_average_precision
        .map_or_else(String::new, |value| format!(", mean average precision {value:.3}"));
    format!(
        "Best epoch {} of {}: validation loss {}{precision}",
        best.epoch,
        epochs.len(),
        number_text(best.validation.loss)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ids::SplitId;

    fn run(id: i64, configuration: &TrainingConfiguration) -> RunRecord {
        RunRecord {
            id: RunId(id),
            status: RunStatus::Finished,
            created_at: "2026-01-01T00:00:00Z".to_owned(),
            ended_at: None,
            configuration: configuration.to_toml().unwrap(),
            seed: configuration.seed,
            split: SplitId(1),
            data_hash: "ab".repeat(32),
            labels: Vec::new(),
            weights_hash: "cd".repeat(32),
            app_version: "0.1.0".to_owned(),
            device: "processor".to_owned(),
            best_epoch: Some(3),
            message: None,
        }
    }

    #[test]
    fn only_what_differs_is_listed() {
        let plain = TrainingConfiguration::default();
        let (a, b) = (run(1, &plain), run(2, &plain));
        assert!(differences(&[&a, &b]).is_empty());
        let other = TrainingConfiguration { epochs: 7, positive_weights: true, ..plain };
        let mut c = run(3, &other);
        c.device = "another".to_owned();
        let found = differences(&[&a, &c, &b]);
        let rows: Vec<(&str, Vec<&str>)> =
            found.iter().map(|row| (row.name.as_str(), row.values.iter().map(String::as_str).collect())).collect();
        assert_eq!(
            rows,
            [
                ("Epochs", vec!["50", "7", "50"]),
                ("Weigh rare labels", vec!["no", "yes", "no"]),
                ("Ran on", vec!["processor", "another", "processor"]),
            ]
        );
    }

    #[test]
    fn eight_runs_are_compared_at_most() {
        let mut compared = Vec::new();
        for run in 0..10 {
            toggle(&mut compared, RunId(run));
        }
        assert_eq!(compared.len(), MOST);
        toggle(&mut compared, RunId(3));
        assert!(!compared.contains(&RunId(3)) && compared.len() == MOST - 1);
    }
}
