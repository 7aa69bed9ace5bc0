//! The form for a new study: which pictures, under which conditions, in which order, by whom.

use egui::{Align, Layout, RichText, Ui, vec2};

use crate::app::state::{NewStudyForm, PicturesChoice, ProjectState, RetestChoice};
use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::app::{ViewContext, icons};
use crate::engine::command::StudyCommand;
use crate::engine::jobs::counted;
use crate::sorting::Condition;

/// Width of the names before fields.
const NAME: f32 = 150.0;

/// Draws the form.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    let Some(mut form) = view.state.group.form.take() else { return };
    let mut keep = true;
    egui::CentralPanel::default().show(ui, |ui| {
        ui.heading("New study");
        ui.add_space(STEP);
        let bottom = 52.0;
        let height = ui.available_height() - bottom;
        egui::ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
            ui.set_max_width(860.0);
            form_ui(ui, &mut form, project, view);
        });
        ui.add_space(STEP);
        ui.horizontal(|ui| {
            let problem = form.problem(project, &view.state.library.selection.images);
            let fill = theme::accent(ui.visuals().dark_mode);
            let text = RichText::new("Create study").family(theme::bold());
            let ready = problem.is_none();
            let text = if ready { text.color(theme::text_on(fill)) } else { text };
            let button = egui::Button::new(text).min_size(vec2(130.0, 36.0));
            if ui.add_enabled(ready, if ready { button.fill(fill) } else { button }).clicked() {
                let study = form.study(project, &view.state.library.selection.images);
                view.send(StudyCommand::Create(Box::new(study)));
                keep = false;
            }
            if ui.add(egui::Button::new("Cancel").min_size(vec2(92.0, 36.0))).clicked() {
                keep = false;
            }
            if let Some(problem) = problem {
                small::weak(ui, problem);
            }
        });
    });
    view.state.group.form = keep.then_some(form);
}

fn row(ui: &mut Ui, name: &str, content: impl FnOnce(&mut Ui)) {
    ui.horizontal_top(|ui| {
        ui.allocate_ui_with_layout(vec2(NAME, 28.0), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(NAME);
            small::title(ui, name);
        });
        ui.vertical(content);
    });
    ui.add_space(STEP);
}

fn form_ui(ui: &mut Ui, form: &mut NewStudyForm, project: &ProjectState, view: &ViewContext<'_>) {
    row(ui, "Name", |ui| {
        let response = ui.add(egui::TextEdit::singleline(&mut form.name).desired_width(360.0).hint_text("Atmosphere"));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, "Name of the study"));
        if std::mem::take(&mut form.focus) {
            response.request_focus();
        }
    });
    row(ui, "Pictures", |ui| {
        for choice in [PicturesChoice::Test, PicturesChoice::All, PicturesChoice::Selected] {
            let count = form.images_of(choice, project, &view.state.library.selection.images).len();
            let text = match choice {
                PicturesChoice::Test => format!("Test part: {}", counted(count, "picture")),
                PicturesChoice::All => format!("All that are not set aside: {}", counted(count, "picture")),
                PicturesChoice::Selected => format!("Selected in the Library: {}", counted(count, "picture")),
            };
            ui.add_enabled_ui(count > 0, |ui| ui.radio_value(&mut form.pictures, choice, text));
        }
    });
    row(ui, "Conditions", |ui| {
        let mut remove = None;
        for (at, condition) in form.conditions.iter_mut().enumerate() {
            ui.horizontal(|ui| {
                small::title(ui, format!("{}", at + 1));
                let standard = *condition == Condition::one() || *condition == Condition::two();
                let title = if standard { format!("Condition {}", condition.name) } else { condition.name.clone() };
                ui.label(RichText::new(title).font(theme::strong_text()));
                if ui.button(icons::CLOSE).on_hover_text("Leave this condition out").clicked() {
                    remove = Some(at);
                }
            });
            if *condition != Condition::one() && *condition != Condition::two() {
                condition_ui(ui, at, condition);
            }
            small::weak(ui, condition.task());
            ui.add_space(STEP);
        }
        if let Some(at) = remove {
            form.conditions.remove(at);
        }
        ui.horizontal(|ui| {
            small::weak(ui, "Add:");
            for (name, condition) in [("Condition 1", Condition::one()), ("Condition 2", Condition::two())] {
                let there = form.conditions.iter().any(|known| known.name == condition.name);
                let tip = condition.task();
                if ui.add_enabled(!there, egui::Button::new(name)).on_hover_text(tip).clicked() {
                    form.conditions.push(condition);
                }
            }
            if ui.button("One of your own").clicked() {
                let taken = |name: &str| form.conditions.iter().any(|known| known.name == name);
                let name =
                    (1..).map(|n| if n == 1 { "own".to_owned() } else { format!("own {n}") }).find(|n| !taken(n));
                form.conditions.push(Condition { name: name.unwrap_or_default(), ..Condition::default() });
            }
        });
    });
    if form.conditions.len() > 1 {
        row(ui, "Order", |ui| {
            ui.radio_value(&mut form.rotated, false, "As listed, for every rater");
            ui.radio_value(
                &mut form.rotated,
                true,
                "Each rater begins one further on, so that none always comes first",
            );
        });
    }
    row(ui, "Test and retest", |ui| {
        ui.radio_value(&mut form.retest, RetestChoice::None, "Each sort is done once");
        ui.horizontal(|ui| {
            ui.radio_value(&mut form.retest, RetestChoice::Some, "Some pictures are sorted again at the end:");
            let drag = egui::DragValue::new(&mut form.retest_images).range(3..=100_000).speed(0.2);
            let response = ui.add_enabled(form.retest == RetestChoice::Some, drag);
            let name = "Number of pictures sorted again";
            response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::SpinButton, true, name));
        });
        ui.radio_value(&mut form.retest, RetestChoice::All, "The whole sort is done twice");
    });
    row(ui, "Raters", |ui| {
        let field = egui::TextEdit::multiline(&mut form.raters).desired_rows(4).desired_width(360.0);
        let response = ui.add(field.hint_text("One name in each line"));
        response
            .widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, "Names of the raters"));
        small::weak(ui, "The authors' own grouping is that of one more rater. Others can join later.");
    });
    row(ui, "Seed", |ui| {
        let response = ui.add(egui::DragValue::new(&mut form.seed).range(0..=u32::MAX));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::SpinButton, true, "Seed"));
        response.on_hover_text("Each rater's own order of the pictures comes from it");
    });
}

