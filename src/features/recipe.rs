//! What a feature set is made of, and in which way: enough to make it again, and to tell two sets apart.
//!
//! A [`Recipe`] names its maker and everything the maker needs; sets that are made of others name them as a
//! [`FeatureSource`]. A recipe is stored as JSON with a version, and known by the hash of that.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ids::{FeatureSetId, GroupingId, LabelId, RunId, SplitId};
use crate::wording::counted;

use super::bovw::Weighting;
use super::learnt::Trial;

/// The version of stored recipes.
const VERSION: u32 = 1;

/// Features that can be clustered, scored and exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureSource {
    /// The label intensities of a run, which are made picture by picture when they are asked for.
    Run(RunId),
    /// A set that is kept.
    Set(FeatureSetId),
}

impl FeatureSource {
    /// The run whose label intensities `text` names: `run-3`.
    pub fn run_named(text: &str) -> Option<RunId> {
        text.strip_prefix("run-")?.parse().ok().map(RunId)
    }
}

impl fmt::Display for FeatureSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run) => write!(f, "run-{}", run.0),
            Self::Set(set) => write!(f, "feature set {}", set.0),
        }
    }
}

/// One part of joined features.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinedPart {
    /// The features.
    pub of: FeatureSource,
    /// How much they count, above 0; 1 is as much as any other.
    pub weight: f32,
}

/// How a feature set is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "maker", rename_all = "kebab-case")]
pub enum Recipe {
    /// The label intensities of a run, as they were then.
    Intensities {
        /// The run.
        run: RunId,
    },
    /// The labels themselves, 1 where the annotators agree that it holds: comparative method 2 of the paper.
    MultiHot {
        /// The labels in the order of the columns, with the names they had.
        labels: Vec<(LabelId, String)>,
    },
    /// What a pre-trained network makes of the pictures, without any training.
    Backbone {
        /// The network, as in the list of backbones.
        backbone: String,
        /// Which of its outputs.
        output: String,
        /// Side of the pictures in pixels.
        size_px: u32,
        /// Where its weights come from, as in the settings of a training.
        weights: String,
        /// The hash of its weights; empty until they were read.
        weights_hash: String,
    },
    /// Bags of visual words: comparative method 1 of the paper.
    Bovw {
        /// Words of the vocabulary.
        words: usize,
        /// How counts become features.
        weighting: Weighting,
        /// Side of the pictures in pixels.
        size_px: u32,
        /// Descriptors that the words were made of, at most.
        most_descriptors: usize,
        /// The seed of what was drawn.
        seed: u64,
        /// The split on whose training pictures the words were made.
        split: SplitId,
        /// The hash of the words; empty until they were made.
        vocabulary_hash: String,
    },
    /// Colours of the pictures.
    Colour {
        /// Side of the pictures in pixels.
        size_px: u32,
    },
    /// Read from a file.
    Imported {
        /// The file.
        file: String,
        /// The BLAKE3 of its bytes; empty until it was read.
        file_hash: String,
    },
    /// Several side by side: the rows of each to length 1, then all parts to equal variance, times their weights.
    Joined {
        /// The parts, in the order of the columns.
        parts: Vec<JoinedPart>,
    },
    /// Every row scaled to length 1, so that k-means compares directions (cosine).
    UnitLength {
        /// The features.
        of: FeatureSource,
    },
    /// Learnt from groups that people made of training pictures.
    Learnt {
        /// The features it was learnt with.
        of: Vec<FeatureSource>,
        /// The groupings, of whose pictures those that are not test pictures are taken.
        groupings: Vec<GroupingId>,
        /// The BLAKE3 of who put which picture where; empty until they were read.
        groupings_hash: String,
        /// Tells training from test pictures.
        split: SplitId,
        /// The seed of the parts that λ is chosen on.
        seed: u64,
        /// The ridge's penalty, if it is not chosen.
        lambda: Option<f64>,
        /// How each penalty that was tried did; empty until then, or where one was given.
        trials: Vec<Trial>,
    },
}

#[derive(Serialize, Deserialize)]
struct Stored<R> {
    version: u32,
    #[serde(flatten)]
    recipe: R,
}

impl Recipe {
    /// The features that others were made of.
    pub fn sources(&self) -> Vec<FeatureSource> {
        match self {
            Self::Intensities { run } => vec![FeatureSource::Run(*run)],
            Self::MultiHot { .. }
            | Self::Backbone { .. }
            | Self::Bovw { .. }
            | Self::Colour { .. }
            | Self::Imported { .. } => Vec::new(),
            Self::Joined { parts } => parts.iter().map(|part| part.of).collect(),
            Self::UnitLength { of } => vec![*of],
            Self::Learnt { of, .. } => of.clone(),
        }
    }

