//! The desk: takes commands one after another, does edits at once, and hands long jobs and analyses on.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::analysis::{self, Question};
use super::command::Command;
use super::event::{Event, ImportOffer, JobEnd, Notice, Outbox, ProjectChange};
use super::jobs::import::ImportRequest;
use super::jobs::{check_files, export_labels};
use super::jobs::{
    counted, demo, export_groupings, export_model, features, import, plan, relink, split, split_preview, study, train,
};
use super::session::RaterSession;
use super::snapshot::Snapshot;
use super::sorts::{MoveRequest, SortKeeper};
use crate::dataset::SortChoice;
use crate::engine::output_file::{Existing, FileKind, OutputFile};
use crate::error::{Error, ErrorKind, Result};
use crate::features::FeatureSource;
use crate::ids::{ImageId, LabelId, PersonId, RunId, StudyId};
use crate::interchange::grouping_forms::GroupingForm;
use crate::interchange::move_log;
use crate::progress::{Cancel, Observer, Progress, Silent};
use crate::project::history::Change;
use crate::project::{Person, Project, Role};
use crate::training::{self, BatchLoss, EpochRecord, TrainingObserver};
use crate::wording::sentence;

/// Candle's backward pass recurses; a job gets room for it.
const JOB_STACK_BYTES: usize = 64 << 20;

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
            Command::CreateProject(folder) => {
                self.no_job()?;
                let project = Project::create(&folder)?;
                self.open(project)
            }
            Command::OpenProject { folder, read_only } => self.open_folder(&folder, read_only),
            Command::CloseProject => {
                self.no_job()?;
                self.closed();
                Ok(())
            }
            Command::Reload => self.reload(),
            Command::ChooseAnnotator(name) => {
                self.choose_annotator(&name)?;
                self.reload()
            }
            Command::ShowEverybody => {
                self.annotator = None;
                self.project()?.set_remark(ANNOTATOR_REMARK, "")?;
                self.reload()
            }
            Command::ToggleLabel { images, label } => self.edit(&images, |desk| desk.toggle(&images, label, true)),
            Command::ToggleNo { images, label } => self.edit(&images, |desk| desk.toggle(&images, label, false)),
            Command::Confirm(images) => self.edit(&images, |desk| desk.confirm(&images)),
            Command::CopyLabels { from, to } => self.edit(&to, |desk| desk.copy_labels(from, &to)),
            Command::AddLabel(name) => {
                self.project()?.add_label(&name)?;
                self.labels_changed()
            }
            Command::RenameLabel(label, name) => {
                self.project()?.rename_label(label, &name)?;
                self.labels_changed()
            }
            Command::RemoveLabel(label) => {
                let project = self.project()?;
                let name = project.labels()?.into_iter().find(|known| known.id == label).map(|known| known.name);
                project.remove_label(label)?;
                let name = name.unwrap_or_default();
                self.outbox.push(Event::Done(format!("Label “{name}” removed; undo brings it back with its answers")));
                self.reload()
            }
            Command::SetAside(images, reason) => self.edit(&images, |desk| {
                desk.project()?.set_aside(&images, reason.as_deref())?;
                // Other pictures are clustered now.
                let shared = desk.project()?.share_for_reading()?;
                desk.ask(Question::Project(Some(shared)))?;
                desk.changed(ProjectChange::SetAside { images: images.clone(), reason })
            }),
            Command::Undo => {
                let change = self.project()?.undo()?;
                self.show_history_step(change, false)
            }
            Command::Redo => {
                let change = self.project()?.redo()?;
                self.show_history_step(change, true)
            }
            Command::CreateStudy(study) => {
                self.project()?.create_study(&study)?;
                self.outbox.push(Event::Done(format!("Study “{}” is ready", study.name.trim())));
                self.studies_changed()
            }
            Command::AddRater(study, name) => {
                self.project()?.add_rater(study, &name)?;
                self.studies_changed()
            }
            Command::RemoveRater(study, rater) => {
                self.project()?.remove_rater(study, rater)?;
                self.outbox
                    .push(Event::Done("Taken out; what was sorted is kept. Add the name again to undo".to_owned()));
                self.studies_changed()
            }
            Command::RenewLink(study, rater) => {
                self.project()?.renew_link(study, rater)?;
                self.studies_changed()
            }
            Command::CloseStudy(study, closed) => {
                self.project()?.set_study_closed(study, closed)?;
                self.studies_changed()
            }
            Command::OpenSession(study, rater) => self.open_session(study, rater),
            Command::OpenSessionOf { study, rater } => {
                let study = self.project()?.study_named(study.as_deref())?;
                let found = study.raters.iter().find(|known| known.person.name == rater.trim());
                let names: Vec<&str> = study.raters.iter().map(|rater| rater.person.name.as_str()).collect();
                let found = found.ok_or_else(|| {
                    Error::user(format!("{rater} does not take part in the study “{}”", study.name))
                        .hint(format!("its raters are {}", names.join(", ")))
                })?;
                self.open_session(study.id, found.person.id)
            }
            Command::MakeMove(request) => self.make_move(request),
            Command::PauseSort(sort) => {
                self.project()?.end_visit(sort)?;
                self.studies_changed()
            }
            Command::SubmitSort(id) => {
                let project = self.project()?;
                let (study, rater) = {
                    let stored = project.sort(id)?;
                    project.submit_sort(id)?;
                    (stored.study, stored.rater.id)
                };
                self.sorts.forget(id);
                self.open_session(study, rater)?;
                self.reload()
            }
            Command::NewVersion(id) => {
                let new = self.project()?.new_version(id)?;
                self.open_session(new.study, new.rater.id)
            }
            Command::LoadRun(run) => {
                let folder = self.project()?.run_folder(run);
                let (epochs, batches) = (training::read_epochs(&folder)?, training::read_batches(&folder)?);
                self.outbox.push(Event::RunLoaded(run, epochs, batches));
                Ok(())
            }
            Command::LoadPredictions(run) => self.ask(Question::Predictions(run)),
            Command::ExportModel { run, file } => self.start_job("Export", move |project, watcher, cancel| {
                let file = OutputFile::new(Some(project), &file, FileKind::Safetensors, Existing::Replace)?;
                let report = export_model::run(project, run, &file, watcher, cancel)?;
                Ok(JobEnd::said(format!("Wrote the network of run {} to {}", run.0, report.file.display())))
            }),
            Command::Agreement(request) => self.ask(Question::Agreement(request)),
            Command::ExportAgreement { request, level, folder } => {
                self.ask(Question::ExportAgreement(request, level, folder))
            }
            Command::ExportMoveLog(study, file) => {
                let project = self.project()?;
                let file = OutputFile::new(Some(project), &file, FileKind::JsonLines, Existing::Replace)?;
                let lines = study::log_of(project, study)?;
                file.write(|target| move_log::write(&lines, target))?;
                let text = format!("Wrote {} to {}", counted(lines.len(), "line"), file.path().display());
                self.outbox.push(Event::Done(text));
                Ok(())
            }
            Command::ExportGroupings(file) => {
                let project = self.project()?;
                let file = OutputFile::new(Some(project), &file, FileKind::Csv, Existing::Replace)?;
                let choice = SortChoice::default();
                let written = export_groupings::run(project, GroupingForm::LongCsv, &choice, None, &file)?;
                let text = format!("Wrote {} to {}", counted(written.groupings, "grouping"), file.path().display());
                self.outbox.push(Event::Done(text));
                Ok(())
            }
            Command::ExportLabels { export, path } => self.start_job("Export", move |project, _, _| {
                let report = export_labels::run(project, &export, &path, Existing::Replace)?;
                let (answers, images) = (counted(report.answers, "answer"), counted(report.images, "picture"));
                let mut end = JobEnd::said(format!("Wrote {answers} about {images} to {}", path.display()));
                if report.unanswered_as_no > 0 {
                    let labels = counted(report.unanswered_as_no, "label");
                    end.details.push(format!(
                        "{labels} without an answer will be read as no: text files hold only what is on"
                    ));
                }
                Ok(end)
            }),
            Command::Explore(request) => self.ask(Question::Explore(request)),
            Command::ExportAssignments { request, file } => self.ask(Question::Export(request, file)),
            Command::Import(request) => self.start_job("Import", move |project, watcher, cancel| {
                let report = import::run(project, &request, watcher, cancel)?;
                Ok(import_end(&report, &request))
            }),
            Command::Relink { root_id, folder } => self.start_job("Find pictures", move |project, watcher, cancel| {
                let report = relink::run(project, root_id, &folder, watcher, cancel)?;
                Ok(relink_end(&report))
            }),
            Command::Split(request) => self.start_job("Split", move |project, _, _| {
                let report = split::run(project, &request)?;
                let sizes: Vec<String> = report.sizes.iter().map(|(part, size)| format!("{part} {size}")).collect();
                Ok(JobEnd::said(format!("Split ({}): {}", report.split.method, sizes.join(", "))))
            }),
            Command::PreviewSplit(request) => self.look(move |project| {
                let preview = split_preview::run(project, &request).map_err(|error| Notice::from(&error));
                Event::SplitPreviewed(request, preview)
            }),
            Command::UseSplit(split) => {
                self.project()?.use_split(split)?;
                self.outbox.push(Event::Done(format!("Split {} is in use again; undo takes that back", split.0)));
                self.reload()
            }
            Command::PlanTraining(configuration) => self.look(move |project| {
                let plan = plan::plan(project, &configuration);
                let plan = plan.map(Box::new).map_err(|error| Notice::from(&error));
                Event::Planned(configuration, plan)
            }),
            Command::Train(configuration) => self.start_training(train::Order::New(configuration)),
            Command::TrainAgain(run) => self.start_training(train::Order::Again(run)),
            Command::ResumeRun(run) => self.start_training(train::Order::Resume(run)),
            Command::ComputeIntensities(run, part) => self.start_job("Intensities", move |project, watcher, cancel| {
                let (matrix, unreadable) = features::of(project, FeatureSource::Run(run), part, watcher, cancel)?;
                let have = counted(matrix.rows(), "picture");
                Ok(JobEnd {
                    details: unreadable.into_iter().map(|(name, reason)| format!("{name}: {reason}")).collect(),
                    ..JobEnd::said(format!("Label intensities by run {}: {have}", run.0))
                })
            }),
            Command::RunDemo(folder) => self.start_demo(folder),
            // Handled where it is sent, so that it need not wait in the queue.
            Command::CancelJob | Command::PauseJob | Command::ContinueJob => Ok(()),
        }
    }

    fn open_session(&mut self, study: StudyId, rater: PersonId) -> Result<()> {
        let session = RaterSession::open(self.project()?, study, rater)?;
        if let Some(current) = &session.current {
            let id = current.id;
            let project = self.project.as_mut().ok_or_else(|| Error::internal("the project is gone"))?;
            project.begin_visit(id)?;
            self.sorts.forget(id);
            self.sorts.opened(project, id)?;
        }
        self.outbox.push(Event::SessionOpened(Box::new(session)));
        Ok(())
    }

    fn make_move(&mut self, request: MoveRequest) -> Result<()> {
        let sort = request.sort;
        let project = self.project.as_mut().ok_or_else(|| Error::user("no project is open"))?;
        let outcome = self.sorts.make_moves(project, &[request]).pop();
        self.outbox.push(match outcome {
            Some(Ok(number)) => Event::MoveStored(sort, number),
            Some(Err(error)) => Event::MoveFailed(sort, Notice::from(&error)),
            None => return Err(Error::internal("a move had no outcome")),
        });
        Ok(())
    }

    fn start_training(&mut self, order: train::Order) -> Result<()> {
        self.start_job("Training", move |project, watcher, cancel| {
            let report = train::carry_out(project, &order, &|run| watcher.run_started(run), watcher, cancel)?;
            Ok(train_end(&report))
        })
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
            self.outbox.push(Event::Busy { folder: folder.to_path_buf(), notice: Notice::from(&error) });
            return Ok(());
        }
        Err(error)
    }

    /// Forgets the project and says so.
    fn closed(&mut self) {
        self.project = None;
        self.annotator = None;
        self.sorts = SortKeeper::default();
        self.file_check.cancel();
        let _ = self.analyst.ask(Question::Project(None));
        self.outbox.push(Event::Closed);
    }

    fn open(&mut self, project: Project) -> Result<()> {
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
    fn reload(&mut self) -> Result<()> {
        let annotator = self.annotator.clone();
        let project = self.project()?;
        let snapshot = Snapshot::load(project, annotator.as_ref())?;
        // The analyst may be busy for a while after the project was closed; it must not keep the lock so long.
        let shared = project.share_for_reading()?;
        self.ask(Question::Project(Some(shared)))?;
        self.outbox.push(Event::Loaded(Box::new(snapshot)));
        Ok(())
    }

    /// Sends a part of the project that changed, with what can be undone now.
    fn changed(&mut self, change: ProjectChange) -> Result<()> {
        let (undo, redo) = self.project()?.history_outlook()?;
        self.outbox.push(Event::Changed { change, undo, redo });
        Ok(())
    }

    fn labels_changed(&mut self) -> Result<()> {
        let labels = self.project()?.labels()?;
        self.changed(ProjectChange::Labels(labels))
    }

    fn studies_changed(&mut self) -> Result<()> {
        let studies = self.project()?.studies()?;
        self.changed(ProjectChange::Studies(studies))
    }

    /// Looks beside other work whether the pictures' files are still what was imported; it comes as an event.
    fn check_files(&mut self) {
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
                Ok(check) => outbox.push(Event::FilesChecked(check)),
                Err(error) if error.is_cancelled() => {}
                Err(error) => outbox.push(Event::Problem(Notice::from(&error))),
            }
        });
    }

    fn reload_if_open(&mut self) {
        if self.project.is_some()
            && let Err(error) = self.reload()
        {
            self.outbox.push(Event::Problem(Notice::from(&error)));
        }
    }

    /// Shows what joined while a job is at work, but never so often that loading takes more than a tenth of the time.
    fn show_what_joined(&mut self) {
        let due = self.shown_at.is_none_or(|(at, took)| at.elapsed() > (took * 10).max(Duration::from_millis(400)));
        if due && self.job.is_some() {
            let started = Instant::now();
            self.reload_if_open();
            self.shown_at = Some((Instant::now(), started.elapsed()));
        }
    }

    /// Looks something up that takes longer than an edit may wait; it comes as an event.
    fn look(&mut self, work: impl FnOnce(&Project) -> Event + Send + 'static) -> Result<()> {
        let project = self.project()?.share_for_reading()?;
        let outbox = self.outbox.clone();
        std::thread::Builder::new()
            .name("look".to_owned())
            .spawn(move || outbox.push(work(&project)))
            .map_err(|error| Error::device(format!("no thread for the engine could be started: {error}")))?;
        Ok(())
    }

    fn ask(&mut self, question: Question) -> Result<()> {
        self.analyst.ask(question)
    }

    /// The person annotating. An answer is always somebody's: nobody is made up.
    fn annotator(&mut self) -> Result<PersonId> {
        self.project()?;
        let person = self.annotator.as_ref();
        person.map(|person| person.id).ok_or_else(|| {
            Error::user("nobody was chosen to annotate; the answer was not stored")
                .hint("choose who labels, then again")
        })
    }

    /// Makes somebody the person annotating, also when the project is opened the next time.
    fn choose_annotator(&mut self, name: &str) -> Result<PersonId> {
        let project = self.project()?;
        let person = project.person(name, Role::Annotator)?;
        project.set_remark(ANNOTATOR_REMARK, &person.name)?;
        let id = person.id;
        self.annotator = Some(person);
        Ok(id)
    }

    /// Does an edit of answers; if it fails, says which images it was about.
    fn edit(&mut self, images: &[ImageId], work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if let Err(error) = work(self) {
            self.outbox.push(Event::EditFailed(images.to_vec(), Notice::from(&error)));
        }
        Ok(())
    }

    fn toggle(&mut self, images: &[ImageId], label: LabelId, value: bool) -> Result<()> {
        let annotator = self.annotator()?;
        let project = self.project()?;
        let all_have_it = images
            .iter()
            .map(|image| Ok(project.answers(annotator, *image)?.get(&label) == Some(&value)))
            .collect::<Result<Vec<bool>>>()?
            .into_iter()
            .all(|has| has);
        let after = (!all_have_it).then_some(value);
        let answers: Vec<_> = images.iter().map(|image| (*image, label, after)).collect();
        self.annotate(&answers)
    }

    fn confirm(&mut self, images: &[ImageId]) -> Result<()> {
        let annotator = self.annotator()?;
        let project = self.project()?;
        let labels = project.labels()?;
        let mut answers = Vec::new();
        for image in images {
            let given = project.answers(annotator, *image)?;
            let open = labels.iter().filter(|label| !given.contains_key(&label.id));
            answers.extend(open.map(|label| (*image, label.id, Some(false))));
        }
        self.annotate(&answers)
    }

    fn copy_labels(&mut self, from: ImageId, to: &[ImageId]) -> Result<()> {
        let annotator = self.annotator()?;
        let project = self.project()?;
        let source = project.answers(annotator, from)?;
        let labels = project.labels()?;
        let answers: Vec<_> = to
            .iter()
            .flat_map(|image| labels.iter().map(|label| (*image, label.id, source.get(&label.id).copied())))
            .collect();
        self.annotate(&answers)
    }

    fn annotate(&mut self, answers: &[(ImageId, LabelId, Option<bool>)]) -> Result<()> {
        let annotator = self.annotator()?;
        let project = self.project()?;
        let edits = project.annotate(annotator, answers)?;
        let (undo, redo) = project.history_outlook()?;
        self.outbox.push(Event::Annotated { edits, undo, redo });
        Ok(())
    }

    /// Shows what undo or redo did. Annotations of the person at work go the quick way.
    fn show_history_step(&mut self, change: Option<Change>, forward: bool) -> Result<()> {
        if let Some(change) = &change {
            let what = self.project()?.describe(change)?;
            self.outbox.push(Event::HistoryStep { forward, what });
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
                self.outbox.push(Event::Annotated { edits, undo, redo });
                Ok(())
            }
            Some(_) => self.reload(),
        }
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
                let end = JobEnd { show_clusters: Some(demo::CLUSTERS), ..train_end(&report.train) };
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
        self.outbox.push(Event::JobStarted(title.to_owned()));
        let watcher = Watcher { outbox: self.outbox.clone(), desk: self.to_self.clone(), run: Mutex::new(None) };
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

    fn job_done(&mut self, outcome: Result<JobEnd>) {
        if let Some(job) = self.job.take() {
            let _ = job.join();
        }
        self.reload_if_open();
        self.check_files();
        self.outbox.push(match outcome {
            Ok(end) => Event::JobEnded(end),
            Err(error) if error.is_cancelled() => Event::JobEnded(JobEnd::said("Stopped")),
            Err(error) => Event::JobFailed(Notice::from(&error)),
        });
    }

    fn demo_done(&mut self, outcome: Result<(Project, JobEnd)>) {
        let outcome = outcome.and_then(|(project, end)| self.open(project).map(|()| end));
        self.job_done(outcome);
    }
}

