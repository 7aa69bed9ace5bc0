//! The board: the tray with the picture at the cursor large, the piles as cards, and what is dragged between them.
//!
//! Each frame lays everything out first and collects where pictures are to lie and what would take a drop; then all
//! pictures are drawn, each on its way to its place.

use egui::{Align, Align2, FontId, Layout, Painter, Rect, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, pos2, vec2};

use super::cards::{badge, card_ui, new_card_ui};
use super::drag::drag_ui;
use super::layout::{self, GAP, TITLE};
use super::motion::{Area, Shown};
use super::state::{Drag, Drop, SessionState};
use crate::app::state::ProjectState;
use crate::app::textures::Textures;
use crate::app::theme::{self, STEP};
use crate::app::widgets::{picture, small};
use crate::app::{ViewContext, icons};
use crate::engine::Command;
use crate::engine::thumbnails::PictureSize;
use crate::ids::ImageId;
use crate::sorting::{Board, Pile};

/// Width of the tray at first: a share of the window, within these.
const TRAY: std::ops::RangeInclusive<f32> = 300.0..=440.0;
/// That share.
const TRAY_SHARE: f32 = 0.18;
/// Side of a picture's place in the tray at zoom 1.
const TRAY_PICTURE: f32 = 82.0;
/// Largest height of a picture on a card, by the card's width.
const CARD_PICTURE: f32 = 0.32;
/// Height of a picture in a pile that is spread out, at zoom 1.
const SPREAD_PICTURE: f32 = 168.0;
/// Height of the place for pictures left out.
const LEFT_OUT: f32 = 120.0;
/// Longer side of the picture at the cursor, in pixels.
pub const LARGE_PX: u32 = 1600;

/// What one frame lays out.
#[derive(Default)]
pub(super) struct Laid {
    pictures: Vec<LaidPicture>,
    pub drops: Vec<(Drop, Rect)>,
    pub commands: Vec<Command>,
}

struct LaidPicture {
    image: ImageId,
    area: Area,
    rect: Rect,
    clip: Rect,
    hovered: bool,
}

/// Draws the board.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>, session: &mut SessionState, project: &ProjectState) {
    let Some(board) = session.board().cloned() else { return };
    let mut laid = Laid::default();
    let (zoom, over) = ui.input(|input| (input.zoom_delta(), input.pointer.hover_pos().is_some()));
    if over && (zoom - 1.0).abs() > 1e-3 {
        session.scale(zoom);
    }
    let frame = egui::Frame::side_top_panel(ui.style()).inner_margin(egui::Margin::symmetric(12, 8));
    let width = (ui.available_width() * TRAY_SHARE).clamp(*TRAY.start(), *TRAY.end());
    egui::Panel::left("tray").frame(frame).default_size(width).size_range(220.0..=640.0).show(ui, |ui| {
        tray_ui(ui, view, session, project, &board, &mut laid);
    });
    egui::CentralPanel::default().show(ui, |ui| match session.screen.spread.and_then(|pile| board.pile(pile)) {
        Some(pile) => spread_ui(ui, session, project, &board, pile, &mut laid),
        None => board_ui(ui, session, project, &board, &mut laid),
    });
    session.screen.places = laid.pictures.iter().map(|laid| (laid.image, laid.rect)).collect();
    session.screen.scroll_to_cursor = false;
    pictures_ui(ui, view.textures, session, project, &laid);
    drag_ui(ui, view.textures, session, project, &board, &mut laid);
    view.actions.extend(laid.commands.into_iter().map(crate::app::Action::Engine));
}

