//! The window, drawn without a screen: every view is opened on a small project, by keys as people press them, and
//! its picture is compared with the one kept in `tests/snapshots` (UPDATE_SNAPSHOTS=1 makes them anew).

use crate::common::window::{harness, opened, project, settle, until};
use atmoscope::app::App;
use atmoscope::app::commands::UiCommand;
use atmoscope::app::paths::{self, PathPurpose};
use atmoscope::app::state::{PathQuestion, View};
use atmoscope::dataset::Part;
use atmoscope::engine::jobs::import::{self, ImportRequest};
use atmoscope::engine::{ANNOTATOR_REMARK, JobEnd, Notice};
use atmoscope::ids::RunId;
use atmoscope::progress::{Cancel, Silent};
use atmoscope::project::{Project, Role};
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
                until(&mut harness, "epochs", |app| {
                    (1..9).any(|run| app.state().train.records.epochs(RunId(run)).len() == 8)
                });
                until(&mut harness, "the plan", |app| app.state().train.next.plan.is_some());
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
    until(&mut harness, "the plan", |app| app.state().train.next.plan.is_some());
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
fn clusters_are_kept_under_a_name_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), true);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Light);
    opened(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num5);
    let shown = |app: &App| app.state().explore.exploration.clone();
    let shows = move |clusters: usize| move |app: &App| shown(app).is_some_and(|e| e.members.len() == clusters);
    harness.state_mut().state_mut().explore.clusters = 3;
    until(&mut harness, "three clusters", shows(3));
    assert!(harness.query_by_label("Clusters that were kept").is_none(), "nothing was kept yet");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::S);
    harness.run_steps(3);
    harness.get_by_label("Name of the clustering").type_text("quiet and loud");
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    let kept = |app: &App| app.state().project.as_ref().is_some_and(|p| p.snapshot.clusterings.len() == 1);
    until(&mut harness, "the kept clustering", kept);
    let three = shown(harness.state()).unwrap();
    harness.state_mut().state_mut().explore.clusters = 2;
    until(&mut harness, "two clusters", shows(2));
    harness.get_by_label("Clusters that were kept").click();
    harness.run_steps(3);
    harness.get_by_label_contains("quiet and loud  ·").click();
    until(&mut harness, "the kept clusters", shows(3));
    let opened = shown(harness.state()).unwrap();
    assert!(opened.request.kept.is_some() && opened.clustering == three.clustering);
    assert!(!UiCommand::KeepClusters.is_enabled(harness.state().state()), "it is kept already");
    settle(&mut harness);
    harness.snapshot("kept_clusters");
    // Another setting makes other clusters.
    harness.state_mut().state_mut().explore.seed += 1;
    until(&mut harness, "clusters as set", |app| shown(app).is_some_and(|e| e.request.kept.is_none()));
    // A name that is taken is refused before anything is sent.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::S);
    harness.run_steps(3);
    harness.get_by_label("Name of the clustering").type_text("quiet and loud");
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("already").is_some());
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert!(harness.state().state().explore.keeping.is_some() && kept(harness.state()));
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert!(harness.state().state().explore.keeping.is_none());
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

/// The events of typing a text, a key after another; a line's end is Enter.
fn typed(text: &str) -> Vec<egui::Event> {
    let key = |key: Key, pressed: bool| egui::Event::Key {
        key,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    text.chars()
        .flat_map(|letter| {
            let name = letter.to_uppercase().to_string();
            let which = match letter {
                '\n' => Key::Enter,
                '-' => Key::Minus,
                ' ' => Key::Space,
                _ => Key::from_name(&name).unwrap(),
            };
            let text = (letter != '\n').then(|| egui::Event::Text(letter.to_string()));
            [Some(key(which, true)), text, Some(key(which, false))].into_iter().flatten()
        })
        .collect()
}

/// All of these arrive before the next frame.
fn in_one_frame(harness: &mut Harness<'_, App>, events: impl IntoIterator<Item = egui::Event>) {
    harness.input_mut().events.extend(events);
    harness.step();
}

fn with_ctrl(key: Key) -> egui::Event {
    egui::Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::COMMAND }
}

fn cursor(harness: &Harness<'_, App>) -> Option<atmoscope::ids::ImageId> {
    harness.state().state().library.selection.cursor
}

