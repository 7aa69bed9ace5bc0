//! Files that keep a network's numbers during and after a run.
//!
//! A checkpoint is a safetensors file: f32 tensors by name, and one metadata entry, `atmoscope`, with everything that
//! is needed to use them ([`CheckpointMetadata`] as JSON), a checksum of it all included. It is written beside its place and then renamed, so that a
//! file under its own name is always whole. What to keep is decided by a [`CheckpointStrategy`].

use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::observer::EpochRecord;
use crate::atomic::write_file;
use crate::error::{Error, Result};
use crate::nn::backbone::{BackboneSpec, IMAGENET_MEAN, IMAGENET_STANDARD_DEVIATION, vgg16};
use crate::nn::state::{NamedTensor, State, to_safetensors};
use crate::nn::weights::refuse_pickle;

/// The metadata entry of the file.
const METADATA_KEY: &str = "atmoscope";

/// What a checkpoint says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointMetadata {
    /// Version of the program that wrote it.
    pub app_version: String,
    /// The run, by the name of its folder.
    pub run_id: String,
    /// Seed of the run.
    pub seed: u64,
    /// The epoch after which it was written, from 1.
    pub epoch: usize,
    /// The labels in the order of the outputs.
    pub labels: Vec<String>,
    /// Each label's threshold, chosen on the validation part.
    pub thresholds: Vec<f32>,
    /// The network whose numbers these are. Files of before there was a choice say nothing and hold VGG16's, and VGG16's
    /// say nothing to this day, so that old and new ones have one checksum.
    #[serde(default = "vgg16_id", skip_serializing_if = "is_vgg16")]
    pub network: String,
    /// Side of the pictures the features were made from, in pixels.
    pub image_size_px: u32,
    /// Mean of red, green and blue that pictures are normalised with.
    pub normalisation_mean: [f32; 3],
    /// Standard deviation of red, green and blue that pictures are normalised with.
    pub normalisation_standard_deviation: [f32; 3],
    /// BLAKE3, hexadecimal, of the tensors and of all above; empty before it is written, and in files of before there were
    /// checksums.
    #[serde(default)]
    checksum: String,
}

impl CheckpointMetadata {
    /// Metadata of this program version, with ImageNet's normalisation.
    pub fn new(run_id: String, seed: u64, labels: Vec<String>, image_size_px: u32) -> Self {
        Self {
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
            run_id,
            seed,
            epoch: 0,
            thresholds: vec![0.5; labels.len()],
            labels,
            network: vgg16_id(),
            image_size_px,
            normalisation_mean: IMAGENET_MEAN,
            normalisation_standard_deviation: IMAGENET_STANDARD_DEVIATION,
            checksum: String::new(),
        }
    }
}

fn vgg16_id() -> String {
    vgg16::SPEC.id.to_owned()
}

fn is_vgg16(id: &str) -> bool {
    id == vgg16::SPEC.id
}

/// Named tensors and what is known about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The tensors.
    pub state: State,
    /// What is known about them.
    pub metadata: CheckpointMetadata,
}

impl Checkpoint {
    /// Writes the file `path`; a file that is there already is replaced in one step.
    ///
    /// # Errors
    /// `User` or `Device` when the disk refuses; `Data`, with nothing written, when a value is not finite.
    pub fn save(&self, path: &Path) -> Result<()> {
        let finite = |tensor: &NamedTensor| tensor.values.iter().all(|value| value.is_finite());
        if let Some((name, _)) = self.state.iter().find(|(_, tensor)| !finite(tensor)) {
            return Err(Error::data(format!("the tensor {name} holds NaN or infinite values and is not stored"))
                .hint("lower the learning rate; the best epoch before is kept"));
        }
        let metadata = CheckpointMetadata { checksum: self.checksum()?, ..self.metadata.clone() };
        let metadata = serde_json::to_string(&metadata).map_err(unwritable)?;
        let bytes = to_safetensors(&self.state, METADATA_KEY, metadata)?;
        write_file(path, |target| target.write_all(&bytes))
    }

