//! The command line: one file for each subcommand, over the same jobs as the window.
//!
//! What a subcommand finds out goes to standard output, as text or with `--json` as one JSON object for machines;
//! progress, notes and errors go to standard error, an error with `--json` as one JSON object too. The exit code is 0, 2
//! for a mistake of the user, 130 for what Ctrl+C stopped, 1 otherwise.

mod agreement;
mod bench;
mod classify;
mod cluster;
mod clusterings;
pub mod demo;
mod doctor;
mod evaluate;
mod experiment;
mod export_groupings;
mod export_labels;
mod export_model;
mod features;
mod import;
mod new;
mod output;
mod rate;
mod relink;
mod report;
mod reproduce;
mod runs;
mod score_table;
mod serve;
mod sort_choice;
mod split;
mod status;
mod study;
mod suggestion;
mod terminal;
mod train;
mod upgrade;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::{Args, Parser, Subcommand};

use crate::engine::output_file::Existing;
use crate::error::{Error, ErrorKind, Result, STOPPED};
use crate::progress::Cancel;
use crate::project::Project;
use output::Output;
use terminal::{json_to_stderr, line_to_stderr};

/// Groups illustrations by their atmosphere.
///
/// Without a subcommand the window opens, on the project in DIR if one is given.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Subcommands>,
    /// Project to open in the window.
    dir: Option<PathBuf>,
    /// View to show at first: library, label, group, train, explore, report.
    #[arg(long, value_name = "VIEW")]
    view: Option<String>,
    /// Write our own time of every frame to this CSV file when the window closes.
    #[arg(long, value_name = "FILE", hide = true)]
    frame_log: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Makes the subcommands from their list: each is a file with `Arguments` and `run`.
macro_rules! subcommands {
    ($($name:ident: $module:ident,)*) => {
        #[derive(Debug, Subcommand)]
        enum Subcommands {
            $($name($module::Arguments),)*
        }

        impl Subcommands {
            fn run(&self, output: &Output) -> Result<ExitCode> {
                match self {
                    $(Self::$name(arguments) => $module::run(arguments, output).map(Ending::code),)*
                }
            }
        }
    };
}

subcommands! {
    New: new,
    Import: import,
    Split: split,
    Train: train,
    Clusterings: clusterings,
    Features: features,
    ExportModel: export_model,
    ExportGroupings: export_groupings,
    ExportLabels: export_labels,
    Agreement: agreement,
    Bench: bench,
    Cluster: cluster,
    Classify: classify,
    Evaluate: evaluate,
    Experiment: experiment,
    Rate: rate,
    Runs: runs,
    Study: study,
    Serve: serve,
    Status: status,
    Upgrade: upgrade,
    Relink: relink,
    Report: report,
    Reproduce: reproduce,
    Demo: demo,
    Doctor: doctor,
}

/// How a subcommand ends: with success, or with an exit code of its own.
trait Ending {
    fn code(self) -> ExitCode;
}

impl Ending for () {
    fn code(self) -> ExitCode {
        ExitCode::SUCCESS
    }
}

impl Ending for ExitCode {
    fn code(self) -> ExitCode {
        self
    }
}

/// What every subcommand takes.
#[derive(Args, Clone, Copy, Debug, Default)]
struct Common {
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    json: bool,
    /// Show no progress and no notes.
    #[arg(long, short, global = true)]
    quiet: bool,
}

/// What every subcommand that writes a file takes.
#[derive(Args, Clone, Copy, Debug, Default)]
struct Replacing {
    /// Replace the file if one of the same kind is there already.
    #[arg(long)]
    force: bool,
}

impl Replacing {
    fn existing(self) -> Existing {
        Existing::forced(self.force)
    }
}

/// Runs the program with the arguments it was started with.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let json = arguments.common.json;
    match run(arguments) {
        Ok(code) => code,
        Err(error) => report(&error, json),
    }
}

/// Tells of arguments that cannot be understood, or prints help and version.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    match suggestion::of(&arguments) {
        Some(mistyped) => report(&mistyped, json),
        None if json => {
            let text = error.to_string();
            let (message, hint) = text.trim().split_once('\n').unwrap_or((text.trim(), ""));
            let message = message.trim_start_matches("error: ").to_owned();
            let hint = hint.split_whitespace().collect::<Vec<_>>().join(" ");
            report(&Error::user(message).hint(hint), true)
        }
        None => {
            let _ = error.print();
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let Some(command) = arguments.command else {
        return open_window(arguments);
    };
    command.run(&Output::new(arguments.common))
}