    /// The split on whose training pictures it was fitted.
    pub fn fitted_on(&self) -> Option<SplitId> {
        match self {
            Self::Bovw { split, .. } | Self::Learnt { split, .. } => Some(*split),
            _ => None,
        }
    }

    /// The groupings it was learnt from.
    pub fn groupings(&self) -> &[GroupingId] {
        match self {
            Self::Learnt { groupings, .. } => groupings,
            _ => &[],
        }
    }

    /// True when the columns are labels, from 0 to 1 as they hold.
    pub fn has_label_columns(&self) -> bool {
        matches!(self, Self::Intensities { .. } | Self::MultiHot { .. })
    }

    /// What it is, in a few words; `name` gives what features are called.
    pub fn summary(&self, name: impl Fn(FeatureSource) -> String) -> String {
        match self {
            Self::Intensities { run } => format!("label intensities of run {}", run.0),
            Self::MultiHot { labels } => {
                format!("{} as ones and zeros", counted(labels.len(), "label"))
            }
            Self::Backbone { backbone, output, size_px, .. } => format!("{backbone} {output} at {size_px} px"),
            Self::Bovw { words, weighting, size_px, .. } => {
                let weighting = match weighting {
                    Weighting::L1 => "shares",
                    Weighting::TfIdf => "tf-idf",
                };
                format!("bag of {words} visual words at {size_px} px, {weighting}")
            }
            Self::Colour { size_px } => format!("colours at {size_px} px"),
            Self::Imported { file, .. } => format!("read from {file}"),
            Self::Joined { parts } => {
                let parts: Vec<String> =
                    parts.iter().map(|part| format!("{} × {}", name(part.of), part.weight)).collect();
                format!("joined: {}", parts.join(", "))
            }
            Self::UnitLength { of } => format!("{}, rows of length 1", name(*of)),
            Self::Learnt { of, groupings, .. } => {
                let of: Vec<String> = of.iter().map(|part| name(*part)).collect();
                format!("learnt from {} with {}", counted(groupings.len(), "grouping"), of.join(", "))
            }
        }
    }

    /// As it is stored.
    ///
    /// # Errors
    /// `Internal` when it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(&Stored { version: VERSION, recipe: self })
            .map_err(|error| Error::internal(error.to_string()))
    }

    /// Reads a stored recipe.
    ///
    /// # Errors
    /// `Data` for one that is damaged, or of a newer Atmoscope.
    pub fn from_json(text: &str) -> Result<Self> {
        let version = serde_json::from_str::<Stored<serde_json::Value>>(text).map(|stored| stored.version);
        if version.as_ref().is_ok_and(|&version| version > VERSION) {
            return Err(Error::data("a feature set was made by a newer Atmoscope").hint("update Atmoscope"));
        }
        serde_json::from_str::<Stored<Self>>(text)
            .map(|stored| stored.recipe)
            .map_err(|error| Error::data(format!("the recipe of a feature set is damaged: {error}")))
    }

    /// Tells recipes apart.
    ///
    /// # Errors
    /// As [`to_json`](Self::to_json).
    pub fn hash(&self) -> Result<String> {
        Ok(blake3::hash(self.to_json()?.as_bytes()).to_hex().to_string())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn recipes_come_back_as_they_were_and_are_told_apart() {
        let parts = vec![
            JoinedPart { of: FeatureSource::Run(RunId(3)), weight: 1.0 },
            JoinedPart { of: FeatureSource::Set(FeatureSetId(5)), weight: 0.5 },
        ];
        let recipes = [
            Recipe::Intensities { run: RunId(3) },
            Recipe::MultiHot { labels: vec![(LabelId(2), "cute".to_owned())] },
            Recipe::Joined { parts },
            Recipe::UnitLength { of: FeatureSource::Set(FeatureSetId(5)) },
        ];
        let hashes: std::collections::BTreeSet<String> = recipes.iter().map(|recipe| recipe.hash().unwrap()).collect();
        assert_eq!(hashes.len(), recipes.len());
        for recipe in &recipes {
            assert_eq!(Recipe::from_json(&recipe.to_json().unwrap()).unwrap(), *recipe);
        }
        assert_eq!(recipes[2].sources(), [FeatureSource::Run(RunId(3)), FeatureSource::Set(FeatureSetId(5))]);
        assert!(Recipe::from_json(r#"{"version":9,"maker":"dreams"}"#).unwrap_err().message.contains("newer"));
        assert!(Recipe::from_json(r#"{"version":1,"maker":"dreams"}"#).unwrap_err().message.contains("damaged"));
        assert_eq!(FeatureSource::run_named(&FeatureSource::Run(RunId(3)).to_string()), Some(RunId(3)));
        assert_eq!(FeatureSource::run_named("running"), None);
    }
}