fn same_folder(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Passes a job's reports on as events.
struct Watcher {
    outbox: Arc<Outbox>,
    desk: Sender<Message>,
    run: Mutex<Option<RunId>>,
}

impl Watcher {
    fn run_started(&self, run: RunId) {
        if let Ok(mut current) = self.run.lock() {
            *current = Some(run);
        }
        self.outbox.push(Event::RunStarted(run));
        let _ = self.desk.send(Message::Reload);
    }
}

impl Observer for Watcher {
    fn progress(&self, progress: Progress) {
        self.outbox.push(Event::JobProgress(progress));
    }

    fn note(&self, text: &str) {
        self.outbox.push(Event::JobNote(text.to_owned()));
    }

    fn joined(&self) {
        let _ = self.desk.send(Message::Joined);
    }
}

impl TrainingObserver for Watcher {
    fn epoch(&self, record: &EpochRecord) {
        let run = self.run.lock().ok().and_then(|run| *run);
        if let Some(run) = run {
            self.outbox.push(Event::Epoch(run, Box::new(record.clone())));
        }
    }

    fn batch(&self, loss: BatchLoss) {
        let run = self.run.lock().ok().and_then(|run| *run);
        if let Some(run) = run {
            self.outbox.push(Event::Batches(run, vec![loss]));
        }
    }
}

fn relink_end(report: &relink::RelinkReport) -> JobEnd {
    let (found, folder) = (counted(report.found, "picture"), report.folder.display());
    let left_out = report.changed.iter().map(|name| format!("{name}: left out, changed since the import"));
    let missing = report.missing.iter().map(|name| format!("{name}: not there"));
    JobEnd { details: left_out.chain(missing).collect(), ..JobEnd::said(format!("{found} found in {folder}")) }
}

fn import_end(report: &import::ImportReport, request: &ImportRequest) -> JobEnd {
    let mut parts = Vec::new();
    if report.added + report.already_there + report.moved > 0 || !report.rejected.is_empty() {
        parts.push(format!("{} added", counted(report.added, "picture")));
        if report.already_there > 0 {
            parts.push(format!("{} were there already", report.already_there));
        }
        if report.moved > 0 {
            parts.push(format!("{} found at a new place", report.moved));
        }
        if report.set_aside > 0 {
            parts.push(format!("{} set aside for their shape", report.set_aside));
        }
        if !report.rejected.is_empty() {
            parts.push(format!("{} not taken", counted(report.rejected.len(), "file")));
        }
    }
    if let Some(labels) = &report.labels {
        let (of, images) = (counted(labels.labels, "label"), counted(labels.images, "picture"));
        parts.push(format!("{of} for {images} by {}", labels.annotator));
    }
    if let Some(groupings) = report.groupings {
        parts.push(counted(groupings, "grouping"));
    }
    for file in &report.refused {
        parts.push(format!("nothing stored from {}, which has problems", file.display()));
    }
    if report.cancelled {
        parts.push("stopped; what was read is kept".to_owned());
    }
    if report.found_nothing() && parts.is_empty() {
        parts.push("no picture files were found there".to_owned());
    } else if parts.is_empty() {
        parts.push("nothing to import".to_owned());
    }
    let rejected = report.rejected.iter().map(|file| format!("{}: {}", file.relative_path, file.reason));
    let problems = report
        .problems
        .iter()
        .map(|problem| format!("{}, line {}: {}", problem.file.display(), problem.line, problem.message));
    JobEnd {
        details: problems.chain(rejected).collect(),
        offers: import_offers(report, request),
        ..JobEnd::said(sentence(&parts.join(", ")))
    }
}

/// Other ways to import the files that were refused, without asking for them again.
fn import_offers(report: &import::ImportReport, request: &ImportRequest) -> Vec<ImportOffer> {
    let refused = |file: &Option<std::path::PathBuf>| file.clone().filter(|file| report.refused.contains(file));
    let again = ImportRequest {
        images: None,
        labels: refused(&request.labels),
        groupings: refused(&request.groupings),
        ..request.clone()
    };
    if again.labels.is_none() && again.groupings.is_none() {
        return Vec::new();
    }
    let mut offers = Vec::new();
    if !report.unknown_labels.is_empty() {
        let name = match &report.unknown_labels[..] {
            [label] => format!("Add the label “{label}”"),
            labels => format!("Add these {}", counted(labels.len(), "label")),
        };
        offers.push(ImportOffer { name, request: ImportRequest { add_labels: true, ..again.clone() } });
    }
    if report.problems.len() > report.unknown_labels.len() {
        let name = "Take the sound part".to_owned();
        offers.push(ImportOffer { name, request: ImportRequest { accept_problems: true, ..again } });
    }
    offers
}

fn train_end(report: &train::TrainReport) -> JobEnd {
    let best = report.best_epoch.map_or_else(String::new, |epoch| format!(", best epoch {epoch}"));
    JobEnd {
        details: report.unreadable.iter().map(|(name, reason)| format!("{name}: {reason}")).collect(),
        run: Some(report.run),
        ..JobEnd::said(format!(
            "Run {} {} after {}{best}",
            report.run.0,
            report.status,
            counted(report.epochs, "epoch")
        ))
    }
}
