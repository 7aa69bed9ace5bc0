//! The eigenvectors of a symmetric matrix that belong to its largest eigenvalues: behind spectral clustering and principal
//! components.
//!
//! A matrix comes in as something that can be multiplied with vectors ([`Symmetric`]): all its numbers ([`Dense`]), or those
//! that are not zero ([`SparseRows`]). A block of vectors, drawn by a seed, is multiplied with a polynomial of the matrix
//! that makes the wanted directions large and all others small, until the directions no longer turn (subspace iteration
//! with Chebyshev's polynomials; Zhou and Saad 2007). A block finds equal eigenvalues too, as the graph of separate
//! groups has them. Every sum is made in one order: same seed, same bits, on any number of threads.

use linfa_linalg::eigh::{EigSort, Eigh};
use ndarray::{Array1, Array2, Axis, s};
use rand::Rng;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::progress::Cancel;
use crate::random::generator;

/// How often the matrix is multiplied between two looks at the directions, at most.
const MOST_PRODUCTS: usize = 24;
/// How much more the largest direction may grow between two looks than those not wanted: with more, the others would be
/// lost in its last digits.
const MOST_GROWTH: f64 = 1e8;
/// Looks at most.
const MOST_LOOKS: usize = 300;
/// A direction rests when the matrix turns it by no more than this share of the largest eigenvalue.
const TOLERANCE: f64 = 1e-9;
/// Matrices up to this size are taken apart whole.
const WHOLE: usize = 256;
/// Rows of a product that a thread makes at a time.
const ROWS: usize = 128;

/// A symmetric matrix, n × n.
pub trait Symmetric: Sync {
    /// n.
    fn size(&self) -> usize;
    /// A number that no eigenvalue is below.
    fn least(&self) -> f64;
    /// The products with the columns of `vectors` (n × count).
    fn times(&self, vectors: &Array2<f64>) -> Array2<f64>;
}

/// A matrix with all its numbers, none of whose eigenvalues is negative: a covariance, or inner products of rows.
#[derive(Clone, Debug)]
pub struct Dense(pub Array2<f64>);

impl Symmetric for Dense {
    fn size(&self) -> usize {
        self.0.nrows()
    }

    fn least(&self) -> f64 {
        0.0
    }

    fn times(&self, vectors: &Array2<f64>) -> Array2<f64> {
        let mut products = Array2::zeros(vectors.dim());
        products
            .axis_chunks_iter_mut(Axis(0), ROWS)
            .into_par_iter()
            .zip(self.0.axis_chunks_iter(Axis(0), ROWS))
            .for_each(|(mut part, rows)| part.assign(&rows.dot(vectors)));
        products
    }
}

/// The numbers of a matrix that are not zero, row by row; its eigenvalues lie between -1 and 1.
#[derive(Clone, Debug, Default)]
pub struct SparseRows {
    /// Where each row begins, and at last where the last one ends.
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl SparseRows {
    /// Of rows with the column and value of each number.
    pub fn of(rows: impl IntoIterator<Item = Vec<(u32, f64)>>) -> Self {
        let mut matrix = Self { starts: vec![0], ..Self::default() };
        for row in rows {
            matrix.columns.extend(row.iter().map(|(column, _)| column));
            matrix.values.extend(row.iter().map(|(_, value)| value));
            matrix.starts.push(matrix.values.len());
        }
        matrix
    }

    fn row(&self, row: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.starts[row]..self.starts[row + 1];
        self.columns[range.clone()].iter().map(|&column| column as usize).zip(self.values[range].iter().copied())
    }
}

impl Symmetric for SparseRows {
    fn size(&self) -> usize {
        self.starts.len() - 1
    }

    fn least(&self) -> f64 {
        -1.0
    }

