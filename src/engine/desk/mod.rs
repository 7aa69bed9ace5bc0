//! The desk: takes commands one after another, does edits at once, and hands long jobs and analyses on.
//!
//! What a command does stands in the file of its subject; here is what they share: the open project, and where commands and
//! the ends of jobs arrive.

mod annotations;
mod edits;
mod exports;
mod job_ends;
mod jobs;
mod lookups;
mod projects;
mod sessions;
mod studies;
mod watcher;

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::analysis::{self, Question};
use super::command::Command;
use super::event::{Event, JobEnd, Notice, Outbox, ProjectChange, ProjectEvent};
use super::sorts::SortKeeper;
use crate::error::{Error, Result};
use crate::progress::Cancel;
use crate::project::{Person, Project};

/// Key of the remark that says who annotated last.
pub const ANNOTATOR_REMARK: &str = "annotator";

/// What reaches the desk.
#[derive(Debug)]
pub(super) enum Message {
    Command(Box<Command>),
    /// Something below changed what the window shows: a run began.
    Reload,
    /// Pictures joined that can be shown before the job ends.
    Joined,
    /// The job under way ended.
    JobDone(Result<JobEnd>),
    /// The demo ended and left its project.
    DemoDone(Box<Result<(Project, JobEnd)>>),
    Quit,
}

pub(super) fn start(outbox: Arc<Outbox>, job_cancel: Arc<Mutex<Cancel>>) -> Result<(Sender<Message>, JoinHandle<()>)> {
    let analyst = analysis::Analysis::start(outbox.clone())?;
    let (sender, receiver) = unbounded();
    let to_self = sender.clone();
    let thread = std::thread::Builder::new()
        .name("desk".to_owned())
        .spawn(move || {
            Desk {
                outbox,
                to_self,
                job_cancel,
                analyst,
                project: None,
                annotator: None,
                sorts: SortKeeper::default(),
                job: None,
                shown_at: None,
                file_check: Cancel::new(),
            }
            .work(&receiver);
        })
        .map_err(|error| Error::device(format!("no thread for the engine could be started: {error}")))?;
    Ok((sender, thread))
}

struct Desk {
    outbox: Arc<Outbox>,
    to_self: Sender<Message>,
    job_cancel: Arc<Mutex<Cancel>>,
    analyst: analysis::Analysis,
    project: Option<Project>,
    annotator: Option<Person>,
    sorts: SortKeeper,
    job: Option<JoinHandle<()>>,
    /// When the project was last loaded for what joined during a job, and how long that took.
    shown_at: Option<(Instant, Duration)>,
    /// Stops the check of the pictures' files that is under way.
    file_check: Cancel,
}

impl Desk {
    fn work(mut self, receiver: &Receiver<Message>) {
        while let Ok(message) = receiver.recv() {
            match message {
                Message::Quit => break,
                Message::Reload => self.reload_if_open(),
                Message::Joined => self.show_what_joined(),
                Message::JobDone(outcome) => self.job_done(outcome),
                Message::DemoDone(outcome) => self.demo_done(*outcome),
                Message::Command(command) => {
                    if let Err(error) = self.command(*command) {
                        self.outbox.push(Event::Problem(Notice::from(&error)));
                    }
                }
            }
        }
        self.file_check.cancel();
        self.analyst.leave();
        if let Some(job) = self.job.take() {
            let _ = job.join();
        }
    }

    fn command(&mut self, command: Command) -> Result<()> {
        match command {
            Command::Project(command) => self.project_command(command),
            Command::Annotation(command) => self.annotation(command),
            Command::Edit(command) => self.edit(command),
            Command::Study(command) => self.study(command),
            Command::Session(command) => self.session(command),
            Command::Job(command) => self.job(command),
            Command::Lookup(command) => self.lookup(command),
            Command::Export(command) => self.export(command),
            // Done where it is sent, so that it need not wait in the queue.
            Command::Control(_) => Ok(()),
        }
    }

    fn project(&mut self) -> Result<&mut Project> {
        self.project.as_mut().ok_or_else(|| Error::user("no project is open").hint("open or make one first"))
    }

    fn no_job(&self) -> Result<()> {
        if self.job.is_some() {
            return Err(Error::user("a job is still at work").hint("wait for it, or stop it in the status line"));
        }
        Ok(())
    }

    fn ask(&mut self, question: Question) -> Result<()> {
        self.analyst.ask(question)
    }

    /// Sends a part of the project that changed, with what can be undone now.
    fn changed(&mut self, change: ProjectChange) -> Result<()> {
        let (undo, redo) = self.project()?.history_outlook()?;
        self.outbox.push(ProjectEvent::Changed { change, undo, redo });
        Ok(())
    }
}
