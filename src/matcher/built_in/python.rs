//! Tracebacks of Python, each at its last place in the project.
//!
//! ```text
//! Traceback (most recent call last):
//!   File "/p/a.py", line 3, in <module>
//!     f()
//! ValueError: no
//! ```

use regex::Regex;

use crate::matcher::member::{Find, Finds, Member, Whereabouts, own};

/// See the module.
pub(super) struct Tracebacks {
    /// The place so far, and whether it is in the project.
    at: Option<(Whereabouts, bool)>,
    frame: Regex,
}

impl Tracebacks {
    pub(super) fn new() -> Self {
        Self { at: None, frame: own("^  File \"(.+)\", line (\\d+)(?:, in .*)?$") }
    }
}

impl Member for Tracebacks {
    fn line(&mut self, line: &str, finds: &mut Finds<'_>) {
        if line.starts_with("  File \"")
            && let Some(captures) = self.frame.captures(line)
        {
            let at = Whereabouts::new(&captures[1], captures.get(2).map(|line| line.as_str()), None);
            let is_ours = finds.place.has(&captures[1]);
            // The last that is ours; where none is, the last.
            if is_ours || !self.at.as_ref().is_some_and(|(_, was_ours)| *was_ours) {
                self.at = Some((at, is_ours));
            }
            return;
        }
        if self.at.is_none() || line.starts_with(' ') {
            return;
        }
        let name = line.split([':', ' ']).next().unwrap_or_default();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        if let Some((at, _)) = self.at.take()
            && is_name
        {
            finds.add(Find::error(line).at(at));
        }
    }
}
