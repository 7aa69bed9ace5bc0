//! The training loop, its settings, metrics and checkpoints.
//!
//! [`train_head`] takes cached features with their labels, reports each epoch to a [`TrainingObserver`], and writes
//! `metrics.jsonl` and `checkpoints/` into the run's folder. [`TrainedHead`] reads a checkpoint back and turns features
//! into label intensities.

mod checkpoint;
mod configuration;
mod metrics;
mod observer;
mod trained_head;
mod training_loop;

pub use checkpoint::{BestAndLast, Checkpoint, CheckpointMetadata, CheckpointPlan, CheckpointStrategy};
pub use configuration::{
    BestBy, Choice, Depth, HeadKind, SETTINGS, Schedule, SettingGroup, SettingInfo, TrainingConfiguration, setting,
};
pub use metrics::{
    METRICS, MetricInfo, PartMetrics, average_precision, best_thresholds, evaluate, f1_scores, hamming_loss,
};
pub use observer::{EpochRecord, TrainingObserver, read_epochs};
pub use trained_head::TrainedHead;
pub use training_loop::{HeadLearner, LabelledFeatures, Learner, Part, TrainingOutcome, train_head};
