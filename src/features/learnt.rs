//! Features learnt from groups that people made: for each group of each rater, how much a picture would belong to it.
//!
//! Raters' groups on pictures of the training part become columns, one for each rater, condition and group: 1 for its
//! members and 0 for the others, centred, and divided by the square root of its share, so that small groups count as much
//! as large ones. Ridge regression in closed form learns to tell them from any features, which are standardised and
//! brought to at most [`MOST_COMPONENTS`] principal components first, both fitted on training pictures. How strongly it is
//! held back (λ) is chosen on training pictures alone: what was learnt from the other raters and four fifths of the
//! pictures must foretell, of the last fifth, which of them a rater put together ([`pair_auc`] of the rows scaled to length 1).
//! With one rater only, the pictures alone are held back.
//!
//! Prior art: semi-crowdsourced clustering (Yi et al., NIPS 2012); linear maps of deep features to human similarity
//! (Peterson et al. 2018; Attarian et al. 2020; Muttenthaler et al. 2023).

use std::collections::{BTreeMap, BTreeSet};

use linfa_linalg::cholesky::SolveC;
use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::matrix::FeatureMatrix;
use crate::dataset::RaterSort;
use crate::eigen::{Dense, Eigen};
use crate::error::{Error, Result};
use crate::evaluation::pair_auc;
use crate::ids::ImageId;
use crate::progress::{Cancel, Observer, Stage};
use crate::random::generator;

/// Principal components at most.
pub const MOST_COMPONENTS: usize = 100;
/// The λ that are tried.
const LAMBDAS: [f64; 11] = [10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6];
/// Parts into which the pictures are divided to try them.
const FOLDS: usize = 5;
/// Pictures that a rater must have sorted.
const LEAST_IMAGES: usize = 2 * FOLDS;
/// Rows that are brought to components at a time.
const ROWS: usize = 1024;

/// How well a λ did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// The ridge's penalty.
    pub lambda: f64,
    /// Mean pair AUC over the raters who were held back, on pictures that were held back.
    pub pair_auc: f64,
}

/// What was learnt.
#[derive(Clone, Debug)]
pub struct Learnt {
    /// One row for each picture, one column for each group: foretold membership, centred and scaled.
    pub matrix: FeatureMatrix,
    /// Principal components that were used.
    pub components: usize,
    /// The λ that was used.
    pub lambda: f64,
    /// How each λ did; empty where one was given.
    pub trials: Vec<Trial>,
}

