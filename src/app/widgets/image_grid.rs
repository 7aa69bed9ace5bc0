//! A grid of pictures of which only the visible rows are drawn, with a selection and the keyboard.

use egui::{Align2, FontId, Rect, Sense, StrokeKind, Ui, Vec2, pos2, vec2};

use super::picture;
use crate::app::state::{GridShape, ProjectState, Selection};
use crate::app::textures::Textures;
use crate::app::theme;
use crate::engine::thumbnails::PictureSize;
use crate::ids::ImageId;

const GAP: f32 = 8.0;
const NAME_HEIGHT: f32 = 20.0;

/// What the person did in the grid.
#[derive(Debug, Default)]
pub struct GridOutcome {
    /// A picture was double-clicked.
    pub opened: Option<ImageId>,
    /// A new size of thumbnails was asked for with Ctrl and the wheel.
    pub scale: Option<f32>,
}

/// Draws `images` in the space there is.
#[allow(clippy::too_many_arguments)]
pub fn ui(
    ui: &mut Ui,
    id: &str,
    images: &[ImageId],
    project: &ProjectState,
    textures: &mut Textures,
    selection: &mut Selection,
    thumbnail_points: f32,
    scroll_to_cursor: &mut bool,
) -> GridOutcome {
    let mut outcome = GridOutcome::default();
    if images.is_empty() {
        return outcome;
    }
    let bar = ui.spacing().scroll.bar_width + 4.0;
    let width = (ui.available_width() - bar).max(thumbnail_points);
    let columns = (((width + GAP) / (thumbnail_points + GAP)).floor() as usize).max(1);
    let cell = vec2((width - GAP * (columns - 1) as f32) / columns as f32, thumbnail_points + NAME_HEIGHT);
    let rows = images.len().div_ceil(columns);
    let row_height = cell.y + GAP;
    let page_rows = ((ui.available_height() / row_height).floor() as usize).max(1);

    selection.shape = GridShape { columns, page_rows };
    let cursor_at = selection.cursor.and_then(|cursor| images.iter().position(|image| *image == cursor));

    // Ctrl and the wheel change the size; egui reports it as zoom.
    let pointer_inside = ui.rect_contains_pointer(ui.available_rect_before_wrap());
    let zoom = ui.input(|input| input.zoom_delta());
    if pointer_inside && (zoom - 1.0).abs() > 1e-3 {
        outcome.scale = Some(zoom);
    }

    egui::ScrollArea::vertical().id_salt(id).auto_shrink(false).show_viewport(ui, |ui, viewport| {
        ui.set_height((rows as f32 * row_height - GAP).max(0.0));
        ui.set_width(width);
        let origin = ui.min_rect().min;
        let place = |at: usize| {
            let (row, column) = (at / columns, at % columns);
            let corner = origin + vec2(column as f32 * (cell.x + GAP), row as f32 * row_height);
            Rect::from_min_size(corner, cell)
        };
        if std::mem::take(scroll_to_cursor)
            && let Some(at) = cursor_at
        {
            ui.scroll_to_rect_animation(place(at), None, egui::style::ScrollAnimation::none());
        }
        let first = ((viewport.min.y / row_height).floor().max(0.0) as usize).min(rows) * columns;
        let last = (((viewport.max.y / row_height).ceil().max(0.0) as usize).min(rows) * columns).min(images.len());
        for (at, image) in images.iter().enumerate().take(last).skip(first) {
            cell_ui(ui, place(at), *image, images, project, textures, selection, &mut outcome);
        }
    });
    outcome
}

