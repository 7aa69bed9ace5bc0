//! A whole sort in the real window, under a virtual screen, by a scripted keyboard and mouse, with the program killed
//! again and again.
#![cfg(all(feature = "gui", target_os = "linux"))]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::common::{Cli, poll, sample_images};
use atmoscope::dataset::Part;
use atmoscope::ids::SortId;
use atmoscope::project::{NewStudy, NewTask, Project, StoredSort, TaskOrder};
use atmoscope::random::generator;
use atmoscope::sorting::{Condition, Move, Sort};
use rand::Rng;

/// Where things are in a window of 1280×800 at the corner of the screen, on a board of three columns.
const TRAY_FIRST: (i32, i32) = (56, 440);
const CARDS: [(i32, i32); 9] =
    [(450, 270), (770, 270), (1090, 270), (450, 505), (770, 505), (1090, 505), (450, 740), (770, 740), (1090, 740)];

struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    fn start() -> Self {
        let display = format!(":{}", 90 + std::process::id() % 100);
        // Without -noreset it begins anew, deaf for a moment, whenever the last program on it is killed.
        let server = Command::new("Xvfb")
            .args([&display, "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let screen = Self { server, display };
        poll("the screen", || screen.xdotool(&["getdisplaygeometry"]).starts_with("1280").then_some(()));
        screen
    }

    fn xdotool(&self, arguments: &[&str]) -> String {
        let output = Command::new("xdotool").args(arguments).env("DISPLAY", &self.display).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn key(&self, key: &str) {
        self.xdotool(&["key", "--clearmodifiers", key]);
    }

    fn go(&self, (x, y): (i32, i32)) {
        self.xdotool(&["mousemove", &x.to_string(), &y.to_string()]);
    }

    /// Presses at one place and lets go at another, as a hand does.
    fn drag(&self, from: (i32, i32), to: (i32, i32)) {
        self.go(from);
        pause(60);
        self.xdotool(&["mousedown", "1"]);
        pause(60);
        for step in 1..=6 {
            self.go((from.0 + (to.0 - from.0) * step / 6, from.1 + (to.1 - from.1) * step / 6));
            pause(25);
        }
        pause(40);
        self.xdotool(&["mouseup", "1"]);
        pause(60);
    }

    fn picture(&self, file: &Path) {
        let _ = Command::new("import").args(["-window", "root"]).arg(file).env("DISPLAY", &self.display).status();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

fn open(screen: &Screen, folder: &Path) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_atmoscope"))
        .arg("rate")
        .arg(folder)
        .args(["--rater", "Anna"])
        .env("DISPLAY", &screen.display)
        .env_remove("WAYLAND_DISPLAY")
        // Not the preferences of whoever runs the test: a board zoomed by them lies elsewhere.
        .env("XDG_CONFIG_HOME", folder.join("cache"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let window = poll("the window", || {
        let found = screen.xdotool(&["search", "--onlyvisible", "--name", "Atmoscope"]);
        found.lines().next().map(str::to_owned)
    });
    screen.xdotool(&["windowmove", &window, "0", "0"]);
    screen.xdotool(&["windowfocus", &window]);
    // The project is opened and the first picture drawn.
    pause(2500);
    child
}

/// The newest sort of the rater.
fn stored(folder: &Path) -> Option<StoredSort> {
    let project = Project::open_read_only(folder).ok()?;
    let study = project.studies().ok()?.first()?.id;
    let newest = project.sorts_of(study).ok()?.last().copied()?;
    project.sort(newest).ok()
}

fn moves(folder: &Path) -> usize {
    stored(folder).map_or(0, |stored| stored.sort.move_count())
}

/// Waits until no more moves arrive.
fn wait_until_still(folder: &Path) {
    let mut before = moves(folder);
    loop {
        pause(900);
        let now = moves(folder);
        if now == before {
            break;
        }
        before = now;
    }
}

/// Two whole sorts of as many pictures; each is killed five times, after ten or so moves.
const PICTURES: usize = 60;

/// A project with [`PICTURES`] pictures in its study: real ones where there are any.
fn project(parent: &Path) -> PathBuf {
    let cli = Cli::new(parent);
    cli.ok(&["new", "moods"]);
    let folder = parent.join("moods");
    let images = match std::env::var_os("ATMOSCOPE_TEST_DATA").map(PathBuf::from) {
        Some(data) => {
            let data = data.join("illustrations");
            let [images, labels] = ["images", "labels.csv"].map(|name| data.join(name).to_str().unwrap().to_owned());
            cli.ok(&["import", "moods", &images, "--labels", &labels, "--quiet"]);
            cli.ok(&["split", "moods", "--test-images", data.join("test-images.txt").to_str().unwrap()]);
            let mut test = Project::open(&folder).unwrap().current_split().unwrap().unwrap().images_of(Part::Test);
            test.truncate(PICTURES);
            test
        }
        None => {
            println!("drawn pictures are sorted, because ATMOSCOPE_TEST_DATA is not set");
            sample_images(&parent.join("images"), PICTURES);
            cli.ok(&["import", "moods", "images", "--quiet"]);
            Project::open(&folder).unwrap().images().unwrap().iter().map(|image| image.id).collect()
        }
    };
    assert_eq!(images.len(), PICTURES);
    let task = |condition: Condition| NewTask { condition, occasion: 1, images: None };
    Project::open(&folder)
        .unwrap()
        .create_study(&NewStudy {
            name: "Atmosphere".to_owned(),
            images,
            tasks: vec![task(Condition::one()), task(Condition::two())],
            task_order: TaskOrder::Listed,
            seed: 1,
            raters: vec!["Anna".to_owned()],
        })
        .unwrap();
    folder
}

#[test]
#[ignore = "needs Xvfb, openbox and xdotool"]
fn two_whole_sorts_with_the_program_killed_ten_times() {
    const KILLS: usize = 10;
    let parent = tempfile::tempdir().unwrap();
    let folder = project(parent.path());
    let screen = Screen::start();
    let pictures = std::env::var_os("ATMOSCOPE_TEST_PICTURES").map(PathBuf::from);
    let mut random = generator(17, "hand");
    let mut window = open(&screen, &folder);
    let (mut killed, mut by_mouse, mut by_keys) = (0, 0, 0);
    for (task, piles) in [(0_usize, 6_usize), (1, 8)] {
        screen.key("Return");
        pause(600);
        let sort = stored(&folder).unwrap();
        assert_eq!(sort.task.condition.name, (task + 1).to_string());
        // Each round puts some pictures away, then the program is killed in the middle of the next ones.
        loop {
            let now = stored(&folder).unwrap();
            let standing = now.sort.standing();
            if standing.left == 0 {
                break;
            }
            let before = moves(&folder);
            let round = random.gen_range(8..12).min(standing.left);
            let mut sent = 0;
            for _ in 0..round {
                let there = now.sort.board().piles.len() + sent;
                if there < piles {
                    screen.key("n");
                    by_keys += 1;
                } else if random.gen_bool(0.5) {
                    screen.key(&random.gen_range(1..=piles).to_string());
                    by_keys += 1;
                } else {
                    // Far from the place for new groups, which moves when a group comes or goes.
                    screen.drag(TRAY_FIRST, CARDS[random.gen_range(0..piles - 2)]);
                    by_mouse += 1;
                }
                sent += 1;
                if sent % 5 == 0 {
                    screen.key("ctrl+z");
                    pause(30);
                    screen.key("ctrl+shift+z");
                    sent += 2;
                }
            }
            // Half of them in each sort.
            if killed < KILLS * (task + 1) / 2 {
                // At any moment, also while moves are on their way to the disk.
                pause(random.gen_range(0..40));
                window.kill().unwrap();
                window.wait().unwrap();
                killed += 1;
                let kept = moves(&folder);
                println!("killed after {} of {sent} moves of this round", kept - before);
                assert!(kept > before, "none of the round was kept");
                window = open(&screen, &folder);
                let again = stored(&folder).unwrap();
                assert_eq!(again.sort.move_count(), kept, "opening it again changed the log");
            } else {
                wait_until_still(&folder);
            }
            if let Some(pictures) = &pictures {
                screen.picture(&pictures.join(format!("sort-{task}-{before}.png")));
            }
        }
        let sort = stored(&folder).unwrap();
        screen.key("ctrl+Return");
        pause(700);
        if let Some(pictures) = &pictures {
            screen.picture(&pictures.join(format!("submit-{task}.png")));
        }
        screen.key("Return");
        assert!(
            poll("the grouping", || {
                let project = Project::open_read_only(&folder).ok()?;
                project.sort(sort.id).ok()?.submitted_at
            })
            .starts_with("20")
        );
        pause(800);
    }
    window.kill().unwrap();
    window.wait().unwrap();
    assert_eq!(killed, KILLS);
    println!("{by_keys} moves by keys, {by_mouse} by mouse");

    let project = Project::open(&folder).unwrap();
    let groupings = project.groupings().unwrap();
    assert_eq!(
        groupings.iter().map(|g| (g.condition.as_str(), g.images)).collect::<Vec<_>>(),
        [("1", PICTURES), ("2", PICTURES)]
    );
    assert_eq!(groupings[1].groups, 8);
    for id in [1, 2].map(SortId) {
        // The log leads to the groups that were handed in, without gaps and in order of time.
        let stored = project.sort(id).unwrap();
        let log = project.sort_log(id).unwrap();
        assert_eq!(log.iter().map(|logged| logged.number).collect::<Vec<_>>(), (1..=log.len()).collect::<Vec<_>>());
        assert!(
            log.windows(2).all(|pair| pair[0].made_at <= pair[1].made_at && pair[0].stored_at <= pair[1].stored_at)
        );
        let steps: Vec<Move> = log.into_iter().map(|logged| logged.step).collect();
        let again = Sort::replay(stored.sort.order().to_vec(), stored.task.condition.clone(), &steps).unwrap();
        assert_eq!(again.groups(), stored.sort.groups());
        assert!(steps.contains(&Move::Undo) && steps.contains(&Move::Redo));
        println!("sort {}: {} moves, {} visits", id.0, steps.len(), project.sort_visits(id).unwrap().len());
    }
}
