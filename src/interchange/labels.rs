//! Pseudo-labels as CSV: `image`, then one column of 0 and 1 for each label.
//!
//! ```csv
//! image,cute,gloomy
//! forest/01.png,0,1
//! 夜空.jpg,1,
//! ```
//! The first column may also be called `file_name`. An empty cell means that nobody has said yes or no.

use std::collections::HashMap;
use std::io;

use super::problem::{Parsed, Problem};
use super::table::{self, Table};

/// Labels of pictures, as they stand in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelTable {
    /// The labels in the order of their columns.
    pub labels: Vec<String>,
    /// One row for each picture.
    pub rows: Vec<LabelRow>,
}

/// The labels of one picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelRow {
    /// Line in the file, from 1; not used in writing.
    pub line: u64,
    /// The picture's name as written.
    pub image: String,
    /// One answer for each label; nothing where the cell is empty or not understood.
    pub values: Vec<Option<bool>>,
    /// When each answer was given, in UTC, RFC 3339, where the file says so; empty otherwise.
    pub times: Vec<Option<String>>,
}

/// Reads the bytes of a label file.
///
/// Besides `1` and `0` the cells may say `true`, `false`, `1.0` and `0.0` in any case. A cell that says something
/// else counts as empty, a second row of the same picture is left out; both are problems.
pub fn parse(bytes: &[u8]) -> Parsed<LabelTable> {
    read_table(Table::parse(bytes))
}

pub(super) fn read_table(mut table: Table) -> Parsed<LabelTable> {
    let mut result = LabelTable::default();
    let Some(image_column) = table.image_column() else {
        return Parsed { value: result, problems: table.finish() };
    };
    let columns = table.named_columns(image_column);
    let mut first_lines: HashMap<String, u64> = HashMap::new();

    for row in std::mem::take(&mut table.rows) {
        let image = row.fields[image_column].clone();
        if image.is_empty() {
            table.problems.push(Problem::new(row.line, "the picture has no name; the row is left out"));
            continue;
        }
        if let Some(first) = first_lines.get(&image) {
            let message = format!("“{image}” stands in line {first} already; this row is left out");
            table.problems.push(Problem::new(row.line, message));
            continue;
        }
        first_lines.insert(image.clone(), row.line);
        let mut values = Vec::with_capacity(columns.len());
        for (column, label) in &columns {
            let cell = &row.fields[*column];
            let value = parse_answer(cell);
            if value.is_none() && !cell.is_empty() {
                let message = format!("“{label}” is “{cell}” and not 0 or 1; taken as empty");
                table.problems.push(Problem::new(row.line, message));
            }
            values.push(value);
        }
        result.rows.push(LabelRow { line: row.line, image, values, times: Vec::new() });
    }
    result.labels = columns.into_iter().map(|(_, label)| label).collect();
    Parsed { value: result, problems: table.finish() }
}

pub(super) fn parse_answer(cell: &str) -> Option<bool> {
    match cell.to_ascii_lowercase().as_str() {
        "1" | "true" | "1.0" => Some(true),
        "0" | "false" | "0.0" => Some(false),
        _ => None,
    }
}

/// Writes the labels in the order given, the pictures under `image_column`.
///
/// # Errors
/// What the writer reports.
pub fn write(labels: &LabelTable, image_column: &str, target: impl io::Write) -> io::Result<()> {
    let mut writer = table::writer(target);
    writer.write_record(std::iter::once(image_column).chain(labels.labels.iter().map(String::as_str)))?;
    for row in &labels.rows {
        let cells = row.values.iter().map(|value| match value {
            Some(true) => "1",
            Some(false) => "0",
            None => "",
        });
        writer.write_record(std::iter::once(row.image.as_str()).chain(cells))?;
    }
    writer.flush()
}
