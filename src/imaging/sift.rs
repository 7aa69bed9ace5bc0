//! SIFT: points of a picture that are found again at any size and turn, each with a descriptor of its surroundings (Lowe,
//! "Distinctive image features from scale-invariant keypoints", IJCV 2004).
//!
//! A grey picture is blurred more and more, octave by octave of size; points are the extremes of the differences of
//! neighbouring blurs (sections 3 to 4), each gets the main directions of the gradients around it (5), and a descriptor is
//! a histogram of gradients in 4 × 4 places and 8 directions, turned to that direction (6). Where the paper leaves a choice
//! open, it is made as OpenCV does with its default settings, so that the points and descriptors are the same but for
//! rounding. A picture is worked on by one thread.

use image::RgbImage;

use crate::instructions::arch;

/// Numbers of a descriptor.
pub const DESCRIPTOR_LENGTH: usize = PLACES * PLACES * DIRECTIONS;

/// Layers of an octave in which points are looked for.
const LAYERS: usize = 3;
/// Blurred pictures of an octave.
const BLURS: usize = LAYERS + 3;
/// Blur of the first picture of an octave, in its pixels.
const SIGMA: f32 = 1.6;
/// Blur that a picture has to begin with.
const INITIAL_BLUR: f32 = 0.5;
/// Least contrast of a point, for grey levels from 0 to 1.
const CONTRAST: f32 = 0.04;
/// Most ratio of the curvatures of a point: those along edges are left out.
const EDGE_RATIO: f32 = 10.0;
/// Pixels along the border without points.
const BORDER: usize = 5;
/// Steps in which the place of a point is made more exact.
const REFINEMENTS: usize = 5;
const ORIENTATION_BINS: usize = 36;
const ORIENTATION_SIGMA: f32 = 1.5;
const ORIENTATION_RADIUS: f32 = 4.5;
/// Directions at least so strong, beside the strongest, make a point of their own.
const ORIENTATION_PEAK: f32 = 0.8;
/// Places of a descriptor along each side.
const PLACES: usize = 4;
/// Directions at each place.
const DIRECTIONS: usize = 8;
/// Width of a place, in scales of the point.
const PLACE_WIDTH: f32 = 3.0;
/// Largest share of a descriptor's length that one number may have.
const LARGEST_SHARE: f32 = 0.2;
/// What a descriptor of length 1 is multiplied with, so that its numbers fit into bytes.
const DESCRIPTOR_SCALE: f32 = 512.0;

/// A point of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keypoint {
    /// Pixels from the left edge.
    pub x: f32,
    /// Pixels from the upper edge.
    pub y: f32,
    /// Diameter of its surroundings, in pixels.
    pub size: f32,
    /// The direction of its gradients, in degrees, counterclockwise, from 0 to 360.
    pub angle: f32,
}

/// A point with its descriptor.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Where it is.
    pub point: Keypoint,
    /// Histogram of gradients, row by row of places.
    pub descriptor: [u8; DESCRIPTOR_LENGTH],
}

/// A grey picture.
#[derive(Clone, Debug, PartialEq)]
struct Grey {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Grey {
    #[inline(always)]
    fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    /// Twice as large, between the middles of pixels.
    fn doubled(&self) -> Self {
        let (width, height) = (2 * self.width, 2 * self.height);
        // The pixel before, the one after, and the share of the latter.
        let neighbours = |place: usize, size: usize| {
            let middle = (place as f32 + 0.5) / 2.0 - 0.5;
            let before = middle.floor();
            let clamped = |at: f32| at.clamp(0.0, (size - 1) as f32) as usize;
            (clamped(before), clamped(before + 1.0), middle - before)
        };
        let columns: Vec<(usize, usize, f32)> = (0..width).map(|x| neighbours(x, self.width)).collect();
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            let (above, below, down) = neighbours(y, self.height);
            let (above, below) = (&self.values[above * self.width..], &self.values[below * self.width..]);
            values.extend(columns.iter().map(|&(left, right, across)| {
                let upper = above[left] * (1.0 - across) + above[right] * across;
                let lower = below[left] * (1.0 - across) + below[right] * across;
                upper * (1.0 - down) + lower * down
            }));
        }
        Self { width, height, values }
    }

