//! Groups made by people: groupings imported from files, and those that raters submitted in a study.

use rusqlite::{Transaction, params};
use serde::Serialize;

use super::people::{Role, person_in};
use super::{Project, now};
use crate::error::{Error, Result};
use crate::ids::{GroupingId, ImageId};

/// One rater's sort under one condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupingRecord {
    /// Identity.
    pub id: GroupingId,
    /// The rater's name.
    pub rater: String,
    /// "1", "2", or a name of the project's own.
    pub condition: String,
    /// The study it was made in; none for an imported one.
    pub study: Option<String>,
    /// 1 the first time, 2 again (test and retest).
    pub occasion: usize,
    /// Version, from 1.
    pub version: usize,
    /// True unless the rater submitted a newer version.
    pub newest: bool,
    /// Number of groups.
    pub groups: usize,
    /// Number of images placed.
    pub images: usize,
    /// When it was begun, or imported.
    pub begun_at: String,
    /// When it was submitted, or imported.
    pub submitted_at: Option<String>,
}

impl GroupingRecord {
    /// True when scores are computed against it: the newest version of what the rater did the first time.
    pub fn counts(&self) -> bool {
        self.newest && self.occasion == 1
    }
}

/// One placed image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupingRow {
    /// The rater's name.
    pub rater: String,
    /// The condition.
    pub condition: String,
    /// Which image.
    pub image: ImageId,
    /// The group's name.
    pub group: String,
    /// 1 the first time, 2 again (test and retest).
    pub occasion: usize,
    /// When in the sort it was placed, counted from 1, where it is known.
    pub place: Option<u64>,
    /// When the sort was begun, where it is known.
    pub begun_at: Option<String>,
    /// When the sort was submitted, where it is known.
    pub submitted_at: Option<String>,
}

