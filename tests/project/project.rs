//! A project on disk keeps what people made: through moves, undo, a second process, damage and newer versions.

use std::path::{Path, PathBuf};

use crate::common::{Cli, image_at, import_folder, sample_images};
use atmoscope::engine::jobs::relink::{self, RelinkReport};
use atmoscope::error::{ErrorKind, Result};
use atmoscope::ids::{ImageId, LabelId, PersonId};
use atmoscope::imaging::{ImageFacts, PictureFormat};
use atmoscope::progress::{Cancel, Silent};
use atmoscope::project::{GroupingRow, NewImage, Project, Role};

fn new_image(number: usize) -> NewImage {
    let facts = ImageFacts {
        format: PictureFormat::Png,
        width_px: 40,
        height_px: 30,
        orientation: 1,
        size_bytes: 10,
        content_hash: format!("{number:064x}"),
        perceptual_hash: u64::MAX - number as u64,
    };
    NewImage { relative_path: format!("夜空/絵{number}.png"), facts, set_aside: None, stamp: None }
}

/// A project with `n` pictures whose files do not exist, one annotator and two labels.
struct Sample {
    folder: tempfile::TempDir,
    project: Project,
    images: Vec<ImageId>,
    who: PersonId,
    labels: [LabelId; 2],
}

