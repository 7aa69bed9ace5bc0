//! The same settings give the same numbers as before: those of an older program, in `tests/goldens/before`, made by
//! `tests/goldens/make_before.py`, which names its commit.
//!
//! What comes of features (clusters, scores, the elbow, agreement) is the same to the last bit with any vector
//! instructions, which [`SETS`] goes through. So is what a head learns, in the 32 pixels of these pictures, on x86-64.
//! Where the system's logarithm and exponential function are others, numbers may differ in their last digits: there the
//! clusters must be the same and numbers nearly so.

use std::path::{Path, PathBuf};

use crate::common::{Cli, assert_says_within, test_data};
use atmoscope::clustering::{KMeansSettings, elbow};
use atmoscope::interchange::features_csv;
use atmoscope::progress::{Cancel, Silent};
use ndarray::Array2;
use serde_json::Value;

/// Values of ATMOSCOPE_INSTRUCTIONS: all that the machine has, and fewer.
const SETS: [&str; 3] = ["", "avx2", "portable"];
/// The machine on which the numbers were made.
const SAME_BITS: bool = cfg!(all(target_arch = "x86_64", target_os = "linux"));

fn before() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/before")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn golden(name: &str) -> Value {
    serde_json::from_str(&text(&before().join(name))).unwrap()
}

/// The program's answer with these vector instructions.
fn json(cli: &Cli, instructions: &str, arguments: &[&str]) -> Value {
    let output = cli.command(arguments).arg("--json").env("ATMOSCOPE_INSTRUCTIONS", instructions).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn assert_same(now: &Value, then: &Value, place: &str) {
    assert_says_within(if SAME_BITS { 0.0 } else { 1e-9 }, now, then, place);
}

/// A project of empty pictures that have the names of the features and groups.
fn project_of_features() -> (tempfile::TempDir, Cli) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("images")).unwrap();
    for at in 0..160_u8 {
        let picture = image::RgbImage::from_fn(16, 16, |x, y| image::Rgb([at, (x * 9) as u8, (y * 7) as u8 ^ at]));
        picture.save(folder.path().join(format!("images/picture-{at:03}.png"))).unwrap();
    }
    let cli = Cli::new(folder.path());
    let [features, groupings] = ["features.csv", "groupings.csv"].map(|name| before().join(name).display().to_string());
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--groupings", &groupings]);
    cli.ok(&["features", "make", "import", "project", "--name", "given", "--file", &features]);
    (folder, cli)
}

#[test]
fn features_give_the_clusters_and_scores_of_before() {
    let (_folder, cli) = project_of_features();
    let clustered = golden("clustered.json");
    assert_eq!(clustered.as_object().unwrap().len(), 6, "ways to cluster");
    for instructions in SETS {
        for (method, then) in clustered.as_object().unwrap() {
            // The trees differ in how they join, not in the distances that instructions are for.
            if !instructions.is_empty() && method.starts_with("agglomerative") && method != "agglomerative-ward" {
                continue;
            }
            let place = format!("{method} ({instructions})");
            let options = ["cluster", "project", "--features", "given", "-k", "5", "--seed", "1", "--part", "all"];
            let files = ["--method", method, "--out", "clusters.csv", "--scores", "scores.csv", "--force"];
            let now = json(&cli, instructions, &[&options[..], &files].concat());
            assert_eq!(
                text(&cli.path("clusters.csv")),
                text(&before().join(format!("clusters-{method}.csv"))),
                "{place}"
            );
            assert_same(&now, then, &place);
            if method == "k-means" && SAME_BITS {
                assert_eq!(text(&cli.path("scores.csv")), text(&before().join("scores.csv")), "{place}");
            }
        }
    }
    let assignments = before().join("clusters-k-means.csv").display().to_string();
    let [features, groupings] = ["features.csv", "groupings.csv"].map(|name| before().join(name).display().to_string());
    let files = ["evaluate", "--features", &features, "--assignments", &assignments, "--groups", &groupings];
    for instructions in SETS {
        let now = json(&cli, instructions, &[&files[..], &["--seed", "1"]].concat());
        assert_same(&now, &golden("evaluated.json"), "evaluate");
    }
    assert_same(&cli.json(&["agreement", "project"]), &golden("agreement.json"), "agreement");
}

