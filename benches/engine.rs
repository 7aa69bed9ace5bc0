//! What people wait for in the window, without the window: `cargo bench --bench engine`.
//!
//! Projects of 1,000 and of 100,000 pictures (rows of the database; no files are read) with five labels and sixteen
//! features. A command goes in, and the time until its event comes out is taken; what an edit must not do, load the
//! project again, ends the bench.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use atmoscope::clustering::Method;
use atmoscope::engine::analysis::ExploreRequest;
use atmoscope::engine::command::{EditCommand, Lookup, ProjectCommand, SessionCommand};
use atmoscope::engine::event::{ExploreEvent, ProjectEvent, SessionEvent};
use atmoscope::engine::jobs::cluster::ClusteredPart;
use atmoscope::engine::jobs::study;
use atmoscope::engine::{Engine, Event, ProjectChange, Snapshot};
use atmoscope::features::{FeatureMatrix, FeatureSource, Recipe};
use atmoscope::ids::ImageId;
use atmoscope::imaging::{ImageFacts, PictureFormat};
use atmoscope::project::{NewImage, NewStudy, Project, Role, TaskOrder};
use atmoscope::random::generator;
use atmoscope::sorting::Condition;
use rand::Rng;

const COLUMNS: usize = 16;
const LABELS: [&str; 5] = ["cute", "gloomy", "scenery", "cool", "calm"];

fn image(number: usize) -> NewImage {
    NewImage {
        relative_path: format!("{:03}/illustration {number:06}.png", number / 1000),
        facts: ImageFacts {
            format: PictureFormat::Png,
            width_px: 1024,
            height_px: 768,
            orientation: 1,
            size_bytes: 1_000_000,
            content_hash: format!("{number:032x}"),
            perceptual_hash: number as u64,
        },
        set_aside: None,
        stamp: None,
    }
}

/// Pictures around seven centres, each with two or three labels.
fn make(folder: &Path, images: usize) {
    let mut project = Project::create(folder).unwrap();
    let root = project.image_root(&folder.join("images")).unwrap();
    let new: Vec<NewImage> = (0..images).map(image).collect();
    let ids = project.add_images(root.id, &new).unwrap();
    let labels = LABELS.map(|name| project.add_label(name).unwrap().id);
    let who = project.person("mori", Role::Annotator).unwrap().id;
    let mut random = generator(1, "bench");
    let answers: Vec<_> = ids
        .iter()
        .flat_map(|id| labels.map(|label| (*id, label)))
        .map(|(id, label)| (id, label, Some(random.gen_bool(0.3))))
        .collect();
    for some in answers.chunks(50_000) {
        project.annotate(who, some).unwrap();
    }
    let values = (0..images)
        .flat_map(|row| (0..COLUMNS).map(move |column| ((row % 7) * (column + 3) % 5) as f32))
        .map(|centre| centre + random.gen_range(-1.5..1.5))
        .collect();
    let names = (0..COLUMNS).map(|column| column.to_string()).collect();
    let recipe = Recipe::Imported { file: "bench".to_owned(), file_hash: "0".to_owned() };
    project.add_feature_set("bench", &recipe, &FeatureMatrix::new(ids.clone(), names, values).unwrap()).unwrap();
    let study = NewStudy {
        name: "bench".to_owned(),
        images: ids[..60].to_vec(),
        tasks: study::tasks(&[Condition::one()], None),
        task_order: TaskOrder::Listed,
        seed: 1,
        raters: vec!["aoi".to_owned()],
    };
    project.create_study(&study).unwrap();
}

struct Window {
    engine: Engine,
    wake: Receiver<()>,
}

impl Window {
    fn new() -> Self {
        let (sender, wake) = mpsc::channel();
        Self { engine: Engine::start(Arc::new(move || _ = sender.send(()))).unwrap(), wake }
    }

    fn wait<T>(&self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            while let Some(event) = self.engine.next_event() {
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
            self.wake.recv_timeout(Duration::from_secs(300)).unwrap();
        }
    }

    fn loaded(&self) -> Box<Snapshot> {
        self.wait(|event| match event {
            Event::Project(ProjectEvent::Loaded(snapshot)) => Some(snapshot),
            Event::Problem(notice) => panic!("{}", notice.message),
            _ => None,
        })
    }

    fn changed(&self) -> ProjectChange {
        self.wait(|event| match event {
            Event::Project(ProjectEvent::Changed { change, .. }) => Some(change),
            Event::Project(ProjectEvent::Loaded(_)) => panic!("the whole project was loaded again"),
            Event::Problem(notice) => panic!("{}", notice.message),
            _ => None,
        })
    }

