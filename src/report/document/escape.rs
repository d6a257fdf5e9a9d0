//! Text of others in Markdown, so that it stays text when GitHub renders it.
//!
//! A backslash or an entity takes from a character what it means to Markdown. What GitHub looks for
//! afterwards in the finished page (mentions, references, shortcodes of emoji, addresses) takes no
//! notice of either: there a space without width parts the sign from what follows it. The hash of a
//! commit is left alone: it leads nowhere but to that commit.

use std::fmt::Write;

use crate::visible::one_line;

/// A space without width.
const APART: &str = "&#8203;";
/// Before a hyphen and a number these are references.
const REFERENCES: [&str; 3] = ["gh", "ghsa", "cve"];

/// A text as Markdown that renders as that text, on one line: no markup, link, mention, reference,
/// HTML or cell comes of it.
pub fn escape(text: &str) -> String {
    let line = one_line(text);
    let mut escaped = String::new();
    for (at, sign) in line.char_indices() {
        let before = &line[..at];
        let after = line[at + sign.len_utf8()..].chars().next().filter(|next| *next != ' ');
        let is_numbered = || !before.is_empty() && before.bytes().all(|byte| byte.is_ascii_digit());
        match sign {
            '.' if ends_with(before, "www") => escaped.extend([APART, "."]),
            '.' | ')' if is_numbered() && after.is_none() => escaped.extend(['\\', sign]),
            '-' if REFERENCES.iter().any(|word| ends_with(before, word)) => escaped.extend(["-", APART]),
            '-' | '+' | '=' if before.is_empty() => escaped.extend(['\\', sign]),
            ':' if after.is_none() => escaped.push(':'),
            '&' | '<' | '>' | '|' | '$' | '@' | '#' | ':' => {
                let _ = write!(escaped, "&#{};", u32::from(sign));
                if matches!(sign, '$' | '@' | '#' | ':') && after.is_some() {
                    escaped.push_str(APART);
                }
            }
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '~' | '!' | '^' => escaped.extend(['\\', sign]),
            _ => escaped.push(sign),
        }
    }
    escaped
}

/// A hash, a moment or a name of a file as code, in which nothing is looked for; escaped as any text where
/// it is none of these.
pub(in crate::report) fn code(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    if !text.is_empty() && text.bytes().all(is_plain) { format!("`{text}`") } else { escape(text) }
}

