//! Relink: tell the project where its pictures are now.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use super::counted;
use crate::error::{Error, Result};
use crate::imaging::{DecodeLimits, PictureFile, Rejection};
use crate::progress::{Cancel, Observer, Stage};
use crate::project::{FileStamp, Project};

/// Pictures compared between two progress reports.
const BATCH: usize = 64;

/// What was found in the new place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RelinkReport {
    /// The folder.
    pub folder: PathBuf,
    /// Pictures found there as they were imported.
    pub found: usize,
    /// Names of pictures of which the folder holds no file.
    pub missing: Vec<String>,
    /// Names of pictures whose file there holds something else than what was imported: they are left out of everything
    /// that is computed from pictures until they are found again.
    pub changed: Vec<String>,
}

/// Says that the pictures imported from root `root_id` (the only one when `None`) are now below `folder`. Every file
/// found there is read and compared with what was imported.
///
/// # Errors
/// `User` when the folder holds none of them, by name or by content; `Cancelled`, with nothing changed.
pub fn run(
    project: &mut Project,
    root_id: Option<i64>,
    folder: &Path,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<RelinkReport> {
    let roots = project.image_roots()?;
    let root_id = match (root_id, roots.as_slice()) {
        (Some(id), _) => id,
        (None, [only]) => only.id,
        (None, []) => return Err(Error::user("the project has no pictures yet").hint("import a folder first")),
        (None, several) => {
            let list: Vec<_> = several.iter().map(|root| format!("{} = {}", root.id, root.path.display())).collect();
            return Err(Error::user("the project's pictures come from several folders")
                .hint(format!("say which one moved with --root: {}", list.join(", "))));
        }
    };
    let images: Vec<_> = project.images()?.into_iter().filter(|image| image.root_id == root_id).collect();
    let mut report = RelinkReport { folder: folder.to_path_buf(), ..RelinkReport::default() };
    let mut stamps = Vec::new();
    let stage = Stage::new("Comparing pictures", images.len());
    for (number, batch) in images.chunks(BATCH).enumerate() {
        cancel.check()?;
        let read: Vec<_> = batch
            .par_iter()
            .map(|image| {
                let path = folder.join(&image.relative_path);
                let stamp = FileStamp::of(&path).ok();
                let file = PictureFile { path, content_hash: image.content_hash.clone() };
                (stamp, file.read(&DecodeLimits::default()).map(drop))
            })
            .collect();
        for (image, (stamp, read)) in batch.iter().zip(read) {
            match read {
                Ok(()) => {
                    report.found += 1;
                    stamps.extend(stamp.map(|stamp| (image.id, stamp)));
                }
                Err(Rejection::Changed) => report.changed.push(image.relative_path.clone()),
                Err(_) => report.missing.push(image.relative_path.clone()),
            }
        }
        observer.progress(stage.at(number * BATCH + batch.len()));
    }
    match (report.found, report.changed.first()) {
        (0, None) => Err(Error::user(format!(
            "{} holds none of the project's {}",
            folder.display(),
            counted(images.len(), "picture")
        ))
        .hint("give the folder that takes the place of the one imported from, not one above or below it")),
        (0, Some(first)) => Err(Error::user(format!(
            "{} is another picture than the one imported, and so are all others",
            folder.join(first).display()
        ))
        .hint("import the folder instead, if its pictures were edited")),
        _ => {
            project.move_image_root(root_id, folder)?;
            project.note_file_stamps(&stamps)?;
            Ok(report)
        }
    }
}
