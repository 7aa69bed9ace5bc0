//! Cluster: group pictures by their label intensities with k-means.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::intensities::{self, Unreadable};
use super::score::ReferenceGrouping;
use crate::clustering::{self, Clustering, KMeansSettings};
use crate::dataset::Part;
use crate::error::{Error, Result};
use crate::features::FeatureMatrix;
use crate::ids::{ImageId, RunId};
use crate::interchange::assignments::AssignmentRow;
use crate::progress::{Cancel, Observer};
use crate::project::{GroupingRecord, Project, RunRecord};

/// Which pictures are clustered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClusteredPart {
    /// The test part, as the paper does.
    #[default]
    Test,
    /// Every picture that is not set aside.
    All,
}

impl fmt::Display for ClusteredPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "test",
            Self::All => "all",
        })
    }
}

impl FromStr for ClusteredPart {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "test" => Ok(Self::Test),
            "all" => Ok(Self::All),
            other => Err(Error::user(format!("“{other}” is no part to cluster")).hint("say test or all")),
        }
    }
}

/// The pictures of `part`, in the order of their paths, for clusters of a run.
///
/// # Errors
/// `User` when there are none.
pub fn images_of(project: &Project, run: &RunRecord, part: ClusteredPart) -> Result<Vec<ImageId>> {
    let split = project.split(run.split)?;
    let images: Vec<ImageId> = project
        .images()?
        .into_iter()
        .filter(|image| image.set_aside.is_none())
        .filter(|image| part == ClusteredPart::All || split.parts.get(&image.id) == Some(&Part::Test))
        .map(|image| image.id)
        .collect();
    if images.is_empty() {
        return Err(Error::user(format!("run {} has no pictures in its {part} part", run.id.0))
            .hint("split again with a test part, or cluster all pictures"));
    }
    Ok(images)
}

/// The label intensities of a part by a run, ready to cluster.
pub fn features_of(
    project: &mut Project,
    run: RunId,
    part: ClusteredPart,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(FeatureMatrix, Unreadable)> {
    let run = project.run(run)?;
    let images = images_of(project, &run, part)?;
    intensities::of_images(project, &run, &images, observer, cancel)
}

/// k-means of a matrix with the settings of the paper.
pub fn run(features: &FeatureMatrix, clusters: usize, seed: u64, cancel: &Cancel) -> Result<Clustering> {
    let settings = KMeansSettings { clusters, seed, ..KMeansSettings::default() };
    clustering::kmeans(features.to_array().view(), &settings, cancel)
}

/// The clustering as rows to write, the pictures by their paths.
pub fn rows(project: &Project, features: &FeatureMatrix, clustering: &Clustering) -> Result<Vec<AssignmentRow>> {
    let names: HashMap<ImageId, String> =
        project.images()?.into_iter().map(|image| (image.id, image.relative_path)).collect();
    Ok(features
        .image_ids
        .iter()
        .enumerate()
        .map(|(row, image)| AssignmentRow {
            line: 0,
            image: names.get(image).cloned().unwrap_or_default(),
            cluster: clustering.assignments[row],
            distance: Some(clustering.distances[row]),
        })
        .collect())
}

/// The project's groupings that count, to score against.
pub fn references(project: &Project) -> Result<Vec<ReferenceGrouping<ImageId>>> {
    project
        .groupings()?
        .into_iter()
        .filter(GroupingRecord::counts)
        .map(|grouping| {
            Ok(ReferenceGrouping {
                groups: project.grouping_members(grouping.id)?.into_iter().collect(),
                rater: grouping.rater,
                condition: grouping.condition,
            })
        })
        .collect()
}
