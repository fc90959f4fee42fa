//! What a secret looks like. A line is read a few times from its beginning to its end, and never back.

/// A line's part beyond this is not looked at, in bytes: it is a minified program's, or data.
const LINE_MAX: usize = 64 * 1024;
/// A text of base64 needs so many characters to be judged by its entropy alone.
const ENTROPY_LEN: usize = 24;
/// And so many bits a character. English in camelCase is below 4, random base64 of that length above 4.3.
const ENTROPY_MIN: f64 = 4.2;

/// Something in a line that looks like a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit<'a> {
    pub(crate) rule: &'static str,
    /// What kind of secret it is, in words.
    pub(crate) what: &'static str,
    /// The secret itself. It is never printed.
    pub(crate) secret: &'a str,
    /// Where it begins in the line, in bytes.
    pub(crate) at: usize,
}

/// The names of the rules, as an allow-list and a reader know them.
pub(crate) const RULES: [&str; 8] =
    ["aws-key", "entropy", "github-token", "gitlab-token", "jwt", "password", "private-key", "slack-token"];

/// Everything in a line that looks like a secret, from left to right; of two that overlap, the more certain.
pub(crate) fn hits(line: &str, with_entropy: bool) -> Vec<Hit<'_>> {
    let line = crate::cut(line, LINE_MAX);
    let mut all: Vec<Hit<'_>> = Vec::new();
    let mut add = |found: Vec<Hit<'_>>| {
        let all_before = all.len();
        for hit in found {
            let (from, to) = (hit.at, hit.at + hit.secret.len());
            let overlaps = |other: &Hit<'_>| from < other.at + other.secret.len() && other.at < to;
            if !all[..all_before].iter().any(overlaps) {
                // The lifetimes are the line's.
                all.push(Hit { secret: &line[from..to], ..hit });
            }
        }
    };
    add(private_key(line).into_iter().collect());
    add(runs(line, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).filter_map(token).collect());
    add(runs(line, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).filter_map(jwt).collect());
    add(quoted(line)
        .into_iter()
        .filter(|(at, text)| is_assigned(&line[..*at]) && !is_placeholder(text))
        .map(|(at, secret)| Hit { rule: "password", what: "a password or another secret in a quoted text", secret, at })
        .collect());
    if with_entropy {
        let found = quoted(line).into_iter().filter(|(_, text)| is_random(text));
        add(found.map(|(at, secret)| Hit { rule: "entropy", what: "a text as random as a key", secret, at }).collect());
    }
    all.sort_by_key(|hit| hit.at);
    all
}

/// The runs of characters of this kind, with their places.
fn runs<'a>(line: &'a str, is_part: impl Fn(char) -> bool + 'a) -> impl Iterator<Item = (usize, &'a str)> {
    let start = line.as_ptr() as usize;
    line.split(move |c| !is_part(c)).filter(|run| !run.is_empty()).map(move |run| (run.as_ptr() as usize - start, run))
}

fn private_key(line: &str) -> Option<Hit<'_>> {
    let at = line.find("-----BEGIN ")?;
    let rest = &line[at + 11..];
    let end = rest.find("-----")?;
    let title = &rest[..end];
    (title.ends_with("PRIVATE KEY") || title.ends_with("PRIVATE KEY BLOCK")).then(|| Hit {
        rule: "private-key",
        what: "a private key",
        secret: &line[at..at + 11 + end + 5],
        at,
    })
}

/// A key that begins as its maker has it begin.
fn token((at, run): (usize, &str)) -> Option<Hit<'_>> {
    let hit = |rule, what| Some(Hit { rule, what, secret: run, at });
    let after = |prefix: &str| run.strip_prefix(prefix);
    let is_alphanumeric = |text: &str| text.bytes().all(|c| c.is_ascii_alphanumeric());
    let aws = ["AKIA", "ASIA"].iter().find_map(|prefix| after(prefix));
    if aws.is_some_and(|id| id.len() == 16 && id.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())) {
        return hit("aws-key", "an access key of AWS");
    }
    let github = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"].iter().find_map(|prefix| after(prefix));
    if github.is_some_and(|rest| rest.len() >= 36 && is_alphanumeric(rest))
        || after("github_pat_").is_some_and(|rest| rest.len() >= 22 && is_mixed(rest))
    {
        return hit("github-token", "a token of GitHub");
    }
    if after("glpat-").is_some_and(|rest| rest.len() >= 20 && is_mixed(rest)) {
        return hit("gitlab-token", "a token of GitLab");
    }
    let slack = ["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-"].iter().find_map(|prefix| after(prefix));
    if slack.is_some_and(|rest| rest.len() >= 20 && rest.contains(|c: char| c.is_ascii_digit())) {
        return hit("slack-token", "a token of Slack");
    }
    None
}

