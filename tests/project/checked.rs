//! What is read again is what was written, or it is said: pictures, tables, checkpoints, vectors, groups of two studies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::common::{Cli, copy_folder, sample_folder, sample_images};
use atmoscope::dataset::SortChoice;
use atmoscope::engine::sorts::{MoveRequest, SortKeeper};
use atmoscope::ids::{ImageId, PileId, StudyId};
use atmoscope::project::{NewStudy, NewTask, Project, TaskOrder};
use atmoscope::random::generator;
use atmoscope::sorting::{Condition, Move};
use rand::Rng;
use serde_json::Value;
use time::OffsetDateTime;

const PICTURES: usize = 30;

/// A folder with pictures, their labels, and a project `project` that holds both.
fn labelled() -> (tempfile::TempDir, Cli) {
    let (folder, cli) = sample_folder(PICTURES);
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--labels", "labels.csv", "--groupings", "groupings.csv"]);
    cli.ok(&["split", "project", "--test-images", "test-images.txt"]);
    (folder, cli)
}

fn train(cli: &Cli, options: &[&str]) -> Value {
    let quick = ["train", "project", "--image-size", "32", "--epochs", "2", "--augmented-copies", "1"];
    cli.json(&[&quick, options].concat())
}

fn table(folder: &Path, name: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    text.lines().map(|line| line.split_once(',').unwrap()).map(|(image, rest)| (image.into(), rest.into())).collect()
}

/// Exchanges the content of two files.
fn swap(folder: &Path, a: &str, b: &str) {
    let [first, second] = [a, b].map(|name| std::fs::read(folder.join(name)).unwrap());
    std::fs::write(folder.join(a), second).unwrap();
    std::fs::write(folder.join(b), first).unwrap();
}

#[test]
fn a_changed_picture_is_left_out_told_and_found_again() {
    let (folder, cli) = labelled();
    let images = folder.path().join("images");
    let (a, b) = ("picture-001.png", "picture-004.png");
    let caches = folder.path().join("project/cache");
    let of = |options: &[&str]| {
        let run = train(&cli, options)["run"].to_string();
        cli.json(&["features", "project", "--run", &run, "--out", &format!("{run}.csv"), "--part", "all"]);
        table(folder.path(), &format!("{run}.csv"))
    };
    let sound = of(&[]);
    assert_eq!(sound.len(), PICTURES + 1);

    // Two files exchanged: neither is taken for the other, in any kind of training.
    std::fs::remove_dir_all(&caches).unwrap();
    swap(&images, a, b);
    let status = cli.json(&["status", "project"]);
    assert_eq!((&status["missing_files"], &status["changed"]), (&0.into(), &serde_json::json!([a, b])));
    assert!(cli.ok(&["status", "project"]).contains("picture-001.png: the file was changed since it was imported"));
    for options in [&[][..], &["--depth", "last-blocks", "--trained-blocks", "1"]] {
        let trained = train(&cli, options);
        let left_out: Vec<&str> =
            trained["unreadable"].as_array().unwrap().iter().map(|file| file[0].as_str().unwrap()).collect();
        assert_eq!(left_out, [a, b], "{options:?}: {trained}");
        assert!(trained["unreadable"][0][1].as_str().unwrap().contains("changed since"), "{trained}");
    }
    // Put back in order, the numbers are the old ones: nothing wrong was kept.
    swap(&images, a, b);
    assert_eq!(of(&[]), sound);
    assert_eq!(cli.json(&["status", "project"])["changed"], serde_json::json!([]));

    // Exchanged for good: an import finds both where they are now.
    swap(&images, a, b);
    let imported = cli.json(&["import", "project", "images"]);
    assert_eq!((&imported["moved"], &imported["added"]), (&2.into(), &0.into()));
    assert_eq!(cli.json(&["status", "project"])["changed"], serde_json::json!([]));
    let exchanged = of(&[]);
    assert_eq!((&exchanged[a], &exchanged[b]), (&sound[b], &sound[a]));
    // Exactly those two rows; what is the same picture has the same features.
    assert_eq!(exchanged.iter().filter(|(image, row)| sound[*image] != **row).count(), 2);
}

#[test]
fn an_overwritten_picture_is_neither_trained_on_nor_lost() {
    let (folder, cli) = labelled();
    let images = folder.path().join("images");
    // Another picture of the project, and a new one.
    std::fs::copy(images.join("picture-000.png"), images.join("picture-001.png")).unwrap();
    crate::common::sample_image(99).save(images.join("picture-002.png")).unwrap();
    let changed = serde_json::json!(["picture-001.png", "picture-002.png"]);
    assert_eq!(cli.json(&["status", "project"])["changed"], changed);
    let imported = cli.json(&["import", "project", "images"]);
    assert_eq!((&imported["added"], imported["rejected"].as_array().unwrap().len()), (&1.into(), 1));
    let status = cli.json(&["status", "project"]);
    assert_eq!((&status["changed"], &status["images"]), (&serde_json::json!([]), &(PICTURES + 1).into()));
    let aside: Vec<&str> =
        status["set_aside"].as_array().unwrap().iter().map(|image| image["relative_path"].as_str().unwrap()).collect();
    assert_eq!(aside, ["picture-001.png", "picture-002.png"]);
    // Their labels are kept for when they come back.
    assert_eq!(status["labelled_images"], cli.json(&["status", "project"])["labelled_images"]);
}