/// The number of answers on show.
fn answers(app: &App) -> usize {
    app.state().project.as_ref().unwrap().snapshot.answers.values().map(|of_image| of_image.len()).sum()
}

/// A project of pictures alone.
fn pictures_alone(parent: &std::path::Path, n: usize) -> std::path::PathBuf {
    crate::common::sample_images(&parent.join("pictures"), n);
    let path = parent.join("new");
    let mut project = Project::create(&path).unwrap();
    let request = ImportRequest { images: Some(parent.join("pictures")), ..ImportRequest::default() };
    import::run(&mut project, &request, &Silent, &Cancel::new()).unwrap();
    path
}

/// Nobody is chosen to label.
fn with_nobody_chosen(path: &std::path::Path) {
    Project::open(path).unwrap().set_remark(ANNOTATOR_REMARK, "").unwrap();
}

#[test]
fn no_key_changes_what_is_not_on_show() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Dark);
    opened(&mut harness);
    settle(&mut harness);
    let shown = harness.state().state().library.shown().to_vec();
    let before = answers(harness.state());
    assert_eq!(cursor(&harness), Some(shown[0]));
    // A search that hides the current picture makes the first one on show the current one, and it alone is labelled.
    let wanted = shown[37];
    let name = harness.state().state().project.as_ref().unwrap().image(wanted).unwrap().file_name().to_owned();
    harness.key_press(Key::ArrowRight);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::F);
    harness.step();
    harness.get_by_label("Search by name").type_text(&name);
    until(&mut harness, "the search", |app| app.state().library.shown() == [wanted]);
    assert_eq!(cursor(&harness), Some(wanted));
    assert_eq!(harness.state().state().target_images(), [wanted], "what was selected is not on show either");
    harness.state_mut().state_mut().library.search = "no picture is called so".to_owned();
    harness.run_steps(2);
    assert_eq!((cursor(&harness), harness.state().state().target_images()), (None, vec![]));
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    harness.key_press(Key::Num1);
    harness.run_steps(20);
    assert_eq!(answers(harness.state()), before);
    harness.state_mut().state_mut().library.search.clear();
    harness.run_steps(2);

    // Set aside, one after another by keys, faster than frames are drawn: each is about the next picture.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num2);
    harness.key_press(Key::ArrowRight);
    harness.run_steps(2);
    let at = shown.iter().position(|id| Some(*id) == cursor(&harness)).unwrap();
    let delete = |pressed| egui::Event::Key {
        key: Key::Delete,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    in_one_frame(&mut harness, [delete(true), delete(false), delete(true), delete(false), delete(true)]);
    until(&mut harness, "three set aside", |app| app.state().library.shown().len() == 37);
    harness.run_steps(2);
    let aside: Vec<_> = {
        let images = &harness.state().state().project.as_ref().unwrap().snapshot.images;
        images.iter().filter(|image| image.set_aside.is_some()).map(|image| image.id).collect()
    };
    assert_eq!(aside, shown[at..at + 3]);
    assert_eq!(cursor(&harness), Some(shown[at + 3]));
    // Undone elsewhere or by a key: what is current stays on show.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    until(&mut harness, "one back", |app| app.state().library.shown().len() == 38);
    assert_eq!(cursor(&harness), Some(shown[at + 3]));

    // A label's filter holds the picture that loses the label until it is left.
    let label = harness.state().state().project.as_ref().unwrap().snapshot.labels[0].id;
    harness.state_mut().state_mut().library.label = Some(label);
    harness.run_steps(2);
    let held = cursor(&harness).unwrap();
    harness.key_press(Key::Num1);
    until(&mut harness, "the label off", |app| app.state().project.as_ref().unwrap().answer(held, label).is_none());
    harness.run_steps(2);
    assert_eq!(cursor(&harness), Some(held));
    assert!(harness.state().state().library.shown().contains(&held));
    harness.key_press(Key::ArrowRight);
    harness.run_steps(2);
    assert!(!harness.state().state().library.shown().contains(&held));
}

