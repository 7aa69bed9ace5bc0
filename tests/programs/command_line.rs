//! The whole loop without a window: results, files, JSON and exit codes of every subcommand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::common::{Cli, sample_folder, sample_images};
use serde_json::Value;

const PICTURES: usize = 60;

/// A folder with pictures, labels, groupings of the test pictures and their list.
fn sample() -> (tempfile::TempDir, Cli) {
    sample_folder(PICTURES)
}

/// Makes a project, imports everything, splits with the given test part, and trains a few epochs.
fn train(cli: &Cli, project: &str, seed: &str) -> Value {
    cli.ok(&["new", project]);
    cli.ok(&["import", project, "images", "--labels", "labels.csv", "--groupings", "groupings.csv"]);
    cli.ok(&["split", project, "--test-images", "test-images.txt", "--seed", seed]);
    cli.json(&["train", project, "--image-size", "32", "--epochs", "3", "--augmented-copies", "1", "--seed", seed])
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The numbers in `a` and `b` are the same but for the last digits of sums in another order.
fn assert_same(a: &Value, b: &Value, place: &str) {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.as_f64().unwrap(), y.as_f64().unwrap());
            assert!((x - y).abs() <= 1e-9 * x.abs().max(1.0), "{place}: {x} and {y}");
        }
        (Value::Object(x), Value::Object(y)) => {
            assert_eq!(x.keys().collect::<Vec<_>>(), y.keys().collect::<Vec<_>>(), "{place}");
            x.iter().for_each(|(key, value)| assert_same(value, &y[key], &format!("{place}.{key}")));
        }
        (Value::Array(x), Value::Array(y)) => {
            assert_eq!(x.len(), y.len(), "{place}");
            x.iter().zip(y).enumerate().for_each(|(i, (x, y))| assert_same(x, y, &format!("{place}[{i}]")));
        }
        _ => assert_eq!(a, b, "{place}"),
    }
}

