//! Feature vectors that a run made, image by image.

use std::collections::HashMap;

use rusqlite::params;

use super::Project;
use crate::error::{Error, Result};
use crate::ids::{ImageId, RunId};

/// What a stored vector holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// The run's label intensities, in the order of its labels.
    LabelIntensities,
}

/// The stored vectors of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredFeatures {
    /// The sound ones, by image.
    pub vectors: HashMap<ImageId, Vec<f32>>,
    /// Images whose stored vector is damaged.
    pub damaged: Vec<ImageId>,
}

/// What is stored beside a vector's bytes.
fn checksum(bytes: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    short
}

impl FeatureKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::LabelIntensities => "label intensities",
        }
    }
}

impl Project {
    /// The stored vectors of a run, by image. One that has not `columns` finite values, or whose checksum is not that of
    /// its bytes, is damaged: it is left out as if it had not been made, so that it is made again.
    pub fn features(&self, run: RunId, kind: FeatureKind, columns: usize) -> Result<StoredFeatures> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT image_id, vector, checksum FROM features WHERE run_id = ?1 AND kind = ?2")?;
        let mut rows = statement.query(params![run.0, kind.as_str()])?;
        let mut features = StoredFeatures::default();
        while let Some(row) = rows.next()? {
            let bytes: Vec<u8> = row.get(1)?;
            let stored: Option<Vec<u8>> = row.get(2)?;
            let sound = bytes.len() == columns * 4 && stored.is_none_or(|stored| stored == checksum(&bytes));
            let vector: Vec<f32> =
                bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            let image = ImageId(row.get(0)?);
            if sound && vector.iter().all(|value| value.is_finite()) {
                features.vectors.insert(image, vector);
            } else {
                features.damaged.push(image);
            }
        }
        Ok(features)
    }

    /// Takes the stored vectors as right again, after damaged ones were computed again: each has a checksum of its own.
    pub fn mended_features(&mut self) -> Result<()> {
        self.write(|transaction| super::digests::store_of(transaction, "features"))
    }

    /// Stores vectors of a run.
    ///
    /// # Errors
    /// `Data`, and nothing is stored, when a value is not finite.
    pub fn add_features<'a>(
        &mut self,
        run: RunId,
        kind: FeatureKind,
        vectors: impl IntoIterator<Item = (ImageId, &'a [f32])>,
    ) -> Result<()> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO features (run_id, kind, image_id, vector, checksum) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET vector = excluded.vector, checksum = excluded.checksum",
            )?;
            for (image, vector) in vectors {
                if vector.iter().any(|value| !value.is_finite()) {
                    return Err(Error::data(format!(
                        "the {} of run {} hold NaN or infinite values",
                        kind.as_str(),
                        run.0
                    ))
                    .hint("look at the loss of its last epochs; lower the learning rate and train again"));
                }
                let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
                statement.execute(params![run.0, kind.as_str(), image.0, bytes, checksum(&bytes)])?;
            }
            Ok(())
        })
    }
}
