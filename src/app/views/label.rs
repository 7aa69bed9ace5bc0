//! Label: one picture large, the labels at its side, one key for each.

use egui::{RichText, Ui, vec2};

use super::library::send_click;
use crate::app::commands::UiCommand;
use crate::app::state::ProjectState;
use crate::app::theme::{self, STEP};
use crate::app::widgets::{label_palette, picture, small};
use crate::app::{ViewContext, icons};
use crate::engine::command::EditCommand;
use crate::engine::thumbnails::PictureSize;
use crate::ids::LabelId;
use crate::names;
use crate::wording::{counted, number, sentence};

/// Draws the view.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let Some(project) = view.state.project.clone() else { return };
    if project.snapshot.images.is_empty() {
        egui::CentralPanel::default().show(ui, |ui| {
            small::empty_ui(
                ui,
                icons::LABEL,
                "Nothing to label yet",
                "Import a folder of illustrations first.",
                |ui| {
                    small::primary_button_ui(ui, view.state, view.actions, UiCommand::ImportPictures);
                },
            );
        });
        return;
    }
    egui::Panel::right("label side").default_size(300.0).size_range(240.0..=520.0).show(ui, |ui| {
        side_ui(ui, view, &project);
    });
    egui::CentralPanel::default().show(ui, |ui| picture_ui(ui, view, &project));
}

fn picture_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    let shown = view.state.library.shown();
    let cursor = view.state.library.selection.cursor;
    let at = cursor.and_then(|cursor| shown.iter().position(|id| *id == cursor));
    let total = shown.len();
    let next = at.and_then(|at| shown.get(at + 1)).and_then(|id| project.image(*id));
    let image = cursor.and_then(|id| project.image(id));
    ui.horizontal_wrapped(|ui| {
        for command in [
            UiCommand::PreviousPicture,
            UiCommand::NextPicture,
            UiCommand::NextUnlabelled,
            UiCommand::ConfirmAndNext,
            UiCommand::CopyFromPrevious,
        ] {
            small::command_button_ui(ui, view.state, view.actions, command);
        }
    });
    let Some(image) = image else {
        small::empty_ui(ui, icons::LABEL, "No picture chosen", "Choose one in the Library, or go to the next.", |_| {});
        return;
    };
    ui.horizontal(|ui| {
        let place =
            at.map_or_else(|| "not in the filter".to_owned(), |at| format!("{} of {}", number(at + 1), number(total)));
        small::title(ui, image.file_name());
        small::weak(ui, format!("{place}  ·  {} × {} px", image.width_px, image.height_px));
        if let Some(reason) = &image.set_aside {
            ui.label(RichText::new(format!("set aside: {reason}")).color(ui.visuals().warn_fg_color));
        }
    });
    let (space, response) = ui.allocate_exact_size(ui.available_size(), egui::Sense::hover());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, format!("Picture {}", image.file_name()))
    });
    ui.painter().rect_filled(space, 4.0, theme::picture_ground(ui.visuals().dark_mode));
    let size = PictureSize::Large(1600);
    if let Some(problem) = picture::paint(ui, space.shrink(STEP), image, project, view.textures, size) {
        let text = format!("Cannot be shown: {problem}");
        let colour = ui.visuals().error_fg_color;
        let at = space.center_bottom() - vec2(0.0, 24.0);
        ui.painter().text(at, egui::Align2::CENTER_CENTER, text, egui::FontId::proportional(14.0), colour);
    }
    // The next one is made ready while this one is looked at.
    if let Some(next) = next {
        let _ = view.textures.get(next, || project.path(next), size);
    }
}

