//! A network that learns, as the training loop sees it: rows of the training part in, losses and logits out.

use crate::error::Result;
use crate::nn::state::State;

/// One of the two parts that training looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LearnerPart {
    /// What it learns from.
    Train,
    /// The images it is judged by.
    Validation,
}

/// Step sizes of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRates {
    /// Of the trained blocks of convolutions.
    pub backbone: f64,
    /// Of the head.
    pub head: f64,
}

/// Called with the number of rows done so far; an error stops the work.
pub type Tick<'a> = &'a mut dyn FnMut(usize) -> Result<()>;

/// A network that can be trained. Rows are positions in a part; in the training part the images as they are come first,
/// then copies and synthetic samples.
///
/// For each epoch the loop calls [`begin_epoch`](Self::begin_epoch) once, [`train_batch`](Self::train_batch) for each
/// step, and [`predict`](Self::predict) for the images of both parts.
pub trait Learner {
    /// Tells which rows the steps of an epoch will ask for, in order, so that pictures can be loaded ahead.
    ///
    /// # Errors
    /// `Device` when the system refuses.
    fn begin_epoch(&mut self, _order: &[usize]) -> Result<()> {
        Ok(())
    }

    /// Makes one step on rows of the training part and gives the mean loss before it. `epoch` and `step` count from 1
    /// and name the random streams.
    ///
    /// # Errors
    /// `Device` when the device refuses; `User` or `Data` when a picture cannot be read.
    fn train_batch(&mut self, rows: &[usize], epoch: usize, step: usize, rates: LearningRates) -> Result<f64>;

    /// Something that happened in the last step and that people should know, once.
    fn remark(&mut self) -> Option<String> {
        None
    }

    /// Logits of rows of a part, rows × L, row-major, without dropout.
    ///
    /// # Errors
    /// As [`train_batch`](Self::train_batch), and those of `tick`.
    fn predict(&mut self, part: LearnerPart, rows: &[usize], tick: Tick<'_>) -> Result<Vec<f32>>;

    /// The numbers that make predictions.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    fn network_state(&self) -> Result<State>;

    /// The numbers that make predictions and those that training goes on from.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    fn save_state(&self) -> Result<State>;

    /// Goes on from [`save_state`](Self::save_state).
    ///
    /// # Errors
    /// `Model` when the state does not fit.
    fn load_state(&mut self, state: &State) -> Result<()>;
}
