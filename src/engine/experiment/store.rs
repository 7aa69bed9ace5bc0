//! An experiment on disk: a folder in the project with what was asked, what was made for it and every cell, each as a line
//! that says whether it is still what was written.
//!
//! A cell is there whole or not at all: a line that a kill cut off is dropped when the experiment goes on.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::cell::Cell;
use super::manifest::Manifest;
use super::plan::Plan;
use crate::checked_line;
use crate::error::{Error, Result};
use crate::features::FeatureSource;

/// The version of what is written.
const VERSION: u32 = 1;
const RECORD_FILE: &str = "experiment.json";
const MADE_FILE: &str = "made.jsonl";
const CELLS_FILE: &str = "cells.jsonl";

/// What was asked, and of what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the form.
    pub version: u32,
    /// What it is called.
    pub name: String,
    /// The plan as it was written.
    pub plan: Plan,
    /// What the project held.
    pub manifest: Manifest,
    /// The program's version.
    pub app_version: String,
    /// When it was begun (UTC, RFC 3339).
    pub created_at: String,
}

impl Record {
    /// Of an experiment that begins now.
    pub fn new(name: String, plan: Plan, manifest: Manifest, created_at: String) -> Self {
        Self { version: VERSION, name, plan, manifest, app_version: env!("CARGO_PKG_VERSION").to_owned(), created_at }
    }
}

/// Features that were made for an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Their name in the plan.
    pub features: String,
    /// The seed, where it matters.
    pub seed: Option<u64>,
    /// What they are in the project.
    pub source: FeatureSource,
    /// What is known of them: recipe or run, hashes of data, weights and numbers.
    pub facts: Map<String, Value>,
    /// BLAKE3 of their numbers, whatever columns and pictures are called; none for the intensities of a run, which are made
    /// picture by picture.
    pub values_hash: Option<String>,
}

/// An experiment as far as it came.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What was asked.
    pub record: Record,
    /// What was made.
    pub made: Vec<Made>,
    /// The cells, in the order they were computed.
    pub cells: Vec<Cell>,
}

/// The folder of an experiment.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// At `folder`, which need not be there.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// What is there; none where nothing was begun.
    ///
    /// # Errors
    /// `Data` for a line that is not what was written; `Device` for what cannot be read.
    pub fn read(&self) -> Result<Option<Kept>> {
        let path = self.folder.join(RECORD_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(&path, error)),
        };
        let record: Record = opened(&path, 1, text.trim_end())?;
        if record.version > VERSION {
            return Err(
                Error::data(format!("{} was written by a newer Atmoscope", path.display())).hint("update Atmoscope")
            );
        }
        Ok(Some(Kept { record, made: self.lines(MADE_FILE)?, cells: self.lines(CELLS_FILE)? }))
    }

    /// Begins an experiment.
    ///
    /// # Errors
    /// `Device` when nothing can be written there.
    pub fn begin(&self, record: &Record) -> Result<()> {
        fs::create_dir_all(&self.folder).map_err(|error| Error::io(&self.folder, error))?;
        let line = sealed(record)?;
        crate::atomic::write_file(&self.folder.join(RECORD_FILE), |target| target.write_all(line.as_bytes()))
    }

    /// Keeps features that were made.
    ///
    /// # Errors
    /// `Device` when nothing can be written there.
    pub fn add_made(&self, made: &Made) -> Result<()> {
        self.append(MADE_FILE, &sealed(made)?)
    }

    /// Keeps a cell.
    ///
    /// # Errors
    /// `Device` when nothing can be written there.
    pub fn add_cell(&self, cell: &Cell) -> Result<()> {
        self.append(CELLS_FILE, &sealed(cell)?)
    }

    /// All lines but one that is not ended.
    fn lines<T: DeserializeOwned>(&self, file: &str) -> Result<Vec<T>> {
        let path = self.folder.join(file);
        let text = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io(&path, error)),
        };
        let text = String::from_utf8_lossy(&text);
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().enumerate().map(|(index, line)| opened(&path, index + 1, line)).collect()
    }

    fn append(&self, file: &str, line: &str) -> Result<()> {
        let path = self.folder.join(file);
        let io = |error| Error::io(&path, error);
        let mut target = OpenOptions::new().create(true).append(true).open(&path).map_err(io)?;
        target.write_all(line.as_bytes()).and_then(|()| target.sync_data()).map_err(io)
    }

    /// Drops what a kill left of a line that was being written.
    ///
    /// # Errors
    /// `Device` when it cannot be written.
    pub fn mend(&self) -> Result<()> {
        for file in [MADE_FILE, CELLS_FILE] {
            let path = self.folder.join(file);
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io(&path, error)),
            };
            let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            if whole < bytes.len() {
                crate::atomic::write_file(&path, |target| target.write_all(&bytes[..whole]))?;
            }
        }
        Ok(())
    }
}

fn sealed(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string(value).map_err(|error| Error::internal(error.to_string()))?;
    Ok(checked_line::sealed(&json) + "\n")
}

fn opened<T: DeserializeOwned>(path: &Path, line_number: usize, line: &str) -> Result<T> {
    let damaged = |what: &str| {
        Error::data(format!("{}, line {line_number}: {what}", path.display()))
            .hint("put the file back from a copy, or do the experiment under another name with --name")
    };
    let json = checked_line::opened(line).ok_or_else(|| damaged("damaged, it is not what was written there"))?;
    // Lines of experiments always have a checksum.
    if json == line {
        return Err(damaged("its checksum is missing"));
    }
    serde_json::from_str(&json).map_err(|error| damaged(&error.to_string()))
}
