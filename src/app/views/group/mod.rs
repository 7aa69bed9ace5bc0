//! Group: studies in which raters sort pictures, the groupings that came of them or from files, and how far the raters
//! agree.

mod agreement;
mod groupings;
mod new_study;
mod studies;

use egui::Ui;

use crate::app::ViewContext;
use crate::app::state::{AppState, GroupPage, ProjectState};
use crate::app::theme::STEP;
use crate::engine::command::Lookup;

/// The comparison of raters, while it is looked at.
pub fn wants(state: &mut AppState, project: &ProjectState) -> Vec<Lookup> {
    let group = &mut state.group;
    if group.page != GroupPage::Agreement || group.form.is_some() {
        return Vec::new();
    }
    group.agreement.next_request(project).map(Lookup::Agreement).into_iter().collect()
}

/// Draws the view.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let Some(project) = view.state.project.clone() else { return };
    if view.state.group.form.is_some() {
        new_study::ui(ui, view, &project);
        return;
    }
    egui::Panel::top("group pages").show(ui, |ui| {
        ui.add_space(STEP / 2.0);
        ui.horizontal(|ui| {
            for (page, name, what) in GroupPage::ALL {
                let button =
                    egui::Button::selectable(view.state.group.page == page, name).min_size(egui::vec2(28.0, 30.0));
                if ui.add(button).on_hover_text(what).clicked() {
                    view.state.group.page = page;
                }
            }
        });
        ui.add_space(STEP / 2.0);
    });
    match view.state.group.page {
        GroupPage::Studies => studies::ui(ui, view, &project),
        GroupPage::Groupings => groupings::ui(ui, view, &project),
        GroupPage::Agreement => agreement::ui(ui, view, &project),
    }
}
