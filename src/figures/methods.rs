//! Charts of methods side by side: a dot for each method and column with its deviation, or lines over the number of
//! clusters where there are many.

use super::drawing::{Anchor, Drawing, fitted, text_width};

/// Numbers of clusters from which on lines are drawn.
const LINES_FROM: usize = 4;
const INK: [u8; 3] = [40, 40, 40];
const FAINT: [u8; 3] = [205, 205, 205];
/// Told apart by everybody (Okabe and Ito 2008).
const COLOURS: [[u8; 3]; 8] = [
    [0, 114, 178],
    [230, 159, 0],
    [0, 158, 115],
    [213, 94, 0],
    [204, 121, 167],
    [86, 180, 233],
    [0, 0, 0],
    [148, 133, 40],
];
const WIDTH: f64 = 720.0;
const SIZE: f64 = 11.0;
const LINE: f64 = 22.0;

/// One method: its values by column, with their deviations.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What it is called.
    pub name: String,
    /// Mean and deviation in each column; none where there is none.
    pub values: Vec<Option<(f64, f64)>>,
}

/// A chart of a score of several methods; `columns` are their names, with the number of clusters of each.
pub fn chart(title: &str, columns: &[(String, usize)], series: &[Series]) -> Drawing {
    let mut numbers: Vec<usize> = columns.iter().map(|(_, clusters)| *clusters).collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.len() >= LINES_FROM { lines(title, columns, series) } else { dots(title, columns, series) }
}

fn range(series: &[Series]) -> (f64, f64) {
    let ends = series.iter().flat_map(|one| one.values.iter().flatten()).flat_map(|(mean, by)| [mean - by, mean + by]);
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| (low.min(end), high.max(end)));
    if low > high {
        return (0.0, 1.0);
    }
    let room = ((high - low) * 0.06).max(0.005);
    (low - room, high + room)
}

/// Round numbers within a range, about five of them, and how many decimals they need.
fn ticks((low, high): (f64, f64)) -> (Vec<f64>, usize) {
    let rough = (high - low) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough).unwrap_or(rough);
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let first = (low / step).ceil() as i64;
    ((first..).map(|place| place as f64 * step).take_while(|tick| *tick <= high).collect(), decimals)
}

fn dots(title: &str, columns: &[(String, usize)], series: &[Series]) -> Drawing {
    let names = series.iter().map(|one| text_width(&one.name, SIZE)).fold(60.0, f64::max).min(300.0);
    let (left, right, top) = (names + 24.0, WIDTH - 20.0, 44.0 + LINE * columns.len().div_ceil(3) as f64);
    let row = 14.0 * columns.len() as f64 + 10.0;
    let bottom = top + row * series.len() as f64;
    let mut drawing = Drawing::new(WIDTH, bottom + 34.0, title);
    drawing.bold(12.0, 22.0, 14.0, Anchor::Start, INK, &fitted(title, 14.0, WIDTH - 24.0));
    for (place, (name, _)) in columns.iter().enumerate() {
        let (x, y) = (12.0 + (place % 3) as f64 * 230.0, 44.0 + LINE * (place / 3) as f64);
        drawing.rectangle(x, y - 8.0, 9.0, 9.0, COLOURS[place % COLOURS.len()]);
        drawing.text(x + 15.0, y, SIZE, Anchor::Start, INK, &fitted(name, SIZE, 205.0));
    }
    let (low, high) = range(series);
    let x_of = |value: f64| left + (value - low) / (high - low) * (right - left);
    axis(&mut drawing, (low, high), |drawing, tick, text| {
        drawing.rectangle(x_of(tick), top, 0.75, bottom - top, FAINT);
        drawing.text(x_of(tick), bottom + 16.0, SIZE, Anchor::Middle, INK, text);
    });
    for (number, one) in series.iter().enumerate() {
        let y = top + row * number as f64;
        let name = fitted(&one.name, SIZE, names);
        drawing.text(left - 12.0, y + row / 2.0 + 4.0, SIZE, Anchor::End, INK, &name);
        for (place, value) in one.values.iter().enumerate() {
            let Some((mean, by)) = value else { continue };
            let (y, colour) = (y + 12.0 + 14.0 * place as f64, COLOURS[place % COLOURS.len()]);
            drawing.rectangle(x_of(mean - by), y - 0.75, (x_of(mean + by) - x_of(mean - by)).max(0.5), 1.5, colour);
            drawing.rectangle(x_of(*mean) - 3.5, y - 3.5, 7.0, 7.0, colour);
        }
    }
    drawing
}

