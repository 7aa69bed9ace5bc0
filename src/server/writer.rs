//! The one thread that knows the project: it answers what pages ask, and stores what they send.
//!
//! Requests of all raters wait in one queue. The thread takes all that wait, puts their moves into one transaction, and
//! answers only once that is on the disk; while it writes, the next ones gather. So a hundred raters moving at once
//! wait for one write, not for a hundred. What takes longer, such as opening a board, is done a little at a time in
//! between.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::oneshot;

use super::clock::Clock;
use super::links::Links;
use super::problems::Problems;
use super::protocol::{CLOSED, REMOVED, Refusal, SentMove, SentMoves, Sorting, State, Submission, Task};
use crate::engine::sorts::{MoveRequest, SortKeeper};
use crate::error::{Error, Result};
use crate::ids::{ImageId, PersonId, SortId, StudyId, TaskId};
use crate::imaging::PictureFile;
use crate::project::{Project, StoredSort, StudyRater, StudyRecord};
use crate::sorting::Move;

/// How long it takes at most until a change of the study made elsewhere is seen while nobody asks anything.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long those who move may wait for others to be answered.
const LONGEST_TURN: Duration = Duration::from_millis(5);
/// Requests taken at once.
const MOST_AT_ONCE: usize = 1024;
/// A sort with more moves than this is no honest work, and would make each undo slow for everybody.
const MOST_MOVES: usize = 20_000;

/// A request of a rater's page.
#[derive(Debug)]
pub(super) struct RaterRequest {
    pub rater: PersonId,
    pub what: Question,
    pub reply: oneshot::Sender<Answer>,
}

/// What is asked.
#[derive(Debug)]
pub(super) enum Question {
    /// How things stand; begins the next task's sort.
    State,
    /// Store moves.
    Moves(SentMoves),
    /// Submit the sort.
    Submit(Submission),
    /// The rater leaves for now.
    Pause,
    /// Change what was submitted for the task at this place among the rater's, from 1.
    Change(usize),
    /// Make the pictures of the current sort known.
    Pictures,
}

/// The answer to a [`RaterRequest`].
pub(super) type Answer = Result<Reply, Refusal>;

/// What a request is answered with.
#[derive(Debug)]
pub(super) enum Reply {
    State(Box<State>),
    /// Moves in the log.
    Stored(usize),
    Done,
}

/// What waits in the thread's queue.
#[derive(Debug)]
pub(super) enum Message {
    Request(RaterRequest),
    Stop,
}

/// The pictures a rater may see now, in the rater's own order.
#[derive(Debug)]
pub(super) struct BoardPictures {
    /// What tells the sort from others.
    pub board: String,
    /// Content hash and file of each.
    pub pictures: Vec<Arc<StudyPicture>>,
}

/// Where a picture is.
#[derive(Debug)]
pub(super) struct StudyPicture {
    pub file: PictureFile,
    /// Width by height.
    pub shape: f32,
}

/// What the thread lets others see without asking it.
#[derive(Debug)]
pub(super) struct Published {
    pub links: RwLock<Links>,
    pub boards: RwLock<HashMap<PersonId, Arc<BoardPictures>>>,
    /// What the researcher should know.
    pub problems: Problems,
}

/// The thread's own state.
#[derive(Debug)]
pub(super) struct Writer {
    project: Project,
    study: StudyRecord,
    link_key: [u8; blake3::KEY_LEN],
    keeper: SortKeeper,
    at_work: HashMap<PersonId, AtWork>,
    pictures: HashMap<ImageId, Arc<StudyPicture>>,
    changes_seen: i64,
    published: Arc<Published>,
    clock: Clock,
}

/// A rater with an open sort.
#[derive(Debug)]
struct AtWork {
    sort: SortId,
    task: TaskId,
    board: String,
    visiting: bool,
    last_move: OffsetDateTime,
}

