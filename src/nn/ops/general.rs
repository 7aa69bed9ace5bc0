//! Convolutions of any kernel, stride and padding, and the pooling between ResNet's stem and its stages; forward only.
//!
//! On the processor each place of the result sees the pixels under the kernel as one row of a matrix, which is multiplied by
//! the kernels, packed once ([`Kernels`]) into panels for the innermost loop of [`matrix`]; a 1×1 kernel reads the rows where
//! they are. What follows a convolution in a residual network (bias, the stack that goes on beside it, ReLU) is done while
//! a block of the result is at hand. Each number is summed in one fixed order over the depth, so that a picture's depend neither on the other
//! pictures nor on the number of threads. The 3×3 with stride 1 has a faster way of its own,
//! [`conv3x3_relu`](super::conv3x3_relu).

use std::ops::Range;

use candle_core::{Tensor, bail};
use candle_nn::{Conv2d, Conv2dConfig, Module};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::kernels::{Shared, blocks};
use super::matrix::{self, Left, Product, Right, panel_width, panel_width_of};
use super::with_values;
use crate::instructions::arch;

/// Places of the result that one thread computes at once; a multiple of what is held in registers.
const PLACES_PER_UNIT: usize = 16 * matrix::ROWS_AT_ONCE;
/// Panels of kernels that one thread computes at once where there are no patches to lay.
const PANELS_PER_UNIT: usize = 4;

/// The kernels of a convolution with its bias, in the layout of the device they are on.
#[derive(Debug)]
pub struct Kernels {
    /// O × I × k × k.
    shape: [usize; 4],
    stride: usize,
    padding: usize,
    /// The layer of candle's, of planes N × C × H × W, on the devices that candle convolves on.
    planes: Option<Conv2d>,
    /// On the processor: panels of kernels side by side, each k · k · I × panel width, with zeros after the last kernel.
    panels: Vec<f32>,
    bias: Vec<f32>,
}

impl Kernels {
    /// Packs `weights` O × I × k × k and `bias` O for a convolution with this stride, of pictures padded with zeros.
    ///
    /// # Errors
    /// candle's, where the shapes do not fit.
    pub fn new(weights: &Tensor, bias: &Tensor, stride: usize, padding: usize) -> candle_core::Result<Self> {
        let (outputs, inputs, side, other) = weights.dims4()?;
        if bias.dims() != [outputs] || side != other || stride == 0 || weights.elem_count() == 0 {
            bail!("{:?} with a bias {:?} and stride {stride} is no convolution", weights.shape(), bias.shape());
        }
        let mut kernels = Self {
            shape: [outputs, inputs, side, side],
            stride,
            padding,
            planes: None,
            panels: Vec::new(),
            bias: Vec::new(),
        };
        if !weights.device().is_cpu() {
            kernels.planes = Some(layer(weights, bias, stride, padding));
            return Ok(kernels);
        }
        kernels.bias = bias.to_vec1()?;
        let (width, depth) = (panel_width(), kernels.depth());
        kernels.panels = vec![0f32; outputs.next_multiple_of(width) * depth];
        // k × k × I, the layout of a patch of a channels-last stack.
        let rows: Vec<Vec<f32>> = weights.permute((0, 2, 3, 1))?.reshape((outputs, depth))?.to_vec2()?;
        for (output, row) in rows.iter().enumerate() {
            let (panel, column) = (output / width, output % width);
            for (at, weight) in row.iter().enumerate() {
                kernels.panels[(panel * depth + at) * width + column] = *weight;
            }
        }
        Ok(kernels)
    }

    fn depth(&self) -> usize {
        self.shape[1..].iter().product()
    }
}

