//! Agreement between two partitions of the same images, with the definitions and edge cases of scikit-learn.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::contingency::Contingency;
use super::score::{Better, Compared, Compute, Score};
use crate::error::Result;

/// The adjusted Rand index against one grouping.
pub static RAND_INDEX: Score = Score {
    id: "adjusted_rand_index",
    name: "Adjusted Rand index",
    short: "Rand",
    better: Better::Higher,
    definition: "Adjusted Rand index (Hubert and Arabie 1985): how many pairs of pictures are together or apart in both, \
                 1 for the same groups, about 0 by chance, at least –0.5.",
    compute: Compute::Against(|compared| if_several_groups(compared, adjusted_rand_index)),
};

/// The adjusted mutual information with one grouping.
pub static MUTUAL_INFORMATION: Score = Score {
    id: "adjusted_mutual_information",
    name: "Adjusted mutual information",
    short: "AMI",
    better: Better::Higher,
    definition: "Adjusted mutual information (Vinh, Epps and Bailey 2010): what clusters and groups tell of each other, \
                 1 for the same groups, about 0 by chance.",
    compute: Compute::Against(|compared| if_several_groups(compared, adjusted_mutual_information)),
};

/// The V-measure against one grouping.
pub static V_MEASURE: Score = Score {
    id: "v_measure",
    name: "V-measure",
    short: "V",
    better: Better::Higher,
    definition: "V-measure (Rosenberg and Hirschberg 2007): harmonic mean of how far clusters hold one group only and \
                 groups lie in one cluster, 0 to 1. Chance gives more than 0, the more the more clusters there are.",
    compute: Compute::Against(|compared| {
        if_several_groups(compared, |clusters, groups| Ok(v_measure(clusters, groups)?.v))
    }),
};

fn if_several_groups(compared: &Compared<'_>, score: fn(&[usize], &[usize]) -> Result<f64>) -> Result<Option<f64>> {
    compared.has_several_groups().then(|| score(&compared.clusters, &compared.groups)).transpose()
}

/// Adjusted Rand index (Hubert and Arabie 1985): 1 for the same partition, about 0 by chance, at least −0.5.
///
/// # Errors
/// `Internal` when the lengths differ.
pub fn adjusted_rand_index(a: &[usize], b: &[usize]) -> Result<f64> {
    Ok(rand_index_of(&Contingency::new(a, b)?))
}

pub(super) fn rand_index_of(table: &Contingency) -> f64 {
    let squares = |sizes: &[usize]| sizes.iter().map(|&size| (size * size) as u64).sum::<u64>() as i128;
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
    // The same whole numbers, which are divided much faster where they fit.
    if images <= MOST_IMAGES_FOR_64_BITS {
        let [together, only_a, only_b, neither] = [together, only_a, only_b, neither].map(|pairs| pairs as i64);
        let numerator = 2 * (together * neither - only_a * only_b);
        let denominator = (together + only_a) * (only_a + neither) + (together + only_b) * (only_b + neither);
        return numerator as f64 / denominator as f64;
    }
    let numerator = 2 * (together * neither - only_a * only_b);
    let denominator = (together + only_a) * (only_a + neither) + (together + only_b) * (only_b + neither);
    numerator as f64 / denominator as f64
}

/// Up to here products of numbers of pairs of images, two of them added, fit into 64 bits.
const MOST_IMAGES_FOR_64_BITS: i128 = 30_000;

/// Adjusted mutual information (Vinh, Epps and Bailey 2010) with the arithmetic mean of the two entropies: 1 for the
/// same partition, about 0 by chance; 0 where one of the two has a single cluster, 1 where both have.
///
/// # Errors
/// `Internal` when the lengths differ.
pub fn adjusted_mutual_information(a: &[usize], b: &[usize]) -> Result<f64> {
    Ok(Information::of(&Contingency::new(a, b)?).adjusted(&mut ExpectedInformation::default()))
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
    Ok(Information::of(&Contingency::new(clusters, groups)?).v_measure())
}

/// What a table of two partitions says in nats, from which several scores follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Information<'a> {
    table: &'a Contingency,
    /// Mutual information.
    mutual: f64,
    /// Entropy of each partition alone.
    clusters: f64,
    groups: f64,
}

impl<'a> Information<'a> {
    pub fn of(table: &'a Contingency) -> Self {
        Self {
            table,
            mutual: mutual_information(table),
            clusters: nats(&table.cluster_sizes, table.images),
            groups: nats(&table.group_sizes, table.images),
        }
    }

