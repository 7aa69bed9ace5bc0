//! Large buffers for the time of one operation, kept for the next one.
//!
//! Asking the system for hundreds of megabytes and giving them back in every layer costs as much as some of the
//! layers; these buffers are handed back to a small stock instead.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

/// Buffers that wait for their next use.
static STOCK: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());
/// Most buffers that wait; more are given back to the system.
const MOST_WAITING: usize = 6;
/// Values of the largest buffer that is kept (256 MiB).
const LARGEST_KEPT: usize = 64 << 20;

/// A buffer whose values are left over from earlier use: write before reading.
#[derive(Debug)]
pub struct Scratch {
    values: Vec<f32>,
    len: usize,
}

impl Scratch {
    /// A buffer of `len` values.
    pub fn new(len: usize) -> Self {
        let mut values = STOCK
            .lock()
            .ok()
            .and_then(|mut stock| {
                // The smallest that is large enough, if it is not far too large.
                let fits = |values: &Vec<f32>| values.len() >= len && values.len() <= 4 * len.max(1);
                let best = (0..stock.len()).filter(|&i| fits(&stock[i])).min_by_key(|&i| stock[i].len())?;
                Some(stock.swap_remove(best))
            })
            .unwrap_or_default();
        if values.len() < len {
            values = vec![0.0; len];
        }
        Self { values, len }
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[..self.len]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.len]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Ok(mut stock) = STOCK.lock()
            && self.values.len() <= LARGEST_KEPT
            && stock.len() < MOST_WAITING
        {
            stock.push(std::mem::take(&mut self.values));
        }
    }
}
