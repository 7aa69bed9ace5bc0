//! Where a subcommand's results go: the one place that prints to standard output.

use std::io::Write;

use serde::Serialize;

use super::Common;
use super::terminal::Terminal;
use crate::error::{Error, Result};
use crate::wording::{visible, visible_json};

/// Prints results as text or JSON.
#[derive(Debug)]
pub(super) struct Output {
    json: bool,
    /// Says only what was asked for.
    pub quiet: bool,
    /// Shows progress and notes.
    pub terminal: Terminal,
}

impl Output {
    pub(super) fn new(common: Common) -> Self {
        Self { json: common.json, quiet: common.quiet, terminal: Terminal::new(common.quiet, common.json) }
    }

    /// Prints `value`, which is one object, as JSON, or else the text that `text` makes. Names in it may come from
    /// anywhere: their control characters are shown.
    pub(super) fn print(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        let mut line = if self.json {
            let json = serde_json::to_string(value).map_err(|error| Error::internal(error.to_string()))?;
            visible_json(&json).into_owned()
        } else {
            visible(&text()).into_owned()
        };
        debug_assert!(!self.json || line.starts_with('{'), "one JSON object: {line}");
        if !line.ends_with('\n') {
            line.push('\n');
        }
        match std::io::stdout().lock().write_all(line.as_bytes()) {
            // The reader has closed the pipe, as in `| head`.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(|error| Error::device(format!("the result cannot be printed: {error}"))),
        }
    }
}
