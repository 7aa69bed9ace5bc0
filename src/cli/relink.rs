//! `atmoscope relink`: say where the pictures are now.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Common;
use super::output::Output;
use crate::engine::jobs::counted;
use crate::engine::jobs::relink;
use crate::error::Result;

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
    #[command(flatten)]
    pub common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let mut project = super::open_to_write(&arguments.dir, output)?;
    let found = relink::run(&mut project, arguments.root, &arguments.folder)?;
    output.print(&json!({ "found": found, "folder": arguments.folder.to_string_lossy() }), || {
        format!("{} found in {}", counted(found, "picture"), arguments.folder.display())
    })
}
