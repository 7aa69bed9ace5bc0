//! A sheet to paint on: paths, gradients, soft light, grain.
//!
//! Lengths are in pixels; colours are sRGB with channels from 0 to 1.

use image::RgbImage;
use rand::Rng;
use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Paint, Path, PathBuilder, Pixmap, Point,
    RadialGradient, Rect, Shader, SpreadMode, Stroke, Transform,
};

use crate::random::Generator;

/// Red, green and blue from 0 to 1.
pub(super) type Rgb = [f32; 3];

pub(super) const WHITE: Rgb = [1.0; 3];
pub(super) const BLACK: Rgb = [0.0; 3];

/// From `a` (at 0) to `b` (at 1).
pub(super) fn mix(a: Rgb, b: Rgb, share: f32) -> Rgb {
    [0, 1, 2].map(|channel| a[channel] + (b[channel] - a[channel]) * share)
}

/// A colour by hue (in turns), saturation and lightness.
pub(super) fn hsl(hue: f32, saturation: f32, lightness: f32) -> Rgb {
    let reach = saturation * lightness.min(1.0 - lightness);
    [0.0, 8.0, 4.0].map(|offset| {
        let k = (offset + hue.rem_euclid(1.0) * 12.0) % 12.0;
        lightness - reach * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0)
    })
}

fn color(rgb: Rgb, alpha: f32) -> Color {
    let [red, green, blue] = rgb.map(|channel| (channel.clamp(0.0, 1.0) * 255.0).round() as u8);
    Color::from_rgba8(red, green, blue, (alpha.clamp(0.0, 1.0) * 255.0).round() as u8)
}

pub(super) struct Canvas {
    pixmap: Pixmap,
    /// Width.
    pub w: f32,
    /// Height.
    pub h: f32,
    /// The unit of lengths: a 360th of the shorter side, so that a scene looks the same at every size.
    pub u: f32,
}

impl Canvas {
    /// A black sheet.
    pub fn new(width_px: u32, height_px: u32) -> Self {
        let (width_px, height_px) = (width_px.clamp(1, 8192), height_px.clamp(1, 8192));
        let Some(mut pixmap) = Pixmap::new(width_px, height_px) else {
            unreachable!("both sides are between 1 and 8192");
        };
        pixmap.fill(Color::BLACK);
        let (w, h) = (width_px as f32, height_px as f32);
        Self { pixmap, w, h, u: w.min(h) / 360.0 }
    }

    fn paint(&mut self, path: Option<Path>, shader: Option<Shader<'_>>) {
        if let (Some(path), Some(shader)) = (path, shader) {
            let paint = Paint { shader, ..Paint::default() };
            self.pixmap.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
        }
    }

    fn everywhere(&self) -> Option<Path> {
        Rect::from_xywh(0.0, 0.0, self.w, self.h).map(PathBuilder::from_rect)
    }

    /// Fills the sheet from top to bottom with colours at heights from 0 to 1.
    pub fn sky(&mut self, stops: &[(f32, Rgb)]) {
        let stops = stops.iter().map(|(at, rgb)| GradientStop::new(*at, color(*rgb, 1.0))).collect();
        let shader = linear(0.0, self.h, stops);
        self.paint(self.everywhere(), shader);
    }

    /// Fills `path` with one colour.
    pub fn fill(&mut self, path: Option<Path>, rgb: Rgb, alpha: f32) {
        self.paint(path, Some(Shader::SolidColor(color(rgb, alpha))));
    }

    /// Fills `path` with a gradient from `above` at its top to `below` at its bottom.
    pub fn fill_down(&mut self, path: Option<Path>, above: Rgb, below: Rgb) {
        let Some(path) = path else { return };
        let bounds = path.bounds();
        let stops = vec![GradientStop::new(0.0, color(above, 1.0)), GradientStop::new(1.0, color(below, 1.0))];
        let shader = linear(bounds.top(), bounds.bottom(), stops);
        self.paint(Some(path), shader);
    }

