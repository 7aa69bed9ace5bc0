//! 3×3 convolution with bias and ReLU (and, on request, 2×2 maximum pooling) as one operation with right gradients.
//!
//! On the processor: our kernels, [`winograd`] or [`direct`] by the number of channels. On a GPU: candle's own
//! convolution forward; backward the input's gradient is a convolution with the turned weights and the weights' gradient
//! nine products of matrices, since candle's transposed convolution is slow there.

use std::sync::{Arc, Mutex, OnceLock};

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, CustomOp3, Layout, MetalStorage, Shape, Storage, Tensor, bail};
use candle_nn::{Conv2d, Conv2dConfig, Module};

use super::kernels::{self, Extent};
use super::winograd::{self, Direction, Finish, TransformedWeights};
use super::{contiguous, direct, extent_of, with_values};

/// Fewest channels for which Winograd's way is quicker than patches.
const WINOGRAD_CHANNELS: usize = 16;

/// One layer's weights as the kernels read them; made when first asked for. Must be replaced when the weights change.
#[derive(Debug, Default)]
pub struct PreparedWeights {
    forward: OnceLock<Prepared>,
    backward: OnceLock<Prepared>,
}

#[derive(Debug)]
enum Prepared {
    Winograd(TransformedWeights),
    Direct(direct::PackedWeights),
}

impl PreparedWeights {
    fn get(&self, weights: &[f32], outputs: usize, inputs: usize, direction: Direction) -> &Prepared {
        let (slot, channels) = match direction {
            Direction::Forward => (&self.forward, inputs),
            Direction::Backward => (&self.backward, outputs),
        };
        slot.get_or_init(|| {
            if channels >= WINOGRAD_CHANNELS {
                Prepared::Winograd(TransformedWeights::new(weights, outputs, inputs, direction))
            } else {
                Prepared::Direct(direct::PackedWeights::new(weights, outputs, inputs, direction))
            }
        })
    }
}

impl Prepared {
    fn convolve(&self, input: &[f32], extent: Extent, finish: Finish<'_>, output: &mut [f32], kept: Option<&mut [u8]>) {
        match self {
            Self::Winograd(weights) => winograd::convolve(input, extent, weights, finish, output, kept),
            Self::Direct(weights) => direct::convolve(input, extent, weights, finish, output, kept),
        }
    }
}

/// 3×3 convolution with same padding and stride 1, plus bias, then ReLU, then 2×2 maximum pooling if `pool`.
///
/// `input`: a stack in the device's layout (see [`ops`](super)); `weights`: O × I × 3 × 3; `bias`: O. The result is a
/// stack of O channels; pooling drops an odd last row or column. `prepared` belongs to these weights and is filled as
/// needed, so that a layer used again with the same weights need not prepare them again.
///
/// # Errors
/// candle's, where the shapes do not fit or memory runs out.
pub fn conv3x3_relu(
    input: &Tensor,
    weights: &Tensor,
    bias: &Tensor,
    pool: bool,
    prepared: &Arc<PreparedWeights>,
) -> candle_core::Result<Tensor> {
    if input.device().is_cpu() {
        // A gradient can only be asked for where something is tracked; else the pooling need not be remembered.
        let tracked = input.track_op() || weights.track_op() || bias.track_op();
        let operation = Conv3x3Relu { pool, tracked, prepared: prepared.clone(), kept: Mutex::default() };
        return input.apply_op3(weights, bias, operation);
    }
    let result = conv3x3_relu_planes(input, weights, bias)?;
    if pool { max_pool2x2_planes(&result) } else { Ok(result) }
}

struct Conv3x3Relu {
    pool: bool,
    tracked: bool,
    prepared: Arc<PreparedWeights>,
    /// Which pixel each pooled value comes from.
    kept: Mutex<Option<Vec<u8>>>,
}

