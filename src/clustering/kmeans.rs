//! k-means: K centroids μ that make the sum of squared distances SSE = Σᵢ ‖xᵢ − μ(cluster of i)‖² small.
//!
//! linfa-clustering starts each restart with k-means++ (Arthur and Vassilvitskii 2007) and moves the centroids until
//! they rest within the tolerance. Its update counts the old centroid as one more member and its result may hold an
//! empty cluster, so from the best restart plain Lloyd steps follow here until no image changes its cluster; an empty
//! cluster gets the point farthest from its centroid. Everything is serial sums or one result for each row: same seed, same bits.

use std::cmp::Reverse;
use std::collections::HashSet;

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::{KMeans, KMeansInit};
use ndarray::{Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::progress::Cancel;
use crate::random::generator;

/// Settings of [`kmeans`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KMeansSettings {
    /// K, the number of clusters.
    pub clusters: usize,
    /// Seed of all restarts.
    pub seed: u64,
    /// How often to start anew; the lowest SSE wins.
    pub restarts: usize,
    /// Steps of one restart at most, and again as many until no image changes its cluster.
    pub max_iterations: usize,
    /// A restart rests when its centroids together moved less than this distance.
    pub tolerance: f64,
}

impl Default for KMeansSettings {
    fn default() -> Self {
        Self { clusters: 5, seed: 1, restarts: 10, max_iterations: 300, tolerance: 1e-4 }
    }
}

impl KMeansSettings {
    /// Checks each setting for itself.
    ///
    /// # Errors
    /// `Config`, naming the setting, its value and what is allowed.
    pub fn validate(&self) -> Result<()> {
        let wrong = |name: &str, value: String, allowed: &str| {
            Err(Error::config(format!("k-means: {name} is {value}, but must be {allowed}")))
        };
        if self.clusters == 0 {
            return wrong("clusters (K)", "0".to_owned(), "1 or more");
        }
        if self.restarts == 0 {
            return wrong("restarts", "0".to_owned(), "1 or more");
        }
        if self.max_iterations == 0 {
            return wrong("max_iterations", "0".to_owned(), "1 or more");
        }
        if !(self.tolerance > 0.0 && self.tolerance.is_finite()) {
            return wrong("tolerance", self.tolerance.to_string(), "a number above 0");
        }
        Ok(())
    }
}

/// The result of [`kmeans`]. Clusters count from 0, largest first, ties by their first member; none is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Clustering {
    /// The cluster of each of the n rows.
    pub assignments: Vec<usize>,
    /// The Euclidean distance of each row to its cluster's centroid.
    pub distances: Vec<f64>,
    /// K × d: the mean of each cluster's members.
    pub centroids: Array2<f64>,
    /// Number of members of each cluster.
    pub sizes: Vec<usize>,
    /// Sum of the squared distances.
    pub sse: f64,
    /// The seed it was made with.
    pub seed: u64,
}

/// Groups the rows of `values` (n × d) into K clusters.
///
/// # Errors
/// `Config` for a setting that makes no sense; `User` when there are fewer distinct rows than clusters; `Data` for
/// values that are not finite; `Cancelled`.
pub fn kmeans(values: ArrayView2<f64>, settings: &KMeansSettings, cancel: &Cancel) -> Result<Clustering> {
    settings.validate()?;
    check_finite(values)?;
    let distinct = distinct_rows(values);
    if settings.clusters > distinct {
        return Err(Error::user(format!(
            "{} clusters were asked for, but the {} images have only {distinct} distinct feature rows",
            settings.clusters,
            values.nrows()
        ))
        .hint("choose a smaller K, or more images"));
    }

    let values = values.as_standard_layout();
    let dataset = DatasetBase::from(values.view());
    let mut best: Option<(f64, Array2<f64>)> = None;
    for restart in 0..settings.restarts {
        cancel.check()?;
        let random = generator(settings.seed, &format!("k-means restart {restart}"));
        let model = KMeans::params_with_rng(settings.clusters, random)
            .n_runs(1)
            .init_method(KMeansInit::KMeansPlusPlus)
            .max_n_iterations(settings.max_iterations as u64)
            .tolerance(settings.tolerance)
            .fit(&dataset)
            .map_err(|error| {
                Error::data(format!("k-means could not group these features: {error}")).caused_by(error)
            })?;
        let sse = values.rows().into_iter().map(|row| closest(model.centroids().view(), row).1).sum();
        if best.as_ref().is_none_or(|(lowest, _)| sse < *lowest) {
            best = Some((sse, model.centroids().clone()));
        }
    }
    let (_, centroids) = best.ok_or_else(|| Error::internal("k-means without a restart"))?;
    let partition = settle(values.view(), centroids, settings.max_iterations, cancel)?;
    Ok(numbered_by_size(partition, settings.seed))
}

