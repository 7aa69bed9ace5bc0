//! Annotators and raters.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Project, now};
use crate::error::Result;
use crate::ids::{ImageId, PersonId};
use crate::names;

/// What a person does in the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Gives labels.
    Annotator,
    /// Sorts pictures into groups.
    Rater,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Annotator => "annotator",
            Self::Rater => "rater",
        }
    }
}

/// Somebody who labels or sorts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Identity.
    pub id: PersonId,
    /// Name, unique among those of the same role.
    pub name: String,
    /// What they do.
    pub role: Role,
}

/// How much an annotator has answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerCount {
    /// Answers, yes or no.
    pub answers: usize,
    /// Images with any.
    pub images: usize,
}

/// Answers about labels that are in the vocabulary.
const IN_VOCABULARY: &str = "label_id NOT IN (SELECT id FROM labels WHERE removed_at IS NOT NULL)";

impl Project {
    /// How much each annotator has answered; who has not is missing.
    pub fn answer_counts(&self) -> Result<HashMap<PersonId, AnswerCount>> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT annotator_id, sum(answers), count(*) FROM
                (SELECT annotator_id, count(*) AS answers FROM annotations WHERE {IN_VOCABULARY}
                 GROUP BY annotator_id, image_id)
             GROUP BY annotator_id"
        ))?;
        let counts = statement
            .query_map([], |row| {
                let count = |column: usize| row.get::<_, i64>(column).map(|count| count as usize);
                Ok((PersonId(row.get(0)?), AnswerCount { answers: count(1)?, images: count(2)? }))
            })?
            .collect::<Result<_, _>>()?;
        Ok(counts)
    }

    /// The images that somebody else than this annotator has answered about.
    pub fn images_answered_by_others(&self, annotator: PersonId) -> Result<HashSet<ImageId>> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT DISTINCT image_id FROM annotations WHERE annotator_id <> ?1 AND {IN_VOCABULARY}"
        ))?;
        let images = statement.query_map([annotator.0], |row| Ok(ImageId(row.get(0)?)))?.collect::<Result<_, _>>()?;
        Ok(images)
    }

    /// Everybody with the given role, in the order in which they joined.
    pub fn people(&self, role: Role) -> Result<Vec<Person>> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, name FROM people WHERE role = ?1 ORDER BY id")?;
        let people = statement
            .query_map([role.as_str()], |row| Ok(Person { id: PersonId(row.get(0)?), name: row.get(1)?, role }))?
            .collect::<Result<_, _>>()?;
        Ok(people)
    }

    /// The person of that name and role, who joins the project if new.
    pub fn person(&mut self, name: &str, role: Role) -> Result<Person> {
        let name = names::checked(name, "a person")?;
        let id = self.write(|transaction| person_in(transaction, &name, role))?;
        Ok(Person { id, name, role })
    }
}

/// The person of that name and role, who joins if new.
pub(super) fn person_in(transaction: &Transaction<'_>, name: &str, role: Role) -> Result<PersonId> {
    let known = transaction
        .prepare_cached("SELECT id FROM people WHERE name = ?1 AND role = ?2")?
        .query_row(params![name, role.as_str()], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(PersonId(id));
    }
    transaction.execute(
        "INSERT INTO people (name, role, created_at) VALUES (?1, ?2, ?3)",
        params![name, role.as_str(), now()],
    )?;
    Ok(PersonId(transaction.last_insert_rowid()))
}
