//! The labels themselves: comparative method 2 of the paper.

use clap::Args;

use super::{MadeSet, Making};
use crate::dataset::targets;
use crate::error::{Error, Result};
use crate::features::{self, Recipe};
use crate::project::Project;

#[derive(Args, Debug)]
pub struct Settings {}

impl Settings {
    pub(super) fn recipe(&self, _project: &Project) -> Result<Recipe> {
        Ok(Recipe::MultiHot { labels: Vec::new() })
    }
}

/// The labels are those that the project has now.
pub(super) fn make(_recipe: Recipe, making: Making<'_>) -> Result<MadeSet> {
    let Making { project, images, .. } = making;
    let labels: Vec<_> = project.labels()?.into_iter().map(|label| (label.id, label.name)).collect();
    let consensus = project.consensus()?;
    let names = project.image_names()?;
    let (mut rows, mut left_out) = (Vec::new(), Vec::new());
    for image in &images {
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
    Ok(MadeSet { recipe: Recipe::MultiHot { labels }, matrix, left_out })
}
