//! Score: judge a clustering by itself and against groups made by people, with every score of the list
//! ([`SCORES`](crate::evaluation::SCORES)).

use std::collections::{BTreeMap, BTreeSet};

use ndarray::ArrayView2;
use serde::Serialize;

use super::counted;
use crate::dataset::{RaterSort, StudyCondition};
use crate::error::Result;
use crate::evaluation::score::{self, Clustered, Compared, Computed, ScoreRow, Scores};
use crate::evaluation::{self, MeanAndDeviation, PairScores, PermutationBaseline, RaterGroupings, Silhouette};
use crate::progress::{Cancel, Silent};

/// Whom and what features were learnt from, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearntFrom<Image> {
    /// Images that a network or a regression learnt from or was chosen on.
    pub images: BTreeSet<Image>,
    /// Raters whose groups of other images were learnt from.
    pub raters: BTreeSet<String>,
}

// Not derived, as images need no default.
impl<Image> Default for LearntFrom<Image> {
    fn default() -> Self {
        Self { images: BTreeSet::new(), raters: BTreeSet::new() }
    }
}

/// What clusters are compared with.
#[derive(Clone, Debug)]
pub struct References<Image> {
    /// One sort of each rater and condition: see [`first_occasions`](crate::dataset::first_occasions).
    pub sorts: Vec<RaterSort<Image>>,
    /// Whom and what the features were learnt from.
    pub learnt_from: LearntFrom<Image>,
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
    /// Images in both, which the scores are about.
    pub images: usize,
    /// Images of the clusters that the grouping lacks; left out.
    pub only_in_clusters: usize,
    /// Images of the grouping that the clusters lack; left out.
    pub only_in_groups: usize,
    /// True when the features were learnt from other groups of the same rater: scores are too favourable.
    pub rater_learnt_from: bool,
    /// Each score against groups; none where it says nothing.
    pub scores: Scores<Option<f64>>,
    /// The entropy that chance gives.
    pub chance: PermutationBaseline,
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
    /// Of those compared, the ones that the features were learnt from: scores on them are too favourable.
    pub learnt_from: usize,
    /// Of the raters, the ones from whose other groups the features were learnt: scores against them are too favourable.
    pub raters_learnt_from: usize,
    /// Each score over the raters for whom it says something; `count` tells how many.
    pub scores: Scores<Option<MeanAndDeviation>>,
    /// The entropy that chance gives, over the raters.
    pub chance: MeanAndDeviation,
    /// The entropy of every rater's groups against every other's, over the same images: what people reach among
    /// themselves, the ceiling to compare with. None for a single rater.
    pub raters_among_themselves: Option<MeanAndDeviation>,
}

/// All scores of a clustering.
#[derive(Clone, Debug, Serialize)]
pub struct ScoreReport {
    /// Images clustered.
    pub images: usize,
    /// Clusters.
    pub clusters: usize,
    /// The scores of the clusters alone.
    pub scores: Scores<Computed>,
    /// The silhouette by cluster and image; missing where it is not defined.
    pub silhouette: Option<Silhouette>,
    /// One for each grouping that shares images with the clusters, by condition and rater.
    pub groupings: Vec<ScoredGrouping>,
    /// One for each condition.
    pub conditions: Vec<ConditionSummary>,
    /// Groupings that share no image with the clusters, as "rater, condition".
    pub groupings_without_images: Vec<String>,
    /// What one should know before believing the scores, as sentences.
    pub warnings: Vec<String>,
}

impl ScoreReport {
    /// Every score in the report: of the clusters, then for each condition the means and each rater's.
    pub fn rows(&self) -> Vec<ScoreRow<'_>> {
        let none = |score| ScoreRow {
            score,
            condition: None,
            rater: None,
            value: None,
            standard_deviation: None,
            raters: None,
            images: self.images,
        };
        let mut rows: Vec<ScoreRow<'_>> =
            self.scores.iter().map(|(score, found)| ScoreRow { value: found.value, ..none(score) }).collect();
        for summary in &self.conditions {
            rows.extend(summary.scores.iter().map(|(score, mean)| ScoreRow {
                condition: Some(&summary.condition),
                value: mean.map(|mean| mean.mean),
                standard_deviation: mean.and_then(|mean| mean.standard_deviation),
                raters: Some(mean.map_or(0, |mean| mean.count)),
                images: summary.compared,
                ..none(score)
            }));
            for grouping in self.groupings.iter().filter(|grouping| grouping.condition == summary.condition) {
                rows.extend(grouping.scores.iter().map(|(score, value)| ScoreRow {
                    condition: Some(&grouping.condition),
                    rater: Some(&grouping.rater),
                    value: *value,
                    images: grouping.images,
                    ..none(score)
                }));
            }
        }
        rows
    }
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
        .map(|reference| (reference.rater.as_str(), reference.groups_by_place(clustered)))
        .collect();
    let groupings = RaterGroupings::new(raters.iter().map(|(rater, groups)| (*rater, groups)))?;
    let pairs = evaluation::rater_agreement(&groupings, 0, 0, &Silent, cancel)?.pairs;
    let both = |scores: PairScores| [scores.entropy_of_first.value, scores.entropy_of_second.value];
    Ok(pairs.into_iter().filter_map(|pair| pair.scores).flat_map(both).collect())
}

