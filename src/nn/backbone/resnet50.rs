//! ResNet50 (He et al., arXiv 1512.03385) without its last layer, to make features with.
//!
//! Weights carry the names of torchvision and timm. Batch normalisation does not change any more: it is folded into the
//! weights and a bias of the convolution before it when they are loaded, in double precision. Each block halves the picture,
//! where it does, either in its 3×3 convolution, as torchvision's weights want it, or in its first 1×1, as those of the
//! paper's authors and of Keras do. A file does not tell which, and the numbers of the wrong one look like numbers: so they
//! are two networks in the list.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use image::RgbImage;

use super::{Backbone, BackboneSpec, Output, batch_from_rgb, numbers};
use crate::error::{Error, Result};
use crate::nn::device::SelectedDevice;
use crate::nn::ops::{self, PreparedWeights};
use crate::nn::state::NamedTensor;
use crate::nn::tensor_error;
use crate::nn::weights::Weights;

/// ResNet50 with the stride in the 3×3 convolutions.
pub static TORCHVISION: BackboneSpec = BackboneSpec {
    id: "resnet50",
    name: "ResNet50, torchvision's",
    load: |weights, device| Ok(Box::new(ResNet50::load(weights, device, StrideIn::Middle)?)),
    ..CAFFE
};

/// ResNet50 with the stride in the first 1×1 convolutions.
pub static CAFFE: BackboneSpec = BackboneSpec {
    id: "resnet50-caffe",
    name: "ResNet50, Keras's and Caffe's",
    minimum_size_px: 32,
    usual_size_px: 384,
    side_multiple_px: 1,
    outputs: &OUTPUTS,
    has_built_in_weights: false,
    trainable: false,
    check,
    load: |weights, device| Ok(Box::new(ResNet50::load(weights, device, StrideIn::First)?)),
};

const OUTPUTS: [Output; 5] = [
    Output { name: "pooled", width: 2048, definition: "Mean of each channel of the last stage." },
    Output { name: "stage-1", width: 512, definition: "Mean, then deviation of each channel of stage 1." },
    Output { name: "stage-2", width: 1024, definition: "Mean, then deviation of each channel of stage 2." },
    Output { name: "stage-3", width: 2048, definition: "Mean, then deviation of each channel of stage 3." },
    Output { name: "stage-4", width: 4096, definition: "Mean, then deviation of each channel of stage 4." },
];

/// Blocks of each stage, and the channels inside its blocks; four times as many leave them.
const STAGES: [(usize, usize); 4] = [(3, 64), (4, 128), (6, 256), (3, 512)];
const STEM_CHANNELS: usize = 64;
const EXPANSION: usize = 4;
/// What is added to a variance before its root.
const EPSILON: f64 = 1e-5;

/// Where a block that halves its picture does so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StrideIn {
    /// In its first convolution, 1×1.
    First,
    /// In its second, 3×3.
    Middle,
}

/// A convolution with the batch normalisation after it.
#[derive(Debug)]
enum Convolution {
    /// 3×3 with stride 1, which ReLU always follows here: weights O × I × 3 × 3, bias O.
    Common { weights: Tensor, bias: Tensor, prepared: Arc<PreparedWeights> },
    /// Any other.
    General(ops::Kernels),
}

impl Convolution {
    fn load(
        weights: &Weights,
        device: &Device,
        [convolution, normalisation]: [&str; 2],
        shape: [usize; 4],
        stride: usize,
    ) -> Result<Self> {
        let values = |name: &str, shape: &[usize]| -> Result<Vec<f32>> {
            let values = NamedTensor::from_tensor(&weights.tensor(name, shape)?)?.values;
            match values.iter().all(|value| value.is_finite()) {
                true => Ok(values),
                false => Err(Error::model(format!("{}: {name} holds NaN or infinite values", weights.source))),
            }
        };
        let outputs = shape[0];
        let of = |kind: &str| values(&format!("{normalisation}.{kind}"), &[outputs]);
        let (scale, shift, mean, variance) = (of("weight")?, of("bias")?, of("running_mean")?, of("running_var")?);
        let mut folded = values(&format!("{convolution}.weight"), &shape)?;
        let mut bias = Vec::with_capacity(outputs);
        for (output, kernel) in folded.chunks_exact_mut(shape[1..].iter().product()).enumerate() {
            let factor = f64::from(scale[output]) / (f64::from(variance[output]) + EPSILON).sqrt();
            kernel.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * factor) as f32);
            bias.push((f64::from(shift[output]) - f64::from(mean[output]) * factor) as f32);
        }
        let tensor = |values: Vec<f32>, shape: &[usize]| Tensor::from_vec(values, shape, device).map_err(tensor_error);
        let (folded, bias) = (tensor(folded, &shape)?, tensor(bias, &[outputs])?);
        if shape[2] == 3 && stride == 1 {
            return Ok(Self::Common { weights: folded, bias, prepared: Arc::default() });
        }
        Ok(Self::General(ops::Kernels::new(&folded, &bias, stride, shape[2] / 2).map_err(tensor_error)?))
    }

    /// Of a stack, with ReLU.
    fn forward_relu(&self, stack: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Common { weights, bias, prepared } => ops::conv3x3_relu(stack, weights, bias, false, prepared),
            Self::General(kernels) => ops::convolution(stack, kernels, None, true),
        }
    }

    /// Of a stack: with ReLU after `added` was added, or without both. Not for the 3×3 with stride 1.
    fn forward(&self, stack: &Tensor, added: Option<&Tensor>) -> candle_core::Result<Tensor> {
        match self {
            Self::Common { .. } => candle_core::bail!("a 3×3 convolution with stride 1 has ReLU and nothing added"),
            Self::General(kernels) => ops::convolution(stack, kernels, added, added.is_some()),
        }
    }
}

