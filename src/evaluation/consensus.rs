//! One partition of the images that stands for several raters.
//!
//! [`best_consensus`] looks for the partition with the highest mean adjusted Rand index with the raters' own (Krieger and
//! Green 1999; Courcoux, Faye and Qannari 2014, as FreeSortR's `ConsensusPartition`). [`consensus_at_level`] cuts the tree
//! of co-occurrences instead, which says for every group how strongly people put it together.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::agreement::rand_index_from_squares;
use super::average_linkage::{AverageLinkage, numbered_by_size};
use super::co_occurrence::CoOccurrence;
use super::rater_groupings::RaterGroupings;
use crate::error::{Error, Result};
use crate::progress::Cancel;

/// A move must raise the mean index by more than rounding does.
const LEAST_GAIN: f64 = 1e-12;

/// The least mean co-occurrence within a group unless said otherwise: half of the raters.
pub const CONSENSUS_LEVEL: f64 = 0.5;

/// A partition that stands for several raters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Consensus {
    /// The group of each image, counting from 0: the largest first, then by the first image.
    pub groups: Vec<usize>,
    /// Number of groups.
    pub group_count: usize,
    /// Mean over the raters of the adjusted Rand index with the consensus, over the images each rater placed.
    pub mean_adjusted_rand_index: f64,
    /// The index of each rater.
    pub adjusted_rand_index_by_rater: Vec<f64>,
}

impl Consensus {
    fn of<Image>(groupings: &RaterGroupings<Image>, groups: &[usize]) -> Self {
        let groups = numbered_by_size(groups);
        let partition = Partition::new(groupings, groups.clone());
        Self {
            group_count: groups.iter().max().map_or(0, |largest| largest + 1),
            groups,
            mean_adjusted_rand_index: partition.mean_index(),
            adjusted_rand_index_by_rater: partition.raters.iter().map(Comparison::index).collect(),
        }
    }
}

/// The partition with the highest mean adjusted Rand index with the raters' own that local search finds.
///
/// The search starts from each rater's own partition (images the rater did not place are alone) and from the best cut of
/// the [tree](CoOccurrence::tree) of co-occurrences. From each it moves a single image, a whole group, or the part of a
/// group that one rater set apart, to the other group or the new one where it raises the mean most, until no such move
/// raises it; the best end is taken. The result is deterministic and never worse than any start, but a partition that is
/// better still cannot be ruled out (Krieger and Green 1999).
///
/// # Errors
/// `User` without raters or images; `Cancelled`.
pub fn best_consensus<Image: Sync>(groupings: &RaterGroupings<Image>, cancel: &Cancel) -> Result<Consensus> {
    check(groupings)?;
    let images = groupings.images().len();
    let mut starts = vec![best_cut(groupings, &CoOccurrence::new(groupings).tree())];
    for rater in 0..groupings.raters().len() {
        let groups = groupings.groups_of(rater).iter().enumerate();
        starts.push(groups.map(|(image, group)| group.unwrap_or(images + image)).collect());
    }
    let ends: Vec<(f64, Vec<usize>)> = starts
        .into_par_iter()
        .map(|start| {
            let mut partition = Partition::new(groupings, numbered_by_size(&start));
            partition.improve(groupings, cancel)?;
            Ok((partition.mean_index(), partition.groups))
        })
        .collect::<Result<_>>()?;
    // Of equally good ends the first.
    let best = ends.iter().rev().max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, groups)| Consensus::of(groupings, groups)).ok_or_else(nobody)
}

/// The cut of the average-linkage tree of 1 − co-occurrence at a level.
///
/// Two groups are merged as long as the mean co-occurrence of the images of one with those of the other is at least
/// `level`, so that within every group of the result the mean co-occurrence is at least that: 0.5 asks for half of the
/// raters on average, 1 for all.
///
/// # Errors
/// `User` without raters or images, or for a level outside 0 to 1.
pub fn consensus_at_level<Image>(groupings: &RaterGroupings<Image>, level: f64) -> Result<Consensus> {
    check(groupings)?;
    if !(0.0..=1.0).contains(&level) {
        return Err(Error::user(format!("the level of consensus must be 0 to 1, not {level}"))
            .hint("0.5 keeps together what half of the raters put together"));
    }
    Ok(Consensus::of(groupings, &CoOccurrence::new(groupings).tree().cut(1.0 - level)))
}

