//! Connections: a bounded number of them, none of which can be held open by doing nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio_io_timeout::TimeoutStream;

use super::http::Peer;
use super::limits::network_of;

/// Most connections at once.
const MOST_CONNECTIONS: usize = 800;
/// Most connections from one address that is not this computer's own: a class of a hundred with six each.
const MOST_FROM_ONE_ADDRESS: usize = 600;
/// How long the head of a request may take.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may neither send nor take anything.
const IDLE_PATIENCE: Duration = Duration::from_secs(75);
/// How long requests under way may take once the server stops.
const LAST_PATIENCE: Duration = Duration::from_secs(5);
/// When all connections are in use: how long one must have rested to be closed, how many are closed at once, and how
/// long it is until more are looked for.
const LEAST_REST: Duration = Duration::from_millis(500);
const CLOSED_AT_ONCE: usize = 32;
const CLOSE_AGAIN: Duration = Duration::from_millis(100);
/// Largest head of a request.
const LARGEST_HEAD_BYTES: usize = 32 * 1024;

/// Serves until `stop` changes, then lets the requests under way finish. Tells `full` when all connections are in use.
pub(super) async fn listen(listener: TcpListener, app: Router, full: impl Fn(usize), mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let counts = Counts::default();
    let open = OpenConnections::default();
    loop {
        let accept = async {
            let permit = match free.clone().try_acquire_owned() {
                Ok(permit) => Ok(permit),
                Err(_) => {
                    // Those beyond the bound wait in the system's own queue, until one that rests is closed.
                    full(MOST_CONNECTIONS);
                    loop {
                        open.close_resting();
                        let soon = tokio::time::timeout(CLOSE_AGAIN, free.clone().acquire_owned());
                        if let Ok(permit) = soon.await {
                            break permit;
                        }
                    }
                }
            };
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            _ = stop.changed() => break,
            both = accept => both,
        };
        let (stream, address) = match accepted {
            Ok((stream, peer)) => (stream, peer.ip()),
            Err(_) => {
                // Out of file descriptors, most likely: some will be free soon.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(counted) = counts.one_more(address) else { continue };
        // Answers are small and wanted at once.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_read_timeout(Some(IDLE_PATIENCE));
        stream.set_write_timeout(Some(IDLE_PATIENCE));
        let (activity, mut enough) = open.add();
        let at_work = activity.clone();
        let service = app.clone().layer(Extension(Peer(address))).layer(middleware::from_fn(
            move |request: Request, next: Next| {
                let work = at_work.begin();
                async move {
                    let response = next.run(request).await;
                    drop(work);
                    response
                }
            },
        ));
        let service = TowerToHyperService::new(service);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_PATIENCE)
            .max_buf_size(LARGEST_HEAD_BYTES)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                // A connection that breaks is the other side's affair.
                _ = connection => {}
                _ = &mut enough => {}
            }
            drop((permit, counted, activity));
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(LAST_PATIENCE, graceful.shutdown()).await;
}

/// All open connections, to find those that rest.
#[derive(Clone, Debug, Default)]
struct OpenConnections(Arc<Mutex<HashMap<u64, Open>>>);

/// How long an open connection has rested, and what ends it.
type Open = (Arc<Rest>, oneshot::Sender<()>);

/// Since when a connection rests.
#[derive(Debug)]
struct Rest {
    requests: AtomicUsize,
    since: Mutex<Instant>,
}

/// A connection among the open ones, as long as it lives.
#[derive(Clone, Debug)]
struct Activity(Arc<Listed>);

#[derive(Debug)]
struct Listed {
    open: OpenConnections,
    number: u64,
    rest: Arc<Rest>,
}

/// A request that is being answered.
struct Work(Arc<Rest>);

impl OpenConnections {
    /// A new connection, and what ends it.
    fn add(&self) -> (Activity, oneshot::Receiver<()>) {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let rest = Arc::new(Rest { requests: AtomicUsize::new(0), since: Mutex::new(Instant::now()) });
        let (end, ended) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number, (rest.clone(), end));
        (Activity(Arc::new(Listed { open: self.clone(), number, rest })), ended)
    }

    /// Ends some of the connections that have rested longest. A page opens its own again when it needs it.
    fn close_resting(&self) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut resting: Vec<(Instant, u64)> = open
            .iter()
            .filter(|(_, (rest, _))| rest.requests.load(Ordering::SeqCst) == 0)
            .map(|(number, (rest, _))| (*rest.since.lock().unwrap_or_else(PoisonError::into_inner), *number))
            .filter(|(since, _)| since.elapsed() > LEAST_REST)
            .collect();
        resting.sort_unstable();
        for (_, number) in resting.into_iter().take(CLOSED_AT_ONCE) {
            if let Some((_, end)) = open.remove(&number) {
                let _ = end.send(());
            }
        }
    }
}

impl Activity {
    fn begin(&self) -> Work {
        self.0.rest.requests.fetch_add(1, Ordering::SeqCst);
        Work(self.0.rest.clone())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.requests.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.open.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// Open connections by address.
#[derive(Clone, Debug, Default)]
struct Counts(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// Counts a connection as long as it lives.
struct Counted {
    counts: Counts,
    address: IpAddr,
}

impl Counts {
    fn one_more(&self, address: IpAddr) -> Option<Counted> {
        let address = network_of(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_insert(0);
        if *count >= MOST_FROM_ONE_ADDRESS && !address.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Counted { counts: self.clone(), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}
