//! The proxy of the environment, which the user has set and nobody else. What goes through it is encrypted to the host itself.

use ureq::Proxy;

/// Variables that name one, in the order in which they are looked for.
const NAMES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// Variables that name hosts which are spoken to without one.
const WITHOUT: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy that leads to this host, where `env` gives the values of variables; none where none is asked for. One that
/// cannot be used is no reason to go without, since the user has asked for it: that is a sentence.
pub fn proxy<'e>(env: impl Fn(&str) -> Option<&'e str>, host: &str) -> Result<Option<Proxy>, String> {
    let find = |names: &[&'static str]| {
        let known = names.iter().filter_map(|name| Some((*name, env(name)?.trim())));
        known.into_iter().find(|(_, value)| !value.is_empty())
    };
    let without = find(&WITHOUT).map(|(_, value)| value).unwrap_or_default();
    if without.split(',').any(|entry| excepts(entry.trim(), host)) {
        return Ok(None);
    }
    let Some((name, value)) = find(&NAMES) else { return Ok(None) };
    // Its value may have a password in it.
    let unusable = |_| format!("the proxy of the environment cannot be used: {name} is no address of one");
    Proxy::new(value).map(Some).map_err(unusable)
}

/// Whether an entry of `NO_PROXY` means a host: the host itself, a domain that it is in, or all.
fn excepts(entry: &str, host: &str) -> bool {
    let domain = entry.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
    entry == "*" || !domain.is_empty() && (host == domain || host.ends_with(&format!(".{domain}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_taken_from_the_environment_but_for_the_hosts_that_are_excepted() {
        let through = |without: &'static str, host: &str| {
            let env = move |name: &str| match name {
                "https_proxy" => Some("http://127.0.0.1:3128"),
                "NO_PROXY" => Some(without),
                _ => None,
            };
            proxy(env, host)
        };
        assert_eq!(through("", "example.invalid").unwrap().unwrap().port(), 3128);
        assert!(proxy(|_| None, "example.invalid").unwrap().is_none());
        for (without, host, is_through) in [
            ("example.invalid", "example.invalid", false),
            ("a, .example.invalid", "b.example.invalid", false),
            ("*.example.invalid", "b.example.invalid", false),
            ("*", "example.invalid", false),
            ("ample.invalid", "example.invalid", true),
            (",", "example.invalid", true),
        ] {
            assert_eq!(through(without, host).unwrap().is_some(), is_through, "{without}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_said_and_not_done_without() {
        let env = |name: &str| (name == "ALL_PROXY").then_some("ftp://user:secret@127.0.0.1");
        let said = proxy(env, "example.invalid").unwrap_err();
        assert_eq!(said, "the proxy of the environment cannot be used: ALL_PROXY is no address of one");
    }
}