#[test]
fn what_is_typed_faster_than_frames_are_drawn_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let path = pictures_alone(folder.path(), 6);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Dark);
    opened(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num2);
    settle(&mut harness);
    let here = cursor(&harness);
    harness.get_by_label("Name of a new label").click();
    harness.run_steps(3);
    let names = |app: &App| -> Vec<String> {
        let labels = &app.state().project.as_ref().unwrap().snapshot.labels;
        labels.iter().map(|label| label.name.clone()).collect()
    };
    // The first two words of every newcomer, before the next frame is drawn.
    in_one_frame(&mut harness, typed("cute\nlovely\n"));
    until(&mut harness, "two labels", |app| names(app).len() == 2);
    // The first one changes what stands above the field; the field keeps the keyboard.
    settle(&mut harness);
    // 44 more, 20 keys a second at 10 frames a second: two keys between frames.
    let more: Vec<String> = (0..44).map(|at| format!("mood-{at:02}")).collect();
    for keys in typed(&(more.join("\n") + "\n")).chunks(6) {
        in_one_frame(&mut harness, keys.iter().cloned());
    }
    until(&mut harness, "all labels", |app| names(app).len() >= 46);
    harness.run_steps(10);
    let wanted: Vec<String> = ["cute", "lovely"].map(str::to_owned).into_iter().chain(more).collect();
    assert_eq!(names(harness.state()), wanted);
    assert_eq!((answers(harness.state()), cursor(&harness)), (0, here), "no letter was taken for a label's key");
    assert!(harness.state().state().who.is_none());
    // A name that is taken is said where it was typed.
    in_one_frame(&mut harness, typed("cute\n"));
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("There is a label “cute” already").is_some());
    assert_eq!(harness.state().state().label.new_label, "cute");
    assert!(harness.state().state().problems.is_empty());

    // Digits after Ctrl+F are searched for, from the same frame on.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num1);
    harness.run_steps(2);
    in_one_frame(&mut harness, std::iter::once(with_ctrl(Key::F)).chain(typed("003")));
    until(&mut harness, "the search", |app| app.state().library.search == "003");
    harness.run_steps(10);
    assert_eq!((answers(harness.state()), harness.state().state().library.shown().len()), (0, 1));
    // And a path after the command that asks for one.
    in_one_frame(&mut harness, std::iter::once(with_ctrl(Key::I)).chain(typed("moods")));
    until(&mut harness, "the path", |app| {
        app.state().path_question.as_ref().is_some_and(|question| question.text == "moods")
    });
    assert_eq!(answers(harness.state()), 0);
}

#[test]
fn enter_after_enter_answers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Dark);
    opened(&mut harness);
    settle(&mut harness);
    harness.key_press(Key::End);
    harness.run_steps(2);
    let last = cursor(&harness).unwrap();
    let before = answers(harness.state());
    in_one_frame(&mut harness, typed("\n\n"));
    harness.run_steps(20);
    assert_eq!(harness.state().state().view, View::Label);
    assert_eq!((answers(harness.state()), cursor(&harness)), (before, Some(last)));
    // Once a label was given here, Enter confirms like Space.
    in_one_frame(&mut harness, typed("1\n"));
    until(&mut harness, "all answers", |app| {
        app.state().project.as_ref().unwrap().snapshot.answers.get(&last).is_some_and(|of_it| of_it.len() == 4)
    });
}

