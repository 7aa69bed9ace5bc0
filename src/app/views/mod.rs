//! The views, and the frame around them: menus and header above, the rail at the left, the status line below.

pub mod explore;
mod frame;
mod group;
mod keep;
mod label;
mod library;
mod report;
mod train;
mod welcome;

use egui::Ui;

use super::ViewContext;
use super::icons;
use super::session;
use super::state::{AppState, View};
use super::widgets::{command_palette, path_pane, small, who_pane};
use crate::engine::command::{Lookup, SessionCommand};

/// Draws the whole window.
pub(super) fn window_ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    if view.state.session.is_some()
        && let Some(project) = view.state.project.clone()
    {
        frame::problems_ui(ui, view);
        session::ui(ui, view, &project);
        leave_session(view);
        return;
    }
    if view.state.rater_alone {
        // Whoever came to sort sees nothing else, whatever went wrong.
        frame::problems_ui(ui, view);
        egui::CentralPanel::default().show(ui, |ui| {
            let text = "Your pictures appear here. If they do not, ask the person who invited you.";
            small::empty_ui(ui, icons::GROUP, "One moment…", text, |_| {});
        });
        return;
    }
    frame::header_ui(ui, view);
    path_pane::ui(ui, view);
    frame::status_ui(ui, view);
    frame::problems_ui(ui, view);
    if view.state.project.is_some() {
        frame::rail_ui(ui, view);
        match view.state.view {
            View::Library => library::ui(ui, view),
            View::Label => label::ui(ui, view),
            View::Group => group::ui(ui, view),
            View::Train => train::ui(ui, view),
            View::Explore => explore::ui(ui, view),
            View::Report => report::ui(ui, view),
        }
    } else {
        welcome::ui(ui, view);
    }
    let context = ui.ctx().clone();
    frame::toast_ui(&context, view);
    command_palette::palette_ui(&context, view);
    command_palette::cheat_sheet_ui(&context, view);
    train::split::ui(&context, view);
    keep::ui(&context, view);
    who_pane::ui(&context, view);
    frame::quit_ui(&context, view);
}

/// What is on show and was not asked for yet.
pub(super) fn wants(state: &mut AppState) -> Vec<Lookup> {
    let Some(project) = state.project.clone() else { return Vec::new() };
    let mut wanted = match state.view {
        View::Library | View::Label => Vec::new(),
        View::Group => group::wants(state, &project),
        View::Train => train::wants(state, &project),
        View::Explore => explore::wants(state, &project),
        View::Report => report::wants(state, &project),
    };
    wanted.extend(train::split::wants(state, &project));
    wanted
}

/// Goes back from a rater's session to the project.
fn leave_session(view: &mut ViewContext<'_>) {
    if let Some(session) = &view.state.session {
        view.preferences.board_zoom = session.screen.zoom;
    }
    if std::mem::take(&mut view.state.leave_session)
        && let Some(session) = view.state.session.take()
        && let Some(sort) = session.sort_id()
    {
        view.send(SessionCommand::Pause(sort));
    }
}
