//! What the next run would work on, how long it would take and how much memory it would need.

use std::time::Duration;

use egui::{Align, Layout, RichText, ScrollArea, Ui, vec2};

use crate::app::commands::UiCommand;
use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::app::{ViewContext, icons};
use crate::engine::jobs::counted;
use crate::engine::jobs::plan::TrainingPlan;

/// Below the settings, always in sight: the next run in two lines, and its start.
pub fn start_ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let (first, second, help) = match &view.state.train.next.plan {
        None => ("Looking at the pictures…".to_owned(), String::new(), String::new()),
        Some((_, Err(notice))) => {
            (notice.message.clone(), notice.hint.clone().unwrap_or_default(), notice.message.clone())
        }
        Some((_, Ok(plan))) => (
            format!("{} to learn from, {} to judge by", counted(plan.train_images, "picture"), plan.validation_images),
            format!("About {}  ·  {}  ·  {}", time_text(plan), size_text(plan.memory_bytes), plan.device),
            format!("Time: {}. Memory: {} are free now.", plan.time.basis, size_text(plan.available_memory_bytes)),
        ),
    };
    ui.spacing_mut().item_spacing.y = 4.0;
    ui.add(egui::Label::new(first).truncate()).on_hover_text(&help);
    let second = RichText::new(second).color(ui.visuals().weak_text_color());
    ui.add(egui::Label::new(second).truncate()).on_hover_text(help);
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        small::primary_button_ui(ui, view.state, view.actions, UiCommand::StartTraining);
        small::command_button_ui(ui, view.state, view.actions, UiCommand::SplitPictures);
    });
}

/// In the place of a run while there is none.
pub fn before_the_first_run_ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    if !matches!(view.state.train.next.plan, Some((_, Ok(_)))) {
        let reason = match &view.state.train.next.plan {
            Some((_, Err(notice))) => notice.message.clone(),
            _ => String::new(),
        };
        let text = "Training teaches a network to predict your labels. What it predicts for each picture, the label \
                    intensities, is what pictures are grouped by.";
        small::empty_ui(ui, icons::TRAIN, "No runs yet", text, |ui| {
            if !reason.is_empty() {
                ui.label(RichText::new(reason).color(ui.visuals().warn_fg_color));
            }
            small::command_button_ui(ui, view.state, view.actions, UiCommand::ImportLabels);
        });
        return;
    }
    ui.add_space(STEP);
    ui.heading("The first run");
    small::weak(
        ui,
        "Training teaches a network to predict your labels. What it predicts for each picture, the label intensities, is \
         what pictures are grouped by. This is what it would learn from with the settings at the left.",
    );
    ui.add_space(STEP);
    self::ui(ui, view);
}

/// The page of the next run.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let plan = match &view.state.train.next.plan {
        None => {
            small::weak(ui, "Looking at the pictures…");
            return;
        }
        Some((_, Err(notice))) => {
            ui.label(RichText::new(&notice.message).color(ui.visuals().warn_fg_color));
            small::weak(ui, notice.hint.clone().unwrap_or_default());
            return;
        }
        Some((_, Ok(plan))) => plan,
    };
    ScrollArea::vertical().id_salt("plan").auto_shrink(false).show(ui, |ui| {
        facts_ui(ui, plan);
        for remark in &plan.remarks {
            ui.label(RichText::new(format!("{}  {remark}", icons::WARNING)).color(ui.visuals().warn_fg_color));
        }
        ui.add_space(STEP);
        labels_ui(ui, plan);
    });
}

fn facts_ui(ui: &mut Ui, plan: &TrainingPlan) {
    let split = if plan.split_exists { "" } else { ", once the pictures are split" };
    let features = match plan.features_to_make {
        0 => "All features are there".to_owned(),
        count => format!("{count} features are made first, about {}", seconds_text(plan.time.features_s)),
    };
    let facts = [
        (
            "Pictures",
            format!(
                "{} to learn from, {} to choose the best epoch by, {} kept for the end{split}",
                plan.train_images, plan.validation_images, plan.test_images
            ),
            "The train, validation and test parts of the pictures that have a label",
        ),
        (
            "Samples of an epoch",
            format!(
                "{} = {} + {} + {} synthetic, in {}",
                plan.samples,
                counted(plan.train_images, "picture"),
                copies_text(plan.copies),
                plan.synthetic,
                counted(plan.steps, "step")
            ),
            "Training pictures, their turned, shifted and mirrored copies, and synthetic samples of rare labels (MLSMOTE)",
        ),
        ("Time", format!("About {}. {features}", time_text(plan)), plan.time.basis.as_str()),
        (
            "Memory",
            format!(
                "About {} of the {} that are free",
                size_text(plan.memory_bytes),
                size_text(plan.available_memory_bytes)
            ),
            "An estimate from the size of the network, the pictures and what goes through at once",
        ),
        (
            "Imbalance",
            plan.mean_imbalance_ratio.map_or_else(
                || "No label has a picture".to_owned(),
                |ratio| {
                    format!(
                        "Labels are {ratio:.1} times rarer than the most common one in the mean; SCUMBLE {:.2}",
                        plan.scumble
                    )
                },
            ),
            "MeanIR: mean over the labels of how many times rarer they are than the most common one. SCUMBLE: how often \
             rare and common labels stand on the same picture, 0 to 1",
        ),
        ("Device", plan.device.clone(), "Where the network would run"),
    ];
    egui::Grid::new("plan facts").num_columns(2).spacing(vec2(2.0 * STEP, STEP)).show(ui, |ui| {
        for (name, text, help) in facts {
            small::weak(ui, name).on_hover_text(help);
            ui.label(text).on_hover_text(help);
            ui.end_row();
        }
    });
}

