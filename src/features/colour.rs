//! Colour: what can be said of a picture's mood without looking at what it shows.
//!
//! All in CIELAB (D65), in which equal distances look about equally large: histograms of lightness and of the two colour axes,
//! each with its mean and deviation, the colourfulness of Hasler and Süsstrunk (2003), and the contrast of lightness.

use std::path::Path;

use image::RgbImage;

use super::backbone::{BackboneImage, LoadSquare};
use super::cache::FeatureCache;
use super::matrix::FeatureMatrix;
use super::per_picture::{Squares, cached_rows};
use crate::error::{Error, Result};
use crate::ids::ImageId;
use crate::progress::{Cancel, Observer};

/// Bins of each histogram.
const BINS: usize = 12;
/// Lightness goes from 0 to 100; the colour axes nearly always lie within 100 of grey.
const RANGES: [(f32, f32); 3] = [(0.0, 100.0), (-100.0, 100.0), (-100.0, 100.0)];
const AXES: [&str; 3] = ["lightness", "green_red", "blue_yellow"];
/// Changes when the numbers do.
const VERSION: &str = "colour 1";

/// The names of the columns. All numbers are about as large: shares, or hundredths.
pub fn colour_names() -> Vec<String> {
    let bins = AXES.iter().flat_map(|axis| (0..BINS).map(move |bin| format!("{axis}_{bin:02}")));
    let moments = AXES.iter().flat_map(|axis| [format!("{axis}_mean"), format!("{axis}_deviation")]);
    bins.chain(moments).chain(["colourfulness".to_owned(), "contrast".to_owned()]).collect()
}

