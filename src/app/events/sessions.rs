//! A rater's session was opened; moves were stored, or not.

use crate::app::App;
use crate::app::session::SessionState;
use crate::engine::command::SessionCommand;
use crate::engine::event::SessionEvent;

impl App {
    pub(super) fn take_session_event(&mut self, event: SessionEvent) {
        let state = &mut self.state;
        match event {
            SessionEvent::Opened(session) => match &mut state.session {
                Some(open) if open.session.rater == session.rater => open.reopened(*session),
                _ => {
                    let mut opened = SessionState::new(*session, state.rater_alone, self.preferences.board_zoom);
                    opened.screen.scroll_to_cursor = true;
                    state.session = Some(opened);
                }
            },
            SessionEvent::MoveStored(sort, number) => {
                if let Some(session) = state.session.as_mut().filter(|session| session.sort_id() == Some(sort)) {
                    session.log.stored_moves = session.log.stored_moves.max(number);
                }
            }
            SessionEvent::MoveFailed(sort, notice) => {
                if let Some(session) = state.session.as_mut().filter(|session| session.sort_id() == Some(sort))
                    && !std::mem::replace(&mut session.log.reopening, true)
                {
                    let hint = notice.hint.as_deref().map_or_else(String::new, |hint| format!(" ({hint})"));
                    session.say(format!("Not saved: {}{hint}", notice.message));
                    self.engine.send(SessionCommand::Open(session.session.study, session.session.rater.id));
                    state.problem(notice);
                }
            }
        }
    }
}
