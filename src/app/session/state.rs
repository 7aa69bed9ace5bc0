//! What the window knows of a rater's session, and what the rater's actions do to it.
//!
//! A move is made on the board in memory at once, so that the next key means what the rater sees, and handed to the
//! engine, which stores moves in their order. "Saved" is said only of what the engine reported as stored.

use std::collections::{BTreeSet, HashSet};
use std::time::Instant;

use egui::{Pos2, Rect, Vec2};
use time::OffsetDateTime;

use super::layout;
use super::motion::Motion;
use crate::engine::Command;
use crate::engine::command::SessionCommand;
use crate::engine::session::RaterSession;
use crate::engine::sorts::MoveRequest;
use crate::ids::{ImageId, PileId, SortId};
use crate::sorting::{Board, Move, Sort, Standing};
use crate::wording::sentence;

/// Smallest and largest zoom of the board.
const ZOOM: std::ops::RangeInclusive<f32> = 0.5..=2.5;

/// What is on the screen of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// What the next sort is about, and the first time how it is done.
    Introduction,
    /// The board.
    Board,
    /// The rater pauses.
    Paused,
    /// Everything is submitted.
    Finished,
}

/// What is being dragged.
#[derive(Clone, Debug, PartialEq)]
pub enum Drag {
    /// Pictures, the one under the pointer first.
    Pictures(Vec<ImageId>),
    /// A whole pile.
    Pile(PileId),
}

/// Where something would be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// On a pile.
    OnPile(PileId),
    /// As a new pile.
    NewPile,
    /// Before the pile at this place; only piles.
    Before(usize),
    /// Into the tray.
    Tray,
    /// Among those left out.
    LeftOut,
}

/// A pile's name being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renaming {
    /// Which pile.
    pub pile: PileId,
    /// The name so far.
    pub text: String,
    /// Give the field the keyboard in the next frame.
    pub focus: bool,
}

/// The sort under way, and how much of it is on disk.
#[derive(Debug)]
pub struct MoveLog {
    /// The board with the moves made so far; none when all is submitted.
    pub sort: Option<Sort>,
    /// Moves that are on disk.
    pub stored_moves: usize,
    /// True while the session is read again after a move that could not be stored.
    pub reopening: bool,
}

/// Where the rater's hand is: what is chosen, dragged, typed.
#[derive(Debug, Default)]
pub struct Hand {
    /// The picture that the keyboard is at.
    pub cursor: Option<ImageId>,
    /// Where a range begins.
    pub anchor: Option<ImageId>,
    /// Pictures chosen together.
    pub selected: HashSet<ImageId>,
    /// Digits of a pile's number typed so far.
    pub typed: String,
    /// The pile that is to be put on another, whose number is being typed.
    pub merging: Option<PileId>,
    /// The pile used last.
    pub last_pile: Option<PileId>,
    /// A pile's name being typed.
    pub renaming: Option<Renaming>,
    /// What is dragged.
    pub drag: Option<Drag>,
}

impl Hand {
    /// Goes to a picture and chooses nothing else.
    fn at(cursor: Option<ImageId>) -> Self {
        Self { cursor, anchor: cursor, ..Self::default() }
    }
}

/// What is on the screen, and how large.
#[derive(Debug)]
pub struct Screen {
    /// What is shown.
    pub page: Page,
    /// True when the introduction shows how it is done.
    pub explain: bool,
    /// True when the window was opened for this rater alone: there is no way to the rest of the project.
    pub alone: bool,
    /// The pile that is spread out.
    pub spread: Option<PileId>,
    /// True while the picture at the cursor fills the window.
    pub large: bool,
    /// Scale of cards and pictures.
    pub zoom: f32,
    /// Places of the pictures while they move.
    pub motion: Motion,
    /// Places of all pictures on the screen, as last laid out, for the arrows.
    pub places: Vec<(ImageId, Rect)>,
    /// Bring the cursor into view in the next frame.
    pub scroll_to_cursor: bool,
    /// True while the rater is asked whether to submit.
    pub confirming: bool,
    /// Why the last action did nothing.
    pub remark: Option<(String, Instant)>,
    /// The keys are on show.
    pub help: bool,
}

impl Screen {
    fn new(page: Page, explain: bool, alone: bool, zoom: f32) -> Self {
        Self {
            page,
            explain,
            alone,
            spread: None,
            large: false,
            zoom,
            motion: Motion::default(),
            places: Vec::new(),
            scroll_to_cursor: true,
            confirming: false,
            remark: None,
            help: false,
        }
    }
}

