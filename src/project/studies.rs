//! Studies: which pictures are sorted, under which conditions, in which order, and by whom.

use std::collections::{BTreeMap, HashSet};

use rand::RngCore;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::people::{Person, Role, person_in};
use super::{Project, now};
use crate::error::{Error, Result};
use crate::ids::{ImageId, PersonId, SortId, StudyId, TaskId};
use crate::names;
use crate::sorting::{Condition, own_order};
use crate::wording::counted;

/// Bytes of randomness in the secret of a rater's link: too many to guess.
const SECRET_BYTES: usize = 20;

/// In which order a rater meets the tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskOrder {
    /// As they are listed.
    #[default]
    Listed,
    /// Each rater begins one further on in the list than the rater before, so that no condition always comes first.
    Rotated,
}

impl TaskOrder {
    fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Rotated => "rotated",
        }
    }
}

/// A task to ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTask {
    /// The rules.
    pub condition: Condition,
    /// 1 the first time, 2 again (test and retest).
    pub occasion: usize,
    /// How many of the study's images, drawn by the study's seed; all when missing.
    pub images: Option<usize>,
}

/// A study to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStudy {
    /// Its name, unlike that of any other study.
    pub name: String,
    /// The images to sort.
    pub images: Vec<ImageId>,
    /// What each rater does.
    pub tasks: Vec<NewTask>,
    /// In which order.
    pub task_order: TaskOrder,
    /// Seed of the raters' own orders of the images and of the images sorted again.
    pub seed: u64,
    /// The raters' names; more can join later.
    pub raters: Vec<String>,
}

impl NewStudy {
    /// Checks that it can be made: names, pictures, conditions that can be kept.
    ///
    /// # Errors
    /// `User` or `Config`, saying what is missing, double, or cannot be kept.
    pub fn check(&self) -> Result<()> {
        visible_name(&self.name, "a study")?;
        let images: HashSet<ImageId> = self.images.iter().copied().collect();
        check_tasks(self, images.len())?;
        let mut names: HashSet<String> = HashSet::new();
        for name in &self.raters {
            let name = visible_name(name, "a rater")?;
            if names.contains(&name) {
                return Err(
                    Error::user(format!("{name} takes part already")).hint("choose a name that tells the two apart")
                );
            }
            names.insert(name);
        }
        Ok(())
    }
}

/// One thing a study asks of each rater.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskRecord {
    /// Identity.
    pub id: TaskId,
    /// The rules.
    pub condition: Condition,
    /// 1 the first time, 2 again.
    pub occasion: usize,
    /// Number of images to sort.
    pub images: usize,
}

/// How far a rater is with a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskProgress {
    /// Which task.
    pub task: TaskId,
    /// The newest version of the sort; none before the rater began.
    pub sort: Option<SortProgress>,
}

/// How far a sort is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SortProgress {
    /// Which.
    pub id: SortId,
    /// Version, from 1.
    pub version: usize,
    /// Images placed.
    pub placed: usize,
    /// Moves made.
    pub moves: usize,
    /// When it was begun.
    pub begun_at: String,
    /// When the newest move was made.
    pub last_at: Option<String>,
    /// When it was submitted.
    pub submitted_at: Option<String>,
}

/// A rater of a study.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StudyRater {
    /// Who.
    pub person: Person,
    /// Secret of the rater's link.
    #[serde(skip)]
    pub secret: String,
    /// Place in the order of joining, from 0.
    pub position: usize,
    /// True when the rater can no longer open the study.
    pub removed: bool,
    /// The tasks in the order in which this rater meets them.
    pub progress: Vec<TaskProgress>,
}

impl StudyRater {
    /// Tasks submitted.
    pub fn submitted(&self) -> usize {
        let done = |task: &&TaskProgress| task.sort.as_ref().is_some_and(|sort| sort.submitted_at.is_some());
        self.progress.iter().filter(done).count()
    }

