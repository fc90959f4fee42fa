//! A stage that finds what should not be in a file, whatever language it is in: white space at the end of lines, the marks of
//! a merge, mixed ends of lines, a last line without its end, large files, and paths that differ in case alone. With `--fix`
//! it mends what can be mended. Binary files are looked at for their size and path alone.

mod paths;
mod text;

use std::collections::BTreeMap;

use local_ci_plugin::{
    Annotation, Context, Example, Info, Kind, Need, Outcome, Plugin, Problem, Span, StagePlugin, files, glob, output,
};
use serde_json::json;

use crate::text::{Finding, Rule};

/// So many files are looked at; a project with more says which ones matter.
const FILES_MAX: u32 = 200_000;
/// A text that is larger is not looked into, in bytes.
const TEXT_MAX: u64 = 16 * 1024 * 1024;
/// So many lines of one file are told of each rule; of the rest, how many there are.
const LINES_MAX: usize = 10;

/// The plugin.
pub struct Hygiene;

/// `with` of a stage.
#[derive(Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Params {
    files: Vec<String>,
    max_file_kib: u64,
    rules: Vec<Rule>,
    allow: BTreeMap<Rule, Vec<String>>,
}

impl Default for Params {
    fn default() -> Self {
        Self { files: vec!["**".to_owned()], max_file_kib: 1024, rules: Rule::ALL.to_vec(), allow: BTreeMap::new() }
    }
}

impl Params {
    /// The rules that hold for a file.
    fn rules_of(&self, path: &str) -> Vec<Rule> {
        let allowed =
            |rule: &Rule| self.allow.get(rule).is_some_and(|globs| globs.iter().any(|g| glob::matches(g, path)));
        self.rules.iter().copied().filter(|rule| !allowed(rule)).collect()
    }
}

impl Plugin for Hygiene {
    fn info() -> Info {
        let names: Vec<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        let globs = json!({ "type": "array", "items": { "type": "string" } });
        let allow: serde_json::Map<_, _> = names.iter().map(|&name| (name.to_owned(), globs.clone())).collect();
        let params = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "files": { "type": "array", "items": { "type": "string" }, "minItems": 1,
                    "description": "Globs of the files to look at, relative to the project's directory; all without it." },
                "max-file-kib": { "type": "integer", "minimum": 0,
                    "description": "The largest file, in KiB; 1024 without it, and 0 for no limit." },
                "rules": { "type": "array", "items": { "enum": names }, "description": "What is looked for; all without it." },
                "allow": { "type": "object", "additionalProperties": false, "properties": allow,
                    "description": "For each rule, globs of the files that it does not hold for." },
            },
        });
        Info::new("hygiene", env!("CARGO_PKG_VERSION"), "Finds what should not be in a file, and mends it")
            .stage(
                Kind::new("hygiene", "White space, merge marks, ends of lines, large files, case")
                    .params(params)
                    .fixes(),
            )
            .need(Need::files_read("**", "to look at the files"))
            .need(Need::files_write("**", "to mend them with --fix; nothing is written without it"))
            .example(
                Example::stage("finds white space and a missing end", "hygiene")
                    .file("a.txt", "one \ntwo")
                    .fails()
                    .says("2 problems in 1 of 1 files")
                    .finds(json!({ "severity": "error", "code": "trailing-whitespace", "path": "a.txt", "line": 1 }))
                    .finds(json!({ "severity": "error", "code": "missing-final-newline", "path": "a.txt", "line": 2 })),
            )
            .example(
                Example::stage("mends what it finds", "hygiene")
                    .fix()
                    .file("a.txt", "one \ntwo")
                    .passes()
                    .says("mended 1 file; 1 file is clean")
                    .finds_nothing()
                    .leaves("a.txt", "one\ntwo\n"),
            )
            .example(
                Example::stage("lets be what is allowed", "hygiene")
                    .params(json!({ "allow": { "trailing-whitespace": ["fixtures/**"] } }))
                    .file("fixtures/a.txt", "one \n")
                    .passes()
                    .says("1 file is clean"),
            )
            .example(
                Example::stage("finds a file that is too large", "hygiene")
                    .params(json!({ "max-file-kib": 1 }))
                    .file("big.txt", &"0123456789abcde\n".repeat(65))
                    .fails()
                    .finds(json!({ "code": "large-file", "path": "big.txt",
                        "message": "the file has 1.1 KiB, more than 1 KiB" })),
            )
    }
}

