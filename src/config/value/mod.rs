//! The values that keys of a configuration take, from text or number to something checked.
//!
//! They know nothing of stages or of where they stand. What cannot be used is refused with a code and advice, which
//! travel through serde as text (see [`Refusal`]).

pub(super) mod duration;
pub(super) mod elsewhere;
pub(super) mod hooks;
pub(super) mod origin;
pub(super) mod reporter;
pub(super) mod scalar;
pub(super) mod size;
pub(super) mod words;
pub(super) mod written;

use std::fmt;

use super::code::Code;

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: Code,
    /// What is wrong with it; reads after "`key`".
    pub(super) message: String,
    /// What to write instead.
    pub(super) help: String,
}

/// Separates the parts of a refusal. No message of serde begins with it.
const SEPARATOR: char = '\u{1f}';

impl Refusal {
    pub(super) fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into() }
    }

    /// The refusal in an error's text, if that is what the text is.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(SEPARATOR)?.splitn(3, SEPARATOR);
        let code = Code::find(parts.next()?)?;
        Some(Self::new(code, parts.next()?, parts.next()?))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SEPARATOR}{}{SEPARATOR}{}{SEPARATOR}{}", self.code.id(), self.message, self.help)
    }
}

/// Reads a duration such as `30s`, `20m` or `1h30m`, as it is typed on a command line. The error is a sentence.
pub fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    duration::parse(text).map_err(|refusal| format!("it {}; {}", refusal.message, refusal.help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_survives_its_text() {
        let refusal = Refusal::new(Code::BadSize, "is \u{1b} odd", "help");
        assert_eq!(Refusal::parse(&refusal.to_string()), Some(refusal));
        assert_eq!(Refusal::parse("invalid type: LC0304"), None);
    }
}
