//! Training a head on made-up features: metrics against scikit-learn, files, stopping, running away.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::common::numbers::{floats, golden};
use crate::common::poll;
use atmoscope::error::ErrorKind;
use atmoscope::features::FeatureMatrix;
use atmoscope::ids::ImageId;
use atmoscope::progress::{Cancel, Observer, Progress, Silent};
use atmoscope::random::generator;
use atmoscope::training::{
    AddedRows, BatchLoss, BestBy, Checkpoint, CheckpointMetadata, EpochRecord, HeadLearner, LabelledFeatures, Learner,
    LearnerPart, LearningRates, RunFolder, Schedule, Start, TrainedHead, TrainingConfiguration, TrainingObserver,
    average_precision, best_thresholds, evaluate, f1_scores, hamming_loss, read_batches, read_epochs, train_head,
    train_head_in,
};
use rand::Rng;

const LABELS: usize = 4;

fn labels() -> Vec<String> {
    (0..LABELS).map(|label| format!("label {label}")).collect()
}

/// Images whose labels follow from two of their features each.
fn part(images: usize, features: usize, seed: u64) -> LabelledFeatures {
    let mut random = generator(seed, "test features");
    let values: Vec<f32> = (0..images * features).map(|_| random.gen_range(0.0..1.0f32)).collect();
    let targets = (0..images * LABELS)
        .map(|i| {
            let row = &values[i / LABELS * features..];
            f32::from(row[2 * (i % LABELS)] + row[2 * (i % LABELS) + 1] > 1.0)
        })
        .collect();
    let ids = (0..images).map(|image| ImageId(image as i64)).collect();
    let names = (0..features).map(|feature| format!("f{feature}")).collect();
    LabelledFeatures { features: FeatureMatrix::new(ids, names, values).unwrap(), targets, added: AddedRows::default() }
}

fn quick() -> TrainingConfiguration {
    TrainingConfiguration { epochs: 12, hidden: 32, batch_size: 16, learning_rate: Some(0.01), ..Default::default() }
}

const RATES: LearningRates = LearningRates { backbone: 0.0, head: 0.01 };

#[derive(Default)]
struct Listener {
    records: Mutex<Vec<EpochRecord>>,
    notes: Mutex<Vec<String>>,
    batches: Mutex<Vec<(usize, usize)>>,
    /// Stops at this step of this epoch.
    stop_at: Option<(usize, usize)>,
    /// Is to wait after this step of this epoch.
    wait_at: Option<(usize, usize)>,
    cancel: Cancel,
}

impl Observer for Listener {
    fn progress(&self, _progress: Progress) {}

    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.to_owned());
    }
}

impl TrainingObserver for Listener {
    fn epoch(&self, record: &EpochRecord) {
        self.records.lock().unwrap().push(record.clone());
    }

    fn batch(&self, batch: BatchLoss) {
        assert!(batch.step <= batch.steps);
        let at = (batch.epoch, batch.step);
        self.batches.lock().unwrap().push(at);
        if self.stop_at == Some(at) {
            self.cancel.cancel();
        }
        if self.wait_at == Some(at) {
            self.cancel.pause();
        }
    }
}

/// The epochs that metrics.jsonl tells of.
fn epochs_written(folder: &Path) -> Vec<usize> {
    read_epochs(folder).unwrap().iter().map(|record| record.epoch).collect()
}

