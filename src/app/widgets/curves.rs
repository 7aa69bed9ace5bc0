//! Curves over the epochs of a run: smoothed where asked for, with the values themselves always in sight.

use egui::{Color32, RichText, Sense, Stroke, Ui, Vec2b, vec2};
use egui_plot::{GridInput, GridMark, HoverPosition, Line, LineStyle, PlotPoints, Points, VLine};

use super::small;
use crate::app::theme::STEP;

/// Height of the line above the curves.
pub const TITLE_POINTS: f32 = 28.0;

/// Most points drawn of one curve; more of them keep their extremes.
const MOST_POINTS: usize = 1500;
/// The smallest value of a logarithmic axis.
const LEAST: f64 = 1e-6;

/// A curve.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// Its colour.
    pub colour: Color32,
    /// Epoch (or part of one) and value, by epoch.
    pub points: Vec<[f64; 2]>,
    /// Drawn broken, to tell it from another of the same colour.
    pub broken: bool,
}

/// How curves are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CurveLook {
    /// Weight of what came before, 0 (none) to below 1.
    pub smoothing: f64,
    /// Logarithmic values.
    pub logarithmic: bool,
}

/// Draws a title with its explanation and the curves below it. `marks` are epochs that stand out.
pub fn ui(
    ui: &mut Ui,
    name: &str,
    explanation: &str,
    height: f32,
    curves: &[Curve],
    marks: &[(f64, Color32)],
    look: CurveLook,
) {
    title_ui(ui, name, explanation, curves, |_| {});
    plot_ui(ui, name, height, curves, marks, look);
}

/// A title with its explanation, which colour is which curve, so that nothing covers them, and what else belongs there.
pub fn title_ui(ui: &mut Ui, name: &str, explanation: &str, curves: &[Curve], more: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.set_min_height(TITLE_POINTS);
        small::title(ui, name).on_hover_text(explanation);
        for curve in curves {
            ui.add_space(STEP / 2.0);
            let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), Sense::hover());
            ui.painter().rect_filled(rect.shrink2(vec2(0.0, 4.0)), 2.0, curve.colour);
            ui.spacing_mut().item_spacing.x = 4.0;
            ui.label(RichText::new(&curve.name).small().color(ui.visuals().weak_text_color()));
            ui.spacing_mut().item_spacing.x = STEP;
        }
        more(ui);
    });
}

/// The curves alone.
pub fn plot_ui(ui: &mut Ui, name: &str, height: f32, curves: &[Curve], marks: &[(f64, Color32)], look: CurveLook) {
    let shown = |value: f64| if look.logarithmic { value.max(LEAST).log10() } else { value };
    let real = move |value: f64| if look.logarithmic { 10.0_f64.powf(value) } else { value };
    let mut plot = small::still_plot(ui, name, height)
        .include_x(1.0)
        .y_axis_min_width(36.0)
        .auto_bounds(Vec2b::TRUE)
        .x_axis_formatter(|mark, _| format!("{:.0}", mark.value + 0.0))
        .y_axis_formatter(move |mark, _| number_text(real(mark.value)))
        .x_grid_spacer(epoch_marks)
        .label_formatter(move |hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                let name = if plot_name.is_empty() { "not smoothed" } else { plot_name };
                Some(format!("{name}\nepoch {}\n{}", epoch_text(position.x), number_text(real(position.y))))
            }
            HoverPosition::Elsewhere { .. } => None,
        });
    plot = if look.logarithmic { plot.y_grid_spacer(decade_marks) } else { plot.y_grid_spacer(value_marks) };
    let response = plot.show(ui, |plot| {
        for (epoch, colour) in marks {
            plot.vline(VLine::new("", *epoch).color(*colour).width(1.0));
        }
        let style = |curve: &Curve| if curve.broken { LineStyle::dashed_dense() } else { LineStyle::Solid };
        let line = |points: &[[f64; 2]]| PlotPoints::from_iter(thinned(points).into_iter().map(|[x, y]| [x, shown(y)]));
        if look.smoothing > 0.0 {
            for curve in curves {
                let pale = Stroke::new(1.0, curve.colour.gamma_multiply(0.4));
                plot.line(Line::new("", line(&curve.points)).stroke(pale));
            }
        }
        for curve in curves {
            let points = smoothed(&curve.points, look.smoothing);
            let stroke = Stroke::new(2.0, curve.colour);
            if points.len() == 1 {
                // A line of one point is not seen.
                plot.points(Points::new(curve.name.clone(), line(&points)).color(curve.colour).radius(4.0));
            }
            plot.line(Line::new(curve.name.clone(), line(&points)).stroke(stroke).style(style(curve)));
        }
    });
    let text = curves
        .iter()
        .filter_map(|curve| Some(format!("{} {}", curve.name, number_text(curve.points.last()?[1]))))
        .collect::<Vec<_>>()
        .join(", ");
    let text = if text.is_empty() { format!("{name}: no values yet") } else { format!("{name}, last: {text}") };
    response.response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, text.clone()));
}

