//! Moves between views, pictures and what lies over them.

use std::collections::HashSet;

use super::{AppState, View};
use crate::app::keys::GridStep;
use crate::ids::ImageId;

impl AppState {
    /// Moves the cursor along the list on show.
    pub fn step(&mut self, by: isize) {
        self.library.step(by);
    }

    /// Moves the cursor to the next picture without an answer, round the list on show.
    pub fn next_unlabelled(&mut self) {
        let Some(project) = &self.project else { return };
        let shown = self.library.shown();
        let at = shown.iter().position(|id| Some(*id) == self.library.selection.cursor).map_or(0, |at| at + 1);
        let (before, after) = shown.split_at(at);
        let next = after.iter().chain(before).find(|id| !project.snapshot.answers.contains_key(id)).copied();
        match next {
            Some(next) => self.library.move_to(next),
            None => self.toast("Every picture on show has an answer"),
        }
    }

    /// Shows a view, with the picture at the cursor in sight.
    pub fn show(&mut self, view: View) {
        self.view = view;
        self.library.scroll_to_cursor = true;
    }

    /// The images an edit is about: the selection, or the one at the cursor in the Label view.
    pub fn target_images(&self) -> Vec<ImageId> {
        let selection = &self.library.selection;
        if self.view == View::Label || selection.images.is_empty() {
            return selection.cursor.into_iter().collect();
        }
        let mut images: Vec<ImageId> = selection.images.iter().copied().collect();
        images.sort_unstable();
        images
    }

    /// Moves in the grid on show.
    pub(in crate::app) fn go(&mut self, step: GridStep, extend: bool) {
        if self.view == View::Library {
            let shown = self.library.shown().to_vec();
            self.library.selection.go(step, extend, &shown);
            self.library.scroll_to_cursor = true;
        } else if let (Some(exploration), Some(cluster)) = (&self.explore.exploration, self.explore.focused_cluster) {
            let images = exploration.images_of(cluster);
            self.explore.selection.go(step, extend, &images);
            self.explore.scroll_to_cursor = true;
        }
    }

    /// Closes what lies on top, else clears the selection.
    pub(in crate::app) fn escape(&mut self) {
        if std::mem::take(&mut self.ask_before_quitting)
            || self.split_dialog.take().is_some()
            || self.explore.keeping.take().is_some()
        {
            return;
        }
        if let Some(who) = self.who.take() {
            let dropped = crate::wording::counted(who.answers.len(), "answer");
            self.toast(format!("Nobody was chosen: {dropped} not stored"));
            return;
        }
        if self.palette.take().is_some() || self.path_question.take().is_some() {
            return;
        }
        if std::mem::take(&mut self.cheat_sheet) {
            return;
        }
        if self.label.renaming.take().is_some() {
            return;
        }
        if self.view == View::Train && self.train.mistakes.picked.take().is_some() {
            return;
        }
        if self.view == View::Group && self.group.form.take().is_some() {
            return;
        }
        if self.view == View::Group
            && (self.group.agreement.pair.take().is_some() || self.group.agreement.picked.take().is_some())
        {
            return;
        }
        if self.view == View::Explore && self.explore.focused_cluster.take().is_some() {
            return;
        }
        if self.view == View::Explore && self.explore.picked.take().is_some() {
            return;
        }
        self.library.selection.set(HashSet::new());
    }
}
