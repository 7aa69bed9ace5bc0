//! Sorts: what raters do on their boards, move by move, until they submit it as a grouping.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::people::{Person, Role};
use super::studies::{TaskRecord, to_json};
use super::{Project, now};
use crate::error::{Error, Result};
use crate::ids::{GroupingId, ImageId, PersonId, SortId, StudyId, TaskId};
use crate::sorting::{ArrangedPile, Move, Sort, own_order};

/// A sort with where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSort {
    /// Identity.
    pub id: SortId,
    /// The study.
    pub study: StudyId,
    /// What was asked for.
    pub task: TaskRecord,
    /// Who sorts.
    pub rater: Person,
    /// Version, from 1.
    pub version: usize,
    /// When it was begun.
    pub begun_at: String,
    /// When it was submitted; nothing can be moved since.
    pub submitted_at: Option<String>,
    /// The board as it is now.
    pub sort: Sort,
}

/// A move to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMove {
    /// Of which sort.
    pub sort: SortId,
    /// Its number in the log, from 1, without gaps.
    pub number: usize,
    /// When it was made.
    pub made_at: OffsetDateTime,
    /// The move.
    pub step: Move,
    /// Images placed once it is made.
    pub placed: usize,
}

/// A move as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoggedMove {
    /// From 1, without gaps.
    pub number: usize,
    /// When it was made.
    pub made_at: String,
    /// When it was stored: later where the connection was lost in between.
    pub stored_at: String,
    /// The move.
    #[serde(flatten)]
    pub step: Move,
}

/// A stretch of time in which a rater was at work on a sort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Visit {
    /// When the board was opened.
    pub opened_at: String,
    /// When the rater paused or submitted; none when the window or page was left without a word.
    pub paused_at: Option<String>,
}

impl Project {
    /// The newest version of a rater's sort for a task; it is begun if there is none yet.
    ///
    /// # Errors
    /// `User` when the study is closed or the rater does not take part.
    pub fn open_sort(&mut self, study: StudyId, rater: PersonId, task: TaskId) -> Result<StoredSort> {
        let record = self.study(study)?;
        let taking_part = record.rater(rater).filter(|rater| !rater.removed);
        let Some(taking_part) = taking_part else {
            return Err(Error::user("this rater does not take part in the study")
                .hint("ask the person who sent you here for another link"));
        };
        let known = taking_part.progress.iter().find(|progress| progress.task == task);
        let Some(known) = known else { return Err(Error::user("the study has no such task")) };
        if let Some(sort) = &known.sort {
            return self.sort(sort.id);
        }
        if record.closed_at.is_some() {
            return Err(Error::user(format!("the study “{}” is closed", record.name)));
        }
        let purpose = format!("rater {}, task {}", rater.0, task.0);
        let order = own_order(&self.task_images(task)?, record.seed, &purpose);
        let id = self.write(|transaction| begin(transaction, task, rater, 1, &order))?;
        self.sort(id)
    }

    /// A sort, made again from its log.
    pub fn sort(&self, id: SortId) -> Result<StoredSort> {
        let row = self
            .connection
            .query_row(
                "SELECT study_id, task_id, rater_id, people.name, version, image_order, begun_at, submitted_at
                 FROM sorts JOIN study_tasks ON study_tasks.id = task_id JOIN people ON people.id = rater_id
                 WHERE sorts.id = ?1",
                [id.0],
                |row| {
                    let person = Person { id: PersonId(row.get(2)?), name: row.get(3)?, role: Role::Rater };
                    let (version, order): (i64, String) = (row.get(4)?, row.get(5)?);
                    let times: (String, Option<String>) = (row.get(6)?, row.get(7)?);
                    Ok((StudyId(row.get(0)?), TaskId(row.get(1)?), person, version, order, times))
                },
            )
            .optional()?;
        let Some((study, task, rater, version, order, (begun_at, submitted_at))) = row else {
            return Err(Error::user(format!("the project has no sort {}", id.0)));
        };
        let order: Vec<ImageId> = serde_json::from_str(&order)
            .map_err(|error| Error::data(format!("the order of sort {} cannot be read: {error}", id.0)))?;
        let task = self
            .study(study)?
            .task(task)
            .cloned()
            .ok_or_else(|| Error::data(format!("sort {} is of a task that is gone", id.0)))?;
        let log = self.sort_log(id)?;
        let sort = Sort::replay(order, task.condition.clone(), log.iter().map(|logged| &logged.step))?;
        Ok(StoredSort { id, study, task, rater, version: version as usize, begun_at, submitted_at, sort })
    }

