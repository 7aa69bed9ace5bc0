//! What the next run would work on, how long it would take and how much memory it would need.

use egui::Ui;

use super::ICON;
use crate::app::ViewContext;
use crate::app::commands::UiCommand;
use crate::app::state::ProjectState;
use crate::app::theme::STEP;
use crate::app::widgets::small;
use crate::dataset::Part;
use crate::nn::DeviceChoice;

/// Below the settings, always in sight: the next run in two lines, and its start.
pub fn start_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    ui.add_space(STEP);
    parts_ui(ui, project);
    let (name, note) = device_text(view.state.train.configuration.device);
    let response = small::weak(ui, format!("Will run on: {name}"));
    if let Some(note) = note {
        response.on_hover_text(note);
    }
    ui.horizontal(|ui| {
        small::primary_button_ui(ui, view.state, view.actions, UiCommand::StartTraining);
        small::command_button_ui(ui, view.state, view.actions, UiCommand::SplitPictures);
    });
    ui.add_space(STEP);
}

fn parts_ui(ui: &mut Ui, project: &ProjectState) {
    match &project.snapshot.split {
        None => {
            small::weak(ui, "Not split yet: training divides the labelled pictures 5:3:2 by itself.");
        }
        Some(split) => {
            let text: Vec<String> =
                Part::ALL.into_iter().map(|part| format!("{} {}", part.name(), split.images_of(part).len())).collect();
            ui.label(text.join("  ·  ")).on_hover_text(format!("{}, seed {}", split.method, split.seed));
        }
    }
}

/// The device a choice leads to, asked once for each choice, because asking may wake a driver.
fn device_text(choice: DeviceChoice) -> (String, Option<String>) {
    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex};
    type DeviceText = (String, Option<String>);
    static KNOWN: LazyLock<Mutex<HashMap<&'static str, DeviceText>>> = LazyLock::new(Mutex::default);
    let ask = || match crate::nn::select(choice) {
        Ok(device) => (device.name.clone(), device.note.clone()),
        Err(error) => ("nothing".to_owned(), Some(error.message)),
    };
    match KNOWN.lock() {
        Ok(mut known) => known.entry(choice.as_str()).or_insert_with(ask).clone(),
        Err(_) => ask(),
    }
}

/// The page of the next run.
pub fn ui(_ui: &mut Ui, _view: &mut ViewContext<'_>, _project: &ProjectState) {}

/// In the place of a run while there is none.
pub fn before_the_first_run_ui(ui: &mut Ui, view: &mut ViewContext<'_>, _project: &ProjectState) {
    small::empty_ui(
        ui,
        ICON,
        "No runs yet",
        "Training teaches a small network on top of VGG16 to predict your labels. What it predicts for each \
         picture, the label intensities, is what pictures are grouped by.",
        |ui| {
            small::primary_button_ui(ui, view.state, view.actions, UiCommand::StartTraining);
        },
    );
}