fn report(error: &Error, json: bool) -> ExitCode {
    if json {
        let hint = error.hint.as_deref();
        let object = serde_json::json!({ "error": error.message, "hint": hint, "kind": error.kind });
        json_to_stderr(&object);
    } else {
        line_to_stderr(&format!("error: {}", error.message));
        if let Some(hint) = &error.hint {
            line_to_stderr(&format!("hint: {hint}"));
        }
    }
    ExitCode::from(error.exit_code())
}

/// The project for writing, with what is wrong with it said.
fn open_to_write(dir: &Path) -> Result<Project> {
    Project::open(dir).map(with_warnings)
}

/// The project for reading, without keeping others from writing.
fn open_to_read(dir: &Path) -> Result<Project> {
    Project::open_read_only(dir).map(with_warnings)
}

/// The project for writing if that is possible, else for reading: what is computed can be kept or not, while the
/// window is open or where nothing can be written. A project of an older version is refused, as by all commands that
/// read: to show something is no reason to change its form.
fn open_as_possible(dir: &Path) -> Result<Project> {
    if Project::is_older(dir)? {
        return open_to_read(dir);
    }
    open_to_write(dir).or_else(|writing| {
        open_to_read(dir).map_err(|reading| {
            // Why it cannot be read says more, unless it only asks to open it for writing.
            if matches!(reading.kind, ErrorKind::User | ErrorKind::Busy) { writing } else { reading }
        })
    })
}

fn with_warnings(project: Project) -> Project {
    for warning in project.warnings() {
        // Also where a machine reads the result: on standard error it is in nobody's way.
        line_to_stderr(&format!("warning: {warning}"));
    }
    project
}

/// A value by its name; what there is to choose from stands in the message, which is all that clap shows.
fn named<T: std::str::FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: Error| match error.hint {
        Some(hint) => format!("{}: {hint}", error.message),
        None => error.message,
    })
}

/// Success, or the exit code of what was stopped.
fn ended(stopped: bool) -> ExitCode {
    if stopped { ExitCode::from(STOPPED) } else { ExitCode::SUCCESS }
}

#[cfg(feature = "gui")]
fn open_window(arguments: Arguments) -> Result<ExitCode> {
    use crate::app::{self, Start, state::View};
    let Arguments { dir, view, frame_log, common, .. } = arguments;
    let view = match view.as_deref() {
        None => View::default(),
        Some(name) => View::ALL.into_iter().find(|view| view.id().eq_ignore_ascii_case(name)).ok_or_else(|| {
            Error::user(format!("there is no view “{name}”")).hint("library, label, group, train, explore or report")
        })?,
    };
    if let Some(dir) = &dir
        && !Project::exists(dir)
    {
        if let Some(mistyped) = suggestion::of(&[dir.clone().into_os_string()]) {
            return Err(mistyped);
        }
        return Err(Error::user(format!("{} holds no Atmoscope project", dir.display())).hint(
            "make one with `atmoscope new DIR`, or start without a folder; `atmoscope --help` lists the subcommands",
        ));
    }
    if common.json || common.quiet {
        return Err(Error::user("--json and --quiet are for subcommands, and the window was asked for")
            .hint("`atmoscope --help` lists the subcommands"));
    }
    app::run(Start { project: dir, view, frame_log, ..Start::default() })?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(feature = "gui"))]
fn open_window(_arguments: Arguments) -> Result<ExitCode> {
    Err(Error::user("this build has no window")
        .hint("use a subcommand, see `atmoscope --help`, or build with the feature `gui`"))
}

/// The flag that Ctrl+C raises. A second Ctrl+C ends the program at once.
fn cancel_on_interrupt() -> Cancel {
    static FLAG: OnceLock<Cancel> = OnceLock::new();
    FLAG.get_or_init(|| {
        let cancel = Cancel::new();
        let raised = cancel.clone();
        // Also when the system asks (SIGTERM, as at shutdown) or the terminal is closed. Without a handler the program
        // ends at once, which loses nothing that is stored.
        let _ = ctrlc::set_handler(move || {
            if raised.is_cancelled() {
                std::process::exit(STOPPED.into());
            }
            raised.cancel();
            line_to_stderr("Stopping at the next chance; Ctrl+C again ends the program at once. What is stored stays.");
        });
        cancel
    })
    .clone()
}
