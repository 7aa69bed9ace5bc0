//! 3×3 convolution by Winograd's minimal filtering, F(4×4, 3×3) (Lavin and Gray, arXiv 1509.09308), with both gradients.
//!
//! Pictures are channels-last, N × H × W × C. The output is cut into tiles of 4×4; each needs 6×6 inputs. In the
//! transformed domain a convolution is 36 products of matrices instead of 144, tiles × inputs times inputs × outputs:
//!
//! - forward: V = Bᵀ d B of each input tile, M = V · U with U = G g Gᵀ of the weights, Y = Aᵀ M A, then bias, ReLU and,
//!   where a pooling follows, the largest of each 2×2;
//! - gradient of the input: the same with the weights turned by 180° and inputs and outputs exchanged;
//! - gradient of the weights: dg = Gᵀ (Σ over tiles of Vᵀ · Z) G with Z = A dY Aᵀ.
//!
//! Work is cut into units of tiles (and panels of outputs). In the forward direction a tile's numbers are the same
//! whatever the units are; the weight gradient's order of sums depends on the shape alone. So nothing depends on the
//! number of threads.

use std::cell::RefCell;
use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::kernels::{Extent, Shared, blocks};
use super::matrix::{self, Left, Product, Right, load, panel_width, panel_width_of, store};
use super::scratch::Scratch;

/// Rows and columns of an output tile.
const TILE: usize = 4;
/// Products in the transformed domain: 6×6.
const PRODUCTS: usize = 36;
/// Values of scratch that one unit of forward work aims at.
const UNIT_SCRATCH: usize = 1 << 18;
/// Fewest and most tiles of a unit of forward work; multiples of the rows that the product takes at once.
const UNIT_TILES: Range<usize> = 24..120;
/// Values of scratch that a block of tiles of the weight gradient aims at.
const BLOCK_SCRATCH: usize = 1 << 21;
/// Fewest and most tiles of such a block.
const BLOCK_TILES: Range<usize> = 96..512;
/// Tiles that one thread transforms at once for the weight gradient.
const TILES_PER_TRANSFORM: usize = 8;

/// Weights in the transformed domain: product, panel of outputs, input, output within the panel.
#[derive(Debug)]
pub struct TransformedWeights {
    inputs: usize,
    outputs: usize,
    /// Values from one product's weights to the next product's.
    plane: usize,
    values: Scratch,
}

/// Which way the weights are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From inputs to outputs.
    Forward,
    /// From the gradient of the outputs to that of the inputs.
    Backward,
}

/// What is done to a tile of outputs before it is written.
#[derive(Clone, Copy, Debug)]
pub enum Finish<'a> {
    /// Nothing.
    Plain,
    /// Bias is added, then ReLU.
    BiasRelu(&'a [f32]),
    /// Bias is added, then ReLU, then 2×2 maximum pooling; an odd last row or column is dropped.
    BiasReluPool(&'a [f32]),
}

impl Finish<'_> {
    pub(super) fn pools(self) -> bool {
        matches!(self, Self::BiasReluPool(_))
    }

    fn bias(self) -> Option<*const f32> {
        match self {
            Self::Plain => None,
            Self::BiasRelu(bias) | Self::BiasReluPool(bias) => Some(bias.as_ptr()),
        }
    }
}

impl TransformedWeights {
    /// Transforms O × I × 3 × 3 weights.
    pub fn new(weights: &[f32], outputs: usize, inputs: usize, direction: Direction) -> Self {
        assert_eq!(weights.len(), outputs * inputs * 9);
        let (rows, columns) = match direction {
            Direction::Forward => (inputs, outputs),
            Direction::Backward => (outputs, inputs),
        };
        let width = panel_width();
        let panels = columns.div_ceil(width);
        let plane = plane_len(panels * rows, width);
        let mut values = Scratch::new(PRODUCTS * plane);
        let target = Shared(values.as_mut_ptr());
        (0..panels * rows.div_ceil(ROWS_PER_UNIT)).into_par_iter().for_each(|unit| {
            let (panel, block) = (unit % panels, unit / panels);
            let rows_here = block * ROWS_PER_UNIT..((block + 1) * ROWS_PER_UNIT).min(rows);
            matrix::arch().dispatch(TransformWeights {
                weights,
                inputs,
                direction,
                rows,
                columns,
                panel,
                plane,
                rows_here,
                target,
            });
        });
        Self { inputs: rows, outputs: columns, plane, values }
    }
}

