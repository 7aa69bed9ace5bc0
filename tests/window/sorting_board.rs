//! The sorting board in the window, by keys and by mouse: every move that is seen is stored, and nothing else of the
//! project is.

use std::path::{Path, PathBuf};

use crate::common::window::{harness, harness_of, opened, project, settle, until};
use atmoscope::app::session::{Page, SessionState};
use atmoscope::app::{App, Start};
use atmoscope::ids::{ImageId, PileId, SortId};
use atmoscope::project::{NewStudy, NewTask, Project, TaskOrder};
use atmoscope::sorting::{Board, Condition, Move};
use egui::{Key, Modifiers, Pos2, vec2};
use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, SnapshotResults};

const SIZE: egui::Vec2 = vec2(1280.0, 800.0);

/// A project with a study of 24 pictures for Anna and Bela.
fn study_project(parent: &Path, conditions: &[Condition]) -> PathBuf {
    let folder = project(parent, false);
    let mut project = Project::open(&folder).unwrap();
    let images = project.images().unwrap().iter().take(24).map(|image| image.id).collect();
    let task = |condition: &Condition| NewTask { condition: condition.clone(), occasion: 1, images: None };
    let study = NewStudy {
        name: "Atmosphere".to_owned(),
        images,
        tasks: conditions.iter().map(task).collect(),
        task_order: TaskOrder::Listed,
        seed: 1,
        raters: vec!["Anna".to_owned(), "Bela".to_owned()],
    };
    project.create_study(&study).unwrap();
    folder
}

fn rating(folder: &Path, theme: egui::Theme) -> Harness<'static, App> {
    let rater = Some(("Anna".to_owned(), None));
    let mut harness = harness_of(Start { project: Some(folder.to_path_buf()), rater, ..Start::default() }, SIZE, theme);
    until(&mut harness, "the session", |app| app.state().session.is_some());
    harness
}

fn session<'a>(harness: &'a Harness<'_, App>) -> &'a SessionState {
    harness.state().state().session.as_ref().unwrap()
}

fn board(harness: &Harness<'_, App>) -> Board {
    session(harness).board().unwrap().clone()
}

fn begin(harness: &mut Harness<'_, App>) {
    if session(harness).screen.page == Page::Introduction {
        harness.key_press(Key::Enter);
        until(harness, "the board", |app| app.state().session.as_ref().unwrap().screen.page == Page::Board);
    }
}

fn keys(harness: &mut Harness<'_, App>, keys: &[Key]) {
    for key in keys {
        harness.key_press(*key);
        harness.step();
    }
}

fn saved(harness: &mut Harness<'_, App>) {
    until(harness, "the moves to be saved", |app| app.state().session.as_ref().unwrap().is_saved());
}

/// Waits until pictures lie still.
fn rest(harness: &mut Harness<'_, App>) {
    settle(harness);
    harness.run_steps(90);
    settle(harness);
}

fn stored(folder: &Path, id: SortId) -> Vec<Move> {
    let project = Project::open_read_only(folder).unwrap();
    project.sort_log(id).unwrap().into_iter().map(|logged| logged.step).collect()
}

fn place(harness: &Harness<'_, App>, image: ImageId) -> Pos2 {
    session(harness).screen.places.iter().find(|(known, _)| *known == image).unwrap().1.center()
}

/// Presses at one place, goes to another in some steps, and lets go.
fn drag(harness: &mut Harness<'_, App>, from: Pos2, to: Pos2) {
    harness.hover_at(from);
    harness.step();
    harness.drag_at(from);
    harness.step();
    for step in 1..=8 {
        harness.hover_at(from + (to - from) * (step as f32 / 8.0));
        harness.step();
    }
    harness.drop_at(to);
    harness.run_steps(2);
}

