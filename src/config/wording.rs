//! What a reading error means to the one who wrote the file: from serde's words to ours.

use toml::Spanned;
use toml::de::{DeValue, Error};

use super::code::Code;
use super::fault::Fault;
use super::nearest::nearest;
use super::value::Refusal;
use super::visible::visible_line;

/// What could not be read, taken out of where it stood.
pub(super) struct Taken<'t> {
    /// Its key; for an element of an array, that of the array.
    pub(super) key: Spanned<String>,
    /// Whether it is an element of an array.
    pub(super) element: bool,
    pub(super) value: Spanned<DeValue<'t>>,
}

/// One right line for each key whose form is not plain.
const EXAMPLES: &[(&str, &str)] = &[
    ("allow-failure", "allow-failure = true"),
    ("annotate", "annotate = [\"rustc\", \"cargo-test\"]"),
    ("branch", "branch = [\"main\", \"release/*\"]"),
    ("ci", "ci = true"),
    ("clock", "clock = true"),
    ("config", "config = { max-file-kib = 512 }"),
    ("default", "default = false"),
    ("description", "description = \"unit tests\""),
    ("dir", "dir = \"crates/core\""),
    ("env", "env = { RUST_LOG = \"debug\" }"),
    ("env-file", "env-file = \".env\""),
    ("exclude", "exclude = [{ os = \"macos\" }]"),
    ("expand", "[[expand]]"),
    ("fail-fast", "fail-fast = true"),
    ("files-read", "files-read = [\"src/**\"]"),
    ("files-write", "files-write = [\"src/**\"]"),
    ("fix", "fix = \"cargo fmt\""),
    ("flaky", "flaky = \"fail\""),
    ("give-up", "give-up = \"10m\""),
    ("grants", "grants = { files-read = [\"**\"] }"),
    ("grace", "grace = \"10s\""),
    ("http", "http = [\"hooks.example.invalid\"]"),
    ("host", "host = \"build.example.invalid\""),
    ("include", "include = [{ os = \"linux\" }]"),
    ("inputs", "inputs = [\"src/**/*.rs\"]"),
    ("interactive", "interactive = true"),
    ("jobs", "jobs = 4"),
    ("limits", "limits = { memory = \"64MiB\", time = \"10s\" }"),
    ("locks", "locks = [\"target\"]"),
    ("log-max", "log-max = \"64MiB\""),
    ("memory", "memory = \"64MiB\""),
    ("mask", "mask = [\"*_TOKEN\", \"*_PASSWORD\"]"),
    ("matrix", "matrix = { rust = [\"1.80\", \"stable\"] }"),
    ("needs", "needs = [\"fmt\"]"),
    ("on", "on = \"build-box\""),
    ("os", "os = [\"linux\", \"macos\"]"),
    ("outputs", "outputs = [\"dist/**\"]"),
    ("port", "port = 2222"),
    ("pty", "pty = true"),
    ("retries", "retries = 1"),
    ("retry-delay", "retry-delay = \"5s\""),
    ("run", "run = \"cargo test\", or run = [\"cargo\", \"test\"]"),
    ("secrets", "secrets = [\"NPM_TOKEN\"]"),
    ("session", "session = \"onion\""),
    ("shell", "shell = \"bash\", or shell = [\"bash\", \"-e\", \"-c\"]"),
    ("skip", "skip = [\"slow-*\"]"),
    ("slots", "slots = 8"),
    ("source", "source = \"path:plugins/hygiene\""),
    ("stages", "stages = [\"fmt\", \"test\"]"),
    ("sync", "sync = \"git\", or sync = { mode = \"git\", include = [\"generated/**\"] }"),
    ("tags", "tags = [\"slow\"]"),
    ("threads", "threads = 2"),
    ("time", "time = \"10s\""),
    ("timeout", "timeout = \"20m\""),
    ("user", "user = \"ci\""),
    ("uses", "uses = \"hygiene\""),
    ("when", "when = { os = \"linux\" }"),
    ("with", "with = { max-file-kib = 512 }"),
];

fn example(key: &str) -> Option<String> {
    EXAMPLES.iter().find(|(name, _)| *name == key).map(|(_, line)| format!("for example: {line}"))
}

