//! `atmoscope split`: divide the pictures into train, validation and test parts.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::Common;
use super::output::Output;
use crate::dataset::SplitMethod;
use crate::engine::jobs::counted;
use crate::engine::jobs::split::{self, SplitRequest};
use crate::error::Result;

/// Divide the labelled pictures into train, validation and test parts, 5:3:2, and store it.
///
/// Near-duplicates are kept in one part. The newest split is the one that training uses.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// Seed of what is random about it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Plain random instead of keeping the labels in proportion.
    #[arg(long)]
    random: bool,
    /// Names of the test part's pictures, one on each line; the rest is divided 5:3.
    #[arg(long, value_name = "FILE")]
    test_images: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let mut project = super::open_to_write(&arguments.dir, output)?;
    let method = if arguments.random { SplitMethod::Random } else { SplitMethod::Stratified };
    let request = SplitRequest { seed: arguments.seed, method, test_images: arguments.test_images.clone() };
    let report = split::run(&mut project, &request)?;
    output.print(&report, || {
        let mut text = format!("Split {}: {}\n", report.split.id.0, report.split.method);
        for (part, size) in &report.sizes {
            let _ = writeln!(text, "  {part}: {}", counted(*size, "picture"));
        }
        let _ = writeln!(text, "  left out: {} without a label, {} set aside", report.without_label, report.set_aside);
        text
    })
}
