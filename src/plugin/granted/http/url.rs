//! Addresses: which host is meant, told before a secret is in them.

use std::net::{Ipv4Addr, Ipv6Addr};

use ureq::http::Uri;
use ureq::http::uri::{Authority, Scheme};

use super::other;
use super::secrets::{Form, Secrets};
use crate::plugin::services::HttpFailure;
use crate::text::plain::printable;

/// The longest address, in bytes.
const LENGTH_MAX: usize = 8 << 10;

/// An address whose host is known, and whose path and query may have places for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    scheme: Scheme,
    /// In lower case; in brackets where it is an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    authority: String,
    path: String,
    query: Option<String>,
}

impl Address {
    /// Reads an address. Only what says where a request goes is looked at.
    pub(super) fn read(url: &str) -> Result<Self, HttpFailure> {
        if url.len() > LENGTH_MAX {
            return Err(other("the address is too long"));
        }
        let bad = |why: &str| HttpFailure::Other(format!("`{}` {why}", printable(url)));
        if !url.bytes().all(|c| c.is_ascii_graphic()) || url.contains('\\') {
            return Err(bad("has characters that no address has"));
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("is no address with `https://`"))?;
        let (scheme, usual) = match scheme.to_ascii_lowercase().as_str() {
            "https" => (Scheme::HTTPS, 443),
            "http" => (Scheme::HTTP, 80),
            _ => return Err(bad("is neither https nor http")),
        };
        // What stands behind `#` is not sent.
        let rest = rest.split_once('#').map_or(rest, |(sent, _)| sent);
        let (given, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if given.contains('@') {
            // With its credentials it is not repeated.
            return Err(HttpFailure::Denied(
                "credentials do not stand in an address: they go into a `secret` header".to_owned(),
            ));
        }
        if given.contains(['{', '}']) {
            return Err(HttpFailure::Denied(
                "a secret stands in the path or the query of an address, and not in its host".to_owned(),
            ));
        }
        let authority: Authority = given.parse().map_err(|_| bad("has no host that can be spoken to"))?;
        let host = authority.host().to_ascii_lowercase();
        let port = match given.strip_prefix(authority.host()) {
            Some("" | ":") => usual,
            Some(port) if !port[1..].bytes().all(|c| c.is_ascii_digit()) => {
                return Err(bad("has no port that there is"));
            }
            Some(_) => authority.port_u16().filter(|port| *port > 0).ok_or_else(|| bad("has no port that there is"))?,
            None => return Err(bad("has no host that can be spoken to")),
        };
        if host.is_empty() {
            return Err(bad("has no host"));
        }
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (rest, None),
        };
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        let authority = if port == usual { host.clone() } else { format!("{host}:{port}") };
        Ok(Self { scheme, host, port, authority, path, query })
    }

    /// Whether the host is this machine, by its name or number.
    pub(super) fn is_loopback(&self) -> bool {
        let number = self.host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        self.host == "localhost"
            || self.host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
            || number.is_some_and(|number| number.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()))
    }

    /// Whether nobody between here and there can read what is sent.
    pub(super) fn is_private_enough(&self) -> Result<(), HttpFailure> {
        if self.scheme == Scheme::HTTPS || self.is_loopback() {
            return Ok(());
        }
        let host = &self.host;
        Err(HttpFailure::Denied(format!("`{host}` is spoken to by https; http is for this machine's own addresses")))
    }

    /// The address with its secrets. Where it leads is what it was.
    pub(super) fn fill(&self, secrets: &mut Secrets<'_>) -> Result<Uri, HttpFailure> {
        let mut text = secrets.fill(&self.path, Form::Path)?;
        if let Some(query) = &self.query {
            text.push('?');
            text.push_str(&secrets.fill(query, Form::Query)?);
        }
        let uri = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.as_str()).path_and_query(text);
        let uri =
            uri.build().map_err(|_| other("the address has characters in its path or query that no address has"))?;
        let same = uri.authority().is_some_and(|authority| authority.as_str() == self.authority);
        if same { Ok(uri) } else { Err(other("the address leads elsewhere with its secrets")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::plugin::Grants;
    use proptest::prelude::*;

    #[test]
    fn the_host_of_an_address_is_the_one_that_is_spoken_to() {
        for (url, host, port) in [
            ("https://example.invalid", "example.invalid", 443),
            ("HTTPS://Example.INVALID:443/a?b", "example.invalid", 443),
            ("https://example.invalid:/a", "example.invalid", 443),
            ("https://example.invalid?q=@127.0.0.1/c", "example.invalid", 443),
            ("https://example.invalid/a@127.0.0.1/{{X}}", "example.invalid", 443),
            ("https://example.invalid#@127.0.0.1/", "example.invalid", 443),
            ("http://127.0.0.1:8080", "127.0.0.1", 8080),
            ("http://[::1]:8080/x", "[::1]", 8080),
        ] {
            let address = Address::read(url).unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port), "{url}");
        }
        for url in [
            "",
            "example.invalid",
            "ftp://example.invalid/",
            "file:///etc/passwd",
            "https://",
            "https:///a",
            "https://:80/",
            "https://user:hunter2@example.invalid/",
            "https://example.invalid@127.0.0.1/",
            "https://{{HOST}}/",
            "https://example.invalid:{{PORT}}/",
            "https://example.invalid:0/",
            "https://example.invalid:99999/",
            "https://example.invalid:+80/",
            "https://example.invalid\\@127.0.0.1/",
            "https://example.invalid/\r\nHost: x",
            "https://example.invalid/ä",
            "https://[::1/",
            "https://localhost example.invalid/",
        ] {
            let failure = Address::read(url).unwrap_err();
            assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        }
    }

    proptest! {
        /// Whatever an address looks like, what is connected to is the host that was judged.
        #[test]
        fn what_was_judged_is_what_is_connected_to(rest in "[a@:/?#.{}%1\\[\\]\\-]{0,16}") {
            let none = Grants::default();
            let authority = crate::plugin::authority::Authority::new("x", &none, &none, None).unwrap();
            if let Ok(address) = Address::read(&format!("https://{rest}"))
                && let Ok(uri) = address.fill(&mut Secrets::new(&authority, &[]))
            {
                prop_assert_eq!(uri.host().map(str::to_ascii_lowercase), Some(address.host.clone()));
                prop_assert_eq!(uri.port_u16().unwrap_or(443), address.port);
            }
        }
    }

    #[test]
    fn http_is_for_this_machine_alone() {
        for (url, fine) in [
            ("https://example.invalid/", true),
            ("http://127.0.0.1/", true),
            ("http://127.8.8.8:99/", true),
            ("http://localhost/", true),
            ("http://[::1]/", true),
            ("http://example.invalid/", false),
            ("http://localhost.example.invalid/", false),
            ("http://192.0.2.1/", false),
            ("http://0.0.0.0/", false),
        ] {
            assert_eq!(Address::read(url).unwrap().is_private_enough().is_ok(), fine, "{url}");
        }
        // The number of 127.0.0.1, which some resolvers take for it.
        assert!(!Address::read(&format!("http://{}/", 2_130_706_433_u32)).unwrap().is_loopback());
    }
}
