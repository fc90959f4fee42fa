//! The FIFO that tokens are in, and who takes back what is out too much.
//!
//! Who lends never waits: what programs hold is taken back by a thread of its own, which sleeps until there is something
//! in the FIFO, and takes it under the lock and only where it is still owed, so that no token is ever between the books.
//! Most runs never start that thread. Others that wait for tokens are woken with it, and each gets one in time.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use rustix::io::Errno;

use super::account::{Account, Step};

/// A token, as make writes it. Programs do not look at it.
const TOKEN: u8 = b'+';
/// No more are lent, so that they are written in one go (`PIPE_BUF`) and fit into the smallest pipe there is.
const MOST: u32 = 4096;

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    fifo: OwnedFd,
    books: Mutex<Books>,
    /// Rung when something is owed.
    owed: Condvar,
}

#[derive(Debug, Default)]
struct Books {
    account: Account,
    /// Whether the thread that takes back was started.
    collecting: bool,
}

/// Slots to lend, in a FIFO of our own.
#[derive(Debug)]
pub struct Pool(Arc<Shared>);

impl Pool {
    /// An empty pool whose FIFO has this path, for nobody but us.
    pub fn create(path: &Path) -> io::Result<Self> {
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        // Both ends in one: it stays open whoever comes and goes, and to open it does not wait for anybody.
        let fifo = open(path, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
        let shared = Shared { path: path.to_owned(), fifo, books: Mutex::default(), owed: Condvar::new() };
        Ok(Self(Arc::new(shared)))
    }

    /// Where the FIFO is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// An end to read from and one to write to, for one program and what it starts: its flags are nobody else's.
    pub fn ends(&self) -> io::Result<(OwnedFd, OwnedFd)> {
        // Neither waits for the other end: ours is open.
        let read = File::open(&self.0.path)?;
        let write = File::options().write(true).open(&self.0.path)?;
        Ok((read.into(), write.into()))
    }

    /// Lends so many slots from now on. What is out too much comes back as programs give it back.
    pub fn lend(&self, slots: u32) {
        let mut books = self.0.books();
        books.account.want(slots.min(MOST));
        match books.account.step() {
            Step::Even => {}
            Step::Put(_) => self.0.put(&mut books.account),
            Step::Take(_) => {
                self.0.take(&mut books.account);
                if matches!(books.account.step(), Step::Take(_)) {
                    self.collect(&mut books);
                }
            }
        }
    }

    /// Nothing runs that could have a token: whatever is lent is in the FIFO again, those too that were lost.
    pub fn recall(&self) {
        let mut books = self.0.books();
        // As a rule nothing was lost, and that is seen without taking anything out.
        if rustix::io::ioctl_fionread(&self.0.fifo).is_ok_and(|there| books.account.is_all_there(there)) {
            return;
        }
        // More than were put in, where a program gave back what it had not taken. Who never stops doing so is not
        // waited for: this is as much as a pipe holds.
        let mut tokens = vec![0; 64 * 1024];
        let _ = rustix::io::retry_on_intr(|| rustix::io::read(&self.0.fifo, &mut tokens[..]));
        books.account.forget();
        self.0.put(&mut books.account);
    }

    /// Has the thread that takes back do so. Where there is none to be had, the next change takes back what has come.
    fn collect(&self, books: &mut Books) {
        if !books.collecting {
            let shared = Arc::clone(&self.0);
            let thread = std::thread::Builder::new().name("tokens".into()).stack_size(64 * 1024);
            books.collecting = thread.spawn(move || shared.collect_for_ever()).is_ok();
        }
        self.0.owed.notify_one();
    }

    /// Takes the FIFO's name away.
    pub fn remove(&self) {
        // Gone already, or the directory is not to be written any more: then it stays where the run is kept.
        let _ = std::fs::remove_file(&self.0.path);
    }
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts in what is missing.
    fn put(&self, account: &mut Account) {
        if let Step::Put(count) = account.step() {
            let tokens = vec![TOKEN; usize::try_from(count).unwrap_or(0)];
            // What does not fit is not lent.
            let put = rustix::io::write(&self.fifo, &tokens).unwrap_or(0);
            account.put(u32::try_from(put).unwrap_or(0));
        }
    }

    /// Takes what is owed, as far as it is there.
    fn take(&self, account: &mut Account) {
        let mut tokens = [0; 256];
        while let Step::Take(count) = account.step() {
            let most = usize::try_from(count).unwrap_or(usize::MAX).min(tokens.len());
            match rustix::io::read(&self.fifo, &mut tokens[..most]) {
                Ok(taken @ 1..) => account.taken(u32::try_from(taken).unwrap_or(0)),
                Err(Errno::INTR) => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    fn collect_for_ever(&self) {
        loop {
            let nothing_owed = |books: &mut Books| !matches!(books.account.step(), Step::Take(_));
            let books = self.owed.wait_while(self.books(), nothing_owed);
            drop(books.unwrap_or_else(PoisonError::into_inner));
            if poll(&mut [PollFd::new(&self.fifo, PollFlags::IN)], None).is_ok() {
                self.take(&mut self.books().account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};
    use std::io::{Read, Write};
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};

    fn pool() -> (tempfile::TempDir, Pool) {
        let dir = tempfile::tempdir().unwrap();
        let pool = Pool::create(&dir.path().join("pool")).unwrap();
        (dir, pool)
    }

    fn pooled(pool: &Pool) -> u64 {
        rustix::io::ioctl_fionread(&pool.0.fifo).unwrap()
    }

    #[test]
    fn the_fifo_is_private_and_goes() {
        let (dir, pool) = pool();
        let metadata = std::fs::metadata(pool.path()).unwrap();
        assert!(metadata.file_type().is_fifo());
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o600);
        assert!(Pool::create(pool.path()).is_err(), "nobody else's is used");
        pool.remove();
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn what_is_lent_is_there_and_what_is_wanted_back_is_not() {
        let (_dir, pool) = pool();
        pool.lend(3);
        assert_eq!(pooled(&pool), 3);
        pool.lend(1);
        assert_eq!(pooled(&pool), 1);
        pool.lend(1_000_000);
        assert_eq!(pooled(&pool), u64::from(MOST));
        pool.lend(0);
        pool.recall();
        assert_eq!(pooled(&pool), 0);
    }

    #[test]
    fn what_a_program_holds_is_taken_when_it_comes_back() {
        let (_dir, pool) = pool();
        pool.lend(2);
        let (read, write) = pool.ends().unwrap();
        let (mut read, mut write) = (File::from(read), File::from(write));
        read.read_exact(&mut [0; 2]).unwrap();
        pool.lend(1);
        write.write_all(b"+").unwrap();
        // The thread takes it; the second one stays.
        while pooled(&pool) > 0 {
            std::thread::yield_now();
        }
        write.write_all(b"+").unwrap();
        assert_eq!(pool.0.books().account.step(), Step::Even);
        assert_eq!(pooled(&pool), 1);
    }

    /// A program that has a thread waiting for one more token, as cargo has, does not keep what it gives back.
    #[test]
    fn who_always_wants_one_more_does_not_keep_what_is_owed() {
        let (_dir, pool) = pool();
        pool.lend(2);
        let (read, write) = pool.ends().unwrap();
        let (mut read, mut write) = (File::from(read), File::from(write));
        read.read_exact(&mut [0; 2]).unwrap();
        let (sender, tokens) = std::sync::mpsc::channel();
        let wants = std::thread::spawn(move || {
            let mut token = [0];
            while read.read_exact(&mut token).is_ok() && sender.send(()).is_ok() {}
        });
        pool.lend(1);
        write.write_all(b"+").unwrap();
        // Who is woken first is the system's affair, so nothing but a long time says that it is kept.
        let begun = SystemClock.now();
        while pool.0.books().account.step() != Step::Even {
            if tokens.recv_timeout(std::time::Duration::from_millis(100)).is_ok() {
                std::thread::sleep(std::time::Duration::from_millis(1));
                write.write_all(b"+").unwrap();
            }
            assert!(SystemClock.now().since(begun) < std::time::Duration::from_mins(1), "it is kept");
        }
        // The other one, for the thread to end.
        drop(tokens);
        write.write_all(b"++").unwrap();
        wants.join().unwrap();
    }

    #[test]
    fn what_was_lost_is_there_again_after_a_recall() {
        let (_dir, pool) = pool();
        pool.lend(3);
        let (read, write) = pool.ends().unwrap();
        File::from(read).read_exact(&mut [0; 2]).unwrap();
        pool.lend(3);
        assert_eq!(pooled(&pool), 1, "it may come back yet");
        drop(write);
        pool.recall();
        assert_eq!(pooled(&pool), 3);
        pool.recall();
        assert_eq!(pooled(&pool), 3, "nothing was lost");
    }
}
