//! Ways to group images, choosing K.
//!
//! Features come in as rows of an n × d array ([`FeatureMatrix::view`](crate::features::FeatureMatrix::view));
//! out goes a [`Clustering`] whose cluster numbers count from 0, largest cluster first.

mod agglomerative;
mod centroids;
mod clusterer;
mod elbow;
mod kmeans;
mod linkage;
mod restart;
mod spectral;
mod spherical;

pub use clusterer::{ClusterSettings, Clusterer, Method};
pub use elbow::{Elbow, ElbowPoint, elbow};
pub use kmeans::{Centres, Clustering, KMeansSettings, Solver, kmeans};
pub use linkage::Tree;

/// All ways to group images, the paper's first.
pub static CLUSTERERS: &[&Clusterer] = &[
    &kmeans::CLUSTERER,
    &spherical::CLUSTERER,
    &agglomerative::WARD,
    &agglomerative::AVERAGE,
    &agglomerative::COMPLETE,
    &agglomerative::SINGLE,
    &spectral::NEAREST,
    &spectral::GAUSSIAN,
];
