//! k-means and the silhouette beside scikit-learn, and a head on known features: `cargo bench --bench numbers`.
//!
//! The peer is `scikit_learn.py` beside this file, run by the Python that ATMOSCOPE_BENCH_PYTHON names (default
//! `python3`), on the same numbers with as many threads as it takes. Without scikit-learn only our side is measured.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use atmoscope::clustering::{KMeansSettings, kmeans};
use atmoscope::evaluation::silhouette;
use atmoscope::features::FeatureMatrix;
use atmoscope::ids::ImageId;
use atmoscope::progress::{Cancel, Silent};
use atmoscope::random::generator;
use atmoscope::training::{AddedRows, LabelledFeatures, TrainingConfiguration, train_head};
use criterion::{Criterion, criterion_group};
use ndarray::Array2;
use rand::Rng;
use serde_json::{Value, json};

const LABELS: usize = 16;

/// `images` pictures, and nine copies of each.
fn part(images: usize, copies: usize) -> LabelledFeatures {
    let mut random = generator(images as u64, "bench");
    let mut features = |rows: usize| (0..rows * 512).map(|_| random.gen_range(0.0..1.0)).collect::<Vec<f32>>();
    let (values, copied) = (features(images), features(images * copies));
    let mut random = generator(images as u64, "bench targets");
    let mut targets =
        |rows: usize| (0..rows * LABELS).map(|_| f32::from(u8::from(random.gen_bool(0.2)))).collect::<Vec<f32>>();
    let ids = (0..images).map(|image| ImageId(image as i64)).collect();
    let names = (0..512).map(|feature| feature.to_string()).collect();
    LabelledFeatures {
        features: FeatureMatrix::new(ids, names, values).unwrap(),
        targets: targets(images),
        added: AddedRows { features: copied, targets: targets(images * copies) },
    }
}

fn head(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let (train, validation) = (part(282, 9), part(171, 0));
    let labels: Vec<String> = (0..LABELS).map(|label| label.to_string()).collect();
    let configuration = TrainingConfiguration::default();
    let mut group = criterion.benchmark_group("numbers");
    group.sample_size(10);
    group.bench_function("head, 282 images and 9 copies of each, 50 epochs", |bencher| {
        bencher.iter(|| {
            train_head(&configuration, &labels, &train, &validation, folder.path(), &Silent, &Cancel::new()).unwrap()
        });
    });
    group.finish();
}

/// scikit-learn in a process of its own, which does the same work on the same numbers.
struct ScikitLearn {
    asked: ChildStdin,
    told: BufReader<ChildStdout>,
    process: Child,
}

impl ScikitLearn {
    fn start() -> Option<Self> {
        let python = std::env::var("ATMOSCOPE_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/scikit_learn.py");
        let mut command = Command::new(&python);
        let mut process = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let asked = process.stdin.take()?;
        let mut told = BufReader::new(process.stdout.take()?);
        let mut line = String::new();
        if told.read_line(&mut line).ok()? == 0 {
            println!("{python} has no scikit-learn: measuring alone");
            return None;
        }
        Some(Self { asked, told, process })
    }

    /// Seconds and the result.
    fn measure(&mut self, request: &Value) -> (f64, f64) {
        writeln!(self.asked, "{request}").unwrap();
        let mut line = String::new();
        self.told.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        (answer["seconds"].as_f64().unwrap(), answer["result"].as_f64().unwrap())
    }
}

impl Drop for ScikitLearn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Uniform values, as single precision holds them.
fn values(images: usize) -> Array2<f32> {
    let mut random = generator(1, "bench");
    Array2::from_shape_fn((images, LABELS), |_| random.gen_range(0.0..1.0))
}

/// Turn by turn, so that both meet the same machine; the median of five.
fn beside(name: &str, mut ours: impl FnMut() -> f64, mut theirs: impl FnMut() -> Option<(f64, f64)>) {
    let (mut our_seconds, mut their_seconds, mut results) = (Vec::new(), Vec::new(), (0.0, 0.0));
    for _ in 0..5 {
        let started = Instant::now();
        results.0 = ours();
        our_seconds.push(started.elapsed().as_secs_f64());
        if let Some((seconds, result)) = theirs() {
            their_seconds.push(seconds);
            results.1 = result;
        }
    }
    let median = |seconds: &mut Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        seconds[seconds.len() / 2]
    };
    let ours = median(&mut our_seconds);
    if their_seconds.is_empty() {
        println!("{name}: {:.1} ms", ours * 1000.0);
    } else {
        let theirs = median(&mut their_seconds);
        println!(
            "{name}: {:.1} ms, scikit-learn {:.1} ms, ratio {:.2} (results {:.6} and {:.6})",
            ours * 1000.0,
            theirs * 1000.0,
            theirs / ours,
            results.0,
            results.1
        );
    }
}

fn beside_scikit_learn() {
    let folder = tempfile::tempdir().unwrap();
    let mut peer = ScikitLearn::start();
    let bytes = |values: &mut dyn Iterator<Item = [u8; 8]>| values.flatten().collect::<Vec<u8>>();
    for images in [10_000, 100_000] {
        let values = values(images);
        let file = folder.path().join("values.f64");
        std::fs::write(&file, bytes(&mut values.iter().map(|value| f64::from(*value).to_le_bytes()))).unwrap();
        let settings = KMeansSettings::default();
        let request = json!({
            "what": "kmeans", "file": file, "columns": LABELS, "clusters": settings.clusters, "restarts": settings.restarts,
        });
        beside(
            &format!("k-means, {images} × {LABELS}, K = 5, 10 restarts"),
            || kmeans(values.view(), &settings, &Cancel::new()).unwrap().sse,
            || peer.as_mut().map(|peer| peer.measure(&request)),
        );
        let clustering = kmeans(values.view(), &settings, &Cancel::new()).unwrap();
        let labels = folder.path().join("labels.i64");
        std::fs::write(&labels, bytes(&mut clustering.assignments.iter().map(|label| (*label as i64).to_le_bytes())))
            .unwrap();
        let request = json!({ "what": "silhouette", "file": file, "columns": LABELS, "labels": labels });
        beside(
            &format!("silhouette, {images} × {LABELS}, exact"),
            || silhouette(values.view(), &clustering.assignments, 1, &Cancel::new()).unwrap().mean,
            // Of 100,000 it would take minutes.
            || if images > 10_000 { None } else { peer.as_mut().map(|peer| peer.measure(&request)) },
        );
    }
}

criterion_group!(benches, head);

fn main() {
    beside_scikit_learn();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
