//! An import takes what is sound, lists the rest with its reason, and can be repeated, stopped and mended.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::common::{image_at, import_as, import_folder, sample_image, sample_images};
use atmoscope::engine::jobs::import::{self, ImportReport, ImportRequest};
use atmoscope::engine::jobs::split::{self, SplitRequest};
use atmoscope::error::ErrorKind;
use atmoscope::progress::{Cancel, Observer, Progress, Silent};
use atmoscope::project::{Project, RejectedFile, Role};

struct Place {
    folder: tempfile::TempDir,
    project: Project,
}

impl Place {
    /// A project, and a folder with `n` sample pictures that is not imported yet.
    fn new(n: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        sample_images(&folder.path().join("images"), n);
        let project = Project::create(&folder.path().join("project")).unwrap();
        Self { folder, project }
    }

    /// The same with the pictures imported.
    fn imported(n: usize) -> Self {
        let mut place = Self::new(n);
        assert_eq!(place.import().added, n);
        place
    }

    fn images(&self) -> PathBuf {
        self.folder.path().join("images")
    }

    fn import(&mut self) -> ImportReport {
        let images = self.images();
        import_folder(&mut self.project, &images)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn rename(&self, from: &str, to: &str) {
        std::fs::create_dir_all(self.images().join(to).parent().unwrap()).unwrap();
        std::fs::rename(self.images().join(from), self.images().join(to)).unwrap();
    }

    fn import_labels(&mut self, text: impl AsRef<[u8]>, accept_problems: bool) -> ImportReport {
        let labels = Some(self.write("labels.csv", text));
        import_as(&mut self.project, &ImportRequest { labels, accept_problems, ..ImportRequest::default() })
    }

    /// The paths and answers of the only annotator, by the names of label and picture.
    fn answers(&self) -> BTreeMap<(String, String), bool> {
        let labels: BTreeMap<_, _> = self.project.labels().unwrap().into_iter().map(|l| (l.id, l.name)).collect();
        let images: BTreeMap<_, _> =
            self.project.images().unwrap().into_iter().map(|image| (image.id, image.relative_path)).collect();
        let people = self.project.people(Role::Annotator).unwrap();
        people
            .iter()
            .flat_map(|person| self.project.annotations_of(person.id).unwrap())
            .map(|answer| ((images[&answer.image].clone(), labels[&answer.label].clone()), answer.value))
            .collect()
    }

    fn listed(&self) -> BTreeMap<String, String> {
        codes(&self.project.rejected_files().unwrap())
    }
}

fn codes(files: &[RejectedFile]) -> BTreeMap<String, String> {
    assert!(files.iter().all(|file| !file.reason.is_empty()));
    files.iter().map(|file| (file.relative_path.clone(), file.code.clone())).collect()
}

fn expected(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned())).collect()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images").join(name)).unwrap()
}

