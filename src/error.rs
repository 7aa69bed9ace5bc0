//! What can go wrong, worded so that the person knows what happened, to which file, and what to do next.
//!
//! Every fallible function in the crate returns [`Result`]. The [`ErrorKind`] says whose fault it is;
//! the command line turns it into an exit code, the window into a line in the list of problems.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::wording::one_line;

/// Shorthand for results with our [`struct@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Exit code of what was stopped on request.
pub const STOPPED: u8 = 130;

/// Whose fault an error is, which decides what the person can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ErrorKind {
    /// The request cannot be met as made: a wrong argument, a missing file, a name already taken.
    User,
    /// Another process works with it and must end first.
    Busy,
    /// A setting or a configuration file does not make sense.
    Config,
    /// An input file or the project's own data are damaged or do not fit together.
    Data,
    /// A network or its weights cannot be used.
    Model,
    /// The processor, GPU, disk or memory refused.
    Device,
    /// The person asked to stop.
    Cancelled,
    /// A mistake of ours.
    Internal,
}

/// An error with a message for the person, and a hint about the way out where there is one.
#[derive(Debug)]
pub struct Error {
    /// Whose fault it is.
    pub kind: ErrorKind,
    /// What happened, to which file or thing: one sentence, no trailing full stop.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    is_damage: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A new error of the given kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, is_damage: false, source: None }
    }

    /// A project's database that holds something else than what was stored.
    pub fn damaged_project(message: impl Into<String>) -> Self {
        Self { is_damage: true, ..Self::data(message) }
    }

    /// True for [`damaged_project`](Self::damaged_project).
    pub fn is_damaged_project(&self) -> bool {
        self.is_damage
    }

    /// A mistake in the request.
    pub fn user(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::User, message)
    }

    /// Something that another process has.
    pub fn busy(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Busy, message)
    }

    /// A setting that makes no sense.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Damaged or unfitting data.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    /// A network or weights that cannot be used.
    pub fn model(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Model, message)
    }

    /// A device that refused.
    pub fn device(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Device, message)
    }

    /// The person asked to stop.
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "stopped on request; what was stored until then is kept")
    }

    /// A mistake of ours.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Reading or writing `path` failed.
    pub fn io(path: &Path, error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound
            | std::io::ErrorKind::PermissionDenied
            | std::io::ErrorKind::AlreadyExists
            | std::io::ErrorKind::NotADirectory
            | std::io::ErrorKind::IsADirectory => ErrorKind::User,
            _ => ErrorKind::Device,
        };
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => Some("check the path; the file or folder may have been moved or renamed"),
            std::io::ErrorKind::PermissionDenied => Some("check that you may read and write there"),
            std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => {
                Some("there is a file where a folder is needed; choose another place")
            }
            std::io::ErrorKind::IsADirectory => Some("that is a folder; give the name of a file"),
            std::io::ErrorKind::StorageFull => Some("free some space on that disk and try again"),
            _ => None,
        };
        Self {
            kind,
            message: format!("{}: {error}", one_line(&path.to_string_lossy())),
            hint: hint.map(str::to_owned),
            is_damage: false,
            source: Some(Box::new(error)),
        }
    }

    /// Names the file that the error is in.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        self.message = format!("{}: {}", one_line(&path.to_string_lossy()), self.message);
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the error below, for logs.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// True when the person asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.kind == ErrorKind::Cancelled
    }

    /// Exit code of the command line: 2 for a mistake of the user, 130 for what was stopped on request, as shells have
    /// it for Ctrl+C, 1 otherwise.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            ErrorKind::User | ErrorKind::Busy | ErrorKind::Config => 2,
            ErrorKind::Cancelled => STOPPED,
            _ => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
