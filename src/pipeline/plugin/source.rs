//! The text of a plugin's source: `path:FILE.wasm`, `path:DIR`, `https://…`.

use std::fmt;
use std::path::{Component, Path};
use std::str::FromStr;

use super::Source;

/// What there is, as the end of a sentence.
const KINDS: &str = "there are `path:FILE.wasm`, `path:DIR` and `https://…/FILE.wasm`";

/// The most that a source is long, in bytes.
const MAX: usize = 4096;

impl FromStr for Source {
    type Err = String;

    /// Reads a source. The error is a sentence about the text, without naming it.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > MAX || text.chars().any(char::is_control) {
            return Err(format!("it is longer than {MAX} bytes, or has control characters in it"));
        }
        let Some((kind, rest)) = text.split_once(':') else {
            return Err(match text {
                "" => format!("it is empty; {KINDS}"),
                path => format!("it does not say of what kind it is; is `path:{path}` meant? {KINDS}"),
            });
        };
        match kind {
            "path" => path(rest),
            "https" => web(text, rest).map(Self::Web),
            "http" if is_loopback(rest) => web(text, rest).map(Self::Web),
            "http" => Err("nothing is fetched over http, but from this machine itself; take https".to_owned()),
            "oci" => Err(format!("plugins cannot be had from OCI registries yet; {KINDS}")),
            _ => Err(format!("there is no kind of source {kind:?}; {KINDS}")),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Project(path) => write!(f, "path:{}", path.display()),
            Self::Web(url) => f.write_str(url),
        }
    }
}

impl Source {
    /// What a plugin from there may be called, where nobody says: the last word of the path that is a name. None where
    /// there is none.
    pub fn suggested_name(&self) -> Option<String> {
        let text = match self {
            Self::File(path) | Self::Project(path) => path.to_string_lossy().into_owned(),
            Self::Web(url) => url.split(['?', '#']).next().unwrap_or_default().to_owned(),
        };
        let stem = text.trim_end_matches('/').rsplit('/').next()?;
        let name = stem.strip_suffix(".wasm").unwrap_or(stem).replace('_', "-");
        let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
        is_name.then_some(name)
    }
}

fn path(rest: &str) -> Result<Source, String> {
    let path = Path::new(rest);
    if rest.is_empty() {
        return Err("it names no file; a plugin of one's own is `path:DIR`".to_owned());
    }
    if path.is_absolute() || rest.starts_with('~') {
        return Err(
            "its path is relative to the project's directory, so that it means the same in every clone: write \
                    `path:tools/NAME.wasm` for a copy in the project, or `path:../DIR` for what is beside it"
                .to_owned(),
        );
    }
    // `./a/` and `a` are one source, and one text of it.
    let parts: std::path::PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    let parts = if parts.as_os_str().is_empty() { ".".into() } else { parts };
    let is_file = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wasm"));
    Ok(if is_file { Source::File(parts) } else { Source::Project(parts) })
}

/// The URL, where `rest`, what follows its scheme, has a host in it and nothing that would be a secret in a config.
fn web(text: &str, rest: &str) -> Result<String, String> {
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if authority.is_empty() || text.contains(char::is_whitespace) {
        return Err("it is no URL; such as `https://example.invalid/hygiene.wasm`".to_owned());
    }
    if authority.contains('@') {
        return Err("it has a user or a password in it, which would stand in the config for all to read".to_owned());
    }
    Ok(text.to_owned())
}

/// Whether what follows `http:` is this machine.
fn is_loopback(rest: &str) -> bool {
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let host = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    matches!(host.map_or(authority, |(host, _)| host), "127.0.0.1" | "[::1]" | "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read_and_written_the_same() {
        for (text, source, shown) in [
            ("path:plugins/hygiene", Source::Project("plugins/hygiene".into()), "path:plugins/hygiene"),
            ("path:./plugins/hygiene/", Source::Project("plugins/hygiene".into()), "path:plugins/hygiene"),
            ("path:.", Source::Project(".".into()), "path:."),
            ("path:../shared/a", Source::Project("../shared/a".into()), "path:../shared/a"),
            ("path:a/b.wasm", Source::File("a/b.wasm".into()), "path:a/b.wasm"),
            (
                "https://plugins.example.invalid/a.wasm",
                Source::Web("https://plugins.example.invalid/a.wasm".into()),
                "https://plugins.example.invalid/a.wasm",
            ),
            (
                "http://127.0.0.1:8080/a.wasm",
                Source::Web("http://127.0.0.1:8080/a.wasm".into()),
                "http://127.0.0.1:8080/a.wasm",
            ),
        ] {
            assert_eq!(text.parse(), Ok(source.clone()), "{text}");
            assert_eq!(source.to_string(), shown);
            assert_eq!(shown.parse(), Ok(source));
        }
    }

    #[test]
    fn what_cannot_be_one_is_refused_with_what_there_is() {
        for (text, why) in [
            ("", "it is empty; there are `path:FILE.wasm`, `path:DIR` and `https://…/FILE.wasm`"),
            ("plugins/hygiene", "is `path:plugins/hygiene` meant?"),
            ("oci:example.invalid/a:1", "cannot be had from OCI registries yet; there are"),
            ("git:x", "there is no kind of source \"git\"; there are"),
            ("path:", "names no file"),
            ("path:/abs/a.wasm", "relative to the project's directory"),
            ("path:~/a.wasm", "relative to the project's directory"),
            ("http://plugins.example.invalid/a.wasm", "take https"),
            ("http://127.0.0.1.example.invalid/a.wasm", "take https"),
            ("http://127.0.0.1:1@example.invalid/a.wasm", "take https"),
            ("https:", "it is no URL"),
            ("https:///a.wasm", "it is no URL"),
            ("https://user:secret@example.invalid/a.wasm", "has a user or a password in it"),
            ("path:a\nb", "control characters"),
        ] {
            let error = text.parse::<Source>().unwrap_err();
            assert!(error.contains(why), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_name_is_found_in_it_where_there_is_one() {
        for (text, name) in [
            ("path:plugins/hygiene", Some("hygiene")),
            ("path:out/test_report.wasm", Some("test-report")),
            ("https://example.invalid/v1/members.wasm?raw=1", Some("members")),
            ("path:.", None),
            ("path:a/größe", None),
        ] {
            assert_eq!(text.parse::<Source>().unwrap().suggested_name().as_deref(), name, "{text}");
        }
    }
}
