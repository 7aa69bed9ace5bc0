//! Each label's score in a table that sorts by any column; a label leads to the pictures the run got most wrong.

use egui::{Align, Layout, RichText, Sense, Ui, vec2};
use egui_extras::{Column, TableBuilder};

use super::mistakes;
use crate::app::state::{LabelColumn, MistakesState, ProjectState};
use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::app::{ViewContext, icons};
use crate::dataset::Part;
use crate::engine::jobs::predictions::RunPredictions;
use crate::project::RunRecord;
use crate::training::EpochRecord;

const ROW_POINTS: f32 = 28.0;

/// One label's line.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelRow {
    /// Its place in the run's order.
    pub label: usize,
    /// Its name.
    pub name: String,
    /// Training and validation pictures that have it, where known.
    pub positives: Option<[usize; 2]>,
    /// Average precision in the training part.
    pub train: Option<f64>,
    /// Average precision in the validation part.
    pub validation: Option<f64>,
    /// What the validation part's gained since the first epoch.
    pub gained: Option<f64>,
    /// From which intensity on the label counts as given.
    pub threshold: f32,
}

/// The table's lines at the best epoch so far.
pub fn rows(record: &RunRecord, epochs: &[EpochRecord], predictions: Option<&RunPredictions>) -> Vec<LabelRow> {
    let Some(best) = epochs.iter().rev().find(|epoch| epoch.best) else { return Vec::new() };
    let first = epochs.first();
    let precision = |values: &[Option<f64>], label: usize| values.get(label).copied().flatten();
    record
        .labels
        .iter()
        .enumerate()
        .map(|(label, (_, name))| {
            let validation = precision(&best.validation.average_precision, label);
            let before = first.and_then(|first| precision(&first.validation.average_precision, label));
            LabelRow {
                label,
                name: name.clone(),
                positives: predictions
                    .map(|run| [Part::Train, Part::Validation].map(|part| run.positives(label, part))),
                train: precision(&best.train.average_precision, label),
                validation,
                gained: validation.zip(before).map(|(now, before)| now - before),
                threshold: best.thresholds.get(label).copied().unwrap_or(0.5),
            }
        })
        .collect()
}

/// Sorts by a column; what is not known comes last either way, and equals stay in the run's order.
pub fn sort(rows: &mut [LabelRow], column: LabelColumn, descending: bool) {
    let known = |value: Option<f64>| value.filter(|value| value.is_finite());
    let key = |row: &LabelRow| match column {
        LabelColumn::Name => None,
        LabelColumn::TrainPositives => row.positives.map(|positives| positives[0] as f64),
        LabelColumn::ValidationPositives => row.positives.map(|positives| positives[1] as f64),
        LabelColumn::Train => known(row.train),
        LabelColumn::Validation => known(row.validation),
        LabelColumn::Gained => known(row.gained),
        LabelColumn::Threshold => known(Some(f64::from(row.threshold))),
    };
    rows.sort_by(|a, b| {
        let order = match column {
            LabelColumn::Name => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
            _ => match (key(a), key(b)) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                (Some(_), None) => return std::cmp::Ordering::Less,
                (None, Some(_)) => return std::cmp::Ordering::Greater,
                (None, None) => std::cmp::Ordering::Equal,
            },
        };
        if descending { order.reverse() } else { order }
    });
}

/// The page: the table, and beside it the pictures behind the chosen label.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, record: &RunRecord, epochs: &[EpochRecord]) {
    let predictions = view.state.train.mistakes.predictions.clone().filter(|predictions| predictions.run == record.id);
    let known = predictions.as_deref().filter(|predictions| !predictions.pictures.is_empty());
    let mut rows = rows(record, epochs, known);
    if rows.is_empty() {
        small::weak(ui, "Each label's average precision stands here after the first epoch.");
        return;
    }
    sort(&mut rows, view.state.train.mistakes.column, view.state.train.mistakes.descending);
    let chosen = view.state.train.mistakes.label.and_then(|label| rows.iter().find(|row| row.label == label));
    if let (Some(picked), Some(row)) = (view.state.train.mistakes.picked, chosen) {
        mistakes::large_ui(ui, view, project, predictions.as_deref(), row, picked);
        return;
    }
    let size = ui.available_size();
    let table_width = (size.x * 0.54).clamp(440.0, 720.0).min(size.x - 260.0);
    ui.horizontal_top(|ui| {
        ui.allocate_ui_with_layout(vec2(table_width, size.y), Layout::top_down(Align::Min), |ui| {
            ui.set_min_size(vec2(table_width, size.y));
            table_ui(ui, &mut view.state.train.mistakes, &rows);
        });
        ui.add_space(STEP);
        ui.allocate_ui_with_layout(ui.available_size(), Layout::top_down(Align::Min), |ui| {
            let chosen = view.state.train.mistakes.label.and_then(|label| rows.iter().find(|row| row.label == label));
            mistakes::ui(ui, view, project, record.id, predictions.as_deref(), chosen);
        });
    });
}

