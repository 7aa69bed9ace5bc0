//! The table behind every comparison of two partitions: how many images are in each pair of cluster and group.

use crate::error::{Error, Result};

/// Counts of images by cluster and group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contingency {
    /// `counts[cluster][group]`; numbers that do not occur have rows and columns of zeros.
    pub counts: Vec<Vec<usize>>,
    /// Images in each cluster.
    pub cluster_sizes: Vec<usize>,
    /// Images in each group.
    pub group_sizes: Vec<usize>,
    /// All images.
    pub images: usize,
}

impl Contingency {
    /// Counts. `clusters` and `groups` have one number for each image, counting from 0.
    ///
    /// # Errors
    /// `Internal` when they are not equally long.
    pub fn new(clusters: &[usize], groups: &[usize]) -> Result<Self> {
        let mut table = Self { counts: Vec::new(), cluster_sizes: Vec::new(), group_sizes: Vec::new(), images: 0 };
        table.count(clusters, groups)?;
        Ok(table)
    }

    /// Counts again, reusing the memory.
    pub(super) fn count(&mut self, clusters: &[usize], groups: &[usize]) -> Result<()> {
        if clusters.len() != groups.len() {
            return Err(Error::internal(format!(
                "{} clusters and {} groups of images cannot be compared",
                clusters.len(),
                groups.len()
            )));
        }
        let count = |numbers: &[usize]| numbers.iter().max().map_or(0, |largest| largest + 1);
        let zeros = |sizes: &mut Vec<usize>, count: usize| {
            sizes.clear();
            sizes.resize(count, 0);
        };
        let (rows, columns) = (count(clusters), count(groups));
        self.counts.resize_with(rows, Vec::new);
        self.counts.iter_mut().for_each(|row| zeros(row, columns));
        zeros(&mut self.cluster_sizes, rows);
        zeros(&mut self.group_sizes, columns);
        self.images = clusters.len();
        for (&cluster, &group) in clusters.iter().zip(groups) {
            self.counts[cluster][group] += 1;
            self.cluster_sizes[cluster] += 1;
            self.group_sizes[group] += 1;
        }
        Ok(())
    }

    /// Number of groups that have an image.
    pub fn groups_in_use(&self) -> usize {
        self.group_sizes.iter().filter(|&&size| size > 0).count()
    }

    /// Number of clusters that have an image.
    pub fn clusters_in_use(&self) -> usize {
        self.cluster_sizes.iter().filter(|&&size| size > 0).count()
    }
}
