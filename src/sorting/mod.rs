//! Sorting pictures into groups, as people do it: the rules of a condition, the board with its piles, and the moves
//! that lead from one board to the next.
//!
//! A [`Sort`] is one rater's work under one [`Condition`]: it begins with every picture in the tray, in the rater's
//! own order, and is changed by [`Move`]s alone. The moves are what is stored; the [`Board`] is what comes out when
//! they are made again from the beginning, so that undo, a crash or a look back a year later all see the same. The
//! window and the web page of a study make the same moves.
//!
//! A *pile* is a group in the making: once the rater submits the sort, its piles are the groups of a grouping.

mod board;
mod condition;
mod moves;
mod sort;

pub use board::{Board, Pile};
pub use condition::{Breach, Condition, Standing};
pub use moves::{ArrangedPile, Move};
pub use sort::{Sort, own_order};