#[test]
fn bad_files_are_listed_and_stop_nothing() {
    let mut place = Place::new(3);
    let mut bad = vec![("text.png", "not-an-image"), ("empty.jpg", "empty"), ("cut.jpg", "truncated")];
    bad.extend([("cut.png", "truncated"), ("too-large.png", "too-large"), ("sub/again.png", "exact-double")]);
    place.write("images/text.png", "I am no picture");
    place.write("images/empty.jpg", "");
    for (name, of) in [("cut.jpg", "texture.jpg"), ("cut.png", "texture.png")] {
        let whole = fixture(of);
        place.write(&format!("images/{name}"), &whole[..whole.len() / 2]);
    }
    place.write("images/too-large.png", fixture("bomb.png"));
    place.write("images/sub/again.png", std::fs::read(place.images().join("picture-001.png")).unwrap());
    place.write("images/.hidden.png", "left alone");
    place.write("images/ねこ.jpg", fixture("texture.jpg"));
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.png");
        // Not every file system takes such a name.
        if std::fs::write(place.images().join(name), fixture("plain.png")).is_ok() {
            bad.push(("caf\u{fffd}.png", "bad-name"));
        }
        std::os::unix::fs::symlink("..", place.images().join("sub/loop")).unwrap();
        std::os::unix::fs::symlink("nowhere.png", place.images().join("dangling.png")).unwrap();
        bad.extend([("sub/loop", "unopenable"), ("dangling.png", "unopenable")]);

        use std::os::unix::fs::PermissionsExt;
        let secret = place.write("images/secret.png", fixture("plain.png"));
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
        if std::fs::read(&secret).is_ok() {
            println!("not tried: an unreadable file, because the superuser can read everything");
            std::fs::remove_file(&secret).unwrap();
        } else {
            bad.push(("secret.png", "unopenable"));
        }
    }
    let report = place.import();
    assert_eq!((report.added, report.already_there, report.set_aside), (4, 0, 0));
    assert_eq!(codes(&report.rejected), expected(&bad));
    assert_eq!(place.listed(), expected(&bad), "what was turned away is listed in the project too");
    let double = report.rejected.iter().find(|file| file.code == "exact-double").unwrap();
    assert!(double.reason.contains("picture-001.png"), "{}", double.reason);

    let before = place.project.images().unwrap();
    let again = place.import();
    assert_eq!((again.added, again.already_there, again.moved), (0, 4, 0));
    assert_eq!(codes(&again.rejected), expected(&bad));
    assert_eq!(place.listed(), expected(&bad));
    assert_eq!(place.project.images().unwrap(), before);
}

#[test]
fn a_lower_limit_turns_large_pictures_away() {
    let mut place = Place::new(1);
    sample_image(0).save(place.images().join("small.png")).unwrap();
    image::RgbImage::new(1200, 1000).save(place.images().join("large.png")).unwrap();
    let request = ImportRequest { images: Some(place.images()), max_megapixels: 1, ..ImportRequest::default() };
    let report = import_as(&mut place.project, &request);
    assert_eq!(report.rejected.iter().filter(|file| file.code == "too-large").count(), 1);
    // With the limit raised it comes in and leaves the list.
    assert_eq!(place.import().added, 1);
    assert!(!place.listed().contains_key("large.png"));
}

#[test]
fn a_mended_or_deleted_file_leaves_the_list() {
    let mut place = Place::new(1);
    place.write("images/a.png", "nothing yet");
    place.write("images/b.png", "nothing yet");
    place.import();
    assert_eq!(place.listed(), expected(&[("a.png", "not-an-image"), ("b.png", "not-an-image")]));
    place.write("images/a.png", fixture("plain.png"));
    std::fs::remove_file(place.images().join("b.png")).unwrap();
    assert_eq!(place.import().added, 1);
    assert_eq!(place.listed(), expected(&[]));
}

#[test]
fn pictures_are_found_again_under_other_names() {
    let mut place = Place::imported(4);
    place.import_labels("image,cute\npicture-000.png,1\npicture-001.png,0\npicture-002.png,1\n", false);
    let ids = [0, 1, 2, 3].map(|index| image_at(&place.project, &format!("picture-{index:03}.png")));
    place.rename("picture-000.png", "別の名前/moved.png");
    // Two change names with each other.
    place.rename("picture-001.png", "picture-00x.png");
    place.rename("picture-002.png", "picture-001.png");
    place.rename("picture-00x.png", "picture-002.png");

    let report = place.import();
    assert_eq!((report.added, report.moved, report.already_there), (0, 3, 1), "{:?}", report.rejected);
    assert_eq!(report.rejected, []);
    let names = ["別の名前/moved.png", "picture-002.png", "picture-001.png", "picture-003.png"];
    assert_eq!(names.map(|name| image_at(&place.project, name)), ids);
    let answers = place.answers();
    for (name, value) in [(names[0], true), (names[1], false), (names[2], true)] {
        assert_eq!(answers[&(name.to_owned(), "cute".to_owned())], value);
    }
    for (id, path) in place.project.image_paths().unwrap() {
        let hash = atmoscope::imaging::content_hash(&std::fs::read(path).unwrap());
        assert!(place.project.images().unwrap().iter().any(|image| image.id == id && image.content_hash == hash));
    }
}

