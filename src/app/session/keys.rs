//! The keys of the sorting board: one list for what they do and for the help, in the order in which they were pressed.

use egui::{Event, Key, Modifiers, vec2};

use super::state::SessionState;
use crate::app::commands::UiCommand;
use crate::engine::Command;

/// What keys do.
type Run = fn(&mut SessionState, Stroke<'_>, &mut Vec<Command>);

/// Keys of one kind.
#[derive(Debug)]
pub struct KeyRow {
    /// With Ctrl, or without.
    ctrl: bool,
    keys: &'static [Key],
    /// Characters that are found at other places on other keyboards.
    characters: &'static [&'static str],
    /// The keys as people read them.
    pub shown: &'static str,
    /// What they do.
    pub what: &'static str,
    run: Run,
}

/// What was pressed.
#[derive(Clone, Copy, Debug)]
struct Stroke<'a> {
    /// None for a character.
    key: Option<Key>,
    character: &'a str,
    shift: bool,
}

const DIGITS: [Key; 10] =
    [Key::Num0, Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];

/// The keys of the board, in the order of the help. What only the mouse does stands there without a key.
#[rustfmt::skip]
pub static ROWS: &[KeyRow] = &[
    plain(&DIGITS, "1 … 9, 0 for ten", "Put the picture into that group; with more groups type the number, then Enter",
        |session, stroke, commands| {
            if let Some(digit) = DIGITS.iter().position(|known| Some(*known) == stroke.key) {
                session.digit(digit as u8, commands);
            }
        }),
    plain(&[Key::N], "N", "Put it into a new group", |session, _, commands| session.new_pile(session.targets(), commands)),
    plain(&[Key::Enter], "Enter", "Put it where the last one went; in a group: spread the group out",
        |session, _, commands| session.enter(commands)),
    plain(&[Key::ArrowLeft, Key::ArrowRight, Key::ArrowUp, Key::ArrowDown], "Arrows",
        "Go to another picture; with Shift choose several", arrow),
    plain(&[Key::Tab], "Tab", "Go to the next group; with Shift to the one before",
        |session, stroke, _| session.next_place(!stroke.shift)),
    plain(&[Key::Home, Key::End], "Home, End", "First or last picture there",
        |session, stroke, _| session.go_to_end(stroke.key == Some(Key::End), stroke.shift)),
    ctrl(&[Key::A], "Ctrl and click, Ctrl A", "Choose several pictures, or all that lie there",
        |session, _, _| session.select_all()),
    plain(&[Key::Space, Key::Z], "Space", "Look at the picture large", |session, _, _| session.screen.large = !session.screen.large),
    plain(&[Key::S], "S", "Spread the group out", |session, _, _| session.toggle_spread()),
    plain(&[Key::Delete, Key::Backspace], "Delete", "Take the picture out of its group",
        |session, _, commands| session.delete(commands)),
    plain(&[Key::L], "L", "Leave it out of all groups, where that is allowed",
        |session, _, commands| session.leave_out(session.targets(), commands)),
    plain(&[Key::F2], "F2", "Name the group", |session, _, _| session.begin_rename(session.pile_at_cursor())),
    plain(&[Key::M], "M, then a number", "Put the whole group into another",
        |session, _, _| session.begin_merge(session.pile_at_cursor())),
    // Brackets are found at other places on other keyboards.
    KeyRow { characters: &["[", "]"], ..plain(&[], "[ and ]", "Move the group along",
        |session, stroke, commands| session.reorder(stroke.character == "]", commands)) },
    ctrl(&[Key::Z, Key::Y], "Ctrl Z, Ctrl Shift Z", "Undo, redo",
        |session, stroke, commands| session.step_back(stroke.shift || stroke.key == Some(Key::Y), commands)),
    ctrl(&[Key::Plus, Key::Equals, Key::Minus, Key::Num0], "Ctrl +, Ctrl -, Ctrl 0",
        "Larger, smaller, standard size; also Ctrl and the wheel", scale),
    ctrl(&[Key::Enter], "Ctrl Enter", "Hand in, when everything is in its place", |session, _, _| session.ask_to_submit()),
    ctrl(&[Key::P], "Ctrl P", "Pause", |session, _, commands| session.pause(commands)),
    plain(&[Key::Escape], "Esc", "Close what is open, choose nothing", |session, _, _| { session.escape(); }),
    KeyRow { characters: &["?"], ..plain(&[Key::F1], "?", "These keys and how it is done",
        |session, _, _| session.screen.help = !session.screen.help) },
];

const fn plain(keys: &'static [Key], shown: &'static str, what: &'static str, run: Run) -> KeyRow {
    KeyRow { ctrl: false, keys, characters: &[], shown, what, run }
}

