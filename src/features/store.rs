//! The file that holds the numbers of a feature set: a safetensors file with the images' ids, the values row by row, and
//! the names of the columns. It is known by the BLAKE3 of its bytes, which is compared whenever it is read.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::matrix::FeatureMatrix;
use crate::error::{Error, Result};
use crate::ids::ImageId;

const IMAGE_IDS: &str = "image_ids";
const VALUES: &str = "values";
const NAMES: &str = "names";

/// The bytes of the file.
///
/// # Errors
/// `Data` for values that are not finite; `Internal` for a matrix that cannot be written.
pub fn to_bytes(matrix: &FeatureMatrix) -> Result<Vec<u8>> {
    if let Some(place) = matrix.values.iter().position(|value| !value.is_finite()) {
        let name = &matrix.names[place % matrix.columns()];
        return Err(Error::data(format!("the feature “{name}” holds NaN or infinite values")));
    }
    let internal = |error: &dyn std::fmt::Display| Error::internal(format!("features cannot be written: {error}"));
    let ids: Vec<u8> = matrix.image_ids.iter().flat_map(|image| image.0.to_le_bytes()).collect();
    let values: Vec<u8> = matrix.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let (rows, columns) = (matrix.rows(), matrix.columns());
    let tensors = [
        (IMAGE_IDS, TensorView::new(Dtype::I64, vec![rows], &ids).map_err(|error| internal(&error))?),
        (VALUES, TensorView::new(Dtype::F32, vec![rows, columns], &values).map_err(|error| internal(&error))?),
    ];
    let names = serde_json::to_string(&matrix.names).map_err(|error| internal(&error))?;
    safetensors::serialize(tensors, Some(HashMap::from([(NAMES.to_owned(), names)]))).map_err(|error| internal(&error))
}

/// Reads the file at `path`, whose bytes must have this hash.
///
/// # Errors
/// `Device` when it cannot be read; `Data` when it is missing, changed or damaged.
pub fn read(path: &Path, hash: &str) -> Result<FeatureMatrix> {
    let damaged = |reason: &dyn std::fmt::Display| {
        Error::data(format!("{}: {reason}", path.display()))
            .hint("put the file back from a copy, or make the feature set again")
    };
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => damaged(&"the file of this feature set is missing"),
        _ => Error::io(path, error),
    })?;
    if blake3::hash(&bytes).to_hex().as_str() != hash {
        return Err(damaged(&"the file of this feature set was changed or damaged since it was made"));
    }
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(&error))?;
    let names = header.metadata().as_ref().and_then(|facts| facts.get(NAMES));
    let names: Vec<String> = names
        .and_then(|names| serde_json::from_str(names).ok())
        .ok_or_else(|| damaged(&"the names of its columns are missing"))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| damaged(&error))?;
    let tensor = |name: &str, kind: Dtype| {
        tensors.tensor(name).ok().filter(|tensor| tensor.dtype() == kind).ok_or_else(|| damaged(&"it lacks numbers"))
    };
    let ids = tensor(IMAGE_IDS, Dtype::I64)?;
    let values = tensor(VALUES, Dtype::F32)?;
    let ids = ids.data().as_chunks::<8>().0.iter().map(|bytes| ImageId(i64::from_le_bytes(*bytes))).collect();
    let values: Vec<f32> = values.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    if values.iter().any(|value| !value.is_finite()) {
        return Err(damaged(&"it holds NaN or infinite values"));
    }
    FeatureMatrix::new(ids, names, values).map_err(|error| damaged(&error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn features_come_back_as_they_were_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let names = vec!["a".to_owned(), "b, with “marks”".to_owned()];
        let matrix = FeatureMatrix::new(vec![ImageId(5), ImageId(7)], names, vec![0.1, -0.0, 3.0e-40, 7.0]).unwrap();
        let bytes = to_bytes(&matrix).unwrap();
        let hash = blake3::hash(&bytes).to_hex().to_string();
        std::fs::write(&path, &bytes).unwrap();
        let again = read(&path, &hash).unwrap();
        assert_eq!(again, matrix);
        assert_eq!(again.values[1].to_bits(), (-0.0f32).to_bits());
        for place in [3, bytes.len() / 2, bytes.len() - 1] {
            let mut flipped = bytes.clone();
            flipped[place] ^= 4;
            std::fs::write(&path, flipped).unwrap();
            assert!(read(&path, &hash).unwrap_err().message.contains("damaged"), "byte {place}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(read(&path, &hash).unwrap_err().message.contains("missing"));
        let endless = FeatureMatrix { values: vec![0.0, 0.0, f32::NAN, 0.0], ..matrix };
        assert!(to_bytes(&endless).unwrap_err().message.contains("“a”"));
    }
}
