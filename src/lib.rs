//! Atmoscope groups illustrations by their atmosphere.
//!
//! The method is that of Kubota and Okuda, "Clustering of illustrations by atmosphere using a combination of
//! supervised and unsupervised learning" (arXiv 2307.15099): annotators give pseudo-labels, a VGG16 learns to
//! predict them, k-means groups the pictures by the predicted intensities, and the groups are judged by the
//! silhouette coefficient and by entropy against groups made by people.
//!
//! # Map of modules
//!
//! Data goes one way round: a widget or subcommand makes a command, [`engine`] runs it and reports events.
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`app`] (feature `gui`) | the window: draws the state, turns clicks and keys into commands |
//! | [`cli`] | the command line: one file per subcommand |
//! | [`engine`] | runs commands on a worker thread (window) or in place (command line) |
//! | [`project`] | a project on disk; the only place that knows SQLite |
//! | [`interchange`] | files read and written: labels, groupings, assignments, features |
//! | [`names`] | what may be a name: of a label, a person, a group, a study |
//! | [`imaging`] | decoding, orientation, thumbnails, hashes, crops, augmentation |
//! | [`dataset`] | which pictures take part, near-duplicates, splits, imbalance of labels, loading ahead |
//! | [`nn`] | devices, operations and their kernels, VGG16, its weights from file or hub, the optimiser |
//! | [`training`] | the training loop, the networks it trains, metrics, checkpoints |
//! | [`features`] | feature matrices and their makers |
//! | [`clustering`] | k-means, nearest centroid, choosing K |
//! | [`sorting`] | sorting pictures into groups: conditions, the board, moves |
//! | [`server`] | studies opened in web browsers, for raters elsewhere |
//! | [`evaluation`] | silhouette, entropy, agreement between partitions |
//! | [`figures`] | figures to publish, as SVG and PNG |
//! | [`demo`] | synthetic illustrations drawn by our own code |
//!
//! # Features
//!
//! `gui` (default) builds the window; `cuda`, `cudnn`, `metal`, `accelerate` and `mkl` are passed on to candle.

#[cfg(feature = "gui")]
pub mod app;
pub mod cli;
pub mod clustering;
pub mod dataset;
pub mod demo;
pub mod engine;
pub mod error;
pub mod evaluation;
pub mod features;
pub mod figures;
mod fonts;
pub mod ids;
pub mod imaging;
pub mod interchange;
pub mod names;
pub mod nn;
pub mod progress;
pub mod project;
pub mod random;
pub mod server;
pub mod sorting;
pub mod training;
pub mod wording;
