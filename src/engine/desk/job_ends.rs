//! How jobs end, in words: what came of them, and what the person should look at.

use std::path::Path;

use crate::engine::event::{ImportOffer, JobEnd};
use crate::engine::jobs::counted;
use crate::engine::jobs::export_labels::LabelExportReport;
use crate::engine::jobs::import::{ImportReport, ImportRequest};
use crate::engine::jobs::relink::RelinkReport;
use crate::engine::jobs::split::SplitReport;
use crate::engine::jobs::train::TrainReport;
use crate::ids::RunId;
use crate::wording::sentence;

pub(super) fn split(report: &SplitReport) -> JobEnd {
    let sizes: Vec<String> = report.sizes.iter().map(|(part, size)| format!("{part} {size}")).collect();
    JobEnd::said(format!("Split ({}): {}", report.split.method, sizes.join(", ")))
}

pub(super) fn intensities(run: RunId, images: usize, unreadable: Vec<(String, String)>) -> JobEnd {
    let have = counted(images, "picture");
    JobEnd {
        details: unreadable.into_iter().map(|(name, reason)| format!("{name}: {reason}")).collect(),
        ..JobEnd::said(format!("Label intensities by run {}: {have}", run.0))
    }
}

pub(super) fn export_labels(report: &LabelExportReport, path: &Path) -> JobEnd {
    let (answers, images) = (counted(report.answers, "answer"), counted(report.images, "picture"));
    let mut end = JobEnd::said(format!("Wrote {answers} about {images} to {}", path.display()));
    if report.unanswered_as_no > 0 {
        let labels = counted(report.unanswered_as_no, "label");
        end.details.push(format!("{labels} without an answer will be read as no: text files hold only what is on"));
    }
    end
}

pub(super) fn relink(report: &RelinkReport) -> JobEnd {
    let (found, folder) = (counted(report.found, "picture"), report.folder.display());
    let left_out = report.changed.iter().map(|name| format!("{name}: left out, changed since the import"));
    let missing = report.missing.iter().map(|name| format!("{name}: not there"));
    JobEnd { details: left_out.chain(missing).collect(), ..JobEnd::said(format!("{found} found in {folder}")) }
}

pub(super) fn import(report: &ImportReport, request: &ImportRequest) -> JobEnd {
    let mut parts = Vec::new();
    if report.added + report.already_there + report.moved > 0 || !report.rejected.is_empty() {
        parts.push(format!("{} added", counted(report.added, "picture")));
        if report.already_there > 0 {
            parts.push(format!("{} were there already", report.already_there));
        }
        if report.moved > 0 {
            parts.push(format!("{} found at a new place", report.moved));
        }
        if report.set_aside > 0 {
            parts.push(format!("{} set aside for their shape", report.set_aside));
        }
        if !report.rejected.is_empty() {
            parts.push(format!("{} not taken", counted(report.rejected.len(), "file")));
        }
    }
    if let Some(labels) = &report.labels {
        let (of, images) = (counted(labels.labels, "label"), counted(labels.images, "picture"));
        parts.push(format!("{of} for {images} by {}", labels.annotator));
    }
    if let Some(groupings) = report.groupings {
        parts.push(counted(groupings, "grouping"));
    }
    for file in &report.refused {
        parts.push(format!("nothing stored from {}, which has problems", file.display()));
    }
    if report.cancelled {
        parts.push("stopped; what was read is kept".to_owned());
    }
    if report.found_nothing() && parts.is_empty() {
        parts.push("no picture files were found there".to_owned());
    } else if parts.is_empty() {
        parts.push("nothing to import".to_owned());
    }
    let rejected = report.rejected.iter().map(|file| format!("{}: {}", file.relative_path, file.reason));
    let problems = report
        .problems
        .iter()
        .map(|problem| format!("{}, line {}: {}", problem.file.display(), problem.line, problem.message));
    JobEnd {
        details: problems.chain(rejected).collect(),
        offers: import_offers(report, request),
        ..JobEnd::said(sentence(&parts.join(", ")))
    }
}

/// Other ways to import the files that were refused, without asking for them again.
fn import_offers(report: &ImportReport, request: &ImportRequest) -> Vec<ImportOffer> {
    let refused = |file: &Option<std::path::PathBuf>| file.clone().filter(|file| report.refused.contains(file));
    let again = ImportRequest {
        images: None,
        labels: refused(&request.labels),
        groupings: refused(&request.groupings),
        ..request.clone()
    };
    if again.labels.is_none() && again.groupings.is_none() {
        return Vec::new();
    }
    let mut offers = Vec::new();
    if !report.unknown_labels.is_empty() {
        let name = match &report.unknown_labels[..] {
            [label] => format!("Add the label “{label}”"),
            labels => format!("Add these {}", counted(labels.len(), "label")),
        };
        offers.push(ImportOffer { name, request: ImportRequest { add_labels: true, ..again.clone() } });
    }
    if report.problems.len() > report.unknown_labels.len() {
        let name = "Take the sound part".to_owned();
        offers.push(ImportOffer { name, request: ImportRequest { accept_problems: true, ..again } });
    }
    offers
}

pub(super) fn train(report: &TrainReport) -> JobEnd {
    let best = report.best_epoch.map_or_else(String::new, |epoch| format!(", best epoch {epoch}"));
    JobEnd {
        details: report.unreadable.iter().map(|(name, reason)| format!("{name}: {reason}")).collect(),
        run: Some(report.run),
        ..JobEnd::said(format!(
            "Run {} {} after {}{best}",
            report.run.0,
            report.status,
            counted(report.epochs, "epoch")
        ))
    }
}
