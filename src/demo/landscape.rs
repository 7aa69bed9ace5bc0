//! Skies, hills, trees, houses, weather and water.

use std::f32::consts::TAU;

use rand::Rng;

use super::canvas::{BLACK, Canvas, Rgb, WHITE, circle, curve, ellipse, hsl, mix, polygon, polyline, rectangle};
use crate::random::Generator;

/// The time and weather of a landscape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    Day,
    Dusk,
    Storm,
    Night,
}

/// What was put into a landscape.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LandscapeFacts {
    pub houses: usize,
    pub trees: usize,
    pub water: bool,
    pub lightning: bool,
}

/// The colours of one landscape.
struct Palette {
    sky: [Rgb; 3],
    light: Rgb,
    /// Where distance fades to.
    haze: Rgb,
    near: Rgb,
    cloud: (Rgb, Rgb),
}

impl Palette {
    fn new(weather: Weather, random: &mut Generator) -> Self {
        let hue = random.gen_range(-0.03..0.03);
        match weather {
            Weather::Day => Self {
                sky: [hsl(0.58 + hue, 0.68, 0.56), hsl(0.56 + hue, 0.72, 0.73), hsl(0.53 + hue, 0.65, 0.89)],
                light: [1.0, 0.97, 0.82],
                haze: hsl(0.55 + hue, 0.45, 0.82),
                near: hsl(0.30 + hue * 2.0, 0.44, 0.33),
                cloud: (WHITE, hsl(0.60, 0.35, 0.80)),
            },
            Weather::Dusk => Self {
                sky: [hsl(0.69 + hue, 0.42, 0.32), hsl(0.94 + hue, 0.52, 0.60), hsl(0.08 + hue, 0.92, 0.70)],
                light: [1.0, 0.84, 0.55],
                haze: hsl(0.02 + hue, 0.55, 0.66),
                near: hsl(0.76 + hue, 0.34, 0.15),
                cloud: (hsl(0.04 + hue, 0.85, 0.76), hsl(0.84 + hue, 0.30, 0.46)),
            },
            Weather::Storm => Self {
                sky: [hsl(0.61 + hue, 0.20, 0.15), hsl(0.59 + hue, 0.16, 0.28), hsl(0.55 + hue, 0.14, 0.46)],
                light: [0.80, 0.86, 0.92],
                haze: hsl(0.57 + hue, 0.13, 0.42),
                near: hsl(0.55 + hue, 0.18, 0.12),
                cloud: (hsl(0.59, 0.11, 0.38), hsl(0.61, 0.18, 0.15)),
            },
            Weather::Night => Self {
                sky: [hsl(0.66 + hue, 0.58, 0.09), hsl(0.63 + hue, 0.52, 0.18), hsl(0.58 + hue, 0.42, 0.34)],
                light: [0.98, 0.96, 0.85],
                haze: hsl(0.61 + hue, 0.36, 0.31),
                near: hsl(0.64 + hue, 0.45, 0.07),
                cloud: (hsl(0.62, 0.30, 0.36), hsl(0.64, 0.38, 0.18)),
            },
        }
    }
}

