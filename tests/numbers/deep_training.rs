//! Runs that train blocks of convolutions on pictures, from order to intensities.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use atmoscope::dataset::Part;
use atmoscope::engine::jobs::train::{self, Order, TrainReport};
use atmoscope::engine::jobs::{cluster, features, import, split};
use atmoscope::features::FeatureSource;
use atmoscope::ids::{ImageId, RunId};
use atmoscope::progress::{Cancel, Observer, Progress, Silent};
use atmoscope::project::{FeatureKind, Project, RunStatus};
use atmoscope::training::{
    BatchLoss, Checkpoint, Depth, EpochRecord, HeadKind, TrainingConfiguration, TrainingObserver, read_epochs,
};

/// A project of 24 labelled sample pictures, split.
fn project(parent: &Path) -> Project {
    let pictures = parent.join("pictures");
    crate::common::sample_images(&pictures, 24);
    crate::common::sample_labels(&parent.join("labels.csv"), 24);
    let mut project = Project::create(&parent.join("moods")).unwrap();
    let request = import::ImportRequest {
        images: Some(pictures),
        labels: Some(parent.join("labels.csv")),
        ..import::ImportRequest::default()
    };
    crate::common::import_as(&mut project, &request);
    split::run(&mut project, &split::SplitRequest { seed: 2, ..split::SplitRequest::default() }).unwrap();
    project
}

fn settings() -> TrainingConfiguration {
    TrainingConfiguration {
        depth: Depth::LastBlocks,
        trained_blocks: 1,
        image_size_px: 32,
        epochs: 3,
        batch_size: 5,
        micro_batch_size: 2,
        augmented_copies: 1,
        mlsmote: false,
        hidden: 16,
        ..TrainingConfiguration::default()
    }
}

/// Stops a run, and remembers what it was told.
#[derive(Default)]
struct Listener {
    stop_at: Option<(usize, usize)>,
    lose: Option<(usize, PathBuf)>,
    cancel: Cancel,
    notes: Mutex<Vec<String>>,
    progress: Mutex<Vec<Progress>>,
}

impl Observer for Listener {
    fn progress(&self, progress: Progress) {
        self.progress.lock().unwrap().push(progress);
    }

    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.to_owned());
    }
}

impl TrainingObserver for Listener {
    fn epoch(&self, record: &EpochRecord) {
        if let Some((epoch, file)) = &self.lose
            && *epoch == record.epoch
        {
            std::fs::rename(file, file.with_extension("away")).unwrap();
        }
    }

    fn batch(&self, loss: BatchLoss) {
        if self.stop_at == Some((loss.epoch, loss.step)) {
            self.cancel.cancel();
        }
    }
}

fn carry_out(project: &mut Project, order: Order, listener: &Listener) -> atmoscope::error::Result<TrainReport> {
    train::carry_out(project, &order, &|_| {}, listener, &listener.cancel)
}

fn new_run(project: &mut Project, configuration: TrainingConfiguration) -> TrainReport {
    carry_out(project, Order::New(Box::new(configuration)), &Listener::default()).unwrap()
}

fn timeless(project: &Project, run: RunId) -> Vec<EpochRecord> {
    let mut records = read_epochs(&project.run_folder(run)).unwrap();
    records.iter_mut().for_each(|record| record.duration_ms = 0);
    records
}

fn best_state(project: &Project, run: RunId) -> atmoscope::nn::state::State {
    Checkpoint::load(&project.run_folder(run).join("checkpoints/best.safetensors")).unwrap().state
}

#[test]
fn a_deep_run_learns_stops_resumes_and_repeats() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path());
    let listener = Listener::default();
    let straight = carry_out(&mut project, Order::New(Box::new(settings())), &listener).unwrap();
    assert_eq!((straight.status, straight.epochs), (RunStatus::Finished, 3));
    let state = best_state(&project, straight.run);
    let names: Vec<&str> = state.keys().map(String::as_str).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("features.")).count(), 6);
    assert!(names.contains(&"features.24.weight") && names.contains(&"classifier.3.bias"));
    // Both are trained: neither the convolutions nor the head are as they began.
    let records = timeless(&project, straight.run);
    assert!(records[2].train.loss < records[0].train.loss, "{records:?}");
    // Progress counts pictures over all epochs, and ends where it said it would.
    let progress = listener.progress.lock().unwrap();
    let training: Vec<&Progress> = progress.iter().filter(|progress| progress.stage.starts_with("Epoch")).collect();
    assert!(training.windows(2).all(|pair| pair[0].done <= pair[1].done));
    assert_eq!(training.last().unwrap().done, training.last().unwrap().total.unwrap());
    drop(progress);

    let intensities = project.features(straight.run, FeatureKind::LabelIntensities, 3).unwrap().vectors;
    let split = project.current_split().unwrap().unwrap();
    assert_eq!(intensities.len(), split.parts.len());
    // They come from the trained network: the stored metrics follow from them.
    let record = &records[straight.best_epoch.unwrap() as usize - 1];
    let validation: Vec<f32> =
        split.images_of(Part::Validation).iter().flat_map(|image| intensities[image].clone()).collect();
    assert!(validation.iter().all(|value| (0.0..=1.0).contains(value)));
    assert_eq!(record.thresholds.len(), 3);

    // Stopped in the second epoch, resumed, it ends with the same bits.
    let stopping = Listener { stop_at: Some((2, 2)), ..Listener::default() };
    let stopped = carry_out(&mut project, Order::New(Box::new(settings())), &stopping).unwrap();
    assert_eq!((stopped.status, stopped.epochs), (RunStatus::Stopped, 1));
    let resumed = carry_out(&mut project, Order::Resume(stopped.run), &Listener::default()).unwrap();
    assert_eq!((resumed.run, resumed.status, resumed.epochs), (stopped.run, RunStatus::Finished, 3));
    assert_eq!(timeless(&project, stopped.run), records);
    assert_eq!(best_state(&project, stopped.run), state);
    assert_eq!(project.features(stopped.run, FeatureKind::LabelIntensities, 3).unwrap().vectors, intensities);
    let error = carry_out(&mut project, Order::Resume(stopped.run), &Listener::default()).unwrap_err();
    assert!(error.message.contains("has come to its end"), "{error}");

    // Again, from the record alone.
    let again = carry_out(&mut project, Order::Again(straight.run), &Listener::default()).unwrap();
    assert_ne!(again.run, straight.run);
    assert_eq!(timeless(&project, again.run), records);
    let (one, two) = (project.run(straight.run).unwrap(), project.run(again.run).unwrap());
    assert_eq!((one.configuration, one.data_hash, one.split), (two.configuration, two.data_hash, two.split));

    // A picture that joins later gets intensities by the run's own network.
    let image = crate::common::sample_image(40);
    image.save(folder.path().join("pictures/late.png")).unwrap();
    crate::common::import_folder(&mut project, &folder.path().join("pictures"));
    let (features, _) = features::of(
        &mut project,
        FeatureSource::Run(straight.run),
        cluster::ClusteredPart::All,
        &Silent,
        &Cancel::new(),
    )
    .unwrap();
    let late = crate::common::image_at(&project, "late.png");
    assert!(features.image_ids.contains(&late));
}

