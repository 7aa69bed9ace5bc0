//! What a split would change, before it is made: nothing is stored.

use std::collections::{HashMap, HashSet};

use super::split::{self, SplitRequest};
use crate::dataset::Part;
use crate::error::Result;
use crate::ids::ImageId;
use crate::project::Project;

/// The parts of a split in numbers: train, validation, test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartCounts {
    /// Pictures.
    pub images: [usize; 3],
    /// Of them, those that people sorted into groups.
    pub rated: [usize; 3],
}

/// A split that is asked for beside the one in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitPreview {
    /// The split in use, if there is one.
    pub before: Option<PartCounts>,
    /// The one asked for.
    pub after: PartCounts,
    /// Pictures that people sorted into groups.
    pub rated: usize,
    /// Pictures whose part would be another.
    pub moved: usize,
    /// Pictures that would take no part because nobody answered about them.
    pub without_answer: usize,
    /// Pictures that would take no part because every answer about them is no.
    pub all_no_left_out: usize,
    /// What one should know before training on it, as sentences.
    pub remarks: Vec<String>,
}

/// Divides the pictures as asked for and compares that with the split in use.
///
/// # Errors
/// Those that the split itself would end with.
pub fn run(project: &Project, request: &SplitRequest) -> Result<SplitPreview> {
    let rated = project.rated_images()?;
    let present = project.current_split()?.map(|split| split.parts);
    let division = split::divide(project, request)?;
    let after: HashMap<ImageId, Part> = division.parts.into_iter().collect();
    let moved = present.as_ref().map_or(0, |before| {
        let all: HashSet<&ImageId> = before.keys().chain(after.keys()).collect();
        all.into_iter().filter(|image| before.get(image) != after.get(image)).count()
    });
    Ok(SplitPreview {
        before: present.as_ref().map(|parts| count(parts, &rated)),
        after: count(&after, &rated),
        rated: rated.len(),
        moved,
        without_answer: division.left_out.without_answer,
        all_no_left_out: division.left_out.all_no,
        remarks: division.left_out.remarks(),
    })
}

fn count(parts: &HashMap<ImageId, Part>, rated: &HashSet<ImageId>) -> PartCounts {
    let mut counts = PartCounts::default();
    for (image, part) in parts {
        counts.images[*part as usize] += 1;
        counts.rated[*part as usize] += usize::from(rated.contains(image));
    }
    counts
}
