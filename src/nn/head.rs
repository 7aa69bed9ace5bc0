//! The head that is trained on pseudo-labels: features → hidden layers, each with ReLU and dropout → one logit for each
//! label.
//!
//! While it is trained its numbers are candle variables; to use it they are taken out as [`HeadWeights`], plain slices
//! whose results are the same bits for an image whatever other images are in the batch.

use candle_core::{Device, Tensor, Var};
use rand::Rng;

use crate::error::{Error, Result};
use crate::nn::ops::{self, Dropout};
use crate::nn::state::{NamedTensor, State, take};
use crate::nn::tensor_error;
use crate::random::Generator;

/// Most linear layers that a head has.
const MOST_LAYERS: usize = 3;

/// Names of a layer's weights and bias, after `torch.nn.Sequential(Linear, ReLU, Dropout, Linear, …)` called
/// `classifier`, as in torchvision's VGG16.
fn names(layer: usize) -> [String; 2] {
    ["weight", "bias"].map(|kind| format!("classifier.{}.{kind}", 3 * layer))
}

/// One linear layer.
#[derive(Clone, Debug, PartialEq)]
struct LinearWeights {
    inputs: usize,
    outputs: usize,
    /// outputs × inputs.
    weights: Vec<f32>,
    /// outputs.
    bias: Vec<f32>,
}

/// The head as numbers: what is stored, and what computes logits.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadWeights {
    layers: Vec<LinearWeights>,
}

impl HeadWeights {
    /// Draws the numbers as PyTorch's `Linear` does: uniform in ±1/√inputs of each layer. `hidden` has the size of each
    /// hidden layer, one or two.
    pub fn initial(inputs: usize, hidden: &[usize], labels: usize, generator: &mut Generator) -> Self {
        let mut draw = |count: usize, fan_in: usize| -> Vec<f32> {
            let bound = 1.0 / (fan_in as f32).sqrt();
            (0..count).map(|_| generator.gen_range(-bound..=bound)).collect()
        };
        let (mut layers, mut inputs) = (Vec::new(), inputs);
        for outputs in hidden.iter().copied().chain([labels]) {
            let (weights, bias) = (draw(outputs * inputs, inputs), draw(outputs, inputs));
            layers.push(LinearWeights { inputs, outputs, weights, bias });
            inputs = outputs;
        }
        Self { layers }
    }

    /// Number of features that go in.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.inputs)
    }

    /// L, the number of labels.
    pub fn labels(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// The tensors by name.
    pub fn state(&self) -> State {
        let mut state = State::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let [weights, bias] = names(index);
            state.insert(
                weights,
                NamedTensor { shape: vec![layer.outputs, layer.inputs], values: layer.weights.clone() },
            );
            state.insert(bias, NamedTensor { shape: vec![layer.outputs], values: layer.bias.clone() });
        }
        state
    }

    /// Takes the tensors from a state; the sizes are those of the tensors. Other tensors are ignored.
    ///
    /// # Errors
    /// `Model` when a tensor is missing or the shapes do not fit each other.
    pub fn from_state(state: &State) -> Result<Self> {
        let count = (0..MOST_LAYERS).take_while(|&layer| state.contains_key(&names(layer)[0])).count();
        let mut layers: Vec<LinearWeights> = Vec::new();
        for index in 0..count.max(2) {
            let [weights_name, bias_name] = names(index);
            let (outputs, inputs) = match state.get(&weights_name).map(|tensor| tensor.shape.as_slice()) {
                Some(&[rows, columns]) if rows > 0 && columns > 0 => (rows, columns),
                Some(shape) => {
                    return Err(Error::model(format!(
                        "the tensor {weights_name} has the shape {shape:?}, expected two sizes"
                    )));
                }
                None => return Err(Error::model(format!("the tensor {weights_name} is missing"))),
            };
            let inputs = layers.last().map_or(inputs, |layer| layer.outputs);
            layers.push(LinearWeights {
                inputs,
                outputs,
                weights: take(state, &weights_name, &[outputs, inputs])?.values.clone(),
                bias: take(state, &bias_name, &[outputs])?.values.clone(),
            });
        }
        Ok(Self { layers })
    }

    /// Logits n × labels of features n × inputs, both row-major. A row's logits do not depend on the other rows.
    ///
    /// # Errors
    /// `Internal` when the features have another width.
    pub fn logits(&self, features: &[f32]) -> Result<Vec<f32>> {
        let inputs = self.inputs();
        if inputs == 0 || !features.len().is_multiple_of(inputs) {
            return Err(Error::internal(format!(
                "{} values do not divide into rows of {inputs} features",
                features.len()
            )));
        }
        let mut values: Vec<f32> = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            for value in &mut values {
                // Written so that NaN passes through.
                *value = if *value < 0.0 { 0.0 } else { *value };
            }
            let input = if index == 0 { features } else { &values };
            values = ops::linear_values(input, layer.inputs, &layer.weights, &layer.bias);
        }
        Ok(values)
    }

    fn sizes(&self) -> Vec<usize> {
        self.layers.iter().map(|layer| layer.inputs).chain([self.labels()]).collect()
    }
}

