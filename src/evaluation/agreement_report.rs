//! Agreement: how far the raters of a condition agree, with themselves and one another, and what stands for them all.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    CoOccurrence, Consensus, PairAgreement, RESAMPLES, RaterAgreement, RaterGroupings, best_consensus,
    linkage_consensus, rater_agreement,
};
use crate::clustering::Tree;
use crate::dataset::{RaterSort, StudyCondition};
use crate::error::{Error, Result};
use crate::progress::{Cancel, Observer, Silent};

/// What is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct AgreementRequest {
    /// The condition, in its study.
    pub condition: StudyCondition,
    /// Seed of the half-samples.
    pub seed: u64,
}

/// One rater compared on two occasions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RetestAgreement {
    /// Who sorted twice.
    pub rater: String,
    /// The first occasion against the second.
    pub agreement: PairAgreement,
}

/// Agreement of the raters of one condition.
#[derive(Clone, Debug, PartialEq)]
pub struct AgreementReport<Image> {
    /// The condition, in its study.
    pub condition: StudyCondition,
    /// What the raters did the first time, aligned by image.
    pub groupings: RaterGroupings<Image>,
    /// The same with the groups' names, in the raters' order.
    pub sorts: Vec<RaterSort<Image>>,
    /// Every two raters, and the mean.
    pub agreement: RaterAgreement,
    /// Raters who sorted again.
    pub retests: Vec<RetestAgreement>,
    /// Raters of whom there is a second occasion and no first; they are left out.
    pub only_again: Vec<String>,
    /// How often each two images stand together.
    pub co_occurrence: CoOccurrence,
    /// The average linkage of these.
    pub tree: Tree,
    /// The images in the order of the tree, in which those that stand together are near each other.
    pub order: Vec<usize>,
    /// How much people disagree on each image.
    pub disagreement: Vec<Option<f64>>,
    /// The partition that agrees best with all.
    pub best: Consensus,
}

impl<Image> AgreementReport<Image> {
    /// The consensus by average linkage at a level.
    ///
    /// # Errors
    /// `User` when the level is not in 0 to 1.
    pub fn linkage(&self, level: f64) -> Result<Consensus>
    where
        Image: Sync,
    {
        linkage_consensus(&self.groupings, level)
    }

    /// Images by disagreement, the largest first.
    pub fn most_disagreed(&self) -> Vec<(usize, f64)> {
        let mut images: Vec<(usize, f64)> =
            self.disagreement.iter().enumerate().filter_map(|(image, value)| Some((image, (*value)?))).collect();
        images.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        images
    }
}

/// Compares the sorts of one condition.
///
/// # Errors
/// `User` when there is none; `Cancelled`.
pub fn run<Image: Ord + Clone + Sync + Send>(
    sorts: &[RaterSort<Image>],
    request: &AgreementRequest,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<AgreementReport<Image>> {
    let on_occasion = |occasion: usize| {
        let fits = move |sort: &&RaterSort<Image>| sort.condition == request.condition && sort.occasion == occasion;
        sorts.iter().filter(fits)
    };
    let first: Vec<RaterSort<Image>> = on_occasion(1).cloned().collect();
    if first.is_empty() {
        let known: BTreeSet<String> = sorts.iter().map(|sort| sort.condition.to_string()).collect();
        let known: Vec<String> = known.into_iter().collect();
        let hint = if known.is_empty() {
            "let raters sort, or import groupings".to_owned()
        } else {
            format!("there are groupings under {}", known.join(", "))
        };
        return Err(Error::user(format!("there are no groupings under condition “{}”", request.condition)).hint(hint));
    }
    let groupings = RaterGroupings::new(first.iter().map(|sort| (sort.rater.as_str(), &sort.groups)))?;
    let agreement = rater_agreement(&groupings, RESAMPLES, request.seed, observer, cancel)?;
    let (mut retests, mut only_again) = (Vec::new(), Vec::new());
    for again in on_occasion(2) {
        // Within a study and condition a rater's name is theirs alone.
        let Some(before) = first.iter().find(|sort| sort.rater == again.rater) else {
            only_again.push(again.rater.clone());
            continue;
        };
        let both = RaterGroupings::new([("first time", &before.groups), ("again", &again.groups)])?;
        let mut comparison = rater_agreement(&both, RESAMPLES, request.seed, &Silent, cancel)?;
        if let Some(agreement) = comparison.pairs.pop() {
            retests.push(RetestAgreement { rater: again.rater.clone(), agreement });
        }
    }
    let co_occurrence = CoOccurrence::new(&groupings);
    let tree = co_occurrence.tree();
    Ok(AgreementReport {
        condition: request.condition.clone(),
        best: best_consensus(&groupings, cancel)?,
        order: tree.leaf_order(),
        disagreement: co_occurrence.disagreement(),
        agreement,
        retests,
        only_again,
        co_occurrence,
        tree,
        groupings,
        sorts: first,
    })
}
