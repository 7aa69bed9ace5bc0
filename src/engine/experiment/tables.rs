//! Experiments laid out as tables: methods by numbers of clusters, mean and deviation over seeds.
//!
//! A value is the mean over raters, taken as everywhere ([`means`](crate::evaluation::score::means)), then over seeds.
//! Beside it stands the difference from the method that the others are compared with, with its interval over pictures
//! ([`paired_difference`]), what chance gives, and what raters reach among themselves: the ceiling. Entropies of different
//! numbers of clusters cannot be compared; their share of chance can.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::Array2;
use serde::Serialize;

use super::cell::{Cell, CellGrouping};
use super::plan::{Against, Plan, PrintedRow, TablePlan, is_of};
use crate::dataset::{RaterSort, StudyCondition, group_numbers};
use crate::error::Result;
use crate::evaluation::score::{Better, Compared, Score, Scores, means};
use crate::evaluation::{self, ENTROPY, Estimate, MeanAndDeviation, SCORES, mean_and_deviation, paired_difference};
use crate::ids::ImageId;
use crate::progress::Cancel;

/// A table.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// What it is called.
    pub title: String,
    /// Its score.
    pub score: &'static str,
    /// The score's name.
    pub score_name: &'static str,
    /// What the score says.
    pub definition: &'static str,
    /// Which way is better.
    pub better: Better,
    /// The method that differences are from.
    pub compared_with: String,
    /// What the columns are of.
    pub columns: Vec<Column>,
    /// The methods.
    pub rows: Vec<Row>,
    /// What stands beside: chance, raters among themselves.
    pub beside: Vec<Row>,
    /// Numbers that were printed elsewhere.
    pub printed: Vec<PrintedRow>,
    /// What one should know, as sentences.
    pub notes: Vec<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Column {
    /// In which study and under which condition the groups were made; none for a score of clusters alone.
    pub condition: Option<StudyCondition>,
    /// K.
    pub clusters: usize,
}

/// A row.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The method, or what it is.
    pub name: String,
    /// One for each column; none where there is nothing.
    pub values: Vec<Option<Entry>>,
}

/// A number with what it rests on.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Entry {
    /// Mean and standard deviation over seeds; beside, over pairs of raters.
    #[serde(flatten)]
    pub mean: MeanAndDeviation,
    /// Minus the value of the method that is compared with, with a 95 % interval over pictures; none for that method
    /// itself, and where the pictures differ.
    pub difference: Option<Estimate>,
}

/// What raters reach among themselves under a condition, each one's groups taken as clusters against each other's.
#[derive(Clone, Debug, Serialize)]
pub struct Ceiling {
    /// In which study and under which condition.
    #[serde(flatten)]
    pub condition: StudyCondition,
    /// How many groups they made on average.
    pub groups: f64,
    /// Each score over the ordered pairs.
    pub scores: Scores<Option<MeanAndDeviation>>,
}

/// The ceiling under each condition with two raters or more, over the pictures of `images`.
///
/// # Errors
/// Those of the scores; `Cancelled`.
pub fn ceilings(sorts: &[RaterSort<ImageId>], images: &[ImageId], cancel: &Cancel) -> Result<Vec<Ceiling>> {
    let places: BTreeMap<&ImageId, usize> = images.iter().zip(0..).collect();
    let conditions: BTreeSet<&StudyCondition> = sorts.iter().map(|sort| &sort.condition).collect();
    let mut found = Vec::new();
    for condition in conditions {
        let of: Vec<BTreeMap<usize, &str>> = (sorts.iter().filter(|sort| sort.condition == *condition))
            .map(|sort| sort.groups_by_place(&places))
            .filter(|groups| !groups.is_empty())
            .collect();
        let mut scores = Vec::new();
        for (one, clusters) in of.iter().enumerate() {
            for (other, groups) in of.iter().enumerate().filter(|(other, _)| *other != one) {
                cancel.check()?;
                let _ = other;
                if let Some(found) = against(clusters, groups)? {
                    scores.push(found);
                }
            }
        }
        let groups: usize = of.iter().map(|groups| groups.values().collect::<BTreeSet<_>>().len()).sum();
        if !scores.is_empty() {
            found.push(Ceiling {
                condition: condition.clone(),
                groups: groups as f64 / of.len() as f64,
                scores: means(&scores.iter().collect::<Vec<_>>()),
            });
        }
    }
    Ok(found)
}

