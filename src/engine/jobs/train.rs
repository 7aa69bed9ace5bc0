//! Train: backbone features, then a head that predicts the labels, then the label intensities of every picture.
//!
//! The run is recorded before the first epoch with all it needs to be repeated, and closed however it ends.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use serde::Serialize;

use super::intensities;
use super::split::{self, SplitRequest};
use crate::dataset::Part;
use crate::error::{Error, Result};
use crate::features::FeatureMatrix;
use crate::ids::{ImageId, LabelId, RunId};
use crate::nn;
use crate::progress::{Cancel, Observer, Progress};
use crate::project::{ImageLabels, NewRun, Project, RunStatus, SplitRecord};
use crate::training::{self, EpochRecord, LabelledFeatures, TrainingConfiguration, TrainingObserver};

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct TrainReport {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub status: RunStatus,
    /// Epochs done.
    pub epochs: usize,
    /// The epoch kept, from 1.
    pub best_epoch: Option<u32>,
    /// Pictures trained on.
    pub train_images: usize,
    /// Pictures the best epoch was chosen on.
    pub validation_images: usize,
    /// Pictures that could not be read, and why.
    pub unreadable: Vec<(String, String)>,
    /// Seconds from start to end.
    pub duration_s: f64,
}

/// Announces a run's id as soon as there is one.
pub type OnStart<'a> = &'a (dyn Fn(RunId) + Sync);

/// Trains a run. The project's split is used, and made with the run's seed when there is none.
///
/// # Errors
/// No labels, no pictures, a setting out of range, weights or a device that cannot be used; the run, if it was
/// begun, is then recorded as failed with the reason.
pub fn run(
    project: &mut Project,
    configuration: &TrainingConfiguration,
    on_start: OnStart<'_>,
    observer: &dyn TrainingObserver,
    cancel: &Cancel,
) -> Result<TrainReport> {
    configuration.validate()?;
    let configuration = &configuration.resolved(configuration.batch_size);
    let started = Instant::now();
    let device = nn::select(configuration.device)?;
    observer.note(&format!("Device: {}", device.name));
    if let Some(note) = &device.note {
        observer.note(note);
    }
    let labels = project.labels()?;
    if labels.is_empty() {
        return Err(Error::user("there are no labels to learn").hint("import labels, or label some pictures first"));
    }
    let split = match project.current_split()? {
        Some(split) => split,
        None => {
            let request = SplitRequest { seed: configuration.seed, ..SplitRequest::default() };
            let report = split::run(project, &request)?;
            observer.note(&format!("No split yet: made one, {}", report.split.method));
            report.split
        }
    };
    let labels: Vec<(LabelId, String)> = labels.into_iter().map(|label| (label.id, label.name)).collect();
    let consensus = project.consensus()?;
    let data_hash = data_hash(project, &split, &labels, &consensus)?;
    let run = project.begin_run(&NewRun {
        configuration: configuration.to_toml()?,
        seed: configuration.seed,
        split: split.id,
        data_hash,
        labels: labels.clone(),
        weights_hash: nn::embedded_vgg16_hash().to_owned(),
        device: device.name.clone(),
    })?;
    on_start(run);
    observer.note(&format!("Run {} begins", run.0));
    let outcome = train(project, run, configuration, &split, &labels, &consensus, &device, observer, cancel);
    match outcome {
        Ok(mut report) => {
            project.end_run(run, report.status, report.best_epoch, None)?;
            report.duration_s = started.elapsed().as_secs_f64();
            Ok(report)
        }
        Err(error) => {
            let status = if error.is_cancelled() { RunStatus::Stopped } else { RunStatus::Failed };
            project.end_run(run, status, None, Some(&error.message))?;
            Err(error)
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn train(
    project: &mut Project,
    run: RunId,
    configuration: &TrainingConfiguration,
    split: &SplitRecord,
    labels: &[(LabelId, String)],
    consensus: &HashMap<ImageId, ImageLabels>,
    device: &nn::SelectedDevice,
    observer: &dyn TrainingObserver,
    cancel: &Cancel,
) -> Result<TrainReport> {
    let folder = project.run_folder(run);
    let file = folder.join("configuration.toml");
    let text = configuration.to_toml()?;
    crate::interchange::write_file(&file, |target| target.write_all(text.as_bytes()))?;

    let (train_images, validation_images) = (split.images_of(Part::Train), split.images_of(Part::Validation));
    let all: Vec<ImageId> =
        train_images.iter().chain(&validation_images).copied().chain(split.images_of(Part::Test)).collect();
    let (features, unreadable) =
        intensities::backbone_features(project, &all, configuration.image_size_px, device, observer, cancel)?;
    if features.rows() == 0 {
        return Err(intensities::none_readable());
    }
    let names: Vec<String> = labels.iter().map(|(_, name)| name.clone()).collect();
    let train = labelled(&features, &train_images, labels, consensus)?;
    let validation = labelled(&features, &validation_images, labels, consensus)?;
    observer.note(&format!(
        "{} pictures to train on, {} for validation, {} labels",
        train.features.rows(),
        validation.features.rows(),
        names.len()
    ));
    let recorder = Recorder { observer, project: Mutex::new(project.share()?), run };
    let outcome = training::train_head(configuration, &names, &train, &validation, &folder, &recorder, cancel)?;

    let head = training::TrainedHead::load(&outcome.best_checkpoint)?;
    let intensities = head.intensities(&features)?;
    intensities::store(project, run, &intensities)?;
    Ok(TrainReport {
        run,
        status: if outcome.stopped_early { RunStatus::Stopped } else { RunStatus::Finished },
        epochs: outcome.epochs,
        best_epoch: u32::try_from(outcome.best.epoch).ok(),
        train_images: train.features.rows(),
        validation_images: validation.features.rows(),
        unreadable,
        duration_s: 0.0,
    })
}

/// Passes reports on and notes each best epoch in the project as it comes.
struct Recorder<'a> {
    observer: &'a dyn TrainingObserver,
    project: Mutex<Project>,
    run: RunId,
}

impl Observer for Recorder<'_> {
    fn progress(&self, progress: Progress) {
        self.observer.progress(progress);
    }

    fn note(&self, text: &str) {
        self.observer.note(text);
    }
}

impl TrainingObserver for Recorder<'_> {
    fn epoch(&self, record: &EpochRecord) {
        if record.best
            && let (Ok(mut project), Ok(epoch)) = (self.project.lock(), u32::try_from(record.epoch))
            && let Err(error) = project.set_best_epoch(self.run, epoch)
        {
            self.observer.note(&format!("The best epoch could not be noted: {error}"));
        }
        self.observer.epoch(record);
    }

    fn batch(&self, epoch: usize, step: usize, steps: usize, loss: f64) {
        self.observer.batch(epoch, step, steps, loss);
    }
}

