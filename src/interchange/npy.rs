//! Features for NumPy: `<name>.npy`, with `<name>.images.csv` and `<name>.columns.csv` beside it.
//!
//! The matrix is format version 1.0: 32-bit little-endian floats in C order, n × d. The two CSV files, of one
//! column each (`image` and `column`), name its rows and columns in order.

use std::io;
use std::path::{Path, PathBuf};

use super::features_csv::FeatureTable;
use super::input::read_file;
use super::table::{self, Table};
use crate::atomic;
use crate::error::{Error, Result};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Writes the two lists that stand beside the matrix at `path`.
///
/// # Errors
/// `User` or `Device`, naming the file that cannot be written.
pub fn write_names_of(path: &Path, features: &FeatureTable) -> Result<()> {
    let (images, columns) = companions(path);
    atomic::write_file(&images, |writer| write_names("image", &features.images, writer))?;
    atomic::write_file(&columns, |writer| write_names("column", &features.names, writer))
}

/// Reads `matrix`, the bytes of the file at `path`, and the two lists beside it.
///
/// # Errors
/// `User` when a file is missing; `Data` when the matrix is damaged, not of 32- or 64-bit floats, holds values that
/// are not finite, or does not fit its lists.
pub fn read_files(path: &Path, matrix: &[u8]) -> Result<FeatureTable> {
    let (images, columns) = companions(path);
    let matrix = parse(matrix).map_err(|reason| Error::data(format!("{}: {reason}", path.display())))?;
    let images = parse_names("image", &read_file(&images)?, &images)?;
    let names = parse_names("column", &read_file(&columns)?, &columns)?;
    if (matrix.rows, matrix.columns) != (images.len(), names.len()) {
        return Err(Error::data(format!(
            "{}: the matrix is {} × {}, but its lists name {} images and {} columns",
            path.display(),
            matrix.rows,
            matrix.columns,
            images.len(),
            names.len()
        ))
        .hint("export the three files together again"));
    }
    Ok(FeatureTable { images, names, values: matrix.values })
}

/// The lists of images and of columns that belong to the matrix at `path`.
pub fn companions(path: &Path) -> (PathBuf, PathBuf) {
    (path.with_extension("images.csv"), path.with_extension("columns.csv"))
}

/// Writes the matrix alone.
///
/// # Errors
/// What the writer reports.
pub fn write(features: &FeatureTable, mut target: impl io::Write) -> io::Result<()> {
    let shape = format!("({}, {})", features.images.len(), features.names.len());
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version, length and header together fill a multiple of 64 bytes and end in a line feed.
    let unpadded = MAGIC.len() + 4 + header.len() + 1;
    header.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    header.push('\n');

    target.write_all(MAGIC)?;
    target.write_all(&[1, 0])?;
    target.write_all(&(header.len() as u16).to_le_bytes())?;
    target.write_all(header.as_bytes())?;
    for value in &features.values {
        target.write_all(&value.to_le_bytes())?;
    }
    target.flush()
}

struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

/// The matrix in the bytes of an npy file, or what is wrong with it.
fn parse(bytes: &[u8]) -> Result<Matrix, String> {
    let damaged = || "the file is not an npy matrix, or is damaged".to_owned();
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (header_length, start) = match rest {
        [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([*a, *b])), 4),
        [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 6),
        _ => return Err(damaged()),
    };
    let end = header_length.checked_add(start).ok_or_else(damaged)?;
    let header = rest.get(start..end).and_then(|header| std::str::from_utf8(header).ok()).ok_or_else(damaged)?;
    let data = &rest[end..];

    let value_of = |key: &str| {
        let (_, after) = header.split_once(&format!("'{key}':"))?;
        Some(after.trim_start())
    };
    let kind = value_of("descr").ok_or_else(damaged)?;
    let size_bytes = match kind {
        _ if kind.starts_with("'<f4'") => 4,
        _ if kind.starts_with("'<f8'") => 8,
        _ => return Err("its numbers are not 32- or 64-bit floats; save it with astype('<f4')".to_owned()),
    };
    if !value_of("fortran_order").ok_or_else(damaged)?.starts_with("False") {
        return Err("it is in Fortran order; save it with numpy.ascontiguousarray".to_owned());
    }
    let shape = value_of("shape").and_then(|text| text.strip_prefix('(')?.split_once(')')).ok_or_else(damaged)?.0;
    let shape: Vec<usize> =
        shape.split(',').map(str::trim).filter(|text| !text.is_empty()).map_while(|text| text.parse().ok()).collect();
    let [rows, columns] = shape[..] else {
        return Err("it has not two dimensions".to_owned());
    };
    let expected = rows.checked_mul(columns).and_then(|count| count.checked_mul(size_bytes));
    if expected != Some(data.len()) {
        return Err(format!("it says {rows} × {columns} but holds {} values", data.len() / size_bytes));
    }

    let values: Vec<f32> = if size_bytes == 4 {
        data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    } else {
        data.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect()
    };
    if let Some(position) = values.iter().position(|value| !value.is_finite()) {
        return Err(format!("row {}, column {} is not a number", position / columns + 1, position % columns + 1));
    }
    Ok(Matrix { rows, columns, values })
}

fn write_names(column: &str, names: &[String], target: impl io::Write) -> io::Result<()> {
    let mut writer = table::writer(target);
    for name in std::iter::once(column).chain(names.iter().map(String::as_str)) {
        writer.write_record([name])?;
    }
    writer.flush()
}

fn parse_names(column: &str, bytes: &[u8], path: &Path) -> Result<Vec<String>> {
    let mut table = Table::parse(bytes);
    let position = table.required(column);
    let rows = std::mem::take(&mut table.rows);
    match (position, table.finish().first()) {
        (Some(position), None) => Ok(rows.into_iter().map(|mut row| row.fields.swap_remove(position)).collect()),
        (_, problem) => {
            let problem = problem.map(ToString::to_string).unwrap_or_default();
            Err(Error::data(format!("{}: {problem}", path.display())))
        }
    }
}
