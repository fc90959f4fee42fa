//! Reads XML in pieces of any size, in one pass and in bounded memory. It knows what reports are made of (tags, attributes,
//! text, CDATA, comments), and passes over the rest: no entity is ever defined or fetched.

/// So much of one tag is kept, in bytes; a longer one loses its end.
const TAG_MAX: usize = 64 * 1024;
/// So much of one text is kept, in bytes.
const TEXT_MAX: usize = 8 * 1024;

/// Something that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Open { name: String, attributes: Vec<(String, String)>, is_empty: bool },
    Close(String),
    Text(String),
}

/// What is being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Between `<` and `>`; within a quote where there is one.
    Tag(Option<char>),
    Comment,
    Cdata,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    state: State,
    /// Of what is being read, what is kept.
    kept: String,
    /// The last characters of a comment or CDATA section, to know its end.
    tail: [char; 2],
}

impl Reader {
    /// Reads on, and says what it found.
    pub(crate) fn read(&mut self, piece: &str, found: &mut impl FnMut(Token)) {
        for c in piece.chars() {
            match self.state {
                State::Text if c == '<' => {
                    self.text(true, found);
                    self.state = State::Tag(None);
                }
                State::Text => self.keep(c, TEXT_MAX),
                State::Tag(None) if c == '>' => {
                    self.state = State::Text;
                    tag(&std::mem::take(&mut self.kept), found);
                }
                State::Tag(quote) => {
                    self.keep(c, TAG_MAX);
                    self.state = match (quote, self.kept.as_str()) {
                        (None, "!--") => self.begin(State::Comment),
                        (None, "![CDATA[") => self.begin(State::Cdata),
                        (None, _) if c == '"' || c == '\'' => State::Tag(Some(c)),
                        (Some(mark), _) if c == mark => State::Tag(None),
                        (quote, _) => State::Tag(quote),
                    };
                }
                State::Comment | State::Cdata => {
                    let end = if self.state == State::Comment { '-' } else { ']' };
                    if c == '>' && self.tail == [end; 2] {
                        if self.state == State::Cdata {
                            self.kept.truncate(self.kept.trim_end_matches(']').len());
                            self.text(false, found);
                        }
                        self.kept.clear();
                        self.state = State::Text;
                    } else {
                        self.tail = [self.tail[1], c];
                        if self.state == State::Cdata {
                            self.keep(c, TEXT_MAX);
                        }
                    }
                }
            }
        }
    }

    /// Whether a tag has begun and not ended.
    pub(crate) fn is_in_tag(&self) -> bool {
        matches!(self.state, State::Tag(_))
    }

    fn begin(&mut self, state: State) -> State {
        self.kept.clear();
        self.tail = ['\0'; 2];
        state
    }

    fn keep(&mut self, c: char, max: usize) {
        if self.kept.len() < max {
            self.kept.push(c);
        }
    }

    fn text(&mut self, has_entities: bool, found: &mut impl FnMut(Token)) {
        let text = std::mem::take(&mut self.kept);
        if !text.trim().is_empty() {
            found(Token::Text(if has_entities { plain(&text) } else { text }));
        }
    }
}

/// A tag without its brackets.
fn tag(text: &str, found: &mut impl FnMut(Token)) {
    if text.starts_with(['!', '?']) {
        return;
    }
    if let Some(name) = text.strip_prefix('/') {
        found(Token::Close(name.trim().to_owned()));
        return;
    }
    let is_empty = text.ends_with('/');
    let text = text.trim_end_matches('/');
    let (name, mut rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let mut attributes = Vec::new();
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let Some(mark) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) else { break };
        let Some((value, next)) = after[1..].split_once(mark) else { break };
        attributes.push((key.trim().to_owned(), plain(value)));
        rest = next;
    }
    found(Token::Open { name: name.to_owned(), attributes, is_empty });
}

/// A text with its entities as what they stand for.
fn plain(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let known = part.split_once(';').and_then(|(entity, rest)| Some((character(entity)?, rest)));
        match known {
            Some((c, rest)) => {
                plain.push(c);
                plain.push_str(rest);
            }
            None => {
                plain.push('&');
                plain.push_str(part);
            }
        }
    }
    plain
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            code.ok().and_then(char::from_u32)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str]) -> Vec<Token> {
        let (mut reader, mut tokens) = (Reader::default(), Vec::new());
        for piece in pieces {
            reader.read(piece, &mut |token| tokens.push(token));
        }
        tokens
    }

    #[test]
    fn what_is_read_is_the_same_in_pieces_of_any_size() {
        let text =
            "<?xml version='1.0'?><!-- a > b --><a b='1 &lt; 2' c=\"x>y\">t &#65;&#x42;<![CDATA[<raw>]]&gt;]]><d/></a>";
        let whole = read(&[text]);
        let open = |name: &str, attributes: &[(&str, &str)], is_empty| Token::Open {
            name: name.to_owned(),
            attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            is_empty,
        };
        assert_eq!(
            whole,
            [
                open("a", &[("b", "1 < 2"), ("c", "x>y")], false),
                Token::Text("t AB".to_owned()),
                Token::Text("<raw>]]&gt;".to_owned()),
                open("d", &[], true),
                Token::Close("a".to_owned()),
            ]
        );
        let pieces: Vec<_> = text.split_inclusive(|_| true).collect();
        assert_eq!(read(&pieces), whole);
    }

    #[test]
    fn what_has_no_end_takes_no_memory() {
        let mut reader = Reader::default();
        for start in ["<a b=\"", "\"><!-- ", "--><![CDATA[", "]]>"] {
            reader.read(start, &mut |_| {});
            for _ in 0..1000 {
                reader.read(&"x".repeat(1000), &mut |_| {});
            }
            assert!(reader.kept.len() <= TAG_MAX, "{start}");
        }
    }
}
