//! Reading and looking. H159: nothing outside the project, and nothing in it that was not granted, however it is named.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Bench, list, reading};
use crate::pipeline::plugin::Grants;
use crate::plugin::services::{FileFailure, Services};

fn denied(failure: &FileFailure) -> bool {
    matches!(failure, FileFailure::Denied(_))
}

#[test]
fn a_granted_file_is_read_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    fs::write(dir.path().join("src/a"), "0123456789").unwrap();
    fs::write(dir.path().join("src/empty"), "").unwrap();
    let mut granted = Bench::at(dir.path()).granted(&reading(&["src/**"]));
    for (offset, len, is) in
        [(0, 100, "0123456789"), (3, 4, "3456"), (8, 100, "89"), (10, 1, ""), (u64::MAX, u64::MAX, ""), (0, 0, "")]
    {
        assert_eq!(granted.read("src/a", offset, len).unwrap(), is.as_bytes(), "{offset} {len}");
    }
    assert_eq!(granted.read("./src//a", 0, u64::MAX).unwrap(), b"0123456789");
    assert_eq!(granted.read("src/empty", 0, 9).unwrap(), b"");
    assert_eq!(granted.read("src/b", 0, 9), Err(FileFailure::Missing));
    assert_eq!(granted.read("src/a/b", 0, 9), Err(FileFailure::Missing));
    assert!(matches!(granted.read("src", 0, 9), Err(FileFailure::Denied(_))));
}

#[test]
fn what_is_too_large_for_once_is_read_in_several_goes() {
    let dir = tempfile::tempdir().unwrap();
    let large = fs::File::create(dir.path().join("large")).unwrap();
    large.set_len((16 << 20) + 1).unwrap();
    let mut granted = Bench::at(dir.path()).granted(&reading(&["*"]));
    assert_eq!(granted.read("large", 0, u64::MAX), Err(FileFailure::TooLarge((16 << 20) + 1)));
    assert_eq!(granted.read("large", 0, 16 << 20).unwrap().len(), 16 << 20);
    assert_eq!(granted.read("large", 16 << 20, u64::MAX).unwrap(), [0]);
}

#[test]
fn h159_no_name_leads_out_of_the_project() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("project");
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::write(root.join(".git/config"), "git's own").unwrap();
    fs::write(dir.path().join("secret"), "secret").unwrap();
    symlink(dir.path().join("secret"), root.join("absolute")).unwrap();
    symlink("../secret", root.join("relative")).unwrap();
    symlink("../..", root.join("a/up")).unwrap();
    symlink("/proc/self/environ", root.join("environ")).unwrap();
    symlink("/proc/self/root", root.join("root")).unwrap();
    symlink(".git", root.join("git")).unwrap();
    let mut granted = Bench::at(&root).granted(&reading(&["**"]));
    let secret = dir.path().join("secret").to_str().unwrap().to_owned();
    for path in [
        "..",
        "../secret",
        "a/../../secret",
        "a/b/../../../secret",
        "./../secret",
        secret.as_str(),
        "/proc/self/environ",
        "absolute",
        "relative",
        "a/up/secret",
        "environ",
        "root/etc/hosts",
        "",
        "/",
        ".",
        "a\\..\\secret",
        "secret\0",
        ".git/config",
        "git/config",
        "a/../.git/config",
        ".GIT/config",
    ] {
        let failure = granted.read(path, 0, 100).unwrap_err();
        assert!(denied(&failure), "{path:?}: {failure:?}");
    }
    for pattern in ["../*", "/etc/*", "a/../../*", "**/../*", ""] {
        assert!(granted.glob(pattern, 9).is_err(), "{pattern}");
    }
    for pattern in ["**", "*", "a/**", "relative", ".git/**", "a/up/*", "root/**"] {
        assert_eq!(granted.glob(pattern, 9).unwrap(), [], "{pattern}");
    }
}

