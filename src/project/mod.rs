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
//!                 project is opened for writing; and project-form-<n>-<time>.db from before each migration
//!                 of its schema, the newest five
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
mod clusterings;
mod digests;
mod feature_sets;
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
mod sweeping;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::{Error, Result};

pub use annotations::{Annotation, AnnotationEdit};
pub use clusterings::{Assignment, ClusteringRecord, NewClustering};
pub use feature_sets::FeatureSetRecord;
pub use features::{FeatureKind, StoredFeatures};
pub use groupings::{GroupingRecord, GroupingRow};
pub use images::{FileStamp, ImageRecord, ImageRoot, NewImage, REPLACED, RejectedFile};
pub use labels::Label;
pub use people::{AnswerCount, Person, Role};
pub use runs::{NewRun, RunRecord, RunStatus};
pub use sorts::{LoggedMove, NewMove, StoredSort, Visit};
pub use splits::{SplitRecord, SplitSummary};
pub use studies::{NewStudy, NewTask, SortProgress, StudyRater, StudyRecord, TaskOrder, TaskProgress, TaskRecord};

const DATABASE: &str = "project.db";

/// What is kept here was made from files whose content hash was compared. What lies beside it, directly below
/// `cache/`, is of versions that did not compare, and is not believed.
const CACHE: &str = "cache/checked";

/// Where the project in `folder` keeps its thumbnails.
pub fn thumbnails_folder(folder: &Path) -> PathBuf {
    folder.join(CACHE).join("thumbnails")
}

/// What is said of a database that SQLite cannot make sense of.
const DAMAGED: &str = "project.db is damaged";

/// What SQLite takes for an empty database when it is shorter.
const SMALLEST_DATABASE_BYTES: u64 = 512;

