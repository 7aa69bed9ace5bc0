//! Trees of joined items over any distances: behind agglomerative clusters, ordered matrices and consensus partitions.

use kodama::{Method, linkage};

/// The tree of a linkage. Equal distances are joined in the order of the items, so that where there are ties a
/// cut can depend on that order.
///
/// Nodes below the number of items are the items; node `items + s` is made by step `s`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    items: usize,
    /// Two nodes and their distance, in the order of joining: distances never fall.
    steps: Vec<(usize, usize, f64)>,
}

impl Tree {
    /// Joins `items` items by the mean distance of their members (UPGMA). `distances` holds those of every two, the
    /// pairs in the order (0, 1), (0, 2), …, (1, 2), …; they must be numbers.
    pub fn average(items: usize, distances: &[f64]) -> Self {
        Self::of(items, &mut distances.to_vec(), Method::Average)
    }

    /// Joins `items` items by any linkage. What `distances` holds afterwards means nothing.
    pub fn of(items: usize, distances: &mut [f64], method: Method) -> Self {
        if items < 2 {
            return Self { items, steps: Vec::new() };
        }
        let found = linkage(distances, items, method);
        let steps = found.steps().iter().map(|step| (step.cluster1, step.cluster2, step.dissimilarity)).collect();
        Self { items, steps }
    }

    /// The items in the order of the tree's leaves, in which near ones stand together: of two branches the one whose
    /// first item comes first stands first.
    pub fn leaf_order(&self) -> Vec<usize> {
        let mut leaves: Vec<Vec<usize>> = (0..self.items).map(|item| vec![item]).collect();
        for (a, b, _) in &self.steps {
            let (mut first, mut second) = (std::mem::take(&mut leaves[*a]), std::mem::take(&mut leaves[*b]));
            if second.iter().min() < first.iter().min() {
                std::mem::swap(&mut first, &mut second);
            }
            first.extend(second);
            leaves.push(first);
        }
        leaves.pop().unwrap_or_default()
    }

    /// The group of each item when all steps up to `distance` are made; groups are numbered by their first item.
    pub fn cut_at(&self, distance: f64) -> Vec<usize> {
        // Means of many numbers are off in their last digits.
        let steps = self.steps.iter().take_while(|step| step.2 <= distance + 1e-9).count();
        self.cut_after(steps)
    }

    /// The groups when so many steps are made: one group less for each.
    pub fn cut_after(&self, steps: usize) -> Vec<usize> {
        let mut parent: Vec<usize> = (0..self.items + self.steps.len()).collect();
        for (step, (a, b, _)) in self.steps.iter().take(steps).enumerate() {
            parent[*a] = self.items + step;
            parent[*b] = self.items + step;
        }
        let mut numbers = std::collections::HashMap::new();
        (0..self.items)
            .map(|item| {
                let mut root = item;
                while parent[root] != root {
                    root = parent[root];
                }
                let next = numbers.len();
                *numbers.entry(root).or_insert(next)
            })
            .collect()
    }

    /// Number of steps: one less than items.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }
}
