//! Weights from a hub: a server on this machine speaks the paths and headers of the Hugging Face hub, as described in
//! the sources of its clients, and misbehaves on request.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atmoscope::error::ErrorKind;
use atmoscope::nn::hub::{Hub, HubFile};
use atmoscope::progress::{Cancel, Observer, Progress, Silent};
use sha2::{Digest, Sha256};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const PATH: &str = "/someone/network/resolve/main/model.safetensors";

/// What the server does; each entry of `cut_after` ends one answer with the file after so many bytes.
#[derive(Clone, Debug, Default)]
struct Behaviour {
    content: Vec<u8>,
    etag: String,
    cut_after: Vec<usize>,
    ignores_range: bool,
    hangs: bool,
    requests: Vec<String>,
}

struct Server {
    address: String,
    behaviour: Arc<Mutex<Behaviour>>,
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Server {
    fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let behaviour = Arc::new(Mutex::new(behaviour));
        let (shared, own_address) = (behaviour.clone(), address.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (shared, own_address) = (shared.clone(), own_address.clone());
                std::thread::spawn(move || {
                    // A client that goes away in the middle is part of the tests.
                    let _ = answer(&mut stream.unwrap(), &shared, &own_address);
                });
            }
        });
        Self { address, behaviour }
    }

    fn hub(&self, cache_folder: &Path) -> Hub {
        Hub {
            endpoint: self.address.clone(),
            cache_folder: cache_folder.to_path_buf(),
            token: None,
            offline: false,
            patience: Duration::from_secs(20),
        }
    }

    fn set(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }

    /// The requests for the file's bytes since the last call: the ranges asked for.
    fn ranges(&self) -> Vec<String> {
        let requests = std::mem::take(&mut self.behaviour.lock().unwrap().requests);
        requests.into_iter().filter(|range| range != "bytes=0-0").collect()
    }
}

