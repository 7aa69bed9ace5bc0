//! Several sets side by side, each scaled to count as much as its weight says.

use clap::Args;

use super::{MadeSet, Making};
use crate::engine::jobs::cluster::ClusteredPart;
use crate::engine::jobs::features::{name_of, of};
use crate::error::{Error, Result};
use crate::features::{self, JoinedPart, Recipe};
use crate::project::Project;

#[derive(Args, Debug)]
pub struct Settings {
    /// A set to join (run-3 for the label intensities of run 3), with a weight after `=` if it is not 1; two or more.
    #[arg(long = "of", value_name = "SET[=WEIGHT]", required = true)]
    parts: Vec<String>,
}

impl Settings {
    pub(super) fn recipe(&self, project: &Project) -> Result<Recipe> {
        Ok(Recipe::Joined { parts: self.parts.iter().map(|part| part_of(project, part)).collect::<Result<_>>()? })
    }
}

/// A part to join: `SET`, or `SET=WEIGHT`.
fn part_of(project: &Project, text: &str) -> Result<JoinedPart> {
    // A name may hold `=` itself.
    match (project.feature_source(text), text.rsplit_once('=')) {
        (Ok(of), _) => Ok(JoinedPart { of, weight: 1.0 }),
        (Err(error), None) => Err(error),
        (Err(_), Some((name, weight))) => {
            let of = project.feature_source(name)?;
            let weight = weight.trim().parse().map_err(|_| {
                Error::user(format!("“{weight}” is not a weight for “{name}”"))
                    .hint("say a number above 0, as in NAME=0.5")
            })?;
            Ok(JoinedPart { of, weight })
        }
    }
}

pub(super) fn make(recipe: Recipe, making: Making<'_>) -> Result<MadeSet> {
    let Recipe::Joined { parts } = &recipe else {
        return Err(Error::internal("a recipe came to the wrong maker"));
    };
    let (mut matrices, mut left_out) = (Vec::new(), Vec::new());
    for part in parts {
        let project = &mut *making.project;
        let (matrix, missing) = of(project, part.of, ClusteredPart::All, making.observer, making.cancel)?;
        matrices.push((name_of(project, part.of)?, matrix, part.weight));
        left_out.extend(missing);
    }
    Ok(MadeSet { matrix: features::joined(matrices)?, recipe, left_out })
}
