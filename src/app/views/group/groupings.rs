//! The groupings of the project: those raters submitted and those imported from files.

use egui::{RichText, Ui};
use egui_extras::{Column, TableBuilder};

use crate::app::commands::UiCommand;
use crate::app::state::ProjectState;
use crate::app::theme::STEP;
use crate::app::widgets::small;
use crate::app::{ViewContext, icons};

const WHAT: &str = "What raters hand in on the sorting board appears here. Groups made elsewhere can be imported: \
                    rater, condition, image, group.";

/// Draws the page.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    let groupings = &project.snapshot.groupings;
    egui::CentralPanel::default().show(ui, |ui| {
        if groupings.is_empty() {
            small::empty_ui(ui, icons::GROUP, "No groupings yet", WHAT, |ui| {
                small::primary_button_ui(ui, view.state, view.actions, UiCommand::ImportGroupings);
            });
            return;
        }
        ui.horizontal(|ui| {
            ui.heading("Groups made by people");
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                small::command_button_ui(ui, view.state, view.actions, UiCommand::ImportGroupings);
                small::command_button_ui(ui, view.state, view.actions, UiCommand::ExportGroupings);
            });
        });
        small::weak(ui, "Scores are computed against the newest version of what each rater did the first time.");
        ui.add_space(STEP);
        TableBuilder::new(ui)
            .striped(true)
            .column(Column::auto().at_least(180.0))
            .columns(Column::auto().at_least(90.0), 3)
            .column(Column::auto().at_least(220.0))
            .column(Column::remainder())
            .header(26.0, |mut header| {
                for name in ["Rater", "Condition", "Groups", "Pictures", "From", ""] {
                    header.col(|ui| {
                        small::title(ui, name);
                    });
                }
            })
            .body(|body| {
                body.rows(28.0, groupings.len(), |mut row| {
                    let grouping = &groupings[row.index()];
                    let from = match &grouping.study {
                        Some(study) if grouping.imported => format!("a file, study “{study}”"),
                        Some(study) => format!("study “{study}”"),
                        None => "a file".to_owned(),
                    };
                    let note = match (grouping.newest, grouping.occasion) {
                        (false, _) => format!("version {}, replaced by a newer one", grouping.version),
                        _ if grouping.removed => "not counted: the rater was removed from the study".to_owned(),
                        (true, occasion) if occasion > 1 => "sorted again, for test and retest".to_owned(),
                        _ => String::new(),
                    };
                    for text in [
                        grouping.rater.clone(),
                        grouping.condition.clone(),
                        grouping.groups.to_string(),
                        grouping.images.to_string(),
                        from,
                        note,
                    ] {
                        row.col(|ui| {
                            let colour = ui.visuals().weak_text_color();
                            let text = RichText::new(text);
                            ui.label(if grouping.counts() { text } else { text.color(colour) });
                        });
                    }
                });
            });
    });
}
