//! How a project is left, gone on with, and forgotten.

use super::AppState;
use crate::app::preferences::ProjectMemory;
use crate::engine::jobs::cluster::ClusteredPart;
use crate::training::TrainingConfiguration;

impl AppState {
    /// Goes on where the project was left.
    pub(in crate::app) fn recall(&mut self, memory: &ProjectMemory) {
        self.view = memory.view;
        self.library.selection.cursor = memory.picture;
        self.library.scroll_to_cursor = true;
        self.explore.method = memory.method.parse().unwrap_or_default();
        self.explore.clusters = memory.clusters.max(1);
        self.explore.seed = memory.seed;
        self.explore.part = if memory.all_pictures { ClusteredPart::All } else { ClusteredPart::Test };
        // Settings of another version are not taken over.
        if let Ok(configuration) = TrainingConfiguration::of_run(&memory.training) {
            self.train.next.configuration = configuration;
        }
    }

    /// How the project is left.
    pub(in crate::app) fn memory(&self) -> Option<ProjectMemory> {
        Some(ProjectMemory {
            folder: self.project.as_ref()?.snapshot.folder.clone(),
            view: self.view,
            picture: self.library.selection.cursor,
            method: self.explore.method.to_string(),
            clusters: self.explore.clusters,
            seed: self.explore.seed,
            all_pictures: self.explore.part == ClusteredPart::All,
            training: self.train.next.configuration.to_toml().unwrap_or_default(),
        })
    }

    /// Forgets what belonged to the project that was open.
    pub(in crate::app) fn forget_project(&mut self) {
        self.library = Default::default();
        self.label = Default::default();
        self.train = self.train.without_project();
        self.explore = Default::default();
        self.file_check = Default::default();
        self.session = None;
        self.group = Default::default();
        // What was said is about the project that is left.
        self.problems.clear();
        self.show_problems = false;
        self.job_end = None;
        self.toast = None;
        self.path_given = None;
        self.who = None;
        self.split_dialog = None;
    }
}