#[test]
fn metrics_agree_with_scikit_learn() {
    for case in golden("multi_label.json").as_array().unwrap() {
        let count = case["labels"].as_u64().unwrap() as usize;
        let scores: Vec<f32> = floats(&case["scores"]).into_iter().map(|v| v as f32).collect();
        let targets: Vec<f32> = floats(&case["targets"]).into_iter().map(|v| v as f32).collect();
        let thresholds = vec![0.5; count];
        let close = |ours: f64, name: &str| (ours - case[name].as_f64().unwrap()).abs() < 1e-12;
        let (micro_f1, macro_f1) = f1_scores(&scores, &targets, &thresholds);
        assert!(close(micro_f1, "micro_f1") && close(macro_f1, "macro_f1"), "{micro_f1} {macro_f1} {case}");
        assert!(close(hamming_loss(&scores, &targets, &thresholds), "hamming_loss"));
        for label in 0..count {
            let column = |values: &[f32]| values.iter().skip(label).step_by(count).copied().collect::<Vec<_>>();
            let ours = average_precision(&column(&scores), &column(&targets));
            match (ours, case["average_precision"][label].as_f64()) {
                (Some(ours), Some(theirs)) => assert!((ours - theirs).abs() < 1e-12, "{ours} {theirs}"),
                (ours, theirs) => assert_eq!(ours, theirs),
            }
        }
        // No other threshold does better than the ones chosen.
        let chosen = best_thresholds(&scores, &targets, count);
        let best = f1_scores(&scores, &targets, &chosen).1;
        for step in 0..=20 {
            let (_, other) = f1_scores(&scores, &targets, &vec![step as f32 / 20.0; count]);
            assert!(other <= best + 1e-12);
        }
    }
    assert_eq!(best_thresholds(&[0.9, 0.1], &[0.0, 0.0], 1), [0.5]);
    assert_eq!(best_thresholds(&[0.8, 0.4, 0.1], &[1.0, 0.0, 0.0], 1), [0.6]);
}

#[test]
fn labels_without_positives_are_left_out_and_counted() {
    let metrics = evaluate(&[2.0, -1.0, 0.5, -3.0], &[1.0, 0.0, 0.0, 0.0], &[0.5, 0.5], None);
    assert_eq!(metrics.mean_average_precision, Some(1.0));
    assert_eq!(metrics.labels_without_positive, 1);
    assert_eq!(metrics.average_precision, [Some(1.0), None]);
    let none = evaluate(&[2.0, -1.0], &[0.0, 0.0], &[0.5, 0.5], None);
    assert_eq!(none.mean_average_precision, None);
}

#[test]
fn a_run_learns_and_leaves_its_files() {
    let (train, validation) = (part(160, 12, 1), part(60, 12, 2));
    let folder = tempfile::tempdir().unwrap();
    let run_folder = folder.path().join("run-3");
    let listener = Listener::default();
    let outcome =
        train_head(&quick(), &labels(), &train, &validation, &run_folder, &listener, &listener.cancel).unwrap();
    let records = listener.records.into_inner().unwrap();
    assert_eq!(records.len(), 12);
    assert_eq!(epochs_written(&run_folder), (1..=12).collect::<Vec<_>>());
    assert!(!outcome.stopped_early);
    assert_eq!(outcome.epochs, 12);
    assert!(records[11].train.loss < records[0].train.loss);
    assert!(outcome.best.validation.mean_average_precision.unwrap() > 0.9, "{:?}", outcome.best);
    let lowest = records.iter().min_by(|a, b| a.validation.loss.total_cmp(&b.validation.loss)).unwrap();
    assert_eq!(outcome.best.epoch, lowest.epoch);

    let head = TrainedHead::load(&outcome.best_checkpoint).unwrap();
    assert_eq!(head.metadata.labels, labels());
    assert_eq!(head.metadata.run_id, "run-3");
    assert_eq!(head.metadata.epoch, outcome.best.epoch);
    assert_eq!(head.metadata.thresholds, outcome.best.thresholds);
    assert_eq!(head.metadata.image_size_px, 384);
    let intensities = head.intensities(&validation.features).unwrap();
    assert_eq!(intensities.names, labels());
    assert_eq!(intensities.image_ids, validation.features.image_ids);
    // The metrics of the record are those of the stored numbers.
    let (micro_f1, _) = f1_scores(&intensities.values, &validation.targets, &head.metadata.thresholds);
    assert_eq!(micro_f1, outcome.best.validation.micro_f1);
    // One image alone gives the same bits.
    for row in [0, 17, 59] {
        let alone = FeatureMatrix::new(
            vec![validation.features.image_ids[row]],
            validation.features.names.clone(),
            validation.features.row(row).to_vec(),
        );
        assert_eq!(head.intensities(&alone.unwrap()).unwrap().values, intensities.row(row));
    }
    let narrow = part(3, 9, 1).features;
    assert_eq!(head.intensities(&narrow).unwrap_err().kind, ErrorKind::Model);

    let by_precision = TrainingConfiguration { best_by: BestBy::ValidationPrecision, ..quick() };
    let other = folder.path().join("run-4");
    let chosen = train_head(&by_precision, &labels(), &train, &validation, &other, &Silent, &Cancel::new()).unwrap();
    let highest = records.iter().filter_map(|record| record.validation.mean_average_precision).fold(0.0, f64::max);
    assert_eq!(chosen.best.validation.mean_average_precision, Some(highest));

    let last = Checkpoint::load(&outcome.last_checkpoint).unwrap();
    assert_eq!(last.metadata.epoch, 12);
    assert_eq!(last.state["adam.step"].values, [120.0]);
}

