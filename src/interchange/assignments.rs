//! Pictures with their clusters as CSV: `image,cluster,distance`.
//!
//! The distance is the Euclidean distance to the cluster's centroid, rounded to six places, so that the same
//! clustering gives the same bytes. It may be empty or left out.

use std::collections::HashMap;
use std::io;

use super::problem::{Parsed, Problem};
use super::table::{self, Table};

/// One picture in its cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AssignmentRow {
    /// Line in the file, from 1; not used in writing.
    pub line: u64,
    /// The picture's name as written.
    pub image: String,
    /// Number of the cluster, as in the file.
    pub cluster: usize,
    /// Distance to the cluster's centroid, 0 or more.
    pub distance: Option<f64>,
}

/// Reads the bytes of a file of assignments.
///
/// A row without a picture or whose cluster is no whole number is left out, and so is a second row of a picture; a
/// distance that is no number counts as empty. All are problems.
pub fn parse(bytes: &[u8]) -> Parsed<Vec<AssignmentRow>> {
    let mut table = Table::parse(bytes);
    let (Some(image), Some(cluster)) = (table.image_column(), table.required("cluster")) else {
        return Parsed { value: Vec::new(), problems: table.finish() };
    };
    let distance = table.optional("distance");

    let mut rows = Vec::with_capacity(table.rows.len());
    let mut first_lines: HashMap<String, u64> = HashMap::new();
    for row in std::mem::take(&mut table.rows) {
        let mut problem = |message: String| table.problems.push(Problem::new(row.line, message));
        let name = row.fields[image].clone();
        if name.is_empty() {
            problem("the picture has no name; the row is left out".to_owned());
            continue;
        }
        if let Some(first) = first_lines.get(&name) {
            problem(format!("“{name}” stands in line {first} already; this row is left out"));
            continue;
        }
        let Ok(number) = row.fields[cluster].parse() else {
            problem(format!("the cluster “{}” is not a whole number; the row is left out", row.fields[cluster]));
            continue;
        };
        first_lines.insert(name.clone(), row.line);
        let text = distance.map_or("", |column| row.fields[column].as_str());
        let distance = text.parse().ok().filter(|distance: &f64| distance.is_finite() && *distance >= 0.0);
        if distance.is_none() && !text.is_empty() {
            problem(format!("the distance “{text}” is not a number from 0 up; taken as empty"));
        }
        rows.push(AssignmentRow { line: row.line, image: name, cluster: number, distance });
    }
    Parsed { value: rows, problems: table.finish() }
}

/// Writes the rows in the order given.
///
/// # Errors
/// What the writer reports.
pub fn write(rows: &[AssignmentRow], target: impl io::Write) -> io::Result<()> {
    let mut writer = table::writer(target);
    writer.write_record(["image", "cluster", "distance"])?;
    for row in rows {
        let distance = row.distance.map(|distance| rounded(distance).to_string()).unwrap_or_default();
        writer.write_record([&row.image, &row.cluster.to_string(), &distance])?;
    }
    writer.flush()
}

/// `value` to six decimal places.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
