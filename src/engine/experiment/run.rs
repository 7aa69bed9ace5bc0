//! Carrying an experiment out: what it needs is made or found, then each cell that is missing is computed and kept.
//!
//! Everything that can be checked is checked before anything long begins. Nothing is computed twice: cells and features of
//! an earlier start are taken up, a training of the same settings and data is found again, and features that come out as a
//! kept set are that set.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use serde::Serialize;
use toml::{Table, Value};

use super::cell::{Cell, CellKey};
use super::manifest::{Manifest, first_of};
use super::plan::{MethodPlan, Plan, TRAIN, typed};
use super::store::{Kept, Made, Record, Store};
use super::tables::{self, Ceiling};
use crate::dataset::{Part, first_occasions};
use crate::engine::jobs::intensities::Unreadable;
use crate::engine::jobs::{cluster, features, train};
use crate::engine::makers::{self, Maker};
use crate::error::{Error, Result};
use crate::features::{FeatureMatrix, FeatureSource, store as feature_store};
use crate::progress::{Cancel, Stage};
use crate::project::Project;
use crate::training::{TrainingConfiguration, TrainingObserver};

/// An experiment that came to its end.
#[derive(Clone, Debug, Serialize)]
pub struct Finished {
    /// What was asked.
    pub record: Record,
    /// The plan with one method for each value that was varied.
    pub plan: Plan,
    /// What was made for it.
    pub made: Vec<Made>,
    /// Every cell, in the order of the plan.
    pub cells: Vec<Cell>,
    /// What raters reach among themselves.
    pub ceilings: Vec<Ceiling>,
    /// Pictures that lack features of some method, and why.
    pub left_out: Unreadable,
}

/// What an experiment would take.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Cells in all.
    pub cells: usize,
    /// Cells that an earlier start has computed.
    pub cells_there: usize,
    /// Features that have to be made or trained, by name in the plan, with the number of seeds.
    pub to_make: BTreeMap<String, usize>,
}

/// Whether cells and features of an earlier start are taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// They are.
    WhatIsThere,
    /// Everything is made anew, to compare.
    Scratch,
}

/// Checks a plan against the project: the plan with one method for each value that is varied.
///
/// # Errors
/// `Config` or `User`, naming what cannot be done.
pub fn checked(project: &Project, plan: &Plan) -> Result<Plan> {
    let labels: Vec<String> = project.labels()?.into_iter().map(|label| label.name).collect();
    let plan = plan.expanded(&labels)?;
    let part = plan.clustered_part()?;
    let mut sources = Vec::new();
    for (name, settings) in &plan.features {
        match settings.get("maker").and_then(Value::as_str) {
            Some(TRAIN) => {
                let configuration = configuration(name, settings, 1)?;
                configuration.check_labels(labels.iter().map(String::as_str)).map_err(|error| about(name, error))?;
                if labels.is_empty() {
                    return Err(
                        Error::user("there are no labels to learn").hint("import labels, or label some pictures first")
                    );
                }
            }
            Some(maker) => {
                let arguments = arguments(project, &plan, name, settings, 1, |part| Ok(part.to_owned()))?;
                Maker::typed(maker, &arguments).map_err(|error| about(name, error))?;
            }
            None => {}
        }
        if let Some(set) = settings.get("set").and_then(Value::as_str) {
            sources.push(project.feature_source(set)?);
        }
        for part in plan.parts_of(name).into_iter().filter(|part| !plan.features.contains_key(*part)) {
            sources.push(project.feature_source(part)?);
        }
    }
    for method in plan.methods.iter().filter(|method| !plan.features.contains_key(&method.features)) {
        sources.push(project.feature_source(&method.features)?);
    }
    let makes = plan.features.values().any(|settings| settings.contains_key("maker"));
    if makes && project.current_split()?.is_none() {
        return Err(Error::user("there is no split that says what is learnt from and what is clustered")
            .hint("split the pictures first: `atmoscope split`"));
    }
    let images: usize = match part {
        cluster::ClusteredPart::All => project.images()?.iter().filter(|image| image.set_aside.is_none()).count(),
        cluster::ClusteredPart::Test => match project.current_split()? {
            Some(split) => split.images_of(Part::Test).len(),
            None => 0,
        },
    };
    let mut fewest = if makes || sources.is_empty() { images } else { usize::MAX };
    for source in sources {
        fewest = fewest.min(features::images_of(project, source, part)?.len());
    }
    if let Some(many) = plan.clusters.iter().find(|&&clusters| clusters > fewest) {
        return Err(Error::user(format!("{many} clusters cannot be made of the {fewest} pictures of the {part} part"))
            .hint("ask for fewer clusters, or split again with a larger test part"));
    }
    let taken = project.groupings_taken(&plan.sort_choice())?;
    if let Some(authors) = plan.authors.as_ref().filter(|authors| !taken.iter().any(|of| of.rater == **authors)) {
        let raters: std::collections::BTreeSet<&str> = taken.iter().map(|of| of.rater.as_str()).collect();
        return Err(Error::user(format!("there are no groupings by “{authors}” to stand for the authors'"))
            .hint(format!("there are groupings by {}", raters.into_iter().collect::<Vec<_>>().join(", "))));
    }
    Ok(plan)
}

