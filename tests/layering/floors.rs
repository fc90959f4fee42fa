//! The table of floors: which top module may name which. `docs/design.md`, "Floors", draws the same table.

/// How modules of one floor stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Neighbours {
    /// A module may name those before it.
    InOrder,
    /// They know nothing of each other.
    Ignorant,
}

/// One floor of the table.
pub(crate) struct Floor {
    pub(crate) number: u8,
    pub(crate) neighbours: Neighbours,
    pub(crate) modules: &'static [&'static str],
}

const fn floor(number: u8, neighbours: Neighbours, modules: &'static [&'static str]) -> Floor {
    Floor { number, neighbours, modules }
}

/// From the ground up.
pub(crate) const FLOORS: &[Floor] = &[
    floor(0, Neighbours::InOrder, &["ids", "clock", "cancel", "outcome", "event", "env"]),
    floor(1, Neighbours::InOrder, &["estimate", "pipeline", "view"]),
    floor(2, Neighbours::InOrder, &["config", "plan"]),
    floor(3, Neighbours::Ignorant, &["process", "journal", "history", "text", "walk", "matcher"]),
    floor(4, Neighbours::InOrder, &["remote", "executor"]),
    floor(5, Neighbours::InOrder, &["plugin"]),
    floor(6, Neighbours::InOrder, &["engine"]),
    floor(7, Neighbours::InOrder, &["report"]),
    floor(8, Neighbours::InOrder, &["session"]),
    floor(10, Neighbours::InOrder, &["cli"]),
];

/// A module's floor and its place on it.
fn place(module: &str) -> Option<(&'static Floor, usize)> {
    FLOORS.iter().find_map(|floor| Some((floor, floor.modules.iter().position(|m| *m == module)?)))
}

/// Why `from` may not name `to`, as the end of a sentence; none where it may.
pub(crate) fn objection(from: &str, to: &str) -> Option<String> {
    let unknown = |module: &str| {
        Some(format!("`{module}` stands on no floor: give it one in tests/layering/floors.rs and in docs/design.md"))
    };
    let Some((from_floor, from_place)) = place(from) else { return unknown(from) };
    let Some((to_floor, to_place)) = place(to) else { return unknown(to) };
    let arrow = format!("`{from}` (F{}) names `{to}` (F{})", from_floor.number, to_floor.number);
    if to_floor.number > from_floor.number {
        return Some(format!("{arrow}: a module names only lower floors"));
    }
    if to_floor.number == from_floor.number {
        if to_floor.neighbours == Neighbours::Ignorant {
            return Some(format!("{arrow}: the modules of this floor know nothing of each other"));
        }
        if to_place > from_place {
            return Some(format!("{arrow}, which comes after it on the same floor"));
        }
    }
    None
}
