//! The page's timeline: a row for each slot, a bar for each attempt, the critical path marked.

use std::time::Duration;

use super::{escape, status};
use crate::ids::StageId;
use crate::outcome::HumanDuration;
use crate::report::document::attempts::{self, Attempt, end_of};
use crate::report::document::slots::{Stay, assign};
use crate::view::RunView;

/// A bar that is narrower than this has no room for a name, in percent of the whole.
const TINY: f64 = 4.0;
/// How many parts the axis has.
const PARTS: u32 = 4;

/// The section; nothing where nothing ran.
pub(super) fn section(view: &RunView) -> String {
    let (slots, stays) = assign(view);
    if stays.is_empty() {
        return String::new();
    }
    let end = stays.iter().map(|stay| stay.end).fold(end_of(view), Duration::max).max(Duration::from_millis(1));
    let path = view.critical_path();
    // One stage by itself is no chain.
    let critical: &[StageId] = if path.stages.len() > 1 { &path.stages } else { &[] };
    let is_elsewhere = slots.iter().any(|slot| slot.executor != slots[0].executor);
    let mut rows = String::new();
    for (at, slot) in slots.iter().enumerate() {
        let bars = stays
            .iter()
            .filter(|stay| stay.slot == at)
            .flat_map(|stay| bars(view, stay, critical.contains(&stay.stage), end))
            .collect::<Vec<String>>()
            .concat();
        let label =
            if is_elsewhere { format!("{} {}", slot.executor, slot.number) } else { format!("slot {}", slot.number) };
        let label = escape(&label);
        rows.extend([format!("<div class=\"slot\"><span>{label}</span><div class=\"track\">{bars}</div></div>\n")]);
    }
    let ticks = (0..=PARTS)
        .map(|part| {
            let left = f64::from(part) * 100.0 / f64::from(PARTS);
            format!("<i style=\"left:{left:.0}%\">{}</i>", HumanDuration(end * part / PARTS))
        })
        .collect::<Vec<String>>()
        .concat();
    let key = if critical.is_empty() {
        String::new()
    } else {
        let names: Vec<String> = critical.iter().map(|id| escape(view.stages()[*id].info.name.as_str())).collect();
        format!(
            "<p class=\"key\"><span class=\"mark\"></span> Critical path: {} ({})</p>\n",
            names.join(" → "),
            HumanDuration(path.duration)
        )
    };
    format!(
        "<h2>Timeline</h2>\n<div class=\"chart\">\n{rows}\
         <div class=\"slot\"><span></span><div class=\"axis\">{ticks}</div></div>\n</div>\n{key}"
    )
}

fn bars(view: &RunView, stay: &Stay, is_critical: bool, end: Duration) -> Vec<String> {
    let stage = &view.stages()[stay.stage];
    let attempts = attempts::of(view, stage);
    let last = attempts.len().saturating_sub(1);
    let percent = |duration: Duration| duration.as_secs_f64() * 100.0 / end.as_secs_f64();
    let bar = |(at, attempt): (usize, &Attempt<'_>)| {
        let (tone, word) = if at < last { ("fail", "✗ failed") } else { status(stage) };
        let left = percent(attempt.start).clamp(0.0, 100.0);
        let width = percent(attempt.length).min(100.0 - left);
        let mut class = format!("bar {tone}");
        for (is_so, name) in [(width < TINY, " tiny"), (at < last, " again"), (is_critical, " critical")] {
            if is_so {
                class.push_str(name);
            }
        }
        let name = escape(stage.info.name.as_str());
        let number = if last > 0 { format!(", attempt {}", attempt.number) } else { String::new() };
        let told = format!("{name}{number}: {word}, {}", HumanDuration(attempt.length));
        let shown = if width < TINY { "" } else { &name };
        format!(
            "<div class=\"{class}\" style=\"left:{left:.3}%;width:{width:.3}%\" title=\"{told}\" \
             aria-label=\"{told}\" role=\"img\">{shown}</div>"
        )
    };
    attempts.iter().enumerate().map(bar).collect()
}
