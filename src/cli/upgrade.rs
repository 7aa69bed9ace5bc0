//! `atmoscope upgrade`: bring a project made by an older version up to date.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::Output;
use crate::error::Result;
use crate::project::Project;

/// Bring a project made by an older Atmoscope up to date, after a copy of it was put into its backups folder.
///
/// Whatever writes to a project does that too; commands that only read leave it as it is.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let upgraded = Project::is_older(&arguments.dir)?;
    let project = super::open_to_write(&arguments.dir)?;
    let folder = project.folder().display();
    output.print(&json!({ "project": project.folder().to_string_lossy(), "upgraded": upgraded }), || {
        if upgraded {
            format!("{folder} was brought up to date; a copy from before is in its backups folder")
        } else {
            format!("{folder} is up to date already; nothing was changed")
        }
    })
}