/// Names the folder that `trains_in_a_process_of_its_own` writes to.
const FOLDER_VARIABLE: &str = "ATMOSCOPE_TEST_RUN_FOLDER";

#[test]
#[ignore = "a part of resuming and of threads, which run it in processes of their own"]
fn trains_in_a_process_of_its_own() {
    // Alone it trains all the same, into a folder of its own.
    let own = tempfile::tempdir().unwrap();
    let folder = std::env::var(FOLDER_VARIABLE).map_or_else(|_| own.path().to_path_buf(), PathBuf::from);
    // Large enough that the tensor library splits its work among its threads.
    let (train, validation) = (part(150, 256, 1), part(40, 256, 2));
    for seed in [5, 6] {
        let configuration = TrainingConfiguration { epochs: 2, hidden: 512, batch_size: 64, seed, ..quick() };
        let run_folder = folder.join(seed.to_string());
        train_head(&configuration, &labels(), &train, &validation, &run_folder, &Silent, &Cancel::new()).unwrap();
        assert_eq!(read_epochs(&run_folder).unwrap().len(), 2);
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    // The number of threads is read once in the life of a process.
    let run = |threads: &str, seed: &str| {
        let run_folder = folder.path().join(threads);
        if !run_folder.exists() {
            let status = Command::new(std::env::current_exe().unwrap())
                .args(["--include-ignored", "--exact", "training_run::trains_in_a_process_of_its_own"])
                .env("RAYON_NUM_THREADS", threads)
                .env(FOLDER_VARIABLE, &run_folder)
                .stdout(Stdio::null())
                .status();
            assert!(status.unwrap().success());
        }
        fs::read(run_folder.join(seed).join("checkpoints/last.safetensors")).unwrap()
    };
    assert_eq!(run("1", "5"), run("2", "5"));
    assert_eq!(run("1", "5"), run("7", "5"));
    assert_eq!(run("1", "6"), run("7", "6"));
    assert_ne!(run("1", "5"), run("1", "6"));
}

#[test]
fn training_goes_on_exactly_from_a_saved_state() {
    let (train, validation) = (part(40, 12, 1), part(10, 12, 2));
    let rows: Vec<usize> = (0..16).collect();
    let learner = || HeadLearner::new(&quick(), LABELS, &train, &validation, None).unwrap();
    let mut whole = learner();
    let mut first = learner();
    for step in 1..=3 {
        whole.train_batch(&rows, 1, step, RATES).unwrap();
        first.train_batch(&rows, 1, step, RATES).unwrap();
    }
    let mut second = learner();
    second.load_state(&first.save_state().unwrap()).unwrap();
    for step in 1..=3 {
        let losses = [&mut whole, &mut second].map(|learner| learner.train_batch(&rows, 2, step, RATES).unwrap());
        assert_eq!(losses[0], losses[1]);
    }
    assert_eq!(whole.save_state().unwrap(), second.save_state().unwrap());
    let logits = [&mut whole, &mut second]
        .map(|learner| learner.predict(LearnerPart::Validation, &[3], &mut |_| Ok(())).unwrap());
    assert_eq!(logits[0], logits[1]);
    assert!(second.load_state(&Default::default()).is_err());
}

#[test]
fn unfinished_metrics_are_read_as_far_as_they_go() {
    let (train, validation) = (part(20, 12, 1), part(10, 12, 2));
    let folder = tempfile::tempdir().unwrap();
    assert!(read_epochs(folder.path()).unwrap().is_empty());
    let configuration = TrainingConfiguration { epochs: 3, ..quick() };
    train_head(&configuration, &labels(), &train, &validation, folder.path(), &Silent, &Cancel::new()).unwrap();
    let path = folder.path().join("metrics.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 5]).unwrap();
    assert_eq!(epochs_written(folder.path()), [1, 2]);
    fs::write(&path, format!("nonsense\n{text}")).unwrap();
    let error = read_epochs(folder.path()).unwrap_err();
    assert!(error.message.contains("line 1"), "{error}");
}

#[test]
fn stopping_keeps_what_was_reached() {
    let (train, validation) = (part(64, 12, 1), part(20, 12, 2));
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener { stop_at: Some((4, 2)), ..Default::default() };
    let outcome =
        train_head(&quick(), &labels(), &train, &validation, folder.path(), &listener, &listener.cancel).unwrap();
    assert!(outcome.stopped_early);
    assert_eq!(outcome.epochs, 3);
    assert_eq!(epochs_written(folder.path()), [1, 2, 3]);
    assert!(TrainedHead::load(&outcome.best_checkpoint).is_ok());

    let at_once = Listener { stop_at: Some((1, 1)), ..Default::default() };
    let error = train_head(&quick(), &labels(), &train, &validation, folder.path(), &at_once, &at_once.cancel);
    assert!(error.unwrap_err().is_cancelled());
}

/// The lines of a run without the times, which differ from run to run.
fn timeless(folder: &Path) -> Vec<EpochRecord> {
    let mut records = read_epochs(folder).unwrap();
    records.iter_mut().for_each(|record| record.duration_ms = 0);
    records
}

#[test]
fn a_stopped_run_goes_on_with_the_same_bits() {
    let (mut train, validation) = (part(64, 12, 1), part(20, 12, 2));
    let copies = part(64, 12, 3);
    train.added = AddedRows { features: copies.features.values, targets: copies.targets };
    let folder = tempfile::tempdir().unwrap();
    let configuration = TrainingConfiguration { schedule: Schedule::Cosine, warmup_steps: 5, ..quick() };
    let run = |name: &str, start: Start, listener: &Listener| {
        let path = folder.path().join(name);
        let run = RunFolder { path: &path, start };
        train_head_in(&configuration, &labels(), &train, &validation, Vec::new(), run, listener, &listener.cancel)
    };
    let straight = run("straight", Start::Fresh, &Listener::default()).unwrap();
    assert_eq!(straight.epochs, 12);
    // Stopped in the middle of the sixth epoch, then of the ninth.
    let stopped = run("broken", Start::Fresh, &Listener { stop_at: Some((6, 3)), ..Default::default() }).unwrap();
    assert_eq!((stopped.epochs, stopped.stopped_early), (5, true));
    let again = run("broken", Start::Resume, &Listener { stop_at: Some((9, 1)), ..Default::default() }).unwrap();
    assert_eq!(again.epochs, 8);
    let listener = Listener::default();
    let ended = run("broken", Start::Resume, &listener).unwrap();
    assert_eq!((ended.epochs, ended.stopped_early), (12, false));
    assert_eq!(listener.records.lock().unwrap().len(), 4);

    let (one, two) = (folder.path().join("straight"), folder.path().join("broken"));
    assert_eq!(timeless(&one), timeless(&two));
    assert_eq!(read_batches(&one).unwrap(), read_batches(&two).unwrap());
    assert_eq!(read_batches(&one).unwrap().len(), 12 * 8);
    for name in ["best.safetensors", "last.safetensors"] {
        let state = |folder: &Path| Checkpoint::load(&folder.join("checkpoints").join(name)).unwrap().state;
        assert_eq!(state(&one), state(&two), "{name}");
    }
    // Resuming what has come to its end changes nothing.
    assert_eq!(run("broken", Start::Resume, &Listener::default()).unwrap().best, ended.best);
    // Killed after a line was written and before the checkpoint that closes the epoch.
    let mut text = fs::read_to_string(two.join("metrics.jsonl")).unwrap();
    let mut line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    line["epoch"] = 13.into();
    // Without its checksum, which is of another line, it is read as one of before there were any.
    line.as_object_mut().unwrap().remove("checksum").unwrap();
    text += &format!("{line}\n");
    fs::write(two.join("metrics.jsonl"), text).unwrap();
    assert_eq!(run("broken", Start::Resume, &Listener::default()).unwrap().epochs, 12);
    assert_eq!(timeless(&one), timeless(&two));
    // Nothing was finished: it begins again.
    assert!(run("empty", Start::Fresh, &Listener { stop_at: Some((1, 1)), ..Default::default() }).is_err());
    let begun = run("empty", Start::Resume, &Listener::default()).unwrap();
    assert_eq!(begun.best, EpochRecord { duration_ms: begun.best.duration_ms, ..straight.best });
}

#[test]
fn a_checkpoint_that_does_not_fit_is_not_gone_on_from() {
    let (train, validation) = (part(30, 12, 1), part(10, 12, 2));
    let folder = tempfile::tempdir().unwrap();
    let resume = |labels: &[String]| {
        let run = RunFolder { path: folder.path(), start: Start::Resume };
        train_head_in(&quick(), labels, &train, &validation, Vec::new(), run, &Silent, &Cancel::new())
    };
    let listener = Listener { stop_at: Some((3, 1)), ..Default::default() };
    train_head(&quick(), &labels(), &train, &validation, folder.path(), &listener, &listener.cancel).unwrap();
    let mut others = labels();
    others.swap(0, 1);
    assert!(resume(&others).unwrap_err().message.contains("other labels"));
    let metrics = fs::read_to_string(folder.path().join("metrics.jsonl")).unwrap();
    let (_, rest) = metrics.split_once('\n').unwrap();
    fs::write(folder.path().join("metrics.jsonl"), rest).unwrap();
    assert!(resume(&labels()).unwrap_err().message.contains("all 2 epochs"));
    fs::write(folder.path().join("metrics.jsonl"), &metrics).unwrap();
    let last = folder.path().join("checkpoints/last.safetensors");
    let whole = fs::read(&last).unwrap();
    for (bytes, words) in [
        (None, "is missing, and 2 epochs"),
        (Some(&whole[..whole.len() / 2]), "is damaged"),
        (Some(&fs::read(folder.path().join("checkpoints/best.safetensors")).unwrap()[..]), "no state of the optimiser"),
    ] {
        match bytes {
            Some(bytes) => fs::write(&last, bytes).unwrap(),
            None => fs::remove_file(&last).unwrap(),
        }
        let error = resume(&labels()).unwrap_err();
        assert!(error.message.contains(words) && error.hint.unwrap().contains("train again"), "{}", error.message);
        assert_eq!(read_epochs(folder.path()).unwrap().len(), 2);
    }
    fs::write(&last, &whole).unwrap();
    assert!(resume(&labels()).is_ok());
}

#[test]
fn a_disk_that_refuses_leaves_a_run_that_goes_on() {
    let (train, validation) = (part(30, 12, 1), part(10, 12, 2));
    let folder = tempfile::tempdir().unwrap();
    // From the third epoch on there is a folder where the checkpoint is to be.
    struct Blocker<'a>(&'a Path);
    impl Observer for Blocker<'_> {
        fn progress(&self, _progress: Progress) {}
    }
    impl TrainingObserver for Blocker<'_> {
        fn epoch(&self, record: &EpochRecord) {
            if record.epoch == 2 {
                let last = self.0.join("checkpoints/last.safetensors");
                fs::rename(&last, self.0.join("aside")).unwrap();
                fs::create_dir(last).unwrap();
            }
        }
    }
    let train_it = |start: Start, observer: &dyn TrainingObserver| {
        let run = RunFolder { path: folder.path(), start };
        train_head_in(&quick(), &labels(), &train, &validation, Vec::new(), run, observer, &Cancel::new())
    };
    let error = train_it(Start::Fresh, &Blocker(folder.path())).unwrap_err();
    assert!(error.message.contains("last.safetensors"), "{error}");
    // The epoch that could not be closed is not told of, and the best network is one of those that are.
    let records = read_epochs(folder.path()).unwrap();
    assert_eq!(records.len(), 2);
    let best = folder.path().join("checkpoints/best.safetensors");
    let kept = TrainedHead::load(&best).unwrap().metadata.epoch;
    assert_eq!(kept, records.iter().rev().find(|record| record.best).unwrap().epoch);
    let last = folder.path().join("checkpoints/last.safetensors");
    fs::remove_dir(&last).unwrap();
    fs::rename(folder.path().join("aside"), last).unwrap();
    // As if it had ended between the last checkpoint and the best one.
    assert_eq!(kept, 2);
    fs::remove_file(&best).unwrap();
    assert_eq!(train_it(Start::Resume, &Silent).unwrap().epochs, 12);
    let whole = tempfile::tempdir().unwrap();
    train_head(&quick(), &labels(), &train, &validation, whole.path(), &Silent, &Cancel::new()).unwrap();
    assert_eq!(timeless(folder.path()), timeless(whole.path()));
}

