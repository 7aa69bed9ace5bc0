//! The list of ways to group images: what each is called, what it does, and how it is made.
//!
//! [`CLUSTERERS`] is the one list that the window and the command line loop over; a new way is a file of its own with a
//! [`Clusterer`] in it, and a line in that list. Features come in as rows; out goes a [`Clustering`], whatever the way: the
//! clusters numbered by size, with the mean of their members and each image's distance to it.

use std::fmt;
use std::str::FromStr;

use ndarray::ArrayView2;
use serde::{Serialize, Serializer};

use super::kmeans::Clustering;
use super::{CLUSTERERS, kmeans};
use crate::distances::check_finite;
use crate::error::{Error, Result};
use crate::progress::Cancel;

/// The settings that every way takes.
#[derive(Clone, Copy, Debug)]
pub struct ClusterSettings {
    /// K, the number of clusters.
    pub clusters: usize,
    /// The seed of what is drawn.
    pub seed: u64,
}

/// A way to group images.
#[derive(Debug)]
pub struct Clusterer {
    /// What it is called in files and on the command line: `agglomerative-ward`.
    pub id: &'static str,
    /// What it is called: "Agglomerative, Ward".
    pub name: &'static str,
    /// What it does, with its source, as sentences.
    pub definition: &'static str,
    /// True where another seed can give other clusters.
    pub is_seeded: bool,
    /// The most images it can group; none where memory is the only bound.
    pub most_images: Option<usize>,
    /// Groups the rows, which are finite numbers.
    pub fit: fn(ArrayView2<f32>, &ClusterSettings, &Cancel) -> Result<Clustering>,
}

/// A way to group images that was chosen.
#[derive(Clone, Copy, Debug)]
pub struct Method(pub &'static Clusterer);

impl Method {
    /// Groups the rows of `values` (n × d) into K clusters.
    ///
    /// # Errors
    /// `User` for more images than the method can group, or fewer distinct ones than clusters; `Data` for values that
    /// are not finite; `Cancelled`.
    pub fn fit(self, values: ArrayView2<f32>, settings: &ClusterSettings, cancel: &Cancel) -> Result<Clustering> {
        if let Some(most) = self.0.most_images
            && values.nrows() > most
        {
            return Err(Error::user(format!(
                "{} groups up to {most} images, and there are {}: it compares every two",
                self.0.name,
                values.nrows()
            ))
            .hint("choose k-means, or fewer images"));
        }
        check_finite(values)?;
        (self.0.fit)(values, settings, cancel)
    }
}

impl Default for Method {
    fn default() -> Self {
        Self(&kmeans::CLUSTERER)
    }
}

impl PartialEq for Method {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Method {}

impl std::hash::Hash for Method {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.id)
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self> {
        CLUSTERERS.iter().copied().find(|clusterer| clusterer.id == id).map(Self).ok_or_else(|| {
            let ids: Vec<&str> = CLUSTERERS.iter().map(|clusterer| clusterer.id).collect();
            Error::user(format!("“{id}” is not a way to group images")).hint(format!("say one of {}", ids.join(", ")))
        })
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.id)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ndarray::Array2;
    use std::collections::BTreeSet;

    #[test]
    fn every_way_is_told_apart_and_keeps_the_same_promises() {
        let ids: BTreeSet<&str> = CLUSTERERS.iter().map(|clusterer| clusterer.id).collect();
        assert_eq!(ids.len(), CLUSTERERS.len());
        let corners = [[1.0, 0.1], [0.1, 1.0], [1.0, 1.0]];
        let values = Array2::from_shape_fn((31, 2), |(row, column)| {
            corners[row % 3][column] + (row * (3 + column) % 7) as f32 / 100.0
        });
        let settings = ClusterSettings { clusters: 3, seed: 1 };
        for clusterer in CLUSTERERS {
            let method: Method = clusterer.id.parse().unwrap();
            assert_eq!(method, Method(clusterer));
            assert!(clusterer.definition.ends_with('.'), "{method}");
            let found = method.fit(values.view(), &settings, &Cancel::new()).unwrap();
            assert_eq!(found.sizes, [11, 10, 10], "{method}");
            assert!((0..31).all(|row| found.assignments[row] == row % 3), "{method}: {:?}", found.assignments);
            let sse: f64 = found.distances.iter().map(|distance| distance * distance).sum();
            assert!((sse - found.sse).abs() < 1e-9 && found.centroids.dim() == (3, 2), "{method}");
            // More clusters than distinct images, no image at all, and numbers that are none.
            let same = Array2::from_elem((5, 2), 1.0);
            assert!(method.fit(same.view(), &settings, &Cancel::new()).unwrap_err().message.contains('3'), "{method}");
            assert!(method.fit(Array2::zeros((0, 2)).view(), &settings, &Cancel::new()).is_err(), "{method}");
            let wrong = Array2::from_elem((5, 2), f32::NAN);
            assert!(method.fit(wrong.view(), &settings, &Cancel::new()).is_err(), "{method}");
            let stopped = Cancel::new();
            stopped.cancel();
            assert!(method.fit(values.view(), &settings, &stopped).unwrap_err().is_cancelled(), "{method}");
        }
        assert!("beauty".parse::<Method>().unwrap_err().hint.unwrap().contains("k-means"));
    }
}
