//! `prune`: deletes runs beyond the retention limits.

use serde::Serialize;

use super::args::PruneArgs;
use super::error::CliError;
use super::project::Context;
use super::{Ending, output};
use crate::clock::{Clock, SystemClock};
use crate::event::SCHEMA_VERSION;
use crate::ids::RunNumber;
use crate::outcome::{HumanDuration, exit};
use crate::session::retention::{self, Limits, Pruned};

#[derive(Serialize)]
struct PruneDocument<'a> {
    schema_version: u32,
    dry_run: bool,
    /// The runs that went, or would go, oldest first.
    pruned: &'a [RunNumber],
    /// How much room they took on the disk.
    bytes: u64,
    /// How many runs are left.
    kept: usize,
    /// Those of them that exceed the limits, but may go on on another machine.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    left: &'a [RunNumber],
    warnings: &'a [String],
}

/// Deletes runs beyond the retention limits.
pub(super) fn prune(context: &Context<'_>, args: &PruneArgs) -> Result<Ending, CliError> {
    let anchor = context.anchor()?;
    let state = context.state(&anchor.root)?;
    let limits = Limits::new(context.user.retention);
    let clock = SystemClock;
    let pruned = if args.dry_run {
        retention::look(&state, limits, clock.now())
    } else {
        retention::prune(&state, &anchor.root, limits, &clock)
    };
    let pruned = pruned.map_err(|error| CliError::infrastructure(format!("runs could not be pruned: {error}")))?;
    let text = if args.json {
        let document = PruneDocument {
            schema_version: SCHEMA_VERSION,
            dry_run: args.dry_run,
            pruned: &pruned.runs,
            bytes: pruned.bytes,
            kept: pruned.kept,
            left: &pruned.left,
            warnings: &pruned.warnings,
        };
        serde_json::to_string(&document).map_err(|error| CliError::infrastructure(error.to_string()))?
    } else {
        pruned.warnings.iter().for_each(|text| output::warning(text));
        for number in &pruned.left {
            let program = context.program();
            output::say(&format!(
                "run {number} is kept, since it may go on on another machine: `{program} attach {number}` takes it over, \
                 `{program} stop {number}` ends it"
            ));
        }
        sentence(&pruned, limits, args.dry_run)
    };
    let _ = output::print(&(text + "\n"));
    // What was to go and did not is no success.
    Ok(Ending::Code(if pruned.warnings.is_empty() { exit::PASSED } else { exit::INFRASTRUCTURE }))
}

fn sentence(pruned: &Pruned, limits: Limits, dry_run: bool) -> String {
    let kept = if pruned.kept == 1 { "1 is kept".to_owned() } else { format!("{} are kept", pruned.kept) };
    let days = usize::try_from(limits.age.as_secs() / (24 * 3600)).unwrap_or(usize::MAX);
    let age = if days > 0 { count(days, "day") } else { HumanDuration(limits.age).to_string() };
    let most = count(usize::try_from(limits.runs).unwrap_or(usize::MAX), "run");
    let kept = format!("{kept} (at most {most}, {age}, {})", megabytes(limits.size));
    if pruned.runs.is_empty() {
        let nothing = if pruned.warnings.is_empty() { "nothing to prune" } else { "nothing was pruned" };
        return format!("{nothing}; {kept}");
    }
    let verb = if dry_run { "would prune" } else { "pruned" };
    format!("{verb} {}, {}; {kept}", count(pruned.runs.len(), "run"), megabytes(pruned.bytes))
}

/// So many of something.
pub(super) fn count(number: usize, of: &str) -> String {
    if number == 1 { format!("1 {of}") } else { format!("{number} {of}s") }
}

/// Bytes as a person reads them, in the units that disks are sold in.
pub(super) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..10_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        10_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ if bytes.is_multiple_of(1_000_000_000) => format!("{} GB", bytes / 1_000_000_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}
