//! Outputs of a step: `NAME=VALUE` on a line, or `NAME<<DELIMITER`, lines, and the delimiter on a line of its own. As
//! GitHub's documentation has it ("Workflow commands", "Multiline strings").

use std::fmt::Write;

use crate::ids::{StageName, hex};

/// The outputs of all stages, each written so that nothing in it can be taken for another. What comes after a line that is
/// none of them is left out, and said.
pub(super) fn merged(written: &[(&StageName, String, u64)], complaints: &mut Vec<String>) -> String {
    let mut text = String::new();
    for (stage, source, left) in written {
        let (outputs, mut fault) = parse(source);
        if *left > 0 {
            fault = Some("it is larger than 1 MiB".to_owned());
        }
        for (name, value) in outputs {
            // Writing to a String cannot fail.
            let _ = if value.contains(['\n', '\r']) {
                let delimiter = delimiter();
                writeln!(text, "{name}<<{delimiter}\n{value}\n{delimiter}")
            } else {
                writeln!(text, "{name}={value}")
            };
        }
        if let Some(fault) = fault {
            complaints.push(format!("{stage}: not all that it wrote to GITHUB_OUTPUT is an output: {fault}"));
        }
    }
    text
}

/// A word that stands in no value.
fn delimiter() -> String {
    let mut bytes = [0; 16];
    // It can fail on a system that has only just booted; the values there are not an attacker's.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    format!("local_ci_{}", hex(&bytes))
}

/// Names and values, up to a line that is neither; what is wrong with that.
fn parse(source: &str) -> (Vec<(&str, String)>, Option<String>) {
    let mut outputs = Vec::new();
    let mut lines = source.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let number = number + 1;
        let equals = line.find('=').unwrap_or(usize::MAX);
        match line.find("<<").filter(|heredoc| *heredoc < equals) {
            Some(at) => {
                let (name, delimiter) = (&line[..at], &line[at + 2..]);
                if name.is_empty() || delimiter.is_empty() {
                    return (outputs, Some(format!("line {number} has no name or no delimiter")));
                }
                let mut value = Vec::new();
                loop {
                    match lines.next() {
                        Some((_, line)) if line == delimiter => break,
                        Some((_, line)) => value.push(line),
                        None => return (outputs, Some(format!("what begins in line {number} has no end"))),
                    }
                }
                outputs.push((name, value.join("\n")));
            }
            None => match line.split_once('=') {
                Some((name, value)) if !name.is_empty() => outputs.push((name, value.to_owned())),
                _ => return (outputs, Some(format!("line {number} is neither NAME=VALUE nor NAME<<DELIMITER"))),
            },
        }
    }
    (outputs, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(sources: &[&str]) -> (String, Vec<String>) {
        let names: Vec<StageName> = (0..sources.len()).map(|n| StageName::new(&format!("s{n}")).unwrap()).collect();
        let written: Vec<_> = names.iter().zip(sources).map(|(name, text)| (name, (*text).to_owned(), 0)).collect();
        let mut complaints = Vec::new();
        let text = merged(&written, &mut complaints);
        (text, complaints)
    }

    #[test]
    fn outputs_stand_in_the_order_of_the_stages() {
        let (text, complaints) = all(&["a=1\r\n\nb=x=<<y\n", "c=last"]);
        assert_eq!((text.as_str(), complaints.len()), ("a=1\nb=x=<<y\nc=last\n", 0));
    }

    #[test]
    fn what_a_stage_leaves_open_does_not_take_in_the_next() {
        let (text, complaints) = all(&["a=1\nlog<<EOF\nb=2\n", "c<<END\nx\n\ny\nEND\n", "nothing\nd=4\n", "e=5\n"]);
        let (outputs, fault) = parse(&text);
        assert_eq!(fault, None);
        assert_eq!(outputs, [("a", "1".to_owned()), ("c", "x\n\ny".to_owned()), ("e", "5".to_owned())]);
        assert!(!text.contains("END"), "delimiters are our own: {text}");
        assert_eq!(
            complaints,
            [
                "s0: not all that it wrote to GITHUB_OUTPUT is an output: what begins in line 2 has no end",
                "s2: not all that it wrote to GITHUB_OUTPUT is an output: line 1 is neither NAME=VALUE nor NAME<<DELIMITER"
            ]
        );
    }
}
