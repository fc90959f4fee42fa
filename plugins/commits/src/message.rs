//! What a commit's message should be, after Conventional Commits (`type(scope)!: description`), and what one is instead.
//! Nothing here knows of git's history.

/// A commit and its message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its whole name.
    pub(crate) id: String,
    /// Its message's lines.
    pub(crate) lines: Vec<String>,
}

impl Commit {
    /// The first line.
    pub(crate) fn subject(&self) -> &str {
        self.lines.first().map_or("", String::as_str)
    }

    /// As people write it.
    pub(crate) fn short(&self) -> &str {
        self.id.get(..9).unwrap_or(&self.id)
    }
}

/// Reads what `git log` printed: a line with the commit's name, and below it the message, indented by a space.
pub(crate) fn commits<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Commit> {
    let mut commits: Vec<Commit> = Vec::new();
    for line in lines {
        match (line.strip_prefix(' '), commits.last_mut()) {
            (Some(text), Some(commit)) => commit.lines.push(text.trim_end().to_owned()),
            (None, Some(commit)) if line.is_empty() => commit.lines.push(String::new()),
            _ if line.is_empty() => {}
            _ => commits.push(Commit { id: line.to_owned(), lines: Vec::new() }),
        }
    }
    for commit in &mut commits {
        while commit.lines.last().is_some_and(String::is_empty) {
            commit.lines.pop();
        }
    }
    commits
}

/// What is asked of messages.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) types: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) require_scope: bool,
    pub(crate) max_subject: usize,
}

/// Something that is wrong with a message: a rule's name, and a sentence.
pub(crate) type Flaw = (&'static str, String);

/// What is wrong with a message.
pub(crate) fn flaws(commit: &Commit, rules: &Rules) -> Vec<Flaw> {
    let subject = commit.subject();
    let mut flaws = Vec::new();
    // What git writes itself for `git revert`.
    let is_revert = subject.starts_with("Revert \"") && subject.ends_with('"');
    let unfinished = ["fixup!", "squash!", "amend!"].into_iter().find(|word| subject.starts_with(word));
    if let Some(word) = unfinished {
        flaws.push(("commit-fixup", format!("`{word}` is to be folded into another commit: git rebase --autosquash")));
    } else if !is_revert {
        flaws.extend(head_flaws(subject, rules));
    }
    let length = subject.chars().count();
    if rules.max_subject > 0 && length > rules.max_subject {
        let message = format!("the first line has {length} characters, more than {}", rules.max_subject);
        flaws.push(("commit-length", message));
    }
    if commit.lines.get(1).is_some_and(|line| !line.is_empty()) {
        flaws.push(("commit-body", "there is no empty line below the first".to_owned()));
    }
    flaws
}

/// `type(scope)!: description`, in its parts.
struct Head<'a> {
    kind: &'a str,
    scope: Option<&'a str>,
    description: &'a str,
}

fn head(subject: &str) -> Option<Head<'_>> {
    let (before, description) = subject.split_once(':')?;
    let before = before.strip_suffix('!').unwrap_or(before);
    let (kind, scope) = match before.split_once('(') {
        Some((kind, rest)) => (kind, Some(rest.strip_suffix(')')?)),
        None => (before, None),
    };
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
    let is_scope = |text: &str| !text.is_empty() && !text.contains(['(', ')']) && text.trim() == text;
    let is_right = is_word(kind) && scope.is_none_or(is_scope);
    is_right.then_some(Head { kind, scope, description })
}

