//! Stored divisions into train, validation and test parts. A split is never changed; a new one takes its place.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use super::{Project, now};
use crate::dataset::Part;
use crate::error::{Error, Result};
use crate::ids::{ImageId, SplitId};

/// A stored split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SplitRecord {
    /// Identity.
    pub id: SplitId,
    /// The seed it was made with.
    pub seed: u64,
    /// How it was made, in words.
    pub method: String,
    /// Each image's part.
    #[serde(skip)]
    pub parts: HashMap<ImageId, Part>,
}

impl SplitRecord {
    /// The images of one part, in the order of their ids.
    pub fn images_of(&self, part: Part) -> Vec<ImageId> {
        let mut images: Vec<_> = self.parts.iter().filter(|(_, p)| **p == part).map(|(image, _)| *image).collect();
        images.sort_unstable();
        images
    }
}

impl Project {
    /// Stores a split, which becomes the one in use.
    pub fn add_split(&mut self, seed: u64, method: &str, parts: &[(ImageId, Part)]) -> Result<SplitId> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO splits (seed, method, created_at) VALUES (?1, ?2, ?3)",
                params![seed as i64, method, now()],
            )?;
            let split = transaction.last_insert_rowid();
            for (image, part) in parts {
                transaction
                    .prepare_cached("INSERT INTO split_parts (split_id, image_id, part) VALUES (?1, ?2, ?3)")?
                    .execute(params![split, image.0, part.name()])?;
            }
            Ok(SplitId(split))
        })
    }

    /// The split in use: the newest one.
    pub fn current_split(&self) -> Result<Option<SplitRecord>> {
        let id: Option<i64> = self.connection.query_row("SELECT max(id) FROM splits", [], |row| row.get(0))?;
        id.map(|id| self.split(SplitId(id))).transpose()
    }

    /// A stored split.
    pub fn split(&self, id: SplitId) -> Result<SplitRecord> {
        let (seed, method): (i64, String) = self
            .connection
            .query_row("SELECT seed, method FROM splits WHERE id = ?1", [id.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .ok_or_else(|| Error::user(format!("the project has no split {}", id.0)))?;
        let mut statement =
            self.connection.prepare_cached("SELECT image_id, part FROM split_parts WHERE split_id = ?1")?;
        let mut rows = statement.query([id.0])?;
        let mut parts = HashMap::new();
        while let Some(row) = rows.next()? {
            let part: String = row.get(1)?;
            let part =
                Part::from_name(&part).ok_or_else(|| Error::data(format!("split {} names a part “{part}”", id.0)))?;
            parts.insert(ImageId(row.get(0)?), part);
        }
        Ok(SplitRecord { id, seed: seed as u64, method, parts })
    }
}
