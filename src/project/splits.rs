//! Stored divisions into train, validation and test parts. A split is never changed; another takes its place, and one
//! made earlier can be gone back to.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;

use super::history::{self, Change};
use super::{Project, now};
use crate::dataset::Part;
use crate::error::{Error, Result};
use crate::ids::{ImageId, SplitId};

/// Key of the remark that says which split is in use; without it, the newest is.
const IN_USE: &str = "split in use";
/// What the remark says when no split is in use.
const NONE: &str = "none";

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

/// A stored split in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SplitSummary {
    /// Identity.
    pub id: SplitId,
    /// The seed it was made with.
    pub seed: u64,
    /// How it was made, in words.
    pub method: String,
    /// When it was made.
    pub created_at: String,
    /// Images in the train, validation and test part.
    pub sizes: [usize; 3],
}

impl Project {
    /// Stores a split, which becomes the one in use, as an edit that can be undone.
    pub fn add_split(&mut self, seed: u64, method: &str, parts: &[(ImageId, Part)]) -> Result<SplitId> {
        self.write(|transaction| {
            let before = in_use(transaction)?;
            transaction.execute(
                "INSERT INTO splits (seed, method, created_at) VALUES (?1, ?2, ?3)",
                params![seed as i64, method, now()],
            )?;
            let split = SplitId(transaction.last_insert_rowid());
            for (image, part) in parts {
                transaction
                    .prepare_cached("INSERT INTO split_parts (split_id, image_id, part) VALUES (?1, ?2, ?3)")?
                    .execute(params![split.0, image.0, part.name()])?;
            }
            put_in_use(transaction, Some(split))?;
            history::record(transaction, &Change::Split { before, after: split })?;
            Ok(split)
        })
    }

    /// Goes back to a split made earlier, as an edit that can be undone.
    ///
    /// # Errors
    /// `User` when there is no such split.
    pub fn use_split(&mut self, split: SplitId) -> Result<()> {
        self.write(|transaction| {
            let known =
                transaction.query_row("SELECT 1 FROM splits WHERE id = ?1", [split.0], |_| Ok(())).optional()?;
            known.ok_or_else(|| no_split(split))?;
            let before = in_use(transaction)?;
            if before == Some(split) {
                return Ok(());
            }
            put_in_use(transaction, Some(split))?;
            history::record(transaction, &Change::Split { before, after: split })
        })
    }

    /// The split in use: the one made or gone back to last.
    pub fn current_split(&self) -> Result<Option<SplitRecord>> {
        in_use(&self.connection)?.map(|id| self.split(id)).transpose()
    }

    /// The images that people sorted into groups, and which clusters are therefore scored on.
    pub fn rated_images(&self) -> Result<HashSet<ImageId>> {
        let mut statement = self.connection.prepare_cached("SELECT DISTINCT image_id FROM group_members")?;
        let images = statement.query_map([], |row| Ok(ImageId(row.get(0)?)))?.collect::<Result<_, _>>()?;
        Ok(images)
    }

    /// A stored split.
    pub fn split(&self, id: SplitId) -> Result<SplitRecord> {
        let (seed, method): (i64, String) = self
            .connection
            .query_row("SELECT seed, method FROM splits WHERE id = ?1", [id.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .ok_or_else(|| no_split(id))?;
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

    /// All splits in numbers, the newest first.
    pub fn splits(&self) -> Result<Vec<SplitSummary>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, seed, method, created_at,
                    (SELECT count(*) FROM split_parts WHERE split_id = splits.id AND part = 'train'),
                    (SELECT count(*) FROM split_parts WHERE split_id = splits.id AND part = 'validation'),
                    (SELECT count(*) FROM split_parts WHERE split_id = splits.id AND part = 'test')
             FROM splits ORDER BY id DESC",
        )?;
        let splits = statement
            .query_map([], |row| {
                let size = |column: usize| row.get::<_, i64>(column).map(|count| count as usize);
                Ok(SplitSummary {
                    id: SplitId(row.get(0)?),
                    seed: row.get::<_, i64>(1)? as u64,
                    method: row.get(2)?,
                    created_at: row.get(3)?,
                    sizes: [size(4)?, size(5)?, size(6)?],
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(splits)
    }
}

fn no_split(id: SplitId) -> Error {
    Error::user(format!("the project has no split {}", id.0))
}

fn in_use(connection: &Connection) -> Result<Option<SplitId>> {
    let said: Option<String> =
        connection.query_row("SELECT value FROM remarks WHERE key = ?1", [IN_USE], |row| row.get(0)).optional()?;
    if said.as_deref() == Some(NONE) {
        return Ok(None);
    }
    let newest: Option<i64> = connection.query_row("SELECT max(id) FROM splits", [], |row| row.get(0))?;
    Ok(said.and_then(|id| id.parse().ok()).or(newest).map(SplitId))
}

/// Makes a split the one in use.
pub(super) fn put_in_use(transaction: &Transaction<'_>, split: Option<SplitId>) -> Result<()> {
    let said = split.map_or_else(|| NONE.to_owned(), |id| id.0.to_string());
    transaction.execute(
        "INSERT INTO remarks (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        params![IN_USE, said],
    )?;
    Ok(())
}
