//! A line of this machine that is cut and made again as a test asks.

use super::*;
use crate::env::Env;
use crate::process::tool::Tools;
use crate::remote::Bulk;
use crate::remote::here::Here;
use crossbeam_channel::{Receiver, unbounded};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

const LIMIT: Duration = Duration::from_mins(1);

/// A way to this machine on which the next tries fail.
struct Flaky {
    here: Here,
    faults: Mutex<VecDeque<Fault>>,
    tries: AtomicUsize,
    suspected: AtomicUsize,
    closed: AtomicUsize,
}

impl Transport for Flaky {
    fn host(&self) -> &'static str {
        "box"
    }

    fn connect(&self, _: Duration) -> Result<(), Fault> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        self.faults.lock().unwrap().pop_front().map_or(Ok(()), Err)
    }

    fn open(&self, login: Login, limit: Duration) -> Result<Channel, Fault> {
        self.here.open(login, limit)
    }

    fn suspect(&self) {
        self.suspected.fetch_add(1, Ordering::SeqCst);
    }

    fn bulk(&self) -> Bulk {
        self.here.bulk()
    }

    fn close(&self) {
        self.closed.fetch_add(1, Ordering::SeqCst);
    }
}

struct Rig {
    link: Link,
    way: Arc<Flaky>,
    news: Receiver<LinkNews>,
}

fn rig(faults: &[FaultKind], give_up: Duration) -> Rig {
    let tools = Tools::plain(&Env::from_pairs([("PATH", "/usr/bin:/bin"), ("HOME", "/nonexistent")]));
    let way = Arc::new(Flaky {
        here: Here::new(tools),
        faults: Mutex::default(),
        tries: AtomicUsize::new(0),
        suspected: AtomicUsize::new(0),
        closed: AtomicUsize::new(0),
    });
    let (tell, news) = unbounded();
    let patience = Patience { operation: LIMIT, give_up };
    let link = Link::new(Arc::clone(&way) as Arc<dyn Transport>, patience, move |news| drop(tell.send(news)));
    let rig = Rig { link, way, news };
    rig.fail(faults);
    rig
}

impl Rig {
    fn fail(&self, faults: &[FaultKind]) {
        let faults = faults.iter().map(|kind| Fault::new(*kind, format!("{kind:?}")));
        self.way.faults.lock().unwrap().extend(faults);
    }

    fn call(&self, script: &str) -> Result<String, Fault> {
        self.link.call(script, &|| false).map(|answer| answer.text())
    }

    fn tries(&self) -> usize {
        self.way.tries.load(Ordering::SeqCst)
    }

    fn news(&self) -> Vec<LinkNews> {
        self.news.try_iter().collect()
    }
}

/// Kills the shell that it is told to, which is what a cut looks like from here.
const CUT: &str = "kill -9 $$";

#[test]
fn a_line_is_made_once_for_all_who_want_it() {
    let rig = rig(&[], LIMIT);
    assert_eq!((rig.link.state(), rig.tries()), (LinkState::New, 0));
    std::thread::scope(|scope| {
        for n in 0..8 {
            let rig = &rig;
            scope.spawn(move || assert_eq!(rig.call(&format!("echo {n}")), Ok(format!("{n}\n"))));
        }
    });
    assert_eq!((rig.tries(), rig.link.state(), rig.news()), (1, LinkState::Up, vec![LinkNews::Connected]));
    assert!(rig.link.round_trip().is_some());
}

/// H126: what was cut off is asked again, over a line that nobody trusts to be the old one.
#[test]
fn h126_what_was_cut_off_is_asked_again() {
    let rig = rig(&[], LIMIT);
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("mark").display().to_string();
    let script = format!("[ -e {mark} ] || {{ : >{mark}; {CUT}; }}; echo done");
    assert_eq!(rig.call(&script), Ok("done\n".into()));
    assert_eq!((rig.tries(), rig.way.suspected.load(Ordering::SeqCst)), (2, 1));
    let news = rig.news();
    assert!(
        matches!(
            &news[..],
            [LinkNews::Connected, LinkNews::Down { attempt: 0, next: Duration::ZERO, .. }, LinkNews::Up { .. }]
        ),
        "{news:?}"
    );
}

/// Whoever waits may ask how the line is, to know whether it is worth the wait.
#[test]
fn who_waits_may_ask_how_the_line_is() {
    let rig = rig(&[], Duration::from_hours(1));
    assert_eq!(rig.call("echo there"), Ok("there\n".into()));
    rig.fail(&[FaultKind::Unreachable; 40]);
    let is_gone = || rig.link.state() != LinkState::Up && rig.link.round_trip().is_some();
    let told = rig.link.call(&format!("echo first; {CUT}"), &is_gone).unwrap_err();
    assert_eq!(told.kind, FaultKind::Cancelled);
    rig.link.close();
}

