//! Feature sets and clusterings that are kept: made, shown, clustered, scored, written, removed; checked when read again.

use std::path::Path;

use crate::common::{Cli, sample_folder};
use atmoscope::engine::jobs::{cluster::ClusteredPart, features};
use atmoscope::engine::makers;
use atmoscope::features::{FeatureMatrix, FeatureSource, JoinedPart, Recipe};
use atmoscope::ids::{FeatureSetId, ImageId};
use atmoscope::progress::{Cancel, Silent};
use atmoscope::project::{NewClustering, Project};
use serde_json::{Value, json};

const PICTURES: usize = 30;

/// A project with labelled pictures, a split and a short run.
fn trained() -> (tempfile::TempDir, Cli) {
    let (folder, cli) = sample_folder(PICTURES);
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--labels", "labels.csv"]);
    cli.ok(&["split", "project", "--seed", "3"]);
    cli.ok(&["train", "project", "--image-size", "32", "--epochs", "2", "--augmented-copies", "0"]);
    (folder, cli)
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names and the numbers of a written table.
fn table(text: &str) -> (Vec<String>, Vec<(String, Vec<f32>)>) {
    let mut lines = text.lines();
    let names = lines.next().unwrap().split(',').skip(1).map(str::to_owned).collect();
    let rows = lines.map(|line| {
        let (image, numbers) = line.split_once(',').unwrap();
        (image.to_owned(), numbers.split(',').map(|number| number.parse().unwrap()).collect())
    });
    (names, rows.collect())
}

#[test]
fn every_maker_makes_a_set_that_is_clustered_scored_and_written() {
    let (folder, cli) = trained();
    let path = folder.path();
    let make = |arguments: &[&str]| {
        let mut all = vec!["features", "make", arguments[0], "project"];
        all.extend(&arguments[1..]);
        cli.json(&all)["feature_set"].clone()
    };
    let intensities = make(&["intensities", "--name", "as trained", "--run", "1"]);
    assert_eq!((&intensities["images"], &intensities["recipe"]["run"]), (&PICTURES.into(), &1.into()));
    let labels = make(&["multi-hot", "--name", "labels"]);
    assert_eq!(labels["columns"], serde_json::json!(["sea", "night", "静か"]));
    let backbone = make(&["backbone", "--name", "vgg", "--size", "32"]);
    assert_eq!(backbone["columns"].as_array().unwrap().len(), 512);
    assert_eq!(backbone["recipe"]["weights_hash"].as_str().unwrap().len(), 64);
    make(&["unit-length", "--name", "cosine", "--of", "run-1"]);
    let joined = make(&["joined", "--name", "both", "--of", "vgg", "--of", "as trained=0.5"]);
    assert_eq!(joined["columns"].as_array().unwrap().len(), 512 + 3);

    // What is written is what was made: the labels as the annotators gave them, the intensities as the run gives them.
    cli.ok(&["features", "export", "project", "labels", "--out", "labels-out.csv", "--part", "all"]);
    let (names, rows) = table(&read(path, "labels-out.csv"));
    assert_eq!((names.len(), rows.len()), (3, labels["images"].as_u64().unwrap() as usize));
    let given = read(path, "labels.csv");
    for line in given.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let Some((_, row)) = rows.iter().find(|(image, _)| image == fields[0]) else { continue };
        assert!(row.iter().all(|value| [0.0, 1.0].contains(value)), "{row:?}");
    }
    cli.ok(&["features", "export", "project", "as trained", "--out", "a.csv"]);
    cli.ok(&["features", "project", "--run", "1", "--out", "b.csv"]);
    assert_eq!(read(path, "a.csv"), read(path, "b.csv"));
    let about: Value = serde_json::from_str(&read(path, "a.csv.json")).unwrap();
    assert_eq!((&about["features"], &about["recipe"]["maker"]), (&"as trained".into(), &"intensities".into()));

    // Rows of length 1, from the very numbers of the run.
    cli.ok(&["features", "export", "project", "cosine", "--out", "c.csv"]);
    for ((_, row), (_, raw)) in table(&read(path, "c.csv")).1.iter().zip(&table(&read(path, "b.csv")).1) {
        let length = raw.iter().map(|v| v * v).sum::<f32>().sqrt();
        assert!(row.iter().zip(raw).all(|(a, b)| (a - b / length).abs() < 1e-6));
    }

    // The same features give the same clusters and scores, whichever way they are named.
    let by_run = cli.json(&["cluster", "project", "--run", "1", "-k", "2", "--out", "by-run.csv"]);
    let by_set = cli.json(&["cluster", "project", "--features", "as trained", "-k", "2", "--out", "by-set.csv"]);
    assert_eq!(read(path, "by-run.csv"), read(path, "by-set.csv"));
    assert_eq!(by_run["scores"], by_set["scores"]);
    assert_eq!((&by_run["run"], &by_set["run"], &by_set["features"]), (&1.into(), &Value::Null, &"as trained".into()));
    for set in ["labels", "vgg", "cosine", "both"] {
        cli.json(&["cluster", "project", "--features", set, "-k", "2", "--part", "all"]);
    }
    // The spherical way on a run, and k-means on its rows of length 1, are about the same directions.
    let listed = cli.ok(&["features", "list", "project"]);
    for name in ["run-1", "as trained", "labels", "vgg", "cosine", "both"] {
        assert!(listed.contains(name), "{listed}");
    }
    assert!(cli.ok(&["features", "show", "project", "both"]).contains("learnt from"), "a joined set hides its run");

    // A file of one's own: unknown pictures and bad lines are listed, the rest counts.
    let mut own = String::from("image,brightness\nnowhere.png,1\n");
    for (image, row) in table(&read(path, "a.csv")).1 {
        own += &format!("{image},{}\n", row[0]);
    }
    own += "picture-000.png,NaN\n";
    std::fs::write(path.join("own.csv"), own).unwrap();
    let made = cli.json(&["features", "make", "import", "project", "--name", "own", "--file", "own.csv"]);
    assert_eq!(made["left_out"].as_array().unwrap().len(), 2, "{made}");
    cli.ok(&["features", "export", "project", "own", "--out", "own-again.csv"]);
    let (_, again) = table(&read(path, "own-again.csv"));
    assert!(again.iter().zip(table(&read(path, "a.csv")).1).all(|((_, a), (_, b))| a[0].to_bits() == b[0].to_bits()));
    // Written as npy and taken in again.
    cli.ok(&["features", "export", "project", "vgg", "--out", "vgg.npy", "--part", "all"]);
    cli.ok(&["features", "make", "import", "project", "--name", "vgg again", "--file", "vgg.npy"]);
    cli.ok(&["features", "export", "project", "vgg", "--out", "v1.csv", "--part", "all"]);
    cli.ok(&["features", "export", "project", "vgg again", "--out", "v2.csv", "--part", "all"]);
    assert_eq!(read(path, "v1.csv"), read(path, "v2.csv"));
    // Parquet, as pandas writes it.
    let parquet = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/features-pandas.parquet");
    let parquet = parquet.to_str().unwrap();
    let made = cli.json(&["features", "make", "import", "project", "--name", "pandas", "--file", parquet]);
    let (set, left_out) = (&made["feature_set"], made["left_out"].as_array().unwrap().len());
    assert_eq!((&set["images"], &set["columns"][4], left_out), (&json!(12), &json!("embedding_2"), 0));

    // Names: one of each, told before the work; and nothing others need is removed.
    assert!(cli.fails(2, &["features", "make", "multi-hot", "project", "--name", "labels"]).contains("already"));
    assert!(cli.fails(2, &["features", "make", "multi-hot", "project", "--name", "run-7"]).contains("of a run"));
    assert!(cli.fails(2, &["features", "remove", "project", "vgg"]).contains("both"));
    assert!(cli.fails(2, &["cluster", "project", "--features", "nothing", "-k", "2"]).contains("features list"));
    assert!(cli.fails(2, &["cluster", "project", "--features", "vgg", "--run", "1", "-k", "2"]).contains("--run"));
    assert!(cli.fails(2, &["features", "make", "joined", "project", "--name", "x", "--of", "vgg"]).contains("two"));
    let wrong = ["features", "make", "joined", "project", "--name", "x", "--of", "vgg=-1", "--of", "labels"];
    assert!(cli.fails(2, &wrong).contains("weight"));
    let before = std::fs::read_dir(path.join("project/feature_sets")).unwrap().count();
    cli.ok(&["features", "remove", "project", "both"]);
    cli.ok(&["features", "remove", "project", "own"]);
    assert_eq!(std::fs::read_dir(path.join("project/feature_sets")).unwrap().count(), before - 2);
    // Two sets with the same numbers share a file, which stays as long as one needs it.
    cli.ok(&["features", "remove", "project", "vgg"]);
    cli.ok(&["features", "show", "project", "vgg again"]);
    let written = cli.fails(2, &["features", "export", "project", "labels", "--out", "project/feature_sets/x.csv"]);
    assert!(written.contains("keeps its own files"), "{written}");
}

