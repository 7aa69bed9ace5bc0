//! The sorts that raters have open, in memory, and the one way by which their moves reach the disk.
//!
//! The desk of the window and the server of remote raters each hold a [`SortKeeper`]. A move is checked against the
//! board in memory, stored, and only then counted as made; several moves that come at the same time are stored in one
//! transaction. A move carries its number, so that one sent twice, after a lost answer, is made once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use time::OffsetDateTime;

use crate::error::{Error, Result};
use crate::ids::SortId;
use crate::project::{NewMove, Project, StoredSort};
use crate::sorting::{Move, Sort};

/// A move that is requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveRequest {
    /// Of which sort; it must have been [opened](SortKeeper::opened).
    pub sort: SortId,
    /// Its number in the log, from 1: one more than the moves that the rater saw made.
    pub number: usize,
    /// When it was made.
    pub made_at: OffsetDateTime,
    /// The move.
    pub step: Move,
}

/// The open sorts.
#[derive(Debug, Default)]
pub struct SortKeeper {
    open: HashMap<SortId, OpenSort>,
}

#[derive(Debug)]
struct OpenSort {
    stored: StoredSort,
    log: Vec<Move>,
}

impl SortKeeper {
    /// Takes a sort as it is stored, or as it stands here if it was taken before.
    ///
    /// # Errors
    /// As [`Project::sort`].
    pub fn opened(&mut self, project: &Project, id: SortId) -> Result<&StoredSort> {
        let open = match self.open.entry(id) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => {
                let stored = project.sort(id)?;
                let log = project.sort_log(id)?.into_iter().map(|logged| logged.step).collect();
                place.insert(OpenSort { stored, log })
            }
        };
        Ok(&open.stored)
    }

    /// Takes a sort that was read from the project just now, with its log.
    pub fn take(&mut self, stored: StoredSort, log: Vec<Move>) {
        self.open.insert(stored.id, OpenSort { stored, log });
    }

    /// A sort that was opened.
    pub fn get(&self, id: SortId) -> Option<&StoredSort> {
        self.open.get(&id).map(|open| &open.stored)
    }

    /// The moves of a sort that was opened, from the first to the last.
    pub fn log(&self, id: SortId) -> Option<&[Move]> {
        self.open.get(&id).map(|open| open.log.as_slice())
    }

    /// Forgets a sort: it was submitted, or is opened again from the disk.
    pub fn forget(&mut self, id: SortId) {
        self.open.remove(&id);
    }

    /// Makes moves, one after another, and stores them all in one transaction. Gives for each the number of moves in
    /// its sort's log afterwards, or why it was not made. A move that was made before with this number counts as made.
    pub fn make_moves(&mut self, project: &mut Project, requests: &[MoveRequest]) -> Vec<Result<usize>> {
        let mut boards: HashMap<SortId, (Sort, Vec<Move>)> = HashMap::new();
        let mut to_store: Vec<NewMove> = Vec::new();
        let mut outcomes: Vec<Result<usize>> = Vec::with_capacity(requests.len());
        for request in requests {
            let outcome = self.check(request, &mut boards).map(|new| {
                let number = request.number;
                to_store.extend(new);
                number
            });
            outcomes.push(outcome);
        }
        if to_store.is_empty() {
            return outcomes;
        }
        let failed = store(project, &to_store);
        for (request, outcome) in requests.iter().zip(&mut outcomes) {
            if let Some(error) = failed.get(&request.sort) {
                // What is in memory may no longer be what is on the disk.
                self.forget(request.sort);
                if outcome.is_ok() {
                    let mut same = Error::new(error.kind, error.message.clone());
                    same.hint = error.hint.clone();
                    *outcome = Err(same);
                }
            }
        }
        for (id, (sort, moves)) in boards {
            if let Some(open) = self.open.get_mut(&id) {
                open.stored.sort = sort;
                open.log.extend(moves);
            }
        }
        outcomes
    }

    /// Makes one move on the board as it will be once the moves before it are stored. `None` when it was made before.
    fn check(&self, request: &MoveRequest, boards: &mut HashMap<SortId, (Sort, Vec<Move>)>) -> Result<Option<NewMove>> {
        let open = self.open.get(&request.sort).ok_or_else(|| Error::user("this sort is not open"))?;
        if open.stored.submitted_at.is_some() {
            return Err(Error::user("this sort was submitted and is frozen").hint("begin a new version of it"));
        }
        let (sort, new) = boards.entry(request.sort).or_insert_with(|| (open.stored.sort.clone(), Vec::new()));
        if request.number <= sort.move_count() {
            let made = request.number.checked_sub(1).and_then(|at| open.log.iter().chain(new.iter()).nth(at));
            return if made == Some(&request.step) { Ok(None) } else { Err(out_of_step()) };
        }
        if request.number != sort.move_count() + 1 {
            return Err(out_of_step());
        }
        sort.check_room(&request.step)?;
        sort.make(&request.step)?;
        new.push(request.step.clone());
        Ok(Some(NewMove {
            sort: request.sort,
            number: request.number,
            made_at: request.made_at,
            step: request.step.clone(),
            placed: sort.standing().placed,
        }))
    }
}

/// Stores moves in one transaction, or those of each sort in one of its own when that is refused, so that a sort that
/// changed at another place does not keep the others from being stored. Gives the sorts that were not stored.
fn store(project: &mut Project, moves: &[NewMove]) -> HashMap<SortId, Error> {
    let Err(error) = project.append_moves(moves) else { return HashMap::new() };
    let mut by_sort: HashMap<SortId, Vec<NewMove>> = HashMap::new();
    for new in moves {
        by_sort.entry(new.sort).or_default().push(new.clone());
    }
    if let [sort] = by_sort.keys().copied().collect::<Vec<_>>()[..] {
        return HashMap::from([(sort, error)]);
    }
    by_sort.into_iter().filter_map(|(sort, moves)| Some((sort, project.append_moves(&moves).err()?))).collect()
}

fn out_of_step() -> Error {
    Error::user("the sort has changed at another place").hint("it is shown again as it is stored")
}
