//! Report: tables and figures to publish. For now the clusters on show can be written as CSV.

use egui::Ui;

use crate::app::commands::UiCommand;
use crate::app::widgets::small;
use crate::app::{ViewContext, icons};

/// Draws the view.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    egui::CentralPanel::default().show(ui, |ui| {
        small::empty_ui(
            ui,
            icons::REPORT,
            "Report",
            "Here the paper's tables and figures will be laid out for your project, each with the run behind it. The \
             clusters on show in Explore can be written as CSV already, and groupings to compare with can be imported.",
            |ui| {
                ui.horizontal(|ui| {
                    ui.add_space((ui.available_width() - 340.0).max(0.0) / 2.0);
                    small::command_button_ui(ui, view.state, view.actions, UiCommand::ExportClusters)
                        .on_disabled_hover_text("Look at clusters in Explore first");
                    small::command_button_ui(ui, view.state, view.actions, UiCommand::ImportGroupings);
                });
            },
        );
    });
}
