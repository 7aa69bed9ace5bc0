//! Train: a run from its order to the label intensities of every picture.
//!
//! A run is recorded before the first epoch with all it needs to be repeated ([`Order::Again`]), and closed however it
//! ends. One that was stopped, interrupted or failed goes on from its last checkpoint ([`Order::Resume`]), on the very
//! same data or not at all.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rand::seq::SliceRandom;
use serde::Serialize;

use super::check_files::{self, FileCheck};
use super::intensities::{self, Pictures, Unreadable};
use super::split::{self, LeftOut, SplitRequest};
use super::{counted, counted_as};
use crate::dataset::{
    Answers, Loader, Part, Sample, SampleMaker, SortChoice, Synthesis, first_occasions, mlsmote, targets,
};
use crate::error::{Error, Result};
use crate::features::FeatureMatrix;
use crate::ids::{ImageId, LabelId, RunId};
use crate::imaging::PictureFile;
use crate::nn::network::TrainedNetwork;
use crate::nn::vgg16::{Pooling, Vgg16};
use crate::nn::weights::{self, Weights};
use crate::nn::{self, SelectedDevice};
use crate::progress::{Cancel, Observer, Progress, Silent};
use crate::project::{NewRun, Project, RunRecord, RunStatus, SplitRecord};
use crate::random::generator;
use crate::training::{
    self, BatchLoss, EpochRecord, Examples, LabelledFeatures, NetworkLearner, ReferenceGrouping, RunFolder, Samples,
    Start, TrainedHead, TrainingConfiguration, TrainingObserver, TrainingOutcome,
};

/// What is to be trained.
#[derive(Clone, Debug)]
pub enum Order {
    /// A new run with these settings.
    New(Box<TrainingConfiguration>),
    /// A new run with the settings, the split and the labels of an earlier one.
    Again(RunId),
    /// The rest of a run that did not come to its end.
    Resume(RunId),
}

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

/// What is there of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A run that did just that and came to its end.
    Finished(RunId),
    /// A run that did just that and can be gone on with.
    Unfinished(RunId),
    /// Nothing.
    Not,
}

/// Looks for a run with these settings on the present labels, pictures and split, with the same weights and device, by the
/// same version of the program: one that would come out the same.
///
/// # Errors
/// Those that training would begin with.
pub fn known(project: &mut Project, configuration: &TrainingConfiguration, cancel: &Cancel) -> Result<Known> {
    let task = Task::new(project, configuration, &Silent, cancel)?;
    let wanted = task.record()?;
    let is_it = |run: &&RunRecord| {
        run.configuration == wanted.configuration
            && run.split == wanted.split
            && run.labels == wanted.labels
            && task.differences(run).is_empty()
    };
    let runs = project.runs()?;
    let mut same: Vec<&RunRecord> = runs.iter().filter(is_it).collect();
    same.sort_by_key(|run| std::cmp::Reverse(run.id));
    if let Some(run) = same.iter().find(|run| run.status == RunStatus::Finished) {
        return Ok(Known::Finished(run.id));
    }
    let names: Vec<String> = wanted.labels.iter().map(|(_, name)| name.clone()).collect();
    let goes_on = same.iter().find(|run| {
        run.status != RunStatus::Running
            && training::resume_point(&project.run_folder(run.id), &names).is_ok_and(|point| point.is_some())
    });
    Ok(goes_on.map_or(Known::Not, |run| Known::Unfinished(run.id)))
}

/// Trains a new run. The project's split is used, and made with the run's seed when there is none.
///
/// # Errors
/// As [`carry_out`].
pub fn run(
    project: &mut Project,
    configuration: &TrainingConfiguration,
    on_start: OnStart<'_>,
    observer: &dyn TrainingObserver,
    cancel: &Cancel,
) -> Result<TrainReport> {
    carry_out(project, &Order::New(Box::new(configuration.clone())), on_start, observer, cancel)
}

