//! The pane that asks for a folder or file: by the system's dialog, by typing, or by dropping it on the window.

use std::path::PathBuf;

use egui::{Key, RichText, Ui};

use super::small;
use crate::app::{Action, ViewContext, icons, theme};

/// Draws the pane while a path is asked for.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let Some(question) = &mut view.state.path_question else { return };
    let purpose = question.purpose;
    let mut answer = None;
    let mut close = ui.input(|input| input.key_pressed(Key::Escape));
    egui::Panel::top("path pane").show(ui, |ui| {
        ui.add_space(theme::STEP);
        ui.horizontal(|ui| {
            small::title(ui, purpose.title);
            small::weak(ui, purpose.help);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.button(icons::CLOSE).on_hover_text("Close (Esc)").clicked() {
                    close = true;
                }
            });
        });
        ui.horizontal(|ui| {
            if ui.button(format!("{}  Browse…", icons::FOLDER_OPEN)).clicked() {
                view.actions.push(Action::Browse(purpose));
            }
            let hint = "or type or paste its path here, or drop it on the window";
            let field = egui::TextEdit::singleline(&mut question.text)
                .hint_text(hint)
                .desired_width((ui.available_width() - 160.0).max(200.0))
                .margin(egui::Margin::symmetric(8, 6));
            let response = small::field_ui(ui, field, "Path", &mut question.focus);
            if response.changed() {
                (question.complaint, question.replacing) = (None, None);
            }
            let entered = small::entered(ui, &response);
            let given = !question.text.trim().is_empty();
            let fill = theme::accent(ui.visuals().dark_mode);
            let verb = if question.replacing.is_some() { "Replace it" } else { purpose.verb };
            let text = RichText::new(verb).color(theme::text_on(fill)).family(theme::bold());
            let clicked = ui.add_enabled(given, egui::Button::new(text).fill(fill)).clicked();
            if given && (clicked || entered) {
                let path = PathBuf::from(expand_home(question.text.trim()));
                question.complaint = purpose.complaint(&path);
                let asked = question.replacing.as_ref() == Some(&path);
                if question.complaint.is_some() {
                    question.focus = true;
                } else if purpose.writes_a_file() && path.exists() && !asked {
                    (question.replacing, question.focus) = (Some(path), true);
                } else {
                    answer = Some(path);
                }
            }
        });
        if let Some(complaint) = &question.complaint {
            ui.label(RichText::new(complaint).color(ui.visuals().error_fg_color));
        }
        if let Some(file) = &question.replacing {
            let text = format!("{} is there already. Once more replaces it; another name keeps it.", file.display());
            ui.label(RichText::new(text).color(ui.visuals().warn_fg_color));
        }
        if purpose.offers_sound_part {
            ui.checkbox(&mut question.accept_problems, "Take the sound part of a file that has problems")
                .on_hover_text(
                    "Without this, nothing is stored from a file with unknown pictures, repeated rows or bad values.",
                );
        }
        ui.add_space(theme::STEP / 2.0);
    });
    if let Some(path) = answer {
        view.actions.push(Action::Path(question.clone(), path));
    } else if close {
        view.state.path_question = None;
    }
}

/// `~/x` as the shell reads it.
fn expand_home(text: &str) -> String {
    match (text.strip_prefix("~/"), directories::UserDirs::new()) {
        (Some(rest), Some(user)) => user.home_dir().join(rest).to_string_lossy().into_owned(),
        _ => text.trim_matches('"').to_owned(),
    }
}
