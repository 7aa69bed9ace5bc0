//! The project on disk, the engine and its jobs: what is stored, read again, refused, and left after a kill.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod before;
mod checked;
mod classify;
mod demo;
mod engine;
mod experiment;
mod export_model;
mod feature_sets;
mod grouping_forms;
mod house;
mod import;
mod interchange;
mod killed;
mod older;
mod project;
mod real_set;
mod studies;
mod training_plan;
mod training_run;
