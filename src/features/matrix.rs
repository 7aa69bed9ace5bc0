//! The form in which features cross module borders.

use ndarray::Array2;

use crate::error::{Error, Result};
use crate::ids::ImageId;

/// Features of n images in d named dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMatrix {
    /// The n images, one for each row.
    pub image_ids: Vec<ImageId>,
    /// The d names of the columns, for example the labels in the run's order.
    pub names: Vec<String>,
    /// n × d values, row-major.
    pub values: Vec<f32>,
}

impl FeatureMatrix {
    /// Puts the parts together.
    ///
    /// # Errors
    /// `Internal` when `values` is not as long as rows times columns.
    pub fn new(image_ids: Vec<ImageId>, names: Vec<String>, values: Vec<f32>) -> Result<Self> {
        if values.len() != image_ids.len() * names.len() {
            return Err(Error::internal(format!(
                "a feature matrix of {} × {} cannot hold {} values",
                image_ids.len(),
                names.len(),
                values.len()
            )));
        }
        Ok(Self { image_ids, names, values })
    }

    /// n, the number of images.
    pub fn rows(&self) -> usize {
        self.image_ids.len()
    }

    /// d, the number of features.
    pub fn columns(&self) -> usize {
        self.names.len()
    }

    /// The d values of row `row`.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns()..(row + 1) * self.columns()]
    }

    /// The matrix in double precision, n × d, for clustering and scores.
    pub fn to_array(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.rows(), self.columns()), |(row, column)| f64::from(self.row(row)[column]))
    }
}