    /// The first task that is not submitted yet.
    pub fn next_task(&self) -> Option<TaskId> {
        let open = |task: &&TaskProgress| task.sort.as_ref().is_none_or(|sort| sort.submitted_at.is_none());
        self.progress.iter().find(open).map(|task| task.task)
    }
}

/// A study with all that is known of its progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StudyRecord {
    /// Identity.
    pub id: StudyId,
    /// Name.
    pub name: String,
    /// Seed of the raters' own orders.
    pub seed: u64,
    /// In which order raters meet the tasks.
    pub task_order: TaskOrder,
    /// When it was made.
    pub created_at: String,
    /// When it was closed; raters cannot go on then.
    pub closed_at: Option<String>,
    /// Number of images.
    pub images: usize,
    /// What each rater does, as listed.
    pub tasks: Vec<TaskRecord>,
    /// Who takes part, in the order of joining, removed ones among them.
    pub raters: Vec<StudyRater>,
}

impl StudyRecord {
    /// A task.
    pub fn task(&self, id: TaskId) -> Option<&TaskRecord> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// A rater.
    pub fn rater(&self, id: PersonId) -> Option<&StudyRater> {
        self.raters.iter().find(|rater| rater.person.id == id)
    }
}

impl Project {
    /// Makes a study.
    ///
    /// # Errors
    /// `User` or `Config` when something is missing, double, or cannot be kept.
    pub fn create_study(&mut self, study: &NewStudy) -> Result<StudyId> {
        study.check()?;
        let name = visible_name(&study.name, "a study")?;
        let images: HashSet<ImageId> = study.images.iter().copied().collect();
        let raters: Vec<String> =
            study.raters.iter().map(|name| visible_name(name, "a rater")).collect::<Result<_>>()?;
        let mut images: Vec<ImageId> = images.into_iter().collect();
        images.sort_unstable();
        if let Some(again) = study.tasks.iter().filter_map(|task| task.images).find(|again| *again > images.len()) {
            let there = counted(images.len(), "picture");
            return Err(Error::user(format!("{again} pictures cannot be sorted again: the study has {there}"))
                .hint("choose fewer, or all"));
        }
        self.write(|transaction| {
            let taken: bool =
                transaction
                    .query_row("SELECT EXISTS (SELECT 1 FROM studies WHERE name = ?1)", [&name], |row| row.get(0))?;
            if taken {
                return Err(Error::user(format!("there is a study “{name}” already")).hint("choose another name"));
            }
            transaction.execute(
                "INSERT INTO studies (name, seed, task_order, created_at) VALUES (?1, ?2, ?3, ?4)",
                params![name, study.seed as i64, study.task_order.as_str(), now()],
            )?;
            let id = StudyId(transaction.last_insert_rowid());
            for image in &images {
                transaction
                    .prepare_cached("INSERT INTO study_images (study_id, image_id) VALUES (?1, ?2)")?
                    .execute(params![id.0, image.0])?;
            }
            for (position, task) in study.tasks.iter().enumerate() {
                let condition = to_json(&task.condition)?;
                transaction.execute(
                    "INSERT INTO study_tasks (study_id, position, condition, occasion) VALUES (?1, ?2, ?3, ?4)",
                    params![id.0, position as i64, condition, task.occasion as i64],
                )?;
                let task_id = transaction.last_insert_rowid();
                let some = task.images.filter(|count| *count < images.len());
                let drawn = format!("task {position}: condition {}", task.condition.name);
                for image in own_order(&images, study.seed, &drawn).into_iter().take(some.unwrap_or(0)) {
                    transaction.execute(
                        "INSERT INTO task_images (task_id, image_id) VALUES (?1, ?2)",
                        params![task_id, image.0],
                    )?;
                }
            }
            for rater in &raters {
                add_rater(transaction, id, rater)?;
            }
            Ok(id)
        })
    }

    /// Adds a rater; one who was removed comes back with all that was done.
    pub fn add_rater(&mut self, study: StudyId, name: &str) -> Result<PersonId> {
        let name = visible_name(name, "a rater")?;
        self.write(|transaction| add_rater(transaction, study, &name))
    }

