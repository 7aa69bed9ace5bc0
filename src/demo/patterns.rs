//! Ornament: kaleidoscopes and calm waves.

use std::f32::consts::{PI, TAU};

use rand::Rng;

use super::canvas::{Canvas, WHITE, circle, hsl, mix};
use crate::random::Generator;

/// A kaleidoscope of six to twelve mirrors.
pub(super) fn kaleidoscope(canvas: &mut Canvas, random: &mut Generator) {
    let mirrors = random.gen_range(3..7) as f32 * 2.0;
    let hue: f32 = random.gen_range(0.0..1.0);
    let spread: f32 = random.gen_range(0.12..0.42);
    let lightness: f32 = random.gen_range(0.40..0.56);
    let waves: Vec<[f32; 4]> = (0..5)
        .map(|_| {
            [
                random.gen_range(6.0..26.0),
                random.gen_range(-14.0..14.0),
                random.gen_range(0.0..TAU),
                random.gen_range(0.5..1.0),
            ]
        })
        .collect();
    canvas.shade(|x, y| {
        let radius = (x * x + y * y).sqrt();
        let sector = PI / mirrors;
        let mut angle = y.atan2(x).rem_euclid(2.0 * sector);
        if angle > sector {
            angle = 2.0 * sector - angle;
        }
        let (px, py) = (radius * angle.cos(), radius * angle.sin());
        let value: f32 = waves
            .iter()
            .map(|[u, v, phase, weight]| {
                weight * (u * px + v * py * 2.0 + phase + 2.0 * (9.0 * radius + phase).sin()).sin()
            })
            .sum();
        let petal = (value * 1.3).sin();
        let line = 1.0 - (petal.abs() * 7.0).min(1.0);
        let base = hsl(hue + spread * value * 0.35 + 0.15 * radius, 0.62, lightness + 0.20 * petal);
        let glow = (1.0 - radius * 1.5).max(0.0).powi(2);
        mix(mix(base, [1.0, 0.93, 0.75], line * 0.75), WHITE, glow * 0.45)
    });
}

/// Rows of overlapping scales (seigaiha, "blue sea waves"), fading with the light.
pub(super) fn waves(canvas: &mut Canvas, random: &mut Generator) {
    let (w, h, u) = (canvas.w, canvas.h, canvas.u);
    let hue = random.gen_range(0.48..0.64);
    let radius = random.gen_range(30.0..58.0) * u;
    let (light, deep) = (hsl(hue, 0.42, 0.86), hsl(hue + 0.03, 0.55, 0.36));
    canvas.sky(&[(0.0, light), (1.0, deep)]);
    let tilt: f32 = random.gen_range(-0.25..0.25);
    let rows = (h / (radius * 0.5)) as i32 + 4;
    for row in 0..rows {
        let y = row as f32 * radius * 0.5;
        let shift = if row % 2 == 0 { 0.0 } else { radius };
        let mut x = shift - radius * 2.0;
        while x < w + radius * 2.0 {
            let depth = (y / h + tilt * (x / w - 0.5)).clamp(0.0, 1.0);
            let sea = mix(light, deep, depth * 0.85 + random.gen_range(0.0..0.10));
            for ring in 0..4 {
                let size = radius * (1.0 - ring as f32 * 0.24);
                canvas.fill(circle(x, y, size), mix(sea, WHITE, 0.82), 1.0);
                canvas.fill(circle(x, y, size - 2.0 * u), mix(sea, deep, 0.12 * ring as f32), 1.0);
            }
            x += radius * 2.0;
        }
    }
    canvas.glow(w * random.gen_range(0.2..0.8), 0.0, h * 0.9, WHITE, 0.55);
}
