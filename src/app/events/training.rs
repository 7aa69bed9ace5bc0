//! Runs, and what leads to them.

use crate::app::App;
use crate::app::state::TrainPage;
use crate::engine::command::Lookup;
use crate::engine::event::TrainingEvent;

impl App {
    pub(super) fn take_training_event(&mut self, event: TrainingEvent) {
        let state = &mut self.state;
        match event {
            TrainingEvent::Planned(configuration, plan) => state.train.next.plan = Some((configuration, plan)),
            TrainingEvent::SplitPreviewed(request, preview) => {
                if let Some(dialog) = &mut state.split_dialog {
                    dialog.preview = Some((request, preview));
                }
            }
            TrainingEvent::RunStarted(run) => {
                state.train.live = Some(run);
                state.train.show_run(run);
                state.train.page = TrainPage::Curves;
                // What a run that goes on had done is on the disk. The demo's project is opened when the demo is done.
                if state.project.is_some() {
                    self.engine.send(Lookup::Run(run));
                }
            }
            TrainingEvent::Epoch(run, record) => {
                let seconds = record.duration_ms as f64 / 1000.0;
                let best = if record.best { ", best so far" } else { "" };
                state.train.log.push(format!("Epoch {} in {seconds:.1} s{best}", record.epoch));
                state.train.records.add_epoch(run, *record);
            }
            TrainingEvent::Batches(run, batches) => state.train.records.add_batches(run, batches),
            TrainingEvent::RunLoaded(run, epochs, batches) => state.train.loaded(run, epochs, batches),
            TrainingEvent::PredictionsLoaded(predictions) => state.train.mistakes.predictions = Some(predictions),
        }
    }
}
