//! The 13 convolutions of VGG16 (Simonyan and Zisserman, arXiv 1409.1556, configuration D), to make features with and to
//! train further.
//!
//! Pictures come in as RGB bytes ([`batch_from_rgb`]), go through the blocks as stacks in the layout of the device
//! ([`ops`]), and leave as one row of numbers each, pooled as [`Pooling`] says. The last blocks can be made trainable
//! ([`Vgg16::train_blocks`]): then a row passes its gradient back to their weights and stops where the fixed ones begin.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use candle_core::{Device, Tensor, Var};
use image::RgbImage;

use super::{Backbone, BackboneOutput, BackboneSpec, Output, batch_from_rgb, numbers};
use crate::error::{Error, Result};
use crate::nn::device::SelectedDevice;
use crate::nn::ops::{self, PreparedWeights};
use crate::nn::state::{NamedTensor, State, take};
use crate::nn::tensor_error;
use crate::nn::weights::Weights;

/// Smallest side of a picture, in pixels: five poolings halve it to one.
pub const MINIMUM_SIZE_PX: u32 = 32;
/// Number of blocks.
pub const BLOCK_COUNT: usize = BLOCKS.len();

/// A weight larger than this belongs to no network that was trained: those of ImageNet's VGG16 stay below 10.
const LARGEST_WEIGHT: f32 = 1e4;
/// Output channels of the convolutions of each block; a 2×2 maximum pooling ends each block.
const BLOCKS: [&[usize]; 5] = [&[64, 64], &[128, 128], &[256, 256, 256], &[512, 512, 512], &[512, 512, 512]];
/// Rows and columns of the grid of [`Pooling::Grid`].
const GRID: usize = 7;

/// The shape of a convolution for pictures of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvolutionShape {
    /// The block it belongs to, from 0.
    pub block: usize,
    /// Input channels, output channels.
    pub channels: (usize, usize),
    /// Rows and columns of its input.
    pub side: usize,
    /// Whether a pooling follows.
    pub pool: bool,
}

/// The 13 convolutions for square pictures of this side.
pub fn convolution_shapes(size_px: usize) -> Vec<ConvolutionShape> {
    let (mut shapes, mut inputs, mut side) = (Vec::new(), 3, size_px);
    for (block, layers) in BLOCKS.into_iter().enumerate() {
        for (index, &outputs) in layers.iter().enumerate() {
            let pool = index + 1 == layers.len();
            shapes.push(ConvolutionShape { block, channels: (inputs, outputs), side, pool });
            inputs = outputs;
        }
        side /= 2;
    }
    shapes
}

/// Names and shapes (outputs × inputs × 3 × 3; outputs) of the 26 tensors, as torchvision and timm call them: a ReLU after
/// each convolution and a pooling after each block take a number too.
pub fn tensor_shapes() -> BTreeMap<String, Vec<usize>> {
    let (mut shapes, mut number, mut inputs) = (BTreeMap::new(), 0, 3);
    for block in BLOCKS {
        for &outputs in block {
            shapes.insert(format!("features.{number}.weight"), vec![outputs, inputs, 3, 3]);
            shapes.insert(format!("features.{number}.bias"), vec![outputs]);
            (number, inputs) = (number + 2, outputs);
        }
        number += 1;
    }
    shapes
}

/// The 26 tensors as plain numbers.
///
/// # Errors
/// `Model` when they are not all there.
pub fn state_of(weights: &Weights) -> Result<State> {
    tensor_shapes()
        .into_iter()
        .map(|(name, shape)| {
            let tensor = NamedTensor::from_tensor(&weights.tensor(&name, &shape)?)?;
            Ok((name, tensor))
        })
        .collect()
}

