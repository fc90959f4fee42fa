//! `remote list`: what `[remotes]` has, here and in the user's own config. Connects to nobody.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::args::RemoteListArgs;
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::config::user_path;
use crate::outcome::{HumanDuration, exit};
use crate::pipeline::remote::{Remote, Sync};
use crate::text::plain::printable;

/// The remotes that are known in a place, each with the file that it is from.
pub(super) struct Known {
    pub(super) remotes: BTreeMap<String, Remote>,
    files: BTreeMap<String, PathBuf>,
    users: Option<PathBuf>,
}

impl Known {
    /// Those of the project and of the user. Where there is no project, the user's; a config with faults is one, and a
    /// fault.
    pub(super) fn here(context: &Context<'_>) -> Result<Self, CliError> {
        let users = user_path(context.env);
        let anchor = context.anchor()?;
        Ok(match (anchor.project, anchor.fault) {
            (_, Some(fault)) => return Err(fault.into()),
            (Some(project), None) => {
                Self { remotes: project.pipeline.remotes().clone(), files: project.remotes, users }
            }
            (None, None) => Self { remotes: context.user.remotes.clone(), files: BTreeMap::new(), users },
        })
    }

    fn file(&self, name: &str) -> Option<&Path> {
        self.files.get(name).or(self.users.as_ref()).map(PathBuf::as_path)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    remotes: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    session: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dir: Option<&'a str>,
    sync: Sync,
    include: &'a [String],
    /// Names only: a list may be printed into a log.
    env: Vec<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slots: Option<u32>,
    timeout_ms: u128,
    give_up_ms: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

/// Lists the remotes.
pub(super) fn list(context: &Context<'_>, args: &RemoteListArgs) -> Result<Ending, CliError> {
    let known = Known::here(context)?;
    if args.json {
        let remotes = known.remotes.values().map(|remote| line(remote, known.file(&remote.name))).collect();
        let document = Document { schema_version: crate::event::SCHEMA_VERSION, remotes };
        let text =
            serde_json::to_string_pretty(&document).map_err(|error| CliError::infrastructure(error.to_string()))?;
        let _ = output::print(&(text + "\n"));
    } else if known.remotes.is_empty() {
        output::say("no remotes are known here: [remotes.NAME] in local-ci.toml, or in your own config, names one");
    } else {
        let text: String = known.remotes.values().map(|remote| block(remote, known.file(&remote.name))).collect();
        let _ = output::print(&text);
    }
    Ok(Ending::Code(exit::PASSED))
}

fn line<'a>(remote: &'a Remote, file: Option<&Path>) -> Line<'a> {
    Line {
        name: &remote.name,
        host: remote.destination.to_string(),
        port: remote.destination.port,
        session: &remote.session,
        dir: remote.dir.as_deref(),
        sync: remote.sync,
        include: &remote.include,
        env: remote.env.keys().collect(),
        slots: remote.slots,
        timeout_ms: remote.timeout.as_millis(),
        give_up_ms: remote.give_up.as_millis(),
        description: remote.description.as_deref(),
        file: file.map(|file| file.to_string_lossy().into_owned()),
    }
}

/// One of them for people: whom it means in a line, and below it how it is used.
fn block(remote: &Remote, file: Option<&Path>) -> String {
    let Remote { name, destination, session, dir, sync, slots, description, give_up, timeout, .. } = remote;
    let port = destination.port.map(|port| format!(", port {port}")).unwrap_or_default();
    let what = description.as_ref().map(|what| format!("  {what}")).unwrap_or_default();
    let mut text = format!("{}\n", printable(&format!("{name}: {destination}{port}{what}")));
    let how = match sync {
        Sync::Git => "work tree sent by git",
        Sync::Rsync => "work tree sent by rsync",
        Sync::None => "nothing is sent",
    };
    let dir = dir.as_ref().map(|dir| format!("directory {dir}, ")).unwrap_or_default();
    let slots = slots.map_or_else(|| "as many slots as here".to_owned(), |slots| format!("{slots} slots"));
    let _ = writeln!(text, "  {}", printable(&format!("{dir}{how}, {slots}, tmux session {session}")));
    let (timeout, give_up) = (HumanDuration(*timeout), HumanDuration(*give_up));
    let _ = writeln!(text, "  {timeout} for one operation, gives up after {give_up}");
    if let Some(file) = file {
        let _ = writeln!(text, "  from {}", printable(&file.to_string_lossy()));
    }
    text
}
