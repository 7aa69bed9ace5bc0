//! Feature sets: features that are kept under a name. The recipe stands in the database, the numbers in a checksummed file
//! of their own in the folder `feature_sets`. A set is never changed; another takes its place under another name.

use std::fs;
use std::path::PathBuf;

use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::{Project, now};
use crate::atomic::write_file;
use crate::error::{Error, Result};
use crate::features::{FeatureMatrix, FeatureSource, Recipe, store};
use crate::ids::FeatureSetId;
use crate::names;

/// The folder of the sets' files.
pub(super) const FOLDER: &str = "feature_sets";

/// A kept feature set, without its numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureSetRecord {
    /// Identity.
    pub id: FeatureSetId,
    /// Its name, of which there is only one.
    pub name: String,
    /// How it was made.
    pub recipe: Recipe,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// Images that have a row.
    pub images: usize,
    /// BLAKE3 of the file of numbers.
    pub file_hash: String,
    /// When it was made.
    pub created_at: String,
}

const COLUMNS: &str = "id, name, recipe, columns, images, file_hash, created_at";

impl Project {
    /// All kept feature sets, in the order they were made.
    pub fn feature_sets(&self) -> Result<Vec<FeatureSetRecord>> {
        let mut statement = self.connection.prepare(&format!("SELECT {COLUMNS} FROM feature_sets ORDER BY id"))?;
        let rows = statement.query_map([], stored)?;
        rows.map(|row| record(row?)).collect()
    }

    /// One feature set.
    ///
    /// # Errors
    /// `User` when there is none such; `Data` when its recipe is damaged.
    pub fn feature_set(&self, id: FeatureSetId) -> Result<FeatureSetRecord> {
        let query = format!("SELECT {COLUMNS} FROM feature_sets WHERE id = ?1");
        let found = self.connection.query_row(&query, [id.0], stored).optional()?;
        record(found.ok_or_else(|| Error::user(format!("there is no feature set {}", id.0)))?)
    }

    /// The features that a person means by `name`: a kept set, or `run-3` for the label intensities of run 3.
    ///
    /// # Errors
    /// `User`, with what there is to choose from.
    pub fn feature_source(&self, name: &str) -> Result<FeatureSource> {
        let name = names::clean(name);
        if let Some(run) = FeatureSource::run_named(&name) {
            return Ok(FeatureSource::Run(self.run(run)?.id));
        }
        let query = "SELECT id FROM feature_sets WHERE name = ?1";
        let found = self.connection.query_row(query, [&name], |row| row.get(0)).optional()?;
        found.map(|id| FeatureSource::Set(FeatureSetId(id))).ok_or_else(|| {
            Error::user(format!("there is no feature set “{}”", names::beginning(&name)))
                .hint("`atmoscope features list DIR` shows what there is; run-3 names the label intensities of run 3")
        })
    }

