//! The program from outside: the command line, and the server with its pages.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod command_line;
mod serve;
mod serve_browser;
