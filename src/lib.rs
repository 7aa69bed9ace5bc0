#![doc = include_str!("ARCHITECTURE.md")]
//!
//! # Features
//!
//! `gui` (default) builds the window; `cuda`, `cudnn`, `metal`, `accelerate` and `mkl` are passed on to candle.

#[cfg(feature = "gui")]
pub mod app;
pub mod atomic;
pub mod checked_line;
pub mod cli;
pub mod clustering;
pub mod dataset;
pub mod demo;
pub mod distances;
pub mod eigen;
pub mod engine;
pub mod error;
pub mod evaluation;
pub mod features;
pub mod figures;
mod fonts;
pub mod ids;
pub mod imaging;
mod instructions;
pub mod interchange;
pub mod names;
pub mod nn;
pub mod progress;
pub mod project;
mod quiet;
pub mod random;
pub mod server;
pub mod sorting;
pub mod training;
pub mod wording;
