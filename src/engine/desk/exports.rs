//! Files that are written at once.

use super::Desk;
use crate::dataset::SortChoice;
use crate::engine::analysis::Question;
use crate::engine::command::ExportCommand;
use crate::engine::event::Event;
use crate::engine::jobs::{counted, export_groupings, study};
use crate::engine::output_file::{Existing, FileKind, OutputFile};
use crate::error::Result;
use crate::interchange::grouping_forms::GroupingForm;
use crate::interchange::move_log;

impl Desk {
    pub(super) fn export(&mut self, command: ExportCommand) -> Result<()> {
        match command {
            ExportCommand::Agreement { request, level, folder } => {
                self.ask(Question::ExportAgreement(request, level, folder))
            }
            ExportCommand::Assignments { request, file } => self.ask(Question::Export(request, file)),
            ExportCommand::MoveLog(study, file) => {
                let project = self.project()?;
                let file = OutputFile::new(Some(project), &file, FileKind::JsonLines, Existing::Replace)?;
                let lines = study::log_of(project, study)?;
                file.write(|target| move_log::write(&lines, target))?;
                let text = format!("Wrote {} to {}", counted(lines.len(), "line"), file.path().display());
                self.outbox.push(Event::Done(text));
                Ok(())
            }
            ExportCommand::Groupings(file) => {
                let project = self.project()?;
                let file = OutputFile::new(Some(project), &file, FileKind::Csv, Existing::Replace)?;
                let choice = SortChoice::default();
                let written = export_groupings::run(project, GroupingForm::LongCsv, &choice, None, &file)?;
                let text = format!("Wrote {} to {}", counted(written.groupings, "grouping"), file.path().display());
                self.outbox.push(Event::Done(text));
                Ok(())
            }
        }
    }
}