    /// Adjusted mutual information.
    pub fn adjusted(&self, expected: &mut ExpectedInformation) -> f64 {
        match (self.table.clusters_in_use(), self.table.groups_in_use()) {
            (0, 0) | (1, 1) => return 1.0,
            (1, _) | (_, 1) => return 0.0,
            _ => {}
        }
        let expected = expected.of(self.table);
        // Both differences keep their sign but never vanish, so that a perfect match gives 1.
        let away_from_zero = |value: f64| if value < 0.0 { value.min(-f64::EPSILON) } else { value.max(f64::EPSILON) };
        away_from_zero(self.mutual - expected) / away_from_zero((self.clusters + self.groups) / 2.0 - expected)
    }

    pub fn v_measure(&self) -> VMeasure {
        let share = |entropy: f64| if entropy == 0.0 { 1.0 } else { self.mutual / entropy };
        let (homogeneity, completeness) = (share(self.groups), share(self.clusters));
        let sum = homogeneity + completeness;
        let v = if sum == 0.0 { 0.0 } else { 2.0 * homogeneity * completeness / sum };
        VMeasure { homogeneity, completeness, v }
    }

    /// [`entropy`](super::entropy()) of the clusters against the groups, and of the groups against the clusters: what of
    /// a partition the other does not tell, as a share of the logarithm of its number of groups.
    pub fn entropies(&self) -> [f64; 2] {
        let share = |entropy: f64, groups: usize| match groups {
            0 | 1 => 0.0,
            groups => ((entropy - self.mutual) / (groups as f64).ln()).clamp(0.0, 1.0),
        };
        [share(self.groups, self.table.groups_in_use()), share(self.clusters, self.table.clusters_in_use())]
    }
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
    /// For a number of images the terms of each smaller and larger size; not a number where not computed yet.
    tables: HashMap<usize, Vec<f64>>,
    /// The term of images, smaller and larger size, where a table would be large.
    terms: HashMap<(usize, usize, usize), f64>,
    /// The sizes of a table and how often each is there, in memory that is used again.
    clusters: Vec<(usize, usize)>,
    groups: Vec<(usize, usize)>,
}

/// Most images of which all terms are kept in a table.
const MOST_IMAGES_IN_TABLE: usize = 512;

impl ExpectedInformation {
    fn of(&mut self, table: &Contingency) -> f64 {
        let (mut clusters, mut groups) = (std::mem::take(&mut self.clusters), std::mem::take(&mut self.groups));
        count_sizes(&table.cluster_sizes, &mut clusters);
        count_sizes(&table.group_sizes, &mut groups);
        let images = table.images;
        let mut known = (images <= MOST_IMAGES_IN_TABLE).then(|| {
            let terms = self.tables.remove(&images);
            terms.unwrap_or_else(|| vec![f64::NAN; (images + 1) * (images + 1)])
        });
        let mut sum = 0.0;
        for &(a, clusters) in &clusters {
            for &(b, groups) in &groups {
                let (a, b) = (a.min(b), a.max(b));
                let term = match &mut known {
                    Some(known) => {
                        let term = &mut known[a * (images + 1) + b];
                        if term.is_nan() {
                            *term = self.term(images, a, b);
                        }
                        *term
                    }
                    None => match self.terms.get(&(images, a, b)) {
                        Some(&term) => term,
                        None => {
                            let term = self.term(images, a, b);
                            self.terms.insert((images, a, b), term);
                            term
                        }
                    },
                };
                sum += (clusters * groups) as f64 * term;
            }
        }
        if let Some(known) = known {
            self.tables.insert(images, known);
        }
        (self.clusters, self.groups) = (clusters, groups);
        sum
    }

    fn term(&mut self, images: usize, a: usize, b: usize) -> f64 {
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
        sum
    }
}

/// Puts the sizes above 0, ascending, and how often each is there, into `counted`.
fn count_sizes(sizes: &[usize], counted: &mut Vec<(usize, usize)>) {
    counted.clear();
    counted.extend(sizes.iter().filter(|&&size| size > 0).map(|&size| (size, 1)));
    counted.sort_unstable();
    counted.dedup_by(|next, known| {
        let same = next.0 == known.0;
        known.1 += usize::from(same);
        same
    });
}
