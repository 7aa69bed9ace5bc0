//! The data of jsPsych's plugin free-sort.
//!
//! Its trials hold `init_locations`, `moves` and `final_locations`, each a list of `{src, x, y}`, and `rt` in
//! milliseconds. Its documentation says that the lists are saved as text within the JSON; both texts and lists are read.
//! It knows where pictures lie, not which belong together. When such data are read, pictures whose boxes touch or overlap lie together: the groups are the chains of
//! touching boxes (single linkage), for pictures of a given size. What we write puts each group on a stack of its own,
//! far from the others, so that reading it again gives the same groups; it also holds rater, condition, occasion and the
//! groups' names, which jsPsych keeps as data of the trial.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use super::grouping_forms::GroupingDefaults;
use super::groupings::GroupingRow;
use super::problem::{Parsed, Problem};

/// Most pictures of a trial: comparing each with each takes time.
const MOST_PICTURES: usize = 20_000;
/// Side of a picture in what we write, in pixels.
const PICTURE_PX: f64 = 100.0;
/// Distance of two stacks in what we write, in pixels.
const STACKS_PX: f64 = 400.0;
/// Names under which experiments keep who took part.
const PARTICIPANT: [&str; 5] = ["rater", "participant_id", "subject_id", "participant", "subject"];

/// Reads the bytes of a JSON file: one trial, or a list of trials of which those without `final_locations` are passed
/// over. Line numbers in problems are numbers of trials.
pub fn parse(bytes: &[u8], defaults: &GroupingDefaults) -> Parsed<Vec<GroupingRow>> {
    let mut rows: Vec<GroupingRow> = Vec::new();
    let mut problems = Vec::new();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let trials = match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Array(trials)) => trials,
        Ok(trial @ Value::Object(_)) => vec![trial],
        Ok(_) => {
            problems.push(Problem::new(1, "this is JSON, but not a trial or a list of trials"));
            Vec::new()
        }
        Err(error) => {
            problems.push(Problem::new(error.line() as u64, format!("this is not JSON: {error}")));
            Vec::new()
        }
    };
    let mut sorts: BTreeMap<(String, String, u64, Option<String>), usize> = BTreeMap::new();
    let mut found = false;
    for (at, trial) in trials.iter().enumerate() {
        let number = at as u64 + 1;
        let Some(locations) = trial.get("final_locations") else { continue };
        found = true;
        let places = match places(locations) {
            Ok(places) => places,
            Err(message) => {
                problems.push(Problem::new(number, format!("trial {number}: {message}; it is left out")));
                continue;
            }
        };
        let text = |key: &str| match trial.get(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let rater = PARTICIPANT.iter().find_map(|key| text(key)).unwrap_or_else(|| defaults.rater.clone());
        let mut condition = text("condition").unwrap_or_else(|| defaults.condition.clone());
        let occasion = trial.get("occasion").and_then(Value::as_u64).filter(|occasion| *occasion > 0);
        let study = text("study");
        // Several sorts of one person that nothing else distinguishes are numbered.
        let count = sorts.entry((rater.clone(), condition.clone(), occasion.unwrap_or(1), study.clone())).or_insert(0);
        *count += 1;
        if *count > 1 {
            condition = format!("{condition} ({count})");
        }
        let groups = touching(&places, defaults.picture_px);
        let names = trial.get("groups").and_then(Value::as_object);
        for ((image, ..), group) in places.iter().zip(&groups) {
            let named = names.and_then(|names| names.get(image)).and_then(Value::as_str);
            let row = GroupingRow {
                line: number,
                rater: rater.clone(),
                condition: condition.clone(),
                image: image.clone(),
                group: named.map_or_else(|| format!("group {}", group + 1), str::to_owned),
                occasion,
                study: study.clone(),
                ..GroupingRow::default()
            };
            match row.name_problem() {
                Some(message) => problems.push(Problem::new(number, format!("trial {number}: {message}"))),
                None => rows.push(row),
            }
        }
    }
    if !found && problems.is_empty() {
        problems.push(Problem::new(1, "no trial has final_locations: this is not data of the plugin free-sort"));
    }
    Parsed { value: rows, problems }
}