fn ends_with(text: &str, word: &str) -> bool {
    let start = text.len().checked_sub(word.len());
    start.and_then(|start| text.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// A text within an element or an attribute of XML.
pub(in crate::report) fn escape_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    //! What GitHub would make of text of others: judged by a Markdown parser with every extension on, and
    //! by what GitHub looks for in the text of the finished page.

    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeStream};

    use super::escape;
    use crate::visible::one_line;

    /// Names as somebody would choose them who wants more than a name.
    const HOSTILE: [&str; 54] = [
        "$(touch x)",
        "`touch x`",
        "``` \n code",
        "::error::all is well",
        "::add-mask::x",
        "##[error]all is well",
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "<!-- hidden",
        "--> seen",
        "</td></tr></table>",
        "<details><summary>",
        "<https://example.org>",
        "<a@example.org>",
        "a | b | c",
        "\\| a \\\\| b",
        "two\nlines",
        "two\r\n\r\n# A heading",
        "@everyone",
        "thanks, @octocat!",
        "@org/team",
        "#1",
        "fixes #12",
        "GH-1",
        "gh-7 CVE-2026-1234 GHSA-2222-3333-4444",
        "owner/repository#5",
        "owner/repository@1234567",
        "[x](javascript:alert(1))",
        "[x][y]",
        "[y]: https://example.org",
        "![](https://example.org/a.png)",
        "![x]()",
        "https://example.org/a?b=c&d",
        "www.example.org",
        "WWW.example.org",
        "mailto:a@example.org",
        "a@example.org",
        "**bold** __bold__ *it* _it_",
        "~~gone~~ ~gone~",
        "# heading",
        "- item",
        "+ item",
        "1. item",
        "1) item",
        "> [!WARNING]",
        "- [x] done",
        "===",
        "---",
        "$x^2$ $$y$$ ^up^ ~down~",
        "[^1] [[wiki]] {.class}",
        "&lt;b&gt; &copy; &#64;x",
        ":white_check_mark: :+1:",
        "\u{202e}gpj.exe \u{200b}\u{2066}x",
        "nul\0 esc\x1b[31m \\ \u{feff}\u{ffff}",
    ];

    /// Every place in which a text of others stands in our Markdown, and at a line's beginning besides.
    const PLACES: [&str; 5] = [
        "TEXT\n",
        "word TEXT word\n",
        "- ok **TEXT**: TEXT\n",
        "### ours: TEXT\n",
        "| a | b |\n|---|---|\n| x | TEXT |\n",
    ];

    /// The events of a parser that knows more markup than GitHub does, with adjacent text joined. That it
    /// would set quotation marks and dashes as a printer does is no markup.
    fn events(markdown: &str) -> Vec<Event<'_>> {
        let options = Options::all().difference(Options::ENABLE_SMART_PUNCTUATION);
        TextMergeStream::new(Parser::new_ext(markdown, options)).collect()
    }

    #[test]
    fn a_hostile_text_makes_the_markup_that_a_word_makes_and_no_other() {
        let shape = |place: &str, text: &str| -> Vec<String> {
            let markdown = place.replace("TEXT", text);
            let reported = events(&markdown).into_iter().map(|event| match event {
                Event::Text(_) => "text".to_owned(),
                other => format!("{other:?}"),
            });
            reported.collect()
        };
        for place in PLACES {
            let plain = shape(place, "word");
            for hostile in HOSTILE {
                let escaped = escape(hostile);
                assert_eq!(shape(place, &escaped), plain, "{hostile:?} as {escaped:?} in {place:?}");
            }
        }
    }

    #[test]
    fn an_escaped_text_renders_as_itself() {
        for text in HOSTILE {
            let escaped = escape(text);
            let rendered: String = events(&escaped)
                .into_iter()
                .map(|event| match event {
                    Event::Text(text) => text.to_string(),
                    Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => String::new(),
                    other => panic!("{text:?} makes {other:?}"),
                })
                .collect();
            assert_eq!(rendered.replace('\u{200b}', ""), one_line(text), "as {escaped:?}");
        }
    }

    #[test]
    fn nothing_that_github_looks_for_in_a_page_is_left_in_the_text() {
        for text in HOSTILE {
            let escaped = escape(text);
            let markdown = format!("word {escaped} word");
            let page: String = events(&markdown)
                .into_iter()
                .filter_map(|event| if let Event::Text(text) = event { Some(text.to_string()) } else { None })
                .collect();
            let page = page.to_ascii_lowercase();
            let letters: Vec<char> = page.chars().collect();
            let joined = letters
                .windows(2)
                .any(|pair| matches!(pair[0], '@' | '#' | ':') && pair[1] != ' ' && pair[1] != '\u{200b}');
            assert!(!joined, "{text:?} is {page:?}");
            for found in ["www.", "://", "gh-1", "gh-7", "cve-2", "ghsa-2", "$x", "\u{202e}", "##["] {
                assert!(!page.contains(found), "{text:?} is {page:?}");
            }
        }
    }

    #[test]
    fn a_common_name_is_hardly_touched() {
        assert_eq!(escape("gpt-oss-20b INT4, 2026.4.1 (base)"), "gpt-oss-20b INT4, 2026.4.1 (base)");
        assert_eq!(escape("feature/faster_decode"), "feature/faster\\_decode");
        assert_eq!(escape("speed: 5.1 % worse"), "speed: 5.1 % worse");
    }
}
