//! Bags of visual words: histograms of local descriptors.

use std::sync::Arc;

use clap::Args;

use super::{MadeSet, Making};
use crate::dataset::Part;
use crate::engine::jobs::intensities::{self, Unreadable};
use crate::error::{Error, Result};
use crate::features::{BackboneImage, BovwSettings, LoadSquare, Recipe, Weighting, bags};
use crate::ids::ImageId;
use crate::imaging::PictureFile;
use crate::project::Project;

#[derive(Args, Debug)]
pub struct Settings {
    /// Words of the vocabulary.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    words: u32,
    /// How counts become features: l1 (shares), or tf-idf (rare words count more).
    #[arg(long, default_value = "l1")]
    weighting: Weighting,
    /// Side of the pictures in pixels.
    #[arg(long, default_value_t = 384, value_parser = clap::value_parser!(u32).range(32..=2048))]
    size: u32,
    /// Descriptors that words are made of, at most, drawn evenly from the training pictures.
    #[arg(long, value_name = "NUMBER", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    descriptors: u32,
    /// Seed of what is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Settings {
    pub(super) fn recipe(&self, project: &Project) -> Result<Recipe> {
        let split = project.current_split()?.ok_or_else(|| {
            Error::user("there is no split that says which pictures the words are made of")
                .hint("split the pictures first: words are made of training pictures only")
        })?;
        Ok(Recipe::Bovw {
            words: self.words as usize,
            weighting: self.weighting,
            size_px: self.size,
            most_descriptors: self.descriptors as usize,
            seed: self.seed,
            split: split.id,
            vocabulary_hash: String::new(),
        })
    }
}

pub(super) fn make(recipe: Recipe, making: Making<'_>) -> Result<MadeSet> {
    let Recipe::Bovw { words, weighting, size_px, most_descriptors, seed, split, .. } = recipe else {
        return Err(Error::internal("a recipe came to the wrong maker"));
    };
    let Making { project, images, observer, cancel } = making;
    let (images, training) = (files(project, &images)?, files(project, &project.split(split)?.images_of(Part::Train))?);
    if training.is_empty() {
        return Err(Error::user("the training part has no pictures to make words of").hint("split the pictures again"));
    }
    let settings = BovwSettings { words, weighting, size_px, most_descriptors, seed };
    let load: LoadSquare = Arc::new(PictureFile::load_square);
    let found = bags(&images, &training, &settings, &load, &project.features_folder(), observer, cancel)?;
    if found.matrix.rows() == 0 {
        return Err(intensities::none_readable());
    }
    if found.empty > 0 {
        observer.note(&format!("{} of the pictures have no local descriptors: their rows are zeros", found.empty));
    }
    let names = project.image_names()?;
    let left_out: Unreadable =
        found.failures.into_iter().map(|(image, error)| (names.shown(image), error.message)).collect();
    let vocabulary_hash = found.vocabulary_hash;
    let recipe = Recipe::Bovw { words, weighting, size_px, most_descriptors, seed, split, vocabulary_hash };
    Ok(MadeSet { recipe, matrix: found.matrix, left_out })
}

/// The files of some images that are not set aside.
pub(super) fn files(project: &Project, images: &[ImageId]) -> Result<Vec<BackboneImage>> {
    let known = project.picture_files()?;
    let file = |image: &ImageId| Some(BackboneImage { image_id: *image, file: known.get(image)?.clone() });
    Ok(images.iter().filter_map(file).collect())
}
