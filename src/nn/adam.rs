//! Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1), computed as PyTorch does, with a state that can be saved.
//!
//! The running means live on the processor, where one pass over the numbers does a whole step; variables on a GPU are
//! fetched and put back.

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};
use rayon::prelude::*;

use crate::error::Result;
use crate::nn::state::{NamedTensor, State, take};
use crate::nn::tensor_error;

/// Settings of [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSettings {
    /// Step size α.
    pub learning_rate: f64,
    /// Decay β₁ of the mean of gradients.
    pub beta1: f64,
    /// Decay β₂ of the mean of squared gradients.
    pub beta2: f64,
    /// ε, added to the root of the mean of squares.
    pub epsilon: f64,
}

impl Default for AdamSettings {
    fn default() -> Self {
        Self { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// One parameter with its running means.
#[derive(Debug)]
struct Parameter {
    name: String,
    variable: Var,
    first_moment: Vec<f32>,
    second_moment: Vec<f32>,
}

/// Numbers that one thread updates at once.
const CHUNK: usize = 16 * 1024;

/// The optimiser of a set of named parameters.
#[derive(Debug)]
pub struct Adam {
    settings: AdamSettings,
    parameters: Vec<Parameter>,
    step: u32,
}

impl Adam {
    /// An optimiser that has made no step yet.
    pub fn new(parameters: &[(String, Var)], settings: AdamSettings) -> Self {
        let parameters = parameters
            .iter()
            .map(|(name, variable)| Parameter {
                name: name.clone(),
                variable: variable.clone(),
                first_moment: vec![0.0; variable.elem_count()],
                second_moment: vec![0.0; variable.elem_count()],
            })
            .collect();
        Self { settings, parameters, step: 0 }
    }

    /// Steps made so far.
    pub fn steps(&self) -> u32 {
        self.step
    }

    /// Moves every parameter that has a gradient.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    pub fn step(&mut self, gradients: &GradStore) -> Result<()> {
        self.step += 1;
        let AdamSettings { learning_rate, beta1, beta2, epsilon } = self.settings;
        let exponent = f64::from(self.step);
        let step_size = (learning_rate / (1.0 - beta1.powf(exponent))) as f32;
        let root_correction = (1.0 - beta2.powf(exponent)).sqrt() as f32;
        let (decay1, rest1) = (beta1 as f32, (1.0 - beta1) as f32);
        let (decay2, rest2) = (beta2 as f32, (1.0 - beta2) as f32);
        let epsilon = epsilon as f32;
        for Parameter { variable, first_moment, second_moment, .. } in &mut self.parameters {
            let Some(gradient) = gradients.get(variable) else { continue };
            let fetch = |tensor: &Tensor| tensor.flatten_all().and_then(|tensor| tensor.to_vec1::<f32>());
            let gradient = fetch(gradient).map_err(tensor_error)?;
            let mut values = fetch(variable).map_err(tensor_error)?;
            let chunks = values.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK));
            let moments = first_moment.par_chunks_mut(CHUNK).zip(second_moment.par_chunks_mut(CHUNK));
            chunks.zip(moments).for_each(|((values, gradient), (first, second))| {
                for (((value, &g), m), v) in values.iter_mut().zip(gradient).zip(first).zip(second) {
                    *m = *m * decay1 + g * rest1;
                    *v = *v * decay2 + g * g * rest2;
                    *value -= step_size * (*m / (v.sqrt() / root_correction + epsilon));
                }
            });
            let updated = Tensor::from_vec(values, variable.shape(), variable.device());
            updated.and_then(|updated| variable.set(&updated)).map_err(tensor_error)?;
        }
        Ok(())
    }

    /// The running means and the number of steps (exact up to 16,777,216) by name, for [`load_state`](Self::load_state).
    pub fn state(&self) -> State {
        let mut state = State::new();
        state.insert("adam.step".to_owned(), NamedTensor { shape: vec![1], values: vec![self.step as f32] });
        for Parameter { name, variable, first_moment, second_moment } in &self.parameters {
            for (kind, values) in [("first_moment", first_moment), ("second_moment", second_moment)] {
                let tensor = NamedTensor { shape: variable.dims().to_vec(), values: values.clone() };
                state.insert(format!("adam.{kind}.{name}"), tensor);
            }
        }
        state
    }

    /// Goes on from a state of [`state`](Self::state): the next steps are the same bits as without the break.
    ///
    /// # Errors
    /// `Model` when a tensor is missing or has another shape; nothing is changed then.
    pub fn load_state(&mut self, state: &State) -> Result<()> {
        let step = take(state, "adam.step", &[1])?.values[0] as u32;
        let mut moments = Vec::with_capacity(self.parameters.len());
        for Parameter { name, variable, .. } in &self.parameters {
            let moment = |kind: &str| -> Result<Vec<f32>> {
                Ok(take(state, &format!("adam.{kind}.{name}"), variable.dims())?.values.clone())
            };
            moments.push((moment("first_moment")?, moment("second_moment")?));
        }
        self.step = step;
        for (parameter, (first, second)) in self.parameters.iter_mut().zip(moments) {
            parameter.first_moment = first;
            parameter.second_moment = second;
        }
        Ok(())
    }
}
