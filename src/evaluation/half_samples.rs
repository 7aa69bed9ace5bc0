//! 95 % intervals of scores over images, by half-sampling.
//!
//! How far would a score move if other images of the same kind had been sorted by the same people? The usual bootstrap
//! draws as many images as there are, with replacement. For scores of partitions that goes wrong: a double of an image
//! lies with its twin in both partitions, which counts as agreement that nobody showed. At 120 images in eight groups
//! the adjusted mutual information of the resamples lies 0.07 too high, and of the nominal 95 % intervals two thirds
//! hold the expected value. Shifting the interval back is not enough, because the doubles make it too narrow as well
//! (82 to 96 %).
//!
//! So each resample is a half of the images drawn without replacement, in which no image is there twice. Deviations of
//! halves vary as those of the whole: Var(m of n without replacement) = σ²(1/m − 1/n), which is σ²/n for m = n/2
//! (delete-d jackknife, Shao and Wu 1989; subsampling, Politis, Romano and Wolf 1999). Their deviations from their own
//! mean are placed around the score, so that what only the smaller number does to a score drops out. In simulations
//! (60 to 500 images, eight to twelve groups, weak to strong agreement) such intervals held the expected score in 87 to
//! 99 % of the cases for the adjusted Rand index and adjusted mutual information and in 83 to 97 % for V-measure and
//! entropy; the low ends belong to few images and nearly perfect agreement.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use rand::seq::index;
use serde::{Deserialize, Serialize};

use super::entropy::quantile;
use crate::random::generator;

/// Below this number of images there is no interval.
pub const LEAST_IMAGES_FOR_INTERVAL: usize = 10;

/// An interval that holds the expected value of a score for other images of the same kind, in about 95 % of the cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A score and how exactly the images tell it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The score of all images.
    pub value: f64,
    /// 95 % interval over images; none for fewer than [`LEAST_IMAGES_FOR_INTERVAL`], or without resamples.
    pub interval: Option<Interval>,
}

/// Halves of the images, each drawn without replacement.
#[derive(Clone, Debug)]
pub(super) struct HalfSamples {
    /// The different halves that were drawn, as numbers of images, ascending: of few images there are few halves.
    pub different: Vec<Vec<usize>>,
    /// Which of them each draw gave.
    pub drawn: Vec<usize>,
    /// Deviations of halves are multiplied by this; 1 for an even number of images.
    scale: f64,
}

impl HalfSamples {
    /// Draws `resamples` halves of `images` images.
    pub fn new(images: usize, resamples: usize, seed: u64) -> Self {
        let mut random = generator(seed, "half-samples");
        let half = images / 2;
        let mut draw = || {
            let mut sample = index::sample(&mut random, images, half).into_vec();
            sample.sort_unstable();
            sample
        };
        let rest = (images - half).max(1);
        let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut different = Vec::new();
        let drawn = (0..resamples)
            .map(|_| {
                let sample = draw();
                if let Some(&number) = known.get(&sample) {
                    return number;
                }
                known.insert(sample.clone(), different.len());
                different.push(sample);
                different.len() - 1
            })
            .collect();
        Self { different, drawn, scale: (half as f64 / rest as f64).sqrt() }
    }

    /// The estimate from the score of all images and those of the halves, of which some may be not defined (NaN). The
    /// interval stays within `range`, the values that the score can have.
    pub fn estimate(
        &self,
        value: f64,
        half_scores: impl Iterator<Item = f64>,
        images: usize,
        range: RangeInclusive<f64>,
    ) -> Estimate {
        let mut deviations: Vec<f64> = half_scores.filter(|value| !value.is_nan()).collect();
        if images < LEAST_IMAGES_FOR_INTERVAL || deviations.len() * 2 <= self.drawn.len() {
            return Estimate { value, interval: None };
        }
        let mean = deviations.iter().sum::<f64>() / deviations.len() as f64;
        deviations.iter_mut().for_each(|deviation| *deviation = (*deviation - mean) * self.scale);
        deviations.sort_by(f64::total_cmp);
        let end = |share| (value + quantile(&deviations, share)).clamp(*range.start(), *range.end());
        Estimate { value, interval: Some(Interval { low: end(0.025), high: end(0.975) }) }
    }
}
