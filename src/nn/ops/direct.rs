//! 3×3 convolution of pictures with few channels (the first layer): patches of pixels times weights.
//!
//! Winograd's way pays only where many channels share a tile's transformation. Here the 9·I values around each pixel
//! are laid side by side, so that a row of pixels is one product of matrices. Layout, results and independence of
//! threads are those of [`winograd`](super::winograd).

use std::cell::RefCell;
use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::kernels::{Extent, Shared, blocks};
use super::matrix::{self, Left, Product, Right, panel_width};
use super::scratch::Scratch;
use super::winograd::{Direction, Finish};
use crate::instructions::arch;

/// Rows of a unit of forward work; even, so that pooling stays within a unit.
const ROWS_PER_UNIT: usize = 4;
/// Rows whose weight gradients are summed by one thread; by shape alone, since the order of sums depends on it.
const ROWS_PER_SUM: usize = 64;

/// Weights as panel of outputs, tap and input, output within the panel.
#[derive(Debug)]
pub struct PackedWeights {
    inputs: usize,
    outputs: usize,
    values: Scratch,
}

impl PackedWeights {
    /// Packs O × I × 3 × 3 weights.
    pub fn new(weights: &[f32], outputs: usize, inputs: usize, direction: Direction) -> Self {
        assert_eq!(weights.len(), outputs * inputs * 9);
        let (rows, columns) = match direction {
            Direction::Forward => (inputs, outputs),
            Direction::Backward => (outputs, inputs),
        };
        let width = panel_width();
        let mut values = Scratch::new(columns.div_ceil(width) * 9 * rows * width);
        for (at, value) in values.iter_mut().enumerate() {
            let column = at / (9 * rows * width) * width + at % width;
            let (tap, row) = (at / width % (9 * rows) / rows, at / width % rows);
            *value = match direction {
                _ if column >= columns => 0.0,
                Direction::Forward => weights[(column * inputs + row) * 9 + tap],
                Direction::Backward => weights[(row * inputs + column) * 9 + 8 - tap],
            };
        }
        Self { inputs: rows, outputs: columns, values }
    }
}

thread_local! {
    /// Patches and sums of the units.
    static UNIT: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// Convolves as [`winograd::convolve`](super::winograd::convolve) does.
pub fn convolve(
    input: &[f32],
    extent: Extent,
    weights: &PackedWeights,
    finish: Finish<'_>,
    output: &mut [f32],
    kept: Option<&mut [u8]>,
) {
    assert_eq!(extent.channels, weights.inputs);
    assert_eq!(input.len(), extent.len());
    let output_extent = if finish.pools() { extent.pooled() } else { extent }.with_channels(weights.outputs);
    assert_eq!(output.len(), output_extent.len());
    assert!(kept.as_ref().is_none_or(|kept| kept.len() == output.len()));
    let (target, kept) = (Shared(output.as_mut_ptr()), kept.map(|kept| Shared(kept.as_mut_ptr())));
    let units: Vec<(usize, Range<usize>)> = (0..extent.images)
        .flat_map(|image| blocks(extent.height, ROWS_PER_UNIT).map(move |rows| (image, rows)))
        .collect();
    units.into_par_iter().for_each(|(image, rows)| {
        UNIT.with_borrow_mut(|(patches, sums)| {
            arch().dispatch(ConvolveUnit {
                input,
                extent,
                image,
                rows,
                weights,
                finish,
                target,
                kept,
                output_extent,
                patches,
                sums,
            });
        });
    });
}

/// Lays the 9·C values around each pixel of some rows side by side.
fn fill_patches(patches: &mut Vec<f32>, input: &[f32], extent: Extent, image: usize, rows: Range<usize>) {
    let Extent { height, width, channels, .. } = extent;
    let needed = rows.len() * width * 9 * channels;
    if patches.len() < needed {
        patches.resize(needed, 0.0);
    }
    let lines = patches[..needed].chunks_exact_mut(3 * channels);
    for (line, target) in lines.enumerate() {
        let (pixel, kernel_row) = (line / 3, line % 3);
        let (y, x) = (rows.start + pixel / width, pixel % width);
        let at_y = (y + kernel_row).wrapping_sub(1);
        if at_y >= height {
            target.fill(0.0);
            continue;
        }
        let source = &input[(image * height + at_y) * extent.row_len()..][..extent.row_len()];
        if x > 0 && x + 1 < width {
            target.copy_from_slice(&source[(x - 1) * channels..(x + 2) * channels]);
            continue;
        }
        for (column, target) in target.chunks_exact_mut(channels).enumerate() {
            match (x + column).wrapping_sub(1) {
                at if at < width => target.copy_from_slice(&source[at * channels..][..channels]),
                _ => target.fill(0.0),
            }
        }
    }
}

struct ConvolveUnit<'a> {
    input: &'a [f32],
    extent: Extent,
    image: usize,
    rows: Range<usize>,
    weights: &'a PackedWeights,
    finish: Finish<'a>,
    target: Shared,
    kept: Option<Shared<u8>>,
    output_extent: Extent,
    patches: &'a mut Vec<f32>,
    sums: &'a mut Vec<f32>,
}

