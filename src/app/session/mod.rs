//! A rater's session: the whole window is the sorting board, and nothing else of the project can be seen.
//!
//! [`state`] holds the board and what the rater's actions do to it; `keys` and `board` turn keys and the mouse into
//! such actions; each move goes to the engine, which stores it and says so.

mod board;
mod cards;
mod drag;
mod header;
pub(super) mod keys;
mod layout;
mod motion;
mod pages;
pub mod state;

use egui::Ui;

use super::ViewContext;
use super::state::ProjectState;
pub use state::{Page, SessionState};

/// Draws the session over the whole window.
pub(super) fn ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    // Taken out while it is drawn, so that it and the rest can be changed side by side.
    let Some(mut session) = view.state.session.take() else { return };
    let context = ui.ctx().clone();
    match session.screen.page {
        Page::Introduction => pages::introduction_ui(ui, view, &mut session),
        Page::Paused => pages::paused_ui(ui, view, &mut session),
        Page::Finished => pages::finished_ui(ui, view, &mut session),
        Page::Board => {
            header::ui(ui, view, &mut session);
            board::ui(ui, view, &mut session, project);
            pages::large_ui(&context, view, &mut session, project);
            pages::confirm_ui(&context, view, &mut session);
        }
    }
    pages::help_ui(&context, &mut session);
    view.state.session = Some(session);
}
