//! Groupings come and go as a long CSV, FreeSortR's table and jsPsych's data, and stay what they were.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::{Cli, sample_images};
use atmoscope::interchange::grouping_forms::{GroupingDefaults, GroupingForm};
use atmoscope::interchange::groupings::GroupingRow;
use atmoscope::project::Project;

fn rows() -> Vec<GroupingRow> {
    let mut rows = Vec::new();
    for (rater, shift) in [("花子", 0), ("Otto, senior", 1)] {
        for image in 0..30 {
            rows.push(GroupingRow {
                rater: rater.to_owned(),
                condition: "1".to_owned(),
                image: format!("forest/{image:02}.png"),
                group: format!("mood {}", (image + shift) % 7),
                order: Some(image as u64 + 1),
                ..GroupingRow::default()
            });
        }
    }
    rows
}

/// Which images each rater put together, whatever the groups are called.
fn partitions(rows: &[GroupingRow]) -> BTreeMap<(String, String), BTreeSet<Vec<String>>> {
    let mut groups: BTreeMap<(String, String), BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for row in rows {
        let of = groups.entry((row.rater.clone(), row.condition.clone())).or_default();
        of.entry(row.group.clone()).or_default().push(row.image.clone());
    }
    groups
        .into_iter()
        .map(|(key, groups)| {
            let mut groups: Vec<Vec<String>> = groups.into_values().collect();
            groups.iter_mut().for_each(|images| images.sort());
            (key, groups.into_iter().collect())
        })
        .collect()
}

#[test]
fn every_form_gives_the_same_groups_back() {
    for form in [GroupingForm::LongCsv, GroupingForm::FreeSortR, GroupingForm::JsPsych] {
        let mut bytes = Vec::new();
        form.write(&rows(), &mut bytes).unwrap();
        assert_eq!(GroupingForm::recognise(&bytes), form);
        let missing = GroupingDefaults { condition: "1".to_owned(), ..GroupingDefaults::default() };
        let parsed = form.parse(&bytes, &missing);
        assert_eq!(parsed.problems, []);
        assert_eq!(partitions(&parsed.value), partitions(&rows()), "{form}");
        if form != GroupingForm::FreeSortR {
            let names: BTreeSet<&str> = parsed.value.iter().map(|row| row.group.as_str()).collect();
            assert!(names.contains("mood 3"), "{form} lost the names");
        }
    }
}

#[test]
fn a_second_occasion_stays_one_in_jspsych() {
    let again = rows().into_iter().map(|row| GroupingRow { occasion: Some(2), group: "all".to_owned(), ..row });
    let both: Vec<GroupingRow> = rows().into_iter().chain(again).collect();
    let mut bytes = Vec::new();
    GroupingForm::JsPsych.write(&both, &mut bytes).unwrap();
    let parsed = GroupingForm::JsPsych.parse(&bytes, &GroupingDefaults::default());
    assert_eq!(parsed.problems, []);
    let (first, second): (Vec<_>, Vec<_>) = parsed.value.into_iter().partition(|row| row.occasion.is_none());
    assert_eq!(partitions(&first), partitions(&rows()));
    assert!(second.iter().all(|row| row.condition == "1" && row.occasion == Some(2) && row.group == "all"));
    assert_eq!(second.len(), 60);
}

#[test]
fn a_table_as_r_writes_it_is_read() {
    // write.csv(AromaSort): row names under a column without a name; NA where nothing was sorted.
    let text = "\"\",\"S1\",\"S2\"\n\"a.png\",1,2\n\"b.png\",1,NA\n\"c.png\",2,\n";
    assert_eq!(GroupingForm::recognise(text.as_bytes()), GroupingForm::FreeSortR);
    let parsed = GroupingForm::FreeSortR.parse(text.as_bytes(), &GroupingDefaults::default());
    assert_eq!(parsed.problems, []);
    let found: Vec<(&str, &str, &str, &str)> = parsed
        .value
        .iter()
        .map(|row| (row.rater.as_str(), row.condition.as_str(), row.image.as_str(), row.group.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("S1", "free", "a.png", "group 1"),
            ("S2", "free", "a.png", "group 2"),
            ("S1", "free", "b.png", "group 1"),
            ("S1", "free", "c.png", "group 2"),
        ]
    );
    // FreeSortR's own sign for a picture that a subject did not sort is 0, never a group of its own.
    let mut some = rows();
    some.retain(|row| row.rater == "花子" || row.image != "forest/03.png");
    let mut bytes = Vec::new();
    GroupingForm::FreeSortR.write(&some, &mut bytes).unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("\nforest/03.png,4,0\n"), "{}", String::from_utf8_lossy(&bytes));
    let missing = GroupingDefaults { condition: "1".to_owned(), ..GroupingDefaults::default() };
    let again = GroupingForm::FreeSortR.parse(&bytes, &missing);
    assert_eq!((partitions(&again.value), again.problems), (partitions(&some), vec![]));
    // A table of labels is not taken for one.
    assert_eq!(GroupingForm::recognise(b"image,cute,gloomy\na.png,0,1\n"), GroupingForm::LongCsv);
    let twice = GroupingForm::FreeSortR.parse(b"stimulus,A\na.png,1\na.png,2\n,3\n", &GroupingDefaults::default());
    assert_eq!(twice.value.len(), 1);
    assert_eq!(twice.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(GroupingForm::FreeSortR.parse(b"stimulus\na.png\n", &GroupingDefaults::default()).problems.len(), 1);
}

