//! What is shown before, between and after sorts: the introduction, the pause, the end; and what lies over the board:
//! a picture large, the keys, the question whether to submit.

use egui::{Align, Align2, Color32, FontId, Layout, Painter, Rect, RichText, Sense, Stroke, Ui, Vec2, pos2, vec2};

use super::board::{LARGE_PX, picture_name};
use super::keys;
use super::state::{Page, SessionState};
use crate::app::state::ProjectState;
use crate::app::theme::{self, STEP};
use crate::app::widgets::{picture, small};
use crate::app::{ViewContext, icons};
use crate::engine::command::SessionCommand;
use crate::engine::jobs::counted;
use crate::engine::thumbnails::PictureSize;

/// A page in the middle of the window.
fn page_ui(ui: &mut Ui, width: f32, content: impl FnOnce(&mut Ui)) {
    egui::CentralPanel::default().show(ui, |ui| {
        let height = ui.available_height();
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let margin = ((ui.available_width() - width) / 2.0).max(0.0);
            ui.horizontal(|ui| {
                ui.add_space(margin);
                ui.vertical(|ui| {
                    ui.set_width(width.min(ui.available_width()));
                    ui.add_space((height * 0.12).min(120.0));
                    content(ui);
                });
            });
        });
    });
}

fn primary(ui: &mut Ui, text: &str) -> egui::Response {
    let fill = theme::accent(ui.visuals().dark_mode);
    let text = RichText::new(text).color(theme::text_on(fill)).family(theme::bold()).size(15.0);
    ui.add(egui::Button::new(text).fill(fill).min_size(vec2(140.0, 44.0)))
}

/// What the next sort is about, and the first time how it is done.
pub fn introduction_ui(ui: &mut Ui, view: &mut ViewContext<'_>, session: &mut SessionState) {
    let Some(sort) = session.log.sort.clone() else { return };
    page_ui(ui, 860.0, |ui| {
        let parts = session.session.tasks.len();
        if parts > 1 {
            small::weak(ui, format!("Part {} of {parts}", session.session.task_number()));
        }
        ui.heading(if session.screen.explain {
            format!("Welcome, {}", session.session.rater.name)
        } else {
            format!("Next, {}", session.session.rater.name)
        });
        ui.add_space(STEP);
        ui.label(RichText::new(sort.condition().task()).size(17.0));
        let again = session.session.current.as_ref().is_some_and(|current| current.task.occasion > 1);
        let what = if again {
            format!(
                "You saw these {} before. Sort them by what you feel today.",
                counted(sort.order().len(), "picture")
            )
        } else {
            format!(
                "There are {}. Go by the feeling each gives you: there is no right and no wrong.",
                counted(sort.order().len(), "picture")
            )
        };
        ui.label(RichText::new(what).size(15.0).color(ui.visuals().weak_text_color()));
        if session.screen.explain {
            ui.add_space(STEP * 2.0);
            how_ui(ui, sort.condition().allows_own_groups());
        }
        ui.add_space(STEP * 3.0);
        ui.horizontal(|ui| {
            let begin = primary(ui, "Begin");
            // Enter begins, wherever the keyboard is.
            let entered = ui.input(|input| input.key_pressed(egui::Key::Enter));
            if begin.clicked() || entered {
                session.screen.page = Page::Board;
                session.screen.scroll_to_cursor = true;
            }
            back_ui(ui, view, session);
            if !session.screen.explain && ui.button("How it is done").clicked() {
                session.screen.explain = true;
            }
        });
    });
}

/// The way back to the project, unless the window was opened for the rater alone.
fn back_ui(ui: &mut Ui, view: &mut ViewContext<'_>, session: &SessionState) {
    if !session.screen.alone
        && ui
            .add(egui::Button::new("Back to the project").min_size(vec2(28.0, 44.0)))
            .on_hover_text("For the researcher: leave this rater's session")
            .clicked()
    {
        view.state.leave_session = true;
    }
}

/// Draws into a rectangle with the colours of lines, grounds and what moves.
type Drawing = fn(&Painter, Rect, [Color32; 3]);

