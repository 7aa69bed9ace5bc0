//! Features: of which pictures, and from where.
//!
//! Whatever clusters, scores or writes features names them as a [`FeatureSource`] and takes its rows from here, in the
//! order of the pictures' paths: [`of`] computes label intensities that a run lacks, [`stored`] takes only what is there.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value, json};

use super::cluster::ClusteredPart;
use super::intensities::{self, Unreadable};
use super::score::LearntFrom;
use crate::dataset::Part;
use crate::error::{Error, Result};
use crate::features::{FeatureMatrix, FeatureSource};
use crate::ids::{GroupingId, ImageId, RunId, SplitId};
use crate::interchange::features_csv::FeatureTable;
use crate::progress::{Cancel, Observer};
use crate::project::{FeatureKind, Project, RunRecord, SplitRecord};

/// Which features, in words: "label intensities of run 3", or the name of a kept set.
///
/// # Errors
/// `User` when there are none such.
pub fn name_of(project: &Project, source: FeatureSource) -> Result<String> {
    Ok(match source {
        FeatureSource::Run(run) => format!("label intensities of run {}", run.0),
        FeatureSource::Set(set) => project.feature_set(set)?.name,
    })
}

/// What stands beside whatever is written of features: where they come from.
///
/// # Errors
/// `User` when there are none such.
pub fn facts(project: &Project, source: FeatureSource) -> Result<Map<String, Value>> {
    Ok(match source {
        FeatureSource::Run(id) => {
            let run = project.run(id)?;
            Map::from_iter([
                ("run".to_owned(), json!(id)),
                ("features".to_owned(), json!("label intensities")),
                ("data_hash".to_owned(), json!(run.data_hash)),
                ("weights_hash".to_owned(), json!(run.weights_hash)),
            ])
        }
        FeatureSource::Set(set) => {
            let record = project.feature_set(set)?;
            Map::from_iter([
                ("features".to_owned(), json!(record.name)),
                ("recipe".to_owned(), json!(record.recipe)),
                ("features_hash".to_owned(), json!(record.file_hash)),
            ])
        }
    })
}

/// What features were made of in the end, whatever lies between.
struct Behind {
    runs: Vec<RunRecord>,
    /// The splits that recipes were fitted on.
    fitted_on: BTreeSet<SplitId>,
    groupings: BTreeSet<GroupingId>,
}

impl Behind {
    fn of(project: &Project, source: FeatureSource) -> Result<Self> {
        let (mut runs, mut fitted_on, mut groupings) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (mut open, mut seen) = (vec![source], HashSet::new());
        while let Some(source) = open.pop() {
            match source {
                FeatureSource::Run(run) => {
                    runs.insert(run);
                }
                FeatureSource::Set(set) if seen.insert(set) => {
                    let recipe = project.feature_set(set)?.recipe;
                    open.extend(recipe.sources());
                    fitted_on.extend(recipe.fitted_on());
                    groupings.extend(recipe.groupings());
                }
                FeatureSource::Set(_) => {}
            }
        }
        let runs = runs.into_iter().map(|run| project.run(run)).collect::<Result<_>>()?;
        Ok(Self { runs, fitted_on, groupings })
    }

    /// The splits that say which pictures were learnt from.
    fn splits(&self) -> BTreeSet<SplitId> {
        self.runs.iter().map(|run| run.split).chain(self.fitted_on.iter().copied()).collect()
    }
}

/// The runs whose networks had a part in features, oldest first.
///
/// # Errors
/// `User` when one is gone.
pub fn runs_of(project: &Project, source: FeatureSource) -> Result<Vec<RunRecord>> {
    Ok(Behind::of(project, source)?.runs)
}

/// The splits that say what is the test part for features: those behind them, else the one in use.
///
/// # Errors
/// As [`runs_of`].
pub fn splits_of(project: &Project, source: FeatureSource) -> Result<Vec<SplitRecord>> {
    let splits = Behind::of(project, source)?.splits();
    if splits.is_empty() {
        return Ok(project.current_split()?.into_iter().collect());
    }
    splits.into_iter().map(|split| project.split(split)).collect()
}

/// Whom and what the features were learnt from: the training and validation pictures of each run and recipe behind them,
/// and the raters whose groups were learnt.
///
/// # Errors
/// Those of the project.
pub fn learnt_from(project: &Project, source: FeatureSource) -> Result<LearntFrom<ImageId>> {
    let behind = Behind::of(project, source)?;
    let mut learnt = LearntFrom::default();
    for split in behind.splits() {
        let parts = project.split(split)?.parts;
        learnt.images.extend(parts.into_iter().filter(|(_, part)| *part != Part::Test).map(|(image, _)| image));
    }
    if !behind.groupings.is_empty() {
        let groupings = project.groupings()?.into_iter().filter(|grouping| behind.groupings.contains(&grouping.id));
        learnt.raters.extend(groupings.map(|grouping| grouping.rater));
    }
    Ok(learnt)
}

