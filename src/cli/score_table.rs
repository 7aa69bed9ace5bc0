//! The score table as text.

use std::fmt::Write;

use crate::engine::jobs::score::ScoreReport;
use crate::wording::{counted, mean_over, mean_score, score};

/// One line for each clustering: silhouette, then for each condition the entropy (± standard deviation over raters),
/// that of the raters among themselves, that of chance, and the adjusted Rand index.
pub(super) fn text(reports: &[ScoreReport]) -> String {
    let mut text = String::new();
    let conditions: Vec<String> = reports
        .first()
        .map(|report| report.conditions.iter().map(|condition| condition.condition.to_string()).collect())
        .unwrap_or_default();
    let _ = write!(text, "{:>2}  {:>8}  {:>10}", "K", "pictures", "silhouette");
    for condition in &conditions {
        let _ = write!(
            text,
            "  | {:<24}{:>13}  {:>6}  {:>6}  {:>6}",
            format!("condition {condition}"),
            "entropy",
            "raters",
            "chance",
            "Rand"
        );
    }
    text.push('\n');
    for report in reports {
        let silhouette = report.silhouette.as_ref().map_or_else(|| "-".to_owned(), |silhouette| score(silhouette.mean));
        let _ = write!(text, "{:>2}  {:>8}  {silhouette:>10}", report.clusters, report.images);
        for condition in &report.conditions {
            let summary = &condition.summary;
            let entropy = mean_score(&summary.entropy);
            // On how many raters and pictures a number rests stands beside it.
            let on = format!("{}, {}", counted(condition.raters, "rater"), counted(condition.compared, "picture"));
            let _ = write!(
                text,
                "  | {on:<24}{entropy:>13}  {:>6}  {:>6}  {:>6}",
                condition.raters_among_themselves.as_ref().map_or_else(|| "-".to_owned(), |spread| score(spread.mean)),
                score(condition.chance.mean),
                condition
                    .summary
                    .adjusted_rand_index
                    .map_or_else(|| "-".to_owned(), |rand| mean_over(&rand, condition.raters)),
            );
        }
        text.push('\n');
    }
    for report in reports {
        if let Some(reason) = &report.no_silhouette {
            let _ = writeln!(text, "K = {}: {reason}", report.clusters);
        }
    }
    if let Some(report) = reports.first() {
        let (images, all) = (report.images, &report.groupings);
        if let Some(most) = all.iter().map(|grouping| grouping.scores.only_in_clusters).max()
            && most > 0
        {
            let _ = writeln!(
                text,
                "Left out of the comparison: up to {most} of {}, which a rater put in no group.",
                counted(images, "picture")
            );
        }
        if let Some(most) = all.iter().map(|grouping| grouping.scores.only_in_groups).max()
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
