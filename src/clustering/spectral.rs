//! Spectral clustering (Ng, Jordan and Weiss 2001): images are the vertices of a graph, joined the more strongly the nearer
//! they are; k-means then groups them by the leading eigenvectors of the graph, in which well-joined images stand in the
//! same direction. So clusters may have any shape, as long as they hang together.
//!
//! The strengths are symmetric with none from an image to itself, divided by the square roots of both images' sums; of that
//! matrix the K leading eigenvectors are taken, one row for each image, scaled to length 1.

use std::collections::BTreeMap;

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::clusterer::{ClusterSettings, Clusterer};
use super::kmeans::{Clustering, KMeansSettings, check_distinct_rows, kmeans};
use crate::distances::{Points, Rows, row_major};
use crate::eigen::{Eigen, SparseRows};
use crate::error::Result;
use crate::progress::Cancel;

/// Nearest neighbours that each image is joined to.
const NEIGHBOURS: usize = 10;
/// The neighbour whose distance says how far an image's surroundings go (Zelnik-Manor and Perona 2004).
const SCALE_NEIGHBOUR: usize = 7;
/// Images of which every two are joined.
const MOST_IMAGES: usize = 5_000;
/// Strengths below this count as none.
const LEAST_STRENGTH: f64 = 1e-12;
/// Images in one packed group.
const LANES: usize = 32;

/// On the graph of nearest neighbours.
pub static NEAREST: Clusterer = Clusterer {
    id: "spectral",
    name: "Spectral, nearest neighbours",
    definition: "Joins each picture to its ten nearest, fully where both are among each other's ten and half otherwise, and \
                 groups by the leading eigenvectors of that graph (Ng, Jordan and Weiss 2001): clusters of any shape.",
    is_seeded: true,
    most_images: None,
    fit: |values, settings, cancel| fit(values, settings, nearest_neighbours, cancel),
};

/// On the Gaussian affinity with local scaling.
pub static GAUSSIAN: Clusterer = Clusterer {
    id: "spectral-gaussian",
    name: "Spectral, Gaussian",
    definition: "Joins every two pictures by exp(-d²/(σᵢσⱼ)), σ being the distance to the seventh neighbour (Zelnik-Manor and \
                 Perona 2004), and groups by the leading eigenvectors (Ng, Jordan and Weiss 2001).",
    is_seeded: true,
    most_images: Some(MOST_IMAGES),
    fit: |values, settings, cancel| fit(values, settings, locally_scaled, cancel),
};

/// The strengths with which each row is joined to others: column and strength.
type Strengths = Vec<Vec<(u32, f64)>>;
type Affinity = fn(Rows<f32>, &Cancel) -> Result<Strengths>;

fn fit(values: ArrayView2<f32>, settings: &ClusterSettings, affinity: Affinity, cancel: &Cancel) -> Result<Clustering> {
    let matrix = row_major(values);
    let rows = Rows::of(&matrix)?;
    check_distinct_rows(rows, settings.clusters)?;
    let graph = normalised(affinity(rows, cancel)?);
    let mut places = Eigen::largest(&graph, settings.clusters, settings.seed, cancel)?.vectors;
    for mut place in places.axis_iter_mut(Axis(0)) {
        let length = place.dot(&place).sqrt();
        if length > 0.0 {
            place /= length;
        }
    }
    let by_place = KMeansSettings { clusters: settings.clusters, seed: settings.seed, ..KMeansSettings::default() };
    let found = kmeans(places.view(), &by_place, cancel)?;
    Clustering::of(values, &found.assignments, settings.seed)
}

/// D^(-1/2) W D^(-1/2).
fn normalised(strengths: Strengths) -> SparseRows {
    let roots: Vec<f64> =
        strengths.iter().map(|row| row.iter().map(|(_, strength)| strength).sum::<f64>().sqrt()).collect();
    SparseRows::of(strengths.into_iter().enumerate().map(|(row, mut joined)| {
        joined.iter_mut().for_each(|(other, strength)| *strength /= roots[row] * roots[*other as usize]);
        joined
    }))
}

fn nearest_neighbours(rows: Rows<f32>, cancel: &Cancel) -> Result<Strengths> {
    let mut strengths: Vec<BTreeMap<u32, f64>> = vec![BTreeMap::new(); rows.count()];
    for (row, neighbours) in neighbours(rows, NEIGHBOURS, cancel)?.into_iter().enumerate() {
        for (_, other) in neighbours {
            *strengths[row].entry(other).or_default() += 0.5;
            *strengths[other as usize].entry(row as u32).or_default() += 0.5;
        }
    }
    Ok(strengths.into_iter().map(|joined| joined.into_iter().collect()).collect())
}

fn locally_scaled(rows: Rows<f32>, cancel: &Cancel) -> Result<Strengths> {
    let scales: Vec<f64> = neighbours(rows, SCALE_NEIGHBOUR, cancel)?
        .into_iter()
        .map(|neighbours| neighbours.last().map_or(0.0, |(squared, _)| squared.sqrt()))
        .collect();
    let strength = |squared: f64, scale: f64| match squared {
        0.0 => 1.0,
        // Images with many copies have no surroundings: they are joined to their copies only.
        _ if scale == 0.0 => 0.0,
        _ => (-squared / scale).exp(),
    };
    let joined = |row: usize, squares: &[f64]| {
        let all = squares.iter().enumerate().filter(|(other, _)| *other != row);
        all.map(|(other, &squared)| (other as u32, strength(squared, scales[row] * scales[other])))
            .filter(|(_, strength)| *strength >= LEAST_STRENGTH)
            .collect()
    };
    each_row(rows, cancel, joined)
}

/// The nearest rows of each, nearest first, with their squared distances; of equals the first.
fn neighbours(rows: Rows<f32>, count: usize, cancel: &Cancel) -> Result<Vec<Vec<(f64, u32)>>> {
    each_row(rows, cancel, |row, squares| {
        let mut nearest: Vec<(f64, u32)> = Vec::with_capacity(count + 1);
        for (other, &squared) in squares.iter().enumerate().filter(|(other, _)| *other != row) {
            if nearest.len() < count || nearest.last().is_some_and(|last| squared < last.0) {
                let place = nearest.partition_point(|near| near.0 <= squared);
                nearest.insert(place, (squared, other as u32));
                nearest.truncate(count);
            }
        }
        nearest
    })
}

/// What `make` makes of each row and its squared distances to all rows, itself among them.
fn each_row<T: Send>(rows: Rows<f32>, cancel: &Cancel, make: impl Fn(usize, &[f64]) -> T + Sync) -> Result<Vec<T>> {
    let starts: Vec<usize> = (0..rows.count()).step_by(LANES).collect();
    let blocks: Vec<Vec<T>> = starts
        .into_par_iter()
        .map(|start| {
            cancel.check()?;
            let end = (start + LANES).min(rows.count());
            let points = Points::<LANES>::new(rows.columns(), (start..end).map(|row| rows.row(row)));
            let mut squares = vec![vec![0.0; rows.count()]; end - start];
            for other in 0..rows.count() {
                let found = points.squared_distances(rows.row(other));
                squares.iter_mut().zip(found).for_each(|(squares, squared)| squares[other] = squared);
            }
            Ok(squares.iter().enumerate().map(|(lane, squares)| make(start + lane, squares)).collect())
        })
        .collect::<Result<_>>()?;
    Ok(blocks.into_iter().flatten().collect())
}
