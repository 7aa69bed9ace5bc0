//! How often people put two images together, and on which images they disagree.
//!
//! The co-occurrence of two images is the share of the raters who placed both that put them into one group.

use super::average_linkage::AverageLinkage;
use super::rater_groupings::RaterGroupings;

/// Co-occurrence of every two images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoOccurrence {
    images: usize,
    /// By row and column: raters who put both together, raters who placed both.
    counts: Vec<(u32, u32)>,
}

impl CoOccurrence {
    /// Counts; images by their position in [`RaterGroupings::images`].
    pub fn new<Image>(groupings: &RaterGroupings<Image>) -> Self {
        let images = groupings.images().len();
        let mut counts = vec![(0, 0); images * images];
        for rater in 0..groupings.raters().len() {
            let groups = groupings.groups_of(rater);
            for (row, own) in counts.chunks_exact_mut(images.max(1)).zip(groups) {
                let Some(own) = own else { continue };
                for ((together, placed), other) in row.iter_mut().zip(groups) {
                    *placed += u32::from(other.is_some());
                    *together += u32::from(*other == Some(*own));
                }
            }
        }
        Self { images, counts }
    }

    /// Number of images: rows and columns.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Number of raters who placed both images.
    pub fn raters(&self, a: usize, b: usize) -> usize {
        self.counts[a * self.images + b].1 as usize
    }

    /// Share of the raters who placed both images that put them together, 0 to 1; none where nobody placed both.
    pub fn share(&self, a: usize, b: usize) -> Option<f64> {
        let (together, placed) = self.counts[a * self.images + b];
        (placed > 0).then(|| f64::from(together) / f64::from(placed))
    }

    /// The chance that two different raters, drawn from those who placed both images, disagree on whether the two belong
    /// together: 2k(R − k) / (R(R − 1)) with k of R raters for it, 0 to 1; none for fewer than two raters.
    pub fn disagreement(&self, a: usize, b: usize) -> Option<f64> {
        let (together, placed) = self.counts[a * self.images + b];
        let (k, raters) = (f64::from(together), f64::from(placed));
        (placed > 1).then(|| 2.0 * k * (raters - k) / (raters * (raters - 1.0)))
    }

    /// For each image the mean of its [`disagreement`](Self::disagreement) with every other; none where no other image
    /// was placed beside it by two raters.
    pub fn disagreement_by_image(&self) -> Vec<Option<f64>> {
        (0..self.images)
            .map(|image| {
                let others = (0..self.images).filter(|&other| other != image);
                let values: Vec<f64> = others.filter_map(|other| self.disagreement(image, other)).collect();
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
            })
            .collect()
    }

    /// The tree of the images by average linkage of 1 − co-occurrence. Two images that nobody placed both count as never
    /// together.
    pub fn tree(&self) -> AverageLinkage {
        let pairs = (0..self.images).flat_map(|a| (a + 1..self.images).map(move |b| (a, b)));
        let distances = pairs.map(|(a, b)| 1.0 - self.share(a, b).unwrap_or(0.0)).collect();
        AverageLinkage::new(self.images, distances)
    }
}
