//! What is in a file, to be compared over a distance.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{Exchange, name, names};
use crate::process::tool::Tool;
use crate::remote::tree::carry::nonce;
use crate::remote::tree::place::{is_full, no_space, preamble};
use crate::remote::tree::program::lines;
use crate::remote::tree::words::word;
use crate::remote::{Fault, FaultKind};

const SUMS: &str = include_str!("../scripts/outputs-sums.sh");

/// The code of a script that could not write the names down that it was given.
const NO_NAMES: i32 = 3;

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A file's SHA-256 in hex digits, where there is a program that tells it.
    File { sum: Option<String>, executable: bool },
    /// Where a link points.
    Link(Vec<u8>),
}

impl Content {
    /// Whether it is certainly the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File { sum: Some(one), .. }, Self::File { sum: Some(other), .. }) if one != other => false,
            (Self::File { sum: None, .. }, _) | (_, Self::File { sum: None, .. }) => false,
            (one, other) => one == other,
        }
    }
}

/// What is in files here, as far as they are there.
pub(super) fn here(exchange: &Exchange<'_>, paths: &[&PathBuf]) -> Result<BTreeMap<PathBuf, Content>, Fault> {
    let mut contents = BTreeMap::new();
    let mut files = Vec::new();
    for path in paths {
        let full = exchange.root.join(path);
        let Ok(metadata) = fs::symlink_metadata(&full) else { continue };
        if metadata.is_file() {
            let executable = metadata.permissions().mode() & 0o111 != 0;
            contents.insert((*path).clone(), Content::File { sum: None, executable });
            files.push(*path);
        } else if let Ok(target) = fs::read_link(&full) {
            contents.insert((*path).clone(), Content::Link(target.as_os_str().as_bytes().to_vec()));
        }
    }
    if !files.is_empty() {
        let sum = Tool::new(["xargs", "-0", "sha256sum", "-z", "--"]).env("LC_ALL", "C").dir(exchange.root);
        // Where there is no such program, all is taken for different, which costs time alone.
        let printed = exchange.hands.run(&sum.stdin(names(files)));
        take_sums(&mut contents, &printed.map(|ran| ran.stdout).unwrap_or_default());
        exchange.hands.check()?;
    }
    Ok(contents)
}

/// What is in files there, as far as they are there.
pub(super) fn there(exchange: &Exchange<'_>, paths: &[&PathBuf]) -> Result<BTreeMap<PathBuf, Content>, Fault> {
    let names = with_names(exchange, paths)?;
    let printed = asked(exchange, &format!("{names}(\n{SUMS})\ncode=$?\nrm -f \"$names\"\nexit $code\n"))?;
    let mut contents = BTreeMap::new();
    let mut rest = printed.as_slice();
    while let Some(at) = rest.iter().position(|byte| *byte == 0) {
        let (first, after) = (&rest[..at], &rest[at + 1..]);
        rest = after;
        let Some((kind, path)) = first.split_first() else { break };
        let Some(end) = rest.iter().position(|byte| *byte == 0) else { break };
        let content = match kind {
            b'l' => Content::Link(rest[..end].to_vec()),
            _ => Content::File { sum: None, executable: *kind == b'x' },
        };
        contents.insert(name(path), content);
        rest = &rest[end + 1..];
    }
    take_sums(&mut contents, rest);
    Ok(contents)
}

/// What a script prints that begins with [`with_names`].
pub(super) fn asked(exchange: &Exchange<'_>, script: &str) -> Result<Vec<u8>, Fault> {
    let answer = exchange.hands.call(script)?;
    let host = exchange.hands.there.host();
    let said = String::from_utf8_lossy(&answer.output);
    match answer.code {
        0 => Ok(answer.output),
        NO_NAMES if is_full(&said) => Err(no_space(host, &said)),
        NO_NAMES => {
            let text = format!("a list of files cannot be written on {host}: {}", lines(&said));
            Err(Fault::new(FaultKind::Directory, text))
        }
        _ => Err(gone(exchange)),
    }
}

/// The work tree is not there any more.
pub(super) fn gone(exchange: &Exchange<'_>) -> Fault {
    let text = format!("the work tree `{}` on {} is gone", exchange.dir.display(), exchange.hands.there.host());
    Fault::new(FaultKind::Directory, text)
}

/// The beginning of a script that has names in a file of its own, `$names`, and `$dir`. To be run by [`asked`].
pub(super) fn with_names(exchange: &Exchange<'_>, paths: &[&PathBuf]) -> Result<String, Fault> {
    let dir = word(exchange.dir.as_os_str().as_bytes());
    let place = exchange.base.map_or_else(|| "${TMPDIR:-/tmp}".to_owned(), |base| word(base.as_os_str().as_bytes()));
    let mut script = format!(
        "{}dir={dir}\nnames={place}/local-ci-names.{}\numask 077\nsaid=$( (printf '%s\\000'",
        preamble(),
        nonce()?
    );
    for path in paths {
        script.push_str(" ./");
        script.push_str(&word(path.as_os_str().as_bytes()));
    }
    let code = NO_NAMES.to_string();
    script.extend([" >\"$names\") 2>&1) || {\nprintf %s \"$said\"\nexit ", &code, "\n}\n"]);
    Ok(script)
}

/// Takes `sum  name\0…`.
fn take_sums(contents: &mut BTreeMap<PathBuf, Content>, printed: &[u8]) {
    for line in printed.split(|byte| *byte == 0) {
        let Some(at) = line.iter().position(|byte| *byte == b' ') else { continue };
        let Some(path) = line.get(at + 2..) else { continue };
        if let Some(Content::File { sum, .. }) = contents.get_mut(&name(path)) {
            *sum = Some(String::from_utf8_lossy(&line[..at]).into_owned());
        }
    }
}