const fn ctrl(keys: &'static [Key], shown: &'static str, what: &'static str, run: Run) -> KeyRow {
    KeyRow { ctrl: true, ..plain(keys, shown, what, run) }
}

fn arrow(session: &mut SessionState, stroke: Stroke<'_>, _: &mut Vec<Command>) {
    let step = match stroke.key {
        Some(Key::ArrowLeft) if session.screen.large => return session.step(false),
        Some(Key::ArrowRight) if session.screen.large => return session.step(true),
        Some(Key::ArrowLeft) => vec2(-1.0, 0.0),
        Some(Key::ArrowRight) => vec2(1.0, 0.0),
        Some(Key::ArrowUp) => vec2(0.0, -1.0),
        _ => vec2(0.0, 1.0),
    };
    session.go(step, stroke.shift);
}

fn scale(session: &mut SessionState, stroke: Stroke<'_>, _: &mut Vec<Command>) {
    match stroke.key {
        Some(Key::Plus | Key::Equals) => session.scale(1.2),
        Some(Key::Minus) => session.scale(1.0 / 1.2),
        _ => session.screen.zoom = 1.0,
    }
}

/// What the keys asked for beside changes of the session.
#[derive(Debug, Default)]
pub struct Pressed {
    /// For the engine.
    pub commands: Vec<Command>,
    /// For the window.
    pub ui: Vec<UiCommand>,
}

/// Takes the keys that mean something out of the input and does what they mean. Keys typed into a field stay there,
/// but for those that end it.
pub fn press(context: &egui::Context, session: &mut SessionState) -> Pressed {
    let mut pressed = Pressed::default();
    if egui::Popup::is_any_open(context) {
        if context.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            egui::Popup::close_all(context);
        }
        return pressed;
    }
    let mut events = context.input_mut(|input| std::mem::take(&mut input.events));
    events.retain(|event| {
        // Somebody may begin or end to type between two of them.
        let typing = session.hand.renaming.is_some();
        match event {
            Event::Key { key, modifiers, pressed: true, .. } => {
                !key_down(session, *key, *modifiers, typing, &mut pressed)
            }
            Event::Text(text) if !typing => {
                let stroke = Stroke { key: None, character: text, shift: false };
                let row = ROWS.iter().find(|row| row.characters.contains(&text.as_str()));
                if let Some(row) = row.filter(|_| text == "?" || session.listens()) {
                    (row.run)(session, stroke, &mut pressed.commands);
                }
                false
            }
            _ => true,
        }
    });
    context.input_mut(|input| input.events = events);
    if session.listens() && session.hand.renaming.is_none() {
        // Tab and the arrows go from picture to picture here, not from button to button.
        context.memory_mut(|memory| memory.move_focus(egui::FocusDirection::None));
    }
    pressed
}

/// True when the key meant something.
fn key_down(session: &mut SessionState, key: Key, modifiers: Modifiers, typing: bool, pressed: &mut Pressed) -> bool {
    // What the whole window can be told also here.
    for command in [UiCommand::FullScreen, UiCommand::Quit] {
        let fits = |shortcut: &egui::KeyboardShortcut| {
            shortcut.logical_key == key && modifiers.matches_exact(shortcut.modifiers)
        };
        if command.info().shortcuts.iter().any(fits) {
            pressed.ui.push(command);
            return true;
        }
    }
    if key == Key::Escape {
        return session.escape();
    }
    if typing {
        if key == Key::Enter {
            session.end_rename(true, &mut pressed.commands);
        }
        return key == Key::Enter;
    }
    let row = ROWS.iter().find(|row| row.ctrl == modifiers.command && row.keys.contains(&key));
    let Some(row) = row.filter(|_| key == Key::F1 || session.listens() && (modifiers.command || !modifiers.alt)) else {
        return false;
    };
    (row.run)(session, Stroke { key: Some(key), character: "", shift: modifiers.shift }, &mut pressed.commands);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_key_of_a_sort_is_used_twice() {
        let mut keys = HashSet::new();
        let mut characters = HashSet::new();
        for row in ROWS {
            for key in row.keys {
                assert!(keys.insert((row.ctrl, *key)), "{key:?} is used twice, once for: {}", row.what);
            }
            for character in row.characters {
                assert!(characters.insert(*character), "{character} is used twice, once for: {}", row.what);
            }
            assert!(!row.keys.is_empty() || !row.characters.is_empty(), "no key: {}", row.what);
        }
        for command in [UiCommand::FullScreen, UiCommand::Quit] {
            for shortcut in command.info().shortcuts {
                let key = (shortcut.modifiers.command, shortcut.logical_key);
                assert!(!keys.contains(&key), "{key:?} belongs to the window");
            }
        }
    }
}
