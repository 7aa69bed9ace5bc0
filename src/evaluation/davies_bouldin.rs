//! Davies–Bouldin index (Davies and Bouldin 1979), as scikit-learn defines it.
//!
//! With S_i the mean distance of cluster i's images to its centroid and M_ij the distance between two centroids,
//! R_i = max over j ≠ i of (S_i + S_j) / M_ij, and the index is the mean of R_i over the clusters.

use super::score::{Better, Clustered, Compute, Score};
use crate::clustering::Centres;
use crate::error::{Error, Result};

/// The index.
pub static SCORE: Score = Score {
    id: "davies_bouldin",
    name: "Davies–Bouldin index",
    short: "Davies–Bouldin",
    better: Better::Lower,
    definition: "Davies–Bouldin index (1979): how wide the clusters are against how far apart they lie, for each \
                 cluster beside the one that is most like it; 0 or more.",
    compute: Compute::Alone(compute),
};

fn compute(of: &Clustered<'_>) -> Result<f64> {
    let centres = Centres::of(of.values, of.assignments)?;
    let clusters = centres.sizes.len();
    if clusters < 2 || clusters >= of.assignments.len() {
        return Err(Error::user(format!(
            "the Davies–Bouldin index is not defined for {} images in {clusters} clusters",
            of.assignments.len()
        )));
    }
    let mut widths = vec![0.0; clusters];
    for (distance, &cluster) in centres.squared_distances.iter().zip(&centres.clusters) {
        widths[cluster] += distance.sqrt();
    }
    widths.iter_mut().zip(&centres.sizes).for_each(|(width, &size)| *width /= size as f64);
    let apart = |i: usize, j: usize| {
        let pairs = centres.centroids.row(i).into_iter().zip(centres.centroids.row(j));
        pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
    };
    let worst = |i: usize| {
        let others = (0..clusters).filter(|&j| j != i).map(|j| (widths[i] + widths[j], apart(i, j)));
        // Clusters at the same place cannot be separated and are not compared.
        others.filter(|(_, apart)| *apart > 0.0).map(|(width, apart)| width / apart).fold(0.0, f64::max)
    };
    Ok((0..clusters).map(worst).sum::<f64>() / clusters as f64)
}