impl CustomOp3 for Conv3x3Relu {
    fn name(&self) -> &'static str {
        "conv3x3-relu"
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
        let extent = extent_of(input_layout)?;
        let (outputs, inputs, rows, columns) = weights_layout.shape().dims4()?;
        let bias = contiguous(bias, bias_layout)?;
        if (rows, columns, inputs, outputs) != (3, 3, extent.channels, bias.len()) {
            bail!(
                "weights of {outputs} × {inputs} × {rows} × {columns} do not fit {} inputs and {} outputs",
                extent.channels,
                bias.len()
            );
        }
        let (input, weights) = (contiguous(input, input_layout)?, contiguous(weights, weights_layout)?);
        let prepared = self.prepared.get(weights, outputs, inputs, Direction::Forward);
        let result = if self.pool { extent.pooled() } else { extent }.with_channels(outputs);
        let mut output = vec![0f32; result.len()];
        if self.pool {
            let mut kept = if self.tracked { vec![0u8; result.len()] } else { Vec::new() };
            let wanted = self.tracked.then_some(&mut kept[..]);
            prepared.convolve(input, extent, Finish::BiasReluPool(bias), &mut output, wanted);
            if self.tracked {
                set(&self.kept, kept);
            }
        } else {
            prepared.convolve(input, extent, Finish::BiasRelu(bias), &mut output, None);
        }
        let shape = Shape::from((result.images, result.height, result.width, result.channels));
        Ok((CpuStorage::F32(output), shape))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weights: &Tensor,
        bias: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let extent = extent_of(input.layout())?;
        let (outputs, inputs, _, _) = weights.dims4()?;
        let device = input.device();
        let gradient = gradient.contiguous()?;
        let (sums, bias_gradient) = with_values(&gradient, |gradient| -> candle_core::Result<_> {
            with_values(result, |result| {
                let kept = self.kept.lock().ok();
                let kept = kept.as_ref().and_then(|kept| kept.as_deref());
                if self.pool && kept.is_none() {
                    bail!("the operation was not asked to remember its pooling");
                }
                Ok(kernels::relu_gradient(gradient, result, kept, extent.with_channels(outputs)))
            })?
        })??;
        let weight_gradient = if weights.track_op() {
            let values = with_values(input, |input| {
                if inputs >= WINOGRAD_CHANNELS {
                    winograd::weight_gradient(input, extent, &sums, outputs)
                } else {
                    direct::weight_gradient(input, extent, &sums, outputs)
                }
            })?;
            Some(Tensor::from_vec(values, weights.shape(), device)?)
        } else {
            None
        };
        let input_gradient = if input.track_op() {
            let mut values = vec![0f32; extent.len()];
            with_values(weights, |weights| {
                let prepared = self.prepared.get(weights, outputs, inputs, Direction::Backward);
                prepared.convolve(&sums, extent.with_channels(outputs), Finish::Plain, &mut values, None);
            })?;
            Some(Tensor::from_vec(values, input.shape(), device)?)
        } else {
            None
        };
        let bias_gradient =
            if bias.track_op() { Some(Tensor::from_vec(bias_gradient, bias.shape(), device)?) } else { None };
        Ok((input_gradient, weight_gradient, bias_gradient))
    }
}

fn set<T>(slot: &Mutex<Option<T>>, value: T) {
    if let Ok(mut slot) = slot.lock() {
        *slot = Some(value);
    }
}

/// 3×3 convolution, bias and ReLU of planes (N × C × H × W), the way of the GPUs; it works on the processor too, slowly.
///
/// # Errors
/// candle's.
pub fn conv3x3_relu_planes(input: &Tensor, weights: &Tensor, bias: &Tensor) -> candle_core::Result<Tensor> {
    let same_size = Conv2dConfig { padding: 1, ..Conv2dConfig::default() };
    let layer = Conv2d::new(weights.detach(), Some(bias.detach()), same_size);
    let result = layer.forward(&input.detach())?.relu()?;
    if !(input.track_op() || weights.track_op() || bias.track_op()) {
        return Ok(result);
    }
    input.apply_op3(weights, bias, PlanesConvolution { result })
}

/// Passes on a result that was computed before, and knows its gradient.
struct PlanesConvolution {
    result: Tensor,
}

impl CustomOp3 for PlanesConvolution {
    fn name(&self) -> &'static str {
        "conv3x3-relu-planes"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        copy_cpu(&self.result)
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        copy_cuda(&self.result)
    }

    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
        _: &MetalStorage,
        _: &Layout,
        _: &MetalStorage,
        _: &Layout,
    ) -> candle_core::Result<(MetalStorage, Shape)> {
        copy_metal(&self.result)
    }

    fn bwd(
        &self,
        input: &Tensor,
        weights: &Tensor,
        bias: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (input_tracked, input) = (input.track_op(), input.detach());
        let (weights_tracked, weights) = (weights.track_op(), weights.detach());
        let sums = (gradient * result.detach().gt(0f32)?.to_dtype(gradient.dtype())?)?;
        let bias_gradient = if bias.track_op() { Some(sums.sum((0, 2, 3))?) } else { None };
        let input_gradient = if input_tracked {
            // Turned by 180°, inputs and outputs exchanged.
            let turned = weights.flip(&[2, 3])?.transpose(0, 1)?.contiguous()?;
            Some(sums.conv2d(&turned, 1, 1, 1, 1)?)
        } else {
            None
        };
        let weight_gradient = if weights_tracked {
            let (images, inputs, height, width) = input.dims4()?;
            let outputs = weights.dim(0)?;
            let padded = input.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?;
            let sums = sums.reshape((images, outputs, height * width))?;
            let mut taps = Vec::with_capacity(9);
            for tap in 0..9 {
                let shifted = padded.narrow(2, tap / 3, height)?.narrow(3, tap % 3, width)?.contiguous()?;
                let shifted = shifted.reshape((images, inputs, height * width))?;
                taps.push(sums.matmul(&shifted.transpose(1, 2)?)?.sum(0)?);
            }
            Some(Tensor::stack(&taps, 2)?.reshape((outputs, inputs, 3, 3))?)
        } else {
            None
        };
        Ok((input_gradient, weight_gradient, bias_gradient))
    }
}

