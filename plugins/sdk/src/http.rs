//! Requests to other hosts. Grant: `http = [hosts]`, each `host` or `host:port`; https, and plain http to loopback alone. No
//! redirect is followed. Grant: `secrets = [names]` of environment variables: `{{NAME}}` in the path or query of a URL and in a
//! secret header stands for the value, which never enters the plugin.
//!
//! ```no_run
//! # fn main() -> Result<(), local_ci_plugin::Problem> {
//! use local_ci_plugin::http::Request;
//!
//! let answer = Request::post("https://hooks.example.invalid/build")
//!     .secret_header("authorization", "Bearer {{HOOK_TOKEN}}")
//!     .json(&serde_json::json!({ "text": "green" }))
//!     .send()?;
//! assert_eq!(answer.status, 200);
//! # Ok(()) }
//! ```

use std::fmt;

use crate::backend;
use crate::types::Problem;

/// Why there is no answer. One with a status that says no is an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was not granted; with what would have to be.
    Denied(String),
    /// The time was up.
    Timeout,
    /// Anything else, as a sentence.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(what) => write!(f, "not granted: {what}"),
            Self::Timeout => f.write_str("there was no answer in time"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let message = failure.to_string();
        match failure {
            Failure::Denied(_) => Self::new("denied", message),
            Failure::Timeout => Self::new("timeout", message).retryable(),
            Failure::Other(_) => Self::new("http", message).retryable(),
        }
    }
}

/// A header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderValue {
    /// As it stands.
    Plain(String),
    /// With `{{NAME}}` for secrets.
    Secret(String),
}

/// A request to another host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// Whereto; its path and query may have `{{NAME}}` for secrets.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(String, HeaderValue)>,
    /// What is sent.
    pub body: Vec<u8>,
    /// How long it may take, in milliseconds; none: what is usual.
    pub timeout_ms: Option<u64>,
}

impl Request {
    /// A request with this method.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new(), timeout_ms: None }
    }

    /// Asks for something.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Sends something.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// With a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), HeaderValue::Plain(value.into())));
        self
    }

    /// With a header that has `{{NAME}}` for secrets.
    pub fn secret_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), HeaderValue::Secret(value.into())));
        self
    }

    /// With this to be sent.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With this to be sent as JSON.
    pub fn json(self, body: &serde_json::Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// For so many milliseconds at most.
    pub fn timeout_ms(mut self, timeout: u64) -> Self {
        self.timeout_ms = Some(timeout);
        self
    }

    /// Sends it and waits for the answer.
    pub fn send(self) -> Result<Response, Failure> {
        backend::send(self)
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status, also where it is no success.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// What was sent.
    pub body: Vec<u8>,
}
