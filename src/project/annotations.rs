//! Which annotator says which label of which image: yes, no, or nothing yet.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::history::{self, Change};
use super::{Project, labels, now};
use crate::dataset::{Answers, ImageLabels, targets};
use crate::error::Result;
use crate::ids::{ImageId, LabelId, PersonId};

/// One stored answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Who.
    pub annotator: PersonId,
    /// Which image.
    pub image: ImageId,
    /// Which label.
    pub label: LabelId,
    /// Yes or no.
    pub value: bool,
}

/// An answer before and after an edit; `None` stands for no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnotationEdit {
    /// Who.
    #[serde(rename = "a")]
    pub annotator: PersonId,
    /// Which image.
    #[serde(rename = "i")]
    pub image: ImageId,
    /// Which label.
    #[serde(rename = "l")]
    pub label: LabelId,
    /// Before.
    #[serde(rename = "b")]
    pub before: Option<bool>,
    /// After.
    #[serde(rename = "v")]
    pub after: Option<bool>,
}

impl Project {
    /// Every answer of one annotator about labels in the vocabulary.
    pub fn annotations_of(&self, annotator: PersonId) -> Result<Vec<Annotation>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT image_id, label_id, value FROM annotations
             JOIN labels ON labels.id = label_id AND removed_at IS NULL WHERE annotator_id = ?1",
        )?;
        let rows = statement.query_map([annotator.0], |row| {
            Ok(Annotation { annotator, image: ImageId(row.get(0)?), label: LabelId(row.get(1)?), value: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The same by image and label.
    pub fn answers_of(&self, annotator: PersonId) -> Result<Answers> {
        let annotations = self.annotations_of(annotator)?.into_iter();
        Ok(targets::by_image(annotations.map(|annotation| (annotation.image, annotation.label, annotation.value))))
    }

    /// Every answer of one annotator about labels in the vocabulary, with its time (UTC, RFC 3339).
    pub fn annotations_with_times(&self, annotator: PersonId) -> Result<Vec<(Annotation, String)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT image_id, label_id, value, at FROM annotations
             JOIN labels ON labels.id = label_id AND removed_at IS NULL WHERE annotator_id = ?1",
        )?;
        let rows = statement.query_map([annotator.0], |row| {
            let (image, label) = (ImageId(row.get(0)?), LabelId(row.get(1)?));
            Ok((Annotation { annotator, image, label, value: row.get(2)? }, row.get(3)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One annotator's answers about one image.
    pub fn answers(&self, annotator: PersonId, image: ImageId) -> Result<ImageLabels> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT label_id, value FROM annotations WHERE annotator_id = ?1 AND image_id = ?2")?;
        let rows = statement.query_map([annotator.0, image.0], |row| Ok((LabelId(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What all annotators together say of each image: a label holds when at least half of those who answered
    /// about it said yes. Images nobody answered about are missing.
    pub fn consensus(&self) -> Result<Answers> {
        let mut statement = self.connection.prepare_cached(
            "SELECT image_id, label_id, 2 * sum(value) >= count(*) FROM annotations
             JOIN labels ON labels.id = label_id AND removed_at IS NULL GROUP BY image_id, label_id",
        )?;
        let rows = statement.query_map([], |row| Ok((ImageId(row.get(0)?), LabelId(row.get(1)?), row.get(2)?)))?;
        let answers: Vec<_> = rows.collect::<Result<_, _>>()?;
        Ok(targets::by_image(answers))
    }

    /// Stores answers (`None` takes an answer back) as one edit that can be undone. Returns what changed: answers
    /// that were so already are left out, and nothing is recorded when none changed.
    pub fn annotate(
        &mut self,
        annotator: PersonId,
        answers: &[(ImageId, LabelId, Option<bool>)],
    ) -> Result<Vec<AnnotationEdit>> {
        self.write(|transaction| {
            let edits = put_all(transaction, annotator, answers)?;
            if !edits.is_empty() {
                history::record(transaction, &Change::Annotate { edits: edits.clone() })?;
            }
            Ok(edits)
        })
    }

    /// Stores the answers of a file, whose labels join the vocabulary where new, as one edit that can be undone. `times`
    /// says when an answer (picture, place of the label) was given, where that is known. Returns how many answers changed.
    pub fn import_annotations(
        &mut self,
        annotator: PersonId,
        label_names: &[String],
        rows: &[(ImageId, Vec<Option<bool>>)],
        times: &[(ImageId, usize, String)],
    ) -> Result<usize> {
        self.write(|transaction| {
            let label_ids =
                label_names.iter().map(|name| labels::label_in(transaction, name)).collect::<Result<Vec<_>>>()?;
            let answers: Vec<_> = rows
                .iter()
                .flat_map(|(image, values)| {
                    label_ids.iter().zip(values).filter_map(|(label, value)| value.map(|v| (*image, *label, Some(v))))
                })
                .collect();
            let edits = put_all(transaction, annotator, &answers)?;
            let changed = edits.len();
            for (image, place, at) in times {
                let Some(label) = label_ids.get(*place) else { continue };
                transaction
                    .prepare_cached(
                        "UPDATE annotations SET at = ?1 WHERE annotator_id = ?2 AND image_id = ?3 AND label_id = ?4",
                    )?
                    .execute(params![at, annotator.0, image.0, label.0])?;
            }
            if changed > 0 {
                history::record(transaction, &Change::Annotate { edits })?;
            }
            Ok(changed)
        })
    }
}

fn put_all(
    transaction: &Transaction<'_>,
    annotator: PersonId,
    answers: &[(ImageId, LabelId, Option<bool>)],
) -> Result<Vec<AnnotationEdit>> {
    let mut edits = Vec::new();
    for &(image, label, after) in answers {
        let before = get(transaction, annotator, image, label)?;
        if before != after {
            put(transaction, annotator, image, label, after)?;
            edits.push(AnnotationEdit { annotator, image, label, before, after });
        }
    }
    Ok(edits)
}

fn get(transaction: &Transaction<'_>, who: PersonId, image: ImageId, label: LabelId) -> Result<Option<bool>> {
    Ok(transaction
        .prepare_cached("SELECT value FROM annotations WHERE annotator_id = ?1 AND image_id = ?2 AND label_id = ?3")?
        .query_row([who.0, image.0, label.0], |row| row.get(0))
        .optional()?)
}

/// Stores one answer, or takes it back.
pub(super) fn put(
    transaction: &Transaction<'_>,
    annotator: PersonId,
    image: ImageId,
    label: LabelId,
    value: Option<bool>,
) -> Result<()> {
    match value {
        Some(value) => transaction
            .prepare_cached(
                "INSERT INTO annotations (annotator_id, image_id, label_id, value, at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at",
            )?
            .execute(params![annotator.0, image.0, label.0, value, now()])?,
        None => transaction
            .prepare_cached("DELETE FROM annotations WHERE annotator_id = ?1 AND image_id = ?2 AND label_id = ?3")?
            .execute([annotator.0, image.0, label.0])?,
    };
    Ok(())
}
