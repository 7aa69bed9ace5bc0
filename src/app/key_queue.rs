//! Keys that arrive faster than frames are drawn.
//!
//! What a key means depends on who has the keyboard: a letter typed after Ctrl+F belongs to the search field, one typed
//! after Enter to whatever has the focus then. On a slow frame all of them arrive at once, before anything is drawn. So a
//! frame takes the events up to the first one that may give the keyboard to something else; the rest wait for the next
//! frame, which is drawn at once.

use std::collections::VecDeque;

use egui::{Event, Key, Modifiers, Plugin, RawInput};

/// Holds back what belongs to the next frame.
#[derive(Debug, Default)]
pub struct KeyQueue {
    waiting: VecDeque<Event>,
}

impl Plugin for KeyQueue {
    fn debug_name(&self) -> &'static str {
        "key queue"
    }

    fn input_hook(&mut self, context: &egui::Context, input: &mut RawInput) {
        self.waiting.extend(input.events.drain(..));
        let end = self.waiting.iter().position(may_move_the_keyboard).map_or(self.waiting.len(), |at| at + 1);
        let keys_follow = self.waiting.range(end..).any(is_typed);
        let taken = if keys_follow { end } else { self.waiting.len() };
        input.events.extend(self.waiting.drain(..taken));
        if !self.waiting.is_empty() {
            context.request_repaint();
        }
    }
}

/// True for what may open, close or leave a field, a list or a view. Editing keys with Ctrl do neither: undo may be held
/// down for long.
fn may_move_the_keyboard(event: &Event) -> bool {
    const EDITING: [Key; 18] = [
        Key::Z,
        Key::Y,
        Key::A,
        Key::C,
        Key::V,
        Key::X,
        Key::D,
        Key::J,
        Key::Plus,
        Key::Minus,
        Key::Equals,
        Key::Backspace,
        Key::Delete,
        Key::ArrowLeft,
        Key::ArrowRight,
        Key::ArrowUp,
        Key::ArrowDown,
        Key::Num0,
    ];
    match event {
        Event::Key {
            key: Key::Enter | Key::Tab | Key::Escape | Key::F1 | Key::F2 | Key::F11, pressed: true, ..
        } => true,
        Event::Key { key, modifiers, pressed: true, .. } => {
            let with: Modifiers = *modifiers;
            (with.command || with.ctrl || with.alt) && !EDITING.contains(key)
        }
        Event::PointerButton { pressed: false, .. } | Event::AccessKitActionRequest(_) => true,
        Event::Text(text) => text == "?",
        _ => false,
    }
}

fn is_typed(event: &Event) -> bool {
    matches!(event, Event::Key { pressed: true, .. } | Event::Text(_) | Event::Paste(_) | Event::Ime(_))
}
