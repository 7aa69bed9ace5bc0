//! Trains a head together with blocks of convolutions, on pictures that are loaded ahead.
//!
//! A batch that does not fit into memory goes through in micro-batches whose gradients add up. Their size is found from
//! the memory there is ([`micro_batch_size`]); where a GPU still runs out of it, it is halved and the step done again.

use image::RgbImage;

use super::configuration::TrainingConfiguration;
use super::learner::{Learner, LearnerPart, LearningRates, Tick};
use crate::dataset::{Loader, Sample};
use crate::error::{Error, Result};
use crate::nn::device::SelectedDevice;
use crate::nn::network::TrainedNetwork;
use crate::nn::ops::Dropout;
use crate::nn::state::State;
use crate::nn::vgg16::{BLOCK_COUNT, Pooling, convolution_shapes};
use crate::progress::Cancel;

/// Most pictures that go through the network at once on the processor: more are not quicker.
const MOST_ON_PROCESSOR: usize = 8;
/// Most pictures that go through at once on a GPU.
const MOST_ON_GPU: usize = 32;
/// Pictures that go through at once for predictions.
const PREDICTED_AT_ONCE: usize = 8;
/// Bytes of a value.
const VALUE: u64 = 4;

/// What a network that is trained deeper than its head needs, in bytes, by estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryNeed {
    /// However many pictures go through at once: weights, gradients, the optimiser, prepared weights.
    pub fixed_bytes: u64,
    /// For each picture that goes through at once.
    pub image_bytes: u64,
}

impl MemoryNeed {
    /// The need of this configuration.
    pub fn of(configuration: &TrainingConfiguration) -> Self {
        let first = BLOCK_COUNT - configuration.blocks_trained().min(BLOCK_COUNT);
        let (mut kept, mut largest, mut weights, mut trained, mut prepared) = (0u64, 0u64, 0u64, 0u64, 0u64);
        for shape in convolution_shapes(configuration.image_size_px as usize) {
            let (inputs, outputs) = (shape.channels.0 as u64, shape.channels.1 as u64);
            let pixels = (shape.side * shape.side) as u64;
            largest = largest.max(outputs * pixels);
            weights += 9 * inputs * outputs;
            // In Winograd's domain a kernel has 36 values; trained layers have them both ways.
            prepared += 36 * inputs * outputs * if shape.block >= first { 2 } else { 1 };
            if shape.block >= first {
                kept += outputs * if shape.pool { pixels / 4 } else { pixels };
                trained += 9 * inputs * outputs;
            }
        }
        let pooling = configuration.head.pooling();
        let head = match pooling {
            Pooling::Grid => (pooling.features() * 4096 + 4096 * 4096) as u64,
            _ => (pooling.features() * configuration.hidden) as u64,
        };
        // The gradient, its sum, two moments; and a state on its way to the disk.
        let fixed = weights + prepared + 7 * (trained + head);
        Self { fixed_bytes: VALUE * fixed, image_bytes: VALUE * (kept + 5 * largest) }
    }
}

/// Bytes of memory that are free for use here, as the system says.
pub fn available_memory_bytes() -> u64 {
    const UNKNOWN: u64 = 4 << 30;
    let Ok(mut system) = sysinfo::System::new() else { return UNKNOWN };
    system.refresh_memory();
    // Containers may be allowed less than the machine has.
    let limited = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    match system.available_memory().min(limited) {
        0 => UNKNOWN,
        bytes => bytes,
    }
}

/// Pictures that go through the network at once: the setting, else as many as half of the free memory holds.
pub fn micro_batch_size(configuration: &TrainingConfiguration, device: &SelectedDevice) -> usize {
    if configuration.micro_batch_size > 0 {
        return configuration.micro_batch_size.min(configuration.batch_size);
    }
    if !device.is_cpu() {
        // A GPU says so when its memory runs out, and then fewer are tried.
        return configuration.batch_size.min(MOST_ON_GPU);
    }
    let need = MemoryNeed::of(configuration);
    let room = (available_memory_bytes() / 2).saturating_sub(need.fixed_bytes);
    ((room / need.image_bytes.max(1)) as usize).clamp(1, MOST_ON_PROCESSOR.min(configuration.batch_size))
}

/// What a [`NetworkLearner`] learns from. Samples name images of the loader's list.
#[derive(Clone, Debug)]
pub struct Samples {
    /// Rows of the training part: images as they are, then copies and mixtures.
    pub train: Vec<Sample>,
    /// Rows × L zeros and ones.
    pub train_targets: Vec<f32>,
    /// Rows of the validation part.
    pub validation: Vec<Sample>,
}

/// Trains a head and the last blocks of convolutions.
#[derive(Debug)]
pub struct NetworkLearner {
    network: TrainedNetwork,
    loader: Loader,
    samples: Samples,
    labels: usize,
    positive_weights: Option<Vec<f32>>,
    dropout: f32,
    seed: u64,
    micro_batch: usize,
    may_halve: bool,
    remark: Option<String>,
    cancel: Cancel,
}