impl StagePlugin for Hygiene {
    fn run(_kind: &str, context: &Context) -> Result<Outcome, Problem> {
        let params: Params = context.params()?;
        let entries = entries(&params.files, context.dir())?;
        let mut tally = Tally { files: entries.len(), ..Tally::default() };
        for (path, message) in paths::case_conflicts(entries.keys().map(String::as_str)) {
            if params.rules_of(path).contains(&Rule::CaseConflict) {
                tally.tell(path, &[Finding { rule: Rule::CaseConflict, line: None, message }]);
            }
        }
        for (path, &size) in &entries {
            look_at(path, size, &params, context.fix(), &mut tally)?;
        }
        Ok(tally.outcome())
    }
}

/// The files to look at and their sizes.
fn entries(globs: &[String], dir: &str) -> Result<BTreeMap<String, u64>, Problem> {
    let mut entries = BTreeMap::new();
    for pattern in globs {
        let found = files::glob(pattern, FILES_MAX)?;
        if found.len() >= FILES_MAX as usize {
            let what = format!("{pattern} matches {FILES_MAX} files and more: say in `files` which of them matter");
            return Err(Problem::new("too-many-files", what));
        }
        let within = |path: &str| dir.is_empty() || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
        let found = found.into_iter().filter(|entry| !entry.dir && within(&entry.path));
        entries.extend(found.map(|entry| (entry.path, entry.size)));
    }
    Ok(entries)
}

/// What was found so far.
#[derive(Debug, Default)]
struct Tally {
    files: usize,
    dirty: usize,
    problems: usize,
    mended: usize,
    unread: usize,
    last: String,
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

impl Tally {
    /// Tells what was found in a file: the first lines of each rule, and how many more there are.
    fn tell(&mut self, path: &str, found: &[Finding]) {
        if found.is_empty() {
            return;
        }
        self.problems += found.len();
        if self.last != path {
            path.clone_into(&mut self.last);
            self.dirty += 1;
        }
        let mut annotations = Vec::new();
        for rule in Rule::ALL {
            let of_rule: Vec<_> = found.iter().filter(|finding| finding.rule == rule).collect();
            for (i, finding) in of_rule.iter().take(LINES_MAX).enumerate() {
                let more = of_rule.len() - LINES_MAX.min(of_rule.len());
                let more = if i + 1 == LINES_MAX && more > 0 {
                    format!("; and {more} more in this file")
                } else {
                    String::new()
                };
                let message = format!("{}{more}", finding.message);
                let place = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
                output::error(format!("{path}{place}: {message} ({})", rule.name()));
                let at = Span { line: finding.line, ..Span::file(path) };
                annotations.push(Annotation::error(message).code(rule.name()).at(at));
            }
        }
        output::annotate(&annotations);
    }

    /// A file was not looked into. That is no failure of the file's, and nobody is to take it for clean.
    fn pass_over(&mut self, path: &str, why: &str) {
        self.unread += 1;
        output::warn(format!("{path}: not looked into: {why}"));
        let said = format!("the file was not looked into: {why}");
        output::annotate(&[Annotation::warning(said).code("unread").at(Span::file(path))]);
    }

