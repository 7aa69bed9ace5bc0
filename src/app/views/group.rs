//! Group: groups made by people. For now they come from files; the sorting board takes this place later.

use egui::Ui;
use egui_extras::{Column, TableBuilder};

use crate::app::commands::UiCommand;
use crate::app::theme::STEP;
use crate::app::widgets::small;
use crate::app::{ViewContext, icons};

const WHAT: &str = "Here raters will sort pictures into piles of one atmosphere, blind to each other. \
                    Groups made elsewhere can be imported already: rater, condition, image, group.";

/// Draws the view.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let Some(project) = view.state.project.clone() else { return };
    let groupings = &project.snapshot.groupings;
    egui::CentralPanel::default().show(ui, |ui| {
        if groupings.is_empty() {
            small::empty_ui(ui, icons::GROUP, "No groupings yet", WHAT, |ui| {
                small::primary_button_ui(ui, view.state, view.actions, UiCommand::ImportGroupings);
            });
            return;
        }
        ui.heading("Groups made by people");
        small::weak(ui, WHAT);
        ui.add_space(STEP);
        small::command_button_ui(ui, view.state, view.actions, UiCommand::ImportGroupings);
        ui.add_space(STEP);
        TableBuilder::new(ui)
            .striped(true)
            .column(Column::auto().at_least(220.0))
            .columns(Column::auto().at_least(110.0), 3)
            .header(26.0, |mut header| {
                for name in ["Rater", "Condition", "Groups", "Pictures"] {
                    header.col(|ui| {
                        small::title(ui, name);
                    });
                }
            })
            .body(|body| {
                body.rows(28.0, groupings.len(), |mut row| {
                    let grouping = &groupings[row.index()];
                    for text in [
                        grouping.rater.clone(),
                        grouping.condition.clone(),
                        grouping.groups.to_string(),
                        grouping.images.to_string(),
                    ] {
                        row.col(|ui| {
                            ui.label(text);
                        });
                    }
                });
            });
    });
}
