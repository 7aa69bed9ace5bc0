//! What the window knows: the project as last loaded, the job under way, and what each view is set to.
//!
//! Views read it and change only their own part; everything about the project changes through the engine's events
//! in `logic`.

mod group;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use super::keys::GridStep;
use super::session::SessionState;
use crate::clustering::Elbow;
use crate::dataset::Part;
use crate::engine::analysis::{Exploration, ExplorationScores, ExploreRequest};
use crate::engine::jobs::cluster::ClusteredPart;
use crate::engine::jobs::plan::TrainingPlan;
use crate::engine::jobs::predictions::RunPredictions;
use crate::engine::{JobEnd, Notice, Snapshot};
use crate::ids::{ImageId, LabelId, RunId};
use crate::progress::Progress;
use crate::project::{AnnotationEdit, ImageRecord};
use crate::training::{BatchLoss, EpochRecord, TrainingConfiguration};

pub use group::{AgreementPage, AgreementState, GroupPage, GroupState, NewStudyForm, PicturesChoice, RetestChoice};

/// The six views.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum View {
    #[default]
    Library,
    Label,
    Group,
    Train,
    Explore,
    Report,
}

impl View {
    /// In the order of the rail.
    pub const ALL: [Self; 6] = [Self::Library, Self::Label, Self::Group, Self::Train, Self::Explore, Self::Report];
}

/// The open project with what is quickly looked up in it.
#[derive(Debug)]
pub struct ProjectState {
    /// As last loaded, with annotations kept up to date.
    pub snapshot: Snapshot,
    /// Position of each image in `snapshot.images`.
    pub position: HashMap<ImageId, usize>,
    roots: HashMap<i64, PathBuf>,
    /// Images with a yes, by label.
    pub label_counts: HashMap<LabelId, usize>,
    /// Images with any answer.
    pub answered_images: usize,
    /// Changes whenever anything above does.
    pub revision: u64,
}

impl ProjectState {
    /// Takes a freshly loaded project.
    pub fn new(snapshot: Snapshot, revision: u64) -> Self {
        let position = snapshot.images.iter().enumerate().map(|(at, image)| (image.id, at)).collect();
        let roots = snapshot.roots.iter().map(|root| (root.id, root.path.clone())).collect();
        let mut state = Self { snapshot, position, roots, label_counts: HashMap::new(), answered_images: 0, revision };
        state.count_labels();
        state
    }

    fn count_labels(&mut self) {
        self.label_counts.clear();
        for answers in self.snapshot.answers.values() {
            for (label, _) in answers.iter().filter(|(_, yes)| **yes) {
                *self.label_counts.entry(*label).or_default() += 1;
            }
        }
        self.answered_images = self.snapshot.answers.len();
    }

    /// Takes over answers that are on disk now.
    pub fn annotated(&mut self, edits: &[AnnotationEdit]) {
        for edit in edits {
            let answers = self.snapshot.answers.entry(edit.image).or_default();
            match edit.after {
                Some(value) => answers.insert(edit.label, value),
                None => answers.remove(&edit.label),
            };
            if answers.is_empty() {
                self.snapshot.answers.remove(&edit.image);
            }
            let count = self.label_counts.entry(edit.label).or_default();
            *count =
                (*count + usize::from(edit.after == Some(true))).saturating_sub(usize::from(edit.before == Some(true)));
        }
        self.answered_images = self.snapshot.answers.len();
        self.revision += 1;
    }

    /// An image.
    pub fn image(&self, id: ImageId) -> Option<&ImageRecord> {
        self.position.get(&id).map(|at| &self.snapshot.images[*at])
    }

    /// Where an image's file is.
    pub fn path(&self, image: &ImageRecord) -> PathBuf {
        self.roots.get(&image.root_id).map_or_else(PathBuf::new, |root| root.join(&image.relative_path))
    }

    /// The present annotator's answer.
    pub fn answer(&self, image: ImageId, label: LabelId) -> Option<bool> {
        self.snapshot.answers.get(&image)?.get(&label).copied()
    }
}

/// The job under way.
#[derive(Debug)]
pub struct JobState {
    /// "Import", "Training" …
    pub title: String,
    /// How far it is.
    pub progress: Option<Progress>,
    /// When it began.
    pub started: Instant,
    /// True once somebody pressed stop.
    pub stopping: bool,
    /// True while it waits on request.
    pub paused: bool,
}

