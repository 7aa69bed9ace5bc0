//! Three people who never were, sorting the test pictures.
//!
//! Each has habits: which moods belong together, how often the second mood decides, how often the hand slips. What
//! comes out always meets the conditions: under condition 1 every group has three pictures or more, under
//! condition 2 there are exactly eight groups and none is empty.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::seq::SliceRandom;

use super::DemoIllustration;
use super::scene::Mood;
use crate::error::{Error, Result};
use crate::interchange::groupings::GroupingRow;
use crate::random::{Generator, generator};

/// Fewest pictures in a group under condition 1.
const LEAST_MEMBERS: usize = 3;
/// Number of groups under condition 2.
const GROUPS: usize = 8;

struct Habits {
    name: &'static str,
    /// Moods that this rater puts together when free to choose, with the group's name.
    merges: &'static [(&'static str, &'static [Mood])],
    /// How often the second mood of a mixed picture decides.
    second_look: f64,
    /// How often a picture lands anywhere.
    slip: f64,
}

const RATERS: [Habits; 3] = [
    Habits {
        name: "rater A",
        merges: &[("quiet evening", &[Mood::Glowing, Mood::Nightly]), ("heavy", &[Mood::Stormy, Mood::Lonely])],
        second_look: 0.3,
        slip: 0.04,
    },
    Habits {
        name: "rater B",
        merges: &[("bright and happy", &[Mood::Cute, Mood::Festive, Mood::Sunny])],
        second_look: 0.5,
        slip: 0.07,
    },
    Habits {
        name: "rater C",
        merges: &[("friends", &[Mood::Cute, Mood::Festive]), ("wide views", &[Mood::Sunny, Mood::Glowing])],
        second_look: 0.2,
        slip: 0.09,
    },
];

/// The groups that three simulated raters make of the illustrations called `names`, under conditions 1 and 2.
///
/// # Errors
/// `User` when fewer than eight of the illustrations are named: eight groups need eight pictures.
pub fn simulated_raters(illustrations: &[DemoIllustration], names: &[String], seed: u64) -> Result<Vec<GroupingRow>> {
    let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let chosen: Vec<&DemoIllustration> = illustrations.iter().filter(|it| wanted.contains(it.name.as_str())).collect();
    if chosen.len() < GROUPS {
        return Err(Error::user(format!("{} pictures cannot be sorted into {GROUPS} groups", chosen.len()))
            .hint("make more illustrations, at least 40"));
    }
    let mut rows = Vec::new();
    for habits in &RATERS {
        for condition in ["1", "2"] {
            let mut random = generator(seed, &format!("demo {} condition {condition}", habits.name));
            let groups = if condition == "1" {
                free_groups(&chosen, habits, &mut random)
            } else {
                eight_groups(&chosen, habits, &mut random)
            };
            let mut order: Vec<(&str, &DemoIllustration)> = groups
                .iter()
                .flat_map(|(group, members)| members.iter().map(move |member| (group.as_str(), *member)))
                .collect();
            order.shuffle(&mut random);
            rows.extend(order.into_iter().zip(1..).map(|((group, member), order)| GroupingRow {
                rater: habits.name.to_owned(),
                condition: condition.to_owned(),
                image: member.name.clone(),
                group: group.to_owned(),
                order: Some(order),
                ..GroupingRow::default()
            }));
        }
    }
    Ok(rows)
}

type Groups<'a> = BTreeMap<String, Vec<&'a DemoIllustration>>;

/// Condition 1: the rater's own moods, small groups joined to the next.
fn free_groups<'a>(pictures: &[&'a DemoIllustration], habits: &Habits, random: &mut Generator) -> Groups<'a> {
    let mut groups = Groups::new();
    for picture in pictures {
        let mood = felt(picture, habits, random);
        let merged = habits.merges.iter().find(|(_, moods)| moods.contains(&mood));
        let name = merged.map_or(name_of(mood), |(name, _)| name);
        groups.entry(name.to_owned()).or_default().push(picture);
    }
    while groups.len() > 1 && groups.values().any(|members| members.len() < LEAST_MEMBERS) {
        join_smallest(&mut groups);
    }
    groups
}

/// Condition 2: moods apart, then the smallest joined or the largest parted until there are eight.
fn eight_groups<'a>(pictures: &[&'a DemoIllustration], habits: &Habits, random: &mut Generator) -> Groups<'a> {
    let mut groups = Groups::new();
    for picture in pictures {
        groups.entry(name_of(felt(picture, habits, random)).to_owned()).or_default().push(picture);
    }
    while groups.len() > GROUPS {
        join_smallest(&mut groups);
    }
    while groups.len() < GROUPS {
        part_largest(&mut groups);
    }
    groups
}

/// The mood that decides for this rater this time.
fn felt(picture: &DemoIllustration, habits: &Habits, random: &mut Generator) -> Mood {
    let first = picture.scene.mood;
    if random.gen_bool(habits.slip) {
        return Mood::ALL.choose(random).copied().unwrap_or(first);
    }
    picture.scene.second_mood.filter(|_| random.gen_bool(habits.second_look)).unwrap_or(first)
}

fn name_of(mood: Mood) -> &'static str {
    match mood {
        Mood::Sunny => "sunny",
        Mood::Glowing => "evening glow",
        Mood::Stormy => "stormy",
        Mood::Nightly => "night",
        Mood::Cute => "cute",
        Mood::Festive => "festive",
        Mood::Lonely => "lonely",
        Mood::Ornamental => "ornament",
        Mood::Sketchy => "sketches",
    }
}

/// Puts the smallest group's pictures into the next smallest.
fn join_smallest(groups: &mut Groups<'_>) {
    let mut names: Vec<String> = groups.keys().cloned().collect();
    names.sort_by_key(|name| groups[name].len());
    if let [smallest, next, ..] = names.as_slice()
        && let Some(members) = groups.remove(smallest)
    {
        groups.entry(next.clone()).or_default().extend(members);
    }
}

/// Parts the largest group into its darker and its lighter half.
fn part_largest(groups: &mut Groups<'_>) {
    let Some(name) = groups.iter().max_by_key(|(_, members)| members.len()).map(|(name, _)| name.clone()) else {
        return;
    };
    if let Some(mut members) = groups.remove(&name) {
        members.sort_by(|a, b| a.brightness().total_cmp(&b.brightness()));
        let lighter = members.split_off(members.len() / 2);
        groups.insert(format!("{name}, dark"), members);
        groups.insert(format!("{name}, light"), lighter);
    }
}
