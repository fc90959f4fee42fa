//! One secret, from where it is.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::geteuid;

use super::Secrets;
use crate::env::{self, Env};
use crate::outcome::Exit;
use crate::pipeline::secret::Origin;
use crate::plan::command::quote_all;
use crate::plan::quote;
use crate::process::tool::{Tool, Tools};
use crate::text::mask::mask;
use crate::text::plain::printable;

/// How long a command may take that prints a secret.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// How long a secret may be, in bytes: what is larger is another file than was meant.
pub const FILE_MAX: usize = 64 * 1024;
/// How much of what a command says is told, in characters.
const SAID_MAX: usize = 400;

/// Why there is no secret.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) why: String,
    pub(super) cure: Option<String>,
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { why: why.into(), cure: None })
}

fn refuse_but<T>(why: impl Into<String>, cure: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { why: why.into(), cure: Some(cure.into()) })
}

/// Where secrets are looked for.
pub(super) struct Place<'a> {
    /// The project's directory.
    pub(super) root: &'a Path,
    pub(super) env: &'a Env,
    pub(super) tools: &'a Tools,
    pub(super) cancelled: &'a dyn Fn() -> bool,
}

impl Place<'_> {
    /// Asks for a secret. What is `known` already is in no reason.
    pub(super) fn find(&self, origin: &Origin, known: &Secrets) -> Result<Vec<u8>, Refusal> {
        let value = match origin {
            Origin::Env(name) => match self.env.get(name) {
                Some(value) => value.as_encoded_bytes().to_vec(),
                None => return refuse_but(format!("the variable {name} is not set"), format!("set {name}")),
            },
            Origin::File(path) => without_newline(self.file(path)?),
            Origin::Command(words) => without_newline(self.command(words, known)?),
        };
        // What of this is no text is not told: it would be some of it.
        match std::str::from_utf8(&value) {
            Ok("") => refuse("it is empty"),
            Ok(text) if text.contains('\0') => refuse("it has a NUL character, which no variable can have"),
            Ok(_) if value.len() > FILE_MAX => refuse(format!("it is longer than {FILE_MAX} bytes")),
            Ok(_) => Ok(value),
            Err(_) => refuse("it is not UTF-8 text"),
        }
    }

    fn file(&self, given: &str) -> Result<Vec<u8>, Refusal> {
        let path = match (given.strip_prefix("~/"), self.env.absolute(env::HOME)) {
            (Some(rest), Some(home)) => home.join(rest),
            (Some(_), None) => {
                return refuse(format!("{} is in the home directory, and HOME is not set", printable(given)));
            }
            (None, _) => self.root.join(given),
        };
        let shown = printable(&path.to_string_lossy()).into_owned();
        let cannot = |error: io::Error| Refusal { why: format!("{shown} cannot be read: {error}"), cure: None };
        // A pipe would be waited for, and a terminal would become ours.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).unwrap_or(0);
        let file = File::options().read(true).custom_flags(flags).open(&path).map_err(cannot)?;
        let about = file.metadata().map_err(cannot)?;
        if !about.is_file() {
            return refuse(format!("{shown} is not a regular file"));
        }
        if about.uid() != geteuid().as_raw() {
            return refuse(format!("{shown} belongs to another user (number {})", about.uid()));
        }
        let mode = about.mode() & 0o7777;
        if mode & 0o077 != 0 {
            let word = quote(&path.to_string_lossy());
            return refuse_but(
                format!("others may read or change {shown} (mode {mode:o})"),
                format!("chmod 600 {}", printable(&word)),
            );
        }
        let mut bytes = Vec::new();
        // One newline more than what fits.
        file.take(FILE_MAX as u64 + 2).read_to_end(&mut bytes).map_err(cannot)?;
        Ok(bytes)
    }

    fn command(&self, words: &[String], known: &Secrets) -> Result<Vec<u8>, Refusal> {
        let mut tool = Tool::new(words).dir(PathBuf::from(self.root));
        tool.said = None;
        let shown = printable(&quote_all(words)).into_owned();
        let ran = match self.tools.run(&tool, COMMAND_LIMIT, self.cancelled) {
            Ok(ran) => ran,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return refuse(format!("`{shown}` had not ended after {} s", COMMAND_LIMIT.as_secs()));
            }
            Err(error) => return refuse(format!("`{shown}` cannot be run: {}", printable(&error.to_string()))),
        };
        if ran.exit == Exit::Code(0) {
            return Ok(ran.stdout);
        }
        // What it printed may be the secret all the same, and what it says of it may have that in it.
        let needles = known.needles().with("", &ran.stdout);
        let said = mask(&ran.said(), &Arc::new(needles));
        let said: String = said.chars().take(SAID_MAX).collect();
        let said = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
        let said = if said.is_empty() { String::new() } else { format!(": {}", printable(&said)) };
        refuse(format!("`{shown}` ended with {}{said}", ran.exit))
    }
}

/// Without the newline that ends a text.
fn without_newline(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    bytes
}
