//! A study opened in browsers, at the level of HTTP: what a link opens, what it does not, and that nothing is lost.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::http::{HttpAnswer, get, post, request_with, send_raw};
use crate::common::{Cli, ServeProcess, sample_images, sample_labels};
use atmoscope::ids::StudyId;
use atmoscope::interchange::move_log::{self, LogEntry};
use atmoscope::project::{NewStudy, NewTask, Project, TaskOrder};
use atmoscope::server::{Clock, Limits, Server};
use atmoscope::sorting::Condition;
use serde_json::{Value, json};

const PICTURES: usize = 12;

fn first(condition: Condition) -> NewTask {
    NewTask { condition, occasion: 1, images: None }
}

/// A project with labelled pictures and a study.
fn project(folder: &Path, tasks: Vec<NewTask>, raters: &[&str]) -> (Project, StudyId) {
    let cli = Cli::new(folder);
    sample_images(&folder.join("images"), PICTURES);
    sample_labels(&folder.join("labels.csv"), PICTURES);
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images", "--labels", "labels.csv"]);
    let mut project = Project::open(&folder.join("project")).unwrap();
    let images = project.images().unwrap().iter().map(|image| image.id).collect();
    let raters = raters.iter().map(|name| (*name).to_owned()).collect();
    let study = NewStudy { name: "Moods".to_owned(), images, tasks, task_order: TaskOrder::Listed, seed: 7, raters };
    let id = project.create_study(&study).unwrap();
    (project, id)
}

/// A server in this process, and the raters' secrets.
struct Served {
    server: Server,
    address: SocketAddr,
    secrets: Vec<String>,
}

fn serve_by(clock: Clock, project: Project, study: StudyId, limits: &Limits) -> Served {
    let secrets = project.study(study).unwrap().raters.into_iter().map(|rater| rater.secret).collect();
    let server = Server::start_by(clock, project, study, "127.0.0.1:0".parse().unwrap(), limits).unwrap();
    Served { address: server.address(), server, secrets }
}

fn serve_with(project: Project, study: StudyId, limits: &Limits) -> Served {
    serve_by(Clock::of_computer(), project, study, limits)
}

fn serve(project: Project, study: StudyId) -> Served {
    serve_with(project, study, &Limits::none())
}

impl Served {
    fn path(&self, rater: usize, below: &str) -> String {
        format!("/r/{}/{below}", self.secrets[rater])
    }

    fn get(&self, rater: usize, below: &str) -> HttpAnswer {
        get(self.address, &self.path(rater, below))
    }

    fn post(&self, rater: usize, below: &str, body: &Value) -> HttpAnswer {
        post(self.address, &self.path(rater, below), body)
    }

    fn state(&self, rater: usize) -> Value {
        let answer = self.get(rater, "state");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    fn moves(&self, rater: usize, board: &Value, moves: &[(usize, Value)]) -> HttpAnswer {
        self.post(rater, "moves", &sent(board, moves))
    }
}

fn sent(board: &Value, moves: &[(usize, Value)]) -> Value {
    let moves: Vec<Value> =
        moves.iter().map(|(number, step)| json!({ "number": number, "ago_ms": 5, "move": step })).collect();
    json!({ "board": board, "moves": moves })
}

fn new_pile(images: &[usize]) -> Value {
    json!({ "move": "new_pile", "images": images })
}

fn place(images: &[usize], pile: usize) -> Value {
    json!({ "move": "place", "images": images, "pile": pile })
}

/// Moves that put all pictures into `groups` groups, with their numbers.
fn whole_sort(pictures: usize, groups: usize) -> Vec<(usize, Value)> {
    let step = |at: usize| if at <= groups { new_pile(&[at]) } else { place(&[at], (at - 1) % groups + 1) };
    (1..=pictures).map(|at| (at, step(at))).collect()
}

fn assert_strict(answer: &HttpAnswer, what: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("x-robots-tag", "noindex, nofollow"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{what}");
    }
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'self'; ") && !policy.contains("unsafe"), "{what}: {policy}");
    assert!(answer.header("cache-control").is_some(), "{what}");
}

#[test]
fn a_link_that_does_not_exist_gets_the_same_answer_whatever_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    let served = serve(project, study);
    let good = &served.secrets[0];
    let (shorter, longer) = (&good[..good.len() - 1], format!("{good}a"));
    let upper = good.to_uppercase();
    let mut expected: Option<HttpAnswer> = None;
    for path in [
        "/r/aaaaaaaaaaaaaaaaaaaa/".to_owned(),
        "/r/aaaaaaaaaaaaaaaaaaaa".to_owned(),
        "/r/aaaaaaaaaaaaaaaaaaaa/state".to_owned(),
        "/r/aaaaaaaaaaaaaaaaaaaa/moves".to_owned(),
        "/r/aaaaaaaaaaaaaaaaaaaa/pictures/1/small".to_owned(),
        "/r/aaaaaaaaaaaaaaaaaaaa/no/such/thing".to_owned(),
        format!("/r/{shorter}/"),
        format!("/r/{longer}/state"),
        format!("/r/{upper}/"),
        format!("/r/%{:02x}{}/state", good.as_bytes()[0], &good[1..]),
        format!("/r/{good}/nothing"),
        format!("/r/{good}/state/"),
        format!("/r/{good}/pictures"),
        format!("/r/{good}/pictures/1"),
        format!("/r/{good}/pictures/1/original"),
        format!("/r/{good}//state"),
        format!("//r/{good}/state"),
        format!("/r//{good}/state"),
        format!("/r/aaaa/../{good}/state"),
        format!("/r/aaaa%2f..%2f{good}/state"),
        format!("/R/{good}/state"),
        "/r/".to_owned(),
        "/r//".to_owned(),
        "/r/%00/".to_owned(),
        "/r/%ff%fe/state".to_owned(),
        "/".to_owned(),
        "/robots.txt".to_owned(),
        "/project.db".to_owned(),
        "/page/".to_owned(),
        "/page/..%2f..%2fproject.db".to_owned(),
        "/page/%2e%2e/project.db".to_owned(),
        "/../../etc/passwd".to_owned(),
    ] {
        let answer = get(served.address, &path);
        assert_strict(&answer, &path);
        let mut answer = answer;
        answer.headers.retain(|(name, _)| name != "date");
        answer.headers.sort();
        assert_eq!(answer.status, 404, "{path}");
        match &expected {
            None => expected = Some(answer),
            Some(expected) => assert_eq!(&answer, expected, "{path}"),
        }
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        for below in ["", "state", "moves", "pictures/1/small", "nothing"] {
            let path = format!("/r/aaaaaaaaaaaaaaaaaaaa/{below}");
            let mut answer = request_with(served.address, method, &path, "", b"{}").unwrap();
            answer.headers.retain(|(name, _)| name != "date");
            answer.headers.sort();
            assert_eq!(Some(&answer), expected.as_ref(), "{method} {path}");
        }
    }
    let slash = get(served.address, &format!("/r/{good}"));
    assert_eq!((slash.status, slash.header("location")), (308, Some(format!("{good}/").as_str())));
    assert_eq!(served.get(0, "").status, 200);
}

