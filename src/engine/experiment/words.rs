//! How parts of an experiment are put into words: the same in the command line's tables and in reports.

use toml::Value;

use super::plan::{Plan, typed};
use super::tables::Column;
use crate::evaluation::Estimate;
use crate::evaluation::score::Better;
use crate::wording;

/// "cond. 1, K = 4".
pub fn column(column: &Column) -> String {
    match &column.condition {
        Some(condition) => format!("cond. {condition}, K = {}", column.clusters),
        None => format!("K = {}", column.clusters),
    }
}

/// "+0.12 [0.05, 0.19]", or without an interval "+0.12".
pub fn difference(difference: &Estimate) -> String {
    let signed = |value: f64| {
        let shown = wording::score(value);
        if value > 0.0 { format!("+{shown}") } else { shown }
    };
    match difference.interval {
        Some(interval) => format!("{} [{}, {}]", signed(difference.value), signed(interval.low), signed(interval.high)),
        None => signed(difference.value),
    }
}

/// Which way is better.
pub fn better(better: Better) -> &'static str {
    match better {
        Better::Higher => "higher is better",
        Better::Lower => "lower is better",
    }
}

/// How features of a plan are made: "bovw (words 500)".
pub fn features(plan: &Plan, name: &str) -> String {
    let Some(settings) = plan.features.get(name) else { return name.to_owned() };
    let made = settings.get("maker").or(settings.get("set")).and_then(Value::as_str).unwrap_or_default();
    let typed: Vec<String> = typed(name, settings)
        .unwrap_or_default()
        .into_iter()
        .map(|(setting, values)| {
            let setting = setting.trim_start_matches('-').replace('-', " ");
            if values.is_empty() { setting } else { format!("{setting} {}", values.join(" + ")) }
        })
        .collect();
    if typed.is_empty() { format!("{name}: {made}") } else { format!("{name}: {made} ({})", typed.join(", ")) }
}
