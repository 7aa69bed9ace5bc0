//! Groups made by people: groupings imported from files, and those that raters submitted in a study.

use std::collections::BTreeMap;

use rusqlite::{Transaction, params};
use serde::Serialize;

use super::Project;
use super::people::{Role, person_in};
use crate::dataset::{RaterSort, SortChoice, StudyCondition};
use crate::error::{Error, Result};
use crate::ids::{GroupingId, ImageId};

/// Stands where a grouping's beginning is not known: the column takes no NULL.
const UNKNOWN_TIME: &str = "";

/// One rater's sort under one condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupingRecord {
    /// Identity.
    pub id: GroupingId,
    /// The rater's name.
    pub rater: String,
    /// "1", "2", or a name of the project's own.
    pub condition: String,
    /// The study it was made in; none for an imported one whose file names none.
    pub study: Option<String>,
    /// True for one that was imported.
    pub imported: bool,
    /// 1 the first time, 2 again (test and retest).
    pub occasion: usize,
    /// Version, from 1.
    pub version: usize,
    /// True unless the rater submitted a newer version.
    pub newest: bool,
    /// True when the rater was removed from the study.
    pub removed: bool,
    /// Number of groups.
    pub groups: usize,
    /// Number of images placed.
    pub images: usize,
    /// When it was begun; none for an imported one whose file does not tell.
    pub begun_at: Option<String>,
    /// When it was submitted; none for an imported one whose file does not tell.
    pub submitted_at: Option<String>,
}

impl GroupingRecord {
    /// In which study and under which condition it was made.
    pub fn study_condition(&self) -> StudyCondition {
        StudyCondition { study: self.study.clone(), condition: self.condition.clone() }
    }

    /// True when scores are computed against it unless somebody says otherwise: the newest version of what a rater who
    /// still belongs to the study did the first time.
    pub fn counts(&self) -> bool {
        self.newest && self.occasion == 1 && !self.removed
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
    /// The study it was made in, where it is known.
    pub study: Option<String>,
    /// When in the sort it was placed, counted from 1, where it is known.
    pub place: Option<u64>,
    /// When the sort was begun, where it is known.
    pub begun_at: Option<String>,
    /// When the sort was submitted, where it is known.
    pub submitted_at: Option<String>,
    /// The line of the file it is read from, counted from 1; messages name it.
    pub line: Option<u64>,
}

impl Project {
    /// All groupings, by condition, rater, occasion and version.
    pub fn groupings(&self) -> Result<Vec<GroupingRecord>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT groupings.id, people.name, groupings.condition,
                    (SELECT count(*) FROM groups WHERE grouping_id = groupings.id),
                    (SELECT count(*) FROM group_members WHERE grouping_id = groupings.id),
                    coalesce(studies.name, groupings.study), groupings.occasion, groupings.version,
                    NOT EXISTS (SELECT 1 FROM groupings AS newer JOIN sorts AS newer_sorts ON newer_sorts.id = newer.sort_id
                                WHERE newer_sorts.task_id = sorts.task_id AND newer.rater_id = groupings.rater_id
                                AND newer.version > groupings.version),
                    groupings.created_at, groupings.submitted_at, groupings.sort_id IS NULL,
                    EXISTS (SELECT 1 FROM study_raters WHERE study_raters.study_id = studies.id
                            AND study_raters.rater_id = groupings.rater_id AND removed_at IS NOT NULL)
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
                begun_at: Some(row.get(9)?).filter(|at| at != UNKNOWN_TIME),
                submitted_at: row.get(10)?,
                imported: row.get(11)?,
                removed: row.get(12)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The newest version of every sort that is taken, also of those who sorted again, without
    /// [replaced images](Self::replaced_images).
    ///
    /// # Errors
    /// As [`SortChoice::choose`].
    pub fn rater_sorts(&self, choice: &SortChoice) -> Result<Vec<RaterSort<ImageId>>> {
        let replaced = self.replaced_images()?;
        let mut sorts = Vec::new();
        for record in self.newest_groupings(choice)? {
            sorts.push(RaterSort {
                condition: record.study_condition(),
                rater: record.rater,
                occasion: record.occasion,
                groups: (self.grouping_members(record.id)?.into_iter())
                    .filter(|(image, _)| !replaced.contains(image))
                    .collect(),
            });
        }
        choice.choose(sorts)
    }

