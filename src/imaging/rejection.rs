//! Why a file cannot be used as a picture.

use std::fmt;

use crate::error::Error;

/// The reason a file was rejected. Shown to the person as a sentence, stored with its [`code`](Self::code).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The file holds nothing.
    Empty,
    /// The content is no picture that we recognise, whatever the file's name says.
    NotAnImage,
    /// The content begins like a picture but is damaged; the decoder's words.
    Unreadable(String),
    /// The file ends before the picture does; the decoder's words.
    Truncated(String),
    /// More pixels than the limit allows.
    TooLarge {
        /// Size of the picture by its header, in millions of pixels, rounded up.
        megapixels: u64,
        /// The limit in force, in millions of pixels.
        limit_megapixels: u64,
    },
    /// The file is longer than the limit allows.
    LongFile {
        /// Its length in megabytes, rounded up.
        megabytes: u64,
        /// The limit in force, in megabytes.
        limit_megabytes: u64,
    },
    /// The picture would take more memory than there is for pictures, although it has not too many pixels.
    TooMuchMemory {
        /// What opening it takes at its height, in megabytes, rounded up.
        megabytes: u64,
        /// What there is, in megabytes.
        limit_megabytes: u64,
    },
    /// A sound picture of a kind that is not read; which kind.
    Unsupported(String),
    /// The file itself could not be opened or read; the system's words.
    Unopenable(String),
    /// The file does not hold what was imported from it.
    Changed,
}

impl Rejection {
    /// A stable name for storage: `empty`, `not-an-image`, `unreadable`, `truncated`, `too-large`, `long-file`,
    /// `too-much-memory`, `unsupported`, `unopenable` or `changed`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotAnImage => "not-an-image",
            Self::Unreadable(_) => "unreadable",
            Self::Truncated(_) => "truncated",
            Self::TooLarge { .. } => "too-large",
            Self::LongFile { .. } => "long-file",
            Self::TooMuchMemory { .. } => "too-much-memory",
            Self::Unsupported(_) => "unsupported",
            Self::Unopenable(_) => "unopenable",
            Self::Changed => "changed",
        }
    }

    /// What the person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::Truncated(_) => "download or copy the file again",
            Self::NotAnImage => "PNG, JPEG, WebP, GIF, BMP and TIFF files are read",
            Self::Unreadable(_) => "open it in a picture editor and save it again",
            Self::TooLarge { .. } => "make the picture smaller, or raise the limit in the settings",
            Self::LongFile { .. } => "save it in a smaller form, such as PNG or JPEG",
            Self::TooMuchMemory { .. } => "make the picture smaller, or save it with 8 bits a channel as PNG or JPEG",
            Self::Unsupported(_) => "save it as PNG or JPEG",
            Self::Changed => {
                "import its folder again: a picture that moved is found, one that was edited joins as a new one"
            }
            Self::Unopenable(_) => "check that the file is still there and that you may read it",
        }
    }

    /// The rejection as an error about the file named `file`.
    pub fn into_error(self, file: &str) -> Error {
        Error::data(format!("{file}: {self}")).hint(self.hint())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty"),
            Self::NotAnImage => f.write_str("this is not a picture, or a kind of picture that is not known here"),
            Self::Unreadable(detail) => write!(f, "the picture is damaged ({detail})"),
            Self::Truncated(detail) => write!(f, "the file ends before the picture does ({detail})"),
            Self::TooLarge { megapixels, limit_megapixels } => {
                write!(f, "the picture has {megapixels} megapixels, more than the limit of {limit_megapixels}")
            }
            Self::LongFile { megabytes, limit_megabytes } => {
                write!(f, "the file has {megabytes} MB, more than the limit of {limit_megabytes}")
            }
            Self::TooMuchMemory { megabytes, limit_megabytes } => {
                write!(
                    f,
                    "opening the picture takes {megabytes} MB of memory, more than the limit of {limit_megabytes}"
                )
            }
            Self::Unsupported(detail) => write!(f, "this kind of picture is not read ({detail})"),
            Self::Unopenable(detail) => write!(f, "the file cannot be opened ({detail})"),
            Self::Changed => f.write_str("the file was changed since it was imported"),
        }
    }
}

impl std::error::Error for Rejection {}