/// Paints a landscape over the whole sheet. With `quiet` the foreground is left free for somebody to stand in.
pub(super) fn paint(canvas: &mut Canvas, weather: Weather, quiet: bool, random: &mut Generator) -> LandscapeFacts {
    let palette = Palette::new(weather, random);
    let (w, h, u) = (canvas.w, canvas.h, canvas.u);
    let mut facts = LandscapeFacts::default();
    let horizon = h * random.gen_range(0.50..0.62);

    let [top, middle, low] = palette.sky;
    canvas.sky(&[(0.0, top), (0.33, middle), (horizon / h, low), (1.0, low)]);
    let sun = (w * random.gen_range(0.18..0.82), horizon * random.gen_range(0.2..0.45));
    match weather {
        Weather::Day => {
            canvas.glow(sun.0, sun.1, 190.0 * u, palette.light, 0.85);
            canvas.glow(sun.0, sun.1, 46.0 * u, WHITE, 1.0);
        }
        Weather::Dusk => {
            let y = horizon - random.gen_range(12.0..60.0) * u;
            canvas.glow(sun.0, y, 330.0 * u, [1.0, 0.62, 0.32], 0.75);
            canvas.glow(sun.0, y, 130.0 * u, palette.light, 0.9);
            canvas.fill(circle(sun.0, y, random.gen_range(20.0..36.0) * u), [1.0, 0.95, 0.80], 1.0);
        }
        Weather::Night => {
            milky_way(canvas, horizon, random);
            stars(canvas, horizon, random);
            moon(canvas, sun, top, palette.light, random);
        }
        Weather::Storm => canvas.glow(sun.0, horizon, 260.0 * u, palette.light, 0.35),
    }
    let clouds = match weather {
        Weather::Day => random.gen_range(2..6),
        Weather::Dusk => random.gen_range(2..5),
        Weather::Storm => random.gen_range(9..13),
        Weather::Night => random.gen_range(0..3),
    };
    for _ in 0..clouds {
        let height = if weather == Weather::Storm { 0.45 } else { 0.78 };
        let place = (w * random.gen_range(-0.05..1.05), horizon * random.gen_range(0.06..height));
        let size =
            u * if weather == Weather::Storm { random.gen_range(60.0..115.0) } else { random.gen_range(32.0..74.0) };
        let flat = if weather == Weather::Dusk { 0.28 } else { 0.55 };
        cloud(canvas, place, size, flat, palette.cloud, random);
    }
    if weather == Weather::Storm && random.gen_bool(0.55) {
        facts.lightning = true;
        lightning(canvas, horizon, random);
    }
    if matches!(weather, Weather::Day | Weather::Dusk) && random.gen_bool(0.6) {
        birds(canvas, horizon, mix(palette.near, low, 0.25), random);
    }

    // Hills from far to near; distance takes their colour.
    facts.water = random.gen_bool(0.45);
    let shore = horizon + h * random.gen_range(0.06..0.12);
    let layers = random.gen_range(4..6);
    let mountains = random.gen_bool(0.5);
    for layer in 0..layers {
        let near = layer as f32 / (layers - 1) as f32;
        let reach = if facts.water { shore + 2.0 * u } else { h * 0.97 };
        let base = horizon - 6.0 * u + (reach - horizon) * near * if facts.water { 0.9 } else { 0.80 };
        let rocky = mountains && near < 0.5;
        let amplitude =
            u * if rocky { random.gen_range(55.0..95.0) } else { random.gen_range(14.0..32.0) } * (1.0 - near * 0.35);
        let ridge = ridge(w, base, amplitude, rocky, random);
        let colour = mix(palette.haze, palette.near, (0.12 + 0.88 * near).powf(0.85));
        let mist = mix(colour, palette.haze, 0.5 - 0.35 * near);
        let mut outline = ridge.clone();
        outline.extend([(w, h), (0.0, h)]);
        let lit = mix(colour, palette.light, if weather == Weather::Day { 0.16 } else { 0.06 });
        canvas.fill_down(polygon(&outline), lit, mist);

        let last = layer + 1 == layers;
        if near >= 0.3 && !(quiet && last) {
            let height = u * (9.0 + 34.0 * near) * if facts.water { 0.8 } else { 1.0 };
            let tree_colour = mix(colour, BLACK, 0.28);
            let wooded = random.gen_range(0.2..0.9);
            let mut x = random.gen_range(0.0..30.0) * u;
            let conifers = random.gen_bool(0.5);
            while x < w {
                if random.gen_bool(wooded) {
                    let foot = height_at(&ridge, x) + 2.0 * u;
                    let tall = height * random.gen_range(0.7..1.4);
                    tree(canvas, (x, foot), tall, tree_colour, conifers, lit);
                    facts.trees += 1;
                }
                x += height * random.gen_range(0.35..1.5);
            }
            let houses = if near >= 0.45 { random.gen_range(0..4) } else { 0 };
            for _ in 0..houses {
                let x = w * random.gen_range(0.06..0.94);
                let foot = height_at(&ridge, x) + 3.0 * u;
                let lit = !matches!(weather, Weather::Day);
                house(
                    canvas,
                    (x, foot),
                    height * random.gen_range(0.55..0.8),
                    mix(colour, palette.light, 0.25),
                    lit,
                    random,
                );
                facts.houses += 1;
            }
        }
    }
    if facts.water {
        let tint = mix(palette.sky[1], palette.near, 0.35);
        canvas.reflect(shore, tint, random);
        for _ in 0..26 {
            let depth: f32 = random.gen_range(0.02_f32..1.0).powf(1.5);
            let (x, y) = (w * random.gen_range(0.0..1.0), shore + (h - shore) * depth);
            let half = u * (4.0 + 36.0 * depth) * random.gen_range(0.4..1.0);
            canvas.soft_ellipse(x, y, half, 0.7 * u + depth * u, palette.light, 0.16);
        }
        if quiet {
            bank(canvas, &palette, weather, random);
        }
    } else if weather == Weather::Day && random.gen_bool(0.7) {
        flowers(canvas, random);
    }
    if weather == Weather::Storm {
        rain(canvas, palette.light, 0.9, random);
    }
    if weather == Weather::Night && !facts.water && random.gen_bool(0.6) {
        for _ in 0..18 {
            let (x, y) = (w * random.gen_range(0.0..1.0), h * random.gen_range(0.72..0.98));
            canvas.glow(x, y, 7.0 * u, [0.95, 1.0, 0.55], 0.75);
            canvas.fill(circle(x, y, 1.1 * u), [1.0, 1.0, 0.8], 0.9);
        }
    }
    facts
}

