//! Agreement of people with each other: the scores of every two raters, and of one rater on two occasions.
//!
//! All scores are those used for clusters. Entropy has a direction: one rater's groups stand where the clusters stand,
//! the other's are the correct groups; both directions are given.
//!
//! # What the intervals cover
//! Other images of the same kind, sorted by the very same raters; see [`Interval`](super::Interval) and the module of
//! half-samples for how they are made and how well they hold. They say nothing about other raters: with few of them
//! (four, say) the mean over pairs can move by much more if others sort. The pairs share raters, so neither is the
//! spread of the pairs a standard error of their mean.

use std::ops::RangeInclusive;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::agreement::{ExpectedInformation, Information, rand_index_of};
use super::contingency::Contingency;
use super::half_samples::{Estimate, HalfSamples, LEAST_IMAGES_FOR_INTERVAL};
use super::rater_groupings::RaterGroupings;
use crate::error::Result;
use crate::progress::Cancel;

/// Half-samples drawn for intervals unless said otherwise.
pub const RESAMPLES: usize = 1000;

/// Two raters' groupings compared over the images that both placed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairAgreement {
    /// The first rater.
    pub first: String,
    /// The second rater.
    pub second: String,
    /// Images that both placed, which the scores are about.
    pub images: usize,
    /// Images that only the first placed; left out.
    pub only_in_first: usize,
    /// Images that only the second placed; left out.
    pub only_in_second: usize,
    /// The scores; none where fewer than two images are in both.
    pub scores: Option<PairScores>,
}

/// Scores of two groupings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairScores {
    /// Adjusted Rand index, −0.5 to 1, higher is better.
    pub adjusted_rand_index: Estimate,
    /// Adjusted mutual information, at most 1, higher is better.
    pub adjusted_mutual_information: Estimate,
    /// V-measure, 0 to 1, higher is better.
    pub v_measure: Estimate,
    /// Entropy of the first rater's groups, in the place of clusters, against the second's; 0 to 1, lower is better.
    pub entropy_of_first: Estimate,
    /// Entropy of the second rater's groups, in the place of clusters, against the first's.
    pub entropy_of_second: Estimate,
}

/// Means over pairs of raters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanScores {
    /// Pairs it is over: those that share ten images or more, or all with scores where no pair does.
    pub pairs: usize,
    /// Adjusted Rand index.
    pub adjusted_rand_index: Estimate,
    /// Adjusted mutual information.
    pub adjusted_mutual_information: Estimate,
    /// V-measure.
    pub v_measure: Estimate,
    /// Entropy, over both directions of every pair.
    pub entropy: Estimate,
}

/// Agreement of several raters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RaterAgreement {
    /// Every two raters once, in the raters' order.
    pub pairs: Vec<PairAgreement>,
    /// Mean over the pairs that have scores; none where there is no such pair.
    pub mean: Option<MeanScores>,
    /// Half-samples drawn for the intervals.
    pub resamples: usize,
    /// Their seed.
    pub seed: u64,
}

/// Scores in the order of the fields of [`PairScores`].
type Scores = [f64; 5];

const RANGES: [RangeInclusive<f64>; 5] = [-0.5..=1.0, f64::NEG_INFINITY..=1.0, 0.0..=1.0, 0.0..=1.0, 0.0..=1.0];

