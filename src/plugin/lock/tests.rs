//! Lock files as we write them, and as others leave them.

use proptest::prelude::*;

use super::*;

fn entry(name: &str) -> Entry {
    Entry {
        name: name.to_owned(),
        source: format!("https://plugins.example.invalid/{name}.wasm"),
        version: "0.1.0".to_owned(),
        blake3: Some("ab".repeat(32)),
        size: Some(52_133),
        api: "0.1.0".to_owned(),
        roles: vec![Role::Stage, Role::Parser],
        imports: vec!["files.read".to_owned(), "output.log".to_owned()],
        approved: "01".repeat(32),
    }
}

fn lock(names: &[&str]) -> Lock {
    Lock { plugins: names.iter().map(|name| ((*name).to_owned(), entry(name))).collect() }
}

/// A file of one entry, with something in it replaced.
fn with(from: &str, to: &str) -> Result<Lock, LockError> {
    let text = lock(&["hygiene"]).render().unwrap();
    assert!(text.contains(from), "{text}");
    Lock::parse(&text.replace(from, to))
}

#[test]
fn a_lock_file_reads_like_this() {
    let mut lock = lock(&["webhook", "hygiene"]);
    let own = lock.plugins.get_mut("hygiene").unwrap();
    (own.source, own.blake3, own.size) = ("path:plugins/hygiene".to_owned(), None, None);
    insta::assert_snapshot!(lock.render().unwrap(), @r#"
    # Which plugins this project uses, and what they were approved for. Written by `local-ci plugin add` and `update`;
    # keep it in git, and do not edit it.
    version = 1

    [[plugin]]
    name = "hygiene"
    source = "path:plugins/hygiene"
    version = "0.1.0"
    api = "0.1.0"
    roles = ["stage", "parser"]
    imports = ["files.read", "output.log"]
    approved = "0101010101010101010101010101010101010101010101010101010101010101"

    [[plugin]]
    name = "webhook"
    source = "https://plugins.example.invalid/webhook.wasm"
    version = "0.1.0"
    blake3 = "abababababababababababababababababababababababababababababababab"
    size = 52133
    api = "0.1.0"
    roles = ["stage", "parser"]
    imports = ["files.read", "output.log"]
    approved = "0101010101010101010101010101010101010101010101010101010101010101"
    "#);
    assert_eq!(Lock::parse(&lock.render().unwrap()), Ok(lock));
    assert_eq!(Lock::parse(&Lock::default().render().unwrap()), Ok(Lock::default()));
}

/// H161: who has changed the file by hand, or by a merge, is told what and where.
#[test]
fn h161_what_is_no_lock_file_is_refused_with_its_line() {
    let said = |from: &str, to: &str| with(from, to).unwrap_err().to_string();
    assert_eq!(
        said("source =", "<<<<<<< HEAD\nsource ="),
        "local-ci.lock has merge markers in it, in line 7: take either side of them, then `local-ci plugin update`"
    );
    assert_eq!(
        said("\nversion = 1\n", "\nversion = 2\nnew-key = true\n"),
        "local-ci.lock was written by a later version of local-ci (format 2; this one knows 1): update this one"
    );
    let hash = "ab".repeat(32);
    for (from, to, expected) in [
        (hash.as_str(), "AB", "in line 5: `blake3` of \"hygiene\" is no hash of 64 hex digits"),
        ("size = 52133\n", "", "has only one of `blake3` and `size`"),
        ("size = 52133", "size = -1", "in line 10: invalid value"),
        ("name = \"hygiene\"\n", "", "in line 5: missing field `name`"),
        ("name = \"hygiene\"", "name = \"\"", "an entry without a name"),
        ("api = ", "apy = ", "unknown field `apy`"),
        ("\nversion = 1\n", "\n", "it does not say its version"),
        ("\nversion = 1\n", "\nversion = 0\n", "in line 3: there is no version 0 of it"),
        ("roles = [\"stage\"", "roles = [\"boss\"", "unknown variant `boss`"),
        ("[[plugin]]", "[[plugin]", "in line 5: "),
    ] {
        let error = said(from, to);
        assert!(error.starts_with("local-ci.lock is damaged, in line "), "{error}");
        assert!(error.contains(expected), "{to:?}: {error}");
        assert!(
            error.ends_with(
                "and `local-ci plugin update` writes it anew, for which all plugins are to be approved again"
            ),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
    let text = lock(&["hygiene"]).render().unwrap();
    let twice = format!("{text}\n{}", &text[text.find("[[plugin]]").unwrap()..]);
    assert!(Lock::parse(&twice).unwrap_err().to_string().contains("\"hygiene\" stands in it twice"));
}

#[test]
fn a_file_is_read_as_it_was_written_and_none_has_no_entries() {
    let dir = tempfile::tempdir().unwrap();
    let path = place(dir.path());
    assert_eq!(Lock::read(&path), Ok(Lock::default()));
    lock(&["a"]).write(&path).unwrap();
    assert_eq!(Lock::read(&path), Ok(lock(&["a"])));
    lock(&["a", "b"]).write(&path).unwrap();
    assert_eq!(Lock::read(&path), Ok(lock(&["a", "b"])));
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [NAME]);
    fs::write(&path, b"version = 1\n# \xff").unwrap();
    assert_eq!(Lock::read(&path), Err(LockError::Damaged { line: 2, why: "it is not UTF-8".to_owned() }));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(Lock::read(&path), Err(LockError::Unreadable(_))));
}

/// H161: what is written can be read again, whatever a plugin says of itself.
#[test]
fn h161_what_could_not_be_read_again_is_not_written_and_what_is_too_long_can_be_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = place(dir.path());
    lock(&["a"]).write(&path).unwrap();
    let with_version = |version: String| {
        let mut lock = lock(&["a"]);
        lock.plugins.get_mut("a").unwrap().version = version;
        lock.write(&path).unwrap_err()
    };
    let error = with_version("1\n<<<<<<< x\n2".to_owned()).to_string();
    assert!(error.starts_with("local-ci.lock is not written: it could not be read again: "), "{error}");
    let error = with_version("1".repeat(5 << 20)).to_string();
    assert_eq!(error, "local-ci.lock is not written: it would be longer than 4 MiB");
    assert_eq!(Lock::read(&path), Ok(lock(&["a"])));
    fs::write(&path, "#".repeat(5 << 20)).unwrap();
    let error = Lock::read(&path).unwrap_err();
    assert!(error.may_be_replaced());
    assert_eq!(error.to_string(), "local-ci.lock is longer than 4 MiB; `local-ci plugin update` writes it anew");
}

