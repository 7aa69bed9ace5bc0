//! DINOv2 ViT-S/14 (Oquab et al., arXiv 2304.07193), to make features with: a transformer over patches of 14 × 14 pixels that
//! learnt without any labels.
//!
//! Weights carry the names of the hub's facebook/dinov2-small. The position embedding was learnt on 37 × 37 patches; for
//! another number it is resized as PyTorch's `interpolate` does to a given size, bicubic, without antialiasing (so does
//! Hugging Face's transformers). Each picture goes through by itself on the processor, so that its numbers do not depend on
//! the others.

use candle_core::{DType, Device, Module, Tensor};
use candle_nn::{LayerNorm, Linear};
use image::RgbImage;

use super::{Backbone, BackboneSpec, Output, batch_from_rgb, numbers};
use crate::error::{Error, Result};
use crate::nn::device::SelectedDevice;
use crate::nn::ops;
use crate::nn::tensor_error;
use crate::nn::weights::Weights;

/// DINOv2's smallest network.
pub static SMALL: BackboneSpec = BackboneSpec {
    id: "dinov2-small",
    name: "DINOv2, ViT-S/14",
    minimum_size_px: 2 * PATCH_PX as u32,
    usual_size_px: 378,
    side_multiple_px: PATCH_PX as u32,
    outputs: &OUTPUTS,
    has_built_in_weights: false,
    trainable: false,
    check,
    load: |weights, device| Ok(Box::new(Dinov2::load(weights, device)?)),
};

/// Side of a patch.
const PATCH_PX: usize = 14;
/// Numbers of a token.
const WIDTH: usize = 384;
const HEADS: usize = 6;
const BLOCKS: usize = 12;
/// Numbers within the two layers after the attention.
const INNER: usize = 4 * WIDTH;
/// Patches along a side that the position embedding was learnt on.
const LEARNT_PATCHES: usize = 37;
/// What is added to a variance before its root.
const EPSILON: f64 = 1e-6;
const STATISTICS: &str = "Mean, then deviation of each number over the patches, after this block.";

const fn block(name: &'static str) -> Output {
    Output { name, width: 2 * WIDTH, definition: STATISTICS }
}

const OUTPUTS: [Output; BLOCKS + 1] = [
    Output { name: "class", width: WIDTH, definition: "The class token after the last block, normalised." },
    block("block-1"),
    block("block-2"),
    block("block-3"),
    block("block-4"),
    block("block-5"),
    block("block-6"),
    block("block-7"),
    block("block-8"),
    block("block-9"),
    block("block-10"),
    block("block-11"),
    block("block-12"),
];

/// Attention and two layers, each normalised before and scaled after.
#[derive(Debug)]
struct Block {
    before_attention: LayerNorm,
    /// Query, key and value in one.
    joined: Linear,
    projected: Linear,
    attention_scale: Tensor,
    before_layers: LayerNorm,
    widened: Linear,
    narrowed: Linear,
    layers_scale: Tensor,
}

impl Block {
    fn load(values: &dyn Fn(&str, &[usize]) -> Result<Tensor>, number: usize) -> Result<Self> {
        let named = |name: &str, shape: &[usize]| values(&format!("encoder.layer.{number}.{name}"), shape);
        let linear = |name: &str, outputs: usize, inputs: usize| -> Result<Linear> {
            let bias = named(&format!("{name}.bias"), &[outputs])?;
            Ok(Linear::new(named(&format!("{name}.weight"), &[outputs, inputs])?, Some(bias)))
        };
        let norm = |name: &str| -> Result<LayerNorm> {
            let bias = named(&format!("{name}.bias"), &[WIDTH])?;
            Ok(LayerNorm::new(named(&format!("{name}.weight"), &[WIDTH])?, bias, EPSILON))
        };
        let parts = ["query", "key", "value"].map(|part| format!("attention.attention.{part}"));
        let join = |kind: &str, shape: &[usize]| -> Result<Tensor> {
            let tensors: Vec<Tensor> =
                parts.iter().map(|part| named(&format!("{part}.{kind}"), shape)).collect::<Result<_>>()?;
            Tensor::cat(&tensors, 0).map_err(tensor_error)
        };
        Ok(Self {
            before_attention: norm("norm1")?,
            joined: Linear::new(join("weight", &[WIDTH, WIDTH])?, Some(join("bias", &[WIDTH])?)),
            projected: linear("attention.output.dense", WIDTH, WIDTH)?,
            attention_scale: named("layer_scale1.lambda1", &[WIDTH])?,
            before_layers: norm("norm2")?,
            widened: linear("mlp.fc1", INNER, WIDTH)?,
            narrowed: linear("mlp.fc2", WIDTH, INNER)?,
            layers_scale: named("layer_scale2.lambda1", &[WIDTH])?,
        })
    }

