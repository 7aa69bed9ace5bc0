//! `atmoscope split`: divide the pictures into train, validation and test parts.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use crate::dataset::{AllNo, SplitMethod};
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
    /// Pictures about which every answer is no: leave-out (as in the paper) or keep.
    #[arg(long, value_name = "WHAT", default_value_t, value_parser = super::named::<AllNo>)]
    all_no: AllNo,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let mut project = super::open_to_write(&arguments.dir)?;
    let method = if arguments.random { SplitMethod::Random } else { SplitMethod::Stratified };
    let request = SplitRequest {
        seed: arguments.seed,
        method,
        test_images: arguments.test_images.clone(),
        all_no: arguments.all_no,
        ..SplitRequest::default()
    };
    let report = split::run(&mut project, &request)?;
    output.print(&report, || {
        let mut text = format!("Split {}: {}\n", report.split.id.0, report.split.method);
        for (part, size) in &report.sizes {
            let _ = writeln!(text, "  {part}: {}", counted(*size, "picture"));
        }
        let _ = writeln!(
            text,
            "  left out: {} without an answer, {} with no to every label, {} set aside",
            report.without_answer, report.all_no_left_out, report.set_aside
        );
        for remark in &report.remarks {
            let _ = writeln!(text, "Warning: {remark}.");
        }
        text
    })
}
