//! Training runs: what was trained, on what, how, and how it ended.

use std::fmt;
use std::path::PathBuf;

use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::{Project, now};
use crate::error::{Error, Result};
use crate::ids::{LabelId, RunId, SplitId};

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// At work in this moment.
    Running,
    /// Ran to its last epoch.
    Finished,
    /// Stopped by a person; the best epoch so far was kept.
    Stopped,
    /// The program ended while it ran; checkpoints written so far were kept.
    Interrupted,
    /// Stopped by an error.
    Failed,
}

impl RunStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Finished, Self::Stopped, Self::Interrupted, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All that is needed to repeat a run, known before it starts.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The resolved configuration as TOML.
    pub configuration: String,
    /// The seed of everything random.
    pub seed: u64,
    /// The split used.
    pub split: SplitId,
    /// blake3 of the images' hashes, parts and labels, in order.
    pub data_hash: String,
    /// The labels in the run's order.
    pub labels: Vec<(LabelId, String)>,
    /// blake3 of the backbone's weights.
    pub weights_hash: String,
    /// The device's name.
    pub device: String,
}

/// A stored run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunRecord {
    /// Identity.
    pub id: RunId,
    /// How it stands.
    pub status: RunStatus,
    /// When it was started (UTC, RFC 3339).
    pub created_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// The resolved configuration as TOML.
    pub configuration: String,
    /// The seed of everything random.
    pub seed: u64,
    /// The split used.
    pub split: SplitId,
    /// blake3 of the images' hashes, parts and labels, in order.
    pub data_hash: String,
    /// The labels in the run's order.
    pub labels: Vec<(LabelId, String)>,
    /// blake3 of the backbone's weights.
    pub weights_hash: String,
    /// The version that ran it.
    pub app_version: String,
    /// The device's name.
    pub device: String,
    /// The epoch whose weights are used, from 1.
    pub best_epoch: Option<u32>,
    /// Why it failed, or what the person should know.
    pub message: Option<String>,
}

impl Project {
    /// The folder of a run.
    pub fn run_folder(&self, run: RunId) -> PathBuf {
        self.folder.join("runs").join(run.0.to_string())
    }

    /// Records a run that starts now, and makes its folder.
    pub fn begin_run(&mut self, run: &NewRun) -> Result<RunId> {
        let labels = serde_json::to_string(&run.labels).map_err(|error| Error::internal(error.to_string()))?;
        let id = self.write(|transaction| {
            transaction.execute(
                "INSERT INTO runs (status, created_at, configuration, seed, split_id, data_hash, labels, weights_hash,
                    app_version, device) VALUES ('running', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    now(),
                    run.configuration,
                    run.seed as i64,
                    run.split.0,
                    run.data_hash,
                    labels,
                    run.weights_hash,
                    env!("CARGO_PKG_VERSION"),
                    run.device,
                ],
            )?;
            Ok(RunId(transaction.last_insert_rowid()))
        })?;
        let folder = self.run_folder(id);
        std::fs::create_dir_all(&folder).map_err(|error| Error::io(&folder, error))?;
        Ok(id)
    }

    /// Records how a run ended.
    pub fn end_run(
        &mut self,
        run: RunId,
        status: RunStatus,
        best_epoch: Option<u32>,
        message: Option<&str>,
    ) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE runs SET status = ?1, ended_at = ?2, best_epoch = coalesce(?3, best_epoch), message = ?4 WHERE id = ?5",
                params![status.as_str(), now(), best_epoch, message, run.0],
            )?;
            Ok(())
        })
    }

    /// Records that a run goes on.
    pub fn reopen_run(&mut self, run: RunId) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE runs SET status = 'running', ended_at = NULL, message = NULL WHERE id = ?1",
                [run.0],
            )?;
            Ok(())
        })
    }

    /// Records the best epoch so far of a run at work, so that it counts even if the program is killed.
    pub fn set_best_epoch(&mut self, run: RunId, epoch: u32) -> Result<()> {
        self.write(|transaction| {
            transaction.execute("UPDATE runs SET best_epoch = ?1 WHERE id = ?2", params![epoch, run.0])?;
            Ok(())
        })
    }

    /// All runs, newest first.
    pub fn runs(&self) -> Result<Vec<RunRecord>> {
        let mut statement = self.connection.prepare_cached(&format!("{SELECT} ORDER BY id DESC"))?;
        let rows = statement.query_map([], run_from)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().collect()
    }

    /// One run.
    pub fn run(&self, id: RunId) -> Result<RunRecord> {
        self.connection
            .prepare_cached(&format!("{SELECT} WHERE id = ?1"))?
            .query_row([id.0], run_from)
            .optional()?
            .ok_or_else(|| {
                Error::user(format!("the project has no run {}", id.0)).hint("`atmoscope runs DIR` lists the runs")
            })?
    }

    pub(super) fn mark_interrupted_runs(&mut self) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE runs SET status = 'interrupted', ended_at = ?1,
                    message = 'the program ended while this run was at work' WHERE status = 'running'",
                [now()],
            )?;
            Ok(())
        })
    }
}

const SELECT: &str = "SELECT id, status, created_at, ended_at, configuration, seed, split_id, data_hash, labels,
    weights_hash, app_version, device, best_epoch, message FROM runs";

/// The outer result is the database's, the inner one says whether the row makes sense.
fn run_from(row: &Row<'_>) -> rusqlite::Result<Result<RunRecord>> {
    let id = RunId(row.get(0)?);
    let status: String = row.get(1)?;
    let labels: String = row.get(8)?;
    let damaged = |what: &str| Error::data(format!("the record of run {} is damaged ({what})", id.0));
    let Some(status) = RunStatus::parse(&status) else { return Ok(Err(damaged("status"))) };
    let Ok(labels) = serde_json::from_str(&labels) else { return Ok(Err(damaged("labels"))) };
    Ok(Ok(RunRecord {
        id,
        status,
        created_at: row.get(2)?,
        ended_at: row.get(3)?,
        configuration: row.get(4)?,
        seed: row.get::<_, i64>(5)? as u64,
        split: SplitId(row.get(6)?),
        data_hash: row.get(7)?,
        labels,
        weights_hash: row.get(9)?,
        app_version: row.get(10)?,
        device: row.get(11)?,
        best_epoch: row.get(12)?,
        message: row.get(13)?,
    }))
}