#[allow(clippy::too_many_arguments)]
fn cell_ui(
    ui: &mut Ui,
    rect: Rect,
    id: ImageId,
    order: &[ImageId],
    project: &ProjectState,
    textures: &mut Textures,
    selection: &mut Selection,
    outcome: &mut GridOutcome,
) {
    let Some(image) = project.image(id) else { return };
    let response = ui.interact(rect, ui.scope_id().with(id), Sense::CLICK | Sense::HOVER);
    let selected = selection.images.contains(&id);
    response
        .widget_info(|| egui::WidgetInfo::selected(egui::accesskit::Role::ListItem, true, selected, image.file_name()));
    if response.clicked() {
        let modifiers = ui.input(|input| input.modifiers);
        if modifiers.command {
            selection.toggle(id);
        } else if modifiers.shift {
            selection.extend(id, order);
        } else {
            selection.only(id);
        }
        ui.memory_mut(|memory| memory.stop_text_input());
    }
    if response.double_clicked() {
        outcome.opened = Some(id);
    }

    let dark = ui.visuals().dark_mode;
    let picture_space = Rect::from_min_size(rect.min, vec2(rect.width(), rect.height() - NAME_HEIGHT));
    let ground = if selected { ui.visuals().selection.bg_fill } else { theme::picture_ground(dark) };
    ui.painter().rect_filled(picture_space, 4.0, ground);
    let problem = picture::paint(ui, picture_space.shrink(6.0), image, project, textures, PictureSize::Thumbnail);
    if image.set_aside.is_some() {
        let veil = theme::picture_ground(dark).gamma_multiply(0.6);
        ui.painter().rect_filled(picture_space.shrink(6.0), 2.0, veil);
    }
    if let Some(answers) = project.snapshot.answers.get(&id) {
        let yes = answers.values().filter(|yes| **yes).count();
        let corner = picture_space.right_bottom() - vec2(10.0, 10.0);
        let badge = Rect::from_center_size(corner - vec2(8.0, 6.0), vec2(24.0, 18.0));
        ui.painter().rect_filled(badge, 9.0, ui.visuals().panel_fill);
        let font = FontId::proportional(12.0);
        ui.painter().text(badge.center(), Align2::CENTER_CENTER, yes.to_string(), font, ui.visuals().text_color());
    }
    let accent = theme::accent(dark);
    if selection.cursor == Some(id) {
        ui.painter().rect_stroke(picture_space, 4.0, egui::Stroke::new(2.5, accent), StrokeKind::Inside);
    } else if selected {
        ui.painter().rect_stroke(picture_space, 4.0, egui::Stroke::new(1.5, accent), StrokeKind::Inside);
    } else if response.hovered() {
        let line = ui.visuals().widgets.hovered.bg_stroke;
        ui.painter().rect_stroke(picture_space, 4.0, line, StrokeKind::Inside);
    }
    let colour = if selected { ui.visuals().text_color() } else { ui.visuals().weak_text_color() };
    let mut job =
        egui::text::LayoutJob::simple_singleline(image.file_name().to_owned(), FontId::proportional(12.0), colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 4.0);
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let at = pos2(rect.center().x - galley.size().x / 2.0, rect.max.y - NAME_HEIGHT + 2.0);
    ui.painter().galley(at, galley, colour);
    if response.hovered() {
        let text = match (&problem, &image.set_aside) {
            (Some(problem), _) => format!("{}\nCannot be shown: {problem}", image.relative_path),
            (None, Some(reason)) => format!("{}\nSet aside: {reason}", image.relative_path),
            (None, None) => image.relative_path.clone(),
        };
        response.on_hover_text(text);
    }
}

/// Up to `rows` rows of thumbnails that fill the width, for overviews. Returns the picture clicked and how many are
/// shown.
pub fn strip_ui(
    ui: &mut Ui,
    images: &[ImageId],
    project: &ProjectState,
    textures: &mut Textures,
    picked: Option<ImageId>,
    height_points: f32,
    rows: usize,
) -> (Option<ImageId>, usize) {
    let gap = 4.0;
    let width = ui.available_width();
    let mut places: Vec<(ImageId, Rect)> = Vec::new();
    let (mut x, mut row) = (0.0, 0);
    for id in images {
        let Some(image) = project.image(*id) else { continue };
        let ratio = (image.width_px.max(1) as f32 / image.height_px.max(1) as f32).clamp(0.4, 2.5);
        let size = Vec2::new((height_points * ratio).round(), height_points);
        if x > 0.0 && x + size.x > width {
            (x, row) = (0.0, row + 1);
        }
        if row == rows {
            break;
        }
        places.push((*id, Rect::from_min_size(pos2(x, row as f32 * (height_points + gap)), size)));
        x += size.x + gap;
    }
    let used = places.last().map_or(height_points, |(_, place)| place.max.y);
    let (space, _) = ui.allocate_exact_size(vec2(width, used), Sense::hover());
    let mut clicked = None;
    for (id, place) in &places {
        let Some(image) = project.image(*id) else { continue };
        let rect = place.translate(space.min.to_vec2());
        let response = ui.interact(rect, ui.scope_id().with(("strip", id)), Sense::CLICK | Sense::HOVER);
        let selected = picked == Some(*id);
        response.widget_info(|| {
            egui::WidgetInfo::selected(egui::accesskit::Role::ListItem, true, selected, image.file_name())
        });
        picture::paint(ui, rect, image, project, textures, PictureSize::Thumbnail);
        if selected {
            let line = egui::Stroke::new(2.5, theme::accent(ui.visuals().dark_mode));
            ui.painter().rect_stroke(rect, 2.0, line, StrokeKind::Outside);
        } else if response.hovered() {
            ui.painter().rect_stroke(rect, 2.0, ui.visuals().widgets.hovered.bg_stroke, StrokeKind::Outside);
        }
        if response.clicked() {
            clicked = Some(*id);
        }
        response.on_hover_text(image.file_name());
    }
    (clicked, places.len())
}