#[test]
fn the_whole_loop_runs_without_a_window() {
    let (folder, cli) = sample();
    let path = folder.path();
    assert!(cli.json(&["new", "project"])["project"].as_str().unwrap().ends_with("project"));
    // One picture comes later than the rest, so that the order of ids is not that of names.
    let late = path.join("images/picture-001.png");
    std::fs::rename(&late, path.join("late.png")).unwrap();
    assert_eq!(cli.json(&["import", "project", "images"])["added"], 59);
    std::fs::rename(path.join("late.png"), &late).unwrap();
    let imported = cli.json(&["import", "project", "images", "--labels", "labels.csv", "--annotator", "森"]);
    assert_eq!((&imported["added"], &imported["labels"]["labels"]), (&1.into(), &3.into()));
    assert_eq!(imported["labels"]["annotator"], "森");
    assert_eq!(cli.json(&["import", "project", "--groupings", "groupings.csv"])["groupings"], 4);

    // Divided 5 : 3 : 2, then with a given test part; the newest counts.
    let split = cli.json(&["split", "project"]);
    let sizes: Vec<u64> = ["train", "validation", "test"].map(|part| split["sizes"][part].as_u64().unwrap()).to_vec();
    assert_eq!(
        (
            sizes.iter().sum::<u64>()
                + split["without_answer"].as_u64().unwrap()
                + split["all_no_left_out"].as_u64().unwrap(),
            sizes[0] > sizes[2]
        ),
        (60, true)
    );
    let split = cli.json(&["split", "project", "--random", "--test-images", "test-images.txt"]);
    assert_eq!((&split["sizes"]["test"], &split["split"]["id"]), (&20.into(), &2.into()));
    let status = cli.json(&["status", "project"]);
    assert_eq!(
        (&status["images"], &status["missing_files"], &status["split"]["id"]),
        (&60.into(), &0.into(), &2.into())
    );
    assert_eq!(status["labels"].as_array().unwrap().len(), 3);
    assert_eq!(status["groupings"].as_array().unwrap().len(), 4);

    let trained = cli.json(&["train", "project", "--image-size", "32", "--epochs", "3"]);
    assert_eq!((&trained["run"], &trained["status"], &trained["epochs"]), (&1.into(), &"finished".into(), &3.into()));
    assert_eq!(trained["unreadable"].as_array().unwrap().len(), 0);
    assert_eq!(read(path, "project/runs/1/metrics.jsonl").lines().count(), 3);
    // Without --json standard output is the run's id alone, for scripts.
    let id = cli.ok(&["train", "project", "--config", "project/runs/1/configuration.toml", "--epochs", "1"]);
    assert_eq!(id, "2\n");
    assert!(read(path, "project/runs/2/configuration.toml").contains("image_size_px = 32"));
    let runs = cli.json(&["runs", "project"])["runs"].clone();
    assert_eq!((&runs[0]["id"], &runs[1]["id"], &runs[1]["status"]), (&2.into(), &1.into(), &"finished".into()));

    for file in ["features.csv", "features.npy"] {
        let written = cli.json(&["features", "project", "--run", "1", "--out", file]);
        assert_eq!((&written["images"], &written["features"]), (&20.into(), &3.into()));
    }
    assert_eq!(read(path, "features.csv").lines().next(), Some("image,sea,night,静か"));
    let all = cli.json(&["features", "project", "--run", "1", "--out", "all.csv", "--part", "all"]);
    assert_eq!(all["images"], 60);
    let test: BTreeSet<String> = read(path, "features.csv").lines().map(str::to_owned).collect();
    let every: BTreeSet<String> = read(path, "all.csv").lines().map(str::to_owned).collect();
    assert!(test.is_subset(&every), "a picture's intensities depend on which others are asked for");

    let clustered = cli.json(&["cluster", "project", "--run", "1", "-k", "4", "--out", "clusters.csv"]);
    assert_eq!(clustered["sizes"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap()).sum::<u64>(), 20);
    let scores = &clustered["scores"];
    assert_eq!((&scores["images"], &scores["clusters"]), (&20.into(), &4.into()));
    assert_eq!(scores["groupings"].as_array().unwrap().len(), 4);
    assert_eq!(scores["conditions"].as_array().unwrap().len(), 2);
    for features in ["features.csv", "features.npy"] {
        let arguments =
            ["evaluate", "--features", features, "--assignments", "clusters.csv", "--groups", "groupings.csv"];
        assert_same(&cli.json(&arguments), scores, features);
    }
    let without = cli.json(&["evaluate", "--features", "features.csv", "--assignments", "clusters.csv"]);
    assert_same(&without["silhouette"], &scores["silhouette"], "silhouette");

    // What is said as text is about the same.
    assert!(cli.ok(&["status", "project"]).contains("Pictures: 60"));
    assert!(cli.ok(&["cluster", "project", "--run", "1", "-k", "4"]).contains("silhouette"));
    assert!(cli.ok(&["runs", "project"]).contains("finished"));

    std::fs::rename(path.join("images"), path.join("moved")).unwrap();
    assert_eq!(cli.json(&["status", "project"])["missing_files"], 60);
    // Clusters need no pictures once their intensities are stored.
    assert_same(&cli.json(&["cluster", "project", "--run", "1", "-k", "4"])["scores"], scores, "without pictures");
    assert_eq!(cli.json(&["relink", "project", "moved"])["found"], 60);
    assert_eq!(cli.json(&["status", "project"])["missing_files"], 0);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (folder, cli) = sample();
    let mut written = Vec::new();
    for (project, seed) in [("first", "5"), ("second", "5"), ("third", "6")] {
        train(&cli, project, seed);
        let [features, clusters] = ["features", "clusters"].map(|name| format!("{project}-{name}.csv"));
        cli.ok(&["features", project, "--run", "1", "--out", &features, "--part", "all"]);
        cli.ok(&["cluster", project, "--run", "1", "-k", "4", "--seed", seed, "--out", &clusters]);
        let metrics: Vec<Value> = read(folder.path(), &format!("{project}/runs/1/metrics.jsonl"))
            .lines()
            .map(|line| {
                let mut record: Value = serde_json::from_str(line).unwrap();
                // The time it took differs, and so does the line's checksum.
                (record["duration_ms"], record["checksum"]) = (Value::Null, Value::Null);
                record
            })
            .collect();
        let hash = cli.json(&["runs", project])["runs"][0]["data_hash"].clone();
        written.push((read(folder.path(), &features), read(folder.path(), &clusters), metrics, hash));
    }
    assert!(written[0] == written[1], "two projects with the same seed differ");
    assert_ne!(written[0].0, written[2].0);
}

#[test]
fn a_picture_that_cannot_be_read_is_left_out_everywhere() {
    let (folder, cli) = sample();
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--labels", "labels.csv"]);
    cli.ok(&["split", "project", "--test-images", "test-images.txt"]);
    std::fs::remove_file(folder.path().join("images/picture-004.png")).unwrap();
    let trained = cli.json(&["train", "project", "--image-size", "32", "--epochs", "2"]);
    assert_eq!(trained["unreadable"][0][0], "picture-004.png");
    let clustered = cli.json(&["cluster", "project", "--run", "1", "-k", "3", "--out", "clusters.csv"]);
    assert_eq!(
        (&clustered["scores"]["images"], &clustered["unreadable"][0][0]),
        (&19.into(), &"picture-004.png".into())
    );
    assert!(!read(folder.path(), "clusters.csv").contains("picture-004"));

    for index in 0..PICTURES {
        let _ = std::fs::remove_file(folder.path().join(format!("images/picture-{index:03}.png")));
    }
    std::fs::remove_dir_all(folder.path().join("project/cache")).unwrap();
    let error = cli.fails(1, &["train", "project", "--image-size", "32"]);
    assert!(error.contains("none of the pictures can be read") && error.contains("relink"), "{error}");
    let runs = cli.json(&["runs", "project"])["runs"].clone();
    assert_eq!(runs[0]["status"], "failed");
    assert!(runs[0]["message"].as_str().unwrap().contains("none of the pictures"));
}

