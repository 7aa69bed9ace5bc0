//! Consensus: one partition that stands for several raters' groupings.
//!
//! Two ways: the partition that agrees best with the raters on average, found by climbing from good beginnings
//! ([`best_consensus`]); and average linkage of how often images stand together, cut at a level the researcher chooses
//! ([`linkage_consensus`]).

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::agreement::rand_index_from_squares;
use super::co_occurrence::CoOccurrence;
use super::rater_groupings::RaterGroupings;
use crate::error::{Error, Result};
use crate::progress::Cancel;

/// Rounds of moves before the search is called off.
const MOST_ROUNDS: usize = 100;
/// Beginnings that are climbed from: the best of all candidates.
const CLIMBED: usize = 6;
/// Least gain of a move, above what rounding gives.
const LEAST_GAIN: f64 = 1e-12;

/// A partition of all images and how well it agrees with each rater.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Consensus {
    /// The group of each image by its place in [`RaterGroupings::images`]; groups are numbered by size, the largest
    /// first, and by their first image where they are as large.
    pub groups: Vec<usize>,
    /// Adjusted Rand index with each rater, over the images the rater placed.
    pub rand_index_by_rater: Vec<f64>,
    /// Their mean.
    pub mean_rand_index: f64,
}

/// The partition with the highest mean adjusted Rand index with the raters that could be found: from the raters' own
/// partitions and every cut of the average linkage, the best are improved by moving single images, whole groups, and the
/// parts of groups that one rater set apart, into another group or one of their own, until no move helps. The same
/// groupings give the same partition. That no other is better still cannot be ruled out (Krieger and Green 1999).
///
/// # Errors
/// `User` when no rater placed an image; `Cancelled`.
pub fn best_consensus<Image: Sync>(groupings: &RaterGroupings<Image>, cancel: &Cancel) -> Result<Consensus> {
    let tree = CoOccurrence::new(groupings).tree();
    let images = groupings.images().len();
    check(groupings)?;
    let own = (0..groupings.raters().len()).map(|rater| {
        // Images that a rater did not place stand alone.
        let mut next = groupings.group_count(rater);
        let alone = |group: &Option<usize>| {
            group.unwrap_or_else(|| {
                next += 1;
                next - 1
            })
        };
        groupings.groups_of(rater).iter().map(alone).collect::<Vec<usize>>()
    });
    let cuts = (0..=tree.steps()).map(|steps| tree.cut_after(steps));
    let mut candidates: Vec<(f64, Vec<usize>)> = Vec::new();
    for groups in own.chain(cuts) {
        cancel.check()?;
        let search = Search::new(groupings, groups);
        candidates.push((search.mean_rand_index(), search.groups));
    }
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    candidates.truncate(CLIMBED);
    let reached: Vec<(f64, Vec<usize>)> = candidates
        .into_par_iter()
        .map(|(_, groups)| {
            let mut search = Search::new(groupings, groups);
            search.climb(cancel)?;
            Ok((search.mean_rand_index(), search.groups))
        })
        .collect::<Result<_>>()?;
    let mut best: Option<(f64, Vec<usize>)> = None;
    for (reached, groups) in reached {
        if best.as_ref().is_none_or(|(known, _)| reached > known + LEAST_GAIN) {
            best = Some((reached, groups));
        }
    }
    let groups = best.map_or_else(|| vec![0; images], |(_, groups)| groups);
    Ok(finish(groupings, groups))
}

/// The groups in which images stand together for a share of at least `level` of the raters on average: average linkage
/// of 1 − share, cut at 1 − level.
///
/// # Errors
/// `User` when `level` is not in 0 to 1 or no rater placed an image.
pub fn linkage_consensus<Image: Sync>(groupings: &RaterGroupings<Image>, level: f64) -> Result<Consensus> {
    if !(0.0..=1.0).contains(&level) {
        return Err(Error::user(format!("the level of the consensus is {level}")).hint("choose one from 0 to 1"));
    }
    check(groupings)?;
    Ok(finish(groupings, CoOccurrence::new(groupings).tree().cut_at(1.0 - level)))
}

