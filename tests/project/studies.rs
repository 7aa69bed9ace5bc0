//! Studies: own orders, tasks, the log, submitting, versions, and sorts that survive anything.

use std::collections::HashSet;
use std::path::Path;

use crate::common::{Cli, sample_images};
use atmoscope::engine::sorts::{MoveRequest, SortKeeper};
use atmoscope::ids::{ImageId, PileId, SortId, StudyId, TaskId};
use atmoscope::project::{GroupingRecord, NewStudy, NewTask, Project, Role, StoredSort, TaskOrder};
use atmoscope::sorting::{Condition, Move, Sort};
use time::OffsetDateTime;

const PICTURES: usize = 24;

fn project(folder: &Path) -> Project {
    let cli = Cli::new(folder);
    sample_images(&folder.join("images"), PICTURES);
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images"]);
    Project::open(&folder.join("project")).unwrap()
}

fn first(condition: Condition) -> NewTask {
    NewTask { condition, occasion: 1, images: None }
}

fn again(condition: Condition, images: Option<usize>) -> NewTask {
    NewTask { condition, occasion: 2, images }
}

fn study(project: &mut Project, tasks: Vec<NewTask>, task_order: TaskOrder, raters: &[&str]) -> StudyId {
    let images = project.images().unwrap().iter().map(|image| image.id).collect();
    let raters = raters.iter().map(|name| (*name).to_owned()).collect();
    project.create_study(&NewStudy { name: "mood".to_owned(), images, tasks, task_order, seed: 7, raters }).unwrap()
}

fn open(project: &mut Project, study: StudyId, rater: usize, task: usize) -> StoredSort {
    let record = project.study(study).unwrap();
    let (rater, task) = (record.raters[rater].person.id, record.tasks[task].id);
    project.open_sort(study, rater, task).unwrap()
}

fn request(sort: SortId, number: usize, step: Move) -> MoveRequest {
    MoveRequest { sort, number, made_at: OffsetDateTime::now_utc(), step }
}

/// Makes moves, each the next of its sort.
fn make(project: &mut Project, sort: SortId, steps: &[Move]) {
    let mut keeper = SortKeeper::default();
    let made = keeper.opened(project, sort).unwrap().sort.move_count();
    let requests: Vec<MoveRequest> =
        steps.iter().enumerate().map(|(at, step)| request(sort, made + at + 1, step.clone())).collect();
    for outcome in keeper.make_moves(project, &requests) {
        outcome.unwrap();
    }
}

/// Steps that put the images into `groups` piles, one after another.
fn whole_sort(order: &[ImageId], groups: usize) -> Vec<Move> {
    order
        .iter()
        .enumerate()
        .map(|(at, image)| match at {
            at if at < groups => Move::NewPile { images: vec![*image], to: None },
            at => Move::Place { images: vec![*image], pile: PileId((at % groups) as i64 + 1) },
        })
        .collect()
}

#[test]
fn each_rater_has_an_own_order_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path());
    let id =
        study(&mut project, vec![first(Condition::one()), first(Condition::two())], TaskOrder::Listed, &["A", "B"]);
    let orders: Vec<Vec<ImageId>> =
        [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(r, t)| open(&mut project, id, r, t).sort.order().to_vec()).to_vec();
    let different: HashSet<&Vec<ImageId>> = orders.iter().collect();
    assert_eq!(different.len(), 4, "two orders are the same");
    let images: HashSet<ImageId> = project.study_images(id).unwrap().into_iter().collect();
    assert_eq!(images.len(), PICTURES);
    for order in &orders {
        assert_eq!(order.iter().copied().collect::<HashSet<_>>(), images);
    }
    drop(project);
    let mut project = Project::open(&folder.path().join("project")).unwrap();
    assert_eq!(open(&mut project, id, 1, 0).sort.order(), orders[2]);
}