#[test]
fn a_test_part_without_a_run_is_that_of_the_split_in_use_and_of_joined_runs_what_none_learnt_from() {
    let (folder, cli) = trained();
    cli.ok(&["split", "project", "--seed", "8"]);
    cli.ok(&["train", "project", "--image-size", "32", "--epochs", "1", "--augmented-copies", "0"]);
    cli.ok(&["split", "project", "--seed", "9"]);
    let mut project = Project::open(&folder.path().join("project")).unwrap();
    let make = |project: &mut Project, name: &str, recipe: Recipe| {
        let made = makers::make(project, recipe, &Silent, &Cancel::new()).unwrap();
        FeatureSource::Set(project.add_feature_set(name, &made.recipe, &made.matrix).unwrap())
    };
    let runs = [1, 2].map(|run| FeatureSource::Run(atmoscope::ids::RunId(run)));
    let labels = make(&mut project, "labels", Recipe::MultiHot { labels: Vec::new() });
    let parts = runs.map(|of| JoinedPart { of, weight: 1.0 }).to_vec();
    let both = make(&mut project, "both", Recipe::Joined { parts });
    let deep = make(&mut project, "deep", Recipe::UnitLength { of: both });

    let test = |source| features::images_of(&project, source, ClusteredPart::Test).unwrap();
    let newest = project.current_split().unwrap().unwrap();
    let mut of_labels = test(labels);
    of_labels.sort();
    assert_eq!(of_labels, newest.images_of(atmoscope::dataset::Part::Test));
    assert!(features::learnt_from(&project, labels).unwrap().images.is_empty());
    let (first, second) = (test(runs[0]), test(runs[1]));
    let wanted: Vec<ImageId> = first.iter().copied().filter(|image| second.contains(image)).collect();
    assert_ne!(wanted.len(), first.len(), "both runs have the same test part, so nothing is tested");
    match wanted.is_empty() {
        true => assert!(features::images_of(&project, deep, ClusteredPart::Test).is_err()),
        false => assert_eq!(test(deep), wanted),
    }
    let learnt = features::learnt_from(&project, deep).unwrap().images;
    assert!(wanted.iter().all(|image| !learnt.contains(image)));
    assert!(features::learnt_from(&project, runs[1]).unwrap().images.is_subset(&learnt));
}

