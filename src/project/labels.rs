//! The vocabulary of pseudo-labels.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;

use super::history::{self, Change};
use super::{Project, now};
use crate::error::{Error, Result};
use crate::ids::LabelId;
use crate::names;

/// A pseudo-label of the vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Identity: a renamed label stays the same label.
    pub id: LabelId,
    /// Unique name.
    pub name: String,
}

impl Project {
    /// The labels in the vocabulary's order.
    pub fn labels(&self) -> Result<Vec<Label>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, name FROM labels WHERE removed_at IS NULL ORDER BY position, id")?;
        let labels = statement
            .query_map([], |row| Ok(Label { id: LabelId(row.get(0)?), name: row.get(1)? }))?
            .collect::<Result<_, _>>()?;
        Ok(labels)
    }

    /// Adds a label at the end of the vocabulary; a removed one of that name comes back with its annotations.
    pub fn add_label(&mut self, name: &str) -> Result<Label> {
        let name = names::checked(name, "a label")?;
        self.write(|transaction| {
            let taken: Option<i64> = transaction
                .query_row("SELECT id FROM labels WHERE name = ?1 AND removed_at IS NULL", [&name], |row| row.get(0))
                .optional()?;
            if taken.is_some() {
                return Err(Error::user(format!("there is already a label “{name}”")));
            }
            let id = label_in(transaction, &name)?;
            history::record(transaction, &Change::AddLabel { label: id, name: name.clone() })?;
            Ok(Label { id, name })
        })
    }

    /// Adds the labels that the vocabulary lacks, at its end; removed ones come back with their annotations.
    pub fn ensure_labels(&mut self, names: &[String]) -> Result<()> {
        self.write(|transaction| names.iter().try_for_each(|name| label_in(transaction, name).map(drop)))
    }

    /// Gives a label another name.
    pub fn rename_label(&mut self, label: LabelId, name: &str) -> Result<()> {
        let name = names::checked(name, "a label")?;
        self.write(|transaction| {
            let before: String = transaction
                .query_row("SELECT name FROM labels WHERE id = ?1", [label.0], |row| row.get(0))
                .optional()?
                .ok_or_else(|| Error::user("that label is no longer there"))?;
            let removed: Option<bool> = transaction
                .query_row(
                    "SELECT removed_at IS NOT NULL FROM labels WHERE name = ?1 AND id <> ?2",
                    params![name, label.0],
                    |row| row.get(0),
                )
                .optional()?;
            match removed {
                None => {}
                Some(false) => return Err(Error::user(format!("there is already a label “{name}”"))),
                Some(true) => {
                    return Err(Error::user(format!("a label that was removed is called “{name}”"))
                        .hint("add it again to have it back with its answers, or choose another name"));
                }
            }
            transaction.execute("UPDATE labels SET name = ?1 WHERE id = ?2", params![name, label.0])?;
            history::record(transaction, &Change::RenameLabel { label, before, after: name.clone() })
        })
    }

    /// Takes a label out of the vocabulary. Its annotations are kept and come back with it.
    pub fn remove_label(&mut self, label: LabelId) -> Result<()> {
        self.write(|transaction| {
            let name: String = transaction
                .query_row("SELECT name FROM labels WHERE id = ?1 AND removed_at IS NULL", [label.0], |row| row.get(0))
                .optional()?
                .ok_or_else(|| Error::user("that label is no longer there"))?;
            set_removed(transaction, label, true)?;
            history::record(transaction, &Change::RemoveLabel { label, name })
        })
    }
}

/// The label of that name, which is added to the vocabulary if new and brought back if removed.
pub(super) fn label_in(transaction: &Transaction<'_>, name: &str) -> Result<LabelId> {
    let known: Option<i64> = transaction
        .prepare_cached("SELECT id FROM labels WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        set_removed(transaction, LabelId(id), false)?;
        return Ok(LabelId(id));
    }
    // The newest label stands last; looking through all of them for each would take long where there are many.
    transaction
        .prepare_cached(
            "INSERT INTO labels (name, position)
             VALUES (?1, coalesce((SELECT position FROM labels ORDER BY id DESC LIMIT 1) + 1, 0))",
        )?
        .execute([name])?;
    Ok(LabelId(transaction.last_insert_rowid()))
}

pub(super) fn set_removed(transaction: &Transaction<'_>, label: LabelId, removed: bool) -> Result<()> {
    let at = removed.then(now);
    transaction.execute("UPDATE labels SET removed_at = ?1 WHERE id = ?2", params![at, label.0])?;
    Ok(())
}