impl NetworkLearner {
    /// Puts a network and its samples together. `positive_weights` has one for each label.
    pub fn new(
        configuration: &TrainingConfiguration,
        network: TrainedNetwork,
        loader: Loader,
        samples: Samples,
        labels: usize,
        positive_weights: Option<Vec<f32>>,
        device: &SelectedDevice,
    ) -> Self {
        Self {
            network,
            loader,
            samples,
            labels,
            positive_weights,
            dropout: configuration.dropout,
            seed: configuration.seed,
            micro_batch: micro_batch_size(configuration, device),
            may_halve: !device.is_cpu(),
            remark: None,
            cancel: Cancel::new(),
        }
    }

    /// Lets a step be stopped between its micro-batches.
    #[must_use]
    pub fn stoppable(self, cancel: &Cancel) -> Self {
        Self { cancel: cancel.clone(), ..self }
    }

    fn load(&self, count: usize) -> Result<Vec<RgbImage>> {
        let picture = || match self.loader.next() {
            Some(Ok(picture)) => Ok(picture),
            Some(Err(error)) => {
                Err(Error::new(error.kind, format!("{}; training cannot go on without it", error.message))
                    .hint("put the picture back and resume the run, or set it aside and train again")
                    .caused_by(error))
            }
            None => Err(Error::internal("a picture was not asked for")),
        };
        std::iter::repeat_with(picture).take(count).collect()
    }

    /// Adds one step's gradients, in micro-batches, and gives the mean loss.
    fn add_gradients(&mut self, images: &[RgbImage], rows: &[usize], step: &str) -> Result<f64> {
        let mut dropout = Dropout::new(self.dropout, self.seed, step);
        let mut loss = 0.0;
        for (images, part) in images.chunks(self.micro_batch).zip(rows.chunks(self.micro_batch)) {
            self.cancel.check()?;
            let targets_of = |&row: &usize| &self.samples.train_targets[row * self.labels..(row + 1) * self.labels];
            let targets: Vec<f32> = part.iter().flat_map(targets_of).copied().collect();
            let share = part.len() as f64 / rows.len() as f64;
            let weights = self.positive_weights.as_deref();
            loss += share * self.network.add_batch(images, targets, weights, &mut dropout, share)?;
        }
        Ok(loss)
    }
}

/// Whether a GPU's memory ran out.
fn is_out_of_memory(error: &Error) -> bool {
    let text = error.message.to_lowercase();
    text.contains("out of memory") || text.contains("out_of_memory")
}

impl Learner for NetworkLearner {
    fn begin_epoch(&mut self, order: &[usize]) -> Result<()> {
        self.loader.request(order.iter().map(|&row| self.samples.train[row]));
        Ok(())
    }

    fn train_batch(&mut self, rows: &[usize], epoch: usize, step: usize, rates: LearningRates) -> Result<f64> {
        let images = self.load(rows.len())?;
        let name = format!("epoch {epoch} step {step}");
        let loss = loop {
            match self.add_gradients(&images, rows, &name) {
                Err(error) if self.may_halve && self.micro_batch > 1 && is_out_of_memory(&error) => {
                    self.network.forget_gradients();
                    self.micro_batch = self.micro_batch.div_ceil(2);
                    self.remark = Some(format!(
                        "The GPU's memory ran out: from now on {} pictures go through the network at once",
                        self.micro_batch
                    ));
                }
                Err(error) => {
                    self.network.forget_gradients();
                    return Err(error);
                }
                Ok(loss) => break loss,
            }
        };
        self.network.step(rates.backbone, rates.head)?;
        Ok(loss)
    }

    fn remark(&mut self) -> Option<String> {
        self.remark.take()
    }

    fn predict(&mut self, part: LearnerPart, rows: &[usize], tick: Tick<'_>) -> Result<Vec<f32>> {
        let samples = match part {
            LearnerPart::Train => &self.samples.train,
            LearnerPart::Validation => &self.samples.validation,
        };
        self.loader.request(rows.iter().map(|&row| samples[row]));
        let mut logits = Vec::with_capacity(rows.len() * self.labels);
        for (index, chunk) in rows.chunks(PREDICTED_AT_ONCE).enumerate() {
            let images = self.load(chunk.len())?;
            logits.extend(self.network.logits(&images)?);
            tick(index * PREDICTED_AT_ONCE + chunk.len())?;
        }
        Ok(logits)
    }

    fn network_state(&self) -> Result<State> {
        self.network.network_state()
    }

    fn save_state(&self) -> Result<State> {
        self.network.save_state()
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        self.network.load_state(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::device::DeviceChoice;
    use crate::training::Depth;

    #[test]
    fn a_large_batch_of_large_pictures_stays_small_in_memory() {
        let configuration = TrainingConfiguration { depth: Depth::Everything, ..TrainingConfiguration::default() };
        assert_eq!((configuration.batch_size, configuration.image_size_px), (64, 384));
        let need = MemoryNeed::of(&configuration);
        let most = need.fixed_bytes + MOST_ON_PROCESSOR as u64 * need.image_bytes;
        assert!(most < 6_000_000_000, "{most}");
        let device = crate::nn::select(DeviceChoice::Cpu).expect("there is a processor");
        let found = micro_batch_size(&configuration, &device);
        assert!((1..=MOST_ON_PROCESSOR).contains(&found), "{found}");
        assert_eq!(micro_batch_size(&TrainingConfiguration { micro_batch_size: 3, ..configuration }, &device), 3);
        assert!(available_memory_bytes() > 1 << 20);
    }
}
