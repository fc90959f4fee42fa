//! DOT, the language of Graphviz.

use std::fmt::Write as _;

use super::sheet::{Sheet, StageBox};

/// The sheet for `dot -Tsvg` and its kin.
pub fn dot(sheet: &Sheet) -> String {
    let mut text = String::from("digraph plan {\n  rankdir=LR\n  node [shape=box, style=rounded]\n");
    for place in sheet.unframed() {
        stage(&mut text, "  ", &sheet.boxes[place]);
    }
    for (number, frame) in sheet.frames.iter().enumerate() {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(text, "  subgraph cluster_{number} {{\n    label={}", quoted(&frame.name));
        for place in &frame.members {
            stage(&mut text, "    ", &sheet.boxes[*place]);
        }
        text.push_str("  }\n");
    }
    for arrow in &sheet.arrows {
        let (from, to) = (quoted(&sheet.boxes[arrow.from].name), quoted(&sheet.boxes[arrow.to].name));
        let emphasis = if arrow.critical { " [penwidth=3]" } else { "" };
        let _ = writeln!(text, "  {from} -> {to}{emphasis}");
    }
    text.push_str("}\n");
    text
}

fn stage(text: &mut String, indent: &str, stage: &StageBox) {
    let lines: Vec<String> = [&stage.name].into_iter().chain(&stage.lines).map(|line| escaped(line)).collect();
    let mut attributes = format!("label=\"{}\", tooltip={}", lines.join(r"\n"), quoted(&stage.command));
    if stage.skipped {
        attributes.push_str(", style=\"rounded,dashed\"");
    }
    if stage.critical {
        attributes.push_str(", penwidth=3");
    }
    let _ = writeln!(text, "{indent}{} [{attributes}]", quoted(&stage.name));
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// The text between quotes. A backslash begins an escape there, and `&` a character of HTML.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('&', "&amp;")
}
