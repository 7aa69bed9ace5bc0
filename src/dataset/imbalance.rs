//! How unevenly labels are spread: what MLSMOTE goes by, and what people are shown before training.
//!
//! Targets are n × L, row-major; an image has a label where its target is above 0.5. The measures are those of Charte et
//! al. (2015, 2014): IRLbl(l) = max over l' of count(l') / count(l), MeanIR their mean, and SCUMBLE, how often rare and
//! common labels stand on the same image.

use serde::{Deserialize, Serialize};

/// The measures of one part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Imbalance {
    /// Images that have each label.
    pub counts: Vec<usize>,
    /// IRLbl of each label, 1 for the most common; none for a label that no image has.
    pub ratios: Vec<Option<f64>>,
    /// MeanIR, over the labels that some image has; none where there are none.
    pub mean_ratio: Option<f64>,
    /// L × L, row-major: images that have both labels; the diagonal has the counts.
    pub co_occurrence: Vec<usize>,
    /// SCUMBLE, 0 to 1: the mean over images of 1 − geometric over arithmetic mean of their labels' IRLbl. Near 0 where
    /// rare labels stand by themselves and adding images with them helps; above about 0.1 it brings common labels along.
    pub scumble: f64,
}

impl Imbalance {
    /// Measures targets of L = `labels` labels.
    pub fn of(targets: &[f32], labels: usize) -> Self {
        let mut counts = vec![0usize; labels];
        let mut co_occurrence = vec![0usize; labels * labels];
        let has: Vec<Vec<usize>> = targets.chunks_exact(labels.max(1)).map(labels_of).collect();
        for row in &has {
            for &one in row {
                counts[one] += 1;
                for &other in row {
                    co_occurrence[one * labels + other] += 1;
                }
            }
        }
        let most = counts.iter().copied().max().unwrap_or(0);
        let ratios: Vec<Option<f64>> =
            counts.iter().map(|&count| (count > 0).then(|| most as f64 / count as f64)).collect();
        let known: Vec<f64> = ratios.iter().flatten().copied().collect();
        let mean_ratio = (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64);
        let scumble_of = |row: &Vec<usize>| {
            let row_ratios: Vec<f64> = row.iter().filter_map(|&label| ratios[label]).collect();
            let count = row_ratios.len() as f64;
            if row_ratios.is_empty() {
                return 0.0;
            }
            let geometric = (row_ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / count).exp();
            1.0 - geometric / (row_ratios.iter().sum::<f64>() / count)
        };
        let scumble = has.iter().map(scumble_of).sum::<f64>() / has.len().max(1) as f64;
        Self { counts, ratios, mean_ratio, co_occurrence, scumble }
    }

    /// Whether a label is rarer than the mean: IRLbl > MeanIR. A label that no image has is not among them, since
    /// nothing can be made of it.
    pub fn is_minority(&self, label: usize) -> bool {
        matches!((self.ratios.get(label), self.mean_ratio), (Some(&Some(ratio)), Some(mean)) if ratio > mean)
    }

    /// The labels that are rarer than the mean.
    pub fn minority(&self) -> Vec<usize> {
        (0..self.counts.len()).filter(|&label| self.is_minority(label)).collect()
    }

    /// Synthetic samples that MLSMOTE makes for a label: one for each image that has it, where there are two or more
    /// and the label is rare. Known without any features.
    pub fn synthetic_samples(&self, label: usize) -> usize {
        if self.is_minority(label) && self.counts[label] > 1 { self.counts[label] } else { 0 }
    }
}

/// The labels of one row of targets.
pub(super) fn labels_of(row: &[f32]) -> Vec<usize> {
    row.iter().enumerate().filter(|(_, target)| **target > 0.5).map(|(label, _)| label).collect()
}