fn side_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    let snapshot = &project.snapshot;
    let writable = !snapshot.read_only;
    ui.add_space(STEP);
    let total = snapshot.images.iter().filter(|image| image.set_aside.is_none()).count().max(1);
    let done = project.answered_images.min(total);
    ui.horizontal(|ui| {
        small::title(ui, "Labels");
        small::weak(ui, format!("{} of {} answered", number(done), counted(total, "picture")));
    });
    if project.snapshot.annotator.is_some() && project.answered_by_anybody != project.answered_images {
        let text = format!("{} of yours, {} by everybody", number(done), number(project.answered_by_anybody));
        small::weak(ui, text)
            .on_hover_text("Answers on show are yours alone; choose Everybody at the upper right to see all");
    }
    ui.add(egui::ProgressBar::new(done as f32 / total as f32).desired_height(6.0).animate(false));
    if snapshot.labels.is_empty() {
        small::weak(ui, "Add the words by which you tell atmospheres apart: cute, gloomy, scenery …");
    }
    let target: Vec<_> = view.state.library.selection.cursor.into_iter().collect();
    let add_height = if view.state.label.complaint.is_some() { 76.0 } else { 48.0 };
    let height = (ui.available_height() - add_height).max(80.0);
    egui::ScrollArea::vertical().id_salt("labels").auto_shrink([false, true]).max_height(height).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        for (at, label) in snapshot.labels.iter().enumerate() {
            if rename_ui(ui, view, project, label) {
                continue;
            }
            let answer = label_palette::together(project, &target, label.id);
            let count = project.label_counts.get(&label.id).copied().unwrap_or(0);
            if let Some(click) = label_palette::label_ui(ui, label, at, answer, count, writable && !target.is_empty()) {
                send_click(view, click, &target);
            }
        }
    });
    ui.add_space(STEP / 2.0);
    ui.add_enabled_ui(writable, |ui| {
        ui.horizontal(|ui| {
            let field = egui::TextEdit::singleline(&mut view.state.label.new_label)
                .hint_text("New label")
                .desired_width(ui.available_width() - 56.0)
                .margin(egui::Margin::symmetric(8, 6));
            let response = small::field_ui(ui, field, "Name of a new label", &mut false);
            if response.changed() {
                view.state.label.complaint = None;
            }
            let entered = small::entered(ui, &response);
            let given = !view.state.label.new_label.trim().is_empty();
            let clicked =
                ui.add_enabled(given, egui::Button::new(icons::PLUS)).on_hover_text("Add the label").clicked();
            if given && (clicked || entered) {
                view.state.label.complaint = complaint(project, &view.state.label.new_label, None);
                if view.state.label.complaint.is_none() {
                    let name = std::mem::take(&mut view.state.label.new_label);
                    view.send(EditCommand::AddLabel(name));
                }
            }
            // Whoever adds one label adds another: the keyboard stays here until it is taken away.
            if entered || clicked {
                response.request_focus();
            }
        });
        if view.state.label.renaming.is_none() {
            complaint_ui(ui, view);
        }
    });
}

/// Why a label cannot be called that, as far as the vocabulary tells.
fn complaint(project: &ProjectState, name: &str, renamed: Option<LabelId>) -> Option<String> {
    if let Err(error) = names::check(name, "a label") {
        return Some(format!("{}.", sentence(&error.message)));
    }
    let name: String = name.trim().to_owned();
    let taken = project.snapshot.labels.iter().any(|label| label.name == name && Some(label.id) != renamed);
    taken.then(|| format!("There is a label “{name}” already."))
}

fn complaint_ui(ui: &mut Ui, view: &ViewContext<'_>) {
    if let Some(complaint) = &view.state.label.complaint {
        ui.label(RichText::new(complaint).color(ui.visuals().error_fg_color));
    }
}

/// The field for a label's new name, if it is being renamed.
fn rename_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, label: &crate::project::Label) -> bool {
    let Some((renaming, text)) = &mut view.state.label.renaming else { return false };
    if *renaming != label.id {
        return false;
    }
    let mut focus = text.is_empty();
    if focus {
        text.clone_from(&label.name);
    }
    let field = egui::TextEdit::singleline(text).desired_width(f32::INFINITY).margin(egui::Margin::symmetric(8, 6));
    let began = focus;
    let response = small::field_ui(ui, field, "New name of the label", &mut focus);
    if !began && response.lost_focus() {
        let name = text.clone();
        let entered = small::entered(ui, &response);
        let complaint = complaint(project, &name, Some(label.id)).filter(|_| entered);
        if complaint.is_some() {
            response.request_focus();
        } else {
            view.state.label.renaming = None;
        }
        if entered && complaint.is_none() && name != label.name {
            view.send(EditCommand::RenameLabel(label.id, name));
        }
        view.state.label.complaint = complaint;
    }
    complaint_ui(ui, view);
    true
}
