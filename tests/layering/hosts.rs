//! No real machine, user or address stands anywhere in the project: examples use words reserved for documentation.

use std::sync::LazyLock;

use regex::Regex;

use crate::tree::Source;

/// Sites that texts may point their readers to. Nothing of ours connects to them.
const REFERENCES: &[&str] =
    &["github.com", "keepachangelog.com", "semver.org", "no-color.org", "www.apache.org", "docs.rs", "json-schema.org"];

static ADDRESS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b\d{1,3}(?:\.\d{1,3}){3}\b").unwrap());
static LOGIN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*@([A-Za-z0-9][A-Za-z0-9.-]*)").unwrap());
static URL: LazyLock<Regex> = LazyLock::new(|| {
    let site = r"[a-z][a-z0-9+.-]*://(?:[^/@\s]*@)?([A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*)";
    Regex::new(site).unwrap()
});

/// Loopback, "this host", and the blocks that RFC 5737 sets aside for documentation.
fn is_harmless_address(address: &str) -> bool {
    let harmless = ["127.", "192.0.2.", "198.51.100.", "203.0.113."];
    address == "0.0.0.0" || harmless.iter().any(|block| address.starts_with(block))
}

/// Loopback and the names that RFC 2606 sets aside.
fn is_harmless_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let reserved = ["localhost", "invalid", "example", "test", "example.com", "example.org", "example.net"];
    reserved.iter().any(|r| name == *r || name.ends_with(&format!(".{r}"))) || is_harmless_address(name)
}

/// What follows the `@` of `tool@v4`, `package@1.2` and the like.
fn is_version(name: &str) -> bool {
    let number = name.strip_prefix('v').unwrap_or(name);
    name == "latest" || number.split('.').next().is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Real hosts and addresses, as sentences.
pub(crate) fn faults(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|s| s.path != "Cargo.lock") {
        for (number, line) in source.text.lines().enumerate() {
            let mut fault = |what: &str, found: &str| {
                let place = format!("{}:{}", source.path, number + 1);
                faults.push(format!("{place}: {found:?} looks like a real {what}; use example.invalid or 127.0.0.1"));
            };
            for found in ADDRESS.find_iter(line).filter(|m| !is_harmless_address(m.as_str())) {
                fault("address", found.as_str());
            }
            for found in LOGIN.captures_iter(line) {
                if !is_harmless_name(&found[1]) && !is_version(&found[1]) {
                    fault("user at a host", &found[0]);
                }
            }
            for found in URL.captures_iter(line) {
                if !is_harmless_name(&found[1]) && !REFERENCES.contains(&&found[1]) {
                    fault("site", &found[0]);
                }
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(line: &str) -> usize {
        faults(&[Source { path: "docs/a.md".into(), text: line.into() }]).len()
    }

    // The faulty lines are put together here, so that this file itself stays free of them.
    #[test]
    fn real_hosts_are_found() {
        let (dot, at, scheme) = (".", "@", "://");
        for line in [
            format!("host = \"10{dot}1{dot}2{dot}3\""),
            format!("ssh root{at}192{dot}168{dot}0{dot}1"),
            format!("ssh ci{at}build-box"),
            format!("user.name{at}machine{dot}tailnet{dot}net"),
            format!("get https{scheme}registry{dot}somewhere{dot}org/x"),
            format!("ssh{scheme}someone{at}somewhere{dot}org/x"),
        ] {
            assert_ne!(judge(&line), 0, "{line}");
        }
    }

    #[test]
    fn words_for_documentation_are_not() {
        for line in [
            "ssh ci@build.example.invalid -p 22",
            "127.0.0.1:80 0.0.0.0 127.0.1.1 192.0.2.7",
            "me@localhost x@127.0.0.1 me@example.com",
            "uses: actions/checkout@v4, turbo@2.1 just@latest",
            "exec sh -c 'echo \"$@\"' @\"snapshot\" @r\"x\"",
            "version 1.2.3 of https://github.com/a/b, https://example.invalid/x",
        ] {
            assert_eq!(judge(line), 0, "{line}");
        }
    }
}
