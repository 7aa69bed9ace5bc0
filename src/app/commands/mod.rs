//! Everything a person can tell the window to do: the one list behind menus, keys, the command palette and the sheet of
//! keys.
//!
//! A command is a row of [`list`]: what is shown of it, when it can be used ([`enabled`]), and what it does ([`run`], where
//! that is more than a line).

mod enabled;
mod run;

use egui::{Key, KeyboardShortcut, Modifiers};

use super::state::AppState;
use super::{App, keys};
pub use enabled::Availability;

/// Where commands stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Section {
    File,
    Edit,
    View,
    Label,
    Train,
    Help,
}

impl Section {
    /// All sections in the order of the menus.
    pub const ALL: [Self; 6] = [Self::File, Self::Edit, Self::View, Self::Label, Self::Train, Self::Help];

    /// The menu's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::View => "View",
            Self::Label => "Label",
            Self::Train => "Train",
            Self::Help => "Help",
        }
    }
}

/// A row of the list of commands.
#[derive(Debug)]
pub struct CommandRow {
    /// The command.
    pub command: UiCommand,
    /// As in menus.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub tooltip: &'static str,
    /// A character of the icon font, or nothing.
    pub icon: &'static str,
    /// Keys, the first one shown.
    pub shortcuts: &'static [KeyboardShortcut],
    enabled: fn(&AppState) -> Availability,
    run: fn(&mut App, &egui::Context),
}

/// Commands that stand together in a menu.
#[derive(Debug)]
pub struct Block {
    /// The menu.
    pub section: Section,
    /// The commands in their order.
    pub rows: &'static [CommandRow],
}

/// Makes the type of the commands and their rows from the list, so that none can be in the one and not in the other.
macro_rules! ui_commands {
    ($($section:ident { $(
        $command:ident: $icon:expr, $name:literal, $tooltip:literal, [$($key:expr),*], $enabled:expr => $run:expr;
    )* })*) => {
        /// A command of the window.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum UiCommand {
            $($(#[doc = $tooltip] $command,)*)*
        }

        /// All commands in the order of the menus.
        pub static BLOCKS: &[Block] = &[$(Block {
            section: Section::$section,
            rows: &[$(CommandRow {
                command: UiCommand::$command,
                name: $name,
                tooltip: $tooltip,
                icon: $icon,
                shortcuts: &[$($key),*],
                enabled: $enabled,
                run: $run,
            },)*],
        },)*];
    };
}

#[rustfmt::skip]
mod list;
pub use list::{BLOCKS, UiCommand};

const CTRL_SHIFT: Modifiers = Modifiers { shift: true, ..Modifiers::COMMAND };

const fn key(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(CTRL_SHIFT, key)
}

impl UiCommand {
    /// Every row in the order of the menus.
    pub fn rows() -> impl Iterator<Item = &'static CommandRow> {
        BLOCKS.iter().flat_map(|block| block.rows)
    }

    /// What is shown of it.
    pub fn info(self) -> &'static CommandRow {
        let mut rows = Self::rows();
        rows.find(|row| row.command == self).unwrap_or(&BLOCKS[0].rows[0])
    }

    /// The first of its keys, as people read it.
    pub fn shortcut_text(self) -> Option<String> {
        self.info().shortcuts.first().map(keys::shortcut_text)
    }

    /// Whether it makes sense now.
    pub fn is_enabled(self, state: &AppState) -> bool {
        (self.info().enabled)(state).is_ok()
    }

    /// Why it cannot be used now, where that needs saying.
    pub fn why_not(self, state: &AppState) -> Option<String> {
        (self.info().enabled)(state).err().flatten()
    }
}

impl App {
    /// Does what a command says, if it makes sense now.
    pub(super) fn run_command(&mut self, context: &egui::Context, command: UiCommand) {
        let row = command.info();
        if (row.enabled)(&self.state).is_ok() {
            (row.run)(self, context);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::widgets::label_palette;
    use std::collections::{HashMap, HashSet};

    #[test]
    fn no_two_commands_have_a_name_in_common() {
        let names: HashSet<&str> = UiCommand::rows().map(|row| row.name).collect();
        assert_eq!(names.len(), UiCommand::rows().count());
        assert!(UiCommand::rows().all(|row| row.command.info().name == row.name));
    }

    /// Commands and labels are listened to together. A label's letter is free while a command's is taken only with Ctrl.
    #[test]
    fn no_key_is_used_twice() {
        let mut used: HashMap<KeyboardShortcut, String> = HashMap::new();
        let commands = UiCommand::rows().flat_map(|row| row.shortcuts.iter().map(|key| (*key, row.name.to_owned())));
        // With Shift a label's key answers no.
        let labels = label_palette::KEYS.iter().flat_map(|(letter, name)| {
            [Modifiers::NONE, Modifiers::SHIFT]
                .map(|modifiers| (KeyboardShortcut::new(modifiers, *letter), format!("the label at {name}")))
        });
        for (shortcut, what) in commands.chain(labels) {
            if let Some(other) = used.insert(shortcut, what.clone()) {
                panic!("{shortcut:?} is the key of “{what}” and of “{other}”");
            }
        }
    }
}
