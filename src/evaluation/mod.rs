//! Scores of a clustering.
//!
//! [`silhouette`](silhouette()) looks at the clustering alone; the others compare it with groups made by people, image
//! by image. Clusters and groups come in as numbers that count from 0, one for each image, aligned by position;
//! [`score_against`] does the aligning by image. [`RaterGroupings`] holds the groupings of several people, aligned, for
//! what is said about people among themselves.

mod agreement;
mod co_occurrence;
mod consensus;
mod contingency;
mod entropy;
mod grouping_scores;
mod half_samples;
mod linkage;
mod rater_agreement;
mod rater_groupings;
mod silhouette;

pub use agreement::{VMeasure, adjusted_mutual_information, adjusted_rand_index, v_measure};
pub use co_occurrence::CoOccurrence;
pub use consensus::{Consensus, best_consensus, linkage_consensus};
pub use contingency::Contingency;
pub use entropy::{Entropy, PermutationBaseline, entropy, permutation_baseline};
pub use grouping_scores::{GroupingScores, GroupingSummary, Spread, score_against, spread, summarise};
pub use half_samples::{Estimate, Interval, LEAST_IMAGES_FOR_INTERVAL};
pub use linkage::Tree;
pub use rater_agreement::{MeanScores, PairAgreement, PairScores, RESAMPLES, RaterAgreement, rater_agreement};
pub use rater_groupings::RaterGroupings;
pub use silhouette::{EXACT_IMAGES, Silhouette, silhouette};
