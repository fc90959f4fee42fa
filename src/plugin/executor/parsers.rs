//! Parsers of plugins, as readers of attempts.

use std::sync::Arc;

use super::{Shared, spoken};
use crate::event::Annotation;
use crate::executor::Job;
use crate::executor::reading::{Ears, Printed, Reader, Reads, Stop};
use crate::pipeline::plugin::{Excerpt, ParserUse};
use crate::plugin::fault::{Fault, FaultKind};
use crate::plugin::granted::presentable;
use crate::plugin::guests::{Around, Parser, STACK};
use crate::plugin::info::Context;

/// The parsers of the attempt's stage that can read.
pub fn readers(shared: &Arc<Shared>, job: &Job) -> Vec<Arc<dyn Reads>> {
    let parsers = shared.parsers.get(&job.stage).map(Vec::as_slice).unwrap_or_default();
    let parsers = parsers.iter().filter(|used| !shared.is_out_of_action(&used.plugin));
    let reads = parsers.map(|used| {
        let (env, context) = (shared.env(job), shared.context(job, "{}", false));
        let source = format!("{}:{}", used.plugin, used.parser);
        Arc::new(ReadsAlong { shared: Arc::clone(shared), used: used.clone(), source, env, context }) as Arc<dyn Reads>
    });
    reads.collect()
}

/// A parser, before it is at work.
struct ReadsAlong {
    shared: Arc<Shared>,
    used: ParserUse,
    source: String,
    env: Vec<(String, String)>,
    context: Context,
}

impl Reads for ReadsAlong {
    fn source(&self) -> &str {
        &self.source
    }

    fn subject(&self) -> String {
        format!("plugin {}: its parser {}", self.used.plugin, self.used.parser)
    }

    fn excerpt(&self) -> Excerpt {
        self.used.excerpt.clone()
    }

    fn stack(&self) -> usize {
        STACK
    }

    fn begin(&self, ears: &Ears) -> Result<Box<dyn Reader>, Stop> {
        let (said, noted) = (ears.clone(), ears.clone());
        let (name, by) = (self.used.plugin.clone(), self.source.clone());
        let around = Around {
            env: self.env.clone(),
            cancel: ears.cancel.clone(),
            log: Box::new(move |line| said.remark(spoken(&name, line))),
            annotate: Box::new(move |items| noted.annotate(&by, items)),
            commands: None,
        };
        let guests = &self.shared.guests;
        let parser = guests.parser(&self.used, around, &self.context).map_err(|fault| stop(&fault))?;
        Ok(Box::new(AtWork { parser, root: guests.root() }))
    }

    fn failed(&self, why: String) -> Option<String> {
        let is_new = self.shared.put_out_of_action(&self.used.plugin);
        is_new.then(|| format!("{why}; what stages print is read by it no more in this run"))
    }
}

struct AtWork {
    parser: Box<dyn Parser>,
    root: std::path::PathBuf,
}

impl AtWork {
    /// What was found, about places in the project alone.
    fn shown(&self, items: Result<Vec<Annotation>, Fault>) -> Result<Vec<Annotation>, Stop> {
        let items = items.map_err(|fault| stop(&fault))?;
        Ok(items.into_iter().map(|item| presentable(item, &self.root)).collect())
    }
}

impl Reader for AtWork {
    fn feed(&mut self, lines: &[Printed<'_>]) -> Result<Vec<Annotation>, Stop> {
        let items = self.parser.feed(lines);
        self.shown(items)
    }

    fn finish(&mut self, exit: Option<i32>) -> Result<Vec<Annotation>, Stop> {
        let items = self.parser.finish(exit);
        self.shown(items)
    }
}

fn stop(fault: &Fault) -> Stop {
    if fault.kind == FaultKind::Cancelled { Stop::Cancelled } else { Stop::Failed(fault.to_string()) }
}
