//! Rules that set pictures aside. Nothing is deleted: a picture set aside keeps its reason and can be taken back.

use std::fmt;

use crate::ids::ImageId;

/// The rules in force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelectionRules {
    /// Most that the longer side may be of the shorter; 1 or more. The paper: 2.
    pub max_aspect_ratio: f64,
}

impl Default for SelectionRules {
    fn default() -> Self {
        Self { max_aspect_ratio: 2.0 }
    }
}

impl SelectionRules {
    /// Why a picture of this size is set aside, or nothing when it stays.
    pub fn check_size(&self, width_px: u32, height_px: u32) -> Option<SetAside> {
        let ratio = aspect_ratio(width_px, height_px);
        (ratio > self.max_aspect_ratio).then_some(SetAside::AspectRatio { ratio, limit: self.max_aspect_ratio })
    }
}

/// Longer side over shorter side: 1 for a square, more for anything else, infinite where a side is 0.
pub fn aspect_ratio(width_px: u32, height_px: u32) -> f64 {
    f64::from(width_px.max(height_px)) / f64::from(width_px.min(height_px))
}

/// Why a picture does not take part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SetAside {
    /// Too long and narrow.
    AspectRatio {
        /// Its longer side over its shorter.
        ratio: f64,
        /// The limit in force.
        limit: f64,
    },
    /// It looks like another picture, which stays.
    NearDuplicate {
        /// The one that stays.
        of: ImageId,
    },
    /// Nobody gave it a label: it stays out of training, not out of the project.
    Unlabelled,
}

impl SetAside {
    /// A stable name for storage: `aspect-ratio`, `near-duplicate` or `unlabelled`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AspectRatio { .. } => "aspect-ratio",
            Self::NearDuplicate { .. } => "near-duplicate",
            Self::Unlabelled => "unlabelled",
        }
    }
}

impl fmt::Display for SetAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AspectRatio { ratio, limit } => {
                write!(f, "its longer side is {ratio:.2} times its shorter side, more than {limit}")
            }
            Self::NearDuplicate { .. } => f.write_str("it looks almost the same as another picture"),
            Self::Unlabelled => f.write_str("it has no label"),
        }
    }
}
