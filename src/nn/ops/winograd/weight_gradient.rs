//! Gradient of the weights: sums over tiles in the transformed domain, brought back once.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::PRODUCTS;
use super::transforms::{Tiles, plane_len, transform_gradient, transform_input, weights_transform_back};
use crate::instructions::arch;
use crate::nn::ops::kernels::{Extent, Shared, blocks};
use crate::nn::ops::matrix::{self, Left, Product, Right, load, panel_width, panel_width_of, store};
use crate::nn::ops::scratch::Scratch;

/// Values of scratch that a block of tiles of the weight gradient aims at.
const BLOCK_SCRATCH: usize = 1 << 21;
/// Fewest and most tiles of such a block.
const BLOCK_TILES: Range<usize> = 96..512;
/// Tiles that one thread transforms at once for the weight gradient.
const TILES_PER_TRANSFORM: usize = 8;

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
            arch().dispatch(TransformBlock {
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
            arch().dispatch(MultiplyBlock {
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
        arch().dispatch(TransformBack { inputs, outputs_here, output_width, sums_plane, sums: sums_at, target });
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
