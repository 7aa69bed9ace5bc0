//! Turns a painting into a pencil sketch: lines where it changes, hatching where it is dark, paper around.

use image::RgbImage;
use image::imageops;
use rand::Rng;

use crate::random::Generator;

/// The painting as a sketch on white paper.
pub(super) fn sketch(painting: &RgbImage, random: &mut Generator) -> RgbImage {
    let unit = painting.width().min(painting.height()) as f32 / 360.0;
    let soft = imageops::grayscale(&imageops::blur(painting, 1.1 * unit));
    let (width, height) = soft.dimensions();
    let tone = |x: i64, y: i64| {
        let (x, y) = (x.clamp(0, i64::from(width) - 1), y.clamp(0, i64::from(height) - 1));
        f32::from(soft.get_pixel(x as u32, y as u32)[0]) / 255.0
    };
    // Strokes are neither even nor straight: their pressure and place drift.
    let phases: [f32; 4] = [0.0; 4].map(|_: f32| random.gen_range(0.0..6.3));
    let (margin_x, margin_y) =
        (width as f32 * random.gen_range(0.03..0.08), height as f32 * random.gen_range(0.03..0.08));
    RgbImage::from_fn(width, height, |px, py| {
        let (x, y) = (i64::from(px), i64::from(py));
        let (fx, fy) = (px as f32 / unit, py as f32 / unit);
        let step = unit.round().max(1.0) as i64;
        let slope = (tone(x + step, y) - tone(x - step, y)).hypot(tone(x, y + step) - tone(x, y - step));
        let line = ((slope - 0.035) * 6.5).clamp(0.0, 0.95);
        let wobble = 1.6 * (fx * 0.021 + phases[0]).sin() + 1.6 * (fy * 0.027 + phases[1]).sin();
        let hatch = |direction: f32, spacing: f32| {
            let place = (fx + direction * fy + wobble * 1.5) / spacing;
            let stroke = 1.0 - ((place.fract() + 1.0).fract() - 0.5).abs() * 2.0;
            ((stroke - 0.45) * 2.2).clamp(0.0, 1.0)
        };
        let dark = 1.0 - tone(x, y);
        let pressure = 0.75 + 0.25 * (fx * 0.05 + fy * 0.031 + phases[2]).sin();
        let first = ((dark - 0.24) * 1.5).clamp(0.0, 0.62) * hatch(1.0, 4.6);
        let second = ((dark - 0.55) * 1.6).clamp(0.0, 0.60) * hatch(-0.8, 5.2);
        let wash = ((dark - 0.3) * 0.22).clamp(0.0, 0.16);
        // The drawing fades out before the edge of the paper.
        let edge = ((px as f32 / margin_x).min((width - px) as f32 / margin_x))
            .min((py as f32 / margin_y).min((height - py) as f32 / margin_y));
        let fade = (edge - 0.6 + 0.4 * wobble / 3.0).clamp(0.0, 1.0);
        let tooth = random.gen_range(0.72..1.0);
        let graphite = (line.max((first + second) * pressure) * tooth + wash).min(0.92) * fade;
        let paper = 0.975 + random.gen_range(-0.012..0.012);
        [0.0, 0.003, 0.012].map(|warm: f32| ((paper - warm - graphite * 0.84) * 255.0).clamp(0.0, 255.0) as u8).into()
    })
}