    /// Of tokens, pictures × tokens × [`WIDTH`].
    fn forward(&self, tokens: &Tensor) -> candle_core::Result<Tensor> {
        let attended = self.attention(&self.before_attention.forward(tokens)?)?;
        let tokens = (tokens + attended.broadcast_mul(&self.attention_scale)?)?;
        let inner = ops::gelu(&self.widened.forward(&self.before_layers.forward(&tokens)?)?)?;
        &tokens + self.narrowed.forward(&inner)?.broadcast_mul(&self.layers_scale)?
    }

    fn attention(&self, tokens: &Tensor) -> candle_core::Result<Tensor> {
        let (pictures, count, _) = tokens.dims3()?;
        let size = WIDTH / HEADS;
        // Pictures × 3 × heads × tokens × size.
        let joined =
            self.joined.forward(tokens)?.reshape((pictures, count, 3, HEADS, size))?.permute((0, 2, 3, 1, 4))?;
        let part = |number: usize| joined.narrow(1, number, 1)?.squeeze(1)?.contiguous();
        let (query, key, value) = (part(0)?, part(1)?, part(2)?);
        let strengths = (query * (1.0 / (size as f64).sqrt()))?.matmul(&key.transpose(2, 3)?.contiguous()?)?;
        let attended = candle_nn::ops::softmax_last_dim(&strengths)?.matmul(&value)?;
        self.projected.forward(&attended.transpose(1, 2)?.reshape((pictures, count, WIDTH))?)
    }
}

/// The network.
#[derive(Debug)]
struct Dinov2 {
    /// Patches as rows: [`WIDTH`] × 3·14·14.
    patches: Linear,
    class_token: Tensor,
    /// Of the class token, then of the patches.
    positions: Vec<f32>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    device: Device,
}

/// Refuses weights that are not those of DINOv2 ViT-S/14.
fn check(weights: &Weights) -> Result<()> {
    Dinov2::load(weights, &SelectedDevice::cpu()).map(|_| ()).map_err(|error| {
        error.hint(
            "use the weights of DINOv2 ViT-S/14 with the names of facebook/dinov2-small (embeddings.cls_token, \
             encoder.layer.0.norm1.weight, …)",
        )
    })
}

impl Dinov2 {
    fn load(weights: &Weights, device: &SelectedDevice) -> Result<Self> {
        let device = device.device().clone();
        let values = |name: &str, shape: &[usize]| -> Result<Tensor> {
            let tensor = weights.tensor(name, shape)?.to_dtype(DType::F32).map_err(tensor_error)?;
            if !numbers(&tensor)?.iter().all(|value| value.is_finite()) {
                return Err(Error::model(format!("{}: {name} holds NaN or infinite values", weights.source)));
            }
            tensor.to_device(&device).map_err(tensor_error)
        };
        let learnt = 1 + LEARNT_PATCHES * LEARNT_PATCHES;
        let pixels = 3 * PATCH_PX * PATCH_PX;
        let kernel = values("embeddings.patch_embeddings.projection.weight", &[WIDTH, 3, PATCH_PX, PATCH_PX])?;
        let bias = values("embeddings.patch_embeddings.projection.bias", &[WIDTH])?;
        Ok(Self {
            patches: Linear::new(kernel.reshape((WIDTH, pixels)).map_err(tensor_error)?, Some(bias)),
            class_token: values("embeddings.cls_token", &[1, 1, WIDTH])?,
            positions: numbers(&values("embeddings.position_embeddings", &[1, learnt, WIDTH])?)?,
            blocks: (0..BLOCKS).map(|number| Block::load(&values, number)).collect::<Result<_>>()?,
            norm: LayerNorm::new(values("layernorm.weight", &[WIDTH])?, values("layernorm.bias", &[WIDTH])?, EPSILON),
            device,
        })
    }

