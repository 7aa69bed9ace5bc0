//! Passes what a job reports on as events.

use std::sync::{Arc, Mutex};

use crossbeam_channel::Sender;

use super::Message;
use crate::engine::event::{JobEvent, Outbox, TrainingEvent};
use crate::ids::RunId;
use crate::progress::{Observer, Progress};
use crate::training::{BatchLoss, EpochRecord, TrainingObserver};

/// Passes a job's reports on as events.
pub(super) struct Watcher {
    outbox: Arc<Outbox>,
    desk: Sender<Message>,
    run: Mutex<Option<RunId>>,
}

impl Watcher {
    pub(super) fn new(outbox: Arc<Outbox>, desk: Sender<Message>) -> Self {
        Self { outbox, desk, run: Mutex::new(None) }
    }

    pub(super) fn run_started(&self, run: RunId) {
        if let Ok(mut current) = self.run.lock() {
            *current = Some(run);
        }
        self.outbox.push(TrainingEvent::RunStarted(run));
        let _ = self.desk.send(Message::Reload);
    }
}

impl Observer for Watcher {
    fn progress(&self, progress: Progress) {
        self.outbox.push(JobEvent::Progress(progress));
    }

    fn note(&self, text: &str) {
        self.outbox.push(JobEvent::Note(text.to_owned()));
    }

    fn joined(&self) {
        let _ = self.desk.send(Message::Joined);
    }
}

impl TrainingObserver for Watcher {
    fn epoch(&self, record: &EpochRecord) {
        let run = self.run.lock().ok().and_then(|run| *run);
        if let Some(run) = run {
            self.outbox.push(TrainingEvent::Epoch(run, Box::new(record.clone())));
        }
    }

    fn batch(&self, loss: BatchLoss) {
        let run = self.run.lock().ok().and_then(|run| *run);
        if let Some(run) = run {
            self.outbox.push(TrainingEvent::Batches(run, vec![loss]));
        }
    }
}
