//! From there to here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::{Exchange, Moved, content, name, points_inside, some, stays};
use crate::clock::{Clock, SystemClock};
use crate::process::tool::Tool;
use crate::remote::tree::carry::{Load, carry, nonce};
use crate::remote::tree::names::{Globs, is_ours};
use crate::remote::tree::notices;
use crate::remote::tree::place::{missing_there, preamble};
use crate::remote::tree::program::lines;
use crate::remote::tree::snapshot::{own_file, unusable};
use crate::remote::tree::words::word;
use crate::remote::{Fault, FaultKind};

const FIND: &str = include_str!("../scripts/outputs-find.sh");
/// How often a transfer is tried whose line was cut.
const TRIES: u32 = 5;
/// What a login shell prints by itself is no longer than this.
const NOISE_MAX: u64 = 1024 * 1024;

/// Has the files here that globs match there.
pub(in crate::remote::tree) fn fetch(exchange: &Exchange<'_>, globs: &[String]) -> Result<Moved, Fault> {
    let began = SystemClock.now();
    let globs = Globs::new(globs)?;
    let found = find(exchange, &globs)?;
    if found.is_empty() {
        for glob in globs.texts() {
            (exchange.hands.tell)(&notices::matched_nothing("outputs", glob));
        }
        return Ok(Moved { is_nothing: true, ..Moved::default() });
    }
    let took = || SystemClock.now().since(began);
    let wanted = differing(exchange, &found)?;
    if wanted.is_empty() {
        return Ok(Moved { took: took(), ..Moved::default() });
    }
    let incoming = own_file(exchange.store, "incoming")?;
    let moved = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&incoming)
        .map_err(|error| unusable(&incoming, &error))
        .and_then(|()| receive(exchange, &wanted, &incoming))
        .and_then(|()| place(exchange, &wanted, &incoming));
    let _ = fs::remove_dir_all(&incoming);
    moved.map(|moved| Moved { took: took(), ..moved })
}

/// Files there that globs match, with whether they may have changed since the tree was brought there.
fn find(exchange: &Exchange<'_>, globs: &Globs) -> Result<BTreeMap<PathBuf, bool>, Fault> {
    let stamp = exchange.base.map_or_else(|| "''".to_owned(), |base| word(base.join("ready").as_os_str().as_bytes()));
    let mut script = format!("{}dir={}\nstamp={stamp}\nset --", preamble(), word(exchange.dir.as_os_str().as_bytes()));
    for (start, depth) in globs.starts() {
        script.extend([" ", &word(start.as_bytes()), " ", &depth.unwrap_or(0).to_string()]);
    }
    script.push('\n');
    script.push_str(FIND);
    let answer = exchange.hands.call(&script)?;
    if answer.code != 0 {
        return Err(content::gone(exchange));
    }
    let mut found = BTreeMap::new();
    for entry in answer.output.split(|byte| *byte == 0) {
        let [age, _kind, path @ ..] = entry else { continue };
        let path = name(path);
        if stays(&path) && !is_ours(&path) && globs.has(&path) {
            found.insert(path, *age == b'n');
        }
    }
    Ok(found)
}

/// Those of them that are others here, or not here. What was sent and has not changed there is not what a stage has made,
/// whatever it is here by now.
fn differing(exchange: &Exchange<'_>, found: &BTreeMap<PathBuf, bool>) -> Result<BTreeSet<PathBuf>, Fault> {
    let all: Vec<&PathBuf> = found.keys().collect();
    let here = content::here(exchange, &all)?;
    let mut wanted: BTreeSet<PathBuf> =
        all.iter().filter(|path| !here.contains_key(**path)).map(|path| (*path).clone()).collect();
    let known: Vec<&PathBuf> = here.keys().collect();
    if known.is_empty() {
        return Ok(wanted);
    }
    let there = content::there(exchange, &known)?;
    let differs = |path: &&PathBuf| match (here.get(*path), there.get(*path)) {
        (Some(here), Some(there)) => !here.is(there),
        // It is gone meanwhile.
        (Some(_) | None, _) => false,
    };
    let differing: Vec<&PathBuf> = known.into_iter().filter(differs).collect();
    let newer = |path: &Path| exchange.published.is_newer(exchange.root, path, exchange.since);
    if exchange.base.is_none() || differing.iter().all(|path| found[*path] && !newer(path)) {
        wanted.extend(differing.into_iter().cloned());
        return Ok(wanted);
    }
    let sent = sent(exchange, &differing)?;
    let mut kept = BTreeSet::new();
    for path in differing {
        if !sent.contains(path) {
            wanted.insert(path.clone());
        } else if found[path] {
            if newer(path) { &mut kept } else { &mut wanted }.insert(path.clone());
        }
    }
    if !kept.is_empty() {
        (exchange.hands.tell)(&notices::changed_here(&some(&kept)));
    }
    Ok(wanted)
}