#[test]
fn patience_and_schedules_do_what_they_say() {
    let (train, validation) = (part(64, 12, 1), part(20, 12, 2));
    let folder = tempfile::tempdir().unwrap();
    let rates = |configuration: &TrainingConfiguration| -> Vec<f64> {
        train_head(configuration, &labels(), &train, &validation, folder.path(), &Silent, &Cancel::new()).unwrap();
        read_epochs(folder.path()).unwrap().iter().map(|record| record.learning_rate).collect()
    };
    assert!(rates(&quick()).iter().all(|rate| *rate == 0.01));
    // 12 epochs of 4 steps: the rate of an epoch's last step.
    let cosine = rates(&TrainingConfiguration { schedule: Schedule::Cosine, ..quick() });
    for (epoch, rate) in cosine.iter().enumerate() {
        let share = (epoch * 4 + 3) as f64 / 48.0;
        assert!((rate - 0.005 * (1.0 + (std::f64::consts::PI * share).cos())).abs() < 1e-12);
    }
    let steps = rates(&TrainingConfiguration { schedule: Schedule::Step, warmup_steps: 8, ..quick() });
    let expected = [0.005, 0.01, 0.01, 0.01, 1e-3, 1e-3, 1e-3, 1e-3, 1e-4, 1e-4, 1e-4, 1e-4];
    assert!(steps.iter().zip(expected).all(|(rate, expected)| (rate - expected).abs() < 1e-12), "{steps:?}");

    // Nothing is learnt with so small a step that the loss stays: the first epochs are the best.
    let impatient =
        TrainingConfiguration { early_stopping_epochs: 3, epochs: 500, learning_rate: Some(0.5), ..quick() };
    let outcome =
        train_head(&impatient, &labels(), &train, &validation, folder.path(), &Silent, &Cancel::new()).unwrap();
    assert!(outcome.out_of_patience && !outcome.stopped_early);
    assert_eq!(outcome.epochs, outcome.best.epoch + 3);
}

