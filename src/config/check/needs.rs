//! What each stage needs, by number; and that no stages need each other in a ring.

use std::collections::HashSet;
use std::ops::Range;

use toml::Spanned;

use super::matrix::{Declared, Layout, grouped};
use crate::config::code::Code;
use crate::config::fault::{Fault, FaultList};
use crate::config::nearest::nearest;
use crate::config::schema::Document;
use crate::config::visible::visible_line;
use crate::ids::{DenseId, DenseMap, StageId};
use crate::pipeline::shortest_cycle;

/// How many needs there may be in all, once matrices are expanded.
const NEEDS_MAX: usize = 1_000_000;

/// How many rings are shown. One taken apart often takes others with it.
const RINGS_MAX: usize = 5;

/// The needs of every stage to be, in the order of their numbers.
pub(super) fn resolve(
    document: &Document,
    layout: &Layout<'_>,
    faults: &mut FaultList,
) -> DenseMap<StageId, Vec<StageId>> {
    let known: Vec<Vec<(Range<usize>, &Spanned<String>)>> =
        layout.declared.iter().map(|declared| known_needs(declared, layout, document, faults)).collect();
    let edges = layout.declared.iter().zip(&known).fold(0_usize, |sum, (declared, needs)| {
        let each: usize = needs.iter().map(|(range, _)| range.len()).sum();
        sum.saturating_add(each.saturating_mul(declared.cells.len()))
    });
    if edges > NEEDS_MAX {
        faults.push(too_many(layout, &known, edges));
        return DenseMap::filled(layout.total, Vec::new());
    }
    let mut needs: DenseMap<StageId, Vec<StageId>> = DenseMap::new();
    for (declared, known) in layout.declared.iter().zip(&known) {
        let mut ids: Vec<StageId> = Vec::new();
        let mut seen = HashSet::new();
        for (range, _) in known {
            ids.extend(range.clone().map(StageId::from_index).filter(|id| seen.insert(*id)));
        }
        for _ in &declared.cells {
            needs.push(ids.clone());
        }
    }
    rings(&needs, layout, &known, faults);
    needs
}

/// The needs of one stage that are known, as numbers with the text that names them.
fn known_needs<'d>(
    declared: &Declared<'d>,
    layout: &Layout<'_>,
    document: &Document,
    faults: &mut FaultList,
) -> Vec<(Range<usize>, &'d Spanned<String>)> {
    let own = declared.first..declared.first + declared.cells.len();
    let mut known = Vec::new();
    for need in &declared.stage.needs {
        let name = need.get_ref().as_str();
        let itself = name == declared.key.get_ref()
            || layout.names.get(name).is_some_and(|range| own.contains(&range.start) && range.end <= own.end);
        if itself {
            let text = format!("stage `{}` needs itself", visible_line(declared.key.get_ref()));
            faults.push(Fault::new(Code::SelfNeed, text, need.span(), "here").help("take this need away"));
        } else if let Some(range) = layout.names.get(name) {
            known.push((range.clone(), need));
        } else if !excused(name, layout) {
            let quick = !faults.may_compare(layout.names.len());
            faults.push(unknown(need, layout, document, quick));
        }
    }
    known
}

/// Whether a name may be that of a stage whose own faults hide it.
fn excused(name: &str, layout: &Layout<'_>) -> bool {
    layout.is_open
        || layout.excused.contains(name)
        || name.match_indices(':').any(|(colon, _)| layout.excused.contains(&name[..colon]))
}

fn unknown(need: &Spanned<String>, layout: &Layout<'_>, document: &Document, quick: bool) -> Fault {
    let name = need.get_ref();
    let text = format!("there is no stage `{}`", visible_line(name));
    let fault = Fault::new(Code::UnknownNeed, text, need.span(), "unknown stage");
    if name.contains(['*', '?', '[', '{']) {
        return fault.help("`needs` takes names, not globs; a stage with a matrix can be named as a whole");
    }
    if quick {
        return fault.help(stage_list(document));
    }
    match nearest(name, layout.names.keys().map(String::as_str)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(stage_list(document)),
    }
}

