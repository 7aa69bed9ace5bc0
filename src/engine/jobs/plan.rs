//! Plan: what a run would learn from, how long it would take and what memory it would need, before it is started.
//!
//! Nothing is opened but the project: no picture is read, no network is loaded, nothing is stored. Where the project has
//! no split yet, the one that training would make is divided and forgotten again. Numbers of pictures are exact; time and
//! memory are estimates and say from what.

use std::collections::HashMap;

use serde::Serialize;

use super::counted_as;
use super::split::{self, LeftOut, SplitRequest};
use crate::dataset::{Imbalance, Part, targets};
use crate::error::{Error, Result};
use crate::features;
use crate::ids::{ImageId, LabelId};
use crate::nn;
use crate::nn::vgg16::convolution_shapes;
use crate::project::Project;
use crate::training::{self, MemoryNeed, TrainingConfiguration};

/// Multiply-and-add operations of plain convolution a second that a thread of a processor does in the network, where
/// nothing was measured: with AVX-512 as found on an AMD EPYC, the others by the width of their vectors.
fn operations_per_thread() -> f64 {
    match nn::ops::instructions() {
        "AVX-512" => 220e9,
        "AVX2" => 110e9,
        "NEON" => 60e9,
        _ => 5e9,
    }
}

/// The same for a GPU.
const OPERATIONS_OF_GPU: f64 = 4e12;
/// The same for training a head, which is more bound by memory.
const HEAD_OPERATIONS: f64 = 8e9;
/// Pictures that go through the network at once when features are made.
const FEATURES_AT_ONCE: u64 = 4;
/// Bytes of a value.
const VALUE: u64 = 4;

/// A label's positives in the training part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelPlan {
    /// Its name.
    pub label: String,
    /// Pictures that have it.
    pub positives: usize,
    /// The same with the augmented copies.
    pub with_copies: usize,
    /// Synthetic samples made for it (MLSMOTE); 0 for a label that is not rare.
    pub synthetic: usize,
    /// Copies and synthetic samples. At least so many: a sample made for another label may get this one too, which is
    /// known once the neighbours are.
    pub at_least: usize,
    /// How many times rarer than the most common label (IRLbl); none where no picture has it.
    pub imbalance_ratio: Option<f64>,
}

/// How long a run would take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeEstimate {
    /// Seconds for features that are not in the cache yet.
    pub features_s: f64,
    /// Seconds for all epochs.
    pub epochs_s: f64,
    /// What the estimate is from, in words.
    pub basis: String,
}

/// What a run would be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainingPlan {
    /// Pictures learnt from.
    pub train_images: usize,
    /// Pictures the best epoch is chosen on.
    pub validation_images: usize,
    /// Pictures kept for the end.
    pub test_images: usize,
    /// Whether the project has this split; if not, training makes it.
    pub split_exists: bool,
    /// Each label in the run's order.
    pub labels: Vec<LabelPlan>,
    /// Mean over the labels of how many times rarer they are than the most common one (MeanIR).
    pub mean_imbalance_ratio: Option<f64>,
    /// How often rare and common labels stand on the same picture (SCUMBLE), 0 to 1.
    pub scumble: f64,
    /// Augmented copies.
    pub copies: usize,
    /// Synthetic samples.
    pub synthetic: usize,
    /// Pictures, copies and synthetic samples: what an epoch goes over.
    pub samples: usize,
    /// Steps of an epoch.
    pub steps: usize,
    /// Pictures that go through the network at once, where it is trained deeper than its head.
    pub micro_batch_size: Option<usize>,
    /// Features that would have to be made first, for a head alone; an estimate from the size of the cache.
    pub features_to_make: usize,
    /// Memory needed, in bytes: an estimate.
    pub memory_bytes: u64,
    /// Memory that is free now, in bytes.
    pub available_memory_bytes: u64,
    /// Time needed.
    pub time: TimeEstimate,
    /// The device's name.
    pub device: String,
    /// What the person should know before starting.
    pub remarks: Vec<String>,
}

