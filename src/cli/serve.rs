//! `atmoscope serve`: open a study for raters elsewhere, in their browsers.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::output::Output;
use crate::engine::jobs::counted;
use crate::error::Result;
use crate::progress::Observer;
use crate::server::{BaseUrl, Limits, Server};

/// Open a study in web browsers, for raters elsewhere. Runs until Ctrl+C or SIGTERM.
///
/// Each rater has a secret link, which is printed unless --quiet is given; anyone who has it sorts as that rater. Every move is stored before the
/// page calls it saved. While it runs, no other Atmoscope can change the project; `study show` and `study log` can read
/// it.
#[derive(Args, Debug)]
#[command(after_long_help = PROXY_HELP)]
pub(super) struct Arguments {
    /// The project.
    dir: PathBuf,
    /// The study; needed where there are several.
    #[arg(long, value_name = "NAME")]
    study: Option<String>,
    /// Where to listen. Any address but this computer's own sends links and pictures unencrypted.
    #[arg(long, default_value = "127.0.0.1:8085")]
    address: SocketAddr,
    /// What the printed links begin with: where raters reach the proxy before this server.
    #[arg(long, value_name = "URL")]
    base_url: Option<BaseUrl>,
}

const PROXY_HELP: &str = "\
Raters elsewhere need a reverse proxy with TLS on this computer. For Caddy (caddyserver.com) these two lines are all of
its Caddyfile:

    sort.example.org
    reverse_proxy 127.0.0.1:8085

Then give --base-url https://sort.example.org, so that the printed links are the right ones.";

/// How often Ctrl+C is looked for.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<()> {
    let cancel = super::cancel_on_interrupt();
    let project = super::open_to_write(&arguments.dir)?;
    let study = project.study_named(arguments.study.as_deref())?;
    let server = Server::start(project, study.id, arguments.address, &Limits::default())?;
    let address = server.address();
    let base = match &arguments.base_url {
        Some(base) => base.clone(),
        None => format!("http://{address}").parse()?,
    };
    if !address.ip().is_loopback() {
        output.terminal.note(&format!(
            "warning: at {address} links and pictures travel unencrypted, and anyone who sees them can sort as the rater. \
             Put a reverse proxy with TLS before it, see `atmoscope serve --help`, and listen at 127.0.0.1."
        ));
        if address.ip().is_unspecified() && arguments.base_url.is_none() {
            output.terminal.note("The links need this computer's name or address; give it with --base-url.");
        }
    }
    let raters: Vec<_> = study.raters.iter().filter(|rater| !rater.removed).collect();
    let links: Vec<(&str, String)> =
        raters.iter().map(|rater| (rater.person.name.as_str(), base.link(&rater.secret))).collect();
    let listed: Vec<_> = links.iter().map(|(rater, link)| json!({ "rater": rater, "link": link })).collect();
    output.print(&json!({ "study": study.name, "address": address, "links": listed }), || {
        let mut text = format!("“{}” is open at {address}, for {}:\n", study.name, counted(links.len(), "rater"));
        // A service's output is kept in a journal that others read.
        if output.quiet {
            return text;
        }
        for (rater, link) in &links {
            let _ = writeln!(text, "  {rater}: {link}");
        }
        text.push_str("Ctrl+C stops; nothing is lost, and raters go on with the same links later.");
        text
    })?;
    if study.closed_at.is_some() {
        output.terminal.note("The study is closed: raters are told so. `atmoscope study reopen` opens it again.");
    }
    if links.is_empty() {
        output.terminal.note("Nobody takes part yet: `atmoscope study add-rater` makes a link.");
    }
    while !cancel.is_cancelled() {
        if let Some(problem) = server.next_problem(LOOK) {
            output.terminal.note(&format!("problem: {problem}"));
        }
    }
    server.stop();
    Ok(())
}
