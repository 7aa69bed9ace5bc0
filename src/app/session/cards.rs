//! The cards of the board: one for each pile, with its number, name and menu, and the place for new ones.

use egui::{
    Align, Align2, Color32, CursorIcon, FontId, Layout, Painter, Rect, RichText, Sense, Stroke, StrokeKind, Ui,
    UiBuilder, vec2,
};

use super::board::Laid;
use super::layout::TITLE;
use super::state::{Drag, Drop, SessionState};
use crate::app::icons;
use crate::app::theme;
use crate::names;
use crate::sorting::{Board, Move, Pile};

#[allow(clippy::too_many_arguments)]
pub(super) fn card_ui(
    ui: &mut Ui,
    session: &mut SessionState,
    board: &Board,
    pile: &Pile,
    place: usize,
    rect: Rect,
    marked: bool,
    laid: &mut Laid,
) {
    let response = ui.interact(rect, egui::Id::unique(("pile", pile.id)), Sense::CLICK | Sense::DRAG | Sense::HOVER);
    let named = if pile.name.is_empty() { String::new() } else { format!(" “{}”", pile.name) };
    let name = format!("Group {}{named}, {}", place + 1, crate::engine::jobs::counted(pile.images.len(), "picture"));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Group, true, &name));
    let targets = session.targets();
    let elsewhere = !targets.is_empty() && !targets.iter().all(|image| pile.images.contains(image));
    if response.drag_started() && session.hand.drag.is_none() {
        session.hand.drag = Some(Drag::Pile(pile.id));
    }
    if response.clicked() {
        if session.hand.merging.is_some_and(|from| from != pile.id) {
            if let Some(from) = session.hand.merging.take() {
                session.make(Move::Merge { from, into: pile.id }, &mut laid.commands);
            }
        } else if elsewhere {
            session.place(targets, pile.id, &mut laid.commands);
        }
    }
    let hovered = response.hovered() && session.hand.drag.is_none();
    let fill = ui.visuals().widgets.inactive.weak_bg_fill;
    ui.painter().rect_filled(rect, 8.0, fill);
    if session.hand.merging == Some(pile.id) || session.screen.spread == Some(pile.id) {
        let line = Stroke::new(2.0, theme::accent(ui.visuals().dark_mode));
        ui.painter().rect_stroke(rect, 8.0, line, StrokeKind::Inside);
    } else if hovered && (elsewhere || session.hand.merging.is_some()) {
        ui.painter().rect_stroke(rect, 8.0, ui.visuals().widgets.hovered.bg_stroke, StrokeKind::Inside);
    }
    if pile.images.is_empty() {
        let (font, colour) = (FontId::proportional(14.0), ui.visuals().weak_text_color());
        ui.painter().text(rect.center() + vec2(0.0, TITLE / 2.0), Align2::CENTER_CENTER, "Empty", font, colour);
    }
    let title = Rect::from_min_size(rect.min + vec2(8.0, 4.0), vec2(rect.width() - 12.0, TITLE - 6.0));
    ui.scope_builder(UiBuilder::new().max_rect(title).layout(Layout::left_to_right(Align::Center)), |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        title_ui(ui, session, board, pile, place, marked, ui.rect_contains_pointer(rect), laid);
    });
    if hovered && elsewhere {
        // No words: they would cover the neighbours each time.
        response.on_hover_cursor(CursorIcon::PointingHand);
    }
}

#[allow(clippy::too_many_arguments)]
fn title_ui(
    ui: &mut Ui,
    session: &mut SessionState,
    board: &Board,
    pile: &Pile,
    place: usize,
    marked: bool,
    hovered: bool,
    laid: &mut Laid,
) {
    badge(ui, place + 1);
    if session.hand.renaming.as_ref().is_some_and(|renaming| renaming.pile == pile.id) {
        rename_ui(ui, session, laid);
        return;
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        let menu = egui::containers::menu::MenuButton::from_button(
            egui::Button::new(icons::MORE).frame(false).min_size(vec2(28.0, 28.0)),
        );
        let (response, _) = menu.ui(ui, |ui| menu_ui(ui, session, board, pile, place, laid));
        let name = format!("What can be done with group {}", place + 1);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, &name));
        if !pile.images.is_empty() {
            let spread = ui.add(egui::Button::new(icons::SPREAD).frame(false).min_size(vec2(28.0, 28.0)));
            let name = format!("Spread group {} out", place + 1);
            spread.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, &name));
            if spread.on_hover_text("Spread the group out (S)").clicked() {
                session.screen.spread = Some(pile.id);
                session.hand.cursor = pile.images.first().copied();
                session.hand.selected.clear();
            }
        }
        let colour = if marked { ui.visuals().warn_fg_color } else { ui.visuals().weak_text_color() };
        ui.label(RichText::new(pile.images.len().to_string()).color(colour));
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let text = if pile.name.is_empty() {
                // Only hinted at, as most groups need no name.
                let colour = if hovered { ui.visuals().weak_text_color() } else { Color32::TRANSPARENT };
                RichText::new("Name…").color(colour)
            } else {
                RichText::new(&pile.name).font(theme::strong_text())
            };
            let sense = if pile.given { Sense::hover() } else { Sense::CLICK | Sense::HOVER };
            let label = ui.add(egui::Label::new(text).truncate().sense(sense).selectable(false));
            if label.clicked() {
                session.begin_rename(Some(pile.id));
            }
            if pile.name.is_empty() {
                label.on_hover_text("Name the group, if you like (F2)");
            } else {
                label.on_hover_text(&pile.name);
            }
        });
    });
}