fn copies_text(copies: usize) -> String {
    match copies {
        1 => "1 copy".to_owned(),
        copies => format!("{copies} copies"),
    }
}

/// Each label before and after; bars show how far copies and synthetic samples even the labels out.
fn labels_ui(ui: &mut Ui, plan: &TrainingPlan) {
    small::title(ui, "Labels in the training part").on_hover_text(
        "Pictures that have each label, before and after augmentation and the synthesis of samples of rare labels",
    );
    let most = plan.labels.iter().map(|label| label.at_least).max().unwrap_or(0).max(1) as f32;
    let headings = [
        ("Label", "The labels of the project"),
        ("Pictures", "Training pictures that have it"),
        ("With copies", "The same with the augmented copies"),
        ("Synthetic", "Samples made for it because it is rare (MLSMOTE)"),
        (
            "In all, at least",
            "Copies and synthetic samples; a sample made for another label may get this one too, which is known once the \
             neighbours are",
        ),
        ("Rarer", "How many times rarer than the most common label (IRLbl), before anything was made"),
        ("", ""),
    ];
    let accent = theme::accent(ui.visuals().dark_mode);
    egui::Grid::new("plan labels").num_columns(headings.len()).striped(true).spacing(vec2(2.0 * STEP, 4.0)).show(
        ui,
        |ui| {
            for (at, (name, help)) in headings.into_iter().enumerate() {
                let heading = |ui: &mut Ui| small::weak(ui, name);
                let response = if at == 0 { heading(ui) } else { right_ui(ui, heading) };
                if !help.is_empty() {
                    response.on_hover_text(help);
                }
            }
            ui.end_row();
            for label in &plan.labels {
                ui.label(&label.label);
                right_ui(ui, |ui| ui.label(label.positives.to_string()));
                right_ui(ui, |ui| ui.label(label.with_copies.to_string()));
                let synthetic = if label.synthetic == 0 { "–".to_owned() } else { label.synthetic.to_string() };
                right_ui(ui, |ui| ui.label(synthetic));
                right_ui(ui, |ui| ui.label(RichText::new(label.at_least.to_string()).font(theme::strong_text())));
                let rarer = label.imbalance_ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.1} ×"));
                right_ui(ui, |ui| ui.label(rarer));
                let (rect, _) = ui.allocate_exact_size(vec2(160.0, 20.0), egui::Sense::hover());
                let bar = |count: usize| {
                    let mut bar = rect.shrink2(vec2(0.0, 6.0));
                    bar.set_width((rect.width() * count as f32 / most).max(1.0));
                    bar
                };
                ui.painter().rect_filled(bar(label.at_least), 3.0, accent.gamma_multiply(0.45));
                ui.painter().rect_filled(bar(label.with_copies), 3.0, accent);
                ui.end_row();
            }
        },
    );
}

fn right_ui(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> egui::Response) -> egui::Response {
    ui.with_layout(Layout::right_to_left(Align::Center), add).inner
}

fn time_text(plan: &TrainingPlan) -> String {
    seconds_text(plan.time.features_s + plan.time.epochs_s)
}

/// As exact as an estimate is.
fn seconds_text(seconds: f64) -> String {
    let rounded = match seconds {
        s if s < 60.0 => s.ceil().max(1.0),
        s if s < 3600.0 => (s / 60.0).ceil() * 60.0,
        s => (s / 600.0).ceil() * 600.0,
    };
    small::duration_text(Duration::from_secs_f64(rounded.min(1e12))).replace(" min 00 s", " min")
}

fn size_text(bytes: u64) -> String {
    match bytes {
        bytes if bytes < 1_000_000_000 => format!("{:.0} MB", (bytes as f64 / 1e6).ceil()),
        bytes => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_rounded_up_to_what_they_are_worth() {
        for (seconds, text) in
            [(0.2, "1 s"), (12.3, "13 s"), (61.0, "2 min"), (3599.0, "1 h 00 min"), (4000.0, "1 h 10 min")]
        {
            assert_eq!(seconds_text(seconds), text);
        }
        assert_eq!((size_text(1_500_000), size_text(2_340_000_000)), ("2 MB".to_owned(), "2.3 GB".to_owned()));
    }
}
