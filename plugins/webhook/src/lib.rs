//! A reporter that tells a chat how a run ended, in the JSON that Slack's webhooks take, and Mattermost's and others' like them.
//! The secret part of the address is named and not known: `{{NAME}}` stands for it.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use local_ci_plugin::http::Request;
use local_ci_plugin::{Event, Example, Info, Need, Plugin, Problem, ReporterPlugin, settings};
use serde::Deserialize;
use serde_json::{Value, json};

/// So many stages that did not pass are named; of the rest, how many there are.
const NAMED_MAX: usize = 20;
/// How long an answer may take, in milliseconds: less than the end of a run waits for reporters.
const PATIENCE_MS: u64 = 8000;

/// The plugin, with what it has heard of the run.
#[derive(Debug, Default)]
pub struct Webhook {
    project: String,
    number: Option<u64>,
    stages: Vec<String>,
    passed: usize,
    failed: Vec<String>,
}

/// `[plugins.NAME] config`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    url: String,
    #[serde(default)]
    when: When,
    title: Option<String>,
}

/// Which ends of a run are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum When {
    Always,
    #[default]
    Failure,
}

impl Plugin for Webhook {
    fn info() -> Info {
        let config = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["url"],
            "properties": {
                "url": { "type": "string", "pattern": "^https?://.", "description":
                    "Where it is sent; {{NAME}} in it stands for the value of that variable, which has to be granted." },
                "when": { "enum": ["failure", "always"], "description":
                    "Whether all ends are told or only of runs that did not pass; failure without it." },
                "title": { "type": "string", "description": "What the run is called; the project's directory without it." },
            },
        });
        let started =
            json!({ "number": 42, "project": "/home/user/project", "stages": [{ "name": "fmt" }, { "name": "test" }] });
        let ended = |stage: u32, status: &str| json!({ "stage": stage, "outcome": { "status": status } });
        let finished = |kind: &str| json!({ "verdict": { "kind": kind }, "exit_code": 1, "duration_ms": 62_500 });
        let url = "https://hooks.example.invalid/services/{{HOOK}}";
        Info::new("webhook", env!("CARGO_PKG_VERSION"), "Tells a chat how runs end")
            .events(&["run_started", "stage_finished", "run_finished"])
            .config(config)
            .need(Need::http("*", "to send to the host of `url`, which only you know"))
            .need(Need::secret("*", "for the part of `url` that is secret, if it has one"))
            .example(
                Example::reporter("tells how a run failed")
                    .config(json!({ "url": url }))
                    .event("run_started", None, &started)
                    .event("stage_finished", Some("fmt"), &ended(0, "passed"))
                    .event("stage_finished", Some("test"), &ended(1, "failed"))
                    .event("run_finished", None, &finished("failed"))
                    .http(200, "ok")
                    .sends(json!({ "method": "POST", "url": url, "body": json!({ "text":
                        "project: run 42 failed after 1m02s\n1 of 2 stages passed\nnot passed: test (failed)" }).to_string() })),
            )
            .example(
                Example::reporter("says nothing of a run that passed, unless it is asked to")
                    .config(json!({ "url": url }))
                    .event("run_started", None, &started)
                    .event("run_finished", None, &finished("passed"))
                    .sends_nothing(),
            )
    }
}

/// The parts of events that matter here.
#[derive(Debug, Deserialize)]
struct Started {
    #[serde(default)]
    project: String,
    number: Option<u64>,
    #[serde(default)]
    stages: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
struct StageEnd {
    stage: usize,
    outcome: Outcome,
}

#[derive(Debug, Deserialize)]
struct Outcome {
    status: String,
}

#[derive(Debug, Deserialize)]
struct RunEnd {
    verdict: Verdict,
    #[serde(default)]
    duration_ms: u64,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    kind: String,
}

impl ReporterPlugin for Webhook {
    fn notify(&mut self, batch: &[Event]) -> Result<(), Problem> {
        for event in batch {
            match event.kind.as_str() {
                "run_started" => {
                    let started: Started = event.data()?;
                    self.project = started.project;
                    self.number = started.number;
                    self.stages = started.stages.into_iter().map(|stage| stage.name).collect();
                }
                "stage_finished" => {
                    let end: StageEnd = event.data()?;
                    self.stage(&end);
                }
                "run_finished" => self.tell(&event.data()?)?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl Webhook {
    fn stage(&mut self, end: &StageEnd) {
        let name = self.stages.get(end.stage).map_or("a stage", String::as_str);
        match end.outcome.status.as_str() {
            "passed" | "cached" => self.passed += 1,
            // Skipped for a reason of its own, or since another failed, which is named.
            "skipped" => {}
            status => self.failed.push(format!("{name} ({})", status.replace('_', " "))),
        }
    }

    fn tell(&self, end: &RunEnd) -> Result<(), Problem> {
        let settings: Settings = settings::get()?;
        let kind = &end.verdict.kind;
        if settings.when == When::Failure && kind == "passed" {
            return Ok(());
        }
        let project = self.project.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or("local-ci");
        let title = settings.title.as_deref().unwrap_or(project);
        let run = self.number.map_or_else(|| "the run".to_owned(), |number| format!("run {number}"));
        let how = match kind.as_str() {
            "passed" | "failed" => kind.clone(),
            "cancelled" => "was cancelled".to_owned(),
            "lost" => "was lost".to_owned(),
            _ => "came to no verdict".to_owned(),
        };
        let mut text = format!("{title}: {run} {how} after {}", duration(end.duration_ms));
        let all = self.stages.len();
        let _ = write!(text, "\n{} of {all} stage{} passed", self.passed, if all == 1 { "" } else { "s" });
        if !self.failed.is_empty() {
            let named = self.failed.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
            let more = self.failed.len().saturating_sub(NAMED_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let _ = write!(text, "\nnot passed: {named}{more}");
        }
        send(&settings.url, &json!({ "text": escaped(&text) }))
    }
}

fn send(url: &str, message: &Value) -> Result<(), Problem> {
    let answer = Request::post(url).json(message).timeout_ms(PATIENCE_MS).send().map_err(|failure| {
        let problem = Problem::from(failure);
        let message = format!(
            "{}: {}; see that `url` is right and its host can be reached from here",
            host(url),
            problem.message
        );
        Problem { message, ..problem }
    })?;
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    // What a host says may be anything; its status is enough.
    let what = format!("{} answered with status {}: see that `url` and its secret are right", host(url), answer.status);
    Err(Problem::new("status", what))
}

/// The host of an address, which has no secret in it: those are in its path.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

/// A text in which nothing is a link or calls a person, as Slack has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// As local-ci says it: `245ms`, `2.3s`, `2m30s`, `1h05m`.
fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms}ms"),
        1..60 => format!("{seconds}.{}s", ms % 1000 / 100),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

local_ci_plugin::export!(Webhook: reporter);
