//! What a program prints, collected by a thread so that the program never waits for the test.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
    is_closed: bool,
}

/// One stream of a program.
#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<(Mutex<Stream>, Condvar)>);

impl Capture {
    /// Collects everything from here on.
    pub(crate) fn of(mut source: impl Read + Send + 'static) -> Self {
        let capture = Self::default();
        let shared = capture.clone();
        std::thread::spawn(move || {
            let mut block = vec![0; 64 * 1024];
            loop {
                let read = source.read(&mut block).unwrap_or(0);
                let mut stream = shared.lock();
                stream.bytes.extend_from_slice(&block[..read]);
                stream.is_closed = read == 0;
                shared.0.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        capture
    }

    fn lock(&self) -> MutexGuard<'_, Stream> {
        self.0.0.lock().unwrap()
    }

    /// Waits until the bytes so far satisfy the condition, the stream is closed, or time is up; says whether they do.
    pub(crate) fn wait_for(&self, limit: Duration, holds: impl Fn(&[u8]) -> bool) -> bool {
        let deadline = Instant::now() + limit;
        let mut stream = self.lock();
        loop {
            if holds(&stream.bytes) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if stream.is_closed || left.is_zero() {
                return false;
            }
            stream = self.0.1.wait_timeout(stream, left).unwrap().0;
        }
    }

    /// Waits until nobody holds the stream's other end; says whether that came in time.
    pub(crate) fn wait_closed(&self, limit: Duration) -> bool {
        self.wait_for(limit, |_| false);
        self.lock().is_closed
    }

    /// What came so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }
}
