//! Numbers and choices set as people set them: sliders dragged and moved by keys, fields clicked and typed into, lists
//! opened and boxes ticked.

use crate::common::window::{harness, opened, project, settle, until};
use atmoscope::app::App;
use atmoscope::app::state::View;
use atmoscope::engine::analysis::Exploration;
use atmoscope::ids::RunId;
use atmoscope::project::RunStatus;
use atmoscope::training::{Schedule, TrainingConfiguration};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, PointerButton, Pos2, Theme, vec2};
use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, Node};

const K: &str = "Clusters (K)";
/// The sign on the button that goes on to the next seed.
const SHUFFLE: &str = "\u{e422}";

fn field<'tree>(harness: &'tree Harness<'_, App>, role: Role, name: &'tree str) -> Node<'tree> {
    harness.get_by_role_and_label(role, name)
}

/// Clicks a number, types another and presses Enter.
fn type_number(harness: &mut Harness<'_, App>, name: &str, text: &str) {
    field(harness, Role::SpinButton, name).click();
    harness.run_steps(2);
    harness.event(Event::Text(text.to_owned()));
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(2);
}

/// Opens a list and clicks one of its choices.
fn choose(harness: &mut Harness<'_, App>, name: &str, choice: &str) {
    field(harness, Role::ComboBox, name).click();
    harness.run_steps(3);
    harness.get_by_label(choice).click();
    harness.run_steps(3);
}

fn button(harness: &mut Harness<'_, App>, pos: Pos2, pressed: bool) {
    harness.event(Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE });
    harness.step();
}

fn shown(app: &App) -> Option<&Exploration> {
    app.state().explore.exploration.as_deref()
}

/// Waits until the clusters on show are those of this K and seed.
fn until_shown(harness: &mut Harness<'_, App>, clusters: usize, seed: u64) {
    until(harness, &format!("{clusters} clusters from seed {seed}"), |app| {
        shown(app).is_some_and(|exploration| {
            (exploration.request.clusters, exploration.request.seed) == (clusters, seed)
                && exploration.members.len() == clusters
        })
    });
    harness.run_steps(2);
    let state = &harness.state().state().explore;
    assert_eq!((state.clusters, state.seed, state.requested.unwrap().0.clusters), (clusters, seed, clusters));
    let on_screen = |at: usize| harness.query_by_label(&format!("Cluster {at}")).is_some();
    assert!(on_screen(1) && on_screen(2) && !on_screen(clusters + 1));
}

#[test]
fn clusters_follow_k_and_the_seed() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), true);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), Theme::Dark);
    opened(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num5);
    until(&mut harness, "clusters", |app| shown(app).is_some());
    settle(&mut harness);
    let seed = harness.state().state().explore.seed;
    let clusters = |harness: &Harness<'_, App>| harness.state().state().explore.clusters;

    // Taken anywhere and drawn to the left end, and beyond.
    let slider = field(&harness, Role::Slider, K).rect();
    let (left, y) = (slider.left() + 1.0, slider.center().y);
    let grip = Pos2::new(slider.left() + 60.0, y);
    harness.event(Event::PointerMoved(grip));
    harness.step();
    button(&mut harness, grip, true);
    harness.event(Event::PointerMoved(Pos2::new(left - 40.0, y)));
    harness.step();
    assert_eq!(clusters(&harness), 2, "the least that the slider gives");
    // A little to the right at a time, as a hand does: every K on the way, none left out.
    let mut passed = vec![2];
    let mut x = left;
    while clusters(&harness) < 4 {
        x += 1.0;
        assert!(x < slider.right(), "{passed:?}");
        harness.event(Event::PointerMoved(Pos2::new(x, y)));
        harness.step();
        if *passed.last().unwrap() != clusters(&harness) {
            passed.push(clusters(&harness));
        }
    }
    assert_eq!(passed, [2, 3, 4]);
    button(&mut harness, Pos2::new(x, y), false);
    until_shown(&mut harness, 4, seed);
    // Let go, it stays.
    harness.event(Event::PointerMoved(Pos2::new(slider.right(), y)));
    harness.run_steps(3);
    assert_eq!(clusters(&harness), 4);

    // By arrows, once it has the keyboard; they move nothing else.
    let before = harness.state().state().library.selection.cursor;
    field(&harness, Role::Slider, K).focus();
    harness.run_steps(2);
    harness.key_press(Key::ArrowLeft);
    until_shown(&mut harness, 3, seed);
    for _ in 0..2 {
        harness.key_press(Key::ArrowRight);
    }
    until_shown(&mut harness, 5, seed);
    harness.key_press(Key::ArrowLeft);
    harness.run_steps(2);
    harness.key_press(Key::ArrowLeft);
    harness.run_steps(2);
    harness.key_press(Key::ArrowLeft);
    until_shown(&mut harness, 2, seed);
    // Two clusters are the fewest.
    harness.key_press(Key::ArrowLeft);
    harness.run_steps(3);
    assert_eq!(clusters(&harness), 2);
    harness.key_press(Key::ArrowRight);
    until_shown(&mut harness, 3, seed);
    assert_eq!(harness.state().state().library.selection.cursor, before);

    // Typed into the number at its right: also one that is more than the slider gives, and more than there are pictures,
    // which is said.
    let type_k = |harness: &mut Harness<'_, App>, text: &str| {
        let slider = field(harness, Role::Slider, K).rect();
        let number = Pos2::new(slider.right() - 12.0, slider.center().y);
        harness.event(Event::PointerMoved(number));
        button(harness, number, true);
        button(harness, number, false);
        harness.run_steps(2);
        harness.event(Event::Text(text.to_owned()));
        harness.run_steps(2);
        harness.key_press(Key::Enter);
        harness.run_steps(2);
    };
    type_k(&mut harness, "25");
    until(&mut harness, "the message", |app| app.state().explore.failed.is_some());
    harness.run_steps(2);
    assert_eq!(clusters(&harness), 25);
    assert!(harness.query_by_label_contains("distinct").is_some());
    // Nothing is said to be on its way, and no button is offered that would not help.
    assert!(harness.query_by_label("Scoring…").is_none());
    assert!(harness.query_by_label("Make its label intensities").is_none());
    type_k(&mut harness, "3");
    until_shown(&mut harness, 3, seed);
    assert!(harness.state().state().explore.failed.is_none());

    // The seed: typed, the next one by a click.
    let first = shown(harness.state()).unwrap().clustering.clone();
    type_number(&mut harness, "Seed", "2027");
    until_shown(&mut harness, 3, 2027);
    // A letter is no number: what was there stays.
    type_number(&mut harness, "Seed", "x");
    assert_eq!(harness.state().state().explore.seed, 2027);
    harness.get_by_label(SHUFFLE).click();
    until_shown(&mut harness, 3, 2028);
    // The first one again gives the first clusters again.
    type_number(&mut harness, "Seed", &seed.to_string());
    until_shown(&mut harness, 3, seed);
    let again = shown(harness.state()).unwrap();
    assert_eq!((&again.clustering.assignments, again.clustering.sse), (&first.assignments, first.sse));
    assert_eq!(again.clustering.sizes.iter().sum::<usize>(), again.features.rows());
    until(&mut harness, "scores", |app| {
        app.state().explore.scores.as_ref().is_some_and(|scores| scores.request.seed == seed)
    });
}

