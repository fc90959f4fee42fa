//! Fingerprints of files, in projects of their own.

use std::collections::BTreeMap as Map;
use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType as Node, Mode, mknodat};
use tempfile::TempDir;

use super::*;
use crate::ids::{Signature, StageName};
use crate::outcome::SkipReason;
use crate::pipeline::{Command, Policy};
use crate::plan::{Decision, PlannedStage};

struct Project(TempDir);

impl Project {
    /// A project with these files, one line each: path and content.
    fn with(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
        self
    }

    /// The fingerprints of stages with these inputs.
    fn of(&self, inputs: &[&[&str]]) -> Vec<Option<String>> {
        let mut plan = plan(self.0.path(), inputs);
        fingerprint(&mut plan);
        plan.stages.values().map(|stage| stage.inputs_digest.clone()).collect()
    }

    /// The fingerprint of a stage with these inputs.
    fn one(&self, inputs: &[&str]) -> Option<String> {
        self.of(&[inputs]).pop().unwrap()
    }
}

fn plan(root: &Path, inputs: &[&[&str]]) -> Plan {
    let stage = |(index, inputs): (usize, &&[&str])| PlannedStage {
        name: StageName::new(&format!("s{index}")).unwrap(),
        decision: Decision::Run,
        reasons: Vec::new(),
        command: Command::Argv(vec!["true".into()]),
        needs: Vec::new(),
        env: Map::new(),
        dir: PathBuf::new(),
        policy: Policy::default(),
        executor: "local".into(),
        signature: Signature::from_bytes([0; 32]),
        inputs: inputs.iter().map(ToString::to_string).collect(),
        is_fix: false,
        has_fix: false,
        inputs_digest: None,
        outputs: Vec::new(),
        annotate: Vec::new(),
        secrets: Vec::new(),
        estimate: None,
    };
    Plan {
        root: root.to_owned(),
        stages: inputs.iter().enumerate().map(stage).collect(),
        jobs: 1,
        fail_fast: false,
        flaky: crate::pipeline::Flaky::Pass,
        timeout: None,
        left_out: Vec::new(),
        warnings: Vec::new(),
        remotes: Map::new(),
        plugins: Map::new(),
        reporters: Vec::new(),
        secrets: Map::new(),
        mask: Vec::new(),
    }
}

#[test]
fn a_fingerprint_is_that_of_names_contents_and_the_executable_bit() {
    let project = Project::with(&[("src/a.rs", "a"), ("src/deep/b.rs", "b"), ("README", "r")]);
    let rust = || project.one(&["src/**/*.rs"]).unwrap();
    let first = rust();
    assert_eq!(first.len(), 64);
    project.write("README", "other").write("src/a.txt", "no input");
    // Written again, and as it was.
    project.write("src/a.rs", "a");
    assert_eq!(rust(), first, "nothing that it reads has changed");

    let mut seen = vec![first];
    let mut differs = |what: &str| {
        let now = rust();
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    };
    project.write("src/a.rs", "ab");
    differs("a content");
    project.write("src/c.rs", "");
    differs("a new file, be it empty");
    fs::rename(project.at("src/c.rs"), project.at("src/d.rs")).unwrap();
    differs("a name");
    fs::set_permissions(project.at("src/d.rs"), fs::Permissions::from_mode(0o755)).unwrap();
    differs("the executable bit");
    fs::remove_file(project.at("src/d.rs")).unwrap();
    symlink("a.rs", project.at("src/d.rs")).unwrap();
    differs("a link in a file's place");
    fs::remove_file(project.at("src/d.rs")).unwrap();
    symlink("nowhere.rs", project.at("src/d.rs")).unwrap();
    differs("where a link points, be it nowhere");
}

/// What would read the same if names had no length before them.
#[test]
fn a_name_does_not_run_into_a_content() {
    let digests: Vec<_> = [("ab", "c"), ("a", "bc"), ("abc", "")]
        .map(|(name, text)| Project::with(&[(&format!("{name}.x"), text)]).one(&["*.x"]).unwrap())
        .into();
    assert!(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2]);
}

#[test]
fn what_is_not_known_is_never_the_same_as_before() {
    let project = Project::with(&[("a.rs", "a"), ("dir/b.rs", "b")]);
    assert_eq!(project.one(&[]), None, "it has no inputs");
    assert_eq!(project.one(&["*.py"]), None, "nothing matches");
    assert_eq!(project.one(&["*.rs", "*.py"]), None, "one of them matches nothing");
    assert_eq!(project.one(&["a.rs", "gone.rs"]), None);
    assert_eq!(project.one(&["*.rs", "!a.*"]), None, "nothing is left");
    assert_eq!(project.one(&["!a.rs"]), None, "it takes out of nothing");
    assert_eq!(project.one(&["dir"]), None, "a directory is no file");
    assert_eq!(project.one(&["/etc/passwd"]), None, "it is not the project's");
    assert_eq!(project.one(&["../*/a.rs"]), None, "it is not the project's");
    assert!(project.one(&["*.rs", "!nothing"]).is_some(), "there need not be what is to be taken out");
}