    /// Takes a rater out. What the rater did is kept, but the link and the session no longer open.
    pub fn remove_rater(&mut self, study: StudyId, rater: PersonId) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE study_raters SET removed_at = ?1 WHERE study_id = ?2 AND rater_id = ?3",
                params![now(), study.0, rater.0],
            )?;
            Ok(())
        })
    }

    /// Gives a rater a new secret link; the old one no longer opens.
    pub fn renew_link(&mut self, study: StudyId, rater: PersonId) -> Result<()> {
        let secret = new_secret()?;
        self.write(|transaction| {
            transaction.execute(
                "UPDATE study_raters SET secret = ?1 WHERE study_id = ?2 AND rater_id = ?3",
                params![secret, study.0, rater.0],
            )?;
            Ok(())
        })
    }

    /// Closes a study, so that raters cannot go on, or opens it again.
    pub fn set_study_closed(&mut self, study: StudyId, closed: bool) -> Result<()> {
        self.write(|transaction| {
            let at = closed.then(now);
            transaction.execute("UPDATE studies SET closed_at = ?1 WHERE id = ?2", params![at, study.0])?;
            Ok(())
        })
    }

    /// All studies, in the order in which they were made.
    pub fn studies(&self) -> Result<Vec<StudyRecord>> {
        let mut statement = self.connection.prepare_cached("SELECT id FROM studies ORDER BY id")?;
        let ids: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        ids.into_iter().map(|id| self.study(StudyId(id))).collect()
    }

    /// A study.
    pub fn study(&self, id: StudyId) -> Result<StudyRecord> {
        let row = self
            .connection
            .query_row(
                "SELECT name, seed, task_order, created_at, closed_at,
                        (SELECT count(*) FROM study_images WHERE study_id = studies.id)
                 FROM studies WHERE id = ?1",
                [id.0],
                |row| {
                    let order: String = row.get(2)?;
                    Ok(StudyRecord {
                        id,
                        name: row.get(0)?,
                        seed: row.get::<_, i64>(1)? as u64,
                        task_order: if order == "rotated" { TaskOrder::Rotated } else { TaskOrder::Listed },
                        created_at: row.get(3)?,
                        closed_at: row.get(4)?,
                        images: row.get::<_, i64>(5)? as usize,
                        tasks: Vec::new(),
                        raters: Vec::new(),
                    })
                },
            )
            .optional()?;
        let mut study = row.ok_or_else(|| Error::user(format!("the project has no study {}", id.0)))?;
        study.tasks = self.tasks_of(id, study.images)?;
        study.raters = self.raters_of(&study)?;
        Ok(study)
    }

    /// The study of that name; the only one when no name is given.
    ///
    /// # Errors
    /// `User`, listing the studies, when there is none of that name or several to choose from.
    pub fn study_named(&self, name: Option<&str>) -> Result<StudyRecord> {
        let mut studies = self.studies()?;
        let names: Vec<String> = studies.iter().map(|study| format!("“{}”", study.name)).collect();
        let hint = if names.is_empty() {
            "make one in the view Group, or with `atmoscope study new`".to_owned()
        } else {
            format!("there is {}", names.join(", "))
        };
        match name {
            None if studies.len() == 1 => Ok(studies.remove(0)),
            None if studies.is_empty() => Err(Error::user("the project has no study yet").hint(hint)),
            None => Err(Error::user("the project has several studies").hint(format!("name one: {hint}"))),
            Some(name) => {
                let wanted = names::clean(name);
                let place = studies.iter().position(|study| study.name == wanted);
                place
                    .map(|place| studies.remove(place))
                    .ok_or_else(|| Error::user(format!("the project has no study “{name}”")).hint(hint))
            }
        }
    }

    /// The images of a study, by id.
    pub fn study_images(&self, study: StudyId) -> Result<Vec<ImageId>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT image_id FROM study_images WHERE study_id = ?1 ORDER BY image_id")?;
        let images = statement.query_map([study.0], |row| Ok(ImageId(row.get(0)?)))?.collect::<Result<_, _>>()?;
        Ok(images)
    }

    /// The images of a task, by id: the study's, or those drawn for the task.
    pub fn task_images(&self, task: TaskId) -> Result<Vec<ImageId>> {
        let mut statement =
            self.connection.prepare_cached("SELECT image_id FROM task_images WHERE task_id = ?1 ORDER BY image_id")?;
        let drawn: Vec<ImageId> =
            statement.query_map([task.0], |row| Ok(ImageId(row.get(0)?)))?.collect::<Result<_, _>>()?;
        if !drawn.is_empty() {
            return Ok(drawn);
        }
        let study: i64 =
            self.connection.query_row("SELECT study_id FROM study_tasks WHERE id = ?1", [task.0], |row| row.get(0))?;
        self.study_images(StudyId(study))
    }

    fn tasks_of(&self, study: StudyId, study_images: usize) -> Result<Vec<TaskRecord>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, condition, occasion, (SELECT count(*) FROM task_images WHERE task_id = study_tasks.id)
             FROM study_tasks WHERE study_id = ?1 ORDER BY position",
        )?;
        let mut rows = statement.query([study.0])?;
        let mut tasks = Vec::new();
        while let Some(row) = rows.next()? {
            let condition: String = row.get(1)?;
            let drawn = row.get::<_, i64>(3)? as usize;
            tasks.push(TaskRecord {
                id: TaskId(row.get(0)?),
                condition: serde_json::from_str(&condition).map_err(|error| {
                    Error::data(format!("a condition of study {} cannot be read: {error}", study.0))
                })?,
                occasion: row.get::<_, i64>(2)? as usize,
                images: if drawn > 0 { drawn } else { study_images },
            });
        }
        Ok(tasks)
    }

    fn raters_of(&self, study: &StudyRecord) -> Result<Vec<StudyRater>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT people.id, people.name, secret, position, removed_at FROM study_raters
             JOIN people ON people.id = rater_id WHERE study_id = ?1 ORDER BY position",
        )?;
        let mut raters: Vec<StudyRater> = statement
            .query_map([study.id.0], |row| {
                Ok(StudyRater {
                    person: Person { id: PersonId(row.get(0)?), name: row.get(1)?, role: Role::Rater },
                    secret: row.get(2)?,
                    position: row.get::<_, i64>(3)? as usize,
                    removed: row.get::<_, Option<String>>(4)?.is_some(),
                    progress: Vec::new(),
                })
            })?
            .collect::<Result<_, _>>()?;
        let mut statement = self.connection.prepare_cached(
            "SELECT rater_id, task_id, sorts.id, version, placed,
                    (SELECT coalesce(max(number), 0) FROM sort_moves WHERE sort_id = sorts.id),
                    begun_at, last_at, submitted_at
             FROM sorts JOIN study_tasks ON study_tasks.id = task_id WHERE study_id = ?1 ORDER BY version",
        )?;
        let mut rows = statement.query([study.id.0])?;
        let mut newest: BTreeMap<(i64, i64), SortProgress> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let progress = SortProgress {
                id: SortId(row.get(2)?),
                version: row.get::<_, i64>(3)? as usize,
                placed: row.get::<_, i64>(4)? as usize,
                moves: row.get::<_, i64>(5)? as usize,
                begun_at: row.get(6)?,
                last_at: row.get(7)?,
                submitted_at: row.get(8)?,
            };
            newest.insert((row.get(0)?, row.get(1)?), progress);
        }
        for rater in &mut raters {
            rater.progress = order_of_tasks(&study.tasks, study.task_order, rater.position)
                .into_iter()
                .map(|task| TaskProgress { task, sort: newest.get(&(rater.person.id.0, task.0)).cloned() })
                .collect();
        }
        Ok(raters)
    }
}

