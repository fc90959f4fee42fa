//! Why a command was not run there, in the words that are used for one that cannot be run here.

use crate::executor::ExecError;

/// Reads what a wrapper wrote down: `refused CODE WORD TEXT.`, with blanks after it.
pub(super) fn read(said: &str, host: &str) -> ExecError {
    let text = said.trim_end_matches([' ', '\n']);
    let text = text.strip_suffix('.').unwrap_or(text);
    let mut words = text.splitn(4, ' ');
    let (_, code, word, about) = (words.next(), words.next(), words.next(), words.next().unwrap_or(""));
    let code = code.and_then(|code| code.parse().ok()).unwrap_or(126);
    let message = match word.unwrap_or("") {
        "tool" => {
            let cure = "install it there: `apt-get install util-linux bsdutils`";
            let message = format!("{about} is not to be had on {host}, and the stage needs it\n  try: {cure}");
            return ExecError::Infrastructure { message };
        }
        "empty" => "the command's name is empty".to_owned(),
        "missing" => match about.split_once('\n') {
            Some((name, dir)) if name.contains('/') => format!("command not found: {name} (no such file in {dir})"),
            Some((name, path)) => format!("command not found: {name}\nlooked in PATH on {host}: {path}"),
            None => format!("command not found: {about}"),
        },
        "directory" => format!("cannot execute {about}: it is a directory"),
        "permission" => format!("cannot execute {about}: permission denied; try: chmod +x {about}"),
        "interpreter" => {
            let hint = if about.ends_with('\r') { " (the file has CRLF line endings)" } else { "" };
            format!("cannot execute the command: its interpreter '{}' is not there{hint}", about.escape_debug())
        }
        "format" => format!(
            "cannot execute {about}: not an executable format; give it a first line like #!/bin/sh, or run it through a shell"
        ),
        "no-dir" => format!("the working directory {about} is not there on {host}"),
        "not-dir" => format!("the working directory {about} is not a directory on {host}"),
        _ => format!("cannot enter the working directory {about} on {host}"),
    };
    ExecError::NotStarted { code, message }
}
