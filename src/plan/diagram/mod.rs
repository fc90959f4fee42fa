//! A plan as a graph, in the languages that graphs are drawn from.
//!
//! [`Sheet`] decides what is drawn; the languages only write it down. Text of the config (names, commands, reasons) is
//! escaped for its language and has nothing in it that a terminal would act on. Locks stand in the boxes of the stages
//! that hold them: as lines between all who share one, they would hide the order.

mod dot;
mod mermaid;
mod sheet;
#[cfg(test)]
mod tests;

pub use dot::dot;
pub use mermaid::mermaid;
pub use sheet::Sheet;