fn tray_ui(
    ui: &mut Ui,
    view: &mut ViewContext<'_>,
    session: &mut SessionState,
    project: &ProjectState,
    board: &Board,
    laid: &mut Laid,
) {
    let whole = ui.max_rect();
    preview_ui(ui, view, session, project, board);
    let leave_out = session.log.sort.as_ref().is_some_and(|sort| sort.condition().leave_out);
    ui.horizontal(|ui| {
        small::title(ui, "Not in a group yet");
        small::weak(ui, board.tray.len().to_string());
    });
    let height = ui.available_height() - if leave_out { LEFT_OUT + GAP } else { 0.0 };
    let width = ui.available_width();
    let space = ui.allocate_exact_size(vec2(width, height.max(40.0)), Sense::hover()).0;
    laid.drops.push((
        Drop::Tray,
        if leave_out { Rect::from_min_max(whole.min, pos2(whole.max.x, space.max.y)) } else { whole },
    ));
    if board.tray.is_empty() {
        let text = format!("{}  Every picture has its place", icons::CHECK_CIRCLE);
        let (font, colour) = (FontId::proportional(14.0), ui.visuals().weak_text_color());
        ui.painter().text(space.center_top() + vec2(0.0, 40.0), Align2::CENTER_CENTER, text, font, colour);
    }
    ui.scope_builder(UiBuilder::new().max_rect(space), |ui| {
        egui::ScrollArea::vertical().id_salt("tray").auto_shrink(false).show_viewport(ui, |ui, _| {
            let bar = ui.spacing().scroll.bar_width + 2.0;
            let width = space.width() - bar;
            let side = (TRAY_PICTURE * session.screen.zoom).min(width);
            let columns = ((width / side).floor() as usize).max(1);
            let side = width / columns as f32;
            let rows = board.tray.len().div_ceil(columns);
            ui.set_height(rows as f32 * side);
            let origin = ui.min_rect().min;
            session.screen.motion.set_origin(Area::Tray, origin);
            for (at, image) in board.tray.iter().enumerate() {
                let corner = origin + vec2((at % columns) as f32 * side, (at / columns) as f32 * side);
                let cell = Rect::from_min_size(corner, Vec2::splat(side)).shrink(3.0);
                let Some(record) = project.image(*image) else { continue };
                lay(ui, session, laid, *image, Area::Tray, picture::fitted(record, cell));
            }
        });
    });
    if leave_out {
        ui.add_space(GAP - STEP);
        left_out_ui(ui, session, project, board, laid);
    }
}

/// The picture at the cursor, large.
fn preview_ui(
    ui: &mut Ui,
    view: &mut ViewContext<'_>,
    session: &mut SessionState,
    project: &ProjectState,
    board: &Board,
) {
    let width = ui.available_width();
    let height = (width * 0.86).min(ui.available_height() * 0.42);
    let (space, response) = ui.allocate_exact_size(vec2(width, height), Sense::CLICK | Sense::DRAG | Sense::HOVER);
    ui.painter().rect_filled(space, 6.0, theme::picture_ground(ui.visuals().dark_mode));
    let record = session.hand.cursor.and_then(|cursor| project.image(cursor));
    if let Some(image) = record {
        picture::paint(ui, space.shrink(6.0), image, project, view.textures, PictureSize::Large(LARGE_PX));
        let name = picture_name(session, board, image.id);
        response
            .widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, format!("Chosen: {name}")));
        if response.clicked() {
            session.screen.large = true;
        }
        if response.drag_started() {
            begin_drag(session, image.id);
        }
        response.on_hover_text("Look at it large (Space), or drag it to a group");
        let text = match session.hand.selected.len() {
            0 | 1 => name,
            chosen => format!("{chosen} pictures chosen"),
        };
        small::weak(ui, text);
    } else {
        small::weak(ui, "No picture is chosen");
    }
}

/// "Picture 12 of 120, in group 3".
pub fn picture_name(session: &SessionState, board: &Board, image: ImageId) -> String {
    let order = session.log.sort.as_ref().map_or(&[][..], |sort| sort.order());
    let number = order.iter().position(|known| *known == image).map_or(0, |at| at + 1);
    let place = board.pile_of(image).and_then(|pile| board.place_of(pile.id)).map(|place| place + 1);
    match place {
        Some(place) => format!("Picture {number} of {}, in group {place}", order.len()),
        None if board.left_out.contains(&image) => format!("Picture {number} of {}, left out", order.len()),
        None => format!("Picture {number} of {}", order.len()),
    }
}