#[test]
fn a_run_does_not_go_on_with_other_pictures() {
    let (folder, cli) = labelled();
    let images = folder.path().join("images");
    let mut child =
        cli.spawn(&["train", "project", "--image-size", "32", "--epochs", "9000", "--augmented-copies", "0"]);
    let metrics = folder.path().join("project/runs/1/metrics.jsonl");
    crate::common::poll("the third epoch", || {
        std::fs::read_to_string(&metrics).ok().filter(|text| text.lines().count() > 3).map(drop)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let one = std::fs::read(images.join("picture-000.png")).unwrap();
    for index in 0..PICTURES {
        std::fs::write(images.join(format!("picture-{index:03}.png")), &one).unwrap();
    }
    std::fs::remove_dir_all(folder.path().join("project/cache")).unwrap();
    let error = cli.fails(2, &["train", "project", "--resume", "1", "--quiet"]);
    assert!(error.contains("of the run are missing now"), "{error}");
}

#[test]
fn relinking_reads_every_picture() {
    let (folder, cli) = labelled();
    let (images, other) = (folder.path().join("images"), folder.path().join("other"));
    std::fs::rename(&images, &other).unwrap();
    std::fs::copy(other.join("picture-008.png"), other.join("picture-007.png")).unwrap();
    let relinked = cli.json(&["relink", "project", "other"]);
    assert_eq!(
        (&relinked["found"], &relinked["changed"]),
        (&(PICTURES - 1).into(), &serde_json::json!(["picture-007.png"]))
    );
    assert_eq!(cli.json(&["status", "project"])["changed"], serde_json::json!(["picture-007.png"]));
}

/// A study whose raters sort all pictures under condition 1, some of them a second time.
fn study(project: &mut Project, name: &str, raters: &[(&str, usize)], retest: Option<usize>) -> StudyId {
    let images: Vec<ImageId> = project.images().unwrap().iter().map(|image| image.id).take(20).collect();
    let mut tasks = vec![NewTask { condition: Condition::one(), occasion: 1, images: None }];
    tasks.extend(retest.map(|images| NewTask { condition: Condition::one(), occasion: 2, images: Some(images) }));
    let names = raters.iter().map(|(name, _)| (*name).to_owned()).collect();
    let study =
        NewStudy { name: name.to_owned(), images, tasks, task_order: TaskOrder::Listed, seed: 7, raters: names };
    let id = project.create_study(&study).unwrap();
    let record = project.study(id).unwrap();
    for (rater, (_, groups)) in record.raters.iter().zip(raters) {
        for task in &record.tasks {
            let sort = project.open_sort(id, rater.person.id, task.id).unwrap();
            let order = sort.sort.order().to_vec();
            let steps = order.iter().enumerate().map(|(at, image)| match at {
                at if at < *groups => Move::NewPile { images: vec![*image], to: None },
                at => Move::Place { images: vec![*image], pile: PileId(((at + task.occasion) % groups) as i64 + 1) },
            });
            let mut keeper = SortKeeper::default();
            keeper.opened(project, sort.id).unwrap();
            for (at, step) in steps.enumerate() {
                let made_at = OffsetDateTime::now_utc();
                let request = MoveRequest { sort: sort.id, number: at + 1, made_at, step };
                keeper.make_moves(project, &[request]).remove(0).unwrap();
            }
            project.submit_sort(sort.id).unwrap();
        }
    }
    id
}

/// Two studies that Ann takes part in, the second with a retest; Bob was removed from the second.
fn two_studies(folder: &Path) {
    let mut project = Project::open(&folder.join("project")).unwrap();
    study(&mut project, "Pilot", &[("Ann", 4), ("Bob", 5)], None);
    let main = study(&mut project, "Main", &[("Ann", 3), ("Bob", 2), ("Dan", 4)], Some(12));
    let bob = project.study(main).unwrap().raters[1].person.id;
    project.remove_rater(main, bob).unwrap();
}

#[test]
fn studies_never_mix() {
    let (folder, cli) = labelled();
    two_studies(folder.path());
    let project = Project::open_read_only(&folder.path().join("project")).unwrap();
    let sorts = |project: &Project| {
        let mut sorts = project.rater_sorts(&SortChoice { with_removed: true, ..SortChoice::default() }).unwrap();
        sorts.sort_by(|a, b| (&a.condition, &a.rater, a.occasion).cmp(&(&b.condition, &b.rater, b.occasion)));
        let names: BTreeMap<ImageId, String> =
            project.images().unwrap().into_iter().map(|image| (image.id, image.relative_path)).collect();
        // Groups by the pictures they hold: forms may number them anew.
        let plain = |sort: atmoscope::dataset::RaterSort<ImageId>| {
            let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (image, group) in sort.groups {
                groups.entry(group).or_default().push(names[&image].clone());
            }
            let mut groups: Vec<Vec<String>> = groups.into_values().collect();
            groups.sort();
            (sort.condition.to_string(), sort.rater, sort.occasion, groups)
        };
        sorts.into_iter().map(plain).collect::<Vec<_>>()
    };
    let all = sorts(&project);
    let told: Vec<String> =
        all.iter().map(|(condition, rater, occasion, _)| format!("{condition} {rater} {occasion}")).collect();
    assert_eq!(
        told.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        BTreeSet::from([
            "1 Ada 1",
            "1 森 1",
            "2 Ada 1",
            "2 森 1",
            "1 (Main) Ann 1",
            "1 (Main) Ann 2",
            "1 (Main) Bob 1",
            "1 (Main) Bob 2",
            "1 (Main) Dan 1",
            "1 (Main) Dan 2",
            "1 (Pilot) Ann 1",
            "1 (Pilot) Bob 1",
        ])
    );
    assert_eq!(told.len(), 12);

    // Out and in again, in every form: the same groupings.
    let again = |exports: &[(&[&str], &[&str])]| {
        cli.ok(&["new", "copy"]);
        cli.ok(&["import", "copy", "images"]);
        for (number, (export, import)) in exports.iter().enumerate() {
            let file = format!("groups-{number}.data");
            let file =
                if export.contains(&"jspsych") { file.replace("data", "json") } else { file.replace("data", "csv") };
            cli.ok(&[&["export-groupings", "project", "--with-removed", "--out", &file], *export].concat());
            cli.ok(&[&["import", "copy", "--groupings", &file], *import].concat());
            std::fs::remove_file(folder.path().join(&file)).unwrap();
        }
        let copy = sorts(&Project::open_read_only(&folder.path().join("copy")).unwrap());
        std::fs::remove_dir_all(folder.path().join("copy")).unwrap();
        copy
    };
    assert_eq!(again(&[(&[], &[])]), all);
    assert_eq!(again(&[(&["--form", "jspsych"], &[])]), all);
    // FreeSortR's table holds one sort of each rater, and says so.
    let error = cli.fails(2, &["export-groupings", "project", "--form", "freesortr", "--out", "f.csv"]);
    assert!(error.contains("holds one study") && error.contains("Main, Pilot"), "{error}");
    let error =
        cli.fails(2, &["export-groupings", "project", "--form", "freesortr", "--study", "Main", "--out", "f.csv"]);
    assert!(error.contains("holds one occasion"), "{error}");
    let form = ["--form", "freesortr", "--condition", "1"];
    let one = |study: &'static str, occasion: &'static str| {
        let export = [&form[..], &["--study", study, "--occasion", occasion]].concat();
        let import = vec!["--form", "freesortr", "--condition", "1", "--study", study, "--occasion", occasion];
        (export, import)
    };
    let exports = [one("Main", "1"), one("Main", "2"), one("Pilot", "1")];
    let exports: Vec<(&[&str], &[&str])> = exports.iter().map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
    let of_studies: Vec<_> = all.iter().filter(|(condition, ..)| condition.contains('(')).cloned().collect();
    assert_eq!(again(&exports), of_studies);
    // Into the project they came from: all there already.
    cli.ok(&["export-groupings", "project", "--out", "own.csv"]);
    assert_eq!(cli.json(&["import", "project", "--groupings", "own.csv"])["groupings"], 0);

    // Agreement by study, with every retest, without those who were removed.
    let agreement = |options: &[&str]| {
        let value = cli.json(&[&["agreement", "project"], options].concat());
        value["conditions"].as_array().unwrap().clone()
    };
    let by_study = agreement(&["--condition", "1"]);
    let told: Vec<(Option<&str>, Vec<&str>, usize)> = by_study
        .iter()
        .map(|report| {
            let raters = report["raters"].as_array().unwrap().iter().map(|rater| rater.as_str().unwrap()).collect();
            (report["study"].as_str(), raters, report["retests"].as_array().unwrap().len())
        })
        .collect();
    assert_eq!(
        told,
        [(None, vec!["Ada", "森"], 0), (Some("Main"), vec!["Ann", "Dan"], 2), (Some("Pilot"), vec!["Ann", "Bob"], 0)]
    );
    assert_eq!(agreement(&["--study", "Main", "--with-removed"])[0]["raters"].as_array().unwrap().len(), 3);
    assert_eq!(agreement(&["--study", "Pilot", "--without", "Ann"])[0]["raters"], serde_json::json!(["Bob"]));
    let error = cli.fails(2, &["agreement", "project", "--study", "Main", "--study", "Pilot"]);
    assert!(error.contains("Ann sorted under condition 1 (Main + Pilot) more than once"), "{error}");

    // One rule for what scores are against: in the project and from its own file.
    train(&cli, &[]);
    cli.ok(&["features", "project", "--run", "1", "--out", "features.csv"]);
    let clustered = cli.json(&["cluster", "project", "--run", "1", "-k", "3", "--out", "clusters.csv"]);
    let evaluate = ["evaluate", "--features", "features.csv", "--assignments", "clusters.csv", "--groups", "own.csv"];
    let evaluated = cli.json(&evaluate);
    let (ours, theirs) = (clustered["scores"].as_object().unwrap(), evaluated.as_object().unwrap());
    for key in ["groupings", "conditions"] {
        assert_eq!(ours[key].as_array().unwrap().len(), if key == "groupings" { 8 } else { 4 }, "{key}");
        for (a, b) in ours[key].as_array().unwrap().iter().zip(theirs[key].as_array().unwrap()) {
            assert_eq!((&a["study"], &a["condition"], &a["rater"]), (&b["study"], &b["condition"], &b["rater"]));
            assert_eq!((&a["scores"], &a["compared"], &a["images"]), (&b["scores"], &b["compared"], &b["images"]));
        }
    }
    let warnings = evaluated["warnings"].as_array().unwrap();
    let says = |text: &str| warnings.iter().any(|warning| warning.as_str().unwrap().contains(text));
    assert!(says("2 sorts of a second occasion are left out"), "{evaluated}");
    assert!(cli.ok(&evaluate).contains("Warning: "));
}

#[test]
fn scores_say_what_they_rest_on() {
    let (folder, cli) = labelled();
    train(&cli, &[]);
    // Raters sorted the test part; of all pictures, none of theirs was learnt from.
    let of = |options: &[&str]| cli.json(&[&["cluster", "project", "--run", "1", "-k", "3"], options].concat());
    let test = of(&[]);
    let condition = &test["scores"]["conditions"][0];
    assert_eq!(
        (&condition["raters"], &condition["rated"], &condition["compared"]),
        (&2.into(), &10.into(), &10.into())
    );
    assert_eq!((&condition["learnt_from"], &test["scores"]["warnings"]), (&0.into(), &serde_json::json!([])));
    // Another split: some rated pictures are trained on, and missing from the test part.
    cli.ok(&["split", "project", "--seed", "5"]);
    train(&cli, &[]);
    let text = cli.ok(&["cluster", "project", "--run", "2", "-k", "3"]);
    assert!(text.contains("of 10 pictures that raters sorted are not among those clustered"), "{text}");
    assert!(text.contains("2 raters, "), "{text}");
    let text = cli.ok(&["cluster", "project", "--run", "2", "-k", "3", "--part", "all"]);
    assert!(text.contains("the features were learnt from"), "{text}");
    drop(folder);
}

#[test]
fn clusters_are_counted_from_one_and_say_what_they_are() {
    let (folder, cli) = labelled();
    train(&cli, &[]);
    let out = cli.json(&["cluster", "project", "--run", "1", "-k", "4", "--seed", "3", "--out", "clusters.csv"]);
    cli.ok(&["features", "project", "--run", "1", "--out", "features.csv"]);
    let clusters: Vec<usize> = table(folder.path(), "clusters.csv")
        .iter()
        .filter(|(image, _)| *image != "image")
        .map(|(_, row)| row.split(',').next().unwrap().parse().unwrap())
        .collect();
    let mut sizes = [0; 4];
    clusters.iter().for_each(|cluster| sizes[cluster - 1] += 1);
    assert_eq!(out["sizes"], serde_json::json!(sizes));
    let about: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("clusters.csv.json")).unwrap()).unwrap();
    for (key, value) in [
        ("run", Value::from(1)),
        ("features", "label intensities".into()),
        ("part", "test".into()),
        ("method", "k-means".into()),
        ("k", 4.into()),
        ("seed", 3.into()),
        ("pictures", 10.into()),
    ] {
        assert_eq!(about[key], value, "{key}");
    }
    // A file that was changed since is told of.
    let arguments = ["evaluate", "--features", "features.csv", "--assignments", "clusters.csv"];
    assert_eq!(cli.json(&arguments)["warnings"], serde_json::json!([]));
    for file in ["clusters.csv", "features.csv"] {
        let path = folder.path().join(file);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, whole.replacen('1', "2", 1)).unwrap();
        let ran = cli.run(&arguments);
        assert!(ran.code != Some(0) || ran.out.contains(&format!("{file} is not as it was written")), "{ran:?}");
        std::fs::write(&path, whole).unwrap();
    }
}

