//! Feature matrices and their makers.
//!
//! A maker takes images (by id, path and content hash) or annotations and gives a [`FeatureMatrix`] with one row for
//! each image; training, clustering and the scores work on these. A matrix that is kept under a name is a feature set: its
//! [`Recipe`] says how it was made, its numbers lie in a file of their own ([`store`]).

mod backbone;
mod bovw;
mod cache;
mod colour;
mod joined;
mod learnt;
mod matrix;
mod multi_hot;
mod per_picture;
mod recipe;
pub mod store;

pub use backbone::{BackboneImage, BackboneSettings, LoadSquare, backbone_features, cached_features};
pub use bovw::{BovwSettings, Weighting, bags};
pub use colour::{colour_names, colour_row, colours};
pub use joined::{joined, unit_length};
pub use learnt::{Learnt, Trial, learn};
pub use matrix::FeatureMatrix;
pub use multi_hot::multi_hot;
pub use recipe::{FeatureSource, JoinedPart, Recipe};