/// The names of the stages, if they are few enough to read.
pub(super) fn stage_list(document: &Document) -> String {
    const MOST: usize = 12;
    let stages = &document.stages.0;
    let names: Vec<String> = stages.iter().take(MOST).map(|(key, _)| visible_line(key.get_ref())).collect();
    let more = if stages.len() > MOST { format!(" and {} more", stages.len() - MOST) } else { String::new() };
    format!("the stages are: {}{more}", names.join(", "))
}

fn too_many(layout: &Layout<'_>, known: &[Vec<(Range<usize>, &Spanned<String>)>], edges: usize) -> Fault {
    let sizes = layout.declared.iter().zip(known).flat_map(|(declared, needs)| {
        needs.iter().map(|(range, need)| (range.len().saturating_mul(declared.cells.len()), need.span()))
    });
    let (largest, span) = sizes.max_by_key(|(size, _)| *size).unwrap_or((0, 0..0));
    let text = format!("the stages of this pipeline have {} needs in all", grouped(edges as u128));
    let label =
        format!("{} of them come from here; there may be {}", grouped(largest as u128), grouped(NEEDS_MAX as u128));
    let fault = Fault::new(Code::TooManyCells, text, span, label);
    fault.help("put a stage between the two: it needs all cells of the one, and the other needs it alone")
}

/// Finds stages that need each other in a ring, shortest first, no stage in two of them.
fn rings(
    needs: &DenseMap<StageId, Vec<StageId>>,
    layout: &Layout<'_>,
    known: &[Vec<(Range<usize>, &Spanned<String>)>],
    faults: &mut FaultList,
) {
    let Some(first) = shortest_cycle(needs) else { return };
    let mut open = needs.clone();
    let mut ring = Some(first);
    for _ in 0..RINGS_MAX {
        let Some(stages) = ring else { return };
        faults.push(ring_fault(&stages, layout, known));
        for stage in &stages {
            // A ring is one of declared stages; their other cells are in rings of the same shape.
            let owner = owner(*stage, layout);
            let declared = &layout.declared[owner];
            for cell in declared.first..declared.first + declared.cells.len() {
                open[StageId::from_index(cell)].clear();
            }
        }
        ring = shortest_cycle(&open);
    }
}

/// Which declared stage a number belongs to.
fn owner(stage: StageId, layout: &Layout<'_>) -> usize {
    layout.declared.partition_point(|declared| declared.first + declared.cells.len() <= stage.index())
}

fn ring_fault(ring: &[StageId], layout: &Layout<'_>, known: &[Vec<(Range<usize>, &Spanned<String>)>]) -> Fault {
    // The path begins where the file does.
    let start = (0..ring.len()).min_by_key(|i| ring[*i].index()).unwrap_or(0);
    let ring: Vec<StageId> = ring[start..].iter().chain(&ring[..start]).copied().collect();
    let name = |id: StageId| {
        let declared = &layout.declared[owner(id, layout)];
        let cell = declared.cells.get(id.index() - declared.first);
        cell.map_or(String::new(), |cell| cell.name.to_string())
    };
    let mut labels = ring.iter().zip(ring.iter().cycle().skip(1)).filter_map(|(from, to)| {
        let needs = &known[owner(*from, layout)];
        let (_, need) = needs.iter().find(|(range, _)| range.contains(&to.index()))?;
        Some((need.span(), format!("`{}` needs `{}`", name(*from), name(*to))))
    });
    let (span, label) = labels.next().unwrap_or((0..0, String::new()));
    let path: Vec<String> = ring.iter().chain(ring.first()).map(|id| name(*id)).collect();
    let shown = if path.len() > 12 {
        format!("{} → … → {} ({} stages)", path[..8].join(" → "), path[path.len() - 1], ring.len())
    } else {
        path.join(" → ")
    };
    let fault = Fault::new(Code::Cycle, format!("stages need each other: {shown}"), span, label);
    // Who has a ring of hundreds is not helped by seeing all of it.
    labels.take(20).fold(fault, |fault, (span, label)| fault.and(span, label)).help("take one of these needs away")
}
