//! Scores as CSV: `score,study,condition,rater,value,standard_deviation,raters,pictures`.
//!
//! One row for each score of the clusters alone, for each condition (the mean over its raters, who are counted), and for
//! each rater. A score that is not defined has an empty value; values are written so that they read back to the bit.

use std::io;

use super::table;
use crate::evaluation::score::ScoreRow;

/// Writes rows of scores.
///
/// # Errors
/// Those of `target`.
pub fn write(rows: &[ScoreRow<'_>], target: impl io::Write) -> io::Result<()> {
    let mut writer = table::writer(target);
    writer.write_record([
        "score",
        "study",
        "condition",
        "rater",
        "value",
        "standard_deviation",
        "raters",
        "pictures",
    ])?;
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for row in rows {
        let (study, condition) = row
            .condition
            .map_or(("", ""), |condition| (condition.study.as_deref().unwrap_or(""), condition.condition.as_str()));
        writer.write_record([
            row.score.id,
            study,
            condition,
            row.rater.unwrap_or(""),
            &number(row.value),
            &number(row.standard_deviation),
            &row.raters.map_or_else(String::new, |raters| raters.to_string()),
            &row.images.to_string(),
        ])?;
    }
    writer.flush()
}
