//! H162: what was compiled is kept where nobody else can write, and taken only as it was put there.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::forge::Forge;
use super::witness::Said;
use super::{Compiler, FaultKind, Host, context};
use crate::cancel::{CancelLevel, CancelToken};
use crate::clock::Clock as _;
use crate::env::Env;
use crate::process::tool::Tools;

/// A compiler that cannot be: who loads with it has found what was kept.
fn none() -> Compiler {
    Compiler::Child { tools: Tools::plain(&Env::default()), program: PathBuf::from("/nonexistent/compiler") }
}

fn works(cache: &Path, compiler: Compiler) -> Result<(), String> {
    let component = Host::new(Some(cache.to_owned()), compiler).load("sample", &Forge::default().build());
    let component = component.map_err(|fault| fault.to_string())?;
    component.run_stage(Said::default().call(), "sample", &context()).map(drop).map_err(|fault| fault.to_string())
}

/// All files below a directory but locks, in order.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        let is_lock = path.extension().is_some_and(|ending| ending == "lock");
        if path.is_dir() {
            found.extend(files(&path));
        } else if !is_lock {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A cache with one component in it, and its `.cwasm`.
fn filled() -> (TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    works(&cache, Compiler::Here).unwrap();
    let [code, note] = &*files(&cache) else { panic!("{:?}", files(&cache)) };
    assert_eq!((code.extension().unwrap(), note.extension().unwrap()), ("cwasm".as_ref(), "json".as_ref()));
    (dir, cache.clone(), code.clone())
}

#[test]
fn h162_what_was_compiled_is_ours_alone_and_is_not_compiled_again() {
    let (_dir, cache, code) = filled();
    works(&cache, none()).unwrap();
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&code), mode(&code.with_extension("json"))), (0o600, 0o600));
    for dir in code.ancestors().skip(1).take_while(|dir| dir.starts_with(&cache)) {
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
    }
    let hash = blake3::hash(&Forge::default().build()).to_hex();
    assert_eq!(code.file_stem().unwrap().to_str(), Some(hash.as_str()));
}

#[test]
fn h162_whatever_was_done_to_it_it_is_compiled_anew() {
    type Deed = fn(&Path);
    let deeds: [(&str, Deed); 8] = [
        ("a byte changed", |code| {
            let mut bytes = fs::read(code).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(code, bytes).unwrap();
        }),
        ("cut short", |code| fs::File::options().write(true).open(code).unwrap().set_len(100).unwrap()),
        ("emptied", |code| fs::write(code, "").unwrap()),
        ("deleted", |code| fs::remove_file(code).unwrap()),
        ("open to others", |code| fs::set_permissions(code, Permissions::from_mode(0o666)).unwrap()),
        ("a link", |code| {
            fs::rename(code, code.with_extension("moved")).unwrap();
            symlink(code.with_extension("moved"), code).unwrap();
        }),
        ("its note deleted", |code| fs::remove_file(code.with_extension("json")).unwrap()),
        ("its note changed", |code| fs::write(code.with_extension("json"), "{}").unwrap()),
    ];
    for (what, deed) in deeds {
        let (_dir, cache, code) = filled();
        let whole = fs::read(&code).unwrap();
        deed(&code);
        let error = works(&cache, none()).unwrap_err();
        assert!(
            error.starts_with("plugin sample cannot be compiled: /nonexistent/compiler cannot be started"),
            "{error}"
        );
        works(&cache, Compiler::Here).unwrap_or_else(|error| panic!("{what}: {error}"));
        works(&cache, none()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(fs::read(&code).unwrap().len(), whole.len(), "{what}");
    }
}

/// Native code of somebody else's, with a note that fits it: of another component, so of another shape of memory and calls.
#[test]
fn h162_code_that_was_compiled_otherwise_is_compiled_anew() {
    let (_dir, cache, code) = filled();
    let note = code.with_extension("json");
    let elf = b"\x7fELF and whatever else somebody has put there";
    fs::write(&code, elf).unwrap();
    let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&note).unwrap()).unwrap();
    value["code"] = blake3::hash(elf).to_hex().as_str().into();
    fs::write(&note, value.to_string()).unwrap();
    works(&cache, none()).unwrap_err();
    works(&cache, Compiler::Here).unwrap();
    works(&cache, none()).unwrap();
}

#[test]
fn h162_a_directory_that_others_can_write_to_is_not_used() {
    for below in ["", "wasm"] {
        let (_dir, cache, code) = filled();
        fs::set_permissions(cache.join(below), Permissions::from_mode(0o777)).unwrap();
        let host = Host::new(Some(cache.clone()), Compiler::Here);
        host.load("sample", &Forge::default().build()).unwrap();
        let complaint = host.complaint().unwrap().to_owned();
        assert!(complaint.contains("can be written to by others"), "{complaint}");
        fs::remove_file(&code).unwrap();
        works(&cache, Compiler::Here).unwrap();
        assert!(!code.exists(), "nothing is put there either");
        works(&cache, none()).unwrap_err();
    }
}