impl Sample {
    fn new(n: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut project = Project::create(&folder.path().join("project")).unwrap();
        let root = project.image_root(&folder.path().join("images")).unwrap();
        let images = project.add_images(root.id, &(0..n).map(new_image).collect::<Vec<_>>()).unwrap();
        let who = project.person("森 鷗外", Role::Annotator).unwrap().id;
        let labels = ["静か", "cool"].map(|name| project.add_label(name).unwrap().id);
        Self { folder, project, images, who, labels }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    fn reopen(self) -> Self {
        let Self { folder, project, images, who, labels } = self;
        drop(project);
        let project = Project::open(&folder.path().join("project")).unwrap();
        Self { folder, project, images, who, labels }
    }

    /// The stored answer about the picture in place `image` and the label in place `label`.
    fn answer(&self, image: usize, label: usize) -> Option<bool> {
        self.project.answers(self.who, self.images[image]).unwrap().get(&self.labels[label]).copied()
    }

    fn put(&mut self, image: usize, label: usize, value: Option<bool>) {
        let answer = (self.images[image], self.labels[label], value);
        assert_eq!(self.project.annotate(self.who, &[answer]).unwrap().len(), 1);
    }

    fn label_names(&self) -> Vec<String> {
        self.project.labels().unwrap().into_iter().map(|label| label.name).collect()
    }

    fn reason(&self, image: usize) -> Option<String> {
        let images = self.project.images().unwrap();
        images.into_iter().find(|record| record.id == self.images[image]).unwrap().set_aside
    }
}

#[test]
fn only_an_empty_place_takes_a_new_project() {
    let sample = Sample::new(1);
    let error = Project::create(&sample.path()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::User);
    assert!(error.message.contains("already holds a project") && error.hint.is_some(), "{error}");
    for opened in [Project::open(sample.folder.path()), Project::open_read_only(sample.folder.path())] {
        let error = opened.unwrap_err();
        assert!(error.kind == ErrorKind::User && error.message.contains("holds no Atmoscope project"), "{error}");
        assert!(error.hint.is_some());
    }
    assert!(!sample.folder.path().join("project.db").exists(), "looking for a project made one");
}

#[test]
fn a_second_process_may_read_but_not_write() {
    let mut sample = Sample::new(2);
    sample.put(0, 0, Some(true));
    let pictures = sample.folder.path().join("pictures");
    sample_images(&pictures, 1);
    let cli = Cli::new(sample.folder.path());

    let error = cli.fails(2, &["import", "project", "pictures"]);
    assert!(error.contains("open in another Atmoscope"), "{error}");
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    assert!(error.contains("reading only"), "{error}");
    if cfg!(unix) {
        // Somebody tidies up and takes the file of the lock away.
        std::fs::remove_file(sample.path().join("project.lock")).unwrap();
        let error = cli.fails(2, &["import", "project", "pictures"]);
        assert!(error.contains("open in another Atmoscope"), "{error}");
    }
    // Looking goes on meanwhile and sees the newest answers.
    let status = cli.json(&["status", "project"]);
    assert_eq!((&status["images"], &status["labelled_images"]), (&2.into(), &1.into()));
    sample.put(1, 1, Some(true));
    assert_eq!(cli.json(&["status", "project"])["labelled_images"], 2);

    drop(sample.project);
    assert_eq!(cli.json(&["import", "project", "pictures"])["added"], 1);
}

#[test]
fn a_read_only_handle_sees_everything_and_changes_nothing() {
    let mut sample = Sample::new(2);
    let mut reader = Project::open_read_only(&sample.path()).unwrap();
    assert!(reader.is_read_only() && !sample.project.is_read_only());
    sample.put(0, 0, Some(true));
    assert!(reader.answers(sample.who, sample.images[0]).unwrap()[&sample.labels[0]]);

    let (image, label, who) = (sample.images[0], sample.labels[0], sample.who);
    let refusals = [
        reader.annotate(who, &[(image, label, None)]).unwrap_err(),
        reader.add_label("new").unwrap_err(),
        reader.remove_label(label).unwrap_err(),
        reader.set_aside(&[image], Some("no")).unwrap_err(),
        reader.undo().unwrap_err(),
        reader.person("new", Role::Rater).unwrap_err(),
        reader.add_images(1, &[new_image(9)]).unwrap_err(),
        reader.share().unwrap().add_label("new").unwrap_err(),
    ];
    for error in refusals {
        assert!(error.kind == ErrorKind::User && error.message.contains("reading only"), "{error}");
        assert!(error.hint.is_some());
    }
    assert_eq!(sample.answer(0, 0), Some(true));
    assert_eq!(sample.label_names(), ["静か", "cool"]);
}

#[test]
fn the_lock_lasts_as_long_as_any_writing_handle() {
    let sample = Sample::new(1);
    let path = sample.path();
    let shared = sample.project.share().unwrap();
    drop(sample.project);
    let error = Project::open(&path).unwrap_err();
    assert!(error.message.contains(&std::process::id().to_string()), "{error}");
    drop(shared);
    drop(Project::open(&path).unwrap());
}

#[test]
fn two_handles_of_one_process_write_side_by_side() {
    let sample = Sample::new(40);
    let mut handles = Vec::new();
    for (number, label) in sample.labels.into_iter().enumerate() {
        let mut project = sample.project.share().unwrap();
        let (images, who) = (sample.images.clone(), sample.who);
        handles.push(std::thread::spawn(move || {
            for image in images {
                project.annotate(who, &[(image, label, Some(number == 0))]).unwrap();
            }
        }));
    }
    handles.into_iter().for_each(|handle| handle.join().unwrap());
    for image in 0..40 {
        assert_eq!((sample.answer(image, 0), sample.answer(image, 1)), (Some(true), Some(false)));
    }
}

fn assert_files_found(project: &Project, count: usize) {
    let paths = project.image_paths().unwrap();
    assert_eq!(paths.len(), count);
    for path in paths.values() {
        assert!(path.is_file(), "{}", path.display());
    }
}

#[test]
fn moving_the_whole_folder_is_survived() {
    let place = tempfile::tempdir().unwrap();
    let [old, new] = ["古い場所", "new place"].map(|name| place.path().join(name));
    sample_images(&old.join("images"), 4);
    let mut project = Project::create(&old.join("project")).unwrap();
    import_folder(&mut project, &old.join("images"));
    let id = image_at(&project, "picture-002.png");
    drop(project);
    std::fs::rename(&old, &new).unwrap();

    let mut project = Project::open(&new.join("project")).unwrap();
    assert_files_found(&project, 4);
    let paths = project.image_paths().unwrap();
    assert!(paths.values().all(|path| path.starts_with(new.canonicalize().unwrap()) || path.starts_with(&new)));
    let report = import_folder(&mut project, &new.join("images"));
    assert_eq!((report.added, report.already_there, report.moved), (0, 4, 0));
    assert_eq!(image_at(&project, "picture-002.png"), id);

    // Somebody else moves into the old place; both folders are then known, each at its own.
    for (index, path) in sample_images(&place.path().join("more"), 6).into_iter().enumerate().skip(4) {
        std::fs::create_dir_all(old.join("images")).unwrap();
        std::fs::rename(path, old.join(format!("images/late-{index}.png"))).unwrap();
    }
    assert_eq!(import_folder(&mut project, &old.join("images")).added, 2);
    assert_files_found(&project, 6);
}

#[test]
fn moving_the_project_alone_is_survived() {
    let place = tempfile::tempdir().unwrap();
    sample_images(&place.path().join("images"), 3);
    let mut project = Project::create(&place.path().join("project")).unwrap();
    import_folder(&mut project, &place.path().join("images"));
    drop(project);
    std::fs::create_dir_all(place.path().join("deep/down")).unwrap();
    std::fs::rename(place.path().join("project"), place.path().join("deep/down/project")).unwrap();
    assert_files_found(&Project::open(&place.path().join("deep/down/project")).unwrap(), 3);
}

fn relink_to(project: &mut Project, root: Option<i64>, folder: &Path) -> Result<RelinkReport> {
    relink::run(project, root, folder, &Silent, &Cancel::new())
}

#[test]
fn pictures_that_moved_alone_are_found_by_relinking() {
    let place = tempfile::tempdir().unwrap();
    let [images, moved, other, empty] = ["images", "moved", "other", "empty"].map(|name| place.path().join(name));
    sample_images(&images, 6);
    let mut project = Project::create(&place.path().join("project")).unwrap();
    import_folder(&mut project, &images);
    std::fs::rename(&images, &moved).unwrap();
    std::fs::create_dir(&empty).unwrap();
    // The same names, other pictures.
    for (path, index) in sample_images(&place.path().join("more"), 12).iter().skip(6).zip(0..) {
        std::fs::create_dir_all(&other).unwrap();
        std::fs::copy(path, other.join(format!("picture-{index:03}.png"))).unwrap();
    }
    let before = project.image_roots().unwrap();
    assert!(project.image_paths().unwrap().values().all(|path| !path.exists()));

    for (folder, words) in [(&empty, "none of the project's 6 pictures"), (&other, "another picture")] {
        let error = relink_to(&mut project, None, folder).unwrap_err();
        assert!(error.kind == ErrorKind::User && error.message.contains(words), "{error}");
        assert!(error.hint.is_some());
        assert_eq!(project.image_roots().unwrap(), before, "a refused relink changed something");
    }
    assert_eq!(relink_to(&mut project, None, &moved).unwrap().found, 6);
    assert_files_found(&project, 6);
    // One lost file does not hinder it.
    std::fs::rename(&moved, &images).unwrap();
    std::fs::remove_file(images.join("picture-000.png")).unwrap();
    let report = relink_to(&mut project, Some(before[0].id), &images).unwrap();
    assert_eq!((report.found, report.missing), (5, vec!["picture-000.png".to_owned()]));
}

#[test]
fn one_of_several_folders_is_relinked() {
    let place = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| place.path().join(name));
    let all = sample_images(&first, 4);
    std::fs::create_dir(&second).unwrap();
    for path in &all[2..] {
        std::fs::rename(path, second.join(path.file_name().unwrap())).unwrap();
    }
    let mut project = Project::create(&place.path().join("project")).unwrap();
    import_folder(&mut project, &first);
    import_folder(&mut project, &second);
    let ids: Vec<i64> = project.image_roots().unwrap().iter().map(|root| root.id).collect();
    std::fs::rename(&second, place.path().join("third")).unwrap();

