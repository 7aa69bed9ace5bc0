//! Small parts: buttons of commands, empty places, chips, bars.

use egui::{Align, Color32, Layout, Response, RichText, Sense, Ui, Vec2, vec2};

use crate::app::Action;
use crate::app::commands::UiCommand;
use crate::app::state::AppState;
use crate::app::theme::{self, STEP};

/// A command as a button with icon, name and a tooltip that names its key.
pub fn command_button_ui(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>, command: UiCommand) -> Response {
    let info = command.info();
    let text = if info.icon.is_empty() { info.name.to_owned() } else { format!("{}  {}", info.icon, info.name) };
    let response = ui.add_enabled(command.is_enabled(state), egui::Button::new(text).min_size(vec2(28.0, 30.0)));
    with_tooltip(response, state, actions, command)
}

/// The next step of a place: a command as a button in the accent colour.
pub fn primary_button_ui(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>, command: UiCommand) -> Response {
    let info = command.info();
    let fill = theme::accent(ui.visuals().dark_mode);
    let enabled = command.is_enabled(state);
    let text = RichText::new(format!("{}  {}", info.icon, info.name)).color(theme::text_on(fill)).family(theme::bold());
    let response = ui.add_enabled(enabled, egui::Button::new(text).fill(fill).min_size(vec2(28.0, 34.0)));
    with_tooltip(response, state, actions, command)
}

/// The next step of an empty place; why it cannot be taken yet, and the step before it, if so.
pub fn first_step_ui(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>, command: UiCommand) {
    primary_button_ui(ui, state, actions, command);
    let Some(reason) = command.why_not(state) else { return };
    ui.label(RichText::new(reason).color(ui.visuals().warn_fg_color));
    let Some(project) = &state.project else { return };
    let before = if project.snapshot.images.is_empty() { UiCommand::ImportPictures } else { UiCommand::ShowLabel };
    command_button_ui(ui, state, actions, before);
}

/// A command as an icon alone.
pub fn icon_button_ui(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>, command: UiCommand) -> Response {
    let info = command.info();
    let button =
        egui::Button::new(RichText::new(info.icon).size(16.0)).min_size(vec2(30.0, 28.0)).frame_when_inactive(false);
    let response = ui.add_enabled(command.is_enabled(state), button);
    let enabled = response.enabled();
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, enabled, info.name));
    with_tooltip(response, state, actions, command)
}

fn with_tooltip(response: Response, state: &AppState, actions: &mut Vec<Action>, command: UiCommand) -> Response {
    let why_not = command.why_not(state);
    let keys = command.shortcut_text().map_or_else(String::new, |keys| format!("\n{keys}"));
    let text = format!("{}{keys}", command.info().tooltip);
    let disabled = why_not.unwrap_or_else(|| text.clone());
    let response = response.on_hover_text(&text).on_disabled_hover_text(disabled);
    if response.clicked() {
        actions.push(Action::Ui(command));
    }
    response
}

/// A place with nothing in it yet: what belongs there, and the next step.
pub fn empty_ui(ui: &mut Ui, icon: &str, title: &str, text: &str, next: impl FnOnce(&mut Ui)) {
    let height = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((height * 0.3 - 60.0).max(STEP));
        ui.label(RichText::new(icon).size(48.0).color(ui.visuals().weak_text_color()));
        ui.add_space(STEP);
        ui.heading(title);
        ui.scope(|ui| {
            ui.set_max_width(520.0);
            ui.label(RichText::new(text).color(ui.visuals().weak_text_color()));
        });
        ui.add_space(STEP);
        next(ui);
    });
}

/// A line of weak text.
pub fn weak(ui: &mut Ui, text: impl Into<String>) -> Response {
    ui.label(RichText::new(text).color(ui.visuals().weak_text_color()))
}

/// The title of a card or a part of a pane.
pub fn title(ui: &mut Ui, text: impl Into<String>) -> Response {
    ui.label(RichText::new(text).font(theme::strong_text()))
}

