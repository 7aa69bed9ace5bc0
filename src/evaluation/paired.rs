//! Differences of two ways to group the same images, with intervals.
//!
//! How far would the difference move if other images of the same kind had been clustered and sorted? Both ways are scored
//! on the same halves of the images ([`half_scores`]), so that what makes a half easy or hard for both drops out of the
//! difference ([`paired_difference`]). Why halves: see [`half_samples`](super::half_samples).

use std::collections::{BTreeMap, HashSet};

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use super::half_samples::{Estimate, HalfSamples};
use super::mean_and_deviation::mean_and_deviation;
use super::score::{Clustered, Compared, Scores, against_groups, of_clusters};
use crate::error::Result;
use crate::progress::Cancel;

/// Halves that are drawn.
const HALVES: usize = 200;
/// Images up to which ways are scored on halves; with more, differences have no interval.
pub const MOST_IMAGES_FOR_HALVES: usize = 2_000;
/// Shuffles of the chance level of a half: its noise is small beside that of the halves.
const SHUFFLES_OF_A_HALF: usize = 60;
/// All ways are scored on the same halves.
const SEED: u64 = 1;

/// What each score comes to on each half; none where it is not defined there.
pub type HalfScores = Scores<Vec<Option<f64>>>;

fn halves_of(images: usize) -> HalfSamples {
    HalfSamples::new(images, if images <= MOST_IMAGES_FOR_HALVES { HALVES } else { 0 }, SEED)
}

/// The scores of clusters alone on each half of the rows of `values` (n × d).
///
/// # Errors
/// Those of the scores; `Cancelled`.
pub fn half_scores(values: ArrayView2<f32>, assignments: &[usize], seed: u64, cancel: &Cancel) -> Result<HalfScores> {
    let halves = halves_of(assignments.len());
    let of_half = |half: &Vec<usize>| {
        cancel.check()?;
        let clusters: Vec<usize> = half.iter().map(|&row| assignments[row]).collect();
        let values = values.select(Axis(0), half);
        let scores = Clustered::new(values.view(), &clusters, seed, cancel)?.scores()?;
        Ok(of_clusters().map(|score| scores.get(score.id).and_then(|found| found.value)).collect::<Vec<_>>())
    };
    let found = halves.different.par_iter().map(of_half).collect::<Result<Vec<_>>>()?;
    Ok(by_score(of_clusters(), &found, &halves))
}

/// The scores against groups, given by row, on each half of the rows.
///
/// # Errors
/// Those of the scores; `Cancelled`.
pub fn half_scores_against<Group: Ord + Sync>(
    values: ArrayView2<f32>,
    assignments: &[usize],
    groups: &BTreeMap<usize, Group>,
    seed: u64,
    cancel: &Cancel,
) -> Result<HalfScores> {
    let halves = halves_of(assignments.len());
    let of_half = |half: &Vec<usize>| {
        cancel.check()?;
        let kept: HashSet<usize> = half.iter().copied().collect();
        let groups: BTreeMap<usize, &Group> =
            groups.iter().filter(|(row, _)| kept.contains(row)).map(|(row, group)| (*row, group)).collect();
        if groups.is_empty() {
            return Ok(against_groups().map(|_| None).collect());
        }
        let scores = Compared::with_shuffles(values, assignments, &groups, SHUFFLES_OF_A_HALF, seed)?.scores()?;
        Ok(against_groups().map(|score| scores.get(score.id).copied().flatten()).collect::<Vec<_>>())
    };
    let found = halves.different.par_iter().map(of_half).collect::<Result<Vec<_>>>()?;
    Ok(by_score(against_groups(), &found, &halves))
}

/// Each score's values in the order the halves were drawn.
fn by_score(
    scores: impl Iterator<Item = &'static super::score::Score>,
    found: &[Vec<Option<f64>>],
    halves: &HalfSamples,
) -> HalfScores {
    let mut by_score = Scores::default();
    for (place, score) in scores.enumerate() {
        by_score.push(score, halves.drawn.iter().map(|&half| found[half][place]).collect());
    }
    by_score
}

/// The mean of several such lists on each half, over those in which it is defined: of raters, or seeds.
pub fn mean_halves(lists: &[&Vec<Option<f64>>]) -> Vec<Option<f64>> {
    let halves = lists.iter().map(|list| list.len()).min().unwrap_or(0);
    (0..halves)
        .map(|half| {
            let values: Vec<f64> = lists.iter().filter_map(|list| list[half]).collect();
            mean_and_deviation(&values).map(|mean| mean.mean)
        })
        .collect()
}

