//! A rater's session in the window.

use super::Desk;
use crate::engine::command::SessionCommand;
use crate::engine::event::{Notice, SessionEvent};
use crate::engine::session::RaterSession;
use crate::engine::sorts::MoveRequest;
use crate::error::{Error, Result};
use crate::ids::{PersonId, StudyId};

impl Desk {
    pub(super) fn session(&mut self, command: SessionCommand) -> Result<()> {
        match command {
            SessionCommand::Open(study, rater) => self.open_session(study, rater),
            SessionCommand::OpenOf { study, rater } => {
                let study = self.project()?.study_named(study.as_deref())?;
                let found = study.raters.iter().find(|known| known.person.name == rater.trim());
                let names: Vec<&str> = study.raters.iter().map(|rater| rater.person.name.as_str()).collect();
                let found = found.ok_or_else(|| {
                    Error::user(format!("{rater} does not take part in the study “{}”", study.name))
                        .hint(format!("its raters are {}", names.join(", ")))
                })?;
                self.open_session(study.id, found.person.id)
            }
            SessionCommand::Move(request) => self.make_move(request),
            SessionCommand::Pause(sort) => {
                self.project()?.end_visit(sort)?;
                self.studies_changed()
            }
            SessionCommand::Submit(id) => {
                let project = self.project()?;
                let (study, rater) = {
                    let stored = project.sort(id)?;
                    project.submit_sort(id)?;
                    (stored.study, stored.rater.id)
                };
                self.sorts.forget(id);
                self.open_session(study, rater)?;
                self.reload()
            }
            SessionCommand::NewVersion(id) => {
                let new = self.project()?.new_version(id)?;
                self.open_session(new.study, new.rater.id)
            }
        }
    }

    fn open_session(&mut self, study: StudyId, rater: PersonId) -> Result<()> {
        let session = RaterSession::open(self.project()?, study, rater)?;
        if let Some(current) = &session.current {
            let id = current.id;
            let project = self.project.as_mut().ok_or_else(|| Error::internal("the project is gone"))?;
            project.begin_visit(id)?;
            self.sorts.forget(id);
            self.sorts.opened(project, id)?;
        }
        self.outbox.push(SessionEvent::Opened(Box::new(session)));
        Ok(())
    }

    fn make_move(&mut self, request: MoveRequest) -> Result<()> {
        let sort = request.sort;
        let project = self.project.as_mut().ok_or_else(|| Error::user("no project is open"))?;
        let outcome = self.sorts.make_moves(project, &[request]).pop();
        self.outbox.push(match outcome {
            Some(Ok(number)) => SessionEvent::MoveStored(sort, number),
            Some(Err(error)) => SessionEvent::MoveFailed(sort, Notice::from(&error)),
            None => return Err(Error::internal("a move had no outcome")),
        });
        Ok(())
    }
}
