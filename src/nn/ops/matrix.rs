//! The innermost loop on the processor: a product of two matrices, held in registers.
//!
//! Everything heavy ends here: the 36 products of a Winograd convolution, those of its weight gradient, and the direct
//! convolution of layers with few channels. The instruction set (AVX-512, AVX2 with FMA, NEON, or plain code) is found
//! when the program runs, through the crate `pulp`; each has its own number of lanes, so the width of a panel of
//! columns differs between machines.
//!
//! Each element of the product is summed by fused multiply-adds in one fixed order over the depth, whatever the other rows
//! and columns are, so that a picture's numbers do not depend on its neighbours in a batch.

use std::ops::Range;
use std::sync::OnceLock;

use pulp::{Simd, WithSimd};

use crate::instructions::arch;

/// Rows of the product that are held in registers at once.
pub const ROWS_AT_ONCE: usize = 6;

/// The instruction set in words.
pub fn instructions() -> &'static str {
    match panel_width() {
        64 => "AVX-512",
        16 if cfg!(target_arch = "aarch64") => "NEON",
        16 => "AVX2",
        _ => "portable",
    }
}

/// Columns in a panel: the product is computed in blocks of [`ROWS_AT_ONCE`] rows and this many columns.
pub fn panel_width() -> usize {
    static WIDTH: OnceLock<usize> = OnceLock::new();
    *WIDTH.get_or_init(|| arch().dispatch(PanelWidth))
}

struct PanelWidth;

impl WithSimd for PanelWidth {
    type Output = usize;

    fn with_simd<S: Simd>(self, _simd: S) -> usize {
        panel_width_of::<S>()
    }
}

/// Columns in a panel for one instruction set: four vectors where there are 32 registers, else two.
#[inline(always)]
pub const fn panel_width_of<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 4 * S::F32_LANES } else { 2 * S::F32_LANES }
}

/// The left matrix: element (row, depth) stands at `start + row · row_step + depth · depth_step`.
#[derive(Clone, Copy)]
pub struct Left {
    /// Element (0, 0).
    pub start: *const f32,
    /// From a row to the next.
    pub row_step: usize,
    /// From a depth to the next.
    pub depth_step: usize,
}

// SAFETY: what it describes is only read.
unsafe impl Send for Left {}
// SAFETY: as above.
unsafe impl Sync for Left {}

/// A panel of the right matrix: [`panel_width`] columns side by side for each depth.
#[derive(Clone, Copy)]
pub struct Right {
    /// Element (0, 0).
    pub start: *const f32,
    /// From a depth to the next.
    pub depth_step: usize,
}

/// A panel of the product: [`panel_width`] columns side by side for each row.
#[derive(Clone, Copy)]
pub struct Product {
    /// Element (0, 0).
    pub start: *mut f32,
    /// From a row to the next.
    pub row_step: usize,
}

/// `product = left · right`, or `product += left · right`, for one panel of columns.
///
/// # Safety
/// All places that the three descriptions name for these rows, this depth and a whole panel of columns must be inside
/// their allocations, and nobody else may touch those of the product meanwhile.
#[inline(always)]
pub unsafe fn multiply<S: Simd>(
    simd: S,
    rows: Range<usize>,
    depth: usize,
    left: Left,
    right: Right,
    product: Product,
    accumulate: bool,
) {
    // SAFETY: as this function's own.
    unsafe {
        if S::REGISTER_COUNT >= 32 {
            multiply_blocks::<S, 4>(simd, rows, depth, left, right, product, accumulate);
        } else {
            multiply_blocks::<S, 2>(simd, rows, depth, left, right, product, accumulate);
        }
    }
}

#[inline(always)]
unsafe fn multiply_blocks<S: Simd, const VECTORS: usize>(
    simd: S,
    rows: Range<usize>,
    depth: usize,
    left: Left,
    right: Right,
    product: Product,
    accumulate: bool,
) {
    let mut row = rows.start;
    // SAFETY: rows from `row` on, fewer than are left.
    unsafe {
        while row + ROWS_AT_ONCE <= rows.end {
            block::<S, ROWS_AT_ONCE, VECTORS>(simd, row, depth, left, right, product, accumulate);
            row += ROWS_AT_ONCE;
        }
        match rows.end - row {
            1 => block::<S, 1, VECTORS>(simd, row, depth, left, right, product, accumulate),
            2 => block::<S, 2, VECTORS>(simd, row, depth, left, right, product, accumulate),
            3 => block::<S, 3, VECTORS>(simd, row, depth, left, right, product, accumulate),
            4 => block::<S, 4, VECTORS>(simd, row, depth, left, right, product, accumulate),
            5 => block::<S, 5, VECTORS>(simd, row, depth, left, right, product, accumulate),
            _ => {}
        }
    }
}

