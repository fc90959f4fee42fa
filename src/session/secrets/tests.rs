use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::config::{LoadRequest, NoSupplier};
use crate::plan::Request;
use crate::session::prepare;

/// A project of one config, with a home directory inside.
struct Project(tempfile::TempDir);

impl Project {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("local-ci.toml"), config).unwrap();
        Self(dir)
    }

    fn file(&self, path: &str, text: &[u8], mode: u32) -> &Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    fn resolve(&self, variables: &[(&str, &str)], stages: &[&str]) -> Result<Secrets, Vec<Missing>> {
        let home = self.0.path().canonicalize().unwrap();
        let usual = [("HOME", home.to_str().unwrap()), ("PATH", "/usr/bin:/bin")];
        let env = Env::from_pairs(usual.into_iter().chain(variables.iter().copied()));
        let request = LoadRequest {
            start: home.clone(),
            explicit: Some("local-ci.toml".into()),
            home: None,
            remotes: BTreeMap::new(),
        };
        let project = prepare::open(&request, &NoSupplier).unwrap();
        let stages = stages.iter().map(|&stage| stage.to_owned()).collect();
        let plan = project.plan(&Request { stages, ..Request::default() }, &env).unwrap();
        resolve(&plan, &env, &Tools::plain(&env), &|| false)
    }

    /// Why the only secret is not to be had, and what to do, without the project's path.
    fn refusal(&self, variables: &[(&str, &str)]) -> String {
        let missing = self.resolve(variables, &[]).unwrap_err();
        let [Missing { why, cure, .. }] = &missing[..] else { panic!("{missing:?}") };
        let text = format!("{why} | {}", cure.as_deref().unwrap_or_default());
        text.replace(self.0.path().canonicalize().unwrap().to_str().unwrap(), "DIR")
    }
}

fn one(origin: &str) -> Project {
    Project::new(&format!("[stages.a]\nrun = \"true\"\nsecrets = [\"S\"]\n[secrets]\nS = {origin}\n"))
}

fn value(secrets: &Secrets, name: &str) -> String {
    String::from_utf8(secrets.given[name].bytes().to_vec()).unwrap()
}

#[test]
fn secrets_come_from_variables_files_and_commands() {
    let project = Project::new(
        r#"
[stages.a]
run = "true"
secrets = ["OWN", "OTHER", "FILE", "HERE", "PRINTED"]
[secrets]
OWN = true
OTHER = { env = "WHERE" }
FILE = { file = "~/private/token" }
HERE = { file = "private/token" }
PRINTED = { command = ["sh", "-c", "printf 'a b\n\n'"] }
UNUSED = { file = "nowhere" }
"#,
    );
    project.file("private/token", b"from a file\r\n", 0o600);
    let secrets = project.resolve(&[("OWN", "own value\n"), ("WHERE", "other")], &[]).unwrap();
    let values = ["OWN", "OTHER", "FILE", "HERE", "PRINTED"].map(|name| value(&secrets, name));
    assert_eq!(values, ["own value\n", "other", "from a file", "from a file", "a b\n"]);
    assert_eq!(secrets.given.len(), 5);
    assert!(!format!("{secrets:?}").contains("from a file"));
}

#[test]
fn h173_a_file_that_others_can_read_is_refused() {
    let project = one("{ file = \"token\" }");
    project.file("token", b"x", 0o640);
    assert_eq!(project.refusal(&[]), "others may read or change DIR/token (mode 640) | chmod 600 DIR/token");
    project.file("token", b"secret-value", 0o400);
    assert_eq!(value(&project.resolve(&[], &[]).unwrap(), "S"), "secret-value");
}

#[test]
fn files_that_cannot_be_a_secret_are_refused() {
    let project = one("{ file = \"token\" }");
    assert!(project.refusal(&[]).starts_with("DIR/token cannot be read: No such file"));
    project.file("token", b"a\xff", 0o600);
    assert_eq!(project.refusal(&[]), "it is not UTF-8 text | ");
    project.file("token", &vec![b'x'; FILE_MAX + 1], 0o600);
    assert_eq!(project.refusal(&[]), "it is longer than 65536 bytes | ");
    project.file("token", b"\n", 0o600);
    assert_eq!(project.refusal(&[]), "it is empty | ");
    fs::remove_file(project.0.path().join("token")).unwrap();
    fs::create_dir(project.0.path().join("token")).unwrap();
    assert_eq!(project.refusal(&[]), "DIR/token is not a regular file | ");
}

/// H176: neither what it printed nor another secret is in what is told of a command that fails.
#[test]
fn h176_a_command_that_fails_gives_nothing_away() {
    let project = Project::new(
        r#"
[stages.a]
run = "true"
secrets = ["A", "B"]
[secrets]
A = true
B = { command = ["sh", "-c", "echo canary-4711; echo no canary-4711 with $A >&2; exit 3"] }
"#,
    );
    let missing = project.resolve(&[("A", "the-first-one")], &[]).unwrap_err();
    let [Missing { name, why, stages, .. }] = &missing[..] else { panic!("{missing:?}") };
    assert_eq!((name.as_str(), stages[0].as_str()), ("B", "a"));
    assert!(why.ends_with("ended with exit code 3: no *** with ***"), "{why}");
    assert!(one("{ command = [\"no-such-program\"] }").refusal(&[]).contains("command not found"));
}

#[test]
fn all_that_are_missing_are_told_with_the_stages_that_want_them() {
    let project = Project::new(
        r#"
[defaults]
secrets = ["A"]
[stages.a]
run = "true"
[stages.b]
run = "true"
secrets = ["A", "B"]
[stages.c]
run = "true"
secrets = []
[secrets]
A = true
B = { env = "OTHER" }
"#,
    );
    let missing = project.resolve(&[], &[]).unwrap_err();
    let told: Vec<_> = missing.iter().map(|one| (one.name.as_str(), one.stages.len(), one.why.as_str())).collect();
    assert_eq!(told, [("A", 2, "the variable A is not set"), ("B", 1, "the variable OTHER is not set")]);
    assert_eq!(project.resolve(&[], &["c"]).unwrap(), Secrets::default(), "what is not wanted is not asked for");
}

#[test]
fn variables_whose_names_say_so_are_masked_and_given_to_nobody() {
    let config = "[stages.a]\nrun = \"true\"\nenv = { MY_TOKEN = \"of the stage\" }\n";
    let variables = [("NPM_TOKEN", "npm"), ("TOKENS", "no"), ("A_SECRET", ""), ("DB_PASSWORD", "db")];
    let masked = |config: &str| {
        let secrets = Project::new(config).resolve(&variables, &[]).unwrap();
        assert!(secrets.given.is_empty());
        secrets.masked.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(masked(config), ["DB_PASSWORD", "NPM_TOKEN", "MY_TOKEN"]);
    assert_eq!(masked(&format!("[run]\nmask = [\"TOK*\"]\n{config}")), ["TOKENS"]);
    assert_eq!(masked(&format!("[run]\nmask = []\n{config}")), [""; 0]);
}
