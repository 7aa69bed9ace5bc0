//! What the Train view is set to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::dataset::Part;
use crate::engine::Notice;
use crate::engine::jobs::plan::TrainingPlan;
use crate::engine::jobs::predictions::RunPredictions;
use crate::ids::{ImageId, RunId};
use crate::training::{BatchLoss, EpochRecord, TrainingConfiguration};

/// What the Train view shows of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TrainPage {
    #[default]
    Curves,
    Labels,
    Compare,
    Log,
    Plan,
}

impl TrainPage {
    /// Each with its name and what it is for.
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Curves, "Curves", "How well the network fits, epoch by epoch"),
        (Self::Labels, "Labels", "How well each label is predicted, and the pictures it got most wrong"),
        (Self::Compare, "Compare", "Several runs over each other, and what differed in their settings"),
        (Self::Log, "Log", "What the run said while it was at work"),
        (Self::Plan, "Next run", "What the next run would work on, and how long it would take"),
    ];
}

/// A column of the table of labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LabelColumn {
    Name,
    TrainPositives,
    ValidationPositives,
    Train,
    #[default]
    Validation,
    Gained,
    Threshold,
}

impl LabelColumn {
    /// Each with its heading and its explanation.
    pub const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Name, "Label", "The labels of the run"),
        (Self::TrainPositives, "In train", "Training pictures that have the label, without copies"),
        (Self::ValidationPositives, "In valid.", "Validation pictures that have the label"),
        (Self::Train, "AP, train", "Average precision in the training part at the best epoch"),
        (
            Self::Validation,
            "AP, validation",
            "Average precision in the validation part at the best epoch: 1 when every picture with the label stands \
             before every one without when they are sorted by its intensity; a dash where no picture has it",
        ),
        (Self::Gained, "Gained", "What the validation part's average precision gained since the first epoch"),
        (
            Self::Threshold,
            "Threshold",
            "The threshold: from this intensity on the label counts as given; chosen on the validation part for the \
             highest F1",
        ),
    ];
}

/// What a run would be, or why there cannot be one.
pub type Planned = Result<Box<TrainingPlan>, Notice>;

/// The run that is described by the settings, and what it would be.
#[derive(Debug, Default)]
pub struct NextRun {
    /// Its settings.
    pub configuration: TrainingConfiguration,
    /// The settings that were planned last, with what a run of them would be or why there cannot be one.
    pub plan: Option<(Box<TrainingConfiguration>, Planned)>,
    /// The settings whose plan was asked for last, and for which revision of the project.
    asked: Option<(TrainingConfiguration, u64)>,
}

impl NextRun {
    /// The settings to ask for a plan of, where they are not those asked for last. One at a time: while a field is
    /// dragged, the next plan is asked for when the last one is there.
    pub fn next_request(&mut self, revision: u64) -> Option<TrainingConfiguration> {
        let waits = self
            .asked
            .as_ref()
            .is_some_and(|(asked, _)| self.plan.as_ref().is_none_or(|(planned, _)| **planned != *asked));
        if waits || self.asked.as_ref().is_some_and(|(asked, at)| *asked == self.configuration && *at == revision) {
            return None;
        }
        self.asked = Some((self.configuration.clone(), revision));
        Some(self.configuration.clone())
    }

    /// Why a run of the settings as they are now cannot be made, if so.
    pub fn refusal(&self) -> Option<&Notice> {
        match &self.plan {
            Some((of, Err(notice))) if **of == self.configuration => Some(notice),
            _ => None,
        }
    }
}

/// How curves are drawn.
#[derive(Clone, Debug, Default)]
pub struct CurveSettings {
    /// Weight of what came before in smoothed curves, 0 (none) to below 1.
    pub smoothing: f64,
    /// Losses on a logarithmic scale.
    pub logarithmic: bool,
    /// The training loss by step rather than by epoch.
    pub by_batch: bool,
    /// The grouping that entropy is shown against; the mean over all of them when not chosen.
    pub grouping: Option<String>,
}

/// Epochs and steps of runs, as far as loaded.
#[derive(Clone, Debug, Default)]
pub struct RunRecords {
    epochs: HashMap<RunId, Arc<Vec<EpochRecord>>>,
    batches: HashMap<RunId, Arc<Vec<BatchLoss>>>,
    /// Runs whose records were asked for.
    asked: HashSet<RunId>,
}

impl RunRecords {
    /// The epochs of a run.
    pub fn epochs(&self, run: RunId) -> Arc<Vec<EpochRecord>> {
        self.epochs.get(&run).cloned().unwrap_or_default()
    }

    /// The steps of a run.
    pub fn batches(&self, run: RunId) -> Arc<Vec<BatchLoss>> {
        self.batches.get(&run).cloned().unwrap_or_default()
    }

    /// What is known of one run.
    fn of_run(mut self, run: RunId) -> Self {
        self.epochs.retain(|known, _| *known == run);
        self.batches.retain(|known, _| *known == run);
        Self { asked: HashSet::new(), ..self }
    }

    /// The runs among these that were never asked for.
    pub fn next_requests(&mut self, shown: impl IntoIterator<Item = RunId>) -> Vec<RunId> {
        shown.into_iter().filter(|run| self.asked.insert(*run)).collect()
    }

    /// Takes an epoch of a run at work. One that is known already is done again, after a resume, and so are all after
    /// it.
    pub fn add_epoch(&mut self, run: RunId, record: EpochRecord) {
        let epochs = Arc::make_mut(self.epochs.entry(run).or_default());
        epochs.retain(|known| known.epoch < record.epoch);
        epochs.push(record);
    }

