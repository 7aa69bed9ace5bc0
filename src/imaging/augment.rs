//! New pictures from a square one: turned, moved up or down, mirrored; the training part's augmentation.
//!
//! What a copy looks like follows from the seed, the picture's content and the copy's number alone ([`Augmentation::drawn`]),
//! so that any copy can be shown again. Mirroring, turning and moving are one mapping, applied in one bilinear pass
//! ([`augmented`]). Where the mapping looks beyond the picture it sees the picture reflected at its edge. Coordinates
//! and weights are whole numbers of small fractions of a pixel, so the result does not depend on the machine.

use image::RgbImage;
use rand::Rng;

use crate::random::generator;

/// How far copies may go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AugmentationLimits {
    /// Most that a copy is turned to either side, in degrees, 0 to 180. The paper: 45.
    pub rotation_degrees: f64,
    /// Most that a copy is moved up or down, as a share of its height, 0 to 1.
    pub translation_share: f64,
    /// Whether half of the copies, drawn at random, are mirrored left to right.
    pub flip: bool,
}

impl AugmentationLimits {
    /// A text that is the same where the limits are, for the keys of caches.
    pub fn key(&self) -> String {
        format!("{} {} {}", self.rotation_degrees, self.translation_share, self.flip)
    }
}

/// What is done to a picture: first mirrored, then turned around its centre, then moved.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// Angle in degrees, counter-clockwise as seen on a screen.
    pub rotation_degrees: f64,
    /// Way down as a share of the height; negative is up.
    pub translation_share: f64,
    /// Mirrored left to right.
    pub mirrored: bool,
}

impl Augmentation {
    /// What makes copy `copy` of the picture with this content hash. Copy 0 is the picture itself.
    pub fn drawn(limits: &AugmentationLimits, seed: u64, content_hash: &str, copy: u32) -> Self {
        if copy == 0 {
            return Self::default();
        }
        let mut random = generator(seed, &format!("augmentation {content_hash} {copy}"));
        // Always three draws, so that one limit does not change what another one gives.
        let mut between = |limit: f64| limit * random.gen_range(-1.0..=1.0);
        let rotation_degrees = between(limits.rotation_degrees);
        let translation_share = between(limits.translation_share);
        Self { rotation_degrees, translation_share, mirrored: random.gen_bool(0.5) && limits.flip }
    }
}

/// Bits of a coordinate below one pixel.
const COORDINATE_BITS: u32 = 32;
/// Bits of a bilinear weight; two of them and a byte fill a `u32`.
const WEIGHT_BITS: u32 = 11;

/// `image`, which must be square, after `augmentation`; bilinear, edges by reflection.
pub fn augmented(image: &RgbImage, augmentation: &Augmentation) -> RgbImage {
    debug_assert_eq!(image.width(), image.height());
    if *augmentation == Augmentation::default() {
        return image.clone();
    }
    let size = image.height().min(image.width());
    let one = (1u64 << COORDINATE_BITS) as f64;
    let fixed = |value: f64| (value * one).round() as i64;
    let centre = (f64::from(size) - 1.0) / 2.0;
    let shift = augmentation.translation_share * f64::from(size);
    let (sine, cosine) = augmentation.rotation_degrees.to_radians().sin_cos();
    let side = if augmentation.mirrored { -1.0 } else { 1.0 };
    // The place in the source of the pixel (0, 0), and how it moves with each column and each row.
    let (left, top) = (-centre, -centre - shift);
    let start = (fixed(side * (cosine * left - sine * top) + centre), fixed(sine * left + cosine * top + centre));
    let by_column = (fixed(side * cosine), fixed(sine));
    let by_row = (fixed(-side * sine), fixed(cosine));

    let source = image.as_raw();
    let length = i64::from(size);
    let stride = 3 * image.width() as usize;
    let mut result = RgbImage::new(size, size);
    for (row, pixels) in (0i64..).zip(result.as_mut().chunks_exact_mut(3 * (size as usize).max(1))) {
        let (mut x, mut y) = (start.0 + row * by_row.0, start.1 + row * by_row.1);
        for pixel in pixels.chunks_exact_mut(3) {
            let (column, line) = (x >> COORDINATE_BITS, y >> COORDINATE_BITS);
            let (right, below) = (weight(x), weight(y));
            let inside = column >= 0 && line >= 0 && column + 1 < length && line + 1 < length;
            let [c0, c1, l0, l1] = if inside {
                [column, column + 1, line, line + 1].map(|place| place as usize)
            } else {
                [column, column + 1, line, line + 1].map(|place| reflected(place, length))
            };
            let full = 1 << WEIGHT_BITS;
            let weights =
                [(full - right) * (full - below), right * (full - below), (full - right) * below, right * below];
            let places = [l0 * stride + 3 * c0, l0 * stride + 3 * c1, l1 * stride + 3 * c0, l1 * stride + 3 * c1];
            for (channel, value) in pixel.iter_mut().enumerate() {
                let sum: u32 = (0..4).map(|tap| u32::from(source[places[tap] + channel]) * weights[tap]).sum();
                *value = ((sum + (1 << (2 * WEIGHT_BITS - 1))) >> (2 * WEIGHT_BITS)) as u8;
            }
            x += by_column.0;
            y += by_column.1;
        }
    }
    result
}

