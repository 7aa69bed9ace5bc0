//! How far raters agree: scores of every two, which pictures stand together, consensus, disagreement. Every cell and
//! row leads to its pictures.

use std::collections::BTreeSet;

use egui::{Align, Align2, Color32, FontId, Layout, Rect, RichText, Sense, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};

use crate::app::commands::UiCommand;
use crate::app::state::{AgreementPage, ProjectState};
use crate::app::theme::{self, STEP};
use crate::app::widgets::{image_grid, picture, small};
use crate::app::{ViewContext, icons};
use crate::dataset::StudyCondition;
use crate::engine::jobs::counted;
use crate::engine::thumbnails::PictureSize;
use crate::evaluation::AgreementScore;
use crate::evaluation::agreement_report::AgreementReport;
use crate::evaluation::{Consensus, Estimate, PairAgreement};
use crate::figures;
use crate::ids::ImageId;

type Report = AgreementReport<ImageId>;

/// Pictures of the list of disagreement.
const MOST_SHOWN: usize = 200;
/// Draws the page.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    let (conditions, shown) = view.state.group.agreement.conditions(project);
    let Some(condition) = shown else {
        egui::CentralPanel::default().show(ui, |ui| {
            let text = "Agreement is measured between groupings: let raters sort in a study, or import groupings.";
            small::empty_ui(ui, icons::GROUP, "Nothing to compare yet", text, |ui| {
                small::primary_button_ui(ui, view.state, view.actions, UiCommand::ImportGroupings);
            });
        });
        return;
    };
    controls_ui(ui, view, &conditions, &condition);
    let found = match &view.state.group.agreement.found {
        None => {
            egui::CentralPanel::default().show(ui, |ui| small::weak(ui, "Comparing…"));
            return;
        }
        Some(Err(notice)) => {
            let text = format!("{}. {}", notice.message, notice.hint.clone().unwrap_or_default());
            egui::CentralPanel::default().show(ui, |ui| {
                ui.label(RichText::new(text).color(ui.visuals().warn_fg_color));
            });
            return;
        }
        Some(Ok(report)) => report.clone(),
    };
    match view.state.group.agreement.page {
        AgreementPage::Raters => raters_ui(ui, view, &found),
        AgreementPage::Together => together_ui(ui, view, project, &found),
        AgreementPage::Consensus => consensus_ui(ui, view, project, &found),
        AgreementPage::Disagreement => disagreement_ui(ui, view, project, &found),
    }
}

fn controls_ui(
    ui: &mut Ui,
    view: &mut ViewContext<'_>,
    conditions: &BTreeSet<StudyCondition>,
    condition: &StudyCondition,
) {
    egui::Panel::top("agreement controls").show(ui, |ui| {
        ui.add_space(STEP / 2.0);
        ui.horizontal(|ui| {
            small::choice_ui(ui, "Condition", &format!("Condition {condition}"), 130.0, |ui| {
                for other in conditions {
                    let text = format!("Condition {other}");
                    if ui.selectable_label(other == condition, text).clicked() {
                        view.state.group.agreement.condition = Some(other.clone());
                    }
                }
            });
            ui.separator();
            for (page, name, what) in AgreementPage::ALL {
                let button = egui::Button::selectable(view.state.group.agreement.page == page, name);
                if ui.add(button.min_size(vec2(28.0, 28.0))).on_hover_text(what).clicked() {
                    view.state.group.agreement.page = page;
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                small::command_button_ui(ui, view.state, view.actions, UiCommand::ExportAgreement);
            });
        });
        ui.add_space(STEP / 2.0);
    });
}

fn about(ui: &mut Ui, report: &Report) {
    let raters = report.groupings.raters().len();
    small::weak(ui, format!("{}, {}", counted(raters, "rater"), counted(report.groupings.images().len(), "picture")));
}

fn raters_ui(ui: &mut Ui, view: &mut ViewContext<'_>, report: &Report) {
    egui::CentralPanel::default().show(ui, |ui| {
        egui::ScrollArea::both().auto_shrink(false).show(ui, |ui| {
            if report.groupings.raters().len() < 2 {
                small::weak(ui, "There is one rater only under this condition; agreement needs two.");
                retest_ui(ui, report);
                return;
            }
            ui.horizontal_top(|ui| {
                ui.vertical(|ui| {
                    ui.set_width(400.0);
                    means_ui(ui, view, report);
                    retest_ui(ui, report);
                });
                ui.add_space(STEP * 2.0);
                ui.vertical(|ui| matrix_ui(ui, view.state.group.agreement.score, report));
            });
        });
    });
}