/// The scores of one rater's groups as clusters against another's, over the pictures that both sorted; none without any. As
/// features, pictures of one group lie in one place and those of two groups equally far apart.
fn against(clusters: &BTreeMap<usize, &str>, groups: &BTreeMap<usize, &str>) -> Result<Option<Scores<Option<f64>>>> {
    let both: Vec<usize> = clusters.keys().copied().filter(|place| groups.contains_key(place)).collect();
    if both.is_empty() {
        return Ok(None);
    }
    let numbers = group_numbers(both.iter().map(|place| clusters[place]));
    let assignments: Vec<usize> = both.iter().map(|place| numbers[clusters[place]]).collect();
    let values = Array2::from_shape_fn((both.len(), numbers.len()), |(row, group)| {
        f32::from(u8::from(assignments[row] == group))
    });
    let groups: BTreeMap<usize, &str> = both.iter().enumerate().map(|(row, place)| (row, groups[place])).collect();
    Compared::new(values.view(), &assignments, &groups, 1)?.scores().map(Some)
}

/// All tables of a plan that was carried out.
///
/// # Errors
/// `Config` for a table of a score that there is not.
pub fn tables(plan: &Plan, cells: &[Cell], ceilings: &[Ceiling]) -> Result<Vec<Table>> {
    let every_score;
    let plans = match plan.tables.is_empty() {
        false => &plan.tables,
        true => {
            every_score = SCORES.iter().map(|score| of_score(score)).collect::<Vec<_>>();
            &every_score
        }
    };
    plans.iter().map(|table| Ok(lay_out(plan, table, table.score()?, cells, ceilings))).collect()
}

fn of_score(score: &Score) -> TablePlan {
    TablePlan {
        title: score.name.to_owned(),
        score: score.id.to_owned(),
        against: Against::Raters,
        methods: Vec::new(),
        printed: Vec::new(),
    }
}

fn lay_out(plan: &Plan, table: &TablePlan, score: &'static Score, cells: &[Cell], ceilings: &[Ceiling]) -> Table {
    let taken = |grouping: &&CellGrouping| match (table.against, &plan.authors) {
        (Against::Authors, authors) => authors.as_ref() == Some(&grouping.rater),
        (Against::Raters, authors) => authors.as_ref() != Some(&grouping.rater),
    };
    let mut columns: BTreeSet<Column> = BTreeSet::new();
    for cell in cells {
        let clusters = cell.key.clusters;
        if score.is_against_groups() {
            let conditions = cell.groupings.iter().filter(taken).map(|grouping| Some(grouping.condition.clone()));
            columns.extend(conditions.map(|condition| Column { condition, clusters }));
        } else {
            columns.insert(Column { condition: None, clusters });
        }
    }
    let columns: Vec<Column> = columns.into_iter().collect();
    let reference = plan.reference();
    let of = |method: &str, column: &Column| Values::of(score, method, column, cells, &taken);
    let rows = (plan.methods.iter())
        .filter(|method| table.methods.is_empty() || table.methods.iter().any(|name| is_of(&method.name, name)))
        .map(|method| Row {
            name: method.name.clone(),
            values: columns
                .iter()
                .map(|column| {
                    let values = of(&method.name, column)?;
                    let difference =
                        (method.name != reference).then(|| values.difference(&of(reference, column)?)).flatten();
                    Some(Entry { mean: mean_and_deviation(&values.by_seed)?, difference })
                })
                .collect(),
        })
        .collect();
    let mut beside = Vec::new();
    if score.is_against_groups() && !columns.is_empty() {
        if score.id == ENTROPY.id {
            let chance = |column: &Column| {
                let of_method = cells.iter().filter(|cell| cell.key.method == reference);
                let of_method = of_method.filter(|cell| cell.key.clusters == column.clusters);
                let means: Vec<f64> = of_method
                    .filter_map(|cell| {
                        let chances = cell
                            .groupings
                            .iter()
                            .filter(taken)
                            .filter(|of| Some(&of.condition) == column.condition.as_ref());
                        Some(mean_and_deviation(&chances.map(|of| of.chance).collect::<Vec<_>>())?.mean)
                    })
                    .collect();
                Some(Entry { mean: mean_and_deviation(&means)?, difference: None })
            };
            beside.push(Row {
                name: format!("Chance, with the cluster sizes of {reference}"),
                values: columns.iter().map(chance).collect(),
            });
        }
        if table.against == Against::Raters {
            let ceiling = |column: &Column| {
                let ceiling = ceilings.iter().find(|ceiling| Some(&ceiling.condition) == column.condition.as_ref())?;
                Some(Entry { mean: (*ceiling.scores.get(score.id)?)?, difference: None })
            };
            let values: Vec<Option<Entry>> = columns.iter().map(ceiling).collect();
            if values.iter().any(Option::is_some) {
                let groups = ceilings.iter().map(|ceiling| {
                    format!("{} groups under condition {}", crate::wording::fixed(ceiling.groups, 1), ceiling.condition)
                });
                let groups: Vec<String> = groups.collect();
                beside.push(Row { name: format!("Raters among themselves ({})", groups.join(", ")), values });
            }
        }
    }
    Table {
        title: table.title.clone(),
        score: score.id,
        score_name: score.name,
        definition: score.definition,
        better: score.better,
        compared_with: reference.to_owned(),
        notes: notes(plan, table, score, cells, &columns, &taken),
        columns,
        rows,
        beside,
        printed: table.printed.clone(),
    }
}

