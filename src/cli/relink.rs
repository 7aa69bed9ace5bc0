//! `atmoscope relink`: say where the pictures are now.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use crate::engine::jobs::counted;
use crate::engine::jobs::relink::{self, RelinkReport};
use crate::error::Result;
use crate::wording::one_line;

/// Say where the folder of the pictures is now, after it was moved or renamed.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// The folder that takes the place of the one imported from.
    folder: PathBuf,
    /// Which imported folder moved, when there are several.
    #[arg(long, value_name = "ID")]
    root: Option<i64>,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let mut project = super::open_to_write(&arguments.dir)?;
    let cancel = super::cancel_on_interrupt();
    let report = relink::run(&mut project, arguments.root, &arguments.folder, &output.terminal, &cancel)?;
    output.print(&report, || text(&report))
}

fn text(report: &RelinkReport) -> String {
    let mut text = format!("{} found in {}\n", counted(report.found, "picture"), report.folder.display());
    for (names, what) in [(&report.missing, "not there"), (&report.changed, "left out: changed since the import")] {
        if !names.is_empty() {
            let _ = writeln!(text, "{} {what}", counted(names.len(), "picture"));
            names.iter().for_each(|name| {
                let _ = writeln!(text, "  {}", one_line(name));
            });
        }
    }
    text
}