/// A session in the window.
#[derive(Debug)]
pub struct SessionState {
    /// As the engine gave it.
    pub session: RaterSession,
    /// The sort under way.
    pub log: MoveLog,
    /// What is chosen, dragged, typed.
    pub hand: Hand,
    /// What is on the screen.
    pub screen: Screen,
}

impl SessionState {
    /// A session as just opened. Who has made moves already goes on at once, at the same picture.
    pub fn new(session: RaterSession, alone: bool, zoom: f32) -> Self {
        let sort = session.current.as_ref().map(|current| current.sort.clone());
        let stored_moves = sort.as_ref().map_or(0, Sort::move_count);
        let first_of_all =
            session.tasks.iter().all(|(_, progress)| progress.sort.as_ref().is_none_or(|sort| sort.moves == 0));
        let page = match &sort {
            None => Page::Finished,
            Some(_) if stored_moves == 0 => Page::Introduction,
            Some(_) => Page::Board,
        };
        Self {
            hand: Hand::at(sort.as_ref().and_then(Sort::next_image)),
            screen: Screen::new(page, first_of_all, alone, zoom),
            log: MoveLog { sort, stored_moves, reopening: false },
            session,
        }
    }

    /// True while keys move pictures: nothing lies over the board.
    pub fn listens(&self) -> bool {
        self.screen.page == Page::Board && !self.screen.confirming && !self.screen.help
    }

    /// Takes the session as the engine gives it again. The same sort stays on the screen as it is, but for what is
    /// not stored.
    pub fn reopened(&mut self, session: RaterSession) {
        let id = |session: &RaterSession| session.current.as_ref().map(|current| current.id);
        if id(&session).is_none() || id(&session) != id(&self.session) {
            *self = Self::new(session, self.screen.alone, self.screen.zoom);
            return;
        }
        let stored = session.current.as_ref().map(|current| current.sort.clone());
        let moves = |sort: &Option<Sort>| sort.as_ref().map_or(0, Sort::move_count);
        // Moves made since it was asked for are on their way to the disk.
        if self.log.reopening || moves(&self.log.sort) <= moves(&stored) {
            self.log.stored_moves = moves(&stored);
            self.log.sort = stored;
        }
        self.session = session;
        self.log.reopening = false;
        self.hand.typed.clear();
        self.hand.merging = None;
        self.hand.drag = None;
        self.keep_to_the_board();
    }

    /// The sort's identity.
    pub fn sort_id(&self) -> Option<SortId> {
        self.session.current.as_ref().map(|current| current.id)
    }

    /// The board.
    pub fn board(&self) -> Option<&Board> {
        self.log.sort.as_ref().map(Sort::board)
    }

    /// How the board stands to the rules.
    pub fn standing(&self) -> Option<Standing> {
        self.log.sort.as_ref().map(Sort::standing)
    }

    /// True when every move made is on disk.
    pub fn is_saved(&self) -> bool {
        self.log.sort.as_ref().is_none_or(|sort| self.log.stored_moves >= sort.move_count())
    }

    /// Says why something did not happen.
    pub fn say(&mut self, text: impl Into<String>) {
        self.screen.remark = Some((text.into(), Instant::now()));
    }

    /// Makes a move and hands it on; if it makes no sense, says why.
    pub fn make(&mut self, step: Move, commands: &mut Vec<Command>) -> bool {
        // What is on the way after a failed move would not be stored either.
        if self.log.reopening {
            return false;
        }
        let (Some(id), Some(sort)) = (self.sort_id(), &mut self.log.sort) else { return false };
        if let Err(error) = sort.make(&step) {
            self.say(sentence(&error.message));
            return false;
        }
        let number = sort.move_count();
        let request = MoveRequest { sort: id, number, made_at: OffsetDateTime::now_utc(), step };
        commands.push(SessionCommand::Move(request).into());
        self.screen.remark = None;
        self.keep_to_the_board();
        true
    }

