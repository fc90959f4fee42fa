//! Where a project is found, and where it is not.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{ME, Outcome, Owner, Path, Tree, all_mine, detect};
use crate::config::error::Stop;
use crate::config::find::Bounds;

const PACKAGE: &str = r#"{ "scripts": { "test": "x" } }"#;

#[test]
fn the_nearest_directory_with_stages_is_the_project() {
    let tree = Tree::new(&[
        (".git/HEAD", ""),
        ("Cargo.toml", ""),
        ("docs/Makefile", "html:\n"),
        ("docs/a/b/x", ""),
        ("web/package.json", PACKAGE),
        ("web/src/x", ""),
    ]);
    assert_eq!(tree.found("docs/a/b").root, tree.root());
    assert_eq!(tree.found("web/src").root, tree.root().join("web"));
}

#[test]
fn a_member_is_run_from_its_workspace() {
    let workspace =
        "[workspace]\nmembers = [\"crates/[a-l]*\"]\nexclude = [\"crates/old\", \"fuzz\", \"./crates/odd/\"]\n";
    let own = "[package]\nname='x'\n";
    let tree = Tree::new(&[
        ("Cargo.toml", workspace),
        ("crates/a/Cargo.toml", own),
        ("crates/a/src/x", ""),
        ("fuzz/Cargo.toml", own),
        ("crates/odd/Cargo.toml", own),
        ("alone/Cargo.toml", "[package]\nname='x'\n[workspace]\n"),
        ("path/dep/Cargo.toml", own),
        ("broken/Cargo.toml", "["),
    ]);
    assert_eq!(tree.found("crates/a/src").root, tree.root());
    assert_eq!(tree.found("path/dep").root, tree.root(), "a member by its path");
    assert_eq!(tree.found("fuzz").root, tree.root().join("fuzz"));
    assert_eq!(tree.found("crates/odd").root, tree.root().join("crates/odd"), "paths are compared, not their spelling");
    assert_eq!(tree.found("alone").root, tree.root().join("alone"));
    assert_eq!(tree.found("broken").root, tree.root().join("broken"), "cargo says what is wrong with it");
    let gradle = Tree::new(&[("settings.gradle", ""), ("app/build.gradle", "")]);
    assert_eq!(gradle.found("app").root, gradle.root());
}

/// What a pattern may be is for cargo to say; one that cannot be compiled matches nothing.
#[test]
fn no_pattern_of_members_is_too_much() {
    for pattern in ["{".repeat(5000) + "a,b" + &"}".repeat(5000), "[a-z]*".repeat(300_000), "*".repeat(3000)] {
        let workspace = format!("[workspace]\nmembers = [{pattern:?}]\nexclude = [\"a\"]\n");
        let tree = Tree::new(&[("Cargo.toml", &workspace), ("a/b/Cargo.toml", "[package]\n")]);
        assert_eq!(tree.found("a/b").root, tree.root().join("a/b"));
    }
}

#[test]
fn a_lock_file_above_decides_for_a_package_below() {
    let tree = Tree::new(&[(".git/HEAD", ""), ("pnpm-lock.yaml", ""), ("packages/a/package.json", PACKAGE)]);
    assert_eq!(tree.stages("packages/a"), ["test: pnpm run test CI=true"]);
}

#[test]
fn where_nothing_is_above_it_is_looked_for_below() {
    let tree = Tree::new(&[
        (".git/HEAD", ""),
        (".gitignore", "/ignored/\n"),
        ("backend/Cargo.toml", ""),
        ("backend/web/package.json", PACKAGE),
        ("apps/web/package.json", PACKAGE),
        ("apps/web/deeper/package.json", PACKAGE),
        ("a/b/c/package.json", PACKAGE),
        ("node_modules/x/package.json", PACKAGE),
        ("vendor/package.json", PACKAGE),
        (".hidden/package.json", PACKAGE),
        ("ignored/package.json", PACKAGE),
        ("clone/.git/HEAD", ""),
        ("clone/package.json", PACKAGE),
        ("plugins/words/Cargo.toml", ""),
        ("plugins/words/sdk/wit/plugin.wit", ""),
        ("plugins/js/package.json", PACKAGE),
        ("plugins/js/wit/plugin.wit", ""),
        ("docs/x", ""),
    ]);
    for start in ["", "docs"] {
        let found = tree.found(start);
        assert_eq!((found.root, found.kinds), (tree.root(), vec!["node in apps/web".into(), "rust in backend".into()]));
    }
    assert_eq!(
        tree.stages(""),
        [
            "apps-web-test: npm run -s test -- in apps/web CI=true",
            "fmt: cargo fmt --all -- --check | cargo fmt --all in backend",
            "clippy: cargo clippy --workspace --all-targets -- -D warnings | cargo clippy --workspace --all-targets \
             --fix --allow-dirty --allow-staged in backend with cargo",
            "backend-test: cargo test --workspace in backend with cargo",
            "test: true",
        ]
    );
}

