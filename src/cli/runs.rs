//! `atmoscope runs`: list the runs of a project.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use crate::error::Result;

/// List the runs of a project, newest first.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let runs = super::open_to_read(&arguments.dir)?.runs()?;
    output.print(&serde_json::json!({ "runs": runs }), || {
        if runs.is_empty() {
            return "No runs yet: `atmoscope train DIR` makes one.".to_owned();
        }
        let mut text =
            format!("{:>4}  {:<12} {:<20} {:>6}  {:>10}  device\n", "run", "status", "started", "seed", "best epoch");
        for run in &runs {
            let best = run.best_epoch.map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
            let started = run.created_at.get(..19).unwrap_or(&run.created_at);
            let message = run.message.as_ref().map_or_else(String::new, |message| format!("  ({message})"));
            let _ = writeln!(
                text,
                "{:>4}  {:<12} {started:<20} {:>6}  {best:>10}  {}{message}",
                run.id.0,
                run.status.to_string(),
                run.seed,
                run.device
            );
        }
        text
    })
}
