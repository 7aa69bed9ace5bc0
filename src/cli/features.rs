//! `atmoscope features`: write the label intensities of a run.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Common;
use super::output::Output;
use crate::clustering::Method;
use crate::engine::jobs::cluster::{self, ClusteredPart};
use crate::engine::jobs::counted;
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::ids::{ImageId, RunId};
use crate::interchange::about;
use crate::interchange::features_csv::{self, FeatureTable};
use crate::interchange::npy;
use crate::project::Project;

/// Write the label intensities of a run as CSV or npy.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// The run.
    #[arg(long, value_name = "ID")]
    run: i64,
    /// The file; its ending decides the form: .csv, or .npy with the names in files beside it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Which pictures: test or all.
    #[arg(long, default_value_t, value_parser = super::named::<ClusteredPart>)]
    part: ClusteredPart,
    #[command(flatten)]
    replacing: super::Replacing,
    #[command(flatten)]
    pub common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let as_npy = match arguments.out.extension().and_then(|extension| extension.to_str()) {
        Some(extension) if extension.eq_ignore_ascii_case("csv") => false,
        Some(extension) if extension.eq_ignore_ascii_case("npy") => true,
        _ => {
            return Err(Error::user(format!("{} is neither a .csv nor a .npy file", arguments.out.display()))
                .hint("the ending of --out decides the form"));
        }
    };
    let mut project = super::open_as_possible(&arguments.dir)?;
    let existing = arguments.replacing.existing();
    let kind = if as_npy { FileKind::Npy } else { FileKind::Csv };
    let out = OutputFile::new(Some(&project), &arguments.out, kind, existing)?;
    if as_npy {
        let (images, columns) = npy::companions(&arguments.out);
        for beside in [images, columns] {
            OutputFile::new(Some(&project), &beside, FileKind::Csv, existing)?;
        }
    }
    let (features, unreadable) = cluster::features_of(
        &mut project,
        RunId(arguments.run),
        arguments.part,
        &output.terminal,
        &super::cancel_on_interrupt(),
    )?;
    let table = FeatureTable {
        images: paths(&project, &features.image_ids)?,
        names: features.names.clone(),
        values: features.values.clone(),
    };
    if as_npy {
        npy::write_names_of(&arguments.out, &table)?;
    }
    let made = cluster::Made { run: RunId(arguments.run), part: arguments.part, method: Method::default(), seed: 0 };
    let mut facts = made.facts(&project)?;
    facts.insert("pictures".to_owned(), json!(features.rows()));
    if as_npy {
        let (images, columns) = npy::companions(&arguments.out);
        facts.insert(about::COMPANIONS.to_owned(), about::companions(&[images, columns])?);
    }
    out.write_described(Some(&project), facts, |target| match as_npy {
        true => npy::write(&table, target),
        false => features_csv::write(&table, target),
    })?;
    let value = json!({
        "file": arguments.out.to_string_lossy(), "images": features.rows(), "features": features.columns(), "unreadable": unreadable,
    });
    output.print(&value, || {
        format!(
            "Wrote {} of {} to {}",
            counted(features.columns(), "feature"),
            counted(features.rows(), "picture"),
            arguments.out.display()
        )
    })
}

fn paths(project: &Project, images: &[ImageId]) -> Result<Vec<String>> {
    let names: HashMap<ImageId, String> =
        project.images()?.into_iter().map(|image| (image.id, image.relative_path)).collect();
    Ok(images.iter().map(|image| names.get(image).cloned().unwrap_or_default()).collect())
}
