//! New pictures go to the nearest cluster of a clustering that is kept, and nothing enters the project.

use std::collections::BTreeMap;

use crate::common::{Cli, sample_folder, sample_image};
use serde_json::Value;

/// A project with a run, its clusters kept, and pictures that are not in it.
fn kept() -> (tempfile::TempDir, Cli) {
    let (folder, cli) = sample_folder(30);
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--labels", "labels.csv"]);
    cli.ok(&["split", "project", "--seed", "3"]);
    cli.ok(&["train", "project", "--image-size", "32", "--epochs", "2", "--augmented-copies", "0"]);
    cli.ok(&["cluster", "project", "--run", "1", "-k", "3", "--part", "all", "--name", "moods", "--out", "moods.csv"]);
    std::fs::create_dir(folder.path().join("new")).unwrap();
    for number in [40, 41] {
        sample_image(number).save(folder.path().join(format!("new/{number}.png"))).unwrap();
    }
    // One that is in the project under another name.
    std::fs::copy(folder.path().join("images/picture-007.png"), folder.path().join("new/known.png")).unwrap();
    std::fs::write(folder.path().join("new/broken.png"), "no picture").unwrap();
    (folder, cli)
}

#[test]
fn a_picture_of_the_project_comes_to_its_own_cluster_and_new_ones_to_the_nearest() {
    let (folder, cli) = kept();
    let before = cli.json(&["status", "project"]);
    let cache = |cli: &Cli| walkdir::WalkDir::new(cli.path("project/cache")).into_iter().count();
    let files = cache(&cli);
    let found = cli.json(&["classify", "project", "new", "--clustering", "moods", "--out", "c.csv"]);
    let pictures: BTreeMap<String, Value> = (found["pictures"].as_array().unwrap().iter())
        .map(|of| (of["file"].as_str().unwrap().to_owned(), of.clone()))
        .collect();
    assert_eq!(pictures.keys().collect::<Vec<_>>(), ["new/40.png", "new/41.png", "new/known.png"]);
    assert_eq!(found["left_out"].as_array().unwrap().len(), 1);
    assert_eq!(found["names"], serde_json::json!(["sea", "night", "静か"]));
    let known = &pictures["new/known.png"];
    let assigned = std::fs::read_to_string(folder.path().join("moods.csv")).unwrap();
    let line = assigned.lines().find(|line| line.starts_with("picture-007.png,")).unwrap();
    let mut cells = line.split(',').skip(1);
    assert_eq!(known["cluster"].to_string(), cells.next().unwrap());
    let distance: f64 = cells.next().unwrap().parse().unwrap();
    assert!((known["distance"].as_f64().unwrap() - distance).abs() < 1e-6);
    assert_eq!(known["similar"][0], serde_json::json!(["picture-007.png", 0.0]));
    for picture in pictures.values() {
        assert!(picture["distance"].as_f64() <= picture["second_distance"].as_f64());
        assert_ne!(picture["cluster"], picture["second_cluster"]);
    }
    let csv = std::fs::read_to_string(folder.path().join("c.csv")).unwrap();
    assert!(csv.starts_with("file,cluster,distance,second_cluster,second_distance,similar,sea,night,静か\n"));
    assert_eq!(csv.lines().count(), 4);
    assert_eq!(cli.json(&["status", "project"]), before);
    assert_eq!(cache(&cli), files, "nothing is kept");
    // By direction, too.
    cli.ok(&["features", "make", "unit-length", "project", "--name", "cosine", "--of", "run-1"]);
    cli.ok(&["cluster", "project", "--features", "cosine", "-k", "2", "--part", "all", "--name", "directions"]);
    let text = cli.ok(&["classify", "project", "new/known.png", "--clustering", "directions"]);
    assert!(text.contains("new/known.png: cluster") && text.contains("like picture-007.png"), "{text}");
}

#[test]
fn what_cannot_be_classified_is_said() {
    let (_folder, cli) = kept();
    let refused = |arguments: &[&str]| cli.fails(2, &[&["classify", "project"], arguments].concat());
    assert!(refused(&["new", "--clustering", "gone"]).contains("gone"));
    assert!(refused(&["nowhere", "--clustering", "moods"]).contains("nowhere"));
    assert!(refused(&["new", "--clustering", "moods", "--out", "c.txt"]).contains("does not end in .csv or .jsonl"));
    assert!(cli.fails(1, &["classify", "project", "new/broken.png", "--clustering", "moods"]).contains("can be read"));
    cli.ok(&["features", "make", "multi-hot", "project", "--name", "labels"]);
    cli.ok(&["cluster", "project", "--features", "labels", "-k", "2", "--part", "all", "--name", "by labels"]);
    let message = refused(&["new/40.png", "--clustering", "by labels"]);
    assert!(message.contains("features that new pictures do not get: 3 labels as ones and zeros"), "{message}");
}