/// What carrying a plan out would take.
///
/// # Errors
/// As [`checked`], and those of [`Store::read`].
pub fn cost(project: &Project, name: &str, plan: &Plan) -> Result<Cost> {
    let expanded = checked(project, plan)?;
    let kept = store_of(project, name)?.read()?.filter(|kept| kept.record.plan == *plan);
    let there: HashSet<&CellKey> = kept.iter().flat_map(|kept| &kept.cells).map(|cell| &cell.key).collect();
    let wanted: Vec<CellKey> = cells_of(&expanded).into_iter().map(|(_, key)| key).collect();
    let mut to_make: BTreeMap<String, usize> = BTreeMap::new();
    let missing: HashSet<(&str, u64)> = (cells_of(&expanded).iter())
        .filter(|(_, key)| !there.contains(key))
        .map(|(method, key)| (expanded.methods[*method].features.as_str(), key.seed))
        .collect();
    for (name, settings) in &expanded.features {
        let is_made = |seed: Option<u64>| {
            kept.iter().flat_map(|kept| &kept.made).any(|made| made.features == *name && made.seed == seed)
        };
        let seeds: HashSet<Option<u64>> = (missing.iter())
            .filter(|(of, _)| is_behind(&expanded, name, of))
            .map(|(_, seed)| is_seeded(&expanded, name).then_some(*seed))
            .filter(|seed| settings.contains_key("maker") && !is_made(*seed))
            .collect();
        if !seeds.is_empty() {
            to_make.insert(name.clone(), seeds.len());
        }
    }
    let cells_there = wanted.iter().filter(|key| there.contains(key)).count();
    Ok(Cost { cells: wanted.len(), cells_there, to_make })
}

/// True where features are `name` or made of it.
fn is_behind(plan: &Plan, name: &str, of: &str) -> bool {
    name == of || plan.parts_of(of).into_iter().any(|part| is_behind(plan, name, part))
}

/// Carries a plan out under a name, or goes on with it.
///
/// # Errors
/// As [`checked`]; `User` where an experiment of this name asked something else, or the project changed since it was
/// begun; those of makers, training and scores; `Cancelled`.
pub fn run(
    project: &mut Project,
    name: &str,
    plan: &Plan,
    observer: &dyn TrainingObserver,
    cancel: &Cancel,
) -> Result<Finished> {
    let store = store_of(project, name)?;
    run_in(project, &store, name, plan, From::WhatIsThere, observer, cancel)
}