/// H126: each failed try is told with the wait that follows it, and the line comes back.
#[test]
fn h126_a_line_that_stays_away_is_tried_again_and_told() {
    let rig = rig(&[], LIMIT);
    let (_, generation) = rig.link.open(Login::No, &|| false).unwrap();
    rig.fail(&[FaultKind::Refused]);
    rig.link.lost(generation, Fault::new(FaultKind::Cut, "cut"));
    // A second word of the same loss changes nothing.
    rig.link.lost(generation, Fault::new(FaultKind::Cut, "cut"));
    assert_eq!(rig.call("echo back"), Ok("back\n".into()));
    let (_, next) = rig.link.open(Login::No, &|| false).unwrap();
    assert!(next > generation);
    let news = rig.news();
    let [
        LinkNews::Connected,
        LinkNews::Down { attempt: 0, .. },
        LinkNews::Down { why, attempt: 1, next },
        LinkNews::Up { after },
    ] = &news[..]
    else {
        panic!("{news:?}")
    };
    assert_eq!(why.kind, FaultKind::Refused);
    assert!((800..=1200).contains(&next.as_millis()) && after >= next, "{next:?} {after:?}");
}

#[test]
fn what_cannot_pass_ends_it_at_once() {
    for kind in [FaultKind::Auth, FaultKind::HostKeyChanged, FaultKind::HostKeyUnknown, FaultKind::MissingTool] {
        let rig = rig(&[], LIMIT);
        rig.call(":").unwrap();
        rig.fail(&[kind]);
        let fault = rig.call(CUT).unwrap_err();
        assert_eq!((fault.kind, rig.tries()), (kind, 2));
        assert_eq!(rig.news().last(), Some(&LinkNews::Over(fault.clone())));
        assert_eq!((rig.call(":"), rig.link.state()), (Err(fault.clone()), LinkState::Over(fault)));
    }
}

#[test]
fn who_was_never_there_is_not_waited_for() {
    let rig = rig(&[FaultKind::Unreachable], LIMIT);
    assert_eq!(rig.call(":").unwrap_err().kind, FaultKind::Unreachable);
    assert_eq!(rig.tries(), 1);
}

/// What others have left may be dead without anybody knowing.
#[test]
fn a_line_that_is_dead_from_the_start_is_replaced_once() {
    let rig = rig(&[FaultKind::TimedOut], LIMIT);
    assert_eq!(rig.call("echo up"), Ok("up\n".into()));
    assert_eq!((rig.tries(), rig.way.suspected.load(Ordering::SeqCst), rig.news()), (2, 1, vec![LinkNews::Connected]));
    let rig = self::rig(&[FaultKind::Cut, FaultKind::Cut], LIMIT);
    assert_eq!((rig.call(":").unwrap_err().kind, rig.tries()), (FaultKind::Cut, 2));
}

#[test]
fn it_is_given_up_in_the_end() {
    let rig = rig(&[], Duration::from_millis(10));
    rig.call(":").unwrap();
    rig.fail(&[FaultKind::Unresolved, FaultKind::Unresolved]);
    let fault = rig.call(CUT).unwrap_err();
    assert_eq!((fault.kind, rig.tries()), (FaultKind::GaveUp, 3));
    assert!(fault.message.starts_with("no line to box for 0 s") && fault.message.ends_with("last: Unresolved"));
}

/// Who is cancelled does not wait, however long the line is away.
#[test]
fn who_is_cancelled_waits_no_longer() {
    let rig = rig(&[], LIMIT);
    rig.call(":").unwrap();
    rig.fail(&[FaultKind::Refused; 20]);
    let fault = rig.link.call(CUT, &|| rig.tries() > 1).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Cancelled);
    // Neither does the end of the link, nor who waits for it then.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| rig.call(":"));
        rig.link.close();
        assert_eq!(waiting.join().unwrap().unwrap_err().kind, FaultKind::Cancelled);
    });
    assert!(rig.way.closed.load(Ordering::SeqCst) >= 1);
}

/// A script that takes too long takes the line with it once, for the line may be to blame; not for ever.
#[test]
fn a_script_that_takes_too_long_twice_is_the_answer() {
    let rig = rig(&[], LIMIT);
    let fault = rig.link.call_within("sleep 1000", Duration::from_millis(100), &|| false).unwrap_err();
    assert_eq!((fault.kind, rig.tries()), (FaultKind::TimedOut, 2));
    assert_eq!(rig.call("echo up"), Ok("up\n".into()));
}
