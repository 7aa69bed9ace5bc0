//! Tiles and the small matrices that bring them into the transformed domain and back, for vectors of channels.

use pulp::Simd;

use super::TILE;
use crate::nn::ops::kernels::Extent;
use crate::nn::ops::matrix::{load, store};

/// G · (three values).
#[inline(always)]
pub(super) fn weights_transform<S: Simd>(simd: S, g: [S::f32s; 3]) -> [S::f32s; 6] {
    let times = |a, factor: f32| simd.mul_f32s(a, simd.splat_f32s(factor));
    let ends = simd.add_f32s(g[0], g[2]);
    let far = simd.add_f32s(times(g[0], 1.0 / 24.0), times(g[2], 1.0 / 6.0));
    let middle = times(g[1], 1.0 / 12.0);
    [
        times(g[0], 0.25),
        times(simd.add_f32s(ends, g[1]), -1.0 / 6.0),
        times(simd.sub_f32s(ends, g[1]), -1.0 / 6.0),
        simd.add_f32s(far, middle),
        simd.sub_f32s(far, middle),
        g[2],
    ]
}

/// Gᵀ · (six values).
#[inline(always)]
pub(super) fn weights_transform_back<S: Simd>(simd: S, u: [S::f32s; 6]) -> [S::f32s; 3] {
    let times = |a, factor: f32| simd.mul_f32s(a, simd.splat_f32s(factor));
    let (sum12, difference12) = (simd.add_f32s(u[1], u[2]), simd.sub_f32s(u[2], u[1]));
    let (sum34, difference34) = (simd.add_f32s(u[3], u[4]), simd.sub_f32s(u[3], u[4]));
    [
        simd.add_f32s(simd.sub_f32s(times(u[0], 0.25), times(sum12, 1.0 / 6.0)), times(sum34, 1.0 / 24.0)),
        simd.add_f32s(times(difference12, 1.0 / 6.0), times(difference34, 1.0 / 12.0)),
        simd.add_f32s(simd.sub_f32s(times(sum34, 1.0 / 6.0), times(sum12, 1.0 / 6.0)), u[5]),
    ]
}

/// Bᵀ · (six values).
#[inline(always)]
pub(super) fn input_transform<S: Simd>(simd: S, d: [S::f32s; 6]) -> [S::f32s; 6] {
    let (two, four, five) = (simd.splat_f32s(2.0), simd.splat_f32s(4.0), simd.splat_f32s(5.0));
    let even = simd.negate_mul_add_f32s(four, d[2], d[4]);
    let odd = simd.negate_mul_add_f32s(four, d[1], d[3]);
    let (near_even, near_odd) = (simd.sub_f32s(d[4], d[2]), simd.sub_f32s(d[3], d[1]));
    [
        simd.mul_add_f32s(four, d[0], simd.negate_mul_add_f32s(five, d[2], d[4])),
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        simd.mul_add_f32s(two, near_odd, near_even),
        simd.negate_mul_add_f32s(two, near_odd, near_even),
        simd.mul_add_f32s(four, d[1], simd.negate_mul_add_f32s(five, d[3], d[5])),
    ]
}

/// Aᵀ · (six values).
#[inline(always)]
pub(super) fn output_transform<S: Simd>(simd: S, m: [S::f32s; 6]) -> [S::f32s; 4] {
    let (two, four, eight) = (simd.splat_f32s(2.0), simd.splat_f32s(4.0), simd.splat_f32s(8.0));
    let (sum12, difference12) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
    let (sum34, difference34) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
    [
        simd.add_f32s(m[0], simd.add_f32s(sum12, sum34)),
        simd.mul_add_f32s(two, difference34, difference12),
        simd.mul_add_f32s(four, sum34, sum12),
        simd.add_f32s(simd.mul_add_f32s(eight, difference34, difference12), m[5]),
    ]
}

/// A · (four values).
#[inline(always)]
pub(super) fn gradient_transform<S: Simd>(simd: S, y: [S::f32s; 4]) -> [S::f32s; 6] {
    let (two, four) = (simd.splat_f32s(2.0), simd.splat_f32s(4.0));
    let (even, odd) = (simd.add_f32s(y[0], y[2]), simd.add_f32s(y[1], y[3]));
    let far_even = simd.mul_add_f32s(four, y[2], y[0]);
    let far_odd = simd.mul_f32s(two, simd.mul_add_f32s(four, y[3], y[1]));
    [
        y[0],
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        simd.add_f32s(far_even, far_odd),
        simd.sub_f32s(far_even, far_odd),
        y[3],
    ]
}

/// How a stack of pictures is cut into tiles, counted by picture, row and column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiles {
    pub(super) extent: Extent,
    rows: usize,
    columns: usize,
}

impl Tiles {
    pub(super) fn new(extent: Extent) -> Self {
        Self { extent, rows: extent.height.div_ceil(TILE), columns: extent.width.div_ceil(TILE) }
    }

    pub(super) fn count(self) -> usize {
        self.extent.images * self.rows * self.columns
    }

    /// Picture, and row and column of the first output pixel of a tile.
    #[inline(always)]
    pub(super) fn place(self, tile: usize) -> (usize, usize, usize) {
        let (image, within) = (tile / (self.rows * self.columns), tile % (self.rows * self.columns));
        (image, within / self.columns * TILE, within % self.columns * TILE)
    }
}

