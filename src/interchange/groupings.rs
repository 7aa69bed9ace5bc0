//! Raters' groups as CSV, one row for each picture a rater placed.
//!
//! ```csv
//! rater,condition,image,group,started,ended,order
//! Mori,1,forest/01.png,quiet woods,2024-05-01T10:00:00Z,2024-05-01T10:21:40Z,17
//! ```
//! `rater`, `condition`, `image` and `group` are needed, in any order; `started`, `ended`, `order` and `occasion` (1 the
//! first time, 2 again: test and retest) are optional.

use std::collections::HashMap;
use std::io;

use super::problem::{Parsed, Problem};
use super::table::{self, IMAGE_COLUMNS, Table};

const OPTIONAL: [&str; 4] = ["started", "ended", "order", "occasion"];

/// One picture in one group of one rater.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupingRow {
    /// Line in the file, from 1; not used in writing.
    pub line: u64,
    /// Who sorted.
    pub rater: String,
    /// Under which rules: `1` (any number of groups of three or more) or `2` (exactly eight groups).
    pub condition: String,
    /// The picture's name as written.
    pub image: String,
    /// The rater's name for the group.
    pub group: String,
    /// When the sort began, as written.
    pub started: Option<String>,
    /// When the sort ended, as written.
    pub ended: Option<String>,
    /// Place of this picture in the order of the sort, from 1.
    pub order: Option<u64>,
    /// 1 the first time, which is what counts when it is missing; 2 again.
    pub occasion: Option<u64>,
}

/// Reads the bytes of a file of groupings.
///
/// A row with an empty needed field is left out, and so is a picture that the rater has placed already under the
/// same condition; both are problems, as are columns that are not known.
pub fn parse(bytes: &[u8]) -> Parsed<Vec<GroupingRow>> {
    let mut table = Table::parse(bytes);
    let needed = [table.required("rater"), table.required("condition"), table.image_column(), table.required("group")];
    let [Some(rater), Some(condition), Some(image), Some(group)] = needed else {
        return Parsed { value: Vec::new(), problems: table.finish() };
    };
    let known = ["rater", "condition", "group"].into_iter().chain(IMAGE_COLUMNS).chain(OPTIONAL).collect::<Vec<_>>();
    for (position, column) in table.header.iter().enumerate() {
        let message = if !known.contains(&column.as_str()) {
            format!("the column “{column}” is not known and is not read")
        } else if table.header[..position].contains(column) {
            format!("there are two columns “{column}”; the second is left out")
        } else {
            continue;
        };
        table.problems.push(Problem::new(table.header_line, message));
    }
    let [started, ended, order, occasion] = OPTIONAL.map(|name| table.optional(name));

    let mut rows = Vec::with_capacity(table.rows.len());
    let mut first_lines: HashMap<(String, String, String, Option<u64>), u64> = HashMap::new();
    for row in std::mem::take(&mut table.rows) {
        let field = |column: usize| row.fields[column].clone();
        let optional = |column: Option<usize>| column.map(field).filter(|text| !text.is_empty());
        let empty = [rater, condition, image, group].into_iter().find(|column| row.fields[*column].is_empty());
        if let Some(column) = empty {
            let message = format!("“{}” is empty; the row is left out", table.header[column]);
            table.problems.push(Problem::new(row.line, message));
            continue;
        }
        let mut number = |column: Option<usize>, name: &str| {
            optional(column).and_then(|text| {
                let number = text.parse::<u64>().ok();
                if number.is_none() {
                    let message = format!("the {name} “{text}” is not a whole number; taken as empty");
                    table.problems.push(Problem::new(row.line, message));
                }
                number
            })
        };
        let (order, occasion) = (number(order, "order"), number(occasion, "occasion").filter(|number| *number > 0));
        let key = (field(rater), field(condition), field(image), occasion);
        if let Some(first) = first_lines.get(&key) {
            let message = format!(
                "{} placed “{}” under condition {} in line {first} already; this row is left out",
                key.0, key.2, key.1
            );
            table.problems.push(Problem::new(row.line, message));
            continue;
        }
        first_lines.insert(key, row.line);
        rows.push(GroupingRow {
            line: row.line,
            rater: field(rater),
            condition: field(condition),
            image: field(image),
            group: field(group),
            started: optional(started),
            ended: optional(ended),
            order,
            occasion,
        });
    }
    Parsed { value: rows, problems: table.finish() }
}

/// Writes the rows in the order given, with the optional columns that any row has.
///
/// # Errors
/// What the writer reports.
pub fn write(rows: &[GroupingRow], target: impl io::Write) -> io::Result<()> {
    let shown = [
        rows.iter().any(|row| row.started.is_some()),
        rows.iter().any(|row| row.ended.is_some()),
        rows.iter().any(|row| row.order.is_some()),
        rows.iter().any(|row| row.occasion.is_some()),
    ];
    let optional =
        |fields: [String; 4]| fields.into_iter().zip(shown).filter(|(_, shown)| *shown).map(|(field, _)| field);

    let mut writer = table::writer(target);
    let header = ["rater", "condition", "image", "group"].map(str::to_owned);
    writer.write_record(header.into_iter().chain(optional(OPTIONAL.map(str::to_owned))))?;
    for row in rows {
        let fields = [&row.rater, &row.condition, &row.image, &row.group].map(String::clone);
        let [order, occasion] = [row.order, row.occasion].map(|number| number.map(|number| number.to_string()));
        let extra = [row.started.clone(), row.ended.clone(), order, occasion].map(Option::unwrap_or_default);
        writer.write_record(fields.into_iter().chain(optional(extra)))?;
    }
    writer.flush()
}