#[test]
fn who_labels_is_asked_and_no_answer_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    with_nobody_chosen(&path);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Dark);
    opened(&mut harness);
    settle(&mut harness);
    let annotator = |app: &App| {
        let project = app.state().project.as_ref().unwrap();
        project.snapshot.annotator.as_ref().map(|person| person.name.clone())
    };
    assert_eq!(
        (annotator(harness.state()), harness.state().state().project.as_ref().unwrap().answered_images),
        (None, 36)
    );
    assert!(harness.query_by_label_contains("36 with an answer").is_some());
    let image = cursor(&harness).unwrap();
    let labels: Vec<_> =
        harness.state().state().project.as_ref().unwrap().snapshot.labels.iter().map(|label| label.id).collect();
    // Two strokes in one frame: both wait.
    in_one_frame(&mut harness, typed("12"));
    harness.run_steps(3);
    assert_eq!(harness.state().state().who.as_ref().unwrap().answers.len(), 2);
    assert_eq!(Project::open_read_only(&path).unwrap().people(Role::Annotator).unwrap().len(), 1, "nobody is made up");
    assert!(harness.query_by_label_contains("Go on as Annika").is_some());
    assert!(harness.query_by_label_contains("at least half of those who answered").is_some());
    in_one_frame(&mut harness, typed("mori\n"));
    until(&mut harness, "mori's answers", |app| {
        annotator(app).as_deref() == Some("mori") && app.state().project.as_ref().unwrap().answered_images == 1
    });
    let project = Project::open_read_only(&path).unwrap();
    let mori = project.people(Role::Annotator).unwrap().into_iter().find(|person| person.name == "mori").unwrap();
    let stored = project.answers(mori.id, image).unwrap();
    assert_eq!((stored.len(), stored[&labels[0]], stored[&labels[1]]), (2, true, true));
    harness.run_steps(3);
    // What others answered is not gone, and is said not to be.
    assert!(harness.query_by_label_contains("1 with an answer of yours, 36 by everybody").is_some());
    harness.get_by_label_contains("mori").click();
    harness.run_steps(3);
    harness.get_by_label_contains("Everybody").click();
    until(&mut harness, "everybody's answers", |app| {
        annotator(app).is_none() && app.state().project.as_ref().unwrap().answered_images == 36
    });
    // The imported labels can be gone on with.
    harness.key_press(Key::ArrowRight);
    harness.key_press(Key::Num1);
    harness.run_steps(3);
    let next = cursor(&harness).unwrap();
    harness.get_by_label_contains("Go on as Annika").click();
    until(&mut harness, "Annika", |app| annotator(app).as_deref() == Some("Annika"));
    let annika = harness.state().state().project.as_ref().unwrap().snapshot.annotator.as_ref().unwrap().id;
    until(&mut harness, "the answer", |_| {
        // It was a no before.
        Project::open_read_only(&path).unwrap().answers(annika, next).unwrap().get(&labels[0]) == Some(&true)
    });
    // Esc stores nothing, and says so.
    harness.get_by_label_contains("Annika").click();
    harness.run_steps(3);
    harness.get_by_label_contains("Everybody").click();
    until(&mut harness, "everybody again", |app| annotator(app).is_none());
    harness.key_press(Key::Num1);
    harness.run_steps(3);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(harness.state().state().who.is_none());
    assert!(harness.state().state().toast.as_ref().unwrap().said().contains("1 answer not stored"));
}

#[test]
fn what_is_said_ends_with_its_project_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Light);
    opened(&mut harness);
    settle(&mut harness);
    let name = {
        let state = harness.state().state();
        state.project.as_ref().unwrap().image(state.library.shown()[0]).unwrap().file_name().to_owned()
    };
    for _ in 0..3 {
        harness.key_press(Key::Num1);
        harness.key_press(Key::Num2);
    }
    for _ in 0..6 {
        harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    }
    until(&mut harness, "six steps back", |app| {
        app.state().toast.as_ref().is_some_and(|toast| toast.said().starts_with("6 edits undone"))
    });
    let said = harness.state().state().toast.as_ref().unwrap().said();
    assert!(said.contains("cute") && said.contains(&name), "{said}");

    harness.state_mut().state_mut().problem(Notice { message: "the disk is full".to_owned(), hint: None });
    harness.state_mut().state_mut().job_end = Some(JobEnd::said("Imported"));
    harness.run_steps(2);
    assert!(harness.query_by_label("The disk is full").is_some());
    // How the project is left is remembered.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num5);
    harness.run_steps(2);
    harness.state_mut().state_mut().explore.clusters = 7;
    harness.state_mut().state_mut().explore.seed = 11;
    harness.state_mut().state_mut().train.next.configuration.epochs = 3;
    let last = *harness.state().state().library.shown().last().unwrap();
    harness.state_mut().state_mut().library.selection.only(last);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::W);
    until(&mut harness, "the end", |app| app.state().project.is_none());
    let state = harness.state().state();
    assert!(state.problems.is_empty() && state.job_end.is_none() && state.toast.is_none());
    // A new project opens in the Library, whatever was on show before; the other one where it was left.
    let open = |harness: &mut Harness<'_, App>, key: Key, path: &std::path::Path| {
        harness.key_press_modifiers(Modifiers::COMMAND, key);
        harness.step();
        harness.get_by_label("Path").type_text(&path.display().to_string());
        harness.run_steps(2);
        harness.key_press(Key::Enter);
        harness.step();
    };
    open(&mut harness, Key::N, &folder.path().join("another"));
    until(&mut harness, "a new project", |app| app.state().project.is_some());
    assert_eq!(harness.state().state().view, View::Library);
    // Nothing can be trained on here, and everywhere it is said why.
    let state = harness.state().state();
    assert!(!UiCommand::StartTraining.is_enabled(state) && !UiCommand::SplitPictures.is_enabled(state));
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num5);
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("no pictures yet: import some first").is_some());
    open(&mut harness, Key::O, &path);
    until(&mut harness, "the project again", |app| {
        app.state().project.as_ref().is_some_and(|project| project.snapshot.name == "moods")
    });
    let state = harness.state().state();
    assert_eq!((state.view, state.explore.clusters, state.explore.seed), (View::Explore, 7, 11));
    assert_eq!((state.library.selection.cursor, state.train.next.configuration.epochs), (Some(last), 3));
}

