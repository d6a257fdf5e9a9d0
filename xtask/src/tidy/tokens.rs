//! Rust source as words: enough of a lexer to leave comments and texts out.

/// A word, or a sign of its own; `::` is one sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// As it is written.
    pub(super) text: &'a str,
    /// From 1.
    pub(super) line: usize,
}

impl Token<'_> {
    /// A name or a keyword. Numbers count too; no rule minds.
    pub(super) fn is_word(&self) -> bool {
        self.text.starts_with(is_word_char)
    }
}

/// The tokens of a file. Comments, texts, characters and lifetimes are none.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = source;
    while !rest.is_empty() {
        let (length, is_token) = next(rest);
        let (text, behind) = rest.split_at(length);
        if is_token {
            tokens.push(Token { text: text.trim_start_matches("r#"), line });
        }
        line += text.matches('\n').count();
        rest = behind;
    }
    tokens
}

/// Without the inline test modules, `#[cfg(test)] mod NAME { ... }`.
pub(super) fn outside_tests<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    const TEST_MODULE: [&str; 8] = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let starts_at = |at: usize| {
        TEST_MODULE
            .iter()
            .enumerate()
            .all(|(step, text)| tokens.get(at + step).is_some_and(|it| it.text == *text))
            && tokens.get(at + TEST_MODULE.len() + 1).is_some_and(|it| it.text == "{")
    };
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if starts_at(at) {
            at = end_of_block(tokens, at + TEST_MODULE.len() + 1);
        } else {
            kept.push(tokens[at]);
            at += 1;
        }
    }
    kept
}

/// Behind the brace that closes the one at `open`.
fn end_of_block(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "{" => depth += 1,
            "}" if depth == 1 => return at + 1,
            "}" => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

/// How long the next piece is, and whether it counts. `rest` is not empty, and the length never is.
fn next(rest: &str) -> (usize, bool) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), false);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), false);
    }
    if let Some(length) = literal(rest) {
        return (length, false);
    }
    let word = word(rest.strip_prefix("r#").unwrap_or(rest));
    if word > 0 {
        return (word + if rest.starts_with("r#") { 2 } else { 0 }, true);
    }
    if rest.starts_with("::") {
        return (2, true);
    }
    let first = rest.chars().next().map_or(1, char::len_utf8);
    (first, !rest.starts_with(char::is_whitespace))
}

fn is_word_char(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn word(rest: &str) -> usize {
    rest.find(|char| !is_word_char(char)).unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        if tail.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// A text, a byte text, a raw text, a character or a lifetime.
fn literal(rest: &str) -> Option<usize> {
    let prefix =
        ["br", "cr", "r", "b", "c"].into_iter().find(|prefix| rest.starts_with(prefix)).unwrap_or("");
    let body = &rest[prefix.len()..];
    let length = match body.bytes().next()? {
        b'"' | b'#' if prefix.ends_with('r') => raw(body),
        b'"' => Some(quoted(body, b'"')),
        b'\'' if matches!(prefix, "" | "b") => Some(character_or_lifetime(body)),
        _ => None,
    };
    Some(prefix.len() + length?)
}

/// `"..."` or `#"..."#` with any number of hashes; `r#name` is none.
fn raw(body: &str) -> Option<usize> {
    let hashes = body.bytes().take_while(|byte| *byte == b'#').count();
    let text = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text.find(&end).map_or(body.len(), |at| hashes + 1 + at + end.len()))
}

/// Up to the closing quote; a backslash hides what follows it.
fn quoted(body: &str, quote: u8) -> usize {
    let mut hidden = true; // the opening quote
    for (at, byte) in body.bytes().enumerate() {
        if hidden {
            hidden = false;
        } else if byte == b'\\' {
            hidden = true;
        } else if byte == quote {
            return at + 1;
        }
    }
    body.len()
}

fn character_or_lifetime(body: &str) -> usize {
    let mut chars = body.chars().skip(1);
    let (first, second) = (chars.next(), chars.next());
    if first == Some('\\') || second == Some('\'') { quoted(body, b'\'') } else { 1 + word(&body[1..]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn names_and_signs_are_tokens_with_their_line() {
        let tokens = tokens("use a::b;\nfn c");
        let seen: Vec<_> = tokens.iter().map(|token| (token.text, token.line)).collect();
        assert_eq!(seen, [("use", 1), ("a", 1), ("::", 1), ("b", 1), (";", 1), ("fn", 2), ("c", 2)]);
    }

    #[test]
    fn comments_are_left_out_also_when_they_nest() {
        assert_eq!(words("a // b\n/* c /* d */ e */ f /** g */"), ["a", "f"]);
    }

    #[test]
    fn texts_are_left_out_in_every_spelling() {
        assert_eq!(words(r###"a "x \" y" b"z" r"\" r#"q " q"# br##"s"# s"## c"t" d"###), ["a", "d"]);
    }

    #[test]
    fn a_text_over_several_lines_counts_them() {
        assert_eq!(tokens("\"1\n2\" x")[0].line, 2);
    }

    #[test]
    fn characters_and_lifetimes_are_left_out_and_end_where_they_end() {
        assert_eq!(
            words(r"a 'x' '\'' b'y' '\u{1F600}' 'é' &'static b 'l: loop"),
            ["a", "&", "b", ":", "loop"]
        );
    }

    #[test]
    fn a_name_that_begins_like_a_text_is_a_name() {
        assert_eq!(words("r b br rb r#type brand"), ["r", "b", "br", "rb", "type", "brand"]);
    }

    #[test]
    fn inline_test_modules_are_taken_out_up_to_their_own_end() {
        let source = "a #[cfg(test)] mod t { { b } } c #[cfg(unix)] mod d { e } #[cfg(test)] mod f;";
        let kept: Vec<_> = outside_tests(&tokens(source)).iter().map(|token| token.text).collect();
        let names: Vec<_> =
            kept.into_iter().filter(|text| text.len() == 1 && text.starts_with(is_word_char)).collect();
        assert_eq!(names, ["a", "c", "d", "e", "f"]);
    }

    #[test]
    fn an_unfinished_text_or_comment_ends_with_the_file() {
        assert_eq!(words("a \"b"), ["a"]);
        assert_eq!(words("a /* b"), ["a"]);
        assert_eq!(words("a r#\"b"), ["a"]);
    }
}