#[test]
fn a_damaged_missing_or_exchanged_file_is_named_and_never_clustered() {
    let (folder, cli) = sample_folder(PICTURES);
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--labels", "labels.csv"]);
    cli.ok(&["features", "make", "multi-hot", "project", "--name", "labels"]);
    let clustered = ["cluster", "project", "--features", "labels", "-k", "2", "--part", "all"];
    cli.ok(&clustered);
    let sets = folder.path().join("project/feature_sets");
    let file = std::fs::read_dir(&sets).unwrap().next().unwrap().unwrap().path();
    let sound = std::fs::read(&file).unwrap();
    for place in [9, sound.len() / 2, sound.len() - 3] {
        let mut flipped = sound.clone();
        flipped[place] ^= 1;
        std::fs::write(&file, flipped).unwrap();
        let told = cli.fails(1, &clustered);
        assert!(told.contains("damaged") && told.contains("feature_sets"), "{told}");
        assert!(cli.fails(1, &["features", "show", "project", "labels"]).contains("damaged"));
    }
    std::fs::remove_file(&file).unwrap();
    assert!(cli.fails(1, &clustered).contains("missing"));
    std::fs::write(&file, sound).unwrap();
    cli.ok(&clustered);
}

#[test]
fn a_kept_clustering_is_listed_noted_written_and_removed() {
    let (folder, cli) = trained();
    let path = folder.path();
    cli.ok(&["features", "make", "multi-hot", "project", "--name", "labels"]);
    let mut keep = vec!["cluster", "project", "--features", "labels", "-k", "3", "--part", "all", "--seed", "5"];
    keep.extend(["--method", "spherical-k-means", "--out", "now.csv", "--name", "三つ"]);
    let made = cli.json(&keep);
    assert!(cli.fails(2, &["cluster", "project", "--run", "1", "-k", "2", "--name", "三つ"]).contains("already"));
    cli.ok(&["clusterings", "export", "project", "三つ", "--out", "later.csv"]);
    assert_eq!(read(path, "now.csv"), read(path, "later.csv"));
    let about: Value = serde_json::from_str(&read(path, "later.csv.json")).unwrap();
    assert_eq!((&about["clustering"], &about["method"]), (&"三つ".into(), &"spherical-k-means".into()));
    // Scored from what is kept: the very scores it had when it was made, by the features it was made of.
    let evaluate = ["evaluate", "--project", "project"];
    let scored = cli.json(&[&evaluate[..], &["--clustering", "三つ", "--seed", "5"]].concat());
    assert_eq!(scored, made["scores"]);
    let named = ["--features", "labels", "--assignments", "later.csv", "--seed", "5"];
    assert_eq!(cli.json(&[&evaluate[..], &named].concat()), made["scores"]);
    // By other features the clusters stay and the numbers change; pictures without a row are counted.
    let by_run = cli.json(&[&evaluate[..], &["--clustering", "三つ", "--features", "run-1"]].concat());
    assert_eq!((&by_run["clusters"], &by_run["groupings"]), (&3.into(), &scored["groupings"]));
    assert_ne!(by_run["scores"], scored["scores"]);
    assert!(
        cli.fails(2, &[&evaluate[..], &["--features", "nothing", "--clustering", "三つ"]].concat()).contains("nothing")
    );
    std::fs::write(path.join("unknown.csv"), "image,cluster\nnowhere.png,1\n").unwrap();
    let unknown = ["--features", "labels", "--assignments", "unknown.csv"];
    assert!(cli.fails(2, &[&evaluate[..], &unknown].concat()).contains("line 2"));
    cli.ok(&["clusterings", "note", "project", "三つ", "--cluster", "2", "--note", "quiet ones"]);
    let shown = cli.json(&["clusterings", "show", "project", "三つ"]);
    assert_eq!((&shown["sizes"], &shown["clustering"]["notes"]["1"]), (&made["sizes"], &"quiet ones".into()));
    assert!(cli.ok(&["clusterings", "list", "project"]).contains("3 clusters of"));
    for wrong in ["0", "4"] {
        let arguments = ["clusterings", "note", "project", "三つ", "--cluster", wrong, "--note", "x"];
        cli.fails(2, &arguments);
    }
    assert!(cli.fails(2, &["features", "remove", "project", "labels"]).contains("三つ"));
    cli.ok(&["clusterings", "remove", "project", "三つ"]);
    cli.ok(&["features", "remove", "project", "labels"]);
    assert!(cli.fails(2, &["clusterings", "show", "project", "三つ"]).contains("clusterings list"));
}

