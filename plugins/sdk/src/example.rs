//! Examples: how a plugin is used, and what comes of it. `local-ci plugin test` runs them on the component,
//! `local_ci_plugin::mock` in a test of the crate, and who adds the plugin reads them.
//!
//! In [`Info`](crate::Info) they are values; in the component's answer they are a JSON array of objects:
//!
//! ```json
//! {
//!   "name": "finds a space at the end",
//!   "role": "stage",
//!   "kind": "hygiene",
//!   "params": {}, "config": {}, "fix": false,
//!   "files": { "a.txt": "text \n" },
//!   "env": { "NAME": "value" },
//!   "commands": { "git status": { "code": 0, "out": "clean\n", "err": "" } },
//!   "http": [ { "status": 200, "body": "ok" } ],
//!   "now-ms": 0,
//!   "lines": [ "a line of standard output", { "err": "one of standard error" } ], "exit-code": 1,
//!   "events": [ { "seq": 1, "at-ms": 0, "kind": "run_finished", "stage": null, "data": {} } ],
//!   "expect": {
//!     "verdict": "failed", "summary": "1 problem",
//!     "annotations": [ { "severity": "error", "code": "trailing-whitespace", "path": "a.txt", "line": 1 } ],
//!     "stages": { "test-a": { "run": "cargo test -p a" } },
//!     "files": { "a.txt": "text\n" },
//!     "requests": [ { "method": "POST", "url": "https://hooks.example.invalid/", "body": "{}" } ],
//!     "problem": "params"
//!   }
//! }
//! ```
//!
//! All keys but `name`, `role` and `expect` may be left out, and are where they say nothing. Of `expect` each key that is
//! there must hold, and `problem`, the code of one, excludes the others: without it there must be none. `annotations`,
//! `stages` and `requests` are complete and in order, except that of an annotation and a request only the keys that are
//! there are compared; of `files` those that are named. Keys of `commands` are the words with spaces between them, and may
//! be patterns as in grants. `http` answers requests in order. Everything that the plugin needs is granted.

use serde_json::{Map, Value, json};

/// An example of a plugin's use.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    name: String,
    body: Map<String, Value>,
    expect: Map<String, Value>,
}

impl Example {
    fn new(name: &str, role: &str, kind: Option<&str>) -> Self {
        let mut body = Map::new();
        body.insert("name".to_owned(), name.into());
        body.insert("role".to_owned(), role.into());
        if let Some(kind) = kind {
            body.insert("kind".to_owned(), kind.into());
        }
        Self { name: name.to_owned(), body, expect: Map::new() }
    }

    /// A stage of this kind.
    pub fn stage(name: &str, kind: &str) -> Self {
        Self::new(name, "stage", Some(kind))
    }

    /// A parser at work.
    pub fn parser(name: &str, parser: &str) -> Self {
        Self::new(name, "parser", Some(parser))
    }

    /// An expander of this kind.
    pub fn expander(name: &str, kind: &str) -> Self {
        Self::new(name, "expander", Some(kind))
    }

    /// The reporter at work.
    pub fn reporter(name: &str) -> Self {
        Self::new(name, "reporter", None)
    }

    fn set(mut self, key: &str, value: Value) -> Self {
        self.body.insert(key.to_owned(), value);
        self
    }

    fn part(&mut self, key: &str, empty: Value) -> &mut Value {
        self.body.entry(key).or_insert(empty)
    }

    fn put(mut self, part: &str, key: &str, value: Value) -> Self {
        if let Value::Object(map) = self.part(part, json!({})) {
            map.insert(key.to_owned(), value);
        }
        self
    }

    fn push(mut self, part: &str, value: Value) -> Self {
        if let Value::Array(list) = self.part(part, json!([])) {
            list.push(value);
        }
        self
    }

    /// With these settings of the use (`with`).
    pub fn params(self, params: Value) -> Self {
        self.set("params", params)
    }

    /// With these settings of the plugin (`[plugins.NAME] config`).
    pub fn config(self, config: Value) -> Self {
        self.set("config", config)
    }

    /// The stage is to mend what it finds.
    pub fn fix(self) -> Self {
        self.set("fix", true.into())
    }

