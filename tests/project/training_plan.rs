//! What training would be, told before it starts.

use crate::common::{Cli, import_as, sample_images, sample_labels};
use atmoscope::engine::jobs::import::ImportRequest;
use atmoscope::engine::jobs::plan::plan;
use atmoscope::engine::jobs::train;
use atmoscope::error::ErrorKind;
use atmoscope::progress::{Cancel, Silent};
use atmoscope::project::Project;
use atmoscope::training::{Depth, HeadKind, TrainingConfiguration, read_batches};

fn project(folder: &std::path::Path, pictures: usize) -> Project {
    sample_images(&folder.join("images"), pictures);
    sample_labels(&folder.join("labels.csv"), pictures);
    let mut project = Project::create(&folder.join("project")).unwrap();
    let request = ImportRequest {
        images: Some(folder.join("images")),
        labels: Some(folder.join("labels.csv")),
        ..ImportRequest::default()
    };
    import_as(&mut project, &request);
    project
}

fn small() -> TrainingConfiguration {
    TrainingConfiguration { image_size_px: 32, epochs: 2, augmented_copies: 2, batch_size: 16, ..Default::default() }
}

#[test]
fn the_plan_is_what_training_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path(), 42);
    let before = plan(&project, &small()).unwrap();
    assert!(!before.split_exists && project.current_split().unwrap().is_none(), "nothing is stored");
    assert_eq!(before.train_images + before.validation_images + before.test_images, 36);
    assert_eq!(before.copies, 2 * before.train_images);
    assert_eq!(before.features_to_make, 3 * before.train_images + before.validation_images);
    assert!(before.time.basis.contains("nothing measured") && before.time.epochs_s > 0.0);
    for label in &before.labels {
        assert_eq!((label.with_copies, label.at_least), (3 * label.positives, 3 * label.positives + label.synthetic));
    }
    // One sample for each picture with a label that is rarer than the mean.
    let rare: usize = before
        .labels
        .iter()
        .filter(|label| label.imbalance_ratio > before.mean_imbalance_ratio)
        .map(|label| label.positives)
        .sum();
    assert!(rare > 0 && before.synthetic == rare);
    assert_eq!(before.samples, before.train_images + before.copies + rare);
    assert_eq!(before.steps, before.samples.div_ceil(16));
    let without = plan(&project, &TrainingConfiguration { mlsmote: false, augmented_copies: 0, ..small() }).unwrap();
    assert_eq!((without.samples, without.synthetic, without.copies), (before.train_images, 0, 0));

    let report = train::run(&mut project, &small(), &|_| {}, &Silent, &Cancel::new()).unwrap();
    let folder_of_run = project.run_folder(report.run);
    let steps: Vec<usize> = read_batches(&folder_of_run).unwrap().iter().map(|batch| batch.steps).collect();
    assert_eq!(steps, vec![before.steps; 2 * before.steps]);
    let counts = std::fs::read_to_string(folder_of_run.join("mlsmote.json")).unwrap();
    let counts: serde_json::Value = serde_json::from_str(&counts).unwrap();
    for (label, counts) in before.labels.iter().zip(counts.as_array().unwrap()) {
        let number = |name: &str| counts[name].as_u64().unwrap() as usize;
        assert_eq!((counts["label"].as_str().unwrap(), number("before")), (label.label.as_str(), label.positives));
        assert!(number("after") >= label.positives + label.synthetic);
    }
    // The same again, now from the cache, is the same to the last bit.
    let again = train::run(&mut project, &small(), &|_| {}, &Silent, &Cancel::new()).unwrap();
    let losses = |run| read_batches(&project.run_folder(run)).unwrap();
    assert_eq!(losses(report.run), losses(again.run));
    assert_eq!(plan(&project, &small()).unwrap().features_to_make, 0);

    let configuration = TrainingConfiguration { augmented_copies: 0, mlsmote: false, ..small() };
    let report = train::run(&mut project, &configuration, &|_| {}, &Silent, &Cancel::new()).unwrap();
    let after = plan(&project, &configuration).unwrap();
    assert!(after.split_exists);
    assert_eq!((after.train_images, after.validation_images), (before.train_images, before.validation_images));
    assert_eq!((report.train_images, report.validation_images), (after.train_images, after.validation_images));
    assert_eq!(after.features_to_make, 0);
    assert_eq!(after.time.basis, format!("estimated from run {}", report.run.0));

    std::fs::remove_file(folder.path().join("images/picture-001.png")).unwrap();
    let gone = plan(&project, &configuration).unwrap();
    assert!(gone.remarks.iter().any(|remark| remark.contains("1 picture is not where")), "{:?}", gone.remarks);
}

#[test]
fn deeper_and_larger_costs_more() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), 42);
    let of = |depth, image_size_px, head| {
        let configuration = TrainingConfiguration { depth, image_size_px, head, ..Default::default() };
        plan(&project, &configuration).unwrap()
    };
    let head = of(Depth::HeadOnly, 224, HeadKind::Pooled);
    let last = of(Depth::LastBlocks, 224, HeadKind::Pooled);
    let everything = of(Depth::Everything, 224, HeadKind::Pooled);
    let large = of(Depth::Everything, 384, HeadKind::Pooled);
    let costs = [&head, &last, &everything, &large].map(|plan| plan.time.epochs_s);
    assert!(costs.windows(2).all(|pair| pair[0] < pair[1]), "{costs:?}");
    assert!(last.memory_bytes < everything.memory_bytes && head.memory_bytes < last.memory_bytes);
    assert!(of(Depth::HeadOnly, 224, HeadKind::Original).memory_bytes > 2 * head.memory_bytes);
    assert!(head.micro_batch_size.is_none() && everything.micro_batch_size.is_some());
    assert!(everything.features_to_make == 0 && head.features_to_make > 0);
    let wrong = TrainingConfiguration { epochs: 0, ..Default::default() };
    assert_eq!(plan(&project, &wrong).unwrap_err().kind, ErrorKind::Config);
}

#[test]
fn the_command_line_tells_the_plan_and_does_not_train() {
    let folder = tempfile::tempdir().unwrap();
    drop(project(folder.path(), 42));
    let cli = Cli::new(folder.path());
    let text = cli.ok(&["train", "project", "--plan", "--image-size", "32"]);
    for words in ["pictures to train on", "training makes this one", "静か", "Memory: about", "Training: about"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let plan = cli.json(&["train", "project", "--plan", "--augmented-copies", "0", "--mlsmote", "false"]);
    assert_eq!(plan["samples"], plan["train_images"]);
    assert_eq!(cli.json(&["runs", "project"])["runs"].as_array().unwrap().len(), 0);
}
