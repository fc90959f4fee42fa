//! Speaking to granted hosts, with secrets that the guest never sees.
//!
//! ```text
//!  request ─▶ url (which host? granted?) ─▶ secrets (granted? set?) ─▶ filled in ─▶ exchange ─▶ answer, secrets masked ─▶ guest
//! ```
//!
//! What says which host is meant stands there before a secret is looked up, and is compared again with what is sent. A
//! redirect is an answer like any other. No sentence of this module has a secret in it, nor an address with one.

mod exchange;
mod secrets;
mod url;

use std::time::Duration;

use ureq::http::{HeaderName, HeaderValue as Value, Method};

use crate::cancel::CancelToken;
use crate::plugin::authority::Authority;
use crate::plugin::services::{HeaderValue, HttpFailure, HttpRequest, HttpResponse};
use crate::plugin::web;
use crate::text::plain::printable;
use exchange::Outgoing;
use secrets::Secrets;
use url::Address;

/// How much is sent or received at once, in bytes.
const BODY_MAX: usize = 16 << 20;
/// How long an answer may take, without another word and at most.
const PATIENCE: Duration = Duration::from_secs(30);
const PATIENCE_MAX: Duration = Duration::from_mins(5);
/// How many headers a request has at most.
const HEADERS_MAX: usize = 100;

/// What a request may be.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
/// Headers that say where a request goes and where it ends: they follow from the rest of it.
const OURS: [&str; 9] =
    ["connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// What requests are made with.
#[derive(Debug, Default)]
pub(super) struct Web {
    agent: Option<ureq::Agent>,
}

impl Web {
    /// Sends a request where that is permitted. `env` has the secrets, and what proxy there is.
    pub(super) fn send(
        &mut self,
        authority: &Authority,
        env: &[(String, String)],
        cancel: &CancelToken,
        request: HttpRequest,
    ) -> Result<HttpResponse, HttpFailure> {
        let address = Address::read(&request.url)?;
        authority.may_reach(&address.host, address.port).map_err(|refusal| HttpFailure::Denied(refusal.to_string()))?;
        address.is_private_enough()?;
        let method = method(&request.method)?;
        if request.body.len() > BODY_MAX {
            return Err(other("the body is larger than 16 MiB"));
        }
        let mut secrets = Secrets::new(authority, env);
        let headers = headers(&request.headers, &mut secrets)?;
        let uri = address.fill(&mut secrets)?;
        let limit = request.timeout_ms.map_or(PATIENCE, Duration::from_millis).min(PATIENCE_MAX);
        let find = |name: &str| env.iter().rev().find(|(its, _)| its == name).map(|(_, value)| value.as_str());
        let proxy =
            if address.is_loopback() { None } else { web::proxy(find, &address.host).map_err(HttpFailure::Other)? };
        let agent = match &self.agent {
            Some(agent) => agent.clone(),
            None => self
                .agent
                .insert(exchange::agent(web::roots(find(web::CERT_FILE)).map_err(HttpFailure::Other)?))
                .clone(),
        };
        let outgoing = Outgoing { method, uri, headers, body: request.body, limit, proxy };
        match exchange::exchange(agent, outgoing, cancel) {
            Ok(response) => Ok(secrets.masked(response)),
            Err(HttpFailure::Other(sentence)) => Err(HttpFailure::Other(secrets.masked_text(&sentence))),
            Err(failure @ (HttpFailure::Denied(_) | HttpFailure::Timeout)) => Err(failure),
        }
    }
}

fn other(sentence: &str) -> HttpFailure {
    HttpFailure::Other(sentence.to_owned())
}

fn method(name: &str) -> Result<Method, HttpFailure> {
    let found = METHODS.into_iter().find(|method| method.as_str() == name);
    found.ok_or_else(|| HttpFailure::Other(format!("`{}` is no method that plugins use", printable(name))))
}

fn headers(
    given: &[(String, HeaderValue)],
    secrets: &mut Secrets<'_>,
) -> Result<Vec<(HeaderName, Value)>, HttpFailure> {
    if given.len() > HEADERS_MAX {
        return Err(HttpFailure::Other(format!("there are more than {HEADERS_MAX} headers")));
    }
    let mut headers = Vec::new();
    for (name, value) in given {
        let shown = printable(name);
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| HttpFailure::Other(format!("`{shown}` is no header's name")))?;
        if OURS.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
            return Err(HttpFailure::Denied(format!("the header `{shown}` is not set by plugins")));
        }
        let (text, is_secret) = match value {
            HeaderValue::Plain(text) => (text.clone(), false),
            HeaderValue::Secret(text) => (secrets.fill(text, secrets::Form::Header)?, true),
        };
        let mut value = Value::from_str(&text).map_err(|_| {
            HttpFailure::Other(format!("the value of the header `{shown}` has characters that no header has"))
        })?;
        value.set_sensitive(is_secret);
        headers.push((name, value));
    }
    Ok(headers)
}
