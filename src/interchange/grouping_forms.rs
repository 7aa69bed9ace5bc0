//! The forms in which groupings come and go: our own long CSV, FreeSortR's table, jsPsych's free-sort data.

use std::fmt;
use std::io;
use std::str::FromStr;

use super::groupings::{self, GroupingRow};
use super::problem::Parsed;
use super::table::Table;
use super::{free_sort_r, jspsych};
use crate::error::{Error, Result};

/// A file format of groupings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupingForm {
    /// `rater,condition,image,group`, one row for each placed picture ([`groupings`]).
    LongCsv,
    /// One row for each picture, one column for each rater ([`free_sort_r`]).
    FreeSortR,
    /// Positions of pictures on a surface, as jsPsych's plugin free-sort records them ([`jspsych`]).
    JsPsych,
}

impl fmt::Display for GroupingForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LongCsv => "csv",
            Self::FreeSortR => "freesortr",
            Self::JsPsych => "jspsych",
        })
    }
}

impl FromStr for GroupingForm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::LongCsv, Self::FreeSortR, Self::JsPsych].into_iter().find(|form| form.to_string() == text).ok_or_else(
            || Error::user(format!("“{text}” is not a format of groupings")).hint("say csv, freesortr or jspsych"),
        )
    }
}

/// Values for what a file leaves out.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupingDefaults {
    /// Who sorted, where the file does not say.
    pub rater: String,
    /// Under which condition, where the file does not say.
    pub condition: String,
    /// In which study, where the file does not say.
    pub study: Option<String>,
    /// On which occasion, where the file does not say: 1 the first time, 2 again.
    pub occasion: Option<u64>,
    /// Side of a picture in pixels, where positions decide what lies together.
    pub picture_px: f64,
}

impl Default for GroupingDefaults {
    fn default() -> Self {
        Self { rater: "rater".to_owned(), condition: "free".to_owned(), study: None, occasion: None, picture_px: 100.0 }
    }
}

impl GroupingForm {
    /// The form that the bytes of a file look like. FreeSortR's is known by a first column that is called `stimulus`
    /// or nothing, as R writes row names; any other table of one column for each rater must be called so by the person.
    pub fn recognise(bytes: &[u8]) -> Self {
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if text.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| matches!(byte, b'[' | b'{')) {
            return Self::JsPsych;
        }
        let first = Table::parse(bytes).header.first().map(|name| name.to_lowercase()).unwrap_or_default();
        if matches!(first.as_str(), "" | "stimulus" | "stimuli") && !bytes.is_empty() {
            Self::FreeSortR
        } else {
            Self::LongCsv
        }
    }

    /// Reads the bytes of a file of this form.
    pub fn parse(self, bytes: &[u8], defaults: &GroupingDefaults) -> Parsed<Vec<GroupingRow>> {
        let mut parsed = match self {
            Self::LongCsv => groupings::parse(bytes),
            Self::FreeSortR => free_sort_r::parse(bytes, defaults),
            Self::JsPsych => jspsych::parse(bytes, defaults),
        };
        for row in &mut parsed.value {
            row.study = row.study.take().or_else(|| defaults.study.clone());
            row.occasion = row.occasion.or(defaults.occasion);
        }
        parsed
    }

    /// True when a file of this form holds one sort of each rater, and neither condition nor study.
    pub fn holds_one_sort(self) -> bool {
        self == Self::FreeSortR
    }

    /// Writes rows in this form.
    ///
    /// # Errors
    /// What the writer reports.
    pub fn write(self, rows: &[GroupingRow], target: impl io::Write) -> io::Result<()> {
        match self {
            Self::LongCsv => groupings::write(rows, target),
            Self::FreeSortR => free_sort_r::write(rows, target),
            Self::JsPsych => jspsych::write(rows, target),
        }
    }
}
