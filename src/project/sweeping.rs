//! What is in a project's folder and of no use any more: what killed processes left half written (files that were about
//! to be renamed into their place), and caches of versions that did not compare pictures with their hashes.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::CACHE;

/// Folders below `cache/` that earlier versions used; what is in them is not believed ([`CACHE`]).
const CACHES_OF_BEFORE: [&str; 3] = ["thumbnails", "large", "features"];

/// Younger ones may be under way: a reader of the project makes thumbnails too.
const LEAST_AGE: Duration = Duration::from_secs(3600);

/// Removes leftovers from a project's folders. Large ones are gone through beside the work; what cannot be removed
/// stays until another time.
pub(super) fn sweep(folder: &Path) {
    let folder = folder.to_path_buf();
    // Without a thread it is done another time.
    let _ = std::thread::Builder::new().name("sweeping".to_owned()).spawn(move || {
        for name in ["backups", "runs", CACHE] {
            sweep_below(&folder.join(name), 3);
        }
        for name in CACHES_OF_BEFORE {
            let _ = fs::remove_dir_all(folder.join("cache").join(name));
        }
    });
}

fn sweep_below(folder: &Path, depth: usize) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => sweep_below(&path, depth - 1),
            Ok(kind) if kind.is_file() && is_leftover(&path) => drop(fs::remove_file(&path)),
            _ => {}
        }
    }
}

/// Files under way end in `.tmp`; those beside their place begin with a dot, a copy of the database with its name.
fn is_leftover(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let named = name.ends_with(".tmp") && (name.starts_with('.') || name.starts_with("project-"));
    let age = || SystemTime::now().duration_since(fs::metadata(path).ok()?.modified().ok()?).ok();
    named && age().is_some_and(|age| age > LEAST_AGE)
}
