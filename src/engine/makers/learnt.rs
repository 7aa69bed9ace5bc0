//! Features learnt from groups that people made of training pictures.

use std::collections::BTreeSet;

use clap::Args;

use super::{MadeSet, Making};
use crate::dataset::{Part, RaterSort, SortChoice};
use crate::engine::jobs::cluster::ClusteredPart;
use crate::engine::jobs::features::{name_of, of, splits_of};
use crate::error::{Error, Result};
use crate::features::{self, FeatureMatrix, FeatureSource, Recipe};
use crate::ids::{GroupingId, ImageId, SplitId};
use crate::project::Project;

#[derive(Args, Debug)]
pub struct Settings {
    /// Features to learn with (run-3 for the label intensities of run 3); several stand side by side.
    #[arg(long = "of", value_name = "SET", required = true)]
    of: Vec<String>,
    /// Groups made in this study only; may be given several times.
    #[arg(long, value_name = "NAME")]
    study: Vec<String>,
    /// Groups made under this condition only.
    #[arg(long)]
    condition: Option<String>,
    /// Without this rater; may be given several times.
    #[arg(long, value_name = "RATER")]
    without: Vec<String>,
    /// How strongly the regression is held back, above 0; chosen on training pictures unless given.
    #[arg(long)]
    lambda: Option<f64>,
    /// Seed of the parts that λ is chosen on.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Settings {
    pub(super) fn recipe(&self, project: &Project) -> Result<Recipe> {
        let of: Vec<FeatureSource> = self.of.iter().map(|name| project.feature_source(name)).collect::<Result<_>>()?;
        let choice = SortChoice {
            studies: self.study.clone(),
            condition: self.condition.clone(),
            without: self.without.clone(),
            with_removed: false,
        };
        recipe(project, of, &choice, self.lambda, self.seed)
    }
}

/// A recipe that learns from all groupings chosen that hold training pictures.
///
/// # Errors
/// `User` where there are none, or no one split.
pub fn recipe(
    project: &Project,
    of: Vec<FeatureSource>,
    choice: &SortChoice,
    lambda: Option<f64>,
    seed: u64,
) -> Result<Recipe> {
    let mut splits = BTreeSet::new();
    for source in &of {
        splits.extend(splits_of(project, *source)?.into_iter().map(|split| split.id));
    }
    let mut splits = splits.into_iter();
    let split = match (splits.next(), splits.next()) {
        (Some(split), None) => split,
        (None, _) => {
            return Err(Error::user("there is no split that says which pictures may be learnt from")
                .hint("split the pictures first"));
        }
        _ => {
            return Err(Error::user("these features have different test pictures")
                .hint("learn with features of one split: runs that were trained on the same one"));
        }
    };
    let training = training(project, split)?;
    let mut groupings = Vec::new();
    for record in project.groupings_taken(choice)? {
        if record.counts() && project.grouping_members(record.id)?.iter().any(|(image, _)| training.contains(image)) {
            groupings.push(record.id);
        }
    }
    if groupings.is_empty() {
        return Err(Error::user(
            "no grouping holds pictures of the training part, and test pictures are not learnt from",
        )
        .hint("import groupings of training pictures, or make a study of them"));
    }
    Ok(Recipe::Learnt { of, groupings, groupings_hash: String::new(), split, seed, lambda, trials: Vec::new() })
}

/// All pictures of a split but those of the test part.
fn training(project: &Project, split: SplitId) -> Result<BTreeSet<ImageId>> {
    let parts = project.split(split)?.parts;
    Ok(parts.into_iter().filter(|(_, part)| *part != Part::Test).map(|(image, _)| image).collect())
}

/// The groups of training pictures in some groupings, and the hash of who put what where.
fn lessons(
    project: &Project,
    groupings: &[GroupingId],
    training: &BTreeSet<ImageId>,
) -> Result<(Vec<RaterSort<ImageId>>, String)> {
    let names = project.image_names()?;
    let replaced = project.replaced_images()?;
    let records = project.groupings()?;
    let mut hasher = blake3::Hasher::new();
    let mut sorts = Vec::with_capacity(groupings.len());
    for id in groupings {
        let record = records.iter().find(|record| record.id == *id).ok_or_else(|| {
            Error::user(format!("grouping {} is gone", id.0)).hint("make the features again from those there are")
        })?;
        let members = project.grouping_members(*id)?.into_iter();
        let sort = RaterSort {
            rater: record.rater.clone(),
            condition: record.study_condition(),
            occasion: record.occasion,
            groups: members.filter(|(image, _)| training.contains(image) && !replaced.contains(image)).collect(),
        };
        for part in [sort.rater.as_str(), &sort.condition.to_string()] {
            hasher.update(part.as_bytes()).update(&[0]);
        }
        for (image, group) in &sort.groups {
            hasher.update(names.path(*image)?.as_bytes()).update(&[0]).update(group.as_bytes()).update(&[0]);
        }
        sorts.push(sort);
    }
    Ok((sorts, hasher.finalize().to_hex().to_string()))
}

pub(super) fn make(recipe: Recipe, making: Making<'_>) -> Result<MadeSet> {
    let Recipe::Learnt { of: sources, groupings, split, seed, lambda, .. } = recipe else {
        return Err(Error::internal("a recipe came to the wrong maker"));
    };
    let Making { project, observer, cancel, .. } = making;
    let training = training(project, split)?;
    let (sorts, groupings_hash) = lessons(project, &groupings, &training)?;
    let (mut parts, mut left_out) = (Vec::new(), Vec::new());
    for source in &sources {
        let (matrix, missing) = of(project, *source, ClusteredPart::All, observer, cancel)?;
        parts.push((name_of(project, *source)?, matrix));
        left_out.extend(missing);
    }
    let matrix = side_by_side(parts)?;
    let learnt = features::learn(&matrix, &training, &sorts, lambda, seed, observer, cancel)?;
    let choice = if learnt.trials.is_empty() { "given" } else { "chosen on training pictures" };
    observer.note(&format!("λ = {} ({choice}), {} components", learnt.lambda, learnt.components));
    let recipe = Recipe::Learnt { of: sources, groupings, groupings_hash, split, seed, lambda, trials: learnt.trials };
    Ok(MadeSet { recipe, matrix: learnt.matrix, left_out })
}

/// The columns of all parts, as they are, of the pictures that are in each.
fn side_by_side(mut parts: Vec<(String, FeatureMatrix)>) -> Result<FeatureMatrix> {
    if parts.len() == 1 {
        return Ok(parts.remove(0).1);
    }
    let mut images = parts.first().map(|(_, matrix)| matrix.image_ids.clone()).unwrap_or_default();
    for (_, matrix) in &parts {
        let there: BTreeSet<&ImageId> = matrix.image_ids.iter().collect();
        images.retain(|image| there.contains(image));
    }
    if images.is_empty() {
        return Err(Error::user("no picture is in all of the sets to learn with"));
    }
    let names =
        parts.iter().flat_map(|(name, matrix)| matrix.names.iter().map(move |column| format!("{name}: {column}")));
    let names = names.collect();
    let parts: Vec<FeatureMatrix> = parts.iter().map(|(_, matrix)| matrix.select(&images)).collect();
    let values = (0..images.len()).flat_map(|row| parts.iter().flat_map(move |part| part.row(row))).copied().collect();
    FeatureMatrix::new(images, names, values)
}
