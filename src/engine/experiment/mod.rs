//! Experiments: methods side by side, over numbers of clusters, seeds and groupings.
//!
//! A [`Plan`] says what is compared; [`run`](run::run) makes the features it names, clusters and scores each [`Cell`], and
//! keeps it in the project ([`store`]) with what the project held ([`Manifest`]), so that a killed experiment goes on where
//! it was, and can be repeated later. [`tables`](tables::tables) lays the cells out.
//!
//! A ready-made experiment is a file in `assets/experiments` and a line in [`READY`].

pub mod cell;
pub mod manifest;
pub mod plan;
pub mod report;
pub mod reproduce;
pub mod rows;
pub mod run;
pub mod store;
pub mod tables;
pub mod words;

pub use cell::{Cell, CellKey};
pub use manifest::Manifest;
pub use plan::Plan;
pub use run::{Finished, run};

/// Ready-made experiments: the name, and the plan as one would write it.
pub static READY: &[(&str, &str)] = &[
    ("paper", include_str!("../../../assets/experiments/paper.toml")),
    ("floor", include_str!("../../../assets/experiments/floor.toml")),
    ("labels", include_str!("../../../assets/experiments/labels.toml")),
    ("clusters", include_str!("../../../assets/experiments/clusters.toml")),
    ("backbones", include_str!("../../../assets/experiments/backbones.toml")),
    ("learning-curve", include_str!("../../../assets/experiments/learning-curve.toml")),
    ("people", include_str!("../../../assets/experiments/people.toml")),
];
