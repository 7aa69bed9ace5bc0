//! Score: judge a clustering by itself (silhouette) and against groups made by people (entropy, agreement).

use std::collections::{BTreeMap, BTreeSet};

use ndarray::ArrayView2;
use serde::Serialize;

use crate::error::Result;
use crate::evaluation::{self, GroupingScores, GroupingSummary, PairScores, RaterGroupings, Silhouette, Spread};
use crate::progress::{Cancel, Silent};

/// A grouping to compare with.
#[derive(Clone, Debug)]
pub struct ReferenceGrouping<Image> {
    /// Who sorted.
    pub rater: String,
    /// Under which condition.
    pub condition: String,
    /// Each placed image's group.
    pub groups: BTreeMap<Image, String>,
}

/// One grouping's scores.
#[derive(Clone, Debug, Serialize)]
pub struct ScoredGrouping {
    /// Who sorted.
    pub rater: String,
    /// Under which condition.
    pub condition: String,
    /// False where the adjusted Rand index says nothing: fewer than two pictures compared, or all in one group.
    #[serde(skip)]
    pub has_rand_index: bool,
    /// Entropy, chance, agreement, and how many images were compared.
    #[serde(flatten)]
    pub scores: GroupingScores,
}

/// Mean and standard deviation over the raters of one condition.
#[derive(Clone, Debug, Serialize)]
pub struct ConditionSummary {
    /// Which condition.
    pub condition: String,
    /// Each score over the raters.
    #[serde(flatten)]
    pub summary: GroupingSummary,
    /// The entropy that chance gives, over the raters.
    pub chance: Spread,
    /// The entropy of every rater's groups against every other's, over the same images: what people reach among
    /// themselves, the ceiling to compare with. None for a single rater.
    pub raters_among_themselves: Option<Spread>,
}

/// All scores of a clustering.
#[derive(Clone, Debug, Serialize)]
pub struct ScoreReport {
    /// Images clustered.
    pub images: usize,
    /// Clusters.
    pub clusters: usize,
    /// Silhouette; missing where it is not defined.
    pub silhouette: Option<Silhouette>,
    /// Why there is no silhouette.
    pub no_silhouette: Option<String>,
    /// One for each grouping that shares images with the clusters, by condition and rater.
    pub groupings: Vec<ScoredGrouping>,
    /// One for each condition.
    pub conditions: Vec<ConditionSummary>,
    /// Groupings that share no image with the clusters, as "rater, condition".
    pub groupings_without_images: Vec<String>,
}

/// The entropy of each rater's groups against each other's under one condition, in both directions, over the images
/// that are clustered and that both placed.
fn among_themselves<Image: Ord>(
    references: &[ReferenceGrouping<Image>],
    condition: &str,
    clustered: &BTreeMap<&Image, usize>,
    cancel: &Cancel,
) -> Result<Vec<f64>> {
    let raters: Vec<(&str, BTreeMap<usize, &str>)> = references
        .iter()
        .filter(|reference| reference.condition == condition)
        .map(|reference| {
            let placed = reference.groups.iter();
            let groups = placed.filter_map(|(image, group)| Some((*clustered.get(image)?, group.as_str()))).collect();
            (reference.rater.as_str(), groups)
        })
        .collect();
    let groupings = RaterGroupings::new(raters.iter().map(|(rater, groups)| (*rater, groups)))?;
    let pairs = evaluation::rater_agreement(&groupings, 0, 0, &Silent, cancel)?.pairs;
    let both = |scores: PairScores| [scores.entropy_of_first.value, scores.entropy_of_second.value];
    Ok(pairs.into_iter().filter_map(|pair| pair.scores).flat_map(both).collect())
}

/// Scores the clustering of `images` (rows of `values`) into `assignments`.
///
/// What chance gives is drawn over the images in the order given, so that it is the same whether they are known by
/// id or by name.
pub fn run<Image: Ord>(
    images: &[Image],
    values: ArrayView2<'_, f64>,
    assignments: &[usize],
    references: &[ReferenceGrouping<Image>],
    seed: u64,
    cancel: &Cancel,
) -> Result<ScoreReport> {
    let (silhouette, no_silhouette) = match evaluation::silhouette(values, assignments, seed, cancel) {
        Ok(silhouette) => (Some(silhouette), None),
        Err(error) if error.is_cancelled() => return Err(error),
        Err(error) => (None, Some(error.message)),
    };
    let places: BTreeMap<&Image, usize> = images.iter().zip(0..).collect();
    let key = |image| (places.get(image).copied().unwrap_or(usize::MAX), image);
    let clusters: BTreeMap<(usize, &Image), usize> = images.iter().map(key).zip(assignments.iter().copied()).collect();
    let mut groupings = Vec::new();
    let mut groupings_without_images = Vec::new();
    for reference in references {
        cancel.check()?;
        if !reference.groups.keys().any(|image| places.contains_key(image)) {
            groupings_without_images.push(format!("{}, {}", reference.rater, reference.condition));
            continue;
        }
        let groups: BTreeMap<(usize, &Image), &str> =
            reference.groups.iter().map(|(image, group)| (key(image), group.as_str())).collect();
        let compared = groups.iter().filter(|(image, _)| clusters.contains_key(image));
        let groups_compared: BTreeSet<&str> = compared.map(|(_, group)| *group).collect();
        groupings.push(ScoredGrouping {
            has_rand_index: groups_compared.len() > 1,
            rater: reference.rater.clone(),
            condition: reference.condition.clone(),
            scores: evaluation::score_against(&clusters, &groups, seed)?,
        });
    }
    groupings.sort_by(|a, b| (&a.condition, &a.rater).cmp(&(&b.condition, &b.rater)));
    let mut by_condition: BTreeMap<&str, Vec<GroupingScores>> = BTreeMap::new();
    for grouping in &groupings {
        by_condition.entry(&grouping.condition).or_default().push(grouping.scores.clone());
    }
    let mut conditions = Vec::new();
    for (condition, scores) in by_condition {
        let chance: Vec<f64> = scores.iter().map(|scores| scores.chance.mean).collect();
        let themselves = among_themselves(references, condition, &places, cancel)?;
        if let (Some(summary), Some(chance)) = (evaluation::summarise(&scores), evaluation::spread(&chance)) {
            let raters_among_themselves = evaluation::spread(&themselves);
            conditions.push(ConditionSummary {
                condition: condition.to_owned(),
                summary,
                chance,
                raters_among_themselves,
            });
        }
    }
    Ok(ScoreReport {
        images: images.len(),
        clusters: assignments.iter().max().map_or(0, |largest| largest + 1),
        silhouette,
        no_silhouette,
        groupings,
        conditions,
        groupings_without_images,
    })
}
