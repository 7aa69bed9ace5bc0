//! What was wrong in a file, and where.

use std::fmt;

use crate::wording::quoted;

/// One thing wrong in a file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line of the file, counted from 1.
    pub line: u64,
    /// What is wrong and what was done about it.
    pub message: String,
}

impl Problem {
    /// A problem in line `line`. What the message repeats of the file between “ and ” is cut where it is long.
    pub fn new(line: u64, message: impl Into<String>) -> Self {
        Self { line, message: with_short_quotes(&message.into()) }
    }
}

fn with_short_quotes(message: &str) -> String {
    let mut short = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, field)) = rest.split_once('“') {
        // A field may hold such a sign itself.
        let Some((field, after)) = field.split_once('”') else { break };
        short.push_str(before);
        short.push_str(&format!("“{}”", quoted(field)));
        rest = after;
    }
    short.push_str(rest);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_fields_are_cut() {
        let long = "x\n".repeat(500);
        let problem = Problem::new(3, format!("“{long}” is neither “0” nor “1”"));
        assert!(problem.message.chars().count() < 130 && problem.message.ends_with("…” is neither “0” nor “1”"));
        assert_eq!(Problem::new(1, "the column “a” is missing").message, "the column “a” is missing");
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