fn left_out_ui(ui: &mut Ui, session: &mut SessionState, project: &ProjectState, board: &Board, laid: &mut Laid) {
    let space = ui.allocate_exact_size(vec2(ui.available_width(), LEFT_OUT), Sense::hover()).0;
    laid.drops.push((Drop::LeftOut, space));
    ui.painter().rect_filled(space, 6.0, ui.visuals().faint_bg_color);
    let weak = ui.visuals().weak_text_color();
    let text = format!("Left out  {}", board.left_out.len());
    ui.painter().text(space.min + vec2(8.0, 6.0), Align2::LEFT_TOP, text, FontId::proportional(12.0), weak);
    let inner = Rect::from_min_max(space.min + vec2(8.0, 26.0), space.max - Vec2::splat(8.0));
    session.screen.motion.set_origin(Area::LeftOut, inner.min);
    let ratios = ratios(project, &board.left_out);
    let packed = layout::pack(&ratios, inner.size(), 60.0);
    for (image, rect) in board.left_out.iter().zip(&packed.rects) {
        lay(ui, session, laid, *image, Area::LeftOut, rect.translate(inner.min.to_vec2()));
    }
}

fn ratios(project: &ProjectState, images: &[ImageId]) -> Vec<f32> {
    let ratio = |image: &ImageId| {
        let record = project.image(*image)?;
        Some((record.width_px.max(1) as f32 / record.height_px.max(1) as f32).clamp(0.4, 2.5))
    };
    images.iter().map(|image| ratio(image).unwrap_or(1.0)).collect()
}

fn board_ui(ui: &mut Ui, session: &mut SessionState, project: &ProjectState, board: &Board, laid: &mut Laid) {
    let own_groups = session.log.sort.as_ref().is_some_and(|sort| sort.condition().allows_own_groups());
    let space = ui.available_rect_before_wrap();
    let marked = session.marked_piles();
    egui::ScrollArea::vertical().id_salt("board").auto_shrink(false).show_viewport(ui, |ui, _| {
        let bar = ui.spacing().scroll.bar_width + 2.0;
        let cards =
            layout::cards(board.piles.len() + usize::from(own_groups), space.width() - bar, session.screen.zoom);
        ui.set_height(cards.height);
        let origin = ui.min_rect().min;
        session.screen.motion.set_origin(Area::Board, origin);
        let clip = ui.clip_rect();
        for (place, (pile, rect)) in board.piles.iter().zip(&cards.rects).enumerate() {
            let rect = rect.translate(origin.to_vec2());
            if rect.intersects(clip) {
                card_ui(ui, session, board, pile, place, rect, marked.contains(&pile.id), laid);
                laid.drops.push((Drop::OnPile(pile.id), rect.intersect(clip)));
            }
            let inner = Rect::from_min_max(rect.min + vec2(8.0, TITLE), rect.max - Vec2::splat(8.0));
            let packed = layout::pack(&ratios(project, &pile.images), inner.size(), CARD_PICTURE * rect.width());
            for (image, picture) in pile.images.iter().zip(&packed.rects) {
                lay(ui, session, laid, *image, Area::Board, picture.translate(inner.min.to_vec2()));
            }
            let hidden = pile.images.len() - packed.rects.len();
            if hidden > 0 && rect.intersects(clip) {
                let at = rect.right_bottom() - vec2(8.0, 4.0);
                let (font, colour) = (FontId::proportional(12.0), ui.visuals().weak_text_color());
                ui.painter().text(at, Align2::RIGHT_BOTTOM, format!("+{hidden}"), font, colour);
            }
        }
        if own_groups && let Some(rect) = cards.rects.last() {
            new_card_ui(ui, session, rect.translate(origin.to_vec2()), laid);
        }
        scroll_while_dragging(ui, session, clip);
    });
}

fn scroll_while_dragging(ui: &Ui, session: &SessionState, clip: Rect) {
    let Some(pointer) = ui.input(|input| input.pointer.hover_pos()).filter(|_| session.hand.drag.is_some()) else {
        return;
    };
    const EDGE: f32 = 40.0;
    let push = if pointer.x < clip.min.x || pointer.x > clip.max.x {
        0.0
    } else if pointer.y < clip.min.y + EDGE {
        EDGE + clip.min.y - pointer.y
    } else if pointer.y > clip.max.y - EDGE {
        clip.max.y - EDGE - pointer.y
    } else {
        0.0
    };
    if push != 0.0 {
        ui.scroll_with_delta(vec2(0.0, push.clamp(-EDGE, EDGE) * 0.3));
        ui.ctx().request_repaint();
    }
}

