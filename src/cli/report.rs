//! `atmoscope report`: an experiment as one HTML file that opens anywhere.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::Output;
use crate::engine::experiment::{self, report, run::store_of};
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::{Error, Result};

/// Write an experiment as one HTML file: data, labels, methods, tables, charts, clusters as grids of pictures, and all that is
/// needed to repeat it. Pictures are inside, so think whom you send it to.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// The experiment, as it is called in the project.
    experiment: String,
    /// The HTML file to write.
    #[arg(long, value_name = "HTML")]
    out: PathBuf,
    #[command(flatten)]
    replacing: super::Replacing,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let mut project = super::open_to_write(&arguments.dir)?;
    let file = OutputFile::new(Some(&project), &arguments.out, FileKind::Html, arguments.replacing.existing())?;
    let name = &arguments.experiment;
    let kept = store_of(&project, name)?.read()?.ok_or_else(|| {
        Error::user(format!("there is no experiment “{name}”"))
            .hint(format!("do it first: `atmoscope experiment {} {name}`", arguments.dir.display()))
    })?;
    let cancel = super::cancel_on_interrupt();
    // Cells that are missing are computed; of a whole experiment nothing is.
    let finished = experiment::run(&mut project, name, &kept.record.plan, &output.terminal, &cancel)?;
    let called = arguments.out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let html = report::html(&project, &finished, &called, &output.terminal, &cancel)?;
    file.write(|target| target.write_all(html.as_bytes()))?;
    let value = json!({ "experiment": name, "file": arguments.out, "bytes": html.len() });
    output.print(&value, || format!("{} written", arguments.out.display()))
}
