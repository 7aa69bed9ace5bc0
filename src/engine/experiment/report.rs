//! An experiment as one HTML file: data, labels, methods, tables, charts, clusters as grids, and all that is needed to
//! repeat it.
//!
//! The file opens from disk and needs nothing else: pictures and charts are inside. At its end stands the record that
//! [`reproduce`](super::reproduce) compares with, as a line that says whether it is still what was written. Two reports of
//! the same experiment are the same.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{AutoEscape, Environment};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::cell::Cell;
use super::rows::{ExperimentRow, rows};
use super::run::{Finished, method_of};
use super::store::{Made, Record};
use super::tables::{Row, Table, tables};
use super::words;
use crate::checked_line;
use crate::engine::jobs::features;
use crate::error::{Error, Result};
use crate::evaluation::score::Better;
use crate::evaluation::silhouette;
use crate::features::{FeatureMatrix, FeatureSource, Recipe};
use crate::figures::{Series, chart};
use crate::ids::ImageId;
use crate::imaging::{PictureFile, ThumbnailCache};
use crate::progress::{Cancel, Observer, Stage};
use crate::project::Project;
use crate::wording::{counted, score};

const TEMPLATE: &str = include_str!("../../../assets/report.html");
/// Pictures that are shown of a cluster.
const PICTURES_OF_A_CLUSTER: usize = 36;
/// Pictures that are shown as doubtful.
const DOUBTFUL: usize = 8;
/// Labels that a cluster is described by.
const STRONGEST: usize = 4;

/// What a report holds to be repeated and compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// What was asked, and what the project held.
    pub record: Record,
    /// What was made.
    pub made: Vec<Made>,
    /// Every number.
    pub rows: Vec<ExperimentRow>,
}

impl Kept {
    /// Of an experiment that came to its end.
    pub fn of(finished: &Finished) -> Self {
        Self {
            record: finished.record.clone(),
            made: finished.made.clone(),
            rows: rows(&finished.plan, &finished.cells),
        }
    }

    /// Reads it from a report.
    ///
    /// # Errors
    /// `Data` for a file that holds none, or whose record is not what was written.
    pub fn from_report(html: &str) -> Result<Self> {
        let wrong =
            |what: &str| Error::data(format!("this is not a report of an experiment as it was written: {what}"));
        let start = "<script type=\"application/json\" id=\"record\">";
        let (_, rest) = html.split_once(start).ok_or_else(|| wrong("it holds no record"))?;
        let (line, _) = rest.split_once("</script>").ok_or_else(|| wrong("its end is missing"))?;
        // `<` stands as \u003c, so that no name can end the script.
        let json =
            checked_line::opened(line).filter(|json| json != line).ok_or_else(|| wrong("its record was changed"))?;
        serde_json::from_str(&json).map_err(|error| wrong(&error.to_string()))
    }

    fn line(&self) -> Result<String> {
        let json = serde_json::to_string(self).map_err(|error| Error::internal(error.to_string()))?;
        Ok(checked_line::sealed(&json.replace('<', "\\u003c")))
    }
}

