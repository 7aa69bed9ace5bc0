//! The studies with their raters and how far each is.

use egui::{Align, Layout, RichText, Sense, Ui, vec2};

use crate::app::commands::UiCommand;
use crate::app::state::{NewStudyForm, PathQuestion, ProjectState};
use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::app::{ViewContext, icons, paths};
use crate::engine::command::{SessionCommand, StudyCommand};
use crate::engine::jobs::counted;
use crate::project::{StudyRater, StudyRecord, TaskProgress};

const WHAT: &str = "In a study, raters sort pictures into groups of one atmosphere: each on a board of their own, in an \
                    own order, blind to labels, clusters and one another. You choose the pictures and the rules.";
/// Width of a rater's name.
const NAME: f32 = 200.0;
/// Width of a task's progress.
const TASK: f32 = 190.0;

/// Draws the page.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    let studies = &project.snapshot.studies;
    egui::CentralPanel::default().show(ui, |ui| {
        if studies.is_empty() {
            let text = if project.snapshot.images.is_empty() { "Import pictures first. Then: " } else { "" };
            small::empty_ui(ui, icons::GROUP, "No studies yet", &format!("{text}{WHAT}"), |ui| {
                if !project.snapshot.images.is_empty() && !project.snapshot.read_only {
                    let fill = theme::accent(ui.visuals().dark_mode);
                    let text = RichText::new(format!("{}  New study…", icons::PLUS));
                    let text = text.color(theme::text_on(fill)).family(theme::bold());
                    if ui.add(egui::Button::new(text).fill(fill).min_size(vec2(28.0, 34.0))).clicked() {
                        view.state.group.form = Some(NewStudyForm::new(project));
                    }
                } else {
                    small::primary_button_ui(ui, view.state, view.actions, UiCommand::ImportPictures);
                }
            });
            return;
        }
        ui.horizontal(|ui| {
            ui.heading("Studies");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let button = egui::Button::new(format!("{}  New study…", icons::PLUS)).min_size(vec2(28.0, 30.0));
                if ui.add_enabled(!project.snapshot.read_only, button).clicked() {
                    view.state.group.form = Some(NewStudyForm::new(project));
                }
            });
        });
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for study in studies.iter().rev() {
                study_ui(ui, view, project, study);
                ui.add_space(STEP * 2.0);
            }
        });
    });
}

fn study_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, study: &StudyRecord) {
    let writable = !project.snapshot.read_only;
    ui.separator();
    ui.horizontal(|ui| {
        ui.label(RichText::new(&study.name).font(egui::FontId::new(17.0, theme::bold())));
        let order = if study.task_order == crate::project::TaskOrder::Rotated { "  ·  rotated" } else { "" };
        let closed = if study.closed_at.is_some() { "  ·  closed" } else { "" };
        small::weak(
            ui,
            format!("{}  ·  made {}{order}{closed}", counted(study.images, "picture"), day(&study.created_at)),
        )
        .on_hover_text(format!("Seed {}: the raters' own orders of the pictures come from it", study.seed));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let closed = study.closed_at.is_some();
            let (text, tip) = if closed {
                ("Open again", "Let raters go on")
            } else {
                ("Close study", "Raters can no longer go on; what they did is kept. You can open it again.")
            };
            if ui.add_enabled(writable, egui::Button::new(text)).on_hover_text(tip).clicked() {
                view.send(StudyCommand::SetClosed(study.id, !closed));
            }
            let log = ui.button("Export log…");
            if log.on_hover_text("Write every move of every rater with its time, as JSON lines").clicked() {
                view.state.group.log_of = Some(study.id);
                view.state.path_question = Some(PathQuestion::new(&paths::EXPORT_MOVE_LOG));
            }
        });
    });
    for task in &study.tasks {
        let again =
            if task.occasion > 1 { format!(", again with {}", counted(task.images, "picture")) } else { String::new() };
        small::weak(ui, format!("Condition {}{again}: {}", task.condition.name, task.condition.task()));
    }
    ui.add_space(STEP / 2.0);
    header_ui(ui, study);
    for rater in &study.raters {
        rater_ui(ui, view, study, rater, writable);
    }
    add_rater_ui(ui, view, project, study);
}

fn header_ui(ui: &mut Ui, study: &StudyRecord) {
    ui.horizontal(|ui| {
        cell(ui, NAME, |ui| {
            small::weak(ui, "Rater");
        });
        for task in &study.tasks {
            let again = if task.occasion > 1 { ", again" } else { "" };
            cell(ui, TASK, |ui| {
                small::weak(ui, format!("Condition {}{again}", task.condition.name));
            });
        }
    });
}

fn cell(ui: &mut Ui, width: f32, content: impl FnOnce(&mut Ui)) {
    ui.allocate_ui_with_layout(vec2(width, 30.0), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.set_max_width(width);
        content(ui);
    });
}