/// How a grid is laid out, as last drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridShape {
    /// Pictures in a row.
    pub columns: usize,
    /// Rows that are seen at once.
    pub page_rows: usize,
}

impl Default for GridShape {
    fn default() -> Self {
        Self { columns: 1, page_rows: 1 }
    }
}

/// Which pictures are selected, with a way back.
#[derive(Debug, Default)]
pub struct Selection {
    /// The grid it is in.
    pub shape: GridShape,
    /// The selected images.
    pub images: HashSet<ImageId>,
    /// Where a range begins.
    pub anchor: Option<ImageId>,
    /// The image the keyboard is at.
    pub cursor: Option<ImageId>,
    before: Vec<HashSet<ImageId>>,
}

impl Selection {
    /// How many earlier selections are remembered.
    const REMEMBERED: usize = 100;

    /// Selects these images.
    pub fn set(&mut self, images: HashSet<ImageId>) {
        if images != self.images {
            self.before.push(std::mem::replace(&mut self.images, images));
            if self.before.len() > Self::REMEMBERED {
                self.before.remove(0);
            }
        }
    }

    /// Selects one image alone and puts the cursor there.
    pub fn only(&mut self, image: ImageId) {
        self.set(HashSet::from([image]));
        self.anchor = Some(image);
        self.cursor = Some(image);
    }

    /// Adds an image, or takes it out.
    pub fn toggle(&mut self, image: ImageId) {
        let mut images = self.images.clone();
        if !images.remove(&image) {
            images.insert(image);
        }
        self.set(images);
        self.anchor = Some(image);
        self.cursor = Some(image);
    }

    /// Selects from the anchor to `image` in the given order.
    pub fn extend(&mut self, image: ImageId, order: &[ImageId]) {
        let at = |wanted: ImageId| order.iter().position(|id| *id == wanted);
        let (Some(from), Some(to)) = (self.anchor.and_then(at), at(image)) else {
            self.only(image);
            return;
        };
        self.set(order[from.min(to)..=from.max(to)].iter().copied().collect());
        self.cursor = Some(image);
    }

    /// Moves the cursor in the grid that shows `order`; extends the selection from the anchor if asked to.
    pub fn go(&mut self, step: GridStep, extend: bool, order: &[ImageId]) {
        let Some(last) = order.len().checked_sub(1) else { return };
        let here = self.cursor.and_then(|cursor| order.iter().position(|image| *image == cursor)).unwrap_or(0);
        let GridShape { columns, page_rows } = self.shape;
        let page = columns * page_rows;
        let target = match step {
            GridStep::Left => here.saturating_sub(1),
            GridStep::Right => here + 1,
            GridStep::Up if here < columns => here,
            GridStep::Up => here - columns,
            GridStep::Down => here + columns,
            GridStep::PageUp => here.saturating_sub(page),
            GridStep::PageDown => here + page,
            GridStep::Home => 0,
            GridStep::End => last,
        };
        let target = order[target.min(last)];
        if extend {
            self.anchor = self.anchor.or(self.cursor);
            self.extend(target, order);
        } else {
            self.only(target);
        }
    }

    /// Brings the selection before the last change back.
    pub fn restore(&mut self) {
        if let Some(images) = self.before.pop() {
            self.images = images;
        }
    }
}

/// Settings of the Library view, and the list it shows, which the Label view goes through too.
#[derive(Debug, Default)]
pub struct LibraryState {
    /// Part of a name.
    pub search: String,
    /// Only pictures with this label.
    pub label: Option<LabelId>,
    /// Only pictures without an answer.
    pub unlabelled_only: bool,
    /// Also those that were set aside.
    pub show_set_aside: bool,
    /// What is selected.
    pub selection: Selection,
    /// Give the search field the keyboard in the next frame.
    pub focus_search: bool,
    /// Bring the cursor into view in the next frame.
    pub scroll_to_cursor: bool,
    shown: Vec<ImageId>,
    shown_for: Option<(u64, String, Option<LabelId>, bool, bool)>,
}

impl LibraryState {
    /// The pictures that pass the filter, in the order of their paths.
    pub fn shown(&self) -> &[ImageId] {
        &self.shown
    }