    /// Half as large: every other pixel.
    fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let values = (0..height).flat_map(|y| (0..width).map(move |x| self.at(2 * x, 2 * y))).collect();
        Self { width, height, values }
    }

    /// Blurred by a Gaussian; what lies beyond the edges is mirrored. Wider vectors change nothing but the time: each sum is
    /// made in the order of the kernel.
    fn blurred(&self, sigma: f32) -> Self {
        arch().dispatch(
            #[inline(always)]
            || self.blurred_by(&gaussian(sigma)),
        )
    }

    #[inline(always)]
    fn blurred_by(&self, kernel: &[f32]) -> Self {
        let radius = kernel.len() / 2;
        let (width, height) = (self.width, self.height);
        let mut across = vec![0.0f32; width * height];
        let mut padded = vec![0.0f32; width + 2 * radius];
        for (row, blurred) in self.values.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
            for (place, value) in padded.iter_mut().enumerate() {
                *value = row[mirrored(place as isize - radius as isize, width)];
            }
            for (offset, weight) in kernel.iter().enumerate() {
                for (sum, value) in blurred.iter_mut().zip(&padded[offset..]) {
                    *sum += weight * value;
                }
            }
        }
        let mut values = vec![0.0f32; width * height];
        for (y, blurred) in values.chunks_exact_mut(width).enumerate() {
            for (offset, weight) in kernel.iter().enumerate() {
                let from = mirrored(y as isize + offset as isize - radius as isize, height);
                for (sum, value) in blurred.iter_mut().zip(&across[from * width..]) {
                    *sum += weight * value;
                }
            }
        }
        Self { width, height, values }
    }

    fn minus(&self, other: &Self) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(a, b)| a - b).collect();
        Self { values, ..*self }
    }
}

/// The place within `size` that a place beyond an edge is mirrored to; the edge itself is not repeated.
fn mirrored(place: isize, size: usize) -> usize {
    let last = size as isize - 1;
    if last == 0 {
        return 0;
    }
    let around = place.rem_euclid(2 * last);
    (if around > last { 2 * last - around } else { around }) as usize
}

fn gaussian(sigma: f32) -> Vec<f32> {
    let length = (sigma * 8.0 + 1.0).round() as usize | 1;
    let middle = (length / 2) as f64;
    let weight = |place: usize| (-(place as f64 - middle).powi(2) / (2.0 * f64::from(sigma).powi(2))).exp();
    let weights: Vec<f64> = (0..length).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / sum) as f32).collect()
}

/// An octave: its blurred pictures and the differences of neighbours.
struct Octave {
    blurs: Vec<Grey>,
    differences: Vec<Grey>,
}

fn octaves(grey: &Grey) -> Vec<Octave> {
    let double = grey.doubled();
    let missing = (SIGMA * SIGMA - (2.0 * INITIAL_BLUR).powi(2)).max(0.01).sqrt();
    let smaller = double.width.min(double.height) as f64;
    let count = (smaller.log2() - 2.0).round() as i64 + 1;
    // Each picture is made of the one before, by what its blur lacks.
    let step = 2f64.powf(1.0 / LAYERS as f64);
    let lacking = |layer: usize| {
        let before = step.powi(layer as i32 - 1) * f64::from(SIGMA);
        ((before * step).powi(2) - before.powi(2)).sqrt() as f32
    };
    let mut octaves: Vec<Octave> = Vec::new();
    for _ in 0..count.max(0) {
        let first = match octaves.last() {
            None => double.blurred(missing),
            Some(before) => before.blurs[LAYERS].halved(),
        };
        if first.width == 0 || first.height == 0 {
            break;
        }
        let mut blurs = vec![first];
        for layer in 1..BLURS {
            blurs.push(blurs[layer - 1].blurred(lacking(layer)));
        }
        let differences = blurs.windows(2).map(|pair| pair[1].minus(&pair[0])).collect();
        octaves.push(Octave { blurs, differences });
    }
    octaves
}

/// A point with the picture that it is described in.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// In the doubled picture.
    point: Keypoint,
    octave: usize,
    layer: usize,
}

