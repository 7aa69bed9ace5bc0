//! One restart of k-means: the first centroids, and their way until they rest.
//!
//! Most distances are left out by Hamerly's bounds (2010): a row stays in its cluster as long as its own centroid and any
//! other have not moved further towards each other than the row's two distances differ. Sums are not recomputed either: they
//! follow the few rows that change their cluster.

use pulp::{Simd, WithSimd};
use rand::distributions::{Distribution, WeightedIndex};

use super::centroids::{Centroids, Change, Found, LANES, ROWS, Shape, Sums, compare};
use super::kmeans::KMeansSettings;
use crate::distances::{Points, Rows, Value};
use crate::error::{Error, Result};
use crate::instructions::arch;
use crate::progress::Cancel;
use crate::random::Generator;

/// By how much a bound is loosened, as a share: far more than rounding can make, far less than matters.
const SLACK: f64 = 1e-9;

impl Found {
    /// The slide of its cluster up to which no other centroid can be nearer: what is there now, and the difference of
    /// the two distances.
    #[inline(always)]
    fn limit(&self, slides: &[f64]) -> f64 {
        let (own, other, slide) = (self.nearest.sqrt(), self.second.sqrt(), slides[self.cluster as usize]);
        other - own + slide - SLACK * (own + if other < f64::MAX { other } else { f64::MAX } + slide)
    }
}

/// One restart under way.
pub(super) struct Restart<'a, T> {
    rows: Rows<'a, T>,
    centroids: Centroids,
    assignments: Vec<u32>,
    /// For each cluster how far its centroid and any other moved towards each other at most, all steps together.
    slides: Vec<f64>,
    /// For each row the slide of its cluster up to which no other centroid can be nearer.
    limits: Vec<f64>,
}

impl<'a, T: Value> Restart<'a, T> {
    /// Starts with k-means++: each next centroid is drawn among the rows, in proportion to the squared distance to the
    /// nearest that there is.
    pub(super) fn new(rows: Rows<'a, T>, clusters: usize, mut random: Generator) -> Result<Self> {
        let mut centroids =
            Centroids { clusters, columns: rows.columns(), values: vec![0.0; clusters * rows.columns()] };
        let mut distances = vec![f64::INFINITY; rows.count()];
        let mut next = WeightedIndex::new(std::iter::repeat_n(1.0, rows.count()))
            .map_err(|error| Error::internal(format!("no first centroid can be drawn: {error}")))?
            .sample(&mut random);
        for cluster in 0..clusters {
            for (to, from) in centroids.row_mut(cluster).iter_mut().zip(rows.row(next)) {
                *to = from.wide();
            }
            if cluster + 1 == clusters {
                break;
            }
            let centroid = centroids.row(cluster);
            arch().dispatch(NarrowDistances { rows, centroid, distances: &mut distances });
            // It fails only where every row is a centroid already; which comes next does not matter then.
            next = WeightedIndex::new(&distances).map_or(0, |index| index.sample(&mut random));
        }
        let assignments = vec![0; rows.count()];
        // Nothing is known yet: every row is compared at first.
        let limits = vec![f64::NEG_INFINITY; rows.count()];
        Ok(Self { rows, centroids, assignments, slides: vec![0.0; clusters], limits })
    }

    /// Moves the centroids until they rest.
    pub(super) fn fit(mut self, settings: &KMeansSettings, shape: Shape, cancel: &Cancel) -> Result<Centroids> {
        self.assign(&mut Vec::new());
        let mut sums = Sums::of(self.rows, &self.assignments, self.centroids.clusters);
        let mut changes = Vec::new();
        for iteration in 0..settings.max_iterations {
            cancel.check()?;
            if iteration > 0 {
                changes.clear();
                self.assign(&mut changes);
                sums.follow(self.rows, &changes);
            }
            let moved = self.centroids.means_with_old(&sums).in_shape(shape);
            let squares = self.centroids.values.iter().zip(&moved.values).map(|(old, new)| (old - new) * (old - new));
            let distance = squares.fold(0.0, |sum, square| sum + square).sqrt();
            let old = std::mem::replace(&mut self.centroids, moved);
            if distance < settings.tolerance {
                break;
            }
            self.count_moves(&old);
        }
        Ok(self.centroids)
    }