/// The rows of `features` that belong to `images`, with their labels as 0 and 1 in the run's order.
fn labelled(
    features: &FeatureMatrix,
    images: &[ImageId],
    labels: &[(LabelId, String)],
    consensus: &HashMap<ImageId, ImageLabels>,
) -> Result<LabelledFeatures> {
    let features = features.select(images);
    let targets = features
        .image_ids
        .iter()
        .flat_map(|image| {
            let of_image = consensus.get(image);
            labels.iter().map(
                move |(label, _)| {
                    if of_image.is_some_and(|l| l.get(label) == Some(&true)) { 1.0 } else { 0.0 }
                },
            )
        })
        .collect();
    Ok(LabelledFeatures { features, targets })
}

/// blake3 over the pictures' hashes, their parts and their labels, in a fixed order.
fn data_hash(
    project: &Project,
    split: &SplitRecord,
    labels: &[(LabelId, String)],
    consensus: &HashMap<ImageId, ImageLabels>,
) -> Result<String> {
    let mut lines: Vec<String> = project
        .images()?
        .iter()
        .filter_map(|image| {
            let part = split.parts.get(&image.id)?;
            let of_image = consensus.get(&image.id);
            let bits: String = labels
                .iter()
                .map(|(label, _)| if of_image.is_some_and(|l| l.get(label) == Some(&true)) { '1' } else { '0' })
                .collect();
            Some(format!("{} {} {bits}\n", image.content_hash, part.name()))
        })
        .collect();
    lines.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for (_, name) in labels {
        hasher.update(name.as_bytes());
        hasher.update(b"\n");
    }
    for line in lines {
        hasher.update(line.as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}