/// The head while it is trained.
#[derive(Debug)]
pub struct Head {
    /// Weights and bias of each layer.
    layers: Vec<[Var; 2]>,
}

impl Head {
    /// Puts weights into variables on `device`.
    ///
    /// # Errors
    /// `Device` when memory is short.
    pub fn new(weights: &HeadWeights, device: &Device) -> Result<Self> {
        let variable = |values: &[f32], shape: Vec<usize>| Var::from_slice(values, shape, device).map_err(tensor_error);
        let layer = |layer: &LinearWeights| -> Result<[Var; 2]> {
            Ok([
                variable(&layer.weights, vec![layer.outputs, layer.inputs])?,
                variable(&layer.bias, vec![layer.outputs])?,
            ])
        };
        Ok(Self { layers: weights.layers.iter().map(layer).collect::<Result<_>>()? })
    }

    /// The variables by name, for the optimiser.
    pub fn named_variables(&self) -> Vec<(String, Var)> {
        let named = |(index, variables): (usize, &[Var; 2])| names(index).into_iter().zip(variables.clone());
        self.layers.iter().enumerate().flat_map(named).collect()
    }

    /// Logits n × labels for training, with dropout of each hidden layer.
    ///
    /// # Errors
    /// candle's, where the shapes do not fit.
    pub fn forward_training(&self, features: &Tensor, dropout: &mut Dropout) -> candle_core::Result<Tensor> {
        let mut values = features.clone();
        for (index, [weights, bias]) in self.layers.iter().enumerate() {
            if index > 0 {
                values = dropout.relu(&values, index - 1)?;
            }
            values = ops::linear(&values, weights, bias)?;
        }
        Ok(values)
    }

    /// The numbers as they are now.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    pub fn weights(&self) -> Result<HeadWeights> {
        let mut layers = Vec::with_capacity(self.layers.len());
        for [weights, bias] in &self.layers {
            let (outputs, inputs) = weights.dims2().map_err(tensor_error)?;
            layers.push(LinearWeights {
                inputs,
                outputs,
                weights: NamedTensor::from_tensor(weights)?.values,
                bias: NamedTensor::from_tensor(bias)?.values,
            });
        }
        Ok(HeadWeights { layers })
    }

    /// Sets the numbers.
    ///
    /// # Errors
    /// `Model` when the sizes differ.
    pub fn set_weights(&self, weights: &HeadWeights) -> Result<()> {
        let (theirs, ours) = (weights.sizes(), self.weights()?.sizes());
        if theirs != ours {
            return Err(Error::model(format!("a head of the sizes {theirs:?} does not fit one of {ours:?}")));
        }
        for (layer, [weights, bias]) in weights.layers.iter().zip(&self.layers) {
            let set = |variable: &Var, values: &[f32]| {
                Tensor::from_slice(values, variable.shape(), variable.device()).and_then(|tensor| variable.set(&tensor))
            };
            set(weights, &layer.weights).and_then(|()| set(bias, &layer.bias)).map_err(tensor_error)?;
        }
        Ok(())
    }
}
