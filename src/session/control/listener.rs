//! The supervisor's end of the control socket: a thread that takes connections, and one for each of them.
//!
//! Nothing here can hold up the run: who connects and says nothing is let go of, there are only so many connections, and
//! none of these threads is waited for.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Mode, chmodat};
use rustix::net::sockopt::socket_peercred;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, socket_with};

use super::desk::Desk;
use super::{LARGEST, Reply, Request, by_descriptor, understood};
use crate::journal::layout::RunDir;
use crate::session::wire::{receive_at_most, send_message};

/// So many talk at a time: every viewer that gives its keys to a stage does, for as long as it is there.
const MOST: usize = 64;
/// How long one that connects may take to say something, and any to take an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long nobody is let in where there is no descriptor for one more.
const RESPITE: Duration = Duration::from_millis(50);
/// The threads' stacks. What may be nested in a request is bounded by the parser.
const STACK: usize = 256 * 1024;

/// The socket of a run, which is there until this is dropped.
#[derive(Debug)]
pub(in crate::session) struct Listener(RunDir);

impl Listener {
    /// Makes the socket and takes requests from now on. Fails where the file system knows no sockets.
    pub(in crate::session) fn open(run: &RunDir, desk: Desk) -> io::Result<Self> {
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        let (_directory, path) = by_descriptor(run)?;
        bind(&socket, &SocketAddrUnix::new(&path)?)?;
        let listener = Self(run.clone());
        // Before anybody can connect. The directory is closed to others too.
        chmodat(CWD, &path, Mode::RUSR | Mode::WUSR, AtFlags::empty())?;
        listen(&socket, 16)?;
        let desk = Arc::new(desk);
        thread("requests", move || take(&socket, &desk))?;
        Ok(listener)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.0.control());
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.into()).stack_size(STACK).spawn(work)?;
    Ok(())
}

