//! Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1), computed as PyTorch does, with a state that can be saved.
//!
//! On the processor one pass over the numbers does a whole step in place; on a GPU the running means live there and the
//! step is made of candle's operations.

use std::sync::Mutex;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, Layout, Tensor, Var, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::error::Result;
use crate::instructions::arch;
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

/// Means of the gradients and of their squares.
#[derive(Debug)]
enum Moments {
    /// On the processor.
    Values(Mutex<[Vec<f32>; 2]>),
    /// On a GPU.
    Tensors([Tensor; 2]),
}

impl Moments {
    fn new(variable: &Var, values: [Vec<f32>; 2]) -> candle_core::Result<Self> {
        if variable.device().is_cpu() {
            return Ok(Self::Values(Mutex::new(values)));
        }
        let [first, second] = values;
        let tensor = |values: Vec<f32>| Tensor::from_vec(values, variable.shape(), variable.device());
        Ok(Self::Tensors([tensor(first)?, tensor(second)?]))
    }

    fn values(&self) -> Result<[Vec<f32>; 2]> {
        match self {
            Self::Values(values) => Ok(values.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()),
            Self::Tensors([first, second]) => {
                Ok([NamedTensor::from_tensor(first)?.values, NamedTensor::from_tensor(second)?.values])
            }
        }
    }
}

/// One parameter with its running means.
#[derive(Debug)]
struct Parameter {
    name: String,
    variable: Var,
    moments: Moments,
}

/// The moments' names in a saved state.
const KINDS: [&str; 2] = ["first_moment", "second_moment"];
/// Numbers that one thread updates at once.
const CHUNK: usize = 16 * 1024;

/// The optimiser of a set of named parameters.
#[derive(Debug)]
pub struct Adam {
    settings: AdamSettings,
    parameters: Vec<Parameter>,
    step: u32,
}

/// The numbers of one step that are the same for all parameters.
#[derive(Clone, Copy)]
struct Step {
    size: f32,
    root_correction: f32,
    decay1: f32,
    rest1: f32,
    decay2: f32,
    rest2: f32,
    epsilon: f32,
}

impl Step {
    fn on_processor(self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let chunks = values.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK));
        let moments = first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK));
        chunks.zip(moments).for_each(|((values, gradient), (first, second))| {
            arch().dispatch(StepChunk { step: self, values, gradient, first, second });
        });
    }

    fn on_gpu(self, variable: &Var, gradient: &Tensor, moments: &mut [Tensor; 2]) -> candle_core::Result<()> {
        let times = |tensor: &Tensor, factor: f32| tensor.affine(f64::from(factor), 0.0);
        let [first, second] = moments;
        *first = (times(first, self.decay1)? + times(gradient, self.rest1)?)?;
        *second = (times(second, self.decay2)? + times(&gradient.sqr()?, self.rest2)?)?;
        let root = second.sqrt()?.affine(1.0 / f64::from(self.root_correction), f64::from(self.epsilon))?;
        variable.set(&(variable.as_tensor().detach() - times(&(&*first / root)?, self.size)?)?)
    }
}

/// A step of some numbers, compiled for each instruction set. There is no fused multiply-add in it, so its results are
/// the same bits with each of them.
struct StepChunk<'a> {
    step: Step,
    values: &'a mut [f32],
    gradient: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl WithSimd for StepChunk<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Step { size, root_correction, decay1, rest1, decay2, rest2, epsilon } = self.step;
        let moments = self.first.iter_mut().zip(self.second);
        for ((value, &g), (m, v)) in self.values.iter_mut().zip(self.gradient).zip(moments) {
            *m = *m * decay1 + g * rest1;
            *v = *v * decay2 + g * g * rest2;
            *value -= size * (*m / (v.sqrt() / root_correction + epsilon));
        }
    }
}

/// A step as candle's in-place operation on a variable and its gradient.
struct InPlace<'a> {
    step: Step,
    moments: &'a Mutex<[Vec<f32>; 2]>,
}

