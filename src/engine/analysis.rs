//! The analyst: clusters and scores stored features while K and the seed are changed in the window.
//!
//! Of each kind of question only the newest counts: asking stops the work on the one before, in the middle of whatever
//! it is at, and it is never answered. The clusters are sent as soon as they are known, then their scores, then, once for
//! a set of features, the elbow curve.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::event::{AgreementEvent, Event, ExploreEvent, Notice, Outbox, TrainingEvent};
use super::jobs::cluster::{self, ClusteredPart};
use super::jobs::features;
use super::jobs::predictions;
use super::jobs::score::{self, References, ScoreReport};
use super::jobs::{counted, export_agreement};
use crate::clustering::{self, Clustering, KMeansSettings, Method};
use crate::dataset::SortChoice;
use crate::engine::output_file::{Existing, FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::evaluation::agreement_report::{self as agreement, AgreementReport, AgreementRequest};
use crate::features::{FeatureMatrix, FeatureSource};
use crate::ids::{ClusteringId, ImageId, RunId};
use crate::progress::{Cancel, Silent};
use crate::project::{FeatureKind, Project};

/// The largest K of the elbow curve.
const ELBOW_CLUSTERS: usize = 12;

/// Which clustering is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExploreRequest {
    /// The features.
    pub features: FeatureSource,
    /// Which pictures.
    pub part: ClusteredPart,
    /// How they are clustered.
    pub method: Method,
    /// K.
    pub clusters: usize,
    /// Seed of what is drawn.
    pub seed: u64,
    /// The kept clustering to open, instead of making one; all else is as it was made.
    pub kept: Option<ClusteringId>,
}

impl ExploreRequest {
    /// True when the elbow curve of both is the same: it is of k-means, over all K.
    pub fn has_same_curve(&self, other: &Self) -> bool {
        (self.features, self.part, self.seed) == (other.features, other.part, other.seed)
    }

    /// What the clusters are made from.
    pub fn made(&self) -> cluster::Made {
        cluster::Made { features: self.features, part: self.part, method: self.method, seed: self.seed }
    }
}

/// Clusters to look at.
#[derive(Debug)]
pub struct Exploration {
    /// What was asked.
    pub request: ExploreRequest,
    /// The features that were clustered, rows in the order of the pictures' paths.
    pub features: Arc<FeatureMatrix>,
    /// The clusters.
    pub clustering: Clustering,
    /// Rows of each cluster, nearest to its centroid first.
    pub members: Vec<Vec<usize>>,
    /// Pictures of the part whose intensities were not made yet and which are therefore missing here.
    pub missing: usize,
    /// How long it took.
    pub duration_ms: f64,
}

impl Exploration {
    /// The images of a cluster, nearest to its centroid first.
    pub fn images_of(&self, cluster: usize) -> Vec<ImageId> {
        self.members[cluster].iter().map(|row| self.features.image_ids[*row]).collect()
    }
}

/// Scores of the clusters of a request.
#[derive(Debug)]
pub struct ExplorationScores {
    /// What was asked.
    pub request: ExploreRequest,
    /// The scores.
    pub report: ScoreReport,
}

/// What the analyst is asked.
#[derive(Debug)]
pub(super) enum Question {
    /// Forget what was loaded: the project changed or is another one (`None`: was closed).
    Project(Option<Project>),
    /// Cluster and score.
    Explore(ExploreRequest),
    /// Load what a run predicts for each picture.
    Predictions(RunId),
    /// Compare raters.
    Agreement(AgreementRequest),
    /// Write what comes of comparing raters.
    ExportAgreement(AgreementRequest, f64, std::path::PathBuf),
    /// Write a clustering.
    Export(ExploreRequest, std::path::PathBuf),
    /// Stop.
    Quit,
}

impl Question {
    /// What this question makes pointless among those asked before.
    fn replaces(&self, earlier: &Topic) -> bool {
        match self {
            Self::Project(None) | Self::Quit => *earlier != Topic::MustBeDone,
            // The window asks for clusters again once it has reloaded the project.
            Self::Project(Some(_)) => *earlier == Topic::Clusters,
            _ => *earlier == self.topic() && *earlier != Topic::MustBeDone,
        }
    }

    fn topic(&self) -> Topic {
        match self {
            Self::Explore(_) => Topic::Clusters,
            Self::Predictions(_) => Topic::Predictions,
            Self::Agreement(_) => Topic::Agreement,
            // What a person asked to have written is written, also when they go on or leave.
            Self::ExportAgreement(..) | Self::Export(..) | Self::Project(_) | Self::Quit => Topic::MustBeDone,
        }
    }
}

/// What a question is about: of each only the newest counts, but for what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Clusters,
    Predictions,
    Agreement,
    /// What a person asked to have written, and what changes the analyst itself.
    MustBeDone,
}

/// Where questions are asked.
#[derive(Debug)]
pub(super) struct Analysis {
    sender: Sender<(Question, Cancel)>,
    open: Vec<(Topic, Cancel)>,
    thread: Option<JoinHandle<()>>,
}