#[test]
fn pictures_with_nothing_but_no_are_told_apart_and_kept_on_request() {
    let folder = tempfile::tempdir().unwrap();
    sample_images(&folder.path().join("images"), PICTURES);
    let mut text = "image,sea\n".to_owned();
    for index in 0..24 {
        text += &format!("picture-{index:03}.png,{}\n", u8::from(index % 2 == 0));
    }
    std::fs::write(folder.path().join("labels.csv"), text).unwrap();
    let cli = Cli::new(folder.path());
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--labels", "labels.csv"]);
    let split = cli.json(&["split", "project"]);
    assert_eq!((&split["without_answer"], &split["all_no_left_out"]), (&6.into(), &12.into()));
    let remark = split["remarks"][0].as_str().unwrap();
    assert!(remark.contains("every training picture has sea"), "{remark}");
    let plan = cli.json(&["train", "project", "--plan"]);
    assert!(plan["remarks"].as_array().unwrap().iter().any(|told| told == remark), "{plan}");
    let ran = cli.run(&["train", "project", "--image-size", "32", "--epochs", "1", "--augmented-copies", "0"]);
    assert!(ran.code == Some(0) && ran.err.contains(&format!("Warning: {remark}")), "{ran:?}");
    let kept = cli.json(&["split", "project", "--all-no", "keep"]);
    assert_eq!(
        (&kept["without_answer"], &kept["all_no_left_out"], &kept["remarks"]),
        (&6.into(), &0.into(), &serde_json::json!([]))
    );
    assert!(kept["split"]["method"].as_str().unwrap().contains("with pictures answered no to everything"));
    let status = cli.json(&["status", "project"]);
    assert_eq!((&status["labelled_images"], &status["all_no_images"]), (&24.into(), &12.into()));
}

