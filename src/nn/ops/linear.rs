//! Linear maps y = x · Wᵀ + b, with their gradients, on the innermost loop of [`matrix`].
//!
//! Weights are read where they are (O × I, as PyTorch keeps them): forward the transposed result W · xᵀ is computed, so
//! that only the few rows of x are repacked. Each output is summed in one fixed order over the depth, so a row's numbers do
//! not depend on the other rows, nor on the number of threads.

use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor, bail};
use candle_nn::{Linear, Module};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::kernels::{Shared, blocks};
use super::matrix::{self, Left, Product, Right, panel_width};
use super::{contiguous, with_values};
use crate::instructions::arch;

/// Rows of a product that one thread computes at once; a multiple of what is held in registers.
const ROWS_PER_UNIT: usize = 96;

/// `left · right` for a right matrix depth × columns, row-major: rows × columns, row-major.
///
/// # Safety
/// `left` must describe rows × depth places inside its allocation.
unsafe fn product(rows: usize, depth: usize, left: Left, right: &[f32], columns: usize) -> Vec<f32> {
    assert_eq!(right.len(), depth * columns);
    let padded = columns.next_multiple_of(panel_width());
    // Whole panels of columns, for the innermost loop to read and write.
    let wide;
    let right = if padded == columns {
        right
    } else {
        let mut copy = vec![0f32; depth * padded];
        for (target, source) in copy.chunks_exact_mut(padded).zip(right.chunks_exact(columns.max(1))) {
            target[..columns].copy_from_slice(source);
        }
        wide = copy;
        &wide[..]
    };
    let mut result = vec![0f32; rows * padded];
    let target = Shared(result.as_mut_ptr());
    let panels = padded / panel_width();
    let units: Vec<(std::ops::Range<usize>, usize)> =
        blocks(rows, ROWS_PER_UNIT).flat_map(|rows| (0..panels).map(move |panel| (rows.clone(), panel))).collect();
    units.into_par_iter().for_each(|(rows, panel)| {
        arch().dispatch(ProductUnit { rows, depth, left, right, panel, padded, target });
    });
    if padded != columns {
        let narrow = result.chunks_exact(padded).flat_map(|row| &row[..columns]).copied().collect();
        result = narrow;
    }
    result
}

struct ProductUnit<'a> {
    rows: std::ops::Range<usize>,
    depth: usize,
    left: Left,
    right: &'a [f32],
    panel: usize,
    padded: usize,
    target: Shared,
}

impl WithSimd for ProductUnit<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let first = self.panel * matrix::panel_width_of::<S>();
        // SAFETY: `right` has `depth` rows of `padded` columns, the target as many columns for each row, and each unit
        // writes rows and a panel of its own. The caller of `product` vouches for the left matrix.
        unsafe {
            matrix::multiply(
                simd,
                self.rows,
                self.depth,
                self.left,
                Right { start: self.right.as_ptr().add(first), depth_step: self.padded },
                Product { start: self.target.get().add(first), row_step: self.padded },
                false,
            );
        }
    }
}

/// rows × columns to columns × rows.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut result = vec![0f32; values.len()];
    for (row, line) in values.chunks_exact(columns.max(1)).enumerate() {
        for (column, value) in line.iter().enumerate() {
            result[column * rows + row] = *value;
        }
    }
    result
}

/// `input · weightsᵀ + bias` for rows × inputs values, outputs × inputs weights: rows × outputs, row-major.
///
/// `inputs` and the number of outputs are 1 or more. Each row's result is the same bits whatever other rows
/// are computed with it.
pub fn linear_values(input: &[f32], inputs: usize, weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let outputs = bias.len();
    assert_eq!(weights.len(), inputs * outputs);
    assert!(inputs > 0 && outputs > 0 && input.len().is_multiple_of(inputs));
    let rows = input.len() / inputs;
    let left = Left { start: weights.as_ptr(), row_step: inputs, depth_step: 1 };
    // SAFETY: the weights are outputs × inputs, as asserted.
    let result = unsafe { product(outputs, inputs, left, &transposed(input, rows, inputs), rows) };
    let mut result = transposed(&result, outputs, rows);
    for row in result.chunks_exact_mut(outputs) {
        for (value, bias) in row.iter_mut().zip(bias) {
            *value += bias;
        }
    }
    result
}

