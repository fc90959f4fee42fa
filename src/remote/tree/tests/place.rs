//! The directory there, and who has it.

use super::*;
use crate::remote::FaultKind;

/// H140: a work tree is never made where anything else is, nor where somebody lives.
#[test]
fn h140_only_a_directory_of_our_own_is_changed() {
    for sync in [Sync::Git, Sync::Rsync] {
        let mut rig = Rig::repository(&[("a", "1")]);
        rig.remote.sync = sync;
        let home = rig.there.home.clone();
        fs::create_dir_all(home.join("empty")).unwrap();
        write(&home.join("full/precious"), "x");
        write(&home.join("foreign/.local-ci-workdir"), "other-89abcdef\n");
        write(&home.join("file"), "x");
        std::os::unix::fs::symlink(&home, home.join("link")).unwrap();
        let before = contents(&home);
        let absolute = home.join("full").display().to_string();
        let refused = [
            "~",
            "~/",
            "$HOME",
            "${HOME}/",
            "/",
            "//",
            "~/full/..",
            "~/link",
            "~/full",
            "full",
            &absolute,
            "~/foreign",
            "~/file",
            "~other/x",
            "/etc",
        ];
        for dir in refused {
            rig.remote.dir = Some(dir.to_owned());
            let fault = rig.try_send().unwrap_err();
            assert_eq!(fault.kind, FaultKind::Directory, "{dir}: {fault}");
            assert!(!fault.cures.is_empty(), "{dir}: {fault}");
            let mut now = contents(&home);
            now.retain(|path, _| !path.starts_with(".local"));
            assert_eq!(now, before, "{dir}");
        }
        for dir in ["~/empty", "$HOME/new dir/deep", "relative", "~/it's"] {
            rig.remote.dir = Some(dir.to_owned());
            let (tree, _) = rig.send();
            let name = dir.trim_start_matches("~/").trim_start_matches("$HOME/");
            assert_eq!(tree.dir(), home.join(name));
            assert_eq!(names(&home.join(name)), ["a".to_owned()].into(), "{dir}");
            rig.release(&tree);
        }
        // Ours by now, and so of nobody else.
        rig.remote.dir = Some("~/empty".to_owned());
        rig.write("b", "2");
        rig.send();
        assert!(home.join("empty/b").exists());
    }
}

#[test]
fn what_is_refused_says_what_to_do() {
    let mut rig = Rig::repository(&[("a", "1")]);
    write(&rig.there.home.join("full/precious"), "x");
    rig.remote.dir = Some("~/full".into());
    let said = rig.try_send().unwrap_err().to_string();
    insta::assert_snapshot!(said.replace(rig.there.home.to_str().unwrap(), "[HOME]"), @r#"
    `[HOME]/full` on build.example.invalid is not empty and was not made by local-ci: what is in it would be replaced
      try: sync = "none", to use the directory as it is, with what is in it
      try: leave `dir` out, for a directory of our own
    "#);
}

/// H143 of directories: a name is a name.
#[test]
fn a_directory_is_never_taken_for_a_command() {
    let mut rig = Rig::repository(&[("a", "1")]);
    rig.remote.dir = Some("$(touch hacked)`touch hacked`;touch hacked $USER".into());
    rig.send();
    let entries: BTreeSet<_> = fs::read_dir(&rig.there.home).unwrap().map(|e| e.unwrap().file_name()).collect();
    let expected = [".local", "$(touch hacked)`touch hacked`;touch hacked $USER"];
    assert_eq!(entries, expected.into_iter().map(Into::into).collect());
}

#[test]
fn the_own_directory_of_a_project_is_private_and_the_tree_has_ordinary_modes() {
    let rig = Rig::repository(&[("a", "1")]);
    rig.send();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(rig.base()), 0o700);
    assert_eq!(mode(rig.root.join("a")), mode(rig.work().join("a")));
}

