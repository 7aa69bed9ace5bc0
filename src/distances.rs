//! Squared Euclidean distances between rows of features, many at once.
//!
//! k-means and the silhouette come down to Σ_c (a_c − b_c)² for very many pairs of rows. A few rows are packed side by
//! side ([`Points`]) and each distance keeps a lane of a vector to itself, in which its terms are added in the order of
//! the columns. So every distance is the one that a plain loop gives, bit for bit, on any instruction set and any
//! number of threads; what changes is only how many are computed at a time.
//!
//! Features come in as `f32` or `f64` ([`Value`]); all sums are made in `f64`.

use ndarray::{ArrayView2, CowArray, Ix2};
use pulp::{Simd, WithSimd};

use crate::error::{Error, Result};
use crate::instructions::arch;

/// A number that features are stored as.
pub trait Value: Copy + Send + Sync + 'static {
    /// True where it is less than double precision.
    const IS_NARROW: bool;
    /// The same number in double precision.
    fn wide(self) -> f64;
}

impl Value for f32 {
    const IS_NARROW: bool = true;

    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Value for f64 {
    const IS_NARROW: bool = false;

    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
}

/// The rows of a matrix, n × d, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
}

/// The values of a matrix in the order that [`Rows::of`] reads: as they are, or copied where they lie otherwise.
pub fn row_major<T: Value>(values: ArrayView2<'_, T>) -> CowArray<'_, T, Ix2> {
    if values.is_standard_layout() { values.into() } else { values.as_standard_layout().into_owned().into() }
}

impl<'a, T: Value> Rows<'a, T> {
    /// The rows of what [`row_major`] gives.
    ///
    /// # Errors
    /// `Internal` where the values do not lie one after the other.
    pub fn of(values: &'a CowArray<'_, T, Ix2>) -> Result<Self> {
        let (rows, columns) = values.dim();
        let values = values.as_slice().ok_or_else(|| Error::internal("a matrix that is not row-major"))?;
        Ok(Self { values, rows, columns })
    }

    /// n.
    pub fn count(&self) -> usize {
        self.rows
    }

    /// d.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One row.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &'a [T] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }
}

/// `Data` error naming the first value that is not a finite number.
///
/// # Errors
/// As said.
pub fn check_finite<T: Value>(values: ArrayView2<T>) -> Result<()> {
    match values.indexed_iter().find(|(_, value)| !value.wide().is_finite()) {
        Some(((row, column), value)) => Err(Error::data(format!(
            "the features hold NaN or infinite values: {} in row {} and column {}",
            value.wide(),
            row + 1,
            column + 1
        ))
        .hint("make these features again; if they come from a training run, look at its loss")),
        None => Ok(()),
    }
}

/// `LANES` rows side by side: for each column their values, so that one vector holds a value of each. Lanes without a
/// row hold zeros.
#[derive(Clone, Debug)]
pub struct Points<const LANES: usize> {
    values: Vec<[f64; LANES]>,
}

impl<const LANES: usize> Points<LANES> {
    /// Lays rows side by side.
    pub fn new<'a, T: Value>(columns: usize, rows: impl Iterator<Item = &'a [T]>) -> Self {
        let mut values = vec![[0.0; LANES]; columns];
        for (lane, row) in rows.take(LANES).enumerate() {
            for (column, value) in values.iter_mut().zip(row) {
                column[lane] = value.wide();
            }
        }
        Self { values }
    }

    /// The squared distances of a row to each point.
    pub fn squared_distances<T: Value>(&self, row: &[T]) -> [f64; LANES] {
        let [distances] = arch().dispatch(Few { points: self, rows: [row] });
        distances
    }

    /// The squared distances of `ROWS` rows to each point, inside a kernel.
    #[inline(always)]
    pub fn squared_distances_with<S: Simd, T: Value, const ROWS: usize>(
        &self,
        simd: S,
        rows: [&[T]; ROWS],
    ) -> [[f64; LANES]; ROWS] {
        // The number of vectors is known when the kernel is compiled, so that the sums stay in registers.
        match LANES / S::F64_LANES {
            1 => self.sums::<S, T, ROWS, 1>(simd, rows),
            2 => self.sums::<S, T, ROWS, 2>(simd, rows),
            4 => self.sums::<S, T, ROWS, 4>(simd, rows),
            8 => self.sums::<S, T, ROWS, 8>(simd, rows),
            _ => self.plain_sums(rows),
        }
    }

    #[inline(always)]
    fn sums<S: Simd, T: Value, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        rows: [&[T]; ROWS],
    ) -> [[f64; LANES]; ROWS] {
        let mut vectors = [[simd.splat_f64s(0.0); VECTORS]; ROWS];
        let rows = rows.map(|row| &row[..self.values.len()]);
        for (column, points) in self.values.iter().enumerate() {
            let (points, _) = S::as_simd_f64s(points);
            for (vectors, row) in vectors.iter_mut().zip(&rows) {
                let value = simd.splat_f64s(row[column].wide());
                for (vector, point) in vectors.iter_mut().zip(points) {
                    let difference = simd.sub_f64s(value, *point);
                    *vector = simd.add_f64s(*vector, simd.mul_f64s(difference, difference));
                }
            }
        }
        let mut sums = [[0.0; LANES]; ROWS];
        for (sums, vectors) in sums.iter_mut().zip(&vectors) {
            let (sums, _) = S::as_mut_simd_f64s(sums);
            sums.copy_from_slice(vectors);
        }
        sums
    }

    #[inline(always)]
    fn plain_sums<T: Value, const ROWS: usize>(&self, rows: [&[T]; ROWS]) -> [[f64; LANES]; ROWS] {
        let mut sums = [[0.0; LANES]; ROWS];
        for (column, points) in self.values.iter().enumerate() {
            for (sums, row) in sums.iter_mut().zip(&rows) {
                let value = row[column].wide();
                for (sum, point) in sums.iter_mut().zip(points) {
                    let difference = value - point;
                    *sum += difference * difference;
                }
            }
        }
        sums
    }
}

/// [`Points::squared_distances_with`] as a kernel of its own.
struct Few<'a, T, const LANES: usize, const ROWS: usize> {
    points: &'a Points<LANES>,
    rows: [&'a [T]; ROWS],
}

impl<T: Value, const LANES: usize, const ROWS: usize> WithSimd for Few<'_, T, LANES, ROWS> {
    type Output = [[f64; LANES]; ROWS];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        self.points.squared_distances_with(simd, self.rows)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::random::generator;
    use ndarray::Array2;
    use rand::Rng;

    #[test]
    fn distances_are_those_of_a_plain_loop_bit_for_bit() {
        let mut random = generator(1, "distances");
        let values = Array2::from_shape_fn((11, 7), |_| random.gen_range(-3.0f32..3.0));
        let view = values.view();
        let matrix = row_major(view);
        let rows = Rows::of(&matrix).unwrap();
        let points = Points::<8>::new(7, (0..5).map(|row| rows.row(row)));
        for row in [9, 10] {
            for (point, found) in points.squared_distances(rows.row(row)).into_iter().enumerate().take(5) {
                let mut sum = 0.0f64;
                for column in 0..7 {
                    let difference = f64::from(values[(row, column)]) - f64::from(values[(point, column)]);
                    sum += difference * difference;
                }
                assert_eq!(found.to_bits(), sum.to_bits());
            }
        }
        assert!(check_finite(view).is_ok());
        let error = check_finite(ndarray::array![[1.0f32], [f32::NAN]].view()).unwrap_err();
        assert!(error.message.contains("NaN in row 2 and column 1"), "{error}");
    }
}