#[test]
fn it_stands_beside_the_config() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    assert_eq!(place(root), root.join("local-ci.lock"));
    fs::create_dir(root.join(".config")).unwrap();
    fs::write(root.join(".config/local-ci.toml"), "").unwrap();
    assert_eq!(place(root), root.join(".config/local-ci.lock"));
    fs::write(root.join("local-ci.toml"), "").unwrap();
    assert_eq!(place(root), root.join("local-ci.lock"));
}

#[test]
fn an_approval_is_of_what_is_granted_and_not_of_how_it_is_written() {
    let grants = |read: &[&str], env: &[&str]| Grants {
        files_read: read.iter().map(|glob| (*glob).to_owned()).collect(),
        env: env.iter().map(|name| (*name).to_owned()).collect(),
        ..Grants::default()
    };
    let none = Grants::default();
    let one = approval(&none, &grants(&["a", "b"], &[]));
    assert_eq!(one, approval(&none, &grants(&["b", "a", "b"], &[])));
    let others = [
        approval(&none, &grants(&["a"], &["b"])),
        approval(&none, &grants(&["a b"], &[])),
        approval(&none, &grants(&["a\nfiles-read 1 b"], &[])),
        approval(&grants(&["a", "b"], &[]), &none),
        approval(&none, &Grants { clock: true, ..grants(&["a", "b"], &[]) }),
    ];
    assert!(others.iter().all(|other| *other != one));
}

/// H61: a key of the file stands in the sentence, and does nothing to a terminal.
#[test]
fn h61_what_is_said_of_a_damaged_file_is_one_harmless_line() {
    let damaged = with("name = ", "\"\\u001b[2J\\n\\u202e\" = 1\nname = ").unwrap_err().to_string();
    let begin = r"local-ci.lock is damaged, in line 6: unknown field `\u{1b}[2J\n\u{202e}`, expected one of ";
    assert!(damaged.starts_with(begin), "{damaged:?}");
}

proptest! {
    /// H161: whatever stands in the file, it is read or refused in a line; what is read is written and read the same.
    #[test]
    fn h161_any_text_is_read_or_refused(text in any_text()) {
        match Lock::parse(&text) {
            Ok(lock) => prop_assert_eq!(Lock::parse(&lock.render().unwrap()), Ok(lock)),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    /// A file that was cut anywhere is the one that was written, or refused: never one with other contents.
    #[test]
    fn h161_a_file_that_was_cut_is_no_other_file(at in 0usize..900) {
        let whole = lock(&["a", "b"]);
        let text = whole.render().unwrap();
        let cut = Lock::parse(&text[..at.min(text.len())]);
        if let Ok(found) = cut {
            prop_assert!(found.plugins.values().all(|entry| whole.plugins.get(&entry.name) == Some(entry)));
        }
    }
}

/// Anything, and lock files with something of them replaced.
fn any_text() -> impl Strategy<Value = String> {
    let mutated = (0usize..800, 0usize..40, ".{0,12}").prop_map(|(at, length, with)| {
        let text = lock(&["a", "b"]).render().unwrap();
        let (from, to) = (at.min(text.len()), (at + length).min(text.len()));
        format!("{}{with}{}", &text[..from], &text[to..])
    });
    prop_oneof![any::<String>(), "[\\[\\]{}=\"'a-z0-9.,#\n ]{0,200}", mutated]
}