/// Trains what was ordered.
///
/// # Errors
/// No labels, no pictures, a setting out of range, weights or a device that cannot be used, a run that cannot be gone
/// on with; a run that was begun is recorded as failed with the reason, and can be resumed.
pub fn carry_out(
    project: &mut Project,
    order: &Order,
    on_start: OnStart<'_>,
    observer: &dyn TrainingObserver,
    cancel: &Cancel,
) -> Result<TrainReport> {
    let started = Instant::now();
    let task = match order {
        Order::New(configuration) => Task::new(project, configuration, observer, cancel)?,
        Order::Again(run) => Task::again(project, *run, observer, cancel)?,
        Order::Resume(run) => Task::resumed(project, *run, observer, cancel)?,
    };
    let run = match task.resumed {
        Some(run) => {
            project.reopen_run(run)?;
            run
        }
        None => project.begin_run(&task.record()?)?,
    };
    on_start(run);
    observer.note(&format!("Run {} {}", run.0, if task.resumed.is_some() { "goes on" } else { "begins" }));
    match task.train(project, run, observer, cancel) {
        Ok(mut report) => {
            project.end_run(run, report.status, report.best_epoch, None)?;
            report.duration_s = started.elapsed().as_secs_f64();
            Ok(report)
        }
        Err(error) => {
            let status = if error.is_cancelled() { RunStatus::Stopped } else { RunStatus::Failed };
            project.end_run(run, status, None, Some(&error.message))?;
            if error.is_cancelled() {
                return Err(error.hint(format!("run {0} can go on: `atmoscope train DIR --resume {0}`", run.0)));
            }
            Err(error)
        }
    }
}

/// All that a run is made from.
struct Task {
    /// Resolved: nothing is left open.
    configuration: TrainingConfiguration,
    split: SplitRecord,
    labels: Vec<(LabelId, String)>,
    consensus: Answers,
    data_hash: String,
    device: SelectedDevice,
    weights: Weights,
    /// The run that goes on.
    resumed: Option<RunId>,
}

impl Task {
    fn new(
        project: &mut Project,
        configuration: &TrainingConfiguration,
        observer: &dyn TrainingObserver,
        cancel: &Cancel,
    ) -> Result<Self> {
        configuration.validate()?;
        let mut labels: Vec<(LabelId, String)> =
            project.labels()?.into_iter().map(|label| (label.id, label.name)).collect();
        configuration.check_labels(labels.iter().map(|(_, name)| name.as_str()))?;
        labels.retain(|(_, name)| configuration.labels.is_empty() || configuration.labels.contains(name));
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
        let configuration = configuration.on_split(split.seed);
        let task = Self::with(project, &configuration, split, labels, observer, cancel)?;
        let part_of = |image| task.split.parts.get(&image).copied();
        for remark in LeftOut::of(project, &task.consensus, part_of)?.remarks() {
            observer.note(&format!("Warning: {remark}"));
        }
        Ok(task)
    }

    fn again(project: &Project, run: RunId, observer: &dyn TrainingObserver, cancel: &Cancel) -> Result<Self> {
        let record = project.run(run)?;
        let configuration = TrainingConfiguration::of_run(&record.configuration)?;
        let split = project.split(record.split)?;
        let task = Self::with(project, &configuration, split, record.labels.clone(), observer, cancel)?;
        observer.note(&format!("The settings and the split are those of run {}", run.0));
        for difference in task.differences(&record) {
            observer.note(&format!("{difference}: the result will differ from run {}", run.0));
        }
        Ok(task)
    }

    fn resumed(project: &Project, run: RunId, observer: &dyn TrainingObserver, cancel: &Cancel) -> Result<Self> {
        let record = project.run(run)?;
        let configuration = TrainingConfiguration::of_run(&record.configuration)?;
        if record.status == RunStatus::Running {
            return Err(Error::user(format!("run {} is at work", run.0)));
        }
        if record.status == RunStatus::Finished {
            return Err(Error::user(format!("run {} has come to its end", run.0))
                .hint("train again, with more epochs if it should learn longer"));
        }
        let names: Vec<String> = record.labels.iter().map(|(_, name)| name.clone()).collect();
        // Before anything is changed: a run that cannot go on stays as it is.
        training::resume_point(&project.run_folder(run), &names)?;
        let split = project.split(record.split)?;
        let mut task = Self::with(project, &configuration, split, record.labels.clone(), observer, cancel)?;
        if task.data_hash != record.data_hash {
            return Err(Error::user(format!("the pictures or labels changed since run {} was begun", run.0))
                .hint("train again: a run must not be half on one set of labels and half on another"));
        }
        if task.weights.hash != record.weights_hash {
            return Err(Error::user(format!("{} is not the file that run {} began with", task.weights.source, run.0))
                .hint("put that file back, or train again"));
        }
        for difference in task.differences(&record) {
            observer.note(&format!("{difference}: the last digits may differ from a run without a break"));
        }
        task.resumed = Some(run);
        Ok(task)
    }

