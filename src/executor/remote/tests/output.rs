//! Every byte of a stage's output, once, in its order.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::harness::{Log, Machine, Straight, here, lines, wait_until};
use crate::cancel::CancelToken;
use crate::clock::{Clock, SystemClock};
use crate::event::{OutputSink, Stream};
use crate::executor::Executor;
use crate::outcome::Exit;

#[test]
fn every_byte_comes_as_it_was_printed() {
    let machine = Machine::new();
    let all: Vec<u8> = (0..=255u8).cycle().take(100_001).collect();
    fs::write(machine.path("work/bytes"), &all).unwrap();
    let (result, log) = machine.execute(&machine.sh("cat bytes"));
    assert_eq!(result.unwrap().exit, Exit::Code(0));
    assert!(log.bytes == all, "{} bytes", log.bytes.len());
    assert_eq!(machine.executor.received(), 100_001);
}

/// H135: 5,000 lines, one of them 200 characters long, with blanks at their ends, and no newline at the last.
#[test]
fn h135_lines_are_neither_wrapped_nor_cut_nor_trimmed() {
    let machine = Machine::new();
    let mut text = lines(0..5000, |n| format!("line {n}{:width$}", "", width = n as usize % 7));
    text += &"x".repeat(200);
    text += "\n\x1b[31m\r\0end  ";
    fs::write(machine.path("work/text"), &text).unwrap();
    let (result, printed) = machine.run("cat text");
    assert_eq!(result.unwrap().exit, Exit::Code(0));
    assert!(printed == text, "{}", printed.len());
}

#[test]
fn a_hundred_megabytes_come() {
    let machine = Machine::new();
    let began = SystemClock.now();
    let (result, log) = machine.execute(&machine.sh("yes 0123456789abcde | head -c 100000000"));
    let took = SystemClock.now().since(began);
    assert_eq!((result.unwrap().exit, log.bytes.len()), (Exit::Code(0), 100_000_000));
    assert!(log.bytes.chunks(16).all(|line| line == b"0123456789abcde\n"));
    eprintln!("100 MB in {took:?}");
}

/// Once it is printed, not once the stage ends.
#[test]
fn output_is_heard_while_the_stage_runs() {
    struct Until<'a>(&'a Machine, Log);
    impl OutputSink for Until<'_> {
        fn write(&mut self, stream: Stream, bytes: &[u8]) {
            self.1.write(stream, bytes);
            if self.1.bytes == b"one\n" {
                fs::write(self.0.path("work/heard"), "").unwrap();
            }
        }
    }
    let machine = Machine::new();
    let job = machine.sh("echo one; while [ ! -e heard ]; do sleep 0.01; done; printf two");
    let mut out = Until(&machine, Log::default());
    let result = machine.executor.execute(&job, &mut out, &CancelToken::new());
    assert_eq!((result.unwrap().exit, out.1.bytes.as_slice()), (Exit::Code(0), b"one\ntwo".as_slice()));
}

/// A log that nobody takes from keeps nobody else waiting, and is not all in memory.
#[test]
fn a_slow_log_keeps_no_other_waiting() {
    struct Slow<'a>(&'a Machine, usize);
    impl OutputSink for Slow<'_> {
        fn write(&mut self, _: Stream, bytes: &[u8]) {
            if self.1 == 0 {
                wait_until(|| self.0.path("work/done").exists());
            }
            self.1 += bytes.len();
        }
    }
    let machine = Machine::new();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let mut job = machine.sh("head -c 50000000 /dev/zero");
            job.attempt = 2;
            let mut out = Slow(&machine, 0);
            let result = machine.executor.execute(&job, &mut out, &CancelToken::new());
            (result.unwrap().exit, out.1)
        });
        wait_until(|| machine.executor.received() > 0);
        let (result, printed) = machine.run("echo quick");
        assert_eq!((result.unwrap().exit, printed.as_str()), (Exit::Code(0), "quick\n"));
        // What nobody has taken is bounded: 8 MiB for one of them.
        assert!(machine.executor.received() <= 8 * 1024 * 1024 + 6, "{}", machine.executor.received());
        fs::write(machine.path("work/done"), "").unwrap();
        assert_eq!(slow.join().unwrap(), (Exit::Code(0), 50_000_000));
    });
}

#[test]
fn many_run_beside_each_other() {
    let machine = Machine::new();
    std::thread::scope(|scope| {
        let all: Vec<_> = (1..=12)
            .map(|attempt| {
                let machine = &machine;
                scope.spawn(move || {
                    let mut job =
                        machine.sh("i=0; while [ $i -lt 50 ]; do echo $LOCAL_CI_ATTEMPT $i; i=$((i+1)); done");
                    job.attempt = attempt;
                    let (result, log) = machine.execute(&job);
                    let wanted = lines(0..50, |i| format!("{attempt} {i}"));
                    assert_eq!((result.unwrap().exit, String::from_utf8(log.bytes).unwrap()), (Exit::Code(0), wanted));
                })
            })
            .collect();
        for one in all {
            one.join().unwrap();
        }
    });
}

/// One call, whatever the stage does; and what it takes beyond the command itself is little.
#[test]
fn a_stage_costs_one_call() {
    let line = std::sync::Mutex::new(None);
    let machine = Machine::with(|home| {
        let straight = Arc::new(Straight::new(here(home)));
        *line.lock().unwrap() = Some(Arc::clone(&straight));
        straight
    });
    let mut took = Vec::new();
    for attempt in 1..=20 {
        let mut job = machine.sh("echo x");
        job.attempt = attempt;
        let began = SystemClock.now();
        let (result, log) = machine.execute(&job);
        took.push(SystemClock.now().since(began));
        assert_eq!((result.unwrap().exit, log.bytes.as_slice()), (Exit::Code(0), b"x\n".as_slice()));
    }
    took.sort_unstable();
    eprintln!("a stage takes {:?} (fastest {:?}, slowest {:?})", took[10], took[0], took[19]);
    assert_eq!(line.lock().unwrap().as_ref().unwrap().calls.load(Ordering::SeqCst), 20);
    assert!(took[10] < Duration::from_secs(1));
}

/// After a silence longer than the slowest tick.
#[test]
fn a_silent_stage_is_followed_to_its_end() {
    let (result, printed) = Machine::new().run("sleep 7; echo late");
    assert_eq!((result.unwrap().exit, printed.as_str()), (Exit::Code(0), "late\n"));
}
