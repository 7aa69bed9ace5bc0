//! Hashes: one that names the file, one that finds pictures that look alike.

use std::f32::consts::PI;

use image::RgbImage;

use super::resize::{Filter, resized};

/// Side of the small grey picture that is transformed.
const SIDE: usize = 32;
/// Frequencies kept in each direction.
const KEPT: usize = 8;

/// The name of a picture: BLAKE3 of the file's bytes, 64 hexadecimal digits.
pub fn content_hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// A 64-bit hash that changes little when the picture is scaled, recompressed or slightly retouched.
///
/// The picture is shrunk to 32 × 32 grey values, transformed by a two-dimensional cosine transform (DCT-II), and
/// each of the 8 × 8 lowest frequencies gives one bit: whether it is above their median. Alike pictures differ
/// in few bits (Hamming distance). A picture of one plain colour has nothing but a mean and gives 1.
pub fn perceptual_hash(image: &RgbImage) -> u64 {
    let small = resized(image, SIDE as u32, SIDE as u32, None, Filter::Bilinear);
    let grey: Vec<f32> = small
        .pixels()
        .map(|pixel| 0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2]))
        .collect();
    let cosine =
        |frequency: usize, position: usize| (PI / SIDE as f32 * (position as f32 + 0.5) * frequency as f32).cos();

    // Rows first, KEPT frequencies of each, then the columns of what is left.
    let mut rows = [[0.0_f32; KEPT]; SIDE];
    for (y, row) in rows.iter_mut().enumerate() {
        for (u, value) in row.iter_mut().enumerate() {
            *value = (0..SIDE).map(|x| grey[y * SIDE + x] * cosine(u, x)).sum();
        }
    }
    let mut frequencies = [0.0_f32; KEPT * KEPT];
    for v in 0..KEPT {
        for u in 0..KEPT {
            let sum: f32 = (0..SIDE).map(|y| rows[y][u] * cosine(v, y)).sum();
            // Rounding noise must not decide bits of plain pictures.
            frequencies[v * KEPT + u] = if sum.abs() < 1.0 { 0.0 } else { sum };
        }
    }

    let mut sorted = frequencies;
    sorted.sort_by(f32::total_cmp);
    let median = (sorted[31] + sorted[32]) / 2.0;
    frequencies.iter().enumerate().filter(|(_, value)| **value > median).fold(0, |hash, (bit, _)| hash | 1 << bit)
}