    let error = relink_to(&mut project, None, &place.path().join("third")).unwrap_err();
    assert!(error.kind == ErrorKind::User && error.hint.unwrap().contains("--root"));
    assert_eq!(relink_to(&mut project, Some(ids[1]), &place.path().join("third")).unwrap().found, 2);
    assert_files_found(&project, 4);
    // A folder of the project cannot stand for another one too.
    std::fs::copy(&all[0], place.path().join("third/picture-000.png")).unwrap();
    let error = relink_to(&mut project, Some(ids[0]), &place.path().join("third")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::User, "{error}");
    assert_eq!(relink_to(&mut project, Some(99), &first).unwrap_err().kind, ErrorKind::User);
    assert_files_found(&project, 4);
}

#[test]
fn answers_are_undone_and_done_again_one_edit_at_a_time() {
    let mut sample = Sample::new(3);
    sample.put(0, 0, Some(true));
    sample.put(0, 0, Some(false));
    let all: Vec<_> = sample.images.iter().map(|image| (*image, sample.labels[1], Some(true))).collect();
    assert_eq!(sample.project.annotate(sample.who, &all).unwrap().len(), 3);
    // Nothing changes: nothing to undo.
    assert!(sample.project.annotate(sample.who, &all).unwrap().is_empty());
    assert_eq!(sample.project.history_outlook().unwrap().0.unwrap(), "label “cool” on 3 pictures");

    let mut sample = sample.reopen();
    sample.project.undo().unwrap().unwrap();
    assert!((0..3).all(|image| sample.answer(image, 1).is_none()));
    sample.project.undo().unwrap().unwrap();
    assert_eq!(sample.answer(0, 0), Some(true));
    sample.project.redo().unwrap().unwrap();
    assert_eq!(sample.answer(0, 0), Some(false));
    sample.project.undo().unwrap().unwrap();
    sample.project.undo().unwrap().unwrap();
    assert_eq!(sample.answer(0, 0), None);

    let mut sample = sample.reopen();
    for _ in 0..3 {
        sample.project.redo().unwrap().unwrap();
    }
    assert!(sample.project.redo().unwrap().is_none());
    assert_eq!((sample.answer(0, 0), sample.answer(2, 1)), (Some(false), Some(true)));
}

