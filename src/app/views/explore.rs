//! Explore: clusters as rows of pictures, nearest to the centroid first; scores at the side.

use egui::{RichText, Sense, Ui, vec2};
use egui_plot::{Line, PlotPoints, Points, VLine};

use crate::app::commands::UiCommand;
use crate::app::state::{AppState, ExploreState, ProjectState};
use crate::app::theme::{self, STEP};
use crate::app::widgets::{image_grid, picture, small};
use crate::app::{ViewContext, icons};
use crate::clustering::{CLUSTERERS, Method};
use crate::engine::analysis::{Exploration, ExplorationScores};
use crate::engine::command::{JobCommand, Lookup};
use crate::engine::jobs::cluster::ClusteredPart;
use crate::engine::jobs::counted;
use crate::engine::jobs::score::{ConditionSummary, ScoreReport, ScoredGrouping};
use crate::engine::thumbnails::PictureSize;
use crate::evaluation::MeanAndDeviation;
use crate::evaluation::mean_over;
use crate::evaluation::score::against_groups;
use crate::features::FeatureSource;
use crate::ids::ImageId;
use crate::wording::{number, score, shown};

/// Below this width the bar gets along with less.
const NARROW_POINTS: f32 = 1040.0;
/// Below this width its buttons are icons.
const NAMED_BUTTONS_POINTS: f32 = 1340.0;
/// Smallest K: one cluster is no grouping.
const FEWEST_CLUSTERS: usize = 2;
/// Largest K of the slider.
const MOST_CLUSTERS: usize = 20;
/// Largest seed that a field of decimal numbers holds exactly.
const LARGEST_SEED: u64 = (1 << 53) - 1;
/// What the column of the raters' own entropy is.
const RATERS: &str = "Entropy of every rater's groups against every other's, over the same pictures: what people reach \
                      among themselves.";
/// Height of a line of numbers.
const ROW_POINTS: f32 = 20.0;
/// Labels named for a cluster.
const NAMED_LABELS: usize = 4;

/// Clusters, once features are there to cluster; Report asks for the same.
pub fn wants(state: &mut AppState, project: &ProjectState) -> Vec<Lookup> {
    state.explore.features = state.explored_features();
    state.explore.next_request(project.load()).map(Lookup::Explore).into_iter().collect()
}

/// Draws the view.
pub fn ui(ui: &mut Ui, view: &mut ViewContext<'_>) {
    let Some(project) = view.state.project.clone() else { return };
    let Some(features) = view.state.explored_features() else {
        egui::CentralPanel::default().show(ui, |ui| {
            small::empty_ui(
                ui,
                icons::EXPLORE,
                "No clusters yet",
                "Clusters are made from the label intensities of a trained run, or from any feature set.",
                |ui| small::first_step_ui(ui, view.state, view.actions, UiCommand::StartTraining),
            );
        });
        return;
    };
    controls_ui(ui, view, &project);
    egui::Panel::right("explore side").default_size(330.0).size_range(280.0..=640.0).show(ui, |ui| {
        egui::ScrollArea::vertical().id_salt("explore side").auto_shrink(false).show(ui, |ui| {
            side_ui(ui, view, &project);
        });
    });
    egui::CentralPanel::default().show(ui, |ui| {
        if let Some(notice) = view.state.explore.failed.clone() {
            let hint = notice.hint.unwrap_or_default();
            small::empty_ui(ui, icons::EXPLORE, "These clusters cannot be made", &notice.message, |ui| {
                small::weak(ui, hint);
                // An interrupted run has a network, but nobody asked it yet.
                let trained = |run| project.snapshot.runs.iter().any(|r| r.id == run && r.best_epoch.is_some());
                let idle = view.state.job.is_none();
                let button = egui::Button::new("Make its label intensities");
                if let FeatureSource::Run(run) = features
                    && view.state.explore.lacks_intensities
                    && trained(run)
                    && ui.add_enabled(idle, button).clicked()
                {
                    view.send(JobCommand::ComputeIntensities(run, view.state.explore.part));
                }
            });
            return;
        }
        let Some(exploration) = view.state.explore.exploration.clone() else {
            small::weak(ui, "Making clusters…");
            return;
        };
        match view.state.explore.focused_cluster {
            Some(cluster) => one_cluster_ui(ui, view, &project, &exploration, cluster),
            None => all_clusters_ui(ui, view, &project, &exploration),
        }
    });
}