#[test]
fn a_rater_sorts_by_keys_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = study_project(folder.path(), &[Condition::one(), Condition::two()]);
    let mut harness = rating(&folder, egui::Theme::Dark);
    let id = session(&harness).sort_id().unwrap();
    begin(&mut harness);
    let order = session(&harness).log.sort.as_ref().unwrap().order().to_vec();
    assert_eq!(session(&harness).hand.cursor, Some(order[0]));
    keys(&mut harness, &[Key::N, Key::N, Key::Num1, Key::Num2, Key::Enter]);
    let now = board(&harness);
    let of = |at: usize| now.piles[at].images.clone();
    assert_eq!(of(0), [order[0], order[2]]);
    assert_eq!(of(1), [order[1], order[3], order[4]]);
    assert_eq!(session(&harness).hand.cursor, Some(order[5]), "on to the next picture");
    // A number that no group has does nothing but say so.
    keys(&mut harness, &[Key::Num7]);
    assert_eq!(board(&harness), now);
    assert!(harness.query_by_label_contains("There is no group 7 yet").is_some());
    // Several keys between two frames mean what they mean one after another.
    for key in [Key::Num1, Key::Num1, Key::Num2] {
        harness.key_press(key);
    }
    harness.step();
    assert_eq!(board(&harness).piles[0].images, [order[0], order[2], order[5], order[6]]);
    assert_eq!(board(&harness).piles[1].images.last(), Some(&order[7]));

    // Several at once: three of the tray with Shift and arrows.
    harness.run_steps(2);
    for _ in 0..2 {
        harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
        harness.step();
    }
    keys(&mut harness, &[Key::N]);
    assert_eq!(board(&harness).piles[2].images, order[8..11]);

    // Into a group, its name, its place, out again.
    keys(&mut harness, &[Key::Tab, Key::F2]);
    harness.run_steps(2);
    harness.event(egui::Event::Text("静かな 1".to_owned()));
    harness.run_steps(2);
    keys(&mut harness, &[Key::Enter]);
    assert_eq!(board(&harness).piles[0].name, "静かな 1");
    harness.event(egui::Event::Text("]".to_owned()));
    harness.step();
    assert_eq!(board(&harness).place_of(PileId(1)), Some(1));
    harness.event(egui::Event::Text("[".to_owned()));
    harness.step();
    keys(&mut harness, &[Key::Delete]);
    assert!(board(&harness).tray.contains(&order[0]));

    // Put a whole group into another; split it again by undo.
    let before = board(&harness);
    keys(&mut harness, &[Key::M, Key::Num3]);
    assert_eq!(board(&harness).piles.len(), 2);
    assert_eq!(board(&harness).piles[1].images.len(), 6);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.step();
    assert_eq!(board(&harness).piles, before.piles);
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    harness.step();
    assert_eq!(board(&harness).piles.len(), 2);
    // A number after redo is about the next picture, not again about the one just moved.
    let next = session(&harness).hand.cursor.unwrap();
    assert!(board(&harness).tray.contains(&next));
    saved(&mut harness);
    let moves = stored(&folder, id);
    assert_eq!(moves.len(), session(&harness).log.sort.as_ref().unwrap().move_count());
    assert_eq!(moves[moves.len() - 3..], [Move::Merge { from: PileId(1), into: PileId(3) }, Move::Undo, Move::Redo]);
}