#[test]
fn a_new_edit_drops_what_was_undone() {
    let mut sample = Sample::new(2);
    sample.put(0, 0, Some(true));
    sample.put(1, 0, Some(true));
    sample.project.undo().unwrap().unwrap();
    sample.put(0, 1, Some(false));
    assert!(sample.project.redo().unwrap().is_none());
    assert_eq!((sample.answer(0, 0), sample.answer(1, 0), sample.answer(0, 1)), (Some(true), None, Some(false)));
    sample.project.undo().unwrap().unwrap();
    sample.project.undo().unwrap().unwrap();
    assert_eq!((sample.answer(0, 0), sample.answer(0, 1)), (None, None));
}

#[test]
fn everything_can_be_undone_to_the_beginning_and_back() {
    let mut sample = Sample::new(2);
    sample.put(0, 0, Some(true));
    sample.project.rename_label(sample.labels[0], "しずか").unwrap();
    sample.project.set_aside(&sample.images.clone(), Some("double")).unwrap();
    sample.project.set_aside(&sample.images[..1], None).unwrap();
    sample.project.remove_label(sample.labels[1]).unwrap();

    let end = |sample: &Sample| {
        let reasons = (sample.reason(0), sample.reason(1));
        (sample.label_names(), reasons, sample.answer(0, 0))
    };
    let last = end(&sample);
    assert_eq!(last, (vec!["しずか".to_owned()], (None, Some("double".to_owned())), Some(true)));
    let mut sample = sample.reopen();
    let mut undone = 0;
    while sample.project.undo().unwrap().is_some() {
        undone += 1;
    }
    assert_eq!(undone, 7);
    assert_eq!(end(&sample), (vec![], (None, None), None));
    let mut sample = sample.reopen();
    while sample.project.redo().unwrap().is_some() {
        undone -= 1;
    }
    assert_eq!((undone, end(&sample)), (0, last));
}

#[test]
fn labels_brought_back_have_their_answers() {
    let mut sample = Sample::new(2);
    sample.put(0, 0, Some(true));
    sample.put(1, 0, Some(false));
    sample.project.remove_label(sample.labels[0]).unwrap();
    assert_eq!(sample.label_names(), ["cool"]);
    assert!(sample.project.annotations_of(sample.who).unwrap().is_empty());
    assert!(sample.project.consensus().unwrap().is_empty());
    assert_eq!(sample.project.remove_label(sample.labels[0]).unwrap_err().kind, ErrorKind::User);
    // Its name is still taken, and the person is told by what.
    let error = sample.project.rename_label(sample.labels[1], "静か").unwrap_err();
    assert!(error.kind == ErrorKind::User && error.message.contains("removed"), "{error}");

    let mut sample = sample.reopen();
    // The same word in decomposed form and with spaces around it is the same label.
    let back = sample.project.add_label("  静か ").unwrap();
    assert_eq!(back.id, sample.labels[0]);
    assert_eq!((sample.answer(0, 0), sample.answer(1, 0)), (Some(true), Some(false)));
    assert_eq!(sample.project.annotations_of(sample.who).unwrap().len(), 2);
    assert_eq!(sample.project.add_label("静か").unwrap_err().kind, ErrorKind::User);
    assert_eq!(sample.project.add_label(" \t").unwrap_err().kind, ErrorKind::User);
}

#[test]
fn names_are_one_in_any_unicode_form() {
    let mut sample = Sample::new(1);
    let composed = sample.project.add_label("が").unwrap();
    assert!(sample.project.add_label("か\u{3099}").is_err());
    assert_eq!(sample.label_names(), ["静か", "cool", "が"]);
    assert_eq!(composed.name, "が");
    for role in [Role::Annotator, Role::Rater] {
        let first = sample.project.person("José", role).unwrap();
        assert_eq!(sample.project.person(" Jose\u{301} ", role).unwrap(), first);
    }
    let sample = sample.reopen();
    assert_eq!(sample.project.people(Role::Annotator).unwrap()[0].name, "森 鷗外");
    assert_eq!(sample.project.people(Role::Annotator).unwrap().len(), 2);
    assert_eq!(sample.project.people(Role::Rater).unwrap().len(), 1);
    assert_eq!(sample.project.images().unwrap()[0].relative_path, "夜空/絵0.png");
}

