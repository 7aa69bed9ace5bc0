//! The messages between a rater's page and the server.
//!
//! Pictures are named by their place, from 1, in the rater's own order of the current sort: a page learns no ids, no
//! names of files, no labels, and nothing of other raters.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::sorting::{Condition, Move};

/// How things stand for a rater.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum State {
    /// There is a sort to go on with.
    Sorting(Sorting),
    /// All tasks are submitted.
    Finished {
        /// Name of the study.
        study: String,
        /// The rater's own name.
        rater: String,
        /// What each task asked for, in the order in which this rater met them.
        tasks: Vec<String>,
        /// True when the rater may still change what was submitted.
        open: bool,
    },
}

/// The sort a rater goes on with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Sorting {
    /// Name of the study.
    pub study: String,
    /// The rater's own name.
    pub rater: String,
    /// What tells this sort from the rater's other ones.
    pub board: String,
    /// What is asked for.
    pub task: Task,
    /// Width by height of each picture, in the rater's own order.
    pub shapes: Vec<f32>,
    /// All moves so far. The page makes them again to see the board.
    pub moves: Vec<Move<usize>>,
}

/// A task in the rater's terms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Task {
    /// Its place among the rater's tasks, from 1.
    pub number: usize,
    /// Number of the rater's tasks.
    pub of: usize,
    /// True when it was done once before.
    pub again: bool,
    /// True when the groups were submitted once and are being changed.
    pub changing: bool,
    /// What the rater is asked to do.
    pub text: String,
    /// The rules.
    pub rules: Rules,
}

/// The rules of a condition without its name, which is the researcher's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Rules {
    fewest_groups: Option<usize>,
    most_groups: Option<usize>,
    smallest_group: usize,
    largest_group: Option<usize>,
    given_groups: Vec<String>,
    own_groups: bool,
    leave_out: bool,
}

impl From<&Condition> for Rules {
    fn from(condition: &Condition) -> Self {
        Self {
            fewest_groups: condition.fewest_groups,
            most_groups: condition.most_groups,
            smallest_group: condition.smallest_group,
            largest_group: condition.largest_group,
            given_groups: condition.given_groups.iter().map(|name| name.trim().to_owned()).collect(),
            own_groups: condition.allows_own_groups(),
            leave_out: condition.leave_out,
        }
    }
}

/// Moves that a page sends.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SentMoves {
    /// Of which sort.
    pub board: String,
    /// One after another.
    pub moves: Vec<SentMove>,
}

/// A move that a page sends.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SentMove {
    /// Its number in the log, from 1.
    pub number: usize,
    /// Milliseconds since it was made.
    pub ago_ms: u64,
    /// The move.
    #[serde(rename = "move")]
    pub step: Move<usize>,
}

/// What a page sends to submit its sort.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    /// Which sort.
    pub board: String,
    /// How many moves led to what the rater saw.
    pub moves: usize,
}

/// What a page sends to change what was submitted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// The task's place among the rater's tasks, from 1.
    pub task: usize,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The rater can no longer take part, now or for good.
    Ended(&'static str),
    /// It does not fit to what is stored; the page should show that again.
    Conflict(String),
    /// No honest page asks like this.
    Wrong,
    /// It did not work this time; the page should ask again.
    Busy,
}

/// What a rater reads who was taken out of the study.
pub(super) const REMOVED: &str = "This link is no longer in use. Thank you for what you did; if you think that this is a \
    mistake, ask the person who sent you the link.";

/// What a rater reads whose study is closed.
pub(super) const CLOSED: &str = "This study is closed. Thank you for your help; what you did is kept.";

impl Refusal {
    /// A mistake of the request as a refusal in its words; anything else in no words, since it concerns the researcher.
    pub(super) fn of(error: &Error) -> Self {
        match error.kind {
            ErrorKind::User | ErrorKind::Busy | ErrorKind::Config => Self::Conflict(error.message.clone()),
            _ => Self::Busy,
        }
    }
}
