//! Library: all pictures in a grid; at the side the one looked at, its data and its labels.

use egui::{RichText, Ui};

use crate::app::commands::UiCommand;
use crate::app::state::{LibraryState, ProjectState, View};
use crate::app::theme::STEP;
use crate::app::widgets::label_palette::{self, LabelClick};
use crate::app::widgets::{image_grid, picture, small};
use crate::app::{Action, ViewContext, icons};
use crate::engine::command::{AnnotationCommand, EditCommand};
use crate::engine::thumbnails::PictureSize;
use crate::ids::ImageId;
use crate::wording::{counted, number};

/// Draws the view.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let Some(project) = view.state.project.clone() else { return };
    if project.snapshot.images.is_empty() {
        // There is no field to type in.
        view.state.library.focus_search = false;
        egui::CentralPanel::default().show(ui, |ui| {
            small::empty_ui(
                ui,
                icons::LIBRARY,
                "No pictures yet",
                "Import a folder of illustrations. They are read where they are and never changed; what cannot be read \
                 is listed with its reason.",
                |ui| {
                    small::primary_button_ui(ui, view.state, view.actions, UiCommand::ImportPictures);
                },
            );
        });
        return;
    }
    egui::Panel::right("library side").default_size(320.0).size_range(260.0..=620.0).show(ui, |ui| {
        side_ui(ui, view, &project);
    });
    egui::CentralPanel::default().show(ui, |ui| {
        files_ui(ui, view, &project);
        filter_ui(ui, &mut view.state.library, &project);
        ui.add_space(STEP / 2.0);
        let library = &mut view.state.library;
        if library.shown().is_empty() {
            small::empty_ui(
                ui,
                icons::FILTER,
                "Nothing fits the filter",
                "No picture has this name and label.",
                |ui| {
                    if ui.button("Show all pictures").clicked() {
                        (library.search, library.label, library.unlabelled_only) = (String::new(), None, false);
                    }
                },
            );
            return;
        }
        let shown = library.shown().to_vec();
        let outcome = image_grid::ui(
            ui,
            "library grid",
            &shown,
            &project,
            view.textures,
            &mut library.selection,
            view.preferences.thumbnail_points,
            &mut library.scroll_to_cursor,
        );
        if let Some(scale) = outcome.scale {
            view.preferences.scale_thumbnails(scale);
        }
        if let Some(opened) = outcome.opened {
            library.selection.only(opened);
            view.state.view = View::Label;
        }
    });
}

fn filter_ui(ui: &mut Ui, library: &mut LibraryState, project: &ProjectState) {
    // In a narrow window the bar breaks into two lines rather than run under what is beside it.
    let narrow = ui.available_width() < 760.0;
    ui.horizontal_wrapped(|ui| {
        let field = egui::TextEdit::singleline(&mut library.search)
            .hint_text(format!("{}  Search by name", icons::SEARCH))
            .desired_width(220.0)
            .margin(egui::Margin::symmetric(8, 5));
        let mut focus = std::mem::take(&mut library.focus_search);
        small::field_ui(ui, field, "Search by name", &mut focus);
        let chosen = library
            .label
            .and_then(|id| project.snapshot.labels.iter().find(|label| label.id == id))
            .map_or("Any label", |label| label.name.as_str());
        small::choice_ui(ui, "Only pictures with this label", chosen, 160.0, |ui| {
            ui.selectable_value(&mut library.label, None, "Any label");
            for label in &project.snapshot.labels {
                let count = project.label_counts.get(&label.id).copied().unwrap_or(0);
                ui.selectable_value(&mut library.label, Some(label.id), format!("{}  ({})", label.name, number(count)));
            }
        });
        ui.toggle_value(&mut library.unlabelled_only, "Unlabelled only")
            .on_hover_text("Pictures without any answer by the person annotating");
        ui.toggle_value(&mut library.show_set_aside, "Set aside too")
            .on_hover_text("Also pictures that take no part in training and clusters");
        let text = match library.selection.images.len() {
            0 | 1 => counted(library.shown().len(), "picture"),
            n => format!("{} of {} selected", number(n), number(library.shown().len())),
        };
        if narrow {
            small::weak(ui, text);
        } else {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| small::weak(ui, text));
        }
    });
}

