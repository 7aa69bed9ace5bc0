//! Export agreement: the tables as CSV and the figures as SVG and PNG, into one folder.

use std::path::{Path, PathBuf};

use crate::engine::output_file::{Existing, FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::evaluation::AgreementScore;
use crate::evaluation::agreement_report::AgreementReport;
use crate::evaluation::{Consensus, Estimate, PairAgreement, PairScores};
use crate::figures::{self, Drawing};
use crate::project::Project;

/// Pixels of a PNG to a point of the figure.
const SCALE: f32 = 3.0;

/// The folder that everything is written into.
#[derive(Clone, Copy, Debug)]
pub struct Folder<'a> {
    /// The project the groups are from, if they are from one.
    pub project: Option<&'a Project>,
    /// Where; made if it is missing.
    pub path: &'a Path,
    /// Whether files of the same names may be replaced.
    pub existing: Existing,
}

/// Writes everything about one condition into `folder`; gives the files. `name` gives each image's name. Files carry
/// the condition's name.
///
/// # Errors
/// `User` or `Device`, naming the file, when one cannot be written; as [`OutputFile::new`], and then none is.
pub fn run<Image: Sync>(
    report: &AgreementReport<Image>,
    linkage: &Consensus,
    level: f64,
    folder: Folder<'_>,
    name: impl Fn(&Image) -> String,
) -> Result<Vec<PathBuf>> {
    let mut writer = FolderWriter { folder, condition: plain(&report.condition.to_string()), files: Vec::new() };
    writer.csv("pairs", &pairs(report))?;
    writer.csv("mean", &means(report))?;
    if !report.retests.is_empty() {
        writer.csv("retest", &retests(report))?;
    }
    let names: Vec<String> = report.groupings.images().iter().map(&name).collect();
    writer.csv("together", &together(report, &names))?;
    writer.csv("consensus", &consensus(report, linkage, level, &names))?;
    writer.csv("disagreement", &disagreement(report, &names))?;
    if report.groupings.raters().len() > 1 {
        for score in AgreementScore::ALL {
            writer.figure(score.file_name(), &figures::pair_figure(report, score))?;
        }
        writer.figure("together", &figures::together_figure(report))?;
        writer.figure("disagreement", &figures::disagreement_figure(report, name))?;
    }
    writer.write()
}

type Table = Vec<Vec<String>>;

/// Collects all files first, so that none is written where one may not be.
struct FolderWriter<'a> {
    folder: Folder<'a>,
    condition: String,
    files: Vec<(OutputFile, Vec<u8>)>,
}

impl FolderWriter<'_> {
    fn add(&mut self, name: &str, ending: &str, kind: FileKind, bytes: Vec<u8>) -> Result<()> {
        let Folder { project, path, existing } = self.folder;
        let path = path.join(format!("condition-{}-{name}.{ending}", self.condition));
        self.files.push((OutputFile::new(project, &path, kind, existing)?, bytes));
        Ok(())
    }

    fn write(self) -> Result<Vec<PathBuf>> {
        std::fs::create_dir_all(self.folder.path).map_err(|error| Error::io(self.folder.path, error))?;
        for (file, bytes) in &self.files {
            file.write(|target| target.write_all(bytes))?;
        }
        Ok(self.files.into_iter().map(|(file, _)| file.path().to_path_buf()).collect())
    }

    fn csv(&mut self, name: &str, table: &Table) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let unwritable = |error: &dyn std::fmt::Display| Error::internal(format!("a table cannot be written: {error}"));
        for row in table {
            writer.write_record(row).map_err(|error| unwritable(&error))?;
        }
        let bytes = writer.into_inner().map_err(|error| unwritable(&error))?;
        self.add(name, "csv", FileKind::Csv, bytes)
    }

    fn figure(&mut self, name: &str, drawing: &Drawing) -> Result<()> {
        let mut svg = Vec::new();
        figures::write_svg(drawing, &mut svg)
            .map_err(|error| Error::internal(format!("a figure cannot be written: {error}")))?;
        self.add(name, "svg", FileKind::Svg, svg)?;
        self.add(name, "png", FileKind::Png, figures::write_png(drawing, SCALE)?)
    }
}

/// A name that can stand in the name of a file on every system.
fn plain(name: &str) -> String {
    name.chars().map(|letter| if letter.is_alphanumeric() || "-_".contains(letter) { letter } else { '-' }).collect()
}