#[test]
fn wrong_methods_and_broken_bodies_are_refused_and_harm_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    let served = serve(project, study);
    let board = served.state(0)["board"].clone();
    for (method, below) in [
        ("POST", ""),
        ("PUT", "state"),
        ("POST", "state"),
        ("GET", "moves"),
        ("DELETE", "moves"),
        ("GET", "submit"),
        ("GET", "pause"),
        ("GET", "change"),
        ("POST", "pictures/1/small"),
    ] {
        let answer = request_with(served.address, method, &served.path(0, below), "", b"{}").unwrap();
        assert_eq!(answer.status, 405, "{method} {below}");
        assert_strict(&answer, below);
    }
    let good = json!({ "number": 1, "ago_ms": 0, "move": new_pile(&[1]) });
    let with = |key: &str, value: Value| {
        let mut changed = good.clone();
        changed[key] = value;
        json!({ "board": board, "moves": [changed] })
    };
    let deep = format!("{{\"board\":{}", "[".repeat(30_000));
    let mut bodies: Vec<Vec<u8>> =
        vec![b"".to_vec(), b"{".to_vec(), b"null".to_vec(), b"[]".to_vec(), b"\xff\xfe".to_vec()];
    bodies.push(deep.into_bytes());
    bodies.extend(
        [
            json!({}),
            json!({ "board": board }),
            json!({ "board": board, "moves": [] }),
            json!({ "board": board, "moves": good }),
            json!({ "board": 7, "moves": [good] }),
            json!({ "board": board, "moves": [good], "rater": 2 }),
            with("number", json!(-1)),
            with("number", json!("1")),
            with("number", json!(u64::MAX)),
            with("ago_ms", json!(-5)),
            with("ago_ms", json!(1.5)),
            with("move", json!("undo")),
            with("move", json!({ "move": "drop_table" })),
            with("move", new_pile(&[0])),
            with("move", new_pile(&[PICTURES + 1])),
            with("move", json!({ "move": "new_pile", "images": [-1] })),
            with("move", json!({ "move": "new_pile", "images": ["picture-000.png"] })),
            with("move", json!({ "move": "place", "images": [1], "pile": "1" })),
            with("move", json!({ "move": "arrange", "piles": [{ "name": "", "images": [1] }], "left_out": [] })),
        ]
        .iter()
        .map(|body| body.to_string().into_bytes()),
    );
    for body in &bodies {
        let answer = request_with(served.address, "POST", &served.path(0, "moves"), "", body).unwrap();
        assert_eq!(answer.status, 400, "{}", String::from_utf8_lossy(&body[..body.len().min(200)]));
        assert_strict(&answer, "moves");
    }
    for below in ["submit", "change"] {
        for body in [&b""[..], b"{}", b"[]", b"{\"task\":-1}", b"{\"board\":1,\"moves\":1}"] {
            let answer = request_with(served.address, "POST", &served.path(0, below), "", body).unwrap();
            assert_eq!(answer.status, 400, "{below}");
        }
    }
    let refused = [
        // Makes no sense now.
        (1, place(&[1], 1)),
        (1, json!({ "move": "undo" })),
        (1, json!({ "move": "leave_out", "images": [1] })),
        (1, new_pile(&[1, 1])),
        // Out of step.
        (0, new_pile(&[1])),
        (2, new_pile(&[1])),
    ];
    for refused in refused {
        let answer = served.moves(0, &board, std::slice::from_ref(&refused));
        assert_eq!(answer.status, 409, "{refused:?}");
    }
    let mut too_large = json!({ "board": board, "moves": [good] }).to_string().into_bytes();
    too_large.resize(64 * 1024 + 1, b' ');
    let answer = request_with(served.address, "POST", &served.path(0, "moves"), "", &too_large).unwrap();
    assert_eq!(answer.status, 413);
    too_large.truncate(64 * 1024);
    let answer = request_with(served.address, "POST", &served.path(0, "moves"), "", &too_large).unwrap();
    assert_eq!(answer.status, 200, "just small enough");
    for raw in [
        &b"GARBAGE\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /r/x/moves HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    ] {
        let _ = send_raw(served.address, &[raw, b"\r\n\r\n"].concat());
    }
    let long = format!("GET /r/{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000));
    assert_ne!(send_raw(served.address, long.as_bytes()).map(|answer| answer.status), Some(200));
    // All that came of it is the one good move.
    assert_eq!(served.state(0)["moves"], json!([new_pile(&[1])]));
}

