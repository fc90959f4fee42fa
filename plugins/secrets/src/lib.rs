//! A stage that finds keys and passwords in files: those of known makers by how they look, others by where they stand and
//! how random they are. What it finds is never printed, only its first characters.

mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use local_ci_plugin::commands::{Command, Failure, Output};
use local_ci_plugin::{
    Annotation, Context, Example, Info, Kind, Need, Outcome, Plugin, Problem, Span, StagePlugin, files, glob, output,
};
use serde_json::json;

use crate::rules::{Hit, RULES};

/// So many files are looked at.
const FILES_MAX: u32 = 200_000;
/// A larger file is not looked into, in bytes.
const TEXT_MAX: u64 = 8 * 1024 * 1024;
/// What tells a file of bytes from a text.
const HEAD: usize = 8000;

/// The plugin.
pub struct Secrets;

/// `with` of a stage.
#[derive(Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Params {
    base: Option<String>,
    files: Vec<String>,
    entropy: bool,
    allow: Allow,
}

impl Default for Params {
    fn default() -> Self {
        Self { base: None, files: vec!["**".to_owned()], entropy: true, allow: Allow::default() }
    }
}

/// What is let be.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Allow {
    paths: Vec<String>,
    patterns: Vec<String>,
    fingerprints: BTreeSet<String>,
    rules: BTreeSet<String>,
}

/// Where this branch left the base. What comes after `--end-of-options` is no option, whatever it looks like.
const MERGE_BASE: [&str; 3] = ["git", "merge-base", "--end-of-options"];
/// What has changed since there, by names that end in NUL and stand for themselves.
const DIFF: [&str; 8] =
    ["git", "diff", "--name-only", "-z", "--no-ext-diff", "--diff-filter=d", "--relative", "--end-of-options"];

/// As much of a text as fits into this many bytes.
pub(crate) fn cut(text: &str, room: usize) -> &str {
    let mut end = room.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Plugin for Secrets {
    fn info() -> Info {
        let texts = |description: &str| json!({ "type": "array", "items": { "type": "string", "minLength": 1 }, "description": description });
        let params = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "base": { "type": "string", "minLength": 1, "description":
                    "Only files that have changed since this branch left that commit are looked at; all without it." },
                "files": texts("Globs of the files to look at; all without it."),
                "entropy": { "type": "boolean", "description": "Whether quoted texts are judged by how random they are." },
                "allow": { "type": "object", "additionalProperties": false, "properties": {
                    "paths": texts("Globs of the files that may have secrets."),
                    "patterns": texts("Secrets that are none: texts in which `*` stands for any characters."),
                    "fingerprints": texts("Fingerprints of what was found and is none."),
                    "rules": { "type": "array", "items": { "enum": RULES }, "description": "Rules that are not looked by." },
                } },
            },
        });
        let aws = format!("AKIA{}", "Q7ZP4LMX2WN6RT3K");
        let line = format!("key = {aws}\n");
        let (merge_base, diff) = (MERGE_BASE.join(" "), DIFF.join(" "));
        Info::new("secrets", env!("CARGO_PKG_VERSION"), "Finds keys and passwords in files")
            .stage(Kind::new("secrets", "Keys of known makers, passwords, and texts as random as keys").params(params))
            .need(Need::files_read("**", "to look for secrets in the files"))
            .need(Need::command(&format!("{merge_base} * HEAD"), "to find where the branch began, where `base` is set"))
            .need(Need::command(&format!("{diff} *"), "to look at changed files alone, where `base` is set"))
            .example(
                Example::stage("finds a key and does not print it", "secrets")
                    .file("a.txt", &line)
                    .fails()
                    .says("1 secret in 1 of 1 files")
                    .finds(json!({ "severity": "error", "code": "aws-key", "path": "a.txt", "line": 1, "column": 7,
                        "message": format!("an access key of AWS: AKIA… (20 characters, fingerprint {})",
                            fingerprint("a.txt", "aws-key", &aws)) })),
            )
            .example(
                Example::stage("looks at changed files alone where there is a base", "secrets")
                    .params(json!({ "base": "origin/main" }))
                    .command(&format!("{merge_base} origin/main HEAD"), 0, "0f1e2d3c\n", "")
                    .command(&format!("{diff} 0f1e2d3c"), 0, "b.txt\0", "")
                    .file("a.txt", &line)
                    .file("b.txt", "nothing\n")
                    .passes()
                    .says("no secret in 1 file"),
            )
            .example(
                Example::stage("lets be what is allowed", "secrets")
                    .params(json!({ "allow": { "paths": ["fixtures/**"], "patterns": ["AKIAQ*"] } }))
                    .file("a.txt", &line)
                    .file("fixtures/b.txt", &line)
                    .passes()
                    .finds_nothing(),
            )
    }
}

