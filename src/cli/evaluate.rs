//! `atmoscope evaluate`: score clusters from plain files, or features and clusterings that a project keeps.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use clap::Args;

use super::output::Output;
use super::score_table;
use super::sort_choice::SortArguments;
use crate::dataset::{RaterSort, first_occasions};
use crate::engine::jobs::cluster;
use crate::engine::jobs::features;
use crate::engine::jobs::score::{self, LearntFrom, References, ScoreReport};
use crate::engine::jobs::{counted, counted_as};
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::features::FeatureMatrix;
use crate::ids::ImageId;
use crate::interchange::assignments::AssignmentRow;
use crate::interchange::features_csv::FeatureTable;
use crate::interchange::{Problem, Separator, about, assignments, features_csv, groupings, npy, read_file, scores};
use crate::progress::Cancel;
use crate::project::Project;

/// Score clusters against features and groups made by people: all from plain files, or with --project from what a project
/// keeps.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project that keeps the features, and the clustering and the groups where they are not given as files.
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
    /// Features: a CSV with `image`, then one column for each feature; or a .npy written by `atmoscope features`. With
    /// --project the name of a feature set, or run-3 for the label intensities of run 3; those that were clustered when
    /// left out.
    #[arg(long, value_name = "FILE", required_unless_present = "project")]
    features: Option<String>,
    /// Clusters: a CSV with `image,cluster`.
    #[arg(long, value_name = "CSV", required_unless_present = "clustering", conflicts_with = "clustering")]
    assignments: Option<PathBuf>,
    /// A clustering that the project keeps.
    #[arg(long, value_name = "NAME", requires = "project")]
    clustering: Option<String>,
    /// Groups made by people: a CSV with `rater,condition,image,group`; with --project the project's own when left out.
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
}

/// What is scored: the pictures, their features and clusters.
struct Clustered {
    images: Vec<String>,
    features: FeatureMatrix,
    assignments: Vec<usize>,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let project = arguments.project.as_deref().map(super::open_to_read).transpose()?;
    let existing = arguments.replacing.existing();
    let allowed = |path: &PathBuf| OutputFile::new(project.as_ref(), path, FileKind::Csv, existing);
    let out = arguments.out.as_ref().map(allowed).transpose()?;
    let cancel = super::cancel_on_interrupt();
    let report = match &project {
        Some(project) => of_project(arguments, project, &cancel)?,
        None => of_files(arguments, &cancel)?,
    };
    if let Some(file) = &out {
        file.write(|target| scores::write(&report.rows(), target))?;
    }
    output.print(&report, || score_table::text(std::slice::from_ref(&report)))
}

fn of_files(arguments: &Arguments, cancel: &Cancel) -> Result<ScoreReport> {
    let mut warnings = Vec::new();
    let (Some(features), Some(assignments)) = (&arguments.features, &arguments.assignments) else {
        return Err(Error::user("say which features and which clusters: --features FILE --assignments CSV"));
    };
    let features = read_features(Path::new(features), &mut warnings)?;
    let assigned = read_assignments(assignments, &mut warnings)?;
    let clusters: HashMap<&str, usize> = assigned.iter().map(|row| (row.image.as_str(), row.cluster)).collect();
    let missing = features.images.iter().find(|image| !clusters.contains_key(image.as_str()));
    if let Some(image) = missing {
        return Err(Error::user(format!("{} has no cluster for “{image}”", assignments.display()))
            .hint("give the features of the very pictures that were clustered"));
    }
    let with_features: HashSet<&str> = features.images.iter().map(String::as_str).collect();
    if let Some(row) = assigned.iter().find(|row| !with_features.contains(row.image.as_str())) {
        return Err(without_features(assignments, row));
    }
    let numbers = features.images.iter().map(|image| clusters[image.as_str()]).collect();
    let ids = (0..features.images.len() as i64).map(ImageId).collect();
    let matrix = FeatureMatrix::new(ids, features.names.clone(), features.values.clone())?;
    let clustered = Clustered { images: features.images, features: matrix, assignments: from_zero(numbers) };
    let references = match &arguments.groups {
        Some(file) => file_references(arguments, file, warnings)?,
        None if arguments.sorts.is_given() => {
            return Err(Error::user("--study, --without and --with-removed choose among groups made by people")
                .hint("give the groups with --groups"));
        }
        None => References { sorts: Vec::new(), learnt_from: LearntFrom::default(), warnings },
    };
    let Clustered { images, features, assignments } = clustered;
    score::run(&images, features.view()?, &assignments, &references, arguments.seed, cancel)
}