pub(super) fn controls_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    egui::Panel::top("explore controls").show(ui, |ui| {
        ui.add_space(STEP / 2.0);
        ui.horizontal_wrapped(|ui| {
            let narrow = ui.available_width() < NARROW_POINTS;
            let with_icons = ui.available_width() < NAMED_BUTTONS_POINTS;
            if narrow {
                ui.spacing_mut().slider_width = 110.0;
                ui.spacing_mut().item_spacing.x = 6.0;
            }
            let shown = view.state.explored_features();
            let explore = &mut view.state.explore;
            let name = shown.map_or(String::new(), |source| project.features_name(source));
            small::choice_ui(ui, "Features", &name, 110.0, |ui| {
                for run in project.snapshot.runs.iter().filter(|run| run.best_epoch.is_some()) {
                    let text = format!("Run {}  ·  {}  ·  seed {}", run.id.0, run.status, run.seed);
                    chosen_ui(ui, &mut explore.features, shown, FeatureSource::Run(run.id), text);
                }
                for set in &project.snapshot.feature_sets {
                    let size = counted(set.columns.len(), "feature");
                    let text = format!("{}  ·  {size}", set.name);
                    chosen_ui(ui, &mut explore.features, shown, FeatureSource::Set(set.id), text)
                        .on_hover_text(set.recipe.summary(|source| project.features_name(source)));
                }
            });
            let part = |part| match part {
                ClusteredPart::Test => "Test part",
                ClusteredPart::All => "All pictures",
            };
            small::choice_ui(ui, "Pictures that are clustered", part(explore.part), 110.0, |ui| {
                for choice in [ClusteredPart::Test, ClusteredPart::All] {
                    ui.selectable_value(&mut explore.part, choice, part(choice));
                }
            });
            small::choice_ui(ui, "How pictures are clustered", explore.method.0.name, 150.0, |ui| {
                for clusterer in CLUSTERERS {
                    ui.selectable_value(&mut explore.method, Method(clusterer), clusterer.name)
                        .on_hover_text(clusterer.definition);
                }
            });
            kept_ui(ui, &mut view.state.explore, project);
            let explore = &mut view.state.explore;
            ui.separator();
            ui.label("Clusters").on_hover_text("K, the number of clusters");
            // The slider covers what is usual; any number can be typed beside it.
            let slider = egui::Slider::new(&mut explore.clusters, FEWEST_CLUSTERS..=MOST_CLUSTERS)
                .clamping(egui::SliderClamping::Never);
            let response = ui.add(slider);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Slider, true, "Clusters (K)"));
            // Keys go below the slider's least, too.
            explore.clusters = explore.clusters.max(FEWEST_CLUSTERS);
            if explore.method.0.is_seeded {
                ui.separator();
                ui.label("Seed").on_hover_text("Starting point of k-means; the same seed gives the same clusters");
                let response = ui.add(egui::DragValue::new(&mut explore.seed).range(0..=LARGEST_SEED));
                response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::SpinButton, true, "Seed"));
                if ui.button(icons::SHUFFLE).on_hover_text("Next seed").clicked() {
                    explore.seed += 1;
                }
            }
            ui.separator();
            for command in [UiCommand::ExportClusters, UiCommand::KeepClusters] {
                if with_icons {
                    small::icon_button_ui(ui, view.state, view.actions, command);
                } else {
                    small::command_button_ui(ui, view.state, view.actions, command);
                }
            }
            if let Some(exploration) = &view.state.explore.exploration {
                small::weak(ui, counted(exploration.features.rows(), "picture"))
                    .on_hover_text(format!("Clustered in {:.0} ms", exploration.duration_ms));
            }
        });
        ui.add_space(STEP / 2.0);
    });
}

