//! k-means: K centroids μ that make the sum of squared distances SSE = Σᵢ ‖xᵢ − μ(cluster of i)‖² small.
//!
//! Each restart begins with k-means++ (Arthur and Vassilvitskii 2007) and moves the centroids until they rest within
//! the tolerance, as linfa-clustering does and with the same draws: the [`Solver`] is either ours, on vectorised
//! distances, or linfa itself, and both give the same centroids but for the last bits, since ours keeps sums where linfa
//! recomputes them. linfa's update counts the old centroid as one more member and its result may hold an empty cluster, so
//! from the best restart plain Lloyd steps follow here until no image changes its cluster; an empty cluster gets the point
//! farthest from its centroid, and the last means are recomputed. Restarts run side by side, each sum in one order: same
//! seed, same bits, on any number of threads.

use std::cmp::Reverse;
use std::collections::HashSet;

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::{KMeans, KMeansInit};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::centroids::{Centroids, Shape, nearest_of_all};
use super::clusterer::Clusterer;
use super::restart::Restart;
use crate::distances::{Rows, Value, check_finite, row_major};
use crate::error::{Error, Result};
use crate::progress::Cancel;
use crate::random::{Generator, generator};

/// k-means of the features as they are.
pub static CLUSTERER: Clusterer = Clusterer {
    id: "k-means",
    name: "k-means",
    definition: "Finds the K means for which the sum of squared distances is smallest, from ten starts by k-means++ \
                 (paper, section III.C).",
    is_seeded: true,
    most_images: None,
    fit: |values, settings, cancel| {
        kmeans(
            values,
            &KMeansSettings { clusters: settings.clusters, seed: settings.seed, ..KMeansSettings::default() },
            cancel,
        )
    },
};

/// Who makes the restarts. Both give the same clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Solver {
    /// Our own, on vectorised distances.
    #[default]
    Vectorised,
    /// linfa-clustering, the reference.
    Linfa,
}

/// Settings of [`kmeans`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KMeansSettings {
    /// K, the number of clusters.
    pub clusters: usize,
    /// Seed of all restarts.
    pub seed: u64,
    /// Number of restarts; the lowest SSE wins.
    pub restarts: usize,
    /// Steps of one restart at most, and again as many until no image changes its cluster.
    pub max_iterations: usize,
    /// A restart rests when its centroids together moved less than this distance.
    pub tolerance: f64,
    /// Who makes the restarts.
    pub solver: Solver,
}