#[test]
fn h159_a_link_inside_opens_what_is_granted_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["open", "closed"] {
        fs::create_dir(dir.path().join(name)).unwrap();
        fs::write(dir.path().join(name).join("file"), name).unwrap();
    }
    symlink("../closed/file", dir.path().join("open/link")).unwrap();
    symlink("../closed", dir.path().join("open/directory")).unwrap();
    symlink("file", dir.path().join("open/same")).unwrap();
    let mut granted = Bench::at(dir.path()).granted(&reading(&["open/**"]));
    assert_eq!(granted.read("open/same", 0, 9).unwrap(), b"open");
    for path in ["open/link", "open/directory/file"] {
        let FileFailure::Denied(why) = granted.read(path, 0, 9).unwrap_err() else { panic!("{path}") };
        assert!(why.contains("is a link to `closed/file`") && why.contains(r#"files-read = ["closed/file"]"#), "{why}");
    }
    let names: Vec<_> = granted.glob("**", 9).unwrap().into_iter().map(|entry| entry.path).collect();
    assert_eq!(names, ["open/file"]);
}

/// H159: a name that is exchanged while it is looked at. What is read is always the granted file.
#[test]
fn h159_a_race_between_the_look_and_the_opening_is_won_by_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("project");
    fs::create_dir_all(root.join("a")).unwrap();
    fs::create_dir_all(dir.path().join("out")).unwrap();
    fs::write(root.join("a/file"), "inside").unwrap();
    fs::write(dir.path().join("out/file"), "secret").unwrap();
    symlink("../out", root.join("evil")).unwrap();
    symlink("../../out/file", root.join("a/evil")).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Exchanges the directory, and the file in it, with links that lead out, as fast as it can.
        scope.spawn(|| {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            let exchange = |one: &str, other: &str| {
                let _ = renameat_with(CWD, root.join(one), CWD, root.join(other), RenameFlags::EXCHANGE);
            };
            while !over.load(Ordering::Relaxed) {
                exchange("a", "evil");
                exchange("a", "evil");
                exchange("a/file", "a/evil");
                exchange("a/file", "a/evil");
            }
        });
        let mut granted = Bench::at(&root).granted(&reading(&["a/**"]));
        let (mut read, mut refused) = (0, 0);
        for _ in 0..200_000 {
            match granted.read("a/file", 0, 100) {
                Ok(content) => {
                    assert_eq!(content, b"inside");
                    read += 1;
                }
                Err(_) => refused += 1,
            }
            let found = granted.glob("a/*", 9);
            assert!(found.is_err() || found.unwrap().iter().all(|entry| entry.size == 6));
            if read > 200 && refused > 200 {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
        assert!(read > 0 && refused > 0, "nothing was exchanged in time: {read} {refused}");
    });
}

#[test]
fn h159_only_regular_files_are_opened() {
    let dir = tempfile::tempdir().unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("fifo"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let _socket = UnixListener::bind(dir.path().join("socket")).unwrap();
    fs::create_dir(dir.path().join("directory")).unwrap();
    let mut granted = Bench::at(dir.path()).granted(&reading(&["*"]));
    // A FIFO without a writer would be waited for for ever.
    for path in ["fifo", "socket", "directory"] {
        assert!(matches!(granted.read(path, 0, 9), Err(FileFailure::Other(_))), "{path}");
    }
    assert_eq!(granted.glob("*", 9).unwrap(), []);
}

#[test]
fn a_glob_finds_granted_files_that_git_does_not_ignore_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::create_dir_all(root.join(".git")).unwrap();
    for directory in ["src/b", "target", "docs"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    for file in
        ["src/z.rs", "src/a.rs", "src/b/.hidden.rs", "src/b/c.rs", "src/x.txt", "target/t.rs", "docs/d.rs", ".env"]
    {
        fs::write(root.join(file), file).unwrap();
    }
    fs::write(root.join(".gitignore"), "target\n.env\n").unwrap();
    let found = |pattern: &str, limit: u32| {
        let mut granted = Bench::at(root).granted(&reading(&["src/**", "target/**", ".env"]));
        granted.glob(pattern, limit).unwrap().into_iter().map(|entry| entry.path).collect::<Vec<_>>()
    };
    assert_eq!(found("**/*.rs", 99), ["src/a.rs", "src/b/.hidden.rs", "src/b/c.rs", "src/z.rs"]);
    assert_eq!(found("**/*.rs", 2), ["src/a.rs", "src/b/.hidden.rs"]);
    assert_eq!(found("src/*", 99), ["src/a.rs", "src/x.txt", "src/z.rs"]);
    assert_eq!(found("./src/b/c.rs", 99), ["src/b/c.rs"]);
    for nothing in ["docs/**", "target/**", ".env", "src"] {
        assert!(found(nothing, 99).is_empty(), "{nothing}");
    }
    assert!(found("**", 0).is_empty());
    let mut granted = Bench::at(root).granted(&reading(&["src/**"]));
    let entries = granted.glob("src/a.rs", 9).unwrap();
    assert_eq!((entries[0].size, entries[0].dir), (8, false));
    assert!(matches!(granted.glob("a[", 9), Err(FileFailure::Other(_))));
}

#[test]
fn a_refusal_to_look_names_the_glob_as_it_would_be_granted() {
    let dir = tempfile::tempdir().unwrap();
    let needs = reading(&["**"]);
    let authority = crate::plugin::authority::Authority::new("x", &needs, &Grants::default(), None).unwrap();
    let why = authority.may_look("src/*.rs").unwrap_err().to_string();
    assert!(why.contains(r#"files-read = ["src/*.rs"]"#), "{why}");
    let gone = dir.path().join("gone");
    let mut granted = Bench::at(&gone).granted(&Grants { files_read: list(&["**"]), ..Grants::default() });
    assert!(matches!(granted.read("a", 0, 1), Err(FileFailure::Other(_))));
}
