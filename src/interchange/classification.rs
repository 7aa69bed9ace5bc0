//! Classified pictures: as CSV `file,cluster,distance,second_cluster,second_distance,similar`, then a column for each
//! feature.

use std::io::{self, Write};

use super::table;

/// One picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its file.
    pub file: String,
    /// The nearest cluster, counted from 1.
    pub cluster: usize,
    /// The distance to its centroid.
    pub distance: f64,
    /// The second nearest.
    pub second_cluster: Option<usize>,
    /// The distance to its centroid.
    pub second_distance: Option<f64>,
    /// The clustered pictures most like it; written with `;` between.
    pub similar: Vec<String>,
    /// Its features.
    pub features: Vec<f32>,
}

/// Writes rows as CSV, with the names of the features.
///
/// # Errors
/// Those of `target`.
pub fn write_csv(names: &[String], rows: &[Row], target: impl Write) -> io::Result<()> {
    let mut writer = table::writer(target);
    let columns = ["file", "cluster", "distance", "second_cluster", "second_distance", "similar"];
    writer.write_record(columns.into_iter().chain(names.iter().map(String::as_str)))?;
    for row in rows {
        let mut cells = vec![
            row.file.clone(),
            row.cluster.to_string(),
            row.distance.to_string(),
            row.second_cluster.map_or_else(String::new, |cluster| cluster.to_string()),
            row.second_distance.map_or_else(String::new, |distance| distance.to_string()),
            row.similar.join(";"),
        ];
        cells.extend(row.features.iter().map(ToString::to_string));
        writer.write_record(&cells)?;
    }
    writer.flush()
}