fn check<Image>(groupings: &RaterGroupings<Image>) -> Result<()> {
    if groupings.images().is_empty() { Err(nobody()) } else { Ok(()) }
}

fn nobody() -> Error {
    Error::user("there are no groups to find a consensus of").hint("import or make groupings first")
}

/// The cut of a tree with the highest mean index; of equally good ones that with most groups.
fn best_cut<Image>(groupings: &RaterGroupings<Image>, tree: &AverageLinkage) -> Vec<usize> {
    let mut partition = Partition::new(groupings, (0..groupings.images().len()).collect());
    let mut best = (partition.mean_index(), partition.groups.clone());
    let mut members: Vec<Vec<usize>> = (0..groupings.images().len()).map(|image| vec![image]).collect();
    for ([a, b], _) in tree.mergers() {
        let (stays, goes) = (a.min(b), a.max(b));
        let block = std::mem::take(&mut members[goes]);
        partition.move_block(groupings, &block, stays);
        members[stays].extend(block);
        let index = partition.mean_index();
        if index > best.0 + LEAST_GAIN {
            best = (index, partition.groups.clone());
        }
    }
    best.1
}

/// A partition beside every rater's, with all that its mean index needs kept up to date as images move.
struct Partition {
    groups: Vec<usize>,
    sizes: Vec<usize>,
    raters: Vec<Comparison>,
}

/// A partition beside one rater's, over the images that the rater placed.
struct Comparison {
    /// Images by group of the partition and group of the rater.
    counts: Vec<Vec<i64>>,
    /// Images by group of the partition.
    sizes: Vec<i64>,
    /// Sums of squares: of the counts, of the partition's sizes, of the rater's.
    both: i64,
    in_partition: i64,
    in_rater: i64,
    images: i64,
}

impl Comparison {
    fn index(&self) -> f64 {
        self.index_after((0, 0))
    }

    /// The index once the sums of squares of the counts and of the partition's sizes have grown by so much.
    fn index_after(&self, (both, in_partition): (i64, i64)) -> f64 {
        rand_index_from_squares(
            i128::from(self.both + both),
            i128::from(self.in_partition + in_partition),
            i128::from(self.in_rater),
            i128::from(self.images),
        )
    }

    /// By how much the sums of squares grow when a block with these counts by the rater's groups goes from one group of
    /// the partition to another: (x + s)² − x² + (y − s)² − y² = 2s (s + x − y).
    fn growth(&self, block: &[(usize, i64)], from: usize, to: usize) -> (i64, i64) {
        let both =
            block.iter().map(|&(group, s)| 2 * s * (s + self.counts[to][group] - self.counts[from][group])).sum();
        let size: i64 = block.iter().map(|(_, s)| s).sum();
        (both, 2 * size * (size + self.sizes[to] - self.sizes[from]))
    }
}

impl Partition {
    fn new<Image>(groupings: &RaterGroupings<Image>, groups: Vec<usize>) -> Self {
        let group_count = groups.iter().max().map_or(0, |largest| largest + 1);
        let mut sizes = vec![0; group_count];
        groups.iter().for_each(|&group| sizes[group] += 1);
        let raters = (0..groupings.raters().len())
            .map(|rater| {
                let mut counts = vec![vec![0i64; groupings.group_count(rater)]; group_count];
                for (&group, own) in groups.iter().zip(groupings.groups_of(rater)) {
                    if let Some(own) = own {
                        counts[group][*own] += 1;
                    }
                }
                let squares = |values: &[i64]| values.iter().map(|value| value * value).sum::<i64>();
                let sizes: Vec<i64> = counts.iter().map(|row| row.iter().sum()).collect();
                let of_rater: Vec<i64> =
                    (0..groupings.group_count(rater)).map(|own| counts.iter().map(|row| row[own]).sum()).collect();
                Comparison {
                    both: counts.iter().map(|row| squares(row)).sum(),
                    in_partition: squares(&sizes),
                    in_rater: squares(&of_rater),
                    images: sizes.iter().sum(),
                    counts,
                    sizes,
                }
            })
            .collect();
        Self { groups, sizes, raters }
    }

    fn mean_index(&self) -> f64 {
        self.raters.iter().map(Comparison::index).sum::<f64>() / self.raters.len() as f64
    }

