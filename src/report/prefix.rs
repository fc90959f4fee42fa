//! What stands before a line of a stage's where lines of several are shown: whose it is, and from which stream.

use super::lines::ink;
use super::style::{Ink, Style};
use crate::event::Stream;
use crate::ids::{RunNumber, StageName};

/// Whose a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    stage: StageName,
    label: String,
}

impl Prefix {
    /// The prefix of a stage; with `run` where there are stages of several runs.
    pub fn new(run: Option<RunNumber>, stage: StageName) -> Self {
        let label = run.map_or_else(|| stage.to_string(), |run| format!("{run}/{stage}"));
        Self { stage, label }
    }

    /// How many columns the label takes.
    pub fn width(&self) -> usize {
        // Names of stages are ASCII.
        self.label.len()
    }

    /// The text before a line, its label padded to this width. `|` stands before what came from stdout, `!` before what
    /// came from stderr, so that they are told apart without colour, too.
    pub fn draw(&self, width: usize, stream: Stream, style: Style) -> String {
        let (label, pad) = (style.ink(ink(self.stage.as_str()), &self.label), width.saturating_sub(self.width()));
        let bar = match stream {
            Stream::Stdout => "|".to_owned(),
            Stream::Stderr => style.ink(Ink::RED, "!"),
        };
        format!("{label}{:pad$} {bar} ", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_several_stages_stand_under_each_other() {
        let name = StageName::new("fmt").unwrap();
        let (one, of_run) = (Prefix::new(None, name.clone()), Prefix::new(Some(RunNumber(42)), name));
        let plain = Style::default();
        assert_eq!(one.draw(3, Stream::Stdout, plain), "fmt | ");
        assert_eq!(one.draw(6, Stream::Stderr, plain), "fmt    ! ");
        assert_eq!(of_run.draw(6, Stream::Stdout, plain), "42/fmt | ");
        let colour = Style { colour: true, ..plain };
        let (out, err) = (one.draw(3, Stream::Stdout, colour), one.draw(3, Stream::Stderr, colour));
        assert!(err.contains("\x1b[31m!\x1b[0m") && out.ends_with(" | "));
        assert_eq!(console::strip_ansi_codes(&out), "fmt | ");
    }
}
