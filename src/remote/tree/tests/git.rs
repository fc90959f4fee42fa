//! By way of git.

use super::*;

/// All bytes below `.git`, by name.
fn repository_bytes(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    walk(dir, dir, &mut found);
    found
}

#[test]
fn the_tree_there_is_the_tree_here_whatever_its_state() {
    let rig = Rig::repository(&[("a", "1\n"), ("gone", "x"), ("dir/old name", "text\n"), ("run.sh", "#!/bin/sh\n")]);
    rig.write(".gitignore", "target/\n*.log\n!keep.log\n");
    rig.write("a", "changed\n");
    fs::remove_file(rig.root.join("gone")).unwrap();
    fs::rename(rig.root.join("dir/old name"), rig.root.join("dir/new name")).unwrap();
    fs::set_permissions(rig.root.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("dir/new name", rig.root.join("link")).unwrap();
    for (name, text) in [("untracked", "new"), ("x.log", "no"), ("keep.log", "yes"), ("target/debug/app", "no")] {
        rig.write(name, text);
    }
    for name in [&b"new\nline"[..], b"not \xff text", b"-f", "größe 日本".as_bytes(), b"qu\"o'te\\", b" lead"] {
        rig.write(odd(name), "odd");
    }
    // Staged, then changed again: what counts is the work tree.
    rig.write("staged", "one");
    rig.git("add staged");
    rig.write("staged", "two");
    let (_, sent) = rig.send();

    let mut expected = contents(&rig.root);
    expected.retain(|path, _| path != Path::new("x.log") && !path.starts_with("target"));
    assert_eq!(contents(&rig.work()), expected);
    assert_eq!(sent.files, u64::try_from(expected.len()).unwrap());
    assert!(sent.bytes > 0);
    assert_eq!(rig.told(), Vec::<String>::new());
}

#[test]
fn nothing_of_the_repository_here_changes() {
    let rig = Rig::repository(&[("a", "1"), ("b", "2"), (".gitignore", "*.o\n")]);
    rig.write("a", "stashed");
    rig.git("-c user.name=a -c user.email=a@example.invalid stash -q");
    rig.write("b", "staged");
    rig.git("add b");
    rig.write("b", "and changed");
    rig.write("new", "untracked");
    write(&rig.root.join(".git/hooks/post-index-change"), "#!/bin/sh\ntouch \"$HOME/hooked\"\n");
    fs::set_permissions(rig.root.join(".git/hooks/post-index-change"), fs::Permissions::from_mode(0o755)).unwrap();
    let before = repository_bytes(&rig.root.join(".git"));
    let files = contents(&rig.root);
    let (tree, _) = rig.send();
    rig.release(&tree);
    rig.write("b", "again");
    rig.send();
    rig.write("b", "and changed");
    assert_eq!(repository_bytes(&rig.root.join(".git")), before);
    assert_eq!(contents(&rig.root), files);
    assert!(!rig.home.path().join("here/hooked").exists());
    assert!(rig.git("status --porcelain").contains("MM b"));
}

#[test]
fn only_what_differs_is_written_and_what_is_ignored_stays() {
    let rig = Rig::repository(&[("same", "1"), ("other", "1"), ("gone/deep/file", "1"), (".gitignore", "target/\n")]);
    let (tree, _) = rig.send();
    rig.release(&tree);
    let work = rig.work();
    let untouched = modified(&work.join("same"));
    write(&work.join("target/debug/app"), "built");
    write(&work.join("left by a stage"), "x");
    write(&work.join("other"), "a stage wrote this");
    rig.write("changed", "2");
    fs::remove_dir_all(rig.root.join("gone")).unwrap();
    let (_, sent) = rig.send();
    assert_eq!(sent.files, 2);
    assert_eq!(modified(&work.join("same")), untouched);
    assert_eq!(names(&work), ["same", "other", "changed", ".gitignore", "target/debug/app"].map(str::to_owned).into());
    assert_eq!(fs::read(work.join("other")).unwrap(), b"1");
    assert!(!work.join("gone").exists());
}

#[test]
fn only_what_is_not_there_goes_over_the_line() {
    let large: String = (0..20_000).map(|n: u64| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24).to_string()).collect();
    let rig = Rig::repository(&[("large", &large), ("other", &large[1..]), ("small", "1")]);
    let (tree, all) = rig.send();
    rig.release(&tree);
    assert!(all.bytes > 50_000, "{all:?}");
    rig.write("small", "2");
    let (tree, sent) = rig.send();
    rig.release(&tree);
    assert!(sent.files == 1 && sent.bytes < 1000, "{sent:?}");
    // A change in a large file is sent as a change.
    rig.write("large", &format!("{large}."));
    let (tree, sent) = rig.send();
    rig.release(&tree);
    assert!(sent.files == 1 && sent.bytes < 1000, "{sent:?}");
    // What was there a moment ago is there still.
    rig.write("large", &large);
    rig.write("small", "1");
    let (_, sent) = rig.send();
    assert_eq!((sent.files, sent.bytes), (2, 0));
}

