//! XML 1.0 as far as a report needs it: elements, attributes and text, with what XML cannot hold left out.

/// A document in the making. Elements are closed in the order in which [`Xml::open`] was called, by [`Xml::close`].
pub(super) struct Xml {
    out: String,
    open: Vec<&'static str>,
}

impl Xml {
    /// With nothing in it.
    pub(super) fn new() -> Self {
        Self { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), open: Vec::new() }
    }

    /// Begins an element that has others in it.
    pub(super) fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.indent();
        self.tag(name, attributes);
        self.out.push_str(">\n");
        self.open.push(name);
    }

    /// Ends the element that was begun last.
    pub(super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.out.extend([format!("</{name}>\n")]);
        }
    }

    /// An element with nothing but text in it.
    pub(super) fn leaf(&mut self, name: &'static str, attributes: &[(&str, &str)], text: &str) {
        self.indent();
        self.tag(name, attributes);
        if text.is_empty() {
            self.out.push_str("/>\n");
            return;
        }
        self.out.push('>');
        escape(text, false, &mut self.out);
        self.out.extend([format!("</{name}>\n")]);
    }

    /// The document, whose elements are all closed.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n("  ", self.open.len()));
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.out.push('<');
        self.out.push_str(name);
        for (name, value) in attributes {
            self.out.extend([format!(" {name}=\"")]);
            escape(value, true, &mut self.out);
            self.out.push('"');
        }
    }
}

/// Writes text so that a parser reads it back. In attributes, blanks of every kind are kept by their numbers. Characters
/// that an XML 1.0 document cannot have in any form are left out: see "Char" there.
fn escape(text: &str, is_attribute: bool, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            // Only `]]>` has to be, and this is simpler.
            '>' => out.push_str("&gt;"),
            '"' if is_attribute => out.push_str("&quot;"),
            '\n' | '\t' if is_attribute => out.extend([format!("&#{};", u32::from(c))]),
            // As it is, a parser would read it as a line feed.
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            c if u32::from(c) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_what_xml_cannot_hold_is_left_out() {
        let mut xml = Xml::new();
        xml.open("a", &[("b", "\"<&>\n\t\r")]);
        xml.leaf("c", &[], "]]> \0\u{1}\u{1b}[31m\u{ffff}é\r\n\u{1f600}");
        xml.leaf("d", &[], "");
        let text = xml.finish();
        let (_, text) = text.split_once('\n').unwrap();
        assert_eq!(
            text,
            "<a b=\"&quot;&lt;&amp;&gt;&#10;&#9;&#13;\">\n  <c>]]&gt; [31mé&#13;\n\u{1f600}</c>\n  <d/>\n</a>\n"
        );
    }
}
