//! `atmoscope export-labels`: write labels for other programs.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use crate::engine::jobs::export_labels::{self, LabelExport};
use crate::engine::jobs::{counted, counted_as};
use crate::error::Result;
use crate::interchange::label_forms::LabelForm;

/// Write the labels that annotators gave, for other programs; `import --labels` reads all forms back.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// The file; for text files the folder, which may be that of the pictures.
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// The form: csv (`image` and one column of 0 and 1 for each label), long (`image,label,answer,annotator,time`), txt
    /// (a file beside each picture with the labels that are on), or imagefolder (`metadata.csv` for Hugging Face).
    #[arg(long, value_name = "FORM", default_value_t, value_parser = super::named::<LabelForm>)]
    form: LabelForm,
    /// Whose labels; what all annotators together say unless given. The long form keeps annotators apart.
    #[arg(long, value_name = "NAME")]
    annotator: Option<String>,
    #[command(flatten)]
    replacing: super::Replacing,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let project = super::open_to_read(&arguments.dir)?;
    let export = LabelExport { form: arguments.form, annotator: arguments.annotator.clone() };
    let report = export_labels::run(&project, &export, &arguments.out, arguments.replacing.existing())?;
    if report.unanswered_as_no > 0 {
        output.terminal.warn(&format!(
            "{} without an answer: text files hold only what is on, so they come back as no",
            counted(report.unanswered_as_no, "label")
        ));
    }
    if !report.never_on.is_empty() {
        output
            .terminal
            .warn(&format!("Text files cannot record labels that no picture has: {}", report.never_on.join(", ")));
    }
    if report.replaced_images > 0 {
        let pictures = counted(report.replaced_images, "picture");
        output.terminal.warn(&format!("Left out: {pictures} whose file holds another picture now"));
    }
    output.print(&report, || {
        format!(
            "Wrote {} about {} of {} to {}",
            counted(report.answers, "answer"),
            counted(report.labels, "label"),
            counted_as(report.images, "picture", "pictures"),
            report.path.display()
        )
    })
}