#[test]
fn a_double_takes_the_place_of_a_deleted_original() {
    let mut place = Place::new(2);
    for name in ["x.png", "y.png"] {
        std::fs::copy(place.images().join("picture-000.png"), place.images().join(name)).unwrap();
    }
    place.import();
    let id = image_at(&place.project, "picture-000.png");
    assert_eq!(place.listed(), expected(&[("x.png", "exact-double"), ("y.png", "exact-double")]));
    std::fs::remove_file(place.images().join("picture-000.png")).unwrap();
    let report = place.import();
    assert_eq!((report.added, report.moved, report.already_there), (0, 1, 1));
    assert_eq!(image_at(&place.project, "x.png"), id);
    assert_eq!(place.listed(), expected(&[("y.png", "exact-double")]));
}

#[test]
fn a_picture_edited_in_place_is_another_picture() {
    let mut place = Place::imported(3);
    let old = place.project.images().unwrap()[1].clone();
    place.import_labels("image,cute\npicture-001.png,1\n", false);
    let original = std::fs::read(place.images().join("picture-001.png")).unwrap();
    sample_image(40).save(place.images().join("picture-001.png")).unwrap();

    assert_eq!(place.import().added, 1);
    let at_path = |place: &Place| -> Vec<_> {
        let images = place.project.images().unwrap();
        images.into_iter().filter(|image| image.relative_path == "picture-001.png").collect()
    };
    let both = at_path(&place);
    assert_eq!(both.len(), 2, "the old picture and its labels are kept");
    // The old one must take no part: its file now shows something else.
    assert!(both[0].id == old.id && both[0].set_aside.as_ref().unwrap().contains("another picture"), "{both:?}");
    assert_eq!(both[1].set_aside, None);
    // The name now means the new one.
    place.import_labels("image,cute\npicture-001.png,0\n", false);
    let person = &place.project.people(Role::Annotator).unwrap()[0];
    let values: Vec<_> = both.iter().map(|i| place.project.answers(person.id, i.id).unwrap()).collect();
    assert!(values[0].values().all(|value| *value) && values[1].values().all(|value| !*value), "{values:?}");

    // And back again.
    std::fs::write(place.images().join("picture-001.png"), original).unwrap();
    let report = place.import();
    assert_eq!((report.added, report.already_there), (0, 3));
    let both = at_path(&place);
    assert_eq!(both[0].set_aside, None);
    assert!(both[1].set_aside.is_some());
}

/// Asks to stop as soon as something is done.
struct StopsEarly(Cancel);

impl Observer for StopsEarly {
    fn progress(&self, progress: Progress) {
        if progress.done > 0 {
            self.0.cancel();
        }
    }
}

#[test]
fn a_stopped_import_keeps_what_is_done_and_goes_on_later() {
    let mut place = Place::new(70);
    let labels = Some(place.write("labels.csv", "image,cute\npicture-000.png,1\n"));
    let cancel = Cancel::new();
    let request = ImportRequest { images: Some(place.images()), labels, ..ImportRequest::default() };
    let report = import::run(&mut place.project, &request, &StopsEarly(cancel.clone()), &cancel).unwrap();
    assert!(report.cancelled && report.labels.is_none());
    assert!((1..70).contains(&report.added), "{}", report.added);
    assert_eq!(place.project.images().unwrap().len(), report.added);
    assert!(place.project.labels().unwrap().is_empty());

    let rest = import_as(&mut place.project, &request);
    assert_eq!((rest.added, rest.already_there), (70 - report.added, report.added));
    assert!(!rest.cancelled && rest.labels.is_some());
}