#[test]
fn the_elbow_is_that_of_before() {
    let table = features_csv::parse(text(&before().join("features.csv")).as_bytes());
    assert_eq!(table.problems, []);
    let table = table.value;
    let columns = table.names.len();
    let values = Array2::from_shape_vec((table.images.len(), columns), table.values).unwrap();
    let found = elbow(values.view(), 2..=12, &KMeansSettings::default(), &Silent, &Cancel::new()).unwrap();
    let points: Vec<Value> = found.points.iter().map(|point| serde_json::json!([point.clusters, point.sse])).collect();
    assert_same(&points.into(), &golden("elbow.json"), "elbow");
}

/// With the vector instructions that ATMOSCOPE_INSTRUCTIONS names for the tests, if any; without any it takes a minute.
#[test]
fn a_head_learns_what_it_learnt_before() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    // Read where they are; the project is elsewhere.
    let [pictures, labels, test] = ["pictures", "schema-3/given/Annika.csv", "schema-3/given/test-images.txt"]
        .map(|name| fixtures.join(name).display().to_string());
    let cli = Cli::new(folder.path());
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", &pictures, "--labels", &labels]);
    cli.ok(&["split", "project", "--seed", "3", "--test-images", &test]);
    // Copies were drawn by the run's seed then; today by the split's, unless told.
    let then = text(&before().join("training.toml"));
    let seed = then.lines().find_map(|line| line.strip_prefix("seed = ")).unwrap();
    std::fs::write(cli.path("training.toml"), format!("{then}\naugmentation_seed = {seed}\n")).unwrap();
    let settings = cli.path("training.toml").display().to_string();
    let lines = |name: &str| -> Value {
        let file = text(&cli.path(&format!("project/runs/1/{name}.jsonl")));
        file.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect()
    };
    cli.ok(&["train", "project", "--config", &settings]);
    let then = golden("trained.json");
    let share = if SAME_BITS { 0.0 } else { 1e-3 };
    assert_says_within(share, &lines("metrics"), &then["epochs"], "epochs");
    assert_says_within(share, &lines("batches"), &then["batches"], "steps");
    cli.ok(&["features", "project", "--run", "1", "--part", "all", "--out", "intensities.csv"]);
    if SAME_BITS {
        assert_eq!(text(&cli.path("intensities.csv")), text(&before().join("intensities.csv")));
    }
}

#[test]
#[ignore = "needs the real illustrations: ATMOSCOPE_TEST_DATA"]
fn the_labels_of_the_real_set_give_the_numbers_of_before() {
    let set = test_data().join("illustrations");
    let file = |name: &str| set.join(name).display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new(folder.path());
    cli.ok(&["new", "project"]);
    let (labels, groupings) = (file("labels.csv"), file("groupings.csv"));
    cli.ok(&["import", "project", &file("images"), "--labels", &labels, "--groupings", &groupings]);
    cli.ok(&["split", "project", "--seed", "1", "--test-images", &file("test-images.txt")]);
    cli.ok(&["features", "make", "multi-hot", "project", "--name", "labels"]);
    let goldens = golden("real_set.json");
    assert_eq!(goldens.as_array().unwrap().len(), 3, "4, 5 and 8 clusters");
    for then in goldens.as_array().unwrap() {
        let clusters = then["k"].to_string();
        let options = ["cluster", "project", "--features", "labels", "-k", &clusters, "--seed", "1"];
        let mut now = cli.json(&[&options[..], &["--out", "clusters.csv", "--force"]].concat());
        let csv = text(&cli.path("clusters.csv"));
        let rows = csv.lines().skip(1).map(|line| line.rsplitn(3, ',').take(2).collect::<Vec<_>>());
        now["rows"] = rows.map(|row| serde_json::json!([row[1], row[0]])).collect();
        assert_eq!(now["rows"].as_array().unwrap().len(), 120);
        assert_same(&now, then, &format!("K = {clusters}"));
    }
}
