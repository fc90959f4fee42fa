//! The `local-ci` command: see [`local_ci::cli`].

fn main() {}
