//! The numbers against outside references: PyTorch, scikit-learn, OpenCV and finite differences (`tests/goldens`).
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod backbone_features;
mod clustering;
mod dataset;
mod deep_training;
mod dinov2;
mod gradients;
mod hub;
mod learnt;
mod mlsmote;
mod network;
mod network_steps;
mod raters;
mod resnet50;
mod scores;