#[test]
fn those_who_say_nothing_keep_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    let served = serve(project, study);
    let mut silent: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(served.address).unwrap()).collect();
    for stream in &mut silent {
        stream.write_all(b"GET /r/").unwrap();
    }
    let started = Instant::now();
    assert_eq!(served.get(0, "state").status, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // They are sent away, those whose head never ends and those whose body does not come.
    let mut no_body = TcpStream::connect(served.address).unwrap();
    let head = format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{", served.path(0, "moves"));
    no_body.write_all(head.as_bytes()).unwrap();
    silent.push(no_body);
    for stream in &mut silent {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(!rest.windows(4).any(|four| four == b" 200"), "{}", String::from_utf8_lossy(&rest));
    }
}

/// A body that comes byte by byte, each in a packet of its own, is read as any other, and takes no more memory: pieces
/// that hold on to the buffers they were read into took hundreds of megabytes.
#[test]
fn a_body_that_comes_in_bytes_is_read_and_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    let served = serve(project, study);
    let peak_kb = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS"));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
    };
    let before = peak_kb();
    let body = format!("{}{}", " ".repeat(12_000), sent(&served.state(0)["board"], &[(1, new_pile(&[1]))]));
    let mut stream = TcpStream::connect(served.address).unwrap();
    stream.set_nodelay(true).unwrap();
    let path = served.path(0, "moves");
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).unwrap();
    for byte in body.as_bytes() {
        stream.write_all(std::slice::from_ref(byte)).unwrap();
    }
    // Looked at while the body is still there.
    let after = peak_kb();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    if let (Some(before), Some(after)) = (before, after) {
        assert!(after < before + 40_000, "{before} kB became {after}");
    }
}

#[test]
fn a_rater_reaches_nothing_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let some = NewTask { condition: Condition::one(), occasion: 2, images: Some(4) };
    let tasks =
        vec![first(Condition { name: "gloomy?".to_owned(), ..Condition::one() }), first(Condition::one()), some];
    let (project, study) = project(folder.path(), tasks, &["Adelheid", "Bartholomäus"]);
    let images = project.images().unwrap();
    let served = serve(project, study);
    let [a, b] = [0, 1].map(|rater| served.state(rater));
    assert_ne!(a["board"], b["board"]);
    let mut answers: Vec<(String, HttpAnswer)> = Vec::new();
    for below in ["", "state", "moves", "submit", "change", "pictures/1/small", "pictures/1/large", "x"] {
        answers.push((below.to_owned(), served.get(0, below)));
    }

    // Everything of B, asked for with A's link.
    let steps = whole_sort(PICTURES, 3);
    answers.push(("B's board".to_owned(), served.moves(0, &b["board"], &steps)));
    let b_secret = &served.secrets[1];
    for below in [
        format!("../{b_secret}/state"),
        format!("..%2f{b_secret}%2fstate"),
        format!("{b_secret}/state"),
        format!("state?rater={b_secret}"),
        format!("pictures/1/small?of={}", b["board"].as_str().unwrap()),
    ] {
        answers.push((below.clone(), served.get(0, &below)));
    }
    answers.push(("B's submission".to_owned(), served.post(0, "submit", &json!({ "board": b["board"], "moves": 0 }))));
    let statuses: Vec<u16> = answers[8..].iter().map(|(_, answer)| answer.status).collect();
    assert_eq!(statuses, [409, 404, 404, 404, 200, 404, 409]);
    assert_eq!(served.state(1)["moves"], json!([]), "B's sort is untouched");
    assert_eq!(served.state(0)["moves"], json!([]));

    // A's own work up to the end, with pictures under guessed numbers.
    assert_eq!(served.moves(0, &a["board"], &steps).status, 200);
    for number in ["0", "13", "-1", "1.0", "1e0", "+1", "%31%00", "18446744073709551616", "a", "..%2f1", "1%2fsmall"] {
        for size in ["small", "large"] {
            let answer = served.get(0, &format!("pictures/{number}/{size}"));
            // A plus sign is a way to write a number.
            assert_eq!(answer.status, if number == "+1" { 200 } else { 404 }, "{number}");
            answers.push((number.to_owned(), answer));
        }
    }
    for number in 1..=PICTURES {
        for size in ["small", "large"] {
            let answer = served.get(0, &format!("pictures/{number}/{size}"));
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/jpeg")));
            assert!(answer.header("cache-control").unwrap().starts_with("private"));
            answers.push((format!("{number} {size}"), answer));
        }
    }
    for task in 1..=3 {
        let state = served.state(0);
        let done = state["moves"].as_array().unwrap().len();
        let pictures = state["shapes"].as_array().unwrap().len();
        assert_eq!(pictures, if task == 3 { 4 } else { PICTURES });
        assert_eq!(served.get(0, &format!("pictures/{}/small", pictures + 1)).status, 404);
        let rest: Vec<_> = if done == 0 { whole_sort(pictures, 1) } else { Vec::new() };
        if !rest.is_empty() {
            answers.push(("moves".to_owned(), served.moves(0, &state["board"], &rest)));
        }
        let moves = done + rest.len();
        answers
            .push(("submit".to_owned(), served.post(0, "submit", &json!({ "board": state["board"], "moves": moves }))));
    }
    let (_, end) = answers.last().unwrap();
    assert_eq!(end.json()["stage"], "finished", "{}", end.text());
    assert_eq!(served.get(0, "pictures/1/small").status, 404, "no picture without a sort");

    let hidden: Vec<String> =
        ["Bartholom", "project.db", "picture-0", ".png", "night", "静か", "gloomy", "image_id", "sort_id"]
            .iter()
            .map(|text| (*text).to_owned())
            .chain([b_secret.clone(), b["board"].as_str().unwrap().to_owned()])
            .chain(images.iter().map(|image| image.content_hash[..16].to_owned()))
            .chain([folder.path().display().to_string()])
            .collect();
    for (what, answer) in &answers {
        assert_strict(answer, what);
        let head = format!("{:?}", answer.headers);
        for hidden in &hidden {
            let inside = |bytes: &[u8]| bytes.windows(hidden.len()).any(|some| some == hidden.as_bytes());
            assert!(!inside(&answer.body) && !inside(head.as_bytes()), "{what} tells “{hidden}”: {}", answer.text());
        }
    }
}

