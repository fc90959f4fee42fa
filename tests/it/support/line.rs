//! A line that can fail: a proxy of TCP on 127.0.0.1 between a client and a server, which a test cuts, stalls or slows down.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

#[derive(Default)]
struct Shared {
    port: AtomicU16,
    server: AtomicU16,
    /// Whether new connections are taken.
    is_open: AtomicBool,
    /// Whether nothing moves.
    is_stalled: Mutex<bool>,
    moves: Condvar,
    /// Each connection's two ends.
    ends: Mutex<Vec<(TcpStream, TcpStream)>>,
    /// After how many bytes from the server the connections that come next are cut, the next one first.
    cuts: Mutex<Vec<u64>>,
    made: AtomicUsize,
    cut: AtomicUsize,
    carried: AtomicU64,
    is_over: AtomicBool,
}

/// A line to a port, until it is dropped.
pub(crate) struct Line(Arc<Shared>);

impl Line {
    /// A line to this port.
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let shared = Arc::new(Shared::default());
        shared.port.store(listener.local_addr().unwrap().port(), Ordering::SeqCst);
        shared.server.store(server, Ordering::SeqCst);
        shared.is_open.store(true, Ordering::SeqCst);
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.is_over.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(client) = client {
                    accepting.carry(&client);
                }
            }
        });
        Self(shared)
    }

    /// Where it is connected to.
    pub(crate) fn port(&self) -> u16 {
        self.0.port.load(Ordering::SeqCst)
    }

    /// Cuts every connection now.
    pub(crate) fn cut(&self) {
        self.0.cut_all();
    }

    /// Cuts every connection and takes no other until [`Self::mend`]: they are closed as soon as they come.
    pub(crate) fn sever(&self) {
        self.0.is_open.store(false, Ordering::SeqCst);
        self.0.cut_all();
    }

    /// Takes connections again.
    pub(crate) fn mend(&self) {
        self.0.is_open.store(true, Ordering::SeqCst);
    }

    /// Has nothing move any more, in either direction, on this connection or the next; nobody is told.
    pub(crate) fn stall(&self) {
        *self.0.is_stalled.lock().unwrap() = true;
    }

    /// Has all move again that waits.
    pub(crate) fn flow(&self) {
        *self.0.is_stalled.lock().unwrap() = false;
        self.0.moves.notify_all();
    }

    /// Has the connections that come next be cut when so many bytes have come from the server, the first by the first.
    pub(crate) fn cut_after(&self, bytes: impl IntoIterator<Item = u64>) {
        *self.0.cuts.lock().unwrap() = bytes.into_iter().collect();
    }

    /// How many connections there have been that reached the server.
    pub(crate) fn connections(&self) -> usize {
        self.0.made.load(Ordering::SeqCst)
    }

    /// How many were cut because their bytes were used up.
    pub(crate) fn were_cut(&self) -> usize {
        self.0.cut.load(Ordering::SeqCst)
    }

    /// How many bytes have come from the server.
    pub(crate) fn carried(&self) -> u64 {
        self.0.carried.load(Ordering::SeqCst)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
        self.0.cut_all();
        *self.0.is_stalled.lock().unwrap() = false;
        self.0.moves.notify_all();
        // Has the accepting thread look.
        let _ = TcpStream::connect(("127.0.0.1", self.port()));
    }
}

impl Shared {
    fn cut_all(&self) {
        for (client, server) in self.ends.lock().unwrap().drain(..) {
            cut(&client);
            cut(&server);
        }
        // Whoever waits for the line to move looks whether it still has one.
        self.moves.notify_all();
    }

    fn carry(self: &Arc<Self>, client: &TcpStream) {
        if !self.is_open.load(Ordering::SeqCst) {
            cut(client);
            return;
        }
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.server.load(Ordering::SeqCst))) else {
            cut(client);
            return;
        };
        for end in [client, &server] {
            end.set_nodelay(true).unwrap();
        }
        self.made.fetch_add(1, Ordering::SeqCst);
        let limit = {
            let mut cuts = self.cuts.lock().unwrap();
            if cuts.is_empty() { u64::MAX } else { cuts.remove(0) }
        };
        self.ends.lock().unwrap().push((client.try_clone().unwrap(), server.try_clone().unwrap()));
        for (from, to, limit) in [(client, &server, None), (&server, client, Some(limit))] {
            let (from, to, shared) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(self));
            std::thread::spawn(move || shared.pump(from, to, limit));
        }
    }

    /// Carries one direction until either end is gone, or so many bytes have been carried.
    fn pump(&self, mut from: TcpStream, mut to: TcpStream, limit: Option<u64>) {
        let mut block = vec![0; 64 * 1024];
        let mut left = limit.unwrap_or(u64::MAX);
        while left > 0 {
            let most = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let Ok(read @ 1..) = from.read(&mut block[..most]) else { break };
            let mut stalled = self.is_stalled.lock().unwrap();
            while *stalled {
                stalled = self.moves.wait_timeout(stalled, Duration::from_millis(100)).unwrap().0;
            }
            drop(stalled);
            if to.write_all(&block[..read]).is_err() {
                break;
            }
            if limit.is_some() {
                self.carried.fetch_add(read as u64, Ordering::SeqCst);
                left -= read as u64;
            }
        }
        if left == 0 {
            self.cut.fetch_add(1, Ordering::SeqCst);
        }
        cut(&from);
        cut(&to);
    }
}

fn cut(end: &TcpStream) {
    // Gone already: then it is cut.
    let _ = end.shutdown(Shutdown::Both);
}
