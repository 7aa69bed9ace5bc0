//! The rules a sort must keep, and what still breaks them, in words that a rater understands at once.

use serde::{Deserialize, Serialize};

use super::board::Board;
use crate::error::{Error, Result};
use crate::ids::PileId;
use crate::names;

/// What a grouping must look like (methods: conditions 1 and 2 of the paper, or one of the study's own).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Condition {
    /// Its name: "1", "2", or one of the study's own.
    pub name: String,
    /// What the rater is asked to do, in the researcher's words; empty for the words made from the rules.
    pub instruction: String,
    /// Least number of groups.
    pub fewest_groups: Option<usize>,
    /// Largest number of groups.
    pub most_groups: Option<usize>,
    /// Least number of pictures in a group, 1 or more.
    pub smallest_group: usize,
    /// Largest number of pictures in a group.
    pub largest_group: Option<usize>,
    /// Groups that are there from the start, with their names.
    pub given_groups: Vec<String>,
    /// Whether raters may make groups beside the given ones; without given groups they always may.
    pub own_groups: bool,
    /// Whether pictures may be left out of all groups.
    pub leave_out: bool,
}

impl Default for Condition {
    fn default() -> Self {
        Self {
            name: "own".to_owned(),
            instruction: String::new(),
            fewest_groups: None,
            most_groups: None,
            smallest_group: 1,
            largest_group: None,
            given_groups: Vec::new(),
            own_groups: true,
            leave_out: false,
        }
    }
}

/// How a sort stands to its condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Pictures still in the tray.
    pub left: usize,
    /// Pictures in piles or left out on purpose.
    pub placed: usize,
    /// Piles that hold pictures.
    pub groups: usize,
    /// What still breaks the rules; none when the sort can be submitted.
    pub breaches: Vec<Breach>,
}

impl Standing {
    /// True when the sort can be submitted.
    pub fn is_complete(&self) -> bool {
        self.breaches.is_empty()
    }
}

/// One thing that still breaks the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "breach", rename_all = "snake_case")]
pub enum Breach {
    /// Pictures are still in the tray.
    PicturesLeft {
        /// How many.
        left: usize,
    },
    /// There are fewer groups than asked for.
    TooFewGroups {
        /// How many there are.
        groups: usize,
        /// How many there must be at least.
        fewest: usize,
    },
    /// There are more groups than allowed.
    TooManyGroups {
        /// How many there are.
        groups: usize,
        /// How many there may be.
        most: usize,
    },
    /// Some groups have too few pictures.
    TooSmall {
        /// Which.
        piles: Vec<PileId>,
        /// How many pictures each must have.
        smallest: usize,
    },
    /// Some groups have too many pictures.
    TooLarge {
        /// Which.
        piles: Vec<PileId>,
        /// How many pictures each may have.
        largest: usize,
    },
    /// Some groups that a rater made have no picture.
    Empty {
        /// Which.
        piles: Vec<PileId>,
    },
}

impl Breach {
    /// The breach in plain words: "two groups have fewer than three pictures", "7 of 8 groups".
    pub fn words(&self) -> String {
        match self {
            Self::PicturesLeft { left: 1 } => "one picture has no group yet".to_owned(),
            Self::PicturesLeft { left } => format!("{} pictures have no group yet", number_word(*left)),
            Self::TooFewGroups { groups, fewest } => format!("{groups} of {fewest} groups"),
            Self::TooManyGroups { groups, most } => match groups - most {
                1 => format!("{groups} groups, one more than {most}"),
                more => format!("{groups} groups, {} more than {most}", number_word(more)),
            },
            Self::TooSmall { piles, smallest } => {
                let pictures = if *smallest == 1 { "picture" } else { "pictures" };
                match piles.len() {
                    1 => format!("one group has fewer than {} {pictures}", number_word(*smallest)),
                    n => format!("{} groups have fewer than {} {pictures}", number_word(n), number_word(*smallest)),
                }
            }
            Self::TooLarge { piles, largest } => {
                let pictures = if *largest == 1 { "picture" } else { "pictures" };
                match piles.len() {
                    1 => format!("one group has more than {} {pictures}", number_word(*largest)),
                    n => format!("{} groups have more than {} {pictures}", number_word(n), number_word(*largest)),
                }
            }
            Self::Empty { piles } => match piles.len() {
                1 => "one group is empty".to_owned(),
                n => format!("{} groups are empty", number_word(n)),
            },
        }
    }

