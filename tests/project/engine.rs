//! The engine under the window, without a window: commands go in, events come out, nothing is lost.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::common::{poll, sample_images, sample_labels};
use atmoscope::clustering::Method;
use atmoscope::engine::analysis::ExploreRequest;
use atmoscope::engine::command::{
    AnnotationCommand, Command, EditCommand, ExportCommand, JobCommand, JobControl, Lookup, ProjectCommand,
};
use atmoscope::engine::event::{EditEvent, ExploreEvent, JobEvent, ProjectEvent, TrainingEvent};
use atmoscope::engine::jobs::cluster::ClusteredPart;
use atmoscope::engine::jobs::import::ImportRequest;
use atmoscope::engine::{Engine, Event, JobEnd, ProjectChange, Snapshot};
use atmoscope::features::FeatureSource;
use atmoscope::ids::{ImageId, LabelId, RunId};
use atmoscope::project::{Project, Role, RunStatus};
use atmoscope::training::TrainingConfiguration;

/// What a window does, without drawing.
struct Window {
    engine: Engine,
    wake: Receiver<()>,
    folder: tempfile::TempDir,
}

impl Window {
    /// A window on a new project; beside it `n` pictures that are not imported yet.
    fn new(n: usize) -> (Self, Box<Snapshot>) {
        let folder = tempfile::tempdir().unwrap();
        sample_images(&folder.path().join("images"), n);
        sample_labels(&folder.path().join("labels.csv"), n);
        let (sender, wake) = mpsc::channel();
        let engine = Engine::start(Arc::new(move || {
            // Nobody listens once the test is over.
            let _ = sender.send(());
        }))
        .unwrap();
        let window = Self { engine, wake, folder };
        window.engine.send(ProjectCommand::Create(window.project()));
        let snapshot = window.loaded();
        (window, snapshot)
    }

