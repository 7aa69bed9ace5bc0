//! Figures to publish: SVG by our own small writer, PNG of the very same drawing.
//!
//! A figure is drawn once, as a [`Drawing`] of rectangles, lines and text in points, on white, with what it shows
//! written on it. [`write_svg`] and [`write_png`] turn it into files.

mod agreement;
mod colours;
mod drawing;
mod methods;

pub use agreement::{disagreement_figure, pair_figure, together_figure};
pub use colours::{sequential, text_on};
pub use drawing::{Anchor, Drawing, fitted, text_width, write_png, write_svg};
pub use methods::{Series, chart};