fn score_help(score: AgreementScore) -> &'static str {
    match score {
        AgreementScore::RandIndex => "1 the same groups, about 0 by chance (Hubert and Arabie 1985). Higher is better.",
        AgreementScore::MutualInformation => {
            "1 the same groups, about 0 by chance (Vinh, Epps and Bailey 2010). Higher is better."
        }
        AgreementScore::VMeasure => {
            "Mean of homogeneity and completeness, 0 to 1, not adjusted for chance. Higher is better."
        }
        AgreementScore::Entropy => {
            "The paper's H with one rater's groups in the place of clusters, 0 to 1. Lower is better; both directions."
        }
    }
}

fn means_ui(ui: &mut Ui, view: &mut ViewContext<'_>, report: &Report) {
    let Some(mean) = &report.agreement.mean else {
        small::weak(ui, "No two raters placed the same pictures.");
        return;
    };
    small::title(ui, "Mean of all pairs");
    about(ui, report);
    ui.add_space(STEP / 2.0);
    let values = [mean.adjusted_rand_index, mean.adjusted_mutual_information, mean.v_measure, mean.entropy];
    for (score, value) in AgreementScore::ALL.into_iter().zip(values) {
        ui.horizontal(|ui| {
            let chosen = view.state.group.agreement.score == score;
            let button = egui::Button::selectable(chosen, score.name()).min_size(vec2(230.0, 28.0));
            if ui.add(button).on_hover_text(score_help(score)).clicked() {
                view.state.group.agreement.score = score;
            }
            ui.label(RichText::new(small::fixed(value.value)).font(theme::strong_text()));
            small::weak(ui, interval_text(&value)).on_hover_text(
                "95 % interval over pictures, from 1,000 half-samples: what other pictures of the same kind would give \
                 with the very same raters. It says nothing about other raters.",
            );
        });
    }
}

fn interval_text(estimate: &Estimate) -> String {
    let text = |i: crate::evaluation::Interval| format!("{} – {}", small::fixed(i.low), small::fixed(i.high));
    estimate.interval.map_or_else(String::new, text)
}

fn retest_ui(ui: &mut Ui, report: &Report) {
    if report.retests.is_empty() {
        return;
    }
    ui.add_space(STEP * 2.0);
    small::title(ui, "Test and retest").on_hover_text("Each rater's groups of the first time against those made again");
    egui::Grid::new("retest").striped(true).spacing(vec2(18.0, 6.0)).show(ui, |ui| {
        for name in ["Rater", "Rand", "information", "V", "pictures"] {
            small::weak(ui, name);
        }
        ui.end_row();
        for retest in &report.retests {
            ui.label(&retest.rater);
            match &retest.agreement.scores {
                Some(scores) => {
                    for estimate in [scores.adjusted_rand_index, scores.adjusted_mutual_information, scores.v_measure] {
                        ui.label(small::fixed(estimate.value)).on_hover_text(interval_text(&estimate));
                    }
                }
                None => {
                    for _ in 0..3 {
                        small::weak(ui, "–");
                    }
                }
            }
            small::weak(ui, retest.agreement.images.to_string());
            ui.end_row();
        }
    });
}

fn pair(report: &Report, row: usize, column: usize) -> Option<&PairAgreement> {
    let names = report.groupings.raters();
    let (first, second) = (&names[row.min(column)], &names[row.max(column)]);
    report.agreement.pairs.iter().find(|pair| pair.first == *first && pair.second == *second)
}

