//! A rater's page in a real browser: whole sorts by touch, mouse and keyboard, with the server killed in between. Says so
//! and does nothing where there is no Chromium with chromedriver.

use std::path::{Path, PathBuf};

use crate::common::browser::{Browser, key};
use crate::common::{Cli, ServeProcess, sample_images};
use atmoscope::ids::{ImageId, PileId, StudyId};
use atmoscope::interchange::move_log;
use atmoscope::project::Project;
use atmoscope::random::generator;
use atmoscope::sorting::{ArrangedPile, Condition, Move, Sort};
use rand::Rng;
use serde_json::{Value, json};

/// The real test pictures where they are at hand, drawn ones elsewhere, in a project with a study for Ada.
fn project(folder: &Path, conditions: &[&str]) -> (Cli, StudyId, usize) {
    let cli = Cli::new(folder);
    cli.ok(&["new", "project"]);
    let list = folder.join("list.txt");
    match std::env::var_os("ATMOSCOPE_TEST_DATA") {
        Some(data) => {
            let set = PathBuf::from(data).join("illustrations");
            let names = std::fs::read_to_string(set.join("test-images.txt")).unwrap();
            std::fs::create_dir(folder.join("images")).unwrap();
            for name in names.lines().filter(|name| !name.trim().is_empty()) {
                std::fs::copy(set.join("images").join(name.trim()), folder.join("images").join(name.trim())).unwrap();
            }
            std::fs::write(&list, names).unwrap();
        }
        None => {
            let paths = sample_images(&folder.join("images"), 40);
            let names: Vec<&str> = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
            std::fs::write(&list, names.join("\n")).unwrap();
        }
    }
    cli.ok(&["import", "project", "images"]);
    let mut arguments = vec!["study", "new", "project", "--name", "Moods", "--raters", "Ada", "--images", "list.txt"];
    for condition in conditions {
        arguments.extend(["--condition", condition]);
    }
    let made = cli.json(&arguments);
    let pictures = made["images"].as_u64().unwrap() as usize;
    assert!(pictures >= 40, "{made}");
    (cli, StudyId(made["id"].as_i64().unwrap()), pictures)
}

fn card(pile: usize) -> String {
    format!("#piles > li:nth-child({pile})")
}

fn saved(browser: &Browser) {
    browser.wait("document.getElementById('saved').textContent === 'Saved'");
}

fn placed(browser: &Browser) -> usize {
    browser.text("#placed").split(' ').next().unwrap().parse().unwrap()
}

/// The groups as the page shows them: their counts.
fn counts(browser: &Browser) -> Vec<usize> {
    let counts = browser.value("[...document.querySelectorAll('#piles .count')].map((it) => Number(it.textContent))");
    serde_json::from_value(counts).unwrap()
}

