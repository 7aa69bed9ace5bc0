//! `atmoscope study`: make studies, let raters in and out, see how far they are, and write what they did.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::Output;
use crate::engine::jobs::counted;
use crate::engine::jobs::study::{self, Retest, StudyImages, StudyRequest};
use crate::engine::output_file::{FileKind, OutputFile};
use crate::error::{Error, Result};
use crate::ids::PersonId;
use crate::interchange::{move_log, read_file};
use crate::project::{Project, StudyRater, StudyRecord, TaskOrder, TaskProgress};
use crate::server::{BaseUrl, DEFAULT_BASE_URL};
use crate::sorting::Condition;

/// Studies: raters sort pictures into groups of similar atmosphere.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    New(NewArguments),
    Show(ShowArguments),
    /// Let another rater take part, or one who was removed come back.
    AddRater(RaterArguments),
    /// Take a rater out: the link no longer opens, what was done is kept.
    RemoveRater(RaterArguments),
    /// Give a rater a new secret link; the old one no longer opens.
    RenewLink(RaterArguments),
    /// Close a study, so that raters cannot go on.
    Close(StudyArguments),
    /// Open a closed study again.
    Reopen(StudyArguments),
    Log(LogArguments),
}

/// Make a study.
#[derive(Args, Debug)]
struct NewArguments {
    /// The project.
    dir: PathBuf,
    /// The study's name; raters see it.
    #[arg(long)]
    name: String,
    /// The raters' names, with commas between them; more can join later.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    raters: Vec<String>,
    /// 1 (any number of groups of three or more), 2 (exactly eight groups), or a TOML file with rules of your own; may
    /// be given several times. 1, then 2, unless given.
    #[arg(long = "condition", value_name = "1|2|FILE")]
    conditions: Vec<String>,
    /// Which pictures: `test` (the test part of the newest split), `all`, or a file with one name on each line. The
    /// test part unless given, or all where there is no split.
    #[arg(long, value_name = "test|all|LIST")]
    images: Option<String>,
    /// Seed of the raters' own orders and of the pictures sorted again.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Let raters sort so many pictures, or all, once more in the end.
    #[arg(long, value_name = "N|all")]
    retest: Option<String>,
    /// Let each rater begin with another condition than the rater before.
    #[arg(long)]
    rotate: bool,
}

/// Show how far raters are, and their links.
#[derive(Args, Debug)]
struct ShowArguments {
    /// The project.
    dir: PathBuf,
    /// Only this study.
    #[arg(long, value_name = "NAME")]
    study: Option<String>,
    /// What links begin with.
    #[arg(long, value_name = "URL", default_value = DEFAULT_BASE_URL)]
    base_url: BaseUrl,
}

#[derive(Args, Debug)]
struct RaterArguments {
    /// The project.
    dir: PathBuf,
    /// The rater's name.
    rater: String,
    /// The study; needed where there are several.
    #[arg(long, value_name = "NAME")]
    study: Option<String>,
    /// What links begin with.
    #[arg(long, value_name = "URL", default_value = DEFAULT_BASE_URL)]
    base_url: BaseUrl,
}

#[derive(Args, Debug)]
struct StudyArguments {
    /// The project.
    dir: PathBuf,
    /// The study; needed where there are several.
    #[arg(long, value_name = "NAME")]
    study: Option<String>,
}

