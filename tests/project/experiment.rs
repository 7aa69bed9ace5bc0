//! Experiments: from a plan to tables; killed, gone on with, reported, repeated; and plans that cannot be carried out.

use std::path::Path;
use std::time::Duration;

use crate::common::{Cli, copy_folder, sample_folder};
use atmoscope::engine::experiment::{Plan, READY};
use atmoscope::random::generator;
use rand::Rng;
use serde_json::Value;

const PICTURES: usize = 48;

/// Small enough for a test, with every kind of features: trained, made, made of others, kept.
const PLAN: &str = r#"
description = "Everything <b>small</b>."
clusters = [2, 3]
seeds = [1, 2]
against = "Proposed"
authors = "Ada"

[features.intensities]
maker = "train"
epochs = 3
image_size_px = 32
augmented_copies = 1
[features.cosine]
maker = "unit-length"
of = "intensities"
[features.words]
maker = "bovw"
words = 8
size = 64
[features.labels]
maker = "multi-hot"
[features.learnt]
maker = "learnt"
of = "intensities"
[features.joined]
maker = "joined"
of = ["intensities", "learnt=0.5"]

[[methods]]
name = "Proposed"
features = "intensities"
[[methods]]
name = "Cosine"
features = "cosine"
[[methods]]
name = "Words"
features = "words"
clusterer = "agglomerative-ward"
[[methods]]
name = "Labels"
features = "labels"
[[methods]]
name = "Joined"
features = "joined"
clusterer = "spectral"

[[tables]]
title = "Silhouette"
score = "silhouette"
printed = [{ row = "Elsewhere", values = ["0.35", "0.32"] }]
[[tables]]
title = "Authors"
score = "entropy"
against = "authors"
[[tables]]
title = "Raters"
score = "adjusted_rand_index"
"#;

