//! Score: judge a clustering by itself (silhouette) and against groups made by people (entropy, agreement).

use std::collections::{BTreeMap, BTreeSet};

use ndarray::ArrayView2;
use serde::Serialize;

use super::counted;
use crate::dataset::{RaterSort, StudyCondition};
use crate::error::Result;
use crate::evaluation::{self, GroupingScores, GroupingSummary, PairScores, RaterGroupings, Silhouette, Spread};
use crate::progress::{Cancel, Silent};

/// What clusters are compared with.
#[derive(Clone, Debug)]
pub struct References<Image> {
    /// One sort of each rater and condition: see [`first_occasions`](crate::dataset::first_occasions).
    pub sorts: Vec<RaterSort<Image>>,
    /// The images that the features' network learnt from or was chosen on, as far as that is known.
    pub learnt_from: BTreeSet<Image>,
    /// What one should know besides, as sentences.
    pub warnings: Vec<String>,
}

/// One grouping's scores.
#[derive(Clone, Debug, Serialize)]
pub struct ScoredGrouping {
    /// Who sorted.
    pub rater: String,
    /// In which study and under which condition.
    #[serde(flatten)]
    pub condition: StudyCondition,
    /// Entropy, chance, agreement, and how many images were compared.
    #[serde(flatten)]
    pub scores: GroupingScores,
}

/// Mean and standard deviation over the raters of one condition.
#[derive(Clone, Debug, Serialize)]
pub struct ConditionSummary {
    /// Which study and condition.
    #[serde(flatten)]
    pub condition: StudyCondition,
    /// Raters whose groups share an image with the clusters.
    pub raters: usize,
    /// Different images that any of them placed.
    pub rated: usize,
    /// Of these, the ones that are clustered, which the scores are about.
    pub compared: usize,
    /// Of those compared, the ones that the features' network learnt from: scores on them say too much good.
    pub learnt_from: usize,
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
    /// What one should know before believing the scores, as sentences.
    pub warnings: Vec<String>,
}

/// The entropy of each rater's groups against each other's under one condition, in both directions, over the images
/// that are clustered and that both placed.
fn among_themselves<Image: Ord>(
    references: &[RaterSort<Image>],
    condition: &StudyCondition,
    clustered: &BTreeMap<&Image, usize>,
    cancel: &Cancel,
) -> Result<Vec<f64>> {
    let raters: Vec<(&str, BTreeMap<usize, &str>)> = references
        .iter()
        .filter(|reference| reference.condition == *condition)
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

fn warnings_of(summary: &ConditionSummary) -> Vec<String> {
    let ConditionSummary { condition, rated, compared, learnt_from, .. } = summary;
    let verb = |count: usize| if count == 1 { "is" } else { "are" };
    let mut warnings = Vec::new();
    if compared < rated {
        let missing = rated - compared;
        warnings.push(format!(
            "Condition {condition}: {missing} of {} that raters sorted {} not among those clustered, and left out of the scores",
            counted(*rated, "picture"),
            verb(missing)
        ));
    }
    if *learnt_from > 0 {
        warnings.push(format!(
            "Condition {condition}: the network learnt from {learnt_from} of the {} that are compared; scores on them say \
             too much good",
            counted(*compared, "picture")
        ));
    }
    warnings
}

/// Scores the clustering of `images` (rows of `values`) into `assignments`.
///
/// What chance gives is drawn over the images in the order given, so that it is the same whether they are known by
/// id or by name.
pub fn run<Image: Ord>(
    images: &[Image],
    values: ArrayView2<'_, f64>,
    assignments: &[usize],
    references: &References<Image>,
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
    for reference in &references.sorts {
        cancel.check()?;
        if !reference.groups.keys().any(|image| places.contains_key(image)) {
            groupings_without_images.push(format!("{}, {}", reference.rater, reference.condition));
            continue;
        }
        let groups: BTreeMap<(usize, &Image), &str> =
            reference.groups.iter().map(|(image, group)| (key(image), group.as_str())).collect();
        groupings.push(ScoredGrouping {
            rater: reference.rater.clone(),
            condition: reference.condition.clone(),
            scores: evaluation::score_against(&clusters, &groups, seed)?,
        });
    }
    groupings.sort_by(|a, b| (&a.condition, &a.rater).cmp(&(&b.condition, &b.rater)));
    let mut by_condition: BTreeMap<&StudyCondition, Vec<GroupingScores>> = BTreeMap::new();
    for grouping in &groupings {
        by_condition.entry(&grouping.condition).or_default().push(grouping.scores.clone());
    }
    let mut conditions = Vec::new();
    for (condition, scores) in by_condition {
        let chance: Vec<f64> = scores.iter().map(|scores| scores.chance.mean).collect();
        let themselves = among_themselves(&references.sorts, condition, &places, cancel)?;
        let of_it = references.sorts.iter().filter(|sort| sort.condition == *condition);
        let rated: BTreeSet<&Image> = of_it.flat_map(|sort| sort.groups.keys()).collect();
        let compared: Vec<&Image> = rated.iter().copied().filter(|image| places.contains_key(image)).collect();
        let learnt_from = compared.iter().filter(|image| references.learnt_from.contains(image)).count();
        if let (Some(summary), Some(chance)) = (evaluation::summarise(&scores), evaluation::spread(&chance)) {
            let raters_among_themselves = evaluation::spread(&themselves);
            conditions.push(ConditionSummary {
                condition: condition.clone(),
                raters: scores.len(),
                rated: rated.len(),
                compared: compared.len(),
                learnt_from,
                summary,
                chance,
                raters_among_themselves,
            });
        }
    }
    let warnings = references.warnings.iter().cloned().chain(conditions.iter().flat_map(warnings_of)).collect();
    Ok(ScoreReport {
        warnings,
        images: images.len(),
        clusters: assignments.iter().max().map_or(0, |largest| largest + 1),
        silhouette,
        no_silhouette,
        groupings,
        conditions,
        groupings_without_images,
    })
}