/// A square in a cluster's colour with its number.
pub fn cluster_chip(ui: &mut Ui, cluster: usize, size_points: f32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(size_points), Sense::hover());
    let colour = theme::cluster_colour(cluster);
    ui.painter().rect_filled(rect, 4.0, colour);
    ui.painter().text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        (cluster + 1).to_string(),
        egui::FontId::new(size_points * 0.6, theme::bold()),
        theme::text_on(colour),
    );
}

/// A name, a bar from 0 to 1, and the number.
pub fn bar_ui(ui: &mut Ui, name: &str, value: f32, colour: Color32, name_points: f32) -> Response {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.spacing_mut().interact_size.y = 20.0;
        ui.allocate_ui_with_layout(vec2(name_points, 18.0), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(name_points);
            ui.add(egui::Label::new(RichText::new(name).small()).truncate());
        });
        let number_points = 34.0;
        let width = (ui.available_width() - number_points).max(20.0);
        let (rect, _) = ui.allocate_exact_size(vec2(width, 8.0), Sense::hover());
        ui.painter().rect_filled(rect, 3.0, ui.visuals().widgets.inactive.weak_bg_fill);
        let mut filled = rect;
        filled.set_width(rect.width() * value.clamp(0.0, 1.0));
        ui.painter().rect_filled(filled, 3.0, colour);
        ui.label(RichText::new(format!("{value:.2}")).small());
    })
    .response
}

/// A choice from a list, with a name for those who cannot see where it stands.
pub fn choice_ui(ui: &mut Ui, name: &str, selected: &str, width: f32, choices: impl FnOnce(&mut Ui)) -> Response {
    let response =
        egui::ComboBox::from_id_salt(name).width(width).selected_text(selected).show_ui(ui, choices).response;
    let enabled = response.enabled();
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::labeled(egui::accesskit::Role::ComboBox, enabled, name);
        info.current_text_value = Some(selected.to_owned());
        info
    });
    response.on_hover_text(name)
}

/// A field to type in, with a name for those who cannot see where it stands. The name is also what it is known by from
/// frame to frame, so that the keyboard stays in it whatever appears above it. With `focus` it gets the keyboard before
/// it is drawn: what was typed in this very frame lands in it.
pub fn field_ui(ui: &mut Ui, field: egui::TextEdit<'_>, name: &str, focus: &mut bool) -> Response {
    let id = egui::Id::unique(("field", name));
    // Where a dialog is only measured yet, nothing can have the keyboard.
    if *focus && ui.is_enabled() {
        *focus = false;
        ui.memory_mut(|memory| memory.request_focus(id));
    }
    let response = ui.add(field.id(id));
    let enabled = response.enabled();
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, enabled, name));
    response
}

/// A button over the whole width with a remark at its right.
pub fn wide_button_ui(ui: &mut Ui, text: &str, remark: &str) -> Response {
    let width = ui.available_width();
    let button = egui::Button::new(text).right_text(RichText::new(remark).weak()).min_size(vec2(width, 32.0));
    ui.add(button)
}

/// A choice in a menu with a remark at its right.
pub fn choice_row_ui(ui: &mut Ui, text: &str, remark: &str, chosen: bool) -> Response {
    let width = ui.available_width();
    let button =
        egui::Button::selectable(chosen, text).right_text(RichText::new(remark).weak()).min_size(vec2(width, 28.0));
    ui.add(button)
}

/// True when a field was left with Enter, which then means nothing to what lies below it.
pub fn entered(ui: &Ui, field: &Response) -> bool {
    field.lost_focus() && ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, egui::Key::Enter))
}

/// Two decimals, with a real minus.
pub fn fixed(value: f64) -> String {
    crate::wording::shown(value, 2)
}

/// A plot that only shows: it neither scrolls nor zooms under the mouse, and its grid stays behind its curves.
pub fn still_plot<'a>(ui: &Ui, name: &str, height: f32) -> egui_plot::Plot<'a> {
    egui_plot::Plot::new(name)
        .height(height)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false)
        .grid_color(ui.visuals().widgets.noninteractive.bg_stroke.color)
}

/// A duration as people say it.
pub fn duration_text(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..=59 => format!("{} s", seconds.max(1)),
        60..=3599 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}
