//! What was found, written as a configuration that explains itself.

use std::fmt::Write as _;

use toml::Value;

use super::draft::{Draft, Run};
use super::name;
use crate::config::visible::visible;

/// What a document is made of.
pub(super) struct Contents<'a> {
    /// What was found where, such as `rust` or `node in web`.
    pub(super) kinds: &'a [String],
    pub(super) drafts: &'a [Draft],
    /// A file of recipes that was passed over because a language says what to run, and how it is called.
    pub(super) beside: Option<(&'static str, &'static str)>,
}

/// A configuration for a project of which nothing is known. It passes as it stands.
pub const EXAMPLE: &str = r#"# A first pipeline: nothing here says what kind of project this is, so put your own commands in.
# `local-ci` runs all stages, `local-ci plan` says what would run, `local-ci validate` looks for mistakes.

[stages.lint]
description = "What this stage is for"
run = "echo put a command here"          # a string is a script for sh -e -c
# fix = "echo and what repairs"          # what `local-ci --fix` runs instead

[stages.test]
run = ["echo", "and here"]               # an array is a program and its arguments, without a shell
needs = ["lint"]                         # these come first; what does not need each other runs side by side
"#;

/// What can be said besides; every key is right as it stands.
const MORE: &str = r#"
# More that a stage can have (`local-ci explain config` has every key):
#   needs = ["fmt"]            stages that come first
#   timeout = "20m"            how long it may take; `retries = 1` tries again
#   env = { KEY = "value" }    `env-file = ".env?"` for a file of them
#   when = { ci = false }      skips it elsewhere; also by os, branch and variables
#   default = false            runs only when it is named
# What is for you alone goes into local-ci.local.toml beside this file; keep that one out of git.
"#;

/// Writes the document. The same files give the same text.
pub(super) fn document(contents: &Contents<'_>) -> String {
    let names = name::names(contents.drafts);
    let mut text = format!(
        "# What local-ci runs here, found from the project's files: {}.\n\
         # `local-ci plan` says what would run; `local-ci validate` looks for mistakes.\n",
        contents.kinds.join(", ")
    );
    let has_many = contents.kinds.len() > 1;
    for (draft, name) in contents.drafts.iter().zip(&names) {
        stage(&mut text, draft, name, has_many);
    }
    for shared in name::shared(contents.drafts) {
        if !names.iter().any(|name| name == shared) {
            gather(&mut text, contents.drafts, &names, shared);
        }
    }
    if let Some((file, program)) = contents.beside {
        let _ = write!(
            text,
            "\n# There is a {file}, too. Its checks are no stages, since they mostly call the same tools. One that does\n\
             # more would be:\n#   [stages.check]\n#   run = [\"{program}\", \"check\"]\n"
        );
    }
    text.push_str(MORE);
    text
}

fn stage(text: &mut String, draft: &Draft, name: &str, has_many: bool) {
    text.push('\n');
    for line in draft.why.iter().flat_map(|why| why.lines()) {
        let _ = writeln!(text, "# {}", visible(line));
    }
    let _ = writeln!(text, "[stages.{}]\ndescription = {}", key(name), quoted(&draft.description));
    let _ = writeln!(text, "run = {}", run(&draft.run));
    if let Some(fix) = &draft.fix {
        let _ = writeln!(text, "fix = {}", run(fix));
    }
    if let Some(dir) = draft.dir.to_str().filter(|dir| !dir.is_empty()) {
        let _ = writeln!(text, "dir = {}", quoted(dir));
    }
    if !draft.env.is_empty() {
        let pairs: Vec<String> = draft.env.iter().map(|(name, value)| format!("{name} = {}", quoted(value))).collect();
        let _ = writeln!(text, "env = {{ {} }}", pairs.join(", "));
    }
    if let Some(lock) = draft.lock {
        let _ = writeln!(text, "locks = [{}]", quoted(lock));
    }
    if !draft.annotate.is_empty() {
        let names: Vec<String> = draft.annotate.iter().map(|matcher| matcher.name().to_owned()).collect();
        let _ = writeln!(text, "annotate = {}", array(&names));
    }
    if has_many {
        let tags = Some(name::slug(&draft.dir)).filter(|_| !draft.dir.as_os_str().is_empty());
        let mut tags: Vec<String> = tags.into_iter().collect();
        if !tags.iter().any(|tag| tag == draft.kind.name()) {
            tags.push(draft.kind.name().to_owned());
        }
        let _ = writeln!(text, "tags = {}", array(&tags));
    }
}

/// A stage that stands for those that would have had its name.
fn gather(text: &mut String, drafts: &[Draft], names: &[String], shared: &str) {
    let needs: Vec<String> =
        drafts.iter().zip(names).filter(|(draft, _)| draft.name == shared).map(|(_, name)| name.clone()).collect();
    let _ = write!(
        text,
        "\n# Does nothing itself: `local-ci {shared}` runs what it needs.\n[stages.{shared}]\ndescription = {}\n\
         run = [\"true\"]\nneeds = {}\ndefault = false\n",
        quoted(&format!("All of {}", needs.join(", "))),
        array(&needs),
    );
}

fn run(run: &Run) -> String {
    match run {
        Run::Argv(words) => array(words),
        // Ours alone, and none has three quotes in it.
        Run::Script(script) => format!("'''\n{script}\n'''"),
    }
}

fn array(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A stage's name as a key: dots and signs need quotes.
fn key(name: &str) -> String {
    let is_bare = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { name.to_owned() } else { quoted(name) }
}