impl StagePlugin for Secrets {
    fn run(_kind: &str, context: &Context) -> Result<Outcome, Problem> {
        let params: Params = context.params()?;
        let changed = params.base.as_deref().map(changed).transpose()?;
        let mut sizes = BTreeMap::new();
        for pattern in &params.files {
            let found = files::glob(pattern, FILES_MAX)?;
            if found.len() >= FILES_MAX as usize {
                let what = format!("{pattern} matches {FILES_MAX} files and more: say in `files` which of them matter");
                return Err(Problem::new("too-many-files", what));
            }
            sizes.extend(found.into_iter().filter(|entry| !entry.dir).map(|entry| (entry.path, entry.size)));
        }
        let is_allowed = |path: &str| params.allow.paths.iter().any(|pattern| glob::matches(pattern, path));
        sizes.retain(|path, _| changed.as_ref().is_none_or(|changed| changed.contains(path)) && !is_allowed(path));
        if sizes.is_empty() {
            return Ok(Outcome::skipped("there are no files to look at"));
        }
        let (mut secrets, mut with_secrets, mut unread) = (0, 0, 0);
        for (path, &size) in &sizes {
            match look_at(path, size, &params)? {
                Look::Found(found) => {
                    secrets += found.len();
                    with_secrets += usize::from(!found.is_empty());
                    output::annotate(&found);
                }
                Look::None(why) => {
                    unread += 1;
                    output::warn(format!("{path}: not looked into: {why}"));
                    let said = format!("the file was not looked into for secrets: {why}");
                    output::annotate(&[Annotation::warning(said).code("unread").at(Span::file(path))]);
                }
            }
        }
        let all = sizes.len();
        let left = match unread {
            0 => String::new(),
            1 => "; 1 file was not looked into".to_owned(),
            _ => format!("; {unread} files were not looked into"),
        };
        let files = if all - unread == 1 { "file" } else { "files" };
        Ok(match secrets {
            0 => Outcome::passed(format!("no secret in {} {files}{left}", all - unread)),
            1 => Outcome::failed(format!("1 secret in 1 of {all} files{left}")),
            _ => Outcome::failed(format!("{secrets} secrets in {with_secrets} of {all} files{left}")),
        })
    }
}

/// The files that have changed since a base.
fn changed(base: &str) -> Result<BTreeSet<String>, Problem> {
    let found = git(&MERGE_BASE, &[base, "HEAD"])?;
    if matches!(found.exit.code, Some(1 | 128)) {
        let said = found.stderr();
        let said = if said.trim().is_empty() { "they have no commit in common" } else { said.trim() };
        let what = format!("git cannot compare with {base} ({said}): fetch it, or name another `base`");
        return Err(Problem::new("no-base", what));
    }
    let began = found.success()?.stdout();
    let found = git(&DIFF, &[began.trim()])?;
    let found = found.success()?.stdout();
    // What follows the last NUL is the end of a line that git does not print.
    let (found, _) = found.rsplit_once('\0').unwrap_or_default();
    Ok(found.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// Runs git in the project's directory.
fn git(words: &[&str], more: &[&str]) -> Result<Output, Problem> {
    let command = Command::default().args(words.iter().chain(more).copied()).dir(".").quiet();
    command.output().map_err(|failure| match failure {
        Failure::NotFound(_) => Problem::new("no-git", "git is not there, where the stage runs"),
        failure => failure.into(),
    })
}

/// What came of looking into a file.
enum Look {
    /// What is there.
    Found(Vec<Annotation>),
    /// It was not looked into, and why.
    None(String),
}

/// Looks into a file. One of bytes is no place for a person's secrets, and well.
fn look_at(path: &str, size: u64, params: &Params) -> Result<Look, Problem> {
    let too_large = || Ok(Look::None(format!("it has more than {} MiB", TEXT_MAX >> 20)));
    let head = match files::read_at(path, 0, HEAD as u64) {
        // It went since it was listed.
        Err(files::Failure::Missing) => return Ok(Look::Found(Vec::new())),
        read => read?,
    };
    if head.contains(&0) {
        return Ok(Look::Found(Vec::new()));
    }
    if size > TEXT_MAX {
        return too_large();
    }
    let bytes = match files::read(path, TEXT_MAX) {
        Err(files::Failure::Missing) => return Ok(Look::Found(Vec::new())),
        // It grew since it was listed.
        Err(files::Failure::TooLarge(_)) => return too_large(),
        read => read?,
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for hit in rules::hits(line, params.entropy) {
            let fingerprint = fingerprint(path, hit.rule, hit.secret);
            if !params.allow.lets_be(&hit, &fingerprint) {
                let column = u32::try_from(line[..hit.at].chars().count() + 1).unwrap_or(u32::MAX);
                let said = format!(
                    "{}: {} ({} characters, fingerprint {fingerprint})",
                    hit.what,
                    masked(&hit),
                    hit.secret.chars().count()
                );
                output::error(format!("{path}:{number}:{column}: {said} ({})", hit.rule));
                found.push(Annotation::error(said).code(hit.rule).at(Span::line(path, number).column(column)));
            }
        }
    }
    Ok(Look::Found(found))
}

impl Allow {
    fn lets_be(&self, hit: &Hit<'_>, fingerprint: &str) -> bool {
        self.rules.contains(hit.rule)
            || self.fingerprints.contains(fingerprint)
            || self.patterns.iter().any(|pattern| fits(pattern, hit.secret))
    }
}

/// Whether a text is what a pattern says, in which `*` stands for any characters.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = rest.split('*').collect();
    let Some((last, middle)) = parts.split_last() else { return true };
    for part in middle {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(last)
}

/// What may be shown of a secret: of a known maker's, how they all begin; of a password nothing.
fn masked(hit: &Hit<'_>) -> String {
    match hit.rule {
        "password" | "entropy" => "…".to_owned(),
        "private-key" => "-----BEGIN…".to_owned(),
        _ => format!("{}…", cut(hit.secret, 4)),
    }
}

/// What a finding is known by, 32 bits: enough to tell one from another, and too little to find a secret by. FNV-1a over
/// path, rule and secret, folded.
fn fingerprint(path: &str, rule: &str, secret: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in [path, rule, secret] {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff))
}

local_ci_plugin::export!(Secrets: stage);