/// The fault that a reading error is.
pub(super) fn fault(error: &Error, taken: &Taken<'_>) -> Fault {
    let key = visible_line(taken.key.get_ref());
    let message = error.message();
    let span = taken.value.span();
    if let Some(refusal) = Refusal::parse(message) {
        let text = format!("`{key}` {}", refusal.message);
        return Fault::new(refusal.code, text, span, "here").help(refusal.help);
    }
    if message.starts_with("unknown field") {
        return unknown_key(taken, &listed(message));
    }
    if message.starts_with("unknown variant") {
        return unknown_value(taken, &key, &listed(message));
    }
    let subject = if taken.element { format!("a value in `{key}`") } else { format!("`{key}`") };
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| plain(expected));
    let found = describe(taken.value.get_ref());
    let fault = match (message.starts_with("invalid value"), &expected) {
        (true, Some(expected)) => {
            Fault::new(Code::OutOfRange, format!("{subject} cannot be {found}"), span, format!("expected {expected}"))
        }
        (false, Some(expected)) if message.starts_with("invalid type") => {
            let text = format!("{subject} must be {expected}, not {found}");
            Fault::new(Code::WrongType, text, span, format!("expected {expected}"))
        }
        _ => Fault::new(Code::WrongType, format!("{subject} cannot be used: {}", visible_line(message)), span, "here"),
    };
    // The table of stages has the name of a profile's list of them.
    let example = match (key.as_ref(), &expected) {
        ("stages", Some(expected)) if expected.contains("table") || expected.contains("map") => {
            Some("for example: [stages.fmt], and below it run = \"cargo fmt\"".to_owned())
        }
        _ => example(&key),
    };
    match example {
        Some(example) => fault.help(example),
        None => fault,
    }
}

/// Our key for what other tools call so.
fn elsewhere(key: &str) -> Option<&'static str> {
    Some(match key.replace('-', "_").as_str() {
        "script" | "scripts" | "cmd" | "cmds" | "command" | "commands" | "exec" | "steps" => "run",
        "depends" | "depends_on" | "dependencies" | "deps" | "requires" | "after" => "needs",
        "cwd" | "working_directory" | "workdir" => "dir",
        "environment" | "vars" | "variables" => "env",
        "dotenv" => "env-file",
        "continue_on_error" | "allow_fail" => "allow-failure",
        "if" | "only" | "condition" => "when",
        "sources" => "inputs",
        "generates" | "artifacts" => "outputs",
        "desc" => "description",
        _ => return None,
    })
}

fn unknown_key(taken: &Taken<'_>, known: &[&str]) -> Fault {
    let key = visible_line(taken.key.get_ref());
    let fault = Fault::new(Code::UnknownKey, format!("there is no key `{key}` here"), taken.key.span(), "unknown key");
    let key = taken.key.get_ref();
    let meant = nearest(key, known.iter().copied()).or_else(|| elsewhere(key).filter(|word| known.contains(word)));
    match meant {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => fault.help("there are no keys here; a newer version may have some"),
        None => fault.help(format!(
            "the keys here are {}; this is local-ci {}, a newer one may have more",
            known.join(", "),
            env!("CARGO_PKG_VERSION")
        )),
    }
}

fn unknown_value(taken: &Taken<'_>, key: &str, known: &[&str]) -> Fault {
    let value = taken.value.get_ref().as_str().unwrap_or_default();
    let text = format!("`{key}` cannot be \"{}\"", visible_line(value));
    let fault = Fault::new(Code::UnknownValue, text, taken.value.span(), format!("one of {}", known.join(", ")));
    match nearest(value, known.iter().copied()) {
        Some(near) => fault.help(format!("did you mean \"{near}\"?")),
        None => fault,
    }
}

/// The fault of something in `[stages]` that is no table.
pub(super) fn not_a_stage(name: &Spanned<String>, value: &Spanned<DeValue<'_>>) -> Fault {
    let name = visible_line(name.get_ref());
    let text = format!("stage `{name}` must be a table, not {}", describe(value.get_ref()));
    let fault = Fault::new(Code::WrongType, text, value.span(), "expected a table");
    fault.help(format!("for example: [stages.{name}] and below it run = \"cargo test\""))
}

/// The names in backticks behind `expected` in serde's message.
fn listed(message: &str) -> Vec<&str> {
    let list = message.rsplit_once(", expected ").map_or("", |(_, list)| list);
    list.split('`').skip(1).step_by(2).collect()
}

/// What serde expects, in words that do not presuppose Rust.
fn plain(expected: &str) -> String {
    match expected {
        "u32" | "u64" | "usize" => "a whole number from 0 up".into(),
        "a nonzero u16" => "a whole number from 1 to 65535".into(),
        "a nonzero u32" => "a whole number from 1 up".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "an array".into(),
        "a map" => "a table".into(),
        // Fields that are enums take their words as strings.
        _ if expected.starts_with("enum ") => "a string".into(),
        _ if expected.starts_with("struct ") => "a table".into(),
        other => other.into(),
    }
}

/// A value as it is spoken of.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string \"{}\"", visible_line(text)),
        DeValue::Integer(number) => format!("the number {}", visible_line(&number.to_string())),
        DeValue::Float(number) => format!("the number {}", visible_line(number.as_str())),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date or time".into(),
        DeValue::Array(_) => "an array".into(),
        DeValue::Table(_) => "a table".into(),
    }
}
