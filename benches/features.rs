//! How long the numeric core takes: `cargo bench --bench features`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::Instant;

use atmoscope::clustering::{KMeansSettings, kmeans};
use atmoscope::evaluation::silhouette;
use atmoscope::features::FeatureMatrix;
use atmoscope::ids::ImageId;
use atmoscope::nn::device::{DeviceChoice, select};
use atmoscope::nn::vgg16::{Pooling, Vgg16};
use atmoscope::nn::weights::Weights;
use atmoscope::progress::{Cancel, Silent};
use atmoscope::random::generator;
use atmoscope::training::{AddedRows, LabelledFeatures, TrainingConfiguration, train_head};
use image::{Rgb, RgbImage};
use ndarray::Array2;
use rand::Rng;

/// The shortest of several runs, in seconds.
fn shortest<T>(runs: usize, mut work: impl FnMut() -> T) -> f64 {
    (0..runs)
        .map(|_| {
            let started = Instant::now();
            std::hint::black_box(work());
            started.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn part(images: usize) -> LabelledFeatures {
    let mut random = generator(images as u64, "bench");
    let values = (0..images * 512).map(|_| random.gen_range(0.0..1.0)).collect();
    let targets = (0..images * 16).map(|_| f32::from(u8::from(random.gen_bool(0.2)))).collect();
    let ids = (0..images).map(|image| ImageId(image as i64)).collect();
    let names = (0..512).map(|feature| feature.to_string()).collect();
    LabelledFeatures { features: FeatureMatrix::new(ids, names, values).unwrap(), targets, added: AddedRows::default() }
}

fn main() {
    let device = select(DeviceChoice::Auto).unwrap();
    println!("device: {}", device.name);
    let network = Vgg16::load(&Weights::embedded_vgg16().unwrap(), &device).unwrap();
    for size_px in [224, 384] {
        let picture = RgbImage::from_fn(size_px, size_px, |x, y| Rgb([x as u8, y as u8, (x * y) as u8]));
        for images in [1, 4] {
            let pictures = vec![picture.clone(); images];
            let seconds = shortest(4, || network.features(&pictures, Pooling::Mean).unwrap());
            println!("vgg16 {size_px} px, batch of {images}: {:.3} s/image", seconds / images as f64);
        }
    }

    let folder = std::env::temp_dir().join("atmoscope-bench-run");
    let (train, validation) = (part(300), part(180));
    let labels: Vec<String> = (0..16).map(|label| label.to_string()).collect();
    let configuration = TrainingConfiguration::default();
    let run = || train_head(&configuration, &labels, &train, &validation, &folder, &Silent, &Cancel::new()).unwrap();
    println!("head, 300 images, 50 epochs: {:.2} s", shortest(2, run));
    std::fs::remove_dir_all(&folder).unwrap();

    for (images, columns) in [(120, 16), (10_000, 16)] {
        let mut random = generator(1, "bench");
        let values = Array2::from_shape_fn((images, columns), |_| random.gen_range(0.0..1.0));
        let settings = KMeansSettings::default();
        let clustering = kmeans(values.view(), &settings, &Cancel::new()).unwrap();
        let seconds = shortest(3, || kmeans(values.view(), &settings, &Cancel::new()).unwrap());
        println!("k-means, K = 5, {images} × {columns}: {:.1} ms", seconds * 1e3);
        let assignments = &clustering.assignments;
        let seconds = shortest(2, || silhouette(values.view(), assignments, 1, &Cancel::new()).unwrap());
        println!("silhouette, {images} × {columns}: {:.1} ms", seconds * 1e3);
    }
}
