//! Centroids side by side: the nearest of them for each row, and the means that they move to.
//!
//! Every sum is made in the order of the rows or columns, so that the bits do not depend on how many are computed at once.

use ndarray::Array2;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::distances::{Points, Rows, Value};
use crate::instructions::arch;

/// Where centroids may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Anywhere.
    Space,
    /// On the sphere of radius 1, as all rows do.
    Sphere,
}

/// Centroids in one packed group.
pub(super) const LANES: usize = 8;

/// Rows that are compared with them at once.
pub(super) const ROWS: usize = 4;

/// Rows that one thread works on at a time.
const CHUNK: usize = 4096;

/// K × d centroids.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Centroids {
    pub(super) clusters: usize,
    pub(super) columns: usize,
    /// Row-major.
    pub(super) values: Vec<f64>,
}

impl Centroids {
    pub(super) fn of(array: &Array2<f64>) -> Self {
        Self { clusters: array.nrows(), columns: array.ncols(), values: array.iter().copied().collect() }
    }

    pub(super) fn row(&self, cluster: usize) -> &[f64] {
        &self.values[cluster * self.columns..(cluster + 1) * self.columns]
    }

    pub(super) fn row_mut(&mut self, cluster: usize) -> &mut [f64] {
        &mut self.values[cluster * self.columns..(cluster + 1) * self.columns]
    }

    /// Side by side, for distances to all of them.
    pub(super) fn points(&self) -> Vec<Points<LANES>> {
        let starts = (0..self.clusters).step_by(LANES);
        starts.map(|start| Points::new(self.columns, (start..self.clusters).map(|row| self.row(row)))).collect()
    }

    /// The mean row of each cluster, none of which may be empty. Sums are made in the order of the rows.
    pub(super) fn means<T: Value>(&self, rows: Rows<T>, assignments: &[u32]) -> Self {
        let Sums { values: mut sums, sizes } = Sums::of(rows, assignments, self.clusters);
        for (sum, size) in sums.chunks_exact_mut(self.columns.max(1)).zip(sizes) {
            sum.iter_mut().for_each(|sum| *sum /= size as f64);
        }
        Self { values: sums, ..*self }
    }

    /// The mean row of each cluster with the old centroid as one more member, as linfa takes it.
    pub(super) fn means_with_old(&self, sums: &Sums) -> Self {
        let mut values = self.values.clone();
        let rows = values.chunks_exact_mut(self.columns.max(1)).zip(sums.values.chunks_exact(self.columns.max(1)));
        for ((value, sum), size) in rows.zip(&sums.sizes) {
            value.iter_mut().zip(sum).for_each(|(value, sum)| *value = (sum + *value) / (size + 1) as f64);
        }
        Self { values, ..*self }
    }
}

/// The sum of the rows of each cluster, and their number.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    /// K × d, row-major.
    values: Vec<f64>,
    sizes: Vec<usize>,
}

/// A row that went from one cluster to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) row: usize,
    pub(super) from: u32,
    pub(super) to: u32,
}

impl Sums {
    /// Made in the order of the rows.
    pub(super) fn of<T: Value>(rows: Rows<T>, assignments: &[u32], clusters: usize) -> Self {
        let mut sums = Self { values: vec![0.0; clusters * rows.columns()], sizes: vec![0; clusters] };
        assignments.iter().for_each(|&cluster| sums.sizes[cluster as usize] += 1);
        arch().dispatch(SumRows { rows, assignments, sums: &mut sums.values });
        sums
    }

    /// Follows rows to their new clusters, in the order given. The last bits are not those of recomputed sums.
    pub(super) fn follow<T: Value>(&mut self, rows: Rows<T>, changes: &[Change]) {
        let columns = rows.columns();
        for &Change { row, from, to } in changes {
            let (from, to) = (from as usize, to as usize);
            self.sizes[from] -= 1;
            self.sizes[to] += 1;
            let values = rows.row(row);
            for (sum, value) in self.values[from * columns..(from + 1) * columns].iter_mut().zip(values) {
                *sum -= value.wide();
            }
            for (sum, value) in self.values[to * columns..(to + 1) * columns].iter_mut().zip(values) {
                *sum += value.wide();
            }
        }
    }
}