    fn times(&self, vectors: &Array2<f64>) -> Array2<f64> {
        let mut products = Array2::zeros(vectors.dim());
        products.axis_chunks_iter_mut(Axis(0), ROWS).into_par_iter().enumerate().for_each(|(chunk, mut part)| {
            for (place, mut product) in part.rows_mut().into_iter().enumerate() {
                for (column, value) in self.row(chunk * ROWS + place) {
                    product.scaled_add(value, &vectors.row(column));
                }
            }
        });
        products
    }
}

/// Eigenvalues, the largest first, and their vectors.
#[derive(Clone, Debug)]
pub struct Eigen {
    /// The eigenvalues, falling.
    pub values: Array1<f64>,
    /// n × as many: a vector of length 1 in each column. Its sign means nothing.
    pub vectors: Array2<f64>,
}

impl Eigen {
    /// The `count` largest eigenvalues of a matrix, or all if it has no more.
    ///
    /// # Errors
    /// `Data` where they cannot be found, which numbers that are not finite bring about; `Cancelled`.
    pub fn largest(matrix: &impl Symmetric, count: usize, seed: u64, cancel: &Cancel) -> Result<Self> {
        let size = matrix.size();
        let count = count.min(size);
        // A few more than wanted, so that the last of them is told from what comes after it.
        let block = count + (count / 4).max(10);
        if size <= WHOLE.max(2 * block) {
            cancel.check()?;
            return Ok(whole(&matrix.times(&Array2::eye(size)))?.first(count));
        }
        let mut random = generator(seed, "eigenvectors");
        let mut vectors = Array2::from_shape_simple_fn((size, block), || random.gen_range(-1.0..1.0));
        orthonormal(&mut vectors);
        for _ in 0..MOST_LOOKS {
            cancel.check()?;
            let products = matrix.times(&vectors);
            let within = whole(&vectors.t().dot(&products))?;
            vectors = vectors.dot(&within.vectors);
            let products = products.dot(&within.vectors);
            let largest = within.values.iter().fold(0.0f64, |most, value| most.max(value.abs()));
            let rests = (0..count).all(|place| {
                let turned = &products.column(place) - &(&vectors.column(place) * within.values[place]);
                turned.dot(&turned).sqrt() <= TOLERANCE * largest
            });
            if rests {
                return Ok(Self { values: within.values, vectors }.first(count));
            }
            let range = (matrix.least(), within.values[block - 1], within.values[0]);
            vectors = filtered(matrix, vectors, products, range, cancel)?;
            orthonormal(&mut vectors);
        }
        Err(Error::data("the eigenvectors of these features could not be found")
            .hint("choose other features, or another way to cluster"))
    }