/// The rules of a condition of the study's own.
fn condition_ui(ui: &mut Ui, at: usize, condition: &mut Condition) {
    ui.push_id(("condition", at), |ui| {
        egui::Grid::new("rules").num_columns(2).spacing(vec2(16.0, 6.0)).show(ui, |ui| {
            ui.label("Name");
            let response = ui.add(egui::TextEdit::singleline(&mut condition.name).desired_width(200.0).char_limit(40));
            let name = "Name of the condition, as it stands in tables";
            response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, name));
            ui.end_row();
            ui.label("Number of groups");
            ui.horizontal(|ui| {
                limit_ui(ui, "at least", &mut condition.fewest_groups, 2);
                let least = condition.fewest_groups.unwrap_or(8);
                limit_ui(ui, "at most", &mut condition.most_groups, least);
            });
            ui.end_row();
            ui.label("Pictures in a group");
            ui.horizontal(|ui| {
                ui.label("at least");
                let drag = ui.add(egui::DragValue::new(&mut condition.smallest_group).range(1..=1000).speed(0.1));
                let name = "Least pictures in a group";
                drag.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::SpinButton, true, name));
                let smallest = condition.smallest_group.max(20);
                limit_ui(ui, "at most", &mut condition.largest_group, smallest);
            });
            ui.end_row();
            ui.label("Given groups");
            ui.vertical(|ui| {
                let mut text = condition.given_groups.join("\n");
                let field = egui::TextEdit::multiline(&mut text).desired_rows(2).desired_width(260.0);
                let response = ui.add(field.hint_text("One name in each line; none if raters make all"));
                let name = "Names of given groups";
                response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, name));
                if response.changed() {
                    condition.given_groups =
                        if text.is_empty() { Vec::new() } else { text.split('\n').map(str::to_owned).collect() };
                }
                if !condition.given_groups.is_empty() {
                    ui.checkbox(&mut condition.own_groups, "Raters may make their own beside them");
                }
            });
            ui.end_row();
            ui.label("Leaving out");
            ui.checkbox(&mut condition.leave_out, "Pictures that fit nowhere may be left out");
            ui.end_row();
            ui.label("Words");
            let field = egui::TextEdit::multiline(&mut condition.instruction).desired_rows(2).desired_width(460.0);
            let response = ui.add(field.hint_text("What raters are told; empty: the sentence below"));
            let name = "What raters are told";
            response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, name));
            ui.end_row();
        });
    });
}

fn limit_ui(ui: &mut Ui, text: &str, limit: &mut Option<usize>, first: usize) {
    let mut on = limit.is_some();
    if ui.checkbox(&mut on, text).changed() {
        *limit = on.then_some(first);
    }
    let mut number = limit.unwrap_or(first);
    let drag = ui.add_enabled(on, egui::DragValue::new(&mut number).range(1..=1000).speed(0.1));
    drag.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::SpinButton, on, text));
    if on {
        *limit = Some(number);
    }
}
