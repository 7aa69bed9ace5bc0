//! From people's answers to what a network is to learn: the one rule for labels that nobody answered about.
//!
//! A label that nobody answered about counts as no, in training and in scores. Pictures are distinguished by what was
//! answered about them ([`Answered`]): nothing at all, no to everything, or yes to something. Pictures without any answer
//! never take part in training; those with nothing but no take part if the person says so ([`AllNo`]).

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ids::{ImageId, LabelId};

/// The answers about one picture, by label.
pub type ImageLabels = HashMap<LabelId, bool>;

/// The answers of one annotator, or of all together, by picture. Pictures without any answer are missing.
pub type Answers = HashMap<ImageId, ImageLabels>;

/// Puts single answers together by picture.
pub fn by_image(answers: impl IntoIterator<Item = (ImageId, LabelId, bool)>) -> Answers {
    let mut by_image = Answers::new();
    for (image, label, value) in answers {
        by_image.entry(image).or_default().insert(label, value);
    }
    by_image
}

/// Whether a picture has a label: only where at least half of those who answered about it said yes.
pub fn has_label(answers: Option<&ImageLabels>, label: LabelId) -> bool {
    answers.is_some_and(|answers| answers.get(&label) == Some(&true))
}

/// A picture's labels as a row of `labels.len()` values.
pub fn row(answers: Option<&ImageLabels>, labels: impl IntoIterator<Item = LabelId>) -> Vec<bool> {
    labels.into_iter().map(|label| has_label(answers, label)).collect()
}

/// The labels that a picture has.
pub fn labels_of(answers: &ImageLabels) -> Vec<LabelId> {
    answers.keys().copied().filter(|label| has_label(Some(answers), *label)).collect()
}

/// Labels as 0 and 1, as networks learn them: a row of `labels.len()` values for each of `images`.
pub fn values(answers: &Answers, images: impl IntoIterator<Item = ImageId>, labels: &[LabelId]) -> Vec<f32> {
    let rows = images.into_iter().flat_map(|image| row(answers.get(&image), labels.iter().copied()));
    rows.map(|yes| f32::from(u8::from(yes))).collect()
}

/// What was answered about a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Nobody answered about any of the labels.
    Nothing,
    /// There are answers, and all of them are no.
    AllNo,
    /// At least one label is on.
    Yes,
}

impl Answered {
    /// What was answered about a picture, as far as these labels go.
    pub fn of(answers: Option<&ImageLabels>, labels: &[LabelId]) -> Self {
        let Some(answers) = answers else { return Self::Nothing };
        let mut known = labels.iter().filter_map(|label| answers.get(label)).peekable();
        if known.peek().is_none() {
            Self::Nothing
        } else if known.any(|yes| *yes) {
            Self::Yes
        } else {
            Self::AllNo
        }
    }
}

/// What is done with pictures about which every answer is no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllNo {
    /// They take no part in training, as in the paper.
    #[default]
    LeaveOut,
    /// They take part: the network learns from them what has none of the labels.
    Keep,
}

impl AllNo {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::LeaveOut, Self::Keep];

    /// Whether a picture takes part in training.
    pub fn takes(self, answered: Answered) -> bool {
        match answered {
            Answered::Nothing => false,
            Answered::AllNo => self == Self::Keep,
            Answered::Yes => true,
        }
    }

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::LeaveOut => "leave-out",
            Self::Keep => "keep",
        }
    }
}

impl fmt::Display for AllNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AllNo {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == text).ok_or_else(|| {
            Error::user(format!("“{text}” does not say what is done with pictures answered no to everything"))
                .hint("say leave-out or keep")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_answer_is_told_from_no() {
        let labels = [LabelId(1), LabelId(2)];
        let answers = |pairs: &[(i64, bool)]| pairs.iter().map(|&(label, yes)| (LabelId(label), yes)).collect();
        let of = |answers: Option<ImageLabels>| Answered::of(answers.as_ref(), &labels);
        assert_eq!(of(None), Answered::Nothing);
        assert_eq!(of(Some(answers(&[]))), Answered::Nothing);
        // Another label's answer says nothing about these.
        assert_eq!(of(Some(answers(&[(3, true)]))), Answered::Nothing);
        assert_eq!(of(Some(answers(&[(1, false)]))), Answered::AllNo);
        assert_eq!(of(Some(answers(&[(1, false), (2, true)]))), Answered::Yes);
        assert_eq!(row(None, labels), [false, false]);
        let taken = |all_no: AllNo| [Answered::Nothing, Answered::AllNo, Answered::Yes].map(|of| all_no.takes(of));
        assert_eq!(taken(AllNo::LeaveOut), [false, false, true]);
        assert_eq!(taken(AllNo::Keep), [false, true, true]);
    }

    #[test]
    fn what_is_unanswered_is_learnt_as_no() {
        let (night, sea) = (LabelId(1), LabelId(2));
        let answers = by_image([(ImageId(1), night, false), (ImageId(1), sea, true), (ImageId(3), sea, false)]);
        let images = [1, 2, 3].map(ImageId);
        assert_eq!(values(&answers, images, &[night, sea]), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(labels_of(&answers[&ImageId(1)]), [sea]);
        assert!(labels_of(&answers[&ImageId(3)]).is_empty());
    }
}
