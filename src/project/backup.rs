//! Copies of `project.db`, made while it is in use.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::error::{Error, Result};

/// Copies the database into `backups/` before its form changes from version `from`; returns the copy's path.
pub(super) fn before_migration(connection: &Connection, folder: &Path, from: usize) -> Result<PathBuf> {
    let backups = folder.join("backups");
    std::fs::create_dir_all(&backups).map_err(|error| Error::io(&backups, error))?;
    let stamp = super::now().replace([':', '.'], "-");
    let path = backups.join(format!("project-form-{from}-{stamp}.db"));
    let mut copy = Connection::open(&path)?;
    Backup::new(connection, &mut copy)?.run_to_completion(1000, std::time::Duration::ZERO, None)?;
    Ok(path)
}
