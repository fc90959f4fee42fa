//! What scripts there say is wrong, as faults, and faults as ends of attempts.

use crate::executor::ExecError;
use crate::remote::{Fault, FaultKind};

/// A script's `fault KIND TEXT`.
pub(super) fn told(host: &str, kind: &str, text: &str) -> Fault {
    match kind {
        "space" => Fault::new(FaultKind::NoSpace, format!("there is no room for the stage's files on {host}: {text}"))
            .cure("make room there (`df -h`), or set XDG_STATE_HOME there to a directory that has some"),
        "directory" => {
            Fault::new(FaultKind::Directory, format!("the directory for runs on {host} cannot be used: {text}"))
                .cure("have it belong to the user there, with nobody else allowed to write to it")
        }
        "tool" => Fault::new(FaultKind::MissingTool, format!("{text} is not to be had on {host}"))
            .cure("install it there: `apt-get install util-linux`"),
        _ => Fault::new(FaultKind::Unsupported, format!("stages cannot run on {host}: {text}")),
    }
}

/// An attempt that did not come to its end.
pub(super) fn ended(fault: &Fault) -> ExecError {
    match fault.kind {
        FaultKind::GaveUp => ExecError::Left { message: fault.to_string() },
        FaultKind::Cancelled => ExecError::Infrastructure { message: "cancelled before it could be started".into() },
        _ => ExecError::Infrastructure { message: fault.to_string() },
    }
}

/// An attempt of which there is nothing to be had on that machine.
pub(super) fn lost(host: &str, why: &str) -> ExecError {
    ExecError::Infrastructure { message: format!("lost on {host}: {why}") }
}
