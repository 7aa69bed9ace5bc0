//! `atmoscope export-groupings`: write groups made by people.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::sort_choice::SortArguments;
use crate::engine::jobs::{counted, export_groupings};
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::Result;
use crate::interchange::grouping_forms::GroupingForm;

/// Write the newest groupings of all raters, also of those who sorted again, for other programs.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// The file.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The form: csv (`rater,condition,image,group,started,ended,order,occasion,study`), freesortr, or jspsych.
    #[arg(long, value_name = "FORM", default_value_t = GroupingForm::LongCsv, value_parser = super::named::<GroupingForm>)]
    form: GroupingForm,
    /// One condition only.
    #[arg(long, value_name = "NAME")]
    condition: Option<String>,
    /// One occasion only: 1 the first time, 2 again.
    #[arg(long, value_name = "NUMBER")]
    occasion: Option<usize>,
    #[command(flatten)]
    sorts: SortArguments,
    #[command(flatten)]
    replacing: super::Replacing,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let project = super::open_to_read(&arguments.dir)?;
    let kind = match arguments.form {
        GroupingForm::LongCsv | GroupingForm::FreeSortR => FileKind::Csv,
        GroupingForm::JsPsych => FileKind::Json,
    };
    let out = OutputFile::new(Some(&project), &arguments.out, kind, arguments.replacing.existing())?;
    let choice = arguments.sorts.choice(arguments.condition.as_deref());
    let written = export_groupings::run(&project, arguments.form, &choice, arguments.occasion, &out)?;
    let value = json!({ "file": arguments.out.to_string_lossy(), "groupings": written.groupings, "replaced_images": written.replaced_images });
    if written.replaced_images > 0 {
        output.terminal.warn(&format!(
            "Left out: {} whose file holds another picture now",
            counted(written.replaced_images, "picture")
        ));
    }
    output.print(&value, || format!("Wrote {} to {}", counted(written.groupings, "grouping"), arguments.out.display()))
}
