//! The Train view as people use it: a run is started, paused, stopped and resumed by clicks and keys, runs are compared,
//! and a label leads to the pictures that were got wrong.

use crate::common::window::{harness, opened, project, quick, settle, until};
use atmoscope::app::App;
use atmoscope::app::state::{TrainPage, View};
use atmoscope::dataset::Part;
use atmoscope::engine::jobs::train;
use atmoscope::ids::RunId;
use atmoscope::progress::{Cancel, Silent};
use atmoscope::project::{Project, RunStatus};
use atmoscope::training::{Depth, TrainingConfiguration};
use egui::{Key, Modifiers, Theme, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

fn train_view(path: &std::path::Path) -> Harness<'static, App> {
    let mut harness = harness(Some(path), vec2(1280.0, 800.0), Theme::Dark);
    opened(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num4);
    until(&mut harness, "the Train view", |app| app.state().view == View::Train);
    until(&mut harness, "the plan", |app| app.state().train.next.plan.is_some());
    harness
}

fn epochs(app: &App, run: i64) -> Vec<usize> {
    let epochs = app.state().train.records.epochs(RunId(run));
    epochs.iter().map(|epoch| epoch.epoch).collect()
}

fn status(app: &App, run: i64) -> RunStatus {
    let project = app.state().project.as_ref().unwrap();
    project.snapshot.runs.iter().find(|record| record.id == RunId(run)).unwrap().status
}

#[test]
fn a_run_is_started_paused_continued_stopped_and_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = train_view(&path);
    // Before the first run the plan stands in its place, and follows the settings.
    assert!(harness.query_by_label("The first run").is_some());
    let samples = |app: &App| {
        app.state().train.next.plan.as_ref().and_then(|(_, plan)| plan.as_ref().ok().map(|plan| plan.samples))
    };
    let before = samples(harness.state()).unwrap();
    harness.state_mut().state_mut().train.next.configuration = TrainingConfiguration { batch_size: 4, ..quick(10_000) };
    until(&mut harness, "the plan without copies", |app| samples(app).is_some_and(|samples| samples < before));

    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    until(&mut harness, "two epochs", |app| epochs(app, 1).len() >= 2);
    harness.get_by_label_contains("Pause").click();
    until(&mut harness, "the pause", |app| app.state().job.as_ref().is_some_and(|job| job.paused));
    harness.run_steps(2);
    // That nothing is done meanwhile is tested where the run can be seen to wait: `a_job_waits_until_it_may_go_on`.
    assert!(harness.query_all_by_label_contains("Continue").next().is_some());
    assert!(harness.query_all_by_label_contains("Pause").next().is_none());
    let before = epochs(harness.state(), 1).len();

    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Enter);
    until(&mut harness, "more epochs", |app| epochs(app, 1).len() > before + 1);
    assert!(!harness.state().state().job.as_ref().unwrap().paused);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Period);
    until(&mut harness, "the end", |app| app.state().job.is_none());
    assert_eq!(status(harness.state(), 1), RunStatus::Stopped);
    let kept = epochs(harness.state(), 1);

    harness.run_steps(2);
    harness.get_by_label_contains("Resume").click();
    until(&mut harness, "epochs after the resume", |app| {
        app.state().train.live == Some(RunId(1)) && epochs(app, 1).len() > kept.len() + 1
    });
    let all = epochs(harness.state(), 1);
    assert!(all.iter().copied().eq(1..=all.len()), "every epoch once and in order: {all:?}");
    harness.get_all_by_label_contains("Stop and keep").next().unwrap().click();
    until(&mut harness, "the second end", |app| app.state().job.is_none());
    assert!(harness.state().state().problems.is_empty(), "{:?}", harness.state().state().problems);
}

#[test]
fn a_run_is_trained_again_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), true);
    {
        let mut project = Project::open(&path).unwrap();
        let other = TrainingConfiguration { dropout: 0.25, ..quick(5) };
        train::run(&mut project, &other, &|_| {}, &Silent, &Cancel::new()).unwrap();
    }
    let mut harness = train_view(&path);
    settle(&mut harness);
    assert_eq!(harness.state().state().shown_run(), Some(RunId(2)), "the newest one is on show");
    harness.get_by_label("Compare").click();
    until(&mut harness, "both runs", |app| epochs(app, 1).len() == 8 && epochs(app, 2).len() == 5);
    harness.run_steps(3);
    // Only what differs is listed: 8 and 5 epochs, the dropout.
    for text in ["What differed", "0.25"] {
        assert!(harness.query_by_label(text).is_some(), "{text}");
    }
    // A setting's name and its field stand at the left; what differs is named once more, and epochs in a column.
    for (name, times) in [("Epochs", 4), ("Dropout", 3), ("Batch size", 2), ("Seed", 2)] {
        assert_eq!(harness.query_all_by_label(name).count(), times, "{name}");
    }
    harness.get_by_label("Compare run 1").click();
    until(&mut harness, "one run", |app| app.state().train.compared == [RunId(2)]);
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("Tick two runs").is_some());

    harness.get_by_label_contains("Again").click();
    until(&mut harness, "a third run", |app| app.state().train.shown == Some(RunId(3)) && app.state().job.is_none());
    let project = harness.state().state().project.clone().unwrap();
    let configuration =
        |run: i64| project.snapshot.runs.iter().find(|r| r.id == RunId(run)).unwrap().configuration.clone();
    assert_eq!(configuration(3), configuration(2));
    let loss = |run: i64| {
        let epochs = harness.state().state().train.records.epochs(RunId(run));
        epochs.iter().map(|epoch| epoch.validation.loss).collect::<Vec<_>>()
    };
    assert_eq!(loss(3), loss(2), "the same settings and seed give the same run");
}