impl Analysis {
    /// Starts the analyst.
    ///
    /// # Errors
    /// `Device` when the system gives no thread.
    pub fn start(outbox: Arc<Outbox>) -> Result<Self> {
        let (sender, receiver) = unbounded();
        let thread = std::thread::Builder::new()
            .name("analyst".to_owned())
            .spawn(move || {
                Analyst {
                    outbox,
                    receiver,
                    cancel: Cancel::new(),
                    project: None,
                    loaded: None,
                    elbow_of: None,
                    agreement: None,
                }
                .work()
            })
            .map_err(|error| Error::device(format!("no thread for the analysis could be started: {error}")))?;
        Ok(Self { sender, open: Vec::new(), thread: Some(thread) })
    }

    /// Asks, and stops what becomes pointless by it.
    ///
    /// # Errors
    /// `Internal` when the analyst is gone.
    pub fn ask(&mut self, question: Question) -> Result<()> {
        self.open.retain(|(topic, cancel)| {
            let pointless = question.replaces(topic);
            if pointless {
                cancel.cancel();
            }
            !pointless && *topic != Topic::MustBeDone
        });
        let cancel = Cancel::new();
        self.open.push((question.topic(), cancel.clone()));
        let sent = self.sender.send((question, cancel));
        sent.map_err(|_| Error::internal("the analysis has stopped; restart the program"))
    }

