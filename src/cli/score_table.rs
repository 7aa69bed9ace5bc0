//! The score table as text.

use std::fmt::Write;

use crate::engine::jobs::score::{ConditionSummary, ScoreReport};
use crate::evaluation::score::{against_groups, of_clusters};
use crate::evaluation::{mean_over, mean_score};
use crate::wording::{counted, score};

/// Room for the name of a score, and for a mean with its deviation.
const WIDTH: usize = 15;

/// One line for each clustering: every score of the clusters alone; then for each condition every score against its
/// raters (mean ± standard deviation), the entropy of the raters among themselves and that of chance.
pub(super) fn text(reports: &[ScoreReport]) -> String {
    let mut text = String::new();
    let _ = write!(text, "{:>2}  {:>8}", "K", "pictures");
    for score in of_clusters() {
        let _ = write!(text, "  {:>WIDTH$}", score.short);
    }
    text.push('\n');
    for report in reports {
        let _ = write!(text, "{:>2}  {:>8}", report.clusters, report.images);
        for (_, found) in report.scores.iter() {
            let _ = write!(text, "  {:>WIDTH$}", found.value.map_or_else(|| "-".to_owned(), score));
        }
        text.push('\n');
    }
    for report in reports {
        for (_, found) in report.scores.iter() {
            if let Some(reason) = &found.why_not {
                let _ = writeln!(text, "K = {}: {reason}", report.clusters);
            }
        }
    }
    let first = reports.first().map_or(&[][..], |report| &report.conditions);
    for condition in first {
        // On how many raters and pictures the numbers rest stands beside them.
        let on = format!("{}, {}", counted(condition.raters, "rater"), counted(condition.compared, "picture"));
        let _ = writeln!(text, "Condition {} ({on})", condition.condition);
        let _ = write!(text, "{:>2}", "K");
        for score in against_groups() {
            let _ = write!(text, "  {:>WIDTH$}", score.short);
        }
        let _ = writeln!(text, "  {:>WIDTH$}  {:>WIDTH$}", "chance (H)", "raters (H)");
        for report in reports {
            let summary = report.conditions.iter().find(|other| other.condition == condition.condition);
            if let Some(summary) = summary {
                condition_line(&mut text, report.clusters, summary);
            }
        }
    }
    if let Some(report) = reports.first() {
        let (images, all) = (report.images, &report.groupings);
        if let Some(most) = all.iter().map(|grouping| grouping.only_in_clusters).max()
            && most > 0
        {
            let _ = writeln!(
                text,
                "Left out of the comparison: up to {most} of {}, which a rater put in no group.",
                counted(images, "picture")
            );
        }
        if let Some(most) = all.iter().map(|grouping| grouping.only_in_groups).max()
            && most > 0
        {
            let _ = writeln!(
                text,
                "Left out of the comparison: up to {} of a rater's groups, which are in no cluster.",
                counted(most, "picture")
            );
        }
        for warning in &report.warnings {
            let _ = writeln!(text, "Warning: {warning}.");
        }
        for name in &report.groupings_without_images {
            let _ = writeln!(text, "No picture in common with the groups of {name}.");
        }
    }
    text
}

fn condition_line(text: &mut String, clusters: usize, summary: &ConditionSummary) {
    let _ = write!(text, "{clusters:>2}");
    for (_, mean) in summary.scores.iter() {
        let cell = mean.as_ref().map_or_else(|| "-".to_owned(), |mean| mean_over(mean, summary.raters));
        let _ = write!(text, "  {cell:>WIDTH$}");
    }
    let raters = summary.raters_among_themselves.as_ref().map_or_else(|| "-".to_owned(), mean_score);
    let _ = writeln!(text, "  {:>WIDTH$}  {raters:>WIDTH$}", score(summary.chance.mean));
}
