//! The comparison as text: what differs of the runs, a line for each stage, then what differs in each.

use console::Alignment;

use super::{Comparison, OutputChange, Side, StageChange, StageSide};
use crate::event::Stream;
use crate::ids::StageName;
use crate::report::annotations;
use crate::report::mark::Mark;
use crate::report::style::Ink;
use crate::report::table::{Look, Table};
use crate::report::verdict::human;
use crate::text::plain::printable;

/// A commit is shown with so many digits.
const COMMIT_DIGITS: usize = 7;
/// So many findings that are new or gone are shown.
const FINDINGS: usize = 20;
/// So many lines of a command are shown.
const COMMAND_LINES: usize = 20;

/// The comparison, as a person reads it.
pub fn render(comparison: &Comparison, look: Look) -> String {
    let Comparison { from, to, stages, .. } = comparison;
    let page = Page { look };
    let mut text = format!("Run {} {} run {}\n\n", from.run, look.style.glyphs.arrow(), to.run);
    for (name, value) in page.of_runs(from, to) {
        text.push_str(&look.cut(&format!("{name:<15}{value}")));
        text.push('\n');
    }
    if !stages.is_empty() {
        text.push('\n');
        text.push_str(&page.table(stages));
    }
    for stage in stages {
        text.push_str(&page.details(stage));
    }
    text
}

struct Page {
    look: Look,
}

impl Page {
    /// One value, or the two with an arrow between.
    fn change(&self, from: &str, to: &str) -> String {
        if from == to { from.to_owned() } else { format!("{from} {} {to}", self.look.style.glyphs.arrow()) }
    }

    /// What differs of the runs as wholes; verdict and time always.
    fn of_runs(&self, from: &Side, to: &Side) -> Vec<(&'static str, String)> {
        let verdict = |side: &Side| {
            let mark = match side.verdict {
                "passed" => Mark::Passed,
                "failed" => Mark::Failed,
                "queued" | "cancelled" => Mark::Left,
                "running" => Mark::Running,
                _ => Mark::Lost,
            };
            let code = side.exit_code.filter(|code| *code != 0).map_or(String::new(), |code| format!(" ({code})"));
            format!("{} {}{code}", mark.draw(self.look.style), side.verdict)
        };
        let time = self.change(&human(from.duration_ms).to_string(), &human(to.duration_ms).to_string());
        let mut lines = vec![
            ("verdict", self.change(&verdict(from), &verdict(to))),
            ("time", format!("{time}  {}", difference(from.duration_ms, to.duration_ms)).trim_end().to_owned()),
        ];
        let commit = |side: &Side| {
            let digits = side.commit.as_deref().map(|commit| commit.chars().take(COMMIT_DIGITS).collect::<String>());
            let words: Vec<&str> = digits.as_deref().into_iter().chain(side.branch.as_deref()).collect();
            if words.is_empty() { "none".to_owned() } else { printable(&words.join(" ")).into_owned() }
        };
        if (&from.commit, &from.branch) != (&to.commit, &to.branch) {
            lines.push(("commit", self.change(&commit(from), &commit(to))));
        }
        if from.config != to.config {
            lines.push(("config", configs(from, to)));
        }
        if from.directory != to.directory {
            lines.push(("directory", self.change(&printable(&from.directory), &printable(&to.directory))));
        }
        let path = |side: &Side| {
            let names: Vec<&str> = side.critical_path.iter().map(StageName::as_str).collect();
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        };
        if from.critical_path != to.critical_path {
            lines.push(("critical path", self.change(&path(from), &path(to))));
        }
        lines
    }

    /// A line for each stage.
    fn table(&self, stages: &[StageChange]) -> String {
        let left = Alignment::Left;
        let mut table = Table::new(&[("Stage", left), ("Status", left), ("Time", left), ("Change", left)]);
        for stage in stages {
            let status = match (&stage.from, &stage.to) {
                (Some(from), Some(to)) => self.change(&self.status(from), &self.status(to)),
                (None, Some(to)) => format!("new: {}", self.status(to)),
                (Some(from), None) => format!("gone: {}", self.status(from)),
                (None, None) => String::new(),
            };
            let time = |side: &Option<StageSide>| Some(human(side.as_ref()?.duration_ms?).to_string());
            let times = match (time(&stage.from), time(&stage.to)) {
                (Some(from), Some(to)) => self.change(&from, &to),
                (from, to) => from.or(to).unwrap_or_default(),
            };
            table.row(vec![stage.name.to_string(), status, times, self.remarks(stage)]);
        }
        table.render(self.look)
    }

    /// What the end of a stage's line says: by how much its time differs, and whether that was to be expected.
    fn remarks(&self, stage: &StageChange) -> String {
        let mut said = Vec::new();
        if let Some((from, to)) = stage.both() {
            if let (Some(from), Some(to)) = (from.duration_ms, to.duration_ms) {
                said.push(percent(from, to));
            }
            said.extend(stage.outside.map(|outside| {
                let ink = if outside == "slower" { Ink::YELLOW } else { Ink::GREEN };
                self.look.style.ink(ink, &format!("{outside} than expected"))
            }));
        }
        said.retain(|remark| !remark.is_empty());
        said.join(self.look.style.glyphs.separator())
    }