impl WithSimd for ConvolveUnit<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = matrix::panel_width_of::<S>();
        let (depth, outputs) = (9 * self.extent.channels, self.weights.outputs);
        let panels = outputs.div_ceil(width);
        let pixels = self.rows.len() * self.extent.width;
        fill_patches(self.patches, self.input, self.extent, self.image, self.rows.clone());
        let columns = panels * width;
        if self.sums.len() < pixels * columns {
            self.sums.resize(pixels * columns, 0.0);
        }
        for panel in 0..panels {
            // SAFETY: the patches have a row for each pixel, the weights a panel of `depth` rows, the sums whole
            // panels for each pixel.
            unsafe {
                matrix::multiply(
                    simd,
                    0..pixels,
                    depth,
                    Left { start: self.patches.as_ptr(), row_step: depth, depth_step: 1 },
                    Right { start: self.weights.values.as_ptr().add(panel * depth * width), depth_step: width },
                    Product { start: self.sums.as_mut_ptr().add(panel * width), row_step: columns },
                    false,
                );
            }
        }
        let sums = &mut self.sums[..pixels * columns];
        if let Finish::BiasRelu(bias) | Finish::BiasReluPool(bias) = self.finish {
            for pixel in sums.chunks_exact_mut(columns) {
                for (value, bias) in pixel.iter_mut().zip(bias) {
                    let sum = *value + bias;
                    // Written so that NaN passes through and is noticed later.
                    *value = if sum < 0.0 { 0.0 } else { sum };
                }
            }
        }
        let Extent { height, .. } = self.output_extent;
        let row_len = self.output_extent.row_len();
        let output_rows =
            if self.finish.pools() { self.rows.start / 2..(self.rows.end / 2).min(height) } else { self.rows.clone() };
        let at = (self.image * height + output_rows.start) * row_len;
        let count = output_rows.len() * row_len;
        // SAFETY: rows of this unit alone, within the output (its rows are counted by `height`).
        let target = unsafe { std::slice::from_raw_parts_mut(self.target.get().add(at), count) };
        if !self.finish.pools() {
            for (target, source) in target.chunks_exact_mut(outputs).zip(sums.chunks_exact(columns)) {
                target.copy_from_slice(&source[..outputs]);
            }
            return;
        }
        let mut kept = self.kept.map(|kept| {
            // SAFETY: as the target.
            unsafe { std::slice::from_raw_parts_mut(kept.get().add(at), count) }
        });
        for (pixel, target) in target.chunks_exact_mut(outputs).enumerate() {
            let (y, x) = (pixel / self.output_extent.width, pixel % self.output_extent.width);
            let first = (2 * y * self.extent.width + 2 * x) * columns;
            let low = first + self.extent.width * columns;
            for (channel, target) in target.iter_mut().enumerate() {
                let (mut largest, mut which) = (sums[first + channel], 0u8);
                for (number, at) in [(1, first + columns), (2, low), (3, low + columns)] {
                    let value = sums[at + channel];
                    if value > largest || value.is_nan() {
                        (largest, which) = (value, number);
                    }
                }
                *target = largest;
                if let Some(kept) = &mut kept {
                    kept[pixel * outputs + channel] = which;
                }
            }
        }
    }
}