/// A project with labels, a split and groups of three raters: of the test pictures, and of the others.
fn project() -> (tempfile::TempDir, Cli) {
    let (folder, cli) = sample_folder(PICTURES);
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--labels", "labels.csv"]);
    cli.ok(&["split", "project", "--seed", "3"]);
    let mut random = generator(1, "raters");
    let mut csv = "rater,condition,image,group\n".to_owned();
    for rater in ["Ada", "Ben", "Cho"] {
        for image in 0..PICTURES {
            let group = (image % 3 + usize::from(random.gen_bool(0.3))) % 3;
            csv += &format!("{rater},1,picture-{image:03}.png,{group}\n");
        }
    }
    std::fs::write(folder.path().join("groupings.csv"), csv).unwrap();
    cli.ok(&["import", "project", "--groupings", "groupings.csv"]);
    std::fs::write(folder.path().join("plan.toml"), PLAN).unwrap();
    (folder, cli)
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn a_plan_becomes_tables_that_are_the_same_however_often_it_is_killed() {
    let (folder, cli) = project();
    let path = folder.path();
    let other = tempfile::tempdir().unwrap();
    copy_folder(path, other.path());
    let planned = cli.json(&["experiment", "project", "plan.toml", "--plan"]);
    assert_eq!((&planned["cells"], &planned["cells_there"]), (&20.into(), &0.into()));
    assert_eq!(planned["to_make"]["intensities"], 2);
    assert_eq!(planned["to_make"]["labels"], 1);

    let found =
        cli.json(&["experiment", "project", "plan.toml", "--out", "a.csv", "--out", "a.jsonl", "--out", "a.parquet"]);
    let tables = found["tables"].as_array().unwrap();
    let title = |table: &Value| table["title"].as_str().unwrap().to_owned();
    assert_eq!(tables.iter().map(title).collect::<Vec<_>>(), ["Silhouette", "Authors", "Raters"]);
    let raters = &tables[2];
    assert_eq!(raters["columns"].as_array().unwrap().len(), 2);
    let proposed = &raters["rows"][0]["values"][0];
    assert!(proposed["count"] == 2 && proposed["difference"].is_null(), "{proposed}");
    let cosine = &raters["rows"][1]["values"][0]["difference"];
    let within = cosine["interval"]["low"].as_f64() <= cosine["value"].as_f64();
    assert!(cosine["value"].is_number() && cosine["interval"].is_null() || within, "{cosine}");
    assert!(raters["beside"][0]["name"].as_str().unwrap().starts_with("Raters among themselves (3.0 groups"));
    assert!(raters["notes"][0].as_str().unwrap().contains("Joined learnt from other groups of the same raters"));
    // A mean in a table is the mean of the rows.
    let rows = found["rows"].as_array().unwrap();
    let of = |seed: u64| -> f64 {
        let is_it = |row: &&Value| {
            row["method"] == "Proposed"
                && row["clusters"] == 2
                && row["seed"] == seed
                && row["score"] == "adjusted_rand_index"
        };
        let values: Vec<f64> = (rows.iter().filter(is_it))
            .filter(|row| row["rater"] == "Ben" || row["rater"] == "Cho")
            .map(|row| row["value"].as_f64().unwrap())
            .collect();
        assert_eq!(values.len(), 2);
        values.iter().sum::<f64>() / 2.0
    };
    assert!((proposed["mean"].as_f64().unwrap() - (of(1) + of(2)) / 2.0).abs() < 1e-12);
    let text = cli.ok(&["experiment", "project", "plan.toml"]);
    assert!(text.contains("minus Proposed") && text.contains("Elsewhere") && text.contains("cond. 1, K = 3"), "{text}");
    // Nothing was computed again, nothing made twice.
    assert_eq!(cli.json(&["runs", "project"])["runs"].as_array().unwrap().len(), 2);

    let cli = Cli::new(other.path());
    let mut random = generator(7, "kills");
    let mut kills = 0;
    while kills < 10 {
        let mut child = cli.spawn(&["experiment", "project", "plan.toml", "--quiet"]);
        std::thread::sleep(Duration::from_millis(random.gen_range(100..1500)));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert!(kills > 2, "killed {kills} times only");
    cli.ok(&["experiment", "project", "plan.toml", "--out", "a.csv", "--out", "a.jsonl", "--out", "a.parquet"]);
    for file in ["a.csv", "a.jsonl", "a.parquet"] {
        let (one, other) = (std::fs::read(path.join(file)).unwrap(), std::fs::read(other.path().join(file)).unwrap());
        assert!(one == other && !one.is_empty(), "{file} differs after {kills} kills");
    }
}

#[test]
fn a_report_opens_anywhere_and_tells_what_changed() {
    let (folder, cli) = project();
    let path = folder.path();
    cli.ok(&["experiment", "project", "plan.toml"]);
    cli.ok(&["report", "project", "plan", "--out", "one.html"]);
    cli.ok(&["report", "project", "plan", "--out", "two.html"]);
    let html = read(path, "one.html");
    assert_eq!(html.replace("one.html", "two.html"), read(path, "two.html"));
    assert!(html.contains("Everything &lt;b&gt;small") && !html.contains("<b>small"), "names are escaped");
    assert!(!html.contains("http://") || html.matches("http://").count() == html.matches("http://www.w3.org").count());
    for part in [
        "Elsewhere",
        "Proposed, K = 2, seed 1",
        "data:image/jpeg;base64,",
        "<svg",
        "id=\"record\"",
        "stands for the authors",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let same = cli.json(&["reproduce", "project", "one.html"]);
    assert_eq!(
        (&same["data"], &same["made"], &same["different"]),
        (&Value::Array(vec![]), &Value::Array(vec![]), &Value::Array(vec![]))
    );
    assert!(same["numbers"].as_u64().unwrap() > 100);
    assert!(cli.ok(&["reproduce", "project", "plan"]).contains("came out the same"));

    // A report that was changed is none.
    std::fs::write(path.join("bad.html"), html.replace("\"seeds\":[1,2]", "\"seeds\":[1,3]")).unwrap();
    assert!(cli.fails(1, &["reproduce", "project", "bad.html"]).contains("its record was changed"));

    // A label, a picture.
    let labels = read(path, "labels.csv").replace("picture-000.png,1", "picture-000.png,0");
    assert_ne!(labels, read(path, "labels.csv"));
    std::fs::write(path.join("labels.csv"), labels).unwrap();
    cli.ok(&["import", "project", "--labels", "labels.csv"]);
    std::fs::copy(path.join("images/picture-001.png"), path.join("images/picture-002.png")).unwrap();
    let output = cli.run(&["reproduce", "project", "one.html", "--json"]);
    assert_eq!(output.code, Some(1));
    let changed: Value = serde_json::from_str(&output.out).unwrap();
    let data: Vec<&str> = changed["data"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert!(data.iter().any(|text| text.starts_with("picture-000.png had the labels")), "{data:?}");
    assert!(data.iter().any(|text| text.starts_with("picture-002.png: ")), "{data:?}");
    assert!(!changed["different"].as_array().unwrap().is_empty());
    // The experiment itself is not gone on with, on other data.
    assert!(cli.fails(2, &["experiment", "project", "plan.toml"]).contains("picture-000.png had the labels"));
}

#[test]
fn what_cannot_be_done_is_said_before_anything_long_begins() {
    let (folder, cli) = project();
    let path = folder.path();
    let refused = |from: &str, to: &str| {
        assert!(PLAN.contains(from), "{from}");
        std::fs::write(path.join("bad.toml"), PLAN.replace(from, to)).unwrap();
        cli.fails(2, &["experiment", "project", "bad.toml"])
    };
    for (from, to, words) in [
        ("clusters = [2, 3]", "clusters = [2, 40]", "40 clusters cannot be made of the"),
        ("authors = \"Ada\"", "authors = \"Zoe\"", "no groupings by “Zoe”"),
        ("maker = \"bovw\"", "maker = \"beauty\"", "no maker “beauty”"),
        ("words = 8", "wrds = 8", "--wrds"),
        ("words = 8", "words = 1", "1 is not in 2..=100000"),
        ("epochs = 3", "epochs = 0", "epochs is 0"),
        ("features = \"words\"", "features = \"gone\"", "no feature set “gone”"),
        ("of = \"intensities\"\n[features.words]", "of = \"gone\"\n[features.words]", "no feature set “gone”"),
        ("epochs = 3", "labels = [\"beauty\"]", "no label “beauty”"),
    ] {
        let message = refused(from, to);
        assert!(message.contains(words), "{to}: {message}");
    }
    assert!(cli.fails(2, &["experiment", "project", "beauty"]).contains("no ready-made experiment “beauty”"));
    assert!(cli.fails(2, &["report", "project", "plan", "--out", "r.html"]).contains("no experiment “plan”"));
    assert!(cli.fails(2, &["reproduce", "project", "images"]).contains("no experiment “images”"));
    assert!(!path.join("project/experiments").exists(), "nothing was begun");
    assert!(cli.json(&["runs", "project"])["runs"].as_array().unwrap().is_empty());
}

#[test]
fn ready_made_experiments_can_be_read_and_shown() {
    let labels = ["a".to_owned(), "b".to_owned()];
    for (name, text) in READY {
        let plan = Plan::from_toml(text).unwrap().expanded(&labels).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!plan.description.is_empty() && !plan.reference().is_empty(), "{name}");
        let cli = Cli::new(Path::new("."));
        assert_eq!(cli.ok(&["experiment", "--show", name]).trim(), text.trim());
    }
}