/// An open project.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    connection: Connection,
    /// Held while any handle of this process may write; `None` for a read-only handle.
    lock: Option<Arc<lock::WriteLock>>,
    /// Adds up what this handle changes; `None` for a read-only handle.
    watch: Option<digests::Watch>,
    /// Which file project.db was when it was opened.
    identity: Option<FileIdentity>,
    /// What the person who opened it should know.
    warnings: Vec<String>,
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
        make_folder(folder)?;
        for sub_folder in ["runs", "cache"] {
            let path = folder.join(sub_folder);
            std::fs::create_dir_all(&path).map_err(|error| Error::io(&path, error))?;
        }
        let lock = Arc::new(lock::WriteLock::acquire(folder)?);
        make_database(folder)?;
        let mut project = Self::with(folder, connect(folder, true)?, Some(lock))?;
        project.prepare()?;
        Ok(project)
    }

    fn with(folder: &Path, connection: Connection, lock: Option<Arc<lock::WriteLock>>) -> Result<Self> {
        let identity = FileIdentity::of(&folder.join(DATABASE));
        Ok(Self { folder: absolute(folder)?, connection, lock, watch: None, identity, warnings: Vec::new() })
    }

    /// Opens the project in `folder` for reading and writing. Runs left unfinished by a process that died are
    /// marked interrupted, and what it left half written is removed. [`warnings`](Self::warnings) says what is wrong
    /// with it but does not keep it from being opened.
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
        // Looked at before anything is changed: it may be somebody else's.
        schema::check_ours(&connect(folder, false)?)?;
        let mut project = Self::with(folder, connect(folder, true)?, Some(lock))?;
        project.prepare()?;
        project.warnings.extend(project.damage());
        // A damaged project is not copied: its copy would be taken for the cure. And work goes on without a copy, for
        // example on a full disk; the next opening tries again, and says so again.
        if project.warnings.is_empty()
            && let Err(error) = backup::daily(&project.connection, &project.folder)
        {
            project.warnings.push(format!("no copy of the project was made today: {error}"));
        }
        sweeping::sweep(&project.folder);
        project.mark_interrupted_runs()?;
        Ok(project)
    }

    /// True when the project was made by an older version, so that opening it for writing would migrate its schema.
    ///
    /// # Errors
    /// `User` when there is no project there; `Data` when it was made by a newer version or is another program's.
    pub fn is_older(folder: &Path) -> Result<bool> {
        Self::require(folder)?;
        let connection = connect(folder, false)?;
        schema::check_ours(&connection)?;
        schema::is_older(&connection, folder)
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
            let mut project = Self::with(folder, connect(folder, false)?, None)?;
            schema::check_ours(&project.connection)?;
            schema::check_readable(&project.connection, &project.folder)?;
            project.warnings.extend(project.damage());
            Ok(project)
        };
        open().map_err(|error| with_way_out(error, folder))
    }

    /// Another handle on the same project for another thread of this process, with the same rights.
    pub fn share(&self) -> Result<Self> {
        let connection = connect(&self.folder, self.lock.is_some())?;
        let mut project = Self::with(&self.folder, connection, self.lock.clone())?.same_as(self)?;
        project.watch = self.lock.is_some().then(|| digests::Watch::start(&project.connection)).transpose()?;
        Ok(project)
    }

    /// Another handle on the same project that only reads. It does not keep other processes from writing.
    pub fn share_for_reading(&self) -> Result<Self> {
        Self::with(&self.folder, connect(&self.folder, false)?, None)
    }

    /// Refuses a handle on another file than that of `other`.
    fn same_as(self, other: &Self) -> Result<Self> {
        if self.identity == other.identity { Ok(self) } else { Err(other.gone()) }
    }

    /// What should be said at every start until it is mended: damage, or that no copy could be made.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
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

    /// Where thumbnails are kept.
    pub fn thumbnails_folder(&self) -> PathBuf {
        thumbnails_folder(&self.folder)
    }

    /// Where the larger pictures that raters see in browsers are kept.
    pub fn large_pictures_folder(&self) -> PathBuf {
        self.folder.join(CACHE).join("large")
    }

    /// Where backbone features are kept.
    pub fn features_folder(&self) -> PathBuf {
        self.folder.join(CACHE).join("features")
    }

    /// Where network weights are kept that were fetched for this project. They are known by their own hashes.
    pub fn weights_folder(&self) -> PathBuf {
        self.folder.join("cache").join("weights")
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
        let (Some(watch), Some(_)) = (&self.watch, &self.lock) else {
            return Err(Error::user("this project is open for reading only")
                .hint("close it in the other Atmoscope, then open it again here"));
        };
        // SQLite would go on writing into a file that was deleted, and nobody would ever see it again.
        if self.identity.is_none() || FileIdentity::of(&self.folder.join(DATABASE)) != self.identity {
            return Err(self.gone());
        }
        watch.clear();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        watch.store(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    fn gone(&self) -> Error {
        Error::device(format!(
            "the project in {} is not there any more, or another one is in its place; the last change was not stored",
            self.folder.display()
        ))
        .hint("put the folder back, or open the project where it is now")
    }

    fn prepare(&mut self) -> Result<()> {
        schema::migrate(&mut self.connection, &self.folder)?;
        self.watch = Some(digests::Watch::start(&self.connection)?);
        Ok(())
    }

    /// What is wrong with project.db though it can be opened: first its structure, then what is stored in it.
    fn damage(&self) -> Option<String> {
        let folder = self.folder.as_path();
        // Side by side, as each reads all of a database that may be large.
        let (structure, tables) = std::thread::scope(|scope| {
            let structure = scope.spawn(|| backup::damage(&connect(folder, false).ok()?, folder));
            let tables = self.damaged_tables();
            (structure.join().unwrap_or_default(), tables)
        });
        structure.or_else(|| {
            let what = match tables {
                Ok(tables) if tables.is_empty() => return None,
                Ok(tables) => format!("{} holds not what was stored", tables.join(", ")),
                Err(error) => error.message,
            };
            Some(format!(
                "{DAMAGED}, or was changed by another program ({what}): numbers from it may be wrong; {}",
                backup::way_out(&self.folder)
            ))
        })
    }

    /// The tables of project.db whose content is not what was stored: it was damaged, or changed by another program.
    /// Reads all of it.
    ///
    /// # Errors
    /// `Device` or `Data` when it cannot be read.
    pub fn damaged_tables(&self) -> Result<Vec<String>> {
        digests::damaged_tables(&self.connection)
    }

    fn require(folder: &Path) -> Result<()> {
        if Self::exists(folder) {
            // SQLite would take such a file for a new database.
            return match std::fs::metadata(folder.join(DATABASE)) {
                Ok(metadata) if metadata.len() == 0 => {
                    Err(Error::data("project.db is empty: damaged or never finished").hint(backup::way_out(folder)))
                }
                Ok(metadata) if metadata.len() < SMALLEST_DATABASE_BYTES => {
                    let bytes = metadata.len();
                    Err(Error::data(format!("{DAMAGED}: it has {bytes} bytes and holds nothing"))
                        .hint(backup::way_out(folder)))
                }
                _ => Ok(()),
            };
        }
        Err(Error::user(format!("{} holds no Atmoscope project", folder.display()))
            .hint("make one with `atmoscope new`, or choose the folder that holds project.db"))
    }
}

/// Folders of a project that hold its own files.
const OWN_FOLDERS: [&str; 5] = ["cache", "runs", "backups", "experiments", feature_sets::FOLDER];

/// True when `path` is one of the files and folders that a project, whichever, keeps for itself.
pub fn is_own_file(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else { return false };
    (OWN_FOLDERS.contains(&name.as_ref()) || name.starts_with(DATABASE) || name == "project.lock")
        && path.parent().is_some_and(Project::exists)
}

fn absolute(folder: &Path) -> Result<PathBuf> {
    std::path::absolute(folder).map_err(|error| Error::io(folder, error))
}

/// Adds the newest copy to the message that the database is damaged.
fn with_way_out(error: Error, folder: &Path) -> Error {
    if error.is_damaged_project() { error.hint(backup::way_out(folder)) } else { error }
}

/// What tells a file from another one at the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity {
    /// Device and number on it, where the system has such.
    numbers: (u64, u64),
}