#[test]
fn tasks_are_met_in_the_order_asked_for_and_those_done_again_come_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path());
    let tasks = vec![again(Condition::one(), Some(6)), first(Condition::one()), first(Condition::two())];
    let id = study(&mut project, tasks, TaskOrder::Rotated, &["A", "B", "C"]);
    let record = project.study(id).unwrap();
    let met = |rater: usize| -> Vec<TaskId> { record.raters[rater].progress.iter().map(|p| p.task).collect() };
    let [retest, one, two] = [0, 1, 2].map(|at| record.tasks[at].id);
    assert_eq!(met(0), [one, two, retest]);
    assert_eq!(met(1), [two, one, retest]);
    assert_eq!(met(2), [one, two, retest]);
    // The images sorted again are the same for all raters.
    assert_eq!(record.tasks[0].images, 6);
    let drawn = project.task_images(retest).unwrap();
    assert_eq!(drawn.len(), 6);
    for rater in 0..3 {
        let order: HashSet<ImageId> = open(&mut project, id, rater, 0).sort.order().iter().copied().collect();
        assert_eq!(order, drawn.iter().copied().collect());
    }
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path());
    let images: Vec<ImageId> = project.images().unwrap().iter().map(|image| image.id).collect();
    let good = NewStudy {
        name: "mood".to_owned(),
        images,
        tasks: vec![first(Condition::two())],
        task_order: TaskOrder::Listed,
        seed: 1,
        raters: vec!["A".to_owned()],
    };
    let refused = |project: &mut Project, study: NewStudy, says: &str| {
        let error = project.create_study(&study).unwrap_err();
        assert!(error.message.contains(says), "{error}");
        assert!(project.studies().unwrap().is_empty());
    };
    refused(&mut project, NewStudy { name: "  ".to_owned(), ..good.clone() }, "needs a name");
    refused(&mut project, NewStudy { images: Vec::new(), ..good.clone() }, "needs pictures");
    refused(&mut project, NewStudy { images: good.images[..7].to_vec(), ..good.clone() }, "needs 8 pictures or more");
    refused(&mut project, NewStudy { tasks: Vec::new(), ..good.clone() }, "needs a condition");
    refused(&mut project, NewStudy { tasks: vec![again(Condition::one(), None)], ..good.clone() }, "first time");
    let twice = vec!["A".to_owned(), "A".to_owned()];
    refused(&mut project, NewStudy { raters: twice, ..good.clone() }, "takes part already");
    let small =
        Condition { name: "x".to_owned(), largest_group: Some(2), most_groups: Some(3), ..Condition::default() };
    refused(&mut project, NewStudy { tasks: vec![first(small)], ..good.clone() }, "do not hold 24");
    project.create_study(&good).unwrap();
    assert!(project.create_study(&good).unwrap_err().message.contains("already"));
}

#[test]
fn a_move_sent_twice_is_made_once_and_one_out_of_step_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path());
    let id = study(&mut project, vec![first(Condition::one())], TaskOrder::Listed, &["A"]);
    let sort = open(&mut project, id, 0, 0);
    let steps = whole_sort(sort.sort.order(), 2);
    let mut keeper = SortKeeper::default();
    keeper.opened(&project, sort.id).unwrap();
    let ask = |keeper: &mut SortKeeper, project: &mut Project, number, step: &Move| {
        keeper.make_moves(project, &[request(sort.id, number, step.clone())]).remove(0)
    };
    assert_eq!(ask(&mut keeper, &mut project, 1, &steps[0]).unwrap(), 1);
    assert_eq!(ask(&mut keeper, &mut project, 1, &steps[0]).unwrap(), 1);
    assert!(ask(&mut keeper, &mut project, 1, &steps[1]).is_err(), "another move with a number in use");
    assert!(ask(&mut keeper, &mut project, 3, &steps[1]).is_err(), "a gap");
    assert!(ask(&mut keeper, &mut project, 0, &steps[1]).is_err(), "numbers begin with 1");
    // One of several that is refused does not harm the others.
    let several = [
        request(sort.id, 2, steps[1].clone()),
        request(sort.id, 3, Move::Place { images: vec![ImageId(9999)], pile: PileId(1) }),
        request(sort.id, 3, steps[2].clone()),
        request(sort.id, 2, steps[1].clone()),
    ];
    let outcomes = keeper.make_moves(&mut project, &several);
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, true]);
    let log = project.sort_log(sort.id).unwrap();
    assert_eq!(log.iter().map(|logged| logged.step.clone()).collect::<Vec<_>>(), steps[..3]);
    assert_eq!(log.iter().map(|logged| logged.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(project.sort(sort.id).unwrap().sort, keeper.get(sort.id).unwrap().sort);
    assert_eq!(project.study(id).unwrap().raters[0].progress[0].sort.as_ref().unwrap().placed, 3);
}

#[test]
fn a_sort_that_changed_elsewhere_does_not_keep_others_from_being_stored() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path());
    let id = study(&mut project, vec![first(Condition::one())], TaskOrder::Listed, &["A", "B"]);
    let [a, b] = [0, 1].map(|rater| open(&mut project, id, rater, 0));
    let mut keeper = SortKeeper::default();
    keeper.opened(&project, a.id).unwrap();
    keeper.opened(&project, b.id).unwrap();
    let [step_a, step_b] = [&a, &b].map(|sort| Move::NewPile { images: sort.sort.order()[..2].to_vec(), to: None });
    make(&mut project.share().unwrap(), a.id, std::slice::from_ref(&step_a));
    let other = Move::NewPile { images: a.sort.order()[5..6].to_vec(), to: None };
    let outcomes = keeper.make_moves(&mut project, &[request(a.id, 1, other), request(b.id, 1, step_b)]);
    assert!(outcomes[0].as_ref().unwrap_err().message.contains("another place"), "{outcomes:?}");
    assert_eq!(outcomes[1].as_ref().unwrap(), &1);
    assert_eq!([&a, &b].map(|sort| project.sort_log(sort.id).unwrap().len()), [1, 1]);
    assert_eq!(keeper.opened(&project, a.id).unwrap().sort.move_count(), 1, "opened again as it is stored");
}

