//! `atmoscope clusterings`: list, show, note, write and remove the clusterings that were kept.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Output;
use crate::engine::jobs::{cluster, counted, features};
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::project::ClusteringRecord;

/// Clusterings that were kept with `cluster --name`: list, show, write and remove them.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the clusterings that were kept.
    List(ListArguments),
    /// Show what a clustering was made from, and its clusters.
    Show(OneArguments),
    /// Say something of a cluster.
    Note(NoteArguments),
    /// Write a clustering as CSV.
    Export(ExportArguments),
    /// Remove a clustering.
    Remove(OneArguments),
}

#[derive(Args, Debug)]
struct ListArguments {
    /// The project.
    dir: PathBuf,
}

#[derive(Args, Debug)]
struct OneArguments {
    /// The project.
    dir: PathBuf,
    /// The clustering.
    name: String,
}

#[derive(Args, Debug)]
struct NoteArguments {
    #[command(flatten)]
    of: OneArguments,
    /// The cluster, counted from 1.
    #[arg(long)]
    cluster: usize,
    /// What to say; nothing takes back what was said.
    #[arg(long)]
    note: String,
}

#[derive(Args, Debug)]
struct ExportArguments {
    #[command(flatten)]
    of: OneArguments,
    /// The CSV to write: image, cluster (counted from 1), distance; beside it a JSON file that says what it is.
    #[arg(long, value_name = "CSV")]
    out: PathBuf,
    #[command(flatten)]
    replacing: super::Replacing,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    match &arguments.action {
        Action::List(arguments) => {
            let project = super::open_to_read(&arguments.dir)?;
            let kept = project.clusterings()?;
            let lines = kept.iter().map(|record| Ok(line(record, &features::name_of(&project, record.features)?)));
            let lines: Vec<String> = lines.collect::<Result<_>>()?;
            output.print(&json!({ "clusterings": kept }), || match lines.is_empty() {
                true => "No clusterings yet: `atmoscope cluster DIR --name NAME` keeps one.".to_owned(),
                false => lines.join("\n"),
            })
        }
        Action::Show(arguments) => {
            let project = super::open_to_read(&arguments.dir)?;
            let record = project.clustering_named(&arguments.name)?;
            let mut sizes = vec![0usize; record.clusters];
            for assignment in project.assignments(record.id)? {
                sizes[assignment.cluster] += 1;
            }
            let of = features::name_of(&project, record.features)?;
            output.print(&json!({ "clustering": record, "sizes": sizes }), || {
                let mut text = line(&record, &of) + "\n";
                for (cluster, size) in sizes.iter().enumerate() {
                    let note = record.notes.get(&cluster).map_or(String::new(), |note| format!("  {note}"));
                    let _ = writeln!(text, "{:>4}  {:>12}{note}", cluster + 1, counted(*size, "picture"));
                }
                text
            })
        }
        Action::Note(arguments) => {
            let mut project = super::open_to_write(&arguments.of.dir)?;
            let record = project.clustering_named(&arguments.of.name)?;
            let cluster = arguments.cluster.checked_sub(1);
            let cluster = cluster.ok_or_else(|| Error::user("clusters are counted from 1"))?;
            project.note_cluster(record.id, cluster, &arguments.note)?;
            let value = json!({ "clustering": record.name, "cluster": arguments.cluster, "note": arguments.note });
            output.print(&value, || format!("Noted of cluster {} of “{}”", arguments.cluster, record.name))
        }
        Action::Export(arguments) => {
            let project = super::open_to_read(&arguments.of.dir)?;
            let record = project.clustering_named(&arguments.of.name)?;
            let existing = arguments.replacing.existing();
            let out = OutputFile::new(Some(&project), &arguments.out, FileKind::Csv, existing)?;
            cluster::write_kept(&project, record.id, &out)?;
            let value = json!({ "file": arguments.out.to_string_lossy(), "images": record.images });
            output.print(&value, || {
                let pictures = counted(record.images, "picture");
                format!("Wrote {pictures} and their clusters to {}", arguments.out.display())
            })
        }
        Action::Remove(arguments) => {
            let mut project = super::open_to_write(&arguments.dir)?;
            let record = project.clustering_named(&arguments.name)?;
            project.remove_clustering(record.id)?;
            output.print(&json!({ "removed": record.name }), || format!("Removed “{}”", record.name))
        }
    }
}

/// A kept clustering in a line.
fn line(record: &ClusteringRecord, features: &str) -> String {
    format!(
        "{:<24} {} of {}, {} of {features} ({} part), seed {}",
        record.name,
        counted(record.clusters, "cluster"),
        counted(record.images, "picture"),
        record.method,
        record.part,
        record.seed
    )
}