    /// With a file in the project.
    pub fn file(self, path: &str, text: &str) -> Self {
        self.put("files", path, text.into())
    }

    /// With a variable in the environment.
    pub fn env(self, name: &str, value: &str) -> Self {
        self.put("env", name, value.into())
    }

    /// A command ends with this code and has printed this.
    pub fn command(self, words: &str, code: i32, out: &str, err: &str) -> Self {
        self.put("commands", words, json!({ "code": code, "out": out, "err": err }))
    }

    /// The next request is answered like this.
    pub fn http(self, status: u16, body: &str) -> Self {
        self.push("http", json!({ "status": status, "body": body }))
    }

    /// It is this time, in milliseconds since 1970.
    pub fn now_ms(self, now: u64) -> Self {
        self.set("now-ms", now.into())
    }

    /// A parser reads these lines of standard output.
    pub fn lines(mut self, text: &str) -> Self {
        for line in text.lines() {
            self = self.push("lines", line.into());
        }
        self
    }

    /// A parser reads this line of standard error.
    pub fn err_line(self, text: &str) -> Self {
        self.push("lines", json!({ "err": text }))
    }

    /// The stage whose output was read ended with this code; without it, a signal ended it.
    pub fn exit_code(self, code: i32) -> Self {
        self.set("exit-code", code.into())
    }

    /// A reporter is told of this. All of them come in one batch.
    pub fn event(self, kind: &str, stage: Option<&str>, data: &Value) -> Self {
        let seq = self.body.get("events").and_then(Value::as_array).map_or(1, |events| events.len() + 1);
        self.push("events", json!({ "seq": seq, "at-ms": 0, "kind": kind, "stage": stage, "data": data }))
    }

    fn expect(mut self, key: &str, value: Value) -> Self {
        self.expect.insert(key.to_owned(), value);
        self
    }

    fn expect_more(mut self, key: &str, value: Value) -> Self {
        if let Value::Array(list) = self.expect.entry(key).or_insert_with(|| json!([])) {
            list.push(value);
        }
        self
    }

    /// The stage passes.
    pub fn passes(self) -> Self {
        self.expect("verdict", "passed".into())
    }

    /// The stage fails.
    pub fn fails(self) -> Self {
        self.expect("verdict", "failed".into())
    }

    /// The stage finds nothing to look at.
    pub fn is_skipped(self) -> Self {
        self.expect("verdict", "skipped".into())
    }

    /// The stage says this in its summary.
    pub fn says(self, summary: &str) -> Self {
        self.expect("summary", summary.into())
    }

    /// Something is found: of `severity`, `message`, `code`, `title`, `path`, `line`, `column`, `end-line` and `end-column`
    /// those that matter. Once for each annotation, in order.
    pub fn finds(self, annotation: Value) -> Self {
        self.expect_more("annotations", annotation)
    }

    /// Nothing is found.
    pub fn finds_nothing(self) -> Self {
        self.expect("annotations", json!([]))
    }

    /// A stage is made, with these keys. Once for each.
    pub fn makes(mut self, name: &str, body: Value) -> Self {
        if let Value::Object(map) = self.expect.entry("stages").or_insert_with(|| json!({})) {
            map.insert(name.to_owned(), body);
        }
        self
    }

    /// The file then has this text.
    pub fn leaves(mut self, path: &str, text: &str) -> Self {
        if let Value::Object(map) = self.expect.entry("files").or_insert_with(|| json!({})) {
            map.insert(path.to_owned(), text.into());
        }
        self
    }

    /// Something is sent: of `method`, `url` and `body` those that matter. Once for each request, in order.
    pub fn sends(self, request: Value) -> Self {
        self.expect_more("requests", request)
    }

    /// Nothing is sent.
    pub fn sends_nothing(self) -> Self {
        self.expect("requests", json!([]))
    }

    /// There is a problem of this code.
    pub fn has_problem(self, code: &str) -> Self {
        self.expect("problem", code.into())
    }

    /// What it shows.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole as JSON, as it stands in the component's answer.
    pub fn to_json(&self) -> Value {
        let mut body = self.body.clone();
        body.insert("expect".to_owned(), Value::Object(self.expect.clone()));
        Value::Object(body)
    }
}
