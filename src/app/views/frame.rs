//! What is around every view: header with menus, rail, status line, problems, toasts.

use std::time::Duration;

use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Align, Align2, Layout, RichText, Sense, Ui, vec2};

use crate::app::commands::{BLOCKS, Section, UiCommand};
use crate::app::preferences::ThemeChoice;
use crate::app::state::{Toast, View};
use crate::app::theme::{self, STEP};
use crate::app::widgets::{small, who_pane};
use crate::app::{Action, ViewContext, icons};
use crate::engine::command::{AnnotationCommand, JobCommand, ProjectCommand};
use crate::wording::{counted, number, sentence};

/// Menus, the project's name, who annotates, undo and redo.
pub fn header_ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let frame = egui::Frame::side_top_panel(ui.style()).inner_margin(egui::Margin::symmetric(12, 6));
    egui::Panel::top("header").frame(frame).show(ui, |ui| {
        egui::MenuBar::new().ui(ui, |ui| {
            for section in Section::ALL {
                menu_ui(ui, view, section);
            }
            if let Some(project) = &view.state.project {
                ui.separator();
                small::title(ui, project.snapshot.name.clone())
                    .on_hover_text(project.snapshot.folder.display().to_string());
                if project.snapshot.read_only {
                    chip(ui, "read only", "Another Atmoscope writes to this project; nothing can be changed here.");
                }
                if let Some(remark) = &project.snapshot.data_remark {
                    chip(ui, "synthetic", remark);
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                small::icon_button_ui(ui, view.state, view.actions, UiCommand::CheatSheet);
                small::icon_button_ui(ui, view.state, view.actions, UiCommand::CommandPalette);
                if view.state.project.is_some() {
                    let (undo, redo) = view
                        .state
                        .project
                        .as_ref()
                        .map(|p| (p.snapshot.undo.clone(), p.snapshot.redo.clone()))
                        .unwrap_or_default();
                    let tip = |what: Option<String>| what.unwrap_or_else(|| "nothing".to_owned());
                    small::icon_button_ui(ui, view.state, view.actions, UiCommand::Redo)
                        .on_hover_text(format!("Redo: {}", tip(redo)));
                    small::icon_button_ui(ui, view.state, view.actions, UiCommand::Undo)
                        .on_hover_text(format!("Undo: {}", tip(undo)));
                    annotator_ui(ui, view);
                }
            });
        });
    });
}

fn menu_ui(ui: &mut Ui, view: &mut ViewContext<'_>, section: Section) {
    ui.menu_button(section.name(), |ui| {
        let blocks = BLOCKS.iter().filter(|block| block.section == section);
        let rows = blocks
            .enumerate()
            .flat_map(|(at, block)| block.rows.iter().enumerate().map(move |(first, row)| (row, at > 0 && first == 0)));
        for (info, is_set_apart) in rows {
            if is_set_apart {
                ui.separator();
            }
            let command = info.command;
            // As wide as an icon.
            let icon = if info.icon.is_empty() { "\u{2003}" } else { info.icon };
            let chosen = matches!(
                (command, view.preferences.theme),
                (UiCommand::ThemeLight, ThemeChoice::Light)
                    | (UiCommand::ThemeDark, ThemeChoice::Dark)
                    | (UiCommand::ThemeSystem, ThemeChoice::System)
            );
            let button = egui::Button::new(format!("{icon}  {}", info.name))
                .shortcut_text(command.shortcut_text().unwrap_or_default())
                .selected(chosen);
            let response = ui.add_enabled(command.is_enabled(view.state), button).on_hover_text(info.tooltip);
            if response.clicked() {
                view.actions.push(Action::Ui(command));
                ui.close();
            }
        }
    });
}

fn chip(ui: &mut Ui, text: &str, explanation: &str) {
    egui::Frame::new()
        .fill(ui.visuals().widgets.inactive.weak_bg_fill)
        .corner_radius(10)
        .inner_margin(egui::Margin::symmetric(8, 2))
        .show(ui, |ui| ui.label(RichText::new(text).small()))
        .response
        .on_hover_text(explanation);
}

