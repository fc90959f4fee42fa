//! The world of an example: files, variables, answers of commands and hosts, all of them values. What the plugin says that it
//! needs is granted, and nothing else, so that a need that was forgotten shows here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use crate::config::path_matcher;
use crate::event::Annotation;
use crate::pipeline::plugin::Grants;
use crate::plugin::authority::{Authority, place};
use crate::plugin::services::{
    CommandExit, CommandFailure, CommandRequest, Entry, FileFailure, HttpFailure, HttpRequest, HttpResponse, Level,
    Line, Process, Services,
};

/// See the module. Clones are the same world.
#[derive(Clone)]
pub(super) struct World {
    authority: Arc<Authority>,
    scene: Arc<Mutex<Scene>>,
}

/// What is in it, and what was done there.
#[derive(Debug, Default)]
pub(super) struct Scene {
    settings: String,
    pub(super) files: BTreeMap<String, Vec<u8>>,
    env: BTreeMap<String, String>,
    commands: Vec<(String, Answer)>,
    replies: VecDeque<HttpResponse>,
    now: u64,
    pub(super) requests: Vec<HttpRequest>,
    pub(super) annotations: Vec<Annotation>,
    pub(super) log: Vec<String>,
}

#[derive(Clone, Debug)]
struct Answer {
    lines: Vec<Line>,
    code: i32,
}

impl World {
    /// The world that an example describes, for a plugin with these needs.
    pub(super) fn new(needs: &Grants, body: &Map<String, Value>) -> Result<Self, String> {
        let mut authority = Authority::of_needs("of the example", needs)?;
        if body.get("role").and_then(Value::as_str) == Some("expander") {
            authority = authority.only_reading();
        }
        let mut scene = Scene {
            settings: body.get("config").map_or_else(|| "{}".to_owned(), Value::to_string),
            now: body.get("now-ms").and_then(Value::as_u64).unwrap_or(0),
            ..Scene::default()
        };
        for (path, text) in object(body, "files")? {
            let path = place::clean(path).map_err(|why| format!("the file {path:?} {why}"))?;
            let text = text.as_str().ok_or_else(|| format!("the file {path:?} is given no text"))?;
            scene.files.insert(path, text.as_bytes().to_owned());
        }
        for (name, value) in object(body, "env")? {
            scene.env.insert(name.clone(), value.as_str().unwrap_or_default().to_owned());
        }
        for (words, answer) in object(body, "commands")? {
            let printed = |key: &str, is_err: bool| -> Vec<Line> {
                let text = answer.get(key).and_then(Value::as_str).unwrap_or_default();
                text.lines().map(|text| Line { is_err, text: text.to_owned() }).collect()
            };
            let code =
                answer.get("code").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok()).unwrap_or(0);
            let lines = [printed("out", false), printed("err", true)].concat();
            scene.commands.push((words.clone(), Answer { lines, code }));
        }
        for reply in body.get("http").and_then(Value::as_array).into_iter().flatten() {
            let status = reply.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
            let text = reply.get("body").and_then(Value::as_str).unwrap_or_default();
            let (status, body) = (status.unwrap_or(200), text.as_bytes().to_owned());
            scene.replies.push_back(HttpResponse { status, headers: Vec::new(), body });
        }
        Ok(Self { authority: Arc::new(authority), scene: Arc::new(Mutex::new(scene)) })
    }

    /// What is in it now.
    pub(super) fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn object<'b>(
    body: &'b Map<String, Value>,
    key: &str,
) -> Result<impl Iterator<Item = (&'b String, &'b Value)>, String> {
    match body.get(key) {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(format!("its `{key}` is no object")),
    }
    .map(|map| map.into_iter().flatten())
}

/// A path as the project has it.
fn clean(path: &str) -> Result<String, FileFailure> {
    place::clean(path).map_err(|why| FileFailure::Denied(format!("{path:?} {why}")))
}

impl Services for World {
    fn hears(&self, _: Level) -> bool {
        true
    }

    fn log(&mut self, _: Level, message: &str) {
        self.scene().log.push(message.to_owned());
    }

    fn annotate(&mut self, items: Vec<Annotation>) {
        self.scene().annotations.extend(items);
    }

    fn progress(&mut self, _: u64, _: Option<u64>, _: Option<&str>) {}

    fn settings(&self) -> String {
        self.scene().settings.clone()
    }