    /// Makes the list of [`Self::shown`] anew if the filter or the project changed. While pictures without an
    /// answer are being labelled, the one at the cursor stays until the cursor leaves it.
    pub fn refresh(&mut self, project: &ProjectState) {
        let key = (project.revision, self.search.clone(), self.label, self.unlabelled_only, self.show_set_aside);
        if self.shown_for.as_ref() == Some(&key) {
            return;
        }
        let only_revision_changed =
            self.shown_for.as_ref().is_some_and(|old| (&old.1, old.2, old.3, old.4) == (&key.1, key.2, key.3, key.4));
        let held = self.selection.cursor.filter(|_| only_revision_changed && self.unlabelled_only);
        let wanted = self.search.trim().to_lowercase();
        self.shown = project
            .snapshot
            .images
            .iter()
            .filter(|image| self.show_set_aside || image.set_aside.is_none())
            .filter(|image| wanted.is_empty() || image.relative_path.to_lowercase().contains(&wanted))
            .filter(|image| self.label.is_none_or(|label| project.answer(image.id, label) == Some(true)))
            .filter(|image| {
                !self.unlabelled_only || held == Some(image.id) || !project.snapshot.answers.contains_key(&image.id)
            })
            .map(|image| image.id)
            .collect();
        self.shown_for = Some(key);
    }

    /// Selects one picture and brings it into view; filters that hide it are taken away.
    pub fn show_alone(&mut self, image: ImageId, project: &ProjectState) {
        if !self.shown.contains(&image) {
            self.search.clear();
            self.label = None;
            self.unlabelled_only = false;
            self.show_set_aside |= project.image(image).is_some_and(|image| image.set_aside.is_some());
            self.invalidate();
        }
        self.selection.only(image);
        self.scroll_to_cursor = true;
    }

    /// Makes the list anew in the next frame.
    pub fn invalidate(&mut self) {
        self.shown_for = None;
    }
}

/// Settings of the Label view.
#[derive(Debug, Default)]
pub struct LabelState {
    /// Text in the field for a new label.
    pub new_label: String,
    /// The label being renamed and its new name so far.
    pub renaming: Option<(LabelId, String)>,
    /// Text in the field for a new annotator.
    pub new_annotator: String,
    /// Labels to paste.
    pub copied_from: Option<ImageId>,
}

/// What the Train view shows of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TrainPage {
    #[default]
    Curves,
    Labels,
    Compare,
    Log,
    Plan,
}

impl TrainPage {
    /// Each with its name and what it is for.
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Curves, "Curves", "How well the network fits, epoch by epoch"),
        (Self::Labels, "Labels", "How well each label is predicted, and the pictures it got most wrong"),
        (Self::Compare, "Compare", "Several runs over each other, and what differed in their settings"),
        (Self::Log, "Log", "What the run said while it was at work"),
        (Self::Plan, "Next run", "What the next run would work on, and how long it would take"),
    ];
}

/// A column of the table of labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LabelColumn {
    Name,
    TrainPositives,
    ValidationPositives,
    Train,
    #[default]
    Validation,
    Gained,
    Threshold,
}

impl LabelColumn {
    /// Each with its heading and its explanation.
    pub const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Name, "Label", "The labels of the run"),
        (Self::TrainPositives, "In train", "Training pictures that have the label, without copies"),
        (Self::ValidationPositives, "In valid.", "Validation pictures that have the label"),
        (Self::Train, "AP, train", "Average precision in the training part at the best epoch"),
        (
            Self::Validation,
            "AP, validation",
            "Average precision in the validation part at the best epoch: 1 when every picture with the label stands \
             before every one without when they are sorted by its intensity; a dash where no picture has it",
        ),
        (Self::Gained, "Gained", "What the validation part's average precision gained since the first epoch"),
        (
            Self::Threshold,
            "Threshold",
            "The threshold: from this intensity on the label counts as given; chosen on the validation part for the \
             highest F1",
        ),
    ];
}

/// Settings, with what a run of them would be or why there cannot be one.
pub type Planned = (Box<TrainingConfiguration>, Result<Box<TrainingPlan>, Notice>);

