//! Export labels: what annotators said, as files for other programs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::dataset::{ImageLabels, targets};
use crate::engine::output_file::{Existing, FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::interchange::label_forms::{self, AnswerRow, LabelForm, sidecar_path, sidecar_text};
use crate::interchange::labels::{self, LabelRow, LabelTable};
use crate::project::{ImageRecord, Label, Person, Project, Role};
use crate::wording::path_in_json;

/// What is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelExport {
    /// The form.
    pub form: LabelForm,
    /// Whose answers; what all annotators together say when nobody is named. The long form keeps everybody apart.
    pub annotator: Option<String>,
}

/// What was written.
#[derive(Clone, Debug, Serialize)]
pub struct LabelExportReport {
    /// The file or folder.
    #[serde(serialize_with = "path_in_json")]
    pub path: PathBuf,
    /// Pictures with an answer.
    pub images: usize,
    /// Labels of the project.
    pub labels: usize,
    /// Answers.
    pub answers: usize,
    /// Labels without an answer, of the pictures written, that will come back as no: text files know only what is on.
    pub unanswered_as_no: usize,
    /// Labels that no picture has, of which text files know nothing.
    pub never_on: Vec<String>,
    /// Pictures left out, whose file holds another picture now: their names would stand for that one.
    pub replaced_images: usize,
}

/// Writes labels to a file, or below a folder for text files.
///
/// # Errors
/// `User` when there is no answer or no such annotator, or the file may not be written ([`OutputFile::new`]).
pub fn run(project: &Project, export: &LabelExport, path: &Path, existing: Existing) -> Result<LabelExportReport> {
    let annotators = project.people(Role::Annotator)?;
    let chosen = export.annotator.as_deref().map(|name| annotator_named(&annotators, name)).transpose()?;
    let vocabulary = project.labels()?;
    let replaced = project.replaced_images()?;
    let images: Vec<ImageRecord> =
        project.images()?.into_iter().filter(|image| !replaced.contains(&image.id)).collect();
    let mut report = LabelExportReport {
        path: path.to_path_buf(),
        images: 0,
        labels: vocabulary.len(),
        answers: 0,
        unanswered_as_no: 0,
        never_on: Vec::new(),
        replaced_images: replaced.len(),
    };
    if export.form == LabelForm::LongCsv {
        let file = OutputFile::new(Some(project), path, FileKind::Csv, existing)?;
        let rows = long_rows(project, &images, &vocabulary, &annotators, chosen)?;
        let mut written: Vec<&str> = rows.iter().map(|row| row.image.as_str()).collect();
        written.dedup();
        (report.images, report.answers) = (written.len(), rows.len());
        check_any(report.answers)?;
        file.write(|target| label_forms::write_long(&rows, target))?;
        return Ok(report);
    }
    let answers = match chosen {
        None => project.consensus()?,
        Some(person) => project.answers_of(person.id)?,
    };
    let answered: Vec<(&ImageRecord, &ImageLabels)> =
        images.iter().filter_map(|image| Some((image, answers.get(&image.id)?))).collect();
    report.images = answered.len();
    report.answers = answered.iter().map(|(_, answers_of_image)| answers_of_image.len()).sum();
    check_any(report.answers)?;
    match export.form {
        LabelForm::Sidecars => {
            report.unanswered_as_no = report.images * vocabulary.len() - report.answers;
            let never_on = vocabulary.iter().filter(|label| {
                !answered.iter().any(|(_, answers_of_image)| targets::has_label(Some(answers_of_image), label.id))
            });
            report.never_on = never_on.map(|label| label.name.clone()).collect();
            write_sidecars(project, &images, &answered, &vocabulary, path, existing)?;
        }
        form => {
            let file = OutputFile::new(Some(project), path, FileKind::Csv, existing)?;
            let row = |(image, answers_of_image): &(&ImageRecord, &ImageLabels)| LabelRow {
                line: 0,
                image: image.relative_path.clone(),
                values: vocabulary.iter().map(|label| answers_of_image.get(&label.id).copied()).collect(),
                times: Vec::new(),
            };
            let table = LabelTable {
                labels: vocabulary.iter().map(|label| label.name.clone()).collect(),
                rows: answered.iter().map(row).collect(),
            };
            let image_column = if form == LabelForm::ImageFolder { "file_name" } else { "image" };
            file.write(|target| labels::write(&table, image_column, target))?;
        }
    }
    Ok(report)
}

fn annotator_named<'a>(annotators: &'a [Person], name: &str) -> Result<&'a Person> {
    annotators.iter().find(|person| person.name == name).ok_or_else(|| {
        let names: Vec<&str> = annotators.iter().map(|person| person.name.as_str()).collect();
        Error::user(format!("nobody called “{name}” gave labels"))
            .hint(format!("there are labels by {}", names.join(", ")))
    })
}

fn check_any(answers: usize) -> Result<()> {
    if answers == 0 {
        return Err(Error::user("there are no labels to write").hint("label some pictures, or import labels"));
    }
    Ok(())
}

fn long_rows(
    project: &Project,
    images: &[ImageRecord],
    vocabulary: &[Label],
    annotators: &[Person],
    chosen: Option<&Person>,
) -> Result<Vec<AnswerRow>> {
    let mut times = HashMap::new();
    for person in annotators.iter().filter(|person| chosen.is_none_or(|chosen| chosen.id == person.id)) {
        for (annotation, at) in project.annotations_with_times(person.id)? {
            times.insert((annotation.image, annotation.label, person.id), (annotation.value, at));
        }
    }
    let mut rows = Vec::with_capacity(times.len());
    for image in images {
        for person in annotators {
            for label in vocabulary {
                if let Some((answer, time)) = times.remove(&(image.id, label.id, person.id)) {
                    rows.push(AnswerRow {
                        image: image.relative_path.clone(),
                        label: label.name.clone(),
                        answer,
                        annotator: person.name.clone(),
                        time,
                    });
                }
            }
        }
    }
    Ok(rows)
}

fn write_sidecars(
    project: &Project,
    images: &[ImageRecord],
    answered: &[(&ImageRecord, &ImageLabels)],
    vocabulary: &[Label],
    folder: &Path,
    existing: Existing,
) -> Result<()> {
    if let Some(label) = vocabulary.iter().find(|label| label.name.contains(',')) {
        return Err(Error::user(format!(
            "the label “{}” holds a comma, which separates labels in text files",
            label.name
        ))
        .hint("rename it, or choose another form"));
    }
    // All are looked at before the first is written.
    let mut files = HashMap::new();
    for (image, answers_of_image) in answered {
        let path = folder.join(sidecar_path(&image.relative_path));
        let file = OutputFile::new(Some(project), &path, FileKind::Text, existing)?;
        let on = vocabulary.iter().filter(|label| targets::has_label(Some(answers_of_image), label.id));
        let text = sidecar_text(on.map(|label| label.name.as_str()));
        if files.insert(path.clone(), (file, text)).is_some() {
            return Err(Error::user(format!("two pictures would share the text file {}", path.display()))
                .hint("choose another form: their names differ in the ending only"));
        }
    }
    // What an earlier export wrote about other pictures would be read back with this one.
    for image in images {
        let path = folder.join(sidecar_path(&image.relative_path));
        if files.contains_key(&path) || !path.is_file() {
            continue;
        }
        OutputFile::new(Some(project), &path, FileKind::Text, existing)?;
        std::fs::remove_file(&path).map_err(|error| Error::io(&path, error))?;
    }
    for (path, (file, text)) in files {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Error::io(parent, error))?;
        }
        file.write(|target| target.write_all(text.as_bytes()))?;
    }
    Ok(())
}