fn lock(rig: &Rig) -> Option<String> {
    fs::read_link(rig.base().join("lock")).ok().map(|target| target.display().to_string())
}

#[test]
fn a_run_has_the_tree_until_it_lets_go() {
    let mut rig = Rig::repository(&[("a", "1")]);
    let (tree, _) = rig.send();
    assert!(lock(&rig).unwrap().starts_with(rig.run.as_str()));
    rig.run = some_run();
    // Another one asks until it is cancelled.
    let fault = rig.with(|order, hands| {
        let told = &rig.told;
        let cancelled = || told.lock().unwrap().iter().any(|text| text.contains("waiting"));
        Tree::send(order, &Hands { cancelled: &cancelled, ..*hands }).unwrap_err()
    });
    assert_eq!(fault.kind, FaultKind::Cancelled);
    insta::assert_snapshot!(rig.told().join("\n"), @"run 42 of this project has the work tree on build.example.invalid: waiting until that has ended there (`local-ci attach 42` follows it, `local-ci stop 42` ends it)");
    rig.release(&tree);
    assert_eq!(lock(&rig), None);
    rig.send();
    assert!(lock(&rig).unwrap().starts_with(rig.run.as_str()));
}

#[test]
fn a_stale_lock_is_taken_over() {
    let mut rig = Rig::repository(&[("a", "1")]);
    rig.send();
    // The shell that took it is gone, and so is all of its run.
    rig.there = Elsewhere::new(rig.there.home.clone());
    rig.run = some_run();
    rig.send();
    assert!(lock(&rig).unwrap().starts_with(rig.run.as_str()));
    // One of an earlier boot, with the id of a process that is there.
    fs::remove_file(rig.base().join("lock")).unwrap();
    std::os::unix::fs::symlink(format!("other:1:{}:1:an-earlier-boot", std::process::id()), rig.base().join("lock"))
        .unwrap();
    rig.send();
    assert!(lock(&rig).unwrap().starts_with(rig.run.as_str()));
}

#[test]
fn a_lock_is_not_stale_while_anything_of_its_run_lives() {
    let mut rig = Rig::repository(&[("a", "1")]);
    rig.send();
    rig.there = Elsewhere::new(rig.there.home.clone());
    let stage = Tool::new(["sleep", "600"]).env("LOCAL_CI_RUN_ID", rig.run.as_str());
    let (running, _streams) = rig.there.tools.start(&stage, false).unwrap();
    rig.run = some_run();
    let fault = rig.with(|order, hands| {
        let cancelled = || rig.told.lock().unwrap().iter().any(|text| text.contains("run 42"));
        Tree::send(order, &Hands { cancelled: &cancelled, ..*hands }).unwrap_err()
    });
    assert_eq!(fault.kind, FaultKind::Cancelled);
    drop(running);
    rig.send();
}

#[test]
fn a_run_that_is_taken_over_has_its_tree_back_unless_another_had_it() {
    let mut rig = Rig::repository(&[("a", "1")]);
    let rejoin = |rig: &Rig| rig.with(Tree::rejoin).unwrap();
    assert!(rejoin(&rig).is_none());
    let (tree, _) = rig.send();
    let keep = |rig: &Rig, tree: &Tree| rig.with(|_, hands| tree.keep(hands)).unwrap();
    rig.there = Elsewhere::new(rig.there.home.clone());
    write(&rig.work().join("a"), "a stage is at work");
    assert_eq!(rejoin(&rig).unwrap().dir(), tree.dir());
    assert_eq!(fs::read(rig.work().join("a")).unwrap(), b"a stage is at work");
    let before = lock(&rig).unwrap();
    rig.there = Elsewhere::new(rig.there.home.clone());
    assert!(keep(&rig, &tree));
    assert_ne!(lock(&rig).unwrap(), before);
    let others = some_run();
    let ours = std::mem::replace(&mut rig.run, others.clone());
    rig.there = Elsewhere::new(rig.there.home.clone());
    let (other, _) = rig.send();
    rig.run = ours.clone();
    assert!(!keep(&rig, &tree));
    rig.release(&tree);
    assert!(lock(&rig).is_some(), "what another run has is not let go of");
    rig.run = others;
    rig.release(&other);
    rig.run = ours;
    assert!(rejoin(&rig).is_none());
}