/// As [`run`], kept in any folder; `from` says whether what is there is taken up.
///
/// # Errors
/// As there.
pub fn run_in(
    project: &mut Project,
    store: &Store,
    name: &str,
    plan: &Plan,
    from: From,
    observer: &dyn TrainingObserver,
    cancel: &Cancel,
) -> Result<Finished> {
    let expanded = checked(project, plan)?;
    let manifest = Manifest::of(project)?;
    let Kept { record, made, cells } = match store.read()? {
        Some(kept) => {
            taken_up(&kept.record, plan, &manifest)?;
            store.mend()?;
            observer.note(&format!("Goes on: {} cells are there", kept.cells.len()));
            kept
        }
        None => {
            let record = Record::new(name.to_owned(), plan.clone(), manifest, crate::project::now());
            store.begin(&record)?;
            Kept { record, made: Vec::new(), cells: Vec::new() }
        }
    };
    let mut carried = Carried { plan: &expanded, name, from, store, made, sources: HashMap::new() };
    let mut found: HashMap<CellKey, Cell> = cells.into_iter().map(|cell| (cell.key.clone(), cell)).collect();
    let wanted = cells_of(&expanded);
    let stage = Stage::new("Experiment", wanted.len());
    let part = expanded.clustered_part()?;
    let mut left_out: Unreadable = Vec::new();
    // All numbers of clusters of a method and seed together, since they share their features.
    for of_one in wanted.chunk_by(|a, b| a.0 == b.0 && a.1.seed == b.1.seed) {
        let missing: Vec<&CellKey> = of_one.iter().map(|(_, key)| key).filter(|key| !found.contains_key(key)).collect();
        let Some(first) = missing.first() else { continue };
        observer.progress(stage.at(found.len()));
        let method = &expanded.methods[of_one[0].0];
        let source = carried.source(project, &method.features, first.seed, observer, cancel)?;
        let (matrix, lacking) = features::of(project, source, part, observer, cancel)?;
        left_out.extend(lacking);
        let references = cluster::references(project, source, &expanded.sort_choice())?;
        let clusterer = method.clusterer()?;
        let computed: Vec<Cell> = missing
            .into_par_iter()
            .map(|key| Cell::compute(key.clone(), (&method.features, &matrix), clusterer, &references, cancel))
            .collect::<Result<_>>()?;
        for cell in computed {
            store.add_cell(&cell)?;
            found.insert(cell.key.clone(), cell);
        }
    }
    observer.progress(stage.at(wanted.len()));
    let cells: Vec<Cell> = wanted.iter().filter_map(|(_, key)| found.remove(key)).collect();
    let mut sorts = first_occasions(project.rater_sorts(&expanded.sort_choice())?);
    sorts.retain(|sort| expanded.authors.as_ref() != Some(&sort.rater));
    let images = cells.first().map(|cell| cell.images.clone()).unwrap_or_default();
    let ceilings = tables::ceilings(&sorts, &images, cancel)?;
    left_out.sort();
    left_out.dedup();
    Ok(Finished { record, made: carried.made, plan: expanded, cells, ceilings, left_out })
}

/// The folder of the experiment called `name`.
///
/// # Errors
/// `User` for a name that cannot be a folder's.
pub fn store_of(project: &Project, name: &str) -> Result<Store> {
    let allowed = |letter: char| letter.is_alphanumeric() || " -_.,+".contains(letter);
    if name.is_empty() || name.len() > 100 || name.starts_with([' ', '.']) || !name.chars().all(allowed) {
        return Err(Error::user(format!("“{name}” cannot be the name of an experiment"))
            .hint("take letters, digits, spaces, - and _"));
    }
    Ok(Store::at(project.folder().join("experiments").join(name)))
}

/// Refuses to go on with what was asked or meant otherwise.
fn taken_up(record: &Record, plan: &Plan, manifest: &Manifest) -> Result<()> {
    if record.plan != *plan {
        return Err(Error::user(format!("there is an experiment “{}” that asked something else", record.name))
            .hint("give this one another name with --name"));
    }
    let differences = record.manifest.differences(manifest);
    if !differences.is_empty() {
        return Err(Error::user(format!(
            "the project changed since the experiment “{}” was begun:\n{}",
            record.name,
            first_of(&differences)
        ))
        .hint("do it under another name with --name, or put back what changed"));
    }
    Ok(())
}

