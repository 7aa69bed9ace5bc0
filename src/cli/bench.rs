//! `atmoscope bench`: how fast the network is here, beside PyTorch.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::output::Output;
use crate::error::{Error, Result};
use crate::nn::benchmark::{self, LayerTime, PyTorch, Subject, Task, Work};
use crate::nn::vgg16::MINIMUM_SIZE_PX;
use crate::nn::{self, DeviceChoice};
use crate::progress::{Observer, Stage};

/// Measure features and training steps on this machine, beside PyTorch where it is installed.
///
/// Both do the same work on the same pictures with the same weights and number of threads, turn by turn; medians are
/// compared. A ratio above 1 means that Atmoscope is faster.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The Python that has torch and torchvision.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Measure without PyTorch.
    #[arg(long)]
    alone: bool,
    /// Turns of each measurement.
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// Sides of the pictures, in pixels.
    #[arg(long, value_name = "PIXELS", value_delimiter = ',', default_value = "224,384")]
    sizes: Vec<u32>,
    /// Pictures at once.
    #[arg(long, default_value_t = 8)]
    images: usize,
    /// Also time each shape of layer, and the peak of the processor's multiply-and-add.
    #[arg(long)]
    layers: bool,
    /// Where the network runs: auto, cpu, cuda or metal.
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

