//! Those who live in the pictures: round creatures, friends with balloons, somebody alone in the rain.

use std::f32::consts::{PI, TAU};

use rand::Rng;
use tiny_skia::PathBuilder;

use super::canvas::{BLACK, Canvas, Rgb, WHITE, circle, curve, ellipse, hsl, mix, polygon, rectangle};
use crate::random::Generator;

const INK: Rgb = [0.16, 0.11, 0.14];

/// A round creature sitting on `(x, y)`, about `size` wide.
pub(super) fn creature(canvas: &mut Canvas, (x, y): (f32, f32), size: f32, random: &mut Generator) {
    let hue = random.gen_range(0.0..1.0);
    let body = hsl(hue, random.gen_range(0.45..0.75), random.gen_range(0.72..0.84));
    let (dark, bright) = (mix(body, hsl(hue + 0.04, 0.55, 0.45), 0.42), mix(body, WHITE, 0.6));
    let (rx, ry) = (size * 0.5, size * random.gen_range(0.42..0.52));
    let cy = y - ry * 0.92;
    canvas.soft_ellipse(x, y + ry * 0.03, rx * 1.05, ry * 0.17, BLACK, 0.30);

    match random.gen_range(0..4) {
        // Rabbit, cat, bear, and one with a sprout.
        0 => {
            for side in [-1.0, 1.0] {
                let (ex, ey) = (x + side * rx * 0.38, cy - ry * 1.32);
                canvas.fill_lit(
                    ellipse(ex, ey, rx * 0.20, ry * 0.66),
                    ex,
                    ey - ry * 0.3,
                    ry,
                    bright,
                    mix(body, dark, 0.4),
                );
                canvas.fill(ellipse(ex, ey + ry * 0.05, rx * 0.10, ry * 0.46), [1.0, 0.72, 0.76], 0.85);
            }
        }
        1 => {
            for side in [-1.0, 1.0] {
                let ear = |grow: f32| {
                    polygon(&[
                        (x + side * rx * (0.80 + 0.02 * grow), cy - ry * 0.40),
                        (x + side * rx * 0.72, cy - ry * (0.62 + 0.68 * grow)),
                        (x + side * rx * 0.16, cy - ry * 0.80),
                    ])
                };
                canvas.fill(ear(1.0), mix(body, dark, 0.25), 1.0);
                canvas.fill(ear(0.62), [1.0, 0.72, 0.76], 0.8);
            }
        }
        2 => {
            for side in [-1.0, 1.0] {
                let (ex, ey) = (x + side * rx * 0.64, cy - ry * 0.72);
                canvas.fill(circle(ex, ey, rx * 0.27), mix(body, dark, 0.3), 1.0);
                canvas.fill(circle(ex, ey, rx * 0.15), mix(bright, [1.0, 0.75, 0.75], 0.5), 1.0);
            }
        }
        _ => {
            canvas.stroke(
                curve((x, cy - ry * 0.9), (x, cy - ry * 1.2), (x + rx * 0.05, cy - ry * 1.4)),
                [0.35, 0.55, 0.25],
                1.0,
                size * 0.03,
            );
            for side in [-1.0, 1.0] {
                canvas.fill(
                    ellipse(x + side * rx * 0.22, cy - ry * 1.45, rx * 0.22, ry * 0.12),
                    [0.50, 0.74, 0.34],
                    1.0,
                );
            }
        }
    }
    for side in [-1.0, 1.0] {
        canvas.fill(ellipse(x + side * rx * 0.42, y - ry * 0.05, rx * 0.24, ry * 0.14), mix(body, dark, 0.55), 1.0);
    }
    canvas.fill_lit(ellipse(x, cy, rx, ry), x - rx * 0.35, cy - ry * 0.45, rx * 1.7, bright, dark);
    canvas.fill(ellipse(x, cy + ry * 0.38, rx * 0.56, ry * 0.48), WHITE, 0.38);
    face(canvas, (x, cy - ry * 0.05), rx, random);
    for side in [-1.0, 1.0] {
        canvas.fill(ellipse(x + side * rx * 0.72, cy + ry * 0.30, rx * 0.16, ry * 0.22), mix(body, dark, 0.35), 1.0);
    }
}

