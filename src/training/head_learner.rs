//! Trains a head alone, on features that were computed before.

use candle_core::{Device, Tensor};

use super::configuration::{HeadKind, TrainingConfiguration};
use super::learner::{Learner, LearnerPart, LearningRates, Tick};
use crate::error::Result;
use crate::features::FeatureMatrix;
use crate::nn::adam::{Adam, AdamSettings};
use crate::nn::head::{Head, HeadWeights};
use crate::nn::ops::{Dropout, bce_with_logits};
use crate::nn::state::State;
use crate::nn::tensor_error;
use crate::random::generator;

/// Features of the images of one part, with the labels each image has.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledFeatures {
    /// n × d.
    pub features: FeatureMatrix,
    /// n × L zeros and ones, row-major, in the order of the labels.
    pub targets: Vec<f32>,
    /// What is learnt from besides: augmented copies and synthetic samples.
    pub added: AddedRows,
}

/// Rows without an image of their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddedRows {
    /// m × d.
    pub features: Vec<f32>,
    /// m × L zeros and ones.
    pub targets: Vec<f32>,
}

/// Initial weights of the configured head, drawn from the configuration's seed.
pub fn initial_head(configuration: &TrainingConfiguration, features: usize, labels: usize) -> HeadWeights {
    let hidden = match configuration.head {
        HeadKind::Pooled | HeadKind::Statistics => vec![configuration.hidden],
        HeadKind::Original => vec![4096, 4096],
    };
    HeadWeights::initial(features, &hidden, labels, &mut generator(configuration.seed, "head"))
}

/// Trains a head on cached features.
#[derive(Debug)]
pub struct HeadLearner<'a> {
    head: Head,
    adam: Adam,
    train: &'a LabelledFeatures,
    validation: &'a LabelledFeatures,
    labels: usize,
    positive_weights: Option<Vec<f32>>,
    dropout: f32,
    seed: u64,
}

impl<'a> HeadLearner<'a> {
    /// A head with initial weights drawn from the configuration's seed. `positive_weights` has one for each label.
    ///
    /// # Errors
    /// `Device` when memory is short.
    pub fn new(
        configuration: &TrainingConfiguration,
        labels: usize,
        train: &'a LabelledFeatures,
        validation: &'a LabelledFeatures,
        positive_weights: Option<Vec<f32>>,
    ) -> Result<Self> {
        // A head this small is quicker on the processor than on a GPU.
        let head = Head::new(&initial_head(configuration, train.features.columns(), labels), &Device::Cpu)?;
        let adam = Adam::new(&head.named_variables(), AdamSettings::default())?;
        let (dropout, seed) = (configuration.dropout, configuration.seed);
        Ok(Self { head, adam, train, validation, labels, positive_weights, dropout, seed })
    }
}

/// Rows of a row-major matrix that goes on in `added`, one after the other.
fn gather(values: &[f32], added: &[f32], columns: usize, rows: &[usize]) -> Vec<f32> {
    let mut gathered = Vec::with_capacity(rows.len() * columns);
    for &row in rows {
        let at = row * columns;
        gathered.extend_from_slice(match at.checked_sub(values.len()) {
            None => &values[at..at + columns],
            Some(at) => &added[at..at + columns],
        });
    }
    gathered
}

impl Learner for HeadLearner<'_> {
    fn train_batch(&mut self, rows: &[usize], epoch: usize, step: usize, rates: LearningRates) -> Result<f64> {
        let LabelledFeatures { features, targets, added } = self.train;
        let inputs = features.columns();
        let features = gather(&features.values, &added.features, inputs, rows);
        let targets = gather(targets, &added.targets, self.labels, rows);
        let mut dropout = Dropout::new(self.dropout, self.seed, &format!("epoch {epoch} step {step}"));
        let backward = || {
            let features = Tensor::from_vec(features, (rows.len(), inputs), &Device::Cpu)?;
            let targets = Tensor::from_vec(targets, (rows.len(), self.labels), &Device::Cpu)?;
            let logits = self.head.forward_training(&features, &mut dropout)?;
            let loss = bce_with_logits(&logits, &targets, self.positive_weights.as_deref())?;
            Ok((loss.to_scalar::<f32>()?, loss.backward()?))
        };
        let (loss, gradients) = backward().map_err(tensor_error)?;
        self.adam.set_learning_rate(rates.head);
        self.adam.step(&gradients)?;
        Ok(f64::from(loss))
    }

    fn predict(&mut self, part: LearnerPart, rows: &[usize], tick: Tick<'_>) -> Result<Vec<f32>> {
        let part = match part {
            LearnerPart::Train => self.train,
            LearnerPart::Validation => self.validation,
        };
        let (features, added) = (&part.features, &part.added.features);
        let logits = self.head.weights()?.logits(&gather(&features.values, added, features.columns(), rows))?;
        tick(rows.len())?;
        Ok(logits)
    }

    fn network_state(&self) -> Result<State> {
        Ok(self.head.weights()?.state())
    }

    fn save_state(&self) -> Result<State> {
        let mut state = self.network_state()?;
        state.extend(self.adam.state()?);
        Ok(state)
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        let weights = HeadWeights::from_state(state)?;
        self.adam.load_state(state)?;
        self.head.set_weights(&weights)
    }
}
