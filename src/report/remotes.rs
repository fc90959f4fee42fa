//! What is said of other machines that stages run on: in sentences that stand beside a face's own output, and in a few
//! words while something is the matter.
//!
//! A transcript is the same wherever its stages ran, so none of this is part of it: it goes where other sentences about
//! the program go. Live mode has it above its region, for good, and in it, for as long as it lasts.

use std::time::Duration;

use super::spoken::spoken;
use super::verdict::human;
use crate::clock::Timestamp;
use crate::event::RemoteNews;
use crate::outcome::HumanDuration;
use crate::text::plain::printable;
use crate::view::{Line, RemoteView, RunView};

/// How much is said of other machines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// What is wrong, and that it is not any more.
    Trouble,
    /// What was sent and brought back, too.
    #[default]
    Usual,
    /// How far away they are, and how much came from there, too.
    All,
}

/// For whom it is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Words {
    /// For who reads.
    #[default]
    Written,
    /// For who has it read out: whole sentences.
    Spoken,
}

impl Words {
    fn duration(self, ms: u64) -> String {
        match self {
            Self::Written => human(ms).to_string(),
            Self::Spoken => spoken(ms),
        }
    }
}

/// Takes sentences that stand beside a face's own output.
pub struct Aside {
    /// Where they go.
    pub say: Box<dyn FnMut(&str)>,
    /// How much is said.
    pub detail: Detail,
    /// For whom.
    pub words: Words,
}

impl Aside {
    /// Says what there is to say of another machine, of which the view knows already.
    pub(super) fn news(&mut self, view: &RunView, name: &str, news: &RemoteNews) {
        if let Some(text) = told(view, name, news, self.detail, self.words) {
            (self.say)(&printable(&text));
        }
    }
}

/// What is said of this, if anything. `view` has it already.
pub(super) fn told(view: &RunView, name: &str, news: &RemoteNews, detail: Detail, words: Words) -> Option<String> {
    let host = view.remote(name).map_or(name, |remote| &remote.info.host);
    let (least, text) = match news {
        RemoteNews::Connected { round_trip_us, onlook } => {
            let look = onlook.as_ref().map_or(String::new(), |command| format!("; to look on there: {command}"));
            (Detail::All, format!("{name}: connected to {host}, round trip {}{look}", micros(*round_trip_us)))
        }
        RemoteNews::Sent { files: 0, duration_ms, .. } => (
            Detail::Usual,
            format!("nothing to send to {host}: no file has changed ({})", words.duration(*duration_ms)),
        ),
        RemoteNews::Sent { files, bytes, duration_ms } => {
            let (amount, time) = (amount(*files, *bytes), words.duration(*duration_ms));
            (Detail::Usual, format!("sent {amount} to {host} in {time}"))
        }
        RemoteNews::Fetched { stage, files, bytes, duration_ms } => {
            let (amount, time) = (amount(*files, *bytes), words.duration(*duration_ms));
            let stage = view.stages().get(*stage).map_or(name, |stage| stage.info.name.as_str());
            (Detail::Usual, format!("{stage}: brought {amount} back from {host} in {time}"))
        }
        RemoteNews::Remark { text } => (Detail::Usual, format!("{name}: {}", text.trim_end_matches('.'))),
        // Each try is told where it can be taken back.
        RemoteNews::Down { attempt, .. } if *attempt > 0 => return None,
        RemoteNews::Down { why, .. } => {
            let why = why.trim_end_matches('.');
            (Detail::Trouble, format!("{name}: the line is gone ({why}); what runs there goes on, reconnecting"))
        }
        RemoteNews::Up { after_ms } => {
            (Detail::Trouble, format!("{name}: the line is there again after {}", words.duration(*after_ms)))
        }
        RemoteNews::GaveUp { why } => {
            let why = why.trim_end_matches('.');
            (Detail::Trouble, format!("{name}: gave up reconnecting ({why}); what runs there goes on"))
        }
        RemoteNews::Done { received, round_trip_us } => {
            let (trip, size) = (micros(*round_trip_us), size(*received));
            (Detail::All, format!("{name}: round trip {trip}, {size} of output came from there"))
        }
    };
    (detail >= least).then(|| match words {
        Words::Written => text,
        Words::Spoken => sentence(&text),
    })
}

