//! Silhouette coefficient (Rousseeuw 1987), as scikit-learn defines it.
//!
//! For image i, a is the mean distance to the other images of its cluster and b the smallest mean distance to the
//! images of another cluster; s(i) = (b − a) / max(a, b), and 0 for an image alone in its cluster. In −1 to 1, higher
//! is better.

use ndarray::ArrayView2;
use pulp::{Simd, WithSimd};
use rand::seq::index;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::score::{Better, Compute, Score};
use crate::distances::{Points, Rows, Value, check_finite, row_major};
use crate::error::{Error, Result};
use crate::instructions::arch;
use crate::progress::Cancel;
use crate::random::generator;

/// The mean of s(i).
pub static SCORE: Score = Score {
    id: "silhouette",
    name: "Silhouette",
    short: "silhouette",
    better: Better::Higher,
    definition: "Silhouette coefficient (Rousseeuw 1987), mean over the pictures: 1 when clusters are tight and far apart, \
                 0 when they touch, below 0 when pictures lie nearer to another cluster.",
    compute: Compute::Alone(|clustered| clustered.silhouette.as_ref().map(|found| found.mean).map_err(Error::user)),
};

/// Up to this many images every s(i) is computed; above it only those of a seeded sample of as many images, each
/// still against all images.
pub const EXACT_IMAGES: usize = 100_000;

/// Images whose scores are computed side by side.
const LANES: usize = 32;

/// Silhouette of a clustering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silhouette {
    /// Mean of s(i).
    pub mean: f64,
    /// Mean of s(i) by cluster number; none for a cluster without (sampled) images.
    pub per_cluster: Vec<Option<f64>>,
    /// s(i) by row; none for a row that is not in the sample.
    pub per_image: Vec<Option<f64>>,
    /// Number of sampled images; none where all were used.
    pub sampled: Option<usize>,
}

/// Silhouette with Euclidean distance of the rows of `values` (n × d) in clusters that count from 0.
///
/// `seed` draws the sample where there are more than [`EXACT_IMAGES`] rows.
///
/// # Errors
/// `User` where the coefficient is not defined (fewer than two clusters, or every image alone); `Data` for values that
/// are not finite; `Internal` when the lengths differ; `Cancelled`.
pub fn silhouette<T: Value>(
    values: ArrayView2<T>,
    assignments: &[usize],
    seed: u64,
    cancel: &Cancel,
) -> Result<Silhouette> {
    silhouette_up_to(values, assignments, EXACT_IMAGES, seed, cancel)
}

fn silhouette_up_to<T: Value>(
    values: ArrayView2<T>,
    assignments: &[usize],
    exact_images: usize,
    seed: u64,
    cancel: &Cancel,
) -> Result<Silhouette> {
    let images = values.nrows();
    if assignments.len() != images {
        return Err(Error::internal(format!("{} assignments do not fit {images} images", assignments.len())));
    }
    check_finite(values)?;
    let clusters = assignments.iter().max().map_or(0, |largest| largest + 1);
    let mut sizes = vec![0usize; clusters];
    assignments.iter().for_each(|&cluster| sizes[cluster] += 1);
    let in_use = sizes.iter().filter(|&&size| size > 0).count();
    if in_use < 2 || in_use >= images {
        return Err(Error::user(format!(
            "the silhouette coefficient is not defined for {images} images in {in_use} cluster{}",
            if in_use == 1 { "" } else { "s" }
        ))
        .hint("it needs two clusters or more, and more images than clusters"));
    }

    let sampled = (images > exact_images).then_some(exact_images);
    let rows: Vec<usize> = match sampled {
        None => (0..images).collect(),
        Some(count) => {
            let mut rows = index::sample(&mut generator(seed, "silhouette sample"), images, count).into_vec();
            rows.sort_unstable();
            rows
        }
    };

    let values = row_major(values);
    let matrix = Rows::of(&values)?;
    let scores: Vec<Vec<f64>> = rows
        .par_chunks(LANES)
        .map(|block| {
            cancel.check()?;
            let sums = sums_by_cluster(matrix, block, assignments, clusters);
            let score_of = |(lane, &row): (usize, &usize)| {
                let sums: Vec<f64> = sums.iter().map(|lanes| lanes[lane]).collect();
                score(&sums, &sizes, assignments[row])
            };
            Ok(block.iter().enumerate().map(score_of).collect())
        })
        .collect::<Result<_>>()?;
    let scores: Vec<f64> = scores.into_iter().flatten().collect();

    let mut per_image = vec![None; images];
    let (mut sums, mut counts) = (vec![0f64; clusters], vec![0usize; clusters]);
    for (&row, &score) in rows.iter().zip(&scores) {
        per_image[row] = Some(score);
        sums[assignments[row]] += score;
        counts[assignments[row]] += 1;
    }
    let per_cluster = sums.iter().zip(&counts).map(|(sum, &count)| (count > 0).then(|| sum / count as f64)).collect();
    Ok(Silhouette { mean: scores.iter().sum::<f64>() / scores.len() as f64, per_cluster, per_image, sampled })
}