#[test]
fn a_paused_run_waits_and_goes_on() {
    let (train, validation) = (part(64, 12, 1), part(20, 12, 2));
    let steps = |last: (usize, usize)| -> Vec<(usize, usize)> {
        (1..=12).flat_map(|epoch| (1..=4).map(move |step| (epoch, step))).take_while(|at| *at <= last).collect()
    };
    // Told to wait in the middle of an epoch and at its end, where the judging of the epoch is still to come.
    for (wait_at, epochs) in [((2, 1), 1), ((3, 4), 2)] {
        let folder = tempfile::tempdir().unwrap();
        let listener = Listener { wait_at: Some(wait_at), ..Listener::default() };
        std::thread::scope(|scope| {
            let run = scope.spawn(|| {
                train_head(&quick(), &labels(), &train, &validation, folder.path(), &listener, &listener.cancel)
            });
            poll("the run to wait", || {
                assert!(!run.is_finished(), "it does not wait");
                listener.cancel.is_waiting().then_some(())
            });
            // Told by the run's own thread, which stands still now: no step was made after that one.
            let done = (listener.batches.lock().unwrap().clone(), epochs_written(folder.path()).len());
            listener.cancel.go_on();
            assert_eq!(done, (steps(wait_at), epochs));
            assert_eq!(run.join().unwrap().unwrap().epochs, 12);
        });
        assert!(!listener.cancel.is_waiting());
        assert_eq!(*listener.batches.lock().unwrap(), steps((12, 4)), "every step once");
    }
    // One that waits can be stopped, and keeps its epochs.
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener { wait_at: Some((3, 2)), ..Listener::default() };
    std::thread::scope(|scope| {
        let run = scope
            .spawn(|| train_head(&quick(), &labels(), &train, &validation, folder.path(), &listener, &listener.cancel));
        poll("the run to wait", || {
            assert!(!run.is_finished(), "it does not wait");
            listener.cancel.is_waiting().then_some(())
        });
        listener.cancel.cancel();
        let outcome = run.join().unwrap().unwrap();
        assert_eq!((outcome.epochs, outcome.stopped_early), (2, true));
    });
    // Stopping wins over waiting.
    let cancel = Cancel::new();
    cancel.pause();
    cancel.cancel();
    cancel.pause();
    assert!(cancel.is_cancelled());
}

