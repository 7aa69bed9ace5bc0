//! Clusterings that are kept under a name: which features, how, and the cluster of each image.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Project, now};
use crate::error::{Error, Result};
use crate::features::FeatureSource;
use crate::ids::{ClusteringId, ImageId};
use crate::names;

/// Bytes of one image's assignment: its id, its cluster, its distance.
const ASSIGNMENT_BYTES: usize = 8 + 4 + 8;

/// What a clustering is made from, to be kept.
#[derive(Clone, Debug)]
pub struct NewClustering<'a> {
    /// The features.
    pub features: FeatureSource,
    /// What it was made from, as it stands beside a written clustering.
    pub facts: Map<String, Value>,
    /// Which pictures: `test` or `all`.
    pub part: String,
    /// How, as in the list of ways to cluster.
    pub method: String,
    /// The seed of what was drawn.
    pub seed: u64,
    /// K.
    pub clusters: usize,
    /// The images.
    pub images: &'a [ImageId],
    /// Each image's cluster, from 0.
    pub assignments: &'a [usize],
    /// Each image's distance to the centroid of its cluster.
    pub distances: &'a [f64],
    /// The clustering that this one was made of by hand.
    pub edited_from: Option<ClusteringId>,
}

/// A kept clustering, without its assignments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClusteringRecord {
    /// Identity.
    pub id: ClusteringId,
    /// Its name, of which there is only one.
    pub name: String,
    /// The features.
    pub features: FeatureSource,
    /// What it was made from.
    pub facts: Map<String, Value>,
    /// Which pictures: `test` or `all`.
    pub part: String,
    /// How, as in the list of ways to cluster.
    pub method: String,
    /// The seed.
    pub seed: u64,
    /// K.
    pub clusters: usize,
    /// Images clustered.
    pub images: usize,
    /// The clustering that this one was made of by hand.
    pub edited_from: Option<ClusteringId>,
    /// What people say of each cluster, by its number from 0.
    pub notes: BTreeMap<usize, String>,
    /// When it was kept.
    pub created_at: String,
}

/// One image of a kept clustering.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assignment {
    /// The image.
    pub image: ImageId,
    /// Its cluster, from 0.
    pub cluster: usize,
    /// Its distance to the centroid of the cluster.
    pub distance: f64,
}

const COLUMNS: &str = "id, name, features, facts, part, method, seed, clusters, images, edited_from, notes, created_at";

impl Project {
    /// All kept clusterings, in the order they were made.
    pub fn clusterings(&self) -> Result<Vec<ClusteringRecord>> {
        let mut statement = self.connection.prepare(&format!("SELECT {COLUMNS} FROM clusterings ORDER BY id"))?;
        let rows = statement.query_map([], |row| Ok(record(row)))?;
        rows.map(|row| row?).collect()
    }

    /// The clustering of this name.
    ///
    /// # Errors
    /// `User` when there is none.
    pub fn clustering_named(&self, name: &str) -> Result<ClusteringRecord> {
        let name = names::clean(name);
        let query = format!("SELECT {COLUMNS} FROM clusterings WHERE name = ?1");
        let found = self.connection.query_row(&query, [&name], |row| Ok(record(row))).optional()?;
        found.unwrap_or_else(|| {
            Err(Error::user(format!("there is no clustering “{}”", names::beginning(&name)))
                .hint("`atmoscope clusterings list DIR` shows what there is"))
        })
    }

    /// A kept clustering.
    ///
    /// # Errors
    /// `User` when there is none.
    pub fn clustering(&self, id: ClusteringId) -> Result<ClusteringRecord> {
        let query = format!("SELECT {COLUMNS} FROM clusterings WHERE id = ?1");
        let found = self.connection.query_row(&query, [id.0], |row| Ok(record(row))).optional()?;
        found.unwrap_or_else(|| Err(Error::user(format!("there is no clustering {}", id.0))))
    }

    /// `name` as it would be stored, if a new clustering can have it.
    ///
    /// # Errors
    /// `User` when it cannot.
    pub fn free_clustering_name(&self, name: &str) -> Result<String> {
        names::check(name, "a clustering")?;
        let name = names::clean(name);
        let query = "SELECT EXISTS (SELECT 1 FROM clusterings WHERE name = ?1)";
        if self.connection.query_row(query, [&name], |row| row.get(0))? {
            return Err(Error::user(format!("there is a clustering “{name}” already"))
                .hint("choose another name, or remove it first with `atmoscope clusterings remove`"));
        }
        Ok(name)
    }

