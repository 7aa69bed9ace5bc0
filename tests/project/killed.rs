//! A program that is killed at any moment loses nothing it had said was done.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{Cli, poll, sample_images, sample_labels};
use atmoscope::ids::{ImageId, LabelId};
use atmoscope::project::{Project, Role, RunStatus};
use atmoscope::random::generator;
use atmoscope::training::{TrainedHead, read_epochs};
use rand::Rng;

/// What a test of this file says to the child that it kills: the project's folder.
const ANNOTATE: &str = "ATMOSCOPE_TEST_ANNOTATE";
const ANSWERS: usize = 20_000;

#[test]
fn training() {
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new(folder.path());
    sample_images(&folder.path().join("images"), 30);
    sample_labels(&folder.path().join("labels.csv"), 30);
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--labels", "labels.csv"]);
    let path = folder.path().join("project");
    let before = Project::open_read_only(&path).unwrap().consensus().unwrap();
    assert!(!before.is_empty());

    let mut child =
        cli.spawn(&["train", "project", "--image-size", "32", "--epochs", "10000", "--augmented-copies", "0"]);
    let metrics = path.join("runs/1/metrics.jsonl");
    poll("a second epoch", || {
        assert_eq!(child.try_wait().unwrap(), None, "the training ended by itself");
        std::fs::read_to_string(&metrics).ok().filter(|text| text.lines().count() > 1)
    });
    assert_eq!(cli.json(&["runs", "project"])["runs"][0]["status"], "running");
    child.kill().unwrap();
    child.wait().unwrap();

    let project = Project::open(&path).unwrap();
    let run = &project.runs().unwrap()[0];
    assert_eq!(run.status, RunStatus::Interrupted);
    assert!(run.ended_at.is_some() && run.message.is_some());
    let run_folder = project.run_folder(run.id);
    let head = TrainedHead::load(&run_folder.join("checkpoints/best.safetensors")).unwrap();
    assert_eq!(head.metadata.labels, ["sea", "night", "静か"]);
    assert!(read_epochs(&run_folder).unwrap().iter().any(|epoch| epoch.epoch == head.metadata.epoch));
    assert_eq!(project.consensus().unwrap(), before);
    drop(project);

    // What was kept can be used, and training can start anew.
    let clustered = cli.json(&["cluster", "project", "--run", "1", "--k", "2"]);
    assert_eq!(clustered["sizes"].as_array().unwrap().len(), 2);
    assert_eq!(
        cli.json(&["train", "project", "--image-size", "32", "--epochs", "2", "--augmented-copies", "0"])["run"],
        2
    );
}

