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

impl FeatureKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::LabelIntensities => "label intensities",
        }
    }
}

impl Project {
    /// The stored vectors of a run, by image; each must have `columns` values.
    pub fn features(&self, run: RunId, kind: FeatureKind, columns: usize) -> Result<HashMap<ImageId, Vec<f32>>> {
        let mut statement =
            self.connection.prepare_cached("SELECT image_id, vector FROM features WHERE run_id = ?1 AND kind = ?2")?;
        let mut rows = statement.query(params![run.0, kind.as_str()])?;
        let mut features = HashMap::new();
        while let Some(row) = rows.next()? {
            let bytes: Vec<u8> = row.get(1)?;
            if bytes.len() != columns * 4 {
                return Err(Error::data(format!("the stored {} of run {} are damaged", kind.as_str(), run.0)));
            }
            let vector = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            features.insert(ImageId(row.get(0)?), vector);
        }
        Ok(features)
    }

    /// Stores vectors of a run.
    pub fn add_features<'a>(
        &mut self,
        run: RunId,
        kind: FeatureKind,
        vectors: impl IntoIterator<Item = (ImageId, &'a [f32])>,
    ) -> Result<()> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO features (run_id, kind, image_id, vector) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET vector = excluded.vector",
            )?;
            for (image, vector) in vectors {
                let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
                statement.execute(params![run.0, kind.as_str(), image.0, bytes])?;
            }
            Ok(())
        })
    }
}
