//! `atmoscope new`: make an empty project.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::Output;
use crate::error::Result;
use crate::progress::Observer;
use crate::project::Project;

/// Make an empty project in a folder.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The folder, which is created if it does not exist.
    dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let others = std::fs::read_dir(&arguments.dir).map_or(0, Iterator::count);
    let project = Project::create(&arguments.dir)?;
    if others > 0 {
        output.terminal.note(&format!("{} holds other files too; they are left as they are", arguments.dir.display()));
    }
    output.print(&json!({ "project": project.folder().to_string_lossy() }), || {
        format!("Made a project in {}", project.folder().display())
    })
}