/// The part of a coordinate below one pixel as a weight.
fn weight(coordinate: i64) -> u32 {
    let fraction = (coordinate & ((1 << COORDINATE_BITS) - 1)) as u64;
    ((fraction + (1 << (COORDINATE_BITS - WEIGHT_BITS - 1))) >> (COORDINATE_BITS - WEIGHT_BITS)) as u32
}

/// A place beyond `0..length` reflected into it: … 1 0 | 0 1 … n−1 | n−1 n−2 …
fn reflected(place: i64, length: i64) -> usize {
    let folded = place.rem_euclid(2 * length);
    (if folded < length { folded } else { 2 * length - 1 - folded }) as usize
}

/// (1 − u)·one + u·other, byte by byte; both must have the same size, `u` lies in 0 to 1.
pub fn mixed(one: &RgbImage, other: &RgbImage, u: f32) -> RgbImage {
    debug_assert_eq!(one.dimensions(), other.dimensions());
    let mut result = one.clone();
    for (value, &other) in result.as_mut().iter_mut().zip(other.as_raw()) {
        let (from, to) = (f32::from(*value), f32::from(other));
        *value = (from + u * (to - from)).round() as u8;
    }
    result
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use image::Rgb;

    const LIMITS: AugmentationLimits =
        AugmentationLimits { rotation_degrees: 45.0, translation_share: 0.1, flip: true };

    fn picture(size: u32) -> RgbImage {
        RgbImage::from_fn(size, size, |x, y| Rgb([(x * 37 + y * 5) as u8, (y * 29) as u8, (x * y) as u8]))
    }

    #[test]
    fn nothing_mirrored_and_quarter_turns_are_exact() {
        for size in [1, 2, 7, 16] {
            let image = picture(size);
            let last = size - 1;
            let with = |rotation_degrees, mirrored| {
                augmented(&image, &Augmentation { rotation_degrees, mirrored, ..Augmentation::default() })
            };
            assert_eq!(with(0.0, false), image);
            assert_eq!(with(360.0, false), image);
            assert_eq!(with(0.0, true), RgbImage::from_fn(size, size, |x, y| *image.get_pixel(last - x, y)));
            // Counter-clockwise: what was at the right is at the top.
            assert_eq!(with(90.0, false), RgbImage::from_fn(size, size, |x, y| *image.get_pixel(last - y, x)));
            assert_eq!(with(180.0, false), RgbImage::from_fn(size, size, |x, y| *image.get_pixel(last - x, last - y)));
            // Mirrored first, then turned.
            assert_eq!(with(90.0, true), RgbImage::from_fn(size, size, |x, y| *image.get_pixel(y, x)));
        }
    }

    #[test]
    fn moving_reflects_at_the_edge() {
        let image = picture(10);
        let moved =
            |translation_share| augmented(&image, &Augmentation { translation_share, ..Augmentation::default() });
        for (down, rows) in [(0.2, [1, 0, 0, 1, 2]), (-0.1, [1, 2, 3, 4, 5]), (1.5, [5, 6, 7, 8, 9])] {
            let moved = moved(down);
            for (y, from) in rows.into_iter().enumerate() {
                assert_eq!(moved.get_pixel(3, y as u32), image.get_pixel(3, from), "{down} {y}");
            }
        }
    }

    #[test]
    fn copies_are_drawn_within_their_limits_and_again_the_same() {
        let draw = |copy| Augmentation::drawn(&LIMITS, 3, "hash", copy);
        assert_eq!(draw(0), Augmentation::default());
        let copies: Vec<Augmentation> = (1..=400).map(draw).collect();
        assert!(copies.iter().all(|copy| copy.rotation_degrees.abs() <= 45.0 && copy.translation_share.abs() <= 0.1));
        let mean = |value: fn(&Augmentation) -> f64| copies.iter().map(value).sum::<f64>() / 400.0;
        // Five standard errors of a uniform distribution and of a coin.
        assert!(mean(|copy| copy.rotation_degrees).abs() < 5.0 * 45.0 / 1200f64.sqrt());
        assert!((mean(|copy| copy.rotation_degrees.abs()) - 22.5).abs() < 5.0 * 13.0 / 20.0);
        assert!((mean(|copy| copy.translation_share.abs()) - 0.05).abs() < 5.0 * 0.029 / 20.0);
        assert!((mean(|copy| f64::from(u8::from(copy.mirrored))) - 0.5).abs() < 5.0 * 0.5 / 20.0);
        assert_eq!(copies[7], draw(8));
        let unflipped = AugmentationLimits { flip: false, rotation_degrees: 10.0, ..LIMITS };
        let other = Augmentation::drawn(&unflipped, 3, "hash", 8);
        assert_eq!((other.translation_share, other.mirrored), (copies[7].translation_share, false));
        for (seed, hash, copy) in [(4, "hash", 8), (3, "hush", 8), (3, "hash", 9)] {
            assert_ne!(Augmentation::drawn(&LIMITS, seed, hash, copy), copies[7]);
        }
    }

    #[test]
    fn mixing_goes_from_one_to_the_other() {
        let (one, other) = (picture(4), augmented(&picture(4), &Augmentation { mirrored: true, ..Default::default() }));
        assert_eq!(mixed(&one, &other, 0.0), one);
        assert_eq!(mixed(&one, &other, 1.0), other);
        let black = RgbImage::new(1, 1);
        let grey = RgbImage::from_pixel(1, 1, Rgb([200, 101, 0]));
        assert_eq!(mixed(&black, &grey, 0.25).get_pixel(0, 0), &Rgb([50, 25, 0]));
    }
}
