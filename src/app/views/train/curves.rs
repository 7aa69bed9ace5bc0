//! A run's curves: loss by epoch or by batch, mean average precision, and how its validation pictures cluster.

use egui::{Color32, Ui, vec2};

use crate::app::ViewContext;
use crate::app::state::CurveSettings;
use crate::app::theme::{self, STEP};
use crate::app::widgets::curves::{self, Curve, CurveLook};
use crate::app::widgets::small;
use crate::training::{BatchLoss, EpochRecord};

/// What a curve shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Binary cross-entropy.
    Loss,
    /// Mean average precision.
    Precision,
    /// Silhouette of the validation pictures' clusters.
    Silhouette,
    /// Entropy of these clusters against groups made by people.
    Entropy,
}

impl Metric {
    /// All, in the order shown.
    pub const ALL: [Self; 4] = [Self::Loss, Self::Precision, Self::Silhouette, Self::Entropy];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::Precision => "Mean average precision",
            Self::Silhouette => "Silhouette",
            Self::Entropy => "Entropy",
        }
    }

    /// What it is.
    pub fn help(self) -> &'static str {
        match self {
            Self::Loss => "Binary cross-entropy, mean over pictures and labels, by epoch; lower is better",
            Self::Precision => "Average precision, mean over labels that have a positive, by epoch; higher is better",
            Self::Silhouette => {
                "The validation pictures are clustered by their label intensities after every epoch. Mean silhouette \
                 coefficient (Rousseeuw 1987): 1 when clusters are tight and far apart, 0 when they touch; higher is \
                 better"
            }
            Self::Entropy => {
                "How mixed these clusters are in the groups that people made (paper, section IV.B.2): 0 when every \
                 cluster holds one group only, 1 when the groups are spread evenly; lower is better"
            }
        }
    }

    /// Epoch and value, of the training or the validation part; entropy against one grouping or the mean over all.
    pub fn points(self, epochs: &[EpochRecord], train: bool, grouping: Option<&str>) -> Vec<[f64; 2]> {
        epochs
            .iter()
            .filter_map(|epoch| {
                let part = if train { &epoch.train } else { &epoch.validation };
                let value = match self {
                    Self::Loss => Some(part.loss),
                    Self::Precision => part.mean_average_precision,
                    Self::Silhouette => epoch.groups.as_ref()?.silhouette,
                    Self::Entropy => {
                        let against = &epoch.groups.as_ref()?.against;
                        let wanted = |name: &str| grouping.is_none_or(|grouping| grouping == name);
                        let values: Vec<f64> =
                            against.iter().filter(|one| wanted(&one.grouping)).map(|one| one.entropy).collect();
                        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
                    }
                };
                Some([epoch.epoch as f64, value?])
            })
            .collect()
    }
}

/// How a metric is drawn now. Only losses spread over powers of ten.
pub fn look_of(settings: &CurveSettings, metric: Metric) -> CurveLook {
    CurveLook { smoothing: settings.smoothing, logarithmic: settings.logarithmic && metric == Metric::Loss }
}

/// Loss of each step: part of an epoch and value.
pub fn batch_points(batches: &[BatchLoss]) -> Vec<[f64; 2]> {
    batches
        .iter()
        .map(|batch| [batch.epoch as f64 - 1.0 + batch.step as f64 / batch.steps.max(1) as f64, batch.loss])
        .collect()
}

/// The switches of the page, at the right of the pages' names.
pub fn controls_ui(ui: &mut Ui, settings: &mut CurveSettings, with_batches: bool) {
    let response = ui.checkbox(&mut settings.logarithmic, "Log scale");
    response.on_hover_text("Losses on a logarithmic scale, on which small ones can be told apart");
    if with_batches {
        let response = ui.checkbox(&mut settings.by_batch, "By batch");
        response
            .on_hover_text("The training loss of every step of the optimiser (with dropout) instead of each epoch's");
    }
    let response = ui.add(egui::Slider::new(&mut settings.smoothing, 0.0..=0.95).show_value(false).trailing_fill(true));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Slider, true, "Smoothing"));
    let help = "Moving average: the further right, the more of what came before goes into each point. The values \
                themselves stay in sight as pale lines.";
    response.on_hover_text(help);
    small::weak(ui, "Smoothing").on_hover_text(help);
}

