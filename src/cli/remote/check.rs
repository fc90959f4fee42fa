//! `remote check`: connects to machines, and says what stages would find there.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::list::Known;
use crate::cli::args::CheckArgs;
use crate::cli::error::CliError;
use crate::cli::project::Context;
use crate::cli::{Ending, output};
use crate::outcome::exit;
use crate::pipeline::remote::{Destination, Remote};
use crate::plan::nearest;
use crate::session::checkup::{self, Checkup, Found, Reached};
use crate::session::doctor::Level;
use crate::text::plain::printable;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    /// Whether there is no problem; warnings do not count.
    healthy: bool,
    problems: usize,
    warnings: usize,
    remotes: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    host: String,
    reached: bool,
    /// What is known of it; missing where it was not reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<Facts<'a>>,
    findings: &'a [Found],
}

/// What is known of a machine, without a judgement. What could not be found out is left out.
#[derive(Serialize)]
struct Facts<'a> {
    connected_ms: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_trip_us: Option<u128>,
    noise_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shell: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cores: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    load: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_free_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_free_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_ahead_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    survives_logout: Option<bool>,
    /// What each program that is there says of its version.
    tools: BTreeMap<&'a str, &'a str>,
}

/// Looks at the machines. What cannot be reached is worse than what would fail there.
pub(super) fn check(context: &Context<'_>, args: &CheckArgs) -> Result<Ending, CliError> {
    let mut remotes = asked(context, args.host.as_deref())?;
    for remote in &mut remotes {
        remote.timeout = args.remote_timeout.unwrap_or(remote.timeout);
    }
    let looked = checkup::check(&remotes, context.env);
    let count = |level| looked.iter().map(|checkup| checkup.count(level)).sum::<usize>();
    let (problems, warnings) = (count(Level::Problem), count(Level::Warning));
    let text = if args.json {
        let document = Document {
            schema_version: crate::event::SCHEMA_VERSION,
            healthy: problems == 0,
            problems,
            warnings,
            remotes: looked.iter().map(line).collect(),
        };
        serde_json::to_string_pretty(&document).map_err(|error| CliError::infrastructure(error.to_string()))? + "\n"
    } else {
        let mut text: String = looked.iter().map(block).collect();
        let _ = writeln!(text, "{}", in_all(problems, warnings));
        text
    };
    let _ = output::print(&text);
    Ok(Ending::Code(match problems {
        0 => exit::PASSED,
        _ if looked.iter().any(|checkup| checkup.reached.is_none()) => exit::INFRASTRUCTURE,
        _ => exit::FAILED,
    }))
}

/// The machines that are meant: the one that is named, or all that are known.
fn asked(context: &Context<'_>, host: Option<&str>) -> Result<Vec<Remote>, CliError> {
    let Some(host) = host else {
        let known = Known::here(context)?.remotes;
        if known.is_empty() {
            let fault = CliError::usage("no remotes are known here");
            return Err(fault.or_try("[remotes.NAME] in local-ci.toml names one; `remote check HOST` looks at any"));
        }
        return Ok(known.into_values().collect());
    };
    // A machine that is not of the config needs none, and its faults are no matter.
    let known = Known::here(context);
    if let Some(remote) = known.as_ref().ok().and_then(|known| known.remotes.get(host)) {
        return Ok(vec![remote.clone()]);
    }
    let destination = Destination::parse(host).map_err(|why| {
        let fault = CliError::usage(format!("{host:?} is neither in [remotes] nor a host: it {why}"));
        let names = known.iter().flat_map(|known| known.remotes.keys().map(String::as_str));
        match nearest(host, names).first() {
            Some(near) => fault.or_try(format!("did you mean {near}?")),
            None => fault,
        }
    })?;
    Ok(vec![Remote::new(host, destination)])
}

fn line(checkup: &Checkup) -> Line<'_> {
    Line {
        name: &checkup.remote.name,
        host: checkup.remote.destination.to_string(),
        reached: checkup.reached.is_some(),
        facts: checkup.reached.as_ref().map(facts),
        findings: &checkup.found,
    }
}

fn facts(reached: &Reached) -> Facts<'_> {
    let probe = &reached.probe;
    Facts {
        connected_ms: reached.connected.as_millis(),
        round_trip_us: reached.round_trip.map(|time| time.as_micros()),
        noise_bytes: reached.noise.len(),
        kernel: probe.kernel.as_deref(),
        system: probe.system.as_deref(),
        machine: probe.machine.as_deref(),
        shell: probe.shell.as_deref(),
        cores: probe.cores,
        load: probe.load,
        memory_bytes: probe.memory_total,
        memory_free_bytes: probe.memory_free,
        disk_free_bytes: probe.state.as_ref().and_then(|state| state.free),
        clock_ahead_ms: reached.clock.map(|offset| offset.ms),
        survives_logout: probe.survives_logout,
        tools: probe.tools.iter().map(|(name, tool)| (name.as_str(), tool.says.as_str())).collect(),
    }
}

fn block(checkup: &Checkup) -> String {
    let Remote { name, destination, .. } = &checkup.remote;
    let (host, name) = (destination.to_string(), printable(name));
    let mut text = if *name == *host { format!("{name}\n") } else { format!("{name} ({})\n", printable(&host)) };
    let width = checkup.found.iter().map(|found| found.about.len()).max().unwrap_or(0);
    for Found { level, about, text: said, cures } in &checkup.found {
        let mut lead = format!("  {:7}  {about:width$}  ", level.word());
        let indent = " ".repeat(lead.len());
        for line in said.lines() {
            let _ = writeln!(text, "{lead}{}", printable(line));
            lead.clone_from(&indent);
        }
        for cure in cures {
            let _ = writeln!(text, "{indent}try: {}", printable(cure));
        }
    }
    text.push('\n');
    text
}

fn in_all(problems: usize, warnings: usize) -> String {
    let count = |count: usize, what: &str| if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") };
    match (problems, warnings) {
        (0, 0) => "all is well".to_owned(),
        _ => format!("{}, {}", count(problems, "problem"), count(warnings, "warning")),
    }
}