/// Every number that the project's own commands print, as text: what must be equal, or refused, or marked.
fn numbers(cli: &Cli) -> Vec<(String, crate::common::Ran)> {
    let mut told = Vec::new();
    for arguments in [
        &["status", "project", "--json"][..],
        &["runs", "project", "--json"],
        &["cluster", "project", "--run", "1", "-k", "3", "--out", "c1.csv", "--force", "--json"],
        &["cluster", "project", "--run", "2", "-k", "3", "--json"],
        &["features", "project", "--run", "2", "--part", "all", "--out", "f2.csv", "--force", "--json"],
        &["features", "show", "project", "labels", "--json"],
        &["cluster", "project", "--features", "labels", "--part", "all", "-k", "3", "--json"],
        &["clusterings", "export", "project", "kept", "--out", "k.csv", "--force", "--json"],
        &["agreement", "project", "--json"],
        &["export-groupings", "project", "--with-removed", "--out", "g.csv", "--force", "--json"],
        &["export-labels", "project", "--out", "l.csv", "--force", "--json"],
        &["export-model", "project", "--run", "2", "--out", "m.safetensors", "--force", "--json"],
    ] {
        told.push((arguments.join(" "), cli.run(arguments)));
    }
    for file in ["c1.csv", "f2.csv", "g.csv", "k.csv", "l.csv", "m.safetensors"] {
        let bytes = std::fs::read(cli.path(file)).unwrap_or_default();
        let hash = blake3::hash(&bytes).to_hex().to_string();
        told.push((file.to_owned(), crate::common::Ran { code: Some(0), out: hash, err: String::new() }));
    }
    told
}

/// How many bytes are flipped; the whole number takes minutes.
fn flips() -> usize {
    std::env::var("ATMOSCOPE_TEST_FLIPS").ok().and_then(|number| number.parse().ok()).unwrap_or(24)
}

