//! Scores of a clustering.
//!
//! [`silhouette`](silhouette()) looks at the clustering alone; the others compare it with groups made by people, image
//! by image. Clusters and groups come in as numbers that count from 0, one for each image, aligned by position;
//! [`score_against`] does the aligning by image.

mod agreement;
mod contingency;
mod entropy;
mod grouping_scores;
mod silhouette;

pub use agreement::{VMeasure, adjusted_mutual_information, adjusted_rand_index, v_measure};
pub use contingency::Contingency;
pub use entropy::{Entropy, PermutationBaseline, entropy, permutation_baseline};
pub use grouping_scores::{GroupingScores, GroupingSummary, Spread, score_against, spread, summarise};
pub use silhouette::{EXACT_IMAGES, Silhouette, silhouette};
