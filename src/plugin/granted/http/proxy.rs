//! The proxy of the environment, which the user has set and not the plugin. What goes through it is encrypted to the host itself.

use ureq::Proxy;

use crate::plugin::services::HttpFailure;

/// Variables that name one, in the order in which they are looked for.
const NAMES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// Variables that name hosts which are spoken to without one.
const WITHOUT: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy that leads to this host; none where none is asked for. One that cannot be used is no reason to go without: the
/// user has asked for it.
pub(super) fn of(env: &[(String, String)], host: &str) -> Result<Option<Proxy>, HttpFailure> {
    let find = |names: &[&'static str]| {
        let of = |name: &&'static str| {
            let value = env.iter().rev().find(|(its, _)| its == name).map(|(_, value)| value.trim());
            value.map(|value| (*name, value))
        };
        names.iter().filter_map(of).find(|(_, value)| !value.is_empty())
    };
    let without = find(&WITHOUT).map(|(_, value)| value).unwrap_or_default();
    if without.split(',').any(|entry| excepts(entry.trim(), host)) {
        return Ok(None);
    }
    let Some((name, value)) = find(&NAMES) else { return Ok(None) };
    // Its value may have a password in it.
    let unusable =
        |_| HttpFailure::Other(format!("the proxy of the environment cannot be used: {name} is no address of one"));
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
        let env = |without: &str| {
            vec![
                ("https_proxy".to_owned(), "http://127.0.0.1:3128".to_owned()),
                ("NO_PROXY".to_owned(), without.to_owned()),
            ]
        };
        assert_eq!(of(&env(""), "example.invalid").unwrap().unwrap().port(), 3128);
        assert!(of(&[], "example.invalid").unwrap().is_none());
        for (without, host, through) in [
            ("example.invalid", "example.invalid", false),
            ("a, .example.invalid", "b.example.invalid", false),
            ("*.example.invalid", "b.example.invalid", false),
            ("*", "example.invalid", false),
            ("ample.invalid", "example.invalid", true),
            (",", "example.invalid", true),
        ] {
            assert_eq!(of(&env(without), host).unwrap().is_some(), through, "{without}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_said_and_not_done_without() {
        let env = [("ALL_PROXY".to_owned(), "ftp://user:secret@127.0.0.1".to_owned())];
        let HttpFailure::Other(said) = of(&env, "example.invalid").unwrap_err() else { panic!("another failure") };
        assert_eq!(said, "the proxy of the environment cannot be used: ALL_PROXY is no address of one");
    }
}
