//! Features as Apache Parquet, as pandas, Polars and DuckDB write it: a column `image` of text, and columns of numbers.
//!
//! A column of lists, such as `embedding`, gives one feature for each place, `embedding_0` and on. Files packed with
//! zstd, Snappy or not at all are read.

use std::collections::HashMap;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};

use super::features_csv::FeatureTable;
use super::problem::{Parsed, Problem};
use crate::error::{Error, Result};
use crate::quiet::catch_quietly;

/// The most numbers that are taken: a small file can claim any number of rows.
const MOST_VALUES: usize = 500_000_000;

/// Reads the bytes of the file at `path`.
///
/// A row with a cell that is not a finite number or a list of another length is left out, and so is a second row of a picture;
/// both are problems, whose line is the row, counted from 1.
///
/// # Errors
/// `Data`, naming the file, when it is damaged, packed in another way, has no column `image`, or holds too many numbers.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Parsed<FeatureTable>> {
    let wrong = |reason: String| {
        Error::data(format!("{}: {reason}", path.display())).hint(
            "write a column `image` with paths as the Library shows them and a column of numbers for each feature",
        )
    };
    // The library gives up on some damaged files with a panic.
    catch_quietly(|| read_rows(bytes)).unwrap_or_else(|| Err("it is damaged".to_owned())).map_err(wrong)
}

fn read_rows(bytes: &[u8]) -> Result<Parsed<FeatureTable>, String> {
    let unreadable = |error| format!("not a readable Parquet file: {error}");
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).map_err(unreadable)?;
    let mut table = FeatureTable::default();
    let mut problems = Vec::new();
    let mut widths: Option<Vec<usize>> = None;
    let mut first_rows: HashMap<String, u64> = HashMap::new();
    for (at, row) in reader.get_row_iter(None).map_err(unreadable)?.enumerate() {
        let number = at as u64 + 1;
        let row = row.map_err(|error| format!("row {number} cannot be read: {error}"))?;
        let Some(image) = image_of(&row) else {
            if row.get_column_iter().any(|(name, _)| name == "image") {
                problems.push(Problem::new(number, "the picture has no name; the row is left out"));
                continue;
            }
            return Err("there is no column “image”".to_owned());
        };
        let cells: Vec<(&str, Option<Vec<f32>>)> = row
            .get_column_iter()
            .filter(|(name, _)| *name != "image")
            .map(|(name, field)| (name.as_str(), numbers(field)))
            .collect();
        let bad = cells.iter().position(|(_, numbers)| numbers.is_none());
        let lengths: Vec<usize> = cells.iter().map(|(_, numbers)| numbers.as_ref().map_or(0, Vec::len)).collect();
        let message = if let Some(first) = first_rows.get(image) {
            format!("“{image}” stands in row {first} already; this row is left out")
        } else if let Some(bad) = bad {
            format!("“{}” is not a finite number or a list of them; the row is left out", cells[bad].0)
        } else if widths.as_ref().is_some_and(|widths| *widths != lengths) {
            "a list is longer or shorter than in the rows before; the row is left out".to_owned()
        } else {
            if widths.is_none() {
                table.names = names(&row, &lengths);
                widths = Some(lengths);
            }
            first_rows.insert(image.to_owned(), number);
            table.images.push(image.to_owned());
            table.values.extend(cells.into_iter().filter_map(|(_, numbers)| numbers).flatten());
            if table.values.len() > MOST_VALUES {
                return Err(format!("it holds more than {MOST_VALUES} numbers"));
            }
            continue;
        };
        problems.push(Problem::new(number, message));
    }
    Ok(Parsed { value: table, problems })
}

fn image_of(row: &Row) -> Option<&str> {
    let (_, field) = row.get_column_iter().find(|(name, _)| *name == "image")?;
    match field {
        Field::Str(text) if !text.is_empty() => Some(text),
        // Text that the writer did not mark as such.
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).ok().filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// One number, or those of a list; nothing where one is missing, no number, or not finite in 32 bits.
fn numbers(field: &Field) -> Option<Vec<f32>> {
    let one = |field: &Field| {
        let value = match field {
            Field::Float(value) => *value,
            Field::Double(value) => *value as f32,
            Field::Float16(value) => value.to_f32(),
            Field::Byte(value) => f32::from(*value),
            Field::Short(value) => f32::from(*value),
            Field::Int(value) => *value as f32,
            Field::Long(value) => *value as f32,
            Field::UByte(value) => f32::from(*value),
            Field::UShort(value) => f32::from(*value),
            Field::UInt(value) => *value as f32,
            Field::ULong(value) => *value as f32,
            Field::Bool(value) => f32::from(u8::from(*value)),
            _ => return None,
        };
        value.is_finite().then_some(value)
    };
    match field {
        Field::ListInternal(list) => list.elements().iter().map(one).collect(),
        field => Some(vec![one(field)?]),
    }
}

/// The features' names, in the order of the columns.
fn names(row: &Row, lengths: &[usize]) -> Vec<String> {
    let columns = row.get_column_iter().filter(|(name, _)| *name != "image").zip(lengths);
    columns
        .flat_map(|((name, field), length)| match field {
            Field::ListInternal(_) => (0..*length).map(|place| format!("{name}_{place}")).collect(),
            _ => vec![name.clone()],
        })
        .collect()
}
