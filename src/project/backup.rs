//! Copies of `project.db`, made while it is in use.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::Backup;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use crate::error::{Error, Result};

/// Daily copies kept.
const KEPT: usize = 7;

/// Copies from before migrations that are kept.
const KEPT_FORMS: usize = 5;

/// Databases up to this size are looked through at every opening, larger ones only when a copy is made.
const QUICKLY_CHECKED_BYTES: u64 = 8_000_000;

/// How old the newest copy may be before another is made.
const MAX_AGE: Duration = Duration::DAY;

/// The time in the name of a daily copy, in UTC.
const STAMP: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]Z");

/// Copies the database into `backups/` before its schema is migrated from version `from`; returns the copy's path.
pub(super) fn before_migration(connection: &Connection, folder: &Path, from: usize) -> Result<PathBuf> {
    let backups = make_folder(folder)?;
    let stamp = super::now().replace([':', '.'], "-");
    let path = backups.join(format!("project-form-{from}-{stamp}.db"));
    copy(connection, &path)?;
    let mut copies = copies_before_migrations(folder);
    let too_many = copies.len().saturating_sub(KEPT_FORMS);
    for (_, old) in copies.drain(..too_many) {
        // One too many does no harm.
        let _ = std::fs::remove_file(old);
    }
    Ok(path)
}

/// Copies from before migrations, the oldest first.
fn copies_before_migrations(folder: &Path) -> Vec<(std::time::SystemTime, PathBuf)> {
    let mut copies: Vec<_> = std::fs::read_dir(folder.join("backups"))
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name();
            let name = name.to_str()?;
            (name.starts_with("project-form-") && name.ends_with(".db"))
                .then(|| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))?
        })
        .collect();
    copies.sort();
    copies
}

/// What is wrong in a database that SQLite reads all the same, with the way out; nothing where it is sound, or too large
/// to look at every time.
pub(super) fn damage(connection: &Connection, folder: &Path) -> Option<String> {
    let bytes = std::fs::metadata(folder.join(super::DATABASE)).ok()?.len();
    if bytes > QUICKLY_CHECKED_BYTES {
        return None;
    }
    let verdict = verdict(connection).unwrap_or_else(|error| error.to_string());
    (verdict != "ok").then(|| format!("{} ({}): {}", super::DAMAGED, first_line(&verdict), way_out(folder)))
}

/// What SQLite says of all tables and indexes: "ok", or the first thing that is wrong.
fn verdict(connection: &Connection) -> Result<String> {
    Ok(connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?)
}

fn first_line(text: &str) -> &str {
    text.trim_start_matches("*** in database main ***").trim().lines().next().unwrap_or_default()
}

/// Makes a copy named `project-<time>.db` when the newest of these is older than a day, and removes all but the newest
/// seven. A project without pictures is not worth one.
pub(super) fn daily(connection: &Connection, folder: &Path) -> Result<()> {
    let holds_pictures: bool = connection.query_row("SELECT EXISTS (SELECT 1 FROM images)", [], |row| row.get(0))?;
    let now = OffsetDateTime::now_utc();
    // One from the future was made under a wrong clock and says nothing about today.
    let fresh = daily_copies(folder).iter().any(|(at, _)| *at <= now && now - *at < MAX_AGE);
    if !holds_pictures || fresh {
        return Ok(());
    }
    let stamp = now.format(STAMP).map_err(|error| Error::internal(error.to_string()))?;
    let path = make_folder(folder)?.join(format!("project-{stamp}.db"));
    let unfinished = path.with_extension("tmp");
    let copied = copy_checked(connection, &unfinished)
        .and_then(|()| std::fs::rename(&unfinished, &path).map_err(|error| Error::io(&path, error)));
    if let Err(error) = copied {
        // The error to tell is the first one.
        let _ = std::fs::remove_file(&unfinished);
        return Err(error);
    }
    for (_, old) in daily_copies(folder).iter().rev().skip(KEPT) {
        // One too many does no harm; it goes another time.
        let _ = std::fs::remove_file(old);
    }
    Ok(())
}

/// What to do about a damaged database.
pub(super) fn way_out(folder: &Path) -> String {
    let newest = std::fs::read_dir(folder.join("backups"))
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let is_copy = entry.path().extension().is_some_and(|extension| extension == "db");
            is_copy.then_some((entry.metadata().ok()?.modified().ok()?, entry.file_name()))
        })
        .max();
    match newest {
        Some((_, name)) => format!(
            "put the copy backups/{} in its place, under the name project.db, and remove project.db-wal and \
             project.db-shm; what was done after that copy was made is not in it, so keep the damaged one too",
            name.to_string_lossy()
        ),
        None => "restore it from a copy of your own; there is none in the project's backups folder".to_owned(),
    }
}

/// The daily copies, oldest first.
fn daily_copies(folder: &Path) -> Vec<(OffsetDateTime, PathBuf)> {
    let mut copies: Vec<_> = std::fs::read_dir(folder.join("backups"))
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let stamp = path.file_name()?.to_str()?.strip_prefix("project-")?.strip_suffix(".db")?;
            Some((PrimitiveDateTime::parse(stamp, STAMP).ok()?.assume_utc(), path))
        })
        .collect();
    copies.sort();
    copies
}

fn make_folder(folder: &Path) -> Result<PathBuf> {
    let backups = folder.join("backups");
    super::make_folder(&backups)?;
    Ok(backups)
}

fn copy(connection: &Connection, path: &Path) -> Result<Connection> {
    let mut copy = Connection::open(path)?;
    Backup::new(connection, &mut copy)?.run_to_completion(1000, std::time::Duration::ZERO, None)?;
    Ok(copy)
}

/// A copy that is sound: one of a damaged database must not push out a good one.
fn copy_checked(connection: &Connection, path: &Path) -> Result<()> {
    let copy = copy(connection, path)?;
    // One file each, without a log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    let verdict = verdict(&copy)?;
    if verdict != "ok" {
        return Err(Error::data(format!("{} ({})", super::DAMAGED, first_line(&verdict))));
    }
    Ok(())
}