fn head_flaws(subject: &str, rules: &Rules) -> Vec<Flaw> {
    if subject.is_empty() {
        return vec![("commit-format", "the message is empty".to_owned())];
    }
    let Some(head) = head(subject) else {
        let example = rules.types.first().map_or("fix", String::as_str);
        let form = "`type: description` or `type(scope): description`";
        return vec![("commit-format", format!("the first line is not {form}, such as `{example}: …`"))];
    };
    let mut flaws = Vec::new();
    let description = head.description.strip_prefix(' ').unwrap_or_default();
    if description.trim().is_empty() || description.starts_with(' ') {
        flaws.push(("commit-format", "after the colon come one space and a description".to_owned()));
    }
    if !rules.types.iter().any(|kind| kind == head.kind) {
        flaws.push(("commit-type", format!("`{}` is none of the types {}", head.kind, rules.types.join(", "))));
    }
    match head.scope {
        None if rules.require_scope => flaws.push(("commit-scope", "there is no scope".to_owned())),
        Some(scope) if !rules.scopes.is_empty() => {
            for part in scope.split([',', '/']).map(str::trim).filter(|part| !rules.scopes.iter().any(|s| s == part)) {
                flaws.push(("commit-scope", format!("`{part}` is none of the scopes {}", rules.scopes.join(", "))));
            }
        }
        _ => {}
    }
    flaws
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Rules { types: words(&["feat", "fix"]), scopes: Vec::new(), require_scope: false, max_subject: 30 }
    }

    fn codes(message: &str, rules: &Rules) -> Vec<&'static str> {
        let commit = Commit { id: "0123".to_owned(), lines: message.lines().map(str::to_owned).collect() };
        flaws(&commit, rules).into_iter().map(|(code, _)| code).collect()
    }

    #[test]
    fn messages_as_they_should_be() {
        let right =
            ["feat: a", "fix(core)!: a", "feat!: a", "fix(a b): c: d", "Revert \"feat: a\"", "fix: a\n\nbody\nmore"];
        for message in right {
            assert_eq!(codes(message, &rules()), [] as [&str; 0], "{message}");
        }
    }

    #[test]
    fn each_way_to_be_wrong_has_a_name() {
        let table: [(&str, &[&str]); 15] = [
            ("", &["commit-format"]),
            ("Add a thing", &["commit-format"]),
            ("feat:a", &["commit-format"]),
            ("feat:  a", &["commit-format"]),
            ("feat: ", &["commit-format"]),
            ("feat a: b", &["commit-format"]),
            ("feat(): a", &["commit-format"]),
            ("feat(a: b", &["commit-format"]),
            ("!: a", &["commit-format"]),
            ("Feat: a", &["commit-type"]),
            ("docs: a", &["commit-type"]),
            ("feat: a\nb", &["commit-body"]),
            ("feat: 0123456789012345678901234567", &["commit-length"]),
            ("fixup! feat: a", &["commit-fixup"]),
            ("docs:\nx", &["commit-format", "commit-type", "commit-body"]),
        ];
        for (message, expected) in table {
            assert_eq!(codes(message, &rules()), expected, "{message}");
        }
    }

    #[test]
    fn scopes_are_asked_for_and_limited() {
        let limited = Rules { scopes: vec!["core".to_owned(), "cli".to_owned()], require_scope: true, ..rules() };
        assert_eq!(codes("fix: a", &limited), ["commit-scope"]);
        assert_eq!(codes("fix(core,cli): a", &limited), [] as [&str; 0]);
        assert_eq!(codes("fix(core/web): a", &limited), ["commit-scope"]);
    }

    #[test]
    fn a_length_is_counted_in_characters_and_may_have_no_limit() {
        assert_eq!(codes(&format!("fix: {}", "é".repeat(25)), &rules()), [] as [&str; 0]);
        assert_eq!(codes(&format!("fix: {}", "x".repeat(500)), &Rules { max_subject: 0, ..rules() }), [] as [&str; 0]);
    }

    #[test]
    fn a_log_is_read_by_its_indentation() {
        let log = ["aaaa", " feat: a", " ", " commit", "   x", "", "bbbb", "", "cccc", " fix: c"];
        let found = commits(log.into_iter());
        assert_eq!(found.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["aaaa", "bbbb", "cccc"]);
        assert_eq!(found[0].lines, ["feat: a", "", "commit", "  x"]);
        assert_eq!(found[1].subject(), "");
    }
}
