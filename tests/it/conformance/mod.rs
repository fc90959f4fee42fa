//! What a stage comes to, wherever it runs: one list of cases, held against every place that stages run at.
//!
//! `local` is the program without anything else, `here` the executor for other machines with a shell of this one at the
//! end of its line, `ssh` the program with `--remote` and a server of our own. A row of the list below makes a test of
//! each place that says `yes`; where a place cannot have a case, its reason stands there instead.

mod backend;
mod cases;
mod product;

use product::Product;

/// Makes the tests of one list: `case: local, here, ssh;`.
macro_rules! conformance {
    ($($case:ident: $local:tt, $here:tt, $ssh:tt;)*) => {
        mod local {
            use super::{Product, cases};
            $(place! { $case, $local, Product::local() })*
        }
    };
}

/// One cell of the list.
macro_rules! place {
    ($case:ident, yes, $at:expr) => {
        #[test]
        fn $case() {
            if let Some(at) = $at {
                cases::$case(&at);
            }
        }
    };
    ($case:ident, $why:literal, $at:expr) => {};
}
use place;

conformance! {
    ok: yes, yes, yes;
    exit_codes_are_the_commands_own: yes, yes, yes;
    a_signal_is_no_code: yes, yes, yes;
    a_hundred_megabytes_arrive: yes, yes, yes;
    the_last_line_needs_no_end: yes, yes, yes;
    any_bytes_arrive: yes, yes, yes;
    both_streams_keep_their_order: yes, yes, yes;
    silence_is_no_end: yes, yes, yes;
    twenty_stages_run_side_by_side: yes, yes, yes;
    what_ignores_sigterm_is_killed: yes, yes, yes;
    what_left_the_session_is_found: yes, yes, yes;
    a_time_limit_holds: yes, yes, yes;
    what_is_left_behind_is_said_and_killed: yes, yes, yes;
    a_directory_may_have_any_name: yes, yes, yes;
    a_clock_that_jumps_changes_no_duration: yes, yes, yes;
    a_command_that_is_not_there_is_the_stages_fault: yes, yes, yes;
}