    fn with(
        project: &Project,
        configuration: &TrainingConfiguration,
        split: SplitRecord,
        labels: Vec<(LabelId, String)>,
        observer: &dyn TrainingObserver,
        cancel: &Cancel,
    ) -> Result<Self> {
        let device = nn::select(configuration.device)?;
        observer.note(&format!("Device: {}", device.name));
        if let Some(note) = &device.note {
            observer.note(note);
        }
        let weights = weights::resolve(&configuration.weights, &project.weights_folder(), observer, cancel)?;
        let consensus = project.consensus()?;
        let data_hash = data_hash(project, &split, &labels, &consensus)?;
        let mut configuration = configuration.resolved(training::micro_batch_size(configuration, &device));
        let file = configuration.weights.trim();
        if !file.is_empty() && !file.starts_with(nn::hub::PREFIX) {
            // The run may be used from another folder than it was trained from.
            let whole = std::path::absolute(file).map_err(|error| Error::io(std::path::Path::new(file), error))?;
            configuration.weights = whole.to_string_lossy().into_owned();
        }
        Ok(Self { configuration, split, labels, consensus, data_hash, device, weights, resumed: None })
    }

    /// The pictures of a part that are used, in the order of their ids: of the training part as many as the settings say,
    /// drawn so that fewer are among more.
    fn images_of(&self, part: Part) -> Vec<ImageId> {
        let mut images = self.split.images_of(part);
        let most = self.configuration.training_images;
        if part == Part::Train && most > 0 && most < images.len() {
            images.shuffle(&mut generator(self.configuration.seed, "training pictures"));
            images.truncate(most);
            images.sort_unstable();
        }
        images
    }

    fn record(&self) -> Result<NewRun> {
        Ok(NewRun {
            configuration: self.configuration.to_toml()?,
            seed: self.configuration.seed,
            split: self.split.id,
            data_hash: self.data_hash.clone(),
            labels: self.labels.clone(),
            weights_hash: self.weights.hash.clone(),
            device: self.device.name.clone(),
        })
    }

    /// What is not as it was when a run was recorded.
    fn differences(&self, record: &RunRecord) -> Vec<String> {
        let mut differences = Vec::new();
        if self.data_hash != record.data_hash {
            differences.push("The pictures or labels changed".to_owned());
        }
        if self.weights.hash != record.weights_hash {
            differences.push("The starting weights are another file".to_owned());
        }
        if self.device.name != record.device {
            differences.push(format!("The device was {}", record.device));
        }
        if record.app_version != env!("CARGO_PKG_VERSION") {
            differences.push(format!("Version {} was used", record.app_version));
        }
        differences
    }

    fn train(
        &self,
        project: &mut Project,
        run: RunId,
        observer: &dyn TrainingObserver,
        cancel: &Cancel,
    ) -> Result<TrainReport> {
        let folder = project.run_folder(run);
        let file = folder.join("configuration.toml");
        let text = self.configuration.to_toml()?;
        crate::atomic::write_file(&file, |target| target.write_all(text.as_bytes()))?;
        let recorder = Recorder { observer, project: Mutex::new(project.share()?), run };
        let start = if self.resumed.is_some() { Start::Resume } else { Start::Fresh };
        let run_folder = RunFolder { path: &folder, start };
        let trained = if self.configuration.blocks_trained() == 0 {
            self.train_head(project, run_folder, &recorder, cancel)?
        } else {
            // Every file is read many times below; one that is not what it was is better left out before the first epoch.
            let files_now = check_files::run(project, &recorder, cancel)?;
            self.train_network(project, &files_now, run_folder, &recorder, cancel)?
        };
        let head = TrainedHead::load(&trained.outcome.best_checkpoint)?;
        let all: Vec<ImageId> = Part::ALL.into_iter().flat_map(|part| self.split.images_of(part)).collect();
        let source = intensities::Source {
            head: &head,
            weights: &self.weights,
            configuration: &self.configuration,
            device: &self.device,
        };
        let mut unreadable = trained.unreadable;
        match source.intensities(&Pictures::of(project)?, &all, observer, cancel) {
            Ok((intensities, left_out)) => {
                intensities::store(project, run, &intensities)?;
                unreadable.extend(left_out);
            }
            // After a cancel, features are not computed now; they are made on first use.
            Err(error) if error.is_cancelled() && trained.outcome.stopped_early => {}
            Err(error) => return Err(error),
        }
        unreadable.sort();
        unreadable.dedup_by(|later, first| later.0 == first.0);
        let outcome = trained.outcome;
        Ok(TrainReport {
            run,
            status: if outcome.stopped_early { RunStatus::Stopped } else { RunStatus::Finished },
            epochs: outcome.epochs,
            best_epoch: u32::try_from(outcome.best.epoch).ok(),
            train_images: trained.train_images,
            validation_images: trained.validation_images,
            unreadable,
            duration_s: 0.0,
        })
    }