/// The Train view.
#[derive(Debug)]
pub struct TrainState {
    /// Settings of the next run.
    pub configuration: TrainingConfiguration,
    /// The settings that were planned last, with what a run of them would be or why there cannot be one.
    pub plan: Option<Planned>,
    /// The settings whose plan was asked for last, and for which revision of the project.
    pub plan_asked: Option<(TrainingConfiguration, u64)>,
    /// Epochs of runs, as far as loaded.
    pub epochs: HashMap<RunId, Vec<EpochRecord>>,
    /// Steps of runs, as far as loaded.
    pub batches: HashMap<RunId, Vec<BatchLoss>>,
    /// Lines of the job under way or the last one.
    pub log: Vec<String>,
    /// The run at work.
    pub live: Option<RunId>,
    /// The run whose curves are shown.
    pub shown: Option<RunId>,
    /// What is shown of it.
    pub page: TrainPage,
    /// Weight of what came before in smoothed curves, 0 (none) to below 1.
    pub smoothing: f64,
    /// Losses on a logarithmic scale.
    pub logarithmic: bool,
    /// The training loss by step rather than by epoch.
    pub by_batch: bool,
    /// The grouping that entropy is shown against; the mean over all of them when not chosen.
    pub grouping: Option<String>,
    /// The runs compared, in the order of their colours.
    pub compared: Vec<RunId>,
    /// The column that the table of labels is sorted by.
    pub label_column: LabelColumn,
    /// From the largest to the smallest.
    pub label_descending: bool,
    /// The label whose mistakes are shown, by its place in the run's order.
    pub label: Option<usize>,
    /// The part whose mistakes are shown.
    pub mistakes_part: Part,
    /// The mistake looked at alone.
    pub picked: Option<ImageId>,
    /// What a run predicts for each picture.
    pub predictions: Option<Rc<RunPredictions>>,
    /// The run whose predictions were asked for last, and for which load of the project.
    pub predictions_asked: Option<(RunId, u64)>,
}

impl Default for TrainState {
    fn default() -> Self {
        Self {
            configuration: TrainingConfiguration::default(),
            plan: None,
            plan_asked: None,
            epochs: HashMap::new(),
            log: Vec::new(),
            live: None,
            shown: None,
            page: TrainPage::default(),
            batches: HashMap::new(),
            smoothing: 0.0,
            logarithmic: false,
            by_batch: false,
            grouping: None,
            compared: Vec::new(),
            label_column: LabelColumn::default(),
            label_descending: true,
            label: None,
            mistakes_part: Part::Validation,
            picked: None,
            predictions: None,
            predictions_asked: None,
        }
    }
}

impl TrainState {
    /// Takes an epoch of a run at work. One that is known already is done anew, after a resume, and so are all after it.
    pub fn add_epoch(&mut self, run: RunId, record: EpochRecord) {
        let epochs = self.epochs.entry(run).or_default();
        epochs.retain(|known| known.epoch < record.epoch);
        epochs.push(record);
    }

    /// Takes steps of a run at work; those known already are done anew, and so are all after them.
    pub fn add_batches(&mut self, run: RunId, batches: Vec<BatchLoss>) {
        let Some(first) = batches.first().map(|batch| (batch.epoch, batch.step)) else { return };
        let known = self.batches.entry(run).or_default();
        while known.last().is_some_and(|batch| (batch.epoch, batch.step) >= first) {
            known.pop();
        }
        known.extend(batches);
    }

    /// Takes what is on the disk of a run, to which a run at work may have added meanwhile.
    pub fn loaded(&mut self, run: RunId, epochs: Vec<EpochRecord>, batches: Vec<BatchLoss>) {
        let at_work = self.live == Some(run);
        let newer_epochs = self.epochs.insert(run, epochs).filter(|_| at_work).unwrap_or_default();
        let newer_batches = self.batches.insert(run, batches).filter(|_| at_work).unwrap_or_default();
        let last_epoch = self.epochs.get(&run).and_then(|known| known.last()).map(|known| known.epoch);
        for record in newer_epochs.into_iter().filter(|record| Some(record.epoch) > last_epoch) {
            self.add_epoch(run, record);
        }
        let last_batch = self.batches.get(&run).and_then(|known| known.last()).map(|known| (known.epoch, known.step));
        let newer = newer_batches.into_iter().filter(|batch| Some((batch.epoch, batch.step)) > last_batch).collect();
        self.add_batches(run, newer);
    }

    /// Shows another run; a label is chosen by its place, which means something else there.
    pub fn show_run(&mut self, run: RunId) {
        if self.shown != Some(run) {
            self.label = None;
            self.picked = None;
        }
        self.shown = Some(run);
        if !matches!(self.page, TrainPage::Curves | TrainPage::Labels) {
            self.page = TrainPage::Curves;
        }
    }
}

