//! The inner loops on the processor: convolution, pooling and linear maps in plain `f32` slices.
//!
//! Pictures travel in one layout, *bordered channels-last*: image, row, column, channel, with a border of one zero
//! pixel on each side, so N × (H+2) × (W+2) × C for pictures of H × W. With that border a 3×3 convolution needs no
//! copy of its input: for each of the three kernel rows, the 3·C inputs of neighbouring output pixels are
//! overlapping runs of memory, which `gemm` reads in place as the columns of a matrix. The output has the same
//! layout and is the next layer's input.
//!
//! Work is cut into units by the shape alone (image, some rows, some output channels) and each unit is one
//! serial computation, so results do not depend on the number of threads or on the other images of a batch.

use std::ops::Range;

use gemm::Parallelism;
use rayon::prelude::*;

/// Output pixels that one unit of convolution work aims at.
const PIXELS_PER_UNIT: usize = 1024;
/// Output channels of one unit of convolution work, where there are more.
const CHANNELS_PER_UNIT: usize = 128;
/// Rows that [`linear`] multiplies at once; the last block is filled up with zeros.
const ROWS_PER_BLOCK: usize = 64;

/// The size of a bordered channels-last stack of pictures, border not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// N, the number of pictures.
    pub images: usize,
    /// H, rows of a picture without its border.
    pub height: usize,
    /// W, columns of a picture without its border.
    pub width: usize,
    /// C, values of a pixel.
    pub channels: usize,
}

impl Extent {
    /// Pixels in a row, border included.
    fn row_pixels(self) -> usize {
        self.width + 2
    }

    /// Values of one picture, border included.
    pub fn image_len(self) -> usize {
        (self.height + 2) * self.row_pixels() * self.channels
    }

    /// Values of all pictures, border included.
    pub fn len(self) -> usize {
        self.images * self.image_len()
    }

    /// True when there is nothing in it.
    pub fn is_empty(self) -> bool {
        self.images * self.height * self.width * self.channels == 0
    }
}

/// A pointer that units of work on separate places may share.
#[derive(Clone, Copy)]
struct Shared(*mut f32);

// SAFETY: each unit of work writes places that no other unit touches, and the buffer outlives the parallel loop.
unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}

impl Shared {
    /// The pointer itself; a method, so that closures capture the wrapper.
    fn get(self) -> *mut f32 {
        self.0
    }
}

/// Turns N × C × H × W (no border) into bordered channels-last.
pub fn bordered_from_planes(planes: &[f32], extent: Extent) -> Vec<f32> {
    assert_eq!(planes.len(), extent.images * extent.channels * extent.height * extent.width);
    let mut output = vec![0f32; extent.len()];
    let Extent { height, width, channels, .. } = extent;
    if extent.is_empty() {
        return output;
    }
    output.par_chunks_mut(extent.image_len()).zip(planes.par_chunks(channels * height * width)).for_each(
        |(output, planes)| {
            for (channel, plane) in planes.chunks_exact(height * width).enumerate() {
                for (y, row) in plane.chunks_exact(width).enumerate() {
                    let start = ((y + 1) * extent.row_pixels() + 1) * channels + channel;
                    for (x, &value) in row.iter().enumerate() {
                        output[start + x * channels] = value;
                    }
                }
            }
        },
    );
    output
}

/// Packs a convolution's weights from O × I × 3 × 3 to kernel row, kernel column, I, O, as [`conv3x3_relu`] reads them.
pub fn pack_conv3x3(weights: &[f32], outputs: usize, inputs: usize) -> Vec<f32> {
    assert_eq!(weights.len(), outputs * inputs * 9);
    let mut packed = vec![0f32; weights.len()];
    for output in 0..outputs {
        for input in 0..inputs {
            for tap in 0..9 {
                packed[(tap * inputs + input) * outputs + output] = weights[(output * inputs + input) * 9 + tap];
            }
        }
    }
    packed
}

