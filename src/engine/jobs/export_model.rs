//! Export of a run's network as one safetensors file that other programs can use without Atmoscope.
//!
//! The file holds the 13 convolutions under torchvision's names (`features.N.weight`, `features.N.bias`) and the head
//! (`classifier.N.…`, as a `torch.nn.Sequential`), all in f32. Its metadata entry `atmoscope` is a
//! [`ModelDescription`] as JSON: all that is needed to turn a picture into named intensities.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::intensities;
use crate::engine::output_file::OutputFile;
use crate::error::{Error, Result};
use crate::ids::RunId;
use crate::nn::state::{State, to_safetensors};
use crate::nn::vgg16;
use crate::progress::{Cancel, Observer};
use crate::project::Project;
use crate::training::{Checkpoint, Choice, TrainingConfiguration};
use crate::wording::path_in_json;

/// The metadata entry of the file.
pub const METADATA_KEY: &str = "atmoscope";

/// How to use an exported network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelDescription {
    /// Version of the program that wrote the file.
    pub app_version: String,
    /// The run that trained it.
    pub run_id: String,
    /// The epoch it is from, counted from 1.
    pub epoch: usize,
    /// The convolutions: "vgg16", torchvision's `vgg16().features`.
    pub network: String,
    /// Layers of the convolutions that the run trained; the others are the starting weights.
    pub trained_layers: Vec<String>,
    /// The head, from the output of the convolutions to the logits.
    pub head: String,
    /// From logits to intensities.
    pub output: String,
    /// The labels in the order of the outputs.
    pub labels: Vec<String>,
    /// Each label's threshold, chosen on the validation part.
    pub thresholds: Vec<f32>,
    /// Side of the pictures, in pixels.
    pub image_size_px: u32,
    /// How a picture becomes a square of that size.
    pub crop: String,
    /// Mean of red, green and blue, in 0 to 1, that is taken off.
    pub normalisation_mean: [f32; 3],
    /// Standard deviation of red, green and blue that is divided by then.
    pub normalisation_standard_deviation: [f32; 3],
    /// blake3 of the starting weights' file.
    pub starting_weights_hash: String,
    /// blake3 of the pictures, parts and labels trained on.
    pub data_hash: String,
}

/// What was written.
#[derive(Clone, Debug, Serialize)]
pub struct ExportReport {
    /// The run.
    pub run: RunId,
    /// The file.
    #[serde(serialize_with = "path_in_json")]
    pub file: PathBuf,
    /// Its size.
    pub bytes: usize,
    /// Number of tensors in it.
    pub tensors: usize,
    /// The metadata.
    pub description: ModelDescription,
}

/// Writes the network of a run's best epoch to `file`.
///
/// # Errors
/// `User` for a run without a network; `Data` or `Model` when its checkpoint or
/// its starting weights are gone or changed; `Device` when the disk refuses.
pub fn run(
    project: &Project,
    run: RunId,
    file: &OutputFile,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<ExportReport> {
    let record = project.run(run)?;
    let checkpoint = Checkpoint::load(&intensities::best_checkpoint(project, &record)?)
        .map_err(|error| intensities::damaged(&record, error))?;
    let layer = |name: &str| name.rsplit_once('.').map(|(layer, _)| layer.to_owned());
    let mut state: State = checkpoint
        .state
        .into_iter()
        .filter(|(name, _)| name.starts_with("features.") || name.starts_with("classifier."))
        .collect();
    let trained: BTreeSet<String> =
        state.keys().filter(|name| name.starts_with("features.")).filter_map(|name| layer(name)).collect();
    if !vgg16::tensor_shapes().keys().all(|name| state.contains_key(name)) {
        for (name, tensor) in vgg16::state_of(&intensities::starting_weights(project, &record, observer, cancel)?)? {
            state.entry(name).or_insert(tensor);
        }
    }
    let mut trained_layers: Vec<String> = trained.into_iter().collect();
    trained_layers.sort_by_key(|name| name.rsplit('.').next().and_then(|number| number.parse::<usize>().ok()));
    let about = checkpoint.metadata;
    let description = ModelDescription {
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        run_id: about.run_id,
        epoch: about.epoch,
        network: "vgg16".to_owned(),
        trained_layers,
        head: TrainingConfiguration::of_run(&record.configuration)?.head.name().to_owned(),
        output: "sigmoid of the logits".to_owned(),
        labels: about.labels,
        thresholds: about.thresholds,
        image_size_px: about.image_size_px,
        crop: "shorter side to image_size_px (bilinear, antialiased, on 8-bit sRGB), then the square in the centre"
            .to_owned(),
        normalisation_mean: about.normalisation_mean,
        normalisation_standard_deviation: about.normalisation_standard_deviation,
        starting_weights_hash: record.weights_hash,
        data_hash: record.data_hash,
    };
    let metadata = serde_json::to_string(&description)
        .map_err(|error| Error::internal(format!("the network's description cannot be written: {error}")))?;
    let bytes = to_safetensors(&state, METADATA_KEY, metadata)?;
    cancel.check()?;
    file.write(|target| target.write_all(&bytes))?;
    Ok(ExportReport { run, file: file.path().to_path_buf(), bytes: bytes.len(), tensors: state.len(), description })
}
