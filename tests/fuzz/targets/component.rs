//! See `local_ci_fuzz::component`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| local_ci_fuzz::component(data));
