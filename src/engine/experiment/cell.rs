//! One cell of an experiment: a method, a number of clusters and a seed, with its clusters and every score.
//!
//! Scores are those of [`score::run`](crate::engine::jobs::score::run), as everywhere. Beside each stands what it comes to
//! on halves of the pictures, the same ones for all methods, for the intervals of differences.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clustering::{ClusterSettings, Method};
use crate::dataset::StudyCondition;
use crate::engine::jobs::score::{self, References};
use crate::error::Result;
use crate::evaluation::score::{Computed, Scores};
use crate::evaluation::{HalfScores, half_scores, half_scores_against};
use crate::features::FeatureMatrix;
use crate::ids::ImageId;
use crate::progress::Cancel;

/// What tells cells apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CellKey {
    /// The method.
    pub method: String,
    /// K.
    pub clusters: usize,
    /// The seed.
    pub seed: u64,
}

/// A cell that was computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Which.
    #[serde(flatten)]
    pub key: CellKey,
    /// The features that were clustered, as the plan calls them.
    pub features: String,
    /// Pictures that were clustered.
    pub images: Vec<ImageId>,
    /// The cluster of each, counted from 0, the largest first.
    pub assignments: Vec<usize>,
    /// Sum of squared distances to the centroids.
    pub sse: f64,
    /// The scores of the clusters alone.
    pub scores: Scores<Computed>,
    /// The same on halves of the pictures.
    pub halves: HalfScores,
    /// The scores against each grouping.
    pub groupings: Vec<CellGrouping>,
    /// What one should know before believing the scores, as sentences.
    pub warnings: Vec<String>,
}

/// The scores against one grouping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellGrouping {
    /// Who sorted.
    pub rater: String,
    /// In which study and under which condition.
    #[serde(flatten)]
    pub condition: StudyCondition,
    /// Pictures in both, which the scores are about.
    pub images: usize,
    /// Groups among these.
    pub groups: usize,
    /// True when the features were learnt from the same rater's other groups.
    pub rater_learnt_from: bool,
    /// Each score; none where it says nothing.
    pub scores: Scores<Option<f64>>,
    /// The mean entropy that chance gives.
    pub chance: f64,
    /// The same on halves of the pictures.
    pub halves: HalfScores,
}

impl Cell {
    /// Clusters and scores.
    ///
    /// # Errors
    /// `User` for more clusters than the features can give; those of the scores; `Cancelled`.
    pub fn compute(
        key: CellKey,
        features: (&str, &FeatureMatrix),
        method: Method,
        references: &References<ImageId>,
        cancel: &Cancel,
    ) -> Result<Self> {
        let (name, matrix) = features;
        let (clusters, seed) = (key.clusters, key.seed);
        let values = matrix.view()?;
        let clustering = method.fit(values, &ClusterSettings { clusters, seed }, cancel)?;
        let assignments = clustering.assignments;
        let report = score::run(&matrix.image_ids, values, &assignments, references, seed, cancel)?;
        let places: BTreeMap<&ImageId, usize> = matrix.image_ids.iter().zip(0..).collect();
        let mut groupings = Vec::new();
        for scored in &report.groupings {
            let is_it = |sort: &&crate::dataset::RaterSort<ImageId>| {
                sort.rater == scored.rater && sort.condition == scored.condition
            };
            let Some(sort) = references.sorts.iter().find(is_it) else { continue };
            let groups = sort.groups_by_place(&places);
            groupings.push(CellGrouping {
                rater: scored.rater.clone(),
                condition: scored.condition.clone(),
                images: scored.images,
                groups: groups.values().collect::<std::collections::BTreeSet<_>>().len(),
                rater_learnt_from: scored.rater_learnt_from,
                scores: scored.scores.clone(),
                chance: scored.chance.mean,
                halves: half_scores_against(values, &assignments, &groups, seed, cancel)?,
            });
        }
        Ok(Self {
            key,
            features: name.to_owned(),
            images: matrix.image_ids.clone(),
            halves: half_scores(values, &assignments, seed, cancel)?,
            assignments,
            sse: clustering.sse,
            scores: report.scores,
            groupings,
            warnings: report.warnings,
        })
    }
}