/// One request. As on the hub, a large file is described where it was asked for, and its bytes lie elsewhere.
fn answer(stream: &mut TcpStream, shared: &Mutex<Behaviour>, address: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap()?;
    let mut headers = Vec::new();
    for line in lines {
        let line = line?.to_lowercase();
        if line.is_empty() {
            break;
        }
        headers.push(line);
    }
    assert!(!headers.iter().any(|line| line.starts_with("authorization")), "no token was given");
    let range = headers.iter().find_map(|line| line.strip_prefix("range: ")).unwrap_or("bytes=0-").to_owned();
    let path = request.split(' ').nth(1).unwrap().to_owned();
    let mut behaviour = shared.lock().unwrap();
    if path == PATH {
        let etag = &behaviour.etag;
        return write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: {address}/bytes\r\nX-Repo-Commit: {COMMIT}\r\nX-Linked-Etag: \"{etag}\"\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    if path != "/bytes" {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    behaviour.requests.push(range.clone());
    let content = behaviour.content.clone();
    let (from, to) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let from: usize = from.parse().unwrap();
    let to = to.parse::<usize>().map_or(content.len(), |last| last + 1);
    let description = to == 1;
    let cut = (!description && !behaviour.cut_after.is_empty()).then(|| behaviour.cut_after.remove(0));
    let (ignores_range, hangs) = (behaviour.ignores_range && !description, behaviour.hangs && !description);
    drop(behaviour);
    let body = if ignores_range { &content[..] } else { &content[from..to] };
    let first = if ignores_range {
        "HTTP/1.1 200 OK\r\n".to_owned()
    } else {
        format!("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{}\r\n", to - 1, content.len())
    };
    write!(stream, "{first}ETag: \"x\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body[..cut.unwrap_or(body.len()).min(body.len())])?;
    if hangs {
        stream.flush()?;
        std::thread::sleep(Duration::from_secs(30));
    }
    Ok(())
}

fn content() -> Vec<u8> {
    (0..3_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn wanted() -> HubFile {
    HubFile::parse("hf:someone/network/model.safetensors").unwrap()
}

#[test]
fn settings_name_files_of_the_hub() {
    let hash = "AB".repeat(32);
    let file = HubFile::parse(&format!("hf:timm/vgg16.tv_in1k/sub/model.safetensors@v1.0#sha256={hash}")).unwrap();
    assert_eq!(file.repository, "timm/vgg16.tv_in1k");
    assert_eq!(file.file, "sub/model.safetensors");
    assert_eq!(file.revision, "v1.0");
    assert_eq!(file.sha256, Some("ab".repeat(32)));
    assert_eq!((wanted().revision.as_str(), wanted().sha256), ("main", None));
    for (setting, words) in [
        ("hf:timm/model.safetensors", "does not name a file"),
        ("hf:timm//model.safetensors", "does not name a file"),
        ("hf:timm/../../model.safetensors", "does not name a file"),
        ("hf:timm/vgg16/model.safetensors@../x", "does not name a file"),
        ("hf:timm/vgg16/model safetensors", "does not name a file"),
        ("hf:timm/vgg16/pytorch_model.bin", "not a .safetensors file"),
        ("hf:timm/vgg16/model.safetensors#sha256=12", "64 hexadecimal digits"),
    ] {
        let error = HubFile::parse(setting).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.message.contains(words), "{}", error.message);
    }
}

#[test]
fn a_file_is_fetched_once_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let content = content();
    let server = Server::start(Behaviour { content: content.clone(), etag: sha256(&content), ..Behaviour::default() });
    let hub = server.hub(folder.path());
    struct Counting(Mutex<Vec<Progress>>);
    impl Observer for Counting {
        fn progress(&self, progress: Progress) {
            self.0.lock().unwrap().push(progress);
        }
    }
    let counting = Counting(Mutex::default());
    let path = hub.fetch(&wanted(), &counting, &Cancel::new()).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content);
    assert_eq!(server.ranges(), ["bytes=0-"]);
    let last = counting.0.lock().unwrap().last().cloned().unwrap();
    assert_eq!((last.done, last.total), (3, Some(3)), "megabytes");
    // Where other programs of the hub look for it.
    let snapshot = folder.path().join("models--someone--network").join("snapshots").join(COMMIT);
    assert_eq!(path, snapshot.join("model.safetensors"));
    assert!(!folder.path().join("models--someone--network/blobs").join(format!("{}.part", sha256(&content))).exists());

    // From now on without any network.
    let offline = Hub { endpoint: "http://127.0.0.1:9".to_owned(), offline: true, ..hub.clone() };
    assert_eq!(offline.fetch(&wanted(), &Silent, &Cancel::new()).unwrap(), path);
    let mut other_hash = HubFile { sha256: Some("00".repeat(32)), ..wanted() };
    let error = offline.fetch(&other_hash, &Silent, &Cancel::new()).unwrap_err();
    assert!(error.message.contains("but the setting asks for 0000"), "{}", error.message);
    assert!(path.exists(), "a slip in the setting removes nothing");
    other_hash.sha256 = Some(sha256(&content));
    assert!(offline.fetch(&other_hash, &Silent, &Cancel::new()).is_ok());

    // Damaged on the disk: noticed, and fetched again.
    let mut damaged = content.clone();
    damaged[7] ^= 1;
    fs::write(&path, damaged).unwrap();
    #[cfg(unix)]
    {
        hub.fetch(&wanted(), &Silent, &Cancel::new()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[test]
fn a_wrong_hash_is_refused_and_nothing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let content = content();
    let server = Server::start(Behaviour { content: content.clone(), etag: "ab".repeat(32), ..Behaviour::default() });
    let hub = server.hub(folder.path());
    let error = hub.fetch(&wanted(), &Silent, &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Data);
    assert!(error.message.contains(&sha256(&content)), "{}", error.message);
    let files = || -> Vec<String> {
        let all = fs::read_dir(folder.path().join("models--someone--network/blobs")).unwrap();
        all.map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.ends_with(".lock"))
            .collect()
    };
    assert!(files().is_empty(), "{:?}", files());

    // The setting's own hash is asked of the hub before anything is fetched.
    server.ranges();
    server.set(|behaviour| behaviour.etag = sha256(&content));
    let other_hash = HubFile { sha256: Some("00".repeat(32)), ..wanted() };
    let error = hub.fetch(&other_hash, &Silent, &Cancel::new()).unwrap_err();
    assert!(error.message.contains("but the setting asks for 0000"), "{}", error.message);
    assert!(server.ranges().is_empty());

    // A hub that knows no SHA-256 is believed only with a hash of one's own.
    server.set(|behaviour| behaviour.etag = "cd".repeat(20));
    let error = hub.fetch(&wanted(), &Silent, &Cancel::new()).unwrap_err();
    assert!(error.message.contains("names no SHA-256"), "{}", error.message);
    let own_hash = HubFile { sha256: Some(sha256(&content)), ..wanted() };
    assert!(hub.fetch(&own_hash, &Silent, &Cancel::new()).is_ok());
}

#[test]
fn a_download_that_broke_off_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let content = content();
    let server = Server::start(Behaviour {
        content: content.clone(),
        etag: sha256(&content),
        cut_after: vec![1_000_000, 500_000, 0],
        ..Behaviour::default()
    });
    let hub = server.hub(folder.path());
    let error = hub.fetch(&wanted(), &Silent, &Cancel::new()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::User);
    assert!(error.message.contains("broke off after 1500000 of 3000000 bytes"), "{}", error.message);
    assert_eq!(server.ranges(), ["bytes=0-", "bytes=1000000-", "bytes=1500000-"]);
    // Later, also in another session.
    server.set(|behaviour| behaviour.cut_after = vec![700_000]);
    let path = hub.fetch(&wanted(), &Silent, &Cancel::new()).unwrap();
    assert_eq!(server.ranges(), ["bytes=1500000-", "bytes=2200000-"]);
    assert_eq!(fs::read(path).unwrap(), content);
}

#[test]
fn a_server_that_cannot_go_on_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let content = content();
    let server = Server::start(Behaviour {
        content: content.clone(),
        etag: sha256(&content),
        cut_after: vec![1_000_000],
        ignores_range: true,
        ..Behaviour::default()
    });
    let path = server.hub(folder.path()).fetch(&wanted(), &Silent, &Cancel::new()).unwrap();
    assert_eq!(server.ranges(), ["bytes=0-", "bytes=1000000-"]);
    assert_eq!(fs::read(path).unwrap(), content);
}