impl InplaceOp2 for InPlace<'_> {
    fn name(&self) -> &'static str {
        "adam-step"
    }

    fn cpu_fwd(
        &self,
        values: &mut CpuStorage,
        values_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        let (CpuStorage::F32(values), CpuStorage::F32(gradient)) = (values, gradient) else {
            bail!("Adam works in single precision")
        };
        let (Some((from, to)), Some((gradient_from, gradient_to))) =
            (values_layout.contiguous_offsets(), gradient_layout.contiguous_offsets())
        else {
            bail!("Adam needs contiguous values")
        };
        let Ok(mut moments) = self.moments.lock() else { bail!("another thread failed") };
        let [first, second] = &mut *moments;
        self.step.on_processor(&mut values[from..to], &gradient[gradient_from..gradient_to], first, second);
        Ok(())
    }
}

impl Adam {
    /// An optimiser that has made no step yet.
    ///
    /// # Errors
    /// `Device` when memory is short.
    pub fn new(parameters: &[(String, Var)], settings: AdamSettings) -> Result<Self> {
        let parameter = |(name, variable): &(String, Var)| {
            let zeros = || vec![0.0; variable.elem_count()];
            let moments = Moments::new(variable, [zeros(), zeros()]).map_err(tensor_error)?;
            Ok(Parameter { name: name.clone(), variable: variable.clone(), moments })
        };
        Ok(Self { settings, parameters: parameters.iter().map(parameter).collect::<Result<_>>()?, step: 0 })
    }

    /// Steps made so far.
    pub fn steps(&self) -> u32 {
        self.step
    }

    /// Sets the step size of the steps to come.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.settings.learning_rate = learning_rate;
    }

    /// Moves every parameter that has a gradient.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    pub fn step(&mut self, gradients: &GradStore) -> Result<()> {
        self.step_by(|variable| gradients.get(variable).cloned())
    }

    /// Moves every parameter for which `gradient_of` has a gradient.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    pub fn step_by(&mut self, gradient_of: impl Fn(&Var) -> Option<Tensor>) -> Result<()> {
        self.step += 1;
        let AdamSettings { learning_rate, beta1, beta2, epsilon } = self.settings;
        let exponent = f64::from(self.step);
        let step = Step {
            size: (learning_rate / (1.0 - beta1.powf(exponent))) as f32,
            root_correction: (1.0 - beta2.powf(exponent)).sqrt() as f32,
            decay1: beta1 as f32,
            rest1: (1.0 - beta1) as f32,
            decay2: beta2 as f32,
            rest2: (1.0 - beta2) as f32,
            epsilon: epsilon as f32,
        };
        for Parameter { variable, moments, .. } in &mut self.parameters {
            let Some(gradient) = gradient_of(variable) else { continue };
            match moments {
                Moments::Values(moments) => gradient
                    .contiguous()
                    .and_then(|gradient| variable.inplace_op2(&gradient, &InPlace { step, moments })),
                Moments::Tensors(moments) => step.on_gpu(variable, &gradient, moments),
            }
            .map_err(tensor_error)?;
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
        for Parameter { name, variable, moments } in &self.parameters {
            for (kind, values) in KINDS.into_iter().zip(moments.values()?) {
                let tensor = NamedTensor { shape: variable.dims().to_vec(), values };
                state.insert(format!("adam.{kind}.{name}"), tensor);
            }
        }
        Ok(state)
    }

    /// Goes on from a state of [`state`](Self::state): the next steps are the same bits as without the break.
    ///
    /// # Errors
    /// `Model` when a tensor is missing or has another shape; nothing is changed then.
    pub fn load_state(&mut self, state: &State) -> Result<()> {
        let step = take(state, "adam.step", &[1])?.values[0] as u32;
        let mut loaded = Vec::with_capacity(self.parameters.len());
        for Parameter { name, variable, .. } in &self.parameters {
            let moment = |kind: &str| -> Result<Vec<f32>> {
                Ok(take(state, &format!("adam.{kind}.{name}"), variable.dims())?.values.clone())
            };
            let [first, second] = KINDS;
            loaded.push(Moments::new(variable, [moment(first)?, moment(second)?]).map_err(tensor_error)?);
        }
        self.step = step;
        for (parameter, moments) in self.parameters.iter_mut().zip(loaded) {
            parameter.moments = moments;
        }
        Ok(())
    }
}