#[test]
fn a_path_is_kept_when_it_is_refused_and_a_file_only_replaced_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Light);
    opened(&mut harness);
    settle(&mut harness);
    let give = |harness: &mut Harness<'_, App>, purpose: &'static PathPurpose, path: &std::path::Path| {
        harness.state_mut().state_mut().path_question = Some(PathQuestion::new(purpose));
        harness.run_steps(2);
        harness.get_by_label("Path").type_text(&path.display().to_string());
        harness.run_steps(2);
        harness.key_press(Key::Enter);
        harness.run_steps(2);
    };
    // Refused by the engine, after a look that found nothing wrong.
    give(&mut harness, &paths::NEW_PROJECT, &path);
    until(&mut harness, "the refusal", |app| {
        app.state().path_question.as_ref().is_some_and(|question| question.complaint.is_some())
    });
    let question = harness.state().state().path_question.clone().unwrap();
    assert_eq!(question.text, path.display().to_string());
    assert!(question.complaint.unwrap().contains("already holds a project"));
    assert!(harness.state().state().problems.is_empty());

    // No such folder: said before anything is lost.
    give(&mut harness, &paths::EXPORT_GROUPINGS, &folder.path().join("nowhere/groups.csv"));
    let question = harness.state().state().path_question.clone().unwrap();
    assert!(question.complaint.unwrap().contains("There is no folder") && question.text.ends_with("groups.csv"));
    let file = folder.path().join("groups.csv");
    std::fs::write(&file, "mine").unwrap();
    give(&mut harness, &paths::EXPORT_GROUPINGS, &file);
    assert!(harness.query_by_label_contains("is there already").is_some());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    harness.key_press(Key::Enter);
    until(&mut harness, "the file", |_| std::fs::read_to_string(&file).unwrap() != "mine");
    assert!(harness.state().state().path_question.is_none());

    // A CSV with labels that are new: nothing is stored, and the way on is a button.
    let labels = folder.path().join("more.csv");
    std::fs::write(&labels, "image,spooky\npicture-000.png,1\n").unwrap();
    give(&mut harness, &paths::IMPORT_LABELS, &labels);
    until(&mut harness, "the report", |app| app.state().job_end.is_some());
    harness.run_steps(2);
    harness.get_by_label("Add the label “spooky”").click();
    until(&mut harness, "the label", |app| {
        let project = app.state().project.as_ref().unwrap();
        app.state().job.is_none() && project.snapshot.labels.iter().any(|label| label.name == "spooky")
    });
    assert!(harness.state().state().job_end.is_none());
    // One with an unknown picture.
    std::fs::write(&labels, "image,spooky\npicture-001.png,1\nnobody.png,1\n").unwrap();
    give(&mut harness, &paths::IMPORT_LABELS, &labels);
    until(&mut harness, "the second report", |app| app.state().job_end.is_some());
    harness.run_steps(2);
    harness.get_by_label("Take the sound part").click();
    until(&mut harness, "the sound part", |app| {
        app.state().job_end.as_ref().is_some_and(|end| end.summary.contains("1 label for 1 picture"))
    });
}