fn of_project(arguments: &Arguments, project: &Project, cancel: &Cancel) -> Result<ScoreReport> {
    let mut warnings = Vec::new();
    let kept = arguments.clustering.as_ref().map(|name| project.clustering_named(name)).transpose()?;
    let source = match (&arguments.features, &kept) {
        (Some(name), _) => project.feature_source(name)?,
        (None, Some(kept)) => kept.features,
        (None, None) => {
            return Err(Error::user("say which features: --features SET").hint(
                "`atmoscope features list DIR` shows what there is; run-3 names the label intensities of run 3",
            ));
        }
    };
    let (features, assignments) = match (&kept, &arguments.assignments) {
        (Some(kept), _) => {
            let opened = cluster::open(project, kept.id, source)?;
            if opened.missing > 0 {
                let missing = counted(opened.missing, "picture");
                warnings.push(format!("{missing} of the clustering left out: the features have no row for them"));
            }
            (opened.features, opened.clustering.assignments)
        }
        (None, Some(file)) => {
            let assigned = read_assignments(file, &mut warnings)?;
            let names = project.image_names()?;
            let known = names.by_path();
            let mut clusters = HashMap::new();
            for row in &assigned {
                let image = known.get(row.image.as_str()).copied();
                let image = image.ok_or_else(|| {
                    Error::user(format!("{}, line {}: there is no picture “{}”", file.display(), row.line, row.image))
                        .hint("pictures are named by their paths below the folder they were imported from")
                })?;
                clusters.insert(image, row.cluster);
            }
            let images: Vec<ImageId> = project.images()?.into_iter().map(|image| image.id).collect();
            let clustered: Vec<ImageId> = images.into_iter().filter(|image| clusters.contains_key(image)).collect();
            let matrix = features::stored(project, source, &clustered)?;
            if matrix.rows() < clustered.len() {
                let there: HashSet<&str> = matrix.image_ids.iter().filter_map(|image| names.get(*image)).collect();
                let lacking = assigned.iter().find(|row| !there.contains(row.image.as_str()));
                return Err(lacking.map_or_else(|| Error::internal("rows differ"), |row| without_features(file, row)));
            }
            let numbers = matrix.image_ids.iter().map(|image| clusters[image]).collect();
            (matrix, from_zero(numbers))
        }
        (None, None) => return Err(Error::user("say which clusters: --clustering NAME or --assignments CSV")),
    };
    let values = features.view()?;
    match &arguments.groups {
        Some(file) => {
            let names = project.image_names()?;
            let images: Vec<String> = features.image_ids.iter().map(|image| names.shown(*image)).collect();
            let references = file_references(arguments, file, warnings)?;
            score::run(&images, values, &assignments, &references, arguments.seed, cancel)
        }
        None => {
            let mut references = cluster::references(project, source, &arguments.sorts.choice(None))?;
            references.warnings.extend(warnings);
            score::run(&features.image_ids, values, &assignments, &references, arguments.seed, cancel)
        }
    }
}

fn without_features(file: &Path, row: &AssignmentRow) -> Error {
    Error::user(format!("{}, line {}: there are no features of “{}”", file.display(), row.line, row.image))
        .hint("give the features of the very pictures that were clustered")
}

/// Clusters may carry any numbers; scores count them from 0.
fn from_zero(clusters: Vec<usize>) -> Vec<usize> {
    let mut numbers = clusters.clone();
    numbers.sort_unstable();
    numbers.dedup();
    clusters.iter().map(|cluster| numbers.binary_search(cluster).unwrap_or_default()).collect()
}

fn read_assignments(file: &Path, warnings: &mut Vec<String>) -> Result<Vec<AssignmentRow>> {
    let bytes = read_file(file)?;
    tell(file, &bytes, warnings);
    let parsed = assignments::parse(&bytes);
    refuse(file, &parsed.problems)?;
    Ok(parsed.value)
}

/// What raters of a file did the first time.
fn file_references(arguments: &Arguments, file: &Path, mut warnings: Vec<String>) -> Result<References<String>> {
    let sorts = arguments.sorts.choice(None).choose(read_groupings(file, &mut warnings)?)?;
    let retests = sorts.iter().filter(|sort| sort.occasion > 1).count();
    if retests > 0 {
        let sorts = counted_as(retests, "sort of a second occasion is", "sorts of a second occasion are");
        warnings.push(format!("{sorts} left out; scores are against what a rater did the first time"));
    }
    Ok(References { sorts: first_occasions(sorts), learnt_from: LearntFrom::default(), warnings })
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
