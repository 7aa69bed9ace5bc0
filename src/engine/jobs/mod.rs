//! The long jobs, each a plain function over a [`Project`](crate::project::Project): the command line calls them in
//! place, the window through the worker thread. They report to an observer and stop at a raised cancel flag.

pub mod check_files;
pub mod classify;
pub mod cluster;
pub mod demo;
pub mod export_agreement;
pub mod export_groupings;
pub mod export_labels;
pub mod export_model;
pub mod features;
pub mod import;
pub mod intensities;
pub mod plan;
pub mod predictions;
pub mod relink;
pub mod score;
pub mod split;
pub mod split_preview;
pub mod study;
pub mod train;

pub use crate::wording::{counted, counted_as};
