//! Rust source as a flat list of words and punctuation, without comments and literals.
//!
//! Enough of a lexer to be honest about what code names: a path in a comment or a string is not an arrow.
//! It knows nothing of modules or floors.

/// A word, `::`, or a single character of punctuation, and the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Token {
    /// Whether this is a name or keyword.
    pub(crate) fn is_word(&self) -> bool {
        self.text.starts_with(is_word_start)
    }
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Lexer<'a> {
    chars: Vec<char>,
    at: usize,
    line: usize,
    tokens: &'a mut Vec<Token>,
}

/// The tokens of a source text.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut lexer = Lexer { chars: source.chars().collect(), at: 0, line: 1, tokens: &mut tokens };
    while lexer.at < lexer.chars.len() {
        lexer.step();
    }
    tokens
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn advance(&mut self) {
        if self.peek(0) == Some('\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    fn advance_past(&mut self, end: &str) {
        let end: Vec<char> = end.chars().collect();
        while self.at < self.chars.len() {
            if self.chars[self.at..].starts_with(&end) {
                self.at += end.len();
                return;
            }
            self.advance();
        }
    }

    fn push(&mut self, text: String) {
        self.tokens.push(Token { text, line: self.line });
    }

    fn step(&mut self) {
        let Some(c) = self.peek(0) else { return };
        match (c, self.peek(1)) {
            ('/', Some('/')) => {
                while self.peek(0).is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
            }
            ('/', Some('*')) => self.block_comment(),
            ('"', _) => self.string(),
            ('\'', _) => self.quote(),
            (':', Some(':')) => {
                self.push("::".into());
                self.at += 2;
            }
            (c, _) if is_word_start(c) => self.word(),
            (c, _) if c.is_whitespace() => self.advance(),
            // A number is no name, and neither is its suffix.
            (c, _) if c.is_ascii_digit() => {
                while self.peek(0).is_some_and(is_word) {
                    self.at += 1;
                }
            }
            (c, _) => {
                self.push(c.into());
                self.advance();
            }
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some('*'), Some('/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.advance(),
            }
        }
    }

    fn string(&mut self) {
        self.advance();
        while let Some(c) = self.peek(0) {
            self.advance();
            match c {
                '\\' => self.advance(),
                '"' => return,
                _ => {}
            }
        }
    }

    /// A character literal, or a lifetime, which is dropped as well.
    fn quote(&mut self) {
        if self.peek(1) == Some('\\') {
            self.at += 3;
            self.advance_past("'");
        } else if self.peek(2) == Some('\'') {
            self.advance();
            self.advance();
            self.advance();
        } else {
            self.at += 1;
            while self.peek(0).is_some_and(is_word) {
                self.at += 1;
            }
        }
    }

    fn word(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(is_word) {
            self.at += 1;
        }
        let word: String = self.chars[start..self.at].iter().collect();
        if matches!(word.as_str(), "r" | "br" | "cr") {
            let hashes = self.chars[self.at..].iter().take_while(|c| **c == '#').count();
            if self.peek(hashes) == Some('"') {
                self.at += hashes + 1;
                self.advance_past(&format!("\"{}", "#".repeat(hashes)));
                return;
            }
            if hashes == 1 && self.peek(1).is_some_and(is_word_start) {
                self.at += 1;
                return self.word();
            }
        }
        self.push(word);
    }
}

/// The tokens without what only tests see: items under `#[cfg(test)]`, and everything after `#![cfg(test)]`.
pub(crate) fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let inner = texts_at(tokens, at, &["#", "!", "["]);
        let attribute = inner || texts_at(tokens, at, &["#", "["]);
        if attribute {
            let open = at + if inner { 2 } else { 1 };
            let end = matching(tokens, open);
            if is_test_only(&tokens[open + 1..end.min(tokens.len())]) {
                if inner {
                    return kept;
                }
                at = end_of_item(tokens, end + 1);
                continue;
            }
        }
        kept.push(tokens[at].clone());
        at += 1;
    }
    kept
}

fn texts_at(tokens: &[Token], at: usize, texts: &[&str]) -> bool {
    tokens[at..].len() >= texts.len() && tokens[at..].iter().zip(texts).all(|(token, text)| token.text == *text)
}

/// `cfg(test)` or `cfg(all(test, …))`: `not` and `any` leave code that the program itself has.
fn is_test_only(attribute: &[Token]) -> bool {
    let has = |word: &str| attribute.iter().any(|t| t.text == word);
    attribute.first().is_some_and(|t| t.text == "cfg") && has("test") && !has("not") && !has("any")
}

/// The index of the bracket that closes the one at `open`.
pub(crate) fn matching(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            ";" => return at + 1,
            "{" => return matching(tokens, at) + 1,
            "(" | "[" => at = matching(tokens, at) + 1,
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> String {
        without_tests(&tokens(source)).iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        assert_eq!(words("a /* crate::b /* nested */ crate::c */ d // crate::e\nf"), "a d f");
        assert_eq!(words(r##"a "crate::b \" c" r#"crate::d " e"# b"x" g"##), "a b g");
        assert_eq!(words("fn f<'a>(x: &'a str) { '\\'' ; '\"' ; b'x' ; 'é' }"), "fn f < > ( x : & str ) { ; ; b ; }");
        assert_eq!(words("r#type 1_000u64 0x1f x"), "type x");
    }

    #[test]
    fn lines_are_counted_through_comments_and_strings() {
        let found = tokens("/* 1\n2 */ \"3\n\" // x\na\n'\n'\nb");
        assert_eq!(found.iter().map(|t| (t.text.as_str(), t.line)).collect::<Vec<_>>(), [("a", 4), ("b", 7)]);
    }

    #[test]
    fn only_what_tests_alone_see_is_left_out() {
        assert_eq!(words("a #[cfg(test)] #[path = \"x\"] mod tests { use crate::b; } c"), "a c");
        assert_eq!(words("#[cfg(all(test, unix))] use x::{y}; b #[cfg(test)] mod tests; c"), "; b c");
        assert_eq!(words("#[cfg(test)] const A: [u8; 2] = f(1); b"), "b");
        assert_eq!(words("#[cfg(not(test))] a"), "# [ cfg ( not ( test ) ) ] a");
        assert_eq!(words("a #![cfg(test)] b"), "a");
    }
}