    fn read(&mut self, path: &str, offset: u64, len: u64) -> Result<Vec<u8>, FileFailure> {
        let path = clean(path)?;
        self.authority.may_read(&path).map_err(|refusal| FileFailure::Denied(refusal.to_string()))?;
        let scene = self.scene();
        let bytes = scene.files.get(&path).ok_or(FileFailure::Missing)?;
        let at = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes[at(offset)..at(offset.saturating_add(len))].to_owned())
    }

    fn glob(&mut self, pattern: &str, limit: u32) -> Result<Vec<Entry>, FileFailure> {
        let glob = path_matcher(pattern).map_err(|why| FileFailure::Other(format!("{pattern:?} is no glob: {why}")))?;
        let scene = self.scene();
        let matching = scene
            .files
            .iter()
            .filter(|(path, _)| glob.is_match(path.as_str()) && self.authority.may_read(path).is_ok());
        let entry =
            |(path, bytes): (&String, &Vec<u8>)| Entry { path: path.clone(), size: bytes.len() as u64, dir: false };
        Ok(matching.map(entry).take(limit as usize).collect())
    }

    fn write(&mut self, path: &str, content: &[u8]) -> Result<(), FileFailure> {
        let path = clean(path)?;
        self.authority.may_write(&path).map_err(|refusal| FileFailure::Denied(refusal.to_string()))?;
        self.scene().files.insert(path, content.to_owned());
        Ok(())
    }

    fn env(&mut self, name: &str) -> Option<String> {
        self.authority.may_know(name).ok()?;
        self.scene().env.get(name).cloned()
    }

    fn spawn(&mut self, request: CommandRequest) -> Result<Box<dyn Process>, CommandFailure> {
        self.authority.may_run(&request.argv).map_err(|refusal| CommandFailure::Denied(refusal.to_string()))?;
        let scene = self.scene();
        let answer = scene.commands.iter().find(|(pattern, _)| is_meant(pattern, &request.argv));
        let Some((_, answer)) = answer else {
            return Err(CommandFailure::NotFound(format!("the example has no answer of `{}`", request.argv.join(" "))));
        };
        Ok(Box::new(Answered { lines: answer.lines.clone().into(), code: answer.code }))
    }

    fn send(&mut self, request: HttpRequest) -> Result<HttpResponse, HttpFailure> {
        let (host, port) = place_of(&request.url).ok_or_else(|| HttpFailure::Other("it is no URL".to_owned()))?;
        self.authority.may_reach(&host, port).map_err(|refusal| HttpFailure::Denied(refusal.to_string()))?;
        let mut scene = self.scene();
        scene.requests.push(request);
        let usual = HttpResponse { status: 200, headers: Vec::new(), body: Vec::new() };
        Ok(scene.replies.pop_front().unwrap_or(usual))
    }

    fn now_ms(&mut self) -> Result<u64, String> {
        self.authority.may_tell_time().map_err(|refusal| refusal.to_string())?;
        Ok(self.scene().now)
    }
}

/// The host and the port of a URL.
fn place_of(url: &str) -> Option<(String, u16)> {
    let uri: ureq::http::Uri = url.parse().ok()?;
    let usual = if uri.scheme_str()? == "http" { 80 } else { 443 };
    Some((uri.host()?.to_ascii_lowercase(), uri.port_u16().unwrap_or(usual)))
}

/// Whether a command is one that words with `*` stand for, as in grants.
fn is_meant(pattern: &str, argv: &[String]) -> bool {
    let mut words: Vec<&str> = pattern.split_ascii_whitespace().collect();
    let is_open = words.last() == Some(&"**");
    if is_open {
        words.pop();
    }
    let is_long_enough = if is_open { argv.len() >= words.len() } else { argv.len() == words.len() };
    is_long_enough && words.iter().zip(argv).all(|(word, given)| *word == "*" || word == given)
}

/// A command that has ended before it began.
struct Answered {
    lines: VecDeque<Line>,
    code: i32,
}

impl Process for Answered {
    fn next_lines(&mut self, max: u32) -> Result<Vec<Line>, CommandFailure> {
        let count = self.lines.len().min(max as usize);
        Ok(self.lines.drain(..count).collect())
    }

    fn kill(&mut self) {
        self.lines.clear();
    }

    fn wait(&mut self) -> Result<CommandExit, CommandFailure> {
        Ok(CommandExit { code: Some(self.code), ..CommandExit::default() })
    }
}