/// The clusterings that were kept, to open one; nothing while there is none.
fn kept_ui(ui: &mut Ui, explore: &mut ExploreState, project: &ProjectState) {
    let kept = &project.snapshot.clusterings;
    if kept.is_empty() {
        return;
    }
    let opened = explore.opened();
    let name = kept.iter().find(|record| Some(record.id) == opened).map_or("as set here", |record| &record.name);
    small::choice_ui(ui, "Clusters that were kept", name, 110.0, |ui| {
        if ui.selectable_label(opened.is_none(), "as set here").clicked() {
            explore.kept = None;
        }
        for record in kept {
            let (clusters, images) = (counted(record.clusters, "cluster"), counted(record.images, "picture"));
            let text = format!("{}  ·  {clusters}  ·  {images}", record.name);
            let of = project.features_name(record.features);
            let help = format!("{} of {of}, seed {}, {}", record.method, record.seed, &record.created_at);
            if ui.selectable_label(Some(record.id) == opened, text).on_hover_text(help).clicked() {
                explore.open(record);
            }
        }
    });
}

/// One of the features there are.
fn chosen_ui(
    ui: &mut Ui,
    chosen: &mut Option<FeatureSource>,
    shown: Option<FeatureSource>,
    one: FeatureSource,
    text: String,
) -> egui::Response {
    let response = ui.selectable_label(shown == Some(one), text);
    if response.clicked() {
        *chosen = Some(one);
    }
    response
}

fn all_clusters_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState, exploration: &Exploration) {
    if exploration.missing > 0 {
        missing_ui(ui, view, exploration);
    }
    egui::ScrollArea::vertical().id_salt("clusters").auto_shrink(false).show(ui, |ui| {
        for cluster in 0..exploration.members.len() {
            cluster_row_ui(ui, view, project, exploration, cluster);
            ui.add_space(STEP);
        }
    });
}

fn missing_ui(ui: &mut Ui, view: &mut ViewContext<'_>, exploration: &Exploration) {
    ui.horizontal(|ui| {
        let have = if exploration.missing == 1 { "has" } else { "have" };
        let what = match exploration.request.features {
            FeatureSource::Run(_) => "no label intensities by this run yet",
            FeatureSource::Set(_) => "no row in this feature set",
        };
        let text = format!("{} {have} {what}.", counted(exploration.missing, "picture"));
        ui.label(RichText::new(text).color(ui.visuals().warn_fg_color));
        if let FeatureSource::Run(run) = exploration.request.features
            && ui.button("Make them").clicked()
        {
            view.send(JobCommand::ComputeIntensities(run, exploration.request.part));
        }
    });
}

/// One cluster: its number, size and strongest labels, then as many of its pictures as two rows hold.
fn cluster_row_ui(
    ui: &mut Ui,
    view: &mut ViewContext<'_>,
    project: &ProjectState,
    exploration: &Exploration,
    cluster: usize,
) {
    const SUMMARY_POINTS: f32 = 232.0;
    let strip = (view.preferences.thumbnail_points * 0.62).clamp(56.0, 180.0);
    let rows = 2;
    let height = 150.0_f32;
    ui.horizontal_top(|ui| {
        ui.allocate_ui_with_layout(vec2(SUMMARY_POINTS, height), egui::Layout::top_down(egui::Align::Min), |ui| {
            ui.set_width(SUMMARY_POINTS);
            ui.spacing_mut().item_spacing.y = 2.0;
            summary_ui(ui, view, exploration, cluster);
        });
        ui.vertical(|ui| {
            let images = exploration.images_of(cluster);
            let picked = view.state.explore.picked;
            let (clicked, drawn) = image_grid::strip_ui(ui, &images, project, view.textures, picked, strip, rows);
            if let Some(image) = clicked {
                view.state.explore.picked = Some(image);
            }
            let rest = images.len().saturating_sub(drawn);
            let text = if rest > 0 {
                format!("Show all {}  ({rest} more)", images.len())
            } else {
                format!("Show all {}", images.len())
            };
            let button = egui::Button::new(RichText::new(text).small()).frame(false);
            if ui.add(button).on_hover_text("Every picture of this cluster, nearest to its centroid first").clicked() {
                view.state.explore.focused_cluster = Some(cluster);
            }
        });
    });
}