#[test]
fn long_and_narrow_pictures_are_set_aside() {
    let mut place = Place::new(6);
    image::RgbImage::from_fn(90, 40, |x, y| image::Rgb([x as u8, y as u8, 0]))
        .save(place.images().join("wide.png"))
        .unwrap();
    image::RgbImage::from_fn(40, 80, |x, y| image::Rgb([0, x as u8, y as u8]))
        .save(place.images().join("tall.png"))
        .unwrap();
    let report = place.import();
    assert_eq!((report.added, report.set_aside), (8, 1));
    let images = place.project.images().unwrap();
    let aside: Vec<_> =
        images.iter().filter_map(|image| Some((&image.relative_path, image.set_aside.as_ref()?))).collect();
    assert_eq!(aside.len(), 1);
    assert!(aside[0].0 == "wide.png" && aside[0].1.contains("2.25"), "{aside:?}");

    let all: String = images.iter().map(|image| format!("{},1\n", image.relative_path)).collect();
    place.import_labels(format!("image,cute\n{all}"), false);
    let split = split::run(&mut place.project, &SplitRequest::default()).unwrap();
    assert_eq!((split.set_aside, split.split.parts.len()), (1, 7));
    assert!(!split.split.parts.contains_key(&image_at(&place.project, "wide.png")));

    let mut wide = Place::new(0);
    std::fs::copy(place.images().join("wide.png"), wide.images().join("wide.png")).unwrap();
    let request = ImportRequest { images: Some(wide.images()), max_aspect_ratio: 2.5, ..ImportRequest::default() };
    assert_eq!(import_as(&mut wide.project, &request).set_aside, 0);
}

fn lines(report: &ImportReport) -> Vec<u64> {
    assert!(report.problems.iter().all(|problem| !problem.message.is_empty()));
    report.problems.iter().map(|problem| problem.line).collect()
}

#[test]
fn problems_in_labels_are_named_by_line_and_nothing_is_stored() {
    let text = "image,cute,gloomy\n\
                picture-000.png,1,0\n\
                nowhere.png,1,0\n\
                picture-001.png,maybe,0\n\
                picture-000.png,0,0\n\
                \n\
                picture-002.png,1\n\
                images/picture-000.png,0,0\n";
    let mut place = Place::imported(4);
    let report = place.import_labels(text, false);
    assert_eq!(lines(&report), [3, 4, 5, 7, 8], "{:?}", report.problems);
    assert!(report.problems[0].message.contains("nowhere.png"));
    assert_eq!(report.refused, [place.folder.path().join("labels.csv")]);
    assert!(report.labels.is_none());
    assert!(place.project.labels().unwrap().is_empty());
    assert!(place.project.people(Role::Annotator).unwrap().is_empty());
    assert_eq!(place.project.history_outlook().unwrap(), (None, None));

    let report = place.import_labels(text, true);
    assert_eq!(lines(&report), [3, 4, 5, 7, 8]);
    assert!(report.refused.is_empty());
    let labels = report.labels.unwrap();
    assert_eq!((labels.annotator.as_str(), labels.labels, labels.images, labels.changed), ("labels", 2, 2, 3));
    let answer = |image: &str, label: &str| place.answers().get(&(image.to_owned(), label.to_owned())).copied();
    assert_eq!(answer("picture-000.png", "cute"), Some(true));
    assert_eq!(answer("picture-001.png", "cute"), None);
    assert_eq!(answer("picture-001.png", "gloomy"), Some(false));
    assert_eq!(place.answers().len(), 3);
    // One edit, undone as one.
    place.project.undo().unwrap().unwrap();
    assert!(place.answers().is_empty());
}

#[test]
fn labels_from_a_spreadsheet_are_read() {
    let mut place = Place::imported(3);
    let text = "\u{feff}image,\"calm, quiet\",\"say \"\"hi\"\"\",静か\r\n\
                \"picture-000.png\",1,0,TRUE\r\n\
                ./picture-001.png,0,,0.0\r\n\
                C:\\somewhere\\images\\picture-002.png,1,1,1\r\n\
                ,,,\r\n";
    let report = place.import_labels(text, false);
    assert_eq!(lines(&report), Vec::<u64>::new(), "{:?}", report.problems);
    let names: Vec<String> = place.project.labels().unwrap().into_iter().map(|label| label.name).collect();
    assert_eq!(names, ["calm, quiet", "say \"hi\"", "静か"]);
    let labels = report.labels.unwrap();
    assert_eq!((labels.labels, labels.images, labels.changed), (3, 3, 8));
    assert!(place.answers()[&("picture-002.png".to_owned(), "say \"hi\"".to_owned())]);
    // The same file again changes nothing.
    assert_eq!(place.import_labels(text, false).labels.unwrap().changed, 0);
}