/// A division into clusters in any order.
struct Partition {
    assignments: Vec<usize>,
    squared_distances: Vec<f64>,
    centroids: Array2<f64>,
    sse: f64,
}

/// Lloyd's steps until no row changes its cluster; none is left empty.
fn settle(
    values: ArrayView2<f64>,
    mut centroids: Array2<f64>,
    max_iterations: usize,
    cancel: &Cancel,
) -> Result<Partition> {
    let mut previous = Vec::new();
    for iteration in 0.. {
        cancel.check()?;
        let (assignments, squared_distances) = assign_to_all(values, &mut centroids)?;
        if assignments == previous || iteration == max_iterations {
            let sse = squared_distances.iter().sum();
            return Ok(Partition { assignments, squared_distances, centroids, sse });
        }
        centroids = means(values, &assignments, centroids.nrows());
        previous = assignments;
    }
    Err(Error::internal("k-means did not settle"))
}

/// The nearest centroid of each row and its squared distance. A centroid without members is first moved to the row
/// farthest from its own centroid, which lowers the SSE, so this comes to an end.
fn assign_to_all(values: ArrayView2<f64>, centroids: &mut Array2<f64>) -> Result<(Vec<usize>, Vec<f64>)> {
    loop {
        let (assignments, squared_distances): (Vec<usize>, Vec<f64>) =
            values.rows().into_iter().map(|row| closest(centroids.view(), row)).unzip();
        let mut sizes = vec![0usize; centroids.nrows()];
        assignments.iter().for_each(|&cluster| sizes[cluster] += 1);
        let Some(empty) = sizes.iter().position(|&size| size == 0) else {
            return Ok((assignments, squared_distances));
        };
        let farthest = (0..values.nrows())
            .fold(0, |best, row| if squared_distances[row] > squared_distances[best] { row } else { best });
        if squared_distances[farthest] == 0.0 {
            return Err(Error::data("the features differ too little to be told apart")
                .hint("choose a smaller K, or scale the features"));
        }
        centroids.row_mut(empty).assign(&values.row(farthest));
    }
}

/// The nearest centroid (the first of equals) and its squared distance.
fn closest(centroids: ArrayView2<f64>, row: ArrayView1<f64>) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (cluster, centroid) in centroids.rows().into_iter().enumerate() {
        let distance = squared_distance(centroid, row);
        if distance < best.1 {
            best = (cluster, distance);
        }
    }
    best
}

fn squared_distance(a: ArrayView1<f64>, b: ArrayView1<f64>) -> f64 {
    match (a.as_slice(), b.as_slice()) {
        (Some(a), Some(b)) => a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum(),
        _ => a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum(),
    }
}

/// The mean row of each cluster, none of which is empty.
fn means(values: ArrayView2<f64>, assignments: &[usize], clusters: usize) -> Array2<f64> {
    let mut sums = Array2::zeros((clusters, values.ncols()));
    let mut sizes = vec![0usize; clusters];
    for (row, &cluster) in values.rows().into_iter().zip(assignments) {
        sizes[cluster] += 1;
        let mut sum = sums.row_mut(cluster);
        sum += &row;
    }
    for (mut sum, size) in sums.rows_mut().into_iter().zip(sizes) {
        sum /= size as f64;
    }
    sums
}