/// Every cell of a plan with the number of its method, in the order of the plan: where no seed matters, only the first.
fn cells_of(plan: &Plan) -> Vec<(usize, CellKey)> {
    let mut cells = Vec::new();
    for (number, method) in plan.methods.iter().enumerate() {
        let seeded = is_seeded(plan, &method.features) || method.clusterer().is_ok_and(|way| way.0.is_seeded);
        for &seed in plan.seeds.iter().take(if seeded { usize::MAX } else { 1 }) {
            cells.extend(
                plan.clusters.iter().map(|&clusters| (number, CellKey { method: method.name.clone(), clusters, seed })),
            );
        }
    }
    cells
}

/// True where another seed gives other features.
fn is_seeded(plan: &Plan, name: &str) -> bool {
    let Some(settings) = plan.features.get(name) else { return false };
    let own = match settings.get("maker").and_then(Value::as_str) {
        _ if settings.contains_key("seed") => false,
        Some(TRAIN) => true,
        Some(maker) => Maker::is_seeded(maker),
        None => false,
    };
    own || plan.parts_of(name).into_iter().any(|part| is_seeded(plan, part))
}

/// The settings of a training.
fn configuration(name: &str, settings: &Table, seed: u64) -> Result<TrainingConfiguration> {
    let mut table = settings.clone();
    table.remove("maker");
    let seed = i64::try_from(seed).map_err(|_| Error::config(format!("the seed {seed} is too large")))?;
    table.entry("seed").or_insert(Value::Integer(seed));
    let text = toml::to_string(&table).map_err(|error| Error::internal(error.to_string()))?;
    TrainingConfiguration::from_toml(&text).map_err(|error| about(name, error))
}

fn about(name: &str, mut error: Error) -> Error {
    error.message = format!("the experiment: features “{name}”: {}", error.message);
    error
}

/// What a maker is told, as it would be typed; `real` gives what a part of the plan is called in the project.
fn arguments(
    project: &Project,
    plan: &Plan,
    name: &str,
    settings: &Table,
    seed: u64,
    real: impl Fn(&str) -> Result<String>,
) -> Result<Vec<String>> {
    let maker = settings.get("maker").and_then(Value::as_str).unwrap_or_default();
    let mut arguments = vec![project.folder().to_string_lossy().into_owned(), "--name=of the experiment".to_owned()];
    for (key, values) in typed(name, settings)? {
        if values.is_empty() {
            arguments.push(key.clone());
        }
        for value in values {
            let value = match (key.as_str(), plan.named(&value)) {
                ("--of", (part, None)) => real(part)?,
                ("--of", (part, Some(weight))) => format!("{}={weight}", real(part)?),
                _ => value,
            };
            arguments.push(format!("{key}={value}"));
        }
    }
    if Maker::is_seeded(maker) && !settings.contains_key("seed") {
        arguments.push(format!("--seed={seed}"));
    }
    Ok(arguments)
}

/// An experiment while it is carried out.
struct Carried<'a> {
    plan: &'a Plan,
    name: &'a str,
    from: From,
    store: &'a Store,
    made: Vec<Made>,
    sources: HashMap<(String, Option<u64>), FeatureSource>,
}