/// Rows of weights that one thread transforms at once.
const ROWS_PER_UNIT: usize = 16;

/// Transforms some rows of weights for one panel.
struct TransformWeights<'a> {
    weights: &'a [f32],
    inputs: usize,
    direction: Direction,
    rows: usize,
    columns: usize,
    panel: usize,
    plane: usize,
    rows_here: Range<usize>,
    target: Shared,
}

impl WithSimd for TransformWeights<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (width, lanes) = (panel_width_of::<S>(), S::F32_LANES);
        let mut taps = [[0f32; 16]; 9];
        for row in self.rows_here.clone() {
            for vector in 0..width / lanes {
                let first = self.panel * width + vector * lanes;
                for (lane, column) in (first..first + lanes).enumerate() {
                    let (output, input) = match self.direction {
                        Direction::Forward => (column, row),
                        Direction::Backward => (row, column),
                    };
                    let at = (output * self.inputs + input) * 9;
                    let kernel = if column < self.columns { &self.weights[at..at + 9] } else { &[0f32; 9] };
                    for (tap, &value) in kernel.iter().enumerate() {
                        // Backwards the kernel is turned by 180°.
                        let tap = if self.direction == Direction::Forward { tap } else { 8 - tap };
                        taps[tap][lane] = value;
                    }
                }
                // SAFETY: a vector has at most 16 lanes. The place is inside the target: product, panel, row and
                // vector are within their counts, and each unit writes rows and a panel of its own.
                unsafe {
                    let tap = |index: usize| load::<S>(taps[index].as_ptr());
                    let columns: [[S::f32s; 6]; 3] =
                        [0, 1, 2].map(|x| weights_transform(simd, [tap(x), tap(3 + x), tap(6 + x)]));
                    let [left, middle, right] = columns;
                    for (y, ((a, b), c)) in left.into_iter().zip(middle).zip(right).enumerate() {
                        let line = weights_transform(simd, [a, b, c]);
                        for (x, value) in line.into_iter().enumerate() {
                            let at = (y * 6 + x) * self.plane + (self.panel * self.rows + row) * width + vector * lanes;
                            store::<S>(self.target.get().add(at), value);
                        }
                    }
                }
            }
        }
    }
}

