//! Weights in the transformed domain.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::PRODUCTS;
use super::transforms::{plane_len, weights_transform};
use crate::instructions::arch;
use crate::nn::ops::kernels::Shared;
use crate::nn::ops::matrix::{load, panel_width, panel_width_of, store};
use crate::nn::ops::scratch::Scratch;

/// Weights in the transformed domain: product, panel of outputs, input, output within the panel.
#[derive(Debug)]
pub struct TransformedWeights {
    /// Channels that go in.
    pub(super) inputs: usize,
    /// Channels that come out.
    pub(super) outputs: usize,
    /// Values from one product's weights to the next product's.
    pub(super) plane: usize,
    pub(super) values: Scratch,
}

/// Which way the weights are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From inputs to outputs.
    Forward,
    /// From the gradient of the outputs to that of the inputs.
    Backward,
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
            arch().dispatch(TransformWeights {
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
