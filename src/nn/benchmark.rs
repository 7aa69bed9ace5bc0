//! How fast the network is here: whole networks against PyTorch in the same run, single layers, and the machine's peak.
//!
//! Measurements alternate between us and the peer, so that both meet the same weather on the machine, and medians are
//! compared. The peer is `benches/pytorch.py`, a process that answers one request a line.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use candle_core::{DType, Device, Tensor, Var};
use image::{Rgb, RgbImage};
use serde::{Deserialize, Serialize};

use super::device::SelectedDevice;
use super::head::HeadWeights;
use super::network::TrainedNetwork;
use super::ops::{self, Dropout, PreparedWeights};
use super::tensor_error;
use super::vgg16::{BLOCK_COUNT, Pooling, Vgg16, convolution_shapes};
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::random::generator;

/// Labels of the network that is measured.
const LABELS: usize = 16;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// The pooled features of some pictures.
    Features,
    /// A whole training step of everything: forward, backward, Adam.
    Step,
}

/// One measurement to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// What is measured.
    pub what: Work,
    /// Side of the pictures in pixels.
    pub size_px: u32,
    /// Pictures at once.
    pub images: usize,
}

/// Picture number `seed` of the benchmark: any pixels will do.
pub fn picture(size_px: u32, seed: usize) -> RgbImage {
    let byte = |x: u32, y: u32, c: u32| (x * (3 + seed as u32) + y * (5 + 2 * c) + x * y / 7 + 40 * c) as u8;
    RgbImage::from_fn(size_px, size_px, |x, y| Rgb([byte(x, y, 0), byte(x, y, 1), byte(x, y, 2)]))
}

/// Our side of the measurements.
#[derive(Debug)]
pub struct Subject {
    device: SelectedDevice,
    features: Vgg16,
    trained: TrainedNetwork,
    head: HeadWeights,
    steps: usize,
}

impl Subject {
    /// VGG16 with the built-in weights, once to make features and once to be trained.
    ///
    /// # Errors
    /// As [`Vgg16::load`] and [`TrainedNetwork::new`].
    pub fn new(device: SelectedDevice) -> Result<Self> {
        let weights = Weights::embedded_vgg16()?;
        let head = HeadWeights::initial(512, &[512], LABELS, &mut generator(1, "bench"));
        let backbone = Vgg16::load(&weights, &device)?;
        Ok(Self {
            features: Vgg16::load(&weights, &device)?,
            trained: TrainedNetwork::new(backbone, BLOCK_COUNT, Pooling::Mean, &head)?,
            device,
            head,
            steps: 0,
        })
    }

    /// Seconds that a task takes, and the sum of the features or the loss.
    ///
    /// # Errors
    /// `Device` when memory is short.
    pub fn measure(&mut self, task: Task) -> Result<(f64, f64)> {
        let images: Vec<RgbImage> = (0..task.images).map(|seed| picture(task.size_px, seed)).collect();
        let started = Instant::now();
        let sum = match task.what {
            Work::Features => {
                let features = self.features.features(&images, Pooling::Mean)?;
                features.into_iter().map(f64::from).sum()
            }
            Work::Step => {
                let targets = (0..images.len() * LABELS).map(|i| f32::from(u8::from(i * 7 % 3 == 0))).collect();
                self.steps += 1;
                let mut dropout = Dropout::new(0.5, 1, &self.steps.to_string());
                let loss = self.trained.add_batch(&images, targets, None, &mut dropout, 1.0)?;
                self.trained.step(1e-4, 1e-4)?;
                self.device.device().synchronize().map_err(tensor_error)?;
                loss
            }
        };
        Ok((started.elapsed().as_secs_f64(), sum))
    }

    /// Writes the weights and pictures that the peer reads.
    ///
    /// # Errors
    /// `User` or `Device` when the disk refuses.
    pub fn write_inputs(&self, folder: &Path, tasks: &[Task]) -> Result<()> {
        let mut bytes = Vec::new();
        let state = [self.features.all_state()?, self.head.state()];
        // In torch's order: by layer, weights before bias.
        let mut tensors: Vec<_> = state.iter().flatten().collect();
        tensors.sort_by_key(|(name, _)| {
            let mut parts = name.split('.');
            let part = parts.next().map(|part| part == "classifier");
            (part, parts.next().and_then(|number| number.parse::<usize>().ok()), name.ends_with("bias"))
        });
        for (_, tensor) in tensors {
            bytes.extend(tensor.values.iter().flat_map(|value| value.to_le_bytes()));
        }
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).map_err(|error| Error::io(&path, error))
        };
        write("weights.f32", &bytes)?;
        for task in tasks {
            let most = tasks.iter().filter(|other| other.size_px == task.size_px).map(|other| other.images).max();
            let pictures: Vec<u8> =
                (0..most.unwrap_or(0)).flat_map(|seed| picture(task.size_px, seed).into_raw()).collect();
            write(&format!("pictures-{}.u8", task.size_px), &pictures)?;
        }
        Ok(())
    }
}

/// The script of the peer.
const SCRIPT: &str = include_str!("../../benches/pytorch.py");

/// PyTorch in a process of its own.
#[derive(Debug)]
pub struct PyTorch {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    threads: usize,
    device: &'static str,
    /// Its version, after the first answer.
    pub version: String,
}

#[derive(Serialize)]
struct Request {
    #[serde(flatten)]
    task: Task,
    threads: usize,
    device: &'static str,
    channels_last: bool,
}

