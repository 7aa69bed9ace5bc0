//! How often each two images stand together in the groups of several raters, and which images people disagree on.

use rayon::prelude::*;

use super::rater_groupings::RaterGroupings;
use crate::clustering::Tree;

/// For every two images how many raters placed both, and how many of these put them into one group.
#[derive(Clone, Debug, PartialEq)]
pub struct CoOccurrence {
    images: usize,
    /// By pair (i, j), i < j, in the order (0, 1), (0, 2), …, (1, 2), …: together and placed.
    counts: Vec<(u32, u32)>,
}

impl CoOccurrence {
    /// Counts over all raters; images are known by their place in [`RaterGroupings::images`].
    pub fn new<Image: Sync>(groupings: &RaterGroupings<Image>) -> Self {
        let (images, raters) = (groupings.images().len(), groupings.raters().len());
        let groups: Vec<&[Option<usize>]> = (0..raters).map(|rater| groupings.groups_of(rater)).collect();
        let counts = (0..images)
            .into_par_iter()
            .flat_map_iter(|i| {
                let groups = &groups;
                (i + 1..images).map(move |j| {
                    let mut count = (0, 0);
                    for rater in groups {
                        if let (Some(a), Some(b)) = (rater[i], rater[j]) {
                            count.0 += u32::from(a == b);
                            count.1 += 1;
                        }
                    }
                    count
                })
            })
            .collect();
        Self { images, counts }
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.images
    }

    /// How many raters put two images together, and how many placed both. An image with itself counts as nothing.
    pub fn counts(&self, i: usize, j: usize) -> (u32, u32) {
        let (i, j) = (i.min(j), i.max(j));
        if i == j {
            return (0, 0);
        }
        self.counts[i * self.images - i * (i + 1) / 2 + j - i - 1]
    }

    /// The share, 0 to 1, of the raters who placed both images that put them together; none where nobody placed both.
    pub fn share(&self, i: usize, j: usize) -> Option<f64> {
        let (together, placed) = self.counts(i, j);
        (placed > 0).then(|| f64::from(together) / f64::from(placed))
    }

    /// 1 − share for every two images, in the order of a [`Tree`]; 1 where nobody placed both.
    pub fn distances(&self) -> Vec<f64> {
        let distance = |&(together, placed): &(u32, u32)| match placed {
            0 => 1.0,
            _ => 1.0 - f64::from(together) / f64::from(placed),
        };
        self.counts.iter().map(distance).collect()
    }

    /// The tree by which images that stand together come next to each other: average linkage of 1 − share.
    pub fn tree(&self) -> Tree {
        Tree::average(self.images, &self.distances())
    }

    /// For each image, over all others, the mean chance that two different raters disagree on whether the two belong
    /// together: 2 k (R − k) / (R (R − 1)) where k of R raters put them together. 0 where all agree; none where no two
    /// raters placed the image with another.
    pub fn disagreement(&self) -> Vec<Option<f64>> {
        (0..self.images)
            .map(|i| {
                let chances = (0..self.images).filter_map(|j| {
                    let (together, placed) = self.counts(i, j);
                    let (k, all) = (f64::from(together), f64::from(placed));
                    (placed > 1).then(|| 2.0 * k * (all - k) / (all * (all - 1.0)))
                });
                let (sum, count) = chances.fold((0.0, 0), |(sum, count), chance| (sum + chance, count + 1));
                (count > 0).then(|| sum / f64::from(count))
            })
            .collect()
    }
}