/// Write each move and each visit of a study as one JSON object a line.
#[derive(Args, Debug)]
struct LogArguments {
    /// The project.
    dir: PathBuf,
    /// The study; needed where there are several.
    #[arg(long, value_name = "NAME")]
    study: Option<String>,
    /// Where to write it: a file whose name ends in .jsonl.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    replacing: super::Replacing,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    match &arguments.action {
        Action::New(arguments) => new(arguments, output),
        Action::Show(arguments) => show(arguments, output),
        Action::AddRater(arguments) => {
            let (mut project, study) = open(&arguments.dir, arguments.study.as_deref())?;
            let rater = project.add_rater(study.id, &arguments.rater)?;
            tell_link(&project, &study, rater, &arguments.base_url, output)
        }
        Action::RemoveRater(arguments) => {
            let (mut project, study) = open(&arguments.dir, arguments.study.as_deref())?;
            let rater = rater_named(&study, &arguments.rater)?;
            project.remove_rater(study.id, rater.person.id)?;
            let said = || format!("{} no longer takes part; what was done is kept", rater.person.name);
            output.print(&serde_json::json!({ "removed": rater.person.name }), said)
        }
        Action::RenewLink(arguments) => {
            let (mut project, study) = open(&arguments.dir, arguments.study.as_deref())?;
            let rater = rater_named(&study, &arguments.rater)?;
            project.renew_link(study.id, rater.person.id)?;
            tell_link(&project, &study, rater.person.id, &arguments.base_url, output)
        }
        Action::Close(arguments) => set_closed(arguments, true, output),
        Action::Reopen(arguments) => set_closed(arguments, false, output),
        Action::Log(arguments) => {
            let project = super::open_to_read(&arguments.dir)?;
            let existing = arguments.replacing.existing();
            let out = OutputFile::new(Some(&project), &arguments.out, FileKind::JsonLines, existing)?;
            let study = project.study_named(arguments.study.as_deref())?;
            let lines = study::log_of(&project, study.id)?;
            out.write(|writer| move_log::write(&lines, writer))?;
            let moves = lines.iter().filter(|line| matches!(line.entry, move_log::LogEntry::Move { .. })).count();
            let visits = lines.len() - moves;
            let file = arguments.out.display();
            output.print(&serde_json::json!({ "moves": moves, "visits": visits, "out": file.to_string() }), || {
                format!("Wrote {} and {} to {file}", counted(moves, "move"), counted(visits, "visit"))
            })
        }
    }
}

fn new(arguments: &NewArguments, output: &Output) -> Result<()> {
    let conditions = if arguments.conditions.is_empty() {
        vec![Condition::one(), Condition::two()]
    } else {
        arguments.conditions.iter().map(|text| condition(text)).collect::<Result<_>>()?
    };
    let request = StudyRequest {
        name: arguments.name.clone(),
        raters: arguments.raters.clone(),
        conditions,
        images: match arguments.images.as_deref() {
            None => StudyImages::TestIfSplit,
            Some("test") => StudyImages::Test,
            Some("all") => StudyImages::All,
            Some(file) => StudyImages::Listed(file.into()),
        },
        seed: arguments.seed,
        retest: match arguments.retest.as_deref() {
            None => None,
            Some("all") => Some(Retest::All),
            Some(text) => Some(Retest::Some(text.parse().ok().filter(|images| *images > 0).ok_or_else(|| {
                Error::user(format!("--retest {text} is not a number of pictures")).hint("give a number, or `all`")
            })?)),
        },
        task_order: if arguments.rotate { TaskOrder::Rotated } else { TaskOrder::Listed },
    };
    let mut project = super::open_to_write(&arguments.dir)?;
    let study = study::create(&mut project, &request)?;
    let base = BaseUrl::default();
    output.print(&Shown::new(&study, &base), || {
        format!("{}\n`atmoscope serve` opens it in a browser.", text(&study, &base).trim_end())
    })
}

/// The condition of the paper with that number, or the one in a file.
fn condition(text: &str) -> Result<Condition> {
    match text {
        "1" => return Ok(Condition::one()),
        "2" => return Ok(Condition::two()),
        _ => {}
    }
    let file = Path::new(text);
    let refuse = |why: String| {
        Error::config(format!("{} is not a condition: {why}", file.display()))
            .hint("give 1, 2, or a TOML file with rules such as `fewest_groups = 4` and `smallest_group = 2`")
    };
    if !file.exists() && file.extension().is_none() {
        return Err(refuse("there is no file of that name".to_owned()));
    }
    let bytes = read_file(file)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse("the text is not UTF-8".to_owned()))?;
    let at_line = |error: toml::de::Error| match error.span() {
        Some(span) => {
            let line = 1 + text.get(..span.start).unwrap_or(text).matches('\n').count();
            refuse(format!("line {line}: {}", error.message()))
        }
        None => refuse(error.message().to_owned()),
    };
    let mut condition: Condition = toml::from_str(text).map_err(at_line)?;
    let named = text.parse::<toml::Table>().is_ok_and(|table| table.contains_key("name"));
    if let Some(stem) = file.file_stem().filter(|_| !named) {
        condition.name = stem.to_string_lossy().into_owned();
    }
    // How many pictures there are is looked at when the study is made.
    condition.validate(usize::MAX).map_err(|error| error.in_file(file))?;
    Ok(condition)
}

fn open(dir: &Path, study: Option<&str>) -> Result<(Project, StudyRecord)> {
    let project = super::open_to_write(dir)?;
    let study = project.study_named(study)?;
    Ok((project, study))
}

