//! One process writes to a project at a time.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::Project;
use crate::error::{Error, Result};

/// How long a held lock is waited for: a process that is just ending, or that was just started by one which holds
/// the lock, may have it for a moment.
const PATIENCE: Duration = Duration::from_millis(500);

/// Proof that this process may write to the project. The operating system gives it up when the process ends,
/// however it ends.
#[derive(Debug)]
pub(super) struct WriteLock {
    _file: File,
}

impl Project {
    /// True while somebody, here or in another process, has the project in `folder` open for writing.
    pub fn is_being_written(folder: &Path) -> bool {
        let file = File::options().read(true).write(true).open(folder.join("project.lock"));
        file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }
}

impl WriteLock {
    /// Takes the lock of the project in `folder`.
    ///
    /// # Errors
    /// `User` when another process, which the message names, holds it.
    pub(super) fn acquire(folder: &Path) -> Result<Self> {
        let path = folder.join("project.lock");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| Error::io(&path, error))?;
        let patience = Instant::now() + PATIENCE;
        let free = loop {
            match file.try_lock() {
                Ok(()) => break true,
                Err(TryLockError::WouldBlock) if Instant::now() > patience => break false,
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(25)),
                Err(TryLockError::Error(error)) => {
                    return Err(Error::io(&path, error).hint(
                        "the disk does not support file locks; keep projects on a local disk, not a network drive",
                    ));
                }
            }
        };
        if !free {
            let mut holder = String::new();
            // Windows refuses to read a locked file; the holder then stays unnamed.
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.is_empty() { String::new() } else { format!(" (process {})", holder.trim()) };
            return Err(Error::user(format!("{} is open in another Atmoscope{holder}", folder.display()))
                .hint("close it there, or open it here for reading only"));
        }
        let stamp = std::process::id().to_string();
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(stamp.as_bytes()))
            .map_err(|error| Error::io(&path, error))?;
        Ok(Self { _file: file })
    }
}