fn lines(title: &str, columns: &[(String, usize)], series: &[Series]) -> Drawing {
    // Columns of one condition belong together: all that comes before the number of clusters.
    let condition = |name: &str| name.rsplit_once("K = ").map_or("", |(condition, _)| condition).to_owned();
    let mut conditions: Vec<String> = columns.iter().map(|(name, _)| condition(name)).collect();
    conditions.dedup();
    let panel = 250.0;
    let top = 34.0 + LINE * series.len().div_ceil(3) as f64;
    let mut drawing = Drawing::new(WIDTH, top + panel * conditions.len() as f64 + 10.0, title);
    drawing.bold(12.0, 22.0, 14.0, Anchor::Start, INK, &fitted(title, 14.0, WIDTH - 24.0));
    for (place, one) in series.iter().enumerate() {
        let (x, y) = (12.0 + (place % 3) as f64 * 230.0, 44.0 + LINE * (place / 3) as f64);
        drawing.rectangle(x, y - 8.0, 9.0, 9.0, COLOURS[place % COLOURS.len()]);
        drawing.text(x + 15.0, y, SIZE, Anchor::Start, INK, &fitted(&one.name, SIZE, 205.0));
    }
    let (low, high) = range(series);
    let most = columns.iter().map(|(_, clusters)| *clusters).max().unwrap_or(2) as f64;
    let least = columns.iter().map(|(_, clusters)| *clusters).min().unwrap_or(2) as f64;
    let (left, right) = (60.0, WIDTH - 20.0);
    let x_of = |clusters: usize| left + (clusters as f64 - least) / (most - least).max(1.0) * (right - left);
    for (number, of) in conditions.iter().enumerate() {
        let (start, end) = (top + panel * number as f64 + 24.0, top + panel * (number + 1) as f64 - 26.0);
        let y_of = |value: f64| end - (value - low) / (high - low) * (end - start);
        drawing.text(left, start - 8.0, SIZE, Anchor::Start, INK, of.trim_end_matches([',', ' ']));
        axis(&mut drawing, (low, high), |drawing, tick, text| {
            drawing.rectangle(left, y_of(tick), right - left, 0.75, FAINT);
            drawing.text(left - 8.0, y_of(tick) + 4.0, SIZE, Anchor::End, INK, text);
        });
        let here: Vec<(usize, usize)> = (columns.iter().enumerate())
            .filter(|(_, (name, _))| condition(name) == *of)
            .map(|(place, (_, clusters))| (place, *clusters))
            .collect();
        for &(_, clusters) in &here {
            drawing.text(x_of(clusters), end + 16.0, SIZE, Anchor::Middle, INK, &clusters.to_string());
        }
        for (place, one) in series.iter().enumerate() {
            let colour = COLOURS[place % COLOURS.len()];
            let points: Vec<(f64, f64, f64)> = (here.iter())
                .filter_map(|&(column, clusters)| {
                    let (mean, by) = one.values[column]?;
                    Some((x_of(clusters), mean, by))
                })
                .collect();
            let path: Vec<(f64, f64)> = points.iter().map(|(x, mean, _)| (*x, y_of(*mean))).collect();
            drawing.polyline(&path, 1.5, colour);
            for (x, mean, by) in points {
                drawing.rectangle(x - 0.5, y_of(mean + by), 1.0, y_of(mean - by) - y_of(mean + by), colour);
                drawing.rectangle(x - 2.5, y_of(mean) - 2.5, 5.0, 5.0, colour);
            }
        }
    }
    drawing
}

fn axis(drawing: &mut Drawing, range: (f64, f64), mut draw: impl FnMut(&mut Drawing, f64, &str)) {
    let (ticks, decimals) = ticks(range);
    for tick in ticks {
        draw(drawing, tick, &crate::wording::fixed(tick, decimals));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        let (found, decimals) = ticks((0.613, 0.902));
        assert_eq!(decimals, 1);
        assert!(found.iter().zip([0.7, 0.8, 0.9]).all(|(tick, round)| (tick - round).abs() < 1e-12), "{found:?}");
        let (found, decimals) = ticks((-0.012, 0.034));
        assert!(decimals == 2 && found.len() == 5, "{found:?}");
    }

    #[test]
    fn both_kinds_show_every_method_and_column() {
        let series = |columns: usize| -> Vec<Series> {
            ["proposed <&>", "words"]
                .into_iter()
                .map(|name| Series {
                    name: name.to_owned(),
                    values: (0..columns)
                        .map(|place| (place != 1).then_some((0.5 + place as f64 / 50.0, 0.01)))
                        .collect(),
                })
                .collect()
        };
        let few = [("cond. 1, K = 4".to_owned(), 4), ("cond. 2, K = 4".to_owned(), 4)];
        let svg = chart("Entropy", &few, &series(2)).svg();
        assert!(["Entropy", "proposed &lt;&amp;&gt;", "words", "cond. 2, K = 4"].iter().all(|text| svg.contains(text)));
        let many: Vec<(String, usize)> = (2..8).map(|clusters| (format!("K = {clusters}"), clusters)).collect();
        let svg = chart("Silhouette", &many, &series(6)).svg();
        assert!(svg.matches("<polyline").count() == 2 && svg.contains(">7</text>"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert!(!chart("Nothing", &[], &[]).svg().contains("NaN"));
    }
}
