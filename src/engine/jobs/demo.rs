//! Demo: draw synthetic illustrations and run the whole loop on them.

use std::path::Path;

use serde::Serialize;

use super::cluster::{self, ClusteredPart};
use super::features;
use super::import::{self, ImportReport, ImportRequest};
use super::score::{self, ScoreReport};
use super::split::{self, SplitRequest};
use super::train::{self, OnStart, TrainReport};
use crate::clustering::Method;
use crate::dataset::SortChoice;
use crate::demo;
use crate::error::{Error, Result};
use crate::features::FeatureSource;
use crate::progress::Cancel;
use crate::project::Project;
use crate::training::{TrainingConfiguration, TrainingObserver};

/// Key of the remark that says where a project's data come from.
pub const DATA_REMARK: &str = "data";
/// What the demo's project says of its data.
pub const SYNTHETIC: &str = "Synthetic: pictures, labels and raters of this demo were made by a program.";
/// Clusters shown at first, as many as there are moods.
pub const CLUSTERS: usize = 8;
/// The demo looks at its pictures in this size, so that it takes a minute or two on two cores.
pub const IMAGE_SIZE_PX: u32 = 224;
const SEED: u64 = 1;
const ILLUSTRATIONS: usize = 240;

/// What the demo did.
#[derive(Clone, Debug, Serialize)]
pub struct DemoReport {
    /// The pictures.
    pub import: ImportReport,
    /// The training run.
    pub train: TrainReport,
    /// The scores for 4, 5 and 8 clusters.
    pub scores: Vec<ScoreReport>,
}

/// Makes the demo project in `folder` and runs the loop on it: draw, import, split, train, cluster, score.
///
/// # Errors
/// `User` when the folder holds a project that is not the demo's.
pub fn run(
    folder: &Path,
    on_start: OnStart<'_>,
    observer: &dyn TrainingObserver,
    cancel: &Cancel,
) -> Result<(Project, DemoReport)> {
    let mut project = open_or_create(folder)?;
    let drawings = folder.join("illustrations");
    if !drawings.join("groupings.csv").is_file() {
        demo::write(&drawings, SEED, ILLUSTRATIONS, observer, cancel)?;
    }
    let request = ImportRequest {
        images: Some(drawings.join("images")),
        labels: Some(drawings.join("labels.csv")),
        groupings: Some(drawings.join("groupings.csv")),
        annotator: Some("the drawing program (synthetic)".to_owned()),
        ..ImportRequest::default()
    };
    let import = import::run(&mut project, &request, observer, cancel)?;
    cancel.check()?;
    if project.current_split()?.is_none() {
        let test_images = Some(drawings.join("test-images.txt"));
        split::run(&mut project, &SplitRequest { seed: SEED, test_images, ..SplitRequest::default() })?;
    }
    // Without augmented copies, whose features would take ten times as long.
    let configuration = TrainingConfiguration {
        seed: SEED,
        image_size_px: IMAGE_SIZE_PX,
        augmented_copies: 0,
        ..TrainingConfiguration::default()
    };
    let train = train::run(&mut project, &configuration, on_start, observer, cancel)?;
    let (matrix, _) = features::of(&mut project, FeatureSource::Run(train.run), ClusteredPart::Test, observer, cancel)?;
    let references = cluster::references(&project, FeatureSource::Run(train.run), &SortChoice::default())?;
    let scores = [4, 5, CLUSTERS]
        .into_iter()
        .map(|clusters| {
            let clustering = cluster::run(&matrix, Method::default(), clusters, SEED, cancel)?;
            score::run(&matrix.image_ids, matrix.view()?, &clustering.assignments, &references, SEED, cancel)
        })
        .collect::<Result<_>>()?;
    Ok((project, DemoReport { import, train, scores }))
}

fn open_or_create(folder: &Path) -> Result<Project> {
    if !Project::exists(folder) {
        let mut project = Project::create(folder)?;
        project.set_remark(DATA_REMARK, SYNTHETIC)?;
        return Ok(project);
    }
    let project = Project::open(folder)?;
    if project.remark(DATA_REMARK)?.as_deref() != Some(SYNTHETIC) {
        return Err(Error::user(format!("{} holds a project that is not the demo's", folder.display()))
            .hint("give an empty folder: `atmoscope demo FOLDER`"));
    }
    Ok(project)
}
