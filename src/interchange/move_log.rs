//! Raters' sorts as a log, one JSON object a line: each move, and each visit to the board.
//!
//! ```json
//! {"study":"mood","rater":"Mori","condition":"1","occasion":1,"version":1,"opened_at":"…","paused_at":"…"}
//! {"study":"mood","rater":"Mori","condition":"1","occasion":1,"version":1,"number":1,"made_at":"…","stored_at":"…","move":"new_pile","images":["forest/01.png"]}
//! ```
//! Times are RFC 3339 in UTC. `stored_at` is later than `made_at` where a page had lost its connection in between.
//! `paused_at` is null where a page was left without a word. The moves are those of [`Move`]; made again from the first
//! to the last they give the groups.

use std::io;

use serde::{Deserialize, Serialize};

use super::problem::{Parsed, Problem};
use crate::sorting::Move;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Name of the study.
    pub study: String,
    /// Who sorted.
    pub rater: String,
    /// Name of the condition.
    pub condition: String,
    /// 1 the first time, 2 again.
    pub occasion: usize,
    /// Version of the sort, from 1.
    pub version: usize,
    /// What was done.
    #[serde(flatten)]
    pub entry: LogEntry,
}

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LogEntry {
    /// A move.
    Move {
        /// From 1 in each sort, without gaps.
        number: usize,
        /// When it was made.
        made_at: String,
        /// When it was stored.
        stored_at: String,
        /// The move, with pictures by their paths.
        #[serde(flatten)]
        step: Move<String>,
    },
    /// A stretch of time in which the board was open.
    Visit {
        /// When the board was opened.
        opened_at: String,
        /// When the rater paused or submitted.
        paused_at: Option<String>,
    },
}

/// Reads the bytes of a log. A line that is none of its own is a problem and left out.
pub fn parse(bytes: &[u8]) -> Parsed<Vec<LogLine>> {
    let mut parsed = Parsed { value: Vec::new(), problems: Vec::new() };
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(read) => parsed.value.push(read),
            Err(_) => {
                parsed.problems.push(Problem::new(number, "this is not a line of a log of moves; it is left out"));
            }
        }
    }
    parsed
}

/// Writes the lines in the order given.
///
/// # Errors
/// What the writer reports.
pub fn write(lines: &[LogLine], mut target: impl io::Write) -> io::Result<()> {
    for line in lines {
        serde_json::to_writer(&mut target, line)?;
        target.write_all(b"\n")?;
    }
    target.flush()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ids::PileId;
    use crate::sorting::ArrangedPile;

    fn line(entry: LogEntry) -> LogLine {
        let of = |text: &str| text.to_owned();
        LogLine { study: of("気分"), rater: of("Mori"), condition: of("1"), occasion: 2, version: 3, entry }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let images = vec!["forest/01.png".to_owned(), "海 \"sea\".png".to_owned()];
        let pile = PileId(2);
        let steps = vec![
            Move::Arrange {
                piles: vec![ArrangedPile { name: "x".to_owned(), images: images.clone() }],
                left_out: vec![],
            },
            Move::NewPile { images: images.clone(), to: Some(1) },
            Move::NewPile { images: vec![], to: None },
            Move::Place { images: images.clone(), pile },
            Move::TakeBack { images: images.clone() },
            Move::LeaveOut { images },
            Move::Merge { from: pile, into: PileId(1) },
            Move::Rename { pile, name: "夜\u{2028}".to_owned() },
            Move::Reorder { pile, to: 0 },
            Move::TakeApart { pile },
            Move::Undo,
            Move::Redo,
        ];
        let at = || "2024-05-01T10:00:00.5Z".to_owned();
        let mut lines: Vec<LogLine> = steps
            .into_iter()
            .zip(1..)
            .map(|(step, number)| line(LogEntry::Move { number, made_at: at(), stored_at: at(), step }))
            .collect();
        lines.push(line(LogEntry::Visit { opened_at: at(), paused_at: Some(at()) }));
        lines.push(line(LogEntry::Visit { opened_at: at(), paused_at: None }));
        let mut bytes = Vec::new();
        write(&lines, &mut bytes).unwrap();
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), lines.len());
        assert_eq!(parse(&bytes), Parsed { value: lines, problems: Vec::new() });
    }

    #[test]
    fn a_bad_line_is_told_and_left_out() {
        let visit = line(LogEntry::Visit { opened_at: "then".to_owned(), paused_at: None });
        let mut bytes = b"not JSON\n\n{\"study\":\"x\"}\n".to_vec();
        write(std::slice::from_ref(&visit), &mut bytes).unwrap();
        let parsed = parse(&bytes);
        assert_eq!(parsed.value, [visit]);
        assert_eq!(parsed.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [1, 3]);
    }
}
