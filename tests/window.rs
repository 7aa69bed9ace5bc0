//! The window, drawn without a screen: every view is opened on a small project, by keys as people press them, and
//! its picture is compared with the one kept in `tests/snapshots` (UPDATE_SNAPSHOTS=1 makes them anew).
#![cfg(feature = "gui")]
#![allow(clippy::unwrap_used)]

mod common;
mod common_window;

use atmoscope::app::App;
use atmoscope::app::state::View;
use atmoscope::project::{Project, Role};
use common_window::{harness, opened, project, settle, until};
use egui::{Key, Modifiers, vec2};
use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, SnapshotResults};

#[test]
fn every_view_looks_as_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), true);
    let mut results = SnapshotResults::new();
    for (theme, theme_name) in [(egui::Theme::Dark, "dark"), (egui::Theme::Light, "light")] {
        let mut harness = harness(Some(&project), vec2(1280.0, 800.0), theme);
        opened(&mut harness);
        for (key, view, name) in [
            (Key::Num1, View::Library, "library"),
            (Key::Num2, View::Label, "label"),
            (Key::Num3, View::Group, "group"),
            (Key::Num4, View::Train, "train"),
            (Key::Num5, View::Explore, "explore"),
            (Key::Num6, View::Report, "report"),
        ] {
            harness.key_press_modifiers(Modifiers::COMMAND, key);
            until(&mut harness, name, |app| app.state().view == view);
            if view == View::Explore {
                harness.state_mut().state_mut().explore.clusters = 3;
                until(&mut harness, "scores", |app| app.state().explore.scores.is_some());
                until(&mut harness, "the elbow", |app| app.state().explore.elbow.is_some());
            }
            if view == View::Train {
                until(&mut harness, "epochs", |app| app.state().train.epochs.values().any(|epochs| epochs.len() == 8));
                until(&mut harness, "the plan", |app| app.state().train.plan.is_some());
            }
            settle(&mut harness);
            mask_changing(&mut harness, view);
            harness.snapshot(format!("{name}-{theme_name}"));
        }
        results.extend_harness(&mut harness);
    }
}

/// Covers what differs from run to run and from machine to machine: how long things take, and the processor's name.
fn mask_changing(harness: &mut Harness<'_, App>, view: View) {
    if view == View::Train {
        let places: Vec<egui::Rect> = ["  ·  seed", "About "]
            .into_iter()
            .flat_map(|text| harness.query_all_by_label_contains(text).map(|node| node.rect()))
            .collect();
        assert_eq!(places.len(), 2, "the run's line and the next run's");
        for place in places {
            // To a width that does not depend on what is under it.
            harness.mask(egui::Rect::from_min_size(place.min, vec2(340.0, 24.0)));
        }
    }
}

#[test]
fn the_welcome_view_offers_the_ways_to_begin() {
    let mut results = SnapshotResults::new();
    for (theme, name) in [(egui::Theme::Dark, "welcome-dark"), (egui::Theme::Light, "welcome-light")] {
        let mut harness = harness(None, vec2(1280.0, 800.0), theme);
        harness.run_steps(4);
        for way in ["New project…", "Open project…", "Demo"] {
            assert!(harness.query_by_label(way).is_some(), "{way} is missing");
        }
        harness.snapshot(name);
        results.extend_harness(&mut harness);
    }
}

#[test]
fn the_window_fills_a_large_screen() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), false);
    let mut harness = harness(Some(&project), vec2(2560.0, 1440.0), egui::Theme::Light);
    opened(&mut harness);
    settle(&mut harness);
    harness.snapshot("library-large");
}

