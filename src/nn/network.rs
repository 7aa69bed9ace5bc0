//! VGG16 and a head as one network that is trained: pictures in, logits out, both parts moved by Adam.
//!
//! A step of the optimiser is made of one or more calls of [`TrainedNetwork::add_batch`], whose gradients add up, and one
//! of [`TrainedNetwork::step`]. Because the losses are weighed by their share of the batch and dropout draws row by row,
//! a batch in parts gives the same update as a whole one, but for the rounding of sums.

use std::sync::{Arc, Mutex};

use candle_core::{Tensor, Var};
use image::RgbImage;

use crate::error::Result;
use crate::nn::adam::{Adam, AdamSettings};
use crate::nn::backbone::batch_from_rgb;
use crate::nn::head::{Head, HeadWeights};
use crate::nn::ops::{Dropout, bce_with_logits};
use crate::nn::state::State;
use crate::nn::tensor_error;
use crate::nn::vgg16::{Pooling, Vgg16};

/// A VGG16 whose last blocks are trained, and its head.
#[derive(Debug)]
pub struct TrainedNetwork {
    backbone: Vgg16,
    head: Head,
    pooling: Pooling,
    backbone_adam: Adam,
    head_adam: Adam,
    /// Sums of the gradients since the last step.
    gradients: Vec<(Var, Option<Tensor>)>,
    /// The head's numbers for predictions, until they change.
    head_weights: Mutex<Option<Arc<HeadWeights>>>,
}

impl TrainedNetwork {
    /// Puts a backbone and a head together; the last `blocks` (1 to 5) blocks of the backbone will be trained.
    ///
    /// # Errors
    /// `Device` when memory is short.
    pub fn new(mut backbone: Vgg16, blocks: usize, pooling: Pooling, head: &HeadWeights) -> Result<Self> {
        backbone.train_blocks(blocks)?;
        let head = Head::new(head, backbone.device())?;
        let (backbone_variables, head_variables) = (backbone.named_variables(), head.named_variables());
        let gradients =
            backbone_variables.iter().chain(&head_variables).map(|(_, variable)| (variable.clone(), None)).collect();
        Ok(Self {
            backbone_adam: Adam::new(&backbone_variables, AdamSettings::default())?,
            head_adam: Adam::new(&head_variables, AdamSettings::default())?,
            backbone,
            head,
            pooling,
            gradients,
            head_weights: Mutex::default(),
        })
    }

    /// Adds `share` times the gradient of the mean loss of some pictures, and gives that loss.
    ///
    /// `targets` are n × L zeros and ones; `share` is n over the number of pictures of the whole step.
    ///
    /// # Errors
    /// `Internal` when the pictures differ in size; `Device` when memory is short.
    pub fn add_batch(
        &mut self,
        images: &[RgbImage],
        targets: Vec<f32>,
        positive_weights: Option<&[f32]>,
        dropout: &mut Dropout,
        share: f64,
    ) -> Result<f64> {
        let batch = batch_from_rgb(images)?;
        let features = self.backbone.forward(&batch, self.pooling)?;
        let add = || {
            let logits = self.head.forward_training(&features, dropout)?;
            let targets = Tensor::from_vec(targets, logits.shape(), logits.device())?;
            let loss = bce_with_logits(&logits, &targets, positive_weights)?;
            let mut found = (&loss * share)?.backward()?;
            for (variable, sum) in &mut self.gradients {
                let Some(gradient) = found.remove(variable) else { continue };
                *sum = Some(match sum.take() {
                    Some(sum) => (sum + gradient)?,
                    None => gradient,
                });
            }
            loss.to_scalar::<f32>()
        };
        add().map(f64::from).map_err(tensor_error)
    }

    /// Forgets the gradients added since the last step.
    pub fn forget_gradients(&mut self) {
        self.gradients.iter_mut().for_each(|(_, sum)| *sum = None);
    }

    /// Moves both parts by the gradients added since the last step.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    pub fn step(&mut self, backbone_learning_rate: f64, head_learning_rate: f64) -> Result<()> {
        self.backbone_adam.set_learning_rate(backbone_learning_rate);
        self.head_adam.set_learning_rate(head_learning_rate);
        let gradients = std::mem::take(&mut self.gradients);
        let of = |variable: &Var| {
            let found = gradients.iter().find(|(known, _)| known.id() == variable.id());
            found.and_then(|(_, sum)| sum.clone())
        };
        let moved = self.backbone_adam.step_by(of).and_then(|()| self.head_adam.step_by(of));
        self.gradients = gradients;
        self.forget_gradients();
        self.changed();
        moved
    }

    fn changed(&mut self) {
        self.backbone.variables_changed();
        self.head_weights = Mutex::default();
    }

    /// Features (n × D) of pictures of one size, as the network stands.
    ///
    /// # Errors
    /// `Internal` when the pictures differ in size; `Device` when memory is short.
    pub fn features(&self, images: &[RgbImage]) -> Result<Vec<f32>> {
        self.backbone.features(images, self.pooling)
    }

    /// Logits (n × L) of pictures of one size, without dropout. A picture's logits do not depend on the others.
    ///
    /// # Errors
    /// `Internal` when the pictures differ in size; `Device` when memory is short.
    pub fn logits(&self, images: &[RgbImage]) -> Result<Vec<f32>> {
        let known = self.head_weights.lock().ok().and_then(|weights| weights.clone());
        let head = match known {
            Some(head) => head,
            None => {
                let head = Arc::new(self.head.weights()?);
                if let Ok(mut weights) = self.head_weights.lock() {
                    *weights = Some(head.clone());
                }
                head
            }
        };
        head.logits(&self.features(images)?)
    }

    /// The numbers of the trained blocks and of the head, by name.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    pub fn network_state(&self) -> Result<State> {
        let mut state = self.backbone.state()?;
        state.extend(self.head.weights()?.state());
        Ok(state)
    }

    /// [`network_state`](Self::network_state) and the optimiser's.
    ///
    /// # Errors
    /// `Device` when the device refuses.
    pub fn save_state(&self) -> Result<State> {
        let mut state = self.network_state()?;
        state.extend(self.backbone_adam.state()?);
        state.extend(self.head_adam.state()?);
        Ok(state)
    }

    /// Goes on from [`save_state`](Self::save_state): the next steps are the same bits as without the break.
    ///
    /// # Errors
    /// `Model` when a tensor is missing or has another shape.
    pub fn load_state(&mut self, state: &State) -> Result<()> {
        self.head.set_weights(&HeadWeights::from_state(state)?)?;
        self.backbone.set_state(state)?;
        self.backbone_adam.load_state(state)?;
        self.head_adam.load_state(state)?;
        self.forget_gradients();
        self.changed();
        Ok(())
    }
}
