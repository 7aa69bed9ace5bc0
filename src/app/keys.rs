//! Keys, in the order in which they were pressed.
//!
//! Several keys may arrive between two frames. What each means must not depend on that: a label's key after an arrow
//! is about the next picture. So all of them are read from the input in order, before anything is drawn.

use egui::{Event, Key, Modifiers};

use super::commands::UiCommand;
use super::widgets::label_palette;

/// A step in a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum GridStep {
    Left,
    Right,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
}

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// A command of the window.
    Command(UiCommand),
    /// The key of the label at this place of the vocabulary: yes, or with Shift no.
    Label(usize, bool),
    /// A step in the grid on show, with Shift extending the selection.
    Move(GridStep, bool),
}

/// What the view on show does with keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listening {
    /// Letters and digits are labels.
    pub labels: bool,
    /// Keys that move up and down, and with Shift also left and right, move in a grid.
    pub grid: bool,
    /// Left and right move in the grid too, rather than from picture to picture.
    pub grid_sideways: bool,
}

/// Takes the keys that mean something out of the input, in their order. While somebody types into a field, keys
/// without Ctrl belong to the field, and so do those with Ctrl that edit text; while a menu or a list is open, all
/// belong to it, and Esc closes it; what moves or presses belongs to a button that has the focus.
pub fn pressed(context: &egui::Context, listening: Listening) -> Vec<Pressed> {
    if egui::Popup::is_any_open(context) {
        if context.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            egui::Popup::close_all(context);
        }
        return Vec::new();
    }
    let typing = context.text_edit_focused();
    let focused = context.memory(|memory| memory.focused().is_some());
    let mut pressed = Vec::new();
    context.input_mut(|input| {
        input.events.retain(|event| {
            let meaning = match event {
                Event::Text(text) if text == "?" && !typing => Some(Pressed::Command(UiCommand::CheatSheet)),
                // The system turns these two keys into events of their own.
                Event::Copy if !typing => Some(Pressed::Command(UiCommand::CopyLabels)),
                Event::Paste(_) if !typing => Some(Pressed::Command(UiCommand::PasteLabels)),
                Event::Key { key, modifiers, pressed: true, .. } => {
                    meaning(*key, *modifiers, typing, focused && !typing, listening)
                }
                _ => None,
            };
            // Pasting may arrive as an event and as a key.
            if let Some(meaning) = meaning
                && !(meaning == Pressed::Command(UiCommand::PasteLabels) && pressed.contains(&meaning))
            {
                pressed.push(meaning);
            }
            meaning.is_none()
        });
    });
    pressed
}

fn meaning(key: Key, modifiers: Modifiers, typing: bool, focused: bool, listening: Listening) -> Option<Pressed> {
    let arrow = matches!(key, Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown);
    if focused && modifiers.is_none() && (arrow || matches!(key, Key::Space | Key::Enter)) {
        return None;
    }
    if !typing
        && listening.grid
        && !modifiers.command
        && !modifiers.alt
        && let Some(step) = grid_step(key, modifiers.shift || listening.grid_sideways)
    {
        return Some(Pressed::Move(step, modifiers.shift));
    }
    let command = UiCommand::ALL.into_iter().find(|command| {
        command.info().shortcuts.iter().any(|shortcut| {
            // Plus needs Shift on many keyboards.
            let fits = match key {
                Key::Plus => modifiers.matches_logically(shortcut.modifiers),
                _ => modifiers.matches_exact(shortcut.modifiers),
            };
            let belongs_to_field = shortcut.modifiers.is_none() && key != Key::F11
                || matches!(key, Key::A | Key::C | Key::V | Key::Z | Key::Y | Key::Num0);
            shortcut.logical_key == key && fits && !(typing && belongs_to_field)
        })
    });
    if let Some(command) = command {
        return Some(Pressed::Command(command));
    }
    let plain = !modifiers.command && !modifiers.ctrl && !modifiers.alt;
    if typing || !listening.labels || !plain {
        return None;
    }
    let at = label_palette::KEYS.iter().position(|(label_key, _)| *label_key == key)?;
    Some(Pressed::Label(at, !modifiers.shift))
}

fn grid_step(key: Key, sideways: bool) -> Option<GridStep> {
    Some(match key {
        Key::ArrowLeft if sideways => GridStep::Left,
        Key::ArrowRight if sideways => GridStep::Right,
        Key::ArrowUp => GridStep::Up,
        Key::ArrowDown => GridStep::Down,
        Key::PageUp => GridStep::PageUp,
        Key::PageDown => GridStep::PageDown,
        Key::Home => GridStep::Home,
        Key::End => GridStep::End,
        _ => return None,
    })
}
