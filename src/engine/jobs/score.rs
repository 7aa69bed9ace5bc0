//! Score: judge a clustering by itself (silhouette) and against groups made by people (entropy, agreement).

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use ndarray::ArrayView2;
use serde::Serialize;

use crate::error::Result;
use crate::evaluation::{self, GroupingScores, Interval, Silhouette};

/// A grouping to compare with.
#[derive(Clone, Debug)]
pub struct ReferenceGrouping<Image> {
    /// Who sorted.
    pub rater: String,
    /// Under which condition.
    pub condition: String,
    /// Each placed image's group.
    pub groups: HashMap<Image, String>,
}

/// One grouping's scores.
#[derive(Clone, Debug, Serialize)]
pub struct ScoredGrouping {
    /// Who sorted.
    pub rater: String,
    /// Under which condition.
    pub condition: String,
    /// Entropy, agreement, and how many images were compared.
    #[serde(flatten)]
    pub scores: GroupingScores,
}

/// Mean and standard deviation over the raters of one condition.
#[derive(Clone, Debug, Serialize)]
pub struct ConditionSummary {
    /// Which condition.
    pub condition: String,
    /// How many raters.
    pub raters: usize,
    /// Mean entropy.
    pub entropy_mean: f64,
    /// Standard deviation of the entropy (0 for one rater).
    pub entropy_standard_deviation: f64,
    /// Mean adjusted Rand index.
    pub adjusted_rand_index_mean: f64,
    /// Mean entropy of shuffled clusters of the same sizes: what chance gives.
    pub chance_mean: f64,
}

/// All scores of a clustering.
#[derive(Clone, Debug, Serialize)]
pub struct ScoreReport {
    /// Images clustered.
    pub images: usize,
    /// Clusters.
    pub clusters: usize,
    /// Silhouette, or why there is none.
    pub silhouette: std::result::Result<Silhouette, String>,
    /// One for each grouping, by condition and rater.
    pub groupings: Vec<ScoredGrouping>,
    /// One for each condition.
    pub conditions: Vec<ConditionSummary>,
}

/// Number of shuffles behind [`ConditionSummary::chance_mean`].
const SHUFFLES: usize = 1000;

/// Scores the clustering of `images` (rows of `values`) into `assignments`.
pub fn run<Image: Clone + Eq + Hash + Ord>(
    images: &[Image],
    values: ArrayView2<'_, f64>,
    assignments: &[usize],
    references: &[ReferenceGrouping<Image>],
    seed: u64,
) -> Result<ScoreReport> {
    let silhouette = evaluation::silhouette(values, assignments, seed).map_err(|error| error.to_string());
    let clusters: HashMap<Image, usize> = images.iter().cloned().zip(assignments.iter().copied()).collect();
    let mut groupings = Vec::new();
    let mut chance: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for reference in references {
        let scores = evaluation::score_against(&clusters, &reference.groups)?;
        let baseline: Interval = evaluation::chance_entropy(&clusters, &reference.groups, SHUFFLES, seed)?;
        chance.entry(reference.condition.clone()).or_default().push(baseline.mean);
        groupings.push(ScoredGrouping {
            rater: reference.rater.clone(),
            condition: reference.condition.clone(),
            scores,
        });
    }
    groupings.sort_by(|a, b| (&a.condition, &a.rater).cmp(&(&b.condition, &b.rater)));
    let conditions = chance
        .into_iter()
        .map(|(condition, chance)| {
            let of_condition: Vec<_> = groupings.iter().filter(|grouping| grouping.condition == condition).collect();
            let entropies: Vec<f64> = of_condition.iter().map(|grouping| grouping.scores.entropy).collect();
            let rand: Vec<f64> = of_condition.iter().map(|g| g.scores.adjusted_rand_index).collect();
            let entropy = evaluation::mean_and_deviation(&entropies);
            ConditionSummary {
                condition,
                raters: of_condition.len(),
                entropy_mean: entropy.mean,
                entropy_standard_deviation: entropy.standard_deviation,
                adjusted_rand_index_mean: evaluation::mean_and_deviation(&rand).mean,
                chance_mean: evaluation::mean_and_deviation(&chance).mean,
            }
        })
        .collect();
    let clusters = assignments.iter().max().map_or(0, |max| max + 1);
    Ok(ScoreReport { images: images.len(), clusters, silhouette, groupings, conditions })
}
