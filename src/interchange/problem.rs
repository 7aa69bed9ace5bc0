//! What was wrong in a file, and where.

use std::fmt;

/// One thing wrong in a file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line of the file, counted from 1.
    pub line: u64,
    /// What is wrong and what was done about it.
    pub message: String,
}

impl Problem {
    /// A problem in line `line`.
    pub fn new(line: u64, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// What could be read of a file, and the problems met on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    /// The sound part of the file.
    pub value: T,
    /// In the order of their lines.
    pub problems: Vec<Problem>,
}