#[test]
fn a_name_that_no_configuration_can_hold_is_left_out_and_said() {
    let tree = Tree::new(&[("${matrix.x}/package.json", PACKAGE), ("ok/package.json", PACKAGE)]);
    let found = tree.found("");
    assert_eq!(found.kinds, ["node in ok"]);
    assert!(found.warnings[0].starts_with("${matrix.x} has a name"), "{:?}", found.warnings);
}

#[test]
fn too_many_projects_are_cut_off_and_said() {
    let files: Vec<(String, &str)> = (0..30).map(|n| (format!("p{n:02}/package.json"), PACKAGE)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let found = Tree::new(&files).found("");
    assert_eq!((found.kinds.len(), found.kinds[19].as_str()), (20, "node in p19"));
    assert!(found.warnings[0].contains("more than 20 projects"), "{:?}", found.warnings);
}

#[test]
fn too_many_directories_are_cut_off_and_said() {
    let files: Vec<String> = (0..2_100).map(|n| format!("d{n:04}/")).chain(["d0000/package.json".into()]).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|path| (path.as_str(), PACKAGE)).collect();
    let found = Tree::new(&files).found("");
    assert!(found.warnings[0].starts_with("only the first 2000 directories below"), "{:?}", found.warnings);
}

/// Where people keep everything they have, and where anybody may put something, nothing below is a project of theirs.
#[test]
fn neither_home_nor_a_public_directory_is_searched() {
    let tree = Tree::new(&[("a/package.json", PACKAGE)]);
    let root = tree.root();
    let found_with_home = |home: Option<&Path>| {
        let me = rustix::process::geteuid().as_raw();
        matches!(detect(&root, Bounds { home, me, owner: &all_mine }), Outcome::Project(_))
    };
    assert!(found_with_home(None));
    assert!(!found_with_home(Some(&root)));
    assert!(!found_with_home(Some(&root.join("me"))));
    assert!(found_with_home(root.parent()));
    fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(!found_with_home(None));
    fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).unwrap();
}

/// What lies in a place like /tmp speaks for who stands in it, and for nobody below.
#[test]
fn a_public_directory_above_is_no_project() {
    let tree = Tree::new(&[("Cargo.toml", ""), ("a/x", "")]);
    assert_eq!(tree.found("a").root, tree.root());
    fs::set_permissions(tree.root(), fs::Permissions::from_mode(0o1777)).unwrap();
    assert!(matches!(tree.look("a"), Outcome::Nothing { .. }));
    assert_eq!(tree.found("").root, tree.root());
}

#[test]
fn other_users_directories_are_left_alone() {
    let tree = Tree::new(&[("a/package.json", PACKAGE), ("b/c/x", ""), ("Cargo.toml", "")]);
    let root = tree.root();
    let look = |start: &str, theirs: &str| {
        let theirs = root.join(theirs);
        let owner = |path: &Path| Ok(Owner { user: if path == theirs { 7 } else { ME }, shared: false, device: 1 });
        detect(&root.join(start), Bounds { home: None, me: ME, owner: &owner })
    };
    // Above.
    let stop = match look("b/c", "") {
        Outcome::Nothing { stop, .. } => stop,
        other => panic!("{other:?}"),
    };
    assert_eq!(stop, Stop::Owner { directory: root.clone(), owner: 7 });
    // Below.
    fs::remove_file(root.join("Cargo.toml")).unwrap();
    assert!(matches!(look("", "a"), Outcome::Nothing { .. }));
}

/// A file that somebody put into a directory that is not his.
#[test]
fn other_users_files_are_refused_by_name() {
    const MARKERS: [&str; 5] = ["package.json", "Cargo.toml", "setup.py", "pom.xml", "Makefile"];
    for name in MARKERS {
        let tree = Tree::new(&[(name, "test:\n")]);
        let file = tree.root().join(name);
        // What belongs to root is trusted, so that it must not, where root runs the tests.
        let _ = std::os::unix::fs::chown(&file, Some(7), None);
        let owner = |_: &Path| Ok(Owner { user: u32::MAX - 2, shared: true, device: 1 });
        match detect(&tree.root(), Bounds { home: None, me: u32::MAX - 3, owner: &owner }) {
            Outcome::Broken(broken) => assert_eq!(broken[0].path, file),
            other => panic!("{other:?}"),
        }
    }
}

/// H120: what is no regular file is no marker, and nothing waits for it.
#[test]
fn h120_only_regular_files_mark_a_project() {
    let tree = Tree::new(&[("Cargo.toml/", ""), ("package.json/", "")]);
    let root = tree.root();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("go.mod"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    symlink("/dev/zero", root.join("Makefile")).unwrap();
    assert!(matches!(tree.look(""), Outcome::Nothing { .. }));
}
