//! A file that remembers features by content hash, so that an image goes through the network once.
//!
//! The file is only ever appended to: a header, then one record for each image, written as soon as it is known. A
//! record is whole or it is not there: its checksum tells, and whatever follows the last whole record (a program killed
//! in the middle of writing) is cut off when the file is opened. A file whose header is not ours is set aside and replaced by an empty one.
//!
//! Header: 8 bytes magic, 4 bytes number of features (little-endian), 32 bytes key hash. Record: 32 bytes blake3 of the
//! content hash, the features as little-endian f32, 8 bytes of blake3 over both.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::progress::Observer;

const MAGIC: &[u8; 8] = b"atmofea1";
const KEY_LEN: usize = 32;
const CHECKSUM_LEN: usize = 8;

/// An open cache of features of one kind.
#[derive(Debug)]
pub struct FeatureCache {
    path: PathBuf,
    file: File,
    width: usize,
    rows: HashMap<[u8; KEY_LEN], Vec<f32>>,
}

impl FeatureCache {
    /// Opens or begins the file `name` in `folder` for features that are `width` numbers of kind `kind` (network,
    /// weights hash, picture size). Says in the second value what was wrong with an old file, for the log.
    ///
    /// # Errors
    /// `User` or `Device` when the folder or file cannot be read or written; `User` when another program has it open.
    pub fn open(folder: &Path, name: &str, kind: &str, width: usize) -> Result<(Self, Option<String>)> {
        fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        let path = folder.join(name);
        let mut header = MAGIC.to_vec();
        header.extend((width as u32).to_le_bytes());
        header.extend(blake3::hash(kind.as_bytes()).as_bytes());

        let mut file = lock(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| Error::io(&path, error))?;
        let mut note = None;
        if !bytes.starts_with(&header) {
            // A header cut short is a program killed at the very start: nothing is lost.
            if !header.starts_with(&bytes) {
                let aside = free_name(&path);
                fs::write(&aside, &bytes).map_err(|error| Error::io(&aside, error))?;
                note = Some(format!("{} was not readable and was set aside as {}", path.display(), aside.display()));
            }
            let begin = |file: &mut File| {
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(&header)
            };
            begin(&mut file).map_err(|error| Error::io(&path, error))?;
            return Ok((Self { path, file, width, rows: HashMap::new() }, note));
        }

        let mut rows = HashMap::new();
        let mut whole = header.len();
        for record in bytes[header.len()..].chunks_exact(KEY_LEN + 4 * width + CHECKSUM_LEN) {
            let (content, sum) = record.split_at(record.len() - CHECKSUM_LEN);
            if blake3::hash(content).as_bytes()[..CHECKSUM_LEN] != *sum {
                break;
            }
            let mut key = [0; KEY_LEN];
            key.copy_from_slice(&content[..KEY_LEN]);
            let values = content[KEY_LEN..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            rows.insert(key, values.collect());
            whole += record.len();
        }
        if whole < bytes.len() {
            note =
                Some(format!("{}: {} unfinished or damaged bytes were cut off", path.display(), bytes.len() - whole));
        }
        file.set_len(whole as u64)
            .and_then(|()| file.seek(SeekFrom::Start(whole as u64)))
            .map_err(|error| Error::io(&path, error))?;
        Ok((Self { path, file, width, rows }, note))
    }

    /// As [`open`](Self::open), telling the observer what was wrong with an old file.
    ///
    /// # Errors
    /// As there.
    pub fn open_telling(folder: &Path, name: &str, kind: &str, width: usize, observer: &dyn Observer) -> Result<Self> {
        let (cache, note) = Self::open(folder, name, kind, width)?;
        if let Some(note) = note {
            observer.note(&note);
        }
        Ok(cache)
    }

    /// Number of records that the file at `path` has room for; 0 where there is no file.
    pub fn rows_in(path: &Path, width: usize) -> usize {
        let header = MAGIC.len() + size_of::<u32>() + KEY_LEN;
        let bytes = fs::metadata(path).map_or(0, |metadata| metadata.len() as usize);
        bytes.saturating_sub(header) / (KEY_LEN + 4 * width + CHECKSUM_LEN)
    }

    /// The features of the image with this content hash, where they are known.
    pub fn get(&self, content_hash: &str) -> Option<&[f32]> {
        self.rows.get(&key(content_hash)).map(Vec::as_slice)
    }

    /// Remembers features, in the file too.
    ///
    /// # Errors
    /// `Device` when the disk refuses; `Internal` for another number of features.
    pub fn insert(&mut self, content_hash: &str, values: &[f32]) -> Result<()> {
        if values.len() != self.width {
            return Err(Error::internal(format!("{} features do not fit a cache of {}", values.len(), self.width)));
        }
        let key = key(content_hash);
        let mut record = key.to_vec();
        record.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let checksum = blake3::hash(&record);
        record.extend(&checksum.as_bytes()[..CHECKSUM_LEN]);
        self.file.write_all(&record).map_err(|error| Error::io(&self.path, error))?;
        self.rows.insert(key, values.to_vec());
        Ok(())
    }
}

/// Opens a file for this process alone; the lock goes when the file is closed.
fn lock(path: &Path) -> Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| Error::io(path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::user(format!("{} is in use by another job of Atmoscope", path.display()))
                .hint("wait for it to end, or stop it"))
        }
        // Some network drives know no locks; the checksums still hold.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(error)) => Err(Error::io(path, error)),
    }
}

