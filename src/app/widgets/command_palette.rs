//! The list of all commands, found by typing, and the sheet of all keys.

use egui::{Align2, Key, Modifiers, RichText, ScrollArea, vec2};

use super::small;
use crate::app::commands::{BLOCKS, CommandRow, Section, UiCommand};
use crate::app::{Action, ViewContext, keys, theme};

/// Draws the palette while it is open.
pub fn palette_ui(context: &egui::Context, view: &mut ViewContext<'_>) {
    let Some(palette) = &mut view.state.palette else { return };
    let wanted = palette.text.trim().to_lowercase();
    let matches: Vec<&CommandRow> = UiCommand::rows()
        .filter(|row| {
            let text = format!("{} {}", row.name, row.tooltip).to_lowercase();
            wanted.split_whitespace().all(|word| text.contains(word))
        })
        .collect();
    let (mut run, mut close) = (None, false);
    let mut moved = false;
    context.input_mut(|input| {
        for (key, by) in [(Key::ArrowDown, 1), (Key::ArrowUp, -1)] {
            if input.consume_key(Modifiers::NONE, key) {
                palette.chosen = palette.chosen.saturating_add_signed(by).min(matches.len().saturating_sub(1));
                moved = true;
            }
        }
        if input.consume_key(Modifiers::NONE, Key::Enter) {
            run = matches.get(palette.chosen).map(|row| row.command);
        }
        close = input.consume_key(Modifiers::NONE, Key::Escape);
    });
    let mut text = palette.text.clone();
    let mut chosen = palette.chosen;
    let state = &*view.state;
    let area = egui::Area::new(egui::Id::unique("command palette"))
        .anchor(Align2::CENTER_TOP, vec2(0.0, 80.0))
        .order(egui::Order::Foreground)
        .show(context, |ui| {
            egui::Frame::window(ui.style()).show(ui, |ui| {
                ui.set_width(560.0);
                let field = egui::TextEdit::singleline(&mut text)
                    .hint_text("Type a part of a command's name")
                    .desired_width(f32::INFINITY)
                    .margin(egui::Margin::same(8));
                let response = small::field_ui(ui, field, "Find a command", &mut true);
                if response.changed() {
                    chosen = 0;
                }
                ScrollArea::vertical().max_height(380.0).show(ui, |ui| {
                    for (at, info) in matches.iter().enumerate() {
                        let command = info.command;
                        let enabled = command.is_enabled(state);
                        let keys = command.shortcut_text().unwrap_or_default();
                        let button = egui::Button::new(format!("{}  {}", info.icon, info.name))
                            .shortcut_text(keys)
                            .selected(at == chosen)
                            .frame_when_inactive(at == chosen)
                            .min_size(vec2(ui.available_width(), 30.0));
                        let response = ui.add_enabled(enabled, button).on_hover_text(info.tooltip);
                        if response.clicked() {
                            run = Some(command);
                        }
                        if at == chosen && moved {
                            response.scroll_to_me(None);
                        }
                    }
                    if matches.is_empty() {
                        small::weak(ui, "No command is called that.");
                    }
                });
            });
        });
    let clicked_elsewhere = context.input(|input| {
        input.pointer.any_pressed() && input.pointer.interact_pos().is_some_and(|at| !area.response.rect.contains(at))
    });
    if let Some(palette) = &mut view.state.palette {
        palette.text = text;
        palette.chosen = chosen;
    }
    if run.is_some() || close || clicked_elsewhere {
        view.state.palette = None;
    }
    view.actions.extend(run.map(Action::Ui));
}

/// Draws the sheet of all keys while it is open.
pub fn cheat_sheet_ui(context: &egui::Context, view: &mut ViewContext<'_>) {
    if !view.state.cheat_sheet {
        return;
    }
    let response = egui::Modal::new(egui::Id::unique("cheat sheet")).show(context, |ui| {
        let size = context.content_rect().size();
        let width = (size.x - 80.0).min(1280.0);
        ui.set_width(width);
        ui.heading("Keys");
        let sections: [&[Section]; 3] =
            [&[Section::File, Section::Edit], &[Section::View, Section::Help], &[Section::Label, Section::Train]];
        ScrollArea::vertical().max_height(size.y - 150.0).show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(32.0, 0.0);
            ui.spacing_mut().interact_size.y = 20.0;
            ui.columns(3, |columns| {
                for (column, sections) in columns.iter_mut().zip(sections) {
                    for section in sections {
                        section_ui(column, *section);
                    }
                }
                pictures_ui(&mut columns[1]);
            });
        });
        ui.add_space(theme::STEP);
        ui.button("Close").on_hover_text("Esc").clicked()
    });
    if response.inner || response.should_close() {
        view.state.cheat_sheet = false;
    }
}

/// Keys that belong to no command.
fn pictures_ui(ui: &mut egui::Ui) {
    ui.add_space(theme::STEP);
    small::title(ui, "Pictures and labels");
    for (keys, what) in [
        ("1 … 9, 0, letters", "Give a label, or take it back"),
        ("Shift+its key", "Answer no"),
        ("Arrows, Home, End, Page", "Move in a grid; Shift selects"),
        ("Ctrl+click", "Add to the selection, or take out"),
        ("Double click", "Look at the picture large"),
        ("Ctrl+wheel", "Larger or smaller thumbnails"),
    ] {
        key_row(ui, what, keys);
    }
}

fn section_ui(ui: &mut egui::Ui, section: Section) {
    ui.add_space(theme::STEP);
    small::title(ui, section.name());
    for info in BLOCKS.iter().filter(|block| block.section == section).flat_map(|block| block.rows) {
        if !info.shortcuts.is_empty() {
            let keys: Vec<String> = info.shortcuts.iter().map(keys::shortcut_text).collect();
            key_row(ui, info.name, &keys.join("  or  "));
        }
    }
}

fn key_row(ui: &mut egui::Ui, what: &str, keys: &str) {
    ui.horizontal(|ui| {
        ui.label(what);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(RichText::new(keys).color(ui.visuals().weak_text_color()));
        });
    });
}
