//! Reading a picture file: only what is a file, and not longer than the limit.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;

use super::decode::DecodeLimits;
use super::memory::{Permit, SMALL_FILE_BYTES, permit_for_file};
use super::rejection::Rejection;

/// The bytes of a picture file. Those of a large one count against the memory that all pictures may take, for as long
/// as this lives: drop it as soon as the picture is decoded.
#[derive(Debug)]
pub struct PictureBytes {
    bytes: Vec<u8>,
    _permit: Option<Permit>,
}

impl Deref for PictureBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the picture file at `path` as a whole. Every reader of pictures goes through here, so that no device, pipe
/// or endless file is ever read, and large files one at a time.
///
/// # Errors
/// [`Rejection::Unopenable`] for what is not there, is no plain file or may not be read; [`Rejection::LongFile`],
/// before anything is read, for one that is longer than the limit.
pub fn read_picture_file(path: &Path, limits: &DecodeLimits) -> Result<PictureBytes, Rejection> {
    let metadata = fs::metadata(path).map_err(unopenable)?;
    if metadata.is_dir() {
        return Err(unopenable(io::ErrorKind::IsADirectory.into()));
    }
    if !metadata.is_file() {
        return Err(Rejection::Unopenable("a device or a pipe, not a file".to_owned()));
    }
    check_length(metadata.len(), limits)?;
    let permit = (metadata.len() > SMALL_FILE_BYTES).then(|| permit_for_file(metadata.len()));
    let mut bytes = Vec::new();
    // It may be growing.
    let most = if permit.is_some() { limits.max_file_bytes } else { SMALL_FILE_BYTES.min(limits.max_file_bytes) };
    bytes.try_reserve_exact(metadata.len() as usize + 1).map_err(|error| Rejection::Unopenable(error.to_string()))?;
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(unopenable)?;
    if bytes.len() as u64 > most {
        return Err(Rejection::Unopenable("it grows while it is read".to_owned()));
    }
    Ok(PictureBytes { bytes, _permit: permit })
}

fn check_length(bytes: u64, limits: &DecodeLimits) -> Result<(), Rejection> {
    if bytes > limits.max_file_bytes {
        return Err(Rejection::LongFile {
            megabytes: bytes.div_ceil(1_000_000),
            limit_megabytes: limits.max_file_bytes / 1_000_000,
        });
    }
    Ok(())
}

fn unopenable(error: io::Error) -> Rejection {
    Rejection::Unopenable(error.to_string())
}
