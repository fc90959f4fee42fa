//! A line that is cut: nothing twice, nothing missing.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::harness::{Log, Machine, Straight, here, lines, wait_until};
use crate::cancel::CancelToken;
use crate::env::Env;
use crate::executor::remote::Place;
use crate::executor::remote::follower::follow;
use crate::executor::{Executor, Job};
use crate::ids::RunId;
use crate::outcome::Exit;
use crate::process::tool::{Tool, Tools};
use crate::remote::here::Here;
use crate::remote::{Bulk, Channel, Fault, Login, Transport};

/// A line of which one kind of channel is cut after so many bytes, each a little later than the one before; and then never.
struct Cut {
    here: Here,
    which: Login,
    step: u64,
    cuts_left: AtomicU64,
    cuts: AtomicU64,
}

impl Cut {
    fn every(home: &Path, which: Login, step: u64, cuts: u64) -> Self {
        Self { here: here(home), which, step, cuts_left: AtomicU64::new(cuts), cuts: AtomicU64::new(0) }
    }
}

impl Transport for Cut {
    fn host(&self) -> &str {
        self.here.host()
    }

    fn connect(&self, limit: Duration) -> Result<(), Fault> {
        self.here.connect(limit)
    }

    fn open(&self, login: Login, limit: Duration) -> Result<Channel, Fault> {
        let channel = self.here.open(login, limit)?;
        let is_last = login != self.which
            || self.cuts_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err();
        if is_last {
            return Ok(channel);
        }
        let nth = self.cuts.fetch_add(1, Ordering::SeqCst) + 1;
        // Nobody reads what comes after.
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let Channel { input, mut output, errors, guard } = channel;
        let mut left = nth * self.step;
        let guard = Arc::new(Mutex::new(Some(guard)));
        let theirs = Arc::clone(&guard);
        std::thread::spawn(move || {
            let (mut buffer, mut write) = (vec![0; 4096], File::from(write));
            while left > 0 {
                let most = buffer.len().min(usize::try_from(left).unwrap());
                match output.read(&mut buffer[..most]) {
                    Ok(read) if read > 0 && write.write_all(&buffer[..read]).is_ok() => left -= read as u64,
                    _ => break,
                }
            }
            drop(theirs.lock().unwrap().take());
        });
        Ok(Channel { input, output: File::from(read), errors, guard: Box::new(guard) })
    }

    fn bulk(&self) -> Bulk {
        self.here.bulk()
    }

    fn close(&self) {}
}

fn survives(step: u64, cuts: u64, script: &str, bytes: &[u8]) {
    let machine = Machine::with(|home| Arc::new(Straight::new(Cut::every(home, Login::No, step, cuts))));
    fs::write(machine.path("work/bytes"), bytes).unwrap();
    let (result, log) = machine.execute(&machine.sh(script));
    assert_eq!(result.unwrap().exit, Exit::Code(4));
    assert_eq!(blake3::hash(&log.bytes), blake3::hash(bytes), "{} of {} bytes", log.bytes.len(), bytes.len());
}

/// H126: wherever it is cut, in a header, in the middle of output or in the verdict.
#[test]
fn h126_a_line_that_is_cut_at_every_byte_loses_none_and_repeats_none() {
    let bytes: Vec<u8> = (0..=255u8).cycle().take(700).collect();
    // Each follower lives five bytes longer than the one before.
    survives(5, 200, "cat bytes; exit 4", &bytes);
}

/// H126: cut in the middle of much output, while it is written.
#[test]
fn h126_much_output_survives_many_cuts() {
    let bytes: Vec<u8> =
        (0..8_000_000u32).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect();
    survives(100_000, 40, "cat bytes; exit 4", &bytes);
}

/// H126: cut again and again while the stage says something from time to time, and across its end.
#[test]
fn h126_a_stage_that_ends_while_the_line_is_down_is_heard_afterwards() {
    let text = lines(0..30, |n| format!("line {n}"));
    let script = "while IFS= read -r line; do echo \"$line\"; sleep 0.01; done <bytes; exit 4";
    survives(40, 25, script, text.as_bytes());
}

/// Whoever starts a stage and hears nothing of it starts it again, and it runs once.
#[test]
fn h126_a_start_that_is_cut_off_starts_one_stage() {
    let machine = Machine::with(|home| Arc::new(Straight::new(Cut::every(home, Login::Yes, 7, 100))));
    for attempt in 1..=30 {
        let mut job = machine.sh("echo $LOCAL_CI_ATTEMPT >>started");
        job.attempt = attempt;
        assert_eq!(machine.execute(&job).0.unwrap().exit, Exit::Code(0));
    }
    let wanted = lines(1..=30, |attempt| format!("{attempt}"));
    assert_eq!(fs::read_to_string(machine.path("work/started")).unwrap(), wanted);
}

/// Two remotes may lead to one account: the one takes nothing away that the other sleeps in, so that neither line ends before
/// its stages do.
#[test]
fn h126_two_remotes_of_one_account_do_not_cut_each_others_lines() {
    let mut lines = Vec::new();
    let mut line = |home: &Path| -> Arc<Straight<Here>> {
        lines.push(Arc::new(Straight::new(here(home))));
        Arc::clone(&lines[lines.len() - 1])
    };
    let one = Machine::with(|home| line(home));
    let other = Machine::also(&one, "also", line(&one.path("home")));
    let long = one.sh("until [ -e go ]; do sleep 0.01; done");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| one.executor.execute(&long, &mut Log::default(), &CancelToken::new()));
        wait_until(|| one.attempt().join("pid").exists());
        // Its follower is there before this ends, and took away what it takes away.
        let short = Job { attempt: 2, ..other.sh("true") };
        assert_eq!(other.execute(&short).0.unwrap().exit, Exit::Code(0));
        fs::write(one.path("work/go"), "").unwrap();
        assert_eq!(running.join().unwrap().unwrap().exit, Exit::Code(0));
    });
    let opened: Vec<u64> = lines.iter().map(|line| line.generation.load(Ordering::SeqCst)).collect();
    assert_eq!(opened, [1, 1]);
}

/// The loop there ends with its line, whatever was on its way when that was cut.
#[test]
fn h126_half_a_request_before_the_cut_does_not_keep_the_follower_there() {
    let home = tempfile::tempdir().unwrap();
    let run = RunId::from_bytes([7; 16]);
    let place = Place::new("p-12345678", &run).below(home.path().join("state").to_str().unwrap());
    let env = Env::from_pairs([("PATH", "/usr/bin:/bin"), ("HOME", home.path().to_str().unwrap())]);
    for requests in ["", "F 1 s.1 0 100\n", "F 1 s.1 0 100\nA 1 20", "U"] {
        let script = Tool::new(["/bin/sh", "-c", &follow(&place, "box", "mark")]).stdin(requests);
        let ran = Tools::plain(&env).run(&script, Duration::from_secs(20), &|| false);
        assert!(ran.is_ok_and(|ran| String::from_utf8_lossy(&ran.stdout).contains("mark R\n")), "{requests:?}");
    }
}
