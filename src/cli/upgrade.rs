//! `atmoscope upgrade`: bring a project made by an older version up to date.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Common;
use super::output::Output;
use crate::error::Result;

/// Bring a project made by an older Atmoscope up to date, after a copy of it was put into its backups folder.
///
/// Whatever writes to a project does that too; commands that only read leave it as it is.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let project = super::open_to_write(&arguments.dir)?;
    output.print(&json!({ "project": project.folder().to_string_lossy() }), || {
        format!("{} is up to date", project.folder().display())
    })
}
