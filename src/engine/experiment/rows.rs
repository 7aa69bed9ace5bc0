//! Every number of an experiment as a row: method, K, seed, condition, rater, score, value.

use serde::{Deserialize, Serialize};

use super::cell::{Cell, CellGrouping};
use super::plan::Plan;
use super::run::method_of;
use crate::dataset::StudyCondition;
use crate::evaluation::score::means;

/// One number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentRow {
    /// The method.
    pub method: String,
    /// The features that were clustered.
    pub features: String,
    /// How they were clustered.
    pub clusterer: String,
    /// K.
    pub clusters: usize,
    /// The seed.
    pub seed: u64,
    /// The study, for a score against groups.
    pub study: Option<String>,
    /// The condition, for a score against groups.
    pub condition: Option<String>,
    /// The rater; none for the mean over raters, and for a score of clusters alone.
    pub rater: Option<String>,
    /// The score's id.
    pub score: String,
    /// Its value, where there is one.
    pub value: Option<f64>,
    /// Over raters, for a mean.
    pub standard_deviation: Option<f64>,
    /// Raters that a mean is over.
    pub raters: Option<usize>,
    /// Pictures that it is about.
    pub pictures: usize,
}

/// All numbers of cells, in their order: of the clusters alone, then for each condition the means and each rater's.
pub fn rows(plan: &Plan, cells: &[Cell]) -> Vec<ExperimentRow> {
    cells.iter().flat_map(|cell| rows_of(plan, cell)).collect()
}

fn rows_of(plan: &Plan, cell: &Cell) -> Vec<ExperimentRow> {
    let row = |score: &'static str, pictures: usize| ExperimentRow {
        method: cell.key.method.clone(),
        features: cell.features.clone(),
        clusterer: method_of(plan, &cell.key).map(|method| method.clusterer.clone()).unwrap_or_default(),
        clusters: cell.key.clusters,
        seed: cell.key.seed,
        study: None,
        condition: None,
        rater: None,
        score: score.to_owned(),
        value: None,
        standard_deviation: None,
        raters: None,
        pictures,
    };
    let images = cell.images.len();
    let mut rows: Vec<ExperimentRow> = cell
        .scores
        .iter()
        .map(|(score, found)| ExperimentRow { value: found.value, ..row(score.id, images) })
        .collect();
    for of_condition in cell.groupings.chunk_by(|a, b| a.condition == b.condition) {
        let StudyCondition { study, condition } = &of_condition[0].condition;
        let among = |score, pictures| ExperimentRow {
            study: study.clone(),
            condition: Some(condition.clone()),
            ..row(score, pictures)
        };
        let scores: Vec<_> = of_condition.iter().map(|grouping| &grouping.scores).collect();
        rows.extend(means(&scores).iter().map(|(score, mean)| ExperimentRow {
            value: mean.map(|mean| mean.mean),
            standard_deviation: mean.and_then(|mean| mean.standard_deviation),
            raters: Some(mean.map_or(0, |mean| mean.count)),
            ..among(score.id, of_condition.iter().map(|grouping| grouping.images).max().unwrap_or(0))
        }));
        let of_rater = |grouping: &CellGrouping| -> Vec<ExperimentRow> {
            let rater = Some(grouping.rater.clone());
            let scores = grouping.scores.iter();
            scores
                .map(|(score, value)| ExperimentRow {
                    rater: rater.clone(),
                    value: *value,
                    ..among(score.id, grouping.images)
                })
                .collect()
        };
        rows.extend(of_condition.iter().flat_map(of_rater));
    }
    rows
}
