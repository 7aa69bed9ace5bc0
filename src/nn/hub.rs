//! Weights from the Hugging Face hub: fetched once, checked against their hash, and then used without a network.
//!
//! A setting such as `hf:timm/vgg16.tv_in1k/model.safetensors` is read into a [`HubFile`]. [`Hub::fetch`] gives the
//! path of the file in the hub's cache on this computer, whose layout other programs share, and downloads it into
//! there when it is missing. The crate `hf-hub` knows addresses, cache and the description of a file; the bytes are
//! taken here, because its own download can be neither stopped nor checked.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use hf_hub::api::sync::{Api, ApiBuilder, ApiError, Metadata};
use hf_hub::{Cache, Repo, RepoType};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::progress::{Cancel, Observer, Stage};

/// How a setting that names a file of the hub begins.
pub const PREFIX: &str = "hf:";

const DEFAULT_ENDPOINT: &str = "https://huggingface.co";
const FORM: &str = "write hf:owner/name/file.safetensors, with @revision and #sha256=… behind it if wanted";
/// How often a download that broke off is resumed before it is an error.
const ATTEMPTS: u32 = 3;
const CHUNK_BYTES: usize = 1 << 18;
const MEGABYTE: usize = 1_000_000;

/// A file on the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubFile {
    /// Owner and name of the repository.
    pub repository: String,
    /// Path of the file in it.
    pub file: String,
    /// Branch, tag or commit.
    pub revision: String,
    /// The SHA-256 it must have, 64 hexadecimal digits, where the person gave one.
    pub sha256: Option<String>,
}

impl HubFile {
    /// Reads a setting: `hf:owner/name/file.safetensors`, then `@revision` and `#sha256=…` if wanted.
    ///
    /// # Errors
    /// `Config` when it has another form or names no safetensors file.
    pub fn parse(setting: &str) -> Result<Self> {
        let wrong = |what: &str| Error::config(format!("“{setting}” {what}")).hint(FORM);
        let rest = setting.strip_prefix(PREFIX).ok_or_else(|| wrong("does not begin with hf:"))?;
        let (rest, sha256) = match rest.split_once("#sha256=") {
            Some((rest, hash)) if is_sha256(hash) => (rest, Some(hash.to_ascii_lowercase())),
            Some(_) => return Err(wrong("gives a SHA-256 that is not 64 hexadecimal digits")),
            None => (rest, None),
        };
        let (rest, revision) = rest.split_once('@').unwrap_or((rest, "main"));
        // They become parts of addresses and of paths.
        let sound = |text: &str| {
            text.split('/').all(|part| {
                !part.is_empty()
                    && !part.starts_with('.')
                    && part.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
            })
        };
        let mut parts = rest.splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(owner), Some(name), Some(file)) if sound(rest) && sound(revision) => {
                if !file.ends_with(".safetensors") {
                    return Err(wrong("names a file that is not a .safetensors file; others could run code"));
                }
                let repository = format!("{owner}/{name}");
                Ok(Self { repository, file: file.to_owned(), revision: revision.to_owned(), sha256 })
            }
            _ => Err(wrong("does not name a file of the Hugging Face hub")),
        }
    }

    fn repo(&self) -> Repo {
        Repo::with_revision(self.repository.clone(), RepoType::Model, self.revision.clone())
    }
}

/// Where files come from and where they are kept.
#[derive(Clone, Debug)]
pub struct Hub {
    /// Address of the hub.
    pub endpoint: String,
    /// The hub's cache on this computer.
    pub cache_folder: PathBuf,
    /// A token, for repositories that are not open to everybody.
    pub token: Option<String>,
    /// Never use the network.
    pub offline: bool,
    /// How long to wait for an answer or for the next bytes.
    pub patience: Duration,
}

