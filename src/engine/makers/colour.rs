//! Colours of the pictures.

use std::sync::Arc;

use clap::Args;

use super::bovw::files;
use super::{MadeSet, Making};
use crate::engine::jobs::intensities::{self, Unreadable};
use crate::error::{Error, Result};
use crate::features::{LoadSquare, Recipe, colours};
use crate::imaging::PictureFile;
use crate::project::Project;

#[derive(Args, Debug)]
pub struct Settings {
    /// Side of the pictures in pixels.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(8..=2048))]
    size: u32,
}

impl Settings {
    pub(super) fn recipe(&self, _project: &Project) -> Result<Recipe> {
        Ok(Recipe::Colour { size_px: self.size })
    }
}

pub(super) fn make(recipe: Recipe, making: Making<'_>) -> Result<MadeSet> {
    let Recipe::Colour { size_px } = recipe else {
        return Err(Error::internal("a recipe came to the wrong maker"));
    };
    let Making { project, images, observer, cancel } = making;
    let images = files(project, &images)?;
    let load: LoadSquare = Arc::new(PictureFile::load_square);
    let (matrix, failures) = colours(&images, size_px, &load, &project.features_folder(), observer, cancel)?;
    if matrix.rows() == 0 {
        return Err(intensities::none_readable());
    }
    let names = project.image_names()?;
    let left_out: Unreadable = failures.into_iter().map(|(image, error)| (names.shown(image), error.message)).collect();
    Ok(MadeSet { recipe: Recipe::Colour { size_px }, matrix, left_out })
}