/// Values from one product's rows to the next product's: an odd number of cache lines, so that the 36 planes that a
/// tile is scattered to do not fall on the same few lines of the cache.
pub(super) fn plane_len(rows: usize, columns: usize) -> usize {
    ((rows * columns).div_ceil(16) | 1) * 16
}

/// Reads the first `count` lanes of a vector; the others are zero.
///
/// # Safety
/// `count` values from `start` on must be inside their allocation.
#[inline(always)]
pub(super) unsafe fn load_some<S: Simd>(simd: S, start: *const f32, count: usize) -> S::f32s {
    // SAFETY: `count` values are there, as the caller vouches.
    unsafe {
        if count == S::F32_LANES {
            load::<S>(start)
        } else {
            simd.partial_load_f32s(std::slice::from_raw_parts(start, count))
        }
    }
}

/// Writes the first `count` lanes of a vector.
///
/// # Safety
/// `count` places from `start` on must be inside their allocation and belong to the caller.
#[inline(always)]
pub(super) unsafe fn store_some<S: Simd>(simd: S, start: *mut f32, values: S::f32s, count: usize) {
    // SAFETY: `count` places are there and the caller's, as it vouches.
    unsafe {
        if count == S::F32_LANES {
            store::<S>(start, values);
        } else {
            simd.partial_store_f32s(std::slice::from_raw_parts_mut(start, count), values);
        }
    }
}

/// Writes Bᵀ d B of one input tile: product p, channel c to `target[p · plane + c]`.
///
/// # Safety
/// `target` must have room for 36 planes with all channels, rounded up to whole vectors.
#[inline(always)]
pub(super) unsafe fn transform_input<S: Simd>(
    simd: S,
    input: &[f32],
    tiles: Tiles,
    tile: usize,
    target: *mut f32,
    plane: usize,
) {
    let lanes = S::F32_LANES;
    let Extent { height, width, channels, .. } = tiles.extent;
    let (image, y, x) = tiles.place(tile);
    let zero = simd.splat_f32s(0.0);
    let inside = y > 0 && x > 0 && y + TILE < height && x + TILE < width;
    let mut channel = 0;
    while channel < channels {
        let here = (channels - channel).min(lanes);
        let mut lines = [[zero; 6]; 6];
        // SAFETY: pixels are read inside the picture only, and only the channels that there are.
        unsafe {
            if inside && here == lanes {
                let source = input.as_ptr().add(((image * height + y - 1) * width + x - 1) * channels + channel);
                for column in 0..6 {
                    let mut values = [zero; 6];
                    for (row, value) in values.iter_mut().enumerate() {
                        *value = load::<S>(source.add((row * width + column) * channels));
                    }
                    let done = input_transform(simd, values);
                    for (line, value) in lines.iter_mut().zip(done) {
                        line[column] = value;
                    }
                }
            } else {
                for column in 0..6 {
                    let mut values = [zero; 6];
                    for (row, value) in values.iter_mut().enumerate() {
                        let (at_y, at_x) = ((y + row).wrapping_sub(1), (x + column).wrapping_sub(1));
                        if at_y < height && at_x < width {
                            let at = ((image * height + at_y) * width + at_x) * channels + channel;
                            *value = load_some(simd, input.as_ptr().add(at), here);
                        }
                    }
                    let done = input_transform(simd, values);
                    for (line, value) in lines.iter_mut().zip(done) {
                        line[column] = value;
                    }
                }
            }
            for (row, line) in lines.into_iter().enumerate() {
                for (column, value) in input_transform(simd, line).into_iter().enumerate() {
                    store::<S>(target.add((row * 6 + column) * plane + channel), value);
                }
            }
        }
        channel += lanes;
    }
}

/// Writes A dY Aᵀ of one tile of the outputs' gradient: product p, channel c to `target[p · plane + c]`.
///
/// # Safety
/// `target` must have room for 36 planes with all channels, rounded up to whole vectors.
#[inline(always)]
pub(super) unsafe fn transform_gradient<S: Simd>(
    simd: S,
    gradient: &[f32],
    tiles: Tiles,
    tile: usize,
    target: *mut f32,
    plane: usize,
) {
    let lanes = S::F32_LANES;
    let Extent { height, width, channels, .. } = tiles.extent;
    let (image, y, x) = tiles.place(tile);
    let zero = simd.splat_f32s(0.0);
    let mut channel = 0;
    while channel < channels {
        let here = (channels - channel).min(lanes);
        let mut lines = [[zero; 4]; 6];
        // SAFETY: pixels are read inside the picture only, and only the channels that there are.
        unsafe {
            for column in 0..4 {
                let mut values = [zero; 4];
                for (row, value) in values.iter_mut().enumerate() {
                    if y + row < height && x + column < width {
                        let at = ((image * height + y + row) * width + x + column) * channels + channel;
                        *value = load_some(simd, gradient.as_ptr().add(at), here);
                    }
                }
                let done = gradient_transform(simd, values);
                for (line, value) in lines.iter_mut().zip(done) {
                    line[column] = value;
                }
            }
            for (row, line) in lines.into_iter().enumerate() {
                for (column, value) in gradient_transform(simd, line).into_iter().enumerate() {
                    store::<S>(target.add((row * 6 + column) * plane + channel), value);
                }
            }
        }
        channel += lanes;
    }
}
