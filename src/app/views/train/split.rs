//! The dialog in which pictures are split: what the split is now, what another would change, and the ones made earlier.

use egui::{DragValue, RichText, Ui, vec2};

use crate::app::state::{AppState, ProjectState, SplitDialog, TestPart};
use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::app::{Action, ViewContext, icons, paths};
use crate::dataset::{AllNo, Part, SplitMethod};
use crate::engine::command::{Command, EditCommand, JobCommand, Lookup};
use crate::engine::jobs::split_preview::{PartCounts, SplitPreview};
use crate::wording::{counted, number};

/// Largest seed that a field of decimal numbers holds exactly.
const LARGEST_SEED: u64 = (1 << 53) - 1;

/// What the split as described would change.
pub fn wants(state: &mut AppState, project: &ProjectState) -> Option<Lookup> {
    state.split_dialog.as_mut()?.next_request(project.revision).map(Lookup::Split)
}

/// Draws the dialog while it is open.
pub fn ui(context: &egui::Context, view: &mut ViewContext<'_>) {
    let Some(project) = view.state.project.clone() else { return };
    let Some(dialog) = view.state.split_dialog.as_mut() else { return };
    let (mut close, mut wanted) = (false, None);
    egui::Modal::new(egui::Id::unique("split")).show(context, |ui| {
        let size = context.content_rect().size();
        ui.set_width(660.0_f32.min(size.x - 80.0));
        ui.heading("Split the pictures");
        small::weak(ui, present_text(&project));
        ui.add_space(STEP);
        egui::ScrollArea::vertical().max_height(size.y - 176.0).auto_shrink([false, true]).show(ui, |ui| {
            if choices_ui(ui, dialog, &project) {
                view.actions.push(Action::Browse(&paths::TEST_PICTURES));
            }
            ui.add_space(STEP);
            preview_ui(ui, dialog);
            wanted = earlier_ui(ui, &project);
        });
        ui.add_space(STEP);
        ui.horizontal(|ui| {
            let sound = matches!(dialog.preview(), Some(Ok(_)));
            let fill = theme::accent(ui.visuals().dark_mode);
            let text = RichText::new("Split").color(theme::text_on(fill)).family(theme::bold());
            let button = egui::Button::new(text).fill(fill).min_size(vec2(96.0, 32.0));
            if ui.add_enabled(sound, button).on_hover_text("Undo takes it back").clicked() {
                wanted = dialog.request().map(|request| JobCommand::Split(request).into());
            }
            close = ui.add(egui::Button::new("Cancel").min_size(vec2(96.0, 32.0))).on_hover_text("Esc").clicked();
        });
    });
    if let Some(command) = wanted {
        view.send(command);
        close = true;
    }
    if close {
        view.state.split_dialog = None;
    }
}

fn present_text(project: &ProjectState) -> String {
    let Some(split) = &project.snapshot.split else { return "The pictures are not split yet.".to_owned() };
    let sizes = Part::ALL.map(|part| format!("{} {}", part.name(), number(split.images_of(part).len())));
    format!("Now: {}  ·  {}  ·  seed {}", sizes.join(", "), split.method, split.seed)
}

/// The choices; true when a file is to be looked for.
fn choices_ui(ui: &mut Ui, dialog: &mut SplitDialog, project: &ProjectState) -> bool {
    let kept = project.snapshot.split.as_ref().map(|split| split.images_of(Part::Test).len());
    let mut browse = false;
    small::title(ui, "Test part");
    ui.add_enabled_ui(kept.is_some(), |ui| {
        let text = format!("Keep the one there is ({})", counted(kept.unwrap_or(0), "picture"));
        ui.radio_value(&mut dialog.test_part, TestPart::Kept, text);
    });
    ui.horizontal(|ui| {
        ui.radio_value(&mut dialog.test_part, TestPart::Listed, "From a list");
        ui.add_enabled_ui(dialog.test_part == TestPart::Listed, |ui| {
            browse = ui.button(format!("{}  Browse…", icons::FOLDER_OPEN)).clicked();
            let field = egui::TextEdit::singleline(&mut dialog.list)
                .hint_text("a text file, one picture's name on each line")
                .margin(egui::Margin::symmetric(8, 6))
                .desired_width(ui.available_width() - 16.0);
            small::field_ui(ui, field, "List of test pictures", &mut false);
        });
    });
    ui.radio_value(&mut dialog.test_part, TestPart::New, "A new one");
    ui.add_space(STEP);
    ui.horizontal(|ui| {
        ui.label("Train : validation : test").on_hover_text("The shares that pictures are divided in");
        for (at, name) in ["Share of train", "Share of validation", "Share of test"].into_iter().enumerate() {
            let used = at < 2 || dialog.test_part == TestPart::New;
            let least = u32::from(at == 0);
            let field = DragValue::new(&mut dialog.shares[at]).range(least..=100).speed(0.05);
            let response = ui.add_enabled(used, field);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::SpinButton, used, name));
            response.on_disabled_hover_text("The test part is given");
        }
        ui.separator();
        ui.selectable_value(&mut dialog.method, SplitMethod::Stratified, "Stratified")
            .on_hover_text("Every label in proportion in every part");
        ui.selectable_value(&mut dialog.method, SplitMethod::Random, "Random").on_hover_text("By lot");
        ui.separator();
        ui.label("Seed");
        let response = ui.add(DragValue::new(&mut dialog.seed).range(0..=LARGEST_SEED));
        response
            .widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::SpinButton, true, "Seed of the split"));
    });
    let mut kept = dialog.all_no == AllNo::Keep;
    ui.checkbox(&mut kept, "With pictures answered no to everything").on_hover_text(
        "In the paper pictures without a label take no part. Kept, they teach the network what has none of the labels. \
         Pictures that nobody answered about never take part.",
    );
    dialog.all_no = if kept { AllNo::Keep } else { AllNo::LeaveOut };
    browse
}