/// Which of these files were brought there with the tree.
fn sent(exchange: &Exchange<'_>, paths: &[&PathBuf]) -> Result<BTreeSet<PathBuf>, Fault> {
    let Some(base) = exchange.base else { return Ok(BTreeSet::new()) };
    let script = format!(
        "{}base={}\nIFS=' ' read -r _ what <\"$base/ready\" || exit 1\n\
         if [ \"$what\" = rsync ]; then cat \"$base/listed\"; \
         else git --git-dir=\"$base/repo.git\" ls-tree -r -z --full-tree --name-only \"$what\"; fi\n",
        preamble(),
        word(base.as_os_str().as_bytes()),
    );
    let answer = exchange.hands.call(&script)?;
    if answer.code != 0 {
        let text = format!("what was sent to {} is not known there any more", exchange.hands.there.host());
        return Err(Fault::new(FaultKind::Directory, text));
    }
    let names: BTreeSet<PathBuf> = answer.output.split(|byte| *byte == 0).map(name).collect();
    Ok(paths.iter().filter(|path| names.contains(&exchange.prefix.join(path))).map(|path| (*path).clone()).collect())
}

/// Has copies of them in a directory of ours.
fn receive(exchange: &Exchange<'_>, wanted: &BTreeSet<PathBuf>, incoming: &Path) -> Result<(), Fault> {
    let archive = own_file(exchange.store, "archive")?;
    let mut tries = 0;
    let received = loop {
        match attempt(exchange, wanted, &archive, incoming) {
            Err(fault) if fault.kind == FaultKind::Cut && tries < TRIES => tries += 1,
            received => break received,
        }
    };
    let _ = fs::remove_file(&archive);
    received
}

fn attempt(exchange: &Exchange<'_>, wanted: &BTreeSet<PathBuf>, archive: &Path, incoming: &Path) -> Result<(), Fault> {
    let host = exchange.hands.there.host();
    let cut = |said: &str| {
        let text = format!("the line to {host} was cut while files were being fetched: {said}");
        Fault::new(FaultKind::Cut, text)
    };
    let paths: Vec<&PathBuf> = wanted.iter().collect();
    let names = content::with_names(exchange, &paths)?;
    let file = word(&content::asked(exchange, &format!("{names}printf %s \"$names\"\n"))?);
    let nonce = nonce()?;
    let script = format!(
        "{}printf '\\n%s \\n' {nonce}\ncd {} || exit 1\ntar --create --no-recursion --null --files-from={file} --file=-\n\
         code=$?\nrm -f {file}\nexit $code\n",
        preamble(),
        word(exchange.dir.as_os_str().as_bytes()),
    );
    let carried = carry(exchange.hands, &script, Load::Into(archive))?;
    let unusable = |error: std::io::Error| unusable(archive, &error);
    let mut start = Vec::new();
    File::open(archive).and_then(|file| file.take(NOISE_MAX).read_to_end(&mut start)).map_err(unusable)?;
    let mark = format!("\n{nonce} \n");
    let at = memmem::find(&start, mark.as_bytes()).ok_or_else(|| cut("nothing came"))? + mark.len();
    match carried.code {
        0 => {}
        255 => return Err(cut(&lines(&carried.said))),
        127 => return Err(missing_there("tar", host)),
        // What it could not read would be missing, and nobody would be told.
        _ => {
            let text = format!("what was made on {host} could not all be read there: {}", lines(&carried.said));
            return Err(Fault::new(FaultKind::Directory, text));
        }
    }
    let unpack = "tail -c +\"$1\" \"$0\" | exec tar --extract --touch --preserve-permissions --no-same-owner --file=-";
    let tar = Tool::new(["/bin/sh", "-c", unpack]).arg(archive).arg((at + 1).to_string());
    // All of it is here: what is wrong now is wrong on this side.
    exchange.hands.run_well(&tar.env("LC_ALL", "C").dir(incoming), "unpack what stages have made").map(drop)
}

/// Whether nothing on the way to a file that was brought is a link.
fn is_way_real(incoming: &Path, path: &Path) -> bool {
    let mut at = incoming.to_owned();
    path.parent().into_iter().flat_map(Path::components).all(|part| {
        at.push(part);
        // What is not there leads nowhere.
        fs::symlink_metadata(&at).map_or(true, |metadata| metadata.is_dir())
    })
}

/// Moves them into their places.
fn place(exchange: &Exchange<'_>, wanted: &BTreeSet<PathBuf>, incoming: &Path) -> Result<Moved, Fault> {
    let mut moved = Moved::default();
    let mut out = BTreeSet::new();
    for path in wanted {
        let from = incoming.join(path);
        // A link on the way would have whatever it leads to, here, taken for what was brought.
        if !is_way_real(incoming, path) {
            (exchange.hands.tell)(&notices::not_placed(path, "its directory there is a link"));
            continue;
        }
        // What was asked for is taken, nothing else; it may be gone there meanwhile.
        let Ok(metadata) = fs::symlink_metadata(&from) else { continue };
        if !metadata.is_file() && !metadata.is_symlink() {
            continue;
        }
        if fs::read_link(&from).is_ok_and(|target| !points_inside(path, &target)) {
            out.insert(path.clone());
            continue;
        }
        match exchange.published.publish(&from, exchange.root, path)? {
            Ok(()) => {
                moved.files += 1;
                moved.bytes += metadata.len();
            }
            Err(why) => (exchange.hands.tell)(&notices::not_placed(path, &why)),
        }
    }
    if !out.is_empty() {
        (exchange.hands.tell)(&notices::leads_out(&some(&out)));
    }
    Ok(moved)
}