    /// Trains the head on features that are computed first, or known.
    fn train_head(
        &self,
        project: &Project,
        run_folder: RunFolder<'_>,
        observer: &dyn TrainingObserver,
        cancel: &Cancel,
    ) -> Result<Trained> {
        let (train_images, validation_images) = (self.images_of(Part::Train), self.images_of(Part::Validation));
        let source = intensities::BackboneSource {
            weights: &self.weights,
            output: self.configuration.head.pooling().output(),
            image_size_px: self.configuration.image_size_px,
            device: &self.device,
        };
        let all: Vec<ImageId> = train_images.iter().chain(&validation_images).copied().collect();
        let (features, mut unreadable) = source.features(&Pictures::of(project)?, &all, observer, cancel)?;
        if features.rows() == 0 {
            return Err(intensities::none_readable());
        }
        let mut train = self.labelled(&features, &train_images);
        if self.configuration.augmented_copies > 0 {
            let images = &train.features.image_ids;
            let (copies, without) =
                source.copies(&Pictures::of(project)?, images, &self.configuration, observer, cancel)?;
            train.added.targets.extend(self.targets(&copies.image_ids));
            train.added.features.extend(copies.values);
            // A picture that is gone but whose features are known has no copies.
            unreadable.extend(without);
        }
        check_left_out(run_folder, &unreadable)?;
        if let Some(synthesis) = self.synthesis(&train, run_folder, observer)? {
            let made = synthesis.features(&train.features.values, train.features.columns());
            train.added.features.extend(made);
            train.added.targets.extend(synthesis.targets());
        }
        let validation = self.labelled(&features, &validation_images);
        self.tell_sizes(train.features.rows(), validation.features.rows(), observer);
        let references = self.references(project, &validation.features.image_ids)?;
        let (names, configuration) = (self.names(), &self.configuration);
        let outcome = training::train_head_in(
            configuration,
            &names,
            &train,
            &validation,
            references,
            run_folder,
            observer,
            cancel,
        )?;
        Ok(Trained {
            outcome,
            train_images: train.features.rows(),
            validation_images: validation.features.rows(),
            unreadable,
        })
    }

