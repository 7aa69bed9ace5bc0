//! The job under way: it began, moved on, ended.

use std::time::Instant;

use crate::app::App;
use crate::app::state::{ExploreState, JobState, View};
use crate::engine::JobEnd;
use crate::engine::event::JobEvent;
use crate::features::FeatureSource;

impl App {
    pub(super) fn take_job_event(&mut self, event: JobEvent) {
        let state = &mut self.state;
        match event {
            JobEvent::Started(title) => {
                state.train.log.clear();
                state.job_end = None;
                state.split_dialog = None;
                state.job =
                    Some(JobState { title, progress: None, started: Instant::now(), stopping: false, paused: false });
            }
            JobEvent::Progress(progress) => {
                state.path_given = None;
                if let Some(job) = &mut state.job {
                    job.progress = Some(progress);
                }
            }
            JobEvent::Note(line) => state.train.log.push(line),
            JobEvent::Paused(paused) => {
                if let Some(job) = &mut state.job {
                    job.paused = paused;
                }
            }
            JobEvent::Ended(end) => self.job_ended(end),
            JobEvent::Failed(notice) => {
                state.job = None;
                state.train.live = None;
                state.train.log.push(notice.message.clone());
                state.problem_with_path(notice);
            }
        }
    }

    fn job_ended(&mut self, end: JobEnd) {
        let state = &mut self.state;
        state.path_given = None;
        state.job = None;
        state.train.live = None;
        state.train.log.push(end.summary.clone());
        if end.run.is_some() {
            state.explore =
                ExploreState { features: end.run.map(FeatureSource::Run), ..std::mem::take(&mut state.explore) };
            state.explore.requested = None;
        }
        if let Some(clusters) = end.show_clusters {
            state.view = View::Explore;
            state.explore.clusters = clusters;
        }
        if end.details.is_empty() {
            state.toast(end.summary);
        } else {
            state.job_end = Some(end);
        }
    }
}
