//! `atmoscope train`: train a run and print its id.

use std::path::PathBuf;

use clap::Args;

use super::Common;
use super::output::Output;
use crate::engine::jobs::counted;
use crate::engine::jobs::train;
use crate::error::{Error, Result};
use crate::nn::DeviceChoice;
use crate::progress::Observer;
use crate::project::Project;
use crate::training::TrainingConfiguration;

/// Train a network to predict the labels; prints the run's id.
///
/// Options on the command line win over those of --config. Ctrl+C stops after the present step and keeps the best
/// epoch so far.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// Settings as TOML, such as the configuration.toml of an earlier run.
    #[arg(long, value_name = "TOML")]
    config: Option<PathBuf>,
    /// Seed of the initial weights, the order of pictures and the dropout.
    #[arg(long)]
    seed: Option<u64>,
    /// Passes over the training pictures.
    #[arg(long)]
    epochs: Option<usize>,
    /// Pictures for each step.
    #[arg(long)]
    batch_size: Option<usize>,
    /// Step size of Adam.
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Side of the square the network sees, in pixels.
    #[arg(long, value_name = "PIXELS")]
    image_size: Option<u32>,
    /// Where the network runs: auto, cpu, cuda or metal.
    #[arg(long)]
    device: Option<DeviceChoice>,
    #[command(flatten)]
    pub common: Common,
}

impl Arguments {
    fn configuration(&self) -> Result<TrainingConfiguration> {
        let mut configuration = match &self.config {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| Error::io(file, error))?;
                TrainingConfiguration::from_toml(&text)?
            }
            None => TrainingConfiguration::default(),
        };
        let Self { seed, epochs, batch_size, learning_rate, image_size, device, .. } = self;
        set(&mut configuration.seed, *seed);
        set(&mut configuration.epochs, *epochs);
        set(&mut configuration.batch_size, *batch_size);
        if learning_rate.is_some() {
            configuration.learning_rate = *learning_rate;
        }
        set(&mut configuration.image_size_px, *image_size);
        set(&mut configuration.device, *device);
        Ok(configuration)
    }
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let configuration = arguments.configuration()?;
    let mut project = Project::open(&arguments.dir)?;
    let cancel = super::cancel_on_interrupt();
    let report = train::run(&mut project, &configuration, &|_| {}, &output.terminal, &cancel)?;
    output.terminal.note(&format!(
        "Run {} {} after {}, best epoch {}, {:.1} s",
        report.run.0,
        report.status,
        counted(report.epochs, "epoch"),
        report.best_epoch.unwrap_or(0),
        report.duration_s
    ));
    output.print(&report, || report.run.0.to_string())
}