/// The pictures of a list with their places.
fn places(locations: &Value) -> Result<Vec<(String, f64, f64)>, String> {
    let parsed;
    let list = match locations {
        Value::String(text) => {
            parsed = serde_json::from_str::<Value>(text).map_err(|error| format!("final_locations: {error}"))?;
            &parsed
        }
        other => other,
    };
    let list = list.as_array().ok_or("final_locations is not a list")?;
    if list.len() > MOST_PICTURES {
        return Err(format!("more than {MOST_PICTURES} pictures"));
    }
    let mut places: Vec<(String, f64, f64)> = Vec::with_capacity(list.len());
    for place in list {
        let src = place.get("src").and_then(Value::as_str).filter(|src| !src.is_empty());
        let number = |key| place.get(key).and_then(Value::as_f64).filter(|number| number.is_finite());
        let (Some(src), Some(x), Some(y)) = (src, number("x"), number("y")) else {
            return Err(format!("{place} is not a picture with src, x and y"));
        };
        if places.iter().any(|(known, ..)| known == src) {
            return Err(format!("“{src}” lies at two places"));
        }
        places.push((src.to_owned(), x, y));
    }
    Ok(places)
}

/// Numbers, from 0 in the order of the list, for the chains of pictures of side `size` that touch.
fn touching(places: &[(String, f64, f64)], size: f64) -> Vec<usize> {
    let mut group: Vec<Option<usize>> = vec![None; places.len()];
    let mut groups = 0;
    for first in 0..places.len() {
        if group[first].is_some() {
            continue;
        }
        group[first] = Some(groups);
        let mut reached = vec![first];
        while let Some(at) = reached.pop() {
            let (_, x, y) = places[at];
            for (other, (_, x2, y2)) in places.iter().enumerate() {
                if group[other].is_none() && (x - x2).abs() <= size && (y - y2).abs() <= size {
                    group[other] = Some(groups);
                    reached.push(other);
                }
            }
        }
        groups += 1;
    }
    group.into_iter().map(Option::unwrap_or_default).collect()
}

/// Writes rows as a list of trials, one for each rater and condition.
///
/// # Errors
/// What the writer reports.
pub fn write(rows: &[GroupingRow], target: impl io::Write) -> io::Result<()> {
    // By rater, condition, occasion and study, in the order in which they come.
    type Key<'a> = (&'a str, &'a str, usize, Option<&'a str>);
    let mut sorts: Vec<(Key<'_>, Vec<&GroupingRow>)> = Vec::new();
    for row in rows {
        let key = (row.rater.as_str(), row.condition.as_str(), row.occasion(), row.study.as_deref());
        match sorts.iter_mut().find(|(known, _)| *known == key) {
            Some((_, rows)) => rows.push(row),
            None => sorts.push((key, vec![row])),
        }
    }
    let trials: Vec<Value> = sorts
        .iter()
        .enumerate()
        .map(|(trial, ((rater, condition, occasion, study), rows))| {
            let mut groups: Vec<&str> = Vec::new();
            let mut stack: Vec<usize> = Vec::new();
            let mut located: Vec<(Option<u64>, Value)> = Vec::new();
            for row in rows {
                let group = groups.iter().position(|name| *name == row.group).unwrap_or_else(|| {
                    groups.push(&row.group);
                    stack.push(0);
                    groups.len() - 1
                });
                // A stack is spread a little, so that each picture can be seen and all touch.
                let spread = (stack[group] % 8) as f64 * PICTURE_PX / 10.0;
                stack[group] += 1;
                let (x, y) = ((group % 6) as f64 * STACKS_PX + spread, (group / 6) as f64 * STACKS_PX + spread);
                located.push((row.order, json!({ "src": row.image, "x": x, "y": y })));
            }
            let initial: Vec<Value> = rows
                .iter()
                .enumerate()
                .map(|(at, row)| json!({ "src": row.image, "x": -STACKS_PX, "y": at as f64 * PICTURE_PX }))
                .collect();
            let last: Vec<Value> = located.iter().map(|(_, place)| place.clone()).collect();
            located.sort_by_key(|(order, _)| order.unwrap_or(u64::MAX));
            let moves: Vec<Value> = located.into_iter().map(|(_, place)| place).collect();
            let names: serde_json::Map<String, Value> =
                rows.iter().map(|row| (row.image.clone(), Value::String(row.group.clone()))).collect();
            let mut value = json!({
                "trial_type": "free-sort", "trial_index": trial, "rater": rater, "condition": condition,
                "init_locations": initial, "moves": moves, "final_locations": last, "groups": names, "rt": null,
            });
            if *occasion > 1 {
                value["occasion"] = json!(occasion);
            }
            if let Some(study) = study {
                value["study"] = json!(study);
            }
            value
        })
        .collect();
    serde_json::to_writer_pretty(target, &trials).map_err(io::Error::from)
}
