//! Plugins in runs: stages, parsers and reporters made in the test, run by the program.

use serde_json::Value;

use crate::support::forge::{About, Forge, import};
use crate::support::{Project, wait_until};

/// A name, its component, and that it is locked as it stands in the config.
fn add(project: &Project, name: &'static str, forge: Forge, stages: &[&'static str], parsers: &[&'static str]) {
    let about = About {
        name,
        stages: stages.iter().map(|stage| (*stage, None)).collect(),
        parsers: parsers.to_vec(),
        ..About::default()
    };
    add_as(project, &about, forge, "local-ci.toml");
}

/// The same, with what it says of itself and the name of the config.
fn add_as(project: &Project, about: &About, mut forge: Forge, config: &str) {
    forge.describe = Some(format!("(i32.const {})", forge.info(about)));
    let file = format!("{}.wasm", about.name);
    project.write(&file, "");
    std::fs::write(project.dir().join(&file), forge.build()).unwrap();
    project.expects("local-ci.lock");
    project.local_ci(&["-c", config, "plugin", "update", about.name, "--as-granted"]).output().assert_code(0);
}

/// A plugin that is granted whatever it could want, and writes a file whenever it makes its stage, `made`.
pub(crate) fn add_writing_expander(project: &Project) {
    project.config(
        "[plugins.makes]\nsource = \"path:makes.wasm\"\n\
         grants = { files-read = [\"**\"], files-write = [\"**\"], env = [\"HOME\"] }\n[[expand]]\nuses = \"makes\"\n",
    );
    let signature = "(param i32 i32 i32 i32 i32)";
    let mut forge = Forge { imports: import("files-write", "write", "write", signature), ..Forge::default() };
    let ([path, path_len], [text, len]) = (forge.text("mark"), forge.text("written"));
    let (into, specs) = (forge.words(&[0; 8]), forge.specs(&[("made", r#"{"run":"true"}"#)]));
    forge.expand = format!(
        "(call $write (i32.const {path}) (i32.const {path_len}) (i32.const {text}) (i32.const {len}) (i32.const {into}))
         (i32.const {specs})"
    );
    let needs = vec![("files-read", "**"), ("files-write", "**"), ("env", "HOME")];
    add_as(
        project,
        &About { name: "makes", expanders: vec!["makes"], needs, ..About::default() },
        forge,
        "local-ci.toml",
    );
}

/// What a run told of an event of this kind.
fn told(project: &Project, number: u64, kind: &str) -> Vec<Value> {
    project.events(number).into_iter().filter(|event| event["event"] == kind).collect()
}

fn sources(names: &[&str]) -> String {
    let source = |name: &&str| format!("[plugins.{name}]\nsource = \"path:{name}.wasm\"\n");
    names.iter().map(source).collect::<Vec<_>>().concat()
}

/// A parser that finds the same thing with every batch of lines, and another at the end.
fn finder(said: &str) -> Forge {
    let mut forge = Forge::default();
    let found = forge.annotation(said, "src/main.rs", 3);
    let items = forge.annotations(&[found]);
    forge.finish = format!("(i32.const {items})");
    forge
}

/// H157: a trap in a stage, in a parser and in a reporter; every other stage of the run is what it would be without.
#[test]
fn h157_a_trap_in_one_plugin_leaves_the_runs_other_stages_alone() {
    let project = Project::new();
    project.config(&format!(
        "{}[reporters]\nreports = true\n\
         [stages.a]\nuses = \"traps\"\n[stages.b]\nrun = \"echo text\"\nannotate = [\"reads\"]\n[stages.c]\nuses = \"passes\"\n",
        sources(&["traps", "reads", "reports", "passes"])
    ));
    let trap = || "unreachable".to_owned();
    add(&project, "traps", Forge { run: trap(), ..Forge::default() }, &["traps"], &[]);
    add(&project, "reads", Forge { feed: trap(), ..Forge::default() }, &[], &["reads"]);
    add(&project, "reports", Forge { notify: trap(), ..Forge::default() }, &[], &[]);
    let mut passes = Forge::default();
    let outcome = passes.outcome(0, Some("all is well"));
    passes.run = format!("(i32.const {outcome})");
    add(&project, "passes", passes, &["passes"], &[]);
    let run = project.local_ci(&["--json"]).output().assert_code(3);
    let report: Value = serde_json::from_str(&run.stdout()).unwrap();
    let results: Vec<(&str, &str)> = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| (stage["name"].as_str().unwrap(), stage["status"].as_str().unwrap()))
        .collect();
    assert_eq!(results, [("a", "error"), ("b", "pass"), ("c", "pass")]);
    let error = report["results"][0]["error"].as_str().unwrap();
    assert!(error.contains("plugin traps gave up"), "{error}");
    assert_eq!(project.log(1, "c.log"), b"all is well\n");
    // Each fault of an observer is one notice.
    let warnings = report["warnings"].as_array().unwrap();
    for plugin in ["reads", "reports"] {
        let about = warnings.iter().filter(|text| text.as_str().unwrap().contains(&format!("plugin {plugin} gave up")));
        assert_eq!(about.count(), 1, "{warnings:?}");
    }
    project.assert_nothing_left();
}

/// H163: what parsers find is told in the order of the declaration, and each time the same.
#[test]
fn h163_the_same_run_tells_the_same_of_its_parsers() {
    let project = Project::new();
    project.config(&format!(
        "{}[stages.a]\nrun = \"chaos lines 5000\"\nannotate = [\"one\", \"two\"]\n",
        sources(&["one", "two"])
    ));
    add(&project, "one", finder("found by one"), &[], &["one"]);
    add(&project, "two", finder("found by two\u{1b}[2J"), &[], &["two"]);
    let mut runs = Vec::new();
    for number in 1..=3 {
        let run = project.local_ci(&["--output", "grouped"]).output().assert_code(0);
        let text = run.stdout();
        let (one, two) =
            ("  src/main.rs:3: warning: found by one\n", r"  src/main.rs:3: warning: found by two\u{1b}[2J");
        assert!(text.contains(one) && text.contains(two) && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains("\nAnnotations: 2 warnings.\n"), "{text}");
        let items: Vec<Value> =
            told(&project, number, "annotated").iter().map(|event| event["items"].clone()).collect();
        runs.push(items);
    }
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
    assert_eq!(runs[0][0][0]["source"], "one");
    project.assert_nothing_left();
}

/// A loop is ended by its stage's timeout, stands still where the run does, and ends with it.
#[test]
fn a_loop_in_a_plugin_is_a_stage_like_another() {
    let project = Project::new();
    project.config(&format!("{}[stages.a]\nuses = \"loops\"\ntimeout = \"50ms\"\n", sources(&["loops"])));
    add(
        &project,
        "loops",
        Forge { run: "(loop $again (br $again)) unreachable".into(), ..Forge::default() },
        &["loops"],
        &[],
    );
    project.local_ci(&[]).output().assert_code(1);
    assert_eq!(told(&project, 1, "stage_finished")[0]["outcome"]["status"], "timed_out");

    project.config(&format!("{}[stages.a]\nuses = \"loops\"\n", sources(&["loops"])));
    project.local_ci(&["--detach"]).output().assert_code(0);
    project.wait_for_event(2, "stage_started");
    project.local_ci(&["pause", "2"]).output().assert_code(0);
    let supervisor = project.supervisor(2);
    let computed = |pid: i32| -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(')').unwrap().1.split_whitespace().skip(11).take(2).map(|n| n.parse::<u64>().unwrap()).sum()
    };
    // What stands still has no time of its own, for as long as anybody looks: ten looks at the clock of another process.
    let before = computed(supervisor.pid);
    (0..10).for_each(|_| drop(project.local_ci(&["list"]).output().assert_code(0)));
    assert!(computed(supervisor.pid) - before <= 2, "the guest goes on");
    project.local_ci(&["resume", "2"]).output().assert_code(0);
    wait_until("the guest to go on", || computed(supervisor.pid) > before + 2);
    project.local_ci(&["stop", "2"]).output().assert_code(0);
    wait_until("the run to end", || project.last_word(2).is_some());
    assert_eq!(told(&project, 2, "stage_finished")[0]["outcome"]["status"], "cancelled");
    project.assert_nothing_left();
}

/// What is run is what was verified: a file that changes afterwards is not.
#[test]
fn a_component_that_has_changed_since_it_was_verified_is_not_run() {
    let project = Project::new();
    project.config(&format!(
        "{}[stages.a]\nrun = \"printf x >>sample.wasm\"\n[stages.b]\nuses = \"sample\"\nneeds = [\"a\"]\n",
        sources(&["sample"])
    ));
    add(&project, "sample", Forge::default(), &["sample"], &[]);
    let run = project.local_ci(&["--output", "grouped"]).output().assert_code(3);
    let text = run.stdout();
    assert!(text.contains("plugin sample is not what it was when this run was planned"), "{text}");
    project.assert_nothing_left();
}

/// A pipeline of any name says what its plugins may do, and so is none of what they write.
#[test]
fn a_config_that_was_named_is_written_by_no_plugin_that_it_grants_everything() {
    let project = Project::new();
    let config = "[plugins.sample]\nsource = \"path:sample.wasm\"\ngrants = { files-write = [\"**\"] }\n\
                  [stages.a]\nuses = \"sample\"\n";
    project.write("other.toml", config);
    let signature = "(param i32 i32 i32 i32 i32)";
    let mut forge = Forge { imports: import("files-write", "write", "write", signature), ..Forge::default() };
    let (into, outcome) = (forge.words(&[0; 8]), forge.outcome(0, None));
    let [text, length] = forge.text("granted");
    let writes = ["other.toml", "conf/local-ci/config.toml", "sub/local-ci.lock", "another.toml"].map(|path| {
        let [at, len] = forge.text(path);
        format!("(call $write (i32.const {at}) (i32.const {len}) (i32.const {text}) (i32.const {length}) (i32.const {into}))")
    });
    forge.run = format!("{} (i32.const {outcome})", writes.concat());
    add_as(&project, &About { needs: vec![("files-write", "**")], ..About::default() }, forge, "other.toml");
    project.expects("another.toml").expects("conf/local-ci");
    let config_home = project.dir().join("conf");
    project.local_ci(&["-c", "other.toml"]).env("XDG_CONFIG_HOME", config_home).output().assert_code(0);
    for path in ["conf/local-ci/config.toml", "sub/local-ci.lock"] {
        assert!(!project.dir().join(path).exists(), "{path}");
    }
    let there = |file: &str| std::fs::read_to_string(project.dir().join(file)).unwrap();
    assert_eq!((there("another.toml").as_str(), there("other.toml").as_str()), ("granted", config));
    project.assert_nothing_left();
}

/// What a plugin says for who looks for a fault in it is there with `-v`, and else not.
#[test]
fn a_plugin_says_more_where_more_is_asked_for() {
    let project = Project::new();
    project.config(&format!("{}[stages.a]\nuses = \"sample\"\n", sources(&["sample"])));
    let mut forge = Forge { imports: import("output", "log", "log", "(param i32 i32 i32)"), ..Forge::default() };
    let outcome = forge.outcome(0, None);
    let says = [(0, "a step"), (1, "a look"), (2, "a word")].map(|(level, text)| {
        let [at, len] = forge.text(text);
        format!("(call $log (i32.const {level}) (i32.const {at}) (i32.const {len}))")
    });
    forge.run = format!("{} (i32.const {outcome})", says.concat());
    add(&project, "sample", forge, &["sample"], &[]);
    project.local_ci(&[]).output().assert_code(0);
    project.local_ci(&["-v"]).output().assert_code(0);
    project.local_ci(&[]).env("LOCAL_CI_VERBOSE", "1").output().assert_code(0);
    let logs = [1, 2, 3].map(|number| String::from_utf8(project.log(number, "a.log")).unwrap());
    let all = "trace: a step\ndebug: a look\na word\n";
    assert_eq!(logs, ["a word\n", all, all]);
    project.assert_nothing_left();
}

/// A reporter that is told the last event, and does not come to an end with it: Ctrl+C is for that, and the run is what it was.
#[test]
fn ctrl_c_ends_a_reporter_that_is_told_of_the_end() {
    let project = Project::new();
    let config = "[plugins.reports]\nsource = \"path:reports.wasm\"\nlimits = { time = \"10m\" }\n\
                  [reporters]\nreports = true\n[stages.a]\nrun = \"true\"\n";
    project.config(config);
    let mut forge = Forge { imports: import("output", "log", "log", "(param i32 i32 i32)"), ..Forge::default() };
    let [at, len] = forge.text("that is the end");
    let content = forge.notify;
    // An event has 48 bytes, and the length of its kind stands at the 20th: `run_finished` is the one kind with 12.
    forge.notify = format!(
        "(if (i32.eq (i32.const 12) (i32.load offset=20 (i32.add (local.get $events)
             (i32.mul (i32.const 48) (i32.sub (local.get $count) (i32.const 1))))))
           (then (call $log (i32.const 2) (i32.const {at}) (i32.const {len})) (loop $again (br $again))))
         {content}"
    );
    add(&project, "reports", forge, &[], &[]);
    let mut terminal = project.local_ci(&[]).on_terminal(40, 100);
    let said = |text: &str| {
        let of = |notice: &Value| {
            notice["text"].as_str().is_some_and(|said| said.contains(text)).then(|| notice["mono_us"].as_u64())
        };
        told(&project, 1, "notice").iter().find_map(of).flatten()
    };
    wait_until("the reporter to be told of the end", || said("that is the end").is_some());
    terminal.type_keys("\x03");
    let left = terminal.wait();
    let waited = said("and was not waited for").unwrap() - said("that is the end").unwrap();
    assert!(waited < 9_000_000, "it is given up for the patience's sake, after {waited} us");
    assert_eq!(project.verdict(1), ("passed".to_owned(), String::new(), 0), "{}", left.screen);
    project.assert_nothing_left();
}
