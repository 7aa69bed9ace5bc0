//! One person's partition of pictures, and the rules for which of them count.
//!
//! Whatever scores against groups made by people, compares raters, trains beside them or writes them down goes through
//! here, whether they come from a project or from a file: [`SortChoice`] says which sorts are taken, [`first_occasions`]
//! which of them scores are computed against, and [`StudyCondition`] which of them stand together. Sorts of two studies
//! are never put together unless somebody names both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A condition within a study: the sorts that are compared with each other and that means are taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StudyCondition {
    /// The study; none for groupings from a file that names none.
    pub study: Option<String>,
    /// "1", "2", or a name of the project's own.
    pub condition: String,
}

impl StudyCondition {
    /// A condition outside any study.
    pub fn plain(condition: impl Into<String>) -> Self {
        Self { study: None, condition: condition.into() }
    }
}

/// "1", or "1 (Pilot)" in a study.
impl fmt::Display for StudyCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.study {
            None => f.write_str(&self.condition),
            Some(study) => write!(f, "{} ({study})", self.condition),
        }
    }
}

/// One rater's groups.
#[derive(Clone, Debug, PartialEq)]
pub struct RaterSort<Image> {
    /// Who sorted. Names are unique among a project's raters.
    pub rater: String,
    /// In which study and under which condition.
    pub condition: StudyCondition,
    /// 1 the first time, 2 again (test and retest).
    pub occasion: usize,
    /// Each placed image's group.
    pub groups: BTreeMap<Image, String>,
}

impl<Image: Ord> RaterSort<Image> {
    /// The groups of those images that have a place in a list, in the order of the images.
    fn placed<'a>(&'a self, places: &'a BTreeMap<&Image, usize>) -> impl Iterator<Item = (usize, &'a str)> {
        self.groups.iter().filter_map(|(image, group)| Some((*places.get(image)?, group.as_str())))
    }

    /// The groups of those images that have a place in a list, by place.
    pub fn groups_by_place<'a>(&'a self, places: &'a BTreeMap<&Image, usize>) -> BTreeMap<usize, &'a str> {
        self.placed(places).collect()
    }

    /// The groups of a list of images as numbers, given the place of each; none for an image that was not sorted. Groups
    /// are numbered as they come up, in the order of the images.
    pub fn partition(&self, places: &BTreeMap<&Image, usize>) -> Vec<Option<usize>> {
        let mut partition = vec![None; places.len()];
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for (place, group) in self.placed(places) {
            let next = numbers.len();
            partition[place] = Some(*numbers.entry(group).or_insert(next));
        }
        partition
    }
}

/// Numbers for groups, counted from 0 in the order of the groups.
pub fn group_numbers<Group: Ord>(groups: impl IntoIterator<Item = Group>) -> BTreeMap<Group, usize> {
    groups.into_iter().collect::<BTreeSet<_>>().into_iter().zip(0..).collect()
}

/// Which sorts are taken. The default takes all but those of raters who were removed from their study.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SortChoice {
    /// Of these studies only; several are put together as one. An empty name stands for groupings whose file names no
    /// study. Empty: every study by itself.
    pub studies: Vec<String>,
    /// Under this condition only.
    pub condition: Option<String>,
    /// Without these raters.
    pub without: Vec<String>,
    /// With raters who were removed from their study.
    pub with_removed: bool,
}

impl SortChoice {
    /// True when a sort is taken; `removed` says whether its rater was removed from its study.
    pub fn takes(&self, rater: &str, condition: &StudyCondition, removed: bool) -> bool {
        let study = condition.study.as_deref().unwrap_or_default();
        let of_study = self.studies.iter().any(|wanted| wanted == study);
        (self.studies.is_empty() || of_study)
            && self.condition.as_ref().is_none_or(|wanted| *wanted == condition.condition)
            && !self.without.iter().any(|name| name == rater)
            && (self.with_removed || !removed)
    }