/// Drawings of how pictures are sorted.
fn how_ui(ui: &mut Ui, own_groups: bool) {
    let width = (ui.available_width() - STEP * 4.0) / 3.0;
    let drawings: [(&str, &str, Drawing); 3] = [
        (
            "Look, and sort",
            "Drag a picture to the group whose atmosphere it shares. Or click the group, or press its number.",
            draw_sorting,
        ),
        (
            "Make groups",
            "Drop it on “New group”, or press N. Names are up to you: most people need none.",
            draw_new_group,
        ),
        (
            "Change your mind",
            "Move pictures as often as you like, look at them large, spread a group out, undo. All is saved at once.",
            draw_changing,
        ),
    ];
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = STEP * 2.0;
        // Where all groups are given, nobody need be told how to make one.
        let told = drawings.into_iter().enumerate().filter(|(at, _)| own_groups || *at != 1);
        for (number, (_, (title, text, draw))) in told.enumerate() {
            ui.vertical(|ui| {
                ui.set_width(width);
                let (space, _) = ui.allocate_exact_size(vec2(width, 150.0), Sense::hover());
                ui.painter().rect_filled(space, 8.0, ui.visuals().faint_bg_color);
                let colours = [ui.visuals().weak_text_color(), ui.visuals().widgets.inactive.weak_bg_fill, accent(ui)];
                draw(ui.painter(), space.shrink(16.0), colours);
                small::title(ui, format!("{}  {title}", number + 1));
                ui.label(text);
            });
        }
    });
}

fn accent(ui: &Ui) -> Color32 {
    theme::accent(ui.visuals().dark_mode)
}

/// A small picture: a frame with a hill and a sun.
fn draw_picture(painter: &Painter, centre: egui::Pos2, size: f32, line: Color32, ground: Color32) {
    let rect = Rect::from_center_size(centre, vec2(size, size * 0.8));
    painter.rect_filled(rect, 3.0, ground);
    painter.rect_stroke(rect, 3.0, Stroke::new(1.5, line), egui::StrokeKind::Inside);
    let hill = [
        rect.left_bottom() + vec2(3.0, -4.0),
        rect.left_bottom() + vec2(size * 0.38, -size * 0.36),
        rect.right_bottom() + vec2(-3.0, -4.0),
    ];
    painter.line(hill.to_vec(), Stroke::new(1.5, line));
    painter.circle_stroke(rect.right_top() + vec2(-size * 0.26, size * 0.24), size * 0.09, Stroke::new(1.5, line));
}

fn draw_group(painter: &Painter, rect: Rect, pictures: usize, number: &str, colours: [Color32; 3]) {
    let [line, ground, _] = colours;
    painter.rect_filled(rect, 5.0, ground);
    painter.text(rect.min + vec2(6.0, 3.0), Align2::LEFT_TOP, number, FontId::new(12.0, theme::bold()), line);
    for at in 0..pictures {
        let centre = pos2(rect.min.x + 18.0 + 26.0 * at as f32, rect.max.y - 16.0);
        draw_picture(painter, centre, 22.0, line, ground);
    }
}

fn arrow(painter: &Painter, from: egui::Pos2, to: egui::Pos2, colour: Color32) {
    let stroke = Stroke::new(2.5, colour);
    let back = (from - to).normalized() * 9.0;
    painter.line_segment([from, to], stroke);
    for side in [back + back.rot90() * 0.7, back - back.rot90() * 0.7] {
        painter.line_segment([to, to + side], stroke);
    }
}

fn draw_sorting(painter: &Painter, rect: Rect, colours: [Color32; 3]) {
    let [line, ground, accent] = colours;
    let picture = pos2(rect.min.x + 34.0, rect.center().y);
    draw_picture(painter, picture, 60.0, line, ground);
    let x = rect.min.x + rect.width() * 0.52;
    let upper = Rect::from_min_max(pos2(x, rect.min.y), pos2(rect.max.x, rect.center().y - 6.0));
    let lower = Rect::from_min_max(pos2(x, rect.center().y + 6.0), rect.max);
    draw_group(painter, upper, 3, "1", colours);
    draw_group(painter, lower, 2, "2", colours);
    arrow(painter, picture + vec2(36.0, -6.0), upper.left_center() + vec2(-4.0, 6.0), accent);
}

