//! A list of pictures, one name a line: for example the test pictures of an experiment.
//!
//! A first line that says only `image` or `file_name` is a header and is skipped. A name between double quotes is
//! read as CSV does, for lists that come from a spreadsheet.

use std::collections::HashMap;
use std::io;

use super::problem::{Parsed, Problem};
use super::table::IMAGE_COLUMNS;
use crate::names::clean;

/// One name of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedImage {
    /// Line in the file, from 1.
    pub line: u64,
    /// The picture's name as written.
    pub image: String,
}

/// Reads the bytes of a list. Blank lines are skipped; a name that comes again is a problem and left out.
pub fn parse(bytes: &[u8]) -> Parsed<Vec<ListedImage>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut parsed = Parsed { value: Vec::new(), problems: Vec::new() };
    let mut first_lines: HashMap<String, u64> = HashMap::new();
    for (text, line) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        let Ok(text) = std::str::from_utf8(text) else {
            parsed.problems.push(Problem::new(line, "the text is not UTF-8; the line is left out"));
            continue;
        };
        let image = unquoted(&clean(text));
        let is_header = parsed.value.is_empty() && IMAGE_COLUMNS.contains(&image.as_str());
        if image.is_empty() || is_header {
            continue;
        }
        if let Some(first) = first_lines.get(&image) {
            let message = format!("“{image}” stands in line {first} already; this line is left out");
            parsed.problems.push(Problem::new(line, message));
            continue;
        }
        first_lines.insert(image.clone(), line);
        parsed.value.push(ListedImage { line, image });
    }
    parsed
}

fn unquoted(text: &str) -> String {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) => inside.replace("\"\"", "\""),
        None => text.to_owned(),
    }
}

/// Writes one name a line, in the order given.
///
/// # Errors
/// What the writer reports.
pub fn write<'a>(images: impl IntoIterator<Item = &'a str>, mut target: impl io::Write) -> io::Result<()> {
    for image in images {
        writeln!(target, "{image}")?;
    }
    target.flush()
}
