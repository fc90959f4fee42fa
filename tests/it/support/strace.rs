//! strace, which lets a test kill or fail a program at a chosen system call, without root.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// strace, if it is there and may trace; otherwise a line says why the test is skipped.
pub(crate) fn program() -> Option<PathBuf> {
    static FOUND: OnceLock<Result<PathBuf, &str>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let mut trial = Command::new("strace");
        trial.args(["-f", "-qq", "-o", "/dev/null", "true"]).stdin(Stdio::null()).stderr(Stdio::null());
        match trial.status() {
            Ok(status) if status.success() => Ok("strace".into()),
            Ok(_) => Err("skipped: strace may not trace here; a container needs the capability SYS_PTRACE"),
            Err(_) => Err("skipped: strace is not installed; apt-get install strace"),
        }
    });
    match found {
        Ok(program) => Some(program.clone()),
        Err(why) => {
            skip(why);
            None
        }
    }
}

/// Says that a test is skipped, and notes it in the file that `tests/run.sh` names and counts.
#[expect(clippy::print_stdout, reason = "the test's own output")]
pub(super) fn skip(why: &str) {
    println!("{why}");
    if let Some(list) = std::env::var_os("LOCAL_CI_TEST_SKIPS") {
        let mut list = File::options().append(true).create(true).open(list).unwrap();
        writeln!(list, "{why}").unwrap();
    }
}
