//! What stands behind the contract's resources of the host's.

use crate::plugin::services::Process;

/// A command that a guest has started.
#[expect(unreachable_pub, reason = "the generated code exports it again")]
pub struct Running(pub(super) Box<dyn Process>);
