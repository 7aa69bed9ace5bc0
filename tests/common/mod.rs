//! Helpers for integration tests.
#![allow(clippy::unwrap_used, dead_code)]

use std::f32::consts::TAU;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};

/// Writes `n` small pictures, `picture-000.png` and on, into `folder`, and gives their paths in order.
///
/// Each is a sum of a few waves in two colours, by formula from its number, so that no two look alike, even to the
/// perceptual hash. Widths and heights vary between 48 and 80 pixels.
pub fn sample_images(folder: &Path, n: usize) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder).unwrap();
    (0..n)
        .map(|index| {
            let path = folder.join(format!("picture-{index:03}.png"));
            sample_image(index).save(&path).unwrap();
            path
        })
        .collect()
}

/// The picture that [`sample_images`] writes as number `index`.
pub fn sample_image(index: usize) -> RgbImage {
    // Fractions of multiples of irrational numbers: spread evenly, never the same.
    let part = |factor: f32| (index as f32 * factor + factor).fract();
    let (width, height) = (48 + index as u32 * 7 % 33, 48 + index as u32 * 11 % 33);
    let hue = part(0.618_034);
    let waves: Vec<[f32; 3]> = (1..9)
        .map(|wave| {
            let wave = wave as f32;
            [7.0 * part(0.414_214 * wave) - 3.5, 7.0 * part(0.732_051 * wave) - 3.5, part(0.236_068 * wave)]
        })
        .collect();
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32 / width as f32, y as f32 / height as f32);
        let sum: f32 = waves.iter().map(|[u, v, phase]| (TAU * (u * x + v * y + phase)).cos()).sum();
        let light = 0.5 + 0.09 * sum;
        let channel = |shift: f32| (255.0 * light * (0.6 + 0.4 * (TAU * (hue + shift)).cos())).clamp(0.0, 255.0) as u8;
        Rgb([channel(0.0), channel(1.0 / 3.0), channel(2.0 / 3.0)])
    })
}
