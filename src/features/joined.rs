//! Features made of other features: rows of length 1, and several sets side by side.

use super::matrix::FeatureMatrix;
use crate::error::{Error, Result};
use crate::ids::ImageId;

/// Every row scaled to length 1; a row of zeros has no direction and stays as it is.
#[must_use]
pub fn unit_length(mut matrix: FeatureMatrix) -> FeatureMatrix {
    let columns = matrix.columns().max(1);
    for row in matrix.values.chunks_exact_mut(columns) {
        let length = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        if length > 0.0 {
            row.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
        }
    }
    matrix
}

/// Several sets side by side, for the images that are in all of them, in the order of the first: the rows of each to
/// length 1, centred, divided by the square root of the part's total variance, times its weight. So each part counts as
/// much as its weight says, however many columns it has.
///
/// Each part comes with what its columns are to be called by, and its weight.
///
/// # Errors
/// `User` for less than two parts, a weight that is not above 0, no image in all parts, or a part whose rows are all the
/// same.
pub fn joined(parts: Vec<(String, FeatureMatrix, f32)>) -> Result<FeatureMatrix> {
    if parts.len() < 2 {
        return Err(Error::user("joined features need two sets or more"));
    }
    if let Some((name, _, weight)) = parts.iter().find(|(_, _, weight)| !weight.is_finite() || *weight <= 0.0) {
        return Err(Error::user(format!("{name} cannot have the weight {weight}")).hint("a weight is above 0"));
    }
    let mut images: Vec<ImageId> = parts[0].1.image_ids.clone();
    for (_, matrix, _) in &parts[1..] {
        let there: std::collections::HashSet<&ImageId> = matrix.image_ids.iter().collect();
        images.retain(|image| there.contains(image));
    }
    if images.is_empty() {
        return Err(Error::user("no picture is in all of the sets to join"));
    }
    let mut names = Vec::new();
    let mut blocks = Vec::with_capacity(parts.len());
    for (name, matrix, weight) in parts {
        let mut block = unit_length(matrix.select(&images));
        let scale = f64::from(weight) / total_variance(&mut block).sqrt();
        if !scale.is_finite() {
            return Err(Error::user(format!("{name} is the same for all pictures and cannot be joined")));
        }
        block.values.iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
        names.extend(block.names.iter().map(|column| format!("{name}: {column}")));
        blocks.push(block);
    }
    let values = (0..images.len()).flat_map(|row| blocks.iter().flat_map(move |block| block.row(row))).copied();
    let values = values.collect();
    FeatureMatrix::new(images, names, values)
}

/// Centres the columns; the sum of their variances (divided by n).
fn total_variance(block: &mut FeatureMatrix) -> f64 {
    let (rows, columns) = (block.rows(), block.columns());
    let mut total = 0.0;
    for column in 0..columns {
        let mean = block.values.iter().skip(column).step_by(columns).map(|&v| f64::from(v)).sum::<f64>() / rows as f64;
        for value in block.values.iter_mut().skip(column).step_by(columns) {
            let centred = f64::from(*value) - mean;
            total += centred * centred;
            *value = centred as f32;
        }
    }
    total / rows as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn matrix(ids: &[i64], columns: usize, values: &[f32]) -> FeatureMatrix {
        let names = (0..columns).map(|column| column.to_string()).collect();
        FeatureMatrix::new(ids.iter().copied().map(ImageId).collect(), names, values.to_vec()).unwrap()
    }

    #[test]
    fn rows_get_length_one_and_zeros_stay() {
        let scaled = unit_length(matrix(&[1, 2], 2, &[3.0, 4.0, 0.0, 0.0]));
        assert_eq!(scaled.values, [0.6, 0.8, 0.0, 0.0]);
    }

    #[test]
    fn joined_parts_count_as_much_as_their_weights() {
        let a = matrix(&[1, 2, 3, 4], 2, &[1.0, 0.0, 0.0, 2.0, 3.0, 3.0, 1.0, 5.0]);
        let b = matrix(&[4, 9, 2, 1], 3, &[9.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 7.0, 100.0, 3.0, 2.0]);
        let both = joined(vec![("a".to_owned(), a.clone(), 1.0), ("b".to_owned(), b.clone(), 2.0)]).unwrap();
        assert_eq!(both.image_ids, [1, 2, 4].map(ImageId));
        assert_eq!(both.names, ["a: 0", "a: 1", "b: 0", "b: 1", "b: 2"]);
        let variance = |columns: std::ops::Range<usize>| -> f64 {
            columns
                .map(|column| {
                    let values: Vec<f64> = (0..3).map(|row| f64::from(both.row(row)[column])).collect();
                    assert!(values.iter().sum::<f64>().abs() < 1e-5);
                    values.iter().map(|value| value * value).sum::<f64>() / 3.0
                })
                .sum()
        };
        assert!((variance(0..2) - 1.0).abs() < 1e-5 && (variance(2..5) - 4.0).abs() < 1e-5);
        let constant = matrix(&[1, 2], 1, &[2.0, 5.0]);
        assert!(joined(vec![("a".to_owned(), a.clone(), 1.0), ("c".to_owned(), constant, 1.0)]).is_err());
        assert!(joined(vec![("a".to_owned(), a.clone(), 1.0)]).is_err());
        assert!(joined(vec![("a".to_owned(), a.clone(), 0.0), ("b".to_owned(), b, 1.0)]).is_err());
        let elsewhere = matrix(&[77], 1, &[1.0]);
        assert!(joined(vec![("a".to_owned(), a, 1.0), ("e".to_owned(), elsewhere, 1.0)]).is_err());
    }
}