    /// Drops what is no longer there: a pile that is gone, pictures of another sort.
    fn keep_to_the_board(&mut self) {
        let Some(sort) = &self.log.sort else { return };
        let board = sort.board();
        self.screen.spread = self.screen.spread.filter(|pile| board.pile(*pile).is_some());
        self.hand.last_pile = self.hand.last_pile.filter(|pile| board.pile(*pile).is_some());
        self.hand.renaming = self.hand.renaming.take().filter(|renaming| board.pile(renaming.pile).is_some());
        self.hand.merging = self.hand.merging.filter(|pile| board.pile(*pile).is_some());
        let order: HashSet<ImageId> = sort.order().iter().copied().collect();
        self.hand.selected.retain(|image| order.contains(image));
        if self.hand.cursor.is_none_or(|cursor| !order.contains(&cursor)) {
            self.hand.cursor = sort.next_image();
        }
    }

    /// The images of the place where an image lies, in their order.
    pub fn neighbours(&self, image: ImageId) -> Vec<ImageId> {
        let Some(board) = self.board() else { return Vec::new() };
        if let Some(pile) = board.pile_of(image) {
            return pile.images.clone();
        }
        if board.left_out.contains(&image) { board.left_out.clone() } else { board.tray.clone() }
    }

    /// What an action is about: the chosen pictures, else the one at the cursor, in the order in which they lie.
    pub fn targets(&self) -> Vec<ImageId> {
        let Some(board) = self.board() else { return Vec::new() };
        if self.hand.selected.is_empty() {
            return self.hand.cursor.into_iter().collect();
        }
        let all = board.tray.iter().chain(board.piles.iter().flat_map(|pile| &pile.images)).chain(&board.left_out);
        all.copied().filter(|image| self.hand.selected.contains(image)).collect()
    }

    /// The picture that is next once `images` are gone from where they lie: the one after the last of them, else the
    /// one before the first, else the first of the tray.
    fn next_after(&self, images: &[ImageId]) -> Option<ImageId> {
        let from = self.hand.cursor.filter(|cursor| images.contains(cursor)).or(images.first().copied())?;
        let here = self.neighbours(from);
        let at = here.iter().position(|image| *image == from)?;
        let stays = |image: &&ImageId| !images.contains(image);
        let next = here[at..].iter().find(stays).or_else(|| here[..at].iter().rev().find(stays)).copied();
        next.or_else(|| self.board()?.tray.iter().find(stays).copied())
    }

    /// Moves pictures and goes on to the next one.
    fn move_on(&mut self, images: &[ImageId], step: Move, commands: &mut Vec<Command>) -> bool {
        let next = self.next_after(images);
        if !self.make(step, commands) {
            return false;
        }
        self.hand.selected.clear();
        self.hand.cursor = next.or(self.hand.cursor);
        self.hand.anchor = self.hand.cursor;
        self.screen.scroll_to_cursor = true;
        true
    }

    /// Puts pictures on a pile.
    pub fn place(&mut self, images: Vec<ImageId>, pile: PileId, commands: &mut Vec<Command>) {
        if images.is_empty() {
            self.say("Choose a picture first");
            return;
        }
        if self.move_on(&images.clone(), Move::Place { images, pile }, commands) {
            self.hand.last_pile = Some(pile);
        }
    }

    /// Makes a new pile of pictures.
    pub fn new_pile(&mut self, images: Vec<ImageId>, commands: &mut Vec<Command>) {
        if self.move_on(&images.clone(), Move::NewPile { images, to: None }, commands) {
            self.hand.last_pile = self.board().and_then(|board| board.piles.last()).map(|pile| pile.id);
        }
    }

    /// Puts pictures back into the tray.
    pub fn take_back(&mut self, images: Vec<ImageId>, commands: &mut Vec<Command>) {
        if !images.is_empty() {
            self.move_on(&images.clone(), Move::TakeBack { images }, commands);
        }
    }

    /// Leaves pictures out.
    pub fn leave_out(&mut self, images: Vec<ImageId>, commands: &mut Vec<Command>) {
        if !images.is_empty() {
            self.move_on(&images.clone(), Move::LeaveOut { images }, commands);
        }
    }

    /// Takes a move back and goes to what it was about, or makes it again and goes on.
    pub fn step_back(&mut self, forward: bool, commands: &mut Vec<Command>) {
        let before = self.board().cloned();
        let step = if forward { Move::Redo } else { Move::Undo };
        if self.make(step, commands) {
            self.hand.selected.clear();
            let moved = before.and_then(|before| first_that_moved(&before, self.board()?));
            // What was made again is done: on to the next picture, as the first time.
            let next = self.log.sort.as_ref().filter(|sort| forward && !sort.board().tray.is_empty());
            self.hand.cursor = next.and_then(Sort::next_image).or(moved).or(self.hand.cursor);
            self.hand.anchor = self.hand.cursor;
            self.screen.scroll_to_cursor = true;
        }
    }

