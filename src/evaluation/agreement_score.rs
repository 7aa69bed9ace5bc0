//! Scores of every two raters, as they are chosen from.

use super::{Estimate, PairScores};

/// A score of every two raters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AgreementScore {
    /// Adjusted Rand index.
    #[default]
    RandIndex,
    /// Adjusted mutual information.
    MutualInformation,
    /// V-measure.
    VMeasure,
    /// Entropy of the row's rater against the column's.
    Entropy,
}

impl AgreementScore {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::RandIndex, Self::MutualInformation, Self::VMeasure, Self::Entropy];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::RandIndex => "Adjusted Rand index",
            Self::MutualInformation => "Adjusted mutual information",
            Self::VMeasure => "V-measure",
            Self::Entropy => "Entropy",
        }
    }

    /// Its name in file names.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::RandIndex => "rand-index",
            Self::MutualInformation => "mutual-information",
            Self::VMeasure => "v-measure",
            Self::Entropy => "entropy",
        }
    }

    /// The score of a pair; for entropy that of the first rater's groups against the second's, or the other way round.
    pub fn of(self, scores: &PairScores, first_against_second: bool) -> Estimate {
        match self {
            Self::RandIndex => scores.adjusted_rand_index,
            Self::MutualInformation => scores.adjusted_mutual_information,
            Self::VMeasure => scores.v_measure,
            Self::Entropy if first_against_second => scores.entropy_of_first,
            Self::Entropy => scores.entropy_of_second,
        }
    }
}
