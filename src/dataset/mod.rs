//! Which pictures take part, and on which side of training.
//!
//! [`selection`] says why a picture is set aside, [`near_duplicates`](near_duplicates()) finds pictures that look alike, and
//! [`split()`] divides what is left into training, validation and test parts without a near-duplicate in two of them.
//! [`imbalance`] measures how unevenly labels are spread and [`mlsmote`](mlsmote()) makes samples of the rare ones.
//! [`targets`] turns people's answers into what is learnt, [`rater_sort`] says which groups made by people count.
//! [`ImageNames`] says what pictures are called. [`samples`] says what training shows the network, and the [`Loader`] makes those pictures ahead of it.

pub mod image_names;
pub mod imbalance;
pub mod loader;
pub mod mlsmote;
pub mod near_duplicates;
pub mod rater_sort;
pub mod samples;
pub mod selection;
pub mod split;
pub mod targets;

pub use image_names::ImageNames;
pub use imbalance::Imbalance;
pub use loader::Loader;
pub use mlsmote::{Synthesis, SyntheticSample, mlsmote};
pub use near_duplicates::near_duplicates;
pub use rater_sort::{RaterSort, SortChoice, StudyCondition, first_occasions, group_numbers};
pub use samples::{Sample, SampleMaker};
pub use selection::SelectionRules;
pub use split::{Part, SplitImage, SplitMethod, SplitSettings, split};
pub use targets::{AllNo, Answered, Answers, ImageLabels};
