//! See `local_ci_fuzz::mask`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| local_ci_fuzz::mask(data));
