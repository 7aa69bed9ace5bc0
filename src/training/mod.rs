//! The training loop, its settings, metrics and checkpoints.
//!
//! [`train_network`] is the loop. It knows a network as a [`Learner`]: [`HeadLearner`] trains a head on features that
//! were computed before ([`train_head`]), [`NetworkLearner`] the head and blocks of convolutions on pictures. It reports
//! to a [`TrainingObserver`] and writes `metrics.jsonl`, `batches.jsonl` and `checkpoints/` into the run's folder, from
//! which it can go on. [`TrainedHead`] reads a checkpoint back and turns features into label intensities.

mod batch_losses;
mod checkpoint;
mod configuration;
mod epoch_groups;
mod head_learner;
mod learner;
mod metrics;
mod network_learner;
mod observer;
mod pace;
mod settings;
mod trained_head;
mod training_loop;

pub use batch_losses::{BatchLoss, read_batches};

pub use checkpoint::{BestAndLast, Checkpoint, CheckpointMetadata, CheckpointPlan, CheckpointStrategy};
pub use configuration::{BestBy, Choice, Depth, HeadKind, Schedule, TrainingConfiguration};
pub use epoch_groups::{EpochGroups, GroupingEntropy, ReferenceGrouping};
pub use head_learner::{AddedRows, HeadLearner, LabelledFeatures, initial_head};
pub use learner::{Learner, LearnerPart, LearningRates, Tick};
pub use metrics::{PartMetrics, average_precision, best_thresholds, evaluate, f1_scores, hamming_loss};
pub use network_learner::{MemoryNeed, NetworkLearner, Samples, available_memory_bytes, micro_batch_size};
pub use observer::{EpochRecord, TrainingObserver, read_epochs};
pub use settings::{SETTINGS, SettingGroup, SettingInfo};
pub use trained_head::TrainedHead;
pub use training_loop::{
    Examples, RunFolder, Start, TrainingOutcome, resume_point, train_head, train_head_in, train_network,
};
