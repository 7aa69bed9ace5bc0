//! Convolutions of any kernel, stride and padding, and the pooling between ResNet's stem and its stages; forward only.
//!
//! On the processor a convolution is a linear map of patches: each place of the result sees the pixels under the kernel as
//! one row ([`linear`]), so that a picture's numbers depend neither on the other pictures nor on the number of threads. A 1×1
//! kernel needs no patches. The 3×3 with stride 1 has a faster way of its own, [`conv3x3_relu`](super::conv3x3_relu).

use candle_core::{Tensor, bail};
use rayon::prelude::*;

use super::{linear, planes_from_stack, stack_from_planes, with_values};

/// Places of the result that are computed at once: few enough that their patches stay in the processor's caches.
const PLACES: usize = 512;

/// Convolution plus bias of a stack in the device's layout (see [`ops`](super)): `weights` O × I × k × k, `bias` O; the
/// picture is padded with zeros. The result is a stack of O channels.
///
/// # Errors
/// candle's, where the shapes do not fit or memory runs out.
pub fn convolution(
    stack: &Tensor,
    weights: &Tensor,
    bias: &Tensor,
    stride: usize,
    padding: usize,
) -> candle_core::Result<Tensor> {
    if !stack.device().is_cpu() {
        return convolution_planes(stack, weights, bias, stride, padding);
    }
    let (images, height, width, inputs) = stack.dims4()?;
    let (outputs, kernel_inputs, side, _) = weights.dims4()?;
    if kernel_inputs != inputs || stride == 0 || height + 2 * padding < side || width + 2 * padding < side {
        bail!("a kernel {:?} does not fit a stack {:?}", weights.shape(), stack.shape());
    }
    let along = |size: usize| (size + 2 * padding - side) / stride + 1;
    let (rows, columns) = (along(height), along(width));
    // O × k × k × I, as a patch of a channels-last stack is laid.
    let kernels = weights.permute((0, 2, 3, 1))?.reshape((outputs, side * side * inputs))?.contiguous()?;
    let depth = side * side * inputs;
    let stack = stack.contiguous()?;
    let places = images * rows * columns;
    let mut parts = Vec::with_capacity(places.div_ceil(PLACES));
    for first in (0..places).step_by(PLACES) {
        let count = PLACES.min(places - first);
        let patches = if side == 1 && stride == 1 && padding == 0 {
            stack.reshape((places, inputs))?.narrow(0, first, count)?.contiguous()?
        } else {
            let mut patches = vec![0f32; count * depth];
            with_values(&stack, |values| {
                patches.par_chunks_exact_mut(depth).enumerate().for_each(|(place, patch)| {
                    let (line, column) = ((first + place) / columns, (first + place) % columns);
                    let (image, row) = (line / rows, line % rows);
                    for (at, target) in patch.chunks_exact_mut(inputs).enumerate() {
                        let y = (row * stride + at / side).checked_sub(padding).filter(|y| *y < height);
                        let x = (column * stride + at % side).checked_sub(padding).filter(|x| *x < width);
                        if let (Some(y), Some(x)) = (y, x) {
                            let from = ((image * height + y) * width + x) * inputs;
                            target.copy_from_slice(&values[from..from + inputs]);
                        }
                    }
                });
            })?;
            Tensor::from_vec(patches, (count, depth), stack.device())?
        };
        parts.push(linear(&patches, &kernels, bias)?);
    }
    Tensor::cat(&parts, 0)?.reshape((images, rows, columns, outputs))
}

/// [`convolution`] of planes N × C × H × W, by candle.
fn convolution_planes(
    planes: &Tensor,
    weights: &Tensor,
    bias: &Tensor,
    stride: usize,
    padding: usize,
) -> candle_core::Result<Tensor> {
    planes.conv2d(weights, padding, stride, 1, 1)?.broadcast_add(&bias.reshape((1, (), 1, 1))?)
}

/// 3×3 maximum pooling with stride 2 of a stack without negative values, with a border of one pixel: of its zeros none is
/// ever larger than what is there.
///
/// # Errors
/// candle's.
pub fn max_pool3x3(stack: &Tensor) -> candle_core::Result<Tensor> {
    let planes = planes_from_stack(stack)?.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?;
    stack_from_planes(&planes.max_pool2d_with_stride((3, 3), (2, 2))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
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
            let found = convolution(&stack, &weights, &bias, stride, padding).unwrap();
            let found = planes_from_stack(&found).unwrap();
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
            let other = values(&convolution_planes(&planes, &weights, &bias, stride, padding).unwrap());
            assert!(found_values.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-4), "{side} {stride} {padding}");
            // A picture alone has the same bits.
            let alone = convolution(&stack.narrow(0, 1, 1).unwrap(), &weights, &bias, stride, padding).unwrap();
            assert_eq!(values(&planes_from_stack(&alone).unwrap()), found_values[found_values.len() / 2..]);
        }
        assert!(convolution(&stack, &formula((4, 3, 3, 3), 1), &formula((1, 1, 1, 4), 1), 1, 1).is_err());
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