#[test]
fn a_rater_sorts_by_mouse() {
    let folder = tempfile::tempdir().unwrap();
    let folder = study_project(folder.path(), &[Condition { leave_out: true, ..Condition::one() }]);
    let mut harness = rating(&folder, egui::Theme::Light);
    begin(&mut harness);
    rest(&mut harness);
    let order = session(&harness).log.sort.as_ref().unwrap().order().to_vec();
    // The first goes to a new group by dragging, the next by a click on the place for new groups.
    let new = harness.get_by_label("New group").rect().center();
    let from = place(&harness, order[0]);
    drag(&mut harness, from, new);
    assert_eq!(board(&harness).piles[0].images, [order[0]]);
    rest(&mut harness);
    harness.get_by_label("New group").click();
    harness.run_steps(3);
    assert_eq!(board(&harness).piles[1].images, [order[1]]);
    rest(&mut harness);

    // A click on a group puts the chosen picture there.
    let group = harness.get_by_label("Group 2, 1 picture").rect();
    harness.hover_at(group.center());
    harness.drag_at(group.center());
    harness.drop_at(group.center());
    harness.run_steps(3);
    assert_eq!(board(&harness).piles[1].images, [order[1], order[2]]);
    rest(&mut harness);

    // Three at once, chosen with Ctrl.
    for at in [3, 5, 6] {
        let here = place(&harness, order[at]);
        harness.hover_at(here);
        harness.event_modifiers(
            egui::Event::PointerButton {
                pos: here,
                button: egui::PointerButton::Primary,
                pressed: true,
                modifiers: Modifiers::COMMAND,
            },
            Modifiers::COMMAND,
        );
        harness.event_modifiers(
            egui::Event::PointerButton {
                pos: here,
                button: egui::PointerButton::Primary,
                pressed: false,
                modifiers: Modifiers::COMMAND,
            },
            Modifiers::COMMAND,
        );
        harness.run_steps(2);
    }
    let chosen: Vec<ImageId> = session(&harness).targets();
    assert_eq!(chosen, [order[3], order[5], order[6]]);
    let from = place(&harness, order[5]);
    let group = harness.get_by_label("Group 1, 1 picture").rect().center();
    drag(&mut harness, from, group);
    assert_eq!(board(&harness).piles[0].images, [order[0], order[5], order[3], order[6]]);
    rest(&mut harness);

    // From one group to the other, and back to the tray, and out of all groups.
    let from = place(&harness, order[2]);
    let group = harness.get_by_label("Group 1, 4 pictures").rect().right_bottom() - vec2(20.0, 20.0);
    drag(&mut harness, from, group);
    assert_eq!(board(&harness).pile_of(order[2]).unwrap().id, PileId(1));
    rest(&mut harness);
    let (from, tray) = (place(&harness, order[2]), place(&harness, order[9]));
    drag(&mut harness, from, tray);
    assert!(board(&harness).tray.contains(&order[2]));
    rest(&mut harness);
    let from = place(&harness, order[4]);
    drag(&mut harness, from, Pos2::new(150.0, 760.0));
    assert_eq!(board(&harness).left_out, [order[4]]);
    rest(&mut harness);

    // A group on another puts them together; beside another, changes their order.
    let before = board(&harness);
    let [one, two] = ["Group 1", "Group 2"].map(|name| harness.get_by_label_contains(name).rect());
    drag(&mut harness, one.left_bottom() + vec2(30.0, -14.0), two.right_center() + vec2(-12.0, 0.0));
    assert_eq!(board(&harness).piles[1].id, before.piles[0].id);
    rest(&mut harness);
    let [one, two] = ["Group 1", "Group 2"].map(|name| harness.get_by_label_contains(name).rect());
    drag(&mut harness, one.right_bottom() - vec2(14.0, 14.0), two.center() + vec2(0.0, 30.0));
    assert_eq!(board(&harness).piles.len(), 1);
    assert_eq!(board(&harness).piles[0].images.len(), 5);
    rest(&mut harness);

    // Spread out, two of it become a group of their own.
    harness.get_by_label("Spread group 1 out").click();
    harness.run_steps(3);
    rest(&mut harness);
    let images = board(&harness).piles[0].images.clone();
    assert_eq!(session(&harness).hand.cursor, Some(images[0]));
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    harness.run_steps(2);
    assert_eq!(session(&harness).targets(), images[..2]);
    harness.get_by_label("New group of 2").click();
    harness.run_steps(3);
    assert_eq!(board(&harness).piles[1].images, images[..2]);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert_eq!(session(&harness).screen.spread, None);

    // Everything can be taken back, one by one, and made again.
    saved(&mut harness);
    let last = board(&harness);
    let moves = session(&harness).log.sort.as_ref().unwrap().move_count();
    while session(&harness).log.sort.as_ref().unwrap().can_undo() {
        harness.get_by_label("Undo").click();
        harness.run_steps(2);
    }
    assert_eq!(board(&harness).tray, order);
    while session(&harness).log.sort.as_ref().unwrap().can_redo() {
        harness.get_by_label("Redo").click();
        harness.run_steps(2);
    }
    assert_eq!(board(&harness), last);
    saved(&mut harness);
    let id = session(&harness).sort_id().unwrap();
    assert_eq!(stored(&folder, id).len(), 3 * moves);
}

