//! The score table as text.

use std::fmt::Write;

use crate::engine::jobs::score::ScoreReport;
use crate::wording::{counted, fixed};

/// One line for each clustering: silhouette, then for each condition the entropy (± standard deviation over raters),
/// that of the raters among themselves, that of chance, and the adjusted Rand index.
pub(super) fn text(reports: &[ScoreReport]) -> String {
    let mut text = String::new();
    let conditions: Vec<&str> = reports
        .first()
        .map(|report| report.conditions.iter().map(|condition| condition.condition.as_str()).collect())
        .unwrap_or_default();
    let _ = write!(text, "{:>2}  {:>8}  {:>10}", "K", "pictures", "silhouette");
    for condition in &conditions {
        let _ = write!(
            text,
            "  | condition {condition:<3} {:>13}  {:>6}  {:>6}  {:>5}",
            "entropy", "raters", "chance", "Rand"
        );
    }
    text.push('\n');
    for report in reports {
        let silhouette =
            report.silhouette.as_ref().map_or_else(|| "-".to_owned(), |silhouette| fixed(silhouette.mean, 3));
        let _ = write!(text, "{:>2}  {:>8}  {silhouette:>10}", report.clusters, report.images);
        for condition in &report.conditions {
            let summary = &condition.summary;
            let deviation =
                summary.entropy.standard_deviation.map_or_else(String::new, |d| format!(" ± {}", fixed(d, 3)));
            let entropy = format!("{}{deviation}", fixed(summary.entropy.mean, 3));
            let _ = write!(
                text,
                "  | {:<14}{entropy:>13}  {:>6}  {:>6}  {:>5}",
                counted(summary.entropy.count, "rater"),
                condition
                    .raters_among_themselves
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), |spread| fixed(spread.mean, 3)),
                fixed(condition.chance.mean, 3),
                rand_index(report, &condition.condition)
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
        for name in &report.groupings_without_images {
            let _ = writeln!(text, "No picture in common with the groups of {name}.");
        }
    }
    text
}

/// The mean adjusted Rand index over the raters of a condition for whom it says something: with one picture, or all in
/// one group, it is 0 or 1 whatever the clusters are.
fn rand_index(report: &ScoreReport, condition: &str) -> String {
    let indices: Vec<f64> = report
        .groupings
        .iter()
        .filter(|grouping| grouping.condition == condition && grouping.has_rand_index)
        .map(|grouping| grouping.scores.adjusted_rand_index)
        .collect();
    match indices.len() {
        0 => "-".to_owned(),
        count => fixed(indices.iter().sum::<f64>() / count as f64, 2),
    }
}
