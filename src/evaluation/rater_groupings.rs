//! Several raters' groupings of the same images, aligned by image.

use std::collections::{BTreeMap, BTreeSet};

use crate::dataset::group_numbers;
use crate::error::{Error, Result};

/// Groupings by several raters under one condition, or by one rater on several occasions.
///
/// The raters need not have placed the same images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaterGroupings<Image> {
    raters: Vec<String>,
    images: Vec<Image>,
    /// By rater, then image: the number of the group, none where the rater did not place the image.
    groups: Vec<Vec<Option<usize>>>,
}

impl<Image: Ord + Clone> RaterGroupings<Image> {
    /// Aligns the groupings, each a rater's name and the group of every image that the rater placed.
    ///
    /// Images and each rater's groups are numbered in their order, so that the result does not depend on the order in
    /// which the images were placed. The raters keep the order given.
    ///
    /// # Errors
    /// `User` when two raters have the same name.
    pub fn new<'a, Group: Ord + 'a>(
        raters: impl IntoIterator<Item = (&'a str, &'a BTreeMap<Image, Group>)>,
    ) -> Result<Self>
    where
        Image: 'a,
    {
        let raters: Vec<(&str, &BTreeMap<Image, Group>)> = raters.into_iter().collect();
        for (index, (name, _)) in raters.iter().enumerate() {
            if raters[..index].iter().any(|(other, _)| other == name) {
                return Err(Error::user(format!("there are two groupings by {name} under the same condition"))
                    .hint("give each rater a name of their own"));
            }
        }
        let images: BTreeSet<&Image> = raters.iter().flat_map(|(_, groups)| groups.keys()).collect();
        let groups = raters
            .iter()
            .map(|(_, groups)| {
                let numbers = group_numbers(groups.values());
                images.iter().map(|image| numbers.get(groups.get(*image)?).copied()).collect()
            })
            .collect();
        Ok(Self {
            raters: raters.iter().map(|(name, _)| (*name).to_owned()).collect(),
            images: images.into_iter().cloned().collect(),
            groups,
        })
    }
}

impl<Image> RaterGroupings<Image> {
    /// The raters' names.
    pub fn raters(&self) -> &[String] {
        &self.raters
    }

    /// Every image that a rater placed, in order.
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// A rater's group of every image, counting from 0; none where the rater did not place it.
    pub fn groups_of(&self, rater: usize) -> &[Option<usize>] {
        &self.groups[rater]
    }

    /// Number of groups a rater made.
    pub fn group_count(&self, rater: usize) -> usize {
        self.groups[rater].iter().flatten().max().map_or(0, |largest| largest + 1)
    }

    /// Number of images a rater placed.
    pub fn placed(&self, rater: usize) -> usize {
        self.groups[rater].iter().flatten().count()
    }

    /// Every two raters, each pair once.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let raters = self.raters.len();
        (0..raters).flat_map(move |first| (first + 1..raters).map(move |second| (first, second)))
    }

    /// Puts the groups of two raters over those of `images` (numbers of images) that both placed into `a` and `b`.
    pub(super) fn common(
        &self,
        first: usize,
        second: usize,
        images: impl Iterator<Item = usize>,
        a: &mut Vec<usize>,
        b: &mut Vec<usize>,
    ) {
        let (first, second) = (self.groups_of(first), self.groups_of(second));
        a.clear();
        b.clear();
        for image in images {
            if let (Some(first_group), Some(second_group)) = (first[image], second[image]) {
                a.push(first_group);
                b.push(second_group);
            }
        }
    }

    /// Number of images that two raters both placed.
    pub(super) fn common_count(&self, first: usize, second: usize) -> usize {
        let both = self.groups_of(first).iter().zip(self.groups_of(second));
        both.filter(|(a, b)| a.is_some() && b.is_some()).count()
    }
}