/// Reads a vector from any address.
///
/// # Safety
/// `S::F32_LANES` values from `start` on must be inside their allocation.
#[inline(always)]
pub unsafe fn load<S: Simd>(start: *const f32) -> S::f32s {
    // SAFETY: vectors are plain numbers and the read needs no alignment.
    unsafe { start.cast::<S::f32s>().read_unaligned() }
}

/// Writes a vector to any address.
///
/// # Safety
/// `S::F32_LANES` values from `start` on must be inside their allocation and belong to the caller.
#[inline(always)]
pub unsafe fn store<S: Simd>(start: *mut f32, vector: S::f32s) {
    // SAFETY: vectors are plain numbers and the write needs no alignment.
    unsafe { start.cast::<S::f32s>().write_unaligned(vector) }
}

#[inline(always)]
unsafe fn block<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    row: usize,
    depth: usize,
    left: Left,
    right: Right,
    product: Product,
    accumulate: bool,
) {
    let lanes = S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    // SAFETY: the caller of `multiply` vouches for all places.
    unsafe {
        let mut left_at = left.start.add(row * left.row_step);
        let mut right_at = right.start;
        for _ in 0..depth {
            let mut columns = [simd.splat_f32s(0.0); VECTORS];
            for (vector, columns) in columns.iter_mut().enumerate() {
                *columns = load::<S>(right_at.add(vector * lanes));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let value = simd.splat_f32s(*left_at.add(row * left.row_step));
                for (sum, columns) in sums.iter_mut().zip(columns) {
                    *sum = simd.mul_add_f32s(value, columns, *sum);
                }
            }
            left_at = left_at.add(left.depth_step);
            right_at = right_at.add(right.depth_step);
        }
        for (index, sums) in sums.into_iter().enumerate() {
            let start = product.start.add((row + index) * product.row_step);
            for (vector, sum) in sums.into_iter().enumerate() {
                let at = start.add(vector * lanes);
                let sum = if accumulate { simd.add_f32s(load::<S>(at), sum) } else { sum };
                store::<S>(at, sum);
            }
        }
    }
}

/// The most that the innermost loop reaches here, on all threads together, with numbers that stay in the nearest cache:
/// thousand million multiplications and additions a second.
pub fn peak_gflops() -> f64 {
    use rayon::prelude::*;
    const DEPTH: usize = 128;
    const TIMES: usize = 20_000;
    let threads = rayon::current_num_threads();
    let measure = || {
        let started = std::time::Instant::now();
        (0..threads).into_par_iter().for_each(|_| arch().dispatch(Peak { depth: DEPTH, times: TIMES }));
        let operations = 2 * ROWS_AT_ONCE * panel_width() * DEPTH * TIMES * threads;
        operations as f64 / started.elapsed().as_secs_f64() / 1e9
    };
    (0..5).map(|_| measure()).fold(0.0, f64::max)
}

struct Peak {
    depth: usize,
    times: usize,
}

impl WithSimd for Peak {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = panel_width_of::<S>();
        let (left, right) = (vec![1f32; ROWS_AT_ONCE * self.depth], vec![1f32; self.depth * width]);
        let mut product = vec![0f32; ROWS_AT_ONCE * width];
        for _ in 0..self.times {
            // SAFETY: the three buffers have the sizes that are described.
            unsafe {
                multiply(
                    simd,
                    0..ROWS_AT_ONCE,
                    self.depth,
                    Left { start: left.as_ptr(), row_step: self.depth, depth_step: 1 },
                    Right { start: right.as_ptr(), depth_step: width },
                    Product { start: product.as_mut_ptr(), row_step: width },
                    false,
                );
            }
            std::hint::black_box(&mut product);
        }
    }
}