impl Hub {
    /// As the environment says: `HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN` and `HF_HUB_OFFLINE` mean what they mean to other
    /// programs. Without `HF_HOME` files are kept in the user's cache of the hub, and where the system names no home
    /// in `fallback_folder`.
    pub fn from_environment(fallback_folder: &Path) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let home = || directories::BaseDirs::new().map(|base| base.home_dir().join(".cache").join("huggingface"));
        let hub = variable("HF_HOME").map(PathBuf::from).or_else(home).map(|home| home.join("hub"));
        let cache_folder = hub.unwrap_or_else(|| fallback_folder.join("hub"));
        Self {
            endpoint: variable("HF_ENDPOINT").unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned()),
            token: variable("HF_TOKEN").or_else(|| Cache::new(cache_folder.clone()).token()),
            offline: variable("HF_HUB_OFFLINE").is_some_and(|value| !matches!(value.trim(), "0" | "false" | "no")),
            cache_folder,
            patience: Duration::from_secs(30),
        }
    }

    /// The path of a file on this computer, downloaded if it is not here yet. A download that broke off or was stopped
    /// is taken up where it ended.
    ///
    /// # Errors
    /// `User` when the hub does not have it or cannot be reached, `Data` when what came has another hash than it must
    /// have (it is removed), `Device` when the disk refuses, `Cancelled`.
    pub fn fetch(&self, wanted: &HubFile, observer: &dyn Observer, cancel: &Cancel) -> Result<PathBuf> {
        let cache = Cache::new(self.cache_folder.clone()).repo(wanted.repo());
        if let Some(path) = cache.get(&wanted.file)
            && self.is_sound(&path, wanted, observer)?
        {
            return Ok(path);
        }
        let api = ApiBuilder::from_cache(Cache::new(self.cache_folder.clone()))
            .with_endpoint(self.endpoint.trim_end_matches('/').to_owned())
            .with_token(self.token.clone())
            .with_user_agent("atmoscope", env!("CARGO_PKG_VERSION"))
            .with_progress(false)
            .build()
            .map_err(|error| Error::internal(format!("the hub's client cannot be made: {error}")))?;
        let url = api.repo(wanted.repo()).url(&wanted.file);
        if self.offline {
            return Err(unreachable(&url, wanted, "HF_HUB_OFFLINE forbids the network"));
        }
        observer.note(&format!("Asking {url}"));
        let description = self.describe(api, &url, wanted, cancel)?;
        let (etag, commit) = (description.etag().to_ascii_lowercase(), description.commit_hash());
        let expected = match (&wanted.sha256, is_sha256(&etag)) {
            (Some(given), true) if *given != etag => {
                return Err(Error::user(format!("{url} has the SHA-256 {etag}, but the setting asks for {given}"))
                    .hint("correct the hash in the setting, or name the revision that had it"));
            }
            (Some(given), _) => given.clone(),
            (None, true) => etag.clone(),
            (None, false) => {
                return Err(Error::user(format!("the hub names no SHA-256 for {url}"))
                    .hint("add #sha256=… to the setting, with the hash its publisher gives"));
            }
        };
        // Both become names of files.
        if ![etag.as_str(), commit].iter().all(|name| name.chars().all(|letter| letter.is_ascii_alphanumeric())) {
            return Err(Error::user(format!("{url}: the answer is not one of a Hugging Face hub"))
                .hint("check HF_ENDPOINT, or give the path of a file instead"));
        }

        let blob = cache.blob_path(&etag);
        let part = blob.with_extension("part");
        let pointer = cache.pointer_path(commit).join(&wanted.file);
        for folder in [blob.parent(), pointer.parent()].into_iter().flatten() {
            fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        }
        let lock_path = blob.with_extension("lock");
        let lock = File::create(&lock_path).map_err(|error| Error::io(&lock_path, error))?;
        if lock.try_lock().is_err() {
            return Err(Error::user(format!("another program is downloading {url}")).hint("wait until it is done"));
        }
        if !(blob.is_file() && sha256_of(&blob)? == expected) {
            let found = self.download(&url, description.size(), &part, observer, cancel)?;
            if found != expected {
                fs::remove_file(&part).map_err(|error| Error::io(&part, error))?;
                return Err(Error::data(format!(
                    "{url} was not taken: its SHA-256 is {found}, but must be {expected}"
                ))
                .hint("try again; if it stays so, the file was exchanged or is damaged on its way"));
            }
            fs::rename(&part, &blob).map_err(|error| Error::io(&blob, error))?;
        }
        link(&blob, &pointer, &wanted.file, &etag).map_err(|error| Error::io(&pointer, error))?;
        cache.create_ref(commit).map_err(|error| Error::io(&self.cache_folder, error))?;
        Ok(pointer)
    }

    /// Whether a file in the cache is what it should be; a damaged one is removed.
    fn is_sound(&self, path: &Path, wanted: &HubFile, observer: &dyn Observer) -> Result<bool> {
        // A link leads to a file that is called by its hash.
        let target = fs::canonicalize(path).map_err(|error| Error::io(path, error))?;
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).filter(|name| is_sha256(name));
        if name.is_none() && wanted.sha256.is_none() {
            return Ok(true);
        }
        let found = sha256_of(&target)?;
        if name.as_ref().is_some_and(|name| *name != found) {
            observer.note(&format!("{} is damaged and is fetched again", target.display()));
            for path in [path, &target] {
                fs::remove_file(path).map_err(|error| Error::io(path, error))?;
            }
            return Ok(false);
        }
        match &wanted.sha256 {
            Some(given) if *given != found => Err(Error::user(format!(
                "{} has the SHA-256 {found}, but the setting asks for {given}",
                path.display()
            ))
            .hint("correct the hash in the setting, or name the revision that had it")),
            _ => Ok(true),
        }
    }

    /// Hash, size and commit of a file, as the hub gives them.
    fn describe(&self, api: Api, url: &str, wanted: &HubFile, cancel: &Cancel) -> Result<Metadata> {
        let (sender, receiver) = bounded(1);
        let address = url.to_owned();
        spawn(move || {
            let _ = sender.send(api.metadata(&address));
        })?;
        match self.next(&receiver, cancel)? {
            Some(Ok(metadata)) => Ok(metadata),
            Some(Err(ApiError::RequestError(error))) => Err(self.refused(&error, url, wanted)),
            Some(Err(error)) => {
                Err(Error::user(format!("{url}: the answer is not one of a Hugging Face hub ({error})"))
                    .hint("check HF_ENDPOINT, or give the path of a file instead"))
            }
            None => Err(unreachable(url, wanted, "there was no answer")),
        }
    }

    /// Fills `part` up to `size` bytes and gives the SHA-256 of all of it.
    fn download(
        &self,
        url: &str,
        size: usize,
        part: &Path,
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<String> {
        let stage = Stage::new("Downloading weights, MB", size.div_ceil(MEGABYTE));
        let mut broken = String::new();
        for attempt in 1..=ATTEMPTS {
            match self.attempt(url, size, part, &stage, observer, cancel)? {
                Ok(hash) => return Ok(hash),
                Err(reason) => broken = reason,
            }
            if attempt < ATTEMPTS {
                observer.note(&format!("The download broke off ({broken}); going on with it"));
                std::thread::sleep(Duration::from_millis(200 * u64::from(attempt)));
            }
        }
        let there = fs::metadata(part).map_or(0, |metadata| metadata.len());
        Err(Error::user(format!("the download of {url} broke off after {there} of {size} bytes: {broken}"))
            .hint("try again; it goes on where it ended"))
    }

    /// One connection. The inner error says why it broke off; what came is kept.
    fn attempt(
        &self,
        url: &str,
        size: usize,
        part: &Path,
        stage: &Stage,
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<std::result::Result<String, String>> {
        let mut hasher = Sha256::new();
        let mut there = if part.is_file() { hash_file(part, &mut hasher)? } else { 0 };
        if there > size {
            // Left over from something else.
            (there, hasher) = (0, Sha256::new());
        }
        let io = |error| Error::io(part, error);
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(part).map_err(io)?;
        file.set_len(there as u64).map_err(io)?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).map_err(io)?;
        if there < size {
            let bytes = self.bytes(url, there)?;
            loop {
                match self.next(&bytes, cancel)? {
                    Some(Ok(Chunk::FromStart)) => {
                        file.set_len(0).map_err(io)?;
                        std::io::Seek::rewind(&mut file).map_err(io)?;
                        (there, hasher) = (0, Sha256::new());
                    }
                    Some(Ok(Chunk::Bytes(bytes))) => {
                        file.write_all(&bytes).map_err(io)?;
                        hasher.update(&bytes);
                        there += bytes.len();
                        observer.progress(stage.at(there / MEGABYTE));
                        if there > size {
                            return Ok(Err("more came than the file holds".to_owned()));
                        }
                    }
                    Some(Ok(Chunk::End)) => break,
                    Some(Err(reason)) => return Ok(Err(reason)),
                    None => return Ok(Err("no more bytes came".to_owned())),
                }
            }
        }
        file.sync_all().map_err(io)?;
        Ok(if there == size { Ok(hex(hasher)) } else { Err("the connection was closed".to_owned()) })
    }

    /// Asks for the bytes from `start` on; they come from a thread of their own, so that stopping need not wait for
    /// the network.
    fn bytes(&self, url: &str, start: usize) -> Result<Receiver<std::result::Result<Chunk, String>>> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_connect(Some(self.patience))
            .timeout_recv_response(Some(self.patience))
            .user_agent(concat!("atmoscope/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let mut request = agent.get(url).header("Range", format!("bytes={start}-"));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let (sender, receiver) = bounded(4);
        spawn(move || {
            let response = match request.call() {
                Ok(response) => response,
                Err(error) => return drop(sender.send(Err(error.to_string()))),
            };
            if start > 0 && response.status() != 206 && sender.send(Ok(Chunk::FromStart)).is_err() {
                return;
            }
            let mut reader = response.into_body().into_reader();
            loop {
                let mut bytes = vec![0; CHUNK_BYTES];
                let message = match reader.read(&mut bytes) {
                    Ok(0) => Ok(Chunk::End),
                    Ok(count) => {
                        bytes.truncate(count);
                        Ok(Chunk::Bytes(bytes))
                    }
                    Err(error) => Err(error.to_string()),
                };
                let last = !matches!(message, Ok(Chunk::Bytes(_)));
                // After a cancel the receiver is gone.
                if sender.send(message).is_err() || last {
                    return;
                }
            }
        })?;
        Ok(receiver)
    }

    /// What comes next, or none when patience ends.
    fn next<T>(&self, receiver: &Receiver<T>, cancel: &Cancel) -> Result<Option<T>> {
        let asked = Instant::now();
        loop {
            cancel.check()?;
            match receiver.recv_timeout(Duration::from_millis(50).min(self.patience)) {
                Ok(message) => return Ok(Some(message)),
                Err(RecvTimeoutError::Timeout) if asked.elapsed() < self.patience => {}
                Err(_) => return Ok(None),
            }
        }
    }

    fn refused(&self, error: &ureq::Error, url: &str, wanted: &HubFile) -> Error {
        match error {
            ureq::Error::StatusCode(404) => Error::user(format!(
                "the hub has no {} in {} at revision {}",
                wanted.file, wanted.repository, wanted.revision
            ))
            .hint("look at the repository's list of files, or give the path of a file instead"),
            ureq::Error::StatusCode(401 | 403) => Error::user(format!(
                "the hub does not give {} to everybody",
                wanted.repository
            ))
            .hint("check its name; if you may have it, set HF_TOKEN to your token, or give the path of a file instead"),
            ureq::Error::StatusCode(code) => {
                Error::new(ErrorKind::Device, format!("the hub answers {url} with {code}"))
                    .hint("try again later, or give the path of a file instead")
            }
            error => unreachable(url, wanted, &error.to_string()),
        }
    }
}

enum Chunk {
    /// The bytes that follow are those from the file's start: the server does not take downloads up again.
    FromStart,
    Bytes(Vec<u8>),
    End,
}

fn unreachable(url: &str, wanted: &HubFile, reason: &str) -> Error {
    Error::user(format!("{} is not on this computer and the hub cannot be reached: {reason}", wanted.file)).hint(
        format!(
            "connect to the network and try again; or fetch {url} on another computer and give the path of the file \
         instead; or leave the setting empty for the built-in weights"
        ),
    )
}

fn spawn(work: impl FnOnce() + Send + 'static) -> Result<()> {
    std::thread::Builder::new()
        .name("download".to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|error| Error::device(format!("no thread for the download could be started: {error}")))
}

fn sha256_of(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    hash_file(path, &mut hasher)?;
    Ok(hex(hasher))
}

/// Feeds a file to `hasher` and gives its length.
fn hash_file(path: &Path, hasher: &mut Sha256) -> Result<usize> {
    let io = |error| Error::io(path, error);
    let mut file = File::open(path).map_err(io)?;
    let mut buffer = vec![0; 1 << 20];
    let mut length = 0;
    loop {
        match file.read(&mut buffer).map_err(io)? {
            0 => return Ok(length),
            count => {
                hasher.update(&buffer[..count]);
                length += count;
            }
        }
    }
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|digit| digit.is_ascii_hexdigit())
}

/// Makes `pointer` lead to `blob`, in the way that other programs expect of the cache.
fn link(blob: &Path, pointer: &Path, file: &str, etag: &str) -> std::io::Result<()> {
    if pointer.exists() {
        return Ok(());
    }
    #[cfg(unix)]
    {
        let _ = blob;
        // A link that leads nowhere may be left from before.
        let _ = fs::remove_file(pointer);
        // From snapshots/COMMIT/FILE, so that the cache may be moved.
        let up = "../".repeat(2 + file.matches('/').count());
        std::os::unix::fs::symlink(format!("{up}blobs/{etag}"), pointer)
    }
    #[cfg(not(unix))]
    {
        let _ = (file, etag);
        fs::rename(blob, pointer)
    }
}