#[test]
fn mistakes_end_with_2_and_name_the_way_out() {
    let (folder, cli) = sample();
    let path = folder.path();
    let write = |name: &str, text: &str| std::fs::write(path.join(name), text).unwrap();
    cli.ok(&["new", "empty"]);
    train(&cli, "project", "1");
    cli.ok(&["features", "project", "--run", "1", "--out", "features.csv"]);
    cli.ok(&["cluster", "project", "--run", "1", "-k", "3", "--out", "clusters.csv"]);
    write("bad.csv", "image,cluster\npicture-001.png,many\n");
    write("few.csv", "image,cluster,distance\npicture-001.png,0,0\n");
    let more = read(path, "clusters.csv") + "picture-000.png,0,0\n";
    write("more.csv", &more);
    write("list.txt", "picture-001.png\nnowhere.png\n");
    write("typo.toml", "epoks = 3\n");
    write("none.csv", "rater,condition,image,group\n");
    std::fs::create_dir(path.join("folder.csv")).unwrap();

    let evaluate = |assignments| vec!["evaluate", "--features", "features.csv", "--assignments", assignments];
    let cluster = |k| vec!["cluster", "project", "--run", "1", "-k", k];
    let mistakes: Vec<(Vec<&str>, &str)> = vec![
        (vec!["new", "project"], "already holds a project"),
        (vec!["new", "labels.csv"], "labels.csv"),
        (vec!["status", "nowhere"], "holds no Atmoscope project"),
        (vec!["runs", "images"], "atmoscope new"),
        (vec!["import", "empty"], "nothing to import"),
        (vec!["import", "empty", "nowhere"], "nowhere"),
        (vec!["import", "empty", "labels.csv"], "not a folder"),
        (vec!["import", "empty", "images", "--max-aspect-ratio", "0.5"], "max-aspect-ratio"),
        (vec!["import", "empty", "--labels", "nowhere.csv"], "nowhere.csv"),
        (vec!["split", "empty"], "import a folder"),
        (vec!["split", "project", "--test-images", "list.txt"], "line 2"),
        (vec!["split", "project", "--test-images", "nowhere.txt"], "nowhere.txt"),
        (vec!["train", "empty"], "no labels"),
        (vec!["train", "project", "--epochs", "0"], "epochs is 0"),
        (vec!["train", "project", "--image-size", "16"], "32 to 2048"),
        (vec!["train", "project", "--config", "typo.toml"], "epoks"),
        (vec!["train", "project", "--config", "nowhere.toml"], "nowhere.toml"),
        (vec!["train", "project", "--device", "abacus"], "abacus"),
        (vec!["features", "project", "--run", "1", "--out", "features.xlsx"], ".npy"),
        (vec!["features", "project", "--run", "9", "--out", "x.csv"], "no run 9"),
        (vec!["features", "project", "--run", "1", "--out", "no/folder/x.csv"], "no/folder"),
        (vec!["cluster", "project", "--run", "9", "-k", "3"], "atmoscope runs"),
        (vec!["cluster", "project", "--run", "1", "-k", "3", "--part", "half"], "half"),
        (vec!["cluster", "project", "--run", "1", "-k", "3", "--out", "images"], ".csv"),
        (vec!["cluster", "project", "--run", "1", "-k", "3", "--out", "project/project.db"], "project.db"),
        (vec!["cluster", "project", "--run", "1", "-k", "3", "--out", "folder.csv"], "is a folder"),
        (cluster("0"), "0"),
        (cluster("21"), "21"),
        (cluster("many"), "many"),
        (evaluate("bad.csv"), "line 2"),
        (evaluate("few.csv"), "no cluster for"),
        (evaluate("more.csv"), "line 22"),
        (evaluate("nowhere.csv"), "nowhere.csv"),
        (evaluate("images"), "is a folder"),
        ([evaluate("clusters.csv"), vec!["--groups", "none.csv"]].concat(), "holds no groups"),
        (vec!["import", "empty", "--labels", "images"], "holds no .txt file"),
        (vec!["split", "project", "--test-images", "images"], "is a folder"),
        (vec!["relink", "empty", "images"], "no pictures yet"),
        (vec!["relink", "project", "project"], "none of the project's"),
        (vec!["demo", "project", "--headless"], "not the demo's"),
        (vec!["nonsense"], "nonsense"),
        (vec!["status"], "DIR"),
        (vec!["status", "project", "--colour"], "--colour"),
        (vec!["--view", "kitchen"], "kitchen"),
        (vec!["nowhere"], "nowhere"),
    ];
    for (arguments, words) in mistakes {
        let error = cli.fails(2, &arguments);
        assert!(error.contains(words), "{arguments:?} says nothing of {words}: {error}");
        assert!(!error.contains("database refused"), "{arguments:?}: {error}");
    }
    assert!(!path.join("x.csv").exists());
    assert_eq!(cli.json(&["runs", "project"])["runs"].as_array().unwrap().len(), 1, "a mistake left a run behind");
}