#[test]
fn what_is_no_number_or_does_not_fit_is_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = Project::create(folder.path()).unwrap();
    let recipe = Recipe::Imported { file: "a.csv".to_owned(), file_hash: "0".to_owned() };
    let matrix = FeatureMatrix::new(vec![ImageId(1)], vec!["a".to_owned()], vec![f32::INFINITY]).unwrap();
    assert!(project.add_feature_set("x", &recipe, &matrix).unwrap_err().message.contains("“a”"));
    assert!(project.feature_sets().unwrap().is_empty() && !folder.path().join("feature_sets").exists());
    let clustering = NewClustering {
        features: FeatureSource::Set(FeatureSetId(1)),
        facts: serde_json::Map::new(),
        part: "all".to_owned(),
        method: "k-means".to_owned(),
        seed: u64::MAX,
        clusters: 2,
        images: &[ImageId(1), ImageId(2)],
        assignments: &[0, 1],
        distances: &[0.5, 0.25],
        edited_from: None,
    };
    assert!(project.add_clustering("c", &NewClustering { distances: &[0.5], ..clustering.clone() }).is_err());
    let id = project.add_clustering("c", &clustering).unwrap();
    assert_eq!(project.clusterings().unwrap()[0].seed, u64::MAX);
    assert_eq!(project.assignments(id).unwrap()[1].distance, 0.25);
    let edited = NewClustering { edited_from: Some(id), ..clustering };
    project.add_clustering("by hand", &edited).unwrap();
    assert!(project.remove_clustering(id).unwrap_err().message.contains("by hand"));
    // A byte that changed behind our back is told, not shown as another cluster.
    drop(project);
    let connection = rusqlite::Connection::open(folder.path().join("project.db")).unwrap();
    connection
        .execute("UPDATE clusterings SET assignments = CAST(substr(assignments, 1, 8) || X'01000000' || substr(assignments, 13) AS BLOB) WHERE name = 'c'", [])
        .unwrap();
    drop(connection);
    let project = Project::open(folder.path()).unwrap();
    assert!(project.assignments(id).unwrap_err().message.contains("damaged"));
}
