//! Long work: one job at a time, in a thread of its own, with a connection of its own to the project.

use super::job_ends;
use super::watcher::Watcher;
use super::{Desk, Message};
use crate::engine::command::JobCommand;
use crate::engine::event::{JobEnd, JobEvent, Notice};
use crate::engine::jobs::{demo, export_labels, export_model, features, import, relink, split, train};
use crate::engine::output_file::{Existing, FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::features::FeatureSource;
use crate::progress::Cancel;
use crate::project::Project;

/// Candle's backward pass recurses; a job gets room for it.
const JOB_STACK_BYTES: usize = 64 << 20;

impl Desk {
    pub(super) fn job(&mut self, command: JobCommand) -> Result<()> {
        match command {
            JobCommand::Import(request) => self.start_job("Import", move |project, watcher, cancel| {
                let report = import::run(project, &request, watcher, cancel)?;
                Ok(job_ends::import(&report, &request))
            }),
            JobCommand::Relink { root_id, folder } => {
                self.start_job("Find pictures", move |project, watcher, cancel| {
                    let report = relink::run(project, root_id, &folder, watcher, cancel)?;
                    Ok(job_ends::relink(&report))
                })
            }
            JobCommand::Split(request) => self.start_job("Split", move |project, _, _| {
                let report = split::run(project, &request)?;
                Ok(job_ends::split(&report))
            }),
            JobCommand::Train(configuration) => self.start_training(train::Order::New(configuration)),
            JobCommand::TrainAgain(run) => self.start_training(train::Order::Again(run)),
            JobCommand::Resume(run) => self.start_training(train::Order::Resume(run)),
            JobCommand::ComputeIntensities(run, part) => {
                self.start_job("Intensities", move |project, watcher, cancel| {
                    let (matrix, unreadable) = features::of(project, FeatureSource::Run(run), part, watcher, cancel)?;
                    Ok(job_ends::intensities(run, matrix.rows(), unreadable))
                })
            }
            JobCommand::RunDemo(folder) => self.start_demo(folder),
            JobCommand::ExportLabels { export, path } => self.start_job("Export", move |project, _, _| {
                let report = export_labels::run(project, &export, &path, Existing::Replace)?;
                Ok(job_ends::export_labels(&report, &path))
            }),
            JobCommand::ExportModel { run, file } => self.start_job("Export", move |project, watcher, cancel| {
                let file = OutputFile::new(Some(project), &file, FileKind::Safetensors, Existing::Replace)?;
                let report = export_model::run(project, run, &file, watcher, cancel)?;
                Ok(JobEnd::said(format!("Wrote the network of run {} to {}", run.0, report.file.display())))
            }),
        }
    }

    fn start_training(&mut self, order: train::Order) -> Result<()> {
        self.start_job("Training", move |project, watcher, cancel| {
            let report = train::carry_out(project, &order, &|run| watcher.run_started(run), watcher, cancel)?;
            Ok(job_ends::train(&report))
        })
    }

    fn start_job(
        &mut self,
        title: &str,
        work: impl FnOnce(&mut Project, &Watcher, &Cancel) -> Result<JobEnd> + Send + 'static,
    ) -> Result<()> {
        let mut project = self.project()?.share()?;
        self.spawn(title, move |watcher, cancel| Message::JobDone(work(&mut project, watcher, cancel)))
    }

    fn start_demo(&mut self, folder: std::path::PathBuf) -> Result<()> {
        // Its lock may be the one held here.
        self.no_job()?;
        self.closed();
        self.spawn("Demo", move |watcher, cancel| {
            let outcome = demo::run(&folder, &|run| watcher.run_started(run), watcher, cancel);
            Message::DemoDone(Box::new(outcome.map(|(project, report)| {
                let end = JobEnd { show_clusters: Some(demo::CLUSTERS), ..job_ends::train(&report.train) };
                (project, end)
            })))
        })
    }

    fn spawn(&mut self, title: &str, work: impl FnOnce(&Watcher, &Cancel) -> Message + Send + 'static) -> Result<()> {
        self.no_job()?;
        let cancel = Cancel::new();
        if let Ok(mut current) = self.job_cancel.lock() {
            *current = cancel.clone();
        }
        self.outbox.push(JobEvent::Started(title.to_owned()));
        let watcher = Watcher::new(self.outbox.clone(), self.to_self.clone());
        let done = self.to_self.clone();
        let job = std::thread::Builder::new()
            .name("job".to_owned())
            .stack_size(JOB_STACK_BYTES)
            .spawn(move || {
                // A panic in a library must not leave the window waiting for a job that is gone.
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&watcher, &cancel)));
                let message = outcome.unwrap_or_else(|_| {
                    Message::JobDone(Err(Error::internal("the job ended unexpectedly; what was stored is kept")))
                });
                let _ = done.send(message);
            })
            .map_err(|error| Error::device(format!("no thread for the job could be started: {error}")))?;
        self.job = Some(job);
        self.shown_at = None;
        Ok(())
    }

    pub(super) fn job_done(&mut self, outcome: Result<JobEnd>) {
        if let Some(job) = self.job.take() {
            let _ = job.join();
        }
        self.reload_if_open();
        self.check_files();
        self.outbox.push(match outcome {
            Ok(end) => JobEvent::Ended(end),
            Err(error) if error.is_cancelled() => JobEvent::Ended(JobEnd::said("Stopped")),
            Err(error) => JobEvent::Failed(Notice::from(&error)),
        });
    }

    pub(super) fn demo_done(&mut self, outcome: Result<(Project, JobEnd)>) {
        let outcome = outcome.and_then(|(project, end)| self.open(project).map(|()| end));
        self.job_done(outcome);
    }
}