/// For each cluster and each of the rows in `block`, the sum of the distances to the cluster's rows, in their order.
fn sums_by_cluster<T: Value>(
    matrix: Rows<T>,
    block: &[usize],
    assignments: &[usize],
    clusters: usize,
) -> Vec<[f64; LANES]> {
    let points = Points::<LANES>::new(matrix.columns(), block.iter().map(|&row| matrix.row(row)));
    let mut sums = vec![[0.0; LANES]; clusters];
    arch().dispatch(AddDistances { points: &points, matrix, assignments, sums: &mut sums });
    sums
}

struct AddDistances<'a, T> {
    points: &'a Points<LANES>,
    matrix: Rows<'a, T>,
    assignments: &'a [usize],
    sums: &'a mut [[f64; LANES]],
}

impl<T: Value> WithSimd for AddDistances<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut add = |cluster: usize, squares: &[f64; LANES]| {
            let ((sums, rest), (squares, others)) =
                (S::as_mut_simd_f64s(&mut self.sums[cluster]), S::as_simd_f64s(squares));
            for (sum, square) in sums.iter_mut().zip(squares) {
                *sum = simd.add_f64s(*sum, simd.sqrt_f64s(*square));
            }
            for (sum, square) in rest.iter_mut().zip(others) {
                *sum += square.sqrt();
            }
        };
        // Two rows at once, whose sums do not wait for one another.
        let mut pairs = self.assignments.chunks_exact(2);
        let mut row = 0;
        for clusters in &mut pairs {
            let [first, second] =
                self.points.squared_distances_with(simd, [self.matrix.row(row), self.matrix.row(row + 1)]);
            add(clusters[0], &first);
            add(clusters[1], &second);
            row += 2;
        }
        for &cluster in pairs.remainder() {
            let [last] = self.points.squared_distances_with(simd, [self.matrix.row(row)]);
            add(cluster, &last);
        }
    }
}

/// s(i) from the sums of distances to the images of each cluster.
fn score(sums: &[f64], sizes: &[usize], own: usize) -> f64 {
    if sizes[own] == 1 {
        return 0.0;
    }
    let inside = sums[own] / (sizes[own] - 1) as f64;
    let outside = (0..sums.len())
        .filter(|&cluster| cluster != own && sizes[cluster] > 0)
        .map(|cluster| sums[cluster] / sizes[cluster] as f64)
        .fold(f64::INFINITY, f64::min);
    let larger = inside.max(outside);
    if larger == 0.0 { 0.0 } else { (outside - inside) / larger }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ndarray::Array2;

    #[test]
    fn a_sample_says_so_and_has_exact_values() {
        let values =
            Array2::from_shape_fn((1200, 3), |(i, j)| ((i * 37 + j * 11) % 101) as f64 + 300.0 * (i % 3) as f64);
        let assignments: Vec<usize> = (0..1200).map(|i| i % 3).collect();
        let run = |limit| silhouette_up_to(values.view(), &assignments, limit, 7, &Cancel::new()).unwrap();
        let (all, some) = (run(1200), run(400));
        assert_eq!(all.sampled, None);
        assert_eq!(some.sampled, Some(400));
        assert_eq!(some, run(400));
        let kept: Vec<usize> = (0..1200).filter(|&i| some.per_image[i].is_some()).collect();
        assert_eq!(kept.len(), 400);
        assert!(kept.iter().all(|&i| some.per_image[i] == all.per_image[i]));
        assert!((some.mean - all.mean).abs() < 0.02);
    }
}
