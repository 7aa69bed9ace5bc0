//! The head that is trained on pseudo-labels: features → hidden layer, ReLU → dropout → one logit for each label.
//!
//! While it is trained its numbers are candle variables; to use it they are taken out as [`HeadWeights`], plain slices
//! whose results are the same bits for an image whatever other images are asked with it.

use candle_core::{Device, Tensor, Var};
use rand::Rng;

use crate::error::{Error, Result};
use crate::nn::ops::{self, kernels};
use crate::nn::state::{NamedTensor, State, take};
use crate::nn::tensor_error;
use crate::random::Generator;

/// Names of the four tensors, after `torch.nn.Sequential(Linear, ReLU, Dropout, Linear)` called `classifier`.
const NAMES: [&str; 4] = ["classifier.0.weight", "classifier.0.bias", "classifier.3.weight", "classifier.3.bias"];

/// The head as numbers: what is stored, and what computes logits.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadWeights {
    /// Number of features that go in.
    pub inputs: usize,
    /// Size of the hidden layer.
    pub hidden: usize,
    /// L, the number of labels.
    pub labels: usize,
    /// hidden × inputs; hidden; labels × hidden; labels.
    tensors: [Vec<f32>; 4],
}

impl HeadWeights {
    /// Draws the numbers as PyTorch's `Linear` does: uniform in ±1/√inputs of each layer.
    pub fn initial(inputs: usize, hidden: usize, labels: usize, generator: &mut Generator) -> Self {
        let mut draw = |count: usize, fan_in: usize| -> Vec<f32> {
            let bound = 1.0 / (fan_in as f32).sqrt();
            (0..count).map(|_| generator.gen_range(-bound..=bound)).collect()
        };
        let tensors =
            [draw(hidden * inputs, inputs), draw(hidden, inputs), draw(labels * hidden, hidden), draw(labels, hidden)];
        Self { inputs, hidden, labels, tensors }
    }

    fn shapes(&self) -> [Vec<usize>; 4] {
        [vec![self.hidden, self.inputs], vec![self.hidden], vec![self.labels, self.hidden], vec![self.labels]]
    }

    /// The four tensors by name.
    pub fn state(&self) -> State {
        NAMES
            .into_iter()
            .zip(self.shapes().into_iter().zip(&self.tensors))
            .map(|(name, (shape, values))| (name.to_owned(), NamedTensor { shape, values: values.clone() }))
            .collect()
    }

    /// Takes the four tensors from a state; the sizes are those of the tensors.
    ///
    /// # Errors
    /// `Model` when a tensor is missing or the shapes do not fit each other.
    pub fn from_state(state: &State) -> Result<Self> {
        let dimensions = |name: &str| match state.get(name).map(|tensor| tensor.shape.as_slice()) {
            Some(&[rows, columns]) if rows > 0 && columns > 0 => Ok((rows, columns)),
            Some(shape) => Err(Error::model(format!("the tensor {name} has the shape {shape:?}, expected two sizes"))),
            None => Err(Error::model(format!("the tensor {name} is missing"))),
        };
        let (hidden, inputs) = dimensions(NAMES[0])?;
        let (labels, _) = dimensions(NAMES[2])?;
        let mut head = Self { inputs, hidden, labels, tensors: Default::default() };
        for (index, shape) in head.shapes().into_iter().enumerate() {
            head.tensors[index] = take(state, NAMES[index], &shape)?.values.clone();
        }
        Ok(head)
    }

    /// Logits n × labels of features n × inputs, both row-major. A row's logits do not depend on the other rows.
    ///
    /// # Errors
    /// `Internal` when the features have another width.
    pub fn logits(&self, features: &[f32]) -> Result<Vec<f32>> {
        if self.inputs == 0 || !features.len().is_multiple_of(self.inputs) {
            return Err(Error::internal(format!(
                "{} values do not divide into rows of {} features",
                features.len(),
                self.inputs
            )));
        }
        let [hidden_weights, hidden_bias, weights, bias] = &self.tensors;
        let mut hidden = kernels::linear(features, self.inputs, hidden_weights, hidden_bias);
        for value in &mut hidden {
            // Written so that NaN passes through.
            *value = if *value < 0.0 { 0.0 } else { *value };
        }
        Ok(kernels::linear(&hidden, self.hidden, weights, bias))
    }
}

/// The head while it is trained.
#[derive(Debug)]
pub struct Head {
    inputs: usize,
    hidden: usize,
    labels: usize,
    variables: [Var; 4],
}

impl Head {
    /// Puts weights into variables on the processor; a head this small is quicker there than on a GPU.
    ///
    /// # Errors
    /// `Device` when memory is short.
    pub fn new(weights: &HeadWeights) -> Result<Self> {
        let mut variables = Vec::with_capacity(4);
        for (shape, values) in weights.shapes().into_iter().zip(&weights.tensors) {
            variables.push(Var::from_slice(values, shape, &Device::Cpu).map_err(tensor_error)?);
        }
        let variables = variables.try_into().map_err(|_| Error::internal("a head has four tensors"))?;
        Ok(Self { inputs: weights.inputs, hidden: weights.hidden, labels: weights.labels, variables })
    }

    /// The variables by name, for the optimiser.
    pub fn named_variables(&self) -> Vec<(String, Var)> {
        NAMES.into_iter().map(str::to_owned).zip(self.variables.iter().cloned()).collect()
    }

    /// Logits n × labels for training, with dropout of the hidden layer at `rate` drawn from `generator`.
    ///
    /// # Errors
    /// candle's, where the shapes do not fit.
    pub fn forward_training(
        &self,
        features: &Tensor,
        rate: f32,
        generator: &mut Generator,
    ) -> candle_core::Result<Tensor> {
        let [hidden_weights, hidden_bias, weights, bias] = &self.variables;
        let hidden = ops::relu(&features.matmul(&hidden_weights.t()?)?.broadcast_add(hidden_bias)?)?;
        let hidden = ops::dropout(&hidden, rate, generator)?;
        hidden.matmul(&weights.t()?)?.broadcast_add(bias)
    }

    /// The numbers as they are now.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    pub fn weights(&self) -> Result<HeadWeights> {
        let mut tensors: [Vec<f32>; 4] = Default::default();
        for (values, variable) in tensors.iter_mut().zip(&self.variables) {
            *values = NamedTensor::from_tensor(variable)?.values;
        }
        Ok(HeadWeights { inputs: self.inputs, hidden: self.hidden, labels: self.labels, tensors })
    }

    /// Sets the numbers.
    ///
    /// # Errors
    /// `Model` when the sizes differ.
    pub fn set_weights(&self, weights: &HeadWeights) -> Result<()> {
        if (weights.inputs, weights.hidden, weights.labels) != (self.inputs, self.hidden, self.labels) {
            return Err(Error::model(format!(
                "a head of {} → {} → {} does not fit one of {} → {} → {}",
                weights.inputs, weights.hidden, weights.labels, self.inputs, self.hidden, self.labels
            )));
        }
        for ((shape, values), variable) in weights.shapes().into_iter().zip(&weights.tensors).zip(&self.variables) {
            let tensor = Tensor::from_slice(values, shape, &Device::Cpu).map_err(tensor_error)?;
            variable.set(&tensor).map_err(tensor_error)?;
        }
        Ok(())
    }
}