#[derive(Debug, Serialize)]
struct Report {
    device: String,
    instructions: &'static str,
    threads: usize,
    pytorch: Option<String>,
    measurements: Vec<Measurement>,
    layers: Vec<(u32, Vec<LayerTime>)>,
    peak_gflops: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Measurement {
    #[serde(flatten)]
    task: Task,
    /// Milliseconds for each picture, median.
    atmoscope_ms: f64,
    pytorch_ms: Option<f64>,
    pytorch_channels_last_ms: Option<f64>,
    /// PyTorch's time over ours.
    ratio: Option<f64>,
    ratio_channels_last: Option<f64>,
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let sizes_px = MINIMUM_SIZE_PX..=2048;
    if let Some(size) = arguments.sizes.iter().find(|size| !sizes_px.contains(size)) {
        return Err(Error::user(format!("the size {size} is not in 32 to 2048 pixels")).hint("change --sizes"));
    }
    if !(1..=256).contains(&arguments.images) || !(1..=1000).contains(&arguments.turns) {
        return Err(Error::user("--images must be 1 to 256 and --turns 1 to 1000").hint("the defaults are 8 and 5"));
    }
    let device = nn::select(arguments.device)?;
    let tasks: Vec<Task> = [Work::Features, Work::Step]
        .into_iter()
        .flat_map(|what| arguments.sizes.iter().map(move |&size_px| Task { what, size_px, images: arguments.images }))
        .collect();
    let mut subject = Subject::new(device.clone())?;
    let folder = tempfile::tempdir().map_err(|error| Error::io(&std::env::temp_dir(), error))?;
    let mut peer = None;
    if !arguments.alone {
        subject.write_inputs(folder.path(), &tasks)?;
        peer = Some(PyTorch::start(&arguments.python, folder.path(), &device)?);
    }
    let stage = Stage::new("Measuring", tasks.len() * (arguments.turns + 1));
    let mut measurements = Vec::new();
    for (index, &task) in tasks.iter().enumerate() {
        let mut seconds: [Vec<f64>; 3] = Default::default();
        // The first turn warms up and is not counted.
        for turn in 0..=arguments.turns {
            output.terminal.progress(stage.at(index * (arguments.turns + 1) + turn));
            let mut found = vec![subject.measure(task)?.0];
            if let Some(peer) = &mut peer {
                for channels_last in [false, true] {
                    match peer.measure(task, channels_last) {
                        Ok((seconds, _)) => found.push(seconds),
                        Err(error) if index + turn == 0 => {
                            output.terminal.note(&format!("{}; measuring alone", error.message));
                            break;
                        }
                        Err(error) => return Err(error),
                    }
                }
                if found.len() == 1 {
                    break;
                }
            }
            if turn > 0 {
                seconds.iter_mut().zip(found).for_each(|(seconds, found)| seconds.push(found));
            }
        }
        if seconds[0].is_empty() {
            peer = None;
            for _ in 0..arguments.turns {
                seconds[0].push(subject.measure(task)?.0);
            }
        }
        let ms = |seconds: Vec<f64>| median(seconds).map(|seconds| seconds / task.images as f64 * 1e3);
        let [ours, theirs, channels_last] = seconds.map(ms);
        let ours = ours.unwrap_or(f64::NAN);
        measurements.push(Measurement {
            task,
            atmoscope_ms: ours,
            pytorch_ms: theirs,
            pytorch_channels_last_ms: channels_last,
            ratio: theirs.map(|theirs| theirs / ours),
            ratio_channels_last: channels_last.map(|theirs| theirs / ours),
        });
    }
    let mut layers = Vec::new();
    if arguments.layers {
        for &size in &arguments.sizes {
            layers.push((size, benchmark::layers(&device, size as usize, arguments.images, arguments.turns)?));
        }
    }
    let report = Report {
        device: device.name.clone(),
        instructions: nn::ops::instructions(),
        threads: rayon::current_num_threads(),
        pytorch: peer.map(|peer| peer.version.clone()),
        measurements,
        layers,
        peak_gflops: (arguments.layers && device.is_cpu()).then(nn::ops::peak_gflops),
    };
    output.print(&report, || table(&report))
}

fn table(report: &Report) -> String {
    let mut lines = vec![format!("{}, {}", report.device, report.instructions)];
    if let Some(version) = &report.pytorch {
        lines.push(format!("PyTorch {version}, {} threads", report.threads));
    }
    lines.push(format!(
        "{:<28}{:>11}{:>11}{:>7}{:>15}{:>7}",
        "milliseconds for a picture", "Atmoscope", "PyTorch", "ratio", "channels-last", "ratio"
    ));
    let number = |value: Option<f64>, digits: usize| value.map_or("-".to_owned(), |value| format!("{value:.digits$}"));
    for m in &report.measurements {
        let name = match m.task.what {
            Work::Features => "features",
            Work::Step => "training step",
        };
        lines.push(format!(
            "{:<28}{:>11.1}{:>11}{:>7}{:>15}{:>7}",
            format!("{name}, {} px, {} at once", m.task.size_px, m.task.images),
            m.atmoscope_ms,
            number(m.pytorch_ms, 1),
            number(m.ratio, 2),
            number(m.pytorch_channels_last_ms, 1),
            number(m.ratio_channels_last, 2),
        ));
    }
    for (size, layers) in &report.layers {
        let total: f64 = layers.iter().map(|l| l.count as f64 * (l.forward_ms + l.backward_ms)).sum();
        lines.push(String::new());
        lines.push(format!(
            "{:<28}{:>11}{:>11}{:>8}{:>15}{:>10}",
            format!("convolutions at {size} px"),
            "forward ms",
            "GFLOP/s",
            "back ms",
            "GFLOP/s",
            "share"
        ));
        for layer in layers {
            let rate = |parts: f64, ms: f64| parts * layer.gflop / ms * 1e3;
            // The first layer needs no gradient of its input.
            let parts = if layer.channels.0 == 3 { 1.0 } else { 2.0 };
            lines.push(format!(
                "{:<28}{:>11.2}{:>11.0}{:>8.2}{:>15.0}{:>9.1}%",
                format!(
                    "{} × {} → {}, {} px{}",
                    layer.count,
                    layer.channels.0,
                    layer.channels.1,
                    layer.side,
                    if layer.pool { ", pooled" } else { "" }
                ),
                layer.forward_ms,
                rate(1.0, layer.forward_ms),
                layer.backward_ms,
                rate(parts, layer.backward_ms),
                100.0 * layer.count as f64 * (layer.forward_ms + layer.backward_ms) / total
            ));
        }
    }
    if let Some(peak) = report.peak_gflops {
        lines.push(format!(
            "\nPeak of the processor's multiply-and-add: {peak:.0} GFLOP/s; rates above it come from Winograd's way, which \
             needs a quarter of the multiplications."
        ));
    }
    lines.join("\n")
}
