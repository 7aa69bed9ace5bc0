//! The forms in which labels come and go: a table of 0 and 1, one answer a line, text files beside the pictures, and the
//! metadata of a Hugging Face ImageFolder.
//!
//! | form | what it keeps |
//! | --- | --- |
//! | `csv` | every answer of one annotator, or what all together say: [`labels`], columns `image` and one for each label |
//! | `long` | every answer of every annotator, with its time: `image,label,answer,annotator,time` |
//! | `txt` | the labels that are on, in `a.txt` beside `a.jpg`; a label that is not listed comes back as no |
//! | `imagefolder` | as `csv`, with the column `file_name`, as `metadata.csv` beside the pictures |

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use walkdir::WalkDir;

use super::input::read_file;
use super::labels::{self, LabelRow, LabelTable, parse_answer};
use super::problem::{Parsed, Problem};
use super::table::{self, Table};
use crate::error::{Error, Result};
use crate::names::{self, clean};

/// A file format of labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelForm {
    /// A table: one row for each picture, one column of 0 and 1 for each label.
    #[default]
    Csv,
    /// One answer a line.
    LongCsv,
    /// Text files beside the pictures, a comma between labels.
    Sidecars,
    /// `metadata.csv` of an ImageFolder.
    ImageFolder,
}

impl LabelForm {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Csv, Self::LongCsv, Self::Sidecars, Self::ImageFolder];

    /// The form that a path's name stands for, where nothing else says so: `metadata.csv`, a name that ends in
    /// `-long.csv`, another `.csv`, or else a folder of text files.
    pub fn of_path(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        match name.as_str() {
            "metadata.csv" => Self::ImageFolder,
            name if name.ends_with("-long.csv") => Self::LongCsv,
            name if name.ends_with(".csv") => Self::Csv,
            _ => Self::Sidecars,
        }
    }

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::LongCsv => "long",
            Self::Sidecars => "txt",
            Self::ImageFolder => "imagefolder",
        }
    }
}

impl fmt::Display for LabelForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LabelForm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|form| form.name() == text).ok_or_else(|| {
            Error::user(format!("“{text}” is not a format of labels")).hint("say csv, long, txt or imagefolder")
        })
    }
}

/// One answer of one annotator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRow {
    /// The picture's name.
    pub image: String,
    /// The label.
    pub label: String,
    /// Yes or no.
    pub answer: bool,
    /// Who says so.
    pub annotator: String,
    /// When, in UTC, RFC 3339.
    pub time: String,
}

/// Labels read from a file or folder, by annotator; `None` where the file names no annotator.
pub type LabelsByAnnotator = Vec<(Option<String>, LabelTable)>;

/// Columns of the long form.
const LONG: [&str; 5] = ["image", "label", "answer", "annotator", "time"];

/// Reads labels from a file, or from a folder of text files; the format is recognised by what is there.
///
/// # Errors
/// `User` or `Device` when it cannot be read at all.
pub fn read(path: &Path) -> Result<Parsed<LabelsByAnnotator>> {
    if path.is_dir() {
        return read_sidecars(path);
    }
    let bytes = read_file(path)?;
    let table = Table::parse(&bytes);
    if ["label", "answer"].iter().all(|name| table.optional(name).is_some()) {
        return Ok(read_long(table));
    }
    let Parsed { value, problems } = labels::read_table(table);
    Ok(Parsed { value: vec![(None, value)], problems })
}

/// Reads the long form. A second answer of an annotator about the same label of a picture is left out.
fn read_long(mut table: Table) -> Parsed<LabelsByAnnotator> {
    let needed = [table.image_column(), table.required("label"), table.required("answer")];
    let [Some(image), Some(label), Some(answer)] = needed else {
        return Parsed { value: Vec::new(), problems: table.finish() };
    };
    let (annotator, time) = (table.optional("annotator"), table.optional("time"));
    let mut names: Vec<String> = Vec::new();
    // By annotator and picture: the line where it comes first, and its answers with their times, by label.
    type OfImage = (u64, BTreeMap<String, (bool, Option<String>)>);
    let mut of_annotator: BTreeMap<Option<String>, BTreeMap<String, OfImage>> = BTreeMap::new();
    for row in std::mem::take(&mut table.rows) {
        let mut problem = |message: String| table.problems.push(Problem::new(row.line, message));
        let (image, label) = (&row.fields[image], &row.fields[label]);
        if image.is_empty() || label.is_empty() {
            problem("the picture or the label has no name; the row is left out".to_owned());
            continue;
        }
        if let Some(wrong) = names::problem_in_table(label) {
            problem(format!("the label “{}” is not taken: {wrong}; the row is left out", names::beginning(label)));
            continue;
        }
        let Some(value) = parse_answer(&row.fields[answer]) else {
            problem(format!(
                "the answer “{}” is not 0 or 1; the row is left out",
                names::beginning(&row.fields[answer])
            ));
            continue;
        };
        let who = annotator.map(|column| row.fields[column].clone()).filter(|name| !name.is_empty());
        let of_image = of_annotator.entry(who).or_default().entry(image.clone()).or_insert((row.line, BTreeMap::new()));
        if of_image.1.contains_key(label) {
            problem(format!("“{label}” of “{image}” is answered above already; this row is left out"));
            continue;
        }
        let time = time.map(|column| row.fields[column].clone());
        let readable = time.filter(|time| OffsetDateTime::parse(time, &Rfc3339).is_ok());
        of_image.1.insert(label.clone(), (value, readable));
        if !names.contains(label) {
            names.push(label.clone());
        }
    }
    let tables = of_annotator.into_iter().map(|(who, images)| {
        let labels: Vec<String> = names
            .iter()
            .filter(|name| images.values().any(|(_, answers)| answers.contains_key(*name)))
            .cloned()
            .collect();
        let rows = images.into_iter().map(|(image, (line, answers))| LabelRow {
            line,
            image,
            values: labels.iter().map(|label| answers.get(label).map(|(answer, _)| *answer)).collect(),
            times: labels.iter().map(|label| answers.get(label).and_then(|(_, time)| time.clone())).collect(),
        });
        let rows = rows.collect();
        (who, LabelTable { labels, rows })
    });
    Parsed { value: tables.collect(), problems: table.finish() }
}