    /// Moves blocks until no move of a block raises the mean index.
    fn improve<Image>(&mut self, groupings: &RaterGroupings<Image>, cancel: &Cancel) -> Result<()> {
        loop {
            cancel.check()?;
            let mut moved = false;
            for image in 0..self.groups.len() {
                moved |= self.move_to_best(groupings, &[image]);
            }
            if moved {
                continue;
            }
            // Larger blocks only once no single image moves: whole groups, then what one rater set apart of each. The
            // blocks of one kind share no image, so that a move leaves every other block within one group.
            for block in self.blocks(|_| 0) {
                moved |= self.move_to_best(groupings, &block);
            }
            for rater in 0..self.raters.len() {
                cancel.check()?;
                let own = groupings.groups_of(rater);
                for block in self.blocks(|image| own[image].map_or(0, |group| group + 1)) {
                    moved |= self.move_to_best(groupings, &block);
                }
            }
            if !moved {
                return Ok(());
            }
        }
    }

    /// The images by their group, divided by `part`.
    fn blocks(&self, part: impl Fn(usize) -> usize) -> Vec<Vec<usize>> {
        let mut blocks: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for (image, &group) in self.groups.iter().enumerate() {
            blocks.entry((group, part(image))).or_default().push(image);
        }
        blocks.into_values().collect()
    }

    /// Moves a block, all of one group, to where it raises the mean index most; false where nothing raises it.
    fn move_to_best<Image>(&mut self, groupings: &RaterGroupings<Image>, block: &[usize]) -> bool {
        let from = self.groups[block[0]];
        let counts = self.counts_of(groupings, block);
        let stays = self.mean_index();
        let mut best = (stays + LEAST_GAIN, from);
        let empty = self.empty_group();
        for to in 0..self.sizes.len() {
            // A group that empties as another is made is the same partition.
            let useless = if self.sizes[to] == 0 { to != empty || block.len() == self.sizes[from] } else { to == from };
            if useless {
                continue;
            }
            let indices = self.raters.iter().zip(&counts).map(|(rater, block)| {
                let growth = rater.growth(block, from, to);
                rater.index_after(growth)
            });
            let index = indices.sum::<f64>() / self.raters.len() as f64;
            if index > best.0 {
                best = (index, to);
            }
        }
        if best.1 == from {
            return false;
        }
        self.move_counted(block, &counts, best.1);
        true
    }

    fn move_block<Image>(&mut self, groupings: &RaterGroupings<Image>, block: &[usize], to: usize) {
        let counts = self.counts_of(groupings, block);
        self.move_counted(block, &counts, to);
    }

    fn move_counted(&mut self, block: &[usize], counts: &[Vec<(usize, i64)>], to: usize) {
        let from = self.groups[block[0]];
        for (rater, counts) in self.raters.iter_mut().zip(counts) {
            let (both, in_partition) = rater.growth(counts, from, to);
            rater.both += both;
            rater.in_partition += in_partition;
            for &(group, count) in counts {
                rater.counts[from][group] -= count;
                rater.counts[to][group] += count;
                rater.sizes[from] -= count;
                rater.sizes[to] += count;
            }
        }
        self.sizes[from] -= block.len();
        self.sizes[to] += block.len();
        block.iter().for_each(|&image| self.groups[image] = to);
    }

    /// For each rater the images of a block by the rater's groups.
    fn counts_of<Image>(&self, groupings: &RaterGroupings<Image>, block: &[usize]) -> Vec<Vec<(usize, i64)>> {
        let of_rater = |rater: usize| {
            let own = groupings.groups_of(rater);
            let mut counts: Vec<(usize, i64)> = Vec::new();
            for group in block.iter().filter_map(|&image| own[image]) {
                match counts.iter_mut().find(|(known, _)| *known == group) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((group, 1)),
                }
            }
            counts
        };
        (0..self.raters.len()).map(of_rater).collect()
    }

    /// A group without images, made where there is none.
    fn empty_group(&mut self) -> usize {
        if let Some(empty) = self.sizes.iter().position(|&size| size == 0) {
            return empty;
        }
        self.sizes.push(0);
        for rater in &mut self.raters {
            let groups = rater.counts.first().map_or(0, Vec::len);
            rater.counts.push(vec![0; groups]);
            rater.sizes.push(0);
        }
        self.sizes.len() - 1
    }
}
