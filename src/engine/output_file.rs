//! What may be written where: the one rule for every file that a person names to be written.
//!
//! A file is written where there is none, or in the place of one of its own kind when the person says so. A picture of
//! the project, a file of a project's own, and a file of another kind are never replaced, whatever the person says.
//! Asking comes before the work, [`OutputFile::new`]; writing after it, [`OutputFile::write`].

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::atomic::write_file;
use crate::error::{Error, Result};
use crate::interchange::about;
use crate::project::{Project, is_own_file};

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A table.
    Csv,
    /// One JSON value.
    Json,
    /// One JSON object a line.
    JsonLines,
    /// Text.
    Text,
    /// A matrix for NumPy.
    Npy,
    /// Named tensors.
    Safetensors,
    /// A table packed by columns.
    Parquet,
    /// A page.
    Html,
    /// A figure of lines.
    Svg,
    /// A figure of pixels.
    Png,
}

/// Whether a file of the same kind that is there already may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the request is refused.
    Keep,
    /// It is replaced: the person was asked, or said so with `--force`.
    Replace,
}

impl Existing {
    /// What `--force` on the command line says.
    pub fn forced(force: bool) -> Self {
        if force { Self::Replace } else { Self::Keep }
    }
}

/// What is at the place of a file to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing.
    Free,
    /// A file of the same kind, which would be replaced.
    SameKind,
}

/// A file that may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFile {
    path: PathBuf,
}

impl OutputFile {
    /// Looks whether a file of this kind may be written at `path`: by its name, by what is there, and for `project`
    /// whether it is one of its pictures.
    ///
    /// # Errors
    /// `User` for a name with another ending, a picture, a project's own file, a file of another kind, and for one of
    /// the same kind that is to stay.
    pub fn new(project: Option<&Project>, path: &Path, kind: FileKind, existing: Existing) -> Result<Self> {
        match look(project, path, kind)? {
            Place::SameKind if existing == Existing::Keep => {
                Err(Error::user(format!("{} is there already and is not replaced", path.display()))
                    .hint("choose another name, or replace it with --force"))
            }
            Place::SameKind | Place::Free => Ok(Self { path: path.to_path_buf() }),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file, whole or not at all, as [`write_file`].
    ///
    /// # Errors
    /// As there.
    pub fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        write_file(&self.path, write)
    }

    /// As [`write`](Self::write), and beside it a file that says what it is ([`about`]): `facts` and the hash of its
    /// bytes. What stood there about an earlier file is replaced with it.
    ///
    /// # Errors
    /// As there; `User` when something else than such a description is in its place.
    pub fn write_described(
        &self,
        project: Option<&Project>,
        facts: Map<String, Value>,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let beside = about::path_of(&self.path);
        // One that is of another file is no description of this one, and worse than none.
        match look(project, &beside, FileKind::Json)? {
            Place::SameKind if about::is_description(&beside) => {
                fs::remove_file(&beside).map_err(|error| Error::io(&beside, error))?;
            }
            Place::SameKind => {
                return Err(Error::user(format!("{} is there already and is not replaced", beside.display()))
                    .hint("what is written is described in a file of that name; choose another name"));
            }
            Place::Free => {}
        }
        let mut bytes = Vec::new();
        write(&mut bytes).map_err(|error| Error::io(&self.path, error))?;
        self.write(|target| target.write_all(&bytes))?;
        about::describe(&self.path, facts, &bytes)
    }
}

/// What is at the place of a file to be written, to ask a person before it is replaced.
///
/// # Errors
/// As [`OutputFile::new`], except that a file of the same kind is no error.
pub fn look(project: Option<&Project>, path: &Path, kind: FileKind) -> Result<Place> {
    let shown = path.display();
    if kind.ending().is_some_and(|ending| path.extension().is_none_or(|given| !given.eq_ignore_ascii_case(ending))) {
        let ending = kind.ending().unwrap_or_default();
        return Err(Error::user(format!("{shown} is not the name of a .{ending} file"))
            .hint(format!("give a name that ends in .{ending}")));
    }
    let target = real(path);
    if target.ancestors().any(is_own_file) {
        return Err(Error::user(format!("{shown} is where a project keeps its own files")).hint(
            "choose a place outside of the project's folders runs, feature_sets, experiments, cache and backups",
        ));
    }
    if kind == FileKind::Png
        && let Some(project) = project
        && let Some(root) = (project.image_roots()?.into_iter()).find(|root| target.starts_with(real(&root.path)))
    {
        return Err(Error::user(format!(
            "{shown} would be taken for a picture of the project: it lies in its folder {}",
            root.path.display()
        ))
        .hint("choose a place outside of the folders of pictures"));
    }
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::Free),
        Err(error) => return Err(Error::io(path, error)),
    };
    if metadata.is_dir() {
        return Err(Error::io(path, io::ErrorKind::IsADirectory.into()));
    }
    if !metadata.is_file() {
        return Err(Error::user(format!("{shown} is a device or a pipe, not a file")).hint("give the name of a file"));
    }
    if let Some(project) = project
        && project.image_paths()?.values().any(|picture| is_same_file(picture, &target))
    {
        return Err(Error::user(format!("{shown} is a picture of the project, which is never changed"))
            .hint("choose another name"));
    }
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(START_BYTES).read_to_end(&mut start))
        .map_err(|error| Error::io(path, error))?;
    if !start.is_empty() && !kind.fits(&start) {
        return Err(Error::user(format!("{shown} is a file of another kind, which is not replaced"))
            .hint("choose another name"));
    }
    Ok(Place::SameKind)
}

/// As much of a file as tells its kind.
const START_BYTES: u64 = 4096;

impl FileKind {
    /// How the names of such files end; `None` where any ending will do.
    fn ending(self) -> Option<&'static str> {
        match self {
            Self::Csv => Some("csv"),
            Self::Json => Some("json"),
            Self::JsonLines => Some("jsonl"),
            Self::Text => None,
            Self::Npy => Some("npy"),
            Self::Safetensors => Some("safetensors"),
            Self::Parquet => Some("parquet"),
            Self::Html => Some("html"),
            Self::Svg => Some("svg"),
            Self::Png => Some("png"),
        }
    }

    /// Whether a file that begins so may be one.
    fn fits(self, start: &[u8]) -> bool {
        match self {
            // Whatever its encoding, text holds no zero; all other kinds that are known here do.
            Self::Csv | Self::Text => !start.contains(&0),
            Self::Json => matches!(start.trim_ascii_start().first(), Some(b'{' | b'[')),
            Self::JsonLines => start.trim_ascii_start().first() == Some(&b'{'),
            Self::Parquet => start.starts_with(b"PAR1"),
            Self::Html => start.trim_ascii_start().first() == Some(&b'<'),
            Self::Svg => start.trim_ascii_start().first() == Some(&b'<'),
            Self::Npy => start.starts_with(b"\x93NUMPY"),
            Self::Safetensors => start.get(8) == Some(&b'{'),
            Self::Png => start.starts_with(b"\x89PNG"),
        }
    }
}

/// The path without links and detours, also of a file that is not there yet.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
}

/// True when `picture` is `target`, whose links were followed.
fn is_same_file(picture: &Path, target: &Path) -> bool {
    picture == target
        || (picture.file_name() == target.file_name() && picture.canonicalize().is_ok_and(|real| real == target))
}
