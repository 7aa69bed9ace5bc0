//! `atmoscope agreement`: how far raters agree, and their consensus.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::output::Output;
use super::sort_choice::SortArguments;
use crate::dataset::{RaterSort, StudyCondition};
use crate::engine::jobs::cluster::replaced_warning;
use crate::engine::jobs::{counted, counted_as, export_agreement};
use crate::error::{Error, Result};
use crate::evaluation::agreement_report::{self as agreement, AgreementReport, AgreementRequest};
use crate::evaluation::{Consensus, Estimate, LEAST_IMAGES_FOR_INTERVAL};
use crate::ids::ImageId;
use crate::interchange::grouping_forms::{GroupingDefaults, GroupingForm};
use crate::interchange::{groupings, read_file};
use crate::progress::Observer;
use crate::project::Project;
use crate::wording::fixed;

/// Pictures named in the text as those people disagree on most.
const NAMED: usize = 10;

/// Compare the raters' groups: agreement of every two, consensus, and what they disagree on.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    #[arg(required_unless_present = "groups")]
    dir: Option<PathBuf>,
    /// A file of groupings instead of a project: `rater,condition,image,group`, FreeSortR's or jsPsych's form.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    groups: Option<PathBuf>,
    /// One condition; all unless given.
    #[arg(long, value_name = "NAME")]
    condition: Option<String>,
    #[command(flatten)]
    sorts: SortArguments,
    /// Level of the consensus by average linkage: least mean share of raters who put the pictures of a group together.
    #[arg(long, value_name = "0 to 1", default_value_t = 0.5)]
    level: f64,
    /// Seed of the half-samples that intervals come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write tables (CSV) and figures (SVG, PNG) into this folder.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    replacing: super::Replacing,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    match (&arguments.dir, &arguments.groups) {
        (_, Some(file)) => {
            let choice = arguments.sorts.choice(None);
            compare(None, &choice.choose(from_file(file)?)?, String::clone, arguments, output)
        }
        (Some(dir), None) => {
            let project = super::open_to_read(dir)?;
            let names = project.image_names()?;
            let name = |image: &ImageId| names.shown(*image);
            let choice = arguments.sorts.choice(None);
            if let Some(warning) = replaced_warning(&project)? {
                output.terminal.left_out(&format!("Warning: {warning}."));
            }
            compare(Some(&project), &project.rater_sorts(&choice)?, name, arguments, output)
        }
        (None, None) => Err(Error::user("there is nothing to compare").hint("give a project or --groups")),
    }
}

fn from_file(file: &Path) -> Result<Vec<RaterSort<String>>> {
    let bytes = read_file(file)?;
    let parsed = GroupingForm::recognise(&bytes).parse(&bytes, &GroupingDefaults::default());
    if let Some(first) = parsed.problems.first() {
        return Err(Error::user(format!("{}, line {}: {}", file.display(), first.line, first.message))
            .hint("correct the file and try again"));
    }
    Ok(groupings::rater_sorts(parsed.value))
}

fn compare<Image: Ord + Clone + Send + Sync>(
    project: Option<&Project>,
    sorts: &[RaterSort<Image>],
    name: impl Fn(&Image) -> String,
    arguments: &Arguments,
    output: &Output,
) -> Result<()> {
    let known: BTreeSet<&StudyCondition> = sorts.iter().map(|sort| &sort.condition).collect();
    let wanted = arguments.condition.as_ref();
    let is_wanted = |known: &&&StudyCondition| wanted.is_none_or(|wanted| *wanted == known.condition);
    let conditions: Vec<&StudyCondition> = known.iter().filter(is_wanted).copied().collect();
    if let Some(wanted) = wanted.filter(|_| conditions.is_empty() && !known.is_empty()) {
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        return Err(Error::user(format!("there are no groupings under condition “{wanted}”"))
            .hint(format!("there are groupings under {}", known.join(", "))));
    }
    if conditions.is_empty() {
        return Err(Error::user("there are no groups made by people").hint("let raters sort, or import groupings"));
    }
    let cancel = super::cancel_on_interrupt();
    let (mut values, mut text) = (Vec::new(), String::new());
    for condition in conditions {
        let request = AgreementRequest { condition: condition.clone(), seed: arguments.seed };
        let report = agreement::run(sorts, &request, &output.terminal, &cancel)?;
        let linkage = report.linkage(arguments.level)?;
        let files = match &arguments.out {
            Some(path) => {
                let folder = export_agreement::Folder { project, path, existing: arguments.replacing.existing() };
                export_agreement::run(&report, &linkage, arguments.level, folder, &name)?
            }
            None => Vec::new(),
        };
        values.push(as_json(&report, &linkage, arguments.level, &name, &files));
        write_text(&mut text, &report, &linkage, arguments.level, &name);
        if let Some(folder) = &arguments.out {
            let _ = writeln!(text, "Wrote {} to {}", counted(files.len(), "file"), folder.display());
        }
        text.push('\n');
    }
    output.print(&json!({ "conditions": values }), || text)
}