/// Every two raters as a matrix of the chosen score.
fn matrix_ui(ui: &mut Ui, score: AgreementScore, report: &Report) {
    let names = report.groupings.raters();
    small::title(ui, score.name());
    let note = if score == AgreementScore::Entropy {
        "Row's groups in the place of clusters, column's as the correct ones"
    } else {
        "Below each value its 95 % interval over pictures"
    };
    small::weak(ui, note);
    let (left, top) = (130.0, 30.0);
    let cell = ((ui.available_width() - left - 8.0) / names.len() as f32).clamp(44.0, 110.0);
    let side = cell * names.len() as f32;
    let height = cell.min(72.0);
    let (space, _) = ui.allocate_exact_size(vec2(left + side, top + height * names.len() as f32), Sense::hover());
    let text = ui.visuals().text_color();
    for (row, name) in names.iter().enumerate() {
        let y = space.min.y + top + height * (row as f32 + 0.5);
        let x = space.min.x + left + cell * (row as f32 + 0.5);
        shortened(ui, pos2(space.min.x + left - 10.0, y), left - 14.0, Align2::RIGHT_CENTER, name, text);
        shortened(ui, pos2(x, space.min.y + top - 12.0), cell - 6.0, Align2::CENTER_CENTER, name, text);
        for (column, other) in names.iter().enumerate() {
            let corner = pos2(space.min.x + left + cell * column as f32, space.min.y + top + height * row as f32);
            let rect = Rect::from_min_size(corner, vec2(cell, height)).shrink(1.0);
            if row == column {
                ui.painter().rect_filled(rect, 2.0, ui.visuals().faint_bg_color);
                continue;
            }
            let Some(pair) = pair(report, row, column) else { continue };
            let response = ui.interact(rect, ui.scope_id().with(("pair", row, column)), Sense::HOVER | Sense::CLICK);
            let Some(scores) = &pair.scores else {
                ui.painter().rect_filled(rect, 2.0, ui.visuals().faint_bg_color);
                response.on_hover_text("No two pictures in common");
                continue;
            };
            let estimate = score.of(scores, row < column);
            let ground = colour(figures::sequential(estimate.value));
            let front = theme::text_on(ground);
            ui.painter().rect_filled(rect, 2.0, ground);
            let bold = FontId::new(15.0, theme::bold());
            let value = small::fixed(estimate.value);
            let label = format!("{name} and {other}: {} {value}", score.name());
            response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Cell, true, &label));
            let wide = cell >= 84.0 && estimate.interval.is_some();
            let lift = if wide { vec2(0.0, -8.0) } else { Vec2::ZERO };
            ui.painter().text(rect.center() + lift, Align2::CENTER_CENTER, value, bold, front);
            if wide {
                let small = FontId::proportional(11.0);
                let at = rect.center() + vec2(0.0, 10.0);
                ui.painter().text(at, Align2::CENTER_CENTER, interval_text(&estimate), small, front);
            }
            let only = pair.only_in_first + pair.only_in_second;
            response.on_hover_text(format!(
                "{name} and {other}\n{} in both, {only} in one only\nRand index {}, mutual information {}, V-measure {}\n\
                 Entropy {} and {}",
                counted(pair.images, "picture"),
                small::fixed(scores.adjusted_rand_index.value),
                small::fixed(scores.adjusted_mutual_information.value),
                small::fixed(scores.v_measure.value),
                small::fixed(scores.entropy_of_first.value),
                small::fixed(scores.entropy_of_second.value),
            ));
        }
    }
}

/// A text of at most this width.
fn shortened(ui: &Ui, at: egui::Pos2, width: f32, anchor: Align2, text: &str, colour: Color32) {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), FontId::proportional(13.0), colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let rect = anchor.anchor_size(at, galley.size());
    ui.painter().galley(rect.min, galley, colour);
}

fn colour([red, green, blue]: [u8; 3]) -> Color32 {
    Color32::from_rgb(red, green, blue)
}

