//! What a written file is, in a small JSON file beside it: `clusters.csv` has `clusters.csv.json`.
//!
//! The table itself stays plain for other programs; beside it stands what it was made from (run, features, part, method,
//! K, seed) and a hash of its bytes. Where such a file is read again, [`check`] tells what no longer fits.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::input::read_file;
use crate::atomic::write_file;
use crate::error::{Error, Result};

/// The name of the file that says what `path` is.
pub fn path_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".json");
    PathBuf::from(name)
}

/// True when the file at `about` is a description that was written here.
pub fn is_description(about: &Path) -> bool {
    let facts = read_file(about).ok().and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(&bytes).ok());
    facts.is_some_and(|facts| ["file", "atmoscope", "blake3"].iter().all(|key| facts.contains_key(*key)))
}

/// The fact that names the files which belong to the described one, each with the hash of its bytes.
pub const COMPANIONS: &str = "companions";

/// The hashes of files beside the described one, to stand under [`COMPANIONS`].
///
/// # Errors
/// `User` or `Device` when one cannot be read.
pub fn companions(files: &[PathBuf]) -> Result<Value> {
    let hash = |file: &PathBuf| {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok((name, Value::String(blake3::hash(&read_file(file)?).to_hex().to_string())))
    };
    Ok(Value::Object(files.iter().map(hash).collect::<Result<_>>()?))
}

/// Writes what the file `path`, which holds `bytes`, is.
///
/// # Errors
/// As [`write_file`].
pub fn describe(path: &Path, facts: Map<String, Value>, bytes: &[u8]) -> Result<()> {
    let mut all = Map::new();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    all.insert("file".to_owned(), Value::String(name));
    all.extend(facts);
    all.insert("atmoscope".to_owned(), Value::String(env!("CARGO_PKG_VERSION").to_owned()));
    all.insert("blake3".to_owned(), Value::String(blake3::hash(bytes).to_hex().to_string()));
    let text = serde_json::to_string_pretty(&Value::Object(all)).map_err(|error| Error::internal(error.to_string()))?;
    write_file(&path_of(path), |target| writeln!(target, "{text}"))
}

/// What is known of the file `path`, which holds `bytes`: nothing where nothing is beside it. The second value says what
/// does not fit.
pub fn check(path: &Path, bytes: &[u8]) -> (Option<Map<String, Value>>, Option<String>) {
    let about = path_of(path);
    if !about.is_file() {
        return (None, None);
    }
    let parsed = read_file(&about).ok().and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(&bytes).ok());
    let Some(facts) = parsed else {
        return (
            None,
            Some(format!("{} is damaged: what {} is made from is not known", about.display(), path.display())),
        );
    };
    let hash = blake3::hash(bytes).to_hex();
    let beside = facts.get(COMPANIONS).and_then(Value::as_object);
    let changed = beside.into_iter().flatten().find_map(|(name, hash)| {
        let file = path.with_file_name(name);
        let same = read_file(&file).is_ok_and(|bytes| hash.as_str() == Some(blake3::hash(&bytes).to_hex().as_str()));
        (!same).then_some(file)
    });
    if let Some(file) = changed {
        return (None, Some(format!("{} is not as it was written: it was changed or damaged since", file.display())));
    }
    if facts.get("blake3").and_then(Value::as_str) == Some(hash.as_str()) {
        (Some(facts), None)
    } else {
        let text = format!("{} is not as it was written: it was changed or damaged since", path.display());
        (None, Some(text))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_changed_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clusters.csv");
        assert_eq!(check(&path, b"a"), (None, None));
        let facts = Map::from_iter([("run".to_owned(), Value::from(3))]);
        std::fs::write(&path, b"image,cluster\n").unwrap();
        describe(&path, facts, b"image,cluster\n").unwrap();
        let (facts, problem) = check(&path, &std::fs::read(&path).unwrap());
        assert_eq!((facts.unwrap()["run"].as_i64(), problem), (Some(3), None));
        let (facts, problem) = check(&path, b"image,clusters\n");
        assert!(facts.is_none() && problem.unwrap().contains("clusters.csv is not as it was written"));
        std::fs::write(path_of(&path), b"{").unwrap();
        assert!(check(&path, b"image,cluster\n").1.unwrap().contains("clusters.csv.json is damaged"));
    }
}
