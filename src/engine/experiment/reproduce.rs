//! Repeating an experiment from its record, and saying what differs: pictures, labels, groupings, weights and settings by
//! name, then number by number.
//!
//! Every file is compared with its hash, every network is trained again, every set made again, every cell computed again;
//! what is there is not taken up. Numbers must be the same to the bit on the same kind of machine; elsewhere the largest
//! difference says how far they are off.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::manifest::Manifest;
use super::report::Kept;
use super::rows::ExperimentRow;
use super::run::{From, run_in};
use super::store::{Made, Store};
use crate::engine::jobs::check_files;
use crate::error::{Error, Result};
use crate::progress::Cancel;
use crate::project::Project;
use crate::training::TrainingObserver;

/// What came of repeating.
#[derive(Clone, Debug, Serialize)]
pub struct Reproduction {
    /// The experiment.
    pub name: String,
    /// Pictures, labels, groupings and parts that are not as they were.
    pub data: Vec<String>,
    /// Weights, settings and numbers of features that are not as they were.
    pub made: Vec<String>,
    /// Numbers that were compared.
    pub numbers: usize,
    /// Those that differ.
    pub different: Vec<DifferentNumber>,
    /// The largest difference, where there is one.
    pub largest: Option<f64>,
}

impl Reproduction {
    /// True where nothing differs.
    pub fn is_same(&self) -> bool {
        self.data.is_empty() && self.made.is_empty() && self.different.is_empty()
    }
}

/// A number that is not what it was.
#[derive(Clone, Debug, Serialize)]
pub struct DifferentNumber {
    /// Which: method, K, seed, condition, rater, score.
    pub which: String,
    /// What it was; none where there was none.
    pub was: Option<f64>,
    /// What it is; none where there is none.
    pub is: Option<f64>,
}

/// Repeats an experiment.
///
/// # Errors
/// As [`run`](super::run()); `Data` for a record of a newer version.
pub fn reproduce(
    project: &mut Project,
    kept: &Kept,
    observer: &dyn TrainingObserver,
    cancel: &Cancel,
) -> Result<Reproduction> {
    // A picture that was exchanged behind our back is found here.
    let files = check_files::run(project, observer, cancel)?;
    let mut data = kept.record.manifest.differences(&Manifest::of(project)?);
    let names = project.image_names()?;
    let not_as_imported = files.missing.iter().chain(&files.changed);
    data.extend(
        not_as_imported.filter_map(|image| Some(format!("{}: {}", names.shown(*image), files.reason(*image)?))),
    );
    for difference in &data {
        observer.note(&format!("Differs: {difference}"));
    }
    let folder = tempfile::tempdir().map_err(|error| Error::io(&std::env::temp_dir(), error))?;
    let store = Store::at(folder.path().join("experiment"));
    let again = run_in(project, &store, &kept.record.name, &kept.record.plan, From::Scratch, observer, cancel)?;
    let again = Kept::of(&again);
    let (numbers, different) = compared(&kept.rows, &again.rows);
    let differences = different.iter().filter_map(|number| Some((number.was? - number.is?).abs()));
    let largest = differences.fold(None, |most: Option<f64>, by| Some(most.map_or(by, |most| most.max(by))));
    Ok(Reproduction {
        name: kept.record.name.clone(),
        data,
        made: made_differences(&kept.made, &again.made),
        numbers,
        different,
        largest,
    })
}

/// What is otherwise in the features that were made.
fn made_differences(before: &[Made], now: &[Made]) -> Vec<String> {
    let mut found = Vec::new();
    for made in before {
        let seed = made.seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
        let called = format!("features “{}”{seed}", made.features);
        let Some(again) = now.iter().find(|other| other.features == made.features && other.seed == made.seed) else {
            found.push(format!("{called} were not made again"));
            continue;
        };
        if made.values_hash != again.values_hash {
            found.push(format!("{called}: their numbers are others"));
        }
        // What they are called, and the number of a run, say nothing of what is in them.
        let told = |name: &&String| !["features", "run", "features_hash"].contains(&name.as_str());
        for name in made.facts.keys().filter(told) {
            let (was, is) = (&made.facts[name], again.facts.get(name).unwrap_or(&Value::Null));
            if plain(was) != plain(is) {
                found.push(format!("{called}: {} was {}, and is {}", name.replace('_', " "), shown(was), shown(is)));
            }
        }
    }
    found
}

/// A recipe without the numbers by which the project knows runs and sets.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(name, _)| *name != "of" && *name != "run")
                .map(|(n, v)| (n.clone(), plain(v)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        other => other.clone(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

/// How many numbers there are in either, and those that are not the same in both.
fn compared(before: &[ExperimentRow], now: &[ExperimentRow]) -> (usize, Vec<DifferentNumber>) {
    let key = |row: &ExperimentRow| {
        let parts = [
            Some(row.method.clone()),
            Some(format!("K = {}", row.clusters)),
            Some(format!("seed {}", row.seed)),
            row.study.clone(),
            row.condition.as_ref().map(|condition| format!("condition {condition}")),
            row.rater.clone(),
            Some(row.score.clone()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let mut all: BTreeMap<String, [Option<&ExperimentRow>; 2]> = BTreeMap::new();
    for (place, rows) in [before, now].into_iter().enumerate() {
        for row in rows {
            all.entry(key(row)).or_default()[place] = Some(row);
        }
    }
    let numbers = all.len();
    let different = all.into_iter().filter_map(|(which, [was, is])| {
        let value = |row: Option<&ExperimentRow>| row.and_then(|row| row.value);
        let facts =
            |row: Option<&ExperimentRow>| row.map(|row| (row.value, row.standard_deviation, row.raters, row.pictures));
        (facts(was) != facts(is)).then(|| DifferentNumber { which, was: value(was), is: value(is) })
    });
    (numbers, different.collect())
}