    /// Trains the head together with blocks of convolutions.
    fn train_network(
        &self,
        project: &Project,
        files_now: &FileCheck,
        run_folder: RunFolder<'_>,
        observer: &dyn TrainingObserver,
        cancel: &Cancel,
    ) -> Result<Trained> {
        let configuration = &self.configuration;
        let files = project.picture_files()?;
        let names = project.image_names()?;
        let mut unreadable = Unreadable::new();
        let mut images = Vec::new();
        let mut present = |part: Part, images: &mut Vec<PictureFile>| {
            let mut ids = Vec::new();
            for id in self.images_of(part) {
                let Some(file) = files.get(&id) else { continue };
                match files_now.reason(id) {
                    None => {
                        images.push(file.clone());
                        ids.push(id);
                    }
                    Some(reason) => unreadable.push((names.shown(id), reason.to_owned())),
                }
            }
            ids
        };
        let train_ids = present(Part::Train, &mut images);
        let validation_ids = present(Part::Validation, &mut images);
        if images.is_empty() {
            return Err(intensities::none_readable());
        }
        check_left_out(run_folder, &unreadable)?;
        self.tell_sizes(train_ids.len(), validation_ids.len(), observer);

        let original = |image: usize| Sample::Picture { image, copy: 0 };
        let mut train: Vec<Sample> = (0..train_ids.len()).map(original).collect();
        let mut targets = self.targets(&train_ids);
        let copies = 1..=configuration.augmented_copies;
        train.extend(
            copies.clone().flat_map(|copy| (0..train_ids.len()).map(move |image| Sample::Picture { image, copy })),
        );
        let original_targets = targets.clone();
        copies.for_each(|_| targets.extend_from_slice(&original_targets));
        if configuration.mlsmote {
            // Neighbours are found by the features of the fixed convolutions, as when the head is trained alone.
            let Self { weights, device, .. } = self;
            let image_size_px = configuration.image_size_px;
            let source = intensities::BackboneSource { weights, output: Pooling::Mean.output(), image_size_px, device };
            let (features, _) = source.features(&Pictures::of(project)?, &train_ids, observer, cancel)?;
            let labelled = self.labelled(&features, &train_ids);
            let place: HashMap<ImageId, usize> = train_ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
            if let Some(synthesis) = self.synthesis(&labelled, run_folder, observer)? {
                train.extend(synthesis.mixtures(|row| place[&labelled.features.image_ids[row]]));
                targets.extend(synthesis.targets());
            }
        }
        let validation = (train_ids.len()..images.len()).map(original).collect();

        let names = self.names();
        let examples = Examples {
            labels: &names,
            train_targets: targets.clone(),
            train_images: train_ids.len(),
            validation_targets: self.targets(&validation_ids),
            references: self.references(project, &validation_ids)?,
        };
        let maker = SampleMaker {
            images,
            size_px: configuration.image_size_px,
            limits: configuration.augmentation_limits(),
            seed: configuration.augmentation_seed(),
        };
        let ahead = 2 * configuration.batch_size;
        let loader = Loader::new(Arc::new(move |sample| maker.picture(sample)), Loader::usual_threads(), ahead)?;
        let head = training::initial_head(configuration, configuration.head.pooling().features(), names.len());
        let backbone = Vgg16::load(&self.weights, &self.device)?;
        let network =
            TrainedNetwork::new(backbone, configuration.blocks_trained(), configuration.head.pooling(), &head)?;
        let weights = examples.positive_weights(configuration);
        let samples = Samples { train, train_targets: targets, validation };
        let mut learner =
            NetworkLearner::new(configuration, network, loader, samples, names.len(), weights, &self.device)
                .stoppable(cancel);
        let outcome = training::train_network(configuration, &examples, &mut learner, run_folder, observer, cancel)?;
        Ok(Trained { outcome, train_images: train_ids.len(), validation_images: validation_ids.len(), unreadable })
    }

    /// The synthetic samples of rare labels, where they are asked for. What they do to the labels' counts is kept in the
    /// run's folder.
    fn synthesis(
        &self,
        train: &LabelledFeatures,
        run_folder: RunFolder<'_>,
        observer: &dyn TrainingObserver,
    ) -> Result<Option<Synthesis>> {
        let configuration = &self.configuration;
        if !configuration.mlsmote {
            return Ok(None);
        }
        let (values, targets) = (&train.features.values, &train.targets);
        let (labels, neighbours) = (self.labels.len(), configuration.mlsmote_neighbours);
        let synthesis = mlsmote(values, targets, labels, neighbours, configuration.seed)?;
        observer.note(&format!("{} of rare labels", counted(synthesis.samples.len(), "synthetic sample")));
        let counts: Vec<LabelCounts> = (self.labels.iter())
            .zip(synthesis.counts_before.iter().zip(&synthesis.counts_after))
            .map(|((_, label), (&before, &after))| LabelCounts { label, before, after })
            .collect();
        let text = serde_json::to_string_pretty(&counts).map_err(|error| Error::internal(error.to_string()))?;
        let path = run_folder.path.join(SYNTHESIS_FILE);
        crate::atomic::write_file(&path, |target| target.write_all(text.as_bytes()))?;
        Ok(Some(synthesis))
    }

    fn names(&self) -> Vec<String> {
        self.labels.iter().map(|(_, name)| name.clone()).collect()
    }

