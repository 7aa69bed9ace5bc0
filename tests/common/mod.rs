//! Helpers for integration tests.
#![allow(dead_code)]

pub mod browser;
pub mod http;
pub mod numbers;
#[cfg(feature = "gui")]
pub mod window;

use std::f32::consts::TAU;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use atmoscope::engine::jobs::import::{self, ImportReport, ImportRequest};
use atmoscope::ids::ImageId;
use atmoscope::progress::{Cancel, Silent};
use atmoscope::project::Project;
use image::{Rgb, RgbImage};
use serde_json::Value;

/// The folder with the real illustrations, their labels and groupings. A test that needs it is marked `#[ignore]`, so
/// that it is counted where it is not run, and fails where it is asked for and the folder is not named.
pub fn test_data() -> PathBuf {
    std::env::var_os("ATMOSCOPE_TEST_DATA").expect("ATMOSCOPE_TEST_DATA must name the folder of the real data").into()
}

/// Writes `n` small pictures, `picture-000.png` and on, into `folder`, and gives their paths in order.
///
/// Each is a sum of a few waves in two colours, by formula from its number, so that no two look alike, even to the
/// perceptual hash. Widths and heights vary between 48 and 80 pixels.
pub fn sample_images(folder: &Path, n: usize) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder).unwrap();
    (0..n)
        .map(|index| {
            let path = folder.join(format!("picture-{index:03}.png"));
            sample_image(index).save(&path).unwrap();
            path
        })
        .collect()
}

/// The picture that [`sample_images`] writes as number `index`.
pub fn sample_image(index: usize) -> RgbImage {
    // Fractions of multiples of irrational numbers: spread evenly, never the same.
    let part = |factor: f32| (index as f32 * factor + factor).fract();
    let (width, height) = (48 + index as u32 * 7 % 33, 48 + index as u32 * 11 % 33);
    let hue = part(0.618_034);
    let waves: Vec<[f32; 3]> = (1..9)
        .map(|wave| {
            let wave = wave as f32;
            [7.0 * part(0.414_214 * wave) - 3.5, 7.0 * part(0.732_051 * wave) - 3.5, part(0.236_068 * wave)]
        })
        .collect();
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32 / width as f32, y as f32 / height as f32);
        let sum: f32 = waves.iter().map(|[u, v, phase]| (TAU * (u * x + v * y + phase)).cos()).sum();
        let light = 0.5 + 0.09 * sum;
        let channel = |shift: f32| (255.0 * light * (0.6 + 0.4 * (TAU * (hue + shift)).cos())).clamp(0.0, 255.0) as u8;
        Rgb([channel(0.0), channel(1.0 / 3.0), channel(2.0 / 3.0)])
    })
}

/// Answers of the sample pictures: the labels `sea`, `night` and `静か`, by formula from the picture's number. Every
/// seventh picture has no label.
pub fn sample_labels(file: &Path, n: usize) {
    let mut text = "image,sea,night,静か\n".to_owned();
    for index in (0..n).filter(|index| index % 7 != 6) {
        let of = [index % 2 == 0, index % 3 == 0, index % 2 == 1 || index % 5 == 0].map(u8::from);
        text += &format!("picture-{index:03}.png,{},{},{}\n", of[0], of[1], of[2]);
    }
    std::fs::write(file, text).unwrap();
}

/// Groups of the given sample pictures by two raters under two conditions.
pub fn sample_groupings(file: &Path, pictures: impl IntoIterator<Item = usize> + Clone) {
    let mut text = "rater,condition,image,group\n".to_owned();
    for (rater, condition, groups) in [("森", 1, 3), ("Ada", 1, 4), ("森", 2, 8), ("Ada", 2, 8)] {
        for index in pictures.clone() {
            let group = (index * rater.len() + index / 3) % groups;
            text += &format!("{rater},{condition},picture-{index:03}.png,group {group}\n");
        }
    }
    std::fs::write(file, text).unwrap();
}

/// The most memory that this process has held, where the system tells it.
pub fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// A folder with `n` pictures (`images`), their labels (`labels.csv`), and for every third picture, the test part, its
/// name in `test-images.txt` and groups by two raters (`groupings.csv`).
pub fn sample_folder(n: usize) -> (tempfile::TempDir, Cli) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    sample_images(&path.join("images"), n);
    sample_labels(&path.join("labels.csv"), n);
    let test = (0..n).filter(|index| index % 3 == 1);
    sample_groupings(&path.join("groupings.csv"), test.clone());
    let list: Vec<String> = test.map(|index| format!("picture-{index:03}.png")).collect();
    std::fs::write(path.join("test-images.txt"), list.join("\n")).unwrap();
    let cli = Cli::new(path);
    (folder, cli)
}