#[test]
fn damaged_files_end_with_1() {
    let (folder, cli) = sample();
    let path = folder.path();
    cli.ok(&["new", "project"]);
    std::fs::write(path.join("project/project.db"), "no database").unwrap();
    assert!(cli.fails(1, &["status", "project"]).contains("damaged"));
    std::fs::write(path.join("features.npy"), b"\x93NUMPY nonsense").unwrap();
    std::fs::write(path.join("clusters.csv"), "image,cluster\na.png,0\n").unwrap();
    let error = cli.fails(1, &["evaluate", "--features", "features.npy", "--assignments", "clusters.csv"]);
    assert!(error.contains("features.npy"), "{error}");
}

#[test]
fn problems_in_a_file_are_printed_and_end_with_2() {
    let (folder, cli) = sample();
    std::fs::write(folder.path().join("wrong.csv"), "image,cute\npicture-000.png,1\nnowhere.png,1\n").unwrap();
    cli.ok(&["new", "project"]);
    let ran = cli.run(&["import", "project", "images", "--labels", "wrong.csv"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.out.contains("wrong.csv, line 3") && ran.out.contains("--accept-problems"), "{}", ran.out);
    let ran = cli.run(&["import", "project", "--labels", "wrong.csv", "--json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["problems"][0]["line"]), (Some(2), &3.into()));
    assert_eq!(report["refused"], serde_json::json!(["wrong.csv"]));
    assert_eq!(cli.json(&["status", "project"])["labels"], serde_json::json!([]));
    let report = cli.json(&["import", "project", "--labels", "wrong.csv", "--accept-problems"]);
    assert_eq!(report["labels"]["images"], 1);
}

#[test]
fn errors_are_json_too_when_json_is_asked_for() {
    let (_folder, cli) = sample();
    let error: Value = serde_json::from_str(&cli.fails(2, &["status", "nowhere", "--json"])).unwrap();
    assert_eq!(error["kind"], "User");
    assert!(error["error"].as_str().unwrap().contains("nowhere") && error["hint"].is_string());
}

#[test]
fn training_waits_for_labels_to_learn_from() {
    let (folder, cli) = sample();
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images"]);
    assert!(cli.fails(2, &["train", "project"]).contains("no labels"));
    // A vocabulary without a single yes is not enough either.
    std::fs::write(folder.path().join("no.csv"), "image,cute\npicture-000.png,0\n").unwrap();
    cli.ok(&["import", "project", "--labels", "no.csv"]);
    let error = cli.fails(2, &["train", "project", "--image-size", "32"]);
    assert!(error.contains("no picture has a label"), "{error}");
    // One labelled picture cannot be divided: told as a mistake, not as a crash.
    std::fs::write(folder.path().join("one.csv"), "image,cute\npicture-000.png,1\n").unwrap();
    cli.ok(&["import", "project", "--labels", "one.csv"]);
    let error = cli.fails(2, &["train", "project", "--image-size", "32"]);
    assert!(error.contains("1 labelled picture cannot be split") && error.contains("some 10"), "{error}");
    assert!(cli.json(&["status", "project"])["split"].is_null(), "an unusable split was stored");
}

#[test]
fn the_doctor_knows_this_computer() {
    let (_folder, cli) = sample();
    let report = cli.run(&["doctor", "--json"]);
    assert_eq!(report.code, Some(0), "{report:?}");
    let report: Value = serde_json::from_str(&report.out).unwrap();
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert!(report["threads"].as_u64().unwrap() > 0);
    assert!(report["weights"]["bytes"].as_u64().unwrap() > 1_000_000);
    assert_eq!(report["weights"]["blake3"], atmoscope::nn::embedded_vgg16_hash());
    let text = cli.ok(&["doctor"]);
    assert!(text.contains("Device:") && text.contains("Weights: VGG16"), "{text}");
}

#[test]
fn help_and_version_are_no_errors() {
    let (_folder, cli) = sample();
    let help = cli.ok(&["--help"]);
    let subcommands =
        ["new", "import", "split", "train", "features", "cluster", "evaluate", "runs", "status", "relink"];
    for name in subcommands.into_iter().chain(["demo", "doctor"]) {
        assert!(help.contains(&format!("\n  {name} ")), "{name}: {help}");
        assert!(cli.ok(&[name, "--help"]).contains("--json"), "{name}");
    }
    assert!(cli.ok(&["--version"]).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn paths_may_be_relative_and_not_ascii() {
    let (folder, cli) = sample();
    let deep: PathBuf = folder.path().join("作品 集");
    std::fs::create_dir(&deep).unwrap();
    std::fs::rename(folder.path().join("images"), deep.join("絵")).unwrap();
    let cli_there = Cli::new(&deep);
    cli_there.ok(&["new", "企画"]);
    cli_there.ok(&["import", "企画", "./絵", "--labels", "../labels.csv"]);
    assert_eq!(cli.json(&["status", "作品 集/企画"])["missing_files"], 0);
}

#[test]
fn long_lists_of_problems_are_cut_and_counts_are_words() {
    let (folder, cli) = sample();
    let path = folder.path();
    cli.ok(&["new", "project"]);
    std::fs::create_dir(path.join("nothing")).unwrap();
    let nothing = cli.run(&["import", "project", "nothing"]);
    assert_eq!(nothing.code, Some(0), "{nothing:?}");
    assert!(nothing.out.contains("No picture files were found in nothing"), "{nothing:?}");
    assert!(nothing.err.contains("no picture files were found in nothing"), "{nothing:?}");

    let rows: String = (0..25).map(|index| format!("nowhere-{index}.png,1\n")).collect();
    std::fs::write(path.join("wrong.csv"), format!("image,cute\n{rows}")).unwrap();
    let ran = cli.run(&["import", "project", "--labels", "wrong.csv"]);
    assert_eq!(ran.out.matches("wrong.csv, line").count(), 20, "{}", ran.out);
    assert!(ran.out.contains("… and 5 more (--json lists all)"), "{}", ran.out);

    sample_images(&path.join("one"), 1);
    std::fs::write(path.join("right.csv"), "image,cute\npicture-000.png,1\n").unwrap();
    let text = cli.ok(&["import", "project", "one", "--labels", "right.csv"]);
    assert!(text.contains("Labels: 1 label for 1 picture by right; 1 answer changed"), "{text}");
    // A folder that is in use may become a project's; whoever meant an empty one is told.
    assert_eq!(cli.run(&["new", "fresh"]).err, "");
    assert!(cli.run(&["new", "one"]).err.contains("other files"));
}

#[cfg(unix)]
#[test]
fn a_closed_standard_error_stops_nothing() {
    let (folder, cli) = sample();
    cli.ok(&["new", "project"]);
    let with_closed = |arguments: &[&str]| {
        // The reading end is gone before the program writes.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        cli.command(arguments).stdout(std::process::Stdio::null()).stderr(writer).status().unwrap().code()
    };
    assert_eq!(with_closed(&["import", "project", "images"]), Some(0));
    assert_eq!(with_closed(&["status", "nowhere"]), Some(2));
    assert_eq!(with_closed(&["status", "nowhere", "--json"]), Some(2));
    assert_eq!(cli.json(&["status", "project"])["images"], PICTURES);
    drop(folder);
}

#[test]
fn a_lost_or_damaged_network_is_told_with_its_file() {
    let (folder, cli) = sample();
    train(&cli, "project", "1");
    let checkpoint = folder.path().join("project/runs/1/checkpoints/best.safetensors");
    let whole = std::fs::read(&checkpoint).unwrap();
    // The pictures of the test part have their intensities already; the others need the network.
    let cluster = ["cluster", "project", "--run", "1", "-k", "3", "--part", "all"];
    std::fs::write(&checkpoint, &whole[..whole.len() / 2]).unwrap();
    let error = cli.fails(1, &cluster);
    assert!(
        error.contains("damaged") && error.contains("best.safetensors") && error.contains("train again"),
        "{error}"
    );
    std::fs::remove_file(&checkpoint).unwrap();
    let error = cli.fails(1, &cluster);
    assert!(
        error.contains("missing") && error.contains("best.safetensors") && error.contains("train again"),
        "{error}"
    );
}

#[test]
fn agreement_with_a_single_group_is_not_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new(folder.path());
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("features.csv", "image,x\na.png,0\nb.png,1\nc.png,5\nd.png,6\n");
    write("clusters.csv", "image,cluster\na.png,0\nb.png,0\nc.png,1\nd.png,1\n");
    let header = "rater,condition,image,group\n";
    let score = |rows: &str| {
        write("groups.csv", &format!("{header}{rows}"));
        let files = ["--features", "features.csv", "--assignments", "clusters.csv", "--groups", "groups.csv"];
        let text = cli.ok(&[&["evaluate"], files.as_slice()].concat());
        // The lines of the condition: what stands under "Rand".
        let mut lines = text.lines().skip_while(|line| !line.starts_with("Condition")).skip(1);
        let mut cells = || {
            let line = lines.next().unwrap().split("  ").map(str::trim).filter(|cell| !cell.is_empty());
            line.map(str::to_owned).collect::<Vec<_>>()
        };
        let (header, row) = (cells(), cells());
        row[header.iter().position(|cell| cell == "Rand").unwrap()].clone()
    };
    assert_eq!(score("Ada,1,a.png,x\nAda,1,b.png,x\nAda,1,c.png,x\n"), "-");
    assert_eq!(score("Ada,1,a.png,x\n"), "-");
    assert_eq!(score("Ada,1,a.png,x\nAda,1,b.png,x\nAda,1,c.png,y\nAda,1,d.png,y\nEve,1,a.png,x\n"), "1.000 of 1");
}

/// A message that came with `--json`: one object.
fn error_object(text: &str) -> Value {
    let object: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(object["error"].is_string() && object["kind"].is_string(), "{text}");
    object
}

#[test]
fn a_file_is_replaced_only_if_it_is_of_its_kind_and_one_says_so() {
    let (folder, cli) = sample();
    let path = folder.path();
    // A picture whose name is that of a table.
    std::fs::copy(path.join("images/picture-000.png"), path.join("images/odd.csv")).unwrap();
    let changed = image::open(path.join("images/picture-001.png")).unwrap().rotate90();
    changed.save_with_format(path.join("images/odd.csv"), image::ImageFormat::Png).unwrap();
    train(&cli, "project", "1");
    cli.ok(&["study", "new", "project", "--name", "Moods", "--raters", "Ada"]);
    std::fs::write(path.join("table.csv"), "image,mine\n").unwrap();
    std::fs::write(path.join("binary.csv"), b"\x7fELF\0\0\0\0").unwrap();
    std::fs::write(path.join("notes.jsonl"), "my notes").unwrap();
    std::fs::create_dir(path.join("figures")).unwrap();
    std::fs::write(path.join("figures/condition-1-pairs.csv"), "first\n").unwrap();
    let features = |out| vec!["features", "project", "--run", "1", "--out", out];
    let cluster = |out| vec!["cluster", "project", "--run", "1", "-k", "2", "--out", out];
    let groupings = |out| vec!["export-groupings", "project", "--out", out];
    let log = |out| vec!["study", "log", "project", "--out", out];
    let agreement = |out| vec!["agreement", "project", "--condition", "1", "--out", out];
    let model = |out| vec!["export-model", "project", "--run", "1", "--out", out];

    let whole = |name: &str| std::fs::read(path.join(name)).unwrap();
    let kept = ["table.csv", "binary.csv", "notes.jsonl", "images/odd.csv", "figures/condition-1-pairs.csv"];
    let own = [
        "project/runs/1/metrics.jsonl",
        "project/runs/1/configuration.toml",
        "project/runs/1/checkpoints/best.safetensors",
        "project/project.db",
    ];
    let before: Vec<Vec<u8>> = kept.iter().chain(&own).map(|name| whole(name)).collect();
    for (arguments, words) in [
        (features("table.csv"), "is there already"),
        (cluster("table.csv"), "is there already"),
        (groupings("table.csv"), "is there already"),
        (agreement("figures"), "is there already"),
    ] {
        let error = cli.fails(2, &arguments);
        assert!(error.contains(words) && error.contains("--force"), "{arguments:?}: {error}");
        let error = error_object(&cli.fails(2, &[arguments, vec!["--json"]].concat()));
        assert!(error["hint"].as_str().unwrap().contains("--force"), "{error}");
    }
    for (arguments, words) in [
        (groupings("images/odd.csv"), "a picture of the project"),
        (groupings("images/picture-000.png"), "not the name of a .csv file"),
        (groupings("binary.csv"), "of another kind"),
        (cluster("images/odd.csv"), "a picture of the project"),
        (log("notes.jsonl"), "of another kind"),
        (log("project/runs/1/metrics.jsonl"), "keeps its own files"),
        (log("project/runs/1/new.jsonl"), "keeps its own files"),
        (features("project/cache/new.csv"), "keeps its own files"),
        (features("project/runs/new.npy"), "keeps its own files"),
        (cluster("project/backups/new.csv"), "keeps its own files"),
        (agreement("project/runs"), "keeps its own files"),
        (model("project/runs/1/checkpoints/best.safetensors"), "keeps its own files"),
    ] {
        let error = cli.fails(2, &[arguments.clone(), vec!["--force"]].concat());
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
    let after: Vec<Vec<u8>> = kept.iter().chain(&own).map(|name| whole(name)).collect();
    assert!(before == after, "something was changed");
    assert_eq!(std::fs::read_dir(path.join("figures")).unwrap().count(), 1, "some figures were written, and some not");

    for arguments in [features("table.csv"), cluster("table.csv"), agreement("figures"), groupings("table.csv")] {
        cli.ok(&[arguments, vec!["--force"]].concat());
    }
    assert!(read(path, "table.csv").starts_with("rater,condition,image,group"));
    // A project has one of its pictures nowhere else.
    cli.ok(&["new", "other"]);
    cli.ok(&["export-groupings", "project", "--out", "other.csv"]);
}

#[test]
fn json_is_one_object_whatever_happens() {
    let (_folder, cli) = sample();
    cli.ok(&["new", "project"]);
    for (arguments, key) in [(vec!["runs", "project"], "runs"), (vec!["study", "show", "project"], "studies")] {
        assert_eq!(cli.json(&arguments)[key], serde_json::json!([]));
    }
    for arguments in [
        vec!["status", "--json"],
        vec!["cluster", "project", "--json", "-k", "many", "--run", "1"],
        vec!["bogus", "--json"],
        vec!["status", "project", "--colour", "--json"],
        vec!["features", "project", "--json", "--run", "1", "--out", "x.csv", "--part", "train"],
    ] {
        let error = error_object(&cli.fails(2, &arguments));
        assert!(!error["error"].as_str().unwrap().contains('\n'), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn paths_that_are_not_unicode_are_told_all_the_same() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let (folder, cli) = sample();
    train(&cli, "project", "1");
    let odd = OsStr::from_bytes(b"odd\xff.csv");
    std::fs::write(folder.path().join(odd), "rater,condition,image,group\nAda,1,nowhere.png,x\n").unwrap();
    let run = |arguments: &[&str], path: &[u8], more: &[&str]| {
        let mut command = cli.command(arguments);
        let output = command.arg(OsStr::from_bytes(path)).args(more).arg("--json").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{:?}", output.stderr));
        (output.status.code(), value)
    };
    let (code, made) = run(&["new"], b"new\xff", &[]);
    assert_eq!((code, made["project"].as_str().unwrap().ends_with("new\u{fffd}")), (Some(0), true));
    let (code, written) = run(&["features", "project", "--run", "1", "--out"], b"out\xff.csv", &[]);
    assert_eq!((code, &written["file"]), (Some(0), &"out\u{fffd}.csv".into()));
    assert_eq!(run(&["export-groupings", "project", "--out"], b"groups\xff.csv", &[]).0, Some(0));
    assert_eq!(run(&["agreement", "project", "--out"], b"figures\xff", &[]).0, Some(0));
    let (code, report) = run(&["import", "project", "--groupings"], b"odd\xff.csv", &[]);
    assert_eq!((code, &report["refused"][0]), (Some(2), &"odd\u{fffd}.csv".into()));
    let refused = cli.command(&["relink", "project"]).arg(OsStr::from_bytes(b"no\xff")).arg("--json").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        error_object(&String::from_utf8(refused.stderr).unwrap())["error"].as_str().unwrap().contains("no\u{fffd}")
    );
}

#[test]
fn a_mistyped_subcommand_gets_a_suggestion() {
    let (_folder, cli) = sample();
    for (arguments, meant) in [
        (vec!["clutser", "project"], "cluster"),
        (vec!["clutser"], "cluster"),
        (vec!["statsu", "project", "--json"], "status"),
        (vec!["Import", "project", "images"], "import"),
    ] {
        let error = cli.fails(2, &arguments);
        assert!(error.contains("there is no subcommand") && error.contains(&format!("`{meant}`")), "{error}");
    }
    let error = cli.fails(2, &["bogus", "project"]);
    assert!(error.contains("bogus") && !error.contains("did you mean"), "{error}");
}

#[test]
fn settings_are_read_from_files_alone_and_mistakes_name_file_and_line() {
    let (folder, cli) = sample();
    let path = folder.path();
    cli.ok(&["new", "project"]);
    std::fs::write(path.join("rules.toml"), "fewest_groups = 3\nsmalest_group = 2\n").unwrap();
    std::fs::write(path.join("config.toml"), "seed = 1\nepochs = \"many\"\n").unwrap();
    std::fs::write(path.join("latin.toml"), b"seed = 1 # \xe9\n").unwrap();
    let rules = ["study", "new", "project", "--name", "a", "--condition", "rules.toml"];
    let error = cli.fails(2, &rules);
    assert!(error.contains("rules.toml") && error.contains("line 2") && error.contains("smalest_group"), "{error}");
    for (file, words) in [("config.toml", "line 2"), ("latin.toml", "UTF-8"), ("images", "is a folder")] {
        let error = cli.fails(2, &["train", "project", "--config", file]);
        assert!(error.contains(file) && error.contains(words), "{error}");
    }
    #[cfg(unix)]
    {
        assert!(std::process::Command::new("mkfifo").arg(path.join("pipe")).status().unwrap().success());
        for (setting, file) in [("--config", "pipe"), ("--weights", "pipe"), ("--weights", "/dev/zero")] {
            let error = cli.fails(2, &["train", "project", setting, file]);
            assert!(error.contains(file) && error.contains("a device or a pipe"), "{error}");
        }
    }
    for (arguments, choices) in [
        (vec!["features", "project", "--run", "1", "--out", "x.csv", "--part", "train"], "test or all"),
        (vec!["train", "project", "--device", "x"], "cuda or metal"),
        (vec!["export-groupings", "project", "--out", "x.csv", "--form", "x"], "freesortr or jspsych"),
    ] {
        let error = cli.fails(2, &arguments);
        assert!(error.contains(choices), "{error}");
    }
    for setting in [["--epochs", "50"], ["--seed", "1"], ["--device", "auto"]] {
        for earlier in [["--resume", "1"], ["--again", "1"]] {
            let error = cli.fails(2, &[&["train", "project"][..], &earlier, &setting].concat());
            assert!(error.contains(setting[0]), "{error}");
        }
    }
    std::fs::write(path.join("nothing.csv"), "image\na.png\nb.png\n").unwrap();
    std::fs::write(path.join("clusters.csv"), "image,cluster\na.png,0\nb.png,1\n").unwrap();
    let error = cli.fails(2, &["evaluate", "--features", "nothing.csv", "--assignments", "clusters.csv"]);
    assert!(error.contains("nothing.csv") && error.contains("holds no features"), "{error}");
}

#[test]
fn weights_with_absurd_numbers_are_named() {
    let (folder, cli) = sample();
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--labels", "labels.csv"]);
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/weights/vgg16-imagenet-features-f16.safetensors");
    let mut bytes = std::fs::read(weights).unwrap();
    // 65504, the largest number of 16 bits.
    let end = bytes.len();
    bytes[end - 2..].copy_from_slice(&0x7BFF_u16.to_le_bytes());
    std::fs::write(folder.path().join("wrong.safetensors"), bytes).unwrap();
    let error = cli.fails(1, &["train", "project", "--image-size", "32", "--weights", "wrong.safetensors"]);
    assert!(error.contains("wrong.safetensors") && error.contains("6.55"), "{error}");
}

#[cfg(unix)]
#[test]
fn names_do_nothing_to_the_terminal() {
    let (folder, cli) = sample();
    let images = folder.path().join("images");
    std::fs::write(images.join("\u{1b}[2J\u{1b}[H.png"), "").unwrap();
    std::fs::write(images.join("a.png: fine\nPictures: 99 added.png"), "no picture").unwrap();
    std::fs::write(
        folder.path().join("groups.csv"),
        "rater,condition,image,group\nA\u{1b}[31mda,1,picture-000.png,x\n",
    )
    .unwrap();
    cli.ok(&["new", "project"]);
    let imported = cli.ok(&["import", "project", "images", "--groupings", "groups.csv", "--accept-problems"]);
    for text in [imported, cli.ok(&["status", "project"])] {
        assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}[2J"), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("Pictures: 99")), "{text}");
    }
}

#[test]
fn what_was_left_out_is_told_also_when_no_notes_are_wanted() {
    let (folder, cli) = sample();
    train(&cli, "project", "1");
    // One that nobody labelled, and which the run has no features of yet.
    std::fs::remove_file(folder.path().join("images/picture-006.png")).unwrap();
    let arguments = ["features", "project", "--run", "1", "--part", "all", "--out", "all.csv", "-q"];
    let ran = cli.run(&arguments);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("Left out") && ran.err.contains("picture-006.png"), "{ran:?}");
    let ran = cli.run(&[&arguments[..], &["--json", "--force"]].concat());
    assert_eq!(ran.err, "", "with --json it is in the object");
}

#[test]
fn a_hundred_thousand_columns_are_read_at_once() {
    let (folder, cli) = sample();
    let names: Vec<String> = (0..100_000).map(|column| format!("f{column}")).collect();
    let zeros = ",0".repeat(100_000);
    std::fs::write(folder.path().join("wide.csv"), format!("image,{}\na.png{zeros}\nb.png{zeros}\n", names.join(",")))
        .unwrap();
    std::fs::write(folder.path().join("clusters.csv"), "image,cluster\na.png,0\nb.png,1\n").unwrap();
    let start = std::time::Instant::now();
    cli.ok(&["evaluate", "--features", "wide.csv", "--assignments", "clusters.csv"]);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}
