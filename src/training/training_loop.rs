//! Epochs of training: shuffled steps, then metrics on both parts, then checkpoints.
//!
//! The loop knows a network only as a [`Learner`]; [`HeadLearner`] trains a head on cached features.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use candle_core::{Device, Tensor};
use rand::seq::SliceRandom;

use super::checkpoint::{BestAndLast, Checkpoint, CheckpointMetadata, CheckpointPlan, CheckpointStrategy};
use super::configuration::{BestBy, TrainingConfiguration};
use super::metrics::{best_thresholds, evaluate};
use super::observer::{EpochRecord, METRICS_FILE, TrainingObserver};
use crate::error::{Error, Result};
use crate::features::FeatureMatrix;
use crate::nn::adam::{Adam, AdamSettings};
use crate::nn::head::{Head, HeadWeights};
use crate::nn::ops::{Dropout, bce_with_logits, sigmoid};
use crate::nn::state::State;
use crate::nn::tensor_error;
use crate::progress::{Cancel, Stage};
use crate::random::generator;

/// Features of the images of one part, with the labels each image has.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledFeatures {
    /// n × d.
    pub features: FeatureMatrix,
    /// n × L zeros and ones, row-major, in the order of the labels.
    pub targets: Vec<f32>,
}

/// One of the two parts that training looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The images it learns from.
    Train,
    /// The images it is judged by.
    Validation,
}

/// A network that can be trained. Rows are positions in a part.
pub trait Learner {
    /// Makes one step on rows of the training part and gives the loss before it. `epoch` and `step` count from 1 and
    /// name the random streams.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    fn train_batch(&mut self, rows: &[usize], epoch: usize, step: usize) -> Result<f64>;

    /// Logits of rows of a part, rows × L, row-major, without dropout.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    fn predict(&self, part: Part, rows: &[usize]) -> Result<Vec<f32>>;

    /// The numbers that make predictions.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    fn network_state(&self) -> Result<State>;

    /// The numbers that make predictions and those that training goes on from.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    fn save_state(&self) -> Result<State>;

    /// Goes on from [`save_state`](Self::save_state).
    ///
    /// # Errors
    /// `Model` when the state does not fit.
    fn load_state(&mut self, state: &State) -> Result<()>;
}

/// Trains a head on cached features.
#[derive(Debug)]
pub struct HeadLearner<'a> {
    head: Head,
    adam: Adam,
    train: &'a LabelledFeatures,
    validation: &'a LabelledFeatures,
    labels: usize,
    positive_weights: Option<Vec<f32>>,
    dropout: f32,
    seed: u64,
}

impl<'a> HeadLearner<'a> {
    /// A head with initial weights drawn from the configuration's seed.
    ///
    /// # Errors
    /// `Device` when memory is short.
    pub fn new(
        configuration: &TrainingConfiguration,
        labels: usize,
        train: &'a LabelledFeatures,
        validation: &'a LabelledFeatures,
    ) -> Result<Self> {
        let mut random = generator(configuration.seed, "head");
        let weights = HeadWeights::initial(train.features.columns(), &[configuration.hidden], labels, &mut random);
        let head = Head::new(&weights, &Device::Cpu)?;
        let settings = AdamSettings { learning_rate: configuration.learning_rate(), ..AdamSettings::default() };
        let adam = Adam::new(&head.named_variables(), settings)?;
        Ok(Self {
            head,
            adam,
            train,
            validation,
            labels,
            positive_weights: configuration.positive_weights.then(|| positive_weights(&train.targets, labels)),
            dropout: configuration.dropout,
            seed: configuration.seed,
        })
    }
}

/// Negatives over positives of each label; 1 for a label without positives.
fn positive_weights(targets: &[f32], labels: usize) -> Vec<f32> {
    let rows = targets.len() / labels;
    (0..labels)
        .map(|label| match targets.iter().skip(label).step_by(labels).filter(|&&target| target > 0.5).count() {
            0 => 1.0,
            positives => (rows - positives) as f32 / positives as f32,
        })
        .collect()
}

