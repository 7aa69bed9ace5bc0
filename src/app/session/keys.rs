//! The keys of the sorting board, in the order in which they were pressed.

use egui::{Event, Key, Modifiers, vec2};

use super::state::{Page, SessionState};
use crate::app::commands::UiCommand;
use crate::engine::Command;

/// Every key with what it does, for the help.
pub const HELP: [(&str, &str); 20] = [
    ("1 … 9, 0 for ten", "Put the picture into that group; with more groups type the number, then Enter"),
    ("N", "Put it into a new group"),
    ("Enter", "Put it where the last one went; in a group: spread the group out"),
    ("Arrows", "Go to another picture; with Shift choose several"),
    ("Tab", "Go to the next group; with Shift to the one before"),
    ("Home, End", "First or last picture there"),
    ("Ctrl and click, Ctrl A", "Choose several pictures, or all that lie there"),
    ("Space", "Look at the picture large"),
    ("S", "Spread the group out"),
    ("Delete", "Take the picture out of its group"),
    ("L", "Leave it out of all groups, where that is allowed"),
    ("F2", "Name the group"),
    ("M, then a number", "Put the whole group into another"),
    ("[ and ]", "Move the group along"),
    ("Ctrl Z, Ctrl Shift Z", "Undo, redo"),
    ("Ctrl +, Ctrl -, Ctrl 0", "Larger, smaller, standard size; also Ctrl and the wheel"),
    ("Ctrl Enter", "Hand in, when everything is in its place"),
    ("Ctrl P", "Pause"),
    ("Esc", "Close what is open, choose nothing"),
    ("?", "These keys and how it is done"),
];

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
        let typing = session.renaming.is_some();
        match event {
            Event::Key { key, modifiers, pressed: true, .. } => {
                !key_down(session, *key, *modifiers, typing, &mut pressed)
            }
            Event::Text(text) if text == "?" && !typing => {
                session.help = !session.help;
                false
            }
            // Brackets are found at other places on other keyboards.
            Event::Text(text) if (text == "[" || text == "]") && !typing && session.page == Page::Board => {
                session.reorder(text == "]", &mut pressed.commands);
                false
            }
            Event::Text(_) => typing,
            _ => true,
        }
    });
    context.input_mut(|input| input.events = events);
    if session.page == Page::Board && session.renaming.is_none() && !session.confirming && !session.help {
        // Tab and the arrows go from picture to picture here, not from button to button.
        context.memory_mut(|memory| memory.move_focus(egui::FocusDirection::None));
    }
    pressed
}

/// True when the key meant something.
fn key_down(session: &mut SessionState, key: Key, modifiers: Modifiers, typing: bool, pressed: &mut Pressed) -> bool {
    match key {
        Key::F11 => {
            pressed.ui.push(UiCommand::FullScreen);
            return true;
        }
        Key::Q if modifiers.command => {
            pressed.ui.push(UiCommand::Quit);
            return true;
        }
        Key::Escape => return session.escape(),
        Key::F1 => {
            session.help = !session.help;
            return true;
        }
        _ => {}
    }
    if typing {
        if key == Key::Enter {
            session.end_rename(true, &mut pressed.commands);
            return true;
        }
        return false;
    }
    if session.page != Page::Board || session.confirming || session.help {
        return false;
    }
    let commands = &mut pressed.commands;
    if modifiers.command {
        match key {
            Key::Z if modifiers.shift => session.step_back(true, commands),
            Key::Z => session.step_back(false, commands),
            Key::Y => session.step_back(true, commands),
            Key::A => session.select_all(),
            Key::Plus | Key::Equals => session.scale(1.2),
            Key::Minus => session.scale(1.0 / 1.2),
            Key::Num0 => session.zoom = 1.0,
            Key::Enter => session.ask_to_submit(),
            Key::P => session.pause(commands),
            _ => return false,
        }
        return true;
    }
    if modifiers.alt {
        return false;
    }
    let shift = modifiers.shift;
    let targets = session.targets();
    match key {
        Key::ArrowLeft if session.large => session.step(false),
        Key::ArrowRight if session.large => session.step(true),
        Key::ArrowLeft => session.go(vec2(-1.0, 0.0), shift),
        Key::ArrowRight => session.go(vec2(1.0, 0.0), shift),
        Key::ArrowUp => session.go(vec2(0.0, -1.0), shift),
        Key::ArrowDown => session.go(vec2(0.0, 1.0), shift),
        Key::Home => session.go_to_end(false, shift),
        Key::End => session.go_to_end(true, shift),
        Key::Tab => session.next_place(!shift),
        Key::Enter => session.enter(commands),
        Key::N => session.new_pile(targets, commands),
        Key::Delete | Key::Backspace if !session.typed.is_empty() => {
            session.typed.pop();
        }
        Key::Delete | Key::Backspace => session.take_back(targets, commands),
        Key::L => session.leave_out(targets, commands),
        Key::Space | Key::Z => session.large = !session.large,
        Key::S => session.spread = if session.spread.is_some() { None } else { session.pile_at_cursor() },
        Key::M => session.begin_merge(session.pile_at_cursor()),
        Key::F2 => session.begin_rename(session.pile_at_cursor()),
        key => match digit(key) {
            Some(digit) if !shift => session.digit(digit, commands),
            _ => return false,
        },
    }
    true
}

fn digit(key: Key) -> Option<u8> {
    const DIGITS: [Key; 10] =
        [Key::Num0, Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
    DIGITS.iter().position(|known| *known == key).map(|at| at as u8)
}
