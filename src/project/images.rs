//! The images: known by their content, found by a path relative to a root that can be moved.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;

use super::history::{self, Change};
use super::{Project, absolute, now};
use crate::dataset::ImageNames;
use crate::error::{Error, Result};
use crate::ids::ImageId;
use crate::imaging::{ImageFacts, PictureFile};

/// Why an image is set aside whose file was overwritten by another picture.
pub const REPLACED: &str = "its file now holds another picture";

/// What tells without reading it whether a file may have been changed: its length, when it was written, and, where the
/// system knows, when anything about it was changed last (renaming another file over it is such a change).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStamp(String);

impl FileStamp {
    /// The stamp of the file at `path`.
    ///
    /// # Errors
    /// What the system says when there is no such file.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        let written = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
        #[cfg(unix)]
        let changed = {
            use std::os::unix::fs::MetadataExt;
            format!("{}.{:09}", metadata.ctime(), metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let changed = "";
        Ok(Self(format!("{} {written} {changed}", metadata.len())))
    }
}

/// A folder that images were imported from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRoot {
    /// Identity.
    pub id: i64,
    /// Where it is now: beside the project if it moved along with it, else where it was.
    pub path: PathBuf,
}

/// An image of the project.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageRecord {
    /// Identity within the project.
    pub id: ImageId,
    /// The folder it was imported from.
    pub root_id: i64,
    /// Path from that folder, with `/`.
    pub relative_path: String,
    /// blake3 of the file's bytes, hexadecimal: the image's identity everywhere.
    pub content_hash: String,
    /// Size of the file in bytes.
    pub byte_size: u64,
    /// "JPEG", "PNG" …
    pub format: String,
    /// Width in pixels after orientation.
    pub width_px: u32,
    /// Height in pixels after orientation.
    pub height_px: u32,
    /// EXIF orientation, 1 to 8.
    pub orientation: u8,
    /// 64-bit perceptual hash.
    pub perceptual_hash: u64,
    /// Why it takes no part in training and clustering, if so.
    pub set_aside: Option<String>,
}

impl ImageRecord {
    /// The file's name without folders.
    pub fn file_name(&self) -> &str {
        self.relative_path.rsplit('/').next().unwrap_or(&self.relative_path)
    }
}

/// An image about to join the project.
#[derive(Clone, Debug)]
pub struct NewImage {
    /// Path from the root, with `/`.
    pub relative_path: String,
    /// What was read from the file.
    pub facts: ImageFacts,
    /// Why it takes no part from the start, if so.
    pub set_aside: Option<String>,
    /// The file's stamp from before it was read, where it is known.
    pub stamp: Option<FileStamp>,
}

impl NewImage {
    /// The image as it is once it joined the project.
    pub fn into_record(self, id: ImageId, root_id: i64) -> ImageRecord {
        ImageRecord {
            id,
            root_id,
            relative_path: self.relative_path,
            content_hash: self.facts.content_hash,
            byte_size: self.facts.size_bytes,
            format: self.facts.format.name().to_owned(),
            width_px: self.facts.width_px,
            height_px: self.facts.height_px,
            orientation: self.facts.orientation,
            perceptual_hash: self.facts.perceptual_hash,
            set_aside: self.set_aside,
        }
    }
}

/// A file that did not become an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RejectedFile {
    /// Path from its root, with `/`.
    pub relative_path: String,
    /// Stable code of the reason: `not-an-image`, `truncated`, `exact-double` …
    pub code: String,
    /// The reason as a sentence.
    pub reason: String,
}