/// Learns from `sorts`, which hold training pictures only, to say of every picture of `features` which groups it would
/// belong to. `training` are the pictures that scale and components are fitted on; sorted pictures without features are
/// left out.
///
/// # Errors
/// `User` where there is too little to learn from, or λ is not above 0; `Data` for features that are not finite or all
/// the same; `Cancelled`.
pub fn learn(
    features: &FeatureMatrix,
    training: &BTreeSet<ImageId>,
    sorts: &[RaterSort<ImageId>],
    lambda: Option<f64>,
    seed: u64,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Learnt> {
    if let Some(lambda) = lambda.filter(|lambda| !lambda.is_finite() || *lambda <= 0.0) {
        return Err(Error::user(format!("λ cannot be {lambda}")).hint("say a number above 0, or leave it to be chosen"));
    }
    let places: BTreeMap<&ImageId, usize> = features.image_ids.iter().zip(0..).collect();
    let fitted: Vec<usize> = training.iter().filter_map(|image| places.get(image).copied()).collect();
    let lessons: Vec<Lesson> = sorts.iter().map(|sort| Lesson::of(sort, &places)).collect();
    for lesson in &lessons {
        let (images, groups) = (lesson.rows.len(), lesson.names.len());
        if images < LEAST_IMAGES || groups < 2 {
            return Err(Error::user(format!(
                "{}, condition {}: {images} training pictures with features in {groups} groups are too few to learn from",
                lesson.rater, lesson.condition
            ))
            .hint(format!("a grouping needs {LEAST_IMAGES} such pictures in two groups or more; leave it out with --without")));
        }
    }
    if lessons.is_empty() {
        return Err(Error::user("no rater grouped pictures of the training part")
            .hint("import groupings of training pictures, or make a study of them"));
    }
    let components = components(features.view()?, &fitted, seed, cancel)?;
    let (lambda, trials) = match lambda {
        Some(lambda) => (lambda, Vec::new()),
        None => chosen(&components, &lessons, seed, observer, cancel)?,
    };
    let all: Vec<&Lesson> = lessons.iter().collect();
    let every_row: Vec<usize> = (0..features.rows()).collect();
    let values = foretold(&components, &all, &BTreeSet::new(), &every_row, lambda)?;
    let names = lessons
        .iter()
        .flat_map(|lesson| lesson.names.iter().map(|group| format!("{}, {}: {group}", lesson.rater, lesson.condition)));
    let matrix = FeatureMatrix::new(
        features.image_ids.clone(),
        names.collect(),
        values.iter().map(|&value| value as f32).collect(),
    )?;
    Ok(Learnt { matrix, components: components.ncols(), lambda, trials })
}

/// One rater's groups, as rows of the features.
struct Lesson {
    rater: String,
    condition: String,
    rows: Vec<usize>,
    /// The group of each row.
    groups: Vec<usize>,
    names: Vec<String>,
}

impl Lesson {
    fn of(sort: &RaterSort<ImageId>, places: &BTreeMap<&ImageId, usize>) -> Self {
        let placed = sort.groups_by_place(places);
        let names: BTreeSet<&str> = placed.values().copied().collect();
        let numbers: BTreeMap<&str, usize> = names.iter().copied().zip(0..).collect();
        Self {
            rater: sort.rater.clone(),
            condition: sort.condition.to_string(),
            rows: placed.keys().copied().collect(),
            groups: placed.values().map(|group| numbers[group]).collect(),
            names: names.into_iter().map(str::to_owned).collect(),
        }
    }

    /// The column of each group, of some of the rows.
    fn columns(&self, kept: &[usize]) -> Array2<f64> {
        let mut columns = Array2::zeros((kept.len(), self.names.len()));
        for (row, &place) in kept.iter().enumerate() {
            columns[(row, self.groups[place])] = 1.0;
        }
        for mut column in columns.axis_iter_mut(Axis(1)) {
            let share = column.sum() / kept.len() as f64;
            if share > 0.0 {
                column.mapv_inplace(|member| (member - share) / share.sqrt());
            }
        }
        columns
    }
}

/// Each row in principal components of the standardised columns, both fitted on some rows.
fn components(values: ArrayView2<f32>, fitted: &[usize], seed: u64, cancel: &Cancel) -> Result<Array2<f64>> {
    let (rows, columns) = (fitted.len(), values.ncols());
    let mut standard = values.select(Axis(0), fitted).mapv(f64::from);
    let mean = standard.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(columns));
    standard -= &mean;
    // A column that is the same everywhere tells nothing.
    let scale = standard.map_axis(Axis(0), |column| {
        let deviation = (column.dot(&column) / rows as f64).sqrt();
        if deviation > 0.0 { 1.0 / deviation } else { 0.0 }
    });
    standard *= &scale;
    let most = MOST_COMPONENTS.min(columns).min(rows.saturating_sub(1));
    // The smaller of the two products has the same eigenvalues.
    let directions = if columns <= rows {
        let found = Eigen::largest(&Dense(standard.t().dot(&standard)), most, seed, cancel)?;
        found.vectors.slice(s![.., ..telling(&found)]).to_owned()
    } else {
        let found = Eigen::largest(&Dense(standard.dot(&standard.t())), most, seed, cancel)?;
        let count = telling(&found);
        let mut directions = standard.t().dot(&found.vectors.slice(s![.., ..count]));
        for (mut direction, value) in directions.axis_iter_mut(Axis(1)).zip(&found.values) {
            direction /= value.sqrt();
        }
        directions
    };
    if directions.ncols() == 0 {
        return Err(
            Error::data("the features of the training pictures are all the same").hint("learn from other features")
        );
    }
    let mut components = Array2::zeros((values.nrows(), directions.ncols()));
    for (mut part, rows) in components.axis_chunks_iter_mut(Axis(0), ROWS).zip(values.axis_chunks_iter(Axis(0), ROWS)) {
        cancel.check()?;
        part.assign(&((rows.mapv(f64::from) - &mean) * &scale).dot(&directions));
    }
    Ok(components)
}

/// The eigenvalues that are more than what rounding leaves.
fn telling(found: &Eigen) -> usize {
    found.values.iter().take_while(|&&value| value > 1e-9 * found.values[0].max(1e-300)).count()
}

