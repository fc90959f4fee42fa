//! A jobserver: slots that nobody uses at the moment, as bytes in a FIFO that several programs take from and give back
//! to. The protocol is GNU make's ("POSIX Jobserver" in its manual); cargo, rustc and ninja speak it too.
//!
//! `account` is the bookkeeping, a value; [`pool`] the FIFO around it; [`flags`] what variables say of a jobserver;
//! [`make`] which way of saying it the machine's `make` understands. Knows nothing of stages. See `docs/design.md`,
//! "Jobserver".

mod account;
pub mod flags;
pub mod make;
pub mod pool;