/// Copies a folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// The program on the command line, run in a folder of the test's own.
pub struct Cli {
    folder: PathBuf,
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Cli {
    /// Relative paths among the arguments begin in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atmoscope"));
        command.current_dir(&self.folder).args(arguments).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Standard output of a run that must succeed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.out, ran.err);
        ran.out
    }

    /// The object printed by a run with `--json` that must succeed and must leave standard error empty.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.out, ran.err);
        assert_eq!(ran.err, "", "{arguments:?}");
        assert_eq!(ran.out.lines().count(), 1, "{arguments:?}: {}", ran.out);
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", ran.out))
    }

    /// Standard error of a run that must end with this exit code, print nothing and not panic.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}{}", ran.out, ran.err);
        assert_eq!(ran.out, "", "{arguments:?}");
        assert!(ran.err.contains("error") && !ran.err.contains("panicked"), "{arguments:?}: {}", ran.err);
        ran.err
    }

    /// Starts a run without waiting for it.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

/// `atmoscope serve` as a process of its own. Dropping it kills it, with no chance to tidy up.
pub struct ServeProcess {
    child: Child,
    pub address: SocketAddr,
    /// Of each rater's link, from the first slash to the last.
    pub paths: Vec<String>,
}

impl ServeProcess {
    /// Opens the only study of the project in the folder `project`.
    pub fn start(cli: &Cli, address: &str) -> Self {
        let mut child = cli
            .command(&["serve", "project", "--address", address, "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let address: SocketAddr = told["address"].as_str().unwrap().parse().unwrap();
        let path = |listed: &Value| {
            listed["link"].as_str().unwrap().strip_prefix(&format!("http://{address}")).unwrap().to_owned()
        };
        let paths = told["links"].as_array().unwrap().iter().map(path).collect();
        Self { child, address, paths }
    }

    /// Stops it as Ctrl+C does, and gives its exit code.
    #[cfg(unix)]
    pub fn interrupt(mut self) -> Option<i32> {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for ServeProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that an older version said is said now, the same to the last bit; more may be said beside it.
#[track_caller]
pub fn assert_says(now: &Value, then: &Value, place: &str) {
    assert_says_within(0.0, now, then, place);
}

/// The same, but numbers may be another by this share of them.
#[track_caller]
pub fn assert_says_within(share: f64, now: &Value, then: &Value, place: &str) {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            for (key, value) in then {
                let place = format!("{place}/{key}");
                let now = now.get(key).unwrap_or_else(|| panic!("{place} is gone"));
                assert_says_within(share, now, value, &place);
            }
        }
        (Value::Array(now), Value::Array(then)) => {
            assert_eq!(now.len(), then.len(), "{place}: {now:?} {then:?}");
            for (at, (now, then)) in now.iter().zip(then).enumerate() {
                assert_says_within(share, now, then, &format!("{place}/{at}"));
            }
        }
        (Value::Number(now), Value::Number(then)) if now.is_f64() && then.is_f64() => {
            let [now, then] = [now, then].map(|number| number.as_f64().unwrap());
            assert!((now - then).abs() <= share * then.abs(), "{place}: {now} instead of {then}");
        }
        _ => assert_eq!(now, then, "{place}"),
    }
}

/// Asks `question` every few milliseconds until it has an answer; fails after two minutes.
pub fn poll<T>(what: &str, mut question: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Imports a folder of pictures.
pub fn import_folder(project: &mut Project, folder: &Path) -> ImportReport {
    import_as(project, &ImportRequest { images: Some(folder.to_path_buf()), ..ImportRequest::default() })
}

/// Runs an import to its end.
pub fn import_as(project: &mut Project, request: &ImportRequest) -> ImportReport {
    import::run(project, request, &Silent, &Cancel::new()).unwrap()
}

/// The id of the picture at a path within its folder.
pub fn image_at(project: &Project, relative_path: &str) -> ImageId {
    let images = project.images().unwrap();
    images.iter().find(|image| image.relative_path == relative_path).unwrap_or_else(|| panic!("{images:?}")).id
}
