//! `atmoscope reproduce`: repeat an experiment from its record, and say what differs.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::output::Output;
use crate::engine::experiment::manifest::first_of;
use crate::engine::experiment::report::Kept;
use crate::engine::experiment::reproduce::{Reproduction, reproduce};
use crate::engine::experiment::{self, run::store_of};
use crate::engine::jobs::counted;
use crate::error::{Error, Result};
use crate::interchange::read_file;
use crate::wording;

/// Numbers that are shown where many differ.
const SHOWN: usize = 20;

/// Repeat an experiment from its record or report, and say what differs: pictures, labels, groupings, weights and settings by
/// name, then number by number. Networks are trained again. Ends with 1 where anything differs.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// The report (an HTML file), or the experiment as it is called in the project.
    what: String,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<ExitCode> {
    let mut project = super::open_to_write(&arguments.dir)?;
    let cancel = super::cancel_on_interrupt();
    let path = Path::new(&arguments.what);
    let kept = if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("html")) {
        let html = String::from_utf8(read_file(path)?)
            .map_err(|_| Error::data(format!("{} is no report: it is not text", path.display())))?;
        Kept::from_report(&html).map_err(|error| error.in_file(path))?
    } else {
        let name = &arguments.what;
        let there = store_of(&project, name)?.read()?.ok_or_else(|| {
            Error::user(format!("there is no experiment “{name}” and no report of that name"))
                .hint("give the name of an experiment of the project, or a .html file")
        })?;
        let cells = experiment::run::checked(&project, &there.record.plan)
            .map(|plan| experiment::rows::rows(&plan, &there.cells))?;
        Kept { record: there.record, made: there.made, rows: cells }
    };
    let found = reproduce(&mut project, &kept, &output.terminal, &cancel)?;
    output.print(&found, || text(&found))?;
    Ok(if found.is_same() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(found: &Reproduction) -> String {
    if found.is_same() {
        return format!("“{}” came out the same: {} compared", found.name, counted(found.numbers, "number"));
    }
    let mut text = format!("“{}” did not come out the same.\n", found.name);
    for differences in [&found.data, &found.made] {
        if !differences.is_empty() {
            let _ = writeln!(text, "{}", first_of(differences));
        }
    }
    let value = |value: Option<f64>| value.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
    for number in found.different.iter().take(SHOWN) {
        let _ = writeln!(text, "{}: was {}, and is {}", number.which, value(number.was), value(number.is));
    }
    if found.different.len() > SHOWN {
        let _ = writeln!(text, "and {} more", found.different.len() - SHOWN);
    }
    let largest = found.largest.map_or_else(String::new, |by| format!(", by {} at most", wording::shown(by, 6)));
    let _ = writeln!(text, "{} of {} differ{largest}", found.different.len(), counted(found.numbers, "number"));
    text
}
