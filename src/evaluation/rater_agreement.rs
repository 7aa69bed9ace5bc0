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
use crate::progress::{Cancel, Observer, Stage};

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

/// Pairs scored between two reports of progress.
const PAIRS_AT_ONCE: usize = 256;

/// Scores every two raters, with 95 % intervals from `resamples` half-samples of the images (see the module; without
/// resamples there are no intervals). All pairs are resampled together, so that the interval of the mean is sound.
///
/// # Errors
/// `Cancelled`.
pub fn rater_agreement<Image: Sync>(
    groupings: &RaterGroupings<Image>,
    resamples: usize,
    seed: u64,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<RaterAgreement> {
    let images = groupings.images().len();
    let halves = HalfSamples::new(images, resamples, seed);
    let pairs: Vec<(usize, usize)> = groupings.pairs().collect();
    // Two raters who share two pictures agree wholly or not at all; such pairs would drown the others.
    let shared = |&(first, second): &(usize, usize)| groupings.common_count(first, second);
    let any_enough = pairs.par_iter().any(|pair| shared(pair) >= LEAST_IMAGES_FOR_INTERVAL);
    let counts = |images: usize| images >= LEAST_IMAGES_FOR_INTERVAL || (!any_enough && images >= 2);

    let mut scored = Vec::with_capacity(pairs.len());
    let mut means = Means::new(resamples);
    let stage = Stage::new("Comparing raters", pairs.len());
    for chunk in pairs.chunks(PAIRS_AT_ONCE) {
        observer.progress(stage.at(scored.len()));
        let chunk_scores: Vec<Scored> = chunk
            .par_iter()
            .map_init(Workspace::default, |workspace, &(first, second)| {
                cancel.check()?;
                workspace.score(groupings, first, second, &halves)
            })
            .collect::<Result<_>>()?;
        // In the order of the pairs, so that sums are the same to the last bit however many threads there are.
        for pair in chunk_scores {
            if counts(pair.agreement.images)
                && let Some(value) = &pair.value
            {
                means.add(value, pair.agreement.images, &pair.half_scores, &halves);
            }
            scored.push(pair.agreement);
        }
    }
    observer.progress(stage.at(pairs.len()));
    Ok(RaterAgreement { pairs: scored, mean: means.finish(&halves), resamples, seed })
}

/// A pair with what its mean needs.
struct Scored {
    agreement: PairAgreement,
    value: Option<Scores>,
    /// By different half.
    half_scores: Vec<Scores>,
}

/// Memory that one thread uses again for every pair.
#[derive(Default)]
struct Workspace {
    expected: ExpectedInformation,
    table: Option<Contingency>,
    first: Vec<usize>,
    second: Vec<usize>,
}

impl Workspace {
    fn score<Image: Sync>(
        &mut self,
        groupings: &RaterGroupings<Image>,
        first: usize,
        second: usize,
        halves: &HalfSamples,
    ) -> Result<Scored> {
        let value = self.scores_of(groupings, first, second, 0..groupings.images().len())?;
        let images = self.first.len();
        let half_scores: Vec<Scores> = match value {
            None => Vec::new(),
            Some(_) => (halves.different.iter())
                .map(|half| {
                    let scores = self.scores_of(groupings, first, second, half.iter().copied())?;
                    Ok(scores.unwrap_or([f64::NAN; 5]))
                })
                .collect::<Result<_>>()?,
        };
        let estimate = |score: usize, value: &Scores| {
            let half_scores = halves.drawn.iter().map(|half| half_scores[*half][score]);
            halves.estimate(value[score], half_scores, images, RANGES[score].clone())
        };
        let agreement = PairAgreement {
            first: groupings.raters()[first].clone(),
            second: groupings.raters()[second].clone(),
            images,
            only_in_first: groupings.placed(first) - images,
            only_in_second: groupings.placed(second) - images,
            scores: value.as_ref().map(|value| PairScores {
                adjusted_rand_index: estimate(0, value),
                adjusted_mutual_information: estimate(1, value),
                v_measure: estimate(2, value),
                entropy_of_first: estimate(3, value),
                entropy_of_second: estimate(4, value),
            }),
        };
        Ok(Scored { agreement, value, half_scores })
    }

    fn scores_of<Image>(
        &mut self,
        groupings: &RaterGroupings<Image>,
        first: usize,
        second: usize,
        images: impl Iterator<Item = usize>,
    ) -> Result<Option<Scores>> {
        groupings.common(first, second, images, &mut self.first, &mut self.second);
        if self.first.len() < 2 {
            return Ok(None);
        }
        let table = match &mut self.table {
            Some(table) => {
                table.count(&self.first, &self.second)?;
                table
            }
            none => none.insert(Contingency::new(&self.first, &self.second)?),
        };
        Ok(Some(scores(table, &mut self.expected)))
    }
}

/// Sums over pairs, of the scores and of those of every draw.
struct Means {
    pairs: usize,
    least_images: usize,
    values: [Sum; 4],
    draws: Vec<[Sum; 4]>,
}

/// A sum of defined values and their number.
#[derive(Clone, Copy, Default)]
struct Sum {
    sum: f64,
    count: u32,
}

/// The scores that each mean is over: entropy over both directions.
const OF_MEANS: [&[usize]; 4] = [&[0], &[1], &[2], &[3, 4]];

impl Sum {
    fn add(&mut self, value: f64) {
        if !value.is_nan() {
            self.sum += value;
            self.count += 1;
        }
    }

    /// Not defined (NaN) without any value.
    fn mean(self) -> f64 {
        self.sum / f64::from(self.count)
    }
}

impl Means {
    fn new(resamples: usize) -> Self {
        Self {
            pairs: 0,
            least_images: usize::MAX,
            values: [Sum::default(); 4],
            draws: vec![[Sum::default(); 4]; resamples],
        }
    }

    fn add(&mut self, value: &Scores, images: usize, half_scores: &[Scores], halves: &HalfSamples) {
        let add = |sums: &mut [Sum; 4], scores: &Scores| {
            for (sum, of) in sums.iter_mut().zip(OF_MEANS) {
                of.iter().for_each(|&score| sum.add(scores[score]));
            }
        };
        self.pairs += 1;
        self.least_images = self.least_images.min(images);
        add(&mut self.values, value);
        for (sums, half) in self.draws.iter_mut().zip(&halves.drawn) {
            add(sums, &half_scores[*half]);
        }
    }

    fn finish(&self, halves: &HalfSamples) -> Option<MeanScores> {
        let estimate = |mean: usize| {
            let draws = self.draws.iter().map(|sums| sums[mean].mean());
            let range = RANGES[OF_MEANS[mean][0]].clone();
            halves.estimate(self.values[mean].mean(), draws, self.least_images, range)
        };
        (self.pairs > 0).then(|| MeanScores {
            pairs: self.pairs,
            adjusted_rand_index: estimate(0),
            adjusted_mutual_information: estimate(1),
            v_measure: estimate(2),
            entropy: estimate(3),
        })
    }
}

/// The scores of a table of two or more images.
fn scores(table: &Contingency, expected: &mut ExpectedInformation) -> Scores {
    let information = Information::of(table);
    let [entropy_of_first, entropy_of_second] = information.entropies();
    [
        rand_index_of(table),
        information.adjusted(expected),
        information.v_measure().v,
        entropy_of_first,
        entropy_of_second,
    ]
}
