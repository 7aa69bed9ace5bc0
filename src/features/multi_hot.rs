//! The labels themselves as features (the paper's comparative method 2): 1 where an image has a label, else 0.

use super::matrix::FeatureMatrix;
use crate::error::{Error, Result};
use crate::ids::{ImageId, LabelId};

/// N × L matrix of zeros and ones: `images` with the labels each has, `labels` with their names in the order of the
/// columns. An image's label that is not among `labels` is left out.
///
/// # Errors
/// `Internal` when a label is there twice.
pub fn multi_hot(images: &[(ImageId, Vec<LabelId>)], labels: &[(LabelId, String)]) -> Result<FeatureMatrix> {
    let mut columns = std::collections::HashMap::with_capacity(labels.len());
    for (column, (label, name)) in labels.iter().enumerate() {
        if columns.insert(*label, column).is_some() {
            return Err(Error::internal(format!("the label \"{name}\" is there twice")));
        }
    }
    let mut values = vec![0f32; images.len() * labels.len()];
    for (row, (_, own)) in images.iter().enumerate() {
        for column in own.iter().filter_map(|label| columns.get(label)) {
            values[row * labels.len() + column] = 1.0;
        }
    }
    let names = labels.iter().map(|(_, name)| name.clone()).collect();
    FeatureMatrix::new(images.iter().map(|(image, _)| *image).collect(), names, values)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ones_stand_where_labels_are() {
        let labels = [(LabelId(7), "cute".to_owned()), (LabelId(3), "dark".to_owned())];
        let images = [
            (ImageId(1), vec![LabelId(3)]),
            (ImageId(2), vec![]),
            (ImageId(3), vec![LabelId(3), LabelId(7), LabelId(99)]),
        ];
        let matrix = multi_hot(&images, &labels).unwrap();
        assert_eq!(matrix.names, ["cute", "dark"]);
        assert_eq!(matrix.values, [0.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
        assert!(multi_hot(&images, &[labels[0].clone(), labels[0].clone()]).is_err());
    }
}
