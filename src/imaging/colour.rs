//! Colour: whatever a file holds becomes sRGB with 8 bits a channel and no alpha.

use image::{DynamicImage, RgbImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Differences up to this are rounding, not another colour space.
const SAME_COLOUR: u8 = 2;

/// Reduces to 8-bit RGB; what is transparent shows white.
pub(super) fn flatten(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let over_white = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let image = image.into_rgba8();
    let mut flat = RgbImage::new(image.width(), image.height());
    for (target, source) in flat.pixels_mut().zip(image.pixels()) {
        let [red, green, blue, alpha] = source.0;
        target.0 = [red, green, blue].map(|value| over_white(value, alpha));
    }
    flat
}

/// Converts the picture from the RGB colour space of the embedded ICC `profile` (Display P3, Adobe RGB …) to
/// sRGB. A profile that is damaged, not for RGB, or as good as sRGB leaves the picture as it is.
pub(super) fn to_srgb(image: &mut RgbImage, profile: &[u8]) {
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
