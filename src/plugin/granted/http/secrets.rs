//! Secrets by reference: `{{NAME}}` where a plugin writes it, the value where it is sent, and `{{NAME}}` again in what comes
//! back.

use std::fmt::Write as _;

use crate::plugin::authority::Authority;
use crate::plugin::services::{HttpFailure, HttpResponse};
use crate::text::plain::printable;

/// The shortest value that is masked in an answer, in bytes: what is shorter stands in every text by chance.
const MASKED_MIN: usize = 4;

/// Where a secret is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In a path, in which it may be several names.
    Path,
    /// In a query, as a value.
    Query,
    /// In a header, as it is.
    Header,
}

impl Form {
    /// Whether a byte stands for itself (RFC 3986, section 3.3: a path's characters, and of a query the unreserved alone).
    fn keeps(self, c: u8) -> bool {
        let is_unreserved = c.is_ascii_alphanumeric() || b"-._~".contains(&c);
        match self {
            Self::Path => is_unreserved || b"/!$&'()*+,;=:@".contains(&c),
            Self::Query => is_unreserved,
            Self::Header => true,
        }
    }

    fn write(self, value: &str) -> String {
        let mut text = String::with_capacity(value.len());
        for c in value.chars() {
            let mut bytes = [0; 4];
            let encoded = c.encode_utf8(&mut bytes);
            if encoded.bytes().all(|byte| self.keeps(byte)) {
                text.push(c);
                continue;
            }
            for byte in encoded.bytes() {
                // Writing to a String cannot fail.
                let _ = write!(text, "%{byte:02X}");
            }
        }
        text
    }
}

/// The secrets of one request.
pub(super) struct Secrets<'a> {
    authority: &'a Authority,
    env: &'a [(String, String)],
    /// What was sent, and the name that stands for it.
    sent: Vec<(String, String)>,
}

impl<'a> Secrets<'a> {
    /// Secrets that are among these variables.
    pub(super) fn new(authority: &'a Authority, env: &'a [(String, String)]) -> Self {
        Self { authority, env, sent: Vec::new() }
    }

    /// A text with the values of its secrets. The error has none of them.
    pub(super) fn fill(&mut self, text: &str, form: Form) -> Result<String, HttpFailure> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else {
                return Err(HttpFailure::Other("`{{` stands without `}}`".to_owned()));
            };
            filled.push_str(before);
            filled.push_str(&self.value(name, form)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn value(&mut self, name: &str, form: Form) -> Result<String, HttpFailure> {
        self.authority.may_send(name).map_err(|refusal| HttpFailure::Denied(refusal.to_string()))?;
        let value = self.env.iter().rev().find(|(its, _)| its == name).map(|(_, value)| value.as_str());
        let value = value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| HttpFailure::Other(format!("the variable `{}`, a secret, is not set", printable(name))))?;
        if form == Form::Header && !value.bytes().all(|c| c == b'\t' || c == b' ' || c.is_ascii_graphic()) {
            let name = printable(name);
            return Err(HttpFailure::Other(format!("the variable `{name}` has characters that no header has")));
        }
        let written = form.write(value);
        for text in [value, &written] {
            let pair = (text.to_owned(), format!("{{{{{name}}}}}"));
            if text.len() >= MASKED_MIN && !self.sent.contains(&pair) {
                self.sent.push(pair);
            }
        }
        // The longer one first: it may have the shorter in it.
        self.sent.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        Ok(written)
    }

    /// An answer without what was sent: servers repeat addresses, and some repeat everything.
    pub(super) fn masked(&self, response: HttpResponse) -> HttpResponse {
        let headers = response.headers.into_iter().map(|(name, value)| (name, self.masked_text(&value))).collect();
        let body = self.sent.iter().fold(response.body, |body, (value, name)| replaced(body, value, name));
        HttpResponse { status: response.status, headers, body }
    }

    /// The same for a text.
    pub(super) fn masked_text(&self, text: &str) -> String {
        self.sent.iter().fold(text.to_owned(), |text, (value, name)| text.replace(value, name))
    }
}

fn replaced(body: Vec<u8>, value: &str, by: &str) -> Vec<u8> {
    let finder = memchr::memmem::Finder::new(value);
    let mut from = 0;
    let mut whole = Vec::new();
    for at in finder.find_iter(&body) {
        whole.extend_from_slice(&body[from..at]);
        whole.extend_from_slice(by.as_bytes());
        from = at + value.len();
    }
    if from == 0 {
        return body;
    }
    whole.extend_from_slice(&body[from..]);
    whole
}