    /// Fills `path` with light from the point `(x, y)`: `near` there, `far` at `radius`.
    pub fn fill_lit(&mut self, path: Option<Path>, x: f32, y: f32, radius: f32, near: Rgb, far: Rgb) {
        let stops = vec![GradientStop::new(0.0, color(near, 1.0)), GradientStop::new(1.0, color(far, 1.0))];
        self.paint(path, radial(x, y, radius, stops));
    }

    /// Draws along `path` with round ends.
    pub fn stroke(&mut self, path: Option<Path>, rgb: Rgb, alpha: f32, width: f32) {
        let Some(path) = path else { return };
        let paint = Paint { shader: Shader::SolidColor(color(rgb, alpha)), ..Paint::default() };
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        self.pixmap.stroke_path(&path, &paint, &stroke, Transform::identity(), None);
    }

    /// A straight stroke.
    pub fn line(&mut self, from: (f32, f32), to: (f32, f32), rgb: Rgb, alpha: f32, width: f32) {
        self.stroke(polyline(&[from, to]), rgb, alpha, width);
    }

    /// Soft light that fades out at `radius`.
    pub fn glow(&mut self, x: f32, y: f32, radius: f32, rgb: Rgb, alpha: f32) {
        // A bell rather than a cone, so that no edge shows.
        let stops = [(0.0, 1.0), (0.15, 0.82), (0.35, 0.46), (0.6, 0.16), (0.8, 0.04), (1.0, 0.0)]
            .map(|(at, share)| GradientStop::new(at, color(rgb, alpha * share)))
            .to_vec();
        self.paint(circle(x, y, radius), radial(x, y, radius, stops));
    }

    /// [`glow`](Self::glow), flattened to an ellipse.
    pub fn soft_ellipse(&mut self, x: f32, y: f32, rx: f32, ry: f32, rgb: Rgb, alpha: f32) {
        let layers = 5;
        for layer in 0..layers {
            let size = 1.0 - layer as f32 / layers as f32;
            self.fill(ellipse(x, y, rx * size, ry * size), rgb, alpha / layers as f32);
        }
    }

    /// Mixes each row below `horizon` with the rows mirrored above it, rippled: water of the given tint.
    pub fn reflect(&mut self, horizon: f32, tint: Rgb, random: &mut Generator) {
        let (width, height) = (self.w as usize, self.h as usize);
        let top = (horizon.max(1.0) as usize).min(height - 1);
        let phase: f32 = random.gen_range(0.0..6.0);
        let source = self.pixmap.data().to_vec();
        let data = self.pixmap.data_mut();
        for y in top..height {
            let depth = (y - top) as f32;
            let far = depth / (height - top) as f32;
            let wave = (depth.sqrt() * 4.2 / self.u.sqrt() + phase).sin() + 0.6 * (depth / self.u * 0.55 + phase).sin();
            let mirrored = top as f32 - 1.0 - depth * 1.05 + wave * self.u * (0.6 + 3.0 * far);
            let from_y = mirrored.clamp(0.0, top as f32 - 1.0) as usize;
            for x in 0..width {
                let sway = (wave * self.u * (0.4 + 3.5 * far)) as isize;
                let from_x = (x as isize + sway).clamp(0, width as isize - 1) as usize;
                let (from, to) = ((from_y * width + from_x) * 4, (y * width + x) * 4);
                let share = 0.28 + 0.35 * far - 0.05 * wave;
                for channel in 0..3 {
                    let mirrored = f32::from(source[from + channel]);
                    let tinted = mirrored + (tint[channel] * 255.0 - mirrored) * share.clamp(0.0, 1.0);
                    data[to + channel] = tinted.clamp(0.0, 255.0) as u8;
                }
            }
        }
    }

