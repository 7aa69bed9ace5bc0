//! The time as the server sees it.

use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

/// A clock: the computer's, or one that is set by hand, for tests. Clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Mutex<OffsetDateTime>>>);

impl Clock {
    /// The computer's clock.
    pub fn of_computer() -> Self {
        Self::default()
    }

    /// A clock that stands still until it is put on.
    pub fn standing_at(time: OffsetDateTime) -> Self {
        Self(Some(Arc::new(Mutex::new(time))))
    }

    /// Puts a clock that stands still on, or back; the computer's is left alone.
    pub fn put_on(&self, by: Duration) {
        if let Some(time) = &self.0 {
            *time.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }

    /// The time.
    pub fn now(&self) -> OffsetDateTime {
        match &self.0 {
            None => OffsetDateTime::now_utc(),
            Some(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}