/// How often each two pictures stand together; a click on a cell shows the two.
fn together_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, report: &Report) {
    egui::Panel::right("pair of pictures").default_size(360.0).size_range(260.0..=700.0).show(ui, |ui| {
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| pair_ui(ui, view, project, report));
    });
    egui::CentralPanel::default().show(ui, |ui| {
        ui.horizontal(|ui| {
            small::title(ui, "How often pictures stand together");
            small::weak(ui, "average linkage order; at the left the best consensus").on_hover_text(
                "Colour: share of the raters who put the two pictures into one group, from light (none) to dark (all)",
            );
        });
        let images = report.order.len();
        let side = (ui.available_width() - 24.0).min(ui.available_height() - 34.0).max(160.0);
        // Whole points for each cell where there is room, so that cells are of one size.
        let cell = if side / images as f32 >= 2.0 { (side / images as f32).floor() } else { side / images as f32 };
        let side = cell * images as f32;
        let (space, response) = ui.allocate_exact_size(vec2(side + 18.0, side), Sense::CLICK | Sense::HOVER);
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, "Matrix of pictures by pictures")
        });
        let matrix = Rect::from_min_size(space.min + vec2(18.0, 0.0), Vec2::splat(side));
        let key = view.state.loads << 32 | view.state.group.agreement.answers;
        let texture = matrix_texture(ui, report, key);
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        ui.painter().image(texture.id(), matrix, whole, Color32::WHITE);
        for (row, image) in report.order.iter().enumerate() {
            let bar = Rect::from_min_size(pos2(space.min.x, matrix.min.y + cell * row as f32), vec2(10.0, cell));
            let grey = if report.best.groups[*image].is_multiple_of(2) { 110 } else { 180 };
            ui.painter().rect_filled(bar, 0.0, Color32::from_gray(grey));
        }
        ui.painter().rect_stroke(matrix, 0.0, ui.visuals().widgets.noninteractive.bg_stroke, StrokeKind::Outside);
        let at = |pointer: egui::Pos2| {
            let place = (pointer - matrix.min) / cell;
            let inside = matrix.contains(pointer) && (place.x as usize) < images && (place.y as usize) < images;
            inside.then_some((place.y as usize, place.x as usize))
        };
        let hovered = response.hover_pos().and_then(at);
        let chosen = view.state.group.agreement.pair;
        for (row, column, strong) in
            hovered.map(|(r, c)| (r, c, false)).into_iter().chain(chosen.map(|(r, c)| (r, c, true)))
        {
            let corner = matrix.min + vec2(cell * column as f32, cell * row as f32);
            let rect = Rect::from_min_size(corner, Vec2::splat(cell)).expand(1.5);
            let width = if strong { 2.5 } else { 1.5 };
            let line = Stroke::new(width, Color32::from_rgb(230, 120, 0));
            ui.painter().rect_stroke(rect, 1.0, line, StrokeKind::Outside);
        }
        if let Some((row, column)) = hovered {
            if response.clicked() {
                view.state.group.agreement.pair = Some((row, column));
            }
            response.on_hover_ui_at_pointer(|ui| {
                ui.horizontal(|ui| {
                    for place in [row, column] {
                        let id = report.groupings.images()[report.order[place]];
                        let (space, _) = ui.allocate_exact_size(Vec2::splat(110.0), Sense::hover());
                        if let Some(image) = project.image(id) {
                            picture::paint(ui, space, image, project, view.textures, PictureSize::Thumbnail);
                        }
                    }
                });
                ui.label(together_text(report, row, column));
            });
        }
    });
}

fn together_text(report: &Report, row: usize, column: usize) -> String {
    if row == column {
        return "A picture with itself".to_owned();
    }
    let (together, placed) = report.co_occurrence.counts(report.order[row], report.order[column]);
    match placed {
        0 => "No rater placed both".to_owned(),
        _ => format!("{together} of {} put them together", counted(placed as usize, "rater")),
    }
}

/// The matrix as a picture of one pixel for each cell, made once for each report.
fn matrix_texture(ui: &Ui, report: &Report, key: u64) -> egui::TextureHandle {
    let id = egui::Id::unique("matrix of pictures together");
    if let Some((known, texture)) = ui.ctx().data(|data| data.get_temp::<(u64, egui::TextureHandle)>(id))
        && known == key
    {
        return texture;
    }
    let images = report.order.len();
    let mut pixels = Vec::with_capacity(images * images);
    for i in &report.order {
        for j in &report.order {
            let share = if i == j { Some(1.0) } else { report.co_occurrence.share(*i, *j) };
            pixels.push(colour(figures::sequential(share.unwrap_or(f64::NAN))));
        }
    }
    let image = egui::ColorImage::new([images, images], pixels);
    let texture = ui.ctx().load_texture("together", image, egui::TextureOptions::NEAREST);
    ui.ctx().data_mut(|data| data.insert_temp(id, (key, texture.clone())));
    texture
}

