//! Reading a file that a person named, as a whole.

use std::fs;
use std::io;
use std::path::Path;

use crate::error::{Error, Result};

/// The largest file read: far more than a million rows, far less than a computer's memory.
const MAX_BYTES: u64 = 1_000_000_000;

/// Refuses what [`read_file`] would refuse, without reading it.
///
/// # Errors
/// `User`, naming the path, for what is not there, is no plain file, or holds more than a gigabyte.
pub fn check_file(path: &Path) -> Result<()> {
    let metadata = fs::metadata(path).map_err(|error| Error::io(path, error))?;
    if metadata.is_dir() {
        return Err(Error::io(path, io::ErrorKind::IsADirectory.into()));
    }
    if !metadata.is_file() {
        return Err(Error::user(format!("{} is a device or a pipe, not a file", path.display()))
            .hint("give the name of a file; what a program prints can be stored in one first"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(Error::user(format!("{} is larger than 1 GB and is not read", path.display()))
            .hint("check that it is the right file; if it is, divide it"));
    }
    Ok(())
}

/// Reads a file that a person named.
///
/// # Errors
/// As [`check_file`]; `User` or `Device` when it cannot be read.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    check_file(path)?;
    fs::read(path).map_err(|error| Error::io(path, error))
}