#[test]
fn a_download_can_be_stopped_while_nothing_comes() {
    let folder = tempfile::tempdir().unwrap();
    let content = content();
    let server = Server::start(Behaviour {
        content: content.clone(),
        etag: sha256(&content),
        cut_after: vec![1_500_000],
        hangs: true,
        ..Behaviour::default()
    });
    let cancel = Cancel::new();
    struct StopsAtFirst<'a>(&'a Cancel);
    impl Observer for StopsAtFirst<'_> {
        fn progress(&self, progress: Progress) {
            if progress.done == 1 {
                self.0.cancel();
            }
        }
    }
    let hub = server.hub(folder.path());
    assert!(hub.fetch(&wanted(), &StopsAtFirst(&cancel), &cancel).unwrap_err().is_cancelled());
    // Without patience it ends by itself and says why.
    server.set(|behaviour| behaviour.cut_after = vec![0; 3]);
    let impatient = Hub { patience: Duration::from_millis(300), ..hub.clone() };
    let error = impatient.fetch(&wanted(), &Silent, &Cancel::new()).unwrap_err();
    assert!(error.message.contains("no more bytes came"), "{}", error.message);
    server.set(|behaviour| behaviour.hangs = false);
    server.ranges();
    assert_eq!(fs::read(hub.fetch(&wanted(), &Silent, &Cancel::new()).unwrap()).unwrap(), content);
    assert_ne!(server.ranges(), ["bytes=0-"], "what had come was kept");
}

#[test]
fn without_a_network_people_are_told_the_ways_out() {
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago.
    let closed = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let server = Server::start(Behaviour::default());
    for (endpoint, offline) in [(closed, false), (server.address.clone(), true)] {
        let hub = Hub { endpoint, offline, ..server.hub(folder.path()) };
        let error = hub.fetch(&wanted(), &Silent, &Cancel::new()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::User);
        assert!(error.message.contains("cannot be reached"), "{}", error.message);
        let hint = error.hint.unwrap();
        assert!(hint.contains(PATH) && hint.contains("give the path of the file"), "{hint}");
    }
    assert!(server.ranges().is_empty());
    let missing = HubFile::parse("hf:someone/network/other.safetensors").unwrap();
    let error = server.hub(folder.path()).fetch(&missing, &Silent, &Cancel::new()).unwrap_err();
    assert!(error.message.contains("the hub has no other.safetensors in someone/network"), "{}", error.message);
}