#[test]
fn the_size_of_micro_batches_and_threads_hardly_matter() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path());
    let losses = |project: &mut Project, micro_batch_size: usize| -> Vec<f64> {
        let run = new_run(project, TrainingConfiguration { micro_batch_size, epochs: 1, ..settings() }).run;
        read_epochs(&project.run_folder(run)).unwrap().iter().map(|record| record.step_loss).collect()
    };
    let (one, five) = (losses(&mut project, 1), losses(&mut project, 5));
    assert!((one[0] - five[0]).abs() < 1e-3 * one[0], "{one:?} {five:?}");
}

#[test]
fn other_heads_and_mixtures_can_be_trained_deep() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path());
    let configuration = TrainingConfiguration {
        head: HeadKind::Statistics,
        epochs: 1,
        augmented_copies: 0,
        mlsmote: true,
        mlsmote_neighbours: 2,
        ..settings()
    };
    let report = new_run(&mut project, configuration);
    // Mixtures of pictures took part, and the record says how many.
    let counts = std::fs::read_to_string(project.run_folder(report.run).join("mlsmote.json")).unwrap();
    let counts: Vec<serde_json::Value> = serde_json::from_str(&counts).unwrap();
    assert_eq!(counts.len(), 3);
    assert!(counts.iter().any(|label| label["after"].as_u64() > label["before"].as_u64()), "{counts:?}");
    assert_eq!(report.status, RunStatus::Finished);
    assert_eq!(best_state(&project, report.run)["classifier.0.weight"].shape, [16, 2048]);
}

#[test]
fn lost_pictures_and_changed_labels_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path());
    let paths = project.image_paths().unwrap();
    let split = project.current_split().unwrap().unwrap();
    let lost: ImageId = split.images_of(Part::Train)[1];
    let file = paths[&lost].clone();

    // It goes away in the middle: the run stops with the reason, and goes on when it is back.
    let listener = Listener { lose: Some((1, file.clone())), ..Listener::default() };
    let error = carry_out(&mut project, Order::New(Box::new(settings())), &listener).unwrap_err();
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(error.message.contains(name) && error.hint.as_ref().unwrap().contains("resume"), "{error:?}");
    let run = project.runs().unwrap()[0].id;
    assert_eq!(project.run(run).unwrap().status, RunStatus::Failed);
    assert_eq!(project.run(run).unwrap().best_epoch, Some(1));
    let error = carry_out(&mut project, Order::Resume(run), &Listener::default()).unwrap_err();
    assert!(error.message.contains("missing now"), "{error}");
    // A new run goes without it and says so.
    let without = new_run(&mut project, TrainingConfiguration { epochs: 1, ..settings() });
    assert_eq!(without.unreadable.len(), 1);
    assert_eq!(without.train_images, split.images_of(Part::Train).len() - 1);
    std::fs::rename(file.with_extension("away"), &file).unwrap();
    assert_eq!(carry_out(&mut project, Order::Resume(run), &Listener::default()).unwrap().epochs, 3);

    // Labels that changed since: it does not go on, and training again says what differs.
    let stopping = Listener { stop_at: Some((2, 1)), ..Listener::default() };
    let stopped = carry_out(&mut project, Order::New(Box::new(settings())), &stopping).unwrap();
    let labels = project.labels().unwrap();
    let person = project.person("Ada", atmoscope::project::Role::Annotator).unwrap();
    let answers: Vec<_> =
        split.images_of(Part::Train).iter().map(|image| (*image, labels[0].id, Some(false))).collect();
    project.annotate(person.id, &answers).unwrap();
    let other = project.person("Bo", atmoscope::project::Role::Annotator).unwrap();
    project.annotate(other.id, &answers).unwrap();
    let error = carry_out(&mut project, Order::Resume(stopped.run), &Listener::default()).unwrap_err();
    assert!(error.message.contains("labels changed"), "{error}");
    let listener = Listener { stop_at: Some((1, 1)), ..Listener::default() };
    carry_out(&mut project, Order::Again(stopped.run), &listener).unwrap_err();
    assert!(listener.notes.lock().unwrap().iter().any(|note| note.contains("labels changed")));
}
