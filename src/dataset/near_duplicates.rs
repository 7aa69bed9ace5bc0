//! Pictures that look alike, by the Hamming distance of their perceptual hashes.
//!
//! A hash of 64 bits is cut into four bands of 16. Two hashes that differ in at most d bits agree, in at least one
//! band, up to d / 4 bits (pigeonhole). So each hash is looked up in a table for each band, under its own value of
//! the band and those near it, and only what is found there is compared in full: about linear in the number of
//! pictures, where comparing all pairs is quadratic.

use std::collections::HashMap;

use crate::ids::ImageId;

/// Distance in bits up to which pictures count as near-duplicates unless set otherwise.
pub const DEFAULT_MAX_DISTANCE: u32 = 6;

const BANDS: u32 = 4;
const BAND_BITS: u32 = u64::BITS / BANDS;

/// Groups of two or more pictures whose hashes are linked by steps of at most `max_distance` bits (default in the
/// project: 6 of 64). Members are in the order of their ids, groups in the order of their first members; the order
/// of the input does not matter.
pub fn near_duplicates(hashes: &[(ImageId, u64)], max_distance: u32) -> Vec<Vec<ImageId>> {
    // Pictures with the very same hash are one entry, so that a thousand blank pages stay cheap.
    let mut by_hash: HashMap<u64, Vec<ImageId>> = HashMap::new();
    for (id, hash) in hashes {
        by_hash.entry(*hash).or_default().push(*id);
    }
    let mut distinct: Vec<u64> = by_hash.keys().copied().collect();
    distinct.sort_unstable();

    let mut sets = DisjointSets::new(distinct.len());
    let masks = masks_up_to(max_distance / BANDS);
    for band in 0..BANDS {
        let value_of = |hash: u64| (hash >> (band * BAND_BITS)) as u16;
        let mut table: HashMap<u16, Vec<usize>> = HashMap::new();
        for (position, hash) in distinct.iter().enumerate() {
            for mask in &masks {
                for other in table.get(&(value_of(*hash) ^ mask)).into_iter().flatten() {
                    if (hash ^ distinct[*other]).count_ones() <= max_distance {
                        sets.join(position, *other);
                    }
                }
            }
            table.entry(value_of(*hash)).or_default().push(position);
        }
    }

    let mut groups: HashMap<usize, Vec<ImageId>> = HashMap::new();
    for (position, hash) in distinct.iter().enumerate() {
        groups.entry(sets.root(position)).or_default().extend(&by_hash[hash]);
    }
    let mut groups: Vec<_> = groups.into_values().filter(|members| members.len() > 1).collect();
    groups.iter_mut().for_each(|members| members.sort_unstable());
    groups.sort_unstable();
    groups
}

/// All bands' values with at most `bits` bits set.
fn masks_up_to(bits: u32) -> Vec<u16> {
    (0..=u16::MAX).filter(|mask| mask.count_ones() <= bits).collect()
}

/// Union-find with path halving.
struct DisjointSets(Vec<usize>);

impl DisjointSets {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn root(&mut self, mut item: usize) -> usize {
        while self.0[item] != item {
            self.0[item] = self.0[self.0[item]];
            item = self.0[item];
        }
        item
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one.max(other)] = one.min(other);
    }
}
