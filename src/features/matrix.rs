//! The form in which features cross module borders.

use std::collections::HashMap;

use ndarray::ArrayView2;

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

    /// The rows of `images`, in that order; an image that has no row is left out.
    #[must_use]
    pub fn select(&self, images: &[ImageId]) -> Self {
        let rows: HashMap<ImageId, usize> = self.image_ids.iter().enumerate().map(|(row, id)| (*id, row)).collect();
        let found: Vec<(ImageId, usize)> = images.iter().filter_map(|id| Some((*id, *rows.get(id)?))).collect();
        Self {
            image_ids: found.iter().map(|(id, _)| *id).collect(),
            names: self.names.clone(),
            values: found.iter().flat_map(|(_, row)| self.row(*row)).copied().collect(),
        }
    }

    /// The matrix as it is, n × d, for clustering and scores, which add up in double precision.
    ///
    /// # Errors
    /// `Internal` when the parts were changed so that they no longer fit.
    pub fn view(&self) -> Result<ArrayView2<'_, f32>> {
        ArrayView2::from_shape((self.rows(), self.columns()), &self.values)
            .map_err(|error| Error::internal(format!("a feature matrix that does not fit its names: {error}")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rows_are_selected_by_image() {
        let names = vec!["a".to_owned(), "b".to_owned()];
        let ids = [5, 7, 9].map(ImageId).to_vec();
        let matrix = FeatureMatrix::new(ids, names.clone(), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let selected = matrix.select(&[ImageId(9), ImageId(1), ImageId(5)]);
        assert_eq!(selected.image_ids, [ImageId(9), ImageId(5)]);
        assert_eq!(selected.values, [5.0, 6.0, 1.0, 2.0]);
        assert!(FeatureMatrix::new(vec![ImageId(1)], names, vec![1.0]).is_err());
    }
}