/// Tells of pictures whose files are not what was imported, and offers the way out.
fn files_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    let (changed, missing) = (&view.state.file_check.changed, &view.state.file_check.missing);
    for (images, what, way_out) in [
        (
            changed,
            ["has changed since the import and is", "have changed since the import and are"],
            UiCommand::ImportPictures,
        ),
        (missing, ["is not where it was and is", "are not where they were and are"], UiCommand::FindPictures),
    ] {
        if images.is_empty() {
            continue;
        }
        let names: Vec<&str> =
            images.iter().take(20).filter_map(|image| Some(project.image(*image)?.relative_path.as_str())).collect();
        let more = if images.len() > names.len() { "\n…" } else { "" };
        let what = what[usize::from(images.len() > 1)];
        let hint = match way_out {
            UiCommand::ImportPictures => "Import their folder again: what moved is found, what was edited joins anew",
            _ => way_out.info().tooltip,
        };
        ui.horizontal(|ui| {
            let text =
                format!("{}  {} {what} left out of what is computed", icons::WARNING, counted(images.len(), "picture"));
            ui.label(RichText::new(text).color(ui.visuals().warn_fg_color))
                .on_hover_text(format!("{}{more}", names.join("\n")));
            if ui.button(way_out.info().name).on_hover_text(hint).clicked() {
                view.actions.push(Action::Ui(way_out));
            }
        });
        ui.add_space(STEP / 2.0);
    }
}

fn side_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    let selection = &view.state.library.selection;
    let images: Vec<ImageId> = if selection.images.is_empty() {
        selection.cursor.into_iter().collect()
    } else {
        let mut images: Vec<ImageId> = selection.images.iter().copied().collect();
        images.sort_unstable();
        images
    };
    let shown = selection.cursor.or(images.first().copied()).and_then(|id| project.image(id));
    let Some(image) = shown else {
        ui.add_space(STEP);
        small::weak(ui, "Select a picture to see it here.");
        return;
    };
    ui.add_space(STEP);
    let width = ui.available_width();
    let (space, response) = ui.allocate_exact_size(egui::vec2(width, width * 0.86), egui::Sense::click());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, format!("Picture {}", image.file_name()))
    });
    let problem = picture::paint(ui, space, image, project, view.textures, PictureSize::Large(1600));
    if response.on_hover_text("Look at it large and label it (Enter)").clicked() {
        view.state.library.selection.cursor = Some(image.id);
        view.actions.push(Action::Ui(UiCommand::ShowLabel));
    }
    if images.len() > 1 {
        small::title(ui, format!("{} selected", counted(images.len(), "picture")));
    } else {
        ui.add(egui::Label::new(RichText::new(image.file_name()).font(crate::app::theme::strong_text())).truncate())
            .on_hover_text(project.path(image).display().to_string());
    }
    let part = project.snapshot.split.as_ref().and_then(|split| split.parts.get(&image.id));
    let part = part.map_or_else(String::new, |part| format!("  ·  {} part", part.name()));
    small::weak(
        ui,
        format!(
            "{} × {} px  ·  {}  ·  {} kB{part}",
            image.width_px,
            image.height_px,
            image.format,
            image.byte_size.div_ceil(1000)
        ),
    );
    if let Some(problem) = problem {
        ui.label(RichText::new(format!("{} {problem}", icons::WARNING)).color(ui.visuals().error_fg_color));
        if ui.button(UiCommand::FindPictures.info().name).clicked() {
            view.actions.push(Action::Ui(UiCommand::FindPictures));
        }
    }
    if let Some(reason) = &image.set_aside {
        ui.label(RichText::new(format!("{}  Set aside: {reason}", icons::SET_ASIDE)).color(ui.visuals().warn_fg_color));
    }
    let writable = !project.snapshot.read_only;
    let aside_text = if image.set_aside.is_some() { "Take back" } else { "Set aside" };
    let tooltip = UiCommand::SetAside.info().tooltip;
    if ui.add_enabled(writable, egui::Button::new(aside_text)).on_hover_text(tooltip).clicked() {
        view.actions.push(Action::Ui(UiCommand::SetAside));
    }
    ui.separator();
    if project.snapshot.labels.is_empty() {
        small::weak(ui, "No labels yet: add some in the Label view, or import them.");
        return;
    }
    egui::ScrollArea::vertical().id_salt("side labels").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        for (at, label) in project.snapshot.labels.iter().enumerate() {
            let answer = label_palette::together(project, &images, label.id);
            let count = project.label_counts.get(&label.id).copied().unwrap_or(0);
            if let Some(click) = label_palette::label_ui(ui, label, at, answer, count, writable) {
                send_click(view, click, &images);
            }
        }
    });
}

/// Passes what was asked of a label on.
pub fn send_click(view: &mut ViewContext<'_>, click: LabelClick, images: &[ImageId]) {
    match click {
        LabelClick::Yes(label) => view.send(AnnotationCommand::ToggleLabel { images: images.to_vec(), label }),
        LabelClick::No(label) => view.send(AnnotationCommand::ToggleNo { images: images.to_vec(), label }),
        LabelClick::Remove(label) => view.send(EditCommand::RemoveLabel(label)),
        LabelClick::Show(label) => {
            view.state.library.label = Some(label);
            view.state.view = View::Library;
        }
        LabelClick::Rename(label) => {
            view.state.label.renaming = Some((label, String::new()));
            view.state.view = View::Label;
        }
    }
}
