//! Operations that candle lacks, has slow, or has with wrong gradients.
//!
//! [`Conv3x3Relu`] and [`MaxPool2x2`] are candle custom operations for the processor, forward only in this version:
//! asking for their gradient is an error. They work on bordered channels-last stacks (N × (H+2) × (W+2) × C with a
//! border of zeros), made by [`bordered_channels_last`]. [`bce_with_logits`], [`relu`] and [`dropout`] have gradients
//! and run on every device.

pub(crate) mod kernels;
mod loss;

use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Shape, Tensor, bail};
use rand::Rng;

use crate::random::Generator;
use kernels::Extent;
pub use loss::{bce_with_logits, binary_cross_entropy, sigmoid};

/// The slice behind a contiguous f32 tensor.
fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => bail!("the operation needs contiguous values"),
    }
}

/// The extent of a bordered channels-last stack.
fn extent_of(layout: &Layout) -> candle_core::Result<Extent> {
    let (images, height, width, channels) = layout.shape().dims4()?;
    if height < 3 || width < 3 {
        bail!("a bordered picture has three rows and columns or more, not {height} × {width}");
    }
    Ok(Extent { images, height: height - 2, width: width - 2, channels })
}

/// Turns N × C × H × W on the processor into a bordered channels-last stack N × (H+2) × (W+2) × C.
pub fn bordered_channels_last(planes: &Tensor) -> candle_core::Result<Tensor> {
    let (images, channels, height, width) = planes.dims4()?;
    let extent = Extent { images, height, width, channels };
    let values = planes.flatten_all()?.to_vec1::<f32>()?;
    let bordered = kernels::bordered_from_planes(&values, extent);
    Tensor::from_vec(bordered, (images, height + 2, width + 2, channels), planes.device())
}

/// Mean over the pixels of a bordered channels-last stack: N × C.
pub fn global_mean(bordered: &Tensor) -> candle_core::Result<Tensor> {
    let (storage, layout) = bordered.storage_and_layout();
    let candle_core::Storage::Cpu(storage) = &*storage else { bail!("channels-last means run on the processor") };
    let extent = extent_of(layout)?;
    let means = kernels::global_mean(contiguous(storage, layout)?, extent);
    Tensor::from_vec(means, (extent.images, extent.channels), bordered.device())
}

/// 3×3 convolution with same padding, bias and ReLU, on the processor, forward only.
///
/// Arguments: a bordered channels-last stack of I channels; weights packed as 3 × 3 × I × O (kernel row, kernel
/// column, input, output; see [`pack_conv3x3`]); bias of O. Result: a bordered channels-last stack of O channels.
#[derive(Clone, Copy, Debug)]
pub struct Conv3x3Relu;

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
        let (rows, columns, inputs, outputs) = weights_layout.shape().dims4()?;
        let bias = contiguous(bias, bias_layout)?;
        if (rows, columns, inputs, outputs) != (3, 3, extent.channels, bias.len()) {
            bail!(
                "weights of {rows} × {columns} × {inputs} × {outputs} do not fit {} inputs and {} outputs",
                extent.channels,
                bias.len()
            );
        }
        let input = contiguous(input, input_layout)?;
        let output = kernels::conv3x3_relu(input, extent, contiguous(weights, weights_layout)?, bias);
        let shape = Shape::from((extent.images, extent.height + 2, extent.width + 2, outputs));
        Ok((CpuStorage::F32(output), shape))
    }
}

/// Packs O × I × 3 × 3 weights as [`Conv3x3Relu`] reads them: 3 × 3 × I × O.
pub fn pack_conv3x3(weights: &Tensor) -> candle_core::Result<Tensor> {
    let (outputs, inputs, _, _) = weights.dims4()?;
    let packed = kernels::pack_conv3x3(&weights.flatten_all()?.to_vec1::<f32>()?, outputs, inputs);
    Tensor::from_vec(packed, (3, 3, inputs, outputs), weights.device())
}

/// 2×2 maximum pooling with stride 2 on a bordered channels-last stack, on the processor, forward only.
///
/// An odd last row or column is dropped, as torchvision does.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2x2;

impl CustomOp1 for MaxPool2x2 {
    fn name(&self) -> &'static str {
        "max-pool2x2"
    }

    fn cpu_fwd(&self, input: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let extent = extent_of(layout)?;
        let output = kernels::max_pool2x2(contiguous(input, layout)?, extent);
        let shape = Shape::from((extent.images, extent.height / 2 + 2, extent.width / 2 + 2, extent.channels));
        Ok((CpuStorage::F32(output), shape))
    }
}

/// max(x, 0) with gradient 0 at 0, as PyTorch has it (candle's own has 1 there).
pub fn relu(input: &Tensor) -> candle_core::Result<Tensor> {
    let positive = input.detach().gt(0f32)?.to_dtype(input.dtype())?;
    input * positive
}

