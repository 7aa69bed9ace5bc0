//! What the researcher should know, each thing once in a while however often it happens.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

/// After how long the same problem is reported again.
const AGAIN: Duration = Duration::from_secs(60);
/// Different things remembered.
const MOST_KNOWN: usize = 100;

/// Reports problems to the person who runs the server.
#[derive(Debug)]
pub(super) struct Problems {
    sender: Sender<String>,
    reported: Mutex<HashMap<String, Instant>>,
}

impl Problems {
    pub(super) fn new(sender: Sender<String>) -> Self {
        Self { sender, reported: Mutex::new(HashMap::new()) }
    }

    /// Reports a problem, unless the same was reported a moment ago.
    pub(super) fn tell(&self, problem: &str) {
        self.tell_at(problem, Instant::now());
    }

    fn tell_at(&self, problem: &str, now: Instant) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.len() >= MOST_KNOWN {
            reported.clear();
        }
        let again = reported.get(problem).is_some_and(|at| now.saturating_duration_since(*at) < AGAIN);
        // A problem that nobody receives is not counted as reported.
        if !again && self.sender.try_send(problem.to_owned()).is_ok() {
            reported.insert(problem.to_owned(), now);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_same_is_told_once_in_a_while() {
        let (sender, receiver) = crossbeam_channel::bounded(10);
        let problems = Problems::new(sender);
        let start = Instant::now();
        for second in 0..=60 {
            problems.tell_at("the disk is full", start + Duration::from_secs(second));
        }
        problems.tell_at("a picture is gone", start);
        let reported: Vec<String> = receiver.try_iter().collect();
        assert_eq!(reported, ["the disk is full", "the disk is full", "a picture is gone"]);
    }
}
