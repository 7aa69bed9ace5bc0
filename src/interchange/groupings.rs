//! Raters' groups as CSV, one row for each picture a rater placed.
//!
//! ```csv
//! rater,condition,image,group,started,ended,order
//! Mori,1,forest/01.png,quiet woods,2024-05-01T10:00:00Z,2024-05-01T10:21:40Z,17
//! ```
//! `rater`, `condition`, `image` and `group` are needed, in any order; `started`, `ended`, `order`, `occasion` (1 the
//! first time, 2 again: test and retest) and `study` are optional. Names are of one line and at most 200 characters.

use std::collections::{BTreeMap, HashMap};
use std::io;

use super::problem::{Parsed, Problem};
use super::table::{self, IMAGE_COLUMNS, Table};
use crate::dataset::{RaterSort, StudyCondition};
use crate::names;

const OPTIONAL: [&str; 5] = ["started", "ended", "order", "occasion", "study"];

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
    /// The study it was made in.
    pub study: Option<String>,
}

impl GroupingRow {
    /// Which of the rater's sorts it is of: 1 where that is not said.
    pub fn occasion(&self) -> usize {
        self.occasion.unwrap_or(1) as usize
    }

    /// What is wrong with one of its names, as a sentence.
    pub(super) fn name_problem(&self) -> Option<String> {
        let names = [("rater", Some(&self.rater)), ("condition", Some(&self.condition)), ("group", Some(&self.group))];
        names.into_iter().chain([("study", self.study.as_ref())]).find_map(|(what, name)| {
            let name = name?;
            let problem = names::problem_in_table(name)?;
            Some(format!("the {what} “{}” is not taken: {problem}; the row is left out", names::beginning(name)))
        })
    }
}

/// The sorts that rows of a file make up, in the order of study, condition, rater and occasion. A picture that is named
/// twice in one of them keeps its last group; [`parse`] leaves such rows out.
pub fn rater_sorts(rows: Vec<GroupingRow>) -> Vec<RaterSort<String>> {
    let mut sorts: BTreeMap<(StudyCondition, String, usize), BTreeMap<String, String>> = BTreeMap::new();
    for row in rows {
        let occasion = row.occasion();
        let condition = StudyCondition { study: row.study, condition: row.condition };
        sorts.entry((condition, row.rater, occasion)).or_default().insert(row.image, row.group);
    }
    let sort = |((condition, rater, occasion), groups)| RaterSort { rater, condition, occasion, groups };
    sorts.into_iter().map(sort).collect()
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
    let [started, ended, order, occasion, study] = OPTIONAL.map(|name| table.optional(name));

    let mut rows = Vec::with_capacity(table.rows.len());
    let mut first_lines: HashMap<(String, String, String, u64, Option<String>), u64> = HashMap::new();
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
        let (order, occasion) = (number(order, "order"), number(occasion, "occasion"));
        if occasion == Some(0) {
            table.problems.push(Problem::new(row.line, "the occasion is 0: the first is 1; the row is left out"));
            continue;
        }
        let study = optional(study);
        // A sort whose occasion is not said is the first.
        let key = (field(rater), field(condition), field(image), occasion.unwrap_or(1), study.clone());
        if let Some(first) = first_lines.get(&key) {
            let message = format!(
                "{} placed “{}” under condition {} in line {first} already; this row is left out",
                key.0, key.2, key.1
            );
            table.problems.push(Problem::new(row.line, message));
            continue;
        }
        let read = GroupingRow {
            line: row.line,
            rater: field(rater),
            condition: field(condition),
            image: field(image),
            group: field(group),
            started: optional(started),
            ended: optional(ended),
            order,
            occasion,
            study,
        };
        if let Some(message) = read.name_problem() {
            table.problems.push(Problem::new(row.line, message));
            continue;
        }
        first_lines.insert(key, row.line);
        rows.push(read);
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
        rows.iter().any(|row| row.study.is_some()),
    ];
    let optional =
        |fields: [String; 5]| fields.into_iter().zip(shown).filter(|(_, shown)| *shown).map(|(field, _)| field);

    let mut writer = table::writer(target);
    let header = ["rater", "condition", "image", "group"].map(str::to_owned);
    writer.write_record(header.into_iter().chain(optional(OPTIONAL.map(str::to_owned))))?;
    for row in rows {
        let fields = [&row.rater, &row.condition, &row.image, &row.group].map(String::clone);
        let [order, occasion] = [row.order, row.occasion].map(|number| number.map(|number| number.to_string()));
        let extra = [row.started.clone(), row.ended.clone(), order, occasion, row.study.clone()];
        let extra = extra.map(Option::unwrap_or_default);
        writer.write_record(fields.into_iter().chain(optional(extra)))?;
    }
    writer.flush()
}