/// What is the matter with another machine, in a few words; nothing where all is well.
pub(super) fn matter(remote: &RemoteView, now: Timestamp) -> Option<String> {
    let name = &remote.info.name;
    Some(match &remote.line {
        Line::Connecting => format!("{name}: connecting"),
        Line::Sending => format!("{name}: sending files"),
        Line::Down { attempt: 0, .. } => format!("{name}: reconnecting"),
        Line::Down { attempt, next, .. } => {
            let left = Duration::from_micros(next.mono_us.saturating_sub(now.mono_us));
            let when = match left.as_millis().div_ceil(1000) {
                0 => "trying now".to_owned(),
                seconds => format!("next in {seconds}s"),
            };
            format!("{name}: reconnecting (attempt {attempt}, {when})")
        }
        Line::Left { .. } => format!("{name}: gave up reconnecting, what runs there goes on"),
        Line::Up | Line::Done => return None,
    })
}

/// What is the matter with the machines that stages run on, as part of a line that is written once.
pub(super) fn matters(view: &RunView, now: Timestamp) -> String {
    let of = |remote: &RemoteView| match &remote.line {
        Line::Down { since, .. } => {
            Some(format!("; {}: reconnecting since {}", remote.info.name, HumanDuration(now.since(*since))))
        }
        Line::Connecting | Line::Sending | Line::Left { .. } => matter(remote, now).map(|text| format!("; {text}")),
        Line::Up | Line::Done => None,
    };
    view.restless().filter_map(of).collect()
}

/// A text of ours as a sentence.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(char::to_uppercase);
    format!("{}{}.", first.into_iter().flatten().collect::<String>(), rest.as_str())
}

/// So many files of so many bytes in all.
fn amount(files: u64, bytes: u64) -> String {
    let s = if files == 1 { "" } else { "s" };
    format!("{files} file{s}, {}", size(bytes))
}

/// A size to two digits at least, in units of 1024.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths, so that no rounding makes 1024 of a unit.
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    match tenths {
        0..100 => format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]),
        _ => format!("{} {}", tenths / 10, UNITS[unit]),
    }
}

