//! The board: the tray, the piles, and what each move does to them.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::condition::Condition;
use super::moves::Move;
use crate::error::{Error, Result};
use crate::ids::{ImageId, PileId};
use crate::names;

/// The place of each image in the rater's own order.
pub(super) type Places = HashMap<ImageId, usize>;

/// A group in the making.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pile {
    /// Identity within the sort.
    pub id: PileId,
    /// Its name; empty as long as nobody gave it one.
    pub name: String,
    /// True for a group that the condition gives: it keeps its name and stays when it is empty.
    pub given: bool,
    /// Its images in the order in which they were put there.
    pub images: Vec<ImageId>,
}

/// Where every image of a sort lies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Board {
    /// Images not placed yet, in the rater's own order.
    pub tray: Vec<ImageId>,
    /// The piles, in the order shown.
    pub piles: Vec<Pile>,
    /// Images left out on purpose, in the rater's own order.
    pub left_out: Vec<ImageId>,
    #[serde(skip)]
    last_pile: i64,
}

impl Board {
    /// All images in the tray, and the piles that the condition gives.
    pub(super) fn new(order: &[ImageId], condition: &Condition) -> Self {
        let mut board = Self { tray: order.to_vec(), ..Self::default() };
        for name in &condition.given_groups {
            let id = board.next_id();
            board.piles.push(Pile { id, name: name.trim().to_owned(), given: true, images: Vec::new() });
        }
        board
    }

    /// Images in the tray, on piles and left out.
    pub fn image_count(&self) -> usize {
        self.tray.len() + self.left_out.len() + self.piles.iter().map(|pile| pile.images.len()).sum::<usize>()
    }

    /// A pile.
    pub fn pile(&self, id: PileId) -> Option<&Pile> {
        self.piles.iter().find(|pile| pile.id == id)
    }

    /// A pile's place among the piles, from 0.
    pub fn place_of(&self, id: PileId) -> Option<usize> {
        self.piles.iter().position(|pile| pile.id == id)
    }

    /// The pile an image lies on.
    pub fn pile_of(&self, image: ImageId) -> Option<&Pile> {
        self.piles.iter().find(|pile| pile.images.contains(&image))
    }

    fn next_id(&mut self) -> PileId {
        self.last_pile += 1;
        PileId(self.last_pile)
    }

