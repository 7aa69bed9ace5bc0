//! What a training run tells while it goes on.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::batch_losses::BatchLoss;
use super::epoch_groups::EpochGroups;
use super::metrics::PartMetrics;
use crate::checked_line;
use crate::error::{Error, Result};
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
    /// Metrics of the training part after the epoch: its pictures as they are, without copies and synthetic samples.
    pub train: PartMetrics,
    /// Metrics of the validation part after the epoch.
    pub validation: PartMetrics,
    /// Each label's threshold, chosen on the validation part.
    pub thresholds: Vec<f32>,
    /// Whether it is the best so far, by the setting `best_by`.
    pub best: bool,
    /// How long the epoch took, in milliseconds.
    pub duration_ms: u64,
    /// How well the intensities of the validation part form groups, where that was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<EpochGroups>,
}

/// Receives reports from a training run. Called from the thread that trains.
pub trait TrainingObserver: Observer {
    /// An epoch ended.
    fn epoch(&self, record: &EpochRecord);
    /// A step of training was made.
    fn batch(&self, _loss: BatchLoss) {}
}

/// File in a run's folder with a line for each epoch.
pub(super) const METRICS_FILE: &str = "metrics.jsonl";

/// The epochs a run has written so far; none where it has not come to one. An unfinished last line is left out.
///
/// # Errors
/// `User` or `Device` when the file cannot be read, `Data` when another line than the last is damaged.
pub fn read_epochs(run_folder: &Path) -> Result<Vec<EpochRecord>> {
    let path = run_folder.join(METRICS_FILE);
    let text = match fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(&path, error)),
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .enumerate()
        .map(|(index, line)| {
            let damaged = |what: String| {
                Error::data(format!("{}, line {}: {what}", path.display(), index + 1))
                    .hint("the run's network is not affected; delete the line to see the curves again")
            };
            let json = checked_line::opened(line)
                .ok_or_else(|| damaged("damaged, it is not what was written there".to_owned()))?;
            serde_json::from_str(&json).map_err(|error| damaged(format!("not an epoch's metrics: {error}")))
        })
        .collect()
}

impl TrainingObserver for Silent {
    fn epoch(&self, _record: &EpochRecord) {}
}