fn header(first: &[&str], scores: &[&str]) -> Vec<String> {
    let mut row: Vec<String> = first.iter().map(|name| (*name).to_owned()).collect();
    for score in scores {
        row.extend([(*score).to_owned(), format!("{score}_low"), format!("{score}_high")]);
    }
    row
}

const PAIR_SCORES: [&str; 5] =
    ["adjusted_rand_index", "adjusted_mutual_information", "v_measure", "entropy_of_first", "entropy_of_second"];

fn estimates(scores: Option<&PairScores>) -> Vec<String> {
    let Some(s) = scores else { return vec![String::new(); PAIR_SCORES.len() * 3] };
    [s.adjusted_rand_index, s.adjusted_mutual_information, s.v_measure, s.entropy_of_first, s.entropy_of_second]
        .iter()
        .flat_map(fields)
        .collect()
}

fn fields(estimate: &Estimate) -> [String; 3] {
    let end = |end: Option<f64>| end.map_or_else(String::new, |value| value.to_string());
    let interval = estimate.interval;
    [estimate.value.to_string(), end(interval.map(|i| i.low)), end(interval.map(|i| i.high))]
}

fn pair_row(first: Vec<String>, pair: &PairAgreement) -> Vec<String> {
    let counts = [pair.images, pair.only_in_first, pair.only_in_second].map(|count| count.to_string());
    first.into_iter().chain(counts).chain(estimates(pair.scores.as_ref())).collect()
}

fn pairs<Image>(report: &AgreementReport<Image>) -> Table {
    let first = ["first", "second", "images", "only_in_first", "only_in_second"];
    let rows = report.agreement.pairs.iter().map(|pair| pair_row(vec![pair.first.clone(), pair.second.clone()], pair));
    std::iter::once(header(&first, &PAIR_SCORES)).chain(rows).collect()
}

fn retests<Image>(report: &AgreementReport<Image>) -> Table {
    let first = ["rater", "images", "only_first_time", "only_again"];
    let rows = report.retests.iter().map(|retest| pair_row(vec![retest.rater.clone()], &retest.agreement));
    std::iter::once(header(&first, &PAIR_SCORES)).chain(rows).collect()
}

fn means<Image>(report: &AgreementReport<Image>) -> Table {
    let mut table = vec![header(&["score", "pairs", "resamples", "seed"], &["mean"])];
    if let Some(mean) = &report.agreement.mean {
        for (name, estimate) in [
            ("adjusted_rand_index", mean.adjusted_rand_index),
            ("adjusted_mutual_information", mean.adjusted_mutual_information),
            ("v_measure", mean.v_measure),
            ("entropy", mean.entropy),
        ] {
            let mut row = vec![
                name.to_owned(),
                mean.pairs.to_string(),
                report.agreement.resamples.to_string(),
                report.agreement.seed.to_string(),
            ];
            row.extend(fields(&estimate));
            table.push(row);
        }
    }
    table
}

fn together<Image>(report: &AgreementReport<Image>, names: &[String]) -> Table {
    let mut table = vec![["first", "second", "together", "raters", "share"].map(str::to_owned).to_vec()];
    for (at, i) in report.order.iter().enumerate() {
        for j in &report.order[at + 1..] {
            let (together, placed) = report.co_occurrence.counts(*i, *j);
            let share = report.co_occurrence.share(*i, *j).map_or_else(String::new, |share| share.to_string());
            table.push(vec![names[*i].clone(), names[*j].clone(), together.to_string(), placed.to_string(), share]);
        }
    }
    table
}

fn consensus<Image>(report: &AgreementReport<Image>, linkage: &Consensus, level: f64, names: &[String]) -> Table {
    let columns = ["image".to_owned(), "best".to_owned(), format!("linkage_at_{level}"), "order".to_owned()];
    let mut places = vec![0; names.len()];
    report.order.iter().enumerate().for_each(|(place, image)| places[*image] = place + 1);
    let rows = names.iter().enumerate().map(|(image, name)| {
        let numbers = [report.best.groups[image] + 1, linkage.groups[image] + 1, places[image]];
        std::iter::once(name.clone()).chain(numbers.map(|number| number.to_string())).collect()
    });
    std::iter::once(columns.to_vec()).chain(rows).collect()
}

fn disagreement<Image>(report: &AgreementReport<Image>, names: &[String]) -> Table {
    let rows = report.most_disagreed();
    let rows = rows.into_iter().map(|(image, value)| vec![names[image].clone(), value.to_string()]);
    std::iter::once(["image", "disagreement"].map(str::to_owned).to_vec()).chain(rows).collect()
}
