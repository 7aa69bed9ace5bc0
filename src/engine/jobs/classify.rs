//! Classify: put pictures that are not in the project into the clusters of a clustering that is kept.
//!
//! A picture's features are made as those that were clustered; it goes to the nearest centroid (paper, section III.C). The
//! second nearest, and the clustered pictures that are most like it, say how sure that is. Nothing enters the project.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::cluster::{self, Opened};
use super::features::name_of;
use super::intensities::{self, Pictures, Unreadable};
use crate::error::{Error, Result};
use crate::features::{FeatureMatrix, FeatureSource, Recipe, unit_length};
use crate::ids::{ClusteringId, ImageId};
use crate::imaging::PictureFile;
use crate::progress::{Cancel, Observer};
use crate::project::Project;

/// Clustered pictures that are named beside each.
const SIMILAR: usize = 5;

/// A picture with its place.
#[derive(Clone, Debug, Serialize)]
pub struct Classified {
    /// The file.
    pub file: PathBuf,
    /// The nearest cluster, counted from 1.
    pub cluster: usize,
    /// Its distance to the cluster's centroid.
    pub distance: f64,
    /// The second nearest cluster, counted from 1; none where there is only one.
    pub second_cluster: Option<usize>,
    /// Its distance to that one's centroid.
    pub second_distance: Option<f64>,
    /// The clustered pictures nearest to it, nearest first, with their distances.
    pub similar: Vec<(String, f64)>,
    /// Its features, in the order of the names.
    pub features: Vec<f32>,
}

/// What came of pictures.
#[derive(Clone, Debug, Serialize)]
pub struct Classification {
    /// The clustering.
    pub clustering: String,
    /// What its features are.
    pub features: String,
    /// The names of the features: labels, where they are intensities.
    pub names: Vec<String>,
    /// The pictures, in the order given.
    pub pictures: Vec<Classified>,
    /// Files that cannot be read, and why.
    pub left_out: Unreadable,
}

/// Classifies files.
///
/// # Errors
/// `User` for features that only pictures of the project can have, and where no file can be read; those of the network;
/// `Cancelled`.
pub fn run(
    project: &Project,
    id: ClusteringId,
    files: &[PathBuf],
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Classification> {
    let record = project.clustering(id)?;
    let Opened { features: clustered, clustering, .. } = cluster::open(project, id, record.features)?;
    // What is made of them is kept nowhere.
    let cache = tempfile::tempdir().map_err(|error| Error::io(&std::env::temp_dir(), error))?;
    let mut left_out = Unreadable::new();
    let (mut known, mut order) = (HashMap::new(), Vec::new());
    for (number, file) in files.iter().enumerate() {
        match PictureFile::as_found(file) {
            Ok(picture) => {
                // No picture of a project has such a number.
                let image = ImageId(-1 - number as i64);
                known.insert(image, picture);
                order.push(image);
            }
            Err(rejection) => left_out.push((file.display().to_string(), rejection.to_string())),
        }
    }
    let file_of = |image: ImageId| &files[(-1 - image.0) as usize];
    let pictures = Pictures {
        names: order.iter().map(|image| (*image, file_of(*image).display().to_string())).collect(),
        files: known,
        cache_folder: cache.path().to_path_buf(),
    };
    let (matrix, unreadable) = if order.is_empty() {
        return Err(intensities::none_readable());
    } else {
        features_of(project, record.features, &pictures, &order, observer, cancel)?
    };
    left_out.extend(unreadable);
    if matrix.names != clustered.names {
        return Err(Error::data("the features of these pictures are not those that were clustered")
            .hint("cluster again, and keep the clusters"));
    }
    let names = project.image_names()?;
    let classified = |row: usize| {
        let values = matrix.row(row);
        let mut clusters: Vec<(f64, usize)> = (clustering.centroids.rows().into_iter().enumerate())
            .map(|(cluster, centroid)| (distance(values, centroid.iter().copied()), cluster))
            .collect();
        clusters.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut similar: Vec<(f64, ImageId)> = (clustered.image_ids.iter().enumerate())
            .map(|(other, image)| {
                (distance(values, clustered.row(other).iter().map(|&value| f64::from(value))), *image)
            })
            .collect();
        similar.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let second = clusters.get(1);
        Classified {
            file: file_of(matrix.image_ids[row]).clone(),
            cluster: clusters[0].1 + 1,
            distance: clusters[0].0,
            second_cluster: second.map(|(_, cluster)| cluster + 1),
            second_distance: second.map(|(distance, _)| *distance),
            similar: similar.into_iter().take(SIMILAR).map(|(by, image)| (names.shown(image), by)).collect(),
            features: values.to_vec(),
        }
    };
    Ok(Classification {
        clustering: record.name,
        features: name_of(project, record.features)?,
        pictures: (0..matrix.rows()).map(classified).collect(),
        names: matrix.names.clone(),
        left_out,
    })
}

fn distance(values: &[f32], other: impl Iterator<Item = f64>) -> f64 {
    values.iter().zip(other).map(|(value, other)| (f64::from(*value) - other).powi(2)).sum::<f64>().sqrt()
}

/// Features of pictures that are not in the project.
fn features_of(
    project: &Project,
    source: FeatureSource,
    pictures: &Pictures,
    images: &[ImageId],
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(FeatureMatrix, Unreadable)> {
    let recipe = match source {
        FeatureSource::Run(run) => {
            return intensities::of_other_pictures(project, &project.run(run)?, pictures, images, observer, cancel);
        }
        FeatureSource::Set(set) => project.feature_set(set)?.recipe,
    };
    match recipe {
        Recipe::Intensities { run } => {
            intensities::of_other_pictures(project, &project.run(run)?, pictures, images, observer, cancel)
        }
        Recipe::UnitLength { of } => {
            let (matrix, left_out) = features_of(project, of, pictures, images, observer, cancel)?;
            Ok((unit_length(matrix), left_out))
        }
        other => {
            let name = |source| name_of(project, source).unwrap_or_else(|_| source.to_string());
            Err(Error::user(format!(
                "the clusters are of features that new pictures do not get: {}",
                other.summary(name)
            ))
            .hint("take a clustering of the label intensities of a run, or of their directions (unit-length)"))
        }
    }
}

/// The picture files that are meant by paths: those named, and all in the folders named, by their endings.
///
/// # Errors
/// `User` for a path where nothing is.
pub fn picture_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let is_picture = |path: &Path| image::ImageFormat::from_path(path).is_ok();
    let mut files = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(path).map_err(|error| Error::io(path, error))?;
        if !metadata.is_dir() {
            files.push(path.clone());
            continue;
        }
        for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
            let entry = entry.map_err(|error| Error::user(format!("{}: {error}", path.display())))?;
            if entry.file_type().is_file() && is_picture(entry.path()) {
                files.push(entry.into_path());
            }
        }
    }
    Ok(files)
}