#[test]
fn the_consensus_is_what_half_of_the_annotators_say() {
    let mut sample = Sample::new(1);
    let (image, label) = (sample.images[0], sample.labels[0]);
    let others = ["b", "c"].map(|name| sample.project.person(name, Role::Annotator).unwrap().id);
    let consensus = |sample: &Sample| sample.project.consensus().unwrap().get(&image).map(|l| l[&label]);
    assert_eq!(consensus(&sample), None);
    for (who, value, expected) in [(sample.who, false, false), (others[0], true, true), (others[1], false, false)] {
        sample.project.annotate(who, &[(image, label, Some(value))]).unwrap();
        assert_eq!(consensus(&sample), Some(expected));
    }
}

fn rows(sample: &Sample, rater: &str, groups: &[&str]) -> Vec<GroupingRow> {
    let row = |(image, group): (&ImageId, &&str)| GroupingRow {
        rater: rater.to_owned(),
        condition: "1".to_owned(),
        image: *image,
        group: (*group).to_owned(),
        occasion: 1,
        study: None,
        place: None,
        begun_at: None,
        line: None,
        submitted_at: None,
    };
    sample.images.iter().zip(groups).map(row).collect()
}

#[test]
fn a_grouping_is_taken_once() {
    let mut sample = Sample::new(3);
    let given = rows(&sample, "評価者 一", &["海", "空", "海"]);
    assert_eq!(sample.project.import_groupings(&given).unwrap(), 1);
    let mut shuffled = given.clone();
    shuffled.rotate_left(1);
    assert_eq!(sample.project.import_groupings(&shuffled).unwrap(), 0);

    // Another one of the same rater is refused, along with what stands beside it in the file.
    let mut both = rows(&sample, "another", &["a", "b", "b"]);
    both.extend(rows(&sample, "評価者 一", &["海", "空", "空"]));
    for (row, line) in both.iter_mut().zip(2..) {
        row.line = Some(line);
    }
    let error = sample.project.import_groupings(&both).unwrap_err();
    assert!(error.kind == ErrorKind::User && error.message.contains("評価者 一") && error.hint.is_some(), "{error}");
    assert!(error.message.starts_with("line 5: "), "{error}");

    let sample = sample.reopen();
    let stored = sample.project.groupings().unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].rater.as_str(), stored[0].groups, stored[0].images), ("評価者 一", 2, 3));
    assert_eq!((&stored[0].begun_at, &stored[0].submitted_at), (&None, &None), "no time was given");
    let members: Vec<String> =
        sample.project.grouping_members(stored[0].id).unwrap().into_iter().map(|(_, group)| group).collect();
    assert_eq!(members, ["海", "空", "海"]);
    assert_eq!(sample.project.people(Role::Rater).unwrap().len(), 1);
}

#[test]
fn answers_must_be_about_something_that_is_there() {
    let mut sample = Sample::new(1);
    let (image, label) = (sample.images[0], sample.labels[0]);
    let good = (image, label, Some(true));
    for bad in [(ImageId(77), label, Some(true)), (image, LabelId(77), Some(true))] {
        assert!(sample.project.annotate(sample.who, &[good, bad]).is_err());
        assert_eq!(sample.answer(0, 0), None, "half of an edit was stored");
    }
    assert!(sample.project.annotate(PersonId(77), &[good]).is_err());
    assert_eq!(sample.project.history_outlook().unwrap().0.unwrap(), "add label “cool”");
}

fn damage(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    for beside in ["project.db-wal", "project.db-shm"] {
        let _ = std::fs::remove_file(path.join(beside));
    }
    let mut bytes = std::fs::read(path.join("project.db")).unwrap();
    change(&mut bytes);
    std::fs::write(path.join("project.db"), bytes).unwrap();
}

#[test]
fn a_damaged_database_is_told_with_a_way_out() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [Damage; 3] = [
        |bytes| bytes[..100].fill(b'x'),
        |bytes| *bytes = b"this was a database".to_vec(),
        |bytes| bytes[4096..].fill(0xAA),
    ];
    for change in damages {
        let sample = Sample::new(20);
        let path = sample.path();
        drop(sample.project);
        damage(&path, change);
        for opened in [Project::open(&path), Project::open_read_only(&path)] {
            let error = opened.and_then(|project| project.images()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Data, "{error}");
            assert!(error.message.contains("project.db is damaged"), "{error}");
            assert!(error.hint.unwrap().contains("backups"));
        }
    }
}