/// Eyes, blush and mouth of a face about `r` wide on either side of `(x, y)`.
fn face(canvas: &mut Canvas, (x, y): (f32, f32), r: f32, random: &mut Generator) {
    let laughing = random.gen_bool(0.35);
    for side in [-1.0, 1.0] {
        let ex = x + side * r * 0.36;
        if laughing {
            let arc = curve((ex - r * 0.12, y + r * 0.02), (ex, y - r * 0.17), (ex + r * 0.12, y + r * 0.02));
            canvas.stroke(arc, INK, 1.0, r * 0.06);
        } else {
            canvas.fill(ellipse(ex, y, r * 0.105, r * 0.14), INK, 1.0);
            canvas.fill(circle(ex - r * 0.03, y - r * 0.05, r * 0.045), WHITE, 1.0);
            canvas.fill(circle(ex + r * 0.035, y + r * 0.05, r * 0.022), WHITE, 0.9);
        }
        canvas.soft_ellipse(x + side * r * 0.58, y + r * 0.17, r * 0.17, r * 0.10, [1.0, 0.42, 0.48], 0.65);
    }
    let mouth = y + r * 0.12;
    if laughing {
        let mut open = PathBuilder::new();
        open.move_to(x - r * 0.11, mouth);
        open.quad_to(x, mouth + r * 0.26, x + r * 0.11, mouth);
        open.close();
        canvas.fill(open.finish(), [0.72, 0.24, 0.28], 1.0);
    } else {
        for side in [-1.0, 1.0] {
            let lip =
                curve((x, mouth), (x + side * r * 0.05, mouth + r * 0.09), (x + side * r * 0.11, mouth + r * 0.01));
            canvas.stroke(lip, INK, 0.9, r * 0.035);
        }
    }
}

/// A child standing on `(x, y)`, `height` tall, one hand up; gives the place of that hand.
pub(super) fn child(canvas: &mut Canvas, (x, y): (f32, f32), height: f32, random: &mut Generator) -> (f32, f32) {
    let skin = hsl(random.gen_range(0.05..0.09), 0.6, random.gen_range(0.62..0.86));
    let hair = hsl(random.gen_range(0.0..0.12), 0.45, random.gen_range(0.12..0.5));
    let clothes = hsl(random.gen_range(0.0..1.0), 0.68, 0.62);
    let head = height * 0.24;
    let (shoulder, hip) = (y - height * 0.56, y - height * 0.22);
    canvas.soft_ellipse(x, y, height * 0.24, height * 0.035, BLACK, 0.3);
    for side in [-1.0, 1.0] {
        let foot = x + side * height * 0.07;
        canvas.line((foot, hip), (foot, y - height * 0.02), mix(clothes, BLACK, 0.55), 1.0, height * 0.075);
        canvas.fill(ellipse(foot + side * height * 0.015, y - height * 0.015, height * 0.06, height * 0.03), INK, 1.0);
    }
    let dress = [
        (x - height * 0.09, shoulder),
        (x + height * 0.09, shoulder),
        (x + height * 0.19, hip),
        (x - height * 0.19, hip),
    ];
    canvas.fill_down(polygon(&dress), mix(clothes, WHITE, 0.25), mix(clothes, BLACK, 0.12));
    let hand = (x + height * 0.24, shoulder - height * 0.14);
    canvas.line((x + height * 0.07, shoulder + height * 0.04), hand, mix(clothes, WHITE, 0.15), 1.0, height * 0.062);
    canvas.fill(circle(hand.0, hand.1, height * 0.04), skin, 1.0);
    canvas.line(
        (x - height * 0.07, shoulder + height * 0.04),
        (x - height * 0.20, shoulder + height * 0.18),
        mix(clothes, WHITE, 0.15),
        1.0,
        height * 0.062,
    );
    canvas.fill(circle(x - height * 0.20, shoulder + height * 0.18, height * 0.036), skin, 1.0);

    let cy = shoulder - head * 0.72;
    canvas.fill(circle(x, cy - head * 0.08, head * 1.02), hair, 1.0);
    canvas.fill_lit(
        ellipse(x, cy + head * 0.12, head * 0.86, head * 0.80),
        x - head * 0.3,
        cy - head * 0.2,
        head * 1.6,
        mix(skin, WHITE, 0.25),
        skin,
    );
    let mut fringe = PathBuilder::new();
    fringe.move_to(x - head * 0.92, cy + head * 0.05);
    fringe.quad_to(x - head * 0.3, cy - head * 0.25, x + head * 0.1, cy - head * 0.55);
    fringe.quad_to(x + head * 0.5, cy - head * 0.2, x + head * 0.92, cy + head * 0.05);
    fringe.quad_to(x + head * 0.8, cy - head * 1.1, x, cy - head * 1.1);
    fringe.quad_to(x - head * 0.8, cy - head * 1.1, x - head * 0.92, cy + head * 0.05);
    canvas.fill(fringe.finish(), hair, 1.0);
    face(canvas, (x, cy + head * 0.22), head * 0.95, random);
    hand
}

