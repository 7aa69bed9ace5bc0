//! The label intensities of a run, as they are now.

use clap::Args;

use super::{MadeSet, Making};
use crate::engine::jobs::cluster::ClusteredPart;
use crate::engine::jobs::features;
use crate::error::{Error, Result};
use crate::features::{FeatureSource, Recipe};
use crate::ids::RunId;
use crate::project::Project;

#[derive(Args, Debug)]
pub struct Settings {
    /// The run.
    #[arg(long, value_name = "ID")]
    run: i64,
}

impl Settings {
    pub(super) fn recipe(&self, project: &Project) -> Result<Recipe> {
        Ok(Recipe::Intensities { run: project.run(RunId(self.run))?.id })
    }
}

pub(super) fn make(recipe: Recipe, making: Making<'_>) -> Result<MadeSet> {
    let Recipe::Intensities { run } = recipe else {
        return Err(Error::internal("a recipe came to the wrong maker"));
    };
    let Making { project, observer, cancel, .. } = making;
    let (matrix, left_out) = features::of(project, FeatureSource::Run(run), ClusteredPart::All, observer, cancel)?;
    Ok(MadeSet { recipe, matrix, left_out })
}
