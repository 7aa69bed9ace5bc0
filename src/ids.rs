//! Identities of the things a project holds. Rows are never referred to by position.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);
    };
}

id!(
    /// An illustration of the project.
    ImageId
);
id!(
    /// A pseudo-label of the project's vocabulary.
    LabelId
);
id!(
    /// Somebody who labels (annotator) or sorts (rater).
    PersonId
);
id!(
    /// One rater's sort of pictures into groups, under one condition.
    GroupingId
);
id!(
    /// One training run.
    RunId
);
id!(
    /// One stored division into train, validation and test parts.
    SplitId
);
id!(
    /// One study: pictures that raters sort under given conditions.
    StudyId
);
id!(
    /// One thing a study asks of each rater: a sort under one condition, the first time or again.
    TaskId
);
id!(
    /// One rater's work on one task, in one version.
    SortId
);
id!(
    /// A pile on the board of one sort; counts from 1 in each sort.
    PileId
);
id!(
    /// A named set of features that is kept, whatever made it.
    FeatureSetId
);
id!(
    /// A named clustering that is kept.
    ClusteringId
);