/// Balloons on strings from `hand`.
pub(super) fn balloons(canvas: &mut Canvas, hand: (f32, f32), count: usize, size: f32, random: &mut Generator) {
    let first: f32 = random.gen_range(0.0..1.0);
    for number in 0..count {
        let lean = number as f32 - (count as f32 - 1.0) / 2.0;
        let x = hand.0 + lean * size * 0.62 + random.gen_range(-0.2..0.2) * size;
        let y = hand.1 - size * random.gen_range(1.5..2.3);
        let colour = hsl(first + number as f32 * 0.618, 0.78, 0.64);
        let foot = (x, y + size * 0.56);
        canvas.stroke(curve(foot, (x, hand.1 - size * 0.3), hand), mix(INK, WHITE, 0.35), 0.8, size * 0.022);
        let (rx, ry) = (size * 0.40, size * 0.50);
        canvas.fill_lit(
            ellipse(x, y, rx, ry),
            x - rx * 0.4,
            y - ry * 0.45,
            ry * 1.7,
            mix(colour, WHITE, 0.55),
            mix(colour, BLACK, 0.22),
        );
        canvas.fill(
            polygon(&[(foot.0 - size * 0.05, foot.1), (foot.0, foot.1 - size * 0.08), (foot.0 + size * 0.05, foot.1)]),
            mix(colour, BLACK, 0.2),
            1.0,
        );
        canvas.fill(ellipse(x - rx * 0.42, y - ry * 0.42, rx * 0.16, ry * 0.2), WHITE, 0.75);
    }
}

/// Scraps of bright paper in the air.
pub(super) fn confetti(canvas: &mut Canvas, random: &mut Generator) {
    for _ in 0..70 {
        let (x, y) = (canvas.w * random.gen_range(0.0..1.0), canvas.h * random.gen_range(0.0..0.8));
        let (size, turn) = (random.gen_range(2.0..4.5) * canvas.u, random.gen_range(0.0..TAU));
        let corner = |angle: f32| (x + size * (turn + angle).cos(), y + size * (turn + angle).sin());
        let scrap = polygon(&[corner(0.0), corner(1.0), corner(PI), corner(PI + 1.0)]);
        canvas.fill(scrap, hsl(random.gen_range(0.0..1.0), 0.8, 0.68), 0.9);
    }
}

/// Somebody in a long coat under an umbrella, seen from behind, standing on `(x, y)`.
pub(super) fn lonely_figure(canvas: &mut Canvas, (x, y): (f32, f32), height: f32, umbrella: Option<Rgb>) {
    let coat = [0.09, 0.10, 0.13];
    canvas.soft_ellipse(x, y, height * 0.22, height * 0.03, BLACK, 0.6);
    for side in [-1.0, 1.0] {
        canvas.line(
            (x + side * height * 0.045, y - height * 0.25),
            (x + side * height * 0.05, y - height * 0.01),
            coat,
            1.0,
            height * 0.055,
        );
    }
    let mut body = PathBuilder::new();
    body.move_to(x - height * 0.075, y - height * 0.74);
    body.quad_to(x - height * 0.15, y - height * 0.5, x - height * 0.15, y - height * 0.17);
    body.line_to(x + height * 0.15, y - height * 0.17);
    body.quad_to(x + height * 0.15, y - height * 0.5, x + height * 0.075, y - height * 0.74);
    body.close();
    canvas.fill_down(body.finish(), mix(coat, WHITE, 0.14), coat);
    canvas.fill(circle(x, y - height * 0.82, height * 0.085), mix(coat, [0.25, 0.18, 0.15], 0.4), 1.0);
    let Some(colour) = umbrella else { return };
    let (cx, cy, radius) = (x + height * 0.07, y - height * 0.93, height * 0.34);
    canvas.line((cx, cy - radius * 0.55), (cx, y - height * 0.52), mix(coat, WHITE, 0.3), 1.0, height * 0.018);
    let mut canopy = PathBuilder::new();
    canopy.move_to(cx - radius, cy);
    canopy.cubic_to(cx - radius * 0.85, cy - radius * 0.95, cx + radius * 0.85, cy - radius * 0.95, cx + radius, cy);
    for scallop in 0..4 {
        let to = cx + radius - radius * 0.5 * (scallop + 1) as f32;
        canopy.quad_to(to + radius * 0.25, cy - radius * 0.14, to, cy);
    }
    canopy.close();
    canvas.fill_lit(
        canopy.finish(),
        cx - radius * 0.4,
        cy - radius * 0.6,
        radius * 1.8,
        mix(colour, WHITE, 0.25),
        mix(colour, BLACK, 0.55),
    );
}

