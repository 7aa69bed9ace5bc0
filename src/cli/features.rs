//! `atmoscope features`: make, list, show, write and remove feature sets; and write the label intensities of a run.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Output;
use crate::clustering::Method;
use crate::engine::jobs::cluster::{self, ClusteredPart};
use crate::engine::jobs::{counted, features};
use crate::engine::makers::{self, Maker};
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::features::{FeatureSource, Recipe};
use crate::ids::RunId;
use crate::interchange::{about, features_csv, npy};
use crate::project::{FeatureSetRecord, Project};

/// Rows that are said by name where many were left out.
const NAMED: usize = 10;

/// Feature sets: make, list, show, write and remove them; or write the label intensities of a run.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    of_run: Option<RunArguments>,
}

#[derive(Debug, Subcommand)]
enum Action {
    #[command(subcommand)]
    Make(Maker),
    /// List what features there are.
    List(ListArguments),
    /// Show what a feature set was made of.
    Show(SetArguments),
    /// Write features as CSV or npy.
    Export(ExportArguments),
    /// Remove a feature set; what clusterings and other sets were made of stays.
    Remove(SetArguments),
}

#[derive(Args, Debug)]
struct ListArguments {
    /// The project.
    dir: PathBuf,
}

#[derive(Args, Debug)]
struct SetArguments {
    /// The project.
    dir: PathBuf,
    /// The feature set.
    set: String,
}

#[derive(Args, Debug)]
struct ExportArguments {
    /// The project.
    dir: PathBuf,
    /// The feature set (run-3 for the label intensities of run 3).
    set: String,
    #[command(flatten)]
    file: FileArguments,
}

#[derive(Args, Debug)]
struct RunArguments {
    /// The project.
    dir: PathBuf,
    /// The run.
    #[arg(long, value_name = "ID")]
    run: i64,
    // clap takes no arguments within arguments for a group that may be missing as a whole.
    /// The file; its ending decides the form: .csv, or .npy with the names in files beside it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Which pictures: test or all.
    #[arg(long, default_value_t, value_parser = super::named::<ClusteredPart>)]
    part: ClusteredPart,
    /// Replace the file if one of the same kind is there already.
    #[arg(long)]
    force: bool,
}

#[derive(Args, Debug)]
struct FileArguments {
    /// The file; its ending decides the form: .csv, or .npy with the names in files beside it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Which pictures: test or all.
    #[arg(long, default_value_t, value_parser = super::named::<ClusteredPart>)]
    part: ClusteredPart,
    #[command(flatten)]
    replacing: super::Replacing,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    match &arguments.action {
        None => {
            let Some(of) = &arguments.of_run else {
                return Err(Error::internal("clap lets no features without arguments through"));
            };
            let replacing = super::Replacing { force: of.force };
            let file = FileArguments { out: of.out.clone(), part: of.part, replacing };
            write(&of.dir, |_| Ok(FeatureSource::Run(RunId(of.run))), &file, output)
        }
        Some(Action::Make(maker)) => make(maker, output),
        Some(Action::List(arguments)) => list(&arguments.dir, output),
        Some(Action::Show(arguments)) => show(arguments, output),
        Some(Action::Export(arguments)) => {
            write(&arguments.dir, |project| project.feature_source(&arguments.set), &arguments.file, output)
        }
        Some(Action::Remove(arguments)) => {
            let mut project = super::open_to_write(&arguments.dir)?;
            let record = record_of(&project, &arguments.set)?;
            project.remove_feature_set(record.id)?;
            output.print(&json!({ "removed": record.name }), || format!("Removed “{}”", record.name))
        }
    }
}

fn make(maker: &Maker, output: &Output) -> Result<()> {
    let (dir, name) = maker.target();
    let mut project = super::open_to_write(dir)?;
    // A name that is taken is an error before an hour of work, not after.
    project.free_feature_set_name(name)?;
    let recipe = maker.recipe(&project)?;
    let made = makers::make(&mut project, recipe, &output.terminal, &super::cancel_on_interrupt())?;
    let id = project.add_feature_set(name, &made.recipe, &made.matrix)?;
    let record = project.feature_set(id)?;
    output.print(&json!({ "feature_set": record, "left_out": made.left_out }), || {
        let mut text = format!("Made “{}”: {}\n", record.name, size(&record));
        for (name, reason) in made.left_out.iter().take(NAMED) {
            let _ = writeln!(text, "left out {name}: {reason}");
        }
        if made.left_out.len() > NAMED {
            let _ = writeln!(text, "left out {} more (--json lists them)", made.left_out.len() - NAMED);
        }
        text
    })
}

fn size(record: &FeatureSetRecord) -> String {
    format!("{} of {}", counted(record.columns.len(), "feature"), counted(record.images, "picture"))
}