fn summary_ui(ui: &mut Ui, view: &ViewContext<'_>, exploration: &Exploration, cluster: usize) {
    ui.horizontal(|ui| {
        small::cluster_chip(ui, cluster, 24.0);
        small::title(ui, format!("Cluster {}", cluster + 1));
        small::weak(ui, counted(exploration.members[cluster].len(), "picture"));
    });
    let scores = scores_of(view, exploration);
    let silhouette = scores
        .and_then(|scores| scores.report.silhouette.as_ref())
        .and_then(|silhouette| silhouette.per_cluster.get(cluster).copied().flatten());
    small::weak(ui, silhouette.map_or_else(|| "silhouette …".to_owned(), |value| format!("silhouette {}", score(value))))
        .on_hover_text("Mean silhouette coefficient of the cluster's pictures: 1 well apart from the others, 0 on the border, below 0 nearer to another cluster");
    // What other features mean, no name says.
    let labels = if has_labels(view, exploration) { NAMED_LABELS } else { 0 };
    for (label, mean) in strongest(exploration, cluster).into_iter().take(labels) {
        let name = &exploration.features.names[label];
        small::bar_ui(ui, name, mean as f32, theme::cluster_colour(cluster), 100.0)
            .on_hover_text(format!("Mean intensity of “{name}” in the cluster: {mean:.3}"));
    }
}

/// The scores, if they are those of the clusters on show.
fn scores_of<'a>(view: &'a ViewContext<'_>, exploration: &Exploration) -> Option<&'a ExplorationScores> {
    view.state.explore.scores.as_deref().filter(|scores| scores.request == exploration.request)
}

/// True when the features are labels, as the bars of a cluster and of a picture show them.
fn has_labels(view: &ViewContext<'_>, exploration: &Exploration) -> bool {
    view.state.project.as_ref().is_some_and(|project| project.has_label_columns(exploration.request.features))
}

/// The labels by their mean intensity in a cluster, which is its centroid.
fn strongest(exploration: &Exploration, cluster: usize) -> Vec<(usize, f64)> {
    let mut labels: Vec<(usize, f64)> =
        exploration.clustering.centroids.row(cluster).iter().copied().enumerate().collect();
    labels.sort_by(|a, b| b.1.total_cmp(&a.1));
    labels
}

fn one_cluster_ui(
    ui: &mut Ui,
    view: &mut ViewContext<'_>,
    project: &ProjectState,
    exploration: &Exploration,
    cluster: usize,
) {
    ui.horizontal(|ui| {
        if ui.button(format!("{}  All clusters", icons::PREVIOUS)).on_hover_text("Esc").clicked() {
            view.state.explore.focused_cluster = None;
        }
        small::cluster_chip(ui, cluster, 24.0);
        small::title(ui, format!("Cluster {}", cluster + 1));
        small::weak(
            ui,
            format!("{}, nearest to the centroid first", counted(exploration.members[cluster].len(), "picture")),
        );
    });
    let images = exploration.images_of(cluster);
    let explore = &mut view.state.explore;
    let outcome = image_grid::ui(
        ui,
        "cluster grid",
        &images,
        project,
        view.textures,
        &mut explore.selection,
        view.preferences.thumbnail_points,
        &mut explore.scroll_to_cursor,
    );
    if let Some(scale) = outcome.scale {
        view.preferences.scale_thumbnails(scale);
    }
    if explore.selection.cursor.is_some_and(|cursor| images.contains(&cursor)) {
        explore.picked = explore.selection.cursor;
    }
}

fn side_ui(ui: &mut Ui, view: &mut ViewContext<'_>, project: &ProjectState) {
    ui.add_space(STEP);
    if view.state.explore.failed.is_some() {
        // What was found for other settings would be taken for these.
        return;
    }
    let Some(exploration) = view.state.explore.exploration.clone() else { return };
    if let Some(picked) = view.state.explore.picked {
        picked_ui(ui, view, project, &exploration, picked);
        ui.separator();
    }
    if project.snapshot.data_remark.is_some() {
        small::weak(ui, "Pictures, labels and raters are synthetic.");
    }
    match scores_of(view, &exploration) {
        Some(scores) => scores_ui(ui, &scores.report),
        None => {
            small::weak(ui, "Scoring…");
        }
    }
    elbow_ui(ui, view);
    view.state.explore.exploration = Some(exploration);
}