/// Reads every `.txt` file below `folder`: the labels of the picture of the same name, between commas or on lines of
/// their own. Of the labels that any of the files names, those that a file does not name are answered no.
fn read_sidecars(folder: &Path) -> Result<Parsed<LabelsByAnnotator>> {
    let mut problems = Vec::new();
    let mut found: Vec<(String, BTreeSet<String>)> = Vec::new();
    for (number, entry) in WalkDir::new(folder).sort_by_file_name().into_iter().enumerate() {
        let entry = entry.map_err(|error| Error::user(error.to_string()))?;
        let path = entry.path();
        if !entry.file_type().is_file() || path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("txt")) {
            continue;
        }
        let relative = path.strip_prefix(folder).unwrap_or(path).with_extension("");
        let name: String = clean(&relative.to_string_lossy()).replace('\\', "/");
        let Ok(text) = String::from_utf8(read_file(path)?) else {
            problems.push(Problem::new(number as u64 + 1, format!("{}: the text is not UTF-8", path.display())));
            continue;
        };
        let mut labels = BTreeSet::new();
        for label in text.trim_start_matches('\u{feff}').split([',', '\n']).map(clean).filter(|label| !label.is_empty())
        {
            match names::problem(&label) {
                Some(wrong) => problems.push(Problem::new(
                    number as u64 + 1,
                    format!("{}: the label “{}” is not taken: {wrong}", path.display(), names::beginning(&label)),
                )),
                None => {
                    labels.insert(label);
                }
            }
        }
        found.push((name, labels));
    }
    if found.is_empty() {
        return Err(Error::user(format!("{} holds no .txt file with labels", folder.display()))
            .hint("give a CSV file, or the folder of the text files that stand for pictures"));
    }
    let labels: Vec<String> =
        found.iter().flat_map(|(_, labels)| labels).collect::<BTreeSet<_>>().into_iter().cloned().collect();
    let rows = found.into_iter().map(|(image, on)| LabelRow {
        line: 1,
        image,
        values: labels.iter().map(|label| Some(on.contains(label))).collect(),
        times: Vec::new(),
    });
    let rows = rows.collect();
    Ok(Parsed { value: vec![(None, LabelTable { labels, rows })], problems })
}

/// Writes the long form.
///
/// # Errors
/// What the writer reports.
pub fn write_long(rows: &[AnswerRow], target: impl io::Write) -> io::Result<()> {
    let mut writer = table::writer(target);
    writer.write_record(LONG)?;
    for row in rows {
        let answer = if row.answer { "1" } else { "0" };
        writer.write_record([row.image.as_str(), row.label.as_str(), answer, &row.annotator, &row.time])?;
    }
    writer.flush()
}

/// The text file of a picture, from the folder of all: `forest/01.txt` for `forest/01.png`.
pub fn sidecar_path(image: &str) -> PathBuf {
    Path::new(image).with_extension("txt")
}

/// The content of a picture's text file.
pub fn sidecar_text<'a>(labels_on: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = labels_on.into_iter().collect::<Vec<_>>().join(", ");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_long_form_comes_back_by_annotator() {
        let row = |image: &str, label: &str, answer, annotator: &str| AnswerRow {
            image: image.to_owned(),
            label: label.to_owned(),
            answer,
            annotator: annotator.to_owned(),
            time: "2024-05-01T10:00:00Z".to_owned(),
        };
        let rows = [
            row("a.png", "cute", true, "森"),
            row("a.png", "gloomy, \"dark\"", false, "森"),
            row("b.png", "cute", false, "Ada"),
        ];
        let mut bytes = Vec::new();
        write_long(&rows, &mut bytes).unwrap();
        let parsed = read_long(Table::parse(&bytes));
        assert_eq!(parsed.problems, []);
        let [(ada, of_ada), (mori, of_mori)] = parsed.value.as_slice() else { panic!("{:?}", parsed.value) };
        assert_eq!((ada.as_deref(), mori.as_deref()), (Some("Ada"), Some("森")));
        assert_eq!(
            (of_ada.labels.as_slice(), of_ada.rows[0].values.as_slice()),
            (&["cute".to_owned()][..], &[Some(false)][..])
        );
        assert_eq!(of_mori.labels, ["cute", "gloomy, \"dark\""]);
        assert_eq!(of_mori.rows[0].values, [Some(true), Some(false)]);
    }

    #[test]
    fn what_is_wrong_in_the_long_form_is_told_by_line() {
        let text = "image,label,answer\na,x,1\na,x,0\na,,1\na,y,perhaps\n";
        let parsed = read_long(Table::parse(text.as_bytes()));
        assert_eq!(parsed.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [3, 4, 5]);
        assert_eq!(parsed.value[0].1.rows.len(), 1);
    }
}
