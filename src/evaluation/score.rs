//! The list of scores: what each is called, what it says, which way is better, and how it is computed.
//!
//! [`SCORES`] is the one list that the window, the tables, the JSON and the CSV loop over; a new score is a file of its
//! own with a [`Score`] in it, and a line in that list. Some scores look at features and clusters alone ([`Clustered`]), others
//! compare clusters with one grouping made by people ([`Compared`]).

use std::collections::BTreeMap;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize, Serializer};

use super::entropy::{Entropy, PermutationBaseline, entropy, permutation_baseline};
use super::mean_and_deviation::{MeanAndDeviation, mean_and_deviation};
use super::{SCORES, Silhouette, silhouette};
use crate::dataset::{StudyCondition, group_numbers};
use crate::error::{ErrorKind, Result};
use crate::progress::Cancel;

/// Shuffles of the chance level.
const SHUFFLES: usize = 1000;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// The higher, the better.
    Higher,
    /// The lower, the better.
    Lower,
}

/// How a score comes about.
#[derive(Clone, Copy, Debug)]
pub enum Compute {
    /// From features and clusters alone. A `User` error says why there is none.
    Alone(fn(&Clustered<'_>) -> Result<f64>),
    /// From clusters and one grouping; none where it would say nothing.
    Against(fn(&Compared<'_>) -> Result<Option<f64>>),
}

/// A score of a clustering.
#[derive(Debug)]
pub struct Score {
    /// What it is called in files: `adjusted_rand_index`.
    pub id: &'static str,
    /// What it is called: "Adjusted Rand index".
    pub name: &'static str,
    /// What it is called where there is little room: "Rand".
    pub short: &'static str,
    /// Which way is better.
    pub better: Better,
    /// What it says, with its range and source, as sentences.
    pub definition: &'static str,
    /// How it comes about.
    pub compute: Compute,
}

impl Score {
    /// Its definition, and which way is better, for those who look at a number.
    pub fn help(&self) -> String {
        let better = match self.better {
            Better::Higher => "Higher is better.",
            Better::Lower => "Lower is better.",
        };
        format!("{} {better}", self.definition)
    }

    /// True where it compares with groups made by people.
    pub fn is_against_groups(&self) -> bool {
        matches!(self.compute, Compute::Against(_))
    }
}

/// Scores that compare with groups made by people.
pub fn against_groups() -> impl Iterator<Item = &'static Score> {
    SCORES.iter().copied().filter(|score| score.is_against_groups())
}

/// Scores of clusters alone.
pub fn of_clusters() -> impl Iterator<Item = &'static Score> {
    SCORES.iter().copied().filter(|score| !score.is_against_groups())
}

/// Features and clusters.
#[derive(Debug)]
pub struct Clustered<'a> {
    /// n × d.
    pub values: ArrayView2<'a, f32>,
    /// The cluster of each row, counted from 0.
    pub assignments: &'a [usize],
    /// The seed of what is drawn.
    pub seed: u64,
    /// Stops what takes long.
    pub cancel: &'a Cancel,
    /// The silhouette with all its values, or why there is none.
    pub silhouette: Result<Silhouette, String>,
}

impl<'a> Clustered<'a> {
    /// Puts the parts together, and computes what more than one score or view needs.
    ///
    /// # Errors
    /// `Cancelled`, `Data` for values that are not finite, `Internal` when the lengths differ.
    pub fn new(values: ArrayView2<'a, f32>, assignments: &'a [usize], seed: u64, cancel: &'a Cancel) -> Result<Self> {
        let silhouette = match silhouette(values, assignments, seed, cancel) {
            Ok(silhouette) => Ok(silhouette),
            Err(error) if error.kind == ErrorKind::User => Err(error.message),
            Err(error) => return Err(error),
        };
        Ok(Self { values, assignments, seed, cancel, silhouette })
    }

    /// Every score of the clusters alone.
    ///
    /// # Errors
    /// `Cancelled`, and errors other than those a score itself reports.
    pub fn scores(&self) -> Result<Scores<Computed>> {
        let mut scores = Scores::default();
        for score in of_clusters() {
            if let Compute::Alone(compute) = score.compute {
                scores.push(
                    score,
                    match compute(self) {
                        Ok(value) => Computed { value: Some(value), why_not: None },
                        Err(error) if error.kind == ErrorKind::User => {
                            Computed { value: None, why_not: Some(error.message) }
                        }
                        Err(error) => return Err(error),
                    },
                );
            }
        }
        Ok(scores)
    }
}

/// A score, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Computed {
    /// The score.
    pub value: Option<f64>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// Clusters and one grouping, over the images that are in both.
#[derive(Debug)]
pub struct Compared<'a> {
    /// The features of all clustered images.
    pub values: ArrayView2<'a, f32>,
    /// The rows of the images that are in both.
    pub rows: Vec<usize>,
    /// Their clusters.
    pub clusters: Vec<usize>,
    /// Their groups, counted from 0.
    pub groups: Vec<usize>,
    /// The entropy of the clusters against the groups.
    pub entropy: Entropy,
    /// The entropy that chance gives.
    pub chance: PermutationBaseline,
    /// The seed of what is drawn.
    pub seed: u64,
}

