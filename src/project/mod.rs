//! A project on disk: the only place that knows SQLite.
//!
//! A project is a folder:
//!
//! ```text
//! project.db      everything people made: SQLite, write-ahead log, foreign keys
//! project.lock    held by the one process that may write
//! runs/<id>/      configuration, metrics and checkpoints of a training run
//! cache/          thumbnails and backbone features; may be deleted at any time
//! backups/        copies of project.db: project-<time>.db, the newest seven of at most one a day, made when the
//!                 project is opened for writing; and project-form-<n>-<time>.db from before each change of its
//!                 form, which are never removed
//! ```
//!
//! To restore a copy, close the project, put the copy in the place of project.db, and remove project.db-wal and
//! project.db-shm.
//!
//! One file here for each noun; each adds its methods to [`Project`]. Every edit is one transaction, and every
//! edit a person makes is also one entry of the undo [`history`]. Several [`Project`] handles of one process may
//! work side by side ([`Project::share`]); a second process may only read.

mod annotations;
mod backup;
mod features;
mod groupings;
pub mod history;
mod images;
mod labels;
mod lock;
mod people;
mod runs;
mod schema;
mod sorts;
mod splits;
mod studies;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::{Error, Result};

pub use annotations::{Annotation, AnnotationEdit, ImageLabels};
pub use features::FeatureKind;
pub use groupings::{GroupingRecord, GroupingRow};
pub use images::{ImageRecord, ImageRoot, NewImage, REPLACED, RejectedFile};
pub use labels::{Label, check_label_name};
pub use people::{AnswerCount, Person, Role};
pub use runs::{NewRun, RunRecord, RunStatus};
pub use sorts::{LoggedMove, NewMove, StoredSort, Visit};
pub use splits::{SplitRecord, SplitSummary};
pub use studies::{NewStudy, NewTask, SortProgress, StudyRater, StudyRecord, TaskOrder, TaskProgress, TaskRecord};

const DATABASE: &str = "project.db";

/// What is said of a database that SQLite cannot make sense of.
const DAMAGED: &str = "project.db is damaged";

/// An open project.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    connection: Connection,
    /// Held while any handle of this process may write; `None` for a read-only handle.
    lock: Option<Arc<lock::WriteLock>>,
}

impl Project {
    /// Makes a new project in `folder`, which must not hold one yet. Missing folders are created.
    ///
    /// # Errors
    /// `User` when there is a project already or the folder cannot be written.
    pub fn create(folder: &Path) -> Result<Self> {
        if Self::exists(folder) {
            return Err(Error::user(format!("{} already holds a project", folder.display()))
                .hint("open it instead, or choose another folder"));
        }
        for sub_folder in ["runs", "cache"] {
            let path = folder.join(sub_folder);
            std::fs::create_dir_all(&path).map_err(|error| Error::io(&path, error))?;
        }
        let lock = Arc::new(lock::WriteLock::acquire(folder)?);
        let mut project = Self { folder: absolute(folder)?, connection: connect(folder, true)?, lock: Some(lock) };
        project.prepare()?;
        Ok(project)
    }

