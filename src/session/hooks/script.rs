//! The text of a hook: a small script that runs what was there before it, and then us.
//!
//! It is POSIX sh, since that is what runs hooks wherever git does. What the hook reads is read once and given to both:
//! git-lfs reads the references that are pushed, and so do we.

use std::fmt::Write as _;
use std::path::Path;

use crate::plan::quote;

/// The line that says whose a hook is. It never changes: it is how later versions know what they may replace.
const MARK: &str = "# local-ci hook: made by `local-ci hook install`, taken away by `local-ci hook uninstall`.";
/// What is put behind the name of what was there before.
pub(super) const BEFORE: &str = ".before-local-ci";

/// What goes into a hook.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// The hook's name.
    pub(super) name: &'a str,
    /// The project's directory in the work tree; empty where they are the same.
    pub(super) project: &'a Path,
    /// The program that is used where none is on the PATH; none in a file that others have too.
    pub(super) program: Option<&'a Path>,
}

/// What a hook of git reads that git writes to it.
fn reads(hook: &str) -> bool {
    matches!(hook, "pre-push" | "post-rewrite")
}

/// What is typed to go on without the hook; none for those that stop nothing.
fn way_around(hook: &str) -> Option<&'static str> {
    match hook {
        "pre-push" => Some("git push --no-verify"),
        "pre-commit" | "commit-msg" | "prepare-commit-msg" => Some("git commit --no-verify"),
        "pre-merge-commit" => Some("git merge --no-verify"),
        "pre-rebase" => Some("git rebase --no-verify"),
        _ => None,
    }
}

/// What a person types for a hook by hand.
pub(super) fn command(name: &str, project: &Path) -> String {
    let directory = match project.to_string_lossy() {
        place if place.is_empty() => String::new(),
        place => format!("-C {} ", quote(&place)),
    };
    format!("local-ci {directory}hook run {name} \"$@\"")
}

/// The whole script.
pub(super) fn text(wanted: &Wanted<'_>) -> String {
    let Wanted { name, project, program } = *wanted;
    let (save, feed, before) = if reads(name) {
        // Command substitution drops the last line's end, and printf puts it back.
        let save = "input=$(cat)\nfeed() { [ -z \"$input\" ] || printf '%s\\n' \"$input\"; }\n\n";
        (save, "feed | ", "    feed | \"$before\" \"$@\" || exit\n")
    } else {
        ("", "exec ", "    \"$before\" \"$@\" || exit\n")
    };
    let mut text = format!(
        "#!/bin/sh\n{MARK}\n# What was here before is kept beside it as {name}{BEFORE}, and runs first.\n\n\
         before=${{0%/*}}/{name}{BEFORE}\n{save}if [ -x \"$before\" ]; then\n{before}fi\n\n\
         if command -v local-ci >/dev/null 2>&1; then\n    program=local-ci\n"
    );
    if let Some(program) = program.and_then(Path::to_str) {
        let program = quote(program);
        let _ = write!(text, "elif [ -x {program} ]; then\n    program={program}\n");
    }
    let missing = format!("{name}: local-ci is not installed, or not on the PATH: nothing was tested");
    let (rest, code) = match way_around(name) {
        Some(way) => (format!("; `{way}` goes on without it"), 1),
        // What it could stop has happened, or cannot be done without it.
        None => (String::new(), u8::from(!name.starts_with("post-"))),
    };
    let missing = quote(&format!("{missing}{rest}"));
    let command = command(name, project).replacen("local-ci", "\"$program\"", 1);
    let _ = write!(text, "else\n    echo {missing} >&2\n    exit {code}\nfi\n{feed}{command}\n");
    text
}

/// Whether a file is a hook of ours, of this version or another.
pub(super) fn is_ours(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    lines.next().is_some_and(|line| line.starts_with(b"#!")) && lines.next() == Some(MARK.as_bytes())
}

/// The directory of the project that a hook of ours is for.
pub(super) fn project_of(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().last()?;
    let (front, _) = line.split_once(" hook run ")?;
    Some(front.split_once(" -C ").map_or_else(String::new, |(_, directory)| directory.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(name: &str, project: &str, program: Option<&str>) -> String {
        text(&Wanted { name, project: Path::new(project), program: program.map(Path::new) })
    }

    #[test]
    fn a_hook_that_reads_gives_what_it_read_to_both() {
        insta::assert_snapshot!(script("pre-push", "", Some("/opt/it's/local-ci")), @r#"
        #!/bin/sh
        # local-ci hook: made by `local-ci hook install`, taken away by `local-ci hook uninstall`.
        # What was here before is kept beside it as pre-push.before-local-ci, and runs first.

        before=${0%/*}/pre-push.before-local-ci
        input=$(cat)
        feed() { [ -z "$input" ] || printf '%s\n' "$input"; }

        if [ -x "$before" ]; then
            feed | "$before" "$@" || exit
        fi

        if command -v local-ci >/dev/null 2>&1; then
            program=local-ci
        elif [ -x '/opt/it'\''s/local-ci' ]; then
            program='/opt/it'\''s/local-ci'
        else
            echo 'pre-push: local-ci is not installed, or not on the PATH: nothing was tested; `git push --no-verify` goes on without it' >&2
            exit 1
        fi
        feed | "$program" hook run pre-push "$@"
        "#);
    }

    #[test]
    fn other_hooks_are_replaced_by_what_they_run() {
        let text = script("pre-commit", "a b", None);
        assert!(text.ends_with("fi\nexec \"$program\" -C 'a b' hook run pre-commit \"$@\"\n"), "{text}");
        assert!(!text.contains("input") && !text.contains("elif"), "{text}");
        assert!(script("post-commit", "", None).contains("exit 0"), "it can stop nothing any more");
        assert!(script("pre-auto-gc", "", None).contains("exit 1"));
    }

    #[test]
    fn ours_is_known_by_its_second_line() {
        for (text, ours, project) in [
            (script("pre-push", "", None), true, Some("")),
            (script("pre-commit", "sub/a", None), true, Some("sub/a")),
            (script("pre-push", "", None).replacen("/bin/sh", "/usr/bin/env sh", 1), true, Some("")),
            ("#!/bin/sh\nlocal-ci hook run pre-push\n".to_owned(), false, Some("")),
            (String::new(), false, None),
        ] {
            assert_eq!(is_ours(text.as_bytes()), ours, "{text}");
            assert_eq!(project_of(text.as_bytes()).as_deref(), project, "{text}");
        }
    }
}