fn draw_new_group(painter: &Painter, rect: Rect, colours: [Color32; 3]) {
    let [line, ground, accent] = colours;
    let picture = pos2(rect.min.x + 34.0, rect.center().y);
    draw_picture(painter, picture, 60.0, line, ground);
    let group =
        Rect::from_min_max(pos2(rect.min.x + rect.width() * 0.52, rect.min.y + 24.0), rect.max - vec2(0.0, 24.0));
    let corners = [group.left_top(), group.right_top(), group.right_bottom(), group.left_bottom(), group.left_top()];
    painter.extend(egui::Shape::dashed_line(&corners, Stroke::new(1.5, line), 6.0, 5.0));
    painter.text(group.center(), Align2::CENTER_CENTER, icons::PLUS, FontId::proportional(22.0), line);
    arrow(painter, picture + vec2(36.0, 0.0), group.left_center() + vec2(-4.0, 0.0), accent);
}

fn draw_changing(painter: &Painter, rect: Rect, colours: [Color32; 3]) {
    let [_, _, accent] = colours;
    let width = rect.width() * 0.42;
    let left = Rect::from_min_size(rect.min + vec2(0.0, 34.0), vec2(width, rect.height() - 34.0));
    let right = Rect::from_min_size(pos2(rect.max.x - width, left.min.y), left.size());
    draw_group(painter, left, 2, "1", colours);
    draw_group(painter, right, 3, "2", colours);
    arrow(painter, left.center_top() + vec2(0.0, -12.0), right.center_top() + vec2(0.0, -12.0), accent);
}

/// The rater pauses.
pub fn paused_ui(ui: &mut Ui, view: &mut ViewContext<'_>, session: &mut SessionState) {
    page_ui(ui, 560.0, |ui| {
        ui.heading("Paused");
        ui.add_space(STEP);
        let saved = if session.is_saved() { "Everything is saved." } else { "Saving…" };
        ui.label(RichText::new(saved).size(15.0));
        let text = "You can close the window now and go on at any time, even days later, with the same picture.";
        ui.label(RichText::new(text).size(15.0));
        ui.add_space(STEP * 3.0);
        ui.horizontal(|ui| {
            if primary(ui, "Go on").clicked() || ui.input(|input| input.key_pressed(egui::Key::Enter)) {
                view.send(SessionCommand::Open(session.session.study, session.session.rater.id));
                session.screen.page = Page::Board;
                session.screen.scroll_to_cursor = true;
            }
            back_ui(ui, view, session);
        });
    });
}

/// Everything is submitted.
pub fn finished_ui(ui: &mut Ui, view: &mut ViewContext<'_>, session: &mut SessionState) {
    page_ui(ui, 560.0, |ui| {
        ui.label(RichText::new(icons::CHECK_CIRCLE).size(48.0).color(accent(ui)));
        ui.heading(format!("Thank you, {}", session.session.rater.name));
        ui.add_space(STEP);
        ui.label(RichText::new("Your groups are handed in. You can close the window.").size(15.0));
        ui.add_space(STEP * 2.0);
        for (task, progress) in session.session.tasks.clone() {
            let Some(sort) = &progress.sort else { continue };
            ui.horizontal(|ui| {
                let again = if task.occasion > 1 { ", again" } else { "" };
                ui.label(format!("{}{again}", task.condition.task()));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let button = ui.button("Change it…");
                    let tip = "Begin a new version with your groups as they are; the one handed in is kept";
                    if button.on_hover_text(tip).clicked() {
                        view.send(SessionCommand::NewVersion(sort.id));
                    }
                });
            });
        }
        ui.add_space(STEP * 2.0);
        ui.horizontal(|ui| back_ui(ui, view, session));
    });
}

