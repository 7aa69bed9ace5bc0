//! Undo and redo of what people did.
//!
//! Every edit stores one [`Change`] in the same transaction, with what is needed to take it back and no more.
//! Undoing applies the change backwards and marks it; a new edit drops what was undone.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::annotations::{self, AnnotationEdit};
use super::{Project, labels, now, splits};
use crate::error::{Error, Result};
use crate::ids::{ImageId, LabelId, SplitId};
use crate::wording::counted;

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
    /// The pictures were divided again, or the division before was restored.
    Split {
        /// The split that was in use, if there was one.
        before: Option<SplitId>,
        /// The split in use now.
        after: SplitId,
    },
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
        let describe = |undone| newest(&self.connection, undone)?.map(|(_, change)| self.describe(&change)).transpose();
        Ok((describe(false)?, describe(true)?))
    }

    /// An edit in words, as the menu says it: "label “cute” on 3 pictures".
    pub fn describe(&self, change: &Change) -> Result<String> {
        Ok(match change {
            Change::Annotate { edits } => self.describe_answers(edits)?,
            Change::AddLabel { name, .. } => format!("add label “{name}”"),
            Change::RenameLabel { before, after, .. } => format!("rename “{before}” to “{after}”"),
            Change::RemoveLabel { name, .. } => format!("remove label “{name}”"),
            Change::SetAside { before, after } => {
                let images: Vec<ImageId> = before.iter().map(|(image, _)| *image).collect();
                let what = self.pictures_in_words(&images)?;
                if after.is_some() { format!("set {what} aside") } else { format!("take {what} back") }
            }
            Change::Split { .. } => "split the pictures".to_owned(),
        })
    }

    fn describe_answers(&self, edits: &[AnnotationEdit]) -> Result<String> {
        let mut images: Vec<ImageId> = edits.iter().map(|edit| edit.image).collect();
        images.sort_unstable();
        images.dedup();
        let what = self.pictures_in_words(&images)?;
        let label = edits.first().map(|edit| edit.label).filter(|label| edits.iter().all(|edit| edit.label == *label));
        let name: Option<String> = match label {
            Some(label) => self
                .connection
                .prepare_cached("SELECT name FROM labels WHERE id = ?1")?
                .query_row([label.0], |row| row.get(0))
                .optional()?,
            None => None,
        };
        let all = |value| edits.iter().all(|edit| edit.after == value);
        Ok(match name {
            Some(name) if all(Some(false)) => format!("answer no to “{name}” on {what}"),
            Some(name) if all(None) => format!("take “{name}” off {what}"),
            Some(name) => format!("label “{name}” on {what}"),
            None => format!("label {what}"),
        })
    }

    /// The file's name of a picture, or how many there are.
    fn pictures_in_words(&self, images: &[ImageId]) -> Result<String> {
        let [image] = images else { return Ok(counted(images.len(), "picture")) };
        let path: Option<String> = self
            .connection
            .prepare_cached("SELECT relative_path FROM images WHERE id = ?1")?
            .query_row([image.0], |row| row.get(0))
            .optional()?;
        let name = path.and_then(|path| path.rsplit('/').next().map(str::to_owned));
        Ok(name.unwrap_or_else(|| counted(1, "picture")))
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
        Change::Split { before, after } => {
            splits::put_in_use(transaction, if forward { Some(*after) } else { *before })?;
        }
    }
    Ok(())
}