fn table_ui(ui: &mut Ui, mistakes: &mut MistakesState, rows: &[LabelRow]) {
    let dark = ui.visuals().dark_mode;
    ui.spacing_mut().item_spacing = vec2(STEP, 0.0);
    TableBuilder::new(ui)
        .id_salt("label table")
        .striped(true)
        .sense(Sense::click())
        .auto_shrink(false)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::remainder().at_least(96.0).clip(true))
        .columns(Column::exact(52.0), 2)
        .column(Column::exact(52.0))
        .column(Column::exact(100.0))
        .columns(Column::exact(64.0), 2)
        .header(44.0, |mut header| {
            for (column, name, help) in LabelColumn::ALL {
                header.col(|ui| {
                    heading_ui(ui, mistakes, column, name, help);
                });
            }
        })
        .body(|body| {
            body.rows(ROW_POINTS, rows.len(), |mut line| {
                let row = &rows[line.index()];
                let chosen = mistakes.label == Some(row.label);
                line.set_selected(chosen);
                let mut clicked = false;
                line.col(|ui| {
                    ui.add_space(STEP);
                    let text = RichText::new(&row.name).color(ui.visuals().text_color());
                    let response = ui.add(egui::Button::new(text).frame(false).truncate());
                    response.widget_info(|| {
                        egui::WidgetInfo::selected(egui::accesskit::Role::ListItem, true, chosen, &row.name)
                    });
                    clicked = response.clicked();
                });
                for part in 0..2 {
                    line.col(|ui| number_ui(ui, row.positives.map(|positives| positives[part].to_string())));
                }
                line.col(|ui| number_ui(ui, row.train.map(|value| format!("{value:.3}"))));
                line.col(|ui| match row.validation {
                    Some(value) => bar_ui(ui, value, theme::accent(dark)),
                    None => number_ui(ui, None),
                });
                line.col(|ui| number_ui(ui, row.gained.map(|value| format!("{value:+.3}"))));
                line.col(|ui| number_ui(ui, Some(format!("{:.2}", row.threshold))));
                if clicked || line.response().clicked() {
                    mistakes.label = if chosen { None } else { Some(row.label) };
                    mistakes.picked = None;
                }
            });
        });
}

fn heading_ui(ui: &mut Ui, mistakes: &mut MistakesState, column: LabelColumn, name: &str, help: &str) {
    let sorted = mistakes.column == column;
    let arrow = match (sorted, mistakes.descending) {
        (false, _) => "",
        (true, true) => icons::DOWN,
        (true, false) => icons::UP,
    };
    let colour = if sorted { ui.visuals().text_color() } else { ui.visuals().weak_text_color() };
    let text = RichText::new(format!("{name} {arrow}")).small().color(colour);
    let button = egui::Button::new(text).frame(false).wrap();
    // Headings stand where their column's values stand.
    let layout = match column {
        LabelColumn::Name | LabelColumn::Validation => Layout::left_to_right(Align::Center),
        _ => Layout::right_to_left(Align::Center),
    };
    let response = ui.with_layout(layout, |ui| {
        if column == LabelColumn::Name {
            ui.add_space(STEP);
        }
        ui.add(button)
    });
    let response = response.inner;
    let order = match (sorted, mistakes.descending) {
        (false, _) => "",
        (true, true) => ", sorted, largest first",
        (true, false) => ", sorted, smallest first",
    };
    response.widget_info(|| {
        egui::WidgetInfo::labeled(
            egui::accesskit::Role::Button,
            true,
            format!("Sort by {}{order}", name.to_lowercase()),
        )
    });
    if response.on_hover_text(help).clicked() {
        // The first click shows what most people look for: names from A, numbers from the largest.
        mistakes.descending = if sorted { !mistakes.descending } else { column != LabelColumn::Name };
        mistakes.column = column;
    }
}

fn number_ui(ui: &mut Ui, text: Option<String>) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        small::weak(ui, text.unwrap_or_else(|| "–".to_owned()));
    });
}

fn bar_ui(ui: &mut Ui, value: f64, colour: egui::Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(44.0, 8.0), Sense::hover());
    ui.painter().rect_filled(rect, 3.0, ui.visuals().widgets.inactive.weak_bg_fill);
    let mut filled = rect;
    filled.set_width(rect.width() * value.clamp(0.0, 1.0) as f32);
    ui.painter().rect_filled(filled, 3.0, colour);
    ui.label(format!("{value:.3}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_values_come_last_either_way() {
        let row = |label: usize, name: &str, validation: Option<f64>| LabelRow {
            label,
            name: name.to_owned(),
            positives: None,
            train: None,
            validation,
            gained: None,
            threshold: 0.5,
        };
        let mut rows =
            vec![row(0, "sea", Some(0.2)), row(1, "Night", None), row(2, "calm", Some(0.9)), row(3, "dawn", Some(0.2))];
        let order = |rows: &[LabelRow]| rows.iter().map(|row| row.label).collect::<Vec<_>>();
        sort(&mut rows, LabelColumn::Validation, true);
        assert_eq!(order(&rows), [2, 0, 3, 1]);
        sort(&mut rows, LabelColumn::Validation, false);
        assert_eq!(order(&rows), [0, 3, 2, 1]);
        sort(&mut rows, LabelColumn::Name, false);
        assert_eq!(order(&rows), [2, 3, 1, 0]);
        sort(&mut rows, LabelColumn::TrainPositives, true);
        assert_eq!(order(&rows), [2, 3, 1, 0], "nothing known: as it was");
    }
}