fn rater_ui(ui: &mut Ui, view: &mut ViewContext<'_>, study: &StudyRecord, rater: &StudyRater, writable: bool) {
    ui.horizontal(|ui| {
        cell(ui, NAME, |ui| {
            let text = RichText::new(&rater.person.name);
            let text = if rater.removed { text.color(ui.visuals().weak_text_color()).strikethrough() } else { text };
            let last = rater.progress.iter().filter_map(|task| task.sort.as_ref()?.last_at.as_deref()).max();
            let tip = last.map_or_else(|| "Not begun yet".to_owned(), |at| format!("Last move {}", moment(at)));
            ui.add(egui::Label::new(text).truncate()).on_hover_text(tip);
        });
        for task in &study.tasks {
            let progress = rater.progress.iter().find(|progress| progress.task == task.id);
            cell(ui, TASK, |ui| progress_ui(ui, progress, task.images));
        }
        let open = writable && !rater.removed && study.closed_at.is_none();
        let button = egui::Button::new(format!("{}  Open session", icons::PLAY)).min_size(vec2(28.0, 28.0));
        let tip = "Fill the window with this rater's board: nothing of labels, clusters or other raters can be seen";
        if ui.add_enabled(open, button).on_hover_text(tip).clicked() {
            view.send(SessionCommand::Open(study.id, rater.person.id));
        }
        let menu = egui::containers::menu::MenuButton::from_button(
            egui::Button::new(icons::MORE).frame(false).min_size(vec2(28.0, 28.0)),
        );
        let (response, _) = menu.ui(ui, |ui| more_ui(ui, view, study, rater, writable));
        let name = format!("More about {}", rater.person.name);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, &name));
    });
}

fn progress_ui(ui: &mut Ui, progress: Option<&TaskProgress>, images: usize) {
    let Some(sort) = progress.and_then(|progress| progress.sort.as_ref()) else {
        small::weak(ui, "not begun");
        return;
    };
    let version = if sort.version > 1 { format!(", version {}", sort.version) } else { String::new() };
    let moves = counted(sort.moves, "move");
    if let Some(at) = &sort.submitted_at {
        ui.label(format!("{}  handed in{version}", icons::CHECK_CIRCLE))
            .on_hover_text(format!("{}, {moves}", moment(at)));
        return;
    }
    let (rect, _) = ui.allocate_exact_size(vec2(84.0, 8.0), Sense::hover());
    ui.painter().rect_filled(rect, 4.0, ui.visuals().widgets.inactive.weak_bg_fill);
    let mut done = rect;
    done.set_width(rect.width() * sort.placed as f32 / images.max(1) as f32);
    ui.painter().rect_filled(done, 4.0, theme::accent(ui.visuals().dark_mode));
    ui.label(format!("{} of {images}", sort.placed)).on_hover_text(format!("{moves}{version}"));
}

fn more_ui(ui: &mut Ui, view: &mut ViewContext<'_>, study: &StudyRecord, rater: &StudyRater, writable: bool) {
    let wide = |text: &str| egui::Button::new(text.to_owned()).min_size(vec2(280.0, 28.0));
    let copy = ui.add(wide("Copy the end of the link"));
    if copy.on_hover_text("What `atmoscope serve` puts behind its address for this rater").clicked() {
        ui.ctx().copy_text(format!("/r/{}/", rater.secret));
        view.state.toast("Copied; the address comes from `atmoscope serve`");
    }
    if ui
        .add_enabled(writable, wide("New secret link"))
        .on_hover_text("The old link no longer opens, for example because it went to the wrong person")
        .clicked()
    {
        view.send(StudyCommand::RenewLink(study.id, rater.person.id));
    }
    let out = ui.add_enabled(writable && !rater.removed, wide("Take out of the study"));
    if out.on_hover_text("What was sorted is kept; adding the name again undoes it").clicked() {
        view.send(StudyCommand::RemoveRater(study.id, rater.person.id));
    }
}

fn add_rater_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, study: &StudyRecord) {
    if project.snapshot.read_only || study.closed_at.is_some() {
        return;
    }
    ui.horizontal(|ui| {
        let mut name = match &view.state.group.new_rater {
            Some((of, name)) if *of == study.id => name.clone(),
            _ => String::new(),
        };
        let field = egui::TextEdit::singleline(&mut name).hint_text("Name of another rater").desired_width(NAME - 12.0);
        let response = ui.add(field);
        let label = format!("Name of another rater of {}", study.name);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, &label));
        let entered = small::entered(ui, &response);
        let given = !name.trim().is_empty();
        let clicked = ui.add_enabled(given, egui::Button::new("Add")).clicked();
        if given && (entered || clicked) {
            view.send(StudyCommand::AddRater(study.id, name.trim().to_owned()));
            name.clear();
        }
        if response.changed() || entered || clicked {
            view.state.group.new_rater = Some((study.id, name));
        }
        small::weak(ui, format!("{}  Raters elsewhere:", icons::LINK));
        let command = format!("atmoscope serve \"{}\" --study \"{}\"", project.snapshot.folder.display(), study.name);
        if ui.link("copy the command").on_hover_text(&command).clicked() {
            ui.ctx().copy_text(command);
            view.state.toast("Copied. Close the project first: only one program writes to it at a time");
        }
    });
}

/// "24 Nov 2026" of a stored time.
fn day(at: &str) -> String {
    let format = time::macros::format_description!("[day padding:none] [month repr:short] [year]");
    local(at).and_then(|at| at.format(format).ok()).unwrap_or_else(|| at.to_owned())
}

/// "24 Nov 2026, 21:30" of a stored time, by this computer's clock.
fn moment(at: &str) -> String {
    let format = time::macros::format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]");
    local(at).and_then(|at| at.format(format).ok()).unwrap_or_else(|| at.to_owned())
}

fn local(at: &str) -> Option<time::OffsetDateTime> {
    let at = time::OffsetDateTime::parse(at, &time::format_description::well_known::Rfc3339).ok()?;
    Some(time::UtcOffset::local_offset_at(at).map_or(at, |offset| at.to_offset(offset)))
}
