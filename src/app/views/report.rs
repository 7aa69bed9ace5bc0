//! Report: numbers to publish. Entropy of the clusters on show against each rater's groups, beside what the raters
//! reach among themselves and what chance gives; it follows the choices made here and in Explore at once.

use egui::{RichText, Ui, vec2};

use super::explore;
use crate::app::ViewContext;
use crate::app::commands::UiCommand;
use crate::app::icons;
use crate::app::state::ProjectState;
use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::dataset::StudyCondition;
use crate::engine::analysis::ExplorationScores;
use crate::engine::jobs::counted;
use crate::engine::jobs::score::{ScoreReport, ScoredGrouping};
use crate::wording::{mean_score, score};

/// Draws the view.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let Some(project) = view.state.project.clone() else { return };
    let run = view.state.explore.run.or_else(|| view.state.default_run());
    if run.is_none() || project.snapshot.groupings.is_empty() {
        egui::CentralPanel::default().show(ui, |ui| {
            let (what, next) = if run.is_none() {
                ("Scores are computed for the clusters of a trained run.", UiCommand::StartTraining)
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
    view.state.explore.run = run;
    explore::controls_ui(ui, view, &project);
    explore::request(view, &project);
    egui::CentralPanel::default().show(ui, |ui| {
        if let Some(notice) = &view.state.explore.failed {
            ui.label(RichText::new(&notice.message).color(ui.visuals().warn_fg_color));
            return;
        }
        match view.state.explore.scores.take() {
            None => {
                small::weak(ui, "Scoring…");
            }
            Some(scores) => {
                egui::ScrollArea::both().auto_shrink(false).show(ui, |ui| entropy_ui(ui, view, &project, &scores));
                view.state.explore.scores = Some(scores);
            }
        }
    });
}

fn entropy_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, scores: &ExplorationScores) {
    let report = &scores.report;
    let request = scores.request;
    ui.horizontal(|ui| {
        ui.heading("Entropy against groups made by people");
        if !report.groupings.is_empty() && ui.button(format!("{}  Copy table", icons::COPY)).clicked() {
            ui.ctx().copy_text(as_text(report));
            view.state.toast("Copied, with tabs between the columns");
        }
    });
    let synthetic = if project.snapshot.data_remark.is_some() { "  ·  synthetic data" } else { "" };
    small::weak(
        ui,
        format!(
            "{} of run {} ({}), {}, seed {}{synthetic}",
            counted(report.clusters, "cluster"),
            request.run.0,
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
    egui::Grid::new("entropy table").striped(true).spacing(vec2(32.0, 8.0)).show(ui, |ui| {
        small::title(ui, "Rater");
        for condition in &report.conditions {
            small::title(ui, format!("Condition {}", condition.condition)).on_hover_text(
                "Entropy H (paper, section IV.B.2): 0 when every cluster holds one group only, 1 when the groups are \
                 spread evenly over it; lower is better",
            );
            small::weak(ui, "chance")
                .on_hover_text("Mean and 95 % of 1,000 shuffles of the pictures, clusters as large");
        }
        ui.end_row();
        for rater in raters(report) {
            ui.label(rater);
            for condition in &report.conditions {
                match grouping_of(report, rater, &condition.condition) {
                    Some(grouping) => {
                        let chance = &grouping.scores.chance;
                        ui.label(score(grouping.scores.entropy.overall))
                            .on_hover_text(format!("{} compared", counted(grouping.scores.images, "picture")));
                        small::weak(
                            ui,
                            format!("{}  ({} – {})", score(chance.mean), score(chance.low), score(chance.high)),
                        );
                    }
                    None => {
                        small::weak(ui, "–");
                        small::weak(ui, "");
                    }
                }
            }
            ui.end_row();
        }
        small::weak(ui, "Pictures compared");
        for condition in &report.conditions {
            small::weak(ui, format!("{} of {} rated", condition.compared, condition.rated));
            small::weak(ui, "");
        }
        ui.end_row();
        small::title(ui, "Mean ± standard deviation");
        for condition in &report.conditions {
            ui.label(RichText::new(mean_score(&condition.summary.entropy)).font(theme::strong_text()));
            small::weak(ui, mean_score(&condition.chance));
        }
        ui.end_row();
        ui.label("Raters among themselves").on_hover_text(
            "Entropy of every rater's groups against every other's over the same pictures, in both directions: the \
             ceiling that clusters are compared with",
        );
        for condition in &report.conditions {
            ui.label(condition.raters_among_themselves.as_ref().map_or_else(|| "–".to_owned(), mean_score));
            small::weak(ui, "");
        }
        ui.end_row();
    });
    if !report.groupings_without_images.is_empty() {
        ui.add_space(STEP);
        let text = format!("No pictures in common: {}", report.groupings_without_images.join("; "));
        small::weak(ui, text);
    }
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

/// The table with tabs, as spreadsheets take it.
fn as_text(report: &ScoreReport) -> String {
    let mut text = String::from("rater");
    for condition in &report.conditions {
        text.push_str(&format!("\tcondition {0}\tcondition {0}, chance", condition.condition));
    }
    for rater in raters(report) {
        text.push_str(&format!("\n{rater}"));
        for condition in &report.conditions {
            match grouping_of(report, rater, &condition.condition) {
                Some(of) => {
                    text.push_str(&format!("\t{}\t{}", score(of.scores.entropy.overall), score(of.scores.chance.mean)))
                }
                None => text.push_str("\t\t"),
            }
        }
    }
    text.push_str("\npictures compared");
    for condition in &report.conditions {
        text.push_str(&format!("\t{}\t", condition.compared));
    }
    type Row = (&'static str, fn(&crate::engine::jobs::score::ConditionSummary) -> (Option<f64>, Option<f64>));
    let rows: [Row; 3] = [
        ("mean", |of| (Some(of.summary.entropy.mean), Some(of.chance.mean))),
        ("standard deviation", |of| (of.summary.entropy.standard_deviation, of.chance.standard_deviation)),
        ("raters among themselves", |of| (of.raters_among_themselves.as_ref().map(|spread| spread.mean), None)),
    ];
    for (name, values) in rows {
        text.push_str(&format!("\n{name}"));
        for condition in &report.conditions {
            let (entropy, chance) = values(condition);
            let cell = |value: Option<f64>| value.map_or_else(String::new, score);
            text.push_str(&format!("\t{}\t{}", cell(entropy), cell(chance)));
        }
    }
    text.push('\n');
    text
}
