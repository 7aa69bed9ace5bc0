//! Figures of agreement: a matrix of raters by raters, how often pictures stand together, and where people disagree.

use super::colours::{sequential, text_on};
use super::drawing::{Anchor, Drawing, fitted, text_width};
use crate::evaluation::agreement_report::AgreementReport;
use crate::evaluation::{AgreementScore, Estimate};
use crate::wording::{counted, fixed};

const TEXT: [u8; 3] = [24; 3];
const WEAK: [u8; 3] = [96; 3];
/// Space for the name of a rater or picture, in points.
const NAME_WIDTH: f64 = 150.0;

/// The estimate of two raters, by their numbers.
fn estimate<Image>(
    report: &AgreementReport<Image>,
    score: AgreementScore,
    row: usize,
    column: usize,
) -> Option<Estimate> {
    let names = report.groupings.raters();
    let (first, second) = (row.min(column), row.max(column));
    let pair = report.agreement.pairs.iter().find(|p| p.first == names[first] && p.second == names[second])?;
    Some(score.of(pair.scores.as_ref()?, row < column))
}

/// Every two raters as a matrix of a score, with intervals.
pub fn pair_figure<Image>(report: &AgreementReport<Image>, score: AgreementScore) -> Drawing {
    let names: Vec<String> = report.groupings.raters().iter().map(|name| fitted(name, 12.0, NAME_WIDTH)).collect();
    let longest = names.iter().map(|name| text_width(name, 12.0)).fold(0.0, f64::max);
    let cell = (520.0 / names.len().max(1) as f64).clamp(30.0, 84.0);
    // Names rise by half a right angle from the columns' middles, below the lines under the title.
    let risen = (longest + 12.0) * std::f64::consts::FRAC_1_SQRT_2;
    let (left, top) = (24.0 + longest, 71.0 + risen + 8.0);
    let side = cell * names.len() as f64;
    let width = (left + side + 110.0).max(left + side - cell / 2.0 + risen + 8.0).max(480.0);
    let title = format!("{} between raters", score.name());
    let mut drawing = Drawing::new(width, top + side + 70.0, &title);
    drawing.bold(16.0, 28.0, 16.0, Anchor::Start, TEXT, &title);
    drawing.text(16.0, 47.0, 11.0, Anchor::Start, WEAK, &about(report, width));
    let note = match score {
        AgreementScore::Entropy => {
            "Row's groups in the place of clusters, column's as the correct ones; lower is better."
        }
        _ => "Higher is better. Below each value its 95 % interval over images.",
    };
    drawing.text(16.0, 63.0, 11.0, Anchor::Start, WEAK, note);
    for (at, name) in names.iter().enumerate() {
        let middle = cell * (at as f64 + 0.5);
        drawing.text(left - 8.0, top + middle + 4.0, 12.0, Anchor::End, TEXT, name);
        drawing.rising(left + middle, top - 8.0, 12.0, TEXT, name);
        for other in 0..names.len() {
            let (x, y) = (left + cell * other as f64, top + cell * at as f64);
            let Some(found) = (other != at).then(|| estimate(report, score, at, other)).flatten() else {
                drawing.rectangle(x + 1.0, y + 1.0, cell - 2.0, cell - 2.0, [236; 3]);
                continue;
            };
            let ground = sequential(found.value);
            drawing.rectangle(x + 1.0, y + 1.0, cell - 2.0, cell - 2.0, ground);
            let front = text_on(ground);
            let size = (cell * 0.24).min(15.0);
            let lift = if found.interval.is_some() && cell >= 60.0 { -1.0 } else { size * 0.35 };
            let number = two(found.value);
            drawing.bold(x + cell / 2.0, y + cell / 2.0 + lift, size, Anchor::Middle, front, &number);
            if let Some(interval) = found.interval.filter(|_| cell >= 60.0) {
                let text = format!("{} – {}", two(interval.low), two(interval.high));
                drawing.text(x + cell / 2.0, y + cell / 2.0 + 13.0, size * 0.68, Anchor::Middle, front, &text);
            }
        }
    }
    scale(&mut drawing, left + side + 32.0, top, side.max(120.0));
    if let Some(mean) = &report.agreement.mean {
        let mean = match score {
            AgreementScore::RandIndex => mean.adjusted_rand_index,
            AgreementScore::MutualInformation => mean.adjusted_mutual_information,
            AgreementScore::VMeasure => mean.v_measure,
            AgreementScore::Entropy => mean.entropy,
        };
        let interval =
            mean.interval.map_or_else(String::new, |i| format!("  (95 %: {} – {})", two(i.low), two(i.high)));
        let text = format!("Mean of all pairs: {}{interval}", two(mean.value));
        drawing.text(left, top + side + 28.0, 12.0, Anchor::Start, TEXT, &text);
        let text = "Intervals are over images, for these raters.";
        drawing.text(left, top + side + 45.0, 11.0, Anchor::Start, WEAK, text);
    }
    drawing
}