    /// Opens the project in `folder` for reading and writing. Runs left unfinished by a process that died are
    /// marked interrupted.
    ///
    /// # Errors
    /// `User` when there is no project there or another process is writing to it; `Data` when it was made by a
    /// newer version or is damaged.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::require(folder)?;
        let lock = Arc::new(lock::WriteLock::acquire(folder)?);
        Self::open_locked(folder, lock).map_err(|error| with_way_out(error, folder))
    }

    fn open_locked(folder: &Path, lock: Arc<lock::WriteLock>) -> Result<Self> {
        let mut project = Self { folder: absolute(folder)?, connection: connect(folder, true)?, lock: Some(lock) };
        project.prepare()?;
        // Work goes on without a copy, for example on a full disk; the next opening tries again.
        let _ = backup::daily(&project.connection, &project.folder);
        project.mark_interrupted_runs()?;
        Ok(project)
    }

    /// Opens the project in `folder` for reading only; another process may be writing to it. It may lie where nothing
    /// can be written, such as on a read-only disk.
    ///
    /// # Errors
    /// `User` when there is no project there or it was made by an older version; `Data` when it was made by a newer
    /// version or is damaged.
    pub fn open_read_only(folder: &Path) -> Result<Self> {
        Self::require(folder)?;
        let open = || {
            let project = Self { folder: absolute(folder)?, connection: connect(folder, false)?, lock: None };
            schema::check_readable(&project.connection, &project.folder)?;
            Ok(project)
        };
        open().map_err(|error| with_way_out(error, folder))
    }

    /// Another handle on the same project for another thread of this process, with the same rights.
    pub fn share(&self) -> Result<Self> {
        let connection = connect(&self.folder, self.lock.is_some())?;
        Ok(Self { folder: self.folder.clone(), connection, lock: self.lock.clone() })
    }

    /// Another handle on the same project that only reads. It does not keep other processes from writing.
    pub fn share_for_reading(&self) -> Result<Self> {
        Ok(Self { folder: self.folder.clone(), connection: connect(&self.folder, false)?, lock: None })
    }

    /// True when `folder` holds a project.
    pub fn exists(folder: &Path) -> bool {
        folder.join(DATABASE).is_file()
    }

    /// The project's folder, absolute.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name shown to people: the folder's.
    pub fn name(&self) -> String {
        self.folder.file_name().map_or_else(|| self.folder.display().to_string(), |n| n.to_string_lossy().into_owned())
    }

    /// True when nothing can be changed through this handle.
    pub fn is_read_only(&self) -> bool {
        self.lock.is_none()
    }

    /// Where thumbnails and backbone features are kept.
    pub fn cache_folder(&self) -> PathBuf {
        self.folder.join("cache")
    }

    /// A remark stored with the project, for example that its data are synthetic.
    pub fn remark(&self, key: &str) -> Result<Option<String>> {
        Ok(self.connection.query_row("SELECT value FROM remarks WHERE key = ?1", [key], |row| row.get(0)).optional()?)
    }

    /// Stores a remark.
    pub fn set_remark(&mut self, key: &str, value: &str) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO remarks (key, value) VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                [key, value],
            )?;
            Ok(())
        })
    }

    /// A number that differs from what it was whenever another handle or process has changed the project since.
    pub fn changes_elsewhere(&self) -> Result<i64> {
        Ok(self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// Runs `work` in one transaction that either happens as a whole or not at all.
    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        if self.lock.is_none() {
            return Err(Error::user("this project is open for reading only")
                .hint("close it in the other Atmoscope, then open it again here"));
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    fn prepare(&mut self) -> Result<()> {
        schema::migrate(&mut self.connection, &self.folder)
    }

    fn require(folder: &Path) -> Result<()> {
        if Self::exists(folder) {
            // SQLite would take such a file for a new database.
            return match std::fs::metadata(folder.join(DATABASE)) {
                Ok(metadata) if metadata.len() == 0 => {
                    Err(Error::data("project.db is empty: damaged or never finished").hint(backup::way_out(folder)))
                }
                _ => Ok(()),
            };
        }
        Err(Error::user(format!("{} holds no Atmoscope project", folder.display()))
            .hint("make one with `atmoscope new`, or choose the folder that holds project.db"))
    }
}

fn absolute(folder: &Path) -> Result<PathBuf> {
    std::path::absolute(folder).map_err(|error| Error::io(folder, error))
}

/// Names the newest copy to whoever is told that the database is damaged.
fn with_way_out(error: Error, folder: &Path) -> Error {
    if error.message.starts_with(DAMAGED) { error.hint(backup::way_out(folder)) } else { error }
}

fn connect(folder: &Path, writable: bool) -> Result<Connection> {
    let path = folder.join(DATABASE);
    if !writable {
        return connect_for_reading(&path);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = set_up(Connection::open_with_flags(&path, flags)?)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn set_up(connection: Connection) -> Result<Connection, rusqlite::Error> {
    connection.busy_timeout(Duration::from_secs(20))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// Reading a database with a write-ahead log needs a file beside it, which SQLite makes. Where it cannot, nobody else
/// can write either, and a database whose log is empty is read as a file that does not change.
fn connect_for_reading(path: &Path) -> Result<Connection> {
    use rusqlite::ErrorCode;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let usual = Connection::open_with_flags(path, flags).and_then(set_up).and_then(|connection| {
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    });
    let error = match usual {
        Ok(connection) => return Ok(connection),
        Err(error) => error,
    };
    let refused = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::SystemIoFailure)
    );
    if !refused || std::fs::File::open(path).is_err() {
        return Err(error.into());
    }
    if std::fs::metadata(path.with_extension("db-wal")).is_ok_and(|log| log.len() > 0) {
        return Err(Error::device(
            "project.db cannot be read where nothing may be written: its last changes are \
            still in project.db-wal",
        )
        .hint("copy the project's folder to a place that can be written, and open it there")
        .caused_by(error));
    }
    let unchanging = Connection::open_with_flags(unchanging_uri(path)?, flags | OpenFlags::SQLITE_OPEN_URI)?;
    Ok(set_up(unchanging)?)
}

/// The address of a database that nobody changes while it is open.
fn unchanging_uri(path: &Path) -> Result<String> {
    let path = absolute(path)?;
    let mut uri = String::from(if cfg!(windows) { "file:///" } else { "file:" });
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b':' => uri.push(*byte as char),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    Ok(uri)
}

/// Now, as stored in the database: UTC, RFC 3339.
fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let (message, hint) = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => {
                ("the disk is full; the last change was not stored", "free some space and repeat it")
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                ("the project's database is busy", "close other programs that use it and try again")
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                (DAMAGED, "restore a copy of it from the project's backups folder, if there is one")
            }
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                ("project.db cannot be opened or written", "check the rights of the project's folder")
            }
            _ => return Error::internal(format!("the project's database refused: {error}")).caused_by(error),
        };
        let kind_error = match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Error::data(format!("{message} ({error})")),
            _ => Error::device(format!("{message} ({error})")),
        };
        kind_error.hint(hint).caused_by(error)
    }
}
