//! The fingerprint of what a stage does, and the same told to a person.
//!
//! One function, [`describe`], walks everything that counts and hands it to a [`Manifest`]; one manifest hashes,
//! the other explains. So what is explained is what was hashed. Values of variables enter the hash alone: the
//! explanation shows eight digits of a hash of each.
//!
//! Every name and value is prefixed by its length, so two different stages never give one stream of bytes:
//! `["a b"]` is not `["a", "b"]`.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::ids::{Signature, hex};
use crate::pipeline::{Command, remote};

/// The context of the hash. A change to what [`describe`] says, or how, must change it.
const CONTEXT: &str = "local-ci 1 stage signature";

/// The name of the executor that runs stages on this machine.
pub const LOCAL: &str = remote::HERE;

/// What a stage does, as far as its fingerprint is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// What it runs.
    pub command: &'a Command,
    /// The variables that the config gives it.
    pub env: &'a BTreeMap<String, String>,
    /// Its directory relative to the project's.
    pub dir: &'a Path,
    /// The names of the secrets that it is given. Their values never count: a new password is the same work.
    pub secrets: &'a [String],
    /// The executor's name. Only its kind counts: a remote that is renamed is the same work.
    pub executor: &'a str,
}

/// Takes what counts about a stage, in a fixed order.
pub trait Manifest {
    /// A value that anybody may read. Lists give one field an item, under one name.
    fn field(&mut self, name: &str, value: &[u8]);

    /// A value that must not be shown.
    fn secret(&mut self, name: &str, value: &[u8]);
}

/// Tells a manifest everything that counts about a stage.
pub fn describe(work: &Work<'_>, manifest: &mut dyn Manifest) {
    manifest.field("executor", if work.executor == LOCAL { b"local" } else { b"remote" });
    manifest.field("dir", &canonical_dir(work.dir));
    match work.command {
        Command::Argv(argv) => {
            for word in argv {
                manifest.field("argv", word.as_bytes());
            }
        }
        Command::Shell { shell, script, args } => {
            for word in shell {
                manifest.field("shell", word.as_bytes());
            }
            manifest.field("script", script.as_bytes());
            for word in args {
                manifest.field("arg", word.as_bytes());
            }
        }
        // Not the component's bytes: a stage keeps its history over an update of its plugin, as over one of a compiler.
        Command::Plugin(used) => {
            manifest.field("plugin", used.plugin.as_bytes());
            manifest.field("kind", used.kind.as_bytes());
            manifest.field("params", used.params.as_bytes());
            manifest.field("fix", if used.fix { b"1" } else { b"0" });
        }
    }
    for (name, value) in work.env {
        manifest.secret(&format!("env {name}"), value.as_bytes());
    }
    // Of a stage without any nothing is told, so that it is what it was before there were secrets.
    for name in work.secrets {
        manifest.field("secret", name.as_bytes());
    }
}

/// `./a//b/.` and `a/b` are one directory. `..` stays: behind a link it leads elsewhere.
fn canonical_dir(dir: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for component in dir.components().filter(|component| *component != Component::CurDir) {
        if !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(component.as_os_str().as_encoded_bytes());
    }
    bytes
}

/// The fingerprint of a stage's work.
pub fn signature(work: &Work<'_>) -> Signature {
    let mut manifest = Hashing(blake3::Hasher::new_derive_key(CONTEXT));
    describe(work, &mut manifest);
    Signature::from_bytes(*manifest.0.finalize().as_bytes())
}

/// What the fingerprint of a stage's work is made of, without the values of variables.
pub fn explain(work: &Work<'_>) -> Vec<Ingredient> {
    let mut manifest = Explaining(Vec::new());
    describe(work, &mut manifest);
    manifest.0
}

/// One thing that a fingerprint is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingredient {
    /// What it is, such as `argv` or `env PATH`.
    pub name: String,
    /// Its value; of a variable eight hex digits of a hash.
    pub value: String,
}

struct Hashing(blake3::Hasher);

impl Hashing {
    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

impl Manifest for Hashing {
    fn field(&mut self, name: &str, value: &[u8]) {
        self.part(name.as_bytes());
        self.part(value);
    }

    fn secret(&mut self, name: &str, value: &[u8]) {
        self.field(name, value);
    }
}

struct Explaining(Vec<Ingredient>);

impl Manifest for Explaining {
    fn field(&mut self, name: &str, value: &[u8]) {
        self.0.push(Ingredient { name: name.to_owned(), value: String::from_utf8_lossy(value).into_owned() });
    }