fn rater_named<'a>(study: &'a StudyRecord, name: &str) -> Result<&'a StudyRater> {
    study.raters.iter().find(|rater| rater.person.name == name.trim()).ok_or_else(|| {
        let names: Vec<&str> = study.raters.iter().map(|rater| rater.person.name.as_str()).collect();
        let hint = if names.is_empty() { "nobody does yet".to_owned() } else { names.join(", ") };
        Error::user(format!("no rater “{name}” takes part in “{}”", study.name)).hint(format!("who does: {hint}"))
    })
}

fn set_closed(arguments: &StudyArguments, closed: bool, output: &Output) -> Result<()> {
    let (mut project, study) = open(&arguments.dir, arguments.study.as_deref())?;
    project.set_study_closed(study.id, closed)?;
    let now = if closed { "closed; raters cannot go on" } else { "open" };
    output.print(&serde_json::json!({ "study": study.name, "closed": closed }), || {
        format!("The study “{}” is {now}", study.name)
    })
}

fn tell_link(project: &Project, study: &StudyRecord, rater: PersonId, base: &BaseUrl, output: &Output) -> Result<()> {
    let study = project.study(study.id)?;
    let rater = study.rater(rater).ok_or_else(|| Error::internal("a rater is gone"))?;
    let link = base.link(&rater.secret);
    output.print(&serde_json::json!({ "rater": rater.person.name, "link": link }), || {
        format!("{}: {link}", rater.person.name)
    })
}

/// A study with its links.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    study: &'a StudyRecord,
    links: Vec<Link<'a>>,
}

#[derive(Serialize)]
struct Link<'a> {
    rater: &'a str,
    link: String,
}

impl<'a> Shown<'a> {
    fn new(study: &'a StudyRecord, base: &BaseUrl) -> Self {
        let taking_part = study.raters.iter().filter(|rater| !rater.removed);
        let links =
            taking_part.map(|rater| Link { rater: &rater.person.name, link: base.link(&rater.secret) }).collect();
        Self { study, links }
    }
}

fn show(arguments: &ShowArguments, output: &Output) -> Result<()> {
    let project = super::open_to_read(&arguments.dir)?;
    let studies = match &arguments.study {
        Some(name) => vec![project.study_named(Some(name))?],
        None => project.studies()?,
    };
    let shown: Vec<Shown<'_>> = studies.iter().map(|study| Shown::new(study, &arguments.base_url)).collect();
    output.print(&serde_json::json!({ "studies": shown }), || {
        if studies.is_empty() {
            return "No studies yet: `atmoscope study new DIR --name NAME --raters A,B` makes one.".to_owned();
        }
        studies.iter().map(|study| text(study, &arguments.base_url)).collect::<Vec<_>>().join("\n")
    })
}

fn text(study: &StudyRecord, base: &BaseUrl) -> String {
    let closed = if study.closed_at.is_some() { ", closed" } else { "" };
    let mut text = format!("Study “{}”: {}{closed}\n", study.name, counted(study.images, "picture"));
    for task in &study.tasks {
        let again = if task.occasion > 1 { ", once more" } else { "" };
        let _ = writeln!(
            text,
            "  condition {}{again}, {}: {}",
            task.condition.name,
            counted(task.images, "picture"),
            task.condition.task()
        );
    }
    for rater in &study.raters {
        let link = if rater.removed { "removed".to_owned() } else { base.link(&rater.secret) };
        let done = format!("{} of {} submitted", rater.submitted(), counted(rater.progress.len(), "task"));
        let _ = writeln!(text, "  {}: {done}{}  {link}", rater.person.name, under_way(study, rater));
    }
    text
}

/// "; condition 2: 45 of 120 placed, 61 moves, last 2024-05-01 10:00", for the sort under way.
fn under_way(study: &StudyRecord, rater: &StudyRater) -> String {
    let is_next = |progress: &&TaskProgress| Some(progress.task) == rater.next_task();
    let next = rater.progress.iter().find(is_next);
    let Some((task, sort)) = next.and_then(|next| Some((study.task(next.task)?, next.sort.as_ref()?))) else {
        return String::new();
    };
    let last = sort
        .last_at
        .as_ref()
        .map_or_else(String::new, |at| format!(", last {}", at.get(..16).unwrap_or(at).replace('T', " ")));
    let moves = counted(sort.moves, "move");
    format!("; condition {}: {} of {} placed, {moves}{last}", task.condition.name, sort.placed, task.images)
}
