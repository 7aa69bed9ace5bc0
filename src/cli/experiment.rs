//! `atmoscope experiment`: methods side by side, over numbers of clusters, seeds and groupings.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use super::output::Output;
use crate::engine::experiment::run::cost;
use crate::engine::experiment::tables::{Entry, Row, Table, tables};
use crate::engine::experiment::{self, Finished, Plan, READY, rows, words};
use crate::engine::jobs::counted;
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::evaluation::mean_score;
use crate::interchange::{experiment_rows, read_file, write_json_lines};
use crate::wording;

/// Compare methods: make their features, cluster and score them over numbers of clusters, seeds and groupings, and lay the
/// results out in tables. Goes on where it was stopped or killed.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    #[arg(required_unless_present = "show")]
    dir: Option<PathBuf>,
    /// A ready-made experiment (paper, floor, labels, clusters, backbones, learning-curve or people), or a TOML file.
    #[arg(required_unless_present = "show")]
    what: Option<String>,
    /// What it is called in the project; as the experiment unless given.
    #[arg(long)]
    name: Option<String>,
    /// Say what it would take, and do nothing.
    #[arg(long)]
    plan: bool,
    /// The rater whose groups stand for the authors' own, as in the paper's Table III.
    #[arg(long, value_name = "RATER")]
    authors: Option<String>,
    /// Groups made in this study only; may be given several times.
    #[arg(long, value_name = "NAME")]
    study: Vec<String>,
    /// Without this rater; may be given several times.
    #[arg(long, value_name = "RATER")]
    without: Vec<String>,
    /// The seeds, instead of those of the experiment.
    #[arg(long, value_name = "SEED", value_delimiter = ',')]
    seeds: Vec<u64>,
    /// A file for every number, by its ending .csv, .jsonl or .parquet; may be given several times.
    #[arg(long, value_name = "FILE")]
    out: Vec<PathBuf>,
    /// Print a ready-made experiment as TOML, to change it.
    #[arg(long, value_name = "EXPERIMENT", exclusive = true)]
    show: Option<String>,
    #[command(flatten)]
    replacing: super::Replacing,
}

/// A plan, and what it is called.
fn plan_of(what: &str) -> Result<(String, Plan)> {
    if let Some((name, text)) = READY.iter().find(|(name, _)| *name == what) {
        return Ok(((*name).to_owned(), Plan::from_toml(text)?));
    }
    let path = Path::new(what);
    if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("toml")) {
        let names: Vec<&str> = READY.iter().map(|(name, _)| *name).collect();
        return Err(Error::user(format!("there is no ready-made experiment “{what}”"))
            .hint(format!("say one of {}, or give a .toml file", names.join(", "))));
    }
    let text = String::from_utf8(read_file(path)?)
        .map_err(|_| Error::config(format!("{}: the text is not UTF-8", path.display())).hint("save it as UTF-8"))?;
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((name, Plan::from_toml(&text).map_err(|error| error.in_file(path))?))
}

