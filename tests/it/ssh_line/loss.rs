//! A line that is lost: by a cut, by silence, by the end of its master. It comes back, and what was cut off is asked again.

use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use local_ci::remote::link::{Link, LinkNews, LinkState, Patience};
use local_ci::remote::shell::Shell;
use local_ci::remote::{Fault, FaultKind, Login, Transport};
use rustix::process::Signal;

use super::{Cleared, LIMIT, connected, masters, said, shell, to, transport};
use crate::support::{Host, Line, Project, Setup, wait_until};

/// A link to the host, and what it tells.
fn link(project: &Project, host: &Host, operation: Duration, give_up: Duration) -> (Link, Receiver<LinkNews>) {
    let way: Arc<dyn Transport> = Arc::new(transport(project, &host.ssh_config(), to("box")));
    let (tell, news) = unbounded();
    let link = Link::new(way, Patience { operation, give_up }, move |news| drop(tell.send(news)));
    (link, news)
}

fn ask(link: &Link, script: &str) -> Result<String, Fault> {
    link.call(script, &|| false).map(|answer| answer.text())
}

/// H126: what was asked when the line was cut is asked again over the next one.
#[test]
fn h126_a_line_that_was_cut_comes_back() {
    let project = Project::new();
    let _cleared = Cleared(&project);
    let Some(host) = Setup::default().start(&project) else { return };
    let (link, news) = link(&project, &host, LIMIT, LIMIT);
    assert_eq!(ask(&link, "echo first").unwrap(), "first\n");
    assert_eq!(news.recv().unwrap(), LinkNews::Connected);
    let gate = project.side("gate").display().to_string();
    let up = project.side("up").display().to_string();
    std::thread::scope(|scope| {
        let script = format!("echo >>{up}; while [ ! -e {gate} ]; do sleep 0.01; done; echo done");
        let asked = scope.spawn({
            let link = &link;
            move || ask(link, &script)
        });
        wait_until("it to be asked", || std::path::Path::new(&up).exists());
        host.connections().iter().for_each(|connection| connection.kill(Signal::KILL));
        assert!(matches!(news.recv().unwrap(), LinkNews::Down { attempt: 0, .. }));
        assert!(matches!(news.recv().unwrap(), LinkNews::Up { .. }));
        project.open_gate("gate");
        assert_eq!(asked.join().unwrap().unwrap(), "done\n");
    });
    assert_eq!(std::fs::read_to_string(&up).unwrap().lines().count(), 2, "asked twice");
    assert_eq!((link.state(), link.round_trip().is_some()), (LinkState::Up, true));
    // The line that came back is our own, and goes with us.
    drop(link);
    wait_until("our master to be gone", || masters(&project).is_empty());
}

/// H126, H127: a line that has fallen silent is not waited for where somebody has seen that nothing comes.
#[test]
fn h126_a_silent_line_is_replaced_by_another() {
    let project = Project::new();
    let _cleared = Cleared(&project);
    let Some(host) = Setup::default().start(&project) else { return };
    let line = Line::to(host.port());
    host.address("127.0.0.1", line.port());
    let (link, news) = link(&project, &host, LIMIT, LIMIT);
    let (_channel, generation) = link.open(Login::No, &|| false).unwrap();
    line.stall();
    host.address("127.0.0.1", host.port());
    link.lost(generation, Fault::new(FaultKind::TimedOut, "nothing comes from box"));
    assert_eq!(ask(&link, "echo \"$SSH_CONNECTION\" | cut -d' ' -f4").unwrap(), format!("{}\n", host.port()));
    let news: Vec<LinkNews> = news.try_iter().collect();
    assert!(matches!(&news[..], [LinkNews::Connected, LinkNews::Down { .. }, LinkNews::Up { .. }]), "{news:?}");
    line.flow();
}

/// H127: ssh itself notices a dead line, after three questions without an answer.
#[test]
fn h127_a_dead_line_ends_by_itself() {
    let project = Project::new();
    let _cleared = Cleared(&project);
    let Some(host) = Setup::default().start(&project) else { return };
    let line = Line::to(host.port());
    host.address("127.0.0.1", line.port());
    let way = connected(&project, &host);
    let shell = shell(&way);
    line.stall();
    let fault = shell.call("echo x", LIMIT, &|| false).unwrap_err();
    assert_eq!((fault.kind, way.is_up()), (FaultKind::Cut, false), "{fault}");
}

#[test]
fn what_takes_too_long_is_bounded_and_who_cancels_is_free() {
    let project = Project::new();
    let _cleared = Cleared(&project);
    let Some(mut host) = Setup::default().start(&project) else { return };
    let (link, news) = link(&project, &host, LIMIT, LIMIT);
    ask(&link, ":").unwrap();
    host.down();
    let cancelled = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| link.call("echo late", &|| cancelled.load(Ordering::SeqCst)));
        let tried = || news.try_iter().any(|news| matches!(news, LinkNews::Down { attempt: 1.., .. }));
        wait_until("a try that fails", tried);
        cancelled.store(true, Ordering::SeqCst);
        assert_eq!(asked.join().unwrap().unwrap_err().kind, FaultKind::Cancelled);
    });
    host.up();
    assert_eq!(ask(&link, "echo back").unwrap(), "back\n");
}

/// It was away for too long: what is wrong is told, and the line is over.
#[test]
fn h126_a_host_that_stays_away_is_given_up() {
    let project = Project::new();
    let _cleared = Cleared(&project);
    let Some(mut host) = Setup::default().start(&project) else { return };
    let (link, news) = link(&project, &host, LIMIT, Duration::from_secs(2));
    ask(&link, ":").unwrap();
    host.down();
    let fault = ask(&link, ":").unwrap_err();
    assert_eq!(fault.kind, FaultKind::GaveUp);
    assert!(fault.message.contains("box: nobody answers at 127.0.0.1"), "{fault}");
    assert_eq!(news.try_iter().last(), Some(LinkNews::Over(fault)));
}

/// A key that is another one after a cut is no reason to go on trying.
#[test]
fn h129_a_key_that_changes_while_away_ends_it() {
    let project = Project::new();
    let _cleared = Cleared(&project);
    let Some(mut host) = Setup::default().start(&project) else { return };
    let (link, _news) = link(&project, &host, LIMIT, LIMIT);
    ask(&link, ":").unwrap();
    host.down();
    host.change_key();
    host.up();
    assert_eq!(ask(&link, ":").unwrap_err().kind, FaultKind::HostKeyChanged);
}

/// H147: what a master that was killed has left is no line, and is in nobody's way.
#[test]
fn h147_a_stale_socket_is_removed() {
    let project = Project::new();
    let _cleared = Cleared(&project);
    let Some(host) = Setup::default().start(&project) else { return };
    let way = connected(&project, &host);
    let sockets = || {
        let dir = std::fs::read_dir(project.side("run").join("local-ci")).unwrap();
        dir.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_socket()).count()
    };
    assert_eq!(sockets(), 1);
    for master in masters(&project) {
        master.kill(Signal::KILL);
    }
    wait_until("it to be gone", || masters(&project).is_empty());
    assert_eq!((sockets(), way.is_up()), (1, false));
    let next = connected(&project, &host);
    let shell = Shell::open(&next, Login::Yes, LIMIT).unwrap();
    assert_eq!((said(&shell, "echo x").as_str(), sockets(), masters(&project).len()), ("x\n", 1, 1));
}