#[test]
fn no_number_changes_in_silence_when_a_byte_does() {
    let (folder, cli) = labelled();
    two_studies(folder.path());
    train(&cli, &[]);
    train(&cli, &["--depth", "last-blocks", "--trained-blocks", "1"]);
    cli.ok(&["features", "make", "multi-hot", "project", "--name", "labels"]);
    cli.ok(&["cluster", "project", "--features", "labels", "--part", "all", "-k", "3", "--name", "kept"]);
    let before = numbers(&cli);
    assert!(before.iter().all(|(_, ran)| ran.code == Some(0)), "{before:?}");
    let project = folder.path().join("project");
    let sound = folder.path().join("sound");
    copy_folder(&project, &sound);
    let files: Vec<_> = walkdir::WalkDir::new(&sound)
        .sort_by_file_name()
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file() && entry.metadata().unwrap().len() > 0)
        .map(|entry| entry.path().strip_prefix(&sound).unwrap().to_path_buf())
        .filter(|path| !path.starts_with("backups") && path.extension().is_none_or(|ending| ending != "jpg"))
        .collect();
    let mut random = generator(9, "flips");
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for number in 0..flips() {
        // The database as often as all other files together.
        let file = if number % 2 == 0 { Path::new("project.db") } else { &files[random.gen_range(0..files.len())] };
        std::fs::remove_dir_all(&project).unwrap();
        copy_folder(&sound, &project);
        let path = project.join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = random.gen_range(0..bytes.len());
        let bit = 1 << random.gen_range(0..8);
        bytes[at] ^= bit;
        std::fs::write(&path, bytes).unwrap();
        let mark = file.file_name().unwrap().to_string_lossy().into_owned();
        let done = format!("{} bit {bit} of byte {at}", file.display());
        compare_numbers(&before, &numbers(&cli), &done, &[&mark], &mut outcomes);
    }
    println!("{outcomes:?}");
    assert!(outcomes["equal"] > 0 && outcomes.len() > 1, "{outcomes:?}");
}

#[test]
fn no_number_changes_in_silence_when_a_picture_does() {
    let (folder, cli) = labelled();
    two_studies(folder.path());
    train(&cli, &[]);
    train(&cli, &["--depth", "last-blocks", "--trained-blocks", "1"]);
    let before = numbers(&cli);
    let images = folder.path().join("images");
    let (sound, sound_images) = (folder.path().join("sound"), folder.path().join("sound-images"));
    copy_folder(&folder.path().join("project"), &sound);
    copy_folder(&images, &sound_images);
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for harm in ["truncated", "emptied", "deleted", "swapped"] {
        for with_caches in [true, false] {
            for (to, from) in [(&folder.path().join("project"), &sound), (&images, &sound_images)] {
                std::fs::remove_dir_all(to).unwrap();
                copy_folder(from, to);
            }
            if !with_caches {
                std::fs::remove_dir_all(folder.path().join("project/cache")).unwrap();
            }
            let path = images.join("picture-003.png");
            let bytes = std::fs::read(&path).unwrap();
            match harm {
                "truncated" => std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
                "emptied" => std::fs::write(&path, b"").unwrap(),
                "deleted" => std::fs::remove_file(&path).unwrap(),
                _ => swap(&images, "picture-003.png", "picture-004.png"),
            }
            let after = numbers(&cli);
            let done = format!("picture-003.png {harm}, caches {with_caches}");
            assert!(after[0].1.out.contains("picture-003.png"), "{done}: {:?}", after[0]);
            compare_numbers(&before, &after, &done, &["picture-003.png", "picture-004.png"], &mut outcomes);
        }
    }
    println!("{outcomes:?}");
    assert!(outcomes["equal"] > 0 && outcomes["marked"] > 0, "{outcomes:?}");
}

