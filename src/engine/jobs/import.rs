//! Import: pictures from a folder, labels and groupings from CSV.
//!
//! Pictures: every file below the folder is read once, hashed, fully decoded and given a thumbnail, in parallel;
//! what is sound joins the project in batches, the rest is listed with its reason. Cancelling keeps what is done.
//! CSV files: read as a whole; a file with problems is refused, unless the person asks to take its sound part.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;
use walkdir::WalkDir;

use super::counted;
use crate::dataset::SelectionRules;
use crate::error::{Error, Result};
use crate::ids::ImageId;
use crate::imaging::{self, DecodeLimits, Inspection, Rejection, ThumbnailCache};
use crate::interchange::grouping_forms::{GroupingDefaults, GroupingForm};
use crate::interchange::{NameMatcher, Problem, Separator, check_file, label_forms, labels, read_file};
use crate::names;
use crate::progress::{Cancel, Observer, Stage};
use crate::project::{
    FileStamp, GroupingRow, ImageRecord, NewImage, Project, REPLACED, RejectedFile, Role, is_own_file,
};
use crate::wording::{path_in_json, paths_in_json};

/// Files handled between two progress reports and in one transaction.
const BATCH: usize = 32;

/// What to import.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// A folder of pictures, taken with all its subfolders.
    pub images: Option<PathBuf>,
    /// Labels, in any of [`label_forms`]: a CSV, or a folder of text files beside pictures.
    pub labels: Option<PathBuf>,
    /// Groups made by people: a CSV `rater,condition,image,group`, FreeSortR's table or jsPsych's data.
    pub groupings: Option<PathBuf>,
    /// The form of that file; recognised by its content when not given.
    pub grouping_form: Option<GroupingForm>,
    /// What that file may lack.
    pub grouping_defaults: GroupingDefaults,
    /// Whose labels these are; the file's name when not given.
    pub annotator: Option<String>,
    /// Take the sound part of a CSV file that has problems, and add labels that the vocabulary lacks.
    pub accept_problems: bool,
    /// Add the labels of a CSV that the vocabulary lacks, rather than call them problems.
    pub add_labels: bool,
    /// Largest picture read, in megapixels.
    pub max_megapixels: u32,
    /// Pictures whose longer side is more than this many times the shorter are set aside.
    pub max_aspect_ratio: f64,
}

impl Default for ImportRequest {
    fn default() -> Self {
        Self {
            images: None,
            labels: None,
            groupings: None,
            grouping_form: None,
            grouping_defaults: GroupingDefaults::default(),
            annotator: None,
            accept_problems: false,
            add_labels: false,
            max_megapixels: DecodeLimits::default().max_megapixels,
            max_aspect_ratio: SelectionRules::default().max_aspect_ratio,
        }
    }
}

/// A problem in a CSV file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileProblem {
    /// The file.
    #[serde(serialize_with = "path_in_json")]
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: u64,
    /// What is wrong.
    pub message: String,
}

/// What an import did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ImportReport {
    /// Pictures that joined the project.
    pub added: usize,
    /// Pictures that were in the project already.
    pub already_there: usize,
    /// Known pictures found at a new place.
    pub moved: usize,
    /// Of the added ones, how many were set aside by a rule.
    pub set_aside: usize,
    /// Files that did not become pictures of the project.
    pub rejected: Vec<RejectedFile>,
    /// Labels read: how many pictures and answers.
    pub labels: Option<LabelImport>,
    /// Groupings added.
    pub groupings: Option<usize>,
    /// What was wrong in CSV files.
    pub problems: Vec<FileProblem>,
    /// Files of which nothing was stored because of their problems.
    #[serde(serialize_with = "paths_in_json")]
    pub refused: Vec<PathBuf>,
    /// Label columns that the vocabulary lacks, of a file that was refused.
    pub unknown_labels: Vec<String>,
    /// True when the person stopped the import; what was done until then was kept.
    pub cancelled: bool,
}

/// What came of a label file.
#[derive(Clone, Debug, Serialize)]
pub struct LabelImport {
    /// Whose labels they are.
    pub annotator: String,
    /// Labels in the file.
    pub labels: usize,
    /// Pictures in the file that are in the project.
    pub images: usize,
    /// Answers that changed.
    pub changed: usize,
}

impl ImportReport {
    /// True when a folder of pictures turned out to hold none, not even a double or a damaged one.
    pub fn found_nothing(&self) -> bool {
        self.added + self.already_there + self.moved + self.rejected.len() == 0 && !self.cancelled
    }
}