#[test]
fn labelling_by_keys_is_on_disk_and_can_be_undone() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Dark);
    opened(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::J);
    until(&mut harness, "the first unlabelled picture", |app| {
        let cursor = app.state().library.selection.cursor.unwrap();
        !app.state().project.as_ref().unwrap().snapshot.answers.contains_key(&cursor)
    });
    let image = harness.state().state().library.selection.cursor.unwrap();
    let labels = harness.state().state().project.as_ref().unwrap().snapshot.labels.clone();

    harness.key_press(Key::Num1);
    harness.key_press(Key::Num4);
    let is = |label: usize, value: Option<bool>| {
        let label = labels[label].id;
        move |app: &App| app.state().project.as_ref().unwrap().answer(image, label) == value
    };
    until(&mut harness, "two labels", |app| is(0, Some(true))(app) && is(3, Some(true))(app));
    let on_disk = |count: usize| {
        let project = Project::open_read_only(&path).unwrap();
        let person = project.people(Role::Annotator).unwrap().remove(0);
        assert_eq!(project.answers(person.id, image).unwrap().values().filter(|yes| **yes).count(), count);
    };
    on_disk(2);

    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    until(&mut harness, "undo", is(3, None));
    on_disk(1);
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    until(&mut harness, "redo", is(3, Some(true)));
    // Twice is back where it was, however quickly.
    harness.key_press(Key::Num2);
    harness.key_press(Key::Num2);
    harness.key_press(Key::Num3);
    until(&mut harness, "the third label", is(2, Some(true)));
    assert!(is(1, None)(harness.state()));

    // Keys that arrive between two frames keep their order: each label is about the picture it was pressed on.
    let shown = harness.state().state().library.shown().to_vec();
    let at = shown.iter().position(|id| *id == image).unwrap();
    for key in [Key::ArrowLeft, Key::Num2, Key::ArrowLeft, Key::Num2, Key::ArrowRight, Key::ArrowRight] {
        for pressed in [true, false] {
            let modifiers = Modifiers::NONE;
            harness.input_mut().events.push(egui::Event::Key {
                key,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers,
            });
        }
    }
    let before = harness.state().state().project.clone().unwrap();
    let turned = |id: atmoscope::ids::ImageId| before.answer(id, labels[1].id) != Some(true);
    let wanted = [(shown[at - 1], turned(shown[at - 1])), (shown[at - 2], turned(shown[at - 2]))];
    let second = labels[1].id;
    drop(before);
    until(&mut harness, "labels of two pictures", |app| {
        let project = app.state().project.as_ref().unwrap();
        wanted.iter().all(|(id, yes)| (project.answer(*id, second) == Some(true)) == *yes)
    });
    assert_eq!(harness.state().state().library.selection.cursor, Some(image));

    harness.key_press(Key::Space);
    until(&mut harness, "confirmation", is(1, Some(false)));
    assert_ne!(harness.state().state().library.selection.cursor, Some(image), "Space goes on to the next picture");
    // Letters typed into a field are no shortcuts.
    let before = harness.state().state().library.selection.cursor;
    harness.get_by_label("Name of a new label").focus();
    harness.step();
    harness.get_by_label("Name of a new label").type_text("da1");
    harness.run_steps(3);
    assert_eq!(harness.state().state().library.selection.cursor, before);
    assert_eq!(harness.state().state().label.new_label, "da1");
}

#[test]
fn pictures_are_selected_by_mouse_and_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Dark);
    opened(&mut harness);
    settle(&mut harness);
    let selected = |harness: &Harness<'_, App>| harness.state().state().library.selection.images.len();
    harness.key_press(Key::ArrowRight);
    harness.run_steps(2);
    assert_eq!(selected(&harness), 1);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowDown);
    harness.run_steps(2);
    let extended = selected(&harness);
    assert!(extended > 3, "{extended}");
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert_eq!(selected(&harness), 0);
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::A);
    harness.run_steps(2);
    assert_eq!(selected(&harness), extended, "the selection comes back");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(2);
    assert_eq!(selected(&harness), 40);
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::I);
    harness.run_steps(2);
    assert_eq!(selected(&harness), 0);
}

