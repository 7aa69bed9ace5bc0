//! Features that are computed picture by picture, without a network: cached by content, on all threads.

use std::collections::{HashMap, HashSet};

use image::RgbImage;
use rayon::prelude::*;

use super::backbone::{BackboneImage, LoadSquare};
use super::cache::FeatureCache;
use super::matrix::FeatureMatrix;
use crate::error::{Error, Result};
use crate::ids::ImageId;
use crate::progress::{Cancel, Observer, Stage};

/// Pictures that are worked on before the cache is written and anybody is told.
const PICTURES_AT_ONCE: usize = 16;

/// How pictures come.
#[derive(Clone, Copy)]
pub struct Squares<'a> {
    /// Their side, in pixels.
    pub size_px: u32,
    /// Opens a file.
    pub load: &'a LoadSquare,
    /// What is done, for those who wait.
    pub doing: &'a str,
}

/// The square pictures of some images, in their order, a few at a time, with the place of each; `take` gets those that can be
/// read, and the images that cannot are given back with the reason.
///
/// # Errors
/// Those of `take`; `Cancelled`.
pub fn each_square<T: Send>(
    images: &[&BackboneImage],
    squares: Squares<'_>,
    work: impl Fn(&RgbImage) -> T + Sync,
    mut take: impl FnMut(usize, T) -> Result<()>,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Vec<(ImageId, Error)>> {
    let stage = Stage::new(squares.doing, images.len());
    let mut failures = Vec::new();
    for (number, chunk) in images.chunks(PICTURES_AT_ONCE).enumerate() {
        cancel.check()?;
        let start = number * PICTURES_AT_ONCE;
        observer.progress(stage.at(start));
        let done: Vec<Result<T>> =
            chunk.par_iter().map(|image| Ok(work(&(squares.load)(&image.file, squares.size_px)?))).collect();
        for (place, done) in done.into_iter().enumerate() {
            match done {
                Ok(made) => take(start + place, made)?,
                Err(error) => failures.push((chunk[place].image_id, error)),
            }
        }
    }
    observer.progress(stage.at(images.len()));
    Ok(failures)
}

/// One row for each image that can be read, from the cache where it is there, and the images that cannot.
///
/// # Errors
/// Those of the cache; `Cancelled`.
pub fn cached_rows(
    images: &[BackboneImage],
    squares: Squares<'_>,
    cache: &mut FeatureCache,
    names: Vec<String>,
    work: impl Fn(&RgbImage) -> Vec<f32> + Sync,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(FeatureMatrix, Vec<(ImageId, Error)>)> {
    let mut asked = HashSet::new();
    let missing: Vec<&BackboneImage> = images
        .iter()
        .filter(|image| cache.get(&image.file.content_hash).is_none() && asked.insert(&image.file.content_hash))
        .collect();
    let keep = |place: usize, row: Vec<f32>| cache.insert(&missing[place].file.content_hash, &row);
    let failed = each_square(&missing, squares, work, keep, observer, cancel)?;
    let mut reasons: HashMap<ImageId, Error> = failed.into_iter().collect();
    let (mut ids, mut values, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for image in images {
        match cache.get(&image.file.content_hash) {
            Some(row) => {
                ids.push(image.image_id);
                values.extend_from_slice(row);
            }
            None => {
                let reason = reasons.remove(&image.image_id).unwrap_or_else(|| {
                    Error::data(format!(
                        "{} shows the same as a picture that cannot be read",
                        image.file.path.display()
                    ))
                });
                failures.push((image.image_id, reason));
            }
        }
    }
    Ok((FeatureMatrix::new(ids, names, values)?, failures))
}
