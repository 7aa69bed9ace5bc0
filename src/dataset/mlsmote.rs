//! Synthetic samples of rare labels: MLSMOTE (Charte, Rivera, del Jesus and Herrera, 2015).
//!
//! For each minority label, for each sample that has it: among its k nearest neighbours that have it too one is drawn
//! as reference, and a new sample is put between the two. It gets the labels that more than half of the sample and its
//! neighbours have. [`mlsmote`] finds samples, references and labels from the backbone's features of the training
//! part's own pictures; then [`Synthesis::features`] makes features (a share u of the way for each feature by itself),
//! for a fixed backbone, or [`Synthesis::mixtures`] names pictures to mix (one u for the whole picture), for one that is
//! trained. Only the images as they are serve, not their augmented copies.

use rand::Rng;
use rayon::prelude::*;

use super::imbalance::{Imbalance, labels_of};
use super::samples::Sample;
use crate::error::{Error, Result};
use crate::random::generator;

/// One synthetic sample. Rows are those of the features it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntheticSample {
    /// The rare label it is made for.
    pub label: usize,
    /// The row that has the label.
    pub row: usize,
    /// Its nearest neighbours that have the label, nearest first.
    pub neighbours: Vec<usize>,
    /// The neighbour on whose way it lies.
    pub reference: usize,
    /// The labels it gets.
    pub labels: Vec<usize>,
}

/// All synthetic samples of a training part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synthesis {
    /// The samples, by label and then by row.
    pub samples: Vec<SyntheticSample>,
    /// Rows with each label before.
    pub counts_before: Vec<usize>,
    /// Rows with each label, with the synthetic ones.
    pub counts_after: Vec<usize>,
    seed: u64,
}

/// Finds what to synthesise from features (n × d) and targets (n × L), both row-major, with `neighbours` (k, at least 1)
/// and L = `labels`. The result depends on the seed, not on threads. Equally near neighbours come in the order of rows.
///
/// # Errors
/// `Internal` when features and targets do not fit.
pub fn mlsmote(features: &[f32], targets: &[f32], labels: usize, neighbours: usize, seed: u64) -> Result<Synthesis> {
    if labels == 0 || !targets.len().is_multiple_of(labels) {
        return Err(Error::internal(format!("{} targets do not divide into rows of {labels} labels", targets.len())));
    }
    let rows = targets.len() / labels;
    if rows == 0 || !features.len().is_multiple_of(rows) {
        return Err(Error::internal(format!("{} features do not divide into {rows} rows", features.len())));
    }
    let width = features.len() / rows;
    let row_of = |row: usize| &features[row * width..(row + 1) * width];
    let labels_by_row: Vec<Vec<usize>> = targets.chunks_exact(labels).map(labels_of).collect();
    let imbalance = Imbalance::of(targets, labels);

    let mut samples = Vec::new();
    for label in imbalance.minority() {
        let bag: Vec<usize> = (0..rows).filter(|&row| labels_by_row[row].contains(&label)).collect();
        let made = bag.par_iter().filter_map(|&row| {
            let others = bag.iter().copied().filter(|&other| other != row);
            let mut near: Vec<(f64, usize)> =
                others.map(|other| (squared_distance(row_of(row), row_of(other)), other)).collect();
            near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let neighbours: Vec<usize> = near.into_iter().take(neighbours.max(1)).map(|(_, other)| other).collect();
            if neighbours.is_empty() {
                return None;
            }
            let reference = neighbours[stream(seed, "reference", label, row).gen_range(0..neighbours.len())];
            let voters = neighbours.len() + 1;
            let has = |wanted: usize| {
                let votes = neighbours.iter().chain([&row]).filter(|&&voter| labels_by_row[voter].contains(&wanted));
                2 * votes.count() > voters
            };
            let labels = (0..labels).filter(|&wanted| has(wanted)).collect();
            Some(SyntheticSample { label, row, neighbours, reference, labels })
        });
        samples.extend(made.collect::<Vec<_>>());
    }
    let mut counts_after = imbalance.counts.clone();
    samples.iter().flat_map(|sample| &sample.labels).for_each(|&label| counts_after[label] += 1);
    Ok(Synthesis { samples, counts_before: imbalance.counts, counts_after, seed })
}

/// The random stream of one sample for one use.
fn stream(seed: u64, usage: &str, label: usize, row: usize) -> crate::random::Generator {
    generator(seed, &format!("mlsmote {usage} label {label} row {row}"))
}

fn squared_distance(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(a, b)| f64::from(a - b) * f64::from(a - b)).sum()
}

impl Synthesis {
    /// Features of the synthetic samples, m × d: sample + u·(reference − sample), u drawn for each feature. `features`
    /// are those that the samples were found from, n × d.
    pub fn features(&self, features: &[f32], width: usize) -> Vec<f32> {
        let row_of = |row: usize| &features[row * width..(row + 1) * width];
        let mut made = Vec::with_capacity(self.samples.len() * width);
        for sample in &self.samples {
            let mut random = stream(self.seed, "features", sample.label, sample.row);
            let pairs = row_of(sample.row).iter().zip(row_of(sample.reference));
            made.extend(pairs.map(|(from, to)| from + random.gen_range(0.0..=1.0f32) * (to - from)));
        }
        made
    }

    /// The synthetic samples as mixtures of pictures. `images` says which image of the loader's list a row is.
    pub fn mixtures(&self, images: impl Fn(usize) -> usize) -> Vec<Sample> {
        let mixture = |sample: &SyntheticSample| Sample::Mixed {
            image: images(sample.row),
            reference: images(sample.reference),
            u: stream(self.seed, "pixels", sample.label, sample.row).gen_range(0.0..=1.0),
        };
        self.samples.iter().map(mixture).collect()
    }

    /// Targets of the synthetic samples: m × L zeros and ones.
    pub fn targets(&self) -> Vec<f32> {
        let labels = self.counts_before.len();
        let mut targets = vec![0.0; self.samples.len() * labels];
        for (sample, row) in self.samples.iter().zip(targets.chunks_exact_mut(labels.max(1))) {
            sample.labels.iter().for_each(|&label| row[label] = 1.0);
        }
        targets
    }
}
