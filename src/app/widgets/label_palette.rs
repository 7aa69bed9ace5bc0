//! The labels at fixed places, each with its key, the present answer and how many pictures have it.

use egui::{Key, RichText, Sense, StrokeKind, Ui, vec2};

use crate::app::icons;
use crate::app::state::ProjectState;
use crate::app::theme;
use crate::ids::{ImageId, LabelId};
use crate::project::Label;
use crate::wording::{counted, number};

/// The keys of the labels in order: digits, then letters that mean nothing else.
pub const KEYS: &[(Key, &str)] = &[
    (Key::Num1, "1"),
    (Key::Num2, "2"),
    (Key::Num3, "3"),
    (Key::Num4, "4"),
    (Key::Num5, "5"),
    (Key::Num6, "6"),
    (Key::Num7, "7"),
    (Key::Num8, "8"),
    (Key::Num9, "9"),
    (Key::Num0, "0"),
    (Key::Q, "Q"),
    (Key::W, "W"),
    (Key::E, "E"),
    (Key::R, "R"),
    (Key::T, "T"),
    (Key::Y, "Y"),
    (Key::U, "U"),
    (Key::I, "I"),
    (Key::O, "O"),
    (Key::P, "P"),
    (Key::G, "G"),
    (Key::H, "H"),
    (Key::J, "J"),
    (Key::K, "K"),
    (Key::L, "L"),
    (Key::X, "X"),
    (Key::C, "C"),
    (Key::V, "V"),
    (Key::B, "B"),
    (Key::N, "N"),
    (Key::M, "M"),
];

/// What the images answer together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// All yes.
    Yes,
    /// All no.
    No,
    /// None has an answer.
    Open,
    /// They differ.
    Mixed,
}

/// The common answer of several images.
pub fn together(project: &ProjectState, images: &[ImageId], label: LabelId) -> Together {
    let mut answers = images.iter().map(|image| project.answer(*image, label));
    let Some(first) = answers.next() else { return Together::Open };
    if answers.any(|answer| answer != first) {
        return Together::Mixed;
    }
    match first {
        Some(true) => Together::Yes,
        Some(false) => Together::No,
        None => Together::Open,
    }
}

/// What was asked of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelClick {
    /// Yes, or take it back.
    Yes(LabelId),
    /// No, or take it back.
    No(LabelId),
    /// Another name.
    Rename(LabelId),
    /// Take it out of the vocabulary.
    Remove(LabelId),
    /// Show the pictures that have it.
    Show(LabelId),
}

/// Draws one label.
pub fn label_ui(
    ui: &mut Ui,
    label: &Label,
    at: usize,
    answer: Together,
    images_with_it: usize,
    enabled: bool,
) -> Option<LabelClick> {
    let width = ui.available_width();
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(width, 34.0), sense);
    let key = KEYS.get(at).map_or("", |(_, name)| *name);
    response.widget_info(|| {
        egui::WidgetInfo::selected(egui::accesskit::Role::CheckBox, enabled, answer == Together::Yes, &label.name)
    });
    let dark = ui.visuals().dark_mode;
    let accent = theme::accent(dark);
    let visuals = ui.style().interact(&response);
    let (fill, text) = match answer {
        Together::Yes => (accent, theme::text_on(accent)),
        Together::Mixed => (ui.visuals().selection.bg_fill, ui.visuals().selection.stroke.color),
        Together::No | Together::Open => (visuals.weak_bg_fill, ui.visuals().text_color()),
    };
    let painter = ui.painter();
    painter.rect_filled(rect, 6.0, fill);
    if response.has_focus() {
        theme::focus_ring(painter, rect, 6.0, dark);
    } else if response.hovered() {
        painter.rect_stroke(rect, 6.0, ui.visuals().widgets.hovered.bg_stroke, StrokeKind::Inside);
    }
    let centre = rect.center().y;
    let small = egui::FontId::proportional(12.0);
    let key_place = egui::Rect::from_center_size(egui::pos2(rect.min.x + 18.0, centre), vec2(20.0, 20.0));
    painter.rect_stroke(key_place, 4.0, egui::Stroke::new(1.0, text.gamma_multiply(0.5)), StrokeKind::Inside);
    painter.text(key_place.center(), egui::Align2::CENTER_CENTER, key, small.clone(), text);
    let mark = match answer {
        Together::Yes => icons::CHECK,
        Together::No => icons::CLOSE,
        Together::Mixed => icons::MINUS,
        Together::Open => "",
    };
    let mark_at = egui::pos2(rect.max.x - 44.0, centre);
    let mark_colour = if answer == Together::No { ui.visuals().weak_text_color() } else { text };
    painter.text(mark_at, egui::Align2::RIGHT_CENTER, mark, egui::FontId::proportional(14.0), mark_colour);
    let count_at = egui::pos2(rect.max.x - 8.0, centre);
    painter.text(count_at, egui::Align2::RIGHT_CENTER, number(images_with_it), small, text.gamma_multiply(0.8));
    let name_space = rect.width() - 36.0 - 64.0;
    let mut job = egui::text::LayoutJob::simple_singleline(label.name.clone(), egui::FontId::proportional(14.0), text);
    job.wrap = egui::text::TextWrapping::truncate_at_width(name_space);
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let at = egui::pos2(rect.min.x + 36.0, centre - galley.size().y / 2.0);
    ui.painter().galley(at, galley, text);

    let mut click = response.clicked().then_some(LabelClick::Yes(label.id));
    let hint = if key.is_empty() { String::new() } else { format!(" Key {key}; Shift+{key} says no.") };
    let response = response.on_hover_text(format!(
        "{}: {}.{hint} Right-click for more.",
        label.name,
        counted(images_with_it, "picture")
    ));
    response.context_menu(|ui| {
        for (name, choice) in [
            ("Answer no", LabelClick::No(label.id)),
            ("Show pictures with it", LabelClick::Show(label.id)),
            ("Rename…", LabelClick::Rename(label.id)),
            ("Remove label", LabelClick::Remove(label.id)),
        ] {
            if ui.button(RichText::new(name)).clicked() {
                click = Some(choice);
                ui.close();
            }
        }
    });
    click
}