    /// Checks that there are sorts of the studies and by the raters that are named, given each sort's rater and study.
    ///
    /// # Errors
    /// `User` when a study or rater was named that no sort is of.
    pub fn check_names<'a>(&self, sorts: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Result<()> {
        let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
        let (raters, studies): (BTreeSet<&str>, BTreeSet<&str>) =
            sorts.map(|(rater, study)| (rater, study.unwrap_or_default())).unzip();
        if let Some(unknown) = self.studies.iter().find(|study| !studies.contains(study.as_str())) {
            let named: BTreeSet<&str> = studies.iter().copied().filter(|study| !study.is_empty()).collect();
            let hint = match named.is_empty() {
                true => "the groupings name no study".to_owned(),
                false => format!("there are groupings of {}", list(named)),
            };
            return Err(Error::user(format!("there are no groupings of a study “{unknown}”")).hint(hint));
        }
        if let Some(unknown) = self.without.iter().find(|name| !raters.contains(name.as_str())) {
            return Err(Error::user(format!("there are no groupings by “{unknown}”"))
                .hint(format!("there are groupings by {}", list(raters))));
        }
        Ok(())
    }

    /// The sorts that are taken, those of several studies named together put under one name.
    ///
    /// # Errors
    /// As [`check_names`](Self::check_names); `User` when one rater would stand twice under a condition.
    pub fn choose<Image>(&self, sorts: Vec<RaterSort<Image>>) -> Result<Vec<RaterSort<Image>>> {
        self.check_names(sorts.iter().map(|sort| (sort.rater.as_str(), sort.condition.study.as_deref())))?;
        let mut taken: Vec<_> =
            sorts.into_iter().filter(|sort| self.takes(&sort.rater, &sort.condition, false)).collect();
        if self.studies.len() > 1 {
            let together = self.studies.join(" + ");
            for sort in &mut taken {
                sort.condition.study = Some(together.clone());
            }
        }
        let mut known = BTreeSet::new();
        for sort in &taken {
            if !known.insert((&sort.rater, &sort.condition, sort.occasion)) {
                return Err(Error::user(format!(
                    "{} sorted under condition {} more than once",
                    sort.rater, sort.condition
                ))
                .hint("take one study with --study, or leave the rater out with --without"));
            }
        }
        Ok(taken)
    }
}

/// What scores are computed against: what each rater did the first time.
pub fn first_occasions<Image>(sorts: Vec<RaterSort<Image>>) -> Vec<RaterSort<Image>> {
    sorts.into_iter().filter(|sort| sort.occasion == 1).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sort(rater: &str, study: Option<&str>, occasion: usize) -> RaterSort<u8> {
        let condition = StudyCondition { study: study.map(str::to_owned), condition: "1".to_owned() };
        RaterSort { rater: rater.to_owned(), condition, occasion, groups: BTreeMap::from([(1, "a".to_owned())]) }
    }

    fn two_studies() -> Vec<RaterSort<u8>> {
        vec![
            sort("Ann", Some("Pilot"), 1),
            sort("Bob", Some("Pilot"), 1),
            sort("Ann", Some("Main"), 1),
            sort("Ann", Some("Main"), 2),
            sort("Dan", Some("Main"), 1),
            sort("Eve", None, 1),
        ]
    }

    #[test]
    fn studies_are_kept_apart_unless_named_together() {
        let all = SortChoice::default().choose(two_studies()).unwrap();
        let conditions: BTreeSet<String> = all.iter().map(|sort| sort.condition.to_string()).collect();
        assert_eq!(conditions.into_iter().collect::<Vec<_>>(), ["1", "1 (Main)", "1 (Pilot)"]);

        let main = SortChoice { studies: vec!["Main".to_owned()], ..SortChoice::default() };
        let names = |sorts: &[RaterSort<u8>]| sorts.iter().map(|sort| sort.rater.clone()).collect::<Vec<_>>();
        assert_eq!(names(&main.choose(two_studies()).unwrap()), ["Ann", "Ann", "Dan"]);
        assert_eq!(names(&first_occasions(main.choose(two_studies()).unwrap())), ["Ann", "Dan"]);

        let both = SortChoice { studies: vec!["Main".to_owned(), "Pilot".to_owned()], ..SortChoice::default() };
        let error = both.choose(two_studies()).unwrap_err();
        assert!(error.message.contains("Ann sorted under condition 1 (Main + Pilot) more than once"), "{error}");
        let without = SortChoice { without: vec!["Ann".to_owned()], ..both };
        let chosen = without.choose(two_studies()).unwrap();
        assert_eq!(names(&chosen), ["Bob", "Dan"]);
        assert!(chosen.iter().all(|sort| sort.condition.to_string() == "1 (Main + Pilot)"));
    }

    #[test]
    fn a_sort_is_a_partition_of_a_list_of_images() {
        let groups = [(1, "z"), (2, "a"), (4, "z"), (5, "b")].map(|(image, group)| (image, group.to_owned()));
        let sort = RaterSort { groups: BTreeMap::from(groups), ..sort("Ann", None, 1) };
        let places = BTreeMap::from([(&4, 0), (&3, 1), (&2, 2)]);
        assert_eq!(sort.groups_by_place(&places), BTreeMap::from([(0, "z"), (2, "a")]));
        assert_eq!(sort.partition(&places), [Some(1), None, Some(0)]);
        assert_eq!(group_numbers(["b", "a", "b"]), BTreeMap::from([("a", 0), ("b", 1)]));
    }

    #[test]
    fn names_that_fit_nothing_are_told() {
        for choice in [
            SortChoice { studies: vec!["Other".to_owned()], ..SortChoice::default() },
            SortChoice { without: vec!["Zoe".to_owned()], ..SortChoice::default() },
        ] {
            assert!(choice.choose(two_studies()).is_err());
        }
    }
}
