//! What the operations on the processor have in common, and the small ones: layout, pooling, gradients of ReLU and
//! pooling.
//!
//! Pictures travel channels-last: picture, row, column, channel, N × H × W × C.

use std::ops::Range;

use rayon::prelude::*;

use super::scratch::Scratch;

/// The size of a channels-last stack of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// N, the number of pictures.
    pub images: usize,
    /// H, rows of a picture.
    pub height: usize,
    /// W, columns of a picture.
    pub width: usize,
    /// C, values of a pixel.
    pub channels: usize,
}

impl Extent {
    /// Values of one row.
    pub fn row_len(self) -> usize {
        self.width * self.channels
    }

    /// Values of one picture.
    pub fn image_len(self) -> usize {
        self.height * self.row_len()
    }

    /// Values of all pictures.
    pub fn len(self) -> usize {
        self.images * self.image_len()
    }

    /// The same with another number of channels.
    pub fn with_channels(self, channels: usize) -> Self {
        Self { channels, ..self }
    }

    /// After 2×2 pooling; an odd last row or column is dropped.
    pub fn pooled(self) -> Self {
        Self { height: self.height / 2, width: self.width / 2, ..self }
    }
}

/// A pointer that units of work on separate places may share.
#[derive(Clone, Copy)]
pub struct Shared<T = f32>(pub *mut T);

// SAFETY: each unit of work writes places that no other unit touches, and the buffer outlives the parallel loop.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T: Copy> Shared<T> {
    /// The pointer itself; a method, so that closures capture the wrapper.
    pub fn get(self) -> *mut T {
        self.0
    }
}

/// 0..total in runs of `size`; the last may be shorter.
pub fn blocks(total: usize, size: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    let count = total.div_ceil(size);
    (0..count).map(move |block| block * size..((block + 1) * size).min(total))
}

/// Turns N × C × H × W into channels-last.
pub fn channels_last(planes: &[f32], extent: Extent) -> Vec<f32> {
    assert_eq!(planes.len(), extent.len());
    let mut output = vec![0f32; extent.len()];
    if output.is_empty() {
        return output;
    }
    let (row_len, pixels) = (extent.row_len(), extent.height * extent.width);
    output.par_chunks_mut(row_len).enumerate().for_each(|(row, output)| {
        let (image, y) = (row / extent.height, row % extent.height);
        for channel in 0..extent.channels {
            let source = &planes[(image * extent.channels + channel) * pixels + y * extent.width..][..extent.width];
            for (pixel, value) in output.chunks_exact_mut(extent.channels).zip(source) {
                pixel[channel] = *value;
            }
        }
    });
    output
}

/// Writes the gradients of a pooled row to where they belong in row `y` of the input, which begins as zeros.
fn spread_row(output: &mut [f32], channels: usize, y: usize, gradient: &[f32], kept: &[u8]) {
    let half = (y % 2) as u8 * 2;
    let pixels = gradient.chunks_exact(channels).zip(kept.chunks_exact(channels));
    for (output, (gradient, kept)) in output.chunks_exact_mut(2 * channels).zip(pixels) {
        let (left, right) = output.split_at_mut(channels);
        for channel in 0..channels {
            let (value, kept) = (gradient[channel], kept[channel]);
            left[channel] = if kept == half { value } else { 0.0 };
            right[channel] = if kept == half + 1 { value } else { 0.0 };
        }
    }
}

/// Rows of pictures whose bias gradients are summed together before they are added up in order.
const ROWS_PER_SUM: usize = 16;

/// Gradient of a convolution's sums (before bias and ReLU) and of its bias, from the gradient of its result.
///
/// `extent` is that of the sums. Without `kept` the result has the same extent; with it, the result was pooled.
/// A result of 0 lets nothing through (as PyTorch has it).
pub fn relu_gradient(gradient: &[f32], result: &[f32], kept: Option<&[u8]>, extent: Extent) -> (Scratch, Vec<f32>) {
    let result_extent = if kept.is_some() { extent.pooled() } else { extent };
    assert_eq!(gradient.len(), result_extent.len());
    assert_eq!(result.len(), result_extent.len());
    assert!(kept.is_none_or(|kept| kept.len() == result.len()));
    let channels = extent.channels;
    let mut output = Scratch::new(extent.len());
    let mut bias = vec![0f32; channels];
    if extent.len() == 0 {
        return (output, bias);
    }
    let row_len = extent.row_len();
    let sums: Vec<Vec<f32>> = output
        .par_chunks_mut(ROWS_PER_SUM * row_len)
        .enumerate()
        .map(|(block, output)| {
            let mut sums = vec![0f32; channels];
            let mut masked = vec![0f32; if kept.is_some() { result_extent.row_len() } else { 0 }];
            for (index, output) in output.chunks_exact_mut(row_len).enumerate() {
                let row = block * ROWS_PER_SUM + index;
                let (image, y) = (row / extent.height, row % extent.height);
                let mask = |output: &mut [f32], at: usize| {
                    for ((output, gradient), result) in output.iter_mut().zip(&gradient[at..]).zip(&result[at..]) {
                        *output = if *result > 0.0 { *gradient } else { 0.0 };
                    }
                };
                match kept {
                    None => mask(output, row * row_len),
                    Some(_) if y / 2 >= result_extent.height => output.fill(0.0),
                    Some(kept) => {
                        let at = (image * result_extent.height + y / 2) * masked.len();
                        mask(&mut masked, at);
                        let whole = 2 * masked.len();
                        output[whole..].fill(0.0);
                        spread_row(output, channels, y, &masked, &kept[at..][..masked.len()]);
                    }
                }
                for pixel in output.chunks_exact(channels) {
                    for (sum, value) in sums.iter_mut().zip(pixel) {
                        *sum += value;
                    }
                }
            }
            sums
        })
        .collect();
    for sums in sums {
        for (bias, sum) in bias.iter_mut().zip(sums) {
            *bias += sum;
        }
    }
    (output, bias)
}
