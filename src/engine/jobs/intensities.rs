//! Label intensities: the feature vectors of the method, made by a run for any picture of the project.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::counted_as;
use crate::dataset::{ImageNames, Loader, Sample};
use crate::error::{Error, ErrorKind, Result};
use crate::features::{self, BackboneImage, BackboneSettings, FeatureMatrix};
use crate::ids::{ImageId, RunId};
use crate::imaging::PictureFile;
use crate::nn::backbone::BackboneOutput;
use crate::nn::vgg16::{Pooling, Vgg16};
use crate::nn::weights::{self, Weights};
use crate::nn::{self, SelectedDevice};
use crate::progress::{Cancel, Observer, Stage};
use crate::project::{FeatureKind, Project, RunRecord, StoredFeatures};
use crate::training::{BestAndLast, TrainedHead, TrainingConfiguration};

/// Pictures that go through the network at once.
const PREDICTED_AT_ONCE: usize = 8;

/// Pictures that could not be read: their path and the reason.
pub type Unreadable = Vec<(String, String)>;

/// Pictures that features are made of: those of a project, or others that do not enter it.
#[derive(Clone, Debug)]
pub struct Pictures {
    /// Their files.
    pub files: HashMap<ImageId, PictureFile>,
    /// What they are called.
    pub names: ImageNames,
    /// The folder that features of fixed networks are cached in.
    pub cache_folder: PathBuf,
}

impl Pictures {
    /// Those of a project.
    ///
    /// # Errors
    /// Those of the project.
    pub fn of(project: &Project) -> Result<Self> {
        Ok(Self {
            files: project.picture_files()?,
            names: project.image_names()?,
            cache_folder: project.features_folder(),
        })
    }
}

/// Where features of the fixed convolutions come from.
#[derive(Clone, Copy, Debug)]
pub struct BackboneSource<'a> {
    /// The convolutions' weights.
    pub weights: &'a Weights,
    /// The network they are of, and which of its outputs.
    pub output: BackboneOutput,
    /// Side of the pictures in pixels.
    pub image_size_px: u32,
    /// Where the network runs.
    pub device: &'a SelectedDevice,
}