/// One pile over the whole board, the others as places to drop on above it.
fn spread_ui(
    ui: &mut Ui,
    session: &mut SessionState,
    project: &ProjectState,
    board: &Board,
    pile: &Pile,
    laid: &mut Laid,
) {
    let place = board.place_of(pile.id).unwrap_or(0);
    ui.horizontal(|ui| {
        let back = ui.add(egui::Button::new(format!("{}  All groups", icons::PREVIOUS)).min_size(vec2(28.0, 30.0)));
        if back.on_hover_text("Back to all groups (Esc)").clicked() {
            session.screen.spread = None;
        }
        badge(ui, place + 1);
        if !pile.name.is_empty() {
            small::title(ui, &pile.name);
        }
        small::weak(ui, crate::engine::jobs::counted(pile.images.len(), "picture"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let targets: Vec<ImageId> =
                session.targets().into_iter().filter(|image| pile.images.contains(image)).collect();
            let some = !targets.is_empty();
            let own = session.log.sort.as_ref().is_some_and(|sort| sort.condition().allows_own_groups());
            let take = ui.add_enabled(some, egui::Button::new("Take out").min_size(vec2(28.0, 30.0)));
            if take.on_hover_text("Take the chosen pictures out of the group (Delete)").clicked() {
                session.take_back(targets.clone(), &mut laid.commands);
            }
            let text = if targets.len() > 1 { format!("New group of {}", targets.len()) } else { "New group".into() };
            let split = ui.add_enabled(some && own, egui::Button::new(text).min_size(vec2(28.0, 30.0)));
            if split.on_hover_text("Make a new group of the chosen pictures (N)").clicked() {
                session.new_pile(targets, &mut laid.commands);
            }
        });
    });
    ui.add_space(STEP / 2.0);
    ui.horizontal_wrapped(|ui| {
        for (at, other) in board.piles.iter().enumerate().filter(|(_, other)| other.id != pile.id) {
            let name = if other.name.is_empty() { String::new() } else { format!("  {}", other.name) };
            let text = format!("{}{name}  ({})", at + 1, other.images.len());
            let chip = ui.add(egui::Button::new(text).min_size(vec2(44.0, 30.0)));
            laid.drops.push((Drop::OnPile(other.id), chip.rect));
            if chip.on_hover_text("Put the chosen pictures there, or drop some here").clicked() {
                session.place(session.targets(), other.id, &mut laid.commands);
            }
        }
    });
    ui.add_space(STEP / 2.0);
    let width = ui.available_width() - ui.spacing().scroll.bar_width - 2.0;
    egui::ScrollArea::vertical().id_salt("spread").auto_shrink(false).show_viewport(ui, |ui, _| {
        let packed = layout::rows(&ratios(project, &pile.images), width, SPREAD_PICTURE * session.screen.zoom);
        ui.set_height(packed.height);
        let origin = ui.min_rect().min;
        session.screen.motion.set_origin(Area::Spread, origin);
        for (image, rect) in pile.images.iter().zip(&packed.rects) {
            lay(ui, session, laid, *image, Area::Spread, rect.translate(origin.to_vec2()));
        }
    });
}

/// Drags a picture, and with it all that are chosen if it is one of them.
fn begin_drag(session: &mut SessionState, image: ImageId) {
    if session.hand.drag.is_some() {
        return;
    }
    if !session.hand.selected.contains(&image) {
        session.go_to(image, false);
        session.screen.scroll_to_cursor = false;
    }
    let mut images = session.targets();
    images.sort_by_key(|other| *other != image);
    session.hand.drag = Some(Drag::Pictures(images));
}

