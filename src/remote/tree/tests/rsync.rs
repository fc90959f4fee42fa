//! By way of rsync.

use super::*;

fn rig(files: &[(&str, &str)]) -> Rig {
    let mut rig = Rig::new();
    rig.remote.sync = Sync::Rsync;
    for (name, text) in files {
        rig.write(name, text);
    }
    rig
}

fn send(rig: &Rig) -> Sent {
    let (tree, sent) = rig.send();
    rig.release(&tree);
    sent
}

#[test]
fn what_no_gitignore_hides_is_sent_without_a_repository() {
    let rig = rig(&[("a", "1"), (".gitignore", "target/\n*.log\n!keep.log\n"), ("target/x", "no"), ("x.log", "no")]);
    rig.write("keep.log", "yes");
    rig.write("sub/.gitignore", "/local\n");
    rig.write("sub/local", "no");
    rig.write(".env", "SECRET=1");
    for name in [&b"new\nline"[..], b"not \xff text", b"-f", b"sub/ x"] {
        rig.write(odd(name), "odd");
    }
    std::os::unix::fs::symlink("a", rig.root.join("link")).unwrap();
    fs::set_permissions(rig.root.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
    let sent = send(&rig);
    let mut expected = contents(&rig.root);
    let left_out = ["target/x", "x.log", "sub/local", ".env"];
    expected.retain(|path, _| !left_out.iter().any(|name| path == Path::new(name)));
    assert_eq!(contents(&rig.work()), expected);
    assert_eq!(sent.files, u64::try_from(expected.len()).unwrap());
    insta::assert_snapshot!(rig.told().join("\n"), @r#"`.env` is not sent, since files of that name hold secrets; to send one: [remotes.box] sync = { mode = "rsync", include = [".env"] }"#);
}

#[test]
fn content_decides_and_not_the_time() {
    let rig = rig(&[("same", "1"), ("other", "one")]);
    send(&rig);
    let work = rig.work();
    let untouched = modified(&work.join("same"));
    // The same size, and a time long ago: what looks unchanged to who goes by that.
    rig.write("other", "two");
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(rig.root.join("other")).unwrap().set_modified(long_ago).unwrap();
    fs::File::options().write(true).open(rig.root.join("same")).unwrap().set_modified(long_ago).unwrap();
    let sent = send(&rig);
    assert_eq!(sent.files, 1);
    assert_eq!(fs::read(work.join("other")).unwrap(), b"two");
    assert_eq!(modified(&work.join("same")), untouched);
    assert_ne!(modified(&work.join("other")), long_ago, "a build there has to see that it is new");
}

/// H140: what is removed there is what was sent before, and never through a link.
#[test]
fn h140_only_what_was_sent_is_removed() {
    let rig = rig(&[("a", "1"), ("gone", "1"), ("dir/gone", "1"), ("moved/x", "1"), ("turned", "a file")]);
    send(&rig);
    let work = rig.work();
    write(&work.join("target/debug/app"), "built");
    write(&work.join("dir/made by a stage"), "x");
    let outside = rig.there.home.join("outside");
    write(&outside.join("x"), "precious");
    fs::remove_dir_all(work.join("moved")).unwrap();
    std::os::unix::fs::symlink(&outside, work.join("moved")).unwrap();
    for name in ["gone", "dir/gone", "moved/x", "turned"] {
        fs::remove_file(rig.root.join(name)).unwrap();
    }
    rig.write("turned/into a directory", "x");
    // A list that somebody has tampered with leads nowhere else.
    let listed = rig.base().join("listed");
    let mut names = fs::read(&listed).unwrap();
    names.extend(b"../../precious\0/etc/precious\0");
    fs::write(&listed, names).unwrap();
    fs::remove_file(rig.base().join("listed.id")).unwrap();
    write(&rig.base().join("../precious"), "x");
    send(&rig);
    let expected = ["a", "dir/made by a stage", "moved", "target/debug/app", "turned/into a directory"];
    assert_eq!(super::names(&work), expected.map(str::to_owned).into());
    assert!(outside.join("x").exists() && rig.base().join("../precious").exists());
    // Nothing of it is remembered as ours.
    send(&rig);
    assert!(work.join("dir/made by a stage").exists());
}

#[test]
fn a_transfer_that_was_broken_off_forgets_nothing() {
    let rig = rig(&[("a", "1"), ("b", "1")]);
    send(&rig);
    // As if it had ended after the list of what is to come was written.
    fs::remove_file(rig.base().join("listed.id")).unwrap();
    fs::remove_file(rig.base().join("ready")).unwrap();
    fs::remove_file(rig.root.join("b")).unwrap();
    send(&rig);
    assert_eq!(super::names(&rig.work()), ["a".to_owned()].into());
    assert!(rig.base().join("ready").exists());
}

#[test]
fn a_repository_is_sent_by_its_own_rules_and_with_those_in_it() {
    let rig = rig(&[("a", "1"), (".gitignore", "*.o\n"), ("x.o", "no"), ("tracked.o", "yes"), ("gone", "1")]);
    rig.git("init -q");
    rig.git("add -f tracked.o gone");
    rig.commit();
    fs::remove_file(rig.root.join("gone")).unwrap();
    rig.write("module/file", "yes");
    rig.write("module/.gitignore", "no\n");
    rig.write("module/no", "no");
    rig.git_in(&rig.root.join("module"), "init -q");
    send(&rig);
    let expected = ["a", ".gitignore", "tracked.o", "module/file", "module/.gitignore"];
    assert_eq!(super::names(&rig.work()), expected.map(str::to_owned).into());
}

#[test]
fn ignored_files_are_sent_where_they_are_included() {
    let mut rig =
        rig(&[("a", "1"), (".gitignore", "gen\n.env\n"), ("gen/x.rs", "1"), ("gen/y.txt", "1"), (".env", "1")]);
    rig.remote.include = vec!["gen".into(), "!gen/*.txt".into(), ".env".into(), "missing".into()];
    send(&rig);
    assert_eq!(super::names(&rig.work()), ["a", ".gitignore", "gen/x.rs", ".env"].map(str::to_owned).into());
    insta::assert_snapshot!(rig.told().join("\n"), @"`missing` in `sync.include` matches no file");
}