#[test]
fn pictures_are_new_ones_in_the_raters_own_order() {
    let folder = tempfile::tempdir().unwrap();
    let (mut project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    let record = project.study(study).unwrap();
    let sort = project.open_sort(study, record.raters[0].person.id, record.tasks[0].id).unwrap();
    let paths = project.image_paths().unwrap();
    let order = sort.sort.order().to_vec();
    // A large one that tells where it was taken.
    let huge = image::RgbImage::from_fn(2400, 1200, |x, y| image::Rgb([(x / 10) as u8, (y / 5) as u8, 90]));
    let with_exif = folder.path().join("exif.jpg");
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(std::fs::File::create(&with_exif).unwrap());
    image::ImageEncoder::set_exif_metadata(&mut encoder, b"II*\0\x08\0\0\0\0\0 GPS 35.0 N".to_vec()).unwrap();
    encoder.encode_image(&huge).unwrap();
    assert!(std::fs::read(&with_exif).unwrap().windows(4).any(|four| four == b"Exif"));
    std::fs::copy(&with_exif, &paths[&order[0]]).unwrap();
    // As if it had been imported so.
    let hash = atmoscope::imaging::content_hash(&std::fs::read(&with_exif).unwrap());
    rusqlite::Connection::open(folder.path().join("project/project.db"))
        .unwrap()
        .execute("UPDATE images SET content_hash = ?1 WHERE id = ?2", rusqlite::params![hash, order[0].0])
        .unwrap();
    std::fs::remove_dir_all(folder.path().join("project/cache")).unwrap();
    let served = serve(project, study);
    for (place, image) in order.iter().enumerate() {
        for (size, longest) in [("small", 256), ("large", 1600)] {
            let answer = served.get(0, &format!("pictures/{}/{size}", place + 1));
            let shown = image::load_from_memory(&answer.body).unwrap().to_rgb8();
            assert!(shown.width().max(shown.height()) <= longest);
            assert!(!answer.body.windows(4).any(|four| four == b"Exif"), "no EXIF");
            let original = image::load_from_memory(&std::fs::read(&paths[image]).unwrap()).unwrap().to_rgb8();
            let aspect = |image: &image::RgbImage| f64::from(image.width()) / f64::from(image.height());
            assert!((aspect(&shown) - aspect(&original)).abs() < 0.05, "the picture at its place");
        }
    }
    let of = served.state(0)["board"].as_str().unwrap().to_owned();
    let kept = served.get(0, &format!("pictures/1/small?of={of}"));
    assert!(kept.header("cache-control").unwrap().contains("immutable"));
    assert_eq!(served.get(0, "pictures/1/small?of=other").status, 404);
    // A file that is gone is no secret to the researcher, and none of the rater's business.
    served.server.stop();
    std::fs::remove_dir_all(folder.path().join("project/cache")).unwrap();
    std::fs::remove_file(&paths[&order[3]]).unwrap();
    let served = serve(Project::open(&folder.path().join("project")).unwrap(), study);
    let gone = served.get(0, "pictures/4/small");
    assert_eq!(gone.status, 503);
    assert!(!gone.text().contains("picture-"));
    let problem = served.server.next_problem(Duration::from_secs(5)).unwrap();
    assert!(problem.contains(paths[&order[3]].file_name().unwrap().to_str().unwrap()), "{problem}");
    assert_eq!(served.get(0, "pictures/5/small").status, 200);
}

#[test]
fn many_bad_links_are_refused_and_good_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    let served = serve_with(project, study, &Limits::default());
    let statuses: Vec<u16> = (0..60).map(|at| get(served.address, &format!("/r/{at:020}/state")).status).collect();
    assert_eq!(statuses[..20], [404; 20]);
    assert_eq!(statuses[50..], [429; 10]);
    let refused = get(served.address, "/r/aaaa/");
    assert!(refused.header("retry-after").is_some());
    assert_strict(&refused, "429");
    assert_eq!(served.get(0, "state").status, 200, "the same address with a good link");
    let elsewhere = request_with(served.address, "GET", "/r/aaaa/", "X-Forwarded-For: 10.0.0.1, 203.0.113.9\r\n", b"");
    assert_eq!(elsewhere.unwrap().status, 404, "another address behind the proxy");
    // Honest work: 500 small pictures and a burst of moves at once.
    for at in 0..500 {
        assert_eq!(served.get(0, &format!("pictures/{}/small", at % PICTURES + 1)).status, 200);
    }
    let mut link_refused = false;
    for _ in 0..4000 {
        link_refused |= served.get(0, "").status == 429;
        if link_refused {
            break;
        }
    }
    assert!(link_refused, "one link can ask without end");
}

#[test]
fn moves_are_stored_once_with_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    let reader = project.share_for_reading().unwrap();
    // Tomorrow: a sort begins by the computer's clock, and no move of it is older.
    let begun = time::OffsetDateTime::now_utc() + time::Duration::days(1);
    let clock = Clock::standing_at(begun);
    let served = serve_by(clock.clone(), project, study, &Limits::none());
    let board = served.state(0)["board"].clone();
    let steps = whole_sort(PICTURES, 3);
    assert_eq!(served.moves(0, &board, &steps[..5]).json(), json!({ "stored": 5 }));
    // The answer was lost; the page sends them again, with those made since.
    clock.put_on(time::Duration::seconds(1));
    assert_eq!(served.moves(0, &board, &steps[2..8]).json(), json!({ "stored": 8 }));
    assert_eq!(served.moves(0, &board, &[(8, new_pile(&[1]))]).status, 409, "another move of that number");
    let late = |ago_ms: [u64; 4], numbers: std::ops::RangeInclusive<usize>| {
        let step = |(number, ago_ms): (usize, u64)| {
            let step = if number % 2 == 1 { "undo" } else { "redo" };
            json!({ "number": number, "ago_ms": ago_ms, "move": { "move": step } })
        };
        json!({ "board": board, "moves": numbers.zip(ago_ms).map(step).collect::<Vec<_>>() })
    };
    // Ten seconds later: ages that cannot be, one that can, and one older than the move before it.
    clock.put_on(time::Duration::seconds(10));
    let years_ms = 3_600_000_u64 * 24 * 365 * 80;
    assert_eq!(
        served.post(0, "moves", &late([years_ms, u64::MAX, 2000, 9000], 9..=12)).json(),
        json!({ "stored": 12 })
    );
    // A clock that was set back by an hour makes no later move the earlier one, and one that goes on again is believed.
    clock.put_on(-time::Duration::hours(1));
    assert_eq!(served.post(0, "moves", &late([0, 0, 3000, 0], 13..=16)).json(), json!({ "stored": 16 }));
    clock.put_on(time::Duration::hours(2));
    assert_eq!(served.post(0, "moves", &late([2_000, 1_500, 1_500, 0], 17..=20)).json(), json!({ "stored": 20 }));
    let sort = reader.sorts_of(study).unwrap()[0];
    let log = reader.sort_log(sort).unwrap();
    assert_eq!(log.iter().map(|logged| logged.number).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    let parse = |text: &str| time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap();
    let made_ms: Vec<i128> = log.iter().map(|logged| (parse(&logged.made_at) - begun).whole_milliseconds()).collect();
    let hour = 3_600_000;
    let expected = [
        vec![-5; 5],
        vec![995; 3],
        // The move before, twice; two seconds before the time; that again, since moves come one after another.
        vec![995, 995, 9000, 9000],
        vec![9000; 4],
        vec![hour + 9000, hour + 9500, hour + 9500, hour + 11_000],
    ];
    assert_eq!(made_ms, expected.concat());
    // Visits: begun with the page, ended with it.
    assert_eq!(served.post(0, "pause", &json!({})).status, 204);
    assert_eq!(served.post(0, "pause", &json!({})).status, 204);
    served.state(0);
    served.server.stop();
    let visits = reader.sort_visits(sort).unwrap();
    assert_eq!(visits.len(), 2);
    assert!(visits.iter().all(|visit| visit.paused_at.is_some()));
}