/// The picture at the cursor over the whole window.
pub fn large_ui(
    context: &egui::Context,
    view: &mut ViewContext<'_>,
    session: &mut SessionState,
    project: &ProjectState,
) {
    if !session.screen.large {
        return;
    }
    let Some(image) = session.hand.cursor.and_then(|cursor| project.image(cursor)).cloned() else { return };
    let Some(board) = session.board().cloned() else { return };
    let screen = context.content_rect();
    let area = egui::Area::new(egui::Id::unique("large picture")).order(egui::Order::Foreground).fixed_pos(screen.min);
    let response = area.show(context, |ui| {
        let (space, response) = ui.allocate_exact_size(screen.size(), Sense::CLICK | Sense::HOVER);
        let name = picture_name(session, &board, image.id);
        response
            .widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, format!("{name}, large")));
        let ground = theme::picture_ground(ui.visuals().dark_mode);
        ui.painter().rect_filled(space, 0.0, ground);
        let mut inner = space.shrink(24.0);
        inner.max.y -= 24.0;
        picture::paint(ui, inner, &image, project, view.textures, PictureSize::Large(LARGE_PX));
        let text = format!("{name}   ·   a group's number puts it there, arrows go on, Esc or a click closes");
        let at = space.center_bottom() - vec2(0.0, 22.0);
        let colour = ui.visuals().text_color();
        ui.painter().text(at, Align2::CENTER_CENTER, text, FontId::proportional(14.0), colour);
        response
    });
    if response.inner.clicked() {
        session.screen.large = false;
    }
}

/// How it is done, and the keys.
pub fn help_ui(context: &egui::Context, session: &mut SessionState) {
    if !session.screen.help {
        return;
    }
    let own_groups = session.log.sort.as_ref().is_none_or(|sort| sort.condition().allows_own_groups());
    let response = egui::Modal::new(egui::Id::unique("sorting help")).show(context, |ui| {
        ui.set_width(860.0_f32.min(context.content_rect().width() - 80.0));
        ui.heading("How it is done");
        ui.add_space(STEP);
        egui::ScrollArea::vertical().max_height(context.content_rect().height() - 180.0).show(ui, |ui| {
            how_ui(ui, own_groups);
            ui.add_space(STEP * 2.0);
            small::title(ui, "Keys, for those who like them");
            egui::Grid::new("sorting keys").num_columns(2).spacing(vec2(24.0, 6.0)).show(ui, |ui| {
                for row in keys::ROWS {
                    small::weak(ui, row.shown);
                    ui.label(row.what);
                    ui.end_row();
                }
            });
        });
        ui.add_space(STEP);
        ui.add(egui::Button::new("Close").min_size(Vec2::new(92.0, 34.0))).clicked()
    });
    if response.inner || response.should_close() {
        session.screen.help = false;
    }
}

/// Asks whether to submit.
pub fn confirm_ui(context: &egui::Context, view: &mut ViewContext<'_>, session: &mut SessionState) {
    if !session.screen.confirming {
        return;
    }
    let Some(standing) = session.standing() else { return };
    let response = egui::Modal::new(egui::Id::unique("submit")).show(context, |ui| {
        ui.set_width(420.0);
        ui.heading("Hand in your groups?");
        ui.add_space(STEP);
        let left_out = session.board().map_or(0, |board| board.left_out.len());
        let out = if left_out > 0 { format!(", {left_out} left out") } else { String::new() };
        let pictures = counted(standing.placed - left_out, "picture");
        ui.label(format!("{pictures} in {}{out}.", counted(standing.groups, "group")));
        ui.label("They stay as they are then. You can still begin a new version later.");
        ui.add_space(STEP * 2.0);
        ui.horizontal(|ui| {
            let yes = primary(ui, "Hand in").clicked() || ui.input(|input| input.key_pressed(egui::Key::Enter));
            let no = ui.add(egui::Button::new("Not yet").min_size(vec2(92.0, 44.0))).clicked();
            (yes, no)
        })
        .inner
    });
    let (yes, no) = response.inner;
    if yes && let Some(id) = session.sort_id() {
        view.send(SessionCommand::Submit(id));
    }
    if yes || no || response.should_close() {
        session.screen.confirming = false;
    }
}
