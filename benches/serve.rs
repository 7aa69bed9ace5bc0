//! A hundred raters at once over loopback: `cargo bench --bench serve`. Tells how long a move takes until its answer,
//! which comes once the move is on the disk.
//!
//! Raters and server share this computer's processors, so the numbers are worse than a server of its own would give.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use atmoscope::engine::jobs::import::{self, ImportRequest};
use atmoscope::engine::jobs::study::{self, StudyImages, StudyRequest};
use atmoscope::ids::{ImageId, PileId};
use atmoscope::progress::{Cancel, Silent};
use atmoscope::project::{Project, TaskOrder};
use atmoscope::random::generator;
use atmoscope::server::{Limits, Server};
use atmoscope::sorting::{Condition, Move, Sort};
use rand::Rng;
use serde_json::{Value, json};

const RATERS: usize = 100;
const PICTURES: usize = 120;
const LASTS: Duration = Duration::from_secs(20);

/// A connection that stays open, as a browser's does.
struct Connection {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

impl Connection {
    fn open(host: SocketAddr) -> Self {
        let stream = TcpStream::connect(host).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), host }
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
        let (host, length) = (self.host, body.len());
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{body}");
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            match line.trim().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        (status, body)
    }
}

/// A project with pictures of a usual size and a study for all raters.
fn project(folder: &Path) -> Project {
    let pictures = folder.join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    for number in 0..PICTURES {
        let mut random = generator(number as u64, "bench pictures");
        let tint: [u8; 3] = random.r#gen();
        let picture = image::RgbImage::from_fn(1200, 900, |x, y| {
            image::Rgb([0, 1, 2].map(|at| tint[at].wrapping_add(((x * (at as u32 + 1)) / 9 + y / 7) as u8)))
        });
        picture.save(pictures.join(format!("{number:03}.jpg"))).unwrap();
    }
    let mut project = Project::create(&folder.join("project")).unwrap();
    let request = ImportRequest { images: Some(pictures), ..ImportRequest::default() };
    import::run(&mut project, &request, &Silent, &Cancel::new()).unwrap();
    let request = StudyRequest {
        name: "bench".to_owned(),
        raters: (0..RATERS).map(|rater| format!("rater {rater}")).collect(),
        conditions: vec![Condition::one()],
        images: StudyImages::All,
        seed: 1,
        retest: None,
        task_order: TaskOrder::Listed,
    };
    study::create(&mut project, &request).unwrap();
    project
}

/// The next move of an honest rater: first everything gets a group, then a picture now and then changes its own.
fn next_move(sort: &Sort, random: &mut impl Rng) -> Move {
    let board = sort.board();
    if random.gen_range(0..25) == 0 && sort.can_undo() {
        return Move::Undo;
    }
    let image = board.tray.first().copied().unwrap_or_else(|| ImageId(random.gen_range(1..=PICTURES as i64)));
    if board.piles.len() < 8 {
        return Move::NewPile { images: vec![image], to: None };
    }
    let others: Vec<PileId> =
        board.piles.iter().filter(|pile| !pile.images.contains(&image)).map(|pile| pile.id).collect();
    Move::Place { images: vec![image], pile: others[random.gen_range(0..others.len())] }
}

/// All raters move, each every `pause`, or again as soon as it is answered. `pictures` others load large pictures
/// meanwhile.
fn measure(what: &str, host: SocketAddr, paths: &[String], pause: Option<Duration>, pictures: usize) {
    let over = AtomicBool::new(false);
    let loaded = AtomicUsize::new(0);
    let started = Instant::now();
    let mut waits: Vec<Duration> = std::thread::scope(|scope| {
        for at in 0..pictures {
            let (over, loaded) = (&over, &loaded);
            scope.spawn(move || {
                let mut connection = Connection::open(host);
                let mut random = generator(at as u64, "bench loads");
                while !over.load(Ordering::Relaxed) {
                    let picture = random.gen_range(1..=PICTURES);
                    let path = format!("{}pictures/{picture}/large", paths[at * 7 % RATERS]);
                    let (status, _) = connection.ask("GET", &path, "");
                    assert!(status == 200 || status == 429, "{status}");
                    loaded.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
        }
        let raters: Vec<_> = paths
            .iter()
            .enumerate()
            .map(|(rater, path)| {
                scope.spawn(move || {
                    let mut connection = Connection::open(host);
                    let state: Value =
                        serde_json::from_slice(&connection.ask("GET", &format!("{path}state"), "").1).unwrap();
                    let moves: Vec<Move> = serde_json::from_value(state["moves"].clone()).unwrap();
                    let order = (1..=PICTURES as i64).map(ImageId).collect();
                    let mut sort = Sort::replay(order, Condition::one(), &moves).unwrap();
                    let mut random = generator(rater as u64, "bench moves");
                    let mut waits = Vec::new();
                    let mut next = Instant::now() + pause.unwrap_or_default().mul_f64(random.r#gen());
                    while started.elapsed() < LASTS {
                        if let Some(pause) = pause {
                            std::thread::sleep(next.saturating_duration_since(Instant::now()));
                            next += pause;
                        }
                        let step = next_move(&sort, &mut random);
                        sort.make(&step).unwrap();
                        let sent = json!({ "number": sort.move_count(), "ago_ms": 0, "move": step });
                        let body = json!({ "board": state["board"], "moves": [sent] }).to_string();
                        let asked = Instant::now();
                        let (status, answer) = connection.ask("POST", &format!("{path}moves"), &body);
                        waits.push(asked.elapsed());
                        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
                    }
                    waits
                })
            })
            .collect();
        let waits = raters.into_iter().flat_map(|rater| rater.join().unwrap()).collect();
        over.store(true, Ordering::Relaxed);
        waits
    });
    waits.sort_unstable();
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
    println!(
        "{what}: {} moves, {:.0} a second; {:.1} ms in the middle, {:.1} ms at 99 %, {:.1} ms at most{}",
        waits.len(),
        waits.len() as f64 / started.elapsed().as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0),
        if pictures > 0 { format!("; {} pictures loaded", loaded.into_inner()) } else { String::new() },
    );
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let made = project(folder.path());
    let study = made.study_named(None).unwrap();
    let paths: Vec<String> = study.raters.iter().map(|rater| format!("/r/{}/", rater.secret)).collect();
    drop(made);
    let path = folder.path().join("project");
    println!("{RATERS} raters, {PICTURES} pictures, {} s each:", LASTS.as_secs());

    let mut server = Command::new(env!("CARGO_BIN_EXE_atmoscope"))
        .args(["serve", path.to_str().unwrap(), "--address", "127.0.0.1:0", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let host: SocketAddr = told["address"].as_str().unwrap().parse().unwrap();
    let ten_a_second = Some(Duration::from_millis(100));
    measure("10 moves a second each", host, &paths, ten_a_second, 0);
    std::thread::sleep(Duration::from_secs(5));
    std::fs::remove_dir_all(path.join("cache")).unwrap();
    measure("the same while pictures are made and loaded", host, &paths, ten_a_second, 10);
    server.kill().unwrap();
    server.wait().unwrap();

    let project = Project::open(&path).unwrap();
    let server = Server::start(project, study.id, "127.0.0.1:0".parse().unwrap(), &Limits::none()).unwrap();
    measure("as fast as they are answered, without limits", server.address(), &paths, None, 0);
    server.stop();
}