/// Takes connections for as long as the process lives.
fn take(socket: &OwnedFd, desk: &Arc<Desk>) {
    let talking = Arc::new(AtomicUsize::new(0));
    loop {
        let connection = match accept_with(socket, SocketFlags::CLOEXEC) {
            Ok(connection) => connection,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => continue,
            // No descriptor is free; stages come first.
            Err(_) => {
                std::thread::sleep(RESPITE);
                continue;
            }
        };
        if !is_ours(&connection) {
            continue;
        }
        let connection = UnixStream::from(connection);
        if talking.fetch_add(1, Ordering::AcqRel) >= MOST {
            talking.fetch_sub(1, Ordering::AcqRel);
            let why = format!("{MOST} others are talking to it already");
            let _ = connection.set_nonblocking(true).and_then(|()| send(&connection, &Reply::Refused { why }));
            continue;
        }
        let (desk, count) = (Arc::clone(desk), Arc::clone(&talking));
        let started = thread("request", move || {
            let _ = converse(&connection, &desk);
            count.fetch_sub(1, Ordering::AcqRel);
        });
        if started.is_err() {
            talking.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Whether this is the user that the run belongs to.
fn is_ours(connection: impl AsFd) -> bool {
    socket_peercred(connection).is_ok_and(|peer| peer.uid == rustix::process::geteuid())
}

/// Answers what comes over one connection until its other end is closed.
fn converse(connection: &UnixStream, desk: &Desk) -> io::Result<()> {
    connection.set_write_timeout(Some(PATIENCE))?;
    connection.set_read_timeout(Some(PATIENCE))?;
    // Whose terminal it is that was announced over this connection, if one was: it goes with it.
    let mut terminal = None;
    loop {
        let message = receive_at_most(connection, LARGEST)?;
        let reply = match understood::<Request>(&message) {
            Ok(request) => desk.answer(request, &mut terminal),
            Err(_) => Reply::Refused { why: "its supervisor is of a version that cannot do this".into() },
        };
        send(connection, &reply)?;
        // Who has asked something may take its time for what comes next.
        connection.set_read_timeout(None)?;
    }
}

fn send(connection: &UnixStream, reply: &Reply) -> io::Result<()> {
    send_message(connection, &serde_json::to_vec(reply)?)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;

    use super::super::connect;
    use super::*;
    use crate::engine::request::{Answer, Asked};
    use crate::engine::runner::Message;
    use crate::session::ask::{AskError, Line};

    /// A run's directory below `depth` others, its socket, and somebody who says `Done` to all requests.
    fn open(depth: usize) -> (tempfile::TempDir, RunDir, Listener) {
        let dir = tempfile::tempdir().unwrap();
        let path = (0..depth).fold(dir.path().to_owned(), |path, _| path.join("a-directory-with-a-long-name"));
        std::fs::create_dir_all(&path).unwrap();
        let run = RunDir::new(path);
        let (messages, told) = crossbeam_channel::unbounded();
        std::thread::spawn(move || {
            for message in told {
                if let Message::Asked(Asked { answer, .. }) = message {
                    answer.send(Answer::Done).unwrap();
                }
            }
        });
        let listener = Listener::open(&run, Desk::new(messages)).unwrap();
        (dir, run, listener)
    }

    fn ask(run: &RunDir) -> Result<Reply, AskError> {
        Line::open(run, Duration::from_mins(1))?.ask(&Request::Pause)
    }

    /// However long the path to the run is, its socket is reached; nobody else can; and it goes with the listener.
    #[test]
    fn a_socket_has_a_short_name_and_is_private() {
        let (_dir, run, listener) = open(20);
        assert!(run.control().as_os_str().len() > 500);
        assert_eq!(std::fs::metadata(run.control()).unwrap().permissions().mode() & 0o777, 0o600);
        let mut line = Line::open(&run, Duration::from_mins(1)).unwrap();
        for _ in 0..3 {
            assert_eq!(line.ask(&Request::Resume).unwrap(), Reply::Done);
        }
        drop(listener);
        assert!(!run.control().exists());
    }

    /// Whoever says nothing, or nonsense, costs the others nothing.
    #[test]
    fn nobody_else_is_held_up_by_who_talks_nonsense() {
        let (_dir, run, _listener) = open(0);
        let silent: Vec<_> = (0..10).map(|_| connect(&run, PATIENCE).unwrap()).collect();
        let mut loud = connect(&run, PATIENCE).unwrap();
        loud.write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert_eq!(loud.read(&mut [0; 10]).unwrap(), 0, "who announces too much is let go of");
        let deep = format!(r#"{{"request":"signal","x":{}1{}}}"#, "[".repeat(120), "]".repeat(120));
        for odd in ["", "{", "[]", "null", r#"{"request":"fly"}"#, r#"{"request":"signal"}"#, &deep] {
            let odd_one = connect(&run, PATIENCE).unwrap();
            send_message(&odd_one, odd.as_bytes()).unwrap();
            let reply: Reply = understood(&receive_at_most(&odd_one, LARGEST).unwrap()).unwrap();
            assert!(matches!(reply, Reply::Refused { .. }), "{odd}: {reply:?}");
        }
        assert_eq!(ask(&run).unwrap(), Reply::Done);
        drop(silent);
    }

    #[test]
    fn there_are_only_so_many_connections() {
        let (_dir, run, _listener) = open(0);
        let mut talking = Vec::new();
        let refused = loop {
            let mut line = Line::open(&run, Duration::from_mins(1)).unwrap();
            match line.ask(&Request::Pause).unwrap() {
                Reply::Refused { why } => break why,
                reply => assert_eq!(reply, Reply::Done),
            }
            talking.push(line);
        };
        assert_eq!((talking.len(), refused.as_str()), (MOST, "64 others are talking to it already"));
        talking.pop();
        // A place is free once its thread has seen that nobody is there.
        while !matches!(ask(&run), Ok(Reply::Done)) {
            std::thread::yield_now();
        }
    }
}
