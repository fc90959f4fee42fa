//! A client of a jobserver, as make and cargo are: it has one slot of its own, takes a token for each further one, and
//! gives back what it has taken when the work that it was for is done.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::Args;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::Signal;

use crate::{end, linger};

/// What a client does.
#[derive(Args)]
pub(crate) struct Client {
    /// How many pieces of work there are.
    #[arg(long)]
    work: u32,
    /// Where each piece writes `begin` and `end` when it does.
    #[arg(long, value_name = "FILE")]
    marks: PathBuf,
    /// Each piece waits for this file.
    #[arg(long, value_name = "FILE")]
    hold: Option<PathBuf>,
    /// Kills itself when so many pieces have begun.
    #[arg(long)]
    crash_at: Option<u32>,
}

/// The two ends of the tokens.
struct Tokens {
    read: File,
    write: File,
}

/// Where the environment says that the tokens are; looked for as cargo does.
fn tokens() -> io::Result<Tokens> {
    let flags = ["CARGO_MAKEFLAGS", "MAKEFLAGS"].iter().find_map(|name| std::env::var(name).ok());
    let flags = flags.ok_or_else(|| io::Error::other("there is no jobserver"))?;
    let auth = flags.split(' ').filter_map(|word| word.strip_prefix("--jobserver-auth=")).next_back();
    let (read, write) = match auth.map(|auth| (auth.strip_prefix("fifo:"), auth.split_once(','))) {
        Some((Some(path), _)) => {
            // Both ends at once, so that to open it does not wait.
            let open = || File::options().read(true).write(true).open(path);
            (open()?, open()?)
        }
        Some((None, Some((read, write)))) => {
            let end = |number: &str| format!("/dev/fd/{number}");
            (File::open(end(read))?, File::options().write(true).open(end(write))?)
        }
        Some((None, None)) | None => return Err(io::Error::other(format!("no jobserver in {flags}"))),
    };
    Ok(Tokens { read, write })
}

pub(crate) fn client(client: &Client) -> io::Result<ExitCode> {
    let tokens = tokens()?;
    fcntl_setfl(&tokens.read, fcntl_getfl(&tokens.read)? | OFlags::NONBLOCK)?;
    let begun = Mutex::new(0);
    std::thread::scope(|scope| -> io::Result<()> {
        let mut workers = vec![scope.spawn(|| while_there_is_work(client, &begun))];
        // This thread asks for tokens, one at a time; the work is done by one that has it for one piece.
        while *begun.lock().unwrap_or_else(PoisonError::into_inner) < client.work {
            if let Some(token) = tokens.next()? {
                let (begun, tokens) = (&begun, &tokens);
                workers.push(scope.spawn(move || {
                    let done = piece(client, begun);
                    (&tokens.write).write_all(&[token])?;
                    done.map(drop)
                }));
            }
        }
        let dead = |_| io::Error::other("a thread panicked");
        workers.into_iter().try_for_each(|worker| worker.join().map_err(dead)?)
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Tokens {
    /// Takes a token; none where none comes for a moment.
    fn next(&self) -> io::Result<Option<u8>> {
        let moment = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
        poll(&mut [PollFd::new(&self.read, PollFlags::IN)], Some(&moment))?;
        let mut token = [0];
        match (&self.read).read_exact(&mut token) {
            Ok(()) => Ok(Some(token[0])),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn while_there_is_work(client: &Client, begun: &Mutex<u32>) -> io::Result<()> {
    while piece(client, begun)? {}
    Ok(())
}

/// Does the next piece of work, if there is one left.
fn piece(client: &Client, begun: &Mutex<u32>) -> io::Result<bool> {
    let number = {
        let mut begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
        if *begun == client.work {
            return Ok(false);
        }
        *begun += 1;
        // Under the lock: who crashes at a number has all below it in the file.
        mark(&client.marks, &format!("begin {}\n", *begun - 1))?;
        *begun - 1
    };
    if client.crash_at == Some(number + 1) {
        end::crash(Signal::KILL.as_raw())?;
    }
    if let Some(file) = &client.hold {
        linger::wait_for(file)?;
    }
    mark(&client.marks, &format!("end {number}\n"))?;
    Ok(true)
}

/// Appends a line in one write.
fn mark(file: &Path, line: &str) -> io::Result<()> {
    File::options().append(true).create(true).open(file)?.write_all(line.as_bytes())
}
