//! Agreement in the window and as files: every cell leads to its pictures, every figure and table can be read again.

use std::path::Path;

use crate::common::Cli;
use crate::common::window::{harness, opened, settle, until};
use atmoscope::app::state::{AgreementPage, GroupPage};
use atmoscope::engine::jobs::import::{self, ImportRequest};
use atmoscope::progress::{Cancel, Silent};
use atmoscope::project::Project;
use egui::{Key, Modifiers, vec2};
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::Queryable;

/// Groupings of 24 pictures by four raters, one of whom sorted again.
fn groupings() -> String {
    let mut text = "rater,condition,image,group,occasion\n".to_owned();
    for image in 0..24 {
        for (rater, group, occasion) in [
            ("花子", image % 4, 1),
            ("Otto", if image % 5 == 0 { 3 } else { image % 4 }, 1),
            ("Mori", image / 6, 1),
            ("Sato", (image + image / 8) % 4, 1),
            ("Otto", image % 4, 2),
        ] {
            text += &format!("{rater},1,picture-{image:03}.png,mood {group},{occasion}\n");
        }
    }
    text
}

fn project(parent: &Path) -> std::path::PathBuf {
    crate::common::sample_images(&parent.join("images"), 24);
    std::fs::write(parent.join("groups.csv"), groupings()).unwrap();
    let folder = parent.join("moods");
    let mut project = Project::create(&folder).unwrap();
    let request = ImportRequest {
        images: Some(parent.join("images")),
        groupings: Some(parent.join("groups.csv")),
        ..ImportRequest::default()
    };
    let report = import::run(&mut project, &request, &Silent, &Cancel::new()).unwrap();
    assert_eq!(report.groupings, Some(5), "{report:?}");
    folder
}

#[test]
fn every_page_looks_as_it_should_and_a_cell_opens_its_two_pictures() {
    let parent = tempfile::tempdir().unwrap();
    let folder = project(parent.path());
    let mut results = SnapshotResults::new();
    for (theme, theme_name) in [(egui::Theme::Dark, "dark"), (egui::Theme::Light, "light")] {
        let mut harness = harness(Some(&folder), vec2(1280.0, 800.0), theme);
        opened(&mut harness);
        harness.key_press_modifiers(Modifiers::COMMAND, Key::Num3);
        harness.run_steps(3);
        harness.get_by_label("Agreement").click();
        until(&mut harness, "the comparison", |app| app.state().group.agreement.found.is_some());
        settle(&mut harness);
        assert!(harness.query_by_label_contains("Test and retest").is_some());
        harness.snapshot(format!("agreement-raters-{theme_name}"));

        harness.get_by_label("Pictures together").click();
        harness.run_steps(3);
        let matrix = harness.get_by_label("Matrix of pictures by pictures").rect();
        // The first row, third column: 18 points to the left are bars.
        let cell = (matrix.width() - 18.0) / 24.0;
        let at = matrix.min + vec2(18.0 + cell * 2.5, cell * 0.5);
        harness.hover_at(at);
        harness.step();
        harness.drag_at(at);
        harness.drop_at(at);
        harness.run_steps(3);
        assert_eq!(harness.state().state().group.agreement.pair, Some((0, 2)));
        let report = {
            let found = harness.state().state().group.agreement.found.as_ref().unwrap();
            found.as_ref().unwrap().clone()
        };
        let (together, placed) = report.co_occurrence.counts(report.order[0], report.order[2]);
        assert!(harness.query_all_by_label_contains(&format!("{together} of {placed} raters put them")).count() > 0);
        let shown = harness.query_all_by_label_contains("Picture picture-").count();
        assert_eq!(shown, 2, "both pictures of the cell are on show");
        harness.hover_at(egui::pos2(640.0, 790.0));
        settle(&mut harness);
        harness.snapshot(format!("agreement-together-{theme_name}"));
        harness.key_press(Key::Escape);
        harness.run_steps(2);
        assert_eq!(harness.state().state().group.agreement.pair, None);

        for (name, page) in [("Consensus", AgreementPage::Consensus), ("Disagreement", AgreementPage::Disagreement)] {
            harness.get_by_label(name).click();
            harness.run_steps(3);
            assert_eq!(harness.state().state().group.agreement.page, page);
            settle(&mut harness);
            harness.snapshot(format!("agreement-{}-{theme_name}", name.to_lowercase()));
        }
        assert_eq!(harness.state().state().group.page, GroupPage::Agreement);
        results.extend_harness(&mut harness);
    }
}

