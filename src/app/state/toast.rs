//! Good news.

use std::time::{Duration, Instant};

use crate::wording::{counted, number};

/// Good news that goes away by itself. There is one at a time: the same again, and edits undone one after another, are
/// counted.
#[derive(Debug)]
pub struct Toast {
    /// The news.
    pub text: String,
    /// Which way in the history it was a step, if it was one.
    pub(super) step_forward: Option<bool>,
    /// How often in a row.
    pub(super) count: usize,
    /// Since when it is shown.
    pub since: Instant,
}

impl Toast {
    /// How long it is shown.
    pub const SHOWN: Duration = Duration::from_secs(5);

    /// The news as it is said.
    pub fn said(&self) -> String {
        match (self.step_forward, self.count) {
            (Some(forward), count) => {
                let (one, many) = if forward { ("Done again", "done again") } else { ("Undone", "undone") };
                match count {
                    1 => format!("{one}: {}", self.text),
                    count => format!("{} {many}, the last: {}", counted(count, "edit"), self.text),
                }
            }
            (None, 1) => self.text.clone(),
            (None, count) => format!("{}  ({} times)", self.text, number(count)),
        }
    }
}
