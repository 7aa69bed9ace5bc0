//! Who labels: asked at the first answer, before it is stored.

use egui::{RichText, Ui};

use super::small;
use crate::app::commands::UiCommand;
use crate::app::state::ProjectState;
use crate::app::theme::{self, STEP};
use crate::app::{Action, ViewContext};
use crate::engine::command::AnnotationCommand;
use crate::ids::PersonId;
use crate::project::Person;
use crate::wording::{counted, number};

/// How the answers of several people become one, said wherever people are chosen.
pub const JOINED: &str = "Where several people answered, a label holds when at least half of those who answered about it \
                          said yes; training and the counts of everybody go by that.";

/// Draws the question while it is asked.
pub fn ui(context: &egui::Context, view: &mut ViewContext<'_>) {
    let Some(project) = view.state.project.clone() else { return };
    let Some(who) = &mut view.state.who else { return };
    let mut chosen = None;
    let mut close = false;
    let waiting = counted(who.answers.len(), "answer");
    egui::Modal::new(egui::Id::unique("who labels")).show(context, |ui| {
        ui.set_width(460.0);
        ui.heading("Who labels?");
        small::weak(ui, format!("Answers are kept by person. {waiting} will be stored as soon as this is known."));
        ui.add_space(STEP);
        for person in &project.snapshot.annotators {
            let text = format!("Go on as {}", person.name);
            let response = small::wide_button_ui(ui, &text, &count_text(&project, person.id));
            if response.clicked() {
                chosen = Some(person.name.clone());
            }
        }
        ui.horizontal(|ui| {
            let field = egui::TextEdit::singleline(&mut who.name)
                .hint_text("Your name")
                .margin(egui::Margin::symmetric(8, 6))
                .desired_width(ui.available_width() - 96.0);
            let response = small::field_ui(ui, field, "Who labels", &mut who.focus);
            let entered = small::entered(ui, &response);
            let given = !who.name.trim().is_empty();
            let fill = theme::accent(ui.visuals().dark_mode);
            let text = RichText::new("Label").color(theme::text_on(fill)).family(theme::bold());
            let clicked = ui.add_enabled(given, egui::Button::new(text).fill(fill)).clicked();
            if given && (clicked || entered) {
                chosen = Some(who.name.trim().to_owned());
            } else if entered {
                who.focus = true;
            }
        });
        ui.add_space(STEP / 2.0);
        if !project.snapshot.annotators.is_empty() {
            ui.scope(|ui| {
                ui.set_max_width(460.0);
                small::weak(ui, JOINED);
            });
        }
        close = ui.button("Do not store them").on_hover_text("Esc").clicked();
    });
    if let Some(name) = chosen {
        view.send(AnnotationCommand::ChooseAnnotator(name));
    } else if close {
        view.actions.push(Action::Ui(UiCommand::SelectNone));
    }
}

/// "2,610 answers on 573 pictures".
pub fn count_text(project: &ProjectState, person: PersonId) -> String {
    match project.snapshot.answer_counts.get(&person) {
        None => "no answers yet".to_owned(),
        Some(count) => format!("{} on {}", counted(count.answers, "answer"), counted(count.images, "picture")),
    }
}

/// The people to choose from in a menu: everybody together, then each. Returns who was chosen; nobody stands for
/// everybody.
pub fn choices_ui(ui: &mut Ui, project: &ProjectState, present: Option<&Person>) -> Option<Option<String>> {
    let mut chosen = None;
    let everybody = format!("{} with an answer", number(project.answered_by_anybody));
    if small::choice_row_ui(ui, "Everybody", &everybody, present.is_none()).on_hover_text(JOINED).clicked() {
        chosen = Some(None);
    }
    for person in &project.snapshot.annotators {
        let is_present = present.is_some_and(|present| present.id == person.id);
        let count = count_text(project, person.id);
        if small::choice_row_ui(ui, &person.name, &count, is_present).clicked() {
            chosen = Some(Some(person.name.clone()));
        }
    }
    chosen
}