/// Refuses weights that are not these, and says what they look like.
fn check(weights: &Weights) -> Result<()> {
    let (names, wanted) = (weights.names(), tensor_shapes());
    let wrong = |what: String| {
        Err(Error::model(format!("{}: {what}", weights.source)).hint(
            "use the weights of VGG16 (configuration D, without batch normalisation) with the names of torchvision or \
             timm, such as hf:timm/vgg16.tv_in1k/model.safetensors, or leave the setting empty",
        ))
    };
    let network = if names.iter().any(|name| name.starts_with("features.") && name.ends_with(".running_mean")) {
        Some("a VGG with batch normalisation")
    } else if names.contains("features.34.weight") {
        Some("VGG19")
    } else if names.iter().any(|name| name.ends_with("layer1.0.conv1.weight")) {
        Some("a ResNet")
    } else {
        None
    };
    if let Some(network) = network {
        return wrong(format!("these are the weights of {network}, not of VGG16"));
    }
    let missing: Vec<&str> = wanted.keys().map(String::as_str).filter(|name| !names.contains(name)).collect();
    if missing.len() == wanted.len() {
        let found: Vec<&str> = names.into_iter().take(3).collect();
        return wrong(format!("no tensor of VGG16 is in it; it holds {} …", found.join(", ")));
    }
    if let Some(first) = missing.first() {
        return wrong(format!(
            "{} of VGG16's {} tensors are missing, the first is {first}",
            missing.len(),
            wanted.len()
        ));
    }
    for (name, tensor) in state_of(weights)? {
        if tensor.values.iter().any(|value| !value.is_finite()) {
            return wrong(format!("the tensor {name} holds NaN or infinite values"));
        }
        if let Some(value) = tensor.values.iter().find(|value| value.abs() > LARGEST_WEIGHT) {
            return wrong(format!(
                "the tensor {name} holds the number {value:e}, with which no features can be computed"
            ));
        }
    }
    Ok(())
}

/// How the last blocks' outputs become one row of features for a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pooling {
    /// The mean of each channel of block 5: 512.
    #[default]
    Mean,
    /// Mean and standard deviation of each channel of block 4, then of block 5: 2,048.
    Statistics,
    /// Block 5 averaged to 7×7, channel by channel, as VGG16's own classifier takes it: 25,088.
    Grid,
}

impl Pooling {
    /// It as an output of the network.
    pub fn output(self) -> BackboneOutput {
        BackboneOutput { network: &SPEC, output: &SPEC.outputs[self as usize] }
    }

    /// The pooling that gives this output.
    fn of(output: &Output) -> Result<Self> {
        let all = [Self::Mean, Self::Statistics, Self::Grid];
        let found = all.into_iter().find(|pooling| pooling.output().output == output);
        found.ok_or_else(|| Error::internal(format!("VGG16 has no output “{}”", output.name)))
    }

    /// Number of features.
    pub fn features(self) -> usize {
        self.output().output.width
    }
}

/// VGG16 among the networks. The outputs stand in the order of [`Pooling`].
pub static SPEC: BackboneSpec = BackboneSpec {
    id: "vgg16",
    name: "VGG16",
    minimum_size_px: MINIMUM_SIZE_PX,
    usual_size_px: 384,
    side_multiple_px: 1,
    outputs: &[
        Output { name: "mean", width: 512, definition: "Mean of each channel of block 5." },
        Output {
            name: "statistics",
            width: 2048,
            definition: "Mean, then deviation of each channel of blocks 4 and 5.",
        },
        Output { name: "grid", width: 512 * GRID * GRID, definition: "Block 5 averaged to 7 × 7." },
    ],
    has_built_in_weights: true,
    trainable: true,
    check,
    load: |weights, device| Ok(Box::new(Vgg16::load(weights, device)?)),
};

impl Backbone for Vgg16 {
    fn features(&self, images: &[RgbImage], output: &Output) -> Result<Vec<f32>> {
        Self::features(self, images, Pooling::of(output)?)
    }
}

/// One convolution.
#[derive(Debug)]
struct Convolution {
    /// torchvision's number of the layer, as in `features.N.weight`.
    number: usize,
    /// O × I × 3 × 3.
    weights: Tensor,
    /// O.
    bias: Tensor,
    /// Both, while they are trained.
    variables: Option<[Var; 2]>,
    /// The weights as the processor's kernels read them, until they change.
    prepared: Mutex<Arc<PreparedWeights>>,
}

impl Convolution {
    fn names(&self) -> [String; 2] {
        ["weight", "bias"].map(|kind| format!("features.{}.{kind}", self.number))
    }

    fn forward(&self, stack: &Tensor, pool: bool) -> candle_core::Result<Tensor> {
        let prepared = self.prepared.lock().map(|prepared| prepared.clone()).unwrap_or_default();
        ops::conv3x3_relu(stack, &self.weights, &self.bias, pool, &prepared)
    }
}

/// VGG16 up to its last pooling.
#[derive(Debug)]
pub struct Vgg16 {
    blocks: Vec<Vec<Convolution>>,
    device: Device,
}