#[test]
fn a_label_that_is_not_in_the_vocabulary_is_asked_about() {
    let mut place = Place::imported(2);
    place.import_labels("image,cute\npicture-000.png,1\n", false);
    let text = "image,cute,cuet\npicture-000.png,0,1\n";
    let report = place.import_labels(text, false);
    assert_eq!(lines(&report), [1]);
    assert!(report.problems[0].message.contains("cuet"));
    assert_eq!((place.project.labels().unwrap().len(), place.answers().len()), (1, 1));
    assert!(place.answers().values().all(|value| *value), "a refused file changed an answer");
    assert_eq!(report.unknown_labels, ["cuet"]);
    // Added on purpose, or with the sound part of a file.
    let labels = Some(place.write("labels.csv", text));
    let request = ImportRequest { labels, add_labels: true, ..ImportRequest::default() };
    let report = import_as(&mut place.project, &request);
    assert!(report.problems.is_empty() && report.refused.is_empty(), "{report:?}");
    assert_eq!((place.project.labels().unwrap().len(), place.answers().len()), (2, 2));
    place.import_labels("image,cute,third\npicture-000.png,0,1\n", true);
    assert_eq!((place.project.labels().unwrap().len(), place.answers().len()), (3, 3));
}

#[test]
fn groupings_with_problems_are_refused() {
    let text = "rater,condition,image,group\n\
                森,1,picture-000.png,a\n\
                森,1,picture-001.png,\n\
                森,1,nowhere.png,a\n\
                森,1,picture-000.png,b\n";
    let mut place = Place::imported(3);
    let groupings = Some(place.write("groupings.csv", text));
    let request = ImportRequest { groupings, ..ImportRequest::default() };
    let report = import_as(&mut place.project, &request);
    assert_eq!((lines(&report), report.groupings, report.refused.len()), (vec![3, 4, 5], None, 1));
    assert!(place.project.groupings().unwrap().is_empty() && place.project.people(Role::Rater).unwrap().is_empty());
    let report = import_as(&mut place.project, &ImportRequest { accept_problems: true, ..request });
    assert_eq!(report.groupings, Some(1));
    assert_eq!(place.project.groupings().unwrap()[0].images, 1);
}

#[test]
fn one_name_in_two_folders_is_no_answer() {
    let mut place = Place::imported(2);
    let other = place.folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    sample_image(30).save(other.join("picture-000.png")).unwrap();
    import_folder(&mut place.project, &other);
    let report = place.import_labels("image,cute\npicture-000.png,1\npicture-001.png,1\n", false);
    assert_eq!(lines(&report), [2], "which of the two it is about was guessed");
    assert!(place.answers().is_empty());
}

#[test]
fn a_wrong_path_is_told_before_anything_is_done() {
    let mut place = Place::new(2);
    for request in [
        ImportRequest { images: Some(place.folder.path().join("nowhere")), ..ImportRequest::default() },
        ImportRequest { images: Some(place.images().join("picture-000.png")), ..ImportRequest::default() },
        ImportRequest {
            images: Some(place.images()),
            labels: Some(place.folder.path().join("nowhere.csv")),
            ..ImportRequest::default()
        },
    ] {
        let error = import::run(&mut place.project, &request, &Silent, &Cancel::new()).unwrap_err();
        assert!(error.kind == ErrorKind::User && error.hint.is_some(), "{error}");
        assert!(place.project.images().unwrap().is_empty());
    }
}