    /// The newest version of each sort, without those of removed raters unless the choice takes them.
    fn newest_groupings(&self, choice: &SortChoice) -> Result<Vec<GroupingRecord>> {
        let newest = |record: &GroupingRecord| record.newest && (choice.with_removed || !record.removed);
        Ok(self.groupings()?.into_iter().filter(newest).collect())
    }

    /// The records of the sorts that [`rater_sorts`](Self::rater_sorts) takes.
    ///
    /// # Errors
    /// As [`SortChoice::check_names`].
    pub fn groupings_taken(&self, choice: &SortChoice) -> Result<Vec<GroupingRecord>> {
        let records = self.newest_groupings(choice)?;
        choice.check_names(records.iter().map(|record| (record.rater.as_str(), record.study.as_deref())))?;
        let taken = |record: &GroupingRecord| choice.takes(&record.rater, &record.study_condition(), record.removed);
        Ok(records.into_iter().filter(taken).collect())
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
                study: grouping.study.clone(),
                place: row.get::<_, Option<i64>>(2)?.map(|place| place as u64),
                begun_at: grouping.begun_at.clone(),
                submitted_at: grouping.submitted_at.clone(),
                line: None,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Stores groupings read from a file. A rater's grouping that is there already in the same study, under the same
    /// condition and of the same occasion is left alone when it is the same, and is an error when it differs.
    ///
    /// Returns how many groupings were added.
    pub fn import_groupings(&mut self, rows: &[GroupingRow]) -> Result<usize> {
        self.write(|transaction| {
            let mut sorts: BTreeMap<Key<'_>, Vec<&GroupingRow>> = BTreeMap::new();
            for row in rows {
                let key = (row.rater.as_str(), row.study.as_deref(), row.condition.as_str(), row.occasion);
                sorts.entry(key).or_default().push(row);
            }
            let mut added = 0;
            for (key, members) in sorts {
                added += usize::from(add_grouping(transaction, key, &members)?);
            }
            Ok(added)
        })
    }
}

/// What tells one sort from another: rater, study, condition and occasion.
type Key<'a> = (&'a str, Option<&'a str>, &'a str, usize);

fn add_grouping(
    transaction: &Transaction<'_>,
    (rater, study, condition, occasion): Key<'_>,
    members: &[&GroupingRow],
) -> Result<bool> {
    let rater_id = person_in(transaction, rater, Role::Rater)?;
    let known: Vec<i64> = transaction
        .prepare_cached(
            "SELECT groupings.id FROM groupings
             LEFT JOIN sorts ON sorts.id = groupings.sort_id
             LEFT JOIN study_tasks ON study_tasks.id = sorts.task_id
             LEFT JOIN studies ON studies.id = study_tasks.study_id
             WHERE groupings.rater_id = ?1 AND groupings.condition = ?2 AND groupings.occasion = ?3
             AND coalesce(studies.name, groupings.study) IS ?4",
        )?
        .query_map(params![rater_id.0, condition, occasion as i64, study], |row| row.get(0))?
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
        let condition = StudyCondition { study: study.map(str::to_owned), condition: condition.to_owned() };
        let line = members.iter().filter_map(|row| row.line).min();
        let place = line.map_or_else(String::new, |line| format!("line {line}: "));
        return Err(Error::user(format!(
            "{place}the project already holds another grouping by {rater} under condition {condition}"
        ))
        .hint("give the rater another name in the file to keep both"));
    }
    transaction.execute(
        "INSERT INTO groupings (rater_id, condition, occasion, created_at, submitted_at, study)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            rater_id.0,
            condition,
            occasion as i64,
            members.iter().find_map(|row| row.begun_at.as_deref()).unwrap_or(UNKNOWN_TIME),
            members.iter().find_map(|row| row.submitted_at.as_deref()),
            study
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