/// What the lessons, without the rows held back, say of some rows: for each group of each lesson its membership.
fn foretold(
    components: &Array2<f64>,
    lessons: &[&Lesson],
    held_back: &BTreeSet<usize>,
    rows: &[usize],
    lambda: f64,
) -> Result<Array2<f64>> {
    // Lessons on the same pictures share their equations.
    let mut by_rows: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for (number, lesson) in lessons.iter().enumerate() {
        let kept: Vec<usize> = lesson.rows.iter().copied().filter(|row| !held_back.contains(row)).collect();
        by_rows.entry(kept).or_default().push(number);
    }
    let mut found: Vec<Array2<f64>> = vec![Array2::default((0, 0)); lessons.len()];
    for (kept, numbers) in by_rows {
        let mut taught = components.select(Axis(0), &kept);
        let mean = taught.mean_axis(Axis(0)).ok_or_else(|| Error::internal("a lesson without pictures"))?;
        taught -= &mean;
        let mut equations = taught.t().dot(&taught);
        equations.diag_mut().mapv_inplace(|value| value + lambda);
        let columns: Vec<Array2<f64>> = numbers
            .iter()
            .map(|&number| {
                let lesson = lessons[number];
                let places: Vec<usize> =
                    (0..lesson.rows.len()).filter(|&place| !held_back.contains(&lesson.rows[place])).collect();
                lesson.columns(&places)
            })
            .collect();
        let views: Vec<ArrayView2<f64>> = columns.iter().map(Array2::view).collect();
        let right = concatenate(Axis(1), &views).map_err(|error| Error::internal(error.to_string()))?;
        let weights = equations
            .solvec(&taught.t().dot(&right))
            .map_err(|error| Error::data("the groupings could not be learnt from these features").caused_by(error))?;
        let told = (components.select(Axis(0), rows) - &mean).dot(&weights);
        let mut start = 0;
        for (number, columns) in numbers.into_iter().zip(&columns) {
            found[number] = told.slice(s![.., start..start + columns.ncols()]).to_owned();
            start += columns.ncols();
        }
    }
    let views: Vec<ArrayView2<f64>> = found.iter().map(Array2::view).collect();
    concatenate(Axis(1), &views).map_err(|error| Error::internal(error.to_string()))
}

/// The λ that does best on raters and pictures that were held back, and how each did; of equals the largest.
fn chosen(
    components: &Array2<f64>,
    lessons: &[Lesson],
    seed: u64,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<(f64, Vec<Trial>)> {
    let mut rows: Vec<usize> = lessons.iter().flat_map(|lesson| lesson.rows.iter().copied()).collect();
    rows.sort_unstable();
    rows.dedup();
    rows.shuffle(&mut generator(seed, "parts of the grouped pictures"));
    let folds: Vec<BTreeSet<usize>> =
        (0..FOLDS).map(|fold| rows.iter().skip(fold).step_by(FOLDS).copied().collect()).collect();
    let raters: BTreeSet<&str> = lessons.iter().map(|lesson| lesson.rater.as_str()).collect();
    let stage = Stage::new("Choosing λ", LAMBDAS.len());
    let mut trials = Vec::new();
    for (number, lambda) in LAMBDAS.into_iter().enumerate() {
        observer.progress(stage.at(number));
        let mut areas = Vec::new();
        for &rater in &raters {
            cancel.check()?;
            let teachers: Vec<&Lesson> =
                lessons.iter().filter(|lesson| raters.len() == 1 || lesson.rater != rater).collect();
            let mut told: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
            for fold in &folds {
                let held_back: Vec<usize> = fold.iter().copied().collect();
                let values = foretold(components, &teachers, fold, &held_back, lambda)?;
                for (row, values) in held_back.into_iter().zip(values.rows()) {
                    let length = values.dot(&values).sqrt().max(f64::MIN_POSITIVE);
                    told.insert(row, values.iter().map(|&value| (value / length) as f32).collect());
                }
            }
            let of_rater: Vec<f64> = (lessons.iter().filter(|lesson| lesson.rater == rater))
                .map(|lesson| {
                    let values: Vec<f32> = lesson.rows.iter().flat_map(|row| told[row].iter().copied()).collect();
                    let values = Array2::from_shape_vec((lesson.rows.len(), told[&lesson.rows[0]].len()), values)
                        .map_err(|error| Error::internal(error.to_string()))?;
                    let every: Vec<usize> = (0..lesson.rows.len()).collect();
                    pair_auc(values.view(), &every, &lesson.groups, seed)
                })
                .collect::<Result<Vec<Option<f64>>>>()?
                .into_iter()
                .flatten()
                .collect();
            if !of_rater.is_empty() {
                areas.push(of_rater.iter().sum::<f64>() / of_rater.len() as f64);
            }
        }
        if !areas.is_empty() {
            trials.push(Trial { lambda, pair_auc: areas.iter().sum::<f64>() / areas.len() as f64 });
        }
    }
    observer.progress(stage.at(LAMBDAS.len()));
    let best = trials.iter().copied().reduce(|best, other| if other.pair_auc >= best.pair_auc { other } else { best });
    let best = best.ok_or_else(|| {
        Error::user("no grouping holds two pictures that are together and two that are apart").hint("give λ yourself")
    })?;
    Ok((best.lambda, trials))
}
