//! Features: of which pictures, from where, and how a new set of them is made.
//!
//! Whatever clusters, scores or writes features names them as a [`FeatureSource`] and takes its rows from here, in the
//! order of the pictures' paths: [`of`] computes label intensities that a run lacks, [`stored`] takes only what is there.
//! [`make`] follows a [`Recipe`]; a new maker is a file in `features/`, a variant of the recipe, and its line in there.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::cluster::ClusteredPart;
use super::intensities::{self, BackboneSource, Unreadable};
use crate::dataset::{Part, targets};
use crate::error::{Error, Result};
use crate::features::{self, FeatureMatrix, FeatureSource, Recipe};
use crate::ids::{ImageId, RunId};
use crate::interchange::feature_forms::feature_form;
use crate::interchange::features_csv::FeatureTable;
use crate::interchange::{Parsed, Problem, read_file};
use crate::nn::backbone::BackboneOutput;
use crate::nn::{self, DeviceChoice, weights};
use crate::progress::{Cancel, Observer};
use crate::project::{FeatureKind, Project, RunRecord, SplitRecord};

/// A feature set that was made and is not kept yet.
#[derive(Debug)]
pub struct MadeSet {
    /// The recipe, with the hashes of what was read.
    pub recipe: Recipe,
    /// The features.
    pub matrix: FeatureMatrix,
    /// Pictures, or names in a file, that have no features, and why.
    pub left_out: Unreadable,
}

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

/// The runs whose networks had a part in features, oldest first.
///
/// # Errors
/// `User` when one is gone.
pub fn runs_of(project: &Project, source: FeatureSource) -> Result<Vec<RunRecord>> {
    let (mut runs, mut open, mut seen) = (BTreeSet::new(), vec![source], HashSet::new());
    while let Some(source) = open.pop() {
        match source {
            FeatureSource::Run(run) => {
                runs.insert(run);
            }
            FeatureSource::Set(set) if seen.insert(set) => open.extend(project.feature_set(set)?.recipe.sources()),
            FeatureSource::Set(_) => {}
        }
    }
    runs.into_iter().map(|run| project.run(run)).collect()
}

/// The splits that say what is the test part for features: those of the runs behind them, else the one in use.
fn splits_of(project: &Project, source: FeatureSource) -> Result<Vec<SplitRecord>> {
    let runs = runs_of(project, source)?;
    if runs.is_empty() {
        return Ok(project.current_split()?.into_iter().collect());
    }
    runs.iter().map(|run| project.split(run.split)).collect()
}

