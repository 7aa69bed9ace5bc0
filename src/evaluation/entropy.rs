//! Entropy of clusters against people's groups (Kubota and Okuda, arXiv 2307.15099, section IV.B.2).
//!
//! With groups A_i and clusters B_j: P(i|j) = n(B_j ∩ A_i) / n(B_j); H_j = −Σ_i P(i|j) log_S P(i|j) with
//! 0·log 0 = 0 and S the number of groups; H = Σ_j H_j n(B_j) / N. (The paper's formula lacks the sign.)
//! 0 where every cluster lies in one group, 1 where every cluster is spread evenly over all; lower is better.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::contingency::Contingency;
use super::score::{Better, Compute, Score};
use crate::error::{Error, Result};
use crate::random::generator;

/// The entropy of clusters against one grouping.
pub static SCORE: Score = Score {
    id: "entropy",
    name: "Entropy",
    short: "entropy",
    better: Better::Lower,
    definition: "Entropy H (paper, section IV.B.2): how mixed each cluster is in the groups a rater made, 0 when every \
                 cluster holds one group only, 1 when the groups are spread evenly over it.",
    compute: Compute::Against(|compared| Ok(Some(compared.entropy.overall))),
};

/// That entropy beside what chance gives.
pub static SHARE_OF_CHANCE: Score = Score {
    id: "share_of_chance",
    name: "Entropy as a share of chance",
    short: "of chance",
    better: Better::Lower,
    definition: "Entropy divided by its mean over 1,000 shuffles of the pictures with clusters as large: 0 the same \
                 groups, 1 chance. Unlike entropy it can be compared between different numbers of clusters and groups.",
    compute: Compute::Against(|compared| {
        Ok((compared.chance.mean > 0.0).then(|| compared.entropy.overall / compared.chance.mean))
    }),
};

/// Entropy of one clustering against one grouping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entropy {
    /// H, in 0 to 1.
    pub overall: f64,
    /// H_j by cluster number; none for a cluster without images.
    pub per_cluster: Vec<Option<f64>>,
    /// N, the images compared.
    pub images: usize,
}

/// Entropy of `clusters` against `groups`, one number for each of the images that are in both.
///
/// S counts the groups that hold one of these images; for S = 1 H is 0.
///
/// # Errors
/// `User` when there is no image, `Internal` when the lengths differ.
pub fn entropy(clusters: &[usize], groups: &[usize]) -> Result<Entropy> {
    if clusters.is_empty() {
        return Err(Error::user("entropy is not defined without images that are in both the map and the grouping")
            .hint("choose a map and a grouping of the same images"));
    }
    let table = Contingency::new(clusters, groups)?;
    let base = (table.groups_in_use() as f64).ln();
    let per_cluster: Vec<Option<f64>> = table
        .counts
        .iter()
        .zip(&table.cluster_sizes)
        .map(|(counts, &size)| {
            (size > 0).then(|| {
                if table.groups_in_use() == 1 {
                    return 0.0;
                }
                let terms = counts.iter().filter(|&&count| count > 0 && count < size).map(|&count| {
                    let share = count as f64 / size as f64;
                    -share * share.ln() / base
                });
                terms.sum()
            })
        })
        .collect();
    let sum: f64 = per_cluster.iter().zip(&table.cluster_sizes).map(|(h, &size)| h.unwrap_or(0.0) * size as f64).sum();
    Ok(Entropy { overall: sum / table.images as f64, per_cluster, images: table.images })
}

/// What chance gives: the entropy of clusters of the same sizes with the images shuffled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PermutationBaseline {
    /// Mean entropy of the shuffles.
    pub mean: f64,
    /// Lower end of the 95 % interval (2.5 % quantile).
    pub low: f64,
    /// Upper end of the 95 % interval (97.5 % quantile).
    pub high: f64,
    /// Number of shuffles.
    pub shuffles: usize,
}

/// Entropy of `shuffles` seeded shuffles of the images.
///
/// # Errors
/// As [`entropy`]; `User` for no shuffles.
pub fn permutation_baseline(
    clusters: &[usize],
    groups: &[usize],
    shuffles: usize,
    seed: u64,
) -> Result<PermutationBaseline> {
    if shuffles == 0 {
        return Err(Error::user("the chance level needs one shuffle or more"));
    }
    let mut random = generator(seed, "permutation baseline");
    let mut shuffled = groups.to_vec();
    let mut values = Vec::with_capacity(shuffles);
    for _ in 0..shuffles {
        shuffled.shuffle(&mut random);
        values.push(entropy(clusters, &shuffled)?.overall);
    }
    let mean = values.iter().sum::<f64>() / shuffles as f64;
    values.sort_by(f64::total_cmp);
    Ok(PermutationBaseline { mean, low: quantile(&values, 0.025), high: quantile(&values, 0.975), shuffles })
}

/// Quantile of sorted values, linear between neighbours.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let lower = position.floor() as usize;
    let upper = (lower + 1).min(sorted.len() - 1);
    sorted[lower] + (position - lower as f64) * (sorted[upper] - sorted[lower])
}