    /// Sets every pixel from its place, both from 0 to 1 along the shorter side, centred.
    pub fn shade(&mut self, colour_at: impl Fn(f32, f32) -> Rgb) {
        let (width, side) = (self.w as usize, self.w.min(self.h));
        let (cx, cy) = (self.w / 2.0, self.h / 2.0);
        for (position, pixel) in self.pixmap.data_mut().chunks_exact_mut(4).enumerate() {
            let (x, y) = ((position % width) as f32, (position / width) as f32);
            let rgb = colour_at((x + 0.5 - cx) / side, (y + 0.5 - cy) / side);
            for channel in 0..3 {
                pixel[channel] = (rgb[channel].clamp(0.0, 1.0) * 255.0) as u8;
            }
        }
    }

    /// The finished picture: corners darkened by `vignette`, paper grain of the given strength.
    pub fn finish(self, vignette: f32, grain: f32, random: &mut Generator) -> RgbImage {
        let (width, height) = (self.pixmap.width(), self.pixmap.height());
        let mut image = RgbImage::new(width, height);
        // Fibres: noise drawn out along the rows, over fine noise.
        let mut fibre = 0.0_f32;
        for (x, y, pixel) in image.enumerate_pixels_mut() {
            let source = self.pixmap.pixel(x, y).map_or([0; 3], |p| [p.red(), p.green(), p.blue()]);
            let (dx, dy) = (x as f32 / self.w - 0.5, y as f32 / self.h - 0.5);
            let shade = 1.0 - vignette * (dx * dx + dy * dy) * 1.6;
            fibre = fibre * 0.7 + random.gen_range(-1.0..1.0) * 0.3;
            let noise = grain * (fibre * 1.2 + random.gen_range(-1.0..1.0) * 0.6);
            pixel.0 = source.map(|value| (f32::from(value) * shade + noise * 255.0).clamp(0.0, 255.0) as u8);
        }
        image
    }
}

fn linear(top: f32, bottom: f32, stops: Vec<GradientStop>) -> Option<Shader<'static>> {
    let (start, end) = (Point::from_xy(0.0, top), Point::from_xy(0.0, bottom.max(top + 1.0)));
    LinearGradient::new(start, end, stops, SpreadMode::Pad, Transform::identity())
}

fn radial(x: f32, y: f32, radius: f32, stops: Vec<GradientStop>) -> Option<Shader<'static>> {
    let centre = Point::from_xy(x, y);
    RadialGradient::new(centre, 0.0, centre, radius.max(0.5), stops, SpreadMode::Pad, Transform::identity())
}

pub(super) fn circle(x: f32, y: f32, radius: f32) -> Option<Path> {
    PathBuilder::from_circle(x, y, radius)
}

pub(super) fn ellipse(x: f32, y: f32, rx: f32, ry: f32) -> Option<Path> {
    Rect::from_xywh(x - rx, y - ry, rx * 2.0, ry * 2.0).and_then(PathBuilder::from_oval)
}

pub(super) fn rectangle(x: f32, y: f32, width: f32, height: f32) -> Option<Path> {
    Rect::from_xywh(x, y, width, height).map(PathBuilder::from_rect)
}

fn outline(points: &[(f32, f32)], close: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (position, (x, y)) in points.iter().enumerate() {
        if position == 0 { builder.move_to(*x, *y) } else { builder.line_to(*x, *y) }
    }
    if close {
        builder.close();
    }
    builder.finish()
}

pub(super) fn polygon(points: &[(f32, f32)]) -> Option<Path> {
    outline(points, true)
}

pub(super) fn polyline(points: &[(f32, f32)]) -> Option<Path> {
    outline(points, false)
}

/// An open curve from `from` to `to`, bent towards `bend`.
pub(super) fn curve(from: (f32, f32), bend: (f32, f32), to: (f32, f32)) -> Option<Path> {
    let mut builder = PathBuilder::new();
    builder.move_to(from.0, from.1);
    builder.quad_to(bend.0, bend.1, to.0, to.1);
    builder.finish()
}