#[test]
fn training_that_is_resumed_ends_with_the_same_numbers() {
    const EPOCHS: usize = 120;
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new(folder.path());
    sample_images(&folder.path().join("images"), 30);
    sample_labels(&folder.path().join("labels.csv"), 30);
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--labels", "labels.csv"]);
    let train = ["train", "project", "--image-size", "32", "--augmented-copies", "1", "--epochs", "120"];
    let run_folder = folder.path().join("project/runs/1");
    let mut child = cli.spawn(&train);
    // Twice in a row: the second time while it goes on.
    for lines in [2, 30] {
        poll("some epochs", || {
            assert_eq!(child.try_wait().unwrap(), None, "the training ended by itself");
            std::fs::read_to_string(run_folder.join("metrics.jsonl")).ok().filter(|text| text.lines().count() >= lines)
        });
        child.kill().unwrap();
        child.wait().unwrap();
        child = cli.spawn(&["train", "project", "--resume", "1"]);
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(cli.json(&["train", "project", "--again", "1"])["run"], 2);

    let project = Project::open(&folder.path().join("project")).unwrap();
    let records = [1, 2].map(|run| {
        let mut records = read_epochs(&project.run_folder(atmoscope::ids::RunId(run))).unwrap();
        records.iter_mut().for_each(|record| record.duration_ms = 0);
        records
    });
    assert_eq!(records[0].len(), EPOCHS);
    assert_eq!(records[0], records[1]);
    drop(project);
    let features = ["1", "2"].map(|run| {
        let file = format!("features-{run}.csv");
        cli.ok(&["features", "project", "--run", run, "--out", &file]);
        std::fs::read(folder.path().join(file)).unwrap()
    });
    assert_eq!(features[0], features[1]);
}

#[test]
fn import() {
    const PICTURES: usize = 600;
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new(folder.path());
    sample_images(&folder.path().join("images"), PICTURES);
    cli.ok(&["new", "project"]);
    let path = folder.path().join("project");
    let count = || Project::open_read_only(&path).unwrap().images().unwrap().len();

    let mut child = cli.spawn(&["import", "project", "images"]);
    poll("the first pictures", || {
        assert_eq!(child.try_wait().unwrap(), None, "the import ended by itself");
        (count() > 0).then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();

    let kept = count();
    assert!((1..PICTURES).contains(&kept), "{kept}");
    let report = cli.json(&["import", "project", "images"]);
    assert_eq!(report["added"].as_u64().unwrap() as usize, PICTURES - kept);
    assert_eq!(report["already_there"].as_u64().unwrap() as usize, kept);
    assert_eq!(report["rejected"].as_array().unwrap().len(), 0);
    let project = Project::open(&path).unwrap();
    let mut paths: Vec<_> = project.image_paths().unwrap().into_values().collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), PICTURES);
    assert!(paths.iter().all(|path| path.is_file()));
}

/// Answer number `n`, the same in parent and child: every few answers one is changed again or taken back.
fn answer(n: usize, images: &[ImageId], labels: &[LabelId]) -> (ImageId, LabelId, Option<bool>) {
    let mut random = generator(5, &format!("answer {n}"));
    let value = [Some(true), Some(false), None][random.gen_range(0..3)];
    (images[random.gen_range(0..images.len())], labels[random.gen_range(0..labels.len())], value)
}

fn ids(project: &Project) -> (Vec<ImageId>, Vec<LabelId>) {
    let mut images: Vec<_> = project.images().unwrap().into_iter().map(|image| image.id).collect();
    images.sort_unstable();
    (images, project.labels().unwrap().into_iter().map(|label| label.id).collect())
}

/// The child: gives answer after answer and says each one's number once it was stored.
fn annotate_until_killed(folder: &Path) {
    let mut project = Project::open(folder).unwrap();
    let (images, labels) = ids(&project);
    let who = project.person("child", Role::Annotator).unwrap().id;
    for n in 0..ANSWERS {
        project.annotate(who, &[answer(n, &images, &labels)]).unwrap();
        // Past the test runner, which would keep what is printed.
        std::io::stderr().write_all(format!("stored {n}\n").as_bytes()).unwrap();
    }
}

#[test]
fn annotating() {
    if let Some(folder) = std::env::var_os(ANNOTATE) {
        annotate_until_killed(Path::new(&folder));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new(folder.path());
    sample_images(&folder.path().join("images"), 5);
    let mut random = generator(11, "when to kill");
    for round in 0..6 {
        let name = format!("project-{round}");
        let path = folder.path().join(&name);
        cli.ok(&["new", &name]);
        cli.ok(&["import", &name, "images"]);
        let mut project = Project::open(&path).unwrap();
        for label in ["静か", "cool", "sea"] {
            project.add_label(label).unwrap();
        }
        drop(project);

        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["killed::annotating", "--exact", "--nocapture"])
            .env(ANNOTATE, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let wait_for = random.gen_range(1..150);
        let spin = random.gen_range(0..3_000);
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut stored = 0;
        let mut count = |line: String| {
            if let Some(number) = line.strip_prefix("stored ") {
                assert_eq!(number.parse::<usize>().unwrap(), stored);
                stored += 1;
            }
            stored
        };
        while count(lines.next().expect("the child ended by itself").unwrap()) < wait_for {}
        // A moment that has nothing to do with the lines.
        (0..spin).for_each(|turn| drop(std::hint::black_box(format!("{turn}"))));
        child.kill().unwrap();
        assert_ne!(child.wait().unwrap().code(), Some(0), "the child came to its end before it was killed");
        for line in lines.map_while(Result::ok) {
            count(line);
        }

        let project = Project::open(&path).unwrap();
        let (images, labels) = ids(&project);
        let who = project.people(Role::Annotator).unwrap()[0].id;
        let found: HashMap<_, _> =
            project.annotations_of(who).unwrap().into_iter().map(|a| ((a.image, a.label), a.value)).collect();
        let after = |n: usize| {
            let mut state = HashMap::new();
            for (image, label, value) in (0..n).map(|n| answer(n, &images, &labels)) {
                match value {
                    Some(value) => state.insert((image, label), value),
                    None => state.remove(&(image, label)),
                };
            }
            state
        };
        // The one under way when it was killed may have been stored without being said.
        assert!(
            found == after(stored) || found == after(stored + 1),
            "after {stored} answers: {found:?} instead of {:?}",
            after(stored)
        );
    }
}

#[cfg(unix)]
#[test]
fn training_that_is_stopped_says_so_with_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new(folder.path());
    sample_images(&folder.path().join("images"), 30);
    sample_labels(&folder.path().join("labels.csv"), 30);
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--labels", "labels.csv"]);
    let train = ["train", "project", "--image-size", "32", "--epochs", "10000", "--augmented-copies", "0", "-q"];
    // By Ctrl+C, and by the system at shutdown.
    for (run, signal) in [(1, "-INT"), (2, "-TERM")] {
        let child = cli.command(&train).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let metrics = folder.path().join(format!("project/runs/{run}/metrics.jsonl"));
        poll("an epoch", || std::fs::read_to_string(&metrics).ok().filter(|text| text.lines().count() > 0));
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(130), "{said}");
        assert!(said.contains("is kept") && said.contains(&format!("--resume {run}")), "{said}");
        let runs = cli.json(&["runs", "project"]);
        assert!(runs["runs"].as_array().unwrap().iter().all(|run| run["status"] == "stopped"), "{runs}");
    }
}