/// Opens the page and goes through the introduction.
fn open(browser: &Browser, server: &ServeProcess) {
    browser.open(&format!("http://{}{}", server.address, server.paths[0]));
    browser.wait("!document.getElementById('app').hidden");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn whole_sorts_by_touch_mouse_and_keyboard_survive_everything() {
    let phone = Browser::start(390, 844, true);
    let folder = tempfile::tempdir().unwrap();
    let (cli, study, pictures) = project(folder.path(), &["2", "1"]);
    let server = ServeProcess::start(&cli, "127.0.0.1:0");
    let address = server.address.to_string();

    // Task 1 on a phone: eight groups.
    open(&phone, &server);
    assert_eq!(phone.text("#task"), Condition::two().task());
    phone.wait("document.getElementById('intro').open");
    assert_eq!(phone.text("#intro-text"), format!("{} You sort as Ada.", Condition::two().task()));
    for _ in 0..4 {
        phone.tap("#intro-next");
    }
    phone.wait("!document.getElementById('intro').open");
    for group in 1..=8 {
        phone.tap("#new");
        assert_eq!(counts(&phone).len(), group);
    }
    saved(&phone);
    assert_eq!(phone.text("#standing"), format!("{} pictures have no group yet.", pictures - 8));
    // Drag the picture to groups; drag one of the next pictures upwards to a group.
    phone.drag("#stage", &card(2));
    phone.drag("#stage", &card(1));
    phone.run("document.getElementById('groups').scrollTop = 0", &[]);
    phone.drag("#rest .picture:nth-child(3)", &card(1));
    assert_eq!(counts(&phone), [3, 2, 1, 1, 1, 1, 1, 1]);
    // A few chosen by holding a finger on them go together.
    for picture in [2, 3, 4] {
        phone.hold(&format!("#rest .picture:nth-child({picture})"));
    }
    assert_eq!(phone.text("#picked-count"), "3 chosen");
    phone.tap(&format!("{} .put", card(3)));
    assert_eq!(counts(&phone), [3, 2, 4, 1, 1, 1, 1, 1]);
    saved(&phone);

    // The page is loaded again in the middle.
    phone.reload();
    phone.wait("!document.getElementById('app').hidden");
    assert_eq!(counts(&phone), [3, 2, 4, 1, 1, 1, 1, 1]);
    assert_eq!(phone.value("document.getElementById('intro').open"), json!(false), "the introduction comes once");

    // The server is killed; the rater goes on; it comes back.
    drop(server);
    for group in [4, 5, 6, 7] {
        phone.tap(&format!("{} .put", card(group)));
    }
    phone.wait("!document.getElementById('offline').hidden");
    assert_eq!(phone.text("#offline"), "No connection – your moves are kept and sent when it is back");
    assert_eq!(counts(&phone), [3, 2, 4, 2, 2, 2, 2, 1]);
    let server = ServeProcess::start(&cli, &address);
    phone.wait("document.getElementById('offline').hidden");
    saved(&phone);

    // Killed again; the rater goes on and then loses the page itself.
    drop(server);
    for group in [8, 8, 1] {
        phone.tap(&format!("{} .put", card(group)));
    }
    phone.wait("!document.getElementById('offline').hidden");
    phone.tap("#undo");
    phone.open("about:blank");
    let server = ServeProcess::start(&cli, &address);
    open(&phone, &server);
    assert_eq!(counts(&phone), [3, 2, 4, 2, 2, 2, 2, 3]);
    saved(&phone);
    phone.tap("#redo");
    assert_eq!(counts(&phone), [4, 2, 4, 2, 2, 2, 2, 3]);

    // All the others.
    let mut number = placed(&phone);
    while number < pictures {
        phone.tap(&format!("{} .put", card(number % 8 + 1)));
        number += 1;
    }
    assert_eq!(placed(&phone), pictures);
    assert_eq!(phone.text("#standing"), "All done – you can submit.");
    // Split a group, see what that breaks, and take it back.
    phone.tap(&format!("{} .open", card(8)));
    phone.tap(".spread .picture:nth-child(1)");
    phone.tap(".spread .picture:nth-child(2)");
    phone.tap("#picked-new");
    assert_eq!(phone.text("#standing"), "9 groups, one more than 8.");
    phone.tap("#submit");
    phone.wait("document.getElementById('say').textContent.startsWith('Not yet')");
    phone.tap("#undo");
    phone.tap("#submit");
    phone.wait("document.getElementById('confirm').open");
    assert_eq!(phone.text("#confirm-title"), "Submit 8 groups?");
    phone.tap("#confirm-no");
    phone.tap("#submit");
    phone.tap("#confirm-yes");
    phone.wait("document.getElementById('notice-title').textContent === 'Task 2 of 2'");
    assert!(phone.text("#notice-text").contains(&Condition::one().task()));
    assert_eq!(phone.complaints(), Vec::<String>::new());
    drop(phone);

    // Task 2 with the same link at a desk, by mouse and keyboard.
    let desk = Browser::start(1280, 800, false);
    open(&desk, &server);
    desk.wait("document.getElementById('intro').open");
    desk.keys(&[], &[key::ESCAPE]);
    desk.wait("!document.getElementById('intro').open");
    assert_eq!(desk.text("#number"), "Task 2 of 2");
    assert_eq!(desk.text("#task"), Condition::one().task());
    desk.keys(&[], &['n', 'n', 'n', 'n']);
    assert_eq!(counts(&desk), [1, 1, 1, 1]);
    desk.keys(&[], &['1', '2', '3', '4', '1', '2', '3', '4']);
    assert_eq!(counts(&desk), [3, 3, 3, 3]);
    desk.keys(&[key::CONTROL], &['z']);
    desk.keys(&[key::CONTROL], &['z']);
    assert_eq!(counts(&desk), [3, 3, 2, 2]);
    desk.keys(&[key::CONTROL, key::SHIFT], &['z']);
    desk.keys(&[key::CONTROL], &['y']);
    assert_eq!(counts(&desk), [3, 3, 3, 3]);
    desk.drag("#stage", &card(4));
    desk.drag("#rest .picture:nth-child(4)", "#new");
    assert_eq!(counts(&desk), [3, 3, 3, 4, 1]);
    // Look large, then at the next one; a digit places what is looked at.
    desk.keys(&[], &[' ']);
    desk.wait("document.getElementById('large').open");
    desk.keys(&[], &[key::RIGHT, '5', key::ESCAPE]);
    desk.wait("!document.getElementById('large').open");
    assert_eq!(counts(&desk), [3, 3, 3, 4, 2]);
    // Rename the fourth group, by its key; put the fifth into the second.
    desk.run("document.querySelector(arguments[0]).focus()", &[json!(format!("{} .put", card(4)))]);
    desk.keys(&[], &[key::F2]);
    desk.keys(&[], &['静', 'か', key::ENTER]);
    assert_eq!(desk.text(&format!("{} .name", card(4))), "静か");
    desk.keys(&[key::ALT], &[key::LEFT]);
    assert_eq!(desk.text(&format!("{} .name", card(3))), "静か");
    desk.run("document.querySelector(arguments[0]).focus()", &[json!(format!("{} .put", card(5)))]);
    desk.keys(&[], &['m', '2']);
    assert_eq!(counts(&desk), [3, 5, 4, 3]);
    // Drag a group by its head to the front, pictures out of an open group, and a whole selection back.
    desk.drag(&format!("{} .badge", card(3)), &format!("{} .badge", card(1)));
    assert_eq!(desk.text(&format!("{} .name", card(1))), "静か");
    assert_eq!(counts(&desk), [4, 3, 5, 3]);
    desk.tap(&format!("{} .open", card(3)));
    desk.drag(".pile[data-open='yes'] .picture:nth-child(1)", &card(1));
    assert_eq!(counts(&desk), [5, 3, 4, 3]);
    desk.tap(".pile[data-open='yes'] .picture:nth-child(1)");
    desk.tap(".pile[data-open='yes'] .picture:nth-child(2)");
    desk.keys(&[], &[key::DELETE]);
    assert_eq!(counts(&desk), [5, 3, 2, 3]);
    assert_eq!(desk.text("#standing").split("; ").last(), Some("one group has fewer than three pictures."));
    desk.keys(&[], &[key::ESCAPE]);
    saved(&desk);
    // More than nine groups: digits, then Enter. Arrows go from picture to picture.
    let before = placed(&desk);
    for _ in 0..7 {
        desk.keys(&[], &['n']);
    }
    desk.keys(&[], &['1', '1', key::ENTER, '1', '1', key::ENTER]);
    assert_eq!(counts(&desk)[10], 3);
    for group in 5..=10 {
        for _ in 0..2 {
            desk.keys(&[], &format!("{group}").chars().chain([key::ENTER]).collect::<Vec<_>>());
        }
    }
    assert_eq!(placed(&desk), before + 7 + 2 + 12);
    assert_eq!(counts(&desk)[4..], [3; 7]);
    desk.run("document.activeElement.blur()", &[]);
    let current = || desk.value("document.querySelector('#rest [aria-current]').dataset.picture");
    let first = current();
    desk.keys(&[], &[key::RIGHT]);
    assert_ne!(current(), first, "the next picture");
    while placed(&desk) < pictures {
        desk.keys(&[], &['3', key::ENTER]);
    }
    desk.tap("#submit");
    desk.wait("document.getElementById('confirm').open");
    desk.tap("#confirm-yes");
    desk.wait("document.getElementById('notice-title').textContent === 'Thank you'");
    assert_eq!(desk.complaints(), Vec::<String>::new());
    drop(server);

    // Everything is in the project: each move once, and both groupings.
    let project = Project::open_read_only(&folder.path().join("project")).unwrap();
    let sorts = project.sorts_of(study).unwrap();
    assert_eq!(sorts.len(), 2);
    let mut moves = 0;
    for sort in &sorts {
        let numbers: Vec<usize> = project.sort_log(*sort).unwrap().iter().map(|logged| logged.number).collect();
        assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
        let stored = project.sort(*sort).unwrap();
        assert!(stored.submitted_at.is_some() && stored.sort.standing().is_complete());
        assert!(project.sort_visits(*sort).unwrap().iter().any(|visit| visit.paused_at.is_some()));
        moves += numbers.len();
    }
    let groupings = project.groupings().unwrap();
    assert_eq!(
        groupings.iter().map(|grouping| (grouping.images, grouping.groups)).collect::<Vec<_>>(),
        [(pictures, 11), (pictures, 8)]
    );
    let told = cli.json(&["study", "log", "project", "--out", "log.jsonl"]);
    assert_eq!(told["moves"], json!(moves));
    let parsed = move_log::parse(&std::fs::read(folder.path().join("log.jsonl")).unwrap());
    assert!(parsed.problems.is_empty());
    println!("{pictures} pictures, {moves} moves");
}

/// A random move, one in a few of which makes no sense.
fn random_move(random: &mut impl Rng, pictures: i64, sort: &Sort) -> Move {
    let mut some: Vec<ImageId> =
        (0..random.gen_range(1..5)).map(|_| ImageId(random.gen_range(1..=pictures + 1))).collect();
    if random.gen_range(0..8) > 0 {
        some.sort_unstable();
        some.dedup();
    }
    let mut some_pile = || match &sort.board().piles[..] {
        [] => PileId(1),
        _ if random.gen_range(0..8) == 0 => PileId(random.gen_range(1..30)),
        piles => piles[random.gen_range(0..piles.len())].id,
    };
    let (pile, other) = (some_pile(), some_pile());
    match random.gen_range(0..13) {
        0..=3 => Move::Place { images: some, pile },
        4 => Move::NewPile { images: some, to: Some(random.gen_range(0..6)) },
        5 => Move::NewPile { images: Vec::new(), to: None },
        6 => Move::TakeBack { images: some },
        7 => Move::LeaveOut { images: some },
        8 => Move::Merge { from: pile, into: other },
        9 => Move::Rename { pile, name: ["", "calm", " 静か ", "two\nlines"][random.gen_range(0..4)].to_owned() },
        10 => Move::Reorder { pile, to: random.gen_range(0..9) },
        11 if random.gen_bool(0.3) => Move::TakeApart { pile },
        11 => Move::Undo,
        _ => Move::Redo,
    }
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn the_board_in_the_page_follows_the_same_rules() {
    let page = Browser::start(390, 844, true);
    let folder = tempfile::tempdir().unwrap();
    let (cli, ..) = project(folder.path(), &["1"]);
    let server = ServeProcess::start(&cli, "127.0.0.1:0");
    open(&page, &server);
    const PICTURES: i64 = 25;
    let given = || vec!["sea".to_owned(), "sky".to_owned()];
    let conditions = [
        Condition::one(),
        Condition::two(),
        Condition {
            given_groups: given(),
            own_groups: false,
            leave_out: true,
            largest_group: Some(7),
            ..Condition::one()
        },
        Condition {
            given_groups: given(),
            leave_out: true,
            fewest_groups: Some(2),
            most_groups: Some(4),
            ..Condition::one()
        },
    ];
    for (at, condition) in conditions.into_iter().enumerate() {
        let mut random = generator(at as u64, "moves of a page");
        let mut sort = Sort::new((1..=PICTURES).map(ImageId).collect(), condition.clone());
        let mut steps: Vec<Value> = Vec::new();
        for number in 0..700 {
            let step = match number {
                0 if at % 2 == 1 => Move::Arrange {
                    piles: vec![
                        ArrangedPile { name: "sky".to_owned(), images: vec![ImageId(4), ImageId(2)] },
                        ArrangedPile { name: String::new(), images: vec![ImageId(9)] },
                    ],
                    left_out: if condition.leave_out { vec![ImageId(7)] } else { Vec::new() },
                },
                _ => random_move(&mut random, PICTURES, &sort),
            };
            let refused = sort.make(&step).err().map(|error| error.message);
            let board = sort.board();
            let words: Vec<String> = sort.standing().breaches.iter().map(|breach| breach.words()).collect();
            steps.push(json!({
                "step": step, "refused": refused, "words": words, "moves": sort.move_count(),
                "undo": sort.can_undo(), "redo": sort.can_redo(),
                "tray": board.tray, "piles": board.piles, "left_out": board.left_out,
            }));
        }
        assert!(steps.iter().filter(|step| step["refused"].is_null()).count() > 200);
        let rules = json!({
            "fewest_groups": condition.fewest_groups, "most_groups": condition.most_groups,
            "smallest_group": condition.smallest_group, "largest_group": condition.largest_group,
            "given_groups": condition.given_groups, "own_groups": condition.allows_own_groups(),
            "leave_out": condition.leave_out,
        });
        let script = "
            const [pictures, rules, steps] = given;
            const { Sort, Refused } = await import(new URL('../../page/board.js', location.href));
            const sort = new Sort(pictures, rules);
            for (const [number, expected] of steps.entries()) {
                let refused = null;
                try {
                    sort.make(expected.step);
                } catch (error) {
                    if (!(error instanceof Refused)) throw error;
                    refused = error.message;
                }
                const seen = {
                    step: expected.step, refused, words: sort.breaches().map((it) => it.words), moves: sort.moves,
                    undo: sort.canUndo, redo: sort.canRedo, tray: sort.tray,
                    piles: sort.piles.map(({ id, name, given, images }) => ({ id, name, given, images })),
                    left_out: sort.leftOut,
                };
                const text = (it) => JSON.stringify(it, Object.keys(it).concat(['id', 'name', 'given', 'images', 'pile', 'to', 'from', 'into', 'move']).sort());
                if (text(seen) !== text(expected)) return `step ${number}: ${text(seen)} instead of ${text(expected)}`;
            }
            return null;";
        let seen = page.run_async(script, &[json!(PICTURES), rules, json!(steps)]);
        assert_eq!(seen, Value::Null, "condition {at}");
    }
}
