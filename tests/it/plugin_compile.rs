//! Compiling plugins: what the child of ours does that nobody types, under limits, and what its parent makes of it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use local_ci::cancel::{CancelLevel, CancelToken};
use local_ci::env::Env;
use local_ci::plugin::FaultKind;
use local_ci::plugin::host::{Compiler, Host};
use local_ci::process::tool::Tools;

use crate::support::{Identity, forge, wait_until};

const LOCAL_CI: &str = env!("CARGO_BIN_EXE_local-ci");

fn child() -> Compiler {
    Compiler::Child { tools: Tools::plain(&Env::default()), program: PathBuf::from(LOCAL_CI) }
}

fn start(file: &Path) -> Child {
    let mut command = Command::new(LOCAL_CI);
    command.arg("compile-plugin").arg(file).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What is in a directory, below it too, but for locks.
fn names(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            names.extend(self::names(&entry));
        } else if entry.extension().is_none_or(|ending| ending != "lock") {
            names.push(entry.display().to_string());
        }
    }
    names
}

/// A component whose code is not valid, which only who compiles it finds out: in place of a number of 32 bits is one of 64.
fn invalid() -> Vec<u8> {
    let run = "(drop (i32.eqz (i32.const 0x12345678))) unreachable".to_owned();
    let mut bytes = forge::Forge { run, ..forge::Forge::default() }.build();
    let number = [0x41, 0xf8, 0xac, 0xd1, 0x91, 0x01];
    let at = bytes.windows(number.len()).position(|window| window == number).unwrap();
    bytes[at] = 0x42;
    bytes
}

#[test]
fn a_child_compiles_and_what_it_made_is_kept_for_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = forge::Forge::default().build();
    for _ in 0..2 {
        let info = Host::new(Some(dir.path().to_owned()), child()).load("sample", &bytes).unwrap().describe().unwrap();
        assert_eq!(info.name, "sample");
    }
    let names = names(dir.path());
    let endings: BTreeSet<_> = names.iter().filter_map(|name| Path::new(name).extension()?.to_str()).collect();
    assert_eq!((names.len(), endings), (2, BTreeSet::from(["cwasm", "json"])));
    // Where nothing is kept, it comes back over a pipe.
    Host::new(None, child()).load("sample", &bytes).unwrap().describe().unwrap();
}

#[test]
fn h158_what_the_child_says_is_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    for cache in [None, Some(dir.path().to_owned())] {
        let fault = Host::new(cache, child()).load("sample", &invalid()).map(drop).unwrap_err().to_string();
        assert!(fault.starts_with("plugin sample cannot be compiled: ") && fault.contains("type mismatch"), "{fault}");
    }
    assert!(names(dir.path()).is_empty(), "{:?}", names(dir.path()));
}

#[test]
fn h158_a_child_that_is_given_nonsense_says_so_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("code");
    let mut child = start(&file);
    child.stdin.take().unwrap().write_all(b"(component)").unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.starts_with("cannot be compiled: ") && said.lines().count() == 1, "{said}");
    assert!(!file.exists());
}

/// H158: a component that takes the compiler for ever, or all memory, takes no more than this.
#[test]
fn h158_the_child_limits_itself_before_it_reads() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(&dir.path().join("code"));
    let limits = PathBuf::from(format!("/proc/{}/limits", child.id()));
    let has = |limits: &str, name: &str, limit: &str| {
        limits.lines().any(|line| line.starts_with(name) && line.split_whitespace().any(|word| word == limit))
    };
    wait_until("the child to be limited", || {
        let limits = fs::read_to_string(&limits).unwrap();
        has(&limits, "Max data size", "4294967296")
            && has(&limits, "Max address space", "17179869184")
            && has(&limits, "Max cpu time", "120")
            && has(&limits, "Max core file size", "0")
    });
    drop(child.stdin.take());
    assert!(!child.wait().unwrap().success());
}

/// Two processes that need the same plugin at once, both with a child: one compiles, the other takes what that made.
#[test]
fn h162_two_at_once_never_see_half_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = forge::Forge::default().build();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let component = Host::new(Some(dir.path().to_owned()), child()).load("sample", &bytes).unwrap();
                component.describe().unwrap();
            });
        }
    });
    assert_eq!(names(dir.path()).len(), 2, "{:?}", names(dir.path()));
}

/// A compiler that takes for ever, in the middle of writing: whoever waits for it can be asked to end, and it is gone then,
/// with what it has written.
#[test]
fn a_compiler_is_ended_with_who_waits_for_it_and_leaves_nothing() {
    for is_kept in [true, false] {
        let (dir, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (program, pid) = (dir.path().join("compiler"), dir.path().join("pid"));
        let script = format!(
            "#!/bin/sh\nprintf half >\"$2\"\necho $$ >{0}.new && mv {0}.new {0}\nread -r _ <{1}\n",
            pid.display(),
            dir.path().join("fifo").display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("fifo"), rustix::fs::Mode::RUSR).unwrap();
        let env = Env::from_pairs([("PATH", "/usr/bin:/bin")]);
        let compiler = Compiler::Child { tools: Tools::plain(&env), program };
        let host = Host::new(is_kept.then(|| cache.path().to_owned()), compiler);
        let cancel = CancelToken::new();
        std::thread::scope(|scope| {
            let loads = scope
                .spawn(|| host.load_unless(&cancel, "sample", &forge::Forge::default().build()).map(drop).unwrap_err());
            wait_until("the compiler to be at work", || pid.exists());
            let compiler = Identity::of(fs::read_to_string(&pid).unwrap().trim().parse().unwrap()).unwrap();
            assert_eq!(names(cache.path()).len(), usize::from(is_kept), "it writes");
            cancel.raise(CancelLevel::Interrupt);
            assert_eq!(loads.join().unwrap().kind, FaultKind::Cancelled);
            assert_eq!(Identity::of(compiler.pid), None, "it was waited for");
        });
        assert!(names(cache.path()).is_empty(), "{:?}", names(cache.path()));
    }
}

/// Who asked for it may be killed at any time, and the child is in a session of its own.
#[test]
fn the_child_ends_when_nobody_waits_for_it_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(&dir.path().join("code"));
    let input = child.stdin.take().unwrap();
    drop(child.stdout.take());
    let ended = child.wait().unwrap();
    assert_eq!(ended.signal(), Some(libc::SIGKILL));
    drop(input);
    assert!(names(dir.path()).is_empty());
}

/// A file that is there is somebody's.
#[test]
fn the_child_writes_over_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("code");
    fs::write(&file, "somebody's").unwrap();
    let mut child = start(&file);
    child.stdin.take().unwrap().write_all(&forge::Forge::default().build()).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(3));
    assert_eq!(fs::read_to_string(&file).unwrap(), "somebody's");
}