/// Adds each row to the sum of its cluster, in the order of the rows.
struct SumRows<'a, T> {
    rows: Rows<'a, T>,
    assignments: &'a [u32],
    sums: &'a mut [f64],
}

impl<T: Value> WithSimd for SumRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let columns = self.rows.columns();
        for (row, &cluster) in self.assignments.iter().enumerate() {
            let start = cluster as usize * columns;
            // A fixed number of columns at once, which becomes vectors.
            let mut sums = self.sums[start..start + columns].chunks_exact_mut(LANES);
            let mut values = self.rows.row(row).chunks_exact(LANES);
            for (sums, values) in (&mut sums).zip(&mut values) {
                for lane in 0..LANES {
                    sums[lane] += values[lane].wide();
                }
            }
            for (sum, value) in sums.into_remainder().iter_mut().zip(values.remainder()) {
                *sum += value.wide();
            }
        }
    }
}

impl Centroids {
    /// Scaled to length 1 where they lie on the sphere; one without a direction stays in the middle.
    pub(super) fn in_shape(mut self, shape: Shape) -> Self {
        if shape == Shape::Sphere {
            for row in self.values.chunks_exact_mut(self.columns.max(1)) {
                let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
                if length > 0.0 {
                    row.iter_mut().for_each(|value| *value /= length);
                }
            }
        }
        self
    }
}

/// What is known of a row's distances to the centroids.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// The nearest centroid, the first of equals.
    pub(super) cluster: u32,
    /// The squared distance to it.
    pub(super) nearest: f64,
    /// The squared distance to the nearest of the others; infinite where there is none.
    pub(super) second: f64,
}

/// The nearest centroids of some rows, inside a kernel.
#[inline(always)]
pub(super) fn compare<S: Simd, T: Value, const N: usize>(
    simd: S,
    points: &[Points<LANES>],
    clusters: usize,
    rows: [&[T]; N],
) -> [Found; N] {
    let mut found = [Found { cluster: 0, nearest: f64::INFINITY, second: f64::INFINITY }; N];
    for (group, points) in points.iter().enumerate() {
        let distances = points.squared_distances_with(simd, rows);
        let lanes = LANES.min(clusters - group * LANES);
        for (found, distances) in found.iter_mut().zip(&distances) {
            // Without branches, which could not be foretold; distances are numbers, so that plain comparisons do.
            let Found { mut cluster, mut nearest, mut second } = *found;
            for (lane, &distance) in distances.iter().enumerate().take(lanes) {
                let is_nearer = distance < nearest;
                let other = if is_nearer { nearest } else { distance };
                second = if other < second { other } else { second };
                cluster = if is_nearer { (group * LANES + lane) as u32 } else { cluster };
                nearest = if is_nearer { distance } else { nearest };
            }
            *found = Found { cluster, nearest, second };
        }
    }
    found
}

/// The nearest centroid of each row and the squared distance to it.
pub(super) fn nearest_of_all<T: Value>(rows: Rows<T>, centroids: &Centroids) -> Vec<(u32, f64)> {
    let points = centroids.points();
    let mut nearest = vec![(0, 0.0); rows.count()];
    nearest.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, nearest)| {
        let kernel =
            NearestOfSome { points: &points, clusters: centroids.clusters, rows, first: chunk * CHUNK, nearest };
        arch().dispatch(kernel);
    });
    nearest
}

struct NearestOfSome<'a, T> {
    points: &'a [Points<LANES>],
    clusters: usize,
    rows: Rows<'a, T>,
    first: usize,
    nearest: &'a mut [(u32, f64)],
}

impl<T: Value> WithSimd for NearestOfSome<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut some = self.nearest.chunks_exact_mut(ROWS);
        let mut row = self.first;
        for nearest in &mut some {
            let rows: [&[T]; ROWS] = std::array::from_fn(|at| self.rows.row(row + at));
            let found = compare(simd, self.points, self.clusters, rows);
            for (nearest, found) in nearest.iter_mut().zip(&found) {
                *nearest = (found.cluster, found.nearest);
            }
            row += ROWS;
        }
        for nearest in some.into_remainder() {
            let [found] = compare(simd, self.points, self.clusters, [self.rows.row(row)]);
            *nearest = (found.cluster, found.nearest);
            row += 1;
        }
    }
}