    fn first(self, count: usize) -> Self {
        Self {
            values: self.values.slice(s![..count]).to_owned(),
            vectors: self.vectors.slice(s![.., ..count]).to_owned(),
        }
    }
}

/// All eigenvalues of a small matrix.
fn whole(matrix: &Array2<f64>) -> Result<Eigen> {
    // Sums in another order are off in their last digits; what goes on needs an equal upper and lower half.
    let even = (matrix + &matrix.t()) / 2.0;
    let failed = || Error::data("the eigenvectors of these features could not be found");
    let finite = |values: &Array2<f64>| values.iter().all(|value| value.is_finite());
    if !finite(&even) {
        return Err(failed());
    }
    let found = even.eigh().map_err(|error| failed().caused_by(error))?;
    // Sorting panics where there is something that is no number.
    if !found.0.iter().all(|value| value.is_finite()) || !finite(&found.1) {
        return Err(failed());
    }
    let (values, vectors) = found.sort_eig_desc();
    Ok(Eigen { values, vectors })
}

/// A polynomial of the matrix times the vectors, whose first `products` are known: of size 1 at most from the least to the
/// upper end of what is not wanted, and growing fast above, but 1 at the largest eigenvalue.
fn filtered(
    matrix: &impl Symmetric,
    vectors: Array2<f64>,
    products: Array2<f64>,
    (least, upper, largest): (f64, f64, f64),
    cancel: &Cancel,
) -> Result<Array2<f64>> {
    let half = ((upper - least) / 2.0).max(1e-12 * largest.abs().max(1.0));
    let middle = (upper + least) / 2.0;
    let first = half / (largest - middle).max(half * (1.0 + 1e-12));
    let mut scale = first;
    let mut before = vectors;
    let mut now = (products - &before * middle) * (first / half);
    // The polynomial of degree m is cosh(m arcosh x) at x.
    let degree = (MOST_GROWTH.acosh() / (1.0 / first).acosh().max(1e-9)) as usize;
    for _ in 1..degree.clamp(2, MOST_PRODUCTS) {
        cancel.check()?;
        let next_scale = 1.0 / (2.0 / first - scale);
        let mut next = matrix.times(&now) - &now * middle;
        next *= 2.0 * next_scale / half;
        next.scaled_add(-scale * next_scale, &before);
        before = now;
        now = next;
        scale = next_scale;
    }
    Ok(now)
}

/// Makes the columns perpendicular to each other and of length 1, each against those before it, twice for the last digits.
fn orthonormal(vectors: &mut Array2<f64>) {
    // Rows of the transposed lie one after the other.
    let mut rows = vectors.t().as_standard_layout().into_owned();
    for place in 0..rows.nrows() {
        let (before, mut rest) = rows.view_mut().split_at(Axis(0), place);
        let mut row = rest.row_mut(0);
        for _ in 0..2 {
            for other in before.rows() {
                let along = row.dot(&other);
                row.scaled_add(-along, &other);
            }
            let length = row.dot(&row).sqrt();
            if length > 0.0 {
                row /= length;
            }
        }
    }
    vectors.assign(&rows.t());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Rings of vertices, each joined to its two neighbours: eigenvalues cos(2πj/n), every one but the first and last twice,
    /// and all of them once for each ring.
    fn rings(rings: usize, vertices: u32) -> SparseRows {
        SparseRows::of((0..rings as u32).flat_map(|ring| {
            let at = move |place: u32| ring * vertices + place % vertices;
            (0..vertices).map(move |place| vec![(at(place + 1), 0.5), (at(place + vertices - 1), 0.5)])
        }))
    }

    #[test]
    fn eigenvalues_of_rings_are_known_and_found_with_all_their_equals() {
        let matrix = rings(3, 120);
        let found = Eigen::largest(&matrix, 15, 1, &Cancel::new()).unwrap();
        let expected = |place: usize| match place / 3 {
            0 => 1.0,
            pair => (2.0 * std::f64::consts::PI * pair.div_ceil(2) as f64 / 120.0).cos(),
        };
        for (place, value) in found.values.iter().enumerate() {
            assert!((value - expected(place)).abs() < 1e-12, "{place}: {value} against {}", expected(place));
        }
        let products = matrix.times(&found.vectors);
        assert!((&products - &(&found.vectors * &found.values)).iter().all(|difference| difference.abs() < 1e-8));
        let lengths = found.vectors.t().dot(&found.vectors) - Array2::<f64>::eye(15);
        assert!(lengths.iter().all(|difference| difference.abs() < 1e-10));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let alone = pool.install(|| Eigen::largest(&matrix, 15, 1, &Cancel::new())).unwrap();
        assert_eq!(alone.vectors, found.vectors);
    }

    #[test]
    fn dense_matrices_whole_and_in_part_agree() {
        let mut random = generator(3, "rows");
        let rows =
            Array2::from_shape_fn((300, 40), |(_, column)| random.gen_range(-1.0..1.0) * 1.4f64.powi(column as i32));
        // 40 × 40 is taken apart whole, 300 × 300 by a block: both have the same eigenvalues, from large to tiny.
        let small = Eigen::largest(&Dense(rows.t().dot(&rows)), 25, 1, &Cancel::new()).unwrap();
        let large = Eigen::largest(&Dense(rows.dot(&rows.t())), 25, 1, &Cancel::new()).unwrap();
        for (one, other) in small.values.iter().zip(&large.values) {
            assert!((one - other).abs() < 1e-6 * one, "{one} against {other}");
        }
        assert_eq!(Eigen::largest(&Dense(Array2::eye(3)), 9, 1, &Cancel::new()).unwrap().values.to_vec(), [1.0; 3]);
        let broken = Dense(Array2::from_elem((3, 3), f64::NAN));
        assert!(Eigen::largest(&broken, 2, 1, &Cancel::new()).is_err());
        let stopped = Cancel::new();
        stopped.cancel();
        assert!(Eigen::largest(&rings(3, 120), 4, 1, &stopped).unwrap_err().is_cancelled());
    }
}