fn check<Image>(groupings: &RaterGroupings<Image>) -> Result<()> {
    if groupings.images().is_empty() {
        return Err(Error::user("there is no consensus without groupings"));
    }
    Ok(())
}

fn finish<Image>(groupings: &RaterGroupings<Image>, groups: Vec<usize>) -> Consensus {
    let search = Search::new(groupings, numbered_by_size(&groups));
    let rand_index_by_rater: Vec<f64> = (0..search.tables.len()).map(|rater| search.rand_index(rater)).collect();
    let mean_rand_index = search.mean_rand_index();
    Consensus { groups: search.groups, rand_index_by_rater, mean_rand_index }
}

/// The same groups with other numbers: by size, then by their first image.
fn numbered_by_size(groups: &[usize]) -> Vec<usize> {
    let count = groups.iter().max().map_or(0, |largest| largest + 1);
    let mut sizes: Vec<(usize, usize, usize)> = (0..count).map(|group| (0, usize::MAX, group)).collect();
    for (image, group) in groups.iter().enumerate() {
        sizes[*group].0 += 1;
        sizes[*group].1 = sizes[*group].1.min(image);
    }
    sizes.sort_by_key(|(size, first, _)| (std::cmp::Reverse(*size), *first));
    let mut number = vec![0; count];
    for (new, (_, _, old)) in sizes.into_iter().enumerate() {
        number[old] = new;
    }
    groups.iter().map(|group| number[*group]).collect()
}

/// A partition under improvement, with what is needed to know at once what a move would do.
struct Search<'a> {
    groups: Vec<usize>,
    /// Images in each group, over all.
    sizes: Vec<usize>,
    tables: Vec<RaterTable<'a>>,
}

/// The contingency of the partition with one rater's groups, over the images that the rater placed.
struct RaterTable<'a> {
    rater: &'a [Option<usize>],
    /// By group of the partition, then group of the rater.
    counts: Vec<Vec<i64>>,
    /// Sizes of the partition's groups among the images placed.
    sizes: Vec<i64>,
    /// Sums of squares: of the counts, of the partition's sizes, of the rater's.
    both: i64,
    in_partition: i64,
    in_rater: i64,
    images: i64,
}

impl<'a> Search<'a> {
    fn new<Image>(groupings: &'a RaterGroupings<Image>, groups: Vec<usize>) -> Self {
        let count = groups.iter().max().map_or(0, |largest| largest + 1);
        let mut sizes = vec![0; count];
        groups.iter().for_each(|group| sizes[*group] += 1);
        let tables = (0..groupings.raters().len())
            .map(|number| {
                let rater = groupings.groups_of(number);
                let mut counts = vec![vec![0_i64; groupings.group_count(number)]; count];
                let mut group_sizes = vec![0_i64; groupings.group_count(number)];
                for (group, placed) in groups.iter().zip(rater) {
                    if let Some(placed) = placed {
                        counts[*group][*placed] += 1;
                        group_sizes[*placed] += 1;
                    }
                }
                let squares = |values: &[i64]| values.iter().map(|value| value * value).sum::<i64>();
                let sizes: Vec<i64> = counts.iter().map(|row| row.iter().sum()).collect();
                RaterTable {
                    rater,
                    both: counts.iter().map(|row| squares(row)).sum(),
                    in_partition: squares(&sizes),
                    in_rater: squares(&group_sizes),
                    images: group_sizes.iter().sum(),
                    sizes,
                    counts,
                }
            })
            .collect();
        Self { groups, sizes, tables }
    }

    fn rand_index(&self, rater: usize) -> f64 {
        let table = &self.tables[rater];
        index(table, table.both, table.in_partition)
    }

    fn mean_rand_index(&self) -> f64 {
        let sum: f64 = (0..self.tables.len()).map(|rater| self.rand_index(rater)).sum();
        sum / self.tables.len().max(1) as f64
    }