#[test]
fn a_run_has_the_settings_that_were_clicked_and_typed() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    // High enough for all settings.
    let mut harness = harness(Some(&path), vec2(1280.0, 1600.0), Theme::Dark);
    opened(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num4);
    until(&mut harness, "the Train view", |app| app.state().view == View::Train);
    until(&mut harness, "the plan", |app| app.state().train.next.plan.is_some());
    settle(&mut harness);

    let defaults = TrainingConfiguration::default();
    assert_eq!(harness.state().state().train.next.configuration, defaults);
    for (name, text) in [
        ("Epochs", "3"),
        ("Batch size", "4"),
        ("Picture size", "32"),
        ("Copies of each picture", "0"),
        ("Learning rate", "0.0025"),
        ("Dropout", "0.25"),
        ("Stop early after", "never"),
        ("Seed", "41"),
    ] {
        type_number(&mut harness, name, text);
    }
    choose(&mut harness, "Schedule", "Cosine");
    for name in ["Balance rare labels", "Weigh rare labels"] {
        field(&harness, Role::CheckBox, name).click();
        harness.run_steps(2);
    }
    let wanted = TrainingConfiguration {
        epochs: 3,
        batch_size: 4,
        image_size_px: 32,
        augmented_copies: 0,
        learning_rate: Some(0.0025),
        dropout: 0.25,
        early_stopping_epochs: 0,
        seed: 41,
        schedule: Schedule::Cosine,
        mlsmote: !defaults.mlsmote,
        positive_weights: !defaults.positive_weights,
        ..defaults
    };
    assert_eq!(harness.state().state().train.next.configuration, wanted);
    // The plan is of these settings: 36 pictures have labels, and none is copied.
    until(&mut harness, "the plan of these settings", |app| {
        app.state().train.next.plan.as_ref().is_some_and(|(of, _)| **of == wanted)
    });
    let (_, plan) = harness.state().state().train.next.plan.clone().unwrap();
    let plan = plan.unwrap();
    assert_eq!(plan.samples, plan.train_images, "no copies");

    harness.run_steps(2);
    let start: Vec<_> = harness.query_all_by_label_contains("Start training").collect();
    assert_eq!(start.len(), 1);
    start[0].click();
    until(&mut harness, "the end of the run", |app| {
        app.state().job.is_none()
            && app.state().project.as_ref().unwrap().snapshot.runs.first().is_some_and(|run| run.id == RunId(1))
            && app.state().train.records.epochs(RunId(1)).len() == 3
    });
    let state = harness.state().state();
    assert!(state.problems.is_empty(), "{:?}", state.problems);
    let run = &state.project.as_ref().unwrap().snapshot.runs[0];
    assert_eq!((run.status, run.seed), (RunStatus::Finished, 41));
    let used = TrainingConfiguration::of_run(&run.configuration).unwrap();
    // A run records what was left open as what it came to.
    let resolved =
        TrainingConfiguration { head_learning_rate: Some(0.0025), micro_batch_size: 4, ..wanted.on_split(41) };
    assert_eq!(used, resolved);
    // And did what they say: a batch of four pictures, and a rate that goes down to nothing.
    let steps = plan.train_images.div_ceil(4);
    let batches = state.train.records.batches(RunId(1));
    assert_eq!(batches.len(), 3 * steps);
    let rates: Vec<f64> = state.train.records.epochs(RunId(1)).iter().map(|epoch| epoch.learning_rate).collect();
    for (epoch, rate) in rates.iter().enumerate() {
        let share = ((epoch + 1) * steps - 1) as f64 / (3 * steps) as f64;
        let expected = 0.0025 * 0.5 * (1.0 + (std::f64::consts::PI * share).cos());
        assert!((rate - expected).abs() < 1e-12, "{rates:?}");
    }
}
