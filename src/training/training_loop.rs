//! Epochs of training: shuffled steps, then metrics on both parts, then checkpoints.
//!
//! The loop knows a network only as a [`Learner`] and its data only as [`Examples`]. What it writes into the run's folder,
//! in this order after each epoch: the line of `metrics.jsonl`, `last.safetensors`, and `best.safetensors` where the epoch
//! is the best so far. The second closes the epoch: a resumed run goes on from it, what was begun after it is made again
//! with the same bits, and a best epoch that was not written any more is written from it.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::seq::SliceRandom;

use super::batch_losses::{BatchLoss, BatchWriter};
use super::checkpoint::{BestAndLast, Checkpoint, CheckpointMetadata, CheckpointPlan, CheckpointStrategy};
use super::configuration::{BestBy, Schedule, TrainingConfiguration};
use super::epoch_groups::{ReferenceGrouping, epoch_groups};
use super::head_learner::{HeadLearner, LabelledFeatures};
use super::learner::{Learner, LearnerPart, LearningRates};
use super::metrics::{best_thresholds, evaluate};
use super::observer::{EpochRecord, METRICS_FILE, TrainingObserver, read_epochs};
use super::pace::Pace;
use crate::atomic::write_file;
use crate::checked_line;
use crate::error::{Error, Result};
use crate::nn::ops::sigmoid;
use crate::progress::Cancel;
use crate::random::generator;

/// Where a run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At its first epoch.
    #[default]
    Fresh,
    /// After the epoch of its last checkpoint; at the first epoch where there is none.
    Resume,
}

/// What the loop must know of the data.
#[derive(Clone, Debug)]
pub struct Examples<'a> {
    /// L names.
    pub labels: &'a [String],
    /// Rows × L zeros and ones of the training part; the images as they are come first.
    pub train_targets: Vec<f32>,
    /// Number of those first rows: the metrics of the training part are theirs.
    pub train_images: usize,
    /// n × L zeros and ones of the validation part.
    pub validation_targets: Vec<f32>,
    /// Groupings to compare the validation part's intensities with, epoch by epoch.
    pub references: Vec<ReferenceGrouping>,
}

impl Examples<'_> {
    /// Negatives over positives of each label in the training part, copies and synthetic samples included, where the
    /// configuration asks for it; 1 for a label without positives.
    pub fn positive_weights(&self, configuration: &TrainingConfiguration) -> Option<Vec<f32>> {
        let labels = self.labels.len();
        let rows = self.train_targets.len() / labels.max(1);
        let weight = |label: usize| match self.positives(label) {
            0 => 1.0,
            positives => (rows - positives) as f32 / positives as f32,
        };
        configuration.positive_weights.then(|| (0..labels).map(weight).collect())
    }

    fn positives(&self, label: usize) -> usize {
        self.train_targets.iter().skip(label).step_by(self.labels.len()).filter(|&&target| target > 0.5).count()
    }

    fn train_rows(&self) -> usize {
        self.train_targets.len() / self.labels.len()
    }

    fn validation_images(&self) -> usize {
        self.validation_targets.len() / self.labels.len()
    }

    fn check(&self) -> Result<()> {
        if self.labels.is_empty() {
            return Err(
                Error::user("there is no label to learn").hint("add labels to the project and give them to images")
            );
        }
        for (name, images) in [("training", self.train_images), ("validation", self.validation_images())] {
            if images == 0 {
                return Err(Error::user(format!("the {name} part has no images"))
                    .hint("label more images, or make the split again with a larger share for this part"));
            }
        }
        let labels = self.labels.len();
        if [&self.train_targets, &self.validation_targets].iter().any(|targets| !targets.len().is_multiple_of(labels))
            || self.train_images > self.train_rows()
        {
            return Err(Error::internal("the targets do not fit the images and labels"));
        }
        if self.train_targets.iter().chain(&self.validation_targets).any(|target| !(0.0..=1.0).contains(target)) {
            return Err(Error::internal("a target is not in 0 to 1"));
        }
        Ok(())
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
    /// Whether it ended by itself because no epoch was better for as long as the configuration says.
    pub out_of_patience: bool,
    /// `checkpoints/best.safetensors` in the run's folder, for [`TrainedHead`](super::TrainedHead).
    pub best_checkpoint: PathBuf,
    /// `checkpoints/last.safetensors` in the run's folder, with the optimiser's state.
    pub last_checkpoint: PathBuf,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// Trains a head on the features of the training part and keeps the epoch that is best on the validation part.
///
/// Writes `metrics.jsonl` and `batches.jsonl` (a line for each epoch, for each step) and `checkpoints/` into
/// `run_folder`, whose name is the run's id in the checkpoints. Stopping keeps what was reached: the outcome says so. The
/// result depends on the configuration, the features and the labels only, not on threads.
///
/// # Errors
/// `Config` for wrong settings; `User` for an empty part or no labels; `Data` for features with NaN or infinite values
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
    let run = RunFolder { path: run_folder, start: Start::Fresh };
    train_head_in(configuration, labels, train, validation, Vec::new(), run, observer, cancel)
}

