//! Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1), computed as PyTorch does, with a state that can be saved.

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};

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
    first_moment: Tensor,
    second_moment: Tensor,
}

/// The optimiser of a set of named parameters.
#[derive(Debug)]
pub struct Adam {
    settings: AdamSettings,
    parameters: Vec<Parameter>,
    step: u32,
}

impl Adam {
    /// An optimiser that has made no step yet.
    ///
    /// # Errors
    /// `Device` when the device has no room for the running means.
    pub fn new(parameters: &[(String, Var)], settings: AdamSettings) -> Result<Self> {
        let parameters = parameters
            .iter()
            .map(|(name, variable)| {
                let zeros = variable.zeros_like()?;
                Ok(Parameter {
                    name: name.clone(),
                    variable: variable.clone(),
                    first_moment: zeros.clone(),
                    second_moment: zeros,
                })
            })
            .collect::<candle_core::Result<_>>()
            .map_err(tensor_error)?;
        Ok(Self { settings, parameters, step: 0 })
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
        let step_size = learning_rate / (1.0 - beta1.powf(exponent));
        let root_correction = (1.0 - beta2.powf(exponent)).sqrt();
        for parameter in &mut self.parameters {
            let Some(gradient) = gradients.get(&parameter.variable) else { continue };
            let update = || -> candle_core::Result<(Tensor, Tensor, Tensor)> {
                let gradient = gradient.detach();
                let first = ((&parameter.first_moment * beta1)? + (&gradient * (1.0 - beta1))?)?;
                let second = ((&parameter.second_moment * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
                let divisor = ((second.sqrt()? / root_correction)? + epsilon)?;
                let value = (parameter.variable.as_detached_tensor() - ((&first / divisor)? * step_size)?)?;
                Ok((first, second, value))
            };
            let (first, second, value) = update().map_err(tensor_error)?;
            parameter.variable.set(&value).map_err(tensor_error)?;
            parameter.first_moment = first;
            parameter.second_moment = second;
        }
        Ok(())
    }

    /// The running means and the number of steps (exact up to 16,777,216) by name, for [`load_state`](Self::load_state).
    ///
    /// # Errors
    /// `Device` when the device refuses.
    pub fn state(&self) -> Result<State> {
        let mut state = State::new();
        state.insert("adam.step".to_owned(), NamedTensor { shape: vec![1], values: vec![self.step as f32] });
        for parameter in &self.parameters {
            let name = &parameter.name;
            state.insert(format!("adam.first_moment.{name}"), NamedTensor::from_tensor(&parameter.first_moment)?);
            state.insert(format!("adam.second_moment.{name}"), NamedTensor::from_tensor(&parameter.second_moment)?);
        }
        Ok(state)
    }

    /// Goes on from a state of [`state`](Self::state): the next steps are the same bits as without the break.
    ///
    /// # Errors
    /// `Model` when a tensor is missing or has another shape; nothing is changed then.
    pub fn load_state(&mut self, state: &State) -> Result<()> {
        let step = take(state, "adam.step", &[1])?.values[0] as u32;
        let mut moments = Vec::with_capacity(self.parameters.len());
        for Parameter { name, variable, .. } in &self.parameters {
            let moment =
                |kind: &str| take(state, &format!("adam.{kind}.{name}"), variable.dims())?.to_tensor(variable.device());
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
