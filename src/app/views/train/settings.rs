//! Settings of the next run: in groups, each with its explanation and the paper's value where the paper has one.

use egui::{DragValue, Response, RichText, Ui, vec2};

use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::nn::DeviceChoice;
use crate::nn::backbone::{BACKBONES, BackboneSpec};
use crate::training::{Choice, Depth, SETTINGS, SettingGroup, SettingInfo, TrainingConfiguration};

const NAME_POINTS: f32 = 148.0;
const FIELD_POINTS: f32 = 96.0;
/// Largest seed that a field of decimal numbers holds exactly.
const LARGEST_SEED: u64 = (1 << 53) - 1;

/// The paper's settings, as far as it gives them; the rest are the defaults.
pub fn of_the_paper() -> TrainingConfiguration {
    TrainingConfiguration { depth: Depth::Everything, ..TrainingConfiguration::default() }
}

/// All groups.
pub fn ui(ui: &mut Ui, configuration: &mut TrainingConfiguration) {
    for group in SettingGroup::ALL {
        let title = RichText::new(group.label()).font(theme::strong_text()).color(ui.visuals().text_color());
        egui::CollapsingHeader::new(title).id_salt(("settings", group.label())).default_open(true).show_unindented(
            ui,
            |ui| {
                for info in SETTINGS.iter().filter(|info| info.group == group && is_a_choice(info.name)) {
                    row_ui(ui, configuration, info);
                }
            },
        );
        ui.add_space(STEP / 2.0);
    }
}

/// False for the network as long as there is but one that can be trained.
fn is_a_choice(setting: &str) -> bool {
    setting != "network" || BACKBONES.iter().filter(|spec| spec.trainable).count() > 1
}

/// A setting's name with its explanation, its field, and the paper's value. A setting that changes nothing beside the
/// others keeps its place and is greyed.
fn row_ui(ui: &mut Ui, configuration: &mut TrainingConfiguration, info: &SettingInfo) {
    let used = configuration.uses(info.name);
    let paper = info.paper_value.map_or_else(String::new, |value| format!("\n\nThe paper: {value}"));
    let unused = if used { "" } else { "\n\nChanges nothing beside the other settings as they are now." };
    let help = format!("{}{paper}{unused}", info.help);
    ui.horizontal(|ui| {
        ui.allocate_ui_with_layout(vec2(NAME_POINTS, 28.0), egui::Layout::left_to_right(egui::Align::Center), |ui| {
            ui.set_min_width(NAME_POINTS);
            let text = RichText::new(info.label);
            let text = if used { text } else { text.color(ui.visuals().weak_text_color()) };
            ui.add(egui::Label::new(text).truncate()).on_hover_text(&help);
        });
        ui.allocate_ui_with_layout(vec2(FIELD_POINTS, 28.0), egui::Layout::left_to_right(egui::Align::Center), |ui| {
            ui.set_min_width(FIELD_POINTS);
            ui.add_enabled_ui(used, |ui| {
                field_ui(ui, configuration, info).on_hover_text(&help).on_disabled_hover_text(&help);
            });
        });
        if let Some(value) = info.paper_value {
            let text = RichText::new(format!("paper {value}")).small().color(ui.visuals().weak_text_color());
            ui.add(egui::Label::new(text).truncate()).on_hover_text("The value the paper used");
        }
    });
}

