//! The 13 convolutions of VGG16 (Simonyan and Zisserman, arXiv 1409.1556, configuration D) as a feature maker.
//!
//! On the processor the pictures travel channels-last through [`ops::Conv3x3Relu`]; on a GPU candle's own convolution
//! is used. Both give torchvision's `vgg16().features` followed by the mean over rows and columns.

use candle_core::{Device, Tensor};
use image::RgbImage;

use crate::error::{Error, Result};
use crate::nn::device::SelectedDevice;
use crate::nn::ops::{self, Conv3x3Relu, MaxPool2x2};
use crate::nn::tensor_error;
use crate::nn::weights::Weights;

/// Mean of ImageNet's red, green and blue on a scale of 0 to 1.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of ImageNet's red, green and blue on a scale of 0 to 1.
pub const IMAGENET_STANDARD_DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
/// Number of features after the last block.
pub const POOLED_FEATURES: usize = 512;
/// Smallest side of a picture, in pixels: five poolings halve it to one.
pub const MINIMUM_SIZE_PX: u32 = 32;

/// Output channels of the convolutions of each block; a 2×2 maximum pooling ends each block.
const BLOCKS: [&[usize]; 5] = [&[64, 64], &[128, 128], &[256, 256, 256], &[512, 512, 512], &[512, 512, 512]];

/// Pictures of one size as a tensor N × 3 × H × W on the processor, normalised as the network was trained.
///
/// # Errors
/// `Internal` when there are none or they differ in size.
pub fn batch_from_rgb(images: &[RgbImage]) -> Result<Tensor> {
    let Some(first) = images.first() else {
        return Err(Error::internal("a batch needs one picture or more"));
    };
    let (width, height) = first.dimensions();
    if images.iter().any(|image| image.dimensions() != (width, height)) {
        return Err(Error::internal("the pictures of a batch differ in size"));
    }
    let mut values = Vec::with_capacity(images.len() * 3 * width as usize * height as usize);
    for image in images {
        for channel in 0..3 {
            let (mean, deviation) = (IMAGENET_MEAN[channel], IMAGENET_STANDARD_DEVIATION[channel]);
            let level = |byte: u8| (f32::from(byte) / 255.0 - mean) / deviation;
            values.extend(image.as_raw().iter().skip(channel).step_by(3).map(|&byte| level(byte)));
        }
    }
    Tensor::from_vec(values, (images.len(), 3, height as usize, width as usize), &Device::Cpu).map_err(tensor_error)
}

/// One convolution: weights (packed for the processor, O × I × 3 × 3 for a GPU) and bias.
#[derive(Debug)]
struct Convolution {
    weights: Tensor,
    bias: Tensor,
}

/// VGG16 up to its last pooling.
#[derive(Debug)]
pub struct Vgg16Features {
    blocks: Vec<Vec<Convolution>>,
    device: Device,
}

impl Vgg16Features {
    /// Takes the 26 tensors `features.N.weight` and `features.N.bias` from `weights` to `device`.
    ///
    /// # Errors
    /// `Model` when a tensor is missing or has another shape, `Device` when the device refuses.
    pub fn load(weights: &Weights, device: &SelectedDevice) -> Result<Self> {
        let device = device.device().clone();
        let (mut blocks, mut inputs, mut layer) = (Vec::new(), 3, 0);
        for block in BLOCKS {
            let mut convolutions = Vec::new();
            for &outputs in block {
                let mut kernel = weights.tensor(&format!("features.{layer}.weight"), &[outputs, inputs, 3, 3])?;
                if device.is_cpu() {
                    kernel = ops::pack_conv3x3(&kernel).map_err(tensor_error)?;
                }
                let bias = weights.tensor(&format!("features.{layer}.bias"), &[outputs])?;
                convolutions.push(Convolution {
                    weights: kernel.to_device(&device).map_err(tensor_error)?,
                    bias: bias.to_device(&device).map_err(tensor_error)?,
                });
                inputs = outputs;
                // torchvision counts the convolution and its ReLU …
                layer += 2;
            }
            // … and the pooling.
            layer += 1;
            blocks.push(convolutions);
        }
        Ok(Self { blocks, device })
    }

    /// Mean over rows and columns of the output of block `block` (1 to 5, after its pooling): N × channels, on the
    /// processor, for a normalised batch N × 3 × H × W with sides of [`MINIMUM_SIZE_PX`] or more.
    ///
    /// # Errors
    /// `Internal` for a batch of another shape, `Device` when the device refuses.
    pub fn forward_pooled_block(&self, batch: &Tensor, block: usize) -> Result<Tensor> {
        match batch.dims() {
            [_, 3, height, width] if (*height).min(*width) >= MINIMUM_SIZE_PX as usize => {}
            shape => {
                return Err(Error::internal(format!(
                    "VGG16 takes N × 3 × H × W with sides of {MINIMUM_SIZE_PX} or more, not {shape:?}"
                )));
            }
        }
        if !(1..=self.blocks.len()).contains(&block) {
            return Err(Error::internal(format!("VGG16 has blocks 1 to 5, not {block}")));
        }
        let blocks = &self.blocks[..block];
        if self.device.is_cpu() { on_processor(blocks, batch) } else { on_gpu(blocks, batch, &self.device) }
            .map_err(tensor_error)
    }

    /// Mean over rows and columns of the last block's output: N × 512 on the processor, for a normalised batch
    /// N × 3 × H × W. A picture's numbers do not depend on the other pictures of the batch.
    ///
    /// # Errors
    /// `Internal` for a batch of another shape, `Device` when the device refuses.
    pub fn forward_pooled(&self, batch: &Tensor) -> Result<Tensor> {
        self.forward_pooled_block(batch, self.blocks.len())
    }

    /// [`forward_pooled`](Self::forward_pooled) of pictures of one size: 512 numbers for each, one after the other.
    ///
    /// # Errors
    /// As [`batch_from_rgb`] and [`forward_pooled`](Self::forward_pooled).
    pub fn pooled(&self, images: &[RgbImage]) -> Result<Vec<f32>> {
        let pooled = self.forward_pooled(&batch_from_rgb(images)?)?;
        pooled.flatten_all().and_then(|pooled| pooled.to_vec1::<f32>()).map_err(tensor_error)
    }
}

fn on_processor(blocks: &[Vec<Convolution>], batch: &Tensor) -> candle_core::Result<Tensor> {
    let mut values = ops::bordered_channels_last(batch)?;
    for block in blocks {
        for convolution in block {
            values = values.apply_op3(&convolution.weights, &convolution.bias, Conv3x3Relu)?;
        }
        values = values.apply_op1(MaxPool2x2)?;
    }
    ops::global_mean(&values)
}

fn on_gpu(blocks: &[Vec<Convolution>], batch: &Tensor, device: &Device) -> candle_core::Result<Tensor> {
    let mut values = batch.to_device(device)?;
    for block in blocks {
        for Convolution { weights, bias } in block {
            let bias = bias.reshape((1, bias.elem_count(), 1, 1))?;
            values = values.conv2d(weights, 1, 1, 1, 1)?.broadcast_add(&bias)?.relu()?;
        }
        values = values.max_pool2d(2)?;
    }
    values.mean((2, 3))?.to_device(&Device::Cpu)
}