/// The Explore view.
#[derive(Debug)]
pub struct ExploreState {
    /// The run; the newest usable one when not chosen.
    pub run: Option<RunId>,
    /// Which pictures.
    pub part: ClusteredPart,
    /// K.
    pub clusters: usize,
    /// Seed of k-means.
    pub seed: u64,
    /// What was asked last.
    pub requested: Option<(ExploreRequest, u64)>,
    /// Why the clusters asked for last cannot be shown, if so.
    pub failed: Option<Notice>,
    /// The clusters on show.
    pub exploration: Option<Exploration>,
    /// Their scores.
    pub scores: Option<ExplorationScores>,
    /// The elbow curve.
    pub elbow: Option<Elbow>,
    /// The cluster looked at alone.
    pub focused_cluster: Option<usize>,
    /// The picture looked at.
    pub picked: Option<ImageId>,
    /// What is selected in the focused cluster.
    pub selection: Selection,
    /// Bring the cursor into view in the next frame.
    pub scroll_to_cursor: bool,
}

impl Default for ExploreState {
    fn default() -> Self {
        Self {
            run: None,
            part: ClusteredPart::default(),
            clusters: 5,
            seed: 1,
            requested: None,
            failed: None,
            exploration: None,
            scores: None,
            elbow: None,
            focused_cluster: None,
            picked: None,
            selection: Selection::default(),
            scroll_to_cursor: false,
        }
    }
}

/// Good news that goes away by itself.
#[derive(Debug)]
pub struct Toast {
    /// The news.
    pub text: String,
    /// Since when it is shown.
    pub since: Instant,
}

/// The list of all commands, while it is open.
#[derive(Debug, Default)]
pub struct PaletteState {
    /// What was typed.
    pub text: String,
    /// Which of the matches is chosen.
    pub chosen: usize,
}

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PathPurpose {
    NewProject,
    OpenProject,
    ImportPictures,
    ImportLabels,
    ImportGroupings,
    FindPictures,
    ExportClusters,
    ExportModel,
    ExportGroupings,
    ExportMoveLog,
    ExportAgreement,
}

/// The pane that asks for a path, for those who type it or have no file dialog.
#[derive(Debug)]
pub struct PathQuestion {
    /// What for.
    pub purpose: PathPurpose,
    /// The path so far.
    pub text: String,
    /// Why the path given last cannot be used.
    pub complaint: Option<String>,
    /// Take the sound part of a CSV with problems.
    pub accept_problems: bool,
    /// Give the field the keyboard in the next frame.
    pub focus: bool,
}

impl PathQuestion {
    /// The pane as it opens.
    pub fn new(purpose: PathPurpose) -> Self {
        Self { purpose, text: String::new(), complaint: None, accept_problems: false, focus: true }
    }
}

/// Everything.
#[derive(Debug, Default)]
pub struct AppState {
    /// The view on show.
    pub view: View,
    /// The open project. Views hold on to it while they draw; it changes only between frames.
    pub project: Option<Rc<ProjectState>>,
    /// The folder that is in use by another process.
    pub busy: Option<(PathBuf, Notice)>,
    /// The job under way.
    pub job: Option<JobState>,
    /// How the last job ended, as long as nobody closed it.
    pub job_end: Option<JobEnd>,
    /// Bad news, until somebody closes it.
    pub problems: Vec<Notice>,
    /// True while the list of problems is open.
    pub show_problems: bool,
    /// Good news.
    pub toasts: Vec<Toast>,
    /// Library view.
    pub library: LibraryState,
    /// Label view.
    pub label: LabelState,
    /// Train view.
    pub train: TrainState,
    /// Group view.
    pub group: GroupState,
    /// Explore view.
    pub explore: ExploreState,
    /// The rater's session that fills the window.
    pub session: Option<SessionState>,
    /// True once somebody asked to leave it.
    pub leave_session: bool,
    /// True when the window was opened for one rater alone.
    pub rater_alone: bool,
    /// The list of all commands.
    pub palette: Option<PaletteState>,
    /// True while the cheat sheet is open.
    pub cheat_sheet: bool,
    /// The pane that asks for a path.
    pub path_question: Option<PathQuestion>,
    /// Counts loads of projects.
    pub loads: u64,
}

impl AppState {
    /// Adds good news.
    pub fn toast(&mut self, text: impl Into<String>) {
        self.toasts.push(Toast { text: text.into(), since: Instant::now() });
    }

    /// Adds bad news.
    pub fn problem(&mut self, notice: Notice) {
        if self.problems.last() != Some(&notice) {
            self.problems.push(notice);
        }
        self.show_problems = true;
    }
}
