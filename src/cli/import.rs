//! `atmoscope import`: add pictures, labels and groupings.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::output::Output;
use crate::engine::jobs::counted;
use crate::engine::jobs::import::{self, ImportReport, ImportRequest};
use crate::error::{Error, Result};
use crate::interchange::grouping_forms::{GroupingDefaults, GroupingForm};
use crate::names;
use crate::wording::one_line;

/// Add a folder of pictures, labels and groupings to a project.
///
/// Files are read where they are and never changed. What cannot be used is listed with its reason. Nothing is stored
/// from a CSV file with problems unless --accept-problems is given; the exit code is then 2.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// A folder of pictures, taken with all its subfolders.
    images: Option<PathBuf>,
    /// Labels: a CSV with `image`, then one 0/1 column for each label.
    #[arg(long, value_name = "CSV")]
    labels: Option<PathBuf>,
    /// Groups made by people: a CSV with `rater,condition,image,group`, FreeSortR's table, or jsPsych free-sort data.
    #[arg(long, value_name = "FILE")]
    groupings: Option<PathBuf>,
    /// The form of the groupings, when it is not recognised: csv, freesortr or jspsych.
    #[arg(long, value_name = "FORM", value_parser = super::named::<GroupingForm>)]
    form: Option<GroupingForm>,
    /// The condition of groupings whose file names none.
    #[arg(long, value_name = "NAME", default_value_t = GroupingDefaults::default().condition)]
    condition: String,
    /// The study of groupings whose file names none.
    #[arg(long, value_name = "NAME")]
    study: Option<String>,
    /// The occasion of groupings whose file names none: 1 the first time, 2 again.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    occasion: Option<u64>,
    /// The rater of groupings whose file names none; the file's name unless given.
    #[arg(long, value_name = "NAME")]
    rater: Option<String>,
    /// Side of a picture in jsPsych free-sort data: pictures that touch lie together.
    #[arg(long, value_name = "PIXELS", default_value_t = GroupingDefaults::default().picture_px)]
    picture_size: f64,
    /// Whose labels they are; the file's name unless given.
    #[arg(long, value_name = "NAME")]
    annotator: Option<String>,
    /// Take the sound part of a CSV file that has problems, and its labels that are new to the project.
    #[arg(long)]
    accept_problems: bool,
    /// Add the labels of --labels that are new to the project.
    #[arg(long)]
    add_labels: bool,
    /// Largest picture read.
    #[arg(long, value_name = "MEGAPIXELS", default_value_t = ImportRequest::default().max_megapixels)]
    max_megapixels: u32,
    /// Set pictures aside whose longer side is more than this many times the shorter.
    #[arg(long, value_name = "RATIO", default_value_t = ImportRequest::default().max_aspect_ratio)]
    max_aspect_ratio: f64,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<ExitCode> {
    if arguments.images.is_none() && arguments.labels.is_none() && arguments.groupings.is_none() {
        return Err(
            Error::user("there is nothing to import").hint("give a folder of pictures, --labels or --groupings")
        );
    }
    for (option, name) in [("--rater", arguments.rater.as_ref()), ("--condition", Some(&arguments.condition))] {
        if let Some(name) = name {
            names::check(name, option)?;
        }
    }
    if !arguments.picture_size.is_finite() || arguments.picture_size <= 0.0 {
        return Err(Error::user("--picture-size must be a number of pixels above 0"));
    }
    if arguments.max_aspect_ratio.is_nan() || arguments.max_aspect_ratio < 1.0 {
        return Err(Error::user("--max-aspect-ratio must be 1 or more"));
    }
    let mut project = super::open_to_write(&arguments.dir)?;
    let request = ImportRequest {
        images: arguments.images.clone(),
        labels: arguments.labels.clone(),
        groupings: arguments.groupings.clone(),
        grouping_form: arguments.form,
        grouping_defaults: GroupingDefaults {
            study: arguments.study.clone(),
            occasion: arguments.occasion,
            rater: arguments.rater.clone().unwrap_or_else(|| stem(arguments.groupings.as_deref())),
            condition: arguments.condition.clone(),
            picture_px: arguments.picture_size,
        },
        annotator: arguments.annotator.clone(),
        accept_problems: arguments.accept_problems,
        add_labels: arguments.add_labels,
        max_megapixels: arguments.max_megapixels,
        max_aspect_ratio: arguments.max_aspect_ratio,
    };
    let report = import::run(&mut project, &request, &output.terminal, &super::cancel_on_interrupt())?;
    output.print(&report, || text(&report, arguments.images.as_deref()))?;
    Ok(if report.cancelled {
        super::ended(true)
    } else if report.refused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

/// A file's name without its ending.
fn stem(file: Option<&Path>) -> String {
    let stem = file.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    stem.unwrap_or_else(|| GroupingDefaults::default().rater)
}

/// Problems shown of each file.
const SHOWN_PROBLEMS: usize = 20;

fn text(report: &ImportReport, folder: Option<&Path>) -> String {
    let mut text = String::new();
    if let Some(folder) = folder.filter(|_| report.found_nothing()) {
        let _ = writeln!(text, "No picture files were found in {}", folder.display());
    } else if folder.is_some() {
        let _ = writeln!(
            text,
            "Pictures: {} added, {} there already, {} found at a new place, {} set aside by rule",
            report.added, report.already_there, report.moved, report.set_aside
        );
    }
    if !report.rejected.is_empty() {
        let _ = writeln!(text, "Files not taken: {}", report.rejected.len());
        for file in &report.rejected {
            let _ = writeln!(text, "  {}: {}", one_line(&file.relative_path), one_line(&file.reason));
        }
    }
    if let Some(labels) = &report.labels {
        let _ = writeln!(
            text,
            "Labels: {} for {} by {}; {} changed",
            counted(labels.labels, "label"),
            counted(labels.images, "picture"),
            labels.annotator,
            counted(labels.changed, "answer")
        );
    }
    if let Some(groupings) = report.groupings {
        let _ = writeln!(text, "Groupings: {groupings} added");
    }
    for file_problems in report.problems.chunk_by(|a, b| a.file == b.file) {
        for problem in file_problems.iter().take(SHOWN_PROBLEMS) {
            let _ =
                writeln!(text, "  {}, line {}: {}", problem.file.display(), problem.line, one_line(&problem.message));
        }
        if let Some(more) = file_problems.len().checked_sub(SHOWN_PROBLEMS).filter(|more| *more > 0) {
            let _ = writeln!(text, "  … and {more} more (--json lists all)");
        }
    }
    for file in &report.refused {
        let _ = writeln!(
            text,
            "Nothing was stored from {}. Mend the lines above, or take its sound part with --accept-problems.",
            file.display()
        );
    }
    if report.cancelled {
        let _ = writeln!(text, "Stopped; what was read until then is kept.");
    }
    text
}