/// The difference of a score, one way minus the other, given its value on all images and on each half; halves on which
/// either is not defined are left out.
pub fn paired_difference(
    images: usize,
    (one, one_halves): (f64, &[Option<f64>]),
    (other, other_halves): (f64, &[Option<f64>]),
) -> Estimate {
    let differences = one_halves.iter().zip(other_halves).map(|pair| match pair {
        (Some(one), Some(other)) => one - other,
        _ => f64::NAN,
    });
    halves_of(images).estimate(one - other, differences, images, f64::NEG_INFINITY..=f64::INFINITY)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::random::generator;
    use ndarray::Array2;
    use rand::Rng;

    /// Points around three corners, so many of which were put into a group at random.
    fn case(images: usize, seed: u64) -> (Array2<f32>, Vec<usize>, BTreeMap<usize, usize>) {
        let mut random = generator(seed, "paired");
        let truth: Vec<usize> = (0..images).map(|row| row % 3).collect();
        let values = Array2::from_shape_fn((images, 2), |(row, column)| {
            ((truth[row] + column) % 3) as f32 + random.gen_range(0.0..0.1)
        });
        let groups = truth.iter().map(|&group| if random.gen_bool(0.2) { random.gen_range(0..3) } else { group });
        let groups = groups.enumerate().collect();
        (values, truth, groups)
    }

    #[test]
    fn a_way_against_itself_differs_by_nothing_and_against_chance_by_much() {
        let cancel = Cancel::new();
        let (values, truth, groups) = case(120, 1);
        let mut random = generator(2, "paired");
        let chance: Vec<usize> = (0..120).map(|_| random.gen_range(0..3)).collect();
        let halves = |assignments: &[usize]| {
            let all = Compared::new(values.view(), assignments, &groups, 1).unwrap().scores().unwrap();
            (all, half_scores_against(values.view(), assignments, &groups, 1, &cancel).unwrap())
        };
        let (good, bad) = (halves(&truth), halves(&chance));
        for score in against_groups().filter(|score| score.id != "pair_auc") {
            let of = |found: &(Scores<Option<f64>>, HalfScores)| {
                (found.0.get(score.id).unwrap().unwrap(), found.1.get(score.id).unwrap().clone())
            };
            let ((a, a_halves), (b, b_halves)) = (of(&good), of(&bad));
            let same = paired_difference(120, (a, &a_halves), (a, &a_halves)).interval.unwrap();
            assert_eq!((same.low, same.high), (0.0, 0.0), "{}", score.id);
            let apart = paired_difference(120, (a, &a_halves), (b, &b_halves)).interval.unwrap();
            assert!(apart.low < apart.high && apart.low * apart.high > 0.0, "{}: {apart:?}", score.id);
        }
        let alone = half_scores(values.view(), &truth, 1, &cancel).unwrap();
        assert!(alone.get("silhouette").unwrap().iter().all(|value| value.unwrap() > 0.8));
    }

    /// The interval must hold the difference that other images show, in about 95 of 100 cases.
    #[test]
    fn intervals_hold_what_they_promise() {
        let cancel = Cancel::new();
        let id = "adjusted_rand_index";
        let difference = |images: usize, seed: u64| {
            let (values, truth, groups) = case(images, seed);
            let mut random = generator(seed, "worse");
            let worse: Vec<usize> = truth
                .iter()
                .map(|&cluster| if random.gen_bool(0.3) { random.gen_range(0..3) } else { cluster })
                .collect();
            let [one, other] = [&truth, &worse].map(|assignments| {
                let all = Compared::with_shuffles(values.view(), assignments, &groups, 2, 1).unwrap().scores().unwrap();
                let halves = half_scores_against(values.view(), assignments, &groups, 1, &cancel).unwrap();
                (all.get(id).unwrap().unwrap(), halves.get(id).unwrap().clone())
            });
            paired_difference(images, (one.0, &one.1), (other.0, &other.1))
        };
        // Of many images together it is known nearly exactly.
        let expected = (0..12).map(|seed| difference(120, 1_000 + seed).value).sum::<f64>() / 12.0;
        let held = (0..30)
            .filter(|&seed| {
                let interval = difference(60, seed).interval.unwrap();
                (interval.low..=interval.high).contains(&expected)
            })
            .count();
        assert!((25..=30).contains(&held), "{held} of 30");
    }
}
