//! Choosing K: the SSE for a range of K, and the knee of that curve.

use std::ops::RangeInclusive;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::kmeans::{KMeansSettings, distinct_rows, kmeans};
use crate::distances::{Rows, Value, check_finite, row_major};
use crate::error::{Error, Result};
use crate::progress::{Cancel, Observer, Stage};

/// The SSE of one K.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElbowPoint {
    /// K.
    pub clusters: usize,
    /// Sum of squared distances of the best restart.
    pub sse: f64,
}

/// The curve of SSE over K.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Elbow {
    /// One point for each K, rising.
    pub points: Vec<ElbowPoint>,
    /// The K whose point lies farthest below the chord from the first point to the last; none where the curve has
    /// fewer than three points or never falls below its chord.
    pub knee: Option<usize>,
}

/// Runs [`kmeans`] for every K of the range; `settings.clusters` is not used.
///
/// A range that goes beyond the number of distinct rows ends there, with a note.
///
/// # Errors
/// `User` for an empty range or one that starts at 0 or beyond the distinct rows; else as [`kmeans`].
pub fn elbow<T: Value>(
    values: ArrayView2<T>,
    range: RangeInclusive<usize>,
    settings: &KMeansSettings,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Elbow> {
    check_finite(values)?;
    let (first, mut last) = range.into_inner();
    let distinct = distinct_rows(Rows::of(&row_major(values))?, last.max(first));
    if first == 0 || first > last || first > distinct {
        return Err(Error::user(format!("K from {first} to {last} cannot be tried on {distinct} distinct images"))
            .hint(format!("choose a range that starts between 1 and {distinct}")));
    }
    if last > distinct {
        observer.note(&format!("K stops at {distinct}, the number of distinct images, instead of {last}"));
        last = distinct;
    }
    let stage = Stage::new("Trying numbers of clusters", last - first + 1);
    let mut points = Vec::new();
    for clusters in first..=last {
        observer.progress(stage.at(points.len()));
        let clustering = kmeans(values, &KMeansSettings { clusters, ..settings.clone() }, cancel)?;
        points.push(ElbowPoint { clusters, sse: clustering.sse });
    }
    observer.progress(stage.at(points.len()));
    Ok(Elbow { knee: knee(&points), points })
}

/// The point farthest below the chord. The distance to the chord and the height below it differ by a constant factor,
/// so the scale of the axes does not matter.
fn knee(points: &[ElbowPoint]) -> Option<usize> {
    let (first, last) = (points.first()?, points.last()?);
    let slope = (last.sse - first.sse) / (last.clusters as f64 - first.clusters as f64);
    let mut best = None;
    let mut lowest = 1e-12 * first.sse.abs();
    for point in points.iter().filter(|point| point.clusters != first.clusters && point.clusters != last.clusters) {
        let below = first.sse + slope * (point.clusters as f64 - first.clusters as f64) - point.sse;
        if below > lowest {
            lowest = below;
            best = Some(point.clusters);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knee_lies_farthest_below_the_chord() {
        let curve = |values: &[f64]| -> Vec<ElbowPoint> {
            values.iter().enumerate().map(|(i, &sse)| ElbowPoint { clusters: i + 2, sse }).collect()
        };
        assert_eq!(knee(&curve(&[100.0, 20.0, 15.0, 12.0, 10.0])), Some(3));
        assert_eq!(knee(&curve(&[4.0, 3.0, 2.0, 1.0])), None);
        assert_eq!(knee(&curve(&[4.0, 3.0])), None);
        assert_eq!(knee(&curve(&[])), None);
    }
}