#[test]
fn running_away_is_an_error_that_keeps_the_best() {
    let (train, mut validation) = (part(64, 12, 1), part(20, 12, 2));
    // So large that growing weights leave the range of numbers, but not at once.
    validation.features.values.iter_mut().for_each(|value| *value *= 6e37);
    let configuration = TrainingConfiguration { learning_rate: Some(0.03), epochs: 50, ..quick() };
    let folder = tempfile::tempdir().unwrap();
    let error =
        train_head(&configuration, &labels(), &train, &validation, folder.path(), &Silent, &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Data);
    assert!(error.message.contains("stopped being a number"), "{error}");
    assert!(error.hint.unwrap().contains("learning rate"));
    assert!(!epochs_written(folder.path()).is_empty());
    assert!(TrainedHead::load(&folder.path().join("checkpoints/best.safetensors")).is_ok());
}

#[test]
fn awkward_parts_are_explained() {
    let (train, validation) = (part(20, 12, 1), part(10, 12, 2));
    let folder = tempfile::tempdir().unwrap();
    let run = |train: &LabelledFeatures, validation: &LabelledFeatures, labels: &[String], observer: &Listener| {
        train_head(&quick(), labels, train, validation, folder.path(), observer, &Cancel::new())
    };
    let listener = Listener::default();
    let empty = part(0, 12, 1);
    let error = run(&empty, &validation, &labels(), &listener).unwrap_err();
    assert_eq!(error.kind, ErrorKind::User);
    assert!(error.message.contains("training part has no images"));
    let error = run(&train, &empty, &labels(), &listener).unwrap_err();
    assert!(error.message.contains("validation part has no images"));
    assert_eq!(run(&train, &validation, &[], &listener).unwrap_err().kind, ErrorKind::User);

    let mut broken = train.clone();
    broken.features.values[5 * 12 + 3] = f32::NAN;
    let error = run(&broken, &validation, &labels(), &listener).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Data);
    assert!(error.message.contains("image 5"), "{error}");

    let mut rare = train.clone();
    rare.targets.iter_mut().skip(2).step_by(LABELS).for_each(|target| *target = 0.0);
    assert!(run(&rare, &validation, &labels(), &listener).is_ok());
    assert!(listener.notes.lock().unwrap()[0].contains("label 2"));

    let weighted = TrainingConfiguration { positive_weights: true, ..quick() };
    let outcome = train_head(&weighted, &labels(), &rare, &validation, folder.path(), &Silent, &Cancel::new());
    assert!(outcome.unwrap().best.validation.loss.is_finite());

    let one = part(1, 12, 3);
    assert!(run(&one, &one, &labels(), &listener).is_ok());
}

#[test]
fn checkpoints_with_headers_of_any_length_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("best.safetensors");
    let part = part(4, 8, 1);
    let configuration = TrainingConfiguration { hidden: 2, ..TrainingConfiguration::default() };
    let state = HeadLearner::new(&configuration, LABELS, &part, &part, None).unwrap().network_state().unwrap();
    let mut first_bytes = std::collections::BTreeSet::new();
    // The length stands at the beginning of the file; its low byte is now and then the first byte of a pickle.
    for length in 0..256 {
        let metadata = CheckpointMetadata::new("x".repeat(length), 1, labels(), 32);
        let checkpoint = Checkpoint { state: state.clone(), metadata };
        checkpoint.save(&file).unwrap();
        first_bytes.insert(fs::read(&file).unwrap()[0]);
        assert_eq!(Checkpoint::load(&file).unwrap(), checkpoint, "{length}");
    }
    assert!(first_bytes.contains(&0x80));
    fs::write(&file, b"\x80\x02}q\x00X\x05\x00\x00\x00stateq\x01K\x01s.").unwrap();
    let error = Checkpoint::load(&file).unwrap_err();
    assert!(error.kind == ErrorKind::Model && error.message.contains("pickle"), "{error}");
}
