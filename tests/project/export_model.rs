//! The exported network: names, shapes and metadata. That torchvision computes the same from it is shown by
//! `tests/torchvision_export.py`, run by hand.

use std::path::Path;

use crate::common::Cli;
use atmoscope::engine::jobs::export_model::{METADATA_KEY, ModelDescription};
use atmoscope::nn::embedded_vgg16_hash;
use atmoscope::nn::state::NamedTensor;
use atmoscope::nn::vgg16;
use atmoscope::nn::weights::Weights;
use atmoscope::training::Checkpoint;
use safetensors::SafeTensors;

fn trained(folder: &Path) -> Cli {
    let cli = Cli::new(folder);
    crate::common::sample_images(&folder.join("pictures"), 24);
    crate::common::sample_labels(&folder.join("labels.csv"), 24);
    cli.ok(&["new", "moods"]);
    cli.ok(&["import", "moods", "pictures", "--labels", "labels.csv"]);
    cli.ok(&["train", "moods", "--epochs", "2", "--image-size", "32", "--augmented-copies", "0"]);
    cli
}

fn values(file: &SafeTensors<'_>, name: &str) -> (Vec<usize>, Vec<f32>) {
    let view = file.tensor(name).unwrap();
    assert_eq!(view.dtype(), safetensors::Dtype::F32, "{name}");
    let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    (view.shape().to_vec(), values)
}

fn description(bytes: &[u8]) -> ModelDescription {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    serde_json::from_str(&header.metadata().as_ref().unwrap()[METADATA_KEY]).unwrap()
}

#[test]
fn the_exported_network_is_whole_and_says_how_to_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let cli = trained(folder.path());
    let out = folder.path().join("net.safetensors");
    let report = cli.json(&["export-model", "moods", "--run", "1", "--out", "net.safetensors"]);
    assert_eq!(report["tensors"], 30);
    let bytes = std::fs::read(&out).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.names().len(), 30);
    let start = vgg16::state_of(&Weights::embedded_vgg16().unwrap()).unwrap();
    for (name, shape) in vgg16::tensor_shapes() {
        assert_eq!(values(&file, &name), (shape, start[&name].values.clone()), "{name}");
    }
    let checkpoint_path = folder.path().join("moods/runs/1/checkpoints/best.safetensors");
    let mut checkpoint = Checkpoint::load(&checkpoint_path).unwrap();
    for name in ["classifier.0.weight", "classifier.0.bias", "classifier.3.weight", "classifier.3.bias"] {
        let kept = &checkpoint.state[name];
        assert_eq!(values(&file, name), (kept.shape.clone(), kept.values.clone()), "{name}");
    }
    let about = description(&bytes);
    assert_eq!(about.labels, ["sea", "night", "静か"]);
    assert_eq!(about.thresholds, checkpoint.metadata.thresholds);
    assert_eq!((about.run_id.as_str(), about.image_size_px, about.epoch), ("1", 32, checkpoint.metadata.epoch));
    assert_eq!(about.normalisation_mean, [0.485, 0.456, 0.406]);
    assert_eq!(about.starting_weights_hash, embedded_vgg16_hash());
    assert_eq!(about.app_version, env!("CARGO_PKG_VERSION"));
    assert!(about.trained_layers.is_empty() && about.crop.contains("centre") && about.head == "pooled");
    // Written twice, the same bytes.
    cli.ok(&["export-model", "moods", "--run", "1", "--out", "again.safetensors"]);
    assert_eq!(std::fs::read(folder.path().join("again.safetensors")).unwrap(), bytes);

    // Layers that the run trained come from its checkpoint, the others from the weights it began with.
    let own = NamedTensor { shape: vec![512], values: vec![0.25; 512] };
    checkpoint.state.insert("features.28.bias".to_owned(), own.clone());
    checkpoint.save(&checkpoint_path).unwrap();
    cli.ok(&["export-model", "moods", "--run", "1", "--out", "net.safetensors", "--force"]);
    let bytes = std::fs::read(&out).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(values(&file, "features.28.bias").1, own.values);
    assert_eq!(values(&file, "features.26.bias").1, start["features.26.bias"].values);
    assert_eq!(description(&bytes).trained_layers, ["features.28"]);
}

#[test]
fn a_project_keeps_its_own_files() {
    let folder = tempfile::tempdir().unwrap();
    let cli = trained(folder.path());
    let best = folder.path().join("moods/runs/1/checkpoints/best.safetensors");
    let before = std::fs::read(&best).unwrap();
    let out = "moods/runs/1/checkpoints/best.safetensors";
    let error = cli.fails(2, &["export-model", "moods", "--run", "1", "--out", out]);
    assert!(error.contains("its own files"), "{error}");
    assert_eq!(std::fs::read(&best).unwrap(), before);
}

#[test]
fn what_cannot_be_exported_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let cli = trained(folder.path());
    let error = cli.fails(2, &["export-model", "moods", "--run", "1", "--out", "net.pth"]);
    assert!(error.contains("not the name of a .safetensors file"), "{error}");
    let error = cli.fails(2, &["export-model", "moods", "--run", "7", "--out", "net.safetensors"]);
    assert!(error.contains("no run 7"), "{error}");
    let checkpoint = folder.path().join("moods/runs/1/checkpoints/best.safetensors");
    std::fs::write(&checkpoint, b"no network").unwrap();
    let error = cli.fails(1, &["export-model", "moods", "--run", "1", "--out", "net.safetensors"]);
    assert!(error.contains("the trained network of run 1 is damaged"), "{error}");
    std::fs::remove_file(&checkpoint).unwrap();
    let error = cli.fails(1, &["export-model", "moods", "--run", "1", "--out", "net.safetensors"]);
    assert!(error.contains("is missing"), "{error}");
    assert!(!folder.path().join("net.safetensors").exists());
}