/// Numbers the clusters by size, largest first, ties by their first member.
fn numbered_by_size(partition: Partition, seed: u64) -> Clustering {
    let clusters = partition.centroids.nrows();
    let mut sizes = vec![0usize; clusters];
    let mut first_member = vec![usize::MAX; clusters];
    for (row, &cluster) in partition.assignments.iter().enumerate() {
        sizes[cluster] += 1;
        first_member[cluster] = first_member[cluster].min(row);
    }
    let mut order: Vec<usize> = (0..clusters).collect();
    order.sort_by_key(|&cluster| (Reverse(sizes[cluster]), first_member[cluster]));
    let mut number = vec![0; clusters];
    for (new, &old) in order.iter().enumerate() {
        number[old] = new;
    }
    Clustering {
        assignments: partition.assignments.iter().map(|&cluster| number[cluster]).collect(),
        distances: partition.squared_distances.iter().map(|distance| distance.sqrt()).collect(),
        centroids: partition.centroids.select(ndarray::Axis(0), &order),
        sizes: order.iter().map(|&cluster| sizes[cluster]).collect(),
        sse: partition.sse,
        seed,
    }
}

/// `Data` error naming the first value that is not a finite number.
pub(crate) fn check_finite(values: ArrayView2<f64>) -> Result<()> {
    match values.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), value)) => Err(Error::data(format!(
            "the features hold a value that is no finite number: {value} in row {} and column {}",
            row + 1,
            column + 1
        ))
        .hint("make these features again; if they come from a training run, look at its loss")),
        None => Ok(()),
    }
}

/// The number of different rows.
pub(crate) fn distinct_rows(values: ArrayView2<f64>) -> usize {
    // Adding zero turns −0 into 0.
    let rows = values.rows().into_iter().map(|row| row.iter().map(|value| (value + 0.0).to_bits()).collect::<Vec<_>>());
    rows.collect::<HashSet<_>>().len()
}

/// Where an image falls among centroids.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// The cluster of the nearest centroid; the first of equals.
    pub cluster: usize,
    /// Euclidean distance to it.
    pub distance: f64,
    /// The second-nearest cluster, where there are two or more.
    pub second_cluster: Option<usize>,
    /// Euclidean distance to that.
    pub second_distance: Option<f64>,
}

/// The nearest and second-nearest of the centroids (K × d) for each row of `values` (n × d).
///
/// # Errors
/// `User` when there is no centroid or the widths differ, `Data` for values that are not finite.
pub fn nearest(centroids: ArrayView2<f64>, values: ArrayView2<f64>) -> Result<Vec<Nearest>> {
    if centroids.nrows() == 0 {
        return Err(Error::user("there is no cluster to compare with").hint("group the images first"));
    }
    if centroids.ncols() != values.ncols() {
        return Err(Error::user(format!(
            "the clusters were made from {} features and the images have {}",
            centroids.ncols(),
            values.ncols()
        ))
        .hint("use the kind of features and the run that the clusters were made with"));
    }
    check_finite(centroids)?;
    check_finite(values)?;
    Ok(values
        .rows()
        .into_iter()
        .map(|row| {
            let mut found: Vec<(usize, f64)> =
                centroids.rows().into_iter().map(|centroid| squared_distance(centroid, row)).enumerate().collect();
            found.sort_by(|a, b| a.1.total_cmp(&b.1));
            Nearest {
                cluster: found[0].0,
                distance: found[0].1.sqrt(),
                second_cluster: found.get(1).map(|second| second.0),
                second_distance: found.get(1).map(|second| second.1.sqrt()),
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ndarray::array;

    #[test]
    fn empty_clusters_are_filled() {
        let values = array![[0.0], [1.0], [10.0], [11.0], [50.0]];
        // Two centroids far from everything.
        let partition = settle(values.view(), array![[5.0], [1000.0], [2000.0]], 300, &Cancel::new()).unwrap();
        let clustering = numbered_by_size(partition, 1);
        assert_eq!(clustering.assignments, [0, 0, 1, 1, 2]);
        assert_eq!(clustering.sizes, [2, 2, 1]);
        assert_eq!(clustering.sse, 1.0);
        assert_eq!(clustering.centroids, array![[0.5], [10.5], [50.0]]);
    }
}
