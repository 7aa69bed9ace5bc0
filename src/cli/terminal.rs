//! The command line's observer: a progress bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::progress::{Observer, Progress};
use crate::training::{EpochRecord, TrainingObserver};
use crate::wording::{visible, visible_json};

/// Shows progress on standard error.
#[derive(Debug)]
pub(super) struct Terminal {
    quiet: bool,
    json: bool,
    bar: Mutex<Option<(String, ProgressBar)>>,
}

impl Terminal {
    /// Notes and progress are for people: with `json` nothing is shown but an error, with `quiet` only what was left
    /// out.
    pub(super) fn new(quiet: bool, json: bool) -> Self {
        Self { quiet: quiet || json, json, bar: Mutex::new(None) }
    }

    /// Something that must be seen, also where no notes are wanted.
    pub(super) fn warn(&self, text: &str) {
        if !self.json {
            self.line(text);
        }
    }

    fn line(&self, text: &str) {
        match self.bar.lock().ok().as_deref() {
            Some(Some((_, bar))) if !bar.is_hidden() => bar.suspend(|| line_to_stderr(text)),
            _ => line_to_stderr(text),
        }
    }
}

/// Prints an object on one line, by the same rule.
pub(super) fn json_to_stderr(object: &serde_json::Value) {
    let _ = writeln!(std::io::stderr(), "{}", visible_json(&object.to_string()));
}

/// Prints a line with its control characters shown. Where standard error was closed, as in `2>&1 | head`, the line is dropped and the work goes on.
pub(super) fn line_to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", visible(text));
}

impl Observer for Terminal {
    fn progress(&self, progress: Progress) {
        if self.quiet || !std::io::stderr().is_terminal() {
            return;
        }
        let Ok(mut current) = self.bar.lock() else { return };
        let total = progress.total.unwrap_or(0) as u64;
        if current.as_ref().is_none_or(|(stage, _)| *stage != progress.stage) {
            if let Some((_, old)) = current.take() {
                old.finish_and_clear();
            }
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template("{msg:24} {wide_bar} {pos} of {len}  {prefix}") {
                bar.set_style(style);
            }
            bar.set_message(progress.stage.clone());
            *current = Some((progress.stage.clone(), bar));
        }
        if let Some((_, bar)) = current.as_ref() {
            bar.set_length(total);
            bar.set_position(progress.done as u64);
            if let Some(remaining) = progress.remaining {
                bar.set_prefix(format!("{} s left", remaining.as_secs()));
            }
            if progress.total == Some(progress.done) {
                bar.finish_and_clear();
                *current = None;
            }
        }
    }

    fn note(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    fn left_out(&self, text: &str) {
        self.warn(text);
    }
}

impl TrainingObserver for Terminal {
    fn epoch(&self, record: &EpochRecord) {
        if self.quiet {
            return;
        }
        let precision = record.validation.mean_average_precision.map_or_else(|| "-".to_owned(), |p| format!("{p:.3}"));
        self.line(&format!(
            "epoch {:3}  train loss {:.4}  validation loss {:.4}  mean average precision {precision}{}",
            record.epoch,
            record.train.loss,
            record.validation.loss,
            if record.best { "  best" } else { "" }
        ));
    }
}