    /// Stops what is under way, but for what is being written, and waits for that.
    pub fn leave(&mut self) {
        let _ = self.ask(Question::Quit);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Loaded {
    source: FeatureSource,
    part: ClusteredPart,
    features: Arc<FeatureMatrix>,
    missing: usize,
    references: References<ImageId>,
}

struct Analyst {
    outbox: Arc<Outbox>,
    receiver: Receiver<(Question, Cancel)>,
    /// Stops the question that is being answered.
    cancel: Cancel,
    project: Option<Project>,
    loaded: Option<Loaded>,
    elbow_of: Option<(FeatureSource, ClusteredPart, u64)>,
    agreement: Option<(AgreementRequest, Arc<AgreementReport<ImageId>>)>,
}

impl Analyst {
    fn work(mut self) {
        while let Ok((question, cancel)) = self.receiver.recv() {
            if cancel.check().is_err() {
                continue;
            }
            self.cancel = cancel;
            match question {
                Question::Quit => return,
                Question::Project(project) => {
                    self.project = project;
                    self.loaded = None;
                    self.elbow_of = None;
                    self.agreement = None;
                }
                Question::Explore(request) => self.answer(request),
                Question::Predictions(run) => self.report(|analyst| analyst.predictions(run)),
                Question::Agreement(request) => self.compare(request),
                Question::ExportAgreement(request, level, folder) => {
                    self.report(|analyst| analyst.export_agreement(&request, level, &folder));
                }
                Question::Export(request, file) => self.report(|analyst| analyst.export(request, &file)),
            }
        }
    }

    fn answer(&mut self, request: ExploreRequest) {
        if let Err(error) = self.explore(request)
            && !error.is_cancelled()
        {
            let notice = Notice::from(&error);
            self.outbox.push(if self.loaded.is_none() && self.lacks_intensities(request) {
                ExploreEvent::NoIntensities(request, notice)
            } else {
                ExploreEvent::Failed(request, notice)
            });
        }
    }

    /// True when a request is for the label intensities of a run that never made any.
    fn lacks_intensities(&self, request: ExploreRequest) -> bool {
        let FeatureSource::Run(run) = request.features else { return false };
        let stored = self.open_project().and_then(|project| {
            let labels = project.run(run)?.labels.len();
            project.features(run, FeatureKind::LabelIntensities, labels)
        });
        stored.is_ok_and(|stored| stored.vectors.is_empty())
    }

    fn report(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) {
        if let Err(error) = work(self)
            && !error.is_cancelled()
        {
            self.outbox.push(Event::Problem(Notice::from(&error)));
        }
    }

    fn explore(&mut self, request: ExploreRequest) -> Result<()> {
        let started = std::time::Instant::now();
        let outbox = self.outbox.clone();
        let cancel = self.cancel.clone();
        let elbow_done = self.elbow_of == Some((request.features, request.part, request.seed));
        let loaded = self.load(request)?;
        let (references, mut missing) = (loaded.references.clone(), loaded.missing);
        let (features, clustering) = match request.kept {
            None => {
                let features = loaded.features.clone();
                let clustering = cluster::run(&features, request.method, request.clusters, request.seed, &cancel)?;
                (features, clustering)
            }
            Some(kept) => {
                let opened = cluster::open(self.open_project()?, kept, request.features)?;
                missing = opened.missing;
                (Arc::new(opened.features), opened.clustering)
            }
        };
        let members = nearest_first(&clustering);
        let assignments = clustering.assignments.clone();
        outbox.push(ExploreEvent::Explored(Arc::new(Exploration {
            request,
            features: features.clone(),
            clustering,
            members,
            missing,
            duration_ms: started.elapsed().as_secs_f64() * 1000.0,
        })));
        let report =
            score::run(&features.image_ids, features.view()?, &assignments, &references, request.seed, &cancel)?;
        outbox.push(ExploreEvent::Scored(Arc::new(ExplorationScores { request, report })));
        if elbow_done || features.rows() < 3 {
            return Ok(());
        }
        let settings = KMeansSettings { seed: request.seed, ..KMeansSettings::default() };
        let most = ELBOW_CLUSTERS.min(features.rows() - 1);
        match clustering::elbow(features.view()?, 1..=most, &settings, &Silent, &cancel) {
            Ok(elbow) => outbox.push(ExploreEvent::ElbowFound(request, elbow)),
            // Fewer distinct pictures than the largest K: the curve would end early, so there is none.
            Err(error) if error.kind == crate::error::ErrorKind::User => {}
            Err(error) => return Err(error),
        }
        self.elbow_of = Some((request.features, request.part, request.seed));
        Ok(())
    }

    fn predictions(&self, run: RunId) -> Result<()> {
        let predictions = predictions::load(self.open_project()?, run)?;
        self.outbox.push(TrainingEvent::PredictionsLoaded(Arc::new(predictions)));
        Ok(())
    }

    fn compare(&mut self, request: AgreementRequest) {
        let found = self.agreement(&request);
        self.outbox.push(match found {
            Err(error) if error.is_cancelled() => return,
            Ok(report) => AgreementEvent::Found(request, report),
            Err(error) => AgreementEvent::Failed(request, Notice::from(&error)),
        });
    }

    /// How far raters agree: found once for each load of the project.
    fn agreement(&mut self, request: &AgreementRequest) -> Result<Arc<AgreementReport<ImageId>>> {
        if let Some((known, report)) = &self.agreement
            && known == request
        {
            return Ok(report.clone());
        }
        let sorts = self.open_project()?.rater_sorts(&SortChoice::default())?;
        let report = Arc::new(agreement::run(&sorts, request, &Silent, &self.cancel)?);
        self.agreement = Some((request.clone(), report.clone()));
        Ok(report)
    }

    fn export_agreement(&mut self, request: &AgreementRequest, level: f64, folder: &std::path::Path) -> Result<()> {
        let report = self.agreement(request)?;
        let names = self.open_project()?.image_names()?;
        let into =
            export_agreement::Folder { project: Some(self.open_project()?), path: folder, existing: Existing::Replace };
        let files = export_agreement::run(&report, &report.linkage(level)?, level, into, |image| names.shown(*image))?;
        self.outbox.push(Event::Done(format!("Wrote {} to {}", counted(files.len(), "file"), folder.display())));
        Ok(())
    }

    fn export(&mut self, request: ExploreRequest, file: &std::path::Path) -> Result<()> {
        let output = OutputFile::new(Some(self.open_project()?), file, FileKind::Csv, Existing::Replace)?;
        let images = match request.kept {
            Some(kept) => cluster::write_kept(self.open_project()?, kept, &output)?,
            None => {
                let features = self.load(request)?.features.clone();
                let clustering = cluster::run(&features, request.method, request.clusters, request.seed, &self.cancel)?;
                cluster::write(self.open_project()?, &features, &clustering, &request.made(), &output)?;
                features.rows()
            }
        };
        let text = format!("Wrote {} and their clusters to {}", counted(images, "picture"), file.display());
        self.outbox.push(Event::Done(text));
        Ok(())
    }

    fn open_project(&self) -> Result<&Project> {
        self.project.as_ref().ok_or_else(|| Error::user("no project is open"))
    }

    fn load(&mut self, request: ExploreRequest) -> Result<&Loaded> {
        let source = request.features;
        let fits = self.loaded.as_ref().is_some_and(|l| l.source == source && l.part == request.part);
        if !fits {
            self.loaded = None;
            let project = self.open_project()?;
            let images = features::images_of(project, source, request.part)?;
            let matrix = features::stored(project, source, &images)?;
            self.loaded = Some(Loaded {
                source,
                part: request.part,
                missing: images.len() - matrix.rows(),
                features: Arc::new(matrix),
                references: cluster::references(project, source, &SortChoice::default())?,
            });
        }
        self.loaded.as_ref().ok_or_else(|| Error::internal("features were loaded and are gone"))
    }
}

/// The rows of each cluster by their distance to its centroid.
fn nearest_first(clustering: &Clustering) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); clustering.sizes.len()];
    for (row, cluster) in clustering.assignments.iter().enumerate() {
        members[*cluster].push(row);
    }
    for rows in &mut members {
        rows.sort_by(|a, b| clustering.distances[*a].total_cmp(&clustering.distances[*b]).then(a.cmp(b)));
    }
    members
}
