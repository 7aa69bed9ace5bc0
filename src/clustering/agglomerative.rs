//! Agglomerative clustering: every image is a cluster of its own at first, and the two nearest are joined again and
//! again until K are left. What "nearest" means is the linkage.
//!
//! The distances of every two images are kept, 8 bytes each: 1.6 GB for 20,000 images. The trees are kodama's
//! (Müllner 2011), the distances Euclidean.

use kodama::Method as Linkage;
use ndarray::ArrayView2;
use rayon::prelude::*;

use super::clusterer::{ClusterSettings, Clusterer};
use super::kmeans::{Clustering, check_distinct_rows};
use super::linkage::Tree;
use crate::distances::{Points, Rows, row_major};
use crate::error::{Error, Result};
use crate::progress::Cancel;

/// Images of which every two are compared.
const MOST_IMAGES: usize = 20_000;

type Fit = fn(ArrayView2<f32>, &ClusterSettings, &Cancel) -> Result<Clustering>;

const fn agglomerative(id: &'static str, name: &'static str, definition: &'static str, fit: Fit) -> Clusterer {
    Clusterer { id, name, definition, is_seeded: false, most_images: Some(MOST_IMAGES), fit }
}

/// Ward's linkage.
pub static WARD: Clusterer = agglomerative(
    "agglomerative-ward",
    "Agglomerative, Ward",
    "Joins the two clusters whose union adds least to the sum of squared distances (Ward 1963); needs no seed.",
    |values, settings, cancel| fit(values, settings, Linkage::Ward, cancel),
);

/// Average linkage.
pub static AVERAGE: Clusterer = agglomerative(
    "agglomerative-average",
    "Agglomerative, average",
    "Joins the two clusters whose images are nearest on average (UPGMA); needs no seed.",
    |values, settings, cancel| fit(values, settings, Linkage::Average, cancel),
);

/// Complete linkage.
pub static COMPLETE: Clusterer = agglomerative(
    "agglomerative-complete",
    "Agglomerative, complete",
    "Joins the two clusters whose two farthest images are nearest: clusters are narrow; needs no seed.",
    |values, settings, cancel| fit(values, settings, Linkage::Complete, cancel),
);

/// Single linkage.
pub static SINGLE: Clusterer = agglomerative(
    "agglomerative-single",
    "Agglomerative, single",
    "Joins the two clusters whose two nearest images are nearest: clusters may be chains; needs no seed.",
    |values, settings, cancel| fit(values, settings, Linkage::Single, cancel),
);

/// Images in one packed group.
const LANES: usize = 32;

fn fit(values: ArrayView2<f32>, settings: &ClusterSettings, linkage: Linkage, cancel: &Cancel) -> Result<Clustering> {
    let images = values.nrows();
    let wide = row_major(values);
    let rows = Rows::of(&wide)?;
    check_distinct_rows(rows, settings.clusters)?;
    let mut distances = condensed(rows, cancel)?;
    let tree = Tree::of(images, &mut distances, linkage);
    cancel.check()?;
    Clustering::of(values, &tree.cut_after(images - settings.clusters), settings.seed)
}

/// The Euclidean distances of every two rows, the pairs in the order (0, 1), (0, 2), …, (1, 2), ….
fn condensed(rows: Rows<f32>, cancel: &Cancel) -> Result<Vec<f64>> {
    let images = rows.count();
    let mut distances = vec![0.0; images * images.saturating_sub(1) / 2];
    // Each row's part, so that threads can fill them side by side.
    let mut parts = Vec::with_capacity(images);
    let mut rest = &mut distances[..];
    for first in 0..images {
        let (part, after) = rest.split_at_mut(images - 1 - first);
        parts.push(part);
        rest = after;
    }
    parts.par_chunks_mut(LANES).enumerate().try_for_each(|(block, parts)| {
        cancel.check()?;
        let start = block * LANES;
        let points = Points::<LANES>::new(rows.columns(), (start..images).map(|row| rows.row(row)));
        for other in start + 1..images {
            let squares = points.squared_distances(rows.row(other));
            for (lane, part) in parts.iter_mut().enumerate().take(other - start) {
                part[other - start - lane - 1] = squares[lane].sqrt();
            }
        }
        Ok::<(), Error>(())
    })?;
    Ok(distances)
}