    /// The same with pictures and two labels, `静か` and `cool`, annotated by `mori`.
    fn annotating(n: usize) -> (Self, Vec<ImageId>, [LabelId; 2]) {
        let (window, _) = Self::new(n);
        window.engine.send(window.import(false));
        window.job_end();
        for command in ["静か", "cool"].map(|name| EditCommand::AddLabel(name.to_owned())) {
            window.engine.send(command);
        }
        window.engine.send(AnnotationCommand::ChooseAnnotator("mori".to_owned()));
        let snapshot = window.wait("an annotator", |event| match event {
            Event::Project(ProjectEvent::Loaded(snapshot)) if snapshot.annotator.is_some() => Some(snapshot),
            _ => None,
        });
        assert_eq!(snapshot.images.len(), n);
        let labels = [snapshot.labels[0].id, snapshot.labels[1].id];
        (window, snapshot.images.iter().map(|image| image.id).collect(), labels)
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    fn import(&self, with_labels: bool) -> JobCommand {
        JobCommand::Import(ImportRequest {
            images: Some(self.folder.path().join("images")),
            labels: with_labels.then(|| self.folder.path().join("labels.csv")),
            ..ImportRequest::default()
        })
    }

    /// The first event that `wanted` takes; earlier ones are dropped. Fails after two minutes, or on a problem that
    /// is not wanted.
    fn wait<T>(&self, what: &str, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            while let Some(event) = self.engine.next_event() {
                let text = match &event {
                    Event::Problem(notice)
                    | Event::Job(JobEvent::Failed(notice))
                    | Event::Edit(EditEvent::Failed(_, notice))
                    | Event::Explore(ExploreEvent::Failed(_, notice))
                    | Event::Explore(ExploreEvent::NoIntensities(_, notice)) => Some(notice.message.clone()),
                    _ => None,
                };
                match (wanted(event), text) {
                    (Some(found), _) => return found,
                    (None, Some(problem)) => panic!("{problem} (while waiting for {what})"),
                    (None, None) => {}
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(self.wake.recv_timeout(left).is_ok(), "waited in vain for {what}");
        }
    }

    /// A part of the project that changed, told without loading all of it again.
    fn changed(&self) -> ProjectChange {
        self.wait("a change", |event| match event {
            Event::Project(ProjectEvent::Changed { change, .. }) => Some(change),
            Event::Project(ProjectEvent::Loaded(_)) => panic!("all was loaded again"),
            _ => None,
        })
    }

    fn loaded(&self) -> Box<Snapshot> {
        self.wait("a project", |event| {
            if let Event::Project(ProjectEvent::Loaded(snapshot)) = event { Some(snapshot) } else { None }
        })
    }

    /// How the job ended, and the project as loaded just before that was said.
    fn job_end(&self) -> (Box<Snapshot>, JobEnd) {
        let mut last = None;
        self.wait("the end of the job", |event| match event {
            Event::Project(ProjectEvent::Loaded(snapshot)) => {
                last = Some(snapshot);
                None
            }
            Event::Job(JobEvent::Ended(end)) => Some((last.take().expect("the end came before the project"), end)),
            _ => None,
        })
    }

    fn problem(&self) -> String {
        self.wait("a problem", |event| match event {
            Event::Problem(notice)
            | Event::Edit(EditEvent::Failed(_, notice))
            | Event::Explore(ExploreEvent::Failed(_, notice)) => Some(notice.message),
            _ => None,
        })
    }

    /// Waits until `n` edits are on disk; gives what undo and redo would do after the last.
    fn annotated(&self, n: usize) -> (Option<String>, Option<String>) {
        let mut seen = 0;
        self.wait("edits", |event| match event {
            Event::Edit(EditEvent::Annotated { undo, redo, .. }) => {
                seen += 1;
                (seen == n).then_some((undo, redo))
            }
            _ => None,
        })
    }

    fn toggle(&self, images: &[ImageId], label: LabelId) {
        self.engine.send(AnnotationCommand::ToggleLabel { images: images.to_vec(), label });
    }
}

/// The stored answer of the only annotator.
fn answer(project: &Path, image: ImageId, label: LabelId) -> Option<bool> {
    let project = Project::open_read_only(project).unwrap();
    let people = project.people(Role::Annotator).unwrap();
    assert_eq!(people.len(), 1);
    project.answers(people[0].id, image).unwrap().get(&label).copied()
}

fn settings(epochs: usize) -> TrainingConfiguration {
    TrainingConfiguration {
        image_size_px: 32,
        augmented_copies: 0,
        mlsmote: false,
        epochs,
        ..TrainingConfiguration::default()
    }
}

#[test]
fn a_project_is_made_and_filled() {
    let (window, empty) = Window::new(5);
    assert!(empty.images.is_empty() && !empty.read_only);
    assert_eq!(empty.name, "project");
    std::fs::write(window.folder.path().join("images/text.png"), "no picture").unwrap();
    window.engine.send(window.import(true));
    window.wait("the start", |event| matches!(event, Event::Job(JobEvent::Started(_))).then_some(()));
    let (snapshot, end) = window.job_end();
    assert_eq!((snapshot.images.len(), snapshot.labels.len(), snapshot.rejected_files.len()), (5, 3, 1));
    assert!(end.summary.contains("5 pictures added"), "{}", end.summary);
    assert!(end.details.iter().any(|line| line.contains("text.png")), "{:?}", end.details);
    assert_eq!(snapshot.annotator, None, "whose labels were imported does not annotate here");
    assert_eq!(snapshot.answers.len(), 5);
    assert_eq!(snapshot.undo.as_deref(), Some("label 5 pictures"));

    window.engine.send(ProjectCommand::Create(window.project()));
    assert!(window.problem().contains("already holds a project"));
}

#[test]
fn rapid_toggles_end_where_they_should() {
    let (window, images, labels) = Window::annotating(4);
    // Twice is nothing, three times is once; the last one decides between yes and no.
    for (image, toggles) in images.iter().zip([2, 3, 4, 5]) {
        (0..toggles).for_each(|_| window.toggle(&[*image], labels[0]));
    }
    window.toggle(&images[..1], labels[1]);
    window.engine.send(AnnotationCommand::ToggleNo { images: images[..1].to_vec(), label: labels[1] });
    window.annotated(16);
    let project = window.project();
    let yes = images.iter().map(|image| answer(&project, *image, labels[0])).collect::<Vec<_>>();
    assert_eq!(yes, [None, Some(true), None, Some(true)]);
    assert_eq!(answer(&project, images[0], labels[1]), Some(false));

    // Of several pictures those that lack it get it; only when all have it, all lose it.
    window.toggle(&images, labels[0]);
    window.annotated(1);
    assert!(images.iter().all(|image| answer(&project, *image, labels[0]) == Some(true)));
    window.toggle(&images, labels[0]);
    window.annotated(1);
    assert!(images.iter().all(|image| answer(&project, *image, labels[0]).is_none()));
}

#[test]
fn answers_are_confirmed_copied_and_undone() {
    let (window, images, labels) = Window::annotating(3);
    let project = window.project();
    window.toggle(&images[..1], labels[0]);
    window.engine.send(AnnotationCommand::Confirm(images[..1].to_vec()));
    window.engine.send(AnnotationCommand::CopyLabels { from: images[0], to: images[1..].to_vec() });
    let (undo, redo) = window.annotated(3);
    assert_eq!((undo.as_deref(), redo), (Some("label 2 pictures"), None));
    for image in &images {
        assert_eq!([0, 1].map(|label| answer(&project, *image, labels[label])), [Some(true), Some(false)]);
    }
    window.engine.send(EditCommand::Undo);
    window.engine.send(EditCommand::Undo);
    let edits = window.wait("the second undo", {
        let mut seen = 0;
        move |event| match event {
            Event::Edit(EditEvent::Annotated { edits, .. }) => {
                seen += 1;
                (seen == 2).then_some(edits)
            }
            _ => None,
        }
    });
    // The event says what the answer is now: none.
    assert_eq!(edits.len(), 1);
    assert_eq!(
        (edits[0].image, edits[0].label, edits[0].before, edits[0].after),
        (images[0], labels[1], Some(false), None)
    );
    assert_eq!(answer(&project, images[2], labels[0]), None);
    window.engine.send(EditCommand::Redo);
    window.engine.send(EditCommand::Redo);
    window.annotated(2);
    assert_eq!(answer(&project, images[2], labels[1]), Some(false));

    window.engine.send(EditCommand::SetAside(images[..2].to_vec(), Some("blurred".to_owned())));
    let ProjectChange::SetAside { images: gone, reason } = window.changed() else { panic!("not set aside") };
    assert_eq!((&gone[..], reason.as_deref()), (&images[..2], Some("blurred")));
    window.engine.send(EditCommand::Undo);
    assert!(window.loaded().images.iter().all(|image| image.set_aside.is_none()));
    window.engine.send(EditCommand::RemoveLabel(labels[0]));
    assert_eq!(window.loaded().labels.len(), 1);
    window.engine.send(EditCommand::Undo);
    let snapshot = window.loaded();
    assert!(snapshot.answers[&images[0]][&labels[0]]);
    window.engine.send(EditCommand::RenameLabel(labels[0], "cool".to_owned()));
    assert!(window.problem().contains("already a label"));
}

#[test]
fn dropping_the_engine_loses_no_edit() {
    let (window, images, labels) = Window::annotating(10);
    for turn in 0..400 {
        window.toggle(&images[turn % 10..=turn % 10], labels[turn % 2]);
    }
    window.toggle(&images[..5], labels[0]);
    let Window { engine, folder, .. } = window;
    drop(engine);
    let path = folder.path().join("project");
    // 40 toggles of each pair leave nothing; the last one leaves a yes on five pictures.
    for (index, image) in images.iter().enumerate() {
        assert_eq!(answer(&path, *image, labels[0]), (index < 5).then_some(true), "{index}");
        assert_eq!(answer(&path, *image, labels[1]), None, "{index}");
    }
    // Nobody holds the project any more.
    drop(Project::open(&path).unwrap());
}

#[test]
fn a_job_waits_until_it_may_go_on() {
    let (window, _) = Window::new(20);
    window.engine.send(window.import(true));
    window.job_end();
    window.engine.send(JobCommand::Train(Box::new(settings(10_000))));
    let step = |event: &Event| matches!(event, Event::Training(TrainingEvent::Batches(..) | TrainingEvent::Epoch(..)));
    window.wait("a step", |event| step(&event).then_some(()));
    for name in ["calm", "wild", "dim"] {
        window.engine.send(JobControl::Pause);
        poll("the job to wait", || window.engine.job_waits().then_some(()));
        // A step that was under way came in before it waited.
        let mut told = false;
        while let Some(event) = window.engine.next_event() {
            told |= matches!(event, Event::Job(JobEvent::Paused(true)));
            assert!(!matches!(event, Event::Job(JobEvent::Ended(_) | JobEvent::Failed(_))), "{event:?}");
        }
        assert!(told);
        // Edits are made meanwhile; what comes before the job is told to go on is no step.
        window.engine.send(EditCommand::AddLabel(name.to_owned()));
        window.wait("the edit", |event| {
            assert!(!step(&event), "{event:?}");
            matches!(event, Event::Project(ProjectEvent::Changed { change: ProjectChange::Labels(_), .. }))
                .then_some(())
        });
        window.engine.send(JobControl::Continue);
        window.wait("a step again", |event| step(&event).then_some(()));
    }
    // One that waits can be stopped.
    window.engine.send(JobControl::Pause);
    poll("the job to wait", || window.engine.job_waits().then_some(()));
    window.engine.send(JobControl::Cancel);
    window.job_end();
    assert!(!window.engine.job_waits());
}

#[test]
fn a_run_is_trained_explored_and_exported() {
    let (window, _) = Window::new(40);
    window.engine.send(window.import(true));
    window.job_end();
    window.engine.send(JobCommand::Train(Box::new(settings(3))));
    let run = window.wait("a run", |event| {
        if let Event::Training(TrainingEvent::RunStarted(run)) = event { Some(run) } else { None }
    });
    for expected in 1..=3 {
        let epoch = window.wait("an epoch", |event| match event {
            Event::Training(TrainingEvent::Epoch(of, record)) => Some((of, record.epoch)),
            _ => None,
        });
        assert_eq!(epoch, (run, expected));
    }
    let (snapshot, end) = window.job_end();
    assert_eq!((end.run, snapshot.runs[0].status), (Some(run), RunStatus::Finished));
    assert!(snapshot.split.is_some());
    window.engine.send(Lookup::Run(run));
    let epochs = window.wait("the epochs", |event| match event {
        Event::Training(TrainingEvent::RunLoaded(of, epochs, _)) => Some((of, epochs.len())),
        _ => None,
    });
    assert_eq!(epochs, (run, 3));

    let request = ExploreRequest {
        features: FeatureSource::Run(run),
        part: ClusteredPart::All,
        method: Method::default(),
        clusters: 3,
        seed: 1,
        kept: None,
    };
    let explore = |request: ExploreRequest| {
        window.engine.send(Lookup::Explore(request));
        window.wait("clusters", |event| match event {
            Event::Explore(ExploreEvent::Explored(exploration)) if exploration.request == request => Some(exploration),
            _ => None,
        })
    };
    let first = explore(request);
    // Pictures without a label took no part in the run.
    assert_eq!((first.features.rows() + first.missing, first.missing), (40, 5));
    assert_eq!(first.clustering.sizes.iter().sum::<usize>(), first.features.rows());
    assert_eq!(first.members.iter().map(Vec::len).collect::<Vec<_>>(), first.clustering.sizes);
    window.wait("scores", |event| match event {
        Event::Explore(ExploreEvent::Scored(scores)) if scores.request == request => Some(()),
        _ => None,
    });
    window.wait("the elbow", |event| matches!(event, Event::Explore(ExploreEvent::ElbowFound(..))).then_some(()));

    window.engine.send(JobCommand::ComputeIntensities(run, ClusteredPart::All));
    window.job_end();
    let whole = explore(request);
    assert_eq!((whole.features.rows(), whole.missing), (40, 0));
    // Of many requests in a row only the newest must be answered.
    for clusters in 2..12 {
        window.engine.send(Lookup::Explore(ExploreRequest { clusters, ..request }));
    }
    assert_eq!(explore(ExploreRequest { clusters: 12, ..request }).clustering.sizes.len(), 12);

    // Kept under a name, and opened again with the same clusters, whatever K is set to.
    window.engine.send(EditCommand::KeepClustering("twelve".to_owned(), explore(request)));
    let ProjectChange::Clusterings(kept) = window.changed() else { panic!("no clusterings") };
    assert_eq!((kept.len(), kept[0].name.as_str(), kept[0].clusters), (1, "twelve", 3));
    let opened = explore(ExploreRequest { kept: Some(kept[0].id), ..request });
    assert_eq!(opened.clustering, whole.clustering);
    assert_eq!(opened.members, whole.members);
    let again = ExploreRequest { kept: Some(kept[0].id), features: FeatureSource::Run(run), clusters: 9, ..request };
    assert_eq!(explore(again).clustering.assignments, whole.clustering.assignments);
    window.engine.send(EditCommand::KeepClustering("twelve".to_owned(), whole));
    assert!(window.problem().contains("already"));

    let file = window.folder.path().join("clusters.csv");
    window.engine.send(ExportCommand::Assignments { request, file: file.clone() });
    window.wait("the file", |event| matches!(event, Event::Done(_)).then_some(()));
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 41);
    window.engine.send(Lookup::Explore(ExploreRequest { features: FeatureSource::Run(RunId(77)), ..request }));
    assert!(window.problem().contains("no run 77"));
    window.engine.send(Lookup::Explore(ExploreRequest { clusters: 1000, ..request }));
    assert!(window.problem().contains("1000"));
}

#[test]
fn one_job_at_a_time_and_it_can_be_stopped() {
    let (window, _) = Window::new(40);
    window.engine.send(window.import(true));
    window.job_end();
    window.engine.send(JobCommand::Train(Box::new(settings(10_000))));
    let run = window.wait("an epoch", |event| {
        if let Event::Training(TrainingEvent::Epoch(run, _)) = event { Some(run) } else { None }
    });
    let train = JobCommand::Train(Box::new(settings(1)));
    for second in [Command::from(window.import(false)), train.into(), ProjectCommand::Close.into()] {
        window.engine.send(second);
        assert!(window.problem().contains("still at work"));
    }
    // Labelling goes on while the job runs.
    window.engine.send(AnnotationCommand::ChooseAnnotator("mori".to_owned()));
    let snapshot = window.loaded();
    window.engine.send(EditCommand::AddLabel("new".to_owned()));
    let ProjectChange::Labels(labels) = window.changed() else { panic!("no labels") };
    assert_eq!(labels.len(), 4);
    window.toggle(&[snapshot.images[0].id], labels[3].id);
    window.annotated(1);

    window.engine.send(JobControl::Cancel);
    let (snapshot, end) = window.job_end();
    assert_eq!(end.run, Some(run));
    assert!(end.summary.contains("stopped"), "{}", end.summary);
    assert_eq!(snapshot.runs[0].status, RunStatus::Stopped);
    assert!(snapshot.runs[0].best_epoch.is_some());
    // The next job is not stopped by the old request.
    window.engine.send(JobCommand::Train(Box::new(settings(2))));
    let (snapshot, _) = window.job_end();
    assert_eq!(snapshot.runs[0].status, RunStatus::Finished);
}

#[test]
fn dropping_the_engine_stops_the_job_and_keeps_its_work() {
    let (window, _) = Window::new(30);
    window.engine.send(window.import(true));
    window.job_end();
    window.engine.send(JobCommand::Train(Box::new(settings(10_000))));
    window.wait("an epoch", |event| matches!(event, Event::Training(TrainingEvent::Epoch(..))).then_some(()));
    let Window { engine, folder, .. } = window;
    drop(engine);
    let project = Project::open(&folder.path().join("project")).unwrap();
    let run = &project.runs().unwrap()[0];
    assert!(run.status == RunStatus::Stopped && run.best_epoch.is_some(), "{run:?}");
}

#[test]
fn a_project_is_closed_and_opened_again() {
    let (window, images, labels) = Window::annotating(4);
    window.toggle(&images[..1], labels[0]);
    let open = || ProjectCommand::Open { folder: window.project(), read_only: false };
    for _ in 0..5 {
        window.engine.send(ProjectCommand::Close);
        window.engine.send(open());
        window.wait("the end", |event| matches!(event, Event::Project(ProjectEvent::Closed)).then_some(()));
        let snapshot = window.wait("the project", |event| match event {
            Event::Project(ProjectEvent::Loaded(snapshot)) => Some(snapshot),
            Event::Project(ProjectEvent::Busy { notice, .. }) => panic!("{}", notice.message),
            _ => None,
        });
        assert!(snapshot.answers[&images[0]][&labels[0]]);
        // Opening what is open reads it again.
        window.engine.send(open());
        window.wait("the project", |event| match event {
            Event::Project(ProjectEvent::Loaded(snapshot)) => Some(snapshot),
            Event::Project(ProjectEvent::Busy { notice, .. }) => panic!("{}", notice.message),
            _ => None,
        });
    }
    // A place without a project leaves the open one open.
    window.engine.send(ProjectCommand::Open { folder: window.folder.path().join("images"), read_only: false });
    assert!(window.problem().contains("holds no Atmoscope project"));
    window.toggle(&images[1..2], labels[0]);
    window.annotated(1);

    window.engine.send(ProjectCommand::Close);
    window.wait("the end", |event| matches!(event, Event::Project(ProjectEvent::Closed)).then_some(()));
    // Another process can have it at once.
    drop(Project::open(&window.project()).unwrap());
    window.toggle(&images[..1], labels[0]);
    assert!(window.problem().contains("no project is open"));
}

#[test]
fn a_project_in_use_elsewhere_is_opened_for_reading() {
    let (window, images, labels) = Window::annotating(2);
    window.engine.send(ProjectCommand::Close);
    window.wait("the end", |event| matches!(event, Event::Project(ProjectEvent::Closed)).then_some(()));
    let mut other = Project::open(&window.project()).unwrap();
    window.engine.send(ProjectCommand::Open { folder: window.project(), read_only: false });
    let notice = window.wait("the news", |event| {
        if let Event::Project(ProjectEvent::Busy { notice, .. }) = event { Some(notice) } else { None }
    });
    assert!(notice.message.contains("another Atmoscope") && notice.hint.is_some());
    let who = other.people(Role::Annotator).unwrap()[0].id;
    other.annotate(who, &[(images[0], labels[0], Some(true))]).unwrap();
    window.engine.send(ProjectCommand::Open { folder: window.project(), read_only: true });
    let snapshot = window.loaded();
    assert!(snapshot.read_only && snapshot.answers[&images[0]][&labels[0]]);
    for command in [
        Command::from(AnnotationCommand::ToggleLabel { images: images.clone(), label: labels[0] }),
        EditCommand::Undo.into(),
        window.import(false).into(),
    ] {
        let import = matches!(command, Command::Job(_));
        window.engine.send(command);
        let message = window.wait("a refusal", |event| match event {
            Event::Problem(notice) | Event::Edit(EditEvent::Failed(_, notice)) if !import => Some(notice.message),
            Event::Job(JobEvent::Failed(notice)) if import => Some(notice.message),
            _ => None,
        });
        assert!(message.contains("reading only"), "{message}");
    }
    assert_eq!(other.answers(who, images[1]).unwrap().len(), 0);
}

#[test]
fn pictures_are_shown_while_the_import_goes_on() {
    let (window, _) = Window::new(150);
    window.engine.send(window.import(false));
    let mut before_the_end = 0;
    window.wait("the end", |event| match event {
        Event::Project(ProjectEvent::Loaded(snapshot)) if before_the_end == 0 => {
            before_the_end = snapshot.images.len();
            None
        }
        Event::Job(JobEvent::Ended(_)) => Some(()),
        _ => None,
    });
    assert!((1..150).contains(&before_the_end), "{before_the_end} pictures when the project was first shown");
}

#[test]
fn an_answer_is_somebodys() {
    let (window, images, labels) = Window::annotating(2);
    window.engine.send(AnnotationCommand::ShowEverybody);
    assert_eq!(window.loaded().annotator, None);
    window.toggle(&images, labels[0]);
    assert!(window.problem().contains("nobody was chosen"));
    assert_eq!(answer(&window.project(), images[0], labels[0]), None);
    // Opened again, nobody is chosen either.
    window.engine.send(ProjectCommand::Open { folder: window.project(), read_only: false });
    assert_eq!(window.loaded().annotator, None);
}

#[test]
fn only_a_project_in_use_is_said_to_be_in_use() {
    let (window, _) = Window::new(1);
    // Its database is replaced by what is none while it is open here; nobody else has it.
    window.engine.send(ProjectCommand::Close);
    window.wait("the end", |event| matches!(event, Event::Project(ProjectEvent::Closed)).then_some(()));
    std::fs::remove_file(window.project().join("project.lock")).unwrap();
    std::fs::create_dir(window.project().join("project.lock")).unwrap();
    window.engine.send(ProjectCommand::Open { folder: window.project(), read_only: false });
    let busy = window.wait("what is wrong", |event| match event {
        Event::Project(ProjectEvent::Busy { .. }) => Some(true),
        Event::Problem(_) => Some(false),
        _ => None,
    });
    assert!(!busy, "a lock that is a folder is no other Atmoscope");
}
