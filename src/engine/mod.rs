//! Runs commands and reports events: the window talks to the project, the networks and the scores only through it.
//!
//! Four kinds of thread share the work, so that no keystroke waits for a training run and no frame waits for a disk:
//!
//! - the *desk* ([`desk`]) does edits and loads, one after another, each in milliseconds;
//! - the *job* thread does one long job at a time ([`jobs`]), with a database connection of its own;
//! - the *analyst* ([`analysis`]) clusters and scores; a newer request takes the place of an older one;
//! - a small pool makes thumbnails ([`thumbnails`]).
//!
//! The command line calls [`jobs`] directly, in place.

pub mod analysis;
pub mod command;
pub mod desk;
pub mod event;
pub mod experiment;
pub mod jobs;
pub mod makers;
pub mod output_file;
pub mod session;
pub mod snapshot;
pub mod sorts;
pub mod thumbnails;

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::Sender;

use crate::progress::Cancel;
pub use command::Command;
use command::JobControl;
pub use desk::ANNOTATOR_REMARK;
use event::JobEvent;
pub use event::{Event, JobEnd, Notice, Outbox, ProjectChange};
pub use snapshot::Snapshot;

/// Called whenever an event waits, from any thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The running engine. Dropping it finishes the edits under way and stops the job under way.
#[derive(Debug)]
pub struct Engine {
    commands: Option<Sender<desk::Message>>,
    outbox: Arc<Outbox>,
    job_cancel: Arc<std::sync::Mutex<Cancel>>,
    desk: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts the threads. `wake` is called when there are events to collect.
    ///
    /// # Errors
    /// `Device` when the system gives no thread.
    pub fn start(wake: Wake) -> crate::error::Result<Self> {
        let outbox = Arc::new(Outbox::new(wake));
        let job_cancel = Arc::new(std::sync::Mutex::new(Cancel::new()));
        let (commands, desk) = desk::start(outbox.clone(), job_cancel.clone())?;
        Ok(Self { commands: Some(commands), outbox, job_cancel, desk: Some(desk) })
    }

    /// Hands a command over; its outcome comes as events.
    pub fn send(&self, command: impl Into<Command>) {
        let command = command.into();
        // Not queued: the desk may be waiting for the very job that is to stop.
        if let Command::Control(control) = command {
            self.control(control);
            return;
        }
        if let Some(commands) = &self.commands
            && commands.send(desk::Message::Command(Box::new(command))).is_err()
        {
            self.outbox.push(Event::Problem(Notice::from(&crate::error::Error::internal(
                "the engine has stopped; restart the program, nothing stored is lost",
            ))));
        }
    }

    fn control(&self, control: JobControl) {
        if let Ok(cancel) = self.job_cancel.lock() {
            match control {
                JobControl::Cancel => cancel.cancel(),
                JobControl::Pause => cancel.pause(),
                JobControl::Continue => cancel.go_on(),
            }
        }
        if control != JobControl::Cancel {
            self.outbox.push(JobEvent::Paused(control == JobControl::Pause));
        }
    }

    /// Whether work of the job under way waits until it is told to go on.
    pub fn job_waits(&self) -> bool {
        self.job_cancel.lock().is_ok_and(|cancel| cancel.is_waiting())
    }

    /// The next waiting event.
    pub fn next_event(&self) -> Option<Event> {
        self.outbox.pop()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Ok(cancel) = self.job_cancel.lock() {
            cancel.cancel();
        }
        if let Some(commands) = self.commands.take() {
            let _ = commands.send(desk::Message::Quit);
        }
        if let Some(desk) = self.desk.take() {
            let _ = desk.join();
        }
    }
}
