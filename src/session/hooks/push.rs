//! What git says to `pre-push`: a line for each reference that is to be pushed, on stdin (githooks(5)).

use std::fmt;

/// A reference that is to be pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// What is pushed, as it was named here: `refs/heads/main`, `HEAD~`, or `(delete)`.
    pub local_ref: String,
    /// The object that is pushed; all zeros where the reference is deleted.
    pub local: String,
    /// What it is called there.
    pub remote_ref: String,
    /// What is there now, as far as that is known; all zeros where nothing is.
    pub remote: String,
}

impl Update {
    /// Whether nothing is pushed but the end of the reference.
    pub fn is_deletion(&self) -> bool {
        is_zero(&self.local)
    }

    /// What was there before, if something was.
    pub fn known_before(&self) -> Option<&str> {
        Some(self.remote.as_str()).filter(|id| !is_zero(id))
    }

    /// The branch here that is pushed; else that which is pushed to.
    pub fn branch(&self) -> Option<&str> {
        [&self.local_ref, &self.remote_ref].into_iter().find_map(|name| name.strip_prefix("refs/heads/"))
    }
}

/// `main`, or `main -> topic` where it is called otherwise there.
impl fmt::Display for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |name: &str| {
            let front = ["refs/heads/", "refs/tags/", "refs/"].into_iter().find_map(|front| name.strip_prefix(front));
            front.unwrap_or(name).to_owned()
        };
        let (local, remote) = (short(&self.local_ref), short(&self.remote_ref));
        if local == remote { f.write_str(&local) } else { write!(f, "{local} -> {remote}") }
    }
}

fn is_zero(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

/// Reads the lines. The error is the first one that is none.
pub fn parse(text: &str) -> Result<Vec<Update>, String> {
    let is_id = |id: &str| matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let update = |line: &str| {
        // The first is what was typed, which may have blanks in it: `git push origin "HEAD@{1 day ago}:x"`.
        let mut words = line.rsplitn(4, ' ');
        let (remote, remote_ref, local, local_ref) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let owned = |word: &str| word.to_owned();
        (is_id(local) && is_id(remote)).then(|| Update {
            local_ref: owned(local_ref),
            local: owned(local),
            remote_ref: owned(remote_ref),
            remote: owned(remote),
        })
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| update(line).ok_or_else(|| line.to_owned())).collect()
}

/// A remote's address without who logs in there: with some services that is a secret.
pub fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    if !["http", "https"].contains(&scheme) {
        return url.to_owned();
    }
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn lines_are_read_as_git_writes_them() {
        let text = format!(
            "refs/heads/main {A} refs/heads/main {ZERO}\n(delete) {ZERO} refs/heads/old {A}\n\nHEAD@{{1 day ago}} {A} refs/heads/x {A}\n"
        );
        let updates = parse(&text).unwrap();
        let shown: Vec<String> = updates.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["main", "(delete) -> old", "HEAD@{1 day ago} -> x"]);
        assert_eq!(updates.iter().map(Update::is_deletion).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(updates.iter().map(Update::known_before).collect::<Vec<_>>(), [None, Some(A), Some(A)]);
        assert_eq!(updates.iter().map(Update::branch).collect::<Vec<_>>(), [Some("main"), Some("old"), Some("x")]);
        assert_eq!(parse("").unwrap(), []);
        for wrong in ["x", "a b c d", &format!("refs/heads/x {A} refs/heads/x")] {
            assert_eq!(parse(wrong), Err(wrong.to_owned()));
        }
    }

    #[test]
    fn an_address_is_told_without_who_logs_in() {
        for (url, told) in [
            ("https://me:token@example.invalid/a.git", "https://example.invalid/a.git"),
            ("https://token@example.invalid", "https://example.invalid"),
            ("https://example.invalid/a@b", "https://example.invalid/a@b"),
            ("ssh://git@example.invalid/a.git", "ssh://git@example.invalid/a.git"),
            ("git@example.invalid:a.git", "git@example.invalid:a.git"),
            ("/srv/a.git", "/srv/a.git"),
        ] {
            assert_eq!(without_login(url), told);
        }
    }
}