impl<'a> Compared<'a> {
    /// Compares the clusters of all rows of `values` with groups, given by row.
    ///
    /// # Errors
    /// `User` when no row has a group.
    pub fn new<Group: Ord>(
        values: ArrayView2<'a, f32>,
        assignments: &[usize],
        groups: &BTreeMap<usize, Group>,
        seed: u64,
    ) -> Result<Self> {
        Self::with_shuffles(values, assignments, groups, SHUFFLES, seed)
    }

    /// As [`new`](Self::new), with so many shuffles of the chance level.
    pub(super) fn with_shuffles<Group: Ord>(
        values: ArrayView2<'a, f32>,
        assignments: &[usize],
        groups: &BTreeMap<usize, Group>,
        shuffles: usize,
        seed: u64,
    ) -> Result<Self> {
        let numbers = group_numbers(groups.values());
        let rows: Vec<usize> = groups.keys().copied().collect();
        let clusters: Vec<usize> = rows.iter().map(|&row| assignments[row]).collect();
        let groups: Vec<usize> = groups.values().map(|group| numbers[group]).collect();
        Ok(Self {
            entropy: entropy(&clusters, &groups)?,
            chance: permutation_baseline(&clusters, &groups, shuffles, seed)?,
            values,
            rows,
            clusters,
            groups,
            seed,
        })
    }

    /// True where there are two groups or more: else agreement is 0 or 1, whatever the clusters are.
    pub fn has_several_groups(&self) -> bool {
        self.groups.iter().any(|group| *group != self.groups[0])
    }

    /// Every score against these groups.
    ///
    /// # Errors
    /// Those of the scores.
    pub fn scores(&self) -> Result<Scores<Option<f64>>> {
        let mut scores = Scores::default();
        for score in against_groups() {
            if let Compute::Against(compute) = score.compute {
                scores.push(score, compute(self)?);
            }
        }
        Ok(scores)
    }
}

/// The mean of each score over several groupings, each counted once, over those for which it is defined. This is the one
/// place where means over raters are taken: the window, the tables and the files show these.
pub fn means(of: &[&Scores<Option<f64>>]) -> Scores<Option<MeanAndDeviation>> {
    let mut means = Scores::default();
    for score in against_groups() {
        let values: Vec<f64> = of.iter().filter_map(|scores| *scores.get(score.id)?).collect();
        means.push(score, mean_and_deviation(&values));
    }
    means
}

/// Something for each of several scores, by their ids.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores<T>(Vec<(&'static str, T)>);

impl<T> Default for Scores<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Scores<T> {
    pub(super) fn push(&mut self, score: &'static Score, value: T) {
        self.0.push((score.id, value));
    }

    /// What there is of a score.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| *known == id).map(|(_, value)| value)
    }

    /// Each score with what there is of it, in the order of [`SCORES`].
    pub fn iter(&self) -> impl Iterator<Item = (&'static Score, &T)> {
        self.0.iter().filter_map(|(id, value)| Some((*SCORES.iter().find(|score| score.id == *id)?, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Scores<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found: BTreeMap<String, T> = BTreeMap::deserialize(deserializer)?;
        // A score that another version had is not known here.
        let known = SCORES.iter().filter_map(|score| Some((score.id, found.remove(score.id)?)));
        Ok(Self(known.collect()))
    }
}

impl<T: Serialize> Serialize for Scores<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, value)| (id, value)))
    }
}

/// One score of many, as it stands in a table.
#[derive(Clone, Debug)]
pub struct ScoreRow<'a> {
    /// Which.
    pub score: &'static Score,
    /// In which study and under which condition, where it is against groups.
    pub condition: Option<&'a StudyCondition>,
    /// Against whose groups; none for a mean over raters and for clusters alone.
    pub rater: Option<&'a str>,
    /// The score or mean, where there is one.
    pub value: Option<f64>,
    /// Over raters.
    pub standard_deviation: Option<f64>,
    /// Raters that a mean is over.
    pub raters: Option<usize>,
    /// Images that it is about.
    pub images: usize,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn scores_are_told_apart_and_say_what_they_are() {
        let ids: BTreeSet<&str> = SCORES.iter().map(|score| score.id).collect();
        let names: BTreeSet<&str> = SCORES.iter().flat_map(|score| [score.name, score.short]).collect();
        assert_eq!(ids.len(), SCORES.len());
        assert!(names.len() >= SCORES.len());
        for score in SCORES {
            assert!(score.definition.len() > 40 && score.definition.ends_with('.'), "{}", score.id);
        }
    }
}
