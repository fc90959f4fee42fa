//! Finding the program that a command names, and saying what is wrong with one that cannot be executed.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Why a program cannot be executed: the code a shell would give, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProgramError {
    /// 127: not found; 126: found, but it cannot be executed.
    pub code: i32,
    /// What is wrong and what to do.
    pub message: String,
}

impl ProgramError {
    fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The file that `name` stands for, looked for as execvp(3) does: in `path`, or from `dir` where it has a slash.
pub fn resolve(name: &str, path: Option<&OsStr>, dir: &Path) -> Result<PathBuf, ProgramError> {
    if name.is_empty() {
        return Err(ProgramError::new(127, "the command's name is empty"));
    }
    if name.contains('/') {
        // As a person would write it: without `.` and a slash at the end.
        let file: PathBuf = dir.join(name).components().collect();
        return match fs::metadata(&file) {
            Err(_) => {
                let dir = dir.components().as_path().display();
                Err(ProgramError::new(127, format!("command not found: {name} (no such file in {dir})")))
            }
            Ok(_) => executable(&file).map(|()| file),
        };
    }
    // What execvp(3) assumes where PATH is not set.
    let path = path.unwrap_or(OsStr::new("/bin:/usr/bin"));
    let mut refused = None;
    for entry in path.as_bytes().split(|byte| *byte == b':') {
        let file = dir.join(OsStr::from_bytes(entry)).join(name);
        match access(&file, Access::EXEC_OK) {
            Ok(()) if !file.is_dir() => return Ok(file),
            Err(rustix::io::Errno::ACCESS) if file.is_file() => refused = refused.or(Some(file)),
            Ok(()) | Err(_) => {}
        }
    }
    match refused {
        Some(file) => executable(&file).map(|()| file),
        None if name.contains(char::is_whitespace) => Err(ProgramError::new(
            127,
            format!(
                "command not found: {name}\nan array is a program and its arguments, each by itself: [\"cargo\", \"test\"]"
            ),
        )),
        None => Err(ProgramError::new(
            127,
            format!("command not found: {name}\nlooked in PATH: {}", path.to_string_lossy()),
        )),
    }
}

fn executable(file: &Path) -> Result<(), ProgramError> {
    let shown = file.display();
    if file.is_dir() {
        return Err(ProgramError::new(126, format!("cannot execute {shown}: it is a directory")));
    }
    match access(file, Access::EXEC_OK) {
        Ok(()) => Ok(()),
        Err(_) => {
            Err(ProgramError::new(126, format!("cannot execute {shown}: permission denied; try: chmod +x {shown}")))
        }
    }
}

/// What an error of executing an existing file means.
pub fn explain(file: &Path, error: &std::io::Error) -> ProgramError {
    let shown = file.display();
    match error.raw_os_error() {
        Some(libc::ENOENT) => match interpreter(file) {
            Some(interpreter) => {
                let hint = if interpreter.ends_with('\r') { " (the file has CRLF line endings)" } else { "" };
                let interpreter = interpreter.escape_debug();
                ProgramError::new(
                    127,
                    format!("cannot execute {shown}: its interpreter '{interpreter}' is not there{hint}"),
                )
            }
            None => ProgramError::new(127, format!("cannot execute {shown}: it, or the loader it names, is not there")),
        },
        Some(libc::ENOEXEC) => ProgramError::new(
            126,
            format!(
                "cannot execute {shown}: not an executable format; give it a first line like #!/bin/sh, or run it through a shell"
            ),
        ),
        _ => ProgramError::new(126, format!("cannot execute {shown}: {error}")),
    }
}

/// The interpreter that a script's first line names.
fn interpreter(file: &Path) -> Option<String> {
    let mut head = [0; 256];
    let length = fs::File::open(file).ok()?.read(&mut head).ok()?;
    let line = head[..length].strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    // A carriage return is no blank to the kernel: it belongs to the name, and that is what goes wrong.
    let line = line.trim_start_matches([' ', '\t']);
    line.split([' ', '\t']).next().filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(dir: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// H103: what was looked for, and where.
    #[test]
    fn h103_not_found_names_the_path_searched() {
        let error = resolve("no-such-tool", Some(OsStr::new("/nonexistent:/nowhere")), Path::new("/")).unwrap_err();
        assert_eq!(error.code, 127);
        assert_eq!(error.message, "command not found: no-such-tool\nlooked in PATH: /nonexistent:/nowhere");
        assert_eq!(resolve("./x", None, Path::new("/nonexistent")).unwrap_err().code, 127);
        assert_eq!(resolve("", None, Path::new("/")).unwrap_err().code, 127);
    }

    /// H106: a directory, and a file without the bit.
    #[test]
    fn h106_what_is_there_but_cannot_run_is_126() {
        let dir = tempfile::tempdir().unwrap();
        let plain = file(dir.path(), "plain", "", 0o644);
        let error = executable(dir.path()).unwrap_err();
        assert_eq!((error.code, error.message.contains("is a directory")), (126, true));
        // Root may not execute a file without any x bit either.
        let error = resolve("plain", Some(dir.path().as_os_str()), Path::new("/")).unwrap_err();
        assert_eq!(error.code, 126);
        assert!(error.message.contains(&format!("chmod +x {}", plain.display())), "{error}");
    }

    /// H105: a shebang with CRLF names an interpreter that nobody has.
    #[test]
    fn h105_a_missing_interpreter_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let not_found = std::io::Error::from_raw_os_error(libc::ENOENT);
        let script = file(dir.path(), "a", "#!/bin/sh\r\necho\r\n", 0o755);
        let message = explain(&script, &not_found).message;
        assert!(message.contains(r"'/bin/sh\r' is not there (the file has CRLF line endings)"), "{message}");
        let script = file(dir.path(), "b", "#! /no/such/interp -x\n", 0o755);
        assert!(explain(&script, &not_found).message.contains("'/no/such/interp' is not there"));
    }

    /// H104: no shebang is said, not run through a shell behind the user's back.
    #[test]
    fn h104_no_executable_format_is_said() {
        let error = explain(Path::new("/x"), &std::io::Error::from_raw_os_error(libc::ENOEXEC));
        assert_eq!(error.code, 126);
        assert!(error.message.contains("#!/bin/sh"));
    }
}