/// The near shore of a lake, to stand on.
fn bank(canvas: &mut Canvas, palette: &Palette, weather: Weather, random: &mut Generator) {
    let (w, h, u) = (canvas.w, canvas.h, canvas.u);
    let mut outline = ridge(w, h * 0.865, 7.0 * u, false, random);
    outline.extend([(w, h), (0.0, h)]);
    let lit = mix(palette.near, palette.light, if weather == Weather::Day { 0.22 } else { 0.08 });
    canvas.fill_down(polygon(&outline), lit, palette.near);
}

/// The points of a hill's or mountain's upper edge from left to right.
fn ridge(w: f32, base: f32, amplitude: f32, rocky: bool, random: &mut Generator) -> Vec<(f32, f32)> {
    let octaves: Vec<(f32, f32, f32)> = (0..if rocky { 7 } else { 4 })
        .map(|octave| {
            let frequency = 2.0_f32.powi(octave) * random.gen_range(0.7..1.3);
            (frequency, random.gen_range(0.0..1.0), 0.52_f32.powi(octave))
        })
        .collect();
    let steps = 160;
    (0..=steps)
        .map(|step| {
            let x = step as f32 / steps as f32;
            let sum: f32 = octaves
                .iter()
                .map(|(frequency, phase, weight)| {
                    let wave = (TAU * (frequency * x + phase)).sin();
                    weight * if rocky { 1.0 - 2.0 * wave.abs() } else { wave }
                })
                .sum();
            (x * w, base - amplitude * sum * 0.6)
        })
        .collect()
}

fn height_at(ridge: &[(f32, f32)], x: f32) -> f32 {
    let step = ridge.partition_point(|(at, _)| *at < x).min(ridge.len() - 1);
    ridge[step].1
}

