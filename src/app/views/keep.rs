//! The dialog that asks under which name clusters are kept.

use egui::RichText;

use crate::app::ViewContext;
use crate::app::theme::{self, STEP};
use crate::app::widgets::small;
use crate::engine::command::EditCommand;
use crate::engine::jobs::counted;
use crate::names;

/// Draws the dialog while it is open.
pub fn ui(context: &egui::Context, view: &mut ViewContext<'_>) {
    let Some(project) = view.state.project.clone() else { return };
    let explore = &mut view.state.explore;
    let (Some(name), Some(shown)) = (&mut explore.keeping, explore.exploration.clone()) else { return };
    let (mut keep, mut close) = (false, false);
    let wanted = names::clean(&name.text);
    let complaint = if wanted.is_empty() {
        None
    } else if project.snapshot.clusterings.iter().any(|kept| kept.name == wanted) {
        Some("There is a clustering of that name already.".to_owned())
    } else {
        names::check(&wanted, "a clustering").err().map(|error| crate::wording::sentence(&error.message))
    };
    egui::Modal::new(egui::Id::unique("keep clusters")).show(context, |ui| {
        ui.set_width(460.0);
        ui.heading("Keep these clusters");
        let (clusters, pictures) = (counted(shown.members.len(), "cluster"), counted(shown.features.rows(), "picture"));
        let of = project.features_name(shown.request.features);
        small::weak(ui, format!("{clusters} of {pictures} by {of}. They can be opened again as they are."));
        ui.add_space(STEP);
        let field = egui::TextEdit::singleline(&mut name.text)
            .hint_text("A name")
            .margin(egui::Margin::symmetric(8, 6))
            .desired_width(f32::INFINITY);
        let response = small::field_ui(ui, field, "Name of the clustering", &mut name.focus);
        let entered = small::entered(ui, &response);
        // Always there, so that nothing jumps while the name is typed.
        ui.label(RichText::new(complaint.clone().unwrap_or_default()).color(ui.visuals().error_fg_color));
        ui.add_space(STEP);
        ui.horizontal(|ui| {
            let sound = complaint.is_none() && !wanted.is_empty();
            let fill = theme::accent(ui.visuals().dark_mode);
            let text = RichText::new("Keep").color(theme::text_on(fill)).family(theme::bold());
            let button = egui::Button::new(text).fill(fill).min_size(egui::vec2(96.0, 32.0));
            let clicked = ui.add_enabled(sound, button).clicked();
            keep = sound && (clicked || entered);
            name.focus |= entered && !keep;
            let cancel = egui::Button::new("Cancel").min_size(egui::vec2(96.0, 32.0));
            close = ui.add(cancel).on_hover_text("Esc").clicked();
        });
    });
    if keep {
        view.send(EditCommand::KeepClustering(wanted, shown));
    }
    if keep || close {
        view.state.explore.keeping = None;
    }
}
