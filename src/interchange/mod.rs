//! Files read and written, one module for each format.
//!
//! Reading is pure: the bytes of a file become plain structs, in which pictures, labels and people are still names,
//! and a list of [`Problem`]s with line numbers; nothing is looked up in a project. Reading never gives up on the
//! whole file for the sake of one line. The caller matches the names with its pictures through [`NameMatcher`],
//! shows the problems, and decides. Writing goes to any writer, and through [`atomic`](crate::atomic) to a file.
//!
//! Text is UTF-8 (with or without byte order mark) and CSV follows RFC 4180; fields separated by semicolons or tabs are
//! read too ([`Separator`]). Names are compared in Unicode
//! normal form C, because the same Japanese file name is spelt differently by macOS and Windows.

pub mod about;
pub mod assignments;
pub mod classification;
pub mod experiment_rows;
pub mod feature_forms;
pub mod features_csv;
pub mod features_parquet;
pub mod free_sort_r;
pub mod grouping_forms;
pub mod groupings;
pub mod image_list;
pub mod jspsych;
pub mod label_forms;
pub mod labels;
pub mod move_log;
pub mod npy;
pub mod scores;

mod input;
mod json_lines;
mod names;
mod problem;
mod table;

pub use input::{check_file, read_file};
pub use json_lines::write_json_lines;
pub use names::{NameMatcher, Unresolved};
pub use problem::{Parsed, Problem};
pub use table::Separator;