fn rename_ui(ui: &mut Ui, session: &mut SessionState, laid: &mut Laid) {
    let Some(renaming) = &mut session.hand.renaming else { return };
    let field = egui::TextEdit::singleline(&mut renaming.text)
        .char_limit(names::LONGEST)
        .hint_text("Name")
        .desired_width(ui.available_width() - 12.0);
    let response = ui.add(field);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, "Name of the group"));
    if std::mem::take(&mut renaming.focus) {
        response.request_focus();
    } else if response.lost_focus() {
        session.end_rename(true, &mut laid.commands);
    }
}

pub(super) fn badge(ui: &mut Ui, number: usize) {
    let text = number.to_string();
    let (rect, _) = ui.allocate_exact_size(vec2(22.0_f32.max(10.0 + 9.0 * text.len() as f32), 22.0), Sense::hover());
    let (ground, front) = (ui.visuals().text_color(), ui.visuals().panel_fill);
    ui.painter().rect_filled(rect, 6.0, ground);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, FontId::new(13.0, theme::bold()), front);
}

/// What can be done with a pile.
fn menu_ui(ui: &mut Ui, session: &mut SessionState, board: &Board, pile: &Pile, place: usize, laid: &mut Laid) {
    let item = |ui: &mut Ui, text: &str, keys: &str, enabled: bool| {
        let button = egui::Button::new(text).shortcut_text(keys).min_size(vec2(240.0, 28.0));
        ui.add_enabled(enabled, button).clicked()
    };
    let full = !pile.images.is_empty();
    if item(ui, "Name…", "F2", !pile.given) {
        session.begin_rename(Some(pile.id));
    }
    if item(ui, "Spread out", "S", full) {
        session.screen.spread = Some(pile.id);
    }
    if item(ui, "Put into another group…", "M", board.piles.len() > 1 && full) {
        session.begin_merge(Some(pile.id));
    }
    if item(ui, "Move forward", "[", place > 0) {
        session.make(Move::Reorder { pile: pile.id, to: place - 1 }, &mut laid.commands);
    }
    if item(ui, "Move back", "]", place + 1 < board.piles.len()) {
        session.make(Move::Reorder { pile: pile.id, to: place + 1 }, &mut laid.commands);
    }
    let text = if full { "Take apart" } else { "Remove" };
    if item(ui, text, "", full || !pile.given) {
        session.make(Move::TakeApart { pile: pile.id }, &mut laid.commands);
    }
}

pub(super) fn new_card_ui(ui: &mut Ui, session: &mut SessionState, rect: Rect, laid: &mut Laid) {
    let response = ui.interact(rect, egui::Id::unique("new pile"), Sense::CLICK | Sense::HOVER);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, "New group"));
    laid.drops.push((Drop::NewPile, rect.intersect(ui.clip_rect())));
    let hovered = response.hovered();
    let colour = if hovered { ui.visuals().text_color() } else { ui.visuals().weak_text_color() };
    dashed(ui.painter(), rect.shrink(1.0), Stroke::new(1.5, colour.gamma_multiply(0.7)));
    let font = FontId::proportional(15.0);
    let text = format!("{}  New group  (N)", icons::PLUS);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, font, colour);
    if response.clicked() {
        session.new_pile(session.targets(), &mut laid.commands);
    }
    response
        .on_hover_cursor(CursorIcon::PointingHand)
        .on_hover_text_at_pointer("Click, or drop pictures here, to make a new group of the chosen ones");
}

fn dashed(painter: &Painter, rect: Rect, stroke: Stroke) {
    let corners = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
    painter.extend(egui::Shape::dashed_line(&corners, stroke, 7.0, 6.0));
}