#[test]
fn tables_and_figures_are_written_and_say_the_same() {
    let parent = tempfile::tempdir().unwrap();
    std::fs::write(parent.path().join("groups.csv"), groupings()).unwrap();
    let cli = Cli::new(parent.path());
    let value = cli.json(&["agreement", "--groups", "groups.csv", "--out", "figures", "--level", "0.6"]);
    let condition = &value["conditions"][0];
    assert_eq!(condition["raters"].as_array().unwrap().len(), 4);
    assert_eq!(condition["agreement"]["pairs"].as_array().unwrap().len(), 6);
    assert_eq!(condition["retests"][0]["rater"], "Otto");
    let folder = parent.path().join("figures");
    let table = |name: &str| -> Vec<csv::StringRecord> {
        let mut reader = csv::Reader::from_path(folder.join(format!("condition-1-{name}.csv"))).unwrap();
        reader.records().map(Result::unwrap).collect()
    };
    let pairs = table("pairs");
    for (row, pair) in pairs.iter().zip(condition["agreement"]["pairs"].as_array().unwrap()) {
        assert_eq!(row[0], *pair["first"].as_str().unwrap());
        let rand: f64 = row[5].parse().unwrap();
        assert_eq!(rand, pair["scores"]["adjusted_rand_index"]["value"].as_f64().unwrap());
        let (low, high): (f64, f64) = (row[6].parse().unwrap(), row[7].parse().unwrap());
        assert!(low <= rand && rand <= high);
    }
    assert_eq!(table("together").len(), 24 * 23 / 2);
    assert_eq!(table("consensus").len(), 24);
    assert_eq!(table("disagreement").len(), 24);
    assert_eq!(table("mean").len(), 4);
    for name in ["rand-index", "mutual-information", "v-measure", "entropy", "together", "disagreement"] {
        let svg = std::fs::read_to_string(folder.join(format!("condition-1-{name}.svg"))).unwrap();
        assert!(svg.contains("<title>") && svg.contains("Condition 1"), "{name}");
        let png = image::open(folder.join(format!("condition-1-{name}.png"))).unwrap().into_rgb8();
        assert!(png.width() > 1000 && png.height() > 1000, "{name}");
        // Something is drawn in colour, and text in dark.
        assert!(png.pixels().any(|p| p.0[2] > p.0[0].saturating_add(60)), "{name}");
        assert!(png.pixels().filter(|p| p.0.iter().all(|c| *c < 60)).count() > 500, "{name}");
    }
    let names = std::fs::read_to_string(folder.join("condition-1-rand-index.svg")).unwrap();
    assert!(names.contains("花子"));

    // Names that would break the drawing do not.
    std::fs::write(
        parent.path().join("odd.csv"),
        "rater,condition,image,group\n<b>&\"x,1/2,a,g\n<b>&\"x,1/2,b,g\n名前がとても長い評価者の人です、本当に長い,1/2,a,h\n\
         名前がとても長い評価者の人です、本当に長い,1/2,b,i\n"
            .replace("<b>&\"x", "\"<b>&\"\"x\""),
    )
    .unwrap();
    cli.ok(&["agreement", "--groups", "odd.csv", "--out", "odd"]);
    assert!(parent.path().join("odd/condition-1-2-rand-index.png").is_file());
    assert!(cli.fails(2, &["agreement", "--groups", "odd.csv", "--condition", "9"]).contains("1/2"));
    assert!(cli.fails(2, &["agreement", "--groups", "odd.csv", "--level", "3"]).contains("0 to 1"));
}
