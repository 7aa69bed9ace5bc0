//! Colour: whatever a file holds becomes sRGB with 8 bits a channel and no alpha.

use image::{ColorType, DynamicImage, RgbImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Differences up to this are rounding, not another colour space.
const SAME_COLOUR: u8 = 2;

/// A profile larger than this is no real one and is not looked at.
const LARGEST_PROFILE_BYTES: usize = 4_000_000;

/// Reduces to 8-bit RGB; what is transparent shows white. See [`flattening_bytes`] for what it takes.
pub(super) fn flatten(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let over_white = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let image = image.into_rgba8();
    let (width, height) = image.dimensions();
    // In its place: the copy of a large picture would be as large as itself.
    let mut samples = image.into_raw();
    let pixels = samples.len() / 4;
    for pixel in 0..pixels {
        let [red, green, blue, alpha] = [0, 1, 2, 3].map(|channel| samples[4 * pixel + channel]);
        let flat = [red, green, blue].map(|value| over_white(value, alpha));
        samples[3 * pixel..3 * pixel + 3].copy_from_slice(&flat);
    }
    samples.truncate(3 * pixels);
    samples.shrink_to_fit();
    RgbImage::from_raw(width, height, samples).unwrap_or_default()
}

/// What [`flatten`] takes at its height beside the picture of `pixels` itself, in bytes.
pub(super) fn flattening_bytes(colour: ColorType, pixels: u64) -> u64 {
    match colour {
        ColorType::Rgb8 | ColorType::Rgba8 => 0,
        other if other.has_alpha() => 4 * pixels,
        _ => 3 * pixels,
    }
}

/// Converts the picture from the RGB colour space of the embedded ICC `profile` (Display P3, Adobe RGB …) to
/// sRGB. A profile that is damaged, not for RGB, or as good as sRGB leaves the picture as it is.
pub(super) fn to_srgb(image: &mut RgbImage, profile: &[u8]) {
    if profile.len() > LARGEST_PROFILE_BYTES {
        return;
    }
    let Ok(profile) = ColorProfile::new_from_slice(profile) else { return };
    if profile.color_space != DataColorSpace::Rgb {
        return;
    }
    let srgb = ColorProfile::new_srgb();
    let Ok(transform) = profile.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, TransformOptions::default())
    else {
        return;
    };

    // Every combination of five levels a channel.
    let level = |step: u32| (step % 5 * 255 / 4) as u8;
    let probe: Vec<u8> = (0..125).flat_map(|step| [level(step / 25), level(step / 5), level(step)]).collect();
    let mut converted = vec![0; probe.len()];
    let is_srgb = transform.transform(&probe, &mut converted).is_err()
        || probe.iter().zip(&converted).all(|(before, after)| before.abs_diff(*after) <= SAME_COLOUR);
    if is_srgb {
        return;
    }

    let row_bytes = image.width() as usize * 3;
    let mut converted = vec![0; row_bytes];
    for row in image.as_mut().chunks_exact_mut(row_bytes) {
        if transform.transform(row, &mut converted).is_ok() {
            row.copy_from_slice(&converted);
        }
    }
}