impl Vgg16 {
    /// Takes the 26 tensors `features.N.weight` and `features.N.bias` from `weights` to `device`.
    ///
    /// # Errors
    /// `Model` when a tensor is missing or has another shape, `Device` when the device refuses.
    pub fn load(weights: &Weights, device: &SelectedDevice) -> Result<Self> {
        let device = device.device().clone();
        let (mut blocks, mut inputs, mut number) = (Vec::new(), 3, 0);
        for block in BLOCKS {
            let mut convolutions = Vec::new();
            for &outputs in block {
                let take = |kind: &str, shape: &[usize]| {
                    let tensor = weights.tensor(&format!("features.{number}.{kind}"), shape)?;
                    tensor.to_device(&device).map_err(tensor_error)
                };
                convolutions.push(Convolution {
                    number,
                    weights: take("weight", &[outputs, inputs, 3, 3])?,
                    bias: take("bias", &[outputs])?,
                    variables: None,
                    prepared: Mutex::default(),
                });
                inputs = outputs;
                // torchvision counts the convolution and its ReLU …
                number += 2;
            }
            // … and the pooling.
            number += 1;
            blocks.push(convolutions);
        }
        Ok(Self { blocks, device })
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Makes the last `count` blocks trainable (all of them: 5) and the others fixed.
    ///
    /// # Errors
    /// `Device` when memory is short.
    pub fn train_blocks(&mut self, count: usize) -> Result<()> {
        let first = BLOCK_COUNT.saturating_sub(count);
        for (index, convolution) in
            self.blocks.iter_mut().enumerate().flat_map(|(index, block)| block.iter_mut().map(move |c| (index, c)))
        {
            let (weights, bias) = (convolution.weights.detach(), convolution.bias.detach());
            convolution.variables = None;
            if index >= first {
                // Copies: a variable is changed in place.
                let variable = |tensor: &Tensor| tensor.copy().and_then(|copy| Var::from_tensor(&copy));
                let variables = [variable(&weights).map_err(tensor_error)?, variable(&bias).map_err(tensor_error)?];
                convolution.weights = variables[0].as_tensor().clone();
                convolution.bias = variables[1].as_tensor().clone();
                convolution.variables = Some(variables);
            } else {
                (convolution.weights, convolution.bias) = (weights, bias);
            }
        }
        Ok(())
    }

    fn convolutions(&self) -> impl Iterator<Item = &Convolution> {
        self.blocks.iter().flatten()
    }

    /// The variables by name, for the optimiser.
    pub fn named_variables(&self) -> Vec<(String, Var)> {
        self.convolutions()
            .filter_map(|convolution| Some((convolution.names(), convolution.variables.clone()?)))
            .flat_map(|(names, variables)| names.into_iter().zip(variables))
            .collect()
    }

    /// To be called after the variables were changed, before the next pictures.
    pub fn variables_changed(&self) {
        for convolution in self.convolutions().filter(|convolution| convolution.variables.is_some()) {
            if let Ok(mut prepared) = convolution.prepared.lock() {
                *prepared = Arc::default();
            }
        }
    }

    /// The numbers of the trainable blocks by name.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    pub fn state(&self) -> Result<State> {
        self.state_of(self.convolutions().filter(|convolution| convolution.variables.is_some()))
    }

