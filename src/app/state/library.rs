//! What the Library view is set to, and the list it shows, which the Label view goes through too.

use std::collections::HashSet;

use fixedbitset::FixedBitSet;

use super::{ProjectState, Selection};
use crate::ids::{ImageId, LabelId};

/// Settings of the Library view, and the list it shows, which the Label view goes through too.
#[derive(Debug, Default)]
pub struct LibraryState {
    /// Part of a name.
    pub search: String,
    /// Only pictures with this label.
    pub label: Option<LabelId>,
    /// Only pictures without an answer.
    pub unlabelled_only: bool,
    /// Also those that were set aside.
    pub show_set_aside: bool,
    /// What is selected.
    pub selection: Selection,
    /// Give the search field the keyboard in the next frame.
    pub focus_search: bool,
    /// Bring the cursor into view in the next frame.
    pub scroll_to_cursor: bool,
    shown: Vec<ImageId>,
    shown_for: Option<ShownFor>,
    found: Option<Found>,
    /// Pictures that are in the list only because they are being labelled.
    held: Vec<ImageId>,
}

/// What a list of pictures was made for: a revision of the project, and the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ShownFor {
    revision: u64,
    search: String,
    label: Option<LabelId>,
    unlabelled_only: bool,
    show_set_aside: bool,
}

/// The places of the images whose path has a text in it.
#[derive(Debug)]
struct Found {
    load: u64,
    text: String,
    places: FixedBitSet,
}

impl LibraryState {
    /// The places of the images whose path has `text` in it. What is typed on to a text is looked for only where that was
    /// found.
    fn find(&mut self, text: &str, project: &ProjectState) -> &FixedBitSet {
        let known = self.found.take().filter(|found| found.load == project.load() && text.contains(&found.text));
        let mut places = known.map_or_else(|| project.places(true), |found| found.places);
        if !text.is_empty() {
            let finder = memchr::memmem::Finder::new(text);
            let is_there = |at: &usize| finder.find(project.searched[*at].as_bytes()).is_some();
            places = places.ones().filter(is_there).collect();
        }
        &self.found.insert(Found { load: project.load(), text: text.to_owned(), places }).places
    }

    /// The pictures that pass the filter, in the order of their paths.
    pub fn shown(&self) -> &[ImageId] {
        &self.shown
    }

    fn is_current(&self, image: ImageId) -> bool {
        self.selection.cursor == Some(image) || self.selection.images.contains(&image)
    }

    /// Makes the list of [`Self::shown`] anew if the filter or the project changed, and sees to it that the current
    /// picture and the selected ones are in it: no key is ever about a picture that is not on show. Pictures that an
    /// answer would take out of the list while they are being labelled stay until they are left.
    pub fn refresh(&mut self, project: &ProjectState) {
        let wanted = ShownFor {
            revision: project.revision,
            search: self.search.clone(),
            label: self.label,
            unlabelled_only: self.unlabelled_only,
            show_set_aside: self.show_set_aside,
        };
        let left = self.held.iter().any(|image| !self.is_current(*image));
        if !left && self.shown_for.as_ref() == Some(&wanted) {
            return;
        }
        let same_filter = self
            .shown_for
            .as_ref()
            .is_some_and(|before| ShownFor { revision: wanted.revision, ..before.clone() } == wanted);
        let before = std::mem::take(&mut self.shown);
        let text = self.search.trim().to_lowercase();
        let mut listed = project.places(self.show_set_aside);
        listed.intersect_with(self.find(&text, project));
        let fit = project.with_answers(self.label, self.unlabelled_only);
        let mut held = Vec::new();
        if same_filter {
            let current = self.selection.images.iter().chain(&self.selection.cursor);
            let places = current.filter_map(|image| project.position.get(image).copied());
            let mut stay = FixedBitSet::with_capacity(listed.len());
            places.filter(|at| listed.contains(*at) && !fit.contains(*at)).for_each(|at| stay.insert(at));
            held = stay.ones().map(|at| project.snapshot.images[at].id).collect();
            listed.intersect_with(&fit);
            listed.union_with(&stay);
        } else {
            listed.intersect_with(&fit);
        }
        self.shown = listed.ones().map(|at| project.snapshot.images[at].id).collect();
        self.held = held;
        self.shown_for = Some(wanted);
        let on_show = |image: &ImageId| project.position.get(image).is_some_and(|at| listed.contains(*at));
        self.keep_to(on_show, if same_filter { &before } else { &[] });
    }