    fn outcome(&self) -> Outcome {
        let mended = match self.mended {
            0 => String::new(),
            n => format!("mended {}; ", counted(n, "file")),
        };
        let unread = match self.unread {
            0 => String::new(),
            1 => "; 1 file was not looked into".to_owned(),
            n => format!("; {n} files were not looked into"),
        };
        if self.files == 0 {
            return Outcome::skipped("there is no file to look at");
        }
        if self.problems > 0 {
            let problems = counted(self.problems, "problem");
            return Outcome::failed(format!("{mended}{problems} in {} of {} files{unread}", self.dirty, self.files));
        }
        let clean = self.files - self.unread;
        let are = if clean == 1 { "is" } else { "are" };
        Outcome::passed(format!("{mended}{} {are} clean{unread}", counted(clean, "file")))
    }
}

/// Looks at one file, and mends it where that is asked for.
fn look_at(path: &str, size: u64, params: &Params, fix: bool, tally: &mut Tally) -> Result<(), Problem> {
    let rules = params.rules_of(path);
    if rules.contains(&Rule::LargeFile) && params.max_file_kib > 0 && size > params.max_file_kib * 1024 {
        let message = format!("the file has {}, more than {} KiB", kib(size), params.max_file_kib);
        tally.tell(path, &[Finding { rule: Rule::LargeFile, line: None, message }]);
    }
    let content = match read(path, size) {
        Ok(Some(content)) => content,
        // Binary, or gone since it was found.
        Ok(None) | Err(files::Failure::Missing) => return Ok(()),
        Err(files::Failure::TooLarge(size)) => {
            tally.pass_over(path, &format!("it has {}", kib(size)));
            return Ok(());
        }
        Err(failure) => {
            tally.pass_over(path, &failure.to_string());
            return Ok(());
        }
    };
    let is_markdown = [".md", ".markdown", ".mdx"].iter().any(|end| path.ends_with(end));
    let mended = if fix { text::mended(&content, is_markdown, &rules) } else { None };
    if let Some(mended) = &mended {
        files::write(path, mended).map_err(|failure| {
            let problem = Problem::from(failure);
            Problem { message: format!("{path} cannot be mended: {}", problem.message), ..problem }
        })?;
        output::info(format!("{path}: mended"));
        tally.mended += 1;
    }
    tally.tell(path, &text::findings(mended.as_ref().unwrap_or(&content), is_markdown, &rules));
    Ok(())
}

/// A text file; none where it is binary, of which only the first bytes are read.
fn read(path: &str, size: u64) -> Result<Option<Vec<u8>>, files::Failure> {
    let first = files::read_at(path, 0, 64 * 1024)?;
    if text::is_binary(&first) {
        return Ok(None);
    }
    if size > TEXT_MAX {
        return Err(files::Failure::TooLarge(size));
    }
    if first.len() < 64 * 1024 {
        return Ok(Some(first));
    }
    files::read(path, TEXT_MAX).map(Some)
}

fn kib(bytes: u64) -> String {
    format!("{}.{} KiB", bytes / 1024, (bytes % 1024 * 10).div_ceil(1024).min(9))
}

local_ci_plugin::export!(Hygiene: stage);

#[cfg(test)]
mod tests {
    use local_ci_plugin::Verdict;
    use local_ci_plugin::mock::{self, Host};

    use super::*;

    fn codes(host: &Host) -> Vec<(String, String, Option<u32>)> {
        let one = |a: &Annotation| {
            let at = a.at.clone().unwrap();
            (a.code.clone().unwrap(), at.path, at.line)
        };
        host.annotations().iter().map(one).collect()
    }

    #[test]
    fn the_examples_hold() {
        mock::stage_examples::<Hygiene>();
    }

    #[test]
    fn binary_files_are_looked_at_for_their_size_and_path_alone() {
        let mut host = Host::new().file("a.bin", b"x \n\0".repeat(600)).file("A.bin", "\0");
        let outcome = host.stage::<Hygiene>("hygiene", json!({ "max-file-kib": 2 })).unwrap();
        assert_eq!(outcome, Outcome::failed("2 problems in 1 of 2 files"));
        let path = "a.bin".to_owned();
        assert_eq!(
            codes(&host),
            [("case-conflict".to_owned(), path.clone(), None), ("large-file".to_owned(), path, None)]
        );
    }

    #[test]
    fn many_lines_of_one_kind_are_told_as_a_few_and_a_number() {
        let mut host = Host::new().file("a", "x \n".repeat(25));
        let outcome = host.stage::<Hygiene>("hygiene", json!({})).unwrap();
        assert_eq!(outcome, Outcome::failed("25 problems in 1 of 1 files"));
        assert_eq!(host.annotations().len(), 10);
        assert_eq!(host.log()[9], "a:10: the line ends in white space; and 15 more in this file (trailing-whitespace)");
    }

