//! From a config and components to plugins that may be used, or a sentence about why not. Components are made here.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::declared::Declared;
use super::pin::Candidate;
use super::resolve::Resolver;
use super::stock::Stock;
use super::trial;
use super::trouble::Trouble;
use super::{Rules, bytes};
use crate::config::{LoadRequest, Supplier};
use crate::env::{self, Env};
use crate::pipeline::plugin::{Expand, Grants, Limits, Plugin};
use crate::plugin::host::tests::forge::{self, About, Forge};
use crate::plugin::host::{Compiler, Host};
use crate::plugin::lock::{self, Lock};
use crate::plugin::store;

/// A plugin `a` from there, which is granted nothing.
fn plugin_from(source: &str) -> Plugin {
    Plugin {
        name: "a".into(),
        source: source.parse().unwrap(),
        grants: Grants::default(),
        limits: Limits::default(),
        config: "{}".into(),
        files: Vec::new(),
    }
}

/// A component that needs these, imports these interfaces, and carries these examples.
fn component(needs: &[(&'static str, &'static str)], imports: &[&str], examples: &'static str) -> Vec<u8> {
    let mut forge = Forge::default();
    let about = About { needs: needs.to_vec(), examples, ..About::default() };
    let info = forge.info(&about);
    forge.describe = Some(format!("(i32.const {info})"));
    for interface in imports {
        forge.imports += &match *interface {
            "clock" => forge::import("clock", "now-ms", "now", "(result i64)"),
            "env" => forge::import("env", "get", "get", "(param i32 i32 i32)"),
            other => panic!("{other}"),
        };
    }
    forge.build()
}

/// A project with a config, and a cache of its own.
struct Project {
    dir: TempDir,
    host: Host,
}

impl Project {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        fs::write(dir.path().join("local-ci.toml"), config).unwrap();
        Self { dir, host: Host::new(None, Compiler::Here) }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    fn write(&self, path: &str, bytes: &[u8]) -> &Self {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    fn env(&self) -> Env {
        Env::from_pairs([(env::CACHE_DIR, self.root().join("cache").to_str().unwrap())])
    }

    fn declared(&self) -> Declared {
        Declared::read(&LoadRequest { start: self.root(), ..LoadRequest::default() }).unwrap()
    }

    fn stock(&self) -> Stock {
        Stock::open(self.declared(), self.host.clone(), &self.env()).unwrap()
    }

    fn resolver(&self, is_strict: bool) -> Resolver {
        Resolver::new(
            self.host.clone(),
            &self.env(),
            Rules { is_locked: is_strict, ..Rules::default() },
            Arc::new(|_| {}),
        )
    }

    /// Locks a plugin of the config as it is, with what that grants it.
    fn lock(&self, name: &str) -> &Self {
        let mut stock = self.stock();
        let plugin = stock.declared.find(name).unwrap().clone();
        let offer = stock.look(&plugin, false).unwrap();
        stock.accept(&offer, &plugin.grants).unwrap();
        self
    }

    fn find_with(&self, name: &str, is_strict: bool) -> Result<Candidate, Trouble> {
        let declared = self.declared();
        self.resolver(is_strict).find(&declared.root, declared.find(name).unwrap())
    }

    fn find(&self, name: &str) -> Result<Candidate, Trouble> {
        self.find_with(name, false)
    }

    /// Why a plugin cannot be used.
    fn refusal(&self, name: &str) -> String {
        self.find(name).err().expect("it can be used").to_string()
    }

    fn edit_lock(&self, change: impl Fn(&str) -> String) {
        let path = lock::place(&self.root());
        let text = fs::read_to_string(&path).unwrap();
        let new = change(&text);
        assert_ne!(text, new, "the test changes something");
        fs::write(path, new).unwrap();
    }
}

const FILE: &str = "[plugins.a]\nsource = \"path:a.wasm\"\ngrants = { clock = true }\n";
const OWN: &str = "[plugins.a]\nsource = \"path:a\"\ngrants = { clock = true }\n";

/// H161: one byte of a pinned component, anywhere in it, is enough; and it is refused before anything reads it.
#[test]
fn h161_a_flipped_byte_is_refused_with_what_to_do() {
    let project = Project::new(FILE);
    let bytes = component(&[("clock", "true")], &["clock"], "[]");
    project.write("a.wasm", &bytes).lock("a");
    assert!(project.find_with("a", true).is_ok());
    for at in [0, 9, bytes.len() / 2, bytes.len() - 1] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        project.write("a.wasm", &flipped);
        let said = project.refusal("a");
        assert!(said.starts_with("plugin a is not what was locked: a.wasm has the blake3 hash "), "{said}");
        assert!(said.contains("`local-ci plugin update a` shows what it asks for and locks it"), "{said}");
    }
    project.write("a.wasm", &bytes[..bytes.len() - 1]);
    assert!(project.refusal("a").contains("is not what was locked"));
    fs::remove_file(project.root().join("a.wasm")).unwrap();
    assert!(project.refusal("a").starts_with("plugin a is missing: there is no a.wasm"));
    project.write("a.wasm", &bytes);
    assert!(project.find("a").is_ok());
}