    /// Takes what is not on show out of the selection, and moves the cursor on if it is not: to what follows it in the
    /// list `before`, or to the first picture.
    fn keep_to(&mut self, on_show: impl Fn(&ImageId) -> bool, before: &[ImageId]) {
        let selection = &mut self.selection;
        let had_some = !selection.images.is_empty();
        if !selection.images.iter().all(&on_show) {
            selection.set(selection.images.iter().copied().filter(&on_show).collect());
        }
        if selection.anchor.is_some_and(|anchor| !on_show(&anchor)) {
            selection.anchor = None;
        }
        if selection.cursor.is_some_and(|cursor| on_show(&cursor)) {
            return;
        }
        let at = before.iter().position(|image| Some(*image) == selection.cursor);
        let near = at.and_then(|at| {
            let after = before[at..].iter().find(|image| on_show(image));
            after.or_else(|| before[..at].iter().rev().find(|image| on_show(image)))
        });
        let selected = || self.shown.iter().find(|image| selection.images.contains(image));
        let next = selected().or(near).or(self.shown.first()).copied();
        selection.cursor = next;
        selection.anchor = selection.anchor.or(next);
        if had_some && selection.images.is_empty() {
            selection.set(next.into_iter().collect());
        }
        self.scroll_to_cursor = true;
    }

    /// Goes on from pictures that are about to leave the list: to the one after them, else to the one before.
    pub fn move_on_from(&mut self, leaving: &[ImageId]) {
        let leaving: HashSet<ImageId> = leaving.iter().copied().collect();
        let last = self.shown.iter().rposition(|image| leaving.contains(image));
        let Some(last) = last else { return };
        let stays = |image: &&ImageId| !leaving.contains(image);
        let next = self.shown[last..].iter().find(stays).or_else(|| self.shown[..last].iter().rev().find(stays));
        if let Some(next) = next.copied() {
            self.selection.only(next);
            self.scroll_to_cursor = true;
        }
    }

    /// Brings the selection before the last change back, as far as it is on show.
    pub fn restore_selection(&mut self) {
        self.selection.restore();
        let shown: HashSet<ImageId> = self.shown.iter().copied().collect();
        self.selection.images.retain(|image| shown.contains(image));
    }

    /// Selects a picture whose answers just changed and brings it into view. A filter by answers holds it; others that
    /// hide it are taken away.
    pub fn bring(&mut self, image: ImageId, project: &ProjectState) {
        let hidden = project.image(image).is_some_and(|record| {
            !self.show_set_aside && record.set_aside.is_some()
                || !record.relative_path.to_lowercase().contains(&self.search.trim().to_lowercase())
        });
        if hidden {
            self.show_alone(image, project);
        } else {
            self.selection.only(image);
            self.scroll_to_cursor = true;
        }
    }

    /// Selects one picture and brings it into view; filters that hide it are taken away.
    pub fn show_alone(&mut self, image: ImageId, project: &ProjectState) {
        if !self.shown.contains(&image) {
            self.search.clear();
            self.label = None;
            self.unlabelled_only = false;
            self.show_set_aside |= project.image(image).is_some_and(|image| image.set_aside.is_some());
            self.invalidate();
        }
        self.selection.only(image);
        self.scroll_to_cursor = true;
    }

    /// Selects every picture on show.
    pub fn select_all(&mut self) {
        self.selection.set(self.shown.iter().copied().collect());
    }

    /// Selects the pictures on show that are not selected.
    pub fn invert_selection(&mut self) {
        let selected = &self.selection.images;
        self.selection.set(self.shown.iter().copied().filter(|image| !selected.contains(image)).collect());
    }

    /// The picture so many places after the cursor in the list on show.
    pub fn neighbour(&self, by: isize) -> Option<ImageId> {
        let at = self.shown.iter().position(|id| Some(*id) == self.selection.cursor)?;
        self.shown.get(at.checked_add_signed(by)?).copied()
    }

    /// Moves the cursor along the list on show.
    pub fn step(&mut self, by: isize) {
        let next = match self.selection.cursor {
            Some(cursor) if self.shown.contains(&cursor) => self.neighbour(by),
            _ => self.shown.first().copied(),
        };
        if let Some(next) = next {
            self.move_to(next);
        }
    }

    /// Selects one picture and brings it into view.
    pub fn move_to(&mut self, image: ImageId) {
        self.selection.only(image);
        self.scroll_to_cursor = true;
    }

    /// Makes the list again in the next frame.
    pub fn invalidate(&mut self) {
        self.shown_for = None;
    }
}
