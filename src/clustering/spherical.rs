//! Spherical k-means (Dhillon and Modha 2001): k-means of the directions. Every row is scaled to length 1 and so is every
//! centroid, after each step; the nearest centroid is then the one with the largest cosine. What is said of the clusters
//! (means, distances, SSE) is about the features as they came.

use ndarray::{ArrayView2, Axis};

use super::centroids::Shape;
use super::clusterer::{ClusterSettings, Clusterer};
use super::kmeans::{Clustering, KMeansSettings, kmeans_in};
use crate::error::{Error, Result};
use crate::progress::Cancel;

/// Spherical k-means.
pub static CLUSTERER: Clusterer = Clusterer {
    id: "spherical-k-means",
    name: "Spherical k-means",
    definition: "k-means of the directions of the feature rows, whatever their length (Dhillon and Modha 2001): pictures \
                 with the same labels in the same proportion come together, however strong they are.",
    is_seeded: true,
    most_images: None,
    fit,
};

fn fit(values: ArrayView2<f32>, settings: &ClusterSettings, cancel: &Cancel) -> Result<Clustering> {
    let mut directions = values.mapv(f64::from);
    let mut without = 0;
    for mut row in directions.axis_iter_mut(Axis(0)) {
        let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        if length > 0.0 {
            row /= length;
        } else {
            without += 1;
        }
    }
    if without > 0 {
        return Err(Error::user(format!(
            "{without} of the images have nothing but zeros as features, which have no direction"
        ))
        .hint("choose k-means"));
    }
    let settings = KMeansSettings { clusters: settings.clusters, seed: settings.seed, ..KMeansSettings::default() };
    let found = kmeans_in(directions.view(), &settings, Shape::Sphere, cancel)?;
    Clustering::of(values, &found.assignments, settings.seed)
}
