//! Report: numbers to publish. A score of the clusters on show against each rater's groups, entropy beside what the raters
//! reach among themselves and what chance gives; it follows the choices made here and in Explore at once.

use egui::{RichText, Ui, vec2};

use super::explore;
use crate::app::ViewContext;
use crate::app::commands::UiCommand;
use crate::app::icons;
use crate::app::state::{AppState, ProjectState};
use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::dataset::StudyCondition;
use crate::engine::analysis::ExplorationScores;
use crate::engine::command::Lookup;
use crate::engine::jobs::counted;
use crate::engine::jobs::score::{ScoreReport, ScoredGrouping};
use crate::evaluation;
use crate::evaluation::score::{Score, against_groups};
use crate::evaluation::{mean_over, mean_score};
use crate::features::FeatureSource;
use crate::wording::{score, shown};

/// The scores of the clusters that Explore is set to, once there are groups to score against.
pub fn wants(state: &mut AppState, project: &ProjectState) -> Vec<Lookup> {
    if project.snapshot.groupings.is_empty() { Vec::new() } else { explore::wants(state, project) }
}

/// Draws the view.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let Some(project) = view.state.project.clone() else { return };
    let features = view.state.explored_features();
    if features.is_none() || project.snapshot.groupings.is_empty() {
        egui::CentralPanel::default().show(ui, |ui| {
            let (what, next) = if features.is_none() {
                ("Scores are computed for clusters of a trained run or a feature set.", UiCommand::StartTraining)
            } else {
                (
                    "Scores are computed against groups made by people: let raters sort, or import groupings.",
                    UiCommand::ShowGroup,
                )
            };
            small::empty_ui(ui, icons::REPORT, "Nothing to report yet", what, |ui| {
                small::first_step_ui(ui, view.state, view.actions, next);
            });
        });
        return;
    }
    explore::controls_ui(ui, view, &project);
    egui::CentralPanel::default().show(ui, |ui| {
        if let Some(notice) = &view.state.explore.failed {
            ui.label(RichText::new(&notice.message).color(ui.visuals().warn_fg_color));
            return;
        }
        match view.state.explore.scores.clone() {
            None => {
                small::weak(ui, "Scoring…");
            }
            Some(scores) => {
                egui::ScrollArea::both().auto_shrink(false).show(ui, |ui| scores_ui(ui, view, &project, &scores));
            }
        }
    });
}

fn scores_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, scores: &ExplorationScores) {
    let report = &scores.report;
    let request = scores.request;
    let chosen = view.state.report_score.unwrap_or(&evaluation::ENTROPY);
    ui.horizontal(|ui| {
        ui.heading(format!("{} against groups made by people", chosen.name)).on_hover_text(chosen.help());
        small::choice_ui(ui, "Which score", chosen.name, 240.0, |ui| {
            for of in against_groups() {
                if ui.selectable_label(chosen.id == of.id, of.name).on_hover_text(of.help()).clicked() {
                    view.state.report_score = Some(of);
                }
            }
        });
        if !report.groupings.is_empty() && ui.button(format!("{}  Copy table", icons::COPY)).clicked() {
            ui.ctx().copy_text(as_text(report));
            view.state.toast("Copied every score, with tabs between the columns");
        }
    });
    let kept = project.snapshot.clusterings.iter().find(|record| Some(record.id) == request.kept);
    let kept = kept.map_or_else(String::new, |record| format!("“{}”: ", record.name));
    let synthetic = if project.snapshot.data_remark.is_some() { "  ·  synthetic data" } else { "" };
    small::weak(
        ui,
        format!(
            "{kept}{} of {} ({}), {}, seed {}{synthetic}",
            counted(report.clusters, "cluster"),
            match request.features {
                FeatureSource::Run(run) => format!("run {}", run.0),
                FeatureSource::Set(_) => format!("“{}”", project.features_name(request.features)),
            },
            match request.part {
                crate::engine::jobs::cluster::ClusteredPart::Test => "test part",
                crate::engine::jobs::cluster::ClusteredPart::All => "all pictures",
            },
            counted(report.images, "picture"),
            request.seed
        ),
    );
    ui.add_space(STEP);
    if report.conditions.is_empty() {
        small::weak(ui, "No grouping shares pictures with these clusters.");
        return;
    }
    warnings_ui(ui, report);
    table_ui(ui, report, chosen);
    if !report.groupings_without_images.is_empty() {
        ui.add_space(STEP);
        let text = format!("No pictures in common: {}", report.groupings_without_images.join("; "));
        small::weak(ui, text);
    }
}

