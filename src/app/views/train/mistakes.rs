//! The pictures that a run got most wrong for a label, worst first, in the part that is chosen.

use egui::{Align, Align2, FontId, Layout, Rect, RichText, ScrollArea, Sense, StrokeKind, Ui, pos2, vec2};

use super::labels::LabelRow;
use crate::app::commands::UiCommand;
use crate::app::state::{ProjectState, View};
use crate::app::theme::{self, STEP};
use crate::app::widgets::{picture, small};
use crate::app::{Action, ViewContext, icons};
use crate::dataset::Part;
use crate::engine::command::JobCommand;
use crate::engine::jobs::cluster::ClusteredPart;
use crate::engine::jobs::counted;
use crate::engine::jobs::predictions::RunPredictions;
use crate::engine::thumbnails::PictureSize;
use crate::ids::{ImageId, RunId};

const THUMBNAIL_POINTS: f32 = 104.0;
const CAPTION_POINTS: f32 = 18.0;
/// Most pictures of one kind; the worst of a large set are enough to see what went wrong.
const MOST: usize = 60;

/// Draws the pane beside the table.
pub fn ui(
    ui: &mut Ui,
    view: &mut ViewContext<'_>,
    project: &ProjectState,
    run: RunId,
    predictions: Option<&RunPredictions>,
    chosen: Option<&LabelRow>,
) {
    let Some(row) = chosen else {
        small::weak(ui, "Choose a label to see the pictures the run got most wrong.");
        return;
    };
    ui.horizontal(|ui| {
        small::title(ui, &row.name);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let train = &mut view.state.train;
            small::choice_ui(ui, "Part of the pictures", part_text(train.mistakes.part), 96.0, |ui| {
                for part in Part::ALL {
                    ui.selectable_value(&mut train.mistakes.part, part, part_text(part));
                }
            });
        });
    });
    if view.state.train.live == Some(run) {
        small::weak(ui, "A run's intensities are stored when it ends; then its mistakes can be looked at here.");
        return;
    }
    let Some(predictions) = predictions else {
        small::weak(ui, "Looking for them…");
        return;
    };
    if predictions.pictures.is_empty() {
        small::weak(ui, "This run was stopped before its network was asked about every picture.");
        let idle = view.state.job.is_none() && !project.snapshot.read_only;
        if ui.add_enabled(idle, egui::Button::new("Make its label intensities")).clicked() {
            view.send(JobCommand::ComputeIntensities(run, ClusteredPart::All));
        }
        return;
    }
    let part = view.state.train.mistakes.part;
    let mistakes = predictions.mistakes(row.label, part, row.threshold);
    ScrollArea::vertical().id_salt("mistakes").auto_shrink(false).show(ui, |ui| {
        kind_ui(
            ui,
            view,
            project,
            &format!("Missed: {} of {} that have it", mistakes.missed.len(), mistakes.with_label),
            &format!(
                "They have “{}” and stand below its threshold {:.2}; the lowest intensity first",
                row.name, row.threshold
            ),
            &mistakes.missed,
        );
        ui.add_space(STEP);
        kind_ui(
            ui,
            view,
            project,
            &format!("False alarms: {} of {} that do not have it", mistakes.false_alarms.len(), mistakes.without_label),
            &format!(
                "They stand at or above the threshold {:.2} without the label; the highest intensity first",
                row.threshold
            ),
            &mistakes.false_alarms,
        );
    });
}

fn part_text(part: Part) -> &'static str {
    match part {
        Part::Train => "Train",
        Part::Validation => "Validation",
        Part::Test => "Test",
    }
}

fn kind_ui(
    ui: &mut Ui,
    view: &mut ViewContext<'_>,
    project: &ProjectState,
    title: &str,
    explanation: &str,
    pictures: &[(ImageId, f32)],
) {
    ui.label(title).on_hover_text(explanation);
    if pictures.is_empty() {
        small::weak(ui, "None.");
        return;
    }
    let gap = STEP;
    let columns = (((ui.available_width() + gap) / (THUMBNAIL_POINTS + gap)).floor() as usize).max(1);
    let shown = pictures.len().min(MOST);
    let rows = shown.div_ceil(columns);
    let row_height = THUMBNAIL_POINTS + CAPTION_POINTS + gap;
    let (space, _) = ui.allocate_exact_size(vec2(ui.available_width(), rows as f32 * row_height - gap), Sense::hover());
    for (at, (id, intensity)) in pictures.iter().take(shown).enumerate() {
        let corner =
            space.min + vec2((at % columns) as f32 * (THUMBNAIL_POINTS + gap), (at / columns) as f32 * row_height);
        let place = Rect::from_min_size(corner, vec2(THUMBNAIL_POINTS, THUMBNAIL_POINTS + CAPTION_POINTS));
        if !ui.is_rect_visible(place) {
            continue;
        }
        thumbnail_ui(ui, view, project, title, place, *id, *intensity);
    }
    if pictures.len() > shown {
        small::weak(ui, format!("and {} that are less wrong", counted(pictures.len() - shown, "picture")));
    }
}

