//! Feature matrices and their makers.
//!
//! A maker takes images (by id, path and content hash) or annotations and gives a [`FeatureMatrix`] with one row for
//! each image; training, clustering and the scores work on these.

mod backbone;
mod cache;
mod matrix;
mod multi_hot;

pub use backbone::{BackboneImage, BackboneSettings, LoadSquare, backbone_features, cached_features};
pub use matrix::FeatureMatrix;
pub use multi_hot::multi_hot;
