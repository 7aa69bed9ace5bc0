//! `atmoscope export-model`: write a run's network for other programs.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use crate::engine::jobs::{counted, export_model};
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::Result;
use crate::ids::RunId;

/// Write the network of a run as safetensors, with the names that torchvision's vgg16 uses.
///
/// The file's metadata say which label each output is, how pictures are cropped and normalised, and which run it is
/// from.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// The run.
    #[arg(long, value_name = "ID")]
    run: i64,
    /// The file, whose name ends in .safetensors.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    replacing: super::Replacing,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let project = super::open_to_read(&arguments.dir)?;
    let cancel = super::cancel_on_interrupt();
    let existing = arguments.replacing.existing();
    let out = OutputFile::new(Some(&project), &arguments.out, FileKind::Safetensors, existing)?;
    let report = export_model::run(&project, RunId(arguments.run), &out, &output.terminal, &cancel)?;
    output.print(&report, || {
        format!(
            "Wrote the network of run {} ({}, {}, {:.0} MB) to {}",
            report.run.0,
            counted(report.description.labels.len(), "label"),
            counted(report.tensors, "tensor"),
            report.bytes as f64 / 1e6,
            report.file.display()
        )
    })
}
