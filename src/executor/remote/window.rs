//! Windows of tmux, in which whoever is on the other machine can look on. They show logs and nothing else: no stage is a
//! child of theirs, so what becomes of them is no matter. See `docs/design.md`, "Elsewhere".

use super::place::{self, Place, bare};
use crate::executor::Job;
use crate::plan::command_text;
use crate::remote::probe::Tool;
use crate::remote::quote::quote;
use crate::text::plain::printable;

/// Makes the window: see the file.
const WINDOW: &str = include_str!("scripts/window.sh");
/// What the window runs: see the file.
const SHOW: &str = include_str!("scripts/show.sh");
/// Prints the version of the tmux there, if there is one.
pub const ASK: &str = "command -v tmux >/dev/null && tmux -V";
/// The first version that finds a session by its whole name alone (`=NAME`) and takes a command word by word: its CHANGES.
const VERSION_MIN: (u32, u32) = (2, 1);
/// So much of a command is shown above its output, in characters. tmux takes 16 KiB in all.
const TITLE_MAX: usize = 1000;

/// What a person types to look on, where the tmux there says this of its version; else why nobody can, as a sentence, which
/// is no matter to stages. `by_hand` is what they type to get there with a terminal: `ssh -t HOST`.
pub fn onlook(by_hand: &str, host: &str, session: &str, says: &str) -> Result<String, String> {
    let tmux = Tool { path: String::new(), says: says.trim().to_owned() };
    if tmux.says.is_empty() {
        return Err(format!(
            "there is no tmux on {host}, so nobody can look on there; stages run all the same (`apt-get install tmux` there)"
        ));
    }
    // One that tells no number is made from its sources, and new.
    if tmux.version().is_some_and(|version| version < VERSION_MIN) {
        let (major, minor) = VERSION_MIN;
        let says = printable(&tmux.says);
        return Err(format!(
            "the tmux on {host} is too old for us ({says}; {major}.{minor} is needed), so nobody can look on there; stages \
             run all the same"
        ));
    }
    // In quotes of its own for the shell there: zsh takes a bare `=NAME` for a program's path.
    Ok(format!("{by_hand} \"tmux -L local-ci attach -t '={session}'\""))
}

/// The text that has a window show an attempt, to be appended to the one that starts it. It goes on there by itself.
pub(super) fn script(place: &Place, job: &Job, session: &str) -> String {
    let run = job.number.map_or(String::new(), |number| format!(" of run {number}"));
    let command = printable(&command_text(&job.command)).to_string();
    let mut title = format!("{}{run}: {command}", job.stage);
    if title.chars().count() > TITLE_MAX {
        title = title.chars().take(TITLE_MAX).chain("…".chars()).collect();
    }
    // A word that ends in `;` ends a command of tmux.
    if title.ends_with(';') {
        title.push(' ');
    }
    format!(
        "{}__id={} __session={} __name={} __title={} __show={}\n{}",
        place.script(),
        quote(&place::attempt(job)),
        quote(session),
        quote(job.stage.as_str()),
        quote(&title),
        quote(&bare(SHOW)),
        bare(WINDOW)
    )
}
