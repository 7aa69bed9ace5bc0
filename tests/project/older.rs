//! Projects made by older versions, as they lie in `tests/fixtures`: nothing in them is lost when they are brought up to
//! date. What must be there was written down by the version that made them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::{Cli, assert_says};
use atmoscope::ids::RunId;
use atmoscope::interchange::{groupings, labels};
use atmoscope::progress::{Cancel, Silent};
use atmoscope::project::Project;
use atmoscope::training::{TrainedHead, read_batches, read_epochs, resume_point};
use serde_json::Value;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A project of an older version, elsewhere than where it was made, and its pictures.
struct Old {
    _folder: tempfile::TempDir,
    /// Beside the project: what was imported, and what the version that made it said of it.
    beside: PathBuf,
    cli: Cli,
}

impl Old {
    fn of(schema: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&fixtures().join("pictures"), &folder.path().join("pictures"));
        let beside = folder.path().join("old");
        copy(&fixtures().join(format!("schema-{schema}")), &beside);
        Self { cli: Cli::new(&beside), beside, _folder: folder }
    }

    fn project(&self) -> PathBuf {
        self.beside.join("project")
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.beside.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    fn version(&self) -> u32 {
        let database = rusqlite::Connection::open(self.project().join("project.db")).unwrap();
        database.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    }
}

/// Pictures with their groups, of a rater under a condition of a study.
type Grouped = BTreeMap<(String, String, Option<String>), BTreeSet<(String, String)>>;

/// What a table of groups says.
fn grouped(csv: &[u8]) -> Grouped {
    let parsed = groupings::parse(csv);
    assert_eq!(parsed.problems, []);
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for row in parsed.value {
        found.entry((row.rater, row.condition, row.study)).or_default().insert((row.image, row.group));
    }
    found
}

/// Whose link ends how.
fn links(shown: &Value) -> Vec<(String, String)> {
    match shown {
        Value::Object(fields) if fields.contains_key("link") => {
            let link = fields["link"].as_str().unwrap().trim_end_matches('/');
            vec![(fields["rater"].as_str().unwrap().to_owned(), link.rsplit('/').next().unwrap().to_owned())]
        }
        Value::Object(fields) => fields.values().flat_map(links).collect(),
        Value::Array(items) => items.iter().flat_map(links).collect(),
        _ => Vec::new(),
    }
}

/// Lines of a CSV with the cluster, counted from 1 now and from 0 once, as a number.
fn clusters(csv: &str) -> Vec<(String, i64, String)> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].to_owned(), fields[1].parse().unwrap(), fields[2].to_owned())
    };
    assert_eq!(csv.lines().next(), Some("image,cluster,distance"));
    csv.lines().skip(1).map(line).collect()
}

fn brought_up_to_date(schema: u32, first_cluster: i64) {
    let old = Old::of(schema);
    assert_eq!(old.version(), schema);
    assert!(Project::is_older(&old.project()).unwrap());
    // Whoever only reads is told, and changes nothing.
    let before = std::fs::read(old.project().join("project.db")).unwrap();
    assert!(old.cli.fails(2, &["status", "project"]).contains("upgrade"));
    assert_eq!(std::fs::read(old.project().join("project.db")).unwrap(), before);
    assert_eq!(old.cli.json(&["upgrade", "project"])["upgraded"], true);
    assert_eq!(old.cli.json(&["upgrade", "project"])["upgraded"], false);
    let backups: Vec<String> = std::fs::read_dir(old.project().join("backups"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(&format!("project-form-{schema}-")))
        .collect();
    assert_eq!(backups.len(), 1, "{backups:?}");
    let kept = rusqlite::Connection::open(old.project().join("backups").join(&backups[0])).unwrap();
    let version: u32 = kept.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, schema, "the copy is of before");

    // Pictures, refused files, labels, people, groupings, the split; the run with its settings.
    let status = old.cli.json(&["status", "project"]);
    let told = old.json("status.json");
    assert_says(&status, &told, "status");
    assert_eq!(
        (&told["images"], &told["labelled_images"], &status["missing_files"]),
        (&24.into(), &20.into(), &0.into())
    );
    assert_eq!((told["set_aside"].as_array().unwrap().len(), told["rejected_files"].as_array().unwrap().len()), (1, 1));
    // Older versions gave the bare list.
    let told = old.json("runs.json");
    assert_says(&old.cli.json(&["runs", "project"])["runs"], told.get("runs").unwrap_or(&told), "runs");

    // Every answer, yes or no, of both annotators.
    for (annotator, answers) in [("Annika", 60), ("Ben", 60)] {
        let file = format!("{annotator}.csv");
        let report = old.cli.json(&["export-labels", "project", "--annotator", annotator, "--out", &file]);
        assert_eq!(report["answers"], answers);
        assert_eq!(old.text(&file), old.text(&format!("given/{file}")));
        assert_eq!(labels::parse(old.text(&file).as_bytes()).value.rows.len(), 20);
    }

    // Groups that were imported, and those that were sorted in a study.
    old.cli.ok(&["export-groupings", "project", "--out", "groupings.csv"]);
    let now = grouped(old.text("groupings.csv").as_bytes());
    let imported: Grouped =
        now.iter().filter(|((.., study), _)| study.is_none()).map(|(key, rows)| (key.clone(), rows.clone())).collect();
    assert_eq!(imported, grouped(old.text("given/groupings.csv").as_bytes()));
    assert_eq!(imported.values().map(BTreeSet::len).sum::<usize>(), 16);

    // Label intensities to the last digit, and the clusters that were made of them.
    old.cli.ok(&["features", "project", "--run", "1", "--part", "all", "--out", "now.csv"]);
    assert_eq!(old.text("now.csv"), old.text("features.csv"));
    old.cli.ok(&["cluster", "project", "--run", "1", "-k", "3", "--seed", "1", "--part", "all", "--out", "groups.csv"]);
    let then = clusters(&old.text("clusters.csv")).into_iter();
    let then: Vec<_> = then.map(|(image, cluster, distance)| (image, cluster - first_cluster + 1, distance)).collect();
    assert_eq!(clusters(&old.text("groups.csv")), then);
    assert_eq!(then.len(), 23, "all but the one that was set aside");

    // The run's files: epochs, steps, and a network that gives the same intensities again.
    let project = Project::open(&old.project()).unwrap();
    let run = project.run_folder(RunId(1));
    let epochs = read_epochs(&run).unwrap();
    assert_eq!(epochs.iter().map(|epoch| (epoch.epoch, epoch.best)).collect::<Vec<_>>(), [(1, true), (2, true)]);
    assert_eq!(read_batches(&run).unwrap().len(), 6);
    let names = ["sea", "night", "静か"].map(str::to_owned);
    assert_eq!(resume_point(&run, &names).unwrap().unwrap().1.len(), 2);
    assert!(TrainedHead::load(&run.join("checkpoints/best.safetensors")).is_ok());
    assert!(project.damaged_tables().unwrap().is_empty());
    assert_eq!(project.splits().unwrap().len(), 2);

    // What was done can still be undone.
    drop(project);
    let mut project = Project::open(&old.project()).unwrap();
    assert_eq!(project.current_split().unwrap().unwrap().id.0, 2);
    let undone = project.history_outlook().unwrap().0;
    assert!(undone.is_some());
    assert!(project.undo().unwrap().is_some());
    assert_eq!(project.history_outlook().unwrap().1, undone);
}

