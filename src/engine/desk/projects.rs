//! Projects are opened, shown and closed.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{ANNOTATOR_REMARK, Desk};
use crate::engine::analysis::Question;
use crate::engine::command::ProjectCommand;
use crate::engine::event::{Event, Notice, ProjectEvent};
use crate::engine::jobs::check_files;
use crate::engine::snapshot::Snapshot;
use crate::engine::sorts::SortKeeper;
use crate::error::{ErrorKind, Result};
use crate::progress::{Cancel, Silent};
use crate::project::{Project, Role};

impl Desk {
    pub(super) fn project_command(&mut self, command: ProjectCommand) -> Result<()> {
        match command {
            ProjectCommand::Create(folder) => {
                self.no_job()?;
                let project = Project::create(&folder)?;
                self.open(project)
            }
            ProjectCommand::Open { folder, read_only } => self.open_folder(&folder, read_only),
            ProjectCommand::Close => {
                self.no_job()?;
                self.closed();
                Ok(())
            }
            ProjectCommand::Reload => self.reload(),
        }
    }

    fn open_folder(&mut self, folder: &Path, read_only: bool) -> Result<()> {
        self.no_job()?;
        // The project that is open is read again, and its own lock would be in the way. Any other stays open until
        // the new one is.
        let again = self.project.as_ref().is_some_and(|project| same_folder(project.folder(), folder));
        if again {
            self.project = None;
        }
        let project = if read_only { Project::open_read_only(folder) } else { Project::open(folder) };
        let error = match project {
            Ok(project) => return self.open(project),
            Err(error) => error,
        };
        if again {
            self.closed();
        }
        // Whatever else is wrong is told as it is: opening it for reading would not help.
        if error.kind == ErrorKind::Busy {
            self.outbox.push(ProjectEvent::Busy { folder: folder.to_path_buf(), notice: Notice::from(&error) });
            return Ok(());
        }
        Err(error)
    }

    /// Forgets the project and says so.
    pub(super) fn closed(&mut self) {
        self.project = None;
        self.annotator = None;
        self.sorts = SortKeeper::default();
        self.file_check.cancel();
        let _ = self.analyst.ask(Question::Project(None));
        self.outbox.push(ProjectEvent::Closed);
    }

    pub(super) fn open(&mut self, project: Project) -> Result<()> {
        let last = project.remark(ANNOTATOR_REMARK)?;
        self.annotator =
            project.people(Role::Annotator)?.into_iter().find(|person| Some(&person.name) == last.as_ref());
        let warnings = project.warnings().to_vec();
        self.project = Some(project);
        self.sorts = SortKeeper::default();
        self.reload()?;
        // After the project is shown: what is said of another one goes with it.
        for message in warnings {
            self.outbox.push(Event::Problem(Notice { message, hint: None }));
        }
        self.check_files();
        Ok(())
    }

    /// Sends the whole state again and lets the analyst forget what it had loaded.
    pub(super) fn reload(&mut self) -> Result<()> {
        let annotator = self.annotator.clone();
        let project = self.project()?;
        let snapshot = Snapshot::load(project, annotator.as_ref())?;
        // The analyst may be busy for a while after the project was closed; it must not keep the lock so long.
        let shared = project.share_for_reading()?;
        self.ask(Question::Project(Some(shared)))?;
        self.outbox.push(ProjectEvent::Loaded(Box::new(snapshot)));
        Ok(())
    }

    pub(super) fn reload_if_open(&mut self) {
        if self.project.is_some()
            && let Err(error) = self.reload()
        {
            self.outbox.push(Event::Problem(Notice::from(&error)));
        }
    }

    /// Shows what joined while a job is at work, but never so often that loading takes more than a tenth of the time.
    pub(super) fn show_what_joined(&mut self) {
        let due = self.shown_at.is_none_or(|(at, took)| at.elapsed() > (took * 10).max(Duration::from_millis(400)));
        if due && self.job.is_some() {
            let started = Instant::now();
            self.reload_if_open();
            self.shown_at = Some((Instant::now(), started.elapsed()));
        }
    }

    /// Looks beside other work whether the pictures' files are still what was imported; it comes as an event.
    pub(super) fn check_files(&mut self) {
        let Some(project) = &self.project else { return };
        let shared = if project.is_read_only() { project.share_for_reading() } else { project.share() };
        let Ok(mut project) = shared else { return };
        let outbox = self.outbox.clone();
        let newer = std::mem::replace(&mut self.file_check, Cancel::new());
        newer.cancel();
        let cancel = self.file_check.clone();
        // Without a thread it is done another time; whatever reads a picture for numbers looks for itself.
        let _ = std::thread::Builder::new().name("check files".to_owned()).spawn(move || {
            match check_files::run(&mut project, &Silent, &cancel) {
                Ok(check) => outbox.push(ProjectEvent::FilesChecked(check)),
                Err(error) if error.is_cancelled() => {}
                Err(error) => outbox.push(Event::Problem(Notice::from(&error))),
            }
        });
    }
}

fn same_folder(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
