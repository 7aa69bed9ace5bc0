//! Files appear whole or not at all: written beside their place, then renamed into it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// What every SQLite database begins with.
const SQLITE_START: &[u8] = b"SQLite format 3\0";

/// Writes a file through `write`, so that `path` holds either what it held before or all of the new content, even
/// after a crash or a full disk. The folder must exist. Where `path` is a symbolic link, the file it names is written
/// and the link stays.
///
/// # Errors
/// `User` when something other than a plain file is there (a folder, a pipe, a device), or a database; `User` or
/// `Device`, naming the path, when the file cannot be written. Nothing is left behind then.
pub fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let target = target_of(path)?;
    let (temporary, file) = create_beside(&target).map_err(|error| Error::io(path, error))?;
    let written = fill(file, write).and_then(|()| fs::rename(&temporary, &target));
    if let Err(error) = written {
        // The error to tell is the first one.
        let _ = fs::remove_file(&temporary);
        return Err(Error::io(path, error));
    }
    sync_folder(&target);
    Ok(())
}

/// The file that writing to `path` makes or replaces: its own, or the one at the end of its symbolic links.
fn target_of(path: &Path) -> Result<PathBuf> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {
            let mut start = Vec::new();
            let read = File::open(path).and_then(|file| file.take(SQLITE_START.len() as u64).read_to_end(&mut start));
            // A file that may not be read is none of a project's that is in use.
            if read.is_ok() && start == SQLITE_START {
                return Err(Error::user(format!("{} is a database, which is not replaced", path.display()))
                    .hint("choose another name"));
            }
            fs::canonicalize(path).map_err(|error| Error::io(path, error))
        }
        Ok(metadata) if metadata.is_dir() => Err(Error::io(path, io::ErrorKind::IsADirectory.into())),
        Ok(_) => Err(Error::user(format!("{} is a device or a pipe, not a file", path.display()))
            .hint("give the name of a file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(end_of_links(path)),
        Err(error) => Err(Error::io(path, error)),
    }
}

/// Where the links that begin at `path` end, where nothing is yet.
fn end_of_links(path: &Path) -> PathBuf {
    let mut target = path.to_path_buf();
    // No system follows more; the attempt to write fails in a circle.
    for _ in 0..40 {
        let Ok(next) = fs::read_link(&target) else { break };
        target = target.parent().map_or_else(|| next.clone(), |folder| folder.join(&next));
    }
    target
}

fn fill(file: File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()
}

/// A new file in the folder of `path`, under a name that is not in use.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"))?;
    loop {
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{}.tmp", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
        let temporary = path.with_file_name(temporary);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Makes the rename last through a power cut, where the system can.
fn sync_folder(path: &Path) {
    if cfg!(unix)
        && let Some(folder) = path.parent()
        && let Ok(folder) = File::open(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
    {
        let _ = folder.sync_all();
    }
}