/// G · (three values).
#[inline(always)]
fn weights_transform<S: Simd>(simd: S, g: [S::f32s; 3]) -> [S::f32s; 6] {
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
fn weights_transform_back<S: Simd>(simd: S, u: [S::f32s; 6]) -> [S::f32s; 3] {
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
fn input_transform<S: Simd>(simd: S, d: [S::f32s; 6]) -> [S::f32s; 6] {
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
fn output_transform<S: Simd>(simd: S, m: [S::f32s; 6]) -> [S::f32s; 4] {
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
fn gradient_transform<S: Simd>(simd: S, y: [S::f32s; 4]) -> [S::f32s; 6] {
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
struct Tiles {
    extent: Extent,
    rows: usize,
    columns: usize,
}

impl Tiles {
    fn new(extent: Extent) -> Self {
        Self { extent, rows: extent.height.div_ceil(TILE), columns: extent.width.div_ceil(TILE) }
    }

    fn count(self) -> usize {
        self.extent.images * self.rows * self.columns
    }

    /// Picture, and row and column of the first output pixel of a tile.
    #[inline(always)]
    fn place(self, tile: usize) -> (usize, usize, usize) {
        let (image, within) = (tile / (self.rows * self.columns), tile % (self.rows * self.columns));
        (image, within / self.columns * TILE, within % self.columns * TILE)
    }
}

/// Values from one product's rows to the next product's: an odd number of cache lines, so that the 36 planes that a
/// tile is scattered to do not fall on the same few lines of the cache.
fn plane_len(rows: usize, columns: usize) -> usize {
    ((rows * columns).div_ceil(16) | 1) * 16
}

thread_local! {
    /// Scratch of the units of forward work.
    static UNIT: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Convolves a stack of pictures (N × H × W × I) into `output`: N × H × W × O, or N × H/2 × W/2 × O where it pools.
///
/// `kept`, asked for where it pools and a gradient will be wanted, receives for each output which of its four pixels
/// was the largest (0 to 3, the first of equals, as PyTorch counts).
pub fn convolve(
    input: &[f32],
    extent: Extent,
    weights: &TransformedWeights,
    finish: Finish<'_>,
    output: &mut [f32],
    kept: Option<&mut [u8]>,
) {
    let outputs = weights.outputs;
    assert_eq!(extent.channels, weights.inputs);
    assert_eq!(input.len(), extent.len());
    let output_extent = if finish.pools() { extent.pooled() } else { extent }.with_channels(outputs);
    assert_eq!(output.len(), output_extent.len());
    if let Finish::BiasRelu(bias) | Finish::BiasReluPool(bias) = finish {
        assert_eq!(bias.len(), outputs);
    }
    assert!(kept.as_ref().is_none_or(|kept| kept.len() == output.len()));
    let kept = kept.map(|kept| SharedBytes(kept.as_mut_ptr()));
    let tiles = Tiles::new(extent);
    let panels = outputs.div_ceil(panel_width());
    let width = panel_width();
    let per_tile = PRODUCTS * (extent.channels.next_multiple_of(width) + panels * width);
    let most = (UNIT_SCRATCH / per_tile / 6 * 6).clamp(UNIT_TILES.start, UNIT_TILES.end);
    // Small layers have few tiles: then the outputs are divided too, for each thread to have something to do.
    let threads = rayon::current_num_threads();
    let tile_units = tiles.count().div_ceil(most);
    let panel_units = if tile_units >= 2 * threads { 1 } else { (2 * threads).div_ceil(tile_units).min(panels) };
    let tiles_per_unit = tiles.count().div_ceil(tile_units).next_multiple_of(6);
    let panels_per_unit = panels.div_ceil(panel_units);
    let target = Shared(output.as_mut_ptr());
    let units: Vec<(Range<usize>, Range<usize>)> = blocks(tiles.count(), tiles_per_unit)
        .flat_map(|tiles| blocks(panels, panels_per_unit).map(move |panels| (tiles.clone(), panels)))
        .collect();
    units.into_par_iter().for_each(|(tiles_here, panels)| {
        UNIT.with_borrow_mut(|scratch| {
            matrix::arch().dispatch(ConvolveUnit {
                input,
                tiles,
                tiles_here,
                panels,
                weights,
                finish,
                target,
                kept,
                output_extent,
                scratch,
            });
        });
    });
}

/// Pointer to bytes that units of work on separate places may share.
#[derive(Clone, Copy)]
struct SharedBytes(*mut u8);

// SAFETY: each unit of work writes places that no other unit touches, and the buffer outlives the parallel loop.
unsafe impl Send for SharedBytes {}
// SAFETY: as above.
unsafe impl Sync for SharedBytes {}

struct ConvolveUnit<'a> {
    input: &'a [f32],
    tiles: Tiles,
    tiles_here: Range<usize>,
    panels: Range<usize>,
    weights: &'a TransformedWeights,
    finish: Finish<'a>,
    target: Shared,
    kept: Option<SharedBytes>,
    output_extent: Extent,
    scratch: &'a mut Vec<f32>,
}

impl WithSimd for ConvolveUnit<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (width, lanes) = (panel_width_of::<S>(), S::F32_LANES);
        let inputs = self.weights.inputs;
        let count = self.tiles_here.len();
        let input_width = inputs.next_multiple_of(lanes);
        let output_width = self.panels.len() * width;
        let (input_plane, output_plane) = (plane_len(count, input_width), plane_len(count, output_width));
        let needed = PRODUCTS * (input_plane + output_plane);
        if self.scratch.len() < needed {
            self.scratch.resize(needed, 0.0);
        }
        let transformed = self.scratch.as_mut_ptr();
        // SAFETY: the scratch has room for 36 planes of inputs and as many of outputs; tiles and channels stay within
        // the pictures (checked when the loads and stores are made); units write separate tiles or panels.
        unsafe {
            let products = transformed.add(PRODUCTS * input_plane);
            for (row, tile) in self.tiles_here.clone().enumerate() {
                transform_input(simd, self.input, self.tiles, tile, transformed.add(row * input_width), input_plane);
            }
            for product in 0..PRODUCTS {
                for (index, panel) in self.panels.clone().enumerate() {
                    let weights =
                        self.weights.values.as_ptr().add(product * self.weights.plane + panel * inputs * width);
                    matrix::multiply(
                        simd,
                        0..count,
                        inputs,
                        Left { start: transformed.add(product * input_plane), row_step: input_width, depth_step: 1 },
                        Right { start: weights, depth_step: width },
                        Product { start: products.add(product * output_plane + index * width), row_step: output_width },
                        false,
                    );
                }
            }
            for (row, tile) in self.tiles_here.clone().enumerate() {
                self.finish_tile(simd, tile, products.add(row * output_width), output_plane);
            }
        }
    }
}

impl ConvolveUnit<'_> {
    /// Transforms a tile's products back and writes its pixels.
    #[inline(always)]
    unsafe fn finish_tile<S: Simd>(&self, simd: S, tile: usize, products: *const f32, plane: usize) {
        let (width, lanes) = (panel_width_of::<S>(), S::F32_LANES);
        let (image, y, x) = self.tiles.place(tile);
        let Extent { height, width: columns, channels, .. } = self.output_extent;
        let zero = simd.splat_f32s(0.0);
        let first = self.panels.start * width;
        let last = (self.panels.end * width).min(channels);
        let mut channel = first;
        while channel < last {
            let here = (last - channel).min(lanes);
            // SAFETY: 36 planes with a whole panel of columns each; pixels are written inside the picture only, and
            // only the channels that there are.
            unsafe {
                let source = products.add(channel - first);
                let mut lines = [[zero; 6]; 4];
                for column in 0..6 {
                    let mut values = [zero; 6];
                    for (row, value) in values.iter_mut().enumerate() {
                        *value = load::<S>(source.add((row * 6 + column) * plane));
                    }
                    let done = output_transform(simd, values);
                    for (line, value) in lines.iter_mut().zip(done) {
                        line[column] = value;
                    }
                }
                let mut pixels = [[zero; 4]; 4];
                for (pixels, line) in pixels.iter_mut().zip(lines) {
                    *pixels = output_transform(simd, line);
                }
                if let Some(bias) = self.finish.bias() {
                    let bias = load_some(simd, bias.add(channel), here);
                    for pixel in pixels.iter_mut().flatten() {
                        let sum = simd.add_f32s(*pixel, bias);
                        // Written so that NaN passes through and is noticed later.
                        *pixel = simd.select_f32s(simd.less_than_f32s(sum, zero), zero, sum);
                    }
                }
                if self.finish.pools() {
                    for row in 0..2 {
                        for column in 0..2 {
                            let (at_y, at_x) = (y / 2 + row, x / 2 + column);
                            if at_y >= height || at_x >= columns {
                                continue;
                            }
                            let at = ((image * height + at_y) * columns + at_x) * channels + channel;
                            let four =
                                [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| pixels[2 * row + dy][2 * column + dx]);
                            let (largest, which) = largest_of(simd, four);
                            store_some(simd, self.target.get().add(at), largest, here);
                            if let Some(kept) = self.kept {
                                let mut numbers = [0f32; 16];
                                store::<S>(numbers.as_mut_ptr(), which);
                                for (lane, number) in numbers.iter().take(here).enumerate() {
                                    *kept.0.add(at + lane) = *number as u8;
                                }
                            }
                        }
                    }
                } else {
                    for (row, pixels) in pixels.into_iter().enumerate() {
                        if y + row >= height {
                            break;
                        }
                        for (column, pixel) in pixels.into_iter().enumerate() {
                            if x + column >= columns {
                                break;
                            }
                            let at = ((image * height + y + row) * columns + x + column) * channels + channel;
                            store_some(simd, self.target.get().add(at), pixel, here);
                        }
                    }
                }
            }
            channel += lanes;
        }
    }
}

/// The largest of four and its number, the first of equals; NaN counts as largest, so that it is noticed.
#[inline(always)]
fn largest_of<S: Simd>(simd: S, values: [S::f32s; 4]) -> (S::f32s, S::f32s) {
    let (mut largest, mut which) = (values[0], simd.splat_f32s(0.0));
    for (number, value) in values.into_iter().enumerate().skip(1) {
        // Larger, or not a number: not (value <= largest).
        let stays = simd.less_than_or_equal_f32s(value, largest);
        largest = simd.select_f32s(stays, largest, value);
        which = simd.select_f32s(stays, which, simd.splat_f32s(number as f32));
    }
    (largest, which)
}

#[inline(always)]
unsafe fn load_some<S: Simd>(simd: S, start: *const f32, count: usize) -> S::f32s {
    // SAFETY: `count` values are there, as the caller vouches.
    unsafe {
        if count == S::F32_LANES {
            load::<S>(start)
        } else {
            simd.partial_load_f32s(std::slice::from_raw_parts(start, count))
        }
    }
}

#[inline(always)]
unsafe fn store_some<S: Simd>(simd: S, start: *mut f32, values: S::f32s, count: usize) {
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
unsafe fn transform_input<S: Simd>(simd: S, input: &[f32], tiles: Tiles, tile: usize, target: *mut f32, plane: usize) {
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
unsafe fn transform_gradient<S: Simd>(
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

/// Gradient of O × I × 3 × 3 weights from the inputs (N × H × W × I) and the gradient of the convolution's sums
/// (N × H × W × O).
pub fn weight_gradient(input: &[f32], extent: Extent, gradient: &[f32], outputs: usize) -> Vec<f32> {
    let inputs = extent.channels;
    let gradient_extent = extent.with_channels(outputs);
    assert_eq!(input.len(), extent.len());
    assert_eq!(gradient.len(), gradient_extent.len());
    let width = panel_width();
    let (tiles, gradient_tiles) = (Tiles::new(extent), Tiles::new(gradient_extent));
    let (input_width, output_width) = (inputs.next_multiple_of(width), outputs.next_multiple_of(width));
    let per_tile = PRODUCTS * (input_width + output_width);
    // By shape alone: the order of the sums depends on it.
    let block = (BLOCK_SCRATCH / per_tile).clamp(BLOCK_TILES.start, BLOCK_TILES.end).min(tiles.count()).max(1);
    let (input_plane, output_plane) = (plane_len(block, input_width), plane_len(block, output_width));
    let sums_plane = plane_len(inputs, output_width);
    let mut transformed = Scratch::new(PRODUCTS * input_plane);
    let mut gradients = Scratch::new(PRODUCTS * output_plane);
    let mut sums = Scratch::new(PRODUCTS * sums_plane);
    let (transformed, gradients) = (Shared(transformed.as_mut_ptr()), Shared(gradients.as_mut_ptr()));
    let sums_at = Shared(sums.as_mut_ptr());
    for (index, tiles_here) in blocks(tiles.count(), block).enumerate() {
        let units: Vec<Range<usize>> = blocks(tiles_here.len(), TILES_PER_TRANSFORM).collect();
        units.into_par_iter().for_each(|rows| {
            matrix::arch().dispatch(TransformBlock {
                input,
                gradient,
                tiles,
                gradient_tiles,
                first_tile: tiles_here.start,
                rows,
                input_width,
                output_width,
                input_plane,
                output_plane,
                transformed,
                gradients,
            });
        });
        let panels = output_width / width;
        let units: Vec<(usize, usize)> =
            (0..PRODUCTS).flat_map(|product| (0..panels).map(move |panel| (product, panel))).collect();
        units.into_par_iter().with_min_len(panels.min(4)).for_each(|(product, panel)| {
            matrix::arch().dispatch(MultiplyBlock {
                inputs,
                depth: tiles_here.len(),
                accumulate: index > 0,
                product,
                panel,
                input_width,
                output_width,
                input_plane,
                output_plane,
                sums_plane,
                transformed,
                gradients,
                sums: sums_at,
            });
        });
    }
    let mut result = vec![0f32; outputs * inputs * 9];
    let target = Shared(result.as_mut_ptr());
    let units: Vec<Range<usize>> = blocks(outputs, width).collect();
    units.into_par_iter().for_each(|outputs_here| {
        matrix::arch().dispatch(TransformBack {
            inputs,
            outputs_here,
            output_width,
            sums_plane,
            sums: sums_at,
            target,
        });
    });
    result
}

struct TransformBlock<'a> {
    input: &'a [f32],
    gradient: &'a [f32],
    tiles: Tiles,
    gradient_tiles: Tiles,
    first_tile: usize,
    rows: Range<usize>,
    input_width: usize,
    output_width: usize,
    input_plane: usize,
    output_plane: usize,
    transformed: Shared,
    gradients: Shared,
}

impl WithSimd for TransformBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in self.rows.clone() {
            let tile = self.first_tile + row;
            // SAFETY: both scratch buffers have 36 planes with a row for each tile of the block, and each unit writes
            // rows of its own.
            unsafe {
                let target = self.transformed.get().add(row * self.input_width);
                transform_input(simd, self.input, self.tiles, tile, target, self.input_plane);
                let target = self.gradients.get().add(row * self.output_width);
                transform_gradient(simd, self.gradient, self.gradient_tiles, tile, target, self.output_plane);
            }
        }
    }
}

struct MultiplyBlock {
    inputs: usize,
    depth: usize,
    accumulate: bool,
    product: usize,
    panel: usize,
    input_width: usize,
    output_width: usize,
    input_plane: usize,
    output_plane: usize,
    sums_plane: usize,
    transformed: Shared,
    gradients: Shared,
    sums: Shared,
}

impl WithSimd for MultiplyBlock {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let first = self.panel * panel_width_of::<S>();
        // SAFETY: the planes have a row for each tile of the block (left and right) and for each input (sums), and all
        // panels of columns; each unit has a product and panel of its own.
        unsafe {
            matrix::multiply(
                simd,
                0..self.inputs,
                self.depth,
                Left {
                    start: self.transformed.get().add(self.product * self.input_plane),
                    row_step: 1,
                    depth_step: self.input_width,
                },
                Right {
                    start: self.gradients.get().add(self.product * self.output_plane + first),
                    depth_step: self.output_width,
                },
                Product {
                    start: self.sums.get().add(self.product * self.sums_plane + first),
                    row_step: self.output_width,
                },
                self.accumulate,
            );
        }
    }
}

struct TransformBack {
    inputs: usize,
    outputs_here: Range<usize>,
    output_width: usize,
    sums_plane: usize,
    sums: Shared,
    target: Shared,
}

impl WithSimd for TransformBack {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = S::F32_LANES;
        let zero = simd.splat_f32s(0.0);
        let mut first = self.outputs_here.start;
        while first < self.outputs_here.end {
            let here = (self.outputs_here.end - first).min(lanes);
            for input in 0..self.inputs {
                // SAFETY: the sums have a row for each input and whole panels of columns; each unit writes the
                // weights of its own outputs.
                unsafe {
                    let source = self.sums.get().add(input * self.output_width + first);
                    let mut lines = [[zero; 6]; 3];
                    for column in 0..6 {
                        let mut values = [zero; 6];
                        for (row, value) in values.iter_mut().enumerate() {
                            *value = load::<S>(source.add((row * 6 + column) * self.sums_plane));
                        }
                        for (line, value) in lines.iter_mut().zip(weights_transform_back(simd, values)) {
                            line[column] = value;
                        }
                    }
                    for (row, line) in lines.into_iter().enumerate() {
                        for (column, value) in weights_transform_back(simd, line).into_iter().enumerate() {
                            let mut numbers = [0f32; 16];
                            store::<S>(numbers.as_mut_ptr(), value);
                            for (lane, number) in numbers.iter().take(here).enumerate() {
                                let at = ((first + lane) * self.inputs + input) * 9 + row * 3 + column;
                                *self.target.get().add(at) = *number;
                            }
                        }
                    }
                }
            }
            first += lanes;
        }
    }
}