impl Writer {
    pub(super) fn new(project: Project, study: StudyId, problems: Problems, clock: Clock) -> Result<Self> {
        let changes_seen = project.changes_elsewhere()?;
        let study = project.study(study)?;
        let link_key: [u8; blake3::KEY_LEN] = rand::random();
        let links = RwLock::new(Links::new(link_key, &study));
        let published = Arc::new(Published { links, boards: RwLock::default(), problems });
        let mut writer = Self {
            project,
            study,
            link_key,
            keeper: SortKeeper::default(),
            at_work: HashMap::new(),
            pictures: HashMap::new(),
            changes_seen,
            published,
            clock,
        };
        writer.find_pictures()?;
        Ok(writer)
    }

    pub(super) fn published(&self) -> Arc<Published> {
        self.published.clone()
    }

    /// The pictures of the study.
    pub(super) fn study_pictures(&self) -> Result<Vec<Arc<StudyPicture>>> {
        let images = self.project.study_images(self.study.id)?;
        Ok(images.iter().filter_map(|image| self.pictures.get(image).cloned()).collect())
    }

    /// Answers requests until it is stopped.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        let mut stop = false;
        let mut slow: VecDeque<RaterRequest> = VecDeque::new();
        while !stop {
            let patience = if slow.is_empty() { LOOK_AGAIN } else { Duration::ZERO };
            let first = match messages.recv_timeout(patience) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut moves = Vec::new();
            for message in first.into_iter().chain(messages.try_iter().take(MOST_AT_ONCE)) {
                match message {
                    Message::Request(RaterRequest { rater, what: Question::Moves(sent), reply }) => {
                        moves.push((rater, sent, reply))
                    }
                    Message::Request(request) => slow.push_back(request),
                    Message::Stop => stop = true,
                }
            }
            if let Err(error) = self.look_again() {
                self.tell(&error);
            }
            self.store(moves);
            // A whole class that opens its boards does not keep those waiting who move.
            let turn = Instant::now();
            while let Some(RaterRequest { rater, what, reply }) = slow.pop_front() {
                // The client may have disconnected.
                let _ = reply.send(self.answer(rater, what));
                if !stop && turn.elapsed() > LONGEST_TURN {
                    break;
                }
            }
        }
        for rater in self.at_work.keys().copied().collect::<Vec<_>>() {
            let _ = self.pause(rater);
        }
    }

    fn answer(&mut self, rater: PersonId, what: Question) -> Answer {
        match what {
            Question::State => self.state(rater),
            Question::Submit(submission) => self.submit(rater, &submission),
            Question::Pause => self.pause(rater).map(|()| Reply::Done),
            Question::Change(task) => self.change(rater, task),
            Question::Pictures | Question::Moves(_) => self.current(rater).map(|_| Reply::Done),
        }
    }

    /// Stores the moves of all these requests in one transaction, then answers them.
    fn store(&mut self, asks: Vec<(PersonId, SentMoves, oneshot::Sender<Answer>)>) {
        let mut requests = Vec::new();
        let mut replies = Vec::new();
        for (rater, sent, reply) in asks {
            match self.check(rater, &sent) {
                Ok(more) => {
                    replies.push((reply, more.len()));
                    requests.extend(more);
                }
                Err(refusal) => drop(reply.send(Err(refusal))),
            }
        }
        if requests.is_empty() {
            return;
        }
        let mut outcomes = self.keeper.make_moves(&mut self.project, &requests).into_iter();
        let mut reported = false;
        for (reply, moves) in replies {
            let mut answer = Ok(Reply::Stored(0));
            for outcome in outcomes.by_ref().take(moves) {
                match outcome {
                    Ok(stored) if answer.is_ok() => answer = Ok(Reply::Stored(stored)),
                    Err(error) if answer.is_ok() => {
                        let refusal = Refusal::of(&error);
                        if refusal == Refusal::Busy && !std::mem::replace(&mut reported, true) {
                            self.tell(&error);
                        }
                        answer = Err(refusal);
                    }
                    _ => {}
                }
            }
            let _ = reply.send(answer);
        }
    }

    /// The moves as the project knows them.
    fn check(&mut self, rater: PersonId, sent: &SentMoves) -> Result<Vec<MoveRequest>, Refusal> {
        if sent.moves.is_empty() {
            return Err(Refusal::Wrong);
        }
        let Some(sort) = self.current(rater)?.filter(|sort| self.is_board(rater, *sort, &sent.board)) else {
            return Err(other_sort());
        };
        let order = self.opened(sort)?.sort.order().to_vec();
        let mut last = self.at_work.get(&rater).map_or(OffsetDateTime::UNIX_EPOCH, |at| at.last_move);
        // A clock that was set back must not make a later move seem the earlier one.
        let now = self.clock.now().max(last);
        let mut requests = Vec::with_capacity(sent.moves.len());
        for SentMove { number, ago_ms, step } in &sent.moves {
            if *number > MOST_MOVES || matches!(step, Move::Arrange { .. }) {
                return Err(Refusal::Wrong);
            }
            let image_at = |place: &usize| place.checked_sub(1).and_then(|at| order.get(at)).copied();
            let step = step.with_images(image_at).map_err(|_| Refusal::Wrong)?;
            // A page's clock may be wrong, but moves come one after another and none in the future.
            let ago = Duration::from_millis(*ago_ms);
            last = now.checked_sub(ago.try_into().unwrap_or_default()).map_or(last, |at| at.clamp(last.min(now), now));
            requests.push(MoveRequest { sort, number: *number, made_at: last, step });
        }
        self.begin_visit(rater)?;
        if let Some(at) = self.at_work.get_mut(&rater) {
            at.last_move = last;
        }
        Ok(requests)
    }

    fn state(&mut self, rater: PersonId) -> Answer {
        let state = match self.current(rater)? {
            Some(sort) => {
                self.begin_visit(rater)?;
                State::Sorting(self.sorting(rater, sort)?)
            }
            None => {
                let known = self.taking_part(rater)?;
                let tasks = known.progress.iter().filter_map(|progress| self.study.task(progress.task));
                State::Finished {
                    study: self.study.name.clone(),
                    rater: known.person.name.clone(),
                    tasks: tasks.map(|task| task.condition.task()).collect(),
                    open: self.study.closed_at.is_none(),
                }
            }
        };
        Ok(Reply::State(Box::new(state)))
    }

    fn sorting(&mut self, rater: PersonId, sort: SortId) -> Result<Sorting, Refusal> {
        let stored = self.opened(sort)?.clone();
        let board = self.at_work.get(&rater).map(|at| at.board.clone()).unwrap_or_default();
        let known = self.taking_part(rater)?;
        let number = known.progress.iter().position(|progress| progress.task == stored.task.id).map_or(1, |at| at + 1);
        let order = stored.sort.order();
        let places: HashMap<ImageId, usize> = order.iter().copied().zip(1..).collect();
        let log = self.keeper.log(sort).unwrap_or_default();
        let moves = log.iter().map(|step| step.with_images(|image| places.get(image).copied()));
        Ok(Sorting {
            study: self.study.name.clone(),
            rater: known.person.name.clone(),
            board,
            task: Task {
                number,
                of: known.progress.len(),
                again: stored.task.occasion > 1,
                changing: stored.version > 1,
                text: stored.sort.condition().task(),
                rules: stored.sort.condition().into(),
            },
            shapes: order.iter().map(|image| self.pictures.get(image).map_or(1.0, |picture| picture.shape)).collect(),
            moves: moves.collect::<Result<_, _>>().map_err(|_| Refusal::Busy)?,
        })
    }

    fn submit(&mut self, rater: PersonId, submission: &Submission) -> Answer {
        let Some(sort) = self.current(rater)?.filter(|sort| self.is_board(rater, *sort, &submission.board)) else {
            return Err(other_sort());
        };
        if self.opened(sort)?.sort.move_count() != submission.moves {
            return Err(Refusal::Conflict("The board has changed at another place; look at it again.".to_owned()));
        }
        self.project.submit_sort(sort).map_err(|error| self.refusal(&error))?;
        self.left(rater);
        self.read_study().map_err(|error| self.refusal(&error))?;
        self.state(rater)
    }

    fn change(&mut self, rater: PersonId, task: usize) -> Answer {
        if self.current(rater)?.is_some() {
            return Err(Refusal::Conflict("There is a sort to finish first.".to_owned()));
        }
        if self.study.closed_at.is_some() {
            return Err(Refusal::Ended(CLOSED));
        }
        let progress = task.checked_sub(1).and_then(|at| self.taking_part(rater).ok()?.progress.get(at));
        let sort = progress.and_then(|progress| progress.sort.as_ref()).map(|sort| sort.id).ok_or(Refusal::Wrong)?;
        self.project.new_version(sort).map_err(|error| self.refusal(&error))?;
        self.read_study().map_err(|error| self.refusal(&error))?;
        self.state(rater)
    }

    fn pause(&mut self, rater: PersonId) -> Result<(), Refusal> {
        if let Some(at) = self.at_work.get_mut(&rater).filter(|at| at.visiting) {
            at.visiting = false;
            let sort = at.sort;
            self.project.end_visit(sort).map_err(|error| self.refusal(&error))?;
        }
        Ok(())
    }

    fn begin_visit(&mut self, rater: PersonId) -> Result<(), Refusal> {
        if let Some(at) = self.at_work.get_mut(&rater).filter(|at| !at.visiting) {
            at.visiting = true;
            let sort = at.sort;
            self.project.begin_visit(sort).map_err(|error| self.refusal(&error))?;
        }
        Ok(())
    }

    fn taking_part(&self, rater: PersonId) -> Result<&StudyRater, Refusal> {
        self.study.rater(rater).filter(|known| !known.removed).ok_or(Refusal::Ended(REMOVED))
    }

    fn is_board(&self, rater: PersonId, sort: SortId, board: &str) -> bool {
        self.at_work.get(&rater).is_some_and(|at| at.sort == sort && at.board == board)
    }

    fn opened(&mut self, sort: SortId) -> Result<&StoredSort, Refusal> {
        match self.keeper.opened(&self.project, sort) {
            Ok(_) => self.keeper.get(sort).ok_or(Refusal::Busy),
            Err(error) => {
                self.tell(&error);
                Err(Refusal::Busy)
            }
        }
    }

    /// The sort that the rater goes on with, which is begun if need be; none when all is submitted.
    fn current(&mut self, rater: PersonId) -> Result<Option<SortId>, Refusal> {
        let Some(task) = self.taking_part(rater)?.next_task() else {
            self.left(rater);
            return Ok(None);
        };
        if self.study.closed_at.is_some() {
            return Err(Refusal::Ended(CLOSED));
        }
        if let Some(at) = self.at_work.get(&rater).filter(|at| at.task == task && self.keeper.get(at.sort).is_some()) {
            return Ok(Some(at.sort));
        }
        self.open(rater, task).map(Some).map_err(|error| self.refusal(&error))
    }

    fn open(&mut self, rater: PersonId, task: TaskId) -> Result<SortId> {
        let begun = self.project.open_sort(self.study.id, rater, task)?;
        let (id, board) = (begun.id, board_of(&self.study, &begun));
        let log = self.project.sort_log(id)?;
        let last_move = log.last().map_or(&begun.begun_at, |logged| &logged.made_at);
        let last_move = OffsetDateTime::parse(last_move, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let visiting = self.at_work.get(&rater).is_some_and(|at| at.sort == id && at.visiting);
        let pictures = (begun.sort.order().iter())
            .map(|image| self.pictures.get(image).cloned().ok_or_else(|| Error::data("a picture of the sort is gone")))
            .collect::<Result<_>>()?;
        self.keeper.take(begun, log.into_iter().map(|logged| logged.step).collect());
        self.at_work.insert(rater, AtWork { sort: id, task, board: board.clone(), visiting, last_move });
        let mut boards = self.published.boards.write().unwrap_or_else(PoisonError::into_inner);
        boards.insert(rater, Arc::new(BoardPictures { board, pictures }));
        Ok(id)
    }

    /// The rater has no open sort any more.
    fn left(&mut self, rater: PersonId) {
        if let Some(at) = self.at_work.remove(&rater) {
            self.keeper.forget(at.sort);
            self.published.boards.write().unwrap_or_else(PoisonError::into_inner).remove(&rater);
        }
    }

    /// Takes in what the window or another program changed.
    fn look_again(&mut self) -> Result<()> {
        let changes = self.project.changes_elsewhere()?;
        if changes == self.changes_seen {
            return Ok(());
        }
        self.find_pictures()?;
        self.read_study()?;
        let stale: Vec<SortId> = (self.study.raters.iter())
            .flat_map(|rater| rater.progress.iter().filter_map(|progress| progress.sort.as_ref()))
            .filter(|sort| self.keeper.get(sort.id).is_some_and(|open| open.sort.move_count() != sort.moves))
            .map(|sort| sort.id)
            .collect();
        for sort in stale {
            self.keeper.forget(sort);
        }
        let raters: Vec<PersonId> = self.at_work.keys().copied().collect();
        for rater in raters {
            let known = self.study.rater(rater).filter(|known| !known.removed);
            let newest =
                known.into_iter().flat_map(|known| &known.progress).filter_map(|progress| progress.sort.as_ref());
            let sort = self.at_work.get(&rater).map(|at| at.sort);
            if !newest.clone().any(|newest| Some(newest.id) == sort && newest.submitted_at.is_none()) {
                self.left(rater);
            }
        }
        self.changes_seen = changes;
        Ok(())
    }

    fn read_study(&mut self) -> Result<()> {
        self.study = self.project.study(self.study.id)?;
        let links = Links::new(self.link_key, &self.study);
        *self.published.links.write().unwrap_or_else(PoisonError::into_inner) = links;
        Ok(())
    }

    fn find_pictures(&mut self) -> Result<()> {
        let paths = self.project.image_paths()?;
        self.pictures = (self.project.images()?.into_iter())
            .filter_map(|image| {
                let path = paths.get(&image.id)?.clone();
                let shape = image.width_px.max(1) as f32 / image.height_px.max(1) as f32;
                let shape = (shape * 1000.0).round() / 1000.0;
                Some((
                    image.id,
                    Arc::new(StudyPicture { file: PictureFile { content_hash: image.content_hash, path }, shape }),
                ))
            })
            .collect();
        Ok(())
    }

    /// An error as the rater is told, and as the researcher is told where it is no mistake of the rater's page.
    fn refusal(&self, error: &Error) -> Refusal {
        let refusal = Refusal::of(error);
        if refusal == Refusal::Busy {
            self.tell(error);
        }
        refusal
    }

    fn tell(&self, error: &Error) {
        self.published.problems.tell(&error.to_string());
    }
}

fn other_sort() -> Refusal {
    Refusal::Conflict("This sort was submitted, or another one is under way.".to_owned())
}

/// What tells a rater's sorts apart on the page: the same after a restart or a new link, and no number that says how
/// many sorts there are.
fn board_of(study: &StudyRecord, sort: &StoredSort) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("atmoscope: board of a rater's page");
    for part in [study.created_at.as_bytes(), sort.begun_at.as_bytes(), &sort.id.0.to_le_bytes()] {
        hasher.update(part);
        hasher.update(&[0]);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