/// Raters by conditions, for one score; beside entropy what chance gives.
fn table_ui(ui: &mut Ui, report: &ScoreReport, chosen: &Score) {
    let with_chance = chosen.id == evaluation::ENTROPY.id;
    let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| shown(value, 3));
    egui::Grid::new("score table").striped(true).spacing(vec2(32.0, 8.0)).show(ui, |ui| {
        small::title(ui, "Rater");
        for condition in &report.conditions {
            small::title(ui, format!("Condition {}", condition.condition)).on_hover_text(chosen.help());
            if with_chance {
                small::weak(ui, "chance")
                    .on_hover_text("Mean and 95 % of 1,000 shuffles of the pictures, clusters as large");
            }
        }
        ui.end_row();
        let blank = |ui: &mut Ui| {
            if with_chance {
                small::weak(ui, "");
            }
        };
        for rater in raters(report) {
            ui.label(rater);
            for condition in &report.conditions {
                match grouping_of(report, rater, &condition.condition) {
                    Some(grouping) => {
                        ui.label(value(grouping.scores.get(chosen.id).copied().flatten()))
                            .on_hover_text(format!("{} compared", counted(grouping.images, "picture")));
                        if with_chance {
                            let chance = &grouping.chance;
                            let range = format!("({} – {})", score(chance.low), score(chance.high));
                            small::weak(ui, format!("{}  {range}", score(chance.mean)));
                        }
                    }
                    None => {
                        small::weak(ui, "–");
                        blank(ui);
                    }
                }
            }
            ui.end_row();
        }
        small::weak(ui, "Pictures compared");
        for condition in &report.conditions {
            small::weak(ui, format!("{} of {} rated", condition.compared, condition.rated));
            blank(ui);
        }
        ui.end_row();
        small::title(ui, "Mean ± standard deviation");
        for condition in &report.conditions {
            let mean = condition.scores.get(chosen.id).copied().flatten();
            let text = mean.map_or_else(|| "–".to_owned(), |mean| mean_over(&mean, condition.raters));
            ui.label(RichText::new(text).font(theme::strong_text())).on_hover_text(match mean {
                Some(mean) => format!("Over {} of {}", mean.count, counted(condition.raters, "rater")),
                None => "No rater made two groups or more of these pictures".to_owned(),
            });
            if with_chance {
                small::weak(ui, mean_score(&condition.chance));
            }
        }
        ui.end_row();
        if with_chance {
            ui.label("Raters among themselves").on_hover_text(
                "Entropy of every rater's groups against every other's over the same pictures, in both directions: the \
                 ceiling that clusters are compared with",
            );
            for condition in &report.conditions {
                ui.label(condition.raters_among_themselves.as_ref().map_or_else(|| "–".to_owned(), mean_score));
                blank(ui);
            }
            ui.end_row();
        }
    });
}

/// What one should know before believing the scores.
pub(super) fn warnings_ui(ui: &mut Ui, report: &ScoreReport) {
    for warning in &report.warnings {
        ui.label(RichText::new(format!("{}  {warning}", icons::WARNING)).color(ui.visuals().warn_fg_color));
    }
    if !report.warnings.is_empty() {
        ui.add_space(STEP);
    }
}

/// The raters in the order of their names.
fn raters(report: &ScoreReport) -> Vec<&str> {
    let mut raters: Vec<&str> = report.groupings.iter().map(|grouping| grouping.rater.as_str()).collect();
    raters.sort_unstable();
    raters.dedup();
    raters
}

fn grouping_of<'a>(report: &'a ScoreReport, rater: &str, condition: &StudyCondition) -> Option<&'a ScoredGrouping> {
    report.groupings.iter().find(|grouping| grouping.rater == rater && grouping.condition == *condition)
}

/// Every score with tabs, as spreadsheets take it.
fn as_text(report: &ScoreReport) -> String {
    let mut text = String::from("score\tcondition\trater\tvalue\tstandard deviation\traters\tpictures\n");
    for row in report.rows() {
        let condition = row.condition.map_or_else(String::new, ToString::to_string);
        let number = |value: Option<f64>| value.map_or_else(String::new, score);
        text.push_str(&format!(
            "{}\t{condition}\t{}\t{}\t{}\t{}\t{}\n",
            row.score.name,
            row.rater.unwrap_or_default(),
            number(row.value),
            number(row.standard_deviation),
            row.raters.map_or_else(String::new, |raters| raters.to_string()),
            row.images,
        ));
    }
    text
}