/// Where a run is kept and where it begins.
#[derive(Clone, Copy, Debug)]
pub struct RunFolder<'a> {
    /// The folder.
    pub path: &'a Path,
    /// At the first epoch, or after the last checkpoint in the folder.
    pub start: Start,
}

/// [`train_head`] that may go on from a checkpoint, and compares each epoch with groupings.
///
/// # Errors
/// Those of [`train_head`]; `Model` or `Data` when the checkpoint or metrics to go on from do not fit.
#[allow(clippy::too_many_arguments)]
pub fn train_head_in(
    configuration: &TrainingConfiguration,
    labels: &[String],
    train: &LabelledFeatures,
    validation: &LabelledFeatures,
    references: Vec<ReferenceGrouping>,
    run: RunFolder<'_>,
    observer: &dyn TrainingObserver,
    cancel: &Cancel,
) -> Result<TrainingOutcome> {
    let examples = Examples {
        labels,
        train_targets: [train.targets.as_slice(), &train.added.targets].concat(),
        train_images: train.features.rows(),
        validation_targets: validation.targets.clone(),
        references,
    };
    configuration.validate()?;
    examples.check()?;
    check_features(train)?;
    check_features(validation)?;
    if train.features.columns() != validation.features.columns() {
        return Err(Error::internal("the training and validation features differ in width"));
    }
    let weights = examples.positive_weights(configuration);
    let mut learner = HeadLearner::new(configuration, labels.len(), train, validation, weights)?;
    train_network(configuration, &examples, &mut learner, run, observer, cancel)
}

fn check_features(part: &LabelledFeatures) -> Result<()> {
    let columns = part.features.columns();
    if columns == 0 {
        return Err(Error::internal("features of no columns"));
    }
    let labels = part.targets.len() / part.features.rows().max(1);
    if part.added.features.len() / columns * labels != part.added.targets.len() {
        return Err(Error::internal("the added rows and their targets differ in number"));
    }
    let values = part.features.values.iter().chain(&part.added.features);
    if let Some(place) = values.clone().position(|value| !value.is_finite()) {
        let image = part.features.image_ids.get(place / columns);
        let name = image.map_or_else(|| "a copy".to_owned(), |image| format!("image {}", image.0));
        return Err(Error::data(format!("the features of {name} hold NaN or infinite values"))
            .hint("empty the feature cache and compute them again"));
    }
    Ok(())
}

/// Trains any network: the loop of all depths.
///
/// # Errors
/// As [`train_head_in`], and those of the learner.
pub fn train_network(
    configuration: &TrainingConfiguration,
    examples: &Examples<'_>,
    learner: &mut dyn Learner,
    run: RunFolder<'_>,
    observer: &dyn TrainingObserver,
    cancel: &Cancel,
) -> Result<TrainingOutcome> {
    configuration.validate()?;
    examples.check()?;
    let without: Vec<&str> = (0..examples.labels.len())
        .filter(|&label| examples.positives(label) == 0)
        .map(|label| examples.labels[label].as_str())
        .collect();
    if !without.is_empty() {
        observer.note(&format!("no training image has the label {}; it cannot be learnt", without.join(", ")));
    }
    let positive_weights = examples.positive_weights(configuration);
    let waited = Cell::default();
    Run { configuration, examples, positive_weights, run_folder: run.path, observer, cancel, waited }.epochs(
        learner,
        run.start,
        &mut BestAndLast,
    )
}

/// What stays the same during a run.
struct Run<'a> {
    configuration: &'a TrainingConfiguration,
    examples: &'a Examples<'a>,
    positive_weights: Option<Vec<f32>>,
    run_folder: &'a Path,
    observer: &'a dyn TrainingObserver,
    cancel: &'a Cancel,
    /// Time in which the run waited on request.
    waited: Cell<Duration>,
}