    #[test]
    fn what_cannot_be_mended_still_fails_with_fix() {
        let mut host = Host::new().file("a", "x \n<<<<<<< HEAD\n").file("b", "clean\n");
        let outcome = host.fix::<Hygiene>("hygiene", json!({})).unwrap();
        assert_eq!(outcome, Outcome::failed("mended 1 file; 1 problem in 1 of 2 files"));
        assert_eq!(host.content("a").unwrap(), b"x\n<<<<<<< HEAD\n");
    }

    #[test]
    fn nothing_is_written_without_fix_and_a_refusal_says_which_file() {
        let mut host = Host::new().file("a", "x \n").refusing("files-write");
        assert_eq!(host.stage::<Hygiene>("hygiene", json!({})).unwrap().verdict, Verdict::Failed);
        assert_eq!(host.content("a").unwrap(), b"x \n");
        let problem = host.fix::<Hygiene>("hygiene", json!({})).unwrap_err();
        assert_eq!(problem.code, "denied");
        assert!(problem.message.starts_with("a cannot be mended: not granted"), "{problem}");
    }

    #[test]
    fn only_the_files_and_the_directory_that_are_asked_for_are_looked_at() {
        let mut host =
            Host::new().file("a.rs", "x \n").file("web/b.rs", "x \n").file("web/c.txt", "x \n").file("webs/d.rs", "x ");
        host = host.extra("dir", "web");
        let outcome = host.stage::<Hygiene>("hygiene", json!({ "files": ["**/*.rs"] })).unwrap();
        assert_eq!(outcome, Outcome::failed("1 problem in 1 of 1 files"));
        assert_eq!(codes(&host)[0].1, "web/b.rs");
        let outcome = host.stage::<Hygiene>("hygiene", json!({ "files": ["**/*.py"] })).unwrap();
        assert_eq!(outcome, Outcome::skipped("there is no file to look at"));
    }

    #[test]
    fn rules_can_be_chosen_and_a_name_that_is_none_is_a_problem() {
        let mut host = Host::new().file("a", "x \ny");
        let outcome = host.stage::<Hygiene>("hygiene", json!({ "rules": ["missing-final-newline"] })).unwrap();
        assert_eq!(outcome, Outcome::failed("1 problem in 1 of 1 files"));
        assert_eq!(host.stage::<Hygiene>("hygiene", json!({ "rules": ["tabs"] })).unwrap_err().code, "params");
        assert_eq!(host.stage::<Hygiene>("hygiene", json!({ "max-file": 1 })).unwrap_err().code, "params");
    }

    #[test]
    fn a_text_that_is_too_large_is_told_and_counted_and_bytes_are_well() {
        let mut host = Host::new().file("a", "x\n".repeat(9 << 20)).file("b", vec![0; 17 << 20]).file("c", "y\n");
        let outcome = host.stage::<Hygiene>("hygiene", json!({ "max-file-kib": 0 })).unwrap();
        assert_eq!(outcome, Outcome::passed("2 files are clean; 1 file was not looked into"));
        assert_eq!(codes(&host), [("unread".to_owned(), "a".to_owned(), None)]);
        assert_eq!(host.annotations()[0].severity, local_ci_plugin::Severity::Warning);
        assert_eq!(host.log(), ["a: not looked into: it has 18432.0 KiB"]);
    }

    #[test]
    fn a_large_text_is_read_whole() {
        let mut host = Host::new().file("a", [b"line\n".repeat(400_000), b"end ".to_vec()].concat());
        host.stage::<Hygiene>("hygiene", json!({ "max-file-kib": 0 })).unwrap();
        assert_eq!(
            codes(&host),
            [
                ("trailing-whitespace".to_owned(), "a".to_owned(), Some(400_001)),
                ("missing-final-newline".to_owned(), "a".to_owned(), Some(400_001)),
            ]
        );
    }
}
