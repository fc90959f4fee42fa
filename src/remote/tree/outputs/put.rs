//! From here to there.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::{Exchange, Moved, content, names, points_inside, some};
use crate::clock::{Clock, SystemClock};
use crate::process::tool::Tool;
use crate::remote::tree::carry::{Load, after, carry, nonce};
use crate::remote::tree::listing::matched;
use crate::remote::tree::names::Globs;
use crate::remote::tree::notices;
use crate::remote::tree::place::{is_full, missing_there, no_space, preamble};
use crate::remote::tree::program::lines;
use crate::remote::tree::snapshot::{own_file, unusable};
use crate::remote::tree::store;
use crate::remote::tree::words::word;
use crate::remote::{Fault, FaultKind};

/// How often a transfer is tried whose line was cut.
const TRIES: u32 = 5;

/// Has the files there that globs match here.
pub(in crate::remote::tree) fn put(exchange: &Exchange<'_>, globs: &[String]) -> Result<Moved, Fault> {
    let began = SystemClock.now();
    let mut found = matched(exchange.root, &Globs::new(globs)?);
    let leads_out =
        |path: &PathBuf| fs::read_link(exchange.root.join(path)).is_ok_and(|target| !points_inside(path, &target));
    let out: BTreeSet<PathBuf> = found.iter().filter(|path| leads_out(path)).cloned().collect();
    if !out.is_empty() {
        (exchange.hands.tell)(&notices::leads_out(&some(&out)));
        found.retain(|path| !out.contains(path));
    }
    if found.is_empty() {
        return Ok(Moved { is_nothing: true, ..Moved::default() });
    }
    let wanted: Vec<&PathBuf> = found.iter().collect();
    let here = content::here(exchange, &wanted)?;
    let there = content::there(exchange, &wanted)?;
    let differs = |path: &&PathBuf| match (here.get(*path), there.get(*path)) {
        (Some(here), Some(there)) => !here.is(there),
        (Some(_), None) => true,
        (None, _) => false,
    };
    let wanted: Vec<&PathBuf> = wanted.into_iter().filter(differs).collect();
    let took = || SystemClock.now().since(began);
    if wanted.is_empty() {
        return Ok(Moved { took: took(), ..Moved::default() });
    }
    let bytes = wanted.iter().filter_map(|path| fs::symlink_metadata(exchange.root.join(path)).ok());
    let bytes = bytes.map(|metadata| metadata.len()).sum();
    let archive = own_file(exchange.store, "archive")?;
    let sent = pack(exchange, &wanted, &archive).and_then(|()| {
        let mut tries = 0;
        loop {
            match unpack(exchange, &archive) {
                // The control channel waits until the line is there again.
                Err(fault) if fault.kind == FaultKind::Cut && tries < TRIES => {
                    exchange.hands.call(":")?;
                    tries += 1;
                }
                sent => break sent,
            }
        }
    });
    let _ = fs::remove_file(&archive);
    sent?;
    Ok(Moved { files: u64::try_from(wanted.len()).unwrap_or(u64::MAX), bytes, took: took(), is_nothing: false })
}

fn pack(exchange: &Exchange<'_>, wanted: &[&PathBuf], archive: &std::path::Path) -> Result<(), Fault> {
    store::directory(exchange.store).map_err(|error| unusable(exchange.store, &error))?;
    let what = ["tar", "--create", "--no-recursion", "--null", "--files-from=-", "--file"];
    let tar = Tool::new(what).arg(archive).env("LC_ALL", "C").dir(exchange.root);
    exchange.hands.run_well(&tar.stdin(names(wanted.iter().copied())), "pack what stages have made").map(drop)
}

fn unpack(exchange: &Exchange<'_>, archive: &std::path::Path) -> Result<(), Fault> {
    let nonce = nonce()?;
    // A file gets the time at which it came: what was built from the one before is older then, by the clock there.
    let script = format!(
        "{}cd {} || exit 1\nif said=$(tar -x -m -p --no-same-owner -f - 2>&1); then how=done; else how=failed; fi\n\
         printf '\\n%s %s\\n%s\\n' {nonce} \"$how\" \"$said\"\n",
        preamble(),
        word(exchange.dir.as_os_str().as_bytes()),
    );
    let host = exchange.hands.there.host();
    let said = carry(exchange.hands, &script, Load::From(archive))?.output;
    let cut = || Fault::new(FaultKind::Cut, format!("the line to {host} was cut while files were being sent"));
    let said = String::from_utf8_lossy(after(&said, &nonce).ok_or_else(cut)?).into_owned();
    match said.split_once('\n').unwrap_or((&said, "")) {
        ("done", _) => Ok(()),
        (_, text) if is_full(text) => Err(no_space(host, text)),
        (_, text) if text.contains("not found") => Err(missing_there("tar", host)),
        (_, text) => {
            let text = format!("what stages have made could not be brought to {host}: {}", lines(text));
            Err(Fault::new(FaultKind::Directory, text))
        }
    }
}
