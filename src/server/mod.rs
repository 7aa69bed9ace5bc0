//! Remote raters: a study of a project opened for web browsers.
//!
//! ```text
//!  browser ──HTTP──► listen   connections, bounded and never idle for long
//!                      │
//!                    http     limits, secret links, headers; one function for each address
//!                      │  RaterRequest                 │ picture by its place in the rater's order
//!                      ▼                               ▼
//!                    writer   one thread:            pictures   a few threads that scale and
//!                      │      moves of all raters               encode, with a cache on disk
//!                      ▼      in one transaction
//!                    Project + SortKeeper
//! ```
//!
//! The page (`page`, `assets/web/`) makes a rater's moves at once, keeps them until they are stored, and sends them with their
//! numbers, so that neither a lost connection nor a restart of the server loses one or makes one twice. Its messages
//! (`protocol`) hold places in the rater's own order instead of ids.
//!
//! The server speaks plain HTTP. Raters elsewhere reach it through a proxy that speaks TLS.

mod clock;
mod http;
mod limits;
mod links;
mod listen;
mod page;
mod pictures;
mod problems;
mod protocol;
mod writer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::ids::StudyId;
use crate::project::Project;
use http::Shared;
use limits::Counters;
use pictures::PictureMaker;
use problems::Problems;
use writer::{Message, Writer};

pub use clock::Clock;
pub use limits::{Limits, Rate};
pub use links::{BaseUrl, DEFAULT_BASE_URL};

/// Requests that may wait for the writer.
const LONGEST_QUEUE: usize = 4096;
/// Problems kept until they are read.
const MOST_PROBLEMS: usize = 100;
/// Threads that answer requests; the work is elsewhere.
const MOST_THREADS: usize = 4;
/// Threads that read and make pictures.
const MOST_PICTURE_THREADS: usize = 16;

/// A running server. Dropping it stops it as [`stop`](Self::stop) does.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    messages: Sender<Message>,
    problems: Receiver<String>,
    runtime: Option<Runtime>,
    listening: Option<tokio::task::JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

impl Server {
    /// Opens `study` at `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// `User` when the address is in use or not this computer's; `Device` when the system gives no threads.
    pub fn start(project: Project, study: StudyId, address: SocketAddr, limits: &Limits) -> Result<Self> {
        Self::start_by(Clock::of_computer(), project, study, address, limits)
    }

    /// The same; raters' moves are timed by `clock`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_by(
        clock: Clock,
        project: Project,
        study: StudyId,
        address: SocketAddr,
        limits: &Limits,
    ) -> Result<Self> {
        let listener = std::net::TcpListener::bind(address).map_err(|error| {
            Error::user(format!("{address} cannot be used: {error}")).hint("choose another one with --address")
        })?;
        let no_threads = |error: std::io::Error| Error::device(format!("the server cannot be started: {error}"));
        let address = listener.local_addr().map_err(no_threads)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, MOST_THREADS)))
            .max_blocking_threads(MOST_PICTURE_THREADS)
            .thread_name("server")
            .enable_all()
            .build()
            .map_err(no_threads)?;
        let (messages, queue) = bounded(LONGEST_QUEUE);
        let (to_problems, problems) = bounded(MOST_PROBLEMS);
        let pictures = PictureMaker::new(&project.thumbnails_folder(), &project.large_pictures_folder());
        let writer = Writer::new(project, study, Problems::new(to_problems), clock)?;
        let to_prepare = writer.study_pictures()?;
        let shared = Arc::new(Shared {
            published: writer.published(),
            writer: messages.clone(),
            pictures,
            counters: Counters::new(limits),
        });
        let writer = std::thread::Builder::new()
            .name("moves".to_owned())
            .spawn(move || writer.run(&queue))
            .map_err(no_threads)?;
        let (stop, stopped) = watch::channel(false);
        let listening = {
            let _inside = runtime.enter();
            listener.set_nonblocking(true).map_err(no_threads)?;
            let listener = tokio::net::TcpListener::from_std(listener).map_err(no_threads)?;
            let (maker, mut stop) = (shared.clone(), stopped.clone());
            runtime.spawn(async move {
                tokio::select! {
                    () = maker.pictures.prepare(to_prepare) => {}
                    _ = stop.changed() => {}
                }
            });
            let published = shared.published.clone();
            let full = move |connections| {
                published.problems.tell(&format!(
                    "all {connections} connections are in use; those that rest are closed, so that everybody is \
                     answered, but more slowly"
                ));
            };
            runtime.spawn(listen::listen(listener, http::router(shared), full, stopped))
        };
        let (runtime, listening, writer) = (Some(runtime), Some(listening), Some(writer));
        Ok(Self { address, stop, messages, problems, runtime, listening, writer })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next problem that the researcher should know of, waited for as long as `patience`.
    pub fn next_problem(&self, patience: Duration) -> Option<String> {
        self.problems.recv_timeout(patience).ok()
    }

    /// Finishes the requests under way, notes that all raters paused, and stops.
    pub fn stop(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        let _ = self.stop.send(true);
        if let (Some(runtime), Some(listening)) = (self.runtime.take(), self.listening.take()) {
            let _ = runtime.block_on(listening);
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
        if let Some(writer) = self.writer.take() {
            let _ = self.messages.send(Message::Stop);
            let _ = writer.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.finish();
    }
}
