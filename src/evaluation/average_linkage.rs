//! Average linkage (UPGMA, Sokal and Michener 1958): a tree of images in which the two groups with the smallest mean
//! distance between their members are merged again and again.
//!
//! The tree is made by the `kodama` library. Equal distances are merged in the order of the images; people's groups have
//! many, so that another order may give another tree.

use kodama::{Method, linkage};

/// What rounding may do to a mean distance.
const ROUNDING: f64 = 1e-9;

/// A tree of images.
#[derive(Clone, Debug, PartialEq)]
pub struct AverageLinkage {
    images: usize,
    /// Two nodes and their mean distance, smallest first. The images are the first nodes, the mergers the next.
    mergers: Vec<([usize; 2], f64)>,
}

impl AverageLinkage {
    /// The tree of `images` images from the distances of every two of them, those of the first image to all later ones
    /// first, then those of the second, and so on. Distances must be finite.
    ///
    /// # Panics
    /// When there are not `images` (`images` − 1) / 2 distances.
    pub fn new(images: usize, mut distances: Vec<f64>) -> Self {
        assert_eq!(distances.len(), images * images.saturating_sub(1) / 2, "one distance for every two images");
        let tree = linkage(&mut distances, images, Method::Average);
        let mergers = tree.steps().iter().map(|step| ([step.cluster1, step.cluster2], step.dissimilarity)).collect();
        Self { images, mergers }
    }

    /// The mergers, smallest distance first: two groups, by the number of their first image, and their mean distance.
    pub(super) fn mergers(&self) -> impl Iterator<Item = ([usize; 2], f64)> {
        // The first image of every node: images, then mergers.
        let mut first_image: Vec<usize> = (0..self.images).collect();
        self.mergers.iter().map(move |&(nodes, distance)| {
            let pair = nodes.map(|node| first_image[node]);
            first_image.push(pair[0].min(pair[1]));
            (pair, distance)
        })
    }

    /// The groups whose mergers have a mean distance of at most `distance`: the number of each image's group, counting
    /// from 0, numbered by size, largest first, then by their first image.
    pub fn cut(&self, distance: f64) -> Vec<usize> {
        // Every image knows an earlier one of its group, or is the first.
        let mut earlier: Vec<usize> = (0..self.images).collect();
        for ([a, b], merged_at) in self.mergers() {
            if merged_at <= distance + ROUNDING {
                earlier[a.max(b)] = a.min(b);
            }
        }
        for image in 0..self.images {
            earlier[image] = earlier[earlier[image]];
        }
        numbered_by_size(&earlier)
    }

    /// The images in an order in which every group of the tree stands together, the larger group first, then the one
    /// with the earlier image.
    pub fn leaf_order(&self) -> Vec<usize> {
        let mut leaves: Vec<Vec<usize>> = (0..self.images).map(|image| vec![image]).collect();
        for (nodes, _) in &self.mergers {
            let mut pair = nodes.map(|node| std::mem::take(&mut leaves[node]));
            pair.sort_by_key(|leaves| (std::cmp::Reverse(leaves.len()), leaves.iter().min().copied()));
            leaves.push(pair.concat());
        }
        leaves.pop().unwrap_or_default()
    }
}

/// Numbers groups from 0 by size, largest first, then by their first image.
pub(super) fn numbered_by_size(groups: &[usize]) -> Vec<usize> {
    let mut sizes = vec![0usize; groups.iter().max().map_or(0, |largest| largest + 1)];
    groups.iter().for_each(|&group| sizes[group] += 1);
    let mut first_images = vec![usize::MAX; sizes.len()];
    groups.iter().enumerate().rev().for_each(|(image, &group)| first_images[group] = image);
    let mut order: Vec<usize> = (0..sizes.len()).filter(|&group| sizes[group] > 0).collect();
    order.sort_by_key(|&group| (std::cmp::Reverse(sizes[group]), first_images[group]));
    let mut numbers = vec![0; sizes.len()];
    order.iter().enumerate().for_each(|(number, &group)| numbers[group] = number);
    groups.iter().map(|&group| numbers[group]).collect()
}