/// The points of a picture with their descriptors, in the order of their places.
pub fn sift(picture: &RgbImage) -> Vec<Feature> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    if width < 2 || height < 2 {
        return Vec::new();
    }
    let values = picture.pixels().map(|pixel| f32::from(luma(pixel.0))).collect();
    let octaves = octaves(&Grey { width, height, values });
    let mut found = Vec::new();
    for (number, octave) in octaves.iter().enumerate() {
        for layer in 1..=LAYERS {
            points_of(octave, number, layer, &mut found);
        }
    }
    let order = |a: &Found, b: &Found| {
        let (a, b) = (&a.point, &b.point);
        a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)).then(b.size.total_cmp(&a.size)).then(a.angle.total_cmp(&b.angle))
    };
    found.sort_by(order);
    found.dedup_by(|later, first| later.point == first.point);
    found
        .into_iter()
        .map(|of| {
            let Keypoint { x, y, size, angle } = of.point;
            // The picture was doubled.
            let point = Keypoint { x: x * 0.5, y: y * 0.5, size: size * 0.5, angle };
            Feature { point, descriptor: descriptor(&octaves[of.octave].blurs[of.layer], &of) }
        })
        .collect()
}

/// The grey level of a pixel (ITU-R BT.601), from 0 to 255.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 4899 + u32::from(green) * 9617 + u32::from(blue) * 1868 + 8192) >> 14) as u8
}

fn points_of(octave: &Octave, number: usize, layer: usize, found: &mut Vec<Found>) {
    let difference = &octave.differences[layer];
    let (width, height) = (difference.width, difference.height);
    let least = (0.5 * CONTRAST / LAYERS as f32 * 255.0).floor();
    for y in BORDER..height.saturating_sub(BORDER) {
        for x in BORDER..width.saturating_sub(BORDER) {
            let value = difference.at(x, y);
            if value.abs() <= least || !is_extreme(octave, layer, x, y, value) {
                continue;
            }
            let Some(exact) = refined(octave, layer, x, y) else { continue };
            let scale = SIGMA * 2f32.powf((exact.layer as f32 + exact.between) / LAYERS as f32);
            let larger = (1u32 << number) as f32;
            let histogram = orientations(&octave.blurs[exact.layer], exact.x, exact.y, scale);
            for angle in peaks(&histogram) {
                let point = Keypoint {
                    x: (exact.x as f32 + exact.across) * larger,
                    y: (exact.y as f32 + exact.down) * larger,
                    size: scale * larger * 2.0,
                    angle,
                };
                found.push(Found { point, octave: number, layer: exact.layer });
            }
        }
    }
}

/// True where no neighbour in place and blur is farther from 0 on the same side.
fn is_extreme(octave: &Octave, layer: usize, x: usize, y: usize, value: f32) -> bool {
    let sign = value.signum();
    octave.differences[layer - 1..=layer + 1].iter().all(|difference| {
        (y - 1..=y + 1).all(|y| {
            let start = y * difference.width + x;
            difference.values[start - 1..=start + 1].iter().all(|other| sign * other <= sign * value)
        })
    })
}

/// Where an extreme is exactly.
struct Exact {
    x: usize,
    y: usize,
    layer: usize,
    /// Beside that pixel and layer, from -0.5 to 0.5.
    across: f32,
    down: f32,
    between: f32,
}

/// The place of an extreme by a parabola through its neighbours (section 4); none for one that runs away, has too little
/// contrast or lies along an edge (section 4.1).
fn refined(octave: &Octave, mut layer: usize, mut x: usize, mut y: usize) -> Option<Exact> {
    const SLOPE: f32 = 0.5 / 255.0;
    const CURVATURE: f32 = 1.0 / 255.0;
    const CROSS: f32 = 0.25 / 255.0;
    for _ in 0..REFINEMENTS {
        let [before, here, after] =
            [&octave.differences[layer - 1], &octave.differences[layer], &octave.differences[layer + 1]];
        let value = here.at(x, y);
        let slope = [
            (here.at(x + 1, y) - here.at(x - 1, y)) * SLOPE,
            (here.at(x, y + 1) - here.at(x, y - 1)) * SLOPE,
            (after.at(x, y) - before.at(x, y)) * SLOPE,
        ];
        let xx = (here.at(x + 1, y) + here.at(x - 1, y) - 2.0 * value) * CURVATURE;
        let yy = (here.at(x, y + 1) + here.at(x, y - 1) - 2.0 * value) * CURVATURE;
        let ss = (after.at(x, y) + before.at(x, y) - 2.0 * value) * CURVATURE;
        let diagonal = |of: &Grey, x: usize, y: usize| of.at(x, y);
        let xy = (diagonal(here, x + 1, y + 1) - here.at(x - 1, y + 1) - here.at(x + 1, y - 1) + here.at(x - 1, y - 1))
            * CROSS;
        let xs = (after.at(x + 1, y) - after.at(x - 1, y) - before.at(x + 1, y) + before.at(x - 1, y)) * CROSS;
        let ys = (after.at(x, y + 1) - after.at(x, y - 1) - before.at(x, y + 1) + before.at(x, y - 1)) * CROSS;
        let [across, down, between] = solved([[xx, xy, xs], [xy, yy, ys], [xs, ys, ss]], slope)?.map(|value| -value);
        if across.abs() < 0.5 && down.abs() < 0.5 && between.abs() < 0.5 {
            let contrast = value / 255.0 + 0.5 * (slope[0] * across + slope[1] * down + slope[2] * between);
            if contrast.abs() * (LAYERS as f32) < CONTRAST {
                return None;
            }
            let (trace, determinant) = (xx + yy, xx * yy - xy * xy);
            let steep = trace * trace * EDGE_RATIO >= (EDGE_RATIO + 1.0).powi(2) * determinant;
            return (determinant > 0.0 && !steep).then_some(Exact { x, y, layer, across, down, between });
        }
        // Rounded as far as it may matter: farther away there is nothing.
        let moved = |place: usize, by: f32, least: usize, end: usize| {
            let place = place as f32 + by.round();
            (place >= least as f32 && place < end as f32).then_some(place as usize)
        };
        x = moved(x, across, BORDER, here.width - BORDER)?;
        y = moved(y, down, BORDER, here.height - BORDER)?;
        layer = moved(layer, between, 1, LAYERS + 1)?;
    }
    None
}

