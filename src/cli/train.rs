//! `atmoscope train`: train a run and print its id.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::output::Output;
use crate::engine::jobs::plan::{self, TrainingPlan};
use crate::engine::jobs::train::{self, Order};
use crate::engine::jobs::{counted, counted_as};
use crate::error::{Error, Result};
use crate::ids::RunId;
use crate::interchange::{check_file, read_file};
use crate::nn::DeviceChoice;
use crate::progress::Observer;
use crate::project::RunStatus;
use crate::training::{Choice, Depth, HeadKind, TrainingConfiguration};

/// Train a network to predict the labels; prints the run's id.
///
/// Options on the command line win over those of --config. Ctrl+C stops after the present step, keeps the best
/// epoch so far, and ends with exit code 130.
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
    /// How much of the network is trained: head-only, last-blocks or everything.
    #[arg(long, value_parser = choice::<Depth>)]
    depth: Option<Depth>,
    /// Blocks of convolutions that are trained at the depth last-blocks, 1 to 5.
    #[arg(long, value_name = "BLOCKS")]
    trained_blocks: Option<usize>,
    /// What sits on top of the convolutions: pooled, statistics or original.
    #[arg(long, value_parser = choice::<HeadKind>)]
    head: Option<HeadKind>,
    /// New pictures made from each training picture.
    #[arg(long, value_name = "COPIES")]
    augmented_copies: Option<u32>,
    /// Add synthetic samples of rare labels (MLSMOTE): true or false.
    #[arg(long, value_name = "YES")]
    mlsmote: Option<bool>,
    /// Pre-trained weights: a safetensors file, or hf:owner/name/file of the Hugging Face hub.
    #[arg(long)]
    weights: Option<String>,
    /// End after so many epochs without a better one; 0 for never.
    #[arg(long, value_name = "EPOCHS")]
    early_stopping: Option<usize>,
    /// Go on with a run that was stopped, interrupted or failed, from its last checkpoint.
    #[arg(long, value_name = "ID", conflicts_with_all = ["again", "config"])]
    resume: Option<i64>,
    /// Train again with the settings, split and labels of an earlier run.
    #[arg(long, value_name = "ID", conflicts_with = "config")]
    again: Option<i64>,
    /// Say what the run would be (pictures, positives of each label, estimated time and memory) and do not train.
    #[arg(long, conflicts_with_all = ["resume", "again"])]
    plan: bool,
    /// Side of the square the network sees, in pixels.
    #[arg(long, value_name = "PIXELS")]
    image_size: Option<u32>,
    /// Where the network runs: auto, cpu, cuda or metal.
    #[arg(long, value_parser = super::named::<DeviceChoice>)]
    device: Option<DeviceChoice>,
}

/// A setting's value by its name.
fn choice<T: Choice>(name: &str) -> std::result::Result<T, String> {
    T::from_name(name).map_err(|error| error.hint.unwrap_or(error.message))
}

impl Arguments {
    fn order(&self) -> Result<Order> {
        let run = match (self.resume, self.again) {
            (Some(run), _) => Order::Resume(RunId(run)),
            (None, Some(run)) => Order::Again(RunId(run)),
            (None, None) => return Ok(Order::New(Box::new(self.configuration()?))),
        };
        if let Some(setting) = self.first_setting() {
            return Err(Error::user(format!(
                "--resume and --again take the settings of the earlier run, so {setting} has no place"
            ))
            .hint("leave the other settings out, or give them with --config and the run's configuration.toml"));
        }
        Ok(run)
    }