fn picked_ui(
    ui: &mut Ui,
    view: &mut ViewContext<'_>,
    project: &ProjectState,
    exploration: &Exploration,
    picked: ImageId,
) {
    let Some(image) = project.image(picked) else { return };
    let Some(row) = exploration.features.image_ids.iter().position(|id| *id == picked) else { return };
    let cluster = exploration.clustering.assignments[row];
    ui.horizontal(|ui| {
        small::cluster_chip(ui, cluster, 20.0);
        ui.add(egui::Label::new(RichText::new(image.file_name()).font(theme::strong_text())).truncate());
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if ui.button(icons::CLOSE).on_hover_text("Close (Esc)").clicked() {
                view.state.explore.picked = None;
            }
        });
    });
    let width = ui.available_width();
    let (space, response) = ui.allocate_exact_size(vec2(width, width * 0.8), Sense::hover());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, format!("Picture {}", image.file_name()))
    });
    picture::paint(ui, space, image, project, view.textures, PictureSize::Large(1600));
    let silhouette = scores_of(view, exploration)
        .and_then(|scores| scores.report.silhouette.as_ref())
        .and_then(|silhouette| silhouette.per_image.get(row).copied().flatten())
        .map_or_else(String::new, |value| format!("  ·  silhouette {}", score(value)));
    small::weak(ui, format!("distance {:.2}{silhouette}", exploration.clustering.distances[row]))
        .on_hover_text("Distance to the cluster's centroid in the space of its features");
    let mut labels: Vec<(usize, f32)> = exploration.features.row(row).iter().copied().enumerate().collect();
    labels.sort_by(|a, b| b.1.total_cmp(&a.1));
    ui.spacing_mut().item_spacing.y = 2.0;
    let shown = if has_labels(view, exploration) { 8 } else { 0 };
    for (label, value) in labels.into_iter().take(shown) {
        small::bar_ui(ui, &exploration.features.names[label], value, theme::cluster_colour(cluster), 120.0);
    }
    ui.spacing_mut().item_spacing.y = STEP;
}

fn scores_ui(ui: &mut Ui, report: &ScoreReport) {
    small::title(ui, "The clusters alone");
    egui::Grid::new("of clusters").num_columns(2).min_row_height(ROW_POINTS).spacing(vec2(12.0, 2.0)).show(ui, |ui| {
        for (of, found) in report.scores.iter() {
            ui.label(of.name).on_hover_text(of.help());
            match (found.value, &found.why_not) {
                (Some(value), _) => ui.label(RichText::new(shown(value, 3)).font(theme::strong_text())),
                (None, reason) => small::weak(ui, "–").on_hover_text(reason.clone().unwrap_or_default()),
            };
            ui.end_row();
        }
    });
    if let Some(silhouette) = &report.silhouette {
        let how = match silhouette.sampled {
            Some(images) => format!("silhouette sampled, {} of {}", number(images), counted(report.images, "picture")),
            None => format!("silhouette exact, {}", counted(report.images, "picture")),
        };
        small::weak(ui, how);
    }
    ui.add_space(STEP);
    small::title(ui, "Against groups made by people");
    if report.conditions.is_empty() {
        small::weak(
            ui,
            "No groupings share pictures with these clusters. Import some: rater, condition, image, group.",
        );
        return;
    }
    super::report::warnings_ui(ui, report);
    for condition in &report.conditions {
        condition_ui(ui, report, condition);
    }
}