impl Project {
    /// All images in the order of their paths.
    pub fn images(&self) -> Result<Vec<ImageRecord>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, root_id, relative_path, content_hash, byte_size, format, width_px, height_px, orientation,
                    perceptual_hash, set_aside FROM images ORDER BY relative_path, id",
        )?;
        Ok(statement.query_map([], image_from)?.collect::<Result<_, _>>()?)
    }

    /// What the images are called.
    pub fn image_names(&self) -> Result<ImageNames> {
        Ok(self.images()?.into_iter().map(|image| (image.id, image.relative_path)).collect())
    }

    /// The folders that images were imported from.
    pub fn image_roots(&self) -> Result<Vec<ImageRoot>> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, absolute_path, relative_path FROM image_roots ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            let (id, absolute, relative): (i64, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((id, absolute, relative))
        })?;
        rows.map(|row| {
            let (id, absolute_path, relative) = row?;
            let moved_along = relative.map(|relative| normalise(&self.folder.join(relative)));
            let path = moved_along.filter(|path| path.is_dir()).unwrap_or_else(|| PathBuf::from(absolute_path));
            Ok(ImageRoot { id, path })
        })
        .collect()
    }

    /// Where each image's file is, by the image's id.
    pub fn image_paths(&self) -> Result<HashMap<ImageId, PathBuf>> {
        let roots: HashMap<i64, PathBuf> = self.image_roots()?.into_iter().map(|root| (root.id, root.path)).collect();
        let images = self.images()?;
        Ok(images
            .into_iter()
            .filter_map(|image| Some((image.id, roots.get(&image.root_id)?.join(&image.relative_path))))
            .collect())
    }

    /// Each image's file and what it must hold, by the image's id.
    pub fn picture_files(&self) -> Result<HashMap<ImageId, PictureFile>> {
        let mut paths = self.image_paths()?;
        let images = self.images()?.into_iter();
        Ok(images
            .filter_map(|image| {
                let path = paths.remove(&image.id)?;
                Some((image.id, PictureFile { path, content_hash: image.content_hash }))
            })
            .collect())
    }

    /// The root for images under `folder`, which is remembered if new.
    pub fn image_root(&mut self, folder: &Path) -> Result<ImageRoot> {
        let path = absolute(folder).map(|path| normalise(&path))?;
        let roots = self.image_roots()?;
        if let Some(known) = roots.iter().find(|root| root.path == path) {
            return Ok(known.clone());
        }
        let relative = relative_to(&self.folder, &path);
        let id = self.write(|transaction| {
            free_path(transaction, &roots, &path)?;
            transaction.execute(
                "INSERT INTO image_roots (absolute_path, relative_path) VALUES (?1, ?2)",
                params![text(&path)?, relative.as_deref().map(text).transpose()?],
            )?;
            Ok(transaction.last_insert_rowid())
        })?;
        Ok(ImageRoot { id, path })
    }

    /// Says that the images of a root are now under `folder`.
    pub fn move_image_root(&mut self, root_id: i64, folder: &Path) -> Result<()> {
        let path = absolute(folder).map(|path| normalise(&path))?;
        let roots = self.image_roots()?;
        if roots.iter().any(|root| root.id != root_id && root.path == path) {
            return Err(Error::user(format!("{} is another image folder of the project already", path.display()))
                .hint("import that folder again: pictures that moved there are found"));
        }
        let relative = relative_to(&self.folder, &path);
        self.write(|transaction| {
            free_path(transaction, &roots, &path)?;
            let changed = transaction.execute(
                "UPDATE image_roots SET absolute_path = ?1, relative_path = ?2 WHERE id = ?3",
                params![text(&path)?, relative.as_deref().map(text).transpose()?, root_id],
            )?;
            if changed == 0 {
                return Err(Error::user("the project has no such image folder"));
            }
            Ok(())
        })
    }

    /// Adds images in one transaction; returns their ids. Images that were found at their paths before are set aside
    /// as [`REPLACED`].
    pub fn add_images(&mut self, root_id: i64, images: &[NewImage]) -> Result<Vec<ImageId>> {
        self.write(|transaction| {
            images
                .iter()
                .map(|image| {
                    replace_at(transaction, root_id, &image.relative_path)?;
                    transaction
                        .prepare_cached(
                            "INSERT INTO images (root_id, relative_path, content_hash, byte_size, format, width_px,
                                height_px, orientation, perceptual_hash, imported_at, set_aside, file_stamp)
                             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                        )?
                        .execute(params![
                            root_id,
                            image.relative_path,
                            image.facts.content_hash,
                            image.facts.size_bytes as i64,
                            image.facts.format.name(),
                            image.facts.width_px,
                            image.facts.height_px,
                            image.facts.orientation,
                            image.facts.perceptual_hash as i64,
                            now(),
                            image.set_aside,
                            image.stamp.as_ref().map(|stamp| stamp.0.as_str()),
                        ])?;
                    Ok(ImageId(transaction.last_insert_rowid()))
                })
                .collect()
        })
    }

    /// Says where the file of a known image is now. Another image that was found there before is set aside as
    /// [`REPLACED`]; this one no longer is.
    pub fn move_image(&mut self, image: ImageId, root_id: i64, relative_path: &str) -> Result<()> {
        self.write(|transaction| {
            replace_at(transaction, root_id, relative_path)?;
            transaction.execute(
                "UPDATE images SET root_id = ?1, relative_path = ?2, set_aside = nullif(set_aside, ?3), file_stamp = NULL
                 WHERE id = ?4",
                params![root_id, relative_path, REPLACED, image.0],
            )?;
            Ok(())
        })
    }

    /// Images whose file holds another picture now, as an import found. What people said of them is kept; they are left
    /// out of exports and scores, where their names would stand for the other picture.
    pub fn replaced_images(&self) -> Result<HashSet<ImageId>> {
        let mut statement = self.connection.prepare_cached("SELECT id FROM images WHERE set_aside = ?1")?;
        let rows = statement.query_map([REPLACED], |row| Ok(ImageId(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The stamps of the images' files from when they were last found right; none where that was not looked at yet.
    /// Images whose file holds another picture now, as an import found, are not in it.
    pub fn file_stamps(&self) -> Result<HashMap<ImageId, Option<FileStamp>>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, file_stamp FROM images WHERE set_aside IS NULL OR set_aside <> ?1")?;
        let rows = statement
            .query_map([REPLACED], |row| Ok((ImageId(row.get(0)?), row.get::<_, Option<_>>(1)?.map(FileStamp))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes that the files of these images hold what was imported, and had these stamps then.
    pub fn note_file_stamps(&mut self, stamps: &[(ImageId, FileStamp)]) -> Result<()> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached("UPDATE images SET file_stamp = ?1 WHERE id = ?2")?;
            for (image, stamp) in stamps {
                statement.execute(params![stamp.0, image.0])?;
            }
            Ok(())
        })
    }

    /// Sets the images aside as [`REPLACED`] that were found at a path where an import found other content.
    pub fn replace_image_at(&mut self, root_id: i64, relative_path: &str) -> Result<()> {
        self.write(|transaction| replace_at(transaction, root_id, relative_path))
    }

    /// Lists files that did not become images; a file listed before gets the new reason.
    pub fn add_rejected_files(&mut self, root_id: i64, files: &[RejectedFile]) -> Result<()> {
        self.write(|transaction| put_rejected_files(transaction, root_id, files))
    }

    /// Makes `files` the whole list of what did not become images of a root, after all of it was looked through.
    pub fn replace_rejected_files(&mut self, root_id: i64, files: &[RejectedFile]) -> Result<()> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM rejected_files WHERE root_id = ?1", [root_id])?;
            put_rejected_files(transaction, root_id, files)
        })
    }

    /// The files that did not become images.
    pub fn rejected_files(&self) -> Result<Vec<RejectedFile>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT relative_path, code, reason FROM rejected_files ORDER BY root_id, relative_path")?;
        let rows = statement.query_map([], |row| {
            Ok(RejectedFile { relative_path: row.get(0)?, code: row.get(1)?, reason: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Sets images aside for `reason`, or takes them back (`None`), as one edit that can be undone.
    pub fn set_aside(&mut self, images: &[ImageId], reason: Option<&str>) -> Result<()> {
        self.write(|transaction| {
            let mut before = Vec::new();
            for &image in images {
                let old: Option<String> = transaction
                    .prepare_cached("SELECT set_aside FROM images WHERE id = ?1")?
                    .query_row([image.0], |row| row.get(0))
                    .optional()?
                    .ok_or_else(|| Error::user("that picture is not in the project"))?;
                if old.as_deref() != reason {
                    transaction
                        .prepare_cached("UPDATE images SET set_aside = ?1 WHERE id = ?2")?
                        .execute(params![reason, image.0])?;
                    before.push((image, old));
                }
            }
            if before.is_empty() {
                return Ok(());
            }
            history::record(transaction, &Change::SetAside { before, after: reason.map(str::to_owned) })
        })
    }
}

fn put_rejected_files(transaction: &Transaction<'_>, root_id: i64, files: &[RejectedFile]) -> Result<()> {
    for file in files {
        transaction
            .prepare_cached(
                "INSERT INTO rejected_files (root_id, relative_path, code, reason, at)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET code = excluded.code, reason = excluded.reason, at = excluded.at",
            )?
            .execute(params![root_id, file.relative_path, file.code, file.reason, now()])?;
    }
    Ok(())
}

/// Sets the images aside that take part and were found at this path until now.
fn replace_at(transaction: &Transaction<'_>, root_id: i64, relative_path: &str) -> Result<()> {
    transaction
        .prepare_cached(
            "UPDATE images SET set_aside = ?1 WHERE root_id = ?2 AND relative_path = ?3 AND set_aside IS NULL",
        )?
        .execute(params![REPLACED, root_id, relative_path])?;
    Ok(())
}

/// Forgets that a root was once at `path` when it moved along with the project since.
fn free_path(transaction: &Transaction<'_>, roots: &[ImageRoot], path: &Path) -> Result<()> {
    for root in roots.iter().filter(|root| root.path != path) {
        transaction.execute(
            "UPDATE image_roots SET absolute_path = ?1 WHERE id = ?2 AND absolute_path = ?3",
            params![text(&root.path)?, root.id, text(path)?],
        )?;
    }
    Ok(())
}

fn image_from(row: &Row<'_>) -> rusqlite::Result<ImageRecord> {
    Ok(ImageRecord {
        id: ImageId(row.get(0)?),
        root_id: row.get(1)?,
        relative_path: row.get(2)?,
        content_hash: row.get(3)?,
        byte_size: row.get::<_, i64>(4)? as u64,
        format: row.get(5)?,
        width_px: row.get(6)?,
        height_px: row.get(7)?,
        orientation: row.get(8)?,
        perceptual_hash: row.get::<_, i64>(9)? as u64,
        set_aside: row.get(10)?,
    })
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        Error::user(format!("{} has a name that is not valid Unicode", path.display())).hint("rename the folder")
    })
}

/// Removes `.` and `..` without looking at the disk.
fn normalise(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// The way from one absolute folder to another, if they are on one disk.
fn relative_to(from: &Path, to: &Path) -> Option<PathBuf> {
    let from: Vec<_> = from.components().collect();
    let to: Vec<_> = to.components().collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return None;
    }
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - shared);
    Some(up.chain(to[shared..].iter().copied()).collect())
}
