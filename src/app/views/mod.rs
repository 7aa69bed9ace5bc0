//! The views, and the frame around them: menus and header above, the rail at the left, the status line below.

pub mod explore;
mod frame;
mod group;
mod label;
mod library;
mod report;
mod train;
mod welcome;

use egui::Ui;

use super::ViewContext;
use super::state::View;
use super::widgets::{command_palette, path_pane};

/// Draws the whole window.
pub(super) fn window_ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
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
    frame::toasts_ui(&context, view);
    command_palette::palette_ui(&context, view);
    command_palette::cheat_sheet_ui(&context, view);
}
