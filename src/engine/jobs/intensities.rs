//! Label intensities: the feature vectors of the method, made by a run for any picture of the project.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};
use crate::features::{self, BackboneImage, FeatureMatrix};
use crate::ids::{ImageId, RunId};
use crate::imaging;
use crate::nn::{self, SelectedDevice};
use crate::progress::{Cancel, Observer};
use crate::project::{FeatureKind, Project, RunRecord};
use crate::training::{BestAndLast, TrainedHead, TrainingConfiguration};

/// Pictures that could not be read: their path and the reason.
pub type Unreadable = Vec<(String, String)>;

/// Pooled VGG16 features of `images`, from the cache where they are there already. Pictures that cannot be read are
/// left out and listed.
pub fn backbone_features(
    project: &Project,
    images: &[ImageId],
    image_size_px: u32,
    device: &SelectedDevice,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(FeatureMatrix, Unreadable)> {
    let paths = project.image_paths()?;
    let records: HashMap<ImageId, _> = project.images()?.into_iter().map(|image| (image.id, image)).collect();
    let wanted: Vec<BackboneImage> = images
        .iter()
        .filter_map(|id| {
            Some(BackboneImage {
                image_id: *id,
                path: paths.get(id)?.clone(),
                content_hash: records.get(id)?.content_hash.clone(),
            })
        })
        .collect();
    let cache = project.cache_folder().join("features");
    let (matrix, failures) =
        features::pooled_vgg16(&wanted, image_size_px, &imaging::load_square, &cache, device, observer, cancel)?;
    let unreadable: Unreadable = failures
        .into_iter()
        .map(|(image, error)| {
            let name = records.get(&image).map_or_else(String::new, |record| record.relative_path.clone());
            observer.note(&format!("Left out: {error}"));
            (name, error.message)
        })
        .collect();
    Ok((matrix, unreadable))
}

/// None of the pictures asked for can be read.
pub(super) fn none_readable() -> Error {
    Error::data("none of the pictures can be read").hint(
        "if their folder was moved, say where it is now: `atmoscope relink DIR FOLDER`, or Library › Find pictures",
    )
}

/// Stores a run's intensities.
pub fn store(project: &mut Project, run: RunId, intensities: &FeatureMatrix) -> Result<()> {
    let rows = intensities.image_ids.iter().enumerate().map(|(row, image)| (*image, intensities.row(row)));
    project.add_features(run, FeatureKind::LabelIntensities, rows)
}

/// The checkpoint of a run's best epoch.
///
/// # Errors
/// `User` when the run has none, `Data` when the file is gone.
pub(super) fn best_checkpoint(project: &Project, run: &RunRecord) -> Result<PathBuf> {
    let checkpoint = project.run_folder(run.id).join("checkpoints").join(BestAndLast::BEST);
    if checkpoint.is_file() {
        return Ok(checkpoint);
    }
    if run.best_epoch.is_none() {
        return Err(Error::user(format!("run {} has no trained network (it is {})", run.id.0, run.status))
            .hint("choose a finished run, or train again"));
    }
    Err(Error::data(format!("the trained network of run {} is missing: {}", run.id.0, checkpoint.display()))
        .hint("put the file back from a copy, or train again, which makes a new run"))
}

/// What a checkpoint that cannot be read means for its run.
pub(super) fn damaged(run: &RunRecord, error: Error) -> Error {
    match error.kind {
        ErrorKind::Model => Error::model(format!("the trained network of run {} is damaged: {error}", run.id.0))
            .hint("put the file back from a copy, or train again, which makes a new run")
            .caused_by(error),
        _ => error,
    }
}

/// The trained network of a run.
fn load_head(project: &Project, run: &RunRecord) -> Result<TrainedHead> {
    TrainedHead::load(&best_checkpoint(project, run)?).map_err(|error| damaged(run, error))
}

/// The label intensities of `images` by a run; those not yet stored are computed, and stored unless the project is
/// open for reading only. Pictures that cannot be read are left out and listed.
pub fn of_images(
    project: &mut Project,
    run: &RunRecord,
    images: &[ImageId],
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(FeatureMatrix, Unreadable)> {
    let names: Vec<String> = run.labels.iter().map(|(_, name)| name.clone()).collect();
    let mut stored = project.features(run.id, FeatureKind::LabelIntensities, names.len())?;
    let missing: Vec<ImageId> = images.iter().copied().filter(|image| !stored.contains_key(image)).collect();
    let mut unreadable = Vec::new();
    if !missing.is_empty() {
        let head = load_head(project, run)?;
        let configuration = TrainingConfiguration::of_run(&run.configuration)?;
        let device = nn::select(configuration.device)?;
        let (features, failures) =
            backbone_features(project, &missing, configuration.image_size_px, &device, observer, cancel)?;
        if features.rows() > 0 {
            let intensities = head.intensities(&features)?;
            if !project.is_read_only() {
                store(project, run.id, &intensities)?;
            }
            for (row, image) in intensities.image_ids.iter().enumerate() {
                stored.insert(*image, intensities.row(row).to_vec());
            }
        }
        unreadable = failures;
    }
    let present: Vec<ImageId> = images.iter().copied().filter(|image| stored.contains_key(image)).collect();
    if present.is_empty() {
        return Err(none_readable());
    }
    let values = present.iter().flat_map(|image| stored[image].iter().copied()).collect();
    Ok((FeatureMatrix::new(present, names, values)?, unreadable))
}