/// Whether a text has letters and digits.
fn is_mixed(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit()) && text.contains(|c: char| c.is_ascii_alphabetic())
}

/// A JSON Web Token: three parts, of which two begin as an object does in base64.
fn jwt((at, run): (usize, &str)) -> Option<Hit<'_>> {
    let parts: Vec<&str> = run.splitn(4, '.').collect();
    let [head, body, signature] = parts[..] else { return None };
    let is_object = |part: &str| part.starts_with("eyJ") && part.len() >= 12;
    (is_object(head) && is_object(body) && signature.len() >= 16).then_some(Hit {
        rule: "jwt",
        what: "a JSON Web Token",
        secret: run,
        at,
    })
}

/// The quoted texts of a line, with their places, without their quotes.
fn quoted(line: &str) -> Vec<(usize, &str)> {
    let (mut found, mut open) = (Vec::new(), None::<(usize, char)>);
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match open {
            None if matches!(c, '"' | '\'' | '`') => open = Some((at + 1, c)),
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some((from, mark)) if c == mark => {
                found.push((from, &line[from..at]));
                open = None;
            }
            _ => {}
        }
    }
    found
}

/// Whether what stands before a quoted text gives it to something that is called a secret.
fn is_assigned(before: &str) -> bool {
    let before = before.trim_end_matches(['"', '\'', '`']).trim_end();
    let Some(name) = before.strip_suffix("=>").or_else(|| before.strip_suffix(['=', ':'])) else { return false };
    // `let password: &str = "…"` gives it to the name before the type.
    let name = name.trim_end_matches([':', '=']).trim_end().trim_end_matches(['"', '\'', '`', ']']);
    let name =
        name.rsplit_once(": ").filter(|_| name.contains("let ") || name.contains("const ")).map_or(name, |n| n.0);
    let from = name.rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).map_or(0, |at| at + 1);
    // A mark of more than one byte ends before `from` only at its own end.
    let Some(name) = name.get(from..) else { return false };
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    ["password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "secretkey", "privatekey"]
        .iter()
        .any(|word| plain.ends_with(word))
}

/// Whether a text stands where a secret would, and is none.
fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let words = ["example", "changeme", "change-me", "placeholder", "redacted", "dummy", "your", "xxxx", "...", "****"];
    text.len() < 8
        || text.contains(char::is_whitespace)
        || text.contains(['<', '{', '$', '%', '(', '…'])
        || words.iter().any(|word| lower.contains(word))
        // A word says what it is, and a name in capitals is a variable's.
        || !text.contains(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation() && !matches!(c, '_' | '-' | '.' | '/'))
}

/// Whether a text is a long one of base64 in which each character says much.
fn is_random(text: &str) -> bool {
    let is_base64 = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'=' | b'_' | b'-');
    let has = |of: fn(&u8) -> bool| text.bytes().any(|c| of(&c));
    text.len() >= ENTROPY_LEN
        && text.len() <= 512
        && text.bytes().all(is_base64)
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        // Checksums of packages, and the alphabet itself.
        && !text.starts_with("sha") && !text.contains("abcdef") && !text.contains("ABCDEF")
        && entropy(text.as_bytes()) >= ENTROPY_MIN
}

/// Shannon's, in bits for each byte.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &c in text {
        counts[usize::from(c)] += 1;
    }
    let length = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let share = |&count: &u32| f64::from(count) / length;
    counts.iter().filter(|count| **count > 0).map(share).map(|p| -p * p.log2()).sum()
}
