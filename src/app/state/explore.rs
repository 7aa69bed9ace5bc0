//! What the Explore view is set to, and the clusters it shows.

use std::sync::Arc;

use super::{NewName, Selection};
use crate::clustering::{Elbow, Method};
use crate::engine::Notice;
use crate::engine::analysis::{Exploration, ExplorationScores, ExploreRequest};
use crate::engine::jobs::cluster::ClusteredPart;
use crate::features::FeatureSource;
use crate::ids::{ClusteringId, ImageId};
use crate::project::ClusteringRecord;

/// The Explore view.
#[derive(Debug)]
pub struct ExploreState {
    /// The features; the label intensities of the newest usable run, or else the newest set, when not chosen.
    pub features: Option<FeatureSource>,
    /// Which pictures.
    pub part: ClusteredPart,
    /// How they are clustered.
    pub method: Method,
    /// K.
    pub clusters: usize,
    /// Seed of whatever is drawn.
    pub seed: u64,
    /// The kept clustering that was opened, as long as nothing is set otherwise.
    pub kept: Option<ExploreRequest>,
    /// The name under which the clusters on show are to be kept, so far.
    pub keeping: Option<NewName>,
    /// What was asked last, and for which load of the project.
    pub requested: Option<(ExploreRequest, u64)>,
    /// Why the clusters asked for last cannot be shown, if so.
    pub failed: Option<Notice>,
    /// That is because the run made no label intensities.
    pub lacks_intensities: bool,
    /// The clusters on show.
    pub exploration: Option<Arc<Exploration>>,
    /// Their scores.
    pub scores: Option<Arc<ExplorationScores>>,
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
            features: None,
            part: ClusteredPart::default(),
            method: Method::default(),
            clusters: 5,
            seed: 1,
            kept: None,
            keeping: None,
            requested: None,
            failed: None,
            lacks_intensities: false,
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

impl ExploreState {
    /// The clusters as they are set, once features are chosen.
    fn wanted(&self) -> Option<ExploreRequest> {
        let made = ExploreRequest {
            features: self.features?,
            part: self.part,
            method: self.method,
            clusters: self.clusters,
            seed: self.seed,
            kept: None,
        };
        let kept = self.kept.filter(|kept| ExploreRequest { kept: None, ..*kept } == made);
        Some(kept.unwrap_or(made))
    }

    /// Opens a kept clustering: everything is set as it was made.
    pub fn open(&mut self, record: &ClusteringRecord) {
        // What a newer version kept may be made in a way that this one does not know; it is shown all the same.
        self.part = record.part.parse().unwrap_or(self.part);
        self.method = record.method.parse().unwrap_or(self.method);
        (self.features, self.clusters, self.seed) = (Some(record.features), record.clusters, record.seed);
        self.kept = None;
        self.kept = self.wanted().map(|made| ExploreRequest { kept: Some(record.id), ..made });
        self.focused_cluster = None;
    }

    /// The kept clustering that is set.
    pub fn opened(&self) -> Option<ClusteringId> {
        self.wanted()?.kept
    }

    /// The clusters to ask for, where those that are set are not those asked for last. `load` is that of the project:
    /// annotations do not change features, a project loaded again may.
    pub fn next_request(&mut self, load: u64) -> Option<ExploreRequest> {
        let wanted = self.wanted()?;
        if self.requested == Some((wanted, load)) {
            return None;
        }
        if !self.is_about(|asked| asked.has_same_curve(&wanted)) {
            self.elbow = None;
        }
        self.scores = None;
        self.failed = None;
        self.requested = Some((wanted, load));
        Some(wanted)
    }

    /// True when what was asked for last is so.
    pub fn is_about(&self, so: impl Fn(&ExploreRequest) -> bool) -> bool {
        self.requested.is_some_and(|(asked, _)| so(&asked))
    }

    /// Takes the clusters that were asked for; those asked for before do not count.
    pub fn explored(&mut self, exploration: Arc<Exploration>) {
        if self.is_about(|asked| *asked == exploration.request) {
            let clusters = exploration.members.len();
            self.focused_cluster = self.focused_cluster.filter(|focused| *focused < clusters);
            self.exploration = Some(exploration);
        }
    }

    /// Takes why the clusters that were asked for cannot be made.
    pub fn cannot(&mut self, request: ExploreRequest, notice: Notice, lacks_intensities: bool) {
        if self.is_about(|asked| *asked == request) {
            (self.failed, self.lacks_intensities) = (Some(notice), lacks_intensities);
        }
    }

    /// Takes the scores of the clusters that were asked for.
    pub fn scored(&mut self, scores: Arc<ExplorationScores>) {
        if self.is_about(|asked| *asked == scores.request) {
            self.scores = Some(scores);
        }
    }

    /// Takes the elbow curve of the features that were asked for.
    pub fn found_elbow(&mut self, request: &ExploreRequest, elbow: Elbow) {
        if self.is_about(|asked| asked.has_same_curve(request)) {
            self.elbow = Some(elbow);
        }
    }
}