#[test]
fn h162_a_directory_that_is_a_link_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, elsewhere) = (dir.path().join("cache"), dir.path().join("elsewhere"));
    fs::create_dir(&cache).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    fs::set_permissions(&cache, Permissions::from_mode(0o700)).unwrap();
    symlink(&elsewhere, cache.join("wasm")).unwrap();
    works(&cache, Compiler::Here).unwrap();
    assert!(files(&elsewhere).is_empty());
}

#[test]
fn a_cache_that_cannot_be_made_costs_time_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    works(&file.join("cache"), Compiler::Here).unwrap();
}

#[test]
fn several_at_once_compile_once_and_see_nothing_half_written() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| works(dir.path(), Compiler::Here))).collect();
        for one in all {
            one.join().unwrap().unwrap();
        }
    });
    assert_eq!(files(dir.path()).len(), 2, "{:?}", files(dir.path()));
}

/// Another process compiles something else, for ever: nobody waits for that.
#[test]
fn another_component_is_nothing_to_wait_for() {
    let (_dir, cache, code) = filled();
    let another = fs::File::open(code.with_extension("lock")).unwrap();
    another.lock().unwrap();
    let other = Forge { pages: 3, ..Forge::default() };
    let component = Host::new(Some(cache), Compiler::Here).load("other", &other.build()).unwrap();
    assert_eq!(component.describe().unwrap().name, "sample");
}

/// Another process compiles the same component, for ever. Who waits for it ends when it is asked to, and the next can wait.
#[test]
fn who_waits_for_another_to_compile_can_be_asked_to_end() {
    let (_dir, cache, code) = filled();
    fs::remove_file(&code).unwrap();
    let another = fs::File::open(code.with_extension("lock")).unwrap();
    another.lock().unwrap();
    let host = Host::new(Some(cache.clone()), none());
    let load = |cancel: &CancelToken| host.load_unless(cancel, "sample", &Forge::default().build()).map(drop);
    let (first, second) = (CancelToken::new(), CancelToken::new());
    std::thread::scope(|scope| {
        // One waits for the other process, and one for the first.
        let waiting = [&first, &second].map(|cancel| scope.spawn(|| load(cancel)));
        for cancel in [&second, &first] {
            cancel.raise(CancelLevel::Interrupt);
        }
        for ended in waiting {
            assert_eq!(ended.join().unwrap().unwrap_err().kind, FaultKind::Cancelled);
        }
    });
    drop(another);
    let fault = load(&CancelToken::new()).unwrap_err();
    assert!(matches!(fault.kind, FaultKind::NotCompiled(_)), "what was cancelled is tried again: {fault}");
}

#[test]
fn what_was_left_half_written_is_swept_away_later() {
    let (_dir, cache, code) = filled();
    let old = code.with_extension("cwasm.4194303");
    fs::write(&old, "half").unwrap();
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(&old).unwrap().set_modified(long_ago).unwrap();
    let young = code.with_extension("cwasm.4194302");
    fs::write(&young, "half").unwrap();
    fs::remove_file(&code).unwrap();
    works(&cache, Compiler::Here).unwrap();
    assert!(!old.exists() && young.exists());
}

#[test]
fn what_nobody_has_used_for_long_is_swept_away_and_what_is_used_stays() {
    let (_dir, cache, code) = filled();
    let days_ago = |days: u64| {
        let now = u64::try_from(crate::clock::SystemClock.now().unix_ms).unwrap() / 1000;
        std::time::UNIX_EPOCH + std::time::Duration::from_secs(now - days * 24 * 3600)
    };
    let set = |file: &Path, days| fs::File::open(file).unwrap().set_modified(days_ago(days)).unwrap();
    let unused = code.with_file_name("unused.cwasm");
    fs::copy(&code, &unused).unwrap();
    fs::copy(code.with_extension("json"), unused.with_extension("json")).unwrap();
    set(&unused, 31);
    // Loaded after a long time, it counts as used.
    set(&code, 29);
    works(&cache, none()).unwrap();
    assert!(fs::metadata(&code).unwrap().modified().unwrap() > days_ago(1));
    // Something else is compiled.
    let other = Forge { world: "stage-plugin", ..Forge::default() }.build();
    Host::new(Some(cache), Compiler::Here).load("sample", &other).unwrap();
    assert!(code.exists() && !unused.exists() && !unused.with_extension("json").exists());
}

#[test]
fn what_a_plugin_says_of_itself_is_kept_beside_it() {
    let (_dir, cache, code) = filled();
    let bytes = Forge::default().build();
    let said = Host::new(Some(cache.clone()), none()).load("sample", &bytes).unwrap().describe().unwrap();
    let note = fs::read_to_string(code.with_extension("json")).unwrap();
    assert!(note.contains(r#""version":"1.2.3""#), "{note}");
    // Who comes later is told the same, without it being run: what stands there is what is told.
    fs::write(code.with_extension("json"), note.replace("1.2.3", "4.5.6")).unwrap();
    let later = Host::new(Some(cache), none()).load("sample", &bytes).unwrap().describe().unwrap();
    assert_eq!((said.version.as_str(), later.version.as_str()), ("1.2.3", "4.5.6"));
}
