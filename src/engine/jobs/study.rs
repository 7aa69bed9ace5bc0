//! Studies: made from a few choices, and their log of moves with everything by name.

use std::path::PathBuf;

use super::split::read_image_list;
use crate::dataset::Part;
use crate::error::{Error, Result};
use crate::ids::{ImageId, StudyId};
use crate::interchange::move_log::{LogEntry, LogLine};
use crate::project::{NewStudy, NewTask, Project, StudyRecord, TaskOrder};
use crate::sorting::Condition;

/// Which pictures a study is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StudyImages {
    /// The test part of the newest split; all pictures where there is no split.
    #[default]
    TestIfSplit,
    /// The test part of the newest split.
    Test,
    /// All that are not set aside.
    All,
    /// Those whose names stand in a file, one on each line.
    Listed(PathBuf),
}

/// How many pictures are sorted again, after everything was sorted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retest {
    /// As many of the study's, the same for all raters.
    Some(usize),
    /// All.
    All,
}

/// The choices a study is made from.
#[derive(Clone, Debug)]
pub struct StudyRequest {
    /// Its name.
    pub name: String,
    /// Who takes part; more can join later.
    pub raters: Vec<String>,
    /// The conditions, in the order in which raters meet them.
    pub conditions: Vec<Condition>,
    /// The pictures.
    pub images: StudyImages,
    /// Seed of the raters' own orders and of the pictures sorted again.
    pub seed: u64,
    /// Whether each condition comes again in the end.
    pub retest: Option<Retest>,
    /// In which order raters meet the conditions.
    pub task_order: TaskOrder,
}

/// Makes a study.
///
/// # Errors
/// `User` or `Config` when something is missing, double, or cannot be kept.
pub fn create(project: &mut Project, request: &StudyRequest) -> Result<StudyRecord> {
    let id = project.create_study(&NewStudy {
        name: request.name.clone(),
        images: images_of(project, &request.images)?,
        tasks: tasks(&request.conditions, request.retest),
        task_order: request.task_order,
        seed: request.seed,
        raters: request.raters.clone(),
    })?;
    project.study(id)
}

/// What raters do: each condition once, and once more in the end if asked for.
pub fn tasks(conditions: &[Condition], retest: Option<Retest>) -> Vec<NewTask> {
    let first = conditions.iter().map(|condition| (condition, 1, None));
    let again = conditions.iter().filter_map(|condition| match retest? {
        Retest::Some(images) => Some((condition, 2, Some(images))),
        Retest::All => Some((condition, 2, None)),
    });
    let task =
        |(condition, occasion, images): (&Condition, _, _)| NewTask { condition: condition.clone(), occasion, images };
    first.chain(again).map(task).collect()
}

fn images_of(project: &Project, which: &StudyImages) -> Result<Vec<ImageId>> {
    let images = project.images()?;
    let test = match which {
        StudyImages::Test | StudyImages::TestIfSplit => project.current_split()?,
        StudyImages::All => None,
        StudyImages::Listed(file) => {
            return Ok(read_image_list(file, &images, "pictures to sort")?.into_iter().collect());
        }
    };
    match test {
        Some(split) => Ok(split.images_of(Part::Test)),
        None if *which == StudyImages::Test => {
            Err(Error::user("the pictures are not split yet").hint("split them first, or choose all or a list"))
        }
        None => Ok(images.into_iter().filter(|image| image.set_aside.is_none()).map(|image| image.id).collect()),
    }
}

/// All that raters did in a study: for each of their sorts the visits, then the moves.
///
/// # Errors
/// `Data` when the log is damaged.
pub fn log_of(project: &Project, study: StudyId) -> Result<Vec<LogLine>> {
    let names = project.image_names()?;
    let study_name = project.study(study)?.name;
    let mut lines = Vec::new();
    for id in project.sorts_of(study)? {
        let sort = project.sort(id)?;
        let line = |entry: LogEntry| LogLine {
            study: study_name.clone(),
            rater: sort.rater.name.clone(),
            condition: sort.task.condition.name.clone(),
            occasion: sort.task.occasion,
            version: sort.version,
            entry,
        };
        for visit in project.sort_visits(id)? {
            lines.push(line(LogEntry::Visit { opened_at: visit.opened_at, paused_at: visit.paused_at }));
        }
        for logged in project.sort_log(id)? {
            let step = logged.step.with_images(|image| names.get(*image).map(str::to_owned)).map_err(|image| {
                Error::data(format!("move {} of sort {} is of a picture {} that is gone", logged.number, id.0, image.0))
            })?;
            let (number, made_at, stored_at) = (logged.number, logged.made_at, logged.stored_at);
            lines.push(line(LogEntry::Move { number, made_at, stored_at, step }));
        }
    }
    Ok(lines)
}