/// Makes the report; `file` is what it is to be called.
///
/// # Errors
/// Those of the project; `Cancelled`.
pub fn html(
    project: &Project,
    finished: &Finished,
    file: &str,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<String> {
    let kept = Kept::of(finished);
    let laid_out = tables(&finished.plan, &finished.cells, &finished.ceilings)?;
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    let internal = |error: minijinja::Error| Error::internal(format!("the report cannot be made: {error:#}"));
    environment.add_template("report", TEMPLATE).map_err(internal)?;
    let warnings: std::collections::BTreeSet<&String> = finished.cells.iter().flat_map(|cell| &cell.warnings).collect();
    let values = json!({
        "title": format!("Experiment “{}”", kept.record.name),
        "description": kept.record.plan.description,
        "data": data(&kept.record, finished),
        "labels": labels(&kept.record),
        "raters": raters(finished),
        "methods": methods(finished),
        "learnt": learnt(project, finished, &laid_out),
        "warnings": warnings,
        "compared_with": finished.plan.reference(),
        "tables": laid_out.iter().map(table).collect::<Vec<_>>(),
        "clusterings": clusterings(project, finished, observer, cancel)?,
        "file": file,
        "version": kept.record.app_version,
        "created_at": kept.record.created_at,
        "plan": toml::to_string_pretty(&kept.record.plan).map_err(|error| Error::internal(error.to_string()))?,
        "made": kept.made.iter().map(made).collect::<Vec<_>>(),
        "record": kept.line()?,
    });
    let values = minijinja::Value::from(minijinja::value::Serde(&values));
    environment.get_template("report").and_then(|template| template.render(values)).map_err(internal)
}

#[derive(Serialize)]
struct Fact {
    name: &'static str,
    value: String,
}

fn data(record: &Record, finished: &Finished) -> Vec<Fact> {
    let manifest = &record.manifest;
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    for part in manifest.pictures.values().filter_map(|picture| picture.part.as_deref()) {
        *parts.entry(part).or_default() += 1;
    }
    let parts: Vec<String> = parts.into_iter().map(|(part, images)| format!("{images} {part}")).collect();
    let clustered = finished.cells.iter().map(|cell| cell.images.len());
    let clustered = match (clustered.clone().min(), clustered.max()) {
        (Some(least), Some(most)) if least == most => most.to_string(),
        (Some(least), Some(most)) => format!("{least} to {most}, by method"),
        _ => "none".to_owned(),
    };
    let mut facts = vec![
        Fact { name: "Pictures", value: manifest.pictures.len().to_string() },
        Fact { name: "Split", value: format!("{} ({})", parts.join(", "), manifest.split) },
        Fact { name: "Clustered", value: format!("{clustered} (part: {})", record.plan.part) },
        Fact { name: "Labels", value: manifest.labels.len().to_string() },
        Fact { name: "Groupings", value: manifest.groupings.len().to_string() },
    ];
    if !finished.left_out.is_empty() {
        facts.push(Fact { name: "Left out", value: counted(finished.left_out.len(), "picture") });
    }
    facts
}

#[derive(Serialize)]
struct LabelFact {
    name: String,
    pictures: usize,
}

fn labels(record: &Record) -> Vec<LabelFact> {
    let holds = |label: &String| record.manifest.pictures.values().filter(|of| of.labels.contains(label)).count();
    (record.manifest.labels.iter()).map(|label| LabelFact { name: label.clone(), pictures: holds(label) }).collect()
}

fn raters(finished: &Finished) -> Vec<String> {
    let mut found: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for grouping in finished.cells.iter().flat_map(|cell| &cell.groupings) {
        let name = format!("{}, condition {}", grouping.rater, grouping.condition);
        found.insert(name, (grouping.groups, grouping.images));
    }
    let authors = finished.plan.authors.as_ref();
    found
        .into_iter()
        .map(|(name, (groups, images))| {
            let stands = authors.is_some_and(|authors| name.starts_with(&format!("{authors}, ")));
            let stands = if stands { " (stands for the authors)" } else { "" };
            format!("{name}: {} of {}{stands}", counted(groups, "group"), counted(images, "picture"))
        })
        .collect()
}

#[derive(Serialize)]
struct MethodFact {
    name: String,
    features: String,
    clusterer: String,
}

fn methods(finished: &Finished) -> Vec<MethodFact> {
    let of = |method: &super::plan::MethodPlan| MethodFact {
        name: method.name.clone(),
        features: words::features(&finished.plan, &method.features),
        clusterer: method.clusterer().map_or_else(|_| method.clusterer.clone(), |way| way.0.name.to_owned()),
    };
    finished.plan.methods.iter().map(of).collect()
}

/// In plain words what was learnt from whom, and what it gained.
fn learnt(project: &Project, finished: &Finished, tables: &[Table]) -> Vec<String> {
    let mut sentences = Vec::new();
    for method in &finished.plan.methods {
        let Some(source) = source_of(finished, &method.features) else { continue };
        let Ok(learnt) = features::learnt_from(project, source) else { continue };
        if learnt.raters.is_empty() {
            continue;
        }
        let raters: Vec<&str> = learnt.raters.iter().map(String::as_str).collect();
        sentences.push(format!(
            "“{}” learnt from the groups that {} made of training pictures; none of the pictures that are scored here was \
             among them. How strongly it was held back was chosen on training pictures alone.",
            method.name,
            raters.join(", ")
        ));
        sentences.extend(tables.iter().filter_map(|table| gain(table, &method.name)));
    }
    sentences
}

/// What a method gained over the one compared with, in a table.
fn gain(table: &Table, method: &str) -> Option<String> {
    let row = table.rows.iter().find(|row| row.name == method)?;
    let gains: Vec<String> = (row.values.iter().zip(&table.columns))
        .filter_map(|(entry, column)| {
            let difference = entry.as_ref()?.difference?;
            Some(format!("{} for {}", words::difference(&difference), words::column(column)))
        })
        .collect();
    let better = match table.better {
        Better::Higher => "above 0 is better",
        Better::Lower => "below 0 is better",
    };
    (!gains.is_empty()).then(|| {
        format!("{}: it differs from {} by {} ({better}).", table.title, table.compared_with, gains.join("; "))
    })
}

fn source_of(finished: &Finished, features: &str) -> Option<FeatureSource> {
    finished.made.iter().find(|made| made.features == features).map(|made| made.source)
}

#[derive(Serialize)]
struct ShownTable {
    title: String,
    score_name: &'static str,
    better: &'static str,
    definition: &'static str,
    columns: Vec<String>,
    rows: Vec<ShownRow>,
    notes: Vec<String>,
    chart: String,
}

#[derive(Serialize)]
struct ShownRow {
    name: String,
    kind: &'static str,
    cells: Vec<ShownCell>,
}

#[derive(Serialize)]
struct ShownCell {
    value: String,
    difference: String,
}

fn table(table: &Table) -> ShownTable {
    let shown = |row: &Row, kind: &'static str| ShownRow {
        name: row.name.clone(),
        kind,
        cells: (row.values.iter())
            .map(|entry| ShownCell {
                value: entry
                    .as_ref()
                    .map_or_else(|| "–".to_owned(), |entry| crate::evaluation::mean_score(&entry.mean)),
                difference: entry
                    .as_ref()
                    .and_then(|entry| entry.difference)
                    .map_or_else(String::new, |of| words::difference(&of)),
            })
            .collect(),
    };
    let mut rows: Vec<ShownRow> = table.rows.iter().map(|row| shown(row, "")).collect();
    rows.extend(table.beside.iter().map(|row| shown(row, "beside")));
    rows.extend(table.printed.iter().map(|row| ShownRow {
        name: row.row.clone(),
        kind: "printed",
        cells: row.values.iter().map(|value| ShownCell { value: value.clone(), difference: String::new() }).collect(),
    }));
    let series: Vec<Series> = (table.rows.iter())
        .map(|row| Series {
            name: row.name.clone(),
            values: (row.values.iter())
                .map(|entry| entry.map(|entry| (entry.mean.mean, entry.mean.standard_deviation.unwrap_or(0.0))))
                .collect(),
        })
        .collect();
    let columns: Vec<(String, usize)> =
        table.columns.iter().map(|column| (words::column(column), column.clusters)).collect();
    let svg = chart(&table.title, &columns, &series).svg();
    ShownTable {
        title: table.title.clone(),
        score_name: table.score_name,
        better: words::better(table.better),
        definition: table.definition,
        columns: columns.into_iter().map(|(name, _)| name).collect(),
        rows,
        notes: table.notes.iter().map(|note| crate::wording::sentence(note)).collect(),
        chart: svg,
    }
}

