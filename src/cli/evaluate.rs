//! `atmoscope evaluate`: score clusters from plain files, without a project.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Common;
use super::output::Output;
use super::score_table;
use super::sort_choice::SortArguments;
use crate::dataset::{RaterSort, first_occasions};
use crate::engine::jobs::score::{self, References};
use crate::engine::jobs::{counted, counted_as};
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::features::FeatureMatrix;
use crate::ids::ImageId;
use crate::interchange::features_csv::FeatureTable;
use crate::interchange::{Problem, Separator, about, assignments, features_csv, groupings, npy, read_file, scores};

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
    /// The CSV to write every score to: score, study, condition, rater, value …
    #[arg(long, value_name = "CSV")]
    out: Option<PathBuf>,
    #[command(flatten)]
    replacing: super::Replacing,
    #[command(flatten)]
    sorts: SortArguments,
    /// Seed of shuffles and samples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    pub common: Common,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let mut warnings = Vec::new();
    let existing = arguments.replacing.existing();
    let out = arguments.out.as_ref().map(|path| OutputFile::new(None, path, FileKind::Csv, existing)).transpose()?;
    let features = read_features(&arguments.features, &mut warnings)?;
    let assigned = {
        let bytes = read_file(&arguments.assignments)?;
        tell(&arguments.assignments, &bytes, &mut warnings);
        let parsed = assignments::parse(&bytes);
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
        Some(file) => {
            let sorts = arguments.sorts.choice(None).choose(read_groupings(file, &mut warnings)?)?;
            let retests = sorts.iter().filter(|sort| sort.occasion > 1).count();
            if retests > 0 {
                let sorts = counted_as(retests, "sort of a second occasion is", "sorts of a second occasion are");
                warnings.push(format!("{sorts} left out; scores are against what a rater did the first time"));
            }
            first_occasions(sorts)
        }
        None if arguments.sorts.is_given() => {
            return Err(Error::user("--study, --without and --with-removed choose among groups made by people")
                .hint("give the groups with --groups"));
        }
        None => Vec::new(),
    };
    let references = References { sorts: references, learnt_from: BTreeSet::new(), warnings };
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
    let cancel = super::cancel_on_interrupt();
    let report = score::run(&features.images, matrix.view()?, &assignments, &references, arguments.seed, &cancel)?;
    if let Some(file) = &out {
        file.write(|target| scores::write(&report.rows(), target))?;
    }
    output.print(&report, || score_table::text(std::slice::from_ref(&report)))
}

fn refuse(file: &Path, problems: &[Problem]) -> Result<()> {
    let Some(first) = problems.first() else { return Ok(()) };
    let more = match problems.len() - 1 {
        0 => String::new(),
        more => format!(" (and {})", counted(more, "more problem")),
    };
    Err(Error::user(format!("{}, line {}: {}{more}", file.display(), first.line, first.message))
        .hint("correct the file and try again"))
}

/// Tells what a file's description or its separator should let people know.
fn tell(file: &Path, bytes: &[u8], warnings: &mut Vec<String>) {
    warnings.extend(about::check(file, bytes).1);
    if let Some(note) = Separator::of(bytes).note() {
        warnings.push(format!("{}: {note}", file.display()));
    }
}

fn read_features(file: &Path, warnings: &mut Vec<String>) -> Result<FeatureTable> {
    let bytes = read_file(file)?;
    let table = if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy")) {
        warnings.extend(about::check(file, &bytes).1);
        npy::read_files(file, &bytes)?
    } else {
        tell(file, &bytes, warnings);
        let parsed = features_csv::parse(&bytes);
        refuse(file, &parsed.problems)?;
        parsed.value
    };
    if table.images.is_empty() || table.names.is_empty() {
        return Err(Error::user(format!("{} holds no features", file.display()))
            .hint("it should hold one row for each picture, and beside `image` one column for each feature"));
    }
    Ok(table)
}

fn read_groupings(file: &Path, warnings: &mut Vec<String>) -> Result<Vec<RaterSort<String>>> {
    let bytes = read_file(file)?;
    tell(file, &bytes, warnings);
    let parsed = groupings::parse(&bytes);
    refuse(file, &parsed.problems)?;
    if parsed.value.is_empty() {
        return Err(Error::user(format!("{} holds no groups", file.display()))
            .hint("it should hold one row for each picture that a rater placed"));
    }
    Ok(groupings::rater_sorts(parsed.value))
}