fn cloud(
    canvas: &mut Canvas,
    (x, y): (f32, f32),
    size: f32,
    flat: f32,
    (lit, shaded): (Rgb, Rgb),
    random: &mut Generator,
) {
    let puffs: Vec<(f32, f32, f32)> = (0..14)
        .map(|_| {
            let along: f32 = random.gen_range(-1.0..1.0);
            let high = (1.0 - along * along) * random.gen_range(0.0..1.0);
            (
                x + along * size * 1.5,
                y - high * size * flat,
                size * random.gen_range(0.55..0.95) * (1.0 - 0.4 * along.abs()),
            )
        })
        .collect();
    for (x, y, radius) in &puffs {
        canvas.glow(*x, y + radius * 0.35, radius * 1.15, shaded, 0.5);
    }
    for (x, y, radius) in &puffs {
        canvas.glow(x - radius * 0.12, y - radius * 0.18, *radius, lit, 0.6);
    }
}

fn stars(canvas: &mut Canvas, horizon: f32, random: &mut Generator) {
    let u = canvas.u;
    for _ in 0..random.gen_range(110..260) {
        let (x, y) = (canvas.w * random.gen_range(0.0..1.0), horizon * random.gen_range(0.0..1.0));
        let bright: f32 = random.gen_range(0.0_f32..1.0).powi(3);
        let tint = hsl(random.gen_range(0.55..0.75), 0.5, 0.9);
        canvas.fill(circle(x, y, (0.45 + 0.9 * bright) * u), tint, 0.45 + 0.55 * bright);
        if bright > 0.7 {
            canvas.glow(x, y, 7.0 * u, tint, 0.5);
        }
    }
}

fn milky_way(canvas: &mut Canvas, horizon: f32, random: &mut Generator) {
    if random.gen_bool(0.4) {
        return;
    }
    let (start, end) = (random.gen_range(0.0..0.4) * canvas.w, random.gen_range(0.6..1.0) * canvas.w);
    for _ in 0..60 {
        let along: f32 = random.gen_range(0.0..1.0);
        let spread = random.gen_range(-22.0..22.0) * canvas.u;
        let (x, y) = (start + (end - start) * along + spread, horizon * along + spread);
        let tint = hsl(random.gen_range(0.58..0.82), 0.5, 0.66);
        canvas.glow(x, y, random.gen_range(20.0..52.0) * canvas.u, tint, 0.07);
    }
}

fn moon(canvas: &mut Canvas, (x, y): (f32, f32), sky: Rgb, light: Rgb, random: &mut Generator) {
    let radius = random.gen_range(15.0..34.0) * canvas.u;
    canvas.glow(x, y, radius * 5.0, light, 0.45);
    let full = random.gen_bool(0.55);
    let disc = if full { circle(x, y, radius) } else { crescent(x, y, radius, random.gen_range(0.15..0.6)) };
    canvas.fill_lit(disc, x - radius * 0.3, y - radius * 0.3, radius * 1.6, light, mix(light, sky, 0.25));
    if full {
        for (dx, dy, size) in [(-0.3, -0.2, 0.2), (0.25, 0.3, 0.26), (0.3, -0.35, 0.12), (-0.2, 0.4, 0.14)] {
            canvas.fill(circle(x + dx * radius, y + dy * radius, size * radius), mix(light, sky, 0.3), 0.45);
        }
    }
}

/// The lit part of a waxing moon; `bulge` 0 is half, 1 is new.
fn crescent(x: f32, y: f32, radius: f32, bulge: f32) -> Option<tiny_skia::Path> {
    let tilt: f32 = -0.45;
    let edge = |angle: f32, width: f32| {
        let (along, across) = (radius * angle.sin(), radius * angle.cos() * width);
        (x + across * tilt.cos() - along * tilt.sin(), y + across * tilt.sin() + along * tilt.cos())
    };
    let angles = || (0..=40).map(|step| (step as f32 / 40.0 - 0.5) * TAU / 2.0);
    let mut points: Vec<_> = angles().map(|angle| edge(angle, 1.0)).collect();
    points.extend(angles().rev().map(|angle| edge(angle, bulge)));
    polygon(&points)
}

