//! The loss of every step of a run, kept as a line each of `batches.jsonl` so that curves by batch can be drawn later.
//!
//! A line is a short JSON array, `[epoch,step,steps,loss,checksum]`. The file is flushed with each epoch; a last line cut
//! short by the end of the program is left out when it is read.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::checked_line;
use crate::error::{Error, Result};

/// File in a run's folder.
const FILE: &str = "batches.jsonl";

/// One step of training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(usize, usize, usize, f64)", into = "(usize, usize, usize, f64)")]
pub struct BatchLoss {
    /// Its epoch, from 1.
    pub epoch: usize,
    /// Its number in the epoch, from 1.
    pub step: usize,
    /// Steps of the epoch.
    pub steps: usize,
    /// Mean loss of its images before the step, with dropout.
    pub loss: f64,
}

impl From<(usize, usize, usize, f64)> for BatchLoss {
    fn from((epoch, step, steps, loss): (usize, usize, usize, f64)) -> Self {
        Self { epoch, step, steps, loss }
    }
}

impl From<BatchLoss> for (usize, usize, usize, f64) {
    fn from(batch: BatchLoss) -> Self {
        (batch.epoch, batch.step, batch.steps, batch.loss)
    }
}

/// The steps a run has made so far, as far as they were written.
///
/// # Errors
/// `User` or `Device` when the file cannot be read, `Data` when a line is damaged.
pub fn read_batches(run_folder: &Path) -> Result<Vec<BatchLoss>> {
    let path = run_folder.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let step = |(index, line): (usize, &str)| {
                let step = checked_line::opened(line).and_then(|json| serde_json::from_str(&json).ok());
                step.ok_or_else(|| {
                    Error::data(format!(
                        "{}, line {}: damaged, it is not what was written there",
                        path.display(),
                        index + 1
                    ))
                    .hint("the run's network is not affected; delete the line to see the curves again")
                })
            };
            whole.lines().enumerate().map(step).collect()
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io(&path, error)),
    }
}

/// Appends steps to the file.
#[derive(Debug)]
pub(super) struct BatchWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl BatchWriter {
    /// Opens the file of a run that has done `epochs` epochs; what it holds of later ones is removed.
    pub(super) fn open(run_folder: &Path, epochs: usize) -> Result<Self> {
        let path = run_folder.join(FILE);
        let kept: Vec<BatchLoss> =
            read_batches(run_folder)?.into_iter().filter(|batch| batch.epoch <= epochs).collect();
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(&path);
        let mut writer = Self { file: BufWriter::new(file.map_err(|error| Error::io(&path, error))?), path };
        kept.into_iter().try_for_each(|batch| writer.add(batch))?;
        writer.flush()?;
        Ok(writer)
    }

    pub(super) fn add(&mut self, batch: BatchLoss) -> Result<()> {
        let line = serde_json::to_string(&batch)
            .map_err(|error| Error::internal(format!("a step's loss cannot be written: {error}")))?;
        writeln!(self.file, "{}", checked_line::sealed(&line)).map_err(|error| Error::io(&self.path, error))
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(|error| Error::io(&self.path, error))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn steps_come_back_and_are_cut_to_the_epochs_done() {
        let folder = tempfile::tempdir().unwrap();
        let batch = |epoch, step| BatchLoss { epoch, step, steps: 2, loss: 0.1 + 1.0 / (epoch * 3 + step) as f64 };
        let all: Vec<BatchLoss> = (1..=3).flat_map(|epoch| [batch(epoch, 1), batch(epoch, 2)]).collect();
        assert_eq!(read_batches(folder.path()).unwrap(), []);
        let mut writer = BatchWriter::open(folder.path(), 0).unwrap();
        all.iter().for_each(|batch| writer.add(*batch).unwrap());
        writer.flush().unwrap();
        assert_eq!(read_batches(folder.path()).unwrap(), all);
        // A line cut short.
        let path = folder.path().join(FILE);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 4]).unwrap();
        assert_eq!(read_batches(folder.path()).unwrap(), all[..5]);
        BatchWriter::open(folder.path(), 1).unwrap();
        assert_eq!(read_batches(folder.path()).unwrap(), all[..2]);
    }
}