/// A street lamp standing on `(x, y)`.
pub(super) fn lamp(canvas: &mut Canvas, (x, y): (f32, f32), height: f32) {
    let (iron, light) = ([0.07, 0.08, 0.10], [1.0, 0.83, 0.52]);
    let top = y - height;
    canvas.glow(x, top, height * 0.85, light, 0.55);
    canvas.soft_ellipse(x, y, height * 0.45, height * 0.06, light, 0.4);
    canvas.line((x, y), (x, top + height * 0.05), iron, 1.0, height * 0.022);
    canvas.fill(
        polygon(&[
            (x - height * 0.055, top - height * 0.05),
            (x + height * 0.055, top - height * 0.05),
            (x + height * 0.035, top + height * 0.06),
            (x - height * 0.035, top + height * 0.06),
        ]),
        light,
        1.0,
    );
    canvas.glow(x, top, height * 0.16, WHITE, 0.9);
    canvas.fill(
        polygon(&[
            (x - height * 0.075, top - height * 0.05),
            (x, top - height * 0.11),
            (x + height * 0.075, top - height * 0.05),
        ]),
        iron,
        1.0,
    );
    canvas.fill(rectangle(x - height * 0.035, y - height * 0.03, height * 0.07, height * 0.03), iron, 1.0);
}

/// A wet street at dusk with dim windows, for somebody alone; gives the height of the ground.
pub(super) fn wet_street(canvas: &mut Canvas, random: &mut Generator) -> f32 {
    let (w, h, u) = (canvas.w, canvas.h, canvas.u);
    let hue = random.gen_range(0.56..0.68);
    canvas.sky(&[
        (0.0, hsl(hue, 0.24, 0.15)),
        (0.6, hsl(hue, 0.20, 0.34)),
        (0.75, hsl(hue, 0.16, 0.42)),
        (1.0, hsl(hue, 0.2, 0.2)),
    ]);
    let ground = h * random.gen_range(0.70..0.78);
    for layer in 0..3 {
        let near = layer as f32 / 2.0;
        let wall = mix(hsl(hue, 0.14, 0.36), hsl(hue, 0.24, 0.11), near);
        let mut x = -random.gen_range(0.0..40.0) * u;
        while x < w {
            let (width, height) =
                (random.gen_range(34.0..80.0) * u, h * random.gen_range(0.18..0.42) * (0.75 + 0.4 * near));
            // The middle stays open towards the distance.
            let open = near > 0.4 && (x + width / 2.0 - w / 2.0).abs() < w * 0.24 * near;
            if !open {
                canvas.fill_down(
                    rectangle(x, ground - height, width, height),
                    wall,
                    mix(wall, hsl(hue, 0.14, 0.4), 0.35),
                );
                for (column, row) in (0..4).flat_map(|column| (0..7).map(move |row| (column, row))) {
                    let (px, py) =
                        (x + (5.0 + column as f32 * 15.0) * u, ground - height + (10.0 + row as f32 * 20.0) * u);
                    let inside = px + 7.0 * u < x + width && py + 10.0 * u < ground;
                    if inside && random.gen_bool(0.16) {
                        canvas.glow(px + 3.0 * u, py + 4.0 * u, 15.0 * u, [1.0, 0.80, 0.48], 0.30);
                        canvas.fill(rectangle(px, py, 6.0 * u, 8.0 * u), [0.98, 0.78, 0.46], 0.35 + 0.5 * near);
                    }
                }
            }
            x += width * random.gen_range(0.95..1.2);
        }
    }
    ground
}