#[test]
fn a_rater_goes_through_the_tasks_and_may_change_what_was_submitted() {
    let folder = tempfile::tempdir().unwrap();
    let tasks = vec![first(Condition::two()), first(Condition::one())];
    let (project, study) = project(folder.path(), tasks, &["Ada"]);
    let reader = project.share_for_reading().unwrap();
    let served = serve(project, study);
    let state = served.state(0);
    assert_eq!(state["task"]["text"], Condition::two().task());
    assert_eq!((&state["task"]["number"], &state["task"]["of"]), (&json!(1), &json!(2)));
    assert_eq!((state["rater"].as_str(), state["study"].as_str()), (Some("Ada"), Some("Moods")));
    let submit =
        |state: &Value, moves: usize| served.post(0, "submit", &json!({ "board": state["board"], "moves": moves }));
    served.moves(0, &state["board"], &whole_sort(PICTURES, 7));
    let early = submit(&state, PICTURES);
    assert_eq!(early.status, 409);
    assert!(early.json()["words"].as_str().unwrap().contains("7 of 8 groups"), "{}", early.text());
    served.moves(0, &state["board"], &[(PICTURES + 1, new_pile(&[1]))]);
    assert_eq!(submit(&state, PICTURES).status, 409, "the rater saw another board");
    assert_eq!(served.moves(0, &state["board"], &[(PICTURES + 2, new_pile(&[8]))]).status, 200);
    let second = submit(&state, PICTURES + 2).json();
    assert_eq!((&second["stage"], &second["task"]["number"]), (&json!("sorting"), &json!(2)));
    assert_eq!(served.moves(0, &state["board"], &[(PICTURES + 3, json!({ "move": "undo" }))]).status, 409, "frozen");
    assert_eq!(served.post(0, "change", &json!({ "task": 1 })).status, 409, "first finish what is under way");
    served.moves(0, &second["board"], &whole_sort(PICTURES, 3));
    let end = submit(&second, PICTURES).json();
    let texts = [Condition::two().task(), Condition::one().task()];
    let expected = json!({ "stage": "finished", "study": "Moods", "rater": "Ada", "tasks": texts, "open": true });
    assert_eq!(end, expected);
    assert_eq!(served.state(0), expected);
    for task in [0, 3, usize::MAX] {
        assert_eq!(served.post(0, "change", &json!({ "task": task })).status, 400);
    }
    let again = served.post(0, "change", &json!({ "task": 2 })).json();
    assert_eq!((&again["task"]["number"], &again["task"]["changing"]), (&json!(2), &json!(true)));
    assert_ne!(again["board"], second["board"]);
    assert_eq!(again["moves"].as_array().unwrap().len(), 1, "begins with the groups as they were");
    assert_eq!(submit(&again, 1).json(), expected);
    let versions: Vec<(String, usize)> =
        reader.groupings().unwrap().into_iter().map(|grouping| (grouping.condition, grouping.version)).collect();
    assert_eq!(versions, [("1".to_owned(), 1), ("1".to_owned(), 2), ("2".to_owned(), 1)]);
}