/// Runs an import. Problems in CSV files are reported, not returned as errors.
///
/// # Errors
/// A folder or file that cannot be read at all, a disk that refuses, a project open for reading only.
pub fn run(
    project: &mut Project,
    request: &ImportRequest,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<ImportReport> {
    let mut report = ImportReport::default();
    // A mistyped name is an error now, not after all pictures were read.
    for file in [&request.labels, &request.groupings].into_iter().flatten() {
        // Labels may be text files in a folder.
        if request.labels.as_ref() == Some(file) && file.is_dir() {
            continue;
        }
        check_file(file)?;
        if let Some(note) = separator_of(file)?.note() {
            observer.note(&format!("{}: {note}", file.display()));
        }
    }
    if let Some(folder) = &request.images {
        import_images(project, request, folder, &mut report, observer, cancel)?;
        if report.cancelled {
            return Ok(report);
        }
    }
    if let Some(file) = &request.labels {
        import_labels(project, request, file, &mut report)?;
    }
    if let Some(file) = &request.groupings {
        import_groupings(project, request, file, &mut report)?;
    }
    Ok(report)
}

/// What reading one file gave.
enum Found {
    Known { hash: String, stamp: Option<FileStamp> },
    Sound { inspection: Box<Inspection>, stamp: Option<FileStamp> },
    Rejected { code: String, reason: String },
}

fn import_images(
    project: &mut Project,
    request: &ImportRequest,
    folder: &Path,
    report: &mut ImportReport,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<()> {
    let limits = DecodeLimits { max_megapixels: request.max_megapixels, ..DecodeLimits::default() };
    let rules = SelectionRules { max_aspect_ratio: request.max_aspect_ratio };
    let files = list_files(folder, report)?;
    let root = project.image_root(folder)?;
    let thumbnails = ThumbnailCache::new(project.thumbnails_folder());
    let mut known: HashMap<String, ImageRecord> =
        project.images()?.into_iter().map(|image| (image.content_hash.clone(), image)).collect();
    let known_hashes: HashSet<String> = known.keys().cloned().collect();
    let mut paths = project.image_paths()?;
    // Reported even if the import is stopped.
    project.add_rejected_files(root.id, &report.rejected)?;
    let stage = Stage::new("Reading pictures", files.len());
    observer.progress(stage.at(0));

    for (batch_number, batch) in files.chunks(BATCH).enumerate() {
        if cancel.is_cancelled() {
            report.cancelled = true;
            break;
        }
        let found: Vec<Found> =
            batch.par_iter().map(|file| examine(&file.path, &limits, &known_hashes, &thumbnails)).collect();

        let mut new_images: Vec<NewImage> = Vec::new();
        let mut rejected = Vec::new();
        let mut in_batch: HashMap<String, String> = HashMap::new();
        let mut found_right = Vec::new();
        for (file, found) in batch.iter().zip(found) {
            match found {
                Found::Rejected { code, reason } => {
                    rejected.push(RejectedFile { relative_path: file.relative.clone(), code, reason });
                }
                Found::Known { hash, stamp } => {
                    let Some(image) = known.get_mut(&hash) else { continue };
                    let at_its_place = image.root_id == root.id && image.relative_path == file.relative;
                    let double = !at_its_place && paths.get(&image.id).is_some_and(|path| holds(path, &hash, &limits));
                    if !double {
                        found_right.extend(stamp.map(|stamp| (image.id, stamp)));
                    }
                    if at_its_place && image.set_aside.as_deref() != Some(REPLACED) {
                        report.already_there += 1;
                    } else if double {
                        // Whatever was imported from this file is not in it any more.
                        project.replace_image_at(root.id, &file.relative)?;
                        rejected.push(exact_double(&file.relative, &image.relative_path));
                    } else {
                        project.move_image(image.id, root.id, &file.relative)?;
                        if at_its_place {
                            report.already_there += 1;
                        } else {
                            report.moved += 1;
                        }
                        (image.root_id, image.relative_path) = (root.id, file.relative.clone());
                        paths.insert(image.id, file.path.clone());
                    }
                }
                Found::Sound { inspection, stamp } => {
                    let facts = inspection.facts;
                    let first = known
                        .get(&facts.content_hash)
                        .map(|image| image.relative_path.clone())
                        .or_else(|| in_batch.get(&facts.content_hash).cloned());
                    if let Some(first) = first {
                        rejected.push(exact_double(&file.relative, &first));
                        continue;
                    }
                    in_batch.insert(facts.content_hash.clone(), file.relative.clone());
                    let set_aside = rules.check_size(facts.width_px, facts.height_px);
                    report.set_aside += usize::from(set_aside.is_some());
                    new_images.push(NewImage { relative_path: file.relative.clone(), facts, set_aside, stamp });
                }
            }
        }
        let ids = project.add_images(root.id, &new_images)?;
        project.note_file_stamps(&found_right)?;
        project.add_rejected_files(root.id, &rejected)?;
        report.added += ids.len();
        if !ids.is_empty() {
            observer.joined();
        }
        for (image, id) in new_images.into_iter().zip(ids) {
            known.insert(image.facts.content_hash.clone(), image.into_record(id, root.id));
        }
        report.rejected.extend(rejected);
        observer.progress(stage.at(batch_number * BATCH + batch.len()));
    }
    if !report.cancelled {
        // What was listed before may have been mended, moved or deleted since.
        project.replace_rejected_files(root.id, &report.rejected)?;
    }
    observer.note(&if report.found_nothing() {
        format!("no picture files were found in {}", folder.display())
    } else {
        format!(
            "{} added, {} there already, {} not taken",
            counted(report.added, "picture"),
            report.already_there,
            counted(report.rejected.len(), "file")
        )
    });
    Ok(())
}

struct ListedFile {
    path: PathBuf,
    relative: String,
}

/// All files below `folder` in the order of their paths. Hidden files and projects' own files are left out; what else
/// cannot be followed or read is put on the list of files not taken.
fn list_files(folder: &Path, report: &mut ImportReport) -> Result<Vec<ListedFile>> {
    let metadata = std::fs::metadata(folder).map_err(|error| Error::io(folder, error))?;
    if !metadata.is_dir() {
        return Err(
            Error::user(format!("{} is not a folder", folder.display())).hint("give the folder of the pictures")
        );
    }
    let start = folder.canonicalize().map_err(|error| Error::io(folder, error))?;
    if start.ancestors().any(is_own_file) {
        return Err(Error::user(format!("{} belongs to a project's own files", folder.display()))
            .hint("give the folder of the original pictures"));
    }
    let mut files = Vec::new();
    let mut reject = |path: &Path, code: &str, reason: String| {
        let relative = path.strip_prefix(&start).unwrap_or(path).to_string_lossy();
        let relative_path = if cfg!(windows) { relative.replace('\\', "/") } else { relative.into_owned() };
        report.rejected.push(RejectedFile { relative_path, code: code.to_owned(), reason });
    };
    let mut walk = WalkDir::new(&start).follow_links(true).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let reason = format!("the file or folder cannot be opened ({error})");
                reject(error.path().unwrap_or(&start), "unopenable", reason);
                continue;
            }
        };
        let (path, kind) = (entry.path(), entry.file_type());
        if entry.depth() > 0 && (entry.file_name().to_string_lossy().starts_with('.') || is_own_file(path)) {
            if kind.is_dir() {
                walk.skip_current_dir();
            }
        } else if kind.is_dir() {
            if entry.path_is_symlink() && entry.depth() > 0 {
                let target = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
                if !target.starts_with(&start) {
                    let reason = format!("a link to another folder ({}); import that one by itself", target.display());
                    reject(path, "link-outside", reason);
                    walk.skip_current_dir();
                } else if target.ancestors().any(is_own_file) {
                    walk.skip_current_dir();
                }
            }
        } else if !kind.is_file() {
            reject(path, "special", "a pipe, socket or device, not a file".to_owned());
        } else if let Some(name) = path.strip_prefix(&start).ok().and_then(Path::to_str) {
            // Elsewhere a backslash is a letter like any other.
            let relative = if cfg!(windows) { name.replace('\\', "/") } else { name.to_owned() };
            files.push(ListedFile { path: path.to_path_buf(), relative });
        } else {
            let reason = "the file's name is not valid Unicode; rename it and import again".to_owned();
            reject(path, "bad-name", reason);
        }
    }
    Ok(files)
}

