//! Text of others in Markdown, so that it stays text when GitHub renders it.
//!
//! A backslash or an entity takes from a character what it means to Markdown. What GitHub looks for
//! afterwards in the finished page (mentions, references, shortcodes of emoji, addresses) takes no
//! notice of either: there a space without width parts the sign from what follows it. The hash of a
//! commit is left alone: it leads nowhere but to that commit.

#[cfg(test)]
mod tests;

use std::fmt::Write;

use crate::visible::one_line;

/// A space without width.
const APART: &str = "&#8203;";
/// Before a hyphen and a number these are references.
const REFERENCES: [&str; 3] = ["gh", "ghsa", "cve"];

/// A text as Markdown that renders as that text, on one line: no markup, link, mention, reference,
/// HTML or cell comes of it.
#[must_use]
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
