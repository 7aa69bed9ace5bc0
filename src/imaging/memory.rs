//! How much memory the pictures that are open at once may take, in bytes and for the whole program.
//!
//! Code that opens a picture first takes a [`Permit`] for what that will need at its height, and waits while others hold
//! too much: small pictures are opened side by side, large ones one at a time. A picture that needs more than
//! there is at all is rejected before it is read or decoded.
//!
//! No thread may wait for a second permit while holding the permit of a decoded picture. The one exception is built in:
//! the bytes of a large file are held while it is decoded, and there is only ever one such file. Nothing that holds a
//! permit may wait for rayon's threads either, for these may be waiting here.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What all pictures that are open at the same time may take together: files, decoded pictures and the copies made
/// on the way. Enough for a picture of 200 megapixels with 8 bits a channel that has to be turned upright.
pub const MEMORY_BUDGET_BYTES: u64 = 1_300_000_000;

/// Files up to this length are read at any time, and counted with their picture; larger ones one at a time.
pub(super) const SMALL_FILE_BYTES: u64 = 8_000_000;

static PICTURES: MemoryBudget = MemoryBudget::new(MEMORY_BUDGET_BYTES);

/// Waits until a picture that needs `bytes` may be opened.
pub(super) fn permit(bytes: u64) -> Permit {
    PICTURES.take(bytes)
}

/// Waits until a large file of so many bytes may be read.
pub(super) fn permit_for_file(bytes: u64) -> Permit {
    PICTURES.take_file(bytes)
}

/// So many bytes, given out as permits.
#[derive(Debug)]
struct MemoryBudget {
    total: u64,
    taken: Mutex<Taken>,
    freed: Condvar,
}

#[derive(Debug)]
struct Taken {
    bytes: u64,
    /// A large file is in memory.
    file: bool,
}

impl MemoryBudget {
    const fn new(total: u64) -> Self {
        Self { total, taken: Mutex::new(Taken { bytes: 0, file: false }), freed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so many bytes; for more than there are in all, until nobody holds any.
    fn take(&'static self, bytes: u64) -> Permit {
        let bytes = bytes.min(self.total);
        let wait = |taken: &mut Taken| taken.bytes + bytes > self.total && taken.bytes > 0;
        let mut taken = self.freed.wait_while(self.lock(), wait).unwrap_or_else(PoisonError::into_inner);
        taken.bytes += bytes;
        Permit { budget: self, bytes, file: false }
    }

    fn take_file(&'static self, bytes: u64) -> Permit {
        let bytes = bytes.min(self.total);
        let wait = |taken: &mut Taken| taken.file || (taken.bytes + bytes > self.total && taken.bytes > 0);
        let mut taken = self.freed.wait_while(self.lock(), wait).unwrap_or_else(PoisonError::into_inner);
        taken.bytes += bytes;
        taken.file = true;
        Permit { budget: self, bytes, file: true }
    }
}

/// The right to hold so many bytes of pictures, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    budget: &'static MemoryBudget,
    bytes: u64,
    file: bool,
}

impl Permit {
    /// Gives back all but `bytes`.
    pub(super) fn shrink(&mut self, bytes: u64) {
        let given_back = self.bytes.saturating_sub(bytes);
        self.bytes -= given_back;
        self.budget.lock().bytes -= given_back;
        self.budget.freed.notify_all();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut taken = self.budget.lock();
        taken.bytes -= self.bytes;
        taken.file &= !self.file;
        drop(taken);
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn many_threads_never_hold_more_than_there_is() {
        static BUDGET: MemoryBudget = MemoryBudget::new(100);
        static HELD: AtomicU64 = AtomicU64::new(0);
        let hold = |bytes: u64| {
            let now = HELD.fetch_add(bytes, Ordering::SeqCst) + bytes;
            assert!(now <= 100, "{now} bytes are held");
            thread::sleep(Duration::from_millis(1));
        };
        thread::scope(|scope| {
            for number in 0..16_u64 {
                scope.spawn(move || {
                    for turn in 0..20 {
                        let bytes = 1 + (number * 37 + turn * 11) % 60;
                        let file = (turn % 3 == 0).then(|| BUDGET.take_file(40));
                        if file.is_some() {
                            hold(40);
                        }
                        let mut picture = BUDGET.take(bytes);
                        hold(bytes);
                        HELD.fetch_sub(bytes - 1, Ordering::SeqCst);
                        picture.shrink(1);
                        HELD.fetch_sub(1, Ordering::SeqCst);
                        drop(picture);
                        if file.is_some() {
                            HELD.fetch_sub(40, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        assert_eq!(BUDGET.lock().bytes, 0);
        // What is larger than everything has everything to itself.
        drop(BUDGET.take(1000));
        assert!(!BUDGET.lock().file);
    }
}