#[test]
fn a_newer_project_is_left_alone() {
    let sample = Sample::new(1);
    let path = sample.path();
    drop(sample.project);
    let connection = rusqlite::Connection::open(path.join("project.db")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = std::fs::read(path.join("project.db")).unwrap();
    for opened in [Project::open(&path), Project::open_read_only(&path)] {
        let error = opened.unwrap_err();
        assert!(error.kind == ErrorKind::Data && error.message.contains("newer Atmoscope"), "{error}");
        assert!(error.hint.unwrap().contains("update"));
    }
    assert!(std::fs::read(path.join("project.db")).unwrap() == before, "the file was changed");
}

#[test]
fn an_empty_database_is_not_taken_for_a_new_project() {
    let sample = Sample::new(3).reopen();
    let path = sample.path();
    drop(sample.project);
    damage(&path, Vec::clear);
    for opened in [Project::open(&path), Project::open_read_only(&path)] {
        let error = opened.unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::Data, "project.db is empty: damaged or never finished")
        );
        assert!(error.hint.unwrap().contains("backups/project-2"));
    }
    assert_eq!(std::fs::metadata(path.join("project.db")).unwrap().len(), 0);
}

fn backups(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(path.join("backups"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_copy_is_made_once_a_day_and_seven_are_kept() {
    let sample = Sample::new(0).reopen();
    assert_eq!(backups(&sample.path()), [""; 0], "a project without pictures was copied");

    let sample = Sample::new(3).reopen();
    let (folder, made) = (sample.path().join("backups"), backups(&sample.path()));
    assert_eq!(made.len(), 1);
    let sample = sample.reopen();
    assert_eq!(backups(&sample.path()), made, "a second copy was made on the same day");

    let days = (1..=9).map(|day| format!("project-2024-05-0{day}T10-00-00Z.db"));
    let others =
        ["project-form-1-2024-05-01T10-00-00Z.db", "project-before the holidays.db", "project-2099-01-01T00-00-00Z.db"];
    std::fs::remove_file(folder.join(&made[0])).unwrap();
    for name in days.chain(others.map(str::to_owned)) {
        std::fs::write(folder.join(name), "").unwrap();
    }
    let sample = sample.reopen();
    let kept = backups(&sample.path());
    assert_eq!(kept.iter().filter(|name| name.starts_with("project-2")).count(), 7, "{kept:?}");
    assert!(kept.contains(&"project-2024-05-09T10-00-00Z.db".to_owned()), "{kept:?}");
    assert!(!kept.contains(&"project-2024-05-04T10-00-00Z.db".to_owned()), "{kept:?}");
    assert!(others.iter().all(|name| kept.contains(&(*name).to_owned())), "{kept:?}");
}

#[test]
fn a_damaged_database_is_replaced_by_the_copy_that_the_hint_names() {
    let sample = Sample::new(5).reopen();
    let path = sample.path();
    drop(sample.project);
    damage(&path, |bytes| bytes[..100].fill(b'x'));
    let [name] = <[String; 1]>::try_from(backups(&path)).unwrap();
    assert!(Project::open(&path).unwrap_err().hint.unwrap().contains(&name));
    std::fs::copy(path.join("backups").join(&name), path.join("project.db")).unwrap();
    assert_eq!(Project::open(&path).unwrap().images().unwrap().len(), 5);
}

#[cfg(unix)]
#[test]
fn a_project_where_nothing_can_be_written_is_read() {
    use std::os::unix::fs::PermissionsExt;
    let sample = Sample::new(2);
    let path = sample.path();
    drop(sample.project);
    for beside in ["project.db-wal", "project.db-shm"] {
        let _ = std::fs::remove_file(path.join(beside));
    }
    let allow = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    if std::fs::write(path.join("probe"), "").is_ok() {
        allow(0o755);
        println!("not tried: a folder that cannot be written, because the superuser can write everywhere");
        return;
    }
    let project = Project::open_read_only(&path).unwrap();
    let images = [project.images(), project.share().unwrap().images(), project.share_for_reading().unwrap().images()];
    let cli = Cli::new(sample.folder.path());
    let status = cli.json(&["status", "project"]);
    allow(0o755);
    assert!(images.into_iter().all(|images| images.unwrap().len() == 2));
    assert_eq!(status["images"], 2);
}

fn application_id(path: &Path) -> i32 {
    let connection = rusqlite::Connection::open(path.join("project.db")).unwrap();
    connection.query_row("PRAGMA application_id", [], |row| row.get(0)).unwrap()
}

#[test]
fn what_is_no_project_never_becomes_one() {
    let sample = Sample::new(3);
    let path = sample.path();
    drop(sample.project);
    // Marked as ours, one from before that too once it is written to.
    let ours = application_id(&path);
    assert_ne!(ours, 0);
    rusqlite::Connection::open(path.join("project.db")).unwrap().pragma_update(None, "application_id", 0).unwrap();
    drop(Project::open_read_only(&path).unwrap());
    assert_eq!(application_id(&path), 0, "reading changed it");
    drop(Project::open(&path).unwrap());
    assert_eq!(application_id(&path), ours);

    let other = sample.folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let foreign = other.join("project.db");
    let write = |bytes: &[u8]| std::fs::write(&foreign, bytes).unwrap();
    let makes = |sql: &str| {
        let _ = std::fs::remove_file(&foreign);
        rusqlite::Connection::open(&foreign).unwrap().execute_batch(sql).unwrap();
    };
    let cases: [(&str, &dyn Fn()); 6] = [
        ("one byte", &|| write(&[0])),
        ("a hundred bytes", &|| write(&[b'S'; 100])),
        ("another program's", &|| makes("CREATE TABLE notes (a)")),
        ("another program's, with a version", &|| makes("CREATE TABLE notes (a); PRAGMA user_version = 1")),
        ("another program's, which says so", &|| makes("CREATE TABLE images (a); PRAGMA application_id = 7")),
        ("nothing but a header", &|| makes("PRAGMA user_version = 0; VACUUM")),
    ];
    for (what, make) in cases {
        make();
        let before = std::fs::read(&foreign).unwrap();
        for opened in [Project::open_read_only(&other), Project::open(&other)] {
            let error = opened.unwrap_err();
            assert!(error.kind == ErrorKind::Data && error.hint.is_some(), "{what}: {error}");
        }
        let cli = Cli::new(sample.folder.path());
        cli.fails(1, &["status", "other"]);
        cli.fails(1, &["import", "other", "."]);
        assert!(std::fs::read(&foreign).unwrap() == before, "{what}: the file was changed");
    }
}

#[test]
fn commands_that_read_leave_an_older_project_as_it_is() {
    let sample = Sample::new(3);
    let path = sample.path();
    drop(sample.project);
    let connection = rusqlite::Connection::open(path.join("project.db")).unwrap();
    let newest: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    connection.pragma_update(None, "user_version", newest - 1).unwrap();
    drop(connection);
    let before = std::fs::read(path.join("project.db")).unwrap();
    let cli = Cli::new(sample.folder.path());
    for arguments in [
        &["status", "project"][..],
        &["runs", "project"],
        &["cluster", "project", "--run", "1", "--k", "3"],
        &["features", "list", "project"],
        &["features", "show", "project", "run-1"],
        &["features", "project", "--run", "1", "--out", "features.csv"],
        &["clusterings", "list", "project"],
        &["agreement", "project"],
    ] {
        let error = cli.fails(2, arguments);
        assert!(error.contains("older Atmoscope") && error.contains("atmoscope upgrade"), "{error}");
    }
    assert!(std::fs::read(path.join("project.db")).unwrap() == before, "reading changed it");
    assert!(!path.join("backups").exists() || std::fs::read_dir(path.join("backups")).unwrap().count() <= 1);
}

#[test]
fn damage_that_can_be_read_over_is_said_at_every_start() {
    let sample = Sample::new(40);
    let path = sample.path();
    drop(sample.project);
    let cli = Cli::new(sample.folder.path());
    assert!(Project::open(&path).unwrap().warnings().is_empty());
    assert_eq!(cli.run(&["status", "project"]).err, "");
    // An index that lacks a row.
    let connection = rusqlite::Connection::open(path.join("project.db")).unwrap();
    connection
        .execute_batch(
            "PRAGMA writable_schema = ON;
             CREATE TABLE kept AS SELECT sql FROM sqlite_schema WHERE name = 'images_by_path';
             UPDATE sqlite_schema SET sql = NULL, type = 'hidden' WHERE name = 'images_by_path';",
        )
        .unwrap();
    drop(connection);
    let damaged = rusqlite::Connection::open(path.join("project.db"))
        .and_then(|connection| connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0)))
        .map_or(true, |verdict| verdict != "ok");
    assert!(damaged, "the test damages nothing");
    for _ in 0..2 {
        for writes in [false, true] {
            let said = match if writes { Project::open(&path) } else { Project::open_read_only(&path) } {
                Ok(project) => project.warnings().join("\n"),
                Err(error) => error.to_string(),
            };
            assert!(said.contains("project.db is damaged"), "{said}");
        }
        assert!(cli.run(&["status", "project"]).err.contains("project.db is damaged"));
    }
}

#[cfg(unix)]
#[test]
fn a_copy_that_cannot_be_made_is_said() {
    let sample = Sample::new(3);
    let path = sample.path();
    drop(sample.project);
    let backups = path.join("backups");
    let _ = std::fs::remove_dir_all(&backups);
    std::fs::write(&backups, "not a folder").unwrap();
    for _ in 0..2 {
        let project = Project::open(&path).unwrap();
        assert!(project.warnings()[0].contains("no copy of the project"), "{:?}", project.warnings());
    }
    let ran = Cli::new(sample.folder.path()).run(&["upgrade", "project"]);
    assert!(ran.code == Some(0) && ran.err.contains("warning: no copy"), "{ran:?}");
    std::fs::remove_file(&backups).unwrap();
    assert!(Project::open(&path).unwrap().warnings().is_empty(), "it is mended");
}

#[test]
fn nothing_is_taken_once_the_project_is_gone() {
    for comes_back in [false, true] {
        let mut sample = Sample::new(3);
        let path = sample.path();
        sample.put(0, 0, Some(true));
        let away = sample.folder.path().join("away");
        std::fs::rename(&path, &away).unwrap();
        if comes_back {
            // Another one in the same place is not the same.
            drop(Project::create(&path).unwrap());
        }
        let answer = [(sample.images[1], sample.labels[0], Some(true))];
        let error = sample.project.annotate(sample.who, &answer).unwrap_err();
        assert!(error.kind == ErrorKind::Device && error.message.contains("not there any more"), "{error}");
        assert!(sample.project.share().is_err() || !comes_back);
        if !comes_back {
            std::fs::rename(&away, &path).unwrap();
            sample.put(1, 0, Some(true));
            assert_eq!((sample.answer(0, 0), sample.answer(1, 0)), (Some(true), Some(true)));
        }
    }
}

#[test]
fn leftovers_of_killed_processes_are_swept() {
    let sample = Sample::new(3);
    let path = sample.path();
    drop(sample.project);
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    let write = |name: &str, old_one: bool| {
        let file = path.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "half").unwrap();
        if old_one {
            std::fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
        }
        file
    };
    let gone = [
        write("cache/checked/thumbnails/ab/.abcd.jpg.123-4.tmp", true),
        write("cache/checked/large/cd/.cdef.jpg.123-5.tmp", true),
        write("backups/project-2026-01-01T00-00-00Z.tmp", true),
        write("runs/1/.metrics.jsonl.99-1.tmp", true),
    ];
    let stay = [
        write("cache/checked/thumbnails/ab/.abcd.jpg.123-6.tmp", false),
        write("cache/checked/thumbnails/ab/abcd.jpg", true),
        write("runs/1/notes.tmp", true),
    ];
    let project = Project::open(&path).unwrap();
    crate::common::poll("leftovers are gone", || gone.iter().all(|file| !file.exists()).then_some(()));
    assert!(stay.iter().all(|file| file.exists()));
    drop(project);
}