/// The colours of `images`, from the cache where they are there, and the images that cannot be read.
///
/// # Errors
/// Those of the cache; `Cancelled`.
pub fn colours(
    images: &[BackboneImage],
    size_px: u32,
    load: &LoadSquare,
    cache_folder: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(FeatureMatrix, Vec<(ImageId, Error)>)> {
    let names = colour_names();
    let file = format!("colour-{size_px}px.features");
    let mut cache =
        FeatureCache::open_telling(cache_folder, &file, &format!("{VERSION} {size_px}"), names.len(), observer)?;
    cached_rows(
        images,
        Squares { size_px, load, doing: "Looking at colours" },
        &mut cache,
        names,
        colour_row,
        observer,
        cancel,
    )
}

/// The numbers of a picture, in the order of [`colour_names`].
pub fn colour_row(picture: &RgbImage) -> Vec<f32> {
    let pixels = f64::from(picture.width()) * f64::from(picture.height());
    let mut histograms = [[0u32; BINS]; 3];
    let (mut sums, mut squares) = ([0f64; 3], [0f64; 3]);
    let mut lightness = vec![0u32; 1001];
    let (mut opponents, mut opponent_squares) = ([0f64; 2], [0f64; 2]);
    for pixel in picture.pixels() {
        let lab = lab(pixel.0);
        for axis in 0..3 {
            let (low, high) = RANGES[axis];
            let bin = ((lab[axis] - low) / (high - low) * BINS as f32).clamp(0.0, BINS as f32 - 1.0) as usize;
            histograms[axis][bin] += 1;
            sums[axis] += f64::from(lab[axis]);
            squares[axis] += f64::from(lab[axis]).powi(2);
        }
        lightness[(lab[0] * 10.0).round().clamp(0.0, 1000.0) as usize] += 1;
        let [red, green, blue] = pixel.0.map(f64::from);
        for (axis, value) in [red - green, (red + green) / 2.0 - blue].into_iter().enumerate() {
            opponents[axis] += value;
            opponent_squares[axis] += value * value;
        }
    }
    let moments = |sum: f64, squares: f64| {
        let mean = sum / pixels;
        (mean, (squares / pixels - mean * mean).max(0.0).sqrt())
    };
    let mut row: Vec<f32> = histograms.iter().flatten().map(|&count| (f64::from(count) / pixels) as f32).collect();
    for axis in 0..3 {
        let (mean, deviation) = moments(sums[axis], squares[axis]);
        row.extend([(mean / 100.0) as f32, (deviation / 100.0) as f32]);
    }
    let [(first, first_by), (second, second_by)] = [0, 1].map(|axis| moments(opponents[axis], opponent_squares[axis]));
    row.push(((first_by.hypot(second_by) + 0.3 * first.hypot(second)) / 100.0) as f32);
    // Between the darkest and the lightest twentieth.
    let quantile = |share: f64| {
        let mut before = 0.0;
        lightness.iter().position(|&count| {
            before += f64::from(count);
            before >= share * pixels
        })
    };
    row.push((quantile(0.95).unwrap_or(0) as f32 - quantile(0.05).unwrap_or(0) as f32) / 1000.0);
    row
}

/// A colour of sRGB in CIELAB, with the white of D65.
fn lab(rgb: [u8; 3]) -> [f32; 3] {
    let linear = rgb.map(|byte| {
        let value = f32::from(byte) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    const TO_XYZ: [[f32; 3]; 3] = [
        [0.412_456_4, 0.357_576_1, 0.180_437_5],
        [0.212_672_9, 0.715_152_2, 0.072_175],
        [0.019_333_9, 0.119_192, 0.950_304_1],
    ];
    const WHITE: [f32; 3] = [0.950_47, 1.0, 1.088_83];
    let bent: [f32; 3] = std::array::from_fn(|axis| {
        let sum: f32 = TO_XYZ[axis].iter().zip(linear).map(|(weight, value)| weight * value).sum();
        let share = sum / WHITE[axis];
        if share > 216.0 / 24_389.0 { share.cbrt() } else { (24_389.0 / 27.0 * share + 16.0) / 116.0 }
    });
    [116.0 * bent[1] - 16.0, 500.0 * (bent[0] - bent[1]), 200.0 * (bent[1] - bent[2])]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use image::Rgb;

    #[test]
    fn colours_are_those_of_the_tables() {
        // OpenCV's cvtColor(COLOR_RGB2LAB) on 32-bit numbers, whose own rounding is 0.2.
        for (rgb, expected) in [
            ([255, 255, 255], [100.0, 0.0, 0.0]),
            ([0, 0, 0], [0.0, 0.0, 0.0]),
            ([255, 0, 0], [53.24, 80.09, 67.20]),
            ([0, 0, 255], [32.30, 79.19, -107.86]),
            ([18, 120, 77], [44.21, -38.19, 15.94]),
        ] {
            let found = lab(rgb);
            assert!(found.iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 0.25), "{rgb:?}: {found:?}");
        }
    }

    #[test]
    fn a_picture_in_two_halves_is_described_as_it_is() {
        let picture = RgbImage::from_fn(10, 10, |x, _| if x < 5 { Rgb([0, 0, 0]) } else { Rgb([255, 255, 255]) });
        let row = colour_row(&picture);
        let names = colour_names();
        assert_eq!(row.len(), names.len());
        let of = |name: &str| row[names.iter().position(|known| known == name).unwrap()];
        assert_eq!((of("lightness_00"), of("lightness_11")), (0.5, 0.5));
        assert!((of("lightness_mean") - 0.5).abs() < 1e-4 && (of("lightness_deviation") - 0.5).abs() < 1e-4);
        assert!(of("colourfulness") < 1e-6 && (of("contrast") - 1.0).abs() < 1e-4);
        // Hasler and Süsstrunk of one red: both opponents are constant, so 0.3 of their length.
        let red = colour_row(&RgbImage::from_pixel(4, 4, Rgb([255, 0, 0])));
        let expected = 0.3 * 255f32.hypot(127.5) / 100.0;
        assert!((red[names.len() - 2] - expected).abs() < 1e-5 && red[names.len() - 1] == 0.0);
    }
}
