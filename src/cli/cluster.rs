//! `atmoscope cluster`: group pictures by their features.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::score_table;
use super::sort_choice::SortArguments;
use crate::clustering::Method;
use crate::engine::jobs::cluster::{self, ClusteredPart};
use crate::engine::jobs::{features, score};
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::features::FeatureSource;
use crate::ids::RunId;
use crate::interchange::scores;
use crate::project::Project;

/// Group pictures by the label intensities of a run or any feature set, write or keep the clusters, and score them.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    #[command(flatten)]
    source: SourceArguments,
    /// Number of clusters.
    #[arg(long, short)]
    k: usize,
    /// How: k-means, spherical-k-means, agglomerative-ward, -average, -complete or -single, spectral or spectral-gaussian.
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
    /// Keep the clustering in the project under this name; `atmoscope clusterings` shows what was kept.
    #[arg(long)]
    name: Option<String>,
    /// The CSV to write every score to: score, study, condition, rater, value …
    #[arg(long, value_name = "CSV")]
    scores: Option<PathBuf>,
    #[command(flatten)]
    sorts: SortArguments,
    #[command(flatten)]
    replacing: super::Replacing,
}

/// Which features.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct SourceArguments {
    /// The run whose label intensities are clustered.
    #[arg(long, value_name = "ID")]
    run: Option<i64>,
    /// The feature set that is clustered; `atmoscope features list` shows what there is.
    #[arg(long, value_name = "SET")]
    features: Option<String>,
}

impl SourceArguments {
    fn source(&self, project: &Project) -> Result<FeatureSource> {
        match (&self.features, self.run) {
            (Some(name), _) => project.feature_source(name),
            (None, Some(run)) => Ok(FeatureSource::Run(RunId(run))),
            (None, None) => Err(Error::user("say which features: --run ID or --features SET")),
        }
    }
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let mut project = match &arguments.name {
        Some(name) => {
            let project = super::open_to_write(&arguments.dir)?;
            // A name that is taken is an error before the work, not after.
            project.free_clustering_name(name)?;
            project
        }
        None => super::open_as_possible(&arguments.dir)?,
    };
    let source = arguments.source.source(&project)?;
    let existing = arguments.replacing.existing();
    let allowed = |path: &PathBuf| OutputFile::new(Some(&project), path, FileKind::Csv, existing);
    let out = arguments.out.as_ref().map(allowed).transpose()?;
    let scores = arguments.scores.as_ref().map(allowed).transpose()?;
    let cancel = super::cancel_on_interrupt();
    let (matrix, unreadable) = features::of(&mut project, source, arguments.part, &output.terminal, &cancel)?;
    let clustering = cluster::run(&matrix, arguments.method, arguments.k, arguments.seed, &cancel)?;
    let made = cluster::Made { features: source, part: arguments.part, method: arguments.method, seed: arguments.seed };
    if let Some(out) = &out {
        cluster::write(&project, &matrix, &clustering, &made, out)?;
    }
    if let Some(name) = &arguments.name {
        cluster::keep(&mut project, name, &matrix, &clustering, &made)?;
    }
    let references = cluster::references(&project, source, &arguments.sorts.choice(None))?;
    let report =
        score::run(&matrix.image_ids, matrix.view()?, &clustering.assignments, &references, arguments.seed, &cancel)?;
    if let Some(file) = &scores {
        file.write(|target| scores::write(&report.rows(), target))?;
    }
    let value = json!({
        "run": features::run_of(source), "features": features::name_of(&project, source)?, "method": arguments.method, "k": arguments.k, "seed": arguments.seed, "part": arguments.part, "sse": clustering.sse,
        "sizes": clustering.sizes, "unreadable": unreadable, "scores": report,
    });
    output.print(&value, || {
        let sizes: Vec<String> = clustering.sizes.iter().map(ToString::to_string).collect();
        format!("Cluster sizes: {}\n{}", sizes.join(", "), score_table::text(std::slice::from_ref(&report)))
    })
}