/// Rows of a row-major matrix, one after the other.
fn gather(values: &[f32], columns: usize, rows: &[usize]) -> Vec<f32> {
    rows.iter().flat_map(|&row| &values[row * columns..(row + 1) * columns]).copied().collect()
}

impl Learner for HeadLearner<'_> {
    fn train_batch(&mut self, rows: &[usize], epoch: usize, step: usize) -> Result<f64> {
        let inputs = self.train.features.columns();
        let features = gather(&self.train.features.values, inputs, rows);
        let targets = gather(&self.train.targets, self.labels, rows);
        let mut dropout = Dropout::new(self.dropout, self.seed, &format!("epoch {epoch} step {step}"));
        let backward = || {
            let features = Tensor::from_vec(features, (rows.len(), inputs), &Device::Cpu)?;
            let targets = Tensor::from_vec(targets, (rows.len(), self.labels), &Device::Cpu)?;
            let logits = self.head.forward_training(&features, &mut dropout)?;
            let loss = bce_with_logits(&logits, &targets, self.positive_weights.as_deref())?;
            Ok((loss.to_scalar::<f32>()?, loss.backward()?))
        };
        let (loss, gradients) = backward().map_err(tensor_error)?;
        self.adam.step(&gradients)?;
        Ok(f64::from(loss))
    }

    fn predict(&self, part: Part, rows: &[usize]) -> Result<Vec<f32>> {
        let features = match part {
            Part::Train => &self.train.features,
            Part::Validation => &self.validation.features,
        };
        self.head.weights()?.logits(&gather(&features.values, features.columns(), rows))
    }

    fn network_state(&self) -> Result<State> {
        Ok(self.head.weights()?.state())
    }

    fn save_state(&self) -> Result<State> {
        let mut state = self.network_state()?;
        state.extend(self.adam.state()?);
        Ok(state)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        let weights = HeadWeights::from_state(state)?;
        self.adam.load_state(state)?;
        self.head.set_weights(&weights)
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingOutcome {
    /// The best epoch by the setting `best_by`, whose numbers are in [`best_checkpoint`](Self::best_checkpoint).
    pub best: EpochRecord,
    /// The last whole epoch.
    pub last: EpochRecord,
    /// Number of whole epochs.
    pub epochs: usize,
    /// Whether it was stopped on request before all epochs were done.
    pub stopped_early: bool,
    /// `checkpoints/best.safetensors` in the run's folder, for [`TrainedHead`](super::TrainedHead).
    pub best_checkpoint: PathBuf,
    /// `checkpoints/last.safetensors` in the run's folder, with the optimiser's state.
    pub last_checkpoint: PathBuf,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// Trains a head on the features of the training part and keeps the epoch that is best on the validation part.
///
/// Writes `metrics.jsonl` (a line for each epoch) and `checkpoints/` into `run_folder`, whose name is the run's id in
/// the checkpoints. Stopping keeps what was reached: the outcome says so. The result depends on the configuration, the
/// features and the labels only, not on threads.
///
/// # Errors
/// `Config` for wrong settings; `User` for an empty part or no labels; `Data` for features that are no finite numbers
/// or a loss that stops being one (the checkpoints before stay usable); `Cancelled` when no epoch was done; `User` or
/// `Device` when the disk refuses.
pub fn train_head(
    configuration: &TrainingConfiguration,
    labels: &[String],
    train: &LabelledFeatures,
    validation: &LabelledFeatures,
    run_folder: &Path,
    observer: &dyn TrainingObserver,
    cancel: &Cancel,
) -> Result<TrainingOutcome> {
    configuration.validate()?;
    check_part(train, labels, "training")?;
    check_part(validation, labels, "validation")?;
    if train.features.columns() != validation.features.columns() {
        return Err(Error::internal("the training and validation features differ in width"));
    }
    let without: Vec<&str> = (0..labels.len())
        .filter(|&label| !train.targets.iter().skip(label).step_by(labels.len()).any(|&target| target > 0.5))
        .map(|label| labels[label].as_str())
        .collect();
    if !without.is_empty() {
        observer.note(&format!("no training image has the label {}; it cannot be learnt", without.join(", ")));
    }
    let learner = HeadLearner::new(configuration, labels.len(), train, validation)?;
    let weights = learner.positive_weights.clone();
    let run = Run { configuration, labels, train, validation, positive_weights: weights.as_deref(), run_folder };
    run.epochs(learner, &mut BestAndLast, observer, cancel)
}

fn check_part(part: &LabelledFeatures, labels: &[String], name: &str) -> Result<()> {
    if labels.is_empty() {
        return Err(Error::user("there is no label to learn").hint("add labels to the project and give them to images"));
    }
    if part.features.rows() == 0 || part.features.columns() == 0 {
        return Err(Error::user(format!("the {name} part has no images"))
            .hint("label more images, or make the split again with a larger share for this part"));
    }
    if part.targets.len() != part.features.rows() * labels.len() {
        return Err(Error::internal(format!(
            "{} targets do not fit {} images and {} labels",
            part.targets.len(),
            part.features.rows(),
            labels.len()
        )));
    }
    if let Some(place) = part.features.values.iter().position(|value| !value.is_finite()) {
        let image = part.features.image_ids[place / part.features.columns()];
        return Err(Error::data(format!("the features of image {} hold a value that is no finite number", image.0))
            .hint("empty the feature cache and compute them again"));
    }
    if part.targets.iter().any(|target| !(0.0..=1.0).contains(target)) {
        return Err(Error::internal("a target is not in 0 to 1"));
    }
    Ok(())
}

/// What stays the same during a run.
struct Run<'a> {
    configuration: &'a TrainingConfiguration,
    labels: &'a [String],
    train: &'a LabelledFeatures,
    validation: &'a LabelledFeatures,
    positive_weights: Option<&'a [f32]>,
    run_folder: &'a Path,
}

impl Run<'_> {
    fn epochs(
        &self,
        mut learner: impl Learner,
        strategy: &mut dyn CheckpointStrategy,
        observer: &dyn TrainingObserver,
        cancel: &Cancel,
    ) -> Result<TrainingOutcome> {
        let started = Instant::now();
        let checkpoints = self.run_folder.join("checkpoints");
        fs::create_dir_all(&checkpoints).map_err(|error| Error::io(&checkpoints, error))?;
        let metrics_path = self.run_folder.join(METRICS_FILE);
        let mut metrics_file = File::create(&metrics_path).map_err(|error| Error::io(&metrics_path, error))?;

        let (mut best, mut last): (Option<EpochRecord>, Option<EpochRecord>) = (None, None);
        let all_epochs = self.configuration.epochs;
        let stage = Stage::new("Training", all_epochs);
        observer.progress(stage.at(0));
        for epoch in 1..=all_epochs {
            let epoch_started = Instant::now();
            let Some(step_loss) = self.steps(&mut learner, epoch, observer, cancel)? else { break };
            let mut record = self.judge(&learner, epoch, step_loss)?;
            record.best = best.as_ref().is_none_or(|best| self.is_better(&record, best));
            record.duration_ms = epoch_started.elapsed().as_millis() as u64;
            self.keep(&learner, &record, &checkpoints, strategy.after_epoch(&record, epoch == all_epochs))?;

            let mut line = serde_json::to_string(&record)
                .map_err(|error| Error::internal(format!("an epoch's metrics cannot be written: {error}")))?;
            line.push('\n');
            let write = metrics_file.write_all(line.as_bytes()).and_then(|()| metrics_file.flush());
            write.map_err(|error| Error::io(&metrics_path, error))?;
            observer.epoch(&record);
            observer.progress(stage.at(epoch));
            if record.best {
                best = Some(record.clone());
            }
            last = Some(record);
        }

        let (Some(best), Some(last)) = (best, last) else { return Err(Error::cancelled()) };
        Ok(TrainingOutcome {
            best,
            epochs: last.epoch,
            stopped_early: last.epoch < all_epochs,
            last,
            best_checkpoint: checkpoints.join(BestAndLast::BEST),
            last_checkpoint: checkpoints.join(BestAndLast::LAST),
            duration_ms: started.elapsed().as_millis() as u64,
        })
    }

    /// One pass over the training part in a new order: the mean loss of its images, or none when asked to stop.
    fn steps(
        &self,
        learner: &mut impl Learner,
        epoch: usize,
        observer: &dyn TrainingObserver,
        cancel: &Cancel,
    ) -> Result<Option<f64>> {
        let mut rows: Vec<usize> = (0..self.train.features.rows()).collect();
        rows.shuffle(&mut generator(self.configuration.seed, &format!("shuffle epoch {epoch}")));
        let steps = rows.len().div_ceil(self.configuration.batch_size);
        let mut sum = 0.0;
        for (index, batch) in rows.chunks(self.configuration.batch_size).enumerate() {
            if cancel.is_cancelled() {
                return Ok(None);
            }
            let loss = learner.train_batch(batch, epoch, index + 1)?;
            if !loss.is_finite() {
                return Err(diverged(epoch));
            }
            sum += loss * batch.len() as f64;
            observer.batch(epoch, index + 1, steps, loss);
        }
        Ok(Some(sum / rows.len() as f64))
    }

    /// Metrics of both parts at thresholds chosen on the validation part.
    fn judge(&self, learner: &impl Learner, epoch: usize, step_loss: f64) -> Result<EpochRecord> {
        let all = |part: &LabelledFeatures| (0..part.features.rows()).collect::<Vec<_>>();
        let train = learner.predict(Part::Train, &all(self.train))?;
        let validation = learner.predict(Part::Validation, &all(self.validation))?;
        if train.iter().chain(&validation).any(|logit| !logit.is_finite()) {
            return Err(diverged(epoch));
        }
        let scores: Vec<f32> = validation.iter().copied().map(sigmoid).collect();
        let thresholds = best_thresholds(&scores, &self.validation.targets, self.labels.len());
        let train = evaluate(&train, &self.train.targets, &thresholds, self.positive_weights);
        let validation = evaluate(&validation, &self.validation.targets, &thresholds, self.positive_weights);
        Ok(EpochRecord {
            epoch,
            learning_rate: self.configuration.learning_rate(),
            step_loss,
            best: false,
            train,
            validation,
            thresholds,
            duration_ms: 0,
        })
    }

    /// Whether an epoch is better than the best before it.
    fn is_better(&self, record: &EpochRecord, best: &EpochRecord) -> bool {
        match self.configuration.best_by {
            BestBy::ValidationLoss => record.validation.loss < best.validation.loss,
            BestBy::ValidationPrecision => {
                record.validation.mean_average_precision > best.validation.mean_average_precision
            }
        }
    }

    /// Writes and removes checkpoints.
    fn keep(&self, learner: &impl Learner, record: &EpochRecord, folder: &Path, plan: CheckpointPlan) -> Result<()> {
        let run_id = self.run_folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let configuration = self.configuration;
        let mut metadata =
            CheckpointMetadata::new(run_id, configuration.seed, self.labels.to_vec(), configuration.image_size_px);
        metadata.epoch = record.epoch;
        metadata.thresholds.clone_from(&record.thresholds);
        for name in &plan.save {
            // Only the last one is ever gone on from.
            let state = if name == BestAndLast::LAST { learner.save_state()? } else { learner.network_state()? };
            Checkpoint { state, metadata: metadata.clone() }.save(&folder.join(name))?;
        }
        for name in &plan.delete {
            let path = folder.join(name);
            fs::remove_file(&path).map_err(|error| Error::io(&path, error))?;
        }
        Ok(())
    }
}

fn diverged(epoch: usize) -> Error {
    Error::data(format!("the loss stopped being a number in epoch {epoch}: training ran away"))
        .hint("lower the learning rate; the best epoch before is kept")
}
