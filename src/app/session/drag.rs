//! What is dragged: drawn below the pointer, with a mark where it would fall, until the button is released.

use egui::{
    Align2, Color32, CornerRadius, CursorIcon, FontId, Painter, Pos2, Rect, Stroke, StrokeKind, Ui, Vec2, pos2, vec2,
};

use super::board::Laid;
use super::layout::GAP;
use super::state::{Drag, Drop, SessionState};
use crate::app::state::ProjectState;
use crate::app::textures::Textures;
use crate::app::theme;
use crate::app::widgets::picture;
use crate::engine::thumbnails::PictureSize;
use crate::ids::ImageId;
use crate::sorting::Board;

/// Draws what is dragged below the pointer, marks where it would fall, and lets it fall when the button is released.
pub(super) fn drag_ui(
    ui: &Ui,
    textures: &mut Textures,
    session: &mut SessionState,
    project: &ProjectState,
    board: &Board,
    laid: &mut Laid,
) {
    let Some(drag) = session.hand.drag.clone() else { return };
    let (pointer, released, down) =
        ui.input(|input| (input.pointer.interact_pos(), input.pointer.any_released(), input.pointer.any_down()));
    let Some(pointer) = pointer else { return };
    ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    let found = laid.drops.iter().find(|(_, rect)| rect.contains(pointer)).copied();
    let target = found.map(|(drop, rect)| (for_drag(&drag, drop, rect, pointer, board), rect));
    let accent = theme::accent(ui.visuals().dark_mode);
    let over = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("dragged")));
    if let Some((drop, rect)) = target {
        match drop {
            Drop::Before(place) => {
                let left = board.piles.get(place).is_some_and(|pile| Some(Drop::OnPile(pile.id)) == found.map(|f| f.0));
                let x = if left { rect.min.x - GAP / 2.0 } else { rect.max.x + GAP / 2.0 };
                over.line_segment([pos2(x, rect.min.y), pos2(x, rect.max.y)], Stroke::new(4.0, accent));
            }
            Drop::OnPile(pile) if drag == Drag::Pile(pile) => {}
            Drop::LeftOut if matches!(drag, Drag::Pile(_)) => {}
            _ => {
                over.rect_stroke(rect, 8.0, Stroke::new(2.5, accent), StrokeKind::Inside);
            }
        }
    }
    match &drag {
        Drag::Pictures(images) => stack(ui, &over, textures, session, project, images, pointer),
        Drag::Pile(pile) => {
            let place = board.place_of(*pile).unwrap_or(0);
            let merges = matches!(target, Some((Drop::OnPile(other), _)) if other != *pile);
            let mut text = format!("Group {}", place + 1);
            if merges {
                text.push_str(" – put them together");
            } else if matches!(target, Some((Drop::Tray, _))) {
                text.push_str(" – take it apart");
            }
            note(ui, &over, &text, pointer);
        }
    }
    if released || !down {
        match target {
            Some((drop, _)) => session.drop_at(drop, pointer, &mut laid.commands),
            None => session.hand.drag = None,
        }
    }
    ui.ctx().request_repaint();
}

/// What a drop means for what is dragged: the sides of a card are places between piles for a pile.
fn for_drag(drag: &Drag, drop: Drop, rect: Rect, pointer: Pos2, board: &Board) -> Drop {
    let (Drag::Pile(_), Drop::OnPile(pile)) = (drag, drop) else { return drop };
    let Some(place) = board.place_of(pile) else { return drop };
    let across = (pointer.x - rect.min.x) / rect.width().max(1.0);
    match across {
        across if across < 0.25 => Drop::Before(place),
        across if across > 0.75 => Drop::Before(place + 1),
        _ => drop,
    }
}

/// A few of the dragged pictures on top of each other, with their number.
fn stack(
    ui: &Ui,
    over: &Painter,
    textures: &mut Textures,
    session: &SessionState,
    project: &ProjectState,
    images: &[ImageId],
    pointer: Pos2,
) {
    for (at, image) in images.iter().take(4).enumerate().rev() {
        let Some(record) = project.image(*image) else { continue };
        let size = session.screen.motion.shown(*image).map_or(Vec2::splat(80.0), |rect| rect.size());
        let scale = (96.0 / size.max_elem().max(1.0)).min(1.3);
        let space = Rect::from_center_size(pointer + Vec2::splat(at as f32 * 7.0), size * scale);
        let rect = picture::fitted(record, space);
        over.rect_filled(rect.expand(2.0), CornerRadius::same(3), ui.visuals().panel_fill);
        picture::paint_with(over, ui.visuals(), rect, record, project, textures, PictureSize::Thumbnail);
    }
    if images.len() > 1 {
        let accent = theme::accent(ui.visuals().dark_mode);
        let circle = Rect::from_center_size(pointer + vec2(-44.0, -44.0), Vec2::splat(28.0));
        over.rect_filled(circle, 14.0, accent);
        let font = FontId::new(13.0, theme::bold());
        over.text(circle.center(), Align2::CENTER_CENTER, images.len().to_string(), font, theme::text_on(accent));
    }
}

fn note(ui: &Ui, over: &Painter, text: &str, pointer: Pos2) {
    let galley = over.layout_no_wrap(text.to_owned(), FontId::proportional(14.0), ui.visuals().text_color());
    let rect = Rect::from_min_size(pointer + vec2(14.0, 10.0), galley.size() + vec2(20.0, 12.0));
    over.rect_filled(rect, 6.0, ui.visuals().window_fill);
    over.rect_stroke(rect, 6.0, ui.visuals().window_stroke, StrokeKind::Inside);
    over.galley(rect.min + vec2(10.0, 6.0), galley, Color32::PLACEHOLDER);
}