/// Plans a run of these settings.
///
/// # Errors
/// Those that training would begin with: settings out of range, no labels, no pictures, a device that does not answer.
pub fn plan(project: &Project, configuration: &TrainingConfiguration) -> Result<TrainingPlan> {
    configuration.validate()?;
    let labels = project.labels()?;
    if labels.is_empty() {
        return Err(Error::user("there are no labels to learn").hint("import labels, or label some pictures first"));
    }
    let device = nn::select(configuration.device)?;
    let stored = project.current_split()?;
    let split_exists = stored.is_some();
    let configuration = &configuration.on_split(stored.as_ref().map_or(configuration.seed, |split| split.seed));
    let parts: Vec<(ImageId, Part)> = match stored {
        Some(split) => split.parts.into_iter().collect(),
        None => split::divide(project, &SplitRequest { seed: configuration.seed, ..SplitRequest::default() })?.parts,
    };
    let size = |part: Part| parts.iter().filter(|(_, of)| *of == part).count();
    let [train_images, validation_images, test_images] = Part::ALL.map(size);

    let consensus = project.consensus()?;
    let train = parts.iter().filter(|(_, part)| *part == Part::Train).map(|(image, _)| *image);
    let label_ids: Vec<LabelId> = labels.iter().map(|label| label.id).collect();
    let targets = targets::values(&consensus, train, &label_ids);
    let imbalance = Imbalance::of(&targets, labels.len());
    let times = 1 + configuration.augmented_copies as usize;
    let label_plans: Vec<LabelPlan> = labels
        .iter()
        .enumerate()
        .map(|(index, label)| {
            let positives = imbalance.counts[index];
            let synthetic = if configuration.mlsmote { imbalance.synthetic_samples(index) } else { 0 };
            LabelPlan {
                label: label.name.clone(),
                positives,
                with_copies: positives * times,
                synthetic,
                at_least: positives * times + synthetic,
                imbalance_ratio: imbalance.ratios[index],
            }
        })
        .collect();
    let copies = train_images * configuration.augmented_copies as usize;
    let synthetic = label_plans.iter().map(|label| label.synthetic).sum();
    let samples = train_images + copies + synthetic;
    let deep = configuration.blocks_trained() > 0;
    let micro_batch_size = deep.then(|| training::micro_batch_size(configuration, &device));
    let features_to_make =
        if deep { 0 } else { missing_features(project, configuration, &device, train_images, validation_images) };
    let memory_bytes = memory(configuration, micro_batch_size, samples + validation_images);
    let judged = train_images + validation_images;
    let time = time(project, configuration, &device, features_to_make, samples, judged)?;

    let mut remarks = Vec::new();
    let never: Vec<&str> =
        label_plans.iter().filter(|label| label.positives == 0).map(|label| label.label.as_str()).collect();
    if !never.is_empty() {
        remarks.push(format!("No training picture has {}: it cannot be learnt", never.join(", ")));
    }
    let members: HashMap<ImageId, Part> = parts.iter().copied().collect();
    remarks.extend(LeftOut::of(project, &consensus, |image| members.get(&image).copied())?.remarks());
    let paths = project.image_paths()?;
    let gone = parts.iter().filter(|(image, _)| !paths.get(image).is_some_and(|path| path.is_file())).count();
    if gone > 0 {
        let (one, several) =
            ("picture is not where it was imported from", "pictures are not where they were imported from");
        remarks.push(counted_as(gone, one, several));
    }
    let available_memory_bytes = training::available_memory_bytes();
    if memory_bytes > available_memory_bytes {
        remarks.push("More memory is needed than is free: take smaller pictures or train fewer blocks".to_owned());
    }
    Ok(TrainingPlan {
        train_images,
        validation_images,
        test_images,
        split_exists,
        labels: label_plans,
        mean_imbalance_ratio: imbalance.mean_ratio,
        scumble: imbalance.scumble,
        copies,
        synthetic,
        samples,
        steps: samples.div_ceil(configuration.batch_size),
        micro_batch_size,
        features_to_make,
        memory_bytes,
        available_memory_bytes,
        time,
        device: device.name,
        remarks,
    })
}

/// Features of pictures and copies that are not in the cache, judging by the number that are.
fn missing_features(
    project: &Project,
    configuration: &TrainingConfiguration,
    device: &nn::SelectedDevice,
    train_images: usize,
    validation_images: usize,
) -> usize {
    let (originals, copies) =
        (train_images + validation_images, train_images * configuration.augmented_copies as usize);
    if !configuration.weights.trim().is_empty() {
        // Whose hash is known only once they are read.
        return originals + copies;
    }
    let folder = project.features_folder();
    let augmentation = Some((configuration.augmentation_limits(), configuration.augmentation_seed()));
    let known = |augmentation| {
        let pooling = configuration.head.pooling();
        let hash = nn::embedded_vgg16_hash();
        features::cached_features(&folder, hash, pooling.output(), configuration.image_size_px, device, augmentation)
    };
    originals.saturating_sub(known(None)) + copies.saturating_sub(known(augmentation))
}