#[test]
fn pictures_are_split_in_a_dialog_that_says_what_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), true);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Dark);
    opened(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num4);
    settle(&mut harness);
    let parts =
        |app: &App| app.state().project.as_ref().unwrap().snapshot.split.as_ref().map(|split| split.parts.clone());
    let first = parts(harness.state());
    let asked = |app: &App| app.state().split_dialog.as_ref().is_some_and(|dialog| dialog.preview().is_some());
    harness.get_by_label_contains("Split pictures").click();
    until(&mut harness, "the preview", asked);
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("Now: train").is_some());
    // The test part is kept unless told otherwise.
    let preview = |app: &App| app.state().split_dialog.as_ref().unwrap().preview().unwrap().as_ref().unwrap().clone();
    let kept = preview(harness.state());
    assert_eq!((kept.rated, kept.after.images[2]), (40, kept.before.unwrap().images[2]));
    harness.get_by_label("A new one").click();
    harness.run_steps(2);
    harness.state_mut().state_mut().split_dialog.as_mut().unwrap().seed = 9;
    until(&mut harness, "the other preview", asked);
    harness.run_steps(2);
    let wanted = preview(harness.state());
    assert!(wanted.moved > 0);
    let warning = format!("{} of 40 rated pictures would be trained on", wanted.after.rated[0]);
    assert!(harness.query_by_label_contains(&warning).is_some(), "{warning}");
    assert_eq!(parts(harness.state()), first, "nothing is done yet");
    harness.get_by_label("Split").click();
    until(&mut harness, "the new split", |app| app.state().job.is_none() && parts(app) != first);
    let second = parts(harness.state());
    assert_eq!(second.as_ref().unwrap().values().filter(|part| **part == Part::Train).count(), wanted.after.images[0]);

    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    until(&mut harness, "the split before", |app| parts(app) == first);
    assert!(harness.state().state().toast.as_ref().unwrap().said().contains("split the pictures"));
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    until(&mut harness, "the new one again", |app| parts(app) == second);
    harness.get_by_label_contains("Split pictures").click();
    until(&mut harness, "the dialog", asked);
    harness.run_steps(2);
    harness.get_by_label("Go back to split 1").click();
    until(&mut harness, "the way back", |app| parts(app) == first);
    assert!(harness.state().state().split_dialog.is_none());
}

#[test]
fn an_answer_is_shown_though_somebody_holds_on_to_the_project() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), false);
    let mut harness = harness(Some(&path), vec2(1280.0, 800.0), egui::Theme::Dark);
    opened(&mut harness);
    settle(&mut harness);
    let held = harness.state().state().project.clone().unwrap();
    let (image, label) = (cursor(&harness).unwrap(), held.snapshot.labels[0].id);
    let before = held.answer(image, label);
    harness.key_press(Key::Num1);
    until(&mut harness, "the answer", |app| app.state().project.as_ref().unwrap().answer(image, label) != before);
}

/// What stands on the screen, all in one.
fn on_screen(harness: &Harness<'_, App>) -> String {
    use egui_kittest::kittest::NodeT;
    let texts = harness.root().children_recursive().map(|node| {
        let node = node.accesskit_node();
        format!("{} {}\n", node.label().unwrap_or_default(), node.value().unwrap_or_default())
    });
    texts.collect()
}

