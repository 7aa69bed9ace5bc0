//! CSV as a header and rows with line numbers: what the CSV formats of this module share.

use std::collections::HashSet;
use std::io;

use unicode_normalization::UnicodeNormalization;

use super::problem::Problem;

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
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
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
            let line = lines.line_of_record_at(record.position().map_or(0, csv::Position::byte));
            let fields: Option<Vec<String>> =
                record.iter().map(|field| std::str::from_utf8(field).ok().map(clean)).collect();
            let Some(fields) = fields else {
                table.problems.push(Problem::new(line, "the text is not UTF-8; the row is left out"));
                continue;
            };
            if !has_header {
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
        } else if let [only] = table.header.as_slice()
            && let Some(separator) = [';', '\t'].into_iter().find(|separator| only.contains(*separator))
        {
            let name = if separator == ';' { "semicolons" } else { "tabs" };
            table
                .problems
                .push(Problem::new(table.header_line, format!("the fields are separated by {name}; use commas")));
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

    /// The column with the pictures' names.
    pub fn image_column(&mut self) -> Option<usize> {
        IMAGE_COLUMNS.iter().find_map(|name| self.optional(name)).or_else(|| self.required(IMAGE_COLUMNS[0]))
    }

    /// Columns other than `known` that can hold named values: position and name. Columns without a name and second
    /// columns of the same name are left out with a problem.
    pub fn named_columns(&mut self, known: usize) -> Vec<(usize, String)> {
        let mut columns: Vec<(usize, String)> = Vec::new();
        let mut names: HashSet<&str> = HashSet::new();
        for (position, name) in self.header.iter().enumerate().filter(|(position, _)| *position != known) {
            let message = if name.is_empty() {
                format!("column {} has no name; it is left out", position + 1)
            } else if !names.insert(name) {
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

/// Trimmed and in normal form C.
pub(super) fn clean(text: &str) -> String {
    text.trim().nfc().collect()
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