fn field_ui(ui: &mut Ui, configuration: &mut TrainingConfiguration, info: &SettingInfo) -> Response {
    use egui::accesskit::Role;
    let (role, response) = match info.name {
        "image_size_px" => {
            (Role::SpinButton, ui.add(DragValue::new(&mut configuration.image_size_px).range(32..=2048).suffix(" px")))
        }
        "labels" => (Role::TextInput, names_ui(ui, &mut configuration.labels)),
        "training_images" => {
            let field = DragValue::new(&mut configuration.training_images).range(0..=10_000_000);
            (Role::SpinButton, ui.add(zero_means(field, "all")))
        }
        "augmented_copies" => {
            (Role::SpinButton, ui.add(DragValue::new(&mut configuration.augmented_copies).range(0..=100)))
        }
        "rotation_degrees" => (
            Role::SpinButton,
            ui.add(DragValue::new(&mut configuration.rotation_degrees).range(0.0..=180.0).speed(1.0).suffix("°")),
        ),
        "translation_share" => {
            let mut percent = configuration.translation_share * 100.0;
            let response = ui.add(DragValue::new(&mut percent).range(0.0..=100.0).speed(1.0).suffix(" %"));
            if response.changed() {
                configuration.translation_share = percent / 100.0;
            }
            (Role::SpinButton, response)
        }
        "flip" => (Role::CheckBox, ui.checkbox(&mut configuration.flip, "")),
        "augmentation_seed" => (Role::SpinButton, seed_ui(ui, &mut configuration.augmentation_seed)),
        "mlsmote" => (Role::CheckBox, ui.checkbox(&mut configuration.mlsmote, "")),
        "mlsmote_neighbours" => {
            (Role::SpinButton, ui.add(DragValue::new(&mut configuration.mlsmote_neighbours).range(1..=100)))
        }
        "depth" => return choice_ui(ui, info, &mut configuration.depth),
        "trained_blocks" => (Role::SpinButton, ui.add(DragValue::new(&mut configuration.trained_blocks).range(1..=5))),
        "head" => return choice_ui(ui, info, &mut configuration.head),
        "hidden" => (Role::SpinButton, ui.add(DragValue::new(&mut configuration.hidden).range(1..=16_384))),
        "dropout" => {
            (Role::SpinButton, ui.add(DragValue::new(&mut configuration.dropout).range(0.0..=0.95).speed(0.01)))
        }
        "network" => {
            let chosen = BackboneSpec::named(&configuration.network).map_or("none", |spec| spec.name);
            return small::choice_ui(ui, info.label, chosen, FIELD_POINTS - 16.0, |ui| {
                for spec in BACKBONES.iter().filter(|spec| spec.trainable) {
                    ui.selectable_value(&mut configuration.network, spec.id.to_owned(), spec.name);
                }
            });
        }
        "weights" => {
            let field = egui::TextEdit::singleline(&mut configuration.weights)
                .hint_text("built-in")
                .margin(egui::Margin::symmetric(8, 5))
                .desired_width(FIELD_POINTS - 16.0);
            (Role::TextInput, ui.add(field))
        }
        "epochs" => (Role::SpinButton, ui.add(DragValue::new(&mut configuration.epochs).range(1..=10_000))),
        "batch_size" => (Role::SpinButton, ui.add(DragValue::new(&mut configuration.batch_size).range(1..=4096))),
        "learning_rate" => {
            let present = configuration.learning_rate();
            (Role::SpinButton, rate_ui(ui, &mut configuration.learning_rate, present))
        }
        "head_learning_rate" => {
            let present = configuration.head_learning_rate();
            (Role::SpinButton, rate_ui(ui, &mut configuration.head_learning_rate, present))
        }
        "schedule" => return choice_ui(ui, info, &mut configuration.schedule),
        "warmup_steps" => {
            (Role::SpinButton, ui.add(DragValue::new(&mut configuration.warmup_steps).range(0..=1_000_000)))
        }
        "positive_weights" => (Role::CheckBox, ui.checkbox(&mut configuration.positive_weights, "")),
        "best_by" => return choice_ui(ui, info, &mut configuration.best_by),
        "early_stopping_epochs" => {
            let field = DragValue::new(&mut configuration.early_stopping_epochs).range(0..=10_000);
            (Role::SpinButton, ui.add(zero_means(field, "never")))
        }
        "micro_batch_size" => {
            let field = DragValue::new(&mut configuration.micro_batch_size).range(0..=4096);
            (Role::SpinButton, ui.add(zero_means(field, "auto")))
        }
        "seed" => (Role::SpinButton, ui.add(DragValue::new(&mut configuration.seed).range(0..=LARGEST_SEED))),
        "device" => {
            let chosen = configuration.device.to_string();
            return small::choice_ui(ui, info.label, &chosen, FIELD_POINTS - 16.0, |ui| {
                for choice in DeviceChoice::ALL {
                    ui.selectable_value(&mut configuration.device, choice, choice.to_string());
                }
            });
        }
        // A setting that this list forgot is still in the file.
        _ => return small::weak(ui, "in the file"),
    };
    let enabled = response.enabled();
    response.widget_info(|| egui::WidgetInfo::labeled(role, enabled, info.label));
    response
}