#[test]
fn the_project_may_lie_among_its_pictures() {
    let folder = tempfile::tempdir().unwrap();
    sample_images(folder.path(), 3);
    let mut project = Project::create(folder.path()).unwrap();
    for (added, there) in [(3, 0), (0, 3)] {
        let report = import_folder(&mut project, folder.path());
        assert_eq!((report.added, report.already_there, report.rejected), (added, there, vec![]));
    }
}

#[test]
fn the_own_files_of_any_project_are_no_pictures() {
    let mut place = Place::imported(2);
    // Another project, with its thumbnails, beside the pictures; and a folder that only has such a name.
    let other = place.images().join("other");
    sample_images(&other.join("of its own"), 1);
    let mut its = Project::create(&other).unwrap();
    import_folder(&mut its, &other);
    sample_images(&place.images().join("cache"), 3);
    std::fs::remove_file(place.images().join("cache/picture-000.png")).unwrap();
    std::fs::remove_file(place.images().join("cache/picture-001.png")).unwrap();
    let report = place.import();
    assert_eq!(
        (report.added, codes(&report.rejected)),
        (1, expected(&[("other/of its own/picture-000.png", "exact-double")]))
    );
    assert!(place.project.images().unwrap().iter().any(|image| image.relative_path == "cache/picture-002.png"));

    for own in ["other/cache", "other/cache/checked/thumbnails", "other/runs"] {
        let request = ImportRequest { images: Some(place.images().join(own)), ..ImportRequest::default() };
        let error = import::run(&mut place.project, &request, &Silent, &Cancel::new()).unwrap_err();
        assert!(error.kind == ErrorKind::User && error.message.contains("own files"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_of_this_folder_is_listed() {
    use std::os::unix::fs::symlink;
    let mut place = Place::new(2);
    sample_images(&place.folder.path().join("elsewhere"), 4);
    symlink("../elsewhere", place.images().join("away")).unwrap();
    symlink("../elsewhere/picture-003.png", place.images().join("one.png")).unwrap();
    sample_images(&place.images().join("inside"), 3);
    let pipe = place.images().join("pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let report = place.import();
    assert_eq!(report.added, 4, "a link to one file is followed, one to a folder elsewhere is not");
    let codes = place.listed();
    assert_eq!((codes["away"].as_str(), codes["pipe.png"].as_str()), ("link-outside", "special"));

    // Stopped at once, it still says so.
    let mut stopped = Place::new(1);
    symlink("/", stopped.images().join("away")).unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let request = ImportRequest { images: Some(stopped.images()), ..ImportRequest::default() };
    assert!(import::run(&mut stopped.project, &request, &Silent, &cancel).unwrap().cancelled);
    assert_eq!(stopped.listed(), expected(&[("away", "link-outside")]));
}

#[test]
fn names_of_labels_are_one_short_line() {
    let mut place = Place::imported(2);
    let long = "x".repeat(201);
    let text = format!("image,\"two\nlines\",fine,{long}\npicture-000.png,1,0,1\n");
    let report = place.import_labels(&text, false);
    assert_eq!(lines(&report), [1, 1], "{:?}", report.problems);
    assert!(place.project.labels().unwrap().is_empty() && report.labels.is_none());
    place.import_labels(&text, true);
    let answers = place.answers();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(!answers[&("picture-000.png".to_owned(), "fine".to_owned())], "the columns slipped");
    for name in ["a\tb", "a\u{2028}b", &long, " "] {
        assert_eq!(place.project.add_label(name).unwrap_err().kind, ErrorKind::User);
    }
    place.project.add_label(&"静".repeat(200)).unwrap();
}

#[test]
fn who_answers_nothing_does_not_join() {
    let mut place = Place::imported(1);
    let report = place.import_labels("image,cute\npicture-000.png,\n", false);
    assert_eq!(report.labels.unwrap().changed, 0);
    assert_eq!(place.project.labels().unwrap()[0].name, "cute");
    assert!(place.project.people(Role::Annotator).unwrap().is_empty());
}