    /// The piles it is about, to mark them.
    pub fn piles(&self) -> &[PileId] {
        match self {
            Self::TooSmall { piles, .. } | Self::TooLarge { piles, .. } | Self::Empty { piles } => piles,
            _ => &[],
        }
    }
}

impl Condition {
    /// Condition 1 of the paper: any number of groups, each with three or more images.
    pub fn one() -> Self {
        Self { name: "1".to_owned(), smallest_group: 3, ..Self::default() }
    }

    /// Condition 2 of the paper: exactly eight groups, none empty.
    pub fn two() -> Self {
        Self { name: "2".to_owned(), fewest_groups: Some(8), most_groups: Some(8), ..Self::default() }
    }

    /// Whether raters may make groups of their own.
    pub fn allows_own_groups(&self) -> bool {
        self.own_groups || self.given_groups.is_empty()
    }

    /// Checks that the rules can be kept at all with `images` pictures.
    ///
    /// # Errors
    /// `Config`, naming the rule and the way out.
    pub fn validate(&self, images: usize) -> Result<()> {
        let refuse = |message: String, hint: &str| {
            Err(Error::config(format!("condition “{}”: {message}", self.name)).hint(hint))
        };
        if self.name.trim().is_empty() {
            return refuse("it has no name".to_owned(), "give it a short name, as it will stand in tables");
        }
        for name in self.given_groups.iter().chain([&self.name]) {
            if let Some(problem) = names::problem(name) {
                let start = names::beginning(name);
                return refuse(format!("the name “{start}” is not taken: {problem}"), "choose another name");
            }
        }
        if !self.own_groups && self.given_groups.is_empty() {
            return refuse(
                "raters may make no groups of their own, and none are given".to_owned(),
                "name the given groups, or let raters make their own",
            );
        }
        if self.smallest_group == 0 {
            return refuse("a group must have one picture or more".to_owned(), "set the smallest size to 1 or more");
        }
        if self.most_groups == Some(0) || self.fewest_groups == Some(0) {
            return refuse("there must be one group or more".to_owned(), "set the number of groups to 1 or more");
        }
        if let (Some(fewest), Some(most)) = (self.fewest_groups, self.most_groups)
            && fewest > most
        {
            return refuse(format!("at least {fewest} groups but at most {most}"), "exchange the two numbers");
        }
        if let Some(largest) = self.largest_group
            && largest < self.smallest_group
        {
            let message = format!("groups of at least {} but at most {largest} pictures", self.smallest_group);
            return refuse(message, "exchange the two numbers");
        }
        let mut names: Vec<&str> = self.given_groups.iter().map(|name| name.trim()).collect();
        names.sort_unstable();
        if names.iter().any(|name| name.is_empty()) || names.windows(2).any(|pair| pair[0] == pair[1]) {
            return refuse(
                "the given groups need names that differ".to_owned(),
                "give each a name of its own, or remove it",
            );
        }
        if !self.allows_own_groups() && self.fewest_groups.is_some_and(|fewest| fewest > self.given_groups.len()) {
            return refuse(
                format!("it gives {} groups and asks for more", self.given_groups.len()),
                "give more groups, or let raters make their own too",
            );
        }
        let needed = self.fewest_groups.unwrap_or(1).saturating_mul(self.smallest_group);
        if images < needed {
            return refuse(
                format!("it needs {needed} pictures or more, and there are {images}"),
                "choose more pictures, fewer groups, or smaller ones",
            );
        }
        let groups = match (self.most_groups, self.allows_own_groups()) {
            (Some(most), _) => Some(most),
            (None, false) => Some(self.given_groups.len()),
            (None, true) => None,
        };
        if let (Some(groups), Some(largest), false) = (groups, self.largest_group, self.leave_out)
            && groups.saturating_mul(largest) < images
        {
            return refuse(
                format!("{groups} groups of at most {largest} pictures do not hold {images}"),
                "allow larger groups, more of them, or leaving pictures out",
            );
        }
        Ok(())
    }

