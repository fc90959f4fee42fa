//! What stages make.

use super::*;
use crate::remote::FaultKind;
use crate::remote::tree::Moved;

fn fetch(rig: &Rig, tree: &Tree, globs: &[&str]) -> Moved {
    let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
    rig.with(|_, hands| tree.fetch(&globs, hands)).unwrap()
}

fn put(rig: &Rig, tree: &Tree, globs: &[&str]) -> Moved {
    let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
    rig.with(|_, hands| tree.put(&globs, hands)).unwrap()
}

#[test]
fn what_a_stage_made_comes_back_with_its_modes() {
    let rig = Rig::repository(&[("a", "1"), (".gitignore", "dist\n")]);
    let (tree, _) = rig.send();
    let dist = rig.work().join("dist");
    write(&dist.join("app"), "program");
    fs::set_permissions(dist.join("app"), fs::Permissions::from_mode(0o750)).unwrap();
    write(&dist.join("deep/x.map"), "map");
    write(&dist.join("not asked for"), "x");
    for name in [&b"new\nline.js"[..], b"not \xff text.js", b"-rf.js", b"deep/qu'o\"te.js"] {
        write(&dist.join(odd(name)), "odd");
    }
    std::os::unix::fs::symlink("app", dist.join("link.js")).unwrap();
    let moved = fetch(&rig, &tree, &["dist/app", "dist/**/*.js", "dist/deep", "!dist/**/*.map"]);
    let mut expected = contents(&dist);
    expected.retain(|path, _| path != Path::new("not asked for") && path != Path::new("deep/x.map"));
    assert_eq!(contents(&rig.root.join("dist")), expected);
    assert_eq!(moved.files, 6);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(rig.root.join("dist/app")), 0o750);
    assert_eq!(rig.told(), Vec::<String>::new());
    // Only what differs comes again.
    write(&dist.join("app"), "another");
    assert_eq!(fetch(&rig, &tree, &["dist"]).files, 3);
    let moved = fetch(&rig, &tree, &["dist"]);
    assert_eq!((moved.files, moved.is_nothing), (0, false));
    assert!(fs::read_dir(rig.store()).unwrap().all(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        !name.starts_with("incoming") && !name.starts_with("archive")
    }));
}

#[test]
fn a_glob_that_matches_nothing_is_named() {
    let rig = Rig::repository(&[("a", "1")]);
    let (tree, _) = rig.send();
    assert!(fetch(&rig, &tree, &["dist/**"]).is_nothing);
    insta::assert_snapshot!(rig.told().join("\n"), @"`dist/**` in `outputs` matches no file");
}