/// Names with commas between; a comma that is being typed stays.
fn names_ui(ui: &mut Ui, names: &mut Vec<String>) -> Response {
    let id = ui.next_auto_id().with("names");
    let mut text = ui.data(|data| data.get_temp::<String>(id)).unwrap_or_else(|| names.join(", "));
    let read = |text: &str| -> Vec<String> {
        text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    };
    if read(&text) != *names {
        text = names.join(", ");
    }
    let field = egui::TextEdit::singleline(&mut text)
        .hint_text("all")
        .margin(egui::Margin::symmetric(8, 5))
        .desired_width(FIELD_POINTS - 16.0);
    let response = ui.add(field);
    *names = read(&text);
    ui.data_mut(|data| data.insert_temp(id, text));
    response
}

/// A seed, or below 0 the split's.
fn seed_ui(ui: &mut Ui, seed: &mut Option<u64>) -> Response {
    let mut number = seed.and_then(|seed| i64::try_from(seed).ok()).unwrap_or(-1);
    let field = DragValue::new(&mut number)
        .range(-1..=LARGEST_SEED as i64)
        .custom_formatter(|number, _| if number < 0.0 { "the split's".to_owned() } else { format!("{number:.0}") });
    let response = ui.add(field);
    if response.changed() {
        *seed = u64::try_from(number).ok();
    }
    response
}

/// A number of which 0 has a meaning of its own.
fn zero_means<'a>(field: DragValue<'a>, word: &'static str) -> DragValue<'a> {
    field
        .custom_formatter(move |value, _| if value == 0.0 { word.to_owned() } else { format!("{value:.0}") })
        .custom_parser(move |text| if text.trim() == word { Some(0.0) } else { text.trim().parse().ok() })
}

/// A learning rate that is left open or given; dragging goes by factors, because rates spread over powers of ten.
fn rate_ui(ui: &mut Ui, rate: &mut Option<f64>, present: f64) -> Response {
    let mut value = present;
    let field = DragValue::new(&mut value)
        .range(1e-7..=1.0)
        .speed(present * 0.02)
        .max_decimals(9)
        .custom_formatter(|value, _| rate_text(value));
    let response = ui.add(field);
    if response.changed() {
        *rate = Some(value);
    }
    if rate.is_some() {
        let button = egui::Button::new(RichText::new("auto").small()).frame(false);
        if ui.add(button).on_hover_text("Leave it open again").clicked() {
            *rate = None;
        }
    }
    response
}

/// Two significant digits, as people write them.
fn rate_text(rate: f64) -> String {
    let digits = (1.0 - rate.abs().max(1e-9).log10().floor()).clamp(0.0, 10.0) as usize;
    let text = format!("{rate:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn choice_ui<T: Choice>(ui: &mut Ui, info: &SettingInfo, value: &mut T) -> Response {
    small::choice_ui(ui, info.label, value.label(), FIELD_POINTS - 16.0, |ui| {
        for choice in T::ALL {
            ui.selectable_value(value, *choice, choice.label());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_written_as_people_do() {
        for (rate, text) in [(1e-3, "0.001"), (1e-4, "0.0001"), (0.00025, "0.00025"), (1.0, "1"), (0.5, "0.5")] {
            assert_eq!(rate_text(rate), text);
        }
    }
}
