//! Questions: answered by the analyst, from files, or by a look at the project beside other work.

use super::Desk;
use crate::engine::analysis::Question;
use crate::engine::command::Lookup;
use crate::engine::event::{Event, Notice, TrainingEvent};
use crate::engine::jobs::{plan, split_preview};
use crate::error::{Error, Result};
use crate::project::Project;
use crate::training;

impl Desk {
    pub(super) fn lookup(&mut self, lookup: Lookup) -> Result<()> {
        match lookup {
            Lookup::Run(run) => {
                let folder = self.project()?.run_folder(run);
                let (epochs, batches) = (training::read_epochs(&folder)?, training::read_batches(&folder)?);
                self.outbox.push(TrainingEvent::RunLoaded(run, epochs, batches));
                Ok(())
            }
            Lookup::Predictions(run) => self.ask(Question::Predictions(run)),
            Lookup::Plan(configuration) => self.look(move |project| {
                let plan = plan::plan(project, &configuration);
                let plan = plan.map(Box::new).map_err(|error| Notice::from(&error));
                TrainingEvent::Planned(configuration, plan)
            }),
            Lookup::Split(request) => self.look(move |project| {
                let preview = split_preview::run(project, &request).map_err(|error| Notice::from(&error));
                TrainingEvent::SplitPreviewed(request, preview)
            }),
            Lookup::Explore(request) => self.ask(Question::Explore(request)),
            Lookup::Agreement(request) => self.ask(Question::Agreement(request)),
        }
    }

    /// Looks something up that takes longer than an edit may wait; it comes as an event.
    fn look<E: Into<Event>>(&mut self, work: impl FnOnce(&Project) -> E + Send + 'static) -> Result<()> {
        let project = self.project()?.share_for_reading()?;
        let outbox = self.outbox.clone();
        std::thread::Builder::new()
            .name("look".to_owned())
            .spawn(move || outbox.push(work(&project)))
            .map_err(|error| Error::device(format!("no thread for the engine could be started: {error}")))?;
        Ok(())
    }
}