/// How often each two pictures stand together, in the order of average linkage, with the best consensus at the side.
pub fn together_figure<Image>(report: &AgreementReport<Image>) -> Drawing {
    let images = report.order.len();
    let side = 640.0;
    let cell = side / images.max(1) as f64;
    let (left, top) = (40.0, 84.0);
    let title = "How often pictures stand together";
    let width = left + side + 130.0;
    let mut drawing = Drawing::new(width, top + side + 30.0, title);
    drawing.bold(16.0, 28.0, 16.0, Anchor::Start, TEXT, title);
    drawing.text(16.0, 47.0, 11.0, Anchor::Start, WEAK, &about(report, width));
    let text = "Pictures in the order of average linkage; colour: share of the raters who put the two into one group. \
                At the left the best consensus.";
    drawing.text(16.0, 63.0, 11.0, Anchor::Start, WEAK, text);
    drawing.rectangle(left, top, side, side, sequential(0.0));
    for (row, i) in report.order.iter().enumerate() {
        // Cells of one value beside each other become one rectangle.
        let value = |column: usize| {
            if column == row { Some(1.0) } else { report.co_occurrence.share(*i, report.order[column]) }
        };
        let mut column = 0;
        while column < images {
            let share = value(column);
            let start = column;
            while column < images && value(column) == share {
                column += 1;
            }
            if share != Some(0.0) {
                let colour = sequential(share.unwrap_or(f64::NAN));
                let (x, width) = (left + cell * start as f64, cell * (column - start) as f64);
                drawing.rectangle(x, top + cell * row as f64, width, cell, colour);
            }
        }
        let group = report.best.groups[*i];
        let grey = [90_u8, 190][group % 2];
        drawing.rectangle(left - 12.0, top + cell * row as f64, 8.0, cell, [grey; 3]);
    }
    drawing.frame(left, top, side, side, [120; 3]);
    scale(&mut drawing, left + side + 32.0, top, 240.0);
    drawing
}

/// The pictures people disagree on most, with their names.
pub fn disagreement_figure<Image>(report: &AgreementReport<Image>, name: impl Fn(&Image) -> String) -> Drawing {
    let most = report.most_disagreed();
    let shown = most.len().min(30);
    let (left, top, bar, row) = (200.0, 92.0, 360.0, 18.0);
    let title = "Pictures that raters disagree on most";
    let height = top + row * shown as f64 + 40.0;
    let width = left + bar + 70.0;
    let mut drawing = Drawing::new(width, height, title);
    drawing.bold(16.0, 28.0, 16.0, Anchor::Start, TEXT, title);
    drawing.text(16.0, 47.0, 11.0, Anchor::Start, WEAK, &about(report, width));
    let text =
        "Chance that two raters disagree on whether the picture and another belong together, mean over all others.";
    drawing.text(16.0, 63.0, 11.0, Anchor::Start, WEAK, text);
    let longest = most.first().map_or(1.0, |(_, value)| value.max(1e-9));
    for (at, (image, value)) in most.iter().take(shown).enumerate() {
        let y = top + row * at as f64;
        let label = fitted(&name(&report.groupings.images()[*image]), 11.0, left - 24.0);
        drawing.text(left - 8.0, y + 13.0, 11.0, Anchor::End, TEXT, &label);
        drawing.rectangle(left, y + 3.0, bar * value / longest, row - 6.0, sequential(0.7));
        drawing.text(left + bar * value / longest + 6.0, y + 13.0, 11.0, Anchor::Start, TEXT, &format!("{value:.3}"));
    }
    drawing
}

/// A scale of the colours from 0 to 1.
fn scale(drawing: &mut Drawing, x: f64, y: f64, height: f64) {
    const STEPS: usize = 64;
    for step in 0..STEPS {
        let value = 1.0 - step as f64 / (STEPS - 1) as f64;
        let each = height / STEPS as f64;
        drawing.rectangle(x, y + each * step as f64, 14.0, each + 0.3, sequential(value));
    }
    drawing.frame(x, y, 14.0, height, [120; 3]);
    for (value, at) in [(1.0, 0.0), (0.5, 0.5), (0.0, 1.0)] {
        drawing.text(x + 20.0, y + height * at + 4.0, 11.0, Anchor::Start, TEXT, &format!("{value:.1}"));
    }
}

/// What a figure of this width is about. A long name of a condition gives way to what must be told.
fn about<Image>(report: &AgreementReport<Image>, width: f64) -> String {
    let rest = format!(
        "  ·  {}  ·  {}  ·  seed {}",
        counted(report.groupings.raters().len(), "rater"),
        counted(report.groupings.images().len(), "picture"),
        report.agreement.seed
    );
    fitted(&format!("Condition {}", report.condition), 11.0, width - 32.0 - text_width(&rest, 11.0)) + &rest
}

/// Two decimals.
fn two(value: f64) -> String {
    fixed(value, 2)
}
