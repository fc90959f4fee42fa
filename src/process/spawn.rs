//! What a program is started with, and what can be wrong with it before it is.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::unix;

/// The longest single argument or variable that Linux takes, its final NUL included (`MAX_ARG_STRLEN`).
pub const STRING_MAX: usize = 131_072;

/// A program ready to be started.
#[derive(Debug)]
pub struct Program {
    file: CString,
    argv: Vec<CString>,
    env: Vec<CString>,
    dir: Option<CString>,
    new_session: bool,
    is_controlled: bool,
}

/// A string that cannot be handed to a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StringError {
    /// It has a NUL byte in it.
    #[error("{0} has a NUL byte in it, which no program can be given")]
    Nul(String),
    /// It is longer than the system takes. Its value is never shown.
    #[error("{what} has {bytes} bytes; the system takes {max} at most in one: put it into a file or give it on stdin", max = STRING_MAX - 1)]
    TooLong {
        /// Which argument or variable.
        what: String,
        /// Its length.
        bytes: usize,
    },
}

fn c_string(bytes: impl Into<Vec<u8>>, what: impl Fn() -> String) -> Result<CString, StringError> {
    let bytes = bytes.into();
    if bytes.len() >= STRING_MAX {
        return Err(StringError::TooLong { what: what(), bytes: bytes.len() });
    }
    CString::new(bytes).map_err(|_| StringError::Nul(what()))
}

/// `NAME=value`, as a program's environment has it.
pub fn variable(name: &OsStr, value: &OsStr) -> Result<CString, StringError> {
    let mut bytes = Vec::with_capacity(name.len() + value.len() + 1);
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(b'=');
    bytes.extend_from_slice(value.as_bytes());
    c_string(bytes, || format!("the variable {}", name.to_string_lossy()))
}

impl Program {
    /// A program of this file with these arguments, the name it is called by first.
    pub fn new<S: AsRef<OsStr>>(file: &Path, argv: &[S]) -> Result<Self, StringError> {
        let argument = |(i, a): (usize, &S)| {
            c_string(
                a.as_ref().as_bytes(),
                || if i == 0 { "the command's name".into() } else { format!("argument {i}") },
            )
        };
        Ok(Self {
            file: c_string(file.as_os_str().as_bytes(), || "the program's path".into())?,
            argv: argv.iter().enumerate().map(argument).collect::<Result<_, _>>()?,
            env: Vec::new(),
            dir: None,
            new_session: false,
            is_controlled: false,
        })
    }

    /// Gives it this environment and no other.
    #[must_use]
    pub fn env(mut self, env: Vec<CString>) -> Self {
        self.env = env;
        self
    }

    /// Has it start in this directory.
    pub fn dir(mut self, dir: &Path) -> Result<Self, StringError> {
        self.dir = Some(c_string(dir.as_os_str().as_bytes(), || "the directory".into())?);
        Ok(self)
    }

    /// Has it lead a session of its own, without a controlling terminal.
    #[must_use]
    pub fn new_session(mut self) -> Self {
        self.new_session = true;
        self
    }

    /// Has it lead a session of its own, which is controlled by the terminal that it is given for stdin, stdout and
    /// stderr: prompts, job control and Ctrl+C are on that.
    #[must_use]
    pub fn controlled(mut self) -> Self {
        (self.new_session, self.is_controlled) = (true, true);
        self
    }

    /// The longest of its arguments and variables, and its length. Never its value.
    pub fn largest(&self) -> Option<(String, usize)> {
        let arguments = self.argv.iter().enumerate().skip(1).map(|(i, text)| (text, format!("argument {i}")));
        let variables = self.env.iter().map(|text| {
            let name = text.to_bytes().split(|byte| *byte == b'=').next().unwrap_or_default();
            (text, format!("the variable {}", String::from_utf8_lossy(name)))
        });
        let (text, what) = arguments.chain(variables).max_by_key(|(text, _)| text.count_bytes())?;
        Some((what, text.count_bytes()))
    }

    /// Starts it. It has these of our descriptors under these numbers, and no others.
    pub fn start(&self, descriptors: &[(BorrowedFd<'_>, RawFd)]) -> io::Result<i32> {
        use std::os::fd::AsRawFd;
        // A source that stands where one is to go would be overwritten before its turn: move those out of the way.
        let above = descriptors.iter().map(|(_, to)| *to).max().unwrap_or(2) + 1;
        let moved: Vec<Option<OwnedFd>> = descriptors
            .iter()
            .map(|(from, _)| {
                let in_the_way = descriptors.iter().any(|(_, to)| *to == from.as_raw_fd());
                in_the_way.then(|| rustix::io::fcntl_dupfd_cloexec(from, above)).transpose()
            })
            .collect::<Result<_, _>>()?;
        let descriptors: Vec<(BorrowedFd<'_>, RawFd)> = descriptors
            .iter()
            .zip(&moved)
            .map(|((from, to), moved)| (moved.as_ref().map_or(*from, AsFd::as_fd), *to))
            .collect();
        unix::spawn(&unix::Spawn {
            program: &self.file,
            argv: &self.argv,
            env: &self.env,
            dir: self.dir.as_deref(),
            descriptors: &descriptors,
            new_session: self.new_session,
            is_controlled: self.is_controlled,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H107: one string may have 131,071 bytes and not one more; the message names it and never its value.
    #[test]
    fn h107_a_string_too_long_is_named_without_its_value() {
        let name = OsStr::new("BIG");
        let value = "x".repeat(STRING_MAX - 1 - "BIG=".len());
        assert!(variable(name, OsStr::new(&value)).is_ok());
        let error = variable(name, OsStr::new(&(value + "y"))).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("the variable BIG has 131072 bytes"), "{text}");
        assert!(!text.contains("xxx"));
        let long = "z".repeat(STRING_MAX);
        let error = Program::new(Path::new("/bin/true"), &["true", &long]).unwrap_err();
        assert_eq!(error, StringError::TooLong { what: "argument 1".into(), bytes: STRING_MAX });
    }

    #[test]
    fn a_nul_byte_is_refused_by_name() {
        let error = variable(OsStr::new("A"), OsStr::new("b\0c")).unwrap_err();
        assert_eq!(error, StringError::Nul("the variable A".into()));
    }
}
