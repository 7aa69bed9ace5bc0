//! Events of the engine go into the state, between frames; one file for each subject.

mod edits;
mod jobs;
mod projects;
mod sessions;
mod training;

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::App;
use super::state::{PathQuestion, ProjectState};
use crate::engine::Engine;
use crate::engine::Event;
use crate::engine::command::ProjectCommand;
use crate::engine::event::{AgreementEvent, ExploreEvent};

/// Time for events in one frame.
const EVENT_BUDGET: Duration = Duration::from_millis(10);

/// The open project, to take over a change. Where somebody holds on to it as it was, it is loaded again rather than shown
/// wrong.
fn to_change<'a>(project: &'a mut Option<Rc<ProjectState>>, engine: &Engine) -> Option<&'a mut ProjectState> {
    let changed = Rc::get_mut(project.as_mut()?);
    if changed.is_none() {
        engine.send(ProjectCommand::Reload);
    }
    changed
}

impl App {
    /// Takes events until there are none or the frame's time for them is over.
    pub(super) fn take_events(&mut self, context: &egui::Context) {
        let started = Instant::now();
        while let Some(event) = self.engine.next_event() {
            self.take_event(event);
            if started.elapsed() > EVENT_BUDGET {
                context.request_repaint();
                break;
            }
        }
        while let Ok((purpose, path)) = self.dialogs.answers.try_recv() {
            // The system's dialog has asked already whether a file may be replaced.
            self.path_chosen(PathQuestion { text: path.display().to_string(), ..PathQuestion::new(purpose) }, path);
        }
    }

    fn take_event(&mut self, event: Event) {
        match event {
            Event::Project(event) => self.take_project_event(event),
            Event::Edit(event) => self.take_edit_event(event),
            Event::Session(event) => self.take_session_event(event),
            Event::Job(event) => self.take_job_event(event),
            Event::Training(event) => self.take_training_event(event),
            Event::Explore(event) => self.take_explore_event(event),
            Event::Agreement(event) => self.take_agreement_event(event),
            Event::Done(text) => {
                self.state.path_given = None;
                self.state.toast(text);
            }
            Event::Problem(notice) => self.state.problem_with_path(notice),
        }
    }

    fn take_explore_event(&mut self, event: ExploreEvent) {
        let explore = &mut self.state.explore;
        match event {
            ExploreEvent::Explored(exploration) => explore.explored(exploration),
            ExploreEvent::Failed(request, notice) => explore.cannot(request, notice, false),
            ExploreEvent::NoIntensities(request, notice) => explore.cannot(request, notice, true),
            ExploreEvent::Scored(scores) => explore.scored(scores),
            ExploreEvent::ElbowFound(request, elbow) => explore.found_elbow(&request, elbow),
        }
    }

    fn take_agreement_event(&mut self, event: AgreementEvent) {
        let agreement = &mut self.state.group.agreement;
        match event {
            AgreementEvent::Found(request, report) => agreement.answered(&request, Ok(report)),
            AgreementEvent::Failed(request, notice) => agreement.answered(&request, Err(notice)),
        }
    }
}