#[test]
fn raters_who_are_out_and_closed_studies_are_told_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada", "Ben", "Cyd"]);
    let mut window = project.share().unwrap();
    let raters: Vec<_> = window.study(study).unwrap().raters.iter().map(|rater| rater.person.id).collect();
    let served = serve(project, study);
    let board = served.state(0)["board"].clone();
    assert_eq!(served.get(0, "pictures/1/small").status, 200);
    // Changed in the window of the same process while the server runs.
    window.remove_rater(study, raters[0]).unwrap();
    window.renew_link(study, raters[1]).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while served.get(0, "state").status != 410 {
        assert!(Instant::now() < deadline, "a removed rater still gets in");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(served.moves(0, &board, &whole_sort(PICTURES, 3)).status, 410);
    assert_eq!(served.get(0, "pictures/1/small").status, 410);
    let page = served.get(0, "");
    assert!(page.status == 410 && page.text().contains("no longer in use"), "{}", page.text());
    assert_eq!(served.get(1, "state").status, 404, "the old link");
    let renewed = window.study(study).unwrap().raters[1].secret.clone();
    assert_eq!(get(served.address, &format!("/r/{renewed}/state")).status, 200);
    let cyd = served.state(2);
    window.set_study_closed(study, true).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while served.get(2, "state").status != 410 {
        assert!(Instant::now() < deadline, "a closed study goes on");
        std::thread::sleep(Duration::from_millis(50));
    }
    let words = served.get(2, "state").json()["words"].as_str().unwrap().to_owned();
    assert!(words.contains("closed"), "{words}");
    assert_eq!(served.moves(2, &cyd["board"], &whole_sort(PICTURES, 3)).status, 410);
    assert_eq!(served.get(2, "pictures/1/small").status, 410);
    window.set_study_closed(study, false).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while served.moves(2, &cyd["board"], &whole_sort(PICTURES, 3)).status != 200 {
        assert!(Instant::now() < deadline, "a study opened again stays closed");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_server_killed_in_the_middle_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada", "Ben"]);
    drop(project);
    let cli = Cli::new(folder.path());
    let process = ServeProcess::start(&cli, "127.0.0.1:0");
    let (address, paths) = (process.address, process.paths.clone());
    let boards: Vec<Value> =
        paths.iter().map(|path| get(address, &format!("{path}state")).json()["board"].clone()).collect();
    // Both send one move after another; the server dies while they do, and they send again until they are answered.
    let steps = whole_sort(PICTURES, 3);
    let process = std::sync::Mutex::new(Some(process));
    std::thread::scope(|scope| {
        for (path, board) in paths.iter().zip(&boards) {
            let steps = &steps;
            scope.spawn(move || {
                for step in steps {
                    let body = sent(board, std::slice::from_ref(step)).to_string();
                    let deadline = Instant::now() + Duration::from_secs(60);
                    let path = format!("{path}moves");
                    while request_with(address, "POST", &path, "", body.as_bytes()).is_none_or(|it| it.status != 200) {
                        assert!(Instant::now() < deadline, "never stored: {body}");
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    std::thread::sleep(Duration::from_millis(30));
                }
            });
        }
        for pause in [120, 150] {
            std::thread::sleep(Duration::from_millis(pause));
            let mut process = process.lock().unwrap();
            drop(process.take());
            *process = Some(ServeProcess::start(&cli, &address.to_string()));
        }
    });
    let state = get(address, &format!("{}state", paths[0])).json();
    assert_eq!(state["board"], boards[0], "the same sort as before");
    drop(process);
    let project = Project::open_read_only(&folder.path().join("project")).unwrap();
    let parse = |text: &str| time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap();
    for sort in project.sorts_of(study).unwrap() {
        let log = project.sort_log(sort).unwrap();
        let numbers: Vec<usize> = log.iter().map(|logged| logged.number).collect();
        assert_eq!(numbers, (1..=PICTURES).collect::<Vec<_>>());
        // Made before they were stored, by one clock.
        assert!(log.iter().all(|logged| parse(&logged.made_at) <= parse(&logged.stored_at)), "{log:?}");
        assert!(project.sort(sort).unwrap().sort.standing().is_complete());
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_in_good_order() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    drop(project);
    let process = ServeProcess::start(&Cli::new(folder.path()), "127.0.0.1:0");
    assert_eq!(get(process.address, &format!("{}state", process.paths[0])).status, 200);
    // A browser that keeps its connection open holds nothing up.
    let _open = TcpStream::connect(process.address).unwrap();
    let asked = Instant::now();
    assert_eq!(process.interrupt(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    let project = Project::open(&folder.path().join("project")).unwrap();
    let visits = project.sort_visits(project.sorts_of(study).unwrap()[0]).unwrap();
    assert!(visits.len() == 1 && visits[0].paused_at.is_some(), "{visits:?}");
}

#[test]
fn a_hundred_raters_moving_at_once_lose_nothing() {
    const RATERS: usize = 100;
    const MOVES: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..RATERS).map(|rater| format!("rater {rater}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &names);
    let reader = project.share_for_reading().unwrap();
    let served = serve_with(project, study, &Limits::default());
    let boards: Vec<Value> = (0..RATERS).map(|rater| served.state(rater)["board"].clone()).collect();
    let step = |rater: usize, number: usize| match number {
        1 => new_pile(&[rater % PICTURES + 1]),
        2 => new_pile(&[(rater + 1) % PICTURES + 1, (rater + 2) % PICTURES + 1]),
        number if number % 5 == 0 => json!({ "move": "undo" }),
        number if number % 5 == 1 => json!({ "move": "redo" }),
        number => place(&[(rater + number) % PICTURES + 1], number % 2 + 1),
    };
    let mut waits: Vec<Duration> = std::thread::scope(|scope| {
        let sending: Vec<_> = (0..RATERS)
            .map(|rater| {
                let (served, board) = (&served, &boards[rater]);
                scope.spawn(move || -> Vec<Duration> {
                    (1..=MOVES)
                        .map(|number| {
                            let started = Instant::now();
                            let answer = served.moves(rater, board, &[(number, step(rater, number))]);
                            // A move that makes no sense now is refused; the rater undoes or names another one.
                            if answer.status != 200 {
                                let spare = json!({ "move": "new_pile", "images": [] });
                                assert_eq!(served.moves(rater, board, &[(number, spare)]).status, 200);
                            }
                            started.elapsed()
                        })
                        .collect()
                })
            })
            .collect();
        sending.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    served.server.stop();
    let sorts = reader.sorts_of(study).unwrap();
    assert_eq!(sorts.len(), RATERS);
    for sort in sorts {
        let numbers: Vec<usize> = reader.sort_log(sort).unwrap().iter().map(|logged| logged.number).collect();
        assert_eq!(numbers, (1..=MOVES).collect::<Vec<_>>());
        reader.sort(sort).unwrap();
    }
    waits.sort_unstable();
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
    println!(
        "{RATERS} raters at once, {} moves: {:.1} ms in the middle, {:.1} ms at 99 %, {:.1} ms at most",
        waits.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

#[test]
fn studies_without_a_window() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let cli = Cli::new(path);
    sample_images(&path.join("images"), PICTURES);
    cli.ok(&["new", "project"]);
    cli.ok(&["import", "project", "images"]);
    assert!(cli.ok(&["study", "show", "project"]).contains("No studies yet"));
    assert!(cli.fails(2, &["serve", "project"]).contains("no study yet"));
    std::fs::write(path.join("moods.toml"), "given_groups = [\"calm\", \"wild\"]\nown_groups = false\n").unwrap();
    let made = cli.json(&[
        "study",
        "new",
        "project",
        "--name",
        "first",
        "--raters",
        "Ada, 森",
        "--condition",
        "2",
        "--condition",
        "moods.toml",
        "--retest",
        "8",
        "--rotate",
        "--seed",
        "5",
    ]);
    assert_eq!((&made["images"], &made["task_order"], &made["seed"]), (&json!(PICTURES), &json!("rotated"), &json!(5)));
    let conditions: Vec<&str> =
        made["tasks"].as_array().unwrap().iter().map(|task| task["condition"]["name"].as_str().unwrap()).collect();
    assert_eq!(conditions, ["2", "moods", "2", "moods"]);
    assert_eq!(made["links"][1]["rater"], "森");

    std::fs::write(path.join("list.txt"), "picture-001.png\npicture-004.png\npicture-007.png\n").unwrap();
    let listed = cli.json(&["study", "new", "project", "--name", "short", "--images", "list.txt", "--condition", "1"]);
    assert_eq!((&listed["images"], &listed["links"]), (&json!(3), &json!([])));
    std::fs::write(path.join("bad.toml"), "colour = 1\n").unwrap();
    for (arguments, says) in [
        (&["--images", "test"][..], "not split yet"),
        (&["--condition", "3"], "3"),
        (&["--condition", "bad.toml"], "unknown field `colour`"),
        (&["--retest", "some"], "not a number"),
        (&["--images", "no-list.txt"], "no-list.txt"),
        (&["--condition", "1", "--condition", "1"], "two conditions"),
    ] {
        let error = cli.fails(2, &[&["study", "new", "project", "--name", "x"], arguments].concat());
        assert!(error.contains(says), "{error}");
    }

    assert!(cli.fails(2, &["study", "add-rater", "project", "Zoë"]).contains("several studies"));
    let link =
        cli.json(&["study", "add-rater", "project", "Zoë", "--study", "short", "--base-url", "https://x.org/s/"]);
    assert!(link["link"].as_str().unwrap().starts_with("https://x.org/s/r/"));
    let renewed = cli.json(&["study", "renew-link", "project", "Zoë", "--study", "short"]);
    assert_ne!(renewed["link"].as_str().unwrap().rsplit('/').nth(1), link["link"].as_str().unwrap().rsplit('/').nth(1));
    assert!(cli.fails(2, &["study", "remove-rater", "project", "Yan", "--study", "short"]).contains("Yan"));
    cli.ok(&["study", "remove-rater", "project", "森", "--study", "first"]);
    cli.ok(&["study", "close", "project", "--study", "first"]);
    let shown = cli.ok(&["study", "show", "project", "--study", "first"]);
    assert!(shown.contains("closed") && shown.contains("森: 0 of 4 tasks submitted  removed"), "{shown}");
    cli.ok(&["study", "reopen", "project", "--study", "first"]);
    assert!(!cli.ok(&["study", "show", "project"]).contains("closed"));

    // One rater sorts; the log tells it by name, and reads back.
    let mut project = Project::open(&path.join("project")).unwrap();
    let study = project.study_named(Some("first")).unwrap();
    let sort = project.open_sort(study.id, study.raters[0].person.id, study.tasks[0].id).unwrap();
    let places: Vec<String> = {
        let names: std::collections::HashMap<_, _> =
            project.images().unwrap().into_iter().map(|image| (image.id, image.relative_path)).collect();
        sort.sort.order().iter().map(|image| names[image].clone()).collect()
    };
    let served = serve(project, study.id);
    let board = served.state(0)["board"].clone();
    served.moves(0, &board, &whole_sort(PICTURES, 3)[..5]);
    let show = cli.ok(&["study", "show", "project", "--study", "first"]);
    assert!(show.contains("Ada: 0 of 4 tasks submitted; condition 2: 5 of 12 placed, 5 moves"), "{show}");
    assert!(cli.fails(2, &["study", "close", "project", "--study", "first"]).contains("another Atmoscope"));
    assert!(cli.fails(2, &["study", "log", "project", "--study", "first", "--out", "log.csv"]).contains(".jsonl"));
    let told = cli.json(&["study", "log", "project", "--study", "first", "--out", "log.jsonl"]);
    assert_eq!((&told["moves"], &told["visits"]), (&json!(5), &json!(1)));
    let bytes = std::fs::read(path.join("log.jsonl")).unwrap();
    let parsed = move_log::parse(&bytes);
    assert_eq!((parsed.problems.len(), parsed.value.len()), (0, 6));
    assert!(parsed.value.iter().all(|line| (line.rater.as_str(), line.condition.as_str()) == ("Ada", "2")));
    let LogEntry::Move { number, step, .. } = &parsed.value[5].entry else { panic!("{:?}", parsed.value[5]) };
    assert_eq!(*number, 5);
    let expected = json!({ "move": "place", "images": [places[4]], "pile": 2 });
    assert_eq!(serde_json::to_value(step).unwrap(), expected);
    let mut again = Vec::new();
    move_log::write(&parsed.value, &mut again).unwrap();
    assert_eq!(again, bytes);
}

#[test]
fn an_address_that_is_not_this_computers_own_is_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let (project, _) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    drop(project);
    let cli = Cli::new(folder.path());
    let run = |address: &str| {
        let mut child = cli
            .command(&["serve", "project", "--address", address])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        while !text.contains("Ctrl+C") {
            assert_ne!(out.read_line(&mut text).unwrap(), 0, "{text}");
        }
        child.kill().unwrap();
        let ended = child.wait_with_output().unwrap();
        (text, String::from_utf8(ended.stderr).unwrap())
    };
    let (out, err) = run("127.0.0.1:0");
    assert!(out.contains("  Ada: http://127.0.0.1:") && err.is_empty(), "{out}{err}");
    let (_, err) = run("0.0.0.0:0");
    assert!(err.contains("unencrypted") && err.contains("TLS"), "{err}");
    let taken = TcpStream::connect("127.0.0.1:1").is_err();
    assert!(taken, "port 1 answers");
    assert!(cli.fails(2, &["serve", "project", "--address", "192.0.2.1:8085"]).contains("192.0.2.1"));
}

#[test]
fn a_body_that_is_too_long_is_refused_in_the_pages_terms() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    let served = serve(project, study);
    let answer = request_with(served.address, "POST", &served.path(0, "moves"), "", &[b' '; 64 * 1024 + 1]).unwrap();
    assert_eq!((answer.status, answer.json()["error"].as_str()), (413, Some("too_long")));
    // Without its length, in chunks.
    let chunk = format!("{:x}\r\n{}\r\n", 32 * 1024, " ".repeat(32 * 1024));
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        served.path(0, "moves")
    );
    let answer = send_raw(served.address, format!("{head}{}0\r\n\r\n", chunk.repeat(3)).as_bytes()).unwrap();
    assert_eq!((answer.status, answer.json()["error"].as_str()), (413, Some("too_long")));
}

#[test]
fn asking_for_the_head_of_an_answer_begins_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    let served = serve(project, study);
    for below in ["state", "pictures/1/small"] {
        let answer = request_with(served.address, "HEAD", &served.path(0, below), "", b"").unwrap();
        assert_eq!(answer.status, 405, "{below}");
    }
    assert_eq!(request_with(served.address, "HEAD", &served.path(0, ""), "", b"").unwrap().status, 200);
    served.server.stop();
    let project = Project::open(&folder.path().join("project")).unwrap();
    assert!(project.sorts_of(study).unwrap().is_empty(), "a sort was begun");
}

#[test]
fn one_link_with_slow_bodies_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada", "Eve"]);
    let served = serve_with(project, study, &Limits::default());
    let slow = |served: &Served| {
        let mut stream = TcpStream::connect(served.address).unwrap();
        let head = format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{{", served.path(1, "moves"));
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let mut streams: Vec<TcpStream> = (0..900).map(|_| slow(&served)).collect();
    let mut slowest = Duration::ZERO;
    for _ in 0..40 {
        let asked = Instant::now();
        assert_eq!(served.get(0, "state").status, 200);
        slowest = slowest.max(asked.elapsed());
        // Those that were sent away come again.
        for stream in streams.iter_mut().take(20) {
            *stream = slow(&served);
        }
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    // The twelve that may be slow are sent away after five seconds.
    let asked = Instant::now();
    for mut stream in streams {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.windows(4).any(|four| four == b" 200"), "{}", String::from_utf8_lossy(&rest));
    }
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
}

#[test]
fn connections_that_rest_make_room_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    let served = serve(project, study);
    let mut open: Vec<TcpStream> = Vec::new();
    for _ in 0..1000 {
        let mut stream = TcpStream::connect(served.address).unwrap();
        let _ = stream.write_all(b"GET /page/page.css HTTP/1.1\r\nHost: x\r\n\r\n");
        open.push(stream);
    }
    let asked = Instant::now();
    assert_eq!(served.get(0, "state").status, 200);
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    let problem = served.server.next_problem(Duration::from_secs(5)).unwrap();
    assert!(problem.contains("all 800 connections are in use"), "{problem}");
}

#[test]
fn a_rater_cannot_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada", "Eve"]);
    let served = serve(project, study);
    let board = served.state(1)["board"].clone();
    let before = crate::common::peak_memory_bytes();
    // Twenty groups may be set out beforehand, not one more.
    for number in 1..=20 {
        assert_eq!(served.moves(1, &board, &[(number, new_pile(&[]))]).status, 200);
    }
    let refused = served.moves(1, &board, &[(21, new_pile(&[]))]);
    assert_eq!(refused.status, 409);
    assert!(refused.json()["words"].as_str().unwrap().contains("without a picture"));
    // Long names, over and over.
    let mut number = 21;
    while number <= 8_000 {
        let moves: Vec<(usize, Value)> = (number..number + 60)
            .map(|number| {
                let name = "🌊".repeat(196) + &format!("{:04}", number % 10_000);
                (number, json!({ "move": "rename", "pile": number % 20 + 1, "name": name }))
            })
            .collect();
        assert_eq!(served.moves(1, &board, &moves).status, 200);
        number += 60;
    }
    if let (Some(before), Some(after)) = (before, crate::common::peak_memory_bytes()) {
        println!("{} MB for {number} moves", (after - before) / 1_000_000);
        assert!(after - before < 100_000_000, "{} MB", (after - before) / 1_000_000);
    }
    // Opened anew, it keeps nobody waiting.
    served.server.stop();
    let project = Project::open(&folder.path().join("project")).unwrap();
    let served = serve(project, study);
    let asked = Instant::now();
    assert_eq!(served.get(1, "state").status, 200);
    println!("opened in {:?}", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[test]
fn names_that_cannot_be_told_apart_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada", "E\u{202e}v\u{200b}e"]);
    let names: Vec<String> = project.study(study).unwrap().raters.into_iter().map(|rater| rater.person.name).collect();
    assert_eq!(names, ["Ada", "Eve"]);
    let error = project.add_rater(study, "ADA").unwrap_err();
    assert!(error.message.contains("in capitals only"), "{error}");
    let cli = Cli::new(folder.path());
    drop(project);
    let error = cli.fails(2, &["study", "new", "project", "--name", "again", "--raters", "Bo", "--retest", "200"]);
    assert!(error.contains("200") && error.contains("12 pictures"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_service_is_stopped_in_good_order_and_keeps_links_to_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (project, study) = project(folder.path(), vec![first(Condition::one())], &["Ada"]);
    let secret = project.study(study).unwrap().raters[0].secret.clone();
    drop(project);
    let cli = Cli::new(folder.path());
    let mut child = cli
        .command(&["serve", "project", "--address", "127.0.0.1:0", "--quiet"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address: SocketAddr = line
        .split_whitespace()
        .find_map(|word| word.trim_end_matches(',').parse().ok())
        .unwrap_or_else(|| panic!("{line}"));
    assert_eq!(get(address, &format!("/r/{secret}/state")).status, 200);
    assert!(std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!line.contains(&secret) && !rest.contains(&secret), "{line}{rest}");
    let project = Project::open(&folder.path().join("project")).unwrap();
    let visits = project.sort_visits(project.sorts_of(study).unwrap()[0]).unwrap();
    assert!(visits[0].paused_at.is_some(), "{visits:?}");
}
