//! The schema of `project.db` and its migrations from version to version.
//!
//! `PRAGMA user_version` holds the version. Each migration runs in one transaction, after a copy of the database
//! was put into `backups/`.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{backup, digests};
use crate::error::{Error, Result};

/// What leads from version n to version n + 1, beginning with 0, the empty file.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
];

/// What `PRAGMA application_id` of a project's database says: "Atmo" in letters. Those made before it was set say 0.
const APPLICATION_ID: i32 = 0x4174_6D6F;

/// Tables that every schema version has.
const OLDEST_TABLES: [&str; 3] = ["images", "labels", "annotations"];

/// Brings the database to the newest version.
pub(super) fn migrate(connection: &mut Connection, folder: &Path) -> Result<()> {
    migrate_with(connection, folder, MIGRATIONS)?;
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if id != APPLICATION_ID {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(())
}

/// Refuses a database that is another program's, or no project's yet.
pub(super) fn check_ours(connection: &Connection) -> Result<()> {
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let has = |name: &str| {
        let found = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
        connection.query_row(found, [name], |row| row.get::<_, bool>(0))
    };
    let ours = OLDEST_TABLES.iter().map(|name| has(name)).collect::<Result<Vec<_>, _>>()?.into_iter().all(|has| has);
    if version(connection)? > 0 && ours && [0, APPLICATION_ID].contains(&id) {
        return Ok(());
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 && id == 0 {
        return Err(Error::damaged_project(format!("{}: it holds nothing", super::DAMAGED)));
    }
    Err(Error::data("project.db is the database of another program, not of an Atmoscope project")
        .hint("choose the folder of a project, or put the right project.db into this one"))
}

fn migrate_with(connection: &mut Connection, folder: &Path, migrations: &[&str]) -> Result<()> {
    let found = version(connection)?;
    check_version(found, migrations.len(), folder)?;
    for (from, migration) in migrations.iter().enumerate().skip(found) {
        // A database that is being made has nothing to copy yet.
        if found > 0 {
            backup::before_migration(connection, folder, from)?;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        transaction.execute_batch(migration)?;
        digests::store_all(&transaction)?;
        transaction.pragma_update(None, "user_version", from as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Refuses a database that this version cannot read as it is.
pub(super) fn check_readable(connection: &Connection, folder: &Path) -> Result<()> {
    if is_older(connection, folder)? {
        return Err(Error::user(format!("{} was made by an older Atmoscope", folder.display()))
            .hint("`atmoscope upgrade DIR`, or opening it in the window, brings it up to date"));
    }
    Ok(())
}

/// True when the database has an older schema version.
pub(super) fn is_older(connection: &Connection, folder: &Path) -> Result<bool> {
    let found = version(connection)?;
    check_version(found, MIGRATIONS.len(), folder)?;
    Ok(found < MIGRATIONS.len())
}

fn version(connection: &Connection) -> Result<usize> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    usize::try_from(version).map_err(|_| Error::data("project.db has a negative version number"))
}

fn check_version(found: usize, newest: usize, folder: &Path) -> Result<()> {
    if found > newest {
        return Err(Error::data(format!(
            "{} was made by a newer Atmoscope (schema version {found}; this one knows versions up to {newest})",
            folder.display()
        ))
        .hint("update Atmoscope"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_migration_keeps_the_data_and_leaves_a_backup() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("project.db")).unwrap();
        migrate_with(&mut connection, folder.path(), &["CREATE TABLE a (x INTEGER)"]).unwrap();
        connection.execute("INSERT INTO a VALUES (7)", []).unwrap();
        migrate_with(
            &mut connection,
            folder.path(),
            &["CREATE TABLE a (x INTEGER)", "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 1"],
        )
        .unwrap();
        let row: (i64, i64) = connection.query_row("SELECT x, y FROM a", [], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
        assert_eq!(row, (7, 1));
        let backup = std::fs::read_dir(folder.path().join("backups")).unwrap().next().unwrap().unwrap().path();
        let old = Connection::open(backup).unwrap();
        let x: i64 = old.query_row("SELECT x FROM a", [], |r| r.get(0)).unwrap();
        assert_eq!(x, 7);
        assert!(old.query_row("SELECT y FROM a", [], |r| r.get::<_, i64>(0)).is_err());
    }

    #[test]
    fn a_failed_migration_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("project.db")).unwrap();
        migrate_with(&mut connection, folder.path(), &["CREATE TABLE a (x INTEGER)"]).unwrap();
        let broken = ["CREATE TABLE a (x INTEGER)", "CREATE TABLE b (x INTEGER); CREATE NONSENSE"];
        assert!(migrate_with(&mut connection, folder.path(), &broken).is_err());
        assert_eq!(version(&connection).unwrap(), 1);
        assert!(connection.query_row("SELECT count(*) FROM b", [], |r| r.get::<_, i64>(0)).is_err());
    }

    #[test]
    fn a_newer_project_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("project.db")).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = migrate(&mut connection, folder.path()).unwrap_err();
        assert!(error.message.contains("newer Atmoscope"), "{error}");
    }
}
