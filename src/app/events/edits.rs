//! Answers changed, edits failed, edits were undone.

use super::to_change;
use crate::app::App;
use crate::app::state::View;
use crate::engine::event::EditEvent;

impl App {
    pub(super) fn take_edit_event(&mut self, event: EditEvent) {
        let state = &mut self.state;
        match event {
            EditEvent::Annotated { edits, undo, redo } => {
                let Some(project) = to_change(&mut state.project, &self.engine) else { return };
                project.annotated(&edits);
                // What undo, redo or an edit changed is brought into view.
                let shown = state.library.selection.cursor;
                let undone = project.snapshot.undo != undo && project.snapshot.redo != redo && redo.is_some();
                project.snapshot.undo = undo;
                project.snapshot.redo = redo;
                if undone
                    && state.view == View::Label
                    && let Some(edit) = edits.first()
                    && !edits.iter().any(|edit| Some(edit.image) == shown)
                {
                    state.library.bring(edit.image, project);
                }
            }
            EditEvent::Failed(images, notice) => {
                // Whoever went on meanwhile is brought back to what is not stored.
                if state.view == View::Label
                    && let (Some(image), Some(project)) = (images.first(), state.project.clone())
                {
                    state.library.bring(*image, &project);
                }
                state.problem(notice);
            }
            EditEvent::HistoryStep { forward, what } => state.tell_step(what, forward),
        }
    }
}