impl FileIdentity {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let numbers = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let numbers = (u64::from(metadata.is_file()), 0);
        Some(Self { numbers })
    }
}

/// Makes the project's folder. It holds raters' secret links: a new one is for this user alone, until somebody opens
/// it to others.
fn make_folder(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    // Folders above it that are made too are this user's as well.
    builder.create(folder).map_err(|error| Error::io(folder, error))
}

/// Makes the file of a new database; what SQLite puts beside it gets the same rights.
fn make_database(folder: &Path) -> Result<()> {
    let path = folder.join(DATABASE);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path).map(drop).map_err(|error| Error::io(&path, error))
}

fn connect(folder: &Path, writable: bool) -> Result<Connection> {
    let path = folder.join(DATABASE);
    if !writable {
        return connect_for_reading(&path);
    }
    // Never made here: a project that was deleted would come back empty.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
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
pub(crate) fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        if matches!(error, rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..)) {
            return Error::damaged_project(format!("{DAMAGED} ({error})"))
                .hint("restore a copy of it from the project's backups folder, if there is one")
                .caused_by(error);
        }
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
            // A full disk is told so where SQLite cannot make room for its own files.
            Some(ErrorCode::SystemIoFailure) => (
                "the disk is full or failing; the last change was not stored",
                "free some space on the disk of the project and repeat it; if there is enough, check the disk",
            ),
            _ => return Error::internal(format!("the project's database refused: {error}")).caused_by(error),
        };
        let kind_error = match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Error::damaged_project(format!("{message} ({error})"))
            }
            _ => Error::device(format!("{message} ({error})")),
        };
        kind_error.hint(hint).caused_by(error)
    }
}