/// Three convolutions, beside which the input goes on.
#[derive(Debug)]
struct Block {
    first: Convolution,
    middle: Convolution,
    last: Convolution,
    /// Where the input has other channels or another size than the output.
    beside: Option<Convolution>,
}

impl Block {
    fn forward(&self, stack: &Tensor) -> candle_core::Result<Tensor> {
        let inner = self.middle.forward_relu(&self.first.forward_relu(stack)?)?;
        let beside = self.beside.as_ref().map(|beside| beside.forward(stack, None)).transpose()?;
        self.last.forward(&inner, Some(beside.as_ref().unwrap_or(stack)))
    }
}

/// ResNet50 up to its last stage.
#[derive(Debug)]
struct ResNet50 {
    stem: Convolution,
    stages: Vec<Vec<Block>>,
    device: Device,
}

/// Refuses weights that are not those of ResNet50.
fn check(weights: &Weights) -> Result<()> {
    ResNet50::load(weights, &SelectedDevice::cpu(), StrideIn::First).map(|_| ()).map_err(|error| {
        error.hint(
            "use the weights of ResNet50 with the names of torchvision or timm (conv1.weight, layer1.0.conv1.weight, …)",
        )
    })
}

impl ResNet50 {
    fn load(weights: &Weights, device: &SelectedDevice, stride_in: StrideIn) -> Result<Self> {
        let device = device.device().clone();
        let load = |names: [&str; 2], shape, stride| Convolution::load(weights, &device, names, shape, stride);
        let stem = load(["conv1", "bn1"], [STEM_CHANNELS, 3, 7, 7], 2)?;
        let (mut stages, mut inputs) = (Vec::new(), STEM_CHANNELS);
        for (stage, (blocks, width)) in STAGES.into_iter().enumerate() {
            let outputs = width * EXPANSION;
            let mut loaded = Vec::with_capacity(blocks);
            for block in 0..blocks {
                // The first stage comes after a pooling, which halved the picture already.
                let stride = if block == 0 && stage > 0 { 2 } else { 1 };
                let (first, middle) = if stride_in == StrideIn::First { (stride, 1) } else { (1, stride) };
                let place = format!("layer{}.{block}", stage + 1);
                let named = |number: usize, shape, stride| {
                    load([&format!("{place}.conv{number}"), &format!("{place}.bn{number}")], shape, stride)
                };
                let beside = [&*format!("{place}.downsample.0"), &*format!("{place}.downsample.1")];
                loaded.push(Block {
                    first: named(1, [width, inputs, 1, 1], first)?,
                    middle: named(2, [width, width, 3, 3], middle)?,
                    last: named(3, [outputs, width, 1, 1], 1)?,
                    beside: (block == 0).then(|| load(beside, [outputs, inputs, 1, 1], stride)).transpose()?,
                });
                inputs = outputs;
            }
            stages.push(loaded);
        }
        Ok(Self { stem, stages, device })
    }

    /// One row for each picture of a normalised batch N × 3 × H × W.
    fn forward(&self, batch: &Tensor, output: &Output) -> candle_core::Result<Tensor> {
        let stack = ops::stack_from_planes(&batch.to_device(&self.device)?)?;
        let mut stack = ops::max_pool3x3(&self.stem.forward_relu(&stack)?)?;
        for (stage, blocks) in self.stages.iter().enumerate() {
            for block in blocks {
                stack = block.forward(&stack)?;
            }
            if output.name == format!("stage-{}", stage + 1) {
                return Tensor::cat(&[ops::channel_means(&stack)?, ops::channel_deviations(&stack)?], 1);
            }
        }
        ops::channel_means(&stack)
    }
}

impl Backbone for ResNet50 {
    fn features(&self, images: &[RgbImage], output: &Output) -> Result<Vec<f32>> {
        if !OUTPUTS.contains(output) {
            return Err(Error::internal(format!("ResNet50 has no output “{}”", output.name)));
        }
        let batch = batch_from_rgb(images)?;
        numbers(&self.forward(&batch, output).map_err(tensor_error)?)
    }
}
