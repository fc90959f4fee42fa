//! One request and its answer, on a thread of its own: whoever waits for it can be told to end.

use std::time::Duration;

use crossbeam_channel::{bounded, select};
use ureq::http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, Error, Proxy};

use super::{BODY_MAX, other};
use crate::cancel::CancelToken;
use crate::plugin::services::{HttpFailure, HttpResponse};
use crate::plugin::web;

/// A request as it is sent.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Vec<u8>,
    pub(super) limit: Duration,
    pub(super) proxy: Option<Proxy>,
}

/// What requests are made with: it follows nothing, and takes every status for an answer.
pub(super) fn agent(trust: TlsConfig) -> Agent {
    let config = Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .proxy(None)
        .tls_config(trust)
        .user_agent(concat!("local-ci/", env!("CARGO_PKG_VERSION")));
    Agent::new_with_config(config.build())
}

/// Sends a request and receives its answer. Where the token asks to end, the answer is not waited for any longer.
pub(super) fn exchange(agent: Agent, outgoing: Outgoing, cancel: &CancelToken) -> Result<HttpResponse, HttpFailure> {
    let (ring, bell) = bounded(1);
    let _registration = cancel.register(move || {
        // One ring is enough.
        let _ = ring.try_send(());
    });
    let (tell, told) = bounded(1);
    // It ends with its time limit at the latest, whoever waits for it.
    let thread = std::thread::Builder::new().name("plugin-http".into()).spawn(move || {
        // Nobody takes what is not waited for any longer.
        drop(tell.send(run(&agent, outgoing)));
    });
    thread.map_err(|error| HttpFailure::Other(format!("there is no thread to speak on: {error}")))?;
    loop {
        select! {
            recv(told) -> answer => return answer.unwrap_or_else(|_| Err(other("what spoke to the host gave up"))),
            recv(bell) -> _ => {
                cancel.answer_for_nothing();
                if cancel.level().is_some() {
                    return Err(other("the stage is to end"));
                }
            }
        }
    }
}

fn run(agent: &Agent, outgoing: Outgoing) -> Result<HttpResponse, HttpFailure> {
    let Outgoing { method, uri, headers, body, limit, proxy } = outgoing;
    let mut request = Request::new(());
    let bodyless = [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS].contains(&method);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    for (name, value) in headers {
        request.headers_mut().append(name, value);
    }
    let response = if body.is_empty() && bodyless {
        let request = agent.configure_request(request).timeout_global(Some(limit)).proxy(proxy).build();
        agent.run(request)
    } else {
        let request = request.map(|()| body);
        let request = agent.configure_request(request).timeout_global(Some(limit)).proxy(proxy).build();
        agent.run(request)
    };
    response.and_then(receive).map_err(|error| failure(&error))
}

fn receive(response: Response<Body>) -> Result<HttpResponse, Error> {
    let (parts, body) = response.into_parts();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    // One more byte than there may be, so that what is as long as that is not refused.
    let limit = u64::try_from(BODY_MAX + 1).unwrap_or(u64::MAX);
    let body = body.into_with_config().limit(limit).read_to_vec()?;
    Ok(HttpResponse { status: parts.status.as_u16(), headers, body })
}

/// What went wrong, without the address: it may have a secret in it.
fn failure(error: &Error) -> HttpFailure {
    match error {
        Error::Timeout(_) => HttpFailure::Timeout,
        Error::BodyExceedsLimit(_) => other("the answer is larger than 16 MiB"),
        error => HttpFailure::Other(web::why(error)),
    }
}
