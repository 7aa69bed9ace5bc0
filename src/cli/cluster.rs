//! `atmoscope cluster`: group pictures by their label intensities.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Common;
use super::output::Output;
use super::score_table;
use super::sort_choice::SortArguments;
use crate::clustering::Method;
use crate::engine::jobs::cluster::{self, ClusteredPart};
use crate::engine::jobs::score;
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::Result;
use crate::ids::RunId;
use crate::interchange::scores;

/// Group pictures by the label intensities of a run, write the clusters and score them.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// The run.
    #[arg(long, value_name = "ID")]
    run: i64,
    /// Number of clusters.
    #[arg(long, short)]
    k: usize,
    /// How: k-means, spherical-k-means, or agglomerative-ward, -average, -complete or -single.
    #[arg(long, default_value_t, value_name = "WAY", value_parser = super::named::<Method>)]
    method: Method,
    /// Seed of what is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Which pictures: test or all.
    #[arg(long, default_value_t, value_parser = super::named::<ClusteredPart>)]
    part: ClusteredPart,
    /// The CSV to write: image, cluster (counted from 1), distance; beside it a JSON file that says what it is.
    #[arg(long, value_name = "CSV")]
    out: Option<PathBuf>,
    /// The CSV to write every score to: score, study, condition, rater, value …
    #[arg(long, value_name = "CSV")]
    scores: Option<PathBuf>,
    #[command(flatten)]
    sorts: SortArguments,
    #[command(flatten)]
    replacing: super::Replacing,
    #[command(flatten)]
    pub common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let mut project = super::open_as_possible(&arguments.dir)?;
    let existing = arguments.replacing.existing();
    let allowed = |path: &PathBuf| OutputFile::new(Some(&project), path, FileKind::Csv, existing);
    let out = arguments.out.as_ref().map(allowed).transpose()?;
    let scores = arguments.scores.as_ref().map(allowed).transpose()?;
    let cancel = super::cancel_on_interrupt();
    let (features, unreadable) =
        cluster::features_of(&mut project, RunId(arguments.run), arguments.part, &output.terminal, &cancel)?;
    let clustering = cluster::run(&features, arguments.method, arguments.k, arguments.seed, &cancel)?;
    let made = cluster::Made {
        run: RunId(arguments.run),
        part: arguments.part,
        method: arguments.method,
        seed: arguments.seed,
    };
    if let Some(out) = &out {
        cluster::write(&project, &features, &clustering, &made, out)?;
    }
    let references = cluster::references(&project, &project.run(RunId(arguments.run))?, &arguments.sorts.choice(None))?;
    let report = score::run(
        &features.image_ids,
        features.view()?,
        &clustering.assignments,
        &references,
        arguments.seed,
        &cancel,
    )?;
    if let Some(file) = &scores {
        file.write(|target| scores::write(&report.rows(), target))?;
    }
    let value = json!({
        "run": arguments.run, "method": arguments.method, "k": arguments.k, "seed": arguments.seed, "part": arguments.part, "sse": clustering.sse,
        "sizes": clustering.sizes, "unreadable": unreadable, "scores": report,
    });
    output.print(&value, || {
        let sizes: Vec<String> = clustering.sizes.iter().map(ToString::to_string).collect();
        format!("Cluster sizes: {}\n{}", sizes.join(", "), score_table::text(std::slice::from_ref(&report)))
    })
}