    /// Moves images as long as that helps: single ones first; once none moves, whole groups (which merges two), then
    /// what one rater set apart within a group (which may split it).
    fn climb(&mut self, cancel: &Cancel) -> Result<()> {
        for _ in 0..MOST_ROUNDS {
            let mut moved = false;
            for image in 0..self.groups.len() {
                cancel.check()?;
                moved |= self.move_to_best(&[image]);
            }
            if moved {
                continue;
            }
            // The blocks of one kind share no image, so each still lies within one group when its turn comes.
            for block in self.blocks(|_| 0) {
                moved |= self.move_to_best(&block);
            }
            for number in 0..self.tables.len() {
                cancel.check()?;
                let rater = self.tables[number].rater;
                for block in self.blocks(|image| rater[image].map_or(0, |group| group + 1)) {
                    moved |= self.move_to_best(&block);
                }
            }
            if !moved {
                break;
            }
        }
        Ok(())
    }

    /// The images by group, divided by `part`.
    fn blocks(&self, part: impl Fn(usize) -> usize) -> Vec<Vec<usize>> {
        let mut blocks: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for (image, group) in self.groups.iter().enumerate() {
            blocks.entry((*group, part(image))).or_default().push(image);
        }
        blocks.into_values().collect()
    }

    /// Moves a block of images of one group to where that helps most; false where it helps nowhere.
    fn move_to_best(&mut self, block: &[usize]) -> bool {
        let here = self.groups[block[0]];
        let whole = block.len() == self.sizes[here];
        // An empty group stands for one of its own; for a whole group, that would change nothing.
        let mut empty = self.sizes.iter().position(|size| *size == 0);
        if empty.is_none() && !whole {
            self.add_group();
            empty = Some(self.sizes.len() - 1);
        }
        let counts = self.counts_of(block);
        let mut best = (self.mean_rand_index() + LEAST_GAIN, here);
        for group in (0..self.sizes.len()).filter(|group| *group != here) {
            if self.sizes[group] == 0 && (Some(group) != empty || whole) {
                continue;
            }
            let reached = self.mean_if_moved(&counts, here, group);
            if reached > best.0 {
                best = (reached, group);
            }
        }
        let moves = best.1 != here;
        if moves {
            self.move_block(block, best.1);
        }
        moves
    }

    /// For each rater how many images of a block lie in which of the rater's groups.
    fn counts_of(&self, block: &[usize]) -> Vec<Vec<(usize, i64)>> {
        let count = |table: &RaterTable<'_>| {
            let mut counts: Vec<(usize, i64)> = Vec::new();
            for placed in block.iter().filter_map(|image| table.rater[*image]) {
                match counts.iter_mut().find(|(known, _)| *known == placed) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((placed, 1)),
                }
            }
            counts
        };
        self.tables.iter().map(count).collect()
    }

    fn add_group(&mut self) {
        self.sizes.push(0);
        for table in &mut self.tables {
            let width = table.counts.first().map_or(0, Vec::len);
            table.counts.push(vec![0; width]);
            table.sizes.push(0);
        }
    }

    /// The mean index if a block with these counts were moved.
    fn mean_if_moved(&self, counts: &[Vec<(usize, i64)>], from: usize, to: usize) -> f64 {
        let reached = |(table, counts): (&RaterTable<'_>, &Vec<(usize, i64)>)| {
            let (both, in_partition) = table.growth(counts, from, to);
            index(table, table.both + both, table.in_partition + in_partition)
        };
        self.tables.iter().zip(counts).map(reached).sum::<f64>() / self.tables.len().max(1) as f64
    }

    fn move_block(&mut self, block: &[usize], to: usize) {
        let from = self.groups[block[0]];
        let counts = self.counts_of(block);
        for (table, counts) in self.tables.iter_mut().zip(&counts) {
            let (both, in_partition) = table.growth(counts, from, to);
            table.both += both;
            table.in_partition += in_partition;
            for (placed, count) in counts {
                table.counts[from][*placed] -= count;
                table.counts[to][*placed] += count;
                table.sizes[from] -= count;
                table.sizes[to] += count;
            }
        }
        self.sizes[from] -= block.len();
        self.sizes[to] += block.len();
        block.iter().for_each(|image| self.groups[*image] = to);
    }
}

