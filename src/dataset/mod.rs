//! Which pictures take part, and on which side of training.
//!
//! [`selection`] says why a picture is set aside, [`near_duplicates`](near_duplicates()) finds pictures that look alike, and
//! [`split()`] divides what is left into training, validation and test parts without a near-duplicate in two of them.

pub mod near_duplicates;
pub mod selection;
pub mod split;

pub use near_duplicates::near_duplicates;
pub use selection::{SelectionRules, SetAside};
pub use split::{Part, SplitImage, SplitMethod, SplitSettings, split};
