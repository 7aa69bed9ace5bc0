//! `atmoscope demo`: the whole method on synthetic illustrations.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::output::Output;
use super::score_table;
use crate::engine::jobs::counted;
use crate::engine::jobs::demo::{self, SYNTHETIC};
use crate::error::Result;
use crate::project::RunStatus;

/// Draw some 240 synthetic illustrations, run the whole method on them, and open the window on the clusters.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Where to make the project; a folder of this user's data unless given.
    dir: Option<PathBuf>,
    /// Print the score table and open no window.
    #[arg(long)]
    headless: bool,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<ExitCode> {
    let folder = match &arguments.dir {
        Some(folder) => folder.clone(),
        None => crate::demo::default_folder()?,
    };
    if !arguments.headless {
        return open_window(folder);
    }
    let (project, report) = demo::run(&folder, &|_| {}, &output.terminal, &super::cancel_on_interrupt())?;
    output.print(&report, || {
        format!(
            "{SYNTHETIC}\nProject: {}\nRun {}: {} to train on, {} for validation, best epoch {}, {:.0} s\n{}",
            project.folder().display(),
            report.train.run.0,
            counted(report.train.train_images, "picture"),
            report.train.validation_images,
            report.train.best_epoch.unwrap_or(0),
            report.train.duration_s,
            score_table::text(&report.scores)
        )
    })?;
    Ok(super::ended(report.train.status == RunStatus::Stopped))
}

#[cfg(feature = "gui")]
fn open_window(folder: PathBuf) -> Result<ExitCode> {
    use crate::app::{self, Start, state::View};
    let start = Start { demo: Some(folder), view: View::Explore, ..Start::default() };
    app::run(start)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(feature = "gui"))]
fn open_window(_folder: PathBuf) -> Result<ExitCode> {
    Err(crate::error::Error::user("this build has no window").hint("add --headless"))
}