fn annotator_ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let Some(project) = &view.state.project else { return };
    let present = project.snapshot.annotator.as_ref().map(|person| person.name.clone());
    let name = present.clone().unwrap_or_else(|| "Everybody".to_owned());
    let short: String =
        if name.chars().count() > 24 { name.chars().take(23).chain(['…']).collect() } else { name.clone() };
    let mut chosen = None;
    let config = MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
    let button = MenuButton::new(format!("{}  {short}", icons::USER)).config(config);
    let (response, _) = button.ui(ui, |ui| {
        ui.set_width(380.0);
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            small::title(ui, "Who annotates");
            small::weak(ui, "Labels on show and labels given are this person's.");
        });
        if let Some(who) = who_pane::choices_ui(ui, project, project.snapshot.annotator.as_ref()) {
            chosen = Some(who);
            ui.close();
        }
        small::weak(ui, who_pane::JOINED);
        ui.separator();
        let field = egui::TextEdit::singleline(&mut view.state.label.new_annotator)
            .hint_text("Somebody new")
            .margin(egui::Margin::symmetric(8, 6))
            .desired_width(f32::INFINITY);
        let response = small::field_ui(ui, field, "Name of a new annotator", &mut false);
        let entered = small::entered(ui, &response);
        let given = !view.state.label.new_annotator.trim().is_empty();
        if (ui.add_enabled(given, egui::Button::new("Add and label as them")).clicked() || entered) && given {
            chosen = Some(Some(std::mem::take(&mut view.state.label.new_annotator)));
            ui.close();
        }
    });
    let about = match &present {
        Some(name) => format!("Annotating: {name}"),
        None => {
            "Labels on show are what all annotators together say; who labels is asked at the first answer".to_owned()
        }
    };
    response.on_hover_text(about);
    match chosen {
        Some(Some(name)) => view.send(AnnotationCommand::ChooseAnnotator(name)),
        Some(None) => view.send(AnnotationCommand::ShowEverybody),
        None => {}
    }
}

/// The six views, at the left.
pub fn rail_ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let frame = egui::Frame::side_top_panel(ui.style()).inner_margin(egui::Margin::symmetric(8, 8));
    egui::Panel::left("rail").resizable(false).exact_size(84.0).frame(frame).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        for (which, command) in View::ALL.into_iter().zip([
            UiCommand::ShowLibrary,
            UiCommand::ShowLabel,
            UiCommand::ShowGroup,
            UiCommand::ShowTrain,
            UiCommand::ShowExplore,
            UiCommand::ShowReport,
        ]) {
            let info = command.info();
            let selected = view.state.view == which;
            let (rect, response) = ui.allocate_exact_size(vec2(68.0, 56.0), Sense::click());
            response.widget_info(|| egui::WidgetInfo::selected(egui::accesskit::Role::Tab, true, selected, info.name));
            let visuals = ui.visuals();
            let accent = theme::accent(visuals.dark_mode);
            let colour = if selected { accent } else { visuals.text_color() };
            let fill = if selected {
                visuals.widgets.inactive.weak_bg_fill
            } else if response.hovered() {
                visuals.faint_bg_color
            } else {
                egui::Color32::TRANSPARENT
            };
            ui.painter().rect_filled(rect, 8.0, fill);
            if response.has_focus() {
                theme::focus_ring(ui.painter(), rect, 8.0, visuals.dark_mode);
            }
            let icon_at = rect.center_top() + vec2(0.0, 21.0);
            ui.painter().text(icon_at, Align2::CENTER_CENTER, info.icon, egui::FontId::proportional(22.0), colour);
            let name_at = rect.center_bottom() - vec2(0.0, 12.0);
            ui.painter().text(name_at, Align2::CENTER_CENTER, info.name, egui::FontId::proportional(12.0), colour);
            let keys = command.shortcut_text().unwrap_or_default();
            if response.on_hover_text(format!("{}\n{keys}", info.tooltip)).clicked() {
                view.actions.push(Action::Ui(command));
            }
        }
    });
}