/// Counts how what the commands tell came out after something was `done`: equal, refused, or marked by any of the
/// names. Anything else is a number that changed in silence.
fn compare_numbers(
    before: &[(String, crate::common::Ran)],
    after: &[(String, crate::common::Ran)],
    done: &str,
    marks: &[&str],
    outcomes: &mut BTreeMap<&str, usize>,
) {
    let marked = after.iter().any(|(_, ran)| marks.iter().any(|mark| ran.err.contains(mark) || ran.out.contains(mark)));
    for ((what, before), (_, after)) in before.iter().zip(after) {
        let equal = before.out == after.out && after.code == Some(0);
        let outcome = match (equal, after.code == Some(0), marked) {
            (true, ..) => "equal",
            (false, false, _) => "refused",
            (false, true, true) => "marked",
            (false, true, false) => {
                panic!("{done}: {what} changed in silence:\n{}\n{}\n{}", before.out, after.out, after.err)
            }
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
}

#[test]
fn labels_come_out_and_in_again() {
    let (folder, cli) = labelled();
    // A second annotator, who disagrees about some, and a picture with no to everything.
    let mut text = "image,sea,night,静か\n".to_owned();
    (0..8).for_each(|index| text += &format!("picture-{index:03}.png,{},,\n", u8::from(index % 3 == 0)));
    text += "picture-020.png,0,0,0\n";
    std::fs::write(folder.path().join("森.csv"), text).unwrap();
    cli.ok(&["import", "project", "--labels", "森.csv"]);
    let answers = |project: &str| {
        let project = Project::open_read_only(&folder.path().join(project)).unwrap();
        let images: BTreeMap<ImageId, String> =
            project.images().unwrap().into_iter().map(|image| (image.id, image.relative_path)).collect();
        let labels: BTreeMap<_, String> =
            project.labels().unwrap().into_iter().map(|label| (label.id, label.name)).collect();
        let mut answers: BTreeMap<(String, String, String), (bool, String)> = BTreeMap::new();
        for person in project.people(atmoscope::project::Role::Annotator).unwrap() {
            for (answer, at) in project.annotations_with_times(person.id).unwrap() {
                let key = (person.name.clone(), images[&answer.image].clone(), labels[&answer.label].clone());
                answers.insert(key, (answer.value, at));
            }
        }
        let consensus: BTreeMap<(String, String), bool> = project
            .consensus()
            .unwrap()
            .into_iter()
            .flat_map(|(image, of_image)| of_image.into_iter().map(move |(label, value)| (image, label, value)))
            .map(|(image, label, value)| ((images[&image].clone(), labels[&label].clone()), value))
            .collect();
        (answers, consensus)
    };
    let (all, together) = answers("project");
    let copy = |import: &[&str]| {
        cli.ok(&["new", "copy"]);
        cli.ok(&["import", "copy", "images"]);
        cli.ok(&[&["import", "copy", "--labels"], import].concat());
        let copied = answers("copy");
        std::fs::remove_dir_all(folder.path().join("copy")).unwrap();
        copied
    };
    // Everything, by annotator and with its times.
    let report = cli.json(&["export-labels", "project", "--form", "long", "--out", "long.csv"]);
    assert_eq!(report["answers"], all.len());
    assert_eq!(copy(&["long.csv"]).0, all);
    // What all together say, as a table and as an ImageFolder's metadata.
    for (form, file) in [("csv", "table.csv"), ("imagefolder", "metadata.csv")] {
        cli.ok(&["export-labels", "project", "--form", form, "--out", file]);
        assert_eq!(copy(&[file]).1, together, "{form}");
    }
    // A label may be called as a column with the pictures' names is.
    cli.ok(&["new", "other"]);
    std::fs::write(folder.path().join("image.csv"), "file_name,image\npicture-000.png,1\npicture-001.png,0\n").unwrap();
    cli.ok(&["import", "other", "images", "--labels", "image.csv"]);
    cli.ok(&["export-labels", "other", "--form", "imagefolder", "--out", "metadata.csv", "--force"]);
    assert_eq!(copy(&["metadata.csv"]).1, answers("other").1);
    cli.ok(&["export-labels", "project", "--form", "imagefolder", "--out", "metadata.csv", "--force"]);
    assert!(
        std::fs::read_to_string(folder.path().join("metadata.csv")).unwrap().starts_with("file_name,sea,night,静か\n")
    );
    // One annotator's.
    cli.ok(&["export-labels", "project", "--annotator", "森", "--out", "one.csv"]);
    let mine: BTreeMap<_, bool> = all
        .iter()
        .filter(|((who, ..), _)| who == "森")
        .map(|((_, image, label), (value, _))| ((image.clone(), label.clone()), *value))
        .collect();
    assert_eq!(copy(&["one.csv"]).1, mine);
    assert!(cli.fails(2, &["export-labels", "project", "--annotator", "Eve", "--out", "e.csv"]).contains("labels, 森"));
    // Text files beside copies of the pictures: yes and no come back; what nobody answered is said to come back as no.
    let report = cli.json(&["export-labels", "project", "--form", "txt", "--out", "tags"]);
    assert_eq!(report["unanswered_as_no"], 2);
    assert_eq!(std::fs::read_to_string(folder.path().join("tags/picture-000.txt")).unwrap(), "sea, night, 静か\n");
    assert_eq!(std::fs::read_to_string(folder.path().join("tags/picture-020.txt")).unwrap(), "\n");
    let mut with_no = together.clone();
    with_no.extend(["night", "静か"].map(|label| (("picture-006.png".to_owned(), label.to_owned()), false)));
    assert_eq!(copy(&["tags"]).1, with_no);
    let ran = cli.run(&["export-labels", "project", "--annotator", "森", "--form", "txt", "--out", "his"]);
    assert!(ran.code == Some(0) && ran.err.contains("16 labels without an answer"), "{ran:?}");
    // Nothing is replaced without being told to, and no picture ever.
    assert!(cli.fails(2, &["export-labels", "project", "--out", "table.csv"]).contains("is not replaced"));
    cli.ok(&["export-labels", "project", "--out", "table.csv", "--force"]);
    cli.fails(2, &["export-labels", "project", "--out", "images/picture-000.png", "--force"]);

    // A further column of a CSV: a problem, unless it is to be added.
    std::fs::write(folder.path().join("more.csv"), "image,storm\npicture-000.png,1\n").unwrap();
    let refused = cli.run(&["import", "project", "--labels", "more.csv", "--json"]);
    assert!(refused.code == Some(2) && refused.out.contains("“storm” is not a label"), "{refused:?}");
    cli.ok(&["import", "project", "--labels", "more.csv", "--add-labels"]);
    assert_eq!(cli.json(&["status", "project"])["labels"].as_array().unwrap().len(), 4);
}

#[test]
fn a_quotation_mark_or_a_line_break_does_not_swallow_rows() {
    let (folder, cli) = labelled();
    let header = "rater,condition,image,group\n";
    for (name, text, line, words) in [
        ("unclosed", "A,1,picture-001.png,\"sea\nA,1,picture-004.png,sea\nB,1,picture-001.png,x\n", 2, "none ends it"),
        ("spanning", "A,1,picture-001.png,\"sea\nA,1,picture-004.png,sea\nB,1,picture-001.png,x\"\n", 2, "line break"),
        ("long", &format!("A,1,picture-001.png,{}\n", "x".repeat(201)), 2, "more than 200"),
        ("two sorts", "A,1,picture-001.png,sea\nA,1,picture-001.png,sky\n", 3, "already"),
    ] {
        std::fs::write(folder.path().join("g.csv"), format!("{header}{text}")).unwrap();
        for arguments in [&["import", "project", "--groupings", "g.csv"][..], &["agreement", "--groups", "g.csv"]] {
            let ran = cli.run(arguments);
            let all = format!("{}{}", ran.out, ran.err);
            assert!(
                ran.code == Some(2) && all.contains(&format!("line {line}: ")) && all.contains(words),
                "{name}: {ran:?}"
            );
            assert!(all.len() < 2000, "{name}: {all}");
        }
    }
    assert_eq!(cli.json(&["status", "project"])["groupings"].as_array().unwrap().len(), 4);
    // The second sort of a rater whose occasion is not said is the same sort as the first.
    std::fs::write(folder.path().join("g.csv"), "rater,condition,image,group,occasion\nA,1,a.png,x,\nA,1,a.png,y,1\n")
        .unwrap();
    assert!(cli.fails(2, &["agreement", "--groups", "g.csv"]).contains("line 3"));
    // FreeSortR's table, and semicolons, which are read and told of.
    std::fs::write(folder.path().join("f.csv"), "stimulus,A\npicture-001.png,1\npicture-004.png,\"2\n").unwrap();
    let ran = cli.run(&["import", "project", "--groupings", "f.csv"]);
    assert!(ran.code == Some(2) && ran.out.contains("line 3"), "{ran:?}");
    std::fs::write(folder.path().join("s.csv"), "image;sea\npicture-000.png;1\npicture-001.png;0\n").unwrap();
    let ran = cli.run(&["import", "project", "--labels", "s.csv", "--annotator", "S"]);
    assert!(ran.code == Some(0) && ran.err.contains("s.csv: the fields are separated by semicolons"), "{ran:?}");
    assert!(ran.out.contains("1 label for 2 pictures by S; 2 answers changed"), "{ran:?}");
}

#[test]
fn damage_of_what_is_stored_is_noticed() {
    let (folder, cli) = labelled();
    two_studies(folder.path());
    train(&cli, &[]);
    let database = folder.path().join("project/project.db");
    let open = || rusqlite::Connection::open(&database).unwrap();
    // After everything that a project can hold was stored, undone and done again, the digests are right.
    let mut project = Project::open(&folder.path().join("project")).unwrap();
    assert_eq!(project.damaged_tables().unwrap(), Vec::<String>::new());
    while project.undo().unwrap().is_some() {}
    while project.redo().unwrap().is_some() {}
    assert_eq!(project.damaged_tables().unwrap(), Vec::<String>::new());
    drop(project);
    let clusters = cli.json(&["cluster", "project", "--run", "1", "-k", "3"]);
    // One answer turned round: said at every start, by every command.
    let turn = "UPDATE annotations SET value = 1 - value
        WHERE (image_id, label_id) IN (SELECT image_id, label_id FROM annotations ORDER BY image_id, label_id LIMIT 1)";
    assert_eq!(open().execute(turn, []).unwrap(), 1);
    for arguments in [&["status", "project"][..], &["runs", "project"], &["split", "project"]] {
        let ran = cli.run(arguments);
        assert!(ran.code == Some(0) && ran.err.contains("project.db is damaged"), "{ran:?}");
        assert!(ran.err.contains("annotations") && ran.err.contains("backups"), "{ran:?}");
    }
    open().execute(turn, []).unwrap();
    assert_eq!(cli.run(&["status", "project"]).err, "");

    // A stored vector: told by name and made again, to the same.
    let damage = "UPDATE features SET vector = zeroblob(length(vector)) WHERE image_id = (SELECT max(image_id) FROM
        split_parts WHERE part = 'test' AND split_id = 1)";
    assert_eq!(open().execute(damage, []).unwrap(), 1);
    let ran = cli.run(&["cluster", "project", "--run", "1", "-k", "3", "--json"]);
    assert!(ran.code == Some(0) && ran.err.contains("features"), "{ran:?}");
    let again: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(again["scores"], clusters["scores"]);
    assert_eq!(cli.run(&["cluster", "project", "--run", "1", "-k", "3", "--json"]).err, "");

    // Checkpoints, and the lines that curves are drawn from.
    for (file, arguments) in [
        ("checkpoints/best.safetensors", vec!["export-model", "project", "--run", "1", "--out", "m.safetensors"]),
        ("checkpoints/best.safetensors", vec!["features", "project", "--run", "1", "--part", "all", "--out", "a.csv"]),
    ] {
        let path = folder.path().join("project/runs/1").join(file);
        let whole = std::fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        let at = damaged.len() - 3;
        damaged[at] ^= 8;
        std::fs::write(&path, damaged).unwrap();
        if arguments[0] == "features" {
            open().execute("DELETE FROM features WHERE image_id = 1", []).unwrap();
        }
        let error = cli.fails(1, &arguments);
        assert!(error.contains("best.safetensors is damaged"), "{error}");
        std::fs::write(&path, whole).unwrap();
    }
}

#[test]
fn an_edited_picture_does_not_pass_its_labels_on_by_its_name() {
    let (folder, cli) = labelled();
    let before = cli.json(&["export-labels", "project", "--out", "before.csv"]);
    // One that raters sorted is edited, and joins as a new picture under its old name.
    crate::common::sample_image(77).save(folder.path().join("images/picture-001.png")).unwrap();
    assert_eq!(cli.json(&["import", "project", "images"])["added"], 1);
    let after = cli.json(&["export-labels", "project", "--out", "after.csv"]);
    assert_eq!((&after["replaced_images"], &before["replaced_images"]), (&1.into(), &0.into()));
    assert!(!table(folder.path(), "after.csv").contains_key("picture-001.png"));
    let groups = cli.json(&["export-groupings", "project", "--out", "groups.csv"]);
    assert_eq!(groups["replaced_images"], 1);
    assert!(!std::fs::read_to_string(folder.path().join("groups.csv")).unwrap().contains("picture-001.png"));
    let images = cli.json(&["agreement", "project", "--condition", "1"])["conditions"][0]["images"].clone();
    assert_eq!(images.as_array().unwrap().len(), 9);
}

#[test]
fn text_files_of_another_export_are_not_read_back_with_this_one() {
    let (folder, cli) = labelled();
    std::fs::write(folder.path().join("bob.csv"), "image,sea,night,静か\npicture-003.png,1,0,0\n").unwrap();
    cli.ok(&["import", "project", "--labels", "bob.csv"]);
    let export = |annotator: &str, more: &[&str]| {
        let arguments = ["export-labels", "project", "--form", "txt", "--out", "tags", "--annotator", annotator];
        cli.run(&[&arguments[..], more].concat())
    };
    assert_eq!(export("labels", &[]).code, Some(0));
    let refused = export("bob", &[]);
    assert!(refused.code == Some(2) && refused.err.contains("is not replaced"), "{refused:?}");
    let forced = export("bob", &["--force"]);
    assert!(forced.code == Some(0) && forced.err.contains("night, 静か"), "labels that are never on: {forced:?}");
    let files: Vec<_> = std::fs::read_dir(folder.path().join("tags")).unwrap().collect();
    assert_eq!(files.len(), 1);
    // Several annotators' labels do not become one's.
    cli.ok(&["export-labels", "project", "--form", "long", "--out", "long.csv"]);
    let error = cli.fails(2, &["import", "project", "--labels", "long.csv", "--annotator", "zed"]);
    assert!(error.contains("several annotators"), "{error}");
    // Names that would be commands to a terminal are no names.
    cli.fails(2, &["import", "project", "--labels", "bob.csv", "--annotator", "a\nb"]);
}

#[test]
fn lists_beside_a_matrix_and_occasions_are_checked() {
    let (folder, cli) = labelled();
    train(&cli, &[]);
    cli.ok(&["features", "project", "--run", "1", "--out", "f.npy"]);
    cli.ok(&["cluster", "project", "--run", "1", "-k", "3", "--out", "c.csv"]);
    let evaluate = ["evaluate", "--features", "f.npy", "--assignments", "c.csv"];
    assert_eq!(cli.json(&evaluate)["warnings"], serde_json::json!([]));
    let names = folder.path().join("f.images.csv");
    let mut lines: Vec<String> = std::fs::read_to_string(&names).unwrap().lines().map(str::to_owned).collect();
    lines.swap(1, 2);
    std::fs::write(&names, lines.join("\n") + "\n").unwrap();
    assert!(cli.json(&evaluate)["warnings"][0].as_str().unwrap().contains("f.images.csv is not as it was written"));
    // A file of one's own is not taken for a description.
    std::fs::write(folder.path().join("mine.csv.json"), "{\"my\":1}").unwrap();
    cli.fails(2, &["cluster", "project", "--run", "1", "-k", "3", "--out", "mine.csv", "--force"]);
    // A choice among groups where no groups are given is no choice.
    assert!(cli.fails(2, &[&evaluate[..], &["--without", "A"]].concat()).contains("--groups"));
    // Figures beside the pictures would be pictures at the next import.
    assert!(
        cli.fails(2, &["agreement", "project", "--out", "images/figures"]).contains("would be taken for a picture")
    );

    let rows = "rater,condition,image,group,occasion\nA,1,picture-001.png,x,0\n";
    std::fs::write(folder.path().join("g.csv"), rows).unwrap();
    let ran = cli.run(&["import", "project", "--groupings", "g.csv"]);
    assert!(ran.code == Some(2) && ran.out.contains("line 2: the occasion is 0"), "{ran:?}");
    cli.fails(2, &["import", "project", "--groupings", "groupings.csv", "--occasion", "0"]);
    // Groupings that name no study can be chosen, too.
    two_studies(folder.path());
    let free =
        ["export-groupings", "project", "--form", "freesortr", "--condition", "1", "--study", "", "--out", "f.csv"];
    assert_eq!(cli.json(&free)["groupings"], 2);
}

#[test]
fn a_damaged_project_is_not_copied_over_what_could_mend_it() {
    let (folder, cli) = labelled();
    cli.ok(&["split", "project"]);
    let backups = folder.path().join("project/backups");
    let copies = || {
        let names = std::fs::read_dir(&backups).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<_>>()
    };
    // The copy is of another day, and then another program changes what people said.
    let today = copies().pop_first().unwrap();
    let before = "project-2020-01-02T03-04-05Z.db";
    std::fs::rename(backups.join(today), backups.join(before)).unwrap();
    let database = rusqlite::Connection::open(folder.path().join("project/project.db")).unwrap();
    assert!(database.execute("UPDATE annotations SET value = 1 - value", []).unwrap() > 0);
    drop(database);
    cli.ok(&["split", "project"]);
    assert_eq!(copies(), BTreeSet::from([before.to_owned()]));
    let ran = cli.run(&["status", "project"]);
    assert!(ran.err.contains("annotations") && ran.err.contains(before), "{}", ran.err);
}

#[test]
fn errors_are_json_whatever_stands_in_a_name() {
    let (_folder, cli) = labelled();
    for name in ["x\u{202e}y", "x\u{7f}y", "x\u{85}y", "x\u{1b}[2Jy", "x\ny"] {
        let ran = cli.run(&["status", name, "--json"]);
        let object: Value = serde_json::from_str(&ran.err).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
        assert!(object["error"].is_string() && ran.code == Some(2), "{object}");
        assert!(!ran.err.trim_end().chars().any(|letter| letter.is_control() || letter == '\u{202e}'), "{:?}", ran.err);
    }
}
