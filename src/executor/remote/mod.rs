//! Runs stages on another machine: each in a private run directory there, which says how it ended, so that neither the line
//! nor this process has to live as long as the stage. See `docs/design.md`, "Elsewhere".
