//! Asking a run something while it goes on. Whatever keeps it from answering is said in one sentence.

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{Timespec, poll};

use super::control::{LARGEST, Reply, Request, connect, understood};
use super::wire::{receive_at_most, send_message};
use crate::journal::layout::RunDir;
use crate::journal::state::{self, RunState};

/// How long a supervisor may take to make its socket: some milliseconds, on a machine that has time for it.
const BEGINNING: Duration = Duration::from_secs(2);
/// How long a supervisor may take to end that has taken its socket away.
const ENDING: Duration = Duration::from_millis(500);
/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody sees to the run any more.
    #[error("it has ended")]
    Ended,
    /// Nothing of it has started, and there is no supervisor that listens yet.
    #[error("it has not started")]
    Queued,
    /// It goes on and has no socket.
    #[error("its supervisor takes no requests; it is of an earlier version, or its `supervisor.log` says why")]
    Deaf,
    /// It goes on and says nothing.
    #[error("its supervisor does not answer")]
    Silent,
    /// The system stands between us.
    #[error("it cannot be asked: {0}")]
    Io(#[from] io::Error),
}

/// A line to a run.
#[derive(Debug)]
pub struct Line {
    run: RunDir,
    socket: UnixStream,
}

impl Line {
    /// Opens a line to a run. Nobody waits for longer than `patience` for any one answer.
    pub fn open(run: &RunDir, patience: Duration) -> Result<Self, AskError> {
        let mut waited = Duration::ZERO;
        let socket = loop {
            match connect(run, patience) {
                Ok(socket) => break socket,
                // As many as may wait for it to listen do so already.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(AskError::Silent),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {}
                Err(error) => return Err(error.into()),
            }
            // Looked at in this order: a run that has said something has made its socket before.
            let is_silent = !run.events().exists();
            match state::of(run)? {
                RunState::Running if waited < if is_silent { BEGINNING } else { ENDING } => {}
                RunState::Running => return Err(AskError::Deaf),
                RunState::Queued => return Err(AskError::Queued),
                RunState::Finished { .. } | RunState::Lost => return Err(AskError::Ended),
            }
            pause();
            waited += LOOK;
        };
        socket.set_read_timeout(Some(patience))?;
        socket.set_write_timeout(Some(patience))?;
        Ok(Self { run: run.clone(), socket })
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, request: &Request) -> Result<Reply, AskError> {
        let request = serde_json::to_vec(request).map_err(io::Error::from)?;
        // One that was refused in advance has its answer waiting for it, and may not listen any more.
        let sent = send_message(&self.socket, &request);
        match (receive_at_most(&self.socket, LARGEST), sent) {
            (Ok(reply), _) => Ok(understood(&reply)?),
            (Err(error), Ok(())) | (Err(_), Err(error)) => Err(self.explain(error)),
        }
    }

    /// What it means that there is no answer.
    fn explain(&self, error: io::Error) -> AskError {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => AskError::Silent,
            _ if !self.goes_on() => AskError::Ended,
            ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => self.let_go(),
            _ => AskError::Io(error),
        }
    }

    /// What it means that the line was let go of at its other end: the run is over, or will be seen to be in a moment. A
    /// supervisor that has no thread for one more, or was kept waiting for what is asked, does the same.
    fn let_go(&self) -> AskError {
        let mut waited = Duration::ZERO;
        while waited < ENDING {
            pause();
            waited += LOOK;
            if !self.goes_on() {
                return AskError::Ended;
            }
        }
        AskError::Silent
    }

    fn goes_on(&self) -> bool {
        state::of(&self.run).is_ok_and(RunState::is_active)
    }
}

/// Between two looks.
fn pause() {
    let pause = Timespec::try_from(LOOK).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
    let _ = poll(&mut [], Some(&pause));
}

/// Asks a run one thing.
pub fn ask(run: &RunDir, request: &Request, patience: Duration) -> Result<Reply, AskError> {
    Line::open(run, patience)?.ask(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::layout::create_dir;
    use crate::journal::lock;

    const MOMENT: Duration = Duration::from_millis(20);

    /// A run that goes on has its lock held; here nobody but this test does anything for it.
    #[test]
    fn whatever_keeps_a_run_from_answering_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::new(dir.path().join("1"));
        create_dir(run.path()).unwrap();
        let held = lock::create_held(&run.lock()).unwrap();
        std::fs::write(run.events(), "").unwrap();
        assert!(matches!(ask(&run, &Request::Pause, MOMENT), Err(AskError::Deaf)));
        let listener = std::os::unix::net::UnixListener::bind(run.control()).unwrap();
        assert!(matches!(ask(&run, &Request::Pause, MOMENT), Err(AskError::Silent)));
        let mut line = Line::open(&run, MOMENT).unwrap();
        let (first, second) = (listener.accept().unwrap(), listener.accept().unwrap());
        drop((first, second));
        assert!(matches!(line.ask(&Request::Pause), Err(AskError::Silent)), "it goes on, and has let go of the line");
        // One may wait for it to listen, and nobody else.
        rustix::net::listen(&listener, 0).unwrap();
        assert!(matches!(ask(&run, &Request::Pause, MOMENT), Err(AskError::Silent)));
        assert!(matches!(ask(&run, &Request::Pause, MOMENT), Err(AskError::Silent)));
        drop(listener.accept().unwrap());
        let mut line = Line::open(&run, MOMENT * 50).unwrap();
        drop((listener, held));
        assert!(matches!(line.ask(&Request::Pause), Err(AskError::Ended)));
        assert!(matches!(ask(&run, &Request::Pause, MOMENT), Err(AskError::Ended)));
        std::fs::remove_file(run.control()).unwrap();
        assert!(matches!(ask(&run, &Request::Pause, MOMENT), Err(AskError::Ended)));
    }
}
