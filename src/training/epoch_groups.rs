//! How well the label intensities of the validation part form groups, epoch by epoch, while a run is at work.
//!
//! The same measures as those of the final clusters, on other pictures: they show where training is heading, and are
//! not the numbers to report.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::clustering::{KMeansSettings, kmeans};
use crate::evaluation::{entropy, silhouette};
use crate::progress::Cancel;

/// K of these clusters.
const CLUSTERS: usize = 5;
/// Fewer restarts than for clusters that people look at: this is done after every epoch.
const RESTARTS: usize = 3;

/// A grouping made by a person, as far as it covers the validation part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceGrouping {
    /// Rater and condition, for people.
    pub name: String,
    /// The group of each picture of the validation part, where it has one.
    pub groups: Vec<Option<usize>>,
}

/// The scores of one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochGroups {
    /// K.
    pub clusters: usize,
    /// Silhouette coefficient of the clusters, -1 to 1; none where it is not defined.
    pub silhouette: Option<f64>,
    /// Entropy against each grouping that covers some of the pictures.
    pub against: Vec<GroupingEntropy>,
}

/// Entropy against one grouping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupingEntropy {
    /// Rater and condition.
    pub grouping: String,
    /// 0 to 1, lower is better.
    pub entropy: f64,
    /// Pictures that are in both.
    pub images: usize,
}

/// Scores of intensities n × L, row-major; none where there are too few different pictures to cluster.
pub fn epoch_groups(
    intensities: &[f32],
    labels: usize,
    seed: u64,
    references: &[ReferenceGrouping],
    cancel: &Cancel,
) -> Option<EpochGroups> {
    let rows = intensities.len() / labels.max(1);
    let values = ArrayView2::from_shape((rows, labels), intensities).ok()?;
    let settings = KMeansSettings { clusters: CLUSTERS, seed, restarts: RESTARTS, ..KMeansSettings::default() };
    // Too few distinct pictures, or stopped: there is nothing to show, and nothing that anybody asked for is lost.
    let clustering = kmeans(values, &settings, cancel).ok()?;
    let assignments = &clustering.assignments;
    let against = references
        .iter()
        .filter_map(|reference| {
            let placed = assignments.iter().zip(&reference.groups);
            let (clusters, groups): (Vec<usize>, Vec<usize>) =
                placed.filter_map(|(&cluster, group)| Some((cluster, (*group)?))).unzip();
            let found = entropy(&clusters, &groups).ok()?;
            Some(GroupingEntropy { grouping: reference.name.clone(), entropy: found.overall, images: found.images })
        })
        .collect();
    let silhouette = silhouette(values, assignments, seed, cancel).ok().map(|found| found.mean);
    Some(EpochGroups { clusters: CLUSTERS, silhouette, against })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn clear_groups_have_a_high_silhouette_and_no_entropy() {
        // Five corners of four pictures each.
        let corner = |group: usize| [(group & 1) as f32, (group >> 1 & 1) as f32, (group >> 2) as f32];
        let intensities: Vec<f32> =
            (0..20).flat_map(|i| corner(i % 5).map(|value| 0.1 + 0.8 * value + 0.001 * i as f32)).collect();
        let same = ReferenceGrouping { name: "same".to_owned(), groups: (0..20).map(|i| Some(i % 5)).collect() };
        let some =
            ReferenceGrouping { name: "some".to_owned(), groups: (0..20).map(|i| (i < 10).then_some(i / 5)).collect() };
        let scores = epoch_groups(&intensities, 3, 1, &[same, some], &Cancel::new()).unwrap();
        assert_eq!(scores.clusters, 5);
        assert!(scores.silhouette.unwrap() > 0.95);
        assert!(scores.against[0].entropy < 1e-9 && scores.against[0].images == 20);
        assert!(scores.against[1].entropy > 0.9 && scores.against[1].images == 10);
        assert_eq!(epoch_groups(&intensities[..6], 3, 1, &[], &Cancel::new()), None);
    }
}