    /// The clusters of a request, and how many others came before them.
    fn explored(&self, request: ExploreRequest) -> usize {
        let mut stale = 0;
        self.wait(|event| match event {
            Event::Explore(ExploreEvent::Explored(found)) if found.request == request => Some(stale),
            Event::Explore(ExploreEvent::Explored(_)) => {
                stale += 1;
                None
            }
            Event::Explore(ExploreEvent::Failed(_, notice)) => panic!("{}", notice.message),
            _ => None,
        })
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let started = Instant::now();
    let result = work();
    (result, ms(started.elapsed()))
}

/// The middle and the largest of some times.
fn told(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    format!("median {:.1} ms, largest {:.1} ms", times[times.len() / 2], times[times.len() - 1])
}

fn edits(window: &Window, images: &[ImageId]) {
    let edit = |name: &str, mut work: Box<dyn FnMut(usize) + '_>| {
        println!("  {name}: {}", told((0..9).map(|at| timed(|| work(at)).1).collect()));
    };
    edit(
        "a label is added",
        Box::new(|at| {
            window.engine.send(EditCommand::AddLabel(format!("label {at}")));
            assert!(matches!(window.changed(), ProjectChange::Labels(_)));
        }),
    );
    edit(
        "a picture is set aside",
        Box::new(|at| {
            window.engine.send(EditCommand::SetAside(vec![images[at]], Some("bench".to_owned())));
            assert!(matches!(window.changed(), ProjectChange::SetAside { .. }));
        }),
    );
    window.engine.send(SessionCommand::OpenOf { study: None, rater: "aoi".to_owned() });
    let opened = window.wait(|event| match event {
        Event::Session(SessionEvent::Opened(session)) => session.current.map(|current| current.id),
        Event::Problem(notice) => panic!("{}", notice.message),
        _ => None,
    });
    edit(
        "a sort is paused",
        Box::new(|_| {
            window.engine.send(SessionCommand::Pause(opened));
            assert!(matches!(window.changed(), ProjectChange::Studies(_)));
        }),
    );
}

fn explore(window: &Window, snapshot: &Snapshot) {
    let request = |clusters: usize, seed: u64| ExploreRequest {
        features: FeatureSource::Set(snapshot.feature_sets[0].id),
        part: ClusteredPart::All,
        method: Method::default(),
        clusters,
        seed,
        kept: None,
    };
    let ask = |request: ExploreRequest| {
        window.engine.send(Lookup::Explore(request));
        window.explored(request)
    };
    // The first one loads the features.
    println!("  the first clusters: {:.0} ms", timed(|| ask(request(2, 1))).1);
    let each: Vec<f64> = (2..=12).map(|clusters| timed(|| ask(request(clusters, 2))).1).collect();
    println!("  K from 2 to 12, each waited for: {}", told(each));
    // A hand on the slider: one step in each frame, nothing waited for.
    let (stale, dragged) = timed(|| {
        for clusters in 2..=12 {
            window.engine.send(Lookup::Explore(request(clusters, 3)));
            std::thread::sleep(Duration::from_millis(16));
        }
        let last = Instant::now();
        (window.explored(request(12, 3)), ms(last.elapsed()))
    })
    .0;
    println!(
        "  K dragged from 2 to 12, a step every 16 ms: the last {dragged:.0} ms after the hand stops; {stale} shown on the way"
    );
}

/// What the Library does at every keystroke, and when a project was opened.
#[cfg(feature = "gui")]
fn filter(snapshot: Snapshot) {
    use atmoscope::app::state::{LibraryState, ProjectState};
    let label = snapshot.labels[0].id;
    let (project, indexed) = timed(|| ProjectState::new(snapshot, 1 << 32));
    println!("  the snapshot is indexed: {indexed:.1} ms");
    let mut library = LibraryState::default();
    println!("  all pictures are listed: {:.1} ms", timed(|| library.refresh(&project)).1);
    let mut type_in = |name: &str, texts: &[&str]| {
        let times = texts.iter().map(|text| {
            library.search = (*text).to_owned();
            timed(|| library.refresh(&project)).1
        });
        println!("  {name}: {}", told(times.collect()));
    };
    type_in("a text is typed", &["i", "il", "ill", "illu", "illustration 0", "illustration 09", "illustration 099"]);
    type_in("and taken back", &["illustration 09", "illustration 0", "illu", "ill", "il", "i", ""]);
    type_in("another text is pasted", &["099", "998", "000/", "77", "nothing", ""]);
    let times = [Some(label), None, Some(label), None].map(|label| {
        library.label = label;
        timed(|| library.refresh(&project)).1
    });
    println!("  a label is chosen, and none: {}", told(times.to_vec()));
}

#[cfg(not(feature = "gui"))]
fn filter(_snapshot: Snapshot) {}

/// Leaving while clusters are made, scored, and their curve is drawn.
fn leave(folder: &Path, snapshot: &Snapshot) {
    let mut times = Vec::new();
    for wait_ms in [5, 50, 200, 500, 1000, 2000] {
        let window = Window::new();
        window.engine.send(ProjectCommand::Open { folder: folder.to_path_buf(), read_only: false });
        window.loaded();
        window.engine.send(Lookup::Explore(ExploreRequest {
            features: FeatureSource::Set(snapshot.feature_sets[0].id),
            part: ClusteredPart::All,
            method: Method::default(),
            clusters: 7,
            seed: wait_ms,
            kept: None,
        }));
        std::thread::sleep(Duration::from_millis(wait_ms));
        times.push(timed(|| drop(window)).1);
    }
    println!("  the window is closed in the middle: {}", told(times));
}

fn open(folder: &Path, name: &str) -> (Window, Box<Snapshot>) {
    let window = Window::new();
    let (snapshot, loaded) = timed(|| {
        window.engine.send(ProjectCommand::Open { folder: folder.to_path_buf(), read_only: false });
        window.loaded()
    });
    println!("  {name}: {loaded:.0} ms");
    (window, snapshot)
}

fn main() {
    for images in [1000, 100_000] {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), images);
        println!("{images} pictures");
        // The first time each day a copy of the database is made.
        drop(open(folder.path(), "opened, with the copy of the day"));
        let (window, snapshot) = open(folder.path(), "opened again");
        let ids: Vec<ImageId> = snapshot.images.iter().map(|image| image.id).collect();
        edits(&window, &ids);
        explore(&window, &snapshot);
        drop(window);
        leave(folder.path(), &snapshot);
        filter(*snapshot);
    }
}
