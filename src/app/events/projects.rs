//! A project was opened, changed or closed.

use std::path::Path;
use std::rc::Rc;

use super::to_change;
use crate::app::App;
use crate::app::state::{ProjectState, View};
use crate::app::textures::Textures;
use crate::engine::event::ProjectEvent;
use crate::engine::thumbnails::PicturePool;
use crate::engine::{Notice, ProjectChange, Snapshot};

impl App {
    pub(super) fn take_project_event(&mut self, event: ProjectEvent) {
        let state = &mut self.state;
        match event {
            ProjectEvent::Loaded(snapshot) => self.project_loaded(*snapshot),
            ProjectEvent::Changed { change, undo, redo } => {
                let Some(project) = to_change(&mut state.project, &self.engine) else { return };
                // Other pictures take part: clusters, plans and agreement are asked for again, as after loading.
                let revision = if matches!(change, ProjectChange::SetAside { .. }) {
                    state.loads += 1;
                    state.loads << 32
                } else {
                    project.revision + 1
                };
                project.changed(change, revision);
                project.snapshot.undo = undo;
                project.snapshot.redo = redo;
                state.library.refresh(project);
            }
            ProjectEvent::Closed => {
                self.preferences.remember_state(state);
                state.project = None;
                state.forget_project();
                self.textures = Textures::new(None);
            }
            ProjectEvent::Busy { folder, notice } => {
                state.path_given = None;
                state.busy = Some((folder, notice));
            }
            ProjectEvent::FilesChecked(check) => state.file_check = check,
        }
    }

    fn project_loaded(&mut self, snapshot: Snapshot) {
        let state = &mut self.state;
        state.loads += 1;
        let folder = snapshot.folder.clone();
        let same = state.project.as_ref().is_some_and(|project| project.snapshot.folder == folder);
        let project = ProjectState::new(snapshot, state.loads << 32);
        state.who_was_chosen = false;
        if same {
            self.textures.retry_broken();
        } else {
            self.begin_project(&folder);
        }
        let state = &mut self.state;
        state.busy = None;
        state.library.refresh(&project);
        state.project = Some(Rc::new(project));
    }

    /// Another project than before: goes on where it was left.
    fn begin_project(&mut self, folder: &Path) {
        let state = &mut self.state;
        self.preferences.remember_state(state);
        state.forget_project();
        match self.preferences.memory_of(folder) {
            Some(memory) => state.recall(memory),
            None => state.view = View::Library,
        }
        if let Some(view) = self.start_view.take() {
            state.view = view;
        }
        match PicturePool::start(crate::project::thumbnails_folder(folder), self.wake.clone()) {
            Ok(pool) => self.textures = Textures::new(Some(pool)),
            Err(error) => state.problem(Notice::from(&error)),
        }
        self.preferences.opened(folder);
    }
}