    /// The mark and the word, which says the same without the mark.
    fn status(&self, side: &StageSide) -> String {
        let code = side.exit_code.filter(|code| *code != 0).map_or(String::new(), |code| format!(" ({code})"));
        let (mark, word) = match side.status {
            "pass" => (Mark::Passed, "passed".to_owned()),
            "cached" => (Mark::Passed, "cached".to_owned()),
            "fail" => (Mark::Failed, format!("failed{code}")),
            "timeout" => (Mark::Failed, "timed out".to_owned()),
            "skip" => (Mark::Left, "skipped".to_owned()),
            "running" => (Mark::Running, "running".to_owned()),
            "cancelled" | "waiting" => (Mark::Left, side.status.to_owned()),
            "error" => (Mark::Lost, "errored".to_owned()),
            other => (Mark::Lost, other.to_owned()),
        };
        format!("{} {word}", mark.draw(self.look.style))
    }

    /// What differs in a stage, line by line.
    fn details(&self, stage: &StageChange) -> String {
        let mut text = String::new();
        if let Some((from, to)) = stage.both() {
            if from.command != to.command {
                self.pair(&mut text, "command", Some(&from.command), Some(&to.command));
            }
            if from.directory != to.directory {
                self.pair(&mut text, "directory", Some(&from.directory), Some(&to.directory));
            }
        }
        if !(stage.environment_added.is_empty() && stage.environment_gone.is_empty()) {
            self.what(&mut text, "environment");
            stage.environment_gone.iter().for_each(|name| self.side(&mut text, '-', name));
            stage.environment_added.iter().for_each(|name| self.side(&mut text, '+', name));
        }
        for (what, sign, found) in
            [("not found any more", '-', &stage.annotations_gone), ("found now", '+', &stage.annotations_new)]
        {
            if found.is_empty() {
                continue;
            }
            self.what(&mut text, what);
            found.iter().take(FINDINGS).for_each(|found| self.side(&mut text, sign, &annotations::line(found)));
            if found.len() > FINDINGS {
                self.what(&mut text, &format!("  and {} more", found.len() - FINDINGS));
            }
        }
        match &stage.output {
            OutputChange::Differs { stream, line, from, to } => {
                let of = if *stream == Stream::Stderr { " of stderr" } else { "" };
                self.pair(
                    &mut text,
                    &format!("output differs from line {line}{of} on"),
                    from.as_deref(),
                    to.as_deref(),
                );
            }
            OutputChange::SameAsFarAsKept => self.what(&mut text, "output is the same as far as it is kept"),
            OutputChange::Unknown { why } => {
                self.what(&mut text, &format!("output cannot be compared: {}", printable(why)));
            }
            OutputChange::NotCompared | OutputChange::Same => {}
        }
        if text.is_empty() { text } else { format!("\n{}\n{text}", stage.name) }
    }

    /// What was, and what is.
    fn pair(&self, text: &mut String, what: &str, from: Option<&str>, to: Option<&str>) {
        self.what(text, what);
        for (sign, side) in [('-', from), ('+', to)] {
            match side {
                None => self.side(text, sign, "(nothing more)"),
                Some(side) => {
                    let mut lines = side.split('\n');
                    lines.by_ref().take(COMMAND_LINES).for_each(|line| self.side(text, sign, line));
                    if lines.next().is_some() {
                        self.side(text, sign, self.look.style.glyphs.ellipsis());
                    }
                }
            }
        }
    }

    /// What the lines below are about.
    fn what(&self, text: &mut String, what: &str) {
        text.push_str(&self.look.cut(&format!("  {what}")));
        text.push('\n');
    }

    fn side(&self, text: &mut String, sign: char, line: &str) {
        let ink = match sign {
            '-' => Ink::RED,
            _ => Ink::GREEN,
        };
        let line = self.look.cut(&format!("    {sign} {}", printable(line)));
        text.push_str(&self.look.style.ink(ink, &line));
        text.push('\n');
    }
}

/// By how much one duration differs from another: `+40.0s, +27 %`. Nothing where both read the same.
fn difference(from_ms: u64, to_ms: u64) -> String {
    let percent = percent(from_ms, to_ms);
    let by = human(from_ms.abs_diff(to_ms));
    match (to_ms < from_ms, percent.is_empty()) {
        _ if reads_the_same(from_ms, to_ms) => String::new(),
        (true, false) => format!("-{by}, {percent}"),
        (false, false) => format!("+{by}, {percent}"),
        (true, true) => format!("-{by}"),
        (false, true) => format!("+{by}"),
    }
}

/// By which part one duration differs from another. Nothing where both read the same, and of what took no time.
fn percent(from_ms: u64, to_ms: u64) -> String {
    let sign = if to_ms < from_ms { '-' } else { '+' };
    let hundredfold = u128::from(from_ms.abs_diff(to_ms)) * 100 + u128::from(from_ms / 2);
    match hundredfold.checked_div(from_ms.into()) {
        Some(percent) if !reads_the_same(from_ms, to_ms) => format!("{sign}{percent} %"),
        Some(_) | None => String::new(),
    }
}

fn reads_the_same(from_ms: u64, to_ms: u64) -> bool {
    human(from_ms).to_string() == human(to_ms).to_string()
}

/// Which files of the config differ.
fn configs(from: &Side, to: &Side) -> String {
    let hash =
        |side: &Side, path: &str| side.config.iter().find(|file| file.path == path).map(|file| file.hash.clone());
    let mut paths: Vec<&str> = from.config.iter().chain(&to.config).map(|file| file.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    let said = paths.into_iter().filter_map(|path| {
        let how = match (hash(from, path), hash(to, path)) {
            (None, _) => "new",
            (_, None) => "gone",
            (from, to) if from != to => "changed",
            _ => return None,
        };
        Some(format!("{} {how}", printable(path)))
    });
    said.collect::<Vec<_>>().join(", ")
}
