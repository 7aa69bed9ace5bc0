//! Cluster: group pictures by their label intensities, with any of the ways there are.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::counted;
use super::intensities::{self, Unreadable};
use super::score::References;
use crate::clustering::{ClusterSettings, Clustering, Method};
use crate::dataset::{Part, SortChoice, first_occasions};
use crate::engine::output_file::OutputFile;
use crate::error::{Error, Result};
use crate::features::FeatureMatrix;
use crate::ids::{ImageId, RunId};
use crate::interchange::assignments::{self, AssignmentRow};
use crate::progress::{Cancel, Observer};
use crate::project::{Project, RunRecord};

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

/// Groups the rows of a matrix.
///
/// # Errors
/// As [`Method::fit`].
pub fn run(
    features: &FeatureMatrix,
    method: Method,
    clusters: usize,
    seed: u64,
    cancel: &Cancel,
) -> Result<Clustering> {
    method.fit(features.view()?, &ClusterSettings { clusters, seed }, cancel)
}

/// What a clustering was made from.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// The run whose label intensities were clustered.
    pub run: RunId,
    /// Which pictures.
    pub part: ClusteredPart,
    /// How they were clustered.
    pub method: Method,
    /// The seed of whatever was drawn.
    pub seed: u64,
}

impl Made {
    /// The facts that stand in the file beside what is written of a run.
    ///
    /// # Errors
    /// `User` when the run is gone.
    pub fn facts(&self, project: &Project) -> Result<Map<String, Value>> {
        let run = project.run(self.run)?;
        Ok(Map::from_iter([
            ("run".to_owned(), json!(self.run)),
            ("features".to_owned(), json!("label intensities")),
            ("part".to_owned(), json!(self.part)),
            ("data_hash".to_owned(), json!(run.data_hash)),
            ("weights_hash".to_owned(), json!(run.weights_hash)),
        ]))
    }
}

/// Writes the clusters as CSV, counted from 1 as everywhere else people see them, and beside it what they are.
///
/// # Errors
/// `User` or `Device`, naming the file, when it cannot be written.
pub fn write(
    project: &Project,
    features: &FeatureMatrix,
    clustering: &Clustering,
    made: &Made,
    file: &OutputFile,
) -> Result<()> {
    let rows = rows(project, features, clustering)?;
    let mut facts = made.facts(project)?;
    facts.extend([
        ("method".to_owned(), json!(made.method)),
        ("k".to_owned(), json!(clustering.sizes.len())),
        ("seed".to_owned(), json!(made.seed)),
        ("sse".to_owned(), json!(clustering.sse)),
        ("pictures".to_owned(), json!(rows.len())),
        ("clusters_counted_from".to_owned(), json!(1)),
    ]);
    file.write_described(Some(project), facts, |target| assignments::write(&rows, target))
}

/// The clustering as rows to write, the pictures by their paths, the clusters counted from 1.
fn rows(project: &Project, features: &FeatureMatrix, clustering: &Clustering) -> Result<Vec<AssignmentRow>> {
    let names: HashMap<ImageId, String> =
        project.images()?.into_iter().map(|image| (image.id, image.relative_path)).collect();
    Ok(features
        .image_ids
        .iter()
        .enumerate()
        .map(|(row, image)| AssignmentRow {
            line: 0,
            image: names.get(image).cloned().unwrap_or_default(),
            cluster: clustering.assignments[row] + 1,
            distance: Some(clustering.distances[row]),
        })
        .collect())
}

/// What clusters of a run are scored against: the groupings that count, and which pictures the run learnt from.
///
/// # Errors
/// As [`Project::rater_sorts`].
pub fn references(project: &Project, run: &RunRecord, choice: &SortChoice) -> Result<References<ImageId>> {
    let parts = project.split(run.split)?.parts;
    let learnt_from = parts.into_iter().filter(|(_, part)| *part != Part::Test).map(|(image, _)| image).collect();
    Ok(References {
        sorts: first_occasions(project.rater_sorts(choice)?),
        learnt_from,
        warnings: replaced_warning(project)?.into_iter().collect(),
    })
}

/// What to say where pictures were edited or overwritten since they were imported.
///
/// # Errors
/// Those of the project.
pub fn replaced_warning(project: &Project) -> Result<Option<String>> {
    let replaced = project.replaced_images()?.len();
    Ok((replaced > 0).then(|| {
        let them = if replaced == 1 { "it: its file holds" } else { "them: their files hold" };
        format!("{} left out, with what people said of {them} another picture now", counted(replaced, "picture"))
    }))
}
