//! Summaries of stages, one after the other: of each as much as fits, and ended so that the next is not in a fence, a fold
//! or a comment of it.

use std::fmt::Write;

use crate::ids::StageName;

/// How large a step's summary may become, in bytes. GitHub refuses one of more than 1 MiB, whole.
const BUDGET: usize = 900 * 1024;
/// What may be added to a stage's own text to end it.
const ENDING_MAX: usize = 512;

/// The summaries of all stages, where the step's has so many bytes already. Stages share what room there is: none loses
/// anything as long as another takes more than it.
pub(super) fn merged(written: &[(&StageName, String, u64)], there: usize) -> String {
    let room = BUDGET.saturating_sub(there).saturating_sub(written.len() * ENDING_MAX);
    let most = share(room, written.iter().map(|(_, text, _)| text.len()).collect());
    let mut merged = String::new();
    for (stage, text, left) in written {
        let mut kept = front(text, most);
        let mut ending = ending(kept);
        // Who leaves hundreds of folds open is not shown at all: what closes them takes the room of others.
        if ending.len() > ENDING_MAX / 2 {
            (kept, ending) = ("", String::new());
        }
        merged.push_str(kept);
        if !kept.is_empty() && !kept.ends_with('\n') {
            merged.push('\n');
        }
        merged.push_str(&ending);
        let left = *left + (text.len() - kept.len()) as u64;
        if left > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(merged, "\n_{left} bytes more of the summary of {} are left out._", escaped(stage));
        }
        merged.push('\n');
    }
    merged
}

/// How much each may have at most, so that all of them have no more than `room`.
fn share(mut room: usize, mut lengths: Vec<usize>) -> usize {
    lengths.sort_unstable();
    let mut count = lengths.len();
    for length in lengths {
        if length > room / count {
            return room / count;
        }
        room -= length;
        count -= 1;
    }
    usize::MAX
}

/// As much of the text as fits, in whole lines.
fn front(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let cut = text.floor_char_boundary(most);
    text[..cut].rfind('\n').map_or("", |end| &text[..=end])
}

/// A stage's name in Markdown.
fn escaped(stage: &StageName) -> String {
    stage.as_str().chars().flat_map(|c| [Some('\\').filter(|_| "_*+.-".contains(c)), Some(c)]).flatten().collect()
}

/// What ends the fence, the comment and the folds that a text leaves open. Fences are those of the
/// `CommonMark` specification, "Fenced code blocks".
fn ending(text: &str) -> String {
    let mut fence: Option<(char, usize)> = None;
    let (mut in_comment, mut folds) = (false, 0usize);
    for line in text.lines() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let mark = line.trim_start_matches(' ');
        let sign = mark.chars().next().filter(|c| matches!(c, '`' | '~') && indent < 4 && !in_comment);
        let length = sign.map_or(0, |sign| mark.chars().take_while(|c| *c == sign).count());
        match (fence, sign) {
            (Some((open, least)), sign) => {
                if sign == Some(open) && length >= least && mark[length..].trim().is_empty() {
                    fence = None;
                }
                continue;
            }
            (None, Some(sign)) if length >= 3 && !(sign == '`' && mark[length..].contains('`')) => {
                fence = Some((sign, length));
                continue;
            }
            (None, _) => {}
        }
        let mut rest = line;
        while !rest.is_empty() {
            let next = if in_comment { rest.find("-->") } else { rest.find('<') };
            let Some(at) = next else { break };
            rest = &rest[at..];
            if in_comment {
                (in_comment, rest) = (false, &rest[3..]);
            } else if let Some(after) = rest.strip_prefix("<!--") {
                (in_comment, rest) = (true, after);
            } else {
                let tag = |name: &str| rest.get(..name.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(name));
                if tag("<details") {
                    folds += 1;
                } else if tag("</details") {
                    folds = folds.saturating_sub(1);
                }
                rest = &rest[1..];
            }
        }
    }
    let mut ending = String::new();
    if let Some((sign, length)) = fence {
        ending.extend(std::iter::repeat_n(sign, length));
        ending.push('\n');
    }
    if in_comment {
        ending.push_str("-->\n");
    }
    for _ in 0..folds {
        ending.push_str("</details>\n");
    }
    ending
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(texts: &[String], there: usize) -> String {
        let names: Vec<StageName> = (0..texts.len()).map(|n| StageName::new(&format!("s{n}")).unwrap()).collect();
        let written: Vec<_> = names.iter().zip(texts).map(|(name, text)| (name, text.clone(), 0)).collect();
        merged(&written, there)
    }

    #[test]
    fn what_a_stage_leaves_open_is_closed() {
        for (text, ended) in [
            ("# all well\n", ""),
            ("```sh\nx", "```\n"),
            ("~~~~\n```\n~~~\n", "~~~~\n"),
            ("```\n<details>\n```\n", ""),
            ("    ```\nindented code\n", ""),
            ("<details><summary>x</summary>\n<DETAILS open>\n</details>\n", "</details>\n"),
            ("a <!-- b\n``` c\n", "-->\n"),
            ("<!-- a --> <details>\n", "</details>\n"),
            ("``` `x`\n", ""),
        ] {
            assert_eq!(ending(text), ended, "{text:?}");
        }
    }

    #[test]
    fn summaries_stand_in_the_order_of_the_stages() {
        assert_eq!(all(&["one\n".into(), "```\ntwo".into(), "three".into()], 0), "one\n\n```\ntwo\n```\n\nthree\n\n");
    }

    /// The step's limit is kept whatever stages write, and one that writes a lot takes nothing from one that does not.
    #[test]
    fn the_budget_is_shared() {
        let long = "a line of text\n".repeat(60_000);
        let merged = all(&[long.clone(), "short\n".into(), long.clone()], 0);
        assert!(merged.len() <= BUDGET && merged.len() > BUDGET - 4096, "{}", merged.len());
        assert!(merged.contains("\nshort\n"));
        assert!(merged.contains("bytes more of the summary of s0 are left out._\n"));
        let merged = all(&[long], BUDGET - 1000);
        assert!(merged.len() <= 1000, "{}", merged.len());
        let merged = all(&["<details>\n".repeat(100), "short\n".into()], 0);
        assert_eq!(merged, "\n_1000 bytes more of the summary of s0 are left out._\n\nshort\n\n");
        assert_eq!(share(10, vec![2, 9, 9]), 4);
        assert_eq!(share(20, vec![2, 9, 9]), usize::MAX);
    }
}
