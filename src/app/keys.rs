//! Keys, in the order in which they were pressed.
//!
//! Several keys may arrive between two frames. What each means must not depend on that: a label's key after an arrow
//! is about the next picture, one typed after Ctrl+F belongs to the search. So all of them are read from the input in
//! order, before anything is drawn, and each is understood when those before it are done.

use egui::{Event, Key, KeyboardShortcut, Modifiers};

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

/// What the window does with keys just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listening {
    /// Letters and digits are labels.
    pub labels: bool,
    /// Keys that move up and down, and with Shift also left and right, move in a grid.
    pub grid: bool,
    /// Left and right move in the grid too, rather than from picture to picture.
    pub grid_sideways: bool,
    /// Somebody types into a field, or into one that is about to be drawn: keys without Ctrl belong to it, and so do
    /// those with Ctrl that edit text.
    pub typing: bool,
    /// Something else has the focus: what moves or presses belongs to it.
    pub focused: bool,
    /// Something lies over everything and wants an answer: only Esc means something below it.
    pub dialog: bool,
}

/// What an event means; nothing, if it is for what is drawn. Several keys may arrive between two frames, and what one
/// means depends on what those before it did, so each is asked about when its turn comes.
pub fn meaning(event: &Event, listening: Listening) -> Option<Pressed> {
    if listening.dialog {
        let escape =
            matches!(event, Event::Key { key: Key::Escape, pressed: true, modifiers, .. } if modifiers.is_none());
        return escape.then_some(Pressed::Command(UiCommand::SelectNone));
    }
    match event {
        Event::Text(text) if text == "?" && !listening.typing => Some(Pressed::Command(UiCommand::CheatSheet)),
        // The system turns these two keys into events of their own.
        Event::Copy if !listening.typing => Some(Pressed::Command(UiCommand::CopyLabels)),
        Event::Paste(_) if !listening.typing => Some(Pressed::Command(UiCommand::PasteLabels)),
        Event::Key { key, modifiers, pressed: true, .. } => of_key(*key, *modifiers, listening),
        _ => None,
    }
}

/// While a menu or a list is open, all keys belong to it, and Esc closes it. True if one is.
pub fn belong_to_a_popup(context: &egui::Context) -> bool {
    let open = egui::Popup::is_any_open(context);
    if open && context.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        egui::Popup::close_all(context);
    }
    open
}

fn of_key(key: Key, modifiers: Modifiers, listening: Listening) -> Option<Pressed> {
    let typing = listening.typing;
    let arrow = matches!(key, Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown);
    if listening.focused && modifiers.is_none() && (arrow || matches!(key, Key::Space | Key::Enter)) {
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
    let row = UiCommand::rows().find(|row| {
        row.shortcuts.iter().any(|shortcut| {
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
    if let Some(row) = row {
        return Some(Pressed::Command(row.command));
    }
    let plain = !modifiers.command && !modifiers.ctrl && !modifiers.alt;
    if typing || !listening.labels || !plain {
        return None;
    }
    let at = label_palette::KEYS.iter().position(|(label_key, _)| *label_key == key)?;
    Some(Pressed::Label(at, !modifiers.shift))
}

/// A shortcut as it stands on the keyboard: "Ctrl+Shift+P", "?", "Esc".
pub fn shortcut_text(shortcut: &KeyboardShortcut) -> String {
    let mac = cfg!(target_os = "macos");
    let modifiers = shortcut.modifiers;
    let mut text = String::new();
    for (pressed, name) in [
        (modifiers.command || modifiers.ctrl, if mac { "Cmd+" } else { "Ctrl+" }),
        (modifiers.alt, if mac { "Option+" } else { "Alt+" }),
        (modifiers.shift, "Shift+"),
    ] {
        if pressed {
            text.push_str(name);
        }
    }
    text.push_str(match shortcut.logical_key {
        Key::Questionmark => "?",
        Key::Plus => "+",
        Key::Minus => "–",
        Key::Equals => "=",
        Key::Period => ".",
        Key::Escape => "Esc",
        Key::ArrowLeft => "Left",
        Key::ArrowRight => "Right",
        key => key.name(),
    });
    text
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
