//! What commands do, where that is more than a line of the list.

use crate::app::App;
use crate::app::preferences::ThemeChoice;
use crate::app::state::{SplitDialog, View};
use crate::engine::Notice;
use crate::engine::command::{AnnotationCommand, EditCommand, JobCommand, JobControl};
use crate::features::FeatureSource;

impl App {
    pub(super) fn open_demo(&mut self) {
        match crate::demo::default_folder() {
            Ok(folder) => self.send(JobCommand::RunDemo(folder)),
            Err(error) => self.state.problem(Notice::from(&error)),
        }
    }

    pub(super) fn quit(&mut self, context: &egui::Context) {
        if self.state.job.is_some() {
            self.state.ask_before_quitting = true;
        } else {
            context.send_viewport_cmd(egui::ViewportCommand::Close);
        }
    }

    pub(super) fn copy_labels(&mut self, context: &egui::Context) {
        let state = &mut self.state;
        let Some(image) = state.library.selection.cursor else { return };
        state.label.copied_from = Some(image);
        let Some(project) = state.project.clone() else { return };
        let labels = project.snapshot.labels.iter();
        let given: Vec<&str> = labels
            .filter(|label| project.answer(image, label.id) == Some(true))
            .map(|label| label.name.as_str())
            .collect();
        // Also as text: without any in the clipboard, systems swallow the key that pastes.
        context.copy_text(if given.is_empty() { "no labels".to_owned() } else { given.join(", ") });
        if let Some(image) = project.image(image) {
            state.toast(format!("Labels of {} copied", image.file_name()));
        }
    }

    pub(super) fn paste_labels(&mut self) {
        if let Some(from) = self.state.label.copied_from {
            let to = self.state.target_images();
            self.send(AnnotationCommand::CopyLabels { from, to });
        }
    }

    pub(super) fn copy_from_previous(&mut self) {
        let library = &self.state.library;
        if let (Some(from), Some(to)) = (library.neighbour(-1), library.selection.cursor) {
            self.send(AnnotationCommand::CopyLabels { from, to: vec![to] });
        }
    }

    pub(super) fn set_aside(&mut self) {
        let state = &mut self.state;
        let images = state.target_images();
        let Some(project) = &state.project else { return };
        let all_aside = images.iter().all(|id| project.image(*id).is_some_and(|image| image.set_aside.is_some()));
        let reason = (!all_aside).then(|| "set aside by hand".to_owned());
        if reason.is_some() && !state.library.show_set_aside {
            state.library.move_on_from(&images);
        }
        self.send(EditCommand::SetAside(images, reason));
    }

    pub(super) fn choose_theme(&mut self, context: &egui::Context, theme: ThemeChoice) {
        self.preferences.theme = theme;
        self.preferences.save();
        crate::app::apply_theme(context, theme);
    }

    pub(super) fn confirm_and_next(&mut self) {
        match (self.state.view, self.state.library.selection.cursor) {
            (View::Label, Some(image)) => {
                self.send(AnnotationCommand::Confirm(vec![image]));
                self.state.step(1);
            }
            (View::Library, _) => self.state.show(View::Label),
            _ => {}
        }
    }

    pub(super) fn open_picture(&mut self) {
        let state = &mut self.state;
        if state.view == View::Library {
            state.show(View::Label);
        } else if state.label.touched.is_some() && state.label.touched == state.library.selection.cursor {
            // A project that cannot be changed refuses the answers by itself.
            if super::enabled::picture_to_change(state).is_ok() {
                self.confirm_and_next();
            }
        } else {
            // Whoever opened the picture with Enter and presses it again has not said "no" to every label.
            state.toast("Space answers no to every label left open, and goes on");
        }
    }

    pub(super) fn start_training(&mut self) {
        self.state.view = View::Train;
        self.send(JobCommand::Train(Box::new(self.state.train.next.configuration.clone())));
    }

    pub(super) fn train_again(&mut self) {
        if let Some(run) = self.state.shown_run() {
            self.state.view = View::Train;
            self.send(JobCommand::TrainAgain(run));
        }
    }

    pub(super) fn resume_run(&mut self) {
        if let Some(run) = self.state.shown_run() {
            self.state.view = View::Train;
            self.send(JobCommand::Resume(run));
        }
    }

    pub(super) fn stop_job(&mut self) {
        if let Some(job) = &mut self.state.job {
            job.stopping = true;
        }
        self.send(JobControl::Cancel);
    }
}

pub fn toggle_full_screen(context: &egui::Context) {
    let full = context.input(|input| input.viewport().fullscreen.unwrap_or(false));
    context.send_viewport_cmd(egui::ViewportCommand::Fullscreen(!full));
}

impl crate::app::state::AppState {
    pub(super) fn search(&mut self) {
        self.view = View::Library;
        self.library.focus_search = true;
    }

    pub(super) fn describe_split(&mut self) {
        if let Some(project) = &self.project {
            self.split_dialog = Some(SplitDialog::new(project, self.train.next.configuration.seed));
        }
    }

    pub(super) fn explore_run(&mut self) {
        self.explore.features = self.shown_run().map(FeatureSource::Run);
        self.show(View::Explore);
    }

    pub(super) fn toggle_palette(&mut self) {
        self.palette = if self.palette.is_some() { None } else { Some(Default::default()) };
    }

    pub(super) fn toggle_cheat_sheet(&mut self) {
        self.cheat_sheet = !self.cheat_sheet;
    }
}
