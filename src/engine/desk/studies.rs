//! Studies and who takes part in them.

use super::Desk;
use crate::engine::command::StudyCommand;
use crate::engine::event::{Event, ProjectChange};
use crate::error::Result;

impl Desk {
    pub(super) fn study(&mut self, command: StudyCommand) -> Result<()> {
        let project = self.project()?;
        match command {
            StudyCommand::Create(study) => {
                project.create_study(&study)?;
                self.outbox.push(Event::Done(format!("Study “{}” is ready", study.name.trim())));
            }
            StudyCommand::AddRater(study, name) => {
                project.add_rater(study, &name)?;
            }
            StudyCommand::RemoveRater(study, rater) => {
                project.remove_rater(study, rater)?;
                let text = "Taken out; what was sorted is kept. Add the name again to undo";
                self.outbox.push(Event::Done(text.to_owned()));
            }
            StudyCommand::RenewLink(study, rater) => {
                project.renew_link(study, rater)?;
            }
            StudyCommand::SetClosed(study, closed) => project.set_study_closed(study, closed)?,
        }
        self.studies_changed()
    }

    pub(super) fn studies_changed(&mut self) -> Result<()> {
        let studies = self.project()?.studies()?;
        self.changed(ProjectChange::Studies(studies))
    }
}
