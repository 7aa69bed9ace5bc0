//! Connections: a bounded number of them, none of which can be held open by doing nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
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
/// Largest head of a request.
const LARGEST_HEAD_BYTES: usize = 32 * 1024;

/// Serves until `stop` changes, then lets the requests under way finish.
pub(super) async fn listen(listener: TcpListener, app: Router, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let counts = Counts::default();
    loop {
        let (accepted, permit) = tokio::select! {
            _ = stop.changed() => break,
            // Those beyond the bound wait in the system's own queue.
            both = async { let permit = free.clone().acquire_owned().await; (listener.accept().await, permit) } => both,
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
        let service = TowerToHyperService::new(app.clone().layer(Extension(Peer(address))));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_PATIENCE)
            .max_buf_size(LARGEST_HEAD_BYTES)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks is the other side's affair.
            let _ = connection.await;
            drop((permit, counted));
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(LAST_PATIENCE, graceful.shutdown()).await;
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