fn pair_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, report: &Report) {
    ui.add_space(STEP);
    let Some((row, column)) = view.state.group.agreement.pair else {
        small::title(ui, "Two pictures");
        small::weak(ui, "A click on a cell shows its two pictures here, and who put them together.");
        return;
    };
    ui.horizontal(|ui| {
        small::title(ui, together_text(report, row, column));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button(icons::CLOSE).on_hover_text("Close (Esc)").clicked() {
                view.state.group.agreement.pair = None;
            }
        });
    });
    let ids = [row, column].map(|place| report.groupings.images()[report.order[place]]);
    let width = ui.available_width();
    let height = (width * 0.66).min((ui.ctx().content_rect().height() - 360.0) / 2.0).max(120.0);
    for id in if row == column { &ids[..1] } else { &ids[..] } {
        let Some(image) = project.image(*id) else { continue };
        let (space, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
        let name = format!("Picture {}", image.file_name());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, &name));
        picture::paint(ui, space, image, project, view.textures, PictureSize::Large(1600));
        small::weak(ui, image.file_name().to_owned());
    }
    ui.add_space(STEP);
    for sort in &report.sorts {
        let [a, b] = ids.map(|id| sort.groups.get(&id));
        let text = match (a, b) {
            (Some(a), Some(b)) if a == b => format!("together: {a}"),
            (Some(a), Some(b)) => format!("{a}  |  {b}"),
            _ => "did not place both".to_owned(),
        };
        ui.horizontal_wrapped(|ui| {
            small::weak(ui, format!("{}:", sort.rater));
            ui.label(text);
        });
    }
}

fn consensus_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, report: &Report) {
    egui::Panel::top("consensus controls").show(ui, |ui| {
        ui.add_space(STEP / 2.0);
        ui.horizontal(|ui| {
            let agreement = &mut view.state.group.agreement;
            ui.radio_value(&mut agreement.by_linkage, false, "Best agreement").on_hover_text(
                "The partition with the highest mean adjusted Rand index with the raters that could be found, from \
                 their own partitions and every cut of the average linkage",
            );
            ui.radio_value(&mut agreement.by_linkage, true, "Average linkage at level")
                .on_hover_text("Pictures of a group stand together for at least this share of the raters, on average");
            let slider = egui::Slider::new(&mut agreement.level, 0.0..=1.0).step_by(0.05).fixed_decimals(2);
            let response = ui.add_enabled(agreement.by_linkage, slider);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Slider, true, "Level"));
        });
        ui.add_space(STEP / 2.0);
    });
    egui::CentralPanel::default().show(ui, |ui| {
        let level = view.state.group.agreement.level;
        if view.state.group.agreement.linkage.as_ref().is_none_or(|(known, _)| *known != level) {
            view.state.group.agreement.linkage = report.linkage(level).ok().map(|consensus| (level, consensus));
        }
        let consensus: Consensus = match &view.state.group.agreement.linkage {
            Some((_, linkage)) if view.state.group.agreement.by_linkage => linkage.clone(),
            _ => report.best.clone(),
        };
        let groups = consensus.groups.iter().max().map_or(0, |largest| largest + 1);
        ui.horizontal_wrapped(|ui| {
            small::title(ui, format!("{}, mean Rand index {:.3}", counted(groups, "group"), consensus.mean_rand_index));
            let names = report.groupings.raters().iter().zip(&consensus.rand_index_by_rater);
            let each: Vec<String> = names.map(|(name, value)| format!("{name} {}", small::fixed(*value))).collect();
            small::weak(ui, each.join("  ·  ")).on_hover_text("Adjusted Rand index with each rater");
        });
        ui.add_space(STEP / 2.0);
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for group in 0..groups {
                let members: Vec<ImageId> = consensus
                    .groups
                    .iter()
                    .zip(report.groupings.images())
                    .filter(|(of, _)| **of == group)
                    .map(|(_, image)| *image)
                    .collect();
                ui.horizontal_top(|ui| {
                    ui.allocate_ui_with_layout(vec2(130.0, 40.0), Layout::top_down(Align::Min), |ui| {
                        ui.set_width(130.0);
                        small::title(ui, format!("Group {}", group + 1));
                        small::weak(ui, counted(members.len(), "picture"));
                    });
                    ui.vertical(|ui| {
                        let picked = view.state.group.agreement.picked;
                        let clicked =
                            image_grid::strip_ui(ui, &members, project, view.textures, picked, 84.0, usize::MAX).0;
                        if clicked.is_some() {
                            view.state.group.agreement.picked = clicked;
                        }
                    });
                });
                ui.add_space(STEP);
            }
        });
    });
}