#[cfg(unix)]
#[test]
fn a_new_project_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("project");
    let project = Project::create(&path).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join("project.db"))), (0o700, 0o600));
    drop(project);
}

#[test]
fn splits_are_undone_and_gone_back_to() {
    use atmoscope::dataset::Part;
    let mut sample = Sample::new(3);
    let present = |sample: &Sample| sample.project.current_split().unwrap().map(|split| split.id);
    let parts = |part: Part| sample.images.iter().map(|image| (*image, part)).collect::<Vec<_>>();
    let (train, test) = (parts(Part::Train), parts(Part::Test));
    let first = sample.project.add_split(1, "stratified 5:3:2", &train).unwrap();
    let second = sample.project.add_split(2, "random 5:3:2", &test).unwrap();
    assert_eq!(present(&sample), Some(second));
    assert_eq!(sample.project.history_outlook().unwrap().0.unwrap(), "split the pictures");
    sample.project.undo().unwrap();
    assert_eq!(present(&sample), Some(first));
    sample.project.undo().unwrap();
    assert_eq!(present(&sample), None, "there was no split at first");
    sample.project.redo().unwrap();
    sample.project.redo().unwrap();
    assert_eq!(present(&sample), Some(second));
    sample.project.use_split(first).unwrap();
    let mut sample = sample.reopen();
    assert_eq!(present(&sample), Some(first));
    sample.project.undo().unwrap();
    assert_eq!(present(&sample), Some(second));
    let sizes: Vec<_> = sample.project.splits().unwrap().iter().map(|split| (split.id, split.sizes)).collect();
    assert_eq!(sizes, [(second, [0, 0, 3]), (first, [3, 0, 0])]);
    assert!(sample.project.use_split(atmoscope::ids::SplitId(9)).is_err());
}
