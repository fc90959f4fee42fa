//! A configuration's error as text for a terminal.

use std::fmt::{Display, Write as _};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use super::code::Code;
use super::error::{ConfigError, Faults};

impl Diagnostic for ConfigError {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        match self {
            Self::NotFound(_) => Some(Box::new(Code::NotFound)),
            Self::Faults(_) => None,
        }
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        match self {
            Self::NotFound(missing) if missing.stop.is_none() => Some(Box::new("check the path given to `--config`")),
            Self::NotFound(_) => {
                Some(Box::new("write a first one with `local-ci init`, or name one with `--config FILE`"))
            }
            Self::Faults(_) => None,
        }
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        match self {
            Self::NotFound(_) => None,
            Self::Faults(faults) => Some(Box::new(faults.drawings.iter().map(|drawing| drawing as &dyn Diagnostic))),
        }
    }
}

impl ConfigError {
    /// The error as text for a terminal of this width: every fault drawn on its file, and how many there are.
    pub fn render(&self, colour: bool, width: usize) -> String {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .without_syntax_highlighting()
            .with_width(width.max(40));
        let mut text = String::new();
        // Writing to a string cannot fail; where drawing does, the plain sentence is still there.
        match self {
            Self::NotFound(_) => draw_into(&mut text, &handler, self),
            Self::Faults(faults) => {
                for drawing in &faults.drawings {
                    draw_into(&mut text, &handler, drawing);
                    text.push('\n');
                }
                text.push_str(&count(faults));
            }
        }
        text
    }
}

fn draw_into(text: &mut String, handler: &GraphicalReportHandler, diagnostic: &dyn Diagnostic) {
    let before = text.len();
    if handler.render_report(text, diagnostic).is_err() {
        text.truncate(before);
        let _ = writeln!(text, "{diagnostic}");
    }
}

fn count(faults: &Faults) -> String {
    match (faults.list.len(), faults.left_out) {
        (1, 0) => "1 fault in the configuration\n".into(),
        (shown, 0) => format!("{shown} faults in the configuration\n"),
        (shown, _) => format!("more than {shown} faults in the configuration; the first {shown} are shown\n"),
    }
}