fn warnings_of(summary: &ConditionSummary) -> Vec<String> {
    let ConditionSummary { condition, raters, rated, compared, learnt_from, raters_learnt_from, .. } = summary;
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
            "Condition {condition}: the features were learnt from {learnt_from} of the {} that are compared; scores on them \
             are too favourable",
            counted(*compared, "picture")
        ));
    }
    if *raters_learnt_from > 0 {
        warnings.push(format!(
            "Condition {condition}: the features were learnt from other groups of {raters_learnt_from} of the {}; scores \
             against them are too favourable",
            counted(*raters, "rater")
        ));
    }
    warnings
}

/// Scores the clustering of `images` (rows of `values`) into `assignments`.
///
/// What chance gives is drawn over the images in the order given, so that it is the same whether they are known by
/// id or by name.
///
/// # Errors
/// `Cancelled`, `Data` for values that are not finite, `Internal` when the lengths differ.
pub fn run<'a, Image: Ord>(
    images: &[Image],
    values: ArrayView2<'a, f32>,
    assignments: &'a [usize],
    references: &References<Image>,
    seed: u64,
    cancel: &'a Cancel,
) -> Result<ScoreReport> {
    let clustered = Clustered::new(values, assignments, seed, cancel)?;
    let places: BTreeMap<&Image, usize> = images.iter().zip(0..).collect();
    let mut groupings = Vec::new();
    let mut groupings_without_images = Vec::new();
    for reference in &references.sorts {
        cancel.check()?;
        let groups = reference.groups_by_place(&places);
        if groups.is_empty() {
            groupings_without_images.push(format!("{}, {}", reference.rater, reference.condition));
            continue;
        }
        let compared = Compared::new(values, assignments, &groups, seed)?;
        groupings.push(ScoredGrouping {
            rater: reference.rater.clone(),
            condition: reference.condition.clone(),
            images: groups.len(),
            only_in_clusters: images.len() - groups.len(),
            only_in_groups: reference.groups.len() - groups.len(),
            rater_learnt_from: references.learnt_from.raters.contains(&reference.rater),
            scores: compared.scores()?,
            chance: compared.chance,
        });
    }
    groupings.sort_by(|a, b| (&a.condition, &a.rater).cmp(&(&b.condition, &b.rater)));
    let mut conditions = Vec::new();
    for scored in groupings.chunk_by(|a, b| a.condition == b.condition) {
        let condition = &scored[0].condition;
        let chance: Vec<f64> = scored.iter().map(|grouping| grouping.chance.mean).collect();
        let themselves = among_themselves(&references.sorts, condition, &places, cancel)?;
        let sorts = references.sorts.iter().filter(|sort| sort.condition == *condition);
        let rated: BTreeSet<&Image> = sorts.flat_map(|sort| sort.groups.keys()).collect();
        let compared: Vec<&Image> = rated.iter().copied().filter(|image| places.contains_key(image)).collect();
        let learnt_from = compared.iter().filter(|image| references.learnt_from.images.contains(image)).count();
        if let Some(chance) = evaluation::mean_and_deviation(&chance) {
            conditions.push(ConditionSummary {
                condition: condition.clone(),
                raters: scored.len(),
                rated: rated.len(),
                compared: compared.len(),
                learnt_from,
                raters_learnt_from: scored.iter().filter(|grouping| grouping.rater_learnt_from).count(),
                scores: score::means(&scored.iter().map(|grouping| &grouping.scores).collect::<Vec<_>>()),
                chance,
                raters_among_themselves: evaluation::mean_and_deviation(&themselves),
            });
        }
    }
    let warnings = references.warnings.iter().cloned().chain(conditions.iter().flat_map(warnings_of)).collect();
    Ok(ScoreReport {
        warnings,
        images: images.len(),
        clusters: assignments.iter().max().map_or(0, |largest| largest + 1),
        scores: clustered.scores()?,
        silhouette: clustered.silhouette.ok(),
        groupings,
        conditions,
        groupings_without_images,
    })
}