    /// The hash of the tensors and of what is known about them.
    fn checksum(&self) -> Result<String> {
        let metadata = CheckpointMetadata { checksum: String::new(), ..self.metadata.clone() };
        let mut hasher = blake3::Hasher::new();
        hasher.update(serde_json::to_string(&metadata).map_err(unwritable)?.as_bytes());
        let mut bytes = Vec::new();
        for (name, tensor) in &self.state {
            bytes.clear();
            bytes.extend(format!("\n{name} {:?}\n", tensor.shape).into_bytes());
            bytes.extend(tensor.values.iter().flat_map(|value| value.to_le_bytes()));
            hasher.update(&bytes);
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// Reads a checkpoint, and compares it with its checksum.
    ///
    /// # Errors
    /// `User` or `Device` when the file cannot be read; `Model` when it is damaged or not one of our checkpoints.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| Error::io(path, error))?;
        let source = path.display().to_string();
        let wrong = |what: String| {
            Error::model(format!("{source}: {what}")).hint("choose a checkpoint that a training run of Atmoscope wrote")
        };
        let unreadable = |error| wrong(format!("not a readable safetensors file: {error}"));
        // Asked only of what cannot be read: the first byte of a sound file is part of a length, which may well be
        // the one that a pickle begins with.
        let (_, header) = SafeTensors::read_metadata(&bytes)
            .map_err(|error| refuse_pickle(&bytes, &source).err().unwrap_or_else(|| unreadable(error)))?;
        let metadata = header
            .metadata()
            .as_ref()
            .and_then(|entries| entries.get(METADATA_KEY))
            .ok_or_else(|| wrong("the file does not say which labels it is for".to_owned()))?;
        let metadata: CheckpointMetadata =
            serde_json::from_str(metadata).map_err(|error| wrong(format!("its description is damaged: {error}")))?;
        let mut state = State::new();
        for (name, view) in SafeTensors::deserialize(&bytes).map_err(unreadable)?.tensors() {
            if view.dtype() != Dtype::F32 {
                return Err(wrong(format!("the tensor {name} is not in single precision")));
            }
            let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            state.insert(name, NamedTensor { shape: view.shape().to_vec(), values });
        }
        let mut checkpoint = Self { state, metadata };
        let stored = std::mem::take(&mut checkpoint.metadata.checksum);
        if !stored.is_empty() && stored != checkpoint.checksum()? {
            return Err(Error::model(format!("{source} is damaged: it does not hold what was written there"))
                .hint("put the file back from a copy, or train again, which makes a new run"));
        }
        BackboneSpec::to_train(&checkpoint.metadata.network).map_err(|error| {
            let hint = format!(
                "use the version of Atmoscope that wrote it; to train here, {}",
                error.hint.unwrap_or_default()
            );
            wrong(format!("these are the numbers of the network “{}”", checkpoint.metadata.network)).hint(hint)
        })?;
        Ok(checkpoint)
    }
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::internal(format!("the checkpoint's metadata cannot be written: {error}"))
}

/// What to write and what to remove after an epoch, as file names in the run's `checkpoints` folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckpointPlan {
    /// Files to write with the numbers of this epoch.
    pub save: Vec<String>,
    /// Files to remove afterwards.
    pub delete: Vec<String>,
}

/// Decides which epochs are kept.
pub trait CheckpointStrategy {
    /// What to do after this epoch; `last` is true where no other follows.
    fn after_epoch(&mut self, record: &EpochRecord, last: bool) -> CheckpointPlan;
}

/// Keeps the best epoch and the last one.
#[derive(Clone, Copy, Debug, Default)]
pub struct BestAndLast;

impl BestAndLast {
    /// File of the best epoch.
    pub const BEST: &str = "best.safetensors";
    /// File of the last epoch.
    pub const LAST: &str = "last.safetensors";
}

impl CheckpointStrategy for BestAndLast {
    fn after_epoch(&mut self, record: &EpochRecord, _last: bool) -> CheckpointPlan {
        // The last one closes the epoch; from it the best one can be made.
        let mut save = vec![Self::LAST.to_owned()];
        if record.best {
            save.push(Self::BEST.to_owned());
        }
        CheckpointPlan { save, delete: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::error::ErrorKind;
    use safetensors::tensor::TensorView;

    fn checkpoint() -> Checkpoint {
        let state = State::from([
            ("b".to_owned(), NamedTensor { shape: vec![2, 1], values: vec![1.5, -0.0] }),
            ("a".to_owned(), NamedTensor { shape: vec![1], values: vec![f32::MIN_POSITIVE] }),
        ]);
        let labels = vec!["cute".to_owned(), "暗い".to_owned()];
        Checkpoint { state, metadata: CheckpointMetadata::new("run-7".to_owned(), 3, labels, 384) }
    }

    #[test]
    fn checkpoints_come_back_and_are_the_same_bytes_twice() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one.safetensors"), folder.path().join("two.safetensors"));
        checkpoint().save(&one).unwrap();
        checkpoint().save(&two).unwrap();
        assert_eq!(Checkpoint::load(&one).unwrap(), checkpoint());
        assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn another_networks_numbers_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.safetensors");
        checkpoint().save(&path).unwrap();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains("network"), "VGG16's files are what they were before there was a choice");
        for id in ["resnet50", "vgg99"] {
            let mut other = checkpoint();
            other.metadata.network = id.to_owned();
            other.save(&path).unwrap();
            let error = Checkpoint::load(&path).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Model);
            assert!(error.message.contains(&format!("“{id}”")) && error.hint.unwrap().contains("vgg16"));
        }
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.safetensors");
        checkpoint().save(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        let foreign = safetensors::serialize(Vec::<(String, TensorView)>::new(), None).unwrap();
        // A bit in the last tensor's numbers, and one in a threshold.
        let (mut number, mut threshold) = (whole.clone(), whole.clone());
        number[whole.len() - 3] ^= 4;
        let at = whole.windows(11).position(|bytes| bytes == b"thresholds\\").unwrap() + 16;
        assert_eq!(&threshold[at..at + 1], b"5", "{}", String::from_utf8_lossy(&threshold[at - 8..at + 4]));
        threshold[at] = b'6';
        for (bytes, words) in [
            (number, "is damaged"),
            (threshold, "is damaged"),
            (b"\x80\x02}q".to_vec(), "pickle"),
            (whole[..whole.len() - 1].to_vec(), "not a readable safetensors"),
            (foreign, "which labels"),
        ] {
            fs::write(&path, bytes).unwrap();
            let error = Checkpoint::load(&path).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Model);
            assert!(error.message.contains(words), "{}", error.message);
        }
        assert_eq!(Checkpoint::load(&folder.path().join("none")).unwrap_err().kind, ErrorKind::User);
    }
}