#[test]
fn positions_of_jspsych_become_groups_of_touching_pictures() {
    // As version 7 and later write it; other trials are passed over.
    let text = r#"[
        {"trial_type": "html-button-response", "response": 0},
        {"trial_type": "free-sort", "rt": 81234, "subject_id": 12,
         "init_locations": [], "moves": [{"src": "img/a.png", "x": 10, "y": 20}],
         "final_locations": [
            {"src": "img/a.png", "x": 10, "y": 20}, {"src": "img/b.png", "x": 90, "y": 110},
            {"src": "img/c.png", "x": 180, "y": 190}, {"src": "img/d.png", "x": 500, "y": 20}]}]"#;
    let groups = |text: &str, picture_px: f64| -> Vec<String> {
        let missing = GroupingDefaults { picture_px, ..GroupingDefaults::default() };
        let parsed = GroupingForm::JsPsych.parse(text.as_bytes(), &missing);
        assert_eq!(parsed.problems, []);
        assert!(parsed.value.iter().all(|row| row.rater == "12" && row.condition == "free"));
        parsed.value.into_iter().map(|row| row.group).collect()
    };
    // a touches b and b touches c.
    assert_eq!(groups(text, 100.0), ["group 1", "group 1", "group 1", "group 2"]);
    assert_eq!(groups(text, 50.0), ["group 1", "group 2", "group 3", "group 4"]);
    // Version 6 wrote the lists as text.
    let six = r#"{"final_locations": "[{\"src\":\"a.png\",\"x\":1,\"y\":2},{\"src\":\"b.png\",\"x\":3,\"y\":4}]"}"#;
    let parsed = GroupingForm::JsPsych
        .parse(six.as_bytes(), &GroupingDefaults { rater: "Mori".to_owned(), ..GroupingDefaults::default() });
    assert_eq!(parsed.value.iter().map(|row| row.rater.as_str()).collect::<Vec<_>>(), ["Mori", "Mori"]);

    for (bad, says) in [
        ("[", "not JSON"),
        ("[3, \"x\"]", "no trial has final_locations"),
        ("17", "not a trial"),
        (r#"[{"final_locations": 3}]"#, "not a list"),
        (r#"[{"final_locations": "nonsense"}]"#, "final_locations"),
        (r#"[{"final_locations": [{"src": "a.png", "x": "far", "y": 1}]}]"#, "not a picture with src, x and y"),
        (r#"[{"final_locations": [{"src": "a", "x": 1, "y": 1}, {"src": "a", "x": 2, "y": 1}]}]"#, "two places"),
    ] {
        let parsed = GroupingForm::JsPsych.parse(bad.as_bytes(), &GroupingDefaults::default());
        assert!(parsed.value.is_empty(), "{bad}");
        assert!(parsed.problems.iter().any(|problem| problem.message.contains(says)), "{bad}: {:?}", parsed.problems);
    }
}

#[test]
fn a_project_gives_its_groupings_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new(folder.path());
    sample_images(&folder.path().join("images"), 12);
    let mut text = "rater,condition,image,group,started,ended,order,occasion\n".to_owned();
    for image in 0..12 {
        let at = "2026-11-24T10:00:00Z,2026-11-24T10:20:00Z";
        for (rater, occasion, groups) in [("Mori", 1, 3), ("Sato", 1, 4), ("Mori", 2, 3)] {
            text += &format!("{rater},1,picture-{image:03}.png,g{},{at},{},{occasion}\n", image % groups, image + 1);
        }
        text += &format!("Sato,2,picture-{image:03}.png,h{},{at},,1\n", image % 2);
    }
    std::fs::write(folder.path().join("groups.csv"), text).unwrap();
    cli.ok(&["new", "one"]);
    cli.ok(&["import", "one", "images", "--groupings", "groups.csv"]);
    let records = |name: &str| {
        let project = Project::open_read_only(&folder.path().join(name)).unwrap();
        let all = project.groupings().unwrap();
        let mut found = Vec::new();
        for grouping in &all {
            let rows = project.grouping_rows(grouping).unwrap();
            found.push((grouping.rater.clone(), grouping.condition.clone(), grouping.occasion, rows));
        }
        found
    };
    assert_eq!(records("one").len(), 4);

    for (form, file, condition) in
        [("csv", "all.csv", None), ("jspsych", "all.json", Some("2")), ("freesortr", "one.csv", Some("1"))]
    {
        let mut arguments = vec!["export-groupings", "one", "--form", form, "--out", file];
        arguments.extend(condition.iter().flat_map(|condition| ["--condition", condition]));
        if form == "freesortr" {
            // The table holds one sort of each rater, and one of them sorted again.
            arguments.extend(["--occasion", "1"]);
        }
        cli.ok(&arguments);
        let copy = format!("copy-{form}");
        cli.ok(&["new", &copy]);
        cli.ok(&["import", &copy, "images", "--groupings", file, "--condition", condition.unwrap_or("1")]);
        let (old, new) = (records("one"), records(&copy));
        match form {
            "csv" => assert_eq!(new, old),
            "jspsych" => assert_eq!(new.len(), 1),
            _ => assert_eq!(new.iter().map(|(rater, ..)| rater.as_str()).collect::<Vec<_>>(), ["Mori", "Sato"]),
        }
        // Importing it once more adds nothing.
        let again = cli.json(&["import", &copy, "--groupings", file, "--condition", condition.unwrap_or("1")]);
        assert_eq!(again["groupings"], 0);
    }
    // The table holds one condition.
    let said = cli.fails(2, &["export-groupings", "one", "--form", "freesortr", "--out", "x.csv"]);
    assert!(said.contains("--condition: 1, 2"), "{said}");
}
