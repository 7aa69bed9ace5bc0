//! Above the board: the task, how much is left, what still breaks the rules, and the few buttons a rater needs.

use std::time::Duration;

use egui::{Align, Layout, RichText, Sense, Ui, vec2};

use super::state::SessionState;
use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::app::{Action, ViewContext, icons};
use crate::sorting::Standing;
use crate::wording::sentence;

/// How long a remark is shown.
const REMARK: Duration = Duration::from_secs(5);

/// Draws it.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>, session: &mut SessionState) {
    let Some(standing) = session.standing() else { return };
    let frame = egui::Frame::side_top_panel(ui.style()).inner_margin(egui::Margin::symmetric(16, 8));
    egui::Panel::top("session header").frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_height(68.0);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                buttons_ui(ui, view, session, &standing);
                ui.add_space(STEP);
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.y = 4.0;
                    task_ui(ui, session);
                    standing_ui(ui, session, &standing);
                });
            });
        });
    });
}

fn task_ui(ui: &mut Ui, session: &SessionState) {
    let Some(sort) = &session.log.sort else { return };
    let number = match session.session.tasks.len() {
        1 => String::new(),
        all => format!("Part {} of {all}:  ", session.session.task_number()),
    };
    let text = RichText::new(format!("{number}{}", sort.condition().task())).font(theme::strong_text());
    // At most two lines, whole on hover.
    let mut job = egui::WidgetText::from(text).into_layout_job(ui.style(), egui::FontSelection::Default, Align::Min);
    let job = std::sync::Arc::make_mut(&mut job);
    job.wrap = egui::text::TextWrapping { max_width: ui.available_width(), max_rows: 2, ..Default::default() };
    ui.label(job.clone()).on_hover_text(sort.condition().task());
}

fn standing_ui(ui: &mut Ui, session: &mut SessionState, standing: &Standing) {
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        let all = (standing.placed + standing.left).max(1);
        let (rect, response) = ui.allocate_exact_size(vec2(140.0, 8.0), Sense::hover());
        let name = format!("{} of {all} pictures have their place", standing.placed);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::ProgressIndicator, true, &name));
        ui.painter().rect_filled(rect, 4.0, ui.visuals().widgets.inactive.weak_bg_fill);
        let mut done = rect;
        done.set_width(rect.width() * standing.placed as f32 / all as f32);
        ui.painter().rect_filled(done, 4.0, theme::accent(ui.visuals().dark_mode));
        small::weak(ui, format!("{} of {all}", standing.placed));
        saved_ui(ui, session);
        if !session.hand.typed.is_empty() || session.hand.merging.is_some() {
            typed_ui(ui, session);
        } else if let Some((text, since)) = &session.screen.remark
            && since.elapsed() < REMARK
        {
            let left = REMARK.saturating_sub(since.elapsed());
            ui.ctx().request_repaint_after(left);
            ui.label(RichText::new(format!("{}  {text}", icons::INFO)));
        } else if standing.is_complete() {
            ui.label(RichText::new(format!("{}  Ready to submit", icons::CHECK_CIRCLE)));
        } else {
            let words: Vec<String> = standing.breaches.iter().map(|breach| breach.words()).collect();
            let text = RichText::new(sentence(&words.join("  ·  ")));
            ui.add(egui::Label::new(text).truncate()).on_hover_text("What is still missing");
        }
    });
}

fn typed_ui(ui: &mut Ui, session: &SessionState) {
    let text = match session.hand.merging.and_then(|pile| session.board()?.place_of(pile)) {
        Some(place) => format!(
            "Put group {} into which group?  Type its number or click it: {}_   (Esc to keep it)",
            place + 1,
            session.hand.typed
        ),
        None => format!("Group {}_   then Enter, or another digit", session.hand.typed),
    };
    ui.label(RichText::new(text).color(theme::accent(ui.visuals().dark_mode)));
}

fn saved_ui(ui: &mut Ui, session: &SessionState) {
    let saved = session.is_saved();
    let text = if saved { format!("{}  Saved", icons::CHECK) } else { "Saving…".to_owned() };
    // The place is as wide for both, so that nothing jumps.
    ui.allocate_ui_with_layout(vec2(70.0, 20.0), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(70.0);
        small::weak(ui, text).on_hover_text("Every move is saved at once. You can stop at any time and go on later.");
    });
}

fn buttons_ui(ui: &mut Ui, view: &mut ViewContext<'_>, session: &mut SessionState, standing: &Standing) {
    let mut commands = Vec::new();
    let fill = theme::accent(ui.visuals().dark_mode);
    let ready = standing.is_complete();
    let text = RichText::new("Submit").family(theme::bold());
    let text = if ready { text.color(theme::text_on(fill)) } else { text };
    let button = egui::Button::new(text).min_size(vec2(92.0, 40.0));
    let response = ui.add_enabled(ready, if ready { button.fill(fill) } else { button });
    let words: Vec<String> = standing.breaches.iter().map(|breach| breach.words()).collect();
    let missing = format!("Still missing: {}", words.join("; "));
    if response.on_hover_text("Hand in your groups (Ctrl Enter)").on_disabled_hover_text(missing).clicked() {
        session.ask_to_submit();
    }
    if ui
        .add(egui::Button::new(format!("{}  Pause", icons::PAUSE)).min_size(vec2(28.0, 40.0)))
        .on_hover_text("Stop for now; everything is saved and you go on where you are (Ctrl P)")
        .clicked()
    {
        session.pause(&mut commands);
    }
    ui.separator();
    let (can_undo, can_redo) =
        session.log.sort.as_ref().map_or((false, false), |sort| (sort.can_undo(), sort.can_redo()));
    let icon = |ui: &mut Ui, icon: &str, name: &str, tip: &str, enabled: bool| {
        let button = egui::Button::new(RichText::new(icon).size(18.0)).min_size(vec2(34.0, 34.0)).frame(false);
        let response = ui.add_enabled(enabled, button);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, enabled, name));
        response.on_hover_text(tip).clicked()
    };
    if icon(ui, icons::HELP, "Help", "How it is done, and the keys (?)", true) {
        session.screen.help = true;
    }
    if icon(ui, icons::PLUS, "Larger", "Larger pictures (Ctrl +)", true) {
        session.scale(1.2);
    }
    if icon(ui, icons::MINUS, "Smaller", "Smaller pictures (Ctrl -)", true) {
        session.scale(1.0 / 1.2);
    }
    if icon(ui, icons::REDO, "Redo", "Redo (Ctrl Shift Z)", can_redo) {
        session.step_back(true, &mut commands);
    }
    if icon(ui, icons::UNDO, "Undo", "Undo (Ctrl Z)", can_undo) {
        session.step_back(false, &mut commands);
    }
    view.actions.extend(commands.into_iter().map(Action::Engine));
}