#[test]
fn more_than_ten_groups_are_reached_by_two_digits() {
    let folder = tempfile::tempdir().unwrap();
    let folder = study_project(folder.path(), &[Condition::one()]);
    let mut harness = rating(&folder, egui::Theme::Dark);
    begin(&mut harness);
    let order = session(&harness).log.sort.as_ref().unwrap().order().to_vec();
    keys(&mut harness, &[Key::N; 10]);
    keys(&mut harness, &[Key::Num0]);
    assert_eq!(board(&harness).piles[9].images, [order[9], order[10]], "0 is the tenth");
    keys(&mut harness, &[Key::N, Key::N]);
    // 1 could become 10, 11 or 12: it waits.
    keys(&mut harness, &[Key::Num1]);
    assert_eq!(board(&harness).tray.len(), 11);
    assert!(harness.query_by_label_contains("then Enter").is_some());
    keys(&mut harness, &[Key::Num2]);
    assert_eq!(board(&harness).piles[11].images.len(), 2);
    keys(&mut harness, &[Key::Num1, Key::Enter]);
    assert_eq!(board(&harness).piles[0].images.len(), 2);
    keys(&mut harness, &[Key::Num5]);
    assert_eq!(board(&harness).piles[4].images.len(), 2, "5 can be nothing else");
    keys(&mut harness, &[Key::Num1, Key::Escape, Key::Num2]);
    assert_eq!(board(&harness).piles[1].images.len(), 2, "Esc forgets what was typed");
}

#[test]
fn rules_are_kept_in_sight_and_checked_when_submitting() {
    let folder = tempfile::tempdir().unwrap();
    let folder = study_project(folder.path(), &[Condition::one(), Condition::two()]);
    let mut harness = rating(&folder, egui::Theme::Dark);
    begin(&mut harness);
    assert!(harness.query_by_label_contains("24 pictures have no group yet").is_some());
    keys(&mut harness, &[Key::N, Key::N, Key::Num2]);
    assert!(harness.query_by_label_contains("two groups have fewer than three pictures").is_some());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run_steps(2);
    assert!(!session(&harness).screen.confirming);
    for at in 0..21 {
        keys(&mut harness, &[if at % 2 == 0 { Key::Num1 } else { Key::Num2 }]);
    }
    assert!(harness.query_by_label_contains("Ready to submit").is_some());
    // Pausing leads back to the same board.
    saved(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::P);
    harness.run_steps(2);
    assert!(harness.query_by_label("Everything is saved.").is_some());
    harness.get_by_label("Go on").click();
    until(&mut harness, "the board", |app| app.state().session.as_ref().unwrap().screen.page == Page::Board);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run_steps(2);
    assert!(harness.query_by_label("24 pictures in 2 groups.").is_some());
    harness.get_by_label("Hand in").click();
    until(&mut harness, "the second task", |app| app.state().session.as_ref().unwrap().session.task_number() == 2);
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("Make exactly eight groups").is_some());
    begin(&mut harness);
    keys(&mut harness, &[Key::N; 7]);
    assert!(harness.query_by_label_contains("7 of 8 groups").is_some());
    keys(&mut harness, &[Key::N; 2]);
    assert!(harness.query_by_label_contains("9 groups, one more than 8").is_some());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.step();
    for _ in 0..16 {
        keys(&mut harness, &[Key::Num8]);
    }
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run_steps(2);
    harness.get_by_label("Hand in").click();
    until(&mut harness, "the end", |app| app.state().session.as_ref().unwrap().screen.page == Page::Finished);
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("Thank you, Anna").is_some());
    drop(harness);
    let project = Project::open(&folder).unwrap();
    let anna: Vec<_> = project.groupings().unwrap().into_iter().filter(|grouping| grouping.rater == "Anna").collect();
    assert_eq!(
        anna.iter().map(|g| (g.condition.as_str(), g.groups, g.images)).collect::<Vec<_>>(),
        [("1", 2, 24), ("2", 8, 24)]
    );
    let visits = project.sort_visits(project.sorts_of(project.studies().unwrap()[0].id).unwrap()[0]).unwrap();
    assert_eq!(visits.len(), 2, "one before and one after the pause");
    assert!(visits.iter().all(|visit| visit.paused_at.is_some()));
    drop(project);

    // Whoever changes their mind begins a new version.
    let mut harness = rating(&folder, egui::Theme::Dark);
    assert_eq!(session(&harness).screen.page, Page::Finished);
    harness.run_steps(2);
    harness.get_all_by_label("Change it…").next().unwrap().click();
    until(&mut harness, "the new version", |app| app.state().session.as_ref().unwrap().log.sort.is_some());
    assert_eq!(board(&harness).piles.len(), 2);
    assert!(board(&harness).tray.is_empty());
}

