//! CSV as a header and rows with line numbers: what the CSV formats of this module share.

use std::collections::HashSet;
use std::io;

use super::problem::Problem;
use crate::names::{self, clean};

/// Names a first or picture column may have.
pub(super) const IMAGE_COLUMNS: [&str; 2] = ["image", "file_name"];

/// One row under the header.
pub(super) struct Row {
    /// Line where it begins, from 1.
    pub line: u64,
    /// As many fields as the header has, trimmed, in normal form C.
    pub fields: Vec<String>,
}

/// A CSV file with a header.
pub(super) struct Table {
    /// Trimmed, in normal form C.
    pub header: Vec<String>,
    /// Line of the header.
    pub header_line: u64,
    pub rows: Vec<Row>,
    pub problems: Vec<Problem>,
}

impl Table {
    /// Reads `bytes`. Rows that are ragged or not UTF-8 are left out with a problem; blank rows are skipped.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut table = Self { header: Vec::new(), header_line: 1, rows: Vec::new(), problems: Vec::new() };
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            table.problems.push(Problem::new(1, "the file is UTF-16; save it as CSV in UTF-8"));
            return table;
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let separator = Separator::of(bytes);
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator.byte()).from_reader(bytes);
        // The reader takes such a field to the end of the file without a word.
        let unclosed = unclosed_quote(bytes, separator.byte());
        let mut lines = LineCounter::new(bytes);
        let mut record = csv::ByteRecord::new();
        let mut has_header = false;
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    table.problems.push(Problem::new(lines.last, format!("the rest cannot be read: {error}")));
                    break;
                }
            }
            let start = record.position().map_or(0, csv::Position::byte);
            let line = lines.line_of_record_at(start);
            if let Some((quote, quote_line)) = unclosed
                && reader.position().byte() > quote
            {
                table.problems.push(Problem::new(
                    quote_line,
                    "a quotation mark begins a field and none ends it; this row and all below it are left out",
                ));
                if !has_header {
                    return table;
                }
                break;
            }
            let fields: Option<Vec<String>> =
                record.iter().map(|field| std::str::from_utf8(field).ok().map(clean)).collect();
            let Some(fields) = fields else {
                table.problems.push(Problem::new(line, "the text is not UTF-8; the row is left out"));
                continue;
            };
            if !has_header {
                if fields == ["sep=", ""] {
                    // A hint for spreadsheets: the separator, on a line of its own.
                    continue;
                }
                has_header = true;
                table.header_line = line;
                table.header = fields;
            } else if fields.iter().all(String::is_empty) {
                // Spreadsheets leave such rows at the end.
            } else if fields.len() == table.header.len() {
                table.rows.push(Row { line, fields });
            } else {
                table.problems.push(Problem::new(
                    line,
                    format!("{} fields where the header has {}; the row is left out", fields.len(), table.header.len()),
                ));
            }
        }
        if !has_header {
            table.problems.push(Problem::new(1, "the file has no header"));
        }
        table
    }

    /// The column called `name`, and a problem when there is none.
    pub fn required(&mut self, name: &str) -> Option<usize> {
        let column = self.optional(name);
        if column.is_none() {
            self.problems.push(Problem::new(self.header_line, format!("the column “{name}” is missing")));
        }
        column
    }

    /// The first column called `name`.
    pub fn optional(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// The column with the pictures' names: the first that is called so, as a label may be called so too.
    pub fn image_column(&mut self) -> Option<usize> {
        let found = self.header.iter().position(|column| IMAGE_COLUMNS.contains(&column.as_str()));
        found.or_else(|| self.required(IMAGE_COLUMNS[0]))
    }

    /// Columns other than `known` that can hold named values: position and name. Columns without a name and second
    /// columns of the same name are left out with a problem.
    pub fn named_columns(&mut self, known: usize) -> Vec<(usize, String)> {
        let mut columns: Vec<(usize, String)> = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        for (position, name) in self.header.iter().enumerate().filter(|(position, _)| *position != known) {
            let message = if name.is_empty() {
                format!("column {} has no name; it is left out", position + 1)
            } else if let Some(problem) = names::problem_in_table(name) {
                format!("the name of column {}, “{}”, is not taken: {problem}", position + 1, names::beginning(name))
            } else if !seen.insert(name) {
                format!("there are two columns “{name}”; the second is left out")
            } else {
                columns.push((position, name.clone()));
                continue;
            };
            self.problems.push(Problem::new(self.header_line, message));
        }
        columns
    }

    /// The problems in the order of their lines.
    pub fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.line);
        self.problems
    }
}

/// What stands between the fields of a CSV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// As in RFC 4180, and as everything here is written.
    Comma,
    /// As spreadsheets write in countries with a decimal comma.
    Semicolon,
    /// As pasted from a spreadsheet.
    Tab,
}

impl Separator {
    /// What separates the fields of the file's first line: semicolons or tabs only where it holds no comma.
    pub fn of(bytes: &[u8]) -> Self {
        let header =
            bytes.iter().copied().skip_while(u8::is_ascii_whitespace).take_while(|byte| !b"\r\n".contains(byte));
        let (mut quoted, mut commas, mut semicolons, mut tabs) = (false, 0, 0, 0);
        for byte in header {
            match byte {
                b'"' => quoted = !quoted,
                b',' if !quoted => commas += 1,
                b';' if !quoted => semicolons += 1,
                b'\t' if !quoted => tabs += 1,
                _ => {}
            }
        }
        match (commas, semicolons, tabs) {
            (0, 1.., _) => Self::Semicolon,
            (0, 0, 1..) => Self::Tab,
            _ => Self::Comma,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// What to tell of it; nothing of commas.
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::Comma => None,
            Self::Semicolon => Some("the fields are separated by semicolons, and are read so"),
            Self::Tab => Some("the fields are separated by tabs, and are read so"),
        }
    }
}

/// Where the quotation mark stands, and on which line, that begins a field and is never closed.
fn unclosed_quote(bytes: &[u8], separator: u8) -> Option<(u64, u64)> {
    let (mut line, mut opened, mut field_begins) = (1, None, true);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        match (opened, byte) {
            (Some(_), b'"') if next == Some(&b'"') => at += 1,
            (Some(_), b'"') => opened = None,
            (None, b'"') if field_begins => opened = Some((at as u64, line)),
            _ => {}
        }
        line += u64::from(byte == b'\n' || (byte == b'\r' && next != Some(&b'\n')));
        field_begins = opened.is_none() && (byte == separator || byte == b'\n' || byte == b'\r');
        at += 1;
    }
    opened
}

/// A writer of CSV with the fields quoted only where they must be.
pub(super) fn writer<W: io::Write>(target: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().from_writer(target)
}

/// Counts lines up to a record's first byte, over the blank lines that the reader skips before it.
struct LineCounter<'a> {
    bytes: &'a [u8],
    position: usize,
    line: u64,
    last: u64,
}

impl<'a> LineCounter<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, line: 1, last: 1 }
    }

    fn line_of_record_at(&mut self, byte: u64) -> u64 {
        let mut start = (byte as usize).min(self.bytes.len());
        while matches!(self.bytes.get(start), Some(b'\r' | b'\n')) {
            start += 1;
        }
        // A carriage return alone ends a line too, as the reader sees it.
        while self.position < start {
            let ends_line = match self.bytes[self.position] {
                b'\n' => true,
                b'\r' => self.bytes.get(self.position + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += u64::from(ends_line);
            self.position += 1;
        }
        self.last = self.line;
        self.line
    }
}