/// The solution of three linear equations; none where there is no single one.
fn solved(matrix: [[f32; 3]; 3], right: [f32; 3]) -> Option<[f32; 3]> {
    let wide = matrix.map(|row| row.map(f64::from));
    let minor = |a: usize, b: usize, c: usize, d: usize| wide[a][b] * wide[c][d] - wide[a][d] * wide[c][b];
    let determinant = wide[0][0] * minor(1, 1, 2, 2) - wide[0][1] * minor(1, 0, 2, 2) + wide[0][2] * minor(1, 0, 2, 1);
    if determinant == 0.0 {
        return None;
    }
    let mut solution = [0.0; 3];
    for (column, value) in solution.iter_mut().enumerate() {
        let mut with = wide;
        for (row, right) in with.iter_mut().zip(right) {
            row[column] = f64::from(right);
        }
        let of = |a: usize, b: usize, c: usize, d: usize| with[a][b] * with[c][d] - with[a][d] * with[c][b];
        let found = with[0][0] * of(1, 1, 2, 2) - with[0][1] * of(1, 0, 2, 2) + with[0][2] * of(1, 0, 2, 1);
        *value = (found / determinant) as f32;
    }
    Some(solution)
}

/// The gradients around a pixel by direction, nearer ones counting more, smoothed (section 5).
fn orientations(blur: &Grey, x: usize, y: usize, scale: f32) -> [f32; ORIENTATION_BINS] {
    let radius = (ORIENTATION_RADIUS * scale).round() as isize;
    let fall = -1.0 / (2.0 * (ORIENTATION_SIGMA * scale).powi(2));
    let mut raw = [0.0f32; ORIENTATION_BINS];
    for down in -radius..=radius {
        let row = y as isize + down;
        if row <= 0 || row >= blur.height as isize - 1 {
            continue;
        }
        for across in -radius..=radius {
            let column = x as isize + across;
            if column <= 0 || column >= blur.width as isize - 1 {
                continue;
            }
            let (magnitude, angle) = gradient(blur, column as usize, row as usize);
            let weight = ((across * across + down * down) as f32 * fall).exp();
            let bin = (ORIENTATION_BINS as f32 / 360.0 * angle).round() as usize % ORIENTATION_BINS;
            raw[bin] += weight * magnitude;
        }
    }
    std::array::from_fn(|bin| {
        let at = |by: usize| raw[(bin + by) % ORIENTATION_BINS];
        let last = ORIENTATION_BINS;
        (at(last - 2) + at(2)) / 16.0 + (at(last - 1) + at(1)) * (4.0 / 16.0) + at(0) * (6.0 / 16.0)
    })
}

