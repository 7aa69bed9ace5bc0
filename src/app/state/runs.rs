//! Which run is on show, and what can be done with it.

use super::AppState;
use crate::app::commands::UiCommand;
use crate::features::FeatureSource;
use crate::ids::RunId;
use crate::project::{RunRecord, RunStatus};

impl AppState {
    /// The run on show in the Train view: the one chosen, else the newest.
    pub fn shown_run(&self) -> Option<RunId> {
        let runs = &self.project.as_ref()?.snapshot.runs;
        let chosen = self.train.shown.filter(|run| self.train.live == Some(*run) || runs.iter().any(|r| r.id == *run));
        chosen.or_else(|| runs.first().map(|run| run.id))
    }

    /// What can be done with a run, the first at the right.
    pub fn run_commands(&self, run: RunId) -> Vec<UiCommand> {
        use UiCommand as C;
        if self.train.live == Some(run) {
            let paused = self.job.as_ref().is_some_and(|job| job.paused);
            return vec![C::StopJob, if paused { C::ContinueJob } else { C::PauseJob }];
        }
        let mut commands = vec![C::ExportModel, C::TrainAgain, C::ExploreRun];
        if self.is_resumable(run) {
            commands.push(C::ResumeRun);
        }
        commands
    }

    /// Whether a run did not come to its end.
    pub fn is_resumable(&self, run: RunId) -> bool {
        let runs = self.project.as_ref().map_or(&[][..], |project| &project.snapshot.runs);
        let unfinished = |status| matches!(status, RunStatus::Stopped | RunStatus::Interrupted | RunStatus::Failed);
        self.train.live != Some(run) && runs.iter().any(|record| record.id == run && unfinished(record.status))
    }

    /// The record of the run on show, when its network can be used.
    pub fn usable_run(&self) -> Option<&RunRecord> {
        let run = self.shown_run()?;
        let record = self.project.as_ref()?.snapshot.runs.iter().find(|record| record.id == run)?;
        (record.best_epoch.is_some() && self.train.live != Some(run)).then_some(record)
    }

    /// The features that Explore and Report are about: those chosen, else what there is.
    pub fn explored_features(&self) -> Option<FeatureSource> {
        self.explore.features.or_else(|| self.default_features())
    }

    /// The features to explore when none were chosen: the label intensities of the newest run with a trained network, or
    /// else the newest feature set.
    pub fn default_features(&self) -> Option<FeatureSource> {
        let newest_set = || self.project.as_ref()?.snapshot.feature_sets.last().map(|set| FeatureSource::Set(set.id));
        self.default_run().map(FeatureSource::Run).or_else(newest_set)
    }

    /// The newest run with a trained network.
    pub fn default_run(&self) -> Option<RunId> {
        let usable = |status: RunStatus| !matches!(status, RunStatus::Running | RunStatus::Failed);
        let runs = &self.project.as_ref()?.snapshot.runs;
        runs.iter().find(|run| usable(run.status) && run.best_epoch.is_some()).map(|run| run.id)
    }
}
