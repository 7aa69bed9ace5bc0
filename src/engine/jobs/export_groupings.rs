//! Export groupings: what raters handed in, as files for other programs.

use std::collections::{BTreeSet, HashMap};

use crate::engine::output_file::OutputFile;
use crate::error::{Error, Result};
use crate::ids::ImageId;
use crate::interchange::grouping_forms::GroupingForm;
use crate::interchange::groupings::GroupingRow;
use crate::project::{GroupingRecord, Project};

/// Writes the newest version of every grouping, of one condition or all; gives their number.
///
/// # Errors
/// `User` when there is none, the form holds one condition only and there are several, or the file cannot be written.
pub fn run(project: &Project, form: GroupingForm, condition: Option<&str>, file: &OutputFile) -> Result<usize> {
    let chosen: Vec<GroupingRecord> = project
        .groupings()?
        .into_iter()
        .filter(|grouping| grouping.newest && condition.is_none_or(|condition| grouping.condition == condition))
        // The table has one column for a rater: what was done the first time.
        .filter(|grouping| form != GroupingForm::FreeSortR || grouping.occasion == 1)
        .collect();
    if chosen.is_empty() {
        let which = condition.map_or_else(String::new, |condition| format!(" under condition “{condition}”"));
        return Err(Error::user(format!("the project holds no groupings{which}")));
    }
    let conditions: BTreeSet<&str> = chosen.iter().map(|grouping| grouping.condition.as_str()).collect();
    if form == GroupingForm::FreeSortR && conditions.len() > 1 {
        let names: Vec<&str> = conditions.into_iter().collect();
        return Err(Error::user("FreeSortR's table holds one condition, and there are several")
            .hint(format!("choose one with --condition: {}", names.join(", "))));
    }
    let names: HashMap<ImageId, String> =
        project.images()?.into_iter().map(|image| (image.id, image.relative_path)).collect();
    let again = chosen.iter().any(|grouping| grouping.occasion > 1);
    let mut rows = Vec::new();
    for grouping in &chosen {
        for row in project.grouping_rows(grouping)? {
            rows.push(GroupingRow {
                line: 0,
                rater: row.rater,
                condition: row.condition,
                image: names.get(&row.image).cloned().unwrap_or_default(),
                group: row.group,
                started: row.begun_at,
                ended: row.submitted_at,
                order: row.place,
                occasion: again.then_some(row.occasion as u64),
            });
        }
    }
    file.write(|target| form.write(&rows, target))?;
    Ok(chosen.len())
}
