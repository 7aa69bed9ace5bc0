//! Which pictures take part, and on which side of training.
//!
//! [`selection`] says why a picture is set aside, [`near_duplicates`](near_duplicates()) finds pictures that look alike, and
//! [`split()`] divides what is left into training, validation and test parts without a near-duplicate in two of them.
//! [`samples`] says what training shows the network, and the [`Loader`] makes those pictures ahead of it.

pub mod loader;
pub mod near_duplicates;
pub mod samples;
pub mod selection;
pub mod split;

pub use loader::Loader;
pub use near_duplicates::near_duplicates;
pub use samples::{Sample, SampleImage, SampleMaker};
pub use selection::{SelectionRules, SetAside};
pub use split::{Part, SplitImage, SplitMethod, SplitSettings, split};
