//! Features from a file that another program wrote.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{MadeSet, Making};
use crate::engine::jobs::intensities::Unreadable;
use crate::error::{Error, Result};
use crate::features::{FeatureMatrix, Recipe};
use crate::ids::ImageId;
use crate::interchange::feature_forms::feature_form;
use crate::interchange::{Parsed, Problem, read_file};
use crate::project::Project;

#[derive(Args, Debug)]
pub struct Settings {
    /// The file.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

impl Settings {
    pub(super) fn recipe(&self, _project: &Project) -> Result<Recipe> {
        Ok(Recipe::Imported { file: self.file.to_string_lossy().into_owned(), file_hash: String::new() })
    }
}

pub(super) fn make(recipe: Recipe, making: Making<'_>) -> Result<MadeSet> {
    let Recipe::Imported { file, .. } = recipe else {
        return Err(Error::internal("a recipe came to the wrong maker"));
    };
    let (file, project) = (Path::new(&file), making.project);
    let bytes = read_file(file)?;
    let Parsed { value: table, problems } = (feature_form(file).read)(file, &bytes)?;
    let line = |problem: &Problem| (format!("line {}", problem.line), problem.message.clone());
    let mut left_out: Unreadable = problems.iter().map(line).collect();
    if table.names.is_empty() {
        return Err(Error::user(format!("{} has no columns of features", file.display()))
            .hint("it names `image` and each feature"));
    }
    let names = project.image_names()?;
    let by_path = names.by_path();
    let mut rows: Vec<(ImageId, &[f32])> = Vec::new();
    let mut seen = HashSet::new();
    for (name, row) in table.images.iter().zip(table.values.chunks_exact(table.names.len())) {
        match by_path.get(name.as_str()) {
            None => left_out.push((name.clone(), "the project has no picture of this name".to_owned())),
            Some(image) if !seen.insert(*image) => left_out.push((name.clone(), "it stands there twice".to_owned())),
            Some(image) => rows.push((*image, row)),
        }
    }
    if rows.is_empty() {
        return Err(Error::user(format!("{} has features of no picture of the project", file.display()))
            .hint("its column `image` holds paths as the Library shows them"));
    }
    let ids = rows.iter().map(|(image, _)| *image).collect();
    let values = rows.iter().flat_map(|(_, row)| row.iter().copied()).collect();
    let matrix = FeatureMatrix::new(ids, table.names.clone(), values)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let recipe = Recipe::Imported { file: name, file_hash: blake3::hash(&bytes).to_hex().to_string() };
    Ok(MadeSet { recipe, matrix, left_out })
}