#[test]
fn what_is_not_there_is_not_said_to_be_unbuilt_and_what_is_like_it_is_named() {
    let project = Project::new("[stages.x]\nrun = 'x'\n");
    project.write("tools/hygiene/app.py", b"").write("tools/sample.wasm", b"x").write("tools/notes", b"");
    let said = |source: &str| {
        let plugin = plugin_from(source);
        let path = bytes::place(&project.root(), &plugin, None, None).unwrap();
        bytes::read(&plugin, &path).unwrap_err().to_string()
    };
    let sources = [
        "tools/hygiene",
        "tools/hygeine",
        "tool/hygiene",
        "tool/sample.wasm",
        "tools/simple.wasm",
        "lib/x",
        "tools/notes",
    ];
    let all = sources.map(|source| said(&format!("path:{source}")));
    insta::assert_snapshot!(all.join("\n"), @"
    plugin a is not built: `local-ci plugin build tools/hygiene`
    plugin a is missing: there is no tools/hygeine: did you mean `path:tools/hygiene`? change the source in [plugins.a]
    plugin a is missing: there is no tool/hygiene: did you mean `path:tools/hygiene`? change the source in [plugins.a]
    plugin a is missing: there is no tool/sample.wasm: did you mean `path:tools/sample.wasm`? change the source in [plugins.a]
    plugin a is missing: there is no tools/simple.wasm: did you mean `path:tools/sample.wasm`? change the source in [plugins.a]
    plugin a is missing: there is no lib/x: put it there, or take another source in [plugins.a]
    plugin a cannot be used: tools/notes is a file, and neither a `.wasm` nor a directory: name one of them as the source in [plugins.a]
    ");
}

/// H161: what the lock file says is what was approved, or it says nothing.
#[test]
fn h161_a_lock_file_that_was_changed_is_refused() {
    let project = Project::new(FILE);
    let bytes = component(&[("clock", "true")], &["clock"], "[]");
    assert!(
        project
            .write("a.wasm", &bytes)
            .refusal("a")
            .starts_with("there is no local-ci.lock, which says what the plugins of this project are and may do: `local-ci plugin update`")
    );
    project.lock("a");
    let path = lock::place(&project.root());
    let sound = fs::read_to_string(&path).unwrap();
    let approved = Lock::read(&path).unwrap().plugins["a"].approved.clone();
    for (from, to, why) in [
        ("imports = [\"clock\"]", "imports = []", "can ask for more than was approved: it imports clock now"),
        ("imports = [\"clock\"]", "imports = [\"clock\", \"http\"]", "local-ci.lock was changed by hand"),
        ("version = \"1.2.3\"", "version = \"9.9.9\"", "local-ci.lock was changed by hand"),
        (approved.as_str(), &"0".repeat(64), "what plugin a needs or is granted is not what was approved"),
        (
            "source = \"path:a.wasm\"",
            "source = \"path:b.wasm\"",
            "comes from path:a.wasm, and local-ci.lock has it from path:b.wasm",
        ),
        ("[[plugin]]", "<<<<<<< HEAD\n[[plugin]]", "local-ci.lock has merge markers in it, in line 5"),
        ("[[plugin]]", "[[plug]]", "local-ci.lock is damaged"),
        ("\nversion = 1\n", "\nversion = 2\n", "was written by a later version of local-ci"),
    ] {
        fs::write(&path, &sound).unwrap();
        project.edit_lock(|text| text.replacen(from, to, 1));
        let said = project.refusal("a");
        assert!(said.contains(why), "{to}: {said}");
    }
    // Without its hash a file would be nobody's in particular.
    let hash = store::hash(&bytes);
    fs::write(&path, sound.replace(&format!("blake3 = \"{hash}\"\nsize = {}\n", bytes.len()), "")).unwrap();
    assert!(project.refusal("a").contains("local-ci.lock was changed by hand"), "{}", project.refusal("a"));
}

#[test]
fn a_part_of_the_project_may_change_but_not_ask_for_more() {
    let project = Project::new(OWN);
    let clock = &[("clock", "true")];
    project.write("a/plugin.wasm", &component(clock, &["clock"], "[]")).lock("a");
    let entry = Lock::read(&lock::place(&project.root())).unwrap().plugins.remove("a").unwrap();
    assert_eq!((entry.blake3, entry.size), (None, None));
    // Other bytes that ask for the same, and for less.
    project.write("a/plugin.wasm", &component(clock, &["clock"], "[1]"));
    assert!(project.find_with("a", true).is_ok());
    project.write("a/plugin.wasm", &component(clock, &[], "[]"));
    assert!(project.find("a").is_ok());
    let said = project.find_with("a", true).err().unwrap().to_string();
    assert!(said.starts_with("local-ci.lock is out of date for plugin a, and --locked"), "{said}");

    project.write("a/plugin.wasm", &component(clock, &["clock", "env"], "[]"));
    let said = project.refusal("a");
    assert!(
        said.contains("can ask for more than was approved: it imports env now: `local-ci plugin update a`"),
        "{said}"
    );
    project.write("a/plugin.wasm", &component(&[("clock", "true"), ("env", "HOME")], &["clock"], "[]"));
    assert!(project.refusal("a").contains("needs or is granted is not what was approved"));
    project.write("a/plugin.wasm", &component(&[("clock", "true"), ("teleport", "x")], &["clock"], "[]"));
    assert!(project.refusal("a").contains("needs \"teleport\", which this version of local-ci cannot grant"));
    fs::remove_file(project.root().join("a/plugin.wasm")).unwrap();
    assert_eq!(project.refusal("a"), "plugin a is not built: `local-ci plugin build a`");
    // What it is granted was approved as well.
    project.write("a/plugin.wasm", &component(clock, &["clock"], "[]"));
    assert!(project.find("a").is_ok());
    project.write("local-ci.toml", OWN.replace("clock = true", "clock = true, env = [\"TOKEN\"]").as_bytes());
    assert!(project.refusal("a").contains("needs or is granted is not what was approved"));
}

#[test]
fn what_is_no_plugin_says_so() {
    let project = Project::new(FILE);
    for bytes in [&b"not wasm"[..], b"", b"\0asm\x01\0\0\0"] {
        project.write("a.wasm", bytes);
        let stock = project.stock();
        let plugin = stock.declared.find("a").unwrap();
        let said = stock.look(plugin, false).err().unwrap().to_string();
        assert!(said.starts_with("plugin a is "), "{said}");
    }
}

#[test]
fn what_is_from_elsewhere_is_what_was_locked_or_is_fetched_by_a_command() {
    let url = "https://plugins.example.invalid/a.wasm";
    let project = Project::new(&format!("[plugins.a]\nsource = \"{url}\"\ngrants = {{ clock = true }}\n"));
    let bytes = component(&[("clock", "true")], &["clock"], "[]");
    // As if it had been fetched.
    let cache = project.root().join("cache");
    let declared = project.declared();
    let plugin = declared.find("a").unwrap();
    let found = Candidate::load(&project.host, "a", "x".into(), &bytes).ok().unwrap();
    let lock = Lock { plugins: [("a".to_owned(), found.entry(plugin))].into() };
    lock.write(&lock::place(&project.root())).unwrap();
    let said = project.refusal("a");
    assert_eq!(
        said,
        "plugin a is not on this machine; no run fetches one: `local-ci plugin update a --locked` fetches what is locked"
    );
    let kept = store::keep(&cache, &bytes).unwrap();
    assert!(project.find_with("a", true).is_ok());
    assert!(project.stock().look(plugin, true).unwrap().is_locked, "nothing is fetched that is there");
    fs::write(kept, b"planted").unwrap();
    assert!(project.refusal("a").contains("delete it, and `local-ci plugin update --locked`"));
}

#[test]
fn a_plugin_is_taken_in_and_out_again() {
    let config = "# ours\n[stages.x]\nrun = 'x'\n";
    let project = Project::new(config);
    project.write("tools/a.wasm", &component(&[("clock", "true"), ("env", "HOME")], &["clock"], "[]"));
    let mut stock = project.stock();
    let plugin = plugin_from("path:tools/a.wasm");
    let offer = stock.look(&plugin, false).ok().unwrap();
    assert_eq!((offer.missing.len(), offer.is_locked, offer.is_approved), (2, false, false));
    let all = offer.all_grants();
    assert_eq!(all, Grants { clock: true, env: vec!["HOME".into()], ..Grants::default() });
    stock.accept(&offer, &all).unwrap();
    let written = fs::read_to_string(project.root().join("local-ci.toml")).unwrap();
    assert_eq!(
        written,
        format!(
            "{config}\n[plugins.a]\nsource = \"path:tools/a.wasm\"\ngrants = {{ env = [\"HOME\"], clock = true }}\n"
        )
    );
    assert!(project.find_with("a", true).is_ok());
    // Granted less on purpose, which is approved by name.
    project.write("local-ci.toml", written.replace("env = [\"HOME\"], ", "").as_bytes());
    assert!(project.refusal("a").contains("is not what was approved"));
    let offer = project.stock().look(project.declared().find("a").unwrap(), false).ok().unwrap();
    assert_eq!((offer.missing.len(), offer.is_approved), (1, false));
    project.lock("a");
    let offer = project.stock().look(project.declared().find("a").unwrap(), false).ok().unwrap();
    assert_eq!((offer.missing.len(), offer.is_locked, offer.is_approved), (1, true, true));

    project.write("local-ci.toml", format!("{written}[stages.y]\nuses = \"a\"\n").as_bytes());
    let mut stock = project.stock();
    let said = stock.remove("a").unwrap_err().to_string();
    assert_eq!(said, "plugin a is still used by stages.y: take it out there first; nothing was changed");
    project.write("local-ci.toml", written.as_bytes());
    let mut stock = project.stock();
    stock.remove("a").unwrap();
    assert_eq!(fs::read_to_string(project.root().join("local-ci.toml")).unwrap(), config);
    assert_eq!(Lock::read(&lock::place(&project.root())), Ok(Lock::default()));
    assert!(project.root().join("tools/a.wasm").exists());
}

/// What is written into the shared file would change nothing while one's own goes before it.
#[test]
fn grants_that_are_overridden_are_changed_by_who_overrides_them() {
    let project = Project::new("[plugins.a]\nsource = \"path:a.wasm\"\ngrants = { clock = true }\n");
    project.write("local-ci.local.toml", b"[plugins.a.grants]\nenv = [\"MINE\"]\n");
    project.write("a.wasm", &component(&[("clock", "true"), ("env", "HOME")], &["clock"], "[]"));
    let before = fs::read_to_string(project.root().join("local-ci.toml")).unwrap();
    let mut stock = project.stock();
    let offer = stock.look(project.declared().find("a").unwrap(), false).ok().unwrap();
    let said = stock.accept(&offer, &offer.all_grants()).unwrap_err().to_string();
    assert!(
        said.starts_with("what plugin a is granted stands in local-ci.local.toml, which goes before local-ci.toml"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(project.root().join("local-ci.toml")).unwrap(), before);
    assert!(!lock::place(&project.root()).exists());
    // Granted less on purpose, it is locked as it is.
    project.lock("a");
    assert!(project.find_with("a", true).is_ok());
}

/// Two who add a plugin at the same time, each having read the lock file before the other wrote it.
#[test]
fn what_another_has_locked_meanwhile_stays_locked() {
    let two = "[plugins.a]\nsource = \"path:a.wasm\"\n[plugins.b]\nsource = \"path:a.wasm\"\n";
    let project = Project::new(two);
    project.write("a.wasm", &component(&[], &[], "[]"));
    let (mut one, mut other) = (project.stock(), project.stock());
    for (stock, name) in [(&mut one, "a"), (&mut other, "b")] {
        let offer = stock.look(project.declared().find(name).unwrap(), false).ok().unwrap();
        stock.accept(&offer, &Grants::default()).unwrap();
    }
    let locked = Lock::read(&lock::place(&project.root())).unwrap();
    assert_eq!(locked.plugins.keys().collect::<Vec<_>>(), ["a", "b"]);
}

/// What stands between config and host: abilities, stages that an expander makes, and settings against a schema.
#[test]
fn config_is_answered_by_what_was_verified() {
    let mut forge = Forge::default();
    let specs = forge.specs(&[("made", r#"{"run":"true"}"#)]);
    forge.expand = format!("(i32.const {specs})");
    let project = Project::new("[plugins.a]\nsource = \"path:a.wasm\"\n");
    project.write("a.wasm", &forge.build()).lock("a");
    let (resolver, declared) = (project.resolver(true), project.declared());
    let plugin = declared.find("a").unwrap();
    let (ready, abilities) = resolver.abilities(&declared.root, plugin).unwrap();
    assert_eq!((ready.hash, ready.component), (store::hash(&forge.build()), declared.root.join("a.wasm")));
    assert_eq!((abilities.stages[0].name.as_str(), abilities.reports), ("sample", true));
    let expand = Expand { plugin: "a".into(), kind: "members".into(), params: "{}".into() };
    let made = resolver.expand(&declared.root, plugin, &expand).unwrap();
    assert_eq!((made[0].name.as_str(), made[0].body.as_str()), ("made", r#"{"run":"true"}"#));
    assert_eq!(resolver.misfits(r#"{"type":"object"}"#, "{}"), Ok(Vec::new()));
    assert_eq!(resolver.misfits(r#"{"type":"object"}"#, "1").unwrap().len(), 1);
}

/// Runs an example of a plugin that fails every stage with this summary and this annotation.
fn tried(example: &Value) -> Vec<String> {
    let mut forge = Forge::default();
    let outcome = forge.outcome(1, Some("1 problem"));
    forge.run = format!("(i32.const {outcome})");
    let annotation = forge.annotation("careful", "a.txt", 3);
    let annotations = forge.annotations(&[annotation]);
    forge.feed = format!("(i32.const {annotations})");
    let specs = forge.specs(&[("made", r#"{"run":"true"}"#)]);
    forge.expand = format!("(i32.const {specs})");
    let problem = forge.problem("offline", "no network");
    forge.notify = format!("(i32.const {problem})");
    let host = Host::new(None, Compiler::Here);
    let found = Candidate::load(&host, "sample", Path::new("x").into(), &forge.build()).ok().unwrap();
    trial::run(&found, example, 1).faults
}

#[test]
fn an_example_comes_out_as_it_says_or_says_what_differs() {
    let stage = |expect: Value| json!({ "name": "x", "role": "stage", "kind": "sample", "expect": expect });
    let none: [&str; 0] = [];
    assert_eq!(tried(&stage(json!({ "verdict": "failed", "summary": "1 problem", "annotations": [] }))), none);
    assert_eq!(tried(&stage(json!({ "verdict": "passed" }))), ["verdict: expected \"passed\", found \"failed\""]);
    assert_eq!(
        tried(&stage(json!({ "annotations": [{ "line": 1 }] }))),
        ["annotations: expected [{\"line\":1}], found []"]
    );
    assert_eq!(tried(&stage(json!({ "problem": "x" }))), ["problem: expected \"x\", found null"]);
    let parser = |lines: Value, expect: Value| {
        tried(&json!({ "role": "parser", "kind": "any", "lines": lines, "exit-code": 0, "expect": expect }))
    };
    let found = json!({ "annotations": [{ "severity": "warning", "path": "a.txt", "line": 3 }] });
    assert_eq!(parser(json!(["one"]), found.clone()), none);
    // Two lines at once are one batch, and one by one two.
    assert_eq!(parser(json!(["one", { "err": "two" }]), found).len(), 1);
    let expander = |expect: Value| tried(&json!({ "role": "expander", "kind": "any", "expect": expect }));
    assert_eq!(expander(json!({ "stages": { "made": { "run": "true" } } })), none);
    assert_eq!(expander(json!({ "stages": {} })).len(), 1);
    let reporter = |expect: Value| tried(&json!({ "role": "reporter", "events": [], "expect": expect }));
    assert_eq!(reporter(json!({ "problem": "offline" })), none);
    assert_eq!(reporter(json!({ "requests": [] })), ["it has a problem: no network (offline)"]);
}

#[test]
fn an_example_that_makes_no_sense_is_no_passed_one() {
    for (example, why) in [
        (json!(1), "it is no object"),
        (json!({ "role": "stage", "kind": "sample" }), "it does not say what to `expect`"),
        (json!({ "role": "stage", "expect": {} }), "it does not say what to `expect`"),
        (json!({ "role": "boss", "expect": { "verdict": "passed" } }), "its `role` is none of"),
        (json!({ "role": "stage", "kinds": "x", "expect": { "verdict": "passed" } }), "examples have no `kinds`"),
        (json!({ "role": "stage", "expect": { "verdit": "passed" } }), "can expect nothing of `verdit`"),
        (json!({ "role": "stage", "files": { "../x": "" }, "expect": { "verdict": "failed" } }), "the file \"../x\""),
        (json!({ "role": "stage", "files": 1, "expect": { "verdict": "failed" } }), "its `files` is no object"),
    ] {
        let faults = tried(&example);
        assert!(faults.len() == 1 && faults[0].contains(why), "{example}: {faults:?}");
    }
}

#[test]
fn what_is_fetched_is_bounded_and_comes_from_where_it_was_asked_for() {
    use std::io::{Read as _, Write as _};
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let answers: [(&str, &[u8]); 4] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", b"bytes"),
        ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", b""),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", b""),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n", b"x"),
    ];
    let env = Env::from_pairs([]);
    let thread = std::thread::spawn(move || {
        for (head, body) in answers {
            let (mut stream, _) = server.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).unwrap();
        }
    });
    let fetch = || super::bytes::fetch_within("a", &format!("http://{address}/a.wasm"), &env, Duration::from_secs(5));
    assert_eq!(fetch(), Ok(b"bytes".to_vec()));
    for why in ["it leads elsewhere", "404", "larger than 64 MiB"] {
        let error = fetch().unwrap_err();
        assert!(error.is_ours && error.why.starts_with("plugin a cannot be fetched from http://127.0.0.1:"), "{error}");
        assert!(error.why.contains(why), "{error}");
    }
    thread.join().unwrap();
}

/// A server that says nothing, or something now and then, is not waited for for ever.
#[test]
fn a_server_that_hangs_is_not_waited_for() {
    use std::io::Write as _;
    for begins in [false, true] {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/a.wasm", server.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            if begins {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx").unwrap();
            }
            stream
        });
        let error =
            super::bytes::fetch_within("a", &url, &Env::from_pairs([]), Duration::from_millis(200)).unwrap_err();
        assert!(error.is_ours && error.why.ends_with(": it took too long"), "{error}");
        drop(thread.join().unwrap());
    }
}