fn birds(canvas: &mut Canvas, horizon: f32, colour: Rgb, random: &mut Generator) {
    let (x, y) = (canvas.w * random.gen_range(0.2..0.8), horizon * random.gen_range(0.25..0.65));
    for _ in 0..random.gen_range(3..9) {
        let (x, y) = (x + random.gen_range(-60.0..60.0) * canvas.u, y + random.gen_range(-26.0..26.0) * canvas.u);
        let span = random.gen_range(3.0..7.0) * canvas.u;
        for side in [-1.0, 1.0] {
            let wing = curve((x, y), (x + side * span * 0.5, y - span * 0.8), (x + side * span, y - span * 0.15));
            canvas.stroke(wing, colour, 0.9, 1.2 * canvas.u);
        }
    }
}

fn lightning(canvas: &mut Canvas, horizon: f32, random: &mut Generator) {
    let u = canvas.u;
    let mut bolt = vec![(canvas.w * random.gen_range(0.2..0.8), horizon * 0.15)];
    while let Some((x, y)) = bolt.last().copied()
        && y < horizon
    {
        bolt.push((x + random.gen_range(-20.0..20.0) * u, y + random.gen_range(10.0..24.0) * u));
    }
    let middle = bolt[bolt.len() / 2];
    canvas.glow(middle.0, middle.1, 220.0 * u, [0.75, 0.82, 1.0], 0.5);
    for (width, alpha) in [(7.0, 0.12), (3.6, 0.35), (1.5, 1.0)] {
        canvas.stroke(polyline(&bolt), [0.93, 0.95, 1.0], alpha, width * u);
    }
    let branch = [middle, (middle.0 + 22.0 * u, middle.1 + 20.0 * u), (middle.0 + 28.0 * u, middle.1 + 44.0 * u)];
    canvas.stroke(polyline(&branch), [0.93, 0.95, 1.0], 0.8, 0.9 * u);
}

/// Slanting strokes of rain over the whole sheet; `strength` 1 is a downpour.
pub(super) fn rain(canvas: &mut Canvas, light: Rgb, strength: f32, random: &mut Generator) {
    let (w, h, u) = (canvas.w, canvas.h, canvas.u);
    let slant = random.gen_range(0.10..0.34);
    for _ in 0..(260.0 * strength) as usize {
        let (x, y) = (w * random.gen_range(-0.1..1.1), h * random.gen_range(-0.1..1.0));
        let length = random.gen_range(10.0..30.0) * u;
        let alpha = random.gen_range(0.10..0.34);
        canvas.line((x, y), (x - length * slant, y + length), light, alpha, random.gen_range(0.6..1.3) * u);
    }
}

fn flowers(canvas: &mut Canvas, random: &mut Generator) {
    let u = canvas.u;
    let hue = random.gen_range(0.0..1.0);
    for _ in 0..random.gen_range(40..110) {
        let depth: f32 = random.gen_range(0.0..1.0);
        let (x, y) = (canvas.w * random.gen_range(0.0..1.0), canvas.h * (0.84 + 0.16 * depth));
        let size = (1.2 + 2.6 * depth) * u;
        let petal = hsl(hue + random.gen_range(-0.12..0.12), 0.8, 0.74);
        canvas.line((x, y), (x, y + size * 3.0), [0.2, 0.42, 0.2], 0.7, 0.8 * u);
        for turn in 0..5 {
            let angle = TAU * turn as f32 / 5.0;
            canvas.fill(circle(x + size * angle.cos(), y + size * angle.sin(), size * 0.72), petal, 0.95);
        }
        canvas.fill(circle(x, y, size * 0.6), [1.0, 0.88, 0.35], 1.0);
    }
}

