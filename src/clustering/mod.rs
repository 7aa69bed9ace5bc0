//! k-means, nearest centroid, choosing K.
//!
//! Features come in as rows of an n × d array ([`FeatureMatrix::to_array`](crate::features::FeatureMatrix::to_array));
//! out goes a [`Clustering`] whose cluster numbers count from 0, largest cluster first.

mod elbow;
mod kmeans;

pub use elbow::{Elbow, ElbowPoint, elbow};
pub(crate) use kmeans::check_finite;
pub use kmeans::{Clustering, KMeansSettings, Nearest, kmeans, nearest};