/// Exponential moving average in which early values are not drawn towards nothing (as in TensorBoard).
pub fn smoothed(points: &[[f64; 2]], weight: f64) -> Vec<[f64; 2]> {
    if weight <= 0.0 {
        return points.to_vec();
    }
    let (mut sum, mut scale) = (0.0, 0.0);
    points
        .iter()
        .map(|[x, y]| {
            sum = weight * sum + (1.0 - weight) * y;
            scale = weight * scale + (1.0 - weight);
            [*x, sum / scale]
        })
        .collect()
}

/// At most about [`MOST_POINTS`] of the points, among them the smallest and the largest of each stretch.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    if points.len() <= MOST_POINTS {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil(MOST_POINTS / 2);
    let mut thin = Vec::with_capacity(MOST_POINTS + 1);
    for points in points.chunks(stretch) {
        let least = points.iter().enumerate().min_by(|a, b| a.1[1].total_cmp(&b.1[1]));
        let most = points.iter().enumerate().max_by(|a, b| a.1[1].total_cmp(&b.1[1]));
        if let (Some((least, _)), Some((most, _))) = (least, most) {
            thin.push(points[least.min(most)]);
            if least != most {
                thin.push(points[least.max(most)]);
            }
        }
    }
    thin.extend(points.last());
    thin
}

/// Whole epochs only.
fn epoch_marks(input: GridInput) -> Vec<GridMark> {
    let (first, last) = input.bounds;
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0];
    let step = steps.into_iter().find(|step| (last - first) / step <= 10.0).unwrap_or(10_000.0);
    let mut marks = Vec::new();
    // Adding 0 turns -0 into 0.
    let mut value = (first / step).ceil() * step + 0.0;
    while value <= last {
        // Their size decides how strongly they are drawn and whether they are named.
        marks.push(GridMark { value, step_size: (last - first).max(step) });
        value += step;
    }
    marks
}

/// Four to eight round values.
fn value_marks(input: GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let range = (high - low).clamp(1e-9, 1e9);
    let power = 10.0_f64.powf((range / 8.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|step| range / step <= 8.0);
    let step = step.unwrap_or(range);
    let first = (low / step).ceil() as i64;
    (first..first + 9)
        .map(|at| at as f64 * step)
        .take_while(|value| *value <= high)
        .map(|value| GridMark { value, step_size: range })
        .collect()
}

/// 1 of each power of ten, with 2 and 5 or more where there is room, as logarithms.
fn decade_marks(input: GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let (first, last) = (low.floor().clamp(-12.0, 12.0) as i32, high.ceil().clamp(-12.0, 12.0) as i32);
    // Over many powers of ten only they themselves have room.
    let digits: &[f64] = match high - low {
        range if range > 2.5 => &[1.0],
        range if range > 0.8 => &[1.0, 2.0, 5.0],
        _ => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
    };
    (first..=last)
        .flat_map(|power| digits.iter().map(move |digit| f64::from(power) + digit.log10()))
        .filter(|value| (low..=high).contains(value))
        .map(|value| GridMark { value, step_size: high - low })
        .collect()
}

fn epoch_text(epoch: f64) -> String {
    if epoch.fract().abs() < 1e-9 { format!("{epoch:.0}") } else { format!("{epoch:.2}") }
}

/// Three significant digits or so, never "-0".
pub fn number_text(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 0.01 {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.1e}").replace(".0e", "e")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_starts_at_the_first_value_and_lags_behind() {
        let points: Vec<[f64; 2]> = (1..=20).map(|x| [f64::from(x), if x < 10 { 1.0 } else { 3.0 }]).collect();
        assert_eq!(smoothed(&points, 0.0), points);
        let smooth = smoothed(&points, 0.5);
        assert!((smooth[0][1] - 1.0).abs() < 1e-12 && (smooth[8][1] - 1.0).abs() < 1e-12);
        // (1 · 1 + … + 3 · half of the weight) / all of the weight: near 2 one value after the step.
        assert!((smooth[9][1] - 2.0).abs() < 0.01 && (smooth[19][1] - 3.0).abs() < 0.01, "{smooth:?}");
        assert!(smooth.iter().zip(&points).all(|(a, b)| a[0] == b[0]));
    }

    #[test]
    fn long_curves_keep_their_extremes() {
        let mut points: Vec<[f64; 2]> = (0..40_000).map(|x| [f64::from(x), f64::from(x % 7)]).collect();
        points[12_345][1] = 99.0;
        points[23_456][1] = -99.0;
        let thin = thinned(&points);
        assert!(thin.len() <= MOST_POINTS + 1, "{}", thin.len());
        assert!(thin.contains(&[12_345.0, 99.0]) && thin.contains(&[23_456.0, -99.0]));
        assert!(thin.windows(2).all(|pair| pair[0][0] <= pair[1][0]));
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in
            [(0.0, "0"), (0.5, "0.5"), (0.12345, "0.123"), (2.0, "2"), (0.00123, "1.2e-3"), (123.4, "123")]
        {
            assert_eq!(number_text(value), text);
        }
    }
}
