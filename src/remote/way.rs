//! The way to a machine that this build has.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Fault, Transport};
use crate::env::Env;
use crate::pipeline::remote::Destination;
use crate::process::tool::Tools;

/// A way to this destination: over ssh, which looks at `config` in place of the user's where that is given. Nothing is
/// connected yet. Fails where this build has no ssh, or there is no place for its sockets.
#[cfg_attr(not(feature = "ssh"), expect(clippy::needless_pass_by_value, reason = "taken where there is ssh"))]
pub fn to(
    destination: Destination,
    config: Option<PathBuf>,
    tools: Tools,
    env: &Env,
) -> Result<Arc<dyn Transport>, Fault> {
    #[cfg(feature = "ssh")]
    let way = super::ssh::SshTransport::new(destination, config, tools, env).map(|way| Arc::new(way) as _);
    #[cfg(not(feature = "ssh"))]
    let way = {
        let _ = (config, tools, env);
        let message = format!("{destination}: this build of local-ci cannot reach other machines");
        let fault = Fault::new(super::FaultKind::Unsupported, message);
        Err(fault.cure("cargo install --path . --features ssh"))
    };
    way
}
