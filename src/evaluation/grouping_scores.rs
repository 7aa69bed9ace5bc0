//! Scores of a clustering against people's groupings, aligned by image.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::agreement::{VMeasure, adjusted_mutual_information, adjusted_rand_index, v_measure};
use super::entropy::{Entropy, PermutationBaseline, entropy, permutation_baseline};
use crate::error::Result;

/// Shuffles of the chance level.
const SHUFFLES: usize = 1000;

/// One clustering against one grouping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupingScores {
    /// Entropy, lower is better.
    pub entropy: Entropy,
    /// The entropy that chance gives.
    pub chance: PermutationBaseline,
    /// Adjusted Rand index, higher is better. None, like the two below, where the images in both stand in fewer than two
    /// groups: it is 0 or 1 then, whatever the clusters are.
    pub adjusted_rand_index: Option<f64>,
    /// Adjusted mutual information, higher is better.
    pub adjusted_mutual_information: Option<f64>,
    /// V-measure, higher is better.
    pub v_measure: Option<VMeasure>,
    /// Images in both, which the scores are about.
    pub images: usize,
    /// Images of the clustering that the grouping lacks; left out.
    pub only_in_clusters: usize,
    /// Images of the grouping that the clustering lacks; left out.
    pub only_in_groups: usize,
}

/// Scores a clustering (image → cluster) against a grouping (image → group) over the images in both.
///
/// Groups may have numbers or names; clusters keep their numbers. `seed` is that of the chance level.
///
/// # Errors
/// `User` when no image is in both.
pub fn score_against<Image: Ord, Group: Ord>(
    clusters: &BTreeMap<Image, usize>,
    groups: &BTreeMap<Image, Group>,
    seed: u64,
) -> Result<GroupingScores> {
    let pairs: Vec<(usize, &Group)> =
        clusters.iter().filter_map(|(image, &cluster)| Some((cluster, groups.get(image)?))).collect();
    let mut numbers: BTreeMap<&Group, usize> = pairs.iter().map(|&(_, group)| (group, 0)).collect();
    numbers.values_mut().enumerate().for_each(|(index, number)| *number = index);
    let (clusters_of, groups_of): (Vec<usize>, Vec<usize>) =
        pairs.iter().map(|(cluster, group)| (*cluster, numbers[group])).unzip();
    let says_something = numbers.len() > 1;
    let agreement = |score: fn(&[usize], &[usize]) -> Result<f64>| {
        says_something.then(|| score(&clusters_of, &groups_of)).transpose()
    };
    Ok(GroupingScores {
        entropy: entropy(&clusters_of, &groups_of)?,
        chance: permutation_baseline(&clusters_of, &groups_of, SHUFFLES, seed)?,
        adjusted_rand_index: agreement(adjusted_rand_index)?,
        adjusted_mutual_information: agreement(adjusted_mutual_information)?,
        v_measure: says_something.then(|| v_measure(&clusters_of, &groups_of)).transpose()?,
        images: pairs.len(),
        only_in_clusters: clusters.len() - pairs.len(),
        only_in_groups: groups.len() - pairs.len(),
    })
}

/// Mean and standard deviation of several values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation (divided by n − 1); none for a single value.
    pub standard_deviation: Option<f64>,
    /// n.
    pub count: usize,
}

/// Mean and sample standard deviation; none without values.
pub fn spread(values: &[f64]) -> Option<Spread> {
    let count = values.len();
    let mean = values.iter().sum::<f64>() / count as f64;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (count > 0).then(|| Spread {
        mean,
        standard_deviation: (count > 1).then(|| (squares / (count - 1) as f64).sqrt()),
        count,
    })
}

/// One clustering against several groupings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupingSummary {
    /// Entropy over the groupings.
    pub entropy: Spread,
    /// Adjusted Rand index over the groupings for which it says something; `count` tells how many. None without any.
    pub adjusted_rand_index: Option<Spread>,
    /// Adjusted mutual information over the same.
    pub adjusted_mutual_information: Option<Spread>,
    /// V-measure over the same.
    pub v_measure: Option<Spread>,
}

/// Mean ± standard deviation over several groupings, each counted once; none without groupings. This is the one place
/// where means over raters are taken: the window, the tables and the files show these.
pub fn summarise(scores: &[GroupingScores]) -> Option<GroupingSummary> {
    let over = |value: fn(&GroupingScores) -> Option<f64>| spread(&scores.iter().filter_map(value).collect::<Vec<_>>());
    Some(GroupingSummary {
        entropy: over(|scores| Some(scores.entropy.overall))?,
        adjusted_rand_index: over(|scores| scores.adjusted_rand_index),
        adjusted_mutual_information: over(|scores| scores.adjusted_mutual_information),
        v_measure: over(|scores| scores.v_measure.map(|measure| measure.v)),
    })
}
