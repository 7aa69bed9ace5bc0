//! Reading pictures, in a process of its own: some of these tests measure the most memory that the process ever held.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod heavy;
mod imaging;
mod mutated;
mod sift;