    /// Keeps `matrix` under `name`.
    ///
    /// # Errors
    /// `User` for a name that cannot be one or is taken; `Data` for values that are not finite; `Device` when the file
    /// cannot be written.
    pub fn add_feature_set(&mut self, name: &str, recipe: &Recipe, matrix: &FeatureMatrix) -> Result<FeatureSetId> {
        let name = self.free_feature_set_name(name)?;
        if self.is_read_only() {
            // Says why, before a file is written.
            self.write(|_| Ok(()))?;
        }
        let bytes = store::to_bytes(matrix)?;
        let hash = blake3::hash(&bytes).to_hex().to_string();
        let file = format!("{}.safetensors", &hash[..32]);
        let folder = self.folder.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|error| Error::io(&folder, error))?;
        // The file first: a row without its file would be damage, a file without a row is only left over.
        write_file(&folder.join(&file), |target| target.write_all(&bytes))?;
        let columns = serde_json::to_string(&matrix.names).map_err(|error| Error::internal(error.to_string()))?;
        let (recipe_json, recipe_hash) = (recipe.to_json()?, recipe.hash()?);
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO feature_sets (name, recipe, recipe_hash, columns, images, file, file_hash, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![name, recipe_json, recipe_hash, columns, matrix.rows() as i64, file, hash, now()],
            )?;
            Ok(FeatureSetId(transaction.last_insert_rowid()))
        })
    }

    /// `name` as it would be stored, if a new feature set can have it.
    ///
    /// # Errors
    /// `User` when it cannot.
    pub fn free_feature_set_name(&self, name: &str) -> Result<String> {
        names::check(name, "a feature set")?;
        let name = names::clean(name);
        if FeatureSource::run_named(&name).is_some() {
            return Err(Error::user(format!("“{name}” names the label intensities of a run"))
                .hint("choose another name for the feature set"));
        }
        let query = "SELECT EXISTS (SELECT 1 FROM feature_sets WHERE name = ?1)";
        if self.connection.query_row(query, [&name], |row| row.get(0))? {
            return Err(Error::user(format!("there is a feature set “{name}” already"))
                .hint("choose another name, or remove it first with `atmoscope features remove`"));
        }
        Ok(name)
    }

    /// The numbers of a set.
    ///
    /// # Errors
    /// `Data`, naming the file, when they are missing, changed or damaged.
    pub fn feature_set_matrix(&self, id: FeatureSetId) -> Result<FeatureMatrix> {
        let record = self.feature_set(id)?;
        let path = self.feature_set_file(id)?;
        let matrix = store::read(&path, &record.file_hash)?;
        if matrix.names != record.columns || matrix.rows() != record.images {
            return Err(Error::data(format!("{} is not the file of “{}”", path.display(), record.name))
                .hint("put project.db and the folder feature_sets back from the same copy"));
        }
        Ok(matrix)
    }

    fn feature_set_file(&self, id: FeatureSetId) -> Result<PathBuf> {
        let query = "SELECT file FROM feature_sets WHERE id = ?1";
        let file: String = self.connection.query_row(query, [id.0], |row| row.get(0))?;
        // What stands in the database may not lead out of the folder.
        let name = std::path::Path::new(&file).file_name().unwrap_or_default().to_owned();
        Ok(self.folder.join(FOLDER).join(name))
    }

    /// Removes a set and its file.
    ///
    /// # Errors
    /// `User` while another set or a kept clustering was made of it.
    pub fn remove_feature_set(&mut self, id: FeatureSetId) -> Result<()> {
        let record = self.feature_set(id)?;
        let source = FeatureSource::Set(id);
        let others = self.feature_sets()?.into_iter().filter(|other| other.recipe.sources().contains(&source));
        let clusterings = self.clusterings()?.into_iter().filter(|clustering| clustering.features == source);
        let users: Vec<String> = others.map(|other| other.name).chain(clusterings.map(|kept| kept.name)).collect();
        if !users.is_empty() {
            return Err(Error::user(format!("“{}” is what {} was made of", record.name, users.join(", ")))
                .hint("remove that first"));
        }
        let file = self.feature_set_file(id)?;
        self.write(|transaction| Ok(transaction.execute("DELETE FROM feature_sets WHERE id = ?1", [id.0])?))?;
        // Sets with the same numbers have the same file.
        if !self.feature_sets()?.iter().any(|other| other.file_hash == record.file_hash) {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(&file, error)),
                _ => {}
            }
        }
        Ok(())
    }
}

struct StoredRow {
    id: i64,
    name: String,
    recipe: String,
    columns: String,
    images: i64,
    file_hash: String,
    created_at: String,
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    Ok(StoredRow {
        id: row.get(0)?,
        name: row.get(1)?,
        recipe: row.get(2)?,
        columns: row.get(3)?,
        images: row.get(4)?,
        file_hash: row.get(5)?,
        created_at: row.get(6)?,
    })
}

fn record(row: StoredRow) -> Result<FeatureSetRecord> {
    let damaged = |_| Error::data(format!("the feature set “{}” is damaged in project.db", row.name));
    Ok(FeatureSetRecord {
        id: FeatureSetId(row.id),
        recipe: Recipe::from_json(&row.recipe)?,
        columns: serde_json::from_str(&row.columns).map_err(damaged)?,
        images: usize::try_from(row.images).unwrap_or_default(),
        name: row.name,
        file_hash: row.file_hash,
        created_at: row.created_at,
    })
}
