//! What a rater sees: the tasks of the study, and the sort that is next. Nothing of labels, clusters or other raters.

use crate::error::{Error, Result};
use crate::ids::{PersonId, StudyId};
use crate::project::{Person, Project, StoredSort, TaskProgress, TaskRecord};

/// One rater's way through a study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaterSession {
    /// The study.
    pub study: StudyId,
    /// Its name.
    pub study_name: String,
    /// Who sorts.
    pub rater: Person,
    /// The tasks in this rater's order, with the progress of each.
    pub tasks: Vec<(TaskRecord, TaskProgress)>,
    /// The sort that is next; none when all are submitted.
    pub current: Option<StoredSort>,
}

impl RaterSession {
    /// The session as it stands; the next sort is begun if it was not yet.
    ///
    /// # Errors
    /// `User` when the rater does not take part or the study is closed.
    pub fn open(project: &mut Project, study: StudyId, rater: PersonId) -> Result<Self> {
        let record = project.study(study)?;
        let taking_part = record.rater(rater).filter(|rater| !rater.removed);
        let Some(taking_part) = taking_part else {
            return Err(Error::user("this rater does not take part in the study"));
        };
        if record.closed_at.is_some() {
            return Err(Error::user(format!("the study “{}” is closed", record.name))
                .hint("the researcher can open it again in the view Group"));
        }
        let current = match taking_part.next_task() {
            Some(task) => Some(project.open_sort(study, rater, task)?),
            None => None,
        };
        // Read again: the sort may have been begun just now.
        let record = project.study(study)?;
        let taking_part = record.rater(rater).ok_or_else(|| Error::internal("a rater is gone"))?;
        let tasks =
            taking_part.progress.iter().filter_map(|p| Some((record.task(p.task)?.clone(), p.clone()))).collect();
        Ok(Self { study, study_name: record.name.clone(), rater: taking_part.person.clone(), tasks, current })
    }

    /// The place of the current task among all, from 1.
    pub fn task_number(&self) -> usize {
        let current = self.current.as_ref().map(|sort| sort.task.id);
        self.tasks.iter().position(|(task, _)| Some(task.id) == current).map_or(self.tasks.len(), |at| at + 1)
    }
}