/// The pictures of `part`, in the order of their paths: those that are a test picture of every run behind the features.
///
/// # Errors
/// `User` when there are none.
pub fn images_of(project: &Project, source: FeatureSource, part: ClusteredPart) -> Result<Vec<ImageId>> {
    let splits = match part {
        ClusteredPart::All => Vec::new(),
        ClusteredPart::Test => splits_of(project, source)?,
    };
    if part == ClusteredPart::Test && splits.is_empty() {
        return Err(Error::user("there is no split that says which pictures are the test part")
            .hint("split the pictures, or cluster all of them"));
    }
    let images: Vec<ImageId> = project
        .images()?
        .into_iter()
        .filter(|image| image.set_aside.is_none())
        .filter(|image| splits.iter().all(|split| split.parts.get(&image.id) == Some(&Part::Test)))
        .map(|image| image.id)
        .collect();
    if images.is_empty() {
        let of = match source {
            FeatureSource::Run(run) => format!("run {}", run.0),
            FeatureSource::Set(_) => format!("“{}”", name_of(project, source)?),
        };
        return Err(Error::user(format!("{of} has no pictures in its {part} part"))
            .hint("split again with a test part, or cluster all pictures"));
    }
    Ok(images)
}

/// The features of a part, ready to cluster; label intensities that the run lacks are computed. Pictures that have none
/// are listed.
///
/// # Errors
/// `User` when no picture of the part has features; `Data` for a damaged set; those of the network; `Cancelled`.
pub fn of(
    project: &mut Project,
    source: FeatureSource,
    part: ClusteredPart,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(FeatureMatrix, Unreadable)> {
    let images = images_of(project, source, part)?;
    match source {
        FeatureSource::Run(run) => {
            let run = project.run(run)?;
            intensities::of_images(project, &run, &images, observer, cancel)
        }
        FeatureSource::Set(_) => {
            let matrix = stored(project, source, &images)?;
            let there: HashSet<ImageId> = matrix.image_ids.iter().copied().collect();
            let names = project.image_names()?;
            let missing = images.iter().filter(|image| !there.contains(image));
            let missing = missing.map(|image| (names.shown(*image), "the feature set has no row for it".to_owned()));
            Ok((matrix, missing.collect()))
        }
    }
}

/// The features of `images` that are there already, in that order.
///
/// # Errors
/// `User` when there are none; `Data` for a damaged set.
pub fn stored(project: &Project, source: FeatureSource, images: &[ImageId]) -> Result<FeatureMatrix> {
    match source {
        FeatureSource::Run(run) => {
            let run = project.run(run)?;
            let names: Vec<String> = run.labels.iter().map(|(_, name)| name.clone()).collect();
            let stored = project.features(run.id, FeatureKind::LabelIntensities, names.len())?.vectors;
            let present: Vec<ImageId> = images.iter().copied().filter(|image| stored.contains_key(image)).collect();
            if present.is_empty() {
                return Err(Error::user(format!("run {} has no label intensities (it is {})", run.id.0, run.status))
                    .hint("choose a finished run, or train again"));
            }
            let values = present.iter().flat_map(|image| stored[image].iter().copied()).collect();
            FeatureMatrix::new(present, names, values)
        }
        FeatureSource::Set(set) => {
            let matrix = project.feature_set_matrix(set)?.select(images);
            if matrix.rows() == 0 {
                let name = name_of(project, source)?;
                return Err(Error::user(format!("“{name}” has features of none of these pictures"))
                    .hint("choose all pictures, or make the set again"));
            }
            Ok(matrix)
        }
    }
}

/// The features with the pictures by their paths, to be written.
///
/// # Errors
/// Those of the project; `Data` for a picture that it has no more.
pub fn table(project: &Project, matrix: &FeatureMatrix) -> Result<FeatureTable> {
    let names = project.image_names()?;
    Ok(FeatureTable {
        images: matrix.image_ids.iter().map(|image| names.path(*image)).collect::<Result<_>>()?,
        names: matrix.names.clone(),
        values: matrix.values.clone(),
    })
}

/// The run, if the features are its label intensities.
pub fn run_of(source: FeatureSource) -> Option<RunId> {
    match source {
        FeatureSource::Run(run) => Some(run),
        FeatureSource::Set(_) => None,
    }
}
