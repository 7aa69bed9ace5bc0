//! Convolution in units of tiles and panels of outputs: forward, and for the gradient of the input.

use std::cell::RefCell;
use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::PRODUCTS;
use super::transforms::{Tiles, load_some, output_transform, plane_len, store_some, transform_input};
use super::weights::TransformedWeights;
use crate::instructions::arch;
use crate::nn::ops::kernels::{Extent, Shared, blocks};
use crate::nn::ops::matrix::{self, Left, Product, Right, load, panel_width, panel_width_of, store};

/// Values of scratch that one unit of forward work aims at.
const UNIT_SCRATCH: usize = 1 << 18;
/// Fewest and most tiles of a unit of forward work; multiples of the rows that the product takes at once.
const UNIT_TILES: Range<usize> = 24..120;

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
    pub(crate) fn pools(self) -> bool {
        matches!(self, Self::BiasReluPool(_))
    }

    fn bias(self) -> Option<*const f32> {
        match self {
            Self::Plain => None,
            Self::BiasRelu(bias) | Self::BiasReluPool(bias) => Some(bias.as_ptr()),
        }
    }
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
    let kept = kept.map(|kept| Shared(kept.as_mut_ptr()));
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
            arch().dispatch(ConvolveUnit {
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

struct ConvolveUnit<'a> {
    input: &'a [f32],
    tiles: Tiles,
    tiles_here: Range<usize>,
    panels: Range<usize>,
    weights: &'a TransformedWeights,
    finish: Finish<'a>,
    target: Shared,
    kept: Option<Shared<u8>>,
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
                                    *kept.get().add(at + lane) = *number as u8;
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