impl Run<'_> {
    fn epochs(
        &self,
        learner: &mut dyn Learner,
        start: Start,
        strategy: &mut dyn CheckpointStrategy,
    ) -> Result<TrainingOutcome> {
        let (started, waited_before) = (Instant::now(), self.waited.get());
        let checkpoints = self.run_folder.join("checkpoints");
        fs::create_dir_all(&checkpoints).map_err(|error| Error::io(&checkpoints, error))?;
        let before = match start {
            Start::Fresh => Vec::new(),
            Start::Resume => self.go_back(learner, &checkpoints)?,
        };
        let mut metrics = MetricsFile::open(self.run_folder, &before)?;
        let mut batches = BatchWriter::open(self.run_folder, before.len())?;
        let mut best = before.iter().rev().find(|record| record.best).cloned();
        let mut last = before.last().cloned();

        let all_epochs = self.configuration.epochs;
        let (learnt, judged) =
            (self.examples.train_rows(), self.examples.train_images + self.examples.validation_images());
        let mut pace = Pace::new(all_epochs, before.len(), learnt, judged);
        self.observer.progress(pace.progress());
        let mut out_of_patience = false;
        for epoch in before.len() + 1..=all_epochs {
            let (epoch_started, waited) = (Instant::now(), self.waited.get());
            let Some((step_loss, learning_rate)) = self.steps(learner, epoch, &mut pace, &mut batches)? else { break };
            let mut record = match self.judge(learner, epoch, &mut pace) {
                Err(error) if error.is_cancelled() => break,
                other => other?,
            };
            (record.step_loss, record.learning_rate) = (step_loss, learning_rate);
            record.best = best.as_ref().is_none_or(|best| self.is_better(&record, best));
            record.duration_ms = self.worked_ms(epoch_started, waited);
            batches.flush()?;
            metrics.add(&record)?;
            let plan = strategy.after_epoch(&record, epoch == all_epochs);
            self.keep(learner, &record, &checkpoints, plan, &mut metrics)?;

            self.observer.epoch(&record);
            pace.epoch_done();
            self.observer.progress(pace.progress());
            if record.best {
                best = Some(record.clone());
            }
            last = Some(record);
            let patience = self.configuration.early_stopping_epochs;
            if patience > 0 && best.as_ref().is_some_and(|best| epoch - best.epoch >= patience) && epoch < all_epochs {
                self.observer.note(&format!("No epoch was better for {patience} epochs: the run ends"));
                out_of_patience = true;
                break;
            }
        }

        let (Some(best), Some(last)) = (best, last) else { return Err(Error::cancelled()) };
        Ok(TrainingOutcome {
            best,
            epochs: last.epoch,
            stopped_early: last.epoch < all_epochs && !out_of_patience,
            out_of_patience,
            last,
            best_checkpoint: checkpoints.join(BestAndLast::BEST),
            last_checkpoint: checkpoints.join(BestAndLast::LAST),
            duration_ms: self.worked_ms(started, waited_before),
        })
    }

    /// Milliseconds since `started` without those in which the run waited; `waited` is how long it had then.
    fn worked_ms(&self, started: Instant, waited: Duration) -> u64 {
        started.elapsed().saturating_sub(self.waited.get().saturating_sub(waited)).as_millis() as u64
    }

    /// Whether the run was cancelled. A paused run waits here.
    fn is_stopped(&self) -> bool {
        let asked = Instant::now();
        let stopped = self.cancel.is_cancelled();
        self.waited.set(self.waited.get() + asked.elapsed());
        stopped
    }

    /// Puts the learner back to the last checkpoint; gives the epochs up to it.
    fn go_back(&self, learner: &mut dyn Learner, checkpoints: &Path) -> Result<Vec<EpochRecord>> {
        let Some((checkpoint, records)) = resume_point(self.run_folder, self.examples.labels)? else {
            self.observer.note("No epoch had been finished: the run begins again");
            return Ok(Vec::new());
        };
        learner.load_state(&checkpoint.state).map_err(|error| {
            let path = checkpoints.join(BestAndLast::LAST);
            Error::model(format!("{}: {}", path.display(), error.message)).hint(CANNOT_GO_ON).caused_by(error)
        })?;
        let done = checkpoint.metadata.epoch;
        let best = checkpoints.join(BestAndLast::BEST);
        let is_best = records.last().is_some_and(|record| record.best);
        if is_best && Checkpoint::load(&best).map_or(true, |kept| kept.metadata.epoch != done) {
            // The program ended just before it was written.
            let state = checkpoint.state.into_iter().filter(|(name, _)| !name.starts_with(OPTIMISER)).collect();
            Checkpoint { state, metadata: checkpoint.metadata }.save(&best)?;
        }
        self.observer.note(&format!("Going on after epoch {done}"));
        Ok(records)
    }

    /// Step sizes of a step, counted from 0 over the whole run of `steps` steps an epoch.
    fn rates(&self, step: usize, steps: usize) -> LearningRates {
        let configuration = self.configuration;
        let all = configuration.epochs * steps;
        let share = step as f64 / all.max(1) as f64;
        let shape = match configuration.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * share).cos()),
            Schedule::Step => 0.1f64.powi((3.0 * share) as i32),
        };
        let rise = match configuration.warmup_steps {
            0 => 1.0,
            warmup => ((step + 1) as f64 / warmup as f64).min(1.0),
        };
        let factor = shape * rise;
        LearningRates {
            backbone: factor * configuration.learning_rate(),
            head: factor * configuration.head_learning_rate(),
        }
    }

    /// One pass over the training part in a new order: the mean loss of its rows and the last step size, or none when
    /// asked to stop.
    fn steps(
        &self,
        learner: &mut dyn Learner,
        epoch: usize,
        pace: &mut Pace,
        batches: &mut BatchWriter,
    ) -> Result<Option<(f64, f64)>> {
        let mut rows: Vec<usize> = (0..self.examples.train_rows()).collect();
        rows.shuffle(&mut generator(self.configuration.seed, &format!("shuffle epoch {epoch}")));
        let steps = rows.len().div_ceil(self.configuration.batch_size);
        learner.begin_epoch(&rows)?;
        let (mut sum, mut learning_rate) = (0.0, 0.0);
        for (index, batch) in rows.chunks(self.configuration.batch_size).enumerate() {
            if self.is_stopped() {
                return Ok(None);
            }
            pace.begin();
            let rates = self.rates((epoch - 1) * steps + index, steps);
            let loss = match learner.train_batch(batch, epoch, index + 1, rates) {
                Err(error) if error.is_cancelled() => return Ok(None),
                other => other?,
            };
            if let Some(remark) = learner.remark() {
                self.observer.note(&remark);
            }
            if !loss.is_finite() {
                return Err(diverged(epoch));
            }
            learning_rate = rates.backbone;
            sum += loss * batch.len() as f64;
            let loss = BatchLoss { epoch, step: index + 1, steps, loss };
            batches.add(loss)?;
            self.observer.batch(loss);
            pace.learnt(batch.len());
            self.observer.progress(pace.progress());
        }
        Ok(Some((sum / rows.len() as f64, learning_rate)))
    }

    /// Metrics of both parts at thresholds chosen on the validation part.
    fn judge(&self, learner: &mut dyn Learner, epoch: usize, pace: &mut Pace) -> Result<EpochRecord> {
        let examples = self.examples;
        let labels = examples.labels.len();
        let mut predict = |part: LearnerPart, count: usize| {
            let rows: Vec<usize> = (0..count).collect();
            let mut before = 0;
            pace.begin();
            learner.predict(part, &rows, &mut |done| {
                pace.judged(done - before);
                if self.is_stopped() {
                    return Err(Error::cancelled());
                }
                pace.begin();
                before = done;
                self.observer.progress(pace.progress());
                Ok(())
            })
        };
        let train = predict(LearnerPart::Train, examples.train_images)?;
        let validation = predict(LearnerPart::Validation, examples.validation_images())?;
        if train.iter().chain(&validation).any(|logit| !logit.is_finite()) {
            return Err(diverged(epoch));
        }
        let scores: Vec<f32> = validation.iter().copied().map(sigmoid).collect();
        let groups = epoch_groups(&scores, labels, self.configuration.seed, &examples.references, self.cancel);
        let thresholds = best_thresholds(&scores, &examples.validation_targets, labels);
        let train_targets = &examples.train_targets[..examples.train_images * labels];
        let weights = self.positive_weights.as_deref();
        let train = evaluate(&train, train_targets, &thresholds, weights);
        let validation = evaluate(&validation, &examples.validation_targets, &thresholds, weights);
        Ok(EpochRecord {
            epoch,
            learning_rate: 0.0,
            step_loss: 0.0,
            best: false,
            train,
            validation,
            thresholds,
            duration_ms: 0,
            groups,
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

    /// Writes and removes checkpoints. Where the one that closes the epoch cannot be written, the epoch's metrics are
    /// taken back.
    fn keep(
        &self,
        learner: &dyn Learner,
        record: &EpochRecord,
        folder: &Path,
        plan: CheckpointPlan,
        metrics: &mut MetricsFile,
    ) -> Result<()> {
        let run_id = self.run_folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let configuration = self.configuration;
        let labels = self.examples.labels.to_vec();
        let mut metadata = CheckpointMetadata::new(run_id, configuration.seed, labels, configuration.image_size_px);
        metadata.epoch = record.epoch;
        metadata.thresholds.clone_from(&record.thresholds);
        for name in &plan.save {
            // Only the last one is ever gone on from.
            let state = if name == BestAndLast::LAST { learner.save_state()? } else { learner.network_state()? };
            let saved = Checkpoint { state, metadata: metadata.clone() }.save(&folder.join(name));
            if saved.is_err() && name == BestAndLast::LAST {
                metrics.take_back();
            }
            saved?;
        }
        for name in &plan.delete {
            let path = folder.join(name);
            fs::remove_file(&path).map_err(|error| Error::io(&path, error))?;
        }
        Ok(())
    }
}

/// Names of the optimiser's tensors in a checkpoint begin so.
const OPTIMISER: &str = "adam.";
/// The way out where a run cannot go on.
const CANNOT_GO_ON: &str =
    "the run cannot go on; the network of its best epoch can still be used, or train again with its settings";

/// What a run would go on from: its last checkpoint and the epochs up to it. None where it has not come to one.
///
/// # Errors
/// `Model` or `Data` when these files are damaged, missing in part or made for other labels; nothing is changed.
pub fn resume_point(run_folder: &Path, labels: &[String]) -> Result<Option<(Checkpoint, Vec<EpochRecord>)>> {
    let path = run_folder.join("checkpoints").join(BestAndLast::LAST);
    let all = read_epochs(run_folder)
        .map_err(|error| Error::data(error.message.clone()).hint(CANNOT_GO_ON).caused_by(error))?;
    if !path.is_file() {
        if all.is_empty() {
            return Ok(None);
        }
        return Err(Error::data(format!("{} is missing, and {} epochs were done", path.display(), all.len()))
            .hint(CANNOT_GO_ON));
    }
    let damaged = |what: &str| Error::model(format!("{} {what}", path.display())).hint(CANNOT_GO_ON);
    let checkpoint = Checkpoint::load(&path).map_err(|error| damaged("is damaged").caused_by(error))?;
    if checkpoint.metadata.labels != labels {
        return Err(damaged("is for other labels"));
    }
    if !checkpoint.state.keys().any(|name| name.starts_with(OPTIMISER)) {
        return Err(damaged("is not a checkpoint to go on from: it has no state of the optimiser"));
    }
    let done = checkpoint.metadata.epoch;
    let records: Vec<EpochRecord> = all.into_iter().filter(|record| record.epoch <= done).collect();
    if records.iter().map(|record| record.epoch).ne(1..=done) {
        return Err(Error::data(format!("{METRICS_FILE} does not tell of all {done} epochs of the checkpoint"))
            .hint(CANNOT_GO_ON));
    }
    Ok(Some((checkpoint, records)))
}

/// `metrics.jsonl`, open to be written.
struct MetricsFile {
    path: PathBuf,
    file: File,
    /// Its length before the last line was added.
    length_before: u64,
}

impl MetricsFile {
    /// Opens the file with these epochs in it.
    fn open(run_folder: &Path, epochs: &[EpochRecord]) -> Result<Self> {
        let path = run_folder.join(METRICS_FILE);
        let lines: String = epochs.iter().map(line).collect::<Result<_>>()?;
        // In one step: epochs that were done must not be lost to a crash just here.
        write_file(&path, |target| target.write_all(lines.as_bytes()))?;
        let file = OpenOptions::new().append(true).open(&path).map_err(|error| Error::io(&path, error))?;
        Ok(Self { path, file, length_before: 0 })
    }

    fn add(&mut self, record: &EpochRecord) -> Result<()> {
        let line = line(record)?;
        self.length_before = self.file.metadata().map_err(|error| Error::io(&self.path, error))?.len();
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Error::io(&self.path, error))
    }

    /// Removes the line added last, as far as the disk lets it.
    fn take_back(&mut self) {
        let _ = self.file.set_len(self.length_before);
    }
}

fn line(record: &EpochRecord) -> Result<String> {
    serde_json::to_string(record)
        .map(|json| checked_line::sealed(&json) + "\n")
        .map_err(|error| Error::internal(format!("an epoch's metrics cannot be written: {error}")))
}

fn diverged(epoch: usize) -> Error {
    Error::data(format!("the loss stopped being a number in epoch {epoch}: training ran away"))
        .hint("lower the learning rate; the best epoch before is kept")
}
