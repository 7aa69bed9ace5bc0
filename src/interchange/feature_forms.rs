//! The list of forms in which features come in: a new one is a file of its own and a line in [`FEATURE_FORMS`].

use std::path::Path;

use super::features_csv::{self, FeatureTable};
use super::problem::Parsed;
use super::{features_parquet, npy};
use crate::error::Result;

/// A file format of features.
pub struct FeatureForm {
    /// The ending of such files, in small letters.
    pub ending: &'static str,
    /// Reads the file at this path, whose bytes are given: what could be read, and what was left out.
    ///
    /// # Errors
    /// `User` for a file beside it that is missing; `Data` where nothing can be read.
    pub read: fn(&Path, &[u8]) -> Result<Parsed<FeatureTable>>,
}

/// All forms; the first is taken for files with any other ending.
pub static FEATURE_FORMS: &[FeatureForm] = &[
    FeatureForm { ending: "csv", read: |_, bytes| Ok(features_csv::parse(bytes)) },
    FeatureForm {
        ending: "npy",
        read: |path, bytes| Ok(Parsed { value: npy::read_files(path, bytes)?, problems: Vec::new() }),
    },
    FeatureForm { ending: "parquet", read: features_parquet::read },
];

/// The format of the file at `path`, by its ending.
pub fn feature_form(path: &Path) -> &'static FeatureForm {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    FEATURE_FORMS.iter().find(|form| form.ending == ending).unwrap_or(&FEATURE_FORMS[0])
}
