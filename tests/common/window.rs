//! The window of a small project, drawn without a screen.
#![allow(dead_code)]

use std::path::Path;
use std::time::{Duration, Instant};

use atmoscope::app::{App, Start};
use atmoscope::engine::jobs::import::{self, ImportRequest};
use atmoscope::engine::jobs::split::{self, SplitRequest};
use atmoscope::engine::jobs::train;
use atmoscope::progress::{Cancel, Silent};
use atmoscope::project::Project;
use atmoscope::training::TrainingConfiguration;
use egui_kittest::{Harness, SnapshotOptions};

use crate::common;

const LABELS: [&str; 4] = ["cute", "gloomy", "scenery", "静か"];

/// A project of 40 pictures with labels and groupings, and a run if asked for. Its folder is called "moods".
pub fn project(parent: &Path, with_run: bool) -> std::path::PathBuf {
    let pictures = parent.join("pictures");
    common::sample_images(&pictures, 40);
    let mut names: Vec<String> =
        std::fs::read_dir(&pictures).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut labels = format!("image,{}\n", LABELS.join(","));
    let mut groupings = "rater,condition,image,group\n".to_owned();
    for (at, name) in names.iter().enumerate() {
        let bits: Vec<String> = (0..4).map(|label| u8::from(at % 4 == label || at % 3 == label).to_string()).collect();
        // The last four pictures are left to label by hand.
        if at < 36 {
            labels += &format!("{name},{}\n", bits.join(","));
        }
        for rater in ["花子", "Otto"] {
            groupings += &format!("{rater},1,{name},group {}\n", at % 4);
        }
    }
    std::fs::write(parent.join("labels.csv"), labels).unwrap();
    std::fs::write(parent.join("groupings.csv"), groupings).unwrap();
    let folder = parent.join("moods");
    let mut project = Project::create(&folder).unwrap();
    let request = ImportRequest {
        images: Some(pictures),
        labels: Some(parent.join("labels.csv")),
        groupings: Some(parent.join("groupings.csv")),
        annotator: Some("Annika".to_owned()),
        ..ImportRequest::default()
    };
    let report = import::run(&mut project, &request, &Silent, &Cancel::new()).unwrap();
    project.set_remark(atmoscope::engine::ANNOTATOR_REMARK, "Annika").unwrap();
    assert_eq!((report.added, report.groupings), (40, Some(2)), "{report:?}");
    if with_run {
        split::run(&mut project, &SplitRequest { seed: 3, ..SplitRequest::default() }).unwrap();
        train::run(&mut project, &quick(8), &|_| {}, &Silent, &Cancel::new()).unwrap();
    }
    folder
}

/// Settings with which an epoch takes no time to speak of.
pub fn quick(epochs: usize) -> TrainingConfiguration {
    TrainingConfiguration {
        epochs,
        image_size_px: 32,
        augmented_copies: 0,
        mlsmote: false,
        ..TrainingConfiguration::default()
    }
}

pub fn harness(project: Option<&Path>, size: egui::Vec2, theme: egui::Theme) -> Harness<'static, App> {
    harness_of(Start { project: project.map(Path::to_path_buf), ..Start::default() }, size, theme)
}

pub fn harness_of(start: Start, size: egui::Vec2, theme: egui::Theme) -> Harness<'static, App> {
    Harness::builder()
        .with_size(size)
        .with_theme(theme)
        .with_max_steps(64)
        .with_options(SnapshotOptions::new().max_failed_pixels(60))
        .build_eframe(move |creation| App::for_test(&creation.egui_ctx, start).unwrap())
}

/// Draws until `done`, or fails after a while.
pub fn until(harness: &mut Harness<'_, App>, what: &str, done: impl Fn(&App) -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        harness.step();
        if done(harness.state()) {
            break;
        }
        assert!(Instant::now() < end, "waited in vain for {what}; problems: {:?}", harness.state().state().problems);
        std::thread::sleep(Duration::from_millis(10));
    }
    harness.step();
}

/// Draws until pictures and clusters are there and nothing moves.
pub fn settle(harness: &mut Harness<'_, App>) {
    for _ in 0..3 {
        until(harness, "pictures", |app| !app.is_busy());
        std::thread::sleep(Duration::from_millis(40));
    }
    harness.run_steps(4);
}

pub fn opened(harness: &mut Harness<'_, App>) {
    until(harness, "the project", |app| app.state().project.is_some());
}
