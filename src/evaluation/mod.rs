//! Scores of a clustering.
//!
//! [`SCORES`] is the list of them: some look at the clusters alone, the others compare them with groups made by
//! people, image by image. Clusters and groups come in as numbers that count from 0, one for each image, aligned by
//! position. [`RaterGroupings`] holds the groupings of several people, aligned, for
//! what is said about people among themselves.

mod agreement;
pub mod agreement_report;
mod agreement_score;
mod co_occurrence;
mod consensus;
mod contingency;
mod davies_bouldin;
mod entropy;
mod half_samples;
mod mean_and_deviation;
mod pair_auc;
mod paired;
mod rater_agreement;
mod rater_groupings;
pub mod score;
mod silhouette;
mod squared_errors;

pub use agreement::{VMeasure, adjusted_mutual_information, adjusted_rand_index, v_measure};
pub use agreement_score::AgreementScore;
pub use co_occurrence::CoOccurrence;
pub use consensus::{Consensus, best_consensus, linkage_consensus};
pub use contingency::Contingency;
pub use entropy::{Entropy, PermutationBaseline, SCORE as ENTROPY, entropy, permutation_baseline};
pub use half_samples::{Estimate, Interval, LEAST_IMAGES_FOR_INTERVAL};
pub use mean_and_deviation::{MeanAndDeviation, mean_and_deviation, mean_over, mean_score};
pub use pair_auc::pair_auc;
pub use paired::{
    HalfScores, MOST_IMAGES_FOR_HALVES, half_scores, half_scores_against, mean_halves, paired_difference,
};
pub use rater_agreement::{MeanScores, PairAgreement, PairScores, RESAMPLES, RaterAgreement, rater_agreement};
pub use rater_groupings::RaterGroupings;
pub use silhouette::{EXACT_IMAGES, Silhouette, silhouette};

/// All scores, in the order in which they are shown.
pub static SCORES: &[&score::Score] = &[
    &silhouette::SCORE,
    &davies_bouldin::SCORE,
    &squared_errors::SCORE,
    &entropy::SCORE,
    &entropy::SHARE_OF_CHANCE,
    &agreement::RAND_INDEX,
    &agreement::MUTUAL_INFORMATION,
    &agreement::V_MEASURE,
    &pair_auc::SCORE,
];
