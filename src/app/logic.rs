//! What happens between frames beside events: what the keys mean, and what was asked for goes to the engine.

use super::commands::UiCommand;
use super::keys::{self, Listening, Pressed};
use super::session;
use super::state::{View, WhoQuestion};
use super::{Action, App};
use crate::engine::Command;
use crate::engine::command::AnnotationCommand;

impl App {
    /// Does what the keys pressed since the last frame mean, one after another.
    pub(super) fn press(&mut self, context: &egui::Context) {
        if let Some(session) = &mut self.state.session {
            let pressed = session::keys::press(context, session);
            pressed.commands.into_iter().for_each(|command| self.engine.send(command));
            for command in pressed.ui {
                self.run_command(context, command);
            }
            return;
        }
        if keys::belong_to_a_popup(context) {
            return;
        }
        if let Some(who) = &mut self.state.who {
            who.just_asked = false;
        }
        let events = context.input_mut(|input| std::mem::take(&mut input.events));
        let mut for_what_is_drawn = Vec::with_capacity(events.len());
        let mut pasted = false;
        for event in events {
            let listening = self.listening(context);
            match keys::meaning(&event, listening) {
                // Pasting may arrive as an event and as a key.
                Some(Pressed::Command(UiCommand::PasteLabels)) if std::mem::replace(&mut pasted, true) => {}
                Some(pressed) => self.do_pressed(context, pressed),
                // Letters of keys that nobody types into must not reach a field that is opened after them.
                None if matches!(event, egui::Event::Text(_)) && !listening.typing && !listening.dialog => {}
                None => for_what_is_drawn.push(event),
            }
        }
        context.input_mut(|input| input.events = for_what_is_drawn);
    }

    /// What keys mean just now.
    fn listening(&self, context: &egui::Context) -> Listening {
        let state = &self.state;
        let focused_cluster = state.view == View::Explore && state.explore.focused_cluster.is_some();
        let covered = state.palette.is_some() || state.cheat_sheet;
        let typing = context.text_edit_focused() || state.field_awaits_keyboard();
        Listening {
            labels: matches!(state.view, View::Library | View::Label) && !covered,
            grid: (state.view == View::Library || focused_cluster) && !covered,
            grid_sideways: focused_cluster,
            typing,
            focused: !typing && context.memory(|memory| memory.focused().is_some()),
            dialog: state.dialog_is_open(),
        }
    }

    fn do_pressed(&mut self, context: &egui::Context, pressed: Pressed) {
        match pressed {
            Pressed::Command(command) => self.run_command(context, command),
            Pressed::Move(step, extend) => self.state.go(step, extend),
            Pressed::Label(at, yes) => {
                let project = self.state.project.as_ref().filter(|project| !project.snapshot.read_only);
                let Some(label) = project.and_then(|project| project.snapshot.labels.get(at)).map(|label| label.id)
                else {
                    return;
                };
                let images = self.state.target_images();
                if !images.is_empty() {
                    self.send(if yes {
                        AnnotationCommand::ToggleLabel { images, label }
                    } else {
                        AnnotationCommand::ToggleNo { images, label }
                    });
                }
            }
        }
    }

    /// Hands a command to the engine. An answer waits, and with it all after it, until it is known whose it is.
    pub(super) fn send(&mut self, command: impl Into<Command>) {
        let state = &mut self.state;
        match command.into() {
            Command::Annotation(command) if command.gives_answers() => {
                if state.view == View::Label && !matches!(command, AnnotationCommand::Confirm(_)) {
                    state.label.touched = state.library.selection.cursor;
                }
                let nobody = state.project.as_ref().is_some_and(|project| project.snapshot.annotator.is_none());
                if nobody && !state.who_was_chosen {
                    let asked = || WhoQuestion { focus: true, just_asked: true, ..WhoQuestion::default() };
                    state.who.get_or_insert_with(asked).answers.push(command);
                } else {
                    self.engine.send(command);
                }
            }
            // Choosing somebody answers the question, wherever it is done.
            Command::Annotation(command @ AnnotationCommand::ChooseAnnotator(_)) => {
                let waiting = state.who.take().map_or_else(Vec::new, |who| who.answers);
                state.who_was_chosen = true;
                self.engine.send(command);
                waiting.into_iter().for_each(|answer| self.engine.send(answer));
            }
            Command::Annotation(command @ AnnotationCommand::ShowEverybody) => {
                state.who_was_chosen = false;
                self.engine.send(command);
            }
            command => self.engine.send(command),
        }
    }

    /// Does what was asked for in a frame.
    pub(super) fn act(&mut self, context: &egui::Context, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Engine(command) => self.send(command),
                Action::Ui(command) => self.run_command(context, command),
                Action::Path(question, path) => self.path_chosen(question, path),
                Action::Browse(purpose) => self.dialogs.ask(purpose, &self.main_thread, &self.wake),
            }
        }
    }

    /// Asks the engine for what is on show and was not asked for yet.
    pub(super) fn look_up(&mut self) {
        for lookup in super::views::wants(&mut self.state) {
            self.engine.send(lookup);
        }
    }
}