/// Lays a picture: it can be clicked and dragged there, and glides there.
fn lay(ui: &Ui, session: &mut SessionState, laid: &mut Laid, image: ImageId, area: Area, rect: Rect) {
    let clip = ui.clip_rect();
    if session.screen.scroll_to_cursor && session.hand.cursor == Some(image) {
        ui.scroll_to_rect_animation(rect.expand(GAP), None, egui::style::ScrollAnimation::none());
    }
    let mut hovered = false;
    if rect.intersects(clip) {
        let id = egui::Id::unique(("sorted picture", image));
        let response = ui.interact(rect, id, Sense::CLICK | Sense::DRAG | Sense::HOVER);
        let chosen = session.hand.selected.contains(&image) || session.hand.cursor == Some(image);
        response.widget_info(|| {
            let name = session.board().map_or_else(String::new, |board| picture_name(session, board, image));
            egui::WidgetInfo::selected(egui::accesskit::Role::ListItem, true, chosen, name)
        });
        hovered = response.hovered();
        if response.double_clicked() {
            session.go_to(image, false);
            session.screen.large = true;
        } else if response.clicked() {
            let modifiers = ui.input(|input| input.modifiers);
            if modifiers.command {
                session.toggle(image);
            } else {
                session.go_to(image, modifiers.shift);
            }
            session.screen.scroll_to_cursor = false;
        }
        if response.drag_started() {
            begin_drag(session, image);
        }
    }
    laid.pictures.push(LaidPicture { image, area, rect, clip, hovered });
}

/// Draws all pictures; those that cross from one area to another come last and over everything.
fn pictures_ui(ui: &Ui, textures: &mut Textures, session: &mut SessionState, project: &ProjectState, laid: &Laid) {
    let seconds = ui.input(|input| input.stable_dt);
    let dragged: &[ImageId] = match &session.hand.drag {
        Some(Drag::Pictures(images)) => images,
        _ => &[],
    };
    let dragged: std::collections::HashSet<ImageId> = dragged.iter().copied().collect();
    let accent = theme::accent(ui.visuals().dark_mode);
    let mut crossing: Vec<(ImageId, Shown)> = Vec::new();
    for picture in &laid.pictures {
        let shown = session.screen.motion.step(picture.image, picture.area, picture.rect, seconds);
        if shown.crossing {
            crossing.push((picture.image, shown));
            continue;
        }
        if !shown.rect.intersects(picture.clip) {
            continue;
        }
        let painter = ui.painter().with_clip_rect(picture.clip);
        let faded = dragged.contains(&picture.image);
        paint(ui, &painter, textures, project, picture.image, shown.rect, faded);
        let line = if session.hand.cursor == Some(picture.image) {
            Some(Stroke::new(3.0, accent))
        } else if session.hand.selected.contains(&picture.image) {
            Some(Stroke::new(2.0, accent))
        } else if picture.hovered && session.hand.drag.is_none() {
            Some(ui.visuals().widgets.hovered.bg_stroke)
        } else {
            None
        };
        if let Some(line) = line {
            painter.rect_stroke(shown.rect, 2.0, line, StrokeKind::Outside);
            if session.hand.selected.contains(&picture.image) {
                let corner = Rect::from_center_size(shown.rect.right_top() + vec2(-8.0, 8.0), Vec2::splat(14.0));
                painter.rect_filled(corner, 7.0, accent);
                let front = theme::text_on(accent);
                painter.text(corner.center(), Align2::CENTER_CENTER, icons::CHECK, FontId::proportional(10.0), front);
            }
        }
    }
    let painter = ui.painter().with_clip_rect(ui.ctx().content_rect());
    for (image, shown) in crossing {
        paint(ui, &painter, textures, project, image, shown.rect, false);
    }
    if session.screen.motion.take_moving() {
        ui.ctx().request_repaint();
    }
}

fn paint(
    ui: &Ui,
    painter: &Painter,
    textures: &mut Textures,
    project: &ProjectState,
    image: ImageId,
    rect: Rect,
    faded: bool,
) {
    let Some(record) = project.image(image) else { return };
    picture::paint_with(painter, ui.visuals(), rect, record, project, textures, PictureSize::Thumbnail);
    if faded {
        painter.rect_filled(rect, 2.0, ui.visuals().panel_fill.gamma_multiply(0.7));
    }
}
