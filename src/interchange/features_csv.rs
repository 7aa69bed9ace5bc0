//! Features as CSV: `image`, then one column for each feature.
//!
//! Numbers are written with as few digits as give the same 32-bit number again.

use std::collections::HashMap;
use std::io;

use super::problem::{Parsed, Problem};
use super::table::{self, Table};

/// Features of n pictures in d dimensions, the pictures still by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureTable {
    /// The n pictures' names.
    pub images: Vec<String>,
    /// The d features' names.
    pub names: Vec<String>,
    /// n × d values, row-major.
    pub values: Vec<f32>,
}

/// Reads the bytes of a feature file.
///
/// A row with a cell that is not a finite number is left out, and so is a second row of a picture; both are problems.
pub fn parse(bytes: &[u8]) -> Parsed<FeatureTable> {
    let mut table = Table::parse(bytes);
    let mut result = FeatureTable::default();
    let Some(image_column) = table.image_column() else {
        return Parsed { value: result, problems: table.finish() };
    };
    let columns = table.named_columns(image_column);
    let mut first_lines: HashMap<String, u64> = HashMap::new();

    for row in std::mem::take(&mut table.rows) {
        let image = row.fields[image_column].clone();
        let bad = columns.iter().find(|(column, _)| parse_number(&row.fields[*column]).is_none());
        let message = if image.is_empty() {
            "the picture has no name; the row is left out".to_owned()
        } else if let Some(first) = first_lines.get(&image) {
            format!("“{image}” stands in line {first} already; this row is left out")
        } else if let Some((column, name)) = bad {
            format!("“{name}” is “{}” and not a number; the row is left out", row.fields[*column])
        } else {
            first_lines.insert(image.clone(), row.line);
            result.images.push(image);
            result.values.extend(columns.iter().filter_map(|(column, _)| parse_number(&row.fields[*column])));
            continue;
        };
        table.problems.push(Problem::new(row.line, message));
    }
    result.names = columns.into_iter().map(|(_, name)| name).collect();
    Parsed { value: result, problems: table.finish() }
}

fn parse_number(text: &str) -> Option<f32> {
    text.parse().ok().filter(|value: &f32| value.is_finite())
}

/// Writes the features in the order given.
///
/// # Errors
/// What the writer reports.
pub fn write(features: &FeatureTable, target: impl io::Write) -> io::Result<()> {
    let mut writer = table::writer(target);
    writer.write_record(std::iter::once("image").chain(features.names.iter().map(String::as_str)))?;
    let columns = features.names.len();
    for (row, image) in features.images.iter().enumerate() {
        writer.write_field(image)?;
        for value in &features.values[row * columns..(row + 1) * columns] {
            writer.write_field(value.to_string())?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()
}