    /// Compares those rows with all centroids that may have another nearest one now, and adds those that have to
    /// `changes`.
    fn assign(&mut self, changes: &mut Vec<Change>) {
        arch().dispatch(Assign {
            points: &self.centroids.points(),
            clusters: self.centroids.clusters,
            rows: self.rows,
            assignments: &mut self.assignments,
            slides: &self.slides,
            limits: &mut self.limits,
            changes,
        });
    }

    /// Counts how far the centroids moved, for the bounds of all rows at once.
    fn count_moves(&mut self, old: &Centroids) {
        let moved: Vec<f64> = (0..old.clusters)
            .map(|cluster| {
                let squares = old.row(cluster).iter().zip(self.centroids.row(cluster)).map(|(a, b)| (a - b) * (a - b));
                squares.sum::<f64>().sqrt() * (1.0 + SLACK)
            })
            .collect();
        for (cluster, (slide, own)) in self.slides.iter_mut().zip(&moved).enumerate() {
            let others = moved.iter().enumerate().filter(|(other, _)| *other != cluster);
            let most = others.fold(0.0, |most: f64, (_, moved)| most.max(*moved));
            *slide += own + most;
        }
    }
}

/// The smaller of what is known and the squared distance to one more centroid, for each row.
struct NarrowDistances<'a, T> {
    rows: Rows<'a, T>,
    centroid: &'a [f64],
    distances: &'a mut [f64],
}

impl<T: Value> WithSimd for NarrowDistances<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        // Several rows at once, so that their sums do not wait for one another.
        let mut blocks = self.distances.chunks_exact_mut(LANES);
        let mut first = 0;
        for block in &mut blocks {
            let rows: [&[T]; LANES] = std::array::from_fn(|row| self.rows.row(first + row));
            let mut sums = [0.0; LANES];
            for (column, &value) in self.centroid.iter().enumerate() {
                for (sum, row) in sums.iter_mut().zip(&rows) {
                    let difference = value - row[column].wide();
                    *sum += difference * difference;
                }
            }
            block.iter_mut().zip(sums).for_each(|(distance, sum)| *distance = distance.min(sum));
            first += LANES;
        }
        for (row, distance) in blocks.into_remainder().iter_mut().enumerate() {
            let pairs = self.rows.row(first + row).iter().zip(self.centroid);
            let squares = pairs.map(|(value, mean)| (value.wide() - mean) * (value.wide() - mean));
            *distance = distance.min(squares.fold(0.0, |sum, square| sum + square));
        }
    }
}

/// The rows whose bounds leave it open are compared with all centroids, some at a time.
struct Assign<'a, T> {
    points: &'a [Points<LANES>],
    clusters: usize,
    rows: Rows<'a, T>,
    assignments: &'a mut [u32],
    slides: &'a [f64],
    limits: &'a mut [f64],
    changes: &'a mut Vec<Change>,
}

impl<T: Value> Assign<'_, T> {
    #[inline(always)]
    fn take(&mut self, row: usize, found: &Found) {
        let from = std::mem::replace(&mut self.assignments[row], found.cluster);
        if from != found.cluster {
            self.changes.push(Change { row, from, to: found.cluster });
        }
        self.limits[row] = found.limit(self.slides);
    }
}

impl<T: Value> WithSimd for Assign<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut open = [0; ROWS];
        let mut count = 0;
        for row in 0..self.rows.count() {
            if self.slides[self.assignments[row] as usize] < self.limits[row] {
                continue;
            }
            open[count] = row;
            count += 1;
            if count == ROWS {
                count = 0;
                let found = compare(simd, self.points, self.clusters, open.map(|row| self.rows.row(row)));
                for (&row, found) in open.iter().zip(&found) {
                    self.take(row, found);
                }
            }
        }
        for &row in &open[..count] {
            let [found] = compare(simd, self.points, self.clusters, [self.rows.row(row)]);
            self.take(row, &found);
        }
    }
}