/// The page.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>, epochs: &[EpochRecord], batches: &[BatchLoss], empty: &str) {
    let settings = &mut view.state.train.curves;
    let (blue, orange) = (theme::cluster_colour(0), theme::cluster_colour(5));
    let best = epochs.iter().rev().find(|epoch| epoch.best).map(|epoch| epoch.epoch as f64);
    let marks: Vec<(f64, Color32)> = best.map(|best| (best, ui.visuals().weak_text_color())).into_iter().collect();
    let height = (ui.available_height() / 2.0 - curves::TITLE_POINTS - 3.0 * STEP).clamp(96.0, 520.0);
    for pair in Metric::ALL.chunks(2) {
        ui.columns(2, |columns| {
            for (ui, metric) in columns.iter_mut().zip(pair) {
                metric_ui(ui, settings, *metric, epochs, batches, [blue, orange], &marks, height, empty);
            }
        });
        ui.add_space(STEP);
    }
}

#[allow(clippy::too_many_arguments)]
fn metric_ui(
    ui: &mut Ui,
    settings: &mut CurveSettings,
    metric: Metric,
    epochs: &[EpochRecord],
    batches: &[BatchLoss],
    [blue, orange]: [Color32; 2],
    marks: &[(f64, Color32)],
    height: f32,
    empty: &str,
) {
    let curve = |name: &str, colour, points| Curve { name: name.to_owned(), colour, points, broken: false };
    let known = groupings(epochs);
    // One that this run was not compared with counts as not chosen.
    let grouping = settings.grouping.as_deref().filter(|chosen| known.iter().any(|name| name == chosen));
    let validation = curve("validation", orange, metric.points(epochs, false, grouping));
    let curves = match metric {
        Metric::Loss if settings.by_batch => vec![curve("each step", blue, batch_points(batches)), validation],
        Metric::Loss | Metric::Precision => {
            vec![curve("train", blue, metric.points(epochs, true, grouping)), validation]
        }
        Metric::Silhouette | Metric::Entropy => vec![validation],
    };
    let choosing = (metric == Metric::Entropy).then_some(known);
    curves::title_ui(ui, metric.name(), metric.help(), &curves, |ui| {
        if let Some(groupings) = choosing.filter(|groupings| groupings.len() > 1) {
            grouping_ui(ui, settings, &groupings);
        }
    });
    if curves.iter().all(|curve| curve.points.is_empty()) {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), egui::Sense::hover());
        let mut place =
            ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(egui::Layout::top_down(egui::Align::Min)));
        let text = match metric {
            Metric::Entropy if !epochs.is_empty() => {
                "No groups made by people share pictures with the validation part."
            }
            Metric::Silhouette if !epochs.is_empty() => "Too few validation pictures to cluster.",
            _ => empty,
        };
        small::weak(&mut place, text);
        return;
    }
    curves::plot_ui(ui, metric.name(), height, &curves, marks, look_of(settings, metric));
}

/// The groupings that a run was compared with, in their order.
fn groupings(epochs: &[EpochRecord]) -> Vec<String> {
    let newest = epochs.iter().rev().find_map(|epoch| epoch.groups.as_ref());
    newest.map(|groups| groups.against.iter().map(|one| one.grouping.clone()).collect()).unwrap_or_default()
}

/// Against whose groups.
fn grouping_ui(ui: &mut Ui, settings: &mut CurveSettings, groupings: &[String]) {
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let mean = format!("mean of {}", groupings.len());
        let chosen =
            settings.grouping.clone().filter(|chosen| groupings.contains(chosen)).unwrap_or_else(|| mean.clone());
        small::choice_ui(ui, "Groups that entropy is against", &chosen, 120.0, |ui| {
            ui.selectable_value(&mut settings.grouping, None, mean);
            for grouping in groupings {
                ui.selectable_value(&mut settings.grouping, Some(grouping.clone()), grouping);
            }
        });
    });
}