/// The tasks in the order in which the rater who joined as number `position` (from 0) meets them: all that are done
/// for the first time, then those done again.
fn order_of_tasks(tasks: &[TaskRecord], order: TaskOrder, position: usize) -> Vec<TaskId> {
    let mut occasions: BTreeMap<usize, Vec<TaskId>> = BTreeMap::new();
    for task in tasks {
        occasions.entry(task.occasion).or_default().push(task.id);
    }
    for tasks in occasions.values_mut().filter(|_| order == TaskOrder::Rotated) {
        let by = position % tasks.len();
        tasks.rotate_left(by);
    }
    occasions.into_values().flatten().collect()
}

fn check_tasks(study: &NewStudy, images: usize) -> Result<()> {
    if images == 0 {
        return Err(Error::user("a study needs pictures").hint("split the pictures to have a test part, or choose all"));
    }
    if study.tasks.is_empty() {
        return Err(Error::user("a study needs a condition under which pictures are sorted"));
    }
    let mut known: HashSet<(&str, usize)> = HashSet::new();
    for task in &study.tasks {
        let (name, occasion) = (task.condition.name.as_str(), task.occasion);
        task.condition.validate(task.images.map_or(images, |some| some.min(images)))?;
        if !known.insert((name, occasion)) {
            return Err(
                Error::config(format!("two conditions are called “{name}”")).hint("give each a name of its own")
            );
        }
        let first = study.tasks.iter().find(|other| other.occasion == 1 && other.condition.name == name);
        if occasion > 1 && first.is_none_or(|first| first.condition != task.condition) {
            return Err(Error::config(format!("condition “{name}” is asked for again but never for the first time")));
        }
    }
    Ok(())
}