    /// The pile that the keyboard is at.
    pub fn pile_at_cursor(&self) -> Option<PileId> {
        self.screen.spread.or_else(|| self.board()?.pile_of(self.hand.cursor?).map(|pile| pile.id))
    }

    /// Takes a digit of a pile's number. As soon as no longer number is possible, it counts.
    pub fn digit(&mut self, digit: u8, commands: &mut Vec<Command>) {
        let piles = self.board().map_or(0, |board| board.piles.len());
        // With ten piles or fewer 0 stands for the tenth, as on the keyboard.
        if digit == 0 && self.hand.typed.is_empty() {
            if piles == 10 {
                self.number(10, commands);
            } else {
                self.say(if piles > 10 { "Type the group's number, then Enter" } else { "There is no group 10 yet" });
            }
            return;
        }
        self.hand.typed.push(char::from(b'0' + digit % 10));
        let number: usize = self.hand.typed.parse().unwrap_or(0);
        if number > piles {
            self.hand.typed.clear();
            self.say(match piles {
                0 => "There is no group yet; N makes one".to_owned(),
                _ => format!("There is no group {number} yet; N makes a new one"),
            });
        } else if number * 10 > piles || piles <= 10 {
            self.number(number, commands);
        }
    }

    /// Enter: the number typed so far counts; without one, the picture goes where the last one went, and a pile is
    /// spread out.
    pub fn enter(&mut self, commands: &mut Vec<Command>) {
        if let Ok(number) = self.hand.typed.parse() {
            self.number(number, commands);
            return;
        }
        let in_tray =
            self.hand.cursor.is_some_and(|cursor| self.board().is_some_and(|board| board.tray.contains(&cursor)));
        match (in_tray, self.hand.last_pile) {
            (true, Some(pile)) => self.place(self.targets(), pile, commands),
            (true, None) => self.say("Press a group's number, or N for a new group"),
            (false, _) => self.toggle_spread(),
        }
    }

    fn number(&mut self, number: usize, commands: &mut Vec<Command>) {
        self.hand.typed.clear();
        let pile = self.board().and_then(|board| board.piles.get(number.checked_sub(1)?)).map(|pile| pile.id);
        let Some(pile) = pile else { return };
        match self.hand.merging.take() {
            Some(from) => {
                self.make(Move::Merge { from, into: pile }, commands);
            }
            None => self.place(self.targets(), pile, commands),
        }
    }

    /// Goes to the nearest picture in a direction; with `extend`, chooses all from where the range began.
    pub fn go(&mut self, step: Vec2, extend: bool) {
        let from = self.hand.cursor.and_then(|cursor| self.screen.places.iter().find(|(image, _)| *image == cursor));
        let target = match from {
            Some((_, rect)) => layout::nearest(*rect, step, self.screen.places.iter().copied()),
            None => self.screen.places.first().map(|(image, _)| *image),
        };
        if let Some(target) = target {
            self.go_to(target, extend);
        }
    }

    /// Goes to a picture.
    pub fn go_to(&mut self, target: ImageId, extend: bool) {
        if extend {
            let order = self.neighbours(target);
            let here = |image: &ImageId| order.contains(image);
            let anchor = self.hand.anchor.filter(here).or(self.hand.cursor.filter(here)).unwrap_or(target);
            let at = |wanted: ImageId| order.iter().position(|image| *image == wanted).unwrap_or(0);
            let (a, b) = (at(anchor), at(target));
            self.hand.selected = order[a.min(b)..=a.max(b)].iter().copied().collect();
            self.hand.anchor = Some(anchor);
        } else {
            self.hand.selected.clear();
            self.hand.anchor = Some(target);
        }
        self.hand.cursor = Some(target);
        self.screen.scroll_to_cursor = true;
    }

    /// Adds a picture to those chosen, or takes it out.
    pub fn toggle(&mut self, image: ImageId) {
        if self.hand.selected.is_empty() && self.hand.cursor.is_some_and(|cursor| cursor != image) {
            // The one at the cursor looks chosen, and so it is.
            self.hand.selected.extend(self.hand.cursor.filter(|cursor| self.neighbours(image).contains(cursor)));
        }
        if !self.hand.selected.remove(&image) {
            self.hand.selected.insert(image);
        }
        self.hand.cursor = Some(image);
        self.hand.anchor = Some(image);
    }