#[test]
fn a_project_of_schema_1_is_brought_up_to_date() {
    brought_up_to_date(1, 0);
}

#[test]
fn a_project_of_schema_2_is_brought_up_to_date() {
    brought_up_to_date(2, 0);
    the_study_goes_on(2);
}

#[test]
fn a_project_of_schema_3_is_brought_up_to_date() {
    brought_up_to_date(3, 1);
    the_study_goes_on(3);
}

/// A study that one rater finished and another is in the middle of.
fn the_study_goes_on(schema: u32) {
    let old = Old::of(schema);
    old.cli.ok(&["upgrade", "project"]);
    let shown = old.cli.json(&["study", "show", "project"]);
    assert_eq!(links(&shown), links(&old.json("study.json")), "the links that raters have still open it");
    assert_eq!(links(&shown).into_iter().map(|(rater, _)| rater).collect::<Vec<_>>(), ["Ada", "Cyd"]);
    // Every move and visit with its times.
    old.cli.ok(&["study", "log", "project", "--out", "now.jsonl"]);
    let lines =
        |name: &str| -> Vec<Value> { old.text(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let then = lines("moves.jsonl");
    assert_says(&lines("now.jsonl").into(), &then.clone().into(), "log");
    let moves = |rater: &str| then.iter().filter(|line| line["rater"] == rater && line["move"].is_string()).count();
    assert_eq!((moves("Ada"), moves("Cyd")), (8, 3));
    let mut project = Project::open(&old.project()).unwrap();
    let study = project.studies().unwrap().remove(0);
    let sorts: Vec<_> = project.sorts_of(study.id).unwrap().iter().map(|sort| project.sort(*sort).unwrap()).collect();
    let states: Vec<_> = sorts.iter().map(|sort| (sort.sort.move_count(), sort.submitted_at.is_some())).collect();
    assert_eq!(states, [(8, true), (3, false)]);
    // Cyd goes on where the older version left off.
    let cyd = study.raters[1].person.id;
    let open = project.open_sort(study.id, cyd, study.tasks[0].id).unwrap();
    assert_eq!((open.id, open.sort.move_count(), open.sort.standing().placed), (sorts[1].id, 3, 3));
    // Ada may change what was submitted.
    let again = project.new_version(sorts[0].id).unwrap();
    assert_eq!((again.version, again.sort.standing().placed), (2, 8));
}

/// The network of the oldest run, made by the oldest version, gives the same numbers: its intensities are thrown away
/// and made again from the pictures. The same bits on x86-64 with any instruction set; elsewhere, where the exponential
/// function of the system may be another, nearly the same.
#[test]
fn the_network_of_an_old_run_still_predicts_the_same() {
    let old = Old::of(1);
    old.cli.ok(&["upgrade", "project"]);
    let database = rusqlite::Connection::open(old.project().join("project.db")).unwrap();
    assert_eq!(database.execute("DELETE FROM features", []).unwrap(), 23);
    drop(database);
    let mut project = Project::open(&old.project()).unwrap();
    project.mended_features().unwrap();
    let source = atmoscope::features::FeatureSource::Run(RunId(1));
    let part = atmoscope::engine::jobs::cluster::ClusteredPart::All;
    let (matrix, unreadable) =
        atmoscope::engine::jobs::features::of(&mut project, source, part, &Silent, &Cancel::new()).unwrap();
    assert!(unreadable.is_empty(), "{unreadable:?}");
    let features = old.text("features.csv");
    let then: Vec<f32> =
        features.lines().skip(1).flat_map(|line| line.split(',').skip(1)).map(|value| value.parse().unwrap()).collect();
    assert_eq!(matrix.values.len(), then.len());
    if cfg!(target_arch = "x86_64") {
        assert_eq!(matrix.values, then);
    }
    let far = matrix.values.iter().zip(&then).map(|(now, then)| (now - then).abs()).fold(0.0, f32::max);
    assert!(far < 1e-4, "{far}");
}