#[derive(Serialize)]
struct ShownMade {
    features: String,
    seed: String,
    facts: String,
}

fn made(made: &Made) -> ShownMade {
    let seed = made.seed.map_or_else(|| "any".to_owned(), |seed| seed.to_string());
    ShownMade { features: made.features.clone(), seed, facts: facts(&made.facts) }
}

fn facts(facts: &Map<String, Value>) -> String {
    let short = |value: &Value| match value {
        Value::String(text) if text.len() == 64 && text.chars().all(|letter| letter.is_ascii_hexdigit()) => {
            format!("{}…", &text[..12])
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let shown = ["features", "run", "data_hash", "weights_hash", "features_hash"];
    let known =
        shown.iter().filter_map(|name| Some(format!("{}: {}", name.replace('_', " "), short(facts.get(*name)?))));
    known.collect::<Vec<_>>().join(", ")
}

#[derive(Serialize)]
struct ShownClustering {
    title: String,
    clusters: Vec<ShownCluster>,
    doubtful: Vec<ShownPicture>,
}

#[derive(Serialize)]
struct ShownCluster {
    number: usize,
    pictures: String,
    strongest: String,
    images: Vec<ShownPicture>,
    more: usize,
}

#[derive(Serialize)]
struct ShownPicture {
    name: String,
    data: String,
    says: String,
}

/// The clusters of the method that the others are compared with, for each number of clusters up to ten, by the first seed.
fn clusterings(
    project: &Project,
    finished: &Finished,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Vec<ShownClustering>> {
    let reference = finished.plan.reference();
    let first_seed = finished.plan.seeds.first().copied().unwrap_or(1);
    let cells: Vec<&Cell> = (finished.cells.iter())
        .filter(|cell| cell.key.method == reference && cell.key.seed == first_seed && cell.key.clusters <= 10)
        .collect();
    let Some(first) = cells.first() else { return Ok(Vec::new()) };
    let features = &method_of(&finished.plan, &first.key).map(|method| method.features.clone()).unwrap_or_default();
    let is_it = |made: &&Made| made.features == *features && made.seed.is_none_or(|seed| seed == first_seed);
    let source = match finished.made.iter().find(is_it) {
        Some(made) => made.source,
        None => project.feature_source(features)?,
    };
    let matrix = features::stored(project, source, &first.images)?;
    let stage = Stage::new("Putting pictures into the report", cells.len());
    let pictures = Pictures::of(project)?;
    cells
        .into_iter()
        .enumerate()
        .map(|(number, cell)| {
            observer.progress(stage.at(number));
            cancel.check()?;
            clustering(project, cell, source, &matrix, &pictures, cancel)
        })
        .collect()
}

/// Small pictures, made once.
struct Pictures {
    files: HashMap<ImageId, PictureFile>,
    names: crate::dataset::ImageNames,
    small: ThumbnailCache,
}

impl Pictures {
    fn of(project: &Project) -> Result<Self> {
        Ok(Self {
            files: project.picture_files()?,
            names: project.image_names()?,
            small: ThumbnailCache::new(project.thumbnails_folder()),
        })
    }

    /// A picture that cannot be read is shown by its name alone.
    fn shown(&self, image: ImageId, says: String) -> ShownPicture {
        let jpeg = self.files.get(&image).and_then(|file| self.small.load_or_make_jpeg(file).ok());
        ShownPicture {
            name: self.names.shown(image),
            data: jpeg.map_or_else(String::new, |jpeg| STANDARD.encode(jpeg)),
            says,
        }
    }
}

fn clustering(
    project: &Project,
    cell: &Cell,
    source: FeatureSource,
    matrix: &FeatureMatrix,
    pictures: &Pictures,
    cancel: &Cancel,
) -> Result<ShownClustering> {
    let has_labels = match source {
        FeatureSource::Run(_) => true,
        FeatureSource::Set(set) => {
            matches!(project.feature_set(set)?.recipe, Recipe::MultiHot { .. } | Recipe::Intensities { .. })
        }
    };
    let rows: HashMap<ImageId, usize> = matrix.image_ids.iter().copied().zip(0..).collect();
    let mut clusters = Vec::new();
    let count = cell.assignments.iter().max().map_or(0, |most| most + 1);
    for cluster in 0..count {
        let members: Vec<ImageId> = (cell.images.iter().zip(&cell.assignments))
            .filter(|(_, of)| **of == cluster)
            .map(|(image, _)| *image)
            .collect();
        let strongest = if has_labels { strongest(matrix, &rows, &members) } else { String::new() };
        clusters.push(ShownCluster {
            number: cluster + 1,
            pictures: counted(members.len(), "picture"),
            strongest,
            images: members
                .iter()
                .take(PICTURES_OF_A_CLUSTER)
                .map(|image| pictures.shown(*image, String::new()))
                .collect(),
            more: members.len().saturating_sub(PICTURES_OF_A_CLUSTER),
        });
    }
    let mut doubtful = Vec::new();
    if matrix.image_ids == cell.images
        && let Ok(found) = silhouette(matrix.view()?, &cell.assignments, cell.key.seed, cancel)
    {
        let mut order: Vec<(usize, f64)> =
            found.per_image.iter().copied().enumerate().filter_map(|(row, value)| Some((row, value?))).collect();
        order.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        doubtful = (order.into_iter().take(DOUBTFUL).filter(|(_, value)| *value < 0.0))
            .map(|(row, value)| {
                let says = format!("cluster {}, silhouette {}", cell.assignments[row] + 1, score(value));
                pictures.shown(cell.images[row], says)
            })
            .collect();
    }
    let title = format!("{}, K = {}, seed {}", cell.key.method, cell.key.clusters, cell.key.seed);
    Ok(ShownClustering { title, clusters, doubtful })
}

/// The labels whose mean is highest among the members, with it.
fn strongest(matrix: &FeatureMatrix, rows: &HashMap<ImageId, usize>, members: &[ImageId]) -> String {
    let rows: Vec<&[f32]> = members.iter().filter_map(|image| Some(matrix.row(*rows.get(image)?))).collect();
    let mean = |column: usize| rows.iter().map(|row| f64::from(row[column])).sum::<f64>() / rows.len().max(1) as f64;
    let mut means: Vec<(usize, f64)> = (0..matrix.columns()).map(|column| (column, mean(column))).collect();
    means.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let shown = means
        .into_iter()
        .take(STRONGEST)
        .map(|(column, mean)| format!("{} {}", matrix.names[column], crate::wording::fixed(mean, 2)));
    shown.collect::<Vec<_>>().join(", ")
}