/// The angles of the strongest direction and of those nearly as strong, in degrees counterclockwise.
fn peaks(histogram: &[f32; ORIENTATION_BINS]) -> Vec<f32> {
    let most = histogram.iter().fold(0.0f32, |most, value| most.max(*value));
    let bins = ORIENTATION_BINS;
    (0..bins)
        .filter_map(|bin| {
            let (left, here, right) = (histogram[(bin + bins - 1) % bins], histogram[bin], histogram[(bin + 1) % bins]);
            if here <= left || here <= right || here < ORIENTATION_PEAK * most {
                return None;
            }
            let exact = bin as f32 + 0.5 * (left - right) / (left - 2.0 * here + right);
            let angle = 360.0 - 360.0 / bins as f32 * exact.rem_euclid(bins as f32);
            Some(if (angle - 360.0).abs() < f32::EPSILON { 0.0 } else { angle })
        })
        .collect()
}

/// How strong the gradient at a pixel is, and its direction in degrees from 0 to 360, y upwards.
#[inline(always)]
fn gradient(blur: &Grey, x: usize, y: usize) -> (f32, f32) {
    let across = blur.at(x + 1, y) - blur.at(x - 1, y);
    let up = blur.at(x, y - 1) - blur.at(x, y + 1);
    ((across * across + up * up).sqrt(), angle_of(up, across))
}

/// The angle of a direction in degrees from 0 to 360, to a thousandth: a polynomial for the eighth of the circle nearest to an
/// axis, turned into place.
#[inline(always)]
fn angle_of(up: f32, across: f32) -> f32 {
    let (high, wide) = (up.abs(), across.abs());
    let (small, large) = (high.min(wide), high.max(wide));
    if large == 0.0 {
        return 0.0;
    }
    let share = small / large;
    let square = share * share;
    // Of the arctangent (Abramowitz and Stegun 1964, 4.4.49), which is good to 1e-5.
    let series =
        (((0.020_835_1 * square - 0.085_133) * square + 0.180_141) * square - 0.330_299_5) * square + 0.999_866;
    let eighth = (share * series).to_degrees();
    let quarter = if high > wide { 90.0 - eighth } else { eighth };
    let half = if across < 0.0 { 180.0 - quarter } else { quarter };
    if up < 0.0 { 360.0 - half } else { half }
}

/// The histogram of gradients around a point, turned to its direction (section 6).
fn descriptor(blur: &Grey, found: &Found) -> [u8; DESCRIPTOR_LENGTH] {
    arch().dispatch(
        #[inline(always)]
        || histogram_of(blur, found),
    )
}

