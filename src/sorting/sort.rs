//! One rater's sort: the board with the way back and forth, made again from its moves at any time.

use std::collections::HashMap;
use std::sync::Arc;

use rand::seq::SliceRandom;

use super::board::{Board, Places};
use super::condition::{Condition, Standing};
use super::moves::Move;
use crate::error::{Error, Result};
use crate::ids::ImageId;
use crate::random::generator;

/// After so many moves the board is remembered, so that undo need not begin at the beginning.
const BETWEEN_MARKS: usize = 64;
/// So many of the newest boards are remembered, and of the older ones one in so many: a long sort does not fill the
/// memory with boards that nobody goes back to.
const NEAR_MARKS: usize = 16;
/// Most groups without a picture that a rater may have made: far more than anybody sets out beforehand.
const MOST_EMPTY_PILES: usize = 20;

/// A sort under way or finished.
#[derive(Clone, Debug)]
pub struct Sort {
    order: Vec<ImageId>,
    places: Arc<Places>,
    condition: Condition,
    board: Board,
    done: Vec<Move>,
    /// The board after some multiples of [`BETWEEN_MARKS`] moves done, with their number.
    marks: Vec<(usize, Arc<Board>)>,
    undone: Vec<Move>,
    move_count: usize,
}

/// Which boards are remembered says nothing about the sort.
impl PartialEq for Sort {
    fn eq(&self, other: &Self) -> bool {
        (&self.order, &self.condition, &self.board) == (&other.order, &other.condition, &other.board)
            && (&self.done, &self.undone, self.move_count) == (&other.done, &other.undone, other.move_count)
    }
}

impl Eq for Sort {}

impl Sort {
    /// A sort that has not begun, with the images in the rater's own order.
    pub fn new(order: Vec<ImageId>, condition: Condition) -> Self {
        let board = Board::new(&order, &condition);
        let places = Arc::new(order.iter().copied().zip(0..).collect());
        let (done, marks, undone) = (Vec::new(), Vec::new(), Vec::new());
        Self { order, places, condition, board, done, marks, undone, move_count: 0 }
    }

    /// The sort that comes out when `moves` are made one after another.
    ///
    /// # Errors
    /// `Data` when one of them makes no sense, with its number.
    pub fn replay<'a>(
        order: Vec<ImageId>,
        condition: Condition,
        moves: impl IntoIterator<Item = &'a Move>,
    ) -> Result<Self> {
        let mut sort = Self::new(order, condition);
        for step in moves {
            sort.make(step).map_err(|error| {
                Error::data(format!("move {} of the log cannot be made: {error}", sort.move_count + 1))
            })?;
        }
        Ok(sort)
    }

    /// Makes a move, all of it or none.
    ///
    /// # Errors
    /// `User` when it makes no sense now: an image or pile that is not there, nothing to undo, against the condition.
    pub fn make(&mut self, step: &Move) -> Result<()> {
        match step {
            Move::Undo => {
                if !self.can_undo() {
                    return Err(Error::user("there is nothing to undo"));
                }
                if let Some(last) = self.done.pop() {
                    self.undone.push(last);
                }
                self.rebuild()?;
            }
            Move::Redo => {
                let Some(last) = self.undone.last().cloned() else {
                    return Err(Error::user("there is nothing to do again"));
                };
                self.do_step(last)?;
                self.undone.pop();
            }
            Move::Arrange { .. } if self.move_count > 0 => {
                return Err(Error::user("a sort can be arranged only before its first move"));
            }
            step => {
                self.do_step(step.clone())?;
                self.undone.clear();
            }
        }
        self.move_count += 1;
        Ok(())
    }

    /// Refuses a move that a sort has no room for. Asked of new moves only: one that is in a log was made.
    ///
    /// # Errors
    /// `User`.
    pub fn check_room(&self, step: &Move) -> Result<()> {
        let Move::NewPile { images, .. } = step else { return Ok(()) };
        let empty = self.board.piles.iter().filter(|pile| pile.images.is_empty() && !pile.given).count();
        if images.is_empty() && empty >= MOST_EMPTY_PILES {
            return Err(Error::user(format!("there are {empty} groups without a picture already"))
                .hint("put pictures into them first"));
        }
        Ok(())
    }

    fn do_step(&mut self, step: Move) -> Result<()> {
        self.board.make(&step, &self.places, &self.condition)?;
        self.done.push(step);
        mark(&mut self.marks, self.done.len(), &self.board);
        Ok(())
    }

    /// Makes the moves done again, from the last mark before them.
    fn rebuild(&mut self) -> Result<()> {
        self.marks.retain(|(moves, _)| *moves <= self.done.len());
        let (start, mut board) = match self.marks.last() {
            Some((moves, mark)) => (*moves, Board::clone(mark)),
            None => (0, Board::new(&self.order, &self.condition)),
        };
        for (number, step) in self.done.iter().enumerate().skip(start) {
            board.make(step, &self.places, &self.condition)?;
            mark(&mut self.marks, number + 1, &board);
        }
        self.board = board;
        Ok(())
    }

    /// Where every image lies now.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// The images in the rater's own order.
    pub fn order(&self) -> &[ImageId] {
        &self.order
    }

    /// The rules.
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Moves made so far, undo and redo among them: the number of entries in the log.
    pub fn move_count(&self) -> usize {
        self.move_count
    }

    /// True when there is a move to take back. The arrangement a new version began with stays.
    pub fn can_undo(&self) -> bool {
        self.done.last().is_some_and(|last| !matches!(last, Move::Arrange { .. }))
    }

    /// True when there is a move to make again.
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// How the board stands to the rules.
    pub fn standing(&self) -> Standing {
        self.condition.standing(&self.board)
    }

    /// The image to go on with: in the tray, the one that follows in the rater's order on the image placed last; else
    /// the first of the tray, else the first of all.
    pub fn next_image(&self) -> Option<ImageId> {
        let last = self.done.iter().rev().find_map(|step| match step {
            Move::Place { images, .. } | Move::NewPile { images, .. } | Move::LeaveOut { images } => images.last(),
            _ => None,
        });
        let after = last.and_then(|last| self.order.iter().position(|image| image == last)).map_or(0, |at| at + 1);
        let tray = &self.board.tray;
        let in_tray = |image: &&ImageId| tray.contains(image);
        self.order[after..].iter().find(in_tray).or(tray.first()).or(self.order.first()).copied()
    }

    /// For each image on a pile the number, from 1, of the move that put it there, counted without those undone.
    /// Images that an arrangement began with have none.
    pub fn places(&self) -> HashMap<ImageId, usize> {
        let mut places = HashMap::new();
        for (number, step) in self.done.iter().enumerate() {
            match step {
                Move::Place { images, .. } | Move::NewPile { images, .. } => {
                    places.extend(images.iter().map(|image| (*image, number + 1)));
                }
                _ => {}
            }
        }
        places
    }

    /// The groups as they are submitted: each pile with images, by its place, with a name of its own. Unnamed piles
    /// are called "group 1", "group 2" … by their place.
    pub fn groups(&self) -> Vec<(String, Vec<ImageId>)> {
        let mut groups: Vec<(String, Vec<ImageId>)> = Vec::new();
        for (place, pile) in self.board.piles.iter().enumerate().filter(|(_, pile)| !pile.images.is_empty()) {
            let name = if pile.name.is_empty() { format!("group {}", place + 1) } else { pile.name.clone() };
            let mut unique = name.clone();
            let mut number = 2;
            while groups.iter().any(|(known, _)| *known == unique) {
                unique = format!("{name} ({number})");
                number += 1;
            }
            groups.push((unique, pile.images.clone()));
        }
        groups
    }
}

