//! Pictures made on other threads, ahead of the network, so that it never waits.
//!
//! What is wanted is queued with [`Loader::request`] and comes out of [`Loader::next`] in exactly that order, whatever
//! the number of threads. At most `ahead` pictures are finished or being made before they are asked for, which bounds
//! the memory. An error takes the place of its picture. Dropping the loader ends its threads after the picture that
//! each has in hand.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use image::RgbImage;

use super::samples::Sample;
use crate::error::{Error, Result};

/// Makes the picture of a sample; called from several threads.
pub type MakePicture = Arc<dyn Fn(&Sample) -> Result<RgbImage> + Send + Sync>;

/// The threads and what they work on.
pub struct Loader {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

struct Shared {
    queue: Mutex<Queue>,
    /// Something to make, or room to put it.
    work: Condvar,
    /// A picture is finished.
    finished: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Wanted, not begun.
    wanted: VecDeque<Sample>,
    /// Number of samples taken by threads so far: the place of the front of `wanted`.
    begun: u64,
    /// Number of pictures given out: the place of the next one.
    given: u64,
    /// Number of samples requested so far.
    requested: u64,
    /// Finished, by place.
    done: HashMap<u64, Result<RgbImage>>,
    ahead: u64,
    stop: bool,
}

impl Loader {
    /// Starts `threads` threads that make at most `ahead` pictures before they are asked for (both at least 1).
    ///
    /// # Errors
    /// `Device` when the system gives no thread.
    pub fn new(make: MakePicture, threads: usize, ahead: usize) -> Result<Self> {
        let queue = Queue { ahead: ahead.max(1) as u64, ..Queue::default() };
        let shared = Arc::new(Shared { queue: Mutex::new(queue), work: Condvar::new(), finished: Condvar::new() });
        let mut loader = Self { shared, threads: Vec::new() };
        for number in 0..threads.max(1) {
            let (shared, make) = (loader.shared.clone(), make.clone());
            let thread = std::thread::Builder::new()
                .name(format!("loader {number}"))
                .spawn(move || shared.work_off(&make))
                .map_err(|error| Error::device(format!("no thread to load pictures could be started: {error}")))?;
            loader.threads.push(thread);
        }
        Ok(loader)
    }

    /// Threads to load with beside a network on this machine: the cores but one, at least one and at most eight.
    pub fn usual_threads() -> usize {
        std::thread::available_parallelism().map_or(1, |cores| (cores.get() - 1).clamp(1, 8))
    }

    /// Queues samples after those queued before.
    pub fn request(&self, samples: impl IntoIterator<Item = Sample>) {
        let mut queue = self.shared.lock();
        let before = queue.wanted.len();
        queue.wanted.extend(samples);
        queue.requested += (queue.wanted.len() - before) as u64;
        drop(queue);
        self.shared.work.notify_all();
    }

    /// The picture of the oldest sample not given out yet; waits for it. None where nothing more was requested.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&self) -> Option<Result<RgbImage>> {
        let mut queue = self.shared.lock();
        if queue.given == queue.requested {
            return None;
        }
        loop {
            let place = queue.given;
            if let Some(picture) = queue.done.remove(&place) {
                queue.given += 1;
                drop(queue);
                self.shared.work.notify_one();
                return Some(picture);
            }
            queue = self.shared.finished.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it holds the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_off(&self, make: &MakePicture) {
        let mut queue = self.lock();
        loop {
            if queue.stop {
                return;
            }
            let room = queue.begun < queue.given + queue.ahead;
            let Some(sample) = room.then(|| queue.wanted.pop_front()).flatten() else {
                queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let place = queue.begun;
            queue.begun += 1;
            drop(queue);
            let picture = catch_unwind(AssertUnwindSafe(|| make(&sample)))
                .unwrap_or_else(|_| Err(Error::internal(format!("making the picture of {sample:?} went wrong"))));
            queue = self.lock();
            if place >= queue.given {
                queue.done.insert(place, picture);
                self.finished.notify_all();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use image::Rgb;

    fn sample(image: usize) -> Sample {
        Sample::Picture { image, copy: 0 }
    }

    /// Pictures whose first byte is the number of the sample; every seventh fails, every eleventh panics; some take
    /// longer than others.
    fn loader(threads: usize, ahead: usize, made: &Arc<AtomicUsize>) -> Loader {
        let made = made.clone();
        let make: MakePicture = Arc::new(move |sample| {
            let Sample::Picture { image, .. } = *sample else { unreachable!() };
            std::thread::sleep(Duration::from_micros((image * 7919 % 13) as u64 * 50));
            made.fetch_add(1, Ordering::SeqCst);
            match image {
                _ if image % 11 == 10 => panic!("on purpose"),
                _ if image % 7 == 6 => Err(Error::data(format!("picture {image}"))),
                _ => Ok(RgbImage::from_pixel(1, 1, Rgb([image as u8, 0, 0]))),
            }
        });
        Loader::new(make, threads, ahead).unwrap()
    }

    #[test]
    fn pictures_and_errors_come_in_the_order_asked() {
        let wanted: Vec<usize> = (0..60).map(|index| index * 17 % 60).collect();
        for (threads, ahead) in [(1, 1), (3, 4), (8, 2), (2, 100)] {
            let loader = loader(threads, ahead, &Arc::default());
            assert!(loader.next().is_none());
            for part in wanted.chunks(25) {
                loader.request(part.iter().copied().map(sample));
            }
            for &image in &wanted {
                match loader.next().unwrap() {
                    Ok(picture) => assert_eq!(picture.get_pixel(0, 0)[0] as usize, image),
                    Err(error) if image % 11 == 10 => assert!(error.message.contains(&format!("image: {image}"))),
                    Err(error) => assert!(image % 7 == 6 && error.message == format!("picture {image}")),
                }
            }
            assert!(loader.next().is_none());
        }
    }

    #[test]
    fn no_more_are_made_ahead_than_allowed() {
        let made = Arc::default();
        let loader = loader(4, 3, &made);
        loader.request((0..50).map(sample));
        for given in 0..20 {
            assert!(made.load(Ordering::SeqCst) <= given + 3);
            std::thread::sleep(Duration::from_micros(300));
            assert!(loader.next().is_some());
        }
        drop(loader);
        assert!(made.load(Ordering::SeqCst) <= 23, "what was not asked for is not made");
    }
}