    /// Chooses all pictures that lie where the cursor is.
    pub fn select_all(&mut self) {
        if let Some(cursor) = self.hand.cursor {
            self.hand.selected = self.neighbours(cursor).into_iter().collect();
        }
    }

    /// The first or last picture of where the cursor is.
    pub fn go_to_end(&mut self, last: bool, extend: bool) {
        let Some(cursor) = self.hand.cursor else { return };
        let order = self.neighbours(cursor);
        let target = if last { order.last() } else { order.first() };
        if let Some(target) = target.copied() {
            self.go_to(target, extend);
        }
    }

    /// The picture before or after in the place where the cursor is, for looking at one after another.
    pub fn step(&mut self, forward: bool) {
        let Some(cursor) = self.hand.cursor else { return };
        let order = self.neighbours(cursor);
        let at = order.iter().position(|image| *image == cursor);
        let next = at.and_then(|at| if forward { order.get(at + 1) } else { order.get(at.checked_sub(1)?) });
        if let Some(next) = next.copied() {
            self.go_to(next, false);
        }
    }

    /// Goes to the first picture of the next place: tray, piles in their order, those left out.
    pub fn next_place(&mut self, forward: bool) {
        let Some(board) = self.board() else { return };
        let firsts: Vec<Vec<ImageId>> = [&board.tray]
            .into_iter()
            .chain(board.piles.iter().map(|pile| &pile.images))
            .chain([&board.left_out])
            .filter(|images| !images.is_empty())
            .cloned()
            .collect();
        if firsts.is_empty() {
            return;
        }
        let at = self.hand.cursor.and_then(|cursor| firsts.iter().position(|images| images.contains(&cursor)));
        let next = match (at, forward) {
            (None, _) => 0,
            (Some(at), true) => (at + 1) % firsts.len(),
            (Some(at), false) => (at + firsts.len() - 1) % firsts.len(),
        };
        let target = firsts[next][0];
        let target =
            if next == 0 { self.log.sort.as_ref().and_then(Sort::next_image).unwrap_or(target) } else { target };
        self.go_to(target, false);
    }

    /// Spreads the pile at the cursor out, or puts it together again.
    pub fn toggle_spread(&mut self) {
        self.screen.spread = if self.screen.spread.is_some() { None } else { self.pile_at_cursor() };
    }

    /// Takes the last digit typed back; without one, takes the targets out of their piles.
    pub fn delete(&mut self, commands: &mut Vec<Command>) {
        if self.hand.typed.pop().is_none() {
            self.take_back(self.targets(), commands);
        }
    }

    /// Begins to put the pile at the cursor on another.
    pub fn begin_merge(&mut self, pile: Option<PileId>) {
        self.hand.typed.clear();
        match pile {
            Some(pile) => self.hand.merging = Some(pile),
            None => self.say("Go to a picture of a group first"),
        }
    }

    /// Begins to type the name of a pile.
    pub fn begin_rename(&mut self, pile: Option<PileId>) {
        let pile = pile.and_then(|pile| self.board()?.pile(pile)).cloned();
        match pile {
            Some(pile) if pile.given => self.say("This group's name is given"),
            Some(pile) => self.hand.renaming = Some(Renaming { pile: pile.id, text: pile.name, focus: true }),
            None => self.say("Go to a picture of a group first"),
        }
    }

    /// The typed name counts.
    pub fn end_rename(&mut self, keep: bool, commands: &mut Vec<Command>) {
        let Some(renaming) = self.hand.renaming.take() else { return };
        let old = self.board().and_then(|board| board.pile(renaming.pile)).map(|pile| pile.name.clone());
        if keep && old.is_some_and(|old| old != renaming.text.trim()) {
            self.make(Move::Rename { pile: renaming.pile, name: renaming.text.trim().to_owned() }, commands);
        }
    }

    /// Moves the pile at the cursor one place along.
    pub fn reorder(&mut self, forward: bool, commands: &mut Vec<Command>) {
        let Some(pile) = self.pile_at_cursor() else {
            self.say("Go to a picture of a group first");
            return;
        };
        let Some((place, count)) = self.board().and_then(|board| Some((board.place_of(pile)?, board.piles.len())))
        else {
            return;
        };
        let to = if forward { place + 1 } else { place.wrapping_sub(1) };
        if to < count {
            self.make(Move::Reorder { pile, to }, commands);
            self.screen.scroll_to_cursor = true;
        }
    }