    /// Takes steps of a run at work; those known already are done again, and so are all after them.
    pub fn add_batches(&mut self, run: RunId, batches: Vec<BatchLoss>) {
        let Some(first) = batches.first().map(|batch| (batch.epoch, batch.step)) else { return };
        let known = Arc::make_mut(self.batches.entry(run).or_default());
        while known.last().is_some_and(|batch| (batch.epoch, batch.step) >= first) {
            known.pop();
        }
        known.extend(batches);
    }

    /// Takes what is on the disk of a run, to which it may have added meanwhile while it is at work.
    pub fn loaded(&mut self, run: RunId, epochs: Vec<EpochRecord>, batches: Vec<BatchLoss>, at_work: bool) {
        let last_epoch = epochs.last().map(|known| known.epoch);
        let last_batch = batches.last().map(|known| (known.epoch, known.step));
        let newer_epochs = self.epochs.insert(run, Arc::new(epochs)).filter(|_| at_work).unwrap_or_default();
        let newer_batches = self.batches.insert(run, Arc::new(batches)).filter(|_| at_work).unwrap_or_default();
        for record in newer_epochs.iter().filter(|record| Some(record.epoch) > last_epoch) {
            self.add_epoch(run, record.clone());
        }
        let newer = newer_batches.iter().filter(|batch| Some((batch.epoch, batch.step)) > last_batch);
        self.add_batches(run, newer.copied().collect());
    }
}

/// The page of labels and mistakes.
#[derive(Debug)]
pub struct MistakesState {
    /// The column that the table of labels is sorted by.
    pub column: LabelColumn,
    /// From the largest to the smallest.
    pub descending: bool,
    /// The label whose mistakes are shown, by its place in the run's order.
    pub label: Option<usize>,
    /// The part whose mistakes are shown.
    pub part: Part,
    /// The mistake looked at alone.
    pub picked: Option<ImageId>,
    /// What a run predicts for each picture.
    pub predictions: Option<Arc<RunPredictions>>,
    /// The run whose predictions were asked for last, and for which load of the project.
    asked: Option<(RunId, u64)>,
}

impl Default for MistakesState {
    fn default() -> Self {
        Self {
            column: LabelColumn::default(),
            descending: true,
            label: None,
            part: Part::Validation,
            picked: None,
            predictions: None,
            asked: None,
        }
    }
}

impl MistakesState {
    /// True when the predictions of this run, in this load of the project, are to be asked for.
    pub fn needs(&mut self, run: RunId, load: u64) -> bool {
        self.asked.replace((run, load)) != Some((run, load))
    }
}

/// The Train view.
#[derive(Debug, Default)]
pub struct TrainState {
    /// The run that is described.
    pub next: NextRun,
    /// What is known of the runs there are.
    pub records: RunRecords,
    /// How their curves are drawn.
    pub curves: CurveSettings,
    /// The page of labels and mistakes.
    pub mistakes: MistakesState,
    /// Lines of the job under way or the last one.
    pub log: Vec<String>,
    /// The run at work.
    pub live: Option<RunId>,
    /// The run whose curves are shown.
    pub shown: Option<RunId>,
    /// What is shown of it.
    pub page: TrainPage,
    /// The runs compared, in the order of their colours.
    pub compared: Vec<RunId>,
}

impl TrainState {
    /// Takes what is on the disk of a run.
    pub fn loaded(&mut self, run: RunId, epochs: Vec<EpochRecord>, batches: Vec<BatchLoss>) {
        self.records.loaded(run, epochs, batches, self.live == Some(run));
    }

    /// Shows another run; a label is chosen by its place, which means something else there.
    pub fn show_run(&mut self, run: RunId) {
        if self.shown != Some(run) {
            self.mistakes.label = None;
            self.mistakes.picked = None;
        }
        self.shown = Some(run);
        if !matches!(self.page, TrainPage::Curves | TrainPage::Labels) {
            self.page = TrainPage::Curves;
        }
    }

    /// What stays when another project is opened: the run at work, which goes on. Runs of another project have the same
    /// numbers.
    pub fn without_project(&mut self) -> Self {
        let records = std::mem::take(&mut self.records);
        Self {
            log: std::mem::take(&mut self.log),
            live: self.live,
            shown: self.live,
            records: self.live.map_or_else(RunRecords::default, |run| records.of_run(run)),
            curves: CurveSettings { grouping: None, ..self.curves.clone() },
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_of_another_project_did_is_forgotten_and_the_run_at_work_goes_on() {
        let mut train = TrainState { shown: Some(RunId(1)), ..TrainState::default() };
        for run in [RunId(1), RunId(2)] {
            train.records.add_batches(run, vec![BatchLoss { epoch: 1, step: 1, steps: 2, loss: 0.5 }]);
        }
        assert_eq!(train.records.next_requests([RunId(1)]), [RunId(1)]);
        train.live = Some(RunId(2));
        let mut other = train.without_project();
        assert_eq!(other.records.batches(RunId(1)).len(), 0);
        assert_eq!(other.records.batches(RunId(2)).len(), 1);
        assert_eq!(other.shown, Some(RunId(2)));
        assert_eq!(
            other.records.next_requests([RunId(1)]),
            [RunId(1)],
            "what the other project's run 1 did is asked for"
        );
    }
}