#[test]
fn commands_are_found_by_typing_and_keys_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Dark);
    opened(&mut harness);
    settle(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    until(&mut harness, "the palette", |app| app.state().palette.is_some());
    harness.get_by_label("Find a command").type_text("train the net");
    harness.run_steps(3);
    harness.snapshot("palette");
    harness.key_press(Key::Enter);
    until(&mut harness, "the Train view", |app| app.state().view == View::Train);
    harness.event(egui::Event::Text("?".to_owned()));
    until(&mut harness, "the sheet", |app| app.state().cheat_sheet);
    until(&mut harness, "the plan", |app| app.state().train.plan.is_some());
    // A sheet finds its place over several frames.
    settle(&mut harness);
    harness.run_steps(20);
    // How long the next run takes and where is different elsewhere; its line looks out from under the sheet.
    let line: Vec<egui::Rect> = harness.query_all_by_label_contains("  ·  CPU").map(|node| node.rect()).collect();
    for line in line {
        harness.mask(egui::Rect::from_min_size(line.min, vec2(120.0, 20.0)));
    }
    harness.snapshot("keys");
}

#[test]
fn clusters_follow_k_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), true);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Dark);
    opened(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num5);
    let shown = |clusters: usize| {
        move |app: &App| app.state().explore.exploration.as_ref().is_some_and(|e| e.members.len() == clusters)
    };
    harness.state_mut().state_mut().explore.clusters = 3;
    until(&mut harness, "three clusters", shown(3));
    harness.state_mut().state_mut().explore.clusters = 2;
    until(&mut harness, "two clusters", shown(2));
    let sizes = harness.state().state().explore.exploration.as_ref().unwrap().clustering.sizes.clone();
    harness.state_mut().state_mut().explore.seed = 2;
    until(&mut harness, "another seed", |app| {
        app.state().explore.exploration.as_ref().is_some_and(|e| e.request.seed == 2)
    });
    assert_eq!(
        sizes.iter().sum::<usize>(),
        harness.state().state().explore.exploration.as_ref().unwrap().features.rows()
    );
    // More clusters than pictures is said, not crashed on.
    harness.state_mut().state_mut().explore.clusters = 20;
    until(&mut harness, "the message", |app| app.state().explore.failed.is_some());
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("distinct").is_some());
    harness.state_mut().state_mut().explore.clusters = 2;
    until(&mut harness, "clusters again", |app| app.state().explore.failed.is_none() && shown(2)(app));
}

#[test]
fn a_new_annotator_is_named_without_touching_labels() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Dark);
    opened(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num2);
    settle(&mut harness);
    let undo_before = harness.state().state().project.as_ref().unwrap().snapshot.undo.clone();
    harness.get_by_label_contains("Annika").click();
    harness.run_steps(3);
    // Keys belong to the open menu, and a click into its field does not close it.
    harness.key_press(Key::Num1);
    harness.run_steps(3);
    harness.get_by_label("Name of a new annotator").click();
    harness.run_steps(3);
    harness.get_by_label("Name of a new annotator").type_text("bob e1");
    harness.run_steps(3);
    harness.key_press(Key::Enter);
    until(&mut harness, "the new annotator", |app| {
        let project = app.state().project.as_ref().unwrap();
        project.snapshot.annotator.as_ref().is_some_and(|person| person.name == "bob e1")
    });
    let project = harness.state().state().project.clone().unwrap();
    assert!(project.snapshot.answers.is_empty(), "bob has answered nothing yet");
    assert_eq!(project.snapshot.undo, undo_before);
}

#[test]
fn a_wrong_path_can_be_mended_and_leaves_the_project_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Light);
    opened(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::O);
    until(&mut harness, "the pane", |app| app.state().path_question.is_some());
    harness.run_steps(3);
    harness.get_by_label("Path").type_text("/nowhere/at/all");
    harness.run_steps(3);
    harness.key_press(Key::Enter);
    until(&mut harness, "the complaint", |app| {
        app.state().path_question.as_ref().is_some_and(|question| question.complaint.is_some())
    });
    harness.run_steps(3);
    harness.snapshot("wrong-path");
    harness.key_press(Key::Escape);
    until(&mut harness, "the end of the pane", |app| app.state().path_question.is_none());
    assert!(harness.state().state().project.is_some());
    assert_eq!(harness.state().state().view, View::Library, "Enter in the field opened a picture below it");
}
