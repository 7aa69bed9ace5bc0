//! What a rater can do: one step of a sort, as it is stored in the log.

use serde::{Deserialize, Serialize};

use crate::ids::{ImageId, PileId};

/// One step. Images are taken from wherever they lie: the tray, a pile, or those left out.
///
/// `I` is how images are named: by their id in the project, by their place in the rater's own order on a page, by their
/// path in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "move", rename_all = "snake_case", deny_unknown_fields)]
pub enum Move<I = ImageId> {
    /// Put images on a pile.
    Place {
        /// Which, in the order in which they come to lie.
        images: Vec<I>,
        /// Where.
        pile: PileId,
    },
    /// Make a new pile of images, or an empty one. It gets the next free number.
    NewPile {
        /// Which images; taking some of a pile's splits it.
        images: Vec<I>,
        /// Its place among the piles, from 0; the last when missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<usize>,
    },
    /// Put images back into the tray.
    TakeBack {
        /// Which.
        images: Vec<I>,
    },
    /// Leave images out of all groups, where the condition allows it.
    LeaveOut {
        /// Which.
        images: Vec<I>,
    },
    /// Put all of one pile on another; the first one is gone.
    Merge {
        /// The pile that goes.
        from: PileId,
        /// The pile that stays.
        into: PileId,
    },
    /// Give a pile a name, or take it away with an empty one.
    Rename {
        /// Which.
        pile: PileId,
        /// The name.
        name: String,
    },
    /// Move a pile to another place among the piles.
    Reorder {
        /// Which.
        pile: PileId,
        /// Its new place, from 0.
        to: usize,
    },
    /// Put all of a pile back into the tray; the pile is gone.
    TakeApart {
        /// Which.
        pile: PileId,
    },
    /// Begin with piles that are there already: those of an earlier version. Only the first move can be one.
    Arrange {
        /// The piles.
        piles: Vec<ArrangedPile<I>>,
        /// Images left out.
        left_out: Vec<I>,
    },
    /// Take the newest move back.
    Undo,
    /// Make the move taken back last again.
    Redo,
}

/// A pile to begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArrangedPile<I = ImageId> {
    /// Its name; empty for none.
    pub name: String,
    /// Its images.
    pub images: Vec<I>,
}

impl<I: Clone> Move<I> {
    /// The same move with images named in another way, or the image that `other` knows nothing of.
    pub fn with_images<J>(&self, other: impl Fn(&I) -> Option<J>) -> Result<Move<J>, I> {
        let all = |images: &[I]| -> Result<Vec<J>, I> {
            images.iter().map(|image| other(image).ok_or_else(|| image.clone())).collect()
        };
        Ok(match self {
            Self::Place { images, pile } => Move::Place { images: all(images)?, pile: *pile },
            Self::NewPile { images, to } => Move::NewPile { images: all(images)?, to: *to },
            Self::TakeBack { images } => Move::TakeBack { images: all(images)? },
            Self::LeaveOut { images } => Move::LeaveOut { images: all(images)? },
            Self::Arrange { piles, left_out } => Move::Arrange {
                piles: piles
                    .iter()
                    .map(|pile| Ok(ArrangedPile { name: pile.name.clone(), images: all(&pile.images)? }))
                    .collect::<Result<_, I>>()?,
                left_out: all(left_out)?,
            },
            Self::Merge { from, into } => Move::Merge { from: *from, into: *into },
            Self::Rename { pile, name } => Move::Rename { pile: *pile, name: name.clone() },
            Self::Reorder { pile, to } => Move::Reorder { pile: *pile, to: *to },
            Self::TakeApart { pile } => Move::TakeApart { pile: *pile },
            Self::Undo => Move::Undo,
            Self::Redo => Move::Redo,
        })
    }
}