    /// Makes a move, all of it or none. `places` are those of the images in the rater's own order.
    ///
    /// # Errors
    /// `User` when the move makes no sense on this board.
    pub(super) fn make(&mut self, step: &Move, places: &Places, condition: &Condition) -> Result<()> {
        match step {
            Move::Place { images, pile } => {
                check_images(images, places)?;
                self.require(*pile)?;
                let already: HashSet<ImageId> =
                    self.pile(*pile).map(|pile| pile.images.iter().copied().collect()).unwrap_or_default();
                let moved: Vec<ImageId> = images.iter().copied().filter(|image| !already.contains(image)).collect();
                if moved.is_empty() {
                    return Err(Error::user("these pictures are in that group already"));
                }
                self.take(&moved, Some(*pile));
                if let Some(pile) = self.piles.iter_mut().find(|known| known.id == *pile) {
                    pile.images.extend(moved);
                }
            }
            Move::NewPile { images, to } => {
                if !condition.allows_own_groups() {
                    return Err(Error::user("no groups can be added here: use the ones that are there"));
                }
                if !images.is_empty() {
                    check_images(images, places)?;
                }
                self.take(images, None);
                let id = self.next_id();
                let to = to.unwrap_or(self.piles.len()).min(self.piles.len());
                self.piles.insert(to, Pile { id, name: String::new(), given: false, images: images.clone() });
            }
            Move::TakeBack { images } => {
                check_images(images, places)?;
                if images.iter().all(|image| self.tray.contains(image)) {
                    return Err(Error::user("these pictures have no group yet"));
                }
                self.take(images, None);
                self.tray.extend(images);
                sort_by_place(&mut self.tray, places);
            }
            Move::LeaveOut { images } => {
                if !condition.leave_out {
                    return Err(Error::user("no picture may be left out here: each needs a group"));
                }
                check_images(images, places)?;
                if images.iter().all(|image| self.left_out.contains(image)) {
                    return Err(Error::user("these pictures are left out already"));
                }
                self.take(images, None);
                self.left_out.extend(images);
                sort_by_place(&mut self.left_out, places);
            }
            Move::Merge { from, into } => {
                self.require(*into)?;
                let gone = self.require(*from)?.clone();
                if from == into {
                    return Err(Error::user("a group cannot be put on itself"));
                }
                // A given group stays where it is, empty.
                if gone.given {
                    self.piles.iter_mut().filter(|pile| pile.id == *from).for_each(|pile| pile.images.clear());
                } else {
                    self.piles.retain(|pile| pile.id != *from);
                }
                if let Some(pile) = self.piles.iter_mut().find(|pile| pile.id == *into) {
                    pile.images.extend(gone.images);
                    if pile.name.is_empty() && !gone.given {
                        pile.name = gone.name;
                    }
                }
            }
            Move::Rename { pile, name } => {
                let name = name.trim();
                if let Some(problem) = names::problem(name) {
                    return Err(Error::user(format!("the group's name is not taken: {problem}"))
                        .hint("choose a shorter name, of one line"));
                }
                if self.require(*pile)?.given {
                    return Err(Error::user("this group's name is given and stays"));
                }
                if let Some(pile) = self.piles.iter_mut().find(|known| known.id == *pile) {
                    pile.name = name.to_owned();
                }
            }
            Move::Reorder { pile, to } => {
                self.require(*pile)?;
                if let Some(from) = self.place_of(*pile) {
                    let moved = self.piles.remove(from);
                    self.piles.insert((*to).min(self.piles.len()), moved);
                }
            }
            Move::TakeApart { pile } => {
                let gone = self.require(*pile)?.clone();
                if gone.given && gone.images.is_empty() {
                    return Err(Error::user("this group is given and stays"));
                }
                if gone.given {
                    self.piles.iter_mut().filter(|known| known.id == *pile).for_each(|known| known.images.clear());
                } else {
                    self.piles.retain(|known| known.id != *pile);
                }
                self.tray.extend(gone.images);
                sort_by_place(&mut self.tray, places);
            }
            Move::Arrange { piles, left_out } => {
                let all: Vec<ImageId> = piles.iter().flat_map(|pile| &pile.images).chain(left_out).copied().collect();
                check_images(&all, places)?;
                self.take(&all, None);
                for pile in piles {
                    let given = self.piles.iter_mut().find(|known| known.given && known.name == pile.name);
                    if let Some(given) = given {
                        given.images.extend(&pile.images);
                    } else {
                        let id = self.next_id();
                        let (name, images) = (pile.name.clone(), pile.images.clone());
                        self.piles.push(Pile { id, name, given: false, images });
                    }
                }
                self.left_out.extend(left_out);
                sort_by_place(&mut self.left_out, places);
            }
            Move::Undo | Move::Redo => return Err(Error::internal("undo and redo are no steps of their own")),
        }
        Ok(())
    }

    fn require(&self, pile: PileId) -> Result<&Pile> {
        self.pile(pile).ok_or_else(|| Error::user("that group is not there any more"))
    }

    /// Takes images from wherever they lie. A pile that loses its last image is gone, unless it is given or `keep`.
    fn take(&mut self, images: &[ImageId], keep: Option<PileId>) {
        let gone: HashSet<ImageId> = images.iter().copied().collect();
        self.tray.retain(|image| !gone.contains(image));
        self.left_out.retain(|image| !gone.contains(image));
        self.piles.retain_mut(|pile| {
            let before = pile.images.len();
            pile.images.retain(|image| !gone.contains(image));
            !pile.images.is_empty() || before == 0 || pile.given || keep == Some(pile.id)
        });
    }
}

fn check_images(images: &[ImageId], places: &Places) -> Result<()> {
    if images.is_empty() {
        return Err(Error::user("no picture was chosen"));
    }
    if images.iter().any(|image| !places.contains_key(image)) {
        return Err(Error::user("that picture is not part of this sort"));
    }
    let mut seen = HashSet::with_capacity(images.len());
    if !images.iter().all(|image| seen.insert(image)) {
        return Err(Error::user("a picture was named twice"));
    }
    Ok(())
}

fn sort_by_place(images: &mut [ImageId], places: &Places) {
    images.sort_by_key(|image| places.get(image));
}
