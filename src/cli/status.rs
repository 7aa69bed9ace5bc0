//! `atmoscope status`: a project in numbers, and what was not taken.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Common;
use super::output::Output;
use crate::engine::jobs::counted;
use crate::error::Result;
use crate::project::Role;
use crate::wording::one_line;

/// Show a project in numbers: pictures, labels, people, groupings, files not taken.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let project = super::open_to_read(&arguments.dir, output)?;
    let images = project.images()?;
    let paths = project.image_paths()?;
    let missing = paths.values().filter(|path| !path.is_file()).count();
    let set_aside: Vec<_> = images.iter().filter(|image| image.set_aside.is_some()).collect();
    let labels = project.labels()?;
    let consensus = project.consensus()?;
    let counts: Vec<(String, usize)> = labels
        .iter()
        .map(|label| {
            let images = consensus.values().filter(|answers| answers.get(&label.id) == Some(&true)).count();
            (label.name.clone(), images)
        })
        .collect();
    let (annotators, groupings) = (project.people(Role::Annotator)?, project.groupings()?);
    let (split, rejected) = (project.current_split()?, project.rejected_files()?);
    let value = json!({
        "images": images.len(), "set_aside": set_aside, "missing_files": missing, "labelled_images": consensus.len(),
        "labels": counts, "annotators": annotators, "groupings": groupings, "split": split, "rejected_files": rejected,
    });
    output.print(&value, || {
        let mut text = format!("{}\n", project.folder().display());
        let _ = writeln!(
            text,
            "Pictures: {} ({} set aside, {} missing)",
            images.len(),
            set_aside.len(),
            counted(missing, "file")
        );
        for image in &set_aside {
            let reason = image.set_aside.as_deref().unwrap_or_default();
            let _ = writeln!(text, "  {}: {}", one_line(&image.relative_path), one_line(reason));
        }
        let _ = writeln!(
            text,
            "Labelled: {} by {}",
            counted(consensus.len(), "picture"),
            counted(annotators.len(), "annotator")
        );
        for (name, images) in &counts {
            let _ = writeln!(text, "  {name}: {images}");
        }
        let _ = writeln!(text, "Groupings: {}", groupings.len());
        for grouping in &groupings {
            let (rater, condition) = (&grouping.rater, &grouping.condition);
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