/// A star stops at a slash; two do not; what `!` takes out stays out wherever it stands.
#[test]
fn globs_are_those_of_the_config() {
    let project = Project::with(&[("a.rs", "a"), ("src/a.rs", "a"), ("src/x/a.rs", "a"), ("src/x/b.txt", "b")]);
    let wanted = |inputs: &[&str]| {
        let inputs: Vec<String> = inputs.iter().map(ToString::to_string).collect();
        let wanted = Wanted::of([(crate::ids::StageId(0), inputs.as_slice())].into_iter());
        let found = find(project.0.path(), &wanted).unwrap();
        let chosen = wanted.choose(&found);
        chosen.iter().flat_map(|(_, files)| files).map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(wanted(&["*.rs"]), ["a.rs"]);
    assert_eq!(wanted(&["**/*.rs"]), ["a.rs", "src/a.rs", "src/x/a.rs"]);
    assert_eq!(wanted(&["./src/*.rs"]), ["src/a.rs"]);
    assert_eq!(wanted(&["src/**", "src/a.rs"]), ["src/a.rs", "src/x/a.rs", "src/x/b.txt"]);
    assert_eq!(wanted(&["!src/x/**", "**/*.rs"]), ["a.rs", "src/a.rs"]);
    assert_eq!(wanted(&["{src/x,nowhere}/*.txt"]), ["src/x/b.txt"]);
    assert_eq!(wanted(&["src/{x/a,y}.rs"]), ["src/x/a.rs"]);
    assert_eq!(wanted(&["s?c/[x]/a.rs"]), ["src/x/a.rs"]);
}

#[test]
fn what_git_ignores_is_no_input_unless_it_is_named() {
    let project = Project::with(&[
        (".gitignore", "target\n*.log\n"),
        (".git/config", "[core]"),
        (".ignore", "kept.rs"),
        (".cargo/config.toml", "hidden"),
        ("kept.rs", "k"),
        ("target/out.rs", "1"),
        ("x.log", "1"),
    ]);
    let all = project.one(&["**"]).unwrap();
    let named = project.one(&["target/out.rs"]).unwrap();
    project.write("target/out.rs", "2").write("x.log", "2").write(".git/config", "[other]");
    assert_eq!(project.one(&["**"]).unwrap(), all);
    assert_ne!(project.one(&["target/out.rs"]).unwrap(), named);
    assert_eq!(project.one(&["target/*.rs"]), None);
    project.write("kept.rs", "other");
    assert_ne!(project.one(&["**"]).unwrap(), all, "a file of search tools hides nothing");
    let all = project.one(&["**"]).unwrap();
    project.write(".cargo/config.toml", "other");
    assert_ne!(project.one(&["**"]).unwrap(), all, "a hidden file is a file");
}

#[test]
fn stages_are_told_apart_by_their_globs_alone() {
    let project = Project::with(&[("a.rs", "a"), ("b.rs", "b")]);
    let of = project.of(&[&["a.rs"], &["b.rs"], &["a.rs"], &["*.rs"], &["b.rs", "a.rs"], &["*.py"]]);
    assert!(of[..5].iter().all(Option::is_some));
    assert!(of[0] == of[2] && of[3] == of[4] && of[0] != of[1] && of[0] != of[3]);
    assert_eq!(of[5], None);
}

#[test]
fn a_stage_that_does_not_run_is_not_looked_at() {
    let project = Project::with(&[("a.rs", "a")]);
    let mut plan = plan(project.0.path(), &[&["a.rs"]]);
    let reason = SkipReason::Condition { why: "runs on macos only".into() };
    plan.stages[crate::ids::StageId(0)].decision = Decision::Skip { reason };
    fingerprint(&mut plan);
    assert_eq!(plan.stages[crate::ids::StageId(0)].inputs_digest, None);
}

#[test]
fn what_cannot_be_read_or_is_no_file_is_no_content() {
    let project = Project::with(&[("a.rs", "a")]);
    let pipe = project.at("pipe.rs");
    mknodat(CWD, &pipe, Node::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert_eq!(Content::of(&pipe), None, "and it is not waited for");
    assert_eq!(Content::of(&project.at("gone.rs")), None);
    let contents = [(Path::new("a.rs"), Content::of(&project.at("a.rs")).unwrap())].into_iter().collect();
    assert!(digest(&[Path::new("a.rs")], &contents).is_some());
    assert_eq!(digest(&[Path::new("a.rs"), Path::new("gone.rs")], &contents), None);
    assert!(project.one(&["*.rs"]).is_some(), "a pipe is not among the files");
    // A project that is not there is not known either.
    let mut plan = plan(&project.at("nowhere"), &[&["*.rs"]]);
    fingerprint(&mut plan);
    assert_eq!(plan.stages[crate::ids::StageId(0)].inputs_digest, None);
}