impl Carried<'_> {
    /// The features called `name` in the plan, made if they are not there yet.
    fn source(
        &mut self,
        project: &mut Project,
        name: &str,
        seed: u64,
        observer: &dyn TrainingObserver,
        cancel: &Cancel,
    ) -> Result<FeatureSource> {
        let Some(settings) = self.plan.features.get(name) else { return project.feature_source(name) };
        if let Some(set) = settings.get("set").and_then(Value::as_str) {
            return project.feature_source(set);
        }
        let of_seed = is_seeded(self.plan, name).then_some(seed);
        let key = (name.to_owned(), of_seed);
        if let Some(&source) = self.sources.get(&key) {
            return Ok(source);
        }
        let is_it = |made: &&Made| made.features == name && made.seed == of_seed;
        if let Some(made) = self.made.iter().rev().find(is_it)
            && features::facts(project, made.source).is_ok_and(|facts| facts == made.facts)
        {
            self.sources.insert(key, made.source);
            return Ok(made.source);
        }
        cancel.check()?;
        let source = if settings.get("maker").and_then(Value::as_str) == Some(TRAIN) {
            let configuration = configuration(name, settings, seed)?;
            FeatureSource::Run(self.trained(project, &configuration, observer, cancel)?)
        } else {
            self.make(project, name, settings, seed, observer, cancel)?
        };
        let facts = features::facts(project, source)?;
        let values_hash = match source {
            FeatureSource::Run(_) => None,
            FeatureSource::Set(set) => Some(values_hash(&project.feature_set_matrix(set)?)),
        };
        let made = Made { features: name.to_owned(), seed: of_seed, source, facts, values_hash };
        self.store.add_made(&made)?;
        self.made.push(made);
        self.sources.insert(key, source);
        Ok(source)
    }

    /// A finished training of these settings: one that is there, or a new one.
    fn trained(
        &self,
        project: &mut Project,
        configuration: &TrainingConfiguration,
        observer: &dyn TrainingObserver,
        cancel: &Cancel,
    ) -> Result<crate::ids::RunId> {
        let order = match self.from {
            From::Scratch => train::Order::New(Box::new(configuration.clone())),
            From::WhatIsThere => match train::known(project, configuration, cancel)? {
                train::Known::Finished(run) => return Ok(run),
                train::Known::Unfinished(run) => train::Order::Resume(run),
                train::Known::Not => train::Order::New(Box::new(configuration.clone())),
            },
        };
        let report = train::carry_out(project, &order, &|_| {}, observer, cancel)?;
        if cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        Ok(report.run)
    }

    /// A feature set made by a maker; where it comes out as one that is kept, that one.
    fn make(
        &mut self,
        project: &mut Project,
        name: &str,
        settings: &Table,
        seed: u64,
        observer: &dyn TrainingObserver,
        cancel: &Cancel,
    ) -> Result<FeatureSource> {
        let mut real: HashMap<String, String> = HashMap::new();
        for part in self.plan.parts_of(name) {
            let source = self.source(project, part, seed, observer, cancel)?;
            let called = match source {
                FeatureSource::Run(_) => source.to_string(),
                FeatureSource::Set(set) => project.feature_set(set)?.name,
            };
            real.insert(part.to_owned(), called);
        }
        let called = |part: &str| Ok(real.get(part).cloned().unwrap_or_else(|| part.to_owned()));
        let typed = arguments(project, self.plan, name, settings, seed, called)?;
        let maker = settings.get("maker").and_then(Value::as_str).unwrap_or_default();
        let recipe = Maker::typed(maker, &typed).and_then(|maker| maker.recipe(project));
        let made = makers::make(project, recipe.map_err(|error| about(name, error))?, observer, cancel)?;
        let hash = blake3::hash(&feature_store::to_bytes(&made.matrix)?).to_hex().to_string();
        let same = project.feature_sets()?.into_iter().find(|set| set.file_hash == hash && set.recipe == made.recipe);
        if let Some(set) = same {
            return Ok(FeatureSource::Set(set.id));
        }
        let seed = if is_seeded(self.plan, name) { format!(", seed {seed}") } else { String::new() };
        let wanted = format!("{}: {name}{seed}", self.name);
        let free = (1..)
            .map(|number| if number == 1 { wanted.clone() } else { format!("{wanted} ({number})") })
            .find(|name| project.free_feature_set_name(name).is_ok())
            .ok_or_else(|| Error::internal("no name is free"))?;
        Ok(FeatureSource::Set(project.add_feature_set(&free, &made.recipe, &made.matrix)?))
    }
}

fn values_hash(matrix: &FeatureMatrix) -> String {
    let bytes: Vec<u8> = matrix.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    blake3::hash(&bytes).to_hex().to_string()
}

/// The method's plan of a cell.
pub fn method_of<'a>(plan: &'a Plan, key: &CellKey) -> Option<&'a MethodPlan> {
    plan.methods.iter().find(|method| method.name == key.method)
}