/// The job under way, or the project in numbers.
pub fn status_ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let frame = egui::Frame::side_top_panel(ui.style()).inner_margin(egui::Margin::symmetric(12, 4));
    egui::Panel::bottom("status").frame(frame).exact_size(38.0).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            match &view.state.job {
                Some(job) => {
                    let stage = job.progress.as_ref().map_or(String::new(), |progress| progress.stage.clone());
                    small::title(ui, &job.title);
                    ui.label(stage);
                    if let Some(progress) = &job.progress {
                        if let Some(total) = progress.total.filter(|total| *total > 0) {
                            let share = progress.done as f32 / total as f32;
                            ui.add(
                                egui::ProgressBar::new(share).desired_width(200.0).desired_height(8.0).animate(false),
                            );
                            ui.label(format!("{} of {}", number(progress.done), number(total)));
                        }
                        if job.paused {
                            small::weak(ui, "paused");
                        } else if let Some(remaining) = progress.remaining {
                            small::weak(ui, format!("{} left", small::duration_text(remaining)));
                        }
                    }
                    if job.progress.is_none() {
                        ui.add(egui::Spinner::new().size(16.0));
                        small::weak(ui, small::duration_text(job.started.elapsed()));
                        ui.ctx().request_repaint_after(Duration::from_secs(1));
                    }
                    if job.stopping {
                        small::weak(ui, "stopping…");
                    } else {
                        if job.paused {
                            small::command_button_ui(ui, view.state, view.actions, UiCommand::ContinueJob);
                        }
                        small::command_button_ui(ui, view.state, view.actions, UiCommand::StopJob);
                    }
                }
                None => {
                    if let Some(project) = &view.state.project {
                        let snapshot = &project.snapshot;
                        let aside = snapshot.images.iter().filter(|image| image.set_aside.is_some()).count();
                        let mut parts = vec![
                            counted(snapshot.images.len(), "picture"),
                            counted(snapshot.labels.len(), "label"),
                            project.answered_text(),
                        ];
                        if aside > 0 {
                            parts.push(format!("{} set aside", number(aside)));
                        }
                        small::weak(ui, parts.join("  ·  "));
                    } else {
                        small::weak(ui, "Everything stays on this computer.");
                    }
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let problems = view.state.problems.len();
                if problems > 0 {
                    let text =
                        RichText::new(format!("{}  {problems}", icons::WARNING)).color(ui.visuals().warn_fg_color);
                    if ui.button(text).on_hover_text("What went wrong").clicked() {
                        view.state.show_problems = !view.state.show_problems;
                    }
                }
                if let Some(project) = &view.state.project {
                    let rejected = project.snapshot.rejected_files.len();
                    if rejected > 0 {
                        small::weak(ui, counted(rejected, "file") + " not taken").on_hover_ui(|ui| {
                            for file in project.snapshot.rejected_files.iter().take(20) {
                                ui.label(format!("{}: {}", file.relative_path, file.reason));
                            }
                            if rejected > 20 {
                                ui.label(format!("… and {} more; `atmoscope status` lists all", rejected - 20));
                            }
                        });
                    }
                }
            });
        });
    });
}

