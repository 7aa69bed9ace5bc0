//! Export groupings: what raters handed in, as files for other programs.

use std::collections::BTreeSet;

use crate::dataset::SortChoice;
use crate::engine::output_file::OutputFile;
use crate::error::{Error, Result};
use crate::interchange::grouping_forms::GroupingForm;
use crate::interchange::groupings::GroupingRow;
use crate::project::{GroupingRecord, Project};

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenGroupings {
    /// Groupings.
    pub groupings: usize,
    /// Different pictures left out, whose file holds another picture now: their names would stand for that one.
    pub replaced_images: usize,
}

/// Writes the newest version of every grouping that is taken, of one occasion or all. What a file
/// of this form cannot hold is refused rather than left out.
///
/// # Errors
/// `User` when there is none, the form holds one sort of each rater and there are several, or the file cannot be
/// written.
pub fn run(
    project: &Project,
    form: GroupingForm,
    choice: &SortChoice,
    occasion: Option<usize>,
    file: &OutputFile,
) -> Result<WrittenGroupings> {
    let newest = project.groupings()?.into_iter().filter(|grouping| grouping.newest);
    let known: Vec<GroupingRecord> = newest.filter(|grouping| choice.with_removed || !grouping.removed).collect();
    choice.check_names(known.iter().map(|grouping| (grouping.rater.as_str(), grouping.study.as_deref())))?;
    let chosen: Vec<GroupingRecord> = known
        .into_iter()
        .filter(|grouping| occasion.is_none_or(|occasion| grouping.occasion == occasion))
        .filter(|grouping| choice.takes(&grouping.rater, &grouping.study_condition(), grouping.removed))
        .collect();
    if chosen.is_empty() {
        let which =
            choice.condition.as_ref().map_or_else(String::new, |condition| format!(" under condition “{condition}”"));
        return Err(Error::user(format!("the project holds no groupings{which}")));
    }
    if form.holds_one_sort() {
        refuse_several(&chosen, form)?;
    }
    let names = project.image_names()?;
    let again = chosen.iter().any(|grouping| grouping.occasion > 1);
    let replaced = project.replaced_images()?;
    let mut left_out = BTreeSet::new();
    let mut rows = Vec::new();
    for grouping in &chosen {
        for row in project.grouping_rows(grouping)? {
            if replaced.contains(&row.image) {
                left_out.insert(row.image);
                continue;
            }
            rows.push(GroupingRow {
                line: 0,
                rater: row.rater,
                condition: row.condition,
                image: names.path(row.image)?,
                group: row.group,
                started: row.begun_at,
                ended: row.submitted_at,
                order: row.place,
                occasion: again.then_some(row.occasion as u64),
                study: row.study,
            });
        }
    }
    file.write(|target| form.write(&rows, target))?;
    Ok(WrittenGroupings { groupings: chosen.len(), replaced_images: left_out.len() })
}

/// Refuses what would come into one column of a table: sorts of several studies, conditions or occasions.
fn refuse_several(chosen: &[GroupingRecord], form: GroupingForm) -> Result<()> {
    let of = |value: fn(&GroupingRecord) -> String| chosen.iter().map(value).collect::<BTreeSet<String>>();
    let list = |values: BTreeSet<String>| values.into_iter().collect::<Vec<_>>().join(", ");
    for (what, option, values) in [
        (
            "study",
            "--study",
            of(|grouping| grouping.study.clone().unwrap_or_else(|| "\"\" (those that name none)".to_owned())),
        ),
        ("condition", "--condition", of(|grouping| grouping.condition.clone())),
        ("occasion", "--occasion", of(|grouping| grouping.occasion.to_string())),
    ] {
        if values.len() > 1 {
            return Err(Error::user(format!("a file of the form {form} holds one {what}, and there are several"))
                .hint(format!("choose one with {option}: {}", list(values))));
        }
    }
    Ok(())
}