/// Convolution plus bias of a stack in the device's layout (see [`ops`](super)), plus `added`, a stack like the result, and
/// with negative numbers set to zero where `relu` says so. The result is a stack of O channels.
///
/// # Errors
/// candle's, where the shapes do not fit or memory runs out.
pub fn convolution(
    stack: &Tensor,
    kernels: &Kernels,
    added: Option<&Tensor>,
    relu: bool,
) -> candle_core::Result<Tensor> {
    if let Some(layer) = &kernels.planes {
        let result = layer.forward(stack)?;
        let result = if let Some(added) = added { (result + added)? } else { result };
        return if relu { result.relu() } else { Ok(result) };
    }
    let (images, height, width, inputs) = stack.dims4()?;
    let Kernels { shape: [outputs, kernel_inputs, side, _], stride, padding, .. } = *kernels;
    if kernel_inputs != inputs || height + 2 * padding < side || width + 2 * padding < side {
        bail!("kernels {:?} do not fit a stack {:?}", kernels.shape, stack.shape());
    }
    let along = |size: usize| (size + 2 * padding - side) / stride + 1;
    let shape = (images, along(height), along(width), outputs);
    if added.is_some_and(|added| added.dims() != [shape.0, shape.1, shape.2, shape.3]) {
        bail!("the stack {:?} cannot be added to a result {shape:?}", added.map(Tensor::shape));
    }
    let stack = stack.contiguous()?;
    let added = added.map(Tensor::contiguous).transpose()?;
    let call = |added: Option<&[f32]>| {
        with_values(&stack, |values| {
            let size = [height, width];
            Call { values, size, results: [shape.1, shape.2], kernels, added, relu }.run(images)
        })
    };
    let result = match &added {
        Some(added) => with_values(added, |added| call(Some(added)))??,
        None => call(None)?,
    };
    Tensor::from_vec(result, shape, stack.device())
}

/// One convolution on the processor.
struct Call<'a> {
    /// Images × height × width × inputs.
    values: &'a [f32],
    /// Rows and columns of the stack.
    size: [usize; 2],
    /// Rows and columns of the result.
    results: [usize; 2],
    kernels: &'a Kernels,
    added: Option<&'a [f32]>,
    relu: bool,
}

impl Call<'_> {
    fn run(&self, images: usize) -> Vec<f32> {
        let places = images * self.results[0] * self.results[1];
        let [outputs, inputs, ..] = self.kernels.shape;
        let (depth, panels) = (self.kernels.depth(), outputs.div_ceil(panel_width()));
        let reads_in_place = depth == inputs && self.kernels.stride == 1 && self.kernels.padding == 0;
        let at_once = if reads_in_place { PANELS_PER_UNIT } else { panels };
        let units: Vec<(Range<usize>, Range<usize>)> = blocks(places, PLACES_PER_UNIT)
            .flat_map(|places| blocks(panels, at_once).map(move |panels| (places.clone(), panels)))
            .collect();
        let mut result = vec![0f32; places * outputs];
        let target = Shared(result.as_mut_ptr());
        units.into_par_iter().for_each_init(
            || (Vec::new(), vec![0f32; PLACES_PER_UNIT * panel_width()]),
            |(patches, block), (places, panels)| {
                let rows = if reads_in_place {
                    &self.values[places.start * inputs..places.end * inputs]
                } else {
                    self.lay_patches(&places, patches);
                    patches.as_slice()
                };
                arch().dispatch(Unit { call: self, rows, places, panels, block, target });
            },
        );
        result
    }

    /// The pixels under the kernel at each of these places, with zeros beyond the border.
    fn lay_patches(&self, places: &Range<usize>, patches: &mut Vec<f32>) {
        let Kernels { shape: [_, inputs, side, _], stride, padding, .. } = *self.kernels;
        let ([height, width], [rows, columns]) = (self.size, self.results);
        patches.clear();
        patches.resize(places.len() * self.kernels.depth(), 0.0);
        for (place, patch) in places.clone().zip(patches.chunks_exact_mut(self.kernels.depth())) {
            let (line, column) = (place / columns, place % columns);
            let (image, row) = (line / rows, line % rows);
            for (at, target) in patch.chunks_exact_mut(inputs).enumerate() {
                let y = (row * stride + at / side).checked_sub(padding).filter(|y| *y < height);
                let x = (column * stride + at % side).checked_sub(padding).filter(|x| *x < width);
                if let (Some(y), Some(x)) = (y, x) {
                    let from = ((image * height + y) * width + x) * inputs;
                    target.copy_from_slice(&self.values[from..from + inputs]);
                }
            }
        }
    }
}

/// Some places of the result and some panels of kernels.
struct Unit<'a> {
    call: &'a Call<'a>,
    /// Places × depth.
    rows: &'a [f32],
    places: Range<usize>,
    panels: Range<usize>,
    /// Room for places × panel width.
    block: &'a mut [f32],
    target: Shared,
}

