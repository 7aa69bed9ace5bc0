//! `atmoscope status`: a project in numbers, and what was not taken.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::Output;
use crate::dataset::{Answered, targets};
use crate::engine::jobs::{check_files, counted};
use crate::error::Result;
use crate::ids::ImageId;
use crate::project::Role;
use crate::wording::one_line;

/// Show a project in numbers: pictures, labels, people, groupings, files not taken.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let mut project = super::open_to_read(&arguments.dir)?;
    let images = project.images()?;
    let check = check_files::run(&mut project, &output.terminal, &super::cancel_on_interrupt())?;
    let names = project.image_names()?;
    let names = |ids: &[ImageId]| ids.iter().filter_map(|id| names.get(*id)).collect::<Vec<_>>();
    let (missing, changed) = (names(&check.missing), names(&check.changed));
    let set_aside: Vec<_> = images.iter().filter(|image| image.set_aside.is_some()).collect();
    let labels = project.labels()?;
    let consensus = project.consensus()?;
    let counts: Vec<(String, usize)> = labels
        .iter()
        .map(|label| {
            let images = consensus.values().filter(|answers| targets::has_label(Some(answers), label.id)).count();
            (label.name.clone(), images)
        })
        .collect();
    let label_ids: Vec<_> = labels.iter().map(|label| label.id).collect();
    let all_no =
        consensus.values().filter(|answers| Answered::of(Some(answers), &label_ids) == Answered::AllNo).count();
    let (annotators, groupings) = (project.people(Role::Annotator)?, project.groupings()?);
    let (split, rejected) = (project.current_split()?, project.rejected_files()?);
    let value = json!({
        "images": images.len(), "set_aside": set_aside, "missing_files": missing.len(), "missing": missing, "changed": changed, "all_no_images": all_no,
        "labelled_images": consensus.len(),
        "labels": counts, "annotators": annotators, "groupings": groupings, "split": split, "rejected_files": rejected,
    });
    output.print(&value, || {
        let mut text = format!("{}\n", project.folder().display());
        let _ = writeln!(
            text,
            "Pictures: {} ({} set aside, {} missing, {} changed since the import)",
            images.len(),
            set_aside.len(),
            counted(missing.len(), "file"),
            changed.len()
        );
        for (list, what) in
            [(&missing, "the file is not there"), (&changed, "the file was changed since it was imported")]
        {
            for name in list {
                let _ = writeln!(text, "  {name}: {what}");
            }
        }
        if !changed.is_empty() {
            text.push_str(
                "  Import their folder again: what moved is found, what was edited joins as a new picture.\n",
            );
        }
        for image in &set_aside {
            let reason = image.set_aside.as_deref().unwrap_or_default();
            let _ = writeln!(text, "  {}: {}", one_line(&image.relative_path), one_line(reason));
        }
        let _ = writeln!(
            text,
            "Labelled: {} ({} with no to every label) by {}",
            counted(consensus.len(), "picture"),
            all_no,
            counted(annotators.len(), "annotator")
        );
        for (name, images) in &counts {
            let _ = writeln!(text, "  {name}: {images}");
        }
        let _ = writeln!(text, "Groupings: {}", groupings.len());
        for grouping in &groupings {
            let (rater, condition) = (&grouping.rater, grouping.study_condition());
            let _ = writeln!(
                text,
                "  {rater}, condition {condition}: {}, {}",
                counted(grouping.groups, "group"),
                counted(grouping.images, "picture")
            );
        }
        if let Some(split) = &split {
            let _ = writeln!(text, "Split: {} (seed {})", split.method, split.seed);
        }
        let _ = writeln!(text, "Files not taken: {}", rejected.len());
        for file in &rejected {
            let _ = writeln!(text, "  {}: {}", one_line(&file.relative_path), one_line(&file.reason));
        }
        text
    })
}
