//! Mermaid's flowcharts, which Markdown shows in many places.

use std::fmt::Write as _;

use super::sheet::{Sheet, StageBox};

/// The sheet for a block of ```` ```mermaid ````.
pub fn mermaid(sheet: &Sheet) -> String {
    let mut text = String::from("flowchart LR\n");
    for place in sheet.unframed() {
        stage(&mut text, "  ", place, &sheet.boxes[place]);
    }
    for (number, frame) in sheet.frames.iter().enumerate() {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(text, "  subgraph matrix{number}[\"{}\"]", escaped(&frame.name));
        for place in &frame.members {
            stage(&mut text, "    ", *place, &sheet.boxes[*place]);
        }
        text.push_str("  end\n");
    }
    for arrow in &sheet.arrows {
        let line = if arrow.critical { "==>" } else { "-->" };
        let _ = writeln!(text, "  stage{} {line} stage{}", arrow.from, arrow.to);
    }
    let is_in = |class: fn(&StageBox) -> bool| sheet.boxes.iter().any(class);
    if is_in(|stage| stage.skipped) {
        text.push_str("  classDef skipped stroke-dasharray:4 4\n");
    }
    if is_in(|stage| stage.critical) {
        text.push_str("  classDef critical stroke-width:3px\n");
    }
    text
}

fn stage(text: &mut String, indent: &str, place: usize, stage: &StageBox) {
    let lines: Vec<String> = [&stage.name].into_iter().chain(&stage.lines).map(|line| escaped(line)).collect();
    // What is skipped is never critical.
    let class = match (stage.skipped, stage.critical) {
        (true, _) => ":::skipped",
        (false, true) => ":::critical",
        (false, false) => "",
    };
    let _ = writeln!(text, "{indent}stage{place}[\"{}\"]{class}", lines.join("<br/>"));
}

/// The text between quotes. Everything that could mean something to Mermaid, to HTML or to Markdown is written by its
/// number: directives (`%%{`) are looked for even in strings.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && !".,:-+/()'".contains(c) || c == '\t' {
            let _ = write!(escaped, "#{};", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}