/// 3×3 convolution with same padding, plus bias, then ReLU, bordered channels-last on both sides.
///
/// `packed` comes from [`pack_conv3x3`]; `bias` has one value for each output channel.
pub fn conv3x3_relu(input: &[f32], extent: Extent, packed: &[f32], bias: &[f32]) -> Vec<f32> {
    let Extent { height, width, channels: inputs, .. } = extent;
    let outputs = bias.len();
    let output_extent = Extent { channels: outputs, ..extent };
    assert_eq!(input.len(), extent.len());
    assert_eq!(packed.len(), 9 * inputs * outputs);
    let mut output = vec![0f32; output_extent.len()];
    if output_extent.is_empty() {
        return output;
    }

    let rows_per_unit = (PIXELS_PER_UNIT / extent.row_pixels()).clamp(1, height);
    let channels_per_unit = if outputs > CHANNELS_PER_UNIT { CHANNELS_PER_UNIT } else { outputs };
    let units: Vec<(usize, Range<usize>, Range<usize>)> = (0..extent.images)
        .flat_map(|image| blocks(height, rows_per_unit).map(move |rows| (image, rows)))
        .flat_map(|(image, rows)| {
            blocks(outputs, channels_per_unit).map(move |channels| (image, rows.clone(), channels))
        })
        .collect();

    let destination = Shared(output.as_mut_ptr());
    units.into_par_iter().for_each(|(image, rows, channels)| {
        let row_pixels = extent.row_pixels();
        // One run of pixels from the first to the last of these rows. Between two rows it crosses two border
        // pixels, which receive nonsense and are set to zero below.
        let pixels = (rows.len() - 1) * row_pixels + width;
        let source = &input[image * extent.image_len()..][..extent.image_len()];
        let first = image * output_extent.image_len() + ((rows.start + 1) * row_pixels + 1) * outputs + channels.start;
        // The last place written is that of the last pixel and channel of this unit.
        assert!(first + (pixels - 1) * outputs + channels.len() <= output_extent.len());
        let destination = destination.get().wrapping_add(first);
        for kernel_row in 0..3 {
            let source = &source[(rows.start + kernel_row) * row_pixels * inputs..];
            let weights = &packed[kernel_row * 3 * inputs * outputs + channels.start..];
            assert!(source.len() >= (pixels + 2) * inputs);
            assert!(weights.len() >= (3 * inputs - 1) * outputs + channels.len());
            // SAFETY: the asserts above show that the three matrices lie inside their slices: `weights` is
            // channels × 3·inputs with columns `outputs` apart, `source` 3·inputs × pixels with overlapping columns
            // `inputs` apart (only read), and the destination channels × pixels with columns `outputs` apart.
            // Units differ in image, rows or channels, so no two of them write the same place.
            unsafe {
                gemm::gemm(
                    channels.len(),
                    pixels,
                    3 * inputs,
                    destination,
                    outputs as isize,
                    1,
                    kernel_row > 0,
                    weights.as_ptr(),
                    outputs as isize,
                    1,
                    source.as_ptr(),
                    inputs as isize,
                    1,
                    1.0,
                    1.0,
                    false,
                    false,
                    false,
                    Parallelism::None,
                );
            }
        }
        let bias = &bias[channels];
        for pixel in 0..pixels {
            // SAFETY: inside the part of the output that belongs to this unit, see above.
            let values =
                unsafe { std::slice::from_raw_parts_mut(destination.wrapping_add(pixel * outputs), bias.len()) };
            if pixel % row_pixels < width {
                for (value, bias) in values.iter_mut().zip(bias) {
                    let sum = *value + bias;
                    // Written so that NaN passes through and is noticed later.
                    *value = if sum < 0.0 { 0.0 } else { sum };
                }
            } else {
                values.fill(0.0);
            }
        }
    });
    output
}