#[test]
fn what_leads_out_of_the_project_is_not_brought() {
    let rig = Rig::repository(&[("a", "1")]);
    let (tree, _) = rig.send();
    let outside = rig.home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    write(&rig.work().join("dist/good"), "x");
    write(&rig.work().join("linked/file"), "x");
    std::os::unix::fs::symlink("/etc/passwd", rig.work().join("dist/absolute")).unwrap();
    std::os::unix::fs::symlink("../../outside", rig.work().join("dist/up")).unwrap();
    std::os::unix::fs::symlink(&outside, rig.root.join("linked")).unwrap();
    fetch(&rig, &tree, &["dist", "linked"]);
    assert_eq!(names(&rig.root.join("dist")), ["good".to_owned()].into());
    assert!(names(&outside).is_empty());
    insta::assert_snapshot!(rig.told().join("\n"), @r"
    `linked/file` was not put into its place: its directory is a link that leads out of the project
    `dist/absolute` and `dist/up` lead out of the project and are not brought to the other machine or back
    ");
}

#[test]
fn what_was_changed_here_meanwhile_is_not_lost() {
    let rig = Rig::repository(&[("src/made", "1"), ("src/edited", "1"), ("src/both", "1"), ("src/again", "1")]);
    let (tree, _) = rig.send();
    write(&rig.work().join("src/made"), "by a stage");
    write(&rig.work().join("src/both"), "by a stage");
    write(&rig.work().join("src/again"), "by a stage");
    rig.write("src/edited", "by a person");
    rig.write("src/both", "by a person");
    assert_eq!(fetch(&rig, &tree, &["src/**"]).files, 2);
    let read = |name: &str| fs::read_to_string(rig.root.join(name)).unwrap();
    assert_eq!(read("src/made"), "by a stage");
    assert_eq!(read("src/edited"), "by a person");
    assert_eq!(read("src/both"), "by a person");
    insta::assert_snapshot!(rig.told().join("\n"), @"`src/both` has been changed here since the work tree was sent, and stays as it is");
    // What we brought ourselves is no change of anybody's.
    write(&rig.work().join("src/again"), "by another stage");
    assert_eq!(fetch(&rig, &tree, &["src/again"]).files, 1);
    assert_eq!(read("src/again"), "by another stage");
}

#[test]
fn outputs_of_other_machines_are_put_there() {
    let rig = Rig::repository(&[("a", "1"), (".gitignore", "dist\n")]);
    let (tree, _) = rig.send();
    rig.write("dist/app", "program");
    rig.write("dist/same", "same");
    rig.write("dist/not asked for.txt", "x");
    rig.write(Path::new("dist").join(odd(b"not \xff\ntext")), "odd");
    fs::set_permissions(rig.root.join("dist/app"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("app", rig.root.join("dist/link")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", rig.root.join("dist/out")).unwrap();
    write(&rig.work().join("dist/same"), "same");
    let untouched = modified(&rig.work().join("dist/same"));
    let globs = ["dist/**", "!dist/*.txt"];
    assert_eq!(put(&rig, &tree, &globs).files, 3);
    let mut expected = contents(&rig.root.join("dist"));
    expected.retain(|path, _| path != Path::new("not asked for.txt") && path != Path::new("out"));
    assert_eq!(contents(&rig.work().join("dist")), expected);
    assert_eq!(modified(&rig.work().join("dist/same")), untouched);
    insta::assert_snapshot!(rig.told().join("\n"), @"`dist/out` leads out of the project and is not brought to the other machine or back");
    assert_eq!(put(&rig, &tree, &globs).files, 0);
    assert!(put(&rig, &tree, &["nothing/*"]).is_nothing);
}

#[test]
fn a_tree_of_rsync_exchanges_files_as_well() {
    let mut rig = Rig::new();
    rig.remote.sync = Sync::Rsync;
    rig.write("src/file", "1");
    let (tree, _) = rig.send();
    write(&rig.work().join("out/file"), "made");
    rig.write("src/file", "by a person");
    assert_eq!(fetch(&rig, &tree, &["out/*", "src/*"]).files, 1);
    assert_eq!(fs::read_to_string(rig.root.join("src/file")).unwrap(), "by a person");
}

/// Has `tar --create` be this script; whatever else is asked of it is the real one's.
fn creates(rig: &mut Rig, script: &str) {
    let bin = rig.home.path().join("bin");
    let text = format!("#!/bin/sh\n[ \"$1\" = --create ] || PATH=/usr/bin:/bin exec tar \"$@\"\n{script}\n");
    write(&bin.join("tar"), &text);
    fs::set_permissions(bin.join("tar"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    let home = rig.home.path().join("here");
    rig.tools = Tools::plain(&Env::from_pairs([("PATH", path.as_str()), ("HOME", home.to_str().unwrap())]));
}

/// Whoever has the other machine may send another archive than it was asked for.
#[test]
fn a_link_among_what_is_brought_does_not_lead_to_what_is_here() {
    let mut rig = Rig::repository(&[("a", "1")]);
    let (tree, _) = rig.send();
    let secrets = rig.home.path().join("secrets");
    write(&secrets.join("key"), "mine");
    write(&rig.work().join("dist/deep/key"), "x");
    write(&rig.work().join("dist/good"), "x");
    let planted = rig.home.path().join("planted");
    write(&planted.join("dist/good"), "good");
    std::os::unix::fs::symlink(&secrets, planted.join("dist/deep")).unwrap();
    creates(&mut rig, &format!("PATH=/usr/bin:/bin exec tar -c -C {} ./dist", planted.display()));
    fetch(&rig, &tree, &["dist"]);
    assert_eq!(fs::read_to_string(secrets.join("key")).unwrap(), "mine");
    assert_eq!(names(&rig.root.join("dist")), ["good".to_owned()].into());
    insta::assert_snapshot!(rig.told().join("\n"), @"`dist/deep/key` was not put into its place: its directory there is a link");
}

#[test]
fn what_cannot_be_packed_there_is_told_once_and_in_the_words_of_who_packs() {
    let mut rig = Rig::repository(&[("a", "1")]);
    let (tree, _) = rig.send();
    write(&rig.work().join("dist/good"), "x");
    let try_fetch = |rig: &Rig| {
        let fault = rig.with(|_, hands| tree.fetch(&["dist".to_owned()], hands)).unwrap_err();
        assert!(!rig.root.join("dist").exists());
        assert_eq!(names(&rig.base()).iter().filter(|name| name.starts_with("local-ci-names")).count(), 0);
        (fault.kind, fault.message)
    };
    let home = rig.home.path().to_owned();
    let tries = || fs::read_to_string(home.join("tries")).unwrap();
    let counted = |script: &str| format!("echo x >>{}/tries\n{script}", home.display());
    creates(
        &mut rig,
        &counted("echo 'tar: ./dist/good: Cannot open: Permission denied' >&2; tar -cf - -T /dev/null; exit 2"),
    );
    let words = "what was made on build.example.invalid could not all be read there: tar: ./dist/good: Cannot open: \
                 Permission denied";
    assert_eq!(try_fetch(&rig), (FaultKind::Directory, words.to_owned()));
    assert_eq!(tries(), "x\n");
    creates(&mut rig, &counted("exit 127"));
    assert_eq!(try_fetch(&rig), (FaultKind::MissingTool, "`tar` is not installed on build.example.invalid".to_owned()));
    assert_eq!(tries(), "x\nx\n");
    // What is a cut line is tried again, as often as it may be worth it.
    creates(&mut rig, &counted("exit 255"));
    assert_eq!(try_fetch(&rig).0, FaultKind::Cut);
    assert_eq!(tries(), "x\n".repeat(8));
}

#[test]
fn what_cannot_be_looked_at_there_is_a_fault() {
    let rig = Rig::repository(&[("a", "1")]);
    let (tree, _) = rig.send();
    rig.write("dist/app", "x");
    let put = |rig: &Rig| rig.with(|_, hands| tree.put(&["dist".to_owned()], hands)).unwrap_err().to_string();
    fs::rename(rig.work(), rig.base().join("moved")).unwrap();
    let work = rig.work().display().to_string();
    assert_eq!(put(&rig), format!("the work tree `{work}` on build.example.invalid is gone"));
    fs::rename(rig.base(), rig.base().with_extension("moved")).unwrap();
    assert!(put(&rig).starts_with("a list of files cannot be written on build.example.invalid: "));
}
