//! The window, drawn without a screen, and once for real under a virtual one.
#![cfg(feature = "gui")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod agreement_view;
mod by_hand;
mod rater_window;
mod sorting_board;
mod train_view;
mod window;