    /// One row for each picture of a normalised batch N × 3 × H × W.
    fn forward(&self, batch: &Tensor, output: &Output) -> candle_core::Result<Tensor> {
        let (pictures, _, height, width) = batch.dims4()?;
        let (rows, columns) = (height / PATCH_PX, width / PATCH_PX);
        let patches = batch
            .to_device(&self.device)?
            .reshape(&[pictures, 3, rows, PATCH_PX, columns, PATCH_PX])?
            .permute(vec![0, 2, 4, 1, 3, 5])?
            .reshape((pictures, rows * columns, 3 * PATCH_PX * PATCH_PX))?;
        let class = self.class_token.broadcast_as((pictures, 1, WIDTH))?;
        let tokens = Tensor::cat(&[class, self.patches.forward(&patches)?], 1)?;
        let positions =
            Tensor::from_vec(resized(&self.positions, rows, columns), (1, 1 + rows * columns, WIDTH), &self.device)?;
        let mut tokens = tokens.broadcast_add(&positions)?;
        for (number, block) in self.blocks.iter().enumerate() {
            tokens = block.forward(&tokens)?;
            if output.name == format!("block-{}", number + 1) {
                let patches = tokens.narrow(1, 1, rows * columns)?;
                let means = patches.mean_keepdim(1)?;
                let deviations = patches.broadcast_sub(&means)?.sqr()?.mean(1)?.sqrt()?;
                return Tensor::cat(&[means.squeeze(1)?, deviations], 1);
            }
        }
        self.norm.forward(&tokens.narrow(1, 0, 1)?.contiguous()?)?.squeeze(1)
    }
}

impl Backbone for Dinov2 {
    fn features(&self, images: &[RgbImage], output: &Output) -> Result<Vec<f32>> {
        if !OUTPUTS.contains(output) {
            return Err(Error::internal(format!("DINOv2 has no output “{}”", output.name)));
        }
        if let Some(image) = images.iter().find(|image| {
            let (width, height) = image.dimensions();
            !width.is_multiple_of(PATCH_PX as u32) || !height.is_multiple_of(PATCH_PX as u32)
        }) {
            return Err(Error::internal(format!("a picture of {:?} pixels has no whole patches", image.dimensions())));
        }
        let at_once = if self.device.is_cpu() { 1 } else { images.len().max(1) };
        let mut values = Vec::with_capacity(images.len() * output.width);
        for images in images.chunks(at_once) {
            let batch = batch_from_rgb(images)?;
            values.extend(numbers(&self.forward(&batch, output).map_err(tensor_error)?)?);
        }
        Ok(values)
    }
}

/// The position embedding for so many patches: that of the class token, then bicubic between those learnt.
fn resized(learnt: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    if (rows, columns) == (LEARNT_PATCHES, LEARNT_PATCHES) {
        return learnt.to_vec();
    }
    let (class, grid) = learnt.split_at(WIDTH);
    let (down, across) = (cubic(rows), cubic(columns));
    let mut values = Vec::with_capacity((1 + rows * columns) * WIDTH);
    values.extend_from_slice(class);
    for down in &down {
        for across in &across {
            let mut sums = [0.0f32; WIDTH];
            for &(row, row_weight) in down {
                for &(column, column_weight) in across {
                    let start = (row * LEARNT_PATCHES + column) * WIDTH;
                    let weight = row_weight * column_weight;
                    sums.iter_mut().zip(&grid[start..]).for_each(|(sum, value)| *sum += weight * value);
                }
            }
            values.extend(sums);
        }
    }
    values
}

/// For each of `count` places the four learnt places around it with their weights: Keys' kernel with a = -0.75, places
/// beyond the edges taken from the edges.
fn cubic(count: usize) -> Vec<[(usize, f32); 4]> {
    const A: f32 = -0.75;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    (0..count)
        .map(|place| {
            let at = (place as f32 + 0.5) * (LEARNT_PATCHES as f32 / count as f32) - 0.5;
            let (before, share) = (at.floor(), at - at.floor());
            let weights = [far(share + 1.0), near(share), near(1.0 - share), far(2.0 - share)];
            std::array::from_fn(|number| {
                let from = (before + number as f32 - 1.0).clamp(0.0, (LEARNT_PATCHES - 1) as f32);
                (from as usize, weights[number])
            })
        })
        .collect()
}
