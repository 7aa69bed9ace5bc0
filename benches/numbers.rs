//! A head on known features, k-means and the silhouette: `cargo bench --bench numbers`.
#![allow(clippy::unwrap_used)]

use atmoscope::clustering::{KMeansSettings, kmeans};
use atmoscope::evaluation::silhouette;
use atmoscope::features::FeatureMatrix;
use atmoscope::ids::ImageId;
use atmoscope::progress::{Cancel, Silent};
use atmoscope::random::generator;
use atmoscope::training::{AddedRows, LabelledFeatures, TrainingConfiguration, train_head};
use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use rand::Rng;

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

fn numbers(criterion: &mut Criterion) {
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
    for images in [120, 10_000] {
        let mut random = generator(1, "bench");
        let values = Array2::from_shape_fn((images, LABELS), |_| random.gen_range(0.0..1.0));
        let settings = KMeansSettings::default();
        let clustering = kmeans(values.view(), &settings, &Cancel::new()).unwrap();
        group.bench_function(format!("k-means, K = 5, {images} images"), |bencher| {
            bencher.iter(|| kmeans(values.view(), &settings, &Cancel::new()).unwrap());
        });
        group.bench_function(format!("silhouette, {images} images"), |bencher| {
            bencher.iter(|| silhouette(values.view(), &clustering.assignments, 1, &Cancel::new()).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, numbers);
criterion_main!(benches);
