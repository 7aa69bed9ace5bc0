//! `atmoscope rate`: the window as a rater sees it, and nothing else of the project.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use crate::error::Result;

/// Open a rater's sorting board in the window, without a way to the rest of the project.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// The rater's name.
    #[arg(long, value_name = "NAME")]
    rater: String,
    /// The study's name; not needed when there is only one.
    #[arg(long, value_name = "NAME")]
    study: Option<String>,
    /// Write our own time of every frame to this CSV file when the window closes.
    #[arg(long, value_name = "FILE", hide = true)]
    frame_log: Option<PathBuf>,
}

/// # Errors
/// `User` when there is no such project, study or rater; `Device` when no window can be opened.
#[cfg(feature = "gui")]
pub(super) fn run(arguments: &Arguments, _output: &Output) -> Result<()> {
    use crate::app::{self, Start};
    use crate::error::Error;
    use crate::project::Project;
    // Said here rather than in the window, where a rater could do nothing about it.
    let study = Project::open_read_only(&arguments.dir)?.study_named(arguments.study.as_deref())?;
    if !study.raters.iter().any(|rater| rater.person.name == arguments.rater.trim() && !rater.removed) {
        let names: Vec<&str> = study.raters.iter().map(|rater| rater.person.name.as_str()).collect();
        return Err(Error::user(format!("{} does not take part in the study “{}”", arguments.rater, study.name))
            .hint(format!("its raters are {}", names.join(", "))));
    }
    app::run(Start {
        project: Some(arguments.dir.clone()),
        rater: Some((arguments.rater.clone(), Some(study.name))),
        frame_log: arguments.frame_log.clone(),
        ..Start::default()
    })
}

#[cfg(not(feature = "gui"))]
pub(super) fn run(_arguments: &Arguments, _output: &Output) -> Result<()> {
    Err(crate::error::Error::user("this build has no window")
        .hint("raters can sort in a web browser: `atmoscope serve`; or build with the feature `gui`"))
}