/// Gradient of O × I × 3 × 3 weights, as [`winograd::weight_gradient`](super::winograd::weight_gradient).
pub fn weight_gradient(input: &[f32], extent: Extent, gradient: &[f32], outputs: usize) -> Vec<f32> {
    let (inputs, depth) = (extent.channels, 9 * extent.channels);
    assert_eq!(input.len(), extent.len());
    assert_eq!(gradient.len(), extent.with_channels(outputs).len());
    let units: Vec<(usize, Range<usize>)> = (0..extent.images)
        .flat_map(|image| blocks(extent.height, ROWS_PER_SUM).map(move |rows| (image, rows)))
        .collect();
    let columns = outputs.next_multiple_of(panel_width());
    let parts: Vec<Vec<f32>> = units
        .into_par_iter()
        .map(|(image, rows)| {
            UNIT.with_borrow_mut(|(patches, padded)| {
                let mut sums = vec![0f32; depth * columns];
                for rows in blocks(rows.len(), ROWS_PER_UNIT).map(|part| rows.start + part.start..rows.start + part.end)
                {
                    fill_patches(patches, input, extent, image, rows.clone());
                    let pixels = rows.len() * extent.width;
                    let first = (image * extent.height + rows.start) * extent.width * outputs;
                    let gradient = &gradient[first..][..pixels * outputs];
                    // Whole panels of columns, for the product to read.
                    let gradient = if columns == outputs {
                        gradient
                    } else {
                        padded.clear();
                        padded.resize(pixels * columns, 0.0);
                        for (target, source) in padded.chunks_exact_mut(columns).zip(gradient.chunks_exact(outputs)) {
                            target[..outputs].copy_from_slice(source);
                        }
                        &padded[..]
                    };
                    arch().dispatch(AddProducts { patches, gradient, depth, pixels, columns, sums: &mut sums });
                }
                sums
            })
        })
        .collect();
    let mut result = vec![0f32; outputs * inputs * 9];
    for part in parts {
        for (output, kernel) in result.chunks_exact_mut(inputs * 9).enumerate() {
            for (at, value) in kernel.iter_mut().enumerate() {
                let (input, tap) = (at / 9, at % 9);
                *value += part[(tap * inputs + input) * columns + output];
            }
        }
    }
    result
}

struct AddProducts<'a> {
    patches: &'a [f32],
    gradient: &'a [f32],
    depth: usize,
    pixels: usize,
    columns: usize,
    sums: &'a mut [f32],
}

impl WithSimd for AddProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = matrix::panel_width_of::<S>();
        assert!(self.patches.len() >= self.pixels * self.depth);
        assert!(self.gradient.len() >= self.pixels * self.columns && self.sums.len() >= self.depth * self.columns);
        for panel in 0..self.columns / width {
            // SAFETY: asserted above.
            unsafe {
                matrix::multiply(
                    simd,
                    0..self.depth,
                    self.pixels,
                    Left { start: self.patches.as_ptr(), row_step: 1, depth_step: self.depth },
                    Right { start: self.gradient.as_ptr().add(panel * width), depth_step: self.columns },
                    Product { start: self.sums.as_mut_ptr().add(panel * width), row_step: self.columns },
                    true,
                );
            }
        }
    }
}