    /// The name of the first setting given on the command line, whatever its value.
    fn first_setting(&self) -> Option<&'static str> {
        [
            ("--seed", self.seed.is_some()),
            ("--epochs", self.epochs.is_some()),
            ("--batch-size", self.batch_size.is_some()),
            ("--learning-rate", self.learning_rate.is_some()),
            ("--depth", self.depth.is_some()),
            ("--trained-blocks", self.trained_blocks.is_some()),
            ("--head", self.head.is_some()),
            ("--augmented-copies", self.augmented_copies.is_some()),
            ("--mlsmote", self.mlsmote.is_some()),
            ("--weights", self.weights.is_some()),
            ("--early-stopping", self.early_stopping.is_some()),
            ("--image-size", self.image_size.is_some()),
            ("--device", self.device.is_some()),
        ]
        .into_iter()
        .find_map(|(name, given)| given.then_some(name))
    }

    fn configuration(&self) -> Result<TrainingConfiguration> {
        let mut configuration = match &self.config {
            Some(file) => {
                let shown = file.display();
                let text = String::from_utf8(read_file(file)?)
                    .map_err(|_| Error::config(format!("{shown}: the text is not UTF-8")).hint("save it as UTF-8"))?;
                TrainingConfiguration::from_toml(&text).map_err(|error| error.in_file(file))?
            }
            None => TrainingConfiguration::default(),
        };
        if let Some(file) = self.weights.as_deref().filter(|file| !file.trim().is_empty() && !file.starts_with("hf:")) {
            check_file(Path::new(file))?;
        }
        let Self { seed, epochs, batch_size, learning_rate, image_size, device, depth, head, weights, .. } = self;
        set(&mut configuration.depth, *depth);
        set(&mut configuration.trained_blocks, self.trained_blocks);
        set(&mut configuration.head, *head);
        set(&mut configuration.augmented_copies, self.augmented_copies);
        set(&mut configuration.mlsmote, self.mlsmote);
        set(&mut configuration.weights, weights.clone());
        set(&mut configuration.early_stopping_epochs, self.early_stopping);
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

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<ExitCode> {
    if arguments.plan {
        let project = super::open_to_read(&arguments.dir)?;
        let plan = plan::plan(&project, &arguments.configuration()?)?;
        output.print(&plan, || plan_text(&plan))?;
        return Ok(ExitCode::SUCCESS);
    }
    let order = arguments.order()?;
    let mut project = super::open_to_write(&arguments.dir)?;
    let cancel = super::cancel_on_interrupt();
    let report = train::carry_out(&mut project, &order, &|_| {}, &output.terminal, &cancel)?;
    output.terminal.note(&format!(
        "Run {} {} after {}, best epoch {}, {:.1} s",
        report.run.0,
        report.status,
        counted(report.epochs, "epoch"),
        report.best_epoch.unwrap_or(0),
        report.duration_s
    ));
    let stopped = report.status == RunStatus::Stopped;
    if stopped {
        output.terminal.warn(&format!(
            "Stopped; its best epoch so far is kept. `atmoscope train DIR --resume {}` goes on with it.",
            report.run.0
        ));
    }
    output.print(&report, || report.run.0.to_string())?;
    Ok(super::ended(stopped))
}

/// A plan as people read it.
fn plan_text(plan: &TrainingPlan) -> String {
    let mut text = format!(
        "{} to train on, {} for validation, {} for the test{}\n",
        counted(plan.train_images, "picture"),
        plan.validation_images,
        plan.test_images,
        if plan.split_exists { "" } else { " (there is no split yet: training makes this one)" }
    );
    let (copies, synthetic) = (counted_as(plan.copies, "copy", "copies"), plan.synthetic);
    let samples = counted(plan.samples, "sample");
    let _ = writeln!(
        text,
        "With {copies} and {synthetic} synthetic: {samples}, {} each epoch",
        counted(plan.steps, "step")
    );
    let width = plan.labels.iter().map(|label| label.label.chars().count()).max().unwrap_or(0).max(5);
    let _ = writeln!(text, "{:width$}  positives  with copies  synthetic  at least  rarity", "label");
    for label in &plan.labels {
        let rarity = label.imbalance_ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.1}"));
        let _ = writeln!(
            text,
            "{:width$}  {:>9}  {:>11}  {:>9}  {:>8}  {rarity:>6}",
            label.label, label.positives, label.with_copies, label.synthetic, label.at_least
        );
    }
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    let _ = writeln!(
        text,
        "Memory: about {:.1} GB, {:.1} GB are free",
        gigabytes(plan.memory_bytes),
        gigabytes(plan.available_memory_bytes)
    );
    if plan.features_to_make > 0 {
        let _ = writeln!(
            text,
            "Features to make first: about {}, {}",
            plan.features_to_make,
            duration(plan.time.features_s)
        );
    }
    let _ = writeln!(text, "Training: about {} ({})", duration(plan.time.epochs_s), plan.time.basis);
    for remark in &plan.remarks {
        let _ = writeln!(text, "{remark}");
    }
    text.trim_end().to_owned()
}

/// Seconds in the unit that says most.
fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 90.0 => format!("{seconds:.0} s"),
        seconds if seconds < 5400.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}
