//! One process writes to a project at a time.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

const FILE_NAME: &str = "project.lock";

/// How long a held lock is waited for: a process that is just ending, or that was just started by one which holds
/// the lock, may have it for a moment.
const PATIENCE: Duration = Duration::from_millis(500);

/// Proof that this process may write to the project. The operating system gives it up when the process ends,
/// however it ends.
#[derive(Debug)]
pub(super) struct WriteLock {
    _file: File,
    _folder: Option<File>,
}

impl WriteLock {
    /// Takes the lock of the project in `folder`.
    ///
    /// # Errors
    /// `Busy` when another process, which the message names, holds it.
    pub(super) fn acquire(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE_NAME);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| Error::io(&path, error))?;
        // The file can be deleted while its lock is held, and another be made in its place. The folder cannot.
        let folder_handle = folder_handle(folder);
        let patience = Instant::now() + PATIENCE;
        let is_free = take(&file, patience).map_err(|error| {
            Error::io(&path, error)
                .hint("the disk does not support file locks; keep projects on a local disk, not a network drive")
        })? && match &folder_handle {
            // Some disks lock files only; the file's lock was taken then.
            Some(handle) => take(handle, patience).unwrap_or(true),
            None => true,
        };
        if !is_free {
            let mut holder = String::new();
            // Windows refuses to read a locked file; the holder then stays unnamed.
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.is_empty() { String::new() } else { format!(" (process {})", holder.trim()) };
            return Err(Error::busy(format!("{} is open in another Atmoscope{holder}", folder.display()))
                .hint("close it there, or open it here for reading only"));
        }
        let stamp = std::process::id().to_string();
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(stamp.as_bytes()))
            .map_err(|error| Error::io(&path, error))?;
        Ok(Self { _file: file, _folder: folder_handle })
    }
}

/// The folder itself, to be locked; nothing where folders cannot be opened like files, as on Windows.
fn folder_handle(folder: &Path) -> Option<File> {
    if cfg!(unix) { File::open(folder).ok() } else { None }
}

/// Takes the lock, or fails when another process held it until `patience`.
fn take(file: &File, patience: Instant) -> io::Result<bool> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if Instant::now() > patience => return Ok(false),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(25)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}