fn list(dir: &Path, output: &Output) -> Result<()> {
    let project = super::open_to_read(dir)?;
    let sets = project.feature_sets()?;
    let name = |source| features::name_of(&project, source).unwrap_or_else(|_| source.to_string());
    let runs: Vec<_> = project.runs()?.into_iter().rev().filter(|run| run.best_epoch.is_some()).collect();
    let of_runs: Vec<_> = runs.iter().map(|run| FeatureSource::Run(run.id).to_string()).collect();
    output.print(&json!({ "feature_sets": sets, "runs": of_runs }), || {
        if sets.is_empty() && runs.is_empty() {
            return "No features yet: `atmoscope features make` or `atmoscope train DIR` makes some.".to_owned();
        }
        let mut text = String::new();
        for run in &runs {
            let name = FeatureSource::Run(run.id).to_string();
            let _ =
                writeln!(text, "{name:<24} {:>5} features  label intensities of run {}", run.labels.len(), run.id.0);
        }
        for set in &sets {
            let _ = writeln!(
                text,
                "{:<24} {:>5} features  {:>6} pictures  {}",
                set.name,
                set.columns.len(),
                set.images,
                set.recipe.summary(name)
            );
        }
        text
    })
}

fn record_of(project: &Project, name: &str) -> Result<FeatureSetRecord> {
    match project.feature_source(name)? {
        FeatureSource::Set(set) => project.feature_set(set),
        FeatureSource::Run(run) => Err(Error::user(format!("{name} is the label intensities of run {}", run.0))
            .hint("they belong to the run; `atmoscope runs DIR` shows it")),
    }
}

fn show(arguments: &SetArguments, output: &Output) -> Result<()> {
    let project = super::open_to_read(&arguments.dir)?;
    let record = record_of(&project, &arguments.set)?;
    // What cannot be read is an error here, not when it is needed.
    project.feature_set_matrix(record.id)?;
    let learnt = features::learnt_from(&project, FeatureSource::Set(record.id))?;
    let learnt_from = learnt.images.len();
    let name = |source| features::name_of(&project, source).unwrap_or_else(|_| source.to_string());
    let value = json!({ "feature_set": record, "learnt_from": learnt_from, "raters_learnt_from": learnt.raters });
    output.print(&value, || {
        let mut text = format!(
            "{}: {}\nmade {}, {}\n",
            record.name,
            size(&record),
            record.created_at.get(..19).unwrap_or(&record.created_at),
            record.recipe.summary(name)
        );
        if learnt_from > 0 {
            let _ = writeln!(text, "learnt from {}", counted(learnt_from, "picture"));
        }
        if !learnt.raters.is_empty() {
            let raters: Vec<&str> = learnt.raters.iter().map(String::as_str).collect();
            let _ = writeln!(text, "and from the groups of {}", raters.join(", "));
        }
        if let Recipe::Learnt { trials, .. } = &record.recipe {
            for trial in trials {
                let _ = writeln!(
                    text,
                    "λ {}: pair AUC {:.4} on raters and pictures held back",
                    trial.lambda, trial.pair_auc
                );
            }
        }
        let _ = writeln!(text, "numbers checked: BLAKE3 {}", record.file_hash);
        let _ = writeln!(text, "columns: {}", record.columns.join(", "));
        text
    })
}

fn write(
    dir: &Path,
    source: impl FnOnce(&Project) -> Result<FeatureSource>,
    file: &FileArguments,
    output: &Output,
) -> Result<()> {
    let as_npy = match file.out.extension().and_then(|extension| extension.to_str()) {
        Some(extension) if extension.eq_ignore_ascii_case("csv") => false,
        Some(extension) if extension.eq_ignore_ascii_case("npy") => true,
        _ => {
            return Err(Error::user(format!("{} is neither a .csv nor a .npy file", file.out.display()))
                .hint("the ending of --out decides the form"));
        }
    };
    let mut project = super::open_as_possible(dir)?;
    let source = source(&project)?;
    let existing = file.replacing.existing();
    let kind = if as_npy { FileKind::Npy } else { FileKind::Csv };
    let out = OutputFile::new(Some(&project), &file.out, kind, existing)?;
    if as_npy {
        let (images, columns) = npy::companions(&file.out);
        for beside in [images, columns] {
            OutputFile::new(Some(&project), &beside, FileKind::Csv, existing)?;
        }
    }
    let (matrix, unreadable) =
        features::of(&mut project, source, file.part, &output.terminal, &super::cancel_on_interrupt())?;
    let table = features::table(&project, &matrix)?;
    if as_npy {
        npy::write_names_of(&file.out, &table)?;
    }
    let made = cluster::Made { features: source, part: file.part, method: Method::default(), seed: 0 };
    let mut facts = made.facts(&project)?;
    facts.insert("pictures".to_owned(), json!(matrix.rows()));
    if as_npy {
        let (images, columns) = npy::companions(&file.out);
        facts.insert(about::COMPANIONS.to_owned(), about::companions(&[images, columns])?);
    }
    out.write_described(Some(&project), facts, |target| match as_npy {
        true => npy::write(&table, target),
        false => features_csv::write(&table, target),
    })?;
    let value = json!({
        "file": file.out.to_string_lossy(), "images": matrix.rows(), "features": matrix.columns(), "unreadable": unreadable,
    });
    output.print(&value, || {
        format!(
            "Wrote {} of {} to {}",
            counted(matrix.columns(), "feature"),
            counted(matrix.rows(), "picture"),
            file.out.display()
        )
    })
}