/// A copy of a contiguous result's storage on the processor.
pub(super) fn copy_cpu(result: &Tensor) -> candle_core::Result<(CpuStorage, Shape)> {
    match &*result.storage_and_layout().0 {
        Storage::Cpu(storage) => Ok((storage.try_clone(result.layout())?, result.shape().clone())),
        _ => bail!("the result is on another device"),
    }
}

/// A copy of a contiguous result's storage on an NVIDIA GPU.
pub(super) fn copy_cuda(result: &Tensor) -> candle_core::Result<(CudaStorage, Shape)> {
    match &*result.storage_and_layout().0 {
        Storage::Cuda(storage) => Ok((storage.try_clone(result.layout())?, result.shape().clone())),
        _ => bail!("the result is on another device"),
    }
}

/// A copy of a contiguous result's storage on an Apple GPU.
pub(super) fn copy_metal(result: &Tensor) -> candle_core::Result<(MetalStorage, Shape)> {
    match &*result.storage_and_layout().0 {
        Storage::Metal(storage) => Ok((storage.try_clone(result.layout())?, result.shape().clone())),
        _ => bail!("the result is on another device"),
    }
}

/// 2×2 maximum pooling of planes, the way of the GPUs, with the gradient that PyTorch has: all of it to the first largest
/// of the four.
///
/// # Errors
/// candle's.
pub fn max_pool2x2_planes(input: &Tensor) -> candle_core::Result<Tensor> {
    let result = input.detach().max_pool2d(2)?;
    if input.track_op() { input.apply_op1(PlanesPooling { result }) } else { Ok(result) }
}

struct PlanesPooling {
    result: Tensor,
}

impl CustomOp1 for PlanesPooling {
    fn name(&self) -> &'static str {
        "max-pool2x2-planes"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        copy_cpu(&self.result)
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        copy_cuda(&self.result)
    }

    fn metal_fwd(&self, _: &MetalStorage, _: &Layout) -> candle_core::Result<(MetalStorage, Shape)> {
        copy_metal(&self.result)
    }

    fn bwd(&self, input: &Tensor, result: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let (input, result) = (input.detach(), result.detach());
        let (images, channels, height, width) = input.dims4()?;
        let (rows, columns) = (height / 2, width / 2);
        let even = input.narrow(2, 0, 2 * rows)?.narrow(3, 0, 2 * columns)?.contiguous()?;
        let even = even.reshape((images * channels, rows, 2, columns, 2))?;
        let flat = (images * channels, rows, columns);
        let (result, gradient) = (result.reshape(flat)?, gradient.reshape(flat)?);
        let mut free = result.ones_like()?;
        let mut parts = Vec::with_capacity(4);
        for pixel in 0..4 {
            let values = even.narrow(2, pixel / 2, 1)?.narrow(4, pixel % 2, 1)?.contiguous()?.reshape(flat)?;
            let here = (values.eq(&result)?.to_dtype(free.dtype())? * &free)?;
            free = (free - &here)?;
            parts.push((&gradient * here)?);
        }
        let line =
            |left: &Tensor, right: &Tensor| Tensor::stack(&[left, right], 3)?.reshape((flat.0, rows, 2 * columns));
        let lines = [line(&parts[0], &parts[1])?, line(&parts[2], &parts[3])?];
        let whole = Tensor::stack(&lines, 2)?.reshape((images, channels, 2 * rows, 2 * columns))?;
        let whole = whole.pad_with_zeros(2, 0, height - 2 * rows)?.pad_with_zeros(3, 0, width - 2 * columns)?;
        Ok(Some(whole))
    }
}