/// Any text as a key of fixed length.
fn key(content_hash: &str) -> [u8; KEY_LEN] {
    *blake3::hash(content_hash.as_bytes()).as_bytes()
}

/// A name beside `path` that is not taken.
fn free_name(path: &Path) -> PathBuf {
    let mut number = 1;
    loop {
        let candidate = path.with_extension(format!("damaged-{number}"));
        if !candidate.exists() {
            return candidate;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn open(folder: &Path) -> (FeatureCache, Option<String>) {
        FeatureCache::open(folder, "features.bin", "test", 3).unwrap()
    }

    fn filled(folder: &Path) -> PathBuf {
        let (mut cache, note) = open(folder);
        assert_eq!(note, None);
        cache.insert("a", &[1.0, -0.0, f32::MIN_POSITIVE]).unwrap();
        cache.insert("b", &[4.0, 5.0, 6.0]).unwrap();
        cache.path.clone()
    }

    #[test]
    fn records_come_back_with_their_bits() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let (mut cache, note) = open(folder.path());
        assert_eq!(note, None);
        let bits: Vec<u32> = cache.get("a").unwrap().iter().map(|value| value.to_bits()).collect();
        assert_eq!(bits, [1f32.to_bits(), (-0f32).to_bits(), f32::MIN_POSITIVE.to_bits()]);
        assert_eq!(cache.get("c"), None);
        assert_eq!(FeatureCache::rows_in(&cache.path, 3), 2);
        assert_eq!(FeatureCache::rows_in(&folder.path().join("none"), 3), 0);
        assert!(cache.insert("c", &[1.0]).is_err());
    }

    #[test]
    fn a_torn_tail_is_cut_off_at_every_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = filled(folder.path());
        let bytes = fs::read(&path).unwrap();
        let record = KEY_LEN + 12 + CHECKSUM_LEN;
        for missing in 1..=bytes.len() {
            fs::write(&path, &bytes[..bytes.len() - missing]).unwrap();
            let (mut cache, note) = open(folder.path());
            assert!(cache.get("b").is_none());
            assert_eq!(cache.get("a").is_some(), missing <= record, "{missing}");
            assert!(note.is_none_or(|note| note.contains("cut off")));
            cache.insert("b", &[7.0, 8.0, 9.0]).unwrap();
            drop(cache);
            assert_eq!(open(folder.path()).0.get("b"), Some(&[7.0, 8.0, 9.0][..]));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn damage_costs_only_what_follows_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = filled(folder.path());
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - CHECKSUM_LEN - 1;
        bytes[last] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let (cache, note) = open(folder.path());
        assert!(note.unwrap().contains("damaged"));
        assert!(cache.get("a").is_some() && cache.get("b").is_none());
    }

    #[test]
    fn a_foreign_file_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("features.bin"), b"something else entirely").unwrap();
        let (mut cache, note) = open(folder.path());
        assert!(note.unwrap().contains("set aside"));
        cache.insert("a", &[1.0, 2.0, 3.0]).unwrap();
        let aside = folder.path().join("features.damaged-1");
        assert_eq!(fs::read(aside).unwrap(), b"something else entirely");
    }

    #[test]
    fn one_job_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let _first = open(folder.path());
        let error = FeatureCache::open(folder.path(), "features.bin", "test", 3).unwrap_err();
        assert!(error.message.contains("in use"));
    }
}