    /// Keeps a clustering under `name`.
    ///
    /// # Errors
    /// `User` for a name that cannot be one or is taken; `Internal` when the lists differ in length.
    pub fn add_clustering(&mut self, name: &str, new: &NewClustering<'_>) -> Result<ClusteringId> {
        let name = self.free_clustering_name(name)?;
        if new.images.len() != new.assignments.len() || new.images.len() != new.distances.len() {
            return Err(Error::internal("a clustering's lists differ in length"));
        }
        let mut bytes = Vec::with_capacity(new.images.len() * ASSIGNMENT_BYTES);
        for ((image, &cluster), distance) in new.images.iter().zip(new.assignments).zip(new.distances) {
            let cluster = u32::try_from(cluster).map_err(|_| Error::internal("a cluster's number is too large"))?;
            bytes.extend_from_slice(&image.0.to_le_bytes());
            bytes.extend_from_slice(&cluster.to_le_bytes());
            bytes.extend_from_slice(&distance.to_le_bytes());
        }
        let json = |error: serde_json::Error| Error::internal(error.to_string());
        let features = serde_json::to_string(&new.features).map_err(json)?;
        let facts = serde_json::to_string(&new.facts).map_err(json)?;
        let hash = blake3::hash(&bytes);
        let checksum = &hash.as_bytes()[..16];
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO clusterings (name, features, facts, part, method, seed, clusters, images, assignments,
                     checksum, edited_from, notes, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, '{}', ?12)",
                params![
                    name,
                    features,
                    facts,
                    new.part,
                    new.method,
                    new.seed as i64,
                    new.clusters as i64,
                    new.images.len() as i64,
                    bytes,
                    checksum,
                    new.edited_from.map(|id| id.0),
                    now()
                ],
            )?;
            Ok(ClusteringId(transaction.last_insert_rowid()))
        })
    }

    /// The images of a kept clustering.
    ///
    /// # Errors
    /// `Data` when they are damaged.
    pub fn assignments(&self, id: ClusteringId) -> Result<Vec<Assignment>> {
        let query = "SELECT assignments, checksum, images, clusters FROM clusterings WHERE id = ?1";
        let (bytes, checksum, images, clusters): (Vec<u8>, Vec<u8>, i64, i64) = self
            .connection
            .query_row(query, [id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?
            .ok_or_else(|| Error::user(format!("there is no clustering {}", id.0)))?;
        let damaged = || {
            Error::data(format!("project.db: the clustering {} is damaged", id.0))
                .hint("make it again; what it was made from stands in `atmoscope clusterings show`")
        };
        let (rows, rest) = bytes.as_chunks::<ASSIGNMENT_BYTES>();
        if !rest.is_empty() || rows.len() as i64 != images || checksum != blake3::hash(&bytes).as_bytes()[..16] {
            return Err(damaged());
        }
        let assignments = rows.iter().map(|row| {
            let (image, rest) = row.split_first_chunk::<8>()?;
            let (cluster, rest) = rest.split_first_chunk::<4>()?;
            let distance = f64::from_le_bytes(*rest.first_chunk::<8>()?);
            let cluster = u32::from_le_bytes(*cluster);
            let sound = i64::from(cluster) < clusters && distance.is_finite();
            let image = ImageId(i64::from_le_bytes(*image));
            sound.then_some(Assignment { image, cluster: cluster as usize, distance })
        });
        assignments.collect::<Option<_>>().ok_or_else(damaged)
    }

    /// Says something of a cluster (counted from 0), or nothing any more.
    ///
    /// # Errors
    /// `User` for a cluster that the clustering has not.
    pub fn note_cluster(&mut self, id: ClusteringId, cluster: usize, note: &str) -> Result<()> {
        let mut record = self.clustering(id)?;
        if cluster >= record.clusters {
            return Err(Error::user(format!("the clustering {} has no cluster {}", id.0, cluster + 1)));
        }
        match note.trim() {
            "" => record.notes.remove(&cluster),
            note => record.notes.insert(cluster, note.to_owned()),
        };
        let notes = serde_json::to_string(&record.notes).map_err(|error| Error::internal(error.to_string()))?;
        self.write(|transaction| {
            transaction.execute("UPDATE clusterings SET notes = ?2 WHERE id = ?1", params![id.0, notes])?;
            Ok(())
        })
    }

    /// Removes a kept clustering.
    ///
    /// # Errors
    /// `User` while another was made of it.
    pub fn remove_clustering(&mut self, id: ClusteringId) -> Result<()> {
        if let Some(other) = self.clusterings()?.into_iter().find(|other| other.edited_from == Some(id)) {
            return Err(Error::user(format!("“{}” was made of this clustering", other.name)).hint("remove that first"));
        }
        self.write(|transaction| {
            transaction.execute("DELETE FROM clusterings WHERE id = ?1", [id.0])?;
            Ok(())
        })
    }
}

fn record(row: &Row<'_>) -> Result<ClusteringRecord> {
    let name: String = row.get(1)?;
    let damaged = |_| Error::data(format!("the clustering “{name}” is damaged in project.db"));
    let count = |column: usize| row.get::<_, i64>(column).map(|count| usize::try_from(count).unwrap_or_default());
    let (features, facts, notes): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(10)?);
    Ok(ClusteringRecord {
        id: ClusteringId(row.get(0)?),
        features: serde_json::from_str(&features).map_err(damaged)?,
        facts: serde_json::from_str(&facts).map_err(damaged)?,
        part: row.get(4)?,
        method: row.get(5)?,
        seed: row.get::<_, i64>(6)? as u64,
        clusters: count(7)?,
        images: count(8)?,
        edited_from: row.get::<_, Option<i64>>(9)?.map(ClusteringId),
        notes: serde_json::from_str(&notes).map_err(damaged)?,
        created_at: row.get(11)?,
        name: name.clone(),
    })
}
