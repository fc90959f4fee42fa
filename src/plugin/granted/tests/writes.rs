//! Writing. H159: beneath the project and where it was granted, whatever links say.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{Bench, list};
use crate::pipeline::plugin::Grants;
use crate::plugin::services::{FileFailure, Services};

fn writing(globs: &[&str]) -> Grants {
    Grants { files_write: list(globs), ..Grants::default() }
}

#[test]
fn a_file_is_replaced_as_a_whole_and_keeps_its_mode() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("script"), "a long text").unwrap();
    fs::set_permissions(dir.path().join("script"), Permissions::from_mode(0o751)).unwrap();
    let reader = fs::File::open(dir.path().join("script")).unwrap();
    let mut granted = Bench::at(dir.path()).granted(&writing(&["**"]));
    granted.write("script", b"short").unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("script")).unwrap(), "short");
    assert_eq!(fs::metadata(dir.path().join("script")).unwrap().permissions().mode() & 0o7777, 0o751);
    assert_eq!(std::io::read_to_string(reader).unwrap(), "a long text", "who reads it has it whole");
    granted.write("new/and/deep/file", b"x").unwrap();
    assert_eq!(fs::read(dir.path().join("new/and/deep/file")).unwrap(), b"x");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_was_not_granted_is_not_written_and_nothing_is_made_for_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("out")).unwrap();
    let mut granted = Bench::at(dir.path()).granted(&writing(&["out/*.txt"]));
    for path in ["a.txt", "new/a.txt", "out/a.rs", "out/new/a.txt", "../a.txt", "/tmp/a.txt", "out/../a.txt", "out"] {
        assert!(matches!(granted.write(path, b"x"), Err(FileFailure::Denied(_))), "{path}");
    }
    granted.write("out/a.txt", b"x").unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    // What is written cannot be read for that.
    assert!(granted.read("out/a.txt", 0, 9).is_err());
    let large = vec![0; (16 << 20) + 1];
    assert_eq!(granted.write("out/a.txt", &large), Err(FileFailure::TooLarge((16 << 20) + 1)));
}

#[test]
fn h159_no_link_takes_a_file_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("project");
    fs::create_dir_all(root.join("open")).unwrap();
    fs::create_dir_all(root.join("closed")).unwrap();
    fs::create_dir_all(root.join(".git/hooks")).unwrap();
    fs::create_dir_all(dir.path().join("out")).unwrap();
    fs::write(dir.path().join("out/file"), "theirs").unwrap();
    fs::write(root.join("closed/file"), "closed").unwrap();
    fs::write(root.join("open/file"), "open").unwrap();
    for (target, link) in [
        ("../../out/file", "file-out"),
        ("../../out", "directory-out"),
        ("../../out/new", "dangling-out"),
        ("../closed/file", "file-closed"),
        ("../closed", "directory-closed"),
        ("nothing", "dangling"),
        ("../.git/hooks", "hooks"),
        ("file", "inside"),
    ] {
        symlink(target, root.join("open").join(link)).unwrap();
    }
    symlink(dir.path().join("out/file"), root.join("open/absolute")).unwrap();
    let mut granted = Bench::at(&root).granted(&writing(&["open/**"]));
    for path in [
        "open/file-out",
        "open/directory-out/file",
        "open/directory-out/new",
        "open/directory-out/new/x",
        "open/dangling-out",
        "open/file-closed",
        "open/directory-closed/file",
        "open/directory-closed/new",
        "open/directory-closed/new/x",
        "open/dangling",
        "open/hooks/pre-push",
        "open/absolute",
    ] {
        let failure = granted.write(path, b"x").unwrap_err();
        assert!(matches!(failure, FileFailure::Denied(_)), "{path}: {failure:?}");
    }
    granted.write("open/inside", b"mended").unwrap();
    assert_eq!(fs::read_to_string(root.join("open/file")).unwrap(), "mended");
    assert!(fs::symlink_metadata(root.join("open/inside")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(dir.path().join("out/file")).unwrap(), "theirs");
    assert_eq!(fs::read_to_string(root.join("closed/file")).unwrap(), "closed");
    assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(root.join("closed")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(root.join(".git/hooks")).unwrap().count(), 0);
}

#[test]
fn what_is_gits_and_what_is_ours_is_never_written() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("state/runs")).unwrap();
    symlink("state", dir.path().join("link")).unwrap();
    let mut bench = Bench::at(dir.path());
    bench.ours = vec![dir.path().join("link")];
    let mut granted = bench.granted(&writing(&["**"]));
    for path in [
        ".git/config",
        "sub/.git/config",
        "local-ci.toml",
        "local-ci.lock",
        "state/x",
        "state/runs/1",
        "state/new/x",
        "link/x",
    ] {
        assert!(matches!(granted.write(path, b"x"), Err(FileFailure::Denied(_))), "{path}");
    }
    assert_eq!(fs::read_dir(dir.path().join("state")).unwrap().count(), 1);
    granted.write("stated", b"x").unwrap();
}

/// `-c other.toml`: a config of any name decides over plugins, and so does what a link of that name stands for.
#[test]
fn what_the_pipeline_was_read_from_is_never_written() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("ci")).unwrap();
    for file in ["other.toml", "ci/linked.toml"] {
        fs::write(dir.path().join(file), "[stages]").unwrap();
    }
    symlink("ci/linked.toml", dir.path().join("link.toml")).unwrap();
    symlink("other.toml", dir.path().join("way")).unwrap();
    fs::hard_link(dir.path().join("other.toml"), dir.path().join("OTHER.toml")).unwrap();
    let mut bench = Bench::at(dir.path());
    bench.ours = ["other.toml", "link.toml", "gone.toml"].map(|file| dir.path().join(file)).to_vec();
    let mut granted = bench.granted(&writing(&["**"]));
    for path in ["other.toml", "./other.toml", "way", "OTHER.toml", "link.toml", "ci/linked.toml", "gone.toml"] {
        let refused = granted.write(path, b"x").unwrap_err();
        assert!(matches!(&refused, FileFailure::Denied(why) if why.contains("decides over plugins")), "{refused:?}");
    }
    assert_eq!(fs::read_to_string(dir.path().join("other.toml")).unwrap(), "[stages]");
    granted.write("ci/other.toml", b"x").unwrap();
}

#[test]
fn a_directory_that_cannot_be_written_says_so_and_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a/b")).unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let mut granted = Bench::at(dir.path()).granted(&writing(&["**"]));
    assert!(matches!(granted.write("a/b", b"x"), Err(FileFailure::Other(_))));
    assert!(granted.write("file/x", b"x").is_err());
    assert_eq!(fs::read_dir(dir.path().join("a")).unwrap().count(), 1);
}
