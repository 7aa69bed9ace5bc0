//! What a training run tells while it goes on.

use serde::{Deserialize, Serialize};

use super::metrics::PartMetrics;
use crate::progress::{Observer, Silent};

/// One epoch: a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Counts from 1.
    pub epoch: usize,
    /// Step size of this epoch.
    pub learning_rate: f64,
    /// Mean loss of the epoch's training steps, with dropout.
    pub step_loss: f64,
    /// Metrics of the training part after the epoch.
    pub train: PartMetrics,
    /// Metrics of the validation part after the epoch.
    pub validation: PartMetrics,
    /// Each label's threshold, chosen on the validation part.
    pub thresholds: Vec<f32>,
    /// Whether its validation loss is the lowest so far.
    pub best: bool,
    /// How long the epoch took, in milliseconds.
    pub duration_ms: u64,
}

/// Receives reports from a training run. Called from the thread that trains.
pub trait TrainingObserver: Observer {
    /// An epoch ended.
    fn epoch(&self, record: &EpochRecord);
    /// Step `step` of `steps` (from 1) of epoch `epoch` (from 1) was made, with this loss.
    fn batch(&self, _epoch: usize, _step: usize, _steps: usize, _loss: f64) {}
}

impl TrainingObserver for Silent {
    fn epoch(&self, _record: &EpochRecord) {}
}