/// 2×2 maximum pooling with stride 2, bordered channels-last on both sides; an odd last row or column is dropped.
pub fn max_pool2x2(input: &[f32], extent: Extent) -> Vec<f32> {
    assert_eq!(input.len(), extent.len());
    let channels = extent.channels;
    let pooled = Extent { height: extent.height / 2, width: extent.width / 2, ..extent };
    let mut output = vec![0f32; pooled.len()];
    if pooled.is_empty() {
        return output;
    }
    let row_len = extent.row_pixels() * channels;
    let pooled_row_len = pooled.row_pixels() * channels;
    output.par_chunks_mut(pooled_row_len).enumerate().for_each(|(index, output)| {
        let (image, y) = (index / (pooled.height + 2), index % (pooled.height + 2));
        if y == 0 || y > pooled.height {
            return;
        }
        // Pooled row y (border counted) comes from rows 2y − 1 and 2y (border counted).
        let upper = &input[image * extent.image_len() + (2 * y - 1) * row_len..][..row_len];
        let lower = &input[image * extent.image_len() + 2 * y * row_len..][..row_len];
        for x in 1..=pooled.width {
            let left = (2 * x - 1) * channels..2 * x * channels;
            let right = 2 * x * channels..(2 * x + 1) * channels;
            let sources = upper[left.clone()].iter().zip(&upper[right.clone()]).zip(&lower[left]).zip(&lower[right]);
            for (value, (((&a, &b), &c), &d)) in output[x * channels..(x + 1) * channels].iter_mut().zip(sources) {
                let (top, bottom) = (if a < b { b } else { a }, if c < d { d } else { c });
                *value = if top < bottom { bottom } else { top };
            }
        }
    });
    output
}

/// Mean over the pixels of each picture: N × C, row-major.
pub fn global_mean(input: &[f32], extent: Extent) -> Vec<f32> {
    assert_eq!(input.len(), extent.len());
    let channels = extent.channels;
    let mut means = vec![0f32; extent.images * channels];
    if extent.is_empty() {
        return means;
    }
    means.par_chunks_mut(channels).zip(input.par_chunks(extent.image_len())).for_each(|(means, image)| {
        let mut sums = vec![0f64; channels];
        // The border is zero and adds nothing.
        for pixel in image.chunks_exact(channels) {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum += f64::from(value);
            }
        }
        for (mean, sum) in means.iter_mut().zip(sums) {
            *mean = (sum / (extent.height * extent.width) as f64) as f32;
        }
    });
    means
}

/// `input · weightsᵀ + bias` for rows × inputs values, outputs × inputs weights: rows × outputs, row-major.
///
/// `inputs` and the number of outputs are 1 or more. Each row's result is the same bits whatever other rows are asked
/// with it.
pub fn linear(input: &[f32], inputs: usize, weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let outputs = bias.len();
    assert_eq!(weights.len(), inputs * outputs);
    assert!(inputs > 0 && outputs > 0 && input.len().is_multiple_of(inputs));
    let mut output = vec![0f32; input.len() / inputs * outputs];
    output.par_chunks_mut(ROWS_PER_BLOCK * outputs).zip(input.par_chunks(ROWS_PER_BLOCK * inputs)).for_each(
        |(output, input)| {
            let mut rows = vec![0f32; ROWS_PER_BLOCK * inputs];
            rows[..input.len()].copy_from_slice(input);
            let mut sums = vec![0f32; ROWS_PER_BLOCK * outputs];
            // SAFETY: `sums` is ROWS_PER_BLOCK × outputs, `weights` outputs × inputs and `rows`
            // ROWS_PER_BLOCK × inputs, all row-major and as long as that (asserted or allocated above).
            unsafe {
                gemm::gemm(
                    outputs,
                    ROWS_PER_BLOCK,
                    inputs,
                    sums.as_mut_ptr(),
                    outputs as isize,
                    1,
                    false,
                    weights.as_ptr(),
                    1,
                    inputs as isize,
                    rows.as_ptr(),
                    inputs as isize,
                    1,
                    0.0,
                    1.0,
                    false,
                    false,
                    false,
                    Parallelism::None,
                );
            }
            for (output, sums) in output.chunks_exact_mut(outputs).zip(sums.chunks_exact(outputs)) {
                for ((output, sum), bias) in output.iter_mut().zip(sums).zip(bias) {
                    *output = sum + bias;
                }
            }
        },
    );
    output
}

/// 0..total in runs of `size`; a short rest joins the last.
fn blocks(total: usize, size: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    let count = total.div_ceil(size);
    (0..count).map(move |block| block * size..((block + 1) * size).min(total))
}
