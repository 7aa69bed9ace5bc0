//! Operations that candle lacks, has slow, or has with wrong gradients.
//!
//! A *stack* of pictures has the layout that its device is quick with: channels-last, N × H × W × C, on the processor and
//! planes, N × C × H × W, on a GPU. [`stack_from_planes`] and [`planes_from_stack`] convert; [`conv3x3_relu`],
//! [`convolution()`] and [`channel_means`] take stacks and give stacks or numbers. All that is trained has the gradients that
//! PyTorch has. Where candle computes, on a GPU, its layers ([`candle_nn`]) are used.
//!
//! The kernels of the processor are in `matrix` (the innermost loop), `winograd`, `direct` and `kernels`.

mod convolution;
mod direct;
mod gelu;
mod general;
mod kernels;
mod linear;
mod loss;
mod matrix;
mod scratch;
mod winograd;

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Storage, Tensor, bail};
use rand::Rng;

use crate::random::Generator;
pub use convolution::{PreparedWeights, conv3x3_relu, conv3x3_relu_planes, max_pool2x2_planes};
pub use gelu::gelu;
pub use general::{Kernels, convolution, max_pool3x3};
use kernels::Extent;
pub use linear::linear;
pub(crate) use linear::linear_values;
pub use loss::{bce_with_logits, binary_cross_entropy, sigmoid};
pub use matrix::{instructions, peak_gflops};

/// The slice behind a contiguous f32 tensor on the processor.
fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => bail!("the operation needs contiguous values"),
    }
}

/// Runs `work` on the values of a contiguous f32 tensor on the processor.
fn with_values<T>(tensor: &Tensor, work: impl FnOnce(&[f32]) -> T) -> candle_core::Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { bail!("the operation runs on the processor") };
    Ok(work(contiguous(storage, layout)?))
}

/// The extent of a channels-last stack.
fn extent_of(layout: &Layout) -> candle_core::Result<Extent> {
    let (images, height, width, channels) = layout.shape().dims4()?;
    Ok(Extent { images, height, width, channels })
}

/// Turns planes N × C × H × W into a stack in the layout of their device. No gradient is passed back.
///
/// # Errors
/// candle's.
pub fn stack_from_planes(planes: &Tensor) -> candle_core::Result<Tensor> {
    if !planes.device().is_cpu() {
        return Ok(planes.detach());
    }
    let (images, channels, height, width) = planes.dims4()?;
    let extent = Extent { images, height, width, channels };
    let values = with_values(&planes.contiguous()?, |values| kernels::channels_last(values, extent))?;
    Tensor::from_vec(values, (images, height, width, channels), planes.device())
}

/// Turns a stack into planes N × C × H × W.
///
/// # Errors
/// candle's.
pub fn planes_from_stack(stack: &Tensor) -> candle_core::Result<Tensor> {
    if stack.device().is_cpu() { stack.permute((0, 3, 1, 2))?.contiguous() } else { Ok(stack.clone()) }
}

/// Mean of each channel over the pixels of each picture of a stack: N × C.
///
/// # Errors
/// candle's.
pub fn channel_means(stack: &Tensor) -> candle_core::Result<Tensor> {
    if stack.device().is_cpu() { stack.mean((1, 2)) } else { stack.mean((2, 3)) }
}

/// Standard deviation (of the population) of each channel over the pixels of each picture of a stack: N × C.
///
/// A millionth is added to the variance, so that a channel without variation has a gradient.
///
/// # Errors
/// candle's.
pub fn channel_deviations(stack: &Tensor) -> candle_core::Result<Tensor> {
    let pixels = if stack.device().is_cpu() { (1, 2) } else { (2, 3) };
    let means = stack.mean_keepdim(pixels)?;
    (stack.broadcast_sub(&means)?.sqr()?.mean(pixels)? + 1e-6)?.sqrt()
}

/// ReLU and dropout of one step: each value becomes max(x, 0), then zero with probability `rate`, and the others are
/// scaled by 1 / (1 − rate).
///
/// Each layer has a stream of its own, drawn from row by row on the processor, so that the masks are the same on every
/// device and for a batch in parts.
#[derive(Debug)]
pub struct Dropout {
    rate: f32,
    seed: u64,
    step: String,
    streams: Vec<Generator>,
}

impl Dropout {
    /// Dropout at `rate` (0 to below 1) for the step of that name.
    pub fn new(rate: f32, seed: u64, step: &str) -> Self {
        Self { rate, seed, step: step.to_owned(), streams: Vec::new() }
    }