fn add_rater(transaction: &Transaction<'_>, study: StudyId, name: &str) -> Result<PersonId> {
    let person = person_in(transaction, name, Role::Rater)?;
    let back = transaction.execute(
        "UPDATE study_raters SET removed_at = NULL WHERE study_id = ?1 AND rater_id = ?2 AND removed_at IS NOT NULL",
        params![study.0, person.0],
    )?;
    if back == 1 {
        return Ok(person);
    }
    let known: bool = transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM study_raters WHERE study_id = ?1 AND rater_id = ?2)",
        params![study.0, person.0],
        |row| row.get(0),
    )?;
    let alike: Option<String> = transaction
        .prepare_cached(
            "SELECT people.name FROM study_raters JOIN people ON people.id = rater_id
             WHERE study_id = ?1 AND rater_id <> ?2 AND removed_at IS NULL",
        )?
        .query_map(params![study.0, person.0], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .find(|other| other.to_lowercase() == name.to_lowercase());
    if let Some(other) = alike {
        return Err(Error::user(format!("{name} and {other} differ in capitals only"))
            .hint("choose a name that tells the two apart"));
    }
    if known {
        return Err(Error::user(format!("{name} takes part already")).hint("choose a name that tells the two apart"));
    }
    transaction.execute(
        "INSERT INTO study_raters (study_id, rater_id, position, secret)
         VALUES (?1, ?2, (SELECT count(*) FROM study_raters WHERE study_id = ?1), ?3)",
        params![study.0, person.0, new_secret()?],
    )?;
    Ok(person)
}

/// A secret that cannot be guessed, from the system's own randomness: letters and digits that are hard to mix up.
fn new_secret() -> Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let mut bytes = [0_u8; SECRET_BYTES];
    rand::rngs::OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| Error::device(format!("the system gives no random numbers for a secret link: {error}")))?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal(error.to_string()))
}

/// Marks of direction and spaces without width. Those that join letters stay: names are written with them.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn visible_name(name: &str, whose: &str) -> Result<String> {
    // Invisible characters would make two names look alike, and marks of direction would disguise one.
    let visible: String = name.chars().filter(|letter| !is_invisible(*letter)).collect();
    names::checked(&visible, whose)
}
