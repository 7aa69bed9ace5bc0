//! Every row scaled to length 1, so that k-means compares directions (cosine).

use clap::Args;

use super::{MadeSet, Making};
use crate::engine::jobs::cluster::ClusteredPart;
use crate::engine::jobs::features::of;
use crate::error::{Error, Result};
use crate::features::{self, Recipe};
use crate::project::Project;

#[derive(Args, Debug)]
pub struct Settings {
    /// The set (run-3 for the label intensities of run 3).
    #[arg(long = "of", value_name = "SET")]
    set: String,
}

impl Settings {
    pub(super) fn recipe(&self, project: &Project) -> Result<Recipe> {
        Ok(Recipe::UnitLength { of: project.feature_source(&self.set)? })
    }
}

pub(super) fn make(recipe: Recipe, making: Making<'_>) -> Result<MadeSet> {
    let Recipe::UnitLength { of: source } = recipe else {
        return Err(Error::internal("a recipe came to the wrong maker"));
    };
    let Making { project, observer, cancel, .. } = making;
    let (matrix, left_out) = of(project, source, ClusteredPart::All, observer, cancel)?;
    Ok(MadeSet { recipe, matrix: features::unit_length(matrix), left_out })
}