    /// Applies it to the sums (rows × columns) of the hidden layer number `layer`, from 0.
    ///
    /// # Errors
    /// candle's.
    pub fn relu(&mut self, sums: &Tensor, layer: usize) -> candle_core::Result<Tensor> {
        let mut factors = vec![1f32; sums.elem_count()];
        if self.rate > 0.0 {
            while self.streams.len() <= layer {
                let name = format!("dropout {} layer {}", self.step, self.streams.len());
                self.streams.push(crate::random::generator(self.seed, &name));
            }
            let (rate, stream) = (self.rate, &mut self.streams[layer]);
            let kept = 1.0 / (1.0 - rate);
            for factor in &mut factors {
                *factor = if stream.r#gen::<f32>() < rate { 0.0 } else { kept };
            }
        }
        if sums.device().is_cpu() {
            return sums.contiguous()?.apply_op1(ReluTimes { factors });
        }
        let positive = sums.detach().gt(0f32)?.to_dtype(sums.dtype())?;
        sums * (positive * Tensor::from_vec(factors, sums.shape(), sums.device())?)?
    }
}

/// max(x, 0) times a factor for each value, on the processor in one pass each way.
struct ReluTimes {
    factors: Vec<f32>,
}

impl CustomOp1 for ReluTimes {
    fn name(&self) -> &'static str {
        "relu-times"
    }

    fn cpu_fwd(&self, sums: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let sums = contiguous(sums, layout)?;
        // Written so that NaN passes through and is noticed later.
        let values = sums.iter().zip(&self.factors).map(|(&x, factor)| if x <= 0.0 { 0.0 } else { x * factor });
        Ok((CpuStorage::F32(values.collect()), layout.shape().clone()))
    }

    fn bwd(&self, sums: &Tensor, _result: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let values = with_values(sums, |sums| {
            with_values(&gradient, |gradient| {
                let both = sums.iter().zip(gradient).zip(&self.factors);
                both.map(|((&x, gradient), factor)| if x > 0.0 { gradient * factor } else { 0.0 }).collect::<Vec<f32>>()
            })
        })??;
        Ok(Some(Tensor::from_vec(values, sums.shape(), sums.device())?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::{Device, Var};

    fn formula(count: usize, step: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * step) % 1009) as f32 / 504.5 - 1.0).collect()
    }

    #[test]
    fn relu_has_no_gradient_at_zero() {
        let input = Var::new(&[-1f32, 0.0, 2.0], &Device::Cpu).unwrap();
        let output = Dropout::new(0.0, 0, "").relu(&input, 0).unwrap();
        assert_eq!(output.to_vec1::<f32>().unwrap(), [0.0, 0.0, 2.0]);
        let gradients = output.sum_all().unwrap().backward().unwrap();
        assert_eq!(gradients.get(&input).unwrap().to_vec1::<f32>().unwrap(), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn dropout_keeps_the_mean_repeats_and_can_be_cut_into_parts() {
        let input = Tensor::ones((100, 100), candle_core::DType::F32, &Device::Cpu).unwrap();
        let values = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let whole = values(Dropout::new(0.25, 1, "step 1").relu(&input, 0).unwrap());
        let mut dropout = Dropout::new(0.25, 1, "step 1");
        let parts = [0, 30].map(|from| {
            let rows = input.narrow(0, from, if from == 0 { 30 } else { 70 }).unwrap();
            let part = values(dropout.relu(&rows, 0).unwrap());
            dropout.relu(&rows, 1).unwrap();
            part
        });
        assert_eq!(whole, parts.concat());
        let other = values(Dropout::new(0.25, 1, "step 1").relu(&input, 1).unwrap());
        assert_ne!(whole, other);
        let dropped = whole.iter().filter(|&&value| value == 0.0).count();
        assert!((2300..2700).contains(&dropped), "{dropped}");
        assert!(whole.iter().all(|&value| value == 0.0 || value == 1.0 / 0.75));
    }

    #[test]
    fn linear_does_not_depend_on_the_other_rows() {
        let (inputs, outputs) = (70, 13);
        let (input, weights, bias) = (formula(150 * inputs, 7919), formula(inputs * outputs, 31), formula(outputs, 17));
        let all = linear_values(&input, inputs, &weights, &bias);
        for row in [0, 1, 63, 64, 100, 149] {
            let alone = linear_values(&input[row * inputs..(row + 1) * inputs], inputs, &weights, &bias);
            assert_eq!(alone, all[row * outputs..(row + 1) * outputs]);
            let exact: f64 = (0..inputs).map(|i| f64::from(input[row * inputs + i]) * f64::from(weights[i])).sum();
            assert!((exact + f64::from(bias[0]) - f64::from(alone[0])).abs() < 1e-4);
        }
    }
}