impl Project {
    /// All groupings, by condition, rater, occasion and version.
    pub fn groupings(&self) -> Result<Vec<GroupingRecord>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT groupings.id, people.name, groupings.condition,
                    (SELECT count(*) FROM groups WHERE grouping_id = groupings.id),
                    (SELECT count(*) FROM group_members WHERE grouping_id = groupings.id),
                    studies.name, groupings.occasion, groupings.version,
                    NOT EXISTS (SELECT 1 FROM groupings AS newer JOIN sorts AS newer_sorts ON newer_sorts.id = newer.sort_id
                                WHERE newer_sorts.task_id = sorts.task_id AND newer.rater_id = groupings.rater_id
                                AND newer.version > groupings.version),
                    groupings.created_at, groupings.submitted_at
             FROM groupings JOIN people ON people.id = groupings.rater_id
             LEFT JOIN sorts ON sorts.id = groupings.sort_id
             LEFT JOIN study_tasks ON study_tasks.id = sorts.task_id
             LEFT JOIN studies ON studies.id = study_tasks.study_id
             ORDER BY groupings.condition, people.name, groupings.occasion, groupings.version, groupings.id",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(GroupingRecord {
                id: GroupingId(row.get(0)?),
                rater: row.get(1)?,
                condition: row.get(2)?,
                groups: row.get::<_, i64>(3)? as usize,
                images: row.get::<_, i64>(4)? as usize,
                study: row.get(5)?,
                occasion: row.get::<_, i64>(6)? as usize,
                version: row.get::<_, i64>(7)? as usize,
                newest: row.get(8)?,
                begun_at: row.get(9)?,
                submitted_at: row.get(10)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Each image of a grouping with its group's name, by image.
    pub fn grouping_members(&self, grouping: GroupingId) -> Result<Vec<(ImageId, String)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT image_id, groups.name FROM group_members JOIN groups ON groups.id = group_id
             WHERE group_members.grouping_id = ?1 ORDER BY image_id",
        )?;
        let rows = statement.query_map([grouping.0], |row| Ok((ImageId(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Everything that is known of a grouping's images: by group in the groups' order, then by image.
    pub fn grouping_rows(&self, grouping: &GroupingRecord) -> Result<Vec<GroupingRow>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT image_id, groups.name, place FROM group_members JOIN groups ON groups.id = group_id
             WHERE group_members.grouping_id = ?1 ORDER BY position, image_id",
        )?;
        let rows = statement.query_map([grouping.id.0], |row| {
            Ok(GroupingRow {
                rater: grouping.rater.clone(),
                condition: grouping.condition.clone(),
                image: ImageId(row.get(0)?),
                group: row.get(1)?,
                occasion: grouping.occasion,
                place: row.get::<_, Option<i64>>(2)?.map(|place| place as u64),
                begun_at: Some(grouping.begun_at.clone()),
                submitted_at: grouping.submitted_at.clone(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Stores groupings read from a file. A rater's grouping that is there already under the same condition is
    /// left alone when it is the same, and is an error when it differs.
    ///
    /// Returns how many groupings were added.
    pub fn import_groupings(&mut self, rows: &[GroupingRow]) -> Result<usize> {
        self.write(|transaction| {
            let mut keys: Vec<(&str, &str, usize)> =
                rows.iter().map(|row| (row.rater.as_str(), row.condition.as_str(), row.occasion)).collect();
            keys.sort_unstable();
            keys.dedup();
            let mut added = 0;
            for (rater, condition, occasion) in keys {
                let members: Vec<&GroupingRow> = rows
                    .iter()
                    .filter(|row| {
                        (row.rater.as_str(), row.condition.as_str(), row.occasion) == (rater, condition, occasion)
                    })
                    .collect();
                added += usize::from(add_grouping(transaction, rater, condition, occasion, &members)?);
            }
            Ok(added)
        })
    }
}

fn add_grouping(
    transaction: &Transaction<'_>,
    rater: &str,
    condition: &str,
    occasion: usize,
    members: &[&GroupingRow],
) -> Result<bool> {
    let rater_id = person_in(transaction, rater, Role::Rater)?;
    let known: Vec<i64> = transaction
        .prepare_cached("SELECT id FROM groupings WHERE rater_id = ?1 AND condition = ?2 AND occasion = ?3")?
        .query_map(params![rater_id.0, condition, occasion as i64], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut given: Vec<(i64, String)> = members.iter().map(|row| (row.image.0, row.group.clone())).collect();
    given.sort_unstable();
    for grouping in &known {
        let mut statement = transaction.prepare_cached(
            "SELECT image_id, groups.name FROM group_members JOIN groups ON groups.id = group_id
             WHERE group_members.grouping_id = ?1 ORDER BY image_id",
        )?;
        let stored: Vec<(i64, String)> =
            statement.query_map([grouping], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        if stored == given {
            return Ok(false);
        }
    }
    if !known.is_empty() {
        return Err(Error::user(format!(
            "the project already holds another grouping by {rater} under condition {condition}"
        ))
        .hint("give the rater another name in the file to keep both"));
    }
    let at = now();
    transaction.execute(
        "INSERT INTO groupings (rater_id, condition, occasion, created_at, submitted_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            rater_id.0,
            condition,
            occasion as i64,
            members.iter().find_map(|row| row.begun_at.clone()).unwrap_or_else(|| at.clone()),
            members.iter().find_map(|row| row.submitted_at.clone()).unwrap_or(at)
        ],
    )?;
    let grouping = transaction.last_insert_rowid();
    let mut groups: Vec<(&str, i64)> = Vec::new();
    for row in members {
        let known = groups.iter().find(|(name, _)| *name == row.group).map(|(_, id)| *id);
        let group = match known {
            Some(id) => id,
            None => {
                transaction
                    .prepare_cached("INSERT INTO groups (grouping_id, name, position) VALUES (?1, ?2, ?3)")?
                    .execute(params![grouping, row.group, groups.len() as i64])?;
                groups.push((&row.group, transaction.last_insert_rowid()));
                transaction.last_insert_rowid()
            }
        };
        transaction
            .prepare_cached(
                "INSERT INTO group_members (grouping_id, image_id, group_id, place) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![grouping, row.image.0, group, row.place.map(|place| place as i64)])?;
    }
    Ok(true)
}