#[test]
fn what_stages_changed_is_brought_back_though_nothing_is_sent() {
    let rig = Rig::repository(&[("a", "1")]);
    let (tree, _) = rig.send();
    rig.release(&tree);
    write(&rig.work().join("a"), "a stage wrote this");
    fs::remove_file(rig.work().join(".git")).unwrap();
    let (_, sent) = rig.send();
    assert_eq!((sent.files, sent.bytes), (0, 0));
    assert_eq!(fs::read(rig.work().join("a")).unwrap(), b"1");
}

#[test]
fn a_stage_there_finds_a_repository_that_says_what_it_changed() {
    let rig = Rig::repository(&[("a", "1")]);
    rig.write("a", "dirty here");
    let (tree, _) = rig.send();
    assert_eq!(rig.git_in(tree.dir(), "status --porcelain"), "");
    write(&rig.work().join("a"), "a stage wrote this");
    assert_eq!(rig.git_in(tree.dir(), "status --porcelain"), " M a\n");
}

/// H141: files with secrets stay here, tracked or not, ignored or not, and it is said which.
#[test]
fn h141_env_files_are_not_sent_unless_they_are_named() {
    let mut rig = Rig::repository(&[("a", "1"), (".env.shared", "tracked"), (".gitignore", ".env.local\n")]);
    for name in [".env", ".env.local", "sub/.env.production", "sub/.env.test"] {
        rig.write(name, "SECRET=1");
    }
    rig.remote.include = vec!["sub/.env.test".into()];
    let (tree, _) = rig.send();
    assert_eq!(names(&rig.work()), ["a", ".gitignore", "sub/.env.test"].map(str::to_owned).into());
    insta::assert_snapshot!(rig.told().join("\n"), @r#"`.env`, `.env.local`, `.env.shared` and `sub/.env.production` are not sent, since files of that name hold secrets; to send one: [remotes.box] sync = { include = [".env"] }"#);
    rig.release(&tree);
    rig.remote.include = vec![".env.local".into(), "sub/.env*".into(), "nothing/*".into()];
    rig.send();
    let expected = ["a", ".gitignore", ".env.local", "sub/.env.test", "sub/.env.production"];
    assert_eq!(names(&rig.work()), expected.map(str::to_owned).into());
    insta::assert_snapshot!(rig.told().join("\n"), @r#"
    `nothing/*` in `sync.include` matches no file
    `.env` and `.env.shared` are not sent, since files of that name hold secrets; to send one: [remotes.box] sync = { include = [".env"] }
    "#);
    // Who was told knows.
    rig.remote.include.pop();
    rig.send();
    assert_eq!(rig.told(), Vec::<String>::new());
}

#[test]
fn ignored_files_are_sent_where_they_are_included() {
    let mut rig = Rig::repository(&[("a", "1"), (".gitignore", "gen/\n*.key\n")]);
    for name in ["gen/x.rs", "gen/y.txt", "gen/deep/z.rs", "b.key"] {
        rig.write(name, "x");
    }
    rig.remote.include = vec!["gen".into(), "!gen/*.txt".into()];
    rig.send();
    assert_eq!(names(&rig.work()), ["a", ".gitignore", "gen/x.rs", "gen/deep/z.rs"].map(str::to_owned).into());
}

#[test]
fn a_project_below_the_repository_brings_all_of_it() {
    let mut rig = Rig::repository(&[("shared/lib", "1"), ("app/main", "2"), ("app/.gitignore", "gen\n")]);
    rig.root.push("app");
    rig.write("gen/file", "x");
    rig.remote.include = vec!["gen/*".into()];
    let (tree, _) = rig.send();
    assert_eq!(tree.dir(), rig.work().join("app"));
    let expected = ["shared/lib", "app/main", "app/.gitignore", "app/gen/file"];
    assert_eq!(names(&rig.work()), expected.map(str::to_owned).into());
}

/// H141: a home directory that is a repository is not what a project in it belongs to.
#[test]
fn h141_a_repository_that_does_not_know_the_project_is_not_sent() {
    let mut rig = Rig::repository(&[("private", "1")]);
    rig.root.push("work/project");
    rig.write("file", "2");
    rig.send();
    assert_eq!(names(&rig.work()), ["file".to_owned()].into());
    insta::assert_snapshot!(rig.told().join("\n"), @"the project is in no git repository: its files are sent by rsync");
}

#[test]
fn a_repository_without_a_commit_is_sent() {
    let rig = Rig::new();
    rig.git("init -q");
    rig.write("a", "1");
    rig.send();
    assert_eq!(names(&rig.work()), ["a".to_owned()].into());
    let empty = Rig::new();
    empty.git("init -q");
    empty.send();
    assert!(names(&empty.work()).is_empty());
}

#[test]
fn a_linked_work_tree_is_sent_as_it_is() {
    let mut rig = Rig::repository(&[("a", "1")]);
    rig.git("worktree add -q ../other");
    rig.root = rig.root.parent().unwrap().join("other");
    rig.write("b", "2");
    let before = repository_bytes(&rig.root.parent().unwrap().join("project/.git"));
    rig.send();
    assert_eq!(names(&rig.work()), ["a", "b"].map(str::to_owned).into());
    assert_eq!(repository_bytes(&rig.root.parent().unwrap().join("project/.git")), before);
}

#[test]
fn repositories_in_the_repository_are_left_out_and_named() {
    let rig = Rig::repository(&[("a", "1")]);
    rig.write("with a commit/file", "x");
    rig.git_in(&rig.root.join("with a commit"), "init -q");
    rig.git_in(&rig.root.join("with a commit"), "add -A");
    rig.git_in(&rig.root.join("with a commit"), "-c user.name=a -c user.email=a@example.invalid commit -qm x");
    rig.write("empty/file", "x");
    rig.git_in(&rig.root.join("empty"), "init -q");
    rig.send();
    assert_eq!(names(&rig.work()), ["a".to_owned()].into());
    insta::assert_snapshot!(rig.told().join("\n"), @r#"
    `empty` is a repository of its own (a submodule, perhaps), and what is in it is not sent; sync = "rsync" sends that too
    `with a commit` is a repository of its own (a submodule, perhaps), and what is in it is not sent; sync = "rsync" sends that too
    "#);
}

#[test]
fn files_that_git_keeps_in_another_form_are_named() {
    let rig =
        Rig::repository(&[("a.bin", "pointer"), ("b.txt", "text"), (".gitattributes", "*.bin filter=lfs -text\n")]);
    rig.send();
    insta::assert_snapshot!(rig.told().join("\n"), @r#"1 file is kept by Git LFS: pointers are sent (filter=lfs), not what stands in the work tree; sync = "rsync" sends that"#);
}

/// A file that was changed in the moment in which the index was written has the same size and time as before.
#[test]
fn a_change_in_the_moment_of_the_index_is_seen() {
    let rig = Rig::repository(&[("a", "1")]);
    for round in 2..6 {
        rig.write("a", &round.to_string());
        rig.git("add a");
        rig.write("a", &(round + 4).to_string());
        let (tree, _) = rig.send();
        rig.release(&tree);
        assert_eq!(fs::read_to_string(rig.work().join("a")).unwrap(), (round + 4).to_string());
    }
}

#[test]
fn what_is_marked_unchanged_is_sent_as_it_is() {
    let rig = Rig::repository(&[("a", "1")]);
    rig.git("update-index --assume-unchanged a");
    rig.write("a", "changed");
    rig.send();
    assert_eq!(fs::read_to_string(rig.work().join("a")).unwrap(), "changed");
}

#[test]
fn what_is_broken_there_is_made_anew() {
    let rig = Rig::repository(&[("a", "1"), ("b", "2")]);
    let damages: [&dyn Fn(&Path); 4] = [
        &|base| fs::remove_dir_all(base.join("repo.git/objects/pack")).unwrap(),
        &|base| write(&base.join("repo.git/index"), "no index"),
        &|base| write(&base.join("repo.git/index.lock"), ""),
        &|base| fs::remove_dir_all(base.join("repo.git")).unwrap(),
    ];
    let (tree, _) = rig.send();
    rig.release(&tree);
    for (at, damage) in damages.iter().enumerate() {
        damage(&rig.base());
        for text in ["x", "x", "y"] {
            rig.write("a", &format!("{text}{at}"));
            let (tree, _) = rig.send();
            rig.release(&tree);
            assert_eq!(contents(&rig.work()), contents(&rig.root), "{at}");
        }
    }
}

#[test]
fn what_is_gone_here_is_sent_anew() {
    let rig = Rig::repository(&[("a", "1"), ("b", "2")]);
    rig.write("a", "2");
    let (tree, _) = rig.send();
    rig.release(&tree);
    fs::remove_dir_all(rig.store()).unwrap();
    rig.write("a", "3");
    let (_, sent) = rig.send();
    assert_eq!(contents(&rig.work()), contents(&rig.root));
    assert_eq!(sent.files, 3 - 1);
}

#[test]
fn the_users_patterns_hold_there_too() {
    let rig = Rig::repository(&[("a", "1")]);
    write(&rig.root.join(".git/info/exclude"), "cache/\n");
    write(&rig.home.path().join("here/.config/git/ignore"), "*.tmp\n");
    let (tree, _) = rig.send();
    rig.release(&tree);
    write(&rig.work().join("cache/x"), "x");
    write(&rig.work().join("y.tmp"), "x");
    write(&rig.work().join("z"), "x");
    rig.send();
    assert_eq!(names(&rig.work()), ["a", "cache/x", "y.tmp"].map(str::to_owned).into());
}

#[test]
fn objects_known_by_sha256_are_sent() {
    let rig = Rig::new();
    rig.git("init -q --object-format=sha256");
    rig.write("a", "1");
    for text in ["1", "2"] {
        rig.write("a", text);
        let (tree, _) = rig.send();
        rig.release(&tree);
        assert_eq!(contents(&rig.work()), contents(&rig.root));
    }
}

/// Over a connection of its own, where what is small goes with the script that takes it.
#[test]
fn what_is_large_is_sent_as_well() {
    let rig = Rig::repository(&[("a", "1")]);
    for size in [200_000, 100, 300_000] {
        let mut bytes = vec![0; size];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).unwrap();
        fs::write(rig.root.join("large"), &bytes).unwrap();
        let (_, sent) = rig.send();
        assert!(sent.bytes > size as u64 && sent.bytes < size as u64 + 2000, "{size}: {}", sent.bytes);
        assert!(fs::read(rig.work().join("large")).unwrap() == bytes, "{size}");
    }
}
