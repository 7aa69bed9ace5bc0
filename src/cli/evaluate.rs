//! `atmoscope evaluate`: score clusters from plain files, without a project.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Common;
use super::output::Output;
use super::score_table;
use crate::engine::jobs::counted;
use crate::engine::jobs::score::{self, ReferenceGrouping};
use crate::error::{Error, Result};
use crate::features::FeatureMatrix;
use crate::ids::ImageId;
use crate::interchange::features_csv::FeatureTable;
use crate::interchange::{Problem, assignments, features_csv, groupings, npy, read_file};

/// Score clusters against features and groups made by people, all from plain files.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Features: a CSV with `image`, then one column for each feature; or a .npy written by `atmoscope features`.
    #[arg(long, value_name = "FILE")]
    features: PathBuf,
    /// Clusters: a CSV with `image,cluster`.
    #[arg(long, value_name = "CSV")]
    assignments: PathBuf,
    /// Groups made by people: a CSV with `rater,condition,image,group`.
    #[arg(long, value_name = "CSV")]
    groups: Option<PathBuf>,
    /// Seed of shuffles and samples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    pub common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let features = read_features(&arguments.features)?;
    let assigned = {
        let parsed = assignments::parse(&read_file(&arguments.assignments)?);
        refuse(&arguments.assignments, &parsed.problems)?;
        parsed.value
    };
    let clusters: HashMap<&str, usize> = assigned.iter().map(|row| (row.image.as_str(), row.cluster)).collect();
    let missing = features.images.iter().find(|image| !clusters.contains_key(image.as_str()));
    if let Some(image) = missing {
        return Err(Error::user(format!("{} has no cluster for “{image}”", arguments.assignments.display()))
            .hint("give the features of the very pictures that were clustered"));
    }
    let with_features: HashSet<&str> = features.images.iter().map(String::as_str).collect();
    if let Some(row) = assigned.iter().find(|row| !with_features.contains(row.image.as_str())) {
        let (file, line) = (arguments.assignments.display(), row.line);
        return Err(Error::user(format!("{file}, line {line}: there are no features of “{}”", row.image))
            .hint("give the features of the very pictures that were clustered"));
    }
    let references = match &arguments.groups {
        Some(file) => read_groupings(file)?,
        None => Vec::new(),
    };
    // Clusters may carry any numbers; scores count them from 0.
    let mut numbers: Vec<usize> = assigned.iter().map(|row| row.cluster).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let assignments: Vec<usize> = features
        .images
        .iter()
        .map(|image| numbers.binary_search(&clusters[image.as_str()]).unwrap_or_default())
        .collect();
    let ids = (0..features.images.len() as i64).map(ImageId).collect();
    let matrix = FeatureMatrix::new(ids, features.names.clone(), features.values.clone())?;
    let values = matrix.to_array();
    let cancel = super::cancel_on_interrupt();
    let report = score::run(&features.images, values.view(), &assignments, &references, arguments.seed, &cancel)?;
    output.print(&report, || score_table::text(std::slice::from_ref(&report)))
}

fn refuse(file: &Path, problems: &[Problem]) -> Result<()> {
    let Some(first) = problems.first() else { return Ok(()) };
    let more = match problems.len() - 1 {
        0 => String::new(),
        more => format!(" (and {})", counted(more, "more problem")),
    };
    Err(Error::user(format!("{}, line {}: {}{more}", file.display(), first.line, first.message))
        .hint("mend the file and try again"))
}

fn read_features(file: &Path) -> Result<FeatureTable> {
    let table = if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy")) {
        npy::read_files(file)?
    } else {
        let parsed = features_csv::parse(&read_file(file)?);
        refuse(file, &parsed.problems)?;
        parsed.value
    };
    if table.images.is_empty() || table.names.is_empty() {
        return Err(Error::user(format!("{} holds no features", file.display()))
            .hint("it should hold one row for each picture, and beside `image` one column for each feature"));
    }
    Ok(table)
}

fn read_groupings(file: &Path) -> Result<Vec<ReferenceGrouping<String>>> {
    let parsed = groupings::parse(&read_file(file)?);
    refuse(file, &parsed.problems)?;
    if parsed.value.is_empty() {
        return Err(Error::user(format!("{} holds no groups", file.display()))
            .hint("it should hold one row for each picture that a rater placed"));
    }
    let mut groupings: BTreeMap<(String, String), BTreeMap<String, String>> = BTreeMap::new();
    for row in parsed.value {
        groupings.entry((row.condition, row.rater)).or_default().insert(row.image, row.group);
    }
    Ok(groupings
        .into_iter()
        .map(|((condition, rater), groups)| ReferenceGrouping { rater, condition, groups })
        .collect())
}
