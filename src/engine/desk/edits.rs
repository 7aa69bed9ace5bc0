//! Edits of labels and pictures, and the history of all edits.

use super::Desk;
use crate::engine::analysis::Question;
use crate::engine::command::EditCommand;
use crate::engine::event::{EditEvent, Event, ProjectChange};
use crate::engine::jobs::cluster;
use crate::error::Result;
use crate::project::history::Change;

impl Desk {
    pub(super) fn edit(&mut self, command: EditCommand) -> Result<()> {
        match command {
            EditCommand::AddLabel(name) => {
                self.project()?.add_label(&name)?;
                self.labels_changed()
            }
            EditCommand::RenameLabel(label, name) => {
                self.project()?.rename_label(label, &name)?;
                self.labels_changed()
            }
            EditCommand::RemoveLabel(label) => {
                let project = self.project()?;
                let name = project.labels()?.into_iter().find(|known| known.id == label).map(|known| known.name);
                project.remove_label(label)?;
                let name = name.unwrap_or_default();
                self.outbox.push(Event::Done(format!("Label “{name}” removed; undo brings it back with its answers")));
                self.reload()
            }
            EditCommand::SetAside(images, reason) => self.about(&images, |desk| {
                desk.project()?.set_aside(&images, reason.as_deref())?;
                // Other pictures are clustered now.
                let shared = desk.project()?.share_for_reading()?;
                desk.ask(Question::Project(Some(shared)))?;
                desk.changed(ProjectChange::SetAside { images: images.clone(), reason })
            }),
            EditCommand::UseSplit(split) => {
                self.project()?.use_split(split)?;
                self.outbox.push(Event::Done(format!("Split {} is in use again; undo takes that back", split.0)));
                self.reload()
            }
            EditCommand::KeepClustering(name, shown) => {
                let project = self.project()?;
                cluster::keep(project, &name, &shown.features, &shown.clustering, &shown.request.made())?;
                let clusterings = project.clusterings()?;
                self.outbox.push(Event::Done(format!("Kept as “{}”", crate::names::clean(&name))));
                self.changed(ProjectChange::Clusterings(clusterings))
            }
            EditCommand::Undo => {
                let change = self.project()?.undo()?;
                self.show_history_step(change, false)
            }
            EditCommand::Redo => {
                let change = self.project()?.redo()?;
                self.show_history_step(change, true)
            }
        }
    }

    fn labels_changed(&mut self) -> Result<()> {
        let labels = self.project()?.labels()?;
        self.changed(ProjectChange::Labels(labels))
    }

    /// Shows what undo or redo did. Annotations of the person at work go the quick way.
    fn show_history_step(&mut self, change: Option<Change>, forward: bool) -> Result<()> {
        if let Some(change) = &change {
            let what = self.project()?.describe(change)?;
            self.outbox.push(EditEvent::HistoryStep { forward, what });
        }
        match change {
            None => Ok(()),
            Some(Change::Annotate { mut edits })
                if edits
                    .iter()
                    .all(|edit| self.annotator.as_ref().is_some_and(|person| person.id == edit.annotator)) =>
            {
                if !forward {
                    for edit in &mut edits {
                        std::mem::swap(&mut edit.before, &mut edit.after);
                    }
                }
                let (undo, redo) = self.project()?.history_outlook()?;
                self.outbox.push(EditEvent::Annotated { edits, undo, redo });
                Ok(())
            }
            Some(_) => self.reload(),
        }
    }
}