/// Bad news that stays until it is closed: problems, files left out, a project in use elsewhere.
pub fn problems_ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    if let Some((folder, notice)) = view.state.busy.clone() {
        egui::Panel::bottom("busy").show(ui, |ui| {
            ui.add_space(STEP);
            ui.horizontal(|ui| {
                ui.label(RichText::new(icons::WARNING).color(ui.visuals().warn_fg_color).size(18.0));
                ui.label(&notice.message);
                if ui.button("Open for reading only").clicked() {
                    view.send(ProjectCommand::Open { folder: folder.clone(), read_only: true });
                    view.state.busy = None;
                }
                if ui.button("Try again").clicked() {
                    view.send(ProjectCommand::Open { folder, read_only: false });
                    view.state.busy = None;
                }
                if ui.button("Close").clicked() {
                    view.state.busy = None;
                }
            });
            ui.add_space(STEP);
        });
    }
    if let Some(end) = &view.state.job_end {
        let mut close = false;
        let mut again = None;
        let idle = view.state.job.is_none();
        egui::Panel::bottom("job end").show(ui, |ui| {
            ui.add_space(STEP);
            ui.horizontal(|ui| {
                ui.label(RichText::new(icons::INFO).size(18.0));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    close |= ui.button("Close").clicked();
                    if ui.button(format!("{}  Copy list", icons::COPY)).clicked() {
                        ui.ctx().copy_text(end.details.join("\n"));
                    }
                    for offer in end.offers.iter().rev() {
                        if ui.add_enabled(idle, egui::Button::new(&offer.name)).clicked() {
                            again = Some(offer.request.clone());
                        }
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let text = RichText::new(&end.summary).font(theme::strong_text());
                        ui.add(egui::Label::new(text).truncate()).on_hover_text(&end.summary);
                    });
                });
            });
            lines_ui(ui, "job end details", &end.details);
            ui.add_space(STEP);
        });
        if let Some(request) = again {
            view.send(JobCommand::Import(request));
            close = true;
        }
        if close {
            view.state.job_end = None;
        }
    }
    if view.state.show_problems && !view.state.problems.is_empty() {
        let mut clear = false;
        egui::Panel::bottom("problems").show(ui, |ui| {
            ui.add_space(STEP);
            ui.horizontal(|ui| {
                ui.label(RichText::new(icons::WARNING).color(ui.visuals().error_fg_color).size(18.0));
                small::title(ui, "What went wrong");
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    clear |= ui.button("Clear").on_hover_text("Close and forget these messages").clicked();
                });
            });
            egui::ScrollArea::vertical().max_height(160.0).id_salt("problem list").show(ui, |ui| {
                for notice in view.state.problems.iter().rev() {
                    ui.label(sentence(&notice.message));
                    if let Some(hint) = &notice.hint {
                        small::weak(ui, format!("{}  {}", icons::NEXT, sentence(hint)));
                    }
                }
            });
            ui.add_space(STEP);
        });
        if clear {
            view.state.problems.clear();
            view.state.show_problems = false;
        }
    }
}

fn lines_ui(ui: &mut Ui, id: &str, lines: &[String]) {
    let height = ui.text_style_height(&egui::TextStyle::Body);
    egui::ScrollArea::vertical().id_salt(id).max_height(140.0).auto_shrink([false, true]).show_rows(
        ui,
        height,
        lines.len(),
        |ui, rows| {
            for line in &lines[rows] {
                ui.add(egui::Label::new(line).truncate());
            }
        },
    );
}

/// Good news, below in the middle for some seconds, where neither labels nor buttons are.
pub fn toast_ui(context: &egui::Context, view: &mut ViewContext<'_>) {
    if view.state.toast.as_ref().is_some_and(|toast| toast.since.elapsed() >= Toast::SHOWN) {
        view.state.toast = None;
    }
    let Some(toast) = &view.state.toast else { return };
    context.request_repaint_after(Duration::from_millis(250));
    egui::Area::new(egui::Id::unique("toast"))
        .anchor(Align2::CENTER_BOTTOM, vec2(0.0, -52.0))
        .interactable(false)
        .show(context, |ui| {
            egui::Frame::window(ui.style()).inner_margin(egui::Margin::symmetric(14, 10)).show(ui, |ui| {
                ui.set_max_width(460.0);
                ui.horizontal(|ui| {
                    let accent = theme::accent(ui.visuals().dark_mode);
                    ui.label(RichText::new(icons::CHECK_CIRCLE).color(accent).size(18.0));
                    ui.add(egui::Label::new(toast.said()).wrap());
                });
            });
        });
}

/// Asks whoever closes the window while a job is at work.
pub fn quit_ui(context: &egui::Context, view: &mut ViewContext<'_>) {
    if !view.state.ask_before_quitting {
        return;
    }
    let title = view.state.job.as_ref().map_or_else(String::new, |job| job.title.clone());
    egui::Modal::new(egui::Id::unique("quit")).show(context, |ui| {
        ui.set_width(420.0);
        ui.heading(format!("{title} is at work"));
        small::weak(ui, "What is done so far is kept; a training run can be resumed later.");
        ui.add_space(STEP);
        ui.horizontal(|ui| {
            let stay = egui::Button::new("Go on").min_size(vec2(120.0, 32.0));
            if ui.add(stay).on_hover_text("Esc").clicked() {
                view.state.ask_before_quitting = false;
            }
            let stop = egui::Button::new("Stop, keep and quit").min_size(vec2(120.0, 32.0));
            if ui.add(stop).clicked() {
                view.state.ask_before_quitting = false;
                view.state.quitting = true;
                view.actions.push(Action::Ui(UiCommand::StopJob));
            }
        });
    });
}
