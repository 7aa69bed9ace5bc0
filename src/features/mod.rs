//! Feature matrices and their makers.

mod matrix;

pub use matrix::FeatureMatrix;
