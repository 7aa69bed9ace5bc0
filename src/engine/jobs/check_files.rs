//! Check files: whether the project's pictures are where they were, and still what was imported.
//!
//! A file whose length and times are those that were noted when it was last found right is believed without being read
//! (as git does); any other is hashed. What is found right is noted, unless the project is open for reading only. This
//! is for telling people early: whatever reads a picture for numbers compares its hash anyway
//! ([`PictureFile`](crate::imaging::PictureFile)).

use rayon::prelude::*;
use serde::Serialize;

use crate::error::Result;
use crate::ids::ImageId;
use crate::imaging::{DecodeLimits, PictureFile, Rejection};
use crate::progress::{Cancel, Observer, Stage};
use crate::project::{FileStamp, Project};

/// Files looked at between two progress reports.
const BATCH: usize = 256;

/// What became of the pictures' files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileCheck {
    /// Pictures looked at.
    pub checked: usize,
    /// Pictures whose file is not there, or cannot be opened.
    pub missing: Vec<ImageId>,
    /// Pictures whose file holds something else than what was imported.
    pub changed: Vec<ImageId>,
}

impl FileCheck {
    /// Why a picture cannot be read for numbers, if so.
    pub fn reason(&self, image: ImageId) -> Option<&'static str> {
        // Both lists are in the order of ids.
        if self.missing.binary_search(&image).is_ok() {
            Some("the file is not there")
        } else if self.changed.binary_search(&image).is_ok() {
            Some("the file was changed since it was imported")
        } else {
            None
        }
    }
}

/// Looks at the files of all pictures that are not set aside because their file holds another picture now.
///
/// # Errors
/// `Cancelled`; `Device` or `Data` from the database.
pub fn run(project: &mut Project, observer: &dyn Observer, cancel: &Cancel) -> Result<FileCheck> {
    let files = project.picture_files()?;
    let noted = project.file_stamps()?;
    let mut images: Vec<(ImageId, &PictureFile)> =
        noted.keys().filter_map(|image| Some((*image, files.get(image)?))).collect();
    images.sort_unstable_by_key(|(image, _)| *image);
    let mut check = FileCheck { checked: images.len(), ..FileCheck::default() };
    let mut right = Vec::new();
    let stage = Stage::new("Checking files", images.len());
    for (number, batch) in images.chunks(BATCH).enumerate() {
        cancel.check()?;
        let found: Vec<Found> = batch
            .par_iter()
            .map(|(image, file)| {
                // Taken before reading, so that a change in between is noticed the next time.
                let Ok(stamp) = FileStamp::of(&file.path) else { return Found::Missing };
                if noted[image].as_ref() == Some(&stamp) {
                    return Found::Known;
                }
                match file.read(&DecodeLimits::default()) {
                    Ok(_) => Found::Right(stamp),
                    Err(Rejection::Changed) => Found::Changed,
                    Err(_) => Found::Missing,
                }
            })
            .collect();
        for ((image, _), found) in batch.iter().zip(found) {
            match found {
                Found::Known => {}
                Found::Right(stamp) => right.push((*image, stamp)),
                Found::Changed => check.changed.push(*image),
                Found::Missing => check.missing.push(*image),
            }
        }
        observer.progress(stage.at(number * BATCH + batch.len()));
    }
    if !right.is_empty() && !project.is_read_only() {
        project.note_file_stamps(&right)?;
    }
    Ok(check)
}

enum Found {
    Known,
    Right(FileStamp),
    Changed,
    Missing,
}
