//! A directory there that is used as it is: on a shared file system, or the user's own checkout.

use std::path::PathBuf;

use super::order::{Hands, Order};
use super::place::{Place, expanded, preamble};
use super::words::word;
use crate::remote::{Fault, FaultKind};
use crate::text::plain::printable;

/// Looks whether it is there. Without a directory of its own, it is the one of the same name as here.
pub(super) fn look(order: &Order<'_>, hands: &Hands<'_>) -> Result<Place, Fault> {
    let host = hands.there.host();
    let (given, dir) = match &order.remote.dir {
        Some(dir) => (printable(dir).into_owned(), expanded(dir)?),
        None => {
            let root = order.root.as_os_str().as_encoded_bytes();
            (printable(&order.root.to_string_lossy()).into_owned(), word(root))
        }
    };
    let script = format!(
        "{}dir={dir}\n[ -d \"$dir\" ] || exit 3\ncd \"$dir\" 2>/dev/null && [ -r . ] || exit 4\nprintf %s \"$dir\"\n",
        preamble()
    );
    let answer = hands.call(&script)?;
    let fault = |text: String| Fault::new(FaultKind::Directory, text);
    let ways = |fault: Fault| {
        let fault = match &order.remote.dir {
            Some(_) => fault.cure(format!("make it there: a clone, or a mount of the same file system at `{given}`")),
            None => fault.cure("dir = \"DIRECTORY\", or --remote-dir DIRECTORY, where it has another name there"),
        };
        fault.cure("sync = \"git\", which brings the work tree there")
    };
    match answer.code {
        0 => {
            use std::os::unix::ffi::OsStringExt;
            let work = PathBuf::from(std::ffi::OsString::from_vec(answer.output));
            Ok(Place { work, ..Place::default() })
        }
        3 => Err(ways(fault(format!(
            "there is no directory `{given}` on {host}, and sync = \"none\" has the one that is there used as it is"
        )))),
        _ => Err(fault(format!("the directory `{given}` on {host} may not be entered or read"))),
    }
}
