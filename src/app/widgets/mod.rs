//! Parts that several views are made of.

pub mod command_palette;
pub mod curves;
pub mod image_grid;
pub mod label_palette;
pub mod path_pane;
pub mod picture;
pub mod small;
pub mod who_pane;