#[test]
fn submitting_checks_the_rules_freezes_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path());
    let id = study(&mut project, vec![first(Condition::two())], TaskOrder::Listed, &["A"]);
    let sort = open(&mut project, id, 0, 0);
    let order = sort.sort.order().to_vec();
    make(&mut project, sort.id, &whole_sort(&order, 7));
    let error = project.submit_sort(sort.id).unwrap_err();
    assert!(error.message.contains("7 of 8 groups"), "{error}");
    assert!(project.groupings().unwrap().is_empty());

    let split = Move::NewPile { images: vec![order[0], order[7]], to: Some(0) };
    let rename = Move::Rename { pile: PileId(3), name: "静か".to_owned() };
    make(&mut project, sort.id, &[split, rename]);
    project.begin_visit(sort.id).unwrap();
    let grouping = project.submit_sort(sort.id).unwrap();
    let records = project.groupings().unwrap();
    assert_eq!(records.len(), 1);
    let GroupingRecord { rater, condition, study, occasion, version, newest, groups, images, .. } = records[0].clone();
    assert_eq!((rater.as_str(), condition.as_str(), study.as_deref()), ("A", "2", Some("mood")));
    assert_eq!((occasion, version, newest, groups, images), (1, 1, true, 8, PICTURES));
    let members: Vec<ImageId> = project
        .grouping_members(grouping)
        .unwrap()
        .into_iter()
        .filter(|(_, group)| group == "静か")
        .map(|(image, _)| image)
        .collect();
    assert_eq!(members.len(), 4);
    assert!(members.contains(&order[2]));
    assert!(project.sort_visits(sort.id).unwrap()[0].paused_at.is_some());

    // Frozen.
    assert!(project.submit_sort(sort.id).is_err());
    let mut keeper = SortKeeper::default();
    let moves = keeper.opened(&project, sort.id).unwrap().sort.move_count();
    let late = keeper.make_moves(&mut project, &[request(sort.id, moves + 1, Move::Undo)]).remove(0);
    assert!(late.unwrap_err().message.contains("frozen"));
    let raw = atmoscope::project::NewMove {
        sort: sort.id,
        number: moves + 1,
        made_at: OffsetDateTime::now_utc(),
        step: Move::Undo,
        placed: 0,
    };
    assert!(project.append_moves(&[raw]).is_err());

    // A new version begins with the same groups; the old one stays as it was.
    let new = project.new_version(sort.id).unwrap();
    assert_eq!(new.version, 2);
    assert_eq!(new.sort.groups(), project.sort(sort.id).unwrap().sort.groups());
    assert!(!new.sort.can_undo());
    assert!(project.new_version(sort.id).is_err(), "a newer version is under way");
    make(&mut project, new.id, &[Move::Place { images: vec![order[5]], pile: PileId(1) }]);
    project.submit_sort(new.id).unwrap();
    let records = project.groupings().unwrap();
    assert_eq!(records.iter().map(GroupingRecord::counts).collect::<Vec<_>>(), [false, true]);
    assert_eq!(project.sort(sort.id).unwrap().sort.groups().len(), 8);
}

#[test]
fn a_rater_who_is_removed_or_whose_study_is_closed_cannot_begin() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path());
    let id = study(&mut project, vec![first(Condition::one())], TaskOrder::Listed, &["A", "B"]);
    let record = project.study(id).unwrap();
    let (task, [a, b]) = (record.tasks[0].id, [0, 1].map(|at| record.raters[at].person.id));
    assert_ne!(record.raters[0].secret, record.raters[1].secret);
    assert!(record.raters.iter().all(|rater| rater.secret.len() == 20));
    let sort = project.open_sort(id, a, task).unwrap();
    make(&mut project, sort.id, &whole_sort(sort.sort.order(), 3)[..5]);
    project.remove_rater(id, a).unwrap();
    assert!(project.open_sort(id, a, task).is_err());
    assert_eq!(project.sort_log(sort.id).unwrap().len(), 5, "what a removed rater did is kept");
    assert_eq!(project.add_rater(id, " A ").unwrap(), a);
    assert_eq!(project.open_sort(id, a, task).unwrap().sort.move_count(), 5);
    project.set_study_closed(id, true).unwrap();
    assert!(project.open_sort(id, b, task).unwrap_err().message.contains("closed"));
    let old = record.raters[0].secret.clone();
    project.renew_link(id, a).unwrap();
    assert_ne!(project.study(id).unwrap().raters[0].secret, old);
    let stranger = project.person("stranger", Role::Rater).unwrap().id;
    assert!(project.open_sort(id, stranger, task).is_err());
}