    /// How `board` stands to the rules.
    pub fn standing(&self, board: &Board) -> Standing {
        let filled = || board.piles.iter().filter(|pile| !pile.images.is_empty());
        let which = |breaks: &dyn Fn(usize) -> bool| -> Vec<PileId> {
            filled().filter(|pile| breaks(pile.images.len())).map(|pile| pile.id).collect()
        };
        let groups = filled().count();
        let left = board.tray.len();
        let mut breaches = Vec::new();
        if left > 0 {
            breaches.push(Breach::PicturesLeft { left });
        }
        match (self.fewest_groups, self.most_groups) {
            (Some(fewest), _) if groups < fewest => breaches.push(Breach::TooFewGroups { groups, fewest }),
            (_, Some(most)) if groups > most => breaches.push(Breach::TooManyGroups { groups, most }),
            (None, _) if groups == 0 && left == 0 => breaches.push(Breach::TooFewGroups { groups, fewest: 1 }),
            _ => {}
        }
        let too_small = which(&|size| size < self.smallest_group);
        if !too_small.is_empty() {
            breaches.push(Breach::TooSmall { piles: too_small, smallest: self.smallest_group });
        }
        if let Some(largest) = self.largest_group {
            let too_large = which(&|size| size > largest);
            if !too_large.is_empty() {
                breaches.push(Breach::TooLarge { piles: too_large, largest });
            }
        }
        let empty: Vec<PileId> = board.piles.iter().filter(|p| p.images.is_empty() && !p.given).map(|p| p.id).collect();
        if !empty.is_empty() {
            breaches.push(Breach::Empty { piles: empty });
        }
        Standing { left, placed: board.image_count() - left, groups, breaches }
    }

    /// What the rater is asked to do: the researcher's words, or a sentence or two made from the rules.
    pub fn task(&self) -> String {
        if !self.instruction.trim().is_empty() {
            return self.instruction.trim().to_owned();
        }
        let mut text = String::from("Put pictures with the same atmosphere into one group. ");
        let groups = match (self.fewest_groups, self.most_groups) {
            _ if !self.allows_own_groups() => "Use the groups that are there".to_owned(),
            (None, None) => "Make as many groups as you like".to_owned(),
            (Some(fewest), Some(most)) if fewest == most => match fewest {
                1 => "Make exactly one group".to_owned(),
                n => format!("Make exactly {} groups", number_word(n)),
            },
            (Some(fewest), Some(most)) => format!("Make {} to {} groups", number_word(fewest), number_word(most)),
            (Some(fewest), None) => format!("Make {} or more groups", number_word(fewest)),
            (None, Some(most)) => format!("Make at most {} groups", number_word(most)),
        };
        text.push_str(&groups);
        match (self.smallest_group, self.largest_group) {
            (1, None) => {}
            (smallest, None) => text.push_str(&format!(", each with {} or more pictures", number_word(smallest))),
            (1, Some(largest)) => text.push_str(&format!(", each with at most {} pictures", number_word(largest))),
            (smallest, Some(largest)) => {
                text.push_str(&format!(", each with {} to {} pictures", number_word(smallest), number_word(largest)));
            }
        }
        text.push('.');
        if self.leave_out {
            text.push_str(" You may leave out pictures that fit nowhere.");
        }
        text
    }
}

/// Small numbers as words, others as digits.
fn number_word(number: usize) -> String {
    const WORDS: [&str; 13] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    WORDS.get(number).map_or_else(|| number.to_string(), |word| (*word).to_owned())
}
