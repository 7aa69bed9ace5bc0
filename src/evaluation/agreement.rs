//! Agreement between two partitions of the same images, with the definitions and edge cases of scikit-learn.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::contingency::Contingency;
use crate::error::Result;

/// Adjusted Rand index (Hubert and Arabie 1985): 1 for the same partition, about 0 by chance, at least −0.5.
///
/// # Errors
/// `Internal` when the lengths differ.
pub fn adjusted_rand_index(a: &[usize], b: &[usize]) -> Result<f64> {
    Ok(rand_index_of(&Contingency::new(a, b)?))
}

pub(super) fn rand_index_of(table: &Contingency) -> f64 {
    let squares = |sizes: &[usize]| sizes.iter().map(|&size| size as i128 * size as i128).sum::<i128>();
    let both = table.counts.iter().map(|row| squares(row)).sum();
    rand_index_from_squares(both, squares(&table.cluster_sizes), squares(&table.group_sizes), table.images as i128)
}

/// The index from sums of squares: of the counts in the table of both partitions, of the sizes in each, and the images.
pub(super) fn rand_index_from_squares(both: i128, in_a: i128, in_b: i128, images: i128) -> f64 {
    // Ordered pairs of images: together in both, only in a, only in b, in neither.
    let (together, only_a, only_b) = (both - images, in_a - both, in_b - both);
    let neither = images * images - in_a - in_b + both;
    if only_a == 0 && only_b == 0 {
        return 1.0;
    }
    let numerator = 2 * (together * neither - only_a * only_b);
    let denominator = (together + only_a) * (only_a + neither) + (together + only_b) * (only_b + neither);
    numerator as f64 / denominator as f64
}

/// Adjusted mutual information (Vinh, Epps and Bailey 2010) with the arithmetic mean of the two entropies: 1 for the
/// same partition, about 0 by chance; 0 where one of the two has a single cluster, 1 where both have.
///
/// # Errors
/// `Internal` when the lengths differ.
pub fn adjusted_mutual_information(a: &[usize], b: &[usize]) -> Result<f64> {
    Ok(adjusted_information_of(&Contingency::new(a, b)?, &mut ExpectedInformation::default()))
}

pub(super) fn adjusted_information_of(table: &Contingency, expected: &mut ExpectedInformation) -> f64 {
    match (table.clusters_in_use(), table.groups_in_use()) {
        (0, 0) | (1, 1) => return 1.0,
        (1, _) | (_, 1) => return 0.0,
        _ => {}
    }
    let expected = expected.of(table);
    let mean_entropy = (nats(&table.cluster_sizes, table.images) + nats(&table.group_sizes, table.images)) / 2.0;
    // Both differences keep their sign but never vanish, so that a perfect match gives 1.
    let away_from_zero = |value: f64| if value < 0.0 { value.min(-f64::EPSILON) } else { value.max(f64::EPSILON) };
    away_from_zero(mutual_information(table) - expected) / away_from_zero(mean_entropy - expected)
}

/// V-measure (Rosenberg and Hirschberg 2007).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VMeasure {
    /// 1 where each cluster holds images of one group only.
    pub homogeneity: f64,
    /// 1 where each group lies in one cluster.
    pub completeness: f64,
    /// Their harmonic mean.
    pub v: f64,
}

/// Homogeneity, completeness and V-measure of `clusters` against the correct `groups`.
///
/// # Errors
/// `Internal` when the lengths differ.
pub fn v_measure(clusters: &[usize], groups: &[usize]) -> Result<VMeasure> {
    Ok(v_measure_of(&Contingency::new(clusters, groups)?))
}

pub(super) fn v_measure_of(table: &Contingency) -> VMeasure {
    let information = mutual_information(table);
    let share = |sizes: &[usize]| {
        let entropy = nats(sizes, table.images);
        if entropy == 0.0 { 1.0 } else { information / entropy }
    };
    let (homogeneity, completeness) = (share(&table.group_sizes), share(&table.cluster_sizes));
    let sum = homogeneity + completeness;
    let v = if sum == 0.0 { 0.0 } else { 2.0 * homogeneity * completeness / sum };
    VMeasure { homogeneity, completeness, v }
}

/// Entropy of a partition in nats.
fn nats(sizes: &[usize], images: usize) -> f64 {
    let images = images as f64;
    sizes
        .iter()
        .filter(|&&size| size > 0 && (size as f64) < images)
        .map(|&size| -(size as f64 / images) * (size as f64 / images).ln())
        .sum()
}

/// Mutual information in nats, not below 0.
fn mutual_information(table: &Contingency) -> f64 {
    if table.clusters_in_use() <= 1 || table.groups_in_use() <= 1 {
        return 0.0;
    }
    let images = table.images as f64;
    let mut sum = 0.0;
    for (row, &in_a) in table.counts.iter().zip(&table.cluster_sizes) {
        for (&both, &in_b) in row.iter().zip(&table.group_sizes) {
            if both > 0 {
                let both = both as f64;
                sum += both / images * ((both * images) / (in_a as f64 * in_b as f64)).ln();
            }
        }
    }
    sum.max(0.0)
}

/// Mean mutual information over all pairs of partitions with the sizes of a table, in nats (equation 24a of Vinh, Epps
/// and Bailey 2010).
///
/// It is a sum over pairs of a cluster and a group whose terms depend only on the two sizes and the number of images:
/// what was once computed is kept, which makes many tables of the same images cheap.
#[derive(Clone, Debug, Default)]
pub(super) struct ExpectedInformation {
    /// ln k! for k = 0, 1, …
    ln_factorials: Vec<f64>,
    /// The term of images, smaller and larger size.
    terms: HashMap<(usize, usize, usize), f64>,
}

impl ExpectedInformation {
    fn of(&mut self, table: &Contingency) -> f64 {
        let mut sum = 0.0;
        for &a in table.cluster_sizes.iter().filter(|&&size| size > 0) {
            for &b in table.group_sizes.iter().filter(|&&size| size > 0) {
                sum += self.term(table.images, a.min(b), a.max(b));
            }
        }
        sum
    }

    fn term(&mut self, images: usize, a: usize, b: usize) -> f64 {
        if let Some(&term) = self.terms.get(&(images, a, b)) {
            return term;
        }
        for k in self.ln_factorials.len()..=images {
            let before = k.checked_sub(1).map_or(0.0, |before| self.ln_factorials[before]);
            self.ln_factorials.push(before + (k.max(1) as f64).ln());
        }
        let (n, ln_factorial) = (images, &self.ln_factorials);
        let mut sum = 0.0;
        for both in (a + b).saturating_sub(n).max(1)..=a.min(b) {
            let information = both as f64 / n as f64 * ((n as f64 * both as f64) / (a as f64 * b as f64)).ln();
            let ln_probability = ln_factorial[a] + ln_factorial[b] + ln_factorial[n - a] + ln_factorial[n - b]
                - ln_factorial[n]
                - ln_factorial[both]
                - ln_factorial[a - both]
                - ln_factorial[b - both]
                - ln_factorial[n + both - a - b];
            sum += information * ln_probability.exp();
        }
        self.terms.insert((images, a, b), sum);
        sum
    }
}