    fn secret(&mut self, name: &str, value: &[u8]) {
        let digest = blake3::derive_key("local-ci 1 value of a variable", value);
        self.0.push(Ingredient { name: name.to_owned(), value: hex(&digest[..4]) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Owned {
        command: Command,
        env: BTreeMap<String, String>,
        dir: String,
        executor: &'static str,
    }

    impl Owned {
        fn work(&self) -> Work<'_> {
            Work {
                command: &self.command,
                env: &self.env,
                dir: Path::new(&self.dir),
                secrets: &[],
                executor: self.executor,
            }
        }

        fn signature(&self) -> Signature {
            signature(&self.work())
        }
    }

    fn argv(words: &[&str]) -> Owned {
        let command = Command::Argv(words.iter().map(|word| (*word).to_owned()).collect());
        Owned { command, env: BTreeMap::new(), dir: String::new(), executor: LOCAL }
    }

    fn with_env(name: &str, value: &str) -> Owned {
        Owned { env: BTreeMap::from([(name.to_owned(), value.to_owned())]), ..argv(&["make"]) }
    }

    /// H114: a command is more than its words joined with blanks.
    #[test]
    fn h114_words_do_not_run_together() {
        assert_ne!(argv(&["a b"]).signature(), argv(&["a", "b"]).signature());
        assert_ne!(argv(&["a", ""]).signature(), argv(&["a"]).signature());
        let script = Command::Shell { shell: Vec::new(), script: "a".into(), args: Vec::new() };
        assert_ne!(Owned { command: script, ..argv(&[]) }.signature(), argv(&["a"]).signature());
    }

    #[test]
    fn everything_that_is_declared_counts() {
        let plain = argv(&["make"]);
        assert_ne!(with_env("A", "1").signature(), plain.signature());
        assert_ne!(with_env("A", "1").signature(), with_env("A", "2").signature());
        assert_ne!(with_env("A", "BC").signature(), with_env("AB", "C").signature());
        assert_ne!(Owned { dir: "web".into(), ..plain.clone() }.signature(), plain.signature());
        assert_ne!(Owned { executor: "build-box", ..plain.clone() }.signature(), plain.signature());
        assert_eq!(
            Owned { executor: "build-box", ..plain.clone() }.signature(),
            Owned { executor: "other-box", ..plain }.signature(),
            "the kind of executor counts, not its name"
        );
    }

    #[test]
    fn a_directory_has_one_spelling() {
        let at = |dir: &str| Owned { dir: dir.into(), ..argv(&["make"]) }.signature();
        assert_eq!(at("./a//b/."), at("a/b"));
        assert_eq!(at("."), at(""));
        assert_ne!(at("a/.."), at(""));
    }

    /// Samples of earlier runs are found by signature: it must not change by accident.
    #[test]
    fn the_signature_is_the_same_in_every_version() {
        insta::assert_snapshot!(with_env("A", "1").signature(), @"3217ff782a9bdea6b20680b192c3249de4a595436a94114709eb0cb356c76c64");
    }

    /// H174: the explanation names variables and shows no value.
    #[test]
    fn h174_values_of_variables_are_not_explained() {
        let command = Command::Shell {
            shell: vec!["sh".into(), "-c".into()],
            script: "make \"$@\"".into(),
            args: vec!["-k".into()],
        };
        let owned = Owned { command, dir: "web".into(), ..with_env("TOKEN", "canary-4711") };
        let told: Vec<String> = explain(&owned.work()).iter().map(|i| format!("{}: {}", i.name, i.value)).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        executor: local
        dir: web
        shell: sh
        shell: -c
        script: make "$@"
        arg: -k
        env TOKEN: cab7307a
        "#);
        assert!(!told.join("\n").contains("canary"));
        let other = Owned { env: with_env("TOKEN", "canary-4712").env, ..owned.clone() };
        assert_ne!(explain(&owned.work()), explain(&other.work()), "that a value differs is seen");
    }

    fn command() -> impl Strategy<Value = Command> {
        let words = || prop::collection::vec("[ab ]{0,2}", 0..3);
        prop_oneof![
            words().prop_map(Command::Argv),
            (words(), "[ab ]{0,2}", words()).prop_map(|(shell, script, args)| Command::Shell { shell, script, args }),
        ]
    }

    fn owned() -> impl Strategy<Value = Owned> {
        let env = prop::collection::btree_map("[ab]", "[ab]?", 0..3);
        let executor = prop_oneof![Just(LOCAL), Just("remote")];
        (command(), env, "[ab]?", executor).prop_map(|(command, env, dir, executor)| Owned {
            command,
            env,
            dir,
            executor,
        })
    }

    proptest! {
        /// H114: different work has different signatures, and equal work equal ones.
        #[test]
        fn h114_signatures_are_equal_exactly_where_the_work_is(a in owned(), b in owned()) {
            prop_assert_eq!(a.signature() == b.signature(), a == b);
            prop_assert_eq!(a.clone().signature(), a.signature());
        }

        /// The words alone, so close together that joining them would often collide.
        #[test]
        fn h114_argv_is_told_apart(a in prop::collection::vec("[a ]{0,2}", 0..4), b in prop::collection::vec("[a ]{0,2}", 0..4)) {
            let of = |words: &Vec<String>| Owned { command: Command::Argv(words.clone()), ..argv(&[]) }.signature();
            prop_assert_eq!(of(&a) == of(&b), a == b);
        }
    }
}
