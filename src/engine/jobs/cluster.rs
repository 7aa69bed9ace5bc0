//! Cluster: group pictures by their features, with any of the ways there are, write the clusters, and keep them.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::score::References;
use super::{counted, features};
use crate::clustering::{ClusterSettings, Clustering, Method};
use crate::dataset::{SortChoice, first_occasions};
use crate::engine::output_file::OutputFile;
use crate::error::{Error, Result};
use crate::features::{FeatureMatrix, FeatureSource};
use crate::ids::{ClusteringId, ImageId};
use crate::interchange::assignments::{self, AssignmentRow};
use crate::progress::Cancel;
use crate::project::{Assignment, NewClustering, Project};

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
            other => Err(Error::user(format!("“{other}” is not a part to cluster")).hint("say test or all")),
        }
    }
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
    /// The features that were clustered.
    pub features: FeatureSource,
    /// Which pictures.
    pub part: ClusteredPart,
    /// How they were clustered.
    pub method: Method,
    /// The seed of what was drawn.
    pub seed: u64,
}

impl Made {
    /// The facts that stand in the file beside what is written of the features.
    ///
    /// # Errors
    /// `User` when they are gone.
    pub fn facts(&self, project: &Project) -> Result<Map<String, Value>> {
        let mut facts = features::facts(project, self.features)?;
        facts.insert("part".to_owned(), json!(self.part));
        Ok(facts)
    }

    /// The facts of a clustering: those of the features, and how they were clustered.
    ///
    /// # Errors
    /// As [`facts`](Self::facts).
    pub fn facts_of(&self, project: &Project, clustering: &Clustering) -> Result<Map<String, Value>> {
        let mut facts = self.facts(project)?;
        facts.extend([
            ("method".to_owned(), json!(self.method)),
            ("k".to_owned(), json!(clustering.sizes.len())),
            ("seed".to_owned(), json!(self.seed)),
            ("sse".to_owned(), json!(clustering.sse)),
            ("pictures".to_owned(), json!(clustering.assignments.len())),
            ("clusters_counted_from".to_owned(), json!(1)),
        ]);
        Ok(facts)
    }
}

/// Keeps a clustering under a name.
///
/// # Errors
/// As [`Project::add_clustering`].
pub fn keep(
    project: &mut Project,
    name: &str,
    features: &FeatureMatrix,
    clustering: &Clustering,
    made: &Made,
) -> Result<ClusteringId> {
    let facts = made.facts_of(project, clustering)?;
    let new = NewClustering {
        features: made.features,
        facts,
        part: made.part.to_string(),
        method: made.method.to_string(),
        seed: made.seed,
        clusters: clustering.sizes.len(),
        images: &features.image_ids,
        assignments: &clustering.assignments,
        distances: &clustering.distances,
        edited_from: None,
    };
    project.add_clustering(name, &new)
}

/// A kept clustering, with features to look at it by.
#[derive(Debug)]
pub struct Opened {
    /// Rows of the images that were clustered, as far as they have features.
    pub features: FeatureMatrix,
    /// The clusters with the numbers they were kept with.
    pub clustering: Clustering,
    /// Images that were clustered and have no features.
    pub missing: usize,
}

/// Opens a kept clustering: by the features that were clustered, or by others.
///
/// # Errors
/// `User` when it or the features are gone, or when a whole cluster has no features; `Data` for damage.
pub fn open(project: &Project, id: ClusteringId, source: FeatureSource) -> Result<Opened> {
    let record = project.clustering(id)?;
    let kept = project.assignments(id)?;
    let images: Vec<ImageId> = kept.iter().map(|assignment| assignment.image).collect();
    let features = features::stored(project, source, &images)?;
    let cluster_of: HashMap<ImageId, usize> = kept.iter().map(|kept| (kept.image, kept.cluster)).collect();
    let assignments: Vec<usize> = features.image_ids.iter().map(|image| cluster_of[image]).collect();
    let clustering = Clustering::as_numbered(features.view()?, &assignments, record.clusters, record.seed)?;
    Ok(Opened { missing: images.len() - features.rows(), features, clustering })
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
    let facts = made.facts_of(project, clustering)?;
    let assignments = features.image_ids.iter().zip(&clustering.assignments).zip(&clustering.distances);
    let assignments: Vec<Assignment> =
        assignments.map(|((&image, &cluster), &distance)| Assignment { image, cluster, distance }).collect();
    write_assignments(project, &assignments, facts, file)
}

/// Writes a kept clustering; gives how many images it has.
///
/// # Errors
/// As [`write`].
pub fn write_kept(project: &Project, id: ClusteringId, file: &OutputFile) -> Result<usize> {
    let record = project.clustering(id)?;
    let mut facts = record.facts;
    facts.insert("clustering".to_owned(), json!(record.name));
    let assignments = project.assignments(id)?;
    write_assignments(project, &assignments, facts, file)?;
    Ok(assignments.len())
}

/// Writes assignments with what they are, the pictures by their paths, the clusters counted from 1.
///
/// # Errors
/// As [`write`].
pub fn write_assignments(
    project: &Project,
    assignments: &[Assignment],
    facts: Map<String, Value>,
    file: &OutputFile,
) -> Result<()> {
    let names = project.image_names()?;
    let row = |assignment: &Assignment| {
        Ok(AssignmentRow {
            line: 0,
            image: names.path(assignment.image)?,
            cluster: assignment.cluster + 1,
            distance: Some(assignment.distance),
        })
    };
    let rows: Vec<AssignmentRow> = assignments.iter().map(row).collect::<Result<_>>()?;
    file.write_described(Some(project), facts, |target| assignments::write(&rows, target))
}

/// What clusters are scored against: the groupings that count, and which pictures the features were learnt from.
///
/// # Errors
/// As [`Project::rater_sorts`].
pub fn references(project: &Project, source: FeatureSource, choice: &SortChoice) -> Result<References<ImageId>> {
    Ok(References {
        sorts: first_occasions(project.rater_sorts(choice)?),
        learnt_from: features::learnt_from(project, source)?,
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
