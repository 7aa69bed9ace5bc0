//! What a mistyped subcommand was meant to be.

use std::ffi::OsString;
use std::path::Path;

use clap::CommandFactory;

use super::Arguments;
use crate::error::Error;
use crate::wording::quoted;

/// How alike, from 0 to 1, two words are of which one is meant.
const ALIKE: f64 = 0.75;

/// What is wrong with the first word on the command line, if it is neither a subcommand nor something on the disk.
pub(super) fn of(arguments: &[OsString]) -> Option<Error> {
    let word = arguments.iter().find(|argument| !argument.as_encoded_bytes().starts_with(b"-"))?;
    let command = Arguments::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    if names.iter().any(|name| word == name) || Path::new(word).exists() {
        return None;
    }
    let word = word.to_string_lossy();
    // A path to a project that is not there gets a message of its own.
    if word.contains(std::path::is_separator) {
        return None;
    }
    let alike = names.iter().map(|name| (strsim::jaro_winkler(&word.to_lowercase(), name), *name));
    let best = alike.filter(|(alike, _)| *alike > ALIKE).max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = match best {
        Some((_, name)) => format!("did you mean `{name}`? `atmoscope --help` lists all of them"),
        None => "`atmoscope --help` lists all of them".to_owned(),
    };
    Some(Error::user(format!("there is no subcommand and no folder “{}”", quoted(&word))).hint(hint))
}