    /// The numbers of all blocks by name.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    pub fn all_state(&self) -> Result<State> {
        self.state_of(self.convolutions())
    }

    fn state_of<'a>(&self, convolutions: impl Iterator<Item = &'a Convolution>) -> Result<State> {
        let mut state = State::new();
        for convolution in convolutions {
            for (name, tensor) in convolution.names().into_iter().zip([&convolution.weights, &convolution.bias]) {
                state.insert(name, NamedTensor::from_tensor(tensor)?);
            }
        }
        Ok(state)
    }

    /// Sets the numbers of all blocks that `state` has: those of a run that trained them. Others stay as they are.
    ///
    /// # Errors
    /// `Model` when a block is there in part or has other shapes.
    pub fn set_state(&mut self, state: &State) -> Result<()> {
        for block in &mut self.blocks {
            if !block.iter().any(|convolution| state.contains_key(&convolution.names()[0])) {
                continue;
            }
            for convolution in block {
                let [weights_name, bias_name] = convolution.names();
                let device = &self.device;
                let tensor = |name: &str, old: &Tensor| -> Result<Tensor> {
                    let values = &take(state, name, old.dims())?.values;
                    Tensor::from_slice(values, old.shape(), device).map_err(tensor_error)
                };
                let (weights, bias) =
                    (tensor(&weights_name, &convolution.weights)?, tensor(&bias_name, &convolution.bias)?);
                match &convolution.variables {
                    Some([weights_variable, bias_variable]) => {
                        weights_variable.set(&weights).and_then(|()| bias_variable.set(&bias)).map_err(tensor_error)?;
                    }
                    None => (convolution.weights, convolution.bias) = (weights, bias),
                }
                convolution.prepared = Mutex::default();
            }
        }
        Ok(())
    }

    /// Features of a normalised batch N × 3 × H × W with sides of [`MINIMUM_SIZE_PX`] or more: N × D on the network's
    /// device, D as `pooling` says. Passes gradients to the trainable blocks.
    ///
    /// A picture's numbers do not depend on the other pictures of the batch.
    ///
    /// # Errors
    /// `Internal` for a batch of another shape, `Device` when the device refuses.
    pub fn forward(&self, batch: &Tensor, pooling: Pooling) -> Result<Tensor> {
        check_batch(batch)?;
        self.forward_checked(batch, pooling).map_err(tensor_error)
    }

    fn forward_checked(&self, batch: &Tensor, pooling: Pooling) -> candle_core::Result<Tensor> {
        let mut stack = ops::stack_from_planes(&batch.to_device(&self.device)?)?;
        let mut rows = Vec::new();
        for (index, block) in self.blocks.iter().enumerate() {
            stack = forward_block(block, &stack)?;
            if pooling == Pooling::Statistics && index + 2 >= BLOCK_COUNT {
                rows.push(ops::channel_means(&stack)?);
                rows.push(ops::channel_deviations(&stack)?);
            }
        }
        match pooling {
            Pooling::Mean => ops::channel_means(&stack),
            Pooling::Statistics => Tensor::cat(&rows, 1),
            Pooling::Grid => grid_means(&ops::planes_from_stack(&stack)?)?.flatten_from(1),
        }
    }

    /// [`forward`](Self::forward) of pictures of one size: D numbers for each, one after the other.
    ///
    /// # Errors
    /// As [`batch_from_rgb`] and [`forward`](Self::forward).
    pub fn features(&self, images: &[RgbImage], pooling: Pooling) -> Result<Vec<f32>> {
        numbers(&self.forward(&batch_from_rgb(images)?, pooling)?)
    }
}

fn forward_block(block: &[Convolution], stack: &Tensor) -> candle_core::Result<Tensor> {
    let mut stack = stack.clone();
    for (index, convolution) in block.iter().enumerate() {
        stack = convolution.forward(&stack, index + 1 == block.len())?;
    }
    Ok(stack)
}

fn check_batch(batch: &Tensor) -> Result<()> {
    match batch.dims() {
        [_, 3, height, width] if (*height).min(*width) >= MINIMUM_SIZE_PX as usize => Ok(()),
        shape => Err(Error::internal(format!(
            "VGG16 takes N × 3 × H × W with sides of {MINIMUM_SIZE_PX} or more, not {shape:?}"
        ))),
    }
}

/// Planes N × C × H × W averaged to N × C × 7 × 7: cell i covers rows ⌊i·H/7⌋ to ⌈(i+1)·H/7⌉, as PyTorch's
/// `AdaptiveAvgPool2d`. A mean over a rectangle is the mean over its rows of the means over its columns.
fn grid_means(planes: &Tensor) -> candle_core::Result<Tensor> {
    let (images, channels, height, width) = planes.dims4()?;
    let cells = |size: usize| {
        let mut weights = vec![0f32; size * GRID];
        for cell in 0..GRID {
            let covered = cell * size / GRID..((cell + 1) * size).div_ceil(GRID);
            for at in covered.clone() {
                weights[at * GRID + cell] = 1.0 / covered.len() as f32;
            }
        }
        Tensor::from_vec(weights, (size, GRID), planes.device())
    };
    let columns = planes.reshape((images * channels * height, width))?.matmul(&cells(width)?)?;
    let columns = columns.reshape((images * channels, height, GRID))?.transpose(1, 2)?.contiguous()?;
    let rows = columns.reshape((images * channels * GRID, height))?.matmul(&cells(height)?)?;
    rows.reshape((images * channels, GRID, GRID))?
        .transpose(1, 2)?
        .contiguous()?
        .reshape((images, channels, GRID, GRID))
}
