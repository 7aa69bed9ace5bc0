//! The long jobs, each a plain function over a [`Project`](crate::project::Project): the command line calls them in
//! place, the window through the worker thread. They report to an observer and stop at a raised cancel flag.

pub mod agreement;
pub mod cluster;
pub mod demo;
pub mod export_agreement;
pub mod export_groupings;
pub mod export_model;
pub mod import;
pub mod intensities;
pub mod plan;
pub mod predictions;
pub mod relink;
pub mod score;
pub mod split;
pub mod study;
pub mod train;

/// "1 picture", "2 pictures": `count` of a noun that takes an s.
pub fn counted(count: usize, noun: &str) -> String {
    counted_as(count, noun, &format!("{noun}s"))
}

/// "1 copy", "2 copies".
pub fn counted_as(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