#[test]
fn a_label_leads_to_the_pictures_it_got_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), true);
    let mut harness = train_view(&path);
    settle(&mut harness);
    harness.get_by_label("Labels").click();
    until(&mut harness, "predictions", |app| app.state().train.mistakes.predictions.is_some());
    harness.run_steps(3);
    // Sorted by any column: by name, then from the end.
    harness.get_by_label("Sort by label").click();
    harness.run_steps(3);
    let top = |harness: &Harness<'_, App>, name: &str| harness.get_by_label(name).rect().top();
    assert!(top(&harness, "cute") < top(&harness, "gloomy") && top(&harness, "gloomy") < top(&harness, "scenery"));
    harness.get_by_label_contains("Sort by label").click();
    harness.run_steps(3);
    assert!(top(&harness, "cute") > top(&harness, "gloomy"));

    harness.get_by_label("gloomy").click();
    harness.state_mut().state_mut().train.mistakes.part = Part::Train;
    harness.run_steps(3);
    let state = harness.state().state();
    let label = state.train.mistakes.label.unwrap();
    let epochs = state.train.records.epochs(RunId(1));
    let best = epochs.iter().rev().find(|epoch| epoch.best).unwrap();
    let mistakes =
        state.train.mistakes.predictions.as_ref().unwrap().mistakes(label, Part::Train, best.thresholds[label]);
    let text = format!("False alarms: {} of {}", mistakes.false_alarms.len(), mistakes.without_label);
    assert!(harness.query_by_label_contains(&text).is_some(), "{text}");
    let (image, intensity) = *mistakes.false_alarms.first().or(mistakes.missed.first()).unwrap();
    let name = state.project.as_ref().unwrap().image(image).unwrap().file_name().to_owned();
    harness.get_by_label(&format!("{name}, intensity {intensity:.2}")).click();
    until(&mut harness, "the picture", |app| app.state().train.mistakes.picked == Some(image));
    harness.key_press(Key::Escape);
    until(&mut harness, "the way back", |app| app.state().train.mistakes.picked.is_none());
    harness.run_steps(2);
    harness.get_by_label(&format!("{name}, intensity {intensity:.2}")).click();
    until(&mut harness, "the picture again", |app| app.state().train.mistakes.picked == Some(image));
    harness.state_mut().state_mut().library.search = "no picture is called so".to_owned();
    harness.get_by_label_contains("Show in Library").click();
    until(&mut harness, "the Library", |app| app.state().view == View::Library);
    harness.run_steps(3);
    assert_eq!(harness.state().state().library.selection.cursor, Some(image));
    assert!(harness.state().state().library.shown().contains(&image), "filters that hide it are taken away");
}

#[test]
fn settings_go_back_and_to_the_papers() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = train_view(&path);
    harness.get_by_label("Paper").click();
    until(&mut harness, "the paper's settings", |app| app.state().train.next.configuration.depth == Depth::Everything);
    let configuration = harness.state().state().train.next.configuration.clone();
    assert_eq!((configuration.learning_rate(), configuration.epochs, configuration.batch_size), (1e-4, 50, 64));
    assert_eq!((configuration.augmented_copies, configuration.mlsmote, configuration.image_size_px), (9, true, 384));
    harness.get_by_label("Defaults").click();
    until(&mut harness, "the defaults", |app| app.state().train.next.configuration == TrainingConfiguration::default());
    assert_eq!(harness.state().state().train.page, TrainPage::Curves);
}

#[test]
fn closing_the_window_asks_while_a_run_is_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = train_view(&path);
    harness.state_mut().state_mut().train.next.configuration = quick(10_000);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    until(&mut harness, "an epoch", |app| !epochs(app, 1).is_empty());
    let close = |harness: &mut Harness<'_, App>| {
        let viewport = harness.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default();
        viewport.events.push(egui::ViewportEvent::Close);
        harness.step();
        until(harness, "the question", |app| app.state().ask_before_quitting);
        harness.run_steps(2);
    };
    close(&mut harness);
    harness.get_by_label("Go on").click();
    until(&mut harness, "the answer", |app| !app.state().ask_before_quitting);
    assert!(harness.state().state().job.is_some());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Q);
    until(&mut harness, "the question again", |app| app.state().ask_before_quitting);
    harness.run_steps(2);
    harness.get_by_label("Stop, keep and quit").click();
    until(&mut harness, "the end of the run", |app| app.state().job.is_none());
    assert_eq!(status(harness.state(), 1), RunStatus::Stopped);
}