fn preview_ui(ui: &mut Ui, dialog: &SplitDialog) {
    small::title(ui, "What it would change");
    let missing = dialog.request().and_then(|request| request.test_images).filter(|file| !file.is_file());
    if let Some(file) = missing {
        ui.label(RichText::new(format!("{} is not a file.", file.display())).color(ui.visuals().error_fg_color));
        return;
    }
    match dialog.preview() {
        None if dialog.request().is_none() => {
            small::weak(ui, "Give the list of test pictures.");
        }
        None => {
            small::weak(ui, "Looking at the pictures…");
        }
        Some(Err(notice)) => {
            let text = crate::wording::sentence(&notice.message);
            ui.label(RichText::new(format!("{text}.")).color(ui.visuals().error_fg_color));
            small::weak(ui, notice.hint.clone().unwrap_or_default());
        }
        Some(Ok(preview)) => {
            parts_ui(ui, preview);
            for warning in warnings(preview).iter().chain(&preview.remarks) {
                ui.label(RichText::new(format!("{}  {warning}", icons::WARNING)).color(ui.visuals().warn_fg_color));
            }
            let mut facts = Vec::new();
            if preview.before.is_some() {
                facts.push(match preview.moved {
                    0 => "No picture would change its part.".to_owned(),
                    moved => format!("{} would change their part.", counted(moved, "picture")),
                });
            }
            for (pictures, why) in
                [(preview.without_answer, "without an answer"), (preview.all_no_left_out, "with no to every label")]
            {
                if pictures > 0 {
                    let verb = if pictures == 1 { "takes" } else { "take" };
                    facts.push(format!("{} {why} {verb} no part.", counted(pictures, "picture")));
                }
            }
            small::weak(ui, facts.join("  "));
        }
    }
}

fn parts_ui(ui: &mut Ui, preview: &SplitPreview) {
    let cell = |counts: &PartCounts, part: Part| {
        let (images, rated) = (counts.images[part as usize], counts.rated[part as usize]);
        if preview.rated > 0 { format!("{}  ({} rated)", number(images), number(rated)) } else { number(images) }
    };
    egui::Grid::new("parts of the split").num_columns(4).spacing(vec2(3.0 * STEP, 4.0)).show(ui, |ui| {
        small::weak(ui, "");
        for part in Part::ALL {
            small::weak(ui, part.name());
        }
        ui.end_row();
        for (name, counts) in [("Now", preview.before.as_ref()), ("Then", Some(&preview.after))] {
            let Some(counts) = counts else { continue };
            small::weak(ui, name);
            for part in Part::ALL {
                ui.label(cell(counts, part));
            }
            ui.end_row();
        }
    });
}

fn warnings(preview: &SplitPreview) -> Vec<String> {
    let of = counted(preview.rated, "rated picture");
    let [train, validation, _] = preview.after.rated;
    let mut warnings = Vec::new();
    if train > 0 {
        warnings.push(format!("{} of {of} would be trained on.", number(train)));
    }
    if validation > 0 {
        warnings.push(format!("{} of {of} would choose the epoch and the thresholds.", number(validation)));
    }
    warnings
}

/// Splits made earlier, each with the way back to it.
fn earlier_ui(ui: &mut Ui, project: &ProjectState) -> Option<Command> {
    let present = project.snapshot.split.as_ref().map(|split| split.id);
    let earlier: Vec<_> = project.snapshot.splits.iter().filter(|split| Some(split.id) != present).collect();
    if earlier.is_empty() {
        return None;
    }
    ui.add_space(STEP);
    small::title(ui, "Others made here");
    let mut chosen = None;
    for split in earlier {
        ui.horizontal(|ui| {
            let name = format!("Go back to split {}", split.id.0);
            if ui.button(name).on_hover_text("Undo takes that back").clicked() {
                chosen = Some(EditCommand::UseSplit(split.id).into());
            }
            let sizes = split.sizes.map(number).join(" : ");
            let when = split.created_at.get(..10).unwrap_or_default();
            let text = format!("{sizes}  ·  {}  ·  seed {}  ·  {when}", split.method, split.seed);
            ui.add(egui::Label::new(RichText::new(text).color(ui.visuals().weak_text_color())).truncate());
        });
    }
    chosen
}
