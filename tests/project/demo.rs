//! The demonstration set is the same for the same seed, and its raters keep the rules.

use std::collections::{BTreeMap, BTreeSet};

use atmoscope::demo::{LABELS, LEAST_COUNT, draw, write};
use atmoscope::error::ErrorKind;
use atmoscope::imaging::{DecodeLimits, PictureFile, perceptual_hash};
use atmoscope::interchange::{groupings, image_list, labels};
use atmoscope::progress::{Cancel, Silent};

#[test]
fn drawing_depends_on_seed_and_number_only() {
    for index in [0, 5, 9] {
        let (one, again) = (draw(3, index, 160), draw(3, index, 160));
        assert_eq!((one.image.as_raw(), &one.labels), (again.image.as_raw(), &again.labels));
        assert_ne!(one.image.as_raw(), draw(4, index, 160).image.as_raw());
        assert!(one.image.width().max(one.image.height()) <= 160);
    }
}

#[test]
fn every_label_occurs_and_none_everywhere() {
    let drawn: Vec<_> = (0..90).map(|index| draw(1, index, 64)).collect();
    for label in LABELS {
        let count = drawn.iter().filter(|illustration| illustration.labels.contains(label)).count();
        assert!((4..=60).contains(&count), "{label}: {count} of 90");
    }
    let unlabelled = drawn.iter().filter(|illustration| illustration.labels.is_empty()).count();
    assert!(unlabelled <= 2, "{unlabelled}");
    let kinds: BTreeSet<_> = drawn.iter().map(|illustration| illustration.labels.clone()).collect();
    assert!(kinds.len() >= 20, "only {} combinations", kinds.len());
}

#[test]
fn a_set_is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 7, LEAST_COUNT, &Silent, &Cancel::new()).unwrap();
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert!(String::from_utf8(read("README.txt")).unwrap().starts_with("All of this is synthetic."));

    let labelled = labels::parse(&read("labels.csv"));
    assert_eq!((labelled.problems.len(), labelled.value.rows.len()), (0, LEAST_COUNT));
    assert_eq!(labelled.value.labels, LABELS);
    let mut hashes = Vec::new();
    for row in &labelled.value.rows {
        let image =
            PictureFile::as_found(folder.path().join(&row.image)).unwrap().decode(&DecodeLimits::default()).unwrap();
        assert!(image.width().max(image.height()) <= 480 && image.width().min(image.height()) >= 300);
        hashes.push(perceptual_hash(&image));
    }
    let alike = hashes.iter().enumerate().flat_map(|(i, a)| hashes[..i].iter().map(move |b| (a ^ b).count_ones()));
    assert!(alike.filter(|distance| *distance <= 6).count() <= 1);

    let test: BTreeSet<String> =
        image_list::parse(&read("test-images.txt")).value.into_iter().map(|listed| listed.image).collect();
    assert!((LEAST_COUNT / 6..=LEAST_COUNT / 4).contains(&test.len()), "{}", test.len());

    let grouped = groupings::parse(&read("groupings.csv"));
    assert_eq!(grouped.problems, []);
    let mut sorts: BTreeMap<(String, String), BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for row in grouped.value {
        sorts.entry((row.rater, row.condition)).or_default().entry(row.group).or_default().push(row.image);
    }
    assert_eq!(sorts.len(), 6, "three raters, two conditions");
    for ((rater, condition), groups) in sorts {
        let placed: BTreeSet<String> = groups.values().flatten().cloned().collect();
        assert_eq!(placed, test, "{rater} under condition {condition}");
        assert!(groups.values().all(|members| !members.is_empty()));
        if condition == "1" {
            assert!(groups.values().all(|members| members.len() >= 3), "{rater}: {groups:?}");
        } else {
            assert_eq!(groups.len(), 8, "{rater}");
        }
    }
}

#[test]
fn writing_can_be_refused_and_stopped() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(write(folder.path(), 1, 10, &Silent, &Cancel::new()).unwrap_err().kind, ErrorKind::User);
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(write(folder.path(), 1, LEAST_COUNT, &Silent, &cancel).unwrap_err().is_cancelled());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