/// `input · weightsᵀ + bias`: n × I, O × I and O give n × O. Passes gradients to all three.
///
/// # Errors
/// candle's, where the shapes do not fit or memory runs out.
pub fn linear(input: &Tensor, weights: &Tensor, bias: &Tensor) -> candle_core::Result<Tensor> {
    if input.device().is_cpu() {
        return input.contiguous()?.apply_op3(weights, bias, LinearKernel);
    }
    layer(weights, bias).forward(input)
}

/// The same as a layer of candle's, for the devices that candle multiplies on.
fn layer(weights: &Tensor, bias: &Tensor) -> Linear {
    Linear::new(weights.clone(), Some(bias.clone()))
}

struct LinearKernel;

impl CustomOp3 for LinearKernel {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (rows, inputs) = input_layout.shape().dims2()?;
        let (outputs, weight_inputs) = weights_layout.shape().dims2()?;
        let bias = contiguous(bias, bias_layout)?;
        if weight_inputs != inputs || bias.len() != outputs || inputs == 0 || outputs == 0 {
            bail!("weights of {outputs} × {weight_inputs} do not fit {inputs} inputs and a bias of {}", bias.len());
        }
        let (input, weights) = (contiguous(input, input_layout)?, contiguous(weights, weights_layout)?);
        Ok((CpuStorage::F32(linear_values(input, inputs, weights, bias)), Shape::from((rows, outputs))))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weights: &Tensor,
        bias: &Tensor,
        _result: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (rows, inputs) = input.dims2()?;
        let outputs = weights.dim(0)?;
        let device = input.device();
        let gradient = gradient.contiguous()?;
        with_values(&gradient, |gradient| {
            let input_gradient = if input.track_op() {
                let left = Left { start: gradient.as_ptr(), row_step: outputs, depth_step: 1 };
                // SAFETY: the gradient is rows × outputs.
                let values = with_values(weights, |weights| unsafe { product(rows, outputs, left, weights, inputs) })?;
                Some(Tensor::from_vec(values, (rows, inputs), device)?)
            } else {
                None
            };
            let weight_gradient = if weights.track_op() {
                let left = Left { start: gradient.as_ptr(), row_step: 1, depth_step: outputs };
                // SAFETY: the gradient is rows × outputs, read the other way round.
                let values = with_values(input, |input| unsafe { product(outputs, rows, left, input, inputs) })?;
                Some(Tensor::from_vec(values, (outputs, inputs), device)?)
            } else {
                None
            };
            let bias_gradient = if bias.track_op() {
                let mut sums = vec![0f32; outputs];
                for row in gradient.chunks_exact(outputs) {
                    for (sum, value) in sums.iter_mut().zip(row) {
                        *sum += value;
                    }
                }
                Some(Tensor::from_vec(sums, outputs, device)?)
            } else {
                None
            };
            Ok((input_gradient, weight_gradient, bias_gradient))
        })?
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn the_kernel_and_the_layer_agree() {
        let variable = |shape: &[usize], step: usize| {
            let count: usize = shape.iter().product();
            let values: Vec<f32> = (0..count).map(|i| ((i * step) % 1009) as f32 / 504.5 - 1.0).collect();
            Var::from_vec(values, shape, &Device::Cpu).unwrap()
        };
        let (input, weights, bias) = (variable(&[7, 37], 331), variable(&[5, 37], 577), variable(&[5], 211));
        let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let results = [linear(&input, &weights, &bias).unwrap(), layer(&weights, &bias).forward(&input).unwrap()];
        let gradients = results.each_ref().map(|result| result.sqr().unwrap().sum_all().unwrap().backward().unwrap());
        let close = |ours: &Tensor, theirs: &Tensor| {
            assert_eq!(ours.dims(), theirs.dims());
            assert!(values(ours).iter().zip(values(theirs)).all(|(a, b)| (a - b).abs() < 1e-4));
        };
        close(&results[0], &results[1]);
        for variable in [&input, &weights, &bias] {
            close(gradients[0].get(variable).unwrap(), gradients[1].get(variable).unwrap());
        }
    }
}