    /// What is dragged falls where the pointer is.
    pub fn drop_at(&mut self, target: Drop, pointer: Pos2, commands: &mut Vec<Command>) {
        let Some(drag) = self.hand.drag.take() else { return };
        match (drag, target) {
            (Drag::Pictures(images), target) => {
                // They glide on from the pointer.
                for image in &images {
                    if let Some(rect) = self.screen.motion.shown(*image) {
                        self.screen.motion.put(*image, Rect::from_center_size(pointer, rect.size()));
                    }
                }
                match target {
                    Drop::OnPile(pile) => {
                        let there = self.board().and_then(|board| board.pile(pile)).map(|pile| pile.images.clone());
                        // Dropped where it came from: nothing happens.
                        if there.is_some_and(|there| images.iter().all(|image| there.contains(image))) {
                            return;
                        }
                        self.place(images, pile, commands);
                    }
                    Drop::NewPile | Drop::Before(_) => self.new_pile(images, commands),
                    Drop::Tray => {
                        if self.board().is_some_and(|board| !images.iter().all(|image| board.tray.contains(image))) {
                            self.take_back(images, commands);
                        }
                    }
                    Drop::LeftOut => {
                        if self.board().is_some_and(|board| !images.iter().all(|i| board.left_out.contains(i))) {
                            self.leave_out(images, commands);
                        }
                    }
                }
            }
            (Drag::Pile(from), Drop::OnPile(into)) if from != into => {
                self.make(Move::Merge { from, into }, commands);
            }
            (Drag::Pile(pile), Drop::Before(place)) => {
                let Some(from) = self.board().and_then(|board| board.place_of(pile)) else { return };
                let to = if place > from { place - 1 } else { place };
                if to != from {
                    self.make(Move::Reorder { pile, to }, commands);
                }
            }
            (Drag::Pile(pile), Drop::Tray) => {
                self.make(Move::TakeApart { pile }, commands);
            }
            (Drag::Pile(_), _) => {}
        }
    }

    /// Asks whether to submit, or says what is missing.
    pub fn ask_to_submit(&mut self) {
        let Some(standing) = self.standing() else { return };
        match standing.breaches.first() {
            None => self.screen.confirming = true,
            Some(breach) => self.say(format!("Not finished yet: {}", breach.words())),
        }
    }

    /// Stops for now.
    pub fn pause(&mut self, commands: &mut Vec<Command>) {
        self.screen.page = Page::Paused;
        commands.extend(self.sort_id().map(|sort| SessionCommand::Pause(sort).into()));
    }

    /// Makes the board larger or smaller.
    pub fn scale(&mut self, factor: f32) {
        self.screen.zoom = (self.screen.zoom * factor).clamp(*ZOOM.start(), *ZOOM.end());
    }

    /// Closes what lies on top; true when there was something.
    pub fn escape(&mut self) -> bool {
        if std::mem::take(&mut self.screen.help)
            || std::mem::take(&mut self.screen.large)
            || std::mem::take(&mut self.screen.confirming)
        {
            return true;
        }
        if self.hand.drag.take().is_some() || self.hand.merging.take().is_some() || self.hand.renaming.take().is_some()
        {
            self.hand.typed.clear();
            return true;
        }
        if !self.hand.typed.is_empty() {
            self.hand.typed.clear();
            return true;
        }
        if !self.hand.selected.is_empty() {
            self.hand.selected.clear();
            return true;
        }
        self.screen.spread.take().is_some()
    }

    /// Piles that break a rule.
    pub fn marked_piles(&self) -> BTreeSet<PileId> {
        let standing = self.standing();
        standing.iter().flat_map(|standing| &standing.breaches).flat_map(|breach| breach.piles()).copied().collect()
    }
}

/// The first image that lies elsewhere on the second board.
fn first_that_moved(before: &Board, after: &Board) -> Option<ImageId> {
    let place = |board: &Board, image: ImageId| {
        board.pile_of(image).map_or(if board.left_out.contains(&image) { -1 } else { 0 }, |pile| pile.id.0)
    };
    let all = after.tray.iter().chain(after.piles.iter().flat_map(|pile| &pile.images)).chain(&after.left_out);
    all.copied().find(|image| place(before, *image) != place(after, *image))
}
