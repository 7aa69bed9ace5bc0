//! `atmoscope classify`: new pictures go to the nearest cluster.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use crate::engine::jobs::classify::{self, Classification};
use crate::engine::jobs::counted;
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::interchange::{classification, write_json_lines};
use crate::wording;

/// Put new pictures into the clusters of a clustering that is kept: label intensities, nearest and second nearest cluster, most
/// similar pictures. Nothing enters the project.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// The pictures: files, or folders that are taken with all their subfolders.
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// The clustering; `atmoscope clusterings list` shows what was kept.
    #[arg(long, value_name = "NAME")]
    clustering: String,
    /// The file to write, by its ending .csv or .jsonl.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    replacing: super::Replacing,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let project = super::open_to_read(&arguments.dir)?;
    let id = project.clustering_named(&arguments.clustering)?.id;
    let out = match &arguments.out {
        None => None,
        Some(path) => {
            let kind = match path.extension() {
                Some(ending) if ending.eq_ignore_ascii_case("csv") => FileKind::Csv,
                Some(ending) if ending.eq_ignore_ascii_case("jsonl") => FileKind::JsonLines,
                _ => return Err(Error::user(format!("{} does not end in .csv or .jsonl", path.display()))),
            };
            Some((OutputFile::new(Some(&project), path, kind, arguments.replacing.existing())?, kind))
        }
    };
    let files = classify::picture_files(&arguments.pictures)?;
    if files.is_empty() {
        return Err(Error::user("there are no pictures there").hint("give picture files, or folders that hold some"));
    }
    let found = classify::run(&project, id, &files, &output.terminal, &super::cancel_on_interrupt())?;
    if let Some((file, kind)) = out {
        let mut bytes = Vec::new();
        match kind {
            FileKind::Csv => classification::write_csv(&found.names, &rows(&found), &mut bytes),
            _ => write_json_lines(&found.pictures, &mut bytes),
        }
        .map_err(|error| Error::io(file.path(), error))?;
        file.write(|target| target.write_all(&bytes))?;
    }
    output.print(&found, || text(&found))
}

fn rows(found: &Classification) -> Vec<classification::Row> {
    let row = |of: &classify::Classified| classification::Row {
        file: of.file.to_string_lossy().into_owned(),
        cluster: of.cluster,
        distance: of.distance,
        second_cluster: of.second_cluster,
        second_distance: of.second_distance,
        similar: of.similar.iter().map(|(name, _)| name.clone()).collect(),
        features: of.features.clone(),
    };
    found.pictures.iter().map(row).collect()
}

fn text(found: &Classification) -> String {
    let mut text = format!("Clusters of “{}” ({})\n", found.clustering, found.features);
    for picture in &found.pictures {
        let second = match (picture.second_cluster, picture.second_distance) {
            (Some(cluster), Some(distance)) => format!(", then cluster {cluster} at {}", wording::score(distance)),
            _ => String::new(),
        };
        let similar: Vec<&str> = picture.similar.iter().take(3).map(|(name, _)| name.as_str()).collect();
        text.push_str(&format!(
            "{}: cluster {} at {}{second}; like {}\n",
            picture.file.display(),
            picture.cluster,
            wording::score(picture.distance),
            similar.join(", ")
        ));
    }
    for (file, reason) in &found.left_out {
        text.push_str(&format!("left out {file}: {reason}\n"));
    }
    text.push_str(&format!("{}\n", counted(found.pictures.len(), "picture")));
    text
}
