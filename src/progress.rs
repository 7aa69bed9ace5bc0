//! How long work reports on itself and how it is stopped.
//!
//! Every long function takes `(&dyn Observer, &Cancel)`: it reports [`Progress`] as it goes and checks
//! [`Cancel`] at least once a batch. The window and the command line differ only in their observer.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How far a job is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What is being done, in the person's words: "Reading pictures".
    pub stage: String,
    /// Finished items.
    pub done: usize,
    /// All items, where it is known.
    pub total: Option<usize>,
    /// Estimated time left, once there is something to judge by.
    pub remaining: Option<Duration>,
}

/// Receives reports from long work. Called from worker threads.
pub trait Observer: Sync {
    /// The job moved on. May be called often; the receiver thins it out.
    fn progress(&self, progress: Progress);
    /// Something worth a line in the log.
    fn note(&self, _text: &str) {}
    /// Something was left out of the result. Reported even where notes are switched off.
    fn left_out(&self, text: &str) {
        self.note(text);
    }
    /// Something joined the project that can be shown before the job ends.
    fn joined(&self) {}
}

/// An observer that ignores everything.
#[derive(Debug)]
pub struct Silent;

impl Observer for Silent {
    fn progress(&self, _progress: Progress) {}
}

/// What work is asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wish {
    #[default]
    GoOn,
    Wait,
    Stop,
}

/// The wish, and how many threads wait until it is another.
#[derive(Debug, Default)]
struct Asked {
    wish: Wish,
    waiting: usize,
}

/// A flag that asks work to stop, or to wait until it may go on. Clones share the flag.
///
/// Work asks it between steps; while it is to wait, the asking does not return.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<(Mutex<Asked>, Condvar)>);

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    fn set(&self, change: impl FnOnce(Wish) -> Wish) {
        let (asked, changed) = &*self.0;
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.wish = change(asked.wish);
        changed.notify_all();
    }

    /// Asks the work to stop.
    pub fn cancel(&self) {
        self.set(|_| Wish::Stop);
    }

    /// Asks the work to wait, unless it was asked to stop.
    pub fn pause(&self) {
        self.set(|wish| if wish == Wish::Stop { wish } else { Wish::Wait });
    }

    /// Lets work that waits go on.
    pub fn go_on(&self) {
        self.set(|wish| if wish == Wish::Stop { wish } else { Wish::GoOn });
    }

    /// True once it was cancelled. Waits as long as the work is to wait.
    pub fn is_cancelled(&self) -> bool {
        let (asked, changed) = &*self.0;
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.waiting += 1;
        let mut asked =
            changed.wait_while(asked, |asked| asked.wish == Wish::Wait).unwrap_or_else(PoisonError::into_inner);
        asked.waiting -= 1;
        asked.wish == Wish::Stop
    }

    /// Whether some work waits until it is told to go on: it was asked to, and has come to where it asks.
    pub fn is_waiting(&self) -> bool {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).waiting > 0
    }

    /// An error of kind [`Cancelled`](crate::error::ErrorKind::Cancelled) once it was cancelled.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }
}

/// Counts the items of one stage and estimates the time left.
#[derive(Debug)]
pub struct Stage {
    stage: String,
    total: usize,
    started: Instant,
}

impl Stage {
    /// Starts the clock for `total` items.
    pub fn new(stage: impl Into<String>, total: usize) -> Self {
        Self { stage: stage.into(), total, started: Instant::now() }
    }

    /// The report after `done` items; the time left assumes that the rest goes as fast as the part done.
    pub fn at(&self, done: usize) -> Progress {
        let remaining = (done > 0 && done <= self.total).then(|| {
            let each = self.started.elapsed().as_secs_f64() / done as f64;
            Duration::from_secs_f64(each * (self.total - done) as f64)
        });
        Progress { stage: self.stage.clone(), done, total: Some(self.total), remaining }
    }
}