fn notes(
    plan: &Plan,
    table: &TablePlan,
    score: &Score,
    cells: &[Cell],
    columns: &[Column],
    taken: &impl Fn(&&CellGrouping) -> bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    if table.against == Against::Authors && columns.is_empty() {
        notes.push(match &plan.authors {
            None => "no rater stands for the authors: name one with --authors".to_owned(),
            Some(authors) => format!("{authors} sorted none of these pictures"),
        });
    }
    if score.is_against_groups() {
        let learnt: BTreeSet<&str> = (cells.iter())
            .filter(|cell| cell.groupings.iter().filter(taken).any(|grouping| grouping.rater_learnt_from))
            .map(|cell| cell.key.method.as_str())
            .collect();
        if !learnt.is_empty() {
            let learnt: Vec<&str> = learnt.into_iter().collect();
            notes.push(format!(
                "{} learnt from other groups of the same raters: scores are too favourable",
                learnt.join(", ")
            ));
        }
    }
    notes
}

/// The values of a method in a column.
struct Values<'a> {
    /// The pictures, where they are the same for all seeds.
    images: Option<&'a [ImageId]>,
    /// The value for each seed.
    by_seed: Vec<f64>,
    /// The mean over seeds and raters on each half of the pictures.
    halves: Vec<Option<f64>>,
}

impl<'a> Values<'a> {
    fn of(
        score: &Score,
        method: &str,
        column: &Column,
        cells: &'a [Cell],
        taken: &impl Fn(&&CellGrouping) -> bool,
    ) -> Option<Self> {
        let cells: Vec<&Cell> =
            (cells.iter()).filter(|cell| cell.key.method == method && cell.key.clusters == column.clusters).collect();
        let (mut by_seed, mut halves) = (Vec::new(), Vec::new());
        for cell in &cells {
            if let Some(condition) = &column.condition {
                let groupings: Vec<&CellGrouping> =
                    cell.groupings.iter().filter(taken).filter(|grouping| grouping.condition == *condition).collect();
                let scores: Vec<&Scores<Option<f64>>> = groupings.iter().map(|grouping| &grouping.scores).collect();
                by_seed.extend((*means(&scores).get(score.id)?).map(|mean| mean.mean));
                halves.extend(groupings.iter().filter_map(|grouping| grouping.halves.get(score.id)));
            } else {
                by_seed.extend(cell.scores.get(score.id).and_then(|found| found.value));
                halves.extend(cell.halves.get(score.id));
            }
        }
        let first = cells.first()?;
        Some(Self {
            images: cells.iter().all(|cell| cell.images == first.images).then_some(first.images.as_slice()),
            by_seed,
            halves: evaluation::mean_halves(&halves),
        })
    }

    fn difference(&self, other: &Self) -> Option<Estimate> {
        let images = self.images.filter(|images| Some(*images) == other.images)?;
        let value = |values: &Self| Some(mean_and_deviation(&values.by_seed)?.mean);
        Some(paired_difference(images.len(), (value(self)?, &self.halves), (value(other)?, &other.halves)))
    }
}