fn memory(configuration: &TrainingConfiguration, micro_batch_size: Option<usize>, rows: usize) -> u64 {
    let need = MemoryNeed::of(configuration);
    let size_px = u64::from(configuration.image_size_px);
    match micro_batch_size {
        Some(at_once) => {
            let loaded = 3 * configuration.batch_size as u64 * 3 * size_px * size_px;
            need.fixed_bytes + at_once as u64 * need.image_bytes + loaded
        }
        None => {
            // Held by the cache and by the learner.
            let features = 2 * VALUE * rows as u64 * configuration.head.pooling().features() as u64;
            need.fixed_bytes + FEATURES_AT_ONCE * need.image_bytes + features
        }
    }
}

/// Multiply-and-add operations of a picture on its way through the network, and of its last `blocks` blocks alone.
fn operations(configuration: &TrainingConfiguration) -> (f64, f64) {
    let first = 5 - configuration.blocks_trained().min(5);
    let shapes = convolution_shapes(configuration.image_size_px as usize);
    let of = |shape: &nn::vgg16::ConvolutionShape| {
        9.0 * (shape.channels.0 * shape.channels.1) as f64 * (shape.side * shape.side) as f64
    };
    let all = shapes.iter().map(of).sum();
    (all, shapes.iter().filter(|shape| shape.block >= first).map(of).sum())
}

fn time(
    project: &Project,
    configuration: &TrainingConfiguration,
    device: &nn::SelectedDevice,
    features_to_make: usize,
    samples: usize,
    judged: usize,
) -> Result<TimeEstimate> {
    let speed =
        if device.is_cpu() { operations_per_thread() * rayon::current_num_threads() as f64 } else { OPERATIONS_OF_GPU };
    let (all, trained) = operations(configuration);
    let features_s = features_to_make as f64 * all / speed;
    if let Some((seconds, run)) = measured(project, configuration, &device.name)? {
        let epochs_s = seconds * samples as f64 * configuration.epochs as f64;
        return Ok(TimeEstimate { features_s, epochs_s, basis: format!("estimated from run {run}") });
    }
    let epoch = if configuration.blocks_trained() > 0 {
        // Forward, then both gradients of the blocks that are trained, which take longer than their operations say.
        (samples as f64 * (all + 3.5 * trained) + judged as f64 * all) / speed
    } else {
        let widths = configuration.head.pooling().features() * configuration.hidden;
        3.0 * samples as f64 * widths as f64 / HEAD_OPERATIONS
    };
    let basis = format!("estimated for {}, nothing measured here yet", device.name);
    Ok(TimeEstimate { features_s, epochs_s: epoch * configuration.epochs as f64, basis })
}

/// Seconds of an epoch for each sample in the newest run that trained the same on the same device, and that run.
fn measured(project: &Project, configuration: &TrainingConfiguration, device: &str) -> Result<Option<(f64, i64)>> {
    for run in project.runs()? {
        let Ok(earlier) = TrainingConfiguration::of_run(&run.configuration) else { continue };
        let alike = run.device == device
            && earlier.blocks_trained() == configuration.blocks_trained()
            && (earlier.head, earlier.hidden) == (configuration.head, configuration.hidden)
            && (earlier.blocks_trained() == 0 || earlier.image_size_px == configuration.image_size_px);
        if !alike {
            continue;
        }
        let folder = project.run_folder(run.id);
        // A run whose files are gone or damaged has nothing to tell.
        let (Ok(epochs), Ok(batches)) = (training::read_epochs(&folder), training::read_batches(&folder)) else {
            continue;
        };
        let mut durations: Vec<u64> = epochs.iter().map(|epoch| epoch.duration_ms).collect();
        durations.sort_unstable();
        if let (Some(&median), Some(batch)) = (durations.get(durations.len() / 2), batches.first()) {
            let samples = (batch.steps * earlier.batch_size).max(1);
            return Ok(Some((median as f64 / 1000.0 / samples as f64, run.id.0)));
        }
    }
    Ok(None)
}
