//! Sum of squared distances to the centroids, which k-means makes small.

use super::score::{Better, Clustered, Compute, Score};
use crate::clustering::Centres;
use crate::error::Result;

/// The sum.
pub static SCORE: Score = Score {
    id: "sse",
    name: "Sum of squared distances",
    short: "SSE",
    better: Better::Lower,
    definition: "Sum of squared distances of the pictures to the mean of their cluster, which k-means makes small; it \
                 falls with every further cluster, so compare it at the same number of clusters and features only.",
    compute: Compute::Alone(compute),
};

fn compute(of: &Clustered<'_>) -> Result<f64> {
    Ok(Centres::of(of.values, of.assignments)?.squared_distances.iter().sum())
}