impl WithSimd for Unit<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { call, rows, places, panels, block, target } = self;
        let (kernels, depth, width) = (call.kernels, call.kernels.depth(), panel_width_of::<S>());
        let outputs = kernels.shape[0];
        assert!(rows.len() == places.len() * depth && block.len() >= places.len() * width);
        let left = Left { start: rows.as_ptr(), row_step: depth, depth_step: 1 };
        for panel in panels {
            let right = &kernels.panels[panel * depth * width..(panel + 1) * depth * width];
            let right = Right { start: right.as_ptr(), depth_step: width };
            let product = Product { start: block.as_mut_ptr(), row_step: width };
            // SAFETY: the rows are places × depth, the panel depth × width, and the block has room for places × width.
            unsafe { matrix::multiply(simd, 0..places.len(), depth, left, right, product, false) };
            let columns = panel * width..outputs.min((panel + 1) * width);
            let bias = &kernels.bias[columns.clone()];
            for (place, values) in places.clone().zip(block.chunks_exact(width)) {
                let start = place * outputs + columns.start;
                // SAFETY: each unit writes places and columns of its own, inside the result of all places × outputs.
                let target = unsafe { std::slice::from_raw_parts_mut(target.get().add(start), columns.len()) };
                for ((target, value), bias) in target.iter_mut().zip(values).zip(bias) {
                    *target = value + bias;
                }
                if let Some(added) = call.added {
                    for (target, added) in target.iter_mut().zip(&added[start..start + columns.len()]) {
                        *target += added;
                    }
                }
                if call.relu {
                    // As candle's: what is not a number stays so.
                    target.iter_mut().for_each(|value| *value = if *value < 0.0 { 0.0 } else { *value });
                }
            }
        }
    }
}

/// [`convolution`] without what follows it, as a layer of candle's.
fn layer(weights: &Tensor, bias: &Tensor, stride: usize, padding: usize) -> Conv2d {
    let config = Conv2dConfig { padding, stride, ..Conv2dConfig::default() };
    Conv2d::new(weights.clone(), Some(bias.clone()), config)
}