#[derive(Deserialize)]
struct Answer {
    torch: String,
    seconds: f64,
    sum: f64,
}

impl PyTorch {
    /// Starts the peer with the inputs in `folder` ([`Subject::write_inputs`]).
    ///
    /// # Errors
    /// `User` when `python` cannot be started.
    pub fn start(python: &Path, folder: &Path, device: &SelectedDevice) -> Result<Self> {
        let script: PathBuf = folder.join("pytorch.py");
        std::fs::write(&script, SCRIPT).map_err(|error| Error::io(&script, error))?;
        let mut process = Command::new(python)
            .arg(&script)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                Error::user(format!("{} cannot be started: {error}", python.display()))
                    .hint("name the Python that has torch and torchvision with --python")
                    .caused_by(error)
            })?;
        let (Some(requests), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(Error::internal("the peer has no pipes"));
        };
        Ok(Self {
            process,
            requests,
            answers: BufReader::new(answers),
            threads: rayon::current_num_threads(),
            device: if device.is_cpu() { "cpu" } else { "cuda" },
            version: String::new(),
        })
    }

    /// Seconds that a task takes there, and the sum of the features or the loss.
    ///
    /// # Errors
    /// `User` when it gives no answer: torch or torchvision are missing.
    pub fn measure(&mut self, task: Task, channels_last: bool) -> Result<(f64, f64)> {
        let request = Request { task, threads: self.threads, device: self.device, channels_last };
        let line = serde_json::to_string(&request).map_err(|error| Error::internal(error.to_string()))?;
        let mut answer = String::new();
        // Where nothing was written nothing is answered either.
        let _ = writeln!(self.requests, "{line}").and_then(|()| self.requests.flush());
        let _ = self.answers.read_line(&mut answer);
        let answer: Answer = serde_json::from_str(&answer).map_err(|_| {
            let _ = self.process.kill();
            let mut said = String::new();
            if let Some(stderr) = &mut self.process.stderr {
                let _ = stderr.read_to_string(&mut said);
            }
            let why = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
            Error::user(format!("PyTorch gave no answer: {why}"))
                .hint("install torch and torchvision, or name the Python that has them with --python")
        })?;
        self.version = answer.torch;
        Ok((answer.seconds, answer.sum))
    }
}

impl Drop for PyTorch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How long one convolution takes, for each picture.
#[derive(Clone, Debug, Serialize)]
pub struct LayerTime {
    /// Input channels, output channels.
    pub channels: (usize, usize),
    /// Rows and columns of its input.
    pub side: usize,
    /// Whether a pooling follows in the same operation.
    pub pool: bool,
    /// Layers of VGG16 with this shape.
    pub count: usize,
    /// Milliseconds forward.
    pub forward_ms: f64,
    /// Milliseconds of both gradients, ReLU's and pooling's included.
    pub backward_ms: f64,
    /// Multiplications and additions of the plain convolution, in thousand millions.
    pub gflop: f64,
}

/// Times each shape of convolution of VGG16 for pictures of `size_px`, the quickest of some runs.
///
/// # Errors
/// `Device` when memory is short.
pub fn layers(device: &SelectedDevice, size_px: usize, images: usize, runs: usize) -> Result<Vec<LayerTime>> {
    let mut times: Vec<LayerTime> = Vec::new();
    for shape in convolution_shapes(size_px) {
        let (inputs, outputs) = shape.channels;
        let same =
            |time: &&mut LayerTime| (time.channels, time.side, time.pool) == (shape.channels, shape.side, shape.pool);
        if let Some(known) = times.iter_mut().find(same) {
            known.count += 1;
            continue;
        }
        let measure = || -> candle_core::Result<(f64, f64)> {
            let device = device.device();
            // Any values will do, but zeros and denormal numbers would be quicker or slower than usual ones.
            let values =
                |count: usize| (0..count).map(|i| (i * 7919 % 1009) as f32 / 504.5 - 1.0).collect::<Vec<f32>>();
            let shape_in = (images, inputs, shape.side, shape.side);
            let count = images * inputs * shape.side * shape.side;
            let planes = Tensor::from_vec(values(count), shape_in, &Device::Cpu)?;
            let stack = ops::stack_from_planes(&planes.to_device(device)?)?;
            let input = if inputs == 3 { stack } else { Var::from_tensor(&stack)?.as_tensor().clone() };
            let weights = Var::from_vec(values(outputs * inputs * 9), (outputs, inputs, 3, 3), device)?;
            let bias = Var::zeros(outputs, DType::F32, device)?;
            let (mut forward, mut backward) = (f64::INFINITY, f64::INFINITY);
            for _ in 0..runs {
                let prepared = Arc::new(PreparedWeights::default());
                let started = Instant::now();
                let result = ops::conv3x3_relu(&input, &weights, &bias, shape.pool, &prepared)?;
                device.synchronize()?;
                forward = forward.min(started.elapsed().as_secs_f64());
                let started = Instant::now();
                drop(result.backward()?);
                device.synchronize()?;
                backward = backward.min(started.elapsed().as_secs_f64());
            }
            Ok((forward, backward))
        };
        let (forward, backward) = measure().map_err(tensor_error)?;
        times.push(LayerTime {
            channels: shape.channels,
            side: shape.side,
            pool: shape.pool,
            count: 1,
            forward_ms: forward / images as f64 * 1e3,
            backward_ms: backward / images as f64 * 1e3,
            gflop: 18.0 * (inputs * outputs * shape.side * shape.side) as f64 / 1e9,
        });
    }
    Ok(times)
}
