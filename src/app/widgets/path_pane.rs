//! The pane that asks for a folder or file: by the system's dialog, by typing, or by dropping it on the window.

use std::path::PathBuf;

use egui::{Key, RichText, Ui};

use super::small;
use crate::app::state::PathPurpose;
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
            small::title(ui, purpose.title());
            small::weak(ui, purpose.help());
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
            let response = ui.add(field);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, "Path"));
            if std::mem::take(&mut question.focus) {
                response.request_focus();
            }
            let entered = small::entered(ui, &response);
            let given = !question.text.trim().is_empty();
            let fill = theme::accent(ui.visuals().dark_mode);
            let text = RichText::new(purpose.verb()).color(theme::text_on(fill)).family(theme::bold());
            let clicked = ui.add_enabled(given, egui::Button::new(text).fill(fill)).clicked();
            if given && (clicked || entered) {
                let path = PathBuf::from(expand_home(question.text.trim()));
                question.complaint = complaint(purpose, &path);
                match &question.complaint {
                    None => answer = Some(path),
                    Some(_) => question.focus = true,
                }
            }
        });
        if let Some(complaint) = &question.complaint {
            ui.label(RichText::new(complaint).color(ui.visuals().error_fg_color));
        }
        if matches!(purpose, PathPurpose::ExportClusters | PathPurpose::ExportModel | PathPurpose::ExportGroupings)
            && PathBuf::from(expand_home(question.text.trim())).is_file()
        {
            ui.label(
                RichText::new("This file is there already and will be replaced.").color(ui.visuals().warn_fg_color),
            );
        }
        if matches!(purpose, PathPurpose::ImportLabels | PathPurpose::ImportGroupings) {
            ui.checkbox(&mut question.accept_problems, "Take the sound part of a file that has problems")
                .on_hover_text(
                    "Without this, nothing is stored from a file with unknown pictures, repeated rows or bad values.",
                );
        }
        ui.add_space(theme::STEP / 2.0);
    });
    if let Some(path) = answer {
        let accept = question.accept_problems;
        view.actions.push(Action::Path(purpose, path, accept));
    } else if close {
        view.state.path_question = None;
    }
}

/// Why a path cannot be used for its purpose, as far as a look at it tells.
fn complaint(purpose: PathPurpose, path: &std::path::Path) -> Option<String> {
    let shown = path.display();
    match purpose {
        PathPurpose::NewProject => None,
        PathPurpose::OpenProject if !crate::project::Project::exists(path) => {
            Some(format!("{shown} holds no Atmoscope project."))
        }
        PathPurpose::ImportPictures | PathPurpose::FindPictures if !path.is_dir() => {
            Some(format!("{shown} is not a folder."))
        }
        PathPurpose::ImportLabels | PathPurpose::ImportGroupings if !path.is_file() => {
            Some(format!("{shown} is not a file."))
        }
        PathPurpose::ExportClusters | PathPurpose::ExportGroupings
            if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("csv")) =>
        {
            Some("The file's name must end in .csv.".to_owned())
        }
        PathPurpose::ExportModel
            if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("safetensors")) =>
        {
            Some("The file's name must end in .safetensors.".to_owned())
        }
        _ => None,
    }
}

/// `~/x` as the shell reads it.
fn expand_home(text: &str) -> String {
    match (text.strip_prefix("~/"), directories::UserDirs::new()) {
        (Some(rest), Some(user)) => user.home_dir().join(rest).to_string_lossy().into_owned(),
        _ => text.trim_matches('"').to_owned(),
    }
}