fn tree(canvas: &mut Canvas, (x, y): (f32, f32), height: f32, colour: Rgb, conifer: bool, lit: Rgb) {
    canvas.line((x, y), (x, y - height * 0.5), mix(colour, [0.2, 0.1, 0.05], 0.4), 1.0, height * 0.07);
    if conifer {
        for tier in 0..3 {
            let tier = tier as f32;
            let (foot, half) = (y - height * (0.14 + 0.24 * tier), height * (0.27 - 0.06 * tier));
            let shape = polygon(&[(x - half, foot), (x, foot - height * 0.42), (x + half, foot)]);
            canvas.fill_down(shape, mix(colour, lit, 0.22), colour);
        }
    } else {
        for (dx, dy, size) in [(-0.15, 0.52, 0.22), (0.16, 0.54, 0.21), (0.0, 0.72, 0.25)] {
            let (cx, cy, radius) = (x + dx * height, y - dy * height, size * height);
            canvas.fill_lit(
                circle(cx, cy, radius),
                cx - radius * 0.4,
                cy - radius * 0.5,
                radius * 1.5,
                mix(colour, lit, 0.35),
                colour,
            );
        }
    }
}

fn house(canvas: &mut Canvas, (x, y): (f32, f32), size: f32, wall: Rgb, lit: bool, random: &mut Generator) {
    let roof = if lit { mix(wall, BLACK, 0.55) } else { hsl(random.gen_range(0.0..0.08), 0.5, 0.42) };
    let wall = if lit { mix(wall, BLACK, 0.25) } else { mix(wall, WHITE, 0.6) };
    let (half, tall) = (size * 0.6, size * 0.75);
    canvas.fill_down(rectangle(x - half, y - tall, half * 2.0, tall), wall, mix(wall, BLACK, 0.2));
    let eaves = half * 1.2;
    canvas.fill(
        polygon(&[
            (x - eaves, y - tall),
            (x - half * 0.3, y - tall - size * 0.55),
            (x + half * 0.3, y - tall - size * 0.55),
            (x + eaves, y - tall),
        ]),
        roof,
        1.0,
    );
    let pane = size * 0.22;
    for side in [-0.5, 0.5] {
        let (px, py) = (x + side * half - pane / 2.0, y - tall * 0.72);
        let glass = if lit { [1.0, 0.83, 0.45] } else { [0.35, 0.5, 0.62] };
        if lit {
            canvas.glow(px + pane / 2.0, py + pane / 2.0, size * 1.1, glass, 0.5);
        }
        canvas.fill(rectangle(px, py, pane, pane), glass, 1.0);
    }
    canvas.fill(rectangle(x - pane * 0.35, y - tall * 0.42, pane * 0.7, tall * 0.42), mix(roof, BLACK, 0.2), 1.0);
}

/// A plain ground in pastel colours with a few large soft discs: a simple background.
pub(super) fn plain(canvas: &mut Canvas, random: &mut Generator) {
    let (w, h, u) = (canvas.w, canvas.h, canvas.u);
    let hue = random.gen_range(0.0..1.0);
    canvas.sky(&[(0.0, hsl(hue, 0.65, 0.90)), (1.0, hsl(hue + 0.06, 0.60, 0.82))]);
    match random.gen_range(0..3) {
        0 => {
            for _ in 0..14 {
                let (x, y) = (w * random.gen_range(0.0..1.0), h * random.gen_range(0.0..1.0));
                canvas.fill(circle(x, y, random.gen_range(8.0..46.0) * u), WHITE, random.gen_range(0.12..0.3));
            }
        }
        1 => {
            let step = 34.0 * u;
            for (row, column) in (0..=(h / step) as usize + 1)
                .flat_map(|row| (0..=(w / step) as usize + 1).map(move |column| (row, column)))
            {
                let shift = if row % 2 == 0 { 0.0 } else { step / 2.0 };
                canvas.fill(circle(column as f32 * step + shift, row as f32 * step, 4.5 * u), WHITE, 0.45);
            }
        }
        _ => canvas.glow(w / 2.0, h * 0.45, w.max(h) * 0.6, WHITE, 0.75),
    }
    let floor = ellipse(w / 2.0, h * 1.08, w * 0.85, h * 0.32);
    canvas.fill(floor, hsl(hue + 0.08, 0.45, 0.78), 0.65);
}