/// A time of microseconds, in milliseconds.
fn micros(us: u64) -> String {
    match us {
        0..10_000 => format!("{}.{}ms", us / 1000, us % 1000 / 100),
        _ => human(us / 1000).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StageId;
    use crate::view::recorded::{Recorded, on, remote, stage};

    fn run() -> Recorded {
        let mut run =
            Recorded::elsewhere(vec![on(stage("test", "make"), "box")], vec![remote("box", "ci@example.invalid")]);
        run.start(0);
        run
    }

    fn down(attempt: u32, next_ms: u64) -> RemoteNews {
        RemoteNews::Down { why: "the connection was reset.".into(), attempt, next_ms }
    }

    fn said(run: &Recorded, detail: Detail, words: Words) -> String {
        let mut view = RunView::new();
        let mut text = String::new();
        for event in run.events() {
            view.apply(&event);
            if let crate::event::EventKind::Remote { remote, news } = &event.kind {
                text += &told(&view, remote, news, detail, words).map_or(String::new(), |line| line + "\n");
            }
        }
        text
    }

    fn eventful() -> Recorded {
        let mut run = run();
        run.news("box", RemoteNews::Connected { round_trip_us: 1940, onlook: Some("tmux -L local-ci attach".into()) });
        run.news("box", RemoteNews::Sent { files: 12, bytes: 35_000, duration_ms: 412 });
        run.news("box", down(0, 0)).news("box", down(1, 2000)).news("box", RemoteNews::Up { after_ms: 12_000 });
        run.news("box", RemoteNews::Fetched { stage: StageId(0), files: 1, bytes: 1_300_000, duration_ms: 90 });
        run.news("box", RemoteNews::GaveUp { why: "nobody answers".into() });
        run.news("box", RemoteNews::Done { received: 1023, round_trip_us: 104_200 });
        run
    }

    #[test]
    fn as_much_is_said_as_is_asked_for() {
        insta::assert_snapshot!(said(&eventful(), Detail::Trouble, Words::Written), @r"
        box: the line is gone (the connection was reset); what runs there goes on, reconnecting
        box: the line is there again after 12.0s
        box: gave up reconnecting (nobody answers); what runs there goes on
        ");
        insta::assert_snapshot!(said(&eventful(), Detail::All, Words::Written), @r"
        box: connected to ci@example.invalid, round trip 1.9ms; to look on there: tmux -L local-ci attach
        sent 12 files, 34 KiB to ci@example.invalid in 412ms
        box: the line is gone (the connection was reset); what runs there goes on, reconnecting
        box: the line is there again after 12.0s
        test: brought 1 file, 1.2 MiB back from ci@example.invalid in 90ms
        box: gave up reconnecting (nobody answers); what runs there goes on
        box: round trip 104ms, 1023 B of output came from there
        ");
    }

    #[test]
    fn what_is_read_out_is_whole_sentences() {
        insta::assert_snapshot!(said(&eventful(), Detail::Usual, Words::Spoken), @r"
        Sent 12 files, 34 KiB to ci@example.invalid in less than a second.
        Box: the line is gone (the connection was reset); what runs there goes on, reconnecting.
        Box: the line is there again after 12 seconds.
        Test: brought 1 file, 1.2 MiB back from ci@example.invalid in less than a second.
        Box: gave up reconnecting (nobody answers); what runs there goes on.
        ");
    }

    /// H126: it is said that the line is gone, how often it was tried, and when it is tried next.
    #[test]
    fn h126_what_is_the_matter_is_said_for_as_long_as_it_is() {
        let mut run = run();
        let mut seen = Vec::new();
        let mut look = |run: &Recorded, ms: u64| {
            let view = run.view();
            let now = run.events().last().unwrap().at.after(Duration::from_millis(ms));
            seen.push(
                view.restless().find_map(|remote| matter(remote, now)).unwrap_or_default() + &matters(&view, now),
            );
        };
        look(&run, 0);
        run.news("box", RemoteNews::Connected { round_trip_us: 5, onlook: None });
        look(&run, 0);
        run.news("box", RemoteNews::Sent { files: 0, bytes: 0, duration_ms: 5 });
        look(&run, 0);
        run.news("box", down(0, 0)).wait(40_000).news("box", down(3, 4000));
        look(&run, 1);
        look(&run, 4001);
        run.news("box", RemoteNews::Up { after_ms: 1 });
        look(&run, 0);
        run.news("box", RemoteNews::GaveUp { why: "x".into() });
        look(&run, 0);
        insta::assert_snapshot!(seen.join("\n"), @r"
        box: connecting; box: connecting
        box: sending files; box: sending files

        box: reconnecting (attempt 3, next in 4s); box: reconnecting since 40.0s
        box: reconnecting (attempt 3, trying now); box: reconnecting since 44.0s

        box: gave up reconnecting, what runs there goes on; box: gave up reconnecting, what runs there goes on
        ");
    }

    #[test]
    fn sizes_have_no_more_digits_than_they_need() {
        let shown: Vec<String> = [0, 1023, 1024, 10_239, 10_240, 1_048_575, 1_048_576, u64::MAX].map(size).into();
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "9.9 KiB", "10 KiB", "1023 KiB", "1.0 MiB", "16777215 TiB"]);
    }
}
