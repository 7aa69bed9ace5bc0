//! The pool that makes pictures ready to draw.
//!
//! Each frame the window says which pictures it wants now, most wanted first; what it no longer wants is forgotten
//! before it costs anything. Finished pictures wait until the window collects them.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};

use image::RgbImage;

use super::Wake;
use crate::error::{Error, Result};
use crate::imaging::{self, DecodeLimits, PictureFile, ThumbnailCache};

/// How large a picture is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureSize {
    /// As in grids, from the thumbnail cache.
    Thumbnail,
    /// To look at: scaled down to at most this many pixels on the longer side.
    Large(u32),
}

/// A picture that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureRequest {
    /// Its file.
    pub file: PictureFile,
    /// How large.
    pub size: PictureSize,
}

/// A picture that is ready, or why it is not.
#[derive(Debug)]
pub struct Picture {
    /// Content hash.
    pub content_hash: String,
    /// How large it was wanted.
    pub size: PictureSize,
    /// The pixels.
    pub image: Result<RgbImage>,
}

#[derive(Default)]
struct Queue {
    wanted: VecDeque<PictureRequest>,
    in_work: HashSet<(String, PictureSize)>,
    ready: VecDeque<Picture>,
    closed: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    thumbnails: ThumbnailCache,
    wake: Wake,
}

/// The pool. Dropping it stops its threads after the pictures in work.
pub struct PicturePool {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for PicturePool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PicturePool").finish_non_exhaustive()
    }
}

impl PicturePool {
    /// A pool for one project that keeps its thumbnails in `folder`.
    ///
    /// # Errors
    /// `Device` when the system gives no thread.
    pub fn start(folder: PathBuf, wake: Wake) -> Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
            thumbnails: ThumbnailCache::new(folder),
            wake,
        });
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get()).clamp(2, 8);
        for number in 0..threads {
            let shared = shared.clone();
            std::thread::Builder::new()
                .name(format!("pictures {number}"))
                .spawn(move || work(&shared))
                .map_err(|error| Error::device(format!("no thread for thumbnails could be started: {error}")))?;
        }
        Ok(Self { shared })
    }

    /// Replaces what is wanted. What is being made already is not made again.
    pub fn want(&self, requests: impl IntoIterator<Item = PictureRequest>) {
        if let Ok(mut queue) = self.shared.queue.lock() {
            let wanted = requests
                .into_iter()
                .filter(|request| !queue.in_work.contains(&(request.file.content_hash.clone(), request.size)))
                .collect();
            queue.wanted = wanted;
            if !queue.wanted.is_empty() {
                self.shared.changed.notify_all();
            }
        }
    }

    /// Takes a picture that is ready.
    pub fn next_ready(&self) -> Option<Picture> {
        let mut queue = self.shared.queue.lock().ok()?;
        let picture = queue.ready.pop_front()?;
        queue.in_work.remove(&(picture.content_hash.clone(), picture.size));
        Some(picture)
    }
}

impl Drop for PicturePool {
    fn drop(&mut self) {
        if let Ok(mut queue) = self.shared.queue.lock() {
            queue.closed = true;
            queue.wanted.clear();
        }
        self.shared.changed.notify_all();
    }
}

fn work(shared: &Shared) {
    loop {
        let Ok(mut queue) = shared.queue.lock() else { return };
        let request = loop {
            if queue.closed {
                return;
            }
            if let Some(request) = queue.wanted.pop_front() {
                break request;
            }
            match shared.changed.wait(queue) {
                Ok(guard) => queue = guard,
                Err(_) => return,
            }
        };
        queue.in_work.insert((request.file.content_hash.clone(), request.size));
        drop(queue);
        let image = make(shared, &request);
        let Ok(mut queue) = shared.queue.lock() else { return };
        queue.ready.push_back(Picture { content_hash: request.file.content_hash, size: request.size, image });
        drop(queue);
        (shared.wake)();
    }
}

fn make(shared: &Shared, request: &PictureRequest) -> Result<RgbImage> {
    match request.size {
        PictureSize::Thumbnail => shared.thumbnails.load_or_make(&request.file),
        PictureSize::Large(side_px) => {
            let image = request.file.decode(&DecodeLimits::default()).map_err(|reason| request.file.error(reason))?;
            let fits = image.width().max(image.height()) <= side_px;
            Ok(if fits { image.into_image() } else { imaging::thumbnail(&image, side_px) })
        }
    }
}
