//! Foreign bytes as words of a shell, and a whole script as one word that every login shell hands on as it is.

use std::fmt::Write;

/// Bytes as one word of `/bin/sh`. What is no text is written as `printf` knows it, since scripts are text.
pub(super) fn word(bytes: &[u8]) -> String {
    let mut word = String::with_capacity(bytes.len() + 2);
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().is_empty() || chunk.invalid().is_empty() {
            word.push('\'');
            word.push_str(&chunk.valid().replace('\'', r"'\''"));
            word.push('\'');
        }
        if !chunk.invalid().is_empty() {
            // No byte of these is a line feed, which `$()` would take away.
            word.push_str("\"$(printf '");
            chunk.invalid().iter().for_each(|byte| octal(&mut word, *byte));
            word.push_str("')\"");
        }
    }
    if word.is_empty() { "''".to_owned() } else { word }
}

/// A command that prints these bytes, whatever they are.
pub(super) fn printing(bytes: &[u8]) -> String {
    let mut command = String::with_capacity(bytes.len() * 4 + 16);
    command.push_str("printf '");
    for byte in bytes {
        if byte.is_ascii_alphanumeric() { command.push(char::from(*byte)) } else { octal(&mut command, *byte) }
    }
    command.push('\'');
    command
}

/// A command that runs a script by `/bin/sh` with our standard input as its own, whatever shell reads the command: sh, csh and
/// fish take all that stands between these single quotes as it is, since nothing is left in it that means anything to any
/// of them.
pub(super) fn login_proof(script: &str) -> String {
    let mut command = String::with_capacity(script.len() * 2);
    command.push_str("exec /bin/sh -c 'eval \"$(printf \"");
    for byte in script.bytes() {
        if byte.is_ascii_alphanumeric() || b" _-./=:;,<>&|(){}[]*?@+".contains(&byte) {
            command.push(char::from(byte));
        } else {
            octal(&mut command, byte);
        }
    }
    command.push_str("\")\"'");
    command
}

fn octal(text: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\\{byte:03o}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;
    use crate::process::tool::{Tool, Tools};
    use proptest::prelude::*;
    use std::time::Duration;

    fn run(argv: &[&str], stdin: &str) -> Vec<u8> {
        let tools = Tools::plain(&Env::from_pairs([("PATH", "/usr/bin:/bin")]));
        tools.run(&Tool::new(argv).stdin(stdin), Duration::from_secs(20), &|| false).unwrap().stdout
    }

    #[test]
    fn any_bytes_can_be_printed() {
        // Each byte before each kind of byte, a digit and a NUL among them.
        let bytes: Vec<u8> = (0..=255_u8).flat_map(|byte| [byte, b'7', byte, 0, byte, b'%']).collect();
        for shell in ["/bin/sh", "/bin/bash"] {
            assert_eq!(run(&[shell, "-c", &printing(&bytes)], ""), bytes, "{shell}");
        }
        assert_eq!(run(&["/bin/sh", "-c", &printing(&[])], ""), b"");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_bytes_are_one_word(bytes in proptest::collection::vec(1_u8..=255, 0..40)) {
            let script = format!("printf '%s|' {}", word(&bytes));
            let mut expected = bytes.clone();
            expected.push(b'|');
            prop_assert_eq!(run(&["/bin/sh", "-c", &script], ""), expected);
        }
    }

    #[test]
    fn a_script_passes_every_login_shell_as_it_is() {
        let script = "x='it'\\''s !$HOME %s'\nread -r line\nprintf '%s\\n' \"$x\" \"$line\" \"`echo a`\" # ünï\n";
        let command = login_proof(script);
        for shell in ["/bin/sh", "/bin/bash", "/bin/csh", "/usr/bin/fish"] {
            if std::path::Path::new(shell).exists() {
                let said = run(&[shell, "-c", &command], "from stdin\n");
                assert_eq!(String::from_utf8_lossy(&said), "it's !$HOME %s\nfrom stdin\na\n", "{shell}");
            }
        }
    }
}