fn examine(path: &Path, limits: &DecodeLimits, known: &HashSet<String>, thumbnails: &ThumbnailCache) -> Found {
    let turned_away =
        |reason: Rejection| Found::Rejected { code: reason.code().to_owned(), reason: reason.to_string() };
    let stamp = FileStamp::of(path).ok();
    let bytes = match imaging::read_picture_file(path, limits) {
        Ok(bytes) => bytes,
        Err(reason) => return turned_away(reason),
    };
    let hash = imaging::content_hash(&bytes);
    if known.contains(&hash) {
        return Found::Known { hash, stamp };
    }
    match imaging::inspect(&bytes, limits) {
        Ok(inspection) => {
            // A thumbnail that cannot be stored now is made again when it is looked at.
            let _ = thumbnails.store(&inspection.facts.content_hash, &inspection.thumbnail);
            Found::Sound { inspection: Box::new(inspection), stamp }
        }
        Err(reason) => turned_away(reason),
    }
}

/// True when the file at `path` has this content.
fn holds(path: &Path, hash: &str, limits: &DecodeLimits) -> bool {
    imaging::read_picture_file(path, limits).is_ok_and(|bytes| imaging::content_hash(&bytes) == hash)
}

fn exact_double(relative_path: &str, of: &str) -> RejectedFile {
    RejectedFile {
        relative_path: relative_path.to_owned(),
        code: "exact-double".to_owned(),
        reason: format!("the same file as {of}, byte for byte"),
    }
}

