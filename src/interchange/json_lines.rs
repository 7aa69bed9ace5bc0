//! One JSON object a line.

use std::io::{self, Write};

use serde::Serialize;

/// Writes each row as a JSON object on a line of its own.
///
/// # Errors
/// Those of `target`.
pub fn write_json_lines(rows: &[impl Serialize], mut target: impl Write) -> io::Result<()> {
    for row in rows {
        serde_json::to_writer(&mut target, row)?;
        target.write_all(b"\n")?;
    }
    Ok(())
}
