//! What the tests of all documents have in common: made-up runs with what their stages printed.

use super::*;
use crate::event::{Annotation, EventKind, Severity, Spot};
use crate::ids::StageId;
use crate::report::tests::MemoryLogs;
use crate::report::{LogKey, LogPart};
use crate::view::recorded::{Recorded, Step};

/// A run's document.
pub(super) fn document(kind: Kind, run: &Recorded) -> String {
    let mut logs = MemoryLogs::default();
    for step in &run.steps {
        if let Step::Output { stage, attempt, tail, bytes } = step {
            let part = if *tail { LogPart::Tail } else { LogPart::Head };
            logs.append(LogKey { stage: *stage, attempt: *attempt, part }, bytes);
        }
    }
    String::from_utf8(render(kind, &run.view(), &mut logs, &facts())).unwrap()
}

fn facts() -> Facts {
    Facts {
        project: "project".into(),
        commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
        branch: Some("main".into()),
        host: "box".into(),
        program: "0.1.0".into(),
        history: BTreeMap::new(),
    }
}

/// Something that was found, at `path:line:column`.
pub(super) fn finding(severity: Severity, place: Option<(&str, u32, u32)>, message: &str) -> Annotation {
    let at = place.map(|(path, line, column)| Spot {
        path: path.into(),
        line: Some(line),
        column: Some(column),
        end_line: None,
        end_column: None,
    });
    Annotation {
        severity,
        message: message.into(),
        code: Some("E0308".into()),
        title: None,
        at,
        source: "rustc".into(),
    }
}

/// A stage finds this.
pub(super) fn find(run: &mut Recorded, stage: u32, items: Vec<Annotation>) {
    run.push(EventKind::Annotated { stage: StageId(stage), attempt: 1, items });
}