/// 3×3 maximum pooling with stride 2 of a stack without negative values, with a border of one pixel: of its zeros none is
/// ever larger than what is there.
///
/// # Errors
/// candle's.
pub fn max_pool3x3(stack: &Tensor) -> candle_core::Result<Tensor> {
    if !stack.device().is_cpu() {
        let planes = stack.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?;
        return planes.max_pool2d_with_stride((3, 3), (2, 2));
    }
    let (images, height, width, channels) = stack.dims4()?;
    let (rows, columns) = (height.div_ceil(2), width.div_ceil(2));
    let mut result = vec![0f32; images * rows * columns * channels];
    with_values(&stack.contiguous()?, |values| {
        result.par_chunks_exact_mut((columns * channels).max(1)).enumerate().for_each(|(line, target)| {
            let (image, row) = (line / rows, line % rows);
            for (column, target) in target.chunks_exact_mut(channels).enumerate() {
                for y in (2 * row).saturating_sub(1)..(2 * row + 2).min(height) {
                    for x in (2 * column).saturating_sub(1)..(2 * column + 2).min(width) {
                        let from = ((image * height + y) * width + x) * channels;
                        for (target, value) in target.iter_mut().zip(&values[from..from + channels]) {
                            *target = if *value > *target { *value } else { *target };
                        }
                    }
                }
            }
        });
    })?;
    Tensor::from_vec(result, (images, rows, columns, channels), stack.device())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::nn::ops::{planes_from_stack, stack_from_planes};
    use candle_core::Device;

    fn formula(shape: (usize, usize, usize, usize), step: usize) -> Tensor {
        let count = shape.0 * shape.1 * shape.2 * shape.3;
        let values: Vec<f32> = (0..count).map(|i| ((i * step) % 1009) as f32 / 504.5 - 1.0).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn every_kernel_stride_and_padding_is_the_sum_over_what_lies_under_the_kernel() {
        let planes = formula((2, 5, 9, 8), 7919);
        let stack = stack_from_planes(&planes).unwrap();
        let input = planes.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (side, stride, padding) in [(1, 1, 0), (1, 2, 0), (3, 1, 1), (3, 2, 1), (7, 2, 3), (3, 1, 0), (2, 3, 1)] {
            let weights = formula((4, 5, side, side), 31);
            let bias = Tensor::new(&[0.5f32, -1.0, 0.0, 2.0], &Device::Cpu).unwrap();
            let kernels = Kernels::new(&weights, &bias, stride, padding).unwrap();
            let stack_found = convolution(&stack, &kernels, None, false).unwrap();
            let found = planes_from_stack(&stack_found).unwrap();
            let (_, _, rows, columns) = found.dims4().unwrap();
            assert_eq!((rows, columns), ((9 + 2 * padding - side) / stride + 1, (8 + 2 * padding - side) / stride + 1));
            let (kernel, found_values) = (values(&weights), values(&found));
            let (bias_values, mut place) = (values(&bias), 0);
            for image in 0..2 {
                for output in 0..4 {
                    for row in 0..rows {
                        for column in 0..columns {
                            let mut sum = f64::from(bias_values[output]);
                            for channel in 0..5 {
                                for (dy, dx) in (0..side).flat_map(|dy| (0..side).map(move |dx| (dy, dx))) {
                                    let y = (row * stride + dy) as isize - padding as isize;
                                    let x = (column * stride + dx) as isize - padding as isize;
                                    if (0..9).contains(&y) && (0..8).contains(&x) {
                                        let at = ((image * 5 + channel) * 9 + y as usize) * 8 + x as usize;
                                        let weight = kernel[((output * 5 + channel) * side + dy) * side + dx];
                                        sum += f64::from(input[at]) * f64::from(weight);
                                    }
                                }
                            }
                            assert!((sum - f64::from(found_values[place])).abs() < 1e-4, "{side} {stride} {padding}");
                            place += 1;
                        }
                    }
                }
            }
            // The way of a GPU, on the processor.
            let other = values(&layer(&weights, &bias, stride, padding).forward(&planes).unwrap());
            assert!(found_values.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-4), "{side} {stride} {padding}");
            // A picture alone has the same bits.
            let second = stack.narrow(0, 1, 1).unwrap();
            let alone = convolution(&second, &kernels, None, false).unwrap();
            assert_eq!(values(&planes_from_stack(&alone).unwrap()), found_values[found_values.len() / 2..]);
            // What is added to it and cut off is the same as one after the other.
            let beside = stack_found.affine(-0.5, 0.25).unwrap();
            let at_once = convolution(&stack, &kernels, Some(&beside), true).unwrap();
            assert_eq!(values(&at_once), values(&(&stack_found + &beside).unwrap().relu().unwrap()));
            let other = stack_found.narrow(3, 0, 2).unwrap();
            assert!(convolution(&stack, &kernels, Some(&other), true).is_err());
        }
        let bias = Tensor::zeros(4, candle_core::DType::F32, &Device::Cpu).unwrap();
        let others = Kernels::new(&formula((4, 3, 3, 3), 1), &bias, 1, 1).unwrap();
        assert!(convolution(&stack, &others, None, false).is_err());
        for (weights, stride) in [((3, 5, 3, 3), 1), ((4, 5, 3, 2), 1), ((4, 5, 3, 3), 0)] {
            assert!(Kernels::new(&formula(weights, 1), &bias, stride, 1).is_err());
        }
    }

    /// More kernels than a panel has columns, and more places than a unit has.
    #[test]
    fn many_kernels_and_places_give_what_candle_gives() {
        for (inputs, outputs, side, stride) in [(70, 130, 1, 1), (20, 70, 3, 2), (40, 300, 1, 2)] {
            let planes = formula((3, inputs, 15, 13), 7919);
            let (weights, bias) = (formula((outputs, inputs, side, side), 31), formula((1, 1, 1, outputs), 17));
            let bias = bias.flatten_all().unwrap();
            let kernels = Kernels::new(&weights, &bias, stride, side / 2).unwrap();
            let found = convolution(&stack_from_planes(&planes).unwrap(), &kernels, None, false).unwrap();
            let found = values(&planes_from_stack(&found).unwrap());
            let wanted = values(&layer(&weights, &bias, stride, side / 2).forward(&planes).unwrap());
            let largest = wanted.iter().fold(0f32, |largest, value| largest.max(value.abs()));
            assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-5 * largest), "{inputs} {outputs}");
        }
    }

    #[test]
    fn the_pooling_takes_the_largest_of_nine() {
        let planes = formula((1, 3, 7, 6), 7919).relu().unwrap();
        let pooled = planes_from_stack(&max_pool3x3(&stack_from_planes(&planes).unwrap()).unwrap()).unwrap();
        assert_eq!(pooled.dims(), [1, 3, 4, 3]);
        let (input, found) = (values(&planes), values(&pooled));
        for (place, found) in found.iter().enumerate() {
            let (channel, row, column) = (place / 12, place / 3 % 4, place % 3);
            let mut largest = f32::MIN;
            for y in (2 * row).saturating_sub(1)..(2 * row + 2).min(7) {
                for x in (2 * column).saturating_sub(1)..(2 * column + 2).min(6) {
                    largest = largest.max(input[(channel * 7 + y) * 6 + x]);
                }
            }
            assert_eq!(*found, largest);
        }
    }
}