fn disagreement_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, report: &Report) {
    let most = report.most_disagreed();
    let picked = view.state.group.agreement.picked.or_else(|| most.first().map(|(i, _)| report.groupings.images()[*i]));
    egui::Panel::right("disagreed picture").default_size(380.0).size_range(260.0..=700.0).show(ui, |ui| {
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            if let Some(picked) = picked {
                disagreed_ui(ui, view, project, report, picked);
            }
        });
    });
    egui::CentralPanel::default().show(ui, |ui| {
        small::title(ui, "Pictures that raters disagree on most").on_hover_text(
            "Chance that two different raters disagree on whether the picture and another belong together, mean over all \
             other pictures: 0 where all agree",
        );
        let longest = most.first().map_or(1.0, |(_, value)| value.max(1e-9));
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = vec2(10.0, 10.0);
                for (index, value) in most.iter().take(MOST_SHOWN) {
                    let id = report.groupings.images()[*index];
                    let Some(image) = project.image(id) else { continue };
                    let (space, response) = ui.allocate_exact_size(vec2(112.0, 136.0), Sense::CLICK | Sense::HOVER);
                    let name = format!("{}, disagreement {value:.3}", image.file_name());
                    response.widget_info(|| {
                        egui::WidgetInfo::selected(egui::accesskit::Role::ListItem, true, picked == Some(id), &name)
                    });
                    if !ui.is_rect_visible(space) {
                        continue;
                    }
                    let above = Rect::from_min_max(space.min, space.max - vec2(0.0, 24.0));
                    picture::paint(ui, above, image, project, view.textures, PictureSize::Thumbnail);
                    let bar = Rect::from_min_size(pos2(space.min.x, space.max.y - 20.0), vec2(112.0, 4.0));
                    ui.painter().rect_filled(bar, 2.0, ui.visuals().widgets.inactive.weak_bg_fill);
                    let mut filled = bar;
                    filled.set_width(bar.width() * (value / longest) as f32);
                    ui.painter().rect_filled(filled, 2.0, theme::accent(ui.visuals().dark_mode));
                    let (font, weak) = (FontId::proportional(12.0), ui.visuals().weak_text_color());
                    ui.painter().text(space.center_bottom(), Align2::CENTER_BOTTOM, format!("{value:.3}"), font, weak);
                    if picked == Some(id) {
                        let line = Stroke::new(2.5, theme::accent(ui.visuals().dark_mode));
                        ui.painter().rect_stroke(picture::fitted(image, above), 2.0, line, StrokeKind::Outside);
                    }
                    if response.clicked() {
                        view.state.group.agreement.picked = Some(id);
                    }
                }
            });
        });
    });
}

/// One picture, and with what each rater put it.
fn disagreed_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, report: &Report, picked: ImageId) {
    let Some(image) = project.image(picked) else { return };
    ui.add_space(STEP);
    small::title(ui, image.file_name().to_owned());
    let width = ui.available_width();
    let (space, response) = ui.allocate_exact_size(vec2(width, width * 0.62), Sense::hover());
    let name = format!("Picture {}", image.file_name());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, &name));
    picture::paint(ui, space, image, project, view.textures, PictureSize::Large(1600));
    for sort in &report.sorts {
        ui.add_space(STEP / 2.0);
        let Some(group) = sort.groups.get(&picked) else {
            small::weak(ui, format!("{} did not place it", sort.rater));
            continue;
        };
        let others: Vec<ImageId> =
            sort.groups.iter().filter(|(id, of)| **id != picked && *of == group).map(|(id, _)| *id).collect();
        ui.horizontal_wrapped(|ui| {
            small::title(ui, &sort.rater);
            small::weak(ui, format!("{group}  ·  with {}", counted(others.len(), "other")));
        });
        if !others.is_empty() {
            // The same picture may stand in the row of several raters.
            let strip = |ui: &mut Ui| image_grid::strip_ui(ui, &others, project, view.textures, None, 48.0, 1).0;
            let clicked = ui.push_id(&sort.rater, strip).inner;
            if clicked.is_some() {
                view.state.group.agreement.picked = clicked;
            }
        }
    }
}