/// The pictures that a run behind the features learnt from, or was chosen on.
///
/// # Errors
/// Those of the project.
pub fn learnt_from(project: &Project, source: FeatureSource) -> Result<BTreeSet<ImageId>> {
    let mut learnt = BTreeSet::new();
    for run in runs_of(project, source)? {
        let parts = project.split(run.split)?.parts;
        learnt.extend(parts.into_iter().filter(|(_, part)| *part != Part::Test).map(|(image, _)| image));
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

/// Makes features by a recipe, of every picture that is not set aside.
///
/// # Errors
/// `User` for a recipe that cannot be followed; `Data` for a file that is damaged; those of the network; `Cancelled`.
pub fn make(project: &mut Project, recipe: Recipe, observer: &dyn Observer, cancel: &Cancel) -> Result<MadeSet> {
    let images: Vec<ImageId> =
        project.images()?.into_iter().filter(|image| image.set_aside.is_none()).map(|image| image.id).collect();
    let (recipe, matrix, left_out) = match recipe {
        Recipe::Intensities { run } => {
            let (matrix, left_out) = of(project, FeatureSource::Run(run), ClusteredPart::All, observer, cancel)?;
            (Recipe::Intensities { run }, matrix, left_out)
        }
        Recipe::MultiHot { .. } => multi_hot(project, &images)?,
        Recipe::Backbone { backbone, output, size_px, weights, .. } => {
            backbone_output(project, &images, &backbone, &output, size_px, &weights, observer, cancel)?
        }
        Recipe::Imported { file, .. } => imported(project, Path::new(&file))?,
        Recipe::Joined { parts } => {
            let (mut matrices, mut left_out) = (Vec::new(), Vec::new());
            for part in &parts {
                let (matrix, missing) = of(project, part.of, ClusteredPart::All, observer, cancel)?;
                matrices.push((name_of(project, part.of)?, matrix, part.weight));
                left_out.extend(missing);
            }
            (Recipe::Joined { parts }, features::joined(matrices)?, left_out)
        }
        Recipe::UnitLength { of: source } => {
            let (matrix, left_out) = of(project, source, ClusteredPart::All, observer, cancel)?;
            (Recipe::UnitLength { of: source }, features::unit_length(matrix), left_out)
        }
    };
    let mut listed = HashSet::new();
    let left_out = left_out.into_iter().filter(|(name, _)| listed.insert(name.clone())).collect();
    Ok(MadeSet { recipe, matrix, left_out })
}

type Made = (Recipe, FeatureMatrix, Unreadable);

fn multi_hot(project: &Project, images: &[ImageId]) -> Result<Made> {
    let labels: Vec<_> = project.labels()?.into_iter().map(|label| (label.id, label.name)).collect();
    let consensus = project.consensus()?;
    let names = project.image_names()?;
    let (mut rows, mut left_out) = (Vec::new(), Vec::new());
    for image in images {
        match consensus.get(image) {
            Some(answers) => {
                rows.push((*image, targets::labels_of(answers)));
            }
            None => left_out.push((names.shown(*image), "no annotator said anything of it".to_owned())),
        }
    }
    if rows.is_empty() {
        return Err(Error::user("no picture has labels yet").hint("label pictures, or import labels, first"));
    }
    let matrix = features::multi_hot(&rows, &labels)?;
    Ok((Recipe::MultiHot { labels }, matrix, left_out))
}

#[allow(clippy::too_many_arguments)]
fn backbone_output(
    project: &Project,
    images: &[ImageId],
    backbone: &str,
    output: &str,
    size_px: u32,
    weights: &str,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Made> {
    let wanted = BackboneOutput::named(backbone, output)?;
    let device = nn::select(DeviceChoice::default())?;
    let found = weights::resolve_for(wanted.network, weights, &project.weights_folder(), observer, cancel)?;
    let source = BackboneSource { weights: &found, output: wanted, image_size_px: size_px, device: &device };
    let (matrix, left_out) = source.features(project, images, observer, cancel)?;
    if matrix.rows() == 0 {
        return Err(intensities::none_readable());
    }
    let recipe = Recipe::Backbone {
        backbone: backbone.to_owned(),
        output: output.to_owned(),
        size_px,
        weights: weights.to_owned(),
        weights_hash: found.hash.clone(),
    };
    Ok((recipe, matrix, left_out))
}

fn imported(project: &Project, file: &Path) -> Result<Made> {
    let bytes = read_file(file)?;
    let Parsed { value: table, problems } = (feature_form(file).read)(file, &bytes)?;
    let line = |problem: &Problem| (format!("line {}", problem.line), problem.message.clone());
    let mut left_out: Unreadable = problems.iter().map(line).collect();
    if table.names.is_empty() {
        return Err(Error::user(format!("{} has no columns of features", file.display()))
            .hint("it names `image` and each feature"));
    }
    let names = project.image_names()?;
    let by_path = names.by_path();
    let mut rows: Vec<(ImageId, &[f32])> = Vec::new();
    let mut seen = HashSet::new();
    for (name, row) in table.images.iter().zip(table.values.chunks_exact(table.names.len())) {
        match by_path.get(name.as_str()) {
            None => left_out.push((name.clone(), "the project has no picture of this name".to_owned())),
            Some(image) if !seen.insert(*image) => left_out.push((name.clone(), "it stands there twice".to_owned())),
            Some(image) => rows.push((*image, row)),
        }
    }
    if rows.is_empty() {
        return Err(Error::user(format!("{} has features of no picture of the project", file.display()))
            .hint("its column `image` holds paths as the Library shows them"));
    }
    let ids = rows.iter().map(|(image, _)| *image).collect();
    let values = rows.iter().flat_map(|(_, row)| row.iter().copied()).collect();
    let matrix = FeatureMatrix::new(ids, table.names.clone(), values)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let recipe = Recipe::Imported { file: name, file_hash: blake3::hash(&bytes).to_hex().to_string() };
    Ok((recipe, matrix, left_out))
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