/// The pictures by name. A name means the picture that its file holds now.
pub(super) fn name_matcher(images: &[ImageRecord]) -> NameMatcher {
    let present = images.iter().filter(|image| image.set_aside.as_deref() != Some(REPLACED));
    NameMatcher::new(present.map(|image| (image.id, image.relative_path.as_str())))
}

fn import_labels(project: &mut Project, request: &ImportRequest, file: &Path, report: &mut ImportReport) -> Result<()> {
    let parsed = label_forms::read(file)?;
    let mut problems = parsed.problems;
    if request.annotator.is_some() && parsed.value.iter().filter(|(annotator, _)| annotator.is_some()).count() > 1 {
        return Err(Error::user(format!("{} holds the labels of several annotators", file.display()))
            .hint("leave --annotator out: each joins under their own name"));
    }
    let names = name_matcher(&project.images()?);
    let vocabulary: Vec<String> = project.labels()?.into_iter().map(|label| label.name).collect();
    // What a text file beside a picture does not name is off.
    let only_what_is_on = file.is_dir();
    let tables: Vec<(Option<String>, ResolvedLabels)> = parsed
        .value
        .into_iter()
        .map(|(annotator, mut table)| {
            if only_what_is_on {
                let missing: Vec<String> =
                    vocabulary.iter().filter(|label| !table.labels.contains(label)).cloned().collect();
                table.rows.iter_mut().for_each(|row| row.values.extend(missing.iter().map(|_| Some(false))));
                table.labels.extend(missing);
            }
            (annotator, resolve_labels(table, &names, only_what_is_on, &mut problems))
        })
        .collect();
    if !vocabulary.is_empty() && !request.accept_problems && !request.add_labels {
        let new: BTreeSet<&String> = tables.iter().flat_map(|(_, table)| &table.labels).collect();
        for name in new.into_iter().filter(|name| !vocabulary.contains(name)) {
            problems.push(Problem::new(1, format!("“{name}” is not a label of this project")));
            report.unknown_labels.push(name.clone());
        }
    }
    if add_problems(report, file, problems, request.accept_problems) {
        return Ok(());
    }
    let stem = || file.file_stem().map_or_else(|| "import".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let mut all = LabelImport { annotator: String::new(), labels: 0, images: 0, changed: 0 };
    let (mut annotators, mut labels, mut images) = (Vec::new(), BTreeSet::new(), HashSet::new());
    for (annotator, table) in tables {
        let annotator = request.annotator.clone().or(annotator).unwrap_or_else(stem);
        if table.rows.iter().any(|(_, values)| values.iter().any(Option::is_some)) {
            let person = project.person(&annotator, Role::Annotator)?;
            all.changed += project.import_annotations(person.id, &table.labels, &table.rows, &table.times)?;
        } else {
            // Who says nothing does not join; the labels do.
            project.ensure_labels(&table.labels)?;
        }
        annotators.push(annotator);
        labels.extend(table.labels);
        images.extend(table.rows.into_iter().map(|(image, _)| image));
    }
    annotators.dedup();
    (all.annotator, all.labels, all.images) = (annotators.join(", "), labels.len(), images.len());
    report.labels = Some(all);
    Ok(())
}

/// Labels of a file whose pictures are those of the project.
struct ResolvedLabels {
    labels: Vec<String>,
    /// Each picture's answers, in the labels' order.
    rows: Vec<(ImageId, Vec<Option<bool>>)>,
    /// When an answer was given: picture, place of the label, time.
    times: Vec<(ImageId, usize, String)>,
}

/// Finds the pictures of a table; what cannot be used is put on the list of problems.
fn resolve_labels(
    table: labels::LabelTable,
    names: &NameMatcher,
    without_ending: bool,
    problems: &mut Vec<Problem>,
) -> ResolvedLabels {
    let mut columns = table.labels;
    let mut usable = Vec::with_capacity(columns.len());
    for name in &columns {
        let checked = names::check(name, "a label");
        usable.push(checked.is_ok());
        if let Err(error) = checked {
            problems.push(Problem::new(1, format!("{error}; the label is left out")));
        }
    }
    keep(&mut columns, &usable);
    let mut lines: HashMap<ImageId, u64> = HashMap::new();
    let mut resolved = ResolvedLabels { labels: columns, rows: Vec::new(), times: Vec::new() };
    for mut row in table.rows {
        keep(&mut row.values, &usable);
        keep(&mut row.times, &usable);
        let found = if without_ending { names.resolve_without_ending(&row.image) } else { names.resolve(&row.image) };
        match found {
            Err(unresolved) => problems.push(Problem::new(row.line, unresolved.to_string())),
            Ok(image) => match lines.insert(image, row.line) {
                Some(first) => problems
                    .push(Problem::new(row.line, format!("“{}” is the picture of line {first} again", row.image))),
                None => {
                    let times = row.times.into_iter().enumerate();
                    resolved.times.extend(times.filter_map(|(place, time)| Some((image, place, time?))));
                    resolved.rows.push((image, row.values));
                }
            },
        }
    }
    resolved
}

/// What separates the fields of a file, as far as its first line tells.
fn separator_of(file: &Path) -> Result<Separator> {
    let mut start = Vec::new();
    File::open(file)
        .and_then(|file| file.take(64 * 1024).read_to_end(&mut start))
        .map_err(|error| Error::io(file, error))?;
    Ok(Separator::of(&start))
}

/// Leaves the items whose place is marked.
fn keep<T>(items: &mut Vec<T>, marked: &[bool]) {
    let mut marks = marked.iter();
    items.retain(|_| marks.next() != Some(&false));
}

fn import_groupings(
    project: &mut Project,
    request: &ImportRequest,
    file: &Path,
    report: &mut ImportReport,
) -> Result<()> {
    let bytes = read_file(file)?;
    let form = request.grouping_form.unwrap_or_else(|| GroupingForm::recognise(&bytes));
    let parsed = form.parse(&bytes, &request.grouping_defaults);
    let mut problems = parsed.problems;
    if parsed.value.is_empty() && problems.is_empty() {
        problems.push(Problem::new(1, format!("no groups were found (read as {form})")));
    }
    let images = project.images()?;
    let names = name_matcher(&images);
    let mut lines: HashMap<(String, String, Option<String>, usize, ImageId), u64> = HashMap::new();
    let mut rows = Vec::new();
    for row in parsed.value {
        match names.resolve(&row.image) {
            Err(unresolved) => problems.push(Problem::new(row.line, unresolved.to_string())),
            Ok(image) => match lines
                .insert((row.rater.clone(), row.condition.clone(), row.study.clone(), row.occasion(), image), row.line)
            {
                Some(first) => problems.push(Problem::new(
                    row.line,
                    format!("“{}” was placed by {} in line {first} already", row.image, row.rater),
                )),
                None => {
                    let occasion = row.occasion();
                    rows.push(GroupingRow {
                        rater: row.rater,
                        condition: row.condition,
                        image,
                        group: row.group,
                        occasion,
                        study: row.study,
                        place: row.order,
                        begun_at: row.started,
                        submitted_at: row.ended,
                        line: Some(row.line),
                    });
                }
            },
        }
    }
    if add_problems(report, file, problems, request.accept_problems) {
        return Ok(());
    }
    let added = project.import_groupings(&rows).map_err(|mut error| {
        error.message = format!("{}: {}", file.display(), error.message);
        error
    });
    report.groupings = Some(added?);
    Ok(())
}

/// Adds the problems to the report; true when nothing of the file may be stored because of them.
fn add_problems(report: &mut ImportReport, file: &Path, mut problems: Vec<Problem>, accept: bool) -> bool {
    problems.sort_by_key(|problem| problem.line);
    let refused = !problems.is_empty() && !accept;
    report.problems.extend(problems.into_iter().map(|problem| FileProblem {
        file: file.to_path_buf(),
        line: problem.line,
        message: problem.message,
    }));
    if refused {
        report.refused.push(file.to_path_buf());
    }
    refused
}
