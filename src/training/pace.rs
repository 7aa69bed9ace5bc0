//! How far a run is and how long it will take, from how long its pictures took so far.
//!
//! An epoch learns from some pictures and is judged on others, which take less time each. Both are timed by themselves,
//! so that after the first epoch the time left is known; before anything was judged it is taken to be a third of
//! learning. Time in which the run waited is not counted.

use std::time::{Duration, Instant};

use crate::progress::Progress;

/// Time of a picture that is judged over one that is learnt from, until it is known.
const JUDGED_OVER_LEARNT: f64 = 1.0 / 3.0;

/// Seconds that a number of pictures took.
#[derive(Clone, Copy, Debug, Default)]
struct Timed {
    pictures: usize,
    seconds: f64,
}

impl Timed {
    fn each(self) -> Option<f64> {
        (self.pictures > 0).then(|| self.seconds / self.pictures as f64)
    }
}

/// Keeps count of a run.
#[derive(Debug)]
pub(super) struct Pace {
    epochs: usize,
    epochs_done: usize,
    /// Pictures of an epoch.
    to_learn: usize,
    to_judge: usize,
    /// Pictures of the present epoch.
    learnt_now: usize,
    judged_now: usize,
    learnt: Timed,
    judged: Timed,
    since: Instant,
}

impl Pace {
    /// A run of `epochs` epochs of which some are done.
    pub(super) fn new(epochs: usize, epochs_done: usize, to_learn: usize, to_judge: usize) -> Self {
        Self {
            epochs,
            epochs_done,
            to_learn,
            to_judge,
            learnt_now: 0,
            judged_now: 0,
            learnt: Timed::default(),
            judged: Timed::default(),
            since: Instant::now(),
        }
    }

    /// Work on some pictures begins.
    pub(super) fn begin(&mut self) {
        self.since = Instant::now();
    }

    /// So many pictures were learnt from since [`begin`](Self::begin).
    pub(super) fn learnt(&mut self, pictures: usize) {
        self.learnt_now += pictures;
        self.learnt.pictures += pictures;
        self.learnt.seconds += self.since.elapsed().as_secs_f64();
    }

    /// So many pictures were judged since [`begin`](Self::begin).
    pub(super) fn judged(&mut self, pictures: usize) {
        self.judged_now += pictures;
        self.judged.pictures += pictures;
        self.judged.seconds += self.since.elapsed().as_secs_f64();
    }

    /// An epoch ended.
    pub(super) fn epoch_done(&mut self) {
        self.epochs_done += 1;
        (self.learnt_now, self.judged_now) = (0, 0);
    }

    /// The report as of now.
    pub(super) fn progress(&self) -> Progress {
        let epochs_left = self.epochs - self.epochs_done;
        let remaining = self.learnt.each().map(|learning| {
            let judging = self.judged.each().unwrap_or(learning * JUDGED_OVER_LEARNT);
            let left = |all: usize, now: usize| (epochs_left * all).saturating_sub(now) as f64;
            let seconds =
                left(self.to_learn, self.learnt_now) * learning + left(self.to_judge, self.judged_now) * judging;
            Duration::from_secs_f64(seconds)
        });
        let each = self.to_learn + self.to_judge;
        let epoch = (self.epochs_done + 1).min(self.epochs);
        Progress {
            stage: format!("Epoch {epoch} of {}", self.epochs),
            done: self.epochs_done * each + self.learnt_now + self.judged_now,
            total: Some(self.epochs * each),
            remaining,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_time_left_follows_from_both_kinds_of_pictures() {
        let mut pace = Pace::new(3, 0, 100, 50);
        assert_eq!(pace.progress().remaining, None);
        let timed = |pictures, seconds| Timed { pictures, seconds };
        // One epoch: 2 s for each picture learnt, 0.5 s for each judged.
        (pace.learnt, pace.learnt_now) = (timed(100, 200.0), 100);
        let before = pace.progress().remaining.unwrap().as_secs_f64();
        assert!((before - (2.0 * 200.0 + 3.0 * 50.0 * 2.0 / 3.0)).abs() < 1e-6, "{before}");
        (pace.judged, pace.judged_now) = (timed(50, 25.0), 50);
        pace.epoch_done();
        let progress = pace.progress();
        assert_eq!((progress.done, progress.total), (150, Some(450)));
        assert!((progress.remaining.unwrap().as_secs_f64() - 2.0 * 225.0).abs() < 1e-6);
        assert_eq!(progress.stage, "Epoch 2 of 3");
    }
}
