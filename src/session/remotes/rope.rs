//! The line to a machine, as stages, followers and work trees use it; what becomes of it is told to the run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use crossbeam_channel::Sender;

use crate::engine::runner::Message;
use crate::event::RemoteNews;
use crate::executor::remote::{Line, window};
use crate::pipeline::remote::{Destination, Remote};
use crate::remote::link::{Generation, Link, LinkNews, LinkState, Patience};
use crate::remote::shell::Answer;
use crate::remote::tree::There;
use crate::remote::{Bulk, Channel, Fault, Login, Transport};

/// What is done once a line was made anew.
pub(super) struct Again {
    /// Before anything goes over it: this must not wait.
    pub(super) first: Box<dyn Fn() + Send + Sync>,
    /// Over it, beside all else.
    pub(super) then: Box<dyn Fn() + Send + Sync>,
}

/// A line, and who hears of it.
pub(super) struct Rope {
    link: Link,
    herald: Arc<Herald>,
    destination: Destination,
    /// The tmux session in which a person there can look on.
    session: String,
    this: Weak<Rope>,
}

/// Tells the run what becomes of a line.
struct Herald {
    remote: String,
    messages: Sender<Message>,
    /// Whether it was told that the line is there.
    is_announced: AtomicBool,
    /// What is done once the line was made anew.
    again: OnceLock<Arc<Again>>,
}

impl Rope {
    /// A line over this transport, made when it is first wanted.
    pub(super) fn new(remote: &Remote, transport: Arc<dyn Transport>, messages: Sender<Message>) -> Arc<Self> {
        let herald = Arc::new(Herald {
            remote: remote.name.clone(),
            messages,
            is_announced: AtomicBool::new(false),
            again: OnceLock::new(),
        });
        let patience = Patience { operation: remote.timeout, give_up: remote.give_up };
        let hears = Arc::clone(&herald);
        let link = Link::new(transport, patience, move |news| Herald::hear(&hears, news));
        let (destination, session) = (remote.destination.clone(), remote.session.clone());
        Arc::new_cyclic(|this| Self { link, herald, destination, session, this: this.clone() })
    }

    /// Has this done whenever the line was made anew.
    pub(super) fn whenever_made_anew(&self, again: Again) {
        let _ = self.herald.again.set(Arc::new(again));
    }

    /// From a request to its answer, in microseconds; zero before that was measured.
    pub(super) fn round_trip_us(&self) -> u64 {
        self.link.round_trip().map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
    }

    /// Whether it is there now.
    pub(super) fn is_up(&self) -> bool {
        self.link.state() == LinkState::Up
    }

    /// Whether anything ever came over it.
    pub(super) fn was_used(&self) -> bool {
        self.herald.is_announced.load(Ordering::Acquire)
    }

    /// Ends it, as far as it is ours.
    pub(super) fn close(&self) {
        self.link.close();
    }

    /// The line is there for the first time, and by now it is known how long an answer takes. How a person can look on there
    /// is found out beside all else.
    fn announce(&self) {
        if self.herald.is_announced.swap(true, Ordering::AcqRel) {
            return;
        }
        let Some(this) = self.this.upgrade() else { return };
        let ask = std::thread::Builder::new().name("onlook".into()).stack_size(256 * 1024).spawn(move || {
            this.greet(this.link.call(window::ASK, &|| false).ok().as_ref());
        });
        if ask.is_err() {
            self.greet(None);
        }
    }

    /// `tmux`: what the one there says of its version, where that could be asked.
    fn greet(&self, tmux: Option<&Answer>) {
        let look = tmux.map(|tmux| {
            let by_hand = self.link.transport().by_hand("ssh -t");
            window::onlook(&by_hand, &self.destination.host, &self.session, &tmux.text())
        });
        let (onlook, remark) = match look {
            Some(Ok(command)) => (Some(command), None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
        self.herald.tell(RemoteNews::Connected { round_trip_us: self.round_trip_us(), onlook });
        if let Some(text) = remark {
            self.herald.tell(RemoteNews::Remark { text });
        }
    }
}

impl Herald {
    fn tell(&self, news: RemoteNews) {
        // The loop is gone only when the run is over.
        let _ = self.messages.send(Message::News { remote: self.remote.clone(), news });
    }

    /// Must not wait for the line.
    fn hear(this: &Arc<Self>, news: LinkNews) {
        // Before the first answer there is nothing that could be lost: whoever wanted the line is told what is wrong.
        if !this.is_announced.load(Ordering::Acquire) {
            return;
        }
        match news {
            LinkNews::Connected => {}
            LinkNews::Down { why, attempt, next } => {
                this.tell(RemoteNews::Down { why: why.message, attempt, next_ms: milliseconds(next) });
            }
            LinkNews::Up { after } => {
                this.tell(RemoteNews::Up { after_ms: milliseconds(after) });
                this.do_again();
            }
            LinkNews::Over(why) => this.tell(RemoteNews::GaveUp { why: why.message }),
        }
    }

    fn do_again(&self) {
        if let Some(again) = self.again.get().cloned() {
            let thread = std::thread::Builder::new().name("again".into()).stack_size(256 * 1024);
            // Without a thread it is not done: nothing depends on it while something runs there.
            (again.first)();
            drop(thread.spawn(move || (again.then)()));
        }
    }
}

impl Line for Rope {
    fn host(&self) -> &str {
        self.link.host()
    }

    fn call(&self, script: &str, cancelled: &dyn Fn() -> bool) -> Result<Answer, Fault> {
        self.link.call(script, cancelled).inspect(|_| self.announce())
    }

    fn open(&self, cancelled: &dyn Fn() -> bool) -> Result<(Channel, u64), Fault> {
        self.link.open(Login::No, cancelled).map(|(channel, generation)| (channel, generation.into()))
    }

    fn lost(&self, generation: u64, why: Fault) {
        self.link.lost(Generation::from(generation), why);
    }

    fn remark(&self, text: String) {
        self.herald.tell(RemoteNews::Remark { text });
    }
}

impl There for Rope {
    fn host(&self) -> &str {
        self.link.host()
    }

    fn call(&self, script: &str, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<Answer, Fault> {
        Line::call(self, script, &cancelled)
    }

    fn bulk(&self) -> Bulk {
        self.link.transport().bulk()
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
