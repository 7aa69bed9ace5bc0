//! Mean and standard deviation of several values.

use serde::{Deserialize, Serialize};

use crate::wording::score;

/// Mean and standard deviation of several values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanAndDeviation {
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation (divided by n − 1); none for a single value.
    pub standard_deviation: Option<f64>,
    /// n.
    pub count: usize,
}

/// Mean and sample standard deviation; none without values.
pub fn mean_and_deviation(values: &[f64]) -> Option<MeanAndDeviation> {
    let count = values.len();
    let mean = values.iter().sum::<f64>() / count as f64;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (count > 0).then(|| MeanAndDeviation {
        mean,
        standard_deviation: (count > 1).then(|| (squares / (count - 1) as f64).sqrt()),
        count,
    })
}

/// A mean with its standard deviation, where there is one: "0.654 ± 0.010".
pub fn mean_score(mean: &MeanAndDeviation) -> String {
    let deviation = mean.standard_deviation.map_or_else(String::new, |value| format!(" ± {}", score(value)));
    format!("{}{deviation}", score(mean.mean))
}

/// The mean of a score over raters with its standard deviation; where it is not defined for all of them, instead of that
/// over how many it is: a rater who made one group has no adjusted Rand index.
pub fn mean_over(mean: &MeanAndDeviation, raters: usize) -> String {
    match mean.count == raters {
        true => mean_score(mean),
        false => format!("{} of {}", score(mean.mean), mean.count),
    }
}
