//! What the Explore view is set to, and the clusters it shows.

use std::sync::Arc;

use super::Selection;
use crate::clustering::{Elbow, Method};
use crate::engine::Notice;
use crate::engine::analysis::{Exploration, ExplorationScores, ExploreRequest};
use crate::engine::jobs::cluster::ClusteredPart;
use crate::features::FeatureSource;
use crate::ids::ImageId;

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
        Some(ExploreRequest {
            features: self.features?,
            part: self.part,
            method: self.method,
            clusters: self.clusters,
            seed: self.seed,
        })
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