    fn tell_sizes(&self, train: usize, validation: usize, observer: &dyn TrainingObserver) {
        let (pictures, labels) = (counted(train, "picture"), counted(self.labels.len(), "label"));
        observer.note(&format!("{pictures} to train on, {validation} for validation, {labels}"));
        let copies = train * self.configuration.augmented_copies as usize;
        if copies > 0 {
            observer.note(&format!("{} of the training pictures besides", counted_as(copies, "copy", "copies")));
        }
    }

    /// The labels of images as 0 and 1, in the run's order.
    fn targets(&self, images: &[ImageId]) -> Vec<f32> {
        let labels: Vec<LabelId> = self.labels.iter().map(|(label, _)| *label).collect();
        targets::values(&self.consensus, images.iter().copied(), &labels)
    }

    /// The rows of `features` that belong to `images`, with their labels.
    fn labelled(&self, features: &FeatureMatrix, images: &[ImageId]) -> LabelledFeatures {
        let features = features.select(images);
        let targets = self.targets(&features.image_ids);
        LabelledFeatures { features, targets, added: training::AddedRows::default() }
    }

    /// The project's groupings, as far as they cover these images.
    fn references(&self, project: &Project, images: &[ImageId]) -> Result<Vec<ReferenceGrouping>> {
        let places: BTreeMap<&ImageId, usize> = images.iter().zip(0..).collect();
        let mut references = Vec::new();
        for sort in first_occasions(project.rater_sorts(&SortChoice::default())?) {
            let groups = sort.partition(&places);
            if groups.iter().any(Option::is_some) {
                let name = format!("{}, condition {}", sort.rater, sort.condition);
                references.push(ReferenceGrouping { name, groups });
            }
        }
        Ok(references)
    }
}

/// A run's file with the labels' counts before and after MLSMOTE, copies not counted.
const SYNTHESIS_FILE: &str = "mlsmote.json";

/// Training samples that have a label.
#[derive(Serialize)]
struct LabelCounts<'a> {
    label: &'a str,
    before: usize,
    after: usize,
}

/// What training gave.
struct Trained {
    outcome: TrainingOutcome,
    train_images: usize,
    validation_images: usize,
    unreadable: Unreadable,
}

/// A run's file that lists the pictures it goes without.
const LEFT_OUT_FILE: &str = "left-out.txt";

/// Notes which pictures a run goes without, or makes sure that they are the same when it goes on.
fn check_left_out(run: RunFolder<'_>, unreadable: &Unreadable) -> Result<()> {
    let path: PathBuf = run.path.join(LEFT_OUT_FILE);
    let mut names: Vec<&str> = unreadable.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if run.start == Start::Fresh {
        let lines: String = names.iter().map(|name| format!("{name}\n")).collect();
        return crate::atomic::write_file(&path, |target| target.write_all(lines.as_bytes()));
    }
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let before: Vec<&str> = before.lines().collect();
    let gone: Vec<&str> = names.iter().filter(|name| !before.contains(name)).copied().collect();
    if let Some(first) = gone.first() {
        let verb = if gone.len() == 1 { "is" } else { "are" };
        let pictures = counted(gone.len(), "picture");
        return Err(Error::user(format!("{pictures} of the run {verb} missing now, {first} among them"))
            .hint("put back what is missing, or train again without it"));
    }
    match before.iter().find(|name| !names.contains(name)) {
        None => Ok(()),
        Some(first) => Err(Error::user(format!("the run was begun without {first}, which is there now"))
            .hint("train again, with all pictures")),
    }
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

    fn left_out(&self, text: &str) {
        self.observer.left_out(text);
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

    fn batch(&self, loss: BatchLoss) {
        self.observer.batch(loss);
    }
}

/// blake3 over the pictures' hashes, their parts and their labels, in a fixed order.
fn data_hash(
    project: &Project,
    split: &SplitRecord,
    labels: &[(LabelId, String)],
    consensus: &Answers,
) -> Result<String> {
    let mut lines: Vec<String> = project
        .images()?
        .iter()
        .filter_map(|image| {
            let part = split.parts.get(&image.id)?;
            let row = targets::row(consensus.get(&image.id), labels.iter().map(|(label, _)| *label));
            let bits: String = row.into_iter().map(|yes| if yes { '1' } else { '0' }).collect();
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