#[test]
fn only_raters_of_a_study_are_let_to_its_board() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = project(folder.path());
    let cli = Cli::new(folder.path());
    assert!(cli.fails(2, &["rate", "project", "--rater", "A"]).contains("no study yet"));
    study(&mut project, vec![first(Condition::one())], TaskOrder::Listed, &["A", "B"]);
    drop(project);
    let said = cli.fails(2, &["rate", "project", "--rater", "C"]);
    assert!(said.contains("C does not take part") && said.contains("A, B"), "{said}");
    assert!(cli.fails(2, &["rate", "project", "--rater", "A", "--study", "x"]).contains("“mood”"));
}

#[test]
fn a_log_gives_the_same_board_from_any_point() {
    // Every prefix of a long random log replays to the board that was seen then.
    use rand::Rng;
    let images: Vec<ImageId> = (1..=40).map(ImageId).collect();
    let condition = Condition { leave_out: true, given_groups: vec!["sea".into(), "sky".into()], ..Condition::one() };
    let mut random = atmoscope::random::generator(3, "moves");
    let mut sort = Sort::new(images.clone(), condition.clone());
    let mut log: Vec<Move> = Vec::new();
    let mut boards = vec![sort.board().clone()];
    while log.len() < 600 {
        let mut some: Vec<ImageId> = (0..random.gen_range(1..4)).map(|_| ImageId(random.gen_range(1..=40))).collect();
        some.sort_unstable();
        some.dedup();
        let pile = PileId(random.gen_range(1..12));
        let step = match random.gen_range(0..11) {
            0..=2 => Move::Place { images: some, pile },
            3 => Move::NewPile { images: some, to: Some(random.gen_range(0..5)) },
            4 => Move::TakeBack { images: some },
            5 => Move::LeaveOut { images: some },
            6 => Move::Merge { from: pile, into: PileId(random.gen_range(1..12)) },
            7 => Move::Rename { pile, name: format!("name {}", random.gen_range(0..3)) },
            8 => Move::Reorder { pile, to: random.gen_range(0..9) },
            9 => Move::Undo,
            _ => Move::Redo,
        };
        let before = sort.clone();
        if sort.make(&step).is_err() {
            assert_eq!(sort, before, "a refused move changed something: {step:?}");
            continue;
        }
        log.push(step);
        boards.push(sort.board().clone());
        // Every image lies at exactly one place.
        let board = sort.board();
        let mut all: Vec<ImageId> = board.tray.iter().chain(&board.left_out).copied().collect();
        all.extend(board.piles.iter().flat_map(|pile| &pile.images));
        all.sort_unstable();
        assert_eq!(all, images);
    }
    for (moves, board) in boards.iter().enumerate().step_by(37) {
        let again = Sort::replay(images.clone(), condition.clone(), &log[..moves]).unwrap();
        assert_eq!(again.board(), board);
        assert_eq!(again.move_count(), moves);
    }
}

#[test]
fn undo_and_redo_reach_every_board_again() {
    let images: Vec<ImageId> = (1..=6).map(ImageId).collect();
    let mut sort = Sort::new(images.clone(), Condition::one());
    let steps = [
        Move::NewPile { images: images[..3].to_vec(), to: None },
        Move::NewPile { images: images[3..].to_vec(), to: Some(0) },
        Move::Rename { pile: PileId(2), name: "sea".to_owned() },
        Move::Reorder { pile: PileId(2), to: 1 },
        Move::Merge { from: PileId(2), into: PileId(1) },
        Move::TakeApart { pile: PileId(1) },
    ];
    let mut boards = vec![sort.board().clone()];
    for step in &steps {
        sort.make(step).unwrap();
        boards.push(sort.board().clone());
    }
    assert_eq!(boards[5].piles[0].name, "sea", "a merged pile keeps the only name there is");
    assert_eq!((boards[6].tray.as_slice(), boards[6].piles.len()), (images.as_slice(), 0));
    for board in boards.iter().rev().skip(1) {
        sort.make(&Move::Undo).unwrap();
        assert_eq!(sort.board().piles, board.piles);
        assert_eq!(sort.board().tray, board.tray);
    }
    assert!(sort.make(&Move::Undo).is_err());
    for board in &boards[1..] {
        sort.make(&Move::Redo).unwrap();
        assert_eq!(sort.board(), board);
    }
    assert!(sort.make(&Move::Redo).is_err());
    // A new step drops what had been undone.
    sort.make(&Move::Undo).unwrap();
    sort.make(&Move::TakeBack { images: vec![images[0]] }).unwrap();
    assert!(!sort.can_redo());
}