    /// The log of a sort.
    pub fn sort_log(&self, id: SortId) -> Result<Vec<LoggedMove>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number, made_at, stored_at, move FROM sort_moves WHERE sort_id = ?1 ORDER BY number",
        )?;
        let mut rows = statement.query([id.0])?;
        let mut log = Vec::new();
        while let Some(row) = rows.next()? {
            let (number, text): (i64, String) = (row.get(0)?, row.get(3)?);
            let step = serde_json::from_str(&text)
                .map_err(|error| Error::data(format!("move {number} of sort {} cannot be read: {error}", id.0)))?;
            log.push(LoggedMove { number: number as usize, made_at: row.get(1)?, stored_at: row.get(2)?, step });
        }
        Ok(log)
    }

    /// When the rater was at work on a sort.
    pub fn sort_visits(&self, id: SortId) -> Result<Vec<Visit>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT opened_at, paused_at FROM sort_visits WHERE sort_id = ?1 ORDER BY id")?;
        let visits = statement
            .query_map([id.0], |row| Ok(Visit { opened_at: row.get(0)?, paused_at: row.get(1)? }))?
            .collect::<Result<_, _>>()?;
        Ok(visits)
    }

    /// All versions of all sorts of a study, by rater, task and version.
    pub fn sorts_of(&self, study: StudyId) -> Result<Vec<SortId>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT sorts.id FROM sorts JOIN study_tasks ON study_tasks.id = task_id
             WHERE study_id = ?1 ORDER BY rater_id, study_tasks.position, version",
        )?;
        let sorts = statement.query_map([study.0], |row| Ok(SortId(row.get(0)?)))?.collect::<Result<_, _>>()?;
        Ok(sorts)
    }

    /// Stores moves, of one sort or several, in one transaction: all of them or none.
    ///
    /// # Errors
    /// `User` when a sort was submitted already or its log has another length than a move's number says.
    pub fn append_moves(&mut self, moves: &[NewMove]) -> Result<()> {
        self.write(|transaction| {
            let stored_at = now();
            for new in moves {
                let text = to_json(&new.step)?;
                let made_at = text_of(new.made_at);
                let stored = transaction
                    .prepare_cached(
                        "INSERT INTO sort_moves (sort_id, number, made_at, stored_at, move)
                         SELECT ?1, ?2, ?3, ?4, ?5 FROM sorts
                         WHERE id = ?1 AND submitted_at IS NULL
                         AND ?2 = 1 + (SELECT coalesce(max(number), 0) FROM sort_moves WHERE sort_id = ?1)",
                    )?
                    .execute(params![new.sort.0, new.number as i64, made_at, stored_at, text])?;
                if stored != 1 {
                    return Err(Error::user("this sort was submitted or changed at another place")
                        .hint("open it again to see how it stands"));
                }
                transaction
                    .prepare_cached("UPDATE sorts SET placed = ?1, last_at = ?2 WHERE id = ?3")?
                    .execute(params![new.placed as i64, made_at, new.sort.0])?;
            }
            Ok(())
        })
    }

    /// Submits a sort: its groups become a grouping and nothing can be moved any more.
    ///
    /// # Errors
    /// `User`, saying what still breaks the condition; also when it was submitted already.
    pub fn submit_sort(&mut self, id: SortId) -> Result<GroupingId> {
        let stored = self.sort(id)?;
        if stored.submitted_at.is_some() {
            return Err(Error::user("this sort was submitted already"));
        }
        let breaches: Vec<String> = stored.sort.standing().breaches.iter().map(|breach| breach.words()).collect();
        if !breaches.is_empty() {
            return Err(Error::user(format!("not finished yet: {}", breaches.join("; "))));
        }
        self.write(|transaction| {
            let at = now();
            let unchanged = transaction.execute(
                "UPDATE sorts SET submitted_at = ?1 WHERE id = ?2 AND submitted_at IS NULL
                 AND ?3 = (SELECT coalesce(max(number), 0) FROM sort_moves WHERE sort_id = ?2)",
                params![at, id.0, stored.sort.move_count() as i64],
            )?;
            if unchanged != 1 {
                return Err(Error::user("the sort changed at another place meanwhile").hint("look at it again"));
            }
            transaction.execute(
                "UPDATE sort_visits SET paused_at = ?1 WHERE id = (SELECT max(id) FROM sort_visits WHERE sort_id = ?2)
                 AND paused_at IS NULL",
                params![at, id.0],
            )?;
            transaction.execute(
                "INSERT INTO groupings (rater_id, condition, occasion, version, sort_id, created_at, submitted_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    stored.rater.id.0,
                    stored.task.condition.name,
                    stored.task.occasion as i64,
                    stored.version as i64,
                    id.0,
                    stored.begun_at,
                    at
                ],
            )?;
            let grouping = transaction.last_insert_rowid();
            let places = stored.sort.places();
            for (position, (name, images)) in stored.sort.groups().into_iter().enumerate() {
                transaction.execute(
                    "INSERT INTO groups (grouping_id, name, position) VALUES (?1, ?2, ?3)",
                    params![grouping, name, position as i64],
                )?;
                let group = transaction.last_insert_rowid();
                for image in images {
                    let place = places.get(&image).map(|place| *place as i64);
                    transaction
                        .prepare_cached(
                            "INSERT INTO group_members (grouping_id, image_id, group_id, place) VALUES (?1, ?2, ?3, ?4)",
                        )?
                        .execute(params![grouping, image.0, group, place])?;
                }
            }
            Ok(GroupingId(grouping))
        })
    }

    /// Begins a new version of a submitted sort, with its groups as they are.
    ///
    /// # Errors
    /// `User` when it is not submitted, not the newest version, or the study is closed.
    pub fn new_version(&mut self, id: SortId) -> Result<StoredSort> {
        let old = self.sort(id)?;
        let study = self.study(old.study)?;
        if study.closed_at.is_some() {
            return Err(Error::user(format!("the study “{}” is closed", study.name)));
        }
        if old.submitted_at.is_none() {
            return Err(Error::user("this sort is still under way; no new version is needed"));
        }
        let board = old.sort.board();
        let arrange = Move::Arrange {
            piles: board
                .piles
                .iter()
                .filter(|pile| !pile.images.is_empty())
                .map(|pile| ArrangedPile { name: pile.name.clone(), images: pile.images.clone() })
                .collect(),
            left_out: board.left_out.clone(),
        };
        let version = old.version + 1;
        let new = self.write(|transaction| {
            let newest: i64 = transaction.query_row(
                "SELECT max(version) FROM sorts WHERE task_id = ?1 AND rater_id = ?2",
                params![old.task.id.0, old.rater.id.0],
                |row| row.get(0),
            )?;
            if newest as usize != old.version {
                return Err(Error::user("there is a newer version of this sort already"));
            }
            begin(transaction, old.task.id, old.rater.id, version, old.sort.order())
        })?;
        let placed = old.sort.standing().placed;
        self.append_moves(&[NewMove {
            sort: new,
            number: 1,
            made_at: OffsetDateTime::now_utc(),
            step: arrange,
            placed,
        }])?;
        self.sort(new)
    }

    /// Notes that a rater opened a sort.
    pub fn begin_visit(&mut self, sort: SortId) -> Result<()> {
        self.write(|transaction| {
            transaction
                .execute("INSERT INTO sort_visits (sort_id, opened_at) VALUES (?1, ?2)", params![sort.0, now()])?;
            Ok(())
        })
    }

    /// Notes that a rater paused.
    pub fn end_visit(&mut self, sort: SortId) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE sort_visits SET paused_at = ?1 WHERE id = (SELECT max(id) FROM sort_visits WHERE sort_id = ?2)
                 AND paused_at IS NULL",
                params![now(), sort.0],
            )?;
            Ok(())
        })
    }
}

fn begin(
    transaction: &Transaction<'_>,
    task: TaskId,
    rater: PersonId,
    version: usize,
    order: &[ImageId],
) -> Result<SortId> {
    transaction.execute(
        "INSERT INTO sorts (task_id, rater_id, version, image_order, begun_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![task.0, rater.0, version as i64, to_json(&order)?, now()],
    )?;
    Ok(SortId(transaction.last_insert_rowid()))
}

fn text_of(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