/// The scores against one condition: the mean of each over its raters, then every rater's.
fn condition_ui(ui: &mut Ui, report: &ScoreReport, condition: &ConditionSummary) {
    ui.add_space(STEP);
    let on = format!("{}, {}", counted(condition.raters, "rater"), counted(condition.compared, "picture"));
    ui.label(format!("Condition {}", condition.condition));
    small::weak(ui, &on).on_hover_text(format!(
        "Means over {}, on {} of {} that they sorted",
        counted(condition.raters, "rater"),
        condition.compared,
        counted(condition.rated, "picture")
    ));
    let grid = egui::Grid::new(("means", &condition.condition)).num_columns(2).min_row_height(ROW_POINTS);
    grid.spacing(vec2(12.0, 2.0)).show(ui, |ui| {
        for (of, mean) in condition.scores.iter() {
            ui.label(of.name).on_hover_text(of.help());
            match mean {
                Some(mean) => {
                    ui.label(RichText::new(mean_over(mean, condition.raters)).font(theme::strong_text()));
                }
                None => {
                    small::weak(ui, "–").on_hover_text("No rater made two groups or more of these pictures");
                }
            }
            ui.end_row();
        }
        small::weak(ui, "Entropy of chance")
            .on_hover_text("Mean over 1,000 shuffles of the pictures, clusters as large");
        small::weak(ui, score(condition.chance.mean));
        ui.end_row();
        small::weak(ui, "Entropy among raters").on_hover_text(RATERS);
        ceiling_ui(ui, condition.raters_among_themselves.as_ref());
        ui.end_row();
    });
    egui::CollapsingHeader::new("By rater").id_salt(("by rater", &condition.condition)).show(ui, |ui| {
        egui::ScrollArea::horizontal().id_salt(("raters", &condition.condition)).show(ui, |ui| {
            egui::Grid::new(("raters", &condition.condition)).striped(true).spacing(vec2(10.0, 6.0)).show(ui, |ui| {
                small::weak(ui, "");
                for of in against_groups() {
                    small::weak(ui, of.short).on_hover_text(of.help());
                }
                ui.end_row();
                for grouping in report.groupings.iter().filter(|of| of.condition == condition.condition) {
                    rater_row_ui(ui, grouping);
                }
            });
        });
    });
}

fn rater_row_ui(ui: &mut Ui, grouping: &ScoredGrouping) {
    small::weak(ui, &grouping.rater).on_hover_text(format!(
        "{} compared; {} only in the clusters, {} only in the groups",
        counted(grouping.images, "picture"),
        grouping.only_in_clusters,
        grouping.only_in_groups
    ));
    for (_, value) in grouping.scores.iter() {
        small::weak(ui, value.map_or_else(|| "–".to_owned(), |value| shown(value, 3)));
    }
    ui.end_row();
}

/// What the raters reach among themselves.
fn ceiling_ui(ui: &mut Ui, ceiling: Option<&MeanAndDeviation>) {
    match ceiling {
        Some(spread) => {
            let deviation = spread.standard_deviation.map_or_else(String::new, |value| format!(" ± {}", score(value)));
            let tip = format!("{RATERS} Mean {}{deviation} over {} comparisons.", score(spread.mean), spread.count);
            ui.label(score(spread.mean)).on_hover_text(tip);
        }
        None => {
            small::weak(ui, "–").on_hover_text("There is one rater only under this condition");
        }
    }
}

fn elbow_ui(ui: &mut Ui, view: &ViewContext<'_>) {
    let Some(elbow) = &view.state.explore.elbow else { return };
    ui.add_space(STEP);
    small::title(ui, "Elbow").on_hover_text(
        "Sum of squared distances of k-means for each K; the knee is the point farthest from the line between \
         the ends",
    );
    let points: Vec<[f64; 2]> = elbow.points.iter().map(|point| [point.clusters as f64, point.sse]).collect();
    let accent = theme::accent(ui.visuals().dark_mode);
    let weak = ui.visuals().weak_text_color();
    let chosen = view.state.explore.clusters as f64;
    small::still_plot(ui, "elbow", 150.0)
        .include_y(0.0)
        .x_grid_spacer(egui_plot::uniform_grid_spacer(|_| [8.0, 4.0, 1.0]))
        .show(ui, |plot| {
            plot.line(Line::new("sum of squares", PlotPoints::from(points.clone())).color(accent).width(2.0));
            plot.points(Points::new("K", PlotPoints::from(points)).color(accent).radius(3.0));
            plot.vline(VLine::new("on show", chosen).color(weak));
        });
    if let Some(knee) = elbow.knee {
        small::weak(ui, format!("The knee is at K = {knee}."));
    }
}