/// Remembers the board after so many moves, if it is its turn, and forgets older ones in between.
fn mark(marks: &mut Vec<(usize, Arc<Board>)>, moves: usize, board: &Board) {
    if !moves.is_multiple_of(BETWEEN_MARKS) {
        return;
    }
    marks.push((moves, Arc::new(board.clone())));
    let far = moves.saturating_sub(NEAR_MARKS * BETWEEN_MARKS);
    marks.retain(|(moves, _)| *moves > far || moves.is_multiple_of(NEAR_MARKS * BETWEEN_MARKS));
}

/// The images in a random order; the same for the same seed and `purpose`, which names the rater and the task.
pub fn own_order(images: &[ImageId], seed: u64, purpose: &str) -> Vec<ImageId> {
    let mut order = images.to_vec();
    order.sort_unstable();
    order.shuffle(&mut generator(seed, &format!("own order, {purpose}")));
    order
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ids::PileId;

    #[test]
    fn few_boards_are_remembered_and_undo_goes_all_the_way_back() {
        let images: Vec<ImageId> = (0..6).map(ImageId).collect();
        let mut sort = Sort::new(images.clone(), Condition::one());
        let mut boards = vec![sort.board().clone()];
        let mut make = |sort: &mut Sort, step: Move| {
            sort.make(&step).unwrap();
            boards.push(sort.board().clone());
        };
        make(&mut sort, Move::NewPile { images: vec![images[0]], to: None });
        make(&mut sort, Move::NewPile { images: vec![images[1]], to: None });
        for number in 0..4000_i64 {
            let image = images[2 + number as usize % 4];
            make(&mut sort, Move::Place { images: vec![image], pile: PileId(1 + number / 4 % 2) });
        }
        assert!(sort.marks.len() < 2 * NEAR_MARKS, "{}", sort.marks.len());
        for before in boards.iter().rev().skip(1) {
            sort.make(&Move::Undo).unwrap();
            assert!(sort.board() == before);
            assert!(sort.marks.len() < 3 * NEAR_MARKS);
        }
        for after in boards.iter().skip(1) {
            sort.make(&Move::Redo).unwrap();
            assert!(sort.board() == after);
        }
    }
}
