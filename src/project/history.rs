//! Undo and redo of what people did.
//!
//! Every edit stores one [`Change`] in the same transaction, with what is needed to take it back and no more.
//! Undoing applies the change backwards and marks it; a new edit drops what was undone.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::annotations::{self, AnnotationEdit};
use super::{Project, labels, now};
use crate::error::{Error, Result};
use crate::ids::{ImageId, LabelId};

/// How many edits can be undone.
pub const LONGEST_HISTORY: usize = 10_000;

/// One edit by a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Change {
    /// Labels were given to or taken from images.
    Annotate {
        /// Each value before and after.
        edits: Vec<AnnotationEdit>,
    },
    /// A label joined the vocabulary.
    AddLabel {
        /// Which.
        label: LabelId,
        /// Its name, for the menu.
        name: String,
    },
    /// A label got another name.
    RenameLabel {
        /// Which.
        label: LabelId,
        /// The old name.
        before: String,
        /// The new name.
        after: String,
    },
    /// A label left the vocabulary.
    RemoveLabel {
        /// Which.
        label: LabelId,
        /// Its name, for the menu.
        name: String,
    },
    /// Images were put aside or taken back.
    SetAside {
        /// Each image's reason before.
        before: Vec<(ImageId, Option<String>)>,
        /// The reason now.
        after: Option<String>,
    },
}

impl Change {
    /// The edit in words, as the menu says it: "label 3 pictures".
    pub fn describe(&self) -> String {
        match self {
            Self::Annotate { edits } => {
                let mut images: Vec<_> = edits.iter().map(|edit| edit.image).collect();
                images.sort_unstable();
                images.dedup();
                match images.len() {
                    1 => "label a picture".to_owned(),
                    n => format!("label {n} pictures"),
                }
            }
            Self::AddLabel { name, .. } => format!("add label “{name}”"),
            Self::RenameLabel { before, after, .. } => format!("rename “{before}” to “{after}”"),
            Self::RemoveLabel { name, .. } => format!("remove label “{name}”"),
            Self::SetAside { before, after: Some(_) } => format!("set {} pictures aside", before.len()),
            Self::SetAside { before, after: None } => format!("take {} pictures back", before.len()),
        }
    }
}

/// Records `change` as the newest edit and drops what had been undone.
pub(super) fn record(transaction: &Transaction<'_>, change: &Change) -> Result<()> {
    let text = serde_json::to_string(change).map_err(|error| Error::internal(error.to_string()))?;
    transaction.execute("DELETE FROM history WHERE undone = 1", [])?;
    transaction.prepare_cached("INSERT INTO history (at, change) VALUES (?1, ?2)")?.execute(params![now(), text])?;
    transaction
        .prepare_cached("DELETE FROM history WHERE id <= (SELECT max(id) FROM history) - ?1")?
        .execute([LONGEST_HISTORY as i64])?;
    Ok(())
}

impl Project {
    /// Takes the newest edit back and returns it; `None` when there is nothing left to undo.
    pub fn undo(&mut self) -> Result<Option<Change>> {
        self.write(|transaction| {
            let Some((id, change)) = newest(transaction, false)? else { return Ok(None) };
            apply(transaction, &change, false)?;
            transaction.execute("UPDATE history SET undone = 1 WHERE id = ?1", [id])?;
            Ok(Some(change))
        })
    }

    /// Does the edit undone last again and returns it; `None` when there is none.
    pub fn redo(&mut self) -> Result<Option<Change>> {
        self.write(|transaction| {
            let Some((id, change)) = newest(transaction, true)? else { return Ok(None) };
            apply(transaction, &change, true)?;
            transaction.execute("UPDATE history SET undone = 0 WHERE id = ?1", [id])?;
            Ok(Some(change))
        })
    }

    /// What undo and redo would do, in words.
    pub fn history_outlook(&self) -> Result<(Option<String>, Option<String>)> {
        let undo = newest(&self.connection, false)?.map(|(_, change)| change.describe());
        let redo = newest(&self.connection, true)?.map(|(_, change)| change.describe());
        Ok((undo, redo))
    }
}

/// The entry that undo (`undone` false) or redo (`undone` true) is about.
fn newest(connection: &rusqlite::Connection, undone: bool) -> Result<Option<(i64, Change)>> {
    let sql = if undone {
        "SELECT id, change FROM history WHERE undone = 1 ORDER BY id LIMIT 1"
    } else {
        "SELECT id, change FROM history WHERE undone = 0 ORDER BY id DESC LIMIT 1"
    };
    let row: Option<(i64, String)> =
        connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    row.map(|(id, text)| {
        let change = serde_json::from_str(&text)
            .map_err(|error| Error::data(format!("entry {id} of the undo history cannot be read: {error}")))?;
        Ok((id, change))
    })
    .transpose()
}

fn apply(transaction: &Transaction<'_>, change: &Change, forward: bool) -> Result<()> {
    match change {
        Change::Annotate { edits } => {
            for edit in edits {
                let value = if forward { edit.after } else { edit.before };
                annotations::put(transaction, edit.annotator, edit.image, edit.label, value)?;
            }
        }
        Change::AddLabel { label, .. } => labels::set_removed(transaction, *label, !forward)?,
        Change::RemoveLabel { label, .. } => labels::set_removed(transaction, *label, forward)?,
        Change::RenameLabel { label, before, after } => {
            let name = if forward { after } else { before };
            transaction.execute("UPDATE labels SET name = ?1 WHERE id = ?2", params![name, label.0])?;
        }
        Change::SetAside { before, after } => {
            for (image, reason) in before {
                let reason = if forward { after } else { reason };
                transaction
                    .prepare_cached("UPDATE images SET set_aside = ?1 WHERE id = ?2")?
                    .execute(params![reason, image.0])?;
            }
        }
    }
    Ok(())
}