impl Default for KMeansSettings {
    fn default() -> Self {
        Self { clusters: 5, seed: 1, restarts: 10, max_iterations: 300, tolerance: 1e-4, solver: Solver::default() }
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

/// Clusters, however they were made. They count from 0, largest first, ties by their first member; none is empty.
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
pub fn kmeans<T: Value>(values: ArrayView2<T>, settings: &KMeansSettings, cancel: &Cancel) -> Result<Clustering> {
    kmeans_in(values, settings, Shape::Space, cancel)
}

/// [`kmeans`] with centroids of a shape.
pub(super) fn kmeans_in<T: Value>(
    values: ArrayView2<T>,
    settings: &KMeansSettings,
    shape: Shape,
    cancel: &Cancel,
) -> Result<Clustering> {
    settings.validate()?;
    check_finite(values)?;
    if T::IS_NARROW && values.len() <= MOST_WIDENED {
        return kmeans_in(values.mapv(Value::wide).view(), settings, shape, cancel);
    }
    let values = row_major(values);
    let rows = Rows::of(&values)?;
    check_distinct_rows(rows, settings.clusters)?;
    let wide = (settings.solver == Solver::Linfa && shape == Shape::Space)
        .then(|| DatasetBase::from(values.mapv(Value::wide)));
    let restarts: Vec<(f64, Centroids)> = (0..settings.restarts)
        .into_par_iter()
        .map(|restart| {
            cancel.check()?;
            let random = generator(settings.seed, &format!("k-means restart {restart}"));
            let centroids = match &wide {
                Some(dataset) => fit_by_linfa(dataset, settings, random)?,
                None => Restart::new(rows, settings.clusters, random)?.fit(settings, shape, cancel)?,
            };
            let nearest = nearest_of_all(rows, &centroids);
            Ok((nearest.iter().map(|(_, distance)| distance).sum(), centroids))
        })
        .collect::<Result<_>>()?;
    // The first of equals.
    let best = restarts.into_iter().reduce(|best, other| if other.0 < best.0 { other } else { best });
    let (_, centroids) = best.ok_or_else(|| Error::internal("k-means without a restart"))?;
    let partition = settle(rows, centroids, settings.max_iterations, shape, cancel)?;
    Ok(numbered_by_size(partition, settings.seed))
}

/// Refuses fewer distinct rows than clusters, and no cluster at all.
pub(super) fn check_distinct_rows<T: Value>(rows: Rows<T>, clusters: usize) -> Result<()> {
    let distinct = distinct_rows(rows, clusters);
    if clusters == 0 || clusters > distinct {
        return Err(Error::user(format!(
            "{clusters} clusters were asked for, but the {} images have only {distinct} distinct feature rows",
            rows.count()
        ))
        .hint("choose a smaller K, or more images"));
    }
    Ok(())
}

/// Values that are copied to double precision beforehand, which is quicker: up to 64 MB.
const MOST_WIDENED: usize = 8 << 20;

/// One restart by linfa.
fn fit_by_linfa(
    dataset: &DatasetBase<Array2<f64>, ndarray::Array1<()>>,
    settings: &KMeansSettings,
    random: Generator,
) -> Result<Centroids> {
    let model = KMeans::params_with_rng(settings.clusters, random)
        .n_runs(1)
        .init_method(KMeansInit::KMeansPlusPlus)
        .max_n_iterations(settings.max_iterations as u64)
        .tolerance(settings.tolerance)
        .fit(dataset)
        .map_err(|error| Error::data(format!("k-means could not group these features: {error}")).caused_by(error))?;
    Ok(Centroids::of(model.centroids()))
}

/// A division into clusters in any order.
struct Partition {
    assignments: Vec<usize>,
    squared_distances: Vec<f64>,
    centroids: Centroids,
    sse: f64,
}

/// Lloyd's steps until no row changes its cluster; none is left empty.
fn settle<T: Value>(
    rows: Rows<T>,
    mut centroids: Centroids,
    max_iterations: usize,
    shape: Shape,
    cancel: &Cancel,
) -> Result<Partition> {
    let mut previous = Vec::new();
    for iteration in 0.. {
        cancel.check()?;
        let nearest = assign_to_all(rows, &mut centroids)?;
        let assignments: Vec<u32> = nearest.iter().map(|(cluster, _)| *cluster).collect();
        if assignments == previous || iteration == max_iterations {
            let squared_distances: Vec<f64> = nearest.into_iter().map(|(_, distance)| distance).collect();
            return Ok(Partition {
                assignments: assignments.into_iter().map(|cluster| cluster as usize).collect(),
                sse: squared_distances.iter().sum(),
                squared_distances,
                centroids,
            });
        }
        centroids = centroids.means(rows, &assignments).in_shape(shape);
        previous = assignments;
    }
    Err(Error::internal("k-means did not settle"))
}

/// The nearest centroid of each row and its squared distance. A centroid without members is first moved to the row
/// farthest from its own centroid, which lowers the SSE, so this comes to an end.
fn assign_to_all<T: Value>(rows: Rows<T>, centroids: &mut Centroids) -> Result<Vec<(u32, f64)>> {
    loop {
        let nearest = nearest_of_all(rows, centroids);
        let mut sizes = vec![0usize; centroids.clusters];
        nearest.iter().for_each(|&(cluster, _)| sizes[cluster as usize] += 1);
        let Some(empty) = sizes.iter().position(|&size| size == 0) else { return Ok(nearest) };
        let farthest =
            (0..nearest.len()).fold(0, |best, row| if nearest[row].1 > nearest[best].1 { row } else { best });
        if nearest[farthest].1 == 0.0 {
            return Err(Error::data("the features differ too little to be distinguished")
                .hint("choose a smaller K, or scale the features"));
        }
        for (to, from) in centroids.row_mut(empty).iter_mut().zip(rows.row(farthest)) {
            *to = from.wide();
        }
    }
}

/// The centroids of given clusters, however they were made.
#[derive(Clone, Debug, PartialEq)]
pub struct Centres {
    /// The cluster of each row, those without rows left out and the others counted from 0.
    pub clusters: Vec<usize>,
    /// Members of each cluster, none of which is empty.
    pub sizes: Vec<usize>,
    /// K × d: the mean of each cluster's members.
    pub centroids: Array2<f64>,
    /// The squared distance of each row to its cluster's mean.
    pub squared_distances: Vec<f64>,
}

impl Centres {
    /// Of the rows of `values` (n × d) in clusters that count from 0.
    ///
    /// # Errors
    /// `Internal` when the lengths differ.
    pub fn of<T: Value>(values: ArrayView2<T>, assignments: &[usize]) -> Result<Self> {
        if assignments.len() != values.nrows() {
            return Err(Error::internal(format!("{} assignments for {} rows", assignments.len(), values.nrows())));
        }
        let mut numbers = assignments.to_vec();
        numbers.sort_unstable();
        numbers.dedup();
        let clusters: Vec<usize> =
            assignments.iter().map(|cluster| numbers.binary_search(cluster).unwrap_or_default()).collect();
        let mut sizes = vec![0; numbers.len()];
        clusters.iter().for_each(|&cluster| sizes[cluster] += 1);
        let values = row_major(values);
        let rows = Rows::of(&values)?;
        let none = Centroids {
            clusters: sizes.len(),
            columns: rows.columns(),
            values: vec![0.0; sizes.len() * rows.columns()],
        };
        let row_clusters: Vec<u32> = clusters.iter().map(|&cluster| cluster as u32).collect();
        let centroids = none.means(rows, &row_clusters);
        let squared = |(row, &cluster): (usize, &usize)| {
            let pairs = rows.row(row).iter().zip(centroids.row(cluster));
            pairs.map(|(value, mean)| (value.wide() - mean) * (value.wide() - mean)).sum()
        };
        let squared_distances = clusters.iter().enumerate().map(squared).collect();
        let centroids =
            Array2::from_shape_fn((sizes.len(), rows.columns()), |(cluster, column)| centroids.row(cluster)[column]);
        Ok(Self { clusters, sizes, centroids, squared_distances })
    }
}

impl Clustering {
    /// What clusters that were made in any way say: numbered by size, with the mean of their members.
    ///
    /// # Errors
    /// `Internal` when the lengths differ.
    pub fn of<T: Value>(values: ArrayView2<T>, assignments: &[usize], seed: u64) -> Result<Self> {
        let centres = Centres::of(values, assignments)?;
        let partition = Partition {
            centroids: Centroids::of(&centres.centroids),
            sse: centres.squared_distances.iter().sum(),
            assignments: centres.clusters,
            squared_distances: centres.squared_distances,
        };
        Ok(numbered_by_size(partition, seed))
    }
}

impl Clustering {
    /// What clusters that have numbers already say, with the mean of their members: those that were kept, and those made
    /// by hand.
    ///
    /// # Errors
    /// `User` when one of the `clusters` has no row; `Internal` when the lists differ in length.
    pub fn as_numbered<T: Value>(
        values: ArrayView2<T>,
        assignments: &[usize],
        clusters: usize,
        seed: u64,
    ) -> Result<Self> {
        let mut is_there = vec![false; clusters];
        assignments.iter().filter(|&&cluster| cluster < clusters).for_each(|&cluster| is_there[cluster] = true);
        if let Some(empty) = is_there.iter().position(|there| !there) {
            return Err(Error::user(format!("none of the pictures of cluster {} has features here", empty + 1))
                .hint("choose the features that were clustered"));
        }
        let centres = Centres::of(values, assignments)?;
        Ok(Self {
            assignments: centres.clusters,
            distances: centres.squared_distances.iter().map(|distance| distance.sqrt()).collect(),
            sse: centres.squared_distances.iter().sum(),
            centroids: centres.centroids,
            sizes: centres.sizes,
            seed,
        })
    }
}

/// Numbers the clusters by size, largest first, ties by their first member.
fn numbered_by_size(partition: Partition, seed: u64) -> Clustering {
    let clusters = partition.centroids.clusters;
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
        centroids: Array2::from_shape_fn((clusters, partition.centroids.columns), |(cluster, column)| {
            partition.centroids.row(order[cluster])[column]
        }),
        sizes: order.iter().map(|&cluster| sizes[cluster]).collect(),
        sse: partition.sse,
        seed,
    }
}

/// The number of different rows, counted up to `enough`.
pub(crate) fn distinct_rows<T: Value>(rows: Rows<T>, enough: usize) -> usize {
    let mut seen = HashSet::new();
    for row in 0..rows.count() {
        if seen.len() >= enough {
            break;
        }
        // Adding zero turns −0 into 0.
        seen.insert(rows.row(row).iter().map(|value| (value.wide() + 0.0).to_bits()).collect::<Vec<_>>());
    }
    seen.len()
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
        let view = values.view();
        let matrix = row_major(view);
        let centroids = Centroids::of(&array![[5.0], [1000.0], [2000.0]]);
        let partition = settle(Rows::of(&matrix).unwrap(), centroids, 300, Shape::Space, &Cancel::new()).unwrap();
        let clustering = numbered_by_size(partition, 1);
        assert_eq!(clustering.assignments, [0, 0, 1, 1, 2]);
        assert_eq!(clustering.sizes, [2, 2, 1]);
        assert_eq!(clustering.sse, 1.0);
        assert_eq!(clustering.centroids, array![[0.5], [10.5], [50.0]]);
    }
}
