//! The real illustrations, labels and groupings go in as they are. Needs `ATMOSCOPE_TEST_DATA`, the folder that holds
//! `illustrations/`; says so and does nothing without it.

use crate::common::{import_as, test_data};
use atmoscope::dataset::SplitMethod;
use atmoscope::engine::jobs::import::ImportRequest;
use atmoscope::engine::jobs::split::{self, SplitRequest};
use atmoscope::project::Project;
use std::collections::BTreeMap;

#[test]
#[ignore = "needs the real illustrations: ATMOSCOPE_TEST_DATA"]
fn the_real_set_is_imported_whole() {
    let set = test_data().join("illustrations");
    let folder = tempfile::tempdir().unwrap();
    let mut project = Project::create(&folder.path().join("project")).unwrap();
    let request = ImportRequest {
        images: Some(set.join("images")),
        labels: Some(set.join("labels.csv")),
        groupings: Some(set.join("groupings.csv")),
        ..ImportRequest::default()
    };
    let report = import_as(&mut project, &request);
    assert_eq!(report.added + report.rejected.len(), 588);
    assert_eq!(report.problems, [], "every name in the CSV files is a picture of the set");
    let labels = report.labels.unwrap();
    assert_eq!((labels.labels, labels.images, labels.changed), (16, 573, 573 * 16));
    assert_eq!(report.groupings, Some(8));
    let groupings = project.groupings().unwrap();
    assert_eq!(groupings.iter().map(|grouping| grouping.images).collect::<Vec<_>>(), [120; 8]);
    for grouping in groupings.iter().filter(|grouping| grouping.condition == "2") {
        assert_eq!(grouping.groups, 8, "{grouping:?}");
    }

    let test_images = Some(set.join("test-images.txt"));
    let request = SplitRequest { seed: 1, method: SplitMethod::Stratified, test_images, ..SplitRequest::default() };
    let split = split::run(&mut project, &request).unwrap();
    assert_eq!(split.sizes["test"], 120);
    let left_out = split.without_answer + split.all_no_left_out + split.set_aside;
    assert_eq!(split.sizes.values().sum::<usize>() + left_out, report.added);

    let again = import_as(&mut project, &ImportRequest { images: Some(set.join("images")), ..Default::default() });
    assert_eq!((again.added, again.already_there, again.moved), (0, report.added, 0));
    let codes = |files: &[atmoscope::project::RejectedFile]| -> BTreeMap<String, String> {
        files.iter().map(|file| (file.relative_path.clone(), file.code.clone())).collect()
    };
    assert_eq!(codes(&again.rejected), codes(&report.rejected));
}