#[inline(always)]
fn histogram_of(blur: &Grey, found: &Found) -> [u8; DESCRIPTOR_LENGTH] {
    let smaller = 1.0 / (1u32 << found.octave) as f32;
    let point = &found.point;
    let (x, y) = ((point.x * smaller).round() as isize, (point.y * smaller).round() as isize);
    let turned = if point.angle == 0.0 { 0.0 } else { 360.0 - point.angle };
    let width = PLACE_WIDTH * point.size * 0.5 * smaller;
    let (sine, cosine) = turned.to_radians().sin_cos();
    let (sine, cosine) = (sine / width, cosine / width);
    let reach = width * std::f32::consts::SQRT_2 * (PLACES as f32 + 1.0) * 0.5;
    let diagonal = ((blur.width * blur.width + blur.height * blur.height) as f32).sqrt();
    let radius = reach.round().min(diagonal) as isize;
    // A place and a direction more at each end, for what falls between.
    const SIDE: usize = PLACES + 2;
    const ROUND: usize = DIRECTIONS + 2;
    let mut histogram = [0.0f32; SIDE * SIDE * ROUND];
    let fall = -1.0 / (PLACES * PLACES) as f32 * 2.0;
    let inside = -1.0..PLACES as f32;
    for down in -radius..=radius {
        let row = y + down;
        if row <= 0 || row >= blur.height as isize - 1 {
            continue;
        }
        for across in -radius..=radius {
            let column = x + across;
            if column <= 0 || column >= blur.width as isize - 1 {
                continue;
            }
            let turned_across = across as f32 * cosine - down as f32 * sine;
            let turned_down = across as f32 * sine + down as f32 * cosine;
            let half = PLACES as f32 / 2.0 - 0.5;
            let (place_down, place_across) = (turned_down + half, turned_across + half);
            // -1 itself is outside.
            if place_down <= -1.0
                || place_across <= -1.0
                || !inside.contains(&place_down)
                || !inside.contains(&place_across)
            {
                continue;
            }
            let (magnitude, angle) = gradient(blur, column as usize, row as usize);
            let weight = ((turned_across * turned_across + turned_down * turned_down) * fall).exp();
            let direction = (angle - turned) * (DIRECTIONS as f32 / 360.0);
            let [(r, part_r), (c, part_c), (o, part_o)] =
                [place_down, place_across, direction].map(|value| (value.floor(), value - value.floor()));
            let o = (o as isize).rem_euclid(DIRECTIONS as isize) as usize;
            let (r, c) = ((r + 1.0) as usize, (c + 1.0) as usize);
            let strength = weight * magnitude;
            for (row, part) in [(r, 1.0 - part_r), (r + 1, part_r)] {
                for (column, part) in [(c, part * (1.0 - part_c)), (c + 1, part * part_c)] {
                    let start = (row * SIDE + column) * ROUND + o;
                    histogram[start] += strength * part * (1.0 - part_o);
                    histogram[start + 1] += strength * part * part_o;
                }
            }
        }
    }
    let mut values = [0.0f32; DESCRIPTOR_LENGTH];
    for (place, value) in values.iter_mut().enumerate() {
        let (row, column, direction) = (place / DIRECTIONS / PLACES, place / DIRECTIONS % PLACES, place % DIRECTIONS);
        let start = ((row + 1) * SIDE + column + 1) * ROUND;
        // Directions go round.
        let around = if direction < 2 { histogram[start + DIRECTIONS + direction] } else { 0.0 };
        *value = histogram[start + direction] + around;
    }
    let length = |values: &[f32; DESCRIPTOR_LENGTH]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
    let most = length(&values) * LARGEST_SHARE;
    values.iter_mut().for_each(|value| *value = value.min(most));
    let scale = DESCRIPTOR_SCALE / length(&values).max(f32::EPSILON);
    values.map(|value| (value * scale).round().min(255.0) as u8)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use image::Rgb;

    /// Soft spots on grey, `scale` times as large.
    fn spots(scale: f32, turned: bool) -> RgbImage {
        let side = (120.0 * scale) as u32;
        let centres = [(30.0, 40.0, 6.0), (80.0, 30.0, 9.0), (60.0, 85.0, 5.0)];
        RgbImage::from_fn(side, side, |x, y| {
            let (x, y) = if turned { (y, side - 1 - x) } else { (x, y) };
            let (x, y) = (x as f32 / scale, y as f32 / scale);
            let light: f32 = centres
                .iter()
                .map(|(a, b, s)| 150.0 * (-((x - a).powi(2) * 1.7 + (y - b).powi(2)) / (2.0 * s * s)).exp())
                .sum();
            Rgb([(40.0 + light).min(255.0) as u8; 3])
        })
    }

    #[test]
    fn spots_are_found_where_they_are_and_again_when_larger_or_turned() {
        let found = sift(&spots(1.0, false));
        let near = |found: &[Feature], x: f32, y: f32| {
            found.iter().any(|of| (of.point.x - x).abs() < 1.5 && (of.point.y - y).abs() < 1.5)
        };
        assert!(near(&found, 30.0, 40.0) && near(&found, 80.0, 30.0) && near(&found, 60.0, 85.0), "{found:?}");
        let larger = sift(&spots(2.0, false));
        assert!(near(&larger, 60.5, 80.5) && near(&larger, 120.5, 170.5));
        // Turned by a quarter, each has its descriptor again.
        let turned = sift(&spots(1.0, true));
        let distance = |a: &Feature, b: &Feature| {
            a.descriptor
                .iter()
                .zip(&b.descriptor)
                .map(|(a, b)| (f32::from(*a) - f32::from(*b)).powi(2))
                .sum::<f32>()
                .sqrt()
        };
        for feature in &found {
            let nearest = turned.iter().map(|other| distance(feature, other)).fold(f32::INFINITY, f32::min);
            assert!(nearest < 60.0, "{nearest}");
        }
    }

    #[test]
    fn pictures_without_anything_have_no_points() {
        for (width, height) in [(1, 1), (3, 3), (7, 200), (64, 64)] {
            assert!(sift(&RgbImage::from_pixel(width, height, Rgb([90, 120, 30]))).is_empty());
        }
        let stripes = RgbImage::from_fn(64, 64, |x, _| Rgb([if x / 8 % 2 == 0 { 255 } else { 0 }; 3]));
        assert!(sift(&stripes).is_empty(), "edges are no points");
    }
}