impl RaterTable<'_> {
    /// By how much the two sums of squares grow when a block with these counts moves: (y − s)² − y² + (x + s)² − x².
    fn growth(&self, block: &[(usize, i64)], from: usize, to: usize) -> (i64, i64) {
        let both = |&(placed, s): &(usize, i64)| 2 * s * (s + self.counts[to][placed] - self.counts[from][placed]);
        let size: i64 = block.iter().map(|(_, s)| s).sum();
        (block.iter().map(both).sum(), 2 * size * (size + self.sizes[to] - self.sizes[from]))
    }
}

fn index(table: &RaterTable<'_>, both: i64, in_partition: i64) -> f64 {
    rand_index_from_squares(both.into(), in_partition.into(), table.in_rater.into(), table.images.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::evaluation::adjusted_rand_index;
    use crate::random::generator;
    use rand::Rng;

    fn random_raters(seed: u64) -> Vec<(String, BTreeMap<usize, usize>)> {
        let mut random = generator(seed, "raters");
        (0..4)
            .map(|rater| {
                let groups = (0..30)
                    .filter(|image| (image + rater) % 9 != 0)
                    .map(|image| {
                        let noise = random.gen_bool(0.3);
                        (image, if noise { random.gen_range(0..5) } else { image % 5 })
                    })
                    .collect();
                (format!("rater {rater}"), groups)
            })
            .collect()
    }

    #[test]
    fn what_a_move_does_is_known_beforehand_and_the_best_is_not_below_any_rater() {
        for seed in 0..6 {
            let raters = random_raters(seed);
            let groupings = RaterGroupings::new(raters.iter().map(|(name, groups)| (name.as_str(), groups))).unwrap();
            let mut search = Search::new(&groupings, (0..30).map(|image| image % 4).collect());
            let mut random = generator(seed, "moves");
            for _ in 0..50 {
                let (image, to) = (random.gen_range(0..30), random.gen_range(0..4));
                let from = search.groups[image];
                if from == to {
                    continue;
                }
                // A block: the image with up to two others of its group.
                let others = (0..30).filter(|other| *other != image && search.groups[*other] == from);
                let block: Vec<usize> = std::iter::once(image).chain(others.take(random.gen_range(0..3))).collect();
                let said = search.mean_if_moved(&search.counts_of(&block), from, to);
                search.move_block(&block, to);
                assert!((search.mean_rand_index() - said).abs() < 1e-12);
                let again = Search::new(&groupings, search.groups.clone());
                assert!((again.mean_rand_index() - said).abs() < 1e-12);
            }
            let best = best_consensus(&groupings, &Cancel::new()).unwrap();
            assert_eq!(best, best_consensus(&groupings, &Cancel::new()).unwrap());
            // The mean is what the independent function gives over the images each rater placed.
            for (rater, said) in best.rand_index_by_rater.iter().enumerate() {
                let (ours, theirs): (Vec<usize>, Vec<usize>) =
                    best.groups.iter().zip(groupings.groups_of(rater)).filter_map(|(a, b)| Some((*a, (*b)?))).unzip();
                assert!((adjusted_rand_index(&ours, &theirs).unwrap() - said).abs() < 1e-12);
            }
            for level in [0.0, 0.25, 0.5, 0.75, 1.0] {
                let cut = linkage_consensus(&groupings, level).unwrap();
                assert!(best.mean_rand_index >= cut.mean_rand_index - 1e-12);
            }
            // No single move makes it better.
            let mut again = Search::new(&groupings, best.groups.clone());
            again.climb(&Cancel::new()).unwrap();
            assert!((again.mean_rand_index() - best.mean_rand_index).abs() < 1e-12);
        }
    }

    #[test]
    fn raters_who_agree_are_their_own_consensus() {
        let groups: BTreeMap<usize, usize> = (0..20).map(|image| (image, image % 3)).collect();
        let groupings = RaterGroupings::new([("a", &groups), ("b", &groups)]).unwrap();
        let best = best_consensus(&groupings, &Cancel::new()).unwrap();
        assert_eq!(best.mean_rand_index, 1.0);
        assert_eq!(best.groups, (0..20).map(|image| image % 3).collect::<Vec<_>>());
        assert_eq!(linkage_consensus(&groupings, 1.0).unwrap().groups, best.groups);
        assert!(linkage_consensus(&groupings, 1.5).is_err());
    }
}