#[test]
fn a_rater_comes_back_to_the_same_picture_and_sees_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let folder = study_project(folder.path(), &[Condition::one()]);
    let mut harness = rating(&folder, egui::Theme::Dark);
    begin(&mut harness);
    keys(&mut harness, &[Key::N, Key::N, Key::ArrowRight, Key::ArrowRight, Key::Num1]);
    saved(&mut harness);
    let (cursor, last) = (session(&harness).hand.cursor, board(&harness));
    assert_eq!(last.tray.len(), 21);
    drop(harness);
    let mut harness = rating(&folder, egui::Theme::Dark);
    harness.run_steps(3);
    assert_eq!(session(&harness).screen.page, Page::Board);
    assert_eq!(board(&harness), last);
    assert_eq!(session(&harness).hand.cursor, cursor);
    // Neither keys nor anything on the screen lead to the project.
    for key in [Key::Num1, Key::Num2, Key::Num4, Key::Num5, Key::O, Key::N, Key::W] {
        harness.key_press_modifiers(Modifiers::COMMAND, key);
        harness.step();
    }
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    harness.run_steps(2);
    assert!(harness.state().state().palette.is_none());
    assert_eq!(board(&harness), last);
    for name in ["Library", "Explore", "Bela", "picture-0", "cute", "Back to the project", "File"] {
        assert!(harness.query_by_label_contains(name).is_none(), "{name} can be seen");
    }
    // Nor does a name that takes no part.
    let start = Start { project: Some(folder.clone()), rater: Some(("Bea".to_owned(), None)), ..Start::default() };
    drop(harness);
    let mut harness = harness_of(start, SIZE, egui::Theme::Dark);
    until(&mut harness, "the message", |app| !app.state().problems.is_empty());
    harness.run_steps(2);
    for name in ["Library", "Explore", "picture-0"] {
        assert!(harness.query_by_label_contains(name).is_none(), "{name} can be seen");
    }
}

#[test]
fn a_researcher_makes_a_study_and_opens_a_session() {
    let folder = tempfile::tempdir().unwrap();
    let folder = project(folder.path(), false);
    let mut harness = harness(Some(&folder), SIZE, egui::Theme::Light);
    opened(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num3);
    settle(&mut harness);
    harness.get_by_label_contains("New study").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Give it a name.").is_some());
    harness.get_by_label("Name of the study").type_text("Mood");
    harness.run_steps(2);
    harness.get_by_label("Names of the raters").click();
    harness.run_steps(2);
    harness.get_by_label("Names of the raters").type_text("Chiyo\nDora");
    harness.run_steps(2);
    harness.get_by_label("Create study").click();
    until(&mut harness, "the study", |app| !app.state().project.as_ref().unwrap().snapshot.studies.is_empty());
    let study = harness.state().state().project.as_ref().unwrap().snapshot.studies[0].clone();
    assert_eq!((study.name.as_str(), study.images, study.tasks.len(), study.raters.len()), ("Mood", 40, 2, 2));
    settle(&mut harness);
    harness.get_all_by_label_contains("Open session").nth(1).unwrap().click();
    until(&mut harness, "the session", |app| app.state().session.is_some());
    harness.run_steps(3);
    assert!(harness.query_by_label("Welcome, Dora").is_some());
    harness.get_by_label("Back to the project").click();
    until(&mut harness, "the project", |app| app.state().session.is_none());
}

#[test]
fn the_board_looks_as_it_should() {
    let mut results = SnapshotResults::new();
    for (theme, theme_name) in [(egui::Theme::Dark, "dark"), (egui::Theme::Light, "light")] {
        let folder = tempfile::tempdir().unwrap();
        let folder = study_project(folder.path(), &[Condition::one(), Condition::two()]);
        let mut harness = rating(&folder, theme);
        rest(&mut harness);
        harness.snapshot(format!("introduction-{theme_name}"));
        begin(&mut harness);
        let sorted = [Key::N, Key::N, Key::Num1, Key::Num1, Key::Num2, Key::N, Key::Num1, Key::Num1, Key::Num2];
        keys(&mut harness, &sorted);
        saved(&mut harness);
        rest(&mut harness);
        harness.snapshot(format!("board-{theme_name}"));
        keys(&mut harness, &[Key::Tab, Key::S]);
        rest(&mut harness);
        harness.snapshot(format!("spread-{theme_name}"));
        results.extend_harness(&mut harness);
    }
}
