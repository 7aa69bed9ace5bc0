//! A finished head, read from a checkpoint, that turns features into label intensities.

use std::path::Path;

use super::checkpoint::{Checkpoint, CheckpointMetadata};
use crate::error::{Error, Result};
use crate::features::FeatureMatrix;
use crate::nn::head::HeadWeights;
use crate::nn::ops::sigmoid;
use crate::nn::state::State;

/// A trained head and what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedHead {
    weights: HeadWeights,
    backbone: State,
    /// Labels in their order, thresholds, picture size and the rest.
    pub metadata: CheckpointMetadata,
}

impl TrainedHead {
    /// Reads a checkpoint, best or last.
    ///
    /// # Errors
    /// As [`Checkpoint::load`]; `Model` when its tensors are not those of a head for its labels.
    pub fn load(path: &Path) -> Result<Self> {
        let Checkpoint { state, metadata } = Checkpoint::load(path)?;
        let weights = HeadWeights::from_state(&state)
            .map_err(|error| Error::model(format!("{}: {}", path.display(), error.message)))?;
        if weights.labels() != metadata.labels.len() || weights.labels() != metadata.thresholds.len() {
            return Err(Error::model(format!(
                "{}: the head has {} outputs and the file names {} labels",
                path.display(),
                weights.labels(),
                metadata.labels.len()
            )));
        }
        let backbone = state.into_iter().filter(|(name, _)| name.starts_with("features.")).collect();
        Ok(Self { weights, backbone, metadata })
    }

    /// The convolutions that were trained with it; none where the head was trained alone.
    pub fn backbone(&self) -> Option<&State> {
        (!self.backbone.is_empty()).then_some(&self.backbone)
    }

    /// Number of features it takes.
    pub fn inputs(&self) -> usize {
        self.weights.inputs()
    }

    /// Label intensities in 0 to 1: n × L, the columns named by the labels in the run's order.
    ///
    /// An image's intensities are the same bits whatever other images are in the batch.
    ///
    /// # Errors
    /// `Model` for features of another width, `Data` for features with NaN or infinite values.
    pub fn intensities(&self, features: &FeatureMatrix) -> Result<FeatureMatrix> {
        if features.columns() != self.inputs() {
            return Err(Error::model(format!(
                "this head takes {} features and was given {}",
                self.inputs(),
                features.columns()
            ))
            .hint("use features of the network that the run was trained on"));
        }
        if let Some(row) = features.values.iter().position(|value| !value.is_finite()) {
            let image = features.image_ids[row / features.columns()];
            return Err(Error::data(format!("the features of image {} hold NaN or infinite values", image.0))
                .hint("empty the feature cache and compute them again"));
        }
        let logits = self.weights.logits(&features.values)?;
        let intensities = logits.into_iter().map(sigmoid).collect();
        FeatureMatrix::new(features.image_ids.clone(), self.metadata.labels.clone(), intensities)
    }
}