#[test]
fn a_tool_that_is_missing_there_is_named_with_its_cure() {
    for (sync, tool) in [(Sync::Git, "git"), (Sync::Rsync, "rsync")] {
        let mut rig = Rig::repository(&[("a", "1")]);
        let bin = rig.home.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for name in ["sh", "mkdir", "cat"] {
            std::os::unix::fs::symlink(format!("/bin/{name}"), bin.join(name)).unwrap();
        }
        let home = rig.there.home.to_str().unwrap();
        let tools = Tools::plain(&Env::from_pairs([("PATH", bin.to_str().unwrap()), ("HOME", home)]));
        rig.there.shell = Mutex::new(Shell::open(&Here::new(tools), Login::No, LIMIT).unwrap());
        rig.remote.sync = sync;
        let fault = rig.try_send().unwrap_err();
        assert_eq!(fault.kind, FaultKind::MissingTool);
        assert_eq!(fault.message, format!("`{tool}` is not installed on build.example.invalid"));
        assert!(fault.cures[0].contains(&format!("apt-get install {tool}")), "{fault}");
    }
}

/// What is sent goes over connections of its own, which read no profile: they find what the login finds.
#[test]
fn programs_that_only_the_login_there_finds_are_found_for_what_is_sent() {
    for sync in [Sync::Git, Sync::Rsync] {
        let mut rig = Rig::repository(&[("a", "1")]);
        // Too much to go with a script over the control channel.
        let noise: String = (0..2000_u32).map(|n| blake3::hash(&n.to_le_bytes()).to_hex().to_string()).collect();
        rig.write("noise", &noise);
        let bare = rig.home.path().join("bare");
        fs::create_dir(&bare).unwrap();
        let ssh = rig.home.path().join("ssh");
        let home = rig.there.home.display();
        let script = format!("shift\nexec env -i HOME={home} PATH={} /bin/sh -c \"$*\"\n", bare.display());
        fs::write(&ssh, script).unwrap();
        let command = vec!["/bin/sh".to_owned(), ssh.to_str().unwrap().to_owned()];
        rig.there.bulk = Bulk { command, host: "build.example.invalid".into() };
        rig.remote.sync = sync;
        let (tree, sent) = rig.send();
        assert_eq!((sent.files, fs::read_to_string(rig.work().join("noise")).unwrap()), (2, noise));
        rig.release(&tree);
    }
}

#[test]
fn a_directory_as_it_is_has_to_be_there() {
    let mut rig = Rig::repository(&[("a", "1")]);
    rig.remote.sync = Sync::None;
    // Without a name of its own, it is the one that the project has here.
    assert_eq!(rig.send().0.dir(), rig.root);
    write(&rig.there.home.join("checkout/file"), "x");
    rig.remote.dir = Some("~/checkout".into());
    let (tree, sent) = rig.send();
    assert_eq!((tree.dir(), sent.files), (rig.there.home.join("checkout").as_path(), 0));
    assert!(!rig.base().exists());
    rig.remote.dir = Some("~/missing".into());
    insta::assert_snapshot!(rig.try_send().unwrap_err().to_string(), @r#"
    there is no directory `~/missing` on build.example.invalid, and sync = "none" has the one that is there used as it is
      try: make it there: a clone, or a mount of the same file system at `~/missing`
      try: sync = "git", which brings the work tree there
    "#);
    rig.remote.dir = None;
    rig.root = rig.root.join("missing");
    assert_eq!(rig.try_send().unwrap_err().kind, FaultKind::Directory);
}
