//! The score table as text.

use std::fmt::Write;

use crate::engine::jobs::score::ScoreReport;

/// One line for each clustering: silhouette, then entropy (± standard deviation over raters), chance and adjusted
/// Rand index for each condition.
pub(super) fn text(reports: &[ScoreReport]) -> String {
    let mut text = String::new();
    let conditions: Vec<&str> = reports
        .first()
        .map(|report| report.conditions.iter().map(|condition| condition.condition.as_str()).collect())
        .unwrap_or_default();
    let _ = write!(text, "{:>2}  {:>8}  {:>10}", "K", "pictures", "silhouette");
    for condition in &conditions {
        let _ = write!(text, "  | condition {condition:<3} {:>13}  {:>6}  {:>5}", "entropy", "chance", "Rand");
    }
    text.push('\n');
    for report in reports {
        let silhouette =
            report.silhouette.as_ref().map_or_else(|| "-".to_owned(), |silhouette| format!("{:.3}", silhouette.mean));
        let _ = write!(text, "{:>2}  {:>8}  {silhouette:>10}", report.clusters, report.images);
        for condition in &report.conditions {
            let summary = &condition.summary;
            let deviation = summary.entropy.standard_deviation.map_or_else(String::new, |d| format!(" ± {d:.3}"));
            let entropy = format!("{:.3}{deviation}", summary.entropy.mean);
            let _ = write!(
                text,
                "  | {:<14}{entropy:>13}  {:>6.3}  {:>5.2}",
                format!("{} raters", summary.entropy.count),
                condition.chance.mean,
                summary.adjusted_rand_index.mean
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
                "Up to {most} of the {images} pictures are in no group of a rater and do not count there."
            );
        }
        if let Some(most) = all.iter().map(|grouping| grouping.scores.only_in_groups).max()
            && most > 0
        {
            let _ = writeln!(text, "Up to {most} pictures of a rater's groups are in no cluster and do not count.");
        }
        for name in &report.groupings_without_images {
            let _ = writeln!(text, "No picture in common with the groups of {name}.");
        }
    }
    text
}