#[test]
fn window_tables_json_and_csv_show_the_same_numbers() {
    use atmoscope::engine::jobs::cluster::ClusteredPart;
    use atmoscope::evaluation::mean_score;
    use atmoscope::wording::score;
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path(), true);
    // A rater for whom the Rand index says nothing: out of its mean, and that of entropy is over three.
    let mut one_group = "rater,condition,image,group\n".to_owned();
    (0..40).for_each(|at| one_group += &format!("Zoe,1,picture-{at:03}.png,all\n"));
    std::fs::write(folder.path().join("zoe.csv"), one_group).unwrap();
    let cli = crate::common::Cli::new(folder.path());
    cli.ok(&["import", "moods", "--groupings", "zoe.csv"]);
    let options = ["cluster", "moods", "--run", "1", "-k", "3", "--seed", "2", "--part", "all"];
    let json = cli.json(&[&options[..], &["--out", "command-line.csv", "--scores", "scores.csv"]].concat());
    let table = cli.ok(&options);
    let agreement = cli.json(&["agreement", "moods", "--condition", "1"]);

    let mut harness = harness(Some(&path), vec2(1600.0, 1200.0), egui::Theme::Dark);
    opened(&mut harness);
    let explore = &mut harness.state_mut().state_mut().explore;
    (explore.clusters, explore.seed, explore.part) = (3, 2, ClusteredPart::All);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num5);
    until(&mut harness, "the scores", |app| {
        app.state()
            .explore
            .scores
            .as_ref()
            .is_some_and(|scores| scores.request.clusters == 3 && scores.request.seed == 2)
    });
    settle(&mut harness);
    let report = harness.state().state().explore.scores.as_ref().unwrap().report.clone();
    // Every score: the window's own values and the JSON's.
    assert_eq!(serde_json::to_value(&report).unwrap(), json["scores"]);
    let condition = &report.conditions[0];
    let mean = |id: &str| condition.scores.get(id).unwrap().unwrap();
    assert_eq!((condition.raters, mean("entropy").count, mean("adjusted_rand_index").count), (3, 3, 2));
    // As people read them, every score of the list: on the screen in two views, in the table and in the CSV.
    let explore = on_screen(&harness);
    let csv = std::fs::read_to_string(folder.path().join("scores.csv")).unwrap();
    let mut rows = csv.lines().skip(1);
    for row in report.rows() {
        let line: Vec<&str> = rows.next().unwrap().split(',').collect();
        assert_eq!((line[0], line[3]), (row.score.id, row.rater.unwrap_or_default()));
        assert_eq!(line[4].parse().ok(), row.value, "{line:?}");
        assert_eq!(line[5].parse().ok(), row.standard_deviation, "{line:?}");
        if row.rater.is_none() {
            let value = row.value.map(score).unwrap();
            assert!(table.contains(&value), "{value}: {table}");
            assert!(explore.replace('–', "-").contains(&value), "{value}: {explore}");
        }
    }
    assert_eq!(rows.next(), None);
    for number in [score(condition.chance.mean), mean_score(&mean("entropy"))] {
        assert!(table.contains(&number) && explore.contains(&number), "{number}: {table}{explore}");
    }
    for warning in &report.warnings {
        assert!(table.contains(warning.as_str()) && explore.contains(warning.as_str()), "{warning}");
    }
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num6);
    settle(&mut harness);
    let page = on_screen(&harness);
    assert!(page.contains(&mean_score(&mean("entropy"))), "{page}");
    for grouping in &report.groupings {
        let entropy = grouping.scores.get("entropy").copied().flatten().unwrap();
        assert!(page.contains(&score(entropy)), "{grouping:?}: {page}");
    }
    // The clusters, written from both.
    let from_window = folder.path().join("window.csv");
    harness.state_mut().state_mut().path_question = Some(PathQuestion::new(&paths::EXPORT_CLUSTERS));
    harness.run_steps(2);
    harness.get_by_label("Path").type_text(&from_window.display().to_string());
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    until(&mut harness, "the file", |_| folder.path().join("window.csv.json").is_file());
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("window.csv"), read("command-line.csv"));
    assert_eq!(read("window.csv.json").replace("window.csv", "command-line.csv"), read("command-line.csv.json"));

    // Agreement of the raters.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num3);
    harness.run_steps(3);
    harness.get_by_label("Agreement").click();
    until(&mut harness, "the agreement", |app| app.state().group.agreement.found.is_some());
    let found = harness.state().state().group.agreement.found.clone().unwrap().unwrap();
    assert_eq!(serde_json::to_value(&found.agreement).unwrap(), agreement["conditions"][0]["agreement"]);
    let means = found.agreement.mean.unwrap();
    settle(&mut harness);
    let page = on_screen(&harness);
    let text = cli.ok(&["agreement", "moods", "--condition", "1"]);
    let mean = atmoscope::wording::fixed(means.adjusted_rand_index.value, 2);
    assert!(page.contains(&mean) && text.contains(&mean), "{mean}: {page}\n{text}");
}
