//! The format of the R package FreeSortR: what its `SortingPartition` takes, as `write.csv` writes it.
//!
//! ```csv
//! stimulus,Mori,Sato
//! forest/01.png,1,3
//! forest/02.png,1,2
//! ```
//! One row for each picture, one column for each rater with the group's number (or name); 0 is a picture that the rater
//! did not sort (manual of FreeSortR 1.3, `SortingPartition`). It knows one sort of each rater and no condition. In R:
//! `SortingPartition(read.csv("file.csv", row.names = 1, check.names = FALSE))`.

use std::collections::BTreeMap;
use std::io;

use super::grouping_forms::GroupingDefaults;
use super::groupings::GroupingRow;
use super::problem::{Parsed, Problem};
use super::table::{self, Table};

/// What stands for a picture that a rater did not sort.
const NOT_SORTED: &str = "0";

/// Reads the bytes of such a file. Pictures that a rater did not sort are 0, and so are empty fields and R's `NA`.
pub fn parse(bytes: &[u8], defaults: &GroupingDefaults) -> Parsed<Vec<GroupingRow>> {
    let mut table = Table::parse(bytes);
    if table.header.len() < 2 {
        table.problems.push(Problem::new(table.header_line, "there is no column of a rater"));
        return Parsed { value: Vec::new(), problems: table.finish() };
    }
    let raters = table.named_columns(0);
    let mut rows = Vec::new();
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for row in std::mem::take(&mut table.rows) {
        let image = &row.fields[0];
        if image.is_empty() {
            table.problems.push(Problem::new(row.line, "the picture has no name; the row is left out"));
            continue;
        }
        if let Some(first) = lines.get(image) {
            let message = format!("“{image}” has a row in line {first} already; this one is left out");
            table.problems.push(Problem::new(row.line, message));
            continue;
        }
        lines.insert(image.clone(), row.line);
        for (column, rater) in &raters {
            let group = &row.fields[*column];
            if ["", "NA", NOT_SORTED].contains(&group.as_str()) {
                continue;
            }
            // Numbers are the rule; a bare number makes a poor name beside named groups.
            let number = group.bytes().all(|byte| byte.is_ascii_digit());
            let read = GroupingRow {
                line: row.line,
                rater: rater.clone(),
                condition: defaults.condition.clone(),
                image: image.clone(),
                group: if number { format!("group {group}") } else { group.clone() },
                ..GroupingRow::default()
            };
            match read.name_problem() {
                Some(message) => table.problems.push(Problem::new(row.line, message)),
                None => rows.push(read),
            }
        }
    }
    Parsed { value: rows, problems: table.finish() }
}

/// Writes rows of one sort of each rater: of one study, condition and occasion. Groups are numbered
/// from 1 in the order in which each rater's rows name them; 0 are pictures that a rater did not sort.
///
/// # Errors
/// What the writer reports.
pub fn write(rows: &[GroupingRow], target: impl io::Write) -> io::Result<()> {
    let mut raters: Vec<&str> = Vec::new();
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut images: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for row in rows {
        if !raters.contains(&row.rater.as_str()) {
            raters.push(&row.rater);
        }
        let groups = names.entry(&row.rater).or_default();
        let number = groups.iter().position(|name| *name == row.group).unwrap_or_else(|| {
            groups.push(&row.group);
            groups.len() - 1
        });
        images.entry(&row.image).or_default().insert(&row.rater, number + 1);
    }
    let mut writer = table::writer(target);
    writer.write_record(std::iter::once("stimulus").chain(raters.iter().copied()))?;
    for (image, placed) in images {
        let field = |rater: &&str| placed.get(rater).map_or_else(|| NOT_SORTED.to_owned(), usize::to_string);
        writer.write_record(std::iter::once(image.to_owned()).chain(raters.iter().map(field)))?;
    }
    writer.flush()
}