fn as_json<Image>(
    report: &AgreementReport<Image>,
    linkage: &Consensus,
    level: f64,
    name: impl Fn(&Image) -> String,
    files: &[PathBuf],
) -> Value {
    let images = report.groupings.images();
    let names: Vec<String> = images.iter().map(&name).collect();
    let disagreement: Vec<Value> = report
        .most_disagreed()
        .into_iter()
        .map(|(image, value)| json!({ "image": names[image], "disagreement": value }))
        .collect();
    let files: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
    let ordered: Vec<&String> = report.order.iter().map(|image| &names[*image]).collect();
    json!({
        "condition": report.condition.condition, "study": report.condition.study, "raters": report.groupings.raters(), "images": names,
        "agreement": report.agreement, "retests": report.retests, "only_again": report.only_again,
        "consensus": { "best": report.best, "linkage": linkage, "level": level },
        "order": ordered, "disagreement": disagreement, "files": files,
    })
}

fn write_text<Image>(
    text: &mut String,
    report: &AgreementReport<Image>,
    linkage: &Consensus,
    level: f64,
    name: impl Fn(&Image) -> String,
) {
    let (raters, images) = (report.groupings.raters(), report.groupings.images());
    let _ = writeln!(
        text,
        "Condition {}: {}, {}",
        report.condition,
        counted(raters.len(), "rater"),
        counted(images.len(), "picture")
    );
    if !report.only_again.is_empty() {
        let names = report.only_again.join(", ");
        let _ = writeln!(text, "  Left out, with a second occasion and no first: {names}");
    }
    let width = raters.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5) + 2;
    let row = |text: &mut String, first: &str, second: &str, scores: [String; 5]| {
        let _ = write!(text, "  {}{}", padded(first, width), padded(second, width));
        scores.iter().for_each(|score| {
            let _ = write!(text, "{score:>21}");
        });
        text.push('\n');
    };
    let heads = ["Rand index", "mutual information", "V-measure", "entropy of first", "entropy of second"];
    row(text, "first", "second", heads.map(str::to_owned));
    let pairs = report.agreement.pairs.iter().map(|pair| (pair.first.as_str(), pair.second.as_str(), pair));
    let again = report.retests.iter().map(|retest| (retest.rater.as_str(), "again", &retest.agreement));
    for (first, second, pair) in pairs.chain(again) {
        match &pair.scores {
            Some(s) => row(
                text,
                first,
                second,
                [
                    s.adjusted_rand_index,
                    s.adjusted_mutual_information,
                    s.v_measure,
                    s.entropy_of_first,
                    s.entropy_of_second,
                ]
                .map(shown),
            ),
            None => {
                let _ = writeln!(text, "  {}{}no two pictures in common", padded(first, width), padded(second, width));
            }
        }
        let left_out = pair.only_in_first + pair.only_in_second;
        if left_out > 0 || pair.images < LEAST_IMAGES_FOR_INTERVAL {
            let compared = counted(pair.images, "picture");
            let _ = writeln!(text, "    {compared} compared; {left_out} placed by one of the two only, left out");
        }
    }
    if let Some(mean) = &report.agreement.mean {
        let scores =
            [mean.adjusted_rand_index, mean.adjusted_mutual_information, mean.v_measure, mean.entropy].map(shown);
        let [rand, information, measure, entropy] = scores;
        row(text, "mean", "", [rand, information, measure, entropy, String::new()]);
        let scored = report.agreement.pairs.iter().filter(|pair| pair.scores.is_some()).count();
        if mean.pairs < scored {
            let few = counted_as(scored - mean.pairs, "pair shares", "pairs share");
            let _ =
                writeln!(text, "  The mean is over {}: {few} fewer than ten pictures.", counted(mean.pairs, "pair"));
        }
        let _ = writeln!(
            text,
            "  In brackets 95 % intervals over pictures, from {} half-samples (seed {}).",
            report.agreement.resamples, report.agreement.seed
        );
    }
    if raters.len() < 2 {
        let _ = writeln!(text, "  One rater only: there is nobody to compare with.");
        return;
    }
    for (what, consensus) in
        [("Best consensus".to_owned(), &report.best), (format!("Average linkage at {level}"), linkage)]
    {
        let groups = consensus.groups.iter().max().map_or(0, |largest| largest + 1);
        let _ =
            writeln!(text, "  {what}: {}, mean Rand index {:.3}", counted(groups, "group"), consensus.mean_rand_index);
    }
    let most = report.most_disagreed();
    if most.first().is_some_and(|(_, value)| *value > 0.0) {
        let named: Vec<String> =
            most.iter().take(NAMED).map(|(image, value)| format!("{} {value:.3}", name(&images[*image]))).collect();
        let _ = writeln!(text, "  Most disagreed on: {}", named.join(", "));
    }
}

/// A name with spaces after it up to a width, counted in letters.
fn padded(name: &str, width: usize) -> String {
    format!("{name}{}", " ".repeat(width.saturating_sub(name.chars().count())))
}

fn shown(estimate: Estimate) -> String {
    let fixed = |value| fixed(value, 2);
    let interval = estimate.interval.map_or_else(String::new, |i| format!(" ({} – {})", fixed(i.low), fixed(i.high)));
    format!("{}{interval}", fixed(estimate.value))
}