impl BackboneSource<'_> {
    /// Features of `images`, from the cache where they are there already. Pictures that cannot be read are left out and
    /// listed.
    pub fn features(
        &self,
        pictures: &Pictures,
        images: &[ImageId],
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<(FeatureMatrix, Unreadable)> {
        self.features_of(pictures, images, &TrainingConfiguration::default(), &[0], observer, cancel)
    }

    /// Features of the augmented copies 1, 2, … of `images` that the configuration asks for: all first copies, then all
    /// second ones. A picture that cannot be read has none.
    pub fn copies(
        &self,
        pictures: &Pictures,
        images: &[ImageId],
        configuration: &TrainingConfiguration,
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<(FeatureMatrix, Unreadable)> {
        let copies: Vec<u32> = (1..=configuration.augmented_copies).collect();
        self.features_of(pictures, images, configuration, &copies, observer, cancel)
    }

    fn features_of(
        &self,
        pictures: &Pictures,
        images: &[ImageId],
        configuration: &TrainingConfiguration,
        copies: &[u32],
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<(FeatureMatrix, Unreadable)> {
        let Pictures { files, names, cache_folder } = pictures;
        let wanted: Vec<BackboneImage> = images
            .iter()
            .filter_map(|id| Some(BackboneImage { image_id: *id, file: files.get(id)?.clone() }))
            .collect();
        let requests: Vec<(&BackboneImage, u32)> =
            copies.iter().flat_map(|&copy| wanted.iter().map(move |image| (image, copy))).collect();
        let settings = BackboneSettings {
            size_px: self.image_size_px,
            output: self.output,
            limits: configuration.augmentation_limits(),
            seed: configuration.augmentation_seed(),
            load: Arc::new(PictureFile::load_square),
        };
        let (matrix, failures) = features::backbone_features(
            &requests,
            &settings,
            self.weights,
            cache_folder,
            self.device,
            observer,
            cancel,
        )?;
        let unreadable: Unreadable = failures
            .into_iter()
            .map(|(image, error)| {
                let name = names.shown(image);
                observer.left_out(&format!("Left out: {error}"));
                (name, error.message)
            })
            .collect();
        Ok((matrix, unreadable))
    }
}

/// Where label intensities come from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The trained head, with the convolutions that were trained with it, if any.
    pub head: &'a TrainedHead,
    /// The weights that training began with.
    pub weights: &'a Weights,
    /// The run's settings: how large pictures are, and how the convolutions' output becomes what the head takes.
    pub configuration: &'a TrainingConfiguration,
    /// Where the network runs.
    pub device: &'a SelectedDevice,
}

impl Source<'_> {
    /// Label intensities of `images`. Pictures that cannot be read are left out and listed.
    ///
    /// # Errors
    /// `Model`, `Device` or `Data` from the network; `Cancelled`.
    pub fn intensities(
        &self,
        pictures: &Pictures,
        images: &[ImageId],
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<(FeatureMatrix, Unreadable)> {
        let (pooling, image_size_px) = (self.configuration.head.pooling(), self.configuration.image_size_px);
        // A number of columns does not say whose they are: what the run recorded does.
        if pooling.features() != self.head.inputs() {
            return Err(Error::model(format!(
                "the run's head takes {} features, and its settings make {}",
                self.head.inputs(),
                pooling.features()
            ))
            .hint("the checkpoint is of another run; put this run's back, or train again"));
        }
        let (features, unreadable) = match self.head.backbone() {
            None => {
                let Self { weights, device, .. } = *self;
                let source = BackboneSource { weights, output: pooling.output(), image_size_px, device };
                source.features(pictures, images, observer, cancel)?
            }
            Some(state) => {
                let mut network = Vgg16::load(self.weights, self.device)?;
                network.set_state(state)?;
                self.features_by(&network, pooling, pictures, images, observer, cancel)?
            }
        };
        if features.rows() == 0 {
            let empty = FeatureMatrix::new(Vec::new(), self.head.metadata.labels.clone(), Vec::new())?;
            return Ok((empty, unreadable));
        }
        let intensities = self.head.intensities(&features)?;
        if intensities.values.iter().any(|value| !value.is_finite()) {
            return Err(Error::model("the network gives label intensities that are NaN or infinite")
                .hint("look at the loss of its last epochs; lower the learning rate and train again"));
        }
        Ok((intensities, unreadable))
    }

    /// Features of `images` by a network of the run's own, which no cache knows.
    fn features_by(
        &self,
        network: &Vgg16,
        pooling: Pooling,
        pictures: &Pictures,
        images: &[ImageId],
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<(FeatureMatrix, Unreadable)> {
        let names = &pictures.names;
        let files: Vec<(ImageId, PictureFile)> =
            images.iter().filter_map(|image| Some((*image, pictures.files.get(image)?.clone()))).collect();
        let (loaded, size_px) = (files.clone(), self.configuration.image_size_px);
        let make = move |sample: &Sample| match *sample {
            Sample::Picture { image, .. } => loaded[image].1.load_square(size_px),
            Sample::Mixed { .. } => Err(Error::internal("a mixture has no intensities of its own")),
        };
        let loader = Loader::new(Arc::new(make), Loader::usual_threads(), 2 * PREDICTED_AT_ONCE)?;
        loader.request((0..files.len()).map(|image| Sample::Picture { image, copy: 0 }));
        let stage = Stage::new("Computing label intensities", files.len());
        let (mut ids, mut values, mut unreadable) = (Vec::new(), Vec::new(), Unreadable::new());
        for (index, chunk) in files.chunks(PREDICTED_AT_ONCE).enumerate() {
            cancel.check()?;
            observer.progress(stage.at(index * PREDICTED_AT_ONCE));
            let mut pictures = Vec::with_capacity(chunk.len());
            for (id, _) in chunk {
                match loader.next() {
                    Some(Ok(picture)) => {
                        ids.push(*id);
                        pictures.push(picture);
                    }
                    Some(Err(error)) => {
                        observer.left_out(&format!("Left out: {error}"));
                        unreadable.push((names.shown(*id), error.message));
                    }
                    None => return Err(Error::internal("a picture was not asked for")),
                }
            }
            if !pictures.is_empty() {
                values.extend(network.features(&pictures, pooling)?);
            }
        }
        observer.progress(stage.at(files.len()));
        let names = (0..pooling.features()).map(|feature| feature.to_string()).collect();
        Ok((FeatureMatrix::new(ids, names, values)?, unreadable))
    }
}

/// None of the pictures asked for can be read.
pub(in crate::engine) fn none_readable() -> Error {
    Error::data("none of the pictures can be read").hint(
        "`atmoscope status DIR` says which are missing or changed; if their folder was moved, say where it is now: \
         `atmoscope relink DIR FOLDER`, or Library › Find moved pictures",
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

/// The weights that a run began with.
///
/// # Errors
/// Those of [`weights::resolve`]; `Data` when they are another file now.
pub(super) fn starting_weights(
    project: &Project,
    run: &RunRecord,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Weights> {
    let setting = TrainingConfiguration::of_run(&run.configuration)?.weights;
    let weights = weights::resolve(&setting, &project.weights_folder(), observer, cancel)?;
    if weights.hash != run.weights_hash {
        return Err(Error::data(format!("{} changed since run {} began with it", weights.source, run.id.0))
            .hint("put the file back that the run was trained from, or train again"));
    }
    Ok(weights)
}

/// The label intensities of pictures that are not in the project, by a run; nothing is stored.
///
/// # Errors
/// Those of the checkpoint and the network; `Data` when no picture can be read.
pub fn of_other_pictures(
    project: &Project,
    run: &RunRecord,
    pictures: &Pictures,
    images: &[ImageId],
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(FeatureMatrix, Unreadable)> {
    let head = load_head(project, run)?;
    let configuration = TrainingConfiguration::of_run(&run.configuration)?;
    let device = nn::select(configuration.device)?;
    let weights = starting_weights(project, run, observer, cancel)?;
    let source = Source { head: &head, weights: &weights, configuration: &configuration, device: &device };
    let (matrix, unreadable) = source.intensities(pictures, images, observer, cancel)?;
    if matrix.rows() == 0 { Err(none_readable()) } else { Ok((matrix, unreadable)) }
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
    let StoredFeatures { vectors: mut stored, damaged } =
        project.features(run.id, FeatureKind::LabelIntensities, names.len())?;
    if !damaged.is_empty() {
        observer.note(&format!(
            "project.db: {} of run {} {} damaged; those of the pictures asked for are made again",
            counted_as(damaged.len(), "stored vector", "stored vectors"),
            run.id.0,
            if damaged.len() == 1 { "is" } else { "are" }
        ));
    }
    let missing: Vec<ImageId> = images.iter().copied().filter(|image| !stored.contains_key(image)).collect();
    let mut unreadable = Vec::new();
    if !missing.is_empty() {
        let head = load_head(project, run)?;
        let configuration = TrainingConfiguration::of_run(&run.configuration)?;
        let device = nn::select(configuration.device)?;
        let weights = starting_weights(project, run, observer, cancel)?;
        let source = Source { head: &head, weights: &weights, configuration: &configuration, device: &device };
        let (intensities, failures) = source.intensities(&Pictures::of(project)?, &missing, observer, cancel)?;
        if intensities.rows() > 0 {
            if !project.is_read_only() {
                store(project, run.id, &intensities)?;
                if !damaged.is_empty() {
                    project.mended_features()?;
                }
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