/// Sets each value to zero with probability `rate` and scales the others by 1 / (1 − rate), for training.
///
/// The mask is drawn from `generator` on the processor, so that it is the same on every device.
pub fn dropout(input: &Tensor, rate: f32, generator: &mut Generator) -> candle_core::Result<Tensor> {
    if rate <= 0.0 {
        return Ok(input.clone());
    }
    let kept = 1.0 / (1.0 - rate);
    let mask: Vec<f32> =
        (0..input.elem_count()).map(|_| if generator.r#gen::<f32>() < rate { 0.0 } else { kept }).collect();
    input * Tensor::from_vec(mask, input.shape(), input.device())?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::{Device, Var};

    fn formula(count: usize, step: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * step) % 1009) as f32 / 504.5 - 1.0).collect()
    }

    fn interior(bordered: &Tensor) -> Tensor {
        let (_, height, width, _) = bordered.dims4().unwrap();
        bordered
            .narrow(1, 1, height - 2)
            .unwrap()
            .narrow(2, 1, width - 2)
            .unwrap()
            .permute((0, 3, 1, 2))
            .unwrap()
            .contiguous()
            .unwrap()
    }

    fn largest_difference(a: &Tensor, b: &Tensor) -> f32 {
        (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
    }

    #[test]
    fn convolution_agrees_with_candle() {
        // Several row and channel units, odd sizes, a single row, a single column.
        for (images, inputs, outputs, height, width) in
            [(2, 3, 64, 40, 33), (1, 16, 256, 7, 9), (3, 5, 7, 1, 4), (1, 4, 130, 5, 1), (1, 8, 8, 100, 50)]
        {
            let input = Tensor::from_vec(
                formula(images * inputs * height * width, 7919),
                (images, inputs, height, width),
                &Device::Cpu,
            )
            .unwrap();
            let weights =
                Tensor::from_vec(formula(outputs * inputs * 9, 6007), (outputs, inputs, 3, 3), &Device::Cpu).unwrap();
            let bias = Tensor::from_vec(formula(outputs, 31), outputs, &Device::Cpu).unwrap();
            let ours = bordered_channels_last(&input)
                .unwrap()
                .apply_op3(&pack_conv3x3(&weights).unwrap(), &bias, Conv3x3Relu)
                .unwrap();
            let theirs = input
                .conv2d(&weights, 1, 1, 1, 1)
                .unwrap()
                .broadcast_add(&bias.reshape((1, outputs, 1, 1)).unwrap())
                .unwrap()
                .relu()
                .unwrap();
            assert!(largest_difference(&interior(&ours), &theirs) < 1e-4);
            // The border stays zero: padding back the inside gives the same tensor.
            assert_eq!(largest_difference(&bordered_channels_last(&interior(&ours)).unwrap(), &ours), 0.0);

            if height > 1 && width > 1 {
                let pooled = ours.apply_op1(MaxPool2x2).unwrap();
                assert_eq!(largest_difference(&interior(&pooled), &interior(&ours).max_pool2d(2).unwrap()), 0.0);
                let means = interior(&pooled).mean((2, 3)).unwrap();
                assert!(largest_difference(&global_mean(&pooled).unwrap(), &means) < 1e-5);
            }
        }
    }

    #[test]
    fn gradient_of_a_convolution_is_an_error() {
        let input = Var::from_vec(formula(27, 7), (1, 3, 3, 3), &Device::Cpu).unwrap();
        let output = input.apply_op1(MaxPool2x2).unwrap().sum_all().unwrap();
        assert!(output.backward().unwrap_err().to_string().contains("max-pool2x2"));
    }

    #[test]
    fn relu_has_no_gradient_at_zero() {
        let input = Var::new(&[-1f32, 0.0, 2.0], &Device::Cpu).unwrap();
        let output = relu(&input).unwrap();
        assert_eq!(output.to_vec1::<f32>().unwrap(), [0.0, 0.0, 2.0]);
        let gradients = output.sum_all().unwrap().backward().unwrap();
        assert_eq!(gradients.get(&input).unwrap().to_vec1::<f32>().unwrap(), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn dropout_keeps_the_mean_and_repeats() {
        let input = Tensor::ones((100, 100), candle_core::DType::F32, &Device::Cpu).unwrap();
        let draw = || {
            dropout(&input, 0.25, &mut crate::random::generator(1, "dropout"))
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
        };
        let values = draw().unwrap();
        assert_eq!(values, draw().unwrap());
        let dropped = values.iter().filter(|&&value| value == 0.0).count();
        assert!((2300..2700).contains(&dropped), "{dropped}");
        assert!(values.iter().all(|&value| value == 0.0 || value == 1.0 / 0.75));
    }

    #[test]
    fn linear_does_not_depend_on_the_other_rows() {
        let (inputs, outputs) = (70, 13);
        let (input, weights, bias) = (formula(150 * inputs, 7919), formula(inputs * outputs, 31), formula(outputs, 17));
        let all = kernels::linear(&input, inputs, &weights, &bias);
        for row in [0, 1, 63, 64, 100, 149] {
            let alone = kernels::linear(&input[row * inputs..(row + 1) * inputs], inputs, &weights, &bias);
            assert_eq!(alone, all[row * outputs..(row + 1) * outputs]);
            let exact: f64 = (0..inputs).map(|i| f64::from(input[row * inputs + i]) * f64::from(weights[i])).sum();
            assert!((exact + f64::from(bias[0]) - f64::from(alone[0])).abs() < 1e-4);
        }
    }
}