/// Scores every two raters, with 95 % intervals from `resamples` half-samples of the images (see the module; without
/// resamples there are no intervals). All pairs are resampled together, so that the interval of the mean is sound.
///
/// # Errors
/// `Cancelled`.
pub fn rater_agreement<Image: Sync>(
    groupings: &RaterGroupings<Image>,
    resamples: usize,
    seed: u64,
    cancel: &Cancel,
) -> Result<RaterAgreement> {
    let images = groupings.images().len();
    let halves = HalfSamples::new(images, resamples, seed);
    let pairs: Vec<(usize, usize)> = groupings.pairs().collect();
    let scored: Vec<(PairAgreement, Option<Scores>, Vec<Scores>)> = pairs
        .par_iter()
        .map(|&(first, second)| {
            let mut expected = ExpectedInformation::default();
            let (a, b) = groupings.common(first, second, 0..images);
            let value = scores(&a, &b, &mut expected)?;
            let of_halves: Vec<Scores> = match value {
                None => Vec::new(),
                Some(_) => (halves.samples.iter())
                    .map(|half| {
                        cancel.check()?;
                        let (a, b) = groupings.common(first, second, half.iter().copied());
                        Ok(scores(&a, &b, &mut expected)?.unwrap_or([f64::NAN; 5]))
                    })
                    .collect::<Result<_>>()?,
            };
            let estimate = |score: usize, value: &Scores| {
                halves.estimate(value[score], of_halves.iter().map(|of| of[score]), a.len(), RANGES[score].clone())
            };
            let agreement = PairAgreement {
                first: groupings.raters()[first].clone(),
                second: groupings.raters()[second].clone(),
                images: a.len(),
                only_in_first: groupings.placed(first) - a.len(),
                only_in_second: groupings.placed(second) - a.len(),
                scores: value.as_ref().map(|value| PairScores {
                    adjusted_rand_index: estimate(0, value),
                    adjusted_mutual_information: estimate(1, value),
                    v_measure: estimate(2, value),
                    entropy_of_first: estimate(3, value),
                    entropy_of_second: estimate(4, value),
                }),
            };
            Ok((agreement, value, of_halves))
        })
        .collect::<Result<_>>()?;

    // Two raters who share two pictures agree wholly or not at all; such pairs would drown the others.
    let enough = |pair: &PairAgreement| pair.images >= LEAST_IMAGES_FOR_INTERVAL;
    let any_enough = scored.iter().any(|(pair, value, _)| value.is_some() && enough(pair));
    let counted = || scored.iter().filter(|(pair, value, _)| value.is_some() && (enough(pair) || !any_enough));
    let compared: Vec<(&Scores, &[Scores])> =
        counted().filter_map(|(_, value, of_halves)| Some((value.as_ref()?, of_halves.as_slice()))).collect();
    let least_images = counted().map(|(pair, ..)| pair.images).min();
    let mean = least_images.map(|least_images| {
        // The mean over pairs of a score, or of several scores of each pair, with that of every half.
        let estimate = |of: &[usize]| {
            let values = compared.iter().flat_map(|(value, _)| of.iter().map(|&score| value[score]));
            let of_half = |half: usize| {
                mean(compared.iter().flat_map(|(_, halves)| of.iter().map(move |&score| halves[half][score])))
            };
            halves.estimate(mean(values), (0..resamples).map(of_half), least_images, RANGES[of[0]].clone())
        };
        MeanScores {
            pairs: compared.len(),
            adjusted_rand_index: estimate(&[0]),
            adjusted_mutual_information: estimate(&[1]),
            v_measure: estimate(&[2]),
            entropy: estimate(&[3, 4]),
        }
    });
    Ok(RaterAgreement { pairs: scored.into_iter().map(|(agreement, ..)| agreement).collect(), mean, resamples, seed })
}

/// The scores of two groupings of the same images; none for fewer than two images.
fn scores(first: &[usize], second: &[usize], expected: &mut ExpectedInformation) -> Result<Option<Scores>> {
    if first.len() < 2 {
        return Ok(None);
    }
    let table = Contingency::new(first, second)?;
    let information = Information::of(&table);
    let [entropy_of_first, entropy_of_second] = information.entropies();
    Ok(Some([
        rand_index_of(&table),
        information.adjusted(expected),
        information.v_measure().v,
        entropy_of_first,
        entropy_of_second,
    ]))
}

/// Mean of the values that are defined; not defined (NaN) without any.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) =
        values.filter(|value| !value.is_nan()).fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    sum / f64::from(count)
}
