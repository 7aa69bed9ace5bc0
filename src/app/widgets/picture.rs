//! One picture, fitted into a rectangle.

use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Ui, Vec2, Visuals, pos2};

use crate::app::icons;
use crate::app::state::ProjectState;
use crate::app::textures::{Shown, Textures};
use crate::engine::thumbnails::PictureSize;
use crate::project::ImageRecord;

/// The largest rectangle with the picture's proportions inside `space`, centred.
pub fn fitted(image: &ImageRecord, space: Rect) -> Rect {
    let size = Vec2::new(image.width_px.max(1) as f32, image.height_px.max(1) as f32);
    let scale = (space.width() / size.x).min(space.height() / size.y);
    Rect::from_center_size(space.center(), size * scale)
}

/// Draws a picture into `space`: in the wanted size if it is there, else its thumbnail, else a grey place of the same
/// proportions, so that nothing jumps when it arrives. Returns why it cannot be shown, if so.
pub fn paint(
    ui: &Ui,
    space: Rect,
    image: &ImageRecord,
    project: &ProjectState,
    textures: &mut Textures,
    size: PictureSize,
) -> Option<String> {
    paint_with(ui.painter(), ui.visuals(), space, image, project, textures, size)
}

/// The same with any painter, such as one that draws over everything.
pub fn paint_with(
    painter: &Painter,
    visuals: &Visuals,
    space: Rect,
    image: &ImageRecord,
    project: &ProjectState,
    textures: &mut Textures,
    size: PictureSize,
) -> Option<String> {
    let rect = fitted(image, space);
    let mut shown = textures.get(image, || project.path(image), size);
    if matches!(shown, Shown::Waiting) && size != PictureSize::Thumbnail {
        shown = textures.get(image, || project.path(image), PictureSize::Thumbnail);
    }
    match shown {
        Shown::Ready(texture) => {
            let whole = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
            painter.image(texture.id(), rect, whole, Color32::WHITE);
            None
        }
        Shown::Waiting => {
            painter.rect_filled(rect, 2.0, visuals.widgets.inactive.weak_bg_fill);
            None
        }
        Shown::Broken(reason) => {
            painter.rect_filled(rect, 2.0, visuals.widgets.inactive.weak_bg_fill);
            let icon = FontId::proportional((rect.height() * 0.3).clamp(16.0, 48.0));
            let colour = visuals.text_color();
            painter.text(rect.center(), Align2::CENTER_CENTER, icons::IMAGE_BROKEN, icon, colour);
            Some(reason)
        }
    }
}