fn thumbnail_ui(
    ui: &mut Ui,
    view: &mut ViewContext<'_>,
    project: &ProjectState,
    kind: &str,
    place: Rect,
    id: ImageId,
    intensity: f32,
) {
    let Some(image) = project.image(id) else { return };
    let response = ui.interact(place, ui.scope_id().with((kind, id)), Sense::CLICK | Sense::HOVER);
    response.widget_info(|| {
        let name = format!("{}, intensity {intensity:.2}", image.file_name());
        egui::WidgetInfo::labeled(egui::accesskit::Role::ListItem, true, name)
    });
    let ground = Rect::from_min_size(place.min, vec2(THUMBNAIL_POINTS, THUMBNAIL_POINTS));
    let dark = ui.visuals().dark_mode;
    ui.painter().rect_filled(ground, 4.0, theme::picture_ground(dark));
    picture::paint(ui, ground.shrink(4.0), image, project, view.textures, PictureSize::Thumbnail);
    if response.has_focus() {
        let line = egui::Stroke::new(2.5, theme::accent(dark));
        ui.painter().rect_stroke(ground, 4.0, line, StrokeKind::Inside);
    } else if response.hovered() {
        ui.painter().rect_stroke(ground, 4.0, ui.visuals().widgets.hovered.bg_stroke, StrokeKind::Inside);
    }
    let colour = ui.visuals().weak_text_color();
    let at = pos2(place.center().x, place.max.y - 1.0);
    ui.painter().text(at, Align2::CENTER_BOTTOM, format!("{intensity:.2}"), FontId::proportional(12.0), colour);
    let tooltip = format!("{}\nIntensity {intensity:.3}", image.relative_path);
    if response.on_hover_text(tooltip).clicked() {
        view.state.train.mistakes.picked = Some(id);
    }
}

/// One of them, as large as the page.
pub fn large_ui(
    ui: &mut Ui,
    view: &mut ViewContext<'_>,
    project: &ProjectState,
    predictions: Option<&RunPredictions>,
    row: &LabelRow,
    picked: ImageId,
) {
    ui.horizontal(|ui| {
        if ui.button(format!("{}  {}", icons::PREVIOUS, row.name)).on_hover_text("Back (Esc)").clicked() {
            view.state.train.mistakes.picked = None;
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let button = egui::Button::new(format!("{}  Show in Library", icons::LIBRARY));
            if ui.add(button).on_hover_text("Select it in the Library, where its labels can be mended").clicked() {
                view.state.library.show_alone(picked, project);
                view.state.view = View::Library;
                view.actions.push(Action::Ui(UiCommand::ShowLibrary));
            }
        });
    });
    let Some(image) = project.image(picked) else { return };
    let known = predictions.and_then(|run| run.pictures.iter().find(|picture| picture.image == picked));
    let height = (ui.available_height() - 72.0).max(120.0);
    let (space, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, format!("Picture {}", image.file_name()))
    });
    picture::paint(ui, space, image, project, view.textures, PictureSize::Large(1600));
    ui.add(egui::Label::new(RichText::new(image.file_name()).font(theme::strong_text())).truncate());
    if let Some(known) = known {
        let has = if known.answers.get(row.label) == Some(&true) { "has it" } else { "does not have it" };
        let intensity = known.intensities.get(row.label).copied().unwrap_or(f32::NAN);
        small::weak(
            ui,
            format!(
                "{has}  ·  intensity {intensity:.3}  ·  threshold {:.2}  ·  {} part",
                row.threshold,
                known.part.name()
            ),
        )
        .on_hover_text("What people say of the label, and what the run's best epoch makes of it");
    }
}
