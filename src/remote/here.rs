//! This machine as if it were another one: the line is a pair of pipes to a shell. For tests, and to compare with.

use std::sync::Mutex;
use std::time::Duration;

use super::{Bulk, Channel, Fault, FaultKind, Login, Transport};
use crate::process::tool::{Started, Tool, Tools};

/// A shell of this machine.
#[derive(Debug)]
pub struct Here {
    tools: Tools,
}

impl Here {
    /// With shells that these tools start, and that inherit what tools do.
    pub fn new(tools: Tools) -> Self {
        Self { tools }
    }
}

impl Transport for Here {
    fn host(&self) -> &'static str {
        "this machine"
    }

    fn connect(&self, _limit: Duration) -> Result<(), Fault> {
        Ok(())
    }

    fn open(&self, login: Login, _limit: Duration) -> Result<Channel, Fault> {
        let tool = Tool::new(["/bin/sh", "-c", login.command()]);
        let failed = |why: String| Fault::new(FaultKind::MissingTool, format!("cannot start a shell: {why}"));
        let (started, streams) = self.tools.start(&tool, true).map_err(|error| failed(error.to_string()))?;
        let Some(input) = streams.stdin else { return Err(failed("it has no input".to_owned())) };
        let guard: Box<Mutex<Started>> = Box::new(Mutex::new(started));
        Ok(Channel { input, output: streams.stdout, errors: streams.stderr, guard })
    }

    fn bulk(&self) -> Bulk {
        Bulk { command: Vec::new(), host: String::new() }
    }

    fn close(&self) {}
}
