//! Relink: tell the project where its pictures are now.

use std::path::Path;

use crate::error::{Error, Result};
use crate::imaging::{self, DecodeLimits};
use crate::project::Project;

/// How many pictures are compared byte for byte before a new place is believed.
const PROBES: usize = 5;

/// Says that the pictures imported from root `root_id` (the only one when `None`) are now below `folder`.
/// Returns how many of its pictures are found there.
///
/// # Errors
/// `User` when the folder holds none of them, or when it holds files of the same names with other content.
pub fn run(project: &mut Project, root_id: Option<i64>, folder: &Path) -> Result<usize> {
    let roots = project.image_roots()?;
    let root_id = match (root_id, roots.as_slice()) {
        (Some(id), _) => id,
        (None, [only]) => only.id,
        (None, []) => return Err(Error::user("the project has no pictures yet").hint("import a folder first")),
        (None, several) => {
            let list: Vec<_> = several.iter().map(|root| format!("{} = {}", root.id, root.path.display())).collect();
            return Err(Error::user("the project's pictures come from several folders")
                .hint(format!("say which one moved with --root: {}", list.join(", "))));
        }
    };
    let images: Vec<_> = project.images()?.into_iter().filter(|image| image.root_id == root_id).collect();
    let present: Vec<_> = images.iter().filter(|image| folder.join(&image.relative_path).is_file()).collect();
    if present.is_empty() {
        return Err(Error::user(format!("{} holds none of the project's {} pictures", folder.display(), images.len()))
            .hint("give the folder that takes the place of the one imported from, not one above or below it"));
    }
    for image in present.iter().step_by(present.len().div_ceil(PROBES)) {
        let path = folder.join(&image.relative_path);
        let bytes = imaging::read_picture_file(&path, &DecodeLimits::default())
            .map_err(|rejection| rejection.into_error(&path.display().to_string()))?;
        if imaging::content_hash(&bytes) != image.content_hash {
            return Err(Error::user(format!("{} is another picture than the one imported", path.display()))
                .hint("import the folder instead, if its pictures were edited"));
        }
    }
    project.move_image_root(root_id, folder)?;
    Ok(present.len())
}
