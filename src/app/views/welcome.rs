//! The first thing people see: make a project, open one, go on with a recent one, or try the demo.

use egui::{RichText, Ui, vec2};

use crate::app::commands::UiCommand;
use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::app::{Action, ViewContext, icons};
use crate::engine::command::ProjectCommand;

/// Draws the view.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    egui::CentralPanel::default().show(ui, |ui| {
        let height = ui.available_height();
        ui.vertical_centered(|ui| {
            ui.add_space((height * 0.5 - 280.0).max(2.0 * STEP));
            ui.label(RichText::new("Atmoscope").font(egui::FontId::new(38.0, theme::bold())));
            small::weak(ui, "Groups illustrations by their atmosphere");
            ui.add_space(4.0 * STEP);
            ui.allocate_ui_with_layout(vec2(520.0, 0.0), egui::Layout::top_down(egui::Align::Min), |ui| {
                if view.state.job.is_some() {
                    ui.vertical_centered(|ui| {
                        ui.add(egui::Spinner::new().size(32.0));
                        ui.label("At work; the status line below says what on.");
                        for line in view.state.train.log.iter().rev().take(4).rev() {
                            small::weak(ui, line);
                        }
                    });
                    return;
                }
                for command in [UiCommand::NewProject, UiCommand::OpenProject, UiCommand::OpenDemo] {
                    entry_ui(ui, view, command);
                }
                recent_ui(ui, view);
            });
        });
    });
}

fn entry_ui(ui: &mut Ui, view: &mut ViewContext<'_>, command: UiCommand) {
    let info = command.info();
    let (rect, response) = ui.allocate_exact_size(vec2(520.0, 64.0), egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, info.name));
    let visuals = ui.style().interact(&response);
    ui.painter().rect(rect, 8.0, visuals.weak_bg_fill, visuals.bg_stroke, egui::StrokeKind::Inside);
    if response.has_focus() {
        theme::focus_ring(ui.painter(), rect, 8.0, ui.visuals().dark_mode);
    }
    let accent = theme::accent(ui.visuals().dark_mode);
    let icon_at = rect.left_center() + vec2(34.0, 0.0);
    ui.painter().text(icon_at, egui::Align2::CENTER_CENTER, info.icon, egui::FontId::proportional(26.0), accent);
    let name_at = rect.left_top() + vec2(68.0, 10.0);
    let colour = ui.visuals().text_color();
    ui.painter().text(name_at, egui::Align2::LEFT_TOP, info.name, theme::strong_text(), colour);
    let mut job = egui::text::LayoutJob::simple_singleline(
        info.tooltip.to_owned(),
        egui::FontId::proportional(12.0),
        ui.visuals().weak_text_color(),
    );
    job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 84.0);
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    ui.painter().galley(rect.left_top() + vec2(68.0, 34.0), galley, colour);
    if response.on_hover_text(info.tooltip).clicked() {
        view.actions.push(Action::Ui(command));
    }
}

fn recent_ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    if view.preferences.recent.is_empty() {
        return;
    }
    ui.add_space(2.0 * STEP);
    small::title(ui, "Recent");
    let mut open = None;
    for folder in &view.preferences.recent {
        let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let there = crate::project::Project::exists(folder);
        ui.horizontal(|ui| {
            let button = egui::Button::new(format!("{}  {name}", icons::CLOCK)).frame_when_inactive(false);
            if ui.add_enabled(there, button).on_disabled_hover_text("It is no longer there").clicked() {
                open = Some(folder.clone());
            }
            let path = RichText::new(folder.display().to_string()).small().color(ui.visuals().weak_text_color());
            ui.add(egui::Label::new(path).truncate());
        });
    }
    if let Some(folder) = open {
        view.send(ProjectCommand::Open { folder, read_only: false });
    }
}
