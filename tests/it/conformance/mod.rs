//! What a stage comes to, wherever it runs: one list of cases, held against every place that stages run at.
//!
//! `local` is the program without anything else, `here` the executor for other machines with a shell of this one at the
//! end of its line, `ssh` the program with `--remote` and a server of our own. A row of the list below makes a test of
//! each place that says `yes`; where a place cannot have a case, its reason stands there instead.

mod backend;
mod cases;
mod elsewhere;
mod near;
mod pipes;
mod product;

pub(crate) use backend::{Backend, Seen, Stage};
pub(crate) use elsewhere::Ssh;
use near::Here;
use product::Product;

/// Makes the tests of one list: `case: local, here, ssh;`.
macro_rules! conformance {
    ($($case:ident: $local:tt, $here:tt, $ssh:tt;)*) => {
        mod local {
            use super::{Product, cases};
            $(place! { $case, $local, Product::local() })*
        }
        mod here {
            use super::{Here, cases};
            $(place! { $case, $here, Here::new() })*
        }
        mod ssh {
            use super::{Ssh, cases};
            $(place! { $case, $ssh, Ssh::new() })*
        }
    };
}

/// One cell of the list: a test where there is a place to hold the case against.
macro_rules! place {
    ($case:ident, yes, $at:expr) => {
        #[test]
        fn $case() {
            if let Some(at) = $at {
                cases::$case(&at);
            }
        }
    };
    // One that makes its own machines.
    ($case:ident, own, $at:expr) => {
        #[test]
        fn $case() {
            cases::$case();
        }
    };
    ($case:ident, $why:literal, $at:expr) => {};
}
conformance! {
    // How a stage ends, and what it prints.
    ok: yes, yes, yes;
    exit_codes_are_the_commands_own: yes, yes, yes;
    a_signal_is_no_code: yes, yes, yes;
    a_command_that_is_not_there_is_the_stages_fault: yes, yes, yes;
    a_hundred_megabytes_arrive: yes, yes, yes;
    the_last_line_needs_no_end: yes, yes, yes;
    any_bytes_arrive: yes, yes, yes;
    both_streams_keep_their_order: yes, yes, yes;
    silence_is_no_end: yes, yes, yes;
    twenty_stages_run_side_by_side: yes, yes, yes;
    // Having it end.
    what_ignores_sigterm_is_killed: yes, yes, yes;
    what_left_the_session_is_found: yes, yes, yes;
    a_time_limit_holds: yes, yes, yes;
    what_is_left_behind_is_said_and_killed: yes, yes, yes;
    // What is odd.
    a_directory_may_have_any_name: yes, yes, yes;
    a_clock_that_jumps_changes_no_duration: yes, yes, yes;
    // The line, and who holds its ends.
    a_cut_loses_nothing: "no line", "`a_cut_of_its_pipes_loses_nothing`", yes;
    a_long_cut_loses_nothing: "no line", "`a_cut_of_its_pipes_loses_nothing`", yes;
    a_cut_across_the_end_loses_nothing: "no line", "`a_cut_of_its_pipes_loses_nothing`", yes;
    a_line_that_stalls_is_given_up_and_made_anew: "no line", "its line is a pipe", yes;
    a_killed_server_process_loses_nothing: "no server", "no server", yes;
    a_killed_command_line_loses_nothing: "it is `reconnection.rs`", "no command line", yes;
    a_killed_supervisor_is_replaced: "it ends with its supervisor: `lost.rs`", "no supervisor", yes;
    taking_over_twice_starts_nothing_twice: "it ends with its supervisor: `lost.rs`", "no supervisor", yes;
    a_time_limit_holds_while_the_line_is_down: "no line", "`a_time_limit_holds_without_its_pipes`", yes;
    what_is_stopped_while_the_line_is_down_ends: "no line", "its line is a pipe", yes;
    what_is_given_up_can_be_taken_over: "no line", "`what_is_given_up_is_joined_later`", yes;
    // The same without ssh, and what needs to look inside.
    one_id_is_started_once: "it has no ids", own, "`taking_over_twice_starts_nothing_twice`";
    a_cut_of_its_pipes_loses_nothing: "no line", yes, "`a_cut_loses_nothing`";
    a_time_limit_holds_without_its_pipes: "no line", yes, "`a_time_limit_holds_while_the_line_is_down`";
    what_is_given_up_is_joined_later: "no line", own, "`what_is_given_up_can_be_taken_over`";
    another_boot_is_said: "H30: `lost.rs`", yes, "`a_reboot_is_said_and_starts_nothing`";
    a_killed_wrapper_is_no_verdict: "H24: `lost.rs`", yes, "the same scripts as here";
    // The machine there.
    login_shells_may_be_odd: "no login", "no login", own;
    start_files_may_be_noisy: "no login", "no login", own;
    an_account_without_a_shell_is_said: "no login", "no login", own;
    a_home_may_have_any_name: "nothing is kept at home", "no login", own;
    tmux_may_be_missing: "nobody looks on by tmux", "no login", own;
    git_may_be_missing: "nothing is sent", "nothing is sent", own;
    rsync_may_be_missing: "nothing is sent", "nothing is sent", own;
    a_changed_host_key_is_refused: "no keys", "no keys", yes;
    an_unknown_host_key_is_refused: "no keys", "no keys", yes;
    a_key_that_is_not_taken_is_said: "no keys", "no keys", yes;
    a_machine_that_does_not_answer_is_said: "it is this one", "it is this one", yes;
    a_host_is_never_an_option: "it has no name", "it has no name", yes;
    a_full_disk_for_the_log_is_said: "H74: `storage.rs`", "the same scripts as for ssh", own;
    a_full_disk_for_the_verdict_is_no_verdict: "H76: `storage.rs`", "the same scripts as for ssh", own;
    a_full_disk_for_the_tree_is_said: "nothing is sent", "nothing is sent", own;
    a_reboot_is_said_and_starts_nothing: "H30: `lost.rs`", "`another_boot_is_said`", own;
    a_killed_tmux_ends_nothing: "nobody looks on by tmux", "nobody looks on by tmux", yes;
    cleaning_up_twice_is_harmless: "nothing is left to clean up", "the same scripts as for ssh", yes;
    // Who else is there.
    a_planted_verdict_decides_nothing: "its verdict is in no file", "the same scripts as for ssh", yes;
    secrets_stay_here: "nothing is sent", "nothing is sent", yes;
    directories_here_may_have_long_names: "no socket", "no socket", own;
    many_runs_share_a_machine: "it is `concurrency.rs`", "no connection", yes;
    a_machine_may_take_few_sessions: "no connection", "no connection", own;
    a_pipeline_goes_there_and_back: "it goes nowhere", "nothing is sent", yes;
}