/// The form that a file's ending asks for.
fn kind_of(path: &Path) -> Result<FileKind> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "csv" => Ok(FileKind::Csv),
        "jsonl" => Ok(FileKind::JsonLines),
        "parquet" => Ok(FileKind::Parquet),
        _ => Err(Error::user(format!("{} does not end in .csv, .jsonl or .parquet", path.display()))),
    }
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    if let Some(name) = &arguments.show {
        let (_, text) = READY.iter().find(|(known, _)| known == name).ok_or_else(|| {
            let names: Vec<&str> = READY.iter().map(|(name, _)| *name).collect();
            Error::user(format!("there is no ready-made experiment “{name}”"))
                .hint(format!("say one of {}", names.join(", ")))
        })?;
        return output.print(&json!({ "name": name, "plan": text }), || (*text).to_owned());
    }
    let (Some(dir), Some(what)) = (&arguments.dir, &arguments.what) else {
        return Err(Error::internal("clap lets no experiment without arguments through"));
    };
    let (known_as, mut plan) = plan_of(what)?;
    let name = arguments.name.clone().unwrap_or(known_as);
    if arguments.authors.is_some() {
        plan.authors.clone_from(&arguments.authors);
    }
    if !arguments.seeds.is_empty() {
        plan.seeds.clone_from(&arguments.seeds);
    }
    plan.studies.extend(arguments.study.iter().cloned());
    plan.without.extend(arguments.without.iter().cloned());
    if arguments.plan {
        let project = super::open_to_read(dir)?;
        let cost = cost(&project, &name, &plan)?;
        return output.print(&cost, || {
            let mut text = format!("{}: {} of them are there\n", counted(cost.cells, "cell"), cost.cells_there);
            for (features, seeds) in &cost.to_make {
                let _ = writeln!(text, "to make: {features}, for {}", counted(*seeds, "seed"));
            }
            text
        });
    }
    let mut project = super::open_to_write(dir)?;
    let existing = arguments.replacing.existing();
    let files: Vec<(OutputFile, FileKind)> = (arguments.out.iter())
        .map(|path| {
            let kind = kind_of(path)?;
            Ok((OutputFile::new(Some(&project), path, kind, existing)?, kind))
        })
        .collect::<Result<_>>()?;
    let cancel = super::cancel_on_interrupt();
    let finished = experiment::run(&mut project, &name, &plan, &output.terminal, &cancel)?;
    let tables = tables(&finished.plan, &finished.cells, &finished.ceilings)?;
    let rows = rows_of(&finished)?;
    for (file, kind) in files {
        match kind {
            FileKind::Parquet => {
                let bytes = experiment_rows::to_parquet(&rows)?;
                file.write(|target| target.write_all(&bytes))?;
            }
            FileKind::JsonLines => file.write(|target| write_json_lines(&rows, target))?,
            _ => file.write(|target| experiment_rows::write_csv(&rows, target))?,
        }
    }
    let value = json!({
        "name": name, "plan": finished.plan, "tables": tables, "ceilings": finished.ceilings, "rows": rows,
        "left_out": finished.left_out,
    });
    output.print(&value, || text(&finished, &tables))
}

/// Every number as JSON objects.
fn rows_of(finished: &Finished) -> Result<Vec<Map<String, Value>>> {
    let rows = rows::rows(&finished.plan, &finished.cells).into_iter();
    rows.map(|row| match serde_json::to_value(row) {
        Ok(Value::Object(row)) => Ok(row),
        _ => Err(Error::internal("a row that is no object")),
    })
    .collect()
}

fn text(finished: &Finished, tables: &[Table]) -> String {
    let mut text = format!("{}\n", finished.record.plan.description.trim());
    for table in tables {
        text.push('\n');
        text.push_str(&table_text(table));
    }
    if !finished.left_out.is_empty() {
        let _ = writeln!(text, "\nLeft out of some method: {}", counted(finished.left_out.len(), "picture"));
    }
    let warnings: std::collections::BTreeSet<&String> = finished.cells.iter().flat_map(|cell| &cell.warnings).collect();
    for warning in warnings {
        let _ = writeln!(text, "{warning}");
    }
    text
}

/// A table with its columns in line.
fn table_text(table: &Table) -> String {
    let mut lines: Vec<Vec<String>> = Vec::new();
    lines.push(std::iter::once(String::new()).chain(table.columns.iter().map(words::column)).collect());
    let line = |row: &Row, value: &dyn Fn(&Entry) -> Option<String>, name: String| -> Vec<String> {
        let values = row.values.iter().map(|entry| entry.as_ref().and_then(value).unwrap_or_else(|| "-".to_owned()));
        std::iter::once(name).chain(values).collect()
    };
    for row in &table.rows {
        lines.push(line(row, &|entry| Some(mean_score(&entry.mean)), row.name.clone()));
        if row.values.iter().flatten().any(|entry| entry.difference.is_some()) {
            let name = format!("  minus {}", table.compared_with);
            lines.push(line(row, &|entry| entry.difference.as_ref().map(words::difference), name));
        }
    }
    for row in &table.beside {
        lines.push(line(row, &|entry| Some(mean_score(&entry.mean)), row.name.clone()));
    }
    for row in &table.printed {
        lines.push(std::iter::once(row.row.clone()).chain(row.values.iter().cloned()).collect());
    }
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = format!("{} ({}, {})\n", table.title, table.score_name, words::better(table.better));
    for line in lines {
        let mut shown = String::new();
        for (column, cell) in line.iter().enumerate() {
            let room = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            // Names stand to the left, numbers to the right.
            let _ = if column == 0 { write!(shown, "{cell}{room}") } else { write!(shown, "  {room}{cell}") };
        }
        let _ = writeln!(text, "{}", shown.trim_end());
    }
    for note in &table.notes {
        let _ = writeln!(text, "{}", wording::sentence(note));
    }
    text
}
