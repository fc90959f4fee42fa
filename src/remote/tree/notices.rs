//! What a person is told of what is not sent as they may expect it, a sentence each.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::order::{Hands, Order};
use super::store;
use crate::pipeline::remote::{Remote, Sync};
use crate::text::plain::printable;

/// So many names stand in one sentence.
const NAMES_MAX: usize = 5;

fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}

fn names(paths: &[PathBuf]) -> String {
    let mut names: Vec<String> = paths.iter().take(NAMES_MAX).map(|path| format!("`{}`", shown(path))).collect();
    if paths.len() > NAMES_MAX {
        names.push(format!("{} more", paths.len() - NAMES_MAX));
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Files that are never sent by themselves.
pub(super) fn secrets(paths: &[PathBuf], remote: &Remote) -> Option<String> {
    let verb = if paths.len() == 1 { "is" } else { "are" };
    let glob = shown(paths.first()?);
    let is_bare = remote.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let name = if is_bare { remote.name.clone() } else { format!("{:?}", remote.name) };
    let mode = if remote.sync == Sync::Rsync { "mode = \"rsync\", " } else { "" };
    Some(format!(
        "{} {verb} not sent, since files of that name hold secrets; to send one: [remotes.{name}] sync = {{ \
         {mode}include = [\"{glob}\"] }}",
        names(paths),
    ))
}

/// Tells which files are never sent by themselves, unless that was what was told of this machine the last time.
pub(super) fn tell_secrets(paths: &[PathBuf], order: &Order<'_>, hands: &Hands<'_>) {
    let told = order.store.join("told");
    let Some(notice) = secrets(paths, order.remote) else {
        let _ = fs::remove_file(told);
        return;
    };
    if fs::read(&told).is_ok_and(|before| before == notice.as_bytes()) {
        return;
    }
    (hands.tell)(&notice);
    // Without it, it is told the next time too.
    let _ = store::file(&told).and_then(|mut file| file.write_all(notice.as_bytes()));
}

/// Repositories below this one.
pub(super) fn repositories(paths: &[PathBuf]) -> Option<String> {
    let (verb, which, it) = match paths {
        [] => return None,
        [_] => ("is", "a repository of its own (a submodule, perhaps)", "it"),
        _ => ("are", "repositories of their own (submodules, perhaps)", "them"),
    };
    Some(format!("{} {verb} {which}, and what is in {it} is not sent; sync = \"rsync\" sends that too", names(paths)))
}

/// A file or directory that may not be read.
pub(super) fn unreadable(path: &str) -> String {
    format!("`{}` may not be read here and is not sent", printable(path.trim_end_matches('/')))
}

/// A glob that is for nothing.
pub(super) fn matched_nothing(key: &str, glob: &str) -> String {
    format!("`{}` in `{key}` matches no file", printable(glob))
}

/// Files that git keeps in another form than they have in the work tree.
pub(super) fn filtered(filter: &str, files: usize) -> String {
    let files = if files == 1 { "1 file is".to_owned() } else { format!("{files} files are") };
    let form = if filter == "lfs" { "kept by Git LFS: pointers are sent" } else { "sent as git keeps them" };
    format!(
        "{files} {form} (filter={}), not what stands in the work tree; sync = \"rsync\" sends that",
        printable(filter)
    )
}

/// A project that is in no repository.
pub(super) fn no_repository() -> String {
    "the project is in no git repository: its files are sent by rsync".to_owned()
}

/// What could not be cleaned away there.
pub(super) fn left_there(host: &str, said: &str) -> String {
    format!("what earlier stages left on {host} could not all be removed: {said}")
}

/// Links that mean nothing elsewhere, or something else.
pub(super) fn leads_out(paths: &[PathBuf]) -> String {
    let (verb, what) = if paths.len() == 1 { ("leads", "is") } else { ("lead", "are") };
    format!("{} {verb} out of the project and {what} not brought to the other machine or back", names(paths))
}

/// Files that a stage there and somebody here have both changed.
pub(super) fn changed_here(paths: &[PathBuf]) -> String {
    let (verb, stay) = if paths.len() == 1 { ("has", "stays as it is") } else { ("have", "stay as they are") };
    format!("{} {verb} been changed here since the work tree was sent, and {stay}", names(paths))
}

/// A file that came and has no place.
pub(super) fn not_placed(path: &Path, why: &str) -> String {
    format!("`{}` was not put into its place: {why}", shown(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::remote::Destination;

    #[test]
    fn many_names_are_counted() {
        let paths: Vec<PathBuf> = (0..7).map(|n| format!("m{n}").into()).collect();
        insta::assert_snapshot!(repositories(&paths).unwrap_or_default(), @"`m0`, `m1`, `m2`, `m3`, `m4` and 2 more are repositories of their own (submodules, perhaps), and what is in them is not sent; sync = \"rsync\" sends that too");
    }

    #[test]
    fn who_wants_to_send_a_secret_is_told_what_to_write_and_where() {
        let destination = |host: &str| Destination::parse(host).unwrap();
        let mut remote = Remote::new("box", destination("box.example.invalid"));
        let paths = [".env".into(), "a\nb/.env".into()];
        insta::assert_snapshot!(secrets(&paths, &remote).unwrap_or_default(), @r#"`.env` and `a\nb/.env` are not sent, since files of that name hold secrets; to send one: [remotes.box] sync = { include = [".env"] }"#);
        remote = Remote { name: "ci@box.example.invalid".into(), sync: Sync::Rsync, ..remote };
        insta::assert_snapshot!(secrets(&paths[..1], &remote).unwrap_or_default(), @r#"`.env` is not sent, since files of that name hold secrets; to send one: [remotes."ci@box.example.invalid"] sync = { mode = "rsync", include = [".env"] }"#);
        assert_eq!(secrets(&[], &remote), None);
    }
}
