//! How much one link and one address may ask for: far more than honest work needs, and too little to do harm.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::ids::PersonId;

/// Requests with a body, which may come slowly, that one link may have under way at once.
const MOST_BODIES: usize = 12;
/// Requests of any kind that one link may have under way at once: a page behind a proxy asks for many pictures.
const MOST_REQUESTS: usize = 256;

/// So many keys are remembered before those that are at rest are forgotten.
const MOST_KEYS: usize = 10_000;

/// How fast something may come: up to `burst` at once, and `each_second` in the long run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// At once, after a rest.
    pub burst: f64,
    /// In the long run.
    pub each_second: f64,
}

/// What the server lets itself be asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Requests and moves of one link. A page that opens 500 pictures stays within the burst.
    pub link: Rate,
    /// Requests from one address, which a whole school may share.
    pub address: Rate,
    /// Links that do not exist, asked for from one address.
    pub bad_links: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            link: Rate { burst: 3000.0, each_second: 60.0 },
            address: Rate { burst: 30_000.0, each_second: 2000.0 },
            bad_links: Rate { burst: 30.0, each_second: 0.2 },
        }
    }
}

impl Limits {
    /// No limits, to measure how fast the server is.
    pub fn none() -> Self {
        let all = Rate { burst: f64::MAX, each_second: 0.0 };
        Self { link: all, address: all, bad_links: all }
    }
}

/// Who asked for how much.
#[derive(Debug)]
pub(super) struct Counters {
    pub link: Counter<PersonId>,
    pub address: Counter<IpAddr>,
    pub bad_links: Counter<IpAddr>,
    pub bodies: UnderWay<PersonId>,
    pub requests: UnderWay<PersonId>,
}

impl Counters {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            link: Counter::new(limits.link),
            address: Counter::new(limits.address),
            bad_links: Counter::new(limits.bad_links),
            bodies: UnderWay::new(MOST_BODIES),
            requests: UnderWay::new(MOST_REQUESTS),
        }
    }
}

/// Counts by key: a bucket for each, which fills at its rate and is emptied by asking.
#[derive(Debug)]
pub(super) struct Counter<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    level: f64,
    at: Instant,
}

impl<K: Eq + Hash> Counter<K> {
    fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::new(HashMap::new()) }
    }

    /// True when `key` may have `cost` more now.
    pub(super) fn allow(&self, key: K, cost: usize) -> bool {
        self.allow_at(key, cost, Instant::now())
    }

    fn allow_at(&self, key: K, cost: usize, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let level = |bucket: &Bucket| {
            let since = now.saturating_duration_since(bucket.at).as_secs_f64();
            (bucket.level + since * self.rate.each_second).min(self.rate.burst)
        };
        if buckets.len() >= MOST_KEYS && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| level(bucket) < self.rate.burst);
        }
        let bucket = buckets.entry(key).or_insert(Bucket { level: self.rate.burst, at: now });
        let (level, cost) = (level(bucket), cost as f64);
        let allowed = level >= cost;
        *bucket = Bucket { level: if allowed { level - cost } else { level }, at: now };
        allowed
    }
}

/// Counts by key what is under way at once.
#[derive(Debug)]
pub(super) struct UnderWay<K: Eq + Hash> {
    most: usize,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

/// One that is under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<K: Eq + Hash> {
    key: K,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash + Copy> UnderWay<K> {
    fn new(most: usize) -> Self {
        Self { most, counts: Arc::default() }
    }

    /// A turn for `key`; none when it has too many already.
    pub(super) fn begin(&self, key: K) -> Option<Turn<K>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Turn { key, counts: self.counts.clone() })
    }
}

impl<K: Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

/// What counts as one address: all of a network of the new kind that one household gets.
pub(super) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let counter = Counter::new(Rate { burst: 3.0, each_second: 2.0 });
        let start = Instant::now();
        assert_eq!([0; 4].map(|_| counter.allow_at("a", 1, start)), [true, true, true, false]);
        assert!(counter.allow_at("b", 3, start), "each key has its own");
        assert!(!counter.allow_at("a", 1, start + Duration::from_millis(400)));
        assert!(counter.allow_at("a", 1, start + Duration::from_millis(600)));
        assert!(!counter.allow_at("a", 4, start + Duration::from_secs(60)), "never more than the burst");
        assert!(counter.allow_at("a", 3, start + Duration::from_secs(60)));
    }

    #[test]
    fn so_many_at_once_and_no_more() {
        let under_way = UnderWay::new(2);
        let (one, two) = (under_way.begin("a").unwrap(), under_way.begin("a").unwrap());
        assert!(under_way.begin("a").is_none() && under_way.begin("b").is_some());
        drop(one);
        assert!(under_way.begin("a").is_some());
        drop(two);
        assert!(under_way.counts.lock().unwrap().is_empty(), "who asks for nothing is forgotten");
    }

    #[test]
    fn those_at_rest_are_forgotten() {
        let counter = Counter::new(Rate { burst: 1.0, each_second: 1.0 });
        let start = Instant::now();
        for key in 0..MOST_KEYS {
            counter.allow_at(key, 1, start);
        }
        counter.allow_at(MOST_KEYS, 1, start + Duration::from_secs(5));
        assert_eq!(counter.buckets.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_household_is_one_address() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
    }
}
